"""What every kind of problem implements: its plans, its data, and what becomes of a plan on it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, NamedTuple, TypeVar

import pandas as pd

from kanopt.display import Law, Part, Shown
from kanopt.errors import warn_user
from kanopt.faults import Fault
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.coverage import UNSERVED, Coverage, InUse, LeftOutPrice, RuleWords, broken_rule_sentences
from kanopt.plans.findings import (
    Check,
    Extrapolation,
    FrozenInput,
    Reason,
    Status,
    View,
    Violation,
)
from kanopt.plans.law_use import LawUse, caveats
from kanopt.plans.money_at_stake import MoneyAtStake, money_at_stake
from kanopt.plans.plan_figures import PlanFigure, Roster, emissions
from kanopt.plans.slider_prices import Pricing, SliderPrices, priced_by_terms
from kanopt.records.unread_columns import TableUse, UnreadColumns, unread_columns

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula


class Plan(ABC):
    """A decision: routes, a schedule or flows. Plain data; it knows neither prices nor rules."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the plan as a table a person can read, one row per stop, task or flow."""

    def reopened(self) -> Plan:
        """Return the plan without what a problem chooses by itself where it is left open, such as departures."""
        return self


PlanT = TypeVar("PlanT", bound=Plan)
AssessmentT = TypeVar("AssessmentT", bound="Assessment[Any, Any]")

_MOST_REMARKS = 10
_WARNS: ContextVar[bool] = ContextVar("warns", default=True)


@contextmanager
def told_elsewhere() -> Iterator[None]:
    """Build problems without a warning of what nothing reads, since whoever builds them has other words for it."""
    token = _WARNS.set(False)
    try:
        yield
    finally:
        _WARNS.reset(token)


_MOST_CACHED = 4
"""So many assessments a problem keeps: a search looks at thousands of plans and comes back to the last few."""


def named_class(place: str) -> Any:
    """Return a class by its module and name, ``"kanopt.plans.base:Problem"``."""
    module, _, name = place.partition(":")
    return getattr(import_module(module), name)


