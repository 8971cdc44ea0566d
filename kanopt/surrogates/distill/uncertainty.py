"""How well the constants of a law that was read from a network are known, together.

The constants of the formula are functions of the parameters of the refitted network: a coefficient times the scale of
its column, the exponential of a bias, a bias with the means of curves and tables in it. Their covariance is that of the
parameters carried over by the derivatives of these functions (delta method; Oehlert 1992, The American Statistician
46), which are taken by small steps.

A curve and the constant beside it can trade: what one rises by, the other falls. The fit tells nothing of that
direction, and what its covariance says there is rounding. The constants of the formula do not change along it, for
curves are written zero on average, and so it is taken out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Constant, Formula, Node
from kanopt.formulas.nodes import rebuild
from kanopt.formulas.parameters import Covariance, is_parameter
from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.mixed import Mixed

__all__ = ["with_covariance", "without_trades"]

Array = NDArray[np.float64]

STEP = 1e-3
"""Step of a parameter, in its standard errors."""
MOST = 400
"""Parameters up to which the law is written anew for each."""
SAME = 1e-9


def without_trades(covariance: Array, model: Mixed) -> Array:
    """Return the covariance of the parameters of an additive network without what curves and its constant trade.

    Parameters
    ----------
    covariance
        Of ``model.parameters``, (p, p).
    model
        Of one layer.
    """
    size, at, trades = len(covariance), 0, list[Array]()
    for edge in model.edges:
        if edge.form.name in TABULATED and (edge.layer, edge.target) not in model.pinned:
            trade = np.zeros(size)
            trade[at : at + edge.form.size] = 1.0
            trade[size - len(model.bias[-1]) + edge.target] = -1.0
            trades.append(trade)
        at += edge.form.size
    if not trades:
        return covariance
    basis = np.linalg.qr(np.column_stack(trades))[0]
    keep = np.eye(size) - basis @ basis.T
    return np.asarray(keep @ covariance @ keep)


def with_covariance(
    formula: Formula,
    written: Callable[[Array], Node],
    parameters: Array,
    covariance: Array,
    freedom: float,
) -> Formula:
    """Return a formula whose named constants have standard errors and a covariance.

    Without them where the formula written anew is of another shape, or of too many parameters.

    Parameters
    ----------
    formula
        With named constants.
    written
        The graph of the law, its constants without names, for parameters of the network, (p,).
    parameters, covariance
        Of the network as it was refitted, (p,) and (p, p).
    freedom
        Rows less effective parameters.
    """
    places = [place for place, node in enumerate(_constants(formula.root)) if is_parameter(node)]
    base = _values(written(parameters))
    named = list(_constants(formula.root))
    moving = np.flatnonzero(np.diag(covariance) > 0.0)
    alike = len(base) == len(named) and np.allclose(base, [node.value for node in named], rtol=SAME)
    if not places or not alike or not 0 < len(moving) <= MOST or not np.isfinite(covariance).all():
        return formula
    slopes = np.empty((len(places), len(moving)))
    for column, place in enumerate(moving):
        step = STEP * float(np.sqrt(covariance[place, place]))
        moved = parameters.copy()
        moved[place] += step
        there = _values(written(moved))
        if len(there) != len(base):
            return formula
        slopes[:, column] = (there[places] - base[places]) / step
    values, vectors = np.linalg.eigh(covariance[np.ix_(moving, moving)])
    # a root of it, so that rounding leaves no variance below zero
    spread = slopes @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    matrix = spread @ spread.T
    if not np.isfinite(matrix).all() or not (np.diag(matrix) > 0.0).all():
        return formula
    names = [named[place].name for place in places]
    known = Covariance.of(names, matrix, max(freedom, 1.0))
    errors = known.standard_errors

    def told(node: Node) -> Node:
        parameter = isinstance(node, Constant) and is_parameter(node)
        return (
            replace(node, standard_error=errors[node.name])
            if parameter and isinstance(node, Constant)
            else node
        )

    return replace(formula, root=rebuild(formula.root, told), covariance=known)


def _values(root: Node) -> Array:
    return np.array([node.value for node in _constants(root)])


def _constants(root: Node) -> Iterator[Constant]:
    """Yield the constants as they are read; one that stands in two places comes twice."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Constant):
            yield node
        stack += reversed(node.children)
