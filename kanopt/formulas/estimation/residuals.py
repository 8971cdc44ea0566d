"""The residuals of a law on rows, as a function of its free parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters, linear_in
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.nodes import Array, Node

ROUNDING = 1e-9
"""Logarithm of a smearing factor that is rounding."""


def smearing(residual: Array, weight: Array) -> float:
    """Return the factor that makes a law of a logarithm one of the mean (Duan 1983); 1 where chance may be it.

    Parameters
    ----------
    residual, weight
        What the law leaves of the logarithm of every row, and how many rows each stands for, (n,).
    """
    factor = float(weight @ np.exp(residual) / weight.sum())
    chance = 2.0 * float(np.sqrt(weight @ residual**2)) / float(weight.sum())
    return 1.0 if abs(float(np.log(factor))) <= max(chance, ROUNDING) else factor


@dataclass(frozen=True, eq=False)
class Residuals:
    """Weighted residuals ``√w · (y − f(θ))``, or ``√w · (log y − log f(θ))``, and their derivative.

    Parameters
    ----------
    tape
        The law over the rows.
    target
        The fitted target, (n,): y, or its logarithm.
    root_weight
        Square roots of the weights, (n,).
    log
        Whether logarithms are fitted.
    linear
        Mask of the free parameters in which the fitted values are jointly linear, (p,).
    """

    tape: GraphTape
    target: Array
    root_weight: Array
    log: bool
    linear: NDArray[np.bool_]

    @classmethod
    def of(cls, root: Node, free: FreeParameters, rows: EstimationRows, log: bool = False) -> Residuals:
        """Build the residuals of a graph on rows."""
        linear = np.zeros(free.count, dtype=bool) if log else linear_in(root, free)
        target = np.log(rows.target) if log else rows.target
        return cls(GraphTape(root, rows.columns, free), target, np.sqrt(rows.weight), log, linear)

    @property
    def count(self) -> int:
        """The number of rows, n."""
        return self.target.size

    @property
    def target_squares(self) -> float:
        """Weighted sum of squares of the target, the reference for negligible residuals."""
        weighted = self.root_weight * self.target
        return float(weighted @ weighted)

    def value(self, theta: Array) -> Array:
        """Return the fitted values, (n,): f, or its logarithm."""
        value = self.tape.value(theta)
        if self.log:
            with np.errstate(all="ignore"):
                value = np.log(value)
        return value

    def at(self, theta: Array) -> tuple[Array, Array] | None:
        """Return residuals, (n,), and the derivative of the fitted values, (n, p), both times the root of the weight.

        None if the law has no finite value or derivative in some row, or one too large to be squared.
        """
        value, derivative = self.tape.gradient(theta)
        if self.log:
            if not (value > 0).all():
                return None
            with np.errstate(all="ignore"):
                derivative = derivative / value[:, None]
            value = np.log(value)
        with np.errstate(all="ignore"):
            residual = self.root_weight * (self.target - value)
            weighted = derivative * self.root_weight[:, None]
            # what is too large to be squared is as good as infinite, and one sum shows it
            size = float(residual @ residual) + float(np.einsum("ij,ij->", weighted, weighted))
        return (residual, weighted) if np.isfinite(size) else None
