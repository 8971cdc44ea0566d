"""Plans to start a search from, or that make it unnecessary."""

from __future__ import annotations

from dataclasses import replace

from kanopt.problems.routing import Route, RoutingPlan, RoutingProblem
from kanopt.problems.routing.rules.pickup_delivery import trips_of


def restrict_plan(problem: RoutingProblem, plan: RoutingPlan) -> RoutingPlan:
    """Return a plan without the clients that a relaxed problem does not have."""
    names = {client.name for client in problem.clients}
    routes = []
    for route in plan.routes:
        kept = tuple(name for name in route.clients if name in names)
        # keep a reload only between two clients that remain
        if len(kept) < len(route.clients) and route.depot in route.clients:
            trips = [tuple(name for name in trip if name in names) for trip in trips_of(route)]
            kept = tuple(
                name
                for place, trip in enumerate(trip for trip in trips if trip)
                for name in ((route.depot, *trip) if place else trip)
            )
        if kept:
            routes.append(replace(route, clients=kept, departure=None))
    return problem.plan_from(routes)


def best_fit_plan(problem: RoutingProblem) -> RoutingPlan:
    """Assign clients by decreasing demand, each to the fullest vehicle that can carry it; other rules are ignored."""
    data = problem.data
    vehicles = [
        (vehicle, number)
        for vehicle in problem.vehicles
        for number in range(1, min(vehicle.num_available, len(problem.clients)) + 1)
    ]
    spare = [vehicle.capacity for vehicle, _ in vehicles]
    on: dict[int, list[str]] = {}
    for client in sorted(problem.clients, key=lambda client: -client.demand):
        fits = [place for place, free in enumerate(spare) if client.demand <= free + 1e-9]
        if fits:
            place = min(fits, key=lambda place: spare[place])
            spare[place] -= client.demand
            on.setdefault(place, []).append(client.name)
    routes = [
        Route(vehicle.name, number, data.depot_of[vehicle.name], tuple(on[place]))
        for place, (vehicle, number) in enumerate(vehicles)
        if place in on
    ]
    return problem.plan_from(routes)
