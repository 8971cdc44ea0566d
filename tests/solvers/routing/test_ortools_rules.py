from __future__ import annotations

import numpy as np
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.problems.routing import RoutingPolicy
from kanopt.refs import client, vehicle
from kanopt.solvers.base import Outcome, SolveOptions
from kanopt.solvers.routing.ortools import OrToolsRouting


def line(
    clients: dict[Client, float], vehicles: list[VehicleType], cost: object = None, **policy: object
) -> RoutingProblem:
    """Return a problem on a line, the depot at 0: a kilometre is a minute and costs 1."""
    where = np.array([0.0, *clients.values()])
    distance = np.abs(np.subtract.outer(where, where))
    return RoutingProblem(
        [Depot("depot", attributes={"work": 0.0})],
        list(clients),
        vehicles,
        distance if cost is None else cost,
        distance,
        distance,
        policy=RoutingPolicy(**policy),
    )


def solved(problem: RoutingProblem, **options: object) -> Outcome:
    outcome = OrToolsRouting().solve(problem, SolveOptions(**{"time_limit": 1.0, **options}))
    check = problem.check(outcome.plan)
    assert check.ok or check.only_unserved, check
    price = problem.price(outcome.plan, frozen=True).objective
    assert abs(outcome.objective - price) <= outcome.rounding_bound
    assert outcome.rounding_bound < 0.1
    return outcome


def routes(outcome: Outcome) -> dict[str, tuple[str, ...]]:
    return {route.label: route.clients for route in outcome.plan.routes}


def test_every_capacity_counts():
    clients = {Client(name, demand=1.0, attributes={"pallets": 2}): 10.0 for name in "ab"}
    for pallets, price in ((4, 20.0), (3, 40.0)):
        van = VehicleType("van", 2, capacity=5.0, attributes={"pallets": pallets})
        assert solved(line(clients, [van], capacities=("pallets",))).objective == pytest.approx(price)


def test_one_of_several_windows_is_met():
    clients = {
        Client("morning", windows="10-12, 90-95"): 10.0,
        Client("noon", earliest=30, latest=30): 11.0,
        Client("late", windows="0-5, 60-61, 70-80"): 12.0,
    }
    outcome = solved(line(clients, [VehicleType("van", unit_duration_cost=1.0)]))
    assert routes(outcome) == {"van 1": ("morning", "noon", "late")}
    # 24 km, and from 2 (arriving at 12, the first close) to the last at 60
    assert outcome.plan.routes[0].departure == pytest.approx(2.0)
    assert outcome.objective == pytest.approx(24.0 + 72.0 - 2.0)


def test_between_two_windows_nobody_is_served():
    van = VehicleType("van", shift_start=20)
    outcome = solved(line({Client("a", windows="0-10, 100-110", prize=99.0): 10.0}, [van]))
    assert outcome.plan.routes[0].departure == pytest.approx(90.0)
    early = VehicleType("van", shift_end=100)
    left = solved(line({Client("a", windows="0-5, 100-110", prize=99.0): 10.0}, [early]))
    assert left.plan.unserved == ("a",)


def test_lateness_costs_or_forbids():
    def problem(rate: float | None) -> RoutingProblem:
        clients = {
            Client("a", service_duration=30.0, latest=10): 10.0,
            Client("b", latest=20, unit_lateness_cost=rate): 11.0,
        }
        return line(clients, [VehicleType("van", 2, fixed_cost=50.0)])

    assert solved(problem(None)).objective == pytest.approx(142.0)
    assert solved(problem(2.0)).objective == pytest.approx(50 + 22 + 2.0 * 21.0)
    assert solved(problem(9.0)).objective == pytest.approx(142.0)


def test_lateness_is_weighed_against_time():
    # leaving earlier costs a minute of waiting at b for each minute that a is not late
    clients = {Client("a", latest=10, unit_lateness_cost=0.5): 10.0, Client("b", earliest=40): 20.0}
    for rate, departure in ((1.0, 20.0), (0.25, 0.0)):
        outcome = solved(line(clients, [VehicleType("van", unit_duration_cost=rate)]))
        assert outcome.plan.routes[0].departure == pytest.approx(departure)


