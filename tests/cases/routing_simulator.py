"""Routes driven stop by stop in plain loops, and the optimum of small problems: what the evaluator is held against."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, pairwise, permutations
from typing import Any, NamedTuple

import numpy as np

from kanopt import RoutingProblem
from kanopt.formulas.formula import BoundFormula
from kanopt.formulas.variables import Reference, ReferenceValue
from kanopt.routing import Client, Route, RoutingPlan, VehicleType
from kanopt.routing.arrays import DriverBreak, parse_breaks, parse_windows
from kanopt.routing.entities import split_label
from kanopt.routing.leg_laws import DURATION, LegInputs
from kanopt.units import convert

EPS = 1e-6


@dataclass(frozen=True)
class Leg:
    """One leg: what is on board in every measure, and its clock times; `ready` is after breaks taken on it."""

    tail: int
    head: int
    load: tuple[float, ...]
    leave: float
    drive: float
    ready: float
    begin: float
    late: float


@dataclass(frozen=True)
class Run:
    """A route driven at one departure, with its breaks at certain places (`rested` if all are taken)."""

    departure: float
    finish: float
    legs: tuple[Leg, ...]
    rested: bool

    @property
    def duration(self) -> float:
        """Time from departure to finish."""
        return self.finish - self.departure


class Best(NamedTuple):
    """An optimum: mandatory clients left out, the cost, and routes that have it."""

    missed: int
    cost: float
    routes: tuple[Route, ...]


class Simulator:
    """Drives, checks and prices routes of a problem from its entities, one leg after the other.

    Departures that a route leaves open are tried wherever something changes with travel times that do not depend on
    the clock; where they do, a route must state its departure.
    """

    def __init__(self, problem: RoutingProblem) -> None:
        self.problem = problem
        self.policy = problem.policy
        self.depots = len(problem.depots)
        self.points = [*problem.depots, *problem.clients]
        self.index = {point.name: place for place, point in enumerate(self.points)}
        self.kinds = {vehicle.name: place for place, vehicle in enumerate(problem.vehicles)}
        self.km = problem.data.distance.tolist()
        self.windows = [
            parse_windows(client.windows, problem.units.time) or ((client.earliest, client.latest),)
            for client in problem.clients
        ]
        self.rests = [parse_breaks(vehicle.breaks, problem.units.time) for vehicle in problem.vehicles]
        self.costs = problem.cost if isinstance(problem.cost, dict) else {"cost": problem.cost}
        self._boards: dict[tuple[str, ...], list[tuple[float, ...]]] = {}
        self._known: dict[tuple[Any, ...], float] = {}
        self._matrices = {
            name: np.asarray(law, dtype=float).tolist()
            for name, law in {DURATION: problem.duration, **self.costs}.items()
            if not isinstance(law, BoundFormula)
        }

    def client(self, node: int) -> Client:
        """The client at a node."""
        return self.problem.clients[node - self.depots]

    def vehicle(self, route: Route) -> VehicleType:
        """The type of a route's vehicle."""
        return self.problem.vehicles[self.kinds[route.vehicle]]

    def law(self, name: str, kind: int, way: tuple[int, int], *state: float) -> float:
        """Value of a law on a leg of a vehicle type; the state is load, clock, travel time and lateness."""
        if name in self._matrices:
            return self._matrices[name][way[0]][way[1]]
        key = (name, kind, way, *state)
        if key not in self._known:
            load, clock, drive, late = (np.array([value]) for value in state)
            tail, head = np.array([way[0]]), np.array([way[1]])
            inputs = LegInputs(np.array([kind]), tail, head, load, clock, drive, late)
            self._known[key] = float(self.problem.leg_laws.evaluate(name, inputs)[0])
        return self._known[key]

    def stay(self, kind: int, node: int, load: float, begin: float) -> float:
        """How long service at a node takes, with so much on board on arrival; at a depot, a reload."""
        vehicle, law = self.problem.vehicles[kind], self.policy.service
        if node < self.depots:
            return vehicle.reload_time
        if law is None:
            return self.client(node).service_duration
        key = ("service", kind, node, load, begin) if law.state_references else ("service", kind, node)
        if key not in self._known:
            self._known[key] = self._service(law, self.client(node), vehicle, load, begin)
        return self._known[key]

    def _service(
        self, law: BoundFormula, client: Client, vehicle: VehicleType, load: float, begin: float
    ) -> float:
        time = self.problem.units.time

        def resolve(reference: Reference) -> ReferenceValue:
            if reference.scope == "state":
                return ReferenceValue(np.array([load]), self.problem.units.load)
            if reference.scope == "clock":
                hours = convert(begin, time, "h") % 24.0
                given = hours if reference.field == "hour" else 60.0 * hours
                return ReferenceValue(np.array([given]), "h" if reference.field == "hour" else "min")
            of_client = reference.scope == "client"
            owner = client if of_client else vehicle
            units = self.problem.units.of(type(owner))
            if reference.field in owner.attributes:
                return ReferenceValue(np.array([owner.attributes[reference.field]]), "")
            unit = units.get(reference.field, "")
            return ReferenceValue(np.array([getattr(owner, reference.field)]), unit)

        return max(0.0, float(law.evaluate(resolve, self.problem.units.time)[0]))

    @cached_property
    def carried(self) -> list[tuple[float, ...]]:
        """Demand in every measure by client."""
        measures = self.policy.capacities
        return [
            (client.demand, *(float(client.attributes[name]) for name in measures))
            for client in self.problem.clients
        ]

    @cached_property
    def takers(self) -> dict[str, list[str]]:
        """Names of the clients whose goods are loaded at a client."""
        clients = self.problem.clients
        return {each.name: [other.name for other in clients if other.source == each.name] for each in clients}

    @cached_property
    def unfit(self) -> set[tuple[str, str]]:
        """Vehicle types and clients that do not go together."""
        return {
            (vehicle.name, client.name)
            for vehicle in self.problem.vehicles
            for client in self.problem.clients
            if not frozenset(client.needs) <= frozenset(vehicle.skills)
            or (client.vehicles and vehicle.name not in frozenset(client.vehicles))
        }

    @cached_property
    def pins(self) -> dict[str, tuple[str, int | None]]:
        """The vehicle that a client is pinned to."""
        pinned = self.policy.pinned.items()
        return {name: split_label(label, self.kinds) for label, names in pinned for name in names}

    def room(self, vehicle: VehicleType) -> tuple[float, ...]:
        """Capacity of a vehicle in every measure."""
        return (vehicle.capacity, *(float(vehicle.attributes[name]) for name in self.policy.capacities))

    def way(self, route: Route) -> list[int]:
        """Nodes from the depot to the end of the route."""
        home, vehicle = self.index[route.depot], self.vehicle(route)
        stops = [self.index[name] for name in route.clients]
        return (
            [home, *stops, self.index[vehicle.end_depot or route.depot]]
            if vehicle.returns
            else [home, *stops]
        )

    def trips(self, route: Route) -> list[list[int]]:
        """Clients between visits of the depot."""
        found: list[list[int]] = [[]]
        for name in route.clients:
            if self.index[name] < self.depots:
                found.append([])
            else:
                found[-1].append(self.index[name])
        return found

    def loads(self, route: Route) -> list[tuple[float, ...]]:
        """What is on board on each leg in every measure."""
        boards = self._loaded(route)
        return boards if self.vehicle(route).returns else boards[:-1]

    def _loaded(self, route: Route) -> list[tuple[float, ...]]:
        """What is on board on each leg, and after the last stop where the vehicle does not come back."""
        if route.clients in self._boards:
            return self._boards[route.clients]
        measures, found = 1 + len(self.policy.capacities), []
        carried = [(0.0,)] * self.depots + self.carried
        for trip in self.trips(route):
            board = [0.0] * measures
            for node in trip:
                if not self.client(node).source:
                    board = [a + b for a, b in zip(board, carried[node], strict=True)]
            for node in trip:
                found.append(tuple(max(amount, 0.0) for amount in board))
                board = [a - b for a, b in zip(board, carried[node], strict=True)]
                client = self.client(node)
                board[0] += client.pickup
                for name in self.takers[client.name]:
                    if name in route.clients:
                        board = [a + b for a, b in zip(board, carried[self.index[name]], strict=True)]
            found.append(tuple(max(amount, 0.0) for amount in board))
        self._boards[route.clients] = found
        return found

    def released(self, trip: Sequence[int]) -> float:
        """When all that a trip takes along from the depot is ready."""
        goods = [self.client(node) for node in trip]
        return max((c.release_time for c in goods if c.release_time and not c.source), default=-np.inf)

    def waits(self, route: Route) -> list[float]:
        """When service at the end of each leg may begin for goods that are loaded there."""
        kind, trips, found = self.kinds[route.vehicle], self.trips(route), []
        for number, trip in enumerate(trips):
            for node in trip:
                takers = [self.client(self.index[name]) for name in self.takers[self.client(node).name]]
                there = [c.release_time for c in takers if c.release_time and c.name in route.clients]
                found.append(max(there, default=-np.inf))
            if number + 1 < len(trips):
                reload = self.problem.vehicles[kind].reload_time
                behind = len(found) < len(self.locked(route)[0])
                leaves = max(self.released(trips[number + 1]), -np.inf if behind else self.now)
                found.append(leaves - reload)
        return [*found, -np.inf]

    def under_way(self, route: Route) -> Route | None:
        """The route under way of the same vehicle."""
        for each in self.problem.started:
            if (each.vehicle, each.index) == (route.vehicle, route.index):
                return each
        return None

    def soonest(self, route: Route) -> float:
        """When a route may leave at the earliest."""
        known = self.under_way(route)
        if known is not None and known.departure is not None:
            return known.departure
        now = -np.inf if known is not None else self.now
        return max(self.vehicle(route).shift_start, self.released(self.trips(route)[0]), now)

    @property
    def now(self) -> float:
        """When trips may begin that are not under way."""
        return -np.inf if self.policy.not_before is None else float(self.policy.not_before)

    def locked(self, route: Route) -> tuple[list[str], bool]:
        """First stops of a vehicle under way that stay, and whether it is on its way to a depot after these."""
        known = self.under_way(route)
        if known is None:
            return [], False
        stops = list(known.clients[: known.locked])
        home = known.locked > len(known.clients) or stops[-1:] == [known.depot]
        return stops[: len(stops) - (stops[-1:] == [known.depot])], home

    def on_board(self, known: Route) -> set[str]:
        """Clients whose goods are on board of a vehicle under way, or were on the trip it is on."""
        kept, home = self.locked(known)
        trip, found = 0, set()
        for place, name in enumerate(kept if home else known.clients):
            if name == known.depot and place >= len(kept):
                break
            if name == known.depot:
                trip += 1
            elif trip == kept.count(known.depot) and self.takes_along(name):
                found.add(name)
        return found

    def takes_along(self, name: str) -> bool:
        """Whether a client receives anything that is loaded at the depot."""
        node = self.index[name]
        return not self.client(node).source and any(self.carried[node - self.depots])

    def changed(self, route: Route) -> bool:
        """Whether a route is not what a vehicle under way can do, or serves whom another one has on board."""
        for each in self.problem.started:
            other = (each.vehicle, each.index) != (route.vehicle, route.index)
            stay = (self.on_board(each) | set(self.locked(each)[0])) - {each.depot}
            if other and stay & set(route.clients):
                return True
        known = self.under_way(route)
        if known is None:
            return False
        kept, home = self.locked(route)
        rest = list(route.clients[len(kept) :])
        if list(route.clients[: len(kept)]) != kept:
            return True
        trip = rest[: rest.index(route.depot)] if route.depot in rest else rest
        ends = self.vehicle(route).end_depot or route.depot
        if home:
            return bool(trip) or (bool(rest) and ends != route.depot)
        aboard = self.on_board(known)
        return any(self.takes_along(name) for name in set(trip) - aboard) or not aboard <= set(trip) | set(
            kept
        )

    def ready(self, clock: float, drive: float, rests: Sequence[DriverBreak]) -> float | None:
        """Return when the head of a leg is reached and breaks taken on the way, or there before service, are over.

        Each break begins as early as it may; who is there before it may begin waits for it.
        """
        over, total = clock, 0.0
        for rest in rests:
            begins = max(over, rest.earliest)
            if begins > rest.latest + EPS:
                return None
            over, total = begins + rest.length, total + rest.length
        return max(clock + drive + total, over)

    def pause(self, route: Route, driven: float, drive: float) -> float:
        """Return how long the driver rests on a leg, who was so long at the wheel before it."""
        vehicle = self.vehicle(route)
        most, over, rests = vehicle.max_driving, vehicle.max_driving, 0
        while over < driven + drive - EPS:
            rests += over >= driven - EPS
            over += most
        return rests * vehicle.rest_duration

    def begin(self, node: int, ready: float) -> tuple[float, float]:
        """Return when service begins at a node, and how late that is."""
        if node < self.depots:
            return ready, 0.0
        for opens, closes in self.windows[node - self.depots]:
            if ready <= closes + EPS:
                return max(ready, opens), 0.0
        return ready, ready - self.windows[node - self.depots][-1][1]

    def runs(self, route: Route, departure: float) -> list[Run]:
        """Drive a route at a departure with its breaks wherever they may be; without them, where they may nowhere."""
        rests = self.rests[self.kinds[route.vehicle]]
        way, loads = self.way(route), self.loads(route)
        found = []
        for before in range(len(rests) + 1):
            over = self.ready(-np.inf, 0.0, rests[:before])
            if over is not None and over <= departure + EPS:
                found += list(self._drive(route, (way, loads), departure, before, ()))
        rested = [
            Run(departure, finish, legs, True)
            for legs, finish, taken in found
            if self._after(rests[taken:], finish)
        ]
        if rested:
            return rested
        alone = [(legs, finish) for legs, finish, taken in found if taken == 0]
        return [Run(departure, finish, legs, False) for legs, finish in alone[:1]]

    def _after(self, rests: Sequence[DriverBreak], finish: float) -> bool:
        return self.ready(finish, 0.0, rests) is not None

    def _drive(
        self,
        route: Route,
        plan: tuple[list[int], list[tuple[float, ...]]],
        clock: float,
        taken: int,
        legs: tuple[Leg, ...],
    ) -> Iterator[tuple[tuple[Leg, ...], float, int]]:
        """Yield the rest of a route for every number of breaks on each of the legs to come."""
        (way, loads), kind, place = plan, self.kinds[route.vehicle], len(legs)
        if place == len(way) - 1:
            yield legs, clock, taken
            return
        tail, head, load, wait = way[place], way[place + 1], loads[place], self.waits(route)[place]
        drive = self.law(DURATION, kind, (tail, head), load[0], clock, 0.0, 0.0)
        pause = self.pause(route, sum(leg.drive for leg in legs), drive)
        rests = self.rests[kind]
        done = begin = np.inf
        back = place == len(way) - 2 and self.vehicle(route).returns
        for more in range(len(rests) - taken + 1):
            ready = self.ready(clock, drive + pause, rests[taken : taken + more])
            if ready is None:
                continue
            if more:
                # nobody waits for a break at a client who can be served before it
                over = self.ready(clock, 0.0, rests[taken : taken + more - 1])
                rest = rests[taken + more - 1]
                if max(over or clock, rest.earliest) > begin + EPS and done <= rest.latest + EPS:
                    break
            begin, late = self.begin(head, max(ready, wait))
            leg = Leg(tail, head, load, clock, drive, ready, begin, late)
            done = begin if back else begin + self.stay(kind, head, load[0], begin)
            yield from self._drive(route, plan, done, taken + more, (*legs, leg))

    def departures(self, route: Route) -> list[float]:
        """Departures between which every time, and what it costs, is linear in the departure."""
        vehicle, kind = self.vehicle(route), self.kinds[route.vehicle]
        way, loads, rests = self.way(route), self.loads(route), self.rests[kind]
        soonest, waits = self.soonest(route), self.waits(route)
        gone, driven, offsets, events = 0.0, 0.0, [0.0], [(0.0, soonest), (0.0, vehicle.shift_end)]
        for place, (tail, head) in enumerate(pairwise(way)):
            drive = self.law(DURATION, kind, (tail, head), loads[place][0], 0.0, 0.0, 0.0)
            gone, driven = gone + drive + self.pause(route, driven, drive), driven + drive
            offsets.append(gone)
            if np.isfinite(waits[place]):
                events.append((gone, waits[place]))
            if head >= self.depots:
                events += [(gone, edge) for window in self.windows[head - self.depots] for edge in window]
            if place < len(way) - 2 or not vehicle.returns:
                gone += self.stay(kind, head, loads[place][0], 0.0)
                offsets.append(gone)
        events += [
            (at, edge)
            for at in offsets
            for r in rests
            for edge in (r.earliest, r.earliest + r.length, r.latest)
        ]
        events.append((gone, vehicle.shift_end))
        lengths = {
            sum(r.length for r in some)
            for size in range(len(rests) + 1)
            for some in combinations(rests, size)
        }
        stops = {
            edge + extra - at for at, edge in events for extra in (*lengths, *(-length for length in lengths))
        }
        limits = [vehicle.shift_duration, vehicle.max_duration]
        stops |= {stop + gone + extra - most for stop in stops for most in limits for extra in lengths}
        return sorted({round(stop, 9) for stop in stops if soonest <= stop < np.inf})

    def hours(self, route: Route, run: Run) -> dict[str, float]:
        """Price of what depends on the time: all of it, overtime, lateness."""
        vehicle = self.vehicle(route)
        over = max(0.0, run.duration - vehicle.shift_duration)
        late = sum(
            leg.late * (self.client(leg.head).unit_lateness_cost or 0.0)
            for leg in run.legs
            if leg.head >= self.depots
        )
        return {
            "time": vehicle.unit_duration_cost * run.duration,
            "overtime": vehicle.unit_overtime_cost * over if over else 0.0,
            "lateness": late,
        }

    def terms(self, route: Route, run: Run) -> dict[str, float]:
        """Price of one route by term, without the longest route's."""
        vehicle, kind = self.vehicle(route), self.kinds[route.vehicle]
        found = {"fixed": vehicle.fixed_cost, "distance": 0.0, **self.hours(route, run)}
        for leg in run.legs:
            found["distance"] += vehicle.unit_distance_cost * self.km[leg.tail][leg.head]
            for name in self.costs:
                state = (leg.load[0], leg.leave, leg.drive, leg.late)
                found[name] = found.get(name, 0.0) + self.law(name, kind, (leg.tail, leg.head), *state)
        return found

    def static_faults(self, route: Route) -> frozenset[str]:
        """Rules that a route breaks whenever it leaves."""
        vehicle, found = self.vehicle(route), set()
        trips, way = self.trips(route), self.way(route)
        room = self.room(vehicle)
        if any(a > b + EPS for load in self._loaded(route) for a, b in zip(load, room, strict=True)):
            found.add("capacity")
        if len(trips) - 1 > vehicle.max_reloads:
            found.add("reload")
        if sum(self.km[a][b] for a, b in pairwise(way)) > vehicle.max_distance + EPS:
            found.add("distance")
        served = [node for trip in trips for node in trip]
        found |= {rule for trip in trips for rule in self._trip_faults(trip, served)}
        for node in served:
            name = self.client(node).name
            if (vehicle.name, name) in self.unfit:
                found.add("skill")
            if name in self.pins and self.pins[name] != (route.vehicle, route.index):
                found.add("pinned")
        goods = [frozenset(self.client(node).goods) for node in served if self.policy.apart]
        for one, other in self.policy.apart:
            if any(
                a != b and one in goods[a] and other in goods[b]
                for a in range(len(goods))
                for b in range(len(goods))
            ):
                found.add("goods")
        if self.changed(route):
            found.add("started")
        return frozenset(found)

    def _trip_faults(self, trip: Sequence[int], served: Sequence[int]) -> Iterator[str]:
        for place, node in enumerate(trip):
            client = self.client(node)
            if client.source and self.index[client.source] not in trip[:place]:
                yield "order"
            if any(self.index[name] not in served for name in self.takers[client.name]):
                yield "order"
            if (
                self.policy.backhaul
                and client.pickup > 0
                and any(self.client(n).demand > 0 for n in trip[place + 1 :])
            ):
                yield "backhaul"

    def timed_faults(self, route: Route, run: Run) -> frozenset[str]:
        """Rules that a route breaks as it was driven."""
        vehicle, found = self.vehicle(route), set()
        if any(
            leg.late > EPS and self.client(leg.head).unit_lateness_cost is None
            for leg in run.legs
            if leg.head >= self.depots
        ):
            found.add("time window")
        if run.departure < vehicle.shift_start - EPS or run.finish > vehicle.shift_end + EPS:
            found.add("shift")
        if run.duration > vehicle.max_duration + EPS:
            found.add("duration")
        if not run.rested:
            found.add("break")
        if run.departure < self.released(self.trips(route)[0]) - EPS:
            found.add("release")
        known = self.under_way(route)
        left = None if known is None else known.departure
        if run.departure < (self.now if known is None else -np.inf) - EPS:
            found.add("started")
        if left is not None and abs(run.departure - left) > EPS:
            found.add("started")
        return frozenset(found)

    def choices(self, route: Route) -> list[Run]:
        """Ways to drive a route at its departure, or at all where something changes; the best first.

        Those that break the fewest rules come first, then those that are late or too long by the least, then the
        cheapest, those with the earliest return and the latest departure.
        """
        known = self.under_way(route)
        leaves = known.departure if route.departure is None and known is not None else route.departure

        def rested(run: Run) -> tuple[int, float]:
            return len(self.timed_faults(route, run)), round(sum(self.terms(route, run).values()), 6)

        def key(run: Run) -> tuple[float, ...]:
            over = self.excess(route, run)
            price = round(sum(self.terms(route, run).values()), 6)
            broken = sum(amount > EPS for amount in over) + (not run.rested)
            return broken, round(sum(over), 6), price, round(run.finish, 6), -run.departure

        starts = self.departures(route) if leaves is None else [leaves]
        return sorted((min(self.runs(route, start), key=rested) for start in starts), key=key)

    def excess(self, route: Route, run: Run) -> list[float]:
        """By how much a route is late at each client that must not be, is back late, and takes too long."""
        vehicle = self.vehicle(route)
        late = [
            leg.late
            for leg in run.legs
            if leg.head >= self.depots and self.client(leg.head).unit_lateness_cost is None
        ]
        return [
            *late,
            max(0.0, run.finish - vehicle.shift_end),
            max(0.0, run.duration - vehicle.max_duration),
        ]

    def drive(self, route: Route) -> Run:
        """Drive a route at its departure, or the best one: see `choices`."""
        return self.choices(route)[0]

    def drive_plan(self, plan: RoutingPlan) -> list[Run]:
        """Drive the routes of a plan at the departures with which they cost least, the longest of them included."""
        options = [self.choices(route) for route in plan.routes]
        rate, best = self.policy.longest_route_cost, [each[0] for each in options]
        if not rate:
            return best
        least, found = np.inf, best
        for longest in sorted({run.duration for each in options for run in each}):
            runs = []
            for route, each in zip(plan.routes, options, strict=True):
                first = self.excess(route, each[0]), each[0].rested
                alike = [
                    run
                    for run in each
                    if run.duration <= longest + EPS
                    and run.rested == first[1]
                    and np.allclose(self.excess(route, run), first[0], atol=EPS)
                ]
                runs += alike[:1]
            if len(runs) == len(options):
                cost = sum(
                    sum(self.terms(route, run).values()) for route, run in zip(plan.routes, runs, strict=True)
                )
                cost += rate * max(run.duration for run in runs)
                if cost < least - EPS:
                    least, found = cost, runs
        return found

    def faults(self, plan: RoutingPlan) -> frozenset[str]:
        """Rules that a plan breaks."""
        found = {rule for route in plan.routes for rule in self.static_faults(route)}
        runs = zip(plan.routes, self.drive_plan(plan), strict=True)
        found |= {rule for route, run in runs for rule in self.timed_faults(route, run)}
        served = [name for route in plan.routes for name in route.clients]
        if any(client.mandatory and client.name not in served for client in self.problem.clients):
            found.add("unserved")
        vehicles = {(route.vehicle, route.index) for route in plan.routes}
        if any((each.vehicle, each.index) not in vehicles for each in self.problem.started):
            found.add("started")
        return frozenset(found)

    def price(self, plan: RoutingPlan) -> dict[str, float]:
        """Price of a plan by term; terms that cost nothing are left out."""
        found: dict[str, float] = {"longest route": 0.0}
        for route, run in zip(plan.routes, self.drive_plan(plan), strict=True):
            for name, amount in self.terms(route, run).items():
                found[name] = found.get(name, 0.0) + amount
            longest = self.policy.longest_route_cost * run.duration
            found["longest route"] = max(found["longest route"], longest)
        served = {name for route in plan.routes for name in route.clients}
        found["missed prizes"] = sum(c.prize or 0.0 for c in self.problem.clients if c.name not in served)
        return {name: amount for name, amount in found.items() if abs(amount) > 1e-12}

    def options(self, name: str, number: int = 1) -> dict[int, list[tuple[float, float, Route]]]:
        """Return for each set of clients the routes of a vehicle that are not worse in cost and duration."""
        vehicle, n = self.problem.vehicles[self.kinds[name]], len(self.problem.clients)
        home = vehicle.start_depot or self.problem.depots[0].name
        names = [client.name for client in self.problem.clients]
        found: dict[int, list[tuple[float, float, Route]]] = {}
        for size in range(1, n + 1):
            for order in permutations(range(n), size):
                mask = sum(1 << place for place in order)
                for stops in _with_reloads([names[place] for place in order], home, vehicle.max_reloads):
                    route = Route(name, number, home, stops)
                    if not self.static_faults(route) - {"pinned"}:
                        found[mask] = self._front(found.get(mask, []) + self._priced(route))
        return {mask: front for mask, front in found.items() if front}

    def _priced(self, route: Route) -> list[tuple[float, float, Route]]:
        """Price a route at every departure worth it that breaks no rule."""
        vehicle = self.vehicle(route)
        # an earlier departure never makes anything later, so that a route that is late then always is; but for a break
        # that may be over before a later one
        late = frozenset({"time window", "shift", "break"})
        soonest = self.soonest(route)
        rested = any(rest.earliest < soonest for rest in self.rests[self.kinds[route.vehicle]])
        if not rested and all(self.timed_faults(route, run) & late for run in self.runs(route, soonest)):
            return []
        paid = vehicle.unit_duration_cost or vehicle.unit_overtime_cost or self.policy.longest_route_cost
        timed = rested or paid or np.isfinite(vehicle.max_duration)
        known = self.under_way(route)
        left = known is not None and known.departure is not None
        starts = self.departures(route) if timed and not left else [soonest]
        runs = [run for start in starts for run in self.runs(route, start)]
        good = [run for run in runs if not self.timed_faults(route, run)]
        return [(sum(self.terms(route, run).values()), run.duration, route) for run in good]

    def _front(self, options: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Keep the cheapest, and those that cost more but take less time where the longest route is paid for."""
        kept: list[tuple[Any, ...]] = []
        for option in sorted(options, key=lambda each: each[:2]):
            if not kept or (self.policy.longest_route_cost and option[1] < kept[-1][1] - EPS):
                kept.append(option)
        return kept

    def best(self) -> Best:
        """Try every plan."""
        clients = self.problem.clients
        fronts: dict[int, list[tuple[Any, ...]]] = {0: [(0.0, 0.0, ())]}
        for vehicle in self.problem.vehicles:
            options = self.options(vehicle.name)
            for number in range(1, vehicle.num_available + 1):
                if self.problem.started and number > 1:
                    options = self.options(vehicle.name, number)
                other = [
                    self.pins.get(client.name, (vehicle.name, number)) != (vehicle.name, number)
                    for client in clients
                ]
                taken = sum(1 << place for place, pinned in enumerate(other) if pinned)
                goes = self.under_way(Route(vehicle.name, number, "", ())) is not None
                longer = {} if goes else {mask: list(front) for mask, front in fronts.items()}
                for done, front in fronts.items():
                    for mask, routes in options.items():
                        if not mask & (done | taken):
                            longer.setdefault(done | mask, []).extend(
                                (
                                    cost + price,
                                    max(longest, span),
                                    (*before, Route(vehicle.name, number, *_rest(route))),
                                )
                                for cost, longest, before in front
                                for price, span, route in routes
                            )
                fronts = {mask: self._front(front) for mask, front in longer.items()}
        found = []
        for done, front in fronts.items():
            left = [client for place, client in enumerate(clients) if not done >> place & 1]
            missed = sum(client.mandatory for client in left)
            prizes = sum(client.prize or 0.0 for client in left)
            rate = self.policy.longest_route_cost
            found += [Best(missed, cost + prizes + rate * span, routes) for cost, span, routes in front]
        return min(found, key=lambda best: best[:2], default=Best(len(clients) + 1, np.inf, ()))


def _rest(route: Route) -> tuple[str, tuple[str, ...]]:
    return route.depot, route.clients


def _with_reloads(names: Sequence[str], home: str, most: int) -> Iterator[tuple[str, ...]]:
    """Yield the order with so many visits of the depot at most between its clients."""
    for times in range(min(most, len(names) - 1) + 1):
        for cuts in combinations(range(1, len(names)), times):
            stops: list[str] = []
            for place, name in enumerate(names):
                stops += [home, name] if place in cuts else [name]
            yield tuple(stops)


def best_of_all(problem: RoutingProblem) -> Best:
    """Return the optimum of a small problem by trying every plan there is."""
    return Simulator(problem).best()
