from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Route, RoutingProblem, VehicleType
from kanopt.refs import arc, clock, state
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


def test_waiting_loads_and_the_latest_free_departure():
    problem = on_a_line(10 * LINE)
    driven = problem.drive(problem.plan_from([["a", "b", "c"]]).routes)
    # from 08:00 the van would wait for a until 09:00 and for b until 10:00; it may leave 50 + 20 minutes later
    # without coming to a after 09:20
    assert driven.departure.tolist() == [550.0]
    assert driven.begin.tolist() == [560.0, 600.0, 615.0, 645.0]
    assert driven.arrive.tolist() == [560.0, 575.0, 615.0, 645.0]
    assert driven.load.tolist() == pytest.approx([1.0, 0.5, 0.2, 0.0])
    assert problem.price(problem.plan_from([["a", "b", "c"]])).objective == 95.0


def test_a_stated_departure_is_kept():
    problem = on_a_line(10 * LINE)
    driven = problem.drive([Route("van", 1, "depot", ("a", "b"), 490.0)])
    assert driven.departure.tolist() == [490.0]
    assert driven.begin.tolist() == [540.0, 600.0, 625.0]


def test_a_client_that_is_late_anyway_is_not_made_later():
    problem = on_a_line(100 * LINE)
    driven = problem.drive(problem.plan_from([["a", "b"]]).routes)
    assert driven.departure.tolist() == [480.0]
    assert driven.begin[0] == 580.0


RUSH = parse_formula("10 * km * (1 + exp(-(hour - 9)**2))", [KM, HOUR], Variable("min", "min"))


def test_the_clock_moves_along_the_route():
    problem = on_a_line(RUSH.bind(km=arc.distance, hour=clock.hour))
    route = Route("van", 1, "depot", ("a", "b", "c"), 500.0)
    driven = problem.drive([route])

    def minutes(a: int, b: int, time: float) -> float:
        return 10 * LINE[a, b] * (1 + np.exp(-((time / 60 - 9) ** 2)))

    begins, finish = by_hand(problem, route, 500.0, minutes)
    assert driven.begin.tolist() == pytest.approx(begins)
    assert driven.finish[0] == pytest.approx(finish)
    frozen = problem.drive([route], frozen=True)
    assert frozen.duration.tolist() == pytest.approx(
        [20.0, 20.0, 20.0, 60.0]
    )  # planned at nine, the slowest hour


def test_a_load_law_sees_the_load_of_each_leg():
    law = parse_formula("10 * km * (1 + load)", [KM, Variable("load", "t")], Variable("min", "min"))
    problem = on_a_line(law.bind(km=arc.distance, load=state.load))
    driven = problem.drive([Route("van", 1, "depot", ("c", "b"), 480.0)])
    assert driven.duration.tolist() == pytest.approx([30 * 1.5, 10 * 1.3, 20.0])
