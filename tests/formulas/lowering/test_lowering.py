"""Formulas made of pieces are as near to the law as their certificates say: random ones, closed forms, odd cases."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks._random_formulas import random_law
from kanopt.errors import FormulaError
from kanopt.formulas import (
    Apply,
    Curve,
    Formula,
    Input,
    Maximum,
    Step,
    Table,
    Variable,
    parse_formula,
)

X, Y = Variable("x", low=0.0, high=4.0), Variable("y", low=1.0, high=3.0)
SIDES = ("nearest", "over", "under")


def law(text, *inputs):
    return parse_formula(text, list(inputs or (X, Y)), Variable("out"))


def rows(formula, count=4000, seed=0):
    rng = np.random.default_rng(seed)
    return {v.name: np.append(rng.uniform(v.low, v.high, count), [v.low, v.high]) for v in formula.inputs}


def check(formula, made, data):
    """Assert that everything a certificate says is so at the given points; return the pieces minus the law."""
    proof = made.certificate
    off = made.evaluate(data) - formula.evaluate({**data, **made.fixed})
    assert proof.low <= off.min()
    assert off.max() <= proof.high
    assert max(proof.high, -proof.low) <= proof.bound <= proof.tolerance
    assert proof.side != "over" or proof.low >= 0.0
    assert proof.side != "under" or proof.high <= 0.0
    values = made.evaluate(data)
    slack = 1e-12 * np.abs(values).max()
    assert made.range[0] - slack <= values.min()
    assert values.max() <= made.range[1] + slack
    return off


@pytest.mark.parametrize("seed", range(10))
def test_random_formulas_are_within_their_certificates(seed):
    rng = np.random.default_rng((22, seed))
    for place in range(25):
        random = random_law(rng, size=3 + place % 6)
        made = random.formula.piecewise(random.tolerance, side=SIDES[place % 3], fixed=random.fixed)
        check(random.formula, made, random.rows(rng, 1000))


@pytest.mark.slow
def test_bounds_of_random_formulas_are_not_loose():
    rng = np.random.default_rng(3)
    ratios = []
    while len(ratios) < 60:
        random = random_law(rng)
        made = random.formula.piecewise(random.tolerance, fixed=random.fixed)
        off = check(random.formula, made, random.rows(rng, 1000))
        if np.abs(off).max() > 2.0 * made.certificate.rounding:
            ratios.append(made.certificate.bound / np.abs(off).max())
    assert np.median(ratios) < 2.0
    assert np.quantile(ratios, 0.9) < 20.0


@pytest.mark.slow
@given(
    st.floats(0.2, 3.0).map(lambda p: round(p, 2)),
    st.floats(0.0, 2.0),
    st.floats(0.5, 5.0),
    st.floats(1e-4, 0.3),
)
@settings(max_examples=60, deadline=None)
def test_powers_from_zero_on(power, low, width, tolerance):
    formula = law(f"x^{power}", Variable("x", low=low, high=low + width))
    for side in SIDES:
        check(formula, formula.piecewise(tolerance, side=side), rows(formula, 500))


@pytest.mark.parametrize("pieces", [2, 3, 7, 40])
def test_the_square_takes_the_fewest_pieces_there_can_be(pieces):
    # one piece of length h lies within h² / 8, and within h² / 4 to one side
    formula = law("x^2", Variable("x", low=0, high=1))
    nearest = formula.piecewise(1.02 / (8.0 * pieces**2))
    over = formula.piecewise(1.02 / (4.0 * pieces**2), side="over")
    assert nearest.certificate.segments == over.certificate.segments == pieces
    assert nearest.certificate.bound == pytest.approx(1.0 / (8.0 * pieces**2), rel=0.03)


WAVE = (1.0, -2.0, 0.5, 3.0, -1.0, 0.0)
U = Input("u")
OF_ONE = [
    (Apply("exp", -0.4 * U) * U, -1.0, 8.0),
    (Apply("sqrt", U) + U**2.3, 0.0, 5.0),
    (Apply("sqrt", U) + U**0.3, 0.0, 4.0),
    (Apply("abs", U * U - 2.0), -3.0, 3.0),
    (Maximum((Apply("sin", U), Apply("cos", U))), 0.0, 9.0),
    (Curve("s", U, WAVE, 0.0, 2.5, periodic=True), -1.0, 6.0),
    (Curve("s", Apply("log", U), WAVE, 0.0, 1.5), 0.2, 20.0),
    (Step(U * U, (1.0, 4.0), (0.0, 2.0, -1.0)) + Apply("tanh", U), -3.0, 3.0),
    (Step(U, (0.0, 2.0), (5.0, 1.0, 2.0)) * Apply("sqrt", U), 0.0, 2.0),
    (Apply("exp", U) + Apply("relu", U - 1.0), 0.0, 3.0),
    (Apply("log", U) - Apply("abs", U - 2.0), 0.5, 3.0),
    (Apply("softplus", U), -30.0, 30.0),
    # the softplus comes to its argument, so that there is no place of a kink
    (Apply("sqrt", Maximum((U, Apply("softplus", Apply("abs", U))))), 30.0, 99.0),
]


@pytest.mark.parametrize(("root", "low", "high"), OF_ONE)
@pytest.mark.parametrize("tolerance", [0.2, 0.0007])
def test_functions_of_one_variable(root, low, high, tolerance):
    formula = Formula(root, (Variable("u", low=low, high=high),), Variable("out"))
    made = formula.piecewise(tolerance)
    # values next to a jump may be those of either side: the places are drawn, and none is on one
    check(formula, made, {"u": np.random.default_rng(1).uniform(low, high, 4000)})


def test_what_is_fixed_is_folded_in():
    formula = law("x^2 * y^1.5")
    made = formula.piecewise(0.01, fixed={"x": 3.0})
    assert [v.name for v in made.inputs] == ["y"]
    assert made.certificate.segments == formula.piecewise(0.01, ranges={"x": (3.0, 3.0)}).certificate.segments
    check(formula, made, {"y": np.linspace(1.0, 3.0, 500)})
    nothing_left = formula.piecewise(0.01, fixed={"x": 3.0, "y": 2.0})
    assert float(nothing_left.evaluate({})) == pytest.approx(9.0 * 2.0**1.5)


def test_a_staircase_of_a_sum_of_inputs_is_exact():
    formula = Formula(
        Step(Input("x") + 2.0 * Input("y"), (4.0, 6.0), (1.0, 5.0, 2.0)), (X, Y), Variable("out")
    )
    made = formula.piecewise(0.01)
    assert made.certificate.bound < 1e-12
    check(formula, made, rows(formula))


def test_tables_are_looked_up():
    table = Table.of({"van": 1.0, "truck": 1.6}, "kind")
    formula = Formula(
        table * Apply("sqrt", Input("x")), (X, Variable("kind", kind="category")), Variable("out")
    )
    for label in ("van", "truck"):
        made = formula.piecewise(0.01, fixed={"kind": label})
        data = {"x": np.linspace(0, 4, 100), "kind": np.full(100, label, dtype=object)}
        check(formula, made, data)
    assert formula.piecewise(0.01, ranges={"kind": "van"}).fixed == {"kind": "van"}
    with pytest.raises(FormulaError, match=r"input 'kind' is a category: fix it, fixed=\{'kind': …\}"):
        formula.piecewise(0.01)
    with pytest.raises(FormulaError, match=r"unseen category 'bike'"):
        formula.piecewise(0.01, fixed={"kind": "bike"})


@pytest.mark.parametrize(
    "text",
    [
        "sqrt(x * y)",
        "sqrt(x^2 + (y - 1)^2)",
        "sqrt(max(x * (y - 1), x^2))",
        "sqrt(y - 0.4 + sin(15 * x) * cos(15 * x))",
        "(x * y + 0.01)^0.65 - sqrt(x)",
        "max(x * y, x^2, 3 * y)",
        "x * y * (x + y) / (1 + x)",
        "x^y",
        "sin(3 * x) * cos(y) * exp(-x)",
        "sqrt(x - x^2 / 4)",
        "x * log(x + 0.01) * softplus(y - 2)",
        "exp(exp(x / 4) * y / 4)",
        "x^2 * y^-1.5 - x^2 * y",
    ],
)
def test_compositions(text):
    formula = law(text, Variable("x", low=0.05, high=4.0), Y) if text == "x^y" else law(text)
    for side, tolerance in zip(SIDES, (0.3, 0.03, 0.01), strict=True):
        made = formula.piecewise(tolerance, side=side)
        check(formula, made, rows(formula))


@pytest.mark.parametrize(
    ("text", "tolerance", "options", "message"),
    [
        ("x", 0.0, {}, "a tolerance is a positive number, not 0.0"),
        ("x", 0.1, {"side": "below"}, "not 'below'"),
        ("x", 0.1, {"max_segments": 0}, "max_segments=0 must be above 0"),
        ("x", 0.1, {"fixed": {"z": 1.0}}, "has no input 'z'; known: 'x', 'y'"),
        ("x", 0.1, {"fixed": {"x": math.inf}}, "input 'x' has no finite range"),
        (
            "x",
            0.1,
            {"ranges": {"x": (0, math.inf)}},
            r"input 'x' has no finite range \(from 0 to inf\); give one",
        ),
        ("log(x)", 0.1, {}, r"log\(x\) has no finite value where x is 0; narrow the range"),
        (
            "1 / (x - 0.3)",
            0.1,
            {},
            "could not be shown to have a finite value, or a bounded slope, where x is 0.3, about",
        ),
        (
            "1 / (x + y - 3)",
            0.1,
            {},
            r"1 / \(x \+ y - 3\) could not be shown .* where x \+ y - 3 is 0, about",
        ),
        ("log(x) * y", 0.1, {"fixed": {"x": 0.0}}, r"log\(0\) has no finite value"),
        (
            "exp(3 * x) * y^2",
            1e-7,
            {},
            "is finer than its rounding",
        ),
        ("exp(3 * x)", 1e-7, {}, "has to be within .* and bends too often for that"),
        ("exp(3 * x)", 1e-4, {"max_segments": 50}, "more than the 50 pieces that are allowed are needed"),
        ("tanh(log(x))", 0.1, {}, "could not be shown to have a finite value everywhere in the ranges"),
        ("1e9 * x", 1e-9, {}, "a tolerance of 1e-09 is finer than rounding"),
        ("1e9 * x", 1e-9, {"side": "over"}, "a tolerance of 1e-09 is finer than rounding"),
        ("1e9 * x", 1e-9, {"side": "under"}, "a tolerance of 1e-09 is finer than rounding"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_do(text, tolerance, options, message):
    with pytest.raises(FormulaError, match=message) as caught:
        law(text).piecewise(tolerance, **options)
    assert str(caught.value).startswith("formula for 'out': ")


def test_what_cancels_leaves_its_rounding_in_the_bound():
    inputs = [Variable("x", low=0.0, high=1.0), Variable("y", low=0.0, high=1.0)]
    x, y = Input("x"), Input("y")
    for root in (
        1e9 * x + x / 3.0 - 1e9 * x,
        (1e9 * x + y) - (1e9 * x - x / 3.0),
        1e9 + x - 1e9 + 0.1 * y,
        1e6 * (x * y) - 1e6 * (x * y + x),
        3.0 * (1e9 * (x + y) + x) - 3e9 * (x + y),
    ):
        formula = Formula(root, tuple(inputs), Variable("out"))
        made = formula.piecewise(0.01)
        assert 1e-13 < made.certificate.rounding < 1e-4
        check(formula, made, rows(formula))
