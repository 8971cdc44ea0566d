"""How things depend on all inputs jointly, by the rules of disciplined convex programming.

A convex function of something affine is convex; a convex function that never falls, of something convex, too, as is
one that never rises, of something concave; and the other way round for concave ones (Grant, Boyd and Ye 2006,
"Disciplined convex programming"). Where no rule applies nothing is claimed. The functions are those of the program,
whose pieces are known in full, so that a solver may lean on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from kanopt.formulas.lowering.pieces import Pieces
from kanopt.formulas.lowering.program import Curvature

__all__ = ["of_pieces", "of_sum"]

_OPPOSITE: dict[Curvature, Curvature] = {
    "affine": "affine",
    "convex": "concave",
    "concave": "convex",
    "undecided": "undecided",
}


def of_sum(terms: Sequence[tuple[float, Curvature]]) -> Curvature:
    """Return the curvature of a sum of multiples, given the factors and what they multiply.

    Examples
    --------
    >>> of_sum([(2.0, "convex"), (-1.0, "concave"), (-3.0, "affine")])
    'convex'
    """
    found = {curvature if factor > 0.0 else _OPPOSITE[curvature] for factor, curvature in terms if factor}
    found -= {"affine"}
    if not found:
        return "affine"
    return next(iter(found)) if len(found) == 1 else "undecided"


def of_pieces(pieces: Pieces, argument: Curvature) -> Curvature:
    """Return the curvature of a function of one variable of something.

    Examples
    --------
    >>> hinge = Pieces((-1.0, 0.0, 1.0), (0.0, 0.0), (0.0, 1.0))
    >>> of_pieces(hinge, "convex"), of_pieces(hinge, "concave")
    ('convex', 'undecided')
    """
    if pieces.shape == "linear":
        return of_sum([(pieces.slopes[0], argument)])
    if pieces.shape == "neither":
        return "undecided"
    if argument == "affine":
        return pieces.shape
    # what never falls keeps the curvature of its argument, what never rises turns it round
    turned = argument if pieces.direction > 0 else _OPPOSITE[argument]
    return pieces.shape if pieces.direction and turned == pieces.shape else "undecided"
