"""What keeps a network smooth and what keeps it monotone: quadratic penalties and signed increments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kanopt.kan.basis import block_diagonal, roughness
from kanopt.kan.network import LayerShape, Shape

__all__ = ["Increments", "Penalty"]


@dataclass(frozen=True)
class Penalty:
    """½ W (Σ_g λ_g θᵀ S_g θ + ρ θᵀθ), W being the sum of the row weights.

    A group g is everything that leaves one feature of the first layer, or everything in one later layer.
    For splines S_g is the integrated squared second derivative (:func:`kanopt.kan.basis.roughness`), for a
    table the identity, which shrinks rare categories towards the mean of all. The groups do not overlap.

    Attributes
    ----------
    matrix
        All S_g together, shape (parameters, parameters).
    vectors, values
        Its eigenvectors (parameters, parameters), edge by edge, and eigenvalues (parameters,): exact zeros
        for what is not penalised. In these directions the penalty is diagonal.
    group
        Group of every parameter, shape (parameters,).
    groups
        Number of groups.
    """

    matrix: Tensor
    vectors: Tensor
    values: Tensor
    group: Tensor
    groups: int

    @classmethod
    def of(cls, shape: Shape, device: torch.device | None = None) -> Penalty:
        """Build the penalty of a shape."""
        vectors: list[Tensor] = []
        values: list[Tensor] = []
        group: list[Tensor] = []
        count = 0
        for index, layer in enumerate(shape.layers):
            bend, directions = _spline_directions(layer)
            size = layer.basis_size * layer.outputs
            for _ in range(layer.splines):
                values.append(bend)
                vectors.append(directions)
                group.append(torch.full((size,), count))
                count += 1 if index == 0 else 0
            for categories in layer.tables:
                size = categories * layer.outputs
                values.append(torch.ones(size, dtype=torch.float64))
                vectors.append(torch.eye(size, dtype=torch.float64))
                group.append(torch.full((size,), count))
                count += 1
            count += 0 if index == 0 else 1
        basis, scale = block_diagonal(vectors).to(device), torch.cat(values).to(device)
        matrix = (basis * scale) @ basis.T
        return cls(matrix, basis, scale, torch.cat(group).to(device), count)

    def weighted(self, smoothing: Tensor, total_weight: float | Tensor) -> Tensor:
        """Return the penalty matrices, shape (M, parameters, parameters).

        Parameters
        ----------
        smoothing
            λ of every group and, last, the ridge ρ; shape (M, groups + 1).
        total_weight
            W, a number or shape (M, 1, 1).
        """
        by_parameter = smoothing[:, self.group].unsqueeze(-1)
        matrix = self.matrix * by_parameter
        matrix.diagonal(dim1=-2, dim2=-1).add_(smoothing[:, -1:])
        return matrix * total_weight


def _spline_directions(layer: LayerShape) -> tuple[Tensor, Tensor]:
    """Return eigenvalues and eigenvectors of the roughness of all edges that leave one input."""
    values, vectors = torch.linalg.eigh(roughness(layer.grid_size))
    # Rounding would decide on the two directions of eigenvalue zero: take the constant and the line.
    line = torch.linspace(-1.0, 1.0, layer.basis_size, dtype=torch.float64)
    vectors[:, :2] = torch.stack([torch.ones_like(line), line], dim=1)
    vectors[:, :2] /= vectors[:, :2].norm(dim=0)
    values[:2] = 0.0
    outputs = torch.eye(layer.outputs, dtype=torch.float64)
    return values.repeat_interleave(layer.outputs), torch.kron(vectors.contiguous(), outputs)


@dataclass(frozen=True)
class Increments:
    """Monotone splines by parameterisation: θ = T d, with d_k ≥ 0 for the increments.

    A B-spline whose coefficients do not decrease does not decrease (de Boor 2001, ch. XI, variation
    diminution), and neither do its linear tails. With c_0 = d_0 and c_k = c_0 ± (d_1 + … + d_k) the
    constraint becomes a bound on d, which an active set holds exactly. Every edge that a signed feature feeds
    has its sign, and every edge of the later layers increases, so the sign survives to the output (Daniels
    and Velikova 2010, *Monotone and partially monotone neural networks*, IEEE TNN 21).

    Attributes
    ----------
    transform
        T, shape (parameters, parameters).
    inverse
        T⁻¹.
    bounded
        Which d must be ≥ 0, shape (parameters,).
    """

    transform: Tensor
    inverse: Tensor
    bounded: Tensor

    @classmethod
    def of(cls, shape: Shape, signs: Sequence[int], device: torch.device | None = None) -> Increments | None:
        """Build it from one sign (−1, 0, +1) per numeric feature; None where no sign is set."""
        if not any(signs):
            return None
        blocks, bounded = [], []
        for index, layer in enumerate(shape.layers):
            layer_signs = list(signs) if index == 0 else [1] * layer.splines
            for sign in layer_signs:
                block, bound = _edge_block(layer, sign)
                blocks.append(block)
                bounded.append(bound)
            size = sum(layer.tables) * layer.outputs
            blocks.append(torch.eye(size, dtype=torch.float64))
            bounded.append(torch.zeros(size, dtype=torch.bool))
        transform = block_diagonal(blocks)
        inverse = torch.linalg.inv(transform)
        return cls(transform.to(device), inverse.to(device), torch.cat(bounded).to(device))

    def project(self, theta: Tensor) -> Tensor:
        """Return the coefficients nearest in increments that obey the signs; shape of `theta`."""
        increments = theta @ self.inverse.T
        return self.bound(increments) @ self.transform.T

    def bound(self, increments: Tensor) -> Tensor:
        """Clip the bounded increments at zero."""
        return torch.where(self.bounded, increments.clamp(min=0.0), increments)


def _edge_block(layer: LayerShape, sign: int) -> tuple[Tensor, Tensor]:
    size = layer.basis_size
    if sign == 0:
        step = torch.eye(size, dtype=torch.float64)
    else:
        step = torch.tril(torch.ones(size, size, dtype=torch.float64)) * float(sign)
        step[:, 0] = 1.0
    bound = torch.full((size,), sign != 0)
    bound[0] = False
    outputs = torch.eye(layer.outputs, dtype=torch.float64)
    return torch.kron(step, outputs), bound.repeat_interleave(layer.outputs)
