"""Profile likelihood: the least squares as a function of one constant, minimised over the others.

The profile t of a constant is ``τ(θ) = sign(θ − θ̂) √((S(θ) − S(θ̂)) / s²)``, S the least squares with the constant
held at θ (Bates and Watts 1988, *Nonlinear Regression Analysis and its Applications*, ch. 6). For a linear law it is
``(θ − θ̂)/se``, a straight line, and its ends are the usual ones; for nonlinear laws the interval is more accurate.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from kanopt.errors import FitError
from kanopt.formulas.estimation.residuals import Residuals
from kanopt.formulas.estimation.variable_projection import minimise, projection
from kanopt.formulas.nodes import Array

__all__ = ["ProfileLikelihood"]

CLOSE = 1e-3
"""How near τ comes to what was asked for, as a share of it."""
_FURTHEST = 40
_STATIONARY = 0.02
_LOWER = 1e-6


@dataclass(frozen=True, eq=False)
class ProfileLikelihood:
    """The profile likelihood of a law at its least squares.

    Parameters
    ----------
    residuals
        The residuals as a function of p free parameters.
    theta
        The parameters at the minimum, (p,).
    names
        Their names.
    errors
        Their standard errors for equal variances, (p,).
    directions
        Column i: the first-order change of all parameters when parameter i changes by 1 and the others are optimal,
        (p, p).
    cost, variance
        S(θ̂), and s² = S(θ̂)/(n − p).
    """

    residuals: Residuals
    theta: Array
    names: tuple[str, ...]
    errors: Array
    directions: Array
    cost: float
    variance: float

    @classmethod
    def of(cls, residuals: Residuals, theta: Array, names: tuple[str, ...], what: str) -> ProfileLikelihood:
        """Build the profile at a minimum.

        Raises
        ------
        FitError
            If the law has no value in some row there, it is not a minimum, or the fit is exact.
        """
        at = residuals.at(theta)
        left = residuals.count - theta.size
        if at is None or left < 1:
            raise FitError(
                f"{what}: a profile needs more rows than constants, and a finite value of the law on each"
            )
        residual, jacobian = at
        _, basis = projection(jacobian, residual)
        inside = basis.T @ residual
        cost = float(residual @ residual)
        outside = max(cost - float(inside @ inside), 1e-300)
        if (
            basis.shape[1] < theta.size
            or math.sqrt((inside @ inside / theta.size) / (outside / left)) > _STATIONARY
        ):
            raise FitError(
                f"{what}: its constants are not those that fit this table best, with these weights and this scale; "
                "refit it on the table first"
            )
        variance = cost / left
        size = np.linalg.norm(jacobian, axis=0)
        inverse = np.linalg.inv((jacobian / size).T @ (jacobian / size)) / np.outer(size, size)
        spread = np.diag(inverse)
        return cls(residuals, theta, names, np.sqrt(variance * spread), inverse / spread, cost, variance)

    def ends(self, place: int, reach: float) -> tuple[float, float]:
        """Return where the profile t of a parameter is −`reach` and `reach`; infinite if it never is.

        If the law becomes undefined before, as a logarithm does, the interval ends there.
        """
        low, high = (self._end(place, side, reach) for side in (-1.0, 1.0))
        return low, high

    def nonlinearity(self, place: int, reach: float) -> float:
        """Return the relative deviation of the profile t from a straight line at `reach` standard errors."""
        found = [self._tau(place, side * reach * self.errors[place], None)[0] for side in (-1.0, 1.0)]
        return max(abs(tau / reach - 1.0) for tau in found)

    def _tau(self, place: int, step: float, near: Array | None) -> tuple[float, Array | None]:
        """Return |τ| at a step from the minimum, infinite where the law is undefined, and the other parameters."""
        start = self.theta + self.directions[:, place] * step if near is None else near.copy()
        start[place] = self.theta[place] + step
        moves = np.arange(self.theta.size) != place
        found = minimise(self.residuals, start, moves)
        if found is None and near is None:
            # the tangent leads out of where the law is defined; the numbers of the minimum may not
            start = self.theta.copy()
            start[place] += step
            found = minimise(self.residuals, start, moves)
        if found is None:
            return math.inf, None
        if found.cost < self.cost * (1.0 - _LOWER) - _LOWER * self.variance:
            shown = ", ".join(f"{n} = {v:.6g}" for n, v in zip(self.names, found.theta, strict=True))
            raise FitError(
                f"while {self.names[place]!r} was profiled, constants were found that fit better: {shown}; refit the "
                "law from these"
            )
        return math.sqrt(max(found.cost - self.cost, 0.0) / self.variance), found.theta

    def _end(self, place: int, side: float, reach: float) -> float:
        """Search on one side for τ = reach: bracket it by doubling, then use false position and bisection."""
        inner, inner_tau, near = 0.0, 0.0, None
        step, outer, outer_tau = reach * float(self.errors[place]), math.inf, math.inf
        for count in range(_FURTHEST):
            tau, there = self._tau(place, side * step, near)
            if abs(tau - reach) <= CLOSE * reach:
                return float(self.theta[place] + side * step)
            if tau > reach:
                outer, outer_tau = step, tau
            else:
                inner, inner_tau, near = step, tau, there
            if math.isinf(outer):
                # τ is nearly straight: aim past the place where the line meets what is asked for
                step = min(4.0 * step, max(1.5 * step, 1.1 * step * reach / max(tau, 1e-12)))
                if count >= _FURTHEST // 2:
                    return side * math.inf
                continue
            if outer - inner <= 1e-9 * outer:
                break
            share = (reach - inner_tau) / (outer_tau - inner_tau) if math.isfinite(outer_tau) else 0.5
            # every third step halves, so that a bend cannot hold the search up
            step = inner + (outer - inner) * (0.5 if count % 3 == 2 else min(max(share, 0.02), 0.98))
        return float(self.theta[place] + side * inner)
