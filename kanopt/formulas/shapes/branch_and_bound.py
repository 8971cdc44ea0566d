"""Branch and bound: cut boxes in two until the margin is bounded from below in all of them.

Boxes are taken worst first, many at a time (Moore, Kearfott and Cloud 2009, *Introduction to Interval Analysis*,
ch. 5). Where the margin moves one way along a number throughout a box, its least value lies on a face, and the box
shrinks to that face (the monotonicity test: Hansen and Walster 2004, *Global Optimization Using Interval Analysis*,
ch. 12). Of other boxes the side is cut that moves the margin most, by |derivative| × length (the smear of Kearfott and
Novoa 1990, *Algorithm 681: INTBIS*) or, where no derivative is at hand, by what a side shrunk to its middle gains.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kanopt.formulas.nodes import Array
from kanopt.formulas.shapes.arithmetic import Flags
from kanopt.formulas.shapes.boxes import Boxes, join
from kanopt.formulas.shapes.facts import Point, Verdict
from kanopt.formulas.shapes.margins import Finding, Margin

__all__ = ["Search", "search"]

_SAMPLE = 128
_TOGETHER = 256
_HUGE = 1e300


@dataclass(frozen=True)
class Search:
    """What came of a search; see :class:`kanopt.formulas.shapes.facts.ShapeFact`."""

    verdict: Verdict
    boxes: int
    left: float = 0.0
    slack: float = 0.0
    witness: tuple[Point, ...] = ()
    why: str = ""


def search(margin: Margin, root: Boxes, budget: int) -> Search:
    """Decide whether a margin is nowhere negative in a box.

    Parameters
    ----------
    margin
        What must not be negative.
    root
        One box.
    budget
        How many boxes may be bounded.
    """
    if (margin.low(root) >= 0.0).all():
        return Search("proved", 1)
    sample = margin.sides.sample(_SAMPLE)
    jet = margin.tracer.jet(sample, margin.simple)
    witness = margin.contradiction(root) or margin.contradiction(sample, margin.of(jet)[1])
    if witness:
        return Search("refuted", 1, witness=witness)
    return _branch(margin, root, budget)


def _branch(margin: Margin, root: Boxes, budget: int) -> Search:
    waiting, bounds = root, np.array([-np.inf])
    stuck: list[Boxes] = []
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
        hidden = margin.hides(boxes, finding.low)
        slack = max(slack, float(-finding.low[hidden].min(initial=0.0)))
        left = np.flatnonzero(~hidden & (finding.low < 0.0))
        boxes, finding = boxes[left], finding.take(left)
        if not len(boxes):
            continue
        witness = margin.contradiction(boxes, finding.at_centre[1])
        if witness:
            return Search("refuted", looked, witness=witness)
        smaller, low, uncut = _smaller(margin, boxes, finding)
        stuck += [uncut] if len(uncut) else []
        waiting, bounds = join([waiting, smaller]), np.concatenate([bounds, low])
    if stuck:
        return _open(margin, stuck, looked, "")
    return Search("proved", looked, slack=slack)


def _open(margin: Margin, parts: list[Boxes], looked: int, why: str) -> Search:
    """Return what is left open, and why."""
    boxes = join(parts)
    jet = margin.tracer.jet(boxes, margin.simple)
    undefined = ~jet.defined & ~margin.tracer.void(boxes)
    if undefined.any():
        place = int(np.argmax(undefined))
        near = ", ".join(
            f"{name} = {number:.6g}"
            for name, number in zip(margin.sides.numbers, boxes.centre[place], strict=True)
        )
        why = f"the formula may have no finite value near {near}"
    left = min(float(boxes.share.sum()), 1.0)
    return Search("undecided", looked, left=left, why=why or "what is left open is too small to cut")


def _smaller(margin: Margin, boxes: Boxes, finding: Finding) -> tuple[Boxes, Array, Boxes]:
    """Return the boxes cut or shrunk, their bounds, and the boxes that cannot be."""
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
    return join([shrunk[shrinks], parts]), np.concatenate([finding.low[shrinks], low, low, fresh]), rest


def _influence(margin: Margin, boxes: Boxes, finding: Finding) -> Array:
    """Return how much each side matters, shape (boxes, sides)."""
    sides, count = margin.sides, len(margin.sides.numbers)
    lengths = np.where(np.isfinite(sides.high - sides.low), sides.high - sides.low, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = boxes.width / np.where(lengths > 0.0, lengths, 1.0)
    relative = np.concatenate([relative, (boxes.last - boxes.first)[:, count:].astype(np.float64)], axis=1)
    influence = np.zeros(relative.shape)
    derived = bool(finding.derivative)
    for j in range(count):
        if derived:
            pair = finding.derivative.get(j)
            if pair is not None:
                with np.errstate(invalid="ignore"):
                    influence[:, j] = np.maximum(np.abs(pair[0]), np.abs(pair[1])) * boxes.width[:, j]
    for side in range(0 if not derived else count, relative.shape[1]):
        influence[:, side] = margin.low(_flattened(boxes, side, count)) - finding.low
    influence = np.nan_to_num(influence, nan=0.0, posinf=np.inf)
    # what is unbounded is told apart by its length, and so are sides none of which seems to matter
    relative = np.minimum(np.nan_to_num(relative, nan=1.0), 1e6)
    influence = np.where(np.isinf(influence), _HUGE * (1.0 + relative), influence)
    flat = influence.max(axis=1, initial=0.0) <= 0.0
    return np.where(flat[:, None], relative, influence)


def _flattened(boxes: Boxes, side: int, count: int) -> Boxes:
    """Return the boxes with one side shrunk to its middle."""
    first, last = boxes.first.copy(), boxes.last.copy()
    half = (first[:, side] + last[:, side]) // 2
    first[:, side] = last[:, side] = half
    if side >= count:
        return replace(boxes, first=first, last=last)
    low, high = boxes.low.copy(), boxes.high.copy()
    low[:, side] = high[:, side] = boxes.centre[:, side]
    return replace(boxes, low=low, high=high, first=first, last=last)


def _on_faces(boxes: Boxes, finding: Finding) -> tuple[Boxes, Flags]:
    """Return the boxes shrunk to the faces where the margin is least, and which ones have shrunk."""
    low, high = boxes.low.copy(), boxes.high.copy()
    faced = np.zeros(len(boxes), dtype=bool)
    for j, (least, most) in finding.derivative.items():
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
