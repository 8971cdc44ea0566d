"""Pages in a browser: contrast, names, keyboard, widths, paper, and nothing that runs or loads unasked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import kanopt as ko
from kanopt.pages import write_report
from tests.browser.browser import Browser
from tests.cases.answers import FUEL, switches, tiny_scenario
from tests.corpus.cases import comparison_of, run_of, scenario_of
from tests.pages.conftest import make_run as make_run

pytestmark = pytest.mark.slow


CHECKS = Path(__file__).with_name("checks.js").read_text("utf-8")


WIDTHS = (390, 768, 1300)


def wrong(browser: Browser, check: str) -> list[str]:
    """Return what one of the checks of ``checks.js`` finds."""
    return list(browser.run(f"{CHECKS}\nreturn checks.{check}();"))


@pytest.fixture(scope="session")
def report(make_run: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the report of a small run with learned laws, today's plan and tables."""
    return write_report(make_run(), tmp_path_factory.mktemp("page") / "report.html")


BAD = """<!doctype html><html><body style="background: #fff"><p style="color: #aaa">grey words</p>
<svg role="img" width="100" height="50"><rect width="100" height="50" fill="#333"/><text y="20" fill="#555">dim</text>
</svg><button></button><table><tr><td>1</td></tr></table><div style="width: 3000px" id="wide">wide</div>
<a href="#wide" style="outline: none">there</a></body></html>"""


def test_the_checks_find_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    page = tmp_path / "bad.html"
    page.write_text(BAD, "utf-8")
    browser.open(page)
    assert wrong(browser, "contrast") == ["2.32: grey words", "1.69: dim"]
    assert [each.partition(":")[0] for each in wrong(browser, "names")] == [
        *["no name"] * 2,
        "a table without a caption",
        "a page without language or title",
    ]
    assert wrong(browser, "overflow") == ['<div style="width: 3000px" id="wide">wide</div>']
    browser.open(page)
    for place in range(2):
        browser.press("Tab")
        found = browser.run(f"{CHECKS}\nreturn checks.focused();")
        assert (found["place"], found["outlined"]) == (place, place == 0)


@pytest.mark.parametrize("width", WIDTHS)
def test_texts_stand_out_from_what_is_behind_them(browser: Browser, report: Path, width: int) -> None:
    browser.open(report, width)
    assert wrong(browser, "contrast") == []


def test_texts_stand_out_in_dark_colours_too(dark_browser: Browser, report: Path) -> None:
    dark_browser.open(report)
    assert dark_browser.run("return matchMedia('(prefers-color-scheme: dark)').matches")
    assert wrong(dark_browser, "contrast") == []


def test_the_tab_key_reaches_everything_in_order_and_shows_where_it_is(
    browser: Browser, report: Path
) -> None:
    browser.open(report)
    count = browser.run(f"{CHECKS}\nreturn checks.reachable().length;")
    assert count > 10
    for place in range(count):
        browser.press("Tab")
        found = browser.run(f"{CHECKS}\nreturn checks.focused();")
        assert found["place"] == place, found
        assert found["outlined"], found


