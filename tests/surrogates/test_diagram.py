from __future__ import annotations

import numpy as np
import pytest

from kanopt.surrogates.diagram import diagram_of
from kanopt.surrogates.encoding import Feature, FeatureEncoding
from tests.cases.hand_networks import Network
from tests.cases.law_search_networks import layer, line, square


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
    diagram = diagram_of(model.formula, encoding, output="cost", points=9)
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
