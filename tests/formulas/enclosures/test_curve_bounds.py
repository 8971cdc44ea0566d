from fractions import Fraction

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kanopt.formulas import Curve, Input
from kanopt.formulas.enclosures.univariate import CurveBank


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
        least, most = (end[0] for end in CurveBank([curve]).over((order,), low, high)[order])
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
