"""What the chosen law loses against the other rungs of its ladder and against boosting, on twenty-six real tables.

Eight are those of real_tables.py and beside; eighteen more are costs, times and demands from packages on PyPI, nine of
them tuned on and nine looked at once. KANRegressor is fitted with everything at its default on the training rows of a
split, and its formula is taken; the rows held out have chosen nothing. Beside the law stand the best rung of its
ladder, the network and boosting. A law should have at most thirty operators: of a sum or product of n parts
n − 1, of a power, a function or a look-up in a table 1, of a curve or a staircase 5; what occurs twice counts twice, as
it is read. No curve should be one of a sum of curves. "leaves" counts, of 50,000 points drawn within the domain of the
law (its box and joint tests), those at which it is farther from all targets than half of their range, or has no value.
"""

from __future__ import annotations

import re
import time

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from _real_data import ONCE, TABLES, TUNED, Case, cases, table_options
from sklearn.ensemble import HistGradientBoostingRegressor

import kanopt as ko
from kanopt.formulas import Curve
from kanopt.formulas.nodes import count_operators, postorder

MOST_OPERATORS = 30
DRAWN, BESIDE = 50_000, 0.5
"""Points within the domain of a law, and by how much of the target's range it may leave that there."""


def rmse(actual: pd.Series, predicted: np.ndarray) -> float:
    return float(np.sqrt(np.mean((actual.to_numpy() - predicted) ** 2)))


def boosted(case: Case, split: int, seed: int) -> float:
    """Return the error of boosting on the rows held out."""
    train, test = case.splits[split]
    words = [name for name in case.features if not pd.api.types.is_numeric_dtype(case.features[name])]
    features = case.features.astype(dict.fromkeys(words, "category"))
    model = HistGradientBoostingRegressor(random_state=seed, categorical_features="from_dtype")
    model.fit(features.iloc[train], case.target.iloc[train])
    return rmse(case.target.iloc[test], model.predict(features.iloc[test]))


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
    except ko.errors.FormulaError:
        return DRAWN
    return int(((values < low - beside) | (values > high + beside)).sum())


def measure(case: Case, split: int, seed: int) -> dict[str, object]:
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
        "÷ boosting": error / boosted(case, split, seed),
        "outside": float(np.mean(outside)),
        "leaves": leaves(formula, target.iloc[train], seed),
        "CPU s, fit": fitted - tick,
        "CPU s, formula": spent,
    }


def main() -> None:
    given = asked(
        __doc__,
        **table_options((*TABLES, *TUNED, *ONCE)),
        seed=(0, "seed of the splits"),
        seeds=(1, "seeds of KANRegressor"),
        splits=(1, "splits of every table, at most 5"),
    )
    lines = [
        measure(case, split, seed)
        for case in cases(given.tables, given.data, given.flights, given.seed)
        for split in range(min(given.splits, len(case.splits)))
        for seed in range(given.seeds)
    ]
    print_table(lines, ",.3f")
    print(f"\n{footer(['scikit-learn'], f'0-{given.seeds - 1}')}")


if __name__ == "__main__":
    main()
