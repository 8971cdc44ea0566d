"""Goods that are not ready before a time, at the depot or where they are loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Route, RoutingProblem, VehicleType
from kanopt.problems.routing.law_uses import Delays
from kanopt.refs import arc, clock
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.search import RacerSearch
from tests.cases.kernel_scores import score_plan
from tests.cases.routing_brute_force import cheapest_that_holds

KM = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))) * 10
LATER = parse_formula(
    "km * (1 + 0.001 * minute)", [Variable("km", "km"), Variable("minute", "min")], Variable("spent", "min")
).bind(km=arc.distance, minute=clock.minute)


def line(*people: dict[str, Any], **van: Any) -> RoutingProblem:
    """Clients a, b and c at 10, 20 and 30 km and minutes from the depot."""
    clients = [Client(name, demand=1.0, **fields) for name, fields in zip("abc", people, strict=False)]
    nodes = len(clients) + 1
    km = KM[:nodes, :nodes]
    return RoutingProblem([Depot("depot")], clients, [VehicleType("van", **van)], {"fuel": km}, km, km)


def test_goods_ready_after_the_window_are_told_before_planning_and_proved_on_any_clock() -> None:
    problem = replace(
        line({"release_time": 100.0, "latest": 90.0}, {"release_time": 80.0, "latest": 90.0}), duration=LATER
    )
    (told,) = problem.unreachable()
    assert "client a: its goods are ready at 01:40" in told
    reasons = {each.subject: each.proved for each in problem.infeasibility_reasons()}
    assert reasons == {"client a": True, "client b": False}
    late_is_paid = line({"release_time": 100.0, "latest": 90.0, "unit_lateness_cost": 1.0})
    assert not late_is_paid.unreachable()


def test_delays_after_a_wait_for_goods_cost_what_is_left_of_them() -> None:
    problem = line({}, {"release_time": 60.0}, max_reloads=1, unit_duration_cost=1.0)
    plan = problem.plan_from([Route("van", 1, "depot", ("a", "depot", "b"), 0.0)])
    driven = problem.drive(plan.routes)
    longer = np.zeros((2, len(driven.route)))
    longer[:, 0] = 10.0, 50.0
    assert Delays(problem, plan, driven).price_change(longer).tolist() == [0.0, 10.0]


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(
    release=st.tuples(*[st.integers(0, 200)] * 3),
    opens=st.integers(0, 150),
    wide=st.integers(5, 60),
    rate=st.sampled_from([0.0, 1.0]),
    breaks=st.sampled_from(["", "20 in 60-90"]),
    moving=st.booleans(),
    reload=st.booleans(),
)
def test_no_departure_that_is_early_enough_is_better(
    release: tuple[int, ...], opens: int, wide: int, rate: float, breaks: str, moving: bool, reload: bool
) -> None:
    people = [{"release_time": float(ready), "service_duration": 3.0} for ready in release]
    people[1] |= {"earliest": float(opens), "latest": float(opens + wide), "unit_lateness_cost": 0.25}
    problem = line(
        *people, unit_duration_cost=rate, breaks=breaks, max_reloads=1, reload_time=4.0, shift_end=600.0
    )
    if moving:
        problem = replace(problem, duration=LATER)
    stops = ("a", "depot", "b", "c") if reload else ("a", "b", "c")
    plan = problem.plan_from([Route("van", 1, "depot", stops)])
    earliest = max(release[: 1 if reload else 3])
    assert problem.drive(plan.routes).departure[0] >= earliest
    assert not {each.constraint for each in problem.check(plan).violations} & {"release"}
    chosen = problem.price(plan).objective
    stated = [
        Route("van", 1, "depot", stops, leaves) for leaves in np.arange(float(earliest), 400.0, 10.0).tolist()
    ]
    best = cheapest_that_holds(problem, stated)
    if problem.check(plan).ok and not (moving and breaks):
        assert chosen <= best + 1e-6 + (0.02 * best if moving else 0.0)
    score = RacerSearch(PlanData(problem)).depart(0, [problem.data.index[name] for name in stops])
    if problem.check(plan).ok:
        assert score.departure >= earliest - 1e-6
        assert score.price <= chosen * (1 + 1e-4) + 1e-6 or breaks


def test_a_route_leaves_when_the_last_of_its_goods_are_ready() -> None:
    problem = line({"release_time": 30.0}, {"release_time": "1:00"}, {})
    driven = problem.drive(problem.plan_from({"van": ["a", "b", "c"]}).routes)
    assert driven.departure.tolist() == [60.0]
    assert driven.begin.tolist() == [70.0, 80.0, 90.0, 120.0]


def test_a_stated_departure_may_be_too_early() -> None:
    problem = line({"release_time": 30.0}, {"release_time": 60.0})
    plan = problem.plan_from([Route("van", 1, "depot", ("a", "b"), 45.0)])
    (violation,) = problem.check(plan).violations
    assert (violation.constraint, violation.amount) == ("release", 15.0)
    assert "client b" in violation.message
    assert problem.drive(plan.routes).begin.tolist() == [55.0, 65.0, 85.0]
    assert score_plan(problem, plan)[1] == {"release"}


def test_a_reload_waits_for_the_goods_of_its_trip() -> None:
    van = {"max_reloads": 2, "reload_time": 5.0, "unit_duration_cost": 1.0}
    problem = line({}, {"release_time": 100.0}, {"release_time": 70.0}, **van)
    plan = problem.plan_from({"van": ["a", "depot", "b", "depot", "c"]})
    driven = problem.drive(plan.routes)
    # loading ends when everything is there, and nothing is waited for that can be avoided by leaving later
    assert driven.departure.tolist() == [75.0]
    assert driven.begin.tolist() == [85.0, 95.0, 120.0, 140.0, 175.0, 205.0]
    assert problem.timetable(plan)["leave"].tolist() == [75.0, 85.0, 100.0, 120.0, 145.0, 175.0]
    assert problem.price(plan).terms()["time"] == 130.0


def test_a_source_waits_for_what_is_loaded_there() -> None:
    problem = line({"service_duration": 2.0}, {"source": "a", "release_time": 50.0}, {"release_time": 20.0})
    plan = problem.plan_from({"van": ["c", "a", "b"]})
    driven = problem.drive(plan.routes)
    assert driven.departure.tolist() == [20.0]
    assert driven.begin.tolist() == [50.0, 70.0, 82.0, 102.0]
    early = problem.plan_from([Route("van", 1, "depot", ("a", "b"), 0.0)])
    assert problem.check(early).violations[0].constraint == "unserved"
    assert problem.drive(early.routes).begin.tolist() == [50.0, 62.0, 82.0]


def test_goods_must_be_ready_in_time_for_a_window_in_which_the_shift_is_kept() -> None:
    problem = line({"release_time": 100.0, "windows": "40-50, 150-160"}, shift_end=130.0)
    (reason,) = problem.infeasibility_reasons()
    # back at 160 from the second window; the first one closes at 50, 10 min from the depot
    assert reason.relaxation == "the shift of van 30 min longer, or its goods ready 60 min earlier"
    mended = line({"release_time": 40.0, "windows": "40-50, 150-160"}, shift_end=130.0)
    assert mended.check(mended.plan_from({"van": ["a"]})).ok
    problem = line({"windows": "40-50, 150-160"}, {"source": "a", "release_time": 100.0}, shift_end=130.0)
    told = {each.subject: each for each in problem.infeasibility_reasons()}
    assert told["client b"].relaxation.endswith(", or its goods ready earlier")
