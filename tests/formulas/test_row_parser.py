"""Texts about columns: what they compute, which rows they mean, and what is wrong with others."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import FormulaError
from kanopt.formulas.row_parser import RowText, Sort, parse_row_text

TRIPS = pd.DataFrame(
    {
        "miles": [1.0, 0.0, 3.0, np.nan],
        "seconds": [120.0, 60.0, 0.0, 600.0],
        "status": ["done", "void", None, "don't"],
        "opened": ["08:30", "7:00:36", "noon", None],
        "pickup": pd.to_datetime(
            ["2024-01-01 16:30", "2024-02-29 00:00:36", None, "2024-12-31 23:00"], format="ISO8601"
        ),
        "dropoff": pd.to_datetime(
            ["2024-01-01 17:00", "2024-02-29 00:10:36", None, "2025-01-01 01:00"], format="ISO8601"
        ),
        "paid": [1.0, 0.0, np.nan, 1.0],
    }
)
SORTS: dict[str, Sort] = {
    "miles": "number",
    "seconds": "number",
    "status": "text",
    "opened": "text",
    "pickup": "date",
    "dropoff": "date",
    "paid": "truth",
}


def read(text: str) -> RowText:
    return parse_row_text(text, SORTS, "rule")


def values(text: str) -> list[float]:
    return read(text).values({name: TRIPS[name] for name in TRIPS}, len(TRIPS)).tolist()


def holds(text: str) -> list[bool | None]:
    """Return True, False or None for each row."""
    yes, no = read(text).masks({name: TRIPS[name] for name in TRIPS}, len(TRIPS))
    assert not (yes & no).any()
    return [True if y else False if n else None for y, n in zip(yes, no, strict=True)]


def test_arithmetic_is_that_of_formulas() -> None:
    assert values("seconds / 60 + 2 ^ 2") == [6.0, 5.0, 4.0, 14.0]
    assert values("max(miles, 1)")[:3] == [1.0, 1.0, 3.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hour(pickup)", [16.5, 0.01, np.nan, 23.0]),
        ("weekday(pickup)", [1.0, 4.0, np.nan, 2.0]),  # a Monday, a Thursday, a Tuesday
        ("day_of_year(pickup)", [1.0, 60.0, np.nan, 366.0]),
        ("week(pickup)", [1.0, 9.0, np.nan, 1.0]),  # ISO 8601: 2024-12-31 is in the first week of 2025
        ("year(dropoff)", [2024.0, 2024.0, np.nan, 2025.0]),
        ("minutes_between(pickup, dropoff)", [30.0, 10.0, np.nan, 120.0]),
        ("hours_between(dropoff, pickup)", [-0.5, -1 / 6, np.nan, -2.0]),
        ("hour(opened)", [8.5, 7.01, np.nan, np.nan]),
    ],
)
def test_parts_of_dates(text: str, expected: list[float]) -> None:
    np.testing.assert_allclose(values(text), expected)


def test_ways_between_places_have_a_length_and_a_direction() -> None:
    """From Paris to Rome, along the equator, to the south, nowhere, and from where nobody knows."""
    ends = [(48.8566, 2.3522, 41.9028, 12.4964), (0, 10, 0, 9), (5, 7, 4, 7), (5, 7, 5, 7), (np.nan, 7, 5, 7)]
    columns = dict(zip(("a", "b", "c", "d"), np.array(ends, dtype=float).T, strict=True))
    sorts: dict[str, Sort] = dict.fromkeys(columns, "number")
    length, east, north = (
        parse_row_text(f"{name}(a, b, c, d)", sorts, "way").values(columns, len(ends))
        for name in ("straight_distance", "eastward", "northward")
    )
    degree = 2 * np.pi * 6371.0088 / 360
    np.testing.assert_allclose(length, [1105.3, degree, degree, 0, np.nan], rtol=1e-4)
    np.testing.assert_allclose(east, [np.sin(np.radians(130.6)), -1, 0, 0, np.nan], atol=5e-3)
    np.testing.assert_allclose(north, [np.cos(np.radians(130.6)), 0, -1, 0, np.nan], atol=5e-3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("miles <= 0", [False, True, False, None]),
        ("miles <= 0 or seconds > 500", [False, True, False, True]),
        ("not miles <= 0", [True, False, True, None]),
        ("not (miles <= 0 or seconds > 500)", [True, False, True, False]),
        ("0 < miles < 2", [True, False, False, None]),
        ("miles / seconds > 1", [False, False, True, None]),  # 3 miles in no time at all
        ("seconds in [60, 120]", [True, True, False, False]),
        ("seconds not in (60, 120)", [False, False, True, True]),
        ('status == "void"', [False, True, None, False]),
        ("status != 'void'", [True, False, None, True]),
        ('status in ["void", "don\'t"]', [False, True, None, True]),
        ("missing(miles)", [False, False, False, True]),
        ("pickup < '2024-03-01'", [True, True, None, False]),
        ("'2024-03-01' < pickup", [False, False, None, True]),
        ("dropoff <= pickup", [False, False, None, False]),
        ("weekday(pickup) >= 4", [False, True, None, False]),
        ("paid", [True, False, None, True]),
        ("not paid and miles > -1", [False, True, None, False]),
        ("miles <= 0 OR paid", [True, True, None, True]),
        ("miles <= 0 || paid", [True, True, None, True]),
        ("status = 'void'", [False, True, None, False]),
        ("5 in [5, 6]", [True, True, True, True]),
    ],
)
def test_conditions(text: str, expected: list[bool | None]) -> None:
    assert holds(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mils <= 0", r"character 1: there is no column 'mils'; did you mean 'miles'\?"),
        ("status + 1", "'status' holds texts, and nothing is computed with them"),
        ("missing('miles')", "the name of a column stands here, without quotes"),
        ("status < 'a'", "texts are compared by ==, != and in"),
        ("pickup < 'monday'", "'monday' is no date"),
        ("hour(miles)", "hour takes dates and times, and 'miles' holds numbers; known: 'dropoff', 'pickup'"),
        ("hour(pickup, dropoff)", "hour takes 1 column .dates and times., not 2"),
        ("eastward(miles, miles)", "takes 4 columns .latitude and longitude of two places., not 2"),
        ("hour", "'hour' is a function; write hour"),
        ("miles and paid", "a condition is missing"),
        ("(miles < 0) + 1", "a condition is no number"),
        ("miles in []", "a list is missing behind in"),
        ("-" * 1_500 + "miles", "more than 1,000 operators"),
        ("miles" + "**-miles" * 400, "a power of a power is ambiguous"),
        ("miles.__class__", "put an operator before|has no place"),
        ("miles < 0 or " * 2000 + "paid", "characters are too many"),
        ("paid == 1", "truth values and numbers are not compared"),
    ],
)
def test_what_is_no_such_text(text: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        read(text)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("load (km) < 0", "load (km)"),
        ("1 < load (t)", "load (t)"),
    ],
)
def test_a_column_with_a_bracket_in_its_name_wants_back_quotes(text: str, column: str) -> None:
    sorts: dict[str, Sort] = {"load (km)": "number", "load (t)": "number"}
    told = rf"write the column '{re.escape(column)}' in back-quotes, `{re.escape(column)}`"
    with pytest.raises(FormulaError, match=told):
        parse_row_text(text, sorts, "rule")
    assert parse_row_text("`load (t)` < 0", sorts, "rule").reads == ("load (t)",)


@pytest.mark.parametrize(
    ("text", "declared", "unit"),
    [
        ("km / time", "", "km/h"),
        ("time * 60", "", None),
        ("hour(pickup)", "", "h"),
        ("minutes_between(pickup, pickup)", "", "min"),
        ("other + 1", "", None),
    ],
)
def test_units_follow_from_those_of_columns(text: str, declared: str, unit: str | None) -> None:
    found = parse_row_text(text, {"km": "number", "time": "number", "other": "number", "pickup": "date"}, "x")
    assert found.unit("x", declared, {"km": "km", "time": "h"}) == unit


def test_units_that_do_not_agree_are_refused() -> None:
    found = parse_row_text("km + time", {"km": "number", "time": "number"}, "x")
    with pytest.raises(FormulaError, match="the units do not agree"):
        found.unit("x", "", {"km": "km", "time": "h"})
    with pytest.raises(FormulaError, match=re.escape("km is in km, but x is declared in h")):
        parse_row_text("km", {"km": "number"}, "x").unit("x", "h", {"km": "km"})


numbers = st.one_of(st.just(np.nan), st.integers(-2, 2).map(float))


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=8), st.data())
def test_conditions_are_those_of_three_values(rows: list[tuple[float, float]], data: st.DataObject) -> None:
    """Each condition is evaluated row by row by brute force, with None for unknown."""

    def of_row(tree: tuple, a: float, b: float) -> bool | None:
        match tree:
            case ("leaf", name, sign, value):
                held = {"a": a, "b": b}[name]
                return (
                    None
                    if np.isnan(held)
                    else {"<": held < value, "==": held == value, ">=": held >= value}[sign]
                )
            case ("not", inner):
                found = of_row(inner, a, b)
                return None if found is None else not found
            case (word, left, right):
                both = {of_row(left, a, b), of_row(right, a, b)}
                deciding = word == "or"
                return deciding if deciding in both else None if None in both else not deciding

    def text_of(tree: tuple) -> str:
        match tree:
            case ("leaf", name, sign, value):
                return f"{name} {sign} {value}"
            case ("not", inner):
                return f"not ({text_of(inner)})"
            case (word, left, right):
                return f"({text_of(left)}) {word} ({text_of(right)})"

    leaf = st.tuples(
        st.just("leaf"), st.sampled_from("ab"), st.sampled_from(["<", "==", ">="]), st.integers(-1, 1)
    )
    tree = data.draw(
        st.recursive(
            leaf,
            lambda inner: st.one_of(
                st.tuples(st.just("not"), inner), st.tuples(st.sampled_from(["and", "or"]), inner, inner)
            ),
            max_leaves=6,
        )
    )
    columns = {name: np.array(each) for name, each in zip("ab", zip(*rows, strict=True), strict=True)}
    yes, no = parse_row_text(text_of(tree), {"a": "number", "b": "number"}, "rule").masks(columns, len(rows))
    found = [True if y else False if n else None for y, n in zip(yes, no, strict=True)]
    assert found == [of_row(tree, a, b) for a, b in rows]


@given(st.text("abmiles<=>!'\"()[],&|`andornt0 1.5*/^", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = read(text)
    except FormulaError:
        return
    columns = {name: TRIPS[name] for name in TRIPS}
    if found.is_condition:
        assert found.masks(columns, 4)[0].shape == (4,)
    else:
        assert found.values(columns, 4).shape == (4,)
