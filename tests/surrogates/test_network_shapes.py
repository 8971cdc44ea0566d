"""What is proved of networks as formulas of curves, against closed forms, brute force and witnesses."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cases.hand_networks import Layer, Network
from tests.cases.small_networks import (
    Bounded,
    Claim,
    Concave,
    Convex,
    Decreasing,
    Increasing,
    Verdict,
    decide,
    draw,
    layer,
    numbers_of,
    random_network,
)


def worst(network: Network, claim: Claim, lower: np.ndarray, upper: np.ndarray, rows: int = 4000) -> float:
    """The largest violation of a claim between sampled points; not positive where there is none."""
    points, codes = draw(network, lower, upper, rows)
    others, _ = draw(network, lower, upper, rows, seed=1)
    if isinstance(claim, Bounded):
        said = network(points, codes)
        return float(np.maximum(claim.low - said, said - claim.high).max())
    inputs = [claim.input] if isinstance(claim, Increasing | Decreasing) else list(claim.inputs)
    near = np.random.default_rng(2).random((rows, 1)) < 0.5
    moved = points.copy()
    step = np.where(near, 0.05, 1.0) * (others - points)
    moved[:, inputs] += step[:, inputs]
    sign = 1.0 if isinstance(claim, Increasing | Convex) else -1.0
    first, last = sign * network(points, codes), sign * network(moved, codes)
    if isinstance(claim, Increasing | Decreasing):
        up = np.sign(moved[:, inputs[0]] - points[:, inputs[0]])
        return float((up * (first - last)).max())
    middle = sign * network(0.5 * (points + moved), codes)
    return float((middle - 0.5 * (first + last)).max())


def assert_true_witness(network: Network, verdict: Verdict, lower, upper) -> None:
    """The witness lies in the box, is of the form the claim asks for, and the network contradicts the claim there."""
    witness, claim = verdict.witness, verdict.claim
    assert witness is not None
    numbers = witness.numbers
    assert (numbers >= np.asarray(lower)).all()
    assert (numbers <= np.asarray(upper)).all()
    said = network(numbers, np.tile(witness.codes, (len(numbers), 1)))
    np.testing.assert_allclose(said, witness.values, rtol=1e-12, atol=1e-12 * np.ptp(said))
    if isinstance(claim, Bounded):
        assert len(numbers) == 1
        assert not claim.low <= said[0] <= claim.high
        return
    inputs = [claim.input] if isinstance(claim, Increasing | Decreasing) else list(claim.inputs)
    others = np.setdiff1d(np.arange(numbers.shape[1]), inputs)
    assert (numbers[:, others] == numbers[0, others]).all()
    sign = 1.0 if isinstance(claim, Increasing | Convex) else -1.0
    if isinstance(claim, Increasing | Decreasing):
        assert numbers[0, inputs[0]] < numbers[1, inputs[0]]
        assert sign * (said[1] - said[0]) < 0.0
    else:
        share = (
            (numbers[1] - numbers[0]) @ (numbers[2] - numbers[0]) / np.square(numbers[2] - numbers[0]).sum()
        )
        np.testing.assert_allclose(numbers[1], numbers[0] + share * (numbers[2] - numbers[0]), rtol=1e-14)
        assert 0.0 < share < 1.0
        assert sign * (said[1] - ((1.0 - share) * said[0] + share * said[2])) > 0.0


QUARTER_SQUARES = Network(
    (
        layer(-1.0, 1.0, [[(0.0, 1.0), (0.0, 1.0)], [(0.0, 1.0), (0.0, -1.0)]]),
        layer(-2.0, 2.0, [[(0.0, 0.0, 0.25)], [(0.0, 0.0, -0.25)]]),
    )
)
PRODUCT = Network((layer(-1.0, 1.0, [[(0.0, 1.0), (0.0,)], [(0.0,), (0.0, 1.0)]], products=1),))
BOX = np.full(2, -1.0), np.full(2, 1.0)


class TestClosedForms:
    @pytest.mark.parametrize("network", [QUARTER_SQUARES, PRODUCT])
    def test_a_product_rises_where_the_other_factor_is_not_negative(self, network):
        assert decide(network, Increasing(0), [-1.0, 0.0], [1.0, 1.0]).proved
        assert decide(network, Decreasing(0), [-1.0, -1.0], [1.0, 0.0]).proved
        verdict = decide(network, Increasing(0), *BOX)
        assert verdict.refuted
        assert verdict.witness.numbers[0, 1] < 0.0
        assert_true_witness(network, verdict, *BOX)


def dipped(depth: float) -> Network:
    """A line in x, at grid 40, with a dip between 0.5 and 0.6, behind a second layer."""
    coefficients = np.tile(np.linspace(-1.05, 1.05, 43), (2, 1, 1)).reshape(2, 1, 43)
    dip = coefficients.copy()
    dip[0, 0, 32] = dip[0, 0, 31] - depth
    first = Layer(-np.ones(2), np.ones(2), dip, (), np.zeros(1))
    return Network((first, layer(-2.0, 2.0, [[(0.0, 1.0)]])))


class TestSearch:
    def test_a_small_dip_is_found(self):
        network = dipped(6e-2)
        verdict = decide(network, Increasing(0), *BOX)
        assert verdict.refuted
        assert ((verdict.witness.numbers[:, 0] > 0.4) & (verdict.witness.numbers[:, 0] < 0.65)).all()
        assert_true_witness(network, verdict, *BOX)
        assert decide(network, Increasing(0), [-1.0, -1.0], [0.4, 1.0]).proved
        assert decide(network, Increasing(1), *BOX).proved


def _box(network: Network) -> tuple[np.ndarray, np.ndarray]:
    return np.full(numbers_of(network), -1.2), np.full(numbers_of(network), 1.1)


class TestCyclesAndTables:
    def test_a_periodic_input_rises_only_over_part_of_its_period(self):
        cycle = np.cos(2.0 * np.pi * np.arange(8) / 8.0)[None, None]
        first = Layer(np.zeros(0), np.zeros(0), np.zeros((0, 1, 8)), (), np.zeros(1), cycle)
        network = Network((first,))
        for claim in (Increasing(0), Decreasing(0), Convex((0,)), Concave((0,))):
            verdict = decide(network, claim, [3.0], [12.0])
            assert verdict.refuted
            assert_true_witness(network, verdict, [3.0], [12.0])
        assert decide(network, Decreasing(0), [5.02], [5.48]).proved
        assert decide(network, Increasing(0), [-0.48], [-0.02]).proved
        assert decide(network, Concave((0,)), [0.8], [1.2]).proved
        assert decide(network, Bounded(-1.0, 1.0), [-7.0], [9.0]).proved

    @pytest.fixture
    def tabled(self):
        # (x + t[a] + u[b])²: rises where x + t + u ≥ 0
        first = layer(-1.0, 1.0, [[(0.0, 1.0)]])
        tables = np.array([[2.0], [-3.0], [0.5]]), np.array([[0.1], [0.0]])
        first = Layer(first.lower, first.upper, first.coefficients, tables, first.bias)
        return Network((first, layer(-6.0, 6.0, [[(0.0, 0.0, 1.0)]])))


class TestSoundness:
    @pytest.mark.slow
    @settings(max_examples=60, deadline=None)
    @given(
        seed=st.integers(0, 10_000),
        wiggle=st.sampled_from([0.0, 0.02, 0.1, 0.5]),
        kind=st.sampled_from(["rises", "falls", "convex", "concave", "jointly", "bounded"]),
        scale=st.floats(0.05, 1.5),
    )
    def test_no_sample_contradicts_a_verdict(self, seed, wiggle, kind, scale):
        network = random_network(seed, wiggle)
        width = numbers_of(network)
        centre = np.random.default_rng(seed).uniform(-0.8, 0.8, width)
        lower, upper = centre - scale, centre + scale
        points, codes = draw(network, lower, upper, 300, seed)
        said = network(points, codes)
        claims = {
            "rises": Increasing(seed % width),
            "falls": Decreasing(seed % width),
            "convex": Convex((seed % width,)),
            "concave": Concave((seed % width,)),
            "jointly": Convex(tuple(range(width))),
            "bounded": Bounded(
                float(said.min() - 0.05 * np.ptp(said)), float(said.max() + 0.05 * np.ptp(said))
            ),
        }
        claim = claims[kind]
        verdict = decide(network, claim, lower, upper, budget=2000)
        if verdict.refuted:
            assert_true_witness(network, verdict, lower, upper)
        if verdict.proved:
            assert worst(network, claim, lower, upper) <= 1e-8 * max(1.0, float(np.ptp(said)))
        assert (verdict.witness is not None) == verdict.refuted

    @pytest.mark.parametrize("seed", range(6))
    def test_bounds_near_the_true_range_are_decided(self, seed):
        network = random_network(seed)
        box = _box(network)
        points, codes = draw(network, *box, 40_000, seed)
        said = network(points, codes)
        room = 0.02 * float(np.ptp(said))
        inside = decide(network, Bounded(float(said.min() + room), float(said.max())), *box)
        assert inside.refuted
        assert_true_witness(network, inside, *box)
        assert decide(
            network, Bounded(float(said.min() - 3 * room), float(said.max() + 3 * room)), *box
        ).proved
