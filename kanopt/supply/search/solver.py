"""Supply problems solved by HiGHS."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from kanopt.array_types import Floats
from kanopt.engines.base import Outcome, SolveOptions, Solver, Termination
from kanopt.engines.highs import GAP, TOLERANCE, HighsOptions, HighsResult
from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.plans.base import Plan, Problem
from kanopt.plans.findings import Status
from kanopt.supply import FlowPlan
from kanopt.supply.plan import arrays_of
from kanopt.supply.problem import SupplyProblem
from kanopt.supply.search.model import GrowingModel, RowPool, SupplyProgram, run_growing
from kanopt.supply.search.tariffs import TariffPieces, lower_tariff
from kanopt.supply.spare_capacity import first_plan
from kanopt.text import amount_text, money_text, number_text

# Flows decided anew through sites that stay as they are.

_LONGEST = 1e9
_MISSED = 1e-7
"""By how much HiGHS may miss a row, as scipy calls it."""


def flows_through_sites(
    problem: SupplyProblem,
    sites: Collection[tuple[str, str]],
    pieces: TariffPieces | None,
    seconds: float = np.inf,
) -> FlowPlan | None:
    """Return the plan of least price in which these sites are open and no others.

    Parameters
    ----------
    problem
        The problem.
    sites
        Pairs of facility and period, as :attr:`FlowPlan.open` has them.
    pieces
        The tariff as pieces; None for its rates at planning values.
    seconds
        The time limit.

    Returns
    -------
    FlowPlan or None
        Where these sites cannot deliver all that must be, the cheapest of those that leave out the least. None where
        others must be open or one of these is closed, or no plan was found in time.

    Examples
    --------
    >>> from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier
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
    >>> problem.price(flows_through_sites(problem, [("south", "1")], None)).terms().to_dict()
    {'sites': 90.0, 'purchase': 40.0, 'transport': 40.0}
    """
    network, model = problem.network, SupplyProgram(problem, pieces=pieces)
    _, opened = arrays_of(network, FlowPlan((), tuple(sites)))
    if not opened[network.has_status("open")].all() or opened[network.has_status("closed")].any():
        return None
    end = time.perf_counter() + min(seconds, _LONGEST)
    point = _cheapest(model, opened, end)
    if point is None and network.must_deliver.any():
        relaxed = replace(model, must_deliver=False)
        least = _cheapest(relaxed, opened, end, relaxed.missing)
        if least is not None:
            most = float(relaxed.missing @ least)
            point = _cheapest(replace(relaxed, most_missing=most + _MISSED * max(1.0, most)), opened, end)
    return None if point is None else model.plan(point)


def _cheapest(
    model: SupplyProgram, opened: NDArray[np.bool_], end: float, cost: Floats | None = None
) -> Floats | None:
    """Return the best point with these sites open, shape (F, T); None where there is none, or no time."""
    left = end - time.perf_counter()
    if left <= 0:
        return None
    linear, (gates, kept) = model.linear, model.gates(opened)
    lower, upper, seen = linear.lower.copy(), linear.upper.copy(), linear.to_arrays()
    lower[gates] = upper[gates] = kept
    shape = len(linear.row_lower), len(lower)
    matrix = csr_array((seen["values"], (seen["rows"], seen["columns"])), shape=shape)
    found = milp(
        seen["cost"] if cost is None else cost,
        integrality=linear.integer,
        bounds=Bounds(lower, upper),
        constraints=LinearConstraint(matrix, linear.row_lower, linear.row_upper),
        options={"time_limit": left, "mip_rel_gap": GAP},
    )
    return None if found.x is None else np.asarray(found.x, dtype=float)


_FIRST = 0.05
"""Share of the time in which a first plan is put together before HiGHS begins."""
_LOWERING = 0.25
"""Share of the time in which a tariff that reads the flow is made of pieces."""
_SCALINGS, _SCALING = 6, 0.05
"""How often rates are taken from the last plan at most, and the share of the time left that each may take."""
_NOT_PROVED = "stopped before it was known whether all demand that must be met can be"
_WITHIN_TOLERANCE = (
    "demand that must be met is missed by no more than what is within the tolerance of a check"
)
_CANNOT_BE_MET = "demand that must be met cannot be met in full (proved by HiGHS)"


class HighsSupply(Solver):
    """Mixed-integer programming for supply problems.

    The bound is HiGHS's own; a plan is called optimal at a relative gap of 1e-6. Where demand that must be met
    cannot be, HiGHS first finds the least that any plan leaves out, then the cheapest plan that leaves out no
    more. After Ctrl-C, the best plan so far is returned.

    Examples
    --------
    >>> from kanopt import SupplyProblem
    >>> from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier
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

    def solve(self, problem: SupplyProblem, options: SolveOptions) -> Outcome:
        """Begin with a plan, then look for a better one; where not all can be delivered, leave out the least."""
        options.refuse_deterministic(self.name)
        search = _Search(problem, options)
        with Interrupt():  # what stops one run stops the next
            found = search.run()
        answer, model, plan = found.answer, found.model, found.model.plan(found.point)
        outcome = Outcome(
            plan,
            Status.OPTIMAL if answer.termination is Termination.OPTIMAL else Status.FEASIBLE,
            objective=float(model.linear.effective_cost @ found.point),
            bound=answer.bound,
            rounding_bound=model.rounding_bound(found.point, plan),
            history=answer.history,
            interrupted=answer.termination is Termination.INTERRUPTED,
            solver_view=search.view,
            nothing_frozen=model.pieces is not None,
        )
        if found.least is None:
            return _without_empty_bound(_optimal_on_the_law(outcome))
        status, missing = Status.PARTIAL, amount_text(found.missing, problem.units.quantity, 6)
        if problem.check(plan).ok:
            status, message = Status.FEASIBLE, _WITHIN_TOLERANCE
        elif found.least.bound is None or found.least.bound <= TOLERANCE * max(1.0, found.missing):
            message = _NOT_PROVED
        elif found.least.termination is Termination.OPTIMAL:
            message = f"{_CANNOT_BE_MET}: every plan leaves out at least {missing}"
        else:
            message = _CANNOT_BE_MET
        return replace(outcome, status=status, bound=None, message=message)

    def whole_decisions(self, problem: Problem[Any], plan: Plan) -> frozenset[tuple[str, str]] | None:
        """Return the sites that are open, and when; flows follow."""
        if isinstance(problem, SupplyProblem) and isinstance(plan, FlowPlan):
            return frozenset(plan.open)
        return None

    def with_quantities(
        self, problem: SupplyProblem, whole: frozenset[tuple[str, str]], options: SolveOptions
    ) -> FlowPlan | None:
        """Return the cheapest flows through open sites."""
        pieces, _ = _pieces(problem, _LOWERING * options.time_limit)
        return flows_through_sites(problem, whole, pieces, options.time_limit)


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
        The best point.
    least, missing
        Where something that must be delivered is left out, how the search for the least of it ended, and how much that
        is.
    """

    model: SupplyProgram
    answer: HighsResult
    point: Floats
    least: HighsResult | None = None
    missing: float = 0.0


class _Search:
    """One search: the time left, the linear model, the plan to begin with."""

    def __init__(self, problem: SupplyProblem, options: SolveOptions) -> None:
        self.problem, self.options, self.reserve = problem, options, 0.0
        self.began, given = time.perf_counter(), options.initial
        self.given = None if given is None else _known_part(problem, given)
        pieces, self.frozen_why = _pieces(problem, _LOWERING * options.time_limit)
        self.rows = SupplyProgram(problem, pieces=pieces)

    @property
    def view(self) -> tuple[str, ...]:
        """What HiGHS sees in place of a tariff that reads the flow."""
        pieces = self.rows.pieces
        if pieces is None:
            why = self.frozen_why
            return (f"the tariff at planning values: {why}",) if why else ()
        within = money_text(pieces.error, self.problem.unit)
        straight = f"the price of a shipment in {pieces.segments:,} straight pieces"
        return (f"{straight}, below the law by at most {within} each",)

    @property
    def elapsed(self) -> float:
        """Seconds since the time limit began."""
        return time.perf_counter() - self.began

    def run(self) -> _FoundPoint:
        """Search from the best plan that is known at once."""
        plan = first_plan(self.problem, _FIRST * self.options.time_limit)
        asked = time.perf_counter()
        rank, _ = self._rank(plan), self.rows.point(plan)
        # as long will it take to judge the plan found
        self.reserve = time.perf_counter() - asked
        if self.given is not None and self._rank(self.given) <= rank:
            check = self.problem.check(self.given)
            plan = self.given if check.ok or check.only_unserved else plan
        plan = self._scaled(plan)
        relaxed, least = SupplyProgram(self.problem, must_deliver=False), None
        if not self.problem.check(plan).ok:
            least = self._run(_least_missing(relaxed), None, told=False)
            plan = plan if least.values is None else relaxed.plan(least.values)
        if self.problem.check(plan).ok:
            found = self._from(self.rows, plan)
            # what the referee tolerates HiGHS may not
            if found.answer.termination is not Termination.INFEASIBLE:
                return found
        return self._leaving_out(relaxed, plan, least or self._run(_least_missing(relaxed), None, told=False))

    def _leaving_out(self, relaxed: SupplyProgram, plan: FlowPlan, least: HighsResult) -> _FoundPoint:
        """Search for the cheapest plan of those that leave out the least."""
        if least.values is None:
            return _FoundPoint(relaxed, least, relaxed.point(plan), least, np.inf)
        missing = float(relaxed.missing @ least.values)
        most = missing + TOLERANCE * max(1.0, missing)
        capped = replace(self.rows, must_deliver=False, most_missing=most)
        found = self._from(capped, relaxed.plan(least.values))
        return replace(found, least=least, missing=missing)

    def _scaled(self, plan: FlowPlan) -> FlowPlan:
        """Return a plan that is better on the law, from rates that are those of the shipments of the last plan.

        Dynamic slope scaling (Kim and Pardalos 1999, "A solution approach to the fixed charge network flow problem
        using a dynamic slope scaling procedure", Operations Research Letters 24).
        """
        if not self.problem.lane_tariff.reads_flow or not self.problem.check(plan).ok:
            return plan
        tariff = self.problem.lane_tariff
        rates, now, best = tariff.rates, plan, plan
        for _ in range(_SCALINGS):
            flows = self.problem.assess(now).simulation.flows
            paid = np.divide(tariff.amounts(flows), flows, out=np.array(rates), where=flows > 0)
            rates = paid
            model = SupplyProgram(self.problem, rates=rates)
            share = _SCALING * (self.options.time_limit - self.elapsed)
            answer = self._run(model.growing, model.point(now), told=False, seconds=share)
            if answer.values is None:
                break
            found = model.plan(answer.values)
            if found == now:
                break
            now = found
            if self.problem.check(now).ok and self._rank(now) < self._rank(best):
                best = now
        return best

    def _rank(self, plan: FlowPlan) -> tuple[float, float]:
        """Return how much of what must be delivered a plan leaves out, and what it costs."""
        assessment = self.problem.assess(plan)
        missing = float(assessment.simulation.shortage[self.problem.network.must_deliver].sum())
        # what HiGHS may miss by its tolerance must not decide between two plans
        return float(f"{missing:.5g}"), assessment.pricing.objective

    def _from(self, model: SupplyProgram, plan: FlowPlan) -> _FoundPoint:
        """Search for a better plan than one."""
        hint = model.point(plan)
        answer = self._run(model.growing, hint)
        point = hint if answer.values is None else answer.values
        # what is cheaper on pieces, or at planning values, may be dearer on the law
        if self.problem.lane_tariff.reads_flow and self._rank(plan) < self._rank(model.plan(point)):
            point = hint
        return _FoundPoint(model, answer, point)

    def _run(
        self, model: GrowingModel, hint: Floats | None, *, told: bool = True, seconds: float = np.inf
    ) -> HighsResult:
        """Run HiGHS for the time left, and no longer than some seconds."""
        elapsed = self.elapsed
        options = HighsOptions(
            time_limit=min(seconds, self.options.time_limit - elapsed - self.reserve),
            seed=self.options.seed,
            threads=self.options.workers,
            hint=hint,
            progress=self.options.progress if told else None,
            has_plan=True,
        )
        if options.time_limit <= 0:
            return HighsResult(Termination.LIMIT, None, None)
        # the open sites of the plan that the search starts from may be those of other data
        tries = () if self.given is None or not told else (self.rows.point(self.given)[model.linear.integer],)
        answer = run_growing(model, options, tries)
        return replace(
            answer, history=tuple(replace(step, seconds=step.seconds + elapsed) for step in answer.history)
        )


def _pieces(problem: SupplyProblem, seconds: float) -> tuple[TariffPieces | None, str]:
    """Return a tariff that reads the flow as pieces, or why it has none in some seconds."""
    if not problem.lane_tariff.reads_flow:
        return None, ""
    model = SupplyProgram(problem)
    made = lower_tariff(problem, model.flow.cells, model.most_flow, seconds)
    return (None, made) if isinstance(made, str) else (made, "")


def _least_missing(model: SupplyProgram) -> GrowingModel:
    """Return the model of how much must be left out: opening a site never makes anything impossible, so all do."""
    growing = model.growing
    linear = growing.linear
    whole = np.zeros_like(linear.integer)
    whole[model.order.columns] = True
    lower = np.where(linear.integer & ~whole, linear.upper, linear.lower)
    none = np.zeros(0, dtype=np.intp)
    linear = replace(linear, cost=model.missing, lower=lower, integer=whole)
    return replace(growing, linear=linear, pool=RowPool.of_gates(none, none, none, np.zeros(0)))


def _optimal_on_the_law(outcome: Outcome) -> Outcome:
    """Call no plan optimal that is so on pieces, where these are further from the law than a gap may be."""
    price = abs(outcome.objective or 0.0)
    if (
        not outcome.nothing_frozen
        or outcome.status is not Status.OPTIMAL
        or outcome.rounding_bound <= GAP * price
    ):
        return outcome
    message = "optimal on the straight pieces; on the law as near as the bound says"
    return replace(outcome, status=Status.FEASIBLE, message=message)


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
    network, lanes = problem.network, {(lane.tail, lane.head, lane.mode) for lane in problem.network.lanes}
    products, periods, sites = (set(network.names[kind]) for kind in ("product", "period", "facility"))
    flows = (
        flow
        for flow in plan.flows
        if flow[:3] in lanes and flow.product in products and flow.period in periods
    )
    return FlowPlan(
        tuple(flows), tuple(pair for pair in plan.open if pair[0] in sites and pair[1] in periods)
    )
