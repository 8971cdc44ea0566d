"""The laws of a routing problem where a plan uses them: on legs, at stops and on links of a road network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from kanopt.array_types import Floats, Integers
from kanopt.errors import FormulaError
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import Reference, ReferenceValue, Resolver
from kanopt.plans.findings import BELOW_ZERO, Extrapolation
from kanopt.plans.law_use import LawUse, unit_factor
from kanopt.plans.plan_figures import PlanFigure
from kanopt.routing.arrival_functions import ArrivalFunctions
from kanopt.routing.leg_laws import DURATION, SERVICE
from kanopt.routing.model import RoutingModel
from kanopt.routing.plan import RoutingPlan
from kanopt.routing.rules.rule import Drive, Flags
from kanopt.routing.simulate.departures import judge_departures
from kanopt.routing.simulate.legs import ChangedTimes, PaddedRoutes, pad_routes
from kanopt.routing.simulate.referee import leg_names
from kanopt.text import amount_text, clock_text, count_text, list_names, number_text
from kanopt.units import convert, same_dimension

_LEGS, _STOPS, _LINKS = ("leg", "legs"), ("client", "clients"), ("link driven", "links driven")
_SHOWN = 3

Spread = Callable[[Floats], Floats]
"""From changes of a law's values, (draws, places), to those of the times of legs, (draws, legs)."""


