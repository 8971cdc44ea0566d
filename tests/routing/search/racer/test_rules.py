"""The kernel beside the referee: prices, broken rules and departures, rule by rule and law by law."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt import RoutingProblem
from kanopt.routing import Client, Depot, Route, RoutingPlan, VehicleType
from kanopt.routing.search.racer.plan_data import PlanData
from kanopt.routing.search.racer.search import RULES, RacerSearch
from kanopt.routing.simulate.referee import route_costs
from tests.cases.kernel_scores import RouteScore, score_plan
from tests.cases.law_search import CASES, exact_problem
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan
from tests.cases.refined import refine
from tests.cases.routing_brute_force import cheapest_that_holds
from tests.cases.routing_simulator import Best, best_of_all
from tests.cases.routing_variants import VARIANTS, optimum, some_routes, variant
from tests.cases.stop_laws import STOP_LAWS, with_stop_law

SINGLE = [name for name in VARIANTS if name != "mixed"]


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


@pytest.mark.parametrize("rule", SINGLE)
def test_a_departure_is_judged_by_price_and_check_of_the_problem(rule: str) -> None:
    assert sum(same_as_the_problem(variant(rule, seed), seed) for seed in range(4)) > 0


@pytest.mark.parametrize("law", LAWS)
def test_with_laws_of_every_kind_and_several_rules_too(law: str) -> None:
    problems = [replace(mixed_problem(seed, law), started=()) for seed in range(8)]
    assert sum(same_as_the_problem(problem, seed) for seed, problem in enumerate(problems)) > 0


@pytest.mark.parametrize("stops", STOP_LAWS)
def test_with_laws_of_stops_too(stops: str) -> None:
    cases = [variant(rule, 1) for rule in ("soft", "windows", "breaks", "reload", "overtime", "pickup")]
    assert sum(same_as_the_problem(with_stop_law(problem, stops, 1), 1) for problem in cases) > 0


# breaks that suit on some legs only, and routes that must leave late to be short enough
TIGHT = (143, 166, 1039, 1042, 1068, 1076, 1090)


@pytest.mark.parametrize("rule", VARIANTS)
def test_the_best_plan_there_is_is_found_whatever_the_rule(rule: str) -> None:
    for seed in (0, 1, *(TIGHT if rule == "mixed" else ())):
        _is_found(variant(rule, seed), seed, steps=6000, best=optimum(rule, seed))


@pytest.mark.parametrize("rule", ["overtime", "breaks", "reload", "soft"])
def test_the_best_plan_there_is_is_found_where_stops_take_longer_with_more_on_board(rule: str) -> None:
    problem = with_stop_law(variant(rule, 2), "load", 2)
    _is_found(problem, 2)


# a reload with curves and steps, which takes longest to enumerate, is held against price and check above
AT_HOURS = [
    (stops, rule)
    for stops in ("clock", "clock and load", "curves and steps")
    for rule in ("capacities", "pickup", "reload")
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


def agree(problem: RoutingProblem, plan: RoutingPlan, known: PlanData) -> bool:
    """Compare the two; return whether the plan keeps every rule."""
    assessed = problem.assess(plan)
    broken = {violation.constraint for violation in assessed.check.violations} - {"unserved"}
    price, found = score_plan(problem, plan, known)
    assert found == broken
    if "road" not in broken:
        assert price == pytest.approx(assessed.pricing.objective, rel=1e-11, abs=1e-9)
    return not broken


@pytest.mark.parametrize("rule", VARIANTS)
def test_every_rule_is_the_referees(rule: str) -> None:
    kept = []
    for seed in range(8):
        problem = variant(rule, seed, uneven=seed % 2 == 1)
        known = PlanData(problem)
        plans = [some_routes(problem, seed + k, stated=True) for k in range(3)]
        # of a single stop, so that tight rules are kept as well
        plans += [(Route("van", 1, "depot", ("c1",), leaves),) for leaves in (400.0, 425.0)]
        kept += [agree(problem, problem.plan_from(RoutingPlan(routes)), known) for routes in plans]
    assert 0 < sum(kept) < len(kept)


@pytest.mark.slow
@pytest.mark.parametrize("law", LAWS)
def test_every_law_is_the_referees_whatever_rules_there_are(law: str) -> None:
    kept = []
    for seed in range(15):
        problem = mixed_problem(seed, law)
        known = PlanData(problem)  # takes far longer than a plan
        kept += [agree(problem, random_plan(problem, 10 * seed + k), known) for k in range(4)]
    assert 0 < sum(kept) < len(kept)


@pytest.mark.slow
def test_random_plans_break_every_rule_there_is() -> None:
    seen: set[str] = set()
    for seed in range(50):
        problem = mixed_problem(seed, "matrices")
        known = PlanData(problem)
        seen |= set().union(
            *(score_plan(problem, random_plan(problem, 3 * seed + k), known)[1] for k in range(3))
        )
    assert seen == set(RULES)


def best_departures(problem: RoutingProblem, routes: list[tuple[int, list[int]]]) -> list[RouteScore]:
    """Score routes, each of a vehicle type, at the best departures that the racer finds."""
    known = PlanData(problem)
    search, kinds = RacerSearch(known), [kind for kind, _ in known.vehicles]
    return [RouteScore.of(search.depart(kinds.index(kind), way)) for kind, way in routes]


def as_route(problem: RoutingProblem, kind: int, way: list[int], leave: float | None) -> Route:
    data = problem.data
    name = data.vehicles[kind].name
    return Route(name, 1, data.depot_of[name], tuple(data.names[node] for node in way), leave)


@pytest.mark.parametrize("case", CASES)
def test_no_departure_of_many_is_better_and_the_problem_finds_one_as_good(case):
    problem, rng = exact_problem(case, 11, clients=5), np.random.default_rng(1)
    nodes = np.arange(len(problem.depots), len(problem.data.names))
    routes = [
        (int(rng.integers(2)), rng.permutation(nodes)[: rng.integers(1, len(nodes) + 1)].tolist())
        for _ in range(30)
    ]
    for (kind, way), score in zip(routes, best_departures(problem, routes), strict=True):
        if not np.isfinite(score.price):
            continue
        vehicle = problem.vehicles[kind]
        leaves = [score.departure, None, *np.linspace(vehicle.shift_start, vehicle.shift_end, 150).tolist()]
        tried = [as_route(problem, kind, way, leave) for leave in leaves]
        driven = problem.drive(tried)
        cost = route_costs(problem.leg_laws, tried, driven)
        late = np.bincount(driven.route, driven.begin > problem.data.latest[driven.head] + 1e-6, len(tried))
        cost[(late > 0) | (driven.finish > vehicle.shift_end + 1e-6)] = np.inf
        assert score.price == pytest.approx(cost[0], rel=1e-9)
        assert score.price <= cost.min() * (1 + 1e-4)
        assert score.price == pytest.approx(cost[1], rel=1e-3)


def test_a_leg_without_a_road_is_never_driven_and_a_load_that_a_check_lets_pass_is():
    minutes = np.array([[0.0, 10, 20], [10, 0, np.inf], [20, 12, 0]])
    clients, van = [Client("a", demand=0.1), Client("b", demand=0.2)], VehicleType("van", capacity=0.3)
    problem = RoutingProblem([Depot("depot")], clients, [van], {}, minutes, np.ones((3, 3)))
    there, back = best_departures(problem, [(0, [1, 2]), (0, [2, 1])])
    assert (there.price, back.price, back.broken) == (np.inf, 0.0, frozenset())
    heavy = replace(problem, clients=[clients[0], replace(clients[1], demand=0.21)])
    assert best_departures(heavy, [(0, [2, 1])])[0].broken == {"capacity"}
