"""How the cells of a table are written, which only its values tell, and what columns of dates give.

Dates that are not written as ISO 8601 has them, numbers with signs that can be read in two ways, and how long something
took, with the hour and the weekday at which it began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import permutations, product
from typing import Any

import pandas as pd
import pyarrow as pa
from pandas.api.types import is_datetime64_any_dtype, is_numeric_dtype, is_string_dtype

from kanopt.errors import TableError
from kanopt.faults import said
from kanopt.formulas.variables import is_name
from kanopt.records.headers import FIELD_WORDS, read_header
from kanopt.scenarios.init.keys import slug
from kanopt.tables import report_of
from kanopt.tables._convert import both_readings, count_matches, two_ways

_SHOWN = 2_000  # cells of a column that are looked at
_DAYS = tuple(
    day.replace("/", sign)
    for day, sign in product(("%d/%m/%Y", "%m/%d/%Y", "%d/%m/%y", "%m/%d/%y", "%Y/%m/%d"), "/.-")
)
_NAMED = ("%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y")
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
_LOOKS_DATED = r"^\s*\w{1,9}[-/. ]\w{1,9}[-/., ]+\d{2,4}"
_NUMBER = rf"{two_ways('.')}|{two_ways(',')}|^[+-]?\d+$"
_ORDERED = 0.95
_SHORTEST, _LONGEST = 1.0, 3 * 1_440.0  # minutes of the median
_WEEKDAYS = frozenset(("weekday", "wday", "dow", "day", "wochentag"))
_HOURS = frozenset(("hour", "hr", "stunde"))
_LEAST_DAYS = 14
_LEAST_TRIPS = 25  # fewer rows from place to place are orders
STRAIGHT = "straight_distance"
"""What the way as the crow flies is called that coordinates give."""


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
    for name, values in _text_columns(frame):
        texts = values.astype(str)
        form = _date_format(texts.head(_SHOWN))
        if form is not None and _dates(texts, form.format) is not None:
            found[name] = form
    return found


def _text_columns(frame: pd.DataFrame) -> list[tuple[str, pd.Series[Any]]]:
    texts = [(str(n), v.dropna()) for n, v in frame.items() if is_string_dtype(v) or v.dtype == object]
    return [(name, values) for name, values in texts if len(values)]


def _date_format(texts: pd.Series[Any]) -> DateFormat | None:
    if not texts.str.contains(_LOOKS_DATED, regex=True).all():
        return None
    forms = map("".join, product((*_DAYS, *_NAMED), _TIMES))
    fitting = {form: dates for form in forms if (dates := _dates(texts, form)) is not None}
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
    for name, values in _text_columns(frame):
        texts = pa.array([text.strip() for text in map(str, values)], pa.string())
        told = both_readings(texts) if 2 * count_matches(texts, _NUMBER) > len(texts) else ""
        if not told:
            continue
        pointed = bool(count_matches(texts, two_ways(".")))
        if not pointed and parted:
            form = {"decimal": ".", "thousands": ","}
        elif commas:
            form |= {"decimal": ",", "thousands": "."} if pointed else {"decimal": ","}
        else:
            raise TableError(
                f"{report.source}: the numbers of column {name!r} can be read in two ways: {said(told)}; write them "
                "without signs between thousands, or with four decimals"
            )
    return form


def propose_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Return new columns that dates and coordinates give, each with the text that is computed for it.

    Weekdays count from 1, a Monday, to 7.

    Parameters
    ----------
    frame
        A table as it was read.

    Examples
    --------
    >>> start = pd.Series(pd.date_range("2024-03-01 06:00", periods=60, freq="7h"))
    >>> back = start + pd.to_timedelta(range(20, 80), "min")
    >>> propose_columns(pd.DataFrame({"left": start, "back": back}))
    {'minutes': 'minutes_between(left, back)', 'left_hour': 'hour(left)', 'left_weekday': 'weekday(left)'}
    """
    dates = [str(name) for name in frame.columns if is_datetime64_any_dtype(frame[name])]
    pieces = {piece for name in frame.columns for piece in read_header(str(name)).pieces}
    found: dict[str, str] = {}
    pair = _began_and_ended(frame, dates)
    if pair is not None:
        name = "minutes" if "minutes" not in frame.columns else f"{slug(pair[0])}_to_{slug(pair[1])}_minutes"
        found[name] = _call(frame, "minutes_between", *pair)
    # of what ended nothing is known beforehand
    for name in dates[:1] if pair is None else pair[:1]:
        values = frame[name].dropna()
        if not pieces & _HOURS and (values.dt.hour + values.dt.minute).nunique() > 2:
            found[f"{slug(name)}_hour"] = _call(frame, "hour", name)
        if not pieces & _WEEKDAYS and (values.max() - values.min()).days >= _LEAST_DAYS:
            found[f"{slug(name)}_weekday"] = _call(frame, "weekday", name)
    places = coordinate_ends(name for name in map(str, frame.columns) if is_numeric_dtype(frame[name]))
    degrees = [ends for ends in places if ends.keys() == {"lat", "lon"}]
    if len(degrees) == 2 and len(frame) >= _LEAST_TRIPS:
        names = [ends[end] for ends in degrees for end in ("lat", "lon")]
        found[STRAIGHT] = _call(frame, "straight_distance", *names)
    return {name: text for name, text in found.items() if text and name not in frame.columns}


def coordinate_ends(headers: Iterable[str]) -> list[dict[str, str]]:
    """Return the headers that say where a row is, place by place: each end of a place to its column.

    Examples
    --------
    >>> coordinate_ends(["start_lat", "start_lng", "crates", "lat", "end_lat", "end_lng"])
    [{'lat': 'start_lat', 'lon': 'start_lng'}, {'lat': 'end_lat', 'lon': 'end_lng'}]
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for name in headers:
        header = read_header(name)
        for end in ("x", "y", "lat", "lon"):
            called_so = {*FIELD_WORDS[end].split(", ")} & {*header.pieces}
            if called_so:
                apart = tuple(word for word in header.words if word not in called_so)
                found.setdefault(apart, {}).setdefault(end, name)
                break
    return [ends for ends in found.values() if ends.keys() in ({"x", "y"}, {"lat", "lon"})]


def _began_and_ended(frame: pd.DataFrame, dates: list[str]) -> tuple[str, str] | None:
    """Return the two times between which something took place; None where no two are so."""
    for began, ended in permutations(dates, 2):
        if str(frame[began].dtype) != str(frame[ended].dtype):
            continue
        took = (frame[ended] - frame[began]).dropna().dt.total_seconds() / 60
        ordered = len(took) > 0 and float((took >= 0).mean()) >= _ORDERED and took.nunique() > 2
        if ordered and _SHORTEST <= float(took.median()) <= _LONGEST:
            return began, ended
    return None


def _call(frame: pd.DataFrame, function: str, *names: str) -> str:
    """Return the text of a function of columns; empty where no text can name them, as with back-quotes in a header."""
    meant = f"{function}({', '.join(names)})"
    if not is_name(meant) or meant in frame.columns:
        return ""
    quoted = (name if name.isidentifier() else f"`{name}`" for name in names)
    return f"{function}({', '.join(quoted)})"
