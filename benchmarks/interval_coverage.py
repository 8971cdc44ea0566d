"""How often intervals of nominal 90 % hold a new observation, with and without rows for calibration.

Six kinds of noise around 5 + 3 sin(4 x₁) + 2 x₂: normal; lognormal and Pareto, which multiply it; t with 2.5 degrees
of freedom, whose squares have no variance; normal with a standard deviation that grows from 0.1 to 2.1; and "of size",
half normal and half exponential, as large as the square of what the law says, so that no logarithm makes it even. Every
table has as many rows for calibration, which the model is not fitted on, as for training; the coverage is measured on
2,000 more. Everything of KANRegressor but `hidden` and `starts` is "auto".

With calibration, split conformal prediction promises 90 % at least, on average over tables and rows (Lei et al. 2018,
JASA 113); with n rows it gives (⌈(n + 1) 0.95⌉ − ⌊(n + 1) 0.05⌋) / (n + 1). Without, nothing is promised: residuals of
rows left out one at a time do not know that the curves of hidden layers were chosen with these rows.

Columns: mean coverage over the tables ± its standard error, the least of a table, the mean coverage in each third of
the new rows by their prediction, and the median ratio of the widths with and without calibration. Tables are left out
of the calibrated columns where the law is of the logarithm and a target for calibration is not above zero; they are
counted as refused.

With --data FOLDER also NYC taxi fares, 4,500 learned from, by thirds of the prediction: beside the 5 % and 95 %
quantiles of scikit-learn's HistGradientBoostingRegressor.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from _real_data import cases
from sklearn.ensemble import HistGradientBoostingRegressor

import kanopt as ko

NOMINAL, FRESH = 0.9, 2_000
Table = tuple[pd.DataFrame, pd.Series]
Noise = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]

FAMILIES: dict[str, Noise] = {
    "normal": lambda mean, x, rng: mean + rng.normal(size=len(mean)),
    "lognormal": lambda mean, x, rng: mean * np.exp(0.8 * rng.normal(size=len(mean))),
    "t2.5": lambda mean, x, rng: mean + rng.standard_t(2.5, size=len(mean)),
    "heteroscedastic": lambda mean, x, rng: mean + (0.1 + 2.0 * x**2) * rng.normal(size=len(mean)),
    "of size": lambda mean, x, rng: (
        mean + 0.03 * mean**2 * (rng.normal(size=len(mean)) + rng.exponential(size=len(mean)) - 1.0)
    ),
    "pareto": lambda mean, x, rng: mean * (1.0 + rng.pareto(2.2, size=len(mean))),
}
LAWS: dict[str, tuple[int, ...]] = {"additive": (), "hidden=(2,)": (2,)}


def table_of(family: str, rows: int, rng: np.random.Generator) -> Table:
    frame = pd.DataFrame(rng.uniform(size=(rows, 2)), columns=["x1", "x2"])
    mean = 5.0 + 3.0 * np.sin(4.0 * frame["x1"]) + 2.0 * frame["x2"]
    target = FAMILIES[family](mean.to_numpy(), frame["x1"].to_numpy(), rng)
    return frame, pd.Series(target, name="y")


def held(interval: pd.DataFrame, target: pd.Series) -> float:
    return float(((interval["lower"] <= target) & (target <= interval["upper"])).mean())


def by_thirds(interval: pd.DataFrame, target: pd.Series) -> np.ndarray:
    """Return the share of the targets inside, in each third of the rows by their prediction, (3,)."""
    inside = ((interval["lower"] <= target) & (target <= interval["upper"])).to_numpy()
    third = pd.qcut(interval["prediction"].rank(method="first"), 3, labels=False).to_numpy()
    return np.bincount(third, inside) / np.bincount(third)


def width(interval: pd.DataFrame) -> float:
    return float((interval["upper"] - interval["lower"]).median())


def measure(family: str, rows: int, law: str, arguments: argparse.Namespace) -> dict[str, float | str]:
    """Return one line: coverages over the repeats."""
    plain, thirds, calibrated, ratios = [], [], [], []
    for repeat in range(arguments.repeats):
        rng = np.random.default_rng([arguments.seed, repeat, rows])
        train, calibration, fresh = (table_of(family, count, rng) for count in (rows, rows, FRESH))
        model = ko.KANRegressor(LAWS[law], starts=arguments.starts, seed=repeat).fit(*train)
        interval = model.predict_interval(fresh[0], NOMINAL)
        plain.append(held(interval, fresh[1]))
        thirds.append(by_thirds(interval, fresh[1]))
        if model.log_target_ and calibration[1].min() <= 0.0:
            continue
        other = model.predict_interval(fresh[0], NOMINAL, calibration=calibration)
        calibrated.append(held(other, fresh[1]))
        ratios.append(width(other) / width(interval))
    return {
        "noise": family,
        "law": law,
        "rows": rows,
        "left out": _mean(plain),
        "least": f"{min(plain):.3f}",
        "by thirds": ", ".join(f"{share:.3f}" for share in np.mean(thirds, axis=0)),
        "calibrated": _mean(calibrated),
        "least, calibrated": f"{min(calibrated):.3f}" if calibrated else "–",
        "width ratio": f"{np.median(ratios):.2f}" if ratios else "–",
        "refused": arguments.repeats - len(calibrated),
    }


def fares(data: Path, seed: int) -> Iterator[dict[str, object]]:
    """Yield one line for each contender on taxi fares."""
    (case,) = cases(["taxi fare"], data, 0, 0)
    order = np.random.default_rng(seed).permutation(len(case.target))
    train, test = order[:4_500], order[4_500:]
    frame, fare = case.features, case.target
    model = ko.KANRegressor(seed=seed).fit(frame.iloc[train], fare.iloc[train])
    coded = frame.astype({"color": "category", "boroughs": "category"})
    ends = [
        HistGradientBoostingRegressor(
            loss="quantile", quantile=q, categorical_features=["color", "boroughs"], random_state=seed
        )
        .fit(coded.iloc[train], fare.iloc[train])
        .predict(coded.iloc[test])
        for q in (0.5 - NOMINAL / 2, 0.5 + NOMINAL / 2)
    ]
    found = model.predict_interval(frame.iloc[test], NOMINAL)
    contenders = {
        "kanopt": found,
        "boosting": found.assign(lower=ends[0], upper=ends[1]),
    }
    for who, interval in contenders.items():
        yield {
            "seed": seed,
            "who": who,
            "covered": f"{held(interval, fare.iloc[test]):.3f}",
            "by thirds": ", ".join(f"{share:.3f}" for share in by_thirds(interval, fare.iloc[test])),
            "width": f"{float((interval['upper'] - interval['lower']).mean()):.2f}",
        }


def _mean(values: list[float]) -> str:
    if not values:
        return "–"
    return f"{np.mean(values):.3f} ± {np.std(values) / np.sqrt(len(values)):.3f}"


def main() -> None:
    given = asked(
        __doc__,
        rows=([60, 300], "rows of a table"),
        families=(list(FAMILIES), "kinds of noise", FAMILIES),
        repeats=(20, "tables of every kind"),
        starts=(4, "starts behind hidden nodes"),
        seed=(0, "seed of the tables"),
        data=(Path, "folder that holds tables/, for taxi fares"),
        splits=(3, "splits of the fares"),
    )
    if given.data is not None:
        splits = range(given.seed, given.seed + given.splits)
        print_table([line for seed in splits for line in fares(given.data, seed)])
    print_table(
        [
            measure(family, rows, law, given)
            for law in LAWS
            for rows in given.rows
            for family in given.families
        ]
    )
    print(f"\n{footer(['scikit-learn'], f'{given.seed}, {given.repeats} tables each')}")


if __name__ == "__main__":
    main()
