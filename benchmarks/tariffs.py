"""Measure laws of tariffs whose numbers differ by lane, mode, zone, customer or month, as real rate cards have them.

Six kinds of tariffs, which nothing was tuned on: prices by step, chargeable weight, zones of distance, a base and a
rate by ton-kilometre, rates that fall with the weight, and pallets by zone and year. Classes have 3 to 3,000 rows,
weights are heavy-tailed, and errors are a share of the price (1 and 5 %).

A fifth of the rows is held out. "error" is Σ|price − told| ÷ Σ price on them, in those of the true tariff; "class" the
largest |Σ told ÷ Σ true − 1| of a class with at least 1 % of the money, told of all rows. Peers: scikit-learn's
HistGradientBoostingRegressor on the logarithm, and a linear fit of the logarithm on logarithms and categories.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

import kanopt as ko
from kanopt.formulas.nodes import count_operators

Rng = np.random.Generator
Made = tuple[pd.DataFrame, np.ndarray, list[str]]
"""Columns, true prices, and the columns that make a class."""


def names(stem: str, count: int) -> np.ndarray:
    return np.array([f"{stem}{number:02d}" for number in range(count)], dtype=object)


def drawn(rng: Rng, stem: str, count: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Return codes and labels of classes of very different sizes, the smallest of 3 rows."""
    share = rng.pareto(0.9, count) + 0.02
    codes = rng.choice(count, rows, p=share / share.sum())
    codes[: 3 * count] = np.repeat(np.arange(count), 3)
    codes = rng.permutation(codes)
    return codes, names(stem, count)[codes]


def weights(rng: Rng, rows: int, middle: float = 60.0) -> np.ndarray:
    """Return weights of shipments in kg, heavy-tailed, as a scale tells them."""
    return np.maximum(np.round(middle * np.exp(1.3 * rng.standard_normal(rows)), 1), 0.5)


def around(rng: Rng, middle: float, spread: float, *shape: int) -> np.ndarray:
    """Return prices of a rate card, in cents."""
    return np.round(middle * np.exp(spread * rng.standard_normal(shape)), 4 if middle < 1 else 2)


def price_steps(rng: Rng) -> Made:
    rows = 3_000
    zone, zones = drawn(rng, "Z", 12, rows)
    kg = np.clip(weights(rng, rows, 5.0), 0.1, 31.5)
    step = np.searchsorted([1.0, 2.0, 5.0, 10.0, 20.0], kg, side="left")
    price = around(rng, 6.0, 0.35, 12)[zone] * np.array([1.0, 1.15, 1.4, 1.9, 2.6, 3.4])[step]
    return pd.DataFrame({"zone": zones, "kg": kg}), price, ["zone"]


def chargeable(rng: Rng) -> Made:
    rows = 3_500
    lane, lanes = drawn(rng, "A", 18, rows)
    kg = weights(rng, rows, 80.0)
    m3 = np.maximum(np.round(kg / 170.0 * np.exp(0.6 * rng.standard_normal(rows)), 3), 0.001)
    charged = np.maximum(kg, 167.0 * m3)
    price = np.maximum(around(rng, 55.0, 0.3, 18)[lane], around(rng, 2.1, 0.5, 18)[lane] * charged)
    return pd.DataFrame({"lane": lanes, "kg": kg, "m3": m3}), price, ["lane"]


def distance_zones(rng: Rng) -> Made:
    rows = 4_000
    mode, modes = drawn(rng, "m", 5, rows)
    km, kg = np.round(rng.gamma(1.6, 180.0, rows) + 3.0), weights(rng, rows, 150.0)
    zone = np.searchsorted([50.0, 100.0, 200.0, 400.0, 700.0], km, side="right")
    rate = np.array([0.11, 0.15, 0.2, 0.27, 0.36, 0.47])[zone] * around(rng, 1.0, 0.3, 5)[mode]
    price = np.maximum(around(rng, 32.0, 0.2, 5)[mode], rate * kg)
    return pd.DataFrame({"mode": modes, "km": km, "kg": kg}), price, ["mode"]


def ton_kilometres(rng: Rng) -> Made:
    rows = 2_000
    (mode, modes), (road, roads) = drawn(rng, "m", 4, rows), drawn(rng, "R", 6, rows)
    km, t = np.round(rng.gamma(1.5, 220.0, rows) + 10.0), weights(rng, rows, 4.0)
    rate = around(rng, 0.12, 0.4, 4)[mode] * around(rng, 1.0, 0.15, 6)[road]
    price = around(rng, 80.0, 0.3, 4)[mode] + rate * km * t
    return pd.DataFrame({"mode": modes, "road": roads, "km": km, "t": t}), price, ["mode", "road"]


