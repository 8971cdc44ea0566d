import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt.errors import FitError
from kanopt.formulas.estimation.mixed import Moments, estimate_between_groups, sample_roots, solve_mixed_model


def problem(seed, q=2, extra=1, groups=6):
    rng = np.random.default_rng(seed)
    codes = np.repeat(np.arange(groups), rng.integers(1, 7, groups))
    z = rng.normal(size=(len(codes), q)) + 1.0
    s = rng.normal(size=(len(codes), extra))
    own = rng.normal(size=(groups, q))
    y = np.einsum("nq,nq->n", z, 1.0 + own[codes]) + s.sum(axis=1) + rng.normal(size=len(codes))
    return z, s, y, codes


def dense(z, s, y, codes, root):
    """Return everything from the covariance of all rows at once."""
    x = np.column_stack([z, s])
    n, p = x.shape
    v = np.eye(n)
    relative = root @ root.T
    for group in range(codes.max() + 1):
        rows = np.flatnonzero(codes == group)
        v[np.ix_(rows, rows)] += z[rows] @ relative @ z[rows].T
    weight = np.linalg.inv(v)
    information = x.T @ weight @ x
    beta = np.linalg.solve(information, x.T @ weight @ y)
    residual = y - x @ beta
    variance = residual @ weight @ residual / (n - p)
    deviance = (n - p) * math.log(variance) + np.linalg.slogdet(v)[1] + np.linalg.slogdet(information)[1]
    own = np.array(
        [relative @ z[codes == g].T @ (weight @ residual)[codes == g] for g in range(codes.max() + 1)]
    )
    return beta, variance, np.linalg.inv(information), own, deviance


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 3), st.floats(-2, 2))
def test_the_solution_is_that_of_the_dense_model(seed, q, size):
    z, s, y, codes = problem(seed, q)
    root = np.tril(np.random.default_rng(seed).normal(size=(q, q))) * 10.0**size
    found = solve_mixed_model(Moments.of(z, s, y, codes, 6), root)
    if len(codes) <= q + 2:
        return
    beta, variance, inverse, own, deviance = dense(z, s, y, codes, root)
    np.testing.assert_allclose(found.fixed_effects, beta, rtol=1e-5, atol=1e-6)
    assert found.variance == pytest.approx(variance, rel=1e-4, abs=1e-9)
    np.testing.assert_allclose(found.inverse, inverse, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.random_effects, own, rtol=1e-4, atol=1e-5)
    assert found.deviance == pytest.approx(deviance, rel=1e-5, abs=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_the_slope_of_the_deviance_is_the_limit_of_differences(seed):
    z, s, y, codes = problem(seed, groups=8)
    moments = Moments.of(z, s, y, codes, 8)
    root = np.array([[0.8, 0.0], [0.3, 0.5]])
    relative = root @ root.T
    slope = solve_mixed_model(moments, root).slope
    for change in (np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([[0.0, 1.0], [1.0, 0.0]])):
        up, down = (
            solve_mixed_model(moments, np.linalg.cholesky(relative + sign * 1e-5 * change)).deviance
            for sign in (1, -1)
        )
        assert (slope * change).sum() == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-6)


def test_force_is_what_the_penalty_pulls_with():
    z, s, y, codes = problem(3)
    root = np.array([[0.8, 0.0], [0.3, 0.5]])
    found = solve_mixed_model(Moments.of(z, s, y, codes, 6), root)
    np.testing.assert_allclose(
        found.scaled_random_effects @ (root @ root.T), found.random_effects, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("correlated", [True, False, None])
def test_restricted_likelihood_is_largest_at_what_is_found(correlated):
    z, s, y, codes = problem(5, groups=40)
    moments = Moments.of(z, s, y, codes, 40)
    root, full = estimate_between_groups(moments, correlated)
    least = solve_mixed_model(moments, root).deviance
    rng = np.random.default_rng(0)
    for _ in range(30):
        other = root + 0.05 * np.tril(rng.normal(size=(2, 2)))
        if not full:
            other = np.diag(np.diag(other))
        assert solve_mixed_model(moments, other).deviance >= least - 1e-6
    assert full == bool(root[1, 0])


def test_groups_that_do_not_differ_have_no_spread():
    rng = np.random.default_rng(2)
    codes = np.repeat(np.arange(10), 8)
    y = rng.normal(size=80)
    y -= np.array([y[codes == g].mean() for g in range(10)])[codes] * 0.9  # means closer together than chance
    ones = np.ones((80, 1))
    root, _ = estimate_between_groups(Moments.of(ones / math.sqrt(8), np.zeros((80, 0)), y, codes, 10), None)
    assert root == 0.0


def test_draws_surround_what_is_found():
    z, s, y, codes = problem(7, groups=60)
    moments = Moments.of(z, s, y, codes, 60)
    root, full = estimate_between_groups(moments, True)
    draws = sample_roots(moments, root, full, 400)
    spread = np.array([np.sqrt(np.diag(drawn @ drawn.T)) for drawn in draws])
    found = np.sqrt(np.diag(root @ root.T))
    assert (np.quantile(spread, 0.02, axis=0) < found).all()
    assert (found < np.quantile(spread, 0.98, axis=0)).all()
    assert [d.tolist() for d in sample_roots(moments, root, full, 5)] == [
        d.tolist() for d in sample_roots(moments, root, full, 5)
    ]
    diagonal = sample_roots(moments, np.diag(found), False, 20)
    assert all(drawn[1, 0] == 0.0 for drawn in diagonal)


def test_columns_that_say_the_same_are_refused():
    z, s, y, codes = problem(1)
    with pytest.raises(FitError, match="do not identify"):
        solve_mixed_model(Moments.of(z, np.column_stack([s, s[:, 0]]), y, codes, 6), np.eye(2))
