"""A routing problem as flat arrays, compiled once for a search that scores routes by the million."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.binding import BoundFormula
from kanopt.problems.routing import ArrivalFunctions, RoutingProblem
from kanopt.problems.routing.data import RoutingData
from kanopt.problems.routing.leg_laws import DURATION, RoutingLaws
from kanopt.problems.routing.planning_values import PlanningValues
from kanopt.solvers.routing.law_search.arrival_index import ArrivalIndex
from kanopt.solvers.routing.law_search.compiled_laws import CompiledLaw, LegBatch, every_arc, load_degree
from kanopt.solvers.routing.law_search.rules import RouteRules, with_slack
from kanopt.units import convert

__all__ = ["CompiledProblem", "compile_problem"]

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

_SAMPLED_HOURS = 48


@dataclass(frozen=True, eq=False)
class CompiledProblem:
    """What a routing problem knows, by node (depots, then clients), vehicle type and arc of a vehicle type.

    Arcs are numbered ``(type × nodes + tail) × nodes + head``; staying where one is costs nothing and takes no time.

    Parameters
    ----------
    depots, size
        How many depots and how many nodes there are.
    demand, earliest, latest, closes, prize, mandatory
        By node; `closes` is `latest` with half the tolerance of a check, both infinite where service may be late;
        `prize` is 0 where a client must be served.
    service
        Service time of each vehicle type at each node; (types × nodes,).
    capacity, fixed, cost_per_time, start, end, home, count
        By vehicle type; `cost_per_time` is the price of time, `capacity` and `end` have half the tolerance of a check.
    travel
        Travel time of each arc; or a law of load or clock; or arrival functions.
    price, per_load
        Price of each arc and what it grows by with a unit of load, as far as the laws are that simple.
    plan_laws
        The other cost laws.
    fastest, slowest
        Bounds on the travel time of each arc over the clock; for a formula the bounds seen at 48 times of the day,
        which only say where departures are tried.
    horizon
        The latest departure tried where nothing else ends a day.
    rules
        What else routes keep to or pay for.
    """

    depots: int
    size: int
    demand: Floats
    service: Floats
    earliest: Floats
    latest: Floats
    closes: Floats
    prize: Floats
    mandatory: NDArray[np.bool_]
    capacity: Floats
    fixed: Floats
    cost_per_time: Floats
    start: Floats
    end: Floats
    home: Ints
    count: Ints
    travel: Floats | CompiledLaw | ArrivalIndex
    price: Floats
    per_load: Floats | None
    plan_laws: tuple[CompiledLaw, ...]
    fastest: Floats
    slowest: Floats
    horizon: float
    rules: RouteRules

    @property
    def kinds(self) -> int:
        """How many vehicle types there are."""
        return len(self.capacity)

    @property
    def clients(self) -> range:
        """The nodes of the clients."""
        return range(self.depots, self.size)

    @cached_property
    def follows_clock(self) -> bool:
        """Whether a route's price or times depend on when it leaves, beyond waiting."""
        return self.price_reads_clock or self.travel_reads_clock or self.rules.needs_departure_search

    @cached_property
    def travel_reads_clock(self) -> bool:
        """Whether travel time depends on the clock."""
        return isinstance(self.travel, ArrivalIndex) or (
            isinstance(self.travel, CompiledLaw) and self.travel.reads_clock
        )

    @cached_property
    def price_reads_clock(self) -> bool:
        """Whether a cost law depends on the clock, itself or through travel time."""
        return any(
            law.reads_clock or (law.reads_duration and self.travel_reads_clock) for law in self.plan_laws
        )

    @property
    def is_fifo(self) -> bool:
        """Whether nobody arrives earlier by leaving later, and only time is paid by the clock."""
        lasting = self.rules.needs_departure_search or self.rules.overtime is not None
        lasting = lasting or self.rules.max_duration is not None
        return isinstance(self.travel, ArrivalIndex) and not self.price_reads_clock and not lasting


