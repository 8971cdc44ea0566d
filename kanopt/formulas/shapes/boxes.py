"""Boxes of a formula's inputs, and how they are subdivided.

A side of a box is an interval of a number, or a contiguous range of the labels of a category. An argument of a step
function is split at its breakpoints: between two of them the step function is constant, so that such a box contains its
right end only as the limit from the left, and the breakpoint itself is a separate box of zero width, a *jump*.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from kanopt.formulas.nodes import Array
from kanopt.formulas.shapes.arithmetic import Flags, Integers

__all__ = ["BoxSides", "FormulaBoxes", "concatenate"]

_SMALLEST = 2.0**-32  # of the whole: what is not settled in a side as short as that is not worth the search
_FARTHEST = 1e18


@dataclass(frozen=True)
class FormulaBoxes:
    """An array of boxes.

    Parameters
    ----------
    low, high
        Ends of the numbers, shape (boxes, numbers); they may be infinite.
    first, last
        First and last step of each number, then first and last label of each category; shape (boxes, sides).
    jump
        Mask of the boxes that are jumps of the number in question, shape (boxes,).
    share
        Fractions of the volume of the whole box, shape (boxes,).
    """

    low: Array
    high: Array
    first: Integers
    last: Integers
    jump: Flags
    share: Array

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, index: Integers | Flags | slice) -> FormulaBoxes:
        """Return some of the boxes."""
        return FormulaBoxes(
            self.low[index],
            self.high[index],
            self.first[index],
            self.last[index],
            self.jump[index],
            self.share[index],
        )

    @property
    def centre(self) -> Array:
        """Centres, shape (boxes, numbers); for an unbounded side a point at some distance from its finite end."""
        low, high = self.low, self.high
        with np.errstate(invalid="ignore"):
            middle = np.clip(0.5 * low + 0.5 * high, low, high)
            up = np.where(np.isinf(low), 0.0, low + np.maximum(1.0, np.abs(low)))
            down = high - np.maximum(1.0, np.abs(high))
        beyond = np.where(np.isinf(high), up, down)
        return np.where(np.isinf(low) | np.isinf(high), beyond, middle)

    @property
    def width(self) -> Array:
        """Lengths of the numbers' sides, shape (boxes, numbers)."""
        return self.high - self.low

    def at(self, numbers: Array) -> FormulaBoxes:
        """Return the boxes shrunk to inner points, shape (boxes, numbers), on unchanged steps."""
        return replace(self, low=numbers, high=numbers)


