"""What the chosen law loses against the other rungs of its ladder and against boosting, on twenty-six real tables.

Eight are those of real_tables.py and beside; eighteen more are costs, times and demands from packages on PyPI, nine of
them tuned on and nine looked at once. KANRegressor is fitted with everything at its default on the training rows of a
split, and its formula is taken; the rows held out have chosen nothing. Beside the law stand the best rung of its
ladder, the network, and the better of scikit-learn's boosting and an explainable boosting machine, where the package
`interpret` is at hand and `--ebm` is given. A law should have at most thirty operators: of a sum or product of n parts
n − 1, of a power, a function or a look-up in a table 1, of a curve or a staircase 5; what occurs twice counts twice, as
it is read. No curve should be one of a sum of curves. "leaves" counts, of 50,000 points drawn within the domain of the
law (its box and joint tests), those at which it is farther from all targets than half of their range, or has no value.
"""

from __future__ import annotations

import argparse
import re
import time
import warnings

import numpy as np
import pandas as pd
import torch
from _bench import footer
from _more_tables import ONCE, TUNED, more_cases
from _real_data import TABLES, Case, add_table_arguments, cases
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_limits

import kanopt as ko
from kanopt.formulas import Curve
from kanopt.formulas.nodes import count_operators, postorder

MOST_ERROR, MOST_BOOSTED, MOST_OPERATORS = 1.02, 1.03, 30
DRAWN, BESIDE = 50_000, 0.5
"""Points within the domain of a law, and by how much of the target's range it may leave that there."""


def rmse(actual: pd.Series, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((actual.to_numpy() - predicted) ** 2)))


def boosted(case: Case, split: int, seed: int, ebm: bool) -> float:
    """Return the error of boosting on the rows held out, of the better one where there are two."""
    train, test = case.splits[split]
    words = [name for name in case.features if not pd.api.types.is_numeric_dtype(case.features[name])]
    features = case.features.astype(dict.fromkeys(words, "category"))
    models = [(HistGradientBoostingRegressor(random_state=seed, categorical_features="from_dtype"), features)]
    if ebm:
        from interpret.glassbox import ExplainableBoostingRegressor

        models.append((ExplainableBoostingRegressor(random_state=seed, n_jobs=1), case.features))
    errors = []
    for model, rows in models:
        model.fit(rows.iloc[train], case.target.iloc[train])
        errors.append(rmse(case.target.iloc[test], model.predict(rows.iloc[test])))
    return min(errors)


def nested(formula: ko.Formula) -> int:
    """Return how many curves of a formula read other curves."""
    curves = [node for node in postorder(formula.root) if isinstance(node, Curve)]
    return sum(any(isinstance(n, Curve) for n in postorder(curve.argument)) for curve in curves)


def leaves(law: ko.Formula, target: pd.Series, seed: int) -> int:
    """Return at how many of the points drawn within its domain a law is far from all targets, or has no value."""
    rng, columns = np.random.default_rng(seed), dict[str, np.ndarray]()
    for variable in law.inputs:
        known, item = law.domain.categories_of(variable.name), law.domain.range_of(variable.name)
        if known is not None:
            columns[variable.name] = rng.choice(np.array(known, dtype=object), 4 * DRAWN)
        elif item is not None:
            columns[variable.name] = rng.uniform(item.low, item.high, 4 * DRAWN)
    within = np.flatnonzero(~law.domain.outside(columns))[:DRAWN]
    points = {name: values[within] for name, values in columns.items()}
    low, high = float(target.min()), float(target.max())
    beside = BESIDE * (high - low)
    try:
        values = np.broadcast_to(law.evaluate(points), len(within))
    except ko.FormulaError:
        return DRAWN
    return int(((values < low - beside) | (values > high + beside)).sum())


