from __future__ import annotations

import signal
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kanopt import DecisionProblem, RoutingProblem, Status
from kanopt.engines.base import Outcome, SolveOptions, Solver
from kanopt.engines.solve import solve
from kanopt.errors import SolverError
from kanopt.formulas import Variable, parse_formula
from kanopt.interrupt import Interrupt
from kanopt.refs import arc, clock
from kanopt.routing import Client, Depot, VehicleType
from kanopt.routing.search.solver import RoutingSearch
from tests.cases.law_search import exact_problem
from tests.cases.routing import random_problem
from tests.cases.routing_variants import variant
from tests.cases.scheduling import random_problem as random_shop
from tests.cases.supply import small as small_network


class Fixed(Solver):
    """A solver that answers what it was told to."""

    name = "fixed 1.0"

    def __init__(self, outcome: Outcome | None = None, refusal: str = "") -> None:
        self.outcome = outcome
        self.refusal = refusal
        self.options: SolveOptions | None = None

    def accepts(self, problem: Any) -> str:
        return self.refusal

    def solve(self, problem: Any, options: SolveOptions) -> Outcome:
        self.options = options
        assert self.outcome is not None
        return self.outcome


@pytest.fixture
def answer(monkeypatch):
    def install(chosen: Fixed) -> None:
        monkeypatch.setattr(sys.modules["kanopt.engines.solve"], "usual_solver", lambda problem: chosen)

    return install


def test_freezing_is_reported_apart_from_rounding():
    hour = Variable("hour", "h")
    law = parse_formula("km * hour", [Variable("km", "km"), hour], Variable("fuel", "EUR"))
    slow = parse_formula("km * (2 + hour / 24)", [Variable("km", "km"), hour], Variable("min", "min"))
    problem = RoutingProblem(
        [Depot("depot", 0, 0)],
        [Client("a", 3, 4, earliest=540), Client("b", 6, 8)],
        [VehicleType("van", shift_start=480, shift_end=720)],
        {"fuel": law.bind(km=arc.distance, hour=clock.hour)},
        slow.bind(km=arc.distance, hour=clock.hour),
    )
    result = solve(problem, time_limit=10.0)
    certificate = result.certificate
    assert certificate.holds
    # planned in the middle of the shift, at ten
    assert certificate.frozen_objective == pytest.approx(20.0 * 10)
    assert certificate.frozen_input_error == pytest.approx(result.objective - 200.0)
    assert certificate.frozen_input_error != 0
    assert {item.law for item in certificate.frozen} == {"duration", "fuel"}
    assert result.bound is None


def optional() -> RoutingProblem:
    """A problem in which everybody may be left out."""
    problem = random_problem(2)
    return replace(problem, clients=[replace(client, prize=1.0) for client in problem.clients])


def test_a_bound_is_lowered_by_the_rounding_and_dropped_where_an_input_is_frozen(answer):
    free = optional()
    answer(Fixed(Outcome(free.plan_from([]), Status.OPTIMAL, 5.0, 4.0, 0.25)))
    result = solve(free)
    assert (result.status, result.bound, result.objective) == (Status.OPTIMAL, 3.75, 5.0)
    assert result.gap == pytest.approx(0.25)
    hour = parse_formula("km * hour", [Variable("km", "km"), Variable("hour", "h")], Variable("fuel", "EUR"))
    frozen = replace(free, cost={"fuel": hour.bind(km=arc.distance, hour=clock.hour)})
    clocked = solve(frozen)
    assert (clocked.status, clocked.bound) == (Status.FEASIBLE, None)


def test_a_bound_above_the_price_on_the_law_is_none(answer):
    free = optional()
    plan = free.plan_from([])
    price = free.price(plan).objective
    answer(Fixed(Outcome(plan, Status.OPTIMAL, price, price + 1.0, 0.25)))
    refuted = solve(free)
    assert (refuted.status, refuted.bound) == (Status.FEASIBLE, None)
    assert "lower bound lies above the price of this plan" in str(refuted)
    answer(Fixed(Outcome(plan, Status.OPTIMAL, price, price + 0.25, 0.25)))
    assert solve(free).status is Status.OPTIMAL


