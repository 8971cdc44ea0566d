"""What the section of a law says of its constants, and of what was decided by hand."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from kanopt.display import Grid, Section
from kanopt.formulas import Formula, Variable, parse_formula
from kanopt.reports.law_section import law_sections
from kanopt.whatif import LearnedLaw

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
