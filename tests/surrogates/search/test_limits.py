"""Limits of a target: found where they are, in noise and without, and nowhere else."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.surrogates.ladder.rungs import OPERATOR
from kanopt.surrogates.monitor import FitMonitor, FitProgress, SearchStopped
from kanopt.surrogates.search import Found, Rules, Task, search
from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.evaluation import value
from kanopt.surrogates.search.extremes import limits


def drawn(rows: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    return rng.uniform(20.0, 900.0, rows), rng.uniform(15.0, 400.0, rows)


@settings(max_examples=200)
@given(
    share=st.floats(0.15, 0.7),
    noise=st.sampled_from([0.0, 0.002, 0.01]),
    seed=st.integers(0, 100),
    upper=st.booleans(),
)
def test_a_limit_is_where_it_is_whatever_its_share(
    share: float, noise: float, seed: int, upper: bool
) -> None:
    rng = np.random.default_rng(seed)
    free = 20.0 + 0.3 * rng.uniform(0.0, 400.0, 1000)
    at = float(np.quantile(free, 1.0 - share if upper else share))
    clipped = np.minimum(free, at) if upper else np.maximum(free, at)
    found = limits(clipped + noise * free.std() * rng.standard_normal(1000))
    assert found is not None
    limit, other = (found.high, found.low) if upper else (found.low, found.high)
    assert other is None
    assert limit == pytest.approx(at, abs=max(noise, 0.002) * free.std())
    beyond = free[found.between] < at if upper else free[found.between] > at
    assert beyond.mean() > 0.995


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: rng.uniform(1.0, 9.0, 2000),
        lambda rng: rng.standard_normal(2000),
        lambda rng: np.exp(2.0 * rng.standard_normal(2000)),
        lambda rng: rng.exponential(3.0, 2000),
        lambda rng: rng.uniform(1.0, 9.0, 2000) * rng.uniform(1.0, 40.0, 2000),
        lambda rng: np.round(rng.uniform(1.0, 60.0, 2000)),
    ],
)
def test_what_only_begins_somewhere_has_no_limit(draw: Callable[[np.random.Generator], np.ndarray]) -> None:
    for seed in range(5):
        assert limits(draw(np.random.default_rng(seed))) is None


def test_no_limit_is_found_where_hardly_any_rows_are_beyond() -> None:
    assert limits(np.r_[np.full(950, 3.0), np.linspace(4.0, 9.0, 50)]) is None
    assert limits(np.full(500, 3.0)) is None


@pytest.mark.parametrize("log", [False, True])
def test_the_law_between_its_limits_is_found_with_them_around_it(log: bool) -> None:
    kg, km = drawn()
    truth = np.minimum(300.0, np.maximum(45.0, 8.0 + 0.0011 * kg * km))
    noisy = truth * (1.0 + 0.003 * np.random.default_rng(5).standard_normal(len(truth)))
    shown = np.log(noisy) if log else noisy
    inputs = np.column_stack([kg, km])
    task = Task(inputs, shown, np.ones(len(truth)), Rules(OPERATOR), log)
    found = search(task, refits=120.0)
    columns = Columns(inputs / found.scales, found.scales, {})
    np.testing.assert_allclose(value(found.best.law, columns), truth, rtol=0.002)


@pytest.mark.slow
def test_who_stops_the_search_gets_the_law_with_its_limits_if_there_is_one() -> None:
    kg, km = drawn()
    truth = np.maximum(45.0, 8.0 + 0.0011 * kg * km)
    noisy = truth + 0.1 * np.random.default_rng(5).standard_normal(len(truth))
    task = Task(np.column_stack([kg, km]), noisy, np.ones(len(truth)), Rules(OPERATOR))
    found: dict[int, Found | None] = {}
    for most in (1, 20, 40, 80, 120, 160, 200, 240, 280):
        watch = FitMonitor(on_progress=stopping_after(most))
        try:
            found[most] = search(task, refits=300.0, watch=watch)
        except SearchStopped:
            found[most] = None
    assert found[1] is None
    early = found[40]  # while it looks among the rows between the limits
    assert early is not None
    columns = Columns(task.inputs / early.scales, early.scales, {})
    np.testing.assert_allclose(value(early.best.law, columns), truth, rtol=0.01)
    counts = [most for most, each in found.items() if each is not None]
    assert counts == [most for most in found if most >= counts[0]]
    whole = search(task, refits=300.0)
    assert any(each is not None and each.best.law == whole.best.law for each in found.values())


def stopping_after(most: int) -> Callable[[FitProgress], None]:
    """Return a function that presses Ctrl-C after so many reports."""
    seen = 0

    def heard(_: FitProgress) -> None:
        nonlocal seen
        seen += 1
        if seen >= most:
            raise KeyboardInterrupt

    return heard
