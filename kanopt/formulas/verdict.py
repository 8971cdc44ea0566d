"""Whether a learned law is good, usable or weak, with the reasons and what to do about each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from kanopt.formulas.fit import Fit
from kanopt.formulas.plausibility import held_share, sparse_stretches, values_below_zero, wrong_falls
from kanopt.text import fixed_text, join_list, percent_text

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["LawVerdict", "Level", "VerdictReason", "learned_laws", "verdict_of", "weak_laws"]

Level: TypeAlias = Literal["good", "usable", "weak"]

_ORDER: tuple[Level, ...] = ("good", "usable", "weak")
_GOOD_R2, _LEAST_R2 = 0.9, 0.7
_GOOD_SUM, _MOST_SUM = 0.03, 0.10
_CHANCE = 2.0
"""Standard errors by which a sum may be off by chance."""
_FALL, _DEEP_FALL = 0.02, 0.10
"""Shares of a law's value: what it may fall by as noise, and by which a fall is deep."""
_MUCH_HELD = 0.05
"""Share of its domain on which a law may be held that would fall below zero."""
_FEWEST_ROWS = 30


@dataclass(frozen=True)
class VerdictReason:
    """One reason why a law is not good.

    Parameters
    ----------
    level
        The verdict that it leads to by itself.
    message
        What is wrong, in a clause about the law, with numbers: ``"it explains 57 % of …"``.
    advice
        What to do about it, in a clause.
    """

    level: Level
    message: str
    advice: str

    def __str__(self) -> str:
        return f"{self.message}; {self.advice}"


@dataclass(frozen=True)
class LawVerdict:
    """What is to be thought of a learned law.

    A law is as good as the worst that is known of it: how much of the held-out rows it explains (R² of 0.9 is good,
    below 0.7 is weak), by how much its sums are off (3 % and 10 %, and more than chance explains), whether it falls
    where one expects it to rise (by 2 % and 10 % of its value), is below zero where no row is or only held above it (on
    5 % of its domain), and how few rows it was measured on or has in a wide stretch of an input.

    Parameters
    ----------
    level
        ``"good"``, ``"usable"`` or ``"weak"``.
    reasons
        Why, worst first; none for a good law.
    """

    level: Level
    reasons: tuple[VerdictReason, ...] = ()

    def __str__(self) -> str:
        return f"{self.level}: {'. Also, '.join(map(str, self.reasons))}" if self.reasons else self.level

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {"level": self.level, "reasons": [asdict(reason) for reason in self.reasons]}


def verdict_of(formula: Formula) -> LawVerdict | None:
    """Return the verdict on a learned law, or on the weakest learned law that it is built on; None where there is none.

    It is worked out from the formula alone, so that a law that was read from a file has one as well.
    """
    if formula.fit is None:
        inside = [(part.output.name, part.verdict) for part in formula.parts]
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
    reasons = [*_fit_reasons(formula.fit), *_shape_reasons(formula), *_row_reasons(formula)]
    level: Level = max((reason.level for reason in reasons), key=_ORDER.index, default="good")
    return LawVerdict(level, _ordered(reasons))


def _ordered(reasons: Iterable[VerdictReason]) -> tuple[VerdictReason, ...]:
    return tuple(sorted(reasons, key=lambda reason: -_ORDER.index(reason.level)))


def _fit_reasons(fit: Fit) -> list[VerdictReason]:
    found = []
    if fit.r2 < _GOOD_R2:
        level: Level = "weak" if fit.r2 < _LEAST_R2 else "usable"
        found.append(
            VerdictReason(
                level,
                f"it explains {percent_text(max(fit.r2, 0.0))} of the variance of {fit.rows_test:,} held-out rows "
                f"(R² {fixed_text(fit.r2, 2)})",
                "add columns that explain the target, or clean the table",
            )
        )
    off = abs(fit.ratio - 1.0)
    chance = 0.0 if fit.errors is None else fit.rmse / (fit.errors.level * fit.rows_test**0.5)
    if off > max(_GOOD_SUM, _CHANCE * chance):
        level = "weak" if off > _MOST_SUM else "usable"
        word = "more" if fit.ratio > 1 else "less"
        found.append(
            VerdictReason(
                level,
                f"its predictions add up to {percent_text(off)} {word} than the actual values",
                "prices of plans are off by as much: look whether the held-out rows are like the others",
            )
        )
    return found


def _shape_reasons(formula: Formula) -> list[VerdictReason]:
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


def _row_reasons(formula: Formula) -> list[VerdictReason]:
    found = []
    fit = formula.fit
    if fit is not None and fit.rows_test < _FEWEST_ROWS:
        message = f"its errors were measured on {fit.rows_test:,} held-out rows only"
        found.append(VerdictReason("usable", message, "hold out more rows"))
    if stretches := sparse_stretches(formula):
        names = join_list(stretches, 3)
        found.append(
            VerdictReason(
                "usable", f"few rows are behind {names}", "do not plan there, or collect rows like that"
            )
        )
    return found


def learned_laws(formulas: Iterable[Formula]) -> tuple[Formula, ...]:
    """Return the learned laws among formulas and inside them, each once."""
    found: dict[tuple[str, bytes], Formula] = {}
    for formula in formulas:
        for law in (formula,) if formula.fit is not None else formula.parts:
            found.setdefault((law.output.name, law.root.key), law)
    return tuple(found.values())


def weak_laws(formulas: Iterable[Formula]) -> tuple[str, ...]:
    """Return a sentence about each weak law among formulas and inside them, with the reasons and what to do."""
    said = []
    for law in learned_laws(formulas):
        verdict = law.verdict
        if verdict is not None and verdict.level == "weak":
            said.append(f"The law {law.output.name} is {verdict}.")
    return tuple(said)
