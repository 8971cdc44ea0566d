"""Rows that were learned from, passed as held-out ones."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import KanoptWarning
from kanopt.surrogates.known_rows import KnownRows


@pytest.fixture(scope="module")
def trips():
    rng = np.random.default_rng(3)
    km = rng.uniform(1.0, 50.0, 300)
    town = rng.choice(["Lyon", "Nice"], 300)
    return pd.DataFrame(
        {"km": km, "town": town, "cost": 3.0 + 2.0 * km + (town == "Nice") + rng.normal(size=300)}
    )


@pytest.fixture(scope="module")
def model(trips):
    train = trips[:200]
    return KANRegressor((), log_target=False, seed=0).fit(train[["km", "town"]], train["cost"])


@pytest.mark.parametrize(
    ("rows", "warned", "noted"),
    [
        (slice(200), "the 200 rows that are to judge the law are those it was learned from", "no others"),
        (slice(199, None, -1), "the 200 rows that are to judge the law are those", "no others"),
        (
            slice(150, None),
            r"50 of the 150 rows .* were learned from \(the first is row 150\)",
            "150 rows, 50 of",
        ),
    ],
)
def test_rows_that_were_learned_from_are_told(model, trips, rows, warned, noted):
    with pytest.warns(KanoptWarning, match=warned) as caught:
        law = model.to_formula(trips[rows], budget=60.0)
    assert [warning.filename for warning in caught] == [__file__]
    assert noted in law.provenance["judged by"]


def test_held_out_rows_are_no_news(model, trips):
    assert "judged by" not in model.to_formula(trips[200:]).provenance


def test_rows_that_repeat_themselves_are_held_out_all_the_same():
    rng = np.random.default_rng(4)
    stops = rng.integers(1, 6, 400)
    table = pd.DataFrame({"stops": stops, "minutes": 4.0 * stops + rng.integers(0, 5, 400)})
    model = KANRegressor((), log_target=False).fit(table[["stops"]][:300], table["minutes"][:300])
    assert "judged by" not in model.to_formula(table[300:]).provenance
    with pytest.warns(KanoptWarning, match=re.escape("the 300 rows that are to judge the law")):
        model.to_formula(table[:300])


def test_each_target_knows_its_rows(trips):
    train = trips[:200]
    both = train[["cost"]].assign(twice=2.0 * train["cost"])
    model = KANRegressor((), log_target=False, seed=0).fit(train[["km"]], both).outputs_["twice"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.to_formula(trips[["km"]][200:], 2.0 * trips["cost"][200:])
    with pytest.warns(KanoptWarning, match="those it was learned from"):
        model.to_formula(train[["km"]], both["twice"])


def test_few_rows_do_not_tell_how_often_others_repeat_them():
    rng = np.random.default_rng(5)
    none, codes = pd.RangeIndex(600), np.zeros((600, 0), dtype=np.int64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(100):  # by the chance of 60 rows alone, a quarter of these were warned of
            values = rng.integers(0, 400, 660).astype(float)
            known = KnownRows.of(values[:60, None], codes[:60], np.zeros(60))
            assert not known.judging(values[60:, None], codes, np.zeros(600), none)


@pytest.mark.parametrize(("learned", "asked"), [(90, 1000), (300, 10_000), (20, 100)])
def test_a_few_rows_that_are_all_among_many_are_told(learned, asked):
    rng = np.random.default_rng(0)
    values, codes, target = (
        rng.standard_normal((asked, 2)),
        np.zeros((asked, 0), dtype=np.int64),
        np.zeros(asked),
    )
    known = KnownRows.of(values[:learned], codes[:learned], target[:learned])
    with pytest.warns(KanoptWarning, match=f"{learned:,} of the {asked:,} rows"):
        told = known.judging(values, codes, target, pd.RangeIndex(asked))
    assert told == f"{asked:,} rows, {learned:,} of them learned from"
