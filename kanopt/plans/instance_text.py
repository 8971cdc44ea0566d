"""Text of files from strangers: read whole, never executed, every mistake with its file and line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kanopt.errors import FileFormatError
from kanopt.files import read_file
from kanopt.text import number_text

LARGEST_FILE = 100_000_000
LARGEST_NODES = 10_001
"""A problem holds about ten matrices of nodes × nodes numbers: 8 GB at this size, the largest of CVRPLIB's XL set."""

LARGEST_NUMBER = 1e12
_SHOWN = 40


@dataclass(frozen=True)
class TextLines:
    """The lines of a text file.

    Parameters
    ----------
    path
        Where they come from.
    lines
        Without line ends and surrounding blanks.
    """

    path: Path
    lines: tuple[str, ...]

    def refusal(self, message: str, line: int = 0) -> FileFormatError:
        """Return the error that says what is wrong, and in which line (from 1; 0 is the file as a whole)."""
        place = f"{self.path}:{line}" if line else str(self.path)
        return FileFormatError(f"{place}: {message}")

    def numbers(self, tokens: Sequence[str], line: int, what: str) -> list[float]:
        """Read numbers: finite and no larger than a thousand billion.

        Raises
        ------
        FileFormatError
            With the first token that is no such number.
        """
        return [self.number(token, line, what) for token in tokens]

    def number(self, token: str, line: int, what: str) -> float:
        """Read one number; see :meth:`numbers`."""
        try:
            value = float(token)
        except ValueError:
            value = math.nan
        # Python would read 1_000
        if not math.isfinite(value) or "_" in token:
            raise self.refusal(f"{what}: {_short(token)} is not a number", line)
        if abs(value) > LARGEST_NUMBER:
            largest = number_text(LARGEST_NUMBER)
            raise self.refusal(f"{what}: {_short(token)} is larger than {largest}", line)
        return value

    def whole(self, token: str, line: int, what: str, least: int = 0) -> int:
        """Read a whole number of at least `least`.

        Raises
        ------
        FileFormatError
            If it is none.
        """
        value = self.number(token, line, what)
        if value != int(value) or value < least:
            raise self.refusal(f"{what}: {_short(token)} is not a whole number of at least {least}", line)
        return int(value)


def _short(token: str) -> str:
    return repr(token if len(token) <= _SHOWN else token[:_SHOWN] + "…")


def read_lines(path: Path) -> TextLines:
    """Read a text file in UTF-8, or in Latin-1 where it is none.

    Raises
    ------
    FileFormatError
        If the file is empty, too large or no text.
    FileNotFoundError
        If it is missing.
    """
    data = read_file(path, LARGEST_FILE, "an instance file")
    if b"\0" in data:
        raise FileFormatError(f"{path}: this is no text file; give an instance file as it was published")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    if not text.strip():
        raise FileFormatError(f"{path}: the file is empty")
    # not splitlines, which also parts lines at form feeds and other signs that editors do not count
    rows = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return TextLines(path, tuple(row.strip() for row in rows))
