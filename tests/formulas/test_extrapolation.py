"""Where laws are used beyond their data, and whether they go on there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import Domain, Formula, Variable, parse_formula
from kanopt.formulas.domain import Range
from kanopt.formulas.extrapolation import Ending, extrapolation, held_at_edges

TRIPS = {"km": np.linspace(1.2, 40.0, 200), "t": np.linspace(2.0, 24.0, 200)}
INPUTS = [Variable("km", "km"), Variable("t")]


def law(
    text: str, rows: dict[str, np.ndarray] | None = None, inputs: list[Variable] | None = None
) -> Formula:
    inputs = INPUTS if inputs is None else inputs
    made = parse_formula(text, inputs, Variable("minutes", "min"))
    return replace(made, domain=Domain.from_rows(inputs, TRIPS if rows is None else rows))


def endings(formula: Formula, level: float = 40.0) -> list[tuple[str, str, str]]:
    return [(each.input, each.side, each.what) for each in extrapolation(formula, level).endings]


@pytest.mark.parametrize(
    "text",
    [
        "2 + 3 * km",
        "3 * km^0.7",
        "60 * km / (7 + km)",
        "t * (1 + 0.15 * (km / 20)^4)",
        "50 * (1 - exp(-km / 5))",
    ],
)
def test_laws_that_people_write_are_proved_to_go_on(text: str) -> None:
    found = extrapolation(law(text), 40.0)
    assert (found.endings, found.proved, str(found)) == ((), True, "it goes on")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("log(km)^1.5", ("km", "below", "has no finite value")),  # has none from 0 to 1
        ("sqrt(km - 1) + 2", ("km", "below", "has no finite value")),
        ("2 + 30 / km", ("km", "below", "has no finite value")),
        ("3 * km - 3", ("km", "below", "falls below zero")),
        ("exp(km / 4)", ("km", "above", "grows too fast")),
        ("km / (50 - km)", ("km", "above", "has no finite value")),
    ],
)
def test_where_a_law_ends_is_said(text: str, expected: tuple[str, str, str]) -> None:
    assert endings(law(text)) == [expected]


def test_a_pole_at_zero_is_told_from_a_stretch_without_a_value() -> None:
    texts = ("30 / km", "18 + 62 * km^-0.32 * t", "log(km)^1.5", "20 + sin(log(km))", "30 * km^-0.05")
    poles = [extrapolation(law(text), 40.0).endings[0].pole for text in texts]
    assert poles == [True, True, False, False, False]


def test_a_law_of_what_may_be_negative_may_be_so_beyond_its_data() -> None:
    assert endings(law("3 * km - 3"), float("nan")) == []


def test_a_law_may_fall_below_zero_above_its_data() -> None:
    """What to order beside the mean, s · (1 − 2 · c / p), is less the more it costs."""
    assert endings(law("60 - km")) == []


def test_what_is_slightly_below_zero_is_not_worth_a_word() -> None:
    assert endings(law("3 * km - 0.3")) == []


@pytest.mark.parametrize(
    ("low", "unit", "below"),
    [(2.0, "km", True), (2.0, "", False), (0.2, "", True), (2.0, "km/h", False), (-1.0, "km", False)],
)
def test_from_zero_on_are_used_sizes_and_what_begins_near_it(low: float, unit: str, below: bool) -> None:
    """A year, a price or a speed is not 0 because it might be."""
    x = [Variable("x", unit)]
    formula = law("100 - 50 / (x + 0.001)", {"x": np.linspace(low, 40.0, 200)}, x)
    assert (("x", "below", "falls below zero") in endings(replace(formula, inputs=tuple(x)))) == below


def test_a_row_far_above_all_others_does_not_hide_that_a_law_explodes() -> None:
    """Of one shipment of 857 t a law was right, and 1e12 off for others of half its weight."""
    rows = {
        "km": np.append(np.linspace(0.0, 88.0, 400), 857.0),
        "t": np.append(np.linspace(2.0, 24.0, 400), 2.0),
    }
    formula = law("exp(0.04 * km * (t - 2) / 22)", rows)
    assert Range.of_values("km", rows["km"]).dense_end == pytest.approx(88.0, abs=2.0)
    (found,) = [each for each in extrapolation(formula, 40.0).endings if each.input == "km"]
    assert (found.side, found.what) == ("above", "grows too fast")
    held = held_at_edges(formula, [found])
    assert held.evaluate({"km": 857.0, "t": 24.0}) == pytest.approx(np.exp(0.04 * found.edge))


def test_an_input_that_starts_anew_has_no_end() -> None:
    formula = law("exp(km / 4)")
    assert extrapolation(formula, 40.0, {"t"}).endings == ()


def test_a_law_without_a_value_among_its_data_is_not_proved() -> None:
    assert not extrapolation(law("sqrt(km - 20)"), 40.0).proved


@given(
    text=st.sampled_from(
        ["log(km)^1.5 * t", "exp(km / {c}) + t", "30 / km + t", "t * km / (45 - km)", "{c} * km - 3 * t"]
    ),
    c=st.floats(0.5, 9.0),
    km=st.floats(0.0, 60.0),
    t=st.floats(2.0, 24.0),
)
def test_a_law_that_is_held_goes_on_and_is_as_it_was_among_its_data(
    text: str, c: float, km: float, t: float
) -> None:
    formula = law(text.format(c=round(c, 3)))
    found = extrapolation(formula, 40.0)
    held = held_at_edges(formula, found.endings)
    assert extrapolation(held, 40.0).endings == ()
    inside = {"km": min(max(km, 1.2), 40.0), "t": t}
    assert held.evaluate(inside) == pytest.approx(formula.evaluate(inside), rel=1e-12)
    assert np.isfinite(held.evaluate({"km": km, "t": t}))


def test_a_law_says_what_is_held_and_keeps_it_in_its_file() -> None:
    formula = law("exp(km / 4)")
    held = held_at_edges(formula, extrapolation(formula, 40.0).endings)
    assert held.held == "km above 40 km counts as 40 km"
    assert ("held beyond its data", held.held) in held.facts()
    assert formula.held == ""
    assert Formula.from_json(held.to_json()).held == held.held


@pytest.mark.parametrize(
    ("text", "stays"),
    [
        ("2 * exp(min(40, km) / 4) + t", True),
        ("exp(min(40, km) / 4) + 2 * km", False),
        ("exp(min(50, km) / 4)", False),
        ("2 * km + t", False),
    ],
)
def test_a_law_that_is_edited_says_what_is_held_only_while_it_is(text: str, stays: bool) -> None:
    formula = law("exp(km / 4) + t")
    held = held_at_edges(formula, extrapolation(formula, 40.0).endings)
    assert bool(held.edited(text).held) == stays


def test_a_correction_that_reads_an_input_beyond_its_edge_says_no_longer_that_it_is_held() -> None:
    formula = held_at_edges(law("8 + exp(km / 40)"), [Ending("km", "above", 40.0, "grows too fast")])
    km = np.linspace(1.2, 90.0, 300)
    wave = np.random.default_rng(5).normal(0.0, 0.01, 300)
    rows = pd.DataFrame({"km": km, "t": 2.0, "minutes": formula.evaluate({"km": km}) + 0.5 * km + wave})
    better = formula.correct(rows)
    assert better.evaluate({"km": 90.0}) > better.evaluate({"km": 40.0}) + 20.0
    assert better.held == ""
