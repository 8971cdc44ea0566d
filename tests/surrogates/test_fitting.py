"""What is kept of a search: simpler laws that were tried, and how far rows are trusted when a formula is chosen."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor


@pytest.mark.parametrize("wild", [0, 8])
def test_a_formula_is_chosen_on_rows_with_these_weights(wild: int) -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.uniform(0, 1, 400)})
    target = (2 * frame["a"] + 0.1 * rng.standard_normal(400)).rename("y")
    target[:wild] += 40.0
    rows = KANRegressor(seed=0, hidden=(), loss="tukey").fit(frame, target)._rows
    assert rows is not None
    assert (rows.weight[:wild] < 0.01).all()
    if not wild:
        np.testing.assert_array_equal(rows.weight, np.ones(400))
    else:
        assert 0.5 < rows.weight[wild:].mean() < 1.0
