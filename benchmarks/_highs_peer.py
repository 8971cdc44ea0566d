"""HiGHS as it comes, on models written down by hand: what supply plans are compared with."""

from __future__ import annotations

import multiprocessing
import os
import time
from dataclasses import dataclass

import highspy
import numpy as np
from _networks import Warehouses

from kanopt.engines.highs import GAP, MixedIntegerModel


@dataclass(frozen=True)
class Bare:
    """What HiGHS found: price and bound, infinite where there is none, and the wall seconds it took."""

    price: float
    bound: float
    seconds: float
    proved: bool


def warehouse_model(given: Warehouses, *, strong: bool) -> MixedIntegerModel:
    """Return shares of customers' demand and open warehouses; `strong` adds share ≤ open for each of the shares."""
    sites, customers = given.cost.shape
    share = np.arange(sites * customers).reshape(sites, customers)
    site = np.repeat(np.arange(sites), customers)
    opened = share.size + np.arange(sites)
    rows = [np.tile(np.arange(customers), sites), customers + site, customers + np.arange(sites)]
    columns = [share.ravel(), share.ravel(), opened]
    values = [np.ones(share.size), np.tile(given.demand, sites), -given.capacity]
    lower, upper = [np.ones(customers), np.full(sites, -np.inf)], [np.ones(customers), np.zeros(sites)]
    if strong:
        first = customers + sites + share.ravel()
        rows, columns = [*rows, first, first], [*columns, share.ravel(), opened[site]]
        values = [*values, np.ones(share.size), -np.ones(share.size)]
        lower, upper = [*lower, np.full(share.size, -np.inf)], [*upper, np.zeros(share.size)]
    count = share.size + sites
    return MixedIntegerModel(
        cost=np.concatenate([given.cost.ravel(), given.fixed]),
        lower=np.zeros(count),
        upper=np.ones(count),
        integer=np.arange(count) >= share.size,
        rows=np.concatenate(rows),
        columns=np.concatenate(columns),
        values=np.concatenate(values),
        row_lower=np.concatenate(lower),
        row_upper=np.concatenate(upper),
    )


def bare_highs(model: MixedIntegerModel, seconds: float) -> Bare:
    """Let HiGHS minimise a model in a process of its own, with one thread and the gap that kanopt asks for."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_solve, args=(model, seconds, there))
    child.start()
    found: Bare = here.recv()
    child.join()
    return found


def _solve(model: MixedIntegerModel, seconds: float, answers: multiprocessing.connection.Connection) -> None:
    began = time.perf_counter()
    # HiGHS says its name before it can be told not to
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    highs = highspy.Highs()
    settings = {"output_flag": False, "time_limit": seconds, "mip_rel_gap": GAP, "threads": 1}
    for name, value in settings.items():
        highs.setOptionValue(name, value)
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(model.cost), len(model.row_lower)
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = model.cost, model.lower, model.upper
    lp.row_lower_, lp.row_upper_ = model.row_lower, model.row_upper
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[whole] for whole in model.integer.astype(int)]
    order = np.argsort(model.rows, kind="stable")
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(model.rows, minlength=lp.num_row_))])
    lp.a_matrix_.index_, lp.a_matrix_.value_ = model.columns[order], model.values[order]
    highs.passModel(lp)
    highs.run()
    info = highs.getInfo()
    there = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible
    answers.send(
        Bare(
            info.objective_function_value if there else np.inf,
            info.mip_dual_bound,
            time.perf_counter() - began,
            highs.getModelStatus() == highspy.HighsModelStatus.kOptimal,
        )
    )