def compile_problem(problem: RoutingProblem) -> CompiledProblem:
    """Compile a routing problem.

    Parameters
    ----------
    problem
        The problem; its laws are evaluated on every arc once.
    """
    data, laws, planner = problem.data, problem.leg_laws, problem.planning_values
    prizes = [0.0] * len(data.depots) + [client.prize or 0.0 for client in data.clients]
    must = [False] * len(data.depots) + [client.mandatory for client in data.clients]
    travel, fastest, slowest = _travel(laws, planner)
    price, per_load, moving = _prices(laws, planner, travel)
    if not all(vehicle.returns for vehicle in data.vehicles):
        travel, price, per_load, fastest, slowest = _open_routes(
            data, travel, price, per_load, fastest, slowest
        )
    price = np.where(
        data.allowed[:, None, :], price.reshape(len(data.vehicles), *data.usable.shape), np.inf
    ).ravel()
    end = data.of_vehicles("shift_end")
    midnight = convert(24.0, "h", data.units.time)
    return CompiledProblem(
        depots=len(data.depots),
        size=len(data.names),
        demand=data.demand,
        service=np.where(np.arange(len(data.names)) < len(data.depots), 0.0, data.service).ravel(),
        earliest=data.earliest,
        latest=np.where(data.has_soft_window, np.inf, data.latest),
        closes=with_slack(np.where(data.has_soft_window, np.inf, data.latest)),
        prize=np.array(prizes),
        mandatory=np.array(must),
        capacity=with_slack(data.of_vehicles("capacity")),
        fixed=data.of_vehicles("fixed_cost"),
        cost_per_time=data.of_vehicles("cost_per_time"),
        start=data.of_vehicles("shift_start"),
        end=with_slack(end),
        home=np.array([data.index[data.depot_of[vehicle.name]] for vehicle in data.vehicles]),
        count=np.array([vehicle.count for vehicle in data.vehicles]),
        travel=travel,
        price=price,
        per_load=per_load,
        plan_laws=moving,
        fastest=fastest,
        slowest=slowest,
        horizon=max(midnight, float(data.of_vehicles("shift_start").max()) + midnight),
        rules=RouteRules.of(data),
    )


def _open_routes(
    data: RoutingData,
    travel: Floats | CompiledLaw | ArrivalIndex,
    price: Floats,
    per_load: Floats | None,
    fastest: Floats,
    slowest: Floats,
) -> tuple[Floats | CompiledLaw | ArrivalIndex, Floats, Floats | None, Floats, Floats]:
    """Make the arc back free of cost and time for vehicles that need not return."""
    n = len(data.names)
    back = np.zeros((len(data.vehicles), n, n), dtype=bool)
    for kind, vehicle in enumerate(data.vehicles):
        if not vehicle.returns:
            back[kind, :, data.index[data.depot_of[vehicle.name]]] = True

    def free(values: Floats) -> Floats:
        return np.where(back.ravel(), 0.0, values)

    duration = free(travel) if isinstance(travel, np.ndarray) else travel
    return duration, free(price), None if per_load is None else free(per_load), free(fastest), free(slowest)


def _flat_arc_table(values: Floats) -> Floats:
    """Return values of every arc as a table by their numbers; staying where one is has 0."""
    table = np.array(values, dtype=float)
    diagonal = np.arange(table.shape[-1])
    table[:, diagonal, diagonal] = 0.0
    return table.ravel()


