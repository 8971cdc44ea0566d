"""What columns tell of a target, each beside those before it, against least squares."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.whatif.scaffolding.screening import screen, told_alone
from kanopt.whatif.scaffolding.sources import ColumnFacts


def facts(frame: pd.DataFrame) -> list[ColumnFacts]:
    return [ColumnFacts(name, frame[name].dropna(), len(frame)) for name in frame if name != "y"]


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_a_category_tells_the_adjusted_share_of_its_means(seed):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"kind": rng.choice(list("abcd"), 200)})
    frame["y"] = frame["kind"].map({"a": 1.0, "b": 2.0, "c": 4.0, "d": 8.0}) + rng.normal(0, 2, 200)
    ranks = frame["y"].rank()
    means = ranks.groupby(frame["kind"]).transform("mean")
    within, whole = ((ranks - means) ** 2).sum(), ((ranks - ranks.mean()) ** 2).sum()
    expected = 1 - within / whole - 3 * (within / 196) / whole
    assert told_alone(frame, "y", facts(frame)[0]) == pytest.approx(expected, abs=1e-9)


def test_what_tells_only_beside_another_column_is_found():
    rng = np.random.default_rng(1)
    noise, size = rng.normal(0, 5, (2, 400))
    frame = pd.DataFrame({"read": size + noise, "noise": noise, "other": rng.normal(0, 1, 400), "y": size})
    found = screen(frame, "y", facts(frame), 6)
    assert {column.name for column in found.chosen} == {"read", "noise"}
    assert found.linked["read"] == pytest.approx(0.58, abs=0.05)
    assert found.linked["noise"] == pytest.approx(0, abs=0.02)


def test_of_columns_that_tell_nearly_the_same_the_first_is_taken():
    rng = np.random.default_rng(2)
    x = rng.uniform(0, 1, 300)
    frame = pd.DataFrame({"plain": x, "log": np.log(x), "y": x**3 + rng.normal(0, 0.1, 300)})
    assert [column.name for column in screen(frame, "y", facts(frame), 6).chosen] == ["plain"]


def test_noise_is_seldom_taken_and_columns_that_say_nothing_never():
    taken = []
    for seed in range(40):
        frame = pd.DataFrame(np.random.default_rng(seed).uniform(0, 1, (300, 2)), columns=["x", "y"])
        frame = frame.assign(one=1.0, missing=np.nan)
        taken += [column.name for column in screen(frame, "y", facts(frame), 6).chosen]
    assert set(taken) <= {"x"}
    assert len(taken) < 10  # one in ten is expected
