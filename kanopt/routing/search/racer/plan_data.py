"""A routing problem as the arrays that the kernel reads, compiled once."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Sequence
from ctypes import POINTER
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.arc_blocks import tail_blocks
from kanopt.array_types import Floats
from kanopt.engines.compiled.library import KernelArrays, structures
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.simplify import round_array
from kanopt.routing import ArrivalFunctions
from kanopt.routing.arrays import RoutingData
from kanopt.routing.leg_laws import DURATION, SERVICE, RoutingLaws
from kanopt.routing.plan import StartedRoute
from kanopt.routing.planning_values import PlanningValues
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.rules import PAUSES
from kanopt.routing.rules.rule import slack
from kanopt.routing.search.racer.law_steps import LawSteps, StepTables, every_arc
from kanopt.routing.simulate.drive import WAYS
from kanopt.units import convert

# The structures of the kernel, as its C sources declare them.

_KERNEL = Path(__file__).parent / "kernel"
_STRUCTURES = structures(_KERNEL / name for name in ("racer.h", "drive.h", "search.c"))
ProblemStruct, ScoreStruct, ReportStruct = (_STRUCTURES[name] for name in ("Problem", "Score", "Report"))


# Which clients may well follow each other: neighbours in price, time and window.

MOST_NEAR = 40
"""Neighbours of a client, the size of granular neighbourhoods (Toth and Vigo 2003) in PyVRP and HGS-CVRP."""


def nearest_clients(laws: RoutingLaws, price: Floats, minutes: Floats) -> NDArray[np.int32]:
    """Return for each node the clients that are best visited next to it, the nearest first.

    Parameters
    ----------
    laws
        Of the problem, with its windows and service times.
    price, minutes
        Price and travel time of each arc, at the least over the vehicle types; (n, n).

    Returns
    -------
    array
        Nodes; (n, most near), or as many clients as there are but one.
    """
    data = laws.data
    # a stop whose time only a plan fixes counts as none
    service, due = np.nan_to_num(laws.stated_service).min(axis=0), data.due
    apart = np.where(np.isfinite(price), price, np.inf) / _typical(price)
    with np.errstate(invalid="ignore"):
        ready = data.earliest[:, None] + service[:, None] + minutes
        apart += np.where(ready > due[None, :], np.inf, 0.0)
        wait = np.fmax(data.earliest[None, :] - (due[:, None] + service[:, None] + minutes), 0.0)
    apart += np.nan_to_num(wait / _typical(minutes), nan=0.0, posinf=0.0)
    np.minimum(apart, apart.T, out=apart)
    np.fill_diagonal(apart, np.inf)
    clients = np.arange(len(data.depots), len(data.names))
    count = max(0, min(MOST_NEAR, len(clients) - 1))
    # sorted some rows at a time: places take as much memory as prices
    order = np.concatenate(
        [
            np.argsort(apart[tails][:, clients], axis=1, kind="stable")[:, :count]
            for tails in tail_blocks(np.arange(len(data.names)), len(data.names))
        ]
    )
    near: NDArray[np.int32] = clients[order].astype(np.int32).reshape(len(data.names), count)
    return near


def _typical(values: Floats) -> float:
    known = values[np.isfinite(values) & (values > 0)]
    return float(np.median(known)) if known.size else 1.0


_LINE = 8
"""Numbers in a line of the processor's cache."""
_BESIDE = 20
"""Numbers for each arc and vehicle type while rows are made."""


def bytes_needed(data: RoutingData) -> float:
    """Return about how many bytes the arrays of a problem take while they are made, rows of arcs above all.

    A row has eight numbers; prices, times, guesses and neighbours lie beside it until they are in the rows.
    """
    return 8.0 * _BESIDE * len(data.vehicles) * len(data.names) ** 2


