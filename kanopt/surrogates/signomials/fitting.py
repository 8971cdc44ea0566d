"""Fitting the parameters of a law to rows: Levenberg-Marquardt, and the length of the description that results."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.surrogates.signomials.evaluation import Columns, value, value_and_jacobian
from kanopt.surrogates.signomials.rules import Rules
from kanopt.surrogates.signomials.structure import Law, freedom, values_of, with_values

__all__ = ["Fitted", "Target", "fitted"]

Array = NDArray[np.float64]

FLOOR = 1e-8
"""Relative error below which laws are equally good: that of the arithmetic, with a margin."""
LARGEST = 1e12
"""Parameters of scaled inputs beyond this are none."""


@dataclass(frozen=True, eq=False)
class Target:
    """What a law is fitted to.

    Parameters
    ----------
    columns
        The inputs, n rows.
    target
        Shape (n,); its logarithm where `log`.
    weight
        How many rows each stands for, shape (n,).
    log
        Whether residuals are those of the logarithm of the law.
    rules
        What laws cost, and which are let in.
    """

    columns: Columns
    target: Array
    weight: Array
    log: bool
    rules: Rules

    @cached_property
    def root(self) -> Array:
        """Square roots of the weights."""
        return np.asarray(np.sqrt(self.weight))

    @cached_property
    def total(self) -> float:
        """The number of rows."""
        return float(self.weight.sum())

    @cached_property
    def spread(self) -> float:
        """Weighted variance of the target."""
        mean = float(self.weight @ self.target) / self.total
        return max(float(self.weight @ (self.target - mean) ** 2) / self.total, 1e-300)

    def residual(self, output: Array) -> Array:
        """Return the weighted residuals of a law's values; not finite where it has no logarithm."""
        with np.errstate(all="ignore"):
            return self.root * (self.target - (np.log(output) if self.log else output))

    def length(self, law: Law, squares: float) -> float:
        """Return the description length of a law with these squared residuals."""
        noise = squares / self.total + FLOOR**2 * self.spread
        return float(self.total * np.log(noise) + np.log(self.total) * freedom(law) + self.rules.price(law))

    def take(self, rows: NDArray[np.int64]) -> Target:
        """Return some of the rows."""
        return Target(self.columns.take(rows), self.target[rows], self.weight[rows], self.log, self.rules)


@dataclass(frozen=True, eq=False)
class Fitted:
    """A law fitted to rows: its squared residuals and the length of its description."""

    law: Law
    squares: float
    length: float
    hessian: Array = field(repr=False)

    def variances(self, total: float) -> Array:
        """Return the variances of the free parameters, shape (p,); infinite where the rows do not tell them."""
        p = len(self.hessian)
        if not p:
            return np.zeros(0)
        scale = np.sqrt(np.maximum(np.diag(self.hessian), 1e-300))
        scaled = self.hessian / scale[:, None] / scale[None, :]
        sigma2 = self.squares / max(total - p, 1.0)
        values, vectors = np.linalg.eigh(scaled)
        sound = values > 1e-12 * max(float(values[-1]), 1e-300)
        out = sigma2 * ((vectors[:, sound] ** 2) / values[sound]).sum(axis=1) / scale**2
        # what leans on an undetermined direction has no variance of its own
        lost = (vectors[:, ~sound] ** 2).sum(axis=1) > 1e-6
        return np.where(lost, np.inf, out)


def fitted(law: Law, to: Target, iterations: int = 40, tolerance: float = 1e-9) -> Fitted | None:
    """Fit the free parameters of a law by Levenberg-Marquardt (Moré 1978), from the values they have.

    An iteration that lowers the squares by less than `tolerance` of them is the last. None where the law is not
    defined on all rows from the start.
    """
    vector = np.array(values_of(law))
    output, jacobian = value_and_jacobian(law, to.columns)
    residual = to.residual(output)
    with np.errstate(all="ignore"):
        squares = float(residual @ residual)
    if not np.isfinite(squares):
        return None
    damping = 1e-3
    enough = (0.01 * FLOOR) ** 2 * to.spread * to.total
    hessian = np.zeros((len(vector), len(vector)))
    for round_ in range(iterations + 1):
        with np.errstate(all="ignore"):
            weighted = jacobian * (to.root / output if to.log else to.root)[:, None]
            hessian = weighted.T @ weighted
            gradient = weighted.T @ residual
        if not (np.isfinite(hessian).all() and np.isfinite(gradient).all()):
            return None
        if round_ == iterations or squares <= enough or not len(vector):
            break
        scale = np.sqrt(np.maximum(np.diag(hessian), 1e-200))
        scaled = hessian / scale[:, None] / scale[None, :]
        before, found = squares, False
        while damping < 1e8:
            damped = scaled + np.diag(np.full(len(vector), damping + 1e-13))
            step = np.linalg.solve(damped, gradient / scale) / scale
            trial = vector + step
            if np.abs(trial).max() < LARGEST:
                candidate = with_values(law, trial)
                new = to.residual(value(candidate, to.columns))
                with np.errstate(all="ignore"):
                    reached = float(new @ new)
                if reached < squares:
                    law, vector, squares, residual, found = candidate, trial, reached, new, True
                    damping = max(damping / 8, 1e-14)
                    break
            damping *= 5
        if not found:
            break
        output, jacobian = value_and_jacobian(law, to.columns)
        damping = min(damping, 1e2)
        if before - squares < tolerance * before:
            break
    return Fitted(law, squares, to.length(law, squares), hessian)
