"""Rules of a schedule: planted violations, and agreement with a plain checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import SchedulingProblem
from kanopt.plans.findings import Status
from kanopt.plans.result import evaluate
from kanopt.scheduling import Break, Job, Machine, Mode, Setup, Task
from tests.cases.scheduling import holds, money, random_problem, rows_of


@pytest.fixture
def shop():
    return SchedulingProblem(
        jobs=[Job("j1", release_date=2.0), Job("j2")],
        tasks=[Task("a", "j1", family="red"), Task("b", "j1", family="blue"), Task("c", "j2", family="blue")],
        machines=[Machine("m1", family="red"), Machine("m2")],
        modes=[
            Mode("a", "m1", duration=4.0),
            Mode("b", "m1", duration=3.0),
            Mode("b", "m2", duration=5.0),
            Mode("c", "m1", duration=2.0),
        ],
        setups=[Setup("red", "blue", 3.0), Setup("blue", "red", 2.0), Setup("red", "blue", 1.0, "m1")],
        calendars=[Break(20.0, 30.0), Break(8.0, 9.0, "m2")],
        makespan_cost=1.0,
        horizon=60.0,
    )


GOOD = {"a": ("m1", 5.0), "b": ("m2", 9.0), "c": ("m1", 1.0)}


def plan_of(shop, places):
    return shop.plan_from([{"task": t, "machine": m, "start": s} for t, (m, s) in places.items()])


def plan(shop, **changes):
    return plan_of(shop, {**GOOD, **changes})


def test_a_schedule_that_keeps_every_rule_passes(shop):
    assert shop.check(plan(shop)).ok
    # the machine stands on red: blue first needs 1, blue to red then 2
    assert shop.check(plan(shop, a=("m1", 4.9))).violations[0].constraint == "setup"


def test_a_task_without_a_family_leaves_the_machine_as_it_was_set_up():
    shop = SchedulingProblem(
        jobs=[Job(name) for name in "abc"],
        tasks=[Task("a", "a", family="red"), Task("b", "b"), Task("c", "c", family="blue")],
        machines=[Machine("m")],
        modes=[Mode(name, "m", duration=2.0) for name in "abc"],
        setups=[
            Setup("", "red", 1.0),
            Setup("", "blue", 4.0),
            Setup("red", "blue", 10.0),
            Setup("red", "", 0.0),
        ],
        makespan_cost=1.0,
    )

    def rows(**starts):
        return plan_of(shop, {name: ("m", start) for name, start in starts.items()})

    assert shop.check(rows(a=1.0, b=3.0, c=15.0)).ok
    (early,) = shop.check(rows(a=1.0, b=3.0, c=14.0)).violations
    assert (early.constraint, early.where, early.amount) == ("setup", "task c", 1.0)
    bars = next(iter(shop.assess(rows(a=1.0, b=3.0, c=15.0)).views())).bars
    setups = bars[bars["kind"] == "setup"]
    assert setups[["start", "end", "label"]].to_numpy().tolist() == [
        [0.0, 1.0, "setup for red"],
        [5.0, 15.0, "setup for blue"],
    ]


@pytest.mark.parametrize(
    ("changes", "rule", "where", "amount"),
    [
        ({"a": ("m1", 1.5), "c": ("m1", 40.0)}, "release", "task a", 0.5),
        ({"b": ("m1", 7.0), "c": ("m1", 40.0), "a": ("m1", 3.5)}, "precedence", "task b", 0.5),
        ({"b": ("m2", 8.5)}, "precedence", "task b", 0.5),
        ({"c": ("m1", 7.0)}, "overlap", "task c", 2.0),
        ({"c": ("m1", 9.25)}, "setup", "task c", 0.75),
        ({"c": ("m1", 0.25)}, "setup", "task c", 0.75),
        ({"b": ("m2", 16.0)}, "break", "task b", 1.0),
        ({"b": ("m2", 57.0)}, "horizon", "task b", 2.0),
        ({"a": ("m2", 5.0)}, "eligibility", "task a", 1.0),
    ],
)
def test_planted_violations_are_found_and_measured(shop, changes, rule, where, amount):
    check = shop.check(plan(shop, **changes))
    found = {(v.constraint, v.where): v for v in check.violations}
    assert (rule, where) in found
    assert found[rule, where].amount == pytest.approx(amount)
    assert where.split()[1] in found[rule, where].message


def test_a_missing_task_makes_the_plan_partial_and_a_double_one_infeasible(shop):
    rows = [{"task": "a", "machine": "m1", "start": 5.0}, {"task": "c", "machine": "m1", "start": 1.0}]
    partial = shop.plan_from(rows)
    assert shop.check(partial).only_unserved
    assert shop.assess(partial).status is Status.PARTIAL
    rows += [{"task": "b", "machine": "m2", "start": 9.0}, {"task": "c", "machine": "m1", "start": 40.0}]
    double = evaluate(shop, rows)
    assert double.status is Status.INFEASIBLE
    assert [v.constraint for v in double.check.violations] == ["duplicate"]


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.booleans(), st.booleans())
def test_the_check_agrees_with_a_plain_checker(seed, whole, energy):
    rng = np.random.default_rng(seed)
    problem = random_problem(rng, shape=(2, 1), whole=whole, energy=energy, horizon=30.0)
    counts = len(problem.data.tasks)
    by_task = [np.flatnonzero(problem.data.structure.mode_task == task) for task in range(counts)]
    for spread in (3.0, 9.0, 25.0):
        modes = np.array([rng.choice(own) for own in by_task])
        starts = np.sort(rng.uniform(0.0, spread, counts)) if spread > 3 else rng.uniform(0.0, spread, counts)
        rows = rows_of(problem, modes, np.round(starts) if whole else starts)
        plan = problem.plan_from(rows)
        truth = holds(problem, rows)
        assert problem.check(plan).ok == truth
        assert problem.price(plan).objective == pytest.approx(money(problem, rows), rel=1e-12, abs=1e-9)
