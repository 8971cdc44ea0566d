"""A cubic B-spline basis on a uniform grid, with linear extrapolation or periodic, in torch.

A spline on [lower, upper] with ``grid_size`` equal intervals has ``grid_size + 3`` coefficients. All its basis
functions are one function, shifted from knot to knot, four of which are not zero in a cell of the grid (de Boor 2001,
*A Practical Guide to Splines*, ch. IX), so no recursion over the spline order is needed. A periodic spline is one whose
first and last coefficients are the same.
Outside the range the spline is extrapolated along its tangent: a law must not explode one step beyond its data.
"""

from __future__ import annotations

import torch
from torch import Tensor


def dense_basis(x: Tensor, lower: Tensor, upper: Tensor, grid_size: int, derivative: int = 0) -> Tensor:
    """Return all ``grid_size + 3`` basis functions at `x`.

    The result can be differentiated with respect to `x`, `lower` and `upper`, repeatedly, by autograd.

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
    inside = position.clamp(0.0, float(grid_size))
    first = inside.floor().clamp(max=grid_size - 1)
    u, beyond = inside - first, position - inside
    if derivative:
        weights = torch.stack(_slopes(u), dim=-1) * per_unit.unsqueeze(-1)
    else:
        weights = torch.stack(_values(u), dim=-1)
        if position.requires_grad or position.device.type != "cpu" or bool(beyond.any()):
            weights = weights + beyond.unsqueeze(-1) * torch.stack(_slopes(u), dim=-1)
    # the cell chosen for NaN does not matter, because its values are NaN
    index = first.nan_to_num(0.0).to(torch.int64).unsqueeze(-1) + torch.arange(4, device=x.device)
    return weights.new_zeros(*weights.shape[:-1], grid_size + 3).scatter(-1, index, weights)


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
    return open_basis @ torch.nn.functional.one_hot(_wrapped(grid_size), grid_size).to(x)


def _wrapped(grid_size: int) -> Tensor:
    """Return which coefficient of a periodic spline each of the open spline is that it is over its period."""
    return (torch.arange(grid_size + 3) - 1) % grid_size


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
    """Return R with ``c @ R @ c`` = ∫ f″(x)² dx of a periodic spline over its period; constants are not penalised.

    Returns
    -------
    Tensor of float64, shape (grid_size, grid_size)

    Examples
    --------
    >>> periodic_roughness(3).sum(0).abs().max().item() < 1e-12
    True
    """
    turn = torch.eye(grid_size, dtype=torch.float64)[_wrapped(grid_size)]
    return turn.T @ roughness(grid_size) @ turn


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
    size = coefficients.shape[-1]
    return refine(coefficients[..., _wrapped(size)])[..., 1 : 1 + 2 * size]
