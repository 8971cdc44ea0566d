"""Parquet files, databases and frames in memory."""

from __future__ import annotations

import datetime
import decimal
import signal
import sqlite3
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanopt.errors import TableError
from kanopt.tables import Schema, _database, load_city, read_table, report_of, units_of, with_units


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
        ("DELETE FROM trips", "does more than read"),
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


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite://:::", "no SQLAlchemy URL"),
        ("nonesuch://user:geheim@host/db", "no driver for this database"),
        ("://", "no SQLAlchemy URL"),
    ],
)
def test_urls_that_lead_nowhere_keep_the_password(url: str, message: str) -> None:
    with pytest.raises(TableError, match=message) as caught:
        read_table(url, query="SELECT 1 WHERE 0")
    assert "geheim" not in str(caught.value)


def test_a_database_file_is_never_created(tmp_path: Path) -> None:
    (tmp_path / "trips.db").touch()
    with pytest.raises(TableError, match=r"no such database: .*trip\.db; did you mean 'trips\.db'"):
        read_table(f"sqlite:///{tmp_path / 'trip.db'}", query="SELECT 1")
    assert not (tmp_path / "trip.db").exists()


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


def test_text_that_reads_like_numbers_is_said_and_converted_when_declared(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"weight": ["1.5", "see row 1", "2.5"]}).to_parquet(path)
    frame = read_table(path)
    assert (
        "weight is text in the source but reads like number; declare it so to convert it"
        in report_of(frame).notes
    )
    with pytest.raises(TableError, match="record 2: 'see row 1'"):
        read_table(path, schema=Schema.from_dict({"weight": "number"}))


def test_kinds_are_converted_when_declared(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1, 2], "b": [1.0, 2.0], "c": [1, 0], "d": [7, 8], "e": [2.0, 2.5]}).to_parquet(path)
    schema = Schema.from_dict({"a": "number", "b": "integer", "c": "boolean", "d": "category"})
    frame = read_table(path, schema=schema)
    assert [str(t) for t in frame.dtypes] == ["float64", "int64", "bool", "category"]
    with pytest.raises(TableError, match=r"record 2: '2\.5'"):
        read_table(path, schema=Schema.from_dict({"e": "integer"}))


def test_infinite_values_and_unsigned_giants(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": [1.0, np.inf], "u": np.array([1, 2**63 + 1], dtype=np.uint64)}).to_parquet(path)
    with pytest.raises(TableError) as caught:
        read_table(path)
    assert "not finite" in str(caught.value)
    assert "too large to be exact" in str(caught.value)


def test_a_file_that_is_no_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(TableError, match="is not a Parquet file"):
        read_table(path)


def test_columns_of_no_known_kind(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": [1, 2], "b": [[1], [2, 3]]}).to_parquet(path)
    with pytest.raises(TableError, match="column 'b': has the type list"):
        read_table(path)
    assert read_table(path, columns=["a"])["a"].tolist() == [1, 2]


def test_a_frame_in_memory_is_checked_too() -> None:
    mixed: dict[str, list[Any]] = {"a": [1, "x", 3], "b": [1, 2, 3], "when": [datetime.date(2024, 1, 1)] * 3}
    with pytest.raises(TableError, match=r"a frame in memory: .*\n.*\n.*\n.*record 2: 'x'"):
        read_table(pd.DataFrame(mixed))
    frame = read_table(pd.DataFrame(mixed), on_bad="drop", units={"b": "kg"})
    assert frame["a"].tolist() == [1.0, 3.0]
    assert units_of(frame) == {"b": "kg"}
    with pytest.raises(TableError, match="has no columns"):
        read_table(pd.DataFrame())


def test_a_made_table_passes_its_own_schema() -> None:
    city = load_city()
    schema = Schema.from_dict(
        {
            "distance_km": {"unit": "km", "minimum": 0.5, "maximum": 25},
            "hour": {"unit": "h", "minimum": 6, "maximum": 20},
            "week": {"kind": "integer", "minimum": 1, "maximum": 20},
        }
    )
    frame = read_table(city.trips, schema=schema)
    assert len(frame) == 5_000
    np.testing.assert_array_equal(frame["distance_km"], city.trips["distance_km"])


def test_units_that_a_frame_or_parquet_file_declares_are_kept_and_converted(tmp_path: Path) -> None:
    trips = with_units(pd.DataFrame({"distance": [1.0, 2.0], "driver": ["a", "b"]}), {"distance": "km"})
    file = tmp_path / "trips.parquet"
    trips.to_parquet(file)
    metres = Schema.from_dict({"d": {"unit": "m"}})
    for source in (trips, file):
        assert units_of(read_table(source)) == {"distance": "km"}
        assert read_table(source, columns={"d": "distance"}, schema=metres)["d"].tolist() == [1000.0, 2000.0]
        # what is said now goes before what was declared then
        assert units_of(read_table(source, units={"distance": "mile"})) == {"distance": "mile"}
    text = Schema.from_dict({"distance": "text"})
    assert units_of(read_table(trips, schema=text)) == {}


@pytest.mark.parametrize(
    "metadata", [b"[]", b"{", b'{"attributes": 3}', b'{"attributes": {"kanopt": {"units": [1]}}}']
)
def test_parquet_metadata_of_another_shape_is_passed_over(tmp_path: Path, metadata: bytes) -> None:
    table = pa.table({"a": [1, 2]}).replace_schema_metadata({b"pandas": metadata})
    pq.write_table(table, tmp_path / "a.parquet")
    assert units_of(read_table(tmp_path / "a.parquet")) == {}


@pytest.mark.parametrize("store", ["frame", "parquet", "database"])
def test_a_column_without_any_value_is_read(tmp_path: Path, database: str, store: str) -> None:
    path = tmp_path / "note.parquet"
    frame = pd.DataFrame({"note": [None, None], "views": pd.array(["a", "b"]), "km": [1.0, 2.0]})
    frame.to_parquet(path)
    query = "SELECT NULL AS note, 'a' AS views, 1.0 AS km UNION ALL SELECT NULL, 'b', 2.0"
    sources: dict[str, tuple[Any, Any]] = {
        "frame": (frame, None),
        "parquet": (path, None),
        "database": (database, query),
    }
    source, asked = sources[store]
    read = read_table(source, query=asked)
    assert read["note"].isna().all()
    assert read["km"].tolist() == [1.0, 2.0]
    assert read_table(source, query=asked, units={"note": "km"})["note"].isna().all()


def test_views_of_texts_are_texts(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"town": pa.array([" Lyon", "Nice"], pa.string_view())}), tmp_path / "towns.parquet"
    )
    frame = pd.DataFrame({"town": pd.array([" Lyon", "Nice"], dtype=pd.ArrowDtype(pa.string_view()))})
    assert read_table(tmp_path / "towns.parquet")["town"].tolist() == ["Lyon", "Nice"]
    assert read_table(frame)["town"].tolist() == ["Lyon", "Nice"]


