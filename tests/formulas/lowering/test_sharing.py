"""Sharing the tolerance, products, rewriting and joint curvature."""

import itertools
import math

import numpy as np
import pytest

from kanopt.formulas import Apply, Formula, Input, Maximum, Minimum, Variable, parse_formula
from kanopt.formulas.intervals import Enclosures
from kanopt.formulas.lowering.budget import effort_of, in_order, shared_out
from kanopt.formulas.lowering.building import of_pieces, of_sum, squared
from kanopt.formulas.lowering.lowering import rewritten
from kanopt.formulas.lowering.parts import Affine, Combination, Curved, Product
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


def test_shares_take_the_fewest_pieces():
    parts = parts_of("exp(x) + 20 * sqrt(z) + 0.1 * sin(3 * y)")
    shares = shared_out(parts, 0.05)
    weights = {part: abs(coefficient) for part, coefficient in parts[-1].sum.terms.items()}
    assert sum(weights[part] * share for part, share in shares.items()) == pytest.approx(0.05)

    def pieces(chosen):
        return sum(effort_of(part) / math.sqrt(share) for part, share in chosen.items())

    for a, b in itertools.permutations(shares, 2):
        moved = 0.05 * shares[a]
        other = {**shares, a: shares[a] - moved, b: shares[b] + moved * weights[a] / weights[b]}
        assert pieces(other) >= pieces(shares)


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


def test_parts_come_after_what_they_are_made_of():
    parts = parts_of("x * y + max(x * y, z)")
    for place, part in enumerate(parts):
        assert all(parts.index(source) < place for source in part.sources)
    assert len(parts) == len(set(parts))


def test_products_go_by_squares_or_by_logarithms_whichever_takes_fewer_pieces():
    assert any(isinstance(part, Product) for part in parts_of("x * z"))
    curved = parts_of("x^0.5 * y^-0.7")
    assert not any(isinstance(part, Product) for part in curved)
    assert [part.text for part in curved if isinstance(part, Curved)][-1] == "sqrt(x) · y^-0.7" or len(
        curved
    ) == 6


def test_negative_factors_keep_their_sign():
    inputs = [Variable("x", low=-9.0, high=-1.0), Variable("y", low=1.0, high=9.0)]
    law = parse_formula("-2 * x^-3 * y^-0.7", inputs, Variable("o"))
    made = law.piecewise(0.01)
    assert any("log" in node.text for node in made.certificate.nodes)
    data = {"x": np.linspace(-9.0, -1.0, 50)[:, None], "y": np.linspace(1.0, 9.0, 50)}
    assert np.abs(made.evaluate(data) - law.evaluate(data)).max() <= made.certificate.bound


def test_a_product_with_something_nearly_constant_is_a_line():
    law = parse_formula(
        "x * y", [Variable("x", low=1.0, high=1.001), Variable("y", low=0.0, high=10.0)], Variable("o")
    )
    made = law.piecewise(0.01)
    assert made.certificate.segments == 0
    data = {"x": np.linspace(1.0, 1.001, 30)[:, None], "y": np.linspace(0.0, 10.0, 30)}
    assert np.abs(made.evaluate(data) - law.evaluate(data)).max() <= made.certificate.bound <= 0.0026


@pytest.mark.parametrize(
    ("low", "high", "tolerance"), [(0.0, 1.0, 0.01), (-3.0, 5.0, 0.1), (100.0, 101.0, 1e-4)]
)
def test_squares_have_equal_pieces(low, high, tolerance):
    pieces, bound = squared(low, high, tolerance, 10_000)
    assert len(pieces) == math.ceil((high - low) / math.sqrt(8.0 * tolerance))
    x = np.linspace(low, high, 5001)
    off = np.abs(pieces.at(x) - x * x).max()
    assert off <= bound <= tolerance * (1.0 + 1e-6)
    assert bound == pytest.approx(off, rel=1e-3)
    assert squared(low, high, tolerance, len(pieces) - 1) == (None, math.inf)


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


def test_equal_terms_are_added_up():
    (total,) = [part for part in parts_of("2 * (x + z) - 2 * x + 3 * z") if isinstance(part, Affine)]
    assert [(coefficient, part.text) for part, coefficient in total.sum.terms.items()] == [(5.0, "z")]


def test_what_cancels_in_a_combination_is_not_forgotten_until_it_is_counted():
    x, y = Combination.of("x", constant=3.0), Combination.of("y", constant=-1.0).times(2.0)
    gone = x.plus(y).plus(x, -1.0)
    assert (gone.constant, gone.terms) == (-2.0, {"y": 2.0})
    assert (gone.weight, gone.bulk) == (8.0, {"x": 2.0, "y": 2.0})
    ends = {"x": (-4.0, 1.0), "y": (0.0, 5.0)}
    assert gone.size(ends.get) == 8.0 + 8.0 + 10.0
    assert gone.settled.size(ends.get) == 2.0 + 10.0
    assert gone.range(ends.get) == (-2.0, 8.0)


def test_a_combination_of_combinations_counts_what_cancels_in_both():
    outer = Combination.of("u").plus(Combination.of("v"), -3.0)
    made = {"u": Combination.of("x", constant=1.0), "v": Combination.of("x").plus(Combination.of("y"), 0.5)}
    inner = outer.put(made)
    assert (inner.constant, inner.terms) == (1.0, {"x": -2.0, "y": -1.5})
    assert (inner.weight, inner.bulk) == (1.0, {"x": 4.0, "y": 1.5})


def test_nothing_of_something_without_bounds_is_nothing():
    assert Combination.of("x", constant=2.0).times(0.0).size(lambda _: (0.0, math.inf)) == 0.0


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


def test_rules_of_sums():
    assert of_sum([(1.0, "convex"), (-2.0, "concave"), (0.0, "undecided")]) == "convex"
    assert of_sum([(1.0, "convex"), (1.0, "concave")]) == "undecided"
    assert of_sum([(-1.0, "convex"), (5.0, "affine")]) == "concave"
    assert of_sum([]) == "affine"
