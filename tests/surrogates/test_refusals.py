"""What would give wrong figures without a word is refused."""

import numpy as np
import pandas as pd
import pytest

from kanopt import FitError, KANRegressor

OPTIONS = {"hidden": (), "log_features": [], "loss": "squared"}


@pytest.fixture(scope="module")
def trips():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(5, 80, 60), "load_t": rng.uniform(1, 10, 60)})
    return table, (2.0 * table["km"] + table["load_t"] + rng.normal(0, 0.1, 60)).rename("cost")


def test_columns_numbered_or_unnamed_may_not_change_places(trips):
    table, cost = trips
    numbered = table.set_axis([0, 1], axis=1)
    model = KANRegressor(log_target=False, **OPTIONS).fit(numbered, cost)
    with pytest.raises(FitError, match=r"columns come as '1', '0'.*fitted to '0', '1'"):
        model.predict(numbered[[1, 0]])
    assert np.isfinite(model.predict(numbered)).all()


def test_targets_of_one_name_are_not_merged(trips):
    table, cost = trips
    with pytest.raises(FitError, match=r"two targets are called 'cost'"):
        KANRegressor(log_target=False, **OPTIONS).fit(table, pd.concat([cost, -cost.rename("cost")], axis=1))


def test_a_formula_is_asked_of_one_target(trips):
    table, cost = trips
    model = KANRegressor(log_target=False, **OPTIONS).fit(table, pd.DataFrame({"a": cost, "b": -cost}))
    with pytest.raises(FitError, match=r"this model has 2 targets.*model\.outputs_\['a'\]"):
        model.to_formula(table.assign(a=cost))


def test_calibration_rows_and_targets_are_as_many(trips):
    table, cost = trips
    model = KANRegressor(log_target=False, **OPTIONS).fit(table, cost)
    with pytest.raises(FitError, match="calibration: 60 rows and 1 targets"):
        model.predict_interval(table, 0.9, calibration=(table, cost[:1]))


def test_calibration_targets_of_a_log_law_are_above_zero(trips):
    table, cost = trips
    model = KANRegressor(log_target=True, **OPTIONS).fit(table, cost)
    with pytest.raises(FitError, match=r"calibration: the law is of the logarithm.*row 3 has -1"):
        model.predict_interval(table, 0.9, calibration=(table, cost.where(cost.index != 3, -1.0)))
