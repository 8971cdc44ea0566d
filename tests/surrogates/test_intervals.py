"""Intervals whose width follows the prediction."""

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.surrogates.conformal import ResidualRange, conformal_ends, left_out_ends, residual_range


def fares(rows, seed):
    """Fares whose error is small below 20 and large above, also in proportion."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"km": rng.uniform(1.0, 30.0, rows)})
    fare = 3.0 + 2.0 * frame["km"]
    return frame, (fare + (0.2 + 0.002 * fare**2) * rng.standard_normal(rows)).rename("fare")


def by_thirds(interval, target):
    inside = ((interval["lower"] <= target) & (target <= interval["upper"])).to_numpy()
    third = pd.qcut(interval["prediction"], 3, labels=False).to_numpy()
    return [inside[third == place].mean() for place in range(3)]


@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.parametrize("calibrated", [False, True])
def test_each_third_by_prediction_is_covered(log_target, calibrated):
    frame, fare = fares(1600, 0)
    model = KANRegressor((), log_target=log_target, log_features=[]).fit(frame, fare.clip(0.5))
    fresh, target = fares(9000, 1)
    rows = fares(600, 2) if calibrated else None
    if rows is not None:
        rows = rows[0], rows[1].clip(0.5)
    interval = model.predict_interval(fresh, 0.9, calibration=rows)
    # 530 rows to learn from in a third: standard error 0.013
    assert all(0.865 <= share <= 0.94 for share in by_thirds(interval, target))
    width = (interval["upper"] - interval["lower"]).groupby(pd.qcut(fresh["km"], 3, labels=False)).mean()
    assert width[2] > 4.0 * width[0]


def test_few_rows_have_one_width():
    residuals = np.sort(np.random.default_rng(3).standard_normal(150))
    found = residual_range(residuals, np.arange(150.0), np.ones(150), 0.9)
    assert (found.lower[0], found.upper[0]) == left_out_ends(residuals, np.ones(150), 0.9)
    assert len(found.places) == 1
    # more rows are needed for ends further out, and rows that say little count for little
    many = np.sort(np.random.default_rng(4).standard_normal(900))
    assert len(residual_range(many, np.arange(900.0), np.ones(900), 0.9).places) > 5
    assert len(residual_range(many, np.arange(900.0), np.ones(900), 0.99).places) == 1
    assert len(residual_range(many, np.arange(900.0), np.full(900, 0.2), 0.9).places) == 1


def test_calibration_of_one_width_is_split_conformal_prediction():
    residuals = np.random.default_rng(6).standard_normal(99)
    flat = ResidualRange(np.zeros(1), np.array([-2.0]), np.array([1.0]))
    found = flat.calibrated(residuals, np.zeros(99), 0.9)
    np.testing.assert_allclose([found.lower[0], found.upper[0]], conformal_ends(residuals, 0.9))
    exact = ResidualRange(np.zeros(1), np.zeros(1), np.zeros(1)).calibrated(residuals, np.zeros(99), 0.9)
    np.testing.assert_allclose([exact.lower[0], exact.upper[0]], conformal_ends(residuals, 0.9))
