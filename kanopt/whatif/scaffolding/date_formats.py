"""How the dates of text columns are written, where that is not as ISO 8601 has them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd
from pandas.api.types import is_string_dtype

__all__ = ["DateFormat", "date_formats"]

_SHOWN = 2_000  # cells of a column that are looked at
_DAYS = tuple(
    day.replace("/", sign)
    for day, sign in product(("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%Y/%m/%d"), "/.-")
)
_NAMED = ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")


@dataclass(frozen=True)
class DateFormat:
    """How the dates of a column are written.

    Parameters
    ----------
    format
        As in :meth:`datetime.datetime.strptime`.
    rival
        Another format that reads every cell as well: whether the day or the month comes first is not known.
    """

    format: str
    rival: str = ""


def date_formats(frame: pd.DataFrame) -> dict[str, DateFormat]:
    """Return the format of each column of texts that are dates, which fits all of them.

    Where the day and the month could be either, rows that follow each other in time tell them apart; else the day is
    taken to come first, or the month where times have am and pm, and the other format is named.

    Parameters
    ----------
    frame
        A table as it was read: what it does not take for dates are texts.

    Examples
    --------
    >>> date_formats(pd.DataFrame({"left": ["3/14/2024 6:05", "4/2/2024 16:30"]}))
    {'left': DateFormat(format='%m/%d/%Y %H:%M', rival='')}
    """
    found = {}
    for name, values in frame.items():
        if is_string_dtype(values) or values.dtype == object:
            texts = values.dropna().astype(str)
            form = _format(texts.head(_SHOWN))
            if form is not None and _dates(texts, form.format) is not None:
                found[str(name)] = form
    return found


def _format(texts: pd.Series[Any]) -> DateFormat | None:
    if not len(texts) or not texts.str.contains(r"^\s*\w{1,9}[-/. ]\w{1,9}[-/., ]+\d{2,4}", regex=True).all():
        return None
    fitting = {
        form: dates
        for form in map("".join, product((*_DAYS, *_NAMED), _TIMES))
        if (dates := _dates(texts, form)) is not None
    }
    if len(fitting) < 2:
        return next(map(DateFormat, fitting), None)
    in_order = [form for form, dates in fitting.items() if dates.is_monotonic_increasing]
    if len(in_order) == 1 and fitting[in_order[0]].nunique() > 2:
        return DateFormat(in_order[0])
    # the day stands first in the list, and am and pm are written where the month does
    first, *others = sorted(fitting, key=lambda form: "%p" in form and form.startswith("%d"))
    return DateFormat(first, others[0])


def _dates(texts: pd.Series[Any], form: str) -> pd.Series[Any] | None:
    """Return the dates; None where one is not written so."""
    if pd.isna(pd.to_datetime(texts.iloc[0], format=form, errors="coerce")):
        return None
    dates = pd.to_datetime(texts, format=form, errors="coerce")
    return None if dates.isna().any() else dates
