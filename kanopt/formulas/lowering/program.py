"""A formula as a solver takes it: straight lines and functions of one variable that consist of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal, TypeAlias

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.columns import common_shape, describe_place, in_bounds, read_columns
from kanopt.formulas.enclosures.arithmetic import EPS, within
from kanopt.formulas.variables import Variable

Shape: TypeAlias = Literal["linear", "convex", "concave", "neither"]


@dataclass(frozen=True)
class Pieces:
    """A piecewise linear function from ``x[0]`` to ``x[-1]``.

    Piece k runs straight from ``start[k]`` at ``x[k]`` to ``stop[k]`` at ``x[k + 1]``. Where ``stop[k]`` differs from
    ``start[k + 1]`` the function jumps, and at the jump itself it has the value after it. The last piece may be a
    single point, where the function jumps at the very end.

    Parameters
    ----------
    x
        Ascending, one more than pieces.
    start, stop
        Values at both ends of each piece.

    Raises
    ------
    FormulaError
        If the lengths do not fit, a number is not finite, or `x` does not ascend.

    Examples
    --------
    >>> hinge = Pieces((0.0, 2.0, 5.0), (1.0, 1.0), (1.0, 4.0))
    >>> hinge.at(np.array([1.0, 3.0])).tolist(), hinge.shape, len(hinge)
    ([1.0, 2.0], 'convex', 2)
    """

    x: tuple[float, ...]
    start: tuple[float, ...]
    stop: tuple[float, ...]

    def __post_init__(self) -> None:
        for name in ("x", "start", "stop"):
            object.__setattr__(self, name, tuple(map(float, getattr(self, name))))
        count = len(self.start)
        if not count or len(self.stop) != count or len(self.x) != count + 1:
            raise FormulaError(f"{count} pieces need as many ends and {count + 1} breakpoints")
        if not all(map(math.isfinite, (*self.x, *self.start, *self.stop))):
            raise FormulaError("breakpoints and values of pieces must be finite")
        inner, last = self.x[:-1], self.x[-2:]
        if any(a >= b for a, b in pairwise(inner)) or last[0] > last[1]:
            raise FormulaError("breakpoints of pieces must ascend")

    @classmethod
    def through(cls, x: Sequence[float] | Floats, y: Sequence[float] | Floats) -> Pieces:
        """Return the continuous function through points."""
        return cls(tuple(x), tuple(y[:-1]), tuple(y[1:]))

    def __len__(self) -> int:
        return len(self.start)

    @property
    def low(self) -> float:
        """The smallest argument."""
        return self.x[0]

    @property
    def high(self) -> float:
        """The largest argument."""
        return self.x[-1]

    @cached_property
    def _arrays(self) -> tuple[Floats, Floats, Floats, Floats]:
        x, start, stop = np.array(self.x), np.array(self.start), np.array(self.stop)
        length = np.diff(x)
        slope = np.divide(stop - start, length, out=np.zeros(len(start)), where=length > 0.0)
        return x, start, stop, slope

    @property
    def slopes(self) -> tuple[float, ...]:
        """The slope of each piece; zero for a single point."""
        return tuple(self._arrays[3].tolist())

    @property
    def values(self) -> tuple[float, float]:
        """The smallest and the largest value."""
        ends = (*self.start, *self.stop)
        return min(ends), max(ends)

    @property
    def jumps(self) -> bool:
        """Whether it jumps."""
        return self.stop[:-1] != self.start[1:]

    @cached_property
    def shape(self) -> Shape:
        """Whether it is convex or concave: then it is the largest, or the smallest, of its lines but for rounding."""
        x, start, stop, slope = self._arrays
        if len(self) == 1:
            return "linear"
        if self.jumps or x[-2] == x[-1]:
            return "neither"
        length = np.diff(x)
        size = np.abs(np.concatenate([start, stop])).max()
        slack = 16.0 * EPS * size / np.minimum(length[1:], length[:-1])
        turn = np.diff(slope)
        if bool((turn >= -slack).all()):
            return "convex"
        return "concave" if bool((turn <= slack).all()) else "neither"

    @cached_property
    def direction(self) -> int:
        """+1 where it never falls, −1 where it never rises, 0 where it does both; +1 for a constant."""
        _, start, stop, _ = self._arrays
        steps = np.concatenate([stop - start, start[1:] - stop[:-1]])
        return 1 if bool((steps >= 0.0).all()) else -1 if bool((steps <= 0.0).all()) else 0

    def at(self, values: Floats) -> Floats:
        """Return the function's values, same shape; beyond its ends the outermost pieces go on."""
        x, start, _, slope = self._arrays
        values = np.asarray(values, dtype=np.float64)
        place = np.clip(np.searchsorted(x, values, side="right") - 1, 0, len(start) - 1)
        return np.asarray(start[place] + slope[place] * (values - x[place]))

    def before(self, values: Floats) -> Floats:
        """Return the values as :meth:`at` does, but at a jump the one before it."""
        x, start, stop, slope = self._arrays
        values = np.asarray(values, dtype=np.float64)
        place = np.clip(np.searchsorted(x, values, side="left") - 1, 0, len(start) - 1)
        found = start[place] + slope[place] * (values - x[place])
        return np.asarray(np.where(values == x[place + 1], stop[place], found))

    def shifted(self, by: float) -> Pieces:
        """Return the function plus a constant."""
        return Pieces(self.x, tuple(y + by for y in self.start), tuple(y + by for y in self.stop))

    def extended(self, low: float, high: float) -> Pieces:
        """Return the same function over more or less, its outermost pieces continued along their lines.

        Examples
        --------
        >>> Pieces((0.0, 1.0, 3.0), (0.0, 2.0), (2.0, 2.0)).extended(-1.0, 0.5).start
        (-2.0,)
        """
        x, start, stop, _ = self._arrays
        single = len(x) > 2 and x[-2] == x[-1]
        first = int(np.clip(np.searchsorted(x, low, side="right") - 1, 0, len(start) - 1))
        last = int(
            np.clip(np.searchsorted(x, high, side="right" if single else "left") - 1, first, len(start) - 1)
        )
        begin, end = self._on(first, low), self._on(last, high)
        inner = slice(first + 1, last + 1)
        return Pieces((low, *x[inner], high), (begin, *start[inner]), (*stop[first:last], end))

    def _on(self, piece: int, place: float) -> float:
        x, start, stop, slope = self._arrays
        if place == x[piece + 1]:
            return float(stop[piece])
        return float(start[piece] + slope[piece] * (place - x[piece]))

    def spread(self, down: float, up: float) -> tuple[float, float]:
        """Return how far the value falls and rises at most where the argument moves by −down … up within the ends.

        That is the modulus of continuity, by direction. It is exact but for rounding: the change is piecewise linear in
        both places, so that it is largest where one of them is a breakpoint and the other one too, or at the end of
        its reach. Jumps are passed over; who moves the argument across one must not ask.

        Examples
        --------
        >>> Pieces.through((0.0, 1.0, 2.0), (0.0, 3.0, 2.0)).spread(0.0, 0.5)
        (0.5, 1.5)
        """
        if down == 0.0 and up == 0.0:
            return 0.0, 0.0
        whole = self._without_jumps
        falls, rises = whole._moves(down, up)
        # moved by d from x to z is moved by −d from z to x
        back_falls, back_rises = whole._moves(up, down)
        return max(falls, back_rises), max(rises, back_falls)

    @cached_property
    def _without_jumps(self) -> Pieces:
        """The same slopes without the jumps between them."""
        if not self.jumps:
            return self
        x, start, stop, _ = self._arrays
        count = len(start) - (1 if x[-1] == x[-2] else 0)
        y = start[0] + np.concatenate([[0.0], np.cumsum((stop - start)[:count])])
        return Pieces.through(x[: count + 1], y)

    def _moves(self, down: float, up: float) -> tuple[float, float]:
        """Return the largest fall and rise from a breakpoint to anywhere in reach of it."""
        x = np.array(self.x)
        y, ends = self.at(x), [self.at(np.clip(end, self.low, self.high)) for end in (x - down, x + up)]
        near = within(y, y, np.searchsorted(x, x - down), np.searchsorted(x, x + up, side="right") - 1)
        lowest, highest = np.minimum.reduce([near[0], *ends]), np.maximum.reduce([near[1], *ends])
        return float((y - lowest).max()), float((highest - y).max())


