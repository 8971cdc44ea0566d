"""What is told of data before anything is solved."""

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


def kinds(of: RoutingProblem, **options) -> list[tuple[str, str]]:
    return [(finding.kind, finding.where) for finding in input_findings(of, **options)]


def with_entry(matrix, tail, head, value):
    changed = matrix.copy()
    changed[tail, head] = value
    return changed


def test_nothing_is_told_of_good_data():
    assert input_findings(problem()) == ()
    assert problem().remarks() == ()


def test_a_matrix_that_differs_by_direction():
    (finding,) = input_findings(problem(distance=with_entry(LINE, 1, 2, 1.2)))
    assert (finding.kind, finding.where) == ("asymmetric", "distance")
    assert (
        finding.message
        == "distance: 1 of 6 pairs of places differ by direction, most a → b: 1.2 against 1 back"
    )
    told = problem(distance=with_entry(LINE, 3, 0, np.inf)).remarks()
    assert told == (
        "distance: 1 of 6 pairs of places differ by direction; 1 can be driven in one direction only",
    )


def test_arcs_longer_than_a_way_over_a_third_place():
    (finding,) = input_findings(problem(distance=with_entry(with_entry(LINE, 0, 3, 4.5), 3, 0, 4.5)))
    assert finding.kind == "triangle"
    assert finding.message.startswith(
        "distance: 2 of 12 arcs are longer than the way over a third place, most yard → c"
    )
    assert "4.5 against 3 over" in finding.message
    assert kinds(problem(distance=with_entry(with_entry(LINE, 0, 3, 4.5), 3, 0, 4.5)), rounded=1.5) == []


@given(st.lists(st.integers(1, 20), min_size=6, max_size=6))
def test_triangles_are_those_of_trying_all(lengths):
    matrix = np.zeros((4, 4))
    matrix[np.triu_indices(4, 1)] = lengths
    matrix += matrix.T
    broken = {(a, b) for a, b, c in permutations(range(4), 3) if matrix[a, b] > matrix[a, c] + matrix[c, b]}
    told = [f.message for f in input_findings(problem(distance=matrix)) if f.kind == "triangle"]
    assert bool(told) == bool(broken)
    if broken:
        assert told[0].startswith(f"distance: {len(broken)} of 12 arcs")


@pytest.mark.parametrize(("scale", "told"), [(1000.0, "1.2e+06|30,000"), (1e-4, "0.003")])
def test_distances_in_another_unit_than_declared(scale, told):
    found = input_findings(problem(distance=scale * LINE, van=VehicleType("van")))
    assert [(finding.kind, finding.where) for finding in found] == [("units", "van")]
    assert "are distances in km and times in min?" in found[0].message
    assert any(part in found[0].message for part in told.split("|"))
    assert kinds(problem(distance=scale * LINE, units=RoutingUnits(distance="unit"))) == []


def test_demands_in_another_unit_than_capacities():
    found = input_findings(problem(demand=500.0, van=VehicleType("van", capacity=3.5)))
    assert [(finding.kind, finding.where) for finding in found] == [("units", "demand")]
    assert "half of all demands are 500 t or more, and no vehicle carries more than 3.5 t" in found[0].message


def test_a_shift_too_short_for_any_client():
    found = input_findings(problem(van=VehicleType("van", shift_start=10, shift_end=61)))
    assert [(finding.kind, finding.where) for finding in found] == [("depot closed", "van")]
    assert (
        "from 00:10 to 01:01 is too short for any client; the first return to yard would be at 01:02"
        in found[0].message
    )
    assert kinds(problem(van=VehicleType("van", shift_start=10, shift_end=62))) == []
    assert kinds(problem(van=VehicleType("van", num_available=0, shift_end=1))) == []
