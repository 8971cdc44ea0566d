"""Departures with which everyone is in time on a share of days, chosen on days that are drawn for all routes together.

The order of stops stays. Of each route and each day it is known until when the vehicle may leave so that everybody on
it is in time; departures are chosen among those times, the cheapest ones with which all routes are in time together on
enough days.
"""

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
from kanopt.routing.simulate.departures import judge_departures, spans_that_hold
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
        Clients with a promise of their own that no departure keeps, once departures are chosen.
    """

    def __init__(
        self,
        typical: RoutingAssessment,
        free: Flags,
        target: float,
        uncertainty: Uncertainty,
        time_limit: float = math.inf,
    ) -> None:
        problem, data, routes = typical.problem, typical.problem.data, typical.plan.routes
        self.data, self.typical = data, typical
        self.own = own = pad_routes(problem.leg_laws.leniently(), problem.planning_values, routes)
        self.start = typical.simulation.departure
        promised = {client.name: client.on_time or 0.0 for client in problem.clients}
        levels = np.array([promised.get(name, 0.0) for name in data.names])
        # the probability that is promised to the client at the end of each leg; (routes, legs)
        self.levels = np.where(own.valid, levels[own.head], 0.0)
        self.target = target
        self.days = self._days_to_draw(max(target, float(self.levels.max(initial=0.0))), time_limit)
        self.needed = days_needed(target, self.days)
        streams = [np.random.default_rng([_CHOSEN, part]) for part in range(4)]
        laws = routing_time_laws(problem, uncertainty)
        self.grid = draw_days(problem, own, self.days, laws, uncertainty, streams)
        # by when service at the end of each leg begins, (routes, legs), and each route is back, (routes,)
        late_stops, late_routes = late_in_plan(typical)
        served = own.valid & (own.head >= len(data.depots))
        latest, ends = data.latest[own.head], shift_ends(typical)
        self.limits = np.where(served, latest + slack(latest), np.inf)
        self.limits[tuple(each[late_stops] for each in np.nonzero(served))] = np.inf
        self.ends = np.where(late_routes, np.inf, ends + slack(ends))
        # of each route the departures that break no rule on typical times, as spans between begins and ends
        movable = free & ~own.has_left & own.valid.any(axis=1)
        self.spans = spans_that_hold(
            own, np.where(movable, np.minimum(own.earliest, self.start), self.start), self.start
        )
        self.not_kept: tuple[str, ...] = ()

    def _days_to_draw(self, share: float, time_limit: float) -> int:
        """Return how many days tell of a share, as far as there is time for them."""
        size = max(self.own.valid.size, 1)
        wanted = max(_FEWEST, round(share / max(1.0 - share, 1e-3) / _ERROR**2))
        # fewer would tell of a promise that is kept on all of them that it is not
        fewest = min(days_that_tell(share), _MOST_TIMES * MOST_LEGS // size)
        most = min(wanted, max(_LEAST, fewest, MOST_LEGS // size))
        return int(min(most, max(fewest, time_limit * _LEGS_A_SECOND / size)))

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
        latest = self._latest
        if (latest >= self.start).all(axis=1).sum() >= self.needed:
            return self.start, not self.not_kept
        most = int(np.isfinite(latest).all(axis=1).sum())
        # what is in time on the most days does not differ from what is nearly so, as far as the days tell
        error = SURE * math.sqrt(most * (self.days - most) / self.days + 1.0)
        needed = self.needed if most >= self.needed else max(0, math.ceil(most - error))
        choices = self._choices(needed)
        for _ in range(_ROUNDS):
            chosen = _relaxed(choices, latest, needed)
            rows = np.arange(self.days * len(chosen))
            kept = self.in_time(rows, np.tile(chosen, self.days)).reshape(self.days, -1)
            found = int(kept.all(axis=1).sum())
            if found >= needed or needed >= most:
                break
            # who leaves earlier was later on some days after all
            needed = min(most, 2 * needed - found)
        return chosen, found >= self.needed and not self.not_kept

    def frontier(self, shares: Sequence[float]) -> list[Floats]:
        """Return the cheapest departures with which everyone is in time on each share of days that can be had."""
        most = int(np.isfinite(self._latest).all(axis=1).sum())
        asked = [math.ceil(share * self.days) for share in shares]
        return [_relaxed(self._choices(each), self._latest, each) for each in asked if each <= most]

    def in_time(self, rows: Indices, leave: Floats, leg: int | None = None) -> Flags:
        """Say which routes have everybody in time; who is under way when a law has no value is not.

        Parameters
        ----------
        rows
            Days times routes plus route.
        leave
            When each leaves.
        leg
            At the end of which leg the one client is who counts; all where not given.
        """
        found = np.zeros(len(rows), dtype=bool)
        for some in self._blocks(len(rows)):
            route, times = (
                rows[some] % len(self.start),
                drive_forward(self.grid.select(rows[some]), leave[some]),
            )
            begun = times.begin <= self.limits[route]
            back = np.isfinite(times.finish) & (times.finish <= self.ends[route])
            found[some] = begun.all(axis=1) & back if leg is None else begun[:, leg]
        return found

    @cached_property
    def _latest(self) -> Floats:
        """The latest departure of each route on each day with which all on it are in time; (days, routes).

        None is later than what keeps the promises to single clients, where anything does; those that nothing keeps are
        noted.
        """
        count = len(self.start)
        found = self._latest_of(np.arange(self.days * count)).reshape(self.days, count)
        for route, leg in np.argwhere(self.levels).tolist():
            known = np.sort(self._latest_of(np.arange(self.days) * count + route, leg))
            wanted = days_needed(float(self.levels[route, leg]), self.days)
            kept_by = known[self.days - wanted] if 0 < wanted <= self.days else -np.inf
            if np.isfinite(kept_by):
                found[:, route] = np.minimum(found[:, route], kept_by)
            else:
                self.not_kept = (*self.not_kept, self.data.names[self.own.head[route, leg]])
        return found

    def _latest_of(self, rows: Indices, leg: int | None = None) -> Floats:
        """Return the latest departures with which routes are in time, -inf where none is; arguments as of `in_time`.

        Not after the one that costs least on typical times. Who leaves earlier is taken to arrive no later.
        """
        first = np.array([begins[0] for begins, _ in self.spans])
        low, high = (each[rows % len(self.start)] for each in (first, self.start))
        found = np.where(self.in_time(rows, high, leg), high, -np.inf)
        left = np.flatnonzero(np.isinf(found) & (low < high))
        left = left[self.in_time(rows[left], low[left], leg)]
        low, high = low[left], high[left]
        for _ in range(_HALVINGS):
            middle = (low + high) / 2.0
            good = self.in_time(rows[left], middle, leg)
            low, high = np.where(good, middle, low), np.where(good, high, middle)
        found[left] = low
        return found

    def _choices(self, needed: int) -> list[tuple[Floats, Floats]]:
        """Return departures of each route, the earliest first, and what a day costs with each.

        They lose about equally many days more each, and no more than all routes together may. In place of one that
        breaks a rule on typical times stands the last one before it that breaks none.
        """
        choices = []
        for known, (begins, ends) in zip(self._latest.T, self.spans, strict=True):
            lost = np.sort(known[np.isfinite(known)])[: max(self.days - needed, 0) + 1]
            leave = lost[np.linspace(0, len(lost) - 1, min(_LEVELS, len(lost))).round().astype(int)]
            span = np.maximum(np.searchsorted(begins, leave, side="right") - 1, 0)
            choices.append(np.unique(np.minimum(leave, ends[span])) if len(leave) else ends[-1:])
        asked = [
            leave[np.unique(np.linspace(0, len(leave) - 1, _PRICES).round().astype(int))] for leave in choices
        ]
        costs = self._costs(asked)
        return [
            (leave, np.interp(leave, *priced)) for leave, *priced in zip(choices, asked, costs, strict=True)
        ]

    def _costs(self, leaves: list[Floats]) -> list[Floats]:
        """Return what a day costs on average with each of some departures of each route."""
        most = max(_FEWEST_PRICED, MOST_LEGS // (_PRICES * self.own.valid.size))
        days = np.arange(min(_PRICED, most, self.days)) * len(self.start)
        rows = np.concatenate([np.tile(days + route, len(leave)) for route, leave in enumerate(leaves)])
        leave = np.repeat(np.concatenate(leaves), len(days))
        parts = [
            judge_departures(self.grid.select(rows[some]), leave[some])[3:]
            for some in self._blocks(len(rows))
        ]
        cost, finish = (np.concatenate(each) for each in zip(*parts, strict=True))
        longest = float(self.typical.simulation.route_durations.max(initial=0.0))
        if rate := self.data.policy.longest_route_cost:
            cost = cost + rate * np.maximum(finish - leave - longest, 0.0)
        means = cost.reshape(-1, len(days)).mean(axis=1)
        return np.split(means, np.cumsum([len(each) for each in leaves])[:-1])

    def stretch(self) -> float:
        """Return the factor of travel times that brings arrivals to the quantile asked for, over all of the plan."""
        count, typical = len(self.start), drive_forward(self.own, self.start)
        arrive, finish = np.empty((self.days * count, self.own.valid.shape[1])), np.empty(self.days * count)
        for some in self._blocks(len(arrive)):
            rows = np.arange(len(arrive))[some]
            times = drive_forward(self.grid.select(rows), self.start[rows % count])
            arrive[some], finish[some] = times.arrive, times.finish
        so_far = np.cumsum(np.where(self.own.valid, typical.duration, 0.0), axis=1)
        limited, ends = np.isfinite(self.limits), np.isfinite(self.ends)
        later = driving = 0.0
        for values, planned, counted, driven in (
            (arrive, typical.arrive, limited, so_far),
            (finish, typical.finish, ends, so_far[:, -1]),
        ):
            drawn = values.reshape(self.days, *planned.shape)[:, counted]
            above = np.quantile(drawn, self.target, axis=0, method="higher") - planned[counted]
            later += float(np.maximum(above, 0.0, where=np.isfinite(above), out=np.zeros(len(above))).sum())
            driving += float(driven[counted].sum())
        return 1.0 + later / max(driving, 1e-9)

    def _blocks(self, rows: int) -> list[slice]:
        """Return blocks of rows that are driven at once."""
        size = max(1, MOST_LEGS // max(self.own.valid.shape[1], 1))
        return [slice(at, at + size) for at in range(0, rows, size)]


def _relaxed(choices: list[tuple[Floats, Floats]], latest: Floats, needed: int) -> Floats:
    """Return departures of all routes that are in time together on enough days.

    From the earliest ones on, again and again that route leaves later with which most is saved for a day lost.

    Parameters
    ----------
    choices
        Departures of each route, the earliest first, and what a day costs with each.
    latest
        Latest departure of each route on each day; (days, routes).
    needed
        How many days are to be kept.
    """
    count, most = len(choices), max(len(leave) for leave, _ in choices)
    # routes with fewer departures never take those that they have not
    leaves, price = np.full((count, most), np.inf), np.full((count, most), np.inf)
    for route, (leave, cost) in enumerate(choices):
        leaves[route, : len(leave)], price[route, : len(leave)] = leave, cost
    late = leaves[:, :, None] > latest.T[:, None, :]
    routes, place = np.arange(count), np.zeros(count, dtype=np.intp)
    while True:
        own = late[routes, place]
        together = own.sum(axis=0)
        left = ((together - own == 0)[:, None] & ~late).sum(axis=2)
        lost = int((together == 0).sum()) - left
        saved = price[routes, place][:, None] - price
        able = (left >= needed) & (saved > 0.0) & (np.arange(most) > place[:, None])
        worth = np.where(able, saved / (np.maximum(lost, 0) + 1.0), 0.0)
        best = np.unravel_index(worth.argmax(), worth.shape)
        if worth[best] <= 0.0:
            return np.asarray(leaves[routes, place])
        place[best[0]] = best[1]


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
