"""The example tables: their true laws, units and reports; the tables themselves are files that nothing changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.tables import (
    SupplyNetworkTables,
    Workshop,
    load_example,
    report_of,
    units_of,
)

CITY, SHOP, NETWORK = load_example("city"), load_example("workshop"), load_example("supply_network")


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


def test_unknown_names_are_named() -> None:
    with pytest.raises(TableError, match="unknown machine 'mil A'; did you mean 'mill A'"):
        Workshop.true_minutes(["lathe", "mil A"], "steel", 1.0, 1.0)
    with pytest.raises(TableError, match="unknown mode 'trck'; did you mean 'truck'"):
        SupplyNetworkTables.true_cost_eur(["rail", "trck"], 1.0, 1.0)


def test_tables_come_with_units_and_a_report_and_are_not_shared() -> None:
    assert units_of(CITY.trips)["cost_eur"] == "EUR"
    assert units_of(SHOP.power) == {"start": "h", "price": "EUR/kWh"}
    assert units_of(NETWORK.sites)["handling_cost"] == "EUR/pallet"
    assert report_of(CITY.trips).source == 'load_example("city").trips'
    changed = load_example("city").trips
    changed.loc[0, "minutes"] = 0.0
    pd.testing.assert_frame_equal(load_example("city").trips, CITY.trips)
