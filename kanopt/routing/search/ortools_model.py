"""A routing problem as OR-Tools sees it: one function for each rule that its dimensions say by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from ortools.constraint_solver import pywrapcp

from kanopt.array_types import Integers
from kanopt.routing.search.integers import NodeRoutes, RoutingIntegers, refuse_too_large

_LISTED = 40.0
"""Bytes of a whole number in a list."""


class OrToolsModel:
    """The solver's model of a routing problem, whose stops are the nodes of the arrays.

    Parameters
    ----------
    arrays
        The problem.

    Attributes
    ----------
    manager, model
        What OR-Tools has made of it.
    clock
        The dimension of time.
    has_breaks, has_gaps
        Whether some driver takes a break, and whether some client has several windows.
    has_rules
        Whether there is more than windows and one capacity.
    """

    def __init__(self, arrays: RoutingIntegers) -> None:
        self.arrays = arrays
        self.kinds = [kind for kind, _ in arrays.fleet]
        self.used = sorted(set(self.kinds))
        # OR-Tools reads lists of Python's numbers, one matrix at a time, and keeps its own
        kept = 8.0 * len(self.used) * (2 + arrays.limits_distance)
        refuse_too_large("OR-Tools' matrices", arrays.size, _LISTED + kept)
        homes, ends = ([place(kind) for kind in self.kinds] for place in (arrays.depot, arrays.last_depot))
        self.manager = pywrapcp.RoutingIndexManager(arrays.size, len(self.kinds), homes, ends)
        self.model: Any = pywrapcp.RoutingModel(self.manager)
        self.clock = self._cost_and_time()
        self._capacity()
        for node in range(arrays.depots, arrays.size):
            self._visit(node)
        self._rules()

    def index(self, node: int) -> int:
        """Return OR-Tools' index of a node."""
        return int(self.manager.NodeToIndex(node))

    def node_routes(self, following: Sequence[int]) -> list[list[int]]:
        """Return nodes by vehicle, given the index that follows each index."""
        found, last = [], len(following)
        for vehicle in range(len(self.kinds)):
            route, index = [], following[self.model.Start(vehicle)]
            while index < last:
                route.append(self.manager.IndexToNode(index))
                index = following[index]
            found.append(route)
        return found

    def index_routes(self, routes: NodeRoutes) -> list[list[int]]:
        """Return a plan as OR-Tools' indices."""
        return [[self.index(node) for node in route] for route in routes]

    def _matrices(self, matrices: Integers) -> list[int]:
        """Register a matrix over nodes for each vehicle type, and return the number of each vehicle's."""
        numbers = {}
        for kind in self.used:
            home, last, matrix = self.arrays.depot(kind), self.arrays.last_depot(kind), matrices[kind]
            if home != last:
                # a vehicle that serves nobody stays where it is
                matrix = matrix.copy()
                matrix[home, last] = 0
            numbers[kind] = self.model.RegisterTransitMatrix(matrix.tolist())
        return [numbers[kind] for kind in self.kinds]

    def _cost_and_time(self) -> Any:
        """Add prices of arcs, vehicles and time, and the clock within shifts, which is returned."""
        arrays, model = self.arrays, self.model
        model.AddDimensionWithVehicleTransits(
            self._matrices(arrays.transit), arrays.last, arrays.last, False, "time"
        )
        clock = model.GetDimensionOrDie("time")
        for vehicle, (kind, cost) in enumerate(zip(self.kinds, self._matrices(arrays.cost), strict=True)):
            model.SetArcCostEvaluatorOfVehicle(cost, vehicle)
            model.SetFixedCostOfVehicle(int(arrays.fixed[kind]), vehicle)
            shift = int(arrays.shift_start[kind]), int(arrays.shift_end[kind])
            clock.CumulVar(model.Start(vehicle)).SetRange(*shift)
            clock.CumulVar(model.End(vehicle)).SetRange(*shift)
            if arrays.per_time[kind]:
                clock.SetSpanCostCoefficientForVehicle(int(arrays.per_time[kind]), vehicle)
        return clock

    def _visit(self, node: int) -> None:
        """Add the window of a client, and the price of leaving it out."""
        arrays, index = self.arrays, self.index(node)
        self.clock.CumulVar(index).SetRange(int(arrays.earliest[node]), int(arrays.latest[node]))
        price = arrays.penalty if arrays.mandatory[node] else int(arrays.prize[node])
        self.model.AddDisjunction([index], price)

    def _rules(self) -> None:
        """Add all other rules that the problem has."""
        arrays, data = self.arrays, self.arrays.data
        self.has_gaps, self.has_breaks = len(data.opens) > 1, any(arrays.breaks)
        there = {
            self._multiple_windows: self.has_gaps,
            self._soft_windows: bool(arrays.lateness.any()),
            self._distance_limit: arrays.limits_distance,
            self._duration_limit: bool((arrays.max_duration < arrays.last).any()),
            self._overtime: bool(arrays.overtime[1].any()),
            self._breaks: self.has_breaks,
            self._pickups_and_deliveries: data.has_sources,
            self._incompatibilities: bool(arrays.apart.any()),
            self._pins: bool(arrays.pinned),
            self._load_cost: arrays.loaded,
        }
        self.has_rules = any(there.values()) or len(arrays.demands) > 1 or bool(arrays.pickup.any())
        for add, is_there in there.items():
            if is_there:
                add()

    def _capacity(self) -> None:
        """Add capacities in every measure."""
        arrays = self.arrays
        for measure, (demand, capacity) in enumerate(zip(arrays.demands, arrays.capacities, strict=True)):
            name = "load" if measure == 0 else f"load {measure}"
            picked = np.zeros_like(demand) if measure else arrays.pickup
            if picked.any() or arrays.data.has_sources:
                self._on_board(name, demand, picked, capacity)
            else:
                self._dimension(name, demand, capacity, starts_empty=True)

    def _dimension(self, name: str, change: Integers, capacity: Integers, *, starts_empty: bool) -> Any:
        """Add a dimension that changes at stops, within a capacity by vehicle type."""
        number = self.model.RegisterUnaryTransitVector(change.tolist())
        capacities = [int(capacity[kind]) for kind in self.kinds]
        self.model.AddDimensionWithVehicleCapacity(number, 0, capacities, starts_empty, name)
        return self.model.GetDimensionOrDie(name)

    def _on_board(self, name: str, demand: Integers, picked: Integers, capacity: Integers) -> None:
        """Count what is on board, and apart from it what of it is still to be delivered from the depot.

        Both are the same when a route begins, and nothing is to be delivered when it ends.
        """
        loaded, given = demand.copy(), np.zeros_like(demand)
        for source, nodes in self.arrays.dependents.items():
            loaded[nodes] = 0
            given[source] = demand[nodes].sum()
        to_deliver = self._dimension(f"{name} to deliver", -loaded, capacity, starts_empty=False)
        change = picked + given - demand
        on_board = self._dimension(f"{name} on board", change, capacity, starts_empty=False)
        for vehicle in range(len(self.kinds)):
            start, end = self.model.Start(vehicle), self.model.End(vehicle)
            to_deliver.CumulVar(end).SetValue(0)
            self.model.solver().Add(on_board.CumulVar(start) == to_deliver.CumulVar(start))

    def _load_cost(self) -> None:
        """Price what is on board on each leg."""
        model, (price, (taken, given)) = self.model, self.arrays.load_costs
        self._on_board("force", taken, given, np.full(len(price), int(taken.sum() + given.sum())))
        most = int(price.max(axis=(0, 2)).sum()) + (self.arrays.size + 2) * int(price.max())
        model.AddDimensionWithVehicleTransits(self._matrices(price), 0, most, True, "energy")
        for vehicle in range(len(self.kinds)):
            model.SetPathEnergyCostOfVehicle("force on board", "energy", 1, vehicle)

    def _multiple_windows(self) -> None:
        """Close the time between windows."""
        opens, closes = self.arrays.windows
        for node in range(self.arrays.depots, self.arrays.size):
            cumul = self.clock.CumulVar(self.index(node))
            for shut, opened in zip(closes[:-1, node].tolist(), opens[1:, node].tolist(), strict=True):
                if opened > shut + 1:
                    cumul.RemoveInterval(shut + 1, opened - 1)

    def _soft_windows(self) -> None:
        """Price lateness."""
        arrays = self.arrays
        for node in np.flatnonzero((arrays.lateness > 0) & (arrays.due < arrays.latest)).tolist():
            price = int(arrays.lateness[node])
            self.clock.SetCumulVarSoftUpperBound(self.index(node), int(arrays.due[node]), price)

    def _distance_limit(self) -> None:
        """Limit how far each vehicle drives."""
        arrays = self.arrays
        lengths, limits = arrays.lengths
        every = np.repeat(lengths[None], len(limits), axis=0)
        for kind in self.used:
            if not arrays.data.vehicles[kind].returns:
                every[kind, :, arrays.depot(kind)] = 0
        most = [int(limits[kind]) for kind in self.kinds]
        self.model.AddDimensionWithVehicleTransitAndCapacity(self._matrices(every), 0, most, True, "length")

    def _duration_limit(self) -> None:
        """Limit how long routes take."""
        for vehicle, kind in enumerate(self.kinds):
            if self.arrays.max_duration[kind] < self.arrays.last:
                self.clock.SetSpanUpperBoundForVehicle(int(self.arrays.max_duration[kind]), vehicle)

    def _overtime(self) -> None:
        """Price overtime."""
        regular, price = self.arrays.overtime
        for vehicle, kind in enumerate(self.kinds):
            if price[kind]:
                more = pywrapcp.BoundCost(int(regular[kind]), int(price[kind]))
                self.clock.SetSoftSpanUpperBoundForVehicle(more, vehicle)

    def _breaks(self) -> None:
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
            if intervals:
                stay = [
                    0 if index in starts else int(arrays.service[kind, self.manager.IndexToNode(index)])
                    for index in range(self.model.Size())
                ]
                self.clock.SetBreakIntervalsOfVehicle(intervals, vehicle, stay)
                for before, after in pairwise(intervals):
                    solver.Add(after.StartsAfterEnd(before))

    def _pickups_and_deliveries(self) -> None:
        """Visit sources and their clients with one vehicle, in their order, or neither."""
        model, solver = self.model, self.model.solver()
        model.AddConstantDimension(1, self.arrays.size + 1, True, "order")
        order = model.GetDimensionOrDie("order")
        for source, nodes in self.arrays.dependents.items():
            first = self.index(source)
            for second in map(self.index, nodes):
                model.AddPickupAndDelivery(first, second)
                solver.Add(model.VehicleVar(first) == model.VehicleVar(second))
                solver.Add(model.ActiveVar(first) == model.ActiveVar(second))
                solver.Add(order.CumulVar(first) <= order.CumulVar(second))

    def _incompatibilities(self) -> None:
        """Keep incompatible nodes on different routes; those with the same incompatibilities share a visit type."""
        apart = self.arrays.apart
        types = np.unique(apart, axis=0, return_inverse=True)[1].ravel()
        policy = pywrapcp.RoutingModel.TYPE_ADDED_TO_VEHICLE
        for node in range(self.arrays.depots, self.arrays.size):
            self.model.SetVisitType(self.index(node), int(types[node]), policy)
        for node, other in np.argwhere(np.triu(apart)):
            self.model.AddHardTypeIncompatibility(int(types[node]), int(types[other]))

    def _pins(self) -> None:
        """Let one vehicle alone serve the clients pinned to it; SetAllowedVehiclesForIndex is not there in Python."""
        for node, vehicle in self.arrays.pinned.items():
            self.model.VehicleVar(self.index(node)).SetValues([-1, vehicle])
