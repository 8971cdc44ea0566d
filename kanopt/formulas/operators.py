"""The names of operators that a user can pin a column to, forbid or prefer in a law."""

from __future__ import annotations

from collections.abc import Collection, Mapping

__all__ = ["NEEDED", "OPERATORS", "POSSIBLE"]

OPERATORS = (
    "linear",
    "quadratic",
    "power",
    "exp",
    "gaussian",
    "log",
    "sine",
    "tanh",
    "softplus",
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
