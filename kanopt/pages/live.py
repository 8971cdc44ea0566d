"""What makes a page alive: its one script, the laws as functions in it, and the data that it reads."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup
from pandas.api.types import is_numeric_dtype

from kanopt.errors import FormulaError
from kanopt.formulas import Formula
from kanopt.pages.law_plots import known_labels, range_of_input, reference_values
from kanopt.plans.slider_prices import SliderPrices, column_of

if TYPE_CHECKING:
    from kanopt.formulas import Variable
    from kanopt.pages.subject import LawRows
    from kanopt.plans.law_use import LawUse
    from kanopt.plans.result import Result
    from kanopt.scenarios import LearnedLaw

# what no page can hold: control characters and halves of letters
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_BAND = (0.05, 0.95)
_MOST_PLACES = 300
_PARTS = ("pricing", "elements", "plan_panel", "law_panel", "drawings", "page")
"""The files of the script, in their order."""
_NO_MARKUP = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
        "\x7f": "\\u007f",
    }
)


@dataclass(frozen=True)
class LivePage:
    """The script of a page, and the data it reads, ready to be written.

    Parameters
    ----------
    script
        JavaScript; nothing in it ends the element it stands in.
    data
        JSON, likewise.
    """

    script: Markup
    data: Markup

    @property
    def digest(self) -> str:
        """The script's SHA-256, by which the policy of the page lets it run and no other."""
        return base64.b64encode(hashlib.sha256(self.script.encode()).digest()).decode()


def printable(text: str) -> str:
    """Return a text as a page can hold it."""
    return _UNPRINTABLE.sub("\ufffd", text)


def live_page(
    laws: Mapping[str, LearnedLaw],
    plans: Mapping[str, Result] | None = None,
    rows: Mapping[str, LawRows] | None = None,
) -> LivePage:
    """Return what makes a page alive.

    Parameters
    ----------
    laws
        Those that the page shows, by name.
    plans
        By what each is called, that of the page first; one that cannot be priced in a page is left out, and so are all
        of them where that is the first.
    rows
        Rows that are drawn beside a law, by its name.
    """
    functions: list[Formula] = []
    prices = _slider_prices(plans or {})
    told = [{"label": name, "plan": each.to_json()} for name, each in prices.items()]
    beside = rows or {}
    uses = _law_uses(plans or {})
    shown = []
    for name, law in laws.items():
        use = next((each for each in uses if each.formula == law.formula), None)
        shown.append(_law(name, law.formula, (beside.get(name), use), functions))
    first = next(iter(prices.values()), None)
    others = [each.refused for each in prices.values()]
    moved = [each for each in (first.sliders if first else ()) if not any(each.key in one for one in others)]
    data = {
        "laws": [law for law in shown if law],
        "plans": told,
        "sliders": [asdict(each) for each in moved],
        "unit": first.unit if first else "",
        "refused": sorted({label for each in others for label in each.values()}),
        "why": "" if moved else _why_nothing_moves(plans or {}, first is not None),
    }
    sources = ",\n".join(law.to_javascript().strip() for law in functions)
    script = (
        f'"use strict";\n{{\nconst laws = [\n{sources}\n];\n{_script()}\nwindow.kanopt = start(laws);\n}}'
    )
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    # whatever texts of the user's there are stand within JSON's quotes, where any letter may be written by its number
    known = printable(script.replace("\x7f", "\\u007f")), printable(text.translate(_NO_MARKUP))
    return LivePage(*map(Markup, known))


@cache
def _script() -> str:
    folder = files("kanopt.pages").joinpath("templates", "live")
    return "\n".join(folder.joinpath(f"{part}.js").read_text("utf-8") for part in _PARTS)


def _slider_prices(plans: Mapping[str, Result]) -> dict[str, SliderPrices]:
    found: dict[str, SliderPrices] = {}
    for name, result in plans.items():
        prices = None if result.assessment is None else result.assessment.slider_prices()
        if prices is not None:
            found[name] = prices
        elif not found:
            return {}
    return found


def _law_uses(plans: Mapping[str, Result]) -> tuple[LawUse, ...]:
    """Return where the plan of the page uses its laws."""
    first = next(iter(plans.values()), None)
    return () if first is None or first.assessment is None else first.assessment.law_uses


def _why_nothing_moves(plans: Mapping[str, Result], is_priced: bool) -> str:
    """Say why a page has no sliders for its plan; empty where there is no plan."""
    first = next(iter(plans.values()), None)
    if first is None or first.assessment is None:
        return ""
    if is_priced:
        return "No part of this price can be moved: none is a price or a law that the tables state apart."
    if first.problem.kind == "routing":
        return "There are no sliders: some route is never driven to its end, so that it has no price to move."
    return f"There are no sliders: plans of {first.problem.kind} problems are not priced anew in a page."


def _place_of(law: Formula, functions: list[Formula]) -> int:
    """Return the place of a law among the functions of the page, to which it is added where it is new."""
    if law not in functions:
        functions.append(law)
    return functions.index(law)


def _law(
    name: str, formula: Formula, beside: tuple[LawRows | None, LawUse | None], functions: list[Formula]
) -> dict[str, Any] | None:
    """Return what can be moved of a law, with the rows and the uses that are drawn; None of one that cannot be."""
    rows, use = beside
    try:
        held = reference_values(formula)
    except FormulaError:
        return None
    quantiles = dict(formula.fit.residual_quantiles) if formula.fit is not None else {}
    band = [quantiles[each] for each in _BAND] if all(each in quantiles for each in _BAND) else None
    inputs = [_input(formula, variable, held) for variable in formula.inputs if variable.name in held]
    if not inputs:
        return None
    return {
        "name": name,
        "unit": formula.output.unit,
        "law": _place_of(formula, functions),
        "band": band,
        "inputs": inputs,
        "rows": None if rows is None else _points(rows, [each["name"] for each in inputs]),
        "plan": None if use is None else _places(use),
    }


def _input(formula: Formula, variable: Variable, held: Mapping[str, Any]) -> dict[str, Any]:
    """Return one input of a law: between which values it can be moved, and where it stands."""
    known: dict[str, Any] = {"name": variable.name, "unit": variable.unit, "at": held[variable.name]}
    if variable.is_category:
        return known | {"categories": known_labels(formula, variable.name)}
    ends = range_of_input(formula, variable)
    if ends is not None:
        seen = (*ends, *(formula.domain.quantiles_of(variable.name) or (math.nan,)))
        known |= {"low": ends[0], "high": ends[1], "whole": all(map(float.is_integer, seen))}
    return known


def _places(use: LawUse) -> dict[str, Any]:
    """Return some of the places at which the plan uses a law, evenly spread."""
    every = slice(None, None, max(1, -(-use.shape[0] // _MOST_PLACES)))
    return {
        "words": use.places[1],
        "inputs": {
            name: column_of(np.broadcast_to(values, use.shape)[every])
            for name, values in use.arguments.items()
        },
    }


def _points(rows: LawRows, inputs: Sequence[str]) -> dict[str, Any]:
    """Return rows as columns of numbers, to a few digits: they are dots; texts are not drawn."""
    numbers = {
        name: rows.frame[name].to_numpy(float) for name in inputs if is_numeric_dtype(rows.frame[name].dtype)
    }
    target = rows.frame[rows.target].to_numpy(float)
    return {
        "inputs": {name: [_few_digits(value) for value in values] for name, values in numbers.items()},
        "target": [_few_digits(value) for value in target],
    }


def _few_digits(value: float) -> float | None:
    return float(f"{value:.5g}") if math.isfinite(value) else None
