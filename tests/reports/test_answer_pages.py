"""Pages of sweeps, tornados, switch points and risks: complete, harmless, true to their frames."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import kanopt as ko
from kanopt.text import fixed_text, money_text
from kanopt.whatif import Scenario
from tests.cases.answers import FUEL, one_route, switches, tiny_scenario
from tests.reports.test_write import HOSTILE, Page, check_page


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    return tiny_scenario(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(name="page_of")
def _page_of(tmp_path: Path) -> Any:
    def page_of(answer: Any, **options: Any) -> tuple[str, Page]:
        text = answer.to_html(tmp_path / "page.html", **options).read_text("utf-8")
        assert "<script" not in text
        return text, check_page(text)

    return page_of


def test_the_page_of_a_sweep_begins_with_the_price(tiny: Scenario, page_of: Any) -> None:
    found = ko.sweep(tiny, {FUEL: ko.grid(1, 2, 3)}, plan="today")
    text, page = page_of(found)
    assert "Tiny: what if vehicles.fuel_price is 1 to 2 EUR/l?" in page.text
    low, high = (money_text(value, "EUR") for value in found.points["objective"].iloc[[0, -1]])
    less, more = (money_text(abs(value), "EUR") for value in found.points["change"].iloc[[0, -1]])
    assert f"Cheapest is {FUEL} 1: {low}, {less} less than now." in page.text
    assert f"Dearest is {FUEL} 2: {high}, {more} more than now." in page.text
    assert "Today's plan is priced at 3 points; where nothing is changed, it costs" in page.text
    for row in found.points.itertuples():
        assert f"{fixed_text(row.change, 2, signed=True)} {row.verdict}" in page.text
    assert text.count('<div class="narrow">') == 1
    assert "law fuel" in page.text
    assert "var(--c1,#" in text


def test_a_sweep_that_was_stopped_or_refused_says_so(tiny: Scenario, page_of: Any) -> None:
    found = ko.sweep(tiny, {"clients[name=north].ready_h": [8.0, 20.0]}, plan="today")
    _, page = page_of(replace(found, interrupted=True, results=found.results[1:]))
    assert "Stopped. The user stopped it after 1 of 2 points." in page.text
    assert "At no point is there a plan that holds." in page.text
    assert (
        "1 point refused, since the data contradict themselves, first clients[name=north].ready_h 20"
        in page.text
    )
    assert "points 1 1 without a plan that holds" in page.text
    text, page = page_of(replace(found, interrupted=True, results=()))
    assert "Stopped. The user stopped it after 0 of 2 points." in page.text
    assert "<svg" not in text


def test_the_page_of_a_tornado_names_what_moves_most(tiny: Scenario, page_of: Any) -> None:
    axes = {FUEL: (1.0, 2.0), "vehicles.fixed_cost": ko.factors([0.5, 3.0])}
    found = ko.tornado(tiny, axes, plan="today")
    _, page = page_of(found)
    first = found.frame.iloc[0]
    ends = [money_text(first[f"{end}_effect"], "EUR", signed=True) for end in ("low", "high")]
    assert f"vehicles.fixed_cost moves the price most: {ends[0]} at × 0.5, {ends[1]} at × 3." in page.text
    assert "2 inputs one at a time, the others as they are; the same plan at all values." in page.text
    assert "plan kept, low" not in page.text
    text, page = page_of(replace(found, interrupted=True, results=()))
    assert "Stopped. The user stopped it after 0 of 2 inputs." in page.text
    assert "<svg" not in text


def test_a_tornado_says_what_a_dash_means_where_there_is_one(tiny: Scenario, page_of: Any) -> None:
    found = ko.tornado(tiny, {FUEL: (1.0, 2.0), "clients.demand_t": ko.factors([1.0, 50.0])}, plan="today")
    assert found.frame["high_effect"].isna().any()
    _, page = page_of(found)
    for text in (page.text, str(found)):
        assert "– stands where a value is refused, or the plan breaks other rules" in text
    _, page = page_of(ko.tornado(tiny, {FUEL: (1.0, 2.0)}, plan="today"))
    assert "– stands" not in page.text


def test_the_page_of_switch_points_says_each_in_a_sentence(tiny: Scenario, page_of: Any) -> None:
    found = switches(tiny, [1.25, 1.75])
    _, page = page_of(found)
    assert f"{found.sentences()[0]}. 2 places on 1 path in all." in page.text
    assert (
        "After 5 solves, 2 more of quantities alone, 1 of 2 places is known to where prices cross"
        in page.text
    )
    for sentence in found.sentences():
        assert sentence in page.text
    assert (
        "1.25 1.25 1.25 truck not in use in use 100.00 101.00 the law of litres: an edge known" in page.text
    )
    assert "1.75 1.75 1.8 truck not in use in use 100.00 101.00 prices cross no difference" in page.text
    # of a place that is not known, between which values it lies
    assert f"{FUEL}, EUR/l 1.75 to 1.8 no difference" in page.text
    nothing = replace(found, axes=tuple(replace(axis, switches=()) for axis in found.axes))
    _, page = page_of(nothing)
    assert "No place on 1 path at which decisions change" in page.text
    assert f"Caution. {FUEL}: the same decisions from 1 to 2 EUR/l." in page.text


@pytest.mark.slow
def test_the_page_of_a_risk_is_of_any_kind(tiny: Scenario, page_of: Any) -> None:
    found = one_route([f"c{k}" for k in range(4)])
    text, page = page_of(found)
    assert "How sure is this plan of routing?" in page.text
    assert str(found).splitlines()[0] in page.text
    assert found.cost_text() in page.text
    assert "Least certain stops" not in page.text  # the picture shows them
    for assumed in found.assumptions:
        assert assumed in page.text
    assert "00:15" in page.text  # the planned arrival in the table
    assert text.count('<div class="narrow">') == 2
    _, page = page_of(found, scenario=tiny)
    assert "Tiny: how sure is the plan?" in page.text
    assert "file tiny.toml" in page.text
    text, _ = page_of(one_route(["a"], latest=float("inf")))
    assert text.count('<div class="narrow">') == 1


@pytest.mark.slow
def test_the_page_of_drawn_plans_says_which_is_best(tiny: Scenario, page_of: Any) -> None:
    options = ko.SweepOptions(time_limit=0.05)
    axes = {FUEL: (1.0, 2.0), "vehicles.fixed_cost": ko.factors([0.5, 3.0])}
    found = ko.monte_carlo(tiny, axes, draws=20, candidates=1, plan="today", options=options)
    text, page = page_of(found)
    assert "Tiny: would another plan be better?" in page.text
    for sentence in found.sentences()[:2]:
        assert sentence in page.text
    kept = found.plans.iloc[0]
    assert f"mean, EUR {money_text(kept['mean'])} paid for the plan that is kept" in page.text
    assert "vehicles.fuel_price is 1 to 2 EUR/l; vehicles.fixed_cost is multiplied by 0.5 to 3." in page.text
    assert text.count('<div class="narrow">') == 2
    stopped = replace(found, interrupted=True, priced=())
    text, page = page_of(stopped)
    assert "Stopped. The user stopped it after 0 of 20 draws." in page.text
    assert "<svg" not in text
    text, page = page_of(replace(found, scenario=replace(tiny, name=HOSTILE[0])))
    assert HOSTILE[0] in page.text
