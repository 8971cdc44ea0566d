"""A function of one variable, enclosed by a fine polyline.

The range is cut into cells. On each cell the function differs from the straight line through its values at both ends
by no more than the cell's `down` and `up`, by the best of three bounds, each from interval arithmetic:

* its second derivative between m and M: by −M w² / 8 … −m w² / 8 for a cell of width w (the error of linear
  interpolation; a convex function lies below its chord however large M is);
* its difference quotients between s and S: by (S − s) w / 4;
* the range of its values.

Whatever is within a tolerance of the polyline, less `down` and `up`, is then within it of the function: proved, not
sampled. Cells are cut where these bounds are not small against the tolerance, so kinks, and roots at zero with their
infinite slope, need no special care.

Before that, staircases of other things become staircases of the variable, whose jumps are known.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas.enclosures.arithmetic import EPS, Flags, Pair
from kanopt.formulas.enclosures.boxes import BoxSides
from kanopt.formulas.enclosures.engine import Encloser
from kanopt.formulas.enclosures.rules import Orders, along
from kanopt.formulas.lowering.program import Pieces, Shape
from kanopt.formulas.nodes import Constant, Input, Node, computed, postorder, rebuild
from kanopt.formulas.pieces import Step, Table
from kanopt.formulas.printing import short_text

# A formula's graph, made ready: what is fixed is folded in, and every step is a function of one thing.
#
# That thing, the *base* of a step, is an input, or a step where several bases meet: in exp(x + y) + (x +
# y)², everything has the base x + y, so that it is one function of one variable.

ARGUMENT = Input("u")
"""What stands for the base in a function of one variable."""


def folded(root: Node, numbers: Mapping[str, float], labels: Mapping[str, str]) -> Node:
    """Return the graph with inputs given as numbers or labels, every step of constants computed.

    Raises
    ------
    FormulaError
        If a table has no entry for its labels, or a step of constants has no finite value.

    Examples
    --------
    >>> short_text(folded(Input("x") * (Input("y") + 1), {"y": 2.0}, {}))
    'x · 3'
    """
    data: dict[str, NDArray[np.object_]] = {
        name: np.array([label], dtype=object) for name, label in labels.items()
    }

    def change(node: Node) -> Node:
        if isinstance(node, Input):
            return Constant(numbers[node.name]) if node.name in numbers else node
        if isinstance(node, Table):
            return Constant(float(node.compute([], data)[0]))
        if not node.children or not all(isinstance(child, Constant) for child in node.children):
            return node
        values = [np.asarray(child.value) for child in node.children if isinstance(child, Constant)]
        with np.errstate(all="ignore"):
            value = float(node.compute(values, {}))
        if not math.isfinite(value):
            raise FormulaError(f"{short_text(node)} has no finite value")
        return Constant(value)

    return rebuild(root, change)


class Graph:
    """A graph with the base of each of its steps and how often each is used."""

    def __init__(self, root: Node) -> None:
        self.root = root
        self._bases: dict[bytes, Node | None] = {}
        self._uses = Counter(child.key for node in postorder(root) for child in node.children)
        for node in postorder(root):
            found = {base.key: base for c in node.children if (base := self._bases[c.key]) is not None}
            if isinstance(node, Input) or len(found) > 1:
                self._bases[node.key] = node
            else:
                self._bases[node.key] = next(iter(found.values()), None)

    def base(self, node: Node) -> Node | None:
        """Return the base of a step; None where it is constant."""
        return self._bases[node.key]

    def own(self, node: Node) -> bool:
        """Return whether a step is used once, so that it may be taken apart."""
        return self._uses[node.key] <= 1


def groups_of(graph: Graph, node: Node) -> list[tuple[Node | None, Node]]:
    """Return each base of a step with several and its parts as one step of it; None: constants.

    Nested sums, products and extremes of the same kind are taken apart.
    """
    by_base: dict[bytes, tuple[Node | None, list[Node]]] = {}
    for part in _parts(graph, node):
        base = graph.base(part)
        by_base.setdefault(b"" if base is None else base.key, (base, []))[1].append(part)
    return [(base, _joined(node, found)) for base, found in by_base.values()]


def _joined(node: Node, parts: Sequence[Node]) -> Node:
    return parts[0] if len(parts) == 1 else node.with_children(parts)


def _parts(graph: Graph, node: Node) -> list[Node]:
    found: list[Node] = []
    stack = list(reversed(node.children))
    while stack:
        part = stack.pop()
        if type(part) is type(node) and graph.own(part):
            stack.extend(reversed(part.children))
        else:
            found.append(part)
    return found


def over(node: Node, base: Node) -> Node:
    """Return a step as a graph of its base alone, for which :data:`ARGUMENT` stands.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> x, y = Input("x"), Input("y")
    >>> short_text(over(Apply("exp", x + y) + 1, x + y))
    'exp(u) + 1'
    """
    return rebuild(node, lambda part: ARGUMENT if part.key == base.key else part)


def inserted(outer: Node, inner: Node) -> Node:
    """Return a function of a function, both of :data:`ARGUMENT`.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> short_text(inserted(Apply("sqrt", ARGUMENT), ARGUMENT + 1))
    'sqrt(u + 1)'
    """
    return rebuild(outer, lambda node: inner if node.key == ARGUMENT.key else node)


def at(graph: Node, x: Floats) -> Floats:
    """Return the values of a function of one variable, NaN or infinite where there is none; shape of `x`.

    Examples
    --------
    >>> at(2.0 * ARGUMENT, np.array([1.0, 3.0])).tolist()
    [2.0, 6.0]
    """
    return np.broadcast_to(computed(graph, {ARGUMENT.name: x}), x.shape)


def nearest(outside: float, inside: float, holds: Callable[[float], bool]) -> float:
    """Return the number nearest to `outside` for which something holds, which it does for `inside` alone of the two.

    Examples
    --------
    >>> nearest(0.0, 4.0, lambda x: x >= 1.0)
    1.0
    """
    while True:
        middle = 0.5 * outside + 0.5 * inside
        if not min(outside, inside) < middle < max(outside, inside):
            return inside
        if holds(middle):
            inside = middle
        else:
            outside = middle


_SHORTEST_PART = 1e-12  # of the range
_FIRST = 32
_FINE = 1.0 / 64.0  # of the tolerance: what a cell may take of it
_COARSE = 1.0 / 8.0  # the same where the second derivative is unbounded, which is in few cells
_ROUNDS = 60
_SHORTEST = 1e-40  # of the range
_MOST = 400_000
_AT_ONCE = 2048
_NARROWED, _LOOSE = 5, 0.01
_NOISE = 0.25  # of the tolerance: what floating point may take of it
_POINTS = Orders(sides=False)
_CELLS = Orders(2, 0, closed=True)
# cuts of a cell with a kink somewhere, or an infinite slope at one of its ends
_EVEN = np.linspace(0.0, 1.0, 17)
_SPLIT = np.unique(np.concatenate([_EVEN, 4.0 ** -np.arange(3.0, 9.0), 1.0 - 4.0 ** -np.arange(3.0, 9.0)]))


@dataclass(frozen=True)
class Cells:
    """Cells in order, all arrays of shape (cells,), or (2, cells) for lower and upper bounds.

    Parameters
    ----------
    low, high, stair
        Ends, and the stair on which it lies.
    first, last
        Values at the ends, from within.
    down, up
        The function less the line between the values lies between −down and up, but for `noise`.
    noise
        How far the values at the ends may be off by floating point.
    bend, value
        Bounds of the second derivative and of the value.
    """

    low: Floats
    high: Floats
    stair: Integers
    first: Floats
    last: Floats
    down: Floats
    up: Floats
    noise: Floats
    bend: Floats
    value: Floats

    def __len__(self) -> int:
        return len(self.low)

    def __getitem__(self, index: Integers | Flags | slice) -> Cells:
        """Return some of the cells."""
        return Cells(*(getattr(self, each.name)[..., index] for each in fields(self)))

    def joined(self, *more: Cells) -> Cells:
        """Return these cells and others, in order."""
        if not more:
            return self
        names = [each.name for each in fields(self)]
        both = Cells(
            *(np.concatenate([getattr(part, name) for part in (self, *more)], axis=-1) for name in names)
        )
        return both[np.lexsort((both.low, both.stair))]

    @property
    def loose(self) -> Floats:
        """How far the function may be from the line, but for noise."""
        return np.maximum(self.down, self.up)

    @property
    def kinked(self) -> Flags:
        """Mask of the cells in which the slope may jump."""
        return np.asarray(np.isinf(self.bend).any(axis=0))

    @property
    def points(self) -> Pair:
        """The ends of the cells in order and the values there, from within the last cell before; shape (cells + 1,)."""
        return np.append(self.low, self.high[-1]), np.append(self.first, self.last[-1])

    @property
    def runs(self) -> Iterator[Cells]:
        """The cells of each stair."""
        return (self[self.stair == stair] for stair in np.unique(self.stair))


class Profile:
    """A function of one variable on a range.

    Parameters
    ----------
    graph
        The function; its variable is :data:`~kanopt.formulas.lowering.profile.ARGUMENT`.
    low, high
        The range, of some length.
    text, argument
        What it and its variable are called in messages.

    Raises
    ------
    FormulaError
        If it has no finite value somewhere in the range, or could not be shown to have one.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> root = Profile(Apply("sqrt", ARGUMENT), 0.0, 4.0)
    >>> [round(end, 2) + 0.0 for end in root.range], root.shape
    ([0.0, 2.0], 'concave')
    """

    def __init__(self, graph: Node, low: float, high: float, text: str = "", argument: str = "u") -> None:
        self.low, self.high, self.text, self.argument = low, high, text or short_text(graph), argument
        self.graph = rebuild(graph, self._plain)
        sides = BoxSides.of({ARGUMENT.name: (low, high)}, postorder(self.graph))
        self._encloser, stairs = Encloser(self.graph, sides), sides.step_edges[0]
        self.jumps = stairs[(stairs > low) & (stairs <= high)]
        ends = np.concatenate([[low], self.jumps, [high]])
        each = max(_FIRST // (len(ends) - 1), 4)
        edges = [
            np.unique(np.linspace(a, b, each + 1)) if a < b else np.array([a, b]) for a, b in pairwise(ends)
        ]
        counts = [len(edge) - 1 for edge in edges]
        stair = np.repeat(np.arange(len(edges)), counts) + int(np.searchsorted(stairs, low, side="right"))
        starts, stops = (
            np.concatenate([edge[part] for edge in edges]) for part in (slice(-1), slice(1, None))
        )
        self.cells = self._bounded(starts, stops, stair)
        for _ in range(_ROUNDS):
            wild = ~np.isfinite(self.cells.down + self.cells.up)
            if not wild.any():
                break
            self.cut(wild, np.full(len(self.cells), np.inf))
        else:
            self._refuse(self.cells[~np.isfinite(self.cells.down + self.cells.up)])
        self._narrow()

    def _plain(self, step: Node) -> Node:
        """Return a staircase of something else as one of the variable, which jumps where the evaluated one does.

        Raises
        ------
        FormulaError
            If the argument of the staircase turns on an edge, or has no value where it may cross one.
        """
        if not isinstance(step, Step) or step.argument.key == ARGUMENT.key:
            return step
        sides = BoxSides.of({ARGUMENT.name: (self.low, self.high)}, postorder(step.argument))
        encloser, stairs, parts = (
            Encloser(step.argument, sides),
            dict[float, float](),
            [(self.low, self.high)],
        )

        def argument(x: float) -> float:
            return float(at(step.argument, np.array([x]))[0])

        while parts:
            start, stop = parts.pop()
            found = encloser.over(sides.boxes(np.array([[start]]), np.array([[stop]])), Orders(1, 0))
            least, most = found.ends
            if not any(least < edge <= most for edge in step.breakpoints):
                continue
            rises, falls = bool((found.slope[0] >= 0.0).all()), bool((found.slope[1] <= 0.0).all())
            if not (rises or falls):
                middle = 0.5 * start + 0.5 * stop
                if stop - start <= _SHORTEST_PART * (self.high - self.low) or not math.isfinite(
                    argument(middle)
                ):
                    told = f"the argument of its staircase {step.name!r} turns on an edge, or has no value,"
                    raise FormulaError(f"{self.text}: {told} {self._where(middle)}; narrow the range")
                parts += [(middle, stop), (start, middle)]
                continue
            ends = sorted((argument(start), argument(stop)))
            edges = [edge for edge in step.breakpoints if ends[0] < edge <= ends[1]]
            for edge in edges if rises else reversed(edges):
                # the smallest number from which on the evaluated argument is on the next stair
                place = nearest(start, stop, lambda x, edge=edge, rises=rises: (argument(x) >= edge) == rises)  # type: ignore[misc]
                stairs[place] = step.values[step.breakpoints.index(edge) + rises]
        first = float(at(step, np.array([self.low]))[0])
        return Step(ARGUMENT, tuple(stairs), (first, *stairs.values()), step.name)

    def _where(self, place: float) -> str:
        """Return the words for a value of the variable."""
        return f"where {self.argument} is {place:.6g}"

    def _bounded(self, low: Floats, high: Floats, stair: Integers) -> Cells:
        """Return the cells with these ends, made a few at a time so that they stay in the processor's cache."""
        pieces = [slice(start, start + _AT_ONCE) for start in range(0, len(low), _AT_ONCE)]
        parts = [self._some(low[piece], high[piece], stair[piece]) for piece in pieces]
        return parts[0].joined(*parts[1:])

    def _some(self, low: Floats, high: Floats, stair: Integers) -> Cells:
        first, last, noise = self._values(low, high, stair)
        boxes = self._encloser.sides.boxes(low[:, None], high[:, None], stair[:, None])
        found = self._encloser.over(boxes, _CELLS)
        (least, most), slope, bend = found.value, along(found.slope, 0), along(found.curvature, 0)
        width = high - low
        with np.errstate(all="ignore"):
            steep = np.where(found.defined, (slope[1] - slope[0]) * width / 4.0, np.inf)
            sag = np.where(found.defined, np.maximum(bend[1], 0.0) * width * width / 8.0, np.inf)
            rise = np.where(found.defined, np.maximum(-bend[0], 0.0) * width * width / 8.0, np.inf)
            down = np.fmin(np.fmin(sag, steep), np.maximum(first, last) - least)
            up = np.fmin(np.fmin(rise, steep), most - np.minimum(first, last))
        # a factor for the rounding of these few operations themselves
        down, up = (np.maximum(side, 0.0) * (1.0 + 16.0 * EPS) for side in (down, up))
        bent = np.where(found.defined, bend, [[-np.inf], [np.inf]])
        return Cells(low, high, stair, first, last, down, up, noise, bent, np.array([least, most]))

    def _values(self, low: Floats, high: Floats, stair: Integers) -> tuple[Floats, Floats, Floats]:
        """Return the values at both ends from within, and how far they may be off."""
        x, column = np.concatenate([low, high]), np.concatenate([stair, stair])[:, None]
        found = self._encloser.over(self._encloser.sides.boxes(x[:, None], x[:, None], column), _POINTS)
        said = self.at(x)
        with np.errstate(all="ignore"):
            value = 0.5 * found.value[0] + 0.5 * found.value[1]
            noise = 0.5 * (found.value[1] - found.value[0]) + 4.0 * EPS * np.abs(value)
        wrong = ~(np.isfinite(said) & np.isfinite(noise))
        if wrong.any():
            raise FormulaError(
                f"{self.text} has no finite value {self._where(x[np.argmax(wrong)])}; narrow the range"
            )
        first, last = np.split(value, 2)
        return first, last, np.maximum(*np.split(noise, 2))

    def at(self, x: Floats) -> Floats:
        """Return its values as the formula computes them, NaN where there is none; shape of `x`."""
        return at(self.graph, x)

    def _narrow(self) -> None:
        """Cut the cells that make the range much wider than the values found, as far as that is worth it.

        The range is that in which a function of this one must be defined: √(y + 0.6 + sin(60 x) cos(60 x)) is.
        """
        for _ in range(_NARROWED):
            cells = self.cells
            lower, upper = np.minimum(cells.first, cells.last), np.maximum(cells.first, cells.last)
            slack = _LOOSE * (upper.max() - lower.min() + 0.1 * max(upper.max(), -lower.min()))
            wide = (lower - cells.down < lower.min() - slack) | (upper + cells.up > upper.max() + slack)
            if not wide.any() or len(cells) > _AT_ONCE:
                return
            self.cut(wide, np.full(len(cells), slack))

    def cut(self, where: Flags, limit: Floats) -> None:
        """Cut cells so that they come within their limits, as far as one cut can tell."""
        cells, kept = self.cells[where], self.cells[~where]
        width = cells.high - cells.low
        size = np.maximum(np.abs(cells.low), np.abs(cells.high))
        if (width <= np.maximum(8.0 * EPS * size, _SHORTEST * (self.high - self.low))).any():
            self._refuse(cells)
        smooth = ~cells.kinked
        lows, highs, stairs = [], [], []
        for index in np.flatnonzero(~smooth):
            low, high = cells.low[index], cells.high[index]
            edges = np.unique(np.append(np.minimum(low + width[index] * _SPLIT[:-1], high), high))
            lows.append(edges[:-1])
            highs.append(edges[1:])
            stairs.append(np.full(len(edges) - 1, cells.stair[index]))
        if smooth.any():
            low, high, stair = _evenly(cells[smooth], limit[where][smooth])
            lows.append(low)
            highs.append(high)
            stairs.append(stair)
        fresh = self._bounded(np.concatenate(lows), np.concatenate(highs), np.concatenate(stairs))
        self.cells = kept.joined(fresh)

    def _refuse(self, cells: Cells) -> NoReturn:
        place = float(cells.low[int(np.argmin(cells.high - cells.low))])
        place = 0.0 if abs(place) < 1e-12 * (self.high - self.low) else place
        raise FormulaError(
            f"{self.text} could not be shown to have a finite value, or a bounded slope, "
            f"{self._where(place)}, about; narrow the range"
        )

    def refine(self, tolerance: float) -> None:
        """Make the polyline so fine that it takes little of a tolerance.

        Raises
        ------
        FormulaError
            If floating point is too coarse for the tolerance, or more cells are needed than fit.
        """
        for _ in range(_ROUNDS):
            cells = self.cells
            if cells.noise.max() > _NOISE * tolerance:
                noise = f"is finer than its rounding, {cells.noise.max():.3g}"
                raise FormulaError(f"{self.text} has to be within {tolerance:.3g}, which {noise}")
            smooth = ~cells.kinked
            limit = np.where(smooth, _FINE, _COARSE) * tolerance
            rough = cells.loose > limit
            if not rough.any():
                return
            with np.errstate(all="ignore"):
                need = np.sqrt(cells.loose[rough] / limit[rough])
            if len(cells) > _MOST or (len(cells) > _AT_ONCE and need[smooth[rough]].sum() > 4.0 * _MOST):
                break
            self.cut(rough, limit)
        raise FormulaError(
            f"{self.text} has to be within {tolerance:.3g} and bends too often for that; "
            "give a larger tolerance, or narrow its range"
        )

    @property
    def range(self) -> tuple[float, float]:
        """Bounds of its values."""
        cells = self.cells
        low = np.maximum(np.minimum(cells.first, cells.last) - cells.down - cells.noise, cells.value[0])
        high = np.minimum(np.maximum(cells.first, cells.last) + cells.up + cells.noise, cells.value[1])
        return float(low.min()), float(high.max())

    @property
    def shape(self) -> Shape:
        """Whether it is proved linear, convex or concave."""
        if len(self.jumps):
            return "neither"
        convex, concave = bool((self.cells.bend[0] >= 0.0).all()), bool((self.cells.bend[1] <= 0.0).all())
        if convex and concave:
            return "linear"
        return "convex" if convex else "concave" if concave else "neither"

    @property
    def effort(self) -> float:
        """The number of pieces for a tolerance t is about this over √t: a quarter of ∫ √|f''|."""
        return sum(effort_of(*run.points) for run in self.cells.runs)

    def distance(self, pieces: Pieces) -> tuple[float, float]:
        """Return bounds of the pieces minus the function, lowest and highest, over the whole range.

        Parameters
        ----------
        pieces
            A function that covers the range and jumps nowhere but at :attr:`jumps`.
        """
        cells = self.cells
        start = pieces.at(cells.low)
        # a cell of no length is the point at the end, after its jump
        stop = np.where(cells.low < cells.high, pieces.before(cells.high), start)
        start, stop = start - cells.first, stop - cells.last
        low, high = np.minimum(start, stop), np.maximum(start, stop)
        # a breakpoint inside a cell is where the pieces are farthest from its line
        x = np.asarray(pieces.x)
        cell = np.clip(np.searchsorted(cells.low, x, side="right") - 1, 0, len(cells) - 1)
        inside = (cells.low[cell] < x) & (x < cells.high[cell])
        x, cell = x[inside], cell[inside]
        share = (x - cells.low[cell]) / (cells.high[cell] - cells.low[cell])
        gap = pieces.at(x) - (cells.first[cell] + share * (cells.last[cell] - cells.first[cell]))
        np.minimum.at(low, cell, gap)
        np.maximum.at(high, cell, gap)
        return float((low - cells.up - cells.noise).min()), float((high + cells.down + cells.noise).max())


