import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FitError
from kanopt.surrogates import KANRegressor


def frame(**columns):
    return pd.DataFrame(columns)


def fitted():
    rng = np.random.default_rng(0)
    table = frame(km=rng.uniform(1, 9, 40), mode=rng.choice(["road", "rail"], 40))
    return KANRegressor(hidden=(), log_target=False, seed=0).fit(
        table, table["km"] * 2 + (table["mode"] == "rail")
    )


def test_unseen_categories_are_named():
    with pytest.raises(
        FitError, match=r"column 'mode': 'rial', 'air' \(first in row 1\).*did you mean 'rail'"
    ):
        fitted().predict(frame(km=[1.0, 2.0, 3.0], mode=["road", "rial", "air"]))


def test_predict_checks_values():
    model = fitted()
    with pytest.raises(FitError, match="column 'km': 1 missing"):
        model.predict(frame(km=[np.nan], mode=["road"]))
    with pytest.raises(FitError, match="was a number in training; row 1 now holds 'far'"):
        model.predict(frame(km=pd.Series([1.0, "far"], dtype=object), mode=["road", "rail"]))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": "deep"}, "hidden='deep' must be 'auto' or"),
        ({"hidden": (2, 0)}, r"hidden=\(2, 0\) must be 'auto' or greater than or equal to 1"),
        ({"hidden": 5}, "hidden=5 must be 'auto' or a valid tuple"),
        ({"log_features": 5}, "log_features=5 must be 'auto' or a list of columns"),
        ({"log_target": np.array([1, 2])}, "log_target=array.* must be 'auto' or"),
        ({"seed": 2**70}, r"seed=.* must be less than"),
        ({"device": "mps"}, "device='mps'"),
        ({"device": "meta"}, "device='meta' cannot train a law"),
        ({"loss": ["huber"]}, "loss=.* must be 'auto'"),
        ({"grid_size": 0}, "grid_size=0 must be 'auto' or greater than or equal to 1"),
        ({"starts": 2.5}, "starts=2.5 must be a valid integer"),
        ({"seed": -1}, "seed=-1 must be"),
        ({"smoothing": -1.0}, "smoothing=-1.0 must be"),
        ({"loss": "hubert"}, "loss='hubert' must be 'auto', 'squared'"),
        ({"log_target": "yes"}, "log_target='yes' must be"),
        ({"log_target": True}, "log_target=True needs a target above zero; row 0 has −3"),
        ({"log_features": "km"}, r"log_features='km' must be 'auto' or a list of columns, such as \['km'\]"),
        ({"log_features": ["mode"]}, "column 'mode' is a category; only numbers"),
        ({"log_features": ["change"]}, "column 'change' goes down to −1, which has no logarithm"),
        ({"log_features": [7]}, "there is no column 7"),
        ({"monotone": {"kmh": 1}}, "monotone: there is no column 'kmh'; did you mean 'km'"),
        ({"monotone": {"km": 2}}, r"column 'km' has 2; use \+1 \(rises\)"),
        ({"monotone": {"mode": 1}}, "column 'mode' is a category, which has no order"),
        ({"monotone": [1]}, "one of -1, 0, \\+1 for each of the 3 columns"),
        ({"device": "tpu9"}, "device='tpu9' is not there"),
        ({"device": "cuda"}, "is not there"),
    ],
)
def test_arguments_are_checked(arguments, message, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    table = frame(km=np.arange(1.0, 11.0), mode=["a", "b"] * 5, change=np.linspace(-1.0, 1.0, 10))
    with pytest.raises(FitError, match=message):
        KANRegressor(**arguments).fit(table, np.arange(10.0) - 3.0)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            pd.Series([2.0, 3.0], dtype="complex"),
            "column 'km' holds complex numbers",
        ),
        (pd.Series([2.0, pd.Timestamp("2024-01-01")], dtype=object), "row 1 now holds Timestamp"),
        (pd.date_range("2024-01-01", periods=2), "row 0 now holds Timestamp"),
    ],
)
def test_what_is_no_number_at_predict_is_named(values, message):
    with pytest.raises(FitError, match=message):
        fitted().predict(frame(km=values, mode=["road", "rail"]))


def test_no_rows_give_no_predictions():
    empty = pd.DataFrame({"km": [], "mode": []}, dtype=object)
    assert fitted().predict(empty).shape == (0,)
    assert len(fitted().predict_interval(empty)) == 0
