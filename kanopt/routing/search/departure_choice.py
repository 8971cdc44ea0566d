"""The choice of departures on days that are drawn for all routes of a plan together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.plans.days_in_time import COMMON_SEED, SURE, DaysInTime, common_draws, days_needed, mean_days
from kanopt.plans.uncertainty import Uncertainty
from kanopt.routing.assessment import RoutingAssessment
from kanopt.routing.days import (
    MOST_LEGS,
    draw_days,
    drive_days,
    in_time,
    late_in_plan,
    routing_time_laws,
    shift_ends,
)
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules.rule import slack
from kanopt.routing.simulate.departures import judge_departures
from kanopt.routing.simulate.drive import drive_forward
from kanopt.routing.simulate.legs import pad_routes
from kanopt.text import number_text

Flags = NDArray[np.bool_]

_ERROR = 0.1
"""Standard error of the share of days that are missed, as a part of it: so many days are looked at."""
_FEWEST, _LEAST = 500, 200
"""Days at least, and where plans are large."""
_MOST_TIMES = 10
"""By how much more legs are driven than at once where fewer days do not tell of a share near all of them."""
_LEGS_A_SECOND = 50_000
"""Legs, over all days, for each second of the time limit: some tenths of that."""
_HALVINGS = 12
"""Of the time between two departures: an hour becomes a second."""
_EARLIER = 32
"""Departures that are looked at to see from when on a route breaks no rule."""
_PRICED, _FEWEST_PRICED = 250, 50
"""Days on which departures are priced; they are the same for all, so that differences tell."""
_LEVELS, _PRICES = 40, 6
"""Departures of a route that are looked at at once, and that are priced: between these, prices are lines."""
_ROUNDS = 3
_CHOSEN = 2_000_003
"""Seed of the days on which departures are chosen: the same for all plans, so that equal routes leave alike."""


def days_that_tell(share: float) -> int:
    """Return how many days there must be, so that all of them in time tell that the share is reached for sure.

    Examples
    --------
    >>> days_that_tell(0.95), days_needed(0.95, 47) <= 47, days_that_tell(0.999)
    (47, True, 2327)
    """
    return math.ceil(SURE * math.sqrt(2.0) / (1.0 - share))


class DepartureChoice:
    """Days that are drawn for all routes of a plan together, and the departures to choose from.

    Parameters
    ----------
    typical
        The plan, which says when it leaves.
    free
        Of which routes the departure may be chosen; (routes,).
    target, uncertainty, time_limit
        As of :func:`leave_in_time`.

    Attributes
    ----------
    not_kept
        Clients with a promise of their own that no departure keeps.
    """

    def __init__(
        self,
        typical: RoutingAssessment,
        free: Flags,
        target: float,
        uncertainty: Uncertainty,
        time_limit: float = math.inf,
    ) -> None:
        problem, routes = typical.problem, typical.plan.routes
        self.data, self.typical = problem.data, typical
        self.own = pad_routes(problem.leg_laws.leniently(), problem.planning_values, routes)
        self.free = np.flatnonzero(free & ~self.own.has_left & self.own.valid.any(axis=1))
        self.start = typical.simulation.departure
        self.longest = float(typical.simulation.route_durations.max(initial=0.0))
        promised = {client.name: client.on_time or 0.0 for client in problem.clients}
        levels = np.array([promised.get(name, 0.0) for name in self.data.names])
        # the probability that is promised to the client at the end of each leg; (routes, legs)
        self.levels = np.where(self.own.valid, levels[self.own.head], 0.0)
        most = max(target, float(self.levels.max(initial=0.0)))
        wanted = max(_FEWEST, round(most / max(1.0 - most, 1e-3) / _ERROR**2))
        size = max(self.own.valid.size, 1)
        # fewer would tell of a promise that is kept on all of them that it is not
        fewest = min(days_that_tell(most), _MOST_TIMES * MOST_LEGS // size)
        self.days = min(wanted, max(_LEAST, fewest, MOST_LEGS // size))
        self.days = int(min(self.days, max(fewest, time_limit * _LEGS_A_SECOND / size)))
        self.needed = days_needed(target, self.days)
        streams = [np.random.default_rng([_CHOSEN, part]) for part in range(4)]
        laws = routing_time_laws(problem, uncertainty)
        self.grid = draw_days(problem, self.own, self.days, laws, uncertainty, streams)
        self.limits, self.ends = self._limits(typical)
        self.not_kept: tuple[str, ...] = ()

    def _limits(self, typical: RoutingAssessment) -> tuple[Floats, Floats]:
        """Return by when service at the end of each leg begins, (routes, legs), and each route is back, (routes,)."""
        late_stops, late_routes = late_in_plan(typical)
        served = self.own.valid & (self.own.head >= len(self.data.depots))
        latest = self.data.latest[self.own.head]
        limits = np.where(served, latest + slack(latest), np.inf)
        limits[tuple(each[late_stops] for each in np.nonzero(served))] = np.inf
        ends = shift_ends(typical)
        return limits, np.where(late_routes, np.inf, ends + slack(ends))

    def plan(self) -> tuple[RoutingAssessment, bool]:
        """Return the plan that leaves then, and whether it reaches the target; the one given where it breaks a rule."""
        leaves, reached = self.departures()
        if (leaves == self.start).all():
            return self.typical, reached
        found: Any = self.typical.problem.assess(self.typical.plan.leaving(leaves.tolist()))
        broken = found.rank.breaks_rules > self.typical.rank.breaks_rules
        return (self.typical, False) if broken else (found, reached)

    def departures(self) -> tuple[Floats, bool]:
        """Return when each route leaves, and whether the target is reached."""
        if not len(self.start):
            return self.start, True
        flags, latest_kept = self._flags, self._kept
        enough = bool(flags.all(axis=1).sum() >= self.needed)
        if (enough and (latest_kept >= self.start).all()) or not len(self.free):
            return self.start, enough and not self.not_kept
        latest, _, most = self._days
        reached = most >= self.needed
        # what is in time on the most days does not differ from what is nearly so, as far as the days tell
        error = SURE * math.sqrt(most * (self.days - most) / self.days + 1.0)
        needed = self.needed if reached else max(0, math.ceil(most - error))
        prices = self._prices([self._levels(known, needed) for known in latest.T])
        for _ in range(_ROUNDS):
            chosen = self._chosen(prices, needed)
            found = int(self._routes_in_time(chosen).all(axis=1).sum())
            if found >= needed or needed >= most:
                break
            # who leaves earlier was later on some days after all
            needed = min(most, 2 * needed - found)
        return chosen, found >= self.needed and not self.not_kept

    def frontier(self, shares: Sequence[float]) -> list[Floats]:
        """Return the cheapest departures with which everyone is in time on each share of days that can be had."""
        if not len(self.free):
            return []
        latest, _, most = self._days
        found = []
        for share in shares:
            needed = math.ceil(share * self.days)
            if needed <= most:
                prices = self._prices([self._levels(known, needed) for known in latest.T])
                found.append(self._chosen(prices, needed))
        return found

    @cached_property
    def _flags(self) -> Flags:
        """Which routes have everybody in time on each day, leaving when that is cheapest; (days, routes)."""
        return self._routes_in_time(self.start)

    @cached_property
    def _days(self) -> tuple[Floats, Flags, int]:
        """Latest departures of free routes by day, the days on which all others are in time, and how many can be."""
        latest = np.minimum(self._latest(self._flags), self._kept[self.free])
        fixed: Flags = np.all(np.delete(self._flags, self.free, axis=1), axis=1)
        return latest, fixed, int((fixed & np.isfinite(latest).all(axis=1)).sum())

    def _chosen(self, prices: list[tuple[Floats, Floats]], needed: int) -> Floats:
        """Return the cheapest departures of all routes with which so many days are kept."""
        latest, fixed, _ = self._days
        choices = []
        for known, (asked, cost) in zip(latest.T, prices, strict=True):
            leave = self._levels(known, needed)
            choices.append((leave, np.interp(leave, asked, cost)) if len(leave) else (asked, cost))
        chosen = self.start.copy()
        chosen[self.free] = _relaxed(choices, latest, fixed, needed)
        return self._kept_rules(chosen)

    def _routes_in_time(self, leave: Floats) -> Flags:
        """Say which routes have everybody in time on each day; (days, routes)."""
        rows = np.arange(self.days * len(self.start))
        return self.in_time(rows, np.tile(leave, self.days)).reshape(self.days, -1)

    def in_time(self, rows: Indices, leave: Floats) -> Flags:
        """Say which routes have everybody in time; who is under way when a law has no value is not.

        Parameters
        ----------
        rows
            Days times routes plus route.
        leave
            When each leaves.
        """
        found = np.zeros(len(rows), dtype=bool)
        for some in self._blocks(len(rows)):
            route, times = (
                rows[some] % len(self.start),
                drive_forward(self.grid.select(rows[some]), leave[some]),
            )
            back = np.isfinite(times.finish) & (times.finish <= self.ends[route])
            found[some] = (times.begin <= self.limits[route]).all(axis=1) & back
        return found

    @cached_property
    def _kept(self) -> Floats:
        """The latest departure with which the promises to single clients on each route are kept; (routes,).

        The one that costs least on typical times where that keeps them, or none does, which is noted.
        """
        found, free = self.start.copy(), set(self.free.tolist())
        lows = dict(zip(self.free.tolist(), self._earliest.tolist(), strict=True))
        for route in np.flatnonzero(self.levels.any(axis=1)).tolist():
            low, high = lows.get(route, found[route]), found[route]
            broken = self._broken_promises(route, high)
            if not broken:
                continue
            broken = self._broken_promises(route, low) if route in free else broken
            if broken:
                self.not_kept = (*self.not_kept, *broken)
                continue
            for _ in range(_HALVINGS):
                middle = (low + high) / 2.0
                good = not self._broken_promises(route, middle)
                low, high = (middle, high) if good else (low, middle)
            found[route] = low
        return found

    def _broken_promises(self, route: int, leave: float) -> tuple[str, ...]:
        """Return the clients of a route to whom a promise is not kept with a departure, as far as the days tell."""
        rows = np.arange(self.days) * len(self.start) + route
        times = drive_forward(self.grid.select(rows), np.full(self.days, leave))
        kept = (times.begin <= self.limits[route]).sum(axis=0)
        asked = np.flatnonzero(self.levels[route])
        return tuple(
            self.data.names[self.own.head[route, leg]]
            for leg in asked.tolist()
            if kept[leg] < days_needed(float(self.levels[route, leg]), self.days)
        )

    def _latest(self, flags: Flags) -> Floats:
        """Return the latest departure of each free route on each day with which all on it are in time; (days, free).

        Not after the one that costs least on typical times, and -inf where none is. Who leaves earlier is taken to
        arrive no later.
        """
        routes, lows = len(self.start), self._earliest
        found = np.where(flags[:, self.free], self.start[self.free], -np.inf)
        day, place = np.nonzero(~flags[:, self.free] & (lows < self.start[self.free]))
        rows, low, high = day * routes + self.free[place], lows[place], self.start[self.free[place]]
        some = self.in_time(rows, low)
        day, place, rows, low, high = day[some], place[some], rows[some], low[some], high[some]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            good = self.in_time(rows, middle)
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        found[day, place] = low
        return np.asarray(found)

    @cached_property
    def _holding(self) -> Floats:
        """Departures of each free route that break no rule on typical times that it keeps as it is; (free, looked at).

        They are looked at from the cheapest one back to the earliest there may be; -inf where one breaks a rule. Where
        the law of travel time has a steep step, some that break one lie between others.
        """
        start, first = self.start[self.free], np.minimum(self.own.earliest, self.start)[self.free]
        share = np.arange(_EARLIER + 1) / _EARLIER
        leave = start[:, None] - (start - first)[:, None] * share
        grid = self.own.select(np.repeat(self.free, len(share)))
        broken, missed = (each.reshape(leave.shape) for each in judge_departures(grid, leave.reshape(-1))[:2])
        return np.where((broken > broken[:, :1]) | (missed > missed[:, :1]), -np.inf, leave)

    @property
    def _earliest(self) -> Floats:
        """The earliest departure of each free route among these; (free,)."""
        return np.asarray(np.where(np.isfinite(self._holding), self._holding, np.inf).min(axis=1))

    def _kept_rules(self, leave: Floats) -> Floats:
        """Return departures of all routes, an earlier one that holds in place of each that breaks a rule."""
        grid = self.own.select(self.free)
        own, start = (judge_departures(grid, each[self.free])[:2] for each in (leave, self.start))
        worse = (own[0] > start[0]) | (own[1] > start[1])
        held = np.where(self._holding <= leave[self.free, None], self._holding, -np.inf).max(
            axis=1, initial=-np.inf
        )
        found = leave.copy()
        found[self.free] = np.where(worse & np.isfinite(held), held, leave[self.free])
        return found

    def _levels(self, latest: Floats, needed: int) -> Floats:
        """Return departures of a route, the earliest first, which lose about equally many days.

        They lose no more days than all routes together may.
        """
        known = np.sort(latest[np.isfinite(latest)])[: max(self.days - needed, 0) + 1]
        return np.unique(known[np.linspace(0, len(known) - 1, min(_LEVELS, len(known))).round().astype(int)])

    def _prices(self, levels: list[Floats]) -> list[tuple[Floats, Floats]]:
        """Return some departures of each route, the first and the last among them, and what a day costs with each."""
        asked = [
            leave[np.unique(np.linspace(0, len(leave) - 1, _PRICES).round().astype(int))]
            if len(leave)
            else self.start[route : route + 1]
            for route, leave in zip(self.free.tolist(), levels, strict=True)
        ]
        most = max(_FEWEST_PRICED, MOST_LEGS // (_PRICES * self.own.valid.size))
        days = np.arange(min(_PRICED, most, self.days)) * len(self.start)
        rows = np.concatenate(
            [np.tile(days + route, len(leave)) for route, leave in zip(self.free, asked, strict=True)]
        )
        leaves = np.repeat(np.concatenate(asked), len(days))
        parts = [
            judge_departures(self.grid.select(rows[some]), leaves[some])[3:]
            for some in self._blocks(len(rows))
        ]
        cost, finish = (np.concatenate(each) for each in zip(*parts, strict=True))
        over = np.maximum(finish - leaves - self.longest, 0.0)
        rate = self.data.policy.longest_route_cost
        cost = cost + rate * over if rate else cost
        means = cost.reshape(-1, len(days)).mean(axis=1)
        return list(zip(asked, np.split(means, np.cumsum([len(leave) for leave in asked])[:-1]), strict=True))

    def _blocks(self, rows: int) -> list[slice]:
        """Return blocks of rows that are driven at once."""
        size = max(1, MOST_LEGS // max(self.own.valid.shape[1], 1))
        return [slice(at, at + size) for at in range(0, rows, size)]


def _relaxed(choices: list[tuple[Floats, Floats]], latest: Floats, fixed: Flags, needed: int) -> list[float]:
    """Return departures of all routes that are in time together on enough days.

    From the earliest ones on, again and again that route leaves later with which most is saved for a day lost.

    Parameters
    ----------
    choices
        Departures of each route, the earliest first, and what a day costs with each.
    latest
        Latest departure of each route on each day; (days, routes).
    fixed
        On which days all others are in time; (days,).
    needed
        How many days are to be kept.
    """
    count = len(choices)
    levels = np.arange(max(len(leave) for leave, _ in choices))
    # routes with fewer departures never take those that they have not
    late, price = np.ones((count, len(levels), len(fixed)), dtype=bool), np.full((count, len(levels)), np.inf)
    for route, (leave, cost) in enumerate(choices):
        late[route, : len(leave)] = leave[:, None] > latest[:, route]
        price[route, : len(leave)] = cost
    routes, place = np.arange(count), np.zeros(count, dtype=np.intp)
    while True:
        own = late[routes, place]
        together = own.sum(axis=0)
        others_hold = (together - own == 0) & fixed
        left = (others_hold[:, None] & ~late).sum(axis=2)
        lost = int(((together == 0) & fixed).sum()) - left
        saved = price[routes, place][:, None] - price
        able = (left >= needed) & (saved > 0.0) & (levels > place[:, None])
        worth = np.where(able, saved / (np.maximum(lost, 0) + 1.0), 0.0)
        best = np.unravel_index(worth.argmax(), worth.shape)
        if worth[best] <= 0.0:
            return [float(leave[at]) for at, (leave, _) in zip(place, choices, strict=True)]
        place[best[0]] = best[1]


# Departures with which everyone is in time on a share of days, chosen on days that are drawn together for
# all routes.
#
# The order of stops stays. Of each route and each day it is known until when the vehicle may leave so that
# everybody on it is in time; departures are chosen among those times, the cheapest ones with which all
# routes are in time together on enough days.

_AS_LEARNED = Uncertainty()
_FRONTIER = (0.8, 0.9, 0.99)
"""Shares of days at which the price of punctuality is told."""
_APART = 0.01
"""Shares of days that are told apart."""


def knows_errors(problem: object, uncertainty: Uncertainty = _AS_LEARNED) -> bool:
    """Say whether a problem is one of routes where something has to be in time and a law of time knows its errors."""
    if not isinstance(problem, RoutingProblem):
        return False
    data = problem.data
    limited = np.isfinite(data.latest[len(data.depots) :]).any()
    limited = limited or np.isfinite(data.of_vehicles("shift_end")).any()
    return bool(limited) and any(law.model is not None for law in routing_time_laws(problem, uncertainty))


def leave_in_time(
    assessment: RoutingAssessment,
    target: float,
    *,
    keep_given: bool = False,
    uncertainty: Uncertainty = _AS_LEARNED,
    beside: RoutingAssessment | None = None,
    time_limit: float = math.inf,
) -> tuple[RoutingAssessment, DaysInTime]:
    """Choose departures with which everyone is in time on a share of days, and measure that on fresh days.

    Parameters
    ----------
    assessment
        A plan with departures that cost least on typical times.
    target
        Share of days on which everyone is to be in time. It is reached where its lower bound is.
    keep_given
        Whether routes that state their departure keep it.
    uncertainty
        What is taken to be uncertain.
    beside
        The plan of other routes that is cheapest on typical times, which is told beside; left out, the one given.
    time_limit
        Seconds of the whole search, of which the choice takes a part: for fewer, departures are chosen on fewer days.

    Returns
    -------
    RoutingAssessment, DaysInTime
        The plan that says when it leaves: the one given where that is in time often enough; the most punctual one, as
        far as the days tell, where no departures reach the target.
    """
    problem: Any = assessment.problem
    plan = assessment.plan
    typical = assessment.settled()
    free = np.array([not keep_given or route.departure is None for route in plan.routes], dtype=bool)
    choice = DepartureChoice(typical, free, target, uncertainty, time_limit)
    found, reached = choice.plan()
    moved = found.simulation.departure != typical.simulation.departure
    if keep_given and moved.any():
        often = f"{number_text(100.0 * target, 6)} % of days" if reached else "as many days as they allow"
        when = f"vehicles leave so that everyone is in time on {often}"
        found.__dict__["assumed"] = found.departures_text(plan, when)
    elif keep_given:
        found = assessment
    rerouted, beside = beside is not None, beside or typical
    draws = min(_draws(found), _draws(beside))
    (share, costs), (typical_share, typical_costs) = (
        _measured(each, uncertainty, draws) for each in (found, beside)
    )
    earlier = (typical.simulation.departure - found.simulation.departure)[moved]
    return found, DaysInTime(
        target=target,
        reached=reached,
        share=share,
        price=found.pricing.objective,
        typical_share=typical_share,
        typical_price=beside.pricing.objective,
        **mean_days(costs, typical_costs),
        earlier=float(earlier.max(initial=0.0)),
        moved=int(moved.sum()),
        rerouted=rerouted,
        not_kept=choice.not_kept,
        draws=draws,
        money=problem.unit,
        time=problem.units.time,
    )


def punctuality_frontier(
    assessment: RoutingAssessment, *, uncertainty: Uncertainty = _AS_LEARNED
) -> list[tuple[float, float]]:
    """Return the share of days in time and the price of a plan's routes, the earlier they leave the dearer.

    Parameters
    ----------
    assessment
        The plan.
    uncertainty
        What is taken to be uncertain.

    Returns
    -------
    list of tuple
        Share and price on typical times, the cheapest first; each share is higher than the one before.
    """
    problem: Any = assessment.problem
    typical = problem.assess(assessment.plan.reopened()).settled()
    free = np.ones(len(typical.plan.routes), dtype=bool)
    choice = DepartureChoice(typical, free, _FRONTIER[-1], uncertainty)
    plans = [typical.simulation.departure, *choice.frontier(_FRONTIER)]
    found: list[tuple[float, float]] = []
    for leaves in plans:
        one = problem.assess(typical.plan.leaving(leaves.tolist()))
        share = _measured(one, uncertainty, _draws(one))[0]
        if not found or share > found[-1][0] + _APART:
            found.append((share, one.pricing.objective))
    return found


def _draws(assessment: RoutingAssessment) -> int:
    """Return on how many days a plan is measured."""
    return common_draws(sum(len(route.clients) for route in assessment.plan.routes))


def _measured(
    assessment: RoutingAssessment, uncertainty: Uncertainty, draws: int
) -> tuple[float, NDArray[np.float64]]:
    """Return the share of days in time and what each day costs, on the days that are the same for all plans.

    A day on which a law has no value has no finite price.
    """
    problem, laws = assessment.problem, routing_time_laws(assessment.problem, uncertainty)
    days = drive_days(problem, assessment, laws, uncertainty, draws, COMMON_SEED, lenient=True)
    return float(in_time(assessment, days).mean()), days.cost
