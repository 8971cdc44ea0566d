"""An example supply network: a freight log, a demand history, and sites, lanes and markets to plan with."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pandas as pd
from _measured import add_noise
from numpy.typing import NDArray

from kanopt.tables.examples import BASE, REFERENCE, SIZE, SupplyNetworkTables
from kanopt.tables.report import with_report

SHIPMENT = MappingProxyType({"van": 2.5, "truck": 12.0, "rail": 60.0})  # t, a usual load
LOADS = MappingProxyType({"van": (0.3, 3.0), "truck": (2.0, 24.0), "rail": (20.0, 80.0)})  # t
WEIGHT = MappingProxyType({"standard": 0.5, "chilled": 0.6})  # t/pallet

FREIGHT_ROWS, WEEKS, PAST_MONTHS = 4_000, 52, 36
SITES, MARKETS, PERIODS, FIRST_MONTH = 6, 20, 8, 3
SPARE_SITES, SPARE_SUPPLY = 1.5, 1.3  # room over the demand of the busiest month
NEAREST = 3

FREIGHT_UNITS = {"distance_km": "km", "weight_t": "t", "cost_eur": "EUR"}
DEMAND_UNITS = {"price": "EUR/pallet", "pallets": "pallet"}
PLACE_UNITS = {"x": "km", "y": "km"}
SITE_UNITS = {
    "fixed_cost": "EUR",
    "capacity": "t",
    "storage": "t",
    "holding_cost": "EUR/pallet",
    "handling_cost": "EUR/pallet",
}


def make_supply_network(seed: int = 7) -> SupplyNetworkTables:
    """Return the tables of an example supply network, whose true laws are known.

    Parameters
    ----------
    seed
        Seed of :func:`numpy.random.default_rng`; the same seed gives the same tables.

    Examples
    --------
    >>> network = make_supply_network(seed=7)
    >>> len(network.sites), len(network.markets), len(network.products), len(network.periods)
    (6, 20, 2, 8)
    """
    freight_rng, demand_rng, place_rng = (np.random.default_rng([seed, part]) for part in (0, 1, 2))
    markets = _markets(place_rng)
    products = pd.DataFrame(
        {
            "name": list(SIZE),
            "weight": [WEIGHT[name] for name in SIZE],
            "price": [REFERENCE[name] for name in SIZE],
            "shortage_cost": [450.0, 950.0],
        }
    )
    months = np.arange(FIRST_MONTH, FIRST_MONTH + PERIODS)
    periods = pd.DataFrame({"name": [f"month {month:02d}" for month in months], "month": months})
    # (products, months): what all markets want
    people = markets["population_k"].to_numpy()
    wanted = SupplyNetworkTables.true_pallets(
        products["name"].to_numpy()[:, None, None],
        people[:, None],
        products["price"].to_numpy()[:, None, None],
        months,
    ).sum(axis=1)
    suppliers = _suppliers(place_rng, wanted.max(axis=1))
    sites = _sites(place_rng, float((wanted.T @ products["weight"].to_numpy()).max()))
    per_pallet = {"unit_cost": "EUR/pallet", "capacity": "pallet"}
    of_product = {"weight": "t/pallet", "price": "EUR/pallet", "shortage_cost": "EUR/pallet"}
    parts: dict[str, tuple[pd.DataFrame, dict[str, str]]] = {
        "freight": (_freight(freight_rng), FREIGHT_UNITS),
        "demand": (_demand(demand_rng, markets), DEMAND_UNITS),
        "suppliers": (suppliers, {**per_pallet, **PLACE_UNITS}),
        "sites": (sites, {**SITE_UNITS, **PLACE_UNITS}),
        "markets": (markets, PLACE_UNITS),
        "products": (products, of_product),
        "periods": (periods, {}),
        "lanes": (_lanes(suppliers, sites, markets), {"distance": "km", "shipment_t": "t"}),
    }
    source = f"make_supply_network(seed={seed})"
    frames = {name: with_report(frame, f"{source}.{name}", units) for name, (frame, units) in parts.items()}
    return SupplyNetworkTables(**frames)


def _freight(rng: np.random.Generator, noise: float = 0.08, outliers: float = 0.01) -> pd.DataFrame:
    mode = rng.choice(list(BASE), FREIGHT_ROWS, p=[0.35, 0.45, 0.20])
    low, high = np.array([LOADS[name] for name in BASE]).T
    at = pd.Categorical(mode, categories=list(BASE)).codes
    frame = pd.DataFrame(
        {
            "week": np.sort(rng.integers(1, WEEKS + 1, FREIGHT_ROWS)),
            "mode": mode,
            "distance_km": np.round(20.0 + 880.0 * rng.beta(1.2, 2.0, FREIGHT_ROWS), 1),
            "weight_t": np.round(rng.uniform(low[at], high[at]), 2),
        }
    )
    truth = SupplyNetworkTables.true_cost_eur(mode, frame["distance_km"], frame["weight_t"])
    frame["cost_eur"] = add_noise(rng, truth, noise=noise, outliers=outliers)
    return frame


def _demand(
    rng: np.random.Generator, markets: pd.DataFrame, noise: float = 0.08, outliers: float = 0.01
) -> pd.DataFrame:
    period = pd.DataFrame({"period": np.arange(1, PAST_MONTHS + 1)})
    known = markets[["name", "population_k"]].rename(columns={"name": "market"})
    frame = period.merge(known, how="cross").merge(pd.DataFrame({"product": list(SIZE)}), how="cross")
    frame["month"] = (frame["period"] - 1) % 12 + 1
    reference = frame["product"].map(REFERENCE).to_numpy()
    frame["price"] = np.round(reference * rng.uniform(0.8, 1.25, len(frame)), 1)
    inputs = [frame[name].to_numpy() for name in ("product", "population_k", "price", "month")]
    frame["pallets"] = add_noise(
        rng, SupplyNetworkTables.true_pallets(*inputs), noise=noise, outliers=outliers
    )
    return frame[["period", "month", "market", "product", "population_k", "price", "pallets"]]


def _markets(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": [f"market {number:02d}" for number in range(1, MARKETS + 1)],
            "population_k": np.round(np.clip(rng.lognormal(5.2, 0.7, MARKETS), 40.0, 900.0)),
            "x": np.round(rng.uniform(0.0, 600.0, MARKETS), 1),
            "y": np.round(rng.uniform(0.0, 450.0, MARKETS), 1),
        }
    )


def _suppliers(rng: np.random.Generator, busiest: NDArray[np.float64]) -> pd.DataFrame:
    """Return suppliers: two offer the first product, one the second (`busiest` in pallets)."""
    share = float(rng.uniform(0.45, 0.55))
    room = SPARE_SUPPLY * np.array([share * busiest[0], (1.0 - share) * busiest[0], busiest[1]])
    return pd.DataFrame(
        {
            "name": ["plant north", "plant south", "dairy"],
            "product": ["standard", "standard", "chilled"],
            "capacity": np.ceil(room),
            "unit_cost": [118.0, 112.0, 260.0],
            "x": [180.0, 420.0, 300.0],
            "y": [400.0, 60.0, 240.0],
        }
    )


def _sites(rng: np.random.Generator, busiest: float) -> pd.DataFrame:
    """Return sites on a jittered grid of three by two (`busiest` in t a month)."""
    grid_x, grid_y = (axis.ravel() for axis in np.meshgrid([100.0, 300.0, 500.0], [120.0, 330.0]))
    share = rng.uniform(0.8, 1.2, SITES)
    capacity = np.round(SPARE_SITES * busiest * share / share.sum())
    return pd.DataFrame(
        {
            "name": [f"site {letter}" for letter in "ABCDEF"],
            "fixed_cost": np.round(40_000.0 + 90.0 * capacity * rng.uniform(0.8, 1.2, SITES), -2),
            "capacity": capacity,
            "storage": np.round(0.15 * capacity),
            "holding_cost": 2.0,
            "handling_cost": np.round(rng.uniform(4.0, 7.0, SITES), 1),
            "x": np.round(grid_x + rng.uniform(-60.0, 60.0, SITES), 1),
            "y": np.round(grid_y + rng.uniform(-60.0, 60.0, SITES), 1),
        }
    )


def _lanes(suppliers: pd.DataFrame, sites: pd.DataFrame, markets: pd.DataFrame) -> pd.DataFrame:
    inbound = suppliers.merge(sites, how="cross", suffixes=("_tail", "_head"))
    railed = inbound["name_head"].isin(sites["name"].iloc[:3])
    outbound = sites.merge(markets, how="cross", suffixes=("_tail", "_head"))
    outbound["mode"] = np.where(outbound["population_k"] > 200.0, "truck", "van")
    links = pd.concat([inbound.assign(mode="truck"), inbound[railed].assign(mode="rail"), outbound])
    straight = np.hypot(links["x_tail"] - links["x_head"], links["y_tail"] - links["y_head"])
    links["distance"] = np.round(np.maximum(1.25 * straight, 20.0), 1)
    rank = links.groupby("name_head")["distance"].rank(method="first")
    links = links[~links["name_head"].isin(markets["name"]) | (rank <= NEAREST)]
    lanes = links.rename(columns={"name_tail": "tail", "name_head": "head"})[
        ["tail", "head", "mode", "distance"]
    ]
    lanes["shipment_t"] = lanes["mode"].map(SHIPMENT)
    return lanes.reset_index(drop=True)
