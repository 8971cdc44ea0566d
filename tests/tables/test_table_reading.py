"""Cells that are not what their column says, rows that repeat, units, and the account of it all."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanopt.errors import KanoptError, TableError
from kanopt.tables import TextFormat, read_table, report_of, units_of

# The traps of a real shipment table: references to other rows, words for a missing number, a blank.
SHIPMENTS = """ID,Mode,Weight (Kilograms),Freight Cost (USD)
1,Air,13,780.34
2,Truck,See ASN-93 (ID#:1281),See ASN-93 (ID#:1281)
3,N/A,358,Freight Included in Commodity Cost
4,Air,Weight Captured Separately,4521.5
5,Ocean,171,
6,Air,See DN-304 (ID#:10589),1653.78
7,Air,1855,16007.06
8,Air,7590,45450.08
"""
WEIGHT, FREIGHT = "Weight (Kilograms)", "Freight Cost (USD)"


@pytest.fixture
def shipments(tmp_path: Path) -> Path:
    path = tmp_path / "shipments.csv"
    path.write_text(SHIPMENTS, newline="")
    return path


def table(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_text_among_numbers_is_refused_with_counts_rows_and_values(shipments: Path) -> None:
    with pytest.raises(TableError) as caught:
        read_table(shipments)
    message = str(caught.value)
    for part in (
        "shipments.csv: 2 columns hold values that do not fit",
        "'Weight (Kilograms)' (number):",
        "3 of 8 values: not a number",
        "row 3: 'See ASN-93 (ID#:1281)'",
        "row 5: 'Weight Captured Separately'",
        "row 4: 'Freight Included in Commodity Cost'",
        "on_bad='missing'",
        "on_bad={'Weight (Kilograms)': 'drop'}",
    ):
        assert part in message
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, KanoptError)


# kinds


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "-2", "+3"], "int64"),
        (["1", "2.5", ".5", "1e3", "3."], "float64"),
        (["1", "", "3"], "float64"),
        (["007", "012"], "text"),
        (["NA", "DE", "NA"], "text"),
        (["true", "False"], "bool"),
        (["true", "False", ""], "boolean"),
        (["2024-01-31", "2024-02-01 10:00:00"], "datetime"),
        (["2-Jun-06", "14-Nov-06"], "text"),
        (["9/11/14", "7/11/13"], "text"),
        (["", "N/A"], "text"),
        (["99999999999999999999", "1"], "text"),
    ],
)
def test_kinds_are_read_off_the_cells(tmp_path: Path, cells: list[str], kind: str) -> None:
    column = read_table(table(tmp_path, "\n".join(["k,v", *(f"{k},{c}" for k, c in enumerate(cells))])))["v"]
    if kind == "text":
        assert pd.api.types.is_string_dtype(column) or column.isna().all()
    elif kind == "datetime":
        assert pd.api.types.is_datetime64_any_dtype(column)
    else:
        assert column.dtype == kind


@pytest.mark.parametrize(
    "cell", ["1_000", "0x10", "inf", "Infinity", "1 2", "1e999", "12 kg", "$5", "(3)", "½", "1,5,2", "−3"]
)
def test_what_is_no_number(tmp_path: Path, cell: str) -> None:
    path = table(tmp_path, f"k;v\n1;1\n2;2\n3;3\n4;{cell}\n")
    with pytest.raises(TableError, match="row 5"):
        read_table(path)
    assert report_of(read_table(path, on_bad="missing")).set_missing["v"].popitem()[1] == 1


@pytest.mark.parametrize(
    ("rows", "values", "signs"),
    [
        (["1;1,5", "2;2,25"], [1.5, 2.25], {"decimal": ","}),
        (["12,5;1.234", "8,25;500"], [1234.0, 500.0], {"decimal": ",", "thousands": "."}),
        (["7;1.234,5", "8;12"], [1234.5, 12.0], {"decimal": ",", "thousands": "."}),
        (["7;1.234.567", "8;1.234"], [1234567.0, 1234.0], {"decimal": ",", "thousands": "."}),
        (["7;1,234.5", "8;12", "9;1,234,567"], [1234.5, 12.0, 1234567.0], {"decimal": ".", "thousands": ","}),
        (["12.5;1,234", "8.25;500"], [1234.0, 500.0], {"decimal": ".", "thousands": ","}),
        (["0.125;1.234", "1.5;2.345"], [1.234, 2.345], {}),
        (["7;1.234", "8;0.500"], [1.234, 0.5], {}),
        (["7;1.234", "8;1234.567"], [1.234, 1234.567], {}),
    ],
)
def test_signs_of_numbers_are_read_off_cells_that_leave_no_doubt(
    tmp_path: Path, rows: list[str], values: list[float], signs: dict[str, str]
) -> None:
    frame = read_table(table(tmp_path, "\n".join(["k;v", *rows])))
    assert frame["v"].tolist() == values
    assert report_of(frame).signs == signs
    assert bool(signs) == any("as column" in note for note in report_of(frame).notes)


@pytest.mark.parametrize(
    ("text", "row", "cell", "forms"),
    [
        ("k;v\n1;500\n2;1.234\n", 3, "1.234", [{"thousands": "."}, {"decimal": "."}]),
        ("k\tv\n1\t-12.345\n2\t7\n", 2, "-12.345", [{"decimal": ",", "thousands": "."}, {"decimal": "."}]),
        ('k,v\n1,"1,234"\n2,"5,678"\n', 2, "1,234", [{"thousands": ","}, {"decimal": ","}]),
        # one column says so, the other the contrary
        ("a;b;v\n1,5;1.5;1.234\n2,5;2.5;2.345\n", 2, "1.234", [{"decimal": "."}]),
    ],
)
def test_numbers_with_two_readings_are_asked_for(
    tmp_path: Path, text: str, row: int, cell: str, forms: list[dict[str, Any]]
) -> None:
    path = table(tmp_path, text)
    with pytest.raises(TableError, match="'v'") as asked:
        read_table(path)
    assert f"row {row}: '{cell}'" in str(asked.value)
    assert str(asked.value).count("form=TextFormat(") >= 2
    read = [
        read_table(path, columns=["v"], form=TextFormat(**form))["v"].iloc[row - 2].item() for form in forms
    ]
    point = cell.replace(",", ".")
    assert read == [float(point.replace(".", "")), float(point)][-len(read) :]
    assert read_table(path, on_bad="text")["v"].iloc[row - 2] == cell


@pytest.mark.parametrize(
    ("declared", "good", "cell", "message"),
    [
        ({"minimum": {"v": 0}}, "5", "-0.5", "below the minimum 0"),
        ({"maximum": {"v": 10}}, "5", "10.01", "above the maximum 10"),
        ({"units": {"v": "km"}}, "5", "far", "not a number"),
        ({"dates": {"v": "%d.%m.%y"}}, "05.05.24", "2024-01-31", "not a date like '%d.%m.%y'"),
        ({}, "2024-05-05", "2024-02-30", "not a date like"),
    ],
)
def test_what_is_declared_of_a_column_holds(
    tmp_path: Path, declared: Any, good: str, cell: str, message: str
) -> None:
    path = table(tmp_path, f"k,v\n1,{good}\n2,{cell}\n3,{good}\n")
    with pytest.raises(TableError) as caught:
        read_table(path, **declared)
    assert message in str(caught.value)
    assert f"row 3: {cell!r}" in str(caught.value)
    frame = read_table(path, **declared, on_bad="drop")
    assert frame["k"].tolist() == [1, 3]
    assert f"v: {message}" in next(iter(report_of(frame).left_out))
    softened = read_table(path, **declared, on_bad="missing")
    assert softened["v"].isna().tolist() == [False, True, False]


def test_what_is_declared_of_no_column_is_refused(tmp_path: Path) -> None:
    path = table(tmp_path, "day,km\n31.01.2024,5\n")
    wrong: dict[str, Any] = {"units": {"kim": "km"}, "minimum": {"day": 0}, "maximum": {"km": float("nan")}}
    with pytest.raises(TableError) as caught:
        read_table(path, **wrong, dates={"day": "%d.%m.%Y", "km": "%d.%m"})
    told = str(caught.value).splitlines()
    assert [key for key, _ in caught.value.faults] == [
        ("units", "kim"),
        ("dates", "km"),
        ("minimum", "day"),
        ("maximum", "km"),
    ]
    assert "did you mean 'km'" in told[0]
    assert "no format of dates" in told[1]


# the report


def test_the_report_travels_and_names_the_bytes(shipments: Path, tmp_path: Path) -> None:
    frame = read_table(shipments, on_bad="drop", units={WEIGHT: "kg"})
    report = report_of(frame)
    assert report.sha256 == hashlib.sha256(shipments.read_bytes()).hexdigest()
    some = frame[frame[WEIGHT] > 100][[WEIGHT, "Mode"]].copy().reset_index(drop=True)
    assert report_of(some) == report
    assert units_of(some) == {WEIGHT: "kg"}
    frame.to_parquet(tmp_path / "x.parquet")
    assert report_of(pd.read_parquet(tmp_path / "x.parquet")) == report
    assert units_of(some[["Mode"]]) == {}


BLANK = ("", "N/A")


def _fits(text: str) -> bool:
    return text in BLANK or text.replace("-", "", 1).replace(".", "", 1).isdigit()


cell = st.one_of(
    st.integers(-99, 99).map(str),
    st.floats(-99, 99).map(lambda x: f"{x:.3f}"),
    st.sampled_from(["", "N/A", "See row 3", "n.a.", "12 kg", "1,5", "-"]),
)


@pytest.mark.filterwarnings("ignore:.*most (values were set missing|rows were left out)")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(st.tuples(cell, cell), min_size=1, max_size=30), st.sampled_from(["missing", "drop"]))
def test_every_row_and_cell_is_accounted_for(
    tmp_path: Path, rows: list[tuple[str, str]], action: Any
) -> None:
    path = table(tmp_path, "\n".join(["id;a;b", *(f"{k};{a};{b}" for k, (a, b) in enumerate(rows))]) + "\n")
    if action == "drop" and not any(_fits(a) and _fits(b) for a, b in rows):
        with pytest.raises(TableError, match="no row is left"):
            read_table(path, units={"a": "km", "b": "kg"}, on_bad=action, form=TextFormat(decimal="."))
        return
    frame = read_table(path, units={"a": "km", "b": "kg"}, on_bad=action, form=TextFormat(decimal="."))
    report = report_of(frame)
    assert report.rows_read == len(rows)
    assert report.rows == len(frame) == len(rows) - sum(report.left_out.values())
    for place, name in enumerate("ab"):
        kept = [rows[k][place] for k in frame["id"]]
        numbers = [float(c) for c in kept if _fits(c) and c not in BLANK]
        np.testing.assert_array_equal(frame[name].dropna(), numbers)
        blank = sum(c in BLANK for c in kept)
        assert report.missing.get(name, 0) == blank
        assert sum(report.set_missing.get(name, {}).values()) == len(kept) - len(numbers) - blank


@pytest.mark.parametrize(
    ("cells", "format"),
    [
        (["31.12.2025", "1.2.2025"], "%d.%m.%Y"),
        (["03.02.2025", "", "04.02.2025"], "%d.%m.%Y"),
        (["31.12.2025 08:30", "01.02.2025 16:00"], "%d.%m.%Y %H:%M"),
        (["31.12.2025 08:30:59", "01.02.2025 16:00:00"], "%d.%m.%Y %H:%M:%S"),
    ],
)
def test_dates_with_points_have_the_day_first(tmp_path: Path, cells: list[str], format: str) -> None:
    path = table(tmp_path, "day;x\n" + "".join(f"{cell};1\n" for cell in cells))
    frame = read_table(path)
    assert frame["day"].tolist() == [pd.to_datetime(cell or None, format=format) for cell in cells]
    assert report_of(frame).notes == (f"day is read as dates written {format!r}, the day first",)
