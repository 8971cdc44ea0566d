from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from kanopt.surrogates.curves import Attribution, attribution
from tests.cases.hand_networks import Network
from tests.cases.law_search_networks import additive, layer, line, product, square, times

Floats = NDArray[np.float64]


def attribution_of(network: Network, numbers: Floats) -> Attribution:
    names = [f"x{place}" for place in range(numbers.shape[1])]
    return attribution(network.formula, numbers, names=names, output="y")


def rows(columns: int, n: int = 400, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).uniform(-1.0, 1.0, (n, columns))


def scores(network: Network, numbers: Floats) -> dict[str, float]:
    frame = attribution_of(network, numbers).features
    return dict(zip(frame["feature"], frame["score"], strict=True))


def test_in_an_additive_model_a_column_counts_by_the_spread_of_its_edge() -> None:
    numbers = rows(2)
    found = scores(additive(times(3.0), np.sin), numbers)
    assert found["x0"] == pytest.approx(3 * numbers[:, 0].std(), rel=1e-6)
    assert found["x1"] == pytest.approx(np.sin(numbers[:, 1]).std(), rel=1e-4)
    frame = attribution_of(additive(times(3.0), np.sin), numbers).features
    assert frame["feature"].tolist() == ["x0", "x1"]
    output = additive(times(3.0), np.sin)(numbers)
    assert np.allclose(frame["share"], frame["score"] / output.std())


def test_a_wide_edge_into_a_node_that_leads_nowhere_counts_for_nothing() -> None:
    first = layer([[times(100.0), None], [None, line]])
    network = Network((first, layer([[None], [square]])))
    numbers = rows(2) * 0.03
    found = attribution_of(network, numbers)
    assert found.edge_scores[0][0, 0] == 0.0
    assert found.features["feature"].tolist() == ["x1", "x0"]
    assert found.features["share"].tolist() == pytest.approx([1.0, 0.0])
    nearly = Network((first, layer([[times(1e-9)], [square]])))
    assert attribution_of(nearly, numbers).features["share"].iloc[1] < 1e-4


def test_a_factor_counts_by_what_the_product_loses_when_it_is_frozen() -> None:
    numbers = rows(2, n=20_000)
    u, v = numbers[:, 0], numbers[:, 1]
    centred = scores(product([line, None], [None, line]), numbers)
    assert centred["x0"] == pytest.approx((u * v).std(), rel=0.02)  # both carry the whole product
    assert centred["x1"] == pytest.approx((u * v).std(), rel=0.02)
    shifted = scores(product([line, None], [None, lambda x: 3.0 + 0.1 * x]), numbers)
    whole = u * (3.0 + 0.1 * v)
    assert shifted["x0"] == pytest.approx(((u - u.mean()) * (3.0 + 0.1 * v)).std(), rel=1e-9)
    assert shifted["x1"] == pytest.approx((u * 0.1 * (v - v.mean())).std(), rel=1e-6)
    assert shifted["x0"] == pytest.approx(whole.std(), rel=0.01)