class Problem(Shown, Generic[PlanT]):
    """Data of a decision problem, validated when built and priced by laws.

    A problem assesses plans without a solver: whether they keep its rules, what they cost, why things are as they are
    and what there is to see (:meth:`assess`; :meth:`check`, :meth:`price` and the others are short for it). Solvers,
    explanations, scenarios and reports use these methods only, so that they need no case for every kind of problem.
    """

    kind: ClassVar[str]
    solver: ClassVar[str]
    """Module and class of the solver that is used where none is named; it lies above, and is loaded by name."""
    assessment: ClassVar[str]
    """Module and class of what becomes of a plan, loaded by name likewise."""

    @property
    def on_earth(self) -> bool:
        """Whether every place has a latitude and a longitude."""
        return False

    law_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that may be laws."""
    units: Any

    @property
    def unit(self) -> str:
        """Unit of the objective, usually a currency."""
        return str(self.units.money)

    def laws(self) -> Mapping[str, Formula]:
        """Return the formulas that price this problem, by the name of what they price."""
        given = {name: getattr(self, name) for name in self.law_fields}
        return {name: law.formula for name, law in given.items() if isinstance(law, BoundFormula)}

    def frozen_inputs(self) -> tuple[FrozenInput, ...]:
        """Return the inputs of laws that a solver sees at a planning value."""
        return ()

    def _shown(self) -> Iterator[Part]:
        yield repr(self)
        yield from (Law(law, name) for name, law in self.laws().items())
        remarks = self.remarks()
        yield from (f"note: {remark}" for remark in remarks[:_MOST_REMARKS])
        if len(remarks) > _MOST_REMARKS:
            yield f"note: {len(remarks) - _MOST_REMARKS:,} more; problem.remarks() has all"

    def remarks(self) -> tuple[str, ...]:
        """Return possible mistakes in the data, a sentence each: what nothing reads first."""
        found = (*map(str, self.unread()), *self.unusual(), *self.assumptions())
        return (*found, *self.data_remarks(), *self.unreachable())

    @abstractmethod
    def table_uses(self) -> tuple[TableUse, ...]:
        """Return what the problem makes of each of its tables."""

    def unread(self) -> tuple[UnreadColumns, ...]:
        """Return the columns of each table that no field, law or rule reads; part of :meth:`remarks`."""
        return unread_columns(self.table_uses())

    def warn_of_unread(self) -> None:
        """Warn of columns that nothing reads although they look like a field or are a word of planning; once.

        A problem whose tables are frames does so when it is built, :func:`~kanopt.solve` for all others.
        """
        if self.__dict__.get("_has_warned") or not _WARNS.get():
            return
        self.__dict__["_has_warned"] = True
        striking = [str(found) for found in self.unread() if found.striking]
        if striking:
            warn_user("\n".join(striking))

    def unusual(self) -> tuple[str, ...]:
        """Return questions: unusual numbers, things without a row; part of :meth:`remarks`."""
        return tuple(map(str, self.questions()))

    def questions(self) -> tuple[Fault, ...]:
        """Return what was asked back when the problem was read, as data."""
        found: tuple[Fault, ...] = self.__dict__.get("_questions", ())
        return found

    def _tell_of_reading(self, *, questions: Iterable[Fault], from_frames: bool) -> None:
        """Keep what was asked back when the problem was read; of frames, warn of what nothing reads."""
        self.__dict__["_questions"] = tuple(questions)
        if from_frames:
            self.warn_of_unread()

    def assumptions(self) -> tuple[str, ...]:
        """Return what is assumed where the data do not say, a sentence each; part of :meth:`remarks`, needs no law."""
        return ()

    def data_remarks(self) -> tuple[str, ...]:
        """Return what is strange about the data that are read, a sentence each; part of :meth:`remarks`."""
        return ()

    def unreachable(self) -> tuple[str, ...]:
        """Return what no road or lane leads to, a sentence each; part of :meth:`remarks`, evaluates no law."""
        return ()

    def assess(self, plan: PlanT) -> Assessment[PlanT, Any]:
        """Return what becomes of a plan on the laws; the same object again while it is remembered.

        Parameters
        ----------
        plan
            What was decided. It must not be changed afterwards.
        """
        return self._cached_assessment(plan, named_class(self.assessment))

    def _cached_assessment(self, plan: PlanT, made_by: Callable[[Any, PlanT], AssessmentT]) -> AssessmentT:
        """Return the assessment of a plan, made where it is not among the last few.

        A plan is known by identity: comparing large ones takes long. A copy of the problem with other planning values
        inherits the cache, and must not take it for its own.
        """
        known: tuple[tuple[PlanT, AssessmentT], ...] = self.__dict__.get("_assessments", ())
        for given, assessment in known:
            if assessment.problem is self and (given is plan or assessment.plan is plan):
                return assessment
        made = made_by(self, plan)
        self.__dict__["_assessments"] = ((plan, made), *known)[:_MOST_CACHED]
        return made

    def check(self, plan: PlanT) -> Check:
        """Verify every constraint of the plan on the laws, without a solver."""
        return self.assess(plan).check

    def price(self, plan: PlanT, *, frozen: bool = False) -> Pricing:
        """Price the plan on the laws.

        Parameters
        ----------
        plan
            What was decided.
        frozen
            Price with the planning values of :meth:`frozen_inputs`, as the solver does, instead of the true
            load and clock of every leg.
        """
        assessment = self.assess(plan)
        return assessment.planned_pricing if frozen else assessment.pricing

    def reasons(self, plan: PlanT | None) -> tuple[Reason, ...]:
        """Say why things are unserved, late or closed; with no plan, why there can be none."""
        return self.infeasibility_reasons() if plan is None else self.assess(plan).reasons

    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        """Say why there can be no plan, as far as arithmetic shows it."""
        found: tuple[Reason, ...] = named_class(self.assessment).without_plan(self)
        return found

    @abstractmethod
    def plan_from(self, decision: Any) -> PlanT:
        """Read a plan the user already has.

        Parameters
        ----------
        decision
            A plan of this kind, a frame with the columns of ``Plan.to_frame``, or the plain nested lists or
            mappings the concrete class documents.

        Raises
        ------
        ProblemError
            If it names things the problem does not know.
        """

    def carried_over(self, plan: Any) -> PlanT:
        """Return a plan made for other data as it is carried out here: what was decided stays, its times follow.

        That is how it is offered to this problem.

        Raises
        ------
        ProblemError
            If it names things the problem does not know.
        """
        return self.plan_from(plan)


_EQUAL = 1e-9
"""Share of a price by which the order of summation may change it."""


class Rank(NamedTuple):
    """How good a plan is on the laws, the smaller the better.

    A plan that breaks no rule comes before one that does, whereby leaving out what must be served is told apart from
    breaking a rule; then the plan that leaves out less (clients, tasks; of supply amounts), then the one that breaks
    fewer rules, then the cheaper one.

    Examples
    --------
    >>> whole, partial = Rank(False, 0, 0, 140.0), Rank(False, 1, 0, 90.0)
    >>> whole < partial < Rank(True, 0, 1, 80.0), whole.is_better_than(Rank(False, 0, 0, 140.0 + 1e-9))
    (True, False)
    """

    breaks_rules: bool
    unserved: float
    violations: int
    objective: float

    def is_better_than(self, other: Rank) -> bool:
        """Whether this is better by more than the noise of summation."""
        if self[:3] != other[:3]:
            return self[:3] < other[:3]
        return self.objective < other.objective - _EQUAL * max(1.0, abs(other.objective))


NO_PLAN = Rank(True, 2**62, 0, 0.0)
"""The rank of having no plan, behind that of any plan."""

SimulationT = TypeVar("SimulationT")


class Assessment(ABC, Generic[PlanT, SimulationT]):
    """What becomes of a plan on the laws of a problem, without a solver.

    The plan is simulated once on the laws; what is said of it is read off that, worked out when first asked for, and
    kept. Frames and views are made anew at every call, since whoever gets one may write into it.

    Parameters
    ----------
    problem
        Whose laws and rules; :meth:`Problem.assess` makes the assessment and remembers it.
    plan
        What was decided. It must not be changed afterwards.
    """

    rule_words: ClassVar[Mapping[str, RuleWords]] = {}
    """How the breaking of each rule is told."""
    rates: ClassVar[Mapping[str, str]] = {}
    """What each term of the price is in proportion to, in words; and what stays, where a reader moves that."""
    stays: ClassVar[str] = ""

    @staticmethod
    def without_plan(problem: Any) -> tuple[Reason, ...]:
        """Say why a problem can have no plan, as far as arithmetic shows it."""
        raise NotImplementedError

    def __init__(self, problem: Problem[PlanT], plan: PlanT) -> None:
        self.problem: Any = problem
        self.plan = plan

    @cached_property
    def simulation(self) -> SimulationT:
        """What follows from the plan on the laws: times and loads, ends of tasks, stocks and deliveries."""
        return self._simulate()

    @cached_property
    def check(self) -> Check:
        """Every rule of the problem, verified on the laws."""
        return self._check()

    @cached_property
    def coverage(self) -> Coverage:
        """What the plan serves of what is wanted, and what it leaves out."""
        return self._coverage()

    @cached_property
    def left_out_price(self) -> LeftOutPrice | None:
        """The price of what the plan leaves out; None where that is nothing."""
        return None if self.coverage.complete else self._left_out_price()

    @property
    def choice(self) -> str:
        """What was chosen, in a clause, where that is a few numbers; empty where it takes a table or a map."""
        return ""

    @property
    def assumed(self) -> str:
        """What the plan does not state and is taken to be, in a clause; empty where it states everything."""
        return ""

    @property
    def proposal(self) -> str:
        """What is to be done, as an order in a sentence without its full stop."""
        return ""

    def figures(self) -> tuple[PlanFigure, ...]:
        """Return what a manager asks of the plan, beside what it serves and costs; and CO₂ where a law gives it."""
        return (*self._figures(), *emissions(self.law_uses))

    def _figures(self) -> Iterable[PlanFigure]:
        return ()

    def rosters(self) -> tuple[Roster, ...]:
        """Return tables with a row for each vehicle, machine, job, site or market, and what becomes of it."""
        return ()

    @property
    def in_use(self) -> InUse | None:
        """The sites, vehicles or machines that the plan uses; None where the kind of problem has no such thing."""
        return None

    def settled(self) -> Assessment[PlanT, SimulationT]:
        """Return the assessment of the plan that says what this one leaves to the problem, such as departures."""
        return self

    @cached_property
    def pricing(self) -> Pricing:
        """The price of the plan on the laws."""
        return self._price()

    @cached_property
    def planned_pricing(self) -> Pricing:
        """The price of the plan with every frozen input at its planning value, as a solver sees it."""
        return self._price_planned()

    @cached_property
    def reasons(self) -> tuple[Reason, ...]:
        """Why things are unserved, late or closed."""
        return self._reasons()

    @cached_property
    def extrapolations(self) -> tuple[Extrapolation, ...]:
        """Every place where the plan leans on a law outside its domain."""
        return self._extrapolations()

    @cached_property
    def law_uses(self) -> tuple[LawUse, ...]:
        """Every law, with the places at which the plan uses it."""
        return self._law_uses()

    @cached_property
    def law_caveats(self) -> tuple[str, ...]:
        """What the price cannot be trusted for: laws below zero, outside their data, or saying what can hardly be."""
        return (*caveats(self.law_uses), *self.implausible)

    @cached_property
    def implausible(self) -> tuple[str, ...]:
        """What laws say of the plan although it can hardly be, a clause each."""
        return ()

    @cached_property
    def money_at_stake(self) -> MoneyAtStake | None:
        """The band that the errors of learned laws put on the price; None where no learned law moves it."""
        return money_at_stake(self.law_uses, self.pricing.objective)

    @cached_property
    def broken_rules(self) -> tuple[str, ...]:
        """The rules that the plan breaks, a sentence each; what it leaves out is in :attr:`coverage`."""
        return broken_rule_sentences(self.check.violations, self.rule_words)

    @property
    def status(self) -> Status:
        """Feasible, partial (something that must be served is left out, and no other rule broken) or infeasible."""
        if self.check.ok:
            return Status.FEASIBLE
        return Status.PARTIAL if self.check.only_unserved else Status.INFEASIBLE

    @property
    def rank(self) -> Rank:
        """How good the plan is on the laws; the smaller the better."""
        broken = self.check.violations
        left_out = [violation for violation in broken if violation.constraint == UNSERVED]
        others = len(broken) - len(left_out)
        return Rank(others > 0, self._unserved(left_out), others, self.pricing.objective)

    def _unserved(self, left_out: Sequence[Violation]) -> float:
        """Return how much is left out of what must be served, given each place where something is."""
        return len(left_out)

    def table(self) -> pd.DataFrame:
        """Return the plan as a table a person can read, with what the laws add to it."""
        return self.plan.to_frame()

    def details(self) -> Mapping[str, pd.DataFrame]:
        """Return what the laws say beside :meth:`table`, by what it shows; times are in columns as there."""
        return {}

    def slider_prices(self) -> SliderPrices | None:
        """Return the price of the plan as it stands wherever a reader moves it; None where that is not known."""
        if not self.rates:
            return None
        return priced_by_terms(self.pricing.arrays(), self.rates, self.pricing.unit, self.stays)

    @abstractmethod
    def views(self) -> tuple[View, ...]:
        """Return what there is to see in the plan."""

    @abstractmethod
    def _simulate(self) -> SimulationT: ...

    @abstractmethod
    def _check(self) -> Check: ...

    @abstractmethod
    def _coverage(self) -> Coverage: ...

    @abstractmethod
    def _left_out_price(self) -> LeftOutPrice: ...

    @abstractmethod
    def _price(self) -> Pricing: ...

    def _price_planned(self) -> Pricing:
        """Price at planning values; where nothing is frozen, that is the price on the laws."""
        return self.pricing

    @abstractmethod
    def _reasons(self) -> tuple[Reason, ...]: ...

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        return tuple(found for use in self.law_uses for found in use.extrapolations())

    @abstractmethod
    def _law_uses(self) -> tuple[LawUse, ...]: ...