@pytest.mark.parametrize(("limit", "least", "most"), [(10.0, 9.0, 9.8), (1.0, 0.9, 0.9)])
def test_loading_solvers_takes_from_the_time_limit_but_no_more_than_a_tenth(monkeypatch, limit, least, most):
    willing = Fixed(Outcome(None, Status.NO_PLAN, None, None, 0.0))

    def load(problem):
        time.sleep(0.2)
        return willing

    monkeypatch.setattr(sys.modules["kanopt.engines.solve"], "usual_solver", load)
    assert solve(random_problem(1), time_limit=limit).time_limit == limit
    assert least <= willing.options.time_limit <= most
    solve(random_problem(1), time_limit=limit, deterministic=True)
    assert willing.options.time_limit == limit


def test_the_usual_solver_is_asked_with_the_options(answer):
    refusing, willing = Fixed(refusal="not me"), Fixed(Outcome(None, Status.NO_PLAN, None, None, 0.0))
    answer(willing)
    solve(random_problem(1), time_limit=3.0, workers=2)
    assert 2.7 <= willing.options.time_limit <= 3.0
    assert replace(willing.options, time_limit=3.0) == SolveOptions(
        time_limit=3.0, workers=2, days_in_time=0.95
    )
    nothing = Outcome(None, Status.INFEASIBLE, None, None, 0.0, message="no wonder", interrupted=True)
    answer(Fixed(nothing))
    result = solve(random_problem(1))
    assert (result.status, result.plan, result.pricing, result.certificate) == (
        Status.INFEASIBLE,
        None,
        None,
        None,
    )
    assert (result.message, result.interrupted) == ("no wonder", True)
    answer(refusing)
    with pytest.raises(SolverError, match=r"^fixed 1\.0: not me$"):
        solve(random_problem(1))
    with pytest.raises(SolverError, match=r"^fixed 1\.0: not me; leave the solver out"):
        solve(random_problem(1), solver=Fixed(refusal="not me"))
    with pytest.raises(TypeError, match="tim_limit"):
        solve(random_problem(1), tim_limit=3.0)  # type: ignore[call-arg]


@pytest.mark.parametrize("given", ["pyvrp", RoutingSearch, 3], ids=str)
def test_what_is_no_solver_is_refused_and_says_what_is_one(given):
    with pytest.raises(
        SolverError, match=r'solver must be a solver, not .* usual one.*"ortools" for a routing'
    ):
        solve(random_problem(1), solver=given)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_limit": -1.0}, "time_limit must be a number of seconds from 0 to 1,000,000,000, not -1.0"),
        ({"time_limit": float("nan")}, "time_limit must be"),
        ({"seed": -1}, "seed must be a whole number of at least 0, not -1"),
        ({"seed": 1.5}, "seed must be"),
        ({"workers": 0}, "workers must be a whole number of at least 1, not 0"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(SolverError, match=message):
        SolveOptions(**options)


WAVE = DecisionProblem(
    {"x": (-2, 2), "y": (-1, 1)},
    parse_formula("sin(3 * x) + x^2 + y^2", [Variable("x"), Variable("y")], Variable("cost")),
)
ASKED = {
    "routes": (lambda: random_problem(3, clients=6), {}),
    "routes side by side": (lambda: random_problem(3, clients=26), {"workers": 2}),
    "routes by a law": (lambda: exact_problem("load curve", 2), {}),
    "routes with breaks": (lambda: variant("breaks", 1), {}),
    "schedule": (lambda: random_shop(np.random.default_rng(2)), {}),
    "network": (small_network, {}),
    "decisions": (lambda: WAVE, {}),
}


@pytest.mark.parametrize("case", ASKED)
def test_ctrl_c_before_the_search_still_gives_a_plan(case):
    made, options = ASKED[case]
    problem = made()
    with Interrupt() as stop:
        stop.ask()
        result = solve(problem, time_limit=60.0, **options)
    assert result.interrupted
    assert result.has_plan
    assert result.wall_seconds < 30.0
    assert result.status in (Status.FEASIBLE, Status.OPTIMAL, Status.PARTIAL)


@pytest.mark.parametrize("step", ["usual_solver", "_assess"])
def test_ctrl_c_beside_the_search_loses_no_plan(monkeypatch, step):
    module = sys.modules["kanopt.engines.solve"]
    real = getattr(module, step)

    def pressed(*arguments, **options):
        signal.raise_signal(signal.SIGINT)
        return real(*arguments, **options)

    monkeypatch.setattr(module, step, pressed)
    result = solve(random_problem(2, clients=4), time_limit=20.0)
    assert result.interrupted
    assert result.has_plan
