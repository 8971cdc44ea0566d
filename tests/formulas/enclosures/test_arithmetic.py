import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas.enclosures.arithmetic import (
    minus,
    plus,
    power_bounds,
    square,
    times,
)

ends = st.floats(-1e6, 1e6, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-6)
intervals = st.tuples(ends, ends).map(sorted)


def pair(low, high):
    return np.array(low, dtype=float), np.array(high, dtype=float)


def floats(interval):
    return tuple(float(end) for end in interval)


def within(interval, exact):
    return Fraction(float(interval[0])) <= exact <= Fraction(float(interval[1]))


@given(intervals, intervals, st.sampled_from([0, 1]), st.sampled_from([0, 1]))
def test_sums_and_products_hold_the_exact_ones_and_hardly_more(x, y, i, j):
    a, b = Fraction(x[i]), Fraction(y[j])
    for found, exact in (
        (plus(pair(*x), pair(*y)), a + b),
        (minus(pair(*x), pair(*y)), a - b),
        (times(pair(*x), pair(*y)), a * b),
    ):
        assert within(found, exact)
    corners = [Fraction(p) * Fraction(q) for p in x for q in y]
    low, high = floats(times(pair(*x), pair(*y)))
    assert low >= min(corners) - abs(min(corners)) * Fraction(1, 2**51)
    assert high <= max(corners) + abs(max(corners)) * Fraction(1, 2**51)
    assert within(square(pair(*x)), a * a)
    assert floats(square(pair(*x)))[0] >= 0


@given(
    st.tuples(st.floats(-5, 5), st.floats(-5, 5)).map(sorted),
    st.floats(0, 1),
    st.sampled_from([-3.0, -2.0, -1.0, -0.5, 0.0, 0.5, 0.73, 1.0, 2.0, 3.0, 1.5]),
)
def test_powers_hold_every_value(ends, part, power):
    low, high = ends
    least, most = floats(power_bounds(pair(low, high), power))
    value = float(np.power(np.clip(low + part * (high - low), low, high), power))
    assert least <= most
    if math.isfinite(value):
        assert least <= value <= most


@pytest.mark.parametrize(
    ("base", "power", "expected"),
    [
        ((0, 4), 0.5, (0, 2)),
        ((0, 4), -0.5, (0.5, math.inf)),
        ((-4, 9), 0.5, (0, 3)),
        ((-2, 3), 3, (-8, 27)),
        ((-2, 0), -1, (-math.inf, -0.5)),
        ((-2, 0), -2, (0.25, math.inf)),
        ((-2, 1), -1, (-math.inf, math.inf)),
        ((-2, 1), -2, (0.25, math.inf)),
        ((-2, 1), 0, (1, 1)),
        ((-2, 1), 1, (-2, 1)),
        ((-2, 1), 4, (0, 16)),
    ],
)
def test_known_powers(base, power, expected):
    assert floats(power_bounds(pair(*base), float(power))) == pytest.approx(expected, rel=1e-12)
