"""How the numbers of a text file are written, which only its values tell."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_string_dtype

from kanopt.errors import TableError
from kanopt.faults import said
from kanopt.tables import report_of
from kanopt.tables._number_signs import both_readings, count_matches, two_ways

__all__ = ["number_format"]

_NUMBER = rf"{two_ways('.')}|{two_ways(',')}|^[+-]?\d+$"


def number_format(frame: pd.DataFrame, *, commas: bool = False) -> dict[str, str | int]:
    """Return the keys of ``form`` that a text file needs for its numbers; none where it is read rightly without them.

    Of numbers that can be read in two ways, a comma stands between thousands in a file whose cells are parted by
    commas; elsewhere they are read as those of the files beside it where these have decimal commas.

    Parameters
    ----------
    frame
        The file as it is read without them: a column with cells that can be read in two ways is text.
    commas
        Whether files beside it have decimal commas.

    Raises
    ------
    TableError
        If the numbers of a column can be read in two ways.
    """
    report = report_of(frame)
    if report.signs.get("decimal") == ",":
        return dict(report.signs)
    parted = report.format.partition("separator ")[2].startswith(("comma", "','"))
    form: dict[str, str | int] = {}
    for name, values in frame.items():
        if not is_string_dtype(values) and values.dtype != object:
            continue
        texts = pa.array([text.strip() for text in map(str, values.dropna())], pa.string())
        if 2 * count_matches(texts, _NUMBER) > len(texts) and (told := both_readings(texts)):
            pointed = bool(count_matches(texts, two_ways(".")))
            if not pointed and parted:
                form = {"decimal": ".", "thousands": ","}
            elif commas:
                form |= {"decimal": ",", "thousands": "."} if pointed else {"decimal": ","}
            else:
                raise TableError(
                    f"{report.source}: the numbers of column {name!r} can be read in two ways: {said(told)}; write "
                    "them without signs between thousands, or with four decimals"
                )
    return form
