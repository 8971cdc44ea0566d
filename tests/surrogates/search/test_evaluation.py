"""Values and derivatives of laws, against finite differences and against the formula they become."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.formulas import Formula, Variable
from kanopt.surrogates.search import graph, operators
from kanopt.surrogates.search.program import Columns, parts, value, value_and_jacobian
from kanopt.surrogates.search.structure import (
    ONE,
    Applied,
    Exponential,
    Factor,
    Group,
    Hinge,
    Law,
    Logarithm,
    Parameter,
    Power,
    Step,
    Tabulated,
    Term,
    Wave,
    cleaned,
    fixed,
    in_lookups,
    signature,
    values_of,
    with_values,
)

Floats = NDArray[np.float64]
HALF, QUARTER = fixed(-0.5), fixed(np.pi / 2)
BENDS = tuple(map(Parameter, (1.2, 0.7, 1.5, 1.1, 0.9, 1.3)))


def number(x: float) -> Parameter:
    return Parameter(x)


def held(x: float) -> Parameter:
    return Parameter(x, free=False)


def term(coefficient: float, *factors: Factor) -> Term:
    return Term(number(coefficient), factors)


def one(*factors: Factor) -> Term:
    return Term(ONE, factors)


def law(*terms: Term) -> Law:
    return Law(terms)


def exp(*terms: Term) -> Applied:
    return Applied("exp", Law(terms))


def group(*terms: Term, exponent: Parameter = ONE) -> Group:
    return Group(Law(terms), exponent)


SUM = law(
    term(1.5),
    term(2.0, Power(0, number(0.7)), Exponential(1, number(-0.3))),
    term(-0.4, Logarithm(0), Hinge(1, number(1.4))),
    term(0.3, Wave(2, number(2.0), number(0.4)), Step(0, held(1.1))),
    term(0.8, Exponential(0, number(0.5), "1/x"), Exponential(1, number(-0.1), "x^2")),
)
NESTED = law(
    term(
        3.0,
        Power(1, number(1.2)),
        group(Term(ONE), term(0.6, Power(0, number(1.4))), exponent=held(-1.0)),
        group(Term(ONE), term(0.3, Wave(2, number(2.5), held(0.0)))),
    ),
    term(0.2, group(term(1.0), term(0.5, Power(0, held(2.0))), exponent=HALF)),
)
LOOKED_UP = law(
    one(Tabulated(3, tuple(map(number, (5.0, 2.2, 7.0)))), Tabulated(0, BENDS, "x", 0.5, 2.0)),
    term(
        2.0,
        Power(1, number(0.7)),
        Tabulated(3, (ONE, number(1.4), number(0.6))),
        Tabulated(1, (*BENDS[:3], ONE), "log x", -0.9, 0.9),
        group(Term(ONE), term(0.3, Tabulated(2, BENDS, "turn", 0.0, 1.5))),
    ),
)
PEAK = exp(term(-1.5, group(one(Power(2, ONE)), term(-1.2), exponent=held(2.0))))
SHAPED = law(
    term(2.0, exp(term(-0.6, Power(0, number(1.7))))),
    term(3.0, exp(term(-2.0, Exponential(1, number(-0.8)))), Power(0, ONE)),
    one(group(Term(ONE), term(0.6, PEAK))),
    term(0.7, group(one(Power(0, held(2.0))), term(1.3, Power(1, held(2.0))), exponent=held(0.5))),
    term(0.4, Applied("abs", law(one(Power(1, ONE)), term(-1.1)))),
)
LARGEST = law(
    term(2.0),
    term(0.5, Power(2, ONE), Applied("max", law(term(1.5, Power(0, ONE)), term(1.1, Power(1, held(2.0)))))),
)
LAWS = [SHAPED, SUM, NESTED, law(term(2.0, Wave(1, held(1.3), QUARTER))), LOOKED_UP, LARGEST]
LABELS = {3: ("van", "truck", "bike")}


@pytest.fixture
def inputs() -> Floats:
    rng = np.random.default_rng(3)
    return np.column_stack([rng.uniform(0.4, 2.5, (60, 3)), rng.integers(0, 3, 60)])


@pytest.mark.parametrize("law", LAWS)
def test_derivatives_agree_with_finite_differences(law: Law, inputs: Floats) -> None:
    columns = Columns(inputs, np.ones(4))
    out, jacobian = value_and_jacobian(law, columns)
    np.testing.assert_allclose(out, value(law, columns))
    theta = np.array(values_of(law))
    assert jacobian.shape == (60, len(theta))
    for k in range(len(theta)):
        step = np.zeros(len(theta))
        step[k] = 1e-6
        up, down = (value(with_values(law, theta + sign * step), columns) for sign in (1, -1))
        np.testing.assert_allclose(jacobian[:, k], (up - down) / 2e-6, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("law", LAWS)
def test_the_flow_into_a_part_is_the_derivative_of_the_law_in_it(law: Law, inputs: Floats) -> None:
    columns = Columns(inputs, np.ones(4))
    _, jacobian = value_and_jacobian(law, columns)
    theta = values_of(law)
    for part in parts(law, columns):
        if isinstance(part.part, Term) and part.part.coefficient.free:
            k = theta.index(part.part.coefficient.value)
            np.testing.assert_allclose(part.flow * part.value / theta[k], jacobian[:, k], rtol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_the_formula_of_the_inputs_themselves_has_the_same_values(law: Law, inputs: Floats) -> None:
    scales = np.array([0.5, 3.0, 1.7, 1.0])
    names = ["a", "b", "c"]
    variables = (*map(Variable, names), Variable("vehicle", kind="category"))
    formula = Formula(graph(law, [*names, "vehicle"], scales, LABELS), variables, Variable("y"))
    expected = value(law, Columns(inputs, scales, {3: 3}))
    data = dict(zip(names, (inputs[:, :3] * scales[:3]).T, strict=True))
    vehicle = np.array(LABELS[3], dtype=object)[inputs[:, 3].astype(int)]
    found = np.broadcast_to(formula.evaluate({**data, "vehicle": vehicle}), 60)
    np.testing.assert_allclose(found, expected, rtol=1e-12)
    assert len(formula.constants) == len(values_of(law)) - in_lookups(law)


def wave(turns: float, width: float) -> Law:
    return law(term(1.0, Wave(2, number(2 * np.pi * turns / width), number(0.3))))


def test_what_nobody_would_write_has_no_value(inputs: Floats) -> None:
    columns = Columns(inputs, np.ones(4))
    width = float(columns.high[2] - columns.low[2])
    disguised = group(Term(ONE), term(-1.0, Power(0, number(0.001))), exponent=held(-1.0))
    swamped = group(Term(ONE), term(1e5, Power(0, number(1.0))), exponent=held(-1.0))
    never = Applied("max", law(term(1e-6), term(1.0, Power(0, ONE))))
    outside, steep = Hinge(0, number(9.0)), Power(0, number(6.1))
    for factor in (outside, steep, Power(0, held(-7.0)), disguised, swamped, never):
        assert np.isnan(value(law(term(1.0, factor)), columns)).all()
    assert np.isnan(value(wave(0.49, width), columns)).all()
    for known in (wave(0.51, width), law(term(1.0, Power(0, number(5.9))))):
        assert np.isfinite(value(known, columns)).all()


def test_a_wave_that_turns_faster_than_the_values_tell_is_no_law() -> None:
    def wave(frequency: float) -> Law:
        return law(term(1.0, Wave(0, number(frequency), number(0.3))))

    months = Columns(np.tile(np.arange(1.0, 13.0), 5)[:, None], np.ones(1))
    halves = Columns(months.inputs / 2.0, np.ones(1))
    anywhere = Columns(np.random.default_rng(0).uniform(1.0, 12.0, (60, 1)), np.ones(1))
    faster = 2 * np.pi / 12 + 2 * np.pi
    assert np.isfinite(value(wave(2 * np.pi / 12), months)).all()
    assert np.isnan(value(wave(faster), months)).all()
    assert np.isfinite(value(wave(6.2), halves)).all()
    assert np.isfinite(value(wave(faster), anywhere)).all()


def test_the_sine_of_an_angle_in_radians_may_be_a_small_part_of_a_wave() -> None:
    slope = np.linspace(-0.04, 0.06, 30)
    columns = Columns((slope / 0.02)[:, None], np.array([0.02]))
    sine = law(term(1.0, Wave(0, number(0.02), held(0.0))))
    np.testing.assert_allclose(value(sine, columns), np.sin(slope))


def test_what_differs_in_free_values_or_order_only_has_one_signature() -> None:
    a, b = term(2.0, Power(0, number(0.7))), term(1.0)
    assert signature(law(a, b)) == signature(law(term(5.0), term(3.0, Power(0, number(1.0)))))
    assert signature(law(a, b)) != signature(law(b, term(2.0, Power(0, held(0.7)))))


X, Y = Power(0, ONE), Power(1, ONE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (law(term(2.0, X, X), term(3.0, Power(0, held(2.0)))), law(term(5.0, Power(0, held(2.0))))),
        (law(one(group(one(X), term(0.15, X, Y)))), law(one(X), term(0.15, X, Y))),
        # a free coefficient outside says how large the difference of two inputs is
        (law(term(2.0, group(one(X), Term(held(-1.0), (Y,))))), None),
        (law(term(2.0, Applied("max", law(term(3.0, X))))), law(term(6.0, X))),
        (
            law(term(2.0, Applied("max", law(term(3.0), term(1.5, X))))),
            law(one(Applied("max", law(term(6.0), term(3.0, X))))),
        ),
        # terms of which the largest counts are not added up
        (law(one(Applied("max", law(term(1.0, X), term(2.0, X))))), None),
    ],
)
def test_a_law_is_written_in_the_plainest_way(one: Law, other: Law | None) -> None:
    assert cleaned(one) == (one if other is None else other)


@pytest.mark.parametrize(
    ("known", "count"),
    [
        (law(term(45.0), term(2.6, Power(0, number(0.72)), Power(1, number(0.65)))), 5),
        (law(one(X, Y)), 1),
        (NESTED, 17),
        (LARGEST, 7),
    ],
)
def test_operators_are_those_a_reader_counts(known: Law, count: int) -> None:
    assert operators(known) == count
