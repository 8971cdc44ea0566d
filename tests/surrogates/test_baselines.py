"""Models on the same blocked folds: errors are those of the rows held out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

import kanopt as ko

QUICK = ko.KANRegressor((), grid_size=3, smoothing=0.01, log_target=False, log_features=[], starts=1)


def trips(rows: int = 60) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"km": rng.uniform(1, 30, rows), "kind": np.where(rng.random(rows) < 0.4, "van", "truck")}
    )
    noise = rng.normal(0, 0.2, rows)
    return frame, (2 * frame["km"] + np.where(frame["kind"] == "van", 0, 5) + noise).rename("minutes")


def test_errors_are_those_of_the_rows_held_out():
    frame, target = trips()
    found = ko.baselines(frame, target, folds=2, seed=1, model=QUICK).set_index("model")
    assert set(found.index) == {"formula", "network", "linear", "log-linear", "forest", "boosting"}
    errors = []
    for train, test in KFold(2).split(frame):
        columns = np.column_stack([np.ones(len(frame)), frame["km"], frame["kind"] == "van"])
        weights = np.linalg.lstsq(columns[train], target.to_numpy()[train], rcond=None)[0]
        errors.append(np.sqrt(np.mean((target.to_numpy()[test] - columns[test] @ weights) ** 2)))
    # ridge regression with a penalty next to none is least squares
    assert found.loc["linear", "rmse"] == pytest.approx(np.mean(errors), rel=0.01)
    assert found.loc["formula", "r2"] > 0.99
    assert found["rmse"].is_monotonic_increasing
    assert found.notna().all(axis=None)


def test_gaps_are_refused():
    frame, target = trips()
    gappy = frame.assign(km=frame["km"].where(frame.index % 7 != 0))
    with pytest.raises(ko.errors.FitError, match=r"column 'km': .*missing"):
        ko.baselines(gappy, target, model=QUICK)


@pytest.mark.slow
def test_groups_are_held_out_together():
    frame, target = trips()
    days = np.arange(60) // 5
    found = ko.baselines(frame.assign(day=days), target, groups="day", folds=2, model=QUICK, budget=20.0)
    assert found["rmse"].notna().all()
    with pytest.raises(ko.errors.FitError, match=r"folds=13: there are only 12 groups"):
        ko.baselines(frame, target, groups=days, folds=13, model=QUICK)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"folds": 1}, "folds=1 must be a whole number of at least 2"),
        ({"folds": 61}, "folds=61: there are only 60 rows; ask for fewer folds"),
        ({"seed": -1}, "seed=-1 must be"),
        ({"budget": 0}, "budget=0 must be a number of seconds above 0"),
        ({"model": ko.KANRegressor(monotone={"kms": 1})}, "did you mean 'km'"),
    ],
)
def test_arguments_are_refused(given, words):
    with pytest.raises(ko.errors.FitError, match=words):
        ko.baselines(*trips(), **given)
