"""A day as it was driven beside its plan: why it took and cost what it did, part by part, adding up exactly.

The routes are driven again by the referee, each time with one thing more as it was: who went where, when vehicles left,
what was on board, ways over places that nobody had planned, the day, and what the laws are wrong by at single places,
hours and vehicles. What is left to the times that were written down is chance. Each part is the difference of two such
replays, so that their sum is the difference between the day and its plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.slider_prices import Pricing
from kanopt.plans.uncertainty import Codes, TimeEffects, UncertainLaw, Uncertainty, draw_time_effects
from kanopt.routing.days import routing_time_laws
from kanopt.routing.driven import DrivenDay, read_driven
from kanopt.routing.leg_laws import DURATION, LegInputs
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.rules import PRIZES
from kanopt.routing.simulate import Drive, price_plan, price_side_by_side
from kanopt.routing.simulate.drive import LegTimes, drive_forward, drive_of
from kanopt.routing.simulate.legs import ChangedTimes, DrivingErrors, PaddedRoutes, pad_routes, service_begin
from kanopt.units import convert

if TYPE_CHECKING:
    from kanopt.routing.assessment import RoutingAssessment
    from kanopt.routing.model import RoutingModel

ORDER, DEPARTURE, LOADS, DETOURS = "order and vehicles", "departure", "loads", "detours"
DAY, LAW, CHANCE = "the day", "the law", "chance"
PARTS = (ORDER, DEPARTURE, LOADS, DETOURS, DAY, LAW, CHANCE)

_DRAWS = 200
_HOURS = 2.0
"""Hours that count as one level."""
_LEGS_OF_A_PLACE = 6
"""Times that make a region, on average."""
_MOST_LEVELS = 12
_FEWEST = 8
"""Times from which effects are estimated."""
_LOADS = 3
_BEYOND = 5.0
"""Standard deviations beyond which a single time is no chance."""
_TINY = 1e-6
_NORMAL = 0.6745  # median of the size of a standard normal number
_LEAST = 0.01


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
    spread
        Standard deviation of each by itself, as a share of it.
    effects
        What they have in common; None where there are too few.
    day_spread
        By how much days differ, as a share of a time, where the law has learned it.
    bias_error
        Standard error of what the law is wrong by on all days, as a share.
    """

    places: tuple[Integers, Integers]
    law: Floats
    actual: Floats
    hours: Floats
    groups: Mapping[str, Codes]
    names: Mapping[str, list[str]]
    spread: Floats
    effects: TimeEffects | None
    day_spread: float | None = None
    bias_error: float = 0.0

    @property
    def common(self) -> Floats:
        """By which share each is longer by what it has in common with others, on the day and at its levels; (n,)."""
        if self.effects is None:
            return np.zeros(len(self.law))
        return np.asarray(self.effects.day.mean() + self.effects.of_groups(self.groups).mean(axis=0))

    @property
    def of_day(self) -> dict[str, float]:
        """What they tell of the day: by which share all were longer (``effect``), and how surely that is known.

        The ``error`` is that of this day alone; ``bias error`` is what the law is wrong by on all days, and ``day
        spread`` by how much days differ, no number where the law has not learned that.
        """
        day = np.array([np.nan]) if self.effects is None else self.effects.day
        variance, known = float(day.var()), self.day_spread
        return {
            "effect": float(day.mean()),
            "error": float(np.sqrt(max(variance - self.bias_error**2, 0.01 * variance))),
            "day spread": np.nan if known is None else known,
            "bias error": self.bias_error,
        }

    def factors(self, shape: tuple[int, int], *, levels: bool, draw: slice | None = None) -> Floats:
        """Return by which factor times are longer for the day, or for what the law is wrong by too.

        Parameters
        ----------
        shape
            Routes and legs.
        levels
            Whether effects of levels count.
        draw
            Which draws; None for their mean.

        Returns
        -------
        array of shape (draws, routes, legs)
            For the mean of all draws, one.
        """
        count = 1 if draw is None else len(range(*draw.indices(_DRAWS)))
        found = np.ones((count, *shape))
        if self.effects is None:
            return found
        day = self.effects.day
        found += (np.array([day.mean()]) if draw is None else _thinned(day)[draw])[:, None, None]
        if levels:
            wrong = self.effects.of_groups(self.groups)
            wrong = wrong.mean(axis=0, keepdims=True) if draw is None else _thinned(wrong)[draw]
            found[:, self.places[0], self.places[1]] += wrong
        return found


