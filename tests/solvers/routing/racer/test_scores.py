"""The racer beside the referee: prices and broken rules of random plans, rule by rule and law by law."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kanopt.problems import Route, RoutingProblem
from kanopt.problems.routing import RoutingPlan
from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.search import RULES
from tests.cases.kernel_scores import score_plan
from tests.cases.law_search import CASES, exact_problem
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan
from tests.cases.routing_variants import VARIANTS, some_routes, variant


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


def test_a_window_missed_before_a_leg_without_a_road_is_told_of_a_driver_with_breaks_too() -> None:
    problem = mixed_problem(344, "arrivals")
    plan = RoutingPlan((Route("van", 1, "depot", ("c3", "c2", "c1"), 440.0),))
    assert {"road", "time window"} <= score_plan(problem, plan)[1]
    assert not agree(problem, problem.plan_from(plan), PlanData(problem))


@pytest.mark.parametrize("case", CASES)
def test_laws_of_two_vehicle_types_and_depots(case: str) -> None:
    problem = exact_problem(case, 1)
    known, data = PlanData(problem), problem.data
    names = [client.name for client in problem.clients]
    for place in range(len(names)):
        for vehicle in ("van 1", "truck 1"):
            plan = problem.plan_from({vehicle: names[place:] + names[: place // 2]})
            for leaves in (data.vehicles[0].shift_start, 450.0, 530.0):
                routes = tuple(replace(route, departure=leaves) for route in plan.routes)
                agree(problem, problem.plan_from(RoutingPlan(routes)), known)


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
