"""Decisions and constraints: records that validate themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from kanopt.errors import ProblemError
from kanopt.formulas.binding import BoundFormula
from kanopt.formulas.variables import Variable
from kanopt.problems.records import Attribute
from kanopt.units import check_unit

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Constraint", "Decision", "LawLike", "at_least", "at_most", "equal_to"]

LawLike: TypeAlias = "Formula | BoundFormula | Mapping[str, float]"
"""A formula whose inputs are called like decisions, a bound one, or a linear row: decision to coefficient."""


@dataclass(frozen=True)
class Decision:
    """A number to be chosen from a range.

    Parameters
    ----------
    name
        What it is called; inputs of formulas are matched by it.
    low, high
        The range, both ends included and finite.
    unit
        Its unit; an input in another unit of the same kind is converted.
    integer
        Whether it is a whole number.
    attributes
        Further columns of the table.

    Raises
    ------
    ProblemError
        If the range is infinite or holds no value.
    UnitError
        If the unit is unknown.

    Examples
    --------
    >>> Decision("vans", 0, 12, integer=True).values
    '0 to 12, whole'
    """

    name: str
    low: float
    high: float
    unit: str = ""
    integer: bool = False
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name.strip():
            raise ProblemError(f"decision {self.name!r:.80}: a name is a text that is not empty")
        Variable(self.name)
        for end in ("low", "high"):
            object.__setattr__(self, end, self._number(end))
        object.__setattr__(self, "unit", check_unit(self.unit))
        if self.low > self.high:
            raise ProblemError(
                f"decision {self.name!r}: its range from {self.low:g} to {self.high:g} holds no number; "
                "swap the ends"
            )
        if self.integer and math.floor(self.high) < math.ceil(self.low):
            raise ProblemError(
                f"decision {self.name!r}: no whole number lies from {self.low:g} to {self.high:g}; widen the range"
            )

    def _number(self, end: str) -> float:
        given = getattr(self, end)
        try:
            number = float(given)
        except (TypeError, ValueError):
            number = math.nan
        if math.isnan(number):
            raise ProblemError(f"decision {self.name!r}: {end} is {given!r:.80}, which is no number")
        if math.isinf(number):
            raise ProblemError(
                f"decision {self.name!r}: its range has no {'lower' if end == 'low' else 'upper'} end "
                f"({end} = {number:g}); give a finite one, as far out as it could reasonably be"
            )
        return number

    @property
    def values(self) -> str:
        """Its range in words."""
        whole = ", whole" if self.integer else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{self.low:g} to {self.high:g}{unit}{whole}"


@dataclass(frozen=True)
class Constraint:
    """A law that must lie between two limits; see :func:`at_most`, :func:`at_least` and :func:`equal_to`.

    Parameters
    ----------
    law
        A formula, a bound formula, or a linear row.
    low, high
        Limits, in the law's unit; infinite where there is none.
    name
        What it is called in messages.

    Raises
    ------
    ProblemError
        If the limits hold no number.

    Examples
    --------
    >>> print(at_least({"x": 1.0, "y": 1.0}, 3.0, name="together"))
    together at least 3
    """

    law: LawLike = field(hash=False)
    low: float = -math.inf
    high: float = math.inf
    name: str = ""

    def __post_init__(self) -> None:
        for end in ("low", "high"):
            try:
                object.__setattr__(self, end, float(getattr(self, end)))
            except (TypeError, ValueError) as error:
                raise ProblemError(
                    f"constraint {self.name!r}: the limit {getattr(self, end)!r:.80} is no number"
                ) from error
        if not self.low <= self.high or self.low == math.inf or self.high == -math.inf:
            raise ProblemError(f"constraint {self.name!r}: no number lies from {self.low:g} to {self.high:g}")
        if math.isinf(self.low) and math.isinf(self.high):
            raise ProblemError(f"constraint {self.name!r} has no limit; give low, high or both")

    @property
    def limits(self) -> str:
        """Its limits, in words."""
        if self.low == self.high:
            return f"equal to {self.low:g}"
        if math.isinf(self.low):
            return f"at most {self.high:g}"
        if math.isinf(self.high):
            return f"at least {self.low:g}"
        return f"from {self.low:g} to {self.high:g}"

    def __str__(self) -> str:
        return f"{self.name or 'a law'} {self.limits}"


def at_most(law: LawLike, limit: float, *, name: str = "") -> Constraint:
    """Return the constraint that a law is at most a number.

    Examples
    --------
    >>> at_most({"vans": 2.0, "trucks": 5.0}, 40.0, name="yard").high
    40.0
    """
    return Constraint(law, high=limit, name=name)


def at_least(law: LawLike, limit: float, *, name: str = "") -> Constraint:
    """Return the constraint that a law is at least a number.

    Examples
    --------
    >>> at_least({"vans": 2.0, "trucks": 5.0}, 12.0, name="load").low
    12.0
    """
    return Constraint(law, low=limit, name=name)


def equal_to(law: LawLike, value: float, *, name: str = "") -> Constraint:
    """Return the constraint that a law is equal to a number.

    Examples
    --------
    >>> print(equal_to({"north": 1.0, "south": 1.0}, 20.0, name="demand"))
    demand equal to 20
    """
    return Constraint(law, value, value, name)
