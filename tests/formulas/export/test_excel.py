from functools import reduce

import numpy as np
import pytest
from hypothesis import given, settings

from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Step,
    Sum,
    Table,
    Variable,
    parse_formula,
)
from kanopt.formulas.export.cells import column_of, defined_names
from tests.effort import at_most
from tests.formulas.export.engines import as_number, records
from tests.formulas.export.worksheet import DIV, NA, NUM, parse, value_of
from tests.formulas.strategies import laws, raw, rows, steady

X = (Variable("x"),)
KIND = Variable("kind", kind="category")


def cell(text, **cells):
    """Return the value of a formula where the cells have these values; others are empty."""
    return value_of(parse(text), lambda name: cells.get(name.replace("$", "")))


def law_of(node, *inputs):
    return Formula(node, inputs or X, Variable("y"))


def test_the_machine_reads_formulas_as_excel_documents_it():
    """What would be wrong of a formula must be wrong in the machine that the exports are tested with."""
    assert cell("=-B1^2", B1=3.0) == 9.0
    assert cell("=2^3^2") == 64.0
    assert cell("=2^-1*6%") == pytest.approx(0.03)
    assert cell("=0^0") == NUM
    assert cell("=POWER(-8,1/3)") == pytest.approx(-2.0)
    assert cell("=1/0") == DIV
    assert cell("=EXP(710)") == NUM
    assert cell('=IF("van"="VAN",1,2)') == 1.0
    assert cell("=0.1234567890123456789") == 0.123456789012345
    assert cell("=B1+1") == 1.0
    assert cell('=LOOKUP(2,1/EXACT("b",{"a";"b"}),{1;2})') == 2.0
    assert cell("=0.3=0.1+0.2") is True
    for wrong in (
        "=" + "(" * 65 + "1" + ")" * 65,
        "=" + "1+" * 5_000 + "1",
        "=1E309",
        "=FOO(1)",
        "={1+1}",
        '="a',
    ):
        with pytest.raises((AssertionError, KeyError)):
            parse(wrong)


@settings(max_examples=25)
@given(laws(), rows(count=2))
def test_cells_names_and_tables_say_the_same(law, data):
    try:
        values, ok = raw(law, data), steady(law, data)
        texts = [
            law.to_excel(),
            law.to_excel(style="table"),
            law.to_excel({name: f"Q{k + 1}" for k, name in used(law)}),
        ]
    except FormulaError:
        return
    for number, row in enumerate(records(data)):
        if ok[number]:
            found = [
                value_of(parse(text), {**row, **{f"Q{k + 1}": row[n] for k, n in used(law)}}.get)
                for text in texts
            ]
            np.testing.assert_allclose(list(map(as_number, found)), [values[number]] * 3, rtol=1e-9)


def used(law):
    return list(enumerate(name for name in law.used))


def test_numbers_have_fifteen_digits_and_results_about_as_many():
    coefficients = tuple(float(value) for value in np.sin(np.arange(23)) + 2)
    curve = Curve("s", Input("x"), coefficients, 1 / 3, 19.7)
    law = law_of(curve + 1 / 3 * Input("x") + np.pi)
    tree = parse(law.to_excel({"x": "A1"}))
    x = np.linspace(-5, 30, 211)
    found = [value_of(tree, {"A1": value}.get) for value in x.tolist()]
    np.testing.assert_allclose(found, law.evaluate({"x": x}), rtol=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0.5 + 0.12 * x * (1 + 0.04 * x)", "0.5+0.12*B2*(1+0.04*B2)"),
        ("-x^2", "-POWER(B2,2)"),
        ("2 - x^2 / (x + 1)", "2-POWER(B2,2)/(B2+1)"),
        ("(-x)^3", "POWER(-B2,3)"),
        ("x^(1/3)", "POWER(SQRT(B2),0.666666666666667)"),
        ("x^-0.5", "POWER(B2,-0.5)"),
        ("1 / x^2", "1/POWER(B2,2)"),
        ("2^x", "IF(B2=0,1,POWER(2,B2))"),
        ("sqrt(x) - -x", "SQRT(B2)-(-B2)"),
        ("1e-5 * x", "1E-05*B2"),
        ("max(x, 3)", "MAX(B2,3)"),
        ("min(exp(x), ln(x))", "MIN(EXP(B2),LN(B2))"),
    ],
)
def test_texts(text, expected):
    law = parse_formula(text, X, Variable("y"))
    assert law.to_excel({"x": "B2"}) == f"=IF(COUNT(B2)<1,NA(),{expected})"


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


def test_fallbacks_and_gaps():
    other = law_of(Table.of({"van": 1.0}, "kind", fallback=9.0), KIND).to_excel({"kind": "B1"})
    assert [cell(other, B1=label) for label in ("van", "tram", None, NUM)] == [1.0, 9.0, NA, NUM]
    gaps = law_of(Table.of({"van": 1.0, "missing": 2.0}, "kind"), KIND).to_excel({"kind": "B1"})
    assert [cell(gaps, B1=label) for label in ("van", "missing", None, "tram")] == [1.0, 2.0, 2.0, NA]


@pytest.mark.parametrize(
    "label",
    [
        'say "x"',
        '"&HYPERLINK("http://x","y")&"',
        "=1+1",
        "+cmd|' /C calc'!A0",
        "{1;2}",
        "'",
        "größe",
        "a,b;c}",
    ],
)
def test_no_category_can_change_what_the_formula_does(label):
    table = Table.of({label: 2.0, "other": 3.0}, "kind")
    text = law_of(table, KIND).to_excel({"kind": "B1"})
    assert cell(text, B1=label) == 2.0
    assert cell(text, B1="other") == 3.0


