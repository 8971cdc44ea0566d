"""Why jobs are late and why there can be no schedule."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import SchedulingProblem
from kanopt.scheduling import Break, Job, Machine, Mode, Need, Resource, Task
from kanopt.scheduling.dispatch import (
    dispatch_greedily,
    earliest_completions,
    remaining_work,
)
from tests.cases.scheduling import best_semi_active, holds, random_problem, rows_of


def shop(due=30.0, **changes):
    given = {
        "jobs": [Job("j1", release_date=5.0, due_date=due), Job("j2")],
        "tasks": [Task("a", "j1"), Task("b", "j1"), Task("c", "j2")],
        "machines": [Machine("m1"), Machine("m2")],
        "modes": [
            Mode("a", "m1", duration=4.0),
            Mode("b", "m1", duration=8.0),
            Mode("b", "m2", duration=6.0),
            Mode("c", "m1", duration=10.0),
        ],
        "makespan_cost": 1.0,
    }
    return SchedulingProblem(**{**given, **changes})


def late(problem, **starts):
    machine = {"a": "m1", "b": "m2", "c": "m1"}
    rows = [{"task": t, "machine": machine[t], "start": s} for t, s in starts.items()]
    return problem.reasons(problem.plan_from(rows))


def test_a_job_that_would_be_late_alone_is_proved_late():
    (reason,) = late(shop(due=12.0), a=5.0, b=9.0, c=9.0)
    assert (reason.subject, reason.kind, reason.proved) == ("job j1", "late", True)
    assert "cannot end before 15 min, 3 min after" in reason.message
    assert reason.relaxation == "a due date of at least 15 min"
    mended = shop(due=12.0, jobs=[Job("j1", release_date=2.0, due_date=12.0), Job("j2")])
    assert late(mended, a=2.0, b=6.0, c=6.0) == ()


def test_a_task_waits_for_what_was_full_longest():
    # from 0 to 12 the worker is busy all the time, the machine of the task for 4 of it
    problem = SchedulingProblem(
        jobs=[Job("j", due_date=15.0, in_order=False)],
        tasks=[Task("a", "j"), Task("b", "j"), Task("c", "j")],
        machines=[Machine("m1"), Machine("m2")],
        modes=[Mode("a", "m1", duration=4.0), Mode("b", "m2", duration=8.0), Mode("c", "m1", duration=5.0)],
        resources=[Resource("worker", 2.0)],
        needs=[Need("a", "worker", 1.0), Need("b", "worker", 1.0), Need("c", "worker", 2.0)],
        makespan_cost=1.0,
    )
    (reason,) = late(problem, a=0.0, b=4.0, c=12.0)
    # tasks of the job itself are in the way: alone it would wait as well
    assert "'c' waits 12 min for resource 'worker', which runs 'a', 'b' meanwhile" in reason.message


FREE = [Job("j1"), Job("j2"), Job("j3")]
WORK = [Mode("a", "m1", duration=8.0), Mode("b", "m2", duration=2.0), Mode("c", "m1", duration=7.0)]
EITHER = [Mode(t, m, duration=9.0) for t in "abc" for m in ("m1", "m2")]
ONE_EACH = [Task(name, f"j{k}") for k, name in enumerate("abc", start=1)]


@pytest.mark.parametrize(
    ("changes", "subject", "told"),
    [
        ({"modes": shop().modes[:1] + shop().modes[3:]}, "task b", "no machine can run it"),
        ({"calendars": [Break(9.0, 12.0, "m1")], "horizon": 20.0}, "task c", "a window 1 min longer on 'm1'"),
        ({"horizon": 14.0, "modes": shop().modes[:3]}, "task c", "no machine can run it"),
        ({"horizon": 14.0}, "job j1", "a horizon of at least 15 min"),
        (
            {"jobs": FREE[:2], "modes": WORK, "horizon": 12.0},
            "machine m1",
            "15 min, but it can run for 12 min",
        ),
        ({"jobs": FREE, "tasks": ONE_EACH, "modes": EITHER, "horizon": 12.0}, "all machines", "27 min"),
        (
            {"resources": [Resource("crew", 1.0)], "needs": [Need("a", "crew", 2.0)]},
            "task a",
            "2 of 'crew', of which there is 1",
        ),
    ],
)
def test_why_there_can_be_no_schedule_is_proved(changes, subject, told):
    (reason,) = shop(**changes).reasons(None)
    assert (reason.subject, reason.kind, reason.proved) == (subject, "infeasible", True)
    assert told in f"{reason.message} {reason.relaxation}"


def test_a_combination_that_does_not_fit_gets_a_horizon_that_does():
    problem = shop(
        jobs=[Job("j1"), Job("j2")],
        tasks=[Task("a", "j1"), Task("b", "j1"), Task("c", "j2"), Task("d", "j2")],
        modes=[Mode(t, m, duration=5.0) for t, m in zip("abcd", ("m1", "m2") * 2, strict=True)],
        horizon=12.0,
    )
    (reason,) = problem.reasons(None)
    assert not reason.proved
    assert reason.relaxation == "a horizon of 15 min is enough"
    enough = replace(problem, horizon=15.0)
    built = dispatch_greedily(enough.data.structure, enough.data.timing)
    assert built is not None
    assert enough.check(enough.schedule(*built)).ok


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.booleans())
def test_no_schedule_ends_a_job_before_it_would_end_alone(seed, setups):
    problem = random_problem(np.random.default_rng(seed), shape=(2, 1), whole=False, setups=setups)
    data = problem.data
    bound = data.structure.latest_of_jobs(earliest_completions(data.structure, data.timing)[:, 0])
    only_first = replace(
        problem,
        jobs=[replace(problem.jobs[0], due_date=0.0, tardiness_cost=1.0), problem.jobs[1]],
        machines=[Machine("a"), Machine("b")],
        makespan_cost=0.0,
        setups=None,
    )
    free = replace(only_first, jobs=[only_first.jobs[0], replace(problem.jobs[1], tardiness_cost=0.0)])
    assert best_semi_active(free) == pytest.approx(bound[0])
    for priority in (None, -remaining_work(data.structure, data.timing)):
        built = dispatch_greedily(data.structure, data.timing, priority)
        assert built is not None
        plan = problem.schedule(*built)
        assert holds(problem, rows_of(problem, *built))
        ends = {job.name: 0.0 for job in problem.jobs}
        for row in plan.assignments:
            ends[row.job] = max(ends[row.job], row.end)
        assert (np.array(list(ends.values())) >= bound - 1e-9).all()
