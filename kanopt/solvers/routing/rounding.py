"""The rules of a routing problem, rounded to whole numbers on the safe side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import of_types, tail_blocks
from kanopt.problems.routing import RoutingProblem
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.windows import DriverBreak
from kanopt.solvers.routing.arc_memory import refuse_too_large
from kanopt.solvers.routing.integer_rules import RoutingRules
from kanopt.units import Scaling, scaling_for

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_LOAD_STEP = 1e-6
_LOAD_DIGITS = 9
_LENGTH_STEP = 1e-6
_FORCES = 1e5  # units in which all that is carried is counted where it is priced


@dataclass(frozen=True)
class TimeScaling:
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


def round_loads(carried: Floats, picked: Floats, limit: Floats) -> tuple[Integers, Integers, Integers]:
    """Round demands and pickups up and capacities down; capacities are cut to the sum of all loads."""
    total = float(carried.sum() + picked.sum()) or 1.0
    step = min(_LOAD_STEP, float(10.0 ** (np.floor(np.log10(total)) - _LOAD_DIGITS)))
    up = scaling_for(total, 4, limit=1e15, target_resolution=step, rounding="up")
    demand, pickup = up.to_integers(carried), up.to_integers(picked)
    most = int(demand.sum() + pickup.sum())
    capacity = np.minimum(limit, 2.0 * total)
    return demand, pickup, np.minimum(Scaling(up.factor, "down").to_integers(capacity), most)


def round_arcs(
    problem: RoutingProblem,
    nodes: NDArray[np.intp],
    stay: Floats,
    clock: TimeScaling,
    money: Scaling,
    prices: Floats | None,
) -> tuple[Integers, Integers]:
    """Round times and prices of the arcs between some nodes; one that cannot be driven takes longer than the horizon.

    Both are rounded some rows at a time, so that no matrix of other numbers is needed beside them, and what all vehicle
    types share is in memory once.

    Parameters
    ----------
    problem
        The problem.
    nodes
        Between which nodes.
    stay
        Service time at each node of the problem; (types, n).
    clock, money
        How times and prices are rounded.
    prices
        Of all arcs of the problem, where not those at planning values; (types, n, n).
    """
    types, planning = len(problem.data.vehicles), problem.planning_values
    times, paid_by = (len(each) for each in planning.arcs_from(nodes[:1]))
    refuse_too_large("travel times and prices in whole numbers", len(nodes), 8.0 * (times + paid_by))
    rounding = _ArcRounding(problem, stay, clock, money)
    found: list[tuple[Integers, Integers]] = []
    for tails in tail_blocks(nodes, len(problem.data.names)):
        travel, costs = planning.arcs_from(tails)
        if prices is not None:
            costs = prices[:, tails]
        spent, paid = rounding.rounded(tails, travel, costs)
        found.append((spent[:, :, nodes], paid[:, :, nodes]))
    if not found:
        return np.zeros((types, 0, 0), dtype=np.int64), np.zeros((types, 0, 0), dtype=np.int64)
    transit, cost = (np.concatenate(rows, axis=1) for rows in zip(*found, strict=True))
    return of_types(transit, types), of_types(cost, types)


class _ArcRounding:
    """How times and prices of arcs become whole numbers, some rows at a time."""

    def __init__(self, problem: RoutingProblem, stay: Floats, clock: TimeScaling, money: Scaling) -> None:
        data = problem.data
        self.data, self.clock, self.money = data, clock, money
        self.has_breaks = any(data.breaks)
        self.splits = problem.policy.backhaul and splits_at_pickups(data)
        self.ends = [
            (kind, data.index[data.depot_of[vehicle.name]])
            for kind, vehicle in enumerate(data.vehicles)
            if not vehicle.returns and not vehicle.max_reloads
        ]
        self.allowed, self.stay = data.allowed, stay
        if not self.ends and (data.allowed == data.allowed[0]).all() and (stay == stay[0]).all():
            self.allowed, self.stay = data.allowed[:1], stay[:1]

    def rounded(self, tails: NDArray[np.intp], travel: Floats, costs: Floats) -> tuple[Integers, Integers]:
        """Return times and prices of all arcs from some nodes; (types or 1, tails, n)."""
        clock, stay = self.clock, self.stay[:, tails, None]
        total = np.where(self.allowed[:, None, :], travel, np.inf) + stay
        roads = np.isfinite(total) & (total <= clock.horizon)
        paid = np.isfinite(costs)
        if self.has_breaks:
            # a break may come between the two, so that each is rounded on its own
            driven = clock.up.to_integers(np.where(roads, travel, 0.0))
            spent = driven + clock.up.to_integers(np.minimum(stay, clock.horizon + 1.0))
        else:
            spent = clock.up.to_integers(np.where(roads, total, 0.0))
        if self.splits:
            roads = roads & ~backhaul_arcs(self.data)[tails]
        transit = np.where(roads & paid, spent, clock.last + 1)
        # an idle vehicle goes from its depot to its depot
        transit[:, np.arange(len(tails)), tails] = 0
        prices = self.money.to_integers(np.where(paid & roads, costs, 0.0))
        for kind, home in self.ends:
            # the vehicle does not return, so that the arc back need not exist
            prices[kind, :, home] = 0
            transit[kind, :, home] = clock.up.to_integers(
                np.minimum(self.stay[kind, tails], clock.horizon + 1.0)
            )
        return transit, prices


def fits_capacity(data: RoutingData) -> NDArray[np.bool_]:
    """Say which nodes some vehicle could carry in every measure."""
    within = data.demands[1:, None, :] <= data.capacities[1:, :, None]
    return np.asarray(within.all(axis=0).any(axis=0))


def without_broken_groups(data: RoutingData, possible: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Leave out clients that are served only with others that cannot be served."""
    sourced = np.flatnonzero(data.source >= 0)
    for _ in range(2 if sourced.size else 0):
        sources = data.source[sourced]
        together = possible[sourced] & possible[sources]
        possible = possible.copy()
        possible[sources[~together]] = False
        possible[sourced[~together]] = False
    return possible


