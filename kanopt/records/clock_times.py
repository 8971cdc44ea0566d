"""Times of day as people write them: ``8:30``, ``8:30 PM``, ``8h30``, a time of Python or pandas, or a number.

The one reader of clock times. :data:`CLOCK` marks the fields of records that hold some, and
:mod:`kanopt.records.reading` reads their cells here; texts that hold several, such as windows and breaks, are taken
apart here too (:func:`read_spans`). Times count from midnight in the unit of the problem. Hours go on
after 24: ``26:00`` is two o'clock on the next day. Numbers without a unit that look like something else than they count
as, ``7.5`` or ``0830``, are asked back (:func:`unstated_times`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from numbers import Real
from typing import Any

from kanopt.text import clock_text, join_list
from kanopt.units import convert

CLOCK = "clock time"
"""The mark of a field that holds clock times, beside its rules: ``Annotated[float, CLOCK]``."""

_PAST = r"(?::[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)"
_WRITTEN = "|".join(
    [
        rf"(?:0?[1-9]|1[0-2]){_PAST}?\s*[aApP]\.?[mM]\.?",
        rf"\d{{1,3}}{_PAST}(?:\s*[uU]hr)?",
        r"\d{1,3}\s*(?:[hH]|[uU]hr)(?:\s*[0-5]\d)?",
        r"\d{1,3}\.[0-5]\d\s*[uU]hr",
    ]
)
_NUMBER = r"\d+(?:\.\d*)?"
_MOMENT = rf"(?:{_WRITTEN}|{_NUMBER})"
_WRITTEN_CLOCK = re.compile(_WRITTEN)
_SPAN = re.compile(rf"(?:({_NUMBER})\s+in\s+)?({_MOMENT})\s*[-–]\s*({_MOMENT})")
"""A window, or a break with its length in front, within a text."""
_PADDED = re.compile(r"0\d[0-5]\d")
_HOURS_OF_A_DAY = 24.0
_SECONDS_OF_DAYS = 2 * 86_400  # times of the next day are some, too
_QUARTER = 15  # minutes: most times of day in plans are full quarters of an hour


def clock_value(value: object, unit: str) -> float | None:
    """Return what is written as a time of day, in `unit` from midnight; None where it is not written so.

    Examples
    --------
    >>> clock_value("8:30", "min"), clock_value("08:30:45", "h"), clock_value("1:15 pm", "min")
    (510.0, 8.5125, 795.0)
    >>> clock_value(time(8, 30), "min"), clock_value("8h30", "min"), clock_value("8 Uhr", "min")
    (510.0, 510.0, 480.0)
    >>> clock_value("510", "min"), clock_value("8:75", "min")
    (None, None)
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
    if dotted := re.fullmatch(r"(\d+)\.(\d\d)\s*[uU]hr", text):
        return 3600.0 * float(dotted[1]) + 60.0 * float(dotted[2])
    hours, *past = map(float, re.findall(r"\d+(?:\.\d+)?", text))
    if half := re.search(r"[ap](?=\.?m)", text.lower()):
        hours = hours % 12 + (12 if half[0] == "p" else 0)
    return 3600.0 * hours + sum(part * size for part, size in zip(past, (60.0, 1.0), strict=False))


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


def read_spans(text: str, unit: str) -> Iterator[tuple[str, tuple[float | None, float, float] | None]]:
    """Yield the parts of a text of windows or breaks, each with its length, if it has one, and its two ends.

    Instead of these there is None where a part is neither.

    Examples
    --------
    >>> list(read_spans("480-600; 30 in 11:00-13:00, noon", "min"))
    [('480-600', (None, 480.0, 600.0)), ('30 in 11:00-13:00', (30.0, 660.0, 780.0)), ('noon', None)]
    """
    for part in filter(None, map(str.strip, re.split("[,;]", text))):
        if found := _SPAN.fullmatch(part):
            length = None if found[1] is None else float(found[1])
            yield part, (length, moment(found[2], unit), moment(found[3], unit))
        else:
            yield part, None


def holds_windows(text: str) -> bool:
    """Say whether a text begins with a window or a break.

    Bare numbers that fall or are too large for any time of a day, as those of telephones, are neither.

    Examples
    --------
    >>> [holds_windows(text) for text in ("8:00-10:00, 13-15", "30 in 11:00-13:00", "2026-11-27", "0297-551201")]
    [True, True, False, False]
    """
    found = _SPAN.fullmatch(re.split("[,;]", text)[0].strip())
    if found is None:
        return False
    begin, end = found.groups()[1:]
    return any(map(_WRITTEN_CLOCK.fullmatch, (begin, end))) or float(begin) < float(end) <= _SECONDS_OF_DAYS


