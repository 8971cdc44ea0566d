from __future__ import annotations

import numpy as np
import pytest

from kanopt.kan import Layer, Network
from kanopt.surrogates.diagram import diagram_of
from kanopt.surrogates.encoding import Encoding, Feature


def network() -> tuple[Network, Encoding]:
    rng = np.random.default_rng(0)
    lower, upper = np.array([np.log(2.0), 0.6]), np.array([np.log(30.0), 2.0])
    first = Layer(lower, upper, rng.normal(size=(2, 2, 8)), (rng.normal(size=(3, 2)),), np.zeros(2))
    last = Layer(-np.ones(2), np.ones(2), rng.normal(size=(2, 1, 8)), (), np.zeros(1))
    features = (
        Feature("km", "number", log=True, low=2.0, high=30.0),
        Feature("mode", "category", categories=("air", 2, True)),
        Feature("hour", "number", scale=10.0, low=6.0, high=20.0),
    )
    return Network((first, last)), Encoding(features)


def test_nodes_are_named_and_every_edge_is_there() -> None:
    diagram = diagram_of(*network(), output="minutes", log_output=True)
    assert diagram.layers == (("log km", "hour", "mode"), ("", ""), ("log minutes",))
    assert [(edge.layer, edge.source, edge.target) for edge in diagram.edges] == [
        *((0, source, target) for source in range(3) for target in range(2)),
        (1, 0, 0),
        (1, 1, 0),
    ]
    assert diagram_of(*network(), output="minutes").layers[-1] == ("minutes",)


def test_curves_are_those_of_the_network() -> None:
    model, encoding = network()
    edges = diagram_of(model, encoding, output="y", points=5).edges
    km, hour, mode = edges[0], edges[2], edges[4]
    assert np.allclose(km.x, np.linspace(np.log(2.0), np.log(30.0), 5))
    assert np.allclose(hour.x, np.linspace(6.0, 20.0, 5))
    assert np.allclose(hour.y, model.layers[0].edges(1, hour.x / 10.0)[:, 0])
    assert mode.labels == ("air", "2", "True")
    assert np.allclose(mode.y, model.layers[0].tables[0][:, 0])


def test_strength_is_relative_to_the_widest_edge_of_the_layer() -> None:
    edges = diagram_of(*network(), output="y").edges
    for layer in (0, 1):
        strengths = [edge.strength for edge in edges if edge.layer == layer]
        assert max(strengths) == 1.0
        assert min(strengths) > 0.0
    flat = Network((Layer(np.zeros(1), np.ones(1), np.zeros((1, 1, 8)), (), np.zeros(1)),))
    only = diagram_of(flat, Encoding((Feature("a", "number", high=1.0),)), output="y").edges[0]
    assert only.strength == pytest.approx(0.0)


def test_a_fitted_model_gives_its_diagram_and_draws_it() -> None:
    import pandas as pd
    from matplotlib.figure import Figure

    from kanopt.surrogates import KANRegressor

    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"a": rng.uniform(0, 1, 60), "b": rng.uniform(0, 1, 60)})
    model = KANRegressor(hidden=(), log_target=False, log_features=[], loss="squared", starts=1)
    model.fit(rows, pd.Series(3 * rows["a"] - rows["b"], name="cost"))
    diagram = model.diagram(points=7)
    assert diagram.layers == (("a", "b"), ("cost",))
    assert [round(float(np.ptp(edge.y)), 2) for edge in diagram.edges] == pytest.approx([2.95, 0.97], abs=0.1)
    ax = Figure().add_subplot()
    assert model.plot(ax) is ax
    assert len(ax.patches) == 2
