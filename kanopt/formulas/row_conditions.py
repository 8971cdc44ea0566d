"""Conditions on the rows of a table, true, false or unknown where a value is missing (Kleene 1938, J. Symb. Log. 3)."""

from __future__ import annotations

import operator
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.calendar_functions import check_zones
from kanopt.formulas.nodes import Node, computed

__all__ = [
    "AllOf",
    "AnyOf",
    "Comparison",
    "Condition",
    "DateComparison",
    "IsMissing",
    "Not",
    "OneOf",
    "TextIs",
    "Truth",
]

Mask: TypeAlias = NDArray[np.bool_]
Columns: TypeAlias = Mapping[str, Any]

_SIGNS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


class Condition(ABC):
    """Something that holds of a row, does not, or cannot be said of it."""

    @abstractmethod
    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Return where it holds and where it does not; neither, where a value is missing."""


@dataclass(frozen=True)
class Comparison(Condition):
    """Two numbers compared."""

    left: Node
    sign: str
    right: Node

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Compare; a value that is infinite is larger than any."""
        left, right = computed(self.left, columns), computed(self.right, columns)
        return _known(_SIGNS[self.sign](left, right), np.isnan(left) | np.isnan(right))


@dataclass(frozen=True)
class OneOf(Condition):
    """A number that is one of several."""

    left: Node
    values: tuple[float, ...]

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Compare with each."""
        left = computed(self.left, columns)
        return _known(np.isin(left, self.values), np.isnan(left))


@dataclass(frozen=True)
class TextIs(Condition):
    """A text that is one of several."""

    column: str
    texts: frozenset[str]

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Compare whole texts, upper and lower case as they stand."""
        import pandas as pd

        cells = pd.Series(columns[self.column])
        return _known(cells.isin(list(self.texts)).to_numpy(dtype=bool), cells.isna().to_numpy(dtype=bool))


@dataclass(frozen=True)
class DateComparison(Condition):
    """A column of dates compared with a date, or with another column of them."""

    column: str
    sign: str
    other: Any
    is_column: bool = False

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Compare; a date without a time zone is one in the zone of the column.

        Raises
        ------
        FormulaError
            If one of two columns has a zone and the other has none, or a date is no moment in the zone, or two.
        """
        import pandas as pd

        left: pd.Series[Any] = pd.Series(columns[self.column])
        zone = getattr(left.dt, "tz", None)
        if self.is_column:
            right: Any = pd.Series(columns[self.other])
            check_zones({self.column: left, self.other: right})
            missing = left.isna() | right.isna()
        else:
            right, missing = self.other, left.isna()
            if zone is not None and right.tzinfo is None:
                right = right.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
                if pd.isna(right):
                    raise FormulaError(
                        f"{self.other:%Y-%m-%d %H:%M} does not exist in the time zone of {self.column!r}, or exists "
                        "twice; write it with its distance from UTC, as in "
                        f'"{self.other:%Y-%m-%d %H:%M}+01:00"'
                    )
            elif zone is None and right.tzinfo is not None:
                right = right.tz_convert("UTC").tz_localize(None)
        return _known(np.asarray(_SIGNS[self.sign](left, right), dtype=bool), np.asarray(missing, dtype=bool))


@dataclass(frozen=True)
class Truth(Condition):
    """A column of truth values: 1, 0 and NaN."""

    column: str

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Return where it is true and where it is false."""
        values = np.asarray(columns[self.column], dtype=np.float64)
        return _known(values == 1.0, np.isnan(values))


@dataclass(frozen=True)
class IsMissing(Condition):
    """A cell that is blank, or has become so."""

    column: str

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Return where it is missing; that is always known."""
        import pandas as pd

        gone = np.asarray(pd.isna(columns[self.column]), dtype=bool)
        return gone, ~gone


@dataclass(frozen=True)
class Not(Condition):
    """What does not hold."""

    condition: Condition

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Swap; what is unknown stays so."""
        holds, fails = self.condition.masks(columns)
        return fails, holds


@dataclass(frozen=True)
class AllOf(Condition):
    """Several conditions joined by ``and``."""

    conditions: tuple[Condition, ...]

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Hold where all do, fail where one does."""
        fails, holds = AnyOf(tuple(map(Not, self.conditions))).masks(columns)
        return holds, fails


@dataclass(frozen=True)
class AnyOf(Condition):
    """Several conditions joined by ``or``."""

    conditions: tuple[Condition, ...]

    def masks(self, columns: Columns) -> tuple[Mask, Mask]:
        """Hold where one does, fail where all do."""
        holds, fails = self.conditions[0].masks(columns)
        for each in self.conditions[1:]:
            more, less = each.masks(columns)
            holds, fails = holds | more, fails & less
        return holds, fails


def _known(holds: Any, missing: Any) -> tuple[Mask, Mask]:
    holds, missing = np.asarray(holds, dtype=bool), np.asarray(missing, dtype=bool)
    return holds & ~missing, ~holds & ~missing
