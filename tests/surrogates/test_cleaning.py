"""Rows that hold a law back: what is proposed, what is not, and what a proposal says."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import kanopt as ko
from kanopt.errors import TableError
from kanopt.formulas.row_parser import parse_row_text
from kanopt.surrogates.cleaning import drop_where_line, suspicions


def trips(seed: int = 0, rows: int = 600) -> pd.DataFrame:
    """Return trips of a known law with normal noise."""
    rng = np.random.default_rng(seed)
    km, load = rng.uniform(2.0, 30.0, rows), rng.gamma(4.0, 1.0, rows)
    minutes = 4.0 + 1.6 * km + 0.1 * km * load + rng.normal(0.0, 1.5, rows)
    return pd.DataFrame({"km": km, "load (t)": load, "minutes": minutes})


FEATURES = ["km", "load (t)"]


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_proposed_of_a_clean_table(seed: int) -> None:
    assert ko.propose_cleaning(trips(seed), "minutes", FEATURES) == ()


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("km", 0.0, "km <= 0"),
        ("km", -1.0, "km < 0"),
        ("km", 9999.0, "km == 9999"),
        ("load (t)", 0.0, "`load (t)` <= 0"),
        ("minutes", 0.0, "minutes <= 0"),
        ("minutes", 999.0, "minutes == 999"),
    ],
)
def test_wrong_values_are_found(column: str, value: float, rule: str) -> None:
    table = trips()
    if column == "load (t)":
        table["minutes"] += 30.0 * table["load (t)"]
    table.loc[::50, column] = value
    found = ko.propose_cleaning(table, "minutes", FEATURES)
    assert [each.rule for each in found] == [rule]
    assert (found[0].rows, found[0].of) == (12, 600)
    assert found[0].carried > 0.3 or found[0].gain > 0.05


def test_targets_in_another_unit_are_found_by_a_limit_between() -> None:
    table = trips()
    table.loc[::60, "minutes"] *= 60.0
    (found,) = ko.propose_cleaning(table, "minutes", FEATURES)
    assert found.rule.startswith("minutes")
    held, _ = parse_row_text(found.rule, dict.fromkeys(table, "number"), "rule").masks(
        {name: table[name].to_numpy() for name in table}, len(table)
    )
    assert np.flatnonzero(held).tolist() == list(range(0, 600, 60))


def test_a_rule_that_comes_second_helps_beyond_the_first() -> None:
    table = trips()
    table.loc[::50, "km"] = 0.0
    table.loc[1::40, "minutes"] = 999.0
    found = ko.propose_cleaning(table, "minutes", FEATURES)
    assert {each.rule for each in found} == {"km <= 0", "minutes == 999"}
    assert drop_where_line(found) in (
        'drop_where = ["km <= 0", "minutes == 999"]',
        'drop_where = ["minutes == 999", "km <= 0"]',
    )


def test_zeros_that_mean_zero_stay() -> None:
    """A count of parcels that is often 0, and a temperature that crosses it."""
    rng = np.random.default_rng(3)
    table = trips()
    table["parcels"] = rng.poisson(4.0, len(table)).astype(float)
    table["degrees"] = rng.normal(9.0, 6.0, len(table))
    table["minutes"] += 2.0 * table["parcels"] + 0.3 * table["degrees"]
    assert ko.propose_cleaning(table, "minutes", [*FEATURES, "parcels", "degrees"]) == ()


@pytest.mark.parametrize("noise", ["lognormal", "t", "gamma"])
def test_tails_stay(noise: str) -> None:
    rng = np.random.default_rng(5)
    table = trips(rows=1500)
    table["minutes"] *= {
        "lognormal": rng.lognormal(0.0, 0.5, 1500),
        "t": np.exp(0.1 * rng.standard_t(4, 1500)),
        "gamma": rng.gamma(2.0, 0.5, 1500),
    }[noise]
    assert ko.propose_cleaning(table, "minutes", FEATURES) == ()


def test_rules_of_odd_names_can_be_read() -> None:
    table = trips().rename(columns={"km": 'way "km"', "minutes": "in"})
    table.loc[::50, 'way "km"'] = 0.0
    (found,) = ko.propose_cleaning(table, "in", ['way "km"', "load (t)"])
    assert found.rule == '`way "km"` <= 0'
    cleaned = ko.read_table(table, drop_where=[found.rule])
    assert len(cleaned) == 588
    assert drop_where_line([found]) == 'drop_where = ["`way \\"km\\"` <= 0"]'


def test_texts_and_gaps_are_no_hindrance() -> None:
    table = trips()
    table["van"] = np.where(np.arange(600) % 3 == 0, "old", "new")
    table["minutes"] += 5.0 * (table["van"] == "old")
    table.loc[::50, "km"] = 0.0
    table.loc[3::70, "load (t)"] = np.nan
    assert [each.rule for each in ko.propose_cleaning(table, "minutes", [*FEATURES, "van"])] == ["km <= 0"]


def test_what_cannot_be_looked_at() -> None:
    with pytest.raises(TableError, match="did you mean 'km'"):
        ko.propose_cleaning(trips(), "minutes", ["kms"])
    with pytest.raises(TableError, match="holds no numbers"):
        ko.propose_cleaning(trips().assign(van="a"), "van", ["km"])
    assert ko.propose_cleaning(trips(rows=30), "minutes", FEATURES) == ()


@settings(max_examples=40, deadline=None)
@example([0.0] * 15 + [1.0] * 5)
@given(
    st.lists(
        st.one_of(st.floats(-1e6, 1e6, allow_nan=False), st.sampled_from([0.0, -1.0, 999.0])),
        min_size=20,
        max_size=60,
    )
)
def test_suspicions_mean_few_rows_and_can_be_read(values: list[float]) -> None:
    numbers = {"a b": np.array(values), "y": np.linspace(1.0, 2.0, len(values))}
    for each in suspicions(numbers, "y"):
        held, _ = parse_row_text(each.rule, dict.fromkeys(numbers, "number"), "rule").masks(
            numbers, len(values)
        )
        assert held.sum() <= 0.05 * len(values) + 1
