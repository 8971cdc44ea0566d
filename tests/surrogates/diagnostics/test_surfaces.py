from __future__ import annotations

import numpy as np
import pytest

from kanopt.kan.description import Network
from kanopt.surrogates.diagnostics import perturbed_networks
from tests.cases.law_search_networks import additive, layer, line, square


def test_networks_near_by_have_the_covariance_asked_for() -> None:
    first = layer([[line, square]], tables=([[1.0, 2.0], [3.0, 4.0]],), cycles=[[line, line]], products=1)
    network = Network((first, layer([[line]])))
    flat = network.parameters
    rng = np.random.default_rng(0)
    root = rng.normal(size=(flat.size, 3)) * 0.1
    drawn = perturbed_networks(network, root @ root.T, draws=4000, step=0.5)
    moves = np.array([other.parameters - flat for other in drawn]) / 0.5
    assert np.allclose(moves.T @ moves / len(moves), root @ root.T, atol=0.1 * (root @ root.T).max())
    assert all(np.array_equal(a.bias, b.bias) for a, b in zip(drawn[0].layers, network.layers, strict=True))
    again = perturbed_networks(network, root @ root.T, draws=2, step=0.5)
    assert np.array_equal(
        again[0].parameters, perturbed_networks(network, root @ root.T, draws=2, step=0.5)[0].parameters
    )


def test_a_covariance_of_other_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="86 parameters"):
        perturbed_networks(additive(line, line), np.eye(3))
