"""Whether a learned law is good, usable or weak, with the reasons and what to do about each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.fit import GOOD_SUM, Fit, Level, VerdictReason, level_of_r2
from kanopt.formulas.plausibility import held_share, sparse_stretches, values_below_zero, wrong_falls
from kanopt.text import fixed_text, join_list, percent_text

__all__ = ["LawVerdict", "Level", "VerdictReason", "learned_laws", "verdict_of", "weak_laws"]

_ORDER: tuple[Level, ...] = ("good", "usable", "weak")
_MOST_SUM = 0.10
_CHANCE, _MOST_BY_CHANCE = 2.0, 0.20
"""Standard errors by which a sum may be off by chance, and by how much it may be: beyond, it is not known."""
_FALL, _DEEP_FALL = 0.02, 0.10
"""Shares of a law's value: what it may fall by as noise, and by which a fall is deep."""
_MUCH_HELD = 0.05
"""Share of its domain on which a law may be held that would fall below zero."""
_FEWEST_ROWS, _FEWEST_IN_ALL = 30, 200
"""Rows to judge by, and in all: below, a share of variance of 0.95 found on a fifth of them may be 0.9 or 0.98."""


@dataclass(frozen=True)
class LawVerdict:
    """What is to be thought of a learned law.

    A law is as good as the worst that is known of it: how much of the held-out rows it explains (R² of 0.9 is good,
    below 0.7 is weak), by how much its sums are off (3 % and 10 %, and more than chance explains), whether it falls
    where one expects it to rise (by 2 % and 10 % of its value), is below zero where no row is or only held above it (on
    5 % of its domain), how few rows it was learned from and measured on or has in a wide stretch of an input, and what
    was found in its table (:func:`kanopt.surrogates.audit.audit`).

    Parameters
    ----------
    level
        ``"good"``, ``"usable"`` or ``"weak"``.
    reasons
        Why, worst first; of a good law what is to be known of its table, or nothing.
    """

    level: Level
    reasons: tuple[VerdictReason, ...] = ()

    def __str__(self) -> str:
        return f"{self.level}: {'. Also, '.join(map(str, self.reasons))}" if self.reasons else self.level

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"level": self.level, "reasons": [asdict(reason) for reason in self.reasons]}


def verdict_of(formula: BaseFormula) -> LawVerdict | None:
    """Return the verdict on a learned law, or on the weakest learned law that it is built on; None where there is none.

    It is worked out from the formula alone, so that a law that was read from a file has one as well.
    """
    if formula.fit is None:
        inside = [(part.output.name, verdict_of(part)) for part in formula.parts]
        known = [(name, each) for name, each in inside if each is not None]
        if not known:
            return None
        worst: Level = max((each.level for _, each in known), key=_ORDER.index)
        told = [
            VerdictReason(reason.level, f"built on {name}: {reason.message}", reason.advice)
            for name, each in known
            for reason in each.reasons
        ]
        return LawVerdict(worst, _ordered(told))
    reasons = [
        *formula.fit.findings,
        *_fit_reasons(formula.fit),
        *_shape_reasons(formula),
        *_row_reasons(formula),
    ]
    level: Level = max((reason.level for reason in reasons), key=_ORDER.index, default="good")
    return LawVerdict(level, _ordered(reasons))


def _ordered(reasons: Iterable[VerdictReason]) -> tuple[VerdictReason, ...]:
    return tuple(sorted(reasons, key=lambda reason: -_ORDER.index(reason.level)))


def _fit_reasons(fit: Fit) -> list[VerdictReason]:
    found = []
    if (level := level_of_r2(fit.r2)) != "good":
        found.append(
            VerdictReason(
                level,
                f"it explains {percent_text(max(fit.r2, 0.0))} of the variance of {fit.rows_test:,} held-out rows "
                f"(R² {fixed_text(fit.r2, 2)})",
                "add columns that explain the target, or clean the table",
            )
        )
    off = abs(fit.ratio - 1.0)
    chance = _CHANCE * _error_of_sum(fit)
    if off > min(max(GOOD_SUM, chance), _MOST_SUM):
        level = "weak" if off > _MOST_SUM and off > min(chance, _MOST_BY_CHANCE) else "usable"
        word = "more" if fit.ratio > 1 else "less"
        by_chance = ", as chance may do with so few rows" if off <= chance else ""
        found.append(
            VerdictReason(
                level,
                f"its predictions add up to {percent_text(off)} {word} than the actual values{by_chance}",
                "prices of plans are off by as much: look whether the held-out rows are like the others",
            )
        )
    return found


def _error_of_sum(fit: Fit) -> float:
    """Return the standard error of the sum of actual values, as a share of the sum; 0 where it is not known."""
    if fit.errors is None:
        return 0.0
    shape = fit.errors.shape
    design = 1.0 + max(shape.group_size - 1.0, 0.0) * shape.share  # rows of a group err together
    return float(fit.rmse / fit.errors.level * (design / fit.rows_test) ** 0.5)


def _shape_reasons(formula: BaseFormula) -> list[VerdictReason]:
    found = []
    for fall in wrong_falls(formula):
        if fall.share > _FALL:
            level: Level = "weak" if fall.share > _DEEP_FALL else "usable"
            advice = f"say monotone = {{ {fall.input} = 1 }}"
            found.append(VerdictReason(level, f"{fall}, where one expects it to rise", advice))
    below = values_below_zero(formula)
    if below is not None:
        message = f"it falls to {below} inside its data, where every row is above zero"
        found.append(VerdictReason("weak", message, "say positive = true"))
    held = held_share(formula)
    if held is not None and held[1] > _MUCH_HELD:
        message = f"it would fall below zero on {percent_text(held[1])} of its domain and is held at {held[0]} there"
        found.append(VerdictReason("usable", message, "say positive = true, or add columns"))
    return found


def _row_reasons(formula: BaseFormula) -> list[VerdictReason]:
    found = []
    fit = formula.fit
    if fit is not None and fit.rows_test < _FEWEST_ROWS:
        message = f"its errors were measured on {fit.rows_test:,} held-out rows only"
        found.append(VerdictReason("usable", message, "hold out more rows"))
    elif fit is not None and fit.rows_train > 0 and fit.rows_train + fit.rows_test < _FEWEST_IN_ALL:
        message = f"there are {fit.rows_train + fit.rows_test:,} rows in all, to learn from and to judge by"
        found.append(VerdictReason("usable", message, "collect more rows"))
    if stretches := sparse_stretches(formula):
        names = join_list(stretches, 3)
        found.append(
            VerdictReason(
                "usable", f"few rows are behind {names}", "do not plan there, or collect rows like that"
            )
        )
    return found


def learned_laws(formulas: Iterable[BaseFormula]) -> tuple[BaseFormula, ...]:
    """Return the learned laws among formulas and inside them, each once."""
    found: dict[tuple[str, bytes], BaseFormula] = {}
    for formula in formulas:
        for law in (formula,) if formula.fit is not None else formula.parts:
            found.setdefault((law.output.name, law.root.key), law)
    return tuple(found.values())


def weak_laws(formulas: Iterable[BaseFormula]) -> tuple[str, ...]:
    """Return a sentence about each law, among formulas and inside them, that is weak or not good for its table.

    It has the reasons and what to do.
    """
    said = []
    for law in learned_laws(formulas):
        verdict = verdict_of(law)
        if verdict is not None and (verdict.level == "weak" or any(each.kind for each in verdict.reasons)):
            said.append(f"The law {law.output.name} is {verdict}.")
    return tuple(said)
