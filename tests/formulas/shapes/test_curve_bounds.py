import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kanopt.formulas import Curve, Input
from kanopt.formulas.shapes.curve_bounds import CurveBank, CurveBounds
from kanopt.formulas.shapes.curve_bounds import _second_differences as second_differences


def derivative(curve, x, order):
    """Return a derivative from the coefficients of the powers; beyond the knots the curve is straight."""
    if order == 0:
        return curve.at(x)
    inside = (
        np.mod(x - curve.low, curve.high - curve.low)
        if curve.periodic
        else np.clip(x, curve.low, curve.high) - curve.low
    )
    place = inside / curve.width
    span = np.clip(place, 0, curve.grid_size - 1).astype(int)
    t = place - span
    _, c1, c2, c3 = curve.powers[:, span]
    if order == 1:
        return (c1 + 2 * c2 * t + 3 * c3 * t * t) / curve.width
    bend = (2 * c2 + 6 * c3 * t) / curve.width**2
    return bend if curve.periodic else np.where((x <= curve.low) | (x >= curve.high), 0.0, bend)


@st.composite
def curves(draw):
    periodic = draw(st.booleans())
    count = draw(st.integers(1 if periodic else 4, 9))
    coefficients = draw(st.lists(st.floats(-5, 5), min_size=count, max_size=count))
    low, width = draw(st.floats(-3, 3)), draw(st.floats(0.5, 12))
    return Curve("s", Input("x"), tuple(coefficients), low, low + width, periodic)


@example(Curve("s", Input("x"), (0.0, 0.0, 1.0, 0.0), 1.0, 2.0), [(0.0, 1.0), (0.0, 1.0), (0.0, 1.0)])
@example(Curve("s", Input("x"), (0.0, 0.0, -1.0, 0.0), 0.0, 1.0), [(0.0, 1.0), (0.0, 1.0), (0.0, 0.25)])
@settings(max_examples=60)
@given(curves(), st.lists(st.tuples(st.floats(-9, 9), st.floats(0.01, 12)), min_size=3, max_size=3))
def test_a_curve_and_its_derivatives_are_bounded_tightly(curve, places):
    low = np.array([start for start, _ in places])
    high = low + np.array([width for _, width in places])
    grid = np.linspace(low, high, 1001, axis=1)
    size = np.abs(curve.coefficients).max()
    for order in (0, 1, 2):
        least, most = CurveBounds(curve).over(order, low, high)
        values = derivative(curve, grid.ravel(), order).reshape(grid.shape)
        if order == 2:
            # where the straight line begins the curve has two, one on each side; a box on one side needs that one
            values[np.isin(grid, (curve.low, curve.high))] = np.nan
        slack = 1e-12 * size / curve.width**order + 1e-300
        assert (np.nanmin(values, axis=1) >= least - slack).all()
        assert (np.nanmax(values, axis=1) <= most + slack).all()
        if order < 2:  # the second derivative jumps at the ends of the knots
            steepest = 24 * size / curve.width ** (order + 1)
            missed = steepest * (high - low) / 1000 + slack
            assert (least >= values.min(axis=1) - missed).all()
            assert (most <= values.max(axis=1) + missed).all()


def test_the_sign_of_a_slope_and_of_a_bend_is_not_lost_to_rounding():
    steps = np.array([0.0, 0.1, 0.0, 0.0, 0.0, 0.3, 0.2, 0.0, 0.0, 0.0])
    rising = CurveBounds(Curve("s", Input("x"), tuple(0.7 + np.cumsum(steps)), 0.1, 2.3))
    low = np.linspace(0.1, 2.2, 211)
    assert (rising.over(1, low, low + 0.1)[0] >= 0.0).all()
    convex = CurveBounds(Curve("s", Input("x"), (4.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 4.0), -1.0, 4.0))
    assert (convex.over(2, low - 2.0, low + 0.1)[0] >= 0.0).all()


