"""Laws of decisions: what each input is bound to, and the same law as a formula of the decisions alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.decisions.entities import Decision, DecisionNames, Item, LawLike
from kanopt.errors import FormulaError, ProblemError, UnitError, nearest
from kanopt.faults import LARGEST, shown
from kanopt.formulas.formula import BoundFormula, Formula
from kanopt.formulas.lowering.profile import folded
from kanopt.formulas.nodes import Constant, Input, Node, Product, Sum, computed, rebuild
from kanopt.formulas.variables import Reference, ReferenceValue, Variable, category_label
from kanopt.plans.law_use import (
    day_value,
    law_mistake,
    laws_without_day,
    unit_factor,
)
from kanopt.records.reading import field_values
from kanopt.text import number_text, range_text


@dataclass(frozen=True, eq=False)
class DecisionLaw:
    """A law whose every input is a decision or fixed.

    Parameters
    ----------
    name
        What it is called in messages.
    bound
        The law, with what its inputs are bound to.
    decisions
        All decisions, by name.
    unit
        The unit in which its value is wanted; empty where none is declared.
    item
        The item that it is counted for; empty where it is counted once.
    item_fields
        What its fixed inputs read of the item.
    parts
        The laws whose sum it is; none where it is one law.
    """

    name: str
    bound: BoundFormula
    decisions: Mapping[str, Decision] = field(repr=False)
    unit: str = ""
    item: str = ""
    item_fields: tuple[str, ...] = ()
    parts: tuple[DecisionLaw, ...] = ()

    @property
    def formula(self) -> Formula:
        """The law as it was given."""
        return self.bound.formula

    @property
    def given(self) -> tuple[DecisionLaw, ...]:
        """The laws that it consists of: itself, or those that it is the sum of."""
        return self.parts or (self,)

    @cached_property
    def used(self) -> tuple[str, ...]:
        """The decisions that it reads, in the order of its inputs."""
        used = self.formula.used
        found = [
            bound.field
            for name, bound in self.bound.bindings.items()
            if isinstance(bound, Reference) and name in used
        ]
        return tuple(dict.fromkeys(found))

    @property
    def fixed(self) -> Mapping[str, float | str]:
        """The inputs that are fixed, with their values."""
        used = self.formula.used
        return {
            name: bound
            for name, bound in self.bound.bindings.items()
            if not isinstance(bound, Reference) and name in used
        }

    def value(self, values: Mapping[str, Any]) -> Floats:
        """Return the law's value, of the shape to which the values of the decisions broadcast, in `unit`."""
        return self.bound.evaluate(self._resolver(values), self.unit)

    def arguments(self, values: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Return the inputs of the law, in its units."""
        return self.bound.arguments(self._resolver(values))

    def outside_domain(self) -> list[str]:
        """Say which decisions may leave the domain of the law, and how far."""
        found = []
        for variable in self.formula.inputs:
            bound = self.bound.bindings[variable.name]
            if not isinstance(bound, Reference) or variable.name not in self.formula.used:
                continue
            one = self.decisions[bound.field]
            scale = unit_factor(one.unit, variable.unit)
            low, high = self.formula.valid_range(variable)
            ends = scale * one.low, scale * one.high
            if (low is not None and ends[0] < low) or (high is not None and ends[1] > high):
                found.append(
                    f"decision {one.name} reaches from {range_text(*ends, variable.unit)}, "
                    f"beyond where {self.name} is known: {self.formula.valid_text(variable)}"
                )
        return found

    def _resolver(self, values: Mapping[str, Any]) -> Any:
        def resolve(reference: Reference) -> ReferenceValue:
            one = self.decisions[reference.field]
            return ReferenceValue(np.asarray(values[one.name], dtype=float), one.unit)

        return resolve

    @cached_property
    def as_formula(self) -> Formula:
        """The same law as a formula of the decisions alone, in `unit`; fixed inputs are substituted.

        Raises
        ------
        FormulaError
            If a fixed category has no entry in a table of the law, or a step of fixed inputs has no finite value.
        """
        kinds = {variable.name: variable for variable in self.formula.inputs}
        numbers: dict[str, float] = {}
        labels: dict[str, str] = {}
        for name, given in self.fixed.items():
            if kinds[name].is_category:
                labels[name] = category_label(given)
            else:
                numbers[name] = float(given)
        root = folded(self.formula.root, numbers, labels)

        def change(node: Node) -> Node:
            if not isinstance(node, Input):
                return node
            one = self.decisions[self.bound.bindings[node.name].field]  # type: ignore[union-attr]
            return _scaled(unit_factor(one.unit, kinds[node.name].unit), Input(one.name))

        root = _scaled(unit_factor(self.formula.output.unit, self.unit), rebuild(root, change))
        return _formula_over(root, [self.decisions[name] for name in self.used], self.name, self.unit)


def _scaled(number: float, node: Node) -> Node:
    return node if number == 1.0 else Product((Constant(number), node))


def _formula_over(root: Node, decisions: Sequence[Decision], name: str, unit: str) -> Formula:
    inputs = tuple(Variable(one.name, one.unit, low=one.low, high=one.high) for one in decisions)
    return Formula(root, inputs, Variable(name or "law", unit))


def sum_of(laws: Sequence[DecisionLaw], name: str, unit: str) -> Formula:
    """Return the sum of laws as one formula of the decisions, so that one tolerance is shared among all steps."""
    if len(laws) == 1:
        return laws[0].as_formula
    used = {one: law.decisions[one] for law in laws for one in law.used}
    return _formula_over(Sum(tuple(law.as_formula.root for law in laws)), list(used.values()), name, unit)


def summed(laws: Sequence[DecisionLaw]) -> DecisionLaw:
    """Return laws of items as one law, their sum."""
    if len(laws) == 1:
        return laws[0]
    first = laws[0]
    total = sum_of(laws, first.name, first.unit)
    bound = BoundFormula(total, {each.name: Reference("decision", each.name) for each in total.inputs})
    return DecisionLaw(first.name, bound, first.decisions, first.unit, parts=tuple(laws))


def laws_of(
    given: LawLike,
    name: str,
    known: DecisionNames,
    fixed: Mapping[str, Any],
    unit: str | None = None,
) -> tuple[DecisionLaw, ...]:
    """Bind a law to decisions: by its own binding, by the names of its inputs, or as a linear row.

    A law that reads something of items is returned for each of them; a linear row is one law over all.

    Parameters
    ----------
    given
        The law.
    name
        What it is called.
    known
        All decisions and items.
    fixed
        Values of inputs that are no decisions.
    unit
        The unit in which its value is wanted; None for that of the law.

    Raises
    ------
    ProblemError
        If an input is neither a decision nor fixed, or units do not convert; names the law and the input.
    """
    where, forms = f"{name or 'law'!r}", "a formula, a bound formula or a row {decision: coefficient}"
    if isinstance(given, Mapping):
        given = _linear_formula(known.whole_row(given), where, name, known.readable)
    if isinstance(given, Formula):
        given = _by_name(given, where, known.readable, fixed)
    faults = law_mistake(where, given, forms, known.references, () if known.items else ["item"])
    faults += laws_without_day({where: given}, known.day)
    if faults:
        raise ProblemError.of(faults)
    if not isinstance(given, BoundFormula):
        raise ProblemError(f"{where} is a {type(given).__name__}; give {forms}")
    wanted = given.formula.output.unit if unit is None else unit
    read = [one for one in given.references if one.scope == "item" or one.field in known.of_items]
    if read and not known.items:
        raise ProblemError(f"{where}: it reads {read[0]}, but the problem has no items; give a table of them")
    fields, found = tuple(one.field for one in read if one.scope == "item"), []
    for item in known.items if read else (Item(""),):
        place = f"{where}, item {item.name!r}" if read else where
        bindings = {
            one.name: _bound_to(one, given.bindings[one.name], item, known, place)
            for one in given.formula.inputs
        }
        bound = BoundFormula(given.formula, bindings)
        law = DecisionLaw(name, bound, known.decisions, wanted, item.name, fields)
        try:
            unit_factor(given.formula.output.unit, law.unit)
            _ = law.as_formula
        except (UnitError, FormulaError) as error:
            raise ProblemError(f"{place}: {error}") from error
        found.append(law)
    return tuple(found)


def _by_name(law: Formula, where: str, decisions: Collection[str], fixed: Mapping[str, Any]) -> BoundFormula:
    """Bind each input to the decision of its name, or to what is fixed."""
    bindings: dict[str, Reference | float | str] = {}
    for variable in law.inputs:
        if variable.name in decisions:
            bindings[variable.name] = Reference("decision", variable.name)
        elif variable.name in fixed or variable.name not in law.used:
            bindings[variable.name] = fixed.get(variable.name, "" if variable.is_category else 0.0)
        else:
            raise ProblemError(
                f"{where}: input {variable.name!r} is neither a decision nor fixed; "
                f"{nearest(variable.name, decisions)} Add a decision of that name, "
                f"fix it (fixed={{{variable.name!r}: …}}), or bind it, law.bind({variable.name}=decision.…)"
            )
    return BoundFormula(law, bindings)


def _bound_to(
    variable: Variable, given: Any, item: Item, known: DecisionNames, where: str
) -> Reference | float | str:
    """Return what an input is bound to for an item: a decision by its own name, or a number or a label."""
    what = f"{where}: input {variable.name!r}"
    try:
        if isinstance(given, Reference) and given.scope == "decision":
            name = known.of_items.get(given.field, {item.name: given.field}).get(item.name)
            if name is None:
                advice = f"item {item.name!r} has no decision {given.field!r}; add one"
                raise ProblemError(f"{where}: it reads {given}, but {advice}")
            if variable.is_category:
                advice = "decisions are numbers; fix it, and compare one problem for each label"
                raise ProblemError(f"{what} is a category, and {advice}")
            unit_factor(known.decisions[name].unit, variable.unit)
            return Reference("decision", name)
        fixed: float | str = given
        if isinstance(given, Reference):
            of_item = given.scope == "item"
            value = (
                field_values([item], given.field, where="items") if of_item else day_value(known.day, given)
            )
            fixed = np.ravel(value.to(variable.unit))[0]
    except UnitError as error:
        raise ProblemError(f"{what}, bound to {given}: {error}") from error
    if not variable.is_category:
        _finite(fixed, where, variable.name)
    return fixed


def _finite(value: Any, where: str, name: str) -> None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not abs(number) <= LARGEST:
        what = f"{shown(value)}, which is no number up to {number_text(LARGEST)}"
        raise ProblemError(f"{where}: input {name!r} is fixed to {what}")


def _linear_formula(row: Mapping[str, float], where: str, name: str, decisions: Collection[str]) -> Formula:
    """Return a linear row as a formula."""
    terms: list[Node] = []
    for one, coefficient in row.items():
        if one not in decisions:
            raise ProblemError(f"{where}: no decision {one!r:.80}; {nearest(str(one), decisions)}")
        _finite(coefficient, where, one)
        terms.append(Product((Constant(float(coefficient)), Input(one))))
    if not terms:
        raise ProblemError(f"{where}: a row needs at least one decision")
    inputs = tuple(Variable(one) for one in row)
    return Formula(Sum(tuple(terms)) if len(terms) > 1 else terms[0], inputs, Variable(name or "row"))


def values_at(law: Formula, names: Sequence[str], points: Floats) -> Floats:
    """Return a law's values at points, shape (count, decisions); NaN where it has no finite value.

    Parameters
    ----------
    law
        A formula of decisions.
    names
        The decision of each column of the points.
    points
        Shape (count, decisions).

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("log(x)", [Variable("x")], Variable("y"))
    >>> values_at(law, ["x"], np.array([[1.0], [0.0]])).tolist()
    [0.0, nan]
    """
    values = computed(law.root, {name: points[:, place] for place, name in enumerate(names)})
    found = np.array(np.broadcast_to(values.astype(float), (len(points),)))
    found[~np.isfinite(found)] = np.nan
    return found
