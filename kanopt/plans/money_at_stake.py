"""The money at stake: the band that the errors of learned laws put on the price of a plan."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.columns import evaluate_graph
from kanopt.formulas.error_model import ErrorModel
from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import Input, Node, rebuild
from kanopt.plans.law_use import LawUse
from kanopt.text import money_decimals, money_text, percent_text

LEVEL = 0.9
_NOTHING = 1e-5
_DRAWS, _SEED = 1000, 7
_STEP = 1e-4
"""Share of a law's mean value by which it is changed to see what a formula built on it makes of that."""


@dataclass(frozen=True)
class MoneyAtStake:
    """The band into which the price of a plan falls, given what the laws were wrong by on held-out rows.

    For each learned law, with ``v`` its value and ``r`` the rise of the price for each unit of it at the ``n`` places
    where the plan uses it, actual values are taken for ``shift + factor · v + noise``
    (:class:`~kanopt.formulas.error_model.ErrorModel`; Mincer and Zarnowitz 1969). Then

    - the price is off by ``Σ r · (shift + (factor − 1) · v)``: a bias adds up as ``n``;
    - of which is not known ``(Σr, Σrv) · C · (Σr, Σrv)ᵀ``, with ``C`` the covariance of shift and factor;
    - and noise adds ``Σ r² · noise²``, whose square root grows as ``√n``.

    Where the price is the sum of the law's values, that is exact, and the band that of a normal distribution around the
    price plus the bias. Where it is not (a delay that waiting takes up, the job that happens to end last), actual
    values are drawn a thousand times, and the plan is driven with them in the same order
    (:attr:`LawUse.price_change`).

    The band does not reach below what the plan costs where every law says zero.

    Laws are taken to err independently of each other; where one law is used twice at a place, as in two terms of a
    cost, it errs there once. Left out are what the plan would decide otherwise, what one law makes of an input that
    another one gives, and laws without a fit: those written by hand and given matrices are taken at their word.

    Parameters
    ----------
    price
        The price on the laws.
    low, high
        Ends of the band; infinite where the errors are so large that none can be told.
    level
        Probability of the band.
    laws
        For each learned law its name, by how much the price is off by its bias, and the standard deviation that it puts
        on the price.
    """

    price: float
    low: float
    high: float
    level: float
    laws: tuple[tuple[str, float, float], ...]

    def text(self, unit: str = "", *, earned: bool = False) -> str:
        """Return the band in a clause about the price, or about its negative where that is told as what is earned.

        Examples
        --------
        >>> MoneyAtStake(633.1, 612.0, 655.4, 0.9, ()).text("EUR")
        "the laws' own errors put 612.00 to 655.40 EUR (90 %) on it"
        >>> for clause in MoneyAtStake(281.48, 304.45, 614.41, 0.9, ()).text("EUR").split(": "):
        ...     print(clause)
        what was learned is off by something, so that the plan turns out dearer
        with 90 % probability the true price is between 304.45 and 614.41 EUR, not 281.48 EUR
        """
        if not self.is_known:
            return "the laws' own errors are so large that no range can be told for it"
        decimals = money_decimals([self.low, self.high])
        ends = (-self.high, -self.low) if earned else (self.low, self.high)
        low, high = money_text(ends[0], decimals=decimals), money_text(ends[1], unit, decimals)
        level = percent_text(self.level)
        if not self.low <= self.price <= self.high:
            words = ("earns less", "earns more") if earned else ("turns out dearer", "turns out cheaper")
            price = money_text(-self.price if earned else self.price, unit, decimals)
            return (
                f"what was learned is off by something, so that the plan {words[self.low <= self.price]}: "
                f"with {level} probability the true price is between {low} and {high}, not {price}"
            )
        return f"the laws' own errors put {low} to {high} ({level}) on it"

    @property
    def is_known(self) -> bool:
        """Whether the band has ends."""
        return math.isfinite(self.low)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each learned law: ``law``, ``bias`` and ``deviation`` in money, the largest first."""
        frame = pd.DataFrame(self.laws, columns=["law", "bias", "deviation"])
        return frame.sort_values("deviation", ascending=False, kind="stable", ignore_index=True)

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        band = {"level": self.level, "low": self.low, "high": self.high}
        return {**band, "laws": self.to_frame().to_dict("records")}


def money_at_stake(uses: Iterable[LawUse], price: float, level: float = LEVEL) -> MoneyAtStake | None:
    """Return the band that the errors of learned laws put on a price.

    None where they move it by less than 1e-5 of it, and of a price that is not finite.

    Parameters
    ----------
    uses
        Where the plan uses each law.
    price
        The price of the plan on the laws.
    level
        Probability of the band.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from kanopt.formulas import Fit, Variable, parse_formula
    >>> fuel = parse_formula("0.5 * km", [Variable("km", "km")], Variable("fuel", "EUR"))
    >>> km = np.linspace(5.0, 50.0, 500)
    >>> noise = np.sqrt(2.0) * np.sin(np.arange(500.0))
    >>> fuel = replace(fuel, fit=Fit.of(0.5 * km + noise, 0.5 * km, rows_train=500))
    >>> use = LawUse("cost 'fuel'", fuel, {"km": np.full(100, 20.0)}, np.ones(100), (100,), ("leg", "legs"))
    >>> stake = money_at_stake([use], 1000.0)
    >>> bool(abs(stake.high - stake.low - 2 * 1.645 * np.sqrt(100 + 100**2 / 500)) < 2.0)
    True
    """
    if not math.isfinite(price):  # as of a plan over a road that there is not, whatever laws say
        return None
    groups = _groups(uses)
    straight = all(group.is_straight for group in groups)
    by_law: dict[str, list[Floats]] = {}
    rng = np.random.default_rng(_SEED)
    for group in groups:
        drawn = group.moments() if straight else group.draw(rng)
        by_law.setdefault(group.law.output.name, []).append(drawn)
    learned = {id(use): use for group in groups for use, _ in group.uses}
    certain = _certain(learned.values(), price) if straight else -math.inf
    return _band(by_law, price, level, certain, straight=straight)


def draw_price_errors(uses: Iterable[LawUse], count: int, rng: np.random.Generator) -> Floats:
    """Return what the errors of laws add to a price, drawn at random, where it is the sum of their values; (count,).

    Uses whose price is no such sum are left out.
    """
    groups = _groups(use for use in uses if use.price_change is None)
    mean, variance = np.sum([group.moments() for group in groups], axis=0) if groups else np.zeros(2)
    return np.asarray(mean + math.sqrt(variance) * rng.standard_normal(count))


def price_deviations(uses: Iterable[LawUse]) -> dict[str, float]:
    """Return the standard deviation that each law's errors put on a price, where that is the sum of its values.

    Uses whose price is no such sum are left out.
    """
    variances: dict[str, float] = {}
    for group in _groups(use for use in uses if use.price_change is None):
        name = group.law.output.name
        variances[name] = variances.get(name, 0.0) + float(group.moments()[1])
    return {name: math.sqrt(variance) for name, variance in variances.items()}


def _groups(uses: Iterable[LawUse]) -> list[_LawGroup]:
    """Return each learned law at some places once, with all that uses it there."""
    groups: dict[tuple[Any, ...], _LawGroup] = {}
    for use in uses:
        for law, values, slope in _learned_values(use):
            key = (law.output.name, law.root.key, use.places, values.tobytes())
            groups.setdefault(key, _LawGroup(law, values, [])).uses.append((use, slope))
    return list(groups.values())


def _certain(uses: Iterable[LawUse], price: float) -> float:
    """Return the part of a price that learned laws do not put on it, if what they put on it counts as zero at least."""
    for use in uses:
        if not use.cut_off or np.any(use.rise < 0):
            return -math.inf
        price -= float(np.sum(use.rise * np.maximum(use.values, 0.0)))
    return price


def _band(
    by_law: Mapping[str, Sequence[Floats]], price: float, level: float, certain: float, *, straight: bool
) -> MoneyAtStake | None:
    """Return the band from the moments that each law adds to the price, or from what was drawn."""
    from scipy.special import ndtri

    sums = {name: np.sum(parts, axis=0) for name, parts in by_law.items()}
    total = np.sum(list(sums.values()), axis=0) if sums else np.zeros(2)
    if straight:
        reach = float(ndtri((1.0 + level) / 2.0)) * math.sqrt(total[1])
        ends = max(price + total[0] - reach, certain), max(price + total[0] + reach, certain)
        laws = [(name, float(mean), math.sqrt(variance)) for name, (mean, variance) in sums.items()]
    else:
        with np.errstate(invalid="ignore"):  # a drawn price may be beyond all numbers
            low, high = np.quantile(total, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
            laws = [(name, float(drawn.mean()), float(drawn.std())) for name, drawn in sums.items()]
        ends = price + float(low), price + float(high)
    if not all(map(math.isfinite, ends)):  # not known is another thing than nothing
        ends = -math.inf, math.inf
    elif max(abs(end - price) for end in ends) <= _NOTHING * abs(price):
        return None
    return MoneyAtStake(price, float(ends[0]), float(ends[1]), level, tuple(laws))


@dataclass(frozen=True, eq=False)
class _LawGroup:
    """A learned law at some places, and all that uses it there, each with its slope in the law."""

    law: Formula
    values: Floats
    uses: list[tuple[LawUse, Floats]]

    @property
    def is_straight(self) -> bool:
        """Whether the price is the sum of what the law says at the places."""
        return all(use.price_change is None for use, _ in self.uses)

    @property
    def errors(self) -> ErrorModel:
        assert self.law.fit is not None
        return self.law.fit.error_model

    def moments(self) -> Floats:
        """Return mean and variance of what the law's errors add to the price."""
        return np.array(self.errors.total(self.values, self._rise()))

    def draw(self, rng: np.random.Generator) -> Floats:
        """Return what the law's errors add to the price, drawn at random; (draws,)."""
        if self.is_straight:
            mean, variance = self.moments()
            return np.asarray(mean + math.sqrt(variance) * rng.standard_normal(_DRAWS))
        errors = self.errors.draw(self.values, _DRAWS, rng)
        return np.asarray(sum(_price_change(use, errors * slope) for use, slope in self.uses))

    def _rise(self) -> Floats:
        return np.asarray(sum(np.broadcast_to(use.rise, use.shape) * slope for use, slope in self.uses))


