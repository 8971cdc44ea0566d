"""Reasons of shortages and closed sites, and whether their relaxations do what they say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems.supply import Facility, FlowPlan, Lane, Market, Period, Product, Supplier, SupplyProblem
from kanopt.problems.supply.spare_capacity import cheapest_paths, lane_cost, paths_through
from kanopt.refs import state
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
    assert reason.kind == "unserved"
    assert reason.subject == "market Lyon"
    assert "Lyon lacks 20 of 50 t of flour in period 1" in reason.message
    assert what in reason.message
    assert reason.relaxation.startswith("raise the ")
    assert "20 t" in reason.relaxation
    assert reason.proved


def test_the_full_capacity_on_the_way_is_named_and_its_relaxation_suffices():
    lanes = [Lane("mill", "north", capacity=30.0), Lane("north", "Lyon", capacity=45.0)]
    problem, plan = chain(30.0, lanes=lanes)
    reason = only(problem, plan)
    assert (
        "full on the way with most room (mill → north → Lyon): lane mill → north in period 1 (30 of 30 t)"
        in (reason.message)
    )
    assert (
        reason.relaxation
        == "raise lane mill → north in period 1 by 15 t: 15 t more can then be delivered that way"
    )
    assert not reason.proved
    wider = replace(problem, lanes=[Lane("mill", "north", capacity=45.0), lanes[1]])
    more = pd.DataFrame({"tail": ["mill", "north"], "head": ["north", "Lyon"], "quantity": [45.0] * 2})
    assert wider.check(wider.plan_from(more)).ok
    assert not problem.check(problem.plan_from(more)).ok


def test_of_two_ways_the_one_with_fewer_full_capacities_is_told():
    problem, plan = chain(
        20.0,
        suppliers=[Supplier("mill", capacity=20.0), Supplier("farm", capacity=90.0, unit_cost=3.0)],
        lanes=[
            Lane("mill", "north", capacity=20.0),
            Lane("farm", "north", capacity=0.5),
            Lane("north", "Lyon", capacity=100.0),
        ],
    )
    plan = problem.plan_from(
        pd.DataFrame(
            {
                "tail": ["mill", "farm", "north"],
                "head": ["north", "north", "Lyon"],
                "quantity": [20.0, 0.5, 20.5],
            }
        )
    )
    reason = only(problem, plan)
    # by the mill two capacities are full, by the farm one
    assert "farm → north → Lyon" in reason.message
    assert reason.relaxation.startswith("raise lane farm → north in period 1 by 29.5 t")


def test_not_serving_may_be_cheaper_and_that_is_proved():
    problem, plan = chain(0.0, products=[Product("flour", shortage_cost=3.5)])
    reason = problem.reasons(plan)[0]
    assert "not serving is cheaper: the shortage costs 3.5 EUR/t" in reason.message
    assert "(mill → north → Lyon) at least 4" in reason.message
    assert reason.relaxation == "a shortage cost above 4 EUR/t"
    assert reason.proved


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


def test_a_closed_site_on_the_only_way_is_to_be_opened():
    problem, plan = chain(0.0, facilities=[Facility("north", fixed_cost=9000.0)])
    unserved, closed = problem.reasons(plan)
    assert (
        "no open site leads there; the cheapest way (mill → north → Lyon) costs 4 without" in unserved.message
    )
    assert unserved.relaxation == "open north"
    # at most 50 x (20 - 4) can be saved by opening it
    assert closed.kind == "closed"
    assert (
        "opening north beside the open sites costs 9,000.00 EUR and can save at most 800.00" in closed.message
    )
    assert closed.relaxation == "opening it can only pay if it becomes cheaper by more than 8,200.00 EUR"
    assert closed.proved


def test_a_site_closed_by_its_status_says_so():
    problem, plan = chain(0.0, facilities=[Facility("north", status="closed")])
    unserved, closed = problem.reasons(plan)
    assert "no lane leads from a supplier of it there by a site that may open" in unserved.message
    assert closed.message == "north is closed by its status"
    assert closed.proved


def test_no_saving_is_told_while_demand_that_must_be_met_is_not():
    problem, plan = chain(
        30.0,
        products=[Product("flour")],
        facilities=[Facility("north", capacity=30.0), Facility("south", fixed_cost=70.0)],
    )
    closed = problem.reasons(plan)[-1]
    assert closed.message == (
        "opening south costs 70.00 EUR; its saving is unknown while demand that must be met is not"
    )
    assert not closed.proved


def test_room_that_a_plan_leaves_unused_is_told():
    problem, plan = chain(30.0)
    reason = only(problem, plan)
    assert "the plan leaves room for 20 t more (mill → north → Lyon) at 4.00 each" in reason.message
    assert reason.relaxation == "move 20 t more that way"


def test_open_sites_that_cost_more_than_the_shortage_point_to_a_cheaper_closed_one():
    problem, plan = chain(
        0.0,
        facilities=[
            Facility("north", handling_cost=30.0, status="open"),
            Facility("south", fixed_cost=5000.0),
        ],
        lanes=[Lane("mill", s) for s in ("north", "south")] + [Lane(s, "Lyon") for s in ("north", "south")],
    )
    unserved = problem.reasons(plan)[0]
    assert "through open sites the cheapest way costs 34 EUR/t, the shortage 20;" in unserved.message
    assert unserved.relaxation == "open south"


def test_storage_is_a_capacity_on_the_way_too():
    # 35 t can reach the site in each period; 5 t of storage is all that the first can do for the second
    problem = SupplyProblem(
        suppliers=[Supplier("mill")],
        facilities=[Facility("north", storage=5.0, holding_cost=0.5)],
        markets=[Market("Lyon")],
        products=[Product("flour", shortage_cost=20.0)],
        periods=[Period("1"), Period("2")],
        lanes=[Lane("mill", "north", capacity=35.0), Lane("north", "Lyon")],
        tariff=1.0,
        demand=np.array([[[20.0, 50.0]]]),
    )
    flows = [("mill", "north", 1, 25.0), ("north", "Lyon", 1, 20.0)]
    flows += [("mill", "north", 2, 35.0), ("north", "Lyon", 2, 40.0)]
    plan = problem.plan_from(pd.DataFrame(flows, columns=["tail", "head", "period", "quantity"]))
    # by the first period storage is full, by the second the lane: the cheaper of the two is told
    assert "lane mill → north in period 2 (35 of 35 t)" in only(problem, plan).message
    dear = replace(problem, tariff=np.array([[[1.0, 9.0]], [[1.0, 1.0]]]))
    reason = only(dear, plan)
    assert "from period 1): storage of north in period 1 (5 of 5 t)" in reason.message
    assert reason.relaxation.startswith("raise storage of north in period 1 by 10 t")


@pytest.mark.parametrize("seed", range(40, 52))
def test_a_proof_about_a_closed_site_agrees_with_enumeration(seed):
    problem = random_problem(seed)
    names = problem.network.facility_names
    shape = (len(names), 2)
    opened = np.zeros(shape, dtype=bool)
    opened[0] = True
    plan = _best_with(problem, opened)
    if plan is None:
        return
    spent = cost_of(problem, opened)
    proofs = [one for one in problem.reasons(plan) if one.kind == "closed" and one.proved]
    for reason in proofs:
        if "status" not in reason.message:
            wider = opened.copy()
            wider[names.index(reason.subject.split()[1])] = True
            assert cost_of(problem, wider) >= spent - 1e-6


def _best_with(problem, opened):
    """Return the best plan with exactly these sites open; None where a status forbids it."""
    from kanopt.solvers.highs import HighsOptions, run_highs
    from kanopt.solvers.supply.model import SupplyModel

    if any(
        site.status == "open" and not opened[i].all() for i, site in enumerate(problem.network.facilities)
    ):
        return None
    sites = [
        replace(site, status="open" if opened[i].all() else "closed")
        for i, site in enumerate(problem.network.facilities)
    ]
    model = SupplyModel(replace(problem, facilities=sites))
    return model.plan(run_highs(model.linear, HighsOptions()).values)


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


def test_no_way_is_an_empty_one():
    network = small().network
    nowhere = cheapest_paths(network, np.full(network.shape, np.inf), np.full((2, 1, 2), np.inf))
    assert nowhere.trace(0, 0, 0) == ()
