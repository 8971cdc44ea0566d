"""The cheapest way to add a client to a plan, and the smallest violation that would make room for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from kanopt.problems.routing.laws import Facts, Floats, Laws
from kanopt.problems.routing.plan import Route, RoutingPlan
from kanopt.problems.routing.planning import Planning
from kanopt.problems.routing.pricing import route_costs
from kanopt.problems.routing.timing import Drive, drive

__all__ = ["Insertion", "Insertions"]

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Insertion:
    """One place for a client.

    Parameters
    ----------
    route
        The route with the client in it.
    client
        The client added.
    load, time
        By how much capacity, and windows and shift together, would be exceeded beyond what the plan exceeds already.
    late
        The largest single excess of time: what is exceeded (``"client c3"`` or ``"shift"``) and by how much.
    cost
        What the plan would cost more; NaN where the place is not feasible.
    """

    route: Route
    client: str
    load: float
    time: float
    late: tuple[str, float]
    cost: float = float("nan")

    @property
    def place(self) -> str:
        """The vehicle and the neighbours, in words."""
        way = (self.route.depot, *self.route.clients, self.route.depot)
        at = way.index(self.client, 1)
        return f"{self.route.label} between {way[at - 1]} and {way[at + 1]}"


class Insertions:
    """Everywhere a client could be added to a plan, driven and priced on the law.

    Parameters
    ----------
    laws, planning
        The problem's laws and planning values.
    plan
        The plan to add to.
    """

    def __init__(self, laws: Laws, planning: Planning, plan: RoutingPlan) -> None:
        self.laws = laws
        self.planning = planning
        self.plan = plan
        driven = drive(laws, planning, plan.routes)
        self.costs = route_costs(laws, planning, plan.routes, driven)
        early = self._leaving_early(plan.routes)
        self.excess = self._excess(early, drive(laws, planning, early))
        self.spare = self._spare()

    @property
    def facts(self) -> Facts:
        """The problem's data."""
        return self.laws.facts

    def _spare(self) -> list[Route]:
        """Return an empty route for one unused vehicle of each type."""
        used = {(route.vehicle, route.index) for route in self.plan.routes}
        spare = []
        for vehicle in self.facts.vehicles:
            free = [index for index in range(1, vehicle.count + 1) if (vehicle.name, index) not in used]
            if free:
                spare.append(Route(vehicle.name, free[0], self.facts.depot_of[vehicle.name], ()))
        return spare

    def _may(self, route: Route, client: str) -> bool:
        return bool(self.facts.allowed[self.facts.type_index[route.vehicle], self.facts.index[client]])

    def free_capacity(self, client: str) -> list[tuple[str, float]]:
        """Return the free capacity of used and one unused vehicle of each type that may serve a client, most first."""
        loads = [
            (route, float(sum(self.facts.demand[self.facts.index[name]] for name in route.clients)))
            for route in (*self.plan.routes, *self.spare)
            if self._may(route, client)
        ]
        free = [
            (route.label, self.facts.vehicles[self.facts.type_index[route.vehicle]].capacity - load)
            for route, load in loads
        ]
        return sorted(free, key=lambda item: -item[1])

    def _leaving_early(self, routes: Sequence[Route]) -> list[Route]:
        start = {vehicle.name: vehicle.shift_start for vehicle in self.facts.vehicles}
        return [replace(route, departure=start[route.vehicle]) for route in routes]

    def _lateness(self, driven: Drive) -> Floats:
        reached = np.isfinite(driven.begin)
        late = np.full(reached.shape, np.inf)
        late[reached] = np.maximum(driven.begin[reached] - self.facts.latest[driven.head[reached]], 0.0)
        return late

    def _excess(self, routes: Sequence[Route], driven: Drive) -> Floats:
        """Return the excess of load, of windows and of the shift of each route; (routes, 3)."""
        facts = self.facts
        types = np.array([facts.type_index[route.vehicle] for route in routes], dtype=np.intp)
        demand = np.bincount(driven.route, weights=facts.demand[driven.head], minlength=len(routes))
        late = np.bincount(driven.route, weights=self._lateness(driven), minlength=len(routes))
        over, back = np.full(len(routes), np.inf), np.isfinite(driven.finish)
        np.subtract(driven.finish, facts.of_vehicles("shift_end")[types], out=over, where=back)
        load = np.maximum(demand - facts.of_vehicles("capacity")[types], 0.0)
        excess = np.stack([load, late, over], axis=1)
        return np.where(excess > _TOLERANCE, excess, 0.0)

    def of(self, client: str) -> list[Insertion]:
        """Return every place for a client that roads allow; feasible ones with their cost."""
        routes = [*self.plan.routes, *self.spare]
        tried, origin = [], []
        for place, route in enumerate(routes):
            if not self._may(route, client):
                continue
            for at in range(len(route.clients) + 1):
                tried.append(replace(route, clients=(*route.clients[:at], client, *route.clients[at:])))
                origin.append(place)
        before = np.zeros((len(routes), 3))
        before[: len(self.plan.routes)] = self.excess
        early = self._leaving_early(tried)
        driven = drive(self.laws, self.planning, early)
        with np.errstate(invalid="ignore"):
            excess = np.maximum(self._excess(early, driven) - before[origin], 0.0)
        found = [
            Insertion(
                route=replace(route, departure=None),
                client=client,
                load=float(excess[place, 0]),
                time=float(excess[place, 1:].sum()),
                late=self._worst(driven, place, excess[place]),
            )
            for place, route in enumerate(tried)
            if np.isfinite(excess[place]).all()
        ]
        return self._priced(found)

    def _worst(self, driven: Drive, place: int, excess: Floats) -> tuple[str, float]:
        here = np.flatnonzero(driven.route == place) if excess[1] > 0 else np.zeros(0, dtype=np.intp)
        if here.size:
            late = self._lateness(driven)[here]
            worst = int(np.argmax(late))
            if late[worst] >= excess[2]:
                return f"client {self.facts.names[driven.head[here[worst]]]}", float(late[worst])
        return "shift", float(excess[2])

    def _priced(self, found: list[Insertion]) -> list[Insertion]:
        """Add the cost of the feasible places."""
        fits = [insertion for insertion in found if insertion.load == 0 and insertion.time == 0]
        if not fits:
            return found
        routes = [insertion.route for insertion in fits]
        costs = route_costs(self.laws, self.planning, routes, drive(self.laws, self.planning, routes))
        present = {route.label: cost for route, cost in zip(self.plan.routes, self.costs, strict=True)}
        priced = [
            replace(insertion, cost=float(cost - present.get(insertion.route.label, 0.0)))
            for insertion, cost in zip(fits, costs, strict=True)
        ]
        rest = [insertion for insertion in found if insertion.load > 0 or insertion.time > 0]
        return priced + rest
