"""Times of day as people write them: ``8:30``, ``08:30:00``, ``8:30 PM``, a time of Python or pandas, or a number.

The one reader of clock times. :data:`CLOCK` marks the fields of records that hold some, and
:mod:`kanopt.problems.record_reader` reads their cells here; texts that hold several, such as windows, take their
pattern from here (:data:`MOMENT`). Times count from midnight in the unit of the problem. Hours go on after 24:
``26:00`` is two o'clock on the next day.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

from kanopt.text import clock_text, join_list, number_text
from kanopt.units import convert

__all__ = [
    "CLOCK",
    "MOMENT",
    "ClockCells",
    "clock_cells",
    "clock_value",
    "moment",
    "next_day_hint",
    "unstated_hours",
    "window_cells",
]

CLOCK = "clock time"
"""The mark of a field that holds clock times, beside its rules: ``Annotated[float, CLOCK]``."""

_PAST = r"(?::[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)"
_WRITTEN = rf"(?:0?[1-9]|1[0-2]){_PAST}?\s*[aApP]\.?[mM]\.?|\d{{1,3}}{_PAST}"
_NUMBER = r"\d+(?:\.\d*)?"
MOMENT = rf"(?:{_WRITTEN}|{_NUMBER})"
"""The pattern of a clock time within a text: written as one, or a number in the unit of the column."""

_CLOCK = re.compile(r"(\d+)(?::(\d+))?(?::([\d.]+))?\s*([ap]?)\.?m?\.?", re.IGNORECASE)
_WRITTEN_CLOCK = re.compile(_WRITTEN)
_TOKEN = re.compile(rf"({_WRITTEN})|{_NUMBER}")
_SPAN = re.compile(rf"({MOMENT})\s*-\s*({MOMENT})")
_HOURS_OF_A_DAY = 24.0


def clock_value(value: object, unit: str) -> float | None:
    """Return what is written as a time of day, in `unit` from midnight; None where it is not written so.

    Examples
    --------
    >>> clock_value("8:30", "min"), clock_value("08:30:45", "h"), clock_value("1:15 pm", "min")
    (510.0, 8.5125, 795.0)
    >>> clock_value(time(8, 30), "min"), clock_value("510", "min"), clock_value("8:75", "min")
    (510.0, None, None)
    """
    if isinstance(value, time):
        seconds = 3600.0 * value.hour + 60.0 * value.minute + value.second + value.microsecond / 1e6
    elif isinstance(value, timedelta):  # pandas reads the times of some files as durations from midnight
        seconds = value.total_seconds()
    elif isinstance(value, str) and _WRITTEN_CLOCK.fullmatch(value.strip()):
        seconds = _seconds(value.strip())
    else:
        return None
    return convert(seconds, "s", unit)


def _seconds(text: str) -> float:
    match = _CLOCK.fullmatch(text)
    assert match is not None
    hours, half = int(match[1]), match[4].lower()
    if half:
        hours = hours % 12 + (12 if half == "p" else 0)
    return 3600.0 * hours + 60.0 * int(match[2] or 0) + float(match[3] or 0)


def moment(text: str, unit: str) -> float:
    """Read a clock time or a number in `unit`.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> moment("8:30", "min"), moment("510", "min")
    (510.0, 510.0)
    """
    written = clock_value(text, unit)
    return float(text) if written is None else written


@dataclass(frozen=True)
class ClockCells:
    """Cells of a column of clock times.

    Parameters
    ----------
    values
        The cells as numbers in the unit of the problem, those of a column of windows as texts with such numbers; what
        is neither stays as it was given.
    bare
        The numbers among the cells, as they were given.
    of_day
        Whether some cell is written as a time of day.
    """

    values: list[Any]
    bare: list[float]
    of_day: bool


def clock_cells(cells: Sequence[Any], source: str, target: str) -> ClockCells:
    """Read a column of clock times.

    Parameters
    ----------
    cells
        What is written in it, without the blanks.
    source, target
        The declared unit of its numbers, or an empty text; and the unit of the problem.

    Examples
    --------
    >>> clock_cells(["8:30", 9, "9.5", "noon"], "h", "min")
    ClockCells(values=[510.0, 540.0, 570.0, 'noon'], bare=[9.0, 9.5], of_day=True)
    """
    written = [clock_value(cell, target) for cell in cells]
    numbers = [
        _number(cell) if time_of_day is None else None
        for cell, time_of_day in zip(cells, written, strict=True)
    ]
    values = []
    for cell, time_of_day, number in zip(cells, written, numbers, strict=True):
        converted = number if number is None or not source else convert(number, source, target)
        values.append(next((value for value in (time_of_day, converted) if value is not None), cell))
    bare = [number for number in numbers if number is not None]
    return ClockCells(values, bare, any(time_of_day is not None for time_of_day in written))


def _number(cell: Any) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, (str, Real, Decimal)):
        return None
    if isinstance(cell, str) and "_" in cell:
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def window_cells(cells: Sequence[str], source: str, target: str) -> ClockCells:
    """Read a column of windows or breaks: texts in which numbers count in the unit of the column.

    Examples
    --------
    >>> window_cells(["8-12, 13:00-15.5", "0.5 in 11:00-13:00"], "h", "min")
    ClockCells(values=['480-720, 13:00-930', '30 in 11:00-13:00'], bare=[8.0, 12.0, 15.5], of_day=True)
    """
    ends = [end for cell in cells for span in _SPAN.finditer(cell) for end in span.groups()]
    bare = [float(end) for end in ends if not _WRITTEN_CLOCK.fullmatch(end)]
    values = [_in_unit(cell, source, target) if source else cell for cell in cells]
    return ClockCells(values, bare, len(bare) < len(ends))


def _in_unit(text: str, source: str, target: str) -> str:
    """Convert the numbers of a text; what is written as a time of day needs no unit."""
    return _TOKEN.sub(
        lambda found: found[0] if found[1] else _plain(convert(float(found[0]), source, target)), text
    )


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() else format(value, ".12f").rstrip("0")


def next_day_hint(ends: Sequence[float], unit: str) -> str:
    """Return how to write ends that lie on the next day, for a message that they come too early.

    Examples
    --------
    >>> next_day_hint([120.0], "min"), next_day_hint([2000.0], "min")
    ('; 02:00 on the next day is written 26:00', '')
    """
    day = convert(_HOURS_OF_A_DAY, "h", unit)
    if not ends or not all(0 <= end < day for end in ends):
        return ""
    hours, minutes = divmod(round(convert(ends[0], unit, "min")), 60)
    return f"; {clock_text(ends[0], unit)} on the next day is written {hours + 24:.0f}:{minutes:02.0f}"


def unstated_hours(
    columns: Iterable[tuple[str, Iterable[float]]], unit: str, *, declared: bool = True
) -> str:
    """Return a question where clock times without a unit look like hours, though the problem counts in less.

    Nobody plans the first 24 minutes after midnight, so numbers that all lie between 0 and 24 are hours most likely.

    Parameters
    ----------
    columns
        The columns without a declared unit, or the fields of records, and the numbers in them.
    unit
        The problem's unit of time.
    declared
        Whether a unit can be declared, as that of a column can, and not that of a record built by hand.

    Returns
    -------
    str
        Empty where there is nothing to ask.

    Examples
    --------
    >>> print(unstated_hours([("shift_start", [7.5]), ("shift_end", [16.0, 17.0])], "min"))
    column 'shift_start' (7.5) and column 'shift_end' (16 to 17): no unit is declared, and in min these would be times \
