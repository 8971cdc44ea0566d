from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.kan.derivatives import Derivatives, derivatives
from kanopt.kan.description import Layer, Network

Floats = NDArray[np.float64]


def random_network(seed: int = 0, outputs: int = 1) -> Network:
    """Three layers: two numbers, an hour and a category; 2 sums and 2 products, then 1 and 1."""
    rng = np.random.default_rng(seed)
    first = Layer(
        np.array([-1.0, 0.0]),
        np.array([1.0, 4.0]),
        rng.normal(size=(2, 6, 8)),
        (rng.normal(size=(3, 6)),),
        rng.normal(size=6),
        cycles=rng.normal(size=(1, 6, 6)),
        products=2,
    )
    second = Layer(
        -np.ones(4), 2 * np.ones(4), rng.normal(size=(4, 3, 7)), (), rng.normal(size=3), products=1
    )
    last = Layer(-np.ones(2), np.ones(2), rng.normal(size=(2, outputs, 5)), (), rng.normal(size=outputs))
    return Network((first, second, last))


def rows(n: int = 60, seed: int = 1) -> tuple[Floats, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    numbers = rng.uniform([-1.4, -0.8, -1.0], [1.4, 5.0, 2.0], (n, 3))  # some of them beyond the ranges
    return numbers, rng.integers(0, 3, (n, 1))


def shifted(numbers: Floats, column: int, by: float) -> Floats:
    moved = numbers.copy()
    moved[:, column] += by
    return moved


@pytest.mark.parametrize("output", [0, 1])
def test_gradient_and_hessian_agree_with_central_differences(output: int) -> None:
    network = random_network(outputs=2)
    numbers, codes = rows()
    found = derivatives(network, numbers, codes, output)
    assert np.allclose(found.values, network(numbers, codes)[:, output], rtol=1e-13)
    step = 1e-5
    for column in range(3):
        up, down = (
            derivatives(network, shifted(numbers, column, sign * step), codes, output) for sign in (1, -1)
        )
        slope = (up.values - down.values) / (2 * step)
        scale = np.abs(found.gradient).max()
        assert np.allclose(found.gradient[:, column], slope, rtol=1e-6, atol=1e-7 * scale)
        bend = (up.gradient - down.gradient) / (2 * step)
        error = np.abs(found.hessian[:, column] - bend).max(axis=1) / np.abs(found.hessian).max(axis=(1, 2))
        # Where a knot lies within the step the third derivative jumps, and at the end of a range the second.
        assert np.quantile(error, 0.9) < 1e-4
    assert np.allclose(found.hessian, found.hessian.transpose(0, 2, 1), rtol=1e-12)


def test_products_of_splines_have_exact_derivatives() -> None:
    """One product node of x³ and y: x³y, in the interior of one cell."""
    # The cardinal spline with coefficients k³ − k is x³ on integers; on one cell [0, 1] k runs from −1 to 2.
    cube = np.array([k**3 - k for k in (-1.0, 0.0, 1.0, 2.0)])
    line = np.array([-1.0, 0.0, 1.0, 2.0])
    flat = np.zeros(4)
    first = Layer(
        np.zeros(2), np.ones(2), np.array([[cube, flat], [flat, line]]), (), np.array([0.0, 0.0]), products=1
    )
    last = Layer(np.zeros(1), np.ones(1), line[None, None], (), np.zeros(1))
    x, y = np.random.default_rng(0).uniform(0, 1, (2, 20))
    found = derivatives(Network((first, last)), np.column_stack([x, y]))
    assert np.allclose(found.values, x**3 * y)
    assert np.allclose(found.gradient, np.column_stack([3 * x**2 * y, x**3]))
    assert np.allclose(found.hessian[:, 0], np.column_stack([6 * x * y, 3 * x**2]))
    assert np.allclose(found.hessian[:, 1], np.column_stack([3 * x**2, 0 * x]))


def test_chain_rule_of_a_link() -> None:
    network = random_network()
    numbers, codes = rows(20)
    inner = derivatives(network, numbers, codes)
    scale = np.abs(inner.values).max()
    value = np.exp(inner.values / scale)
    outer = inner.compose(value, value / scale, value / scale**2)
    step = 1e-6 * scale
    for column in range(3):
        up, down = (
            np.exp(network(shifted(numbers, column, sign * step), codes) / scale) for sign in (1.0, -1.0)
        )
        assert np.quantile(np.abs(outer.gradient[:, column] - (up - down) / (2 * step)), 0.9) < 1e-3
    gradient = inner.gradient / scale
    expected = value[:, None, None] * (gradient[:, :, None] * gradient[:, None] + inner.hessian / scale)
    assert np.allclose(outer.hessian, expected)


def test_rows_are_independent_of_how_many_come_with_them() -> None:
    network = random_network()
    numbers, codes = rows(1500)
    whole = derivatives(network, numbers, codes)
    part = derivatives(network, numbers[1020:1030], codes[1020:1030])
    assert np.allclose(whole.hessian[1020:1030], part.hessian)
    assert np.allclose(whole.gradient[1020:1030], part.gradient)
    none = derivatives(network, numbers[:0], codes[:0])
    assert isinstance(none, Derivatives)
    assert none.gradient.shape == (0, 3)
    assert none.hessian.shape == (0, 3, 3)


def test_a_network_of_categories_alone_has_values_and_no_derivatives() -> None:
    table = np.array([[1.0], [3.0]])
    layer = Layer(np.zeros(0), np.zeros(0), np.zeros((0, 1, 8)), (table,), np.zeros(1))
    found = derivatives(Network((layer,)), np.zeros((2, 0)), np.array([[1], [0]]))
    assert found.values.tolist() == [3.0, 1.0]
    assert found.gradient.shape == (2, 0)
    assert found.hessian.shape == (2, 0, 0)


def test_codes_are_asked_for() -> None:
    with pytest.raises(ValueError, match="pass their codes"):
        derivatives(random_network(), rows()[0])
