"""Tables read batch by batch: the rows drawn, the law learned from them, and what it is measured on."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import FitError
from kanopt.surrogates import fits
from kanopt.tables.stores import BatchSource

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
    counts = rng.integers(0, 4, count)
    cost += rng.normal(0.0, 1.0, count)
    return pd.DataFrame({"km": km, "load_t": load, "mode": mode, "count": counts, "cost_eur": cost})


@pytest.fixture(autouse=True)
def _sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fits, "SAMPLE", SAMPLE)


def written(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_parquet(path, row_group_size=1_000)
    return path


class Reading:
    """Counts the batches of a file over all readings, and presses Ctrl-C with one."""

    def __init__(self, path: Path) -> None:
        self.path, self.press_at, self.count = path, 0, 0

    def read(self, source: BatchSource, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
        for frame in _READ(source, columns):
            self.count += 1
            if self.count == self.press_at:
                signal.raise_signal(signal.SIGINT)
            yield frame


_READ = BatchSource._read


@pytest.fixture
def reading(trips: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reading:
    """The trips, read in batches of 1,000."""
    reading = Reading(written(trips, tmp_path / "trips.parquet"))
    monkeypatch.setattr("kanopt.tables.stores._BATCH", 1_000)
    monkeypatch.setattr(BatchSource, "_read", lambda source, columns: reading.read(source, columns))
    return reading


def fitted(
    source: Any, target: str = "cost_eur", weights: str | None = None, **arguments: Any
) -> ko.KANRegressor:
    columns = arguments.pop("columns", FEATURES)
    return ko.KANRegressor(**{**PLAIN, **arguments}).fit(source, target, weights, columns=columns)


@pytest.mark.parametrize("settings", [{}, {"loss": "huber"}, {"log_target": True, "log_features": ["km"]}])
def test_the_law_of_a_sample_is_near_that_of_all_rows_and_measured_on_them(
    trips: pd.DataFrame, tmp_path: Path, settings: dict[str, Any]
) -> None:
    drawn = fitted(written(trips, tmp_path / "trips.parquet"), weights="count", **settings)
    whole = ko.KANRegressor(**{**PLAIN, **settings}).fit(trips[FEATURES], trips["cost_eur"], trips["count"])
    apart = drawn.predict(trips[FEATURES]) - whole.predict(trips[FEATURES])
    assert np.abs(apart).mean() < 0.3  # the errors have a standard deviation of 1
    found, expected = drawn._law.measures["training"], whole._law.measures["training"]
    assert found["rows"] == (trips["count"] > 0).sum()
    for name in ("r2", "rmse", "mae", "ratio"):
        assert found[name] == pytest.approx(expected[name], rel=0.03)


def test_where_the_sample_holds_all_rows_it_is_the_law_of_the_table(
    trips: pd.DataFrame, reading: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits, "SAMPLE", 6_000)
    whole = ko.KANRegressor(**PLAIN).fit(trips[FEATURES], trips["cost_eur"])
    np.testing.assert_array_equal(
        fitted(reading.path).predict(trips[FEATURES]), whole.predict(trips[FEATURES])
    )
    assert reading.count == 1 + 6  # the kinds of the columns, and one reading


def test_how_the_rows_come_does_not_matter(
    trips: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = len(trips) // 2
    first = written(trips[:half], tmp_path / "a.parquet")
    second = written(trips[half:], tmp_path / "b.parquet")
    expected = fitted(written(trips, tmp_path / "all.parquet")).predict(trips[FEATURES])
    np.testing.assert_array_equal(fitted([second, first]).predict(trips[FEATURES]), expected)
    coded = written(trips.astype({"mode": "category"}), tmp_path / "coded.parquet")
    monkeypatch.setattr("kanopt.tables.stores._BATCH", 700)
    np.testing.assert_array_equal(fitted(coded).predict(trips[FEATURES]), expected)


def test_groups_and_periods_are_those_of_tables_in_memory(trips: pd.DataFrame, tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    frame = trips.assign(hour=rng.uniform(0.0, 24.0, 6_000), day=np.arange(6_000) // 60)
    frame["cost_eur"] += 5.0 * np.cos(2 * np.pi * frame["hour"] / 24)
    model = ko.KANRegressor(**PLAIN, periodic={"hour": 24})
    path = written(frame, tmp_path / "days.parquet")
    model.fit(path, "cost_eur", groups="day", columns=[*FEATURES, "hour"])
    kinds = {feature.name: feature.kind for feature in model.encoding_.features}
    assert kinds == {"km": "number", "load_t": "number", "mode": "category", "hour": "cycle"}
    assert model._law.measures["training"]["rows"] == 6_000


def test_ctrl_c_in_the_first_reading_ends_it_at_once(reading: Reading) -> None:
    reading.press_at = 3
    with pytest.raises(KeyboardInterrupt):
        fitted(reading.path)
    assert reading.count == 3


def test_asked_to_stop_later_the_measures_are_those_of_the_sample(reading: Reading) -> None:
    reading.press_at = 10
    model = fitted(reading.path)
    assert reading.count == 10
    assert model._law.measures["training"]["rows"] == SAMPLE


def test_a_budget_that_is_over_in_the_first_reading_is_refused(reading: Reading) -> None:
    with pytest.raises(FitError, match=r"budget of 0.0001 s while the table was read"):
        ko.KANRegressor(**PLAIN).fit(reading.path, "cost_eur", columns=FEATURES, budget=1e-4)


def test_rows_without_weight_may_hold_anything(trips: pd.DataFrame, tmp_path: Path) -> None:
    odd = trips.astype({"count": float})
    odd.loc[odd["count"] == 0, ["km", "cost_eur"]] = np.nan
    odd["mode"] = odd["mode"].where(odd["count"] > 0, "ghost")
    model = fitted(written(odd, tmp_path / "odd.parquet"), weights="count")
    assert model._law.measures["training"]["rmse"] == pytest.approx(1.0, rel=0.05)
    assert model.encoding_.categories[0].categories == ("barge", "rail", "road")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"cost_eur": np.nan}, "row 2000 of bad.parquet (counted from 0): column 'cost_eur' is missing"),
        ({"km": np.nan}, "column 'km' is missing or beyond 1e60; leave such rows out"),
        ({"km": np.inf}, "column 'km' is missing or beyond 1e60"),
        ({"cost_eur": -1e80}, "column 'cost_eur' is missing or beyond 1e60"),
        ({"mode": None}, "column 'mode' is missing"),
        ({"count": np.nan}, "the weights 'count' must be numbers of at least 0"),
        ({"count": -1.0}, "the weights 'count' must be numbers of at least 0"),
    ],
)
def test_bad_cells_of_all_rows_are_named_by_file_and_row(
    trips: pd.DataFrame, tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    bad = trips.astype({"count": float})
    for name, value in change.items():
        bad.loc[4_000, name] = value
    paths = [written(bad[:2_000], tmp_path / "a.parquet"), written(bad[2_000:], tmp_path / "bad.parquet")]
    with pytest.raises(FitError, match=re.escape(words)):
        fitted(paths, weights="count")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"columns": "km"}, "columns='km' must be a list of names of columns"),
        ({"target": "cost"}, "no column 'cost'; did you mean 'count'?"),
        ({"columns": ["km", "load"]}, "no column 'load'; did you mean 'load_t'?"),
        ({"weights": "cuont"}, "no column 'cuont'; did you mean 'count'?"),
        ({"target": "mode"}, "column 'mode' must hold numbers"),
        ({"columns": ["km", "cost_eur"]}, "holds a column twice, or the target or the weight"),
        ({"columns": ["km", "km"]}, "holds a column twice"),
        ({"target": 3}, "y must be the name of a column"),
    ],
)
def test_columns_that_cannot_be(reading: Reading, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(FitError, match=re.escape(words)):
        fitted(reading.path, **arguments)


def test_few_rows(trips: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(FitError, match="n_samples = 4: a law needs at least 5 rows"):
        fitted(written(trips[:4], tmp_path / "few.parquet"))
