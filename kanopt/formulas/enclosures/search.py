"""Branch and bound: bisect boxes until the margin is bounded from below in all of them.

Boxes are processed worst first, many at a time (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*,
ch. 5). If the margin is monotone in a number throughout a box, its minimum lies on a face, and the box shrinks to that
face (the monotonicity test: Hansen and Walster 2004, *Global Optimization Using Interval Analysis*, ch. 12). Other
boxes are split at the side with the largest influence on the margin, by |derivative| × length (the smear of Kearfott
and Novoa 1990, *Algorithm 681: INTBIS*) or, without derivatives, by the gain from shrinking a side to its middle.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kanopt.formulas.enclosures.arithmetic import Flags, largest
from kanopt.formulas.enclosures.boxes import FormulaBoxes, concatenate
from kanopt.formulas.enclosures.facts import ShapeFact
from kanopt.formulas.enclosures.margins import FormulaMargin, MarginBounds
from kanopt.formulas.nodes import Array

_SAMPLE = 320
_TOGETHER = 256
_HUGE = 1e300


def branch_and_bound(fact: ShapeFact, margin: FormulaMargin, budget: int) -> ShapeFact:
    """Return a fact with its verdict: whether its margin is non-negative everywhere in the whole box.

    Parameters
    ----------
    fact
        What is asked.
    margin
        The quantity that must not be negative.
    budget
        Maximum number of boxes to bound.
    """
    root = margin.sides.whole()
    if (margin.low(root) >= 0.0).all():
        return replace(fact, verdict="proved", boxes=1)
    sample = margin.sides.sample(_SAMPLE)
    found = margin.encloser.over(sample, margin.own_orders)
    bounds = margin.of(found)
    finding = MarginBounds(bounds[0], bounds, {}, found.defined)
    witness = margin.contradiction(root) or margin.contradiction(sample, finding)
    if witness:
        return replace(fact, verdict="refuted", boxes=1, witness=witness)
    sizes = np.abs(np.concatenate(bounds))
    return _branch(fact, margin, budget, float(sizes.max(initial=0.0, where=np.isfinite(sizes))))


def _branch(fact: ShapeFact, margin: FormulaMargin, budget: int, typical: float) -> ShapeFact:
    root = margin.sides.whole()
    waiting, bounds = root, np.array([-np.inf])
    stuck: list[FormulaBoxes] = []
    looked, slack = 1, 0.0
    while len(waiting):
        size = min(_TOGETHER, looked, budget - looked)
        if size <= 0:
            why = f"the budget of {budget} boxes is spent: give a larger one"
            return replace(_open(fact, margin, [*stuck, waiting], why), boxes=looked)
        taken = np.argpartition(bounds, size - 1)[:size] if size < len(bounds) else np.arange(len(bounds))
        rest = np.ones(len(bounds), dtype=bool)
        rest[taken] = False
        boxes, waiting, bounds = waiting[taken], waiting[rest], bounds[rest]
        finding = margin.examine(boxes)
        looked += len(boxes)
        hidden = margin.hidden_by_rounding(boxes, finding, typical)
        slack = max(slack, float(-finding.low[hidden].min(initial=0.0)))
        left = np.flatnonzero(~hidden & (finding.low < 0.0))
        boxes, finding = boxes[left], finding.take(left)
        if not len(boxes):
            continue
        witness = margin.contradiction(boxes, finding)
        if witness:
            return replace(fact, verdict="refuted", boxes=looked, witness=witness)
        smaller, low, uncut = _subdivide(margin, boxes, finding)
        stuck += [uncut] if len(uncut) else []
        waiting, bounds = concatenate([waiting, smaller]), np.concatenate([bounds, low])
    if stuck:
        why = "what is left open is too small to cut"
        return replace(_open(fact, margin, stuck, why), boxes=looked)
    return replace(fact, verdict="proved", boxes=looked, slack=slack)


def _open(fact: ShapeFact, margin: FormulaMargin, parts: list[FormulaBoxes], why: str) -> ShapeFact:
    """Return an undecided fact: why, or rather that the formula may have no value in boxes that are left."""
    boxes = concatenate(parts)
    found = margin.encloser.over(boxes, margin.own_orders)
    undefined = ~found.defined & ~margin.encloser.has_no_entry(boxes)
    if undefined.any():
        centre = boxes.centre[int(np.argmax(undefined))]
        near = [f"{name} = {number:.6g}" for name, number in zip(margin.sides.numbers, centre, strict=True)]
        why = f"the formula may have no finite value near {', '.join(near)}"
    return replace(fact, left=min(float(boxes.share.sum()), 1.0), why=why)


def _subdivide(
    margin: FormulaMargin, boxes: FormulaBoxes, finding: MarginBounds
) -> tuple[FormulaBoxes, Array, FormulaBoxes]:
    """Return the boxes split or shrunk, their bounds, and the boxes that cannot be subdivided."""
    shrunk, faced = _on_faces(boxes, finding)
    possible = margin.sides.can_cut(boxes, margin.x)
    cuttable = possible.any(axis=1)
    shrinks, cuts = np.flatnonzero(faced), np.flatnonzero(cuttable & ~faced)
    rest = boxes[np.flatnonzero(~cuttable & ~faced)]
    if not len(cuts):
        return shrunk[shrinks], finding.low[shrinks], rest
    cut, low = boxes[cuts], finding.low[cuts]
    influence = np.where(possible[cuts], _influence(margin, cut, finding.take(cuts)), -1.0)
    parts = margin.sides.cut(cut, influence.argmax(axis=1), margin.x)
    fresh = np.full(len(parts) - 2 * len(cut), -np.inf)
    return (
        concatenate([shrunk[shrinks], parts]),
        np.concatenate([finding.low[shrinks], low, low, fresh]),
        rest,
    )


def _influence(margin: FormulaMargin, boxes: FormulaBoxes, finding: MarginBounds) -> Array:
    """Return the influence of each side on the margin, shape (boxes, sides)."""
    sides, count = margin.sides, len(margin.sides.numbers)
    whole = sides.high - sides.low
    lengths = np.where(np.isfinite(whole) & (whole > 0.0), whole, 1.0)
    labels = (boxes.last - boxes.first)[:, count:].astype(np.float64)
    relative = np.concatenate([boxes.width / lengths, labels], axis=1)
    influence = np.zeros(relative.shape)
    for side, pair in finding.derivative.items():
        influence[:, side] = largest(pair) * (boxes.width[:, side] if side < count else 1.0)
    if not finding.derivative:
        for side in range(relative.shape[1]):
            rows = np.flatnonzero(relative[:, side] > 0.0)
            shrunk = boxes[rows].halved(side)
            influence[rows, side] = margin.low(shrunk) - finding.low[rows] if len(rows) else 0.0
    influence = np.nan_to_num(influence, nan=0.0, posinf=np.inf)
    # what is unbounded is told apart by its length, and so are sides none of which seems to matter
    relative = np.minimum(np.nan_to_num(relative, nan=1.0), 1e6)
    influence = np.where(np.isinf(influence), _HUGE * (1.0 + relative), influence)
    flat = influence.max(axis=1, initial=0.0) <= 0.0
    return np.where(flat[:, None], relative, influence)


def _on_faces(boxes: FormulaBoxes, finding: MarginBounds) -> tuple[FormulaBoxes, Flags]:
    """Return the boxes shrunk to the faces where the margin is smallest, and a mask of those that have shrunk."""
    low, high = boxes.low.copy(), boxes.high.copy()
    faced = np.zeros(len(boxes), dtype=bool)
    for j, (least, most) in finding.derivative.items():
        if j >= low.shape[1]:
            continue  # labels have no order
        # across several stairs a face is not on one of them
        wide = finding.defined & (low[:, j] < high[:, j]) & (boxes.first[:, j] == boxes.last[:, j])
        wide &= np.isfinite(low[:, j]) & np.isfinite(high[:, j])
        # a face of the whole where the number is zero may have no finite value
        kept = ~((low[:, j] == 0.0) & np.isinf(finding.low))
        up, down = wide & kept & (least >= 0.0), wide & (most <= 0.0) & (least < 0.0)
        high[:, j] = np.where(up, low[:, j], high[:, j])
        low[:, j] = np.where(down, high[:, j], low[:, j])
        faced |= up | down
    return replace(boxes, low=low, high=high), faced