def test_an_open_route_ends_at_its_last_client():
    clients = {Client("a", service_duration=5.0): 10.0, Client("b", service_duration=5.0): -3.0}
    there = VehicleType("van", returns=False, max_duration=26.0, unit_duration_cost=1.0)
    outcome = solved(line(clients, [there]))
    assert routes(outcome) == {"van 1": ("b", "a")}
    assert outcome.objective == pytest.approx(16.0 + 26.0)


def test_an_open_route_needs_no_road_back():
    minutes = np.array([[0.0, 5.0], [np.inf, 0.0]])
    van = VehicleType("van", returns=False)
    problem = RoutingProblem([Depot("depot")], [Client("a")], [van], minutes, minutes, minutes)
    assert solved(problem).objective == pytest.approx(5.0)


def test_no_route_leads_too_far():
    clients = {Client("a"): 10.0, Client("b"): -10.0}
    for limit, count in ((40.0, 1), (39.9, 2)):
        van = VehicleType("van", 2, max_distance=limit, fixed_cost=1.0)
        assert len(routes(solved(line(clients, [van])))) == count
    there = VehicleType("van", returns=False, max_distance=30.0)
    assert solved(line(clients, [there])).plan.unserved == ()


def test_no_route_takes_too_long():
    clients = {
        Client("a", service_duration=5.0): 10.0,
        Client("b", service_duration=5.0, earliest=100): -10.0,
    }
    for limit, count in ((50.0, 1), (49.9, 2)):
        van = VehicleType("van", 2, max_duration=limit, fixed_cost=1.0)
        assert len(routes(solved(line(clients, [van])))) == count


def test_overtime_costs():
    clients = {Client("a"): 10.0, Client("b"): -10.0}
    for price, expected in ((0.5, 40.0 + 10.0 + 7.5), (3.0, 40.0 + 20.0)):
        van = VehicleType("van", 2, fixed_cost=10.0, shift_duration=25.0, unit_overtime_cost=price)
        assert solved(line(clients, [van])).objective == pytest.approx(expected)


def test_service_takes_its_own_time_with_each_vehicle():
    law = parse_formula("work / speed", [Variable("work", "min"), Variable("speed")], Variable("stop", "min"))
    clients = {Client("a", attributes={"work": 30.0}): 10.0}
    fleet = [
        VehicleType("slow", unit_duration_cost=1.0, attributes={"speed": 1.0}),
        VehicleType("quick", unit_duration_cost=1.0, fixed_cost=5.0, attributes={"speed": 2.0}),
    ]
    problem = line(clients, fleet, service=law.bind(work=client.work, speed=vehicle.speed))
    outcome = solved(problem)
    assert routes(outcome) == {"quick 1": ("a",)}
    assert outcome.objective == pytest.approx(20.0 + 5.0 + 35.0)


def test_what_is_picked_up_needs_room():
    full = Client("full", demand=2.0)
    empty = Client("empty", pickup=2.0)
    outcome = solved(line({full: 20.0, empty: 10.0}, [VehicleType("van", capacity=2.0)]))
    # on the way out there is no room
    assert routes(outcome) == {"van 1": ("full", "empty")}
    both = {Client("a", demand=1.0, pickup=2.0): 10.0, Client("b", demand=1.0): 20.0}
    assert routes(solved(line(both, [VehicleType("van", capacity=2.0)]))) == {"van 1": ("b", "a")}
    wide = {Client("a", demand=1.0, pickup=2.0): 10.0, Client("b", demand=1.0, pickup=1.0): 20.0}
    assert solved(line(wide, [VehicleType("van", capacity=2.0)])).plan.unserved != ()


def test_a_source_comes_first():
    clients = {
        Client("shop", demand=2.0, source="store"): 10.0,
        Client("store", service_duration=1.0): 20.0,
        Client("other", demand=1.0): 15.0,
    }
    outcome = solved(line(clients, [VehicleType("van", 2, capacity=2.0, fixed_cost=1.0)]))
    (way,) = routes(outcome).values()
    assert way.index("store") < way.index("shop")
    assert outcome.objective == pytest.approx(41.0)
    # the other's load is in the way until it is delivered
    assert way.index("other") < way.index("store")


