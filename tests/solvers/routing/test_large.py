"""What becomes of problems that do not fit in memory, and how those of thousands of places do."""

import numpy as np
import pytest

import kanopt as ko
from kanopt import refs, routing
from kanopt.errors import SolverError
from kanopt.solvers.routing.integers import RoutingIntegers

KM, LOAD = ko.Variable("km", "km"), ko.Variable("load", "t")


def _problem(*, loaded: bool = False) -> ko.RoutingProblem:
    places = np.random.default_rng(3).uniform(0, 20, (31, 2)).tolist()
    people = [routing.Client(f"c{k}", x=x, y=y, demand=1.0) for k, (x, y) in enumerate(places[1:])]
    minutes = ko.parse_formula("2 * km", [KM], ko.Variable("minutes", "min")).bind(km=refs.arc.distance)
    fuel = ko.parse_formula("km * (1 + load / 10)", [KM, LOAD], ko.Variable("fuel", "EUR"))
    cost = {"fuel": fuel.bind(km=refs.arc.distance, load=refs.state.load)} if loaded else {}
    van = routing.VehicleType("van", 6, 6.0, unit_distance_cost=1.0)
    return ko.RoutingProblem([routing.Depot("d", x=5.0, y=5.0)], people, [van], cost, minutes)


def test_what_does_not_fit_is_refused_with_how_much_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kanopt.solvers.routing.integers.available_bytes", lambda: 5000.0)
    with pytest.raises(
        SolverError, match=r"between 31 places: travel times and prices .* GB are free; plan parts"
    ):
        RoutingIntegers(_problem())


def test_a_search_that_does_not_fit_is_refused_with_how_much_it_needs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("kanopt.solvers.routing.solver.available_bytes", lambda: 1000.0)
    with pytest.raises(SolverError, match=r"it needs .* GB, and .* GB are free"):
        ko.solve(_problem(loaded=True), time_limit=1.0)
    # part after part fits
    monkeypatch.setattr("kanopt.solvers.routing.solver.LARGE", 10)
    assert ko.solve(_problem(loaded=True), time_limit=1.0).check.ok
