"""What a formula loses against the network it was read from, on the five real tables of real_tables.py and three more.

KANRegressor is fitted with everything at its default on the training rows of a split, and its formula is taken; both
predict the rows held out, which have chosen nothing. The root mean square error of the formula should be at most 1.02
times that of the network, with at most 30 operators: of a sum or product of n parts n − 1, of a power, a function or a
look-up in a table 1, of a curve or a staircase 5; what occurs twice counts twice, as it is read.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np
import pandas as pd
import torch
from _bench import footer
from _real_data import TABLES, Case, add_table_arguments, cases
from threadpoolctl import threadpool_limits

import kanopt as ko
from kanopt.formulas.complexity import count_operators

MOST_ERROR, MOST_OPERATORS = 1.02, 30


def rmse(actual: pd.Series, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((actual.to_numpy() - predicted) ** 2)))


def measure(case: Case, split: int, seed: int) -> dict[str, object]:
    """Return one line: errors of network and formula on the rows held out of one split."""
    train, test = case.splits[split]
    features, target = case.features, case.target
    tick = time.process_time()
    model = ko.KANRegressor(seed=seed).fit(features.iloc[train], target.iloc[train])
    fitted = time.process_time()
    held = features.iloc[test].assign(**{str(target.name): target.iloc[test]})
    line: dict[str, object] = {"table": f"{case.name}, {case.unit}", "split": split, "seed": seed}
    network = rmse(target.iloc[test], model.predict(features.iloc[test]))
    line |= {"network": network, "CPU s, fit": fitted - tick}
    try:
        formula = model.to_formula(held, str(target.name), min_r2=-np.inf)
    except ko.FormulaError as error:
        print(f"{case.name}, split {split}, seed {seed}: refused: {error}", flush=True)
        return line | {"formula": np.nan, "ratio": np.nan, "operators": np.nan, "curves": np.nan}
    spent = time.process_time() - fitted
    read = rmse(target.iloc[test], formula.evaluate(held))
    print(f"{case.name}, split {split}, seed {seed}: {formula}", flush=True)
    return line | {
        "formula": read,
        "ratio": read / network,
        "operators": count_operators(formula.root),
        "curves": len(formula.curves),
        "CPU s, formula": spent,
    }


def verdict(rows: pd.DataFrame) -> list[str]:
    """Say of every table whether the medians meet the goals."""
    lines = []
    for name, own in rows.groupby("table", sort=False):
        ratio, count = own["ratio"].median(skipna=False), own["operators"].median(skipna=False)
        lines += [
            f"{name}: formula / network {ratio:.3f} ≤ {MOST_ERROR}: {'met' if ratio <= MOST_ERROR else 'MISSED'}",
            f"{name}: operators {count:.0f} ≤ {MOST_OPERATORS}: {'met' if count <= MOST_OPERATORS else 'MISSED'}",
        ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_table_arguments(parser, TABLES)
    parser.add_argument("--seed", type=int, default=0, help="seed of the splits (default 0)")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of KANRegressor (default 1)")
    parser.add_argument("--splits", type=int, default=1, help="splits of every table, at most 5 (default 1)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ko.KanoptWarning)
        for case in cases(arguments.tables, arguments.data, arguments.flights, arguments.seed):
            for split in range(min(arguments.splits, len(case.splits))):
                lines += [measure(case, split, seed) for seed in range(arguments.seeds)]
    rows = pd.DataFrame(lines)
    print(f"\n{rows.to_string(index=False, float_format=lambda value: f'{value:,.3f}')}\n")
    print("\n".join(verdict(rows)))
    print(f"\n{footer(['scikit-learn'], f'0-{arguments.seeds - 1}')}")


if __name__ == "__main__":
    main()
