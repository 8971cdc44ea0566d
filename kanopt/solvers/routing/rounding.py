"""The rules of a routing problem, rounded to whole numbers on the safe side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.routing import RoutingProblem
from kanopt.problems.routing.data import Facts
from kanopt.problems.routing.windows import Rest
from kanopt.solvers.routing.integer_rules import RoutingRules
from kanopt.units import Scaling, scaling_for

__all__ = [
    "Clock",
    "arcs",
    "fits_alone",
    "loaded_rules",
    "loads",
    "rules_of",
    "splits_at_pickups",
    "turns_back",
    "with_partners",
]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_LOAD_STEP = 1e-6
_LOAD_DIGITS = 9
_LENGTH_STEP = 1e-6
_FORCES = 1e5  # units in which all that is carried is counted where it is priced


@dataclass(frozen=True)
class Clock:
    """How times become whole numbers.

    Parameters
    ----------
    up
        The scaling of durations.
    origin
        Clock time of 0.
    horizon
        The latest time that can occur, in the problem's unit, counted from `origin`.
    last
        The same in whole numbers.
    """

    up: Scaling
    origin: float
    horizon: float
    last: int

    @property
    def down(self) -> Scaling:
        """The scaling of limits."""
        return Scaling(self.up.factor, "down")

    def opening(self, moments: Floats) -> Integers:
        """Round clock times before which nothing may happen."""
        return self.up.to_integers(np.clip(moments - self.origin, 0.0, self.horizon + 1.0))

    def closing(self, moments: Floats) -> Integers:
        """Round clock times after which nothing may happen."""
        return self.down.to_integers(np.clip(moments - self.origin, -1.0, self.horizon))

    def limit(self, lengths: Floats) -> Integers:
        """Round limits of durations."""
        return self.down.to_integers(np.minimum(lengths, self.horizon + 1.0))


def loads(carried: Floats, picked: Floats, room: Floats) -> tuple[Integers, Integers, Integers]:
    """Round demands and pickups up and capacities down; no capacity need pass the sum of all loads."""
    total = float(carried.sum() + picked.sum()) or 1.0
    step = min(_LOAD_STEP, float(10.0 ** (np.floor(np.log10(total)) - _LOAD_DIGITS)))
    up = scaling_for(total, 4, limit=1e15, target_resolution=step, rounding="up")
    demand, pickup = up.to_integers(carried), up.to_integers(picked)
    most = int(demand.sum() + pickup.sum())
    capacity = np.minimum(room, 2.0 * total)
    return demand, pickup, np.minimum(Scaling(up.factor, "down").to_integers(capacity), most)


def arcs(
    problem: RoutingProblem, costs: Floats, travel: Floats, stay: Floats, clock: Clock, money: Scaling
) -> tuple[Integers, Integers]:
    """Round times and prices of arcs; one that cannot be driven takes longer than there is."""
    facts = problem.facts
    total = travel + stay[:, :, None]
    roads = np.isfinite(total) & (total <= clock.horizon)
    paid = np.isfinite(costs)
    if any(facts.rests):
        # a break may come between the two, so that each is rounded on its own
        driven = clock.up.to_integers(np.where(roads, travel, 0.0))
        spent = driven + clock.up.to_integers(np.minimum(stay, clock.horizon + 1.0))[:, :, None]
    else:
        spent = clock.up.to_integers(np.where(roads, total, 0.0))
    if problem.policy.backhaul and splits_at_pickups(facts):
        roads = roads & ~turns_back(facts)
    transit = np.where(roads & paid, spent, clock.last + 1)
    # a vehicle that stays in goes from its depot to its depot
    transit[:, np.arange(len(facts.names)), np.arange(len(facts.names))] = 0
    prices = money.to_integers(np.where(paid & roads, costs, 0.0))
    ends = [
        kind for kind, vehicle in enumerate(facts.vehicles) if not vehicle.returns and not vehicle.reloads
    ]
    for kind in ends:
        # nobody drives back, so that the way there need not exist
        home = facts.index[facts.depot_of[facts.vehicles[kind].name]]
        prices[kind, :, home] = 0
        transit[kind, :, home] = clock.up.to_integers(np.minimum(stay[kind], clock.horizon + 1.0))
    return transit, prices


def fits_alone(facts: Facts) -> NDArray[np.bool_]:
    """Say which nodes some vehicle could carry in every measure."""
    within = facts.carried[1:, None, :] <= facts.room[1:, :, None]
    return np.asarray(within.all(axis=0).any(axis=0))


def with_partners(facts: Facts, possible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out those who are served only with others that cannot be served."""
    sourced = np.flatnonzero(facts.source >= 0)
    for _ in range(2 if sourced.size else 0):
        sources = facts.source[sourced]
        together = possible[sourced] & possible[sources]
        possible = possible.copy()
        possible[sources[~together]] = False
        possible[sourced[~together]] = False
    return possible


