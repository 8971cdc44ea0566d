"""Reasons of shortages and closed sites, first plans and what lanes lead to."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import SupplyProblem
from kanopt.engines.solve import solve
from kanopt.supply import Facility, FlowPlan, Lane, Market, Period, Product, Supplier
from kanopt.supply.search.solver import flows_through_sites
from kanopt.supply.spare_capacity import first_plan
from tests.cases.supply import cost_of, random_problem, small


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


@pytest.mark.parametrize("seed", range(40, 48))
def test_a_proof_about_a_closed_site_agrees_with_enumeration(seed):
    problem = random_problem(seed)
    names = problem.network.names["facility"]
    opened = np.zeros((len(names), 2), dtype=bool)
    opened[0] = True
    pairs = [(names[0], period) for period in problem.network.names["period"]]
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
    stocked = replace(two(0.0), facilities=[Facility("north", initial_stock=30.0)])
    assert stocked.reasons(None) == ()
    (reason,) = replace(stocked, demand=np.array([[[65.0, 0.0]]])).reasons(None)
    assert (
        "suppliers can sell 5 t of flour less than all markets want by the end of period 1" in reason.message
    )


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 10_000), mandatory=st.booleans())
def test_a_first_plan_breaks_no_rule_but_for_what_it_leaves_out(seed, mandatory):
    problem = random_problem(seed, mandatory=mandatory)
    plan = first_plan(problem)
    check = problem.check(plan)
    assert check.ok or check.only_unserved, str(check)
    assert problem.assess(plan).coverage.served > 0


def test_stock_is_kept_for_what_one_period_cannot_supply():
    problem = small(
        suppliers=[Supplier("mill", "flour", capacity=30.0, unit_cost=2.0)],
        products=[Product("flour")],
        demand=np.array([[[10.0, 38.0]], [[0.0, 0.0]]]),
    )
    plan = first_plan(problem)
    assert problem.check(plan).ok, str(problem.check(plan))
    assert problem.assess(plan).simulation.stock[0, 0, 0] == pytest.approx(8.0)


MUST = [Product("flour")]
DEAR = [Facility("north", fixed_cost=9e4), Facility("south", fixed_cost=9e4)]
NOWHERE = {"lanes": [Lane("mill", "north"), Lane("north", "south")], "tariff": 1.0}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"products": [Product("flour", shortage_cost=0.5)]},
            "the shortage costs less than the cheapest way",
        ),
        (
            {"suppliers": [Supplier("mill", "flour", capacity=0.0)]},
            "suppliers can sell less flour than all markets want",
        ),
        (
            {"products": MUST, "suppliers": [Supplier("mill", "flour", capacity=0.0)]},
            "suppliers can sell less flour than all markets want",
        ),
        ({"facilities": DEAR}, "is closed"),
        ({"products": MUST, **NOWHERE}, "no lane leads there from a supplier"),
    ],
)
def test_a_plan_that_moves_nothing_says_why_in_its_first_line(changes, why):
    result = solve(small(markets=[Market("Lyon"), Market("Nice")], **changes), time_limit=10.0)
    first, *_ = str(result).splitlines()
    assert "supplies 0 of 60 t" in first
    assert why in first


def followed(problem) -> set[str]:
    """Return what lanes lead to, one after the other, through sites that are not closed."""
    network = problem.network
    closed = {site.name for site in network.facilities if site.status == "closed"}
    reached = set(network.names["supplier"])
    while True:
        more = {lane.head for lane in network.lanes if lane.tail in reached} - closed - reached
        if not more:
            return reached
        reached |= more


@pytest.mark.parametrize("seed", range(8))
def test_markets_are_told_that_no_lanes_lead_to(seed):
    rng = np.random.default_rng(seed)
    whole = random_problem(seed)
    network = whole.network
    kept = [lane for lane in network.lanes if rng.random() < 0.4] or [network.lanes[0]]
    sites = [replace(site, status="closed") if rng.random() < 0.3 else site for site in network.facilities]
    problem = replace(whole, lanes=kept, facilities=sites, tariff=1.0)
    missing = [name for name in network.names["market"] if name not in followed(problem)]
    remarks = problem.unreachable()
    assert set(remarks) <= set(problem.remarks())
    assert bool(remarks) == bool(missing)
    assert all(f"'{name}'" in remarks[0] for name in missing[:5])
