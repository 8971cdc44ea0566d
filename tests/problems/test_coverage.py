"""What a plan serves and leaves out is counted once, for every kind of problem, and has a price where one is known."""

from __future__ import annotations

import ast
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

import kanopt as ko
from kanopt.problems import Client, Depot, RoutingProblem, RoutingUnits, VehicleType, evaluate
from kanopt.problems.coverage import Coverage, CoverageWords
from kanopt.problems.supply.augmentation import with_demand_met
from tests.cases import supply
from tests.cases.routing import random_problem, random_routes

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))) * 10
CLIENTS = (Client("a", demand=0.5), Client("b", demand=0.4), Client("c", demand=0.3))
VAN = VehicleType("van", 1, capacity=1.0, fixed_cost=7.0, shift_start=480, shift_end=600)


def round_trip(clients: tuple[Client, ...] = CLIENTS, *vans: VehicleType) -> RoutingProblem:
    """Return three clients in a line, 10 minutes and 10 EUR apart."""
    return RoutingProblem(
        [Depot("depot")], clients, vans or (VAN,), cost={"toll": LINE}, duration=LINE, distance=LINE
    )


def shop(**changes: object) -> ko.SchedulingProblem:
    given = {
        "jobs": [
            ko.scheduling.Job("j1", due_date=10.0, tardiness_cost=2.0),
            ko.scheduling.Job("j2", due_date=3.0),
        ],
        "tasks": [ko.scheduling.Task("a", "j1"), ko.scheduling.Task("b", "j2")],
        "machines": [ko.scheduling.Machine("saw")],
        "modes": [ko.scheduling.Mode("a", "saw", duration=8.0), ko.scheduling.Mode("b", "saw", duration=4.0)],
        "makespan_cost": 1.0,
    }
    return ko.SchedulingProblem(**{**given, **changes})


def test_clients_on_a_route_are_served_and_the_others_left_out():
    found = evaluate(round_trip(), [["a", "b"]]).coverage
    assert str(found) == "serves 0.9 of 1.2 t (2 of 3 clients); left out: c"
    assert (found.served, found.wanted, found.unit) == (0.9, 1.2, "t")
    assert (found.things, found.left_out, found.complete) == (3, ("c",), False)
    whole = evaluate(round_trip(), [["a", "b", "c"]]).coverage
    assert str(whole) == "serves all 3 clients (1.2 t)"


def test_what_is_picked_up_counts_too_and_clients_without_a_load_are_counted_alone():
    picked = tuple(replace(client, pickup=0.1) for client in CLIENTS)
    assert evaluate(round_trip(picked), [["a", "b"]]).coverage.amount == "1.1 of 1.5 t"
    empty = tuple(replace(client, demand=0.0) for client in CLIENTS)
    assert str(evaluate(round_trip(empty), [["a"]]).coverage) == "serves 1 of 3 clients; left out: b and c"


@pytest.mark.parametrize("seed", range(4))
def test_random_routes_are_counted_as_one_would_by_hand(seed):
    problem = random_problem(seed)
    plan = problem.plan_from(random_routes(problem, seed))
    found = problem.assess(plan).coverage
    on_routes = {name for route in plan.routes for name in route.clients}
    assert set(found.left_out) == {client.name for client in problem.clients} - on_routes
    assert found.served == pytest.approx(
        sum(client.demand + client.pickup for client in problem.clients if client.name in on_routes)
    )


def test_the_price_of_a_client_who_must_be_served_is_that_of_another_vehicle():
    problem = round_trip()
    price = problem.assess(problem.plan_from([["a", "b"]])).left_out_price
    more = round_trip(CLIENTS, replace(VAN, num_available=2))
    exact = evaluate(more, [["a", "b"], ["c"]]).objective - evaluate(more, [["a", "b"]]).objective
    assert price.more == pytest.approx(exact)
    assert (price.paid, price.amount) == (0.0, price.more)
    assert price.text == (
        "serving it too would cost 67.00 EUR more with 1 more van (each put where it costs least on the law; "
        "a search may find a cheaper plan)"
    )


