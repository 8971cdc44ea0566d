"""How often a constant of a learned formula is a round number that the truth is not.

Rows are drawn from laws whose constants are not simple (three digits; exponents such as 0.46 and 1.07), and the formula
is taken of KANRegressor with everything at its default. Where the formula has the structure of the law, exponents all
free (see _structures.py), the constants that the formula stands for are compared one by one: a constant that is, to
nine digits, a number of at most three digits, a fraction with a denominator of at most 12, or zero for a term that was
left out, was snapped; it was snapped falsely where it is not the true one. A constant that was estimated hits such a
number by chance once in millions of times. Formulas of another structure, or with curves, are counted apart.

A formula should also say which of its numbers were learned: constants without a standard error, other than whole and
half exponents, ±1 and the true numbers, are counted as well.
"""

from __future__ import annotations

import argparse
import warnings
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import torch
from _bench import footer
from _laws import Law, Rows, drawn, numeric
from _recovery import constants_of
from _structures import structures
from threadpoolctl import threadpool_limits

import kanopt as ko
from kanopt.formulas import Constant
from kanopt.formulas.nodes import postorder

Floats = np.ndarray
DIGITS, DENOMINATOR, SAME = 3, 12, 1e-9
GOAL = 0.02

LAWS = (
    Law.of("power", "3.27*x**0.46*z**1.07", ("x", 1, 60, "", "log"), ("z", 2, 30)),
    Law.of("tariff", "41.3 + 2.63*d**0.713*w**0.64", ("d", 20, 900, "km", "log"), ("w", 0.2, 20, "t", "log")),
    Law.of("sum", "7.43 + 0.318*n + 0.0463*n*k", ("n", 1, 40, "", "int"), ("k", 0, 9)),
    Law.of("decay", "12.7 + 88.3*exp(-0.187*t)*n**0.31", ("t", 0, 14), ("n", 1, 40)),
    Law.of("ratio", "58.7*x*z**0.83/(13.9 + x)", ("x", 1, 60), ("z", 1, 12)),
)


@dataclass(frozen=True)
class Snaps:
    """What one formula shows."""

    law: str
    kind: str
    """Whether constants were compared ("compared"), or why not: "structure", "curves" or "refused"."""
    constants: int = 0
    false: tuple[str, ...] = ()
    unsaid: int = 0
    """Constants without a standard error that are not true ones."""


def simple(value: float) -> bool:
    """Whether a number looks like one that was rounded.

    >>> [simple(v) for v in (0.5, 1 / 3, 0.461, 0.46124518, 0.0, -2.0, 1.0700000131)]
    [True, True, True, False, True, True, False]
    """
    fraction = Fraction(value).limit_denominator(DENOMINATOR)
    near = (float(f"{value:.{DIGITS}g}"), float(fraction))
    return any(abs(value - other) <= SAME * abs(value) for other in near)


def look(law: Law, rows: Rows, seed: int) -> Snaps:
    """Learn a formula and look at its constants."""
    inputs = rows.train.drop(columns=rows.target)
    try:
        model = ko.KANRegressor(seed=seed).fit(inputs, rows.train[rows.target])
        formula = model.to_formula(rows.test, rows.target)
    except (ko.FitError, ko.FormulaError):
        return Snaps(law.name, "refused")
    truth = {abs(float(number)) for number in law.expression.atoms() if number.is_Number}
    numbers = [node for node in postorder(formula.root) if isinstance(node, Constant)]
    unsaid = [node for node in numbers if node.standard_error is None and not _known(node.value, truth)]
    if formula.curves:
        return Snaps(law.name, "curves", unsaid=len(unsaid))
    structure = structures(law, loose=True)[0]
    found = constants_of(numeric(formula.to_sympy(), law.symbols), structure, missing=True)
    if found is None:
        return Snaps(law.name, "structure", unsaid=len(unsaid))
    # exponents of the structure, such as that of n in 0.318·n, are right where they are whole
    pairs = [(a, b) for a, b in zip(found, structure.true, strict=True) if not _round(b)]
    false = [f"{b:g} → {a:g}" for a, b in pairs if _zero(a, b) or (simple(a) and abs(a - b) > SAME * abs(b))]
    return Snaps(law.name, "compared", len(pairs), tuple(false), len(unsaid))


def _round(true: float) -> bool:
    return float(2.0 * true).is_integer()


def _zero(found: float, true: float) -> bool:
    return abs(found) <= SAME * abs(true)


def _known(value: float, truth: set[float]) -> bool:
    return _round(value) or any(abs(abs(value) - true) <= SAME * true for true in truth)


def table(snaps: list[Snaps]) -> pd.DataFrame:
    """Return a line per law, and one for all."""
    lines = []
    for name in [*dict.fromkeys(snap.law for snap in snaps), "all"]:
        own = [snap for snap in snaps if name in (snap.law, "all")]
        compared = [snap for snap in own if snap.kind == "compared"]
        kinds = [snap.kind for snap in own if snap.kind != "compared"]
        constants, false = sum(s.constants for s in compared), sum(len(s.false) for s in compared)
        lines.append(
            {
                "law": name,
                "formulas": len(own),
                "compared": len(compared),
                "otherwise": ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds)),
                "constants": constants,
                "snapped falsely": f"{false} ({false / constants:.1%})" if constants else "–",
                "formulas with one": f"{sum(bool(s.false) for s in compared)}",
                "without standard error": sum(snap.unsaid for snap in own),
            }
        )
    return pd.DataFrame(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=100, help="formulas in all (default 100)")
    parser.add_argument("--noise", type=float, default=0.05, help="share of the spread (default 0.05)")
    parser.add_argument("--rows", type=int, default=2_000, help="rows to learn from (default 2,000)")
    parser.add_argument("--only", nargs="+", choices=[law.name for law in LAWS], help="laws (default all)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    laws = [law for law in LAWS if not arguments.only or law.name in arguments.only]
    snaps = []
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ko.KanoptWarning)
        for repeat in range(arguments.repeats):
            law = laws[repeat % len(laws)]
            rows = drawn(law, arguments.noise, repeat, arguments.rows)
            snaps.append(look(law, rows, repeat))
            if snaps[-1].false:
                print(f"{law.name}, seed {repeat}: {', '.join(snaps[-1].false)}", flush=True)
    print(f"\n{table(snaps).to_string(index=False)}")
    constants = sum(snap.constants for snap in snaps)
    share = sum(len(snap.false) for snap in snaps) / max(constants, 1)
    met = constants > 0 and share <= GOAL
    print(f"\nat most {GOAL:.0%} of the constants snapped falsely: {share:.1%}: {'met' if met else 'MISSED'}")
    print(footer(["sympy"], f"0-{arguments.repeats - 1}"))


if __name__ == "__main__":
    main()
