"""Among laws of about equal error, the one that goes on where it is used beyond its data; see :mod:`.extrapolation`.

Rows say nothing of 0 km where the shortest trip had 1, nor of 400 t where a dozen shipments had more than 88. There a
law that has no value, or explodes, is of no use to whoever plans, although its description may be the shortest by a
little. So in the search on the rows it loses to one that is proved to go on, if that one's error is larger by no more
than chance explains. Where there is none, its inputs are held at the edge of their data, which the formula shows. So
are those of curves where the rows at that edge bear it out. An exponential may also explode among the data, where no
row has that combination of inputs: it is held at the largest target then, as a law that falls below zero there is at
the smallest.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas import Apply, Constant, Curve, Formula, Maximum, ShapeProof
from kanopt.formulas.columns import evaluate_graph
from kanopt.formulas.nodes import postorder
from kanopt.formulas.validity import (
    Ending,
    Extrapolation,
    Side,
    extrapolation,
    held_at_edges,
    held_below,
)
from kanopt.formulas.verdict import NEGLIGIBLE, share_below_zero
from kanopt.surrogates.calendar import period_of
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder.additive import AdditiveLaw
from kanopt.surrogates.ladder.rungs import Trained, beyond_edge

SAME = 1.005
"""Ratio of squared errors up to which they are practically equal."""
LOOSE = 1.04
"""The largest ratio that is put down to chance, and then only if it is within so many standard errors:"""
CHANCE = 1.0
FAR = 10.0
"""Times the largest target beyond which a law has exploded."""
_BOXES = 500
BIGGER = 1
"""Operators by which a rival may be longer to read: one that has more explains more, or less with more words."""


def beyond(law: Formula, trained: Trained) -> Extrapolation:
    """Decide whether a law with a domain goes on beyond its data."""
    rows = trained.rows
    some_below = trained.lowest is None or trained.lowest < 0.0
    level = float("nan") if some_below else float(rows.weight @ rows.values) / rows.total
    return extrapolation(law, level, with_ends(trained))


def with_ends(trained: Trained) -> set[str]:
    """Return the numbers that may lie beyond their data: one that looks like a month has no thirteenth."""
    return {
        each.name
        for place, each in enumerate(trained.features)
        if each.kind == "number" and period_of(each.name, each.decode(trained.rows.inputs[:, place])) is None
    }


def held_ends(law: AdditiveLaw, trained: Trained) -> frozenset[tuple[str, Side]]:
    """Return inputs of curves, and sides on which these are held at the edge of their data, as rows there bear out.

    Rows beyond the last tenth of an input are left out, and foretold by the law that goes on, and by the one that is
    held where that tenth begins. Which of the two is closer differs from trend to trend: a price of distance goes on, a
    level of sales by year does not. An input is held where that is clearly better, and by more than chance.
    """
    frame = trained.decoded(tuple(map(trained.variable, trained.features)))
    curves = [node for node in postorder(law.written(law.parameters)) if isinstance(node, Curve)]
    read = {name for curve in curves for node in postorder(curve) for name in node.names}
    found = set[tuple[str, Side]]()
    for name in sorted(read & with_ends(trained)):
        values = frame[name].astype(np.float64)
        ends: tuple[tuple[Side, Floats], ...] = (("below", -values), ("above", values))
        for side, upwards in ends:
            own, edge = beyond_edge(upwards)
            rest = law.written(law.without(own))
            rows = {key: column[own] for key, column in frame.items()}
            places = rows[name], np.full(int(own.sum()), edge if side == "above" else -edge)
            told = [evaluate_graph(rest, {**rows, name: place}, "a law") for place in places]
            went_on, ended = (law.rows.precision[own] * (law.rows.target[own] - each) ** 2 for each in told)
            more = went_on - ended
            if float(more.sum()) > max(_chance(more), (LOOSE - 1.0) * float(ended.sum())):
                found.add((name, side))
    return frozenset(found)


def _exploded(law: Formula, trained: Trained) -> float | None:
    """Return the largest target, where an exponential makes a law many times that somewhere among its data."""
    highest = float(trained.rows.values[trained.rows.weight > 0.0].max())
    has_one = any(isinstance(node, Apply) and node.function == "exp" for node in postorder(law.root))
    explodes = has_one and highest > 0.0 and law.prove(high=FAR * highest, boxes=_BOXES).refuted
    return highest if explodes else None


def is_no_worse(other: Floats, best: Floats, rows: Rows) -> bool:
    """Whether residuals are no larger than others, but for what is practically nothing or within chance, row by row."""
    more = rows.weight * (other**2 - best**2)
    squares = float(rows.weight @ best**2)
    excess = float(more.sum())
    if not excess <= (LOOSE - 1.0) * squares:
        return False
    return excess <= max((SAME - 1.0) * squares, _chance(more))


def _chance(parts: Floats) -> float:
    """Return up to which size a sum is put down to chance."""
    return CHANCE * float(np.sqrt(((parts - parts.mean()) ** 2).sum()))


def held(law: Formula, trained: Trained, columns: dict[str, NDArray[np.generic]]) -> Formula:
    """Return a law held where it does not go on, and at the largest target where it explodes among its data.

    A law without curves is not where it has a pole at zero (1 / x), or grows fast (2^x, 1 / (c − x)) from data that are
    dense up to their end, or from few rows beyond that bear it out: what can be read of it is what the rows have led
    to, and no accident of a curve. `columns` are the training rows.
    """
    endings = beyond(law, trained).endings
    found = [each for each in endings if law.curves or not _is_meant(law, each, trained, columns)]
    law = held_at_edges(law, found) if found else law
    most = _exploded(law, trained)
    return law if most is None else held_below(law, most)


def _is_meant(
    law: Formula, ending: Ending, trained: Trained, columns: dict[str, NDArray[np.generic]]
) -> bool:
    if ending.side == "below":
        return ending.pole
    item = law.domain.range_of(ending.input)
    if item is None or ending.edge == item.high:
        return item is not None
    rows, target = trained.rows, trained.rows.values
    beyond_edge = np.flatnonzero(columns[ending.input].astype(np.float64) > ending.edge)
    missed = [
        np.broadcast_to(each.evaluate(columns), target.shape)[beyond_edge] - target[beyond_edge]
        for each in (law, held_at_edges(law, [ending]))
    ]
    went_on, ended = (float(rows.weight[beyond_edge] @ gap**2) for gap in missed)
    return went_on < ended


# ── the shapes that a network was asked for, decided for the formula that it became ──


def asked_of(trained: Trained, formula: Formula) -> dict[str, Any]:
    """Return what was asked of a network, of the columns that the formula reads, as :meth:`Formula.prove` takes it.

    A law behind a link has the ends of the link for bounds, and the law of a logarithm is positive. And of every law is
    asked that it has a value throughout its domain: a power of a hidden node may have none in a corner.
    """
    numbers = [feature.name for feature in trained.features if feature.kind == "number"]
    signs = zip(numbers, trained.wanted.monotonic, strict=False)
    low, high = trained.link.ends if trained.link else (0.0 if trained.rows.log else -math.inf, math.inf)
    return {
        "monotone": {name: sign for name, sign in signs if sign and name in formula.used},
        "low": low if math.isfinite(low) else None,
        "high": high if math.isfinite(high) else None,
        "finite": True,
    }


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