def splits_at_pickups(data: RoutingData) -> bool:
    """Say whether deliveries before pickups is a matter of single arcs: every client has one of the two."""
    clients = slice(len(data.depots), None)
    return bool(((data.demand > 0) | (data.pickup > 0))[clients].all())


def backhaul_arcs(data: RoutingData) -> NDArray[np.bool_]:
    """Return the arcs from a client with a pickup to one with a demand; (n, n)."""
    return np.asarray((data.pickup > 0)[:, None] & (data.demand > 0)[None, :])


def round_rules(
    problem: RoutingProblem,
    nodes: NDArray[np.intp],
    clock: TimeScaling,
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
    data = problem.data
    rate = Scaling(money.factor / clock.up.factor)
    found: dict[str, Any] = {
        **_measures(data, nodes),
        **_windows(data, nodes, clock, rate),
        **_limits(data, nodes, clock, rate),
        **_trips(data, nodes, clock, problem.planning_values.service),
        **_partners(data, nodes, fleet),
    }
    if problem.policy.backhaul and (data.pickup > 0).any():
        found["backhaul"] = True
    if problem.policy.longest_route_cost:
        found["longest"] = int(rate.to_integers(problem.policy.longest_route_cost))
    return RoutingRules(**found)


def with_load_costs(
    problem: RoutingProblem, rules: RoutingRules, nodes: NDArray[np.intp], money: Scaling
) -> RoutingRules:
    """Add to rules what a unit of load adds to the price of each arc, and what nodes take and give in such units.

    A law that falls with the load counts as one that does not read it: OR-Tools prices energy from 0 up.
    """
    data = problem.data
    total = float(data.demand.sum() + data.pickup.sum()) or 1.0
    units = Scaling(_FORCES / total)
    slopes = np.maximum(problem.planning_values.linear_load_costs[1], 0.0)
    for kind, vehicle in enumerate(data.vehicles):
        if not vehicle.returns and not vehicle.max_reloads:
            slopes[kind, :, data.index[data.depot_of[vehicle.name]]] = 0.0
    energy = Scaling(money.factor / units.factor).to_integers(slopes)
    force = units.to_integers(np.stack([data.demand[nodes], data.pickup[nodes]]))
    return replace(
        rules, load_cost=energy[np.ix_(np.arange(len(data.vehicles)), nodes, nodes)], load_units=force
    )


def _measures(data: RoutingData, nodes: NDArray[np.intp]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(data.demands) > 1:
        none = np.zeros(len(nodes))
        pairs = [
            round_loads(carried[nodes], none, capacity)
            for carried, capacity in zip(data.demands[1:], data.capacities[1:], strict=True)
        ]
        found["demands"] = np.stack([demand for demand, _, _ in pairs])
        found["capacities"] = np.stack([capacity for _, _, capacity in pairs])
    if data.pickup.any():
        found["pickup"] = round_loads(data.demand, data.pickup, data.of_vehicles("capacity"))[1][nodes]
    return found


def _windows(data: RoutingData, nodes: NDArray[np.intp], clock: TimeScaling, rate: Scaling) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if len(data.opens) > 1:
        opens, closes = clock.opening(data.opens), clock.closing(data.closes)
        # a window that rounding has closed gives way to one beside it
        for row in (*range(1, len(opens)), *range(len(opens) - 2, -1, -1)):
            beside = row - 1 if row else 1
            empty = (opens[row] > closes[row]) & (opens[beside] <= closes[beside])
            opens[row] = np.where(empty, opens[beside], opens[row])
            closes[row] = np.where(empty, closes[beside], closes[row])
        found["opens"], found["closes"] = opens[:, nodes], closes[:, nodes]
    if data.has_releases:
        found["release"] = clock.opening(data.release)[nodes]
    lateness = rate.to_integers(data.lateness_rate)
    if lateness.any():
        found["lateness"] = lateness[nodes]
        found["due"] = np.where(lateness > 0, np.maximum(clock.closing(data.latest), 0), clock.last)[nodes]
    return found


def _limits(data: RoutingData, nodes: NDArray[np.intp], clock: TimeScaling, rate: Scaling) -> dict[str, Any]:
    found: dict[str, Any] = {}
    farthest = data.of_vehicles("max_distance")
    if np.isfinite(farthest).any():
        every = np.arange(len(data.names))
        lengths = np.where(data.usable(every[:, None], every[None, :]), data.distance, 0.0)
        total = float(lengths.max(axis=1).sum()) * 2 + 1.0
        up = scaling_for(total, 4, limit=1e15, target_resolution=_LENGTH_STEP, rounding="up")
        found["length"] = up.to_integers(lengths[np.ix_(nodes, nodes)])
        limit = np.minimum(farthest, 4 * total)
        found["max_distance"] = Scaling(up.factor, "down").to_integers(limit)
    longest = data.of_vehicles("max_duration")
    if np.isfinite(longest).any():
        found["max_duration"] = clock.limit(longest)
    regular, overtime = data.of_vehicles("shift_duration"), data.of_vehicles("unit_overtime_cost")
    if (np.isfinite(regular) & (overtime > 0)).any():
        found["regular"] = clock.limit(regular)
        found["overtime"] = rate.to_integers(np.where(np.isfinite(regular), overtime, 0.0))
    return found


def _trips(data: RoutingData, nodes: NDArray[np.intp], clock: TimeScaling, service: Floats) -> dict[str, Any]:
    found: dict[str, Any] = {}
    one_way = np.array([not vehicle.returns for vehicle in data.vehicles])
    if one_way.any():
        found["one_way"] = one_way
    taken = [
        _required_breaks(breaks, vehicle.shift_end)
        for breaks, vehicle in zip(data.breaks, data.vehicles, strict=True)
    ]
    if any(taken):
        found["break_table"] = np.full((len(taken), max(map(len, taken)), 3), -1, dtype=np.int64)
        for kind, breaks in enumerate(taken):
            for place, pause in enumerate(breaks):
                # a break may lie before all shifts, or after them
                first, last = pause.earliest - clock.origin, pause.latest - clock.origin
                found["break_table"][kind, place] = (
                    *clock.up.to_integers([pause.length, first]),
                    clock.down.to_integers(last),
                )
    if one_way.any() or any(data.breaks):
        stops = np.where(nodes < len(data.depots), 0.0, service[:, nodes])
        found["service"] = clock.up.to_integers(np.minimum(stops, clock.horizon + 1.0))
    reloads = np.array([vehicle.max_reloads for vehicle in data.vehicles], dtype=np.int64)
    if reloads.any():
        found["reloads"] = np.minimum(reloads, max(0, len(data.clients) - 1))
        found["reload_time"] = clock.up.to_integers(
            np.minimum(data.of_vehicles("reload_time"), clock.horizon + 1.0)
        )
    return found


def _required_breaks(breaks: Sequence[DriverBreak], shift_end: float) -> list[DriverBreak]:
    """Return breaks without the last ones that can be taken after the shift whatever came before."""
    kept = list(breaks)
    while kept:
        free = kept[-2].latest + kept[-2].length if len(kept) > 1 else shift_end
        if kept[-1].latest < max(shift_end, free):
            break
        kept.pop()
    return kept


def _partners(
    data: RoutingData, nodes: NDArray[np.intp], fleet: tuple[tuple[int, int], ...]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place = {int(position): node for node, position in enumerate(nodes)}
    if data.has_sources:
        found["source"] = np.array(
            [place.get(int(source), -1) for source in data.source[nodes]], dtype=np.int64
        )
    if data.policy.apart and (apart := data.apart[np.ix_(nodes, nodes)]).any():
        found["apart"] = apart
    if data.pinned:
        names = [data.names[position] for position in nodes]
        pins = {name: (data.type_index[vehicle], index) for name, (vehicle, index) in data.pinned.items()}
        vehicles = {label: vehicle for vehicle, label in enumerate(fleet)}
        found["pinned"] = np.array([vehicles[pins[name]] if name in pins else -1 for name in names])
    return found
