"""The search on the law in parts: plans that keep every rule and only get better, whatever rules and laws there are."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import pytest
from kanopt.solvers.routing.savings_start import savings_plan
from tests.solvers.routing.test_savings_start import town

import kanopt as ko
from kanopt.problems import Progress
from kanopt.problems.routing import RoutingPlan
from kanopt.solvers.base import SolveOptions
from kanopt.solvers.clock import WorkClock
from kanopt.solvers.compiled.library import why_no_kernel
from kanopt.solvers.routing import parts_run
from kanopt.solvers.routing.integers import lower
from kanopt.solvers.routing.parts_run import PartsRun
from kanopt.solvers.routing.racer.annealing import StoppingCriteria
from kanopt.solvers.routing.racer.refine import RacerRun
from kanopt.solvers.solve import search_and_assess
from tests.cases.mixed_routing import LAWS, mixed_problem
from tests.cases.routing_variants import VARIANTS, plain, variant

pytestmark = pytest.mark.skipif(bool(why_no_kernel()), reason="no compiled search on the law")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_run, "_CLIENTS", 12)
    monkeypatch.setattr(parts_run, "_SECONDS", 0.2)
    monkeypatch.setattr("kanopt.solvers.routing.law_routing.LARGE", 3)


def parts_on_law(
    problem: ko.RoutingProblem, plan: RoutingPlan, progress: Callable[[Progress], None] | None = None
) -> PartsRun:
    """Return a search of parts on the law that counts work."""
    clock = WorkClock()

    def search_part(
        part: ko.RoutingProblem, start: RoutingPlan, seed: int, limits: StoppingCriteria
    ) -> tuple[RoutingPlan, int]:
        run = RacerRun(part, start, seed, None, clock)
        return run.run(limits), run.steps

    return PartsRun(problem, plan, 3, progress, clock, search_part)


@pytest.mark.parametrize("reloads", [0, 1])
def test_every_step_of_progress_is_the_price_of_a_plan(reloads: int) -> None:
    problem = town(1, reloads=reloads, windows=True)
    integers = lower(problem)
    first = integers.plan(savings_plan(integers, lambda: False))
    seen = []
    run = parts_on_law(problem, first, lambda step: seen.append(step.objective))
    plan = run.run(StoppingCriteria(2.0, None, lambda: False))
    assert problem.check(plan).ok
    assert run.parts > 5
    assert seen == sorted(seen, reverse=True)
    assert math.isclose(seen[-1], problem.price(plan).objective, rel_tol=1e-9)
    assert seen[-1] < problem.price(first).objective


def test_clients_left_out_are_put_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_run, "_CLIENTS", 25)
    problem = town(4)
    integers = lower(problem)
    half = [route[::2] for route in savings_plan(integers, lambda: False)]
    run = parts_on_law(problem, integers.plan(half))
    assert problem.check(run.run(StoppingCriteria(2.0, None, lambda: False))).ok


def test_the_limit_of_work_is_kept_and_the_same_seed_gives_the_same_plan() -> None:
    problem = town(2)
    plans = []
    for _ in range(2):
        run = parts_on_law(problem, RoutingPlan(()))
        plans.append(run.run(StoppingCriteria(1.5, None, lambda: False)))
        assert 1.2 <= run.clock.now() <= 1.6
    assert plans[0] == plans[1]


def test_asked_to_stop_it_returns_the_plan_so_far() -> None:
    problem = town(2)

    def stop(step: object) -> None:
        raise KeyboardInterrupt

    run = parts_on_law(problem, RoutingPlan(()), stop)
    plan = run.run(StoppingCriteria(60.0, None, lambda: False))
    assert run.stopped
    assert run.parts == 1
    assert problem.check(plan).only_unserved


@pytest.mark.parametrize("name", [name for name in VARIANTS if name not in ("longest", "mixed")])
def test_problems_of_every_rule_are_solved_from_savings_in_parts(name: str) -> None:
    problem = variant(name, 2)
    result = ko.solve(problem, time_limit=0.3, deterministic=True)
    assert result.check.ok or result.check.only_unserved
    assert [run.name for run in result.engines] == ["savings", "search on the law"]
    assert result.objective is not None
    assert math.isclose(result.objective, problem.price(result.plan).objective, rel_tol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_problems_of_every_kind_of_law_are_solved_from_savings_in_parts(law: str) -> None:
    drawn = mixed_problem(1, law)
    # a price of the longest route ties all parts together
    problem = replace(drawn, policy=replace(drawn.policy, longest_route_cost=0.0), started=())
    result = search_and_assess(problem, SolveOptions(time_limit=0.3, deterministic=True))
    assert result.check.ok or result.check.only_unserved
    assert result.engines[0].name == "savings"


@pytest.mark.parametrize("who", ["c0", "c1"])
def test_vehicles_to_which_those_who_are_served_together_are_pinned_come_with_them(
    who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts_run, "_CLIENTS", 1)
    draft = plain(1)
    draft.clients[1]["source"] = "c0"
    draft.vehicles[0]["num_available"] = 2
    draft.policy["pinned"] = {"van 2": (who,)}
    problem = draft.problem()
    run = parts_on_law(problem, RoutingPlan(()))
    plan = run.run(StoppingCriteria(2.0, None, lambda: False))
    assert problem.check(plan).ok
    assert {"c0", "c1"} <= set(next(route for route in plan.routes if route.label == "van 2").clients)


@pytest.mark.parametrize("name", ["plain", "pinned", "goods", "soft", "breaks", "source", "windows"])
def test_engines_search_on_parts_where_nothing_is_compiled(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kanopt.solvers.routing.law_routing.why_no_kernel", lambda: "there is no compiler")
    monkeypatch.setattr(parts_run, "_CLIENTS", 3)
    problem = variant(name, 1) if name != "plain" else town(3)
    result = ko.solve(problem, time_limit=0.3, deterministic=True)
    assert result.check.ok or result.check.only_unserved
    assert [run.name for run in result.engines] == ["savings", "engines on parts of the plan"]
    assert "part" in result.engines[1].message
    assert result.objective is not None
    assert math.isclose(result.objective, problem.price(result.plan).objective, rel_tol=1e-9)


def test_a_plan_to_start_from_is_kept_or_made_better() -> None:
    problem = town(3)
    first = ko.solve(problem, time_limit=0.6, deterministic=True)
    again = ko.solve(problem, time_limit=0.2, deterministic=True, initial=first.plan)
    assert first.objective is not None
    assert again.objective is not None
    assert again.objective <= first.objective * (1 + 1e-9)
