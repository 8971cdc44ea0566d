"""What is told of data before anything is solved."""

import re
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.problems import Client, Depot, RoutingProblem, RoutingUnits, VehicleType
from kanopt.problems.routing.remarks import input_findings

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0)))
NAMES = ("yard", "a", "b", "c")


def problem(distance=LINE, duration=None, cost=None, van=None, demand=0.0, **changes) -> RoutingProblem:
    clients = [Client(name, demand=demand, earliest=60, latest=600) for name in NAMES[1:]]
    vehicle = van or VehicleType("van", shift_end=600)
    time = 2 * LINE if duration is None else duration
    return RoutingProblem([Depot("yard")], clients, [vehicle], cost or {}, time, distance, **changes)


def with_entry(matrix, tail, head, value):
    changed = matrix.copy()
    changed[tail, head] = value
    return changed


def test_nothing_is_told_of_good_data():
    assert input_findings(problem()) == ()
    assert problem().remarks() == ()


@pytest.mark.parametrize(
    ("changes", "kind", "where", "told"),
    [
        (
            {"distance": with_entry(LINE, 1, 2, 1.2)},
            "asymmetric",
            "distance",
            "1 of 6 .* a → b: 1.2 against 1",
        ),
        ({"distance": with_entry(LINE, 3, 0, np.inf)}, "asymmetric", "distance", "in one direction only"),
        ({"distance": 1000.0 * LINE, "van": VehicleType("van")}, "units", "van", "in km and times in min"),
        ({"distance": 1e-4 * LINE, "van": VehicleType("van")}, "units", "van", "in km and times in min"),
        ({"demand": 500.0, "van": VehicleType("van", capacity=3.5)}, "units", "demand", "500 t .* 3.5 t"),
        (
            {"van": VehicleType("van", shift_start=10, shift_end=61)},
            "depot closed",
            "van",
            "would be at 01:02",
        ),
    ],
)
def test_what_looks_wrong_is_told(changes, kind, where, told):
    given = problem(**changes)
    (finding,) = input_findings(given)
    assert (finding.kind, finding.where) == (kind, where)
    assert re.search(told, finding.message + given.remarks()[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"distance": 1000.0 * LINE, "units": RoutingUnits(distance="unit")},
        {"van": VehicleType("van", shift_start=10, shift_end=62)},
        {"van": VehicleType("van", num_available=0, shift_end=1)},
    ],
)
def test_what_is_right_is_not(changes):
    assert input_findings(problem(**changes)) == ()


@given(st.lists(st.integers(1, 20), min_size=6, max_size=6))
def test_triangles_are_those_of_trying_all(lengths):
    matrix = np.zeros((4, 4))
    matrix[np.triu_indices(4, 1)] = lengths
    matrix += matrix.T
    detours = [(a, b) for a, b, c in permutations(range(4), 3) if matrix[a, b] > matrix[a, c] + matrix[c, b]]
    told = [f.message for f in input_findings(problem(distance=matrix)) if f.kind == "triangle"]
    assert bool(told) == bool(detours)
    assert not told or told[0].startswith(f"distance: {len(set(detours))} of 12 arcs")
    # a way over a third place that is shorter by what rounding makes is none
    rounded = input_findings(problem(distance=matrix), rounded=60.0)
    assert not [each for each in rounded if each.kind == "triangle"]
