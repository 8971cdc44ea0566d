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
_NUMBER = re.compile(r"[+-]?[\d.,]+")
_PARTED = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?")


def number_format(
    frame: pd.DataFrame, *, commas: bool = False, parted_by_commas: bool = False
) -> dict[str, str | int]:
    """Return the keys of ``form`` that a text file needs for its numbers; none where they are as programs write them.

    It has decimal commas where in some column most cells are such numbers, and a cell of it can be nothing else.
    Points part thousands where every point stands before three digits and commas are decimal, here or in files
    beside; commas do where every comma stands so and a point is decimal, or none is.

    Parameters
    ----------
    frame
        The cells of the file as texts.
    commas
        Whether files beside it have decimal commas.
    parted_by_commas
        Whether commas part its cells, so that whoever wrote it hardly has decimal ones.
    """
    columns = [
        [text.strip() for text in map(str, values.dropna().head(_SHOWN)) if text.strip()]
        for _, values in frame.items()
        if is_string_dtype(values) or values.dtype == object
    ]
    decimal = any(_has_commas(cells) for cells in columns)
    numbers = [cells for cells in columns if cells and all(_NUMBER.fullmatch(cell) for cell in cells)]
    pointed = [cell for cells in numbers for cell in cells if "." in cell]
    grouped = bool(pointed) and all(_GROUPED.fullmatch(cell) for cell in pointed)
    if decimal or (commas and grouped):
        return {"decimal": ",", "thousands": "."} if grouped else {"decimal": ","}
    parted = [cell for cells in numbers for cell in cells if "," in cell]
    if (parted_by_commas or pointed) and parted and all(_PARTED.fullmatch(cell) for cell in parted):
        return {"thousands": ","}
    return {}


def _has_commas(cells: list[str]) -> bool:
    numbers = sum(bool(_WITH_COMMA.fullmatch(cell)) for cell in cells)
    return numbers > len(cells) / 2 and any(_CERTAIN.fullmatch(cell) for cell in cells)
