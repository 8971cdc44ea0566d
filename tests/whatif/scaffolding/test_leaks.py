"""Columns that are the target once more are left out: ratios, shares, changes by name; what only goes along is not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.whatif.scaffolding.features import choose_features
from kanopt.whatif.scaffolding.leaks import once_more
from kanopt.whatif.scaffolding.sources import ColumnFacts, SourceTable

ROWS = 300


@pytest.fixture
def homes() -> pd.DataFrame:
    rng = np.random.default_rng(6)
    feet, age = rng.uniform(600, 3_000, ROWS).round(), rng.integers(1, 80, ROWS).astype(float)
    price = (90 * feet - 400 * age + rng.normal(0, 15_000, ROWS)).round()
    return pd.DataFrame({"SquareFeet": feet, "Age": age, "SalePrice": price.clip(20_000)})


def facts(frame: pd.DataFrame, name: str) -> ColumnFacts:
    return ColumnFacts(name, frame[name].dropna(), len(frame))


def left_out(frame: pd.DataFrame, target: str) -> set[str]:
    columns = [facts(frame, name) for name in frame if name != target]
    return set(once_more(frame, facts(frame, target), columns))


def chosen(frame: pd.DataFrame, target: str, path) -> tuple[set[str], dict[str, str]]:
    table = SourceTable("log", path / "log.csv", frame, "", ("log",))
    choice = choose_features(table, table.columns[target], None)
    return {column.name for column in choice.chosen}, {name: out.why for name, out in choice.left_out.items()}


def test_a_price_per_foot_and_a_share_of_the_list_price_are_made_of_the_price(homes):
    homes["CostPerSqFt"] = (homes["SalePrice"] / homes["SquareFeet"]).round(2)
    homes["ListPrice"] = (homes["SalePrice"] * np.random.default_rng(1).uniform(0.95, 1.2, ROWS)).round(-2)
    homes["SPLPPct"] = (100 * homes["SalePrice"] / homes["ListPrice"]).round(2)
    assert {"CostPerSqFt", "SPLPPct"} <= left_out(homes, "SalePrice")
    assert not {"SquareFeet", "Age"} & left_out(homes, "SalePrice")


def test_a_rate_known_beforehand_is_no_ratio_of_the_target():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"km": rng.uniform(5, 90, ROWS), "grade": rng.uniform(1, 2, ROWS)})
    frame["cost"] = (frame["km"] * frame["grade"]).round(4)
    assert left_out(frame, "cost") == set()


def test_shares_of_one_whole_are_known_with_it():
    rng = np.random.default_rng(3)
    shares = rng.dirichlet((3, 4, 5), ROWS).round(3)
    frame = pd.DataFrame(shares, columns=["laborshare", "fuelshare", "share of capital"])
    frame["cost"] = rng.uniform(1, 9, ROWS)
    assert left_out(frame, "cost") == {"laborshare", "fuelshare", "share of capital"}
    frame["fuelshare"] = rng.uniform(0, 1, ROWS)
    assert left_out(frame, "cost") == set()


def test_the_target_changed_by_its_name_and_its_like(homes):
    rng = np.random.default_rng(4)
    homes["clSalePrice"] = rng.normal(0, 1, ROWS)
    homes["price_sold"] = homes["SalePrice"] * rng.uniform(0.97, 1.03, ROWS)
    homes["planned price"] = homes["SalePrice"] * rng.uniform(0.8, 1.2, ROWS)
    assert left_out(homes, "SalePrice") == {"clSalePrice", "price_sold"}


def test_the_same_measured_twice_is_the_target_whatever_it_is_called():
    rng = np.random.default_rng(8)
    gun = rng.uniform(3_000, 9_000, ROWS)
    frame = pd.DataFrame({"net": gun - rng.uniform(0, 90, ROWS), "pace": gun / 10, "time": gun})
    assert left_out(frame, "time") == {"net"}


def test_columns_made_of_others_give_way_to_them(homes, tmp_path):
    homes["lAge"], homes["Agesq"] = np.log(homes["Age"]), homes["Age"] ** 2
    features, why = chosen(homes, "SalePrice", tmp_path)
    assert features == {"SquareFeet", "Age"}
    assert why["lAge"] == why["Agesq"] == "made of Age, which is there by itself"


def test_marks_of_a_text_give_way_to_it(homes, tmp_path):
    homes["kind"] = np.random.default_rng(5).choice(["row", "flat", "villa"], ROWS)
    homes["villa"] = (homes["kind"] == "villa").astype(int)
    homes["SalePrice"] += 60_000 * homes["villa"]
    features, why = chosen(homes, "SalePrice", tmp_path)
    assert features == {"SquareFeet", "Age", "kind"}
    assert why["villa"] == "marks values of kind"


def test_numbers_that_name_things_and_numbers_that_happen_not_to_repeat(homes, tmp_path):
    rng = np.random.default_rng(7)
    homes["region"] = rng.integers(1, 10, ROWS)
    homes["bids"] = rng.integers(0, 9, ROWS)
    people = rng.permutation(40_000)[:ROWS]
    homes["people"], homes["lot"] = people, people * rng.uniform(0.9, 1.1, ROWS)
    homes["SalePrice"] += 4 * people
    features, why = chosen(homes, "SalePrice", tmp_path)
    assert {"SquareFeet", "people"} <= features
    assert why["region"] == "a number of something, by its name"
    assert why["bids"] == "known only afterwards, by its name"
