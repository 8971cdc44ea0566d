"""The growing relaxation and the search on it, beside enumeration: whatever part of a model HiGHS sees."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.engines.base import Termination
from kanopt.engines.highs import (
    HighsOptions,
    MixedIntegerModel,
    highs_options,
    run_highs,
)
from kanopt.supply.search import growing_child
from kanopt.supply.search.growing_child import GrowingLp, GrowingSearch
from kanopt.supply.search.model import GrowingModel, RowPool, SupplyProgram, run_growing
from tests.cases.supply import best_of_all, random_problem

OPTIONS = highs_options(HighsOptions()) | {"output_flag": False}


class Channel:
    """A channel that keeps what it is told."""

    def __init__(self):
        self.told = []

    def send(self, content):
        self.told.append(content)


def search_of(model, *, start=None, hint=None, seconds=600.0):
    growing = model.growing
    order = {
        "model": growing.linear.to_arrays(),
        "pool": vars(growing.pool),
        "start": growing.start if start is None else start,
        "options": OPTIONS,
        "hint": hint,
        "tries": [],
        "rounds": True,
        "time_limit": seconds,
    }
    return GrowingSearch(order, Channel())


def part_of(model, each):
    """Return all columns but flows, and some of these."""
    flows = model.flow.columns
    return np.concatenate([flows[::each], np.arange(model.flow.stop, model.order.stop)])


@pytest.fixture
def parts(monkeypatch):
    """Let even the smallest models be taken in parts."""
    monkeypatch.setattr(growing_child, "_WHOLE", 0)
    monkeypatch.setattr(growing_child, "_CANDIDATES", 1)
    monkeypatch.setattr(growing_child, "_MOST", 5)


@pytest.mark.parametrize("seed", range(8))
def test_a_model_taken_in_parts_has_the_optimum_of_enumeration(seed, parts):
    problem = random_problem(seed)
    model = SupplyProgram(problem)
    search = search_of(model, start=part_of(model, 5))
    assert search.run() == "kOptimal"
    truth = best_of_all(problem)
    assert search.price == pytest.approx(truth, rel=2e-6)
    assert search.bound <= truth + 1e-6
    assert search.closed
    bounds = [told["bound"] for told in search.channel.told if told["bound"] is not None]
    assert bounds == sorted(bounds)
    assert max(bounds) <= truth + 1e-6


def cycle_cover(sites, *, cost=2.0):
    """Return the model of the fewest sites that touch every edge of a cycle."""
    edges = np.arange(sites)
    one = np.ones(sites)
    linear = MixedIntegerModel(
        cost=cost * one,
        lower=0 * one,
        upper=one,
        integer=one > 0,
        rows=np.concatenate([edges, edges]),
        columns=np.concatenate([edges, (edges + 1) % sites]),
        values=np.concatenate([one, one]),
        row_lower=one,
        row_upper=np.full(sites, np.inf),
    )
    none = np.zeros(0, dtype=np.intp)
    return SimpleNamespace(
        growing=GrowingModel(linear, RowPool.of_gates(none, none, none, np.zeros(0)), edges)
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 200), each=st.integers(1, 9), noise=st.integers(0, 2**31), size=st.floats(0.0, 20.0)
)
def test_any_multipliers_give_a_bound(seed, each, noise, size):
    model = SupplyProgram(random_problem(seed % 23))
    growing = model.growing
    arrays = growing.linear.to_arrays()
    lp = GrowingLp(arrays, vars(growing.pool), part_of(model, each), OPTIONS)
    r = np.random.default_rng(noise)
    duals = size * r.standard_normal(len(arrays["row_lower"]))
    duals[np.isinf(arrays["row_lower"])] = -np.abs(duals[np.isinf(arrays["row_lower"])])
    duals[np.isinf(arrays["row_upper"])] = np.abs(duals[np.isinf(arrays["row_upper"])])
    pool_duals = -size * r.random(len(growing.pool.gates))
    bound, _ = lp.bound(duals, lp.reduced_costs(duals, pool_duals))
    assert bound <= optimum(seed % 23) + 1e-6


@cache
def optimum(seed):
    """Return the least cost in whole numbers of a random problem."""
    linear = SupplyProgram(random_problem(seed)).growing.linear
    return linear.effective_cost @ run_highs(linear, HighsOptions()).values


def test_a_point_in_hand_does_not_make_an_infeasible_model_optimal():
    # HiGHS does not take the point, and nothing was excluded for costing as much
    growing = cycle_cover(4).growing
    nothing = replace(growing.linear, upper=np.zeros(4))
    hint = np.array([1.0, 0.0, 1.0, 0.0])
    answer = run_growing(replace(growing, linear=nothing), HighsOptions(hint=hint))
    assert (answer.termination, answer.bound) == (Termination.INFEASIBLE, None)