@dataclass(frozen=True)
class ClockCells:
    """Cells of a column of clock times.

    Parameters
    ----------
    values
        The cells as numbers in the unit of the problem, those of a column of windows as texts with such numbers; what
        is neither stays as it was given.
    bare
        The numbers among the cells, as they were written.
    of_day
        Whether some cell is written as a time of day.
    """

    values: list[Any]
    bare: list[str]
    of_day: bool


def clock_cells(cells: Sequence[Any], source: str, target: str, day: date | None = None) -> ClockCells:
    """Read a column of clock times.

    Parameters
    ----------
    cells
        What is written in it, without the blanks.
    source, target
        The declared unit of its numbers, or an empty text; and the unit of the problem.
    day
        The day of the plan, from whose midnight dates with a time of day count; left out, they stay as they are.

    Examples
    --------
    >>> clock_cells(["8:30", 9, "9.5", "noon"], "h", "min")
    ClockCells(values=[510.0, 540.0, 570.0, 'noon'], bare=['9', '9.5'], of_day=True)
    >>> clock_cells([datetime(2026, 12, 1, 8, 30)], "", "h", date(2026, 11, 30)).values
    [32.5]
    """
    values, bare, of_day = [], [], False
    for cell in cells:
        value = clock_value(cell, target) if day is None else _since(day, cell, target)
        of_day |= value is not None
        if value is None and (number := _number(cell)) is not None:
            bare.append(cell.strip() if isinstance(cell, str) else f"{number:.15g}")
            value = convert(number, source, target) if source else number
        values.append(cell if value is None else value)
    return ClockCells(values, bare, of_day)


def _since(day: date, cell: Any, unit: str) -> float | None:
    """Return a date with a time of day as the time since a day began; any other cell as a time of day."""
    if not isinstance(cell, datetime):
        return clock_value(cell, unit)
    return clock_value(cell - datetime.combine(day, time.min, cell.tzinfo), unit)


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


def window_cells(cells: Sequence[Any], source: str, target: str) -> ClockCells:
    """Read a column of windows or breaks: texts in which numbers count in the unit of the column.

    What is no text stays as it was given.

    Examples
    --------
    >>> window_cells(["8-12, 13:00-15.5", "0.5 in 11:00-13:00"], "h", "min")
    ClockCells(values=['480-720, 13:00-930', '30 in 11:00-13:00'], bare=['8', '12', '15.5'], of_day=True)
    """
    texts = [cell for cell in cells if isinstance(cell, str)]
    ends = [end for text in texts for span in _SPAN.finditer(text) for end in span.groups()[1:]]
    bare = [end for end in ends if not _WRITTEN_CLOCK.fullmatch(end)]

    def converted(span: re.Match[str]) -> str:
        return spans_text(
            [
                [
                    part if _WRITTEN_CLOCK.fullmatch(part) else _plain(convert(float(part), source, target))
                    for part in span.groups()
                    if part is not None
                ]
            ]
        )

    values = [_SPAN.sub(converted, cell) if source and isinstance(cell, str) else cell for cell in cells]
    return ClockCells(values, bare, len(bare) < len(ends))


def _plain(value: float) -> str:
    return str(int(value)) if value.is_integer() else format(value, ".12f").rstrip("0")


def spans_text(spans: Iterable[Any]) -> str:
    """Return windows, or breaks with their length in front, as a text has them.

    Examples
    --------
    >>> spans_text([(480, 720), ("13:00", time(15, 30))]), spans_text([(30, "11:00", "13:00")])
    ('480-720, 13:00-15:30:00', '30 in 11:00-13:00')
    """
    return ", ".join(
        f"{f'{each[0]} in ' if len(each) > 2 else ''}{each[-2]}-{each[-1]}"
        if isinstance(each, (tuple, list)) and len(each) in (2, 3)
        else str(each)
        for each in spans
    )


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


