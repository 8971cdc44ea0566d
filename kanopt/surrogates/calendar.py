"""Columns that look like months, weekdays, hours or days of the year, and are learned as ordinary numbers."""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import KanoptWarning

if TYPE_CHECKING:
    from kanopt.kan.ranges import ShapeConstraints
    from kanopt.surrogates.groups import TrainingTable

_WORDS = {
    12: {"month", "months", "monat", "monate"},
    7: {"weekday", "weekdays", "wochentag", "dow", "dayofweek"},
    24: {"hour", "hours", "stunde", "stunden", "uhr"},
    365: {"dayofyear", "yday", "doy"},
}
"""Words in the name of a column that turns once in so many of its values, in English and German."""
MOST = 0.9
"""Share of a turn that the values span: nobody drives on New Year's Day."""
DECIMALS = 9
"""Digits of a number whose unit was changed and changed back."""


def warn_of_periods(table: TrainingTable, asked: ShapeConstraints) -> None:
    """Say of numbers that look like a calendar how they are declared to be a cycle.

    One of which a shape is asked, which no cycle has, is meant to be what it is.
    """
    numbers = table.encoding.numbers
    for feature, values, sign in zip(numbers, table.numbers.T, asked.of_layer(0, len(numbers)), strict=False):
        period, name = period_of(feature.name, values), feature.name
        if period is None or sign:
            continue
        first, last = int(values.min()), int(values.max())
        warnings.warn(
            f"column {name!r} holds the whole numbers {first} to {last} and is learned as an ordinary number, in which "
            f"{last} and {first} are farthest apart; if {first} comes after {last} again, say so: "
            f"periodic={{{name!r}: {period}}} (in a scenario file periodic = {{ {name} = {period} }})",
            KanoptWarning,
            stacklevel=5,
        )


def period_of(name: str, values: NDArray[np.float64]) -> int | None:
    """Return the period that a column has by its name and its values, None where they do not say so both.

    Examples
    --------
    >>> month = np.array([1.0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    >>> period_of("order_month", month), period_of("months_since_service", month * 2), period_of("size", month)
    (12, None, None)
    """
    words = set(re.findall(r"[a-zäöü]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()))
    joined = "".join(re.findall(r"[a-z]+", name.lower()))
    for period, known in _WORDS.items():
        if words & known or joined in known:
            held, leap = np.unique(np.round(values, DECIMALS)), period == 365
            for first in (0, 1):
                turn = np.arange(first, first + period + leap)
                wide = np.ptp(held) >= MOST * (period - 1) and len(held) > period // 2
                if wide and np.isin(held, turn).all():
                    return period
    return None
