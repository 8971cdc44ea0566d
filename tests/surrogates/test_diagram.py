from __future__ import annotations

import numpy as np
import pytest

from kanopt.kan import Layer, Network
from kanopt.surrogates.attribution import attribution
from kanopt.surrogates.diagram import diagram_of
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from tests.cases.law_search_networks import layer, line, square


def network() -> tuple[Network, FeatureEncoding]:
    rng = np.random.default_rng(0)
    lower, upper = np.array([np.log(2.0), 0.6]), np.array([np.log(30.0), 2.0])
    first = Layer(lower, upper, rng.normal(size=(2, 2, 8)), (rng.normal(size=(3, 2)),), np.zeros(2))
    last = Layer(-np.ones(2), np.ones(2), rng.normal(size=(2, 1, 8)), (), np.zeros(1))
    features = (
        Feature("km", "number", log=True, low=2.0, high=30.0),
        Feature("mode", "category", categories=("air", 2, True)),
        Feature("hour", "number", scale=10.0, low=6.0, high=20.0),
    )
    return Network((first, last)), FeatureEncoding(features)


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
    for index in (0, 1):
        strengths = [edge.strength for edge in edges if edge.layer == index]
        assert max(strengths) == 1.0
        assert min(strengths) > 0.0
    flat = Network((Layer(np.zeros(1), np.ones(1), np.zeros((1, 1, 8)), (), np.zeros(1)),))
    only = diagram_of(flat, FeatureEncoding((Feature("a", "number", high=1.0),)), output="y").edges[0]
    assert only.strength == pytest.approx(0.0)


def with_a_product() -> tuple[Network, FeatureEncoding]:
    """A sum of km and the hour, and the product of km with load and mode."""
    first = layer(
        [[line, line, None], [None, None, square]],
        cycles=[[lambda z: np.sin(2 * np.pi * z), None, None]],
        tables=([[0.0, 0.0, 1.0], [0.0, 0.0, -1.0]],),
        products=1,
    )
    features = (
        Feature("hour", "cycle", scale=24.0, low=0.0, high=24.0),
        Feature("km", "number", scale=10.0, low=0.0, high=40.0),
        Feature("load", "number", low=0.0, high=4.0),
        Feature("mode", "category", categories=("air", "road")),
    )
    return Network((first, layer([[line], [line]]))), FeatureEncoding(features)


def test_products_cycles_and_pruned_edges() -> None:
    model, encoding = with_a_product()
    diagram = diagram_of(model, encoding, output="cost", points=9)
    assert diagram.layers == (("km", "load", "hour mod 24", "mode"), ("", ""), ("cost",))
    assert diagram.products == (0, 1, 0)
    assert [diagram.is_product(1, node) for node in (0, 1)] == [False, True]
    assert not diagram.is_product(0, 3)
    first = [edge for edge in diagram.edges if edge.layer == 0]
    assert [(edge.target, edge.factor) for edge in first] == [(0, 0), (1, 1), (1, 2)] * 4
    kept = [(edge.source, edge.target, edge.factor) for edge in first if not edge.pruned]
    assert kept == [(0, 0, 0), (0, 1, 1), (1, 1, 2), (2, 0, 0), (3, 1, 2)]
    hour = first[6]
    assert hour.x.tolist() == [3.0 * step for step in range(9)]
    assert np.allclose(hour.y, np.sin(2 * np.pi * hour.x / 24.0), atol=1e-4)
    assert first[0].x.tolist() == pytest.approx(np.linspace(-40.0, 40.0, 9).tolist())


def test_strength_follows_what_the_output_loses() -> None:
    model, encoding = with_a_product()
    rng = np.random.default_rng(0)
    rows = rng.uniform(0.0, 1.0, (100, 3)), rng.integers(0, 2, (100, 1))
    scores = attribution(model, *rows).edge_scores
    for index, edges in enumerate(scores):
        drawn = [
            edge for edge in diagram_of(model, encoding, output="y", rows=rows).edges if edge.layer == index
        ]
        assert np.allclose([edge.strength for edge in drawn], edges.ravel() / edges.max())
        assert all(edge.strength == 0.0 for edge in drawn if edge.pruned)


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
