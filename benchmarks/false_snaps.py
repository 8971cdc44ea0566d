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

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from _bench import asked, footer, print_table
from _laws import Law, Rows, drawn, load_laws, numeric
from _programs import symbolic
from _recovery import constants_of
from _structures import structures

import kanopt as ko
from kanopt.formulas import Constant
from kanopt.formulas.nodes import postorder

DIGITS, DENOMINATOR, SAME = 3, 12, 1e-9
GOAL = 0.02

LAWS = load_laws(Path(__file__).parent / "laws" / "digits.toml")


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
    except (ko.errors.FitError, ko.errors.FormulaError):
        return Snaps(law.name, "refused")
    truth = {abs(float(number)) for number in law.expression.atoms() if number.is_Number}
    numbers = [node for node in postorder(formula.root) if isinstance(node, Constant)]
    unsaid = [node for node in numbers if node.standard_error is None and not _known(node.value, truth)]
    if formula.curves:
        return Snaps(law.name, "curves", unsaid=len(unsaid))
    structure = structures(law, loose=True)[0]
    found = constants_of(numeric(symbolic(formula.root), law.symbols), structure, missing=True)
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


def table(snaps: list[Snaps]) -> list[dict[str, object]]:
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
    return lines


def main() -> None:
    arguments = asked(
        __doc__,
        repeats=(100, "formulas in all"),
        noise=(0.05, "share of the spread"),
        rows=(2_000, "rows to learn from"),
        only=([str], "laws", [law.name for law in LAWS]),
    )
    laws = [law for law in LAWS if not arguments.only or law.name in arguments.only]
    snaps = []
    for repeat in range(arguments.repeats):
        law = laws[repeat % len(laws)]
        snaps.append(look(law, drawn(law, arguments.noise, repeat, arguments.rows), repeat))
        if snaps[-1].false:
            print(f"{law.name}, seed {repeat}: {', '.join(snaps[-1].false)}", flush=True)
    print_table(table(snaps))
    constants = sum(snap.constants for snap in snaps)
    share = sum(len(snap.false) for snap in snaps) / max(constants, 1)
    met = constants > 0 and share <= GOAL
    print(f"\nat most {GOAL:.0%} of the constants snapped falsely: {share:.1%}: {'met' if met else 'MISSED'}")
    print(footer(["sympy"], f"0-{arguments.repeats - 1}"))


if __name__ == "__main__":
    main()
