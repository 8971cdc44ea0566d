"""The least squares of searches, against closed forms and published minima."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy.optimize import least_squares

from kanopt.formulas.estimation.least_squares import levenberg_marquardt


@dataclass
class Given:
    """Residuals and their derivative, as functions of the parameters."""

    residuals: object
    jacobian: object
    lower: float = -np.inf
    asked: list = field(default_factory=list)

    def cost(self, theta):
        self.asked.append(theta)
        with np.errstate(all="ignore"):
            return float(np.sum(self.residuals(theta) ** 2))

    def normal_equations(self, theta):
        assert theta is self.asked[-1], "the derivative is asked for where the sum was evaluated last"
        jacobian = self.jacobian(theta)
        return jacobian.T @ jacobian, -jacobian.T @ self.residuals(theta)

    def projected(self, theta):
        return np.maximum(theta, self.lower)


def test_rosenbrock_and_a_curve_reach_the_minimum_that_scipy_finds() -> None:
    valley = Given(
        lambda t: np.array([10 * (t[1] - t[0] ** 2), 1 - t[0]]),
        lambda t: np.array([[-20 * t[0], 10.0], [-1.0, 0.0]]),
    )
    found = levenberg_marquardt(valley, np.array([-1.2, 1.0]), 200, 1e-12, enough=1e-20)
    np.testing.assert_allclose(found.theta, [1.0, 1.0], atol=1e-6)
    x = np.linspace(0.0, 4.0, 50)
    y = 3.0 * np.exp(-0.7 * x) + 0.1 * np.cos(9 * x)
    decay = Given(
        lambda t: t[0] * np.exp(t[1] * x) - y,
        lambda t: np.column_stack([np.exp(t[1] * x), t[0] * x * np.exp(t[1] * x)]),
    )
    found = levenberg_marquardt(decay, np.array([1.0, 0.0]), 100, 1e-12)
    peer = least_squares(decay.residuals, [1.0, 0.0], decay.jacobian, xtol=1e-12, ftol=1e-12)
    np.testing.assert_allclose(found.theta, peer.x, rtol=1e-5)


def test_parameters_that_trade_with_each_other_are_no_obstacle() -> None:
    x = np.linspace(0.0, 1.0, 20)
    twice = np.column_stack([x, x, np.zeros(20)])
    problem = Given(lambda t: twice @ t - 3 * x, lambda t: twice)
    found = levenberg_marquardt(problem, np.zeros(3), 30, 1e-9, enough=1e-16)
    assert found.cost < 1e-12
    assert found.theta[0] + found.theta[1] == pytest.approx(3.0)
