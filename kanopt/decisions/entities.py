"""Decisions and constraints: records that validate themselves."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Annotated, Any, TypeAlias

import pandas as pd
from pydantic import AfterValidator

from kanopt.errors import ProblemError, nearest
from kanopt.faults import LARGEST, Fault, Name, shown
from kanopt.formulas.formula import BoundFormula, Formula
from kanopt.formulas.variables import Reference, check_name
from kanopt.plans.law_use import DAY_REFERENCES, references_to
from kanopt.records.declaration import Unit, UnitSystem, check_fields, field, other_columns, record
from kanopt.records.reading import Attribute, RecordCheck, RecordReader
from kanopt.tables import units_of
from kanopt.text import number_text, range_text

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
    attributes: Mapping[str, Attribute] = other_columns("Further columns of the table.")

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
    attributes: Mapping[str, Attribute] = other_columns("What laws read as ``item.<attribute>``.")


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


# The names under which laws read decisions: those of the whole plan, and those of each item.


def name_checks(decisions: Sequence[Decision], items: Sequence[Item]) -> list[RecordCheck]:
    """Return the checks that items of decisions exist, and that no name means two decisions."""
    return [RecordCheck(_name_mistakes(decisions, [item.name for item in items]), ("decisions", "items"))]


def _name_mistakes(decisions: Sequence[Decision], items: Collection[str]) -> Iterator[Fault]:
    for one in decisions:
        if one.item and one.item not in items:
            hint = nearest(one.item, items) if items else "the problem has no items; give a table of them"
            what = f"is for the item {one.item!r}, which does not exist"
            yield Fault("decisions", what, (one.name,), advice=hint)
    shared = {one.name for one in decisions if not one.item}
    names = {one.name for one in decisions if one.item} | {_full_name(one) for one in decisions if one.item}
    for name in sorted(shared & names):
        what = "is one of the whole plan and one of an item"
        yield Fault("decisions", what, (name,), advice="rename one")


def _full_name(one: Decision) -> str:
    return f"{one.name} of {one.item}" if one.item else one.name


@dataclass(frozen=True)
class DecisionNames:
    """All decisions of a problem, by the name that is theirs alone and by that under which each item has its own.

    Parameters
    ----------
    records
        The decisions; one of an item is called ``"price of tea"``.
    items
        The items.
    of_items
        Short name to the item to the name: ``{"price": {"tea": "price of tea"}}``.
    day
        The day that the decision is for; None where none is stated.
    """

    records: tuple[Decision, ...]
    items: tuple[Item, ...]
    of_items: Mapping[str, Mapping[str, str]]
    day: date | None = None

    @classmethod
    def of(cls, decisions: Sequence[Decision], items: Sequence[Item]) -> DecisionNames:
        """Call each decision by a name of its own.

        :func:`name_checks` must find nothing.
        """
        of_items: dict[str, dict[str, str]] = {}
        for one in decisions:
            if one.item:
                of_items.setdefault(one.name, {})[one.item] = _full_name(one)
        records = tuple(replace(one, name=_full_name(one)) for one in decisions)
        return cls(records, tuple(items), of_items)

    @cached_property
    def decisions(self) -> Mapping[str, Decision]:
        """The decisions, by the name that is theirs alone."""
        return {one.name: one for one in self.records}

    @property
    def readable(self) -> tuple[str, ...]:
        """The names under which laws read decisions."""
        return (*self.decisions, *self.of_items)

    @cached_property
    def references(self) -> Mapping[str, str]:
        """What laws may read, each with its unit."""
        decisions = {str(Reference("decision", name)): "" for name in self.of_items}
        decisions |= {str(Reference("decision", one.name)): one.unit for one in self.records}
        of_items = references_to("item", Item, self.items, {}) if self.items else {}
        return {**decisions, **of_items, **DAY_REFERENCES}

    def whole_row(self, row: Mapping[str, float]) -> dict[str, float]:
        """Return a linear row over every decision, what is of each item under its own name."""
        names = {short: own.values() for short, own in self.of_items.items()}
        return {name: number for short, number in row.items() for name in names.get(short, (short,))}


DECISIONS = UnitSystem().table(Decision)
ITEMS = UnitSystem().table(Item)


def declared_unit(frame: pd.DataFrame) -> str:
    """Return the unit that the columns of ranges declare; empty where they declare none."""
    declared = units_of(frame)
    return declared.get("low") or declared.get("high") or ""


def read_decisions(decisions: Any, items: Any) -> DecisionNames:
    """Read decisions and items, with every mistake in them at once.

    Raises
    ------
    ProblemError
        If a record is not as its fields ask, or there is no decision.
    """
    unit = ""
    if isinstance(decisions, Mapping):
        decisions = tuple(_decision(str(name), value) for name, value in decisions.items())
    elif isinstance(decisions, pd.DataFrame) and (unit := declared_unit(decisions)) and "unit" in decisions:
        raise ProblemError(
            f"decisions: the column 'unit' gives each decision its unit, and the ranges declare {unit}; leave one out"
        )
    of_items = (
        "item" in decisions
        if isinstance(decisions, pd.DataFrame)
        else any(getattr(one, "item", "") for one in decisions)
    )
    schema = DECISIONS if of_items else replace(DECISIONS, key=("name",))
    schema = replace(schema, units={"low": unit, "high": unit}) if unit else schema
    reader = RecordReader()
    read, named = reader.read(decisions, schema), reader.read(items, ITEMS)
    reader.finish(name_checks(read, named))
    if not read:
        raise ProblemError("a decision problem needs at least one decision")
    return DecisionNames.of([replace(one, unit=unit) for one in read] if unit else read, named)


def _decision(name: str, given: Any) -> Decision:
    if isinstance(given, Decision):
        if given.name != name:
            raise ProblemError(f"decision {name!r} is given as {given.name!r}; use one name")
        return given
    try:
        low, high = given
    except (TypeError, ValueError) as error:
        raise ProblemError(
            f"decision {name!r} is {shown(given)}; give (low, high), or Decision({name!r}, low, high, …)"
        ) from error
    return Decision(name, low, high)
