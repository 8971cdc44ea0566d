"""Supply problems solved by HiGHS."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.problems.base import Plan, Problem
from kanopt.problems.result import Status
from kanopt.problems.supply import FlowPlan, SupplyProblem
from kanopt.solvers.base import Outcome, SolveOptions, Solver
from kanopt.solvers.highs import TOLERANCE, HighsOptions, HighsResult, HighsTermination, run_highs
from kanopt.solvers.supply.model import SupplyModel
from kanopt.text import amount_text, number_text

__all__ = ["HighsSupply"]

Floats = NDArray[np.float64]
_CANNOT_BE_MET = "demand that must be met cannot be met in full (proved by HiGHS)"


class HighsSupply(Solver):
    """Mixed-integer programming for supply problems.

    The bound is HiGHS's own; a plan is called optimal at a relative gap of 1e-6. Where demand that must be met
    cannot be, HiGHS first finds the least that any plan leaves out, then the cheapest plan that leaves out no
    more. After Ctrl-C, the best plan so far is returned.

    Examples
    --------
    >>> from kanopt.problems.supply import (
    ...     Facility, Lane, Market, Period, Product, Supplier, SupplyProblem)
    >>> problem = SupplyProblem(
    ...     suppliers=[Supplier("mill", "flour", capacity=50.0, unit_cost=2.0)],
    ...     facilities=[Facility("north", fixed_cost=30.0), Facility("south", fixed_cost=90.0)],
    ...     markets=[Market("Lyon")],
    ...     products=[Product("flour", shortage_cost=9.0)],
    ...     periods=[Period("1")],
    ...     lanes=[Lane("mill", "north"), Lane("north", "Lyon"), Lane("mill", "south"), Lane("south", "Lyon")],
    ...     tariff=1.0,
    ...     demand=20.0,
    ... )
    >>> outcome = HighsSupply().solve(problem, SolveOptions())
    >>> outcome.status.value, outcome.objective
    ('optimal', 110.0)
    """

    @property
    def name(self) -> str:
        """Name and version."""
        return f"HiGHS {version('highspy')}"

    def accepts(self, problem: Problem[Any]) -> str:
        """Return an empty text for a supply problem."""
        return "" if isinstance(problem, SupplyProblem) else "it solves supply problems"

    def lower(self, problem: SupplyProblem, options: SolveOptions) -> _TimedModel:
        """Return the problem as a mixed-integer linear model, in which everything that must be delivered is."""
        options.refuse_deterministic(self.name)
        began = time.perf_counter()
        return _TimedModel(problem, SupplyModel(problem), began)

    def search(self, model: _TimedModel, options: SolveOptions) -> _FoundPoint:
        """Run HiGHS; where nothing delivers all that must be, leave out as little as possible."""
        search = _HighsSupplySearch(model.problem, options, model.began)
        with Interrupt():  # what stops one run stops the next
            answer = search.run(model.rows, options.initial)
            if answer.termination is HighsTermination.INFEASIBLE:
                return search.partial()
        point = search.initial_point(model.rows) if answer.values is None else answer.values
        return _FoundPoint(model.rows, answer, point)

    def raise_plan(self, model: _TimedModel, found: _FoundPoint) -> Outcome:
        """Return a point as flows and open sites, and say what is left out."""
        answer = found.answer
        interrupted = answer.termination is HighsTermination.INTERRUPTED
        if found.point is None:
            if found.least is not None:
                return Outcome(
                    None, Status.INFEASIBLE, None, None, 0.0, (), interrupted, message=_CANNOT_BE_MET
                )
            why = "stopped before a first plan was found" if interrupted else "no plan within the time limit"
            return Outcome(None, Status.NO_PLAN, None, answer.bound, 0.0, answer.history, interrupted, why)
        plan = found.model.plan(found.point)
        best = Status.OPTIMAL if answer.termination is HighsTermination.OPTIMAL else Status.FEASIBLE
        outcome = Outcome(
            plan=plan,
            status=best,
            objective=float(found.model.linear.effective_cost @ found.point),
            bound=answer.bound,
            rounding_bound=found.model.rounding_bound(found.point, plan),
            history=answer.history,
            interrupted=interrupted,
        )
        if found.least is None:
            return _without_empty_bound(outcome)
        if model.problem.check(plan).ok:
            message = (
                "demand that must be met is missed by no more than what is within the tolerance of a check"
            )
            return replace(outcome, status=Status.FEASIBLE, bound=None, message=message)
        message, unit = _CANNOT_BE_MET, model.problem.units.quantity
        if found.least.termination is HighsTermination.OPTIMAL:
            message = f"{message}: every plan leaves out at least {amount_text(found.missing, unit, 6)}"
        return replace(outcome, status=Status.PARTIAL, bound=None, message=message)


@dataclass(frozen=True, eq=False)
class _TimedModel:
    """A problem, its linear model, and when lowering began: the time limit counts from then."""

    problem: SupplyProblem
    rows: SupplyModel
    began: float


@dataclass(frozen=True, eq=False)
class _FoundPoint:
    """What HiGHS found.

    Parameters
    ----------
    model
        The model of the point; where something is left out, not the model that the search began with.
    answer
        How the last run ended.
    point
        The best point, or None.
    least, missing
        Where something is left out, how the search for the least of it ended, and how much that is.
    """

    model: SupplyModel
    answer: HighsResult
    point: Floats | None
    least: HighsResult | None = None
    missing: float = 0.0


class _HighsSupplySearch:
    """One search: the time left, the history so far."""

    def __init__(self, problem: SupplyProblem, options: SolveOptions, began: float) -> None:
        self.problem = problem
        self.options = options
        self.start = began

    def run(
        self, model: SupplyModel, initial: Plan | None = None, *, least_missing: bool = False
    ) -> HighsResult:
        """Run HiGHS for the time left; minimise what is missing instead of the cost on request."""
        elapsed = time.perf_counter() - self.start
        linear = model.linear
        if least_missing:
            # opening a site never makes anything impossible, so every site that may open does: a linear programme
            upper = linear.upper
            lower = np.where(linear.integer, upper, linear.lower)
            linear = replace(linear, cost=model.missing, lower=lower, integer=np.zeros_like(linear.integer))
        hint = None
        if initial is not None:
            # HiGHS refuses a start outside the bounds of its variables, such as a site that is closed by now
            hint = np.clip(model.point(_known_part(self.problem, initial)), linear.lower, linear.upper)
        options = HighsOptions(
            time_limit=max(0.0, self.options.time_limit - elapsed),
            seed=self.options.seed,
            threads=self.options.workers,
            hint=hint,
            progress=None if least_missing else self.options.progress,
        )
        answer = run_highs(linear, options)
        shifted = tuple(replace(step, seconds=step.seconds + elapsed) for step in answer.history)
        return replace(answer, history=shifted)

    def partial(self) -> _FoundPoint:
        """Leave out as little as possible of what must be delivered, and do that as cheaply as possible."""
        model = SupplyModel(self.problem, must_deliver=False)
        least = self.run(model, least_missing=True)
        if least.values is None:
            return _FoundPoint(model, least, None, least)
        missing = float(model.missing @ least.values)
        capped = SupplyModel(
            self.problem, must_deliver=False, most_missing=missing + TOLERANCE * max(1.0, missing)
        )
        answer = self.run(capped, model.plan(least.values))
        point = least.values if answer.values is None else answer.values
        return _FoundPoint(capped, answer, point, least, missing)

    def initial_point(self, model: SupplyModel) -> Floats | None:
        """Return the point of the plan that the search started from, where it is one for this problem."""
        if self.options.initial is None:
            return None
        plan = _known_part(self.problem, self.options.initial)
        return model.point(plan) if self.problem.check(plan).ok else None


def _without_empty_bound(outcome: Outcome) -> Outcome:
    """Claim no bound, and no optimum, where rounding may move the price by as much as it is."""
    price, moved = abs(outcome.objective or 0.0), outcome.rounding_bound
    if moved <= max(price, 1.0):
        return outcome
    message = (
        f"no bound: prices differ so much in size that rounding may move the price by {number_text(moved)}, more than "
        "it is; is a price such as shortage_cost larger than it need be?"
    )
    return replace(outcome, status=Status.FEASIBLE, bound=None, message=message)


def _known_part(problem: SupplyProblem, plan: Plan) -> FlowPlan:
    """Return the part of a plan, perhaps made for other data, that names what this problem has."""
    if not isinstance(plan, FlowPlan):
        raise SolverError(f"a supply problem starts from a FlowPlan, not from a {type(plan).__name__}")
    network = problem.network
    lanes = {(lane.tail, lane.head, lane.mode) for lane in network.lanes}
    products, periods = set(network.product_names), set(network.period_names)
    sites = set(network.facility_names)
    flows = tuple(
        flow
        for flow in plan.flows
        if flow[:3] in lanes and flow.product in products and flow.period in periods
    )
    return FlowPlan(flows, tuple(pair for pair in plan.open if pair[0] in sites and pair[1] in periods))
