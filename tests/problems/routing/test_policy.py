"""What a policy may hold, and corners of the rules that came to light by trying to break them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, RoutingProblem, RoutingUnits, VehicleType
from kanopt.problems.routing import RoutingPolicy
from kanopt.problems.routing.windows import parse_breaks, parse_windows
from kanopt.refs import arc, state

KM = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])


def pair(*clients: Client, van: VehicleType | None = None, **given: object) -> RoutingProblem:
    people = clients or (Client("a"), Client("b"))
    parts = {"cost": KM, "duration": KM, "distance": KM, **given}
    return RoutingProblem([Depot("depot")], people, [van or VehicleType("van", 2)], **parts)


@pytest.mark.parametrize("given", [{"capacities": "pallets"}, {"pinned": {"van 1": "ab"}}])
def test_a_text_where_a_list_belongs_is_refused(given: dict[str, object]) -> None:
    with pytest.raises(ProblemError, match="is one text; give a list of names"):
        RoutingPolicy(**given)


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"pinned": {"vn 2": ["a"]}}, "pinned names the vehicle 'vn 2'; did you mean 'van'"),
        ({"pinned": {"van 3": ["a"]}}, "pinned names 'van 3', but there are 2 vehicles of type 'van'"),
        ({"pinned": {"van 1": ["c"]}}, "pinned names the client 'c'"),
        ({"pinned": {"van 1": ["a"], "van 2": ["a"]}}, "client 'a' is pinned to two vehicles"),
        ({"apart": [("food",)]}, "is no pair of goods"),
        ({"apart": [("fod", "paint")]}, "apart names 'fod', which no client has; did you mean 'food'"),
        ({"capacities": ["pallets"]}, "'van' has no 'pallets'"),
        ({"pinned": {"van": ["a"]}}, "pinned names the type 'van'; say which of its 2 vehicles, as 'van 1'"),
        ({"apart": [("food", "ice")]}, "cannot be kept apart: clients 'b' have both"),
        ({"longest_route_cost": -1.0}, "longest_route_cost: must be at least 0, not the number -1.0"),
    ],
)
def test_mistakes_in_a_policy_are_refused_at_once(policy: dict[str, object], message: str) -> None:
    people = Client("a", goods="food"), Client("b", goods="food, ice")
    with pytest.raises(ProblemError, match=message):
        pair(*people, policy=RoutingPolicy(**policy))


def test_goods_that_nobody_has_today_are_no_mistake() -> None:
    problem = pair(Client("a", goods="food"), Client("b"), policy=RoutingPolicy(apart=[("food", "paint")]))
    assert not problem.data.apart.any()


@pytest.mark.parametrize(
    ("client", "message"),
    [
        ({"windows": "8:00-9:00, 8:30-10:00"}, "'8:30-10:00' opens before the one before it closes"),
        ({"windows": "9:00-8:00"}, "closes before it opens"),
        ({"windows": "morning"}, "'morning' is no window; write one such as"),
        ({"windows": "1-2", "latest": 5.0}, "give either windows, or earliest and latest"),
        ({"source": "c"}, "'c' is none of the clients"),
        ({"source": "a"}, "is its own source"),
        (
            {"unit_lateness_cost": -1.0},
            "unit_lateness_cost of 'a': must be at least 0, not the number -1.0",
        ),
    ],
)
def test_mistakes_of_clients_are_refused(client: dict[str, object], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        pair(Client("a", **client), Client("b"))


def test_mistakes_of_vehicles_are_refused() -> None:
    with pytest.raises(ProblemError, match="'noon' is no break; write one such as '30 in 660-780'"):
        pair(van=VehicleType("van", breaks="noon"))
    with pytest.raises(ProblemError, match="max_reloads of 'van': must be at least 0, not the number -1"):
        pair(van=VehicleType("van", max_reloads=-1))
    with pytest.raises(ProblemError, match="comes before the one written before it"):
        parse_breaks("10 in 700-800, 10 in 600-700")


def test_a_window_may_open_when_the_one_before_closes() -> None:
    assert parse_windows("8:00-10:00, 10:00-12:00", "h") == ((8.0, 10.0), (10.0, 12.0))


def test_nobody_carries_less_than_nothing_after_a_reload() -> None:
    rng = np.random.default_rng(3)
    n = 12
    where = rng.uniform(0, 30, (n + 1, 2))
    km = np.hypot(*(where[:, None] - where[None, :]).transpose(2, 0, 1))
    law = parse_formula(
        "km * (1 + sqrt(load))", [Variable("km", "km"), Variable("load", "kg")], Variable("c", "EUR")
    )
    problem = RoutingProblem(
        [Depot("depot")],
        [Client(f"c{i}", demand=float(rng.uniform(1000, 9000))) for i in range(n)],
        [VehicleType("truck", capacity=24000.0, max_reloads=3)],
        law.bind(km=arc.distance, load=state.load),
        km,
        km,
        units=RoutingUnits(load="kg"),
    )
    for _ in range(40):
        order = [f"c{i}" for i in rng.permutation(n)]
        plan = problem.plan_from({"truck 1": [*order[:4], "depot", *order[4:8], "depot", *order[8:]]})
        assert np.isfinite(problem.price(plan).objective)
        assert problem.drive(plan.routes).load.min() == 0.0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            lambda: pair(Client("a", latest="noon")),
            "clients: latest of 'a': must be a time of day such as 8:30, or a number, not the text 'noon'",
        ),
        (
            lambda: pair(Client("a", windows=480)),
            "clients: windows of 'a': must be a text in quotes, not the number 480",
        ),
        (
            lambda: pair(van=VehicleType("van", returns="no")),
            "vehicles: returns of 'van': must be true or false, not the text 'no'",
        ),
        (
            lambda: pair(van=VehicleType("van", breaks=30)),
            "vehicles: breaks of 'van': must be a text in quotes, not the number 30",
        ),
        (
            lambda: pair(van=VehicleType("van", capacity=True)),
            "vehicles: capacity of 'van': must be a number, not the truth value true",
        ),
        (lambda: pair(policy={}), "policy: give a RoutingPolicy, not a dict"),
        (
            lambda: RoutingPolicy(service=5.0),
            "policy: service is a float; give a formula with its inputs bound",
        ),
        (lambda: RoutingPolicy(pinned=["a"]), "policy: pinned says which vehicle serves whom"),
    ],
)
def test_values_of_another_type_are_refused_in_words(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ProblemError, match=message):
        wrong()


def test_dates_are_no_clock_times_and_durations_no_numbers() -> None:
    table = pd.DataFrame({"name": ["a"], "latest": pd.to_datetime(["2026-11-26 10:30"])})
    with pytest.raises(ProblemError, match="column 'latest' holds dates; give times of day such as 8:30"):
        RoutingProblem([Depot("depot")], table, [VehicleType("van")], {}, KM[:2, :2], KM[:2, :2])
    table = pd.DataFrame({"name": ["a"], "service_duration": pd.to_timedelta(["00:30:00"])})
    with pytest.raises(
        ProblemError, match="column 'service_duration' holds durations; give numbers in 'min'"
    ):
        RoutingProblem([Depot("depot")], table, [VehicleType("van")], {}, KM[:2, :2], KM[:2, :2])


def test_departures_in_a_table_may_be_written_as_clock_times() -> None:
    table = pd.DataFrame({"vehicle": ["van 1"], "stop": [1], "client": ["a"], "departure": ["8:30"]})
    assert pair().plan_from(table).routes[0].departure == 510.0
    assert pair().plan_from(table.assign(departure="510")).routes[0].departure == 510.0
    with pytest.raises(
        ProblemError, match="plan: departure 'noon' is no clock time; write a number in 'min' or"
    ):
        pair().plan_from(table.assign(departure="noon"))
