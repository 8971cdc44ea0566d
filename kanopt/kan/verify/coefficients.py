"""What the coefficients alone say of monotonicity and convexity, everywhere and without a box.

A B-spline curve whose coefficients do not decrease does not decrease, and one whose second differences are
not negative is convex, straight tails included (de Boor 2001, *A Practical Guide to Splines*, ch. XI).
Along the network: what rises in a rising node rises; a convex function of a straight node is convex; a
convex rising function of a convex node is convex, and a convex falling one of a concave node (Boyd and
Vandenberghe 2004, *Convex Optimization*, sec. 3.2.4); sums keep all of this. A product of nodes is followed
where one factor does not depend on the inputs in question, or the signs of the factors are known.

All of this is exact: differences of floating-point numbers have the right sign, and second differences are summed
again without rounding where rounding could hide theirs. A convex spline whose coefficients have been rounded may have
negative ones, and is left to the search, which says what slack it took. To let them pass here would not do: the
next layer may magnify them without bound, when its splines have a range as narrow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from kanopt.kan.description import Layer
from kanopt.kan.verify.intervals import EPS, Flags, Floats, Pair

__all__ = ["curvature_sign", "monotonicity"]


@dataclass(frozen=True)
class _EdgeShapes:
    """Of edges or nodes as functions of the inputs in question: ``not rises`` says nothing but that it is not known."""

    rises: Flags
    falls: Flags
    convex: Flags
    concave: Flags

    @property
    def constant(self) -> Flags:
        return self.rises & self.falls

    @property
    def flags(self) -> tuple[Flags, Flags, Flags, Flags]:
        return self.rises, self.falls, self.convex, self.concave

    def take(self, index: slice) -> _EdgeShapes:
        return _EdgeShapes(*(part[index] for part in self.flags))

    def joined(self, other: _EdgeShapes) -> _EdgeShapes:
        return _EdgeShapes(*(np.concatenate(both) for both in zip(self.flags, other.flags, strict=True)))


def _all(flags: Flags, axis: int) -> Flags:
    return np.asarray(flags.all(axis=axis), dtype=np.bool_)


def _edges(coefficients: Floats) -> _EdgeShapes:
    """Return facts of splines (inputs, sub-nodes, coefficients), shape (inputs, sub-nodes)."""
    step = np.diff(coefficients, axis=-1)
    bend = _second_differences(coefficients)
    return _EdgeShapes(
        _all(step >= 0.0, -1),
        _all(step <= 0.0, -1),
        _all(bend >= 0.0, -1),
        _all(bend <= 0.0, -1),
    )


def _second_differences(coefficients: Floats) -> Floats:
    """Return c_k − 2 c_k+1 + c_k+2 along the last axis, each of the right sign."""
    left, middle, right = coefficients[..., :-2], coefficients[..., 1:-1], coefficients[..., 2:]
    bend = np.asarray((right - middle) - (middle - left))
    # Two differences and their difference are rounded, each by half an EPS of no more than 4 times the largest.
    largest = np.maximum(np.maximum(np.abs(left), np.abs(right)), np.abs(middle))
    for place in zip(*np.nonzero(np.abs(bend) <= 8.0 * EPS * largest), strict=True):
        m = float(middle[place])
        bend[place] = math.fsum(
            (float(left[place]), -m, -m, float(right[place]))
        )  # the exact sum, rounded once
    return bend


def _cycles(coefficients: Floats) -> _EdgeShapes:
    flat = _all(coefficients == coefficients[..., :1], -1)
    return _EdgeShapes(flat, flat, flat, flat)


def _composed(edges: _EdgeShapes, nodes: _EdgeShapes) -> _EdgeShapes:
    """Return facts of the sums of edges (j, s) over nodes (j,)."""
    rises, falls, convex, concave = (part[:, None] for part in nodes.flags)
    constant = rises & falls | edges.constant
    straight = convex & concave
    return _EdgeShapes(
        _all(constant | edges.rises & rises | edges.falls & falls, 0),
        _all(constant | edges.rises & falls | edges.falls & rises, 0),
        _all(constant | edges.convex & (straight | edges.rises & convex | edges.falls & concave), 0),
        _all(constant | edges.concave & (straight | edges.rises & concave | edges.falls & convex), 0),
    )


def _multiplied(u: _EdgeShapes, v: _EdgeShapes, u_range: Pair, v_range: Pair) -> _EdgeShapes:
    """Return facts of products of nodes whose values lie in the given ranges."""
    u_up, u_down = u_range[0] >= 0.0, u_range[1] <= 0.0
    v_up, v_down = v_range[0] >= 0.0, v_range[1] <= 0.0

    def moves(u_up_: Flags, u_down_: Flags, v_up_: Flags, v_down_: Flags) -> Flags:
        by_v = v.constant | u_up & v_up_ | u_down & v_down_
        by_u = u.constant | v_up & u_up_ | v_down & u_down_
        return by_u & by_v

    def bends(u_up_: Flags, u_down_: Flags, v_up_: Flags, v_down_: Flags) -> Flags:
        by_v = u.constant & (v.constant | v_up_ & v_down_ | u_up & v_up_ | u_down & v_down_)
        by_u = v.constant & (u.constant | u_up_ & u_down_ | v_up & u_up_ | v_down & u_down_)
        return by_u | by_v

    return _EdgeShapes(
        moves(u.rises, u.falls, v.rises, v.falls),
        moves(u.falls, u.rises, v.falls, v.rises),
        bends(u.convex, u.concave, v.convex, v.concave),
        bends(u.concave, u.convex, v.concave, v.convex),
    )


def _first(layer: Layer, inputs: Sequence[int]) -> _EdgeShapes:
    edges = _edges(layer.coefficients).joined(_cycles(layer.periodic))
    chosen = list(inputs)
    return _EdgeShapes(*(_all(part[chosen], 0) for part in edges.flags))


def _output(layers: Sequence[Layer], inputs: Sequence[int], arrivals: Sequence[Pair]) -> _EdgeShapes:
    """Return facts of the output; `arrivals` are bounds of the sub-nodes of every layer, shape (sub-nodes,)."""
    facts = _first(layers[0], inputs)
    for depth, layer in enumerate(layers):
        if depth:
            facts = _composed(_edges(layer.coefficients), facts)
        if layer.products:
            sums = layer.subnodes - 2 * layer.products
            left, right = slice(sums, None, 2), slice(sums + 1, None, 2)
            low, high = arrivals[depth]
            made = _multiplied(
                facts.take(left), facts.take(right), (low[left], high[left]), (low[right], high[right])
            )
            facts = facts.take(slice(0, sums)).joined(made)
    return facts


def monotonicity(layers: Sequence[Layer], number: int, arrivals: Sequence[Pair]) -> tuple[bool, bool]:
    """Return whether the coefficients say that the output rises in an input, and whether they say that it falls.

    Examples
    --------
    >>> rising = Layer(np.zeros(1), np.ones(1), np.array([[[0.0, 1.0, 1.0, 5.0]]]), (), np.zeros(1))
    >>> monotonicity([rising], 0, [(np.zeros(1), np.ones(1))])
    (True, False)
    """
    facts = _output(layers, [number], arrivals)
    return bool(facts.rises[0]), bool(facts.falls[0])


def curvature_sign(
    layers: Sequence[Layer], numbers: Sequence[int], arrivals: Sequence[Pair]
) -> tuple[bool, bool]:
    """Return whether the coefficients say that the output is convex in some inputs, and whether concave.

    Examples
    --------
    >>> bent = Layer(np.zeros(1), np.ones(1), np.array([[[4.0, 1.0, 0.0, 1.0]]]), (), np.zeros(1))
    >>> curvature_sign([bent], [0], [(np.zeros(1), np.ones(1))])
    (True, False)
    """
    facts = _output(layers, numbers, arrivals)
    return bool(facts.convex[0]), bool(facts.concave[0])
