"""Detect text columns that are not categories: numbers stored as text, identifiers, and columns of too many values.

Each of their values would become a category. The law would have one constant per value, which does not generalise to
new rows and takes minutes to learn.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import Any

import numpy as np
import pandas as pd

from kanopt.errors import FitError
from kanopt.surrogates.encoding import is_number, row_name

__all__ = ["refuse_identifiers", "refuse_numbers_as_text"]

MANY = 50
"""Categories up to which a column is no identifier, however few rows there are."""
MOST = 1_000
"""Most values a category may have: each has a parameter in every node of the first layer."""
_RARE = 20
"""Rows below which a value is called rare in the advice."""


def refuse_numbers_as_text(frame: pd.DataFrame) -> None:
    """Refuse a text column if half or more of its distinct values are numbers.

    Columns with categorical dtype are accepted.

    Raises
    ------
    FitError
        With the first cells that are not numbers.
    """
    for place, name in enumerate(frame.columns):
        column = frame.iloc[:, place]
        values = _unique_values(column)
        if values is None or isinstance(column.dtype, pd.CategoricalDtype):
            continue
        odd = [value for value in values if not _is_numeral(value)]
        # Truth and gaps in a column of objects are no text.
        if any(isinstance(value, str) for value in values) and 2 * len(odd) <= len(values):
            raise FitError(_of_numerals(str(name), column, odd))


def refuse_identifiers(frame: pd.DataFrame) -> None:
    """Refuse a text or categorical column with nearly as many values as rows, or with more than can be learned.

    Raises
    ------
    FitError
        If a column has more than 50 values, and more than half as many as there are distinct rows; or more than a
        thousand.
    """
    for place, name in enumerate(frame.columns):
        values = _unique_values(frame.iloc[:, place])
        if values is None or len(values) <= MANY or not isinstance(values[0], (str, int, float, np.generic)):
            continue  # dates and the like are no categories, as the encoding says
        if 2 * len(values) <= _count_distinct_rows(frame):
            if len(values) > MOST:
                raise FitError(_of_many(str(name), frame.iloc[:, place], len(values)))
            continue
        raise FitError(
            f"column {str(name)!r} has {len(values):,} different values in {len(frame):,} rows, such as "
            f"{values[0]!r}: an id, of which nothing can be learned for other rows; leave it out, or derive "
            "groups or numbers from it"
        )


def _unique_values(column: pd.Series[Any]) -> list[Hashable] | None:
    """Return the distinct non-missing values of a text column; None for other columns."""
    if is_number(column) or pd.api.types.is_bool_dtype(column):
        return None
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_complex_dtype(column):
        return None
    try:
        return list(pd.unique(column.dropna().astype(object)))
    except TypeError:  # cells such as lists, which the encoding refuses in its own words
        return None


def _count_distinct_rows(frame: pd.DataFrame) -> int:
    """Return the number of distinct rows, since copies of a row carry no information about an identifier."""
    try:
        return len(frame.drop_duplicates())
    except TypeError:
        return len(frame)


def _is_numeral(value: Hashable) -> bool:
    """Whether a cell is a number or the text of a number, also with a decimal comma."""
    if not isinstance(value, str):
        return not isinstance(value, (bool, np.bool_)) and isinstance(value, (int, float, np.number))
    return any(_is_finite(text) for text in (value, value.replace(",", "."), value.replace(",", "")))


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _of_many(name: str, column: pd.Series[Any], count: int) -> str:
    """Return the message for a column of more values than can be learned, and how to put the rare ones together."""
    rare = int((column.value_counts() < _RARE).sum())
    advice = "Put them into groups that have something in common (a zone, a class of size)"
    if 0 < count - rare < MOST:
        size = f"frame.groupby({name!r})[{name!r}].transform('size')"
        advice = (
            f"{rare:,} of them occur in fewer than {_RARE} rows: put these together, as "
            f"frame[{name!r}].where({size} >= {_RARE}, 'other')"
        )
    return (
        f"column {name!r} has {count:,} different values in {len(column):,} rows, and a law learns at most {MOST:,}. "
        f"{advice}, or leave the column out"
    )


def _of_numerals(name: str, column: pd.Series[Any], odd: list[Hashable]) -> str:
    """Return the message for a column of numbers as text."""
    where = np.flatnonzero(column.isin(odd))[:3]
    cells = ", ".join(f"{column.iloc[row]!r} in {row_name(column.index, row)}" for row in where)
    found = f"numbers kept as text, but for {cells}" if cells else "numbers kept as text"
    return (
        f"column {name!r} holds {found}: every value would be a category of its own. Read the table with "
        "ko.read_table(…, on_bad='missing' or 'drop'), or convert the column with pd.to_numeric(…, errors='coerce'); "
        f"where they are codes, say so: frame[{name!r}].astype('category')"
    )
