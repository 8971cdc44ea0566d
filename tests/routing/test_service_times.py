"""Laws of how long stops take, and goods that are not ready before a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import RoutingProblem
from kanopt.errors import ProblemError
from kanopt.formulas import Formula, Input, Step, Variable, parse_formula
from kanopt.formulas.formula import BoundFormula
from kanopt.refs import arc, clock, state
from kanopt.routing import Client, Depot, Route, RoutingPlan, RoutingPolicy, VehicleType
from tests.cases.kernel_scores import score_plan
from tests.cases.routing_variants import plain
from tests.cases.stop_laws import STOP_LAWS, with_stop_law
from tests.routing.simulate.test_variants import line

HOUR, LOAD = Variable("hour", "h"), Variable("load", "t")
STOP = Variable("stop", "min")
KM = 10.0 * np.abs(np.arange(3.0)[:, None] - np.arange(3.0)[None, :])


def by_hour(text: str, *others: Variable, **bound: Any) -> BoundFormula:
    return parse_formula(text, [HOUR, *others], STOP).bind(hour=clock.hour, **bound)


def reading(what: Any) -> BoundFormula:
    return parse_formula("5 + x", [Variable("x")], STOP).bind(x=what)


def town(law: BoundFormula, *clients: Client, **van: Any) -> RoutingProblem:
    """Clients at 10 and 20 km on a road from the depot; a km takes a minute and costs nothing."""
    people = clients or (Client("a", demand=2.0), Client("b", demand=1.0))
    shift = {"shift_start": 480.0, "shift_end": 1080.0}
    size = len(people) + 1
    km = KM[:size, :size]
    fleet, policy = [VehicleType("van", 2, **{**shift, **van})], RoutingPolicy(service=law)
    return RoutingProblem([Depot("depot")], people, fleet, {}, km, km, policy=policy)


def leaving(problem: RoutingProblem, departure: float, *stops: str) -> RoutingPlan:
    return problem.plan_from((Route("van", 1, "depot", stops, departure),))


def test_a_stop_takes_as_long_as_the_hour_and_the_load_on_arrival_say() -> None:
    law = by_hour("6 * (hour - 8) + 3 * load", LOAD, load=state.load)
    problem = town(law, unit_duration_cost=1.0)
    plan = leaving(problem, 480.0, "a", "b")
    # a from 8:10 with 3 t on board: 1 + 9 min; b from 8:30 with 1 t: 3 + 3 min
    table = problem.timetable(plan)
    assert table["begin"].tolist()[:2] == pytest.approx([490.0, 510.0])
    assert table["end"].tolist()[:2] == pytest.approx([500.0, 516.0])
    assert problem.drive(plan.routes).finish.tolist() == pytest.approx([536.0])
    assert problem.price(plan).terms().to_dict() == pytest.approx({"time": 56.0})


@given(
    seed=st.integers(0, 40),
    law=st.sampled_from(STOP_LAWS),
    leaves=st.floats(400.0, 560.0),
    later=st.floats(0.0, 80.0),
)
@settings(max_examples=60, deadline=None)
def test_nobody_is_back_earlier_by_leaving_later(seed: int, law: str, leaves: float, later: float) -> None:
    problem = with_stop_law(plain(seed).problem(), law, seed)
    rng = np.random.default_rng(seed)
    names = tuple(rng.permutation([each.name for each in problem.clients]))
    routes = [[Route("truck", 1, "depot", names, time)] for time in (leaves, leaves + later)]
    first, second = map(problem.drive, routes)
    assert (second.begin >= first.begin - 1e-7).all()
    assert second.finish[0] >= first.finish[0] - 1e-7


@pytest.mark.parametrize("law", STOP_LAWS)
def test_who_is_proved_impossible_cannot_be_served_at_any_departure(law: str) -> None:
    proved = 0
    for seed in range(4):
        problem = with_stop_law(plain(seed).problem(), law, seed)
        fleet = [replace(each, max_duration=40.0, capacity=3.0) for each in problem.vehicles]
        problem = replace(problem, vehicles=fleet)
        alone = {each.subject for each in problem.infeasibility_reasons() if each.proved}
        for each in problem.clients:
            if f"client {each.name}" not in alone:
                continue
            proved += 1
            for kind in problem.vehicles:
                for leaves in np.arange(kind.shift_start, kind.shift_end, 20.0).tolist():
                    plan = problem.plan_from([Route(kind.name, 1, "depot", (each.name,), leaves)])
                    broken = {violation.constraint for violation in problem.check(plan).violations}
                    assert broken - {"unserved"}
    assert proved > 0


def test_a_law_that_falls_faster_than_the_clock_is_refused_with_the_hour() -> None:
    closing = Step(Input("hour"), (12.0,), (30.0, 10.0), name="s")
    law = Formula(closing, (HOUR,), STOP).bind(hour=clock.hour)
    with pytest.raises(
        ProblemError, match="'a' a stop of 'van' takes 30 min from 11:59 and 10 min from 12:00"
    ):
        town(law)
    # no shift is before noon
    town(law, shift_start=720.0)
    with pytest.raises(ProblemError, match="whoever begins later is done earlier"):
        town(by_hour("200 - 61 * (hour - 8)"))
    town(by_hour("600 - 59 * (hour - 8)"))
    # below zero counts as zero, so that nothing falls there
    town(by_hour("10 - 100 * relu(hour - 17.8) - 20"))


@pytest.mark.parametrize(
    ("law", "message"),
    [
        (reading(arc.distance), "'arc.distance' belongs to a leg"),
        (reading(arc.from_lat), "'arc.from_lat' belongs to a leg"),
        (reading(clock.late), "'clock.late' belongs to a leg"),
        (reading(clock.hours), "'clock.hours'; did you mean 'clock.hour'"),
        (reading(state.weight), "does not know 'state.weight'"),
        (by_hour("5 + log(hour - 8.5)"), "law 'service': .*hour=8"),
    ],
)
def test_a_law_of_stops_reads_no_leg_and_has_a_value(law: BoundFormula, message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        town(law)


def test_goods_ready_after_the_window_are_told_before_planning_and_proved_on_any_clock() -> None:
    people = [{"release_time": 100.0, "latest": 90.0}, {"release_time": 80.0, "latest": 90.0}]
    later = parse_formula("km * (1 + hour / 16)", [Variable("km", "km"), HOUR], Variable("spent", "min"))
    problem = replace(line(people, {}), duration=later.bind(km=arc.distance, hour=clock.hour))
    (told,) = problem.unreachable()
    assert "client a: its goods are ready at 01:40" in told
    reasons = {each.subject: each.proved for each in problem.infeasibility_reasons()}
    assert reasons == {"client a": True, "client b": False}
    assert not line([{**people[0], "unit_lateness_cost": 1.0}], {}).unreachable()


def test_a_stated_departure_may_be_too_early() -> None:
    problem = line([{"release_time": 30.0}, {"release_time": 60.0}], {})
    plan = problem.plan_from([Route("van", 1, "depot", ("a", "b"), 45.0)])
    (violation,) = problem.check(plan).violations
    assert (violation.constraint, violation.amount) == ("release", 15.0)
    assert "client b" in violation.message
    assert problem.drive(plan.routes).begin.tolist() == [55.0, 65.0, 85.0]
    assert score_plan(problem, plan)[1] == {"release"}


def test_goods_must_be_ready_in_time_for_a_window_in_which_the_shift_is_kept() -> None:
    windows, shift = {"windows": "40-50, 150-160"}, {"shift_end": 130.0}
    (reason,) = line([{"release_time": 100.0, **windows}], shift).infeasibility_reasons()
    # back at 160 from the second window; the first one closes at 50, 10 min from the depot
    assert reason.relaxation == "van with its shift 30 min longer, or its goods ready earlier"
    mended = line([{"release_time": 40.0, **windows}], shift)
    assert mended.check(mended.plan_from({"van": ["a"]})).ok
