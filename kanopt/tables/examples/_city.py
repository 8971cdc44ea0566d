"""An example city: a trip log, clients, vans and a depot, with the true laws behind the log."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kanopt.errors import TableError
from kanopt.tables.examples._laws import add_noise
from kanopt.tables.report import with_report

__all__ = ["City", "make_city"]

FREE_SPEED = 35.0  # km/h
BUMPS = ((0.55, 8.0, 1.2), (0.45, 17.0, 1.5))  # height, hour, width in hours
IDLE, ROLL, DRAG = 1.8, 0.045, 1.2e-5  # l/h, l/km, l h²/km³
LOAD_EFFECT, LOAD_CAPACITY = 0.4, 3.5  # share of fuel at full load; t
FUEL_PRICE, WEAR = 1.65, 0.22  # EUR/l, EUR/km

TRIPS, WEEKS, HOURS = 5_000, 20, (6.0, 20.0)
WORKING_DAYS = 5  # of a week
CLIENTS, TOTAL_DEMAND = 60, 14.2  # t
RADIUS, CENTRE, DEPOT = 9.0, (10.0, 10.0), (2.5, 5.0)  # km
SHIFT = (7.0, 17.0)

TRIP_UNITS = {
    "distance_km": "km",
    "load_t": "t",
    "hour": "h",
    "minutes": "min",
    "fuel_l": "l",
    "cost_eur": "EUR",
}
CLIENT_UNITS = {
    "x_km": "km",
    "y_km": "km",
    "demand_t": "t",
    "ready_h": "h",
    "due_h": "h",
    "service_min": "min",
}
VEHICLE_UNITS = {
    "capacity_t": "t",
    "fixed_cost_eur": "EUR",
    "cost_per_hour_eur": "EUR/h",
    "fuel_price": "EUR/l",
    "shift_start_h": "h",
    "shift_end_h": "h",
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

    With a day effect there are good and bad days: all ``minutes`` of one of the 100 days have another log-normal
    factor of mean one in common, whose logarithm has that standard deviation.

    Attributes
    ----------
    trips
        5,000 rows: week (1–20), distance_km (0.5–25), load_t (0–3.5), hour (6–20, decimal), minutes, fuel_l,
        cost_eur; with a day effect also day (1–100, five in a week) after the week.
    clients
        60 rows: name, x_km, y_km, demand_t, ready_h, due_h (decimal clock hours; a third have a window of 2
        to 4 hours, the others the whole day), service_min. The demand adds up to 14.2 t.
    vehicles
        2 rows: name, count, capacity_t, fixed_cost_eur, cost_per_hour_eur (the driver), fuel_price (EUR/l),
        shift_start_h, shift_end_h. Four large vans of 3.5 t and two small ones of 2 t carry 18 t; without one
        large van 98 % of the room left is needed, and 20 % more demand needs 95 % of all six vans.
    depots
        1 row: name, x_km, y_km.
    seed, strength, day_effect
        What the tables were made from.

    Examples
    --------
    >>> city = make_city(seed=7)
    >>> float(city.slowdown(8.0).round(2)), float(city.true_minutes(35.0, 12.5).round(1))
    (1.55, 60.3)
    """

    trips: pd.DataFrame
    clients: pd.DataFrame
    vehicles: pd.DataFrame
    depots: pd.DataFrame
    seed: int
    strength: float
    day_effect: float = 0.0

    def slowdown(self, hour: ArrayLike) -> NDArray[np.float64]:
        """Return the factor on free-flow travel time at a clock hour; arrays broadcast."""
        return _slowdown(np.asarray(hour, dtype=np.float64), self.strength)

    def true_minutes(self, distance_km: ArrayLike, hour: ArrayLike) -> NDArray[np.float64]:
        """Return the duration of a trip in minutes; arrays broadcast."""
        distance = np.asarray(distance_km, dtype=np.float64)
        return 60.0 * distance * self.slowdown(hour) / FREE_SPEED

    def true_fuel_l(self, distance_km: ArrayLike, load_t: ArrayLike, hour: ArrayLike) -> NDArray[np.float64]:
        """Return the fuel that a trip consumes in litres; arrays broadcast."""
        distance, load = np.asarray(distance_km, dtype=np.float64), np.asarray(load_t, dtype=np.float64)
        speed = FREE_SPEED / self.slowdown(hour)
        per_km = IDLE / speed + ROLL + DRAG * speed**2
        return distance * per_km * (1.0 + LOAD_EFFECT * self.strength * load / LOAD_CAPACITY)

    def true_cost_eur(
        self, distance_km: ArrayLike, load_t: ArrayLike, hour: ArrayLike
    ) -> NDArray[np.float64]:
        """Return the cost of a trip, fuel and wear, in EUR; arrays broadcast."""
        distance = np.asarray(distance_km, dtype=np.float64)
        return FUEL_PRICE * self.true_fuel_l(distance, load_t, hour) + WEAR * distance


