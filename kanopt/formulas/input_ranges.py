"""The ranges over which a formula is asked about: what is given of each input, and else where it is known to lie."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.variables import Variable, category_label

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

Bounds: TypeAlias = tuple[float, float]


def given_ranges(
    formula: Formula, ranges: Mapping[str, Any]
) -> tuple[dict[str, Bounds], dict[str, frozenset[str]]]:
    """Return the range of every numeric input, given or default, and the given labels of categories.

    Raises
    ------
    FormulaError
        If a name is not an input, or a range is empty.
    """
    names = [variable.name for variable in formula.inputs]
    for name in ranges:
        if name not in names:
            raise FormulaError(
                f"formula for {formula.output.name!r} has no input {name!r}; {nearest(name, names)}"
            )
    numbers: dict[str, Bounds] = {}
    labels: dict[str, frozenset[str]] = {}
    for variable in formula.inputs:
        given = ranges.get(variable.name)
        if variable.is_category:
            if given is not None:
                labels[variable.name] = _labels(given)
        else:
            numbers[variable.name] = (
                _default(formula, variable) if given is None else _pair(variable.name, given)
            )
    return numbers, labels


def _labels(given: str | Iterable[Any]) -> frozenset[str]:
    return (
        frozenset([given]) if isinstance(given, str) else frozenset(category_label(label) for label in given)
    )


def _default(formula: Formula, variable: Variable) -> Bounds:
    seen = formula.domain.range_of(variable.name)
    low = -math.inf if variable.low is None else variable.low
    high = math.inf if variable.high is None else variable.high
    return (low, high) if seen is None else (max(low, seen.low), min(high, seen.high))


def _pair(name: str, given: Any) -> Bounds:
    try:
        low, high = (float(given), float(given)) if np.ndim(given) == 0 else map(float, given)
    except (TypeError, ValueError):
        raise FormulaError(
            f"input {name!r}: a range is a pair (low, high) of numbers, not {given!r}"
        ) from None
    if not low <= high:
        raise FormulaError(f"input {name!r}: the range from {low!r} to {high!r} holds no number")
    return low, high
