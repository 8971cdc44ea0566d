"""How often a recommended plan is in time, and what that costs."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from kanopt.text import amount_text, count_text, list_names, money_text, number_text, sure_text

DAYS_IN_TIME = 0.95
"""Share of days on which everyone is in time in the plan that is recommended where nothing else is asked for."""
_TELLING = 2.0
"""Monte Carlo errors by which the mean day is dearer than the plan where that is told."""


def is_dearer(mean: float, planned: float, error: float) -> bool:
    """Say whether a day costs more on average than planned, by more than so few days may err."""
    return mean - planned > _TELLING * error


@dataclass(frozen=True)
class DaysInTime:
    """The share of days on which everyone is in time, of a plan and of the one that is cheapest on typical times.

    Both have the same routes and leave at other times, unless the plan is `rerouted`. A day is in time if every client
    is served by the end of its last window, and every vehicle back by the end of its shift, of those whom the plan
    itself has in time.

    Parameters
    ----------
    target
        Share of days that was asked for.
    reached
        Whether the plan reaches it, as far as the days tell on which its departures were chosen.
    share, price, mean
        Of the plan: share of days in time, price on typical times, and mean price of a day; None where fewer than two
        days have a price.
    typical_share, typical_price, typical_mean
        The same of the plan that is cheapest on typical times.
    mean_error
        Monte Carlo error of the mean.
    earlier
        By how much vehicles leave earlier than that, at most.
    moved
        How many vehicles leave at another time than that.
    rerouted
        Whether its routes are others than those of the plan that is cheapest on typical times.
    searched
        Whether other routes were looked for, and none found that are in time on enough days.
    not_kept
        Clients with a promise of their own that is not kept.
    draws
        Days on which the shares and means were measured, which are none of those on which departures were chosen.
    unpriced
        Of these, days on which a law has no value in one of the two plans; both means are of the others.
    money, time
        Units of prices and times.
    """

    target: float
    reached: bool
    share: float
    price: float
    mean: float | None
    typical_share: float
    typical_price: float
    typical_mean: float | None
    mean_error: float | None
    earlier: float
    moved: int
    rerouted: bool
    not_kept: tuple[str, ...]
    draws: int
    unpriced: int
    money: str
    time: str
    searched: bool = False

    @property
    def extra(self) -> float:
        """What the plan costs more on typical times than the one that is cheapest there."""
        return self.price - self.typical_price

    @property
    def low(self) -> float:
        """Lower bound of the share, two standard errors below it."""
        middle = (self.share * self.draws + 2.0) / (self.draws + 4.0)
        return self.share - 2.0 * math.sqrt(middle * (1.0 - middle) / (self.draws + 4.0))

    @property
    def sentence(self) -> str:
        """On what share of days everyone is in time."""
        return f"everyone is in time on {sure_text(self.share)} of days, if times err as they did in the past"

    def is_less_than(self, other: DaysInTime) -> bool:
        """Say whether this plan is in time on fewer days than another, by more than so few days may err."""
        return self.share < other.low

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)

    def text(self) -> str:
        """Return what was done for it and what it costs, in sentences; empty where nothing had to be done."""
        told = []
        asked = f"{number_text(100.0 * self.target, 6)} %"
        if self.not_kept:
            told.append(f"Promises of their own are not kept to {list_names(self.not_kept, quoted=False)}.")
        elif not self.reached:
            told.append(
                f"No departures of these routes are in time on {asked} of days, and the most punctual ones were chosen"
                f"{'; no other routes were found that are' if self.searched else ''}."
            )
        earlier = amount_text(self.earlier, self.time, 2)
        done = f"vehicles leave up to {earlier} earlier than"
        if self.rerouted:
            sooner = f", up to {earlier} earlier," * bool(self.moved)
            done = f"vehicles drive other routes{sooner} than in the plan that"
        change = f"{money_text(abs(self.extra), self.money)} {'less' if self.extra < 0.0 else 'more'}"
        if self.moved or self.rerouted:
            told.append(
                f"For that, {done} is cheapest on typical times: {money_text(self.price)} instead of "
                f"{money_text(self.typical_price)}, {change}, and in time on {sure_text(self.share)} instead of "
                f"{sure_text(self.typical_share)} of days."
            )
        left_out = f"{count_text(self.unpriced, 'day')} of {self.draws:,} on which a law has no value"
        if self.mean is None or self.mean_error is None:
            told.append(f"What a day costs on average is not known: there are {left_out}.")
        elif self.unpriced or is_dearer(self.mean, self.price, self.mean_error):
            aside = f", without {left_out}" if self.unpriced else ""
            told.append(f"A day costs {money_text(self.mean, self.money)} on average{aside}.")
        return " ".join(told)
