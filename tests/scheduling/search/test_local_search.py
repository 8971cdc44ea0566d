"""Local search of schedules and its bounds, beside the referee, enumeration and published optima."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt import SchedulingProblem
from kanopt.engines.base import SolveOptions, Termination
from kanopt.engines.highs import HighsOptions, run_highs
from kanopt.engines.solve import solve
from kanopt.scheduling.search import solver
from kanopt.scheduling.search.grid import choose_step, least_regular, lower, relax
from kanopt.scheduling.search.local_search import ShopSearch
from kanopt.scheduling.search.solver import CpSatScheduling, dispatch
from tests.cases.scheduling import FT06, best_on_grid, best_semi_active, job_shop, random_problem


def mixed(seed: int) -> SchedulingProblem:
    """Make a problem of up to a dozen tasks, by chance with setups, breaks, prices of power and a horizon."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(count) for count in rng.integers(1, 4, rng.integers(1, 5)))
    return random_problem(
        rng,
        shape=shape,
        energy=bool(rng.random() < 0.7),
        setups=bool(rng.random() < 0.7),
        breaks=bool(rng.random() < 0.7),
        horizon=float(rng.integers(20, 60)) if rng.random() < 0.4 else None,
    )


def searched(problem: SchedulingProblem, seed: int = 0) -> ShopSearch:
    search = ShopSearch(lower(problem, choose_step(problem)), seed)
    dispatch(search)
    return search


@pytest.mark.slow
@pytest.mark.parametrize("block", range(3))
def test_the_referee_agrees_with_every_schedule_met(block: int) -> None:
    """Fifteen hundred schedules on the way of a hot search: the same verdict, and the same price."""
    kept = 0
    for seed in range(block * 50, block * 50 + 50):
        problem, search = mixed(seed), searched(mixed(seed), seed)
        grid, heat = search.shop.grid, search.scale()
        for _ in range(10):
            search.anneal(100, heat, heat)
            modes, starts = search.current()
            plan = problem.schedule(modes, starts * grid.step)
            assert problem.check(plan).ok == (search.report.over == 0)
            if search.report.over == 0:
                kept += 1
                assert search.report.cost == grid.cost(modes, starts)
                price = problem.price(plan).objective
                assert abs(search.report.cost / grid.scale - price) <= grid.slack + 1e-9 * abs(price)
    assert kept > 250


@pytest.mark.parametrize("block", range(2))
def test_a_schedule_that_breaks_a_rule_is_not_taken_as_it_is(block: int) -> None:
    """A schedule whose starts were moved by chance stands where the referee has nothing against it, and only there."""
    verdicts = []
    for seed in range(block * 50, block * 50 + 50):
        rng, problem = np.random.default_rng(seed), mixed(seed)
        search = searched(problem, seed)
        modes, starts = search.current()
        if search.report.over:
            continue
        for _ in range(6):
            moved = np.clip(
                starts + rng.integers(-1, 3, len(starts)) * (rng.random(len(starts)) < 0.3), 0, None
            )
            search.begin(modes, moved)
            stands = np.array_equal(search.current()[1], moved) and search.report.over == 0
            verdicts.append(stands)
            assert problem.check(problem.schedule(modes, moved * search.shop.grid.step)).ok == stands
    assert 0.1 < np.mean(verdicts) < 0.9


@pytest.mark.parametrize("seed", range(10))
def test_the_optimum_of_enumeration_is_found_also_at_prices_by_the_hour(seed: int) -> None:
    if seed < 6:
        problem = random_problem(np.random.default_rng(seed), shape=(2, 2) if seed % 2 else (1, 1, 2))
        best = best_semi_active(problem)
    else:
        rng = np.random.default_rng(seed + 44)
        problem = random_problem(rng, shape=(2, 1), energy=True, setups=seed % 2 == 0, horizon=17.0)
        best = best_on_grid(problem, np.arange(17.0))
    search = searched(problem)
    for _ in range(5):
        search.anneal(20_000, search.scale(), 0.01 * search.scale())
    found = problem.schedule(search.best()[0], search.best()[1] * search.shop.grid.step)
    assert problem.check(found).ok
    assert problem.price(found).objective == pytest.approx(best, abs=1e-6)


def test_the_published_optimum_is_found() -> None:
    search = searched(job_shop(FT06))
    search.anneal(2_000_000, 0.5 * search.scale(), 0.05 * search.scale())
    assert search.report.best_cost / search.shop.grid.scale == 55.0


def test_without_compiled_code_cp_sat_starts_from_greedy_schedules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(solver, "why_no_kernel", lambda: "there is no C compiler")
    outcome = CpSatScheduling().solve(job_shop(FT06), SolveOptions(time_limit=20.0))
    assert outcome.objective == outcome.bound == 55.0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_a_shop_whose_model_is_too_large_is_searched_locally(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No model is built; the bound is that of every task in its cheapest hours."""
    monkeypatch.setattr(solver, "_LARGEST_MODEL", 0)
    problem = random_problem(np.random.default_rng(seed), shape=(2, 2, 2), energy=seed % 2 == 0, horizon=60.0)
    outcome = CpSatScheduling().solve(problem, SolveOptions(time_limit=1.0, deterministic=True))
    assert outcome.plan is not None
    assert problem.check(outcome.plan).ok
    monkeypatch.undo()
    full = solve(problem, time_limit=1.0, deterministic=True)
    assert outcome.objective is not None
    assert outcome.objective <= 1.05 * full.objective + 1e-6
    assert outcome.bound is None or outcome.bound <= full.objective + 1e-6


def bound(problem) -> float:
    grid = lower(problem, choose_step(problem), "relaxed")
    found = run_highs(relax(grid, least_regular(grid)), HighsOptions(time_limit=20.0))
    assert found.termination is Termination.OPTIMAL
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
