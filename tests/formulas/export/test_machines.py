"""The machines that exports are for, on every kind and function, and on columns of any name.

Names are reserved words, quotes, other scripts, and what exports make up themselves.
"""

from __future__ import annotations

import numpy as np
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import FUNCTIONS, Apply, Curve, Formula, Input, Maximum, Table, Variable
from kanopt.formulas.export.excel import defined_names
from tests.formulas.export import machines
from tests.formulas.export.test_round_trips import CASES, KINDS
from tests.formulas.strategies import raw

NAMES = (
    "km",
    *("select", "ORDER", "group by", "null", "date", "class", "lambda", "None", "def", "function", "return", "this"),
    *("kanopt_1", "KANOPT_2", "step_1", "np", "_curve", "Math", "row", "number", "constructor", "len", "y"),
    *('say "hi"', "it's", "a b", "x;--", "/*", "@", "@1", "{name}", "%s", "#1 [t]", "A1", "R1C1", "TRUE", "=1+1"),
    *("重量", "Größe", "naïve", "1st", "$x", "a.b", "a,b"),
)  # fmt: skip
INPUTS = tuple(Variable(name) for name in NAMES)
KM = Input("km")
ROWS = {name: np.array([1.5, -0.25, 3.0]) + place for place, name in enumerate(NAMES)}


def law_of(name: str) -> Formula:
    """Return a law that names an input often, and makes exports name its steps."""
    step = Apply("softplus", Input(name) - 2.0 * KM)
    return Formula(
        step * Apply("logistic", step - Input(name)) + Maximum((step, Input(name))), INPUTS, Variable("y")
    )


LAWS = {name: law_of(name) for name in NAMES}


@pytest.mark.parametrize("machine", machines.MACHINES, ids=lambda machine: machine.__name__)
def test_a_column_may_have_any_name(machine):
    found = machine(LAWS, ROWS)
    for name, law in LAWS.items():
        np.testing.assert_allclose(found[name], law.evaluate(ROWS), rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("machine", machines.MACHINES, ids=lambda machine: machine.__name__)
def test_every_kind_and_function_of_a_sum_a_product_and_a_curve(machine):
    x, y = Input("x"), Input("y")
    arguments = (x - y, x * y, Curve("s", x, (0.5, -1.25, 2.0, 0.75), -2.0, 2.5))
    roots = {case: CASES[case] for case in CASES if case not in ("chain", "deep", "many")}
    roots |= {f"{name} {k}": Apply(name, each) for name in FUNCTIONS for k, each in enumerate(arguments)}
    laws = {
        name: Formula(root, (Variable("x"), Variable("y"), *KINDS), Variable("z"))
        for name, root in roots.items()
    }
    data = {
        "x": np.array([0.1, 1.5, -0.25, 2.5]),
        "y": np.array([0.75, -1.25, 2.0, 0.5]),
        "vehicle": np.array(["van", "truck", "tram", "van"], dtype=object),
        "other": np.array(["van", "van", "truck", "bike"], dtype=object),
    }
    found = machine(laws, data)
    for name, law in laws.items():
        np.testing.assert_allclose(found[name], raw(law, data), rtol=1e-9, atol=1e-12, err_msg=name)


def test_columns_that_a_database_takes_for_functions_are_refused_where_it_does():
    user, kind = Variable("user", kind="category"), Table.of({"van": 1.0}, "user", fallback=2.0)
    assert Formula(kind, (user,), Variable("y")).to_sql().startswith("CASE WHEN")
    with pytest.raises(FormulaError, match="DuckDB takes the column 'user' for a function of its own"):
        Formula(Apply("softplus", kind), (user,), Variable("y")).to_sql()


def test_excel_knows_every_name_that_is_defined():
    ironcalc = pytest.importorskip("ironcalc")
    book = ironcalc.create("book", "en", "UTC", "en")
    for row, (name, word) in enumerate(defined_names(NAMES).items(), start=1):
        book.update_cell_with_number(0, row, 1, ROWS[name][0])
        book.new_defined_name(word, None, f"Sheet1!$A${row}")
    law = Formula(sum((Input(name) * place for place, name in enumerate(NAMES)), KM), INPUTS, Variable("y"))
    book.update_cell_with_formula(0, 1, 2, law.to_excel())
    book.evaluate()
    expected = law.evaluate({name: column[0] for name, column in ROWS.items()})
    assert book.get_cell_value(0, 1, 2) == pytest.approx(float(expected), rel=1e-12)


CAPITALS = Formula(Input("km") - 2.0 * Input("KM"), (Variable("km"), Variable("KM")), Variable("y"))


def test_columns_that_differ_in_capitals_are_refused_where_they_would_be_one():
    for export in (CAPITALS.to_sql, lambda: CAPITALS.to_excel(style="table")):
        with pytest.raises(
            FormulaError, match=r"'km' and 'KM' are the same column of .*; rename one of the inputs"
        ):
            export()
    assert CAPITALS.to_excel() == "=IF(COUNT(km,KM_)<2,NA(),km-2*KM_)"
    # an input that the law does not read is no column of the query
    alone = Formula(2.0 * Input("KM"), (Variable("km"), Variable("KM")), Variable("y"))
    assert alone.to_sql() == '2.0 * CAST("KM" AS DOUBLE PRECISION)'
