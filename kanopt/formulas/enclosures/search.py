"""Branch and bound: bisect boxes until the margin is bounded from below in all of them.

Boxes are processed worst first, many at a time (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*,
ch. 5). If the margin is monotone in a number throughout a box, its minimum lies on a face, and the box shrinks to that
face (the monotonicity test: Hansen and Walster 2004, *Global Optimization Using Interval Analysis*, ch. 12). Other
boxes are split at the side with the largest influence on the margin, by |derivative| × length (the smear of Kearfott
and Novoa 1990, *Algorithm 681: INTBIS*) or, without derivatives, by the gain from shrinking a side to its middle.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kanopt.formulas.enclosures.arithmetic import Flags
from kanopt.formulas.enclosures.boxes import FormulaBoxes, concatenate
from kanopt.formulas.enclosures.facts import Point, Verdict
from kanopt.formulas.enclosures.margins import FormulaMargin, MarginBounds
from kanopt.formulas.nodes import Array

__all__ = ["BranchAndBoundResult", "branch_and_bound"]

_SAMPLE = 320
_TOGETHER = 256
_HUGE = 1e300


@dataclass(frozen=True)
class BranchAndBoundResult:
    """The result of a search; see :class:`kanopt.formulas.enclosures.facts.ShapeFact`."""

    verdict: Verdict
    boxes: int
    left: float = 0.0
    slack: float = 0.0
    witness: tuple[Point, ...] = ()
    why: str = ""


def branch_and_bound(margin: FormulaMargin, root: FormulaBoxes, budget: int) -> BranchAndBoundResult:
    """Decide whether a margin is non-negative everywhere in a box.

    Parameters
    ----------
    margin
        The quantity that must not be negative.
    root
        One box.
    budget
        Maximum number of boxes to bound.
    """
    if (margin.low(root) >= 0.0).all():
        return BranchAndBoundResult("proved", 1)
    sample = margin.sides.sample(_SAMPLE)
    found = margin.encloser.over(sample, margin.own_orders)
    bounds = margin.of(found)
    finding = MarginBounds(bounds[0], bounds, {}, found.defined)
    witness = margin.contradiction(root) or margin.contradiction(sample, finding)
    if witness:
        return BranchAndBoundResult("refuted", 1, witness=witness)
    sizes = np.abs(np.concatenate(bounds))
    return _branch(margin, root, budget, float(sizes.max(initial=0.0, where=np.isfinite(sizes))))


def _branch(margin: FormulaMargin, root: FormulaBoxes, budget: int, typical: float) -> BranchAndBoundResult:
    waiting, bounds = root, np.array([-np.inf])
    stuck: list[FormulaBoxes] = []
    looked, slack = 1, 0.0
    while len(waiting):
        size = min(_TOGETHER, looked, budget - looked)
        if size <= 0:
            why = f"the budget of {budget} boxes is spent: give a larger one"
            return _open(margin, [*stuck, waiting], looked, why)
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
            return BranchAndBoundResult("refuted", looked, witness=witness)
        smaller, low, uncut = _subdivide(margin, boxes, finding)
        stuck += [uncut] if len(uncut) else []
        waiting, bounds = concatenate([waiting, smaller]), np.concatenate([bounds, low])
    if stuck:
        return _open(margin, stuck, looked, "")
    return BranchAndBoundResult("proved", looked, slack=slack)


def _open(margin: FormulaMargin, parts: list[FormulaBoxes], looked: int, why: str) -> BranchAndBoundResult:
    """Return an undecided result, with the reason."""
    boxes = concatenate(parts)
    found = margin.encloser.over(boxes, margin.own_orders)
    undefined = ~found.defined & ~margin.encloser.has_no_entry(boxes)
    if undefined.any():
        place = int(np.argmax(undefined))
        near = ", ".join(
            f"{name} = {number:.6g}"
            for name, number in zip(margin.sides.numbers, boxes.centre[place], strict=True)
        )
        why = f"the formula may have no finite value near {near}"
    left = min(float(boxes.share.sum()), 1.0)
    return BranchAndBoundResult(
        "undecided", looked, left=left, why=why or "what is left open is too small to cut"
    )


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
    lengths = np.where(np.isfinite(sides.high - sides.low), sides.high - sides.low, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = boxes.width / np.where(lengths > 0.0, lengths, 1.0)
    relative = np.concatenate([relative, (boxes.last - boxes.first)[:, count:].astype(np.float64)], axis=1)
    influence = np.zeros(relative.shape)
    for side in range(relative.shape[1]):
        if finding.derivative:
            pair = finding.derivative.get(side)
            if pair is not None:
                length = boxes.width[:, side] if side < count else np.ones(len(boxes))
                with np.errstate(invalid="ignore"):
                    influence[:, side] = np.maximum(np.abs(pair[0]), np.abs(pair[1])) * length
            continue
        rows = np.flatnonzero(relative[:, side] > 0.0)
        if len(rows):
            shrunk = _shrink_side(boxes[rows], side, count)
            influence[rows, side] = margin.low(shrunk) - finding.low[rows]
    influence = np.nan_to_num(influence, nan=0.0, posinf=np.inf)
    # what is unbounded is told apart by its length, and so are sides none of which seems to matter
    relative = np.minimum(np.nan_to_num(relative, nan=1.0), 1e6)
    influence = np.where(np.isinf(influence), _HUGE * (1.0 + relative), influence)
    flat = influence.max(axis=1, initial=0.0) <= 0.0
    return np.where(flat[:, None], relative, influence)


def _shrink_side(boxes: FormulaBoxes, side: int, count: int) -> FormulaBoxes:
    """Return the boxes with one side shrunk to its middle."""
    first, last = boxes.first.copy(), boxes.last.copy()
    half = (first[:, side] + last[:, side]) // 2
    first[:, side] = last[:, side] = half
    if side >= count:
        return replace(boxes, first=first, last=last)
    low, high = boxes.low.copy(), boxes.high.copy()
    low[:, side] = high[:, side] = boxes.centre[:, side]
    return replace(boxes, low=low, high=high, first=first, last=last)


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
