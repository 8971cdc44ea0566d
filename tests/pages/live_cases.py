"""What the script of a page says of moved plans, and what the referee says of the same."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from kanopt import Result, RoutingProblem
from kanopt.pages.write import LivePage, live_page
from kanopt.plans.result import evaluate
from kanopt.plans.slider_prices import SliderPrices
from kanopt.routing import RoutingPlan
from tests.formulas.export.engines import NODE

Settings = Mapping[str, float]

# as much of a page as the script asks for before anything is drawn
_PAGE = """
globalThis.window = {};
globalThis.document = {
  getElementById: () => ({ textContent: DATA }), querySelectorAll: () => [], querySelector: () => null,
  documentElement: { dataset: {} },
};
"""


def settings_of(prices: SliderPrices, rng: np.random.Generator) -> dict[str, float]:
    """Return values for some of what can be moved, where the sliders can stand."""
    found = {}
    for slider in prices.sliders:
        steps = round((slider.high - slider.low) / slider.step)
        if rng.random() < 0.7:
            found[slider.key] = round(slider.low + slider.step * int(rng.integers(0, 1 + steps)), 9)
    return found


def in_node(pages: Sequence[LivePage], settings: Sequence[Settings]) -> list[dict[str, float]]:
    """Return the price of the plan of each page by term under settings, as the script works it out in Node."""
    assert NODE is not None
    script = "const found = [];\n"
    for page, moved in zip(pages, settings, strict=True):
        script += f"(() => {{ const DATA = {json.dumps(str(page.data))};{_PAGE}\n{page.script}\n"
        script += f"found.push(window.kanopt.priceOf({json.dumps(moved)}).terms); }})();\n"
    done = subprocess.run(
        [NODE, "-"],
        input=script + "console.log(JSON.stringify(found));",
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
    )
    return list(json.loads(done.stdout))


def page_of(result: Result) -> LivePage:
    """Return what a page of a plan has of it."""
    return live_page({"This plan": result})


def price_by_referee(problem: RoutingProblem, result: Result, settings: Settings) -> dict[str, float]:
    """Return the price by term of the same stops, at the same times but for a shift, under moved prices and loads."""
    load = settings.get("load", 1.0)
    clients = [
        replace(each, demand=each.demand * load, pickup=each.pickup * load) for each in problem.clients
    ]
    moved = replace(problem, clients=clients)
    shift, started = settings.get("departures", 0.0), problem.data.started_of
    left = {vehicle for vehicle, each in started.items() if each.route.departure is not None}
    before = result.assessment.simulation.departure.tolist()
    leaves = [
        at if (route.vehicle, route.index) in left else at + shift
        for route, at in zip(result.plan.routes, before, strict=True)
    ]
    routes = zip(result.plan.routes, leaves, strict=True)
    plan = RoutingPlan(
        tuple(replace(route, departure=float(at)) for route, at in routes), result.plan.unserved
    )
    return {
        str(term): float(amount) * settings.get(f"price.{term}", 1.0)
        for term, amount in evaluate(moved, plan).pricing.terms().items()
    }
