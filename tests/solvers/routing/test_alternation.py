"""The price of the load on board in OR-Tools' own model, and rounds of engines that follow the plan."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from kanopt.solvers.routing.alternation import Alternation
from kanopt.solvers.routing.law_routing import LawRouting
from kanopt.solvers.routing.ortools_engine.solver import OrToolsRouting
from kanopt.solvers.routing.portfolio import RoutingPortfolio

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.refs import arc, clock, state
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.routing import law_routing
from kanopt.solvers.routing.integers import lower
from kanopt.solvers.solve import solve
from tests.cases.routing_simulator import best_of_all
from tests.cases.routing_variants import some_routes, variant

KM, LOAD, HOUR = Variable("km", "km"), Variable("load", "t"), Variable("hour", "h")
LINE = parse_formula("0.3 * km * (1 + 0.5 * load)", [KM, LOAD], Variable("c", "EUR"))
NATIVE = ("capacities", "pickup", "backhaul", "source", "reload", "open", "soft")
BEYOND = ("reload", "source", "breaks", "pinned", "longest")


def by_load(name: str, seed: int) -> RoutingProblem:
    """A small problem with a rule in which fuel grows with the load on board."""
    return replace(
        variant(name, seed, uneven=seed % 2 > 0), cost={"fuel": LINE.bind(km=arc.distance, load=state.load)}
    )


@pytest.mark.parametrize("name", [*NATIVE, "mixed"])
def test_the_integers_price_the_load_as_the_law_does(name: str) -> None:
    compared = 0
    for seed in range(6):
        problem = by_load(name, seed)
        integers = lower(problem, seed, loaded=True)
        for trial in range(4):
            plan = problem.plan_from(list(some_routes(problem, 10 * seed + trial)))
            if not (problem.check(plan).ok or problem.check(plan).only_unserved):
                continue
            ways = integers.node_routes(plan)
            if any(each is None for each, way in zip(integers.times(ways), ways, strict=True) if way):
                continue
            again = integers.plan(ways)
            counted = integers.money.to_float(integers.objective(ways))
            assert counted == pytest.approx(problem.price(again).objective, rel=1e-5, abs=1e-3)
            compared += 1
    assert compared > 0


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("name", NATIVE)
def test_ortools_finds_the_best_plan_for_the_load_on_board(name: str, seed: int) -> None:
    problem = by_load(name, seed)
    best = best_of_all(problem)
    first = RoutingPortfolio().solve(problem, SolveOptions(time_limit=1.0, seed=seed))
    outcome = OrToolsRouting(loaded=True).solve(
        problem, SolveOptions(time_limit=3.0, seed=seed, initial=first.plan)
    )
    broken, missed, _, price = problem.assess(outcome.plan).rank
    assert (broken, missed) == (False, best.missed)
    assert price == pytest.approx(best.cost, rel=1e-6)
    integers = lower(problem, seed, loaded=True)
    counted = integers.objective(integers.node_routes(outcome.plan))
    assert integers.money.to_float(counted) == pytest.approx(price, rel=1e-5)


def test_the_certificate_of_the_priced_load_compares_like_with_like() -> None:
    problem = by_load("capacities", 0)
    result = solve(problem, solver=OrToolsRouting(loaded=True), time_limit=0.5)
    assert result.certificate.holds
    assert result.certificate.solver_objective == pytest.approx(result.certificate.frozen_objective)
    (saw,) = result.certificate.solver_view
    assert saw.startswith("fuel: ")
    assert "straight line" in saw
    # where nothing reads the load, only rounding is between
    assert (
        OrToolsRouting(loaded=True).solve(variant("capacities", 0), SolveOptions(time_limit=0.2)).solver_view
        == ()
    )


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("name", BEYOND)
def test_rules_beyond_pyvrp_are_searched_on_the_law(name: str, seed: int) -> None:
    problem = by_load(name, seed)
    best = best_of_all(problem)
    outcome = LawRouting().solve(problem, SolveOptions(time_limit=3.0, seed=seed))
    assert problem.assess(outcome.plan).rank.unserved == best.missed
    assert problem.price(outcome.plan).objective == pytest.approx(best.cost, rel=1e-6)
    assert outcome.engines[-1].name == "search on the law"


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("name", BEYOND[:2])
def test_without_a_kernel_engines_plan_with_the_load(
    name: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(law_routing, "why_no_kernel", lambda: "no C compiler")
    problem = by_load(name, seed)
    best = best_of_all(problem)
    outcome = LawRouting().solve(problem, SolveOptions(time_limit=4.0, seed=seed))
    assert problem.assess(outcome.plan).rank.unserved == best.missed
    assert problem.price(outcome.plan).objective == pytest.approx(best.cost, rel=1e-6)
    assert outcome.engines[-1].name == "engines with load and clock of the plan"
    assert "no search on the law: no C compiler" in outcome.solver_view[0]


def two_hours(clients: int = 3, breaks: str = "20 in 8:00-12:00") -> RoutingProblem:
    """A van on a road that is slow in the morning, with a break."""
    rng = np.random.default_rng(4)
    km = rng.uniform(5, 20, (clients + 1, clients + 1))
    np.fill_diagonal(km, 0.0)
    law = parse_formula("2 * km * (1 + exp(-(hour - 8)^2))", [KM, HOUR], Variable("t", "min"))
    return RoutingProblem(
        [Depot("depot")],
        [Client(f"c{place}", demand=1.0, service_duration=5.0) for place in range(clients)],
        [VehicleType("van", 2, capacity=5.0, unit_duration_cost=1.0, shift_start=420, breaks=breaks)],
        {},
        law.bind(km=arc.distance, hour=clock.hour),
        km,
    )


def test_a_plan_is_planned_again_at_its_own_loads_and_times() -> None:
    problem = two_hours()
    plan = problem.plan_from([["c0", "c2", "c1"]])
    again = problem.with_planning_from(plan)
    assert again.price(plan, frozen=True).objective == pytest.approx(problem.price(plan).objective)
    assert problem.price(plan, frozen=True).objective != pytest.approx(problem.price(plan).objective)
    # the problem itself plans as before
    assert problem.planning_values is not again.planning_values
    assert (again.planning_values.durations[0, 1, 3] != problem.planning_values.durations[0, 1, 3]).all()


def test_rounds_never_make_a_plan_worse_and_end_by_themselves() -> None:
    problem = two_hours(breaks="")
    first = problem.plan_from([["c0"], ["c2", "c1"]])
    options = SolveOptions(time_limit=20.0)
    told = []
    search = Alternation([OrToolsRouting()], problem, first, options, told.append)
    best = search.run(lambda: False)
    assert problem.assess(best).rank <= problem.assess(first).rank
    assert len(told) == len(search.history)
    assert search.steps == len(told) + 1
    assert search.ended


def test_rounds_stop_when_asked() -> None:
    problem = two_hours(breaks="")
    first = problem.plan_from([["c0"], ["c2", "c1"]])
    search = Alternation([OrToolsRouting()], problem, first, SolveOptions(time_limit=2.0), lambda _: None)
    assert search.run(lambda: True) is first
    assert search.steps == 0

    def enough(_: object) -> None:
        raise KeyboardInterrupt

    search = Alternation([OrToolsRouting()], problem, first, SolveOptions(time_limit=2.0), enough)
    search.run(lambda: False)
    assert search.stopped
    assert len(search.history) == 1
