"""Departures with which everyone is in time on a share of days, chosen on days that are drawn together for all routes.

The order of stops stays. Of each route and each day it is known until when the vehicle may leave so that everybody on
it is in time; departures are chosen among those times, the cheapest ones with which all routes are in time together on
enough days.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import ProblemError
from kanopt.problems.days_in_time import DaysInTime
from kanopt.problems.routing.assessment import RoutingAssessment
from kanopt.problems.routing.days import (
    COMMON_SEED,
    MOST_LEGS,
    common_draws,
    draw_days,
    drive_days,
    in_time,
    late_in_plan,
    routing_time_laws,
    shift_ends,
)
from kanopt.problems.routing.problem import RoutingProblem
from kanopt.problems.routing.simulate import slack
from kanopt.problems.routing.simulate.departures import judge_departures
from kanopt.problems.routing.simulate.forward import drive_forward
from kanopt.problems.routing.simulate.legs import pad_routes
from kanopt.problems.uncertainty import Uncertainty
from kanopt.text import percent_text

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Flags = NDArray[np.bool_]

_SURE = 1.645
"""Standard errors below the share of days at which a promise is judged: the lower bound of 95 %."""
_ERROR = 0.1
"""Standard error of the share of days that are missed, as a part of it: so many days are looked at."""
_FEWEST = 500
_HALVINGS = 12
"""Of the time between two departures: an hour becomes a second."""
_EARLIER = 32
"""Departures that are looked at to see from when on a route breaks no rule."""
_PRICED, _FEWEST_PRICED = 250, 50
"""Days on which departures are priced; they are the same for all, so that differences tell."""
_LEVELS, _PRICES = 25, 6
"""Departures of a route that are looked at at once, and that are priced: between these, prices are lines."""
_ROUNDS = 3
_AS_LEARNED = Uncertainty()
_CHOSEN = 2_000_003
"""Added to the seed of a search for the days on which departures are chosen."""


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
    seed: int,
    *,
    keep_given: bool = False,
    uncertainty: Uncertainty = _AS_LEARNED,
    beside: RoutingAssessment | None = None,
    stretch: float = 1.0,
) -> tuple[RoutingAssessment, DaysInTime]:
    """Choose departures with which everyone is in time on a share of days, and measure that on fresh days.

    Parameters
    ----------
    assessment
        A plan with departures that cost least on typical times.
    target
        Share of days on which everyone is to be in time. It is reached where its lower bound is.
    seed
        Of the days on which departures are chosen.
    keep_given
        Whether routes that state their departure keep it.
    uncertainty
        What is taken to be uncertain.
    beside
        The plan that is cheapest on typical times, which is told beside; left out, the one given.
    stretch
        Factor of travel times on which the routes were planned, which is told.

    Returns
    -------
    RoutingAssessment, DaysInTime
        The plan that says when it leaves: the one given where that is in time often enough; the most punctual one, as
        far as the days tell, where no departures reach the target.
    """
    problem, plan = assessment.problem, assessment.plan
    typical = assessment.settled()
    free = np.array([not keep_given or route.departure is None for route in plan.routes], dtype=bool)
    choice = _Choice(typical, free, target, seed, uncertainty)
    chosen, reached = choice.departures()
    moved = chosen != typical.simulation.departure
    found = typical
    if moved.any():
        routes = zip(plan.routes, chosen.tolist(), strict=True)
        found = problem.assess(
            replace(plan, routes=tuple(replace(route, departure=clock) for route, clock in routes))
        )
        if found.rank.breaks_rules > typical.rank.breaks_rules:
            found, moved = typical, np.zeros_like(moved)
    if keep_given and moved.any():
        when = f"vehicles leave so that everyone is in time on {percent_text(target)} of days"
        found.__dict__["assumed"] = found.departures_text(plan, when)
    elif keep_given:
        found = assessment
    beside = typical if beside is None else beside
    (share, mean, error), (typical_share, typical_mean, _) = (
        _measured(each, uncertainty) for each in (found, beside)
    )
    earlier = (typical.simulation.departure - found.simulation.departure)[moved]
    return found, DaysInTime(
        target=target,
        reached=reached,
        share=share,
        price=found.pricing.objective,
        mean=mean,
        typical_share=typical_share,
        typical_price=beside.pricing.objective,
        typical_mean=typical_mean,
        mean_error=error,
        earlier=float(earlier.max(initial=0.0)),
        moved=int(moved.sum()),
        stretch=stretch,
        not_kept=choice.not_kept,
        draws=common_draws(sum(len(route.clients) for route in plan.routes)),
        money=problem.unit,
        time=problem.units.time,
    )


def _measured(assessment: RoutingAssessment, uncertainty: Uncertainty) -> tuple[float, float, float]:
    """Return the share of days in time, the mean price and its error, on the days that are the same for all plans."""
    problem, laws = assessment.problem, routing_time_laws(assessment.problem, uncertainty)
    draws = common_draws(sum(len(route.clients) for route in assessment.plan.routes))
    days = drive_days(problem, assessment, laws, uncertainty, draws, COMMON_SEED)
    error = float(days.cost.std(ddof=1)) / math.sqrt(draws)
    return float(in_time(assessment, days).mean()), float(days.cost.mean()), error


def days_needed(target: float, days: int) -> int:
    """Return on how many of so many days all must be in time, so that the share is at least the target for sure.

    More than there are where no number of them tells.

    Examples
    --------
    >>> days_needed(0.95, 2000), days_needed(0.95, 20)
    (1916, 21)
    """
    counts = np.arange(days + 1)
    middle = (counts + 2.0) / (days + 4.0)
    low = counts / days - _SURE * np.sqrt(middle * (1.0 - middle) / (days + 4.0))
    return int(np.searchsorted(low, target))


class _Choice:
    """Days that are drawn for all routes of a plan together, and the departures to choose from.

    Parameters
    ----------
    typical
        The plan, which says when it leaves.
    free
        Of which routes the departure may be chosen; (routes,).
    target, seed, uncertainty
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
        seed: int,
        uncertainty: Uncertainty,
    ) -> None:
        problem, routes = typical.problem, typical.plan.routes
        self.data = problem.data
        self.own = pad_routes(problem.leg_laws, problem.planning_values, routes, frozen=False)
        self.free = np.flatnonzero(free & ~self.own.has_left & self.own.valid.any(axis=1))
        self.start = typical.simulation.departure
        self.longest = float(typical.simulation.route_durations.max(initial=0.0))
        self.levels = self._promises(typical)
        most = max(target, float(self.levels.max(initial=0.0)))
        wanted = max(_FEWEST, round(most / max(1.0 - most, 1e-3) / _ERROR**2))
        self.days = max(1, min(wanted, MOST_LEGS // max(self.own.valid.size, 1)))
        self.needed = days_needed(target, self.days)
        streams = [np.random.default_rng([seed + _CHOSEN, part]) for part in range(4)]
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

    def _promises(self, typical: RoutingAssessment) -> Floats:
        """Return the probability that is promised to the client at the end of each leg, else 0; (routes, legs)."""
        promised = {client.name: client.on_time or 0.0 for client in typical.problem.clients}
        levels = np.array([promised.get(name, 0.0) for name in self.data.names])
        return np.asarray(np.where(self.own.valid, levels[self.own.head], 0.0))

    def departures(self) -> tuple[Floats, bool]:
        """Return when each route leaves, and whether the target is reached."""
        if not len(self.start):
            return self.start, True
        latest_kept = self._keep_promises()
        rows = np.arange(self.days * len(self.start))
        flags = self.in_time(rows, np.tile(self.start, self.days)).reshape(self.days, -1)
        enough = bool(flags.all(axis=1).sum() >= self.needed)
        if (enough and (latest_kept >= self.start).all()) or not len(self.free):
            return self.start, enough and not self.not_kept
        latest = np.minimum(self._latest(flags), latest_kept[self.free])
        fixed: Flags = np.all(np.delete(flags, self.free, axis=1), axis=1)
        most = int((fixed & np.isfinite(latest).all(axis=1)).sum())
        reached = most >= self.needed
        # what is in time on the most days does not differ from what is nearly so, as far as the days tell
        error = _SURE * math.sqrt(most * (self.days - most) / self.days + 1.0)
        needed = self.needed if reached else max(0, math.ceil(most - error))
        prices = [
            self._prices(route, self._levels(latest[:, place], needed))
            for place, route in enumerate(self.free.tolist())
        ]
        for _ in range(_ROUNDS):
            chosen = self.start.copy()
            chosen[self.free] = self._cheapest(prices, latest, fixed, needed)
            kept = self.in_time(rows, np.tile(chosen, self.days)).reshape(self.days, -1).all(axis=1)
            found = int(kept.sum())
            if found >= needed or needed >= most:
                break
            # who leaves earlier was later on some days after all
            needed = min(most, 2 * needed - found)
        return chosen, found >= self.needed and not self.not_kept

    def in_time(self, rows: Ints, leave: Floats) -> Flags:
        """Say which routes have everybody in time; a law without a value at some hour is no way to be.

        Parameters
        ----------
        rows
            Days times routes plus route.
        leave
            When each leaves.
        """
        try:
            times = drive_forward(self.grid.select(rows), leave)
        except ProblemError:
            if len(rows) == 1:
                return np.zeros(1, dtype=bool)
            half = len(rows) // 2
            return np.concatenate(
                [self.in_time(rows[:half], leave[:half]), self.in_time(rows[half:], leave[half:])]
            )
        route = rows % len(self.start)
        back = np.isfinite(times.finish) & (times.finish <= self.ends[route])
        return np.asarray((times.begin <= self.limits[route]).all(axis=1) & back)

    def _keep_promises(self) -> Floats:
        """Return the latest departure with which the promises to single clients on each route are kept; (routes,).

        The one that costs least on typical times where that keeps them, or none does, which is noted.
        """
        found, free = self.start.copy(), set(self.free.tolist())
        lows = dict(zip(self.free.tolist(), self._earliest().tolist(), strict=True))
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
        routes, lows = len(self.start), self._earliest()
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

    def _earliest(self) -> Floats:
        """Return from when on each free route breaks no rule on typical times that it keeps as it is; (free,)."""
        start, first = self.start[self.free], np.minimum(self.own.earliest, self.start)[self.free]
        share = np.arange(_EARLIER + 1) / _EARLIER
        leave = start[:, None] - (start - first)[:, None] * share
        grid = self.own.select(np.repeat(self.free, len(share)))
        broken, missed = (each.reshape(leave.shape) for each in judge_departures(grid, leave.reshape(-1))[:2])
        worse = (broken > broken[:, :1]) | (missed > missed[:, :1])
        kept = np.where(worse.any(axis=1), worse.argmax(axis=1), len(share)) - 1
        return np.asarray(leave[np.arange(len(start)), kept])

    def _levels(self, latest: Floats, needed: int, low: float = -np.inf, high: float = np.inf) -> Floats:
        """Return departures of a route between two others, the earliest first, which lose about equally many days.

        They lose no more days than all routes together may.
        """
        known = np.sort(latest[np.isfinite(latest)])[: max(self.days - needed, 0) + 1]
        some = known[(known >= low) & (known <= high)]
        return np.unique(some[np.linspace(0, len(some) - 1, min(_LEVELS, len(some))).round().astype(int)])

    def _prices(self, route: int, leave: Floats) -> tuple[Floats, Floats]:
        """Return some departures of a route, the first and the last among them, and what a day costs with each."""
        if len(leave) < 2:  # there is nothing to choose
            return (leave if len(leave) else self.start[route : route + 1]), np.zeros(1)
        asked = leave[np.unique(np.linspace(0, len(leave) - 1, _PRICES).round().astype(int))]
        most = max(_FEWEST_PRICED, MOST_LEGS // (_PRICES * self.own.valid.size))
        days = np.arange(min(_PRICED, most, self.days)) * len(self.start) + route
        leaves = np.repeat(asked, len(days))
        cost, finish = judge_departures(self.grid.select(np.tile(days, len(asked))), leaves)[3:]
        over = np.maximum(finish - leaves - self.longest, 0.0)
        cost = cost + self.data.policy.longest_route_cost * over if over.any() else cost
        return asked, np.asarray(cost.reshape(len(asked), -1).mean(axis=1))

    def _cheapest(
        self, prices: list[tuple[Floats, Floats]], latest: Floats, fixed: Flags, needed: int
    ) -> list[float]:
        """Return the departures that cost least together: first of a few levels, then of those beside the best."""
        levels, chosen = [self._levels(known, needed) for known in latest.T], list[float]()
        for finer in (False, True):
            choices = []
            for place, (asked, cost) in enumerate(prices):
                leave = levels[place]
                if finer:
                    at = int(np.searchsorted(leave, chosen[place]))
                    beside = leave[max(at - 1, 0)], leave[min(at + 1, len(leave) - 1)]
                    leave = self._levels(latest[:, place], needed, *beside)
                choices.append((leave, np.interp(leave, asked, cost)) if len(leave) else (asked, cost))
            levels = [leave for leave, _ in choices]
            chosen = _relaxed(choices, latest, fixed, needed)
        return chosen


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
    place = [0] * len(choices)
    late = np.stack([leave[0] > known for known, (leave, _) in zip(latest.T, choices, strict=True)], axis=1)
    while True:
        best = (0.0, -1, -1)
        held = (late.sum(axis=1)[:, None] - late == 0) & fixed[:, None]
        now = int((held[:, 0] & ~late[:, 0]).sum())
        for route, (leave, cost) in enumerate(choices):
            later = np.arange(place[route] + 1, len(leave))
            own = np.sort(latest[held[:, route], route])
            left = len(own) - np.searchsorted(own, leave[later])
            saved = cost[place[route]] - cost[later]
            worth = np.where((left >= needed) & (saved > 0.0), saved / (now - left + 1.0), 0.0)
            if worth.max(initial=0.0) > best[0]:
                best = (float(worth.max()), route, int(later[worth.argmax()]))
        if best[1] < 0:
            return [float(leave[at]) for at, (leave, _) in zip(place, choices, strict=True)]
        place[best[1]] = best[2]
        late[:, best[1]] = choices[best[1]][0][best[2]] > latest[:, best[1]]
