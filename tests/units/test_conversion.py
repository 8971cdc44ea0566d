"""Units, conversions, and the rounding bound of solver integers."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import UnitError
from kanopt.units import Scaling, check_unit, convert, factor, same_dimension, scaling_for
from kanopt.units.conversion import COMMON, named, named_by_registry

# Exact by definition of the units (SI Brochure; international yard and pound, 1959).
DEFINED = [
    ("h", "min", 60.0),
    ("min", "h", 1 / 60),
    ("d", "h", 24.0),
    ("t", "kg", 1000.0),
    ("tonne", "t", 1.0),
    ("lb", "kg", 0.45359237),
    ("mi", "km", 1.609344),
    ("l", "m^3", 0.001),
    ("m3", "l", 1000.0),
    ("m²", "cm^2", 10000.0),
    ("kWh", "MJ", 3.6),
    ("kW*h", "kWh", 1.0),
    ("km/h", "m/s", 1 / 3.6),
    ("l/100 km", "l/km", 0.01),
    ("l/100km", "l/(100 km)", 1.0),
    ("EUR/(t*km)", "EUR/t/km", 1.0),
    ("EUR/(t*m^2)", "EUR/t/m^(2)", 1.0),
    ("EUR/km", "EUR/m", 0.001),
    ("kEUR", "EUR", 1000.0),
    ("veh/h", "vehicle/h", 1.0),
    ("%", "", 0.01),
    ("1", "", 1.0),
    ("delta_degC", "K", 1.0),
    ("m^-1", "1/m", 1.0),
    ("pallets", "pallet", 1.0),
    ("boxes", "box", 1.0),
    ("EUR/crates", "EUR/crate", 1.0),
    ("pcs", "pieces", 1.0),
    ("FEU", "TEU", 2.0),  # ISO 668: forty feet against twenty
]


@pytest.mark.parametrize(("source", "target", "expected"), DEFINED)
def test_factor_is_the_defined_one(source: str, target: str, expected: float) -> None:
    assert factor(source, target) == pytest.approx(expected, rel=1e-15)
    assert same_dimension(source, target)


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("EUR", "USD"),
        ("km", "h"),
        ("EUR/km", "EUR/trip"),
        ("trip", ""),
        ("pallet", "piece"),
        ("parcel", "piece"),
        ("container", "TEU"),
        ("bag", "kg"),
        ("kWh", "kW"),
        ("t", "l"),
    ],
)
def test_different_things_do_not_convert(a: str, b: str) -> None:
    assert not same_dimension(a, b)
    with pytest.raises(UnitError) as caught:
        factor(a, b)
    assert repr(a) in str(caught.value)
    assert repr(b) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kmh", "did you mean 'km/h'"),
        ("minuts", "did you mean 'minute'"),
        ("Min", "did you mean 'min'"),  # pint would read a megainch
        ("T", "did you mean 't'"),  # pint would read a tesla
        ("eur", "did you mean 'EUR'"),
        ("ton", "'short_ton'"),
        ("€/km", r"write 'EUR' \(in '€/km'\)"),
        ("$", "currency's code"),
        ("qwxyz", "units look like"),
        ("degC", "'delta_degC'"),
        ("degC/km", "zero of its own"),
        ("dB", "zero of its own"),
        ("a b", r"cannot read it; put '\*' or '/' between its parts"),
        ("m^10", "cannot read"),
        ("km/", "cannot read"),
        ("/km", "cannot read"),
        ("(km", "cannot read"),
        ("km)", "cannot read"),
        ("0 km", "cannot be zero"),
        ("km;h", "cannot read"),
        ("9**9**9", "cannot read"),
        ("__import__", "unknown unit"),
        ("km*" * 40 + "km", "longer than"),
    ],
)
def test_what_is_no_unit_is_refused_with_advice(text: str, message: str) -> None:
    with pytest.raises(UnitError, match=message):
        check_unit(text)


def test_convert_keeps_shape_and_does_not_change_its_input() -> None:
    minutes = np.array([[90.0, 7.0], [1.0, 0.0]])
    hours = convert(minutes, "min", "h")
    assert hours.shape == (2, 2)
    np.testing.assert_array_equal(hours, minutes / 60)  # correctly rounded, not a product with 0.01666…
    assert minutes[0, 0] == 90.0
    assert isinstance(convert(90, "min", "h"), float)


@given(st.floats(-1e12, 1e12), st.sampled_from([(a, b) for a, b, _ in DEFINED]))
def test_there_and_back(value: float, pair: tuple[str, str]) -> None:
    there = convert(value, *pair)
    assert convert(there, pair[1], pair[0]) == pytest.approx(value, rel=1e-14, abs=1e-300)


@pytest.mark.parametrize("name", COMMON)
def test_usual_units_are_those_of_the_registry(name: str) -> None:
    assert named(name) == named_by_registry(name)


def test_usual_units_leave_pint_alone() -> None:
    code = "import sys; from kanopt.units import check_unit as u; u('EUR/(t*km)'); m = sys.modules; "
    code += "print('pint' in m, 'pandas' in m)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


# Scaling

factors = st.floats(1e-3, 1e7)
values = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=20)
roundings = st.sampled_from(["nearest", "up", "down"])


@given(values, factors, roundings)
def test_rounding_error_is_within_the_bound_and_on_the_safe_side(
    numbers: list[float], steps: float, rounding: Any
) -> None:
    scaling = Scaling(steps, rounding)
    integers = scaling.to_integers(numbers)
    assert integers.dtype == np.int64
    back = np.array([scaling.to_float(i) for i in integers])
    error = back - np.array(numbers)
    # what may be taken for an integer multiple: 1e-9 of a step, or the float noise of the product
    noise = 1e-9 / steps + 8 * np.finfo(float).eps * np.abs(numbers)
    assert (np.abs(error) <= scaling.bound + noise).all()
    if rounding == "up":
        assert (error >= -noise).all()
    if rounding == "down":
        assert (error <= noise).all()


@given(
    st.lists(st.integers(-(10**9), 10**9), min_size=1),
    st.sampled_from([1.0, 10.0, 1000.0, 60.0, 3600.0]),
    roundings,
)
def test_multiples_stay_exact(integers: list[int], steps: float, rounding: Any) -> None:
    scaling = Scaling(steps, rounding)
    numbers = np.array(integers) / steps
    np.testing.assert_array_equal(scaling.to_integers(numbers), integers)
    np.testing.assert_array_equal(scaling.to_integers(numbers + 5e-10 / steps), integers)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e19])
def test_what_does_not_fit_is_named_with_its_place(bad: float) -> None:
    with pytest.raises(UnitError, match=r"position \(1, 0\)"):
        Scaling(1.0).to_integers([[1.0, 2.0], [bad, 4.0]])


@given(st.floats(0, 1e15), st.integers(1, 10**6), st.floats(1e-9, 1.0))
def test_no_sum_passes_the_limit(max_abs: float, count: int, resolution: float) -> None:
    scaling = scaling_for(max_abs, count, target_resolution=resolution)
    largest = int(Scaling(scaling.factor, "up").to_integers(max_abs))
    assert largest * count <= 4e18 * (1 + 1e-12)
    assert scaling.factor <= 1 / resolution * (1 + 1e-12)
    # a power of ten finer would not have fitted, or was not wanted
    assert scaling.factor == 1 / resolution or 10 * scaling.factor * max_abs * count > 4e18 * 0.99


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"max_abs": -1.0, "count": 1}, "max_abs .* -1.0"),
        ({"max_abs": np.nan, "count": 1}, "max_abs .* nan"),
        ({"max_abs": 1.0, "count": 0}, "count .* 0"),
        ({"max_abs": 1.0, "count": 1, "target_resolution": 0.0}, "target_resolution"),
        ({"max_abs": 1.0, "count": 100, "limit": 50.0}, "a sum of 100 integers"),
    ],
)
def test_impossible_scalings_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(UnitError, match=message):
        scaling_for(**arguments)


@pytest.mark.parametrize(
    ("unit", "advice"), [("mt", "'t'"), ("MT", "'t'"), ("ct", "'cEUR'"), ("EUR/mt", "'t'")]
)
def test_short_words_that_mean_something_else_to_an_analyst_are_refused(unit: str, advice: str) -> None:
    with pytest.raises(UnitError, match=f"is not accepted; write {advice}"):
        check_unit(unit)


@pytest.mark.parametrize(
    ("word", "unit"),
    [
        ("kilo", "kg"), ("kilos", "kg"), ("Std", "h"), ("stunden", "h"), ("euro", "EUR"), ("dollar", "USD"),
        ("EUR/std", "h"), ("pc", "pcs"), ("Stück", "pcs"), ("cbm", "m^3"), ("Kilometer", "km"), ("kmh", "km/h"),
    ],
)  # fmt: skip
def test_words_of_everyday_language_are_told_with_the_unit_that_is_meant(word, unit):
    with pytest.raises(UnitError, match=f"did you mean '{re.escape(unit)}'"):
        check_unit(word)


@pytest.mark.parametrize(("word", "unit"), [("colli", "parcel"), ("Kolli", "parcel"), ("EPAL", "pallet")])
def test_everyday_words_of_packages_name_the_unit(word: str, unit: str) -> None:
    with pytest.raises(UnitError, match=f"unknown unit '{word}'; did you mean '{unit}'"):
        check_unit(word)
