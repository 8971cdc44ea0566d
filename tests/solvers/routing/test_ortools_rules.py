from __future__ import annotations

import numpy as np
import pytest

from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.problems.routing import RoutingPolicy
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


def test_an_open_route_needs_no_road_back():
    minutes = np.array([[0.0, 5.0], [np.inf, 0.0]])
    van = VehicleType("van", returns=False)
    problem = RoutingProblem([Depot("depot")], [Client("a")], [van], minutes, minutes, minutes)
    assert solved(problem).objective == pytest.approx(5.0)


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
