"""Which rows a law is learned from, and which judge it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.scenarios.files.laws import split_rows, unseen_rows, with_groups
from kanopt.scenarios.files.spec import HoldoutSpec, LearnedSpec
from kanopt.scenarios.learn import fit_law


def trips(rows: int = 80) -> pd.DataFrame:
    """Return trips of two ordinary regions, and of six islands with one each."""
    rng = np.random.default_rng(1)
    km = rng.uniform(1.0, 9.0, rows)
    region = np.where(rng.random(rows) < 0.5, "north", "south").astype(object)
    region[3:81:13] = [f"island {k}" for k in range(len(region[3:81:13]))]
    return pd.DataFrame(
        {
            "km": km,
            "region": region,
            "week": 1 + np.arange(rows) // 10,
            "minutes": 4 + 2 * km + (region == "north"),
        }
    )


def spec(**given: object) -> LearnedSpec:
    return LearnedSpec(table="trips", target="minutes", features=("km", "region"), **given)


@pytest.mark.parametrize("seed", range(5))
def test_no_category_is_held_out_alone(seed: int) -> None:
    train, test = split_rows(spec(), trips(), seed)
    assert not unseen_rows(spec(), train, test).any()
    assert set(test["region"]) <= set(train["region"])
    assert set(split_rows(spec(), trips(), seed)[1].index) == set(test.index)


def test_of_weeks_held_out_whole_rows_of_unseen_categories_judge_nothing_and_are_counted() -> None:
    weeks = spec(holdout=HoldoutSpec(by="week", last=2))
    train, test = split_rows(weeks, trips(), 0)
    unseen = unseen_rows(weeks, train, test)
    assert test["region"][unseen].tolist() == ["island 5"]
    law = fit_law("minutes", weeks, trips(), seed=2)
    assert "1 held-out row of unseen categories not judged" in law.note
    assert law.formula.fit.rows_test == 19


def days(seed: int, effect: float = 0.3) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"km": rng.uniform(1.0, 30.0, 500), "day": rng.integers(0, 30, 500)})
    shared = rng.normal(0.0, effect, 30)[frame["day"]]
    frame["minutes"] = (4.0 + 1.7 * frame["km"]) * np.exp(shared + rng.normal(0.0, 0.1, 500))
    return frame.assign(week=frame["day"] // 7)


def test_a_column_whose_rows_share_errors_becomes_groups_and_the_hold_out_by_itself() -> None:
    asked = LearnedSpec(table="trips", target="minutes", features=("km",), network={"hidden": []})
    found, _ = with_groups(asked, days(1), 0)
    assert found.groups == "day"
    train, test = split_rows(found, days(1), 0)
    assert not set(train["day"]) & set(test["day"])
    law = fit_law("minutes", asked, days(1), seed=0)
    assert "groups = 'day' since rows of one day share" in law.note
    assert law.formula.fit.errors.shape.by == "day"
    assert with_groups(asked, days(2, effect=0.0), 0) == (asked, ())
    declared = asked.model_copy(update={"groups": "week"})
    assert with_groups(declared, days(1), 0) == (declared, ())
