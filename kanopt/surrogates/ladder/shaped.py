"""The shapes that a network was asked for, decided for the formula that it became.

A closed form keeps the shape of an edge over the values that the rows took there, which behind hidden nodes need not be
all that the box of the inputs takes. So what was asked of the network is decided anew for the formula, over its domain.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import Constant, Formula, Maximum, ShapeProof
from kanopt.formulas.verdict import NEGLIGIBLE, share_below_zero

if TYPE_CHECKING:
    from kanopt.surrogates.ladder import Trained

_BOXES = 500


def asked_of(trained: Trained, formula: Formula) -> dict[str, Any]:
    """Return what was asked of a network, of the columns that the formula reads, as :meth:`Formula.prove` takes it.

    A law behind a link has the ends of the link for bounds, and the law of a logarithm is positive. And of every law is
    asked that it has a value throughout its domain: a power of a hidden node may have none in a corner.
    """
    numbers = [feature.name for feature in trained.features if feature.kind == "number"]
    signs = trained.wanted.monotonic
    bends = dict(zip(numbers, trained.wanted.convexity, strict=False))
    low, high = trained.link.ends if trained.link else (0.0 if trained.log_target else -math.inf, math.inf)
    return {
        "monotone": {n: sign for n, sign in zip(numbers, signs, strict=False) if sign and n in formula.used},
        "convex": {
            names if len(names) > 1 else names[0]: sign
            for sign in (1, -1)
            if (names := _bent(bends, sign, formula))
        },
        "low": low if math.isfinite(low) else None,
        "high": high if math.isfinite(high) else None,
        "finite": True,
    }


def _bent(bends: Mapping[str, int], sign: int, formula: Formula) -> tuple[str, ...]:
    """Return the inputs of a formula in which it was asked to be convex, or concave, jointly."""
    return tuple(name for name, bend in bends.items() if bend == sign and name in formula.used)


def decided(formula: Formula, trained: Trained) -> ShapeProof:
    """Return a verdict on every shape that was asked of a network, for a formula with a domain."""
    return formula.prove(**asked_of(trained, formula), boxes=_BOXES)


def held_positive(formula: Formula, trained: Trained, rows: Mapping[str, NDArray[Any]]) -> Formula:
    """Return the formula held at the smallest target, where it falls below zero among the rows; see `positive`."""
    if trained.floor is None or formula.prove(low=0.0, boxes=_BOXES).proved:
        return formula
    try:
        lowest = float(np.min(formula.evaluate(rows)))
    except FormulaError:
        return formula  # it has no value for some row, for which it is let go
    if lowest >= 0.0 and share_below_zero(formula) <= NEGLIGIBLE:
        return formula
    return replace(formula, root=Maximum((Constant(trained.floor), formula.root)))


def shaped(formula: Formula, trained: Trained) -> Formula:
    """Return the formula with these verdicts, in its facts and in its file."""
    return replace(formula, shapes=decided(formula, trained).facts)
