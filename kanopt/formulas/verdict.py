"""Whether a learned law is good, usable or weak, with the reasons, what is implausible among them, and advice."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.fit import GOOD_SUM, Fit, Level, VerdictReason, level_of_r2
from kanopt.formulas.nodes import Constant, Maximum
from kanopt.formulas.variables import Variable
from kanopt.text import amount_text, fixed_text, join_list, number_text, percent_text, range_text
from kanopt.units import same_dimension

NEGLIGIBLE = 1e-3
"""Share of its domain on which a law may be below zero without a word."""

_SIZES = ("km", "t", "m^3")
_SPENT = ("min", "EUR", "l", "kWh", "kg")
_SIZE_WORDS = re.compile(r"(km|mi|miles?|dist|distance|length|load|weight|tonnes?|pallets?|volume|parcels?)")
_SPENT_WORDS = re.compile(
    r"(min|mins|minutes?|h|hours?|time|duration|seconds?|costs?|price|eur|usd|fuel|litres?|liters?|l|energy|kwh|co2)"
)
_POINTS = 65
_COMBINATIONS = 96
_SEED = 7


def expects_rise(variable: Variable, output: Variable) -> bool:
    """Whether one expects a law to rise with an input: what is spent (time, money, fuel) with distance, load or volume.

    Declared units decide. Where one is not declared, the words of the name do.

    Examples
    --------
    >>> minutes = Variable("minutes", "min")
    >>> expects_rise(Variable("trip", "km"), minutes), expects_rise(Variable("miles"), Variable("cost"))
    (True, True)
    >>> expects_rise(Variable("speed", "km/h"), minutes), expects_rise(Variable("km"), Variable("eur_per_km"))
    (False, False)
    """
    if variable.is_category:
        return False
    return is_size(variable) and _is(output, _SPENT, _SPENT_WORDS)


def is_size(variable: Variable) -> bool:
    """Whether an input is a distance, a load or a volume, by its declared unit or else by the words of its name."""
    return _is(variable, _SIZES, _SIZE_WORDS)


def _is(variable: Variable, units: tuple[str, ...], words: re.Pattern[str]) -> bool:
    if variable.unit:
        return any(same_dimension(variable.unit, unit) for unit in units)
    parts = re.split(r"[\W_]+", variable.name.lower())
    return "per" not in parts and any(words.fullmatch(part) for part in parts)


def _deepest_fall(formula: BaseFormula, variable: Variable) -> tuple[str, float] | None:
    """Return the deepest fall of a law along an input inside its domain, as text and as a share; None where none is."""
    ends = formula.valid_range(variable)
    columns = _combinations(formula)
    if columns is None or ends[0] is None or ends[1] is None or not ends[0] < ends[1]:
        return None
    grid = np.linspace(ends[0], ends[1], _POINTS)
    columns = {name: values[:, None] for name, values in columns.items()} | {variable.name: grid[None, :]}
    values = _inside_values(formula, columns, (_COMBINATIONS, _POINTS))
    if values is None:
        return None
    highest = np.fmax.accumulate(values, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(highest > 0, (highest - values) / highest, np.nan)
    if not np.isfinite(share).any():
        return None
    row, low = np.unravel_index(int(np.nanargmax(share)), share.shape)
    high = int(np.nanargmax(values[row, : low + 1]))
    before, after = (amount_text(float(values[row, at]), formula.output.unit, 3) for at in (high, low))
    begin, end = number_text(float(grid[high]), 3), amount_text(float(grid[low]), variable.unit, 3)
    text = f"it falls from {before} to {after} between {variable.name} {begin} and {end}"
    return text, float(share[row, low])


def share_below_zero(formula: BaseFormula) -> float:
    """Return the share of its domain on which a law is below zero, at random; 0 where it is not known.

    Up to :data:`NEGLIGIBLE` it is a corner in which hardly a row is expected.
    """
    return _below_zero(formula)[1]


def held_share(formula: BaseFormula) -> tuple[str, float] | None:
    """Return what a law is held at that would fall below zero, as text, and on which share of its domain; else None.

    A number that was estimated is no such floor but part of the law: a minimum charge.
    """
    if not isinstance(formula.root, Maximum):
        return None
    held = [part for part in formula.root.parts if isinstance(part, Constant) and not part.name]
    floors = [part.value for part in held if part.value > 0.0]
    free = tuple(part for part in formula.root.parts if part not in held)
    if not floors or not free:
        return None
    return amount_text(max(floors), formula.output.unit, 3), share_below_zero(
        replace(formula, root=Maximum(free))
    )


def _below_zero(formula: BaseFormula) -> tuple[float, float]:
    """Return the lowest value of a law at random places of its domain, and the share of them where it is below zero."""
    columns = _combinations(formula, 40 * _COMBINATIONS)
    values = None if columns is None else _inside_values(formula, columns, (40 * _COMBINATIONS,))
    if values is None:
        return 0.0, 0.0
    known = values[np.isfinite(values)]
    return float(known.min()), float((known < 0.0).mean())


def _combinations(formula: BaseFormula, count: int = _COMBINATIONS) -> dict[str, NDArray[Any]] | None:
    """Return random values of the inputs in the box of the domain; None where an end of it is not known."""
    rng = np.random.default_rng(_SEED)
    columns: dict[str, NDArray[Any]] = {}
    for variable in formula.inputs:
        if variable.name not in formula.used:
            continue
        if variable.is_category:
            known = formula.known_categories(variable)
            if not known:
                return None
            columns[variable.name] = np.array(known, dtype=object)[rng.integers(len(known), size=count)]
            continue
        low, high = formula.valid_range(variable)
        if low is None or high is None:
            return None
        columns[variable.name] = rng.uniform(low, high, count)
    return columns


def _inside_values(
    formula: BaseFormula, columns: dict[str, NDArray[Any]], shape: tuple[int, ...]
) -> Floats | None:
    """Return the values of a law, NaN outside its domain; None where it has no value or nothing is inside."""
    try:
        values = np.broadcast_to(formula.evaluate(columns), shape)
    except FormulaError:
        return None
    inside = np.where(np.broadcast_to(formula.outside(columns), shape), np.nan, values)
    return inside if np.isfinite(inside).any() else None


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
    """Whether it is good, usable or weak, and why, if it was learned or is built on a learned law; else None.

    It is worked out from the formula alone, so that a law that was read from a file has one as well.

    Examples
    --------
    >>> from kanopt.formulas import Fit, parse_formula
    >>> trip = parse_formula("5 + 2 * km", [Variable("km", "km", low=0, high=80)], Variable("time", "min"))
    >>> verdict = replace(trip, fit=Fit(0.57, 12.0, 9.0, 1.01, 800, 200)).verdict
    >>> print(verdict.level, verdict.reasons[0].message, sep=": ")
    weak: it explains 57 % of the variance of 200 held-out rows (R² 0.57)
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
    proved = [fact for fact in formula.shapes if fact.verdict == "proved"]
    rising = {fact.input for fact in proved if fact.shape == "rises"}
    for variable in formula.inputs:
        if variable.name not in formula.used - rising or not expects_rise(variable, formula.output):
            continue
        fall, share = _deepest_fall(formula, variable) or ("", 0.0)
        if share > _FALL:
            level: Level = "weak" if share > _DEEP_FALL else "usable"
            advice = f"say monotone = {{ {variable.name} = 1 }}"
            found.append(VerdictReason(level, f"{fall}, where one expects it to rise", advice))
    bounded = any(fact.shape == "at least" and (fact.bound or 0.0) >= 0 for fact in proved)
    fit = formula.fit
    if fit is not None and (fit.lowest or 0.0) > 0.0 and not bounded:
        lowest, share = _below_zero(formula)
        if share > NEGLIGIBLE:
            below = amount_text(lowest, formula.output.unit, 3)
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
    read = [variable for variable in formula.inputs if variable.name in formula.used]
    known = [(variable, formula.domain.range_of(variable.name)) for variable in read]
    stretches = [
        f"{variable.name} {range_text(low, high, variable.unit, 3)}"
        for variable, item in known
        for low, high in (() if item is None else item.sparse)
    ]
    if stretches:
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
