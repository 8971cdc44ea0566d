"""A table as read from its source, before cells are checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import TableError, nearest
from kanopt.files import kind_of_no_file, require_path


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
    require_path(path)
    if kind := kind_of_no_file(path):
        raise TableError(f"{path}: is {kind}, not a {what}")
    if not path.is_file():
        beside = [p.name for p in path.parent.iterdir() if p.is_file()] if path.parent.is_dir() else []
        hint = nearest(path.name, beside)
        advice = f"; {hint}" if hint.startswith("did you mean") else ""
        raise TableError(f"no such {what}: {path}{advice}")