@dataclass(frozen=True, eq=False)
class RoutingLawUses:
    """The laws of a problem as a plan uses them.

    Parameters
    ----------
    problem, plan, driven
        The problem, a plan of it, and how that is driven.
    """

    problem: RoutingModel
    plan: RoutingPlan
    driven: Drive

    def uses(self) -> Iterator[LawUse]:
        """Yield the law of travel time and each cost law on legs, that of stops at clients, that of links driven."""
        laws, driven, service = self.problem.leg_laws, self.driven, self.problem.policy.service
        reached = np.flatnonzero(laws.roads(driven.tail, driven.head) & np.isfinite(driven.duration))
        inputs = driven.inputs.select(reached)
        for name, law in laws.formulas().items() if reached.size else ():
            resolve, where = laws.resolver(name, inputs), lambda: self._names(reached)
            if name == DURATION:
                change = self._price_change(law, partial(self._of_legs, reached))
                yield self._use(name, law, resolve, _LEGS, where=where, price_change=change)
            else:
                yield self._use(f"cost {name!r}", law, resolve, _LEGS, where=where, term=name)
        stops = np.flatnonzero((driven.head >= len(self.problem.depots)) & np.isfinite(driven.begin))
        if service is not None and stops.size:
            resolve = laws.resolver(SERVICE, driven.stops(stops))
            change = self._price_change(service, partial(self._of_legs, stops), at_stops=True)
            names, places = self._names(stops), self.problem.data.names
            visits = [(names[at][0], places[driven.head[leg]]) for at, leg in enumerate(stops)]
            yield self._use(SERVICE, service, resolve, _STOPS, where=lambda: visits, price_change=change)
        yield from self._links()

    def _links(self) -> Iterator[LawUse]:
        network = self.problem.network
        if network is None or not isinstance(network.law, BoundFormula):
            return
        names, driven = self.problem.network_nodes, self.driven
        pairs = [(names[tail], names[head]) for tail, head in zip(driven.tail, driven.head, strict=True)]
        paths = [() if path is None else path.links for path in network.paths(pairs)]
        used = np.array(sorted({link for links in paths for link in links}), dtype=np.intp)
        if not used.size:
            return
        driven_on = np.stack([(used[:, None] == np.array(links)).sum(axis=1) for links in paths], axis=1)

        def resolve(reference: Reference) -> ReferenceValue:
            known = network.resolve(reference)
            return ReferenceValue(known.values[used], known.unit)

        labels = [("", network.label(int(link))) for link in used]
        change = self._price_change(network.law, lambda changes: changes @ driven_on)
        told = {"where": lambda: labels, "price_change": change, "cut_off": False}
        yield self._use(DURATION, network.law, resolve, _LINKS, **told)

    def _use(
        self, what: str, law: BoundFormula, resolve: Resolver, places: tuple[str, str], **told: Any
    ) -> LawUse:
        """Return the use of a law at the places that are told, of which there are as many as names."""
        factor = np.array(self._factor(law, costs="term" in told))
        shape = (len(told["where"]()),)
        return LawUse(
            what, law.formula, law.arguments(resolve), factor, shape, places, **{"cut_off": True, **told}
        )

    def _factor(self, law: BoundFormula, *, costs: bool = False) -> float:
        units = self.problem.units
        return unit_factor(law.formula.output.unit, units.money if costs else units.time)

    def _of_legs(self, legs: Integers, changes: Floats) -> Floats:
        """Return changes of the times of some legs, (draws, some), as those of all; (draws, legs)."""
        longer = np.zeros((len(changes), len(self.driven.route)))
        longer[:, legs] = changes
        return longer

    def _names(self, legs: Integers) -> list[tuple[str, str]]:
        """Return vehicle and leg of some legs."""
        names = leg_names(self.problem.data, self.plan, self.driven)
        return [names[leg] for leg in legs]

    # ---- what it costs that times err

    @cached_property
    def _again(self) -> tuple[Integers, PaddedRoutes]:
        """The routes that come to their end, and these as they are driven again with other durations.

        Vehicles leave when they left, drive in the same order, wait for windows to open and rest where that costs
        least. Travel times do not change with the clock.
        """
        grid = pad_routes(self.problem.leg_laws, self.problem.planning_values, self.plan.routes)
        done, (fixed, stay) = (
            np.flatnonzero(np.isfinite(self.driven.finish)),
            np.zeros((2, *grid.valid.shape)),
        )
        fixed[grid.valid], stay[grid.valid] = self.driven.duration, self.driven.stay
        return done, replace(grid, fixed=fixed, stay=stay, by_clock=()).select(done)

    def _price_change(self, law: BoundFormula, spread: Spread, *, at_stops: bool = False) -> Spread:
        """Return what says how the price changes, (draws,), with the values of a law of times; (draws, places).

        A leg that is over sooner is paid less only as far as the vehicle need not wait then; one that takes longer
        makes all that follows later, up to where it would have waited.

        Parameters
        ----------
        law, spread
            The law, and which legs its values belong to.
        at_stops
            Whether services take longer, and not legs.
        """

        def change(changes: Floats) -> Floats:
            done, grid = self._again
            longer, draws = self._factor(law) * spread(changes), len(changes)
            by_route = np.zeros((draws, *grid.valid.shape))
            by_route[:, grid.valid] = longer[:, np.isin(self.driven.route, done)]
            more = by_route.reshape(-1, grid.valid.shape[1])
            errors: dict[str, Any] = {
                "service_errors" if at_stops else "travel_errors": ChangedTimes(np.ones_like(more), more)
            }
            drawn = replace(grid.select(np.tile(np.arange(len(done)), draws)), **errors)
            return self._paid(draws, drawn) - self._paid(1, grid)

        return change

    def _paid(self, draws: int, grid: PaddedRoutes) -> Floats:
        departure = self.driven.departure[self._again[0]]
        judged = judge_departures(grid, np.tile(departure, draws))
        cost, finish = (each.reshape(draws, -1) for each in judged[3:])
        longest = (finish - departure).max(axis=1, initial=0.0)
        return np.asarray(cost.sum(axis=1) + self.problem.policy.longest_route_cost * longest)

    # ---- beyond what laws are known for

    def extrapolations(self) -> Iterator[Extrapolation]:
        """Yield, by route, where a law falls below zero, and where legs begin outside a table of travel times."""
        laws, driven = self.problem.leg_laws, self.driven
        for name in laws.formulas():
            raw = laws.raw(name, driven.inputs)
            for label, here, legs in self._on_routes(np.isfinite(raw) & (raw < 0)):
                least = f"{number_text(float(raw[here].min()))} {laws.unit(name)}"
                told = f"{name} falls to {least} on {len(here)} legs of {label} ({legs}); it counts as zero there"
                yield Extrapolation(name, f"{label}: {legs}", BELOW_ZERO, told)
        if isinstance(laws.duration, ArrivalFunctions):
            for label, here, legs in self._on_routes(laws.outside(DURATION, driven.inputs)):
                unit = self.problem.units.time
                clocks = _first_few([clock_text(leave, unit) for leave in driven.leave[here].tolist()])
                told = (
                    f"{DURATION} is used outside its table on {len(here)} legs of {label} ({legs}), which begin at "
                    f"{clocks}; travel time there is that of the nearest time in the table"
                )
                yield Extrapolation(DURATION, f"{label}: {legs}", f"clock {clocks}", told)

    def _on_routes(self, flags: Flags) -> Iterator[tuple[str, Integers, str]]:
        """Yield the vehicle, the legs and their names of each route that has such legs."""
        for place in np.unique(self.driven.route[flags]):
            here = np.flatnonzero(flags & (self.driven.route == place))
            yield self.plan.routes[place].label, here, _first_few([leg for _, leg in self._names(here)])