def test_a_source_and_its_clients_go_together_or_not_at_all():
    clients = {
        Client("store"): 10.0,
        Client("a", demand=1.0, source="store"): 12.0,
        Client("b", demand=1.0, source="store", prize=3.0): 14.0,
    }
    assert solved(line(clients, [VehicleType("van", capacity=2.0)])).objective == pytest.approx(28.0)
    small = solved(line(clients, [VehicleType("van", capacity=1.0)]))
    # both are loaded at once
    assert set(small.plan.unserved) == {"store", "a", "b"}
    cheap = {Client("store", prize=1.0): 10.0, Client("a", source="store", prize=2.0): 12.0}
    assert solved(line(cheap, [VehicleType("van")])).plan.unserved == ("store", "a")


def test_goods_are_kept_apart():
    clients = {
        Client("a", goods="food"): 10.0,
        Client("b", goods="paint, glass"): 10.0,
        Client("c", goods="glass, acid"): 10.0,
        Client("d"): 10.0,
    }
    van = VehicleType("van", 2, fixed_cost=1.0)
    outcome = solved(line(clients, [van], apart=(("food", "paint"),)))
    assert outcome.objective == pytest.approx(42.0)
    assert not any({"a", "b"} <= set(way) for way in routes(outcome).values())
    alone = solved(line(clients, [VehicleType("van", 3)], apart=(("food", "paint"), ("acid", "paint"))))
    assert alone.plan.unserved == ()
    assert not any({"b", "c"} <= set(way) for way in routes(alone).values())
    left = solved(line(clients, [VehicleType("van", 1)], apart=(("food", "paint"),)))
    assert len(left.plan.unserved) == 1


def test_clients_may_be_pinned_to_a_vehicle():
    clients = {Client(name, prize=50.0 if name == "c" else None): 10.0 for name in "abc"}
    van = VehicleType("van", 3, fixed_cost=1.0)
    outcome = solved(line(clients, [van], pinned={"van 2": ("a",), "van 3": ("c",)}))
    found = routes(outcome)
    assert "a" in found["van 2"]
    assert "c" in found["van 3"]
    assert outcome.objective == pytest.approx(42.0)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rest", "price"),
    [
        ("10 in 0-5", 0.0),  # before leaving
        ("10 in 115-200", 0.0),  # after returning
        ("10 in 50-60", 10.0),  # while driving
        ("10 in 90-95", 0.0),  # while waiting
        ("10 in 102-112", 10.0),  # not during service
    ],
)
def test_drivers_rest(rest, price):
    # leaves at 10, serves from 60 to 65, waits from 85 to 100, serves until 110, is back at 115
    clients = {
        Client("a", service_duration=5.0, earliest=60, latest=60): 50.0,
        Client("b", service_duration=10.0, earliest=100, latest=100): 30.0,
    }
    van = VehicleType("van", breaks=rest, unit_duration_cost=1.0)
    late = {
        Client("a", service_duration=5.0, earliest=60, latest=60): 50.0,
        Client("b", service_duration=10.0, earliest=100): 30.0,
    }
    plain = solved(line(late, [VehicleType("van", unit_duration_cost=1.0)])).objective
    assert solved(line(late, [van])).objective == pytest.approx(plain + price)
    assert solved(line(clients, [van])).plan is not None


def test_rests_keep_their_order():
    clients = {Client("a"): 100.0}
    van = VehicleType("van", breaks="20 in 10-30, 15 in 10-190", unit_duration_cost=1.0)
    outcome = solved(line(clients, [van]))
    # the first before leaving at 30, the second after the return would be too late: it is taken on the way
    assert outcome.objective == pytest.approx(200.0 + 200.0)


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        (line({Client("a"): 1.0}, [VehicleType("van", max_reloads=1)]), "reloads"),
        (line({Client("a", release_time=9.0): 1.0}, [VehicleType("van")]), "release times"),
        (line({Client("a"): 1.0}, [VehicleType("van")], backhaul=True), "deliveries before pickups"),
        (
            line({Client("a"): 1.0}, [VehicleType("van")], longest_route_cost=1.0),
            "a price of the longest route",
        ),
    ],
)
def test_a_rule_that_is_not_modelled_is_told_before_the_search(problem: RoutingProblem, told: str) -> None:
    assert OrToolsRouting().accepts(problem) == f"does not model {told}"
