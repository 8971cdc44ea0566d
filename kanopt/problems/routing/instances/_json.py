"""JSON from strangers: read to a limit, every number finite, every value of the kind it must be."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FileFormatError, nearest
from kanopt.problems.routing.instances._text import LARGEST_FILE, LARGEST_NUMBER, require_file
from kanopt.text import number_text

Floats = NDArray[np.float64]


def read_bytes(path: Path) -> bytes:
    """Return the content of a file, unpacked where its name ends in ``.gz``.

    Raises
    ------
    FileFormatError
        If the file is missing, too large packed or unpacked, or a damaged archive.
    """
    require_file(path)
    if path.suffix != ".gz":
        return path.read_bytes()
    try:
        with gzip.open(path) as file:
            # a small archive may hold terabytes
            content = file.read(LARGEST_FILE + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(f"{path}: the archive is damaged or cut off: {error}") from None
    if len(content) > LARGEST_FILE:
        raise FileFormatError(
            f"{path}: unpacks to more than {LARGEST_FILE:,} bytes, more than an instance has"
        )
    return content


def load_json(content: bytes, path: Path) -> JsonObject:
    """Parse a JSON object.

    Raises
    ------
    FileFormatError
        If it is no JSON object, or has numbers that are not finite or too long; names the line where it is known.
    """
    try:
        data = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except UnicodeDecodeError:
        raise FileFormatError(f"{path}: this is no text in UTF-8") from None
    except RecursionError:
        raise FileFormatError(f"{path}: the JSON nests too deep for an instance") from None
    except json.JSONDecodeError as error:
        raise FileFormatError(f"{path}:{error.lineno}: no JSON, or cut off: {error.msg}") from None
    except ValueError as error:
        raise FileFormatError(f"{path}: {str(error)[:200]}") from None
    if not isinstance(data, dict):
        raise FileFormatError(f"{path}: an instance is a JSON object, not a {type(data).__name__}")
    return JsonObject(path, data)


def _refuse_constant(word: str) -> float:
    raise ValueError(f"{word} is not a number that an instance can have")


class JsonObject:
    """A JSON object, and the file it comes from.

    Parameters
    ----------
    path
        Named in messages.
    data
        The object.
    where
        Key of the object within the file, with a dot at the end; empty for the whole.
    """

    def __init__(self, path: Path, data: Mapping[str, Any], where: str = "") -> None:
        self.path = path
        self.data = data
        self.where = where

    def refusal(self, key: str, message: str) -> FileFormatError:
        """Return an error about a key."""
        return FileFormatError(f"{self.path}: {self.where}{key}: {message}")

    def get(self, key: str) -> Any:
        """Return a value that must be there.

        Raises
        ------
        FileFormatError
            If it is missing.
        """
        if key not in self.data:
            raise self.refusal(key, f"is missing; {nearest(key, map(str, self.data))}")
        return self.data[key]

    def inner(self, key: str) -> JsonObject:
        """Return an object within this one."""
        value = self.get(key)
        if not isinstance(value, dict):
            raise self.refusal(key, f"must be an object, not a {type(value).__name__}")
        return JsonObject(self.path, value, f"{self.where}{key}.")

    def text(self, key: str) -> str:
        """Return a text."""
        value = self.get(key)
        if not isinstance(value, str):
            raise self.refusal(key, f"must be a text, not {str(value)[:40]!r}")
        return value

    def whole(self, key: str, least: int, most: int) -> int:
        """Return a whole number within limits."""
        value = self.get(key)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.refusal(
                key, f"must be a whole number from {least:,} to {most:,}, not {str(value)[:40]}"
            )
        return value

    def number(self, key: str) -> float:
        """Return a number."""
        return float(self.numbers(key, ()))

    def numbers(self, key: str, shape: tuple[int, ...]) -> Any:
        """Return an array of numbers of a shape.

        Raises
        ------
        FileFormatError
            If the shape is another, or something is no number or larger than a thousand billion.
        """
        found = as_numbers(self.get(key))
        if found is None or found.shape != shape:
            wanted = " × ".join(map(str, shape)) + " numbers" if shape else "a number"
            raise self.refusal(key, f"must be {wanted}, none larger than {number_text(LARGEST_NUMBER)}")
        return found


def as_numbers(value: Any) -> Floats | None:
    """Return nested lists of numbers as an array; None where they are ragged, too large or hold anything else."""
    try:
        found = np.array(value)
    except ValueError:
        return None
    if found.dtype.kind not in "iuf" or not (np.abs(found) <= LARGEST_NUMBER).all():
        return None
    return found.astype(np.float64)
