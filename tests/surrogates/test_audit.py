"""What an auditor finds in the table of a law caps its verdict, and a clean table is left in peace."""

import re

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import KanoptWarning
from kanopt.surrogates.audit import leaks, sharing
from kanopt.surrogates.cleaning import quick_residuals
from kanopt.tables import with_units

ROWS = 400


def drives(seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    km, hour = rng.uniform(1.0, 40.0, ROWS), rng.uniform(6.0, 20.0, ROWS)
    minutes = (5.0 + 1.5 * km + 3.0 * np.sin(hour)) * rng.lognormal(0.0, 0.1, ROWS)
    return pd.DataFrame({"km": km, "hour": hour, "minutes": minutes})


START = np.random.default_rng(9).uniform(300.0, 900.0, ROWS).round()


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (lambda t: t["minutes"], "copy of the target"),
        (lambda t: 7.0 - 60.0 * t["minutes"].round(2), "copy of the target"),
        (lambda t: np.log(t["minutes"]), "copy of the target"),
        (lambda t: 1.0 / t["minutes"], "copy of the target"),
        (lambda t: t["minutes"].round(), "copy of the target"),
        (lambda t: t["minutes"] - t["km"], "parts of the target"),
        (lambda t: (t["minutes"] / t["km"]).round(3), "factors of the target"),
        (lambda t: pd.Series(np.arange(ROWS) + 4_000), "row number"),
        (lambda t: pd.Series(np.random.default_rng(1).permutation(ROWS)), "row number"),
        # what is no fault
        (lambda t: t["minutes"] + np.random.default_rng(2).normal(0.0, 5.0, ROWS), None),
        (lambda t: (t["minutes"] / 10.0).round(), None),
        (lambda t: pd.Series(np.random.default_rng(3).integers(0, 90_000, ROWS)), None),
        (lambda t: pd.Series(np.random.default_rng(4).integers(0, 12, ROWS)), None),
    ],
)
def test_columns_that_are_the_target_once_more_are_found(column, kind) -> None:
    table = drives()
    table["other"] = column(table)
    found = leaks(table, "minutes")
    assert [each.kind for each in found] == ([] if kind is None else [kind])
    assert all("other" in each.columns for each in found)


def test_a_sum_of_amounts_that_were_rounded_one_by_one_is_found() -> None:
    parts = np.random.default_rng(4).uniform(900.0, 9_000.0, (ROWS, 3))
    table = pd.DataFrame(parts.round(2), columns=["roads", "water", "power"]).assign(
        all=parts.sum(axis=1).round(2)
    )
    assert [(each.kind, each.columns) for each in leaks(table, "all")] == [
        ("parts of the target", ("roads", "water", "power"))
    ]


def test_a_typing_error_hides_no_difference_of_two_columns() -> None:
    table = drives().assign(start=START)
    table["end"] = table["start"] + table["minutes"].round()
    table["minutes"] = table["end"] - table["start"]
    table.loc[5, "end"] *= 10.0
    assert [(each.kind, each.columns) for each in leaks(table, "minutes")] == [
        ("parts of the target", ("start", "end"))
    ]


def test_a_time_that_follows_from_a_way_is_a_law_and_no_leak() -> None:
    table = drives()[["km", "hour"]].assign(spent=lambda t: 3.0 + 2.0 * t["km"])
    assert [each.kind for each in leaks(table, "spent")] == ["copy of the target"]
    assert leaks(with_units(table, {"km": "km", "spent": "min"}), "spent") == ()


@pytest.mark.parametrize(
    ("column", "factor"), [("km", 1000.0), ("km", 1 / 60), ("minutes", 60.0), ("hour", 1.0)]
)
def test_rows_in_another_unit_are_found(column, factor) -> None:
    table = drives()
    table.loc[np.random.default_rng(1).random(ROWS) < 0.2, column] *= factor
    assert [each.kind for each in leaks(table, "minutes")] == (["mixed units"] if factor != 1.0 else [])


def test_clean_tables_of_many_kinds_are_left_in_peace() -> None:
    alarms = 0
    for seed in range(60):
        rng = np.random.default_rng([7, seed])
        rows = int(rng.integers(100, 1_500))
        table = pd.DataFrame(
            {
                "size": np.exp(rng.normal(0.0, 2.0, rows)),
                "pieces": rng.integers(1, 50, rows),
                "tail": rng.standard_t(2, rows),
                "two": rng.gamma(1.0, 1.0, rows) * rng.choice([1.0, 1000.0], rows),
                "day": rng.integers(0, 25, rows),
            }
        )
        table["y"] = np.exp(0.4 * np.log(table["size"]) + rng.standard_t(3, rows) * 0.2) * (
            1 + table["pieces"]
        )
        table["y"] = table["y"].round(int(seed % 3))
        left = quick_residuals(table, "y", ["size", "pieces"])
        alarms += len(leaks(table, "y")) + len(sharing(table, left, ["tail", "two", "day"], ordered=True))
    assert alarms == 0


