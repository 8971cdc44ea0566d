"""How large a report is, and how soon a reader can use it: the page of a routing plan at several sizes.

Clients lie at random around a depot, and two types of vans drive them in sectors, the nearest next, which is what is
reported; today's plan beside it has them in the order of their names. Travel time is a law of distance and hour with
a curve, fuel one of distance and load, and prices, time and wear are paid as in ``scenarios/parcel_city.toml``.

Each line is one page. "write" is CPU seconds of ``to_html``, "MB" the size of the file. In the Chromium of the extra
``browser``, without a screen and a GPU, "ready" is from the start of the navigation until the script has made all its
controls and the page is loaded, the best of ``--repeats``; "moved" from the move of a slider until the page with all
new prices is painted, the median of ``--moves``. Both are wall seconds; "busy" is how many times its CPU time a loop
took just before and after the openings, by which a shared machine lengthens them. "differs" is the largest relative
difference of any term between what the page's script says under random settings and what the referee says of the
same, with 1e-9 as the bound. Last stands what is asked for: megabytes, and seconds until ready.

    python benchmarks/report_pages.py --sizes 60 1000 5000
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from _bench import footer

import kanopt as ko
from kanopt import refs, routing
from kanopt.formulas import Constant, Curve, Domain, Fit, Formula, Input, Product, Range, Variable
from kanopt.problems import Result, evaluate

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.browser.browser import Browser, is_installed
from tests.reports.live_cases import price_by_referee, settings_of

TARGETS = {60: (1.0, 1.0), 1000: (3.0, 2.0), 5000: (6.0, 3.0)}
PER_ROUTE = 14
KM, LOAD, HOUR = Variable("km", "km"), Variable("load", "t"), Variable("hour", "h")
MOVE = """
window.moved = undefined;
const input = document.querySelector('[data-live=plan] .slider input');
input.value = %f;
const from = performance.now();
input.dispatchEvent(new Event('input'));
requestAnimationFrame(() => setTimeout(() => { window.moved = performance.now() - from; }));
"""


def travel_time() -> Formula:
    """Return a law of distance and hour with a curve, as the ladder makes them."""
    peak = Curve("peak", Input("hour"), tuple(1 + 0.4 * np.sin(np.arange(11)) ** 2), 6.0, 20.0)
    return Formula(
        Product((Constant(1.9, "pace"), Input("km"), peak)),
        (KM, HOUR),
        Variable("travel_time", "min"),
        per="leg",
        fit=Fit(0.96, 1.3, 0.92, 1.0, 4000, 1000, "ab12", 1.0, ((0.05, -1.9), (0.95, 2.2))),
        domain=Domain((Range("km", 0.2, 30.0), Range("hour", 6.0, 20.0))),
    )


def town(clients: int, seed: int) -> ko.RoutingProblem:
    """Return a problem of a size, with vans enough for all."""
    rng = np.random.default_rng(seed)
    places = rng.normal(0.0, 6.0, (clients, 2))
    people = [
        routing.Client(
            f"c{number:04d}",
            float(x),
            float(y),
            demand=0.2,
            service_duration=6.0,
            earliest=420.0,
            latest=1200.0,
        )
        for number, (x, y) in enumerate(places, start=1)
    ]
    count = clients // PER_ROUTE + 1
    fleet = [
        routing.VehicleType(
            name,
            count,
            3.5,
            fixed_cost=fixed,
            unit_duration_cost=0.4,
            shift_start=420.0,
            shift_end=1260.0,
            attributes={"fuel_price": 1.65},
        )
        for name, fixed in (("large van", 70.0), ("small van", 48.0))
    ]
    fuel = ko.parse_formula(
        "0.11 * km * exp(0.1 * load) * price",
        [KM, LOAD, Variable("price", "EUR")],
        Variable("fuel", "EUR"),
        per="leg",
    )
    wear = ko.parse_formula("0.22 * km", [KM], Variable("wear", "EUR"), per="leg")
    return ko.RoutingProblem(
        depots=[routing.Depot("depot", 0.0, 0.0)],
        clients=people,
        vehicles=fleet,
        cost={
            "fuel": fuel.bind(km=refs.arc.distance, load=refs.state.load, price=refs.vehicle.fuel_price),
            "wear": wear.bind(km=refs.arc.distance),
        },
        duration=travel_time().bind(km=refs.arc.distance, hour=refs.clock.hour),
    )


def in_sectors(problem: ko.RoutingProblem) -> list[routing.Route]:
    """Return routes of one sector each, the nearest client next."""
    around = sorted(problem.clients, key=lambda client: np.arctan2(client.y, client.x))
    return routes_of([sorted(part, key=lambda one: one.x**2 + one.y**2) for part in parts(around)])


def parts(clients: list[routing.Client]) -> list[list[routing.Client]]:
    return [clients[start : start + PER_ROUTE] for start in range(0, len(clients), PER_ROUTE)]


def routes_of(groups: list[list[routing.Client]]) -> list[routing.Route]:
    kinds = ("large van", "small van")
    return [
        routing.Route(kinds[place % 2], place // 2 + 1, "depot", tuple(one.name for one in group))
        for place, group in enumerate(groups)
    ]


def ready_seconds(browser: Browser, page: Path) -> float:
    """Return how long the page takes until it can be used."""
    browser.open(page)
    assert browser.run("return document.documentElement.dataset.live;") == "ready"
    return float(browser.run("return performance.getEntriesByType('navigation')[0].loadEventEnd;")) / 1000


def moved_seconds(browser: Browser, factor: float) -> float:
    """Return how long the page takes to show what it costs when a slider is moved."""
    browser.run(MOVE % factor)
    while (found := browser.run("return window.moved ?? null;")) is None:
        time.sleep(0.02)
    return float(found) / 1000


def busy() -> float:
    """Return how many times its CPU time a loop takes."""
    wall, spent, total = time.perf_counter(), time.process_time(), 0
    while time.process_time() - spent < 0.1:
        total += 1
    return (time.perf_counter() - wall) / (time.process_time() - spent)


def difference(browser: Browser, result: Result, seed: int) -> float:
    """Return the largest relative difference of a term between page and referee, under random settings."""
    prices = result.assessment.slider_prices()
    worst = 0.0
    for each in range(5):
        settings = settings_of(prices, np.random.default_rng([seed, each]))
        found = browser.run(f"return window.kanopt.priceOf({settings!r}).terms;")
        for term, amount in price_by_referee(result.problem, result, settings).items():
            worst = max(worst, abs(found[term] - amount) / max(abs(amount), 1e-9))
    return worst


def line(browser: Browser, size: int, folder: Path, arguments: argparse.Namespace) -> None:
    """Print what the page of one size takes."""
    problem = town(size, arguments.seed)
    result = evaluate(problem, in_sectors(problem))
    today = evaluate(problem, routes_of(parts(list(problem.clients))))
    began = time.process_time()
    page = ko.explain(result).to_html(folder / f"page_{size}.html", today=today)
    wrote, megabytes = time.process_time() - began, page.stat().st_size / 1e6
    before = busy()
    ready = min(ready_seconds(browser, page) for _ in range(arguments.repeats))
    shared = (before + busy()) / 2
    rng = np.random.default_rng(arguments.seed)
    moved = median(moved_seconds(browser, float(rng.uniform(0.6, 1.9))) for _ in range(arguments.moves))
    apart = difference(browser, result, arguments.seed)
    most = TARGETS.get(size)
    asked = f"{most[0]:g} MB, {most[1]:g} s" if most else "none"
    print(
        f"{size:>6,} {wrote:>9.1f} {megabytes:>6.2f} {ready:>7.2f} {shared:>5.1f} {moved:>7.3f} {apart:>9.1e}  {asked}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[60, 1000, 5000], help="clients of each page")
    parser.add_argument("--repeats", type=int, default=3, help="openings of each page")
    parser.add_argument("--moves", type=int, default=7, help="moves of a slider on each page")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--keep", type=Path, help="a folder in which the pages are kept")
    arguments = parser.parse_args()
    if not is_installed():
        parser.error("no browser: pip install 'kanopt[browser]'")
    print(" stops  write/s     MB ready/s  busy moved/s   differs  asked for")
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.keep or Path(name)
        with Browser(Path(name) / "log.txt") as browser:
            for size in arguments.sizes:
                line(browser, size, folder, arguments)
    print(footer(["PySide6-Essentials"], arguments.seed))


if __name__ == "__main__":
    main()
