"""What is kept of a search: simpler laws that were tried, and how far rows are trusted when a formula is chosen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
import torch

from kanopt import KANRegressor
from kanopt.kan.robust import robust_weight_share
from kanopt.surrogates.fitting import WILD, _robust_weights
from kanopt.surrogates.trials import LawStructure

ONE = np.ones(4)


@dataclass
class Judged:
    """The part of a trial, and of a table, from which the weights of rows are told."""

    residual: np.ndarray
    loss: str
    weights: np.ndarray

    @property
    def robust_weight(self) -> np.ndarray:
        known = (torch.tensor(each) for each in (self.residual, self.weights))
        return robust_weight_share(*known, self.loss).numpy()

    @property
    def fitted(self) -> Judged:
        return self

    @property
    def structure(self) -> LawStructure:
        return LawStructure(False, (False,), (), self.loss)


def trust(residual: np.ndarray, loss: str, weights: np.ndarray | None = None) -> np.ndarray:
    judged = Judged(residual, loss, np.ones(len(residual)) if weights is None else weights)
    return _robust_weights(judged, judged)


@pytest.mark.parametrize("loss", ["huber", "tukey"])
def test_rows_are_trusted_alike_where_none_is_wild(loss: str) -> None:
    residual = np.random.default_rng(1).standard_normal(3000)
    assert np.abs(residual).max() < WILD
    # of normal errors, too, the loss lowers the weights of many
    assert np.mean(Judged(residual, loss, np.ones(3000)).robust_weight < 0.999) > 0.15
    np.testing.assert_array_equal(trust(residual, loss), np.ones(3000))


@pytest.mark.parametrize("loss", ["huber", "tukey"])
def test_robust_weights_are_kept_where_some_rows_are_wild(loss: str) -> None:
    residual = np.random.default_rng(1).standard_normal(3000)
    residual[:20] = 30.0
    kept = trust(residual, loss)
    # weights have three decimals, which every machine finds alike
    np.testing.assert_allclose(kept, Judged(residual, loss, np.ones(3000)).robust_weight, atol=5e-4)
    assert kept[:20].max() < 0.05
    # beside one in a thousand, the others are ordinary rows; these stay wild, for one is enough to move a law
    residual[2:20] = 0.0
    few = trust(residual, loss)
    assert few[:2].max() < 0.05
    np.testing.assert_array_equal(few[2:], np.ones(2998))
    # but rows that stand for many are many
    weights = np.where(np.arange(3000) < 2, 10.0, 1.0)
    assert trust(residual, loss, weights)[:2].max() < 0.05


def test_least_squares_trust_every_row() -> None:
    residual = np.random.default_rng(1).standard_normal(300)
    residual[:20] = 30.0
    np.testing.assert_array_equal(trust(residual, "squared"), np.ones(300))


@pytest.mark.parametrize("wild", [0, 8])
def test_a_formula_is_chosen_on_rows_with_these_weights(wild: int) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.uniform(0, 1, 400)})
    target = (2 * frame["a"] + 0.1 * rng.standard_normal(400)).rename("y")
    target[:wild] += 40.0
    rows = KANRegressor(seed=0, hidden=(), loss="tukey").fit(frame, target)._rows
    assert rows is not None
    assert (rows.weight[:wild] < 0.01).all()
    if not wild:
        np.testing.assert_array_equal(rows.weight, np.ones(400))
    else:
        assert 0.5 < rows.weight[wild:].mean() < 1.0
