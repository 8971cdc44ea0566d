"""Decisions and constraints: records that validate themselves."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from kanopt.errors import ProblemError
from kanopt.formulas.formula import BoundFormula, Formula
from kanopt.formulas.variables import check_name
from kanopt.records.declaration import Unit, check_fields, field, record
from kanopt.records.record import Attribute
from kanopt.text import number_text, range_text
from kanopt.validation import LARGEST, Name

LawLike: TypeAlias = Formula | BoundFormula | Mapping[str, float]
"""A formula whose inputs are called like decisions, a bound one, or a linear row: decision to coefficient."""


def _finite_end(value: float) -> float:
    if not abs(value) <= LARGEST:
        raise ValueError(f"is {value:g}; give a finite end, as far out as it could reasonably be")
    return value


RangeEnd: TypeAlias = Annotated[float, AfterValidator(_finite_end)]
"""An end of a range: a finite number."""


@record("decisions", key=("name", "item"))
class Decision:
    """A number to be chosen from a range.

    Raises
    ------
    ProblemError
        If a field is not as described, or the range holds no value.
    FormulaError
        If the name cannot be that of an input of a formula.

    Examples
    --------
    >>> Decision("vans", 0, 12, integer=True).values
    '0 to 12, whole'
    """

    name: Name = field(doc="What it is called; inputs of formulas are matched by it.")
    low: RangeEnd = field(doc="The least it may be, finite.")
    high: RangeEnd = field(doc="The most it may be, finite.")
    unit: Unit = field(default="", doc="Its unit; an input in another unit of the same kind is converted.")
    integer: bool = field(default=False, doc="Whether it is a whole number.")
    item: str = field(
        default="",
        doc="The item that it is decided for; empty where it is one number for the whole plan. A problem calls it "
        '``"price of tea"``, and laws that are counted for each item read it as ``decision.price``.',
    )
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="Further columns of the table."
    )

    def __post_init__(self) -> None:
        check_fields(self, f"decision {self.name!r:.80}")
        check_name(self.name, "decision")
        _make_floats(self)
        if self.low > self.high:
            raise ProblemError(
                f"decision {self.name!r}: its range from {range_text(self.low, self.high)} holds no number; "
                "swap the ends"
            )
        if self.integer and math.floor(self.high) < math.ceil(self.low):
            raise ProblemError(
                f"decision {self.name!r}: no whole number lies from {range_text(self.low, self.high)}; widen the range"
            )

    @property
    def values(self) -> str:
        """Its range in words."""
        whole = ", whole" if self.integer else ""
        return f"{range_text(self.low, self.high, self.unit)}{whole}"


@record("items")
class Item:
    """Something that numbers are decided for: a product, a leg, a machine. Laws read its name and its attributes.

    Examples
    --------
    >>> Item("tea", {"cost": 2.4}).name
    'tea'
    """

    name: Name = field(doc="Unique among the items.")
    attributes: Mapping[str, Attribute] = field(
        default_factory=dict, hash=False, doc="What laws read as ``item.<attribute>``."
    )


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
    each
        Whether every item has to keep it, where the law is counted for each item, and not their sum.

    Raises
    ------
    ProblemError
        If a limit is no number, or none lies between them.

    Examples
    --------
    >>> print(at_least({"x": 1.0, "y": 1.0}, 3.0, name="together"))
    together at least 3
    """

    law: LawLike = dataclasses.field(hash=False)
    low: float = -math.inf
    high: float = math.inf
    name: str = ""
    each: bool = False

    def __post_init__(self) -> None:
        check_fields(self, f"constraint {self.name!r:.80}")
        _make_floats(self)
        for limit in (self.low, self.high):
            if LARGEST < abs(limit) < math.inf:
                told = f"the limit {number_text(limit)} is beyond {number_text(LARGEST)}"
                raise ProblemError(f"constraint {self.name!r}: {told}; leave it out where nothing is limited")
        if not self.low <= self.high or self.low == math.inf or self.high == -math.inf:
            low, high = number_text(self.low, 6), number_text(self.high, 6)
            raise ProblemError(f"constraint {self.name!r}: no number lies from {low} to {high}")
        if math.isinf(self.low) and math.isinf(self.high):
            raise ProblemError(f"constraint {self.name!r} has no limit; give low, high or both")

    @property
    def limits(self) -> str:
        """Its limits, in words."""
        if self.low == self.high:
            return f"equal to {number_text(self.low, 6)}"
        between = math.isfinite(self.low) and math.isfinite(self.high)
        return f"{'from ' if between else ''}{range_text(self.low, self.high)}"

    def __str__(self) -> str:
        return f"{self.name or 'a law'} {self.limits}"


def _make_floats(record: Decision | Constraint) -> None:
    for end in ("low", "high"):
        object.__setattr__(record, end, float(getattr(record, end)))


def at_most(law: LawLike, limit: float, *, name: str = "", each: bool = False) -> Constraint:
    """Return the constraint that a law is at most a number.

    Examples
    --------
    >>> at_most({"vans": 2.0, "trucks": 5.0}, 40.0, name="yard").high
    40.0
    """
    return Constraint(law, high=limit, name=name, each=each)


def at_least(law: LawLike, limit: float, *, name: str = "", each: bool = False) -> Constraint:
    """Return the constraint that a law is at least a number.

    Examples
    --------
    >>> at_least({"vans": 2.0, "trucks": 5.0}, 12.0, name="load").low
    12.0
    """
    return Constraint(law, low=limit, name=name, each=each)


def equal_to(law: LawLike, value: float, *, name: str = "", each: bool = False) -> Constraint:
    """Return the constraint that a law is equal to a number.

    Examples
    --------
    >>> print(equal_to({"north": 1.0, "south": 1.0}, 20.0, name="demand"))
    demand equal to 20
    """
    return Constraint(law, value, value, name, each)
