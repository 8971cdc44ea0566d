"""What a reader does to a page in a browser: sliders move the price as the referee does, charts tell their marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kanopt.pages import write_report
from kanopt.text import fixed_text
from tests.browser.browser import Browser
from tests.browser.test_pages import WIDTHS, wrong
from tests.pages.conftest import make_run as make_run
from tests.pages.live_cases import price_by_referee

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


MOVED = {"price.fuel": 1.5, "price.fixed": 0.8, "load": 1.2, "departures": 40.0}


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