@pytest.mark.parametrize("label", ["a\nb", "a\x00b", "x" * 256, "a\tb"])
def test_categories_that_a_formula_of_excel_cannot_hold_are_refused(label):
    law = law_of(Table.of({label: 2.0}, "kind"), KIND)
    with pytest.raises(FormulaError, match="Excel takes no control characters and at most 255"):
        law.to_excel()


@pytest.mark.parametrize(
    "name",
    [
        "order",
        "a b",
        "x]",
        "[x",
        "#1",
        "it's",
        "@",
        "x'",
        "größe",
        "A1",
        "R1C1",
        "c",
        "TRUE",
        'x"',
        "=1+1",
        "IF",
        "a,b",
        "{",
    ],
)
def test_no_name_can_change_what_the_formula_does(name):
    law = law_of(Input(name) * 2.0 + Input("x1"), Variable(name), Variable("x1"))
    assert value_of(parse(law.to_excel(style="table")), {name: 3.0, "x1": 1.0}.get) == 7.0
    names = defined_names([name, "x1"])
    assert value_of(parse(law.to_excel()), {names[name]: 3.0, names["x1"]: 1.0}.get) == 7.0
    assert all(word.isascii() and word.isidentifier() for word in names.values())


def test_columns_of_tables_are_escaped():
    assert column_of("it's #1 [t] @home") == "[@[it''s '#1 '[t'] '@home]]"


@pytest.mark.parametrize(
    "reference", ["B2", "$B$2", "b2", "XFD1048576", "Trips!B2", "'My ''trips'''!$B2", "distance_km"]
)
def test_cells_that_are_cells(reference):
    assert (
        parse_formula("2 * x", X, Variable("y")).to_excel({"x": reference}).count(reference.split("!")[-1])
        == 2
    )


@pytest.mark.parametrize(
    "reference",
    ["", "B0", "XFE1", "A1048577", "B2:B9", "B2,B3", "B2)+(B3", "[Book1]Sheet1!A1", "'[x.xlsx]S'!A1", "a b", "R1C1",
     "IF", "=B2", "B2\n", "Sheet!", "#REF!", "http://x", "'a'b'!A1", None, 3, "x" * 300 + "(", "Ｂ２"],
)  # fmt: skip
def test_cells_that_are_none_are_refused(reference):
    with pytest.raises(FormulaError, match="is no cell such as 'B2'"):
        parse_formula("2 * x", X, Variable("y")).to_excel({"x": reference})


def test_cells_must_be_those_of_the_inputs():
    law = parse_formula("x + 0 * z", [Variable("x"), Variable("z"), Variable("unused")], Variable("y"))
    with pytest.raises(FormulaError, match="say in which cell 'z' is"):
        law.to_excel({"x": "B2"})
    with pytest.raises(FormulaError, match="has no input 'X'; "):
        law.to_excel({"X": "B2"})
    with pytest.raises(FormulaError, match="'names' or 'table', not 'r1c1'"):
        law.to_excel(style="r1c1")


def long_sum(terms):
    return Sum(tuple(Constant(3.0) * Input("x") for _ in range(terms)))


@pytest.mark.parametrize(
    ("node", "message"),
    [
        (long_sum(3_000), "8,192 characters"),
        (long_sum(1_500), "16,384 bytes"),
        (reduce(lambda node, _: Apply("exp", node), range(70), Input("x")), "64 levels"),
        (Curve("s", Input("x"), tuple(np.sin(np.arange(500)).tolist()), 0.0, 1.0), "8,192 characters"),
    ],
)  # fmt: skip
def test_what_is_too_much_for_a_cell_is_refused_with_advice(node, message):
    with pytest.raises(FormulaError, match=message + r".*save_excel\(path\)"):
        law_of(node).to_excel()


def test_curves_of_curves_do_not_fill_the_memory():
    node = reduce(lambda node, _: Curve("s", node, (0.0, 1.0, 0.5, 0.2), 0.0, 1.0), range(200), Input("x"))
    law = law_of(node)
    # written out in full, every curve would hold four times what it is a curve of
    with at_most(100_000, megabytes=10.0), pytest.raises(FormulaError, match="characters"):
        law.to_excel()


@pytest.mark.parametrize("value", [1.5e308, 5e-324, 1e-310])
def test_numbers_beyond_excel_are_refused(value):
    with pytest.raises(FormulaError, match="beyond what Excel holds"):
        law_of(Input("x") * value).to_excel()


def test_many_arguments_are_nested():
    law = law_of(Maximum(tuple(Input("x") + float(k) for k in range(300))))
    assert cell(law.to_excel({"x": "B1"}), B1=0.5) == 299.5
    many = tuple(Variable(f"v{k}") for k in range(300))
    law = law_of(Sum(tuple(Input(v.name) for v in many)), *many)
    cells = {v.name: f"A{k + 1}" for k, v in enumerate(many)}
    assert cell(law.to_excel(cells), **{f"A{k + 1}": 1.0 for k in range(300)}) == 300.0
    assert cell(law.to_excel(cells), **{f"A{k + 1}": 1.0 for k in range(299)}) == NA


def test_a_stair_without_breakpoints():
    assert cell(law_of(Step(Input("x"), (), (4.0,))).to_excel({"x": "B1"}), B1=-1e300) == 4.0
