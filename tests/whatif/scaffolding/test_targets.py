"""Targets: by words of several languages, by place, by what is made of what; and what else they may be is told."""

from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.whatif.scaffolding.header_words import words_of
from kanopt.whatif.scaffolding.outcomes import outcome_rank
from kanopt.whatif.scaffolding.sources import ColumnFacts
from kanopt.whatif.scaffolding.targets import likely_targets, made_by_name

ROWS = 300


def guessed(frame: pd.DataFrame) -> list[str]:
    columns = [ColumnFacts(name, frame[name].dropna(), len(frame)) for name in frame]
    return [guess.column.name for guess in likely_targets(frame, columns)]


def numbers(*names: str) -> pd.DataFrame:
    rng = np.random.default_rng(len(names))
    return pd.DataFrame({name: rng.gamma(2.0, 30.0, ROWS).round(2) for name in names})


@pytest.mark.parametrize(
    ("headers", "target"),
    [
        (("Entfernung (km)", "Gewicht (kg)", "Transportkosten", "Paletten"), "Transportkosten"),
        (("Lieferdauer", "Strecke", "Alter"), "Lieferdauer"),
        (("distance", "durée", "poids"), "durée"),
        (("température", "consommation", "vitesse"), "consommation"),
        (("distancia", "peso", "coste total", "edad"), "coste total"),
        (("odległość", "waga", "koszt"), "koszt"),
        (("temperatura", "sprzedaż", "wiek"), "sprzedaż"),
        (("size", "totqty", "wind"), "totqty"),
        (("age", "temp", "rent", "sqft"), "rent"),
    ],
)
def test_words_of_outcomes_in_several_languages_and_run_together(headers, target):
    assert guessed(numbers(*headers))[0] == target


@pytest.mark.parametrize("text", ["discount", "current", "county", "candidate", "welfare", "separate"])
def test_words_that_hold_another_one_by_chance(text):
    assert words_of(ColumnFacts(text, pd.Series([1.0]), 1)) == {text}


def test_the_first_column_where_no_word_says_it_and_the_second_of_two():
    assert guessed(numbers("gsp", "pcap", "hwy", "emp"))[0] == "gsp"
    assert guessed(numbers("a", "b"))[0] == "b"
    assert guessed(numbers("X1", "X2", "Y"))[0] == "Y"


def test_quantities_before_prices_and_prices_before_nothing():
    assert guessed(numbers("price", "income", "gas"))[0] == "gas"
    assert guessed(numbers("carat", "depth", "price", "z"))[0] == "price"


def test_so_much_per_something_is_a_target_where_the_whole_is_not_there():
    assert guessed(numbers("avg_price_per_room", "adults", "lot"))[0] == "avg_price_per_room"
    assert guessed(numbers("baths", "cost per sqft", "list price", "sale price"))[0] == "sale price"


def test_fuel_in_litres_is_plainly_an_outcome_and_fuel_alone_is_not():
    assert outcome_rank(ColumnFacts("fuel_l", pd.Series([1.0]), 1)) == 4
    assert outcome_rank(ColumnFacts("fuel", pd.Series([1.0]), 1)) == 3


def test_one_of_several_costs_is_no_target_before_a_quantity():
    assert guessed(numbers("trips", "quality", "costC", "costS", "costH"))[0] == "trips"


def test_what_others_add_up_to_goes_first():
    frame = numbers("sales_a", "sales_b")
    frame["sales"] = frame["sales_a"] + frame["sales_b"]
    assert guessed(frame)[0] == "sales"


def test_logarithms_lags_and_changes_are_made_of_others():
    names = ["rent", "lrent", "clrent", "age", "agesq", "avgprc", "lavgp_1", "distance"]
    assert made_by_name(names) == {"lrent": "rent", "clrent": "lrent", "agesq": "age"}
    assert made_by_name(["price", "price_1", "log_price"]) == {"price_1": "price", "log_price": "price"}


def test_numbers_of_rows_places_and_codes_are_no_targets():
    frame = numbers("mass")
    frame["code"] = np.random.default_rng(0).permutation(ROWS) + 7
    frame["state"] = np.random.default_rng(1).integers(1, 50, ROWS)
    frame["easting"] = numbers("a")["a"]
    assert guessed(frame) == ["mass"]


def test_an_unsure_target_is_told_with_what_else_it_may_be(tmp_path):
    frame = numbers("gsp", "hwy", "pcap")
    frame["gsp"] += 2 * frame["hwy"] + frame["pcap"]
    frame.to_csv(tmp_path / "log.csv", index=False)
    text = ko.scaffold([tmp_path / "log.csv"]).write(tmp_path / "first.toml").read_text("utf-8")
    assert tomllib.loads(text)["surrogates"]["gsp"]["target"] == "gsp"
    assert "# check: the first column of many numbers; else 'pcap'\n" in text
    assert "# check: they go with the target, which is a guess\n" in text
