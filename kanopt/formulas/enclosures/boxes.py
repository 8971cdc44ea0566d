"""Boxes of a formula's inputs, and how they are subdivided.

A side of a box is an interval of a number. Of every category it has one label: the whole is one box for each
combination of labels. An argument of a step function is split at its breakpoints: between two of them the step function
is constant, so that such a box contains its right end only as the limit from the left, and the breakpoint itself is a
separate box of zero width, a *jump*.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula, Bounds
from kanopt.formulas.enclosures.arithmetic import Flags, Pair
from kanopt.formulas.nodes import Input, Node, postorder
from kanopt.formulas.pieces import Step, Table

_UNSEEN = "another"
_MOST_COMBINATIONS = 200_000
_SMALLEST = 2.0**-32  # of the whole: what is not settled in a side as short as that is not worth the search


@dataclass(frozen=True)
class FormulaBoxes:
    """An array of boxes.

    Parameters
    ----------
    low, high
        Ends of the numbers, shape (boxes, numbers).
    first, last
        First and last stair of each number, of the same shape.
    labels
        The label of each category, shape (boxes, categories).
    jump
        Mask of the boxes that are jumps of the number in question, shape (boxes,).
    share
        Fractions of the volume of the whole box, shape (boxes,).
    """

    low: Floats
    high: Floats
    first: Integers
    last: Integers
    labels: Integers
    jump: Flags
    share: Floats

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, index: Integers | Flags | slice) -> FormulaBoxes:
        """Return copies of some of the boxes."""
        return FormulaBoxes(*(getattr(self, each.name)[index] for each in fields(self)))

    @property
    def centre(self) -> Floats:
        """Centres, shape (boxes, numbers)."""
        return np.clip(0.5 * self.low + 0.5 * self.high, self.low, self.high)

    @property
    def width(self) -> Floats:
        """Lengths of the numbers' sides, shape (boxes, numbers)."""
        return self.high - self.low

    def halved(self, side: int) -> FormulaBoxes:
        """Return the boxes with one side shrunk to its middle."""
        here = np.arange(self.low.shape[1]) == side
        half = (self.first + self.last) // 2
        low, high = (np.where(here, self.centre, end) for end in (self.low, self.high))
        first, last = (np.where(here, half, end) for end in (self.first, self.last))
        return replace(self, low=low, high=high, first=first, last=last)

    def at(self, numbers: Floats) -> FormulaBoxes:
        """Return the boxes shrunk to inner points, shape (boxes, numbers), on unchanged steps."""
        return replace(self, low=numbers, high=numbers)


