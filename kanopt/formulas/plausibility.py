"""What is implausible in a law: it falls where one expects a rise, is below zero, or has few rows behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.nodes import Constant, Maximum
from kanopt.formulas.variables import Variable
from kanopt.text import amount_text, number_text, range_text
from kanopt.units import same_dimension

Floats = NDArray[np.float64]

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


@dataclass(frozen=True)
class Fall:
    """A stretch of an input along which a law falls.

    Parameters
    ----------
    input
        Name of the input.
    text
        What falls from where to where, in a clause.
    share
        By how much it falls, as a share of its value before.
    """

    input: str
    text: str
    share: float

    def __str__(self) -> str:
        return self.text


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


def wrong_falls(formula: BaseFormula) -> list[Fall]:
    """Return the deepest fall of a law along each input with which one expects it to rise, inside its domain.

    An input along which it is proved to rise is left out. The others are held at random combinations of the domain.
    """
    proved = {fact.input for fact in formula.shapes if fact.shape == "rises" and fact.verdict == "proved"}
    asked = [
        variable
        for variable in formula.inputs
        if variable.name in formula.used - proved and expects_rise(variable, formula.output)
    ]
    falls = [_deepest_fall(formula, variable) for variable in asked]
    return [fall for fall in falls if fall is not None]


def _deepest_fall(formula: BaseFormula, variable: Variable) -> Fall | None:
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
    return Fall(variable.name, text, float(share[row, low]))


def values_below_zero(formula: BaseFormula) -> str | None:
    """Return the lowest value of a law inside its domain, as text, where it is below zero and no row is; else None.

    See :func:`share_below_zero` for how much of the domain is no matter.
    """
    fit = formula.fit
    if fit is None or fit.lowest is None or fit.lowest <= 0.0:
        return None
    if any(
        fact.shape == "at least" and fact.verdict == "proved" and (fact.bound or 0.0) >= 0
        for fact in formula.shapes
    ):
        return None
    lowest, share = _below_zero(formula)
    return amount_text(lowest, formula.output.unit, 3) if share > NEGLIGIBLE else None


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


def sparse_stretches(formula: BaseFormula) -> list[str]:
    """Return the wide stretches of the inputs that few training rows are behind, as texts."""
    found = []
    for variable in formula.inputs:
        known = formula.domain.range_of(variable.name)
        if known is not None and variable.name in formula.used:
            unit = variable.unit
            found += [f"{variable.name} {range_text(low, high, unit, 3)}" for low, high in known.sparse]
    return found


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
