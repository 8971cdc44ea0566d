"""First and second derivatives of a trained network with respect to its inputs, exact and in numpy.

A forward pass computes the gradient of every node. The Hessian of the output is then a sum over the edges: the
curvature of an edge times the outer product of its source's gradient, weighted with the sensitivity of the output to
its target, which a backward pass computes; and a product u·v adds ∇u ∇vᵀ + ∇v ∇uᵀ (the second-order chain rule,
Griewank and Walther 2008, *Evaluating Derivatives*, chapter 5):

    H = Σ_edges i→s  σ_s φ″_is(x_i) ∇x_i ∇x_iᵀ  +  Σ_products  σ (∇u ∇vᵀ + ∇v ∇uᵀ).

A cubic spline has a continuous second derivative, except at the ends of its range, where the linear extrapolation
begins; there the one-sided derivative from inside the range is returned.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.description import Layer, Network, periodic_grid
from kanopt.splines import SplineGrid

__all__ = ["Derivatives", "derivatives", "edge_derivatives"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ROWS = 1024
"""Rows taken at a time, so that memory does not grow with them."""


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Values, gradients and Hessians of a function at given rows.

    Attributes
    ----------
    values
        Shape (n,).
    gradient
        Shape (n, inputs), with respect to the numeric inputs and after them the periodic ones.
    hessian
        Shape (n, inputs, inputs), symmetric.
    """

    values: Floats
    gradient: Floats
    hessian: Floats

    def compose(self, values: Floats, slope: Floats, curvature: Floats) -> Derivatives:
        """Return the derivatives of g(f) from the values, slope and curvature of g at f, each of shape (n,).

        Examples
        --------
        The exponential of x² at x = 1 has the derivatives e, 2e and 6e:

        >>> square = Derivatives(np.ones(1), np.full((1, 1), 2.0), np.full((1, 1, 1), 2.0))
        >>> e = np.exp(square.values)
        >>> (square.compose(e, e, e).hessian / e).tolist()
        [[[6.0]]]
        """
        outer = self.gradient[:, :, None] * self.gradient[:, None, :]
        hessian = curvature[:, None, None] * outer + slope[:, None, None] * self.hessian
        return Derivatives(values, slope[:, None] * self.gradient, hessian)


def edge_derivatives(layer: Layer, source: int, x: Floats) -> tuple[Floats, Floats]:
    """Return slope and curvature of all edges that leave numeric input `source`, each (n, subnodes).

    Examples
    --------
    >>> line = np.array([[[-1.0, 0.0, 1.0, 2.0]]])
    >>> layer = Layer(np.zeros(1), np.full(1, 2.0), line, (), np.zeros(1))
    >>> slope, curvature = edge_derivatives(layer, 0, np.array([0.5, 3.0]))
    >>> slope.ravel().round(12).tolist(), bool(np.abs(curvature).max() < 1e-12)
    ([0.5, 0.5], True)
    """
    if source >= layer.inputs:
        grid, coefficients = periodic_grid(layer.periodic[source - layer.inputs])
    else:
        grid = SplineGrid(float(layer.lower[source]), float(layer.upper[source]), layer.grid_size)
        coefficients = layer.coefficients[source]
    powers = grid.powers(coefficients)
    return grid.slopes(x, powers).T, grid.bends(x, powers).T


def derivatives(
    network: Network, numbers: Floats, codes: Integers | None = None, output: int = 0
) -> Derivatives:
    """Differentiate one output of a network twice with respect to its numeric and periodic inputs.

    Parameters
    ----------
    network
        A network of any depth, with or without product nodes.
    numbers, codes
        Encoded rows, shapes (n, inputs) and (n, tables). There are no derivatives with respect to categories.
    output
        Index of the output to differentiate.

    Returns
    -------
    Derivatives

    Examples
    --------
    The edge is z² on [0, 1], two cells wide:

    >>> square = np.array([[[0.25 * k**2 - 0.25 / 3 for k in range(-1, 4)]]])
    >>> network = Network((Layer(np.zeros(1), np.ones(1), square, (), np.zeros(1)),))
    >>> found = derivatives(network, np.array([[0.3], [2.0]]))
    >>> found.values.round(6).tolist(), found.gradient.round(6).tolist(), found.hessian.round(6).tolist()
    ([0.09, 3.0], [[0.6], [2.0]], [[[2.0]], [[0.0]]])
    """
    numbers = np.asarray(numbers, dtype=np.float64)
    starts = range(0, max(len(numbers), 1), ROWS)
    parts = []
    for start in starts:
        rows = slice(start, start + ROWS)
        parts.append(_differentiate(network, numbers[rows], None if codes is None else codes[rows], output))
    return Derivatives(
        np.concatenate([part.values for part in parts]),
        np.concatenate([part.gradient for part in parts]),
        np.concatenate([part.hessian for part in parts]),
    )