def make_city(seed: int = 7, *, strength: float = 1.0, day_effect: float = 0.0) -> City:
    """Return the tables of an example city, whose true laws are known.

    The laws are written out in :class:`City`.

    Parameters
    ----------
    seed
        Seed of :func:`numpy.random.default_rng`; the same seed gives the same tables.
    strength
        From 0 (no congestion, no effect of load) to 1.
    day_effect
        Standard deviation of the logarithm of a factor that all travel times of a day have in common, from 0 (no day is
        unlike another) to 1. The other columns are the same whatever it is.

    Returns
    -------
    City

    Raises
    ------
    TableError
        If `strength` or `day_effect` is not between 0 and 1.

    Examples
    --------
    >>> city = make_city(seed=7)
    >>> city.trips.shape, city.clients.shape, int(city.vehicles["num_available"].sum())
    ((5000, 7), (60, 7), 6)
    >>> make_city(seed=7, day_effect=0.1).trips["day"].nunique()
    100
    """
    for name, value in (("strength", strength), ("day_effect", day_effect)):
        if not 0.0 <= value <= 1.0:
            raise TableError(f"{name} must be between 0 and 1, not {value!r}")
    trips_rng, clients_rng, days_rng = (np.random.default_rng([seed, part]) for part in (0, 1, 2))
    source = (
        f"make_city(seed={seed}, strength={strength:g}{f', day_effect={day_effect:g}' if day_effect else ''})"
    )
    trips = _trips(trips_rng, strength)
    if day_effect:
        trips = _with_days(days_rng, trips, day_effect)
    vehicles = pd.DataFrame(
        {
            "name": ["large van", "small van"],
            "num_available": [4, 2],
            "capacity_t": [3.5, 2.0],
            "fixed_cost_eur": [70.0, 48.0],
            "cost_per_hour_eur": [24.0, 22.0],
            "fuel_price": [FUEL_PRICE, FUEL_PRICE],
            "shift_start_h": [SHIFT[0], SHIFT[0]],
            "shift_end_h": [SHIFT[1], SHIFT[1]],
        }
    )
    depots = pd.DataFrame({"name": ["depot"], "x_km": [DEPOT[0]], "y_km": [DEPOT[1]]})
    return City(
        trips=with_report(trips, f"{source}.trips", TRIP_UNITS),
        clients=with_report(_clients(clients_rng), f"{source}.clients", CLIENT_UNITS),
        vehicles=with_report(vehicles, f"{source}.vehicles", VEHICLE_UNITS),
        depots=with_report(depots, f"{source}.depots", {"x_km": "km", "y_km": "km"}),
        seed=seed,
        strength=strength,
        day_effect=day_effect,
    )


def _slowdown(hour: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    bumps = sum(height * np.exp(-(((hour - at) / width) ** 2) / 2) for height, at, width in BUMPS)
    return np.asarray(1.0 + strength * bumps, dtype=np.float64)


def _trips(
    rng: np.random.Generator, strength: float, noise: float = 0.08, outliers: float = 0.01
) -> pd.DataFrame:
    week = np.sort(rng.integers(1, WEEKS + 1, TRIPS))
    distance = np.round(0.5 + 24.5 * rng.beta(1.2, 2.0, TRIPS), 2)
    # every eighth trip is the empty way home
    load = np.where(rng.random(TRIPS) < 0.125, 0.0, np.round(rng.uniform(0.0, LOAD_CAPACITY, TRIPS), 2))
    hour = np.round(rng.uniform(*HOURS, TRIPS), 2)
    laws = City(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), 0, strength)
    truths = {
        "minutes": laws.true_minutes(distance, hour),
        "fuel_l": laws.true_fuel_l(distance, load, hour),
        "cost_eur": laws.true_cost_eur(distance, load, hour),
    }
    columns = {name: add_noise(rng, truth, noise=noise, outliers=outliers) for name, truth in truths.items()}
    return pd.DataFrame({"week": week, "distance_km": distance, "load_t": load, "hour": hour, **columns})


def _with_days(rng: np.random.Generator, trips: pd.DataFrame, day_effect: float) -> pd.DataFrame:
    """Give each trip a day of its week, and all travel times of a day a factor."""
    place = rng.integers(1, WORKING_DAYS + 1, len(trips))
    day = np.sort(WORKING_DAYS * (trips["week"].to_numpy() - 1) + place)
    factor = np.exp(day_effect * rng.standard_normal(WORKING_DAYS * WEEKS) - day_effect**2 / 2)
    trips = trips.assign(minutes=trips["minutes"] * factor[day - 1])
    trips.insert(1, "day", day)
    return trips


def _clients(rng: np.random.Generator) -> pd.DataFrame:
    x, y = _places(rng)
    share = rng.uniform(0.3, 1.7, CLIENTS)
    demand = np.round(TOTAL_DEMAND * share / share.sum(), 2)
    demand[-1] = np.round(demand[-1] + TOTAL_DEMAND - demand.sum(), 2)
    narrow = rng.permutation(CLIENTS) < CLIENTS // 3
    opens = rng.integers(32, 53, CLIENTS) / 4.0  # 8:00 to 13:00 in quarters of an hour
    length = rng.integers(8, 17, CLIENTS) / 4.0
    return pd.DataFrame(
        {
            "name": [f"c{number:02d}" for number in range(1, CLIENTS + 1)],
            "x_km": x,
            "y_km": y,
            "demand_t": demand,
            "ready_h": np.where(narrow, opens, SHIFT[0]),
            "due_h": np.where(narrow, opens + length, SHIFT[1] - 1.0),
            "service_min": np.round(4.0 + 16.0 * demand + rng.uniform(0.0, 3.0, CLIENTS)),
        }
    )


def _places(rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coordinates of clients on a disc, denser at its centre, no two closer than 0.5 km."""
    steps = np.arange(-RADIUS, RADIUS + 0.5)
    grid_x, grid_y = (axis.ravel() for axis in np.meshgrid(steps, steps))
    radius = np.hypot(grid_x, grid_y)
    inside = radius <= RADIUS - 0.4
    weight = np.exp(-radius[inside] / 5.0)
    chosen = rng.choice(np.flatnonzero(inside), CLIENTS, replace=False, p=weight / weight.sum())
    jitter = rng.uniform(-0.25, 0.25, (2, CLIENTS))
    x = np.round(CENTRE[0] + grid_x[chosen] + jitter[0], 2)
    y = np.round(CENTRE[1] + grid_y[chosen] + jitter[1], 2)
    return x, y
