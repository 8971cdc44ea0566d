"""What a network is fitted to where equations are known as well as rows, and the fit.

Examples
--------
>>> from kanopt import informed
>>> informed.collocation({"day": (0.0, 4.0)}, cells=2)["day"].round(2).tolist()
[0.42, 1.58, 2.42, 3.58]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kanopt.surrogates.informed import (
        Knowledge,
        Relation,
        RelationState,
        collocation,
        fit_informed,
        observed,
    )

__all__ = [
    "Knowledge",
    "Relation",
    "RelationState",
    "collocation",
    "fit_informed",
    "observed",
]


def __getattr__(name: str) -> Any:
    # torch comes with the first of them, and not with a word that is looked for in the public modules
    if name not in __all__:
        raise AttributeError(f"module 'kanopt.informed' has no attribute {name!r}")
    return getattr(import_module("kanopt.surrogates.informed"), name)
