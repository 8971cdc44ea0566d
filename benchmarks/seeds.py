"""Whether another seed, another order of rows or half of the rows gives the same law.

Tables are public ones. On the same rows
KANRegressor(seed=0), (seed=1) and so on are fitted, and from the second on the rows are shuffled as well, but with
--in-order: where errors of neighbouring rows hang together, their order tells. How many of their laws read as the first
one, word for word and digit for digit, is "the same". Then half of the rows is drawn so
many times: "structure" says how often the law has the form of that of all rows (numbers left out), and "or told alike"
how often it does or is one of the laws that were told beforehand to explain all rows alike. CPU seconds are those
of fit and formula, the median of all.
"""

from __future__ import annotations

import argparse
import re
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from _bench import asked, footer
from _real_data import ONCE, TABLES, TUNED, cases

import kanopt as ko
from kanopt.errors import FitError, FormulaError

_NUMBER = re.compile(r"(?<![\w.])\d[\d.]*(?:e[+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class Table:
    """Rows to learn from, and rows that are held out."""

    name: str
    train: pd.DataFrame
    test: pd.DataFrame
    target: str

    def law(self, seed: int, rows: pd.DataFrame) -> tuple[ko.Formula | None, float]:
        """Return the law of some rows, None where none is found, and the CPU seconds it took."""
        begun = time.process_time()
        inputs = rows.drop(columns=self.target)
        try:
            model = ko.KANRegressor(seed=seed).fit(inputs, rows[self.target])
            law = model.to_formula(self.test, self.target, min_r2=-np.inf)
        except (FitError, FormulaError):
            law = None
        return law, time.process_time() - begun


def tables(arguments: argparse.Namespace) -> Iterator[Table]:
    """Yield the tables that are asked for."""
    for case in cases(arguments.tables, arguments.data, 20_000, 0):
        train, test = case.splits[0]
        whole = case.features.assign(**{"target_": case.target})
        yield Table(case.name, whole.iloc[train], whole.iloc[test], "target_")


def form(text: str) -> str:
    """Return a law without its numbers, in whatever order its terms and factors are."""
    parts = re.split(r"[ ()+·]+", _NUMBER.sub("#", text))
    return " ".join(sorted(parts)) + text.count("(") * "("


def measured(table: Table, seeds: int, halves: int, in_order: bool) -> dict[str, object]:
    """Return a line of the table at the end."""
    seconds, texts = [], []
    first: ko.Formula | None = None
    for seed in range(seeds):
        shuffled = seed and not in_order
        rows = table.train.sample(frac=1.0, random_state=seed) if shuffled else table.train
        law, cpu = table.law(seed, rows)
        first = law if seed == 0 else first
        texts.append(str(law))
        seconds.append(cpu)
        print(f"{table.name}, seed {seed}, {cpu:.1f} CPU s: {law}", flush=True)
    line: dict[str, object] = {
        "table": table.name,
        "rows": len(table.train),
        "the same": f"{texts.count(texts[0])} of {seeds}",
    }
    if first is None or not halves:
        return line | {"CPU s": statistics.median(seconds)}
    alike = {form(texts[0]), *(form(each.text) for each in first.alternatives if each.rival)}
    same = told = 0
    for half in range(halves):
        rows = table.train.sample(frac=0.5, random_state=1_000 + half)
        law, cpu = table.law(half, rows)
        seconds.append(cpu)
        print(f"{table.name}, half {half}, {cpu:.1f} CPU s: {law}", flush=True)
        same += form(str(law)) == form(texts[0])
        told += form(str(law)) in alike
    return line | {
        "structure": f"{same} of {halves}",
        "or told alike": f"{told} of {halves}",
        "CPU s": statistics.median(seconds),
    }


def main() -> None:
    arguments = asked(
        __doc__,
        data=(..., "folder that holds tables/"),
        tables=(list(TABLES[:3]), "", [*TABLES, *TUNED, *ONCE]),
        in_order=(False, "leave the rows in their order"),
        seeds=(10, "seeds on the same rows"),
        halves=(10, "halves of the rows"),
    )
    lines = []
    for table in tables(arguments):
        lines.append(measured(table, arguments.seeds, arguments.halves, arguments.in_order))
        print(lines[-1], flush=True)
    print(f"\n{pd.DataFrame(lines).fillna('–').to_string(index=False, float_format=lambda v: f'{v:.3g}')}")
    print(f"\n{footer(['scikit-learn'], f'0-{arguments.seeds - 1}')}")


if __name__ == "__main__":
    main()
