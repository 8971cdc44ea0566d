"""sympy expressions as formulas: the same values, and a name for everything that cannot be taken over."""

import sys

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

from kanopt import Formula, FormulaError, Variable, parse_formula
from kanopt.formulas import FUNCTIONS, Apply, Input, Step
from tests.formulas.strategies import INPUTS, NUMBERS, OUTPUT, laws, rows, steady

X, Y = sympy.symbols("x y")
KM, LOAD, RATE = sympy.symbols("km load rate")


@settings(max_examples=60, deadline=None)
@given(laws(tabulated=False), rows())
def test_what_is_written_is_read_back(law, data):
    try:
        expression = law.to_sympy()
    except FormulaError:
        return  # a part without a finite value
    if expression.has(sympy.oo, -sympy.oo, sympy.zoo, sympy.nan, sympy.I):
        with pytest.raises(FormulaError, match="no finite real number"):
            Formula.from_sympy(expression, NUMBERS, OUTPUT)
        return
    again = Formula.from_sympy(expression, NUMBERS, OUTPUT, per="leg")
    assert (again.inputs, again.output, again.per) == (NUMBERS, OUTPUT, "leg")
    numbers = {name: values for name, values in data.items() if name != "vehicle"}
    try:
        wanted = law.evaluate(numbers)
        found = again.evaluate(numbers)
    except FormulaError:
        return  # no finite value at one of the rows, or one that sympy's rearranged steps do not reach
    calm = np.broadcast_to(steady(law, data), np.shape(wanted))
    np.testing.assert_allclose(found[calm] if np.ndim(found) else found, wanted[calm], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
def test_every_function_is_read_back_and_as_exact(name):
    law = Formula(Apply(name, Input("x")), (Variable("x"),), Variable("y"))
    again = Formula.from_sympy(law.to_sympy(), ["x"], "y")
    x = np.array([1e-12, 0.3, 2.0, 900.0])
    x = x[:3] if name == "exp" else x
    np.testing.assert_allclose(again.evaluate({"x": x}), law.evaluate({"x": x}), rtol=1e-14)


def test_the_text_of_a_law_and_its_expression_are_one_law():
    text = "0.5 + 0.12 * km * (1 + 0.04 * load) + 2 * sqrt(km) / load"
    again = Formula.from_sympy(parse_formula(text, ["km", "load"], "fuel").to_sympy(), ["km", "load"], "fuel")
    rows = {"km": np.linspace(1.0, 90.0, 7), "load": np.linspace(0.5, 12.0, 7)}
    np.testing.assert_allclose(again.evaluate(rows), parse_formula(text, ["km", "load"], "f").evaluate(rows))
    assert again.provenance == {"from": "sympy"}


def test_symbols_may_be_constants_that_are_estimated():
    law = Formula.from_sympy(RATE * KM**2 + sympy.pi, [Variable("km", "km")], "cost", constants={"rate": 0.3})
    assert [constant.name for constant in law.constants if constant.name != "pi"] == ["rate"]
    km = np.linspace(1.0, 9.0, 20)
    found = law.refit({"km": km, "cost": 0.5 * km**2 + np.pi})
    assert {c.name: c.value for c in found.constants}["rate"] == pytest.approx(0.5)


def test_stairs_are_steps():
    rate = Step(Input("x"), (1.0, 5.0), (90.0, 70.0, 55.0))
    law = Formula(rate, (Variable("x"),), Variable("y"))
    again = Formula.from_sympy(law.to_sympy(), ["x"], "y")
    assert isinstance(again.root, Step)
    assert again.evaluate({"x": np.array([0.0, 1.0, 4.9, 5.0])}).tolist() == [90.0, 70.0, 70.0, 55.0]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x + 1", r"'x \+ 1' is a str and no sympy expression; parse_formula reads text"),
        (3.0, "3.0 is a float and no sympy expression"),
        (sympy.Eq(X, Y), "is a Equality and no sympy expression"),
        (X + sympy.Symbol("loda"), "the symbol 'loda' is neither an input nor a constant"),
        (X + sympy.I, "I is no finite real number"),
        (X * sympy.oo, "oo is no finite real number"),
        (sympy.Integer(10) ** 400 + X, "no finite real number"),
        (sympy.gamma(X), r"gamma\(x\) cannot be taken over: formulas have no gamma; write it with"),
        (sympy.Function("f")(X) + 1, r"f\(x\) cannot be taken over: formulas have no f"),
        (sympy.Integral(sympy.sin(X**2), X), "formulas have no Integral"),
        (sympy.floor(X), "formulas have no floor"),
        (sympy.Piecewise((X, X < 3), (2, True)), "only numbers between rising thresholds"),
        (sympy.Piecewise((1, X < 3), (2, Y < 4), (3, True)), "only numbers between rising thresholds"),
        (sympy.Piecewise((1, X > 3), (2, True)), "only numbers between rising thresholds"),
    ],
)
def test_what_cannot_be_taken_over_is_named(expression, message):
    with pytest.raises(FormulaError, match=message):
        Formula.from_sympy(expression, ["x", "y"], "z")


def test_names_are_those_of_variables():
    with pytest.raises(FormulaError, match="the constant 'x' is also an input"):
        Formula.from_sympy(X, ["x"], "z", constants={"x": 1.0})
    with pytest.raises(FormulaError, match="'vehicle' is a category"):
        Formula.from_sympy(sympy.Symbol("vehicle") + 1, INPUTS, "z")


@pytest.mark.slow
def test_deep_expressions_come_back_or_are_refused():
    deep = X
    for _ in range(60):
        deep = sympy.sin(deep) + 1
    assert np.isfinite(Formula.from_sympy(deep, ["x"], "z").evaluate({"x": 1.0}))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)  # sympy itself stops some hundred steps down
    try:
        for _ in range(100):
            deep = sympy.sin(deep) + 1
    finally:
        sys.setrecursionlimit(limit)
    with pytest.raises(FormulaError, match="deep"):
        Formula.from_sympy(deep, ["x"], "z")
