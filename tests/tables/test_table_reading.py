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

from kanopt.errors import KanoptError, KanoptWarning, TableError, UnitError
from kanopt.tables import Schema, TextFormat, read_table, report_of, units_of, with_units
from kanopt.tables.report import rows_in_source

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


def test_values_of_one_sort_are_counted_together(tmp_path: Path) -> None:
    rows = "".join(f"{k},See DN-{k} (ID#:{7 * k})\n{k},3.5\n" for k in range(20))
    with pytest.raises(TableError, match=r"'See DN-# \(ID#:#\)' 20 times"):
        read_table(table(tmp_path, "id,weight\n" + rows))


def test_set_missing_on_request(shipments: Path) -> None:
    frame = read_table(shipments, on_bad="missing")
    np.testing.assert_array_equal(frame[WEIGHT], [13, np.nan, 358, np.nan, 171, np.nan, 1855, 7590])
    report = report_of(frame)
    assert report.set_missing == {WEIGHT: {"not a number": 3}, FREIGHT: {"not a number": 2}}
    assert report.missing == {"Mode": 1, FREIGHT: 1}
    assert (report.rows_read, report.rows, dict(report.left_out)) == (8, 8, {})
    assert "Weight (Kilograms): 3 set missing: not a number" in str(report)


def test_left_out_on_request(shipments: Path) -> None:
    frame = read_table(shipments, on_bad="drop")
    assert frame["ID"].tolist() == [1, 5, 7, 8]
    assert frame[WEIGHT].dtype == np.float64
    report = report_of(frame)
    assert report.left_out == {f"{WEIGHT}: not a number": 3, f"{FREIGHT}: not a number": 1}
    assert report.rows_read - report.rows == 4
    assert (report.examples[0].row, report.examples[0].value) == (3, "See ASN-93 (ID#:1281)")


def test_one_column_dropped_the_other_set_missing(shipments: Path) -> None:
    frame = read_table(shipments, on_bad={WEIGHT: "drop", FREIGHT: "missing"})
    assert frame["ID"].tolist() == [1, 3, 5, 7, 8]
    assert report_of(frame).set_missing == {FREIGHT: {"not a number": 1}}  # row 3 is gone for its weight


def test_a_refusal_looks_only_at_rows_that_are_still_in(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b\n1,2\nx,y\n3,4\n5,6\n")
    assert read_table(path, on_bad={"a": "drop"})["b"].tolist() == [2, 4, 6]


def test_the_same_column_as_text_is_no_fault(shipments: Path) -> None:
    frame = read_table(shipments, schema=Schema.from_dict({WEIGHT: "text", "Mode": "category"}))
    assert frame[WEIGHT].iloc[1] == "See ASN-93 (ID#:1281)"
    assert frame["Mode"].dtype == "category"
    assert list(frame["Mode"].cat.categories) == ["Air", "Ocean", "Truck"]
    assert report_of(frame).columns_left_out == ("ID", FREIGHT)
    assert report_of(frame).missing == {"Mode": 1}


def test_a_unit_says_that_a_column_holds_numbers(tmp_path: Path) -> None:
    path = table(tmp_path, "a,b\nfar,1\nnear,2\n7,3\n")
    frame = read_table(path)
    assert frame["a"].tolist() == ["far", "near", "7"]
    assert "a is read as text, although 1 of 3 values are numbers" in report_of(frame).notes
    with pytest.raises(TableError, match="2 of 3 values: not a number"):
        read_table(path, units={"a": "km"})


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
        (["99999999999999999999", "1"], "float64"),
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


def test_namibia_is_not_missing_but_a_number_may_be(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, "country,kg\nNA,NA\nDE,3\n"))
    assert frame["country"].tolist() == ["NA", "DE"]
    assert np.isnan(frame["kg"].iloc[0])
    only = read_table(table(tmp_path, "country,kg\nNA,-\nDE,3\n"), form=TextFormat(missing=("-",)))
    assert only["country"].tolist() == ["NA", "DE"]
    assert report_of(only).missing == {"kg": 1}


def test_a_number_among_times_of_day_blames_no_time(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, "name,due\na,11:00\nb,12.30\nc,9.15\n"))
    assert frame["due"].tolist() == ["11:00", "12.30", "9.15"]
    assert "1 of 3 values are times of day" in report_of(frame).notes[0]
    with pytest.raises(TableError, match="'8:30'"):
        read_table(table(tmp_path, "kg\n" + "7\n" * 20 + "8:30\n"))


