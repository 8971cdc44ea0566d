"""How often the 95 % intervals of a law's constants hold the truth, given the right structure.

Rows are drawn from a known law, its constants are estimated again from rough starting values (`Formula.refit`), and the
intervals of `Formula.intervals` are asked whether they hold the constants that the rows were drawn with. Noise is a
share of the spread of the output. The margin is two standard errors of the coverage over samples: the constants of one
sample miss together. Times are CPU milliseconds per sample, refit and intervals.
"""

from __future__ import annotations

import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer

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
    ranges: dict[str, list[float]]

    def formula(self, constants: dict[str, float]) -> ko.Formula:
        inputs = [ko.Variable(name) for name in self.ranges]
        return ko.parse_formula(self.text, inputs, ko.Variable("out"), constants=constants)

    def rows(self, count: int, noise: float, rng: np.random.Generator) -> dict[str, Floats]:
        rows = {name: rng.uniform(*ends, count) for name, ends in self.ranges.items()}
        clean = self.formula(self.truth).evaluate(rows)
        return rows | {"out": clean + noise * clean.std() * rng.normal(size=count)}


LAWS = [
    Law(**law)
    for law in tomllib.loads((Path(__file__).parent / "laws" / "constants.toml").read_text())["laws"]
]


def held(law: Law, found: pd.DataFrame) -> list[bool]:
    """Return for each constant whether its interval holds the truth."""
    return [bool(found.low[name] <= value <= found.high[name]) for name, value in law.truth.items()]


def coverage(hits: list[list[bool]]) -> tuple[float, float]:
    """Return the coverage and twice its standard error, in per cent, repeats being independent."""
    means = np.mean(np.array(hits, dtype=float), axis=1)
    return PER_CENT * float(means.mean()), PER_CENT * float(2 * means.std(ddof=1) / np.sqrt(len(means)))


@dataclass(frozen=True)
class Setting:
    """How many rows are drawn with which noise, and whether intervals are those of the profile."""

    rows: int
    noise: float
    profiled: bool


def measured(law: Law, setting: Setting, repeats: int, seed: int) -> tuple[list[list[bool]], float, int]:
    """Return hits by repeat and constant, CPU milliseconds per repeat, and how many repeats were refused."""
    start, hits, refused = law.formula(law.start), [], 0
    tick = time.process_time()
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat, round(1e6 * setting.noise), *law.name.encode()])
        table = law.rows(setting.rows, setting.noise, rng)
        try:
            fitted = start.refit(table)
        except ko.errors.FitError:
            refused += 1
            continue
        hits.append(held(law, fitted.intervals(0.95, table if setting.profiled else None)))
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
    names = [law.name for law in LAWS]
    arguments = asked(
        __doc__,
        laws=(names, "which", names),
        rows=(100, "rows per repeat"),
        repeats=(1000, "samples per law and noise"),
        profile_repeats=(100, "samples with the table for profiles, 0 for none"),
        noise=([0.01, 0.05], "shares"),
        seed=(0, "seed of the samples"),
    )
    laws = [law for law in LAWS if law.name in arguments.laws]
    shares = [(f"{PER_CENT * share:g} %", share) for share in arguments.noise]
    for kind, repeats in (
        ("wald", arguments.repeats),
        ("profile where the law bends", arguments.profile_repeats),
    ):
        if repeats:
            settings = [(name, Setting(arguments.rows, share, kind != "wald")) for name, share in shares]
            table_of(f"95 % intervals by {kind}", settings, repeats, arguments.seed, laws)
    print(f"\n{footer(['scipy', 'pandas'], arguments.seed)}")


if __name__ == "__main__":
    main()
