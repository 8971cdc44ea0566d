"""The road from table to formula, measured against laws that are known."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Formula, Table
from kanopt.surrogates import KANRegressor
from kanopt.tables import load_example, split, with_units
from tests.cases.city import city_law
from tests.cases.own_rows import judged_by_own_rows


@pytest.fixture(scope="module")
def travel_time() -> Formula:
    return city_law("travel_time")


@pytest.mark.slow
def test_learned_travel_time_of_the_city_is_the_true_one_within_the_noise(travel_time: Formula) -> None:
    city = load_example("city")
    rows = city.trips
    truth = city.true_minutes(rows["distance_km"].to_numpy(), rows["hour"].to_numpy())
    ratio = travel_time.evaluate(rows) / truth
    # 8 % noise over 4,000 rows and about 13 effective parameters: a standard error of 0.08 √(13 / 4000) = 0.5 %
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < 0.015
    assert abs(ratio.mean() - 1) < 0.01


@pytest.mark.slow
def test_learned_travel_time_reads_like_the_law(travel_time: Formula) -> None:
    assert str(travel_time).endswith("· distance_km · s(hour)")
    assert [curve.name for curve in travel_time.curves] == ["s"]
    assert {variable.name: variable.unit for variable in travel_time.inputs} == {
        "distance_km": "km",
        "hour": "h",
    }
    assert (travel_time.output.name, travel_time.output.unit) == ("travel_time", "min")
    assert travel_time.per == "leg"
    assert travel_time.fit is not None
    assert travel_time.fit.rows_test == 1018
    assert [a.chosen for a in travel_time.alternatives].count(True) == 1


@pytest.mark.slow
def test_fuel_of_the_city_is_the_true_one_and_rises_with_the_load() -> None:
    city = load_example("city")
    columns = ["distance_km", "load_t", "hour"]
    law = city_law("fuel")
    truth = city.true_fuel_l(*(city.trips[name].to_numpy() for name in columns))
    ratio = law.evaluate(city.trips) / truth
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < 0.02
    load = np.linspace(0, 3.5, 50)
    assert np.all(np.diff(law.evaluate({"distance_km": 5.0, "load_t": load, "hour": 12.0})) > 0)


def test_without_any_effect_in_the_world_none_is_learned() -> None:
    city = load_example("city")
    trips = city.trips.assign(minutes=city.trips["minutes"] / city.slowdown(city.trips["hour"]))
    train, test = split(trips, by="week", holdout=4)
    train = train[:1500]
    law = KANRegressor(seed=7).fit(train[["distance_km", "hour"]], train["minutes"]).to_formula(test)
    ratio = law.evaluate(test) / (60.0 * test["distance_km"].to_numpy() / 35.0)
    assert np.sqrt(np.mean((ratio - 1) ** 2)) < 0.01
    assert law.used == {"distance_km"}


def power_table(rows: int = 400) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(
        {
            "weight": rng.uniform(0.5, 40, rows),
            "km": rng.uniform(20, 2000, rows),
            "mode": rng.choice(["air", "sea", "road"], rows),
        }
    )
    factor = frame["mode"].map({"air": 8.0, "sea": 1.0, "road": 2.5})
    frame["cost"] = factor * frame["weight"] ** 0.65 * frame["km"] ** 0.5
    return frame


@pytest.mark.slow
def test_a_power_law_with_categories_is_found_exactly() -> None:
    frame = power_table()
    frame["cost"] *= np.exp(0.02 * np.random.default_rng(1).standard_normal(len(frame)))
    train, test = frame[:300], frame[300:]
    model = KANRegressor(seed=0).fit(train[["weight", "km", "mode"]], train["cost"])
    law = model.to_formula(test, min_r2=0.99)
    (table,) = [factor for factor in law.root.children if isinstance(factor, Table)]
    factors = dict(table.entries)
    assert factors[("air",)] / factors[("sea",)] == pytest.approx(8.0, rel=0.02)
    assert "sqrt(km)" in str(law)
    exponent = min(law.constants, key=lambda constant: abs(constant.value - 0.65))
    assert exponent.standard_error is not None
    assert abs(exponent.value - 0.65) < 4 * exponent.standard_error
    assert exponent.standard_error == pytest.approx(
        0.02 / np.std(np.log(train["weight"])) / np.sqrt(300), rel=0.2
    )


@pytest.mark.slow
@judged_by_own_rows
def test_units_of_the_held_out_frame_become_the_units_of_the_formula() -> None:
    frame = with_units(power_table(120), {"weight": "t", "km": "km", "cost": "EUR"})
    model = KANRegressor((), seed=0).fit(frame[["weight", "km", "mode"]], frame["cost"])
    law = model.to_formula(frame)
    assert [variable.unit for variable in law.inputs] == ["t", "km", ""]
    assert law.output.unit == "EUR"
    assert model.to_formula(frame, unit="USD").output.unit == "USD"


@judged_by_own_rows
def test_the_domain_is_that_of_the_training_rows() -> None:
    frame = power_table()
    law = KANRegressor((), seed=0).fit(frame[["weight", "km", "mode"]], frame["cost"]).to_formula(frame)
    assert not law.outside(frame).any()
    assert law.outside({"weight": 80.0, "km": 100.0, "mode": "sea"}).all()


def test_a_deep_network_becomes_a_formula_that_predicts_as_well() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"a": rng.uniform(-1, 1, 500), "b": rng.uniform(-1, 1, 500)})
    frame["y"] = frame["a"] * frame["b"]
    train, test = frame[:400], frame[400:]
    model = KANRegressor(hidden=(2,), seed=0).fit(train[["a", "b"]], train["y"])
    law = model.to_formula(test)
    network = np.sqrt(np.mean((model.predict(test[["a", "b"]]) - test["y"]) ** 2))
    formula = np.sqrt(np.mean((law.evaluate(test) - test["y"]) ** 2))
    assert formula < max(1.02 * network, 1e-4)


@pytest.mark.slow
@judged_by_own_rows
def test_the_law_of_congested_links_is_read_off_eighty_rows() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"free": rng.uniform(2, 10, 80), "capacity": rng.uniform(4000, 26000, 80)})
    frame["volume"] = frame["capacity"] * rng.uniform(0.3, 2.5, 80)
    frame["minutes"] = frame["free"] * (1 + 0.15 * (frame["volume"] / frame["capacity"]) ** 4)
    columns = ["free", "capacity", "volume"]
    model = KANRegressor(hidden=(2,), log_target=True, log_features=columns, seed=1)
    law = model.fit(frame[columns], frame["minutes"]).to_formula(frame)
    assert str(law) == "free · (1 + 0.15 · volume^4 / capacity^4)"
    np.testing.assert_allclose(law.evaluate(frame), frame["minutes"], rtol=1e-9)


def test_a_law_that_does_not_predict_is_refused_with_both_figures() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.uniform(0, 1, 100), "y": rng.normal(size=100)})
    model = KANRegressor(seed=0).fit(frame[["x"]][:80], frame["y"][:80])
    with pytest.raises(FormulaError, match=r"'y' is refused: R² .* on 20 held-out rows is below 0\.9"):
        model.to_formula(frame[80:], min_r2=0.9)


@pytest.mark.slow
def test_declared_units_of_flow_and_capacity_cancel() -> None:
    rng = np.random.default_rng(8)
    columns = {
        "t0": rng.uniform(2, 30, 360),
        "q": rng.uniform(300, 2400, 360),
        "c": rng.uniform(1000, 2200, 360),
    }
    links = pd.DataFrame(columns)
    links["minutes"] = links["t0"] * (1 + 0.15 * (links["q"] / links["c"]) ** 4)
    links["minutes"] += 0.05 * links["minutes"].std() * rng.standard_normal(360)
    model = KANRegressor(seed=0, hidden=()).fit(links[["t0", "q", "c"]][:300], links["minutes"][:300])
    units = {"t0": "min", "q": "veh/h", "c": "veh/h", "minutes": "min"}
    law = model.to_formula(with_units(links[300:], units))
    assert re.fullmatch(r"t0 · \(1 \+ 0\.1\d+ · q\^4 / c\^4\)", str(law))
    assert [variable.unit for variable in law.inputs] == ["min", "veh/h", "veh/h"]
    # what the rows cannot tell from one has no unit: the leading coefficient went, the share is a named constant
    assert [constant.name for constant in law.constants] == ["c1"]
    again = Formula.from_json(law.to_json())
    assert again.edited(again.pattern).evaluate(links[:5]) == pytest.approx(
        law.evaluate(links[:5]), rel=1e-12
    )
