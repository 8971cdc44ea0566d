"""The interface that every kind of problem implements."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import pandas as pd

from kanopt.problems.findings import Check, Extrapolation, FrozenInput, Reason
from kanopt.problems.pricing import Pricing
from kanopt.problems.views import View

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Plan", "Problem"]


class Plan(ABC):
    """A decision: routes, a schedule or flows. Plain data; it knows neither prices nor rules."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the plan as a table a person can read, one row per stop, task or flow."""


PlanT = TypeVar("PlanT", bound=Plan)


class Problem(ABC, Generic[PlanT]):
    """Data of a decision problem, validated when built and priced by laws.

    A problem knows its rules (:meth:`check`), its prices (:meth:`price`), why things are as they are
    (:meth:`reasons`) and its views (:meth:`views`), all without a solver. Solvers, explanations,
    scenarios and reports use these methods only, so that they need no case for every kind of problem.
    """

    kind: ClassVar[str]

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

    def remarks(self) -> tuple[str, ...]:
        """Return possible mistakes in the data, a sentence each."""
        return ()

    def unreachable(self) -> tuple[str, ...]:
        """Return what no road or lane leads to, a sentence each; part of :meth:`remarks`, evaluates no law."""
        return ()

    @abstractmethod
    def check(self, plan: PlanT) -> Check:
        """Verify every constraint of the plan on the laws, without a solver."""

    @abstractmethod
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

    @abstractmethod
    def reasons(self, plan: PlanT | None) -> tuple[Reason, ...]:
        """Say why things are unserved, late or closed; with no plan, why there can be none."""

    @abstractmethod
    def extrapolations(self, plan: PlanT) -> tuple[Extrapolation, ...]:
        """Name every place where the plan uses a law outside its domain."""

    def table(self, plan: PlanT) -> pd.DataFrame:
        """Return the plan as a table a person can read, with what the laws add to it."""
        return plan.to_frame()

    @abstractmethod
    def views(self, plan: PlanT) -> tuple[View, ...]:
        """Return the views of the plan that reports draw."""

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
