import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Constant,
    Curve,
    Formula,
    Step,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.estimation import gradient
from kanopt.formulas.estimation.graph_tape import FreeParameters, GraphTape
from kanopt.formulas.nodes import rebuild
from tests.formulas.strategies import INPUTS, OUTPUT, laws, rows

X, Y, OUT = Variable("x"), Variable("y"), Variable("out")
PIECES = (Curve, Step, Table)


def everything(root):
    """Return the graph with every constant and every piece under a name of its own, and these names."""
    names = []

    def visit(node):
        if isinstance(node, Constant):
            names.append(f"c{len(names)}")
            return Constant(node.value, names[-1])
        if isinstance(node, PIECES):
            names.append(f"p{len(names)}")
            return type(node)(**{**vars_of(node), "name": names[-1]})
        return node

    return rebuild(root, visit), names


def vars_of(node):
    from dataclasses import fields

    return {field.name: getattr(node, field.name) for field in fields(node)}


@settings(max_examples=100, deadline=None)
@given(laws(), rows(3), st.integers(0, 2**32 - 1))
def test_the_derivative_is_the_limit_of_differences(law, data, seed):
    root, names = everything(law.root)
    free = FreeParameters.of(root, names)
    try:
        tape = GraphTape(root, data, free)
    except FormulaError:  # a category without an entry
        return
    value, derivative = tape.gradient(free.values)
    assert value.shape == (3,)
    assert derivative.shape == (3, free.count)
    np.testing.assert_array_equal(value, tape.value(free.values))
    direction = np.random.default_rng(seed).normal(size=free.count)
    width = 1e-6
    with np.errstate(all="ignore"):
        slope = derivative @ direction
        ahead = (tape.value(free.values + width * direction) - value) / width
        behind = (value - tape.value(free.values - width * direction)) / width
        # where both sides agree the law is smooth here; where values are large, rounding shows in the differences
        size = 1.0 + np.abs(ahead)
        smooth = (np.abs(value) < 1e4) & (np.abs(ahead - behind) < 1e-4 * size) & (size < 1e5)
        expected = (ahead + behind) / 2
    np.testing.assert_allclose(slope[smooth], expected[smooth], rtol=3e-4, atol=3e-4)


@settings(max_examples=60, deadline=None)
@given(laws(), rows(3))
def test_the_value_is_that_of_the_law(law, data):
    root, names = everything(law.root)
    free = FreeParameters.of(root, names)
    try:
        value = GraphTape(root, data, free).value(free.values)
        with np.errstate(all="ignore"):
            expected = Formula(root, INPUTS, OUTPUT).evaluate(data)
    except FormulaError:
        return
    fine = np.isfinite(value)  # a curve that is estimated has no value at infinity
    np.testing.assert_allclose(
        value[fine], expected[fine], rtol=1e-9, atol=1e-9 * (1 + np.abs(expected).max())
    )


@pytest.mark.parametrize(
    "text",
    [
        "a * x ^ b + c * log(y + d)",
        "a / (1 + exp(-b * (x - c))) - d * y ^ 2",
        "(a + b * x) ^ c * atan(d * y)",
        "sqrt(a * x) * tanh(b + y) - softplus(c * x) * logistic(d * y)",
        "sin(a * x + b) * cos(c / y) + log1p(d * x * y)",
        "a ^ (b * x) + (c * y) ^ d",
    ],
)
def test_the_derivative_is_that_of_sympy(text):
    constants = {"a": 1.3, "b": 0.7, "c": 0.4, "d": 1.9}
    law = parse_formula(text, [X, Y], OUT, constants=constants)
    data = {"x": np.array([0.3, 1.7, 2.9]), "y": np.array([2.1, 0.6, 1.4])}
    found = gradient(law, data)
    names = {name: sympy.Symbol(name) for name in ("x", "y", *constants)}
    known = {"log1p": lambda z: sympy.log(1 + z), "softplus": lambda z: sympy.log(1 + sympy.exp(z))}
    known["logistic"] = lambda z: 1 / (1 + sympy.exp(-z))
    expression = sympy.sympify(text, {**names, **known})
    for place, name in enumerate(found.names):
        slope = sympy.lambdify(list(names.values()), sympy.diff(expression, names[name]))
        expected = [slope(x, y, *constants.values()) for x, y in zip(data["x"], data["y"], strict=True)]
        np.testing.assert_allclose(found.derivative[:, place], expected, rtol=1e-10)
