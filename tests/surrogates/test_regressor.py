import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils.estimator_checks import estimator_checks_generator

from kanopt.errors import FitError, KanoptWarning
from kanopt.surrogates import KANRegressor
from kanopt.surrogates.curves import layers_of

ROWS = 600
FACTOR = {"air": 3.0, "sea": 0.5, "truck": 1.0}


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def freight():
    """A power law with a factor per mode and 10 % noise."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "weight": rng.uniform(1, 100, ROWS),
            "mode": rng.choice(list(FACTOR), ROWS),
            "distance": rng.uniform(1, 50, ROWS),
        }
    )
    truth = frame["weight"] ** 1.2 * frame["distance"] ** -0.5 * frame["mode"].map(FACTOR)
    cost = (truth * np.exp(0.1 * rng.normal(size=ROWS))).rename("cost")
    return frame, cost, truth


@pytest.fixture(scope="module")
def model(freight):
    frame, cost, _ = freight
    return KANRegressor(seed=3).fit(frame, cost)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
@pytest.mark.filterwarnings("ignore::kanopt.DomainWarning")  # some rows are beyond those learned from
@pytest.mark.parametrize(
    ("estimator", "check"),
    list(estimator_checks_generator(KANRegressor(starts=1, grid_size=3))),
    ids=lambda value: getattr(getattr(value, "func", value), "__name__", "KANRegressor"),
)
def test_scikit_learn_conventions(estimator, check):
    try:
        check(estimator)
    except pytest.skip.Exception:
        raise
    except Exception as error:
        if type(error).__name__ == "SkipTest":
            pytest.skip(str(error))
        raise


@pytest.mark.slow
def test_power_law_with_categories_is_recovered(freight, model):
    frame, _, truth = freight
    assert model.log_target_
    assert hidden_of(model) == ()
    assert [feature.log for feature in model.encoding_.numbers] == [True, True]
    edges = [row[0] for row in layers_of(model.network_)[0].edges]
    line = np.linspace(0.1, 4.0, 5)
    np.testing.assert_allclose(np.diff(edges[0].at(line)) / np.diff(line), 1.2, atol=0.03)
    np.testing.assert_allclose(np.diff(edges[1].at(line)) / np.diff(line), -0.5, atol=0.03)
    values = [value for _, value in edges[2].entries]
    table = dict(zip(model.encoding_.categories[0].categories, values, strict=True))
    assert table["air"] - table["truck"] == pytest.approx(np.log(3.0), abs=0.03)
    assert table["sea"] - table["truck"] == pytest.approx(np.log(0.5), abs=0.03)
    relative = model.predict(frame) / (truth * np.exp(0.1**2 / 2))
    assert np.abs(relative - 1.0).max() < 0.06


def test_what_is_predicted_is_a_formula_of_curves(freight, model):
    frame, _, _ = freight
    np.testing.assert_allclose(model.formula_.evaluate(frame), model.predict(frame), rtol=1e-9)
    columns = {name: frame[name].to_numpy() for name in frame}
    assert not model.formula_.domain.outside(columns).any()


def test_product_of_two_columns_is_learned_in_the_open_sign_case():
    x = np.random.default_rng(1).uniform(-1, 1, (300, 2))
    y = x[:, 0] * x[:, 1]
    model = KANRegressor(seed=0).fit(x, y)
    assert hidden_of(model) == (2,)
    assert np.sqrt(np.mean((model.predict(x) - y) ** 2)) < 1e-3


def test_hidden_nodes_without_noise_are_exact():
    """Rows enough to be held out must not leave it at the smoothing that they choose for noise."""
    x = np.random.default_rng(2).uniform(-1, 1, (1_000, 2))
    y = np.exp(np.sin(np.pi * x[:, 0]) + x[:, 1] ** 2)
    model = KANRegressor(hidden=(1,), seed=0).fit(x[:800], y[:800])
    assert np.sqrt(np.mean((model.predict(x[800:]) - y[800:]) ** 2)) < 5e-5


def test_outliers_are_held_back():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"km": rng.uniform(1, 40, 800), "load": rng.uniform(0, 3, 800)})
    truth = 0.5 * frame["km"] * (1 + 0.1 * frame["load"]) + 2
    spoiled = truth * (1 + 0.05 * rng.normal(size=800))
    spoiled[:12] *= 8.0
    with pytest.warns(KanoptWarning, match=r"of the target: 2\.\d % of the rows lie far from the law"):
        model = KANRegressor(seed=0, hidden=()).fit(frame, spoiled)
    squares = KANRegressor(seed=0, hidden=(), loss="squared").fit(frame, spoiled)
    error = (model.predict(frame) / truth - 1).abs().mean()
    assert model.loss_ == "huber"
    assert error < 0.02
    assert error < 0.3 * (squares.predict(frame) / truth - 1).abs().mean()


@pytest.mark.slow
def test_three_products_of_signed_columns_take_four_hidden_nodes_although_rows_are_few():
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(np.log(0.1), np.log(10.0), (2000, 6)))
    x = pd.DataFrame(sizes * rng.choice([-1, 1], (2000, 6)), columns=list("abcdef"))
    y = x["a"] * x["b"] + x["c"] * x["d"] + x["e"] * x["f"]
    noisy = y + 0.01 * y.std() * rng.standard_normal(2000)
    model = KANRegressor(seed=0).fit(x[:1500], noisy[:1500].rename("y"))
    assert sum(hidden_of(model)) > 2
    assert np.std(model.predict(x[1500:]) - y[1500:]) < 0.05 * y.std()


@pytest.mark.parametrize("coverage", [0.5, 0.9])
@pytest.mark.parametrize("log_target", [False, True])
def test_interval_covers_held_out_rows(coverage, log_target):
    rng = np.random.default_rng(6)
    x = rng.uniform(1, 5, (2300, 1))
    y = 3 * x[:, 0] ** 1.5 * np.exp(0.2 * rng.normal(size=2300))
    y = y if log_target else np.log(y)
    model = KANRegressor(hidden=(), log_target=log_target, seed=0).fit(x[:300], y[:300])
    interval = model.predict_interval(x[300:], coverage)
    inside = (y[300:] >= interval["lower"]) & (y[300:] <= interval["upper"])
    assert inside.mean() == pytest.approx(coverage, abs=0.045)
    assert (interval["lower"] < interval["prediction"]).all()
    assert (interval["prediction"] < interval["upper"]).all()


def test_effects_follow_the_signal_through_the_network(freight, model):
    frame, _, truth = freight
    effects = model.effects(grid=20).to_frame()
    assert list(effects.columns) == ["feature", "value", "effect"]
    assert (effects["feature"] == "weight").sum() == 20
    modes = effects[effects["feature"] == "mode"].set_index("value")["effect"]
    assert set(modes.index) == set(FACTOR)
    assert modes["air"] > modes["truck"] > modes["sea"]
    curve = effects[effects["feature"] == "weight"]
    changed = [
        (
            frame.assign(weight=value)["weight"] ** 1.2
            * frame["distance"] ** -0.5
            * frame["mode"].map(FACTOR)
        ).mean()
        for value in curve["value"]
    ]
    np.testing.assert_allclose(curve["effect"], np.array(changed) - truth.mean(), atol=0.12 * np.ptp(changed))


def test_summary_on_held_out_rows(freight, model):
    frame, cost, _ = freight
    held_out = frame.assign(cost=cost).head(100)
    summary = model.summary(held_out)
    assert summary.fit.loc["held out", "rows"] == 100
    error = model.predict(frame.head(100)) - cost.head(100)
    assert summary.fit.loc["held out", "rmse"] == pytest.approx(np.sqrt(np.mean(error**2)))
    assert summary.fit.loc["left out", "r2"] < summary.fit.loc["training", "r2"]
    assert summary.target == "cost"
    assert "cost: additive, log target" in repr(summary)
    assert "<table" in summary._repr_html_()
    assert summary.to_frame().loc[0, "importance"] == summary.effects["importance"].max()
    again = model.summary((frame.head(100), cost.head(100)))
    assert again.fit.loc["held out", "mae"] == summary.fit.loc["held out", "mae"]
    with pytest.raises(FitError, match="no target 'cost'"):
        model.summary(frame)
    with pytest.raises(FitError, match="no column 'mode'"):
        model.summary(frame.drop(columns="mode").assign(cost=1.0))


def hidden_of(model):
    """Nodes of the hidden layers of a fitted model."""
    return tuple(len(layer.bias) for layer in layers_of(model.network_)[:-1])
