"""A page prices its plan as the referee does, holds no data that runs, and lets its own script run alone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kanopt import Result, RoutingProblem
from kanopt.formulas import Variable, parse_formula
from kanopt.plans.result import evaluate
from kanopt.refs import arc, client, clock, lane, state
from kanopt.routing import Client, Depot, VehicleType
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.supply import Facility, Product, Supplier
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan
from tests.cases.scheduling import random_problem, rows_of
from tests.cases.supply import small
from tests.formulas.export.engines import NODE
from tests.pages.live_cases import Settings, in_node, page_of, price_by_referee, settings_of

needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed")


Town = Callable[[int], RoutingProblem]


def mixed_town(seed: int) -> RoutingProblem:
    return mixed_problem(seed, LAWS[seed % len(LAWS)])


def assert_as_the_referee_says(seeds: range, tell: Any = in_node, town: Town = mixed_town) -> Counter[str]:
    """Compare random plans under random settings; return how often each thing was moved."""
    pages, settings, expected, moved = [], [], [], Counter[str]()
    for seed in seeds:
        problem = town(seed)
        result = evaluate(problem, random_plan(problem, seed))
        prices = result.assessment.slider_prices()
        if prices is None:  # somebody is never reached
            continue
        tried = settings_of(prices, np.random.default_rng(seed))
        pages.append(page_of(result))
        settings.append(tried)
        chain = {
            "breaks": any(each.breaks for each in problem.vehicles),
            "arrivals": isinstance(problem.leg_laws.duration, ArrivalFunctions),
            "service": problem.leg_laws.service_moves,
        }
        moved.update(part for part, is_there in chain.items() if is_there and "departures" in tried)
        moved["under way"] += bool(problem.started) and "departures" in tried
        expected.append(price_by_referee(problem, result, tried))
        moved.update([*tried])
    for tried, found, known in zip(settings, tell(pages, settings), expected, strict=True):
        for term in {*found, *known}:
            amount = known.get(term, 0.0)
            assert found.get(term, 0.0) == pytest.approx(amount, rel=1e-9, abs=1e-9), (term, tried)
    return moved


@needs_node
def test_random_plans_cost_what_the_referee_says_under_moved_prices_loads_and_departures() -> None:
    moved = assert_as_the_referee_says(range(64))
    every = ("load", "departures", "price.fixed", "service", "under way")
    assert min(moved[each] for each in every) >= 5, moved
    assert moved["arrivals"] >= 2, moved


def city(label: str = "van", term: str = "km") -> RoutingProblem:
    """Return a small problem with names of one's choice, a law with a constant, and one of the clock."""
    km, hour, carbon = Variable("km", "km"), Variable("hour", "h"), Variable("carbon", "EUR/kg")
    fuel = parse_formula("0.2 * km + 0.25 * km * carbon", [km, carbon], Variable(term, "EUR"))
    minutes = parse_formula("2 * km * (1 + 0.3 * sin(hour))", [km, hour], Variable("t", "min"))
    return RoutingProblem(
        depots=[Depot("depot", 0.0, 0.0)],
        clients=[
            Client(f"{label} {k}", float(k), 1.0, demand=1.0, service_duration=5.0) for k in range(1, 5)
        ],
        vehicles=[VehicleType(label, 2, 4.0, fixed_cost=10.0, shift_start=480.0, shift_end=900.0)],
        cost={term: fuel.bind(km=arc.distance, carbon=0.08)},
        duration=minutes.bind(km=arc.distance, hour=clock.hour),
    )


def test_what_cannot_be_driven_again_is_not_offered() -> None:
    """A law of demands would read other ones, and a route that has left cannot leave at another time."""

    def keys(of: RoutingProblem) -> set[str]:
        return {slider.key for slider in evaluate(of, [["van 1"]]).assessment.slider_prices().sliders}

    problem = city()
    assert "departures" in keys(problem)
    assert "departures" not in keys(problem.with_routes_under_way({"van": ["van 1"]}, "8:05"))
    load, demand = Variable("load", "t"), Variable("demand", "t")
    by_load = parse_formula("0.1 * load", [load], Variable("c", "EUR"))
    assert "load" in keys(replace(problem, cost={"c": by_load.bind(load=state.load)}))
    both = parse_formula("0.1 * load * demand", [load, demand], Variable("c", "EUR"))
    assert "load" not in keys(replace(problem, cost={"c": both.bind(load=state.load, demand=client.demand)}))


