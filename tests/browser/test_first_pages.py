"""First pages of plans and of answers to what-ifs: one sheet of A4 each, readable at every width and in the dark."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import kanopt as ko
from tests.browser.browser import Browser
from tests.browser.test_pages import WIDTHS, wrong
from tests.cases.answers import FUEL, switches, tiny_scenario
from tests.corpus.cases import comparison_of, run_of, scenario_of

pytestmark = pytest.mark.slow

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
    return found.to_html(folder / "page.html", scenario=scenario_of("parcel_city")[0])


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
