"""Distances between points in the plane, rounded as the instances of the literature are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import ProblemError, nearest

__all__ = ["CONVENTIONS", "check_convention", "planar"]

Floats = NDArray[np.float64]

CONVENTIONS = ("round", "dimacs", "exact")
"""What a caller may choose; the others stand in files."""


def check_convention(convention: str | None) -> None:
    """Refuse an unknown convention.

    Raises
    ------
    ProblemError
        Naming the known ones.
    """
    if convention is not None and convention not in CONVENTIONS:
        raise ProblemError(f"unknown convention {convention!r}; {nearest(str(convention), CONVENTIONS)}")


def planar(points: Floats, rounding: str) -> Floats:
    """Return the distances between points, rounded.

    Parameters
    ----------
    points
        Coordinates; shape (n, 2).
    rounding
        ``"exact"``; ``"round"``, to the nearest whole number, halves up (EUC_2D of TSPLIB 95, section 2.1);
        ``"dimacs"``, down to 0.1 (12th DIMACS Implementation Challenge, 2021: VRPTW track); ``"ceil"`` and
        ``"floor"`` to whole numbers; ``"thousandths"``, the nearest whole number of thousandths (EXACT_2D of CVRPLIB).

    Returns
    -------
    array
        Shape (n, n).

    Examples
    --------
    >>> points = np.array([[0.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> planar(points, "dimacs")[0].tolist(), planar(points, "round")[0].tolist()
    ([0.0, 1.4, 2.2], [0.0, 1.0, 2.0])
    """
    across, up = (points[:, None, axis] - points[None, :, axis] for axis in (0, 1))
    # the root of a sum of squares is exact where coordinates are whole and their distance is; hypot need not be
    distance: Floats = np.sqrt(across * across + up * up)
    if rounding == "round":
        return np.floor(distance + 0.5)
    if rounding == "dimacs":
        return np.floor(10.0 * distance) / 10.0
    if rounding == "ceil":
        return np.ceil(distance)
    if rounding == "floor":
        return np.floor(distance)
    if rounding == "thousandths":
        return np.floor(1000.0 * distance + 0.5)
    return distance
