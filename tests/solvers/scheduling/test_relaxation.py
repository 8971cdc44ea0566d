"""Bounds that do without the order of tasks, beside enumeration and the plans of local search."""

from __future__ import annotations

import numpy as np
import pytest

import kanopt as ko
from kanopt.solvers.highs import HighsOptions, HighsTermination, run_highs
from kanopt.solvers.scheduling.grid import choose_step, lower
from kanopt.solvers.scheduling.local_search.search import ShopSearch
from kanopt.solvers.scheduling.relaxation import least_regular, relax
from kanopt.solvers.scheduling.schedules import dispatch
from tests.cases.scheduling import best_on_grid, random_problem


def bound(problem) -> float:
    grid = lower(problem, choose_step(problem), "relaxed")
    found = run_highs(relax(grid, least_regular(grid)), HighsOptions(time_limit=20.0))
    assert found.termination is HighsTermination.OPTIMAL
    assert found.bound is not None
    return found.bound


@pytest.mark.parametrize("seed", range(4))
def test_it_never_lies_above_the_optimum_of_enumeration(seed: int) -> None:
    problem = random_problem(
        np.random.default_rng(seed + 50), shape=(2, 1), energy=True, setups=seed % 2 == 0, horizon=17.0
    )
    best = best_on_grid(problem, np.arange(17.0))
    assert 0.4 * best < bound(problem) <= best + 1e-6


@pytest.mark.parametrize("seed", range(6))
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
    assert bound(problem) - relaxed.slack <= problem.price(plan).objective + 1e-6


def test_the_makespan_is_never_below_the_work_of_the_machines() -> None:
    took = np.random.default_rng(5).integers(5, 30, (40, 3))
    problem = ko.SchedulingProblem(
        jobs=[ko.scheduling.Job(f"j{i}") for i in range(40)],
        tasks=[ko.scheduling.Task(f"t{i}", f"j{i}") for i in range(40)],
        machines=[ko.scheduling.Machine(f"m{k}") for k in range(3)],
        modes=[
            ko.scheduling.Mode(f"t{i}", f"m{k}", duration=float(time))
            for (i, k), time in np.ndenumerate(took)
        ],
        makespan_cost=1.0,
    )
    result = ko.solve(problem, time_limit=0.5)
    assert result.bound is not None
    assert result.bound >= took.min(axis=1).sum() / 3
    assert result.bound <= result.objective  # type: ignore[operator]
