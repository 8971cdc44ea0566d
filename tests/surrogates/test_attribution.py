"""What the output loses without an edge."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.surrogates.curves import edge_scores
from tests.cases.hand_networks import Network
from tests.cases.law_search_networks import additive, layer, line, product, square, times

Floats = NDArray[np.float64]


def rows(columns: int, n: int = 400, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (n, columns))


def test_in_an_additive_model_an_edge_counts_by_its_spread() -> None:
    numbers = rows(2)
    (found,) = edge_scores(additive(times(3.0), np.sin).formula, numbers)
    assert found[:, 0] == pytest.approx([3 * numbers[:, 0].std(), np.sin(numbers[:, 1]).std()], rel=1e-4)


def test_a_wide_edge_into_a_node_that_leads_nowhere_counts_for_nothing() -> None:
    first = layer([[times(100.0), None], [None, line]])
    network = Network((first, layer([[None], [square]])))
    assert edge_scores(network.formula, rows(2) * 0.03)[0][0, 0] == 0.0


def test_a_factor_counts_by_what_the_product_loses_when_it_is_held() -> None:
    numbers = rows(2, n=20_000)
    u, v = numbers[:, 0], numbers[:, 1]
    first = edge_scores(product([line, None], [None, line]).formula, numbers)[0]
    assert first.max(axis=1) == pytest.approx(2 * [(u * v).std()], rel=0.02)  # both carry the whole product
