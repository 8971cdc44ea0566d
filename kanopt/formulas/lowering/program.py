"""A formula as a solver takes it: straight lines and functions of one variable that consist of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.columns import common_shape, describe_place, in_bounds, read_columns
from kanopt.formulas.lowering.pieces import Pieces, Shape
from kanopt.formulas.nodes import Array
from kanopt.formulas.variables import Variable

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


Curvature: TypeAlias = Literal["affine", "convex", "concave", "undecided"]


@dataclass(frozen=True)
class Quantity:
    """A variable of the program: an input, or what a definition gives.

    Parameters
    ----------
    name
        The input, or what it stands for.
    low, high
        Bounds that hold wherever the inputs are within their ranges.
    curvature
        How it depends on all inputs *jointly*, by the rules of disciplined convex programming (Grant, Boyd and Ye
        2006): ``"undecided"`` where they do not tell.
    """

    name: str
    low: float
    high: float
    curvature: Curvature


@dataclass(frozen=True)
class AffineDefinition:
    """``constant + Σ coefficient · quantity``; `terms` are pairs of a quantity's position and its coefficient."""

    constant: float
    terms: tuple[tuple[int, float], ...]

    @property
    def sources(self) -> tuple[int, ...]:
        """Positions of the quantities it reads."""
        return tuple(place for place, _ in self.terms)

    def compute(self, values: Mapping[int, Array]) -> Array:
        """Return its value, given those of the quantities it reads."""
        total: Array = np.asarray(self.constant)
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

    def compute(self, values: Mapping[int, Array]) -> Array:
        """Return its value, given that of the quantity it reads."""
        return self.pieces.at(values[self.source])


Definition: TypeAlias = AffineDefinition | PieceDefinition


@dataclass(frozen=True)
class Piecewise:
    """A formula made of straight pieces, with a proof of how far it is from the law.

    The first quantities are the inputs, the others are given by the definitions in turn: definition k gives the
    quantity at position ``len(inputs) + k`` from quantities before it.

    Where the output is convex and smaller is better (or concave, and larger is better), a solver needs no binaries:
    every convex function of one variable becomes "at least each of its lines", every concave one "at most each of its
    lines". A formula that is convex in each input alone need not be convex jointly; the flag is about the latter.

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
    >>> [quantity.name for quantity in leg.quantities], leg.curvature
    (['t', '0.5 + 0.12 · 12 · (1 + 0.04 · t)^0.7'], 'concave')
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
    def curvature(self) -> Curvature:
        """How the output depends on all inputs jointly."""
        return self.quantities[self.output].curvature

    @property
    def range(self) -> tuple[float, float]:
        """Bounds of the output."""
        quantity = self.quantities[self.output]
        return quantity.low, quantity.high

    def evaluate(self, data: Any) -> Array:
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
        values: dict[int, Array] = {place: columns[v.name] for place, v in enumerate(self.inputs)}
        for definition in self.definitions:
            values[len(values)] = definition.compute(values)
        return np.array(np.broadcast_to(values[self.output], shape))