def test_leading_zeros_are_said(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, "zip,n\n01067,1\n80331,2\n"))
    assert frame["zip"].tolist() == ["01067", "80331"]
    assert "leading zeros" in report_of(frame).notes[0]


@pytest.mark.parametrize(
    "cell", ["1_000", "0x10", "inf", "Infinity", "1 2", "1e999", "12 kg", "$5", "(3)", "½", "1,5,2", "−3"]
)
def test_what_is_no_number(tmp_path: Path, cell: str) -> None:
    path = table(tmp_path, f"k;v\n1;1\n2;2\n3;3\n4;{cell}\n")
    with pytest.raises(TableError, match="row 5"):
        read_table(path)
    assert report_of(read_table(path, on_bad="missing")).set_missing["v"].popitem()[1] == 1


def test_times_of_day_where_hours_are_wanted_are_told_how_to_write(tmp_path: Path) -> None:
    path = table(tmp_path, "hour;km\n12:31;1\n7:05;2\n")
    with pytest.raises(TableError, match=r"times of day are no numbers: write hours, such as 12.5 for 12:30"):
        read_table(path, units={"hour": "h"})


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


def test_points_are_not_asked_for_where_commas_part_cells_or_programs_wrote_them(tmp_path: Path) -> None:
    assert read_table(table(tmp_path, "k,v\n1,1.234\n"))["v"].tolist() == [1.234]
    assert read_table(pd.DataFrame({"v": [1.234, "x"]}), on_bad="missing")["v"].iloc[0] == 1.234
    with pytest.raises(TableError, match="1 and 234 thousandths"):
        read_table(pd.DataFrame({"v": ["1.234", "2.345"]}), units={"v": "km"})


@pytest.mark.parametrize(
    ("cells", "form", "values"),
    [
        (["1 234", "12 000"], {"thousands": " "}, [1234, 12000]),
        (["1\u202f234", "5"], {"thousands": "\u202f"}, [1234, 5]),
        (["1'234.5", "5"], {"thousands": "'"}, [1234.5, 5.0]),
        (["1’234", "0,5"], {"thousands": "’", "decimal": ","}, [1234.0, 0.5]),
        (["1 234,567", "0,25"], {"thousands": " ", "decimal": ","}, [1234.567, 0.25]),
    ],
)
def test_spaces_and_apostrophes_stand_between_thousands(
    tmp_path: Path, cells: list[str], form: Any, values: list[float]
) -> None:
    path = table(tmp_path, "\n".join(["k;v", *(f"{k};{c}" for k, c in enumerate(cells))]))
    assert read_table(path)["v"].tolist() == values
    assert read_table(path, form=TextFormat(**form))["v"].tolist() == values


def test_codes_in_groups_of_three_stay_texts(tmp_path: Path) -> None:
    path = table(tmp_path, "k;phone\n1;089 123 456\n2;089 222 333\n")
    assert read_table(path)["phone"].tolist() == ["089 123 456", "089 222 333"]


def test_codes_that_are_all_equally_long_do_not_say_how_the_other_numbers_are_written(tmp_path: Path) -> None:
    path = table(tmp_path, "firm;kg\n552 100 554;1,234\n780 129 987;2,345\n")
    with pytest.raises(TableError, match="row 2: '1,234'"):
        read_table(path)


def test_groups_that_are_not_of_three_digits(tmp_path: Path) -> None:
    path = table(tmp_path, "k;v\n1;1,234\n2;12,34\n")
    with pytest.raises(TableError, match="row 3: '12,34'"):
        read_table(path, form=TextFormat(thousands=","))


def test_declared_kinds(tmp_path: Path) -> None:
    path = table(
        tmp_path, "day,paid,n,zone,x\n31.01.2024,Yes,1.0,b,5\n01.02.2024,0,2,a,6\n29.02.2024,,3,b,7\n"
    )
    schema = Schema.from_dict(
        {
            "day": {
                "kind": "datetime",
                "format": "%d.%m.%Y",
                "minimum": "2024-01-01",
                "maximum": "2024-12-31",
            },
            "paid": "boolean",
            "n": "integer",
            "zone": "category",
            "x": {"kind": "text"},
        }
    )
    frame = read_table(path, schema=schema)
    assert frame["day"].dt.day.tolist() == [31, 1, 29]
    assert frame["paid"].tolist()[:2] == [True, False]
    assert frame["paid"].isna().iloc[2]
    assert frame["n"].dtype == np.int64
    assert frame["x"].tolist() == ["5", "6", "7"]


