"""What is shown beside a law that was found on the rows: simpler and closer laws, and those that are as good."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas import Alternative, Formula
from kanopt.formulas.alternatives import CLOSE
from kanopt.formulas.complexity import count_operators as read_operators
from kanopt.formulas.printing import to_infix
from kanopt.surrogates.ladder.going_on import BIGGER
from kanopt.surrogates.ladder.plain import Plain
from kanopt.surrogates.ladder.smearing import multiplied
from kanopt.surrogates.rows import Rows
from kanopt.surrogates.search import Found, Rules, operators
from kanopt.surrogates.search.columns import Columns
from kanopt.surrogates.search.evaluation import value
from kanopt.surrogates.search.fitting import Fitted
from kanopt.surrogates.search.structure import signature

__all__ = ["Considered"]

Array = NDArray[np.float64]

SHOWN = 12
"""Laws that are shown."""
MOST_RIVALS, MOST_LOOKED_AT = 2, 4
SAME, ROUNDING = 5e-3, 1e-9
"""Shares of the error, and of the target, by which two laws differ that are one law in other words."""


@dataclass(frozen=True, eq=False)
class Considered:
    """The laws of a search, as they are shown.

    Parameters
    ----------
    table, found
        The columns, and the laws.
    part, log
        The rows of the search, and whether their target is a logarithm.
    rules
        What laws cost, and which are let in.
    length
        Returns the length of the description of all rows by a law.
    holds
        Says whether the constants and shapes of a law hold.
    refused
        Why laws that were better on the rows of the search were not taken, by their signatures.
    """

    table: Plain
    found: Found
    part: Rows
    log: bool
    rules: Rules
    length: Callable[[Fitted], float]
    holds: Callable[[Fitted], bool]
    refused: Mapping[object, str]

    def front(self, chosen: Fitted, law: Formula, length: float) -> tuple[Alternative, ...]:
        """Return the laws that no other beats in both operators and error, the chosen one and its rivals.

        Errors are those of the rows of the search; lengths are those of the description of all.

        Parameters
        ----------
        chosen, law, length
            The law that was chosen, as it was estimated on all rows, and the length of its description.
        """
        shown, best = [], np.inf
        for fit in sorted(self._all, key=lambda f: (operators(f.law), f.squares)):
            if fit is chosen or fit.squares < 0.98 * best:
                best = min(best, fit.squares)
                shown.append(fit)
        if len(shown) > SHOWN:
            shown = [*(f for f in shown[-SHOWN:] if f is not chosen), chosen]
        rivals = self._rivals(chosen)
        others = [fit for fit in shown if fit is not chosen and fit not in rivals]
        lines = [*(self._alternative(fit) for fit in others)]
        lines.append(
            Alternative(read_operators(law.root), self._error(chosen), True, to_infix(law.root), length)
        )
        return (*lines, *(replace(self._alternative(fit), rival=True) for fit in rivals))

    @property
    def _all(self) -> tuple[Fitted, ...]:
        return (self.found.best, *self.found.others)

    @cached_property
    def _columns(self) -> Columns:
        return self.table.columns(self.part, self.found.scales)

    @cached_property
    def _target(self) -> Array:
        """The target itself, in its units."""
        return np.exp(self.part.target) if self.log else self.part.target

    def _mean_square(self, values: Array) -> float:
        return float(self.part.weight @ values**2) / self.part.total

    def _error(self, fit: Fitted) -> float:
        """Return the error in the units of the target."""
        return float(np.sqrt(self._mean_square(self._target - value(fit.law, self._columns))))

    def _alternative(self, fit: Fitted) -> Alternative:
        """Return what is shown of a law; one of the logarithm is made one of the mean (Duan 1983)."""
        law = self.table.formula(self.table.written(fit.law, self.found.scales))
        if self.log:
            ratio = self._target / value(fit.law, self._columns)
            law = multiplied(law, self.part.lift * float(self.part.weight @ ratio) / self.part.total)
        operators = read_operators(law.root)
        refused = self.refused.get(signature(fit.law), "")
        text = to_infix(law.root)
        return Alternative(operators, self._error(fit), False, text, self.length(fit), law, refused=refused)

    def _rivals(self, chosen: Fitted) -> list[Fitted]:
        """Return laws of other structures that describe the rows about as briefly, and say something else."""
        most = self.length(chosen) + CLOSE
        size = operators(chosen.law) + BIGGER
        seen, found, looked_at = {signature(chosen.law, held=False)}, list[Fitted](), 0
        for fit in sorted(self._all, key=lambda f: f.length):
            structure = signature(fit.law, held=False)
            if len(found) == MOST_RIVALS or looked_at == MOST_LOOKED_AT or self.length(fit) > most:
                break
            if structure in seen or operators(fit.law) > size:
                continue
            seen.add(structure)
            allowed = self.rules.admits(fit.law) and self.rules.suffices(fit.law)
            if allowed and not self._says_the_same(fit, chosen):
                looked_at += 1
                found += [fit] if self.holds(fit) else []
        return found

    def _says_the_same(self, fit: Fitted, chosen: Fitted) -> bool:
        """Whether two laws have the same values on the rows, but for what a refit leaves."""
        apart = self._mean_square(value(fit.law, self._columns) - value(chosen.law, self._columns))
        least = SAME * self._error(chosen) + ROUNDING * np.sqrt(self._mean_square(self._target))
        return bool(np.sqrt(apart) <= least)
