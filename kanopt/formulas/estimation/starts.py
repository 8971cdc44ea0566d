"""Global search for the least squares from one start, good or bad.

The first search begins at the given start. Then random starts on all scales around it are evaluated on a sample of the
rows; only if some of them are already better than the result of the first search, a second search follows.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.residuals import Residuals
from kanopt.formulas.estimation.variable_projection import LeastSquaresResult, minimise, projection
from kanopt.formulas.nodes import Array, Node

ROWS = 200
DRAWS = 48
SEARCHES = 6
_ROUNDING = 1e-24
_CHANGED_SIGN = 2.0
_GAIN = 0.9  # a little better on a few rows is no better on all


def search_minimum(
    root: Node, free: FreeParameters, rows: EstimationRows, log: bool = False
) -> tuple[Residuals, LeastSquaresResult | None]:
    """Search for the least squares from the values in the graph, and from random ones if these are a bad start.

    Parameters
    ----------
    root
        The law.
    free
        Its free parameters, whose values are the start.
    rows
        The rows.
    log
        Whether logarithms are fitted; all values of the output are positive then.

    Returns
    -------
    residuals, minimum
        The residuals as a function of the free parameters, and the best result; None if the law has no finite value in
        some row at every start.
    """
    residuals = Residuals.of(root, free, rows, log)
    found = minimise(residuals, free.values)
    if log and (found is None or not found.converged or found.steps > 20):
        # relative residuals are nearly those of logarithms, and linear numbers need no start there
        relative = EstimationRows(rows.columns, rows.target, rows.weight / np.square(rows.target))
        near = search_minimum(root, free, relative)[1]
        found = found if near is None else _better(minimise(residuals, near.theta), found)
    if found is not None and found.converged and (residuals.linear.all() or found.exact):
        return residuals, found
    few = residuals if rows.count <= ROWS else Residuals.of(root, free, _sample_rows(rows), log)
    limit = np.inf if found is None or not found.converged else _GAIN * _cost(few, found.theta)
    for count, start in enumerate(_better_starts(few, free.values, limit), start=1):
        found = _better(minimise(residuals, start), found)
        if count == SEARCHES or (found is not None and found.converged and _cost(few, found.theta) < limit):
            break
    return residuals, found


def _sample_rows(rows: EstimationRows) -> EstimationRows:
    return rows.select(np.sort(np.random.default_rng(0).choice(rows.count, ROWS, replace=False)))


def _cost(residuals: Residuals, theta: Array) -> float:
    found = residuals.at(theta)
    return np.inf if found is None else float(found[0] @ found[0])


def _better_starts(residuals: Residuals, start: Array, limit: float) -> Iterator[Array]:
    """Yield starts at which the squares sum to less than `limit`, the best first."""
    rng = np.random.default_rng(0)
    curved = ~residuals.linear
    found: list[tuple[float, int, Array]] = []
    for draw in range(DRAWS):
        theta = np.where(curved, start, 0.0)
        theta[curved] = _perturb(start[curved], rng)
        at = residuals.at(theta)
        if at is None:
            continue
        residual, jacobian = at
        step, basis = projection(jacobian[:, residuals.linear], residual)
        size = float(residual @ residual)
        for _ in range(2):  # twice, for what rounding left where the linear numbers were far off
            residual = residual - basis @ (basis.T @ residual)
        cost = max(float(residual @ residual), _ROUNDING * size)
        if cost < limit:
            theta[residuals.linear] += step
            # many laws are the same with two signs changed, and those of the start are what is meant
            changed = int((np.sign(theta[curved]) * np.sign(start[curved]) < 0).sum())
            found.append((cost * _CHANGED_SIGN**changed, draw, theta))
    yield from (theta for _, _, theta in sorted(found, key=lambda item: item[:2]))


def _perturb(start: Array, rng: np.random.Generator) -> Array:
    """Return random parameters around `start`: mostly of its sign and within a factor of 40; one in four unchanged."""
    factor = np.exp(rng.normal(scale=1.8, size=start.size)) * np.where(
        rng.random(start.size) < 0.2, -1.0, 1.0
    )
    drawn = np.where(start == 0.0, 1.0, start) * factor
    return np.where(rng.random(start.size) < 0.25, start, drawn)


def _better(one: LeastSquaresResult | None, other: LeastSquaresResult | None) -> LeastSquaresResult | None:
    """Return the better of two results: a converged one first, then the one with the lower cost."""
    if one is None or other is None:
        return one or other
    return min(other, one, key=lambda end: (not end.converged, end.cost))
