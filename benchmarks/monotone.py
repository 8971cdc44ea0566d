"""Shapes beside interactions: RMSE of laws that have to rise in two columns, beside boosting so constrained.

NYC taxi fares (with --data; 2,500 trips learned from, the fare rises with distance and minutes) and five tables whose
laws rise in two columns and in which columns act together: flat fares to an airport and dearer suburbs, air-line
distances at the speed of the hour, fuel of loads over hills, waiting at a gate whose work depends on the lane, and a
freight tariff by brackets of weight, of which each mode has its own. 2,500 rows are learned from, 3,000 are held out.
The law of fares was used while the choice of hidden nodes was mended, the others were not.

Everything of KANRegressor is "auto" but `monotone`; the peer is scikit-learn's HistGradientBoostingRegressor with
`monotonic_cst`, otherwise with its defaults. Both are shown without constraints too.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _bench import footer
from _real_data import taxi
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

import kanopt as ko

ROWS, HELD_OUT = 2_500, 3_000
Table = tuple[pd.DataFrame, pd.Series]


def fares(rows: int, rng: np.random.Generator) -> Table:
    miles = rng.gamma(0.9, 4.0, rows) + 0.2
    minutes = miles * rng.lognormal(1.0, 0.4, rows) + 3.0
    zone = rng.choice(["loop", "north", "west", "suburb", "airport"], rows, p=[0.4, 0.2, 0.2, 0.1, 0.1])
    fare = 3.25 + 2.25 * miles + 0.2 * np.maximum(minutes - 2.0 * miles, 0.0)
    fare = np.where(zone == "suburb", 1.5 * fare, fare)
    fare = np.where((zone == "airport") & (miles > 3.0), 45.0, fare)
    noise = 0.03 * fare * rng.standard_normal(rows) + 0.5 * rng.standard_t(2.5, rows)
    frame = pd.DataFrame({"miles": miles, "minutes": minutes, "hour": rng.uniform(0, 24, rows), "zone": zone})
    return frame, pd.Series(np.maximum(fare + noise, 3.25))


def airline(rows: int, rng: np.random.Generator) -> Table:
    frame = pd.DataFrame(
        {
            "east_km": rng.uniform(0.0, 40.0, rows),
            "north_km": rng.uniform(0.0, 40.0, rows),
            "hour": rng.uniform(0.0, 24.0, rows),
        }
    )
    speed = 45.0 - 18.0 * np.exp(-(((frame["hour"] - 17.0) / 2.5) ** 2))
    minutes = 6.0 + 60.0 * np.hypot(frame["east_km"], frame["north_km"]) / speed
    return frame, minutes * (1.0 + 0.05 * rng.standard_normal(rows))


def hills(rows: int, rng: np.random.Generator) -> Table:
    frame = pd.DataFrame(
        {
            "km": rng.gamma(2.0, 20.0, rows) + 2.0,
            "load_t": rng.uniform(0.0, 24.0, rows),
            "grade_pct": rng.normal(0.0, 1.5, rows),
            "truck": rng.choice(["old", "new"], rows),
        }
    )
    rate = (
        0.2 + 0.006 * frame["load_t"] * np.exp(0.35 * frame["grade_pct"]) + 0.05 * (frame["truck"] == "old")
    )
    return frame, frame["km"] * rate * (1.0 + 0.06 * rng.standard_normal(rows))


def gate(rows: int, rng: np.random.Generator) -> Table:
    frame = pd.DataFrame(
        {
            "arrivals_h": rng.uniform(5.0, 55.0, rows),
            "pallets": rng.integers(1, 34, rows).astype(float),
            "temperature": rng.normal(12.0, 8.0, rows),
            "lane": rng.choice(["north", "south", "cold"], rows, p=[0.5, 0.35, 0.15]),
        }
    )
    open_lanes = frame["lane"].map({"north": 70.0, "south": 64.0, "cold": 60.0})
    waiting = 60.0 / (open_lanes - frame["arrivals_h"])
    work = frame["pallets"] * np.where(frame["lane"] == "cold", 1.6 + 0.03 * frame["temperature"].abs(), 0.8)
    return frame, 4.0 + 2.0 * waiting + work + 1.5 * rng.standard_normal(rows)


def brackets(rows: int, rng: np.random.Generator) -> Table:
    frame = pd.DataFrame(
        {
            "weight_kg": rng.lognormal(5.0, 1.2, rows).clip(5.0, 5_000.0),
            "distance_km": rng.uniform(50.0, 1_500.0, rows),
            "month": rng.uniform(0.0, 12.0, rows),
            "mode": rng.choice(["road", "rail", "air"], rows, p=[0.6, 0.25, 0.15]),
        }
    )
    power = frame["mode"].map({"road": 0.65, "rail": 0.5, "air": 0.9})
    rate = frame["mode"].map({"road": 0.9, "rail": 2.0, "air": 1.1})
    lowest = np.where(frame["mode"] == "air", 90.0, 45.0)
    price = np.maximum(rate * frame["weight_kg"] ** power * (0.4 + frame["distance_km"] / 900.0), lowest)
    season = 1.0 + 0.12 * np.sin(2.0 * np.pi * frame["month"] / 12.0) * (frame["mode"] == "air")
    return frame, price * season * np.exp(0.08 * rng.standard_normal(rows))


TABLES: dict[str, tuple[Callable[[int, np.random.Generator], Table], dict[str, int]]] = {
    "fares": (fares, {"miles": 1, "minutes": 1}),
    "airline": (airline, {"east_km": 1, "north_km": 1}),
    "hills": (hills, {"km": 1, "load_t": 1}),
    "gate": (gate, {"arrivals_h": 1, "pallets": 1}),
    "brackets": (brackets, {"weight_kg": 1, "distance_km": 1}),
}
TAXI = "taxi fare, NYC"


def tables(
    names: list[str], data: Path | None, seed: int
) -> Iterator[tuple[str, pd.DataFrame, pd.Series, dict[str, int]]]:
    """Yield name, columns, target and signs; the first ROWS are learned from."""
    if data is not None:
        fare, minutes = taxi(data, 0)
        frame = fare.features.assign(minutes=minutes.target).drop(columns="weekday")
        order = np.random.default_rng(seed).permutation(len(frame))
        rows = frame.iloc[order].reset_index(drop=True), fare.target.iloc[order].reset_index(drop=True)
        yield TAXI, *rows, {"distance_mi": 1, "minutes": 1}
    for place, name in enumerate(names):
        make, signs = TABLES[name]
        frame, target = make(ROWS + HELD_OUT, np.random.default_rng([seed, place]))
        yield name, frame, target.rename("target"), signs


def boosted(frame: pd.DataFrame, target: pd.Series, signs: dict[str, int] | None, seed: int) -> np.ndarray:
    words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    coded = frame.astype(dict.fromkeys(words, "category"))
    model = HistGradientBoostingRegressor(
        categorical_features=words, monotonic_cst=signs, random_state=seed
    ).fit(coded[:ROWS], target[:ROWS])
    return model.predict(coded[ROWS:])


def measure(
    name: str, frame: pd.DataFrame, target: pd.Series, signs: dict[str, int], seed: int
) -> dict[str, object]:
    """Return one line of the table."""

    def error(predicted: np.ndarray) -> float:
        return float(np.sqrt(np.mean((target[ROWS:].to_numpy() - predicted) ** 2)))

    line: dict[str, object] = {"table": name, "seed": seed}
    for words, shapes in (("free", None), ("monotone", signs)):
        tick = time.process_time()
        model = ko.KANRegressor(monotone=shapes, seed=seed).fit(frame[:ROWS], target[:ROWS])
        line[f"kanopt, {words}"] = error(model.predict(frame[ROWS:]))
        line[f"CPU s, {words}"] = time.process_time() - tick
        line[f"boosting, {words}"] = error(boosted(frame, target, shapes, seed))
    line["ratio"] = line["kanopt, monotone"] / line["boosting, monotone"]  # type: ignore[operator]
    print(f"{name}, seed {seed}: {line['ratio']:.3f}", flush=True)
    return line


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--data", type=Path, help="folder that holds tables/, for the taxi fares (default none)"
    )
    options.add_argument(
        "--tables", nargs="+", default=list(TABLES), choices=list(TABLES), help="which tables (default all)"
    )
    options.add_argument("--seeds", type=int, default=3, help="tables of every kind (default 3)")
    options.add_argument("--seed", type=int, default=0, help="first of them (default 0)")
    return options


def main() -> None:
    arguments = parser().parse_args()
    torch.set_num_threads(1)
    lines = []
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ko.KanoptWarning)
        for seed in range(arguments.seed, arguments.seed + arguments.seeds):
            lines += [measure(*case, seed) for case in tables(arguments.tables, arguments.data, seed)]
    found = pd.DataFrame(lines).sort_values(["table", "seed"], kind="stable")
    print(f"\n{found.to_string(index=False, float_format=lambda value: f'{value:.3f}')}")
    print(f"\n{footer(['scikit-learn'], f'{arguments.seed}-{arguments.seed + arguments.seeds - 1}')}")


if __name__ == "__main__":
    main()
