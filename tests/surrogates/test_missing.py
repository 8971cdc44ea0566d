"""Gaps as information: what stands for them, and which columns they are found in."""

import numpy as np
import pandas as pd

from kanopt.surrogates.encoding import encoding_of
from kanopt.surrogates.missing import Indicators


def test_numbers_kept_as_objects_stay_numbers():
    table = pd.DataFrame({"km": pd.Series([1.0, None, 3.0, 8.0], dtype=object)})
    indicators = Indicators.of(table)
    assert indicators.fills == {"km": 3.0}
    assert [feature.kind for feature in encoding_of(indicators.filled(table)).features] == [
        "number",
        "category",
    ]


def test_a_weight_counts_as_copies_of_a_row():
    table = pd.DataFrame({"km": [1.0, 4.0, 9.0, np.nan], "load_t": [2.0, 3.0, 4.0, 5.0]})
    weights = np.array([1, 2, 5, 3])
    copies = table.loc[np.repeat(table.index, weights)]
    assert Indicators.of(table, weights.astype(float)).fills == Indicators.of(copies).fills == {"km": 9.0}
