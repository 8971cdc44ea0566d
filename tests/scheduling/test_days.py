"""Schedules on drawn days, beside plain code; and schedules that are chosen to hold on them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import kanopt as ko
from kanopt.scheduling import Break, Job, Machine, Mode, PowerPrice, Task
from kanopt.scheduling.days import duration_law, most_in_time, run_days
from kanopt.scheduling.law_uses import delayed_times
from kanopt.text import sure_text

ERRORS = ko.Uncertainty(task=0.1)


def shop(breaks: list[Break] | None = None) -> ko.SchedulingProblem:
    """Make two jobs on one machine; the one that is due has hardly time where it runs second, in cheap hours."""
    return ko.SchedulingProblem(
        [Job("due", due_date=205.0, tardiness_cost=1.0), Job("other")],
        [Task("a", "due"), Task("b", "other")],
        [Machine("saw")],
        [Mode("a", "saw", duration=100.0, energy=10.0), Mode("b", "saw", duration=100.0, energy=9.0)],
        power_price=[PowerPrice(0.0, 1.0), PowerPrice(100.0, 0.5)],
        makespan_cost=0.1,
        calendars=breaks,
    )


def test_the_recommended_schedule_holds_and_says_what_that_costs() -> None:
    typical = ko.solve(shop(), time_limit=5.0, days_in_time=None)
    result = ko.solve(shop(), time_limit=5.0, days_in_time=0.95, uncertainty=ERRORS)
    assert [row.task for row in typical.plan.assignments] == ["b", "a"]
    assert [row.task for row in result.plan.assignments] == ["a", "b"]
    known = result.days_in_time
    assert known.reached
    assert known.typical_share < 0.7 < 0.95 < known.share
    assert known.typical_price == typical.objective
    assert known.price == result.objective == pytest.approx(typical.objective + 0.5)
    assert known.mean < known.typical_mean
    fresh = ko.risk(result, ERRORS, draws=2000, seed=11)
    assert fresh.on_time == pytest.approx(known.share, abs=0.02)
    assert "every job is done in time on" in str(result)


def test_the_most_punctual_schedule_is_taken_where_none_is_punctual_enough() -> None:
    tight = ko.SchedulingProblem(
        [Job("due", due_date=101.0, tardiness_cost=1.0)],
        [Task("a", "due")],
        [Machine("saw")],
        [Mode("a", "saw", duration=100.0)],
        makespan_cost=1.0,
    )
    known = ko.solve(tight, time_limit=2.0, uncertainty=ERRORS).days_in_time
    assert not known.reached
    # alone in the shop the job is late on the same days
    assert known.most == known.share
    assert (
        "No schedule was found that is in time on 95 % of days, and there can be none: alone in the shop some job "
        f"would still be late on {sure_text(1.0 - known.share)} of them. The most punctual one of those"
    ) in known.text()


def test_schedules_to_choose_from_cost_more_the_more_often_they_hold(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    names = [f"j{number}" for number in range(6)]
    minutes = {name: rng.integers(20, 60, 2) for name in names}
    shop = ko.SchedulingProblem(
        [
            Job(name, due_date=110.0 + 45.0 * place, tardiness_cost=0.2 + 0.2 * (place % 3))
            for place, name in enumerate(names)
        ],
        [Task(f"{name}-{part}", name) for name in names for part in range(2)],
        [Machine("saw"), Machine("press")],
        [
            Mode(f"{name}-{part}", machine, duration=float(minutes[name][part]), energy=10.0)
            for name in names
            for part in range(2)
            for machine in ("saw", "press")
        ],
        power_price=[PowerPrice(0.0, 1.0), PowerPrice(60.0, 0.4)],
        makespan_cost=0.05,
    )
    result = ko.solve(shop, time_limit=6.0, seed=1, uncertainty=ko.Uncertainty(task=0.3))
    known = result.days_in_time
    shares, prices = zip(*known.frontier, strict=True)
    assert known.reached
    assert len(known.frontier) >= 3
    assert (shares[0], prices[0]) == (known.typical_share, known.typical_mean)
    # they were chosen on other days
    assert np.diff(prices[1:]).min() > -0.5
    assert np.diff(shares[1:]).min() > -0.03
    assert max(*shares, known.share) <= known.most
    assert known.share > known.typical_share
    fresh = ko.risk(result, ko.Uncertainty(task=0.3), draws=2000, seed=11)
    assert fresh.on_time == pytest.approx(known.share, abs=0.04)
    page = result.to_html(tmp_path / "plan.html").read_text(encoding="utf-8")
    assert "a day on average" in page
    assert "this plan" in page


def test_no_schedule_is_in_time_more_often_than_each_job_alone() -> None:
    problem = shop([Break(150.0, 160.0)])
    law = duration_law(problem, ERRORS)
    due = problem.data.timing.due
    bound = most_in_time(problem, law, 500, 4, due)
    for first in np.arange(0.0, 60.0, 10.0):
        plan = problem.plan_from(
            [
                {"task": "a", "machine": "saw", "start": first},
                {"task": "b", "machine": "saw", "start": 240.0},
            ]
        )
        assert run_days(problem.assess(plan), law, 500, 4).in_time(due).mean() <= bound


def test_late_tasks_wait_for_the_end_of_a_break_as_in_plain_code() -> None:
    problem = shop([Break(150.0, 160.0), Break(230.0, 240.0)])
    plan = problem.plan_from(
        [
            {"task": "b", "machine": "saw", "start": 30.0},
            {"task": "a", "machine": "saw", "start": 240.0},
        ]
    )
    placed = problem.assess(plan).simulation
    longer = np.random.default_rng(0).uniform(-50.0, 200.0, (50, 2))
    start, end = delayed_times(problem, placed, longer)
    for day in range(50):
        ready = 0.0
        for row in range(2):
            begin = max(placed.start[row], ready)
            for pause in problem.data.calendars:
                if begin > placed.start[row] and begin < pause.end and begin + 100.0 > pause.start:
                    begin = pause.end
            ready = begin + 100.0 + longer[day, row]
            assert start[day, row] == pytest.approx(begin)
            assert end[day, row] == pytest.approx(ready)