class PlanData(KernelArrays):
    """What the kernel knows of a problem.

    Parameters
    ----------
    problem
        The problem; its laws are evaluated on every arc once.

    Attributes
    ----------
    vehicles
        Vehicle type, by its position, and number of each vehicle that is planned: of a type no more than there are
        clients, those to which clients are pinned, and those under way.
    struct
        The arrays, for the kernel; they live as long as this object.
    """

    def __init__(self, problem: RoutingProblem) -> None:
        super().__init__()
        self.problem, self.vehicles = problem, problem.data.fleet
        self.struct = ProblemStruct()
        data, laws, planning = problem.data, problem.leg_laws, problem.planning_values
        costs = planning.costs + data.of_vehicles("unit_duration_cost")[:, None, None] * np.where(
            np.isfinite(planning.durations), planning.durations, 0.0
        )
        self._put_sizes(data)
        self._put_nodes(data)
        self._put_vehicles(data, planning.service)
        self._put_laws(laws, [*self._arcs(data, laws, planning), costs, planning.durations])
        near = nearest_clients(laws, costs.min(axis=0), planning.durations.min(axis=0))
        self._put(near=near)
        self.struct.near_count = near.shape[1]
        self.struct.missed = self.missed
        self.struct.not_before = data.not_before
        if data.is_under_way:
            self._put(**_started_arrays(data))

    @cached_property
    def missed(self) -> float:
        """Price of leaving out a client that must be served, more than any way to it costs."""
        data, costs = self.problem.data, self.problem.planning_values.costs
        dearest = float(costs[np.isfinite(costs)].max(initial=0.0))
        longest = data.of_vehicles("shift_end") - data.of_vehicles("shift_start")
        hours = float(longest[np.isfinite(longest)].max(initial=self.struct.horizon))
        hourly = data.of_vehicles("unit_duration_cost") + data.of_vehicles("unit_overtime_cost")
        fixed = float(data.of_vehicles("fixed_cost").max(initial=0.0))
        trip = 2.0 * dearest + hours * float(hourly.max(initial=0.0)) + fixed
        return 3.0 * max(trip, float(data.prize.max(initial=0.0)), 1e-6)

    def _put(self, **arrays: Any) -> None:
        self.put(self.struct, **arrays)

    def _put_sizes(self, data: RoutingData) -> None:
        struct = self.struct
        struct.nodes, struct.depots = len(data.names), len(data.depots)
        struct.kinds, struct.slots = len(data.vehicles), len(self.vehicles)
        struct.measures, struct.windows = len(data.demands), len(data.opens)
        struct.has_sources, struct.has_pickups = data.has_sources, bool(data.pickup.any())
        struct.backhaul, struct.longest_rate = data.policy.backhaul, data.policy.longest_route_cost
        midnight = convert(24.0, "h", data.units.time)
        start = float(data.of_vehicles("shift_start").max(initial=0.0))
        struct.horizon = max(midnight, start + midnight)
        struct.simple_windows = len(data.opens) == 1 and not data.has_soft_window.any()

    def _put_nodes(self, data: RoutingData) -> None:
        place = {vehicle: slot for slot, vehicle in enumerate(self.vehicles)}
        pinned = np.full(len(data.names), -1)
        for name, (kind, number) in data.pinned.items():
            pinned[data.index[name]] = place[data.type_index[kind], number]
        if data.has_releases:
            self._put(release=data.release, release_from=data.release - slack(data.release) / 2)
        own = {*pinned.tolist(), *(place[data.type_index[name], number] for name, number in data.started_of)}
        units = data.served_together
        unit_of = np.zeros(len(data.names))
        for number, members in enumerate(units):
            unit_of[[*members]] = number
        bound = [name in data.bound_to for name in data.names]
        self._put(
            demand=data.demands, pickup=data.pickup, opens=data.opens, closes=data.closes, latest=data.latest,
            due=data.due, due_by=_with_slack(data.due), late_rate=data.lateness_rate, source=data.source,
            prize=data.prize, mandatory=data.mandatory | bound, pinned=pinned,
            reserved=[slot in own for slot in range(len(self.vehicles))], unit_of=unit_of,
            unit_start=np.cumsum([0, *map(len, units)]),
            unit_nodes=[node for members in units for node in members],
        )  # fmt: skip
        if data.apart.any():
            self._put(apart=data.apart)

    def _put_vehicles(self, data: RoutingData, service: Floats) -> None:
        regular, overtime = data.of_vehicles("shift_duration"), data.of_vehicles("unit_overtime_cost")
        start = data.of_vehicles("shift_start")
        breaks = [each for rests in data.breaks for each in rests]
        numbers = [data.of_vehicles(name) for rule in PAUSES for name in rule.numbers]
        self.struct.rule_width = len(numbers)
        self._put(
            rule_numbers=np.stack(numbers, axis=-1) if numbers else np.zeros((len(data.vehicles), 0)),
            capacity=_with_slack(data.capacities), fixed=data.of_vehicles("fixed_cost"),
            per_time=data.of_vehicles("unit_duration_cost"), overtime=np.where(np.isfinite(regular), overtime, 0.0),
            regular_time=regular, start=start, start_from=start - slack(start) / 2,
            end=_with_slack(data.of_vehicles("shift_end")), longest=_with_slack(data.of_vehicles("max_duration")),
            farthest=_with_slack(data.of_vehicles("max_distance")), home=data.homes, last=data.ends,
            reloads=data.of_vehicles("max_reloads"), returns=data.of_vehicles("returns"),
            service=service, allowed=data.has_skills,
            break_start=np.cumsum([0, *map(len, data.breaks)]),
            break_length=[each.length for each in breaks],
            break_earliest=[each.earliest for each in breaks],
            break_latest=[each.latest for each in breaks],
            slot_kind=[kind for kind, _ in self.vehicles],
        )  # fmt: skip

    def _arcs(self, data: RoutingData, laws: RoutingLaws, planning: PlanningValues) -> list[Floats]:
        """Return what no plan changes of travel times and prices, as the first numbers of the rows of arcs."""
        law, every = laws.duration, np.arange(len(data.names))
        roads = laws.roads(every[:, None], every[None, :])
        if isinstance(law, ArrivalFunctions):
            self._put(
                arrival=np.where(roads, law.arc, -1), arrival_start=law.start, arrival_leave=law.leave,
                arrival_arrive=law.arrive,
            )  # fmt: skip
            self.struct.arrival_noise = law.noise
        self.struct.fixed_minutes = not laws.reads(DURATION, "state", "clock")
        lengths = data.finite_lengths(every[:, None], every)
        price = data.of_vehicles("unit_distance_cost")[:, None, None] * lengths
        legs = every_arc(laws, planning.durations)
        for name in laws.cost:
            if not self._moves(laws, name):
                price = price + laws.evaluate(name, legs)
        distance = np.where(np.isfinite(data.distance), data.distance, 0.0)
        return [np.where(roads, price, np.inf), distance[None], planning.durations]

    @staticmethod
    def _moves(laws: RoutingLaws, name: str) -> bool:
        """Whether a plan changes what a law says of a leg."""
        by_time = laws.reads(name, "arc.duration") and laws.reads(DURATION, "state", "clock")
        return by_time or laws.reads(name, "state", "clock")

    def _put_laws(self, laws: RoutingLaws, arcs: Sequence[Floats]) -> None:
        """Put the laws that a plan moves, and the rows of arcs that they read."""
        data, struct = laws.data, self.struct
        tables = StepTables((len(data.vehicles), len(data.names), len(data.names)))
        stops = tables.of_stops()
        if isinstance(laws.duration, BoundFormula) and not struct.fixed_minutes:
            struct.duration = self._laws([LawSteps(laws, DURATION, tables)])
        moved = [name for name in laws.cost if self._moves(laws, name)]
        struct.cost = self._laws([LawSteps(laws, name, tables) for name in moved])
        struct.laws = len(moved)
        if laws.service_moves:
            struct.stop = self._laws([LawSteps(laws, SERVICE, stops)])
            rows = [np.broadcast_to(values, stops.shape) for values in stops.arcs]
            self._put(stop_rows=round_array(np.stack(rows, axis=-1)) if rows else np.zeros((*stops.shape, 0)))
            struct.stop_width = len(rows)
        self._put_rows([*arcs, *tables.arcs])
        named = [DURATION, SERVICE, *laws.cost]
        struct.reads_load = any(laws.reads(name, "state") for name in named)
        struct.stop_reads_clock = laws.reads(SERVICE, "clock")
        struct.reads_clock = any(laws.reads(name, "clock.hour", "clock.minute") for name in named)
        # how many ways of having taken some breaks are followed, as the referee does
        timed = any(laws.is_moved_by_clock(name) for name in laws.cost)
        struct.break_by_clock = timed or (
            isinstance(laws.duration, BoundFormula) and laws.reads(DURATION, "clock")
        )
        struct.break_ways = WAYS if struct.break_by_clock or data.lateness_rate.any() else 1
        struct.curves = self._structs("Curve", map(self._curve, tables.curves))
        steps = [
            (len(one.breakpoints), *map(np.asarray, (one.breakpoints, one.values))) for one in tables.stairs
        ]
        struct.stairs = self._structs("Stairs", steps)

    def _put_rows(self, tables: Sequence[Floats]) -> None:
        """Put all numbers of an arc into one row, once for all vehicle types where none of them differs."""
        first = [
            values[:1] if all(np.array_equal(values[0], each) for each in values[1:]) else values
            for values in tables
        ]
        kinds, nodes = max(len(values) for values in first), self.struct.nodes
        width = -(-len(first) // _LINE) * _LINE
        # rows begin where a line of the cache does
        space = np.zeros(kinds * nodes * nodes * width + _LINE)
        begin = -(space.ctypes.data // space.itemsize) % _LINE
        rows = space[begin : begin + space.size - _LINE].reshape(kinds, nodes, nodes, width)
        for place, values in enumerate(first):
            for tail in range(nodes):
                # exponentials differ in their last digit from processor to processor
                rows[:, tail, :, place] = round_array(values[:, tail])
        self._put(arcs=rows)
        self.struct.arc_width = width
        self.struct.arc_stride = rows[0].size if kinds > 1 else 0

    @staticmethod
    def _curve(curve: Any) -> tuple[Any, ...]:
        _, slope_low, _, slope_high = curve.ends
        ends = curve.low, curve.high, curve.width, slope_low, slope_high
        return *ends, curve.grid_size, curve.periodic, round_array(curve.powers.T)

    def _laws(self, laws: Sequence[LawSteps]) -> Any:
        return self._structs("Law", [(len(law.steps), self._structs("Op", law.steps)) for law in laws])

    def _structs(self, name: str, rows: Iterable[Sequence[Any]]) -> Any:
        """Return structures for the kernel, given the values of their fields."""
        kind = _STRUCTURES[name]
        types = [each for _, each in kind._fields_]
        made = [
            kind(
                *(
                    self.hand_over(v, field) if isinstance(v, np.ndarray) else v
                    for v, field in zip(row, types, strict=True)
                )
            )
            for row in rows
        ]
        array = (kind * max(1, len(made)))(*made)
        self._kept.append(array)
        return ctypes.cast(array, POINTER(kind))


# Routes under way.

_NOT_LEFT, _ON_TRIP, _GOES_HOME, _GOES_TO_END = range(4)


def _started_arrays(data: RoutingData) -> dict[str, Any]:
    """Return what is fixed, by the names of ``kernel/racer.h``."""
    routes = [data.started_of.get((data.vehicles[kind].name, number)) for kind, number in data.fleet]
    bound = np.full(len(data.names), -1)
    for slot, each in enumerate(routes):
        bound[[data.index[name] for name in (each.bound if each is not None else ())]] = slot
    kept = [[] if each is None else [data.index[name] for name in each.kept] for each in routes]
    leaves = np.array([-np.inf if each is not None else data.not_before for each in routes])
    left = [None if each is None else each.route.departure for each in routes]
    return {
        "bound": bound,
        "loaded": data.is_loaded,
        "kept_start": np.cumsum([0, *map(len, kept)]),
        "kept_stops": [node for stops in kept for node in stops],
        "under_way": [_NOT_LEFT if each is None else _state(data, each) for each in routes],
        "has_left": np.array(left, dtype=float),
        "leaves_from": leaves,
        "left_limit": leaves - slack(leaves) / 2,
    }


def _state(data: RoutingData, each: StartedRoute) -> int:
    if not each.goes_home:
        return _ON_TRIP
    return _GOES_HOME if data.end_of[each.route.vehicle] == each.route.depot else _GOES_TO_END


def _with_slack(limit: Floats) -> Floats:
    """Return limits with half of what a check lets pass, so that what fits here fits there."""
    return np.asarray(limit + slack(limit) / 2)
