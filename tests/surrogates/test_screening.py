"""Columns that say nothing are left out, where there are many; those that act alone or together are kept."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import FitError


def table(columns: int, seed: int, rows: int = 1200) -> tuple[np.ndarray, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0.5, 5.0, (rows, columns)), rng


@pytest.fixture(scope="module")
def wide() -> tuple[pd.DataFrame, pd.Series]:
    x, rng = table(16, 8, 600)
    frame = pd.DataFrame(x, columns=[f"c{k}" for k in range(16)]).assign(zone=rng.choice(["u", "v"], 600))
    y = 2 * frame["c3"] + frame["c11"] ** 2 + 3 * (frame["zone"] == "u")
    return frame, pd.Series(y + 0.1 * rng.standard_normal(600), name="cost")


@pytest.fixture(scope="module")
def model(wide: tuple[pd.DataFrame, pd.Series]) -> KANRegressor:
    return KANRegressor((), seed=0).fit(wide[0][:500], wide[1][:500])


@pytest.mark.slow
def test_idle_columns_are_named_and_asked_for_but_have_no_part(
    wide: tuple[pd.DataFrame, pd.Series], model: KANRegressor
) -> None:
    frame, cost = wide
    assert set(model.encoding_.names) >= {"c3", "c11", "zone"}
    assert set(model.idle_features_) | set(model.encoding_.names) == set(frame.columns)
    assert len(model.idle_features_) >= 12
    assert model.n_features_in_ == 17
    assert f"{len(model.idle_features_)} columns without effect left out" in str(model.summary())
    other = frame[500:].assign(**{model.idle_features_[0]: 1e6})
    np.testing.assert_array_equal(model.predict(other), model.predict(frame[500:]))
    with pytest.raises(FitError, match=r"'c5'"):
        model.predict(frame.drop(columns="c5"))
    formula = model.to_formula(frame[500:].assign(cost=cost[500:]), "cost")
    assert formula.used == {"c3", "c11", "zone"}
    assert formula.fit.r2 > 0.99


def test_where_single_columns_are_spoken_of_all_are_kept(wide: tuple[pd.DataFrame, pd.Series]) -> None:
    model = KANRegressor((), seed=0, log_features=["c3"], grid_size=3, log_target=False).fit(*wide)
    assert model.idle_features_ == ()
    assert len(model.encoding_.names) == 17
