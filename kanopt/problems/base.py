"""The interface that every kind of problem implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import pandas as pd

from kanopt.display import Law, Part, Shown
from kanopt.errors import warn_user
from kanopt.faults import Fault
from kanopt.problems.findings import Check, Extrapolation, FrozenInput, Reason
from kanopt.problems.pricing import Pricing
from kanopt.problems.views import View
from kanopt.records.unread_columns import TableUse, UnreadColumns, unread_columns

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula
    from kanopt.problems.assessment import Assessment


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


class Problem(Shown, Generic[PlanT]):
    """Data of a decision problem, validated when built and priced by laws.

    A problem assesses plans without a solver: whether they keep its rules, what they cost, why things are as they are
    and what there is to see (:meth:`assess`; :meth:`check`, :meth:`price` and the others are short for it). Solvers,
    explanations, scenarios and reports use these methods only, so that they need no case for every kind of problem.
    """

    kind: ClassVar[str]
    has_work_orders: ClassVar[bool] = False
    """Whether there are vehicles or machines, of which each is told what it does."""

    @property
    def on_earth(self) -> bool:
        """Whether every place has a latitude and a longitude."""
        return False

    @property
    @abstractmethod
    def unit(self) -> str:
        """Unit of the objective, usually a currency."""

    @abstractmethod
    def laws(self) -> Mapping[str, Formula]:
        """Return the formulas that price this problem, by the name of what they price."""

    @abstractmethod
    def frozen_inputs(self) -> tuple[FrozenInput, ...]:
        """Return the inputs of laws that a solver sees at a planning value."""

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

        A problem whose tables are frames does so when it is built, :func:`~kanopt.solvers.solve` for all others.
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

    @abstractmethod
    def assess(self, plan: PlanT) -> Assessment[PlanT, Any]:
        """Return what becomes of a plan on the laws; the same object again while it is remembered.

        Parameters
        ----------
        plan
            What was decided. It must not be changed afterwards.
        """

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

    @abstractmethod
    def infeasibility_reasons(self) -> tuple[Reason, ...]:
        """Say why there can be no plan, as far as arithmetic shows it."""

    def extrapolations(self, plan: PlanT) -> tuple[Extrapolation, ...]:
        """Name every place where the plan uses a law outside its domain."""
        return self.assess(plan).extrapolations

    def table(self, plan: PlanT) -> pd.DataFrame:
        """Return the plan as a table a person can read, with what the laws add to it."""
        return self.assess(plan).table()

    def views(self, plan: PlanT) -> tuple[View, ...]:
        """Return the views of the plan that reports draw."""
        return self.assess(plan).views()

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
