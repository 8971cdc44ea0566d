"""Which structures are tried."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import kanopt as ko


@pytest.mark.slow
@pytest.mark.parametrize(("many", "trials"), [(2, 2), (1, 1)])
def test_four_nodes_are_tried_on_one_target_where_numbers_are_many(
    many: int, trials: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # more than `many` numbers are many
    monkeypatch.setattr("kanopt.surrogates.architecture_selection.MANY", many)
    rng = np.random.default_rng(5)
    X = pd.DataFrame(rng.uniform(0.0, 1.0, (600, 2)), columns=["a", "b"])
    law = 3.0 + np.sin(6.0 * X["a"] * X["b"]) + np.cos(7.0 * (X["a"] - X["b"]))
    model = ko.KANRegressor(seed=0).fit(X, law * rng.lognormal(0.0, 0.05, 600))
    tried = model.alternatives_[model.alternatives_["hidden"].isin([(4,)])]
    assert len(tried) == trials
    assert model.alternatives_.loc[model.alternatives_["chosen"], "hidden"].tolist() == [(4,)]
