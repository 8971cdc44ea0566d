"""Units that no header states: those under which values are usual, and always marked."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import kanopt as ko


def units(frame: pd.DataFrame, folder) -> dict[str, tuple[str, bool]]:
    frame.to_csv(folder / "log.csv", index=False)
    rows = ko.scaffold([folder / "log.csv"]).guesses
    rows = rows[rows["guess"].str.startswith("unit ")]
    return {row.column: (row.guess.removeprefix("unit "), bool(row.sure)) for row in rows.itertuples()}


@pytest.mark.parametrize(("speed", "per", "unit"), [(45, 60, "min"), (45, 1, "h"), (780, 60, "min")])
def test_times_and_ways_by_the_speeds_of_roads_and_of_aeroplanes(tmp_path, speed, per, unit):
    rng = np.random.default_rng(0)
    km = rng.uniform(0.1, 1, 60) * speed
    frame = pd.DataFrame({"distance": km, "travel_time": km / speed * per * rng.uniform(0.9, 1.1, 60)})
    assert units(frame, tmp_path) == {"distance": ("km", False), "travel_time": (unit, False)}
    miles = frame.assign(distance=km / 1.609344)
    if speed > 500:
        assert units(miles, tmp_path)["distance"] == ("mi", False)


def test_money_without_a_currency_and_weights_are_marked(tmp_path):
    rng = np.random.default_rng(0)
    weight = rng.uniform(100, 900, 60)
    frame = pd.DataFrame({"weight": weight, "freight": 3 + weight / 9 + rng.normal(0, 2, 60)})
    assert units(frame, tmp_path) == {"weight": ("kg", False), "freight": ("EUR", False)}
    frame["fee (USD)"] = rng.uniform(1, 2, 60)
    assert units(frame, tmp_path)["freight"] == ("USD", False)
    assert units(frame, tmp_path)["fee (USD)"] == ("USD", True)


def test_other_words_with_miles_or_pounds_speak_for_pounds(tmp_path):
    rng = np.random.default_rng(0)
    weight = rng.uniform(1_500, 5_000, 60)
    frame = pd.DataFrame({"weight": weight, "mpg": 60 - weight / 120 + rng.normal(0, 1, 60)})
    assert units(frame, tmp_path) == {"weight": ("lb", False), "mpg": ("mi/gal", True)}


def test_a_share_called_load_and_a_letter_of_a_word_are_no_weights(tmp_path):
    rng = np.random.default_rng(0)
    share, high = rng.uniform(0, 1, (2, 60))
    frame = pd.DataFrame({"load": share, "highT": 90 * high, "riders": (400 * high + 30 * share).round()})
    assert units(frame, tmp_path) == {}


def test_hot_weather_and_square_feet_are_those_of_a_table_of_the_united_states(tmp_path):
    rng = np.random.default_rng(0)
    warm = rng.uniform(30, 95, 60)
    frame = pd.DataFrame(
        {"temp": warm, "precip": rng.uniform(0, 2, 60), "rent": 3 * warm + rng.normal(0, 9, 60)}
    )
    assert units(frame, tmp_path) == {"precip": ("in", False), "rent": ("USD", False)}
    celsius = frame.assign(temp=(warm - 32) / 1.8)
    assert units(celsius, tmp_path) == {"precip": ("mm", False), "rent": ("EUR", False)}
    feet = celsius.rename(columns={"temp": "Square Feet"})
    assert units(feet, tmp_path) == {
        "Square Feet": ("ft^2", True),
        "precip": ("in", False),
        "rent": ("USD", False),
    }


def test_yes_and_no_logarithms_and_letters_have_no_unit(tmp_path):
    rng = np.random.default_rng(0)
    price = rng.uniform(2, 9, 60)
    frame = pd.DataFrame(
        {"WorkDay": [0, 1] * 30, "mpg_h": price * 2, "price": price, "lprice": np.log(price)}
    )
    frame["costA"], frame["costH"] = rng.uniform(1, 2, (2, 60))
    assert units(frame, tmp_path) == {
        "mpg_h": ("mi/gal", True),
        "price": ("USD", False),
        "costA": ("USD", False),
        "costH": ("USD", False),
    }


def test_times_of_more_than_a_day_are_seconds_and_a_word_amid_others_is_no_unit(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"stays_in_week_nights": rng.integers(0, 9, 60), "time": rng.uniform(2_800, 9_000, 60)}
    )
    assert units(frame, tmp_path) == {"time": ("s", False)}


def test_quarters_are_dates_and_days_of_a_month_hold_no_rows_out(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"quarter": [f"{2_000 + k // 4} Q{k % 4 + 1}" for k in range(80)]})
    frame["day"], frame["built"] = rng.integers(1, 29, 80), rng.integers(1_900, 2_000, 80)
    frame = frame.rename(columns={"built": "year built"}).assign(km=rng.uniform(1, 9, 80))
    frame["cost"] = 3 * frame["km"] + rng.normal(0, 1, 80)
    frame.to_csv(tmp_path / "log.csv", index=False)
    made = ko.scaffold([tmp_path / "log.csv"])
    assert (
        "dates, which no law reads as they stand" in made.guesses.query("column == 'quarter'")["why"].tolist()
    )
    assert "holdout" not in made.toml(tmp_path / "first.toml")
