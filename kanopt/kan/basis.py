"""A cubic B-spline basis on a uniform grid, with linear extrapolation or periodic, in torch.

A spline on [lower, upper] with ``grid_size`` equal intervals has ``grid_size + 3`` coefficients. All its basis
functions are one function, shifted from knot to knot. In cells of the grid, at the distance d from its middle,

    B(d) = (max(0, 2 − |d|)³ − 4 max(0, 1 − |d|)³) / 6

(de Boor 2001, *A Practical Guide to Splines*, ch. IX), so no recursion over the spline order is needed.
Outside the range the spline is extrapolated along its tangent: a law must not explode one step beyond its data.

On a CPU memory bandwidth is the bottleneck, not arithmetic: the pieces of B are computed in place, over blocks of
points that stay in the cache. On fine grids only the four non-zero functions are computed and scattered to their
indices.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import softshrink

_BLOCK = 32_768
"""Numbers worked on at once: two buffers of float64 fill half of a 1 MiB cache."""

_FINE = 9
"""Grids with more functions than this have only their four non-zeros worked out."""


def dense_basis(x: Tensor, lower: Tensor, upper: Tensor, grid_size: int, derivative: int = 0) -> Tensor:
    """Return all ``grid_size + 3`` basis functions at `x`.

    The result can be differentiated with respect to `x`, `lower` and `upper`, repeatedly, by autograd; it is then
    assembled without in-place operations.

    Parameters
    ----------
    x
        Points, any shape; `lower` and `upper` broadcast against it.
    grid_size
        Number of equal intervals between `lower` and `upper`.
    derivative
        0 or 1: the order of the derivative with respect to `x`.

    Returns
    -------
    Tensor, shape of `x` + (grid_size + 3,)

    Examples
    --------
    >>> zero, one = torch.zeros(1), torch.ones(1)
    >>> dense_basis(torch.tensor([0.0]), zero, one, grid_size=2).mul(6).round().tolist()
    [[1.0, 4.0, 1.0, 0.0, 0.0]]
    """
    per_unit = grid_size / (upper - lower)
    position = (x - lower) * per_unit
    if position.requires_grad:
        inside = position.clamp(0.0, float(grid_size))
        first = inside.floor().clamp(max=grid_size - 1)
        u = inside - first
        weights = torch.stack(_values(u), dim=-1)
        weights = weights + (position - inside).unsqueeze(-1) * torch.stack(_slopes(u), dim=-1)
        index = first.to(torch.int64).unsqueeze(-1) + torch.arange(4, device=x.device)
        return weights.new_zeros(*weights.shape[:-1], grid_size + 3).scatter(-1, index, weights)
    return _uniform(position, per_unit, grid_size, derivative)


def periodic_basis(x: Tensor, grid_size: int, derivative: int = 0) -> Tensor:
    """Return the `grid_size` functions of a periodic spline at `x`; they sum to one.

    Function j is the B-spline centred at j / grid_size, wrapped around the period. The result can be differentiated
    like that of :func:`dense_basis`.

    Parameters
    ----------
    x
        Points in periods, any shape: x and x + 1 are the same point.
    grid_size
        Number of equal intervals in the period, at least 1 (a constant).
    derivative
        0 or 1: the order of the derivative with respect to `x`.

    Returns
    -------
    Tensor, shape of `x` + (grid_size,)

    Examples
    --------
    >>> midnight = torch.tensor([0.0, 1.0, 24.0])
    >>> periodic_basis(midnight, 4).mul(6).round().tolist()[2]
    [4.0, 1.0, 0.0, 1.0]
    """
    zero, one = x.new_zeros(1), x.new_ones(1)
    open_basis = dense_basis(x - x.floor(), zero, one, grid_size, derivative)
    place = (torch.arange(grid_size + 3, device=x.device) - 1) % grid_size
    return open_basis @ torch.nn.functional.one_hot(place, grid_size).to(x.dtype)


def _uniform(position: Tensor, per_unit: Tensor, grid_size: int, order: int) -> Tensor:
    """Compute the basis functions or their derivatives in x at `position`, in grid cells, block by block."""
    size = grid_size + 3
    basis = position.new_empty(*position.shape, size)
    inside = position.clamp(0.0, float(grid_size))
    where, flat = inside.reshape(-1, 1), basis.view(-1, size)
    scale = (per_unit**order).expand_as(position).reshape(-1, 1) if order else None
    whole = position.device.type != "cpu"
    fill, each = (_fill_all, size) if size <= _FINE else (_fill_four, 4)
    points = max(1, len(where) if whole else _BLOCK // each)
    for start in range(0, len(where), points):
        part = slice(start, start + points)
        fill(flat[part], where[part], order)
        if scale is not None:
            flat[part].mul_(scale[part])
    beyond = position - inside
    if order == 0 and (whole or bool(beyond.any())):
        _extrapolate(basis, beyond)
    return basis


def _fill_all(out: Tensor, position: Tensor, order: int) -> None:
    """Write the derivatives at `position` (n, 1), which lies inside the range, into `out` (n, size)."""
    distance = position - torch.arange(-1, out.shape[1] - 1, dtype=out.dtype, device=out.device)
    outer = distance.abs().neg_().add_(2.0).clamp_(min=0.0)
    inner = softshrink(outer, 1.0)  # max(0, 1 − |d|)
    if order == 0:
        torch.pow(outer, 3, out=out).sub_(inner.pow_(3), alpha=4.0).mul_(1.0 / 6.0)
    else:
        torch.square(outer, out=out).sub_(inner.square_(), alpha=4.0)
        out.copysign_(distance).mul_(-0.5)


def _values(u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four non-zero B-splines at `u` in a cell, leftmost first; they sum to one (Qin 1998, eq. 8).

    Examples
    --------
    >>> import torch
    >>> [round(float(b), 4) for b in _values(torch.tensor(0.0))]
    [0.1667, 0.6667, 0.1667, 0.0]
    """
    v = 1.0 - u
    return (
        v * v * v / 6.0,
        (u * u * (3.0 * u - 6.0) + 4.0) / 6.0,
        (v * v * (3.0 * v - 6.0) + 4.0) / 6.0,
        u * u * u / 6.0,
    )


