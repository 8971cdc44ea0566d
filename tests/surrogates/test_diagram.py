from __future__ import annotations

import numpy as np
import pytest


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
