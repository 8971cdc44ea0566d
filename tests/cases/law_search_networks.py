"""Networks written down by hand, whose law is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tests.cases.hand_networks import Layer, Network, cycle_of, spline_of

Floats = NDArray[np.float64]
Curve = Callable[[Floats], Floats]
CELLS = 40
LOW, HIGH = -4.0, 4.0


def spline(curve: Curve | None) -> Floats:
    """Coefficients of `curve` on [-4, 4]: exact for cubics, to 1e-6 for sin and exp."""
    return np.zeros(CELLS + 3) if curve is None else spline_of(curve, LOW, HIGH, CELLS)


def cycle(curve: Curve | None) -> Floats:
    """Coefficients of a curve of period 1."""
    return np.zeros(CELLS) if curve is None else cycle_of(curve, CELLS)


def layer(
    edges: list[list[Curve | None]],
    *,
    tables: tuple[list[list[float]], ...] = (),
    cycles: list[list[Curve | None]] | None = None,
    bias: list[float] | None = None,
    products: int = 0,
) -> Layer:
    """A layer of curves, one row per input and one column per sub-node."""
    subnodes = len(edges[0])
    return Layer(
        np.full(len(edges), LOW),
        np.full(len(edges), HIGH),
        np.array([[spline(curve) for curve in row] for row in edges]),
        tuple(np.array(table) for table in tables),
        np.zeros(subnodes) if bias is None else np.array(bias),
        cycles=None if cycles is None else np.array([[cycle(curve) for curve in row] for row in cycles]),
        products=products,
    )


def line(x: Floats) -> Floats:
    return x


def square(x: Floats) -> Floats:
    return x**2


def times(factor: float, curve: Curve = line) -> Curve:
    return lambda x: factor * curve(x)


def additive(*curves: Curve) -> Network:
    return Network((layer([[curve] for curve in curves]),))
