"""Laws evaluated at many points at once; a value that is not finite is NaN, not an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import postorder

Floats = NDArray[np.float64]


class Evaluator:
    """A law prepared for repeated evaluation.

    Parameters
    ----------
    law
        A formula of decisions.
    names
        The decision of each column of the points.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("log(x)", [Variable("x")], Variable("y"))
    >>> Evaluator(law, ["x"])(np.array([[1.0], [0.0]])).tolist()
    [0.0, nan]
    """

    def __init__(self, law: Formula, names: Sequence[str]) -> None:
        order = postorder(law.root)
        place_of = {node.key: place for place, node in enumerate(order)}
        self._names = tuple(names)
        self._steps = [(node, tuple(place_of[child.key] for child in node.children)) for node in order]

    def __call__(self, points: Floats) -> Floats:
        """Return the law's values at points, shape (count, decisions); NaN where it has no finite value.

        Returns
        -------
        ndarray of float64, shape (count,)
        """
        columns = {name: points[:, place] for place, name in enumerate(self._names)}
        values: list[Any] = []
        with np.errstate(all="ignore"):
            for node, children in self._steps:
                values.append(node.compute([values[child] for child in children], columns))
        found = np.array(np.broadcast_to(np.asarray(values[-1], dtype=float), (len(points),)))
        found[~np.isfinite(found)] = np.nan
        return found
