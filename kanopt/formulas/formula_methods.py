"""What the methods of a formula that stand in files of their own have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["FormulaMethods"]


class FormulaMethods:
    """Methods of :class:`kanopt.formulas.Formula`, which is made of several such classes."""

    @property
    def _formula(self) -> Formula:
        return cast("Formula", self)
