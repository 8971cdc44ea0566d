"""What a reader does to a page in a browser: sliders move the price as the referee does, charts tell their marks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.refs import clock
from kanopt.reports import write_report
from kanopt.reports.live import LivePage
from kanopt.text import fixed_text
from tests.browser.browser import Browser
from tests.browser.test_pages import WIDTHS, wrong
from tests.reports.conftest import Law, routing
from tests.reports.conftest import make_run as make_run
from tests.reports.live_cases import Settings, price_by_referee
from tests.reports.test_live import assert_as_the_referee_says
from tests.reports.test_variant_section import with_variants

pytestmark = pytest.mark.slow

SET = """const set = (label, value) => {
  const input = [...document.querySelectorAll('.slider label')].find((each) => each.textContent === label).control;
  input.value = value;
  input.dispatchEvent(new Event(input.tagName === 'SELECT' ? 'change' : 'input'));
};
"""


@pytest.fixture(scope="module")
def run(make_run: Callable[..., Any]) -> Any:
    return make_run()


@pytest.fixture(scope="module")
def report(run: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(run, tmp_path_factory.mktemp("live") / "report.html")


def settled(browser: Browser) -> None:
    """Wait until what was asked for is painted."""
    browser.resize(1300, 901)


def test_random_plans_cost_in_a_browser_what_the_referee_says(browser: Browser, tmp_path: Path) -> None:
    def in_browser(pages: Sequence[LivePage], settings: Sequence[Settings]) -> list[dict[str, float]]:
        found = []
        for page, moved in zip(pages, settings, strict=True):
            path = tmp_path / "page.html"
            path.write_text(
                f'<!doctype html><script type="application/json" id="live-data">{page.data}</script>'
                f"<script>{page.script}</script>",
                "utf-8",
            )
            browser.open(path)
            found.append(browser.run(f"return window.kanopt.priceOf({dict(moved)!r}).terms;"))
        return found

    assert_as_the_referee_says(range(2000, 2040), in_browser)


MOVED = {"vehicle.fuel_price": 1.5, "vehicle.fixed_cost": 0.8, "load": 1.2, "departures": 40.0}


def test_sliders_move_the_price_of_both_plans(browser: Browser, report: Path, run: Any) -> None:
    browser.open(report)
    labels = {each["key"]: each["label"] for each in browser.run("return window.kanopt.data.sliders;")}
    assert set(labels) == set(MOVED)
    browser.run(SET + "".join(f"set({labels[key]!r}, {value});" for key, value in MOVED.items()))
    settled(browser)
    text = browser.run("return document.querySelector('[data-live=plan]').innerText;").replace("\u00a0", " ")
    terms = price_by_referee(run.problem, run.result, MOVED)
    price, before = sum(terms.values()), run.result.objective
    today = sum(price_by_referee(run.problem, run.today, MOVED).values())
    assert f"costs {fixed_text(price, 2)} EUR: {fixed_text(price - before, 2, signed=True)} EUR" in text
    assert f"Today's plan would cost {fixed_text(today, 2)} EUR" in text
    for amount in terms.values():
        assert fixed_text(amount, 2) in text
    browser.run("document.querySelector('[data-live=plan] button').click();")
    settled(browser)
    assert "as planned" in browser.run(
        "return document.querySelector('[data-live=plan] .answer').textContent;"
    )


def test_a_law_is_told_where_the_sliders_are(browser: Browser, report: Path, run: Any) -> None:
    browser.open(report)
    law = run.laws["travel_time"].formula
    browser.run(SET + "set('distance_km', 12.5); set('hour', 9.25);")
    settled(browser)
    told = browser.run(
        "return document.querySelector('article.law[data-law=travel_time] .told').textContent;"
    )
    value = law.evaluate({"distance_km": 12.5, "hour": 9.25})
    assert told.startswith(
        f"travel_time = {value:.4g}\u00a0min at distance_km 12.5\u00a0km, hour 9.25\u00a0h;"
    )
    assert f"between {value - 1.9:.4g} and {value + 2.2:.4g}\u00a0min" in told
    dots = browser.run("return document.querySelectorAll('article.law[data-law=travel_time] .dot').length;")
    assert dots == len(run.result.assessment.simulation.head)
    browser.run(SET + "set('drawn along', 'hour');")
    label = "return document.querySelector('article.law[data-law=travel_time] .law-chart').getAttribute('aria-label');"
    assert "along hour" in browser.run(label)


def test_breaks_and_service_by_the_clock_move_with_departures(
    browser: Browser, make_run: Callable[..., Any], tmp_path: Path
) -> None:
    problem = routing()
    hour = Variable("hour", "h", low=6, high=20)
    stop = parse_formula("4 + 3 * exp(-(hour - 9)^2)", [hour], Variable("stop", "min"))
    rested = [replace(each, breaks="20 in 540-600") for each in problem.vehicles]
    policy = replace(problem.policy, service=stop.bind(hour=clock.hour))
    run = make_run(problem=replace(problem, vehicles=rested, policy=policy))
    run = replace(run, laws={**run.laws, "stop": Law("stop", stop)})
    browser.open(write_report(run, tmp_path / "report.html"))
    dots = "return document.querySelectorAll('article.law[data-law=stop] .dot').length;"
    assert browser.run(dots) == sum(len(route.clients) for route in run.result.plan.routes)
    moved = {"departures": 40.0, "vehicle.fixed_cost": 1.5}
    labels = {each["key"]: each["label"] for each in browser.run("return window.kanopt.data.sliders;")}
    browser.run(SET + "".join(f"set({labels[key]!r}, {value});" for key, value in moved.items()))
    settled(browser)
    text = browser.run("return document.querySelector('[data-live=plan]').innerText;").replace("\u00a0", " ")
    price = sum(price_by_referee(run.problem, run.result, moved).values())
    assert f"costs {fixed_text(price, 2)} EUR" in text
    assert "breaks are taken where that is best at the prices of the plan" in text
    assert browser.run(dots) > 0
    assert browser.console() == []


def test_arrow_keys_go_through_the_marks_of_a_chart(browser: Browser, report: Path) -> None:
    browser.open(report)
    told = "return document.activeElement.nextElementSibling.textContent;"
    browser.run("document.querySelector('.wide svg[data-view=gantt]').focus();")
    browser.press("Right")
    first = browser.run(told)
    assert first.startswith("van 1: depot → ")
    browser.press("Right")
    assert browser.run(told) not in ("", first)
    browser.press("Left")
    assert browser.run(told) == first
    browser.press("End")
    assert browser.run(told).startswith("van 2: ")
    browser.press("Escape")
    assert browser.run(told) == ""


def test_another_drawing_says_what_it_is_and_goes_back_where_it_was(
    browser: Browser, make_run: Callable[..., Any], tmp_path: Path
) -> None:
    dear = routing()
    dear = replace(dear, vehicles=[replace(each, fixed_cost=44.0) for each in dear.vehicles])
    run = with_variants(make_run(), ("dear", make_run(problem=dear), (8.0, 8.5)))
    browser.open(write_report(run, tmp_path / "report.html"))
    options = "return [...document.querySelectorAll('.tools select option')].map((each) => each.textContent);"
    assert browser.run(options)[:3] == ["this plan", "today's plan", "dear"]
    seen = (
        "return ['plan', 'today', 'other'].map((whose) => "
        "document.querySelector(`.wide svg[data-view=map][data-whose=${whose}]`).checkVisibility());"
    )
    told = "return document.querySelector('.tools + .told').textContent;"
    assert browser.run(seen) == [True, False, False]
    browser.run(SET + "set('drawn', '1');")
    assert browser.run(seen) == [False, False, True]
    assert browser.run(told).startswith("dear: 105.38 EUR, +8.00 EUR (+8.2 %), dearer; ")
    browser.run(SET + "set('drawn', '0');")
    assert browser.run(seen) == [False, True, False]
    browser.run(SET + "set('drawn', '');")
    assert browser.run(seen) == [True, False, False]
    assert browser.run(told) == ""
    browser.run("document.querySelector('#variants details').open = true;")
    assert browser.run(seen) == [True, False, True]
    assert wrong(browser, "contrast") == []
    assert wrong(browser, "names") == []
    browser.run(SET + "set('drawn', '1');")
    for width in WIDTHS:
        browser.resize(width, 900)
        assert wrong(browser, "overflow") == []


def test_rows_of_other_drivers_are_hidden_too(browser: Browser, report: Path, run: Any) -> None:
    browser.open(report)
    rows = (
        "return [...document.querySelectorAll('tr[data-of]')].filter((row) => row.checkVisibility())"
        ".map((row) => row.dataset.of);"
    )
    every = browser.run(rows)
    assert set(every) == {"van 1", "van 2"}
    browser.run(SET + "set('shown', 'van 1');")
    mine = browser.run(rows)
    assert set(mine) == {"van 1"}
    assert len(mine) == 1 + 1 + len(
        run.result.plan.routes[0].clients
    )  # the vehicle, the head of its stops, these
    browser.run(SET + "set('shown', '');")
    assert browser.run(rows) == every


@pytest.mark.parametrize("width", WIDTHS)
def test_moved_pages_keep_to_their_window_and_stand_out(browser: Browser, report: Path, width: int) -> None:
    browser.open(report, width)
    browser.run(SET + "set('load on board', 1.5); document.querySelector('.switch input').click();")
    settled(browser)
    browser.resize(width, 900)
    assert wrong(browser, "overflow") == []
    assert wrong(browser, "contrast") == []
    assert wrong(browser, "names") == []
    assert browser.console() == []
