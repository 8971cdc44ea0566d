"""Where laws are used beyond their data, and whether they go on there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.formulas import Domain, Formula, Variable, parse_formula
from kanopt.formulas.validity import extrapolation, held_at_edges

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
