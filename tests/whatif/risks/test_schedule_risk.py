"""The risk of a schedule against closed forms and a plain simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt import Uncertainty
from kanopt.scheduling import Assignment, Job, Machine, Mode, Schedule, Task


def shop(*due: float, cost: float = 2.0) -> ko.SchedulingProblem:
    """Jobs of one task of 30 minutes on a machine, one after the other."""
    jobs = [Job(f"j{place}", due_date=each, tardiness_cost=cost) for place, each in enumerate(due)]
    tasks = [Task(f"t{place}", f"j{place}") for place in range(len(due))]
    modes = [Mode(task.name, "saw", duration=30.0) for task in tasks]
    return ko.SchedulingProblem(jobs, tasks, [Machine("saw")], modes, makespan_cost=1.0)


def in_turn(problem: ko.SchedulingProblem) -> ko.Result:
    rows = [
        Assignment(f"j{place}", f"t{place}", "saw", "", 30.0 * place, 30.0 * (place + 1))
        for place in range(len(problem.jobs))
    ]
    return ko.evaluate(problem, Schedule(tuple(rows)))


def test_a_job_with_normal_errors_is_late_as_the_textbook_says() -> None:
    found = ko.risk(in_turn(shop(33.0)), Uncertainty(task=0.1), draws=20_000)
    row = found.frame.iloc[0]
    assert row["on_time"] == pytest.approx(norm.cdf(1.0), abs=4.0 * row["error"])
    assert (row["planned"], row["limit"]) == (30.0, 33.0)
    assert row["q95"] == pytest.approx(30.0 + 3.0 * norm.ppf(0.95), abs=0.15)
    late = 3.0 * (norm.pdf(1.0) - norm.sf(1.0))  # mean of what lies above one standard deviation
    assert found.cost.mean() == pytest.approx(30.0 + 2.0 * late, abs=0.1)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_three_tasks_of_a_day_against_a_simulation_of_plain_numbers(share: float) -> None:
    """A task starts no sooner than it was to start, and not before the one ahead of it has ended."""
    found = ko.risk(in_turn(shop(33.0, 65.0, 95.0)), Uncertainty(task=0.1, shared=share), draws=20_000)
    rng, kept = np.random.default_rng(3), np.zeros(3)
    sigma = np.sqrt(np.log1p(share * 0.01))
    for _ in range(20_000):
        clock, common = 0.0, np.exp(sigma * rng.standard_normal() - sigma**2 / 2.0)
        for place, due in enumerate((33.0, 65.0, 95.0)):
            took = (30.0 + 3.0 * np.sqrt(1.0 - share) * rng.standard_normal()) * common
            clock = max(clock, 30.0 * place) + took
            kept[place] += clock <= due
    np.testing.assert_allclose(found.frame["on_time"], kept / 20_000, atol=0.02)
    assert found.on_time <= found.frame["on_time"].min()
    assert "every job is done by its due date on" in str(found)
    assert found.to_json()["cost"]["cvar95"] == found.cvar() > found.cost_quantile(0.95)


def test_a_schedule_without_errors_is_refused_in_words() -> None:
    with pytest.raises(ko.ProblemError, match="nothing of this schedule is uncertain"):
        ko.risk(in_turn(shop(33.0)))
    with pytest.raises(ko.ProblemError, match="within = 'route' is for routes"):
        ko.risk(in_turn(shop(33.0)), Uncertainty(task=0.1, within="route"))