def measure(case: Case, split: int, seed: int, ebm: bool) -> dict[str, object]:
    """Return one line: errors of law, ladder, network and boosting on the rows held out of one split."""
    train, test = case.splits[split]
    features, target = case.features, case.target
    tick = time.process_time()
    model = ko.KANRegressor(seed=seed).fit(features.iloc[train], target.iloc[train])
    fitted = time.process_time()
    held = features.iloc[test].assign(**{str(target.name): target.iloc[test]})
    formula = model.to_formula(held, str(target.name), min_r2=-np.inf)
    spent = time.process_time() - fitted
    print(f"{case.name}, split {split}, seed {seed}: {formula}", flush=True)
    error = rmse(target.iloc[test], formula.evaluate(held))
    rungs = {
        each.rung: law
        for each, law in zip(formula.alternatives, formula.formulas, strict=True)
        if law.fit is not None and not re.fullmatch(r"formula \d+", each.rung)
    }
    read = [law for law in rungs.values() if count_operators(law.root) <= MOST_OPERATORS and not nested(law)]
    chosen = next(each.rung for each in formula.alternatives if each.chosen)
    outside = formula.domain.outside({name: held[name].to_numpy() for name in formula.used})
    return {
        "table": f"{case.name}, {case.unit}",
        "split": split,
        "seed": seed,
        "chosen": chosen,
        "operators": count_operators(formula.root),
        "nested": nested(formula),
        "error": error,
        "÷ read": error / min(error, *(law.fit.rmse for law in read if law.fit)),
        "÷ best": error / min(error, *(law.fit.rmse for law in rungs.values() if law.fit)),
        "÷ network": error / rmse(target.iloc[test], model.predict(features.iloc[test])),
        "÷ boosting": error / boosted(case, split, seed, ebm),
        "outside": float(np.mean(outside)),
        "leaves": leaves(formula, target.iloc[train], seed),
        "CPU s, fit": fitted - tick,
        "CPU s, formula": spent,
    }


def verdict(rows: pd.DataFrame) -> list[str]:
    """Say on how many tables the medians meet the goals."""
    medians = rows.groupby("table", sort=False).median(numeric_only=True)
    seconds = medians["CPU s, fit"] + medians["CPU s, formula"]
    met = {
        f"at most {MOST_OPERATORS} operators": medians["operators"] <= MOST_OPERATORS,
        "no curve of a sum of curves": medians["nested"] == 0,
        f"error ÷ best law that can be read ≤ {MOST_ERROR}": medians["÷ read"] <= MOST_ERROR,
        f"error ÷ best of all ≤ {MOST_ERROR}": medians["÷ best"] <= MOST_ERROR,
        f"error ÷ boosting ≤ {MOST_BOOSTED}": medians["÷ boosting"] <= MOST_BOOSTED,
        "at least 99 % of the rows held out inside": medians["outside"] <= 0.01,
        f"never farther from all targets than {BESIDE:.0%} of their range": medians["leaves"] == 0,
    }
    lines = [f"{what}: {int(held.sum())} of {len(held)}" for what, held in met.items()]
    return [*lines, f"CPU s: median {seconds.median():.1f}, most {seconds.max():.1f}"]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_table_arguments(parser, (*TABLES, *TUNED, *ONCE))
    parser.add_argument("--seed", type=int, default=0, help="seed of the splits (default 0)")
    parser.add_argument("--seeds", type=int, default=1, help="seeds of KANRegressor (default 1)")
    parser.add_argument("--splits", type=int, default=1, help="splits of every table, at most 5 (default 1)")
    parser.add_argument("--ebm", action="store_true", help="beside boosting also interpret's machine")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    lines = []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ko.KanoptWarning)
        known = [name for name in arguments.tables if name in TABLES]
        more = [name for name in arguments.tables if name not in TABLES]
        for case in [
            *cases(known, arguments.data, arguments.flights, arguments.seed),
            *more_cases(more, arguments.seed),
        ]:
            for split in range(min(arguments.splits, len(case.splits))):
                lines += [measure(case, split, seed, arguments.ebm) for seed in range(arguments.seeds)]
    rows = pd.DataFrame(lines)
    print(f"\n{rows.to_string(index=False, float_format=lambda value: f'{value:,.3f}')}\n")
    print("\n".join(verdict(rows)))
    print(f"\n{footer(['scikit-learn'], f'0-{arguments.seeds - 1}')}")


if __name__ == "__main__":
    main()
