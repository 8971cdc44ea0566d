"""Laws at many points at once, where no finite value is an answer and no error."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import fold

__all__ = ["values_at"]

Floats = NDArray[np.float64]


def values_at(law: Formula, names: Sequence[str], points: Floats) -> Floats:
    """Return a law's values at points; NaN where it has no finite value.

    Parameters
    ----------
    law
        A formula of decisions.
    names
        The decision of each column.
    points
        Shape (count, decisions).

    Returns
    -------
    ndarray of float64, shape (count,)

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("log(x)", [Variable("x")], Variable("y"))
    >>> values_at(law, ["x"], np.array([[1.0], [0.0]])).tolist()
    [0.0, nan]
    """
    columns = {name: points[:, place] for place, name in enumerate(names)}
    with np.errstate(all="ignore"):
        value = fold(law.root, lambda node, parts: node.compute(parts, columns))
        found = np.array(np.broadcast_to(np.asarray(value, dtype=float), (len(points),)))
    found[~np.isfinite(found)] = np.nan
    return found
