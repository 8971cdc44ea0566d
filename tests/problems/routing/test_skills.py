"""Clients that not every vehicle may serve: what is refused, checked, said, and planned."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kanopt.problems import RoutingProblem
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing.ortools import OrToolsRouting
from kanopt.solvers.routing.solver import RoutingSearch
from tests.cases.routing import random_problem
from tests.cases.routing_brute_force import best_of_all_plans


def with_skills(seed: int, clients: int = 5) -> RoutingProblem:
    """A random problem in which two clients need a skill, and one may be served by the last type only."""
    given = random_problem(seed, clients=clients, optional=False)
    vehicles = [replace(vehicle, num_available=2) for vehicle in given.vehicles]
    vehicles[0] = replace(vehicles[0], skills="cooled, tail lift")
    served = list(given.clients)
    served[0] = replace(served[0], needs="cooled")
    served[1] = replace(served[1], needs="tail lift,cooled")
    served[2] = replace(served[2], vehicles=vehicles[-1].name)
    return replace(given, clients=served, vehicles=vehicles)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("engine", [OrToolsRouting(), RoutingSearch()], ids=["ortools", "search"])
def test_plans_are_the_best_of_all_that_keep_to_the_skills(seed: int, engine: OrToolsRouting) -> None:
    problem = with_skills(seed)
    outcome = engine.solve(problem, SolveOptions(time_limit=20.0, seed=seed))
    missed, best = best_of_all_plans(problem)
    assert sum(client.name in outcome.plan.unserved for client in problem.clients) == missed
    assert not [v for v in problem.check(outcome.plan).violations if v.constraint == "skill"]
    price = problem.price(outcome.plan, frozen=True).objective
    assert price == pytest.approx(best, abs=2 * outcome.rounding_bound + 1e-9)
