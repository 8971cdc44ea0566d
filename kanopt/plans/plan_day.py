"""The day a plan is for, and what laws read of it: what a column of dates gives in a history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from functools import cache

import numpy as np

from kanopt.errors import ProblemError
from kanopt.faults import Fault, Setting
from kanopt.formulas.calendar_functions import CALENDAR
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.references import Reference, ReferenceValue

DAY_REFERENCES: Mapping[str, str] = {
    f"day.{name}": function.unit
    for name, function in CALENDAR.items()
    if function.arguments == 1 and not function.takes_clock
}
"""What laws may read of the day of a plan, each with its unit."""


def read_day(given: object) -> date | None:
    """Return the day of a plan: a date, or one written as ``"2026-03-02"``; None where none is stated.

    Raises
    ------
    ProblemError
        If it is no day.

    Examples
    --------
    >>> read_day("2026-03-02")
    datetime.date(2026, 3, 2)
    """
    if given is None:
        return None
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        if isinstance(given, str):
            return date.fromisoformat(given)
    except ValueError:
        pass
    raise ProblemError(f'day: {str(given)!r:.80} is no day; write year, month and day, as in "2026-03-02"')


@cache
def day_value(day: date | None, reference: Reference) -> ReferenceValue:
    """Return what a law reads of the day of a plan, one number.

    Examples
    --------
    >>> float(day_value(date(2026, 3, 2), Reference("day", "weekday")).values)
    1.0
    """
    import pandas as pd

    function = CALENDAR[reference.field]
    found = function.value(pd.Series([day], dtype="datetime64[ns]"))
    return ReferenceValue(np.asarray(found[0]), function.unit)


def laws_without_day(laws: Mapping[str, object], day: object) -> Iterator[Fault]:
    """Yield, for each law that reads the day of the plan where none is stated, what to write.

    Parameters
    ----------
    laws
        What was given as laws, by what each is called.
    day
        The day of the plan; None where none is stated.
    """
    for what, law in laws.items():
        read = law.references if isinstance(law, BoundFormula) else ()
        of_day = [str(each) for each in read if str(each) in DAY_REFERENCES]
        if of_day and day is None:
            advice = ("write ", Setting("day", "2026-03-02"), ", the day of the plan")
            yield Fault(
                what, f"it reads {of_day[0]!r}, but no day is stated", advice=advice, reference=of_day[0]
            )
