from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import torch

import kanopt as ko
from kanopt.errors import FitError, KanoptWarning
from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.robust import HUBER, robust_weights
from kanopt.surrogates.fitting import LearningResult
from kanopt.surrogates.monitor import FitMonitor
from kanopt.surrogates.streaming import learn_streamed
from kanopt.surrogates.streaming.row_blocks import CategoryCodes, SourceColumns
from kanopt.surrogates.streaming.streamed_squares import RobustLoss, StreamedSquares
from kanopt.surrogates.streaming.survey import survey
from kanopt.tables.batches import FrameSource, ParquetSource

GROUP = 1_000
"""Rows of a row group in the files of these tests."""
SAMPLE = 1_500
FEATURES = ["km", "load_t", "mode"]
PLAIN: dict[str, Any] = {"hidden": (), "log_features": [], "log_target": False, "loss": "squared"}


@pytest.fixture(scope="module")
def trips() -> pd.DataFrame:
    """6,000 trips whose cost has a known law, with a weight column."""
    rng = np.random.default_rng(5)
    count = 6_000
    km, load = rng.uniform(5.0, 80.0, count), rng.uniform(1.0, 10.0, count)
    mode = rng.choice(["road", "rail", "barge"], count)
    cost = 20.0 + 0.8 * km + 3.0 * np.sin(load) + np.where(mode == "rail", 5.0, 0.0)
    return pd.DataFrame(
        {
            "km": km,
            "load_t": load,
            "mode": mode,
            "count": rng.integers(0, 4, count),
            "cost_eur": cost + rng.normal(0.0, 1.0, count),
        }
    )


def written(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path, row_group_size=GROUP)
    return path