@pytest.mark.parametrize("text", [False, True])
def test_a_column_whose_rows_share_errors_is_named_and_an_amount_is_not(text) -> None:
    rng = np.random.default_rng(2)
    day = rng.integers(0, 40, 800)
    left = rng.normal(0.0, 1.0, 40)[day] + rng.normal(0.0, 1.0, 800)
    frame = pd.DataFrame({"day": [f"d{d}" for d in day] if text else day})
    frame["afterwards"] = (20.0 + 3.0 * left + rng.normal(0.0, 1.0, 800)).round()
    (found,) = sharing(frame, left, ["afterwards", "day"], ordered=True)
    assert found.columns == ("day",)
    assert sharing(frame, rng.permutation(left), ["afterwards", "day"], ordered=True) == ()


def test_a_drift_along_the_rows_is_told_where_they_were_drawn() -> None:
    left = np.random.default_rng(3).normal(size=500) + np.linspace(0.0, 1.5, 500)
    assert [each.kind for each in sharing(pd.DataFrame(index=range(500)), left, [], ordered=True)] == [
        "drift"
    ]
    assert sharing(pd.DataFrame(index=range(500)), left, [], ordered=False) == ()


@pytest.fixture(scope="module")
def trips():
    rng = np.random.default_rng(3)
    km = rng.uniform(1.0, 50.0, 300)
    town = rng.choice(["Lyon", "Nice"], 300)
    cost = 3.0 + 2.0 * km + (town == "Nice") + rng.normal(size=300)
    return pd.DataFrame({"km": km, "town": town, "cost": cost})


@pytest.fixture(scope="module")
def model(trips):
    train = trips[:200]
    return KANRegressor((), log_target=False, seed=0).fit(train[["km", "town"]], train["cost"])


def kinds(law):
    return [each.kind for each in law.fit.findings]


@pytest.mark.parametrize(
    ("rows", "warned"),
    [
        (slice(199, None, -1), "the 200 rows that judge the law are those it was learned from"),
        (slice(150, None), r"50 of the 150 rows .* were learned from \(the first is row 150\)"),
    ],
)
def test_rows_that_were_learned_from_are_told(model, trips, rows, warned) -> None:
    with pytest.warns(KanoptWarning, match=warned) as caught:
        law = model.to_formula(trips[rows], budget=60.0)
    assert [warning.filename for warning in caught] == [__file__]
    assert kinds(law) == ["rows known before"]
    assert law.verdict.level == "usable"
    assert "rows known before" in str(law.fit)
    assert type(law).from_json(law.to_json()).fit == law.fit


def test_rows_that_repeat_themselves_are_held_out_all_the_same() -> None:
    rng = np.random.default_rng(4)
    stops = rng.integers(1, 6, 400)
    table = pd.DataFrame({"stops": stops, "minutes": 4.0 * stops + rng.integers(0, 5, 400)})
    model = KANRegressor((), log_target=False).fit(table[["stops"]][:300], table["minutes"][:300])
    assert kinds(model.to_formula(table[300:])) == []
    with pytest.warns(KanoptWarning, match=re.escape("the 300 rows that judge the law")):
        model.to_formula(table[:300])


def test_one_typing_error_makes_no_law_weak_and_one_row_none_good(model, trips) -> None:
    held = trips[200:].copy()
    held.loc[210, "cost"] *= 1_000.0
    law = model.to_formula(held, min_r2=0.9)
    assert (law.verdict.level, kinds(law)) == ("good", ["missed row"])
    assert law.fit.findings[0].rows == ("row 210",)
    assert law.fit.r2 == pytest.approx(model.to_formula(trips[200:].drop(210)).fit.r2)
    rng = np.random.default_rng(1)
    noise = pd.DataFrame({"km": rng.uniform(1.0, 10.0, 300), "cost": rng.gamma(5.0, 1.0, 300)})
    noise.loc[[10, 250], ["km", "cost"]] = [3_000.0, 2_000.0]
    flat = KANRegressor((), log_target=False).fit(noise[["km"]][:200], noise["cost"][:200])
    found = flat.to_formula(noise[200:], min_r2=-99.0)
    assert found.verdict.level == "weak"
    assert kinds(found) == ["row that dominates"]
