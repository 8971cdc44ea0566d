"""Inputs, and the meaning of a row, of a formula that is composed of other formulas."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from kanopt.errors import FormulaError
from kanopt.formulas.variables import Variable

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["common_text", "merged_inputs"]


def merged_inputs(inputs: Sequence[Variable], laws: Sequence[Formula], what: str) -> tuple[Variable, ...]:
    """Return the declared inputs and those of the laws, each once; their units must agree."""
    merged = {variable.name: variable for variable in inputs}
    for law in laws:
        for variable in law.inputs:
            if variable.name not in law.used:
                continue
            known = merged.setdefault(variable.name, variable)
            if (known.unit or variable.unit) != (variable.unit or known.unit) or known.kind != variable.kind:
                raise FormulaError(
                    f"formula for {what!r}: input {variable.name!r} is {known.kind} [{known.unit}], but the law "
                    f"for {law.output.name!r} takes it as {variable.kind} [{variable.unit}]"
                )
            merged[variable.name] = _intersect_declarations(known, variable, what)
    return tuple(merged.values())


def _intersect_declarations(known: Variable, other: Variable, what: str) -> Variable:
    """Return the intersection of two declarations of an input."""
    lows = [bound for bound in (known.low, other.low) if bound is not None]
    highs = [bound for bound in (known.high, other.high) if bound is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    allowed = known.categories or other.categories
    if known.categories and other.categories:
        allowed = tuple(label for label in allowed if label in other.categories)
        empty = not allowed
    else:
        empty = low is not None and high is not None and low > high
    if empty:
        raise FormulaError(
            f"formula for {what!r}: input {known.name!r} is declared differently by the laws; nowhere do all hold"
        )
    return replace(known, unit=known.unit or other.unit, low=low, high=high, categories=allowed)


def common_text(texts: Sequence[str]) -> str:
    """Return the common value of texts; empty if they differ."""
    return texts[0] if len(set(texts)) == 1 else ""
