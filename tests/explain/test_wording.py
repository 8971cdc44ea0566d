from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.explain.wording import (
    amount_text,
    clock_text,
    first_few,
    number_text,
    percent_text,
    shorten,
    significant_text,
)

PLAIN = {ord("−"): "-", ord(","): None}


@given(st.floats(-1e9, 1e9))
def test_a_written_number_is_read_back_within_its_last_digit(value: float) -> None:
    text = number_text(value)
    decimals = len(text.partition(".")[2])
    assert float(text.translate(PLAIN)) == pytest.approx(
        value, abs=0.5000001 * 10.0**-decimals + 1e-15 * abs(value)
    )


@given(st.floats(-1e15, 1e15).filter(lambda x: abs(x) > 1e-300), st.integers(2, 6))
def test_significant_digits_are_kept(value: float, digits: int) -> None:
    assert float(significant_text(value, digits).translate(PLAIN)) == pytest.approx(
        value, rel=0.51 * 10.0 ** (1 - digits)
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.001, "−0.00100"),
        (99_999.5, "99,999.50"),
        (1e6 + 0.4, "1,000,000"),
        (math.inf, "∞"),
        (-math.inf, "−∞"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    assert number_text(value) == text


def test_a_rounded_zero_has_no_sign() -> None:
    assert number_text(-0.001, 2) == "0.00"
    assert number_text(-0.001, 2, signed=True) == "0.00"
    assert significant_text(math.nan) == "–"


def test_percent_and_amount() -> None:
    assert percent_text(math.nan) == "–"
    assert percent_text(-0.2, signed=True) == "−20 %"
    assert amount_text(-12.5, "EUR", signed=True) == "−12.50 EUR"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, "min", "00:00"),
        (7.75, "h", "07:45"),
        (3600, "s", "01:00"),
        (-30, "min", "23:30 −1 d"),
        (math.nan, "min", "–"),
    ],
)
def test_clock(value: float, unit: str, text: str) -> None:
    assert clock_text(value, unit) == text


def test_lists_and_texts_are_cut() -> None:
    assert first_few([], 3) == ""
    assert len(shorten("x" * 500, 20)) == 20
