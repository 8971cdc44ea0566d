"""A target that is above zero in every row is not predicted below zero among the data, unless one asks for that."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kanopt import DomainWarning, KANRegressor
from kanopt.formulas import Formula, Maximum

INSIDE = pd.DataFrame({"km": np.linspace(0.05, 9.9, 500)})


def trips(rows: int = 300, start: float = 0.0) -> tuple[pd.DataFrame, pd.Series]:
    """Return trips of which the shorter half take no time to speak of: a smooth curve falls below zero there."""
    rng = np.random.default_rng(5)
    km = rng.uniform(0.0, 10.0, rows)
    minutes = 6.0 * np.maximum(km - 5.0, 0.0) * rng.uniform(0.6, 1.4, rows) + 0.1 + start
    return pd.DataFrame({"km": km}), pd.Series(minutes, name="minutes")


def model_of(**asked: Any) -> KANRegressor:
    return KANRegressor((), log_target=False, log_features=[], grid_size=2, seed=1, **asked)


def law_of(model: KANRegressor) -> Formula:
    X, y = trips()
    return model.to_formula(pd.concat([X, y], axis=1)[240:])


@pytest.fixture(scope="module")
def held() -> KANRegressor:
    X, y = trips()
    return model_of().fit(X[:240], y[:240])


@pytest.fixture(scope="module")
def free() -> KANRegressor:
    X, y = trips()
    return model_of(positive=False).fit(X[:240], y[:240])


@pytest.fixture(scope="module")
def law(held: KANRegressor) -> Formula:
    return law_of(held)


def test_predictions_and_formula_are_held_at_the_smallest_target(
    held: KANRegressor, free: KANRegressor, law: Formula
) -> None:
    least = trips()[1][:240].min()
    unheld = free.predict(INSIDE)
    assert unheld.min() < 0.0
    assert held.predict(INSIDE) == pytest.approx(np.maximum(unheld, least))
    assert isinstance(law.root, Maximum)
    assert law.evaluate(INSIDE) == pytest.approx(np.maximum(law_of(free).evaluate(INSIDE), least))
    assert law.prove(low=0.0, monotone={"km": 1}).facts[0].shape == "rises"
    assert law.prove(low=0.0).proved
    assert Formula.from_json(law.to_json()) == law


def test_what_is_proved_holds_for_predictions(held: KANRegressor, free: KANRegressor) -> None:
    least, formula = trips()[1][:240].min(), held.formula_
    for ends in ({"low": 0.0}, {"low": least}, {"low": 0.0, "high": 100.0}):
        assert formula.prove(**ends).proved
    for claim in ({"low": 2.0 * least}, {"high": 0.5 * least}, {"high": least}, {"convex": {"km": -1}}):
        assert formula.prove(**claim).facts[-1].verdict == "refuted"
    assert free.formula_.prove(monotone={"km": 1}).facts[-1].verdict == "refuted"
    assert "held at" in held.summary().structure
    interval = held.predict_interval(pd.DataFrame({"km": [0.1, 1.0, 9.0]}))
    assert (interval["lower"] <= interval["prediction"]).all()
    assert (interval["prediction"] <= interval["upper"]).all()


def test_a_law_close_to_its_lower_end_is_not_refuted() -> None:
    """From the review: a clipped inverse tested a bound of 1 where 0.54 was asked for."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (400, 2))
    y = 0.7 + 500 * x[:, 0] ** 2 * (0.5 + x[:, 1])
    model = KANRegressor((), bounds=(0.0, 1000.0), seed=1, log_target=False).fit(x, y)
    least = model.predict(rng.uniform(x.min(axis=0), x.max(axis=0), (5000, 2))).min()
    assert model.formula_.prove(low=0.2 * least).proved


def test_a_law_that_stays_above_zero_is_left_alone_and_so_are_targets_that_do_not() -> None:
    X, y = trips(start=40.0)
    assert model_of().fit(X, y)._law.floor is None
    X, y = trips()
    assert model_of().fit(X, y - 1.0)._law.floor is None


@pytest.mark.slow
def test_a_clean_law_has_no_floor_in_it() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"km": rng.uniform(0.0, 30.0, 400), "load": rng.uniform(0.0, 4.0, 400)})
    frame["fuel"] = frame["km"] * (0.2 + 0.03 * frame["load"]) * (1.0 + 0.02 * rng.standard_normal(400))
    frame["fuel"] += 1e-6
    model = KANRegressor(seed=1).fit(frame[["km", "load"]][:300], frame["fuel"][:300])
    assert "max" not in str(model.to_formula(frame[300:]))


def test_one_warning_counts_the_rows_outside(held: KANRegressor) -> None:
    far = pd.DataFrame({"km": [1.0, 40.0, 5.0, 60.0]}, index=list("abcd"))
    with pytest.warns(DomainWarning, match=r"2 of 4 rows lie .* \(by km; the first is row 'b'\)") as told:
        held.predict(far)
    assert len(told) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        held.predict(pd.DataFrame({"km": [0.0, 10.0]}))  # hardly beyond the ends


def test_a_warning_tells_how_many_rows_are_predicted_below_zero_outside_the_data() -> None:
    rng = np.random.default_rng(2)
    X = pd.DataFrame({"x": rng.uniform(0.0, 10.0, 200)})
    model = model_of().fit(X, 30.0 - 2.0 * X["x"].to_numpy() + rng.normal(0.0, 0.5, 200))
    with pytest.warns(
        DomainWarning, match=r"3 of 4 rows lie outside .* 2 of them to below zero, where no target was"
    ):
        found = model.predict(pd.DataFrame({"x": [-4.0, 5.0, 17.0, 30.0]}))
    assert (found < 0.0).tolist() == [False, False, True, True]
    with pytest.warns(DomainWarning) as told:
        model_of().fit(X, 5.0 - 2.0 * X["x"].to_numpy()).predict(pd.DataFrame({"x": [30.0]}))
    assert "below zero" not in str(told[0].message)


def test_intervals_of_a_positive_target_do_not_reach_below_zero() -> None:
    rng = np.random.default_rng(4)
    X = pd.DataFrame({"x": rng.uniform(0.0, 10.0, 400)})
    y = np.abs(0.3 * X["x"].to_numpy() + rng.normal(0.0, 1.0, 400)) + 0.01
    inside = pd.DataFrame({"x": np.linspace(0.5, 9.5, 50)})
    held = model_of().fit(X, y).predict_interval(inside)
    assert (held["lower"] >= 0.0).all()
    assert (held["lower"] == 0.0).any()
    plain = model_of(positive=False).fit(X, y).predict_interval(inside)
    assert (plain["lower"] < 0.0).any()
    np.testing.assert_allclose(held["upper"], plain["upper"])
