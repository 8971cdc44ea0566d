"""The decision problem: numbers to choose, with formulas as objective and constraints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from numbers import Real
from typing import Annotated, Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from kanopt.array_types import Floats
from kanopt.decisions.decision_law import DecisionLaw, laws_of, sum_of, summed, values_at
from kanopt.decisions.entities import (
    DECISIONS,
    ITEMS,
    Constraint,
    Decision,
    DecisionNames,
    Item,
    LawLike,
    read_decisions,
)
from kanopt.errors import ProblemError, knows_arguments, nearest
from kanopt.faults import Fault, shown
from kanopt.formulas.formula import BoundFormula, Formula
from kanopt.plans.base import Plan, Problem
from kanopt.plans.law_use import read_day
from kanopt.records.declaration import Unit
from kanopt.records.unread_columns import TableUse, table_use
from kanopt.text import list_names
from kanopt.units import check_unit

# The plan of a decision problem: a number for each decision.


@dataclass(frozen=True)
class DecisionPlan(Plan):
    """A number for each decision, in its unit.

    Examples
    --------
    >>> DecisionPlan({"speed": 62.5, "vans": 4}).to_frame()
      decision  value
    0    speed   62.5
    1     vans    4.0
    """

    values: Mapping[str, float] = field(hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", {str(name): float(value) for name, value in self.values.items()})

    def to_frame(self) -> pd.DataFrame:
        """Return one row per decision: ``decision``, ``value``."""
        return pd.DataFrame(
            {"decision": list(self.values), "value": [float(value) for value in self.values.values()]}
        )


_SHARE = 1e-4
_SAMPLES = 512


@knows_arguments
@dataclass(frozen=True, eq=False, repr=False)
class DecisionProblem(Problem[DecisionPlan]):
    """Choose numbers from ranges so that a law is smallest.

    What becomes of a plan is told by :meth:`assess`: ranges, whole numbers and constraints, limits to a millionth of
    them; its price has a line for each part that adds up to a law.

    Parameters
    ----------
    decisions
        Name to ``(low, high)`` or :class:`Decision`; or a sequence of them, or a frame with the columns ``name``,
        ``low``, ``high`` and perhaps ``unit``, ``integer`` and ``item``.
    objective
        What is minimised: a formula whose inputs are called like decisions, a formula bound to them
        (``law.bind(speed=refs.decision.speed, km=12.0)``), a linear row ``{decision: coefficient}``, or several of
        these by name, which are added up and priced apart. What is to be largest is stated as its negative.
    constraints
        What must hold: :func:`at_most`, :func:`at_least`, :func:`equal_to`. A constraint without a name is called
        after its law.
    fixed
        Values of inputs that are no decisions, for all formulas that are not bound.
    tolerance
        How far above the smallest possible price a plan may be and still be called optimal, in the unit of the
        objective. Where it is not given, a ten-thousandth of the spread of prices among 512 points of the box, and a
        solver asks for up to a hundred times less where that is more than a thousandth of the price of its plan.
    unit
        Unit of the objective; that of the first law where it is not given.
    items
        What some numbers are decided for, a row each: :class:`Item`, or a frame with the column ``name`` and what
        laws read. A law that reads ``refs.item.cost``, or a decision that every item has, is counted for each item;
        a linear row adds up over them.
    day
        The day that the decision is for, a date or ``"2026-03-02"``, which laws read as ``day.weekday`` and the like.

    Raises
    ------
    ProblemError
        If a range is infinite, an input is neither a decision nor fixed, or two constraints have the same name.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("(x - 0.3)^2 + sin(4 * y) + x * y", [Variable("x"), Variable("y")], Variable("cost", "EUR"))
    >>> problem = DecisionProblem({"x": (-1, 1), "y": (-1, 1)}, law, tolerance=0.01)
    >>> plan = problem.plan_from({"x": 0.3, "y": -0.5})
    >>> round(problem.price(plan).objective, 4), problem.check(plan).ok
    (-1.0593, True)
    """

    kind: ClassVar[str] = "decision"
    solver: ClassVar[str] = "kanopt.decisions.search.solver:HighsPieces"
    assessment: ClassVar[str] = "kanopt.decisions.assessment:DecisionAssessment"

    decisions: Mapping[str, Any] | Sequence[Decision] | pd.DataFrame
    objective: LawLike | Mapping[str, LawLike]
    constraints: Sequence[Constraint] = ()
    fixed: Mapping[str, float | str] = field(default_factory=dict)
    tolerance: Annotated[float, Field(gt=0)] | None = None
    unit: Unit = ""
    items: Sequence[Item] | pd.DataFrame = ()
    day: date | str | None = None
    records: tuple[Decision, ...] = field(init=False)
    item_records: tuple[Item, ...] = field(init=False)
    objective_terms: tuple[DecisionLaw, ...] = field(init=False)
    constraint_laws: tuple[tuple[Constraint, DecisionLaw], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "day", read_day(self.day))
        known = replace(read_decisions(self.decisions, self.items), day=read_day(self.day))
        object.__setattr__(self, "records", known.records)
        object.__setattr__(self, "item_records", known.items)
        for name in self.fixed:
            if name in known.readable:
                raise ProblemError(f"{name!r} is a decision and fixed; give one of them")
        terms = _terms(self.objective, known, self.fixed, check_unit(self.unit))
        object.__setattr__(self, "objective_terms", terms)
        object.__setattr__(self, "unit", self.unit or terms[0].unit)
        object.__setattr__(self, "constraint_laws", _rules(self.constraints, known, self.fixed))
        wanted: Any = self.tolerance
        if wanted is not None and not (isinstance(wanted, Real) and 0.0 < float(wanted) < np.inf):
            raise ProblemError(f"tolerance {shown(wanted)} is no positive number")
        if isinstance(self.decisions, pd.DataFrame) or isinstance(self.items, pd.DataFrame):
            self.warn_of_unread()

    def __repr__(self) -> str:
        return f"DecisionProblem({len(self.records)} decisions, {len(self.constraint_laws)} constraints)"

    def with_values(self, values: Mapping[str, float]) -> Self:
        """Return the problem in which some decisions are made, by name; what counts as optimal stays.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> from kanopt import DecisionProblem
        >>> from kanopt.decisions import Decision
        >>> law = parse_formula("(x - n)^2 + n", [Variable("x"), Variable("n")], Variable("cost"))
        >>> problem = DecisionProblem([Decision("x", 0, 5), Decision("n", 0, 5, integer=True)], law)
        >>> [one.values for one in problem.with_values({"n": 3}).records]
        ['0 to 5', '3, whole']
        """
        made = [
            replace(
                one,
                name=one.name.removesuffix(f" of {one.item}") if one.item else one.name,
                low=values.get(one.name, one.low),
                high=values.get(one.name, one.high),
            )
            for one in self.records
        ]
        return replace(self, decisions=made, items=self.item_records, tolerance=self.optimality_tolerance)

    @cached_property
    def objective_formula(self) -> Formula:
        """The objective as one formula of the decisions; fixed inputs are substituted."""
        return sum_of(self.objective_terms, "objective", self.unit)

    @cached_property
    def optimality_tolerance(self) -> float:
        """The tolerance: what was asked for, or a ten-thousandth of the spread of prices."""
        if self.tolerance is not None:
            return float(self.tolerance)
        prices = self.prices(self.sample(_SAMPLES))
        prices = prices[np.isfinite(prices)]
        if not len(prices):
            raise ProblemError(
                "the objective has no finite value at any of 512 points of the box; narrow the ranges of the decisions"
            )
        size = float(np.abs(prices).max())
        return max(_SHARE * float(np.ptp(prices)), 1e-9 * size, 1e-12)

    def sample(self, count: int, seed: int = 0) -> Floats:
        """Return points of the box, shape (count, decisions), integer decisions rounded; the first is its centre."""
        low, high, _ = self._box
        points = low + (high - low) * np.random.default_rng(seed).random((count, len(low)))
        points[:1] = 0.5 * (low + high)
        return self.rounded(points)

    @property
    def _box(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        ends = [(one.low, one.high) for one in self.records]
        return *np.array(ends).reshape(-1, 2).T, np.array([one.integer for one in self.records])

    def rounded(self, points: Floats) -> Floats:
        """Return points clipped to their ranges, integer decisions rounded; same shape."""
        low, high, whole = self._box
        ends = np.where(whole, np.ceil(low), low), np.where(whole, np.floor(high), high)
        return np.clip(np.where(whole, np.round(points), points), *ends)

    def prices(self, points: Floats) -> Floats:
        """Return the objective at points, shape (count, decisions); NaN where it has no finite value."""
        return values_at(self.objective_formula, [one.name for one in self.records], points)

    def laws(self) -> Mapping[str, Formula]:
        """Return the formulas of the objective and of the constraints, by name."""
        return {law.name: law.formula for law in self.given_laws}

    @property
    def given_laws(self) -> tuple[DecisionLaw, ...]:
        """The laws of the objective and of the constraints as they were given, each for each item."""
        rules = (part for _, law in self.constraint_laws for part in law.given)
        return (*self.objective_terms, *rules)

    def questions(self) -> tuple[Fault, ...]:
        """Return decisions and fixed inputs that neither the objective nor a constraint reads."""
        laws = self.given_laws
        decided = {one.field for law in laws for one in law.bound.references}
        idle = [one.name for one in self.records if one.name not in decided]
        what = f"no law and no constraint reads {list_names(idle)}: any value does; is that meant?"
        found = [Fault("decisions", what)]
        read = {variable.name for law in laws for variable in law.formula.inputs}
        unread = [name for name in self.fixed if name not in read]
        what = f"no law has an input {list_names(unread)}: nothing follows from it; is that meant?"
        found += [Fault("fixed", what)]
        return tuple(fault for fault, names in zip(found, (idle, unread), strict=True) if names)

    def table_uses(self) -> tuple[TableUse, ...]:
        """Return what is read of the tables of decisions and items."""
        read = {name for law in self.given_laws for name in law.item_fields}
        uses = (table_use(DECISIONS, self.records, ()), table_use(ITEMS, self.item_records, read))
        return uses if self.item_records else uses[:1]

    def data_remarks(self) -> tuple[str, ...]:
        """Return where ranges of decisions reach beyond the data that a law was learned from."""
        return tuple(text for law in self.given_laws for text in law.outside_domain())

    def plan_from(self, decision: Any) -> DecisionPlan:
        """Read a plan the user already has.

        Parameters
        ----------
        decision
            A :class:`DecisionPlan`, a mapping of names to numbers, or a frame with the columns ``decision`` and
            ``value``, and ``item`` where names are those of items.

        Raises
        ------
        ProblemError
            If a decision is missing or unknown, or a value is no finite number.
        """
        if isinstance(decision, pd.DataFrame):
            for column in ("decision", "value"):
                if column not in decision.columns:
                    raise ProblemError(
                        f"plan: column {column!r} is missing; {nearest(column, map(str, decision.columns))}"
                    )
            called = decision["decision"].astype(str)
            if (
                "item" in decision.columns
            ):  # as in the table of decisions; blank where it is one of the whole plan
                of = decision["item"].fillna("").astype(str)
                called = called.where(of == "", called + " of " + of)
            given = dict(zip(called, decision["value"], strict=True))
        elif isinstance(decision, DecisionPlan | Mapping):
            given = dict(decision.values if isinstance(decision, DecisionPlan) else decision)
        else:
            raise ProblemError(
                f"plan: a {type(decision).__name__} is none; give a mapping of decisions to numbers"
            )
        names = [one.name for one in self.records]
        for name in given:
            if name not in names:
                raise ProblemError(f"plan: no decision {name!r:.80}; {nearest(str(name), names)}")
        plan = DecisionPlan({name: _value(given, name) for name in names})
        # what is known of a plan is known of this object
        return decision if isinstance(decision, DecisionPlan) and decision == plan else plan


def _value(given: Mapping[Any, Any], name: str) -> float:
    if name not in given:
        raise ProblemError(f"plan: decision {name!r} has no value")
    try:
        number = float(given[name])
    except (TypeError, ValueError, OverflowError):
        number = np.nan
    if not np.isfinite(number):
        raise ProblemError(f"plan: decision {name!r} is {shown(given[name])}, which is no finite number")
    return number


def _terms(given: Any, known: DecisionNames, fixed: Mapping[str, Any], unit: str) -> tuple[DecisionLaw, ...]:
    if isinstance(given, Mapping) and not given:
        raise ProblemError("the objective is empty; give a formula, or several by name")
    several = isinstance(given, Mapping) and not all(isinstance(part, Real) for part in given.values())
    parts = dict(given) if several else {_with_name(given, "objective"): given}
    laws: list[DecisionLaw] = []
    for name, part in parts.items():
        laws += laws_of(part, str(name), known, fixed, unit or (laws[0].unit if laws else None))
    return tuple(laws)


def _rules(
    given: Sequence[Constraint], known: DecisionNames, fixed: Mapping[str, Any]
) -> tuple[tuple[Constraint, DecisionLaw], ...]:
    found: list[tuple[Constraint, DecisionLaw]] = []
    seen: set[str] = set()
    for place, rule in enumerate(given, start=1):
        if not isinstance(rule, Constraint):
            raise ProblemError(
                f"constraint {place} is a {type(rule).__name__}; use at_most, at_least or equal_to"
            )
        name = rule.name or _unique(_with_name(rule.law, f"constraint {place}"), seen)
        if name in seen:
            raise ProblemError(f"two constraints are called {name!r}; give each a name of its own")
        seen.add(name)
        laws = laws_of(rule.law, name, known, fixed)
        if rule.each and not all(law.item for law in laws):
            raise ProblemError(
                f"constraint {name!r} is to hold for each item, but its law reads nothing of items"
            )
        kept = {f"{name} of {law.item}": law for law in laws} if rule.each else {name: summed(laws)}
        found += [(replace(rule, name=each), law) for each, law in kept.items()]
    return tuple(found)


def _unique(name: str, seen: set[str]) -> str:
    number, made = 2, name
    while made in seen:
        made, number = f"{name} {number}", number + 1
    return made


def _with_name(law: Any, otherwise: str) -> str:
    formula = law.formula if isinstance(law, BoundFormula) else law
    return formula.output.name if isinstance(formula, Formula) else otherwise
