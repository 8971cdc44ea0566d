"""Rows that share an error: coverage of 90 % intervals, and RMSE, on rows of new groups, with `groups` and without.

Four kinds of tables. Minutes of trips by day, whose weather is that of the day; litres of vehicles that have an age and
a mass, with an error in proportion; hours of handling by route, few long routes and many short; and costs of shipments
by customer, where hardly anything is shared. The share of the error's variance that a group shares, and the number of
groups, are drawn anew for each table (0.1 to 0.8, 40 to 150).

The choices were made on tables like the first; the others were not looked at before. The peer is
scikit-learn's HistGradientBoostingRegressor, for the mean, and for the 5 % and 95 % quantiles, which knows no groups.
Errors are divided by that of the noise. "law within" is the RMSE
to the law without noise, less the mean of each group: how well what differs within groups is known. A formula has no
intervals; its seconds are with those of the fit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from sklearn.ensemble import HistGradientBoostingRegressor

import kanopt as ko

NOMINAL = 0.9
Rng = np.random.Generator
Made = tuple[pd.DataFrame, np.ndarray, np.ndarray]
"""Columns, what the law says, and the size of its error."""


def days(group: np.ndarray, rng: Rng) -> Made:
    count, rows = group.max() + 1, len(group)
    frame = pd.DataFrame(
        {
            "temperature": rng.normal(12.0, 8.0, count)[group],
            "rain_mm": rng.gamma(0.6, 3.0, count)[group],
            "hour": rng.uniform(5.0, 23.0, rows),
            "km": rng.gamma(2.0, 8.0, rows) + 1.0,
        }
    )
    rush = 6.0 * np.exp(-(((frame["hour"] - 17.0) / 3.0) ** 2))
    minutes = 30.0 + 1.2 * frame["km"] + rush + 0.3 * frame["temperature"] - 0.018 * frame["temperature"] ** 2
    return frame, minutes.to_numpy(), np.full(rows, 6.0)


def vehicles(group: np.ndarray, rng: Rng) -> Made:
    count, rows = group.max() + 1, len(group)
    frame = pd.DataFrame(
        {
            "age": rng.integers(0, 15, count).astype(float)[group],
            "mass_t": rng.uniform(2.0, 18.0, count)[group],
            "km": rng.lognormal(3.5, 0.7, rows),
            "load_t": rng.uniform(0.0, 12.0, rows),
        }
    )
    litres = (
        frame["km"] * (0.08 + 0.011 * frame["mass_t"] + 0.006 * frame["load_t"]) * (1 + 0.01 * frame["age"])
    )
    return frame, litres.to_numpy(), 0.15 * litres.to_numpy()


def routes(group: np.ndarray, rng: Rng) -> Made:
    count, rows = group.max() + 1, len(group)
    frame = pd.DataFrame(
        {
            "route_km": rng.lognormal(3.0, 0.8, count)[group],
            "floors": rng.poisson(2.0, count).astype(float)[group],
            "parcels": rng.integers(1, 60, rows).astype(float),
            "van": rng.choice(["large", "small"], count)[group],
        }
    )
    hours = 0.3 + 0.05 * frame["parcels"] + 0.004 * frame["parcels"] * frame["floors"]
    hours += np.sqrt(frame["route_km"]) * np.where(frame["van"] == "small", 0.2, 0.3)
    return frame, hours.to_numpy(), np.full(rows, 0.6)


def customers(group: np.ndarray, rng: Rng) -> Made:
    count, rows = group.max() + 1, len(group)
    frame = pd.DataFrame(
        {
            "distance_km": rng.uniform(20.0, 900.0, count)[group],
            "weight_t": rng.uniform(0.1, 20.0, rows),
            "month": rng.uniform(0.0, 12.0, rows),
        }
    )
    cost = 50.0 + 0.7 * frame["distance_km"] * (0.3 + 0.05 * frame["weight_t"])
    return frame, cost.to_numpy(), np.full(rows, 25.0)


TABLES: dict[str, Callable[[np.ndarray, Rng], Made]] = {
    "days": days,
    "vehicles": vehicles,
    "routes": routes,
    "customers": customers,
}


@dataclass(frozen=True)
class Table:
    """Columns, target, groups, how many of them are learned from, the noise, and what the law says without it."""

    frame: pd.DataFrame
    target: pd.Series
    group: np.ndarray
    learned: int
    noise: float
    law: np.ndarray


def made(name: str, rng: Rng) -> Table:
    learned, held_out = int(rng.integers(40, 151)), 300
    sizes = 1 + rng.poisson(rng.uniform(8.0, 40.0) * rng.gamma(2.0, 0.5, learned + held_out))
    group = np.repeat(np.arange(learned + held_out), np.minimum(sizes, 120))
    shared = rng.uniform(0.1, 0.8) if name != "customers" else rng.uniform(0.0, 0.05)
    frame, law, size = TABLES[name](group, rng)
    common, own = rng.standard_normal(learned + held_out)[group], rng.standard_normal(len(group))
    error = size * (np.sqrt(shared) * common + np.sqrt(1.0 - shared) * own)
    noise = float(np.sqrt(np.mean(error[group >= learned] ** 2)))
    return Table(frame, pd.Series(law + error, name="target"), group, learned, noise, law)


def inside(error: np.ndarray, group: np.ndarray) -> float:
    """Return the root of the mean square of an error without the mean of each group."""
    mean = pd.Series(error).groupby(group).transform("mean").to_numpy()
    return float(np.sqrt(np.mean((error - mean) ** 2)))


def measure(name: str, table: Table, seed: int) -> Iterator[dict[str, object]]:
    """Yield one line for each contender."""
    frame, target, group, learned = table.frame, table.target, table.group, table.learned
    train, test = group < learned, group >= learned
    actual = target[test].to_numpy()

    def line(who: str, mean: np.ndarray, low: np.ndarray, high: np.ndarray, tick: float) -> dict[str, object]:
        return {
            "table": name,
            "seed": seed,
            "groups": learned,
            "rows": int(train.sum()),
            "who": who,
            "covered": float(np.mean((low <= actual) & (actual <= high)))
            if np.isfinite(low).any()
            else np.nan,
            "width": float(np.mean(high - low)),
            "RMSE": float(np.sqrt(np.mean((actual - mean) ** 2))),
            "noise": table.noise,
            "law within": inside(mean - table.law[test], group[test]),
            "CPU s": time.process_time() - tick,
        }

    for who, groups in (("kanopt, groups", group[train]), ("kanopt", None)):
        tick = time.process_time()
        model = ko.KANRegressor(seed=seed).fit(frame[train], target[train], groups=groups)
        found = model.predict_interval(frame[test], NOMINAL)
        yield line(who, *(found[end].to_numpy() for end in ("prediction", "lower", "upper")), tick)
        if groups is not None:
            formula = model.to_formula(frame[test], target[test], min_r2=-np.inf)
            none = np.full(len(actual), np.nan)
            yield line("its formula", formula.evaluate(frame[test]), none, none, tick)
    tick = time.process_time()
    words = [column for column in frame if not pd.api.types.is_numeric_dtype(frame[column])]
    coded = frame.astype(dict.fromkeys(words, "category"))
    asked = ({}, *({"loss": "quantile", "quantile": q} for q in (0.5 - NOMINAL / 2, 0.5 + NOMINAL / 2)))
    fits = [
        HistGradientBoostingRegressor(random_state=seed, categorical_features=words, **each)
        .fit(coded[train], target[train])
        .predict(coded[test])
        for each in asked
    ]
    yield line("boosting", *fits, tick)


def main() -> None:
    given = asked(
        __doc__,
        tables=(list(TABLES), "which tables", TABLES),
        seeds=(5, "tables of every kind"),
        seed=(0, "first of them"),
    )
    lines: list[dict[str, object]] = []
    for seed in range(given.seed, given.seed + given.seeds):
        for name in given.tables:
            table = made(name, np.random.default_rng([seed, list(TABLES).index(name)]))
            lines += measure(name, table, seed)
        print(".", end="", flush=True)
    found = pd.DataFrame(lines)
    found["RMSE / noise"] = found["RMSE"] / found["noise"]
    found["law within / noise"] = found["law within"] / found["noise"]
    columns = ["covered", "width", "RMSE / noise", "law within / noise", "CPU s"]
    print_table(found.groupby(["table", "who"], sort=False)[columns].mean().reset_index(), ".3f")
    print(f"\n{footer(['scikit-learn'], f'{given.seed}-{given.seed + given.seeds - 1}')}")


if __name__ == "__main__":
    main()
