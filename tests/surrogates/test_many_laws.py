"""One law for each group: the laws of the groups, groups that are refused, and mistakes."""

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.surrogates import KANRegressor, LawLimits, fit_laws
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
    return fit_laws(
        trips,
        "minutes",
        ["km"],
        by="depot",
        model=KANRegressor(hidden=[], starts=2),
        limits=LawLimits(budget=4.0),
    )


def test_each_group_has_its_law(laws):
    assert list(laws) == ["north", "south"]
    for depot, rate in RATES.items():
        assert laws[depot].evaluate({"km": 10.0}) == pytest.approx(10.0 * rate, rel=0.02)
        assert laws[depot].output.unit == "min"
        assert laws[depot].inputs[0].unit == "km"


def test_a_group_without_a_law_is_told(laws):
    assert list(laws.refused) == ["east"]
    with pytest.raises(KeyError, match="depot 'east' has no law"):
        laws["east"]
    with pytest.raises(KeyError, match="did you mean 'north'"):
        laws["nort"]
    assert "no law: 'east'" in str(laws)
    assert laws.summary["rows"].tolist() == [3, 80, 80]
    assert laws.summary["verdict"].tolist()[0] == "refused"
    assert (laws.summary["r2"].dropna() > 0.99).all()


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
