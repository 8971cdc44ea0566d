"""What a price cannot be trusted for is counted, for every kind of problem, and stands in every headline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import decisions, refs, routing, scheduling
from kanopt.errors import FormulaError
from kanopt.formulas.formula import BoundFormula
from kanopt.problems import Problem
from kanopt.problems.road_network import RoadNetwork
from kanopt.problems.supply import Market
from tests.cases.supply import small

KM = ko.Variable("km", "km", low=0, high=8)


def routes(fuel: str = "2 * km - 1000", **vehicle: float) -> ko.RoutingProblem:
    cost = ko.parse_formula(fuel, [ko.Variable("km", "km")], ko.Variable("fuel", "EUR"))
    minutes = ko.parse_formula("2 * km", [KM], ko.Variable("minutes", "min"))
    van = routing.VehicleType("van", shift_start=480, shift_end=1200, **vehicle)
    return ko.RoutingProblem(
        [routing.Depot("depot", 0, 0)],
        [routing.Client("a", 3, 4), routing.Client("b", 6, 8)],
        [van],
        cost={"fuel": cost.bind(km=refs.arc.distance)},
        duration=minutes.bind(km=refs.arc.distance),
    )


def shop() -> ko.SchedulingProblem:
    length = ko.parse_formula(
        "2 * work", [ko.Variable("work", "min", low=1, high=5)], ko.Variable("t", "min")
    )
    return ko.SchedulingProblem(
        jobs=[scheduling.Job("j1", due_date=10.0, tardiness_cost=2.0), scheduling.Job("j2")],
        tasks=[scheduling.Task("a", "j1"), scheduling.Task("b", "j1"), scheduling.Task("c", "j2")],
        machines=[scheduling.Machine("saw"), scheduling.Machine("drill")],
        modes=[
            scheduling.Mode("a", "saw", attributes={"work": 4.0}),
            scheduling.Mode("b", "drill", attributes={"work": 6.0}),
            scheduling.Mode("c", "saw", attributes={"work": 1.0}),
        ],
        duration=length.bind(work=refs.mode.work),
        makespan_cost=1.0,
    )


SHIPMENT = ko.parse_formula(
    "2 * load - 30", [ko.Variable("load", "t", low=0, high=5)], ko.Variable("c", "EUR")
)
SPEED = ko.parse_formula("(x - 3)^2", [ko.Variable("x", low=0, high=2)], ko.Variable("cost", "EUR"))
KINDS: dict[str, tuple[Problem, object, tuple[str, ...]]] = {
    "routing": (
        routes(),
        [["a", "b"]],
        (
            "duration is used outside its data on 1 of 3 legs",
            "cost 'fuel' is below zero on 3 of 3 legs and counted as 0",
        ),
    ),
    "scheduling": (
        shop(),
        [
            {"task": "a", "machine": "saw", "start": 0.0},
            {"task": "b", "machine": "drill", "start": 8.0},
            {"task": "c", "machine": "saw", "start": 8.0},
        ],
        ("duration is used outside its data on 1 of 3 tasks",),
    ),
    "supply": (
        small(tariff=SHIPMENT.bind(load=refs.state.weight), planning={"state.weight": 20.0}),
        [
            {"tail": "mill", "head": "north", "period": "1", "quantity": 6.0},
            {"tail": "north", "head": "Lyon", "period": "1", "quantity": 4.0},
        ],
        (
            "tariff is below zero on 2 of 2 flows and counted as 0",
            "tariff is used outside its data on 1 of 2 flows",
        ),
    ),
    "decisions": (
        ko.DecisionProblem({"x": (0.0, 4.0)}, {"speed": SPEED}, [decisions.at_most({"x": 1.0}, 4.0)]),
        {"x": 3.0},
        ("law 'speed' is used outside its data",),
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_price_cannot_be_trusted_for_is_in_every_headline(kind: str) -> None:
    problem, decision, caveats = KINDS[kind]
    result = ko.evaluate(problem, problem.plan_from(decision))
    assert result.assessment is not None
    assert result.assessment.law_caveats == caveats
    text, headline = str(result), ko.explain(result).text().partition("\n\n")[0]
    for clause in caveats:
        assert clause in text
        assert clause[1:] in headline


def test_laws_that_hold_leave_no_caveat() -> None:
    problem = routes("2 * km")
    result = ko.evaluate(problem, problem.plan_from([["a"]]))
    assert result.assessment is not None
    assert result.assessment.law_caveats == ()


def change_of(problem: Problem, plan: object, law: str, changes: list[list[float]]) -> list[float]:
    """Return the changes of price with changes of what a law says."""
    use = next(use for use in problem.assess(plan).law_uses if use.law == law)
    assert use.price_change is not None
    return use.price_change(np.array(changes)).tolist()


def test_a_delay_costs_what_the_referee_says() -> None:
    """Legs that take longer or shorter cost what the plan costs with those travel times in a matrix."""
    rates = {"unit_duration_cost": 0.5, "shift_duration": 50.0, "unit_overtime_cost": 0.25}
    problem = routes("2 * km", **rates)
    clients = [routing.Client("a", 3, 4, earliest=500), routing.Client("b", 6, 8)]
    problem = replace(problem, clients=clients)
    plan = problem.assess(problem.plan_from([["a", "b"]])).settled().plan
    base = np.array([[0.0, 10.0, 20.0], [10.0, 0.0, 10.0], [20.0, 10.0, 0.0]])
    rng = np.random.default_rng(0)
    for changes in rng.uniform(-8.0, 20.0, (20, 3)):
        times = base.copy()
        times[0, 1] += changes[0]
        times[1, 2] += changes[1]
        times[2, 0] += changes[2]
        other = replace(problem, duration=times)
        expected = other.price(plan).objective - problem.price(plan).objective
        assert change_of(problem, plan, "duration", [changes.tolist()]) == pytest.approx([expected])


def test_a_longer_task_moves_what_follows_it() -> None:
    problem = shop()
    plan = problem.plan_from(KINDS["scheduling"][1])
    order = problem.assess(plan).simulation.task.tolist()
    longer = [[float(task == each) for task in order] for each in range(3)]
    found = change_of(problem, plan, "duration", longer)
    # a and b are a chain that ends last (1 for the makespan) and late (2 for the job); c ends before it
    assert found == pytest.approx([3.0, 3.0, 0.0])
    assert change_of(problem, plan, "duration", [[-1.0] * 3]) == pytest.approx([-3.0])


def _less(**reads: object) -> BoundFormula:
    (name,) = reads
    return ko.parse_formula(f"{name} - 5", [ko.Variable(name)], ko.Variable("less")).bind(**reads)


def _links() -> object:
    links = pd.DataFrame({"tail": ["a", "b"], "head": ["b", "a"], "length": [2.0, 9.0]})
    return RoadNetwork(links, _less(km=refs.link.length)).times


def _served(**changes: object) -> Callable[[], object]:
    problem = routes("2 * km")
    return lambda: ko.solve(replace(problem, **changes), time_limit=1)


SERVICE = routing.RoutingPolicy(service=_less(y=refs.client.y))
FEW_KM = {"duration": _less(km=refs.arc.distance), "clients": [routing.Client("a", 3, 3)]}
MARKETS = [Market("Lyon", x=1, y=1), Market("Nice", x=9, y=1)]


@pytest.mark.parametrize(
    ("planned", "told"),
    [
        (_served(policy=SERVICE), r"service \(law 'less'\) falls to −1 on 1 of 2 \w+ \(van 1: a\)"),
        (_served(**FEW_KM), r"duration \(law 'less'\) falls to −0.757359 on 2 of 2 legs"),
        (lambda: replace(shop(), duration=_less(work=refs.mode.work)), r"duration \(law 'less'\) falls to −"),
        (lambda: small(demand=_less(x=refs.market.x), markets=MARKETS), r"demand \(law 'less'\) falls to −"),
        (_links, r"travel time \(law 'less'\) falls to −3 on link .* \(1 of 2 links\)"),
    ],
)
def test_a_law_of_time_or_an_amount_below_zero_refuses_the_plan(
    planned: Callable[[], object], told: str
) -> None:
    with pytest.raises(FormulaError, match=rf"{told}.*max\(0, …\)"):
        planned()


def test_what_rounding_leaves_of_zero_refuses_nothing() -> None:
    law = ko.parse_formula("2 * km - 1e-13", [ko.Variable("km", "km")], ko.Variable("t", "min"))
    twice = [routing.Client("a", 3, 4), routing.Client("b", 3, 4)]
    assert _served(clients=twice, duration=law.bind(km=refs.arc.distance))().has_plan
