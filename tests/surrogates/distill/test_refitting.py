"""Joint refits: where there is nothing to start from, and which parameters have a covariance."""

from __future__ import annotations

import numpy as np
import pytest

from kanopt.surrogates.distill.forms import EXP, LINEAR, LOG, POWER, Form
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows
from kanopt.surrogates.distill.refitting import refit


def one(form: Form, *theta: float) -> Mixed:
    return Mixed((Edge(0, 0, 0, form, np.array(theta)),), (np.zeros(1),))


@pytest.mark.parametrize("iterations", [0, 30])
@pytest.mark.parametrize(
    ("model", "why"),
    [
        (one(LOG, 1.0), "no value at zero"),
        (one(EXP, 1.0, 2e3), "too large a value"),
        (one(LINEAR, np.nan), "no slope"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_without_a_value_there_is_no_refit(model: Mixed, why: str, iterations: int) -> None:
    x = np.linspace(0.0, 1.0, 20)[:, None]
    fit = refit(model, Rows(x, x[:, 0], np.ones(20)), iterations)
    assert fit.squares == np.inf
    assert fit.model is model
    assert np.isnan(fit.covariance).all()
    assert fit.covariance.shape == (len(model.parameters),) * 2


def test_without_a_derivative_there_is_no_refit() -> None:
    # zero to the power of a half has a value, but no derivative in the exponent
    x = np.linspace(0.0, 1.0, 20)[:, None]
    rows, model = Rows(x, x[:, 0], np.ones(20)), one(POWER, 1.0, 0.5)
    assert np.isfinite(model.predict(x)).all()
    fit = refit(model, rows)
    assert fit.squares == np.inf
    assert fit.model is model


def test_where_the_derivative_is_lost_on_the_way_the_last_parameters_stay() -> None:
    class Once(Mixed):
        """A network whose derivative cannot be told a second time."""

        asked = 0

        def jacobian(self, signals, bases=None):
            derivative = super().jacobian(signals, bases)
            Once.asked += 1
            return derivative if Once.asked == 1 else np.full_like(derivative, np.nan)

    x = np.linspace(0.5, 2.0, 40)[:, None]
    rows = Rows(x, 3 * x[:, 0] ** 1.7, np.ones(40))
    start = Once((Edge(0, 0, 0, POWER, np.array([2.0, 1.0])),), (np.zeros(1),))
    fit = refit(start, rows)
    left = np.sum((rows.target - fit.model.predict(x)) ** 2)
    assert fit.squares == pytest.approx(left)
    assert fit.squares < np.sum((rows.target - start.predict(x)) ** 2)
    assert np.isfinite(fit.covariance).all()


def test_parameters_of_any_size_count_as_one_each() -> None:
    # curvatures of 1e28 and 1e-10: beside the one the other is no rounding
    rng = np.random.default_rng(5)
    x = rng.uniform(0.0, 1.0, (200, 2)) * [1e13, 1e-6]
    edges = (Edge(0, 0, 0, LINEAR, np.array([1e-13])), Edge(0, 1, 0, LINEAR, np.array([1e6])))
    target = 1e-13 * x[:, 0] + 1e6 * x[:, 1] + 0.1 * rng.standard_normal(200)
    fit = refit(Mixed(edges, (np.zeros(1),)), Rows(x, target, np.ones(200)))
    assert fit.parameters == pytest.approx(3.0, abs=1e-6)
    assert (np.diag(fit.covariance) > 0.0).all()
