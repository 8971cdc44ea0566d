import math
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas import Curve, Domain, Formula, Input, Range, Table, Variable, parse_formula
from kanopt.formulas.formula_text import LONGEST
from kanopt.formulas.parameters import parameters_of
from tests.formulas.strategies import INPUTS, OUTPUT, laws, raw, rows, steady

COST = Variable("cost", "EUR")
XY = [Variable("x"), Variable("y")]


def value(text, **data):
    inputs = [Variable(name) for name in data]
    return float(parse_formula(text, inputs, COST).evaluate(data))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7.0),
        ("8 / 2 / 2", 2.0),
        ("8 - 2 - 2", 4.0),
        ("2 ^ 3", 8.0),
        ("2 ** -1", 0.5),
        ("-2 ^ 2", -4.0),
        ("(-2) ^ 2", 4.0),
        ("--3", 3.0),
        ("+3 - -3", 6.0),
        ("1.5e2 + .5 + 2.", 152.5),
        ("2 · 3 × 4 ÷ 6 − 1", 3.0),
        ("max(1, 2, 3) + min(4, 5)", 7.0),
        ("exp(ln(5)) + log(1)", 5.0),
        ("sqrt(16) + abs(-2) + relu(-1)", 6.0),
        ("cos(2 * pi)", 1.0),
        ("  1\n + 1\t", 2.0),
    ],
)
def test_arithmetic(text, expected):
    assert value(text) == pytest.approx(expected)


def test_names():
    assert value("2 * `Weight (kg)` / `a b`", **{"Weight (kg)": 6.0, "a b": 3.0}) == 4.0
    assert value("pi * 2", pi=10.0) == 20.0  # an input comes before the constant
    assert value("exp * exp(0)", exp=3.0) == 3.0  # and before a function
    assert value("größe²", **{"größe²": 3.0}) == 3.0


@pytest.mark.parametrize(
    ("text", "function"),
    [
        ("t0*(1 + 0.15*(q/c)**4)", lambda t0, q, c: t0 * (1 + 0.15 * (q / c) ** 4)),
        ("45 + 2.6*d**0.72*w**0.65", lambda d, w: 45 + 2.6 * d**0.72 * w**0.65),
        ("sqrt(2*D*S/h)", lambda D, S, h: np.sqrt(2 * D * S / h)),
        (
            "5200*p**(-1.6)*(1 + 0.3*sin(2*pi*t/52))",
            lambda p, t: 5200 * p**-1.6 * (1 + 0.3 * np.sin(2 * np.pi * t / 52)),
        ),
        (
            "60*lam/(mu*(lam+mu))*(1+cv**2)/2",
            lambda lam, mu, cv: 60 * lam / (mu * (lam + mu)) * (1 + cv**2) / 2,
        ),
        (
            "0.05*t*exp(6200*(1/278 - 1/(T+270)))",
            lambda t, T: 0.05 * t * np.exp(6200 * (1 / 278 - 1 / (T + 270))),
        ),
        ("70/(1 + exp(-0.15*(t - 24) + 1.1*d))", lambda t, d: 70 / (1 + np.exp(-0.15 * (t - 24) + 1.1 * d))),
        ("0.5^(t/half)", lambda t, half: 0.5 ** (t / half)),
    ],
)
def test_logistics_formulas(text, function):
    rng = np.random.default_rng(5)
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    data = {name: rng.uniform(1, 20, 30) for name in names}
    formula = parse_formula(text, [Variable(name) for name in names], COST)
    np.testing.assert_allclose(formula.evaluate(data), function(**data), rtol=1e-12)
    again = parse_formula(str(formula), formula.inputs, COST)
    assert str(again) == str(formula)


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 1, "the formula is empty"),
        ("   ", 1, "the formula is empty"),
        ("1 +* 2", 4, r"a number or a name is missing before '\*'"),
        ("x +", 4, "ends too early"),
        ("(x", 1, "this bracket is not closed"),
        ("(x y)", 4, "put an operator or '\\)' before 'y'"),
        ("x)", 2, "belongs to no bracket"),
        ("x, y", 2, "belongs to no bracket"),
        ("2 x", 3, "put an operator before 'x'"),
        ("x.real", 2, "'.' has no place in a formula"),
        ("x[0]", 2, r"'\[' has no place"),
        ("'a'", 1, '"\'" has no place'),
        ("x == y", 3, "'=' has no place"),
        ("x := 1", 3, "':' has no place"),
        ("x if y else 0", 3, "put an operator before 'if'"),
        ("`x", 1, "'`' has no place"),
        ("__import__('os')", 12, "has no place"),
        ("__import__(x)", 1, "unknown function '__import__'"),
        ("__builtins__", 1, "unknown name '__builtins__'"),
        ("lambda", 1, "unknown name 'lambda'"),
        ("eval(x)", 1, "unknown function 'eval'"),
        ("sqroot(x)", 1, "unknown function 'sqroot'; did you mean 'sqrt'"),
        ("x(2)", 1, "'x' is no function; put an operator"),
        ("exp", 1, r"'exp' is a function; write exp\(…\)"),
        ("2 * xx", 5, "unknown name 'xx'"),
        ("exp(x, y)", 1, "exp takes one argument, not 2"),
        ("max(x)", 1, "max takes two or more"),
        ("exp()", 5, r"missing before '\)'"),
        ("1 / 0", 5, "division by zero"),
        ("x / (2 - 2)", 5, "division by zero"),
        ("x ^ 2 ^ 3", 7, "a power of a power is ambiguous"),
        ("x ^ (y ^ 2)", 5, "an exponent must not contain a power"),
        ("9 ** 9 ** 9 ** 9", 8, "a power of a power is ambiguous"),
        ("x ^ 101", 5, "the exponent 101 is beyond ±100"),
        ("x ^ -1e300", 5, "is beyond ±100"),
        ("1e999", 1, "not a finite number"),
        ("log(0 - 1)", 1, "not a finite number"),
        ("1e200 * 1e200", 1, "not a finite number"),
        ("exp(1000)", 1, "not a finite number"),
        ("0 ^ -1", 1, "not a finite number"),
        ("(" * 61 + "x" + ")" * 61, 61, "nest deeper than 60"),
        ("(" * 9_999, 61, "nest deeper than 60"),
        ("-" * 9_999, 10_000, "ends too early"),
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


