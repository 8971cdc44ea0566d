"""Rules of a routing problem that few problems have, for a search that scores routes by the million."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing import RoutingProblem
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.simulate import slack

if TYPE_CHECKING:
    from kanopt.solvers.routing.law_search.forward import RouteBatch

__all__ = ["RouteRules", "unsupported_rules", "with_slack"]

Floats = NDArray[np.float64]


def unsupported_rules(problem: RoutingProblem) -> tuple[str, ...]:
    """Return the rules of a problem that the search on the law does not know, in words.

    Examples
    --------
    >>> from kanopt.problems import Client, Depot, VehicleType
    >>> minutes = np.array([[0.0, 10], [10, 0]])
    >>> van = VehicleType("van", reloads=2)
    >>> unsupported_rules(RoutingProblem([Depot("depot")], [Client("a")], [van], minutes, minutes, minutes))
    ('reloads',)
    """
    data = problem.data
    rules = {
        "reloads": any(vehicle.reloads for vehicle in data.vehicles),
        "driver breaks": any(data.breaks),
        "pickup and delivery": data.has_sources,
        "pinned clients": bool(data.pinned),
        "the cost of the longest route": data.policy.cost_of_longest > 0,
    }
    return tuple(name for name, present in rules.items() if present)


def with_slack(limit: Floats) -> Floats:
    """Return limits with half of what a check lets pass, so that what fits here fits there."""
    return limit + slack(limit) / 2


@dataclass(frozen=True, eq=False)
class RouteRules:
    """What a route keeps to or pays for beyond load, windows and shift; None where no client or vehicle has it.

    Parameters
    ----------
    windows
        Openings and closings; two arrays (windows, n).
    late_from, late_rate
        From when on service is late, and the price of each unit of time, by node; infinity and 0 where it must not be.
    returns
        Whether each vehicle type returns to its depot.
    demands, capacities
        What each node demands and each vehicle type holds, in every measure but the load; (measures, …).
    pickup
        What each node gives; (n,).
    delivered
        Which nodes demand something, where deliveries come before pickups.
    distance, max_distance
        Lengths of arcs between nodes, in a row, and the longest route allowed of each vehicle type.
    max_duration, regular_time, overtime
        By vehicle type: the longest time of a route, the time after which overtime begins, and its price.
    apart
        Which nodes may not be on one route; (n, n).
    """

    windows: tuple[Floats, Floats] | None
    late_from: Floats | None
    late_rate: Floats
    returns: NDArray[np.bool_] | None
    demands: Floats | None
    capacities: Floats
    pickup: Floats | None
    delivered: NDArray[np.bool_] | None
    distance: Floats | None
    max_distance: Floats
    max_duration: Floats | None
    regular_time: Floats
    overtime: Floats | None
    apart: NDArray[np.bool_] | None

    @classmethod
    def of(cls, data: RoutingData) -> RouteRules:
        """Read the rules of a problem."""
        returns = np.array([vehicle.returns for vehicle in data.vehicles])
        farthest, longest = data.of_vehicles("max_distance"), data.of_vehicles("max_duration")
        overtime = data.of_vehicles("cost_per_overtime")
        overtime = np.where(np.isfinite(data.of_vehicles("regular_time")), overtime, 0.0)
        several = len(data.opens) > 1
        return cls(
            windows=(data.opens, with_slack(data.closes)) if several else None,
            late_from=np.where(data.has_soft_window, data.latest, np.inf)
            if data.has_soft_window.any()
            else None,
            late_rate=data.lateness_rate,
            returns=None if returns.all() else returns,
            demands=data.demands[1:] if len(data.demands) > 1 else None,
            capacities=with_slack(data.capacities[1:]),
            pickup=data.pickup if data.pickup.any() else None,
            delivered=data.demand > 0 if data.policy.backhaul and data.pickup.any() else None,
            distance=data.finite_distance.ravel() if np.isfinite(farthest).any() else None,
            max_distance=with_slack(farthest),
            max_duration=with_slack(longest) if np.isfinite(longest).any() else None,
            regular_time=data.of_vehicles("regular_time"),
            overtime=overtime if overtime.any() else None,
            apart=data.apart if data.apart.any() else None,
        )

    @property
    def needs_departure_search(self) -> bool:
        """Whether the best departure is not simply the latest that costs nothing."""
        return self.windows is not None or self.late_from is not None

    def overload(self, batch: RouteBatch) -> Floats:
        """Return by how much routes exceed capacities; (routes,)."""
        capacity = batch.tables.capacity[batch.kinds]
        if self.pickup is None:
            over = np.maximum(batch.amount - capacity, 0.0)
        else:
            over = np.maximum(batch.load.max(axis=1) - capacity, 0.0)
        if self.demands is not None:
            for carried, room in zip(self.demands, self.capacities, strict=True):
                over = over + np.maximum(carried[batch.nodes].sum(axis=1) - room[batch.kinds], 0.0)
        return np.asarray(over)

    def violation(self, batch: RouteBatch) -> Floats:
        """Return by how much routes break the rules that no clock moves; (routes,)."""
        over = np.zeros(len(batch))
        if self.distance is not None:
            arcs = batch.tail * batch.tables.size + batch.head
            length = np.where(batch.valid, self.distance[arcs], 0.0).sum(axis=1)
            over += np.maximum(length - self.max_distance[batch.kinds], 0.0)
        if self.apart is not None:
            over += self.apart[batch.nodes[:, :, None], batch.nodes[:, None, :]].sum(axis=(1, 2)) / 2
        if self.delivered is not None and self.pickup is not None:
            picked = np.logical_or.accumulate(self.pickup[batch.tail] > 0, axis=1)
            over += (picked & self.delivered[batch.head]).sum(axis=1)
        return over
