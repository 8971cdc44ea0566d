"""The four pieces of a uniform cubic B-spline, as polynomials.

On the cell between two neighbouring knots a uniform cubic B-spline is a sum of four polynomials of the
local coordinate ``u`` in [0, 1] (de Boor 2001, *A Practical Guide to Splines*, ch. IX; the matrix form is
Qin 1998, eq. 8). Outside torch, splines are those of :mod:`kanopt.splines`.
"""

from __future__ import annotations

from torch import Tensor

__all__ = ["curvatures", "slopes", "values"]


def values(u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the four non-zero B-splines at `u`, leftmost first; they sum to one.

    Examples
    --------
    >>> import torch
    >>> [round(float(b), 4) for b in values(torch.tensor(0.0))]
    [0.1667, 0.6667, 0.1667, 0.0]
    """
    v = 1.0 - u
    return (
        v * v * v / 6.0,
        (u * u * (3.0 * u - 6.0) + 4.0) / 6.0,
        (v * v * (3.0 * v - 6.0) + 4.0) / 6.0,
        u * u * u / 6.0,
    )


def slopes(u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the first derivatives of :func:`values` with respect to `u`."""
    v = 1.0 - u
    return -0.5 * v * v, u * (1.5 * u - 2.0), v * (2.0 - 1.5 * v), 0.5 * u * u


def curvatures(u: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return the second derivatives of :func:`values` with respect to `u`."""
    v = 1.0 - u
    return v, 3.0 * u - 2.0, 3.0 * v - 2.0, u
