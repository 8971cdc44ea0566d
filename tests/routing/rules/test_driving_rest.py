"""Rests after driving: what they mean, by a slow simulator and by trying every plan, and who models them."""

from __future__ import annotations

import numpy as np
import pytest

import kanopt as ko
from kanopt import RoutingProblem
from kanopt.engines.base import SolveOptions
from kanopt.errors import SolverError
from kanopt.routing import Route
from kanopt.routing.search.ortools import OrToolsRouting
from kanopt.routing.search.solver import RoutingSearch
from tests.cases.refined import refine
from tests.cases.routing_simulator import best_of_all
from tests.cases.routing_variants import plain, rest, some_routes
from tests.routing.simulate.test_variants import compare, line

LONG = {"max_driving": 20.0, "rest_duration": 7.0}


def resting(seed: int) -> RoutingProblem:
    """A town of four or five clients, some of them with windows, whose drivers rest."""
    town, rng = plain(seed), np.random.default_rng(seed)
    rest(town, rng)
    for each in town.clients[:3]:
        opens = float(rng.integers(400, 440))
        each |= {"earliest": opens, "latest": opens + float(rng.integers(20, 60))}
    for each in town.vehicles:
        each |= {"shift_end": 500.0, "unit_duration_cost": 0.25}
    return town.problem()


@pytest.mark.parametrize(
    ("stops", "fields", "arrive", "finish"),
    [
        (["a"], LONG, [10.0, 20.0], 20.0),  # 20 minutes there and back, and no more driving: no rest
        (["b"], LONG, [20.0, 47.0], 47.0),  # due on arrival, taken before driving on
        (["c"], LONG, [37.0, 74.0], 74.0),  # on the road, 20 and 40 minutes after leaving
        (["c"], {**LONG, "max_driving": 7.0}, [58.0, 116.0], 116.0),  # several rests on one leg
        (["a"], {}, [10.0, 20.0], 20.0),
    ],
)
def test_who_is_long_at_the_wheel_rests_before_driving_on(stops, fields, arrive, finish) -> None:
    problem = line([{}, {}, {}], fields)
    driven = problem.drive([Route("van", 1, "depot", tuple(stops), 0.0)])
    assert driven.arrive.tolist() == pytest.approx(arrive)
    assert driven.finish.tolist() == pytest.approx([finish])


@pytest.mark.parametrize("seed", range(8))
def test_random_plans_are_driven_as_a_slow_simulator_does(seed: int) -> None:
    problem = resting(seed)
    for number in range(6):
        routes = some_routes(problem, 50 * seed + number, stated=number % 2 == 0)
        compare(problem, problem.plan_from(routes))


@pytest.mark.parametrize("seed", range(8))
def test_the_search_finds_the_best_of_all_plans_of_five_clients(seed: int) -> None:
    problem = resting(seed)
    best = best_of_all(problem)
    found = problem.assess(refine(problem, steps=3000, seed=seed))
    assert found.rank.unserved == best.missed
    assert found.pricing.objective == pytest.approx(best.cost)
    assert found.check.ok or found.check.only_unserved


def test_engines_that_do_not_model_it_say_so_before_the_search() -> None:
    problem = resting(3)
    assert OrToolsRouting().accepts(problem) == "does not model rests after driving"
    with pytest.raises(SolverError, match="rests after driving"):
        ko.solve(problem, time_limit=1.0, solver=OrToolsRouting())
    assert RoutingSearch().accepts(problem) == ""
    outcome = RoutingSearch().solve(problem, SolveOptions(time_limit=1.0))
    assert "start only: does not model rests after driving" in outcome.engines[0].message
    assert problem.check(outcome.plan).ok or problem.check(outcome.plan).only_unserved
