"""Engines find the optimum of small problems with every rule of routing."""

from __future__ import annotations

import pytest

from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing.ortools import OrToolsRouting
from kanopt.solvers.routing.solver import RoutingSearch
from tests.cases.patience import found_soon
from tests.cases.routing import best_by_trying_all, random_problem
from tests.cases.routing_simulator import Simulator
from tests.cases.routing_variants import VARIANTS, optimum, variant


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize(
    ("engine", "seed"),
    [(RoutingSearch(), 1), (OrToolsRouting(), 0)],
    ids=["search-1", "ortools-0"],
)
def test_the_plan_is_the_best_of_all(engine: RoutingSearch | OrToolsRouting, name: str, seed: int) -> None:
    problem, best = variant(name, seed), optimum(name, seed)
    if engine.accepts(problem):
        pytest.skip("a rule that it does not model")
    options = SolveOptions(time_limit=3.0, seed=seed)
    if isinstance(engine, OrToolsRouting):
        outcome = found_soon(
            lambda: engine.solve(problem, options),
            lambda found: found.objective <= best.cost + 2 * found.rounding_bound + 1e-6,
        )
    else:  # with more patience its second engine begins elsewhere, and the search is another
        outcome = engine.solve(problem, options)
    check = problem.check(outcome.plan)
    assert check.ok or check.only_unserved
    assert Simulator(problem).faults(outcome.plan) <= {"unserved"}
    missed = sum(client.mandatory and client.name in outcome.plan.unserved for client in problem.clients)
    assert missed == best.missed
    close = 2 * outcome.rounding_bound + 1e-6
    assert outcome.objective == pytest.approx(best.cost, abs=close)
    assert problem.price(outcome.plan).objective == pytest.approx(best.cost, abs=close)


@pytest.mark.parametrize("seed", range(6))
def test_random_problems_are_solved_by_ortools_as_by_trying_everything(seed: int) -> None:
    problem, engine = (
        random_problem(seed, clients=4 if seed < 5 else 5, rates=seed % 2 == 0),
        OrToolsRouting(),
    )
    missed, best = best_by_trying_all(problem)
    outcome = found_soon(
        lambda: engine.solve(problem, SolveOptions(time_limit=20.0, seed=seed)),
        lambda found: problem.price(found.plan, frozen=True).objective <= best + 2 * found.rounding_bound,
    )
    left = [c.name for c in problem.clients if c.mandatory and c.name in outcome.plan.unserved]
    assert len(left) == missed
    price = problem.price(outcome.plan, frozen=True).objective
    assert price == pytest.approx(best, abs=2 * outcome.rounding_bound)
    assert abs(outcome.objective - price) <= outcome.rounding_bound
    assert (outcome.bound, problem.assess(outcome.plan).status) == (None, outcome.status)
    assert "ended by itself" in outcome.message
