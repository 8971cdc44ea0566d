"""Prices, checks, plans and views of supply problems."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from kanopt.errors import ProblemError
from kanopt.plans.findings import Status
from kanopt.plans.result import evaluate
from kanopt.supply import Facility, Flow, FlowPlan, Product
from kanopt.supply.plan import sites_open
from tests.cases.supply import random_problem, small

SERVED = pd.DataFrame(
    {
        "tail": ["mill", "mill", "north", "north", "north", "north"],
        "head": ["north", "north", "Lyon", "Nice", "Lyon", "Nice"],
        "period": [1, 2, 1, 1, 2, 2],
        "quantity": [30.0, 30.0, 10.0, 8.0, 30.0, 10.0],
    }
)


def rules(problem, decision):
    """Return the constraints broken, in order of appearance."""
    found = problem.check(problem.plan_from(decision)).violations
    return list(dict.fromkeys(one.constraint for one in found))


def test_a_plan_is_priced_by_hand():
    problem = small()
    result = evaluate(problem, SERVED)
    assert result.status is Status.FEASIBLE
    terms = result.pricing.terms().to_dict()
    assert terms == pytest.approx(
        {
            "purchase": 60 * 2.0,
            "transport": 60 * 1.0 + 40 * 2.0 + 18 * 3.0,
            "handling": 60 * 0.25,
            "sites": 30.0,
            "holding": 12 * 0.5 + 2 * 0.5,
            "shortage": 2 * 20.0,
        }
    )
    lines = result.pricing.lines.set_index(["term", "group", "item"])["amount"]
    assert lines["shortage", "Nice", "flour, 1"] == pytest.approx(40.0)
    assert lines["transport", "north → Nice", "flour, 2"] == pytest.approx(30.0)
    assert lines["sites", "north", "fixed"] == 30.0


def test_sites_with_a_cost_per_period_are_paid_when_open():
    problem = small(facilities=[Facility("north", period_cost=7.0, fixed_cost=1.0), Facility("south")])
    first = SERVED[SERVED["period"] == 1].assign(quantity=[18.0, 10.0, 8.0])
    plan = problem.plan_from(first)
    assert plan.open == (("north", "1"),)
    lines = problem.price(plan).lines.set_index(["term", "item"])["amount"]
    assert (lines["sites", "1"], lines["sites", "fixed"]) == (7.0, 1.0)
    assert problem.check(plan).ok


def test_a_full_check_names_each_rule_that_is_broken():
    def changed(place, quantity):
        return SERVED.assign(quantity=SERVED["quantity"].where(SERVED.index != place, quantity))

    problem = small()
    assert rules(problem, SERVED) == []
    assert rules(problem, changed(1, 60.0)) == ["supply", "throughput", "storage"]
    assert rules(problem, changed(0, 38.0)) == ["storage"]
    assert rules(problem, changed(1, 5.0)) == ["flow balance"]
    assert rules(problem, changed(3, 13.0)) == ["lane capacity", "flow balance", "demand"]
    assert rules(problem, changed(3, -1.0)) == ["negative flow", "storage"]
    assert rules(problem, {"flows": SERVED, "open": []}) == ["closed site"]
    half = pd.DataFrame({"facility": ["north"], "period": [1]})
    assert rules(problem, {"flows": SERVED, "open": half}) == ["closed site", "status"]


def test_plans_are_read_from_what_they_write():
    problem = small()
    plan = problem.plan_from(SERVED)
    assert problem.plan_from(plan) is plan
    assert problem.plan_from(plan.to_frame()) == plan
    assert problem.plan_from({"flows": plan.to_frame(), "open": plan.sites()}) == plan
    assert problem.plan_from(SERVED.to_dict("records")) == plan
    assert problem.plan_from({"flows": SERVED, "open": ["north"]}) == plan
    assert problem.plan_from([]) == FlowPlan(())
    assert plan.sites().values.tolist() == [["north", "1"], ["north", "2"]]


@pytest.mark.parametrize(
    ("decision", "message"),
    [
        (SERVED.assign(tail="milk"), "row 1: no lane 'milk → north'; did you mean 'mill → north'"),
        (SERVED.assign(head="Lyon"), "row 1: no lane 'mill → Lyon'"),
        (SERVED.assign(period=3), "row 1: unknown period '3'"),
        (SERVED.assign(product="corn"), "row 1: unknown product 'corn'"),
        (SERVED.assign(mode="sea"), r"row 1: no lane 'mill → north \(sea\)'"),
        (SERVED.assign(quantity="many"), "column 'quantity', row 1: .*'many'"),
        (SERVED.drop(columns="period"), "column 'period' is missing"),
        ({"flow": SERVED}, r"not \['flow'\]"),
        ({"flows": SERVED, "open": ["nort"]}, "row 1: unknown facility 'nort'"),
        (7, "give a FlowPlan, a frame or a list of mappings"),
        (FlowPlan((Flow("mill", "nowhere", "", "flour", "1", 1.0),)), "no lane 'mill → nowhere'"),
    ],
)
def test_a_plan_that_names_what_is_not_there_is_refused(decision, message):
    with pytest.raises(ProblemError, match=message):
        small().plan_from(decision)


def test_weights_count_against_capacities_and_units_against_demand():
    problem = small(products=[Product("flour", weight=0.5, shortage_cost=20.0)])
    # 60 units of half a tonne fit into 40 t of throughput; 30 are kept, which is 15 t
    frame = SERVED.iloc[[0, 2, 3]].assign(quantity=[50.0, 10.0, 10.0])
    assert rules(problem, frame) == []
    ledger = problem.assess(problem.plan_from(frame)).simulation
    assert ledger.stock[0, 0].tolist() == [30.0, 30.0]


PROBLEM = random_problem(0)


FLOWS = hnp.arrays(
    float, PROBLEM.network.shape, elements=st.integers(0, 30_000).map(lambda x: x / 1000), fill=st.just(0.0)
)


@settings(max_examples=25)
@given(FLOWS)
def test_a_price_is_the_sum_of_its_lines_and_a_check_agrees_with_the_amounts(flows):
    flows = flows * PROBLEM.network.can_carry[:, :, None]
    plan = PROBLEM.plan_of(flows, sites_open(PROBLEM.network, flows))
    ledger = PROBLEM.assess(plan).simulation
    np.testing.assert_array_equal(ledger.flows, flows)
    price = PROBLEM.price(plan)
    assert price.objective == pytest.approx(math.fsum(price.lines["amount"]))
    assert price.terms().get("transport", 0.0) == pytest.approx(float((flows * PROBLEM.tariff).sum()))
    broken = {one.constraint for one in PROBLEM.check(plan).violations}
    delivered = ledger.delivered - ledger.demand
    assert ("demand" in broken) == bool((delivered > 1e-6 * np.maximum(1, ledger.demand)).any())
    assert ("flow balance" in broken) == bool((ledger.stock < 0).any())
    assert not broken & {"closed site", "negative flow"}
    assert len(PROBLEM.assess(plan).broken_rules) >= len(broken - {"unserved"})
    # what is wanted is delivered, missing, or over-delivered
    np.testing.assert_allclose(
        ledger.delivered + ledger.shortage - np.maximum(delivered, 0.0), ledger.demand, atol=3e-5
    )


def test_a_lane_carries_only_what_its_supplier_offers():
    products = [Product("flour", shortage_cost=1.0), Product("corn", shortage_cost=1.0)]
    problem = small(products=products, tariff=1.0, demand=1.0)
    flow = {"tail": "mill", "head": "north", "product": "corn", "period": "1", "quantity": 1.0}
    assert rules(problem, [flow]) == ["supply"]