@pytest.mark.parametrize(
    ("settings", "cell", "message"),
    [
        ({"kind": "integer"}, "1.5", "not a whole number"),
        ({"kind": "integer"}, "1e30", "too large to be exact"),
        ({"kind": "number", "minimum": 0}, "-0.5", "below the minimum 0"),
        ({"kind": "number", "maximum": 10}, "10.01", "above the maximum 10"),
        ({"kind": "number", "allow_missing": False}, "", "missing, where a value is required"),
        ({"kind": "text", "allow_missing": False}, "N/A", "missing, where a value is required"),
        ({"kind": "boolean"}, "maybe", "not true or false"),
        ({"kind": "datetime"}, "yesterday", "not a date like '2024-01-31'"),
        ({"kind": "datetime"}, "2024-02-30", "not a date like"),
        ({"kind": "datetime", "format": "%d.%m.%y"}, "2024-01-31", "not a date like '%d.%m.%y'"),
        ({"kind": "datetime", "minimum": "2024-01-01"}, "2023-12-31", "below the minimum 2024-01-01"),
    ],
)
def test_what_the_schema_does_not_allow(tmp_path: Path, settings: Any, cell: str, message: str) -> None:
    good = {"boolean": "no", "datetime": "2024-05-05"}.get(settings["kind"], "5")
    good = "05.05.24" if "format" in settings else good
    path = table(tmp_path, f"k,v\n1,{good}\n2,{cell}\n3,{good}\n")
    schema = Schema.from_dict({"k": "integer", "v": settings})
    with pytest.raises(TableError) as caught:
        read_table(path, schema=schema)
    assert message in str(caught.value)
    assert f"row 3: {cell!r}" in str(caught.value)
    frame = read_table(path, schema=schema, on_bad="drop")
    assert frame["k"].tolist() == [1, 3]
    assert frame["v"].notna().all()
    assert f"v: {message}" in next(iter(report_of(frame).left_out))
    if settings.get("allow_missing", True):
        softened = read_table(path, schema=schema, on_bad="missing")
        assert softened["v"].isna().tolist() == [False, True, False]
    else:
        with pytest.raises(TableError, match="where a value is required"):
            read_table(path, schema=schema, on_bad="missing")


def test_times_with_and_without_a_zone(tmp_path: Path) -> None:
    text = "k,t\n1,2024-01-31T10:00:00Z\n2,2024-01-31T12:00:00+02:00\n"
    frame = read_table(
        table(tmp_path, text), schema=Schema.from_dict({"t": {"kind": "datetime", "minimum": "2024-01-01"}})
    )
    assert frame["t"].iloc[0] == frame["t"].iloc[1]
    with pytest.raises(TableError, match="no time zone, where other values have one"):
        read_table(table(tmp_path, text + "3,2024-01-31 10:00:00\n"))


# columns, units, keys


