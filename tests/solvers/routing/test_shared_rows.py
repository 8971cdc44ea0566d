import numpy as np
import pytest

from kanopt.problems.routing import Client, Depot, RoutingProblem, VehicleType
from kanopt.solvers.routing.integers import RoutingIntegers, lower
from kanopt.solvers.routing.shared_rows import SharedRows


def _problem(rates: tuple[float, float], clients: int = 12) -> RoutingProblem:
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 30, (clients + 1, 2))
    minutes = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    people = [Client(f"c{k}", x=float(x), y=float(y), demand=1.0) for k, (x, y) in enumerate(places[1:])]
    fleet = [VehicleType(f"v{k}", 3, 5.0, unit_distance_cost=rate) for k, rate in enumerate(rates)]
    return RoutingProblem(
        [Depot("depot", x=float(places[0, 0]), y=float(places[0, 1]))], people, fleet, {}, minutes
    )


def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a problem of a dozen clients be handled as one of ten thousand."""
    monkeypatch.setattr("kanopt.problems.routing.data.MOST_KEPT", 0)
    monkeypatch.setattr("kanopt.arc_blocks._AT_ONCE", 40)


def test_rows_are_told_apart_as_soon_as_one_differs() -> None:
    rows = SharedRows(2, 3, 9)
    rows.put(0, np.array([[[0, 1, 2]]]))
    rows.put(1, np.array([[[3, 0, 4]], [[3, 0, 5]]]))
    rows.put(2, np.array([[[6, 7, 0]]]))
    assert rows.all_types.tolist() == [[[0, 1, 2], [3, 0, 4], [6, 7, 0]], [[0, 1, 2], [3, 0, 5], [6, 7, 0]]]


@pytest.mark.parametrize("rates", [(2.0, 2.0), (2.0, 3.0)])
def test_arcs_worked_out_in_blocks_are_the_same(
    monkeypatch: pytest.MonkeyPatch, rates: tuple[float, float]
) -> None:
    whole = _problem(rates)
    kept = lower(whole)
    _small_blocks(monkeypatch)
    problem = _problem(rates)
    blocks = lower(problem)
    assert np.array_equal(blocks.transit, kept.transit)
    assert blocks.cost.dtype == np.int32
    step = blocks.money.bound + kept.money.bound
    assert np.allclose(_money(blocks), _money(kept), rtol=0.0, atol=step)
    plan = problem.plan_from([["c0", "c3", "c1"], ["c5"], [], ["c2", "c4"]])
    again = whole.plan_from([["c0", "c3", "c1"], ["c5"], [], ["c2", "c4"]])
    assert problem.price(plan).objective == whole.price(again).objective
    assert problem.price(plan, frozen=True).objective == whole.price(again, frozen=True).objective
    assert problem.data_remarks() == whole.data_remarks()


def _money(integers: RoutingIntegers) -> np.ndarray:
    return integers.cost / integers.money.factor
