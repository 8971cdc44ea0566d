"""The parts that add up to a formula's output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["Term"]


@dataclass(frozen=True)
class Term:
    """One of the parts that add up to a formula's output.

    Parameters
    ----------
    text
        The part in one line.
    formula
        The part as a formula over the inputs it reads.
    """

    text: str
    formula: Formula
