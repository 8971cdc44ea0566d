"""Pages of sweeps, tornados, switch points, risks and drawn plans: complete, harmless, true to their frames."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import kanopt as ko
from kanopt.text import fixed_text, money_text
from tests.cases.answers import FUEL, one_route, switches, tiny_scenario
from tests.pages.test_write import HOSTILE, check_page

AXES = {FUEL: (1.0, 2.0), "vehicles.fixed_cost": ko.factors([0.5, 3.0])}
ANSWERS: dict[str, Callable[[ko.Scenario], Any]] = {
    "sweep": lambda tiny: ko.sweep(tiny, {FUEL: ko.grid(1, 2, 3)}, plan="today"),
    "tornado": lambda tiny: ko.tornado(tiny, AXES, plan="today"),
    "switch points": lambda tiny: switches(tiny, [1.25, 1.75]),
    "risk": lambda _: one_route([f"c{k}" for k in range(4)]),
    "monte carlo": lambda tiny: ko.monte_carlo(
        tiny, AXES, draws=20, candidates=1, plan="today", options=ko.SweepOptions(time_limit=0.05)
    ),
}
FIGURES: dict[str, Callable[[Any], list[str]]] = {
    "sweep": lambda found: [
        *(money_text(price, "EUR") for price in found.points["objective"].iloc[[0, -1]]),
        *(f"{fixed_text(row.change, 2, signed=True)} {row.verdict}" for row in found.points.itertuples()),
    ],
    "tornado": lambda found: [
        money_text(effect, "EUR", signed=True)
        for effect in found.frame[["low_effect", "high_effect"]].iloc[0]
    ],
    "switch points": lambda found: [*found.sentences(), "prices cross no difference"],
    "risk": lambda found: [found.cost_text(), *found.assumptions, found.headline],
    "monte carlo": lambda found: [*found.said().answer, money_text(found.plans["mean"][0])],
}
"""What the page of an answer must say."""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ko.Scenario:
    return replace(tiny_scenario(tmp_path_factory.mktemp("tiny")), name=HOSTILE[0])


@pytest.mark.parametrize("name", ANSWERS)
def test_a_page_says_what_its_answer_says_and_whether_it_was_stopped(
    tiny: ko.Scenario, tmp_path: Path, name: str
) -> None:
    found = ANSWERS[name](tiny)
    text = found.to_html(tmp_path / "page.html").read_text("utf-8")
    page = check_page(text)
    assert "<script" not in text
    assert "<svg" in text
    assert [figure for figure in FIGURES[name](found) if figure not in page.text] == []
    if name == "risk":
        return
    assert HOSTILE[0] in page.text
    if name != "switch points":
        none = {"draws": found.draws.head(0)} if name == "monte carlo" else {"results": ()}
        stopped = replace(found, interrupted=True, **none)
        text = stopped.to_html(tmp_path / "stopped.html").read_text("utf-8")
        assert "Stopped. The user stopped it after 0 of" in check_page(text).text
        assert "<svg" not in text


def test_a_tornado_says_what_a_dash_means_where_there_is_one(tiny: ko.Scenario, tmp_path: Path) -> None:
    found = ko.tornado(tiny, {FUEL: (1.0, 2.0), "clients.demand_t": ko.factors([1.0, 50.0])}, plan="today")
    assert found.frame["high_effect"].isna().any()
    page = check_page(found.to_html(tmp_path / "page.html").read_text("utf-8"))
    for text in (page.text, str(found)):
        assert "– stands where a value is refused, or the plan breaks other rules" in text
