"""How often the 95 % intervals of a law's constants hold the truth, given the right structure.

Rows are drawn from a known law, its constants are estimated again from rough starting values (`Formula.refit`), and the
intervals of `Formula.intervals` are asked whether they hold the constants that the rows were drawn with. Noise is a
share of the spread of the output, the same in all rows; in the last table it grows with the output, where Student's
intervals are wrong and those of the sandwich are meant to be right. The margin is two standard errors of the coverage
over samples: the constants of one sample miss together. Times are CPU milliseconds per sample, refit and intervals.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from _bench import footer

import kanopt as ko

Floats = np.ndarray
PER_CENT = 100.0


@dataclass(frozen=True)
class Law:
    """A law in text, its true constants, rough starting values, and the ranges of its inputs."""

    name: str
    text: str
    truth: dict[str, float]
    start: dict[str, float]
    ranges: dict[str, tuple[float, float]]

    def formula(self, constants: dict[str, float]) -> ko.Formula:
        inputs = [ko.Variable(name) for name in self.ranges]
        return ko.parse_formula(self.text, inputs, ko.Variable("out"), constants=constants)

    def rows(self, count: int, noise: float, rng: np.random.Generator, growing: bool) -> dict[str, Floats]:
        rows = {name: rng.uniform(*ends, count) for name, ends in self.ranges.items()}
        clean = self.formula(self.truth).evaluate(rows)
        size = np.abs(clean) / np.abs(clean).mean() if growing else 1.0
        return rows | {"out": clean + noise * clean.std() * size * rng.normal(size=count)}


LAWS = (
    Law(
        "monomial",
        "a * km ^ b * t ^ c",
        {"a": 0.8, "b": 0.9, "c": 0.4},
        {"a": 1.0, "b": 1.0, "c": 1.0},
        {"km": (5.0, 400.0), "t": (0.5, 24.0)},
    ),
    Law(
        "signomial of two terms",
        "a * km ^ b + c * t ^ d",
        {"a": 1.1, "b": 0.8, "c": 6.0, "d": 0.6},
        {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0},
        {"km": (5.0, 400.0), "t": (0.5, 24.0)},
    ),
    Law(
        "signomial with a base",
        "f + a * km ^ b * t ^ -c",
        {"f": 40.0, "a": 3.0, "b": 0.75, "c": 0.3},
        {"f": 1.0, "a": 1.0, "b": 1.0, "c": 1.0},
        {"km": (5.0, 400.0), "t": (0.5, 24.0)},
    ),
    Law(
        "season",
        "m * (1 + a * sin(2 * pi * (week - p) / 52))",
        {"m": 120.0, "a": 0.3, "p": 11.0},
        {"m": 100.0, "a": 0.2, "p": 5.0},
        {"week": (0.0, 156.0)},
    ),
    Law(
        "logistic",
        "m / (1 + exp(-k * (day - u)))",
        {"m": 900.0, "k": 0.12, "u": 40.0},
        {"m": 500.0, "k": 0.1, "u": 30.0},
        {"day": (0.0, 90.0)},
    ),
    Law(
        "Hill",
        "e + m * price ^ h / (k ^ h + price ^ h)",
        {"e": 5.0, "m": 80.0, "h": 2.5, "k": 12.0},
        {"e": 1.0, "m": 50.0, "h": 2.0, "k": 10.0},
        {"price": (0.5, 60.0)},
    ),
)


def held(law: Law, found: pd.DataFrame) -> list[bool]:
    """Return for each constant whether its interval holds the truth."""
    return [bool(found.low[name] <= value <= found.high[name]) for name, value in law.truth.items()]


def coverage(hits: list[list[bool]]) -> tuple[float, float]:
    """Return the coverage and twice its standard error, in per cent, repeats being independent."""
    means = np.mean(np.array(hits, dtype=float), axis=1)
    return PER_CENT * float(means.mean()), PER_CENT * float(2 * means.std(ddof=1) / np.sqrt(len(means)))


@dataclass(frozen=True)
class Setting:
    """How rows are drawn and how intervals are found."""

    rows: int
    noise: float
    profiled: bool = False
    robust: bool = False
    growing: bool = False
    level: float = 0.95


def measured(law: Law, setting: Setting, repeats: int, seed: int) -> tuple[list[list[bool]], float, int]:
    """Return hits by repeat and constant, CPU milliseconds per repeat, and how many repeats were refused."""
    start, hits, refused = law.formula(law.start), [], 0
    tick = time.process_time()
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat, round(1e6 * setting.noise), *law.name.encode()])
        table = law.rows(setting.rows, setting.noise, rng, setting.growing)
        try:
            fitted = start.refit(table, robust=setting.robust)
        except ko.FitError:
            refused += 1
            continue
        hits.append(held(law, fitted.intervals(setting.level, table if setting.profiled else None)))
    return hits, PER_CENT * 10 * (time.process_time() - tick) / repeats, refused


def table_of(
    title: str, settings: list[tuple[str, Setting]], repeats: int, seed: int, laws: list[Law]
) -> None:
    """Measure all laws in all settings and print the table, the pooled coverage last."""
    lines: list[dict[str, object]] = []
    pooled: dict[str, list[list[bool]]] = {}
    for law in laws:
        line: dict[str, object] = {"law": law.name, "constants": len(law.truth)}
        for name, setting in settings:
            hits, cost, refused = measured(law, setting, repeats, seed)
            mean, margin = coverage(hits)
            line[name] = f"{mean:.1f} ± {margin:.1f}"
            line[f"{name}, ms"] = round(cost, 1)
            pooled.setdefault(name, []).extend(hits)
            if refused:
                print(f"{law.name}, {name}: {refused} of {repeats} refused")
        lines.append(line)
    total: dict[str, object] = {"law": "pooled", "constants": sum(len(law.truth) for law in laws)}
    for name, hits in pooled.items():
        flat = np.concatenate([np.array(hit, dtype=float) for hit in hits])
        total[name] = f"{PER_CENT * flat.mean():.1f}"
        total[f"{name}, ms"] = ""
    print(f"\n{title}, {repeats} repeats")
    print(pd.DataFrame([*lines, total]).to_string(index=False), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [law.name for law in LAWS]
    parser.add_argument("--laws", nargs="+", choices=names, default=names, help="which (default all)")
    parser.add_argument("--rows", type=int, default=100, help="rows per repeat (default 100)")
    parser.add_argument("--repeats", type=int, default=1000, help="samples per law and noise (default 1000)")
    parser.add_argument(
        "--profile-repeats",
        type=int,
        default=100,
        help="samples with the table for profiles, 0 for none (default 100)",
    )
    parser.add_argument(
        "--noise", nargs="+", type=float, default=[0.01, 0.05], help="shares (default 0.01 0.05)"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the samples (default 0)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    laws = [law for law in LAWS if law.name in arguments.laws]
    shares = [(f"{PER_CENT * share:g} %", share) for share in arguments.noise]
    rows = arguments.rows
    kinds = (
        ("wald", arguments.repeats),
        ("profile where the law bends, else wald", arguments.profile_repeats),
    )
    for kind, repeats in kinds:
        if repeats:
            settings = [(name, Setting(rows, share, kind != "wald")) for name, share in shares]
            table_of(f"95 % intervals by {kind} on {rows} rows", settings, repeats, arguments.seed, laws)
    largest = max(arguments.noise)
    growing = [
        ("plain", Setting(rows, largest, growing=True)),
        ("HC3", Setting(rows, largest, robust=True, growing=True)),
    ]
    title = (
        f"95 % intervals by wald on {rows} rows, noise of {PER_CENT * largest:g} % that grows with the output"
    )
    table_of(title, growing, max(arguments.repeats // 4, 2), arguments.seed, laws)
    print(f"\n{footer(['scipy', 'pandas'], arguments.seed)}")


if __name__ == "__main__":
    main()
