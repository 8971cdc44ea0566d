"""Verify shape claims about a law, and return the verdicts as a table.

What is claimed is proved of the law as a formula of curves (:attr:`kanopt.surrogates.law.FittedLaw.formula`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from numbers import Real
from typing import Any, Self

import pandas as pd

from kanopt.errors import FitError, FormulaError, nearest
from kanopt.formulas import Formula, ShapeFact
from kanopt.formulas.enclosures.facts import Point
from kanopt.surrogates.curves import place_name
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.law import FittedLaw
from kanopt.surrogates.naming import by_name, column_of
from kanopt.text import number_text

NO_CLAIMS = (
    "verify: there is nothing to prove, since the model was asked to hold no shape. Say what is claimed: "
    "monotone={'km': +1}, convex=['km'], concave=['km'] or bounds=(0, None)"
)
_FLOOR_BUDGET = 1_000
"""Boxes in which a law is to be proved to stay above zero; one that is not is held there."""


@dataclass(frozen=True)
class ShapeClaims:
    """Shape claims by column name; see :meth:`KANRegressor.verify`."""

    monotone: Mapping[str, int] = field(default_factory=dict)
    convex: tuple[str, ...] = ()
    concave: tuple[str, ...] = ()
    bounds: tuple[float, float] | None = None

    def __bool__(self) -> bool:
        return bool(self.monotone or self.convex or self.concave or self.bounds)

    @classmethod
    def of(cls, monotone: Any, convex: Any, concave: Any, bounds: Any, encoding: FeatureEncoding) -> Self:
        """Build claims from the user's arguments.

        Raises
        ------
        FitError
            For a column that is not there, an invalid sign, a single name instead of a list, and bounds in disorder.
        """
        if monotone is not None and not isinstance(monotone, (Mapping, pd.Series)):
            raise FitError(f"verify: monotone={monotone!r} must map columns to +1 or -1, such as {{'km': 1}}")
        signs = by_name({} if monotone is None else dict(monotone.items()), encoding, "verify: monotone")
        for name, sign in signs.items():
            if isinstance(sign, bool) or sign not in (-1, 0, 1):
                raise FitError(f"verify: column {name!r} has {sign!r}; use +1 (rises), -1 (falls) or 0")
        bends = []
        for word, columns in (("convex", convex), ("concave", concave)):
            if isinstance(columns, str) or not (columns is None or isinstance(columns, Iterable)):
                raise FitError(f"verify: {word}={columns!r} must be a list of columns, such as [{columns!r}]")
            names = (column_of(name, encoding, f"verify: {word}").name for name in columns or ())
            bends.append(tuple(names))
        kept = {name: sign for name, sign in signs.items() if sign}
        return cls(kept, bends[0], bends[1], _ends(bounds))

    @classmethod
    def from_arguments(cls, arguments: Any, encoding: FeatureEncoding) -> Self:
        """Return the shape constraints of a fitted model as claims."""
        from kanopt.surrogates.options import settings_of

        settings = settings_of(arguments, encoding)
        names = [feature.name for feature in encoding.numbers]
        signs = dict(zip(names, settings.shape_constraints.monotonic, strict=False))
        bends = dict(zip(names, settings.shape_constraints.convexity, strict=False))
        ends = {"any": None, "positive": (0.0, math.inf), "bounded": settings.bounds}[settings.target_range]
        return cls(
            {name: sign for name, sign in signs.items() if sign},
            tuple(name for name, bend in bends.items() if bend > 0),
            tuple(name for name, bend in bends.items() if bend < 0),
            ends,
        )


def _ends(bounds: Any) -> tuple[float, float] | None:
    """Return the ends between which a law is asked to lie."""
    if bounds is None:
        return None
    known = not isinstance(bounds, str) and isinstance(bounds, Iterable) and len(ends := tuple(bounds)) == 2
    if not known or any(end is not None and not isinstance(end, Real) for end in ends):
        raise FitError(
            f"verify: bounds={bounds!r} must be two numbers, or None for no end, such as (0, None)"
        )
    low, high = ends
    found = -math.inf if low is None else float(low), math.inf if high is None else float(high)
    if not found[0] <= found[1]:
        raise FitError(f"verify: bounds={bounds!r}: the lower end must not lie above the upper")
    return found


def proofs(law: FittedLaw, asked: ShapeClaims, budget: int) -> pd.DataFrame:
    """Verify every claim over the box of the training rows; the column ``where`` says why one does not hold."""
    claims = _claims(law, asked)
    try:
        formula = law.formula
    except FormulaError as error:
        rows = [
            {"claim": words, "verdict": "undecided", "boxes": 0, "where": str(error)} for words, _ in claims
        ]
    else:
        rows = [_row(law.encoding, words, _facts(formula, parts, budget)) for words, parts in claims]
    return pd.DataFrame(rows, columns=["claim", "verdict", "boxes", "where"])


def held_positive(law: FittedLaw) -> FittedLaw:
    """Return a law of a positive target held at the smallest one, unless it is proved to stay above zero by itself."""
    if not law.lowest > 0.0:
        return law
    try:
        proved = law.formula.prove(low=0.0, boxes=_FLOOR_BUDGET).proved
    except FormulaError:  # a network too large to be written as a formula
        proved = False
    return law if proved else replace(law, floor=law.lowest)


def _claims(law: FittedLaw, asked: ShapeClaims) -> list[tuple[str, list[dict[str, Any]]]]:
    """Return every claim in words, and what is to be proved of the formula for it."""
    found: list[tuple[str, list[dict[str, Any]]]] = []
    for name, sign in asked.monotone.items():
        words = f"{'rises' if sign > 0 else 'falls'} with {name}"
        found.append((words, [{"monotone": {_place(law.encoding, name): sign}}]))
    for word, names, sign in (("convex", asked.convex, 1), ("concave", asked.concave, -1)):
        if names:
            places = tuple(_place(law.encoding, name) for name in names)
            words = f"{word} in {', '.join(names)}" + (" jointly" if len(names) > 1 else "")
            found.append((words, [{"convex": {places: sign}}]))
    if asked.bounds is not None:
        pairs = zip(("low", "high"), ("at least", "at most"), asked.bounds, strict=True)
        ends = [(word, told, end) for word, told, end in pairs if math.isfinite(end)]
        text = " and ".join(f"{told} {number_text(end, 6)}" for _, told, end in ends)
        found.append((text, [{word: end} for word, _, end in ends]))
    return found


def _facts(formula: Formula, claims: list[dict[str, Any]], budget: int) -> list[ShapeFact]:
    """Decide parts of a claim one after the other, until one fails."""
    found: list[ShapeFact] = []
    for claim in claims:
        left = budget - sum(fact.boxes for fact in found)
        found += formula.prove(**claim, boxes=max(left, 1)).facts
        if found[-1].verdict != "proved":
            break
    return found


def _row(encoding: FeatureEncoding, words: str, facts: list[ShapeFact]) -> dict[str, Any]:
    last = facts[-1] if facts else None
    where = "; ".join(_where(encoding, point) for point in last.witness) or last.why if last else ""
    return {
        "claim": words,
        "verdict": last.verdict if last else "proved",
        "boxes": sum(fact.boxes for fact in facts),
        "where": where,
    }


def _place(encoding: FeatureEncoding, name: str) -> str:
    """Return what the formula calls a numeric column."""
    names = [feature.name for feature in encoding.numeric]
    if name not in names:
        raise FitError(f"verify: there is no number {name!r}; {nearest(str(name), names)}")
    return place_name(names.index(name))


def _where(encoding: FeatureEncoding, point: Point) -> str:
    """Return a point in words, in the units of the table."""
    value = point.inputs
    columns = [
        f"{feature.name} = {value[place_name(place)]:.6g}" for place, feature in enumerate(encoding.numeric)
    ]
    columns += [
        f"{feature.name} = {feature.categories[int(value[place_name(place)])]}"
        for place, feature in enumerate(encoding.categories, len(encoding.numeric))
    ]
    return f"{point.value:.8g} at {', '.join(columns)}"
