import numpy as np
import pytest
from scipy import stats

from kanopt.surrogates.conformal import FREEDOM, student_density, weighted_quantile


def test_quantile_counts_repeats():
    values, repeats = np.array([3.0, 1.0, 2.0, 9.0]), np.array([1, 2, 1, 3])
    for share in (0.05, 0.5, 0.9):
        plain = weighted_quantile(np.repeat(values, repeats), np.ones(7), share)
        assert weighted_quantile(values, repeats.astype(float), share) == plain


def test_scale_is_the_maximum_likelihood_one():
    error = stats.t(FREEDOM, scale=0.3).rvs(4000, random_state=1)
    scale, density = student_density(error, np.ones(4000), 1e-12)
    _, _, expected = stats.t.fit(error, f0=FREEDOM, floc=0.0)
    assert scale == pytest.approx(expected, rel=1e-3)
    constant = stats.t(FREEDOM).logpdf(0.0)
    np.testing.assert_allclose(density + constant, stats.t(FREEDOM, scale=scale).logpdf(error))


def test_exact_fits_have_a_least_scale():
    scale, density = student_density(np.zeros(5), np.ones(5), 1e-7)
    assert scale == pytest.approx(1e-7)
    assert np.isfinite(density).all()