def _thinned(draws: Floats) -> Floats:
    """Return as many draws as are driven, evenly spaced."""
    return np.asarray(draws[np.linspace(0, len(draws) - 1, _DRAWS).astype(np.intp)])


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

    @cached_property
    def _grid(self) -> PaddedRoutes:
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        routes = tuple(replace(route, departure=None) for route in self.day.plan.routes)
        return pad_routes(laws, planning, routes, frozen=False)

    @cached_property
    def routes(self) -> PaddedRoutes:
        """The routes as they are laid out to be driven, with what was on board."""
        known = np.isfinite(self.day.load)
        return (
            self._grid.with_load(np.where(known, self.day.load, self._grid.loads[0]))
            if known.any()
            else self._grid
        )

    @cached_property
    def _planned_departure(self) -> Floats:
        """When the vehicles that drove were to leave; where they were not to drive, when they left."""
        known = {
            (route.vehicle, route.index): leaves
            for route, leaves in zip(
                self.planned.plan.routes, self.planned.simulation.departure.tolist(), strict=True
            )
        }
        routes = self.day.plan.routes
        cheapest = self.problem.drive([replace(route, departure=None) for route in routes]).departure.tolist()
        found = [
            known.get((route.vehicle, route.index), other if route.departure is None else route.departure)
            for route, other in zip(routes, cheapest, strict=True)
        ]
        return np.array(found)

    @cached_property
    def departure(self) -> Floats:
        """When vehicles left; where that is not known, as long before their first arrival as the law says."""
        planned, first = self._planned_departure, self.day.arrive[:, 0]
        times = drive_forward(self._grid, planned)
        before = first - (times.arrive[:, 0] - times.leave[:, 0])
        stated = np.array(
            [np.nan if route.departure is None else route.departure for route in self.day.plan.routes]
        )
        return np.where(np.isfinite(stated), stated, np.where(np.isfinite(before), before, planned))

    @cached_property
    def _likely(self) -> LegTimes:
        """The routes as the laws say, with the departures and loads that were."""
        return drive_forward(self.routes, self.departure)

    @cached_property
    def actual(self) -> LegTimes:
        """The routes as they were driven, with times between where nobody wrote them down."""
        likely = self._likely
        leave, arrive, end = (np.zeros(likely.leave.shape) for _ in range(3))
        for route in range(len(leave)):
            legs = np.flatnonzero(self._grid.valid[route])
            known = np.stack([self.day.arrive[route, legs], self.day.end[route, legs]], axis=1).ravel()
            guess = np.stack(
                [likely.arrive[route, legs], (likely.begin + likely.stay)[route, legs]], axis=1
            ).ravel()
            filled = _filled(float(self.departure[route]), float(likely.leave[route, 0]), known, guess)
            arrive[route, legs], end[route, legs] = filled[0::2], filled[1::2]
            clock = np.concatenate([self.departure[route : route + 1], filled[1::2]])
            leave[route, legs] = clock[:-1]
            leave[route, legs[-1] + 1 :] = clock[-1]
        at_home = self._grid.valid & (self._grid.head < len(self.problem.data.depots))
        begin = np.maximum(arrive, self._grid.ready)
        for leg in range(begin.shape[1]):
            begin[:, leg] = service_begin(self.problem.data, self._grid.head[:, leg], begin[:, leg])
        begin = np.where(at_home, arrive, np.minimum(begin, end))
        last = self._grid.valid.sum(axis=1) - 1
        finish = end[np.arange(len(end)), last]
        return LegTimes(
            leave, arrive - leave, likely.pause, arrive, begin, end - begin, finish, likely.breaks
        )

    @cached_property
    def travel(self) -> Times:
        """Travel times that are known, with what they have in common."""
        laws, times, grid = self.problem.leg_laws, self.actual, self.routes
        likely = self._likely
        pause = likely.arrive - likely.leave - likely.duration
        left = np.concatenate(
            [np.isfinite(self.departure)[:, None], np.isfinite(self.day.end[:, :-1])], axis=1
        )
        known = grid.valid & left & np.isfinite(self.day.arrive) & ~self.day.detour
        route, leg = np.nonzero(known)
        law = laws.evaluate(DURATION, self._legs((route, leg), np.zeros(())))
        actual = times.duration[known] - pause[known]
        return self._times((route, leg), law, actual, times.leave, self._errors[0])

    def _legs(self, at: tuple[Integers, Integers], duration: Floats) -> LegInputs:
        """Return legs as inputs of a law, given their places and how long they took."""
        grid = self.routes
        ends = grid.kind[at[0]], grid.tail[at], grid.head[at]
        return LegInputs(*ends, grid.loads[0][at], self.actual.leave[at], duration)

    @cached_property
    def service(self) -> Times:
        """Times of service that are known, with what they have in common."""
        times, grid, likely = self.actual, self.routes, self._likely
        at_client = grid.head >= len(self.problem.data.depots)
        known = grid.valid & at_client & np.isfinite(self.day.arrive) & np.isfinite(self.day.end)
        return self._times(
            np.nonzero(known), likely.stay[known], times.stay[known], times.begin, self._errors[1]
        )

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
            return Times((route, leg), law, actual, hours, {}, {}, np.ones(len(law)), None)
        groups, names = self._levels(route, leg, hours)
        known, ratio = errs.model, actual / law - 1.0
        bias_error, day_spread = 0.0, None
        if known is None:
            middle = float(np.median(np.abs(ratio - np.median(ratio)))) / _NORMAL
            spread = np.full(len(law), max(middle, _LEAST))
        else:
            shape, value = known.shape, law / errs.unit
            of_law = known.noise(value) / value
            spread = of_law * max(shape.usual * np.sqrt(1.0 - shape.share), _LEAST)
            day_spread = float(np.average(of_law, weights=law)) * shape.common if shape.by else None
            bias_error = float(np.sqrt(known.covariance[2]))
        effects = draw_time_effects(ratio, spread, groups, day_spread=day_spread, bias_error=bias_error)
        return Times((route, leg), law, actual, hours, groups, names, spread, effects, day_spread, bias_error)

    def _levels(
        self, route: Integers, leg: Integers, hours: Floats
    ) -> tuple[dict[str, Codes], dict[str, list[str]]]:
        """Return to which vehicle, hours, region and load each time belongs, and how these are called."""
        data, grid = self.problem.data, self.routes
        head = grid.head[route, leg]
        found: dict[str, Any] = {"vehicle": np.array([self.day.plan.routes[each].label for each in route])}
        block = np.floor(hours / _HOURS) * _HOURS
        found["hours"] = np.array([f"{low:g} to {low + _HOURS:g} h" for low in block])
        found |= self._regions(grid.tail[route, leg], head)
        for field in _text_attributes(data.clients):
            words = [
                str(data.points[place].attributes.get(field, "")) if place >= len(data.depots) else ""
                for place in head
            ]
            if 2 <= len(set(words)) <= _MOST_LEVELS:
                found[field] = np.array(words)
        load = grid.loads[0][route, leg]
        if np.ptp(load) > 0.0:
            edges = np.quantile(load, np.arange(1, _LOADS) / _LOADS)
            words = ["light", "half full", "full"]
            found["load"] = np.array([words[each] for each in np.searchsorted(edges, load, side="left")])
        codes, names = {}, {}
        for name, levels in found.items():
            known, numbers = np.unique(levels, return_inverse=True)
            if len(known) > 1:
                codes[name], names[name] = numbers.reshape(-1), known.tolist()
        return codes, names

    def _regions(self, tail: Integers, head: Integers) -> dict[str, NDArray[np.str_]]:
        """Return the region in which the middle of each leg lies, called by the client in its middle.

        None where places are not known.
        """
        from scipy.cluster.vq import kmeans2

        data, points = self.problem.data, self.problem.positions.on_map
        count = min(len(head) // _LEGS_OF_A_PLACE, _MOST_LEVELS)
        if count < 2 or not np.isfinite(points).all():
            return {}
        centres, codes = kmeans2((points[tail] + points[head]) / 2.0, count, minit="++", seed=0)
        nearest = [int(np.argmin(np.square(points - centre).sum(axis=1))) for centre in centres]
        return {"place": np.array([f"around {data.names[nearest[code]]}" for code in codes])}

    def replayed(self, travel: Floats, service: Floats) -> Drive:
        """Return the routes driven again with other times, with the departures, loads and detours that were.

        Parameters
        ----------
        travel, service
            By which factor times are longer than the laws say; (draws, routes, legs). Draws are driven one after the
            other.
        """
        count, routes, legs = travel.shape
        longer = ChangedTimes(travel.reshape(-1, legs), np.tile(self._detours, (count, 1)))
        stays = ChangedTimes(service.reshape(-1, legs), np.zeros((count * routes, legs)))
        grid = self.routes.select(np.tile(np.arange(routes), count))
        return self._drive(replace(grid, errors=DrivingErrors(longer, stays)), np.tile(self.departure, count))

    def _with_effects(self, *, levels: bool, draw: slice | None = None) -> Drive:
        """Return the routes driven with the day, and with what the laws are wrong by at levels."""
        shape = self._grid.valid.shape
        travel, service = (
            times.factors(shape, levels=levels, draw=draw) for times in (self.travel, self.service)
        )
        return self.replayed(travel, service)

    @cached_property
    def _detours(self) -> Floats:
        """By how much legs over places that nobody had planned took longer than the way between; (routes, legs)."""
        likely = self._likely
        longer = self.actual.duration - (likely.arrive - likely.leave)
        return np.where(self.day.detour & self._grid.valid, longer, 0.0)

    @cached_property
    def replays(self) -> Mapping[str, Drive]:
        """The routes driven with one thing more as it was, by the part that it tells; the last is the day."""
        as_law = np.ones((1, *self._grid.valid.shape))
        return {
            ORDER: self._drive(self._grid, self._planned_departure),
            DEPARTURE: self._drive(self._grid, self.departure),
            LOADS: self._drive(self.routes, self.departure),
            DETOURS: self.replayed(as_law, as_law),
            DAY: self._with_effects(levels=False),
            LAW: self._with_effects(levels=True),
            CHANCE: self._drive(self.routes, self.departure, self.actual),
        }

    def _drive(self, grid: PaddedRoutes, departure: Floats, times: LegTimes | None = None) -> Drive:
        stops = [len(route.clients) for route in self.day.plan.routes] * (
            len(departure) // len(self._grid.valid)
        )
        return drive_of(grid, stops, departure, times or drive_forward(grid, departure))

    @cached_property
    def pricings(self) -> Mapping[str, Pricing]:
        """The price of each replay, line by line."""
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        return {
            part: price_plan(laws, planning, self.day.plan, driven) for part, driven in self.replays.items()
        }

    @cached_property
    def money(self) -> pd.DataFrame:
        """Price by term: as planned, each part, and as driven; a row for each term."""
        columns = {"planned": self.planned.pricing.terms()}
        columns |= {part: pricing.terms() for part, pricing in self.pricings.items()}
        return _split(pd.DataFrame(columns).fillna(0.0))

    @cached_property
    def vehicles(self) -> pd.DataFrame:
        """Money by vehicle, as :attr:`money`; clients that are left out stand under ``unserved``."""
        columns = {"planned": self.planned.pricing} | dict(self.pricings)
        sums = {name: pricing.lines.groupby("group")["amount"].sum() for name, pricing in columns.items()}
        return _split(pd.DataFrame(sums).fillna(0.0))

    @cached_property
    def minutes(self) -> pd.DataFrame:
        """How long each vehicle is out, in the problem's unit of time, as :attr:`money`."""
        columns = {"planned": _durations(self.planned.plan, self.planned.simulation)}
        columns |= {part: _durations(self.day.plan, driven) for part, driven in self.replays.items()}
        return _split(pd.DataFrame(columns).fillna(0.0))

    @cached_property
    def stops(self) -> pd.DataFrame:
        """When each client was to be reached and was, as :attr:`money`; a client that is on one side only has gaps."""
        columns = {"planned": _arrivals(self.problem, self.planned.simulation)}
        columns |= {part: _arrivals(self.problem, driven) for part, driven in self.replays.items()}
        return _split(pd.DataFrame(columns))

    @cached_property
    def hours(self) -> pd.DataFrame:
        """By how much times that are known were longer than the law says, by the hours in which they began."""
        rows = []
        for what, times in self._kinds:
            day = times.law * (0.0 if times.effects is None else float(times.effects.day.mean()))
            common = times.law * times.common
            columns = {
                "hour": np.floor(times.hours).astype(int),
                "what": what,
                "law": times.law,
                DAY: day,
                LAW: common - day,
                CHANCE: times.actual - times.law - common,
                "driven": times.actual,
            }
            rows.append(pd.DataFrame(columns))
        return pd.concat(rows).groupby(["what", "hour"], as_index=False).sum()

    @property
    def _kinds(self) -> tuple[tuple[str, Times], ...]:
        return ("travel", self.travel), ("service", self.service)

    @cached_property
    def intervals(self) -> pd.DataFrame:
        """Money and time of each part with an interval that holds it in nine of ten cases.

        What was not followed is known exactly, but for stops that nobody wrote down. The day, the law and chance are
        told apart by an estimate: their intervals are those of draws of it, each driven again.
        """
        money = pd.DataFrame({"money": self.money.sum()[list(PARTS)]})
        money["minutes"] = self.minutes.sum()[list(PARTS)]
        drawn = {name: self._drawn(name) for name in (DAY, LAW)}
        day, law = drawn[DAY], drawn[LAW]
        before, actual = self._totals(self.replays[DETOURS], 1), self._totals(self.replays[CHANCE], 1)
        parts = {DAY: day - before, LAW: law - day, CHANCE: actual - law}
        for place, column in enumerate(("money", "minutes")):
            for end, level in (("low", 0.05), ("high", 0.95)):
                bound = money[column].copy()
                for part, values in parts.items():
                    bound[part] = np.quantile(values[:, place], level)
                money[f"{column} {end}"] = bound
        return money

    def _drawn(self, part: str) -> Floats:
        """Return money and time of a replay for each draw of the effects; (draws, 2)."""
        found = []
        for first in range(0, _DRAWS, 50):
            draw = slice(first, min(first + 50, _DRAWS))
            driven = self._with_effects(levels=part == LAW, draw=draw)
            found.append(self._totals(driven, draw.stop - draw.start))
        return np.concatenate(found)

    def _totals(self, driven: Drive, count: int) -> Floats:
        """Return money and time of plans that were driven one after the other; (plans, 2)."""
        laws, planning = self.problem.leg_laws, self.problem.planning_values
        terms = price_side_by_side(laws, planning, driven, count)
        missed = sum(PRIZES.missed(self.problem.data, self.day.plan).values())
        money = sum(terms.values(), np.full(count, float(missed)))
        return np.stack([money, driven.route_durations.reshape(count, -1).sum(axis=1)], axis=1)

    @cached_property
    def wrong(self) -> pd.DataFrame:
        """For what the laws of time are wrong on this day, likeliest first.

        Columns: ``what`` (travel or service), ``group``, ``level``, ``probability`` that there is an effect, ``effect``
        as a share of the time where there is one, with its interval (``low``, ``high``), and ``times`` that tell it.
        """
        rows = []
        for what, times in self._kinds:
            effects = {} if times.effects is None else times.effects.groups
            levels = [(group, place) for group in effects for place in range(len(times.names[group]))]
            for group, place in levels:
                draws = effects[group][:, place]
                some = draws[draws != 0.0]
                if 2 * len(some) >= len(draws):
                    told = len(some) / len(draws), some.mean(), *np.quantile(some, (0.05, 0.95))
                    count = int((times.groups[group] == place).sum())
                    rows.append((what, group, times.names[group][place], *map(float, told), count))
        columns = ["what", "group", "level", "probability", "effect", "low", "high", "times"]
        found = pd.DataFrame(rows, columns=columns)
        return found.sort_values("probability", ascending=False, kind="stable", ignore_index=True)

    @cached_property
    def unusual(self) -> pd.DataFrame:
        """Single times that no chance explains, the farthest off first.

        Columns: ``what`` (travel or service), ``vehicle``, ``place`` (to which it leads, or at which it is),
        ``expected`` with what the day and the place have in common, and ``driven``.
        """
        rows = []
        for what, times in self._kinds:
            if times.effects is None:
                continue
            expected = times.law * (1.0 + times.common)
            apart = np.abs(times.actual - expected) / (times.law * times.spread * times.effects.noise.mean())
            for at in np.flatnonzero(apart > _BEYOND):
                route, leg = times.places[0][at], times.places[1][at]
                vehicle = self.day.plan.routes[route].label
                place = self.problem.data.names[self.routes.head[route, leg]]
                rows.append((what, vehicle, place, *map(float, (expected[at], times.actual[at], apart[at]))))
        found = pd.DataFrame(rows, columns=["what", "vehicle", "place", "expected", "driven", "apart"])
        return found.sort_values("apart", ascending=False, ignore_index=True).drop(columns="apart")

    @cached_property
    def late(self) -> pd.DataFrame:
        """Clients that were served after their last window had closed: ``client``, ``late``, and ``planned`` late."""
        columns = {}
        for name, driven in (("planned", self.planned.simulation), ("late", self.replays[CHANCE])):
            some = (driven.head >= len(self.problem.data.depots)) & (driven.late > _TINY)
            names = [self.problem.data.names[place] for place in driven.head[some]]
            columns[name] = pd.Series(driven.late[some], index=names, dtype=float)
        found = pd.DataFrame(columns, columns=["late", "planned"]).fillna(0.0)
        found = found[found["late"] > 0.0].sort_values("late", ascending=False, kind="stable")
        return found.rename_axis("client").reset_index()

    def rows(self) -> pd.DataFrame:
        """Return the legs that were driven as rows of the table that the law of travel time was learned from.

        Its inputs are columns, in their units; the target is called like the law's output. Empty where travel times are
        no law.
        """
        law, times = self.problem.leg_laws.duration, self.travel
        if not isinstance(law, BoundFormula):
            return pd.DataFrame()
        inputs = self._legs(times.places, times.actual)
        arguments = law.arguments(self.problem.leg_laws.resolver(DURATION, inputs))
        frame = pd.DataFrame(
            {name: np.broadcast_to(values, len(times.law)) for name, values in arguments.items()}
        )
        output = law.formula.output
        frame[output.name] = convert(
            times.actual, self.problem.units.time, output.unit or self.problem.units.time
        )
        return frame


def _filled(departure: float, likely_departure: float, known: Floats, guess: Floats) -> Floats:
    """Return clock times, (events,), where some are known: between two that are, in proportion to what is likely."""
    filled, clock, before = known.copy(), departure, likely_departure
    places = np.flatnonzero(np.isfinite(known))
    start = 0
    for place in [*places.tolist(), len(known)]:
        gap = slice(start, place)
        if place < len(known):
            span, likely = known[place] - clock, guess[place] - before
            scale = span / likely if likely > 0.0 else 1.0
            filled[gap] = clock + np.maximum(guess[gap] - before, 0.0) * max(scale, 0.0)
            clock, before = float(known[place]), float(guess[place])
        else:
            filled[gap] = clock + (guess[gap] - before)
        start = place + 1
    return np.maximum.accumulate(filled)


def _split(states: pd.DataFrame) -> pd.DataFrame:
    """Return the first state, the differences between one and the next, by part, and the last."""
    found = states[["planned"]].copy()
    for before, part in zip(states.columns, PARTS, strict=False):
        found[part] = states[part] - states[before]
    found["driven"] = states[CHANCE]
    return found


def _durations(plan: RoutingPlan, driven: Drive) -> pd.Series[float]:
    return pd.Series(driven.route_durations, index=[route.label for route in plan.routes], dtype=float)


def _arrivals(problem: RoutingModel, driven: Drive) -> pd.Series[float]:
    served = driven.head >= len(problem.data.depots)
    names = [problem.data.names[place] for place in driven.head[served]]
    return pd.Series(driven.arrive[served], index=names, dtype=float)


def _text_attributes(clients: Any) -> list[str]:
    """Return the further columns of clients that hold texts."""
    names = dict.fromkeys(name for client in clients for name in client.attributes)
    return [
        name for name in names if all(isinstance(client.attributes.get(name, ""), str) for client in clients)
    ]
