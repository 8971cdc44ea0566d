"""Arrival functions beside slow evaluations by hand, and routes driven on them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import ProblemError
from kanopt.routing import ArrivalFunctions
from kanopt.routing.arrival_functions import lower_envelope


def by_hand(leave: list[float], arrive: list[float], clock: float) -> float:
    """Evaluate one function piece by piece; at a jump the smaller value counts."""
    if clock <= leave[0]:
        return arrive[0] + clock - leave[0]
    for (x0, y0), (x1, y1) in pairwise(zip(leave, arrive, strict=True)):
        if x0 < clock <= x1:
            return y0 + (y1 - y0) * (clock - x0) / (x1 - x0)
    return arrive[-1] + clock - leave[-1]


@st.composite
def functions(draw, *, fifo: bool = True) -> tuple[list[float], list[float]]:
    """Draw points with some jumps; whole numbers, so that sums are exact."""
    steps = draw(st.lists(st.integers(0, 12), min_size=0, max_size=8))
    leave = np.cumsum([draw(st.integers(0, 5)), *steps]).astype(float)
    spent = np.array(
        draw(st.lists(st.integers(0, 15), min_size=len(leave), max_size=len(leave))), dtype=float
    )
    arrive = leave + spent
    if fifo:
        arrive = np.maximum.accumulate(arrive)
    return leave.tolist(), arrive.tolist()


CLOCKS = [*np.arange(-3.0, 120.0, 0.5).tolist()]


@given(st.lists(functions(), min_size=1, max_size=4))
def test_values_are_those_of_the_pieces(given):
    law = ArrivalFunctions.of(
        {(0, place): points for place, points in enumerate(given, start=1)}, len(given) + 1
    )
    assert law.fifo_repaired == 0
    for place, (leave, arrive) in enumerate(given, start=1):
        found = law.arrival(0, place, np.array(CLOCKS))
        assert found == pytest.approx([by_hand(leave, arrive, clock) for clock in CLOCKS], abs=1e-9)
        assert law.duration(0, place, np.array(CLOCKS)) == pytest.approx(found - CLOCKS)
    assert np.isinf(law.arrival(1, 0, 5.0))
    assert not law.roads[1, 0]


@given(functions(fifo=False))
def test_a_function_that_falls_becomes_the_earliest_arrival_of_leaving_later(points):
    leave, arrive = points
    x, y = lower_envelope(np.array(leave), np.array(arrive))
    assert (np.diff(x) >= 0).all()
    assert (np.diff(y) >= 0).all()
    clocks = np.unique([clock for clock in [*CLOCKS, *leave, *x] if clock >= leave[0]])
    raw = np.array([by_hand(leave, arrive, clock) for clock in clocks])
    least = np.minimum.accumulate(raw[::-1])[::-1]
    # where the function jumps down, what counts from there on is the value after the jump
    after = [
        min(arrive[leave.index(c) : len(leave) - leave[::-1].index(c)]) if c in leave else np.inf
        for c in clocks
    ]
    least = np.minimum.accumulate(np.minimum(least, after)[::-1])[::-1]
    found = [by_hand(x.tolist(), y.tolist(), clock) for clock in clocks]
    assert np.all(np.array(found) <= least + 1e-9)
    assert found == pytest.approx(least, abs=1e-9)


@given(functions(), st.lists(st.floats(-5, 150), min_size=1, max_size=5))
def test_the_latest_departure_is_in_time_and_any_later_one_is_not(points, arrivals):
    law = ArrivalFunctions.of({(0, 1): points}, 2)
    wanted = np.array(arrivals)
    latest = law.latest(0, 1, wanted)
    assert (law.arrival(0, 1, latest) <= wanted + 1e-9).all()
    assert (law.arrival(0, 1, latest + 1e-6) > wanted - 1e-9).all()


@given(functions(), st.integers(-3, 60), st.integers(0, 60))
def test_averages_are_those_of_all_departures(points, begin, width):
    law = ArrivalFunctions.of({(0, 1): points}, 2)
    end = begin + width
    edges = np.unique([begin, end, *[c for c in points[0] if begin < c < end]])
    spent, area = float(law.duration(0, 1, float(edges[0]))), 0.0
    for low, high in pairwise(edges):
        # just after the low end and up to the high one the travel time is linear
        area += (high - low) * float(law.duration(0, 1, (low + high) / 2))
    wanted = area / width if width else spent
    assert law.average(begin, end)[0, 1] == pytest.approx(wanted, abs=1e-9)
    assert np.isinf(law.average(begin, end)[1, 0])


def test_the_noise_of_sums_does_not_pass_a_jump():
    law = ArrivalFunctions.of({(0, 1): ([0, 720, 720, 1440], [10, 730, 800, 1520])}, 2)
    assert law.duration(0, 1, 720 + 2e-13) == pytest.approx(10)
    assert law.duration(0, 1, 720 + 1e-6) == pytest.approx(80)


@pytest.mark.parametrize(
    ("arc", "points", "told"),
    [
        ((0, 2), ([0], [1]), "0 → 2: .*nodes 0 to 1"),
        ((1, 1), ([0], [1]), "1 → 1"),
        ((0, 1), ([], []), "0 times of leaving"),
        ((0, 1), ([0, 1], [1]), "2 times of leaving, 1 of arriving"),
        ((0, 1), ([0, np.nan], [1, 2]), "not a number"),
        ((0, 1), ([5, 1], [6, 7]), "leaving at 5 stands before 1"),
        ((0, 1), ([0, 5], [1, 4]), "leaving at 5 arrives before, at 4"),
        ((0, 1), (["x"], [1]), "two lists of numbers"),
    ],
)
def test_bad_points_are_refused_by_arc(arc, points, told):
    with pytest.raises(ProblemError, match=told):
        ArrivalFunctions.of({arc: points}, 2)