def test_mixed_cells_with_pandas_own_missing_value() -> None:
    frame = pd.DataFrame({"a": pd.Series([1, "x", pd.NA], dtype=object)})
    assert report_of(read_table(frame, on_bad="missing")).missing == {"a": 1}


@pytest.mark.parametrize(
    "column",
    [
        pd.period_range("2024-01", periods=2, freq="M"),
        pd.IntervalIndex.from_breaks([0, 1, 2]),
        pd.to_timedelta([1, 2], unit="h"),
    ],
    ids=["period", "interval", "duration"],
)
def test_columns_of_no_kind_are_refused_by_name_and_may_stand_beside_others(column: object) -> None:
    frame = pd.DataFrame({"odd": column, "km": [1, 2]})
    with pytest.raises(TableError, match=r"column 'odd': has the type .*, which is no kind of column"):
        read_table(frame)
    assert read_table(frame, columns=["km"])["km"].tolist() == [1, 2]


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
    monkeypatch.setattr(_database, "MOST_SECONDS", 5.0 if "rows" in message else 0.2)
    monkeypatch.setattr(_database, "MOST_ROWS", 50_000)
    with pytest.raises(TableError, match=message):
        read_table(database, query=query)


def test_ctrl_c_stops_a_query(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_database, "MOST_SECONDS", 30.0)  # rather than to wait, where nobody hears it
    timer = threading.Timer(0.3, lambda: signal.raise_signal(signal.SIGINT))
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        read_table(database, query=f"{_ENDLESS} count(*) FROM n")


def test_ctrl_c_while_a_query_is_prepared_is_no_refused_query(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # an exception within it means "denied" to SQLite
    monkeypatch.setattr(_database, "_admit_reading", lambda *_: signal.raise_signal(signal.SIGINT))
    with pytest.raises(KeyboardInterrupt):
        read_table(database, query="SELECT id FROM trips")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("DROP TABLE trips", "must begin with SELECT"),
        ("-- a remark\nCALL wipe()", "must begin with SELECT"),
        ("COPY trips TO PROGRAM 'sh'", "must begin with SELECT"),
        ("SELECT 1; COPY trips TO '/tmp/x'", "a semicolon"),
        ("SELECT * FROM trips INTO OUTFILE '/tmp/x'", "the word INTO"),
        ("SELECT 1 /*! INTO OUTFILE '/tmp/x' */", "the word INTO|a comment that is run"),
        ("SELECT 1 /* ; */ -- ;", "no driver"),
        ("(SELECT minutes FROM trips);", "no driver"),
    ],
)
def test_other_databases_are_asked_one_selection(query: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table("nonesuch://host/db", query=query)
