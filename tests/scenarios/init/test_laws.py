"""What a history teaches: the target, its features, why others are none, and units, dates and numbers by values."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.scenarios.init.laws import LawGuess, guess_law
from kanopt.scenarios.init.sources import SourceTable

ROWS = 400


def law_of(frame: pd.DataFrame) -> LawGuess:
    found = guess_law(SourceTable("log", Path("log.csv"), frame, "", ("log",)), "EUR")
    assert found is not None
    return found


def draw(seed: int, *names: str, low: float = 0.0, high: float = 1.0) -> pd.DataFrame:
    values = np.random.default_rng(seed).uniform(low, high, (ROWS, len(names)))
    return pd.DataFrame(values, columns=[*names])


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        ("Entfernung (km),Gewicht (kg),Transportkosten,Paletten", "Transportkosten"),
        ("distance,durée,poids", "durée"),
        ("distancia,peso,coste total,edad", "coste total"),
        ("odległość,waga,koszt", "koszt"),
        ("current,candidate,discount,fare", "fare"),  # which hold rent, date and count by chance
        ("carat,depth,price,z", "price"),
        ("a,b", "b"),
        ("X1,X2,Y", "Y"),
        ("price,volume,age", "price"),
    ],
)
def test_targets_by_words_of_several_languages_and_by_place(headers, target):
    names = headers.split(",")
    frame = draw(len(names), *names, low=1, high=90).round(2)
    frame[target] = frame.drop(columns=target).to_numpy() @ np.arange(1, len(names)) + frame[target]
    assert law_of(frame).target == target


@pytest.mark.parametrize(
    ("name", "made", "why"),
    [
        ("zz", lambda f: np.log(f["demand"]), "the same, written otherwise"),
        ("zz", lambda f: -(f["demand"] ** 2), "the same, written otherwise"),
        ("zz", lambda f: f["demand"] + np.tile([0, 9], ROWS // 2), "nearly the target once more"),
        ("tip", lambda f: f["demand"] / 9 + f["noise"], "known only afterwards, by its name"),
        ("demand per km", lambda f: f["demand"] / f["noise"], "known only afterwards, by its name"),
        ("pct", lambda f: (f["demand"] / f["cold"]).round(9), "give it exactly"),
        ("line", lambda f: np.random.default_rng(1).integers(1, 9, ROWS), "a number of something"),
        ("n", lambda f: np.random.default_rng(1).permutation(ROWS), "a number of something"),
        ("gap", lambda f: f["warm"].where(f.index % 3 == 0), "mostly missing"),
        ("one", lambda f: 1.0, "the same in every row"),
        ("memo", lambda f: [f"row {k}" for k in range(ROWS)], "too many different texts"),
        ("sent", lambda f: pd.date_range("2024-01-01", periods=ROWS), "dates, which no law reads"),
        ("dep", lambda f: 100 * (5 + f.index % 13) + f.index % 7, "times of day or dates written as numbers"),
    ],
)  # fmt: skip
def test_why_a_column_is_no_feature(name, made, why):
    rng = np.random.default_rng(2)
    frame = draw(2, "warm", "cold", "noise", low=1, high=30).round(4)
    frame["place"], frame["year"] = (
        rng.choice(["west", "east", "north"], ROWS),
        rng.integers(2010, 2016, ROWS),
    )
    frame["demand"] = (40 + 60 * frame["warm"] - 30 * frame["cold"] + rng.normal(0, 9, ROWS)).round() + 1_000
    frame["demand"] += 90 * (frame["place"] == "west")
    frame[name] = made(frame)
    law = law_of(frame)
    assert law.target == "demand"
    assert {"warm", "cold", "place"} <= {*law.features}
    assert why in law.left_out[name].why
    assert law.left_out["year"].why == "a date, which does not come again"


def units(frame: pd.DataFrame, folder: Path) -> dict[str, str]:
    """Return the units that are guessed; those that the header does not state are marked."""
    frame.to_csv(folder / "log.csv", index=False)
    rows = ko.scaffold([folder / "log.csv"]).guesses
    rows = rows[rows["guess"].str.startswith("unit ")]
    return {row.column: row.guess.removeprefix("unit ") + "?" * (not row.sure) for row in rows.itertuples()}


@pytest.mark.parametrize(
    ("columns", "found"),
    [
        ("weight 100 900,freight 20 90", {"weight": "kg?", "freight": "EUR?"}),
        ("weight 100 900,freight 20 90,fee (USD) 1 2", {"weight": "lb?", "freight": "USD?", "fee (USD)": "USD"}),
        ("weight 1500 5000,mpg 10 60", {"weight": "lb?", "mpg": "mi/gal"}),
        ("load 0 1,highT 10 90,riders 1 400", {}),  # a share called load, and a letter of a word
        ("temp -5 30,precip 0 2,rent 300 900", {"precip": "mm?", "rent": "EUR?"}),
        ("Square Feet 300 900,rent 300 900", {"Square Feet": "ft^2", "rent": "USD?"}),
        ("stays_in_week_nights 0 9,time 2800 9000", {"time": "s?"}),
    ],
)  # fmt: skip
def test_units_by_names_and_values(tmp_path, columns, found):
    limits = [each.rsplit(" ", 2) for each in columns.split(",")]
    frame = pd.concat([draw(k, n, low=float(a), high=float(b)) for k, (n, a, b) in enumerate(limits)], axis=1)
    frame[limits[-1][0]] += frame.iloc[:, 0] / 1e3
    assert units(frame.round(3), tmp_path) == found


def test_a_log_of_two_times_gives_the_law_of_the_time_between(tmp_path):
    hour, km = draw(3, "h", low=0, high=24)["h"], draw(4, "km", low=1, high=30)["km"]
    start = pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(ROWS) // 7 * 24 + hour, "h")
    minutes = 2 * km * (1 + 0.6 * np.exp(-(((hour - 8) / 2) ** 2)))
    trips = {"distance_km": km, "in at": start + pd.to_timedelta(minutes, "min"), "out at": start}
    for name, form in (("us", "%m/%d/%Y %H:%M"), ("eu", "%d/%m/%Y %H:%M")):
        path = tmp_path / name / "trips.csv"
        path.parent.mkdir()
        pd.DataFrame(trips).to_csv(path, index=False, date_format=form)
        data = tomllib.loads(ko.scaffold([path]).write(path.parent / "first.toml").read_text("utf-8"))
        assert data["tables"]["trips"]["dates"] == {"in at": form, "out at": form}
        derived = {"minutes": "minutes_between(`out at`, `in at`)", "out_at_hour": "hour(`out at`)"}
        assert data["tables"]["trips"]["derive"].items() >= derived.items()
        law = data["surrogates"]["minutes"]
        assert law["features"][:2] == ["distance_km", "out_at_hour"]
        assert law["periodic"] == {"out_at_hour": 24}


def test_rows_are_held_out_by_dates_that_are_read_as_such(tmp_path):
    frame = draw(5, "km", low=1, high=30).round(3)
    frame["cost"] = 2 * frame["km"] + draw(6, "noise")["noise"]
    frame["Date"] = (pd.Timestamp("2024-03-01") + pd.to_timedelta(np.arange(ROWS) // 8, "D")).strftime(
        "%d/%m/%Y"
    )
    frame.to_csv(tmp_path / "log.csv", index=False)
    data = tomllib.loads(
        ko.scaffold([tmp_path / "log.csv"]).write(tmp_path / "first.toml").read_text("utf-8")
    )
    assert data["surrogates"]["cost"]["holdout"]["by"] == "Date"
    assert data["tables"]["log"]["dates"] == {"Date": "%d/%m/%Y"}


def test_a_price_of_fuel_that_is_missing_is_told(tmp_path):
    frame = draw(7, "distance_km", low=1, high=30).round(3)
    frame["fuel_l"] = 0.2 * frame["distance_km"] + draw(8, "noise", high=0.1)["noise"]
    frame.to_csv(tmp_path / "trips.csv", index=False)
    (tmp_path / "shops.csv").write_text("Shop,x (km),y (km),Pallets\nA,1,2,3\nB,4,5,6\n")
    (tmp_path / "trucks.csv").write_text("Truck,Pallets max,€/km\nT,9,1\n")
    made = ko.scaffold([tmp_path / f"{name}.csv" for name in ("trips", "shops", "trucks")])
    assert any("the fuel of trips.csv" in note for note in made.notes)
