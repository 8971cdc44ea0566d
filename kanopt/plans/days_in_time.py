"""How often a recommended plan is in time, and what that costs."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.text import amount_text, count_text, list_names, money_text, number_text, sure_text

DAYS_IN_TIME = 0.95
"""Share of days on which everyone is in time in the plan that is recommended where nothing else is asked for."""
COMMON_SEED = 0
"""Seed of the days on which plans are looked at that are told beside each other."""
_MOST_DAYS, _FEWEST_DAYS, _MOST_PARTS = 1000, 100, 400_000
SURE = 1.645
"""Standard errors below the share of days at which a promise is judged: the lower bound of 95 %."""
_TELLING = 2.0
"""Monte Carlo errors by which the mean day is dearer than the plan where that is told."""


def is_dearer(mean: float, planned: float, error: float) -> bool:
    """Say whether a day costs more on average than planned, by more than so few days may err."""
    return mean - planned > _TELLING * error


def common_draws(parts: int) -> int:
    """Return on how many days plans of so many stops or tasks are looked at that are told beside each other.

    Examples
    --------
    >>> common_draws(60), common_draws(1000), common_draws(10_000)
    (1000, 400, 100)
    """
    return min(_MOST_DAYS, max(_FEWEST_DAYS, _MOST_PARTS // max(parts, 1)))


def days_needed(target: float, days: int) -> int:
    """Return on how many of so many days all must be in time, so that the share is at least the target for sure.

    More than there are where no number of them tells.

    Examples
    --------
    >>> days_needed(0.95, 2000), days_needed(0.95, 20)
    (1915, 21)
    """
    counts = np.arange(days + 1)
    middle = (counts + 2.0) / (days + 4.0)
    low = counts / days - SURE * np.sqrt(middle * (1.0 - middle) / (days + 4.0))
    return int(np.searchsorted(low, target))


def mean_days(costs: Floats, typical: Floats) -> dict[str, Any]:
    """Return what days of two plans cost on average, and how many have no price; see :class:`DaysInTime`.

    Means are told beside each other: of the days on which both plans have a price.
    """
    priced = np.isfinite(costs) & np.isfinite(typical)
    told: dict[str, Any] = {
        "mean": None,
        "typical_mean": None,
        "mean_error": None,
        "unpriced": int((~priced).sum()),
    }
    if priced.sum() < 2:
        return told
    error = float(costs[priced].std(ddof=1)) / math.sqrt(priced.sum())
    means = {"mean": float(costs[priced].mean()), "typical_mean": float(typical[priced].mean())}
    return told | means | {"mean_error": error}


@dataclass(frozen=True)
class DaysInTime:
    """The share of days on which everyone is in time, of a plan and of the one that is cheapest on typical times.

    Both have the same routes and leave at other times, unless the plan is `rerouted`. A day is in time if every client
    is served by the end of its last window, and every vehicle back by the end of its shift, of those whom the plan
    itself has in time. Of a schedule it is if every job is done by its due date, but those that both plans have late.

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
        Whether its routes, or the order or starts of its tasks, are others than those of the plan that is cheapest on
        typical times.
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
    of_tasks
        Whether it is a schedule.
    late_in_plan
        Of a schedule: how many jobs it has late on typical times, as the cheapest one has; they count on no day.
    all_priced
        Of a schedule: whether all lateness has a price. Where it is not reached, nobody pays more for punctuality.
    most
        Of a schedule that does not reach it: a share of these days that none exceeds. On the others some job would be
        late even alone in the shop.
    frontier
        Of schedules to choose from: share of days in time and mean price of a day. The first one is cheapest on typical
        times, the others are the dearer the more often they are in time.
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
    of_tasks: bool = False
    late_in_plan: int = 0
    all_priced: bool = False
    most: float = 1.0
    frontier: tuple[tuple[float, float], ...] = ()

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
        if self.late_in_plan:
            jobs = count_text(
                self.late_in_plan, "job that the plan itself has", "jobs that the plan itself has"
            )
            return f"nothing else is late than {jobs} late on {sure_text(self.share)} of days, if times err as they did"
        everyone = "every job is done" if self.of_tasks else "everyone is"
        return f"{everyone} in time on {sure_text(self.share)} of days, if times err as they did in the past"

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
        elif not self.reached and self.of_tasks:
            cap = (
                " of those that cost no more on the average day, with what lateness costs," * self.all_priced
            )
            told.append(f"No schedule was found that is in time on {asked} of days")
            if self.most < self.target:
                late = sure_text(1.0 - self.most)
                told[-1] += (
                    f", and there can be none: alone in the shop some job would still be late on {late} of them"
                )
            told[-1] += f". The most punctual one{cap} was chosen."
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
            if self.of_tasks:
                done = "tasks run in another order or at other times than in the schedule that"
        change = f"{money_text(abs(self.extra), self.money)} {'less' if self.extra < 0.0 else 'more'}"
        if self.moved or self.rerouted:
            # a longer search may have found a plan that is cheaper than the one without a share of days
            which = "is cheapest on" if self.extra >= 0.0 else "was searched for on"
            share, usual = sure_text(self.share), sure_text(self.typical_share)
            often = "as often" if share == usual else f"on {share} instead of {usual} of days"
            told.append(
                f"For that, {done} {which} typical times: {money_text(self.price)} instead of "
                f"{money_text(self.typical_price)}, {change}, and in time {often}."
            )
        left_out = f"{count_text(self.unpriced, 'day')} of {self.draws:,} on which a law has no value"
        if self.mean is None or self.mean_error is None:
            told.append(f"What a day costs on average is not known: there are {left_out}.")
        elif self.unpriced or is_dearer(self.mean, self.price, self.mean_error):
            aside = f", without {left_out}" if self.unpriced else ""
            if self.of_tasks and self.rerouted and self.typical_mean is not None:
                aside = f", of that schedule {money_text(self.typical_mean)}"
            told.append(f"A day costs {money_text(self.mean, self.money)} on average{aside}.")
        return " ".join(told)