@pytest.mark.parametrize("text", [None, 3, b"x", ["x"]])
def test_only_text_is_read(text):
    with pytest.raises(FormulaError, match="a formula is a text"):
        parse_formula(text, XY, COST)


def test_long_sums_are_fine_and_long_texts_are_not():
    text = "+".join(["x"] * 2_000)
    assert parse_formula(text, XY, COST).evaluate({"x": 0.5}) == 1000.0
    with pytest.raises(FormulaError, match="characters are too many"):
        parse_formula("x" * (LONGEST + 1), XY, COST)


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


def test_laws_of_categories_may_be_put_in():
    rate = Formula(Table.of({"van": 2.0}, "kind"), (Variable("kind", kind="category"),), Variable("rate"))
    cost = parse_formula("rate * x", [Variable("x")], COST, laws={"rate": rate})
    assert cost.evaluate({"x": 3.0, "kind": "van"}) == 6.0


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


def test_the_bounds_that_laws_declare_hold_for_what_is_made_of_them():
    fuel = parse_formula("0.1 * km", [Variable("km", "km", low=0, high=90)], Variable("fuel", "l"))
    toll = parse_formula("0.2 * km", [Variable("km", "km", low=5, high=200)], Variable("toll", "EUR"))
    cost = parse_formula("fuel + toll", [Variable("km", high=150)], COST, laws={"fuel": fuel, "toll": toll})
    assert cost.inputs == (Variable("km", "km", low=5, high=90),)
    assert cost.outside({"km": [4.0, 5.0, 90.0, 120.0]}).tolist() == [True, False, False, True]


