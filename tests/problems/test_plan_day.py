"""Laws of every kind of problem that read the day of the plan."""

from __future__ import annotations

from typing import Any

import pytest

import kanopt as ko
from kanopt.errors import ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.refs import day, decision, lane, mode
from kanopt.scheduling import Job, Machine, Mode, Task
from kanopt.supply import Lane, Market, Period, Product, Supplier


def workshop(when: Any) -> tuple[ko.SchedulingProblem, Any]:
    """A task that lasts ten times the weekday and its effort."""
    law = parse_formula("10 * weekday + effort", ["weekday", "effort"], Variable("took", "min"))
    problem = ko.SchedulingProblem(
        [Job("j")],
        [Task("t", "j")],
        [Machine("saw")],
        [Mode("t", "saw", attributes={"effort": 3.0})],
        duration=law.bind(weekday=day.weekday, effort=mode.effort),
        makespan_cost=1.0,
        day=when,
    )
    return problem, [{"task": "t", "machine": "saw", "start": 0.0}]


def network(when: Any) -> tuple[ko.SupplyProblem, Any]:
    """A tariff by lane and weekday for one unit."""
    law = parse_formula("10 * weekday + rate", ["weekday", "rate"], Variable("paid", "EUR/t"))
    problem = ko.SupplyProblem(
        suppliers=[Supplier("mill", "flour", capacity=9.0)],
        facilities=[],
        markets=[Market("Lyon")],
        products=[Product("flour", shortage_cost=900.0)],
        periods=[Period("1")],
        lanes=[Lane("mill", "Lyon", attributes={"rate": 3.0})],
        tariff=law.bind(weekday=day.weekday, rate=lane.rate),
        demand=1.0,
        day=when,
    )
    return problem, [{"tail": "mill", "head": "Lyon", "quantity": 1.0}]


def number(when: Any) -> tuple[ko.DecisionProblem, Any]:
    law = parse_formula("10 * weekday + x", ["weekday", "x"], Variable("cost", "EUR"))
    objective = law.bind(weekday=day.weekday, x=decision.x)
    return ko.DecisionProblem({"x": (0, 5)}, objective, day=when), {"x": 3.0}


@pytest.mark.parametrize("kind", [workshop, network, number])
def test_the_day_counts_and_is_asked_for(kind: Any) -> None:
    for when, weekday in (("2026-03-03", 2), ("2026-03-08", 7)):
        problem, plan = kind(when)
        assert problem.price(problem.plan_from(plan)).objective == pytest.approx(10 * weekday + 3)
    with pytest.raises(ProblemError, match=r"'day\.weekday', but no day is stated; write day="):
        kind(None)
    with pytest.raises(ProblemError, match="'soon' is no day; write year, month and day"):
        kind("soon")