def test_clients_left_out_share_the_vehicles_that_are_added():
    problem = round_trip(CLIENTS, replace(VAN, capacity=0.8))
    price = problem.assess(problem.plan_from([["a"]])).left_out_price
    more = round_trip(CLIENTS, replace(VAN, capacity=0.8, num_available=2))
    longer = evaluate(more, [["a", "c"], ["b"]]).objective
    assert price.more <= longer - evaluate(more, [["a"]]).objective + 1e-9
    assert "serving them too would cost" in price.text
    assert "1 more van" in price.text


def test_a_client_with_a_prize_is_paid_for_already():
    clients = (*CLIENTS[:2], replace(CLIENTS[2], prize=25.0))
    problem = round_trip(clients)
    price = problem.assess(problem.plan_from([["a", "b"]])).left_out_price
    assert (price.paid, price.more) == (25.0, 0.0)
    assert price.text == "its prize, 25.00 EUR, is in the price"


def test_a_client_that_no_vehicle_reaches_has_no_price():
    clients = (*CLIENTS[:2], replace(CLIENTS[2], latest=481.0))
    problem = round_trip(clients)
    price = problem.assess(problem.plan_from([["a", "b"]])).left_out_price
    assert price.more is None
    assert price.text == "what serving it would cost is not known: even another vehicle has no place for it"


def test_jobs_that_end_late_or_do_not_run_are_left_out():
    late = evaluate(
        shop(),
        [{"task": "b", "machine": "saw", "start": 0.0}, {"task": "a", "machine": "saw", "start": 4.0}],
    )
    assert str(late.coverage) == "finishes 0 of 2 jobs in time; late: j1 and j2"
    price = late.assessment.left_out_price
    assert (price.paid, price.more) == (4.0, None)
    assert price.text == (
        "the lateness of j1, 4.00 EUR, is in the price; the lateness of j2 costs nothing in this problem"
    )
    half = evaluate(shop(), [{"task": "a", "machine": "saw", "start": 0.0}])
    assert str(half.coverage) == "finishes 1 of 2 jobs in time; not run: j2"
    assert half.assessment.left_out_price.text == "what running it would cost is not known"


def test_a_shop_in_time_says_so():
    found = evaluate(
        shop(jobs=[ko.scheduling.Job("j1", due_date=20.0), ko.scheduling.Job("j2")]),
        [{"task": "b", "machine": "saw", "start": 0.0}, {"task": "a", "machine": "saw", "start": 4.0}],
    )
    assert str(found.coverage) == "finishes all 2 jobs in time"
    assert found.assessment.left_out_price is None


def test_demand_that_is_not_met_is_short_by_market():
    flows = [
        {"tail": "mill", "head": "north", "period": "1", "quantity": 14.0},
        {"tail": "north", "head": "Lyon", "period": "1", "quantity": 10.0},
        {"tail": "north", "head": "Nice", "period": "1", "quantity": 4.0},
    ]
    result = evaluate(supply.small(), flows)
    found = result.coverage
    assert str(found) == "supplies 14 of 60 t (0 of 2 markets in full); short: Lyon and Nice"
    price = result.assessment.left_out_price
    assert (price.paid, price.more) == (pytest.approx(46.0 * 20.0), 0.0)
    assert price.text == "the cost of the shortage, 920.00 EUR, is in the price"


def test_demand_that_must_be_met_is_supplied_by_ways_with_room():
    problem = supply.small(products=[ko.supply.Product("flour")])
    price = problem.assess(problem.plan_from([])).left_out_price
    # mill 2 + lane 1 + handling 0.25 + lane 2 to Lyon or 3 to Nice, and the opening of north for 30
    assert price.more == pytest.approx(40 * 5.25 + 20 * 6.25 + 30)
    assert price.text == "the rest can be supplied for 365.00 EUR more, opening north"
    cheapest = ko.solve(problem, time_limit=5)
    assert cheapest.objective == pytest.approx(price.more)


def test_demand_that_no_plan_meets_has_no_price_but_a_reason():
    sites = [ko.supply.Facility("north", capacity=15.0), ko.supply.Facility("south", status="closed")]
    problem = supply.small(products=[ko.supply.Product("flour")], facilities=sites)
    price = problem.assess(problem.plan_from([])).left_out_price
    assert price.more is None
    assert price.text == (
        "no plan supplies the rest: all sites that may open pass on 5 t less than all markets want in period 1, "
        "whatever the plan"
    )


