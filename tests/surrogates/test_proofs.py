"""What a model is asked to prove, as a user gives it."""

import numpy as np
import pandas as pd
import pytest

from kanopt import FitError, KANRegressor
from kanopt.errors import KanoptWarning


@pytest.fixture(scope="module")
def rising():
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(5, 80, 60), "load_t": rng.uniform(1, 10, 60)})
    options = {"log_target": False, "log_features": [], "loss": "squared"}
    return KANRegressor((), **options).fit(table, 2.0 * table["km"] + table["load_t"])


@pytest.mark.parametrize("sign", [2, "up", True, 0.5])
def test_a_sign_is_one_of_three(rising, sign):
    with pytest.raises(
        FitError, match=r"verify: monotone: column 'km' has .*use \+1 \(rises\), -1 \(falls\) or 0"
    ):
        rising.verify(monotone={"km": sign})


def test_a_sign_of_zero_claims_nothing(rising):
    assert rising.verify(monotone={"km": 1, "load_t": 0})["claim"].tolist() == ["rises with km"]


def test_where_nothing_is_claimed_it_is_told_what_can_be(rising):
    with pytest.warns(KanoptWarning, match=r"nothing to prove, .* monotone=\{'km': \+1\}, convex=.*bounds="):
        assert rising.verify().empty


@pytest.mark.parametrize("word", ["convex", "concave"])
def test_one_name_is_no_list_of_columns(rising, word):
    with pytest.raises(FitError, match=rf"verify: {word}='km' must be a list of columns, such as \['km'\]"):
        rising.verify(**{word: "km"})


def test_a_law_close_to_its_lower_end_is_not_refuted():
    """From the review: a clipped inverse tested a bound of 1 where 0.54 was asked for."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (400, 2))
    y = 0.7 + 500 * x[:, 0] ** 2 * (0.5 + x[:, 1])
    model = KANRegressor((), bounds=(0.0, 1000.0), seed=1, log_target=False).fit(x, y)
    least = model.predict(rng.uniform(x.min(axis=0), x.max(axis=0), (5000, 2))).min()
    assert model.verify(bounds=(0.2 * least, None))["verdict"].tolist() == ["proved"]
