"""Draws of laws: whether the band that they put on a plan's price holds what the true law says, and what they cost.

A true law is drawn for each table (its form, numbers and noise), learned from some hundred rows, and asked for
a plan of 60 places. The 90 % band of the price from drawn laws should hold the price on the true law in 90 % of the
tables, within the binomial error. Beside it the bands from the covariance of constants alone, from the bias of held-out
rows alone, and of a peer: scikit-learn's gradient boosting, fitted to 20 bootstrap samples of the same rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table

import kanopt as ko
from kanopt.engines.base import cpu_seconds
from kanopt.formulas.law_draws import LawDraws, draw_laws

COLUMNS = ["km", "load", "hour", "stops"]
PLACES, DRAWS, BOOTSTRAPS = 60, 200, 20
Floats = np.ndarray


def true_law(rng: np.random.Generator) -> Callable[[pd.DataFrame], Floats]:
    """Return a law of a form and with numbers that are drawn."""
    a, b, c = rng.uniform(0.5, 3.0), rng.uniform(0.3, 1.2), rng.uniform(0.02, 0.3)
    power, peak = rng.uniform(0.7, 1.2), rng.uniform(7.0, 17.0)
    forms = (
        lambda d: 4 * a + b * d.km**power * (1 + c * d.load),
        lambda d: a * d.km * (1 + c * np.cos(2 * np.pi * (d.hour - peak) / 24)) + b * d.stops,
        lambda d: a * (d.stops + 2.0) ** power + b * d.km / (1 + c * d.km / 10),
        lambda d: np.sqrt((a * d.km) ** 2 + (10 * b * d.load) ** 2) + 3 * a,
        lambda d: a * d.km**power * np.exp(c * d.load / 2),
        lambda d: np.minimum(a * d.km, 12 * a + b * d.km) + 2 * a * d.stops,
        lambda d: 6 * a * (1 - np.exp(-d.km / 20)) + b * d.stops * d.load / 4,
    )
    return forms[int(rng.integers(len(forms)))]


def rows(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return places at which a law is asked."""
    columns = (
        rng.gamma(2.0, 9.0, count) + 1.0,
        rng.uniform(0.0, 6.0, count),
        rng.uniform(6.0, 20.0, count),
        rng.integers(1, 12, count),
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)), dtype=float)


def bands(cases: int, first: int) -> Iterator[dict[str, object]]:
    """Yield for each table whether bands hold the true price, and how wide they are."""
    for case in range(first, first + cases):
        rng = np.random.default_rng([11, case])
        law, count, noise = true_law(rng), int(rng.integers(250, 1600)), rng.uniform(0.03, 0.3)
        table, plan = rows(count, rng), rows(PLACES, rng)
        table["cost"] = law(table) * np.exp(noise * rng.standard_normal(count) - noise**2 / 2)
        cut, true = int(0.8 * count), float(law(plan).sum())
        began = cpu_seconds()
        try:
            model = ko.KANRegressor(seed=case).fit(table[COLUMNS][:cut], table["cost"][:cut])
            formula = model.to_formula(table[cut:])
        except (ko.errors.FitError, ko.errors.FormulaError) as error:
            yield {"case": case, "rows": count, "noise": noise, "law": f"refused: {error}"[:60]}
            continue
        spent = cpu_seconds() - began
        drawn = draw_laws(formula, DRAWS, np.random.default_rng(1))
        fixed = replace(drawn, shift=np.zeros(DRAWS), factor=np.ones(DRAWS))
        stiff = replace(drawn, constants=np.zeros((DRAWS, 0)))
        kinds = {"drawn": drawn, "constants": fixed, "bias": stiff}
        prices = {name: prices_of(laws, plan) for name, laws in kinds.items()}
        prices["boosting"] = boosted(table, plan, case)
        found: dict[str, object] = {"case": case, "rows": count, "noise": noise, "CPU s": spent}
        found["error %"] = 100 * (float(np.sum(formula.evaluate(plan[COLUMNS]))) / true - 1)
        for name, values in prices.items():
            low, high = np.quantile(values, [0.05, 0.95])
            found[name], found[f"{name} width %"] = bool(low <= true <= high), 100 * (high - low) / true
        yield {**found, "law": str(formula)[:60]}


def prices_of(laws: LawDraws, plan: pd.DataFrame) -> Floats:
    """Return the price of the plan on each drawn law."""
    return np.array([float(np.sum(law.evaluate(plan[COLUMNS]))) for law in laws])


def boosted(table: pd.DataFrame, plan: pd.DataFrame, seed: int) -> Floats:
    """Return the price of the plan on gradient boosting fitted to bootstrap samples."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    rng, found = np.random.default_rng(seed), []
    for _ in range(BOOTSTRAPS):
        chosen = table.iloc[rng.integers(len(table), size=len(table))]
        model = HistGradientBoostingRegressor(max_iter=100, random_state=0)
        model.fit(chosen[COLUMNS], chosen["cost"])
        found.append(float(model.predict(plan[COLUMNS]).sum()))
    return np.array(found)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """Return coverage and width of each band, with the binomial error of 90 %."""
    known = frame.dropna(subset=["drawn"]) if "drawn" in frame else frame
    error = 100 * np.sqrt(0.9 * 0.1 / max(len(known), 1))
    lines = [
        {
            "band": name,
            "tables": len(known),
            "holds %": 100 * float(np.mean(known[name].astype(float))),
            "of 90, ±": error,
            "median width %": float(known[f"{name} width %"].median()),
        }
        for name in ("drawn", "constants", "bias", "boosting")
    ]
    return pd.DataFrame(lines)


def main() -> None:
    given = asked(
        __doc__,
        cases=(60, "tables"),
        first=(0, "number of the first table"),
    )
    found = []
    for line in bands(given.cases, given.first):
        found.append(line)
        print(*(f"{name} {value}" for name, value in line.items()), sep=", ", flush=True)
    print_table(summary(pd.DataFrame(found)), ".1f")
    print(footer(["scikit-learn"], 11))


if __name__ == "__main__":
    main()
