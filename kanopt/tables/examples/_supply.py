"""An example supply network: a freight log, a demand history, and sites, lanes and markets to plan with."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kanopt.tables.examples._laws import add_noise, look_up
from kanopt.tables.report import with_report

__all__ = ["SupplyNetworkTables", "make_supply_network"]

BASE = MappingProxyType({"van": 20.0, "truck": 60.0, "rail": 350.0})  # EUR a shipment
RATE = MappingProxyType({"van": 0.80, "truck": 0.90, "rail": 0.62})
SHIPMENT = MappingProxyType({"van": 2.5, "truck": 12.0, "rail": 60.0})  # t, a usual load
LOADS = MappingProxyType({"van": (0.3, 3.0), "truck": (2.0, 24.0), "rail": (20.0, 80.0)})  # t
SIZE = MappingProxyType({"standard": 60.0, "chilled": 25.0})  # pallets a month per 100,000 people
REFERENCE = MappingProxyType({"standard": 400.0, "chilled": 900.0})  # EUR/pallet
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


@dataclass(frozen=True, eq=False)
class SupplyNetworkTables:
    """The tables of an example supply network and the true laws that its history was made from.

    A shipment of weight w (t) over distance d (km), and a month's demand in a market of p thousand people at
    price π (EUR/pallet)::

        cost    = base + rate · d^0.9 · w^0.6                                                   EUR
        pallets = size · (p/100)^0.9 · (π/reference)^(−1.4) · (1 + 0.25 · sin(2π(month − 4)/12))

    =====  ====  ====      ========  ====  =========
    mode   base  rate      product   size  reference
    =====  ====  ====      ========  ====  =========
    van    20    0.80      standard  60    400
    truck  60    0.90      chilled   25    900
    rail   350   0.62
    =====  ====  ====      ========  ====  =========

    In the logs both carry a log-normal factor of mean one and coefficient of variation 0.08, and 1 % of the rows
    are multiplied or divided by 2 to 4.

    Attributes
    ----------
    freight
        4,000 past shipments: week (1–52), mode, distance_km (20–900), weight_t, cost_eur.
    demand
        1,440 rows, 36 months of 20 markets and 2 products: period, month (1–12), market, product, population_k,
        price (EUR/pallet), pallets.
    suppliers
        3 rows, one per supplier and product: name, product, capacity (pallet a month), unit_cost (EUR/pallet),
        x, y. Together they offer 1.3 times the demand of the busiest month.
    sites
        6 rows: name, fixed_cost (EUR), capacity (t a month), storage (t), holding_cost, handling_cost (EUR/pallet),
        x, y. Together they have 1.5 times the room that the busiest month needs.
    markets
        20 rows: name, population_k, x, y.
    products
        2 rows: name, weight (t/pallet), price, shortage_cost (EUR/pallet).
    periods
        8 rows: name, month.
    lanes
        tail, head, mode, distance (km), shipment_t (a usual load). From each supplier to each site by truck, and to
        the first three by rail; to each market from the three nearest sites, by truck where more than 200,000
        people live and by van elsewhere. Roads are 1.25 times as long as the straight line.
    seed
        What the tables were made from.

    Examples
    --------
    >>> network = make_supply_network(seed=7)
    >>> float(network.true_cost_eur("truck", 300.0, 12.0).round(2))
    737.89
    >>> float(network.true_pallets("standard", 100.0, 400.0, 7).round(2))
    75.0
    """

    freight: pd.DataFrame
    demand: pd.DataFrame
    suppliers: pd.DataFrame
    sites: pd.DataFrame
    markets: pd.DataFrame
    products: pd.DataFrame
    periods: pd.DataFrame
    lanes: pd.DataFrame
    seed: int

    @staticmethod
    def true_cost_eur(mode: ArrayLike, distance_km: ArrayLike, weight_t: ArrayLike) -> NDArray[np.float64]:
        """Return the cost of a shipment in EUR; arrays broadcast.

        Raises
        ------
        TableError
            If a mode is unknown.
        """
        distance, weight = (np.asarray(v, dtype=np.float64) for v in (distance_km, weight_t))
        moved = look_up(RATE, mode, "mode") * distance**0.9 * weight**0.6
        return np.asarray(look_up(BASE, mode, "mode") + moved)

    @staticmethod
    def true_pallets(
        product: ArrayLike, population_k: ArrayLike, price: ArrayLike, month: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the demand of a market in a month, in pallets; arrays broadcast.

        Raises
        ------
        TableError
            If a product is unknown.
        """
        people, money, time = (np.asarray(v, dtype=np.float64) for v in (population_k, price, month))
        season = 1.0 + 0.25 * np.sin(2.0 * np.pi * (time - 4.0) / 12.0)
        dear = (money / look_up(REFERENCE, product, "product")) ** -1.4
        return np.asarray(look_up(SIZE, product, "product") * (people / 100.0) ** 0.9 * dear * season)


def make_supply_network(seed: int = 7) -> SupplyNetworkTables:
    """Return the tables of an example supply network, whose true laws are known.

    The laws are written out in :class:`SupplyNetworkTables`.

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
    return SupplyNetworkTables(**frames, seed=seed)


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
    reference = look_up(REFERENCE, frame["product"], "product")
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
    lanes["shipment_t"] = look_up(SHIPMENT, lanes["mode"], "mode")
    return lanes.reset_index(drop=True)
