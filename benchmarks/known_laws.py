"""Laws that are known, and rows that say where they are wrong: what correcting them gains, beside boosting.

Seven laws of logistics with a wrong rate, exponent or elasticity, or without a column, a threshold or a category; the
one called "right" is right, beside five idle columns. The search was not tuned on them. Errors are root
mean squares against the true law on 2,000 other rows, as shares of its mean; medians over the seeds.

    python benchmarks/known_laws.py --seeds 5
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from sklearn.ensemble import HistGradientBoostingRegressor

import kanopt as ko


@dataclass(frozen=True)
class Case:
    """A law as it is believed, the true one, and how rows are drawn."""

    name: str
    believed: str
    inputs: tuple[str, ...]
    truth: Callable[[pd.DataFrame], Any]
    ranges: dict[str, Any]
    rows: int
    noise: float
    relative: bool = True
    periodic: tuple[tuple[str, float], ...] = ()


def rated(column: pd.Series[Any], **rates: float) -> pd.Series[Any]:
    """Return the rate of every category."""
    return column.map(rates).astype(float)


CASES = (
    Case(
        "loading", "2.2 * pallets", ("pallets",),
        lambda d: 12 + 1.9 * d.pallets + rated(d.dock, north=0.0, south=6.0, east=-3.0),
        {"pallets": (1, 33), "dock": ["north", "south", "east"]}, 120, 3.0, relative=False,
    ),
    Case(
        "speed", "60 * km / 70 + 4 * stops", ("km", "stops"), lambda d: 60 * d.km / 55 + 4.5 * d.stops,
        {"km": (5, 200), "stops": (1, 15)}, 90, 0.07,
    ),
    Case(
        "energy", "km * (0.2 + 0.01 * load)", ("km", "load"),
        lambda d: d.km * (0.2 + 0.01 * d.load) * (0.6 + 4 / d.kmh + 0.00005 * d.kmh**2),
        {"km": (1, 80), "kmh": (20, 110), "load": (0, 10)}, 350, 0.04,
    ),
    Case(
        "demand", "2 * people * price^-1.1", ("people", "price"),
        lambda d: 3 * d.people**0.9 * d.price**-1.4 * (1 + 0.25 * np.sin(2 * np.pi * (d.month - 3) / 12)),
        {"people": (10, 900), "price": (1, 4), "month": (0, 12)}, 200, 0.12, periodic=(("month", 12.0),),
    ),
    Case(
        "right", "4 + 2 * a * b + 0.5 * c^1.2", ("a", "b", "c"), lambda d: 4 + 2 * d.a * d.b + 0.5 * d.c**1.2,
        {"a": (1, 9), "b": (0, 5), "c": (1, 30), "d": (0, 1), "e": (0, 3), "f": (2, 80), "g": ["u", "v", "w"],
         "h": ["s", "t"]}, 60, 0.15,
    ),
    Case(
        "overtime", "hours * crew", ("hours", "crew"),
        lambda d: d.hours * d.crew + 0.5 * np.maximum(d.hours - 8, 0) * d.crew,
        {"hours": (2, 14), "crew": (1, 4)}, 200, 0.4, relative=False,
    ),
    Case(
        "customs", "15 + 0.02 * value + 0.4 * kg", ("value", "kg"),
        lambda d: 15 + 0.02 * d.value + 0.4 * d.kg * rated(d.route, eu=1.0, uk=1.1, us=1.6, cn=1.9),
        {"value": (100, 9000), "kg": (1, 500), "route": ["eu", "uk", "us", "cn"]}, 300, 0.08,
    ),
)  # fmt: skip


def drawn(case: Case, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Return rows of a case."""
    columns = {
        name: rng.choice(np.array(given, dtype=object), rows)
        if isinstance(given, list)
        else rng.uniform(*given, rows)
        for name, given in case.ranges.items()
    }
    return pd.DataFrame(columns)


def main() -> None:
    """Print the errors of every case."""
    seeds = asked(__doc__, seeds=(5, "tables of every case")).seeds
    found = []
    for case in CASES:
        believed = ko.parse_formula(case.believed, list(case.inputs), "y")
        for seed in range(seeds):
            rng = np.random.default_rng([seed, len(case.name), case.rows])
            rows, test = drawn(case, case.rows, rng), drawn(case, 2_000, rng)
            errors, true = case.noise * rng.normal(size=case.rows), case.truth(rows)
            rows["y"] = true * np.exp(errors) if case.relative else true + errors
            wanted = np.asarray(case.truth(test))
            start = time.process_time()
            law = believed.correct(rows, list(case.ranges), periodic=dict(case.periodic))
            spent = time.process_time() - start
            codes = [pd.get_dummies(each[list(case.ranges)], dtype=float) for each in (rows, test)]
            boosted = HistGradientBoostingRegressor(random_state=0).fit(codes[0], rows["y"]).predict(codes[1])
            told = [believed.evaluate(test), law.evaluate(test), boosted]
            sizes = [float(np.sqrt(np.mean((each - wanted) ** 2)) / wanted.mean()) for each in told]
            found.append((case.name, *sizes, law.root == believed.root, spent, str(law)))
    frame = pd.DataFrame(
        found, columns=["case", "believed", "corrected", "boosting", "kept", "CPU s", "law of seed 0"]
    )
    groups = frame.groupby("case", sort=False)
    table = groups[["believed", "corrected", "boosting", "CPU s"]].median().round(4)
    print_table(table.assign(kept=groups["kept"].sum(), law=groups["law of seed 0"].first()), index=True)
    print(f"\n{footer(['scikit-learn'], f'0-{seeds - 1}')}")


if __name__ == "__main__":
    main()