soon after midnight; are these hours? Then declare the unit 'h', or write times such as 07:30; declare 'min' if they \
are not
    >>> print(unstated_hours([("shift_start", [7.5])], "min", declared=False))
    shift_start (7.5): in min these would be times soon after midnight; are these hours? Then write times such as \
"07:30"
    >>> unstated_hours([("shift_start", [450.0])], "min")
    ''
    """
    found = [
        (name, sorted(numbers))
        for name, values in columns
        if (numbers := list(filter(math.isfinite, values)))
    ]
    every = [number for _, numbers in found for number in numbers]
    if convert(1.0, "h", unit) <= 1 or not every or not 0 < max(every) <= _HOURS_OF_A_DAY or min(every) < 0:
        return ""
    soon = f"in {unit} these would be times soon after midnight; are these hours?"
    if not declared:
        told = join_list([f"{name} ({_range(numbers)})" for name, numbers in found])
        return f'{told}: {soon} Then write times such as "07:30"'
    told = join_list([f"column {name!r} ({_range(numbers)})" for name, numbers in found])
    return (
        f"{told}: no unit is declared, and {soon} Then declare the unit 'h', or write times such as 07:30; declare "
        f"{unit!r} if they are not"
    )


def _range(numbers: list[float]) -> str:
    low, high = number_text(numbers[0]), number_text(numbers[-1])
    return low if low == high else f"{low} to {high}"
