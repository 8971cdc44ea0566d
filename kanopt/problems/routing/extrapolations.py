"""Places where a routing plan uses a law outside the data it was learned from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.binding import BoundFormula, Reference, ReferenceValue
from kanopt.problems.findings import BELOW_ZERO, Extrapolation
from kanopt.problems.plan_figures import PlanFigure
from kanopt.problems.road_network import RoadNetwork
from kanopt.problems.routing.arrival_functions import ArrivalFunctions
from kanopt.problems.routing.data import Floats, Ints
from kanopt.problems.routing.leg_laws import DURATION, RoutingLaws
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.rules.rule import Flags
from kanopt.problems.routing.service_times import SERVICE
from kanopt.problems.routing.simulate import Drive, leg_names
from kanopt.text import amount_text, clock_text, count_text, list_names, number_text
from kanopt.units import convert, same_dimension

if TYPE_CHECKING:
    from kanopt.problems.routing.plan import RoutingPlan
    from kanopt.problems.routing.problem import RoutingProblem


_SHOWN = 3


def plan_extrapolations(
    problem: RoutingProblem, plan: RoutingPlan, driven: Drive
) -> tuple[Extrapolation, ...]:
    """Name, for each law and route, the legs outside the law's domain or where it falls below zero."""
    found: list[Extrapolation] = []
    used = _Uses(problem, plan, driven)
    for name, law in problem.leg_laws.formulas().items():
        found += [*used.outside(name, law), *used.below_zero(name)]
    if problem.policy.service is not None:
        found += used.at_stops(problem.policy.service)
    if isinstance(problem.leg_laws.duration, ArrivalFunctions):
        found += used.outside_tables()
    network = problem.network
    if network is not None and isinstance(network.law, BoundFormula):
        found += _links(network, network.law, driven_links(problem, driven))
    return tuple(found)


def _first_few(texts: list[str]) -> str:
    return list_names(texts, _SHOWN, quoted=False)


@dataclass(frozen=True, eq=False)
class _Uses:
    """The legs of a plan on which laws are used beyond what is known of them, told route by route."""

    problem: RoutingProblem
    plan: RoutingPlan
    driven: Drive

    @property
    def laws(self) -> RoutingLaws:
        return self.problem.leg_laws

    def _on_routes(self, flags: Flags) -> Iterator[tuple[str, Ints, str]]:
        """Yield the vehicle, the legs and their names of each route that has such legs."""
        names, driven = self.problem.data.names, self.driven
        for place in np.unique(driven.route[flags]):
            here = np.flatnonzero(flags & (driven.route == place))
            legs = [f"{names[driven.tail[leg]]} → {names[driven.head[leg]]}" for leg in here]
            yield self.plan.routes[place].label, here, _first_few(legs)

    def outside(self, name: str, law: BoundFormula) -> Iterator[Extrapolation]:
        """Yield the legs outside the data of a law."""
        inputs = self.driven.inputs
        for label, here, legs in self._on_routes(self.laws.outside(name, inputs)):
            total = int((self.driven.route == self.driven.route[here[0]]).sum())
            resolve = self.laws.resolver(name, inputs.select(here))
            which = "; ".join(law.formula.outside_inputs(law.arguments(resolve)))
            told = (
                f"{name} is used outside its data on {len(here)} of {total} legs of {label} ({legs}): {which}"
            )
            yield Extrapolation(name, f"{label}: {legs}", which, told)

    def below_zero(self, name: str) -> Iterator[Extrapolation]:
        """Yield the legs on which a law falls below zero."""
        raw = self.laws.raw(name, self.driven.inputs)
        for label, here, legs in self._on_routes(np.isfinite(raw) & (raw < 0)):
            least = f"{number_text(float(raw[here].min()))} {self.laws.unit(name)}"
            told = f"{name} falls to {least} on {len(here)} legs of {label} ({legs}); it counts as zero there"
            yield Extrapolation(name, f"{label}: {legs}", BELOW_ZERO, told)

    def outside_tables(self) -> Iterator[Extrapolation]:
        """Yield the legs that begin before the first or after the last point of their arrival function."""
        for label, here, legs in self._on_routes(self.laws.outside(DURATION, self.driven.inputs)):
            unit = self.problem.units.time
            clocks = _first_few([clock_text(leave, unit) for leave in self.driven.leave[here].tolist()])
            told = (
                f"{DURATION} is used outside its table on {len(here)} legs of {label} ({legs}), which begin at "
                f"{clocks}; travel time there is that of the nearest time in the table"
            )
            yield Extrapolation(DURATION, f"{label}: {legs}", f"clock {clocks}", told)

    def at_stops(self, law: BoundFormula) -> Iterator[Extrapolation]:
        """Yield the clients at which the law of service times is used outside its data."""
        data, driven = self.problem.data, self.driven
        stops = (driven.head >= len(data.depots)) & np.isfinite(driven.begin)
        resolve = data.service_times.resolver(driven.stops(np.flatnonzero(stops)))
        outside = stops.copy()
        outside[stops] = law.outside(resolve)
        for label, here, _ in self._on_routes(outside):
            names = _first_few([data.names[node] for node in driven.head[here]])
            arguments = law.arguments(data.service_times.resolver(driven.stops(here)))
            which = "; ".join(law.formula.outside_inputs(arguments))
            total = int((stops & (driven.route == driven.route[here[0]])).sum())
            told = f"service is used outside its data at {len(here)} of {total} clients of {label} ({names})"
            told += f": {which}" if which else ""
            yield Extrapolation(SERVICE, f"{label}: {names}", which, told)


