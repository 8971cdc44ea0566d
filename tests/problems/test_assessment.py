"""A plan is simulated, checked and priced once, whoever asks, and what is said is what the parts say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.problems import Problem, Rank, RoutingProblem, Status
from kanopt.problems.assessment import NO_PLAN
from kanopt.problems.routing.simulate import check_plan, price_plan
from tests.cases import supply
from tests.cases.law_search import exact_problem
from tests.cases.routing import random_problem
from tests.cases.routing_variants import some_routes, variant
from tests.problems.test_coverage import CHOICE, FLOWS, A, B, shop

KINDS: dict[str, tuple[Callable[[], Problem[Any]], Any]] = {
    "routing": (lambda: exact_problem("load and clock", 1), [["c1", "c2"], ["c3"]]),
    "scheduling": (lambda: shop(10.0), [A, B]),
    "supply": (supply.small, FLOWS),
    "decisions": (lambda: CHOICE, {"x": 0.7, "y": 1.0}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_everybody_is_told_from_one_assessment(kind: str) -> None:
    make, decision = KINDS[kind]
    problem = make()
    result = ko.evaluate(problem, decision)
    plan, why = result.plan, ko.explain(result)
    assert result.assessment.status is result.status
    assert problem.price(plan) is result.pricing
    assert problem.price(plan, frozen=True) is result.assessment.planned_pricing
    assert problem.check(plan) is result.check
    assert problem.reasons(plan) is why.causes
    assert problem.extrapolations(plan) is why.extrapolations
    assert len(problem.views(plan)) == len(result.assessment.views())
    # who gets a table may write into it
    frame = result.to_frame()
    before = frame.copy()
    frame.iloc[:, 0] = None
    pd.testing.assert_frame_equal(result.to_frame(), before)
    pd.testing.assert_frame_equal(problem.table(plan), before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_few_plans_are_remembered(kind: str) -> None:
    make, decision = KINDS[kind]
    problem = make()
    plan = problem.plan_from(decision)
    known = problem.assess(plan)
    for _ in range(3):
        assert problem.assess(replace(plan)) is not known
    assert problem.assess(plan) is known
    problem.assess(replace(plan))
    assert problem.assess(plan) is not known


def test_explanation_and_report_drive_no_plan_that_was_solved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = ko.solve(random_problem(1), time_limit=0.3, seed=1)
    monkeypatch.setattr("kanopt.problems.routing.model.drive", None)
    with pytest.raises(TypeError):
        result.problem.drive(result.plan.routes)
    ko.explain(result).to_html(tmp_path / "report.html")
    assert len(result.to_frame())


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
    problem: RoutingProblem = exact_problem(case, 2)
    open_ = problem.assess(problem.plan_from([["c1", "c2"], ["c3"]]))
    complete = open_.settled()
    assert all(route.departure is not None for route in complete.plan.routes)
    assert complete.simulation is open_.simulation
    assert same_drives(problem.drive(complete.plan.routes), complete.simulation)
    assert complete.settled() is problem.assess(complete.plan) is complete


def test_plans_are_ranked_by_rules_then_service_then_price() -> None:
    problem = random_problem(1, optional=False)
    partial, late = (
        ko.evaluate(problem, routes) for routes in ([["c1"], ["c3"]], [["c1", "c3", "c0", "c4"], ["c2"]])
    )
    assert partial.status is Status.PARTIAL
    assert partial.rank == Rank(False, 3, 0, partial.objective)
    assert partial.rank < late.rank < NO_PLAN
    assert partial.rank.is_better_than(late.rank)
    assert not late.rank.is_better_than(partial.rank)
    dearer = partial.rank._replace(objective=partial.objective * (1 + 1e-12))
    assert partial.rank < dearer
    assert not partial.rank.is_better_than(dearer)
    assert replace(late, assessment=None).rank == NO_PLAN
