"""Flows decided anew for each draw of demand, through sites that stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import SolverError
from kanopt.problems.supply import SupplyProblem
from kanopt.problems.supply.assessment import SupplyAssessment
from kanopt.problems.supply.draws import DrawnSupply
from kanopt.problems.supply.simulate import slack
from kanopt.solvers.highs import HighsOptions, highs_options
from kanopt.solvers.supply.model import SupplyModel
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
