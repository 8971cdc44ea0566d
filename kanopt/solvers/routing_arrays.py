"""What a routing engine counts: whole numbers without names, which travel to another process as they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.units import Scaling

__all__ = ["Integers", "Rank", "RoutingArrays", "Ways"]

Integers = NDArray[np.int64]
Ways = Sequence[Sequence[int]]
"""Client nodes in order of visit, one route for each vehicle of the fleet."""
Rank = tuple[int, int]
"""How good a plan is, the smaller the better: clients left out who must be served, then the objective."""


@dataclass(frozen=True, eq=False)
class RoutingArrays:
    """A routing problem as an engine sees it.

    Durations and demands are rounded up, capacities down, windows and shifts inward, so that a plan feasible
    here is feasible at the planning values. Nodes are the depots that some vehicle starts from, then clients.

    Parameters
    ----------
    fleet
        Vehicle type (position) and number of each vehicle, in order of types.
    home
        Node of each vehicle type's depot, shape (types,); -1 where there is no such vehicle.
    cost, transit
        Price of an arc and time from the start of service at its tail to the arrival at its head, by vehicle
        type; (types, nodes, nodes). An arc without a road takes longer than `horizon`.
    demand, earliest, latest, prize, mandatory
        By node; `prize` is 0 for depots and for clients that must be served.
    capacity, fixed, per_time, shift_start, shift_end
        By vehicle type.
    depots
        How many of the nodes are depots.
    missed
        Prizes of optional clients that are not among the nodes.
    stranded
        How many clients that must be served are not among the nodes.
    horizon
        The latest time that can occur.
    money
        The scaling of prices.
    """

    fleet: tuple[tuple[int, int], ...]
    home: Integers
    cost: Integers
    transit: Integers
    demand: Integers
    earliest: Integers
    latest: Integers
    prize: Integers
    mandatory: NDArray[np.bool_]
    capacity: Integers
    fixed: Integers
    per_time: Integers
    shift_start: Integers
    shift_end: Integers
    depots: int
    missed: int
    stranded: int
    horizon: int
    money: Scaling

    @property
    def size(self) -> int:
        """How many nodes there are."""
        return len(self.demand)

    def depot(self, kind: int) -> int:
        """Return the node of a vehicle type's depot."""
        return int(self.home[kind])

    @cached_property
    def penalty(self) -> int:
        """Price of leaving a mandatory client out: more than any plan can cost."""
        arcs = int(self.cost.max(axis=(0, 2), initial=0).sum())
        routes = len(self.fleet)
        leaving = int(self.cost[:, : self.depots].max(initial=0)) * routes
        fixed = int(self.fixed.max(initial=0)) * routes
        spans = self.per_time * (self.shift_end - self.shift_start)
        return arcs + leaving + fixed + int(self.prize.sum()) + int(spans.max(initial=0)) * routes + 1

    def span(self, kind: int, way: Sequence[int]) -> tuple[int, int] | None:
        """Return departure and return of a route that spends as little time as it can, None if it is too late.

        Parameters
        ----------
        kind
            Vehicle type.
        way
            Client nodes in order of visit.
        """
        transit, home = self.transit[kind], self.depot(kind)
        clock, waited = int(self.shift_start[kind]), 0
        room: int | None = None
        tail = home
        for node in way:
            arrive = clock + int(transit[tail, node])
            clock = max(arrive, int(self.earliest[node]))
            if clock > self.latest[node]:
                return None
            waited += clock - arrive
            slack = waited + int(self.latest[node]) - clock
            room = slack if room is None else min(room, slack)
            tail = node
        finish = clock + int(transit[tail, home])
        if finish > self.shift_end[kind]:
            return None
        return int(self.shift_start[kind]) + min(waited, room if room is not None else 0), finish

    def fits(self, kind: int, way: Sequence[int]) -> bool:
        """Say whether a vehicle type can drive a route."""
        load = int(self.demand[list(way)].sum()) if way else 0
        return load <= self.capacity[kind] and self.span(kind, way) is not None

    def trimmed(self, kind: int, way: Sequence[int], seen: set[int]) -> list[int]:
        """Return the stops of a route that fit, in their order; what is in `seen` is left out, the rest joins it."""
        left = [node for node in dict.fromkeys(way) if node not in seen]
        kept: list[int] = left if self.fits(kind, left) else []
        for node in left if not kept else ():
            if self.fits(kind, [*kept, node]):
                kept.append(node)
        seen.update(kept)
        return kept

    def objective(self, ways: Ways) -> int:
        """Return the price of a plan, one route per vehicle, without penalties for mandatory clients.

        This is the solver's objective, counted again: a route costs its arcs, its vehicle and the least time
        it can take.
        """
        total = self.missed
        served = np.zeros(self.size, dtype=bool)
        for (kind, _), way in zip(self.fleet, ways, strict=True):
            times = self.span(kind, way)
            if not way or times is None:
                continue
            stops = np.array([self.depot(kind), *way, self.depot(kind)])
            served[list(way)] = True
            total += int(self.cost[kind, stops[:-1], stops[1:]].sum()) + int(self.fixed[kind])
            total += int(self.per_time[kind]) * (times[1] - times[0])
        return total + int(self.prize[~served].sum())

    def rank(self, ways: Ways) -> Rank:
        """Return how good a plan is; of two plans the one with the smaller rank is the better one."""
        served = np.zeros(self.size, dtype=bool)
        for way in ways:
            served[list(way)] = True
        return self.stranded + int((self.mandatory & ~served).sum()), self.objective(ways)

    def save(self, path: Path) -> None:
        """Write the arrays to a file that :meth:`load` reads in another process."""
        stored = {
            item.name: getattr(self, item.name) for item in fields(RoutingArrays) if item.name != "money"
        }
        np.savez(path, money=np.array([self.money.factor]), **stored)

    @classmethod
    def load(cls, path: Path) -> RoutingArrays:
        """Read what :meth:`save` has written."""
        with np.load(path, allow_pickle=False) as stored:
            read: dict[str, Any] = {name: stored[name] for name in stored.files}
        read["fleet"] = tuple((int(kind), int(index)) for kind, index in read["fleet"])
        read["money"] = Scaling(float(read["money"][0]))
        for name in ("depots", "missed", "stranded", "horizon"):
            read[name] = int(read[name])
        return RoutingArrays(**read)