Side: TypeAlias = Literal["nearest", "over", "under"]


@dataclass(frozen=True)
class NodeBound:
    """What is proved of one function of one variable in it.

    Parameters
    ----------
    text
        What it stands for, such as ``sqrt(load_t)``; a product of two things is one of two squares.
    tolerance
        Its share of the tolerance, in its own unit; 0 where it is exact.
    bound
        Largest distance of the pieces from it, over the range of its argument.
    segments
        The number of pieces.
    shape
        Whether the pieces are convex or concave.
    """

    text: str
    tolerance: float
    bound: float
    segments: int
    shape: Shape


@dataclass(frozen=True)
class PieceCertificate:
    """Bounds of the difference between the pieces and the law, for every point of the ranges.

    Parameters
    ----------
    tolerance
        What was asked for.
    side
        ``"nearest"``, ``"over"`` (never below the law) or ``"under"`` (never above it).
    low, high
        The pieces minus the law lie between these, in the unit of the output.
    rounding
        The part of them that is due to floating point: both sides are evaluated in double precision.
    nodes
        The functions of one variable, in the order of the definitions.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("x^2", [Variable("x", low=0, high=1)], Variable("y"))
    >>> print(law.piecewise(0.01).certificate)
    within 0.008 of the law (0.01 asked for), 4 segments
    """

    tolerance: float
    side: Side
    low: float
    high: float
    rounding: float
    nodes: tuple[NodeBound, ...]

    @property
    def bound(self) -> float:
        """The largest distance from the law, at most the tolerance."""
        return max(self.high, -self.low, 0.0)

    @property
    def segments(self) -> int:
        """The number of pieces of all functions together."""
        return sum(node.segments for node in self.nodes)

    def __str__(self) -> str:
        where = {"nearest": "within", "over": "never below and at most", "under": "never above and at most"}
        away = {"nearest": "of", "over": "above", "under": "below"}
        return (
            f"{where[self.side]} {self.bound:.2g} {away[self.side]} the law ({self.tolerance:g} asked for), "
            f"{self.segments:,} segments"
        )


