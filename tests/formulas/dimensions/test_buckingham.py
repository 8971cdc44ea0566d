"""Exponents of dimensionless groups, against the converter of units and numpy's rank."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError, UnitError
from kanopt.formulas import UnitExponents, dimensionless_exponents
from kanopt.units import dimension_of, powers_of

UNITS = [
    "km",
    "m",
    "h",
    "min",
    "EUR",
    "t",
    "kg",
    "km/h",
    "veh/h",
    "EUR/km",
    "EUR/(t*km)",
    "m^3",
    "kWh",
    "%",
    "1",
]
units = st.sampled_from(UNITS)


def matrix(texts: list[str]) -> np.ndarray:
    """Return exponents of base dimensions, a column per unit."""
    bases = sorted({base for unit in UNITS for base in dimension_of(unit)})
    return np.array([[float(dimension_of(unit).get(base, 0)) for unit in texts] for base in bases])


@given(st.lists(units, max_size=6), units, st.data())
def test_every_combination_gives_the_output_and_there_are_no_others(given_units, output, data) -> None:
    found = dimensionless_exponents(given_units, output)
    rank = np.linalg.matrix_rank(matrix(given_units)) if given_units else 0
    solvable = np.linalg.matrix_rank(matrix([*given_units, output])) == rank
    assert (found is not None) == solvable
    if found is None:
        return
    assert len(found.groups) == len(given_units) - rank
    if found.groups:
        assert np.linalg.matrix_rank(np.array(found.groups)) == len(found.groups)
        assert all(np.gcd.reduce(group) == 1 for group in found.groups)
    steps = [data.draw(st.fractions(-3, 3, max_denominator=4)) for _ in found.groups]
    product = powers_of("1")
    for unit, power in zip(given_units, found.exponents(*steps), strict=True):
        product *= powers_of(unit) ** power
    assert (product / powers_of(output)).dimension == {}


@pytest.mark.parametrize(
    ("given_units", "output", "text"),
    [
        (["min", "veh/h", "veh/h"], "min", "(1, 0, 0) + t1·(0, 1, -1)"),
        (["km", "km/h"], "h", "(1, -1)"),
        (["km", "EUR/km", "EUR/l", "l/100 km"], "EUR", "(1, 1, 0, 0) + t1·(2, -1, 1, 0) + t2·(2, 0, 0, -1)"),
        (["m^2"], "m^3", "(3/2)"),
        (["h"], "min", "(1)"),  # what minutes are to hours, the number in front takes up
        (["%", "km"], "km", "(0, 1) + t1·(1, 0)"),
        (["1"], "%", "(0) + t1·(1)"),
        ([], "1", "()"),
        (["km^2", "m^3"], "km", "(1/2, 0) + t1·(3, -2)"),
    ],
)
def test_known_solutions(given_units, output, text) -> None:
    assert str(dimensionless_exponents(given_units, output)) == text


@pytest.mark.parametrize(
    ("given_units", "output"),
    [(["km", "t"], "EUR"), (["km", ""], "km"), (["km"], ""), (["km"], " "), ([], "km"), (["EUR"], "USD")],
)
def test_none_where_it_cannot_be_or_is_not_declared(given_units, output) -> None:
    assert dimensionless_exponents(given_units, output) is None


def test_what_is_no_unit_is_refused() -> None:
    with pytest.raises(UnitError, match="did you mean 'km/h'"):
        dimensionless_exponents(["kmh"], "h")


def test_one_number_per_group() -> None:
    found = UnitExponents((Fraction(1), Fraction(0)), ((1, -1),))
    assert found.exponents(Fraction(1, 2)) == (Fraction(3, 2), Fraction(-1, 2))
    with pytest.raises(FormulaError, match="1 dimensionless groups take as many numbers, not 2"):
        found.exponents(1, 2)
