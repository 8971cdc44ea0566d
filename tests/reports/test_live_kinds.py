"""Schedules and supply plans are priced in their pages as the referee does, under moved prices."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Result, evaluate
from kanopt.problems.supply import Facility, Product, Supplier
from kanopt.refs import lane, state
from tests.cases.scheduling import random_problem, rows_of
from tests.cases.supply import small
from tests.formulas.export.engines import NODE
from tests.reports.live_cases import Settings, in_node, page_of

pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed")


def terms(result: Result) -> dict[str, float]:
    return {str(term): float(amount) for term, amount in result.pricing.terms().items()}


def assert_same(results: list[Result], settings: list[Settings], expected: list[dict[str, float]]) -> None:
    """Compare what pages say of plans under settings with what is expected."""
    for found, known in zip(in_node([page_of(each) for each in results], settings), expected, strict=True):
        for term in {*found, *known}:
            assert found.get(term, 0.0) == pytest.approx(known.get(term, 0.0), rel=1e-9, abs=1e-9), term


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
        settings.append({"energy": power, "tardiness": late, "makespan": last})
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


LAWS = {
    "by the tonne": ("EUR/t", "0.3 * diesel * km"),
    "less for more": ("EUR/t", "0.3 * diesel * km / (1 + q)"),
    "a shipment": ("EUR", "7 + 0.5 * diesel * km + 3 * q^0.8"),
    "below zero": ("EUR", "20 + 0.1 * diesel * km - 1.5 * q"),
}


@pytest.mark.parametrize("name", LAWS)
def test_flows_pay_more_for_freight_diesel_sites_and_goods(name: str) -> None:
    problem = supply(*LAWS[name])
    result = evaluate(problem, FLOWS)
    settings = {
        "diesel = 1.4 EUR/l": 1.25,
        "transport": 1.1,
        "purchase": 0.7,
        "handling": 1.3,
        "sites": 1.5,
        "holding": 0.9,
        "shortage": 1.2,
    }
    assert {each.key for each in result.assessment.slider_prices().sliders} == set(settings)
    dearer = supply(
        *LAWS[name],
        diesel=1.4 * 1.25,
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
