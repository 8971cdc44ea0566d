"""A routing problem as OR-Tools sees it: one function for each rule."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ortools.constraint_solver import pywrapcp

from kanopt.solvers.routing.integers import (
    NodeRoutes,
    RoutingIntegers,
    refuse_too_large,
    without_idle_reloads,
)

Integers = NDArray[np.int64]
_LISTED = 40.0
"""Bytes of a whole number in a list."""


class OrToolsModel:
    """The solver's model of a routing problem.

    Its stops are the nodes of the arrays, then the reloads, each a copy of a depot that need not be visited, then a
    place to end at for vehicles that reload and do not come back.

    Parameters
    ----------
    arrays
        The problem.

    Attributes
    ----------
    manager, model
        What OR-Tools has made of it.
    """

    def __init__(self, arrays: RoutingIntegers) -> None:
        self.arrays = arrays
        self.kinds = [kind for kind, _ in arrays.fleet]
        self.used = sorted(set(self.kinds))
        # OR-Tools reads lists of Python's numbers, one matrix at a time, and keeps its own
        kept = 8.0 * len(self.used) * (2 + arrays.limits_distance)
        refuse_too_large("OR-Tools' matrices", arrays.size, _LISTED + kept)
        self._lay_out()
        homes = [arrays.depot(kind) for kind in self.kinds]
        ends = [self.ends.get(kind, arrays.last_depot(kind)) for kind in self.kinds]
        self.manager = pywrapcp.RoutingIndexManager(len(self.nodes), len(self.kinds), homes, ends)
        self.model: Any = pywrapcp.RoutingModel(self.manager)
        self.add_cost_and_time()
        self.add_capacity()
        for node in range(arrays.depots, arrays.size):
            self.add_visit(node)
        self.add_rules()

    def _lay_out(self) -> None:
        """Give the stops their numbers: nodes of the arrays, then copies and ends by vehicle type."""
        arrays = self.arrays
        self.nodes = list(range(arrays.size))
        self.copies: dict[int, list[int]] = {}
        self.ends: dict[int, int] = {}
        for kind in self.used:
            most = arrays.most_reloads(kind)
            if not most:
                continue
            count = min(most * self.kinds.count(kind), arrays.size - arrays.depots)
            self.copies[kind] = list(range(len(self.nodes), len(self.nodes) + count))
            self.nodes += [arrays.depot(kind)] * count
            if not arrays.data.vehicles[kind].returns:
                self.ends[kind] = len(self.nodes)
                self.nodes.append(arrays.depot(kind))

    @cached_property
    def clock(self) -> Any:
        """The dimension of time."""
        return self.model.GetDimensionOrDie("time")

    def index(self, stop: int) -> int:
        """Return OR-Tools' index of a stop."""
        return int(self.manager.NodeToIndex(stop))

    def node_routes(self, following: Sequence[int]) -> list[list[int]]:
        """Return nodes by vehicle, given the index that follows each index."""
        found, last = [], len(following)
        for vehicle, kind in enumerate(self.kinds):
            route, index = [], following[self.model.Start(vehicle)]
            while index < last:
                route.append(self.nodes[self.manager.IndexToNode(index)])
                index = following[index]
            found.append(without_idle_reloads(route, self.arrays.depots) if kind in self.copies else route)
        return found

    def index_routes(self, routes: NodeRoutes) -> list[list[int]]:
        """Return a plan as OR-Tools' indices; each reload takes another copy of its depot."""
        spare = {kind: iter(copies) for kind, copies in self.copies.items()}
        return [
            [self.index(next(spare[kind]) if node < self.arrays.depots else node) for node in route]
            for kind, route in zip(self.kinds, routes, strict=True)
        ]

    def _matrix(self, matrix: Integers, kind: int, at_reload: int = 0, at_end: Integers | None = None) -> Any:
        """Register a matrix over nodes as one over stops, and return its number.

        Parameters
        ----------
        matrix
            Over the nodes of the arrays.
        kind
            Vehicle type.
        at_reload
            What a reload adds.
        at_end
            What a stop adds, by node, where the vehicle ends there.
        """
        home, last = self.arrays.depot(kind), self.arrays.last_depot(kind)
        if len(self.nodes) == self.arrays.size and home == last:
            return self.model.RegisterTransitMatrix(matrix.tolist())
        wide = matrix[np.ix_(self.nodes, self.nodes)].astype(np.int64)
        if kind in self.ends:
            wide[:, self.ends[kind]] = 0 if at_end is None else at_end[self.nodes]
        if kind in self.copies:
            wide[self.copies[kind]] += at_reload
        if home != last:
            # a vehicle that serves nobody stays where it is
            wide[home, last] = 0
        return self.model.RegisterTransitMatrix(wide.tolist())

    def add_cost_and_time(self) -> None:
        """Add prices of arcs, vehicles and time, and the clock within shifts."""
        arrays, model = self.arrays, self.model
        cost = {kind: self._matrix(arrays.cost[kind], kind) for kind in self.used}
        self.transit = {}
        for kind in self.used:
            again = int(arrays.reload_time[kind])
            self.transit[kind] = self._matrix(arrays.transit[kind], kind, again, arrays.service[kind])
        model.AddDimensionWithVehicleTransits(
            [self.transit[kind] for kind in self.kinds], arrays.last, arrays.last, False, "time"
        )
        for vehicle, kind in enumerate(self.kinds):
            model.SetArcCostEvaluatorOfVehicle(cost[kind], vehicle)
            model.SetFixedCostOfVehicle(int(arrays.fixed[kind]), vehicle)
            shift = int(arrays.shift_start[kind]), int(arrays.shift_end[kind])
            self.clock.CumulVar(model.Start(vehicle)).SetRange(*shift)
            self.clock.CumulVar(model.End(vehicle)).SetRange(*shift)
            if arrays.per_time[kind]:
                self.clock.SetSpanCostCoefficientForVehicle(int(arrays.per_time[kind]), vehicle)

    def add_visit(self, node: int) -> None:
        """Add the window of a client, and the price of leaving it out."""
        arrays, index = self.arrays, self.index(node)
        self.clock.CumulVar(index).SetRange(int(arrays.earliest[node]), int(arrays.latest[node]))
        price = arrays.penalty if arrays.mandatory[node] else int(arrays.prize[node])
        self.model.AddDisjunction([index], price)

    def add_rules(self) -> None:
        """Add all other rules that the problem has."""
        arrays, data = self.arrays, self.arrays.data
        for kind, copies in self.copies.items():
            mine = [vehicle for vehicle, each in enumerate(self.kinds) if each == kind]
            for stop in copies:
                self.model.AddDisjunction([self.index(stop)], 0)
                self._allow_only(stop, mine)
        there = {
            self.add_reloads: bool(self.copies),
            self.add_releases: data.has_releases,
            self.add_multiple_windows: self.has_gaps,
            self.add_soft_windows: bool(arrays.lateness.any()),
            self.add_distance_limit: arrays.limits_distance,
            self.add_duration_limit: bool((arrays.max_duration < arrays.last).any()),
            self.add_overtime: bool(arrays.overtime[1].any()),
            self.add_breaks: self.has_breaks,
            self.add_pickups_and_deliveries: data.has_sources,
            self.add_backhaul: data.policy.backhaul and bool(arrays.pickup.any()),
            self.add_incompatibilities: bool(arrays.apart.any()),
            self.add_pins: bool(arrays.pinned),
            self.add_longest_route_cost: bool(data.policy.longest_route_cost),
            self.add_load_cost: arrays.loaded,
        }
        self.has_rules = any(there.values()) or len(arrays.demands) > 1 or bool(arrays.pickup.any())
        for add, is_there in there.items():
            if is_there:
                add()

    @property
    def has_gaps(self) -> bool:
        """Whether some client has several windows."""
        return len(self.arrays.data.opens) > 1

    @property
    def has_breaks(self) -> bool:
        """Whether some driver takes a break."""
        return any(self.arrays.breaks)

    def _allow_only(self, stop: int, vehicles: Sequence[int]) -> None:
        """Let only some vehicles visit a stop, or none; SetAllowedVehiclesForIndex cannot be called from Python."""
        self.model.VehicleVar(self.index(stop)).SetValues([-1, *vehicles])

    def add_capacity(self) -> None:
        """Add capacities in every measure."""
        arrays = self.arrays
        for measure, (demand, capacity) in enumerate(zip(arrays.demands, arrays.capacities, strict=True)):
            name = "load" if measure == 0 else f"load {measure}"
            picked = np.zeros_like(demand) if measure else arrays.pickup
            if picked.any() or arrays.data.has_sources:
                self._on_board(name, demand, picked, capacity)
            else:
                self._delivered(name, demand, capacity)

    def _delivered(self, name: str, demand: Integers, capacity: Integers) -> None:
        """Count what a trip has delivered so far, which is all it was loaded with at its end."""
        capacities = [int(capacity[kind]) for kind in self.kinds]
        if not self.copies:
            number = self.model.RegisterUnaryTransitVector(demand.tolist())
            self.model.AddDimensionWithVehicleCapacity(number, 0, capacities, True, name)
            return
        self._dimension(name, demand, -max(capacities), max(capacities), capacities, starts_empty=True)

    def _dimension(
        self,
        name: str,
        change: Integers,
        at_reload: int,
        slack: int,
        capacities: Sequence[int],
        *,
        starts_empty: bool,
    ) -> Any:
        """Add a dimension that changes at stops; only reloads, and starts where they may, have slack."""
        values = change[self.nodes]
        for copies in self.copies.values():
            values[copies] = at_reload
        number = self.model.RegisterUnaryTransitVector(values.tolist())
        self.model.AddDimensionWithVehicleCapacity(
            number, slack if self.copies else 0, list(capacities), starts_empty, name
        )
        dimension = self.model.GetDimensionOrDie(name)
        if self.copies:
            for node in range(self.arrays.depots, self.arrays.size):
                dimension.SlackVar(self.index(node)).SetValue(0)
            for vehicle in range(len(self.kinds)):
                dimension.SlackVar(self.model.Start(vehicle)).SetValue(0)
        return dimension

    def _on_board(self, name: str, demand: Integers, picked: Integers, capacity: Integers) -> None:
        """Count what is on board, and apart from it what of it is still to be delivered from the depot.

        Both are the same when a trip begins, and nothing is to be delivered when it ends.
        """
        solver = self.model.solver()
        capacities = [int(capacity[kind]) for kind in self.kinds]
        loaded, given = demand.copy(), np.zeros_like(demand)
        for source, nodes in self.arrays.dependents.items():
            loaded[nodes] = 0
            given[source] = demand[nodes].sum()
        most = max(capacities)
        to_deliver = self._dimension(f"{name} to deliver", -loaded, 0, most, capacities, starts_empty=False)
        on_board = self._dimension(
            f"{name} on board", picked + given - demand, -most, 2 * most, capacities, starts_empty=False
        )
        for vehicle in range(len(self.kinds)):
            start, end = self.model.Start(vehicle), self.model.End(vehicle)
            to_deliver.CumulVar(end).SetValue(0)
            solver.Add(on_board.CumulVar(start) == to_deliver.CumulVar(start))
        for stop in (stop for copies in self.copies.values() for stop in copies):
            index = self.index(stop)
            to_deliver.CumulVar(index).SetMax(0)
            # what was picked up is unloaded, and what is to be delivered next is loaded
            solver.Add(
                on_board.CumulVar(index) - most + on_board.SlackVar(index) == to_deliver.SlackVar(index)
            )

    def add_load_cost(self) -> None:
        """Price what is on board on each leg."""
        model, (price, (taken, given)) = self.model, self.arrays.load_costs
        self._on_board("force", taken, given, np.full(len(price), int(taken.sum() + given.sum())))
        numbers = {kind: self._matrix(price[kind], kind) for kind in self.used}
        most = int(price.max(axis=(0, 2)).sum()) + (len(self.nodes) + 2) * int(price.max())
        model.AddDimensionWithVehicleTransits([numbers[kind] for kind in self.kinds], 0, most, True, "energy")
        for vehicle in range(len(self.kinds)):
            model.SetPathEnergyCostOfVehicle("force on board", "energy", 1, vehicle)

    def add_reloads(self) -> None:
        """Limit how often each vehicle reloads."""
        none = np.zeros(len(self.nodes), dtype=np.int64)
        for copies in self.copies.values():
            none[copies] = 1
        number = self.model.RegisterUnaryTransitVector(none.tolist())
        most = [self.arrays.most_reloads(kind) for kind in self.kinds]
        self.model.AddDimensionWithVehicleCapacity(number, 0, most, True, "reloads")

    def add_releases(self) -> None:
        """Let trips leave no earlier than when their goods are ready, and sources be served no earlier either.

        Along a trip a time is carried that is not before the release of any of its clients, and trips do not begin
        before it. It may rise at a reload: a trip begins after the trip before it.
        """
        arrays, model, solver = self.arrays, self.model, self.model.solver()
        ready = self._dimension(
            "ready", np.zeros(arrays.size, dtype=np.int64), 0, arrays.last,
            [arrays.last] * len(self.kinds), starts_empty=False,
        )  # fmt: skip
        for node in range(arrays.depots, arrays.size):
            ready.CumulVar(self.index(node)).SetMin(int(arrays.ready_at_depot[node]))
        for vehicle in range(len(self.kinds)):
            start = model.Start(vehicle)
            solver.Add(self.clock.CumulVar(start) >= ready.CumulVar(start))
            model.AddVariableMinimizedByFinalizer(ready.CumulVar(start))
        for kind, copies in self.copies.items():
            for index in map(self.index, copies):
                left = self.clock.CumulVar(index) + int(arrays.reload_time[kind])
                solver.Add(left >= ready.CumulVar(index) + ready.SlackVar(index))
        for source, nodes in arrays.dependents.items():
            # they are served together
            goods = int(arrays.release[nodes].max())
            moment = self.clock.CumulVar(self.index(source))
            moment.SetMin(max(goods, int(arrays.earliest[source])))

    def add_multiple_windows(self) -> None:
        """Close the time between windows."""
        opens, closes = self.arrays.windows
        for node in range(self.arrays.depots, self.arrays.size):
            cumul = self.clock.CumulVar(self.index(node))
            for shut, opened in zip(closes[:-1, node].tolist(), opens[1:, node].tolist(), strict=True):
                if opened > shut + 1:
                    cumul.RemoveInterval(shut + 1, opened - 1)

    def add_soft_windows(self) -> None:
        """Price lateness."""
        arrays = self.arrays
        late = (arrays.lateness > 0) & (arrays.due < arrays.latest)
        for node in np.flatnonzero(late).tolist():
            price = int(arrays.lateness[node])
            self.clock.SetCumulVarSoftUpperBound(self.index(node), int(arrays.due[node]), price)

    def add_distance_limit(self) -> None:
        """Limit how far each vehicle drives."""
        arrays, numbers = self.arrays, {}
        lengths, limits = arrays.lengths
        for kind in self.used:
            length = lengths
            if not arrays.data.vehicles[kind].returns and kind not in self.ends:
                length = length.copy()
                length[:, arrays.depot(kind)] = 0
            numbers[kind] = self._matrix(length, kind)
        self.model.AddDimensionWithVehicleTransitAndCapacity(
            [numbers[kind] for kind in self.kinds],
            0,
            [int(limits[kind]) for kind in self.kinds],
            True,
            "length",
        )

    def add_duration_limit(self) -> None:
        """Limit how long routes take."""
        for vehicle, kind in enumerate(self.kinds):
            if self.arrays.max_duration[kind] < self.arrays.last:
                self.clock.SetSpanUpperBoundForVehicle(int(self.arrays.max_duration[kind]), vehicle)

    def add_overtime(self) -> None:
        """Price overtime."""
        regular, price = self.arrays.overtime
        for vehicle, kind in enumerate(self.kinds):
            if price[kind]:
                more = pywrapcp.BoundCost(int(regular[kind]), int(price[kind]))
                self.clock.SetSoftSpanUpperBoundForVehicle(more, vehicle)

    def add_breaks(self) -> None:
        """Add the breaks of drivers, in order and not during a service."""
        arrays, solver = self.arrays, self.model.solver()
        starts = {self.model.Start(vehicle) for vehicle in range(len(self.kinds))}
        for vehicle, kind in enumerate(self.kinds):
            intervals = [
                solver.FixedDurationIntervalVar(
                    first, max(first, last), length, False, f"rest {vehicle} {place}"
                )
                for place, (length, first, last) in enumerate(arrays.breaks[kind])
            ]
            if not intervals:
                continue
            stay = [0] * self.model.Size()
            for index in range(self.model.Size()):
                if index not in starts:
                    stop = self.manager.IndexToNode(index)
                    at_reload, node = stop >= arrays.size, self.nodes[stop]
                    stay[index] = int(arrays.reload_time[kind] if at_reload else arrays.service[kind, node])
            self.clock.SetBreakIntervalsOfVehicle(intervals, vehicle, stay)
            for before, after in pairwise(intervals):
                solver.Add(after.StartsAfterEnd(before))

    def add_pickups_and_deliveries(self) -> None:
        """Visit sources and their clients with one vehicle, on one trip, in their order, or neither."""
        arrays, model, solver = self.arrays, self.model, self.model.solver()
        dependents = arrays.dependents
        model.AddConstantDimension(1, len(self.nodes) + 1, True, "order")
        order = model.GetDimensionOrDie("order")
        change = np.zeros(arrays.size, dtype=np.int64)
        for source, nodes in dependents.items():
            change[source] += len(nodes)
            change[nodes] -= 1
            first = self.index(source)
            for node in nodes:
                second = self.index(node)
                model.AddPickupAndDelivery(first, second)
                solver.Add(model.VehicleVar(first) == model.VehicleVar(second))
                solver.Add(model.ActiveVar(first) == model.ActiveVar(second))
                solver.Add(order.CumulVar(first) <= order.CumulVar(second))
        capacities = [int(np.abs(change).sum())] * len(self.kinds)
        waiting = self._dimension("waiting", change, 0, 0, capacities, starts_empty=True)
        for copies in self.copies.values():
            for stop in copies:
                waiting.CumulVar(self.index(stop)).SetMax(0)
        for vehicle in range(len(self.kinds)):
            waiting.CumulVar(model.End(vehicle)).SetValue(0)

    def add_backhaul(self) -> None:
        """Count pickups on a trip, and deliver only before the first."""
        arrays = self.arrays
        picked = (arrays.pickup > 0).astype(np.int64)
        most = int(picked.sum())
        count = self._dimension("pickups", picked, -most, most, [most] * len(self.kinds), starts_empty=True)
        for node in np.flatnonzero(arrays.demands[0] > 0).tolist():
            count.CumulVar(self.index(node)).SetMax(0)

    def add_incompatibilities(self) -> None:
        """Keep incompatible nodes on different routes; those with the same incompatibilities share a visit type."""
        apart = self.arrays.apart
        kinds, members = np.unique(apart, axis=0, return_inverse=True)
        types = members.ravel()
        for node in range(self.arrays.depots, self.arrays.size):
            policy = pywrapcp.RoutingModel.TYPE_ADDED_TO_VEHICLE
            self.model.SetVisitType(self.index(node), int(types[node]), policy)
        for node, other in np.argwhere(np.triu(apart)):
            self.model.AddHardTypeIncompatibility(int(types[node]), int(types[other]))
        assert len(kinds) > 1  # some nodes are incompatible, and none with itself

    def add_pins(self) -> None:
        """Let one vehicle alone serve the clients pinned to it."""
        for node, vehicle in self.arrays.pinned.items():
            self._allow_only(node, [vehicle])

    @property
    def may_wait(self) -> bool:
        """Whether a vehicle may have to wait."""
        opens_later = bool((self.arrays.earliest > self.arrays.shift_start.min()).any())
        return opens_later or self.has_gaps or self.has_breaks

    @property
    def schedules_without_lp(self) -> bool:
        """Whether times are better found without the linear programs of OR-Tools.

        The linear programs model neither the price of the longest route nor gaps between windows: the times they
        propose are refused, and the search for others may take seconds for one route.
        """
        return bool(self.arrays.data.policy.longest_route_cost and self.may_wait) or self.has_gaps

    def add_longest_route_cost(self) -> None:
        """Price the route that takes longest: time from departure to return, as a clock that starts at 0."""
        model, solver, arrays = self.model, self.model.solver(), self.arrays
        waits = self.may_wait
        slack = arrays.last if waits else 0
        numbers = [self.transit[kind] for kind in self.kinds]
        model.AddDimensionWithVehicleTransits(numbers, slack, arrays.last, True, "spent")
        spent = model.GetDimensionOrDie("spent")
        price = arrays.rate.to_integers(arrays.data.policy.longest_route_cost)
        spent.SetGlobalSpanCostCoefficient(int(price))
        for vehicle in range(len(self.kinds) if waits else 0):
            start, end = model.Start(vehicle), model.End(vehicle)
            took = self.clock.CumulVar(end) - self.clock.CumulVar(start)
            solver.Add(spent.CumulVar(end) >= took)
            model.AddVariableMinimizedByFinalizer(self.clock.CumulVar(end))
            model.AddVariableMaximizedByFinalizer(self.clock.CumulVar(start))
            model.AddVariableMinimizedByFinalizer(spent.CumulVar(end))
