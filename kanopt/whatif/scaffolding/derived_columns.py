"""Columns that dates of a history give: how long something took, and the hour and weekday at which it began."""

from __future__ import annotations

from itertools import permutations

import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from kanopt.formulas.variables import is_name
from kanopt.records.headers import read_header
from kanopt.whatif.scaffolding.toml_writing import slug

__all__ = ["propose_columns"]

_ORDERED = 0.95
_SHORTEST, _LONGEST = 1.0, 3 * 1_440.0  # minutes of the median
_WEEKDAYS = frozenset(("weekday", "wday", "dow", "day", "wochentag"))
_HOURS = frozenset(("hour", "hr", "stunde"))
_LEAST_DAYS = 14


def propose_columns(frame: pd.DataFrame) -> dict[str, str]:
    """Return new columns, each with the text that is computed for it.

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
        began, ended = pair
        name = "minutes" if "minutes" not in frame.columns else f"{slug(began)}_to_{slug(ended)}_minutes"
        found[name] = _call(frame, "minutes_between", began, ended)
    # of what ended nothing is known beforehand
    for name in [pair[0]] if pair is not None else dates[:1]:
        values = frame[name].dropna()
        if not pieces & _HOURS and (values.dt.hour + values.dt.minute).nunique() > 2:
            found[f"{slug(name)}_hour"] = _call(frame, "hour", name)
        if not pieces & _WEEKDAYS and (values.max() - values.min()).days >= _LEAST_DAYS:
            found[f"{slug(name)}_weekday"] = _call(frame, "weekday", name)
    return {name: text for name, text in found.items() if text and name not in frame.columns}


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
    return f"{function}({', '.join(map(_quoted, names))})"


def _quoted(name: str) -> str:
    return name if name.isidentifier() else f"`{name}`"
