"""Example tables with known laws, which ship with the package.

The files were made by these laws, with noise and gross errors; those of Sioux Falls are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kanopt.array_types import Floats
from kanopt.errors import TableError, nearest
from kanopt.tables.report import with_report

FREE_SPEED = 35.0  # km/h
BUMPS = ((0.55, 8.0, 1.2), (0.45, 17.0, 1.5))  # height, hour, width in hours
IDLE, ROLL, DRAG = 1.8, 0.045, 1.2e-5  # l/h, l/km, l h²/km³
LOAD_EFFECT, LOAD_CAPACITY = 0.4, 3.5  # share of fuel at full load; t
FUEL_PRICE, WEAR = 1.65, 0.22  # EUR/l, EUR/km

PACE = MappingProxyType({"mill A": 1.0, "mill B": 0.8, "lathe": 1.1, "router": 0.9, "old mill": 1.35})
POWER = MappingProxyType({"mill A": 9.0, "mill B": 14.0, "lathe": 7.5, "router": 11.0, "old mill": 8.0})  # kW
HARDNESS = MappingProxyType({"aluminium": 0.8, "steel": 1.3, "plastic": 0.6})

BASE = MappingProxyType({"van": 20.0, "truck": 60.0, "rail": 350.0})  # EUR a shipment
RATE = MappingProxyType({"van": 0.80, "truck": 0.90, "rail": 0.62})
SIZE = MappingProxyType({"standard": 60.0, "chilled": 25.0})  # pallets a month per 100,000 people
REFERENCE = MappingProxyType({"standard": 400.0, "chilled": 900.0})  # EUR/pallet

SIOUX_FALLS_UNITS = {
    "links": {"capacity_veh_h": "veh/h", "free_flow_min": "min", "volume": "veh/h", "time_min": "min"},
    "nodes": {"x_km": "km", "y_km": "km"},
}


@dataclass(frozen=True, eq=False)
class City:
    """The tables of an example city and the true laws that its trip log was made from.

    With ``strength`` s, clock hour h, distance d (km) and load w (t) on board::

        slowdown(h) = 1 + s · (0.55 · exp(−((h − 8)/1.2)²/2) + 0.45 · exp(−((h − 17)/1.5)²/2))
        v(h)        = 35 / slowdown(h)                                            km/h
        minutes     = 60 · d / v(h)
        fuel        = d · (1.8/v + 0.045 + 1.2e-5 · v²) · (1 + 0.4 · s · w/3.5)    litres, v = v(h)
        cost        = 1.65 · fuel + 0.22 · d                                      EUR: fuel and wear

    At full strength the morning peak takes 1.55 times as long as a free road (never more than 1.6), and a
    full van burns 40 % more than an empty one, which raises the cost of a trip by less than 40 %. At strength
    0 time and fuel are proportional to distance.

    The log holds these laws as they would be measured: ``minutes``, ``fuel_l`` and ``cost_eur`` each carry an
    independent log-normal factor of mean one and coefficient of variation 0.08, and in each of them 1 % of
    the rows is grossly wrong, multiplied or divided by a factor between 2 and 4.

    Attributes
    ----------
    trips
        5,000 rows: week (1–20), distance_km (0.5–25), load_t (0–3.5), hour (6–20, decimal), minutes, fuel_l,
        cost_eur.
    clients
        60 rows: name, x_km, y_km, demand_t, ready_h, due_h (decimal clock hours; a third have a window of 2
        to 4 hours, the others the whole day), service_min. The demand adds up to 14.2 t.
    vehicles
        2 rows: name, count, capacity_t, fixed_cost_eur, cost_per_hour_eur (the driver), fuel_price (EUR/l),
        shift_start_h, shift_end_h. Four large vans of 3.5 t and two small ones of 2 t carry 18 t; without one
        large van 98 % of the room left is needed, and 20 % more demand needs 95 % of all six vans.
    depots
        1 row: name, x_km, y_km.
    strength
        From 0 (no congestion, no effect of load) to 1, which is that of the tables of the package.

    Examples
    --------
    >>> city = load_city()
    >>> float(city.slowdown(8.0).round(2)), float(city.true_minutes(35.0, 12.5).round(1))
    (1.55, 60.3)
    """

    trips: pd.DataFrame
    clients: pd.DataFrame
    vehicles: pd.DataFrame
    depots: pd.DataFrame
    strength: float = 1.0

    def slowdown(self, hour: ArrayLike) -> Floats:
        """Return the factor on free-flow travel time at a clock hour; arrays broadcast."""
        clock = np.asarray(hour, dtype=np.float64)
        bumps = sum(height * np.exp(-(((clock - at) / width) ** 2) / 2) for height, at, width in BUMPS)
        return np.asarray(1.0 + self.strength * bumps, dtype=np.float64)

    def true_minutes(self, distance_km: ArrayLike, hour: ArrayLike) -> Floats:
        """Return the duration of a trip in minutes; arrays broadcast."""
        distance = np.asarray(distance_km, dtype=np.float64)
        return 60.0 * distance * self.slowdown(hour) / FREE_SPEED

    def true_fuel_l(self, distance_km: ArrayLike, load_t: ArrayLike, hour: ArrayLike) -> Floats:
        """Return the fuel that a trip consumes in litres; arrays broadcast."""
        distance, load = np.asarray(distance_km, dtype=np.float64), np.asarray(load_t, dtype=np.float64)
        speed = FREE_SPEED / self.slowdown(hour)
        per_km = IDLE / speed + ROLL + DRAG * speed**2
        return distance * per_km * (1.0 + LOAD_EFFECT * self.strength * load / LOAD_CAPACITY)

    def true_cost_eur(self, distance_km: ArrayLike, load_t: ArrayLike, hour: ArrayLike) -> Floats:
        """Return the cost of a trip, fuel and wear, in EUR; arrays broadcast."""
        distance = np.asarray(distance_km, dtype=np.float64)
        return FUEL_PRICE * self.true_fuel_l(distance, load_t, hour) + WEAR * distance


@dataclass(frozen=True, eq=False)
class Workshop:
    """The tables of an example workshop and the true laws that its log was made from.

    With pace and power of the machine, hardness of the material, weight w (kg) and length L (mm)::

        minutes = pace · hardness · (15 + 0.12 · L + 4 · √w)
        kwh     = power · minutes/60 · (0.6 + 0.4 · hardness)

    ========  ====  =====      =========  ========
    machine   pace  power      material   hardness
    ========  ====  =====      =========  ========
    mill A    1.00  9 kW       aluminium  0.8
    mill B    0.80  14 kW      steel      1.3
    lathe     1.10  7.5 kW     plastic    0.6
    router    0.90  11 kW
    old mill  1.35  8 kW
    ========  ====  =====      =========  ========

    In the log both carry an independent log-normal factor of mean one and coefficient of variation 0.08, and 1 %
    of the rows of each is multiplied or divided by 2 to 4. All times of the plan are hours from its start.

    Attributes
    ----------
    log
        3,000 past tasks: week (1–40), machine, material, weight_kg (1–60), length_mm (50–900), minutes, kwh.
    jobs
        8 rows: name, release_date, due_date (h), tardiness_cost (EUR/h).
    tasks
        3 or 4 per job: name, job, order (from 1), family (the material, for which a machine is set up), material,
        weight_kg, length_mm.
    machines
        5 rows: name.
    modes
        One row per task and machine that can do it: task, machine. Every task has two machines or three.
    setups
        6 rows: before, after (families), time (min).
    breaks
        1 row: machine, start, end (h); mill B is down for maintenance from hour 2 to 3.
    power
        48 rows: start (h), price (EUR/kWh): 0.24 + 0.10 · sin(2π · start/12), two peaks a day, at hours 3 and 15.

    Examples
    --------
    >>> shop = load_workshop()
    >>> float(shop.true_minutes("mill A", "steel", 25.0, 400.0))
    107.9
    """

    log: pd.DataFrame
    jobs: pd.DataFrame
    tasks: pd.DataFrame
    machines: pd.DataFrame
    modes: pd.DataFrame
    setups: pd.DataFrame
    breaks: pd.DataFrame
    power: pd.DataFrame

    @staticmethod
    def true_minutes(
        machine: ArrayLike, material: ArrayLike, weight_kg: ArrayLike, length_mm: ArrayLike
    ) -> Floats:
        """Return the duration of a task in minutes; arrays broadcast."""
        weight, length = (np.asarray(v, dtype=np.float64) for v in (weight_kg, length_mm))
        rate = _look_up(PACE, machine, "machine") * _look_up(HARDNESS, material, "material")
        return np.asarray(rate * (15.0 + 0.12 * length + 4.0 * np.sqrt(weight)))

    @staticmethod
    def true_kwh(
        machine: ArrayLike, material: ArrayLike, weight_kg: ArrayLike, length_mm: ArrayLike
    ) -> Floats:
        """Return the energy that a task consumes in kWh; arrays broadcast."""
        minutes = Workshop.true_minutes(machine, material, weight_kg, length_mm)
        load = 0.6 + 0.4 * _look_up(HARDNESS, material, "material")
        return np.asarray(_look_up(POWER, machine, "machine") * minutes / 60.0 * load)


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

    Examples
    --------
    >>> network = load_supply_network()
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

    @staticmethod
    def true_cost_eur(mode: ArrayLike, distance_km: ArrayLike, weight_t: ArrayLike) -> Floats:
        """Return the cost of a shipment in EUR; arrays broadcast."""
        distance, weight = (np.asarray(v, dtype=np.float64) for v in (distance_km, weight_t))
        moved = _look_up(RATE, mode, "mode") * distance**0.9 * weight**0.6
        return np.asarray(_look_up(BASE, mode, "mode") + moved)

    @staticmethod
    def true_pallets(
        product: ArrayLike, population_k: ArrayLike, price: ArrayLike, month: ArrayLike
    ) -> Floats:
        """Return the demand of a market in a month, in pallets; arrays broadcast."""
        people, money, time = (np.asarray(v, dtype=np.float64) for v in (population_k, price, month))
        season = 1.0 + 0.25 * np.sin(2.0 * np.pi * (time - 4.0) / 12.0)
        dear = (money / _look_up(REFERENCE, product, "product")) ** -1.4
        return np.asarray(_look_up(SIZE, product, "product") * (people / 100.0) ** 0.9 * dear * season)


@dataclass(frozen=True, eq=False)
class SiouxFalls:
    """The links and nodes of the Sioux Falls test network.

    The travel time on a link follows the law of the Bureau of Public Roads, with volume v and capacity c::

        time = free flow · (1 + 0.15 · (v/c)^4)                                  minutes

    The volumes are the user equilibrium for the published trips, at which no traveller can save time by
    changing route; ``scenarios/sioux_falls/compute_equilibrium.py`` computed them to a relative gap below
    1e-6. Volumes are often taken as hourly, and free-flow times (hundredths of an hour in the paper) as
    minutes; the lengths equal the free-flow times and have no unit. The network is a test case, and no
    picture of the city.

    Attributes
    ----------
    links
        76 rows: link, tail, head, capacity_veh_h, length, free_flow_min, volume (veh/h), time_min.
    nodes
        24 rows: node, x_km, y_km. Drawn after the paper's diagram, not surveyed.

    References
    ----------
    L. J. LeBlanc, E. K. Morlok, W. P. Pierskalla: An efficient approach to solving the road network
    equilibrium traffic assignment problem. Transportation Research 9 (1975), pp. 309-318. Digital form:
    Transportation Networks for Research, https://github.com/bstabler/TransportationNetworks (SiouxFalls).

    Examples
    --------
    >>> network = load_sioux_falls()
    >>> len(network.links), len(network.nodes)
    (76, 24)
    >>> float(network.true_minutes(6.0, 9_000.0, 4_500.0))
    20.4
    """

    links: pd.DataFrame
    nodes: pd.DataFrame

    def true_minutes(self, free_flow_min: ArrayLike, volume: ArrayLike, capacity_veh_h: ArrayLike) -> Floats:
        """Return the travel time of a link in minutes; arrays broadcast."""
        free, load, room = (np.asarray(v, dtype=np.float64) for v in (free_flow_min, volume, capacity_veh_h))
        return np.asarray(free * (1.0 + 0.15 * (load / room) ** 4))


def load_city() -> City:
    """Return the tables of an example city, whose true laws are known and written out in :class:`City`."""
    return City(**_tables(City, "city"))


def load_workshop() -> Workshop:
    """Return the tables of an example workshop, whose true laws are known and written out in :class:`Workshop`."""
    return Workshop(**_tables(Workshop, "workshop"))


def load_supply_network() -> SupplyNetworkTables:
    """Return the tables of an example supply network; :class:`SupplyNetworkTables` has the true laws."""
    return SupplyNetworkTables(**_tables(SupplyNetworkTables, "supply_network"))


def load_sioux_falls() -> SiouxFalls:
    """Return the Sioux Falls road network; :class:`SiouxFalls` states the law and the source."""
    return SiouxFalls(**_tables(SiouxFalls, "sioux_falls"))


def _tables(kind: type, name: str) -> dict[str, Any]:
    """Return the tables of an example: one file for each, CSV or Parquet, which holds the units too."""
    found = {}
    for part in (field.name for field in fields(kind) if field.type == "pd.DataFrame"):
        ending = "csv" if name == "sioux_falls" else "parquet"
        with (files("kanopt.tables") / "data" / f"{name}_{part}.{ending}").open("rb") as file:
            frame = pd.read_csv(file) if ending == "csv" else pd.read_parquet(file)
        units = SIOUX_FALLS_UNITS[part] if ending == "csv" else frame.attrs.pop("units")
        found[part] = with_report(frame, f"load_{name}().{part}", units, how="shipped with kanopt")
    return found


def _look_up(table: Mapping[str, float], names: ArrayLike, what: str) -> Floats:
    """Return the constant of each name, in the shape of `names`; refuse an unknown one with TableError."""
    given = np.asarray(names, dtype=object)
    values = pd.Series(given.ravel()).map(dict(table)).to_numpy(dtype=np.float64)
    unknown = np.isnan(values)
    if unknown.any():
        name = str(given.ravel()[unknown][0])
        raise TableError(f"unknown {what} {name!r}; {nearest(name, table)}")
    return np.asarray(values.reshape(given.shape), dtype=np.float64)
