"""Gaps as information: what stands for them, and which columns they are found in."""

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import FitError
from kanopt.surrogates.encoding import MissingIndicators, encoding_of


def test_numbers_kept_as_objects_stay_numbers():
    table = pd.DataFrame({"km": pd.Series([1.0, None, 3.0, 8.0], dtype=object)})
    indicators = MissingIndicators.from_frame(table)
    assert indicators.fills == {"km": 3.0}
    assert [feature.kind for feature in encoding_of(indicators.transform(table)).features] == [
        "number",
        "category",
    ]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.Series(["far", 2.0], dtype=object), "row 0 now holds 'far'"),
        (pd.date_range("2024-01-01", periods=2), "row 0 now holds Timestamp"),
    ],
)
def test_words_in_a_column_with_gaps_are_named_at_predict(values, message):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(1, 9, 40)})
    cost = (2.0 * table["km"]).rename("cost")
    model = KANRegressor((), missing="indicator", log_target=False).fit(table.mask(table["km"] < 2), cost)
    with pytest.raises(FitError, match=f"column 'km' was a number in training; {message}"):
        model.predict(pd.DataFrame({"km": values}))
    for gaps in ([None, None], pd.array([pd.NA, pd.NA], dtype="Int64")):
        assert np.isfinite(model.predict(pd.DataFrame({"km": gaps}))).all()
