"""A network with its link as a differentiable law, and the same law at perturbed parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.derivatives import Derivatives, derivatives
from kanopt.kan.description import Network
from kanopt.surrogates.diagnostics.deviations import Sample
from kanopt.surrogates.encoding import FeatureEncoding

__all__ = ["NetworkSurface", "perturbed_networks", "sample_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Outer = Callable[[Floats], tuple[Floats, Floats, Floats]]


@dataclass(frozen=True, eq=False)
class NetworkSurface:
    """The law ``outer(network)``.

    Parameters
    ----------
    network
        A network with one output.
    outer
        Returns values, slope and curvature of the link at an output, each (n,); None where the output is the target.

    Examples
    --------
    >>> from kanopt.kan.description import Layer
    >>> line = np.array([[[-1.0, 0.0, 1.0, 2.0]]])
    >>> network = Network((Layer(np.zeros(1), np.ones(1), line, (), np.zeros(1)),))
    >>> surface = NetworkSurface(network, lambda f: (np.exp(f), np.exp(f), np.exp(f)))
    >>> found = surface.derivatives(np.zeros((1, 1)), np.zeros((1, 0), dtype=np.int64))
    >>> found.values.item(), found.gradient.item(), found.hessian.item()
    (1.0, 1.0, 1.0)
    """

    network: Network
    outer: Outer | None = None

    def __call__(self, numbers: Floats, codes: Integers) -> Floats:
        """Return the target, shape (n,)."""
        output = self.network(numbers, codes)
        return output if self.outer is None else self.outer(output)[0]

    def derivatives(self, numbers: Floats, codes: Integers) -> Derivatives:
        """Return the target and its derivatives with respect to the encoded numbers."""
        inner = derivatives(self.network, numbers, codes)
        return inner if self.outer is None else inner.compose(*self.outer(inner.values))


def perturbed_networks(
    network: Network, covariance: Floats, *, draws: int = 16, step: float = 0.01
) -> list[Network]:
    """Return the network at parameters drawn from N(θ, step² · covariance).

    Raises
    ------
    ValueError
        If the covariance does not match the parameters of the network.
    """
    flat = network.parameters
    if covariance.shape != (flat.size, flat.size):
        raise ValueError(
            f"the covariance of a network of {flat.size} parameters has shape ({flat.size}, {flat.size}), "
            f"not {covariance.shape}"
        )
    scales, directions = np.linalg.eigh(covariance)
    root = directions * np.sqrt(np.clip(scales, 0.0, None))
    moves = np.random.default_rng(0).normal(size=(draws, flat.size)) @ root.T
    return [_with_parameters(network, flat + step * move) for move in moves]


def _with_parameters(network: Network, flat: Floats) -> Network:
    layers, start = [], 0

    def taken(like: Floats) -> Floats:
        nonlocal start
        start += like.size
        return flat[start - like.size : start].reshape(like.shape)

    for layer in network.layers:
        coefficients, cycles = taken(layer.coefficients), taken(layer.periodic)
        tables = tuple(taken(table) for table in layer.tables)
        layers.append(replace(layer, coefficients=coefficients, cycles=cycles, tables=tables))
    return Network(tuple(layers))


def sample_of(encoding: FeatureEncoding, numbers: Floats, codes: Integers) -> Sample:
    """Return encoded rows as a sample, with the columns in their own units and their derivatives."""
    columns = encoding.numeric
    values = [feature.decode(numbers[:, place]) for place, feature in enumerate(columns)]
    rates = [
        x if feature.log else np.full_like(x, feature.scale)
        for x, feature in zip(values, columns, strict=True)
    ]
    empty = np.zeros((len(numbers), 0))
    return Sample(
        names=tuple(feature.name for feature in columns),
        categories=tuple(feature.name for feature in encoding.categories),
        numbers=numbers,
        codes=codes,
        values=np.column_stack(values) if values else empty,
        slopes=np.column_stack(rates) if rates else empty,
        periodic=np.array([feature.kind == "cycle" for feature in columns], dtype=bool),
    )