def test_columns_are_selected_and_renamed(shipments: Path) -> None:
    frame = read_table(
        shipments, columns={"weight": WEIGHT, "mode": "Mode"}, units={"weight": "kg"}, on_bad="drop"
    )
    assert list(frame) == ["weight", "mode"]
    assert units_of(frame) == {"weight": "kg"}
    assert report_of(frame).columns_left_out == ("ID", FREIGHT)
    assert list(read_table(shipments, columns=["Mode", "ID"])) == ["Mode", "ID"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"columns": ["Mod"]}, "no column 'Mod'; did you mean 'Mode'"),
        ({"columns": {"w": "Weight (kilograms)"}}, r"did you mean 'Weight \(Kilograms\)'"),
        ({"columns": "Mode"}, r"write columns=\['Mode'\]"),
        ({"units": {"Wieght (Kilograms)": "kg"}}, r"did you mean 'Weight \(Kilograms\)'"),
        ({"schema": Schema.from_dict({"mode": "text"})}, "no column 'mode'; did you mean 'Mode'"),
        (
            {"columns": ["ID"], "schema": Schema.from_dict({"Mode": "text"})},
            "requires 'Mode', which columns= does",
        ),
        ({"on_bad": "ignore"}, "unknown on_bad='ignore'"),
        ({"on_bad": {"weight": "drop"}}, "on_bad names no column of the table: 'weight'"),
        ({"on_duplicate": "dropp"}, "did you mean 'drop'"),
        ({"query": "SELECT 1"}, "query= is for a SQLAlchemy URL"),
        ({"units": {"Mode": "kg"}, "schema": Schema.from_dict({"Mode": "text"})}, "'Mode' is a text"),
    ],
)
def test_wrong_requests_are_named(shipments: Path, arguments: Any, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(shipments, **arguments)


def test_an_optional_column_may_be_absent(shipments: Path) -> None:
    schema = Schema.from_dict({"ID": "integer", "zone": {"kind": "text", "required": False}})
    assert list(read_table(shipments, schema=schema)) == ["ID"]


def test_units_are_converted_to_the_schema_s(tmp_path: Path) -> None:
    path = table(tmp_path, "load,minutes,n\n1500,90,5\n250,30,6\n")
    schema = Schema.from_dict(
        {"load": {"unit": "t", "maximum": 2}, "minutes": {"kind": "integer", "unit": "s"}}
    )
    frame = read_table(path, schema=schema, units={"load": "kg", "minutes": "min"})
    assert frame["load"].tolist() == [1.5, 0.25]
    assert frame["minutes"].tolist() == [5400, 1800]
    assert frame["minutes"].dtype == np.int64
    assert units_of(frame) == {"load": "t", "minutes": "s"}
    assert "load converted from kg to t" in report_of(frame).notes
    with pytest.raises(TableError, match=r"'load' \(number, converted from g to t\)(.|\n)*row 2: '1500'"):
        read_table(path, schema=Schema.from_dict({"load": {"unit": "t", "minimum": 1}}), units={"load": "g"})


def test_the_schema_s_unit_is_taken_for_the_source_s(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, "load\n1.5\n"), schema=Schema.from_dict({"load": {"unit": "t"}}))
    assert (units_of(frame), frame["load"].tolist()) == ({"load": "t"}, [1.5])


def test_units_that_do_not_convert(tmp_path: Path) -> None:
    path = table(tmp_path, "load\n1\n")
    with pytest.raises(UnitError, match=r"column 'load': cannot convert 'km' \(length\) to 't' \(mass\)"):
        read_table(path, schema=Schema.from_dict({"load": {"unit": "t"}}), units={"load": "km"})
    with pytest.raises(UnitError, match="did you mean 'km'"):
        read_table(path, units={"load": "kkm"})


REPEATED = "id,v\n1,5\n2,6\n1,5\n1,7\n"


def test_repeated_rows_are_counted_refused_or_dropped(tmp_path: Path) -> None:
    path = table(tmp_path, REPEATED)
    kept = read_table(path)
    assert report_of(kept).duplicates == 1
    assert "1 row kept although an earlier row is the same in every column" in str(report_of(kept))
    with pytest.raises(TableError, match=r"1 of 4 rows repeat an earlier one in every column.*First: row 4"):
        read_table(path, on_duplicate="error")
    dropped = read_table(path, on_duplicate="drop")
    assert dropped["v"].tolist() == [5, 6, 7]
    assert report_of(dropped).left_out == {"repeats an earlier row in every column": 1}
    assert report_of(dropped).duplicates == 0


def test_rows_are_the_same_only_in_every_column_of_the_source(tmp_path: Path) -> None:
    assert report_of(read_table(table(tmp_path, REPEATED), columns=["id"])).duplicates == 1


def test_a_key_that_repeats(tmp_path: Path) -> None:
    path, schema = table(tmp_path, REPEATED), Schema.from_dict({"id": "integer", "v": "number"}, key=["id"])
    with pytest.raises(TableError, match=r"2 of 4 rows repeat an earlier one in the key id.*First: row 4, 5"):
        read_table(path, schema=schema)
    frame = read_table(path, schema=schema, on_duplicate="drop")
    assert frame["v"].tolist() == [5.0, 6.0]
    assert report_of(frame).left_out == {
        "repeats an earlier row in every column": 1,
        "repeats an earlier row in the key id": 1,
    }


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


def test_files_that_are_not_there_or_not_ours(tmp_path: Path) -> None:
    table(tmp_path, REPEATED)
    with pytest.raises(TableError, match=r"no such file: .*tabel\.csv; did you mean 'table\.csv'"):
        read_table(tmp_path / "tabel.csv")
    with pytest.raises(TableError, match=r"no such file: .*x\.csv$"):
        read_table(tmp_path / "nowhere" / "x.csv")
    with pytest.raises(TableError, match="save the table as CSV"):
        read_table(tmp_path / "trips.ods")


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


