"""Tables of many columns of which four matter: seconds, whether the law names the four and no other, and its error.

Every table has 3,000 rows (--rows), of which a fifth is held out, columns uniform on 0.5 to 5, and one of three
targets of four columns at random places, with normal noise: a rate times a load beside a root and a square, a quotient
with a decay, and a threshold with a product. KANRegressor is fitted and its formula taken with everything at its
default; the peer is scikit-learn's HistGradientBoostingRegressor, also with its defaults. Errors are divided by
that of the noise.
"""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
from _bench import asked, footer
from sklearn.ensemble import HistGradientBoostingRegressor

import kanopt as ko

HELD_OUT = 0.2
LAWS = {
    "rate": lambda a, b, c, d: 2 + 1.5 * a * (1 + 0.2 * b) + 3 * np.sqrt(c) + 0.4 * d**2,
    "decay": lambda a, b, c, d: 20 * a * np.exp(-0.4 * b) / c + 2 * d,
    "threshold": lambda a, b, c, d: 4 + 2 * np.maximum(0, a - 2) + 0.5 * b * c + np.log(d),
}


def measure(law: str, rows: int, columns: int, noise: float, seed: int) -> dict[str, object]:
    """Return one line of the table."""
    rng = np.random.default_rng([seed, columns])
    table = pd.DataFrame(rng.uniform(0.5, 5.0, (rows, columns)), columns=[f"c{k}" for k in range(columns)])
    names = [f"c{k}" for k in rng.choice(columns, 4, replace=False)]
    exact = LAWS[law](*(table[name] for name in names))
    spread = noise * float(exact.std())
    cost = (exact + spread * rng.standard_normal(rows)).rename("cost")
    learned = round((1.0 - HELD_OUT) * rows)
    train, test = slice(0, learned), slice(learned, None)

    def error(predicted: np.ndarray) -> float:
        return float(np.sqrt(np.mean((cost[test] - predicted) ** 2))) / spread

    tick = time.process_time()
    model = ko.KANRegressor(seed=seed).fit(table[train], cost[train])
    fitted = time.process_time()
    formula = model.to_formula(table[test].assign(cost=cost[test]), "cost", min_r2=-np.inf)
    read = time.process_time()
    peer = HistGradientBoostingRegressor(random_state=seed).fit(table[train], cost[train])
    boosted = time.process_time() - read
    print(f"{law}, {columns} columns, seed {seed}: {formula}", flush=True)
    return {
        "law": law,
        "columns": columns,
        "seed": seed,
        "CPU s, fit": fitted - tick,
        "CPU s, formula": read - fitted,
        "found": len(set(names) & formula.used),
        "others": len(formula.used - set(names)),
        "network": error(model.predict(table[test])),
        "formula": error(formula.evaluate(table[test])),
        "boosting": error(peer.predict(table[test])),
        "CPU s, boosting": boosted,
    }


def main() -> None:
    given = asked(
        __doc__,
        columns=([20, 50, 100], ""),
        rows=(3_000, "of every table"),
        laws=(list(LAWS), "", list(LAWS)),
        noise=(0.05, "in standard deviations"),
        seeds=(1, "tables of every kind"),
    )
    lines = [
        measure(law, given.rows, columns, given.noise, seed)
        for columns in given.columns
        for law in given.laws
        for seed in range(given.seeds)
    ]
    print(f"\n{pd.DataFrame(lines).to_string(index=False, float_format=lambda value: f'{value:,.2f}')}\n")
    print(footer(["scikit-learn"], f"0-{given.seeds - 1}"))


if __name__ == "__main__":
    main()
