"""A search for a law ends at any time with the best so far, says so, and is the same for the same seed otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kanopt import KanoptWarning, KANRegressor
from kanopt.formulas import Formula
from kanopt.surrogates.monitor import FitProgress

NEVER = 1e6
"""Seconds that no fit of these tests takes."""


def table(seed: int, rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"km": rng.uniform(2, 40, rows), "load_t": rng.uniform(1, 9, rows)})
    frame["cost"] = 3.0 + 1.7 * frame["km"] * (1.0 + 0.1 * frame["load_t"]) + 0.3 * rng.normal(size=rows)
    return frame


def fitted(frame: pd.DataFrame, hidden: Any = "auto", **options: Any) -> KANRegressor:
    return KANRegressor(hidden, seed=3, starts=2).fit(frame[["km", "load_t"]], frame["cost"], **options)


class Presses:
    """Raises KeyboardInterrupt once, at the step with a number, and counts the steps."""

    def __init__(self, at: int) -> None:
        self.at, self.told = at, list[FitProgress]()

    def __call__(self, progress: FitProgress) -> None:
        self.told.append(progress)
        if len(self.told) == self.at:
            raise KeyboardInterrupt


class TestFit:
    @pytest.mark.slow
    def test_a_budget_that_is_never_reached_changes_nothing(self) -> None:
        frame = table(1)
        models = [fitted(frame), fitted(frame), fitted(frame, budget=NEVER), fitted(frame, progress=False)]
        for model in models[1:]:
            assert models[0].network_ == model.network_
            assert model.stopped_ == ""

    @pytest.mark.slow
    def test_stopped_at_any_step_the_best_law_so_far_is_there_and_says_so(self, tmp_path: Path) -> None:
        frame = table(2)
        whole = Presses(at=0)
        fitted(frame, progress=whole)
        spread = float(frame["cost"].std())
        for at in np.linspace(1, len(whole.told), 4).astype(int):
            pressed = Presses(int(at))
            with pytest.warns(KanoptWarning, match="the fit was stopped on request; kept is the best of"):
                model = fitted(frame, progress=pressed)
            assert len(pressed.told) < len(whole.told) + 5
            assert model.stopped_.startswith("on request after ")
            assert np.isfinite(model.predict(frame)).all()
            assert np.std(model.predict(frame) - frame["cost"]) < spread
            assert f"the best law until the fit was stopped {model.stopped_}" in str(model.summary())

    @pytest.mark.slow
    def test_its_budget_stops_it(self) -> None:
        frame = table(3)
        with pytest.warns(KanoptWarning, match="stopped by its budget of 0.001 s"):
            model = fitted(frame, budget=1e-3)
        assert model.stopped_ == "by its budget of 0.001 s after 1 structure"
        assert np.std(model.predict(frame) - frame["cost"]) < frame["cost"].std()
        assert fitted(frame).stopped_ == ""

    def test_several_targets_share_a_budget(self) -> None:
        frame = table(5)
        targets = pd.DataFrame({"a": frame["cost"], "b": 2.0 * frame["cost"]})
        with pytest.warns(KanoptWarning, match="best of 2 structures"):
            model = KANRegressor().fit(frame[["km", "load_t"]], targets, budget=1e-3)
        assert [each.stopped_ for each in model.outputs_.values()] == [
            "by its budget of 0.001 s after 1 structure"
        ] * 2


@pytest.fixture(scope="module")
def model() -> KANRegressor:
    return fitted(table(8), hidden=(2,))


@pytest.fixture(scope="module")
def held_out() -> pd.DataFrame:
    return table(9)


class TestFormula:
    @pytest.mark.slow
    def test_a_budget_that_is_never_reached_changes_nothing(
        self, model: KANRegressor, held_out: pd.DataFrame
    ) -> None:
        laws = [model.to_formula(held_out), model.to_formula(held_out, budget=NEVER, progress=False)]
        assert laws[0] == laws[1]
        assert laws[0].to_json() == laws[1].to_json()
        assert laws[0].stopped == ""

    @pytest.mark.slow
    def test_stopped_at_any_refit_the_best_law_so_far_is_there_and_says_so(
        self, model: KANRegressor, held_out: pd.DataFrame, tmp_path: Path
    ) -> None:
        whole = Presses(at=0)
        best = model.to_formula(held_out, progress=whole).fit
        assert best is not None
        errors = []
        for at in [1, 2, *np.linspace(3, len(whole.told), 6).astype(int)]:
            pressed = Presses(int(at))
            with pytest.warns(KanoptWarning, match="search for a formula was stopped on request after"):
                law = model.to_formula(held_out, progress=pressed)
            assert len(pressed.told) < at + 5
            assert law.stopped.startswith("the search for a formula on request after ")
            assert law.fit is not None
            errors.append(law.fit.rmse)
            assert ("stopped early", f"{law.stopped}; the best law until then") in law.facts()
        # from the first moment on there is the network
        assert errors[0] < 1.1 * best.rmse
        assert max(errors) < 0.05 * held_out["cost"].std()
        law.save(tmp_path / "law.json")
        assert Formula.load(tmp_path / "law.json").stopped == law.stopped

    def test_progress_says_which_search_of_how_many_and_how_many_refits(
        self, model: KANRegressor, held_out: pd.DataFrame
    ) -> None:
        told = Presses(at=0)
        law = model.to_formula(held_out, progress=told, budget=NEVER)
        refits = [each.refits for each in told.told]
        assert refits == sorted(refits)
        assert max(each.tried for each in told.told) < told.told[-1].most
        assert law.fit is not None
        assert str(told.told[0]).startswith("search 1 of at most 10, 0 of about 240 refits")
        assert "search 1 of at most 10 (sums of products)" in str(told.told[1])
        assert "best error" in str(told.told[-1])

    def test_a_law_whose_fit_was_stopped_says_so(self, held_out: pd.DataFrame) -> None:
        with pytest.warns(KanoptWarning, match="the fit was stopped"):
            early = fitted(table(8), progress=Presses(1))
        assert early.to_formula(held_out).stopped == f"the fit {early.stopped_}"

    def test_its_budget_stops_it(self, model: KANRegressor, held_out: pd.DataFrame) -> None:
        with pytest.warns(KanoptWarning, match="stopped by its budget of 0.001 s after"):
            law = model.to_formula(held_out, budget=1e-3)
        assert "by its budget of 0.001 s after" in law.stopped