def test_the_categories_that_laws_declare_hold_for_what_is_made_of_them():
    rates = [
        Formula(
            Table.of(dict.fromkeys(known, 1.0), "v", fallback=2.0),
            (Variable("v", kind="category", categories=known),),
            COST,
        )
        for known in (("van", "truck"), ("truck", "bike"))
    ]
    both = parse_formula("a + b", [], COST, laws={"a": rates[0], "b": rates[1]})
    assert both.inputs[0].categories == ("truck",)
    assert both.outside({"v": ["van", "truck"]}).tolist() == [True, False]


def test_names_alone_are_variables_without_a_unit():
    area = parse_formula("width * height", ["width", Variable("height", "m")], "area")
    assert area.inputs == (Variable("width"), Variable("height", "m"))
    assert area.output == Variable("area")
    for inputs, output, message in [
        ("ab", "y", r"inputs='ab' must be a list of variables"),
        (3, "y", "inputs=3 must be a list"),
        (["a", 3], "y", r'formula for \'y\': input 3 is no variable; use Variable\("km", "km"\)'),
        (["a"], None, "output None is no variable"),
        ([" a"], "y", "a name is a text"),
    ]:
        with pytest.raises(FormulaError, match=message):
            parse_formula("a", inputs, output)


def test_laws_that_are_declared_nowhere_together_are_refused():
    near, far = (
        parse_formula("km", [Variable("km", "km", low=low, high=high)], COST)
        for low, high in ((0, 5), (6, 9))
    )
    with pytest.raises(FormulaError, match=r"'km'.*nowhere"):
        parse_formula("near + far", [], COST, laws={"near": near, "far": far})
    van, bike = (
        Formula(Table.of({known: 1.0}, "v"), (Variable("v", kind="category", categories=(known,)),), COST)
        for known in ("van", "bike")
    )
    with pytest.raises(FormulaError, match=r"'v'.*nowhere"):
        parse_formula("van + bike", [], COST, laws={"van": van, "bike": bike})


def test_constants_with_a_name_stay_as_they_are():
    law = parse_formula(
        "2 * a * x ^ -b + `per km` / 3 + a * 2", XY[:1], Variable("out"),
        constants={"a": 0.5, "b": 1, "per km": np.float32(3.0), "unused": 9.0},
    )  # fmt: skip
    assert parameters_of(law.root) == {"a": 0.5, "b": 1.0, "per km": 3.0}
    assert law.evaluate({"x": 2.0}) == pytest.approx(2 * 0.5 / 2 + 1 + 1)


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ({"x": 1.0}, "the constant 'x' is also an input"),
        ({"fuel": 1.0}, "the constant 'fuel' is also a law"),
        ({"pi": 3.0}, "the constant 'pi' is also a known number"),
        ({"exp": 1.0}, "the constant 'exp' is also a function"),
        ({"max": 1.0}, "the constant 'max' is also a function"),
        ({"ln": 1.0}, "the constant 'ln' is also a function"),
        ({"a": np.nan}, "the constant 'a' is nan, no finite number"),
        ({"a": 10**400}, "no finite number"),
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
    pieces = {"s(x / 2.5)": line, "rate(from, `to what`)": rate}
    law = parse_formula("s(`x`/2.50) * y + rate( from,`to what` ) + s(x / 2.5)", inputs, COST, pieces=pieces)
    assert law.curves == (line,)
    data = {"x": 0.5, "y": 10.0, "from": np.array(["a"], object), "to what": np.array(["b"], object)}
    assert law.evaluate(data) == pytest.approx(0.2 * 10 + 3 + 0.2)
    for text, message in [
        ("s(x)", r"column 1: a curve or table stands as it was learned: s\(x / 2.5\)"),
        ("s(x / 2.5", "stands as it was learned"),
        ("2 * s", r"column 5: 's' is a curve or table; write s\(x / 2.5\)"),
        ("rate(`to what`, from)", "stands as it was learned"),
        ("from + 1", "'from' is a category"),
    ]:
        with pytest.raises(FormulaError, match=message):
            parse_formula(text, inputs, COST, pieces=pieces)


def test_a_piece_that_reads_what_is_no_input_is_refused():
    with pytest.raises(FormulaError, match="reads 'z', which is no input"):
        parse_formula("s(z)", XY, COST, pieces={"s(z)": Curve("s", Input("z"), (1.0,) * 4, 0.0, 1.0)})
