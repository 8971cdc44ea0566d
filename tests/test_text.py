from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.text import (
    clock_text,
    fixed_text,
    join_list,
    list_names,
    money_decimals,
    money_text,
    number_text,
    percent_text,
)

PLAIN = {ord("−"): "-", ord(","): None}
NAMES = st.lists(st.text("abcdefgh", min_size=1, max_size=6), max_size=12)


def read(text: str) -> float:
    return float(text.translate(PLAIN))


@given(st.floats(-1e9, 1e9))
def test_money_is_read_back_within_its_last_digit(value: float) -> None:
    text = money_text(value)
    decimals = len(text.partition(".")[2])
    assert decimals >= 2
    assert read(text) == pytest.approx(value, abs=0.5000001 * 10.0**-decimals + 1e-15 * abs(value))


@given(st.lists(st.floats(-1e8, 1e8), min_size=1, max_size=12))
def test_shown_parts_add_up_to_the_shown_sum_within_half_a_last_digit_each(parts: list[float]) -> None:
    whole = sum(parts)
    decimals = money_decimals([whole, *parts])
    shown = sum(read(money_text(part, decimals=decimals)) for part in parts)
    within = 0.50001 * 10.0**-decimals * (len(parts) + 1) + 1e-6
    assert shown == pytest.approx(read(money_text(whole, decimals=decimals)), abs=within)


@given(st.floats(), st.integers(2, 8))
def test_people_read_no_signed_zero_no_hyphen_and_no_padded_power(value: float, digits: int) -> None:
    for text in (
        number_text(value, digits),
        number_text(value, digits, signed=True),
        fixed_text(value, digits),
        money_text(value, "EUR"),
        percent_text(value, signed=True),
        clock_text(value),
    ):
        assert "-" not in text
        assert "nan" not in text
        assert "inf" not in text
        assert not re.search(r"e\+|e−?0", text)
        assert not re.fullmatch(r"[−+]0[.0]*", text)


@given(st.floats(-1e6, 1e6))
def test_percentages_are_read_back(share: float) -> None:
    text = percent_text(share)
    if text.startswith("under"):
        assert abs(share) < 0.5e-4
    else:
        assert read(text.removesuffix(" %")) == pytest.approx(100 * share, rel=0.051)


@given(st.integers(-20_000, 20_000))
def test_clock_times_are_read_back(minutes: int) -> None:
    clock, _, day = clock_text(minutes).partition(" ")
    hour, minute = clock.split(":")
    days = read(day.removesuffix(" d")) if day else 0.0
    assert days * 1440 + int(hour) * 60 + int(minute) == minutes


@given(NAMES, st.integers(1, 8))
def test_lists_name_the_first_and_count_the_others(names: list[str], most: int) -> None:
    for text in (join_list(names, most), list_names(names, most, quoted=False)):
        shown = re.split(", | and ", re.sub(r" and (\d+) more$", "", text)) if text else []
        left_out = re.search(r" and (\d+) more$", text)
        assert shown == names[:most]
        assert len(shown) + (int(left_out[1]) if left_out else 0) == len(names)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (-0.001, "−0.00100"),
        (99_999.5, "99,999.50"),
        (1e6 + 0.4, "1,000,000.40"),
        (math.inf, "∞"),
        (math.nan, "–"),
    ],
)
def test_money(value: float, text: str) -> None:
    assert money_text(value) == text


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (7.75, "h", "07:45"),
        (1500, "min", "01:00 +1 d"),
        (-30, "min", "23:30 −1 d"),
        (math.nan, "min", "–"),
    ],
)
def test_clock(value: float, unit: str, text: str) -> None:
    assert clock_text(value, unit) == text
