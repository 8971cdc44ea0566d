"""Bounds of splines, matrices and whole networks against dense samples and exact arithmetic."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from kanopt.kan.description import evaluate_periodic, evaluate_spline
from kanopt.kan.verify.boxes import NetworkBoxes
from kanopt.kan.verify.matrices import outer, scaled, symmetric_product
from kanopt.kan.verify.splines import BoundedSplines
from kanopt.kan.verify.trace import NetworkBoundPropagator, SecondDerivatives
from tests.kan.verify_cases import draw, numbers_of, random_network


def exact_spline(x: float, lower: float, upper: float, coefficients: np.ndarray) -> tuple[Fraction, ...]:
    """Value, slope and curvature in rational arithmetic."""
    grid_size = len(coefficients) - 3
    per_unit = grid_size / (Fraction(upper) - Fraction(lower))
    position = (Fraction(x) - Fraction(lower)) * per_unit
    inside = min(max(position, Fraction(0)), Fraction(grid_size))
    first = min(int(inside), grid_size - 1)
    u, (a, b, c, d) = inside - first, (Fraction(float(part)) for part in coefficients[first : first + 4])
    powers = (a + 4 * b + c) / 6, (c - a) / 2, (a - 2 * b + c) / 2, (d - 3 * c + 3 * b - a) / 6
    value = powers[0] + u * (powers[1] + u * (powers[2] + u * powers[3]))
    slope = powers[1] + u * (2 * powers[2] + 3 * u * powers[3])
    bend = 2 * powers[2] + 6 * u * powers[3] if position == inside else Fraction(0)
    return value + (position - inside) * slope, slope * per_unit, bend * per_unit**2


class TestSplines:
    @pytest.mark.parametrize("grid_size", [1, 2, 7])
    @pytest.mark.parametrize("periodic", [False, True])
    def test_bounds_are_those_of_dense_samples(self, grid_size, periodic):
        rng = np.random.default_rng(grid_size)
        size = grid_size + (0 if periodic else 3)
        lower, upper = (
            (np.zeros(2), np.ones(2)) if periodic else (np.array([-1.0, 0.5]), np.array([2.0, 0.75]))
        )
        coefficients = rng.normal(size=(2, 3, size))
        splines = BoundedSplines(lower, upper, coefficients, periodic)
        width = upper - lower
        middle = lower + width * rng.uniform(-0.6, 1.6, (60, 2))
        half = width * 10.0 ** rng.uniform(-3.0, 0.2, (60, 2))
        found = splines.bounds(middle - half, middle + half)
        share = np.linspace(-1.0, 1.0, 4001)
        for box in range(60):
            for source in range(2):
                x = middle[box, source] + half[box, source] * share
                if periodic:
                    value = evaluate_periodic(x, coefficients[source])
                else:
                    value = evaluate_spline(x, lower[source], upper[source], coefficients[source])
                step = x[1] - x[0]
                slope = np.gradient(value, step, axis=0)[2:-2]
                curvature = np.diff(value, n=2, axis=0) / step**2
                bound, tolerance = found.value, 1e-4 * np.ptp(value, axis=0) + 1e-9
                assert (bound[0][box, source] <= value.min(axis=0)).all()
                assert (bound[1][box, source] >= value.max(axis=0)).all()
                assert (value.min(axis=0) - bound[0][box, source] <= tolerance).all()
                assert (bound[1][box, source] - value.max(axis=0) <= tolerance).all()
                rounding = 1e-12 / step
                for bound, seen, least in (
                    (found.slope, slope, 2e-2 * np.ptp(slope) + rounding),
                    (found.curvature, curvature, 5e-2 * np.ptp(curvature) + rounding / step),
                ):
                    assert (bound[0][box, source] <= seen.min(axis=0) + 1e-3 * least + rounding / step).all()
                    assert (seen.min(axis=0) - bound[0][box, source] <= 3.0 * least + 1e-9).all()
                    assert (bound[1][box, source] >= seen.max(axis=0) - 1e-3 * least - rounding / step).all()
                    assert (bound[1][box, source] - seen.max(axis=0) <= 3.0 * least + 1e-9).all()

    def test_rounding_leaves_the_exact_values_within_the_bounds(self):
        rng = np.random.default_rng(3)
        for case in range(40):
            grid_size = int(rng.integers(1, 20))
            lower = float(rng.normal() * 10.0 ** rng.uniform(-3, 3))
            upper = lower + float(10.0 ** rng.uniform(-3, 3))
            coefficients = rng.normal(size=grid_size + 3) + 1e3 * (case % 2)
            splines = BoundedSplines(np.array([lower]), np.array([upper]), coefficients[None, None])
            low = lower + (upper - lower) * rng.uniform(-0.3, 1.3, (20, 1))
            high = low + (upper - lower) * 10.0 ** rng.uniform(-15, 0, (20, 1)) * (rng.random((20, 1)) < 0.5)
            found = splines.bounds(low, high)
            for box in range(20):
                for x in (low[box, 0], high[box, 0]):
                    exact = exact_spline(float(x), lower, upper, coefficients)
                    for true, (least, most) in zip(
                        exact, (found.value, found.slope, found.curvature), strict=True
                    ):
                        assert Fraction(float(least[box, 0, 0])) <= true <= Fraction(float(most[box, 0, 0]))

    def test_non_negative_increments_bound_the_slope_by_zero_exactly(self):
        steps = np.random.default_rng(0).random((1, 1, 12)) * (np.arange(12) % 3 != 0)
        splines = BoundedSplines(np.zeros(1), np.ones(1), np.cumsum(steps, axis=-1) - 1.234)
        low = np.random.default_rng(1).uniform(-0.5, 1.5, (500, 1))
        assert splines.bounds(low, low + 0.03).slope[0].min() >= 0.0

    def test_constant_edges_have_no_slope_at_all(self):
        found = BoundedSplines(np.zeros(1), np.ones(1), np.full((1, 1, 8), 0.1)).bounds(
            np.array([[-2.0]]), np.array([[0.7]])
        )
        assert found.slope[0] == found.slope[1] == found.curvature[0] == found.curvature[1] == 0.0

    def test_beyond_the_range_an_edge_is_straight(self):
        splines = BoundedSplines(np.zeros(1), np.ones(1), np.random.default_rng(0).normal(size=(1, 1, 8)))
        found = splines.bounds(np.array([[1.5]]), np.array([[3.0]]))
        assert found.curvature[0] == found.curvature[1] == 0.0
        np.testing.assert_allclose(found.slope[0], found.slope[1], rtol=1e-12)


class TestMatrices:
    @pytest.mark.parametrize("keep", [True, False])
    def test_squares_lie_between_their_bounds(self, keep):
        rng = np.random.default_rng(0)
        low = rng.normal(size=(200, 3))
        high = low + rng.random((200, 3)) * 10.0 ** rng.uniform(-3, 1, (200, 1))
        below, above = outer((low, high), keep)
        for _ in range(20):
            v = low + rng.random(low.shape) * (high - low)
            square = v[:, :, None] * v[:, None, :]
            assert np.linalg.eigvalsh(square - below).min() > -1e-9
            assert np.linalg.eigvalsh(above - square).min() > -1e-9

    def test_scaled_matrices_lie_between_their_bounds(self):
        rng = np.random.default_rng(0)
        matrix = rng.normal(size=(100, 2, 3, 3))
        low = matrix + matrix.swapaxes(-1, -2)
        gap = rng.normal(size=(100, 2, 3, 3))
        gap = gap @ gap.swapaxes(-1, -2)
        p = rng.normal(size=(100, 2, 4))
        q = p + rng.random((100, 2, 4))
        (below, above), _ = scaled((p, q), (low, low + gap))
        for share in (0.0, 0.3, 1.0):
            weight = p + rng.random(p.shape) * (q - p)
            true = np.einsum("bjs,bjkl->bskl", weight, low + share * gap)
            assert np.linalg.eigvalsh(true - below).min() > -1e-9
            assert np.linalg.eigvalsh(above - true).min() > -1e-9

    def test_symmetric_products_lie_between_their_bounds(self):
        rng = np.random.default_rng(0)
        u, v = rng.normal(size=(2, 300, 3)) * np.array([1e-3, 10.0])[:, None, None]
        wide = rng.random((2, 300, 3)) * 0.1
        (below, above), _ = symmetric_product(
            (u - wide[0], u + wide[0]), (v - wide[1], v + wide[1]), keep=True
        )
        true = u[:, :, None] * v[:, None, :] + v[:, :, None] * u[:, None, :]
        assert np.linalg.eigvalsh(true - below).min() > -1e-9
        assert np.linalg.eigvalsh(above - true).min() > -1e-9


class TestTrace:
    @pytest.mark.parametrize("seed", range(12))
    def test_points_lie_in_the_bounds_of_their_box(self, seed):
        network = random_network(seed, wiggle=1.0)
        width, rng = numbers_of(network), np.random.default_rng(seed)
        tables = network.layers[0].tables
        tracer = NetworkBoundPropagator(network, 0, tuple(np.arange(len(table)) for table in tables))
        middle = rng.uniform(-1.5, 1.5, (10, width))
        half = 10.0 ** rng.uniform(-3, 0.5, (10, 1)) * rng.random((10, width))
        last = (
            np.tile([len(table) - 1 for table in tables], (10, 1)).astype(np.int64).reshape(10, len(tables))
        )
        boxes = NetworkBoxes(middle - half, middle + half, np.zeros_like(last), last)
        sides = [(i, k) for i in range(width) for k in range(width)]
        second = SecondDerivatives(
            tuple(i for i, _ in sides), tuple(k for _, k in sides), tuple(range(width)), bool(seed % 2)
        )
        anchor = [nodes.value for nodes in tracer.trace(boxes.at(boxes.centre))]
        here = tracer.trace(boxes, second, anchor)[-1]
        for _ in range(20):
            points = boxes.low + rng.random(boxes.low.shape) * boxes.width
            codes = rng.integers(0, last + 1)
            there = tracer.trace(NetworkBoxes(points, points, codes, codes), second)[-1]
            for bound, seen in (
                (here.value, there.value),
                (here.gradient, there.gradient),
                (here.second, there.second),
            ):
                assert (bound[0] <= seen[1]).all()
                assert (seen[0] <= bound[1]).all()
            np.testing.assert_allclose(network(points, codes), there.value[0][:, 0], rtol=1e-10, atol=1e-10)
            hessian = there.second[0][:, 0].reshape(10, width, width)
            room = -1e-9 * (1.0 + np.abs(hessian).max())
            assert np.linalg.eigvalsh(hessian - here.matrix[0][:, 0]).min() >= room
            assert np.linalg.eigvalsh(here.matrix[1][:, 0] - hessian).min() >= room

    @pytest.mark.parametrize("seed", range(8))
    def test_derivatives_at_points_are_those_of_differences(self, seed):
        network = random_network(seed)
        width, step = numbers_of(network), 1e-5
        points, codes = draw(network, np.full(width, -0.9), np.full(width, 0.9), 50, seed)
        tracer = NetworkBoundPropagator(
            network, 0, tuple(np.arange(len(table)) for table in network.layers[0].tables)
        )
        second = SecondDerivatives(left=(0,) * width, right=tuple(range(width)))
        there = tracer.trace(NetworkBoxes(points, points, codes, codes), second)[-1]
        for number in range(width):
            ahead, behind = (NetworkBoxes(p, p, codes, codes) for p in _neighbours(points, number, step))
            fore, back = tracer.trace(ahead)[-1], tracer.trace(behind)[-1]
            slope = (fore.value[0] - back.value[0])[:, 0] / (2.0 * step)
            np.testing.assert_allclose(there.gradient[0][:, 0, number], slope, rtol=1e-4, atol=1e-4)
            bend = (fore.gradient[0] - back.gradient[0])[:, 0, 0] / (2.0 * step)
            smooth = np.abs(there.second[1] - there.second[0])[:, 0, number] < 1e-6
            # third derivatives jump at knots; most points are far from one
            close = np.isclose(there.second[0][:, 0, number], bend, rtol=1e-3, atol=1e-3)
            assert close[smooth].mean() > 0.95


def _neighbours(points, number, step):
    shift = np.zeros(points.shape[1])
    shift[number] = step
    return points + shift, points - shift
