"""CP-SAT on scheduling problems, beside enumeration and published optima."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import SchedulingProblem
from kanopt.engines.solve import solve
from kanopt.plans.findings import Status
from kanopt.plans.result import Progress
from kanopt.scheduling import Break, Job, Machine, Mode, PowerPrice, Setup, Task
from kanopt.scheduling.dispatch import repair_starts
from kanopt.scheduling.search.grid import choose_step, is_exact, lower
from tests.cases.scheduling import (
    FT06,
    best_on_grid,
    best_semi_active,
    holds,
    job_shop,
    random_problem,
)


def rows(result):
    return [{"task": a.task, "machine": a.machine, "start": a.start} for a in result.plan.assignments]


def test_the_published_job_shop_is_solved_to_its_optimum():
    result = solve(job_shop(FT06), time_limit=20.0)
    assert result.status is Status.OPTIMAL
    assert result.objective == result.bound == 55.0
    assert result.gap == 0.0
    assert holds(result.problem, rows(result))
    assert result.certificate is not None
    assert result.certificate.rounding_bound == result.certificate.rounding_error == 0.0


@pytest.mark.parametrize("seed", range(6))
def test_whole_times_are_solved_to_the_optimum_of_enumeration(seed):
    problem = random_problem(np.random.default_rng(seed), shape=(2, 2) if seed % 2 else (1, 1, 2))
    result = solve(problem, time_limit=20.0)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best_semi_active(problem), abs=1e-6)
    assert result.bound == pytest.approx(result.objective, rel=1e-4)
    assert holds(problem, rows(result))
    assert result.check.ok


def _shop_of_families(rng: np.random.Generator) -> SchedulingProblem:
    """Make five jobs of one task for one or two machines, most with a family, and setups that favour detours."""
    families = ("", "", "red", "blue", "green")
    tasks = [Task(f"t{k}", f"j{k}", family=str(rng.choice(families))) for k in range(5)]
    machines = [Machine("a", str(rng.choice(families)), 0.7), Machine("b")][: rng.integers(1, 3)]
    chosen = [rng.choice(len(machines), rng.integers(1, len(machines) + 1), replace=False) for _ in tasks]
    return SchedulingProblem(
        [
            Job(f"j{k}", release_date=float(rng.integers(0, 3)), due_date=9.0, tardiness_cost=1.0)
            for k in range(5)
        ],
        tasks,
        machines,
        [
            Mode(task.name, machines[at].name, duration=float(rng.integers(1, 4)))
            for task, own in zip(tasks, chosen, strict=True)
            for at in own
        ],
        setups=[
            Setup(x, y, float(rng.choice([0, 1, 4, 9]))) for x in families[1:] for y in families[2:] if x != y
        ],
        calendars=[Break(4.0, 6.0, "a")],
        makespan_cost=1.5,
    )


@pytest.mark.parametrize("seed", range(8))
def test_setups_are_remembered_over_tasks_without_a_family(seed):
    problem = _shop_of_families(np.random.default_rng(seed + 300))
    result = solve(problem, time_limit=20.0)
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best_semi_active(problem), abs=1e-6)
    assert holds(problem, rows(result))
    assert result.check.ok


@pytest.mark.parametrize("seed", range(4))
def test_energy_is_scheduled_to_the_optimum_of_enumeration(seed):
    # prices change every 4 steps and may be negative; everything is over by 14, or never better later
    problem = random_problem(
        np.random.default_rng(seed + 50), shape=(2, 1), energy=True, setups=seed % 2 == 0, horizon=17.0
    )
    result = solve(problem, time_limit=6.0)
    best = best_on_grid(problem, np.arange(17.0))
    assert result.status is Status.OPTIMAL
    assert result.objective == pytest.approx(best, rel=1e-6, abs=1e-6)
    assert result.bound <= best + 1e-6
    assert result.certificate.holds
    assert result.check.ok


@pytest.mark.parametrize("seed", range(3))
def test_times_off_the_grid_keep_an_honest_bound(seed):
    problem = random_problem(np.random.default_rng(seed + 10), shape=(2, 1), whole=False)
    step = choose_step(problem)
    assert not is_exact(problem, step)
    result = solve(problem, time_limit=6.0)
    best = best_semi_active(problem)
    assert result.bound <= best + 1e-9
    assert result.objective >= best - 1e-9
    # every task is at most a step longer, and a step later dear
    rate = 1.5 + sum(job.tardiness_cost for job in problem.jobs)
    assert result.objective <= best + 6 * step * rate
    assert result.certificate.holds
    assert holds(problem, rows(result))


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.sampled_from([0.01, 0.1, 0.25, 1.0]), st.booleans())
def test_rounding_stays_within_its_proven_bounds(seed, step, setups):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, shape=(2, 2), whole=False, energy=True, setups=setups)
    problem = replace(
        problem,
        power_price=[PowerPrice(p.start + (0.013 if p.start else 0.0), p.price) for p in problem.power_price],
        makespan_cost=float(rng.uniform(0, 2)),
    )
    structure = problem.data.structure
    modes = np.array([rng.choice(np.flatnonzero(structure.mode_task == t)) for t in range(4)])
    # tasks 0 and 1 are one job, 2 and 3 another
    wanted = np.sort(rng.uniform(0.0, 15.0, (2, 2)), axis=1).ravel()
    safe, relaxed = lower(problem, step, "safe"), lower(problem, step, "relaxed")
    # a schedule on the safe grid holds on the law and costs there what the grid says, within the bound
    starts = repair_starts(structure, safe.timing, modes, np.floor(wanted / step))
    plan = problem.schedule(modes, starts * step)
    assert problem.check(plan).ok, str(problem.check(plan))
    price = problem.price(plan).objective
    assert abs(safe.cost(modes, starts.astype(int)) / safe.scale - price) <= safe.slack + 1e-9
    # rounding the starts of any schedule down leads to the relaxed grid, and makes it no dearer beyond the bound
    exact = repair_starts(structure, problem.data.timing, modes, wanted)
    price = problem.price(problem.schedule(modes, exact)).objective
    down = np.floor(exact / step + 1e-9).astype(int)
    assert relaxed.cost(modes, down) / relaxed.scale <= price + relaxed.slack + 1e-9
    moved = repair_starts(structure, relaxed.timing, modes, down.astype(float))
    assert (moved == down).all()
    assert relaxed.least_energy() <= (relaxed.cost(modes, down) - _regular(relaxed, modes, down))


def _regular(grid, modes, starts):
    """Return makespan and tardiness alone."""
    costs = replace(grid.costs, energy=0 * grid.costs.energy, running=0 * grid.costs.running)
    return replace(grid, costs=costs).cost(modes, starts)


def test_without_a_horizon_waiting_for_cheap_power_is_found():
    prices = [(0.0, 1.0), (400.0, 0.1), (430.0, 0.3), (470.0, 0.05)]
    modes, price = [Mode("t", "m", duration=60.0, energy=10.0)], [PowerPrice(*each) for each in prices]
    parts = [Job("j")], [Task("t", "j")], [Machine("m")], modes
    result = solve(SchedulingProblem(*parts, power_price=price, makespan_cost=0.001), time_limit=10.0)
    assert result.status is Status.OPTIMAL
    assert result.plan.assignments[0].start == 470.0
    assert result.objective == pytest.approx(0.5 + 0.53)


def test_impossible_problems_end_with_reasons():
    no_mode = SchedulingProblem([Job("j")], [Task("t", "j")], [Machine("m")], [], makespan_cost=1.0)
    result = solve(no_mode, time_limit=5.0)
    assert (result.status, result.plan, result.bound) == (Status.INFEASIBLE, None, None)
    assert result.problem.reasons(None)[0].subject == "task t"
    too_short = job_shop(FT06, horizon=54.0)
    result = solve(too_short, time_limit=20.0)
    assert result.status is Status.INFEASIBLE
    assert "proved" in result.message
    assert too_short.reasons(None)


def big(seed=1):
    """Make a problem that is not solved within the tests' patience."""
    rng = np.random.default_rng(seed)
    jobs = [Job(f"j{j}", due_date=300.0, tardiness_cost=1.0) for j in range(12)]
    tasks = [Task(f"t{j}.{k}", f"j{j}") for j in range(12) for k in range(5)]
    modes = [
        Mode(task.name, f"m{m}", duration=float(rng.integers(10, 60)), energy=float(rng.integers(1, 9)))
        for task in tasks
        for m in rng.choice(5, 2, replace=False)
    ]
    prices = [PowerPrice(60.0 * k, float(p)) for k, p in enumerate(rng.uniform(0.1, 0.5, 16))]
    machines = [Machine(f"m{m}") for m in range(5)]
    return SchedulingProblem(jobs, tasks, machines, modes, power_price=prices, makespan_cost=1.0)


