"""Models on the same folds: errors are those of the rows held out, failures are rows, losses are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold

import kanopt as ko
from kanopt.surrogates import baselines as measuring
from kanopt.surrogates.peer_models import Smeared, better_of, count_parameters, peer_model

QUICK = ko.KANRegressor((), grid_size=3, smoothing=0.01, log_target=False, log_features=[], starts=1)


def trips(rows: int = 60) -> tuple[pd.DataFrame, pd.Series]:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(
        {"km": rng.uniform(1, 30, rows), "kind": np.where(rng.random(rows) < 0.4, "van", "truck")}
    )
    noise = rng.normal(0, 0.2, rows)
    return frame, (2 * frame["km"] + np.where(frame["kind"] == "van", 0, 5) + noise).rename("minutes")


@pytest.fixture
def few(monkeypatch):
    """Measure few models, where it does not matter which."""
    monkeypatch.setattr(measuring, "PEERS", ("mean", "linear"))


@pytest.fixture(scope="module")
def found() -> ko.Baselines:
    with pytest.MonkeyPatch.context() as patch:  # here it may be installed
        patch.setattr(measuring, "PEERS", ("mean", "linear", "splines", "boosting", "perceptron"))
        return ko.baselines(*trips(), folds=3, seed=1, model=QUICK, progress=False)


@pytest.mark.slow
def test_errors_are_those_of_the_rows_held_out(found):
    frame, target = trips()
    expected = {"mean": [], "linear": []}
    for train, test in KFold(3, shuffle=True, random_state=1).split(frame):
        y, rest = target.to_numpy()[train], target.to_numpy()[test]
        expected["mean"].append(np.sqrt(np.mean((rest - y.mean()) ** 2)))
        columns = np.column_stack([np.ones(len(frame)), frame["km"], frame["kind"] == "van"])
        weights = np.linalg.lstsq(columns[train], y, rcond=None)[0]
        expected["linear"].append(np.sqrt(np.mean((rest - columns[test] @ weights) ** 2)))
    by = found.frame.set_index("model")
    assert by.loc["mean", "rmse"] == pytest.approx(np.mean(expected["mean"]))
    assert by.loc["mean", "rmse_spread"] == pytest.approx(np.std(expected["mean"], ddof=1))
    # ridge regression with a penalty next to none is least squares
    assert by.loc["linear", "rmse"] == pytest.approx(np.mean(expected["linear"]), rel=0.01)
    assert len(found.per_fold) == 3 * len(found.frame)


def test_what_each_is_good_for_is_told_beside_its_error(found):
    by = found.frame.set_index("model")
    assert not found.frame["reason"].any()
    assert by.loc["mean", "parameters"] == 1
    assert by.loc["linear", "parameters"] == 4  # a number, two categories and a constant
    assert by.loc["perceptron", "parameters"] <= by.loc["KAN", "parameters"] + 4
    assert by.loc["boosting", "parameters"] > 0
    assert by["solver"].eq("yes").to_dict() == {name: name == "formula" for name in by.index}
    assert by.loc["formula", "fit_seconds"] > by.loc["KAN", "fit_seconds"]
    assert found.frame["rmse"].is_monotonic_increasing
    assert found.formula is not None
    assert found.formula.output.name == "minutes"
    assert by.loc["formula", "r2"] > 0.99


def test_it_is_told_in_words_as_html_and_as_a_picture(found):
    text = found.text()
    assert text.splitlines()[0].startswith("minutes: 7 models on the same 3 folds of 60 rows and 2 columns (")
    for start in (
        "KAN or MLP: ",
        "KAN or the best of the others: ",
        "As a formula: ",
        "formula of the middle fold: ",
    ):
        assert any(line.startswith(start) for line in text.splitlines()), start
    assert "KAN or MLP" in found._repr_html_()
    ax = found.plot()
    drawn = [label.get_text() for label in ax.get_yticklabels()]
    assert drawn == [name for name in found.frame["model"][::-1] if name != "mean"]
    assert "of the mean" in ax.get_xlabel()


def scores(errors: dict[str, list[float]]) -> ko.Baselines:
    figures = {"mae": 1.0, "r2": 0.5, "parameters": 10, "fit_seconds": 1.0, "predict_seconds": 0.1}
    found = [
        {"model": name, "fold": place, "rmse": error, **figures, "stopped": False, "reason": ""}
        for name, each in errors.items()
        for place, error in enumerate(each, 1)
    ]
    return ko.Baselines("minutes", pd.DataFrame(found), 100, 2, 5)


def test_losses_are_told_as_plainly_as_wins():
    ours = [2.0, 2.1, 1.9, 2.0, 2.0]
    better = scores({"KAN": ours, "perceptron": [4.0] * 5, "boosting": [1.0] * 5, "formula": ours})
    assert list(better.answers()) == [
        "KAN or MLP: the error of a perceptron of as many parameters is 100 % larger than the KAN's (smaller in 0 of 5 "
        "folds).",
        "KAN or the best of the others: the error of gradient boosting is 50 % smaller than the KAN's (smaller in 5 of "
        "5 folds).",
        "As a formula: error the same against the KAN (smaller in 0 of 5 folds; it may be chance).",
    ]
    lost = scores({"KAN": ours, "perceptron": [1.5, 1.0, 2.5, 1.9, 2.2]})
    assert next(lost.answers()).endswith(
        "9 % smaller than the KAN's (smaller in 3 of 5 folds; it may be chance)."
    )


def test_a_model_that_fails_is_a_row_with_its_reason(monkeypatch):
    def broken(name: str, *arguments: object, **options: object) -> object:
        if name == "boosting":
            raise MemoryError("no room for trees")
        return peer_model(name, *arguments, **options)

    def refused(*_: object, **__: object) -> None:
        raise ko.FitError("the rows say nothing")

    monkeypatch.setattr(measuring, "PEERS", ("mean", "boosting", "perceptron"))
    monkeypatch.setattr(measuring, "peer_model", broken)
    monkeypatch.setattr(ko.KANRegressor, "fit", refused)
    found = ko.baselines(*trips(), folds=2, model=QUICK, progress=False)
    reasons = found.frame.set_index("model")["reason"]
    assert reasons["boosting"] == "fold 1: MemoryError: no room for trees"
    assert reasons["KAN"] == "fold 1: the rows say nothing"
    assert reasons["formula"] == "fold 1: there is no KAN to read it from"
    assert reasons["perceptron"].endswith("of which there is none")
    assert found.frame["rmse"].notna().sum() == 1
    assert "boosting: no figures; fold 1: MemoryError: no room for trees" in found.text()
    assert next(found.answers()).startswith("The KAN has no figures, so that nothing is compared with it (")
    assert found.formula is None


@pytest.mark.slow
def test_a_law_that_runs_away_beyond_its_rows_has_no_figures(monkeypatch, few):
    monkeypatch.setattr(ko.KANRegressor, "predict", lambda self, X, **_: np.full(len(X), 1e300))
    found = ko.baselines(*trips(), folds=2, model=QUICK, progress=False)
    told = found.frame.set_index("model").loc["KAN", "reason"]
    assert told == "fold 1: its errors are no numbers (largest prediction 1e300)"


@pytest.mark.slow
def test_gaps_are_information_for_all_or_an_error(few):
    frame, target = trips()
    gappy = frame.assign(km=frame["km"].where(frame.index % 7 != 0))
    with pytest.raises(
        ko.FitError, match=r"column 'km': .* here that is model=ko.KANRegressor\(missing='indicator'\)"
    ):
        ko.baselines(gappy, target, model=QUICK, progress=False)
    model = ko.KANRegressor(**{**QUICK.get_params(), "missing": "indicator"})
    found = ko.baselines(gappy, target, folds=2, model=model, progress=False)
    assert not found.frame["reason"].any()


@pytest.mark.slow
def test_a_category_that_one_fold_alone_has_ends_nothing(few):
    frame, target = trips()
    frame.loc[0, "kind"] = "cart"
    found = ko.baselines(frame.assign(flag=frame.index == 5), target, folds=2, model=QUICK, progress=False)
    assert not found.frame["reason"].any()


@pytest.mark.slow
def test_groups_are_held_out_together(few):
    frame, target = trips()
    days = np.arange(60) // 5
    found = ko.baselines(frame.assign(day=days), target, groups="day", folds=2, model=QUICK, progress=False)
    assert found.columns == 2
    assert not found.frame["reason"].any()
    with pytest.raises(ko.FitError, match=r"folds=13: there are only 12 groups"):
        ko.baselines(frame, target, groups=days, folds=13, model=QUICK)


class Press:
    """Is Ctrl-C as soon as a text of the progress begins so."""

    def __init__(self, start: str) -> None:
        self.start = start

    def __call__(self, text: str) -> None:
        if text.startswith(self.start):
            raise KeyboardInterrupt


@pytest.mark.slow
def test_ctrl_c_keeps_the_folds_that_are_finished(few):
    frame, target = trips()
    with pytest.raises(KeyboardInterrupt):
        ko.baselines(frame, target, folds=3, model=QUICK, progress=Press("fold 1 of 3, KAN"))
    for moment in ("fold 2 of 3, linear", "fold 2 of 3, KAN: "):
        found = ko.baselines(frame, target, folds=3, model=QUICK, progress=Press(moment))
        assert (found.stopped, found.done) == ("on request", 1)
        assert "STOPPED on request after 1 of 3 folds" in found.text()
        assert not found.frame["reason"].any()


def test_a_budget_ends_searches_and_folds(few):
    found = ko.baselines(*trips(), folds=4, budget=0.05, model=ko.KANRegressor(), progress=False)
    assert (found.stopped, found.done) == ("by its budget of 0.05 s", 1)
    assert "KAN: its search was ended by the budget in 1 of 1 fold" in found.text()
    assert any(text.startswith("the fit was stopped by its budget") for text in found.warned)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"folds": 1}, "folds=1 must be a whole number of at least 2"),
        (
            {"folds": 61},
            "folds=61: there are only 60 rows, each of which is held out once; ask for fewer folds",
        ),
        ({"seed": -1}, "seed=-1 must be"),
        ({"budget": 0}, "budget=0 must be a number of seconds above 0"),
        ({"progress": 3}, "progress=3 must be a function"),
        ({"model": ko.KANRegressor(monotone={"kms": 1})}, "did you mean 'km'"),
    ],
)
def test_arguments_are_refused_before_anything_is_learned(given, words):
    with pytest.raises(ko.FitError, match=words):
        ko.baselines(*trips(), **given)


def test_what_is_no_table_of_one_target_in_memory_is_refused():
    frame, target = trips()
    with pytest.raises(ko.FitError, match="which other libraries hold in memory"):
        ko.baselines("trips.parquet", "minutes")
    with pytest.raises(ko.FitError, match="models of one target"):
        ko.baselines(frame, pd.DataFrame({"a": target, "b": target}))
    with pytest.raises(ko.FitError, match="y='minutes' is a name"):
        ko.baselines(frame, "minutes")


@pytest.mark.filterwarnings("ignore")
def test_a_model_of_the_logarithm_is_corrected_by_the_mean_of_what_it_leaves():
    rng = np.random.default_rng(0)
    x = pd.DataFrame({"x": rng.uniform(0, 1, 200)})
    y = np.exp(1 + 2 * x["x"].to_numpy() + rng.normal(0, 0.5, 200))
    line = np.polyfit(x["x"], np.log(y), 1)
    expected = np.exp(np.polyval(line, x["x"])) * np.mean(np.exp(np.log(y) - np.polyval(line, x["x"])))
    np.testing.assert_allclose(Smeared(LinearRegression()).fit(x, y).predict(x), expected)
    chosen = better_of(DummyRegressor(), 200, groups=True).fit(x, y - 3.0, groups=np.arange(200) // 4)
    assert chosen.best_params_ == {"log_target": False}


def test_columns_with_a_period_meet_at_its_ends():
    hours = pd.DataFrame({"hour": np.random.default_rng(0).uniform(0, 24, 300)})
    y = 5 + np.sin(2 * np.pi * hours["hour"].to_numpy() / 24)
    ends = pd.DataFrame({"hour": [0.0, 24.0, 24.5, 0.5]})
    found = peer_model("splines", hours, {"hour": 24.0}).fit(hours, y).predict(ends)
    np.testing.assert_allclose(found[[0, 3]], found[[1, 2]], atol=1e-9)
    np.testing.assert_allclose(found, 5 + np.sin(2 * np.pi * ends["hour"] / 24), atol=0.01)


@pytest.mark.parametrize("name", ["linear", "splines", "boosting", "perceptron"])
def test_rows_of_few_values_that_have_no_logarithm_later_on_are_foretold_all_the_same(name):
    seen = pd.DataFrame(
        {"km": [1.0, 2.0, 4.0, 4.0] * 10, "flag": [0.0, 0.0, 0.0, 1.0] * 10, "kind": ["a", "b"] * 20}
    )
    model = peer_model(name, seen, {}, size=31).fit(seen, 3.0 * seen["km"].to_numpy())
    assert np.isfinite(
        model.predict(pd.DataFrame({"km": [0.0, 90.0], "flag": 0.5, "kind": ["c", "a"]}))
    ).all()
    if name == "perceptron":  # a node of two numbers and two categories has six
        assert abs(count_parameters(model) - 31) <= 6
