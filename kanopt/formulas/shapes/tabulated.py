"""Bounds of step functions and of tables of categories over boxes."""

from __future__ import annotations

import numpy as np

from kanopt.formulas.nodes import Array, Input
from kanopt.formulas.pieces import Step, Table
from kanopt.formulas.shapes.arithmetic import Flags, Integers, Pair, minus
from kanopt.formulas.shapes.boxes import BoxSides, FormulaBoxes

__all__ = ["StepBounds", "TableBounds", "entries"]


def _runs(values: Array, first: Integers, last: Integers) -> Pair:
    """Return the smallest and the largest of the entries `first` to `last`, row by row; NaN is passed over."""
    if (first == last).all():
        return values[first], values[first]
    place = np.arange(len(values))
    inside = (place >= first[:, None]) & (place <= last[:, None]) & ~np.isnan(values)
    return np.where(inside, values, np.inf).min(axis=1), np.where(inside, values, -np.inf).max(axis=1)


class StepBounds:
    """A step function over ranges of its steps, or of the steps of its argument."""

    def __init__(self, step: Step, sides: BoxSides) -> None:
        breakpoints, values = np.asarray(step.breakpoints), np.asarray(step.values)
        self._edges, self._values = breakpoints, values
        if isinstance(step.argument, Input):
            stairs = sides.step_edges[sides.numbers.index(step.argument.name)]
            after = np.searchsorted(breakpoints, stairs, side="right")
            values = np.concatenate([self._values[:1], self._values[after]])
        self._by_stair = values

    def anywhere(self, low: Array, high: Array) -> tuple[Pair, Pair, Flags]:
        """Return bounds of the value and of its difference quotients, and whether it jumps, over intervals."""
        first = np.searchsorted(self._edges, low, side="right").astype(np.int64)
        last = np.searchsorted(self._edges, high, side="right").astype(np.int64)
        return _over(self._values, first, last)

    def on_stairs(self, first: Integers, last: Integers) -> tuple[Pair, Pair, Flags]:
        """Return the same for ranges of the steps of its argument."""
        return _over(self._by_stair, first, last)

    def height(self, first: Integers, last: Integers) -> Pair:
        """Return bounds of the jump from one step to another."""
        start, stop = self._by_stair[first], self._by_stair[last]
        return minus((stop, stop), (start, start))


def _over(values: Array, first: Integers, last: Integers) -> tuple[Pair, Pair, Flags]:
    rises = np.concatenate([[0], np.cumsum(np.diff(values) > 0.0)])
    falls = np.concatenate([[0], np.cumsum(np.diff(values) < 0.0)])
    up, down = rises[last] > rises[first], falls[last] > falls[first]
    quotient = np.where(down, -np.inf, 0.0), np.where(up, np.inf, 0.0)
    return _runs(values, first, last), quotient, np.asarray(up | down)


def entries(table: Table, sides: BoxSides) -> Array:
    """Return a table's values by the indices of its categories' labels; NaN for combinations without an entry."""
    known = dict(table.entries)
    missing = np.nan if table.fallback is None else table.fallback
    axes = [sides.labels[sides.categories.index(name)] for name in table.inputs]
    grid = np.full(tuple(len(axis) for axis in axes), missing)
    places = [{label: place for place, label in enumerate(axis)} for axis in axes]
    for key, number in known.items():
        where = tuple(place.get(part) for place, part in zip(places, key, strict=True))
        if None not in where:
            grid[where] = number
    return grid


class TableBounds:
    """A table of categories over ranges of their labels."""

    def __init__(self, table: Table, sides: BoxSides) -> None:
        self._grid = entries(table, sides)
        self._columns = [len(sides.numbers) + sides.categories.index(name) for name in table.inputs]
        self._gaps = bool(np.isnan(self._grid).any())

    def over(self, boxes: FormulaBoxes) -> Pair:
        """Return the smallest and the largest entry; zero if there is none."""
        first, last = boxes.first[:, self._columns], boxes.last[:, self._columns]
        if (first == last).all():
            found = self._grid[tuple(first.T)]
            low = high = np.where(np.isnan(found), 0.0, found)
        elif self._grid.ndim == 1:
            low, high = _runs(self._grid, first[:, 0], last[:, 0])
        else:
            blocks = [self._block(start, stop) for start, stop in zip(first, last, strict=True)]
            low, high = (np.array(ends) for ends in zip(*blocks, strict=True))
        return low, high

    def _block(self, first: Integers, last: Integers) -> tuple[float, float]:
        block = self._grid[tuple(slice(a, b + 1) for a, b in zip(first, last, strict=True))]
        found = block[~np.isnan(block)]
        return (float(found.min()), float(found.max())) if found.size else (0.0, 0.0)

    def has_no_entry(self, boxes: FormulaBoxes) -> Flags:
        """Return a mask of the boxes without any entry."""
        if not self._gaps:
            return np.zeros(len(boxes), dtype=bool)
        first, last = boxes.first[:, self._columns], boxes.last[:, self._columns]
        known = ~np.isnan(self._grid)
        return np.array(
            [
                not known[tuple(slice(a, b + 1) for a, b in zip(start, stop, strict=True))].any()
                for start, stop in zip(first, last, strict=True)
            ],
            dtype=bool,
        )
