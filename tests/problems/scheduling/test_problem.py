"""What a scheduling problem reads, refuses, prices and shows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import FormulaError, ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems.scheduling import (
    Assignment,
    Break,
    Job,
    Machine,
    Mode,
    PowerPrice,
    Schedule,
    SchedulingProblem,
    SchedulingUnits,
    Setup,
    Task,
)
from kanopt.refs import clock, job, machine, mode, task
from kanopt.tables.report import with_units


def small(**changes):
    given = {
        "jobs": [Job("j1", due_date=10.0, tardiness_cost=2.0), Job("j2")],
        "tasks": [Task("a", "j1"), Task("b", "j1"), Task("c", "j2")],
        "machines": [Machine("m1"), Machine("m2")],
        "modes": [
            Mode("a", "m1", duration=4.0, energy=2.0),
            Mode("b", "m1", duration=8.0, energy=6.0),
            Mode("b", "m2", "slow", duration=9.0, energy=3.0),
            Mode("b", "m2", "fast", duration=6.0, energy=5.0),
            Mode("c", "m2", duration=2.0, energy=1.0),
        ],
        "makespan_cost": 1.0,
    }
    return SchedulingProblem(**{**given, **changes})


PLAN = [
    {"task": "a", "machine": "m1", "start": 0.0},
    {"task": "b", "machine": "m2", "mode": "slow", "start": 4.0},
    {"task": "c", "machine": "m2", "start": 0.0},
]


def test_frames_are_read_and_their_units_converted():
    jobs = pd.DataFrame({"name": ["j1"], "release_date": [1.0], "due_date": [2.0], "tardiness_cost": [60.0]})
    jobs = with_units(jobs, {"release_date": "h", "due_date": "h", "tardiness_cost": "EUR/h"})
    modes = pd.DataFrame({"task": ["t"], "machine": ["m"], "duration": [0.5], "energy": [2000.0]})
    modes = with_units(modes, {"duration": "h", "energy": "Wh"})
    breaks = pd.DataFrame({"start": [2.0], "end": [3.0]})
    breaks = with_units(breaks, {"start": "h", "end": "h"})
    price = pd.DataFrame({"start": [0, 2], "price": [100.0, 300.0]})
    price = with_units(price, {"start": "h", "price": "EUR/MWh"})
    problem = SchedulingProblem(
        jobs,
        pd.DataFrame({"name": ["t"], "job": ["j1"]}),
        pd.DataFrame({"name": ["m"]}),
        modes,
        calendars=breaks,
        power_price=price,
    )
    data = problem.data
    assert (data.jobs[0].release_date, data.jobs[0].due_date, data.jobs[0].tardiness_cost) == (
        60.0,
        120.0,
        1.0,
    )
    assert data.timing.duration.tolist() == [30.0]
    assert data.energy is not None
    assert data.energy.tolist() == [2.0]
    assert data.timing.closes[0].tolist() == [120.0, np.inf]
    plan = problem.plan_from([{"task": "t", "machine": "m", "start": 180.0}])
    assert problem.price(plan).terms().to_dict() == pytest.approx({"tardiness": 90.0, "energy": 0.6})


def test_every_mistake_is_named_at_once():
    with pytest.raises(ProblemError) as caught:
        SchedulingProblem(
            jobs=[Job("alpha", release_date=-1.0, due_date=np.nan), Job("idle")],
            tasks=[
                Task("a", "alpah"),
                Task("b", "alpha", order=1),
                Task("c", "alpha", order=1, family="rde"),
            ],
            machines=[Machine("saw", family="blue")],
            modes=[Mode("a", "swa"), Mode("x", "saw")],
            setups=[Setup("red", "blue", -2.0), Setup("blue", "red", 1.0, "mill")],
            calendars=[Break(5.0, 4.0)],
            energy=[1.0, 2.0],
            makespan_cost=np.inf,
            horizon=0.0,
        )
    message = str(caught.value)
    for part in (
        "tasks: job of 'a': 'alpah' is none of the jobs; did you mean 'alpha'?",
        "'swa' is none of the machines; did you mean 'saw'?",
        "modes: task of 'x/saw': 'x' is none of the tasks",
        "setups: machine of 'blue/red/mill': 'mill' is none of the machines",
        "jobs 'idle': has no task",
        "two tasks of job 'alpha' have the same order",
        "tasks: family of 'c': 'rde' has no setup time; did you mean 'red'?",
        "jobs: release_date of 'alpha': must be at least 0, not the number -1.0",
        "jobs: due_date of 'alpha': must be a finite number, not the number nan; it may be left out",
        "setups: time of 'red/blue': must be at least 0, not the number -2.0",
        "from 5 to 4 must end after it starts",
        "problem: makespan_cost: must be a finite number, not the number inf",
        "problem: horizon: must be greater than 0, not the number 0.0",
        "power_price is not",
    ):
        assert part in message, part
    assert len(message.splitlines()) == 14


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jobs": [Job("j1"), Job("j1"), Job("j2")]}, "'j1' appears more than once"),
        (
            {"duration": [1.0, 2.0, -3.0, 4.0, 5.0]},
            r"task 'b' on 'm2' \(slow\) is −3 min; a duration must be positive",
        ),
        ({"duration": [1.0, np.nan, 3.0, 4.0, 5.0]}, "task 'b' on 'm1' is no number; a duration"),
        (
            {"duration": [1.0, 1e308, 3.0, 4.0, 5.0]},
            r"task 'b' on 'm1' is 1e308 min; no number of a problem is larger than 1e100",
        ),
        ({"duration": [1.0, np.inf, 3.0, 4.0, 5.0]}, "is ∞ min; no number of a problem is larger"),
        ({"duration": [1.0, 2.0]}, "give one number per mode, that is 5"),
        (
            {"power_price": 0.2, "energy": [1.0, 1.0, -1.0, 1.0, 1.0]},
            "energy of task 'b' on 'm2' .* cannot be negative",
        ),
        ({"power_price": [PowerPrice(5.0, 0.1)]}, "state one that starts at 0"),
        (
            {"power_price": [PowerPrice("6:30", 0.1)]},
            "the first price starts at 06:30; state one that starts at 00:00",
        ),
        ({"calendars": [Break("9:15", "9:00")]}, "from 09:15 to 09:00 must end after it starts"),
        ({"modes": [Mode("a", "m1"), Mode("b", "m1", duration=1.0)]}, "task 'a' on 'm1' has no duration"),
        ({"machines": []}, "machines: there is none"),
        ({"tasks": ["a"]}, "give Task objects"),
    ],
)
def test_bad_input_is_refused(changes, message):
    with pytest.raises(ProblemError, match=message):
        small(**changes)


def test_laws_read_fields_attributes_and_the_duration():
    weight, speed = Variable("w", "kg"), Variable("v")
    minutes = parse_formula(
        "2 + w / v + 0 * r", [weight, speed, Variable("r", "h")], Variable("minutes", "s")
    )
    kwh = parse_formula("p * t", [Variable("p", "kW"), Variable("t", "h")], Variable("kwh", "kWh"))
    problem = SchedulingProblem(
        [Job("j", release_date=30.0)],
        [Task("t", "j", attributes={"weight": 600.0})],
        [Machine("m1", attributes={"power": 12.0}), Machine("m2", attributes={"power": 6.0})],
        [Mode("t", "m1", attributes={"speed": 10.0}), Mode("t", "m2", attributes={"speed": 5.0})],
        duration=minutes.bind(w=task.weight, v=mode.speed, r=job.release_date),
        energy=kwh.bind(p=machine.power, t=mode.duration),
        power_price=0.5,
    )
    assert problem.data.timing.duration == pytest.approx([62 / 60, 122 / 60])
    assert problem.data.energy == pytest.approx([12 * 62 / 3600, 6 * 122 / 3600])
    assert list(problem.laws()) == ["duration", "energy"]
    assert problem.frozen_inputs() == ()
    assert problem.uses_energy


def test_a_law_of_the_clock_or_of_something_unknown_is_refused():
    law = parse_formula("h", [Variable("h", "h")], Variable("minutes", "min"))
    with pytest.raises(
        ProblemError, match=r"does not know 'clock.hour'; known: task.…, job.…, machine.…, mode.…"
    ):
        small(duration=law.bind(h=clock.hour))
    with pytest.raises(ProblemError, match=r"does not know 'mode.sped'"):
        small(duration=law.bind(h=mode.sped))
    metres = parse_formula("x", [Variable("x", "km")], Variable("length", "km"))
    with pytest.raises(FormulaError, match="km"):
        small(duration=metres.bind(x=3.0))


def test_prices_have_named_lines_that_add_up():
    problem = small(power_price=[PowerPrice(0.0, 0.5), PowerPrice(10.0, 1.0)])
    price = problem.price(problem.plan_from(PLAN))
    lines = {(row.term, row.group, row.item): row.amount for row in price.lines.itertuples()}
    assert lines == pytest.approx(
        {
            ("makespan", "m2", "b"): 13.0,
            ("tardiness", "j1", "b"): 6.0,
            ("energy", "m1", "a"): 1.0,
            ("energy", "m2", "b"): 3.0 * (6 * 0.5 + 3 * 1.0) / 9,
            ("energy", "m2", "c"): 0.5,
        }
    )
    assert price.objective == pytest.approx(sum(lines.values()))
    assert price.unit == problem.unit == "EUR"


def test_plans_are_read_from_rows_frames_and_schedules():
    problem = small()
    plan = problem.plan_from(PLAN)
    assert isinstance(plan, Schedule)
    assert [a.task for a in plan.assignments] == ["a", "c", "b"]
    frame = plan.to_frame()
    assert frame.loc[2].to_dict() == {
        "job": "j1",
        "task": "b",
        "machine": "m2",
        "mode": "slow",
        "start": 4.0,
        "end": 13.0,
    }
    frame["end"] = 0.0  # ends come from the law
    assert problem.plan_from(frame) == plan
    assert problem.plan_from(plan) == plan
    assert problem.plan_from([]).assignments == ()
    alien = problem.plan_from(pd.DataFrame({"task": ["a"], "machine": ["m2"], "start": [1.0], "end": [7.0]}))
    assert alien.assignments == (Assignment("j1", "a", "m2", "", 1.0, 7.0),)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"task": "aa", "machine": "m1", "start": 0}], "row 1: unknown task 'aa'; did you mean 'a'"),
        ([{"task": "a", "machine": "m3", "start": 0}], "unknown machine 'm3' for task 'a'"),
        ([{"task": "b", "machine": "m2", "start": 0}], "has several modes; name one; known: 'fast', 'slow'"),
        ([{"task": "b", "machine": "m2", "mode": "fats", "start": 0}], "no mode 'fats'; did you mean 'fast'"),
        ([{"task": "a", "machine": "m1", "start": 0, "job": "j2"}], "belongs to job 'j1', not 'j2'"),
        ([{"task": "a", "machine": "m1", "start": "noon"}], "row 1: start 'noon' is no finite number"),
        ([{"task": "a", "machine": "m1", "stat": 0}], "column 'start' is missing; did you mean 'stat'"),
        ("noon", "cannot read a str"),
    ],
)
def test_plans_that_name_unknown_things_are_refused(rows, message):
    with pytest.raises(ProblemError, match=message):
        small().plan_from(rows)


def test_orders_decide_the_chain():
    tasks = [Task("a", "j1", order=2), Task("b", "j1", order=1), Task("c", "j2")]
    at = small(tasks=tasks).data.structure
    assert [before.tolist() for before in at.before] == [[1], [], []]


def test_uses_outside_the_domain_are_named():
    law = parse_formula("w", [Variable("w", "kg", low=0.0, high=50.0)], Variable("minutes", "min"))
    tasks = [
        Task("a", "j1", attributes={"weight": 80.0}),
        Task("b", "j1", attributes={"weight": 20.0}),
        Task("c", "j2", attributes={"weight": 60.0}),
    ]
    problem = small(tasks=tasks, duration=law.bind(w=task.weight))
    uses = problem.extrapolations(problem.plan_from(PLAN))
    assert [(use.law, use.where) for use in uses] == [
        ("duration", "m1"),
        ("duration", "m2"),
    ]
    assert "w 80 kg (valid from 0 to 50)" in uses[0].inputs
    assert small().extrapolations(small().plan_from(PLAN)) == ()


def test_makespan_and_use_count_from_the_first_shift_where_times_are_of_a_day() -> None:
    modes = [Mode("a", "saw", duration=3.0), Mode("a", "mill", duration=4.0), Mode("b", "saw", duration=3.0)]
    given = {
        "jobs": [Job("one", release_date=6.0), Job("two")],
        "tasks": [Task("a", "one"), Task("b", "two")],
        "machines": [Machine("saw"), Machine("mill")],
        "modes": modes,
        "calendars": [Break(0.0, 7.0), Break(12.0, 13.0, "saw")],
        "makespan_cost": 10.0,
        "units": SchedulingUnits(time="h"),
    }
    night, day = SchedulingProblem(**given), SchedulingProblem(**given, clock=True)
    rows = [{"task": "b", "machine": "saw", "start": 7.0}, {"task": "a", "machine": "saw", "start": 13.0}]
    assert [each.price(each.plan_from(rows)).objective for each in (night, day)] == [160.0, 90.0]
    use = next(each for each in day.assess(day.plan_from(rows)).figures() if each.key == "use")
    assert use.value == pytest.approx(6.0 / (8.0 + 9.0))
    assert "from 07:00, the earliest start" in use.how
    (_, machines) = day.assess(day.plan_from(rows)).rosters()
    assert machines.frame["use"].tolist() == pytest.approx([6.0 / 8.0, 0.0])
    found = [ko.solve(each, time_limit=5, seed=1) for each in (night, day)]
    assert [each.objective for each in found] == pytest.approx([110.0, 40.0])
    assert all(
        each.status.value == "optimal" and each.bound == pytest.approx(each.objective) for each in found
    )
    assert found[1].history[-1].objective == pytest.approx(40.0)
