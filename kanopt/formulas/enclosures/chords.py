"""Where the values of a formula may contradict a fact: points, and chords along the inputs in question."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.enclosures.arithmetic import Flags, Integers, Pair
from kanopt.formulas.enclosures.boxes import BoxSides, FormulaBoxes
from kanopt.formulas.enclosures.enclosure import Orders
from kanopt.formulas.enclosures.engine import Encloser
from kanopt.formulas.enclosures.facts import Point
from kanopt.formulas.nodes import Array, Node, computed

_STEPS = 2.0 ** -np.arange(24.0)
_CORNERS = 4
_ACROSS = 1e-6  # of the range: how far the chord across a jump goes to both sides


class PointEvaluator:
    """A formula evaluated at points (points, numbers), with categories given as indices `labels` of their labels."""

    def __init__(self, root: Node, sides: BoxSides) -> None:
        self.root, self.sides = root, sides
        self.encloser = Encloser(root, sides)

    def enclosures(self, points: Array, labels: Integers) -> tuple[Pair, Flags]:
        """Return bounds of the exact values, and a mask of the points where one is proved to exist."""
        boxes = self.sides.points(points, labels)
        found = self.encloser.over(boxes, Orders())
        known = found.defined & ~self.encloser.has_no_entry(boxes)
        return found.value, known & np.isfinite(found.value[0] + found.value[1])

    def values(self, points: Array, labels: Integers) -> Array:
        """Return its values, which may be non-finite, shape (points,); every table must have an entry."""
        data: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {
            name: points[:, place] for place, name in enumerate(self.sides.numbers)
        }
        for place, (name, known) in enumerate(zip(self.sides.categories, self.sides.labels, strict=True)):
            data[name] = np.array(known, dtype=object)[labels[:, place]]
        return np.broadcast_to(computed(self.root, data), len(points))

    def point(self, place: Array, labels: Integers, value: float) -> Point:
        """Return a point, of shapes (numbers,) and (categories,), with the value there."""
        chosen = zip(self.sides.categories, self.sides.labels, labels, strict=True)
        return Point(
            tuple(zip(self.sides.numbers, map(float, place), strict=True)),
            tuple((name, known[label]) for name, known, label in chosen),
            float(value) if np.isfinite(value) else None,
        )


def chords_across(sides: BoxSides, inputs: tuple[int, ...], boxes: FormulaBoxes) -> Array:
    """Return chords across every box, shape (boxes, tries, 3, numbers): along its diagonal and every side."""
    if not inputs:
        return np.repeat(boxes.centre[:, None, None], 3, axis=2)
    first, last = sides.window()
    half = 0.5 * np.where(np.isfinite(boxes.width), boxes.width, last - first)
    half = np.where(boxes.jump[:, None], np.maximum(half, _ACROSS * (last - first)), half)
    ways = np.eye(half.shape[1])[[*inputs]]
    if len(ways) > 1:
        ways = np.concatenate([ways.sum(axis=0, keepdims=True), ways])
    reach = half[:, None] * ways
    centre = np.broadcast_to(boxes.centre[:, None], reach.shape)
    # a kink may lie where boxes meet
    corner = np.where((ways != 0.0) & np.isfinite(boxes.low)[:, None], boxes.low[:, None], centre)
    middle, reach = np.concatenate([centre, corner], axis=1), np.concatenate([reach, reach], axis=1)
    return _chords(sides, inputs, middle, reach)


def chords_near(sides: BoxSides, inputs: tuple[int, ...], points: Array, way: Array) -> Array:
    """Return ever shorter chords through points, in directions of shape (points, numbers)."""
    if not inputs:
        return np.repeat(points[:, None, None], 3, axis=2)
    first, last = sides.window()
    fits = np.where(way != 0.0, (last - first) / np.abs(way), np.inf).min(axis=1)
    reach = (0.5 * fits[:, None] * _STEPS)[..., None] * way[:, None]
    return _chords(sides, inputs, np.broadcast_to(points[:, None], reach.shape), reach)


def _chords(sides: BoxSides, inputs: tuple[int, ...], middle: Array, reach: Array) -> Array:
    """Return both ends and the exact middle of chords, moved inwards where they leave the range."""
    first, last = sides.low, sides.high
    with np.errstate(invalid="ignore"):
        reach = np.clip(reach, -0.5 * (last - first), 0.5 * (last - first))
    size = np.abs(reach)
    centre = np.clip(middle, first + size, last - size)
    # on multiples of a small power of two sums and halves are exact
    unit = 2.0 ** (np.ceil(np.log2(np.maximum(np.abs(centre) + size, 1e-300))) - 48.0)
    moved = np.isin(np.arange(len(first)), inputs)
    centre = np.where(moved, np.round(centre / unit) * unit, middle)
    room = np.maximum(np.minimum(centre - first, last - centre), 0.0)
    reach = np.where(moved, np.trunc(np.clip(reach, -room, room) / unit) * unit, 0.0)
    return np.stack([centre - reach, centre, centre + reach], axis=2)


def places_in(boxes: FormulaBoxes) -> Iterator[tuple[Array, Integers]]:
    """Yield points of boxes and their labels: the middle, two opposite corners, and others if there are few sides."""
    yield boxes.centre, (boxes.first + boxes.last) // 2
    yield boxes.low, boxes.first
    yield boxes.high, boxes.last
    wide = np.flatnonzero((boxes.low < boxes.high).any(axis=0))
    if len(wide) <= _CORNERS:
        for upper in product((False, True), repeat=len(wide)):
            corner = boxes.low.copy()
            corner[:, wide] = np.where(upper, boxes.high[:, wide], corner[:, wide])
            yield corner, boxes.first