def unstated_times(
    columns: Iterable[tuple[str, Iterable[str]]],
    unit: str,
    *,
    of_day: bool = True,
    beside_written: bool = False,
    declared: bool = True,
) -> str:
    """Return a question where clock times without a unit look like hours, or like 0830 for 8:30.

    Nobody plans the first 24 minutes after midnight, so numbers that all lie between 0 and 24 are hours most likely.
    Four digits with a zero in front are a time of day without its colon, and so are whole numbers most likely that all
    end like minutes, unless more of them are round times when they are counted.

    Parameters
    ----------
    columns
        The columns without a declared unit, or the fields of records, and the numbers in them as they were written.
    unit
        The problem's unit of time.
    of_day
        Whether they are times of a day for certain; if not, only what can be nothing else is asked.
    beside_written
        Whether others of the table are written as times of day, so that these are some for certain too.
    declared
        Whether a unit can be declared, as that of a column can, and not that of a record built by hand.

    Returns
    -------
    str
        Empty where there is nothing to ask.

    Examples
    --------
    >>> print(unstated_times([("shift_start", ["7.5"]), ("shift_end", ["16", "17"])], "min"))
    column 'shift_start' (7.5) and column 'shift_end' (16 to 17): no unit is declared, and in min these would be times \
soon after midnight; are these hours? Then declare the unit 'h', or write times such as 07:30; declare 'min' if they \
are not
    >>> print(unstated_times([("due", ["12.30"])], "min"))
    column 'due' (12.30): no unit is declared, and in min these would be times soon after midnight; are these hours? \
Then declare the unit 'h', in which 12.30 is 12:18, or write times such as 12:30; declare 'min' if they are not
    >>> print(unstated_times([("shift_start", ["0830"]), ("shift_end", ["1700"])], "min"))
    column 'shift_start' (0830) and column 'shift_end' (1700): no unit is declared, and in min 0830 would be 13:50; is \
it 08:30? Then write times such as 08:30; declare 'min' if it is not
    >>> print(unstated_times([("shift_start", ["7.5"])], "min", declared=False))
    shift_start (7.5): in min these would be times soon after midnight; are these hours? Then write times such as \
"07:30"
    >>> unstated_times([("shift_start", ["450"]), ("shift_end", ["1020"])], "min")
    ''
    """
    found = [
        (name, sorted(numbers, key=float))
        for name, texts in columns
        if (numbers := [text for text in texts if math.isfinite(float(text))])
    ]
    every = [text for _, texts in found for text in texts]
    least = 1 if beside_written else 2 if of_day else math.inf
    hours = convert(1.0, "h", unit) > 1 and all(0 <= float(text) <= _HOURS_OF_A_DAY for text in every)
    if run_together := _run_together(every, unit, least):
        meant = f"{int(run_together) // 100:02d}:{int(run_together) % 100:02d}"
        asked = f"in {unit} {run_together} would be {clock_text(float(run_together), unit)}; is it {meant}?"
        write, otherwise = "", "if it is not"
    elif (of_day or beside_written) and hours and any(map(float, every)):
        asked = f"in {unit} these would be times soon after midnight; are these hours?"
        dotted, meant = _dotted(every)
        aside = f", in which {dotted} is {clock_text(float(dotted), 'h')}" if dotted else ""
        write, otherwise = f"declare the unit 'h'{aside}, or ", "if they are not"
    else:
        return ""
    shown = [(name, " to ".join(dict.fromkeys([texts[0], texts[-1]]))) for name, texts in found]
    if not declared:
        told = join_list([f"{name} ({numbers})" for name, numbers in shown])
        return f'{told}: {asked} Then write times such as "{meant}"'
    told = join_list([f"column {name!r} ({numbers})" for name, numbers in shown])
    return (
        f"{told}: no unit is declared, and {asked} Then {write}write times such as {meant}; declare {unit!r} "
        f"{otherwise}"
    )


def _run_together(texts: Sequence[str], unit: str, least: float) -> str:
    """Return one of the numbers that are most likely times of day without a colon, as 0830; empty where none is.

    Fewer than `least` numbers say nothing, unless they begin with zero.
    """
    if padded := [text for text in texts if _PADDED.fullmatch(text)]:
        return padded[0]
    numbers = {float(text): text for text in texts if float(text)}  # zero may be a default
    if len(numbers) < least or not all(
        number.is_integer() and 100 <= number <= 100 * _HOURS_OF_A_DAY and number % 100 < 60
        for number in numbers
    ):
        return ""
    written = sum(number % 100 % _QUARTER == 0 for number in numbers)
    counted = sum(convert(number, unit, "min") % _QUARTER == 0 for number in numbers)
    return next(iter(numbers.values())) if written >= counted else ""


def _dotted(hours: Sequence[str]) -> tuple[str, str]:
    """Return a number that may be a time of day with a point, as 8.30, and that time; else nothing, and an example."""
    for text in hours:
        whole, _, decimals = text.partition(".")
        minutes = int(decimals.ljust(2, "0")) if decimals.isdigit() and len(decimals) <= 2 else 0
        if 0 < minutes < 60 and minutes % 5 == 0 and round(60 * float(text), 6) % 5:
            return text, f"{int(whole):02d}:{minutes:02d}"
    return "", "07:30"
