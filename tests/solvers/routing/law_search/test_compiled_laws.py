from __future__ import annotations

import numpy as np
import pytest

from kanopt.formulas import Variable, parse_formula
from kanopt.problems import Client, Depot, RoutingProblem, VehicleType
from kanopt.problems.routing.leg_laws import DURATION, LegInputs
from kanopt.refs import arc, client, clock, state
from kanopt.solvers.routing.law_search.compiled_laws import CompiledLaw, LegBatch
from kanopt.solvers.routing.law_search.compiled_problem import compile_problem
from tests.cases.law_search import exact_problem


def some_legs(problem: RoutingProblem, rng: np.random.Generator, count: int) -> tuple[LegInputs, LegBatch]:
    size = len(problem.data.names)
    kind, tail, head = (rng.integers(0, most, count) for most in (len(problem.vehicles), size, size))
    load, moment, spent = rng.uniform(0, 2, count), rng.uniform(-100, 3000, count), rng.uniform(1, 60, count)
    legs = LegBatch((kind * size + tail) * size + head, load, moment, spent)
    return LegInputs(kind, tail, head, load, moment, spent), legs


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("load line", "fuel"),
        ("load curve", "fuel"),
        ("slow when full", DURATION),
        ("rush hour", DURATION),
        ("load and clock", "fuel"),
        ("load and clock", DURATION),
        ("paid by the minute", "fuel"),
        ("toll by hour", "toll"),
    ],
)
def test_a_prepared_law_has_the_values_of_the_law(case, name):
    problem = exact_problem(case, 2)
    inputs, legs = some_legs(problem, np.random.default_rng(0), 500)
    expected = problem.leg_laws.evaluate(name, inputs)
    assert CompiledLaw(problem.leg_laws, name).evaluate(legs) == pytest.approx(expected, rel=1e-12)


def problem_with(law: str, **bindings: object) -> RoutingProblem:
    inputs = [Variable(name, {"km": "km", "load": "t", "hour": "h"}.get(name, "")) for name in bindings]
    bound = parse_formula(law, inputs, Variable("cost", "EUR")).bind(**bindings)
    km = np.array([[0.0, 10, 20], [10, 0, 12], [20, 12, 0]])
    clients = [
        Client("a", demand=1.0, attributes={"hard": 2.0}),
        Client("b", demand=2.0, attributes={"hard": 0.5}),
    ]
    return RoutingProblem(
        [Depot("d", attributes={"hard": 0.0})], clients, [VehicleType("van")], bound, km, km
    )


def test_a_line_in_the_load_becomes_two_tables():
    tables = compile_problem(
        problem_with("km * (1 + 0.5 * load) + hard", km=arc.distance, load=state.load, hard=client.hard)
    )
    assert tables.plan_laws == ()
    assert tables.price.reshape(3, 3).tolist() == [[0.0, 12.0, 20.5], [10.0, 0.0, 12.5], [20.0, 14.0, 0.0]]
    assert tables.per_load.reshape(3, 3)[0] == pytest.approx([0.0, 5.0, 10.0])


def test_a_line_that_is_cut_off_at_zero_and_a_curve_stay_laws():
    for law in ("km * (1 - 0.5 * load)", "km * load^2", "km * (load - 1)"):
        tables = compile_problem(problem_with(law, km=arc.distance, load=state.load))
        assert [leg.reads_load for leg in tables.plan_laws] == [True]


def test_a_leg_for_which_a_law_has_no_number_cannot_be_driven():
    problem = problem_with(
        "km * log(load + 0.001 - hour / 1000)", km=arc.distance, load=state.load, hour=clock.hour
    )
    law = CompiledLaw(problem.leg_laws, "cost")
    legs = LegBatch(np.array([1, 1]), np.array([0.0, 1.0]), np.array([600.0, 600.0]), np.array([1.0, 1.0]))
    assert np.isinf(law.evaluate(legs)).tolist() == [True, False]


@pytest.mark.parametrize(
    "text", ["km * (1 + hour / 10)", "km + exp(-((hour - 8) / 0.7) ^ 2) * (1 + load)", "hour"]
)
def test_a_rough_value_is_that_of_the_middle_of_ten_seconds(text: str) -> None:
    variables = [Variable("km", "km"), Variable("hour", "h"), Variable("load", "t")]
    known = {"km": arc.distance, "hour": clock.hour, "load": state.load}
    law = parse_formula(text, [each for each in variables if each.name in text], Variable("c", "EUR"))
    km = np.array([[0.0, 3.0, 4.0], [3.0, 0.0, 5.0], [4.0, 5.0, 0.0]])
    problem = RoutingProblem(
        [Depot("depot")],
        [Client("a"), Client("b")],
        [VehicleType("van"), VehicleType("truck")],
        law.bind(**{name: known[name] for name in law.used}),
        km,
        km,
    )
    rng = np.random.default_rng(4)
    clocks = rng.uniform(-100.0, 3000.0, 500)
    arcs = rng.integers(0, 18, 500)
    load, spent = rng.uniform(0.0, 3.0, 500), np.ones(500)
    made = CompiledLaw(problem.leg_laws, "cost")
    rough = made.evaluate(LegBatch(arcs, load, clocks, spent), rough=True)
    middle = (np.floor(clocks * 6) + 0.5) / 6
    assert rough == pytest.approx(made.evaluate(LegBatch(arcs, load, middle, spent)), rel=1e-9)
    never = made.evaluate(LegBatch(arcs[:1], load[:1], np.array([np.inf]), spent[:1]), rough=True)
    assert never.shape == (1,)
