"""The penalty of networks too large for a parameters × parameters matrix.

The penalty is block diagonal over the edges. So S θ is computed layer by layer as products of one small matrix per
input with the coefficients of all its outgoing edges; the full matrix of :class:`kanopt.kan.penalty.Penalty` is never
formed. Constraints are applied in the same way for networks of any size (:mod:`kanopt.kan.constraints`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture, LayerArchitecture
from kanopt.kan.basis import periodic_roughness, roughness

__all__ = ["EdgePenalty"]


@dataclass(frozen=True)
class EdgePenalty:
    """The operator S of ½ θᵀ S θ = ½ W (Σ_g λ_g θᵀ S_g θ + ρ θᵀθ); see :class:`kanopt.kan.penalty.Penalty`.

    Parameters
    ----------
    architecture
        Sizes of the networks.
    smoothing
        λ of every group (every input of the first layer, then every later layer), followed by the ridge ρ; shape
        (M, groups + 1).
    total_weight
        W, the sum of the row weights.

    Examples
    --------
    >>> from kanopt.kan.penalty import Penalty
    >>> shape = Architecture(2, categories=(3,), hidden=(2,))
    >>> smoothing = torch.rand(1, 5, dtype=torch.float64)
    >>> theta = torch.rand(1, shape.parameters, dtype=torch.float64)
    >>> matrix = Penalty.of(shape).matrices(smoothing, 7.0)
    >>> bool(torch.allclose(EdgePenalty(shape, smoothing, 7.0).times(theta), theta @ matrix[0]))
    True
    """

    architecture: Architecture
    smoothing: Tensor
    total_weight: float

    def __post_init__(self) -> None:
        layers = self.architecture.layers
        groups = len(layers[0].widths) + len(layers) - 1
        if self.smoothing.ndim != 2 or self.smoothing.shape[1] != groups + 1:
            raise ValueError(
                f"smoothing has shape {tuple(self.smoothing.shape)}, not (models, {groups + 1}): one weight for each "
                f"of {groups} groups, and the ridge"
            )

    def times(self, theta: Tensor) -> Tensor:
        """Return S θ, shape and type of `theta` (M, parameters)."""
        smoothing = self.smoothing.to(theta)
        parts, group = [], 0
        for index, (layer, block) in enumerate(
            zip(self.architecture.layers, self.architecture.split(theta), strict=True)
        ):
            pieces = torch.split(block, list(layer.widths), dim=1)
            if index == 0:
                bent = [
                    _roughness(layer, place).to(theta) @ piece * smoothing[:, place, None, None]
                    for place, piece in enumerate(pieces)
                ]
                parts.append(torch.cat(bent, dim=1).flatten(1))
                group = len(pieces)
            else:
                splines = torch.unflatten(block, 1, (layer.splines, layer.basis_size))
                bent_all = torch.matmul(_roughness(layer, 0).to(theta), splines)
                parts.append(bent_all.flatten(1) * smoothing[:, group, None])
                group += 1
        total: Tensor = torch.cat(parts, dim=1).addcmul_(theta, smoothing[:, -1:]).mul_(self.total_weight)
        return total

    def matrix(self, index: int, like: Tensor) -> Tensor:
        """Return the block of S for the edges into one node after layer `index`, (M, width, width)."""
        layer, first = self.architecture.layers[index], self.architecture.layers[0]
        smoothing = self.smoothing.to(like)
        later = len(first.widths) + index - 1
        matrix = like.new_zeros(len(smoothing), layer.width, layer.width)
        for place, (start, width) in enumerate(zip(layer.firsts, layer.widths, strict=True)):
            weight = smoothing[:, place if index == 0 else later, None, None]
            part = slice(start, start + width)
            matrix[:, part, part] = weight * _roughness(layer, place).to(like)
        matrix.diagonal(dim1=1, dim2=2).add_(smoothing[:, -1:])
        return matrix.mul_(self.total_weight)

    def for_models(self, index: Tensor) -> EdgePenalty:
        """Return the operators of the networks at `index`."""
        return replace(self, smoothing=self.smoothing[index])


def _roughness(layer: LayerArchitecture, place: int) -> Tensor:
    """Return S_g of one edge of the input at index `place`."""
    if place < layer.splines:
        return _matrix("spline", layer.grid_size)
    if place < layer.splines + layer.cycles:
        return _matrix("cycle", layer.grid_size)
    return _matrix("table", layer.widths[place])


@cache
def _matrix(kind: str, size: int) -> Tensor:
    if kind == "spline":
        return roughness(size)
    return periodic_roughness(size) if kind == "cycle" else torch.eye(size, dtype=torch.float64)
