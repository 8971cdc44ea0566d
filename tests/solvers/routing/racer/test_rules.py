"""Rules that few problems have, as the racer searches with them: by the price and the check of the problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Route, RoutingProblem
from kanopt.refs import client, clock, vehicle
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.refine import refine
from kanopt.solvers.routing.racer.search import RacerSearch
from kanopt.solvers.routing.solver import RoutingSearch
from tests.cases.law_search import exact_problem
from tests.cases.mixed_routing import mixed_problem, random_plan
from tests.cases.routing_brute_force import cheapest_that_holds
from tests.cases.routing_simulator import Best, best_of_all
from tests.cases.routing_variants import optimum, variant
from tests.cases.stop_laws import STOP_LAWS, with_stop_law

RULES = (
    "capacities", "windows", "soft", "service_law", "open", "max_distance", "max_duration", "overtime", "pickup",
    "backhaul", "goods", "source", "reload", "breaks", "pinned", "longest", "end", "release",
)  # fmt: skip
LAWFUL = RULES[:11]
LAWS = ("load and clock", "arrivals")
TOGETHER = (
    ("soft", "capacities", "overtime", "pickup"),
    ("windows", "pickup", "max_duration"),
    ("open", "goods", "overtime", "soft"),
    ("backhaul", "max_distance", "service_law", "overtime"),
    ("windows", "overtime", "open", "capacities"),
)


def ruled(case: str, rules: Sequence[str], seed: int) -> RoutingProblem:
    """Return a problem whose laws read load or clock, with some rules."""
    problem, rng = exact_problem(case, seed, clients=5), np.random.default_rng(seed)
    for rule in rules:
        problem = with_rule(problem, rule, rng)
    return problem


def with_rule(problem: RoutingProblem, rule: str, rng: np.random.Generator) -> RoutingProblem:
    """Return a problem with one rule more."""
    people, fleet, policy = list(problem.clients), list(problem.vehicles), problem.policy
    cost = dict(problem.cost)
    if rule == "windows":
        people = [
            replace(
                c,
                windows=f"{c.earliest}-{c.earliest + 20}, {c.earliest + 60}-{c.latest + 60}",
                earliest=0.0,
                latest=np.inf,
            )
            for c in people
        ]
    elif rule == "soft":
        people = [replace(c, latest=c.earliest + 15.0, unit_lateness_cost=0.3) for c in people]
    elif rule == "learned lateness":
        people = [replace(c, latest=c.earliest + 15.0, unit_lateness_cost=0.0) for c in people]
        law = parse_formula(
            "0.02 * late^2 * (1 + demand)",
            [Variable("late", "min"), Variable("demand", "t")],
            Variable("c", "EUR"),
        )
        cost["late"] = law.bind(late=clock.late, demand=client.demand)
    elif rule == "service_law":
        law = parse_formula(
            "3 + 5 * demand / room",
            [Variable("demand", "t"), Variable("room", "t")],
            Variable("minutes", "min"),
        )
        policy = replace(policy, service=law.bind(demand=client.demand, room=vehicle.capacity))
    elif rule == "open":
        fleet = [replace(fleet[0], returns=False), fleet[1]]
    elif rule == "max_distance":
        fleet = [replace(v, max_distance=60.0) for v in fleet]
    elif rule == "max_duration":
        fleet = [replace(v, max_duration=150.0) for v in fleet]
    elif rule == "overtime":
        fleet = [replace(v, shift_duration=80.0, unit_overtime_cost=0.7) for v in fleet]
    elif rule in ("pickup", "backhaul"):
        people = [replace(c, pickup=float(rng.uniform(0.0, 0.8)) * (i % 2)) for i, c in enumerate(people)]
        people[1] = replace(people[1], demand=0.0)
        policy = replace(policy, backhaul=rule == "backhaul")
    elif rule == "goods":
        people = [replace(c, goods=("food", "paint", "")[i % 3]) for i, c in enumerate(people)]
        policy = replace(policy, apart=(("food", "paint"),))
    elif rule == "capacities":
        people = [replace(c, attributes={"pallets": float(i % 3)}) for i, c in enumerate(people)]
        fleet = [replace(v, attributes={**v.attributes, "pallets": 3.0}) for v in fleet]
        policy = replace(policy, capacities=("pallets",))
    return replace(problem, clients=people, vehicles=fleet, policy=policy, cost=cost)


def same_as_the_problem(problem: RoutingProblem, seed: int) -> int:
    """Compare the best departures found with prices and checks; return how many of the routes are possible."""
    known, data = PlanData(problem), problem.data
    search, rng = RacerSearch(known), np.random.default_rng(seed)
    nodes = np.arange(len(data.depots), len(data.names))
    possible = 0
    for place in range(12):
        slot = int(rng.integers(len(known.vehicles)))
        kind, number = known.vehicles[slot]
        way = rng.permutation(nodes)[: rng.integers(1, len(nodes) + 1)].tolist()
        score = search.depart(slot, way)
        if not np.isfinite(score.price):
            continue
        possible += 1
        name = data.vehicles[kind].name
        stops = tuple(data.names[node] for node in way)
        route = Route(name, number, data.depot_of[name], stops, score.departure)
        plan = problem.plan_from([route])
        assert {violation.constraint for violation in problem.check(plan).violations} <= {"unserved"}
        missed = sum(c.prize or 0.0 for c in problem.clients if c.name not in stops)
        longest = data.policy.longest_route_cost * (score.finish - score.departure)
        price = problem.price(plan).objective - missed
        assert score.price + longest == pytest.approx(price, rel=1e-9, abs=1e-9)
        # no other departure is better, but for breaks, of which the search knows where they are taken soonest
        if place < 4 and not any(data.breaks) and not longest:
            last = min(data.vehicles[kind].shift_end, 1440.0)
            leaves = (*np.linspace(data.vehicles[kind].shift_start, last, 12).tolist(), None)
            others = [replace(route, departure=leave) for leave in leaves]
            assert cheapest_that_holds(problem, others) >= score.price * (1 - 2e-4) - 1e-6
    return possible


@pytest.mark.parametrize("rule", RULES)
def test_a_departure_is_judged_by_price_and_check_of_the_problem(rule: str) -> None:
    assert sum(same_as_the_problem(variant(rule, seed), seed) for seed in range(6)) > 0


@pytest.mark.parametrize("rule", [*LAWFUL, "learned lateness"])
@pytest.mark.parametrize("case", LAWS)
def test_with_laws_of_load_and_clock_too(case: str, rule: str) -> None:
    assert sum(same_as_the_problem(ruled(case, [rule], seed), seed) for seed in range(2)) > 0


@pytest.mark.parametrize("stops", STOP_LAWS)
def test_with_laws_of_stops_too(stops: str) -> None:
    cases = [variant(rule, 1) for rule in ("soft", "windows", "breaks", "reload")]
    cases += [ruled("load and clock", [rule], 1) for rule in ("overtime", "pickup")]
    assert sum(same_as_the_problem(with_stop_law(problem, stops, 1), 1) for problem in cases) > 0


@pytest.mark.parametrize("rules", TOGETHER, ids=" ".join)
@pytest.mark.parametrize("case", LAWS)
def test_with_several_rules_at_once(case: str, rules: tuple[str, ...]) -> None:
    assert same_as_the_problem(ruled(case, rules, 1), 1) > 0


# breaks that suit on some legs only, and routes that must leave late to be short enough
TIGHT = (143, 166, 1039, 1042, 1068, 1076, 1090)


@pytest.mark.parametrize("rule", [*RULES, "mixed"])
def test_the_best_plan_there_is_is_found_whatever_the_rule(rule: str) -> None:
    for seed in (0, 1, 2, *(TIGHT if rule == "mixed" else ())):
        _is_found(variant(rule, seed), seed, steps=6000, best=optimum(rule, seed))


@pytest.mark.parametrize("rule", ["capacities", "overtime", "pickup", "breaks", "reload", "soft", "open"])
def test_the_best_plan_there_is_is_found_where_stops_take_longer_with_more_on_board(rule: str) -> None:
    problem = with_stop_law(variant(rule, 2), "load", 2)
    _is_found(problem, 2)


# a reload with curves and steps, which takes longest to enumerate, is held against price and check above
AT_HOURS = [
    (stops, rule)
    for stops in ("clock", "clock and load", "curves and steps")
    for rule in ("capacities", "max_distance", "pickup", "reload", "open", "goods")
    if (stops, rule) != ("curves and steps", "reload")
]


@pytest.mark.parametrize(("stops", "rule"), AT_HOURS)
def test_the_best_plan_there_is_is_found_where_the_hour_says_how_long_stops_take(
    stops: str, rule: str
) -> None:
    given = with_stop_law(variant(rule, 3), stops, 3)
    # where time costs nothing, the earliest departure is as good as any, which the simulator need not look for
    free = [replace(each, unit_duration_cost=0.0, shift_end=500.0) for each in given.vehicles]
    _is_found(replace(given, vehicles=free), 3, steps=20_000)


def _is_found(problem: RoutingProblem, seed: int, steps: int = 3000, best: Best | None = None) -> None:
    best, plan = best or best_of_all(problem), refine(problem, steps=steps, seed=seed)
    check = problem.check(plan)
    assert check.ok or check.only_unserved
    must = {client.name for client in problem.clients if client.mandatory}
    assert len(must & set(plan.unserved)) == best.missed
    assert problem.price(plan).objective == pytest.approx(best.cost, rel=1e-6)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_rules_and_laws_there_are_plans_keep_the_rules_and_cost_what_the_search_says(
    seed: int,
) -> None:
    problem = replace(mixed_problem(seed), started=())  # routes under way need not be possible
    search = RacerSearch(PlanData(problem), seed)
    search.begin(random_plan(problem, seed))
    for heat in (3.0, 1.0, 0.1):
        search.take_steps(150, heat)
    plan, report = search.best_plan(), search.report
    check = problem.check(plan)
    assert check.ok or check.only_unserved
    missed = sum(client.mandatory for client in problem.clients if client.name in plan.unserved)
    assert missed == report.best_missed
    price = problem.price(plan).objective + missed * search.plan_data.missed
    assert price == pytest.approx(report.best_price, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize("rule", ["soft", "learned lateness", "windows", "open", "pickup"])
def test_plans_found_on_the_law_keep_the_rules(rule: str) -> None:
    problem = ruled("load and clock", [rule], 2)
    outcome = RoutingSearch().solve(problem, SolveOptions(time_limit=2.0, seed=0))
    check = problem.check(outcome.plan)
    assert check.ok or check.only_unserved
