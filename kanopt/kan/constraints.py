"""Shapes held by construction: rising, falling, convex, concave splines, through hidden layers too.

A B-spline takes the shape of its coefficients (variation diminution, de Boor 2001, *A Practical Guide to Splines*,
ch. XI): coefficients that do not decrease make a spline that does not, non-negative second differences a convex one,
and the straight tails go on so. Both are bounds on d where the coefficients c of an edge are written c = T d:

    monotone     c_k = d_0 ± (d_1 + … + d_k),                          d_1, d_2, … ≥ 0
    convex       c_k = d_0 + k d_1 + Σ_j (k − j + 1) d_j,              d_2, d_3, … ≥ 0
    both         the same, counted from the flat end, and              d_1, d_2, … ≥ 0

which an active set holds exactly (:mod:`kanopt.kan.trainer`).

Through hidden layers: every edge that leaves a constrained input has the shape asked of it, and all later edges
increase, so that the sign survives (Daniels and Velikova 2010, *Monotone and partially monotone neural networks*,
IEEE TNN 21). Where convexity is asked they are convex as well: a convex increasing function of a sum of convex
functions is convex, jointly in all of them (Boyd and Vandenberghe 2004, *Convex Optimization*, section 3.2.4). In the
inputs that nothing is asked of, edges of the first layer are free.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanopt.kan.basis import block_diagonal
from kanopt.kan.shape import LayerShape, Shape

__all__ = ["Constraints", "Wanted"]


@dataclass(frozen=True)
class Wanted:
    """What is asked of every numeric input.

    Parameters
    ----------
    signs
        +1 rises, −1 falls, 0 free; one per numeric input, or empty for none.
    bends
        +1 convex, −1 concave, 0 free; one per numeric input, or empty for none. With hidden layers all bends that
        are not 0 must be alike.
    """

    signs: tuple[int, ...] = ()
    bends: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return any(self.signs) or any(self.bends)

    def of_layer(self, index: int, splines: int) -> list[tuple[int, int]]:
        """Return sign and bend of the edges that leave each of the `splines` inputs of a layer."""
        if not self:
            return [(0, 0)] * splines
        if index == 0:
            signs, bends = self.signs or (0,) * splines, self.bends or (0,) * splines
            return list(zip(signs, bends, strict=True))
        bend = next((bend for bend in self.bends if bend), 0)
        return [(1, bend)] * splines


@dataclass(frozen=True)
class Constraints:
    """Coefficients θ = T d with some d ≥ 0.

    Attributes
    ----------
    transform
        T, shape (parameters, parameters).
    inverse
        T⁻¹.
    bounded
        Which d must be ≥ 0, shape (parameters,).

    Examples
    --------
    >>> rising = Constraints.of(Shape(numbers=1, grid_size=2), Wanted(signs=(1,)))
    >>> rising.project(torch.tensor([[0.0, 1.0, 0.0, 2.0, 3.0]], dtype=torch.float64)).tolist()
    [[0.0, 1.0, 1.0, 3.0, 4.0]]
    """

    transform: Tensor
    inverse: Tensor
    bounded: Tensor

    @classmethod
    def of(cls, shape: Shape, wanted: Wanted, device: torch.device | None = None) -> Constraints | None:
        """Build them; None where nothing is asked.

        Raises
        ------
        ValueError
            With product nodes, whose shape does not follow from that of their factors, and for different bends
            through hidden layers.
        """
        if not wanted:
            return None
        if any(shape.products):
            raise ValueError("a product node keeps no shape: use hidden nodes that add")
        if shape.hidden and len({bend for bend in wanted.bends if bend}) > 1:
            raise ValueError(
                "convex in one input and concave in another cannot be held through hidden layers"
            )
        blocks, bounded = [], []
        for index, layer in enumerate(shape.layers):
            for sign, bend in wanted.of_layer(index, layer.splines):
                block, bound = _edge_block(layer, sign, bend)
                blocks.append(block)
                bounded.append(bound)
            size = (layer.width - layer.splines * layer.basis_size) * layer.subnodes
            blocks.append(torch.eye(size, dtype=torch.float64))
            bounded.append(torch.zeros(size, dtype=torch.bool))
        transform = block_diagonal(blocks)
        inverse = torch.linalg.inv(transform)
        return cls(transform.to(device), inverse.to(device), torch.cat(bounded).to(device))

    def project(self, theta: Tensor) -> Tensor:
        """Return coefficients near `theta` (M, parameters), in d, that obey the bounds."""
        return self.bound(theta @ self.inverse.T) @ self.transform.T

    def bound(self, free: Tensor) -> Tensor:
        """Clip the bounded d at zero."""
        return torch.where(self.bounded, free.clamp(min=0.0), free)


def _edge_block(layer: LayerShape, sign: int, bend: int) -> tuple[Tensor, Tensor]:
    """Return T and the bounded d of all edges that leave one input."""
    size = layer.basis_size
    place = torch.arange(size, dtype=torch.float64)
    bound = place >= 1
    if bend:
        # A curve that flattens out towards its right end is built from there.
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
    subnodes = torch.eye(layer.subnodes, dtype=torch.float64)
    return torch.kron(step, subnodes), bound.repeat_interleave(layer.subnodes)
