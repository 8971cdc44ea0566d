"""Units as products of powers, against the converter that was there before them."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kanopt.units import UnitPowers, check_unit, dimension_of, factor, powers_of, same_dimension

UNITS = [
    "km",
    "m",
    "h",
    "min",
    "EUR",
    "kEUR",
    "l",
    "L",
    "t",
    "kg",
    "kWh",
    "km/h",
    "veh/h",
    "l/100 km",
    "%",
    "EUR/(t*km)",
]
units = st.sampled_from(UNITS)
wholes = st.integers(-3, 3)
shares = st.fractions(-3, 3, max_denominator=12)


@given(st.lists(st.tuples(units, wholes), max_size=4))
def test_a_whole_product_reads_back_as_the_same_unit(parts: list[tuple[str, int]]) -> None:
    product, written = UnitPowers(), []
    for unit, power in parts:
        product *= powers_of(unit) ** power
        written += [f"({unit})"] * power if power > 0 else [f"1/({unit})"] * -power
    text, plain = str(product), "*".join(written)
    # the grammar knows no exponents of two digits, and no numbers such as 1e+06
    assume(len(plain) <= 80 and all(abs(power) < 10 for _, power in product.words))
    assume(not re.match(r"[\d.]+e", text))
    assert check_unit(text) == text
    assert same_dimension(text, plain)
    assert factor(text, plain) == pytest.approx(1.0, rel=1e-5)  # the number in front has six digits
    assert product.dimension == dimension_of(plain)
    assert float(product.log_scale) == pytest.approx(float(powers_of(plain).log_scale), abs=1e-9)


@given(units, units, shares, shares)
def test_powers_follow_the_rules(a: str, b: str, p: Fraction, q: Fraction) -> None:
    one, other = powers_of(a), powers_of(b)
    assert ((one * other) ** p / one**p / other**p).is_one
    assert (one**p * one**q / one ** (p + q)).is_one
    assert ((one**p) ** q / one ** (p * q)).is_one
    assert (one / one).words == ()


@given(units, units)
def test_one_means_the_same_unit_and_nothing_else(a: str, b: str) -> None:
    same = same_dimension(a, b) and math.isclose(factor(a, b), 1.0)
    assert (powers_of(a) / powers_of(b)).is_one == same


@pytest.mark.parametrize(
    ("above", "below", "power", "text"),
    [
        ("EUR", "km", "1", "EUR/km"),
        ("l", "km*t", "1", "l/(km·t)"),
        ("EUR", "km", "0.72", "EUR/km^0.72"),
        ("EUR", "km", "0.718281828", "EUR/km^0.7183"),
        ("1", "t", "1", "1/t"),
        ("1", "t", "1/3", "1/t^(1/3)"),
        ("km", "1", "1/2", "km"),
        ("km*km", "1", "1", "km^2"),
        ("veh", "vehicle", "1", ""),  # two spellings of one thing
        ("tonne*t", "1", "1", "tonne^2"),
        ("h", "min", "1", "h/min"),  # not the same thing
        ("l/100 km", "km", "1", "0.01 l/km^2"),
        ("%", "1", "1", "%"),
        ("1", "1", "1", ""),
        ("km", "km", "1", ""),
    ],
)
def test_texts(above: str, below: str, power: str, text: str) -> None:
    assert str(powers_of(above) / powers_of(below) ** Fraction(power)) == text


def test_a_number_may_be_as_large_as_it_likes() -> None:
    large = powers_of("100 km") ** 1000
    assert str(large) == "10^2000 km^1000"
    assert str(powers_of("km") ** 10**12) == "km^…"
    assert large.dimension == {"[length]": 1000}
