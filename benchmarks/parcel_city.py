"""The two laws of the demo: CPU seconds of KANRegressor and of its formula, in a process that has loaded them already.

The trips of scenarios/parcel_city, split by week as the scenario does; everything at its default. The peer is
scikit-learn's HistGradientBoostingRegressor, also with its defaults. Errors are those of the held-out weeks.
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer
from sklearn.ensemble import HistGradientBoostingRegressor

import kanopt as ko

LAWS = {"minutes": ["distance_km", "hour"], "fuel_l": ["distance_km", "load_t", "hour"]}


def measure(trips: pd.DataFrame, target: str, seed: int) -> dict[str, object]:
    """Return one line of the table."""
    train, test = ko.split(trips, by="week", holdout=4)
    columns = LAWS[target]

    def error(predicted: np.ndarray) -> float:
        return float(np.sqrt(np.mean((test[target] - predicted) ** 2)))

    tick = time.process_time()
    model = ko.KANRegressor(seed=seed).fit(train[columns], train[target])
    fitted = time.process_time()
    formula = model.to_formula(test[[*columns, target]])
    read = time.process_time()
    peer = HistGradientBoostingRegressor(random_state=seed).fit(train[columns], train[target])
    boosted = time.process_time() - read
    print(f"{target}, seed {seed}: {formula}", flush=True)
    return {
        "target": target,
        "seed": seed,
        "CPU s, fit": fitted - tick,
        "CPU s, formula": read - fitted,
        "RMSE, formula": error(formula.evaluate(test)),
        "RMSE, boosting": error(peer.predict(test[columns])),
        "CPU s, boosting": boosted,
    }


def main() -> None:
    given = asked(
        __doc__,
        seeds=(3, "seeds of the models"),
    )
    root = Path(__file__).resolve().parents[1]
    trips = ko.read_table(root / "scenarios" / "parcel_city" / "trips.csv")
    measure(trips.iloc[::20], "minutes", 0)  # what is loaded once is not counted
    lines = [measure(trips, target, seed) for target in LAWS for seed in range(given.seeds)]
    print()
    print(pd.DataFrame(lines).to_string(index=False, float_format=lambda value: f"{value:,.3f}"), end="\n\n")
    print(footer(["scikit-learn"], f"0-{given.seeds - 1}"))


if __name__ == "__main__":
    main()
