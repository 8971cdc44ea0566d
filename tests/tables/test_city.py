"""The example city: its frozen facts, its true laws, and what the planning tables promise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import TableError
from kanopt.tables import City, make_city, report_of, units_of
from kanopt.tables.examples._city import _trips

CITY = make_city(seed=7)
CITIES = {strength: make_city(seed=3, strength=strength) for strength in (0.0, 0.3, 1.0)}
hours = st.floats(6.0, 20.0)
strengths = st.floats(0.0, 1.0)


def reference(distance: float, load: float, hour: float, s: float) -> tuple[float, float, float]:
    """The laws as the docstring writes them, one number at a time."""
    slow = 1 + s * (
        0.55 * np.exp(-(((hour - 8) / 1.2) ** 2) / 2) + 0.45 * np.exp(-(((hour - 17) / 1.5) ** 2) / 2)
    )
    v = 35 / slow
    fuel = distance * (1.8 / v + 0.045 + 1.2e-5 * v**2) * (1 + 0.4 * s * load / 3.5)
    return 60 * distance / v, fuel, 1.65 * fuel + 0.22 * distance


@given(st.floats(0.5, 25.0), st.floats(0.0, 3.5), hours, st.sampled_from([0.0, 0.3, 1.0]))
def test_laws_are_those_of_the_docstring(distance: float, load: float, hour: float, strength: float) -> None:
    city = CITIES[strength]
    minutes, fuel, cost = reference(distance, load, hour, strength)
    assert float(city.true_minutes(distance, hour)) == pytest.approx(minutes, rel=1e-12)
    assert float(city.true_fuel_l(distance, load, hour)) == pytest.approx(fuel, rel=1e-12)
    assert float(city.true_cost_eur(distance, load, hour)) == pytest.approx(cost, rel=1e-12)


def test_the_log_without_noise_is_the_law() -> None:
    trips = _trips(np.random.default_rng(1), 1.0, noise=0.0, outliers=0.0)
    np.testing.assert_allclose(trips["minutes"], CITY.true_minutes(trips["distance_km"], trips["hour"]))
    inputs = trips["distance_km"], trips["load_t"], trips["hour"]
    np.testing.assert_allclose(trips["fuel_l"], CITY.true_fuel_l(*inputs))
    np.testing.assert_allclose(trips["cost_eur"], CITY.true_cost_eur(*inputs))


def test_frozen_facts() -> None:
    hour = np.linspace(0.0, 24.0, 24_001)
    assert 1.5 < CITY.slowdown(hour).max() <= 1.6
    empty, full = (CITY.true_cost_eur(10.0, load, hour) for load in (0.0, 3.5))
    assert (full / empty).max() <= 1.4
    np.testing.assert_allclose(CITY.true_fuel_l(10.0, 3.5, hour) / CITY.true_fuel_l(10.0, 0.0, hour), 1.4)
    trips = CITY.trips
    assert list(trips) == ["week", "distance_km", "load_t", "hour", "minutes", "fuel_l", "cost_eur"]
    assert len(trips) == 5_000
    assert set(trips["week"]) == set(range(1, 21))
    assert trips["distance_km"].between(0.5, 25.0).all()
    assert trips["load_t"].between(0.0, 3.5).all()
    assert trips["hour"].between(6.0, 20.0).all()


def test_noise_is_eight_percent_with_one_percent_outliers() -> None:
    trips = CITY.trips
    inputs = trips["distance_km"], trips["load_t"], trips["hour"]
    truths = {
        "minutes": CITY.true_minutes(trips["distance_km"], trips["hour"]),
        "fuel_l": CITY.true_fuel_l(*inputs),
        "cost_eur": CITY.true_cost_eur(*inputs),
    }
    for column, truth in truths.items():
        ratio = trips[column].to_numpy() / truth
        usual = np.abs(np.log(ratio)) < 0.45  # 5.6 standard deviations; gross errors start at log 2 = 0.69
        assert (~usual).sum() == 50
        assert ratio[usual].std() == pytest.approx(0.08, rel=0.05)
        assert ratio[usual].mean() == pytest.approx(1.0, abs=4 * 0.08 / np.sqrt(5_000))


def test_strength_zero_has_no_effects() -> None:
    city = CITIES[0.0]
    np.testing.assert_array_equal(city.slowdown(np.linspace(6, 20, 50)), 1.0)
    assert float(city.true_fuel_l(10.0, 3.5, 8.0)) == float(city.true_fuel_l(10.0, 0.0, 13.0))


@given(strengths, hours)
def test_strength_scales_the_slowdown(strength: float, hour: float) -> None:
    weak = 1.0 + strength * (CITY.slowdown(hour) - 1.0)
    city = City(CITY.trips, CITY.clients, CITY.vehicles, CITY.depots, 7, strength)
    assert float(city.slowdown(hour)) == pytest.approx(float(weak))


def test_same_seed_same_tables() -> None:
    again = make_city(seed=7)
    for name in ("trips", "clients", "vehicles", "depots"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(CITY, name))
        assert report_of(getattr(again, name)).sha256 == report_of(getattr(CITY, name)).sha256
    assert not make_city(seed=8).trips.equals(CITY.trips)


def test_strength_leaves_the_inputs_alone() -> None:
    inputs = ["week", "distance_km", "load_t", "hour"]
    pd.testing.assert_frame_equal(make_city(seed=7, strength=0.5).trips[inputs], CITY.trips[inputs])


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strength_out_of_range_is_named(strength: float) -> None:
    with pytest.raises(TableError, match="strength must be between 0 and 1"):
        make_city(strength=strength)


@pytest.mark.parametrize("seed", [0, 1, 7, 42])
def test_every_client_can_be_reached_and_one_van_fewer_still_fits(seed: int) -> None:
    city = make_city(seed=seed)
    clients, vehicles, depot = city.clients, city.vehicles, city.depots.iloc[0]
    assert (len(clients), int(vehicles["num_available"].sum()), clients["name"].nunique()) == (60, 6, 60)
    away = np.hypot(clients["x_km"] - depot["x_km"], clients["y_km"] - depot["y_km"])
    hours_away = city.true_minutes(away, 8.0) / 60.0  # the slowest hour
    arrival = np.maximum(7.0 + hours_away, clients["ready_h"])
    assert (arrival <= clients["due_h"]).all()
    assert (arrival + clients["service_min"] / 60.0 + hours_away <= vehicles["shift_end_h"].min()).all()
    width = clients["due_h"] - clients["ready_h"]
    assert (width[width < 9.0].between(2.0, 4.0)).all()
    assert (width < 9.0).sum() == 20
    room = float((vehicles["num_available"] * vehicles["capacity_t"]).sum())
    demand = clients["demand_t"].sum()
    assert demand == pytest.approx(14.2)
    assert 0.95 < demand / (room - 3.5) < 1.0
    assert 0.9 < 1.2 * demand / room < 1.0
    assert (clients["demand_t"] > 0).all()


def test_no_leg_leaves_the_learned_range() -> None:
    places = np.vstack([CITY.depots[["x_km", "y_km"]], CITY.clients[["x_km", "y_km"]]]).T
    legs = np.hypot(*(places[:, :, None] - places[:, None, :]))
    apart = legs[~np.eye(len(legs), dtype=bool)]
    assert CITY.trips["distance_km"].min() <= apart.min()
    assert 1.3 * apart.max() <= CITY.trips["distance_km"].max()  # roads are longer than straight lines


def test_units_are_declared() -> None:
    assert units_of(CITY.trips)["cost_eur"] == "EUR"
    assert units_of(CITY.clients)["ready_h"] == "h"
    assert units_of(CITY.vehicles)["fuel_price"] == "EUR/l"
    assert report_of(CITY.trips).source == "make_city(seed=7, strength=1).trips"


def test_trips_of_a_day_share_a_factor_of_their_minutes() -> None:
    city = make_city(seed=7, day_effect=0.2)
    trips, plain = city.trips, CITY.trips
    assert list(trips.columns[:2]) == ["week", "day"]
    pd.testing.assert_frame_equal(trips.drop(columns=["day", "minutes"]), plain.drop(columns="minutes"))
    assert ((trips["day"] - 1) // 5 + 1 == trips["week"]).all()
    factor = trips["minutes"] / plain["minutes"]
    assert factor.groupby(trips["day"]).std().max() < 1e-12
    logs = np.log(factor.groupby(trips["day"]).mean())
    # one hundred days: standard errors 0.2 / √100 and 0.2 / √200
    assert logs.mean() == pytest.approx(-(0.2**2) / 2, abs=3 * 0.02)
    assert logs.std() == pytest.approx(0.2, abs=3 * 0.0141)
    pd.testing.assert_frame_equal(make_city(seed=7, day_effect=0.0).trips, plain)


def test_a_day_effect_is_between_0_and_1() -> None:
    with pytest.raises(TableError, match=r"day_effect must be between 0 and 1, not -0\.1"):
        make_city(day_effect=-0.1)