def concatenate(parts: list[FormulaBoxes]) -> FormulaBoxes:
    """Concatenate arrays of boxes."""
    names = [each.name for each in fields(FormulaBoxes)]
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
    categories
        Names of the categorical inputs.
    labels
        For each category, its possible labels.
    combinations
        The indices of those that go together, shape (combinations, categories); −1 stands for all labels.
    """

    numbers: tuple[str, ...]
    low: Floats
    high: Floats
    step_edges: tuple[Floats, ...]
    categories: tuple[str, ...]
    labels: tuple[tuple[str, ...], ...]
    combinations: Integers

    @classmethod
    def of(
        cls,
        ranges: Mapping[str, Bounds],
        nodes: Sequence[Node],
        labels: Mapping[str, tuple[str, ...]] | None = None,
    ) -> BoxSides:
        """Return the sides with these ranges and labels, split where steps of an input have their edges."""
        edges: dict[str, list[float]] = {name: [] for name in ranges}
        for node in nodes:
            if isinstance(node, Step) and isinstance(node.argument, Input):
                edges[node.argument.name] += node.breakpoints
        known = {} if labels is None else labels
        low, high = (np.array([ends[side] for ends in ranges.values()], dtype=np.float64) for side in (0, 1))
        step_edges = tuple(np.array(sorted(set(found)), dtype=np.float64) for found in edges.values())
        together = _combinations(nodes, known)
        return cls(tuple(ranges), low, high, step_edges, tuple(known), tuple(known.values()), together)

    def boxes(
        self, low: Floats, high: Floats, stair: Integers | None = None, labels: Integers | None = None
    ) -> FormulaBoxes:
        """Return boxes with ends of shape (boxes, numbers), on the stairs of the ends and with the first labels.

        Other ones may be given, of shapes (boxes, numbers) and (boxes, categories).
        """
        first, last = (self.stair(low), self.stair(high)) if stair is None else (stair, stair)
        count = len(low)
        chosen = np.zeros((count, len(self.labels)), dtype=np.int64) if labels is None else labels
        return FormulaBoxes(low, high, first, last, chosen, np.zeros(count, dtype=bool), np.ones(count))

    def whole(self, read: Collection[str]) -> FormulaBoxes:
        """Return the whole: a box for every combination of the labels of some categories."""
        places = [place for place, name in enumerate(self.categories) if name in read]
        codes = self.combinations[:, places]
        _, distinct = np.unique(np.column_stack([np.zeros(len(codes)), codes]), axis=0, return_index=True)
        count = len(distinct)
        low, high = (np.repeat(end[None], count, axis=0) for end in (self.low, self.high))
        boxes = self.boxes(low, high, labels=self.combinations[distinct])
        return replace(boxes, share=np.full(count, 1.0 / count))

    def stair(self, numbers: Floats) -> Integers:
        """Return the index of the step each number is on, shape of `numbers` (points, numbers)."""
        columns = [
            np.searchsorted(stairs, numbers[:, place], side="right")
            for place, stairs in enumerate(self.step_edges)
        ]
        return np.stack(columns, axis=1).astype(np.int64) if columns else np.zeros(numbers.shape, np.int64)

    def points(self, numbers: Floats, labels: Integers) -> FormulaBoxes:
        """Return points, given by numbers (points, numbers) and label indices (points, categories), as boxes."""
        return self.boxes(numbers, numbers, labels=labels)

    def sample(self, count: int) -> FormulaBoxes:
        """Return a deterministic sample of points, uniform and at corners; sorted if there is one input."""
        generator = np.random.default_rng(0)
        places = generator.random((count, len(self.numbers)))
        if len(self.numbers) == 1:
            places = np.linspace(0.0, 1.0, count)[:, None]
        corners = max(count // 4, 1)
        places[:corners] = np.round(places[:corners]) if len(self.numbers) > 1 else places[:corners]
        numbers = np.clip(self.low + places * (self.high - self.low), self.low, self.high)
        return self.points(numbers, self.combinations[generator.integers(0, len(self.combinations), count)])

    def can_cut(self, boxes: FormulaBoxes, x: int) -> Flags:
        """Return a mask of the sides that can be split, shape (boxes, numbers); not `x` in a jump."""
        centre, wide = boxes.centre, boxes.first < boxes.last
        long = boxes.width > _SMALLEST * (self.high - self.low)
        wide |= long & (boxes.low < centre) & (centre < boxes.high)
        if x >= 0:
            wide[:, x] &= ~boxes.jump
        return wide

    def cut(self, boxes: FormulaBoxes, side: Integers, x: int) -> FormulaBoxes:
        """Split every box at a side; return both parts, and the jumps between them if `x` is split at a breakpoint."""
        rows = np.arange(len(boxes))
        left, right, place = boxes[rows], boxes[rows], (rows, side)  # copies
        half = (boxes.first[place] + boxes.last[place]) // 2
        runs = boxes.first[place] < boxes.last[place]
        left.last[rows[runs], side[runs]] = half[runs]
        right.first[rows[runs], side[runs]] = half[runs] + 1
        start, stop, middle = boxes.low[place], boxes.high[place], self._middle(boxes, side, runs, half)
        left.high[place] = right.low[place] = middle
        share = np.nan_to_num((middle - start) / (stop - start), nan=1.0)
        left, right = (
            replace(left, share=boxes.share * share),
            replace(right, share=boxes.share * (1.0 - share)),
        )
        stepped = np.flatnonzero(runs & (side == x))
        jumps = boxes[stepped]
        if len(stepped):
            jumps.low[:, x] = jumps.high[:, x] = self.step_edges[x][half[stepped]]
            jumps.first[:, x], jumps.last[:, x] = half[stepped], half[stepped] + 1
            jumps = replace(jumps, jump=np.ones(len(jumps), dtype=bool), share=np.zeros(len(jumps)))
        return concatenate([left, right, jumps])

    def _middle(self, boxes: FormulaBoxes, number: Integers, runs: Flags, half: Integers) -> Floats:
        """Return where to cut a number of each box: at its middle, across several stairs at the edge of one."""
        middle = boxes.centre[np.arange(len(boxes)), number]
        for place in np.unique(number[runs]):
            stepped = (number == place) & runs
            middle[stepped] = self.step_edges[place][half[stepped]]
        return middle


def entries(table: Table, categories: Sequence[str], labels: Sequence[Sequence[str]]) -> Pair:
    """Return bounds of a table's values by the indices of labels, of all labels at −1; NaN where there is no entry."""
    missing = np.nan if table.fallback is None else table.fallback
    axes = [labels[categories.index(name)] for name in table.inputs]
    low = np.full(tuple(len(axis) for axis in axes), missing)
    places = [{label: place for place, label in enumerate(axis)} for axis in axes]
    for key, number in table.entries:
        where = tuple(place.get(part) for place, part in zip(places, key, strict=True))
        if None not in where:
            low[where] = number
    high = low
    for axis in range(len(axes)):
        low = np.concatenate([low, np.fmin.reduce(low, axis=axis, keepdims=True)], axis=axis)
        high = np.concatenate([high, np.fmax.reduce(high, axis=axis, keepdims=True)], axis=axis)
    return low, high


