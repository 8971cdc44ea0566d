"""A trained network as plain numpy arrays, for exact formulas, drawing and prediction.

Nothing here needs torch. The arrays are read-only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.splines import SplineGrid

__all__ = ["Layer", "Network", "evaluate_periodic", "evaluate_spline"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def _frozen(array: Floats) -> Floats:
    copy = np.array(array, dtype=np.float64)
    copy.setflags(write=False)
    return copy


def evaluate_spline(x: Floats, lower: float, upper: float, coefficients: Floats) -> Floats:
    """Evaluate uniform cubic splines that share a range, with linear extrapolation.

    Parameters
    ----------
    x
        Points, shape (n,).
    lower, upper
        Range covered by the grid.
    coefficients
        Shape (grid_size + 3,) or (splines, grid_size + 3).

    Returns
    -------
    ndarray, shape (n,) or (n, splines)

    Examples
    --------
    >>> evaluate_spline(np.array([0.0, 0.5, 2.0]), 0.0, 1.0, np.array([-1.0, 0.0, 1.0, 2.0]))
    array([0. , 0.5, 2. ])
    """
    grid = SplineGrid(lower, upper, coefficients.shape[-1] - 3)
    return grid.values(x, grid.powers(coefficients)).T


def evaluate_periodic(x: Floats, coefficients: Floats) -> Floats:
    """Evaluate periodic uniform cubic splines; `x` is in periods.

    Parameters
    ----------
    x
        Points, shape (n,); x and x + 1 are the same point.
    coefficients
        Shape (grid_size,) or (splines, grid_size); number k belongs to the B-spline centred at k / grid_size.

    Returns
    -------
    ndarray, shape (n,) or (n, splines)

    Examples
    --------
    >>> evaluate_periodic(np.array([0.0, 0.5, 1.5]), np.array([1.0, 2.0, 1.0, 2.0]))
    array([1.33333333, 1.33333333, 1.33333333])
    """
    grid, turned = periodic_grid(coefficients)
    return grid.values(x, grid.powers(turned)).T


def periodic_grid(coefficients: Floats) -> tuple[SplineGrid, Floats]:
    """Return the grid of periodic splines of an argument in periods, and their coefficients in its order.

    A network's splines read coefficients k − 1 … k + 2 between k / grid_size and the next, those of the grid k … k + 3.
    """
    return SplineGrid(0.0, 1.0, coefficients.shape[-1], periodic=True), np.roll(coefficients, 1, axis=-1)


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer: an edge from every input to every sub-node, and a bias per sub-node.

    Parameters
    ----------
    lower, upper
        Grid range of every numeric input, shape (inputs,).
    coefficients
        Cubic spline coefficients, shape (inputs, subnodes, grid_size + 3). The knots of input `i` divide
        [lower[i], upper[i]] into grid_size equal intervals.
    tables
        One array (categories, subnodes) per categorical input. Only a first layer has tables.
    bias
        Shape (subnodes,). Edges have mean zero over the training rows; their means are in the bias.
    cycles
        Coefficients of periodic splines, shape (periodic inputs, subnodes, grid_size); their inputs are in periods
        and follow the numeric ones. Only a first layer has periodic splines.
    products
        Number of product nodes: the last 2 · products sub-nodes are multiplied in pairs.
    """

    lower: Floats
    upper: Floats
    coefficients: Floats
    tables: tuple[Floats, ...]
    bias: Floats
    cycles: Floats | None = None
    products: int = 0

    def __post_init__(self) -> None:
        cycles = np.zeros((0, len(self.bias), self.grid_size)) if self.cycles is None else self.cycles
        object.__setattr__(self, "cycles", cycles)
        for name in ("lower", "upper", "coefficients", "bias", "cycles"):
            object.__setattr__(self, name, _frozen(getattr(self, name)))
        object.__setattr__(self, "tables", tuple(_frozen(table) for table in self.tables))

    @property
    def inputs(self) -> int:
        """Number of numeric inputs that are not periodic."""
        return int(self.coefficients.shape[0])

    @property
    def periodic(self) -> Floats:
        """Coefficients of the periodic splines, as :attr:`cycles` but never None."""
        assert self.cycles is not None
        return self.cycles

    @property
    def subnodes(self) -> int:
        """Number of sub-nodes, in which edges end."""
        return int(self.bias.shape[0])

    @property
    def outputs(self) -> int:
        """Number of nodes in the layer's output."""
        return self.subnodes - self.products

    @property
    def grid_size(self) -> int:
        """Number of intervals of every spline."""
        return int(self.coefficients.shape[2]) - 3

    def edges(self, source: int, x: Floats) -> Floats:
        """Return the values of all edges that leave numeric input `source`, shape (n, subnodes)."""
        if source >= self.inputs:
            return evaluate_periodic(x, self.periodic[source - self.inputs])
        lower, upper = float(self.lower[source]), float(self.upper[source])
        return evaluate_spline(x, lower, upper, self.coefficients[source])

    def arrivals(self, numbers: Floats, codes: Integers | None = None) -> Floats:
        """Return the sum of incoming edges at every sub-node, shape (n, subnodes)."""
        total = np.tile(self.bias, (len(numbers), 1))
        for source in range(self.inputs + len(self.periodic)):
            total += self.edges(source, numbers[:, source])
        for column, table in enumerate(self.tables):
            if codes is None:
                raise ValueError("this layer has categorical inputs: pass their codes")
            total += table[codes[:, column]]
        return total

    def __call__(self, numbers: Floats, codes: Integers | None = None) -> Floats:
        """Return the nodes, shape (n, outputs), for inputs (n, inputs) and category codes (n, tables)."""
        total = self.arrivals(numbers, codes)
        if not self.products:
            return total
        sums = self.subnodes - 2 * self.products
        return np.hstack([total[:, :sums], total[:, sums::2] * total[:, sums + 1 :: 2]])


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network.

    Numeric inputs are in the order of the first layer's ranges, followed by the periodic ones; categorical inputs are
    integer codes in the order of its tables. The flat order of the parameters (that of a covariance matrix) is, layer
    by layer, ``coefficients.ravel()``, ``cycles.ravel()`` and then each ``table.ravel()``; biases are not included.

    Examples
    --------
    >>> line = np.array([[[-1.0, 0.0, 1.0, 2.0]]])
    >>> layer = Layer(np.zeros(1), np.ones(1), line, (), np.array([10.0]))
    >>> Network((layer,))(np.array([[0.25], [0.75]]))
    array([10.25, 10.75])
    """

    layers: tuple[Layer, ...]

    @property
    def hidden(self) -> tuple[int, ...]:
        """Widths of the hidden layers; empty for an additive model."""
        return tuple(layer.outputs for layer in self.layers[:-1])

    @property
    def parameters(self) -> Floats:
        """All coefficients and table values in the flat order."""
        parts = [(layer.coefficients, layer.periodic, *layer.tables) for layer in self.layers]
        return np.concatenate([part.ravel() for layer in parts for part in layer])

    def __call__(self, numbers: Floats, codes: Integers | None = None) -> Floats:
        """Return the output for numbers (n, inputs) and category codes (n, tables).

        Returns
        -------
        ndarray, shape (n,), or (n, outputs) where there are several
        """
        signal = self.layers[0](np.asarray(numbers, dtype=np.float64), codes)
        for layer in self.layers[1:]:
            signal = layer(signal)
        return signal[:, 0] if signal.shape[1] == 1 else signal
