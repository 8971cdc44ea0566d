import pytest

from kanopt.formulas import Curve, Formula, Input, Table, Variable, parse_formula
from kanopt.formulas.printing import to_infix
from kanopt.formulas.shapes.cores import curvature_core, logarithm, slope_core
from kanopt.formulas.shapes.proof import sides_of

INPUTS = [
    Variable("x", low=0.0, high=9.0),
    Variable("y", low=1.0, high=2.0),
    Variable("z", low=-1.0, high=1.0),
]


def law_of(text):
    return parse_formula(text, INPUTS, Variable("out"))


@pytest.mark.parametrize(
    ("text", "core", "sign"),
    [
        ("x + y * z", "x", 1),
        ("y * x + 3", "x", 1),
        ("-2 * x * y", "x", -1),
        ("z * x", "z · x", 1),  # the sign of z is open
        ("exp(-y * x^2) / y", "x", -1),
        ("5 - 3 * tanh(x * y + x)", "x · y + x", -1),
        ("relu(x - 3) + 1", "relu(x - 3)", 1),  # flat in places
        ("(x + x * y)^-0.5", "x + x · y", -1),
        ("z^2 + x^3 * y", "x", 1),
        ("sin(x)", "sin(x)", 1),
        ("x * exp(y * x)", "x · exp(y · x)", 1),
        ("y", "y", 1),
    ],
)
def test_slopes_turn_on_a_part(text, core, sign):
    law = law_of(text)
    node, direction = slope_core(law.root, "x", sides_of(law, {}))
    assert (to_infix(node), direction) == (core, sign)


@pytest.mark.parametrize(
    ("text", "core", "sign"),
    [
        ("x^2 * y + z", "x^2", 1),
        ("-y * exp(x) + 2 * z", "exp(x)", -1),
        ("y + x * z", "x · z", 1),
        ("exp(x * y)", "exp(x · y)", 1),
    ],
)
def test_bends_turn_on_a_part(text, core, sign):
    law = law_of(text)
    node, direction = curvature_core(law.root, "x", sides_of(law, {}))
    assert (to_infix(node), direction) == (core, sign)


def test_a_strictly_rising_curve_moves_with_its_argument():
    inputs = (*INPUTS, Variable("kind", kind="category"))
    argument = Input("x") + Table.of({"a": 1.0, "b": 2.0}, "kind")
    rising, flat = (
        Curve("s", argument, steps, 0.0, 12.0) for steps in ((0.0, 1.0, 3.0, 4.0), (0.0, 1.0, 1.0, 1.0, 1.0))
    )
    for curve, core in ((rising, "x"), (flat, "s(x + table(kind))")):
        law = Formula(curve, inputs, Variable("out"))
        node, sign = slope_core(law.root, "x", sides_of(law, {}))
        assert (to_infix(node), sign) == (core, 1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x * y^-0.5 * exp(-x)", "log(x) - 0.5 · log(y) - x"),
        ("x * z", None),
        ("x + y", None),
        ("x * (y * y)^2", "log(x) + 2 · (log(y) + log(y))"),
    ],
)
def test_a_product_of_positive_factors_has_a_logarithm(text, expected):
    law = law_of(text)
    found = logarithm(law.root, sides_of(law, {}))
    assert (None if found is None else to_infix(found)) == expected
