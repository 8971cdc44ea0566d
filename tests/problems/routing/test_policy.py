"""What a policy may hold, and corners of the rules that came to light by trying to break them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import ArrivalFunctions, Client, Depot, Route, RoutingProblem, RoutingUnits, VehicleType
from kanopt.problems.routing import RoutingPolicy
from kanopt.problems.routing.windows import parse_breaks, parse_windows
from kanopt.refs import arc, client, state
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.search import RacerSearch, drive_routes

KM = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]])
LINE = parse_formula(
    "km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("c", "EUR")
).bind(km=arc.distance, load=state.load)


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


def test_what_an_open_route_picks_up_last_must_fit_too() -> None:
    van = VehicleType("van", capacity=2.0, returns=False)
    problem = pair(Client("a", demand=1.0), Client("b", pickup=3.0), van=van)
    (violation,) = problem.check(problem.plan_from({"van 1": ["a", "b"]})).violations
    assert (violation.constraint, violation.amount) == ("capacity", 1.0)
    assert drive_routes(PlanData(problem), [(0, [1, 2])], [0.0])[0].broken == {"capacity"}


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


def test_pickups_count_in_what_is_planned_for() -> None:
    people = Client("a", pickup=400.0), Client("b", pickup=500.0)
    problem = pair(*people, cost=LINE, van=VehicleType("van", capacity=1000.0), units=RoutingUnits(load="t"))
    (frozen,) = problem.frozen_inputs()
    assert frozen.value == "450 t"


def test_a_vehicle_that_carries_nothing_is_priced_all_the_same() -> None:
    problem = pair(cost=LINE, van=VehicleType("bike", capacity=0.0))
    assert np.isfinite(problem.planning_values.linear_load_costs[1]).all()


def test_a_route_that_may_not_last_long_leaves_late_enough_where_time_costs_nothing() -> None:
    times = [0.0, 600.0, 2000.0], [60.0, 660.0, 2010.0]
    slow = ArrivalFunctions.of({(a, b): times for a in range(2) for b in range(2) if a != b}, 2)
    problem = RoutingProblem(
        [Depot("depot")],
        [Client("a", earliest=600.0, latest=1900.0)],
        [VehicleType("van", shift_start=0.0, shift_end=3000.0, max_duration=130.0)],
        {},
        slow,
        np.array([[0.0, 1.0], [1.0, 0.0]]),
    )
    plan = problem.plan_from({"van 1": ["a"]})
    assert problem.check(plan).ok
    assert not RacerSearch(PlanData(problem)).depart(0, [1]).broken
    paid = replace(problem, vehicles=[replace(problem.vehicles[0], unit_duration_cost=1.0)])
    assert paid.check(plan).ok


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


def test_the_table_of_a_plan_has_the_times_of_its_stops() -> None:
    people = (
        Client("a", demand=1.0, service_duration=5.0),
        Client("b", demand=2.0, earliest=60.0),
        Client("c", prize=1.0),
    )
    km = np.array([[0, 10, 20, 30], [10, 0, 25, 35], [20, 25, 0, 40], [30, 35, 40, 0]], dtype=float)
    vans = [VehicleType("van", 2), VehicleType("truck", returns=False)]
    problem = RoutingProblem([Depot("depot")], people, vans, {}, km, km)
    given = problem.plan_from([Route("truck", 1, "depot", ("a",)), Route("van", 1, "depot", ("a", "a", "b"))])
    table = problem.table(given)
    assert table["client"].tolist() == ["a", "a", "a", "b", "c"]
    assert table["begin"].tolist()[:4] == [10.0, *problem.timetable(given)["begin"].iloc[[1, 1, 2]]]
    assert table[["arrive", "begin", "end", "late"]].iloc[4].isna().all()
    assert problem.plan_from(table) == given
    empty = problem.table(problem.plan_from([]))
    assert empty["client"].tolist() == ["a", "b", "c"]
    assert empty["begin"].isna().all()


def test_departures_in_a_table_may_be_written_as_clock_times() -> None:
    table = pd.DataFrame({"vehicle": ["van 1"], "stop": [1], "client": ["a"], "departure": ["8:30"]})
    assert pair().plan_from(table).routes[0].departure == 510.0
    assert pair().plan_from(table.assign(departure="510")).routes[0].departure == 510.0
    with pytest.raises(
        ProblemError, match="plan: departure 'noon' is no clock time; write a number in 'min' or"
    ):
        pair().plan_from(table.assign(departure="noon"))


def test_a_cost_may_be_called_service_where_there_is_no_law_of_service() -> None:
    assert "service" in pair(cost={"service": LINE}).laws()
    law = parse_formula("5 + demand", [Variable("demand", "t")], Variable("stop", "min"))
    policy = RoutingPolicy(service=law.bind(demand=client.demand))
    with pytest.raises(ProblemError, match="the name 'service' is taken"):
        pair(cost={"service": LINE}, policy=policy)
