"""Whether the vehicles can serve a few clients: a plan that does, or the proof that there is none, by CP-SAT."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from ortools.sat.python import cp_model

from kanopt.array_types import Floats
from kanopt.engines.cpsat import CpSatTermination, SearchLimits, run_cpsat
from kanopt.interrupt import Interrupt
from kanopt.routing import Route, RoutingPlan, VehicleType
from kanopt.routing.leg_laws import DURATION
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.simulate import slack

_TICKS = 1000
"""Steps into which a unit of time is divided; of loads and lengths the largest limit has as many, squared."""
_MORE = 2.0
"""Multiple of the tolerance of the check, so that no plan that the check accepts is denied."""


class Undecided(Exception):  # noqa: N818  # nothing is wrong
    """There was no time to decide, or what was found breaks rules that the model leaves out."""


def serve_all(
    problem: RoutingProblem, whole: RoutingProblem, deadline: float
) -> tuple[RoutingPlan | None, bool]:
    """Return a plan that serves every client and breaks no rule on the law, or None, and whether that is proved.

    The model is a relaxation, rounded in favour of plans: it leaves out breaks, the order of loads on board and the
    hours of goods on reloads, takes laws that read the plan at their least, and lets vehicles drive the shortest way
    over any client of the whole problem. So that there is no plan in it is a proof. A plan in it is checked route by
    route; one that breaks a rule is forbidden, and another is looked for. That there is none then is no proof.

    Parameters
    ----------
    problem
        A problem with few clients, all of them mandatory, and no route under way.
    whole
        The problem that its clients are from, over whose places one may drive.
    deadline
        Moment of ``time.perf_counter`` at which to give up.

    Raises
    ------
    Undecided
        If there was no time to decide, or only a route with reloads could serve them.
    """
    model, proved = _ServeAll(problem, whole), True
    with Interrupt() as interrupt:
        while (seconds := deadline - time.perf_counter()) > 0 and not interrupt.asked:
            found = run_cpsat(model.model, SearchLimits(seconds), list(model.arcs.values()), interrupt)
            if found.termination is CpSatTermination.INFEASIBLE:
                if not proved and any(vehicle.max_reloads for vehicle in problem.vehicles):
                    break
                return None, proved
            if not found.values:
                break
            plan = problem.plan_from(list(model.routes(found.values)))
            if problem.check(plan).ok:
                return plan, False
            wrong = [
                route for route in plan.routes if not problem.check(problem.plan_from([route])).only_unserved
            ]
            if not wrong:
                break
            model.forbid(wrong)
            proved = False
    raise Undecided


class _ServeAll:
    """A circuit for each vehicle, through the clients that it serves."""

    def __init__(self, problem: RoutingProblem, whole: RoutingProblem) -> None:
        self.problem, self.data = problem, problem.data
        self.clients = range(len(self.data.depots), len(self.data.names))
        self.durations, self.lengths = _shortest_ways(problem, whole)
        self.model = cp_model.CpModel()
        self.vehicles = list(self._vehicles())
        self.arcs: dict[tuple[int, int, int], Any] = {}
        """Vehicle, tail and head to whether it drives there; a vehicle's depot stands for its last place, too."""
        self.begins = [self.model.new_int_var_from_domain(self._begin(node), "") for node in self.clients]
        self.serves = [[self.model.new_bool_var("") for _ in self.clients] for _ in self.vehicles]
        for place in range(len(self.clients)):
            self.model.add_exactly_one(serves[place] for serves in self.serves)
        for number, (vehicle, _) in enumerate(self.vehicles):
            self._drive(number, vehicle)
            self._carry(number, vehicle)
        self._keep_together()
        self._keep_identical_vehicles_in_order()

    def routes(self, values: tuple[int, ...]) -> Iterator[Route]:
        """Return the routes of a solution, given by the values of the arcs."""
        chosen = [arc for arc, value in zip(self.arcs, values, strict=True) if value]
        for number, (vehicle, index) in enumerate(self.vehicles):
            after = {tail: head for own, tail, head in chosen if own == number}
            depot = self.data.depot_of[vehicle.name]
            stops, here = [], after.get(self.data.index[depot])
            while here is not None and here in self.clients:
                stops.append(self.data.names[here])
                here = after[here]
            if stops:
                yield Route(vehicle.name, index, depot, tuple(stops))

    def forbid(self, routes: Iterable[Route]) -> None:
        """Let no vehicle of the type of a route drive its stops in that order."""
        for route in routes:
            stops = [self.data.index[name] for name in (route.depot, *route.clients, route.depot)]
            for number, (vehicle, _) in enumerate(self.vehicles):
                if vehicle.name == route.vehicle:
                    driven = [self.arcs[number, *arc] for arc in pairwise(stops)]
                    self.model.add_bool_or(~arc for arc in driven)

    def _vehicles(self) -> Iterator[tuple[VehicleType, int]]:
        pinned = set(self.data.pinned.values())
        for vehicle in self.problem.vehicles:
            for number in range(1, vehicle.num_available + 1):
                if number <= len(self.clients) or (vehicle.name, number) in pinned:
                    yield vehicle, number

    @property
    def _first(self) -> int:
        """Nothing begins before this: the first shift, which may begin the day before."""
        return math.floor(float(min(self.data.of_vehicles("shift_start"), default=0.0)) * _TICKS)

    @property
    def _horizon(self) -> int:
        """No plan needs to be later than this: when the last may begin, after all ways and services."""
        data = self.data
        starts = [*data.of_vehicles("shift_start"), *data.opens[np.isfinite(data.opens)], *data.release, 0.0]
        ways = self.durations[np.isfinite(self.durations)].max(initial=0.0)
        spent = (len(data.names) + 1) * (ways + data.service_times.least.max(initial=0.0))
        return math.ceil(float(max(starts) + spent) * _TICKS) + 1

    def _begin(self, node: int) -> cp_model.Domain:
        """Return when service at a client may begin."""
        data, first, last = self.data, self._first, self._horizon
        windows = []
        for opens, closes in zip(data.opens[:, node], data.closes[:, node], strict=True):
            begin = first if np.isinf(opens) else math.floor(opens * _TICKS)
            is_open_end = np.isinf(closes) or data.has_soft_window[node]
            end = last if is_open_end else min(last, _ceil(float(closes), _TICKS))
            windows.append([begin, max(begin, end)])
        return cp_model.Domain.from_intervals(windows)

    def _drive(self, number: int, vehicle: VehicleType) -> None:
        """Let a vehicle drive a circuit from its depot, within its shift and its limits of time and length."""
        data, model = self.data, self.model
        kind = data.type_index[vehicle.name]
        depot, last = data.index[data.depot_of[vehicle.name]], data.index[data.end_of[vehicle.name]]
        start = model.new_int_var(math.floor(vehicle.shift_start * _TICKS), self._horizon, "")
        idle = model.new_bool_var("")
        circuit: list[tuple[int, int, Any]] = [(0, 0, idle)]
        latest, longest = (
            _ceil(limit, _TICKS) if np.isfinite(limit) else None
            for limit in (vehicle.shift_end, vehicle.max_duration)
        )
        for place, node in enumerate(self.clients):
            served, begin = self.serves[number][place], self.begins[place]
            circuit.append((place + 1, place + 1, ~served))
            model.add_implication(idle, ~served)
            if not data.allowed[kind, node]:
                model.add(served == 0)
            if np.isfinite(data.release[node]) and not vehicle.max_reloads and data.source[node] < 0:
                model.add(start >= math.floor(data.release[node] * _TICKS)).only_enforce_if(served)
            service = float(data.service_times.least[kind, node])
            for other, head in enumerate((depot, *self.clients)):
                if head == node:
                    continue
                end = last if other == 0 else head
                way = 0.0 if other == 0 and not vehicle.returns else self.durations[kind, node, end]
                if not np.isfinite(way):
                    continue
                arc = self._arc(number, node, head)
                circuit.append((place + 1, other, arc))
                done = begin + math.floor((service + way) * _TICKS)
                if other:
                    model.add(self.begins[other - 1] >= done).only_enforce_if(arc)
                    continue
                if latest is not None:
                    model.add(done <= latest).only_enforce_if(arc)
                if longest is not None:
                    model.add(done <= start + longest).only_enforce_if(arc)
            way = self.durations[kind, depot, node]
            if np.isfinite(way):
                arc = self._arc(number, depot, node)
                circuit.append((0, place + 1, arc))
                model.add(begin >= start + math.floor(way * _TICKS)).only_enforce_if(arc)
        model.add_circuit(circuit)
        self._limit_length(number, vehicle, (depot, last))

    def _arc(self, number: int, tail: int, head: int) -> Any:
        return self.arcs.setdefault((number, tail, head), self.model.new_bool_var(""))

    def _limit_length(self, number: int, vehicle: VehicleType, ends: tuple[int, int]) -> None:
        if not np.isfinite(vehicle.max_distance):
            return
        depot, last = ends
        scale = _TICKS**2 / max(vehicle.max_distance, 1e-9)
        total = 0
        for (own, tail, head), arc in self.arcs.items():
            if own != number or (head == depot and not vehicle.returns):
                continue
            length = self.lengths[tail, last if head == depot else head]
            total += arc * math.floor(min(length, 2.0 * vehicle.max_distance + 1.0) * scale)
        self.model.add(total <= _ceil(vehicle.max_distance, scale))

    def _carry(self, number: int, vehicle: VehicleType) -> None:
        """Limit what a vehicle delivers, and what it picks up, by its capacity on all of its trips."""
        data, kind = self.data, self.data.type_index[vehicle.name]
        of_clients = slice(self.clients.start, None)
        carried = [np.where(data.source[of_clients] < 0, data.demands[0, of_clients], 0.0)]
        carried += [measure[of_clients] for measure in data.demands[1:]]
        limits = [*data.capacities[:, kind], data.capacities[0, kind]]
        for amounts, limit in zip([*carried, data.pickup[of_clients]], limits, strict=True):
            if not np.isfinite(limit) or not amounts.any():
                continue
            scale = _TICKS**2 / max(limit, float(amounts.max()))
            weights = [math.floor(amount * scale) for amount in amounts]
            total = sum(weight * served for weight, served in zip(weights, self.serves[number], strict=True))
            self.model.add(total <= (1 + vehicle.max_reloads) * _ceil(limit, scale))

    def _keep_together(self) -> None:
        """Keep goods apart, clients with their sources, and pinned clients on their vehicles."""
        data, model, first = self.data, self.model, self.clients.start
        apart = np.argwhere(np.triu(data.apart[first:, first:], 1)).tolist()
        for number, (vehicle, index) in enumerate(self.vehicles):
            serves = self.serves[number]
            for one, other in apart:
                model.add_at_most_one(serves[one], serves[other])
            for place, node in enumerate(self.clients):
                if data.source[node] >= 0:
                    model.add(serves[place] == serves[data.source[node] - first])
                pin = data.pinned.get(data.names[node])
                if pin is not None:
                    model.add(serves[place] == int(pin == (vehicle.name, index)))
        for place, node in enumerate(self.clients):
            if data.source[node] >= 0:
                model.add(self.begins[place] >= self.begins[data.source[node] - first])

    def _keep_identical_vehicles_in_order(self) -> None:
        """Let a vehicle serve somebody only if the one before it of its type does: each is as good as the other."""
        if self.data.pinned:
            return
        used = [self.model.new_bool_var("") for _ in self.vehicles]
        for is_used, serves in zip(used, self.serves, strict=True):
            self.model.add_max_equality(is_used, serves)
        for number, (vehicle, index) in enumerate(self.vehicles):
            if index > 1 and self.vehicles[number - 1][0] is vehicle:
                self.model.add_implication(used[number], used[number - 1])


def _ceil(limit: float, scale: float) -> int:
    """Return a finite limit in steps, rounded up with the tolerance of the check."""
    return math.ceil((limit + _MORE * float(slack(np.asarray(limit)))) * scale)


def _shortest_ways(problem: RoutingProblem, whole: RoutingProblem) -> tuple[Floats, Floats]:
    """Return travel times by vehicle type, and lengths, of shortest ways between the places of a part of a problem."""
    from scipy.sparse.csgraph import csgraph_from_dense, dijkstra

    nodes = [whole.data.index[name] for name in problem.data.names]

    def shortest(grid: Floats) -> Floats:
        found = dijkstra(csgraph_from_dense(grid, null_value=np.inf), indices=nodes)[:, nodes]
        np.fill_diagonal(found, 0.0)
        return np.asarray(found)

    times = whole.planning_values.durations
    if whole.leg_laws.reads(DURATION, "clock", "state"):
        times = np.where(np.isfinite(times), 0.0, np.inf)
    return np.stack([shortest(grid) for grid in times]), shortest(whole.leg_laws.all_lengths())
