"""Reasons of shortages and closed sites, and whether their relaxations do what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems.supply import Facility, FlowPlan, Lane, Market, Period, Product, Supplier, SupplyProblem
from kanopt.problems.supply.spare_capacity import lane_cost, paths_through
from kanopt.refs import state
from kanopt.solvers.supply.fixed_sites import flows_through_sites
from tests.cases.supply import cost_of, random_problem


def chain(quantity: float, **changes) -> tuple[SupplyProblem, FlowPlan]:
    """Return mill → north → Lyon with room for 100 everywhere, 50 wanted, and a plan that moves some."""
    fields = {
        "suppliers": [Supplier("mill", capacity=100.0, unit_cost=2.0)],
        "facilities": [Facility("north", capacity=100.0)],
        "markets": [Market("Lyon")],
        "products": [Product("flour", shortage_cost=20.0)],
        "periods": [Period("1")],
        "lanes": [Lane("mill", "north", capacity=100.0), Lane("north", "Lyon", capacity=100.0)],
        "tariff": 1.0,
        "demand": 50.0,
    }
    problem = SupplyProblem(**{**fields, **changes})
    flows = pd.DataFrame({"tail": ["mill", "north"], "head": ["north", "Lyon"], "quantity": [quantity] * 2})
    return problem, problem.plan_from(flows)


def only(problem, plan):
    (reason,) = problem.reasons(plan)
    return reason


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"suppliers": [Supplier("mill", capacity=30.0)]}, "suppliers can sell 20 t of flour less"),
        ({"facilities": [Facility("north", capacity=30.0)]}, "all sites that may open pass on 20 t less"),
        (
            {"lanes": [Lane("mill", "north"), Lane("north", "Lyon", capacity=30.0)]},
            "the lanes into Lyon carry 20 t less",
        ),
    ],
)
def test_a_capacity_that_explains_everything_is_proved(changes, what):
    problem, plan = chain(30.0, **changes)
    reason = only(problem, plan)
    assert (reason.kind, reason.subject, reason.proved) == ("unserved", "market Lyon", True)
    assert "lacks 20 of 50 t of flour in period 1" in reason.message
    assert what in reason.message
    assert "20 t" in reason.relaxation


def test_the_full_capacity_on_the_way_is_named_and_its_relaxation_suffices():
    lanes = [Lane("mill", "north", capacity=30.0), Lane("north", "Lyon", capacity=45.0)]
    problem, plan = chain(30.0, lanes=lanes)
    reason = only(problem, plan)
    assert "(mill → north → Lyon): lane mill → north in period 1 (30 of 30 t)" in reason.message
    assert "raise lane mill → north in period 1 by 15 t" in reason.relaxation
    assert not reason.proved
    wider = replace(problem, lanes=[Lane("mill", "north", capacity=45.0), lanes[1]])
    more = pd.DataFrame({"tail": ["mill", "north"], "head": ["north", "Lyon"], "quantity": [45.0] * 2})
    assert wider.check(wider.plan_from(more)).ok
    assert not problem.check(problem.plan_from(more)).ok


def test_not_serving_may_be_cheaper_and_that_is_proved():
    problem, plan = chain(0.0, products=[Product("flour", shortage_cost=3.5)])
    reason = problem.reasons(plan)[0]
    assert "not serving is cheaper" in reason.message
    assert (reason.relaxation, reason.proved) == ("a shortage cost above 4 EUR/t", True)


def test_at_frozen_rates_nothing_about_prices_is_proved():
    law = parse_formula("3 * q", [Variable("q", "t")], Variable("cost", "EUR")).bind(q=state.quantity)
    problem, plan = chain(
        0.0, products=[Product("flour", shortage_cost=3.5)], tariff=law, planning={"state.quantity": 5.0}
    )
    unserved, closed = problem.reasons(plan)
    assert "not serving is cheaper" in unserved.message
    assert not unserved.proved
    assert "at the rates of the planning shipment" in closed.message
    assert not closed.proved


def test_a_place_no_lane_leads_to_is_proved_unreachable():
    problem, plan = chain(50.0, markets=[Market("Lyon"), Market("Nice")])
    reason = only(problem, plan)
    assert reason.subject == "market Nice"
    assert "no lane leads from a supplier of it there" in reason.message
    assert reason.proved


@pytest.mark.parametrize("seed", range(40, 48))
def test_a_proof_about_a_closed_site_agrees_with_enumeration(seed):
    problem = random_problem(seed)
    names = problem.network.facility_names
    opened = np.zeros((len(names), 2), dtype=bool)
    opened[0] = True
    pairs = [(names[0], period) for period in problem.network.period_names]
    plan = flows_through_sites(problem, pairs, None)
    if plan is None:
        return
    spent = cost_of(problem, opened)
    proofs = [one for one in problem.reasons(plan) if one.kind == "closed" and one.proved]
    for reason in proofs:
        if "status" not in reason.message:
            wider = opened.copy()
            wider[names.index(reason.subject.split()[1])] = True
            assert cost_of(problem, wider) >= spent - 1e-6


def test_with_no_plan_the_impossible_is_proved():
    problem, _ = chain(0.0, products=[Product("flour")], facilities=[Facility("north", status="closed")])
    lane, sites = problem.reasons(None)
    assert (lane.kind, lane.subject, lane.proved) == ("infeasible", "market Lyon", True)
    assert "no lane leads from a supplier of flour to Lyon" in lane.message
    assert "all sites that may open pass on 50 t less" in sites.message
    problem, _ = chain(
        0.0,
        products=[Product("flour")],
        suppliers=[Supplier("mill", capacity=10.0)],
        facilities=[Facility("north", capacity=20.0)],
        lanes=[Lane("mill", "north"), Lane("north", "Lyon", capacity=30.0)],
    )
    subjects = [(reason.subject, reason.kind) for reason in problem.reasons(None)]
    assert subjects == [("supply", "infeasible"), ("facilities", "infeasible"), ("market Lyon", "infeasible")]
    assert chain(0.0)[0].reasons(None) == ()


def test_supply_is_counted_from_the_start_where_stock_can_be_kept():
    def two(storage: float) -> SupplyProblem:
        return SupplyProblem(
            suppliers=[Supplier("mill", capacity=30.0)],
            facilities=[Facility("north", storage=storage)],
            markets=[Market("Lyon")],
            products=[Product("flour")],
            periods=[Period("1"), Period("2")],
            lanes=[Lane("mill", "north"), Lane("north", "Lyon")],
            tariff=1.0,
            demand=np.array([[[0.0, 60.0]]]),
        )

    (reason,) = two(0.0).reasons(None)
    assert "less than all markets want in period 2" in reason.message
    assert two(30.0).reasons(None) == ()


def test_cheapest_ways_are_those_of_trying_all():
    problem = random_problem(6)
    network = problem.network
    paths = paths_through(problem, np.ones((len(network.facilities), 2), dtype=bool))
    cost = lane_cost(problem)
    hold, storage = network.of_facilities("holding_cost"), network.of_facilities("storage")
    first, markets = network.facility_nodes.start, network.market_nodes.start
    # Bellman's equation holds at every node, product and period
    for node in range(first, len(network.node_names)):
        for p in range(2):
            for t in range(2):
                into = [
                    paths.cost[network.tails[i], p, t] + cost[i, p, t]
                    for i in range(len(network.lanes))
                    if network.heads[i] == node
                ]
                if t and node < markets and storage[node - first] > 0:
                    into.append(paths.cost[node, p, 0] + hold[node - first])
                assert paths.cost[node, p, t] == pytest.approx(min(into))
    for market in range(2):
        for p in range(2):
            steps = paths.trace(market, p, 1)
            told = sum(hold[s.site] if s.lane < 0 else cost[s.lane, p, s.period] for s in steps)
            assert told == pytest.approx(paths.to_markets[market, p, 1])
