import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Curve, Domain, Formula, Input, Range, Table, Variable, parse_formula
from tests.formulas.strategies import INPUTS, OUTPUT, laws, raw, rows, steady

COST = Variable("cost", "EUR")
XY = [Variable("x"), Variable("y")]


LESS = "an operator, a number, a name or a bracket is missing here, or one is too much"


def value(text, **data):
    inputs = [Variable(name) for name in data]
    return float(parse_formula(text, inputs, COST).evaluate(data))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("8 / 2 / 2", 2.0),
        ("2 ^ 3", 8.0),
        ("2 ** -1", 0.5),
        ("(-2) ^ 2", 4.0),
        ("+3 - -3", 6.0),
        ("1.5e2 + .5 + 2.", 152.5),
        ("2 · 3 × 4 ÷ 6 − 1", 3.0),
        ("max(1, 2, 3) + min(4, 5)", 7.0),
        ("exp(ln(5)) + log(1)", 5.0),
        ("cos(2 * pi)", 1.0),
        ("  1\n + 1\t", 2.0),
    ],
)
def test_arithmetic(text, expected):
    assert value(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, LESS),
        ("1 +* 2", 4, LESS),
        ("x +", 4, LESS),
        ("(x", 1, LESS),
        ("(x y)", 2, LESS),
        ("x)", 2, LESS),
        ("2 x", 3, LESS),
        ("'a'", 1, '"\'" has no place'),
        ("x == y", 3, "'=' has no place"),
        ("__import__(x)", 1, "unknown function '__import__'"),
        ("sqroot(x)", 1, "unknown function 'sqroot'; did you mean 'sqrt'"),
        ("x(2)", 1, "'x' is no function; put an operator"),
        ("exp", 1, r"'exp' is a function; write exp\(…\)"),
        ("2 * xx", 5, "unknown name 'xx'"),
        ("exp(x, y)", 1, "exp takes one argument, not 2"),
        ("exp()", 1, "exp takes one argument, not 0"),
        ("1 / 0", 5, "division by zero"),
        ("x ^ 2 ^ 3", 5, "a power of a power is ambiguous"),
        ("x ^ 101", 5, "the exponent 101 is beyond ±100"),
        ("1e999", 1, "not a finite number"),
        ("(" * 61 + "x" + ")" * 61, 61, "nest deeper than 60"),
        ("-" * 9_999, 1_001, "more than 1,000 operators"),
    ],
)
def test_what_is_no_formula_is_refused_where_it_fails(text, column, message):
    with pytest.raises(FormulaError, match=message) as caught:
        parse_formula(text, XY, COST)
    what, shown, caret = str(caught.value).split("\n")
    assert f"'cost', column {column}:" in what
    if text.strip():
        assert len(caret) - 3 == min(column - 1, 50)
        assert shown[len(caret) - 1 :][:1] == text[column - 1 : column].replace("\t", " ")


@given(st.text(alphabet="xy0123456789.+-*/^()` ,eE_'\"\\\n[]{}=", max_size=60))
def test_any_text_is_a_formula_or_a_formula_error(text):
    before = set(sys.modules)
    try:
        formula = parse_formula(text, XY, COST)
    except FormulaError:
        return
    assert isinstance(formula, Formula)
    assert math.isfinite(formula.root.size)
    assert set(sys.modules) == before


@given(laws(tabulated=False), rows())
def test_a_formula_reads_itself_back(law, data):
    try:
        again = parse_formula(str(law), INPUTS, OUTPUT)
    except FormulaError as error:
        # what the parser refuses on purpose: constants that come to nothing, and powers within exponents
        assert any(word in str(error) for word in ("not a finite number", "division by zero", "exponent"))  # noqa: PT017
        return
    ok = steady(law, data)
    np.testing.assert_allclose(raw(again, data)[ok], raw(law, data)[ok], rtol=0.1, atol=0.1)


