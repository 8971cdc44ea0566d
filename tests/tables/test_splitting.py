"""Splits: nothing lost, nothing on both sides, time and groups kept whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kanopt.errors import TableError
from kanopt.tables import split

weeks = st.lists(st.integers(1, 8), min_size=2, max_size=60)
names = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=60)


def frame_of(values: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"key": values, "row": np.arange(len(values))}, index=np.arange(100, 100 + len(values))
    )


def assert_divided(frame: pd.DataFrame, train: pd.DataFrame, test: pd.DataFrame) -> None:
    assert len(train) > 0
    assert len(test) > 0
    pd.testing.assert_frame_equal(pd.concat([train, test]).sort_index(), frame)
    assert train["row"].is_monotonic_increasing
    assert test["row"].is_monotonic_increasing


@given(weeks, st.integers(1, 7))
def test_time_holds_out_the_last_values_whole(values: list[int], last: int) -> None:
    frame = frame_of(values)
    distinct = sorted(set(values))
    if last >= len(distinct):
        with pytest.raises(TableError, match="leaves nothing to learn from"):
            split(frame, by="key", holdout=last)
        return
    train, test = split(frame, by="key", holdout=last)
    assert_divided(frame, train, test)
    assert sorted(set(test["key"])) == distinct[-last:]
    assert train["key"].max() < test["key"].min()


@given(names, st.integers(0, 1000), st.floats(0.1, 0.9))
def test_groups_never_straddle(values: list[str], seed: int, share: float) -> None:
    frame = frame_of(values)
    groups = len(set(values))
    if max(1, round(share * groups)) >= groups:
        with pytest.raises(TableError, match="leaves nothing"):
            split(frame, by="key", holdout=share, seed=seed)
        return
    train, test = split(frame, by="key", holdout=share, seed=seed)
    assert_divided(frame, train, test)
    assert not set(train["key"]) & set(test["key"])
    assert test["key"].nunique() == max(1, round(share * groups))
    pd.testing.assert_frame_equal(split(frame, by="key", holdout=share, seed=seed)[1], test)


@given(st.integers(2, 50), st.integers(0, 1000), st.floats(0.01, 0.9))
def test_random_rows(count: int, seed: int, share: float) -> None:
    frame = frame_of(list(range(count)))
    chosen = max(1, round(share * count))
    if chosen >= count:
        with pytest.raises(TableError, match="leaves nothing"):
            split(frame, holdout=share, seed=seed)
        return
    train, test = split(frame, holdout=share, seed=seed)
    assert_divided(frame, train, test)
    assert len(test) == chosen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"by": "kay"}, "no column 'kay' to split by; did you mean 'key'"),
        ({"by": "key", "how": "tim"}, "did you mean 'time'"),
        ({"how": "time"}, "needs a column"),
        ({"by": "key"}, "no value in 1 row,"),
        ({"holdout": 3}, "holding out 3 of 3 rows"),
    ],
)
def test_what_cannot_be_split_is_said(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        split(frame_of([1.0, None, 3.0]), **arguments)


@given(
    st.lists(st.sampled_from("abcdef"), min_size=2, max_size=30),
    st.integers(0, 50),
    st.floats(0.05, 0.95),
)
def test_no_kept_value_is_held_out_alone(values: list[str], seed: int, share: float) -> None:
    frame = pd.DataFrame({"region": values, "row": range(len(values))})
    try:
        plain = split(frame, holdout=share, seed=seed)[1]
        train, test = split(frame, holdout=share, seed=seed, keep=["region"])
    except TableError:
        # with so few rows one side may be empty
        assume(False)
    assert set(test["region"]) <= set(train["region"])
    assert sorted([*train["row"], *test["row"]]) == list(range(len(values)))
    # no more rows go back than need be
    moved = sorted(set(plain["row"]) - set(test["row"]))
    assert set(test["row"]) <= set(plain["row"])
    assert len(moved) == len({values[row] for row in moved})
