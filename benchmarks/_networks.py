"""Supply networks for benchmarks: the OR-Library's capacitated warehouses, and random ones of any size."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import kanopt as ko
from kanopt import supply
from kanopt.refs import lane, state

Floats = NDArray[np.float64]


class Warehouses:
    """Capacitated warehouse location: each customer's demand is split over open warehouses at a price per share.

    Parameters
    ----------
    capacity, fixed
        Of each warehouse, shape (W,).
    demand
        Of each customer, shape (C,).
    cost
        Money for all of a customer's demand, shape (W, C).
    """

    def __init__(self, capacity: Floats, fixed: Floats, demand: Floats, cost: Floats) -> None:
        self.capacity, self.fixed, self.demand, self.cost = capacity, fixed, demand, cost

    def problem(self) -> ko.SupplyProblem:
        """Return it as a supply problem: a plant that costs nothing, and the warehouses as facilities."""
        sites, customers = self.cost.shape
        rates = np.concatenate([np.zeros(sites), (self.cost / self.demand).ravel()])
        ways = [supply.Lane("plant", f"w{i}") for i in range(sites)]
        ways += [supply.Lane(f"w{i}", f"c{j}") for i in range(sites) for j in range(customers)]
        return ko.SupplyProblem(
            suppliers=[supply.Supplier("plant")],
            facilities=[
                supply.Facility(f"w{i}", fixed_cost=float(self.fixed[i]), capacity=float(self.capacity[i]))
                for i in range(sites)
            ],
            markets=[supply.Market(f"c{j}") for j in range(customers)],
            products=[supply.Product("goods")],
            periods=[supply.Period("1")],
            lanes=ways,
            tariff=rates[:, None, None],
            demand=self.demand[:, None, None],
        )


def read_warehouses(path: Path, capacity: float | None = None) -> Warehouses:
    """Read a file of the OR-Library; `capacity` replaces that of every warehouse where it is given."""
    numbers = np.array(path.read_text().split(), dtype=float)
    sites, customers = int(numbers[0]), int(numbers[1])
    of_sites = numbers[2 : 2 + 2 * sites].reshape(sites, 2)
    rows = numbers[2 + 2 * sites :].reshape(customers, 1 + sites)
    limits = of_sites[:, 0] if capacity is None else np.full(sites, capacity)
    return Warehouses(limits, of_sites[:, 1], rows[:, 0], rows[:, 1:].T)


def random_network(
    sites: int, markets: int, periods: int, products: int, seed: int = 0, plants: int = 4
) -> ko.SupplyProblem:
    """Return a network over a map of 1,000 by 1,000 km, every site with a lane to every market.

    Demand has a season and a size by market (lognormal), all products but the last must be delivered, sites store, and
    all sites together could pass on 2.5 times the demand of an average period.
    """
    rng = np.random.default_rng(seed)
    places = {
        name: rng.uniform(0, 1000, (count, 2))
        for name, count in zip("pfm", (plants, sites, markets), strict=True)
    }
    season = 1.0 + 0.3 * np.sin(2 * np.pi * (np.arange(periods) + rng.uniform(0, 12)) / 12)
    size = (
        rng.lognormal(2.0, 0.8, (markets, 1, 1)) * rng.dirichlet(np.full(products, 3.0), markets)[:, :, None]
    )
    demand = np.round(size * season * rng.uniform(0.8, 1.2, (markets, products, periods)), 2)
    a_period = float(demand.sum()) / periods
    share = rng.dirichlet(np.full(sites, 8.0))
    kinds = [f"product {k}" for k in range(products)]
    ways = [
        supply.Lane(f"{a} {i}", f"{b} {j}", distance=float(np.hypot(*(start - end))))
        for a, b, tails, heads in (("plant", "site", "p", "f"), ("site", "market", "f", "m"))
        for i, start in enumerate(places[tails])
        for j, end in enumerate(places[heads])
    ]
    per_km = np.array([0.03 if way.tail.startswith("plant") else 0.08 for way in ways])
    tariff = per_km * np.array([way.distance for way in ways])
    return ko.SupplyProblem(
        suppliers=[
            supply.Supplier(
                f"plant {i}", kind, capacity=0.6 * a_period / products * rng.uniform(1.0, 1.5), unit_cost=20.0
            )
            for i in range(plants)
            for kind in kinds
        ],
        facilities=[
            supply.Facility(
                f"site {i}",
                fixed_cost=float(np.round(periods * a_period * rng.uniform(0.4, 0.8))),
                capacity=float(2.5 * a_period * share[i]),
                storage=float(0.2 * a_period * share[i]),
                holding_cost=1.0,
                handling_cost=float(np.round(rng.uniform(0.5, 2.0), 2)),
            )
            for i in range(sites)
        ],
        markets=[supply.Market(f"market {j}") for j in range(markets)],
        products=[supply.Product(kind, shortage_cost=400.0 if kind == kinds[-1] else None) for kind in kinds],
        periods=[supply.Period(str(t + 1)) for t in range(periods)],
        lanes=ways,
        tariff=tariff[:, None, None],
        demand=demand,
    )


def concave_network(seed: int, sites: int = 3, markets: int = 7) -> ko.SupplyProblem:
    """Return a network whose shipments cost 60 + 1.1 · km^0.9 · t^0.6, planned at 10 t where that is frozen."""
    rng = np.random.default_rng(seed)
    law = ko.parse_formula(
        "60 + 1.1 * km^0.9 * t^0.6",
        [ko.Variable("km", "km", low=0), ko.Variable("t", "t", low=0)],
        ko.Variable("cost", "EUR"),
        per="shipment",
    )
    at = {
        name: rng.uniform(0, 300, (count, 2)) for name, count in zip("pfm", (1, sites, markets), strict=True)
    }
    ways = [
        supply.Lane(f"{a}{i}", f"{b}{j}", distance=float(np.hypot(*(start - end))))
        for a, b in (("p", "f"), ("f", "m"))
        for i, start in enumerate(at[a])
        for j, end in enumerate(at[b])
    ]
    demand = rng.uniform(2, 25, (markets, 1, 1))
    return ko.SupplyProblem(
        suppliers=[supply.Supplier("p0", unit_cost=0.0)],
        facilities=[
            supply.Facility(
                f"f{i}",
                fixed_cost=float(rng.uniform(200, 900)),
                capacity=float(demand.sum() * rng.uniform(0.4, 1.0)),
            )
            for i in range(sites)
        ],
        markets=[supply.Market(f"m{j}") for j in range(markets)],
        products=[supply.Product("goods")],
        periods=[supply.Period("1")],
        lanes=ways,
        tariff=law.bind(km=lane.distance, t=state.quantity),
        demand=demand,
        planning={"state.quantity": 10.0},
    )
