from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.problems import ArrivalFunctions
from kanopt.solvers.routing.law_search.arrival_index import ArrivalIndex
from tests.cases.law_search import random_arrivals

INF = np.inf


@given(st.integers(0, 10_000))
def test_the_index_looks_up_what_the_functions_say(seed):
    rng = np.random.default_rng(seed)
    minutes = rng.uniform(5, 60, (4, 4)) * (rng.random((4, 4)) < 0.8)
    np.fill_diagonal(minutes, 0.0)
    law = random_arrivals(minutes, rng)
    index = ArrivalIndex(law)
    tail, head = rng.integers(0, 4, 300), rng.integers(0, 4, 300)
    # at points, between them, at jumps a rounding error late, and beyond both ends
    clock = np.concatenate(
        [rng.choice(law.leave, 100), rng.uniform(200, 1200, 100), rng.choice(law.leave, 100) + 1e-13]
    )
    arcs = index.arcs(tail, head)
    moved = tail != head
    assert index.arrival(arcs, clock)[moved] == pytest.approx(
        law.arrival(tail, head, clock)[moved], rel=1e-12
    )
    assert (index.arrival(arcs, clock)[~moved] == clock[~moved]).all()
    for a, b, by, found in zip(tail, head, clock, index.latest(arcs, clock), strict=True):
        wanted = by if a == b else law.latest(a, b, np.array([by]))[0] if law.roads[a, b] else -INF
        assert found == pytest.approx(wanted, rel=1e-12)


def test_bounds_hold_at_every_clock_time():
    rng = np.random.default_rng(4)
    law = random_arrivals(rng.uniform(5, 60, (3, 3)) * (1 - np.eye(3)), rng)
    least, most = ArrivalIndex(law).bounds()
    tail, head = np.nonzero(law.roads)
    spent = law.duration(tail[:, None], head[:, None], np.linspace(0, 1440, 3_000))
    assert (spent >= least[tail, head][:, None] - 1e-9).all()
    assert (spent <= most[tail, head][:, None] + 1e-9).all()


def test_an_arc_without_a_road_and_a_clock_at_infinity_never_arrive():
    law = ArrivalFunctions.of({(0, 1): ([0, 60], [10, 90])}, 2)
    index = ArrivalIndex(law)
    arcs = index.arcs(np.array([1, 0]), np.array([0, 1]))
    assert index.arrival(arcs, np.array([5.0, INF])).tolist() == [INF, INF]
    assert index.latest(arcs, np.array([50.0, 5.0])).tolist() == [-INF, -5.0]


def test_functions_of_one_point_and_no_functions_at_all():
    one = ArrivalIndex(ArrivalFunctions.of({(0, 1): ([0], [20])}, 2))
    arcs = one.arcs(np.array([0, 0]), np.array([1, 1]))
    assert one.arrival(arcs, np.array([-7.0, 300.0])).tolist() == [13.0, 320.0]
    none = ArrivalIndex(ArrivalFunctions.of({}, 2))
    assert none.arrival(none.arcs(np.array([0]), np.array([1])), np.array([1.0])).tolist() == [INF]
    assert none.bounds()[0].tolist() == [[INF, INF], [INF, INF]]