def test_laws_are_put_in_with_their_inputs_domain_and_occasion():
    fuel = Formula(
        parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l")).root,
        (Variable("km", "km"),),
        Variable("fuel", "l"),
        per="leg",
        domain=Domain((Range("km", 1.0, 90.0),)),
    )
    toll = parse_formula("2 + km", [Variable("km")], Variable("toll", "EUR"), per="leg")
    cost = parse_formula(
        "fuel * price + toll",
        [Variable("price", "EUR/l")],
        COST,
        laws={"fuel": fuel, "toll": toll, "other": toll},
    )
    assert cost.evaluate({"km": 10.0, "price": 2.0}) == pytest.approx(0.12 * 10 * 2 + 12)
    assert [(v.name, v.unit) for v in cost.inputs] == [("price", "EUR/l"), ("km", "km")]
    assert cost.domain.range_of("km") == Range("km", 1.0, 90.0)
    assert cost.per == "leg"
    assert cost.fit is None
    assert cost.provenance["text"] == "fuel * price + toll"


@pytest.mark.parametrize(
    ("text", "inputs", "message"),
    [
        ("law", [Variable("law")], "'law' is both an input and a law"),
        (
            "law + km",
            [Variable("km", "m")],
            r"'km' is number \[m\], but the law for 'fuel' takes it as number \[km\]",
        ),
        ("law", [Variable("km", kind="category")], r"'km' is category"),
        ("kind + law", [Variable("kind", kind="category")], "'kind' is a category"),
        ("law(3)", [], "'law' is no function"),
        ("lwa", [], "did you mean 'law'"),
    ],
)
def test_laws_that_do_not_fit_are_refused(text, inputs, message):
    law = parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l"))
    with pytest.raises(FormulaError, match=message):
        parse_formula(text, inputs, COST, laws={"law": law})


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"x": 1.0}, "the constant 'x' is also an input"),
        ({"pi": 3.0}, "the constant 'pi' is also a known number"),
        ({"exp": 1.0}, "the constant 'exp' is also a function"),
        ({"a": np.nan}, "the constant 'a' is nan, no finite number"),
        ({"a": "1"}, "'a' is '1', no finite number"),
        ({"a": True}, "'a' is True, no finite number"),
        ({"": 1.0}, "neither is empty"),
        ({"b": 1.0}, "unknown name 'a'"),
    ],
)
def test_constants_that_mean_something_else_are_refused(constants, message):
    fuel = parse_formula("2 * x", XY[:1], Variable("fuel"))
    with pytest.raises(FormulaError, match=message):
        parse_formula("a * x", XY[:1], Variable("out"), laws={"fuel": fuel}, constants=constants)


def test_pieces_are_named_by_the_text_they_print_as():
    line = Curve("s", Input("x") / 2.5, (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    rate = Table.of({("a", "b"): 3.0}, "from", "to what", name="rate")
    inputs = [*XY, Variable("from", kind="category"), Variable("to what", kind="category")]
    pieces = [line, rate]
    law = parse_formula("s(`x`/2.50) * y + rate( from,`to what` ) + s(x / 2.5)", inputs, COST, pieces=pieces)
    assert law.curves == (line,)
    data = {"x": 0.5, "y": 10.0, "from": np.array(["a"], object), "to what": np.array(["b"], object)}
    assert law.evaluate(data) == pytest.approx(0.2 * 10 + 3 + 0.2)
    for text, message in [
        ("s(x)", r"column 1: a curve or table stands as it was learned: s\(x / 2.5\)"),
        ("s(x / 2.5", LESS),
        ("2 * s", r"column 5: 's' is a curve or table; write s\(x / 2.5\)"),
        ("rate(`to what`, from)", "stands as it was learned"),
        ("from + 1", "'from' is a category"),
    ]:
        with pytest.raises(FormulaError, match=message):
            parse_formula(text, inputs, COST, pieces=pieces)


def test_pieces_that_are_none_are_refused() -> None:
    with pytest.raises(
        FormulaError, match=r"pieces are curves, steps and tables, such as formula\.curves, not 's'"
    ):
        parse_formula("s(x)", ["x"], COST, pieces={"s": None})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    ["sqrt(x)*y + pi*x", "Max(x, 2*y) + exp(-x/y)", "Min(x, y)**Rational(3, 2)", "tanh(x - y) + Abs(x)/3"],
)
def test_expressions_of_sympy_are_read_from_their_text(text: str) -> None:
    sympy = pytest.importorskip("sympy")
    expression = sympy.sympify(text)
    law = parse_formula(str(expression), ["x", "y"], COST)
    expected = float(expression.subs({"x": 1.5, "y": 0.7}))
    assert law.evaluate({"x": np.array([1.5]), "y": np.array([0.7])})[0] == pytest.approx(expected, rel=1e-12)
