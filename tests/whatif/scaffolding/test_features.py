"""Features of a history: what is made of the target, known afterwards or a name is none, whatever it is called."""

from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd
import pytest

import kanopt as ko

ROWS = 400


@pytest.fixture
def rides() -> pd.DataFrame:
    rng = np.random.default_rng(2)
    warm, wind = rng.uniform(0, 30, ROWS), rng.uniform(0, 9, ROWS)
    a = (40 + 6 * warm - 3 * wind + rng.normal(0, 9, ROWS)).round()
    b = (90 + 2 * warm + rng.normal(0, 15, ROWS)).round()
    return pd.DataFrame({"warm": warm.round(1), "wind": wind.round(1), "p": a, "q": b, "demand": a + b})


def law_of(frame: pd.DataFrame, folder) -> tuple[dict, ko.Scaffold, str]:
    frame.to_csv(folder / "log.csv", index=False)
    made = ko.scaffold([folder / "log.csv"])
    text = made.write(folder / "first.toml").read_text("utf-8")
    return next(iter(tomllib.loads(text)["surrogates"].values())), made, text


def why(made: ko.Scaffold, column: str) -> str:
    rows = made.guesses.query("column == @column and guess.str.startswith('no feature')")
    return rows["why"].item()


def test_parts_that_add_up_to_the_target_are_left_out(tmp_path, rides):
    law, made, _ = law_of(rides, tmp_path)
    assert law["features"] == ["warm", "wind"]
    assert why(made, "p") == why(made, "q") == "a part of demand: 'p', 'q' add up to it"


@pytest.mark.parametrize("written", [np.log, lambda x: 100 * x, lambda x: -(x**2)])
def test_the_target_written_otherwise_is_left_out(tmp_path, rides, written):
    frame = rides.drop(columns=["p", "q"]).assign(zz=lambda f: written(f["demand"]))
    law, made, _ = law_of(frame, tmp_path)
    assert law["features"] == ["warm", "wind"]
    assert why(made, "zz") == "follows from demand without error: the same, written otherwise"


def test_a_law_without_error_of_another_measure_is_a_law(tmp_path):
    km = np.linspace(1, 50, 60).round(2)
    law, _, text = law_of(
        pd.DataFrame({"distance_km": km, "cost": 3 + 0.5 * km, "n": [1, 2, 3] * 20}), tmp_path
    )
    assert law["features"] == ["distance_km"]
    assert 'features = ["distance_km"]\n' in text


def test_the_only_column_is_kept_and_marked(tmp_path):
    x = np.linspace(1, 50, 60).round(2)
    law, _, text = law_of(pd.DataFrame({"x": x, "cost": 3 + 0.5 * x}), tmp_path)
    assert law["features"] == ["x"]
    assert 'features = ["x"] # check: follows from cost without error' in text


def test_one_of_columns_that_say_the_same(tmp_path, rides):
    frame = rides.drop(columns=["p", "q"]).assign(steps=lambda f: (10 * f["warm"]).round().astype(int))
    frame["curved"] = frame["warm"] ** 2
    law, _, _ = law_of(frame, tmp_path)
    assert law["features"] == ["wind", "steps"]  # whole numbers before those made of them


def test_what_is_left_out_for_its_name_is_to_be_looked_at(tmp_path):
    rng = np.random.default_rng(0)
    km = rng.uniform(1, 40, ROWS)
    fare = 3 + 2 * km + rng.normal(0, 2, ROWS)
    frame = pd.DataFrame({"distance_km": km, "tip": 0.2 * fare + rng.normal(0, 1, ROWS), "fare": fare})
    law, made, text = law_of(frame.round(2), tmp_path)
    assert law["features"] == ["distance_km"]
    assert "# check: left out 'tip': known beforehand?" in text
    assert not made.guesses.query("column == 'tip'")["sure"].any()


def test_rows_of_one_thing_are_held_out_together(tmp_path):
    rng = np.random.default_rng(1)
    number, year = np.repeat(np.arange(40), 6), np.tile(np.arange(2010, 2016), 40)
    size = np.repeat(rng.uniform(1, 9, 40), 6) + rng.normal(0, 0.1, 240)
    frame = pd.DataFrame(
        {"number": number, "year": year, "size": size, "cost": 5 * size + rng.normal(0, 1, 240)}
    )
    frame["y11"] = (frame["year"] == 2011).astype(int)
    law, made, text = law_of(frame.round(3), tmp_path)
    assert law["features"] == ["size"]
    assert law["groups"] == "number"
    assert 'groups = "number" # check' in text
    assert why(made, "y11") == "marks a date, which does not come again"


def test_dates_as_people_write_them_and_times_as_numbers(tmp_path):
    rng = np.random.default_rng(1)
    days = pd.date_range("2021-01-01", periods=ROWS)
    minutes = rng.integers(300, 1_400, ROWS)
    km = rng.uniform(1, 30, ROWS)
    frame = pd.DataFrame(
        {
            "sent": days.strftime("%d-%b-%y"),
            "dep": minutes // 60 * 100 + minutes % 60,
            "km": km,
            "cost": 4 + km + rng.normal(0, 1, ROWS),
        }
    )
    frame.loc[::9, "sent"] = "not captured"
    law, made, _ = law_of(frame, tmp_path)
    assert law["features"] == ["km"]
    assert why(made, "sent") == "dates, which no law reads as they stand"
    assert why(made, "dep").startswith("times of day or dates written as numbers")


def test_the_target_once_more_is_left_out_and_marked(tmp_path):
    rng = np.random.default_rng(4)
    km, climb = rng.uniform(2, 30, (2, ROWS))
    score = 6 * km + 3 * climb + rng.normal(0, 2, ROWS)
    frame = pd.DataFrame(
        {"km": km, "climb": climb, "rescored": 1.2 * score + rng.normal(0, 1, ROWS), "score": score}
    )
    law, made, text = law_of(frame.round(2), tmp_path)
    assert law["features"] == ["km", "climb"]
    assert why(made, "rescored") == "nearly the target once more"
    assert "# check: left out 'rescored'" in text


def test_features_of_a_target_that_no_header_names_are_to_be_looked_at(tmp_path):
    rng = np.random.default_rng(4)
    a = rng.uniform(2, 30, ROWS)
    law, _, text = law_of(pd.DataFrame({"a": a, "b": a + rng.normal(0, 5, ROWS)}).round(3), tmp_path)
    assert law["target"] == "b"
    assert 'features = ["a"] # check: they go with the target, which is a guess' in text


def test_the_target_once_more_is_kept_and_marked_where_there_is_nothing_else(tmp_path):
    rng = np.random.default_rng(4)
    a = rng.uniform(2, 30, ROWS)
    frame = pd.DataFrame({"a": a, "cost": a + rng.normal(0, 0.1, ROWS), "id": range(ROWS)})
    law, _, text = law_of(frame.round(3), tmp_path)
    assert law["features"] == ["a"]
    assert 'features = ["a"] # check: nearly the target once more' in text
