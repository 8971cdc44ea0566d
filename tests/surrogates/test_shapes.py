"""Shapes, ranges, periods, gaps and several targets of a KANRegressor."""

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import FitError


@pytest.fixture(scope="module")
def trips():
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {"km": rng.uniform(1, 50, 400), "load_t": rng.uniform(0, 10, 400), "hour": rng.uniform(0, 24, 400)}
    )
    rush = 1 + 0.4 * np.cos(2 * np.pi * (frame["hour"] - 8) / 24)
    minutes = 1.5 * frame["km"] * rush + 0.3 * frame["load_t"] ** 2 + rng.normal(0, 1.0, 400)
    return frame, minutes.rename("minutes")


@pytest.mark.filterwarnings("ignore::kanopt.DomainWarning")  # asked far beyond the data on purpose
@pytest.mark.parametrize("log_target", [False, True])
def test_a_law_rises_far_beyond_the_data(trips, log_target):
    frame, minutes = trips
    model = KANRegressor((2,), monotone={"km": 1}, log_target=log_target, starts=2).fit(
        frame, minutes.clip(1)
    )
    rows = pd.concat([frame.head(1)] * 200).assign(km=np.linspace(1e-3, 300.0, 200))
    assert (np.diff(model.predict(rows)) >= -1e-9).all()
    assert model.formula_.prove(monotone={"km": 1}).proved


@pytest.mark.filterwarnings("ignore::kanopt.DomainWarning")  # asked far beyond the data on purpose
def test_bounded_law_stays_within_its_ends(trips):
    frame, _ = trips
    share = (1 / (1 + np.exp(-(frame["km"] - 25) / 4))).rename("share")
    model = KANRegressor((2,), bounds=(0.0, 1.0), starts=2).fit(frame[["km", "load_t"]], share)
    far = model.predict(pd.DataFrame({"km": np.linspace(-500, 500, 300), "load_t": 5.0}))
    assert far.min() >= 0.0
    assert far.max() <= 1.0
    assert np.abs(model.predict(frame[["km", "load_t"]]) - share).max() < 0.01
    assert model.formula_.prove(low=0.0, high=1.0).proved
    assert model.formula_.prove(low=0.2).facts[-1].verdict == "refuted"


@pytest.mark.slow
def test_an_hour_meets_itself_at_midnight(trips):
    frame, minutes = trips
    model = KANRegressor((2,), periodic={"hour": 24}, starts=2).fit(frame, minutes)
    row = frame.head(1)
    night = pd.concat([row.assign(hour=hour) for hour in (0.0, 24.0, -24.0, 48.0)])
    np.testing.assert_allclose(model.predict(night), model.predict(night)[0], rtol=1e-9)
    around = pd.concat([row.assign(hour=hour) for hour in (23.999, 0.001)])
    low, high = model.predict(around)
    assert low == pytest.approx(high, rel=1e-3)
    assert model.encoding_.periodic[0].name == "hour"
    truth = (
        1.5 * frame["km"] * (1 + 0.4 * np.cos(2 * np.pi * (frame["hour"] - 8) / 24))
        + 0.3 * frame["load_t"] ** 2
    )
    assert np.sqrt(np.mean((model.predict(frame) - truth) ** 2)) < 0.7
    assert set(model.effects().frame["feature"]) == {"km", "load_t", "hour"}


def test_gaps_are_refused(trips):
    frame, minutes = trips
    seen = frame.assign(
        load_t=frame["load_t"].where(frame.index % 3 > 0), mode=np.where(frame.index % 4, None, "road")
    )
    with pytest.raises(FitError, match=r"load_t.*missing"):
        KANRegressor().fit(seen[["km", "load_t"]], minutes)
    with pytest.raises(FitError, match=r"mode.*missing.*a category of their own"):
        KANRegressor().fit(seen[["km", "mode"]], minutes)
    model = KANRegressor((), log_target=False).fit(frame[["km", "load_t"]], minutes)
    with pytest.raises(FitError, match="km"):
        model.predict(pd.DataFrame({"km": [np.nan], "load_t": [5.0]}))


def test_rows_outside_the_data_are_known_to_the_formula(trips):
    frame, minutes = trips
    related = frame.assign(kg=frame["load_t"] * 1000 + 50)
    law = KANRegressor((), log_target=False, periodic={"hour": 24}).fit(related, minutes).formula_
    assert not law.outside(related).any()
    odd = {"km": [20.0, 80.0, 20.0, 20.0], "load_t": [5.0, 5.0, 9.0, 5.0]}
    odd |= {"hour": [1.0, 1.0, 1.0, 23.0], "kg": [5050.0, 5050.0, 500.0, 5050.0]}
    assert law.outside(odd).tolist() == [False, True, True, False]


@pytest.mark.slow
@pytest.mark.parametrize("log_target", [False, True])
def test_split_conformal_intervals_cover_as_promised(log_target):
    covered = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        x = rng.uniform(0, 1, (900, 1))
        # Heavy, skewed noise that no law of it is assumed to have.
        y = 5.0 + x[:, 0] + 0.3 * rng.exponential(size=900) ** 1.5
        model = KANRegressor((), log_target=log_target, loss="squared").fit(x[:200], y[:200])
        interval = model.predict_interval(x[400:], 0.8, calibration=(x[200:400], y[200:400]))
        inside = (interval["lower"] <= y[400:]) & (y[400:] <= interval["upper"])
        covered.append(inside.mean())
    # 12 draws of 200 calibration rows: standard error 0.028 / √12 = 0.008
    assert 0.775 <= np.mean(covered) <= 0.835


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bounds": (1, 0)}, "lower end must lie below"),
        ({"bounds": 3}, "bounds=3 must be a valid tuple"),
        ({"bounds": (0, 1), "log_target": True}, "use one of the two"),
        ({"bounds": (-1, 1), "positive": True}, "below zero"),
        ({"positive": "yes"}, "positive='yes' must be 'auto' or"),
        ({"periodic": 24}, "must map columns"),
        ({"periodic": {"hour": 0}}, "must be greater than 0"),
        ({"periodic": {"hours": 24}}, "hour"),
        ({"periodic": {"hour": 24}, "monotone": {"hour": 1}}, "is periodic"),
        ({"periodic": {"hour": 24}, "log_features": ["hour"]}, "periodic"),
        ({"smoothing": "aic"}, "smoothing='aic' must be 'auto' or"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(trips, arguments, message):
    frame, minutes = trips
    with pytest.raises(FitError, match=message):
        KANRegressor(**arguments).fit(frame, minutes)


@pytest.mark.slow
def test_a_large_network_is_trained_by_the_gradient_and_can_be_asked_as_any_other(trips, tmp_path):
    frame, minutes = trips
    model = KANRegressor((16, 16), log_target=False, periodic={"hour": 24}, seed=2).fit(
        frame[:300], minutes[:300]
    )
    held_out = np.sqrt(np.mean((model.predict(frame[300:]) - minutes[300:]) ** 2))
    assert held_out < 0.3 * minutes.std()
    assert sum(len(curve.coefficients) for curve in model.network_.curves) > 2000
    interval = model.predict_interval(frame[300:], 0.9)
    inside = (interval["lower"] <= minutes[300:]) & (minutes[300:] <= interval["upper"])
    assert 0.75 <= inside.mean() <= 1.0
