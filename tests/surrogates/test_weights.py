"""A row of weight k counts as k rows, and one wild row is no law."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt import KanoptWarning, KANRegressor


@pytest.fixture(scope="module")
def skewed():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"km": rng.lognormal(2.0, 1.0, 600), "load_t": rng.uniform(0, 10, 600)})
    cost = 2.0 * frame["km"] ** 0.8 + 0.3 * frame["load_t"] + rng.normal(0, 1.0, 600)
    return frame, cost, rng.integers(1, 4, 600)


@pytest.mark.parametrize("loss", ["squared", "huber", "tukey"])
def test_a_weight_counts_as_so_many_rows_in_additive_laws(skewed, loss):
    frame, cost, weights = skewed
    options = {"log_target": False, "log_features": [], "loss": loss, "seed": 1}
    weighted = KANRegressor((), **options).fit(frame, cost, sample_weight=weights)
    places = np.repeat(np.arange(len(frame)), weights)
    repeated = KANRegressor((), **options).fit(frame.iloc[places], cost.iloc[places])
    difference = weighted.predict(frame) - repeated.predict(frame)
    assert np.abs(difference).max() < 1e-6 * cost.std()


@pytest.mark.slow
def test_a_weight_counts_as_so_many_rows_behind_hidden_nodes(skewed):
    frame, cost, weights = (part[:450] for part in skewed)
    options = {"log_target": False, "log_features": [], "loss": "squared", "seed": 1}
    weighted = KANRegressor((2,), **options).fit(frame, cost, sample_weight=weights)
    places = np.repeat(np.arange(len(frame)), weights)
    repeated = KANRegressor((2,), **options).fit(frame.iloc[places], cost.iloc[places])
    difference = weighted.predict(frame) - repeated.predict(frame)
    # The starts are trained on some of the rows, which are others here and there.
    assert np.sqrt(np.mean(difference**2)) < 0.05 * cost.std()


@pytest.mark.parametrize("rows", [499, 501, 1000, 5000])
def test_one_wild_target_does_not_move_the_law(rows):
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"km": rng.uniform(5, 80, rows), "load_t": rng.normal(size=rows)})
    truth = (2.0 * frame["km"] - 80.0).rename("cost")
    cost = truth + rng.normal(0, 3.0, rows)
    cost[3] = 1e5
    model = KANRegressor(()).fit(frame, cost)
    assert model.loss_ == "huber"
    assert np.median(np.abs(model.predict(frame) - truth)) < 0.5


def test_a_robust_law_says_where_it_misses_the_sum():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"km": rng.uniform(5, 80, 1500)})
    cost = (2.0 * frame["km"] + 10.0).rename("cost") * rng.lognormal(0, 0.05, 1500)
    cost[rng.permutation(1500)[:75]] *= 5.0
    with pytest.warns(KanoptWarning, match=r"predictions sum to 0\.8\d+ of the target: 5\.\d % of the rows"):
        model = KANRegressor((), seed=0).fit(frame, cost)
    assert model.loss_ == "huber"
    assert model.predict(frame).sum() < 0.9 * cost.sum()