class StopsAfter(FitMonitor):
    """Says to stop when it was asked before so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self.left = times

    def should_stop(self) -> bool:
        self.left -= 1
        return self.left < 0


class Reading:
    """Gives a frame in parts, counts them over all readings, and presses Ctrl-C with one."""

    def __init__(self, frame: pd.DataFrame, press_at: int = 0) -> None:
        self.frame, self.press_at, self.count = frame, press_at, 0
        self.batches = len(frame) // 1_000

    def __call__(self) -> Iterator[pd.DataFrame]:
        for part in range(self.batches):
            self.count += 1
            if self.count == self.press_at:
                signal.raise_signal(signal.SIGINT)
            yield self.frame.iloc[1_000 * part : 1_000 * (part + 1)]


def predicted(streamed: LearningResult, frame: pd.DataFrame) -> Any:
    law = streamed.law
    return law.predict(*law.encoding.transform(frame[list(law.encoding.names)]))


class TestSameLawAsInMemory:
    @pytest.mark.parametrize(
        ("settings", "near"),
        [
            ({}, 0.05),
            ({"loss": "huber"}, 0.05),
            ({"loss": "tukey"}, 0.05),
            ({"log_target": True, "log_features": ["km"]}, 0.1),
            ({"monotone": {"km": 1}, "smoothing": 1e-5}, 0.05),
            ({"positive": True}, 0.05),
            ({"hidden": (1,), "starts": 6, "grid_size": 8, "precision": "mixed"}, 0.2),
        ],
    )
    def test_on_all_rows_of_a_file(
        self,
        trips: pd.DataFrame,
        tmp_path: Path,
        settings: dict[str, Any],
        near: float,
    ) -> None:
        model = ko.KANRegressor(**{**PLAIN, **settings})
        path = written(trips, tmp_path / "trips.parquet")
        streamed = learn_streamed(path, "cost_eur", model, features=FEATURES, weights="count", sample=SAMPLE)
        model.fit(trips[FEATURES], trips["cost_eur"], trips["count"])
        apart = predicted(streamed, trips) - model.predict(trips[FEATURES])
        assert np.abs(apart).mean() < near  # the errors have a standard deviation of 1
        measures = streamed.law.measures["training"]
        assert measures["rows"] == (trips["count"] > 0).sum()
        inside = model._law.measures["training"]
        for name in ("r2", "rmse", "mae", "ratio"):
            assert measures[name] == pytest.approx(inside[name], rel=2e-3)

    def test_in_one_piece_where_the_sample_holds_all_rows(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        model = ko.KANRegressor(**PLAIN)
        streamed = learn_streamed(
            written(trips, tmp_path / "t.parquet"), "cost_eur", model, features=FEATURES
        )
        model.fit(trips[FEATURES], trips["cost_eur"])
        assert streamed.readings == 1
        np.testing.assert_allclose(predicted(streamed, trips), model.predict(trips[FEATURES]), rtol=1e-10)

    def test_an_additive_model_is_read_three_times(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        path = written(trips, tmp_path / "trips.parquet")
        model = ko.KANRegressor(**PLAIN)
        streamed = learn_streamed(path, "cost_eur", model, features=FEATURES, sample=SAMPLE)
        assert streamed.readings == 3

    def test_how_the_rows_come_does_not_matter(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        model, rows = ko.KANRegressor(**PLAIN), trips[[*FEATURES, "cost_eur"]]
        half = len(rows) // 2
        paths = [
            written(rows[:half], tmp_path / "a.parquet"),
            written(rows[half:].reset_index(drop=True), tmp_path / "b.parquet"),
        ]

        def batches() -> Iterator[pd.DataFrame]:
            for start in range(0, len(rows), 700):
                yield rows.iloc[start : start + 700].astype({"mode": "category"})

        laws = [
            learn_streamed(given, "cost_eur", model, sample=SAMPLE)
            for given in (
                written(rows, tmp_path / "all.parquet"),
                [str(path) for path in paths],
                batches,
                batches(),
            )
        ]
        first = predicted(laws[0], trips)
        for law in laws[1:]:
            np.testing.assert_allclose(predicted(law, trips), first, rtol=1e-9)

    def test_periods(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(2)
        frame = pd.DataFrame({"hour": rng.uniform(0.0, 24.0, 4_000), "km": rng.uniform(1.0, 9.0, 4_000)})
        frame["y"] = np.cos(2 * np.pi * frame["hour"] / 24) + frame["km"]
        path = written(frame, tmp_path / "hours.parquet")
        streamed = learn_streamed(path, "y", ko.KANRegressor(**PLAIN), periods={"hour": 24.0}, sample=SAMPLE)
        assert [feature.kind for feature in streamed.law.encoding.features] == ["cycle", "number"]
        assert streamed.law.measures["training"]["rmse"] < 0.02

    @pytest.mark.slow
    def test_from_a_path_to_a_formula(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        path = written(trips, tmp_path / "trips.parquet")
        model = ko.KANRegressor(**PLAIN).fit(str(path), "cost_eur", "count", columns=FEATURES)
        np.testing.assert_array_equal(
            model.predict(trips[FEATURES]),
            ko.KANRegressor(**PLAIN)
            .fit(lambda: iter([trips]), "cost_eur", "count", columns=FEATURES)
            .predict(trips[FEATURES]),
        )
        assert model.target_name_ == "cost_eur"
        fit = model.to_formula(trips).fit
        assert fit is not None
        assert fit.r2 > 0.95

    def test_asked_to_stop_the_law_is_that_of_the_sample(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        path = written(trips, tmp_path / "trips.parquet")
        streamed = learn_streamed(
            path,
            "cost_eur",
            ko.KANRegressor(**PLAIN),
            features=FEATURES,
            watch=StopsAfter(1),
            sample=SAMPLE,
        )
        assert streamed.readings == 1
        assert streamed.law.measures["training"]["rows"] == SAMPLE
        assert np.std(predicted(streamed, trips) - trips["cost_eur"]) < 1.1

    def test_asked_to_stop_in_the_last_reading_the_law_is_that_of_all_rows(
        self, trips: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reading = Reading(trips[[*FEATURES, "cost_eur"]])
        model = ko.KANRegressor(**PLAIN)
        whole = learn_streamed(reading, "cost_eur", model, sample=SAMPLE)
        reading.count = 0
        watch = FitMonitor()
        monkeypatch.setattr(watch, "should_stop", lambda: reading.count == 3 * reading.batches - 1)
        streamed = learn_streamed(reading, "cost_eur", model, watch=watch, sample=SAMPLE)
        np.testing.assert_allclose(predicted(streamed, trips), predicted(whole, trips), rtol=1e-9)
        assert reading.count == 3 * reading.batches - 1
        assert streamed.law.measures["training"]["rows"] == SAMPLE

    @pytest.mark.parametrize("once", [False, True])
    def test_ctrl_c_in_the_first_reading_ends_it_at_once(self, trips: pd.DataFrame, once: bool) -> None:
        reading = Reading(trips, press_at=3)
        with pytest.raises(KeyboardInterrupt, match="nothing was learned yet"):
            ko.KANRegressor(**PLAIN).fit(
                reading() if once else reading, "cost_eur", "count", columns=FEATURES
            )
        assert reading.count == 3

    def test_a_budget_that_is_over_in_the_first_reading_is_refused(self, trips: pd.DataFrame) -> None:
        with pytest.raises(FitError, match=r"budget of 0.0001 s was over while the table was read"):
            ko.KANRegressor(**PLAIN).fit(lambda: [trips], "cost_eur", "count", columns=FEATURES, budget=1e-4)

    def test_formulas_are_chosen_on_the_sampled_rows(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        path = written(trips, tmp_path / "trips.parquet")
        streamed = learn_streamed(
            path, "cost_eur", ko.KANRegressor(**PLAIN), features=FEATURES, sample=SAMPLE
        )
        assert len(streamed.rows.target) == SAMPLE
        km = streamed.law.domain.ranges[0]
        assert km.low == pytest.approx(trips["km"].min() / 10.0)
        assert km.high == pytest.approx(trips["km"].max() / 10.0)
        assert streamed.law.measures["left out"]["rows"] == SAMPLE


class TestRefusals:
    def test_missing_values_are_named_by_file_and_row(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        bad = trips[[*FEATURES, "cost_eur"]].copy()
        bad.loc[3_456, "km"], bad.loc[5_001, "km"], bad.loc[12, "mode"] = np.nan, np.inf, None
        good = written(trips[:100], tmp_path / "good.parquet")
        path = written(bad, tmp_path / "bad.parquet")
        with pytest.raises(FitError) as caught:
            learn_streamed([good, path], "cost_eur", ko.KANRegressor(), features=FEATURES)
        first, second = str(caught.value).splitlines()
        assert "column 'km': 1 missing (NaN) and 1 infinite (inf) of 6100 values" in first
        assert "row 3456 of bad.parquet (counted from 0)" in first
        assert "column 'mode': 1 missing" in second
        assert "row 12 of bad.parquet" in second

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"cost_eur": np.nan}, "target 'cost_eur': 1 missing"),
            ({"count": np.nan}, "weights 'count': 1 missing"),
            ({"count": -1.0}, "weights 'count' must be at least 0"),
        ],
    )
    def test_bad_targets_and_weights(
        self, trips: pd.DataFrame, tmp_path: Path, change: dict[str, float], words: str
    ) -> None:
        bad = trips.astype({"count": float})
        for name, value in change.items():
            bad.loc[7, name] = value
        path = written(bad, tmp_path / "bad.parquet")
        with pytest.raises(FitError, match=re.escape(words)):
            learn_streamed(path, "cost_eur", ko.KANRegressor(), features=FEATURES, weights="count")

    def test_rows_without_weight_may_hold_anything(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        odd = trips.astype({"count": float})
        odd.loc[odd["count"] == 0, ["km", "cost_eur"]] = np.nan
        path = written(odd, tmp_path / "odd.parquet")
        streamed = learn_streamed(
            path, "cost_eur", ko.KANRegressor(**PLAIN), features=FEATURES, weights="count", sample=SAMPLE
        )
        assert streamed.law.measures["training"]["rmse"] == pytest.approx(1.0, rel=0.05)

    def test_a_category_that_only_rows_without_weight_have_is_none(self, trips: pd.DataFrame) -> None:
        odd = trips.assign(mode=trips["mode"].where(trips["count"] > 0, "ghost").astype("category"))
        streamed = learn_streamed(
            lambda: iter([odd]), "cost_eur", ko.KANRegressor(**PLAIN), features=FEATURES, weights="count"
        )
        assert streamed.law.encoding.categories[0].categories == ("barge", "rail", "road")

    def test_targets_beyond_the_bounds(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        path = written(trips, tmp_path / "trips.parquet")
        model = ko.KANRegressor(hidden=(), bounds=(0, 1))
        words = (
            r"trips.parquet, in a sample of 500 rows: bounds=\(0, 1\): the target is outside in 500 of 500"
        )
        with pytest.raises(FitError, match=words):
            learn_streamed(path, "cost_eur", model, features=FEATURES, sample=500)
        high = float(trips["cost_eur"].quantile(0.8))
        model = ko.KANRegressor(hidden=(), log_features=[], bounds=(0, high))
        with pytest.warns(KanoptWarning, match="in a sample of 500 rows: bounds"):
            learn_streamed(path, "cost_eur", model, features=FEATURES, sample=500)

    @pytest.mark.parametrize("column", ["cost_eur", "km"])
    def test_numbers_whose_powers_overflow(self, trips: pd.DataFrame, tmp_path: Path, column: str) -> None:
        bad = trips.copy()
        bad.loc[4_321, column] = -1e80
        path = written(bad, tmp_path / "bad.parquet")
        words = f"'{column}': row 4321 of bad.parquet (counted from 0) holds a number beyond 1e60"
        with pytest.raises(FitError, match=re.escape(words)):
            learn_streamed(path, "cost_eur", ko.KANRegressor(), features=FEATURES)

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"features": "km"}, "columns='km' must be a list of names of columns"),
            ({"features": [["km"]]}, "columns=[['km']] must be a list of names of columns"),
            ({"target": "cost"}, "no column 'cost' for target; did you mean 'count'?"),
            ({"features": ["km", "load"]}, "no column 'load' for columns; did you mean 'load_t'?"),
            ({"weights": "cuont"}, "no column 'cuont' for sample_weight; did you mean 'count'?"),
            ({"target": "mode"}, "column 'mode', the target, must hold numbers"),
            ({"features": ["km", "cost_eur"]}, "which is the target or the weight"),
            ({"features": ["km", "km"]}, "column 'km' occurs twice"),
        ],
    )
    def test_columns(
        self, trips: pd.DataFrame, tmp_path: Path, arguments: dict[str, Any], words: str
    ) -> None:
        path = written(trips, tmp_path / "trips.parquet")
        arguments = {"target": "cost_eur", **arguments}
        with pytest.raises(FitError, match=re.escape(words)):
            learn_streamed(path, arguments.pop("target"), ko.KANRegressor(), **arguments)

    @pytest.mark.parametrize(
        ("column", "words"),
        [
            (np.full(6_000, 4.0), "is constant (4 in all 6000 rows)"),
            (np.full(6_000, "a"), "is constant ('a' in all 6000 rows)"),
            ([f"trip {k}" for k in range(6_000)], "holds more than 1,000 different values"),
            (pd.date_range("2026-01-01", periods=6_000, freq="h"), "holds neither numbers nor categories"),
        ],
    )
    def test_columns_nothing_can_be_learned_from(
        self, trips: pd.DataFrame, tmp_path: Path, column: Any, words: str
    ) -> None:
        path = written(trips.assign(odd=column), tmp_path / "trips.parquet")
        with pytest.raises(FitError, match=re.escape(words)):
            learn_streamed(path, "cost_eur", ko.KANRegressor())

    def test_a_column_that_hardly_varies(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        rare = np.zeros(len(trips))
        rare[-1] = 1.0
        path = written(trips.assign(rare=rare), tmp_path / "trips.parquet")
        with pytest.raises(FitError, match="'rare' is 0 in all 500 rows of the sample"):
            learn_streamed(path, "cost_eur", ko.KANRegressor(**PLAIN), sample=500)

    def test_a_logarithm_of_targets_that_have_none(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        low = trips.assign(cost_eur=trips["cost_eur"] - trips["cost_eur"].min())
        path = written(low, tmp_path / "low.parquet")
        with pytest.raises(FitError, match="'cost_eur' goes down to 0"):
            learn_streamed(path, "cost_eur", ko.KANRegressor(log_target=True), features=FEATURES, sample=500)
        model = ko.KANRegressor(hidden=(), log_features=[])
        streamed = learn_streamed(path, "cost_eur", model, features=FEATURES, sample=500)
        assert not streamed.law.log_target

    def test_few_rows(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        for rows in (0, 4):
            path = written(trips[:rows], tmp_path / f"{rows}.parquet")
            with pytest.raises(FitError, match=f"n_samples = {rows}: a law needs at least 5 rows"):
                learn_streamed(path, "cost_eur", ko.KANRegressor(), features=FEATURES)

    def test_a_callable_that_gives_its_rows_once(self, trips: pd.DataFrame) -> None:
        once = iter([trips[:3_000], trips[3_000:]])
        with pytest.raises(FitError, match="a callable must return a fresh iterator"):
            learn_streamed(lambda: once, "cost_eur", ko.KANRegressor(**PLAIN), features=FEATURES, sample=500)


class TestObjective:
    def test_a_robust_loss_is_that_of_reweighting(self) -> None:
        residual = torch.linspace(-9.0, 9.0, 400, dtype=torch.float64, requires_grad=True)
        for name in ("huber", "tukey"):
            loss = RobustLoss(name, scale=1.5)
            twice = loss.doubled_loss(residual)
            (slope,) = torch.autograd.grad(twice.sum(), residual)
            torch.testing.assert_close(0.5 * slope, loss.weight_share(residual) * residual)
            small = residual.abs() < 1e-2
            torch.testing.assert_close(twice[small], residual[small].square(), rtol=1e-4, atol=0.0)
        inside = robust_weights(residual.detach(), torch.ones(400, dtype=torch.float64), "huber")
        scale = float(residual.detach().abs().median()) / 0.6745
        torch.testing.assert_close(
            RobustLoss("huber", scale).weight_share(residual.detach()), inside, rtol=0.01, atol=0.0
        )
        assert float(inside.min()) == pytest.approx(HUBER * scale / 9.0, rel=0.01)

    def test_loss_and_gradient_are_of_all_rows_and_the_matrix_of_some(self) -> None:
        generator = torch.Generator().manual_seed(4)
        shape = Architecture(2, hidden=(2,), grid_size=3)
        numbers = torch.rand(9_000, 2, dtype=torch.float64, generator=generator)
        data = Data(
            InputTensors(numbers, torch.zeros(9_000, 0, dtype=torch.int64)),
            numbers.prod(1, keepdim=True),
            torch.rand(9_000, dtype=torch.float64, generator=generator),
        )
        zero = torch.zeros(1, 2, dtype=torch.float64)
        theta = torch.randn(1, shape.parameters, dtype=torch.float64, generator=generator)
        network = KANBatch(shape, theta, (zero, zero - 3.0), (zero + 1.0, zero + 3.0), zero[:, :1])
        reads: Callable[[], Iterator[Data]] = lambda: data.chunks(2_000)  # noqa: E731
        network = replace(network, active=torch.rand(theta.shape, generator=generator) < 0.9)
        exact = LeastSquares(data).normal_equations(network)
        for share in (1.0, 0.5):
            streamed = StreamedSquares(reads, data.inputs, share=share)
            found = streamed.normal_equations(network)
            torch.testing.assert_close(found.squares, exact.squares)
            torch.testing.assert_close(found.vector, exact.vector)
            apart = (found.matrix - exact.matrix).norm() / exact.matrix.norm()
            assert float(apart) < (1e-12 if share == 1.0 else 0.05)
            streamed.squares(network)
            assert streamed.readings == 1


class TestSurvey:
    def test_the_sample_does_not_follow_rows_drawn_with_the_same_seed(self) -> None:
        rows = np.random.default_rng(0).uniform(size=10_000)
        frame = pd.DataFrame({"km": rows, "y": rows})
        source = FrameSource(lambda: [frame])
        found = survey(source, SourceColumns.of(source, "y", None), seed=0, size=1_000)
        assert found.sample.numbers.mean() == pytest.approx(0.5, abs=0.03)

    def test_ranges_categories_and_a_uniform_sample(self, trips: pd.DataFrame, tmp_path: Path) -> None:
        source = ParquetSource((written(trips, tmp_path / "trips.parquet"),))
        columns = SourceColumns.of(source, "cost_eur", FEATURES, "count")
        used = trips[trips["count"] > 0]
        first, again = (survey(source, columns, seed=3, size=2_000) for _ in range(2))
        assert (first.low, first.high) == (used["cost_eur"].min(), used["cost_eur"].max())
        assert (first.rows, first.weight) == (len(used), used["count"].sum())
        km = first.encoding.features[0]
        assert (km.low, km.high) == (used["km"].min(), used["km"].max())
        assert first.encoding.features[2].categories == ("barge", "rail", "road")
        np.testing.assert_array_equal(first.sample.numbers, again.sample.numbers)
        assert len(first.sample) == 2_000
        assert len(np.unique(first.sample.numbers[:, 0])) == 2_000
        assert abs(first.sample.numbers[:, 0].mean() - used["km"].mean()) < 4 * used["km"].std() / 2_000**0.5
        other = survey(source, columns, seed=4, size=2_000)
        assert not np.array_equal(first.sample.numbers, other.sample.numbers)
        read = np.concatenate([table.target for table in first.tables()])
        np.testing.assert_array_equal(read, used["cost_eur"])

    def test_values_that_no_row_has_are_no_categories(self) -> None:
        known = CategoryCodes()
        array = pa.DictionaryArray.from_arrays(pa.array([2, None, 2]), pa.array(["x", "y", "z"]))
        assert known.encode(array).tolist() == [0, -1, 0]
        assert list(known.codes) == ["z"]

    def test_booleans_are_categories(self) -> None:
        frame = pd.DataFrame({"late": [True, False] * 5, "km": np.arange(10.0), "y": np.arange(10.0)})
        source = FrameSource(lambda: [frame])
        found = survey(source, SourceColumns.of(source, "y", None), seed=0)
        assert found.encoding.features[0].categories == (False, True)
        assert found.sample.codes[:4, 0].tolist() == [1, 0, 1, 0]
        assert found.whole