def test_nothing_is_said_on_the_console_and_nothing_is_asked_for(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert browser.console() == []
    assert [address.rpartition("/")[2] for address in browser.asked_for()] == [report.name]


ATTEMPTS = {
    "a script": "const made = document.createElement('script'); made.textContent = 'window.ran = true';"
    " document.body.append(made);",
    "a handler": "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.ran = true\">');",
    "text as code": "try { eval('window.ran = true'); } catch (error) { }",
    "a picture": "document.body.append(Object.assign(new Image(), {src: 'http://localhost:9/a.png'}));",
    "a call": "fetch('http://localhost:9/a').catch(() => 0);",
    "a frame": "document.body.append(Object.assign(document.createElement('iframe'), {src: 'http://localhost:9/'}));",
    "a form": "const form = document.createElement('form'); form.action = 'http://localhost:9/';"
    " document.body.append(form); form.submit();",
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_a_page_without_a_policy_lets_it(browser: Browser, tmp_path: Path, attempt: str) -> None:
    page = tmp_path / "open.html"
    page.write_text("<!doctype html><html><body></body></html>", "utf-8")
    browser.open(page)
    browser.run(attempt)
    browser.resize(1299, 900)
    asked = [address for address in browser.asked_for() if "localhost" in address]
    assert browser.run("return window.ran === true;") or asked


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_the_page_lets_nothing_run_or_load(browser: Browser, report: Path, attempt: str) -> None:
    browser.open(report)
    browser.run(attempt)
    browser.resize(1299, 900)
    assert browser.run("return window.ran === undefined;")
    assert [address.rpartition("/")[2] for address in browser.asked_for()] == [report.name]


def test_without_scripts_the_page_reads_the_same(browser: Browser, report: Path) -> None:
    browser.open(report, scripts=False)
    text = browser.text()
    assert "What it costs" in text
    assert browser.console() == []


FIXED = "vehicles.fixed_cost"


def _sweep() -> Any:
    axes = {FUEL: ko.grid(1.0, 2.0, 5), FIXED: ko.factors([0.8, 1.0, 1.2])}
    return ko.sweep(scenario_of("parcel_city")[0], axes, plan="today")


def _tornado() -> Any:
    axes = {FUEL: (1.0, 2.0), FIXED: ko.factors([0.5, 1.5]), "clients.demand_t": ko.factors([0.9, 1.1])}
    axes |= {"vehicles.capacity_t": ko.factors([1.0, 1.2]), "clients.service_min": ko.factors([0.9, 1.0])}
    return ko.tornado(scenario_of("parcel_city")[0], axes, plan="today")


def _risk_page(folder: Path) -> Path:
    found = ko.risk(run_of("parcel_city").result)
    return replace(found, scenario=scenario_of("parcel_city")[0]).to_html(folder / "page.html")


def _switch_page(folder: Path) -> Path:
    return switches(tiny_scenario(folder / "tiny"), [1.1, 1.25, 1.5, 1.75]).to_html(folder / "page.html")


def _written(make: Callable[[], Any]) -> Callable[[Path], Path]:
    return lambda folder: Path(make().to_html(folder / "page.html"))


PAGES: dict[str, Callable[[Path], Path]] = {
    "routing": _written(lambda: run_of("parcel_city")),
    "schedule": _written(lambda: run_of("workshop")),
    "supply": _written(lambda: run_of("supply_network")),
    "comparison": _written(lambda: comparison_of("parcel_city")),
    "sweep": _written(_sweep),
    "tornado": _written(_tornado),
    "risk": _risk_page,
    "switch points": _switch_page,
}


@pytest.fixture(scope="module", params=PAGES, ids=lambda name: name.replace(" ", "-"))
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return PAGES[request.param](tmp_path_factory.mktemp("first"))


def test_the_first_page_is_one_sheet_and_the_next_part_begins_on_the_second(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    """With margins of 15 and 16 mm, as the page asks for them."""
    browser.open(page)
    browser.pdf(tmp_path / "page.pdf")
    first, second, *_ = ["".join(sheet.split()) for sheet in browser.sheets(tmp_path / "page.pdf")]
    last, head = browser.run(
        "const words = (element) => element.innerText.trim().replace(/\\s+/g, '');"
        "return [words(document.querySelector('.board')).slice(-30), words(document.querySelector('main h2'))];"
    )
    assert last in first
    assert not first.endswith(head)
    assert second.startswith(head)


@pytest.mark.parametrize("width", WIDTHS)
def test_first_pages_stay_within_their_windows(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width)
    assert wrong(browser, "overflow") == []


def test_everything_on_them_has_a_name(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert wrong(browser, "names") == []


def test_their_texts_stand_out_in_dark_colours(dark_browser: Browser, page: Path) -> None:
    dark_browser.open(page, 768)
    dark_browser.run("document.querySelector('main').remove(); return true;")
    assert wrong(dark_browser, "contrast") == []
