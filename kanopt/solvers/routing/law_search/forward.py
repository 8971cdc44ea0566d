"""Driving many routes at once: loads, times, lateness and the part of the price that moves with the plan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.solvers.routing.law_search.arrival_index import ArrivalIndex
from kanopt.solvers.routing.law_search.compiled_laws import CompiledLaw, LegBatch
from kanopt.solvers.routing.law_search.compiled_problem import CompiledProblem
from kanopt.solvers.routing.law_search.rules import RouteRules

__all__ = ["DrivenBatch", "RouteBatch", "drive_at", "drive_clock_free"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
_NOTHING = np.zeros(())


class RouteBatch:
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

    def __init__(self, tables: CompiledProblem, kinds: Ints, nodes: Ints) -> None:
        self.tables = tables
        self.kinds = kinds
        self.nodes = nodes
        self.tail, self.head = nodes[:, :-1], nodes[:, 1:]
        self.arc: Ints = (kinds[:, None] * tables.size + self.tail) * tables.size + self.head

    @cached_property
    def amount(self) -> Floats:
        """What the clients of each route demand; (routes,)."""
        amount: Floats = self.tables.demand.take(self.nodes).sum(axis=1)
        return amount

    @cached_property
    def load(self) -> Floats:
        """Load on board during each leg."""
        change = self.tables.demand
        if self.tables.rules.pickup is not None:
            change = change - self.tables.rules.pickup
        left = self.amount[:, None] - np.cumsum(change.take(self.tail), axis=1)
        carried = self.amount
        if self.tables.rules.pickup is not None:
            carried = carried + self.tables.rules.pickup.take(self.nodes).sum(axis=1)
        load: Floats = np.where(left <= 1e-12 * carried[:, None], 0.0, left)
        return load

    @classmethod
    def of(cls, tables: CompiledProblem, routes: Sequence[tuple[int, Sequence[int]]]) -> RouteBatch:
        """Pad routes, each given as vehicle type and clients in order of visit."""
        longest = max((len(clients) for _, clients in routes), default=0) + 2
        kinds = np.array([kind for kind, _ in routes], dtype=np.intp)
        nodes = np.repeat(tables.home[kinds][:, None], longest, axis=1)
        for place, (_, clients) in enumerate(routes):
            nodes[place, 1 : len(clients) + 1] = clients
        return cls(tables, kinds, nodes)

    def __len__(self) -> int:
        return len(self.kinds)

    def select(self, rows: Ints) -> RouteBatch:
        """Return some of the routes."""
        return RouteBatch(self.tables, self.kinds[rows], self.nodes[rows])

    @cached_property
    def valid(self) -> NDArray[np.bool_]:
        """Which legs are driven; padding stays where it is, and not every vehicle comes back."""
        driven, returns = self.tail != self.head, self.tables.rules.returns
        if returns is not None:
            driven &= returns[self.kinds][:, None] | (self.head >= self.tables.depots)
        return np.asarray(driven)

    def stay(self, nodes: Ints) -> Floats:
        """Return the service times at nodes of each route; (routes, …)."""
        found: Floats = self.tables.service.take(self.kinds[:, None] * self.tables.size + nodes)
        return found

    @cached_property
    def overload(self) -> Floats:
        """By how much each route exceeds capacities."""
        return self.tables.rules.overload(self)

    @cached_property
    def rule_violation(self) -> Floats:
        """By how much each route breaks rules that no clock moves, beside capacities."""
        return self.tables.rules.violation(self)

    @cached_property
    def used(self) -> NDArray[np.bool_]:
        """Which routes have a client."""
        return np.asarray(self.valid.any(axis=1))

    @cached_property
    def price(self) -> Floats:
        """Fixed cost and the part of the price that no clock moves; (routes,)."""
        tables = self.tables
        legs = tables.price.take(self.arc)
        if tables.per_load is not None:
            legs += tables.per_load.take(self.arc) * self.load
        total: Floats = legs.sum(axis=1)
        if tables.fixed.any():
            total += np.where(self.used, tables.fixed[self.kinds], 0.0)
        return total


@dataclass(frozen=True, eq=False)
class DrivenBatch:
    """The outcome of driving routes; arrays of one shape.

    Parameters
    ----------
    departure, finish
        Clock times of leaving and returning; infinite where a leg has no road.
    late
        Sum of the lateness at clients.
    clock_price
        Price of the legs under the laws that are no tables, and of being late where that is allowed.
    """

    departure: Floats
    finish: Floats
    late: Floats
    clock_price: Floats


def drive_clock_free(batch: RouteBatch) -> DrivenBatch:
    """Drive routes whose travel times no clock moves, leaving as late as costs nothing.

    No loop over legs: service at the k-th stop begins at ``T_k + max(start, earliest_1 − T_1, …, earliest_k − T_k)``
    with `T_k` the time to get there without waiting. The departure is that of :meth:`RoutingProblem.drive`: the
    forward time slack of Savelsbergh (1992, "The vehicle routing problem with time windows: minimizing route
    duration", ORSA Journal on Computing 4(2), 146–154).
    """
    tables = batch.tables
    spent = _clock_free_durations(batch)
    start = tables.start[batch.kinds]
    with np.errstate(invalid="ignore"):
        reached = np.cumsum(spent + batch.stay(batch.tail), axis=1)
        pushed = tables.earliest.take(batch.head) - reached
        np.maximum(pushed, start[:, None], out=pushed)
        np.maximum.accumulate(pushed, axis=1, out=pushed)
        begin = reached + pushed
        late = np.fmax(begin - tables.closes.take(batch.head), 0.0).sum(axis=1)
        slack = np.fmax(tables.latest.take(batch.head) - begin, 0.0)
        slack += pushed
        room = np.minimum(slack.min(axis=1), pushed[:, -1])
    moving = np.zeros(len(batch))
    for law in tables.plan_laws:
        legs = law.evaluate(LegBatch(batch.arc, batch.load, np.zeros(()), spent))
        moving += np.where(batch.valid, legs, 0.0).sum(axis=1)
    return DrivenBatch(room, begin[:, -1], late, moving)


def _clock_free_durations(batch: RouteBatch) -> Floats:
    """Return travel times that depend on arc and load alone."""
    travel = batch.tables.travel
    if isinstance(travel, CompiledLaw):
        nothing = np.zeros(())
        return np.where(batch.valid, travel.evaluate(LegBatch(batch.arc, batch.load, nothing, nothing)), 0.0)
    assert isinstance(travel, np.ndarray)
    found: Floats = travel.take(batch.arc)
    return found


def drive_at(batch: RouteBatch, departure: Floats, rows: Ints, *, rough: bool = False) -> DrivenBatch:
    """Drive routes leg by leg, leaving at given times.

    Parameters
    ----------
    batch
        The routes.
    departure
        Clock times, of any shape.
    rows
        The route of each departure; broadcasts to the shape of `departure`.
    rough
        Whether laws may read the clock to ten seconds.
    """
    tables = batch.tables
    arc, tail, head = (nodes.T[:, rows] for nodes in (batch.arc, batch.tail, batch.head))
    load = batch.load.T[:, rows]
    opens, closes, stays = tables.earliest[head], tables.closes[head], batch.stay(batch.head).T[:, rows]
    driven, travel, rules = batch.valid.T[:, rows], tables.travel, tables.rules
    number = travel.arcs(tail, head) if isinstance(travel, ArrivalIndex) else arc
    clock = departure
    late, moving = np.zeros_like(clock), np.zeros_like(clock)
    with np.errstate(invalid="ignore"):
        for leg in range(len(arc)):
            if isinstance(travel, ArrivalIndex):
                arrive = np.where(driven[leg], travel.arrival(number[leg], clock), clock)
            else:
                arrive = clock + _leg_durations(
                    travel, LegBatch(arc[leg], load[leg], clock, _NOTHING), driven[leg], rough=rough
                )
            begin = (
                np.maximum(arrive, opens[leg])
                if rules.windows is None
                else _service_begin(rules, head[leg], arrive)
            )
            over = None
            if rules.late_from is not None:
                over = np.fmax(begin - rules.late_from[head[leg]], 0.0)
                moving += np.where(driven[leg], rules.late_rate[head[leg]] * over, 0.0)
            for law in tables.plan_laws:
                legs = LegBatch(arc[leg], load[leg], clock, arrive - clock, over)
                price = law.evaluate(legs, rough=rough)
                moving += np.where(driven[leg], price, 0.0)
            late += np.fmax(begin - closes[leg], 0.0)
            clock = begin + stays[leg]
    return DrivenBatch(departure, clock, late, moving)


def _service_begin(rules: RouteRules, head: Ints, arrive: Floats) -> Floats:
    """Return when service begins where there are several windows; at once where the last one has closed."""
    assert rules.windows is not None
    opens, closes = (times[:, head] for times in rules.windows)
    begin = np.where(arrive <= closes, np.maximum(arrive, opens), np.inf).min(axis=0)
    return np.asarray(np.where(np.isfinite(begin), begin, arrive))


def _leg_durations(
    travel: Floats | CompiledLaw, legs: LegBatch, driven: NDArray[np.bool_], *, rough: bool
) -> Floats:
    if isinstance(travel, CompiledLaw):
        return np.where(driven, travel.evaluate(legs, rough=rough), 0.0)
    return travel[legs.arc]
