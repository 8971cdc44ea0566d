"""Places where a routing plan uses a law outside the data it was learned from."""

from __future__ import annotations

from collections.abc import Iterator
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
    found = []
    for name, law in problem.leg_laws.formulas().items():
        found += list(_route_extrapolations(problem.leg_laws, name, law, plan, driven))
        found += list(_below_zero(problem.leg_laws, name, plan, driven))
    if problem.policy.service is not None:
        found += list(_stops(problem, problem.policy.service, plan, driven))
    if isinstance(problem.leg_laws.duration, ArrivalFunctions):
        found += list(_outside_arrival_functions(problem.leg_laws, plan, driven))
    network = problem.network
    if network is not None and isinstance(network.law, BoundFormula):
        found += list(_links(network, network.law, driven_links(problem, driven)))
    return tuple(found)


def _first_few(texts: list[str]) -> str:
    return list_names(texts, _SHOWN, quoted=False)


def _legs(laws: RoutingLaws, driven: Drive, places: Ints) -> str:
    names = laws.data.names
    return _first_few([f"{names[driven.tail[p]]} → {names[driven.head[p]]}" for p in places])


def _route_extrapolations(
    laws: RoutingLaws, name: str, law: BoundFormula, plan: RoutingPlan, driven: Drive
) -> Iterator[Extrapolation]:
    outside = laws.outside(name, driven.inputs)
    for place in np.unique(driven.route[outside]):
        here = np.flatnonzero(outside & (driven.route == place))
        total = int((driven.route == place).sum())
        inputs = driven.inputs.select(here)
        which = "; ".join(law.formula.outside_inputs(law.arguments(laws.resolver(name, inputs))))
        label, legs = plan.routes[place].label, _legs(laws, driven, here)
        yield Extrapolation(
            law=name,
            where=f"{label}: {legs}",
            inputs=which,
            message=f"{name} is used outside its data on {len(here)} of {total} legs of {label} ({legs}): {which}",
        )


def _stops(
    problem: RoutingProblem, law: BoundFormula, plan: RoutingPlan, driven: Drive
) -> Iterator[Extrapolation]:
    """Name the clients at which the law of service times is used outside its data."""
    data = problem.data
    stops = np.flatnonzero((driven.head >= len(data.depots)) & np.isfinite(driven.begin))
    inputs = driven.stops(stops)
    outside = np.broadcast_to(law.outside(data.service_times.resolver(inputs)), stops.shape)
    for place, route in enumerate(plan.routes):
        here = driven.route[stops] == place
        strange = np.flatnonzero(here & outside)
        if strange.size:
            names = _first_few([data.names[node] for node in driven.head[stops[strange]]])
            arguments = law.arguments(data.service_times.resolver(driven.stops(stops[strange])))
            which = "; ".join(law.formula.outside_inputs(arguments))
            yield Extrapolation(
                law=SERVICE,
                where=f"{route.label}: {names}",
                inputs=which,
                message=f"service is used outside its data at {len(strange)} of {here.sum()} clients of {route.label} "
                f"({names}){f': {which}' if which else ''}",
            )


def _outside_arrival_functions(
    laws: RoutingLaws, plan: RoutingPlan, driven: Drive
) -> Iterator[Extrapolation]:
    """Name the legs that begin before the first or after the last point of their arrival function."""
    outside = laws.outside(DURATION, driven.inputs)
    for place in np.unique(driven.route[outside]):
        here = np.flatnonzero(outside & (driven.route == place))
        label, legs = plan.routes[place].label, _legs(laws, driven, here)
        clocks = _first_few([clock_text(float(driven.leave[leg]), laws.data.units.time) for leg in here])
        yield Extrapolation(
            law=DURATION,
            where=f"{label}: {legs}",
            inputs=f"clock {clocks}",
            message=f"{DURATION} is used outside its table on {len(here)} legs of {label} ({legs}), which begin at "
            f"{clocks}; travel time there is that of the nearest time in the table",
        )


def _below_zero(laws: RoutingLaws, name: str, plan: RoutingPlan, driven: Drive) -> Iterator[Extrapolation]:
    raw = laws.raw(name, driven.inputs)
    below = np.isfinite(raw) & (raw < 0)
    for place in np.unique(driven.route[below]):
        here = np.flatnonzero(below & (driven.route == place))
        label, legs = plan.routes[place].label, _legs(laws, driven, here)
        yield Extrapolation(
            law=name,
            where=f"{label}: {legs}",
            inputs=BELOW_ZERO,
            message=f"{name} falls to {number_text(float(raw[here].min()))} {laws.unit(name)} on {len(here)} legs of "
            f"{label} ({legs}); it counts as zero there",
        )


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
