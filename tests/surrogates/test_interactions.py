"""Whether residuals tell of two columns together: noise must not, and what is rare or steep must."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from kanopt.surrogates.screening import INTERACTION, interaction_gain

Floats = NDArray[np.float64]
ROWS = 2_000
NOTHING = np.zeros((ROWS, 0), dtype=np.int64)
ONES = np.ones(ROWS)


@given(st.integers(0, 10_000), st.integers(2, 6))
@settings(deadline=None, max_examples=30)
def test_noise_tells_of_no_pair(seed: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.exp(rng.standard_normal((ROWS, columns)))
    noise = rng.standard_normal(ROWS)
    gain, _ = interaction_gain(noise, x, NOTHING, ONES, seed)
    # of sixty draws of twelve columns the largest was 0.0063
    assert gain < 2.0 * INTERACTION


def flat_fare(x: Floats, codes: NDArray[np.int64]) -> Floats:
    return np.where((codes[:, 0] == 3) & (x[:, 0] > 0.8), 4.0, 0.0)


def product(x: Floats, codes: NDArray[np.int64]) -> Floats:
    return (x[:, 0] - 0.5) * (x[:, 2] - 0.5) * 3.0


def by_category(x: Floats, codes: NDArray[np.int64]) -> Floats:
    return (x[:, 1] - 0.5) * np.array([-1.0, 1.0, 0.5, -0.5])[codes[:, 0]]


def narrow(x: Floats, codes: NDArray[np.int64]) -> Floats:
    return np.where((np.abs(x[:, 0] - 0.3) < 0.06) & (np.abs(x[:, 1] - 0.7) < 0.06), 5.0, 0.0)


@pytest.mark.parametrize(
    ("effect", "pair"), [(product, (0, 2)), (by_category, (1, 3)), (flat_fare, (0, 3)), (narrow, (0, 1))]
)
def test_what_two_columns_do_together_is_seen(effect, pair: tuple[int, int]) -> None:
    rng = np.random.default_rng(4)
    x, codes = rng.uniform(0.0, 1.0, (ROWS, 3)), rng.integers(0, 4, (ROWS, 1))
    residual = effect(x, codes) + rng.standard_normal(ROWS)
    gain, found = interaction_gain(residual, x, codes, ONES, 0)
    assert gain > INTERACTION
    assert found == pair


@pytest.mark.parametrize("columns", [3, 10, 25])
def test_columns_that_say_nothing_do_not_hide_two_that_do(columns: int) -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(0.0, 1.0, (ROWS, columns))
    residual = rng.standard_normal(ROWS) + 2.0 * (x[:, 0] - 0.5) * (x[:, 2] - 0.5)
    gain, found = interaction_gain(residual, x, NOTHING, ONES, 0)
    assert gain > INTERACTION
    assert found == (0, 2)


def test_what_is_left_of_single_columns_is_no_interaction() -> None:
    rng = np.random.default_rng(6)
    x = rng.uniform(0.0, 1.0, (ROWS, 4))
    residual = rng.standard_normal(ROWS) + 0.1 * np.sin(9.0 * x[:, 0]) + 0.3 * x[:, 1]
    gain, _ = interaction_gain(residual, x, NOTHING, ONES, 0)
    assert gain < INTERACTION


def test_the_same_seed_gives_the_same_and_a_row_of_weight_two_counts_as_two() -> None:
    rng = np.random.default_rng(8)
    x, noise = rng.uniform(0.0, 1.0, (ROWS, 2)), rng.standard_normal(ROWS)
    residual = noise + 2.0 * (x[:, 0] - 0.5) * (x[:, 1] - 0.5)
    first = interaction_gain(residual, x, NOTHING, ONES, 3)
    assert first == interaction_gain(residual, x, NOTHING, ONES, 3)
    # the prior of a cell counts rows: a thousand copies of each leave it no say
    heavy, _ = interaction_gain(residual, x, NOTHING, 1000.0 * ONES, 3)
    assert heavy != first[0]


def test_columns_that_say_nothing_are_no_fault() -> None:
    gain, found = interaction_gain(np.zeros(ROWS), np.ones((ROWS, 2)), NOTHING, ONES, 0)
    assert (gain, found) == (0.0, None)
