"""The names under which laws read decisions: those of the whole plan, and those of each item."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import pandas as pd

from kanopt.decisions.entities import Decision, Item
from kanopt.errors import ProblemError, UnitError, nearest
from kanopt.faults import Fault
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.references import Reference
from kanopt.plans.plan_day import DAY_REFERENCES, day_value, laws_without_day
from kanopt.records.declaration import UnitSystem
from kanopt.records.reading import RecordCheck, RecordReader
from kanopt.records.record import field_values
from kanopt.tables import units_of
from kanopt.validation import shown


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

    def whole_row(self, row: Mapping[str, float]) -> dict[str, float]:
        """Return a linear row over every decision, what is of each item under its own name."""
        return {name: coefficient for short, coefficient in row.items() for name in self._names_of(short)}

    def _names_of(self, short: str) -> Iterable[str]:
        return self.of_items[short].values() if short in self.of_items else (short,)

    def item_fields(self, law: BoundFormula) -> tuple[str, ...]:
        """Return what a law reads of items."""
        return tuple(each.field for each in law.references if each.scope == "item")

    def for_items(self, law: BoundFormula, where: str) -> Iterator[tuple[str, BoundFormula]]:
        """Yield a law for each item, inputs bound to what is the item's own; once, without an item, if it reads none.

        Raises
        ------
        ProblemError
            If an item lacks what the law reads, a unit does not convert, or no day is stated.
        """
        law = self._on_day(law, where)
        decided = {one.field for one in law.references if one.scope == "decision"} & self.of_items.keys()
        if not decided and not self.item_fields(law):
            yield "", law
            return
        if not self.items:
            raise ProblemError(
                f"{where}: it reads {law.references[0]}, but the problem has no items; give a table of them"
            )
        for item in self.items:
            yield item.name, BoundFormula(law.formula, self._bindings(law, item, where))

    def _on_day(self, law: BoundFormula, where: str) -> BoundFormula:
        """Return a law of which what it reads of the day is a number."""
        unstated = next(laws_without_day({where: law}, self.day), "")
        if unstated:
            raise ProblemError(unstated)
        return BoundFormula(
            law.formula,
            {
                name: float(day_value(self.day, bound).values)
                if isinstance(bound, Reference) and str(bound) in DAY_REFERENCES
                else bound
                for name, bound in law.bindings.items()
            },
        )

    def _bindings(self, law: BoundFormula, item: Item, where: str) -> dict[str, Reference | float | str]:
        found: dict[str, Reference | float | str] = {}
        for variable in law.formula.inputs:
            bound = law.bindings[variable.name]
            if isinstance(bound, Reference) and bound.scope == "item":
                known = field_values([item], bound.field, where="items")
                try:
                    bound = known.to(variable.unit)[0]
                except UnitError as error:
                    raise ProblemError(
                        f"{where}: input {variable.name!r} bound to {bound}: {error}"
                    ) from error
            elif isinstance(bound, Reference) and bound.scope == "decision" and bound.field in self.of_items:
                own = self.of_items[bound.field]
                if item.name not in own:
                    raise ProblemError(
                        f"{where}: it reads {bound}, but item {item.name!r} has no decision {bound.field!r}; add one"
                    )
                bound = Reference("decision", own[item.name])
            found[variable.name] = bound
        return found


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
