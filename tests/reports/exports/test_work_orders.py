"""Work orders: a page for each vehicle or machine that has something to do."""

from __future__ import annotations

import html
import re

import pytest

from kanopt.errors import ProblemError
from kanopt.problems import evaluate
from kanopt.reports import EXPORTS, refuse_exports
from kanopt.text import clock_text
from tests.reports.exports.conftest import NAMES
from tests.reports.test_write import Page


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
