"""The four pieces of a uniform cubic B-spline, as polynomials.

On the cell between two neighbouring knots a uniform cubic B-spline is a sum of four polynomials of the
local coordinate ``u`` in [0, 1] (de Boor 2001, *A Practical Guide to Splines*, ch. IX; the matrix form is
Qin 1998, eq. 8). The functions below use arithmetic alone, so that they take numpy arrays and torch
tensors alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch

__all__ = ["Array", "curvatures", "slopes", "values"]

Array = TypeVar("Array", "np.ndarray", "torch.Tensor")


def values(u: Array) -> tuple[Array, Array, Array, Array]:
    """Return the four non-zero B-splines at `u`, leftmost first; they sum to one.

    Examples
    --------
    >>> import numpy as np
    >>> [float(np.round(b, 4)) for b in values(np.array(0.0))]
    [0.1667, 0.6667, 0.1667, 0.0]
    """
    v = 1.0 - u
    return (
        v * v * v / 6.0,
        (u * u * (3.0 * u - 6.0) + 4.0) / 6.0,
        (v * v * (3.0 * v - 6.0) + 4.0) / 6.0,
        u * u * u / 6.0,
    )


def slopes(u: Array) -> tuple[Array, Array, Array, Array]:
    """Return the first derivatives of :func:`values` with respect to `u`."""
    v = 1.0 - u
    return -0.5 * v * v, u * (1.5 * u - 2.0), v * (2.0 - 1.5 * v), 0.5 * u * u


def curvatures(u: Array) -> tuple[Array, Array, Array, Array]:
    """Return the second derivatives of :func:`values` with respect to `u`."""
    v = 1.0 - u
    return v, 3.0 * u - 2.0, 3.0 * v - 2.0, u
