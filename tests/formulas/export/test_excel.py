from functools import reduce

import numpy as np
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from tests.formulas.export.worksheet import DIV, NA, NUM, parse, value_of

X = (Variable("x"),)
KIND = Variable("kind", kind="category")


def cell(text, **cells):
    """Return the value of a formula where the cells have these values; others are empty."""
    return value_of(parse(text), lambda name: cells.get(name.replace("$", "")))


def law_of(node, *inputs):
    return Formula(node, inputs or X, Variable("y"))


def test_where_the_formula_has_no_value_the_cell_has_an_error():
    for text, x in (
        ("x^(1/3)", -8.0),
        ("x^0.73", -2.0),
        ("ln(x)", 0.0),
        ("1/x", 0.0),
        ("x^-2", 0.0),
        ("sqrt(x)", -1.0),
    ):
        law = parse_formula(text, X, Variable("y"))
        with pytest.raises(FormulaError, match="no finite value"):
            law.evaluate({"x": x})
        assert cell(law.to_excel({"x": "B1"}), B1=x) in (NUM, DIV), text


def test_what_is_missing_is_not_zero():
    law = law_of(Input("x") + 3.0 * Input("z"), Variable("x"), Variable("z"))
    text = law.to_excel({"x": "B1", "z": "B2"})
    assert cell(text, B1=1.0, B2=2.0) == 7.0
    for row in ({"B1": 1.0}, {"B1": 1.0, "B2": ""}, {"B1": "2", "B2": 2.0}, {"B1": True, "B2": 2.0}):
        assert cell(text, **row) == NA


def test_categories_are_told_apart_by_capitals_and_have_no_wildcards():
    table = law_of(Table.of({"van": 1.0, "Van": 2.0, "v*": 3.0, "2014": 4.0}, "kind"), KIND)
    text = table.to_excel({"kind": "B1"})
    for label, expected in (
        ("van", 1.0),
        ("Van", 2.0),
        ("v*", 3.0),
        ("2014", 4.0),
        (2014.0, 4.0),
        ("VAN", NA),
        ("v", NA),
    ):
        assert cell(text, B1=label) == expected
    assert cell(text) == NA


@pytest.mark.parametrize("label", ["a\nb", "a\x00b", "x" * 256, "a\tb"])
def test_categories_that_a_formula_of_excel_cannot_hold_are_refused(label):
    law = law_of(Table.of({label: 2.0}, "kind"), KIND)
    with pytest.raises(FormulaError, match="Excel takes no control characters and at most 255"):
        law.to_excel()


@pytest.mark.parametrize(
    "reference",
    ["", "B2:B9", "B2,B3", "B2)+(B3", "[Book1]Sheet1!A1", "'[x.xlsx]S'!A1", "a b", "=B2", "B2\n", "Sheet!", "#REF!",
     "http://x", "'a'b'!A1", None, 3, "x" * 300 + "(", "Ｂ２"],
)  # fmt: skip
def test_cells_that_are_none_are_refused(reference):
    with pytest.raises(FormulaError, match="is no cell such as 'B2'"):
        parse_formula("2 * x", X, Variable("y")).to_excel({"x": reference})


def long_sum(terms):
    return Sum(tuple(Constant(3.0) * Input("x") for _ in range(terms)))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (long_sum(3_000), "8,192 characters"),
        (reduce(lambda node, _: Apply("exp", node), range(70), Input("x")), "64 levels"),
        (Curve("s", Input("x"), tuple(np.sin(np.arange(500)).tolist()), 0.0, 1.0), "8,192 characters"),
    ],
)  # fmt: skip
def test_what_is_too_much_for_a_cell_is_refused_with_advice(node, message):
    with pytest.raises(FormulaError, match=message):
        law_of(node).to_excel()
