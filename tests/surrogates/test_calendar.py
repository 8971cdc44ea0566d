"""Months, weekdays and hours that nobody declared to be periodic are asked about, and changed by nobody."""

import warnings

import numpy as np
import pandas as pd
import pytest

from kanopt import KanoptWarning, KANRegressor


def sales(column, values, rows=240):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"price": rng.uniform(1, 9, rows), column: np.resize(values, rows)})
    return frame, (100 - 5 * frame["price"] + np.cos(frame[column]) + rng.normal(0, 0.1, rows)).rename("sold")


def fitted(frame, sold, **options):
    return KANRegressor((), log_target=False, loss="squared", log_features=[], **options).fit(frame, sold)


@pytest.mark.parametrize(
    ("column", "first", "period"), [("month", 1, 12), ("Wochentag", 0, 7), ("departure_hour", 0, 24)]
)
def test_a_column_that_looks_like_a_calendar_is_asked_about_once(column, first, period):
    table = sales(column, np.arange(first, first + period))
    last = first + period - 1
    with pytest.warns(KanoptWarning, match="holds the whole numbers") as told:
        model = fitted(*table)
    assert [str(each.message) for each in told] == [
        f"column '{column}' holds the whole numbers {first} to {last} and is learned as an ordinary number, in which "
        f"{last} and {first} are farthest apart; if {first} comes after {last} again, say so: periodic={{'{column}': "
        f"{period}}} (in a scenario file periodic = {{ {column} = {period} }})"
    ]
    assert [feature.kind for feature in model.encoding_.features] == ["number", "number"]


def test_nothing_is_asked_of_what_is_declared_or_cannot_turn():
    frame, sold = sales("month", np.arange(1, 13))
    with warnings.catch_warnings():
        warnings.simplefilter("error", KanoptWarning)
        fitted(frame, sold, periodic={"month": 12})
        fitted(frame, sold, monotone={"month": 1})
        fitted(frame.assign(month=frame["month"].astype(str).astype("category")), sold)
