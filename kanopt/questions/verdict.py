"""Whether a change of a price is more than the luck of the search: one verdict, and one sentence for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from kanopt.text import money_text, percent_text

NO_PLAN = "no plan"
NO_DIFFERENCE = "no difference"
UNMEASURED = "noise not measured"
REPEAT = "search twice to know it (--repeats 2, SweepOptions(repeats=2))"
"""What is advised where the noise of searches was not measured."""
_EQUAL = 1e-9
"""Share of a price by which the order of summation may change it."""


@dataclass(frozen=True)
class Verdict:
    """What a change of a price comes to.

    Parameters
    ----------
    change
        The new price less the old one; NaN where one of them is missing.
    noise
        How far apart lie what searches say of the change; 0 where it is exact, NaN where that was not measured.
    alike
        Whether the prices of both plans compare, see :func:`still_compare` and :meth:`PointResult.unlike`.
    why
        What the new plan does instead, where they do not.
    does_less
        Whether it breaks a rule that the old one keeps, or leaves out more: a lower price is no saving then.
    price
        The old price.

    Examples
    --------
    >>> for change, noise in [(3.0, 0.5), (0.2, 0.5), (-3.0, math.nan), (0.0, 0.0)]:
    ...     verdict = Verdict(change, noise, price=100.0)
    ...     print(f"{verdict.word}; {verdict.text('EUR')}")
    dearer; +3.00 EUR (+3 %), dearer; noise of the search 0.50 EUR
    no difference; no difference: +0.20 EUR (+0.2 %) is within the noise of the search, 0.50 EUR
    cheaper, noise not measured; −3.00 EUR (−3 %), cheaper; noise not measured
    no difference; no difference
    >>> Verdict(-3.0, 0.0, alike=False, why="serves 2 clients fewer", does_less=True, price=100.0).text("EUR")
    '−3.00 EUR (−3 %), no saving: it serves 2 clients fewer'
    """

    change: float
    noise: float = 0.0
    alike: bool = True
    why: str = ""
    does_less: bool = False
    price: float = 0.0

    @property
    def is_nothing(self) -> bool:
        """Whether the prices are equal, or may be by the luck of the search."""
        tiny = _EQUAL * max(1.0, abs(self.price))
        return abs(self.change) <= (tiny if math.isnan(self.noise) else max(tiny, self.noise))

    @property
    def is_known(self) -> bool:
        """Whether the prices compare, and differ by more than luck; false where that was not measured."""
        return self.alike and abs(self.change) > self.noise and not self.is_nothing

    @property
    def word(self) -> str:
        """The verdict in a word or two, as tables have it."""
        if math.isnan(self.change):
            return NO_PLAN
        if not self.alike:
            return "no saving" if self.does_less and self.change < 0 else "not like with like"
        if self.is_nothing:
            return NO_DIFFERENCE
        word = "dearer" if self.change > 0 else "cheaper"
        return f"{word}, {UNMEASURED}" if math.isnan(self.noise) else word

    @property
    def _earns(self) -> bool:
        return self.price < 0 and self.price + self.change < 0

    def text(self, unit: str) -> str:
        """Say it in one sentence, without a full stop."""
        if math.isnan(self.change):
            return "no plan to compare"
        amount = self.amount(unit)
        if not self.alike:
            return f"{amount}, {self.word}: it {self.why}"
        if self.is_nothing:
            noise = f": {amount} is within the noise of the search, {money_text(self.noise, unit)}"
            return NO_DIFFERENCE + (noise if self.noise > 0 and self.change else "")
        word, _, noise = self.word.partition(", ")
        if self.noise > 0:
            noise = f"noise of the search {money_text(self.noise, unit)}"
        told = amount if self._earns else f"{amount}, {word}"
        return f"{told}; {noise}" if noise else told

    def amount(self, unit: str) -> str:
        """Return the change and its share; of a plan that earns, by how much more or less."""
        share = self.change / max(abs(self.price), 1e-12)
        if self._earns:
            more = "more" if self.change < 0 else "less"
            return f"{money_text(abs(self.change), unit)} {more} ({percent_text(-share, signed=True)})"
        return f"{money_text(self.change, unit, signed=True)} ({percent_text(share, signed=True)})"


def still_compare(change: float, *, does_more: bool, does_less: bool) -> bool:
    """Say whether prices compare though the new plan does more or less than the old one.

    They do where the plan that does more is the cheaper one as well. A plan that does less may owe a lower price to
    that, which flatters it.

    Examples
    --------
    >>> still_compare(-3.0, does_more=True, does_less=False), still_compare(-3.0, does_more=False, does_less=True)
    (True, False)
    """
    return (does_more and change < 0) or (does_less and change > 0)


def spread_of(values: Sequence[float]) -> float:
    """Return how far apart values lie that repeated searches say; NaN where fewer than two say something."""
    known = [value for value in values if not math.isnan(value)]
    return max(known) - min(known) if len(known) > 1 else math.nan


def noise_of(change: float, differences: Sequence[float]) -> float:
    """Return how far apart lie what searches say of a change; NaN where fewer than two say something.

    Where they disagree whether it is more or less, all of the change may be luck.

    Examples
    --------
    >>> noise_of(5.0, [4.5, 5.5]), noise_of(9.0, [-1.0, 7.0]), noise_of(5.0, [5.0])
    (1.0, 9.0, nan)
    """
    spread, signs = spread_of(differences), {value > 0 for value in differences if not math.isnan(value)}
    return max(spread, abs(change)) if len(signs) > 1 and not math.isnan(change) else spread