def concatenate(parts: list[FormulaBoxes]) -> FormulaBoxes:
    """Concatenate arrays of boxes."""
    names = ("low", "high", "first", "last", "jump", "share")
    return FormulaBoxes(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class BoxSides:
    """The whole box: names, ranges, breakpoints and labels of its sides.

    Parameters
    ----------
    numbers
        Names of the numeric inputs.
    low, high
        The whole range of each, shape (numbers,).
    step_edges
        For each number, the breakpoints of the step functions of it, ascending.
    knots
        For each number, further places where it should be split.
    categories
        Names of the categorical inputs.
    labels
        For each category, its possible labels.
    """

    numbers: tuple[str, ...]
    low: Array
    high: Array
    step_edges: tuple[Array, ...]
    knots: tuple[Array, ...]
    categories: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]

    def whole(self) -> FormulaBoxes:
        """Return the whole as one box."""
        low, high = self.low[None], self.high[None]
        last = [len(labels) - 1 for labels in self.labels]
        none = np.zeros(len(last), dtype=np.int64)
        return FormulaBoxes(
            low,
            high,
            np.concatenate([self.stair(low)[0], none])[None],
            np.concatenate([self.stair(high)[0], np.array(last, dtype=np.int64)])[None],
            np.zeros(1, dtype=bool),
            np.ones(1),
        )

    def stair(self, numbers: Array) -> Integers:
        """Return the index of the step each number is on, shape of `numbers` (points, numbers)."""
        columns = [
            np.searchsorted(stairs, numbers[:, place], side="right")
            for place, stairs in enumerate(self.step_edges)
        ]
        return np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros(numbers.shape, np.int64)

    def points(self, numbers: Array, labels: Integers) -> FormulaBoxes:
        """Return points, given by numbers (points, numbers) and label indices (points, categories), as boxes."""
        where = np.concatenate([self.stair(numbers), labels], axis=1)
        count = len(numbers)
        return FormulaBoxes(numbers, numbers, where, where, np.zeros(count, dtype=bool), np.zeros(count))

    def sample(self, count: int) -> FormulaBoxes:
        """Return a deterministic sample of points, uniform and at corners; sorted if there is one input."""
        generator = np.random.default_rng(0)
        places = generator.random((count, len(self.numbers)))
        if len(self.numbers) == 1:
            places = np.linspace(0.0, 1.0, count)[:, None]
        corners = max(count // 4, 1)
        places[:corners] = np.round(places[:corners]) if len(self.numbers) > 1 else places[:corners]
        low, high = self.window()
        numbers = np.clip(low + places * (high - low), low, high)
        most = np.array([len(labels) for labels in self.labels], dtype=np.int64)
        return self.points(numbers, generator.integers(0, most, (count, len(most))))

    def window(self) -> tuple[Array, Array]:
        """Return a finite range of every number, from which points are sampled."""
        low = np.where(np.isinf(self.low), np.minimum(self.high, 0.0) - 1e3, self.low)
        low = np.where(np.isinf(low), -1e3, low)
        high = np.where(np.isinf(self.high), low + 1e3 * np.maximum(1.0, np.abs(low)), self.high)
        return low, high

    def can_cut(self, boxes: FormulaBoxes, x: int) -> Flags:
        """Return a mask of the sides that can be split, shape (boxes, sides); not `x` in a jump."""
        centre = boxes.centre
        wide = boxes.first < boxes.last
        with np.errstate(invalid="ignore"):
            least = np.where(np.isfinite(boxes.width), _SMALLEST * (self.high - self.low), 0.0)
        least = np.where(np.isfinite(least), least, _SMALLEST * np.abs(centre))
        bounded = (boxes.width > least) & (np.abs(centre) < _FARTHEST)
        wide[:, : len(self.numbers)] |= bounded & (boxes.low < centre) & (centre < boxes.high)
        if x >= 0:
            wide[:, x] &= ~boxes.jump
        return wide

    def cut(self, boxes: FormulaBoxes, side: Integers, x: int) -> FormulaBoxes:
        """Split every box at a side; return both parts, and the jumps between them if `x` is split at a breakpoint."""
        count, rows = len(self.numbers), np.arange(len(boxes))
        before, after = (np.concatenate([part, part]) for part in (boxes.first, boxes.last))
        low, high = (np.concatenate([part, part]) for part in (boxes.low, boxes.high))
        half = (boxes.first[rows, side] + boxes.last[rows, side]) // 2
        runs = boxes.first[rows, side] < boxes.last[rows, side]
        after[rows[runs], side[runs]] = half[runs]
        before[rows[runs] + len(boxes), side[runs]] = half[runs] + 1
        share = np.where(runs, (half - boxes.first[rows, side] + 1.0), 1.0)
        share /= np.where(runs, boxes.last[rows, side] - boxes.first[rows, side] + 1.0, 2.0)
        by_number = np.flatnonzero(side < count)
        number = side[by_number]
        middle = self._middle(boxes[by_number], number, runs[by_number], half[by_number])
        start, stop = boxes.low[by_number, number], boxes.high[by_number, number]
        with np.errstate(invalid="ignore"):
            share[by_number] = np.where(np.isfinite(stop - start), (middle - start) / (stop - start), 0.5)
        share = np.where(np.isnan(share), 1.0, share)
        high[by_number, number] = middle
        low[by_number + len(boxes), number] = middle
        shares = np.concatenate([boxes.share * share, boxes.share * (1.0 - share)])
        halves = FormulaBoxes(low, high, before, after, np.concatenate([boxes.jump, boxes.jump]), shares)
        stepped = np.flatnonzero(runs & (side == x)) if x >= 0 else np.zeros(0, dtype=np.int64)
        if not len(stepped):
            return halves
        jumps, place = boxes[stepped], self.step_edges[x][half[stepped]]
        low, high = jumps.low.copy(), jumps.high.copy()
        first, last = jumps.first.copy(), jumps.last.copy()
        low[:, x], high[:, x] = place, place
        first[:, x], last[:, x] = half[stepped], half[stepped] + 1
        fresh = FormulaBoxes(low, high, first, last, np.ones(len(jumps), dtype=bool), np.zeros(len(jumps)))
        return concatenate([halves, fresh])

    def _middle(self, boxes: FormulaBoxes, number: Integers, runs: Flags, half: Integers) -> Array:
        """Return where a number's side is split: at a breakpoint, else at a knot inside, else in the middle."""
        rows = np.arange(len(boxes))
        middle = boxes.centre[rows, number]
        for place in np.unique(number):
            here = number == place
            start, stop = boxes.low[here, place], boxes.high[here, place]
            for end in self.knots[place]:
                middle[here] = np.where((start < end) & (end < stop), end, middle[here])
            stepped = here & runs
            middle[stepped] = self.step_edges[place][half[stepped]]
        return middle
