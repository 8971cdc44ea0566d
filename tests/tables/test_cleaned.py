"""Derived columns and dropped rows of tables that are read batch by batch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import kanopt as ko
from kanopt.errors import KanoptWarning, TableError
from kanopt.tables.batches import open_source

DERIVE = {"minutes": "seconds / 60", "h": "hour(pickup)", "late": "h > 20", "mph": "60 * miles / minutes"}
DROP = ["miles <= 0 or status == 'void'", "minutes > 90"]


def table(rows: int = 500) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "seconds": rng.integers(60, 6_000, rows),
            "miles": rng.choice([0.0, 1.5, 4.0, np.nan], rows),
            "pickup": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 10**6, rows), "s"),
            "status": rng.choice(["done", "void"], rows, p=[0.9, 0.1]),
            "paid": rng.random(rows) < 0.5,
        }
    )


def read(source: object, columns: list[str]) -> pd.DataFrame:
    return pd.concat(open_source(source).frames(columns), ignore_index=True)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 499), st.permutations(["minutes", "h", "mph", "miles", "seconds"]))
def test_batches_give_the_rows_of_a_table_in_memory(cut: int, columns: list[str]) -> None:
    frame = table()
    expected = ko.read_table(frame, derive=DERIVE, drop_where=DROP)
    source = ko.cleaned(lambda: iter([frame[:cut], frame[cut:]]), derive=DERIVE, drop_where=DROP)
    with pytest.warns(KanoptWarning, match="the batches: .* of 500 rows left out"):
        found = read(source, columns)
    np.testing.assert_allclose(found[columns], expected[columns].astype(float))


def test_kinds_and_truth_values_and_what_is_told(tmp_path: Path) -> None:
    frame = table()
    frame.to_parquet(tmp_path / "trips.parquet")
    rules = [*DROP, "paid and seconds < 0"]
    source = ko.cleaned(tmp_path / "trips.parquet", derive=DERIVE, drop_where=rules)
    expected = ko.read_table(frame, derive=DERIVE, drop_where=DROP)
    opened = open_source(source)
    with pytest.warns(KanoptWarning) as told:
        late = pd.concat(opened.frames(["late"]))
    assert late["late"].tolist() == expected["late"].tolist()
    assert sum(map(len, opened.frames(["miles"]))) == len(expected)  # told once
    (message,) = [str(each.message) for each in told]
    left = ko.report_of(expected).left_out
    for rule in DROP:
        assert f"{left['drop_where ' + rule]:,} × drop_where {rule}" in message
    assert "drop_where paid and seconds < 0: no row is so" in message


@pytest.mark.parametrize(
    ("derive", "drop_where", "message"),
    [
        ({"a": "secs"}, [], r"derive 'a': character 1: there is no column 'secs'; did you mean 'seconds'\?"),
        ({"miles": "seconds"}, [], "has a column 'miles' already"),
        ({}, ["seconds > 0"], "drop_where leaves no row of 500"),
        (
            {"a": "1 / (paid_s - paid_s)", "paid_s": "seconds"},
            [],
            r"row 0 of .*: derived column 'a' has no finite",
        ),
    ],
)
def test_what_cannot_be(tmp_path: Path, derive: dict[str, str], drop_where: list[str], message: str) -> None:
    table().to_parquet(tmp_path / "trips.parquet")
    source = ko.cleaned(tmp_path / "trips.parquet", derive=derive, drop_where=drop_where)
    with pytest.raises(TableError, match=message):
        read(source, ["seconds", *derive])


def test_a_law_of_a_cleaned_source_is_that_of_the_cleaned_table(tmp_path: Path) -> None:
    frame = table().assign(miles=lambda t: np.where(t["miles"] == 0.0, 0.0, t["seconds"] / 400.0))
    frame.to_parquet(tmp_path / "trips.parquet")
    source = ko.cleaned(
        tmp_path / "trips.parquet", derive={"minutes": "seconds / 60"}, drop_where=["miles <= 0"]
    )
    with pytest.warns(KanoptWarning, match="drop_where miles <= 0"):
        law = ko.KANRegressor((), seed=1).fit(source, "minutes", columns=["miles"])
    kept = frame[frame["miles"] > 0]
    np.testing.assert_allclose(law.predict(kept[["miles"]]), kept["seconds"] / 60, rtol=1e-3)