def _combinations(nodes: Sequence[Node], labels: Mapping[str, tuple[str, ...]]) -> Integers:
    """Return the indices of all combinations of labels for which every table has an entry; (combinations, categories).

    Where they are too many, one that stands for all: −1 of every category.
    """
    counts = [len(each) for each in labels.values()]
    if math.prod(counts) > _MOST_COMBINATIONS:
        return np.full((1, len(counts)), -1)
    found = np.indices(counts).reshape(len(counts), math.prod(counts)).T
    for table in (node for node in nodes if isinstance(node, Table)):
        columns = [list(labels).index(name) for name in table.inputs]
        known, _ = entries(table, list(labels), list(labels.values()))
        found = found[~np.isnan(known[tuple(found[:, columns].T)])]
    if not len(found):
        raise FormulaError("a table has no entry for the given categories")
    return found


def sides_of(formula: BaseFormula, ranges: Mapping[str, Any], graph: Node | None = None) -> BoxSides:
    """Return the sides of the box: the inputs of the formula, with the breakpoints of it or of an equal graph."""
    numbers, given = formula.given_ranges(ranges)
    nodes = (*postorder(formula.root), *(() if graph is None else postorder(graph)))
    used = {name: ends for name, ends in numbers.items() if name in formula.used}
    categories = [v.name for v in formula.inputs if v.is_category and v.name in formula.used]
    try:
        return BoxSides.of(
            used, nodes, {name: _labels_of(formula, name, given, nodes) for name in categories}
        )
    except FormulaError as error:
        raise FormulaError(f"{formula.title}: {error}") from error


def _labels_of(
    formula: BaseFormula, name: str, given: Mapping[str, frozenset[str]], nodes: tuple[Node, ...]
) -> tuple[str, ...]:
    """Return the labels of a category: those given, else of the domain, else declared, else of the tables."""
    variable = next(v for v in formula.inputs if v.name == name)
    tables = [node for node in nodes if isinstance(node, Table) and name in node.inputs]
    known = [dict.fromkeys(table.categories[table.inputs.index(name)]) for table in tables]
    everywhere = [*dict.fromkeys(label for labels in known for label in labels)]
    if name in given:
        chosen = sorted(given[name])
    elif formula.known_categories(variable):
        chosen = list(formula.known_categories(variable))
    else:
        chosen = everywhere
        if all(table.fallback is not None for table in tables):
            label = _UNSEEN
            while label in everywhere:
                label += " one"
            chosen = [*chosen, label]
    strict = [labels for table, labels in zip(tables, known, strict=True) if table.fallback is None]
    chosen = [label for label in chosen if all(label in labels for labels in strict)]
    if not chosen:
        raise FormulaError(f"table {tables[0].name!r} has no entry for the given categories")
    return tuple(chosen)
