"""Branch and bound: cut boxes in two until the margin is bounded from below in all of them.

Boxes are taken worst first, many at a time. Where the margin moves one way along an input throughout a box, its
least value lies on a face, and the box shrinks to that face (the monotonicity test: Hansen and Walster 2004,
*Global Optimization Using Interval Analysis*, ch. 12). Of other boxes the longest side by |derivative| × length
is cut (the smear of Kearfott and Novoa 1990, *Algorithm 681: INTBIS*), at the end of its spline's range if
it crosses one, so that second derivatives do not jump inside boxes, else in the middle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kanopt.kan.verify.boxes import NetworkBoxes, concatenate
from kanopt.kan.verify.claims import Outcome, Witness
from kanopt.kan.verify.intervals import Flags, Floats, Pair
from kanopt.kan.verify.margins import NetworkMargin, NetworkMarginBounds

__all__ = ["NetworkProofResult", "branch_and_bound"]

_CANDIDATES = 16
_SAMPLE = 256


@dataclass(frozen=True)
class NetworkProofResult:
    """What came of a search: the outcome, boxes bounded, a witness if refuted, the slack that was used."""

    outcome: Outcome
    boxes: int
    witness: Witness | None = None
    slack: float = 0.0


def branch_and_bound(
    margin: NetworkMargin, root: NetworkBoxes, budget: int, slack: float
) -> NetworkProofResult:
    """Decide whether a margin is nowhere negative in a box.

    Parameters
    ----------
    margin
        What must not be negative.
    root
        One box.
    budget
        How many boxes may be bounded.
    slack
        The margin may be negative by this share of the largest size it has in a sample of the box and, unless this
        is zero, by what rounding hides: 64 times the widest bounds of the margin at a sampled point.
    """
    sample = _sample(root)
    low, high = margin.at(sample)
    witness = _confirmed(margin, sample, high, root)
    if witness is not None:
        return NetworkProofResult("refuted", 0, witness)
    allowed = slack * float(np.maximum(np.abs(low), np.abs(high)).max())
    hidden = 64.0 * float((high - low).max()) if slack > 0.0 else 0.0
    return _branch(margin, root, budget, allowed + hidden)


def _sample(root: NetworkBoxes) -> NetworkBoxes:
    """Return points of the box: corners of it, and some drawn evenly (always the same)."""
    generator = np.random.default_rng(0)
    numbers = root.low.shape[1]
    places = np.vstack(
        [generator.random((_SAMPLE, numbers)), generator.integers(0, 2, (_SAMPLE // 4, numbers))]
    )
    points = np.clip(root.low + places * root.width, root.low, root.high)
    codes = generator.integers(root.first, root.last + 1, (len(points), root.first.shape[1]))
    return NetworkBoxes(points, points, codes, codes)


def _confirmed(
    margin: NetworkMargin, boxes: NetworkBoxes, at_centre: Floats, root: NetworkBoxes
) -> Witness | None:
    """Return a witness near the centres at which the margin is most negative."""
    worst = np.argsort(at_centre)[:_CANDIDATES]
    worst = worst[at_centre[worst] < 0.0]
    return margin.confirm(boxes[worst], root) if len(worst) else None


def _branch(margin: NetworkMargin, root: NetworkBoxes, budget: int, allowed: float) -> NetworkProofResult:
    waiting, bounds = root, np.array([-np.inf])
    looked, used, tried = 0, 0.0, 0.0
    while len(waiting):
        size = min(margin.batch_size, max(1, looked), budget - looked)
        if size <= 0:
            return NetworkProofResult("undecided", looked)
        taken = np.argpartition(bounds, size - 1)[:size] if size < len(bounds) else np.arange(len(bounds))
        left = np.ones(len(bounds), dtype=bool)
        left[taken] = False
        boxes, waiting, bounds = waiting[taken], waiting[left], bounds[left]
        finding = margin.examine(boxes)
        looked += len(boxes)
        # a margin that sinks below all that was tried is worth another look at the network
        if finding.at_centre.min() < min(0.0, 2.0 * tried):
            witness = _confirmed(margin, boxes, finding.at_centre, root)
            if witness is not None:
                return NetworkProofResult("refuted", looked, witness)
            tried = float(finding.at_centre.min())
        done = np.asarray(finding.low >= -allowed, dtype=np.bool_)
        used = max(used, float(-finding.low[done].min(initial=0.0)))
        if done.all():
            continue
        smaller = _subdivide(boxes, finding, ~done, margin.ends)
        if smaller is None:
            return NetworkProofResult("undecided", looked)
        waiting, bounds = concatenate([waiting, smaller[0]]), np.concatenate([bounds, smaller[1]])
    return NetworkProofResult("proved", looked, slack=used)


def _subdivide(
    boxes: NetworkBoxes, finding: NetworkMarginBounds, open_: Flags, ends: Pair
) -> tuple[NetworkBoxes, Floats] | None:
    """Return what is left of the open boxes, in smaller ones, with their bounds; None if one cannot be cut."""
    boxes, low, influence = boxes[open_], finding.low[open_], finding.influence[open_]
    faced = np.zeros(len(boxes), dtype=bool)
    if finding.derivative is not None:
        derivative = finding.derivative[0][open_], finding.derivative[1][open_]
        boxes, faced = _on_faces(boxes, derivative)
    uncut = boxes[~faced]
    centre = uncut.centre
    possible = np.hstack([(uncut.low < centre) & (centre < uncut.high), uncut.first < uncut.last])
    if not possible.any(axis=1).all():
        return None
    relative = np.hstack([uncut.width, (uncut.last - uncut.first).astype(np.float64)])
    influence = np.where(possible, influence[~faced], -1.0)
    flat = influence.max(axis=1) <= 0.0
    influence = np.where(flat[:, None] & possible, relative, influence)
    halves = uncut.halves(influence.argmax(axis=1), ends)
    return concatenate([boxes[faced], halves]), np.concatenate([low[faced], low[~faced], low[~faced]])


def _on_faces(boxes: NetworkBoxes, derivative: Pair) -> tuple[NetworkBoxes, Flags]:
    """Return the boxes shrunk to the faces where the margin is least, and which ones have shrunk."""
    wide = boxes.low < boxes.high
    up, down = wide & (derivative[0] >= 0.0), wide & (derivative[1] <= 0.0)
    shrunk = NetworkBoxes(
        np.where(down & ~up, boxes.high, boxes.low),
        np.where(up, boxes.low, boxes.high),
        boxes.first,
        boxes.last,
    )
    return shrunk, np.asarray((up | down).any(axis=1), dtype=np.bool_)