@dataclass(frozen=True)
class Quantity:
    """A variable of the program: an input, or what a definition gives.

    Parameters
    ----------
    name
        The input, or what it stands for.
    low, high
        Bounds that hold wherever the inputs are within their ranges.
    """

    name: str
    low: float
    high: float


@dataclass(frozen=True)
class AffineDefinition:
    """``constant + Σ coefficient · quantity``; `terms` are pairs of a quantity's position and its coefficient."""

    constant: float
    terms: tuple[tuple[int, float], ...]

    @property
    def sources(self) -> tuple[int, ...]:
        """Positions of the quantities it reads."""
        return tuple(place for place, _ in self.terms)

    def compute(self, values: Mapping[int, Floats]) -> Floats:
        """Return its value, given those of the quantities it reads."""
        total: Floats = np.asarray(self.constant)
        for place, coefficient in self.terms:
            total = total + coefficient * values[place]
        return total


@dataclass(frozen=True)
class PieceDefinition:
    """A piecewise linear function of the quantity at position `source`."""

    source: int
    pieces: Pieces

    @property
    def sources(self) -> tuple[int, ...]:
        """The position of the quantity it reads."""
        return (self.source,)

    def compute(self, values: Mapping[int, Floats]) -> Floats:
        """Return its value, given that of the quantity it reads."""
        return self.pieces.at(values[self.source])


Definition: TypeAlias = AffineDefinition | PieceDefinition


@dataclass(frozen=True)
class Piecewise:
    """A formula made of straight pieces, with a proof of how far it is from the law.

    The first quantities are the inputs, the others are given by the definitions in turn: definition k gives the
    quantity at position ``len(inputs) + k`` from quantities before it.

    Where every function of one variable bends to the side from which it is held, a solver needs no binaries: a convex
    one becomes "at least each of its lines", a concave one "at most each of its lines".

    Parameters
    ----------
    inputs
        The inputs that are left, in the order of the formula, each with its range as its bounds.
    quantities
        Everything that has a value, inputs first.
    definitions
        How each quantity that is no input is computed.
    output
        The position of the output.
    certificate
        What is proved.
    fixed
        The inputs that were given, with their values.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> law = parse_formula("0.5 + 0.12 * km * (1 + 0.04 * t)^0.7",
    ...                     [Variable("km", "km"), Variable("t", low=0, high=25)], Variable("fuel", "l"))
    >>> leg = law.piecewise(0.01, fixed={"km": 12.0})
    >>> [quantity.name for quantity in leg.quantities]
    ['t', '0.5 + 0.12 · 12 · (1 + 0.04 · t)^0.7']
    >>> bool(abs(leg.evaluate({"t": 7.0}) - law.evaluate({"km": 12.0, "t": 7.0})) <= leg.certificate.bound)
    True
    """

    inputs: tuple[Variable, ...]
    quantities: tuple[Quantity, ...]
    definitions: tuple[Definition, ...]
    output: int
    certificate: PieceCertificate
    fixed: Mapping[str, float | str] = field(default_factory=dict, hash=False)

    @property
    def range(self) -> tuple[float, float]:
        """Bounds of the output."""
        quantity = self.quantities[self.output]
        return quantity.low, quantity.high

    def evaluate(self, data: Any) -> Floats:
        """Compute what a solver sees.

        Parameters
        ----------
        data
            As for :meth:`kanopt.formulas.Formula.evaluate`; inputs that were fixed are not read.

        Returns
        -------
        ndarray of float64
            In the shape to which the inputs broadcast, in the unit of the formula's output.

        Raises
        ------
        FormulaError
            If an input is missing, has gaps, or is beyond the range for which the pieces were made.
        """
        names = frozenset(variable.name for variable in self.inputs)
        columns = read_columns(self.inputs, data, names)
        shape = common_shape(columns)
        for variable in self.inputs:
            beyond = ~in_bounds(columns[variable.name], variable.low, variable.high)
            if beyond.any():
                place = describe_place({variable.name: columns[variable.name]}, beyond)
                raise FormulaError(
                    f"pieces hold for {variable.name} from {variable.low:g} to {variable.high:g}, not where {place}; "
                    "make them for a wider range"
                )
        values: dict[int, Floats] = {place: columns[v.name] for place, v in enumerate(self.inputs)}
        for definition in self.definitions:
            values[len(values)] = definition.compute(values)
        return np.array(np.broadcast_to(values[self.output], shape))