def _first_few(texts: Sequence[str]) -> str:
    return list_names(texts, _SHOWN, quoted=False)


WALKING, FASTEST = 4.0, 130.0
"""km/h at which people walk, and which hardly a road allows."""
_SHORT = 0.5
"""km below which an address and where one parks differ by as much as the leg is long."""
_NOTHING = 0.01
"""Share of the travel time of all legs below which a fixed time is not told."""


def fixed_times(problem: RoutingModel, driven: Drive) -> Floats | None:
    """Return what the law of travel time says of each leg at distance 0, with all else as it is; (legs,).

    None where travel times are no formula of the distance, or the formula has no value there.
    """
    laws = problem.leg_laws
    law = laws.duration
    if not isinstance(law, BoundFormula) or not laws.reads(DURATION, "arc.distance"):
        return None
    resolve = laws.resolver(DURATION, driven.inputs)

    def at_zero(reference: Reference) -> ReferenceValue:
        known = resolve(reference)
        is_distance = str(reference) == "arc.distance"
        return ReferenceValue(np.zeros_like(known.values), known.unit) if is_distance else known

    try:
        values = law.evaluate(at_zero, problem.data.units.time)
    except FormulaError:  # such as a logarithm of the distance
        return None
    return np.broadcast_to(np.maximum(values, 0.0), driven.duration.shape)


def fixed_time_figure(problem: RoutingModel, driven: Drive) -> tuple[PlanFigure, ...]:
    """Return the fixed time per leg that a law of travel time has, where it is more than nothing.

    Parameters
    ----------
    problem, driven
        The problem, and how a plan of it is driven.
    """
    fixed = fixed_times(problem, driven)
    if fixed is None or not len(fixed) or not fixed.sum() > _NOTHING * driven.duration.sum():
        return ()
    value, unit = float(np.median(fixed)), problem.data.units.time
    how = "what the law of travel time says at distance 0, of the middle leg"
    text = amount_text(value, unit, 3)
    return (
        PlanFigure("fixed time", "Fixed time per leg", value, text, how, better="less", unit=unit, rank=3),
    )


def implausible_speeds(problem: RoutingModel, plan: RoutingPlan, driven: Drive) -> tuple[str, ...]:
    """Tell of legs on which a law of travel time is slower than walking or faster than the road, and name them.

    The fixed time of a leg is no driving, and legs of less than half a kilometre say nothing. Matrices of travel times
    are as they are given.

    Parameters
    ----------
    problem, plan, driven
        The problem, a plan of it, and how that is driven.
    """
    units = problem.data.units
    if not isinstance(problem.leg_laws.duration, BoundFormula) or not same_dimension(units.distance, "km"):
        return ()
    km = problem.data.lengths(driven.tail, driven.head) * convert(1.0, units.distance, "km")
    hour = convert(1.0, units.time, "h")
    fixed = fixed_times(problem, driven)
    driving = (driven.duration - (0.0 if fixed is None else fixed)) * hour
    known = np.isfinite(km) & np.isfinite(driven.duration) & (km >= _SHORT)
    names = leg_names(problem.data, plan, driven)
    told = []
    for odd, what in (
        (known & (km < WALKING * driving), f"slower than one walks ({WALKING:g} km/h)"),
        (known & (km > FASTEST * driven.duration * hour), f"faster than the road allows ({FASTEST:g} km/h)"),
    ):
        legs = [
            f"{names[leg][1]} ({names[leg][0]}), {amount_text(float(km[leg]), 'km', 3)} in "
            f"{amount_text(float(driven.duration[leg]), units.time, 3)}"
            for leg in np.flatnonzero(odd)
        ]
        if legs:
            are = "is" if len(legs) == 1 else "are"
            of = f"{len(legs):,} of {count_text(len(names), 'leg')} {are} {what} by the law of travel time"
            told.append(f"{of}: {list_names(legs, _SHOWN, quoted=False)}")
    return tuple(told)