def _slopes(u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the first derivatives of :func:`_values` with respect to `u`."""
    v = 1.0 - u
    return -0.5 * v * v, u * (1.5 * u - 2.0), v * (2.0 - 1.5 * v), 0.5 * u * u


def _fill_four(out: Tensor, position: Tensor, order: int) -> None:
    """Do the same as :func:`_fill_all`, but compute only the four non-zero functions."""
    first = position.floor().clamp_(max=out.shape[1] - 4)
    pieces = (_slopes if order else _values)(position - first)
    first.nan_to_num_(0.0)  # the cell chosen for NaN does not matter, because its values are NaN
    index = first.to(torch.int64) + torch.arange(4, device=out.device)
    out.zero_().scatter_(1, index, torch.cat(pieces, dim=1))


def _extrapolate(basis: Tensor, beyond: Tensor) -> None:
    """Extrapolate the functions along their tangents; `beyond` is the distance past the nearer end, in cells."""
    last = basis.shape[-1] - 1
    below, above = 0.5 * beyond.clamp(max=0.0), 0.5 * beyond.clamp(min=0.0)
    basis[..., 0] -= below
    basis[..., 2] += below
    basis[..., last - 2] -= above
    basis[..., last] += above


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


def periodic_roughness(grid_size: int) -> Tensor:
    """Return R with ``c @ R @ c`` = ∫ f″(x)² dx of a periodic spline over its period; exact.

    f″ is linear on every cell, with the second differences of the coefficients at the knots. Constants are not
    penalised.

    Returns
    -------
    Tensor of float64, shape (grid_size, grid_size)

    Examples
    --------
    >>> periodic_roughness(3).sum(0).abs().max().item() < 1e-12
    True
    """
    identity = torch.eye(grid_size, dtype=torch.float64)
    second = identity.roll(1, 1) - 2.0 * identity + identity.roll(-1, 1)
    mass = identity * (2.0 / 3.0) + (identity.roll(1, 1) + identity.roll(-1, 1)) / 6.0
    return second.T @ mass @ second * float(grid_size) ** 3


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


def refine_periodic(coefficients: Tensor) -> Tensor:
    """Return the coefficients of the same periodic spline on a grid twice as fine; see :func:`refine`.

    Parameters
    ----------
    coefficients
        Shape (..., grid_size).

    Returns
    -------
    Tensor, shape (..., 2 grid_size)
    """
    before, after = coefficients.roll(1, -1), coefficients.roll(-1, -1)
    vertex = (before + 6.0 * coefficients + after) / 8.0
    middle = (coefficients + after) / 2.0
    return torch.stack([vertex, middle], dim=-1).flatten(-2)


def block_diagonal(blocks: Sequence[Tensor]) -> Tensor:
    """Return the `blocks` along the diagonal of one matrix."""
    matrix = blocks[0].new_zeros(sum(len(block) for block in blocks), sum(block.shape[1] for block in blocks))
    row = column = 0
    for block in blocks:
        below, beyond = row + block.shape[0], column + block.shape[1]
        matrix[row:below, column:beyond] = block
        row, column = below, beyond
    return matrix
