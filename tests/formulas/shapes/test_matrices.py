"""Bounds of matrices in the order of positive semidefinite matrices."""

import numpy as np
import pytest

from kanopt.formulas.shapes.matrices import (
    added,
    common_lower_bound,
    least_eigenvalue,
    least_eigenvalue_above,
    outer,
    symmetric_product,
    weighted,
    weighted_squares,
)


@pytest.mark.parametrize("keep", [True, False])
def test_squares_lie_between_their_bounds(keep):
    rng = np.random.default_rng(0)
    low = rng.normal(size=(200, 3))
    high = low + rng.random((200, 3)) * 10.0 ** rng.uniform(-3, 1, (200, 1))
    below, above = outer((low, high), keep)
    for _ in range(20):
        v = low + rng.random(low.shape) * (high - low)
        square = v[:, :, None] * v[:, None, :]
        assert np.linalg.eigvalsh(square - below).min() > -1e-9
        assert np.linalg.eigvalsh(above - square).min() > -1e-9


def test_scaled_matrices_lie_between_their_bounds():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(300, 3, 3))
    low = matrix + matrix.swapaxes(-1, -2)
    gap = rng.normal(size=(300, 3, 3))
    gap = gap @ gap.swapaxes(-1, -2)
    p = rng.normal(size=300)
    q = p + rng.random(300)
    below, above = weighted((p, q), (low, low + gap))
    for share in (0.0, 0.3, 1.0):
        weight = p + rng.random(p.shape) * (q - p)
        true = weight[:, None, None] * (low + share * gap)
        assert np.linalg.eigvalsh(true - below).min() > -1e-9
        assert np.linalg.eigvalsh(above - true).min() > -1e-9


def test_symmetric_products_lie_between_their_bounds():
    rng = np.random.default_rng(0)
    u, v = rng.normal(size=(2, 300, 3)) * np.array([1e-3, 10.0])[:, None, None]
    wide = rng.random((2, 300, 3)) * 0.1
    below, above = symmetric_product((u - wide[0], u + wide[0]), (v - wide[1], v + wide[1]), keep=True)
    true = u[:, :, None] * v[:, None, :] + v[:, :, None] * u[:, None, :]
    assert np.linalg.eigvalsh(true - below).min() > -1e-9
    assert np.linalg.eigvalsh(above - true).min() > -1e-9


def test_weighted_squares_lie_between_their_bounds_and_zero_stays_zero():
    rng = np.random.default_rng(0)
    v = rng.normal(size=(200, 3))
    square = v[:, :, None] * v[:, None, :]
    low, high = rng.normal(size=200), None
    high = low + rng.random(200)
    below, above = weighted_squares((low, high), (square, square))
    for weight in (low, 0.5 * (low + high), high):
        true = weight[:, None, None] * square
        assert np.linalg.eigvalsh(true - below).min() > -1e-9
        assert np.linalg.eigvalsh(above - true).min() > -1e-9
    steep = np.zeros(200), np.full(200, np.inf)
    assert (weighted_squares(steep, outer((v, v), keep=False))[0] == 0.0).all()


def test_sums_maxima_and_eigenvalues_are_bounded():
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(2, 100, 3, 3))
    x, y = matrix + matrix.swapaxes(-1, -2)
    below, above = added([(x, x), (y, y)])
    assert np.linalg.eigvalsh(x + y - below).min() > -1e-12
    assert np.linalg.eigvalsh(above - x - y).min() > -1e-12
    common = common_lower_bound(x, y)
    for each in (x, y):
        assert np.linalg.eigvalsh(each - common).min() > -1e-12
    least = np.linalg.eigvalsh(x)[:, 0]
    assert (least_eigenvalue(x) <= least).all()
    assert (least_eigenvalue_above(x) >= least).all()
    np.testing.assert_allclose(least_eigenvalue(x), least_eigenvalue_above(x), atol=1e-11)
    x[3] = np.nan
    assert least_eigenvalue(x)[3] == -np.inf
    assert least_eigenvalue_above(x)[3] == np.inf
