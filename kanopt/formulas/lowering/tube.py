"""Few straight pieces within a tolerance of a function: the longest piece each time.

From where the last piece ended, all slopes are kept that stay in the tube around the function so far; the piece ends
where none is left (Imai and Iri 1986, "An optimal algorithm for approximating a piecewise linear function", Journal of
Information Processing 9; here from a fixed start). Where the function is convex the pieces run from the lower edge of
the tube to the lower edge, touching the upper one, which is the fewest there can be, and are convex too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import reduce
from typing import Generic, TypeAlias, TypeVar

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.enclosures.arithmetic import EPS
from kanopt.formulas.lowering.profile import ARGUMENT, Cells, Profile
from kanopt.formulas.lowering.program import Pieces
from kanopt.formulas.nodes import Constant, Node, Product, Sum, postorder

# Sums of multiples, whose rounding is known also where they cancel, and what of a graph is one.

K = TypeVar("K", bound=Hashable)
J = TypeVar("J", bound=Hashable)


@dataclass(frozen=True)
class Combination(Generic[K]):
    """A constant and multiples of things: of a variable, of parts of a formula, of quantities of a program.

    Parameters
    ----------
    constant
        What is added.
    terms
        The coefficient of each thing, zeros left out.
    weight, bulk
        The absolute values of everything that was added up to the constant, and to the coefficient of each thing: what
        cancels leaves its rounding behind.

    Examples
    --------
    >>> Combination.of("x").times(2.0).plus(Combination.of("x", constant=3.0), -2.0)
    Combination(constant=-6.0, terms={}, weight=6.0, bulk={'x': 4.0})
    """

    constant: float
    terms: Mapping[K, float]
    weight: float
    bulk: Mapping[K, float]

    @classmethod
    def of(cls, *things: K, constant: float = 0.0) -> Combination[K]:
        """Return the sum of different things and a constant."""
        terms = dict.fromkeys(things, 1.0)
        return cls(constant, terms, abs(constant), terms)

    def plus(self, other: Combination[K], factor: float = 1.0, size: float | None = None) -> Combination[K]:
        """Return this and a multiple of another; `size` is what the factor would be if nothing in it had cancelled."""
        size = abs(factor) if size is None else size
        terms, bulk = dict(self.terms), dict(self.bulk)
        for thing, coefficient in other.terms.items():
            terms[thing] = terms.get(thing, 0.0) + factor * coefficient
        # nothing of a thing is no multiple of it, however large it may be
        for thing, each in other.bulk.items() if size else ():
            bulk[thing] = bulk.get(thing, 0.0) + size * each
        kept = {thing: coefficient for thing, coefficient in terms.items() if coefficient}
        return Combination(
            self.constant + factor * other.constant, kept, self.weight + size * other.weight, bulk
        )

    def times(self, factor: float, size: float | None = None) -> Combination[K]:
        """Return a multiple; `size` as in :meth:`plus`."""
        return Combination[K].of().plus(self, factor, size)

    def put(self, made: Mapping[K, Combination[J]]) -> Combination[J]:
        """Return it with each thing replaced by what it is made of.

        Examples
        --------
        >>> Combination.of("x", constant=1.0).times(2.0).put({"x": Combination.of("y", constant=-3.0)})
        Combination(constant=-4.0, terms={'y': 2.0}, weight=8.0, bulk={'y': 2.0})
        """
        total = Combination[J](self.constant, {}, self.weight, {})
        for thing, size in self.bulk.items():
            total = total.plus(made[thing], self.terms.get(thing, 0.0), size)
        return total

    @property
    def settled(self) -> Combination[K]:
        """The same, whose rounding up to here was counted, so that what cancelled is forgotten."""
        sizes = {thing: abs(coefficient) for thing, coefficient in self.terms.items()}
        return Combination(self.constant, self.terms, abs(self.constant), sizes)

    def range(self, ends: Callable[[K], tuple[float, float]]) -> tuple[float, float]:
        """Return the smallest and the largest value, given those of each thing; rounding is not counted."""
        low = high = self.constant
        for thing, coefficient in self.terms.items():
            least, most = sorted(coefficient * end for end in ends(thing))
            low, high = low + least, high + most
        return low, high

    def size(self, ends: Callable[[K], tuple[float, float]]) -> float:
        """Return what it could be at most if nothing cancelled, given the ends of each thing."""
        return self.weight + sum(size * max(map(abs, ends(thing))) for thing, size in self.bulk.items())


def line_of(graph: Node) -> Combination[Node] | None:
    """Return a straight line that is written as sums and multiples of the variable; None for anything else.

    Examples
    --------
    >>> line = line_of(3 * (1 + 2 * ARGUMENT) - ARGUMENT)
    >>> line.constant, line.terms[ARGUMENT], line.weight, line.bulk[ARGUMENT]
    (3.0, 5.0, 3.0, 7.0)
    """
    lines: dict[bytes, Combination[Node]] = {}
    for node in postorder(graph):
        parts = [lines[child.key] for child in node.children if child.key in lines]
        if len(parts) < len(node.children):
            return None
        found: Combination[Node] | None = None
        if node.key == ARGUMENT.key:
            found = Combination.of(node)
        elif isinstance(node, Constant):
            found = Combination.of(constant=node.value)
        elif isinstance(node, Sum):
            found = reduce(Combination.plus, parts)
        elif isinstance(node, Product):
            found = _multiple(parts)
        if found is None:
            return None
        lines[node.key] = found
    line = lines[graph.key]
    return line if math.isfinite(line.size(lambda _: (1.0, 1.0))) else None


def _multiple(parts: list[Combination[Node]]) -> Combination[Node] | None:
    sloped = [part for part in parts if part.bulk]
    if len(sloped) > 1:
        return None
    factor = math.prod(part.constant for part in parts if not part.bulk)
    size = math.prod(part.weight for part in parts if not part.bulk)
    return (sloped[0] if sloped else Combination[Node].of(constant=1.0)).times(factor, size)


_WINDOW = 64
_BALANCED = 12
_ROUNDS = 12
_SHARP = 16.0
"""Units in the last place of the largest value: what a kink may be off by."""
_MOST_KINKS = 256

Ends: TypeAlias = tuple[list[float], list[float]]
"""Breakpoints, and the values there."""


@dataclass(frozen=True)
class Tube:
    """A tube between two polylines, arrays of shape (points,).

    Parameters
    ----------
    x, lower, upper
        The polylines.
    lean
        −1 where pieces should run along the lower edge, which keeps them convex; +1 along the upper one, which keeps
        them concave; 0 where it does not matter.
    """

    x: Floats
    lower: Floats
    upper: Floats
    lean: int

    def links(self, most: int) -> tuple[list[float], list[float]] | None:
        """Return breakpoints and values of a polyline within the tube; None if it has more than `most` pieces."""
        edges = self.lower, 0.5 * (self.lower + self.upper), self.upper
        places = (self.lean + 1,) if self.lean else (0, 1, 2)
        starts = [
            (self._link(0, self.x[0], float(edges[place][0])), float(edges[place][0])) for place in places
        ]
        (last, place, value), y = max(starts, key=lambda found: found[0][1])
        xs, ys = [float(self.x[0]), place], [y, value]
        while place < self.x[-1]:
            if len(xs) > most:
                return None
            last, place, value = self._link(last, place, value)
            xs.append(place)
            ys.append(value)
        return xs, ys

    def _link(self, last: int, x0: float, y0: float) -> tuple[int, float, float]:
        """Return the longest piece from a place at or after point `last`: the last point up to it, and its end."""
        most, least, begin, size = np.inf, -np.inf, last + 1, _WINDOW
        count = len(self.x)
        while begin < count:
            x = self.x[begin : begin + size]
            rise = np.minimum.accumulate(np.minimum((self.upper[begin : begin + size] - y0) / (x - x0), most))
            fall = np.maximum.accumulate(
                np.maximum((self.lower[begin : begin + size] - y0) / (x - x0), least)
            )
            blocked = fall > rise
            first = int(np.argmax(blocked))
            if blocked[first]:
                if first:
                    most, least = float(rise[first - 1]), float(fall[first - 1])
                return self._leave(begin + first, x0, y0, least, most)
            most, least = float(rise[-1]), float(fall[-1])
            begin, size = begin + len(x), 2 * size
        slope = (least, 0.5 * (least + most), most)[self.lean + 1]
        end = float(self.x[-1])
        return count - 1, end, y0 + slope * (end - x0)

    def _leave(self, point: int, x0: float, y0: float, least: float, most: float) -> tuple[int, float, float]:
        """Return where the last possible line leaves the tube, between a point and the one before it."""
        if not np.isfinite(least + most):
            raise FormulaError("a tube has no opening")
        start, stop = max(float(self.x[point - 1]), x0), float(self.x[point])
        up = (self.lower[point] - y0) / (stop - x0) > most
        slope, edge = (most, self.lower) if up else (least, self.upper)
        before = float(np.interp(start, self.x, edge)) - (y0 + slope * (start - x0))
        after = float(edge[point]) - (y0 + slope * (stop - x0))
        share = before / (before - after) if before != after else 0.0
        # not so near a point that the next slopes are lost to rounding
        share = min(max(share, 0.0), 0.999)
        share = 0.0 if share < 0.001 and start > x0 else share
        end = start + share * (stop - start)
        aim = (float(np.interp(end, self.x, edge)) - y0) / (end - x0)
        return point - 1, end, y0 + min(max(aim, least), most) * (end - x0)


def fitted(profile: Profile, tolerance: float, most: int) -> Pieces | None:
    """Return few pieces within a tolerance of a function whose profile is fine enough; None for more than `most`.

    Where they are few, the same number is fitted with the smallest tolerance that allows it.
    """
    pieces = _joined(profile, lambda run: _balanced(run, tolerance, most))
    return pieces if pieces is not None and len(pieces) <= most else None


def _joined(profile: Profile, ends_of: Callable[[Cells], Ends | None]) -> Pieces | None:
    """Return the pieces of all stairs, given the breakpoints and values on the cells of each."""
    x: list[float] = []
    start: list[float] = []
    stop: list[float] = []
    for run in profile.cells.runs:
        if run.low[0] == run.high[-1]:
            ends: Ends | None = ([float(run.low[0])] * 2, [float(run.first[0])] * 2)
        else:
            ends = ends_of(run)
        if ends is None:
            return None
        x += ends[0][:-1]
        start += ends[1][:-1]
        stop += ends[1][1:]
    return Pieces((*x, profile.high), tuple(start), tuple(stop))


def straight(profile: Profile) -> tuple[Pieces, float] | None:
    """Return a function that is straight but for kinks and jumps, and what is off by rounding; None for one that bends.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> from kanopt.formulas.lowering.profile import ARGUMENT
    >>> pieces, off = straight(Profile(Apply("relu", 2 * ARGUMENT - 3) + 1, 0.0, 4.0))
    >>> [round(x, 9) for x in pieces.x], pieces.start, off < 1e-13
    ([0.0, 1.5, 4.0], (1.0, 1.0), True)
    """
    for _ in range(_ROUNDS):
        cells = profile.cells
        kinked = cells.kinked
        if (cells.bend[:, ~kinked] != 0.0).any():
            return None
        fine = _SHARP * EPS * max(float(np.abs(cells.points[1]).max()), _steepness(cells))
        rough = kinked & (cells.loose > fine)
        if np.count_nonzero(rough) > _MOST_KINKS:  # it is not one kink that bends it, or not known where
            return None
        if not rough.any():
            found = _joined(profile, _between_kinks)
            low, high = (0.0, math.inf) if found is None else profile.distance(found)
            off = max(-low, high)
            return None if found is None or off > 4.0 * (fine + float(cells.noise.max())) else (found, off)
        profile.cut(rough, np.full(len(cells), fine))
    return None


def _steepness(cells: Cells) -> float:
    """Return by how much values change per relative change of the argument: where a ramp bends is known to rounding."""
    even = ~cells.kinked
    if not even.any():
        return 0.0
    slopes = np.abs(cells.last - cells.first)[even] / (cells.high - cells.low)[even]
    return float(slopes.max() * max(abs(float(cells.low.min())), abs(float(cells.high.max()))))


def _between_kinks(run: Cells) -> Ends:
    """Return the ends and the kinks of cells that are straight but for kinks too narrow to matter."""
    kinked = run.kinked
    begins = np.union1d([0], np.flatnonzero(kinked[1:] | kinked[:-1]) + 1)
    x, y = (
        [*run.low[begins].tolist(), float(run.high[-1])],
        [*run.first[begins].tolist(), float(run.last[-1])],
    )
    tiny = 4.0 * _SHARP * EPS * max(map(abs, y))
    for place in reversed(range(1, len(x) - 1)):
        share = (x[place] - x[place - 1]) / (x[place + 1] - x[place - 1])
        if abs(y[place - 1] + share * (y[place + 1] - y[place - 1]) - y[place]) <= tiny:
            del x[place], y[place]
    return x, y


def _balanced(run: Cells, tolerance: float, most: int) -> Ends | None:
    best = _tube(run, tolerance).links(most)
    if best is None or len(best[0]) - 1 > _BALANCED:
        return best
    count = len(best[0]) - 1
    least, largest = _narrowest(run), tolerance
    for _ in range(_ROUNDS):
        middle = 0.5 * (least + largest)
        if middle <= 1.01 * least or largest <= 1.02 * least:
            break
        tried = _tube(run, middle).links(count)
        if tried is None or len(tried[0]) - 1 > count:
            least = middle
        else:
            best, largest = tried, middle
    return best


def _narrowest(run: Cells) -> float:
    return float((np.maximum(run.down, run.up) + run.noise).max()) * 1.01


def _tube(run: Cells, tolerance: float) -> Tube:
    x, value = run.points
    down, up = run.down + run.noise, run.up + run.noise
    below = np.maximum(np.append(up, up[-1]), np.append(up[0], up))
    above = np.maximum(np.append(down, down[-1]), np.append(down[0], down))
    convex, concave = bool((run.bend[0] >= 0.0).all()), bool((run.bend[1] <= 0.0).all())
    lean = 0 if convex == concave else -1 if convex else 1
    return Tube(x, value - tolerance + below, value + tolerance - above, lean)
