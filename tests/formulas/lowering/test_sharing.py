"""Sharing the tolerance, products, rewriting and joint curvature."""

import numpy as np
import pytest

from kanopt.formulas import Apply, Formula, Input, Maximum, Minimum, Variable, parse_formula
from kanopt.formulas.enclosures.values import Enclosures
from kanopt.formulas.lowering.budget import in_order, shared_out
from kanopt.formulas.lowering.building import of_pieces
from kanopt.formulas.lowering.lowering import rewritten
from kanopt.formulas.lowering.pieces import Pieces
from kanopt.formulas.lowering.taking_apart import taken_apart

RANGES = {"x": (0.5, 4.0), "y": (1.0, 9.0), "z": (0.0, 2.0)}
INPUTS = [Variable(name, low=low, high=high) for name, (low, high) in RANGES.items()]


def graph(text):
    return parse_formula(text, INPUTS, Variable("out")).root


def equal(node):
    return rewritten(Enclosures(node, RANGES))


def parts_of(text):
    return in_order(taken_apart(Enclosures(graph(text), RANGES)))


def test_shares_meet_the_tolerance_through_a_root_at_zero():
    # an error e of what the root stands on becomes √e: the share must be about the square
    parts = parts_of("sqrt(log(1 + z) * x)^0.5 + 0 * y")
    for tolerance in (0.1, 0.01):
        shares = shared_out(parts, tolerance)
        assert all(0.0 < share < tolerance for share in shares.values())
    made = Formula(graph("sqrt(z + sin(x) - 0.47)"), tuple(INPUTS), Variable("out"))
    low = made.piecewise(0.02, ranges={"x": (0.5, 1.5)}).certificate
    inner = next(node for node in low.nodes if "sin" in node.text and "sqrt" not in node.text)
    assert inner.tolerance < 0.02**1.5


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


CONVEX = Pieces.through((0, 1, 2), (0, 1, 3))
FALLING = Pieces.through((0, 1, 2), (3, 1, 0))
VALLEY = Pieces.through((0, 1, 2), (1, 0, 1))
LINE = Pieces.through((0, 1), (2, 0))
WAVE = Pieces.through((0, 1, 2, 3), (0, 2, 1, 4))


@pytest.mark.parametrize(
    ("pieces", "argument", "expected"),
    [
        (CONVEX, "affine", "convex"),
        (CONVEX, "convex", "convex"),
        (CONVEX, "concave", "undecided"),
        (FALLING, "concave", "convex"),
        (FALLING, "convex", "undecided"),
        (VALLEY, "affine", "convex"),
        (VALLEY, "convex", "undecided"),
        (LINE, "convex", "concave"),
        (LINE, "affine", "affine"),
        (WAVE, "affine", "undecided"),
        (CONVEX, "undecided", "undecided"),
    ],
)
def test_rules_of_composition(pieces, argument, expected):
    assert of_pieces(pieces, argument) == expected
