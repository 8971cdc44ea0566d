"""What a check finds and what a plan costs: by hand, by first principles, and with breaks where they cost least."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt import RoutingProblem
from kanopt.formulas import Formula, Input, Step, Variable, parse_formula
from kanopt.refs import arc, clock, state
from kanopt.routing import Client, Depot, Route, RoutingPlan, VehicleType
from tests.cases.kernel_scores import score_plan
from tests.cases.routing import random_problem, random_routes
from tests.cases.routing_simulator import Simulator

MINUTES = np.array([[0.0, 10, 20, 30], [10, 0, 12, np.inf], [20, 12, 0, 15], [30, 25, 15, 0]])
VAN = VehicleType("van", 2, capacity=1.0, fixed_cost=5.0, shift_start=480, shift_end=560)
TRUCK = VehicleType(
    "truck", capacity=3.0, unit_distance_cost=0.5, unit_duration_cost=0.1, start_depot="depot"
)
CLIENTS = [
    Client("a", demand=0.5, earliest=500, latest=520),
    Client("b", demand=0.4),
    Client("c", demand=0.3, prize=7.0),
]


def small(**changes: object) -> RoutingProblem:
    parts = {
        "cost": {"toll": MINUTES / 10},
        "duration": MINUTES,
        "distance": MINUTES,
        "vehicles": [VAN, TRUCK],
    }
    return RoutingProblem([Depot("depot")], CLIENTS, **{**parts, **changes})


def route(vehicle: str, *stops: str, leaves: float | None = None) -> Route:
    return Route(vehicle, 1, "depot", stops, leaves)


@pytest.mark.parametrize(
    ("plan", "rule", "told"),
    [
        ({"truck": ["a", "b"]}, "", ""),
        ({"van 1": ["a"]}, "unserved", "client b"),
        ({"van 1": ["a", "b", "c"]}, "capacity", "van 1 carries 1.2 t, 0.2 t more"),
        (
            [route("truck", "b", "a", leaves=500.0)],
            "time window",
            "client a at 08:52, 12 min after .* at 08:40",
        ),
        ({"van 1": ["b", "a"], "van 3": ["c"]}, "fleet", "van 3 does not exist"),
        ([route("van", "b", "a", leaves=470.0)], "shift", "van 1 leaves at 07:50, 10 min before"),
        (
            [route("van", "c", "b", leaves=500.0), route("truck", "a")],
            "shift",
            "returns at 09:25, 5 min after",
        ),
        ({"truck": ["b", "a", "c"]}, "road", "from a to c"),
        (RoutingPlan((route("van", "a", "b"), route("truck", "b"))), "visits", "client b is served 2 times"),
        (RoutingPlan((route("van", "a"), route("van", "b"))), "fleet", "van 1 drives 2 routes at once"),
    ],
)
def test_every_planted_violation_is_found(plan: Any, rule: str, told: str) -> None:
    problem = small()
    found = {v.constraint: v.message for v in problem.check(problem.plan_from(plan)).violations}
    assert bool(found) == bool(rule)
    assert not rule or re.search(told, found[rule])


def test_a_route_from_another_depot_than_its_own_is_found() -> None:
    one, van = np.ones((3, 3)), VehicleType("van", start_depot="depot")
    problem = RoutingProblem([Depot("depot"), Depot("yard")], [Client("b")], [van], {}, one, one)
    plan = problem.plan_from(RoutingPlan((Route("van", 1, "yard", ("b",)),)))
    assert [each.constraint for each in problem.check(plan).violations] == ["depot"]


def test_the_law_prices_true_load_and_clock_and_the_frozen_price_the_planning_values() -> None:
    km, hour, load = Variable("km", "km"), Variable("hour", "h"), Variable("load", "t")
    slow = parse_formula("km * (1 + hour / 24)", [km, hour], Variable("min", "min"))
    inputs = [km, load, hour, Variable("minutes", "min")]
    fuel = parse_formula("km * (1 + load) * hour + minutes", inputs, Variable("fuel", "EUR"))
    places = np.array([0.0, 3, 5, 9])
    problem = small(
        distance=np.abs(np.subtract.outer(places, places)),
        duration=slow.bind(km=arc.distance, hour=clock.hour),
        cost={"fuel": fuel.bind(km=arc.distance, load=state.load, hour=clock.hour, minutes=arc.duration)},
        vehicles=[VehicleType("van", 1, capacity=2.0, shift_start=480, shift_end=600)],
    )
    plan = problem.plan_from([route("van", "a", "b", leaves=490.0)])
    now, expected, frozen = 490.0, 0.0, 0.0
    for way, load_, opens in ((3.0, 0.9, 500.0), (2.0, 0.4, 0.0), (5.0, 0.0, 0.0)):
        minutes = way * (1 + now / 1440)
        expected += way * (1 + load_) * now / 60 + minutes
        now = max(now + minutes, opens)
        # half of 1.2 t, middle of the shift, slowest at its end
        frozen += way * (1 + 0.6) * 9.0 + way * (1 + 10 / 24)
    assert problem.price(plan).objective == pytest.approx(expected + 7.0)
    assert problem.price(plan, frozen=True).objective == pytest.approx(frozen + 7.0)
    values = {(f.law, f.input): f.value for f in problem.frozen_inputs()}
    assert values == {("duration", "hour"): "10:00", ("fuel", "load"): "0.6 t", ("fuel", "hour"): "09:00"}


@given(st.integers(0, 5_000))
def test_prices_add_up_to_first_principles(seed: int) -> None:
    problem = random_problem(seed)
    plan = problem.plan_from(random_routes(problem, seed))
    simulator = Simulator(problem)
    faults = simulator.faults(plan) - {"unserved"}
    assert bool(faults) == bool({v.constraint for v in problem.check(plan).violations} - {"unserved"})
    if not faults:
        expected = sum(simulator.price(plan).values())
        for frozen in (False, True):
            assert problem.price(plan, frozen=frozen).objective == pytest.approx(expected)


def test_no_routes_and_clients_served_twice_are_driven_too() -> None:
    problem = small()
    assert problem.drive([]).finish.shape == (0,)
    assert np.isfinite(problem.drive([route("van", "a", "a")]).finish).all()


KM = 10.0 * np.abs(np.arange(3.0)[:, None] - np.arange(3.0)[None, :])
HOUR = Variable("hour", "h")
# 10 EUR for each leg that begins before noon
TOLL = Formula(Step(Input("hour"), (12.0,), (10.0, 0.0), name="toll"), (HOUR,), Variable("toll", "EUR"))
TO_B = ("a", "b")


def town(
    clients: tuple[Client, ...] = (Client("a", service_duration=20.0), Client("b")), **given: Any
) -> RoutingProblem:
    """Clients at 10 and 20 minutes from the depot; drivers rest for half an hour from between 11:00 and 12:00."""
    van = {"shift_start": 660.0, "breaks": "30 in 11:00-12:00", **given.pop("van", {})}
    return RoutingProblem(
        [Depot("depot")], clients, [VehicleType("van", **van)], given.pop("cost", {}), KM, KM, **given
    )


def leaving(problem: RoutingProblem, departure: float) -> RoutingPlan:
    plan = problem.plan_from((Route("van", 1, "depot", TO_B, departure),))
    price, broken = score_plan(problem, plan)
    assert price == pytest.approx(problem.price(plan).objective)
    assert broken == {each.constraint for each in problem.check(plan).violations}
    return plan


@pytest.mark.parametrize(
    ("rate", "taken", "price"),
    [
        # on the way to a, so that the other two legs begin from noon on: one toll, and half an hour
        (0.1, [1, 0, 0], 10.0 + 0.1 * 90.0),
        # after the route, which is over at noon: three tolls
        (1.0, [0, 0, 0], 30.0 + 60.0),
    ],
)
def test_a_break_is_taken_where_tolls_and_time_cost_least(
    rate: float, taken: list[int], price: float
) -> None:
    problem = town(van={"unit_duration_cost": rate}, cost={"toll": TOLL.bind(hour=clock.hour)})
    plan = leaving(problem, 660.0)
    assert problem.drive(plan.routes).breaks_taken.tolist() == taken
    assert problem.price(plan).objective == pytest.approx(price)


def test_no_price_makes_a_break_break_a_rule() -> None:
    tolls = {"toll": TOLL.bind(hour=clock.hour)}
    for limits in ({"shift_end": 749.0}, {"max_duration": 89.0}):
        problem = town(van=limits, cost=tolls)
        plan = leaving(problem, 660.0)
        assert problem.check(plan).ok
        assert problem.drive(plan.routes).breaks_taken.tolist() == [0, 0, 0]
    late = town((Client("a", service_duration=20.0), Client("b", latest=729.0)), cost=tolls)
    assert late.check(leaving(late, 660.0)).ok
