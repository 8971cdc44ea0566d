"""A day as it was driven beside its plan: why it took and cost what it did, part by part, adding up exactly.

The routes are driven again by the referee, each time with one thing more as it was: who went where, when vehicles left,
what was on board, ways over places that nobody had planned, the day, and what the laws are wrong by at single places,
hours and vehicles. What is left to the times that were written down is chance. Each part is the difference of two such
replays, so that their sum is the difference between the day and its plan.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from kanopt.array_types import Floats, Integers
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.slider_prices import Pricing
from kanopt.plans.uncertainty import Codes, TimeEffects, UncertainLaw, Uncertainty, draw_time_effects
from kanopt.routing.days import routing_time_laws
from kanopt.routing.driven import DrivenDay, read_driven
from kanopt.routing.leg_laws import DURATION, LegInputs
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.rules.rule import Drive
from kanopt.routing.simulate.drive import LegTimes, drive_forward, drive_of
from kanopt.routing.simulate.legs import ChangedTimes, PaddedRoutes, pad_routes, service_begin
from kanopt.routing.simulate.referee import price_plan, price_side_by_side
from kanopt.units import convert

if TYPE_CHECKING:
    from kanopt.routing.assessment import RoutingAssessment
    from kanopt.routing.model import RoutingModel

ORDER, DEPARTURE, LOADS, DETOURS = "order and vehicles", "departure", "loads", "detours"
DAY, LAW, CHANCE = "the day", "the law", "chance"
PARTS = (ORDER, DEPARTURE, LOADS, DETOURS, DAY, LAW, CHANCE)

_DRAWS, _AT_ONCE = 200, 50
_HOURS = 2.0
"""Hours that count as one level."""
_LEGS_OF_A_PLACE, _MOST_PLACES = 6, 12
"""Times that make a region, on average, and how many regions there are at most."""
_FEWEST = 8
"""Times from which effects are estimated."""
_LOADS = ("light", "half full", "full")
_TINY = 1e-6
_NORMAL = 0.6745  # median of the size of a standard normal number
_LEAST = 0.01

_Told: TypeAlias = Callable[[RoutingPlan, Drive, Pricing], "pd.Series[float]"]
"""What is told of a plan that was driven and priced, by term, vehicle or client."""


@dataclass(frozen=True, eq=False)
class Times:
    """Times of one kind, travel or service, of which law and clock are known; arrays of shape (n,).

    Parameters
    ----------
    places
        Route and leg of each, as positions in the routes as they are laid out.
    law, actual
        What the law says at the actual clock and load, and how long it took.
    hours
        Clock time at which each began.
    groups, names
        The level of each in every group, and what the levels are called.
    effects
        What they have in common; None where there are too few.
    day_spread
        By how much days differ, as a share of a time; no number where the law has not learned it.
    bias_error
        Standard error of what the law is wrong by on all days, as a share.
    """

    places: tuple[Integers, Integers]
    law: Floats
    actual: Floats
    hours: Floats
    groups: Mapping[str, Codes]
    names: Mapping[str, list[str]]
    effects: TimeEffects | None
    day_spread: float = np.nan
    bias_error: float = 0.0

    @property
    def of_day(self) -> dict[str, float]:
        """What they tell of the day: by which share all were longer (``effect``), and how surely that is known.

        The ``error`` is that of this day alone; ``bias error`` is what the law is wrong by on all days, and ``day
        spread`` by how much days differ, no number where the law has not learned that.
        """
        day = np.array([np.nan]) if self.effects is None else self.effects.day
        variance = float(day.var())
        return {
            "effect": float(day.mean()),
            "error": float(np.sqrt(max(variance - self.bias_error**2, 0.01 * variance))),
            "day spread": self.day_spread,
            "bias error": self.bias_error,
        }

    def shares(self, draws: slice | None = None) -> tuple[Floats, Floats]:
        """Return by which share times are longer for the day, (draws,), and for what is wrong at levels, (draws, n).

        Parameters
        ----------
        draws
            Which draws; None for their mean, as one draw.
        """
        if self.effects is None:
            count = 1 if draws is None else len(range(*draws.indices(_DRAWS)))
            return np.zeros(count), np.zeros((count, len(self.law)))
        both = self.effects.day, self.effects.of_groups(self.groups)
        if draws is None:
            day, wrong = (each.mean(axis=0, keepdims=True) for each in both)
        else:
            some = np.linspace(0, len(self.effects.day) - 1, _DRAWS).astype(np.intp)[draws]
            day, wrong = (each[some] for each in both)
        return day, wrong

    def factors(self, shape: tuple[int, int], *, levels: bool, draws: slice | None = None) -> Floats:
        """Return by which factor times are longer for the day and, where `levels` count, for what laws are wrong by.

        Returns
        -------
        array
            By draw, route and leg; (draws, *shape).
        """
        day, wrong = self.shares(draws)
        found = np.ones((len(day), *shape)) + day[:, None, None]
        if levels:
            found[:, self.places[0], self.places[1]] += wrong
        return found


@dataclass(frozen=True, eq=False)
class ReviewedDay:
    """A day as it was driven beside its plan.

    Parameters
    ----------
    planned
        The plan on the laws.
    day
        What was driven.
    """

    planned: RoutingAssessment
    day: DrivenDay

    @classmethod
    def of(cls, planned: RoutingAssessment, driven: Any) -> ReviewedDay:
        """Return the review of a day; `driven` is what :func:`~kanopt.routing.driven.read_driven` reads."""
        found = read_driven(planned, driven)
        named = found.plan.with_names(planned.problem.data.vehicles)
        return cls(planned, replace(found, plan=named))

    @property
    def problem(self) -> RoutingModel:
        """The day."""
        return self.planned.problem

    # ---- what was driven, as legs

    @cached_property
    def _grid(self) -> PaddedRoutes:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return pad_routes(laws, planning, self.day.plan.reopened().routes)

    @cached_property
    def routes(self) -> PaddedRoutes:
        """The routes as they are laid out to be driven, with what was on board."""
        known = np.isfinite(self.day.load)
        if not known.any():
            return self._grid
        return self._grid.with_load(np.where(known, self.day.load, self._grid.loads[0]))

    @cached_property
    def _departures(self) -> tuple[Floats, Floats]:
        """When the vehicles that drove were to leave, and when they left.

        Who was not to drive was to leave when it did. When one left whose departure nobody wrote down is as long before
        the first arrival as the law says.
        """
        stated = np.array(
            [np.nan if one.departure is None else one.departure for one in self.day.plan.routes]
        )
        cheapest = self.problem.drive(self.day.plan.reopened().routes).departure
        known = {
            (route.vehicle, route.index): leaves
            for route, leaves in zip(
                self.planned.plan.routes, self.planned.simulation.departure.tolist(), strict=True
            )
        }
        keys = [(route.vehicle, route.index) for route in self.day.plan.routes]
        planned = np.array([known.get(key, np.nan) for key in keys])
        other = np.where(np.isfinite(stated), stated, cheapest)
        planned = np.where(np.isfinite(planned), planned, other)
        times = drive_forward(self._grid, planned)
        before = self.day.arrive[:, 0] - (times.arrive[:, 0] - times.leave[:, 0])
        left = np.where(np.isfinite(before), before, planned)
        return planned, np.where(np.isfinite(stated), stated, left)

    @property
    def departure(self) -> Floats:
        """When vehicles left."""
        return self._departures[1]

    @cached_property
    def _likely(self) -> LegTimes:
        """The routes as the laws say, with the departures and loads that were."""
        return drive_forward(self.routes, self.departure)

    @cached_property
    def actual(self) -> LegTimes:
        """The routes as they were driven, with times between where nobody wrote them down."""
        likely, grid, data = self._likely, self._grid, self.problem.data
        leave, arrive, end = (np.zeros(likely.leave.shape) for _ in range(3))
        # from a place that nobody knows the way on is taken to be as long as from the stop before
        from_detour = self.day.left_detour + likely.arrive - likely.leave
        reached = np.where(np.isnan(self.day.arrive) & np.isfinite(from_detour), from_detour, self.day.arrive)
        for route, departure in enumerate(self.departure.tolist()):
            legs = np.flatnonzero(grid.valid[route])
            known = np.stack([reached[route, legs], self.day.end[route, legs]], axis=1).ravel()
            likely_end = likely.begin[route, legs] + likely.stay[route, legs]
            guess = np.stack([likely.arrive[route, legs], likely_end], axis=1).ravel()
            filled = _filled(departure, float(likely.leave[route, 0]), known, guess)
            arrive[route, legs], end[route, legs] = filled[0::2], filled[1::2]
            leave[route] = filled[-1]
            leave[route, legs] = [departure, *filled[1:-1:2]]
        begin = np.maximum(arrive, grid.ready)
        for leg in range(begin.shape[1]):
            begin[:, leg] = service_begin(data, grid.head[:, leg], begin[:, leg])
        at_home = grid.valid & (grid.head < len(data.depots))
        begin = np.where(at_home, arrive, np.minimum(begin, end))
        finish = end[np.arange(len(end)), grid.valid.sum(axis=1) - 1]
        times = leave, arrive - leave, likely.pause, arrive, begin, end - begin, finish
        return LegTimes(*times, likely.before, likely.taken, likely.missed)

    # ---- what laws say of it, and what times have in common

    @cached_property
    def travel(self) -> Times:
        """Travel times that are known, with what they have in common."""
        times, likely, day = self.actual, self._likely, self.day
        left = np.concatenate([np.isfinite(self.departure)[:, None], np.isfinite(day.end[:, :-1])], axis=1)
        known = self.routes.valid & left & np.isfinite(day.arrive) & ~day.detour
        at = np.nonzero(known)
        law = self.problem.leg_laws.evaluate(DURATION, self._legs(at, np.zeros(())))
        pause = likely.arrive - likely.leave - likely.duration
        return self._times(at, law, (times.duration - pause)[known], times.leave, self._errors[0])

    def _legs(self, at: tuple[Integers, ...], duration: Floats) -> LegInputs:
        """Return legs as inputs of a law, given their places and how long they took."""
        grid = self.routes
        ends = grid.kind[at[0]], grid.tail[at], grid.head[at]
        return LegInputs(*ends, grid.loads[0][at], self.actual.leave[at], duration)

    @cached_property
    def service(self) -> Times:
        """Times of service that are known, with what they have in common."""
        times, grid, day = self.actual, self.routes, self.day
        at_client = grid.valid & (grid.head >= len(self.problem.data.depots))
        known = at_client & np.isfinite(day.arrive) & np.isfinite(day.end)
        law = self._likely.stay[known]
        return self._times(np.nonzero(known), law, times.stay[known], times.begin, self._errors[1])

    @cached_property
    def _errors(self) -> tuple[UncertainLaw, UncertainLaw]:
        return routing_time_laws(self.problem, Uncertainty())

    def _times(
        self, places: tuple[Integers, ...], law: Floats, actual: Floats, begin: Floats, errs: UncertainLaw
    ) -> Times:
        timed = np.isfinite(law) & (law > 0.0) & np.isfinite(actual)
        route, leg = places[0][timed], places[1][timed]
        law, actual = law[timed], actual[timed]
        hours = convert(begin[route, leg], self.problem.units.time, "h")
        if len(law) < _FEWEST:
            return Times((route, leg), law, actual, hours, {}, {}, None)
        groups, names = dict[str, Codes](), dict[str, list[str]]()
        for name, each in self._levels(route, leg, hours):
            levels, codes = np.unique(each, return_inverse=True)
            if len(levels) > 1:
                groups[name], names[name] = codes.reshape(-1), levels.tolist()
        known, ratio, bias_error, day_spread = errs.model, actual / law - 1.0, 0.0, np.nan
        if known is None:
            middle = float(np.median(np.abs(ratio - np.median(ratio)))) / _NORMAL
            spread = np.full(len(law), max(middle, _LEAST))
        else:
            shape, value = known.shape, law / errs.unit
            of_law = known.noise(value) / value
            spread = of_law * max(shape.usual * np.sqrt(1.0 - shape.share), _LEAST)
            day_spread = float(np.average(of_law, weights=law)) * shape.common if shape.by else np.nan
            bias_error = float(np.sqrt(known.covariance[2]))
        learned = day_spread if np.isfinite(day_spread) else None
        effects = draw_time_effects(ratio, spread, groups, day_spread=learned, bias_error=bias_error)
        return Times((route, leg), law, actual, hours, groups, names, effects, day_spread, bias_error)

    def _levels(self, route: Integers, leg: Integers, hours: Floats) -> list[tuple[str, Any]]:
        """Return to which vehicle, hours, region and load each time belongs."""
        grid = self.routes
        labels = np.array([one.label for one in self.day.plan.routes])
        block = np.floor(hours / _HOURS) * _HOURS
        found: list[tuple[str, Any]] = [
            ("vehicle", labels[route]),
            ("hours", np.array([f"{low:g} to {low + _HOURS:g} h" for low in block])),
            *self._regions(grid.tail[route, leg], grid.head[route, leg]),
        ]
        load = grid.loads[0][route, leg]
        if np.ptp(load) > 0.0:
            edges = np.quantile(load, np.arange(1, len(_LOADS)) / len(_LOADS))
            found.append(("load", np.array(_LOADS)[np.searchsorted(edges, load, side="left")]))
        return found

    def _regions(self, tail: Integers, head: Integers) -> list[tuple[str, Any]]:
        """Return the region in which the middle of each leg lies, called by the client in its middle.

        None where places are not known.
        """
        from scipy.cluster.vq import kmeans2

        names, points = self.problem.data.names, self.problem.positions.on_map
        count = min(len(head) // _LEGS_OF_A_PLACE, _MOST_PLACES)
        if count < 2 or not np.isfinite(points).all():
            return []
        centres, codes = kmeans2((points[tail] + points[head]) / 2.0, count, minit="++", seed=0)
        nearest = [int(np.argmin(np.square(points - centre).sum(axis=1))) for centre in centres]
        return [("place", np.array([f"around {names[nearest[code]]}" for code in codes]))]

    # ---- the routes driven again, with one thing more as it was

    def replayed(self, travel: Floats, service: Floats) -> Drive:
        """Return the routes driven again with other times, with the departures, loads and detours that were.

        Parameters
        ----------
        travel, service
            By which factor times are longer than the laws say; (draws, routes, legs). Draws are driven one after the
            other.
        """
        count, routes, legs = travel.shape
        # legs over places that nobody had planned take as much longer than the way between as they did
        longer = self.actual.duration - (self._likely.arrive - self._likely.leave)
        detours = np.where(self.day.detour & self._grid.valid, longer, 0.0)
        grid = replace(
            self.routes.select(np.tile(np.arange(routes), count)),
            travel_errors=ChangedTimes(travel.reshape(-1, legs), np.tile(detours, (count, 1))),
            service_errors=ChangedTimes(service.reshape(-1, legs), np.zeros((count * routes, legs))),
        )
        return drive_of(grid, np.tile(self.departure, count))

    def _with_effects(self, *, levels: bool, draws: slice | None = None) -> Drive:
        """Return the routes driven with the day, and with what the laws are wrong by at levels."""
        shape = self._grid.valid.shape
        both = (times.factors(shape, levels=levels, draws=draws) for times in (self.travel, self.service))
        return self.replayed(*both)

    @cached_property
    def replays(self) -> Mapping[str, Drive]:
        """The routes driven with one thing more as it was, by the part that it tells; the last is the day."""
        as_law = np.ones((1, *self._grid.valid.shape))
        planned, left = self._departures
        return {
            ORDER: drive_of(self._grid, planned),
            DEPARTURE: drive_of(self._grid, left),
            LOADS: drive_of(self.routes, left),
            DETOURS: self.replayed(as_law, as_law),
            DAY: self._with_effects(levels=False),
            LAW: self._with_effects(levels=True),
            CHANCE: drive_of(self.routes, left, self.actual),
        }

    # ---- what is told of it

    @cached_property
    def _states(self) -> dict[str, tuple[RoutingPlan, Drive, Pricing]]:
        """The plan, and each replay, as it is driven and priced."""
        planned, laws = self.planned, self.problem.leg_laws
        states = {"planned": (planned.plan, planned.simulation, planned.pricing)}
        for part, driven in self.replays.items():
            states[part] = self.day.plan, driven, price_plan(laws, self.day.plan, driven)
        return states

    def _split(self, told: _Told, missing: float = 0.0) -> pd.DataFrame:
        """Return what is told of the plan, by how much it differs from one replay to the next, and of the last.

        What only some of them have is `missing` in the others.
        """
        states = pd.DataFrame({name: told(*state) for name, state in self._states.items()}).fillna(missing)
        found = states.diff(axis=1)
        return found.assign(planned=states["planned"], driven=states[CHANCE])

    @cached_property
    def money(self) -> pd.DataFrame:
        """Price by term: as planned, each part, and as driven; a row for each term."""
        return self._split(lambda _, __, pricing: pricing.terms())

    @cached_property
    def vehicles(self) -> pd.DataFrame:
        """Money by vehicle, as :attr:`money`; clients that are left out stand under ``unserved``."""
        return self._split(lambda _, __, pricing: pricing.lines.groupby("group")["amount"].sum())

    @cached_property
    def minutes(self) -> pd.DataFrame:
        """How long each vehicle is out, in the problem's unit of time, as :attr:`money`."""

        def told(plan: RoutingPlan, driven: Drive, _: Pricing) -> pd.Series[float]:
            labels = [route.label for route in plan.routes]
            return pd.Series(driven.route_durations, index=labels, dtype=float)

        return self._split(told).sort_index()

    @cached_property
    def stops(self) -> pd.DataFrame:
        """When each client was to be reached and was, as :attr:`money`; a client that is on one side only has gaps."""
        return self._split(lambda _, driven, __: self._at_clients(driven, driven.arrive), np.nan)

    def _at_clients(self, driven: Drive, values: Floats) -> pd.Series[float]:
        """Return numbers of legs that lead to clients, by these."""
        served = driven.head >= len(self.problem.data.depots)
        names = [self.problem.data.names[place] for place in driven.head[served]]
        return pd.Series(values[served], index=names, dtype=float)

    @cached_property
    def hours(self) -> pd.DataFrame:
        """By how much times that are known were longer than the law says, by the hours in which they began."""
        rows = []
        for what, times in (("travel", self.travel), ("service", self.service)):
            day, wrong = (times.law * each for each in times.shares())
            columns = {
                "hour": np.floor(times.hours).astype(int),
                "what": what,
                "law": times.law,
                DAY: day,
                LAW: wrong[0],
                CHANCE: times.actual - times.law - day - wrong[0],
                "driven": times.actual,
            }
            rows.append(pd.DataFrame(columns))
        return pd.concat(rows).groupby(["what", "hour"], as_index=False).sum()

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Money and time of each part with an interval that holds it in nine of ten cases.

        What was not followed is known exactly, but for stops that nobody wrote down. The day, the law and chance are
        told apart by an estimate: their intervals are those of draws of it, each driven again.
        """
        found = pd.DataFrame({"money": self.money.sum()[list(PARTS)]})
        found["minutes"] = self.minutes.sum()[list(PARTS)]
        day, law = self._drawn(levels=False), self._drawn(levels=True)
        before, actual = (self._totals(self.replays[part], 1) for part in (DETOURS, CHANCE))
        parts = {DAY: day - before, LAW: law - day, CHANCE: actual - law}
        for place, column in enumerate(("money", "minutes")):
            for end, level in (("low", 0.05), ("high", 0.95)):
                bound = found[column].copy()
                for part, values in parts.items():
                    bound[part] = np.quantile(values[:, place], level)
                found[f"{column} {end}"] = bound
        return found

    def _drawn(self, *, levels: bool) -> Floats:
        """Return money and time of a replay for each draw of the effects; (draws, 2)."""
        blocks = [slice(first, first + _AT_ONCE) for first in range(0, _DRAWS, _AT_ONCE)]
        return np.concatenate(
            [self._totals(self._with_effects(levels=levels, draws=draws), _AT_ONCE) for draws in blocks]
        )

    def _totals(self, driven: Drive, count: int) -> Floats:
        """Return money and time of plans that were driven one after the other; (plans, 2)."""
        terms = price_side_by_side(self.problem.leg_laws, self.day.plan, driven, count)
        money = sum(terms.values(), np.zeros(count))
        return np.stack([money, driven.route_durations.reshape(count, -1).sum(axis=1)], axis=1)

    @cached_property
    def wrong(self) -> pd.DataFrame:
        """For what the laws of time are wrong on this day, likeliest first.

        Columns: ``what`` (travel or service), ``group``, ``level``, ``probability`` that there is an effect, ``effect``
        as a share of the time where there is one, with its interval (``low``, ``high``), and ``times`` that tell it.
        """
        rows = []
        for what, times in (("travel", self.travel), ("service", self.service)):
            effects = {} if times.effects is None else times.effects.groups
            for group, drawn in effects.items():
                for place, level in enumerate(times.names[group]):
                    some = drawn[drawn[:, place] != 0.0, place]
                    if 2 * len(some) >= len(drawn):
                        told = len(some) / len(drawn), some.mean(), *np.quantile(some, (0.05, 0.95))
                        count = int((times.groups[group] == place).sum())
                        rows.append((what, group, level, *map(float, told), count))
        columns = ["what", "group", "level", "probability", "effect", "low", "high", "times"]
        found = pd.DataFrame(rows, columns=columns)
        return found.sort_values("probability", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def late(self) -> pd.DataFrame:
        """Clients that were served after their last window had closed: ``client``, ``late``, and ``planned`` late."""
        both = {"late": self.replays[CHANCE], "planned": self.planned.simulation}
        columns = {name: self._at_clients(driven, driven.late) for name, driven in both.items()}
        found = pd.DataFrame(columns).fillna(0.0)
        found = found[found["late"] > _TINY].sort_values("late", ascending=False, kind="stable")
        return found.rename_axis("client").reset_index()

    def rows(self) -> pd.DataFrame:
        """Return the legs that were driven as rows of the table that the law of travel time was learned from.

        Its inputs are columns, in their units; the target is called like the law's output. Empty where travel times are
        no law.
        """
        law, times, time = self.problem.leg_laws.duration, self.travel, self.problem.units.time
        if not isinstance(law, BoundFormula):
            return pd.DataFrame()
        resolve = self.problem.leg_laws.resolver(DURATION, self._legs(times.places, times.actual))
        columns = {
            name: np.broadcast_to(values, len(times.law)) for name, values in law.arguments(resolve).items()
        }
        output = law.formula.output
        return pd.DataFrame(columns).assign(**{output.name: convert(times.actual, time, output.unit or time)})


def _filled(departure: float, likely_departure: float, known: Floats, guess: Floats) -> Floats:
    """Return clock times, (events,), where some are known: between two that are, in proportion to what is likely."""
    filled, clock, before = known.copy(), departure, likely_departure
    start = 0
    for place in [*np.flatnonzero(np.isfinite(known)).tolist(), len(known)]:
        gap, scale = slice(start, place), 1.0
        ahead = guess[gap] - before
        if place < len(known):
            likely = guess[place] - before
            scale = max((known[place] - clock) / likely, 0.0) if likely > 0.0 else 1.0
            ahead = np.maximum(ahead, 0.0)
        filled[gap] = clock + ahead * scale
        if place < len(known):
            clock, before = float(known[place]), float(guess[place])
        start = place + 1
    return np.maximum.accumulate(filled)
