"""Flows decided anew for each draw of demand, through sites that stay as they are."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from kanopt.errors import SolverError
from kanopt.problems.supply import FlowPlan, SupplyProblem
from kanopt.problems.supply.assessment import SupplyAssessment
from kanopt.problems.supply.draws import DrawnSupply
from kanopt.problems.supply.simulate import slack
from kanopt.solvers.highs import GAP, HighsOptions, highs_options
from kanopt.solvers.supply.model import SupplyModel
from kanopt.solvers.supply.tariffs import TariffPieces
from kanopt.worker import run_workers

Floats = NDArray[np.float64]
_SCRIPT = Path(__file__).with_name("recourse_child.py")


@dataclass(frozen=True, eq=False)
class FlowsAnew:
    """What is done in each draw.

    Parameters
    ----------
    drawn
        Shortages and costs.
    least
        Units of what must be delivered that are missing in any case, through these sites; (draws,).
    flows
        The flows of each draw, where they were asked for: lanes, products, periods; (draws, L, P, T).
    """

    drawn: DrawnSupply
    least: Floats
    flows: Floats | None


def flows_anew(
    problem: SupplyProblem,
    opened: NDArray[np.bool_],
    demand: Floats,
    *,
    rates: Floats | None = None,
    with_flows: bool = False,
) -> FlowsAnew:
    """Return the cheapest flows for each draw of demand, through given sites.

    A linear program for each draw, of which only what is wanted differs, each from the basis of the one before. Where
    not all can be delivered that must be, what is missing of it is least first, then the cost.

    Parameters
    ----------
    problem
        The problem.
    opened
        Which sites are open, shape (F, T).
    demand
        What is wanted, in the order of ``np.nonzero(problem.demand_array > 0)``; (draws, cells).
    rates
        Money per unit moved, shape (L, P, T), in place of the tariff at planning values.
    with_flows
        Whether to return flows.

    Raises
    ------
    SolverError
        If HiGHS fails.
    """
    cells = np.nonzero(problem.demand_array > 0)
    most = problem.demand_array.copy()
    most[cells] = np.maximum(most[cells], demand.max(axis=0, initial=0.0))
    # one model for all draws: what bounds the flows of it is the largest demand
    model = SupplyModel(problem.with_demand(most), must_deliver=False, rates=rates)
    told = with_flows or problem.lane_tariff.reads_flow
    answers = _answers(model, opened, demand, told=told)
    shortage, cost, least = np.zeros_like(demand), np.zeros(len(demand)), np.zeros(len(demand))
    flows = np.zeros((len(demand) if with_flows else 0, *problem.network.shape))
    for draw, answer in answers.items():
        point = np.zeros(len(model.cost))
        point[answer["places"]] = answer["values"]
        missing = point[model.shortage.start : model.shortage.stop]
        shortage[draw] = np.where(missing > slack(demand[draw]), missing, 0.0)
        cost[draw], least[draw] = answer["cost"], answer["least"]
        if told:
            moved = model.flow.to_array(point)
            cost[draw] += _above_rates(problem, moved, rates)
            if with_flows:
                flows[draw] = moved
    drawn = DrawnSupply((cells[0], cells[1], cells[2]), demand, shortage, np.zeros(len(demand)), cost)
    return FlowsAnew(drawn, least, flows if with_flows else None)


def paid_rates(assessment: SupplyAssessment) -> Floats:
    """Return what a plan pays for a unit on the law, shape (L, P, T); at planning values where it sends nothing."""
    tariff, flows = assessment.problem.lane_tariff, assessment.simulation.flows
    return np.divide(tariff.amounts(flows), flows, out=np.array(tariff.rates), where=flows > 0)


def _above_rates(problem: SupplyProblem, flows: Floats, rates: Floats | None) -> float:
    """Return by how much flows cost more on the law than at the rates of a linear program."""
    tariff = problem.lane_tariff
    paid = tariff.rates if rates is None else rates
    return float((tariff.amounts(flows) - flows * paid).sum()) if tariff.reads_flow else 0.0


def _answers(
    model: SupplyModel, opened: NDArray[np.bool_], demand: Floats, *, told: bool
) -> dict[int, Mapping[str, Any]]:
    """Let the script solve a linear program for each draw."""
    linear = model.linear.to_arrays()
    gates, kept = model.gates(opened)
    linear["lower"][gates] = linear["upper"][gates] = kept
    order = {
        "model": linear,
        "rows": model.demand_rows,
        "demand": demand,
        "must": np.flatnonzero(model.missing),
        "told": np.arange(0 if told else model.shortage.start, model.shortage.stop),
        "options": {**highs_options(HighsOptions(time_limit=np.inf)), "output_flag": False},
    }
    found: dict[int, Mapping[str, Any]] = {}

    def take(_: int, message: Mapping[str, Any]) -> None:
        found[int(message["draw"])] = message

    (end,) = run_workers(
        str(_SCRIPT),
        [order],
        seconds_left=lambda: np.inf,
        stop_requested=lambda: False,
        on_message=take,
    )
    if end.failed or len(found) < len(demand):
        raise SolverError(f"HiGHS failed: {end.message}; the end of its log:\n" + "\n".join(end.error_output))
    return found


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

    For many demands at once, at rates alone, there is :func:`~kanopt.solvers.supply.recourse.flows_anew`.

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
    >>> from kanopt.problems.supply import Facility, Lane, Market, Period, Product, Supplier
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
    network, model = problem.network, SupplyModel(problem, pieces=pieces)
    opened = np.zeros((len(network.facilities), network.shape[2]), dtype=bool)
    place = {name: row for row, name in enumerate(network.facility_names)}
    when = {name: column for column, name in enumerate(network.period_names)}
    for site, period in sites:
        opened[place[site], when[period]] = True
    must_open, shut = network.has_status("open"), network.has_status("closed")
    if not opened[must_open].all() or opened[shut].any():
        return None
    end = time.perf_counter() + min(seconds, _LONGEST)
    point = _cheapest(model, opened, end)
    if point is None and np.isinf(network.shortage_cost).any():
        relaxed = replace(model, must_deliver=False)
        least = _cheapest(relaxed, opened, end, relaxed.missing)
        if least is not None:
            most = float(relaxed.missing @ least)
            point = _cheapest(replace(relaxed, most_missing=most + _MISSED * max(1.0, most)), opened, end)
    return None if point is None else model.plan(point)


def _cheapest(
    model: SupplyModel, opened: NDArray[np.bool_], end: float, cost: NDArray[np.float64] | None = None
) -> NDArray[np.float64] | None:
    """Return the best point with these sites open, shape (F, T); None where there is none, or no time."""
    left = end - time.perf_counter()
    if left <= 0:
        return None
    linear, (gates, kept) = model.linear, model.gates(opened)
    lower, upper = linear.lower.copy(), linear.upper.copy()
    lower[gates] = upper[gates] = kept
    seen = linear.to_arrays()
    shape = (len(linear.row_lower), len(lower))
    matrix = csr_array((seen["values"], (seen["rows"], seen["columns"])), shape=shape)
    found = milp(
        seen["cost"] if cost is None else cost,
        integrality=linear.integer.astype(int),
        bounds=Bounds(lower, upper),
        constraints=LinearConstraint(matrix, linear.row_lower, linear.row_upper),
        options={"time_limit": left, "mip_rel_gap": GAP},
    )
    return None if found.x is None else np.asarray(found.x, dtype=float)
