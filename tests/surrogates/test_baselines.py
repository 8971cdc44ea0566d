"""Models on the same folds: errors are those of the rows held out, failures are rows, losses are told."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import KFold

import kanopt as ko
from kanopt.surrogates import baselines as measuring
from kanopt.surrogates.baseline_table import Baselines
from kanopt.surrogates.baselines import peer_model

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
def found() -> Baselines:
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


def test_a_model_that_fails_is_a_row_with_its_reason(monkeypatch):
    def broken(name: str, *arguments: object, **options: object) -> object:
        if name == "boosting":
            raise MemoryError("no room for trees")
        return peer_model(name, *arguments, **options)

    def refused(*_: object, **__: object) -> None:
        raise ko.errors.FitError("the rows say nothing")

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
def test_gaps_are_information_for_all_or_an_error(few):
    frame, target = trips()
    gappy = frame.assign(km=frame["km"].where(frame.index % 7 != 0))
    with pytest.raises(
        ko.errors.FitError, match=r"column 'km': .* here that is model=ko.KANRegressor\(missing='indicator'\)"
    ):
        ko.baselines(gappy, target, model=QUICK, progress=False)
    model = ko.KANRegressor(**{**QUICK.get_params(), "missing": "indicator"})
    found = ko.baselines(gappy, target, folds=2, model=model, progress=False)
    assert not found.frame["reason"].any()


@pytest.mark.slow
def test_groups_are_held_out_together(few):
    frame, target = trips()
    days = np.arange(60) // 5
    found = ko.baselines(frame.assign(day=days), target, groups="day", folds=2, model=QUICK, progress=False)
    assert found.columns == 2
    assert not found.frame["reason"].any()
    with pytest.raises(ko.errors.FitError, match=r"folds=13: there are only 12 groups"):
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
    with pytest.raises(ko.errors.FitError, match=words):
        ko.baselines(*trips(), **given)
