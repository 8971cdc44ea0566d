"""Projects: networks of tasks, and resources that they need, beside plain code that judges every schedule."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

import kanopt as ko
from kanopt import SchedulingProblem
from kanopt.plans.findings import Status
from kanopt.scheduling import Job, Machine, Mode, Need, Resource, Task
from kanopt.scheduling.dispatch import dispatch_greedily
from tests.cases.scheduling import rows_of

CAPACITY = {"crew": 3.0, "crane": 1.0}


def random_project(seed: int, *, waits: bool = True) -> SchedulingProblem:
    """Make four tasks of two jobs, one of which runs in no order of its own, with up to two ways each."""
    rng = np.random.default_rng(seed)
    names = ["a", "b", "c", "d"]
    tasks, modes, needs = [], [], []
    for place, name in enumerate(names):
        after = tuple(other for other in names[:place] if rng.random() < 0.3)
        wait = float(rng.integers(0, 2)) if waits and rng.random() < 0.3 else None
        tasks.append(Task(name, "late" if place == 3 else "project", after=after, max_wait=wait))
        for way in ("slow", "fast")[: rng.integers(1, 3)]:
            machine = "saw" if rng.random() < 0.3 else ""
            modes.append(Mode(name, machine, way, duration=float(rng.integers(1, 4))))
            needs += [
                Need(name, resource, float(rng.integers(1, most + 1)), machine, way)
                for resource, most in CAPACITY.items()
                if rng.random() < 0.6
            ]
    return SchedulingProblem(
        [Job("project", in_order=False), Job("late", release_date=1.0, due_date=3.0, tardiness_cost=2.0)],
        tasks,
        [Machine("saw")],
        modes,
        resources=[Resource(name, amount) for name, amount in CAPACITY.items()],
        needs=needs,
        makespan_cost=1.0,
    )


def holds(problem: SchedulingProblem, modes: tuple[int, ...], starts: tuple[float, ...]) -> bool:
    """Say whether every rule holds, moment by moment."""
    chosen = [problem.modes[mode] for mode in modes]
    run = {
        mode.task: (start, start + mode.duration, mode) for mode, start in zip(chosen, starts, strict=True)
    }
    for task in problem.tasks:
        start = run[task.name][0]
        for other in problem.tasks:
            if other.name in task.after and start - run[other.name][1] > (
                np.inf if other.max_wait is None else other.max_wait
            ):
                return False
        if (task.job == "late" and start < 1.0) or any(run[other][1] > start for other in task.after):
            return False
    for moment in starts:
        now = [mode for start, end, mode in run.values() if start <= moment < end]
        if sum(mode.machine == "saw" for mode in now) > 1:
            return False
        chosen = {(mode.task, mode.name) for mode in now}
        needs = [need for need in problem.needs if (need.task, need.mode) in chosen]
        for resource, capacity in CAPACITY.items():
            if sum(need.amount for need in needs if need.resource == resource) > capacity:
                return False
    return True


def cost(problem: SchedulingProblem, modes: tuple[int, ...], starts: tuple[float, ...]) -> float:
    ends = [start + problem.modes[mode].duration for mode, start in zip(modes, starts, strict=True)]
    return max(ends) + 2.0 * max(0.0, ends[3] - 3.0)


@pytest.mark.parametrize("seed", range(8))
def test_the_optimum_of_enumeration_is_found_and_judged_alike(seed: int) -> None:
    problem = random_project(seed)
    own = [[at for at, mode in enumerate(problem.modes) if mode.task == task.name] for task in problem.tasks]
    rng, best = np.random.default_rng(seed), np.inf
    latest = sum(max(problem.modes[mode].duration for mode in ways) for ways in own)
    for modes in product(*own):
        for starts in product(range(int(latest)), repeat=4):
            if cost(problem, modes, starts) < best and holds(problem, modes, starts):
                best = cost(problem, modes, starts)
    result = ko.solve(problem, time_limit=20.0)
    if best == np.inf:
        assert result.status is Status.INFEASIBLE
        return
    assert result.status is Status.OPTIMAL
    assert result.objective == result.bound == best
    assert result.check.ok
    assert dispatch_greedily(problem.data.structure, problem.data.timing) is not None
    for _ in range(100):
        modes = tuple(int(rng.choice(ways)) for ways in own)
        starts = tuple(float(start) for start in rng.integers(0, 6, 4))
        plan = problem.plan_from(rows_of(problem, modes, starts))
        assert problem.check(plan).ok == holds(problem, modes, starts)
        if problem.check(plan).ok:
            assert problem.price(plan).objective == cost(problem, modes, starts)


@pytest.mark.parametrize(
    ("capacity", "amounts", "status"),
    [
        (0.3, (0.1, 0.2), Status.OPTIMAL),
        (6e9, (2e9, 4e9), Status.OPTIMAL),
        (1.0, (1 / 3, 2 / 3), Status.FEASIBLE),
    ],
)
def test_amounts_that_are_no_whole_numbers_prove_nothing_wrong(capacity, amounts, status) -> None:
    """Both fit beside each other, so that two are enough; where amounts are rounded, that is no proof."""
    tasks = [Task(name, "j") for name in "ab"]
    modes = [Mode("a", duration=1.0), Mode("b", duration=2.0)]
    needs = [Need(name, "crew", amount) for name, amount in zip("ab", amounts, strict=True)]
    crew = [Resource("crew", capacity)]
    job = [Job("j", in_order=False)]
    problem = SchedulingProblem(job, tasks, [], modes, resources=crew, needs=needs, makespan_cost=1.0)
    result = ko.solve(problem, time_limit=2.0)
    assert result.status is status
    assert result.bound <= 2.0
