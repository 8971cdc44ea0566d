"""One law for each group: the laws of the groups, groups that are refused, and mistakes."""

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import KanoptWarning, TableError
from kanopt.surrogates import KANRegressor, fit_laws
from kanopt.tables import with_units

RATES = {"north": 2.0, "south": 3.5}


@pytest.fixture(scope="module")
def trips():
    rng = np.random.default_rng(0)
    frames = []
    for depot, rate in RATES.items():
        km = rng.uniform(1.0, 30.0, 80)
        frames.append(
            pd.DataFrame({"depot": depot, "km": km, "minutes": rate * km + rng.normal(0.0, 0.1, 80)})
        )
    # three rows are none to learn from
    frames.append(pd.DataFrame({"depot": "east", "km": [1.0, 2.0, 3.0], "minutes": [9.0, 1.0, 5.0]}))
    return with_units(pd.concat(frames, ignore_index=True), {"km": "km", "minutes": "min"})


@pytest.fixture(scope="module")
def laws(trips):
    with pytest.warns(KanoptWarning, match="depot 'east' has no law"):
        return fit_laws(
            trips, "minutes", ["km"], "depot", model=KANRegressor(hidden=[], starts=2), budget=4.0
        )


def test_each_group_has_its_law(laws):
    assert list(laws) == ["north", "south"]
    for depot, rate in RATES.items():
        assert laws[depot].evaluate({"km": 10.0}) == pytest.approx(10.0 * rate, rel=0.02)
        assert laws[depot].output.unit == "min"
        assert laws[depot].inputs[0].unit == "km"
        assert laws[depot].fit.r2 > 0.99


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"by": "depo"}, "no column 'depo'; did you mean 'depot'"),
        ({"target": "minute"}, "no column 'minute'; did you mean 'minutes'"),
        ({"features": ["km", "depot"]}, "is the column of the groups"),
    ],
)
def test_mistakes(trips, change, message):
    given = {"target": "minutes", "features": ["km"], "by": "depot", **change}
    with pytest.raises(TableError, match=message):
        fit_laws(trips, given["target"], given["features"], by=given["by"])
