"""How well the constants of a law that was read from a network are known, together.

The constants of the formula are functions of the parameters of the refitted network: a coefficient times the scale of
its column, the exponential of a bias, a bias with the means of curves and tables in it. Their covariance is that of the
parameters carried over by the derivatives of these functions (delta method; Oehlert 1992, The American Statistician
46), which are taken by small steps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas import Constant, Formula, Node
from kanopt.formulas.estimation.graph_tape import PIECES, gradient
from kanopt.formulas.nodes import postorder
from kanopt.formulas.parameters import Covariance, is_parameter, with_standard_errors
from kanopt.formulas.simplify import ERRORS, round_measures
from kanopt.surrogates.groups import Rows

STEP = 1e-2
"""Step of a parameter to both sides, in its standard errors: constants are written in 12 digits."""
MOST = 400
"""Parameters up to which the law is written anew for each."""
SAME = 1e-9
TINY = 1e-300
CORRELATIONS = 4
"""Decimals of a correlation."""


def with_covariance(
    formula: Formula,
    written: Callable[[Floats], Node],
    parameters: Floats,
    covariance: Floats,
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
        step = np.zeros(len(parameters))
        step[place] = STEP * float(np.sqrt(covariance[place, place]))
        here, there = (_values(written(parameters + side * step)) for side in (-1.0, 1.0))
        if not len(here) == len(there) == len(base):
            return formula
        slopes[:, column] = (there[places] - here[places]) / (2.0 * step[place])
    values, vectors = np.linalg.eigh(covariance[np.ix_(moving, moving)])
    # a root of it, so that rounding leaves no variance below zero
    spread = slopes @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    matrix = spread @ spread.T
    told = np.diag(matrix) > 0.0  # a number that is held has no error
    if not np.isfinite(matrix).all() or not told.any():
        return formula
    names = [named[place].name for place, moves in zip(places, told, strict=True) if moves]
    return with_errors(formula, Covariance.of(names, matrix[np.ix_(told, told)], max(freedom, 1.0)))


def with_shared_errors(
    formula: Formula, data: Mapping[str, NDArray[np.generic]], rows: Rows, *, log: bool
) -> Formula:
    """Return a formula whose constants' errors know what rows share with their group.

    Each is stretched as generalized least squares tells: hardly where a constant acts within groups, by the design
    effect where it differs between groups only.

    Parameters
    ----------
    formula
        With a covariance.
    data
        The inputs of the rows.
    rows
        With what their groups share.
    log
        Whether the law was fitted to the logarithm of the target.
    """
    if rows.shared is None or formula.covariance is None:
        return formula
    known = formula.covariance
    # curves and tables have constants of their own, which the others trade with
    pieces = {node.key: node.name for node in postorder(formula.root) if isinstance(node, PIECES)}
    once = {name for name, count in Counter(pieces.values()).items() if count == 1}
    named = once | {name.split("[")[0] for name in known.names}
    found = gradient(formula, data, named)
    place = [found.names.index(name) for name in known.names]
    slopes = np.broadcast_to(found.derivative, (len(rows.target), len(found.names)))
    slopes = slopes / np.broadcast_to(found.value, rows.target.shape)[:, None] if log else slopes
    size = np.sqrt(np.maximum(rows.weight @ slopes**2, TINY))
    columns = slopes / size
    alone, shared = columns, rows.shared.whitened(columns, rows.weight)
    variances = [
        np.linalg.pinv((each * rows.weight[:, None]).T @ each, hermitian=True).diagonal()[place]
        for each in (alone, shared)
    ]
    stretch = np.sqrt(np.maximum(variances[1] / np.maximum(variances[0], TINY), 1.0))
    matrix = known.array * np.outer(stretch, stretch)
    return with_errors(formula, Covariance.of(known.names, matrix, known.degrees_of_freedom))


def with_errors(formula: Formula, covariance: Covariance) -> Formula:
    """Return a formula with a covariance, in digits that every machine finds, and the errors beside its constants."""
    covariance = _in_common_digits(covariance)
    return replace(formula, root=with_standard_errors(formula.root, covariance), covariance=covariance)


def _in_common_digits(covariance: Covariance) -> Covariance:
    """Return a covariance with rounded standard errors and correlations, and whole degrees of freedom."""
    exact = np.array(list(covariance.standard_errors.values()))
    errors = np.array([round_measures(error, ERRORS) for error in exact])
    size = np.where(exact > 0.0, exact, 1.0)
    # correlations shrink by what rounding may change them, so that no combination has a variance below zero
    share = 1.0 - len(errors) * 10.0**-CORRELATIONS
    correlation = np.round(share * covariance.array / np.outer(size, size), CORRELATIONS)
    np.fill_diagonal(correlation, np.where(errors > 0.0, 1.0, 0.0))
    freedom = covariance.degrees_of_freedom
    whole = None if freedom is None else max(round(freedom), 1)
    return Covariance.of(covariance.names, correlation * np.outer(errors, errors), whole)


def _values(root: Node) -> Floats:
    return np.array([node.value for node in _constants(root)])


def _constants(root: Node) -> Iterator[Constant]:
    """Yield the constants as they are read; one that stands in two places comes twice."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Constant):
            yield node
        stack += reversed(node.children)
