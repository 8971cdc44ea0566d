"""Windows, shifts, breaks and the lengths of routes, verified on the law."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from kanopt.problems.findings import Violation
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.plan import RoutingPlan
from kanopt.problems.routing.simulate.drive import Drive
from kanopt.problems.routing.tolerance import exceeds
from kanopt.problems.wording import amount_text, clock_text

__all__ = ["time_violations"]


def time_violations(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    """Yield what a plan breaks of the clock and of the lengths of its routes."""
    yield from _windows(data, plan, driven)
    yield from _shifts(data, plan, driven)
    yield from _lengths(data, plan, driven)
    yield from _breaks(data, plan, driven)


def _windows(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    unit = data.units.time
    for place in np.flatnonzero(np.isfinite(driven.begin)):
        latest, begin = float(data.latest[driven.head[place]]), float(driven.begin[place])
        if not data.has_soft_window[driven.head[place]] and exceeds(begin, latest):
            name = data.names[driven.head[place]]
            yield Violation(
                "time window",
                f"client {name}",
                begin - latest,
                unit,
                f"{plan.routes[driven.route[place]].label} reaches client {name} at {clock_text(begin, unit)}, "
                f"{amount_text(begin - latest, unit)} after its window closes at {clock_text(latest, unit)}",
            )


def _shifts(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    unit = data.units.time
    for place, route in enumerate(plan.routes):
        vehicle = data.vehicles[data.type_index[route.vehicle]]
        leaves, returns = float(driven.departure[place]), float(driven.finish[place])
        if exceeds(vehicle.shift_start, leaves):
            early = vehicle.shift_start - leaves
            yield Violation(
                "shift",
                route.label,
                early,
                unit,
                f"{route.label} leaves at {clock_text(leaves, unit)}, {amount_text(early, unit)} before its shift "
                f"starts at {clock_text(vehicle.shift_start, unit)}",
            )
        if np.isfinite(returns) and exceeds(returns, vehicle.shift_end):
            over, done = returns - vehicle.shift_end, "returns" if vehicle.returns else "is done"
            yield Violation(
                "shift",
                route.label,
                over,
                unit,
                f"{route.label} {done} at {clock_text(returns, unit)}, {amount_text(over, unit)} after its shift "
                f"ends at {clock_text(vehicle.shift_end, unit)}",
            )


def _lengths(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    """Routes that lead too far or take too long."""
    legs = np.nan_to_num(data.distance[driven.tail, driven.head], posinf=0.0)
    distances = np.bincount(driven.route, weights=legs, minlength=len(plan.routes))
    for place, route in enumerate(plan.routes):
        vehicle = data.vehicles[data.type_index[route.vehicle]]
        for constraint, done, value, limit, unit in (
            ("distance", "is long", float(distances[place]), vehicle.max_distance, data.units.distance),
            (
                "duration",
                "takes",
                float(driven.route_durations[place]),
                vehicle.max_duration,
                data.units.time,
            ),
        ):
            if np.isfinite(value) and exceeds(value, limit):
                yield Violation(
                    constraint,
                    route.label,
                    value - limit,
                    unit,
                    f"{route.label} {done} {amount_text(value, unit)}, {amount_text(value - limit, unit)} more than "
                    f"the {amount_text(limit, unit)} it may",
                )


def _breaks(data: RoutingData, plan: RoutingPlan, driven: Drive) -> Iterator[Violation]:
    for place in np.flatnonzero(driven.breaks_missed):
        route = plan.routes[place]
        if np.isfinite(driven.finish[place]):
            count, of = int(driven.breaks_missed[place]), len(data.breaks[data.type_index[route.vehicle]])
            yield Violation(
                "break",
                route.label,
                float(count),
                "",
                f"{route.label}: {count} of the driver's {of} breaks cannot be taken when they must be",
            )
