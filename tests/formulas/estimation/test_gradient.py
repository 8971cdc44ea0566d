import math

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Minimum,
    Power,
    Step,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.estimation import gradient
from kanopt.formulas.estimation.free import FreeParameters, linear_in
from kanopt.formulas.estimation.graph_tape import GraphTape
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


def test_arrays_of_any_shape_broadcast():
    law = parse_formula("a * x + b * y + c", [X, Y], OUT, constants={"a": 2.0, "b": 3.0, "c": 1.0})
    x, y = np.arange(4.0), np.arange(3.0)[:, None]
    found = gradient(law, {"x": x, "y": y})
    assert found.derivative.shape == (3, 4, 3)
    np.testing.assert_array_equal(found.value, law.evaluate({"x": x, "y": y}))
    np.testing.assert_array_equal(found.derivative[..., 0], np.broadcast_to(x, (3, 4)))
    np.testing.assert_array_equal(found.derivative[..., 1], np.broadcast_to(y, (3, 4)))
    assert gradient(law, {"x": 1.0, "y": 2.0}).derivative.tolist() == [1.0, 2.0, 1.0]
    flat = parse_formula("a", [X], OUT, constants={"a": 2.0})
    assert gradient(flat, {"x": x}).derivative.tolist() == [[1.0]] * 4


def test_one_name_in_several_places_is_one_number():
    law = parse_formula("a * x + a * y", [X, Y], OUT, constants={"a": 2.0})
    assert gradient(law, {"x": [1.0], "y": [5.0]}).derivative.tolist() == [[6.0]]
    torn = Formula(Constant(1.0, "a") * Input("x") + Constant(2.0, "a"), (X,), OUT)
    with pytest.raises(FormulaError, match="'a' stands for 1 in one place and for 2 in another"):
        gradient(torn, {"x": [1.0]})


def test_powers_at_the_edge():
    law = parse_formula("x ^ b", [X], OUT, constants={"b": 1.5})
    assert gradient(law, {"x": [0.0, 1.0]}).derivative.tolist() == [[0.0], [0.0]]
    whole = parse_formula("x ^ b", [X], OUT, constants={"b": 2.0})
    assert np.isnan(gradient(whole, {"x": [-1.0]}).derivative).all()


def test_the_first_of_equal_parts_moves_and_what_does_not_count_stays_at_zero():
    a, b = Constant(1.0, "a"), Constant(1.0, "b")
    for kind in (Maximum, Minimum):
        law = Formula(kind((a, b)), (X,), OUT)
        assert gradient(law, {}).derivative.tolist() == [1.0, 0.0]
    # the logarithm of a·0 has no finite derivative, but the maximum is elsewhere
    law = Formula(Maximum((Apply("log", a * Input("x")), b)), (X,), OUT)
    assert gradient(law, {"x": [0.0]}).derivative.tolist() == [[0.0, 1.0]]
    # the square root of 0 is infinitely steep, but a·0 stays 0
    law = Formula(Apply("sqrt", a * Input("x")), (X,), OUT)
    assert gradient(law, {"x": [0.0, 4.0]}).derivative.tolist() == [[0.0], [1.0]]


def test_pieces_are_linear_in_their_numbers():
    curve = Curve("s", Input("x"), (0.3, -1.0, 2.0, 0.5, 0.1), 0.0, 4.0)
    rate = Table.of({"van": 1.0, "truck": 1.4}, "kind", fallback=2.0, name="rate")
    stair = Step(Input("x"), (1.0,), (5.0, 6.0), "stair")
    law = Formula(curve + rate * stair, (X, Variable("kind", kind="category")), OUT)
    found = gradient(
        law, {"x": [0.5, 1.0, 2.0], "kind": ["van", "truck", "bike"]}, only=["stair", "rate", "s"]
    )
    assert found.names == (*(f"s[{i}]" for i in range(5)), "rate[van]", "rate[truck]", "stair[0]", "stair[1]")
    np.testing.assert_allclose(found.derivative[:, :5], curve.grid.basis(np.array([0.5, 1.0, 2.0])))
    assert found.derivative[:, 5:].tolist() == [[5, 0, 1, 0], [0, 6, 0, 1.4], [0, 0, 0, 2]]
    np.testing.assert_allclose(
        found.value, law.evaluate({"x": [0.5, 1.0, 2.0], "kind": ["van", "truck", "bike"]})
    )


