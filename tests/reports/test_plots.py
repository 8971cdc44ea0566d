from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot

from kanopt.problems.views import GanttView, MapView, NetworkView, SeriesView, View
from kanopt.reports.plots import view_chart

NAMES = ["depot", "a", "b", "$c$", "x" * 300]


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


def a_map(unit: str = "km", names: list[str] = NAMES) -> MapView:
    count = len(names)
    points = pd.DataFrame(
        {
            "name": names,
            "x": np.arange(count, dtype=float),
            "y": np.arange(count, dtype=float) ** 2,
            "role": ["depot", *["client"] * (count - 2), "unserved"],
            "label": [f"{name}, 2 t" for name in names],
        }
    )
    paths = pd.DataFrame(
        {
            "group": ["van 1"] * 3 + ["van 2"] * 2 + ["idle"],
            "x": [0.0, 1, 0, 0, 2, 0],
            "y": [0.0, 1, 0, 0, 4, 0],
        }
    )
    background = pd.DataFrame({"x0": [0.0], "y0": [0.0], "x1": [3.0], "y1": [3.0]})
    return MapView("Routes", points, paths, background, unit)


def a_gantt(clock: bool = True, rows: int = 2) -> GanttView:
    bars = pd.DataFrame(
        {
            "row": [f"van {i // 3 + 1}" for i in range(3 * rows)],
            "start": [480.0 + 60 * (i % 3) for i in range(3 * rows)],
            "end": [540.0 + 60 * (i % 3) for i in range(3 * rows)],
            "label": ["c1"] * (3 * rows),
            "kind": ["drive", "service", "own"] * rows,
        }
    )
    return GanttView("Timetable", bars, "min", clock)


def a_network() -> NetworkView:
    nodes = pd.DataFrame(
        {
            "name": ["s", "f", "g", "m"],
            "x": [0.0, 1, 1, 2],
            "y": [0.0, 1, -1, 0],
            "role": ["supplier", "open", "closed", "market"],
            "label": "",
        }
    )
    edges = pd.DataFrame(
        {
            "tail": ["s", "f", "s"],
            "head": ["f", "m", "g"],
            "amount": [8.0, 8.0, 0.0],
            "label": ["8 t", "", ""],
        }
    )
    return NetworkView("Flows", nodes, edges)


def a_series(step: bool = True) -> SeriesView:
    data = pd.DataFrame({"north": [3.0, 5.0, 4.0], "south": [3.0, 5.0, 4.0]}, index=["p1", "p2", "p3"])
    return SeriesView("Stock", data, "period", "stock (t)", step)


VIEWS = [a_map(), a_gantt(), a_gantt(clock=False), a_network(), a_series(), a_series(step=False)]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: type(view).__name__)
@pytest.mark.parametrize("width", [350, 860])
def test_every_view_becomes_well_formed_svg(view: View, width: int) -> None:
    root = ElementTree.fromstring(view_chart(view, 0, width, label=f"{view.title} {width}").wide)
    assert root.get("width") == str(width)
    assert all(float(value) >= 0 for value in root.get("viewBox", "").split())


def test_tips_name_points_bars_and_edges() -> None:
    assert "<title>a, 2 t</title>" in view_chart(a_map(), 0, 350, label="m").wide
    assert "<title>van 1: c1, 08:00 to 09:00</title>" in view_chart(a_gantt(), 0, 350, label="g").wide
    assert (
        "<title>van 1: c1, 480 min to 540 min</title>"
        in view_chart(a_gantt(clock=False), 0, 350, label="h").wide
    )
    assert "<title>s → f: 8 t</title>" in view_chart(a_network(), 0, 350, label="n").wide


def test_views_of_two_plans_share_time_axis_and_colours() -> None:
    base, other = a_gantt(), a_gantt()
    base.bars["end"] += 500.0
    ticks = [
        re.findall(
            r">(\d\d:\d\d)<", view_chart(view, 0, 350, label=f"gantt {place}", among=(base, other)).wide
        )
        for place, view in enumerate((base, other))
    ]
    assert ticks[0] == ticks[1]
    old, new = a_map(), a_map()
    new.paths["group"] = new.paths["group"].replace({"van 1": "van 3"})
    colours = [
        _colours_of(view_chart(view, 0, 350, label=f"map {place}", among=(old, new)).wide)
        for place, view in enumerate((old, new))
    ]
    assert colours == [{"van 1": "c1", "van 2": "c2"}, {"van 3": "c4", "van 2": "c2"}]


def _colours_of(svg: str) -> dict[str, str]:
    return {name: colour for colour, name in re.findall(r"var\(--(c\d),[^)]*\)[^<>]*>(van \d)<", svg)}
