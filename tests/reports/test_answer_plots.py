"""Pictures of sweeps, switch points and risks show the numbers of their frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import kanopt as ko
from kanopt.reports.palette import series
from kanopt.reports.row_plots import shown_ranges
from kanopt.whatif import Scenario, Sweep
from tests.cases.answers import FUEL, one_route, switches, tiny_scenario


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    pyplot.close("all")


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
    shown = shown_ranges(found.ranges())
    assert [label.get_text() for label in ax.get_yticklabels()] == shown["name"].tolist()
    assert shown["share"].is_monotonic_increasing
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
