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

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import evaluate
from kanopt.problems.routing import Client, Depot, RoutingProblem, VehicleType
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.refs import arc, client, clock, state
from kanopt.reports.live import live_page
from kanopt.reports.subject import subject_of_run
from kanopt.whatif.scenario_files.spec import LearnedSpec, ReportSpec
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan
from tests.formulas.export.engines import NODE
from tests.reports.live_cases import in_node, page_of, price_by_referee, settings_of

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
            "service": bool(problem.data.service_times.plan_inputs),
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
    every = ("load", "departures", "vehicle.km_price", "service", "under way")
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


def test_a_plan_that_cannot_be_driven_is_told_without_its_price() -> None:
    matrix = np.full((5, 5), np.inf)
    matrix[0, 1] = matrix[1, 0] = 3.0
    problem = replace(city(), duration=matrix)
    assert evaluate(problem, [["van 1"]]).assessment.slider_prices() is not None
    stuck = evaluate(problem, [["van 1", "van 2"]])
    assert stuck.assessment.slider_prices() is None
    told = json.loads(live_page({}, {"This plan": stuck}).data)
    assert told["plans"] == []
    assert told["why"].startswith("There are no sliders: some route is never driven to its end")
    assert json.loads(live_page({}).data)["why"] == ""


def test_rows_beside_a_law_are_some_of_those_it_was_judged_by(make_run: Any, tmp_path: Any) -> None:
    """A law that was read from a file or written by hand has none."""
    rng = np.random.default_rng(0)
    trips = pd.DataFrame(
        {
            "distance_km": rng.uniform(1, 30, 900),
            "hour": rng.uniform(6, 20, 900),
            "week": np.arange(900) // 90,
        }
    )
    trips["minutes"] = 2.0 * trips["distance_km"] + rng.normal(0, 1, 900)
    trips.loc[::50, "hour"] = np.nan
    spec = LearnedSpec(
        table="trips", target="minutes", features=["distance_km", "hour"], holdout={"by": "week", "last": 2}
    )
    run = make_run()
    scenario = replace(
        run.scenario, laws={"travel_time": spec, "fuel_cost": object()}, tables={"trips": trips}
    )
    rows = subject_of_run(replace(run, scenario=scenario)).rows
    assert list(rows) == ["travel_time"]
    told = json.loads(live_page(run.laws, {}, rows).data)["laws"]
    points = next(law["rows"] for law in told if law["name"] == "travel_time")
    judged = trips[(trips["week"] >= 8) & trips["hour"].notna()]
    assert len(points["target"]) == min(200, len(judged))
    for target, km in zip(points["target"], points["inputs"]["distance_km"], strict=True):
        near = (judged["minutes"] - target).abs() < 1e-3 * abs(target)
        assert ((judged["distance_km"] - km).abs()[near] < 1e-3 * km).any()
    assert next(law["rows"] for law in told if law["name"] == "fuel_cost") is None
    without = replace(scenario, report=ReportSpec(rows=False))
    assert subject_of_run(replace(run, scenario=without)).rows == {}
