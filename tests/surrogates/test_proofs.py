"""What a model is asked to prove, as a user gives it."""

import numpy as np
import pandas as pd
import pytest

from kanopt import FitError, KANRegressor


@pytest.fixture(scope="module")
def rising():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(5, 80, 60), "load_t": rng.uniform(1, 10, 60)})
    options = {"log_target": False, "log_features": [], "loss": "squared"}
    return KANRegressor((), **options).fit(table, 2.0 * table["km"] + table["load_t"])


@pytest.mark.parametrize("sign", [2, "up", True, 0.5])
def test_a_sign_is_one_of_three(rising, sign):
    with pytest.raises(FitError, match=r"verify: column 'km' has .*use \+1 \(rises\), -1 \(falls\) or 0"):
        rising.verify(monotone={"km": sign})


def test_a_sign_of_zero_claims_nothing(rising):
    assert rising.verify(monotone={"km": 1, "load_t": 0})["claim"].tolist() == ["rises with km"]


@pytest.mark.parametrize("word", ["convex", "concave"])
def test_one_name_is_no_list_of_columns(rising, word):
    with pytest.raises(FitError, match=rf"verify: {word}='km' must be a list of columns, such as \['km'\]"):
        rising.verify(**{word: "km"})