def test_a_month_beyond_twelve_is_no_date_with_the_day_first(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, "day;x\n12.31.2025;1\n01.02.2025;1\n"))
    assert frame["day"].tolist() == ["12.31.2025", "01.02.2025"]
    assert "look like dates" in report_of(frame).notes[0]


def test_what_is_no_date_among_dates_with_points_is_refused_with_its_row(tmp_path: Path) -> None:
    path = table(tmp_path, "day;x\n31.12.2025;1\nsoon;1\n30.02.2025;1\n01.02.2025;1\n")
    with pytest.raises(
        TableError, match=r"2 of 4 values: not a date like '%d.%m.%Y'\s+row 3: 'soon'\s+row 4: '30"
    ):
        read_table(path)


def test_rows_are_known_by_where_they_are_in_the_file(tmp_path: Path) -> None:
    path = table(tmp_path, "km;x\n1;1\n?;1\n3;1\n4;1\n?;1\n6;1\n")
    frame = read_table(path, on_bad="drop")
    rows = rows_in_source(frame)
    assert rows is not None
    assert rows.tolist() == [2, 4, 5, 7]
    assert rows_in_source(with_units(frame, {"km": "km"})) is not None
    assert rows_in_source(frame.sort_values("km", ascending=False)) is None
    assert rows_in_source(pd.DataFrame({"km": [1.0]})) is None


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["31/12/2024", "01/02/2025"], "look like dates"),
        (["31.12.24", "1.2.25 08:30"], "look like dates"),
        (["2-Jun-06", "14-Nov-06"], "look like dates"),
        (["€ 12.50", "€ 3.00"], "beside them"),
        (["12 %", "7.5%"], "beside them"),
        (["12 km", "7,5 km"], "beside them"),
    ],
)
def test_text_that_could_have_been_numbers_or_dates_is_noted(
    tmp_path: Path, cells: list[str], said: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a;b\n" + "".join(f"{cell};1\n" for cell in cells), encoding="utf-8")
    frame = read_table(path)
    assert frame["a"].tolist() == cells
    (note,) = report_of(frame).notes
    assert note.startswith("a is read as text")
    assert said in note


def test_names_of_many_digits_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id\n1234567890123456789\n1234567890123456788\n")
    assert "too long to be exact" in report_of(read_table(path)).notes[0]
    ids = read_table(path, schema=Schema.from_dict({"id": "text"}))["id"]
    assert ids.tolist() == ["1234567890123456789", "1234567890123456788"]


def test_ordinary_text_is_not_noted(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\nvan 1\nNorth-12\nA1\n")
    assert report_of(read_table(path)).notes == ()


def test_where_a_value_is_required_no_one_is_told_to_set_it_missing(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b\n,1\n2,2\n")
    schema = Schema.from_dict({"a": {"allow_missing": False}, "b": "number"})
    with pytest.raises(TableError, match="missing, where a value is required") as caught:
        read_table(path, schema=schema, on_bad="missing")
    assert "on_bad='missing'" not in str(caught.value)
    assert "on_bad='drop'" in str(caught.value)


def test_a_column_that_goes_missing_for_the_most_part_warns(tmp_path):
    path = tmp_path / "ship_de.csv"
    path.write_text("km;cost;days\n" + "".join(f"{k},5;{k};{k}\n" for k in range(9)) + "7;x;4.5\n")
    words = r"most values were set missing in 'km' \(9 of 10\); for decimal commas write form=TextFormat\(decimal=','"
    with pytest.warns(KanoptWarning, match=words):
        frame = read_table(path, on_bad="missing")
    assert frame["km"].isna().sum() == 9
    read_table(path, on_bad="missing", form=TextFormat(decimal=","))


def test_a_column_for_which_most_rows_are_left_out_warns(tmp_path):
    path = tmp_path / "ship_de.csv"
    path.write_text("kg;cost\n" + "".join(f"{k}.500;{k},5\n" for k in range(1, 9)) + "7,5;4\n")
    words = (
        r"most rows were left out for 'kg' \(8 of 9\); for groups of three digits write "
        r"form=TextFormat\(thousands=…\)$"
    )
    with pytest.warns(KanoptWarning, match=words):
        frame = read_table(path, on_bad="drop", form=TextFormat(decimal=","))
    assert len(frame) == 1
    frame = read_table(path, on_bad="drop", form=TextFormat(decimal=",", thousands="."))
    assert frame["kg"].tolist() == [*(500 + 1000 * k for k in range(1, 9)), 7.5]
