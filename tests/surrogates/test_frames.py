"""The rows that a user gives: units that are declared otherwise than at the fit are converted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from kanopt import Formula, KANRegressor, with_units
from kanopt.errors import UnitError
from tests.cases.own_rows import judged_by_own_rows


@pytest.fixture(scope="module")
def trips() -> pd.DataFrame:
    km = np.random.default_rng(0).uniform(5, 80, 200)
    return with_units(pd.DataFrame({"km": km, "eur": 2.0 * km**0.9}), {"km": "km", "eur": "EUR"})


@pytest.fixture(scope="module")
def model(trips: pd.DataFrame) -> KANRegressor:
    return KANRegressor(seed=0).fit(trips[["km"]], trips["eur"])


def in_metres(trips: pd.DataFrame) -> pd.DataFrame:
    return with_units(trips.assign(km=1000.0 * trips["km"]), {"km": "m", "eur": "EUR"})


def test_a_frame_in_another_unit_is_predicted_alike(model: KANRegressor, trips: pd.DataFrame) -> None:
    expected = model.predict(trips[["km"]])
    np.testing.assert_allclose(model.predict(in_metres(trips)[["km"]]), expected, rtol=1e-9)
    # numbers without a unit are in that of the fit
    np.testing.assert_array_equal(model.predict(pd.DataFrame({"km": trips["km"].to_numpy()})), expected)


@judged_by_own_rows
def test_the_formula_has_the_units_of_the_fit(model: KANRegressor, trips: pd.DataFrame) -> None:
    law = model.to_formula(in_metres(trips))
    assert law.inputs[0].unit == "km"
    assert law.fit is not None
    assert law.fit.r2 > 0.999
    np.testing.assert_allclose(law.evaluate(in_metres(trips)), trips["eur"], rtol=1e-3)


def test_what_is_predicted_is_a_formula_that_is_saved(
    model: KANRegressor, trips: pd.DataFrame, tmp_path: Path
) -> None:
    law = Formula.load(model.formula_.save(tmp_path / "trips.json"))
    assert (law, law.inputs[0].unit) == (model.formula_, "km")
    np.testing.assert_allclose(law.evaluate(in_metres(trips)), model.predict(trips[["km"]]), rtol=1e-9)


def test_another_dimension_is_refused(model: KANRegressor, trips: pd.DataFrame) -> None:
    with pytest.raises(UnitError):
        model.predict(with_units(trips[["km"]], {"km": "h"}))
