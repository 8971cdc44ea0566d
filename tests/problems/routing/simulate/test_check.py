from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, Route, RoutingPlan, RoutingProblem, VehicleType
from kanopt.refs import arc, clock, state
from tests.cases.routing import best_by_trying_all, random_problem, random_routes, route_cost

MINUTES = np.array(
    [
        [0.0, 10, 20, 30],
        [10, 0, 12, np.inf],
        [20, 12, 0, 15],
        [30, 25, 15, 0],
    ]
)


def small(**changes: object) -> RoutingProblem:
    clients = [
        Client("a", demand=0.5, earliest=500, latest=520),
        Client("b", demand=0.4),
        Client("c", demand=0.3, prize=7.0),
    ]
    fleet = [
        VehicleType("van", 2, capacity=1.0, fixed_cost=5.0, shift_start=480, shift_end=560),
        VehicleType(
            "truck", 1, capacity=3.0, unit_distance_cost=0.5, unit_duration_cost=0.1, start_depot="depot"
        ),
    ]
    given = {
        "depots": [Depot("depot")],
        "clients": clients,
        "vehicles": fleet,
        "cost": {"toll": MINUTES / 10},
    }
    return RoutingProblem(**{**given, "duration": MINUTES, "distance": MINUTES, **changes})


def broken(problem: RoutingProblem, plan: object) -> dict[str, str]:
    return {v.constraint: v.message for v in problem.check(problem.plan_from(plan)).violations}


def test_every_planted_violation_is_found():
    problem = small()
    assert broken(problem, {"truck": ["a", "b"]}) == {}
    assert "client b must be served" in broken(problem, {"van 1": ["a"]})["unserved"]
    too_much = broken(problem, {"van 1": ["a", "b", "c"]})
    assert too_much["capacity"] == "van 1 carries 1.2 t, 0.2 t more than its capacity of 1 t"
    assert "van 1 returns at 09:28" not in too_much.get("shift", "")
    late = broken(problem, [Route("truck", 1, "depot", ("b", "a"), 500.0)])
    assert late["time window"] == "truck 1 reaches client a at 08:52, 12 min after its window closes at 08:40"
    assert broken(problem, {"van 1": ["b", "a"], "van 3": ["c"]})["fleet"] == (
        "van 3 does not exist: there are 2 vehicles of type 'van'"
    )
    shift = broken(problem, [Route("van", 1, "depot", ("b", "a"), 470.0)])
    assert shift["shift"] == "van 1 leaves at 07:50, 10 min before its shift starts at 08:00"
    over = broken(problem, [Route("van", 1, "depot", ("c", "b"), 500.0), Route("truck", 1, "depot", ("a",))])
    assert over["shift"] == "van 1 returns at 09:25, 5 min after its shift ends at 09:20"
    road = broken(problem, {"truck": ["b", "a", "c"]})
    assert road["road"] == "truck 1: no road leads from a to c"


def test_doubles_and_foreign_depots_are_found():
    problem = small(
        depots=[Depot("depot"), Depot("yard")],
        vehicles=[VehicleType("van", 2, start_depot="depot")],
        cost={},
        duration=np.ones((5, 5)),
        distance=np.ones((5, 5)),
    )
    plan = RoutingPlan((Route("van", 1, "depot", ("a", "b")), Route("van", 1, "yard", ("b",))))
    found = broken(problem, plan)
    assert found["visits"] == "client b is served 2 times"
    assert found["fleet"] == "van 1 drives 2 routes at once"
    assert found["depot"] == "van 1 starts from 'yard', but its depot is 'depot'"


def clocked() -> RoutingProblem:
    km, hour, load = Variable("km", "km"), Variable("hour", "h"), Variable("load", "t")
    slow = parse_formula("km * (1 + hour / 24)", [km, hour], Variable("min", "min"))
    fuel = parse_formula(
        "km * (1 + load) * hour + minutes",
        [km, load, hour, Variable("minutes", "min")],
        Variable("fuel", "EUR"),
    )
    distance = np.abs(np.subtract.outer([0.0, 3, 5, 9], [0.0, 3, 5, 9]))
    return small(
        distance=distance,
        duration=slow.bind(km=arc.distance, hour=clock.hour),
        cost={"fuel": fuel.bind(km=arc.distance, load=state.load, hour=clock.hour, minutes=arc.duration)},
        vehicles=[VehicleType("van", 1, capacity=2.0, shift_start=480, shift_end=600)],
    )


def test_the_law_prices_true_load_and_clock_and_the_frozen_price_the_planning_values():
    problem = clocked()
    plan = problem.plan_from([Route("van", 1, "depot", ("a", "b"), 490.0)])
    legs = [(3.0, 0.9), (2.0, 0.4), (5.0, 0.0)]
    clock_time, expected, frozen = 490.0, 0.0, 0.0
    for (km, load), opens in zip(legs, (500.0, 0.0, 0.0), strict=True):
        hour = clock_time / 60
        minutes = km * (1 + hour / 24)
        expected += km * (1 + load) * hour + minutes
        clock_time = max(clock_time + minutes, opens)
        frozen += km * (1 + 0.6) * 9.0 + km * (
            1 + 10 / 24
        )  # half of 1.2 t, middle of the shift, slowest at its end
    assert problem.price(plan).objective == pytest.approx(expected + 7.0)
    assert problem.price(plan, frozen=True).objective == pytest.approx(frozen + 7.0)
    values = {(f.law, f.input): f.value for f in problem.frozen_inputs()}
    assert values == {
        ("duration", "hour"): "10:00",
        ("fuel", "load"): "0.6 t",
        ("fuel", "hour"): "09:00",
    }


@given(st.integers(0, 5_000))
def test_prices_add_up_to_first_principles(seed):
    problem = random_problem(seed)
    plan = problem.plan_from(random_routes(problem, seed))
    costs = [
        route_cost(
            problem, problem.data.type_index[r.vehicle], tuple(problem.data.index[c] for c in r.clients)
        )
        for r in plan.routes
    ]
    missed = sum(c.prize or 0.0 for c in problem.clients if c.name in plan.unserved)
    constraints = {v.constraint for v in problem.check(plan).violations} - {"unserved"}
    assert (None in costs) == bool(constraints)
    if None not in costs:
        for frozen in (False, True):
            assert problem.price(plan, frozen=frozen).objective == pytest.approx(sum(costs) + missed)


def test_no_plan_of_a_small_case_is_cheaper_than_trying_all():
    problem = random_problem(3)
    missed, best = best_by_trying_all(problem)
    for seed in range(200):
        plan = problem.plan_from(random_routes(problem, seed))
        check = problem.check(plan)
        left = [v for v in check.violations if v.constraint == "unserved"]
        if (check.ok or check.only_unserved) and len(left) <= missed:
            assert problem.price(plan).objective >= best - 1e-9