@dataclass(frozen=True, eq=False)
class _LayerPass:
    """The intermediate results of the forward pass at one layer.

    `entering` is the gradient of the layer's inputs, (n, inputs, d); `slopes` and `curvatures` belong to the edges,
    (n, inputs, subnodes); `arrivals` and `arriving` are the sub-nodes and their gradients.
    """

    layer: Layer
    entering: Floats
    slopes: Floats
    curvatures: Floats
    arrivals: Floats
    arriving: Floats

    @property
    def sums(self) -> int:
        return self.layer.subnodes - 2 * self.layer.products

    def nodes(self) -> tuple[Floats, Floats]:
        """Return values and gradients of the nodes."""
        s, u, v = self.sums, *self.factors()
        du, dv = self.arriving[:, s::2], self.arriving[:, s + 1 :: 2]
        values = np.concatenate([self.arrivals[:, :s], u * v], axis=1)
        gradients = np.concatenate([self.arriving[:, :s], u[..., None] * dv + v[..., None] * du], axis=1)
        return values, gradients

    def factors(self) -> tuple[Floats, Floats]:
        """Return the first and the second factor of every product node."""
        return self.arrivals[:, self.sums :: 2], self.arrivals[:, self.sums + 1 :: 2]

    def backward(self, sensitivity: Floats) -> tuple[Floats, Floats]:
        """Return the sensitivity to the layer's inputs, and the layer's contribution to the Hessian."""
        s, u, v = self.sums, *self.factors()
        at_products = sensitivity[:, s:]
        at_subnodes = np.empty_like(self.arrivals)
        at_subnodes[:, :s] = sensitivity[:, :s]
        at_subnodes[:, s::2] = at_products * v
        at_subnodes[:, s + 1 :: 2] = at_products * u
        bend = np.einsum("nis,ns->ni", self.curvatures, at_subnodes)
        hessian = np.einsum("ni,nia,nib->nab", bend, self.entering, self.entering, optimize=True)
        if self.layer.products:
            du, dv = self.arriving[:, s::2], self.arriving[:, s + 1 :: 2]
            cross = np.einsum("np,npa,npb->nab", at_products, du, dv, optimize=True)
            hessian = hessian + cross + cross.transpose(0, 2, 1)
        return np.einsum("nis,ns->ni", self.slopes, at_subnodes), hessian


def _differentiate(network: Network, numbers: Floats, codes: Integers | None, output: int) -> Derivatives:
    signal = numbers
    entering = np.broadcast_to(np.eye(numbers.shape[1]), (len(numbers), numbers.shape[1], numbers.shape[1]))
    passes: list[_LayerPass] = []
    for layer in network.layers:
        edges = [edge_derivatives(layer, source, signal[:, source]) for source in range(signal.shape[1])]
        empty = np.zeros((len(numbers), 0, layer.subnodes))
        slopes = np.stack([slope for slope, _ in edges], axis=1) if edges else empty
        curvatures = np.stack([bend for _, bend in edges], axis=1) if edges else empty
        arriving = np.matmul(slopes.transpose(0, 2, 1), entering)
        passes.append(
            _LayerPass(layer, entering, slopes, curvatures, layer.arrivals(signal, codes), arriving)
        )
        signal, entering = passes[-1].nodes()
        codes = None
    sensitivity = np.zeros_like(signal)
    sensitivity[:, output] = 1.0
    hessian = np.zeros((len(numbers), numbers.shape[1], numbers.shape[1]))
    for each in reversed(passes):
        sensitivity, part = each.backward(sensitivity)
        hessian += part
    return Derivatives(signal[:, output], sensitivity, hessian)
