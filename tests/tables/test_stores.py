"""Parquet files, databases and frames in memory."""

from __future__ import annotations

import datetime
import decimal
import signal
import sqlite3
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.tables import _stores, read_table, report_of


@pytest.fixture
def database(tmp_path: Path) -> str:
    path = tmp_path / "trips.db"
    connection = sqlite3.connect(path)
    connection.executescript(
        "CREATE TABLE trips (id INTEGER, minutes REAL, weight, town TEXT);"
        "INSERT INTO trips VALUES (1, 10.5, 3, 'Lyon'), (2, 20.0, 'See trip 1', NULL), (3, NULL, 4.5, 'Nice');"
    )
    connection.close()
    return f"sqlite:///{path}"


def test_sql_is_read_and_mixed_columns_are_judged(database: str) -> None:
    query = "SELECT id, minutes, weight, town FROM trips ORDER BY id"
    with pytest.raises(TableError, match="record 2: 'See trip 1'"):
        read_table(database, query=query)
    frame = read_table(database, query=query, on_bad="missing", units={"minutes": "min"})
    np.testing.assert_array_equal(frame["weight"], [3, np.nan, 4.5])
    assert frame["id"].dtype == np.int64
    assert frame["town"].isna().tolist() == [False, True, False]
    report = report_of(frame)
    assert report.missing == {"minutes": 1, "town": 1}
    assert (report.format, report.rows_read) == ("SQL query", 3)
    assert report.sha256 == report_of(read_table(database, query=query, columns=["id"])).sha256


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (None, "needs query="),
        ("SELECT * FROM trisp", "no such table: trisp; the query was: SELECT"),
        ("SELECT * FROM trips WHERE id > 9", "has no rows"),
        ("DELETE FROM trips", "not authorized"),
        ("WITH t AS (SELECT 1) DELETE FROM trips", "not authorized"),
        ("-- nothing", "returns no table"),
        ("SELECT 'a:b' AS x, 5 % 3 AS y", None),
    ],
)
def test_queries(database: str, query: str | None, message: str | None) -> None:
    if message is None:
        assert read_table(database, query=query)["y"].tolist() == [2]
        return
    with pytest.raises(TableError, match=message):
        read_table(database, query=query)


def test_a_refused_statement_changes_nothing(database: str) -> None:
    with pytest.raises(TableError):
        read_table(database, query="DELETE FROM trips")
    assert len(read_table(database, query="SELECT id FROM trips")) == 3


@pytest.mark.parametrize("url", ["sqlite://:::", "nonesuch://user:geheim@host/db", "://"])
def test_urls_of_other_databases_are_refused_and_keep_the_password(url: str) -> None:
    with pytest.raises(TableError, match="a database is a file of SQLite") as caught:
        read_table(url, query="SELECT 1")
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


@pytest.mark.parametrize(
    "query",
    [
        "DROP TABLE trips",
        "UPDATE trips SET minutes = 0",
        "CREATE TABLE more AS SELECT * FROM trips",
        "CREATE TEMP TABLE more (x)",
        "VACUUM INTO 'copy.db'",
        "ATTACH 'other.db' AS other",
        "PRAGMA user_version = 7",
        "SELECT load_extension('evil')",
        "SELECT 1; DROP TABLE trips",
        "DELETE FROM trips RETURNING id",
        "WITH gone AS (SELECT 1) DELETE FROM trips",
    ],
)
def test_a_query_only_reads(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.chdir(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(TableError, match="the query was"):
        read_table(database, query=query)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (f"{_ENDLESS} count(*) FROM n", "takes longer than 0.2 s"),
        (f"{_ENDLESS} i FROM n", "more than 50,000 rows"),
        (f"{_ENDLESS} i FROM n LIMIT 50001", "more than 50,000 rows"),
        ("SELECT hex(zeroblob(900000000))", "too big"),
    ],
)
def test_a_query_ends(database: str, monkeypatch: pytest.MonkeyPatch, query: str, message: str) -> None:
    monkeypatch.setattr(_stores, "MOST_SECONDS", 5.0 if "rows" in message else 0.2)
    monkeypatch.setattr(_stores, "MOST_ROWS", 50_000)
    with pytest.raises(TableError, match=message):
        read_table(database, query=query)


def test_ctrl_c_stops_a_query(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_stores, "MOST_SECONDS", 30.0)  # rather than to wait, where nobody hears it
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        read_table(database, query=f"{_ENDLESS} count(*) FROM n")
