"""The example tables: their true laws, units and reports; the tables themselves are files that nothing changes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.tables import load_example, report_of, units_of

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


def test_tables_come_with_units_and_a_report_and_are_not_shared() -> None:
    assert units_of(CITY.trips)["cost_eur"] == "EUR"
    assert units_of(SHOP.power) == {"start": "h", "price": "EUR/kWh"}
    assert units_of(NETWORK.sites)["handling_cost"] == "EUR/pallet"
    assert report_of(CITY.trips).source == 'load_example("city").trips'
    changed = load_example("city").trips
    changed.loc[0, "minutes"] = 0.0
    pd.testing.assert_frame_equal(load_example("city").trips, CITY.trips)