def test_demand_without_a_way_with_room_has_no_price_but_a_reason():
    flows = [
        {"tail": "mill", "head": "north", "period": "1", "quantity": 10.0},
        {"tail": "north", "head": "Nice", "period": "1", "quantity": 10.0},
    ]
    lanes = [ko.supply.Lane("mill", "north", capacity=15.0), *supply.small().lanes[1:]]
    sites = [ko.supply.Facility("north"), ko.supply.Facility("south")]
    problem = supply.small(
        products=[ko.supply.Product("flour")], facilities=sites, lanes=lanes, demand=np.full((2, 1, 2), 10.0)
    )
    price = problem.assess(problem.plan_from(flows)).left_out_price
    assert price.more is None
    assert price.text.startswith(
        "what supplying the rest would cost is not known: no way with room was found"
    )


@pytest.mark.parametrize("seed", range(12))
def test_what_supplying_the_rest_costs_can_be_had(seed):
    problem = supply.random_problem(seed, mandatory=True)
    empty = problem.assess(problem.plan_from([]))
    if empty.left_out_price is None or empty.left_out_price.more is None:
        return
    must = np.broadcast_to(np.isinf(problem.network.shortage_cost)[None, :, None], problem.demand_array.shape)
    whole = with_demand_met(problem, empty.simulation, must)
    plan = problem.plan_of(whole.flows, whole.open)
    assert problem.check(plan).ok
    more = problem.price(plan).objective - empty.pricing.objective
    assert more == pytest.approx(empty.left_out_price.more)


def test_constraints_that_are_broken_are_left_out():
    cost = ko.parse_formula("x + y", ["x", "y"], ko.Variable("cost", "EUR"))
    rules = [
        ko.decisions.at_least({"x": 1.0}, 0.5, name="least"),
        ko.decisions.at_most({"y": 1.0}, 1.0, name="most"),
    ]
    problem = ko.DecisionProblem({"x": (0.0, 1.0), "y": (0.0, 2.0)}, cost, rules)
    broken = evaluate(problem, {"x": 0.2, "y": 1.0})
    assert str(broken.coverage) == "keeps 1 of 2 constraints; broken: least"
    assert broken.assessment.left_out_price.text == "what keeping it would cost is not known"
    assert str(evaluate(problem, {"x": 0.7, "y": 1.0}).coverage) == "keeps all 2 constraints"
    free = ko.DecisionProblem({"x": (0.0, 1.0), "y": (0.0, 2.0)}, cost)
    assert str(evaluate(free, {"x": 0.7, "y": 1.0}).coverage) == ""


def test_two_plans_serve_the_same_only_where_names_and_amounts_agree():
    words = CoverageWords("supplies", "market", "markets", "in full")
    whole = Coverage(words, 3, (), 30.0, 30.0, "t")
    assert whole.same_as(replace(whole, served=30.0 + 1e-9))
    short = replace(whole, left_out=("Lyon",), served=20.0, lacking="short")
    assert short.against(whole) == "supplies 1 market fewer in full (10 t less)"
    other = replace(short, left_out=("Nice",))
    assert not short.same_as(other)
    assert short.against(other) == "leaves out Lyon instead of Nice"
    dearer = replace(whole, served=36.0, wanted=36.0)
    assert dearer.against(whole) == "supplies 36 instead of 30 t"
    heavy = replace(whole, served=30000.0, wanted=30000.0, unit="kg")
    assert heavy.against(whole) == "supplies 30,000 kg instead of 30 t"
    assert heavy.against(short) == "supplies 1 market more in full (30,000 kg instead of 20 t)"
    jobs = Coverage(CoverageWords("finishes", "job", "jobs", "in time"), 8)
    grown = replace(whole, left_out=("Lyon",), served=36.0, wanted=45.0)
    assert grown.against(whole) == (
        "supplies 1 market fewer in full (though 6 t more: 36 of 45 t instead of 30 t)"
    )
    assert replace(jobs, left_out=("j1", "j2")).against(jobs) == "finishes 2 jobs fewer in time"


