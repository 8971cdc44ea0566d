from __future__ import annotations

import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems import (
    Certificate,
    Check,
    FrozenInput,
    Pricing,
    Progress,
    Result,
    Status,
    Violation,
    evaluate,
)
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


def test_without_a_plan_there_is_no_price_and_with_one_a_bound_and_a_gap():
    nothing = result(message="no plan within the time limit", interrupted=True)
    assert (nothing.objective, nothing.gap, nothing.has_plan) == (None, None, False)
    assert nothing.to_frame().empty
    assert "stopped by the user" in str(nothing)
    known = PROBLEM.assess(PROBLEM.plan_from([]))
    price = known.pricing.objective
    found = result(assessment=known, status=Status.FEASIBLE, bound=price / 2)
    assert found.gap == pytest.approx(0.5)
    assert len(found.to_frame()) == len(PROBLEM.clients)
    first = str(found).splitlines()[0]
    assert first.startswith("routing: serves 0 of")
    assert "left out: c0, c1" in first
    assert first[:20] in found._repr_html_()
    assert result(assessment=known, bound=2 * price).gap == 0.0
    assert "bound: none claimed" in str(result(assessment=known))
    # a gap within what rounding hides is none
    certificate = Certificate(price, price, price, 1e-6)
    assert result(assessment=known, bound=price - 1e-6, certificate=certificate).gap == 0.0


def test_a_check_says_whether_only_service_is_missing():
    assert Check().ok
    assert not Check((LATE, LEFT)).only_unserved
    assert Check((LEFT,)).only_unserved
    assert str(Check((LATE, LEFT))) == "client c1 is 3 min late\nclient c1 is left out"
    assert str(Check()) == "every constraint holds on the law"
    assert Check((LATE,)).to_frame()["amount"].tolist() == [3.0]


def test_a_price_needs_its_four_columns():
    with pytest.raises(ProblemError, match="a price has the columns"):
        Pricing(pd.DataFrame({"term": []}), "EUR")
    empty = Pricing.of([], "EUR")
    assert (empty.objective, len(empty.terms())) == (0.0, 0)


def test_a_certificate_separates_rounding_from_freezing():
    frozen = (FrozenInput("fuel", "hour", "clock.hour", "08:00", "stated"),)
    good = Certificate(100.004, 100.0, 97.0, 0.01, frozen)
    assert good.holds
    assert "error −3.0000" in str(good)
    assert "hour (clock.hour) frozen at 08:00" in str(good)
    bad = Certificate(100.02, 100.0, 100.0, 0.01)
    assert not bad.holds
    assert "BROKEN" in str(bad)


def test_evaluate_prices_and_checks_a_given_plan():
    given = evaluate(PROBLEM, [["c1"]])
    assert given.solver == "given plan"
    assert given.certificate is None
    assert given.objective == PROBLEM.price(PROBLEM.plan_from([["c1"]])).objective
    assert given.status is PROBLEM.assess(given.plan).status


def test_a_result_draws_its_first_view():
    drawn = evaluate(random_problem(1), [["c1"], ["c2"]])
    assert drawn.plot() is not None


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
