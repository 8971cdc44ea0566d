"""Penalty and constraints for networks too large for a parameters × parameters matrix.

Both act within one edge at a time. So S θ, and θ = T d, are worked out layer by layer as products of one small matrix
per input with the coefficients of all edges that leave it; what :class:`kanopt.kan.penalty.Penalty` and
:class:`kanopt.kan.constraints.Constraints` hold as one matrix is never formed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from kanopt.kan.basis import cyclic_roughness, roughness
from kanopt.kan.constraints import Constraints, Wanted
from kanopt.kan.shape import LayerShape, Shape

__all__ = ["EdgeConstraints", "EdgePenalty"]


@dataclass(frozen=True)
class EdgePenalty:
    """The operator S of ½ θᵀ S θ = ½ W (Σ_g λ_g θᵀ S_g θ + ρ θᵀθ); see :class:`kanopt.kan.penalty.Penalty`.

    Parameters
    ----------
    shape
        Sizes of the networks.
    smoothing
        λ of every group (every input of the first layer, then every later layer) and, last, the ridge ρ; shape
        (M, groups + 1).
    total_weight
        W, the sum of the row weights.

    Examples
    --------
    >>> from kanopt.kan.penalty import Penalty
    >>> shape = Shape(2, categories=(3,), hidden=(2,))
    >>> smoothing = torch.rand(1, 5, dtype=torch.float64)
    >>> theta = torch.rand(1, shape.parameters, dtype=torch.float64)
    >>> matrix = Penalty.of(shape).weighted(smoothing, 7.0)
    >>> bool(torch.allclose(EdgePenalty(shape, smoothing, 7.0).times(theta), theta @ matrix[0]))
    True
    """

    shape: Shape
    smoothing: Tensor
    total_weight: float

    def __post_init__(self) -> None:
        layers = self.shape.layers
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
            zip(self.shape.layers, split_blocks(self.shape, theta), strict=True)
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
        """Return the part of S on the edges into any one node after layer `index`, (M, width, width)."""
        layer, first = self.shape.layers[index], self.shape.layers[0]
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


def _roughness(layer: LayerShape, place: int) -> Tensor:
    """Return S_g of one edge that leaves the input at `place`."""
    if place < layer.splines:
        return _matrix("spline", layer.grid_size)
    if place < layer.splines + layer.cycles:
        return _matrix("cycle", layer.grid_size)
    return _matrix("table", layer.widths[place])


@cache
def _matrix(kind: str, size: int) -> Tensor:
    if kind == "spline":
        return roughness(size)
    return cyclic_roughness(size) if kind == "cycle" else torch.eye(size, dtype=torch.float64)


@dataclass(frozen=True)
class EdgeConstraints:
    """Coefficients θ = T d with some d ≥ 0, edge by edge; see :class:`kanopt.kan.constraints.Constraints`.

    Attributes
    ----------
    shape
        Sizes of the networks.
    transform, inverse
        Per layer T and T⁻¹ of the splines that leave every input, (splines, basis_size, basis_size).
    bounded
        Which d must be ≥ 0, shape (parameters,).
    """

    shape: Shape
    transform: tuple[Tensor, ...]
    inverse: tuple[Tensor, ...]
    bounded: Tensor

    @classmethod
    def of(cls, shape: Shape, wanted: Wanted, device: torch.device | None = None) -> EdgeConstraints | None:
        """Build them; None where nothing is asked.

        Raises
        ------
        ValueError
            As :meth:`Constraints.of`.
        """
        products = tuple(min(some, 1) for some in shape.products)
        small = replace(shape, hidden=(1,) * len(shape.hidden), products=products, outputs=1)
        if Constraints.of(small, wanted) is None:  # refuses what cannot be held
            return None
        transforms, inverses, bounded = [], [], []
        for index, layer in enumerate(shape.layers):
            edges = [
                _edge(layer.grid_size, sign, bend) for sign, bend in wanted.of_layer(index, layer.splines)
            ]
            size = layer.basis_size
            zero = torch.zeros(0, size, size, dtype=torch.float64)
            transforms.append(torch.stack([edge.transform for edge in edges]) if edges else zero)
            inverses.append(torch.stack([edge.inverse for edge in edges]) if edges else zero)
            free = torch.zeros(layer.width - size * layer.splines, dtype=torch.bool)
            bound = torch.cat([*(edge.bounded for edge in edges), free])
            bounded.append(bound.repeat_interleave(layer.subnodes))
        move = [tensor.to(device) for tensor in (*transforms, *inverses)]
        half = len(transforms)
        return cls(shape, tuple(move[:half]), tuple(move[half:]), torch.cat(bounded).to(device))

    def coefficients(self, free: Tensor) -> Tensor:
        """Return θ = T d, shape of `free` (M, parameters)."""
        return self._apply(self.transform, free)

    def variables(self, theta: Tensor) -> Tensor:
        """Return d = T⁻¹ θ."""
        return self._apply(self.inverse, theta)

    def pull(self, gradient: Tensor) -> Tensor:
        """Return the gradient by d, Tᵀ times the gradient by θ."""
        return self._apply(tuple(matrix.transpose(1, 2) for matrix in self.transform), gradient)

    def push(self, gradient: Tensor) -> Tensor:
        """Return the gradient by θ of a gradient by d, T⁻ᵀ times it."""
        return self._apply(tuple(matrix.transpose(1, 2) for matrix in self.inverse), gradient)

    def bound(self, free: Tensor) -> Tensor:
        """Clip the bounded d at zero."""
        return torch.where(self.bounded, free.clamp(min=0.0), free)

    def project(self, theta: Tensor) -> Tensor:
        """Return coefficients near `theta` that obey the bounds."""
        return self.coefficients(self.bound(self.variables(theta)))

    def _apply(self, matrices: tuple[Tensor, ...], vectors: Tensor) -> Tensor:
        parts = []
        blocks = split_blocks(self.shape, vectors)
        for layer, matrix, block in zip(self.shape.layers, matrices, blocks, strict=True):
            size = layer.splines * layer.basis_size
            splines = torch.unflatten(block[:, :size], 1, (layer.splines, layer.basis_size))
            parts.append(torch.matmul(matrix.to(vectors), splines).flatten(1))
            parts.append(block[:, size:].flatten(1))
        return torch.cat(parts, dim=1)


def _edge(grid_size: int, sign: int, bend: int) -> Constraints:
    """Return the constraints of a single edge."""
    alone = Shape(numbers=1, grid_size=grid_size)
    found = Constraints.of(alone, Wanted((sign,), (bend,)))
    if found is not None:
        return found
    identity = torch.eye(grid_size + 3, dtype=torch.float64)
    return Constraints(identity, identity, torch.zeros(grid_size + 3, dtype=torch.bool))


def split_blocks(shape: Shape, vectors: Tensor) -> list[Tensor]:
    """Cut vectors over all coefficients (M, parameters) into one block (M, width, subnodes) per layer."""
    return [
        part.reshape(len(vectors), layer.width, layer.subnodes)
        for part, layer in zip(
            torch.split(vectors, [layer.parameters for layer in shape.layers], dim=1),
            shape.layers,
            strict=True,
        )
    ]
