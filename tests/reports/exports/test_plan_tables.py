"""Tables of plans: times of day beside numbers, and no cell a formula."""

from __future__ import annotations

import csv
import re

import pandas as pd
import pytest

from kanopt.csv_cells import GUARDED, unguarded
from kanopt.errors import ProblemError
from kanopt.reports.exports.plan_tables import TABLES
from kanopt.text import clock_text
from tests.reports.exports.conftest import NAMES


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_times_of_stops_stand_as_time_of_day_and_in_minutes(routed, tmp_path):
    files = routed.to_csv(tmp_path / "tables")
    assert {path.name for path in files} == {
        f"{name}.csv" for name in ("figures", "vehicles", "plan", "timetable", "costs", "reasons")
    }
    rows = read(tmp_path / "tables" / "timetable.csv")
    timetable = routed.assessment.timetable()
    assert len(rows) == len(timetable)
    for row, line in zip(rows, timetable.to_dict("records"), strict=True):
        for name in ("leave", "arrive", "begin", "end"):
            assert row[name] == clock_text(line[name])
            assert float(row[f"{name} (min)"]) == line[name]
        assert unguarded(row["place"]) == line["place"]
        assert float(row["load (t)"]) == line["load"]
        assert float(row["distance (km)"]) == line["distance"]


def test_a_folder_is_not_named_like_a_file(routed, tmp_path):
    with pytest.raises(ProblemError, match=r"tables\.csv is a folder to be.*'tables'.*to_frame"):
        routed.to_csv(tmp_path / "tables.csv")
    assert not [*tmp_path.iterdir()]


def test_no_cell_is_a_formula(routed, scheduled, supplied, tmp_path):
    for number, result in enumerate((routed, scheduled, supplied)):
        for path in result.to_csv(tmp_path / str(number)):
            for row in read(path):
                for head, cell in row.items():
                    number_like = re.fullmatch(r"-?[\d.]+(e-?\d+)?", cell)
                    assert number_like or cell[:1] not in tuple("=+-@\t\r"), (path, head, cell)
    places = [row["client"] for row in read(tmp_path / "0" / "plan.csv")]
    assert [unguarded(place) for place in places] == NAMES
    assert re.match(GUARDED, places[0])


def test_costs_add_up_to_the_price(routed, scheduled, supplied, tmp_path):
    for result in (routed, scheduled, supplied):
        result.to_csv(tmp_path)
        amounts = pd.read_csv(tmp_path / "costs.csv")["amount (EUR)"]
        assert amounts.sum() == pytest.approx(result.objective, rel=1e-12)


def test_csv_with_decimal_commas_is_the_same_table(supplied, tmp_path):
    plain = {path.name: pd.read_csv(path) for path in supplied.to_csv(tmp_path / "points")}
    for path in supplied.to_csv(tmp_path / "commas", commas=True):
        text = path.read_bytes().decode("utf-8")
        assert text.startswith("\ufeff")
        pd.testing.assert_frame_equal(
            pd.read_csv(path, sep=";", decimal=",", encoding="utf-8-sig"), plain[path.name]
        )
    assert len(plain) > 2


def test_sites_and_markets_are_tables_of_their_own(supplied, tmp_path):
    names = [path.stem for path in supplied.to_csv(tmp_path)]
    assert set(names) <= set(TABLES)
    assert {row["facility"] for row in read(tmp_path / "open_sites.csv")} == {"north"}
    for roster in supplied.assessment.rosters():
        found = pd.read_csv(tmp_path / f"{roster.key}s.csv")
        pd.testing.assert_frame_equal(found, roster.frame, check_dtype=False, rtol=1e-12)


def test_vehicles_and_jobs_have_a_row_each_with_what_becomes_of_them(routed, scheduled, tmp_path):
    routed.to_csv(tmp_path)
    (roster,) = routed.assessment.rosters()
    rows = read(tmp_path / "vehicles.csv")
    for row, line in zip(rows, roster.frame.to_dict("records"), strict=True):
        assert row["back"] == clock_text(line["back"])
        assert float(row["back (min)"]) == line["back"]
        assert float(row["of its capacity"]) == line["of its capacity"]
        assert float(row["cost (EUR)"]) == pytest.approx(line["cost (EUR)"], rel=1e-15)
    scheduled.to_csv(tmp_path)
    late, other = read(tmp_path / "jobs.csv")
    assert (late["due (min)"], late["ends (min)"], late["late (min)"], late["verdict"]) == (
        "30.0",
        "35.0",
        "5.0",
        "late",
    )
    assert (other["due (min)"], other["verdict"]) == ("", "")