def test_far_away_a_curve_is_its_tangent():
    curve = Curve("s", Input("x"), (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    bounds = CurveBounds(curve)
    low, high = np.array([-math.inf, 3.0, 2.0]), np.array([0.5, math.inf, 4.0])
    value, slope, bend = (bounds.over(order, low, high) for order in (0, 1, 2))
    assert value[0].tolist() == [-math.inf, pytest.approx(3.0), pytest.approx(2.0)]
    assert value[1].tolist() == [pytest.approx(0.5), math.inf, pytest.approx(4.0)]
    assert slope[0].tolist() == slope[1].tolist() == pytest.approx([1.0, 1.0, 1.0])
    assert bend[0].tolist() == bend[1].tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("periodic", [False, True])
def test_bounds_of_narrow_intervals_do_not_depend_on_their_company(periodic):
    rng = np.random.default_rng(5)
    curve = Curve("s", Input("x"), tuple(rng.normal(0.0, 2.0, 40)), -3.0, 9.0, periodic)
    bounds = CurveBounds(curve)
    low = np.append(rng.uniform(-6.0, 14.0, 300), [-3.0, 9.0, 0.0, -np.inf, 9.0])
    high = np.append(low[:300] + rng.uniform(0.0, 0.7, 300), [-3.0, 9.0, curve.width, -3.0, np.inf])
    # with an interval that touches all spans, all are looked at for each
    everything = np.append(low, -20.0), np.append(high, 20.0)
    for order in range(3):
        alone, together = bounds.over(order, low[:303], high[:303]), bounds.over(order, *everything)
        for narrow, wide in zip(alone, together, strict=True):
            assert narrow.tolist() == wide[:303].tolist()
        ends = bounds.over(order, low[303:], high[303:])
        assert np.array(ends).tolist() == np.array(together)[:, 303:305].tolist()


def exact_spline(x: float, lower: float, upper: float, coefficients: np.ndarray) -> tuple[Fraction, ...]:
    """Value, slope and curvature in rational arithmetic."""
    grid_size = len(coefficients) - 3
    per_unit = grid_size / (Fraction(upper) - Fraction(lower))
    position = (Fraction(x) - Fraction(lower)) * per_unit
    inside = min(max(position, Fraction(0)), Fraction(grid_size))
    first = min(int(inside), grid_size - 1)
    u, (a, b, c, d) = inside - first, (Fraction(float(part)) for part in coefficients[first : first + 4])
    powers = (a + 4 * b + c) / 6, (c - a) / 2, (a - 2 * b + c) / 2, (d - 3 * c + 3 * b - a) / 6
    value = powers[0] + u * (powers[1] + u * (powers[2] + u * powers[3]))
    slope = powers[1] + u * (2 * powers[2] + 3 * u * powers[3])
    bend = 2 * powers[2] + 6 * u * powers[3] if position == inside else Fraction(0)
    return value + (position - inside) * slope, slope * per_unit, bend * per_unit**2


def test_rounding_leaves_the_exact_values_within_the_bounds():
    rng = np.random.default_rng(3)
    for case in range(40):
        grid_size = int(rng.integers(1, 20))
        lower = float(rng.normal() * 10.0 ** rng.uniform(-3, 3))
        upper = lower + float(10.0 ** rng.uniform(-3, 3))
        coefficients = rng.normal(size=(3, grid_size + 3)) + 1e3 * (case % 2)
        bank = CurveBank([Curve("s", Input("x"), tuple(row), lower, upper) for row in coefficients])
        low = lower + (upper - lower) * rng.uniform(-0.3, 1.3, 20)
        high = low + (upper - lower) * 10.0 ** rng.uniform(-15, 0, 20) * (rng.random(20) < 0.5)
        found = bank.over((0, 1, 2), low, high)
        for row, box in np.ndindex(3, 20):
            for x in (low[box], high[box]):
                exact = exact_spline(float(x), lower, upper, coefficients[row])
                for order, true in enumerate(exact):
                    least, most = (float(end[row, box]) for end in found[order])
                    assert Fraction(least) <= true <= Fraction(most)


def test_curves_bounded_together_are_bounded_as_alone():
    rng = np.random.default_rng(4)
    for periodic in (False, True):
        curves = [Curve("s", Input("x"), tuple(rng.normal(size=9)), -1.0, 2.0, periodic) for _ in range(4)]
        low = rng.uniform(-2.0, 3.0, 60)
        high = low + 10.0 ** rng.uniform(-3.0, 0.5, 60)
        together = CurveBank(curves).over((0, 1, 2), low, high)
        for place, curve in enumerate(curves):
            for order in range(3):
                for many, alone in zip(
                    together[order], CurveBounds(curve).over(order, low, high), strict=True
                ):
                    assert many[place].tolist() == alone.tolist()


def test_constant_curves_have_no_slope_at_all():
    bank = CurveBank([Curve("s", Input("x"), (0.1,) * 8, 0.0, 1.0)])
    found = bank.over((1, 2), np.array([-2.0]), np.array([0.7]))
    assert [float(end[0, 0]) for order in (1, 2) for end in found[order]] == [0.0] * 4


def test_an_interval_that_ends_at_a_knot_but_for_rounding_lies_on_one_side_of_it():
    curve = CurveBounds(Curve("s", Input("x"), (4.0, 1.0, 0.0, 1.0, 4.0), 1.0, 3.0))
    inside, beyond = (
        (np.array([1.0, 1.0 - 1e-14]), np.array([2.0, 2.0])),
        (np.array([0.0]), np.array([1.0 + 1e-14])),
    )
    assert (curve.over(2, *inside)[0] > 1.0).all()
    assert curve.over(2, *beyond)[1] == 0.0
    assert curve.over(2, np.array([0.9]), np.array([2.0]))[0] == 0.0


def test_second_differences_have_the_right_sign():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(200, 1)) * 10.0 ** rng.integers(-3, 4, (200, 1)) + rng.normal(
        size=(200, 1)
    ) * np.arange(7.0)
    exact = [
        [Fraction(a) - 2 * Fraction(b) + Fraction(c) for a, b, c in zip(row, row[1:], row[2:], strict=False)]
        for row in rows.tolist()
    ]
    signs = np.array([[(bend > 0) - (bend < 0) for bend in row] for row in exact])
    assert (np.sign(second_differences(rows)) == signs).all()
