"""Driving many routes at once: loads, times, lateness and the part of the price that moves with the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.exact.arrivals import ArrivalIndex
from kanopt.solvers.exact.laws import LegLaw, Legs
from kanopt.solvers.exact.tables import Tables

__all__ = ["Driven", "Ways", "drive_at", "drive_still"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]


class Ways:
    """Routes padded to one length.

    Parameters
    ----------
    tables
        The problem.
    kinds
        Vehicle type of each route; (routes,).
    nodes
        Nodes of each route from depot to depot, and the depot again as padding; (routes, longest + 1).
    """

    def __init__(self, tables: Tables, kinds: Ints, nodes: Ints) -> None:
        self.tables = tables
        self.kinds = kinds
        self.nodes = nodes
        self.tail, self.head = nodes[:, :-1], nodes[:, 1:]
        self.arc: Ints = (kinds[:, None] * tables.size + self.tail) * tables.size + self.head
        demand = tables.demand[nodes]
        self.amount: Floats = demand.sum(axis=1)
        left = self.amount[:, None] - np.cumsum(demand[:, :-1], axis=1)
        self.load: Floats = np.where(np.abs(left) < 1e-12, 0.0, left)

    @classmethod
    def of(cls, tables: Tables, routes: Sequence[tuple[int, Sequence[int]]]) -> Ways:
        """Pad routes, each given as vehicle type and clients in order of visit."""
        longest = max((len(way) for _, way in routes), default=0) + 2
        kinds = np.array([kind for kind, _ in routes], dtype=np.intp)
        nodes = np.repeat(tables.home[kinds][:, None], longest, axis=1)
        for place, (_, way) in enumerate(routes):
            nodes[place, 1 : len(way) + 1] = way
        return cls(tables, kinds, nodes)

    def __len__(self) -> int:
        return len(self.kinds)

    def only(self, rows: Ints) -> Ways:
        """Return some of the routes."""
        return Ways(self.tables, self.kinds[rows], self.nodes[rows])

    @cached_property
    def driven(self) -> NDArray[np.bool_]:
        """Which legs are driven; padding stays where it is."""
        return np.asarray(self.tail != self.head)

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Which routes have a client."""
        return np.asarray(self.driven.any(axis=1))

    @cached_property
    def price(self) -> Floats:
        """Fixed cost and the part of the price that no clock moves; (routes,)."""
        tables = self.tables
        legs = tables.price[self.arc]
        if tables.per_load is not None:
            legs = legs + tables.per_load[self.arc] * self.load
        total: Floats = np.where(self.used, tables.fixed[self.kinds], 0.0) + legs.sum(axis=1)
        return total


@dataclass(frozen=True, eq=False)
class Driven:
    """What driving gives; all of one shape.

    Parameters
    ----------
    departure, finish
        Clock times of leaving and returning; infinite where a leg has no road.
    late
        Sum of the lateness at clients.
    moving
        Price of the legs under the laws that are no tables.
    """

    departure: Floats
    finish: Floats
    late: Floats
    moving: Floats


def drive_still(ways: Ways) -> Driven:
    """Drive routes whose travel times no clock moves, leaving as late as costs nothing.

    No loop over legs: service at the k-th stop begins at ``T_k + max(start, earliest_1 − T_1, …, earliest_k − T_k)``
    with `T_k` the time to get there without waiting. The departure is that of :meth:`RoutingProblem.drive`: the
    forward time slack of Savelsbergh (1992, "The vehicle routing problem with time windows: minimizing route
    duration", ORSA Journal on Computing 4(2), 146–154).
    """
    tables, load = ways.tables, ways.load
    if isinstance(tables.travel, LegLaw):
        nothing = np.zeros(())
        spent = tables.travel.evaluate(Legs(ways.arc, load, nothing, nothing))
        spent = np.where(ways.driven, spent, 0.0)
    else:
        assert isinstance(tables.travel, np.ndarray)
        spent = tables.travel[ways.arc]
    start = tables.start[ways.kinds]
    with np.errstate(invalid="ignore"):
        reached = np.cumsum(spent + tables.service[ways.tail], axis=1)
        opened = np.maximum(tables.earliest[ways.head] - reached, start[:, None])
        pushed = np.maximum.accumulate(opened, axis=1)
        begin = reached + pushed
        left = tables.latest[ways.head] - begin
        late = np.fmax(begin - tables.closes[ways.head], 0.0).sum(axis=1)
        waited = pushed - start[:, None]
        room = np.minimum((np.fmax(left, 0.0) + waited).min(axis=1), waited[:, -1])
    moving = np.zeros(len(ways))
    for law in tables.moving:
        legs = law.evaluate(Legs(ways.arc, load, np.zeros(()), spent))
        moving += np.where(ways.driven, legs, 0.0).sum(axis=1)
    return Driven(start + room, begin[:, -1], late, moving)


def drive_at(ways: Ways, departure: Floats, rows: Ints) -> Driven:
    """Drive routes leg by leg, leaving at given times.

    Parameters
    ----------
    ways
        The routes.
    departure
        Clock times, of any shape.
    rows
        The route of each departure; broadcasts to the shape of `departure`.
    """
    tables = ways.tables
    arc, tail, head = (nodes.T[:, rows] for nodes in (ways.arc, ways.tail, ways.head))
    load = ways.load.T[:, rows]
    opens, closes, stays = tables.earliest[head], tables.closes[head], tables.service[head]
    driven, travel = tail != head, tables.travel
    number = travel.arcs(tail, head) if isinstance(travel, ArrivalIndex) else arc
    clock = departure
    late, moving = np.zeros_like(clock), np.zeros_like(clock)
    with np.errstate(invalid="ignore"):
        for leg in range(len(arc)):
            if isinstance(travel, ArrivalIndex):
                arrive = travel.arrival(number[leg], clock)
            else:
                arrive = clock + _spent(travel, arc[leg], load[leg], clock, driven[leg])
            for law in tables.moving:
                price = law.evaluate(Legs(arc[leg], load[leg], clock, arrive - clock))
                moving += np.where(driven[leg], price, 0.0)
            begin = np.maximum(arrive, opens[leg])
            late += np.fmax(begin - closes[leg], 0.0)
            clock = begin + stays[leg]
    return Driven(departure, clock, late, moving)


def _spent(
    travel: Floats | LegLaw, arc: Ints, load: Floats, clock: Floats, driven: NDArray[np.bool_]
) -> Floats:
    if isinstance(travel, LegLaw):
        return np.where(driven, travel.evaluate(Legs(arc, load, clock, np.zeros(()))), 0.0)
    return travel[arc]
