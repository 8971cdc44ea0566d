"""Shape constraints by parameterisation: increasing, decreasing, convex and concave splines, through hidden layers too.

A B-spline takes the shape of its coefficients (variation diminution, de Boor 2001, *A Practical Guide to Splines*,
ch. XI): non-decreasing coefficients give a non-decreasing spline, non-negative second differences a convex one, and the
linear tails keep the shape. Both become bounds on d when the coefficients c of an edge are written c = T d:

    monotone     c_k = d_0 ± (d_1 + … + d_k),                          d_1, d_2, … ≥ 0
    convex       c_k = d_0 + k d_1 + Σ_j (k − j + 1) d_j,              d_2, d_3, … ≥ 0
    both         the same, counted from the flat end, and              d_1, d_2, … ≥ 0

which an active set enforces exactly (:mod:`kanopt.kan.trainer`). T is block diagonal over the edges, so θ = T d is
computed layer by layer, as products of one small matrix per input with the coefficients of all its outgoing edges.

Through hidden layers: every edge that leaves a constrained input has the requested shape, and all later edges are
increasing, which preserves the sign (Daniels and Velikova 2010, *Monotone and partially monotone neural networks*,
IEEE TNN 21). For convexity later edges are convex as well: a convex increasing function of a sum of convex functions is
convex, jointly in all of them (Boyd and Vandenberghe 2004, *Convex Optimization*, section 3.2.4). First-layer edges of
unconstrained inputs are free.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture, LayerArchitecture
from kanopt.kan.basis import block_diagonal, periodic_roughness, roughness


@dataclass(frozen=True)
class ShapeConstraints:
    """The shape constraints of every numeric input.

    Parameters
    ----------
    monotonic
        +1 increasing, −1 decreasing, 0 free; one per numeric input, or empty for no constraint.
    convexity
        +1 convex, −1 concave, 0 free; one per numeric input, or empty for no constraint. With hidden layers all
        non-zero entries must be equal.
    """

    monotonic: tuple[int, ...] = ()
    convexity: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return any(self.monotonic) or any(self.convexity)

    def of_layer(self, index: int, splines: int) -> list[tuple[int, int]]:
        """Return the signs of slope and curvature of the edges leaving each of the `splines` inputs of a layer."""
        if not self:
            return [(0, 0)] * splines
        if index == 0:
            signs, bends = self.monotonic or (0,) * splines, self.convexity or (0,) * splines
            return list(zip(signs, bends, strict=True))
        bend = next((bend for bend in self.convexity if bend), 0)
        return [(1, bend)] * splines


@dataclass(frozen=True)
class ConstrainedCoefficients:
    """The parameterisation θ = T d with some d ≥ 0.

    Attributes
    ----------
    architecture
        Sizes of the networks.
    transforms, inverses
        Per layer, T and T⁻¹ of the splines of every input, (splines, basis_size, basis_size).
    bounded
        Mask of the d that must be ≥ 0, shape (parameters,).

    Examples
    --------
    >>> rising = ConstrainedCoefficients.of(Architecture(numbers=1, grid_size=2), ShapeConstraints(monotonic=(1,)))
    >>> rising.project(torch.tensor([[0.0, 1.0, 0.0, 2.0, 3.0]], dtype=torch.float64)).tolist()
    [[0.0, 1.0, 1.0, 3.0, 4.0]]
    """

    architecture: Architecture
    transforms: tuple[Tensor, ...]
    inverses: tuple[Tensor, ...]
    bounded: Tensor

    @classmethod
    def of(
        cls, shape: Architecture, wanted: ShapeConstraints, device: torch.device | None = None
    ) -> ConstrainedCoefficients | None:
        """Build the parameterisation, of a network without product nodes; None without constraints."""
        if not wanted:
            return None
        transforms, bounded = [], []
        for index, layer in enumerate(shape.layers):
            size = layer.basis_size
            edges = [_edge(size, sign, bend) for sign, bend in wanted.of_layer(index, layer.splines)]
            none = torch.zeros(0, size, size, dtype=torch.float64)
            transforms.append(torch.stack([step for step, _ in edges]) if edges else none)
            free = torch.zeros(layer.width - size * layer.splines, dtype=torch.bool)
            bounded.append(
                torch.cat([*(bound for _, bound in edges), free]).repeat_interleave(layer.subnodes)
            )
        inverses = tuple(torch.linalg.inv(step).to(device) for step in transforms)
        return cls(
            shape, tuple(step.to(device) for step in transforms), inverses, torch.cat(bounded).to(device)
        )

    def coefficients(self, free: Tensor) -> Tensor:
        """Return θ = T d, shape of `free` (M, parameters)."""
        return self._times(self.transforms, free.unsqueeze(-1)).squeeze(-1)

    def variables(self, theta: Tensor) -> Tensor:
        """Return d = T⁻¹ θ."""
        return self._times(self.inverses, theta.unsqueeze(-1)).squeeze(-1)

    def gradient_to_free(self, gradient: Tensor) -> Tensor:
        """Return the gradient with respect to d, Tᵀ times the gradient with respect to θ."""
        return self._times(_transposed(self.transforms), gradient.unsqueeze(-1)).squeeze(-1)

    def hessian_to_free(self, hessian: Tensor) -> Tensor:
        """Return the Hessian with respect to d, Tᵀ H T for a symmetric H (M, parameters, parameters)."""
        matrices = _transposed(self.transforms)
        return self._times(matrices, self._times(matrices, hessian).transpose(1, 2))

    def clip(self, free: Tensor) -> Tensor:
        """Clip the bounded d at zero."""
        return torch.where(self.bounded, free.clamp(min=0.0), free)

    def project(self, theta: Tensor) -> Tensor:
        """Return coefficients near `theta` (M, parameters) whose d satisfy the bounds."""
        return self.coefficients(self.clip(self.variables(theta)))

    def _times(self, matrices: tuple[Tensor, ...], columns: Tensor) -> Tensor:
        """Return the product of one small matrix per input with `columns` (M, parameters, count)."""
        parts = []
        sizes = [layer.parameters for layer in self.architecture.layers]
        blocks = torch.split(columns, sizes, dim=1)
        for layer, matrix, block in zip(self.architecture.layers, matrices, blocks, strict=True):
            # Sub-nodes and columns are laid side by side, for one wide product per input.
            size, wide = layer.basis_size, layer.subnodes * columns.shape[-1]
            end = layer.splines * size * layer.subnodes
            splines = block[:, :end].reshape(len(block), layer.splines, size, wide)
            product = torch.matmul(matrix.to(columns), splines)
            parts += [product.reshape(len(block), end, columns.shape[-1]), block[:, end:]]
        return torch.cat(parts, dim=1)


def _edge(size: int, sign: int, bend: int) -> tuple[Tensor, Tensor]:
    """Return T (size, size) of one edge, and the mask (size,) of its bounded d."""
    place = torch.arange(size, dtype=torch.float64)
    bound = place >= 1
    if bend:
        # A curve that flattens out towards its right end is parameterised from that end.
        ramp = place if sign * bend >= 0 else place.flip(0)
        step = bend * (ramp[:, None] - place[None, :] + 1.0).clamp(min=0.0)
        step[:, 1] = bend * ramp
        bound = bound if sign else place >= 2
    elif sign:
        step = torch.tril(torch.ones(size, size, dtype=torch.float64)) * float(sign)
    else:
        step = torch.eye(size, dtype=torch.float64)
        bound = torch.zeros(size, dtype=torch.bool)
    if sign or bend:
        step[:, 0] = 1.0
    return step, bound


def _transposed(matrices: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(matrix.transpose(1, 2) for matrix in matrices)


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
