"""Pictures show the numbers of their objects, name what they show, and stay within their edges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import kanopt as ko
from kanopt.errors import PlotError, ProblemError
from kanopt.pages.charts import series
from kanopt.pages.plots import view_chart
from kanopt.pages.row_plots import shown_ranges
from kanopt.plans.findings import GanttView, MapView, NetworkView, SeriesView, View
from kanopt.plans.result import Result, evaluate
from kanopt.questions import Sweep
from kanopt.scenarios.scenario import Scenario
from tests.cases.answers import FUEL, one_route, switches, tiny_scenario
from tests.cases.supply import small


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


NAMES = ["depot", "a", "b", "$c$", "x" * 300]


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


@pytest.fixture(scope="module")
def plan(make_run: Any) -> Result:
    result: Result = make_run().result
    return result


METHODS = ("plot", "plot_map", "plot_gantt", "plot_timetable", "plot_costs")


@pytest.mark.parametrize("name", METHODS)
def test_a_plan_is_drawn_on_the_axes_given_or_on_new_ones(plan: Result, name: str) -> None:
    ax = Figure().add_subplot()
    assert getattr(plan, name)(ax=ax) is ax
    assert ax.has_data()
    new = getattr(plan, name)()
    assert isinstance(new, Axes)
    assert new.figure is not ax.figure


def test_costs_by_term_are_bars_that_add_up_to_the_objective(plan: Result) -> None:
    ax = plan.plot_costs(Figure().add_subplot())
    assert sum(bar.get_width() for bar in ax.patches) == pytest.approx(plan.objective)
    assert plan.pricing is not None
    assert [label.get_text() for label in ax.get_yticklabels()] == list(plan.pricing.terms().index)
    assert ax.get_xlabel() == f"cost, EUR (all together {plan.objective:.2f} EUR)"


def test_what_a_plan_cannot_show_is_refused_with_what_it_can(plan: Result) -> None:
    flows = evaluate(small(), {"flows": []})
    with pytest.raises(
        ProblemError, match=r"kind 'supply' has no Gantt chart to draw; it has plot_map and plot_costs"
    ):
        flows.plot_gantt()
    for name in METHODS:
        with pytest.raises(ProblemError, match="there is no plan to draw"):
            getattr(replace(plan, assessment=None), name)()


@pytest.mark.parametrize(
    ("ax", "told"),
    [
        (3, "ax is a int in place of plain matplotlib axes"),
        (Figure().subplots(2, 2), "ax is a ndarray in place of plain matplotlib axes"),
        (Figure().add_subplot(projection="polar"), "ax is a PolarAxes in place of plain matplotlib axes"),
    ],
)
def test_what_is_no_axes_is_refused(plan: Result, ax: object, told: str) -> None:
    with pytest.raises(PlotError, match=told):
        plan.plot_map(ax)  # type: ignore[arg-type]


def test_a_law_is_drawn_along_each_input_or_along_one(mixed_law: ko.Formula) -> None:
    panels = mixed_law.plot()
    assert [panel.get_xlabel().split("\n")[0] for panel in panels] == ["weight_t (t)", "freight (EUR)"]
    given = Figure().subplots(1, 2)
    assert list(mixed_law.plot(ax=given)) == list(given)
    x, y = given[0].lines[0].get_data()
    np.testing.assert_allclose(y, mixed_law.evaluate({"weight_t": x, "mode": "rail"}))
    alone = Figure().add_subplot()
    assert mixed_law.plot("mode", alone) is alone
    expected = mixed_law.evaluate({"weight_t": 2.0, "mode": np.array(["rail", "road"], dtype=object)})
    at = mixed_law.plot("mode", Figure().add_subplot(), at={"weight_t": 2.0})
    np.testing.assert_allclose([bar.get_width() for bar in at.patches], expected)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return tiny_scenario(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="module")
def line(tiny: Scenario) -> Sweep:
    return ko.sweep(tiny, {FUEL: [2.0, 1.0, 1.5]}, plan="today")


def texts(ax: object) -> list[str]:
    return [text.get_text() for text in ax.texts]  # type: ignore[attr-defined]


def test_one_number_that_varies_is_a_line(line: Sweep) -> None:
    given = Figure().subplots()
    ax = line.plot(given)
    assert ax is given
    prices = {drawn.get_label(): drawn.get_xydata() for drawn in ax.lines}
    expected = line.points.sort_values(FUEL)[[FUEL, "objective"]].to_numpy(float)
    np.testing.assert_allclose(prices["the same plan"], expected)
    assert ax.get_xlabel() == f"{FUEL} (EUR/l)"
    assert ax.get_ylabel() == "price, EUR"
    assert f"as it is {line.base.objective:.2f}" in texts(ax)


def test_plans_made_anew_have_a_band_of_noise_beside_the_plan_that_is_kept(line: Sweep) -> None:
    results = [
        replace(one, objective=one.objective - 5.0, differences=(-6.0, -3.0), searches=(1.0, 2.0))
        for one in line.results
    ]
    found = replace(line, results=tuple(results), anew=True)
    ax = found.plot(Figure().subplots())
    bands = [each for each in ax.collections if isinstance(each, FillBetweenPolyCollection)]
    assert len(bands) == 1
    heights = bands[0].get_paths()[0].vertices[:, 1]
    prices = found.points["objective"]
    assert (heights.min(), heights.max()) == pytest.approx((prices.min() - 3.0, prices.max() + 3.0))
    lines = {drawn.get_label(): drawn.get_ydata() for drawn in ax.lines}
    np.testing.assert_allclose(lines["the plan as it is"] - lines["planned anew"], 5.0)


def test_two_things_that_vary_are_cells(tiny: Scenario) -> None:
    axes = {FUEL: ko.grid(1, 2, 3), "vehicles.capacity": ko.factors([0.3, 1.0])}
    found = ko.sweep(tiny, axes, plan="today")
    ax = found.plot(Figure(figsize=(9, 4)).subplots())
    assert len(ax.collections[0].get_paths()) == 6
    assert sum(text == "–" for text in texts(ax)) == (found.points["unlike"] != "").sum() == 3
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0.3", "1"]
    assert ax.get_xlabel().endswith("–: no price that compares")
    # where there is no room, cells have no numbers
    narrow = found.plot(Figure(figsize=(1.2, 4)).subplots())
    assert "–" not in texts(narrow)
    assert narrow.get_xlabel().replace("\n", " ").endswith("grey: no price that compares")
    # green where it is cheaper than as it is, orange where dearer, the stronger the more it differs
    colours = ax.collections[0].get_facecolors()
    changes = found.points["change"].where(found.points["unlike"] == "").to_numpy()
    cheaper, dearer = (to_rgb(series(place).light) for place in (2, 1))
    for colour, change in zip(colours, changes, strict=True):
        if not np.isnan(change):
            assert tuple(colour[:3]) == pytest.approx(dearer if change > 0 else cheaper)
            assert colour[3] == pytest.approx(0.08 + 0.4 * abs(change) / np.nanmax(np.abs(changes)))


def test_a_range_is_parted_at_its_switch_points_and_close_labels_do_not_overlap(tiny: Scenario) -> None:
    found = switches(tiny, [1.25, 1.26, 1.75])
    ax = found.plot(Figure().subplots())
    assert [bar.get_width() for bar in ax.patches] == pytest.approx([0.25, 0.01, 0.49, 0.25])
    heights = {text.get_text(): text.xyann[1] for text in ax.texts if text.get_text().startswith("1.")}
    assert heights["1.25"] == heights["1.75"] < heights["1.26"]
    assert {"1", "2 EUR/l"} <= set(texts(ax))


def test_ranges_against_limits_with_the_least_certain_on_top() -> None:
    found = one_route([f"c{k}" for k in range(8)])
    ax = found.plot(Figure().subplots())
    shown = shown_ranges(found)
    assert [label.get_text() for label in ax.get_yticklabels()] == shown["name"].tolist()
    assert shown["on_time"].is_monotonic_increasing
    bars = [each.get_xdata() for each in ax.lines if each.get_linewidth() == 3.5]
    expected = shown[["q05", "q95"]].to_numpy() - shown[["limit"]].to_numpy()
    np.testing.assert_allclose(bars, expected)
    assert ax.get_xlabel().replace("\n", " ").startswith("arrival after the end of the window, min")


def test_what_days_cost_adds_up_to_all_of_them() -> None:
    found = one_route(["a", "b"])
    ax = found.plot_costs(Figure().subplots())
    assert sum(bar.get_height() for bar in ax.patches) == pytest.approx(1.0)
    told = texts(ax)
    assert f"mean {found.cost.mean():.2f}" in told
    assert f"dearest 5 % {found.cvar():.2f}" in told
    # a plan that costs the same on all days
    sure = one_route(["a"])
    sure.days.cost[:] = 7.0
    assert sum(bar.get_height() for bar in sure.plot_costs(Figure().subplots()).patches) == pytest.approx(1.0)
