"""Derived columns and dropped rows when a table is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import TableError
from kanopt.tables import TableReport, report_of, units_of

CSV = """trip,seconds,miles,pickup,status
1,600,2.5,2024-01-01 08:30:00,done
2,300,0,2024-01-01 09:00:00,void
3,0,1.0,2024-01-06 10:15:00,done
4,900,,2024-01-07 23:59:24,done
5,soon,4,2024-01-08 00:00:00,test
"""


@pytest.fixture
def trips(tmp_path: Path) -> Path:
    path = tmp_path / "trips.csv"
    path.write_text(CSV)
    return path


def test_columns_are_derived_with_their_units_and_told(trips: Path) -> None:
    frame = ko.read_table(
        trips,
        units={"seconds": "s", "miles": "mi", "minutes": "min"},
        derive={
            "mph": "60 * miles / minutes",
            "speed": "miles / seconds",
            "minutes": "seconds / 60",
            "start_h": "hour(pickup)",
            "weekend": "weekday(pickup) >= 6",
        },
        drop_where=["status == 'test'", "seconds <= 0"],
    )
    assert frame["minutes"].tolist() == [10.0, 5.0, 15.0]
    np.testing.assert_allclose(frame["start_h"], [8.5, 9.0, 23.99])
    np.testing.assert_allclose(frame["mph"], [15.0, 0.0, np.nan])
    assert frame["weekend"].tolist() == [False, False, True]
    assert frame["weekend"].dtype == bool
    assert units_of(frame) == {
        "seconds": "s",
        "miles": "mi",
        "minutes": "min",
        "speed": "mi/s",
        "start_h": "h",
    }
    report = report_of(frame)
    assert report.left_out == {"drop_where status == 'test'": 1, "drop_where seconds <= 0": 1}
    assert report.derived["minutes"] == "seconds / 60"
    assert "  derived: minutes = seconds / 60" in str(report)
    assert report.missing == {"miles": 1, "mph": 1, "speed": 1}
    assert TableReport.from_dict(report.to_dict()) == report


def test_rows_that_are_dropped_are_not_checked_otherwise(trips: Path) -> None:
    with pytest.raises(TableError, match="'soon'"):
        ko.read_table(trips, drop_where=["status == 'void'"])
    assert len(ko.read_table(trips, drop_where=["status in ['void', 'test']"])) == 3


@pytest.mark.parametrize("action", ["error", "missing", "drop"])
def test_a_number_that_is_not_finite_is_a_bad_cell(trips: Path, action: str) -> None:
    given = {
        "derive": {"mph": "miles / seconds"},
        "drop_where": ["status == 'test'"],
        "on_bad": {"mph": action},
    }
    if action == "error":
        with pytest.raises(
            TableError, match=r"(?s)'mph' \(number\).*no finite value.*row 4: 'miles=1, seconds=0'"
        ):
            ko.read_table(trips, **given)
        return
    frame = ko.read_table(trips, **given)
    assert frame["mph"].isna().sum() == (2 if action == "missing" else 1)
    assert len(frame) == (4 if action == "missing" else 3)


@pytest.mark.parametrize(
    ("derive", "drop_where", "message"),
    [
        ({"miles": "seconds"}, [], "has a column 'miles' already"),
        ({"a": "b", "b": "a"}, [], "names 'b', which in the end comes back to 'a'"),
        ({"a": "a + 1"}, [], "names itself"),
        ({"a": "mils"}, [], "did you mean 'miles'"),
        ({"a": "status * 2"}, [], "'status' holds texts"),
        ({"a": "miles +"}, ["miles <"], r"(?s)derive 'a': .*drop_where: character 8"),
        ({}, ["miles"], "is a number of each row and no condition"),
        ({}, ["trip > 0"], "holds of every row"),
        ({}, "miles > 0", r"write drop_where=\['miles > 0'\]"),
        ({"a": 5}, [], "want texts, not 5"),
        (["a"], [], "derive= wants a name and a text each"),
        ({}, ["miles > 0"] * 201, "at most 200"),
    ],
)
def test_what_cannot_be(trips: Path, derive: object, drop_where: object, message: str) -> None:
    with pytest.raises(TableError, match=message):
        ko.read_table(trips, on_bad="missing", derive=derive, drop_where=drop_where)


def test_frames_and_parquet_are_read_alike(trips: Path, tmp_path: Path) -> None:
    asked = {"derive": {"h": "hour(pickup)"}, "drop_where": ["miles <= 0", "h > 23 or missing(miles)"]}
    read = ko.read_table(trips, on_bad="missing", **asked)
    plain = pd.read_csv(trips)
    plain.to_parquet(tmp_path / "trips.parquet")
    for source in (plain, tmp_path / "trips.parquet"):
        found = ko.read_table(source, **asked)
        assert found["h"].tolist() == read["h"].tolist() == [8.5, 10.25, 0.0]
        assert report_of(found).left_out == report_of(read).left_out


def test_a_derived_column_has_the_unit_and_the_limits_that_are_declared() -> None:
    frame = pd.DataFrame({"x": [60.0, 90.0]})
    derive = {"h": "x * 1"}
    hours = ko.read_table(frame, derive=derive, units={"x": "min"})
    assert units_of(hours) == {"x": "min", "h": "min"}
    with pytest.raises(TableError, match=r"(?s)above the maximum 70.*record 2: 'x=90'"):
        ko.read_table(frame, derive=derive, maximum={"h": 70})