def _price_change(use: LawUse, changes: Floats) -> Floats:
    if use.price_change is not None:
        return use.price_change(changes)
    return np.asarray(changes @ np.broadcast_to(use.rise, use.shape))


def _learned_values(use: LawUse) -> Iterable[tuple[Formula, Floats, Floats]]:
    """Return each learned law behind a use: its values, and by how much the used law rises for each unit of it."""
    formula = use.formula
    if formula.fit is not None:
        yield formula, use.values, np.ones(use.shape)
        return
    for part in formula.parts:
        values = np.asarray(np.broadcast_to(part.evaluate(use.arguments), use.shape))
        yield part, values, _slope(formula, part, values, use.arguments)


def _slope(formula: Formula, part: Formula, values: Floats, arguments: Mapping[str, NDArray[Any]]) -> Floats:
    """Return the derivative of a formula in the value of a law that is a step of it, by central differences."""
    symbol = "law"
    while any(variable.name == symbol for variable in formula.inputs):
        symbol += "_"

    def change(node: Node) -> Node:
        return Input(symbol) if node.key == part.root.key else node

    outer = rebuild(formula.root, change)
    step = _STEP * max(float(np.abs(values).mean()), 1e-12)
    ends = [
        evaluate_graph(outer, {**arguments, symbol: values + side}, f"formula for {formula.output.name!r}")
        for side in (step, -step)
    ]
    return np.asarray(np.broadcast_to((ends[0] - ends[1]) / (2.0 * step), values.shape))
