"""The example tables: their true laws, their logs, and plans whose tables fit together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.tables import (
    SupplyNetworkTables,
    Workshop,
    load_city,
    load_supply_network,
    load_workshop,
    report_of,
    units_of,
)

CITY, SHOP, NETWORK = load_city(), load_workshop(), load_supply_network()
LEG, TASK = ["distance_km", "load_t", "hour"], ["machine", "material", "weight_kg", "length_mm"]
MONTH = ["product", "population_k", "price", "month"]


def test_laws_are_those_of_the_docstrings() -> None:
    distance, load, hour = 12.0, 2.0, 9.0
    slow = 1 + 0.55 * np.exp(-(((hour - 8) / 1.2) ** 2) / 2) + 0.45 * np.exp(-(((hour - 17) / 1.5) ** 2) / 2)
    v = 35 / slow
    fuel = distance * (1.8 / v + 0.045 + 1.2e-5 * v**2) * (1 + 0.4 * load / 3.5)
    assert float(CITY.true_minutes(distance, hour)) == pytest.approx(60 * distance / v, rel=1e-12)
    assert float(CITY.true_fuel_l(distance, load, hour)) == pytest.approx(fuel, rel=1e-12)
    assert float(CITY.true_cost_eur(distance, load, hour)) == pytest.approx(
        1.65 * fuel + 0.22 * distance, rel=1e-12
    )
    # 1.0 · 1.3 · (15 + 48 + 20) minutes; 9 kW · 107.9/60 h · 1.12
    assert float(Workshop.true_minutes("mill A", "steel", 25.0, 400.0)) == pytest.approx(107.9)
    assert float(Workshop.true_kwh("mill A", "steel", 25.0, 400.0)) == pytest.approx(9 * 107.9 / 60 * 1.12)
    tariff = 350 + 0.62 * 600.0**0.9 * 60.0**0.6
    assert float(SupplyNetworkTables.true_cost_eur("rail", 600.0, 60.0)) == pytest.approx(tariff)
    demand = 25 * 2.5**0.9 * (10 / 9) ** -1.4 * 1.25
    assert float(SupplyNetworkTables.true_pallets("chilled", 250.0, 1000.0, 7)) == pytest.approx(demand)


LOGS = {
    "minutes of trips": (CITY.trips["minutes"], CITY.true_minutes(CITY.trips[LEG[0]], CITY.trips["hour"])),
    "fuel": (CITY.trips["fuel_l"], CITY.true_fuel_l(*(CITY.trips[name] for name in LEG))),
    "cost": (CITY.trips["cost_eur"], CITY.true_cost_eur(*(CITY.trips[name] for name in LEG))),
    "minutes of tasks": (SHOP.log["minutes"], SHOP.true_minutes(*(SHOP.log[name] for name in TASK))),
    "energy": (SHOP.log["kwh"], SHOP.true_kwh(*(SHOP.log[name] for name in TASK))),
    "demand": (NETWORK.demand["pallets"], NETWORK.true_pallets(*(NETWORK.demand[name] for name in MONTH))),
    "freight": (
        NETWORK.freight["cost_eur"],
        NETWORK.true_cost_eur(*(NETWORK.freight[name] for name in ("mode", "distance_km", "weight_t"))),
    ),
}


@pytest.mark.parametrize("name", LOGS)
def test_noise_is_eight_percent_with_one_percent_outliers(name: str) -> None:
    seen, truth = LOGS[name]
    ratio = seen.to_numpy() / truth
    usual = np.abs(np.log(ratio)) < 0.45  # 5.6 standard deviations; gross errors start at log 2 = 0.69
    assert (~usual).sum() == round(0.01 * len(seen))
    assert ratio[usual].std() == pytest.approx(0.08, rel=0.08)


def test_unknown_names_are_named() -> None:
    with pytest.raises(TableError, match="unknown machine 'mil A'; did you mean 'mill A'"):
        Workshop.true_minutes(["lathe", "mil A"], "steel", 1.0, 1.0)
    with pytest.raises(TableError, match="unknown mode 'trck'; did you mean 'truck'"):
        SupplyNetworkTables.true_cost_eur(["rail", "trck"], 1.0, 1.0)


def test_tables_come_with_units_and_a_report_and_are_not_shared() -> None:
    assert units_of(CITY.trips)["cost_eur"] == "EUR"
    assert units_of(SHOP.power) == {"start": "h", "price": "EUR/kWh"}
    assert units_of(NETWORK.sites)["handling_cost"] == "EUR/pallet"
    assert report_of(CITY.trips).source == "load_city().trips"
    changed = load_city().trips
    changed.loc[0, "minutes"] = 0.0
    pd.testing.assert_frame_equal(load_city().trips, CITY.trips)


def test_every_client_can_be_reached_and_one_van_fewer_still_fits() -> None:
    clients, vehicles, depot = CITY.clients, CITY.vehicles, CITY.depots.iloc[0]
    away = np.hypot(clients["x_km"] - depot["x_km"], clients["y_km"] - depot["y_km"])
    hours_away = CITY.true_minutes(away, 8.0) / 60.0  # the slowest hour
    arrival = np.maximum(7.0 + hours_away, clients["ready_h"])
    assert (arrival <= clients["due_h"]).all()
    assert (arrival + clients["service_min"] / 60.0 + hours_away <= vehicles["shift_end_h"].min()).all()
    room = float((vehicles["num_available"] * vehicles["capacity_t"]).sum())
    assert 0.95 < clients["demand_t"].sum() / (room - 3.5) < 1.0


def test_the_workshop_s_tables_fit_together() -> None:
    assert set(SHOP.tasks["job"]) == set(SHOP.jobs["name"])
    assert set(SHOP.modes["machine"]) <= set(SHOP.machines["name"])
    assert SHOP.modes.groupby("task").size().reindex(SHOP.tasks["name"]).between(2, 3).all()
    pairs = SHOP.modes.merge(SHOP.tasks, left_on="task", right_on="name")
    pairs["hours"] = SHOP.true_minutes(*(pairs[name].to_numpy() for name in TASK)) / 60.0
    work = pairs.groupby(["job", "task"])["hours"].min().groupby("job").sum()
    jobs = SHOP.jobs.set_index("name")
    assert (jobs["release_date"] + work <= jobs["due_date"]).all()


def test_the_network_has_room_and_lanes_within_its_log() -> None:
    products, months = NETWORK.products.set_index("name"), NETWORK.periods["month"].to_numpy()
    people = NETWORK.markets["population_k"].to_numpy()[:, None]
    wanted = {
        name: NETWORK.true_pallets(name, people, float(products.loc[name, "price"]), months).sum(axis=0)
        for name in products.index
    }
    offered = NETWORK.suppliers.groupby("product")["capacity"].sum()
    assert all(offered[name] == pytest.approx(1.3 * wanted[name].max(), rel=0.01) for name in products.index)
    outbound = NETWORK.lanes[NETWORK.lanes["tail"].isin(NETWORK.sites["name"])]
    assert (outbound.groupby("head").size().reindex(NETWORK.markets["name"]) == 3).all()
    for mode, past in NETWORK.freight.groupby("mode"):
        planned = NETWORK.lanes[NETWORK.lanes["mode"] == mode]
        assert planned["distance"].between(past["distance_km"].min(), past["distance_km"].max()).all()
