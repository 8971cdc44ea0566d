"""A table as read from its source, before cells are checked, and where its names and units stand."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FileFormatError, TableError
from kanopt.files import require_file as require_regular
from kanopt.units import UNIT_WORDS

_WIDE = 0.6
_PER = re.compile(r" */ *| +(?:per|pro|je|par|por|za) +")
_NO_UNIT = re.compile(r"-*|[dhmsyajt]{1,4}([:./-][dhmsyajt]{1,4})+", re.IGNORECASE)
"""What stands in a row of units where a column has none: nothing, or how times and dates are written."""
_PLAIN_NUMBER = re.compile(r"[+-]?\d[\d.,' \u00a0\u202f]*")


@dataclass(frozen=True)
class RawTable:
    """The unchecked cells of a source.

    Parameters
    ----------
    source, format, sha256
        As in :class:`~kanopt.tables.TableReport`.
    names
        The columns' names, spaces removed; may repeat.
    columns
        One Arrow chunked array per column, all of the same length.
    mixed_types
        Whether a column's kind is to be read off its cells (text files, mixed objects), or is declared by the
        source.
    width
        Cells a whole row has.
    rows
        The row of each record as a person would count it, shape (n,).
    row_word
        What the rows are called: ``"row"`` in a text file, ``"record"`` elsewhere.
    ragged
        Rows that have too few or too many cells: their numbers and numbers of cells, shape (m, 2).
    notes
        What was decided so far.
    units
        Units that the source itself declares, by the column's name.
    separator
        What stands between the cells of a text file; blank elsewhere.
    """

    source: str
    format: str
    sha256: str
    names: tuple[str, ...]
    columns: tuple[Any, ...]
    mixed_types: tuple[bool, ...]
    width: int
    rows: NDArray[np.int64]
    row_word: str = "record"
    ragged: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    notes: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    separator: str = ""

    def described(self, source: str, form: str, notes: Sequence[str] = ()) -> RawTable:
        """Return it with what its source is and how that is written, and notes before its own."""
        return replace(self, source=source, format=form, notes=(*notes, *self.notes))


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_strings(values: Any) -> list[str | None]:
    """Return mixed values as texts; what is missing (None, NaN, pandas' NA) stays None."""
    return [None if value is None or value is pd.NA or value != value else str(value) for value in values]


def require_file(path: Path, what: str) -> None:
    """Raise a TableError that names the nearest file where there is none."""
    try:
        require_regular(path, what)
    except (FileFormatError, FileNotFoundError) as error:
        raise TableError(str(error)) from None


def header_row(rows: Sequence[Sequence[str]]) -> int:
    """Return in which of the first rows the names of columns seem to stand: the first that is about as wide as others.

    A row with a number in it holds names only where it is as wide as any: above a table stand a title or a date.

    Examples
    --------
    >>> header_row([["Tours of Monday", "", ""], ["Stop", "2025", "2026"], ["A", "1", "2"]])
    2
    """
    filled = [[cell for cell in row if cell.strip()] for row in rows]
    widest = max(map(len, filled), default=0)
    for place, cells in enumerate(filled, start=1):
        if cells and len(cells) >= (widest if any(map(is_number, cells)) else _WIDE * widest):
            return place
    return 1


def units_below(header: Sequence[str], ahead: Sequence[Sequence[str]]) -> dict[str, str] | None:
    """Return column to unit where the row below the header holds units alone, over numbers; None where it does not.

    What is counted piece by piece has none to declare: the header says of what.

    Parameters
    ----------
    header
        The names of the columns.
    ahead
        The two rows below them.

    Examples
    --------
    >>> units_below(["Trip", "Way", "Price"], [["", "[km]", "€/km"], ["A", "12", "1,5"]])
    {'Way': 'km', 'Price': 'EUR/km'}
    """
    if len(ahead) < 2 or any(len(row) != len(header) for row in ahead):
        return None
    units = [_unit_written(cell) for cell in ahead[0]]
    told = [
        unit or bool(_NO_UNIT.fullmatch(cell.strip())) for cell, unit in zip(ahead[0], units, strict=True)
    ]
    numbers = [bool(_PLAIN_NUMBER.fullmatch(cell.strip())) for cell in ahead[1]]
    if not all(told) or not any(unit and number for unit, number in zip(units, numbers, strict=True)):
        return None
    columns = zip(header, units, numbers, strict=True)
    return {name: unit for name, unit, number in columns if unit and unit != "pcs" and number}


def _unit_written(cell: str) -> str:
    """Return the unit that a cell is, such as the EUR/km of [€/km]; empty where it is none."""
    plain = unicodedata.normalize("NFKD", cell.strip(" []().").replace("ł", "l"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign)).lower()
    parts = [UNIT_WORDS.get(part.strip(" .")) for part in _PER.split(plain)]
    return "/".join(filter(None, parts)) if len(parts) < 3 and all(parts) else ""


def is_number(cell: str) -> bool:
    """Say whether a cell is a number as programs write it."""
    try:
        float(cell)
    except ValueError:
        return False
    return True