def splits_at_pickups(facts: Facts) -> bool:
    """Say whether deliveries before pickups is a matter of single arcs: every client has one of the two."""
    clients = slice(len(facts.depots), None)
    return bool(((facts.demand > 0) | (facts.pickup > 0))[clients].all())


def turns_back(facts: Facts) -> NDArray[np.bool_]:
    """Return the arcs from a client with a pickup to one with a demand; (n, n)."""
    return np.asarray((facts.pickup > 0)[:, None] & (facts.demand > 0)[None, :])


def rules_of(
    problem: RoutingProblem,
    nodes: NDArray[np.intp],
    clock: Clock,
    money: Scaling,
    fleet: tuple[tuple[int, int], ...],
) -> RoutingRules:
    """Round the rules that a problem has.

    Parameters
    ----------
    problem
        The problem.
    nodes
        Position in the problem of each node.
    clock, money
        How times and prices are rounded.
    fleet
        The vehicles.
    """
    facts = problem.facts
    rate = Scaling(money.factor / clock.up.factor)
    found: dict[str, Any] = {
        **_measures(facts, nodes),
        **_windows(facts, nodes, clock, rate),
        **_limits(facts, nodes, clock, rate),
        **_trips(facts, nodes, clock),
        **_partners(facts, nodes, fleet),
    }
    if problem.policy.backhaul and (facts.pickup > 0).any():
        found["backhaul"] = True
    if problem.policy.cost_of_longest:
        found["longest"] = int(rate.to_integers(problem.policy.cost_of_longest))
    return RoutingRules(**found)


def loaded_rules(
    problem: RoutingProblem, rules: RoutingRules, nodes: NDArray[np.intp], money: Scaling
) -> RoutingRules:
    """Add to rules what a unit of load adds to the price of each arc, and what nodes take and give in such units.

    A law that falls with the load counts as one that does not read it: OR-Tools prices energy from 0 up.
    """
    facts = problem.facts
    total = float(facts.demand.sum() + facts.pickup.sum()) or 1.0
    units = Scaling(_FORCES / total)
    slopes = np.maximum(problem.planner.lines[1], 0.0)
    for kind, vehicle in enumerate(facts.vehicles):
        if not vehicle.returns and not vehicle.reloads:
            slopes[kind, :, facts.index[facts.depot_of[vehicle.name]]] = 0.0
    energy = Scaling(money.factor / units.factor).to_integers(slopes)
    force = units.to_integers(np.stack([facts.demand[nodes], facts.pickup[nodes]]))
    return replace(rules, energy=energy[np.ix_(np.arange(len(facts.vehicles)), nodes, nodes)], force=force)