HOSTILE = (
    "</script><script>alert(1)</script>",
    "<!--",
    "]]>",
    "ü重",
    '"; alert(1); "',
    "{{ 1 }}",
    "${x}",
    "\\",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_names_end_neither_the_script_nor_its_data(name: str) -> None:
    result = evaluate(city(name, name), [[f"{name} 1", f"{name} 2"]])
    page = page_of(result)
    for text in (page.script, page.data):
        assert "</" not in text
        assert "<!--" not in text
    told = json.loads(page.data)
    assert {each["term"] for each in told["plans"][0]["plan"]["terms"]} >= {name}
    assert page.digest == base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    if NODE:
        terms = result.pricing.terms()
        assert in_node([page], [{}])[0][name] == pytest.approx(terms[name], rel=1e-9)


def terms(result: Result) -> dict[str, float]:
    return {str(term): float(amount) for term, amount in result.pricing.terms().items()}


def assert_same(results: list[Result], settings: list[Settings], expected: list[dict[str, float]]) -> None:
    """Compare what pages say of plans under settings with what is expected."""
    for found, known in zip(in_node([page_of(each) for each in results], settings), expected, strict=True):
        for term in {*found, *known}:
            assert found.get(term, 0.0) == pytest.approx(known.get(term, 0.0), rel=1e-9, abs=1e-9), term


@needs_node
def test_schedules_pay_more_for_power_lateness_and_the_makespan() -> None:
    results, settings, expected = [], [], []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        problem = random_problem(rng, shape=(2, 2), whole=False, energy=True)
        counts = len(problem.data.tasks)
        by_task = [np.flatnonzero(problem.data.structure.mode_task == task) for task in range(counts)]
        modes = np.array([rng.choice(own) for own in by_task])
        result = evaluate(problem, rows_of(problem, modes, np.sort(rng.uniform(0.0, 20.0, counts))))
        power, late, last = (float(factor) for factor in rng.uniform(0.5, 2.0, 3))
        dearer = replace(
            problem,
            power_price=[replace(each, price=each.price * power) for each in problem.power_price],
            jobs=[replace(job, tardiness_cost=job.tardiness_cost * late) for job in problem.jobs],
            makespan_cost=problem.makespan_cost * last,
        )
        results.append(result)
        settings.append({"price.energy": power, "price.tardiness": late, "price.makespan": last})
        expected.append(terms(evaluate(dearer, result.plan)))
    assert_same(results, settings, expected)


FLOWS = pd.DataFrame(
    [
        ("mill", "north", 1, 30.0),
        ("mill", "north", 2, 30.0),
        ("north", "Lyon", 1, 10.0),
        ("north", "Nice", 1, 8.0),
        ("north", "Lyon", 2, 30.0),
        ("north", "Nice", 2, 10.0),
    ],
    columns=["tail", "head", "period", "quantity"],
)


KM, Q, DIESEL = Variable("km", "km"), Variable("q", "t"), Variable("diesel", "EUR/l")


def supply(unit: str, formula: str, diesel: float = 1.4, **changes: Any) -> Any:
    """Return a network with a freight law of distance, diesel and what is shipped."""
    inputs = [each for each in (KM, Q, DIESEL) if each.name in formula]
    law = parse_formula(formula, inputs, Variable("tariff", unit))
    known = {"km": lane.distance, "q": state.quantity, "diesel": diesel}
    bound = law.bind(**{each.name: known[each.name] for each in inputs})
    return small(tariff=bound, planning={"state.quantity": 8.0}, **changes)


FREIGHT = {
    "by the tonne": ("EUR/t", "0.3 * diesel * km"),
    "less for more": ("EUR/t", "0.3 * diesel * km / (1 + q)"),
    "a shipment": ("EUR", "7 + 0.5 * diesel * km + 3 * q^0.8"),
    "below zero": ("EUR", "20 + 0.1 * diesel * km - 1.5 * q"),
}


@needs_node
@pytest.mark.parametrize("name", FREIGHT)
def test_flows_pay_more_for_freight_diesel_sites_and_goods(name: str) -> None:
    problem = supply(*FREIGHT[name])
    result = evaluate(problem, FLOWS)
    settings = {
        "price.transport": 1.1,
        "price.purchase": 0.7,
        "price.handling": 1.3,
        "price.sites": 1.5,
        "price.holding": 0.9,
        "price.shortage": 1.2,
    }
    assert {each.key for each in result.assessment.slider_prices().sliders} == set(settings)
    dearer = supply(
        *FREIGHT[name],
        suppliers=[Supplier("mill", "flour", capacity=50.0, unit_cost=2.0 * 0.7)],
        facilities=[
            Facility(
                "north",
                fixed_cost=30.0 * 1.5,
                capacity=40.0,
                storage=15.0,
                holding_cost=0.5 * 0.9,
                handling_cost=0.25 * 1.3,
            ),
            Facility("south", fixed_cost=500.0 * 1.5, capacity=40.0),
        ],
        products=[Product("flour", shortage_cost=20.0 * 1.2)],
    )
    expected = terms(evaluate(dearer, result.plan))
    expected["transport"] *= 1.1
    assert_same([result], [settings], [expected])
