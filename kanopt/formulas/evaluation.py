"""Evaluate a graph on columns, and refuse non-finite results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.columns import common_shape, describe_place
from kanopt.formulas.nodes import Array, Node, fold

__all__ = ["evaluate_graph"]


def evaluate_graph(root: Node, columns: Mapping[str, NDArray[Any]], what: str) -> Array:
    """Return the value of a graph in the shape to which the columns broadcast, as a new array.

    Raises
    ------
    FormulaError
        If it is not finite where all inputs are; begins with `what` and names the first place.
    """
    shape = common_shape(columns)
    with np.errstate(all="ignore"):
        value = np.asarray(fold(root, lambda node, values: node.compute(values, columns)))
    # a view, such as of a broadcast input, is not the caller's to write on
    fresh = value.shape == shape and value.flags.owndata
    result = value if fresh else np.array(np.broadcast_to(value, shape))
    wrong = ~np.isfinite(result)
    if wrong.any():
        for values in columns.values():
            if values.dtype != object:
                wrong = wrong & np.isfinite(values)
        if wrong.any():
            raise FormulaError(
                f"{what} has no finite value where {describe_place(columns, wrong)} "
                f"({int(wrong.sum()):,} of {wrong.size:,} places)"
            )
    return result
