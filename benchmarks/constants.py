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
from _bench import asked, footer, print_table

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


def measured(
    law: Law, rows: int, noise: float, repeats: int, seed: int
) -> tuple[list[list[bool]], float, int]:
    """Return hits by repeat and constant, CPU milliseconds per repeat, and how many repeats were refused."""
    start, hits, refused = law.formula(law.start), [], 0
    tick = time.process_time()
    for repeat in range(repeats):
        rng = np.random.default_rng([seed, repeat, round(1e6 * noise), *law.name.encode()])
        try:
            fitted = start.refit(law.rows(rows, noise, rng))
        except ko.errors.FitError:
            refused += 1
            continue
        hits.append(held(law, fitted.intervals(0.95)))
    return hits, 1e3 * (time.process_time() - tick) / repeats, refused


def main() -> None:
    given = asked(
        __doc__,
        laws=([law.name for law in LAWS], "which", [law.name for law in LAWS]),
        rows=(100, "rows per repeat"),
        repeats=(1000, "samples per law and noise"),
        noise=([0.01, 0.05], "shares"),
        seed=(0, "seed of the samples"),
    )
    lines: list[dict[str, object]] = []
    pooled: dict[str, list[bool]] = {}
    for law in LAWS:
        if law.name not in given.laws:
            continue
        line: dict[str, object] = {"law": law.name, "constants": len(law.truth)}
        for noise in given.noise:
            hits, cost, refused = measured(law, given.rows, noise, given.repeats, given.seed)
            mean, margin = coverage(hits)
            name = f"{PER_CENT * noise:g} %"
            line |= {
                name: f"{mean:.1f} ± {margin:.1f}",
                f"{name}, ms": f"{cost:.1f}",
                f"{name}, refused": refused,
            }
            pooled.setdefault(name, []).extend(hit for row in hits for hit in row)
        lines.append(line)
    total = {name: f"{PER_CENT * np.mean(hits):.1f}" for name, hits in pooled.items()}
    print_table(pd.DataFrame([*lines, {"law": "pooled", **total}]).fillna(""))
    print(f"\n{footer(['scipy', 'pandas'], given.seed)}")


if __name__ == "__main__":
    main()