def effort_of(x: Floats, y: Floats) -> float:
    """Return about how many pieces a function given by points takes, times √tolerance.

    A piece of length h is within h² |f''| / 16 where it lies as well as it can, so that it is ¼ ∫ √|f''| dx.

    Examples
    --------
    >>> x = np.linspace(0.0, 1.0, 1001)
    >>> round(effort_of(x, x * x), 3)
    0.353
    """
    width = np.diff(x)
    if not (width > 0.0).all():
        return 0.0
    turn = np.abs(np.diff(np.diff(y) / width))
    return 0.25 * float(np.sqrt(turn * 0.5 * (width[1:] + width[:-1])).sum())


def _evenly(cells: Cells, limit: Floats) -> tuple[Floats, Floats, Integers]:
    """Cut each cell into equal parts, so many that bounds that fall with the square of the width meet the limit."""
    with np.errstate(all="ignore"):
        need = np.sqrt(cells.loose / limit)
    parts = np.clip(np.ceil(np.nan_to_num(1.1 * need, nan=2.0)), 2, 24).astype(np.int64)
    parent = np.repeat(np.arange(len(cells)), parts)
    place = np.arange(len(parent)) - np.repeat(np.cumsum(parts) - parts, parts)
    width = (cells.high - cells.low)[parent] / parts[parent]
    low = cells.low[parent] + place * width
    high = np.where(place + 1 == parts[parent], cells.high[parent], cells.low[parent] + (place + 1) * width)
    return low, high, cells.stair[parent]
