"""First plans by savings keep every rule, and may leave clients out but not serve them twice."""

from __future__ import annotations

import pytest

from kanopt.solvers.routing.savings_start import savings_plan
from tests.cases.routing_variants import VARIANTS, variant


@pytest.mark.parametrize("name", VARIANTS)
def test_plans_keep_every_rule_of_the_referee(name: str) -> None:
    for seed in range(4):
        problem = variant(name, seed)
        plan = savings_plan(problem, lambda: False)
        check = problem.check(plan)
        assert check.ok or check.only_unserved, (name, seed, check.violations)
        visited = [client for route in plan.routes for client in route.clients if client != route.depot]
        assert len(visited) == len(set(visited))


def test_a_search_that_is_over_ends_with_a_plan_that_holds() -> None:
    problem = variant(next(iter(VARIANTS)), 0)
    check = problem.check(savings_plan(problem, lambda: True))
    assert check.ok or check.only_unserved
