"""What values say of columns, on columns of which it is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.whatif.scaffolding.relations import (
    is_clock_number,
    is_label,
    panel_column,
    parts_of_sum,
    same_order,
)
from kanopt.whatif.scaffolding.sources import ColumnFacts


def facts(frame: pd.DataFrame, name: str) -> ColumnFacts:
    return ColumnFacts(name, frame[name].dropna(), len(frame))


@pytest.mark.parametrize(
    "written", [np.log, np.sqrt, lambda x: -2.54 * x + 3, lambda x: x**2, lambda x: 1 / x]
)
def test_a_column_written_otherwise_is_the_same(written):
    x = pd.Series(np.random.default_rng(0).uniform(2, 60, 300).round(2))
    assert same_order(x, written(x))
    assert same_order(written(x), x)
    assert same_order(x, written(x).round(6))


def test_what_only_goes_along_is_not_the_same():
    rng = np.random.default_rng(0)
    x = pd.Series(rng.uniform(2, 60, 300).round(2))
    assert not same_order(x, x + rng.normal(0, 0.1, 300))
    assert not same_order(x, (x - 30).abs())
    assert not same_order(x, (x / 20).round())  # too coarse to be told


@given(
    seed=st.integers(0, 2**32 - 1),
    columns=st.integers(2, 6),
    parts=st.integers(1, 3),
    signs=st.lists(st.sampled_from([-1.0, 1.0]), min_size=3, max_size=3),
)
def test_the_parts_of_a_sum_are_found_and_no_others(seed, columns, parts, signs):
    rng = np.random.default_rng(seed)
    names = [f"c{k}" for k in range(columns)]
    frame = pd.DataFrame(rng.uniform(0, 50, (60, columns)).round(2), columns=names)
    made = dict(zip(rng.permutation(names)[:parts], signs, strict=False))
    frame["total"] = sum(sign * frame[name] for name, sign in made.items())
    found = parts_of_sum(frame, "total", names)
    assert found == pytest.approx(made)
    frame["total"] += rng.normal(0, 0.01, 60)
    assert parts_of_sum(frame, "total", names) == {}


def test_a_sum_of_few_rows_or_of_nothing_is_none():
    frame = pd.DataFrame({"a": [1.0, 2.0, 4.0], "b": [1.0, 3.0, 2.0]}).assign(total=lambda f: f["a"] + f["b"])
    assert parts_of_sum(frame, "total", ["a", "b"]) == {}
    assert parts_of_sum(frame.assign(total=1.0), "total", ["a", "b"]) == {}


def test_times_and_dates_written_as_numbers():
    minutes = pd.Series(range(300, 1_400, 7))
    frame = pd.DataFrame({"dep": minutes // 60 * 100 + minutes % 60, "dist": minutes})
    days = pd.date_range("2024-01-01", periods=len(frame))
    frame["day"] = days.strftime("%Y%m%d").astype(int)
    assert is_clock_number(facts(frame, "dep"))
    assert is_clock_number(facts(frame, "day"))
    assert not is_clock_number(facts(frame, "dist"))


def test_numbers_of_things_and_numbers_that_count():
    rng = np.random.default_rng(5)
    line, load = rng.integers(100, 190, (2, 2_000))
    km = dict(enumerate(rng.uniform(3, 80, 200)))
    frame = pd.DataFrame({"line": line, "load": load, "km": pd.Series(line).map(km).round(1)})
    frame["cost"] = 3 * frame["load"] + rng.normal(0, 20, 2_000)
    assert is_label(frame, facts(frame, "line"))
    assert not is_label(frame, facts(frame, "load"))
    assert not is_label(frame, facts(frame, "km"))


def test_things_seen_at_several_times():
    frame = pd.DataFrame({"firm": np.repeat([4, 7, 9], 5), "year": [2001, 2002, 2003, 2004, 2005] * 3})
    frame["size"] = [1, 1, 2] * 5
    columns = [facts(frame, name) for name in ("size", "firm")]
    assert panel_column(frame, columns, [facts(frame, "year")]) == "firm"
    frame.loc[0, "year"] = 2002  # the firm twice in a year
    assert panel_column(frame, columns, [facts(frame, "year")]) == ""
