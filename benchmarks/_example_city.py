"""Cities drawn like the example city: a trip log, clients, vans and a depot, by the laws of :class:`City`.

With a day effect there are good and bad days: all ``minutes`` of one of the 100 days have another log-normal factor of
mean one in common, whose logarithm has that standard deviation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import TableError
from kanopt.tables.report import FUEL_PRICE, LOAD_CAPACITY, City, with_report

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
class DrawnCity(City):
    """A city that was drawn, and how much the days of its log differ."""

    day_effect: float = 0.0


def make_city(seed: int = 7, *, strength: float = 1.0, day_effect: float = 0.0) -> DrawnCity:
    """Return the tables of an example city, whose true laws are known.

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
    DrawnCity

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
    return DrawnCity(
        trips=with_report(trips, f"{source}.trips", TRIP_UNITS),
        clients=with_report(_clients(clients_rng), f"{source}.clients", CLIENT_UNITS),
        vehicles=with_report(vehicles, f"{source}.vehicles", VEHICLE_UNITS),
        depots=with_report(depots, f"{source}.depots", {"x_km": "km", "y_km": "km"}),
        strength=strength,
        day_effect=day_effect,
    )


def _trips(
    rng: np.random.Generator, strength: float, noise: float = 0.08, outliers: float = 0.01
) -> pd.DataFrame:
    week = np.sort(rng.integers(1, WEEKS + 1, TRIPS))
    distance = np.round(0.5 + 24.5 * rng.beta(1.2, 2.0, TRIPS), 2)
    # every eighth trip is the empty way home
    load = np.where(rng.random(TRIPS) < 0.125, 0.0, np.round(rng.uniform(0.0, LOAD_CAPACITY, TRIPS), 2))
    hour = np.round(rng.uniform(*HOURS, TRIPS), 2)
    laws = City(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), strength)
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


def add_noise(
    rng: np.random.Generator, truth: NDArray[np.float64], *, noise: float, outliers: float
) -> NDArray[np.float64]:
    """Return measurements of true values, with noise and outliers.

    Parameters
    ----------
    rng
        Source of randomness; the same number of draws is taken whatever `noise` and `outliers` are.
    truth
        Array of shape (n,), positive.
    noise
        Coefficient of variation of a log-normal factor whose mean is one: its logarithm has variance
        ``log(1 + noise**2)`` and mean minus half of that.
    outliers
        Share of values that are grossly wrong: multiplied, or divided, by a factor drawn from 2 to 4.

    Returns
    -------
    ndarray of shape (n,)
    """
    variance = np.log1p(noise**2)
    factor = np.exp(np.sqrt(variance) * rng.standard_normal(len(truth)) - variance / 2)
    gross = rng.uniform(2.0, 4.0, len(truth)) ** rng.choice([-1.0, 1.0], len(truth))
    struck = rng.permutation(len(truth)) < round(outliers * len(truth))
    result: NDArray[np.float64] = truth * factor * np.where(struck, gross, 1.0)
    return result
