"""Learn the travel time of the links of Sioux Falls, and predict that of a network with other capacities and lengths.

76 links (Transportation Networks for Research): free-flow time, capacity, the volume of the best known equilibrium, and
the time that the law of the Bureau of Public Roads gives, t0·(1 + 0.15·(q/c)^4). A quarter of the links is held out.
The other network is drawn: 500 links whose free-flow times and capacities lie beyond all of Sioux Falls (12 to 40
minutes where there are 2 to 10; 30,000 to 60,000 vehicles where there are 4,800 to 26,000), and so do most volumes. The
load, volume over capacity, is that of Sioux Falls: a law that found it out can be carried over, a table of the past
cannot. Every model may see logarithms of the inputs and of the target, if that is better in three folds (boosting: of
the target).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, installed, print_table
from _real_models import MODELS

import kanopt as ko
from kanopt.tables import with_units

Floats = np.ndarray
UNITS = {"free_flow_min": "min", "volume": "veh/h", "capacity": "veh/h", "minutes": "min"}
INPUTS = ["free_flow_min", "volume", "capacity"]


def sioux_falls() -> pd.DataFrame:
    """Return the links of the example, their travel times by the law."""
    links = ko.load_example("sioux_falls").links
    frame = links.rename(columns={"capacity_veh_h": "capacity"})[INPUTS].astype(float)
    return with_units(frame.assign(minutes=minutes(frame)), UNITS)


def minutes(links: pd.DataFrame) -> pd.Series:
    """Return the travel time of links by the law."""
    load = links["volume"] / links["capacity"]
    return links["free_flow_min"] * (1.0 + 0.15 * load**4)


def elsewhere(links: pd.DataFrame, count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the links of another network, with loads as they are here."""
    load = links["volume"] / links["capacity"]
    capacity = rng.uniform(30_000.0, 60_000.0, count)
    frame = pd.DataFrame(
        {
            "free_flow_min": rng.uniform(12.0, 40.0, count),
            "volume": capacity * rng.uniform(load.min(), load.max(), count),
            "capacity": capacity,
        }
    )
    return with_units(frame.assign(minutes=minutes(frame)), UNITS)


def peers(X: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the other models that are installed."""
    models = {name: MODELS[name](X, seed) for name in ("HistGradientBoosting", "additive splines (pygam)")}
    if not installed("pygam"):
        del models["additive splines (pygam)"]
    if installed("interpret"):
        from interpret.glassbox import ExplainableBoostingRegressor

        models["explainable boosting (interpret)"] = ExplainableBoostingRegressor(random_state=seed, n_jobs=1)
    return models


def r2(predict: Callable[[pd.DataFrame], Floats], links: pd.DataFrame) -> float:
    residual = links["minutes"] - predict(links[INPUTS])
    return 1.0 - float((residual**2).sum() / ((links["minutes"] - links["minutes"].mean()) ** 2).sum())


def measure(links: pd.DataFrame, noise: float, seed: int) -> list[dict[str, object]]:
    """Return a line for every model: its R² on links held out, and on the other network."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(links))
    noisy = links.assign(
        minutes=links["minutes"] + noise * links["minutes"].std() * rng.normal(size=len(links))
    )
    train, held = noisy.iloc[order[len(links) // 4 :]], noisy.iloc[order[: len(links) // 4]]
    far = elsewhere(links, 500, rng)
    model = ko.KANRegressor(seed=seed).fit(train[INPUTS], train["minutes"])
    predictors: dict[str, Callable[[pd.DataFrame], Floats]] = {"kanopt, network": model.predict}
    try:
        formula = model.to_formula(held, "minutes")
        predictors = {"kanopt, formula": formula.evaluate} | predictors
        print(f"seed {seed}: minutes = {formula}", flush=True)
    except ko.errors.FormulaError as error:
        print(f"seed {seed}: no formula: {error}", flush=True)
    for name, peer in peers(train[INPUTS], seed).items():
        predictors[name] = peer.fit(train[INPUTS], train["minutes"]).predict
    clean = links.iloc[order[: len(links) // 4]]
    return [
        {"model": name, "seed": seed, "links held out": r2(predict, clean), "other network": r2(predict, far)}
        for name, predict in predictors.items()
    ]


def main() -> None:
    given = asked(
        __doc__,
        seeds=(5, "seeds of networks and models"),
        noise=(0.0, "share of the spread of times"),
    )
    links = sioux_falls()
    runs = pd.DataFrame([row for seed in range(given.seeds) for row in measure(links, given.noise, seed)])
    print(f"R², median and worst of {given.seeds} seeds, noise {given.noise:.0%}")
    groups = runs.groupby("model", sort=False)[["links held out", "other network"]]
    print_table(groups.agg(["median", "min"]), ".4f", index=True)
    packages = [name for name in ("pygam", "interpret") if installed(name)]
    print(f"\n{footer(['scikit-learn', *packages], f'0-{given.seeds - 1}')}")


if __name__ == "__main__":
    main()