def degressive(rng: Rng) -> Made:
    rows = 3_000
    (lane, lanes), (kind, kinds) = drawn(rng, "L", 30, rows), drawn(rng, "goods", 3, rows)
    kg = weights(rng, rows, 300.0)
    price = np.maximum(around(rng, 50.0, 0.3, 30)[lane], around(rng, 1.4, 0.5, 30)[lane] * kg**0.82)
    frame = pd.DataFrame({"lane": lanes, "goods": kinds, "kg": kg})
    return frame, price + np.array([0.0, 18.0, 45.0])[kind], ["lane"]


def pallets(rng: Rng) -> Made:
    rows = 2_500
    (zone, zones), (year, years) = drawn(rng, "Z", 22, rows), drawn(rng, "Y202", 4, rows)
    count = np.minimum(rng.geometric(0.25, rows), 33).astype(float)
    fall = np.array([1.0, 0.88, 0.8, 0.72, 0.66])[np.searchsorted([2, 5, 10, 20], count, side="right")]
    price = around(rng, 62.0, 0.35, 22)[zone] * count * fall * (1.0 + 0.03 * year)
    return pd.DataFrame({"zone": zones, "year": years, "pallets": count}), price, ["zone"]


TARIFFS: tuple[Callable[[Rng], Made], ...] = (
    price_steps,
    chargeable,
    distance_zones,
    ton_kilometres,
    degressive,
    pallets,
)


@dataclass(frozen=True)
class Case:
    """A tariff with its prices as they were noted."""

    name: str
    frame: pd.DataFrame
    true: np.ndarray
    noted: np.ndarray
    classes: list[str]
    held_out: np.ndarray


def case(make: Callable[[Rng], Made], noise: float, seed: int) -> Case:
    rng = np.random.default_rng(seed)
    frame, true, classes = make(rng)
    noted = true * np.exp(noise * rng.standard_normal(len(true)) - noise**2 / 2)
    return Case(make.__name__, frame, true, noted, classes, rng.random(len(true)) < 0.2)


def figures(case: Case, told: np.ndarray) -> dict[str, float]:
    """Return the error in those of the true tariff, and the worst sum of a class."""
    out = case.held_out
    error = np.abs(told - case.noted)[out].sum() / np.abs(case.true - case.noted)[out].sum()
    sums = (
        case.frame[case.classes]
        .assign(true=case.true, told=told)
        .groupby(case.classes)[["true", "told"]]
        .sum()
    )
    large = sums[sums["true"] >= 0.01 * sums["true"].sum()]
    return {"error": float(error), "class": float((large["told"] / large["true"] - 1.0).abs().max())}


def law(case: Case, seed: int) -> dict[str, object]:
    """Learn the tariff's law as a user would."""
    rows = case.frame.assign(price=case.noted)
    train, test = rows[~case.held_out], rows[case.held_out]
    began = time.process_time()
    model = ko.KANRegressor(seed=seed).fit(train[list(case.frame)], train["price"])
    formula = model.to_formula(test, min_r2=-1e9, unseen="pooled")
    told = np.broadcast_to(formula.evaluate(case.frame), len(case.frame))
    spent = time.process_time() - began
    return {
        **figures(case, told),
        "operators": count_operators(formula.root),
        "CPU s": spent,
        "law": str(formula),
    }


def peers(case: Case) -> dict[str, float]:
    """Measure boosting, and a line of logarithms."""
    texts = [name for name in case.frame if not pd.api.types.is_numeric_dtype(case.frame[name])]
    train = ~case.held_out
    ready = case.frame.astype(dict.fromkeys(texts, "category"))
    boosted = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=0)
    logs = case.frame.assign(**{n: np.log(case.frame[n]) for n in case.frame if n not in texts})
    encoder = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), texts), remainder="passthrough"
    )
    line = make_pipeline(encoder, Ridge(1e-3))
    found = {}
    for name, model, frame in (("boosting", boosted, ready), ("log line", line, logs)):
        model.fit(frame[train], np.log(case.noted[train]))
        residual = np.log(case.noted[train]) - model.predict(frame[train])
        told = np.exp(model.predict(frame)) * float(np.exp(residual).mean())
        found |= {f"{name} {what}": value for what, value in figures(case, told).items()}
    return found


def main() -> None:
    given = asked(
        __doc__,
        noise=([0.01, 0.05], "share of the price"),
        seeds=([0], "seeds of the tariffs"),
        only=([str], "tariffs whose names begin so"),
    )
    rows = []
    wanted = [make for make in TARIFFS if make.__name__.startswith(tuple(given.only or ("",)))]
    for seed, make, noise in product(given.seeds, wanted, given.noise):
        made = case(make, noise, seed)
        row = {"tariff": made.name, "noise": noise, "seed": seed, **law(made, seed), **peers(made)}
        print(f"{made.name} {noise:g}: {row.pop('law')}", flush=True)
        rows.append(row)
    print_table(rows, ".3f")
    print_table(pd.DataFrame(rows)[["error", "class", "CPU s"]].median().to_frame("median").T, ".3f")
    print(footer(["scikit-learn"], given.seeds[0]))


if __name__ == "__main__":
    main()