def _measures(facts: Facts, nodes: NDArray[np.intp]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(facts.carried) > 1:
        none = np.zeros(len(nodes))
        pairs = [
            loads(carried[nodes], none, room)
            for carried, room in zip(facts.carried[1:], facts.room[1:], strict=True)
        ]
        found["carried"] = np.stack([demand for demand, _, _ in pairs])
        found["room"] = np.stack([room for _, _, room in pairs])
    if facts.pickup.any():
        found["pickup"] = loads(facts.demand, facts.pickup, facts.of_vehicles("capacity"))[1][nodes]
    return found


def _windows(facts: Facts, nodes: NDArray[np.intp], clock: Clock, rate: Scaling) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(facts.opens) > 1:
        opens, closes = clock.opening(facts.opens), clock.closing(facts.closes)
        # a window that rounding has closed gives way to one beside it
        for row in (*range(1, len(opens)), *range(len(opens) - 2, -1, -1)):
            beside = row - 1 if row else 1
            empty = (opens[row] > closes[row]) & (opens[beside] <= closes[beside])
            opens[row] = np.where(empty, opens[beside], opens[row])
            closes[row] = np.where(empty, closes[beside], closes[row])
        found["opens"], found["closes"] = opens[:, nodes], closes[:, nodes]
    lateness = rate.to_integers(facts.lateness_rate)
    if lateness.any():
        found["lateness"] = lateness[nodes]
        found["due"] = np.where(lateness > 0, np.maximum(clock.closing(facts.latest), 0), clock.last)[nodes]
    return found


def _limits(facts: Facts, nodes: NDArray[np.intp], clock: Clock, rate: Scaling) -> dict[str, Any]:
    found: dict[str, Any] = {}
    farthest = facts.of_vehicles("max_distance")
    if np.isfinite(farthest).any():
        lengths = np.where(facts.usable, facts.distance, 0.0)
        total = float(lengths.max(axis=1).sum()) * 2 + 1.0
        up = scaling_for(total, 4, limit=1e15, target_resolution=_LENGTH_STEP, rounding="up")
        found["length"] = up.to_integers(lengths[np.ix_(nodes, nodes)])
        limit = np.minimum(farthest, 4 * total)
        found["max_distance"] = Scaling(up.factor, "down").to_integers(limit)
    longest = facts.of_vehicles("max_duration")
    if np.isfinite(longest).any():
        found["max_duration"] = clock.limit(longest)
    regular, overtime = facts.of_vehicles("regular_time"), facts.of_vehicles("cost_per_overtime")
    if (np.isfinite(regular) & (overtime > 0)).any():
        found["regular"] = clock.limit(regular)
        found["overtime"] = rate.to_integers(np.where(np.isfinite(regular), overtime, 0.0))
    return found


def _trips(facts: Facts, nodes: NDArray[np.intp], clock: Clock) -> dict[str, Any]:
    found: dict[str, Any] = {}
    one_way = np.array([not vehicle.returns for vehicle in facts.vehicles])
    if one_way.any():
        found["one_way"] = one_way
    taken = [
        _needed(rests, vehicle.shift_end) for rests, vehicle in zip(facts.rests, facts.vehicles, strict=True)
    ]
    if any(taken):
        found["rests"] = np.full((len(taken), max(map(len, taken)), 3), -1, dtype=np.int64)
        for kind, rests in enumerate(taken):
            for place, rest in enumerate(rests):
                # a break may lie before all shifts, or after them
                first, last = rest.earliest - clock.origin, rest.latest - clock.origin
                found["rests"][kind, place] = (
                    *clock.up.to_integers([rest.length, first]),
                    clock.down.to_integers(last),
                )
    if one_way.any() or any(facts.rests):
        stops = np.where(nodes < len(facts.depots), 0.0, facts.service[:, nodes])
        found["service"] = clock.up.to_integers(np.minimum(stops, clock.horizon + 1.0))
    reloads = np.array([vehicle.reloads for vehicle in facts.vehicles], dtype=np.int64)
    if reloads.any():
        found["reloads"] = np.minimum(reloads, max(0, len(facts.clients) - 1))
        found["reload_time"] = clock.up.to_integers(
            np.minimum(facts.of_vehicles("reload_time"), clock.horizon + 1.0)
        )
    return found


def _needed(rests: Sequence[Rest], shift_end: float) -> list[Rest]:
    """Return breaks without the last ones that can be taken after the shift whatever came before."""
    kept = list(rests)
    while kept:
        free = kept[-2].latest + kept[-2].length if len(kept) > 1 else shift_end
        if kept[-1].latest < max(shift_end, free):
            break
        kept.pop()
    return kept


def _partners(facts: Facts, nodes: NDArray[np.intp], fleet: tuple[tuple[int, int], ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place = {int(position): node for node, position in enumerate(nodes)}
    if facts.has_sources:
        found["source"] = np.array(
            [place.get(int(source), -1) for source in facts.source[nodes]], dtype=np.int64
        )
    apart = facts.apart[np.ix_(nodes, nodes)]
    if apart.any():
        found["apart"] = apart
    if facts.pinned:
        names = [facts.names[position] for position in nodes]
        pins = {name: (facts.type_index[vehicle], index) for name, (vehicle, index) in facts.pinned.items()}
        seats = {seat: vehicle for vehicle, seat in enumerate(fleet)}
        found["pinned"] = np.array([seats[pins[name]] if name in pins else -1 for name in names])
    return found
