"""Whether the numbers of a text file have decimal commas, which only its values tell."""

from __future__ import annotations

import re

import pandas as pd
from pandas.api.types import is_string_dtype

__all__ = ["number_format"]

_SHOWN = 2_000  # cells of a column that are looked at
_WITH_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?")
_CERTAIN = re.compile(r"[+-]?(\d+,(\d{1,2}|\d{4,})|\d{1,3}(\.\d{3})+,\d+)")
"""A comma before three digits may part thousands; before fewer or more, or behind a point, it is that of a decimal."""
_GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")


def number_format(frame: pd.DataFrame) -> dict[str, str | int]:
    """Return the keys of ``form`` that a text file needs for its decimal commas; none where it has none.

    It has them where in some column most cells are such numbers, and a cell of it can be nothing else.

    Parameters
    ----------
    frame
        The file as it is read without them: numbers with a comma are texts.
    """
    columns = [
        [text.strip() for text in map(str, values.dropna().head(_SHOWN))]
        for _, values in frame.items()
        if is_string_dtype(values) or values.dtype == object
    ]
    found = [cells for cells in columns if _has_commas(cells)]
    if not found:
        return {}
    grouped = any(_GROUPED.fullmatch(cell) for cells in found for cell in cells)
    return {"decimal": ",", "thousands": "."} if grouped else {"decimal": ","}


def _has_commas(cells: list[str]) -> bool:
    numbers = sum(bool(_WITH_COMMA.fullmatch(cell)) for cell in cells)
    return numbers > len(cells) / 2 and any(_CERTAIN.fullmatch(cell) for cell in cells)
