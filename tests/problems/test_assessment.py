"""A plan is simulated, checked and priced once, whoever asks, and what is said is what the parts say."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.problems import Problem, Rank, Status
from kanopt.problems.base import NO_PLAN
from kanopt.problems.routing.simulate import check_plan, price_plan
from tests.cases import supply
from tests.cases.law_search import exact_problem
from tests.cases.routing import random_problem
from tests.cases.routing_variants import some_routes, variant

ROUTES = [["c1", "c2"], ["c3"]]
JOBS = [{"task": "b", "machine": "saw", "start": 0.0}, {"task": "a", "machine": "saw", "start": 4.0}]
FLOWS = [
    {"tail": "mill", "head": "north", "period": "1", "quantity": 6.0},
    {"tail": "north", "head": "Lyon", "period": "1", "quantity": 6.0},
]


def shop() -> ko.SchedulingProblem:
    return ko.SchedulingProblem(
        jobs=[ko.scheduling.Job("j1", due_date=10.0, tardiness_cost=2.0), ko.scheduling.Job("j2")],
        tasks=[ko.scheduling.Task("a", "j1"), ko.scheduling.Task("b", "j2")],
        machines=[ko.scheduling.Machine("saw")],
        modes=[ko.scheduling.Mode("a", "saw", duration=8.0), ko.scheduling.Mode("b", "saw", duration=4.0)],
        makespan_cost=1.0,
    )


def box() -> ko.DecisionProblem:
    law = ko.parse_formula(
        "(x - 0.3)^2 + x * y", [ko.Variable("x"), ko.Variable("y")], ko.Variable("cost", "EUR")
    )
    return ko.DecisionProblem(
        {"x": (-1.0, 1.0), "y": (0.0, 2.0)}, law, [ko.decisions.at_most({"x": 1.0}, 0.1)]
    )


ROOM = "kanopt.problems"
KINDS: dict[str, tuple[Callable[[], Problem[Any]], Any, dict[str, int]]] = {
    # a routing plan is driven on the law and at planning values; the others know one simulation
    "routing": (
        lambda: exact_problem("load and clock", 1),
        [["c1", "c2"], ["c3"]],
        {"routing.model:drive": 2, "routing.assessment:check_plan": 1, "routing.assessment:price_plan": 2},
    ),
    "scheduling": (
        shop,
        JOBS,
        {
            "scheduling.assessment:SchedulingAssessment._simulate": 1,
            "scheduling.assessment:check_schedule": 1,
            "scheduling.assessment:price_schedule": 1,
        },
    ),
    "supply": (
        supply.small,
        FLOWS,
        {
            "supply.assessment:arrays_of": 1,
            "supply.assessment:check_flows": 1,
            "supply.assessment:price_flows": 2,
        },
    ),
    "decisions": (
        box,
        {"x": 0.3, "y": 1.0},
        {"decisions.assessment:check_plan": 1, "decisions.assessment:price_plan": 1},
    ),
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Counter[str]]:
    """Return a function that counts calls of functions from now on."""

    def count(*paths: str) -> Counter[str]:
        counted: Counter[str] = Counter()
        for path in paths:
            module, _, name = path.partition(":")
            *outer, name = name.split(".")
            owner = reduce(getattr, outer, import_module(f"{ROOM}.{module}"))
            original = getattr(owner, name)

            def counting(*args: Any, _path: str = path, _call: Any = original, **kwargs: Any) -> Any:
                counted[_path] += 1
                return _call(*args, **kwargs)

            monkeypatch.setattr(owner, name, counting)
        return counted

    return count


@pytest.mark.parametrize("kind", KINDS)
def test_a_plan_is_simulated_checked_and_priced_once(
    kind: str, calls: Callable[..., Counter[str]], tmp_path: Path
) -> None:
    make, decision, most = KINDS[kind]
    problem = make()
    counted = calls(*most)
    result = ko.evaluate(problem, decision)
    plan = result.plan
    why = ko.explain(result)
    why.to_html(tmp_path / "report.html")
    assert result.assessment.status is result.status
    assert problem.price(plan) is result.pricing
    assert problem.price(plan, frozen=True) is result.assessment.planned_pricing
    assert problem.check(plan) is result.check
    assert problem.reasons(plan) is why.causes
    assert problem.extrapolations(plan) is why.extrapolations
    pd.testing.assert_frame_equal(problem.table(plan), result.to_frame())
    assert len(problem.views(plan)) == len(result.assessment.views())
    assert counted == most


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_few_plans_are_remembered(kind: str) -> None:
    make, decision, _ = KINDS[kind]
    problem = make()
    plan = problem.plan_from(decision)
    assert problem.plan_from(plan) is plan
    known = problem.assess(plan)
    assert problem.assess(plan) is known
    for _ in range(3):
        assert problem.assess(replace(plan)) is not known
    assert problem.assess(plan) is known
    problem.assess(replace(plan))
    assert problem.assess(plan) is not known


@pytest.mark.parametrize("kind", KINDS)
def test_who_gets_a_table_may_write_into_it(kind: str) -> None:
    make, decision, _ = KINDS[kind]
    result = ko.evaluate(make(), decision)
    frame = result.to_frame()
    before = frame.copy()
    frame.iloc[:, 0] = None
    pd.testing.assert_frame_equal(result.to_frame(), before)


def same_drives(one: Any, other: Any) -> bool:
    return all(np.array_equal(value, vars(other)[name], equal_nan=True) for name, value in vars(one).items())


@pytest.mark.parametrize("name", ["windows", "soft", "breaks", "reload", "longest", "pinned"])
def test_an_assessment_says_what_driving_checking_and_pricing_say(name: str) -> None:
    problem = variant(name, 3)
    plan = problem.plan_from(list(some_routes(problem, 5)))
    known = problem.assess(plan)
    driven, planned = problem.drive(plan.routes), problem.drive(plan.routes, frozen=True)
    laws, planning = problem.leg_laws, problem.planning_values
    assert same_drives(known.simulation, driven)
    assert known.check == check_plan(problem.data, plan, driven)
    assert known.pricing.lines.equals(price_plan(laws, planning, plan, driven).lines)
    frozen = price_plan(laws, planning, plan, planned, frozen=True)
    assert known.planned_pricing.lines.equals(frozen.lines)


@pytest.mark.parametrize("case", ["load line", "rush hour", "arrivals and toll"])
def test_a_plan_with_its_departures_stated_is_driven_as_before(case: str) -> None:
    problem = exact_problem(case, 2)
    open_ = problem.assess(problem.plan_from(ROUTES))
    complete = open_.settled()
    assert all(route.departure is not None for route in complete.plan.routes)
    assert complete.simulation is open_.simulation
    assert same_drives(problem.drive(complete.plan.routes), complete.simulation)
    assert problem.assess(complete.plan) is complete
    assert complete.settled() is complete


def test_explanation_and_report_drive_no_plan_that_was_solved(
    calls: Callable[..., Counter[str]], tmp_path: Path
) -> None:
    problem = random_problem(1)
    result = ko.solve(problem, time_limit=0.3, seed=1)
    assert result.plan is not None
    counted = calls("routing.model:drive")
    ko.explain(result).to_html(tmp_path / "report.html")
    result.to_frame()
    assert counted == {}


def test_plans_are_ranked_by_rules_then_service_then_price() -> None:
    problem = random_problem(1, optional=False)
    whole, partial, late = (
        ko.evaluate(problem, routes)
        for routes in (
            [["c0", "c1"], ["c2", "c3", "c4"]],
            [["c1"], ["c3"]],
            [["c1", "c3", "c0", "c4"], ["c2"]],
        )
    )
    assert partial.status is Status.PARTIAL
    assert partial.rank == Rank(False, 3, 0, partial.objective)
    assert late.rank.breaks_rules
    assert partial.rank < late.rank < NO_PLAN
    assert partial.rank.is_better_than(late.rank)
    assert not late.rank.is_better_than(partial.rank)
    dearer = partial.rank._replace(objective=partial.objective * (1 + 1e-12))
    assert partial.rank < dearer
    assert not partial.rank.is_better_than(dearer)
    assert replace(whole, assessment=None).rank == NO_PLAN
    assert not NO_PLAN.is_better_than(NO_PLAN)