def driven_links(problem: RoutingProblem, driven: Drive) -> dict[int, int]:
    """Return how often each link of the road network is driven."""
    assert problem.network is not None
    pairs = [
        (problem.network_nodes[a], problem.network_nodes[b])
        for a, b in zip(driven.tail, driven.head, strict=True)
    ]
    counts: dict[int, int] = {}
    for path in problem.network.paths(pairs):
        for link in path.links if path is not None else ():
            counts[link] = counts.get(link, 0) + 1
    return counts


def _links(network: RoadNetwork, law: BoundFormula, counts: dict[int, int]) -> Iterator[Extrapolation]:
    used = np.array(sorted(link for link in counts if network.outside[link]), dtype=np.intp)
    if not used.size:
        return

    def resolve(reference: Reference) -> ReferenceValue:
        known = network.resolve(reference)
        return ReferenceValue(known.values[used], known.unit)

    which = "; ".join(law.formula.outside_inputs(law.arguments(resolve)))
    labels = _first_few([network.label(int(link)) for link in used])
    times = sum(counts[int(link)] for link in used)
    yield Extrapolation(
        law=DURATION,
        where=f"links {labels}" if used.size > 1 else f"link {labels}",
        inputs=which,
        message=f"{DURATION} is used outside its data on {used.size} of {len(counts)} links driven ({labels}), "
        f"{times} times in all: {which}",
    )


WALKING, FASTEST = 4.0, 130.0
"""km/h at which people walk, and which hardly a road allows."""
_SHORT = 0.5
"""km below which an address and where one parks differ by as much as the leg is long."""
_NOTHING = 0.01
"""Share of the travel time of all legs below which a fixed time is not told."""
_NAMED = 3


def fixed_times(problem: RoutingProblem, driven: Drive) -> Floats | None:
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


def fixed_time_figure(problem: RoutingProblem, driven: Drive) -> tuple[PlanFigure, ...]:
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


def implausible_speeds(problem: RoutingProblem, plan: RoutingPlan, driven: Drive) -> tuple[str, ...]:
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
            told.append(f"{of}: {list_names(legs, _NAMED, quoted=False)}")
    return tuple(told)