def stop_soon(progress: Progress) -> None:
    if progress.seconds > 0.5:
        signal.raise_signal(signal.SIGINT)


def stop_at_once(progress: Progress) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "stop", [stop_soon, stop_at_once, None], ids=["soon", "at once", "between solutions"]
)
def test_ctrl_c_keeps_the_best_schedule(stop):
    timer = threading.Timer(1.0, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT))
    if stop is None:
        timer.start()
    result = solve(big(), time_limit=60.0, progress=stop)
    timer.cancel()
    assert result.interrupted
    assert result.wall_seconds < 60.0
    assert result.check.ok


def test_an_error_in_the_callers_callback_is_the_callers():
    seen: list[Progress] = []

    def fail(progress: Progress) -> None:
        seen.append(progress)
        if len(seen) == 3:
            raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        # by counted work: in seconds a lucky first second may leave no third schedule to find
        solve(big(), time_limit=20.0, progress=fail, deterministic=True)
    objectives = [progress.objective for progress in seen]
    assert objectives == sorted(objectives, reverse=True)


@pytest.mark.slow
def test_a_given_schedule_is_never_made_worse():
    problem = big()
    good = solve(problem, time_limit=1.0)
    again = solve(problem, time_limit=0.2, initial=good.plan)
    assert again.objective <= good.objective + 1e-6
    bad_start = problem.plan_from([])
    assert solve(problem, time_limit=0.2, initial=bad_start).check.ok
    # a schedule made for other modes is no start, and no mistake
    every = [replace(mode, machine="m1" if mode.machine == "m0" else mode.machine) for mode in problem.modes]
    fewer = replace(problem, modes=list({(m.task, m.machine): m for m in every}.values()))
    assert solve(fewer, time_limit=0.2, initial=good.plan).check.ok


def test_a_problem_that_only_fits_between_the_grids_is_not_called_infeasible():
    # three tasks of a third of the horizon: any rounding up makes them too long
    parts = [Job(n) for n in "abc"], [Task(n, n) for n in "abc"], [Machine("m")]
    modes = [Mode(n, "m", duration=100.0 / 3.0) for n in "abc"]
    problem = SchedulingProblem(*parts, modes, makespan_cost=1.0, horizon=100.0)
    assert solve(problem, time_limit=5.0).status is Status.NO_PLAN
