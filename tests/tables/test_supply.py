"""The example supply network: its true laws, its logs and the tables of its plan."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.tables import SupplyNetworkTables, make_supply_network, report_of, units_of
from kanopt.tables.examples._supply import _demand, _freight

NETWORK = make_supply_network(seed=7)
FRAMES = ("freight", "demand", "suppliers", "sites", "markets", "products", "periods", "lanes")


@pytest.mark.parametrize(
    ("mode", "distance", "weight"), [("van", 80.0, 2.5), ("truck", 300.0, 12.0), ("rail", 600.0, 60.0)]
)
def test_the_tariff_is_that_of_the_docstring(mode: str, distance: float, weight: float) -> None:
    base, rate = {"van": (20, 0.80), "truck": (60, 0.90), "rail": (350, 0.62)}[mode]
    expected = base + rate * distance**0.9 * weight**0.6
    assert float(SupplyNetworkTables.true_cost_eur(mode, distance, weight)) == pytest.approx(
        expected, rel=1e-12
    )


def test_the_demand_is_that_of_the_docstring() -> None:
    law = SupplyNetworkTables.true_pallets
    assert float(law("standard", 100.0, 400.0, 4)) == pytest.approx(60.0)
    assert float(law("chilled", 250.0, 1000.0, 7)) == pytest.approx(25 * 2.5**0.9 * (10 / 9) ** -1.4 * 1.25)
    assert law(
        np.array([["standard"], ["chilled"]], dtype=object), [100.0, 200.0, 300.0], 400.0, 4
    ).shape == (2, 3)


def test_logs_without_noise_are_the_laws() -> None:
    freight = _freight(np.random.default_rng(1), noise=0.0, outliers=0.0)
    truth = NETWORK.true_cost_eur(freight["mode"], freight["distance_km"], freight["weight_t"])
    np.testing.assert_allclose(freight["cost_eur"], truth)
    demand = _demand(np.random.default_rng(1), NETWORK.markets, noise=0.0, outliers=0.0)
    inputs = (demand[name] for name in ("product", "population_k", "price", "month"))
    np.testing.assert_allclose(demand["pallets"], NETWORK.true_pallets(*inputs))


def test_noise_and_outliers() -> None:
    freight, demand = NETWORK.freight, NETWORK.demand
    assert (len(freight), len(demand)) == (4_000, 1_440)
    cost = NETWORK.true_cost_eur(freight["mode"], freight["distance_km"], freight["weight_t"])
    inputs = (demand[name] for name in ("product", "population_k", "price", "month"))
    for seen, truth in ((freight["cost_eur"], cost), (demand["pallets"], NETWORK.true_pallets(*inputs))):
        ratio = seen.to_numpy() / truth
        usual = np.abs(np.log(ratio)) < 0.45
        assert (~usual).sum() == round(0.01 * len(seen))
        assert ratio[usual].std() == pytest.approx(0.08, rel=0.08)


def test_an_unknown_mode_is_named() -> None:
    with pytest.raises(TableError, match="unknown mode 'trck'; did you mean 'truck'"):
        SupplyNetworkTables.true_cost_eur(["rail", "trck"], 1.0, 1.0)


def test_same_seed_same_tables() -> None:
    again = make_supply_network(seed=7)
    for name in FRAMES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(NETWORK, name))
        assert report_of(getattr(NETWORK, name)).source == f"make_supply_network(seed=7).{name}"
    assert not make_supply_network(seed=8).markets.equals(NETWORK.markets)


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_the_plan_s_tables_fit_together(seed: int) -> None:
    network = make_supply_network(seed=seed)
    suppliers, sites, markets, lanes = network.suppliers, network.sites, network.markets, network.lanes
    assert (len(sites), len(markets), len(network.products), len(network.periods)) == (6, 20, 2, 8)
    assert not lanes.duplicated(["tail", "head", "mode"]).any()
    inbound, outbound = lanes[lanes["tail"].isin(suppliers["name"])], lanes[lanes["tail"].isin(sites["name"])]
    assert len(inbound) + len(outbound) == len(lanes)
    assert set(inbound["head"]) == set(sites["name"])
    assert (outbound.groupby("head").size().reindex(markets["name"]) == 3).all()
    rail = lanes[lanes["mode"] == "rail"]
    assert set(rail["head"]) == set(sites["name"].iloc[:3])
    places = pd.concat([suppliers, sites, markets]).drop_duplicates("name").set_index("name")[["x", "y"]]
    straight = np.hypot(*(places.loc[lanes["tail"]].to_numpy() - places.loc[lanes["head"]].to_numpy()).T)
    np.testing.assert_allclose(lanes["distance"], np.maximum(1.25 * straight, 20.0), atol=0.051)


@pytest.mark.parametrize("seed", [0, 3, 7])
def test_there_is_room_and_supply_but_not_too_much(seed: int) -> None:
    network = make_supply_network(seed=seed)
    products = network.products.set_index("name")
    months = network.periods["month"].to_numpy()
    people = network.markets["population_k"].to_numpy()[:, None]
    wanted = {
        name: network.true_pallets(name, people, float(products.loc[name, "price"]), months).sum(axis=0)
        for name in products.index
    }
    weight = sum(wanted[name] * float(products.loc[name, "weight"]) for name in products.index).max()
    assert network.sites["capacity"].sum() == pytest.approx(1.5 * weight, rel=0.01)
    assert network.sites["capacity"].max() < weight / 2  # no two sites could do it all
    offered = network.suppliers.groupby("product")["capacity"].sum()
    for name in products.index:
        assert offered[name] == pytest.approx(1.3 * wanted[name].max(), rel=0.01)


def test_learned_ranges_cover_the_plan() -> None:
    freight, lanes = NETWORK.freight, NETWORK.lanes
    for mode, past in freight.groupby("mode"):
        planned = lanes[lanes["mode"] == mode]
        assert past["distance_km"].min() <= planned["distance"].min()
        assert planned["distance"].max() <= past["distance_km"].max()
        assert planned["shipment_t"].between(past["weight_t"].min(), past["weight_t"].max()).all()
    assert units_of(NETWORK.sites)["handling_cost"] == "EUR/pallet"
