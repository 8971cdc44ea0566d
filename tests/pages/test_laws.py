"""What a page and a terminal say of a law: its formula, its constants, and what each input does."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from kanopt.display import Grid, Section
from kanopt.formulas import (
    FUNCTIONS,
    Apply,
    Formula,
    Input,
    Node,
    Variable,
    parse_formula,
)
from kanopt.pages.law_section import law_sections
from kanopt.pages.write import formula_terms
from kanopt.scenarios import LearnedLaw

KM, LOAD = Variable("km", "km", low=0, high=90), Variable("load", "t", low=0, high=20)


FUEL = Variable("fuel", "l")


TEXT = "start + rate * km * exp(weight * load)"


def law(units: bool = True, text: str = TEXT) -> Formula:
    inputs, output = [KM, LOAD], FUEL
    if not units:
        inputs, output = [replace(v, unit="") for v in inputs], replace(output, unit="")
    start = {"start": 1.0, "rate": 0.1, "weight": 0.1}
    return parse_formula(text, inputs, output, per="leg", constants=start)


def rows(noise: float = 0.2) -> dict[str, Any]:
    rng = np.random.default_rng(3)
    km, load = rng.uniform(1, 90, 200), rng.uniform(0, 20, 200)
    fuel = 0.5 + 0.12 * km * np.exp(0.05 * load)
    return {"km": km, "load": load, "fuel": fuel + noise * rng.standard_normal(200)}


def section(formula: Formula) -> Section:
    (found,) = law_sections({"fuel": LearnedLaw("fuel", formula)})
    return found


def blocks(part: Any) -> list[Any]:
    """Return a block and all that are in it."""
    return [part, *(each for inner in getattr(part, "parts", ()) for each in blocks(inner))]


def constants(formula: Formula) -> Grid:
    grids = [each for each in blocks(section(formula)) if isinstance(each, Grid)]
    return next(grid for grid in grids if grid.caption.startswith("Constants"))


def column(table: Grid, head: str) -> list[Any]:
    place = table.heads.index(head)
    return [row[place] for row in table.rows]


def test_units_and_intervals_of_constants_stand_beside_their_values() -> None:
    formula = law().refit(rows())
    table = constants(formula)
    assert list(table.heads) == [
        "constant",
        "value",
        "unit",
        "standard error",
        "95 % interval",
    ]
    units = dict(zip(column(table, "constant"), column(table, "unit"), strict=True))
    assert units == {"start": "l", "rate": "l/km", "weight": "1/t"}
    known = formula.intervals()
    for name, text in zip(column(table, "constant"), column(table, "95 % interval"), strict=True):
        low, high = (float(end) for end in text.split(" to "))
        assert low == pytest.approx(known.low[name], rel=1e-3)
        assert high == pytest.approx(known.high[name], rel=1e-3)
        assert low < high


INPUTS = [Variable("x"), Variable("y"), Variable("hour")]


def words(text: str | Node) -> str:
    """Return what a reader sees, terms joined by blanks; fractions as a/b, powers as a^b, roots as √."""
    law = text if isinstance(text, str) else Formula(text, tuple(INPUTS), Variable("z"))
    formula = parse_formula(law, INPUTS, Variable("z")) if isinstance(law, str) else law
    return " ".join(_words(ElementTree.fromstring(term)) for term in formula_terms(formula))


def _words(element: ElementTree.Element) -> str:
    parts = [_words(child) for child in element]
    match element.tag:
        case "mfrac":
            return f"[{parts[0]}]/[{parts[1]}]"
        case "msup":
            return f"{parts[0]}^{parts[1]}"
        case "msqrt":
            return f"√[{''.join(parts)}]"
    return (element.text or "").replace("\u2061", "") + "".join(parts)


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("2 * x + 1", "z= 2·x +1"),
        ("(x + 1) / (y + 1) / hour", "z= [x+1]/[(y+1)·hour]"),
        ("x ^ 0.5", "z= √[x]"),
        ("x ^ 2 * y ^ -1", "z= [x^2]/[y]"),
        ("(x + y) ^ 2", "z= (x+y)^2"),
        ("x ^ -1.5", "z= [1]/[x^1.5]"),
        ("exp(-x)", "z= exp(−x)"),
        ("max(x, 2 * y)", "z= max(x,2·y)"),
        ("0.000000123456 * x", "z= 1.235·10^−7·x"),
    ],
)
def test_formulas_read_as_written(text: str, seen: str) -> None:
    assert words(text) == seen


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_has_markup(name: str) -> None:
    seen = words(Apply(name, Input("x")))
    assert "x" in seen
    assert seen != "z= x"


def test_hostile_names_are_escaped() -> None:
    law = Formula(
        Input("<script>alert(1)</script>"), (Variable("<script>alert(1)</script>"),), Variable("a & b")
    )
    markup = "".join(formula_terms(law))
    assert "<script" not in markup
    assert "&lt;script&gt;" in markup
    assert "a &amp; b" in markup
    assert re.fullmatch(r"(<math>.*?</math>)+", markup)
