"""Part of a problem: the same routes cost the same and break the same rules as in the whole."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from kanopt.problems.routing import Route, RoutingProblem
from kanopt.problems.routing.problem_part import part_of_problem
from kanopt.solvers.routing.racer.plan_data import served_together
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan
from tests.cases.routing_variants import VARIANTS, some_routes, variant


def compare(problem: RoutingProblem, routes: tuple[Route, ...], rng: np.random.Generator) -> None:
    """Compare some of the routes as a part with the same routes alone in the whole."""
    data = problem.data
    every = [(kind.name, number) for kind in problem.vehicles for number in range(1, kind.num_available + 1)]
    vehicles = {every[place] for place in rng.permutation(len(every))[: (len(every) + 1) // 2]}
    together = [{data.names[node] for node in nodes} for nodes in served_together(data)]
    clients: set[str] = set()
    for _ in routes:
        # pinned clients come with their vehicle, vehicles with their clients, and clients with their group
        vehicles |= {data.pinned[name] for name in clients if name in data.pinned}
        kept = [route for route in routes if (route.vehicle, route.index) in vehicles]
        met = {name for route in kept for name in route.clients}
        clients = set().union(*(names for names in together if names & met)) - {
            depot.name for depot in data.depots
        }
    part = part_of_problem(problem, clients, vehicles)
    inside = part.inside(routes)
    assert sum(vehicle.num_available for vehicle in part.problem.vehicles) == len(vehicles)
    assert {client.name for client in part.problem.clients} == clients
    assert sorted(part.outside(inside), key=str) == sorted(kept, key=str)
    mine, whole = part.problem.plan_from(inside), problem.plan_from(list(kept))
    broken = {each.constraint for each in problem.check(whole).violations} - {"unserved"}
    assert {each.constraint for each in part.problem.check(mine).violations} - {"unserved"} == broken
    ours, theirs = part.problem.price(mine).terms(), problem.price(whole).terms()
    for term in theirs.index.difference(["missed prizes"]):
        assert math.isclose(ours.get(term, 0.0), theirs[term], rel_tol=1e-9, abs_tol=1e-9)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", VARIANTS)
def test_of_every_rule(name: str, seed: int) -> None:
    problem = variant(name, seed)
    compare(problem, some_routes(problem, seed, stated=True), np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("law", LAWS)
def test_of_every_kind_of_law(law: str, seed: int) -> None:
    problem = replace(mixed_problem(seed, law), started=())
    compare(problem, random_plan(problem, seed).routes, np.random.default_rng(seed))
