"""Where a plan uses a law, and what its price cannot be trusted for: values cut off, inputs outside the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.formula import Formula
from kanopt.text import fixed_text
from kanopt.units import convert

__all__ = ["LawUse", "caveats", "unit_factor"]

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LawUse:
    """The places at which a plan uses one law.

    Parameters
    ----------
    law
        What the law is in the problem, as a sentence begins: ``"duration"``, ``"cost 'fuel'"``.
    formula
        The law itself.
    arguments
        Its inputs in its own units; each broadcasts to `shape`.
    rise
        By how much the price of the plan rises for each unit by which the output of the law rises there; broadcasts
        to `shape`. What the plan decides stays as it is.
    shape
        Shape of the places; ``(n,)``.
    places
        What a place is, one and many: ``("leg", "legs")``.
    cut_off
        Whether a value below zero is counted as zero.
    price_change
        Where the price does not rise in proportion, as with delays that waiting takes up: from changes of the law's
        output, shape ``(draws, n)``, to those of the price, ``(draws,)``. The rise is not read then.
    where
        Returns the group and item of each place, as the lines of the price have them; None where places have no names.
    term
        Term of the price whose lines are the law's values times the rise, place by place; where the item is empty, all
        lines of the term and group together. Empty where the price is not made so.
    times
        How often the law counts at each place: once, or the amount that is carried where it is paid by the amount.
    """

    law: str
    formula: Formula
    arguments: Mapping[str, NDArray[Any]]
    rise: Floats
    shape: tuple[int]
    places: tuple[str, str]
    cut_off: bool = False
    price_change: Callable[[Floats], Floats] | None = None
    where: Callable[[], Sequence[tuple[str, str]]] | None = None
    term: str = ""
    times: Floats | float = 1.0

    @cached_property
    def values(self) -> Floats:
        """The law's output at every place, in its own unit and as it is."""
        return np.asarray(np.broadcast_to(self.formula.evaluate(self.arguments), self.shape))

    @cached_property
    def below_zero(self) -> NDArray[np.bool_]:
        """Where a value below zero is counted as zero."""
        return (self.values < 0) if self.cut_off else np.zeros(self.shape, dtype=bool)

    @cached_property
    def outside(self) -> NDArray[np.bool_]:
        """Where the law is used outside the data it was learned from."""
        return np.asarray(np.broadcast_to(self.formula.outside(self.arguments), self.shape))

    @property
    def amounts(self) -> Floats:
        """What each place adds to the lines of :attr:`term`."""
        values = np.maximum(self.values, 0.0) if self.cut_off else self.values
        return np.asarray(values * np.broadcast_to(self.rise, self.shape))

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the price cannot be trusted for, in clauses.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> fuel = parse_formula("km - 5", [Variable("km", "km", low=0, high=20)], Variable("fuel", "EUR"))
        >>> km = np.array([2.0, 8.0, 30.0])
        >>> use = LawUse("cost 'fuel'", fuel, {"km": km}, np.ones(3), (3,), ("leg", "legs"), cut_off=True)
        >>> print(*use.caveats, sep="; ")
        cost 'fuel' is below zero on 1 of 3 legs and counted as 0; cost 'fuel' is used outside its data on 1 of 3 legs
        """
        below, outside = int(self.below_zero.sum()), int(self.outside.sum())
        said = [f"{self.law} is below zero{self._on(below)} and counted as 0"] if below else []
        said += [f"{self.law} is used outside its data{self._on(outside)}"] if outside else []
        return tuple(said)

    def _on(self, count: int) -> str:
        total = self.shape[0]
        one, many = self.places
        if not one:
            return ""
        return f" on {fixed_text(count, 0)} of {fixed_text(total, 0)} {one if total == 1 else many}"


def caveats(uses: Iterable[LawUse]) -> tuple[str, ...]:
    """Return what is to be said of all laws together, each clause once."""
    return tuple(dict.fromkeys(clause for use in uses for clause in use.caveats))


def unit_factor(source: str, target: str) -> float:
    """Return the conversion factor between two units; 1 where either is not declared.

    Examples
    --------
    >>> unit_factor("min", "h") == 1 / 60, unit_factor("", "h")
    (True, 1.0)
    """
    return 1.0 if not source or not target or source == target else convert(1.0, source, target)
