"""The names of operators that a user can pin a column to, forbid or prefer in a law."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["NEEDED", "NO_PERIOD", "NO_SHAPE", "OPERATORS", "POSSIBLE"]

OPERATORS = (
    "linear",
    "quadratic",
    "power",
    "exp",
    "gaussian",
    "log",
    "sine",
    "hinge",
    "step",
    "curve",
    "none",
)
"""What a column may be pinned to, and what may be forbidden or preferred; "none" leaves a column out."""
NEEDED = ("none", "linear")
"""Those that cannot be forbidden, since every law falls back on them."""
POSSIBLE: Mapping[str, Collection[str]] = {
    "category": frozenset({"none"}),
    "cycle": frozenset({"sine", "curve", "none"}),
}
"""What a column can be pinned to that is no plain number, by its kind."""
NO_SHAPE: Mapping[str, str] = {
    "category": "is a category, which has no order",
    "cycle": "is periodic, and a curve that comes back to its start is not",
}
"""Why a column that is no plain number cannot be monotone, convex or concave, by its kind."""
NO_PERIOD = "is a category; only numbers can be periodic"
"""Why a column cannot be periodic."""
