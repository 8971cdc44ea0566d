import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from kanopt.errors import FormulaError
from kanopt.formulas import Alternative, Fit


def test_a_fit_agrees_with_scikit_learn():
    rng = np.random.default_rng(3)
    actual = rng.lognormal(size=200)
    predicted = actual * rng.uniform(0.8, 1.3, 200)
    fit = Fit.of(actual, predicted, rows_train=1000, data_hash="ab12", smearing=1.07)
    assert fit.r2 == pytest.approx(r2_score(actual, predicted))
    assert fit.rmse == pytest.approx(root_mean_squared_error(actual, predicted))
    assert fit.mae == pytest.approx(mean_absolute_error(actual, predicted))
    assert fit.ratio == pytest.approx(predicted.sum() / actual.sum())
    assert (fit.rows_train, fit.rows_test, fit.data_hash, fit.smearing) == (1000, 200, "ab12", 1.07)
    level, value = fit.residual_quantiles[-1]
    assert value == pytest.approx(np.quantile(actual - predicted, level))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Fit.of([1.0], [1.0], rows_train=1), "two or more held-out rows"),
        (lambda: Fit.of([1.0, 2.0], [1.0], rows_train=1), "got 2 actual and 1 predicted"),
        (lambda: Fit.of([1.0, np.nan], [1.0, 2.0], rows_train=1), "not finite"),
        (lambda: Fit.of([2.0, 2.0], [1.0, 2.0], rows_train=1), "do not vary"),
        (lambda: Fit.of([-2.0, 2.0], [1.0, 2.0], rows_train=1), "sum to zero"),
        (lambda: Fit(np.nan, 1.0, 1.0, 1.0, 1, 1), "must have finite numbers only"),
        (lambda: Fit(1.0, -1.0, 1.0, 1.0, 1, 1), "no negative"),
        (lambda: Alternative(np.inf, 0.0), "alternative: complexity must have finite"),
    ],
)
def test_fits_without_a_meaning_are_refused(make, message):
    with pytest.raises(FormulaError, match=message):
        make()