def by_differences(law, data):
    free = FreeParameters.of(law.root, None)
    columns = []
    for step in 1e-6 * np.eye(free.count):
        ends = [Formula(free.substitute(law.root, free.values + s * step), law.inputs, OUT) for s in (1, -1)]
        columns.append((ends[0].evaluate(data) - ends[1].evaluate(data)) / 2e-6)
    return np.column_stack(columns)


def test_as_deep_as_formulas_nest():
    root = Input("x")
    for _ in range(120):
        root = Apply("tanh", root + Constant(0.3, "a"))
    law, data = Formula(root, (X,), OUT), {"x": np.array([0.5, 1.0])}
    np.testing.assert_allclose(gradient(law, data).derivative, by_differences(law, data), rtol=1e-6)


def test_numbers_that_are_read_several_times_add_up():
    a, b, x = Constant(1.5, "a"), Constant(0.7, "b"), Input("x")
    power = x**b
    root = a * x + a * power * Apply("exp", b * x) + power + Apply("exp", a) * Apply("exp", a * x * b)
    law, data = Formula(root, (X,), OUT), {"x": np.array([0.5, 1.0, 2.0])}
    np.testing.assert_allclose(gradient(law, data).derivative, by_differences(law, data), rtol=1e-6)


def test_names_that_say_nothing_or_two_things_are_refused():
    twice = Curve("s", Input("x"), (0.0, 1.0, 2.0, 3.0), 0.0, 1.0)
    other = Curve("s", Input("x"), (0.0, 1.0, 2.0, 4.0), 0.0, 1.0)
    law = Formula(Constant(1.0, "rate") * twice + Apply("exp", twice), (X,), OUT)
    with pytest.raises(FormulaError, match="called 'rte'; did you mean 'rate'"):
        gradient(law, {"x": 1.0}, only=["rte"])
    assert gradient(law, {"x": 1.0}, only=["s"]).derivative.shape == (4,)
    for root in (twice + other, twice + Constant(1.0, "s"), twice + Constant(1.0, "s[0]")):
        with pytest.raises(FormulaError, match="two different things"):
            gradient(
                Formula(root, (X,), OUT), {"x": 1.0}, only=["s", "s[0]"][: 1 + ("s[0]" in str(root.children))]
            )


def test_what_the_law_is_linear_in_is_found():
    constants = dict.fromkeys("abcdef", 1.0)
    law = parse_formula("a * x ^ b + c * (d + e * y) + exp(f * x)", [X, Y], OUT, constants=constants)
    free = FreeParameters.of(law.root, None)
    linear = linear_in(law.root, free)
    assert dict(zip(free.names, linear.tolist(), strict=True)) == {
        "a": True, "b": False, "c": True, "d": False, "e": False, "f": False,
    }  # fmt: skip
    curve = Curve("s", Constant(2.0, "w") * Input("x"), (0.0, 1.0, 2.0, 3.0), 0.0, 1.0)
    free = FreeParameters.of(curve, ["s", "w"])
    assert linear_in(curve, free).tolist() == [True, *[False] * 4] or linear_in(curve, free).sum() in (0, 4)


def test_a_moving_curve_of_a_moving_argument():
    curve = Curve("s", Constant(2.0, "w") * Input("x"), (0.0, 1.0, 4.0, 2.0), 0.0, 3.0)
    law = Formula(Power(curve, Constant(2.0)), (X,), OUT)
    data = {"x": np.array([0.2, 0.9, 2.0])}
    found = gradient(law, data, only=["w", "s"])
    for place in range(5):
        free = FreeParameters.of(law.root, ["w", "s"])
        step = np.eye(5)[place] * 1e-6
        up, down = (GraphTape(law.root, data, free).value(free.values + sign * step) for sign in (1, -1))
        np.testing.assert_allclose(found.derivative[:, place], (up - down) / 2e-6, rtol=1e-5, atol=1e-7)


def test_gaps_and_units_are_read_as_evaluate_reads_them():
    law = parse_formula("a * x", [Variable("x", "km")], OUT, constants={"a": 2.0})
    with pytest.raises(FormulaError, match="'out': input 'x' has 1 missing value"):
        gradient(law, {"x": [1.0, math.nan]})