def _travel(
    laws: RoutingLaws, planner: PlanningValues
) -> tuple[Floats | CompiledLaw | ArrivalIndex, Floats, Floats]:
    """Return the law of travel time, and bounds on each arc's."""
    law = laws.duration
    if isinstance(law, ArrivalFunctions):
        index = ArrivalIndex(law)
        kinds = (len(laws.data.vehicles), index.size, index.size)
        least, most = (np.where(laws.roads, bound, np.inf) for bound in index.bounds())
        return (
            index,
            _flat_arc_table(np.broadcast_to(least, kinds)),
            _flat_arc_table(np.broadcast_to(most, kinds)),
        )
    if not laws.reads(DURATION, "state", "clock"):
        table = _flat_arc_table(planner.durations)
        return table, table, table
    leg = CompiledLaw(laws, DURATION)
    sampled = [_on_every_arc(leg, laws, load, clock) for load, clock in _samples(laws, leg)]
    return leg, _flat_arc_table(np.min(sampled, axis=0)), _flat_arc_table(np.max(sampled, axis=0))


def _samples(laws: RoutingLaws, leg: CompiledLaw) -> list[tuple[float, float]]:
    data = laws.data
    full = min(float(data.demand.sum() + data.pickup.sum()), float(data.of_vehicles("capacity").max()))
    loads = [0.0, full] if leg.reads_load else [0.0]
    hours = np.arange(_SAMPLED_HOURS) / 2 if leg.reads_clock else [0.0]
    return [(load, convert(float(hour), "h", data.units.time)) for load in loads for hour in hours]


def _on_every_arc(
    law: CompiledLaw, laws: RoutingLaws, load: float, clock: float, duration: Floats | None = None
) -> Floats:
    """Return a law on every arc at one load and clock time; (types, n, n)."""
    shape = (len(laws.data.vehicles), *laws.roads.shape)
    arc = np.arange(int(np.prod(shape)))
    spent = np.zeros(()) if duration is None else duration
    return law.evaluate(LegBatch(arc, np.asarray(load), np.asarray(clock), spent)).reshape(shape)


def _prices(
    laws: RoutingLaws, planner: PlanningValues, travel: Floats | CompiledLaw | ArrivalIndex
) -> tuple[Floats, Floats | None, tuple[CompiledLaw, ...]]:
    """Sort the cost laws: those of the arc alone, those that grow in a straight line with the load, and the rest."""
    data = laws.data
    rates = data.of_vehicles("cost_per_distance")[:, None, None]
    total = np.where(data.usable, data.finite_distance * rates, np.where(rates > 0, np.inf, 0.0))
    still = isinstance(travel, np.ndarray)
    per_load = np.zeros_like(total)
    moving = []
    for name, law in laws.cost.items():
        moved = not still and laws.reads(name, "arc.duration")
        if not moved and not laws.reads(name, "state", "clock"):
            total = total + laws.evaluate(name, every_arc(laws, 0.0, 0.0, planner.durations))
            continue
        leg = CompiledLaw(laws, name)
        line = None if moved or laws.reads(name, "clock") else _line(leg, laws, planner, law)
        if line is None:
            moving.append(leg)
        else:
            total, per_load = total + line[0], per_load + line[1]
    return _flat_arc_table(total), _flat_arc_table(per_load) if per_load.any() else None, tuple(moving)


def _line(
    leg: CompiledLaw, laws: RoutingLaws, planner: PlanningValues, law: object
) -> tuple[Floats, Floats] | None:
    """Return a law's price of an empty vehicle and what a unit of load adds, where that is all there is to it."""
    if not isinstance(law, BoundFormula) or load_degree(law) > 1:
        return None
    full = float(laws.data.demand.sum() + laws.data.pickup.sum()) or 1.0
    empty, half, loaded = (
        _on_every_arc(leg, laws, load, 0.0, planner.durations.ravel()) for load in (0.0, full / 2, full)
    )
    finite = np.isfinite(half)
    if not ((np.isfinite(empty) == finite) & (np.isfinite(loaded) == finite)).all():
        return None
    middle, slope = np.zeros_like(half), np.zeros_like(half)
    np.add(empty, loaded, out=middle, where=finite)
    np.subtract(loaded, empty, out=slope, where=finite)
    # a law that is cut off at zero somewhere is no straight line
    if not np.allclose(middle[finite], 2 * half[finite], rtol=1e-12, atol=0.0):
        return None
    return empty, slope / full
