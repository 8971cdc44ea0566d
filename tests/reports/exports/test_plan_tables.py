"""Tables of plans: times of day beside numbers, and no cell a formula."""

from __future__ import annotations

import csv
import re

import pandas as pd
import pytest

from kanopt.csv_cells import GUARDED, unguarded
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
