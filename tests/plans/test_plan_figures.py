"""What a manager asks of a plan, laws of the plan's day, and plans made for other data."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanopt as ko
from kanopt import RoutingProblem, SchedulingProblem
from kanopt.errors import ProblemError
from kanopt.formulas import Constant, Product, Variable, parse_formula
from kanopt.plans.result import evaluate
from kanopt.refs import arc, day, decision, lane, mode
from kanopt.routing import Client, Depot, VehicleType
from kanopt.scheduling import Job, Machine, Mode, PowerPrice, Setup, Task
from kanopt.scheduling.dispatch import dispatch_greedily
from kanopt.supply import Flow, FlowPlan, Lane, Market, Period, Supplier
from tests.cases.mixed_routing import mixed_problem, random_plan
from tests.cases.scheduling import random_problem
from tests.cases.supply import small


def figures_of(result):
    return {figure.key: figure for figure in result.assessment.figures()}


def roster_of(result, key):
    (found,) = [roster for roster in result.assessment.rosters() if roster.key == key]
    return found.frame


def city(**changes):
    """Two clients in a line, 5 and 10 km from the depot; a kilometre takes two minutes."""
    km = [Variable("km", "km")]
    fields = {
        "depots": [Depot("yard", 0.0, 0.0)],
        "clients": [
            Client("near", 3.0, 4.0, demand=0.5, service_duration=10.0, latest=700.0),
            Client("far", 6.0, 8.0, demand=1.0, service_duration=10.0, latest=620.0),
        ],
        "vehicles": [VehicleType("van", num_available=3, capacity=2.0, shift_start=600.0, shift_end=900.0)],
        "cost": {"wear": parse_formula("0.2 * km", km, Variable("wear", "EUR")).bind(km=arc.distance)},
        "duration": parse_formula("2 * km", km, Variable("minutes", "min")).bind(km=arc.distance),
    }
    return RoutingProblem(**{**fields, **changes})


def test_routes_are_added_up_by_hand():
    problem = city()
    result = evaluate(problem, [["near", "far"]])
    found = figures_of(result)
    assert found["distance"].value == pytest.approx(20.0)
    assert found["distance"].text == "20 km"
    assert found["driving"].value == pytest.approx(40.0 / 60.0)
    assert found["hours"].value == pytest.approx(60.0 / 60.0)
    assert found["vehicles"].text == "1 of 3"
    assert found["filling"].value == pytest.approx(0.75)
    # leaves at 10:00 at the earliest, reaches the far one at 10:30 behind the near one, ten minutes late
    assert (found["lateness"].value, found["lateness"].note, found["lateness"].bad) == (
        10.0,
        "at 1 stop",
        True,
    )
    assert "co2" not in found
    assert result.assessment.proposal == "Send out 1 of 3 vehicles"
    row = roster_of(result, "vehicle").iloc[0]
    assert row["distance (km)"] == pytest.approx(20.0)
    assert row["late (min)"] == pytest.approx(10.0)
    assert row["cost (EUR)"] == pytest.approx(4.0)
    assert figures_of(evaluate(problem, []))["vehicles"].text == "0 of 3"
    other = figures_of(evaluate(problem, [["near"]]))["distance"]
    assert other.change_from(found["distance"]) == "−10 km"
    assert found["distance"].change_from(found["distance"]) == "0"


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 300))
def test_figures_and_rosters_of_mixed_plans_agree_with_the_timetable(seed):
    problem = mixed_problem(seed)
    known = problem.assess(random_plan(problem, seed))
    table, found = known.timetable(), {figure.key: figure for figure in known.figures()}
    assert found["distance"].value == pytest.approx(table["distance"].sum())
    assert found["lateness"].value == pytest.approx(table["late"].sum())
    assert found["vehicles"].value == len({route.label for route in known.plan.routes if route.clients})
    for roster in known.rosters():
        assert roster.frame["cost (EUR)"].sum() <= known.pricing.objective + 1e-6
        assert roster.frame["distance (km)"].sum() == pytest.approx(table["distance"].sum())
        assert roster.frame["time out (h)"].sum() == pytest.approx(found["hours"].value)


def test_the_co2_of_a_law_is_added_up_along_the_legs():
    law = parse_formula("0.25 * km", [Variable("km", "km")], Variable("co2", "kg"))
    tax = parse_formula("0.1 * 0.25 * km", [Variable("km", "km")], Variable("tax", "EUR"))
    tax = replace(tax, root=Product((Constant(0.1), law.root)), parts=(law,))
    found = figures_of(evaluate(city(cost={"carbon tax": tax.bind(km=arc.distance)}), [["near", "far"]]))
    assert found["co2"].value == pytest.approx(0.25 * 20.0)
    assert found["co2"].text == "5 kg"


def shop():
    return SchedulingProblem(
        jobs=[Job("j1", due_date=4.0, tardiness_cost=2.0), Job("j2", release_date=1.0, due_date=30.0)],
        tasks=[Task("a", "j1", family="red"), Task("b", "j1", family="blue"), Task("c", "j2", family="blue")],
        machines=[Machine("m1", family="red"), Machine("m2")],
        modes=[
            Mode("a", "m1", duration=4.0, energy=3.0),
            Mode("b", "m1", duration=3.0, energy=2.0),
            Mode("c", "m1", duration=2.0, energy=1.5),
            Mode("c", "m2", duration=2.0, energy=1.0),
        ],
        setups=[Setup("red", "blue", 1.0)],
        power_price=[PowerPrice(0.0, 0.5)],
        makespan_cost=1.0,
    )


def test_schedules_are_added_up_by_hand():
    problem = shop()
    rows = [("a", "m1", 0.0), ("b", "m1", 5.0), ("c", "m1", 8.0)]
    result = evaluate(problem, problem.plan_from([{"task": t, "machine": m, "start": s} for t, m, s in rows]))
    found = figures_of(result)
    assert found["end"].value == 10.0
    assert found["lateness"].value == pytest.approx(4.0)
    assert found["use"].value == pytest.approx(9.0 / 20.0)
    assert found["setups"].value == 1.0
    assert found["energy"].text == "6.5 kWh"
    assert result.assessment.proposal == "Run 3 tasks on 1 of 2 machines, done by 10 min"
    jobs = roster_of(result, "job")
    assert jobs["ends (min)"].tolist() == [8.0, 10.0]
    assert jobs["due (min)"].tolist() == [4.0, 30.0]
    assert jobs["late (min)"].tolist() == [4.0, 0.0]
    assert roster_of(result, "machine")["use"].tolist() == [0.9, 0.0]


def test_flows_are_added_up_by_hand():
    rows = [("mill", "north", "1", 30.0), ("mill", "north", "2", 30.0), ("north", "Lyon", "1", 10.0)]
    rows += [("north", "Nice", "1", 8.0), ("north", "Lyon", "2", 30.0), ("north", "Nice", "2", 10.0)]
    flows = tuple(Flow(tail, head, "", "flour", period, amount) for tail, head, period, amount in rows)
    result = evaluate(small(), FlowPlan(flows, (("north", "1"), ("north", "2"))))
    found = figures_of(result)
    assert found["service"].text == "96.6 %"
    assert found["service"].bad
    assert found["sites"].text == "1 of 2"
    assert found["use"].value == pytest.approx(60.0 / 80.0)
    assert found["unit_cost"].value == pytest.approx(result.objective / 58.0)
    assert found["stock"].value == pytest.approx(12.0)
    assert result.assessment.proposal == "Run north; leave south closed"
    sites, markets = roster_of(result, "site"), roster_of(result, "market")
    own = 60 * 0.25 + 30.0 + 12 * 0.5 + 2 * 0.5
    assert sites["its cost (EUR)"].tolist() == pytest.approx([own, 0.0])
    assert sites["its cost per unit (EUR/t)"][0] == pytest.approx(own / 60.0)
    assert math.isnan(sites["use"][1])
    assert markets["short (t)"].tolist() == [0.0, 2.0]


def paid(text: str, unit: str) -> ko.Formula:
    name = text.rpartition(" ")[2]
    return parse_formula(text, ["weekday", name], Variable("what", unit))


def workshop(when: Any) -> tuple[ko.SchedulingProblem, Any]:
    """A task that lasts ten times the weekday and its effort."""
    law = paid("10 * weekday + effort", "min").bind(weekday=day.weekday, effort=mode.effort)
    parts = [Job("j")], [Task("t", "j")], [Machine("saw")], [Mode("t", "saw", attributes={"effort": 3.0})]
    problem = ko.SchedulingProblem(*parts, duration=law, makespan_cost=1.0, day=when)
    return problem, [{"task": "t", "machine": "saw", "start": 0.0}]


def network(when: Any) -> tuple[ko.SupplyProblem, Any]:
    """A tariff by lane and weekday for one unit."""
    law = paid("10 * weekday + rate", "EUR/t").bind(weekday=day.weekday, rate=lane.rate)
    lanes = [Lane("mill", "Lyon", attributes={"rate": 3.0})]
    only = {
        "markets": [Market("Lyon")],
        "periods": [Period("1")],
        "lanes": lanes,
        "demand": 1.0,
        "facilities": [],
    }
    problem = small(suppliers=[Supplier("mill", "flour")], tariff=law, day=when, **only)
    return problem, [{"tail": "mill", "head": "Lyon", "quantity": 1.0}]


def number(when: Any) -> tuple[ko.DecisionProblem, Any]:
    objective = paid("10 * weekday + x", "EUR").bind(weekday=day.weekday, x=decision.x)
    return ko.DecisionProblem({"x": (0, 5)}, objective, day=when), {"x": 3.0}


@pytest.mark.parametrize("kind", [workshop, network, number])
def test_the_day_counts_and_is_asked_for(kind: Any) -> None:
    for when, weekday in (("2026-03-03", 2), ("2026-03-08", 7)):
        problem, plan = kind(when)
        assert problem.price(problem.plan_from(plan)).objective == pytest.approx(10 * weekday + 3)
    with pytest.raises(ProblemError, match=r"'day\.weekday', but no day is stated; write day="):
        kind(None)
    with pytest.raises(ProblemError, match="'soon' is no day; write year, month and day"):
        kind("soon")


DEPOT, VAN = ko.routing.Depot("depot"), ko.routing.VehicleType("van", unit_duration_cost=1.0)


def order_on_machines(plan) -> list[list[str]]:
    frame = plan.to_frame().sort_values(["machine", "start", "end"], kind="stable")
    return [rows["task"].tolist() for _, rows in frame.groupby("machine")]


@given(st.integers(0, 10_000), st.floats(0.5, 1.6))
@settings(max_examples=15, deadline=None)
def test_a_schedule_keeps_its_order_and_every_rule(seed, factor):
    before = random_problem(np.random.default_rng(seed), shape=(2, 2, 1), whole=False)
    found = dispatch_greedily(before.data.structure, before.data.timing)
    if found is None:
        return
    plan = before.schedule(*found)
    slower = replace(
        before, modes=tuple(replace(mode, duration=factor * mode.duration) for mode in before.data.modes)
    )
    moved = slower.carried_over(plan)
    if not slower.check(moved).ok:  # a task no longer fits: then nothing was moved
        assert moved.to_frame()["start"].tolist() == plan.to_frame()["start"].tolist()
        return
    chosen = ["task", "machine", "mode"]
    frames = [one.to_frame().sort_values("task")[chosen].to_numpy().tolist() for one in (moved, plan)]
    assert frames[0] == frames[1]
    assert order_on_machines(moved) == order_on_machines(plan)


def test_a_route_leaves_when_that_is_best_on_the_new_times():
    def city(minutes: float) -> ko.RoutingProblem:
        legs = np.array([[0.0, minutes], [minutes, 0.0]])
        return ko.RoutingProblem(
            [DEPOT], [ko.routing.Client("a", earliest=60, latest=70)], [VAN], {}, legs, legs
        )

    plan = ko.evaluate(city(30.0), [["a"]]).assessment.settled().plan
    assert plan.routes[0].departure == 30.0  # the van does not wait
    late = ko.evaluate(city(45.0), plan)
    assert late.status == "infeasible"
    moved = ko.evaluate(city(45.0), city(45.0).carried_over(plan))
    assert moved.status != "infeasible"
    assert moved.assessment.settled().plan.routes[0].departure == 15.0


def test_other_kinds_are_read_as_they_are():
    choice = ko.DecisionProblem([ko.decisions.Decision("n", 0, 4, integer=True)], {"n": 1.0})
    plan = choice.plan_from({"n": 2})
    assert choice.carried_over(plan) == plan
