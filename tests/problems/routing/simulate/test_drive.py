from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import Variable
from kanopt.problems import Client, Depot, Route, RoutingProblem, VehicleType
from tests.cases.routing import random_problem, random_routes

KM, HOUR = Variable("km", "km"), Variable("hour", "h")
LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))


def on_a_line(duration: object, **changes: object) -> RoutingProblem:
    clients = [
        Client("a", demand=0.5, service_duration=5, earliest=540, latest=560),
        Client("b", demand=0.3, service_duration=5, earliest=600, latest=700),
        Client("c", demand=0.2),
    ]
    van = VehicleType("van", capacity=2.0, unit_duration_cost=1.0, shift_start=480, shift_end=960)
    return RoutingProblem([Depot("depot")], clients, [van], {}, duration, LINE, **changes)


def by_hand(
    problem: RoutingProblem, route: Route, departure: float, minutes: object
) -> tuple[list[float], float]:
    """Drive one route leg by leg; `minutes(a, b, clock)` is the law."""
    begins, time, here = [], departure, 0
    for name in (*route.clients, route.depot):
        node = problem.data.index[name]
        time += minutes(here, node, time)
        time = max(time, float(problem.data.earliest[node]))
        begins.append(time)
        time += float(problem.data.of_nodes("service_duration")[node])
        here = node
    return begins, time


def test_no_routes_and_repeated_clients_are_driven_too():
    problem = on_a_line(10 * LINE)
    assert problem.drive([]).finish.shape == (0,)
    twice = problem.drive([Route("van", 1, "depot", ("a", "a"))])
    assert np.isfinite(twice.finish).all()


@given(st.integers(0, 5_000))
def test_all_routes_driven_together_are_each_driven_as_alone(seed):
    problem = random_problem(seed)
    routes = random_routes(problem, seed)
    driven = problem.drive(routes)
    for place, route in enumerate(routes):
        begins, finish = by_hand(
            problem, route, driven.departure[place], lambda a, b, _: problem.duration[a, b]
        )
        assert driven.begin[driven.route == place].tolist() == pytest.approx(begins)
        assert driven.finish[place] == pytest.approx(finish)
