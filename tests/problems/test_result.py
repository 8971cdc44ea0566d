from __future__ import annotations

import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems import (
    Certificate,
    Check,
    FrozenInput,
    Pricing,
    Problem,
    Progress,
    Reason,
    Result,
    Status,
    Violation,
    evaluate,
)
from kanopt.problems.findings import to_frame
from tests.cases.routing import random_problem

PROBLEM = random_problem(1)
LATE = Violation("time window", "client c1", 3.0, "min", "client c1 is 3 min late")
LEFT = Violation("unserved", "client c1", 1.0, "t", "client c1 is left out")


def result(**changes: object) -> Result:
    given = {
        "problem": PROBLEM,
        "assessment": None,
        "status": Status.NO_PLAN,
        "bound": None,
        "certificate": None,
        "solver": "a solver",
    }
    return Result(**{**given, **changes})


def test_a_check_says_whether_only_service_is_missing():
    assert Check().ok
    assert not Check((LATE, LEFT)).only_unserved
    assert Check((LEFT,)).only_unserved
    assert str(Check((LATE, LEFT))) == "client c1 is 3 min late\nclient c1 is left out"
    assert str(Check()) == "every constraint holds on the law"
    assert Check((LATE,)).to_frame()["amount"].tolist() == [3.0]


def test_frames_of_findings_keep_their_columns_when_empty():
    assert list(to_frame([], Reason).columns) == [
        "subject",
        "kind",
        "message",
        "relaxation",
        "proved",
        "price",
        "searched",
        "bottleneck",
        "amount",
    ]


def test_a_price_needs_its_four_columns():
    with pytest.raises(ProblemError, match="a price has the columns"):
        Pricing(pd.DataFrame({"term": []}), "EUR")
    empty = Pricing.of([], "EUR")
    assert (empty.objective, len(empty.terms())) == (0.0, 0)


def test_a_certificate_separates_rounding_from_freezing():
    frozen = (FrozenInput("fuel", "hour", "clock.hour", "08:00", "stated"),)
    good = Certificate(100.004, 100.0, 97.0, 0.01, frozen)
    assert good.holds
    assert "bound 0.010000: holds" in str(good)
    assert "frozen-input error −3.0000; score exact, no bound claimed" in str(good)
    assert "  fuel: hour (clock.hour) frozen at 08:00" in str(good)
    bad = Certificate(100.02, 100.0, 100.0, 0.01)
    assert not bad.holds
    assert "BROKEN" in str(bad)
    assert "frozen" not in str(bad)


def test_a_result_without_a_plan():
    nothing = result(message="no plan within the time limit", interrupted=True)
    assert (nothing.objective, nothing.gap, nothing.has_plan) == (None, None, False)
    assert nothing.to_frame().empty
    assert "no plan" in str(nothing)
    assert "stopped by the user" in str(nothing)


def test_a_result_with_a_plan_shows_objective_bound_and_gap():
    known = PROBLEM.assess(PROBLEM.plan_from([]))
    pricing = known.pricing
    found = result(assessment=known, status=Status.FEASIBLE, bound=pricing.objective / 2)
    assert found.gap == pytest.approx(0.5)
    assert "gap 50 %" in str(found)
    first = str(found).splitlines()[0]
    assert first.startswith(
        f"routing: serves 0 of {found.coverage.wanted:g} t (0 of {len(PROBLEM.clients)} clients)"
    )
    assert "left out: c0, c1" in first
    assert ">routing: serves 0 of" in found._repr_html_()
    assert "bound: none claimed" in str(result(assessment=known))
    assert len(found.to_frame()) == len(PROBLEM.clients)
    beyond = result(assessment=known, bound=2 * pricing.objective)
    assert beyond.gap == 0.0


def test_evaluate_prices_and_checks_a_given_plan():
    given = evaluate(PROBLEM, [["c1"]])
    assert given.solver == "given plan"
    assert given.certificate is None
    assert given.objective == PROBLEM.price(PROBLEM.plan_from([["c1"]])).objective
    assert given.status is PROBLEM.assess(given.plan).status


def test_a_problem_is_abstract():
    with pytest.raises(TypeError, match="abstract"):
        Problem()  # type: ignore[abstract]


def test_a_result_draws_its_first_view():
    drawn = evaluate(random_problem(1), [["c1"], ["c2"]])
    assert drawn.plot() is not None


def test_a_gap_within_what_rounding_hides_is_none():
    known = PROBLEM.assess(PROBLEM.plan_from([]))
    pricing = known.pricing
    certificate = Certificate(pricing.objective, pricing.objective, pricing.objective, 1e-6)
    found = result(assessment=known, bound=pricing.objective - 1e-6, certificate=certificate)
    assert found.gap == 0.0


@pytest.mark.parametrize(
    ("step", "told"),
    [
        (Progress(0.04, None), "0.0 s: searching"),
        (Progress(1.0, 1234.5), "1.0 s: incumbent 1,234.50"),
        (Progress(3.0, 10.0, 9.0, "relaxed grid"), "3.0 s: incumbent 10.00, bound 9.00, relaxed grid"),
    ],
)
def test_progress_can_be_printed(step: Progress, told: str) -> None:
    assert str(step) == told
