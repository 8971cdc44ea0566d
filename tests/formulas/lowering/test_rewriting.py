"""What is rewritten before it is lowered."""

import numpy as np
import pytest

from kanopt.formulas import Apply, Formula, Input, Maximum, Minimum, Variable, parse_formula
from kanopt.formulas.enclosures.values import Enclosures
from kanopt.formulas.lowering.lowering import rewritten

RANGES = {"x": (0.5, 4.0), "y": (1.0, 9.0), "z": (0.0, 2.0)}
INPUTS = [Variable(name, low=low, high=high) for name, (low, high) in RANGES.items()]


def graph(text):
    return parse_formula(text, INPUTS, Variable("out")).root


def equal(node):
    return rewritten(Enclosures(node, RANGES))


@pytest.mark.parametrize(
    "text",
    [
        "sqrt(2 * x * y * z)",
        "(x * y)^-1.5 + z",
        "1 / ((x - 5) * y)",
        "log(x * y^2 / (1 + z))",
        "sqrt(max(x * y, z, 2))",
        "log(min(x * y, x + z))",
        "1 / max(x * y, x + z)",
        "sqrt((x - 1) * (x - 1))",
        "(x + z)^(y - 2)",
        "log(relu(x - 1) + y)",
    ],
)
def test_what_is_rewritten_is_equal(text):
    before = graph(text)
    after = equal(before)
    rng = np.random.default_rng(0)
    data = {name: rng.uniform(low, high, 300) for name, (low, high) in RANGES.items()}
    said, other = (Formula(root, tuple(INPUTS), Variable("out")).evaluate(data) for root in (before, after))
    assert other == pytest.approx(said, rel=1e-12)


def test_roots_and_logarithms_go_over_to_parts_that_are_in_their_domain():
    x, y = Input("x"), Input("y")
    assert equal(Apply("sqrt", x * y)) == Apply("sqrt", x) * Apply("sqrt", y)
    assert equal(Apply("log", x * y)) == Apply("log", x) + Apply("log", y)
    product = Apply("sqrt", (x - 1.0) * y)
    assert equal(product) == product
    largest = 1.0 / Maximum((x * y, Input("z") * y))
    assert equal(largest) == largest
    smallest = 1.0 / Maximum((x * y, x + y))
    assert isinstance(equal(smallest).children[1], Minimum)
