"""What is said of a plan, for every kind of problem: what it serves, what the rest would cost, rank and result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import Result, RoutingProblem, Status
from kanopt.plans.base import NO_PLAN, Problem, Rank
from kanopt.plans.coverage import Coverage, CoverageWords
from kanopt.plans.findings import Check, FrozenInput, Violation
from kanopt.plans.result import Certificate, evaluate
from kanopt.routing import Client, Depot, VehicleType
from tests.cases import supply
from tests.cases.law_search import exact_problem
from tests.cases.routing import random_problem

LINE = np.abs(np.subtract.outer(np.arange(4.0), np.arange(4.0))) * 10
CLIENTS = (Client("a", demand=0.5), Client("b", demand=0.4), Client("c", demand=0.3))
VAN = VehicleType("van", 1, capacity=1.0, fixed_cost=7.0, shift_start=480, shift_end=600)


def round_trip(clients: tuple[Client, ...] = CLIENTS, van: VehicleType = VAN, **more: Any) -> RoutingProblem:
    """Return three clients in a line, 10 minutes and 10 EUR apart."""
    return RoutingProblem([Depot("depot")], clients, [van], {"toll": LINE}, LINE, LINE, **more)


def last(**fields: Any) -> tuple[Client, ...]:
    return (*CLIENTS[:2], replace(CLIENTS[2], **fields))


def shop(due: float, other: float | None = None) -> ko.SchedulingProblem:
    jobs = [
        ko.scheduling.Job("j1", due_date=due, tardiness_cost=2.0),
        ko.scheduling.Job("j2", due_date=other),
    ]
    tasks = [ko.scheduling.Task("a", "j1"), ko.scheduling.Task("b", "j2")]
    modes = [ko.scheduling.Mode("a", "saw", duration=8.0), ko.scheduling.Mode("b", "saw", duration=4.0)]
    return ko.SchedulingProblem(jobs, tasks, [ko.scheduling.Machine("saw")], modes, makespan_cost=1.0)


A, B = {"task": "a", "machine": "saw", "start": 4.0}, {"task": "b", "machine": "saw", "start": 0.0}
FLOWS = [
    {"tail": "mill", "head": "north", "period": "1", "quantity": 14.0},
    {"tail": "north", "head": "Lyon", "period": "1", "quantity": 10.0},
    {"tail": "north", "head": "Nice", "period": "1", "quantity": 4.0},
]
LEAST, MOST = ko.decisions.at_least({"x": 1.0}, 0.5, name="least"), ko.decisions.at_most({"y": 1.0}, 1.0)
LAW = ko.parse_formula("x + y", ["x", "y"], ko.Variable("cost", "EUR"))
CHOICE = ko.DecisionProblem({"x": (0.0, 1.0), "y": (0.0, 2.0)}, LAW, [LEAST, MOST])
CLOSED = [ko.supply.Facility("north", capacity=15.0), ko.supply.Facility("south", status="closed")]
MUST = [ko.supply.Product("flour")]
NARROW = [ko.supply.Lane("mill", "north", capacity=15.0), *supply.small().lanes[1:]]
WIDE = [ko.supply.Facility("north"), ko.supply.Facility("south")]


@pytest.mark.parametrize(
    ("problem", "plan", "told", "paid", "more", "why"),
    [
        (round_trip(), [["a", "b", "c"]], "serves all 3 clients (1.2 t)", None, None, ""),
        # another van for the client who must be served
        (round_trip(), [["a", "b"]], "0.9 of 1.2 t (2 of 3 clients); left out: c", 0.0, 67.0, "1 more van"),
        (
            round_trip(last(prize=25.0)),
            [["a", "b"]],
            "left out: c",
            25.0,
            0.0,
            "25.00 EUR for prizes forgone",
        ),
        (
            round_trip(last(latest=481.0)),
            [["a", "b"]],
            "left out: c",
            0.0,
            None,
            "serving c would cost is not known",
        ),
        (
            round_trip((replace(CLIENTS[0], prize=3.0), *CLIENTS[1:])),
            [["b"]],
            "left out: a and c",
            3.0,
            20.0,
            "with the vehicles there are",
        ),
        (round_trip(last(pickup=0.1)), [["a", "b"]], "serves 0.9 of 1.3 t", 0.0, 67.0, ""),
        (
            round_trip(tuple(replace(c, demand=0.0) for c in CLIENTS)),
            [["a"]],
            "serves 1 of 3 clients; left",
            0,
            40,
            "",
        ),
        (shop(10.0, 3.0), [A, B], "0 of 2 jobs in time; late: j1 and j2", 4.0, None, "having j2 in time"),
        (shop(12.0), [A], "1 of 2 jobs in time; not run: j2", 0.0, None, "not known"),
        (shop(20.0), [A, B], "finishes all 2 jobs in time", None, None, ""),
        (supply.small(), FLOWS, "14 of 60 t (0 of 2 markets in full); short: Lyon", 920.0, 0.0, "shortage"),
        # mill 2 + lane 1 + handling 0.25 + lane 2 to Lyon or 3 to Nice, and the opening of north for 30
        (supply.small(products=MUST), [], "", 0.0, 40 * 5.25 + 20 * 6.25 + 30, "opening north"),
        (supply.small(products=MUST, facilities=CLOSED), [], "", 0.0, None, "pass on 5 t less"),
        (
            supply.small(products=MUST, facilities=WIDE, lanes=NARROW, demand=np.full((2, 1, 2), 10.0)),
            [FLOWS[0] | {"quantity": 10.0}, FLOWS[2] | {"quantity": 10.0}],
            "short: Lyon",
            0.0,
            None,
            "supplying the rest",
        ),
        (CHOICE, {"x": 0.2, "y": 1.0}, "keeps 1 of 2 constraints; broken: least", 0.0, None, "not known"),
        (CHOICE, {"x": 0.7, "y": 1.0}, "keeps all 2 constraints", None, None, ""),
    ],
)
def test_what_is_served_and_what_the_rest_would_cost(
    problem: Any, plan: Any, told: str, paid: float | None, more: float | None, why: str
) -> None:
    known = evaluate(problem, plan).assessment
    assert told in str(known.coverage)
    assert (known.left_out_price is None) == known.coverage.complete == (paid is None)
    if paid is not None:
        price = known.left_out_price
        assert price.paid == pytest.approx(paid)
        assert price.more == (None if more is None else pytest.approx(more))
        assert why in price.text


def test_two_plans_serve_the_same_only_where_names_and_amounts_agree() -> None:
    whole = Coverage(CoverageWords("supplies", "market", "markets", "in full"), 3, (), 30.0, 30.0, "t")
    short = replace(whole, left_out=("Lyon",), served=20.0, lacking="short")
    heavy = replace(whole, served=30000.0, wanted=30000.0, unit="kg")
    assert whole.same_as(replace(whole, served=30.0 + 1e-9))
    for one, other, told in (
        (short, whole, "1 market fewer in full (10 t less)"),
        (short, replace(short, left_out=("Nice",)), "has Lyon short instead of Nice"),
        (replace(whole, served=36.0, wanted=36.0), whole, "supplies 36 instead of 30 t"),
        (heavy, short, "1 market more in full (30,000 kg instead of 20 t)"),
        (
            replace(short, served=36.0, wanted=45.0),
            whole,
            "1 market fewer in full (though 6 t more: 36 of 45 t",
        ),
    ):
        assert not one.same_as(other)
        assert told in one.against(other)


def test_rules_that_many_break_are_told_once_with_the_worst_and_cut_short() -> None:
    late = tuple(replace(client, latest=485.0) for client in CLIENTS)
    text = str(evaluate(round_trip(late, replace(VAN, num_available=2, capacity=0.3)), [["a", "b", "c"], []]))
    assert "3 clients are served after their windows close, the worst c by 25 min" in text
    assert "van 1 carries 1.2 t, 0.9 t more" in text
    rules = [ko.decisions.at_least({"x": 1.0}, 1.0 + place, name=f"r{place}") for place in range(30)]
    cost = ko.parse_formula("x", ["x"], ko.Variable("cost", "EUR"))
    text = str(evaluate(ko.DecisionProblem({"x": (0.0, 90.0)}, cost, rules), {"x": 0.0}))
    assert "broken: r0, r1, r2, r3, r4 and 25 more" in text
    assert (text.count("missed by"), "and 10 more rules" in text) == (20, True)
    flows = [{"tail": "mill", "head": "south", "period": period, "quantity": 60.0} for period in ("1", "2")]
    assert "facility south passes on more than it can 2 times, at worst by 20 t" in str(
        evaluate(supply.small(), flows)
    )


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
    known = result.assessment
    assert known.proposal
    assert all(figure.text for figure in known.figures())
    # a page has sliders for prices where there are rates
    assert (known.slider_prices() is None) == (kind == "decisions")
    # who gets a table may write into it
    frame = result.to_frame()
    before = frame.copy()
    frame.iloc[:, 0] = None
    pd.testing.assert_frame_equal(result.to_frame(), before)
    pd.testing.assert_frame_equal(result.assessment.table(), before)


def test_explanation_and_report_drive_no_plan_that_was_solved(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    result = ko.solve(random_problem(1), time_limit=0.3, seed=1)
    monkeypatch.setattr("kanopt.routing.model.drive", None)
    with pytest.raises(TypeError):
        result.problem.drive(result.plan.routes)
    ko.explain(result).to_html(tmp_path / "report.html")
    assert len(result.to_frame())


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


def test_a_certificate_separates_rounding_from_freezing():
    frozen = (FrozenInput("fuel", "hour", "clock.hour", "08:00", "stated"),)
    good = Certificate(100.004, 100.0, 97.0, 0.01, frozen)
    assert good.holds
    assert "error −3.0000" in str(good)
    assert "hour (clock.hour) frozen at 08:00" in str(good)
    bad = Certificate(100.02, 100.0, 100.0, 0.01)
    assert not bad.holds
    assert "BROKEN" in str(bad)
