"""Rules that few problems have, as the search on the law scores them: like the price and the check of the problem."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from kanopt.errors import SolverError
from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Route, RoutingProblem
from kanopt.refs import client, clock, vehicle
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing.law_routing import LawRouting
from kanopt.solvers.routing.law_search import RouteScorer, refine
from kanopt.solvers.routing.law_search.rules import unsupported_rules
from tests.cases.law_search import exact_problem
from tests.cases.routing_variants import variant

KNOWN = (
    "capacities", "windows", "soft", "service_law", "open", "max_distance", "max_duration", "overtime", "pickup",
    "backhaul", "goods",
)  # fmt: skip
UNKNOWN = ("source", "reload", "breaks", "pinned", "longest")
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
        people = [replace(c, latest=c.earliest + 15.0, cost_per_lateness=0.3) for c in people]
    elif rule == "learned lateness":
        people = [replace(c, latest=c.earliest + 15.0, cost_per_lateness=0.0) for c in people]
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
        fleet = [replace(v, regular_time=80.0, cost_per_overtime=0.7) for v in fleet]
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
    """Compare scores with prices and checks; return how many of the routes are possible."""
    scorer, data = RouteScorer(problem), problem.data
    rng = np.random.default_rng(seed)
    nodes = np.arange(len(data.depots), len(data.names))
    routes = [
        (
            int(rng.integers(len(data.vehicles))),
            rng.permutation(nodes)[: rng.integers(1, len(nodes) + 1)].tolist(),
        )
        for _ in range(12)
    ]
    scores = scorer.score_routes(routes)
    for place, (kind, way) in enumerate(routes):
        name = data.vehicles[kind].name
        stops = tuple(data.names[node] for node in way)
        route = Route(name, 1, data.depot_of[name], stops, float(scores.departure[place]))
        plan = problem.plan_from([route])
        broken = {violation.constraint for violation in problem.check(plan).violations} - {"unserved"}
        assert scores.ok[place] == (not broken), (broken, scores.select(place))
        missed = sum(c.prize or 0.0 for c in problem.clients if c.name not in stops)
        if "skill" not in broken:
            price = problem.price(plan).objective - missed
            assert scores.price[place] == pytest.approx(price, rel=1e-9, abs=1e-9)
        # no other departure is better
        if scores.ok[place] and place < 4:
            leaves = np.linspace(
                data.vehicles[kind].shift_start, min(data.vehicles[kind].shift_end, 1440), 12
            )
            for leave in (*leaves.tolist(), None):
                other = problem.plan_from([replace(route, departure=leave)])
                if {violation.constraint for violation in problem.check(other).violations} <= {"unserved"}:
                    least = scores.price[place] * (1 - 2e-4) - 1e-6
                    assert problem.price(other).objective - missed >= least
    return int(scores.ok.sum())


@pytest.mark.parametrize("rule", KNOWN)
def test_a_score_is_the_price_and_the_check_of_the_problem(rule: str) -> None:
    assert sum(same_as_the_problem(variant(rule, seed), seed) for seed in range(6)) > 0


@pytest.mark.parametrize("rule", [*KNOWN, "learned lateness"])
@pytest.mark.parametrize("case", LAWS)
def test_with_laws_of_load_and_clock_too(case: str, rule: str) -> None:
    assert sum(same_as_the_problem(ruled(case, [rule], seed), seed) for seed in range(2)) > 0


@pytest.mark.parametrize("rules", TOGETHER, ids=" ".join)
@pytest.mark.parametrize("case", LAWS)
def test_with_several_rules_at_once(case: str, rules: tuple[str, ...]) -> None:
    assert same_as_the_problem(ruled(case, rules, 1), 1) > 0


@pytest.mark.parametrize("rule", UNKNOWN)
def test_what_is_not_known_is_told(rule: str) -> None:
    problem = variant(rule, 0)
    assert unsupported_rules(problem)
    with pytest.raises(SolverError, match="does not know"):
        refine(problem, None, steps=1)


@pytest.mark.parametrize("rule", ["soft", "learned lateness", "windows", "open", "pickup"])
def test_plans_found_on_the_law_keep_the_rules(rule: str) -> None:
    problem = ruled("load and clock", [rule], 2)
    outcome = LawRouting().solve(problem, SolveOptions(time_limit=2.0, seed=0))
    check = problem.check(outcome.plan)
    assert check.ok or check.only_unserved