RULES = {
    "scheduling": ("scheduling.simulate",),
    "supply": ("supply.simulate",),
    "decisions": ("decisions.simulate",),
}
"""Where rules are checked; the first of each kind has the words."""


@pytest.mark.parametrize("kind", RULES)
def test_every_rule_that_can_be_broken_has_words(kind):
    modules = [import_module(f"kanopt.problems.{name}") for name in RULES[kind]]
    nodes = [node for each in modules for node in ast.walk(ast.parse(Path(each.__file__).read_text("utf-8")))]
    found = set()
    for node in nodes:
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Violation", "_violation"):
            found |= {each.value for each in node.args[:2] if isinstance(each, ast.Constant)}
    by_variable = {"distance", "duration", "supply", "lane capacity", "throughput", "storage"}
    told_one_by_one = {"constraint"}
    assert found - {"unserved"} - told_one_by_one <= set(modules[0].RULE_WORDS) <= found | by_variable


def test_rules_that_many_break_are_told_once_with_the_worst():
    vans = (replace(VAN, num_available=2, capacity=0.3),)
    late = tuple(replace(client, latest=485.0) for client in CLIENTS)
    result = evaluate(round_trip(late, *vans), [["a", "b", "c"], []])
    text = str(result)
    assert "3 clients are served after their windows close, the worst c by 25 min" in text
    assert "van 1 carries 1.2 t, 0.9 t more than its capacity of 0.3 t" in text
    assert text.startswith("routing: serves all 3 clients (1.2 t)\ninfeasible (given plan")


def test_plans_that_break_many_rules_are_cut_short():
    rules = [ko.decisions.at_least({"x": 1.0}, 1.0 + place, name=f"r{place}") for place in range(30)]
    cost = ko.parse_formula("x", ["x"], ko.Variable("cost", "EUR"))
    text = str(evaluate(ko.DecisionProblem({"x": (0.0, 90.0)}, cost, rules), {"x": 0.0}))
    assert text.startswith("decision: keeps 0 of 30 constraints; broken: r0, r1, r2, r3, r4 and 25 more")
    assert text.endswith("and 10 more rules")
    assert text.count("missed by") == 20


def test_one_place_that_breaks_a_rule_several_times_is_named():
    flows = [{"tail": "mill", "head": "south", "period": period, "quantity": 60.0} for period in ("1", "2")]
    text = str(evaluate(supply.small(), flows))
    assert "facility south receives 60 t" not in text
    assert "facility south passes on more than it can 2 times, at worst by 20 t" in text


def test_prizes_and_another_vehicle_have_a_price_each():
    clients = (replace(CLIENTS[0], prize=3.0), *CLIENTS[1:])
    problem = round_trip(clients)
    price = problem.assess(problem.plan_from([["b"]])).left_out_price
    assert price.paid == 3.0
    assert price.amount == price.more + 3.0
    assert price.text.startswith(
        "the prize of a, 3.00 EUR, is in the price; serving c too would cost 20.00 EUR more"
    )
    assert "with the vehicles there are" in price.text


def test_too_many_clients_are_not_inserted_one_by_one():
    matrix = np.ones((51, 51)) - np.eye(51)
    clients = [Client(f"c{place}", demand=1.0) for place in range(50)]
    problem = RoutingProblem(
        [Depot("depot")], clients, [VAN], cost={"toll": matrix}, duration=matrix, distance=matrix
    )
    price = problem.assess(problem.plan_from([])).left_out_price
    assert price.more is None
    assert "too many for cheapest insertion; plan again with more vehicles" in price.text


@pytest.mark.parametrize(
    ("unit", "told"), [("box", "3 boxes"), ("pallet", "3 pallets"), ("pallets", "3 pallets")]
)
def test_things_counted_stand_in_the_plural(unit, told):
    problem = RoutingProblem(
        [Depot("yard", 0, 0)], [Client("a", 3, 4, demand=1), Client("b", 0, 4, demand=2)],
        [VehicleType("van", capacity=5, fixed_cost=1.0)], {}, np.ones((3, 3)), units=RoutingUnits(load=unit),
    )  # fmt: skip
    assert str(evaluate(problem, [["a", "b"]])).startswith(f"routing: serves all 2 clients ({told})")
