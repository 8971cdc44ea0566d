"""Plans in Markdown, CSV, GeoJSON and work orders, and answers in workbooks: complete, and nothing that runs."""

from __future__ import annotations

import csv
import html
import json
import math
import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanopt as ko
from kanopt import Status
from kanopt.cli import options
from kanopt.errors import ProblemError
from kanopt.files import GUARDED, unguarded
from kanopt.pages import EXPORTS, export, refuse_exports
from kanopt.pages.export import _line
from kanopt.pages.markdown import _escaped
from kanopt.pages.workbook import frame_book
from kanopt.plans import evaluate
from kanopt.plans.geography import EarthLine
from kanopt.scenarios.run import TableExports
from kanopt.text import clock_text, money_text, number_text
from tests.cases.answers import FUEL, one_route, tiny_scenario
from tests.pages.exports.conftest import NAMES, city
from tests.pages.test_write import Page

MARK = re.compile(r"(?<!\\)(?:\\\\)*[*_`\[\]<>#|~&!$@{}]")


def plain(text):
    """Take the backslashes away that CommonMark takes away (section 2.4)."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", text)


@given(st.text(st.sampled_from("*_`[]()<>#|~&!$@{}\\-+=1.) :/wW\n\tab"), max_size=20))
def test_a_text_is_a_text(text):
    written = _escaped(text)
    assert plain(written) == " ".join(text.split())
    assert not MARK.search(written)
    assert not re.search(r"(?i)://|\bwww\.", written)
    assert not re.match(r"[-+=]|\d+[.)](\s|$)", written)


def test_a_summary_says_what_to_do_what_it_costs_and_what_is_left_out(routed, tmp_path):
    text = routed.to_markdown(tmp_path / "plan.md").read_text("utf-8")
    told = plain(text)
    assert money_text(routed.objective, "EUR") in told
    assert "5 of 6 clients" in told
    assert routed.assessment.left_out_price.text[1:] in told


def test_names_stay_in_their_cells(routed, tmp_path):
    text = routed.to_markdown(tmp_path / "plan.md").read_text("utf-8")
    timetable = text.partition("## Timetable")[2]
    rows = [re.split(r"(?<!\\)\|", line) for line in timetable.splitlines() if line.startswith("| van")]
    assert len(rows) == 7
    assert {len(row) for row in rows} == {len(rows[0])}
    assert [plain(row[3]).strip() for row in rows[:3]] == NAMES[:3]
    assert "</script>" not in text
    assert "<b>" not in text


def test_a_law_has_its_verdict_and_its_curve_in_numbers(make_run, tmp_path):
    run = make_run()
    (path,) = export(run, "md", tmp_path / "plan.md")
    told = plain(path.read_text("utf-8"))
    law = run.laws["travel_time"].formula
    (curve,) = law.curves
    assert f"({law.verdict.level}; R²" in told
    (line,) = [line for line in told.splitlines() if f"where {curve.name}(hour) in travel_time" in line]
    middle = 0.2 * (curve.high - curve.low) + curve.low
    assert f"{number_text(float(curve.at(middle)), 3)} at {number_text(middle, 3)} h" in line


def test_without_a_plan_it_says_why(tmp_path):
    from kanopt import Result

    result = Result(city(), None, Status.NO_PLAN, None, None, "none")
    text = result.to_markdown(tmp_path / "plan.md").read_text("utf-8")
    assert "no plan" in text
    assert "no plan" in result.to_html(tmp_path / "plan.html").read_text("utf-8")
    with pytest.raises(ValueError, match="there is no plan to export"):
        result.to_csv(tmp_path)


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


def check_position(place: object) -> None:
    """Section 3.1.1: longitude, latitude, and at most a height."""
    assert isinstance(place, list)
    assert len(place) in (2, 3)
    assert all(type(number) in (int, float) and math.isfinite(number) for number in place)
    assert -180 <= place[0] <= 180
    assert -90 <= place[1] <= 90


def check_line(places: list) -> None:
    """Sections 3.1.4 and 3.1.9: two or more positions, none beyond the antimeridian from the one before."""
    assert len(places) >= 2
    for place in places:
        check_position(place)
    assert all(abs(b[0] - a[0]) <= 180 for a, b in pairwise(places))


CHECKS = {
    "Point": check_position,
    "LineString": check_line,
    "MultiLineString": lambda lines: [check_line(places) for places in lines],
}


def check(document: dict) -> None:
    """Sections 3.2, 3.3, 4 and 7.1: a collection of features, no reference system, no members out of place."""
    assert set(document) == {"type", "features"}
    assert document["type"] == "FeatureCollection"
    for feature in document["features"]:
        assert set(feature) == {"type", "geometry", "properties"}
        assert feature["type"] == "Feature"
        assert isinstance(feature["properties"], dict)
        assert set(feature["geometry"]) == {"type", "coordinates"}
        CHECKS[feature["geometry"]["type"]](feature["geometry"]["coordinates"])


def read_map(path):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    text = path.read_text("utf-8")
    assert "<" not in text
    return json.loads(text, parse_constant=refuse)


def test_routes_are_lines_and_stops_are_points(routed, tmp_path):
    document = read_map(routed.to_geojson(tmp_path / "new" / "plan.geojson"))
    check(document)
    lines = [f for f in document["features"] if f["geometry"]["type"] == "LineString"]
    points = {f["properties"]["name"]: f for f in document["features"] if f["geometry"]["type"] == "Point"}
    assert [line["properties"]["name"] for line in lines] == ["van 1", "van 2"]
    hub, first = [13.35, 52.5], [13.4, 52.52]
    assert lines[0]["geometry"]["coordinates"][:2] == [hub, first]
    assert lines[0]["geometry"]["coordinates"][-1] == hub
    assert list(points) == ["hub", *NAMES]
    assert points[NAMES[0]]["geometry"]["coordinates"] == first
    assert points[NAMES[0]]["properties"]["vehicle"] == "van 1"
    assert points[NAMES[0]]["properties"]["label"].endswith("served 08:00")
    assert points[NAMES[5]]["properties"]["role"] == "unserved"
    assert points[NAMES[5]]["properties"]["vehicle"] is None


def test_places_on_a_plane_are_refused(planar, tmp_path):
    with pytest.raises(ProblemError, match=r"give every place a lat and a lon in degrees"):
        planar.to_geojson(tmp_path / "plan.geojson")
    assert not list(tmp_path.iterdir())


def test_a_route_across_the_antimeridian_is_cut_there(tmp_path):
    places = [(-17.0, lon) for lon in (178.0, 179.5, -179.0, -178.5, 179.0, 178.5)]
    problem = replace(city(places), depots=[replace(city().depots[0], lat=-17.0, lon=178.0)])
    document = read_map(evaluate(problem, [NAMES[:4], NAMES[4:]]).to_geojson(tmp_path / "fiji.geojson"))
    check(document)
    cut, whole = [f["geometry"] for f in document["features"] if f["geometry"]["type"] != "Point"]
    assert whole["type"] == "LineString"
    assert cut["type"] == "MultiLineString"
    assert [(part[0][0], part[-1][0]) for part in cut["coordinates"]] == [
        (178.0, 180.0),
        (-180.0, -180.0),
        (180.0, 178.0),
    ]


place = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(st.lists(place, min_size=2, max_size=6))
def test_any_line_on_earth_is_valid(places):
    geometry = _line(EarthLine(tuple(places), {}))["geometry"]
    CHECKS[geometry["type"]](geometry["coordinates"])


def sheets(path):
    text = path.read_text("utf-8")
    page = Page(text)
    assert not page.open
    assert not [tag for tag, _ in page.tags if tag in ("script", "link", "img", "b")]
    return [
        [
            dict(zip(cells("th", part), cells("td", row), strict=True))
            for row in re.findall(r"<tr><td.*?</tr>", part, re.DOTALL)
        ]
        for part in re.findall(r'<section class="order.*?</section>', text, re.DOTALL)
    ]


def cells(tag, text):
    found = re.findall(rf"<{tag}\b.*?>(.*?)</{tag}>", text)
    return [html.unescape(re.sub("<.*?>", "", cell)) for cell in found]


def test_each_driver_has_a_sheet_with_the_stops_in_order(routed, tmp_path):
    path = routed.to_work_orders(tmp_path / "orders.html")
    first, second = sheets(path)
    assert [row["place"] for row in first] == [*NAMES[:3], "hub"]
    assert [row["place"] for row in second] == [*NAMES[3:5], "hub"]
    timetable = routed.assessment.timetable()
    assert [row["arrive"] for row in first] == [clock_text(time) for time in timetable["arrive"][:4]]
    assert first[0]["window"] == "08:00–17:00"
    assert (first[0]["unload"], first[0]["on board"]) == ("0.2 t", "0.6 t")
    assert "pick up" not in first[0]  # nothing is picked up anywhere
    assert "goods: milk" in first[0]["notes"]
    assert "break-after: page" in path.read_text("utf-8")


def test_waiting_and_lateness_are_noted(make_run, tmp_path):
    from dataclasses import replace

    problem = make_run().problem
    names = [client.name for client in problem.clients]
    clients = [
        replace(problem.clients[0], latest=481.0, unit_lateness_cost=1.0),
        replace(problem.clients[1], earliest=700.0),
        *problem.clients[2:],
    ]
    late = evaluate(replace(problem, clients=clients), [names[:6], names[6:]])
    first, _ = sheets(late.to_work_orders(tmp_path / "orders.html"))
    assert first[0]["notes"].endswith("min late")
    assert first[1]["notes"].startswith("wait ")


def test_machines_have_orders_too(scheduled, tmp_path):
    first, second = sheets(scheduled.to_work_orders(tmp_path / "orders.html"))
    known = [[row[head] for head in ("task", "job", "start (min)", "end (min)")] for row in first]
    assert known == [["cut", "j1", "0", "20"], ["saw", "=j2", "20", "25"]]
    assert "mode" not in first[0]
    assert (second[0]["due"], second[0]["notes"]) == ("30", "5 min late")


def test_what_no_plan_can_be_written_as_is_known_before_there_is_one(routed, planar, scheduled, supplied):
    for result, lacking in ((routed, []), (planar, ["geojson"]), (scheduled, ["geojson"])):
        for name in EXPORTS:
            if name in lacking:
                with pytest.raises(ProblemError, match="lat and a lon"):
                    refuse_exports(result.problem, [name])
            else:
                refuse_exports(result.problem, [name])
    with pytest.raises(ProblemError, match=r"lat and a lon(.|\n)*no vehicle and no machine"):
        refuse_exports(supplied.problem, EXPORTS)


def cells_of(path: Path, sheet: str) -> pd.DataFrame:
    head, *rows = openpyxl.load_workbook(path)[sheet].iter_rows()
    assert not any(cell.data_type == "f" for row in rows for cell in row)
    return pd.DataFrame([[cell.value for cell in row] for row in rows], columns=[cell.value for cell in head])


def plain_cell(value: object) -> object:
    return None if pd.isna(value) or value == "" else str(value) if isinstance(value, bool) else value


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, TableExports]:
    tiny = tiny_scenario(tmp_path_factory.mktemp("tiny"))
    axes = {FUEL: (1.0, 2.0)}
    return {
        "sweep": ko.sweep(tiny, axes, plan="today"),
        "tornado": ko.tornado(tiny, axes, plan="today"),
        "monte_carlo": ko.monte_carlo(tiny, axes, draws=20, candidates=0, plan="today"),
        "comparison": ko.compare([tiny, tiny.set(FUEL, 2.0)], time_limit=0.3, repeats=1),
        "risk": one_route(["north", "=1+1"]),
    }


@pytest.mark.parametrize("name", ["sweep", "tornado", "monte_carlo", "comparison", "risk"])
def test_sheets_hold_the_tables_of_an_answer(
    name: str, answers: dict[str, TableExports], tmp_path: Path
) -> None:
    answer = answers[name]
    path = answer.to_xlsx(tmp_path / "folder" / "answer.xlsx")
    tables = {key: frame for key, frame in answer.tables().items() if len(frame)}
    assert openpyxl.load_workbook(path).sheetnames == ["Summary", *tables]
    for key, frame in tables.items():
        found = cells_of(path, key)
        assert list(found.columns) == list(map(str, frame.columns))
        for column in frame:
            assert [*map(plain_cell, found[str(column)])] == pytest.approx([*map(plain_cell, frame[column])])
    said = [row[0].value for row in openpyxl.load_workbook(path)["Summary"].iter_rows()]
    assert said
    assert set(said) <= {line.strip() for line in answer.text().splitlines()}


def test_what_comes_from_data_is_text(tmp_path: Path) -> None:
    bad = ["=1+1", "+2", "@x", "<b>", "a" * 40_000]
    frame = pd.DataFrame({"=name": bad, "when": pd.Timestamp("2026-01-02"), "yes": True})
    (tmp_path / "x.xlsx").write_bytes(frame_book(bad, {"=sheet!": frame, "none": frame.head(0)}))
    found = cells_of(tmp_path / "x.xlsx", "sheet")
    assert found["=name"].tolist()[:4] == bad[:4]
    assert found["=name"].iloc[4].startswith("aaa")
    assert found["when"].iloc[0] == "2026-01-02 00:00:00"
    assert found["yes"].iloc[0] == "True"


def test_every_format_is_an_option_of_the_command_line():
    assert options.EXPORT.type.choices == tuple(EXPORTS)
