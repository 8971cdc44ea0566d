"""sympy expressions as formulas: the same values, and a place for everything that cannot be read."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings

from kanopt import Formula, FormulaError, Variable, parse_formula
from tests.formulas.strategies import INPUTS, NUMBERS, OUTPUT, laws, rows, steady

X, Y = sympy.symbols("x y")
KM, LOAD, RATE = sympy.symbols("km load rate")


@settings(max_examples=60, deadline=None)
@given(laws(tabulated=False), rows())
def test_what_is_written_is_read_back(law, data):
    try:
        again = Formula.from_sympy(law.to_sympy(), NUMBERS, OUTPUT, per="leg")
    except FormulaError:
        return  # a part without a finite value, or a step or power that the language of formulas does not have
    assert (again.inputs, again.output, again.per) == (NUMBERS, OUTPUT, "leg")
    numbers = {name: values for name, values in data.items() if name != "vehicle"}
    try:
        wanted = law.evaluate(numbers)
        found = again.evaluate(numbers)
    except FormulaError:
        return  # no finite value at one of the rows, or one that sympy's rearranged steps do not reach
    calm = np.broadcast_to(steady(law, data), np.shape(wanted))
    np.testing.assert_allclose(found[calm] if np.ndim(found) else found, wanted[calm], rtol=1e-9, atol=1e-9)


def test_the_text_of_a_law_and_its_expression_are_one_law():
    text = (
        "0.5 + 0.12 * km * (1 + 0.04 * load) + 2 * sqrt(km) / load - max(km, load, 3) + abs(km - 7) + exp(1)"
    )
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


def test_names_need_not_be_words():
    distance = sympy.Symbol("distance (km)")
    law = Formula.from_sympy(2 * distance, ["distance (km)"], "cost")
    assert law.evaluate({"distance (km)": 3.0}) == 6.0


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("x + 1", r"'x \+ 1' is a str and no sympy expression; parse_formula reads text"),
        (sympy.Eq(X, Y), "is a Equality and no sympy expression"),
        (X + sympy.Symbol("loda"), "unknown name 'loda'"),
        (X + sympy.I, "unknown name 'I'"),
        (X * sympy.oo, "unknown name 'oo'"),
        (sympy.Integer(10) ** 400 + X, "not a finite number"),
        (sympy.gamma(X), "unknown function 'gamma'"),
        (sympy.Integral(sympy.sin(X**2), X), "unknown function 'Integral'"),
        (sympy.Piecewise((1, X > 3), (2, True)), "'>' has no place"),
    ],
)
def test_what_cannot_be_read_is_named(expression, message):
    with pytest.raises(FormulaError, match=message):
        Formula.from_sympy(expression, ["x", "y"], "z")


def test_names_are_those_of_variables():
    with pytest.raises(FormulaError, match="the constant 'x' is also an input"):
        Formula.from_sympy(X, ["x"], "z", constants={"x": 1.0})
    with pytest.raises(FormulaError, match="'vehicle' is a category"):
        Formula.from_sympy(sympy.Symbol("vehicle") + 1, INPUTS, "z")


def test_deep_expressions_are_refused():
    deep = X
    for _ in range(70):
        deep = sympy.sin(deep) + 1
    with pytest.raises(FormulaError, match="deep"):
        Formula.from_sympy(deep, ["x"], "z")
