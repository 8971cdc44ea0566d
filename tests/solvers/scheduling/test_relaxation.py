"""The linear relaxation of schedules at prices by the hour, beside enumeration and the plans of local search."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt.solvers.highs import HighsOptions, HighsTermination, run_highs
from kanopt.solvers.scheduling.grid import choose_step, lower
from kanopt.solvers.scheduling.local_search.search import ShopSearch
from kanopt.solvers.scheduling.relaxation import relax
from kanopt.solvers.scheduling.starts import dispatch
from tests.cases.scheduling import best_on_grid, random_problem


def bound(problem, buckets: int, regular_bound: int = 0) -> float:
    grid = lower(problem, choose_step(problem), "relaxed")
    found = run_highs(relax(grid, buckets, regular_bound), HighsOptions(time_limit=20.0))
    assert found.termination is HighsTermination.OPTIMAL
    assert found.bound is not None
    return found.bound


@pytest.mark.parametrize("seed", range(6))
def test_it_never_lies_above_the_optimum_of_enumeration(seed: int) -> None:
    problem = random_problem(
        np.random.default_rng(seed + 50), shape=(2, 1), energy=True, setups=seed % 2 == 0, horizon=17.0
    )
    best = best_on_grid(problem, np.arange(17.0))
    bounds = [bound(problem, buckets) for buckets in (3, 8, 17)]
    assert max(bounds) <= best + 1e-6
    assert bounds[2] > 0.5 * best


@pytest.mark.parametrize("seed", range(12))
def test_it_never_lies_above_a_plan(seed: int) -> None:
    problem = random_problem(
        np.random.default_rng(seed), shape=(3, 2, 2), energy=True, whole=seed % 3 > 0, horizon=60.0
    )
    search = ShopSearch(lower(problem, choose_step(problem)), seed)
    dispatch(search)
    search.anneal(300_000, 0.5 * search.scale(), 0.005 * search.scale())
    assert search.report.best_over == 0
    grid = search.shop.grid
    plan = problem.schedule(search.best()[0], search.best()[1] * grid.step)
    relaxed = lower(problem, choose_step(problem), "relaxed")
    found = bound(problem, 12)
    assert found - relaxed.slack <= problem.price(plan).objective + 1e-6
    assert found > relaxed.least_energy() / relaxed.scale


def test_one_task_alone_is_priced_exactly_by_fine_buckets() -> None:
    problem = random_problem(np.random.default_rng(4), shape=(1,), energy=True, horizon=17.0)
    best = best_on_grid(problem, np.arange(17.0))
    assert bound(problem, 17) == pytest.approx(best, rel=1e-6)
