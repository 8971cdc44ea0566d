"""Where a plan uses a law, and what its price cannot be trusted for: values cut off, inputs outside the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import LawValueError
from kanopt.formulas.formula import Formula
from kanopt.plans.findings import Extrapolation
from kanopt.text import amount_text, fixed_text, join_list, list_names
from kanopt.units import convert

_ROUNDING = 1e-9
"""So much below zero, beside the largest value, is what rounding leaves of zero."""


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
        said = [f"{self.law} is below zero{self.on(below)} and counted as 0"] if below else []
        said += [f"{self.law} is used outside its data{self.on(outside)}"] if outside else []
        return tuple(said)

    def extrapolations(self) -> Iterator[Extrapolation]:
        """Yield an entry for each group of places, such as a lane or a machine, of which some are outside the data."""
        if not self.outside.any():
            return
        groups: dict[str, list[tuple[int, str]]] = {}
        for place, (group, item) in enumerate([] if self.where is None else self.where()):
            groups.setdefault(group, []).append((place, item))
        full = {name: np.broadcast_to(values, self.shape) for name, values in self.arguments.items()}
        for group, places in groups.items():
            here = [place for place, _ in places if self.outside[place]]
            if here:
                items = join_list([item for place, item in places if self.outside[place]], 3)
                inputs = "; ".join(
                    self.formula.outside_inputs({name: values[here] for name, values in full.items()})
                )
                count = f"on {len(here):,} of {len(places):,} {self.places[len(places) > 1]} ({items})"
                named = group or "the plan"
                message = (
                    f"{self.law} of {named} is used outside the data it was learned from, {count}: {inputs}"
                )
                yield Extrapolation(self.law, named, inputs, message)

    def on(self, count: int) -> str:
        """Return on how many of the places something holds: ``" on 1 of 3 legs"``."""
        total = self.shape[0]
        one, many = self.places
        if not one:
            return ""
        return f" on {fixed_text(count, 0)} of {fixed_text(total, 0)} {one if total == 1 else many}"


def caveats(uses: Iterable[LawUse]) -> tuple[str, ...]:
    """Return what is to be said of all laws together, each clause once."""
    return tuple(dict.fromkeys(clause for use in uses for clause in use.caveats))


def falls_below_zero(values: Floats) -> NDArray[np.bool_]:
    """Say which values of a law are below zero by more than rounding."""
    finite = np.abs(values[np.isfinite(values)])
    return np.asarray(values < -_ROUNDING * max(1.0, finite.max(initial=0.0)))


def refuse_impossible(uses: Iterable[LawUse]) -> None:
    """Refuse a plan that rests on a law of time or of an amount where that falls below zero; money may.

    Parameters
    ----------
    uses
        The places at which the plan uses its laws.

    Raises
    ------
    LawValueError
        If it does; names the law, the places, the value and what to do.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> minutes = parse_formula("km - 5", [Variable("km", "km", low=0, high=20)], Variable("minutes", "min"))
    >>> use = LawUse("duration", minutes, {"km": np.array([2.0, 8.0])}, np.ones(2), (2,), ("leg", "legs"), cut_off=True)
    >>> refuse_impossible([use])
    Traceback (most recent call last):
    ...
    kanopt.errors.LawValueError: duration (law 'minutes') falls to −3 min on 1 of 2 legs: no time and no amount is ...
    """
    lines = []
    for use in uses:
        wrong = (
            falls_below_zero(use.values) if use.cut_off and not use.term else np.zeros(use.shape, dtype=bool)
        )
        if not wrong.any():
            continue
        named = [] if use.where is None else use.where()
        places = [": ".join(filter(None, each)) for each, bad in zip(named, wrong, strict=False) if bad]
        where = use.on(int(wrong.sum())) + (f" ({list_names(places, 3, quoted=False)})" if places else "")
        lines.append(impossible_value(use.law, use.formula, float(use.values[wrong].min()), where))
    if lines:
        raise LawValueError("\n".join(lines))


def impossible_value(what: str, formula: Formula, value: float, where: str) -> str:
    """Return the message on a law of a time or an amount that falls below zero.

    Parameters
    ----------
    what, formula
        What the law is in the problem, and the law.
    value
        The least value, in the law's unit.
    where
        The places, such as ``" on 1 of 2 legs"``.
    """
    output = formula.output
    return (
        f"{what} (law {output.name!r}) falls to {amount_text(value, output.unit, 6)}{where}: no time and no amount is "
        "below zero, so that there is no plan; hold the law above zero (positive = true or bounds where it is learned, "
        "max(0, …) where it is written), or leave out the rows of its history that say so (drop_where)"
    )


def unit_factor(source: str, target: str) -> float:
    """Return the conversion factor between two units; 1 where either is not declared.

    Examples
    --------
    >>> unit_factor("min", "h") == 1 / 60, unit_factor("", "h")
    (True, 1.0)
    """
    return 1.0 if not source or not target or source == target else convert(1.0, source, target)
