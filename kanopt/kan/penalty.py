"""Quadratic penalties on the roughness of a network's edges."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture, LayerArchitecture
from kanopt.kan.basis import block_diagonal, periodic_roughness, roughness

__all__ = ["Penalty", "with_identity_rows"]


@dataclass(frozen=True)
class Penalty:
    """½ W (Σ_g λ_g θᵀ S_g θ + ρ θᵀθ), W being the sum of the row weights.

    A group g consists of all edges of one input of the first layer, or of all edges of one later layer. For splines
    S_g is the integrated squared second derivative (:func:`kanopt.kan.basis.roughness`), for a table the identity,
    which shrinks rare categories towards the overall mean. The groups do not overlap.

    Attributes
    ----------
    matrix
        The sum of all S_g, shape (parameters, parameters).
    vectors, values
        Its eigenvectors (parameters, parameters), edge by edge, and eigenvalues (parameters,), which are exactly zero
        for unpenalised directions. In this basis the penalty is diagonal.
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
    @lru_cache(maxsize=4)
    def of(cls, shape: Architecture, device: torch.device | None = None) -> Penalty:
        """Build the penalty of an architecture; those of the last few are kept, as training asks for one every turn."""
        vectors: list[Tensor] = []
        values: list[Tensor] = []
        group: list[Tensor] = []
        count = 0
        for index, layer in enumerate(shape.layers):
            for bend, directions in _directions(layer):
                values.append(bend)
                vectors.append(directions)
                group.append(torch.full((len(bend),), count))
                count += 1 if index == 0 else 0
            count += 0 if index == 0 else 1
        basis, scale = block_diagonal(vectors).to(device), torch.cat(values).to(device)
        matrix = (basis * scale) @ basis.T
        return cls(matrix, basis, scale, torch.cat(group).to(device), count)

    def matrices(self, smoothing: Tensor, total_weight: float, active: Tensor | None = None) -> Tensor:
        """Return the penalty matrices, shape (M, parameters, parameters).

        Parameters
        ----------
        smoothing
            λ of every group, followed by the ridge ρ; shape (M, groups + 1).
        total_weight
            W.
        active
            Mask of the active coefficients, (M, parameters); the others are zero, and get a penalty that keeps the
            equations solvable without any other effect.
        """
        matrix = self.matrix * smoothing[:, self.group].unsqueeze(-1)
        matrix.diagonal(dim1=-2, dim2=-1).add_(smoothing[:, -1:])
        matrix *= total_weight
        return matrix if active is None else with_identity_rows(matrix, active)


def with_identity_rows(matrix: Tensor, active: Tensor) -> Tensor:
    """Return matrices (M, P, P) in which rows and columns of inactive coefficients are those of the identity."""
    matrix = matrix * (active.unsqueeze(1) & active.unsqueeze(2))
    matrix.diagonal(dim1=-2, dim2=-1).add_((~active).to(matrix.dtype))
    return matrix


def _directions(layer: LayerArchitecture) -> list[tuple[Tensor, Tensor]]:
    """Return, per input, eigenvalues and eigenvectors of the penalty on all its outgoing edges."""
    subnodes = torch.eye(layer.subnodes, dtype=torch.float64)

    def spread(values: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        return values.repeat_interleave(layer.subnodes), torch.kron(vectors.contiguous(), subnodes)

    parts = [spread(*_spline_directions(layer.basis_size))] * layer.splines
    if layer.cycles:
        parts += [spread(*_cycle_directions(layer.grid_size))] * layer.cycles
    for categories in layer.tables:
        size = categories * layer.subnodes
        parts.append((torch.ones(size, dtype=torch.float64), torch.eye(size, dtype=torch.float64)))
    return parts


def _spline_directions(basis_size: int) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(roughness(basis_size - 3))
    # The null space would depend on rounding: use the constant and the linear function as its basis.
    line = torch.linspace(-1.0, 1.0, basis_size, dtype=torch.float64)
    vectors[:, :2] = torch.stack([torch.ones_like(line), line], dim=1)
    vectors[:, :2] /= vectors[:, :2].norm(dim=0)
    values[:2] = 0.0
    return values, vectors


def _cycle_directions(grid_size: int) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(periodic_roughness(grid_size))
    vectors[:, 0] = grid_size**-0.5
    values[0] = 0.0
    return values.clamp(min=0.0), vectors
