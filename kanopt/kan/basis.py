"""A local cubic B-spline basis on a uniform grid, with linear extrapolation, in torch.

A spline on [lower, upper] with ``grid_size`` equal intervals has ``grid_size + 3`` coefficients. At any
point only four of its basis functions differ from zero, and they are known polynomials
(:mod:`kanopt.kan.cubic`), so no recursion over the spline order is needed. Outside the range the spline goes
on along its tangent: a law must not explode one step beyond its data.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kanopt.kan import cubic

__all__ = ["block_diagonal", "dense_basis", "local_basis", "refine", "roughness"]


def local_basis(
    x: Tensor, lower: Tensor, upper: Tensor, grid_size: int, derivative: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the index of the first non-zero basis function, and the four values.

    Parameters
    ----------
    x
        Points, any shape; `lower` and `upper` broadcast against it.
    grid_size
        Number of equal intervals between `lower` and `upper`.
    derivative
        0, 1 or 2: the order of the derivative with respect to `x`.

    Returns
    -------
    first : Tensor of int64, shape of `x`
    weights : Tensor, shape of `x` + (4,)

    Examples
    --------
    >>> zero, one = torch.zeros(1), torch.ones(1)
    >>> first, weights = local_basis(torch.tensor([0.5, 1.5]), zero, one, grid_size=4)
    >>> first.tolist(), weights.sum(-1).tolist()
    ([2, 3], [1.0, 1.0])
    """
    per_unit = grid_size / (upper - lower)
    position = (x - lower) * per_unit
    inside = position.clamp(0.0, float(grid_size))
    first = inside.floor().clamp(max=grid_size - 1)
    u = inside - first
    if derivative == 0:
        beyond = (position - inside).unsqueeze(-1)
        weights = torch.stack(cubic.values(u), dim=-1)
        weights = weights + beyond * torch.stack(cubic.slopes(u), dim=-1)
    elif derivative == 1:
        weights = torch.stack(cubic.slopes(u), dim=-1) * per_unit.unsqueeze(-1)
    elif derivative == 2:
        straight = (position != inside).unsqueeze(-1)
        weights = torch.stack(cubic.curvatures(u), dim=-1) * per_unit.unsqueeze(-1) ** 2
        weights = weights.masked_fill(straight, 0.0)
    else:
        raise ValueError(f"derivative must be 0, 1 or 2, not {derivative!r}")
    return first.to(torch.int64), weights


def dense_basis(x: Tensor, lower: Tensor, upper: Tensor, grid_size: int, derivative: int = 0) -> Tensor:
    """Return all ``grid_size + 3`` basis functions at `x`, shape of `x` + (grid_size + 3,)."""
    first, weights = local_basis(x, lower, upper, grid_size, derivative)
    index = first.unsqueeze(-1) + torch.arange(4, device=x.device)
    basis = weights.new_zeros(*weights.shape[:-1], grid_size + 3)
    return basis.scatter_(-1, index, weights)


def roughness(grid_size: int) -> Tensor:
    """Return R with ``c @ R @ c`` = ∫ f″(z)² dz over z = (x − lower) / (upper − lower) in [0, 1].

    f″ is linear on every cell, with the second differences of the coefficients at the knots, so the
    integral is exact (Wood 2017, *P-splines with derivative based penalties*, Stat. Comput. 27). Straight
    lines are not penalised; in units of the range the weight keeps its meaning when the grid is refined.

    Returns
    -------
    Tensor of float64, shape (grid_size + 3, grid_size + 3)

    Examples
    --------
    >>> R = roughness(5)
    >>> line = torch.arange(8, dtype=torch.float64)
    >>> bool((line @ R @ line).abs() < 1e-9)
    True
    """
    left = torch.tensor([1.0, -2.0, 1.0, 0.0], dtype=torch.float64)
    right = torch.tensor([0.0, 1.0, -2.0, 1.0], dtype=torch.float64)
    cell = (torch.outer(left, left) + torch.outer(right, right)) / 3.0
    cell += (torch.outer(left, right) + torch.outer(right, left)) / 6.0
    total = torch.zeros(grid_size + 3, grid_size + 3, dtype=torch.float64)
    for start in range(grid_size):
        total[start : start + 4, start : start + 4] += cell
    return total * float(grid_size) ** 3


def refine(coefficients: Tensor) -> Tensor:
    """Return the coefficients of the same spline on a grid twice as fine.

    Knot doubling by the subdivision mask of the uniform cubic B-spline, (1, 4, 6, 4, 1) / 8 (Lane and
    Riesenfeld 1980). The spline is reproduced exactly, and increments that were non-negative stay so.

    Parameters
    ----------
    coefficients
        Shape (..., grid_size + 3).

    Returns
    -------
    Tensor, shape (..., 2 grid_size + 3)
    """
    middle = (coefficients[..., :-1] + coefficients[..., 1:]) / 2.0
    vertex = (coefficients[..., :-2] + 6.0 * coefficients[..., 1:-1] + coefficients[..., 2:]) / 8.0
    size = middle.shape[-1] + vertex.shape[-1]
    out = coefficients.new_empty(*coefficients.shape[:-1], size)
    out[..., 0::2] = middle
    out[..., 1::2] = vertex
    return out


def block_diagonal(blocks: Sequence[Tensor]) -> Tensor:
    """Return the square `blocks` along the diagonal of one matrix."""
    size = sum(len(block) for block in blocks)
    matrix = blocks[0].new_zeros(size, size)
    start = 0
    for block in blocks:
        end = start + len(block)
        matrix[start:end, start:end] = block
        start = end
    return matrix
