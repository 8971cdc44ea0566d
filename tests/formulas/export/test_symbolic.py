import numpy as np
import pytest
import sympy

from kanopt.errors import FormulaError
from kanopt.formulas import Constant, Curve, Formula, Input, Power, Table, Variable, parse_formula
from tests.formulas.strategies import INPUTS


def test_it_can_be_differentiated():
    law = parse_formula("3 * d^0.5 + 2 * d", [Variable("d")], Variable("cost"))
    d = sympy.Symbol("d", real=True)
    assert float(sympy.diff(law.to_sympy(), d).subs(d, 4.0)) == pytest.approx(2.75)


def test_large_powers_of_numbers_come_back_at_once():
    node = Constant(9.0)
    for _ in range(4):
        node = Power(node, Constant(60.0))
    law = Formula(node * Input("x"), (Variable("x"),), Variable("y"))
    assert law.to_sympy().has(sympy.Symbol("x", real=True))


def test_tables_need_a_category():
    table = Table.of({"van": 1.0, "truck": 2.0}, "vehicle")
    law = Formula(table * Input("x"), INPUTS, Variable("y"))
    assert law.to_sympy({"vehicle": "truck"}) == 2.0 * sympy.Symbol("x", real=True)
    with pytest.raises(
        FormulaError, match=r"give the category of 'vehicle', such as categories=\{'vehicle': 'van'\}"
    ):
        law.to_sympy()
    with pytest.raises(FormulaError, match="'vehicle': unseen category 'vann'; did you mean 'van'"):
        law.to_sympy({"vehicle": "vann"})


def test_curves_of_curves_of_curves_are_refused_before_sympy_combines_them():
    node = Input("x")
    for _ in range(3):
        node = Curve("s", node, tuple(np.sin(np.arange(13)).tolist()), -1.0, 1.0)
    with pytest.raises(FormulaError, match="too many combinations of their pieces for sympy; to_python"):
        Formula(node + Input("x"), (Variable("x"),), Variable("y")).to_sympy()
    long = Curve("s", Input("x"), tuple(np.sin(np.arange(300)).tolist()), -1.0, 1.0)
    assert Formula(long, (Variable("x"),), Variable("y")).to_sympy().has(sympy.Piecewise)
