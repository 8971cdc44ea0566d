"""What a scheduling problem reads, refuses, prices and shows."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import SchedulingProblem
from kanopt.errors import FormulaError, ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.refs import clock, job, machine, mode, task
from kanopt.scheduling import (
    Assignment,
    Break,
    Job,
    Machine,
    Mode,
    Need,
    PowerPrice,
    Resource,
    SchedulingUnits,
    Setup,
    Task,
)
from kanopt.tables.report import with_units

TASKS = [Task("a", "j1"), Task("b", "j1"), Task("c", "j2")]
MODES = [
    Mode("a", "m1", duration=4.0, energy=2.0),
    Mode("b", "m1", duration=8.0, energy=6.0),
    Mode("b", "m2", "slow", duration=9.0, energy=3.0),
    Mode("b", "m2", "fast", duration=6.0, energy=5.0),
    Mode("c", "m2", duration=2.0, energy=1.0),
]


def small(**changes):
    given = {
        "jobs": [Job("j1", due_date=10.0, tardiness_cost=2.0), Job("j2")],
        "tasks": TASKS,
        "machines": [Machine("m1"), Machine("m2")],
        "modes": MODES,
        "makespan_cost": 1.0,
    }
    return SchedulingProblem(**{**given, **changes})


PLAN = [
    {"task": "a", "machine": "m1", "start": 0.0},
    {"task": "b", "machine": "m2", "mode": "slow", "start": 4.0},
    {"task": "c", "machine": "m2", "start": 0.0},
]


def table(units, **columns):
    return with_units(pd.DataFrame(columns), units)


def test_frames_are_read_and_their_units_converted():
    units = {"release_date": "h", "due_date": "h", "tardiness_cost": "EUR/h"}
    problem = SchedulingProblem(
        table(units, name=["j1"], release_date=[1.0], due_date=[2.0], tardiness_cost=[60.0]),
        table({}, name=["t"], job=["j1"]),
        table({}, name=["m"]),
        table({"duration": "h", "energy": "Wh"}, task=["t"], machine=["m"], duration=[0.5], energy=[2000.0]),
        calendars=table({"start": "h", "end": "h"}, start=[2.0], end=[3.0]),
        power_price=table({"start": "h", "price": "EUR/MWh"}, start=[0, 2], price=[100.0, 300.0]),
    )
    data = problem.data
    read = data.jobs[0]
    assert (read.release_date, read.due_date, read.tardiness_cost) == (60.0, 120.0, 1.0)
    assert (data.timing.duration.tolist(), data.energy.tolist()) == ([30.0], [2.0])
    assert data.timing.closes[0].tolist() == [120.0, np.inf]
    plan = problem.plan_from([{"task": "t", "machine": "m", "start": 180.0}])
    assert problem.price(plan).terms().to_dict() == pytest.approx({"tardiness": 90.0, "energy": 0.6})


def test_every_mistake_is_named_at_once():
    with pytest.raises(ProblemError) as caught:
        SchedulingProblem(
            jobs=[Job("alpha", release_date=-1.0), Job("idle")],
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
            horizon=0.0,
        )
    told = str(caught.value).splitlines()
    names = "'alpah'.*'alpha'|'swa'.*'saw'|'x'|'mill'|'idle'|same order|'rde'.*'red'|release_date|time of 'red/blue'"
    for part in f"{names}|from 5 to 4|horizon|power_price is not".split("|"):
        assert sum(bool(re.search(part, line)) for line in told) >= 1, part
    assert len(told) == 12


HOUR = parse_formula("h", [Variable("h", "h")], Variable("minutes", "min"))
METRES = parse_formula("x", [Variable("x", "km")], Variable("length", "km"))
CIRCLE = {
    "jobs": [Job("j")],
    "tasks": [Task("a", "j", after=("b",)), Task("b", "j")],
    "modes": [Mode("a"), Mode("b")],
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"jobs": [Job("j1"), Job("j1"), Job("j2")]}, "'j1' appears more than once"),
        ({"duration": [1.0, 2.0, -3.0, 4.0, 5.0]}, r"task 'b' on 'm2' \(slow\) is −3 min"),
        ({"duration": [1.0, 2.0]}, "one number per mode, that is 5"),
        ({"duration": HOUR.bind(h=clock.hour)}, "does not know 'clock.hour'; known: '"),
        ({"duration": METRES.bind(x=3.0)}, "km"),
        ({"power_price": 0.2, "energy": [1.0, 1.0, -1.0, 1.0, 1.0]}, "energy of task 'b' on 'm2'"),
        ({"power_price": [PowerPrice("6:30", 0.1)]}, "starts at 06:30; state one that starts at 00:00"),
        ({"modes": [Mode("a", "m1"), Mode("b", "m1", duration=1.0)]}, "task 'a' on 'm1' has no duration"),
        ({"tasks": ["a"]}, "give Task objects"),
        ({**CIRCLE, "machines": ()}, "in a circle: .*in_order = false"),
        (
            {"resources": [Resource("crew", 1.0)], "needs": [Need("a", "crew", machine="m2")]},
            "'a' has no mode 'm2'",
        ),
        ({"setups": [Setup("red", "", 2.0)]}, "setups 'red → ': takes 2 before a task without a family"),
    ],
)
def test_bad_input_is_refused(changes, message):
    with pytest.raises((ProblemError, FormulaError), match=message):
        small(**changes)


def test_laws_read_fields_attributes_and_the_duration():
    inputs = [Variable("w", "kg"), Variable("v"), Variable("r", "h")]
    minutes = parse_formula("2 + w / v + 0 * r", inputs, Variable("minutes", "s"))
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
    assert (list(problem.laws()), problem.frozen_inputs()) == (["duration", "energy"], ())


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
    frame = plan.to_frame()
    assert frame["task"].tolist() == ["a", "c", "b"]
    assert frame.loc[2].tolist() == ["j1", "b", "m2", "slow", 4.0, 13.0]
    frame["end"] = 0.0  # ends come from the law
    assert problem.plan_from(frame) == problem.plan_from(plan) == plan
    assert problem.plan_from([]).assignments == ()
    alien = problem.plan_from(pd.DataFrame({"task": ["a"], "machine": ["m2"], "start": [1.0], "end": [7.0]}))
    assert alien.assignments == (Assignment("j1", "a", "m2", "", 1.0, 7.0),)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"task": "aa"}, "row 1: unknown task 'aa'; did you mean 'a'"),
        ({"machine": "m3"}, "unknown machine 'm3' for task 'a'"),
        ({"task": "b", "machine": "m2"}, "several modes; name one; known: 'fast', 'slow'"),
        ({"task": "b", "machine": "m2", "mode": "fats"}, "no mode 'fats'; did you mean 'fast'"),
        ({"job": "j2"}, "belongs to job 'j1', not 'j2'"),
        ({"start": "noon"}, "row 1: start 'noon' is no finite number"),
    ],
)
def test_plans_that_name_unknown_things_are_refused(row, message):
    with pytest.raises(ProblemError, match=message):
        small().plan_from([{"task": "a", "machine": "m1", "start": 0, **row}])


def test_what_is_no_schedule_is_refused():
    with pytest.raises(ProblemError, match="column 'start' is missing; did you mean 'stat'"):
        small().plan_from([{"task": "a", "machine": "m1", "stat": 0}])
    with pytest.raises(ProblemError, match="cannot read a str"):
        small().plan_from("noon")


def test_orders_decide_the_chain():
    at = small(tasks=[Task("a", "j1", order=2), Task("b", "j1", order=1), Task("c", "j2")]).data.structure
    assert [before.tolist() for before in at.before] == [[1], [], []]


def test_makespan_and_use_count_from_the_first_shift_where_times_are_of_a_day() -> None:
    given = {
        "jobs": [Job("one", release_date=6.0), Job("two")],
        "tasks": [Task("a", "one"), Task("b", "two")],
        "machines": [Machine("saw"), Machine("mill")],
        "modes": [
            Mode("a", "saw", duration=3.0),
            Mode("a", "mill", duration=4.0),
            Mode("b", "saw", duration=3.0),
        ],
        "calendars": [Break(0.0, 7.0), Break(12.0, 13.0, "saw")],
        "makespan_cost": 10.0,
        "units": SchedulingUnits(time="h"),
    }
    night, day = SchedulingProblem(**given), SchedulingProblem(**given, clock=True)
    rows = [{"task": "b", "machine": "saw", "start": 7.0}, {"task": "a", "machine": "saw", "start": 13.0}]
    assert [each.price(each.plan_from(rows)).objective for each in (night, day)] == [160.0, 90.0]
    use = next(each for each in day.assess(day.plan_from(rows)).figures() if each.key == "use")
    assert use.value == pytest.approx(6.0 / (8.0 + 9.0))
    (_, machines) = day.assess(day.plan_from(rows)).rosters()
    assert machines.frame["use"].tolist() == pytest.approx([6.0 / 8.0, 0.0])
    found = [ko.solve(each, time_limit=5, seed=1) for each in (night, day)]
    assert [each.objective for each in found] == pytest.approx([110.0, 40.0])
    assert [each.bound for each in found] == pytest.approx([110.0, 40.0])
    assert found[1].history[-1].objective == pytest.approx(40.0)
