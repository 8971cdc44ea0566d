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


def test_times_follow_the_published_law() -> None:
    links = load_example("sioux_falls").links
    law = links["free_flow_min"] * (1.0 + 0.15 * (links["volume"] / links["capacity_veh_h"]) ** 4)
    np.testing.assert_allclose(links["time_min"], law, atol=2e-5)
    # the published best known equilibrium, links 1-2, 1-3, 3-4, 5-9 (TransportationNetworks, SiouxFalls_flow.tntp)
    published = {1: 4494.6576, 2: 8119.0799, 6: 14006.3710, 13: 15780.7821}
    seen = links.set_index("link")["volume"]
    for link, volume in published.items():
        assert seen[link] == pytest.approx(volume, rel=1e-4)
