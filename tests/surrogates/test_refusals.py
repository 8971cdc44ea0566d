"""What would give wrong figures without a word is refused."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from kanopt import KANRegressor
from kanopt.errors import FitError
from tests.cases.own_rows import judged_by_own_rows

OPTIONS = {"hidden": (), "log_features": [], "loss": "squared"}


@pytest.fixture(scope="module")
def trips():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(5, 80, 60), "load_t": rng.uniform(1, 10, 60)})
    return table, (2.0 * table["km"] + table["load_t"] + rng.normal(0, 0.1, 60)).rename("cost")


def test_numbered_columns_may_change_places(trips):
    table, cost = trips
    numbered = table.set_axis([0, 1], axis=1)
    model = KANRegressor(log_target=False, **OPTIONS).fit(numbered, cost)
    assert np.array_equal(model.predict(numbered[[1, 0]]), model.predict(numbered))


def test_a_target_is_not_called_like_a_column(trips):
    table, cost = trips
    model = KANRegressor(log_target=False, **OPTIONS)
    for leaked in (table, table.rename(columns={"km": "cost"})):
        name = leaked.columns[0]
        refusal = rf'the target is called {name!r}.*rename the target \(y\.rename\("\.\.\."\)\)'
        with pytest.raises(FitError, match=refusal):
            model.fit(leaked, 2.0 * table["km"] if name == "km" else cost)
    with pytest.raises(FitError, match=r"the target is called 'target'"):
        model.fit(table.rename(columns={"km": "target"}), cost.to_numpy())


@pytest.mark.parametrize(
    ("change", "arguments", "message"),
    [
        ({}, {"min_r2": "a"}, "min_r2='a' must be a number of at most 1"),
        ({}, {"min_r2": 2}, "min_r2=2 must be"),
        ({}, {"min_r2": True}, "min_r2=True must be"),
        ({}, {"min_r2": float("nan")}, "min_r2=nan must be"),
        ({"rows": 1}, {}, "held-out target 'cost': 1 row is too few"),
        ({"rows": 0}, {}, "held-out rows are 0"),
        ({"cost": 3.0}, {}, "held-out target 'cost' is 3 in every row"),
        ({"cost": np.tile([-1.0, 1.0], 30)}, {}, "held-out target 'cost' sums to zero"),
        ({"cost": np.r_[np.nan, np.arange(59.0)]}, {}, "held-out target 'cost'.*missing"),
    ],
)
def test_what_measures_no_formula_is_refused_before_the_search(
    trips, model, monkeypatch, change, arguments, message
):
    table, cost = trips
    monkeypatch.setattr("kanopt.surrogates.ladder.find_law", lambda *_: pytest.fail("the search began"))
    test = table.assign(cost=change.get("cost", cost))[: change.get("rows", 60)]
    with pytest.raises(FitError, match=message):
        model.to_formula(test, **arguments)


def test_calibration_targets_of_a_log_law_are_above_zero(trips):
    table, cost = trips
    model = KANRegressor(log_target=True, **OPTIONS).fit(table, cost)
    with pytest.raises(FitError, match="calibration: the law is of the logarithm"):
        model.predict_interval(table, 0.9, calibration=(table, cost.where(cost.index != 3, -1.0)))


@pytest.fixture(scope="module")
def model(trips):
    return KANRegressor(log_target=False, **OPTIONS).fit(*trips)


def test_a_refused_refit_leaves_the_model_as_it_was(trips):
    table, cost = trips
    model = KANRegressor(log_target=False, **OPTIONS).fit(table, cost)
    before = model.predict(table)
    for X, y in (
        (table.assign(load_t=100 * table["load_t"], km=1.0), cost),
        (table[["km"]], cost.where(cost.index > 2)),
        (table.to_numpy()[:, :1], cost[:3]),
        (table, pd.DataFrame({"a": cost, "b": cost.where(cost.index > 2)})),
    ):
        with pytest.raises(ValueError, match=r"."):
            model.fit(X, y)
        assert np.array_equal(model.predict(table), before)
        assert model.n_features_in_ == 2


@pytest.fixture(scope="module")
def numbered(trips):
    table, cost = trips
    return table.assign(late=cost.iloc[::-1].to_numpy()).set_axis([1, 2, 3], axis=1), cost


def test_numbered_columns_are_meant_by_their_labels(numbered):
    table, cost = numbered
    model = KANRegressor(monotone={1: 1}, log_target=False, **OPTIONS).fit(table, cost)
    assert model.formula_.prove(monotone={"1": 1}).proved
    with pytest.raises(FitError, match="monotone: there is no column 0"):
        KANRegressor(monotone={0: 1}, log_target=False, **OPTIONS).fit(table, cost)
    signs = KANRegressor(monotone=[1, 0, 0], log_target=False, **OPTIONS).fit(table, cost)
    assert signs.formula_.prove(monotone={"1": 1}).proved
    cycle = KANRegressor(periodic={2: 12.0}, log_target=False, **OPTIONS).fit(table, cost)
    assert [feature.name for feature in cycle.encoding_.periodic] == ["2"]


@judged_by_own_rows
def test_held_out_rows_of_numbered_columns_are_found(numbered):
    table, cost = numbered
    model = KANRegressor(log_target=False, **OPTIONS).fit(table, cost)
    assert model.summary(table.assign(cost=cost)).fit.loc["held out", "r2"] > 0.9
    assert model.to_formula(table.assign(cost=cost)).fit.r2 > 0.9
    with pytest.raises(FitError, match="no target 'cost'"):
        model.summary(table)


def test_rows_without_weight_may_lack_a_target(trips):
    table, cost = trips
    weights = np.ones(len(cost))
    weights[3] = 0.0
    model = KANRegressor(log_target=False, **OPTIONS).fit(table, cost.where(cost.index != 3), weights)
    others = KANRegressor(log_target=False, **OPTIONS).fit(table.drop(index=3), cost.drop(index=3))
    assert np.array_equal(model.predict(table), others.predict(table))
    labels = cost.set_axis([f"T{row}" for row in cost.index])
    with pytest.raises(FitError, match=r"target 'cost': 1 missing.*row 'T4'"):
        KANRegressor(()).fit(table.set_axis(labels.index), labels.where(labels.index != "T4"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": "cost_eur"}, r"y='cost_eur' is a name.*pass frame\['cost_eur'\]"),
        ({"sample_weight": "w"}, r"sample_weight='w' is a name.*pass frame\['w'\]"),
        ({"y": np.arange(10.0)}, "X has 60 rows and y 10 values"),
        ({"progress": 3}, "progress=3 must be a function"),
        ({"X": np.arange(2000.0)}, "Reshape your data"),
        ({"X": pd.Series(np.arange(60.0))}, "2-dimensional container"),
        ({"X": np.array([["x", 1.0]] * 60, dtype=object)}, "convert string.*categories need a DataFrame"),
        (
            {"y": pd.Series(pd.date_range("2024", periods=60, tz="UTC"))},
            "the target holds something that is no number",
        ),
        (
            {"y": pd.Series(["1", "truck"] * 30, name="vehicle")},
            r"the target 'vehicle' holds something that is no number \('truck' in row 1\); convert it",
        ),
        ({"y": np.full(60, 1j)}, "the target holds something that is no number"),
    ],
)
def test_a_fit_is_refused_in_words(trips, change, message):
    table, cost = trips
    with pytest.raises(FitError, match=message) as caught:
        KANRegressor(()).fit(**{"X": table, "y": cost, **change})
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda m, X, y: m.predict_interval(X, 0.9, calibration=X), "held-out rows have no target 'cost'"),
        (
            lambda m, X, y: m.predict_interval(X, 0.9, calibration=(X[:0], y[:0])),
            "held-out rows are 0",
        ),
        (lambda m, X, y: m.predict_interval(X, "0.9"), "coverage='0.9' must lie between 0 and 1"),
        (
            lambda m, X, y: m.predict_interval(X, 0.9, calibration=(X, y.where(y.index > 0))),
            "held-out target 'cost'",
        ),
        (lambda m, X, y: m.summary((X,)), r"held-out rows are a frame.*or X and y"),
        (lambda m, X, y: m.summary((X, y.where(y.index != 4))), "held-out target 'cost': 1 missing.*row 4"),
        (lambda m, X, y: m.summary((X[:0], y[:0])), "held-out rows are 0"),
        (lambda m, X, y: m.effects(0), "effects: grid=0 must be a whole number"),
        (lambda m, X, y: m.predict(X[["load_t", "km"]]), r"pass X\[model\.feature_names_in_\]"),
        (lambda m, X, y: m.predict(X[["km"]]), "add 'load_t'"),
    ],
)
def test_questions_are_refused_in_words(model, trips, ask, message):
    with pytest.raises(FitError, match=message):
        ask(model, *trips)


def test_columns_that_the_model_does_not_know_are_left_out(model, trips):
    table, _ = trips
    wider = table.assign(driver="Ann")[["driver", "load_t", "km"]]
    assert np.array_equal(model.predict(wider), model.predict(table))
    assert model.predict_interval(wider).equals(model.predict_interval(table))


def test_arrow_decimals_are_numbers(trips):
    table, cost = trips
    decimals = table["km"].round(2).map(lambda value: Decimal(str(value)))
    arrow = decimals.astype(pd.ArrowDtype(pa.decimal128(20, 5)))
    model = KANRegressor(log_target=False, **OPTIONS).fit(table.assign(km=arrow), cost)
    assert [feature.kind for feature in model.encoding_.features] == ["number", "number"]
    assert np.isfinite(model.predict(table.assign(km=arrow))).all()
