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
from functools import cached_property

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture
from kanopt.kan.basis import block_diagonal

__all__ = ["ConstrainedCoefficients", "ShapeConstraints"]


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
        """Build the parameterisation; None without constraints.

        Raises
        ------
        ValueError
            With product nodes, whose shape does not follow from that of their factors, and for convex beside concave
            inputs with hidden layers.
        """
        if not wanted:
            return None
        if any(shape.products):
            raise ValueError("a product node keeps no shape: use hidden nodes that add")
        if shape.hidden and len({bend for bend in wanted.convexity if bend}) > 1:
            raise ValueError(
                "convex in one input and concave in another cannot be held through hidden layers"
            )
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

    @cached_property
    def transform(self) -> Tensor:
        """T as one matrix, shape (parameters, parameters); for the covariance of a single network."""
        return self._dense(self.transforms)

    @cached_property
    def inverse(self) -> Tensor:
        """T⁻¹ as one matrix."""
        return self._dense(self.inverses)

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

    def _dense(self, matrices: tuple[Tensor, ...]) -> Tensor:
        blocks = []
        for layer, edges in zip(self.architecture.layers, matrices, strict=True):
            subnodes = torch.eye(layer.subnodes).to(edges)
            blocks += [torch.kron(edge.contiguous(), subnodes) for edge in edges]
            free = (layer.width - layer.splines * layer.basis_size) * layer.subnodes
            blocks.append(torch.eye(free).to(edges))
        return block_diagonal(blocks)


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
