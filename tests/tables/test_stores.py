"""Parquet files, databases and frames in memory."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.tables import read_table, report_of


@pytest.mark.parametrize("url", ["sqlite:///trips.db", "nonesuch://user:geheim@host/db", "://"])
def test_a_database_is_read_with_pandas(url: str) -> None:
    with pytest.raises(TableError, match="read the rows with pandas") as caught:
        read_table(url)
    assert "geheim" not in str(caught.value)


def test_parquet_keeps_its_kinds(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "n": [1, 2, 3],
            "x": [0.5, np.nan, 2.0],
            "code": ["007", "8", "9"],
            "zone": pd.Categorical(["a", "b", "a"]),
            "at": pd.date_range("2024-01-01", periods=3),
            "day": [datetime.date(2024, 1, k) for k in (1, 2, 3)],
            "ok": [True, False, True],
            "price": [decimal.Decimal("1.10"), None, decimal.Decimal("2.20")],
        },
        index=["r1", "r2", "r3"],
    )
    path = tmp_path / "t.parquet"
    frame.to_parquet(path)
    read = read_table(path)
    assert read["n"].dtype == np.int64
    assert read["code"].tolist() == ["007", "8", "9"]
    assert read["zone"].dtype == "category"
    assert pd.api.types.is_datetime64_any_dtype(read["at"])
    assert pd.api.types.is_datetime64_any_dtype(read["day"])
    assert read["ok"].dtype == bool
    np.testing.assert_array_equal(read["price"], [1.1, np.nan, 2.2])
    assert list(read) == list(frame)  # the row labels are no column
    assert report_of(read).missing == {"x": 1, "price": 1}
