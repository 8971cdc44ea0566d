"""Plans driven by the kernel alone: what they cost, and which rules they break."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt import RoutingProblem
from kanopt.engines.compiled.library import kernel
from kanopt.routing import RoutingPlan
from kanopt.routing.plan import StartedRoute
from kanopt.routing.search.racer.plan_data import PlanData, ScoreStruct
from kanopt.routing.search.racer.search import RULES

__all__ = ["RouteScore", "drive_routes", "score_plan"]


@dataclass(frozen=True)
class RouteScore:
    """What becomes of a route.

    Parameters
    ----------
    price
        With fixed cost, time and overtime, but not what the longest route costs; infinite where no road leads.
    departure, finish
        When it leaves and is back.
    broken
        The rules it breaks.
    """

    price: float
    departure: float
    finish: float
    broken: frozenset[str]

    @classmethod
    def of(cls, score: ScoreStruct) -> RouteScore:
        """Read what the kernel says."""
        broken = frozenset(rule for bit, rule in enumerate(RULES) if score.broken >> bit & 1)
        return cls(score.price, score.departure, score.finish, broken)


def drive_routes(
    plan_data: PlanData, routes: Sequence[tuple[int, Sequence[int]]], departure: Sequence[float]
) -> list[RouteScore]:
    """Drive routes from given departures.

    Parameters
    ----------
    plan_data
        The problem.
    routes
        Each as the place of its vehicle among `plan_data.vehicles`, and its stops: nodes of clients, and that of its
        depot where it reloads.
    departure
        When each leaves.
    """
    slots = np.array([slot for slot, _ in routes], dtype=np.int32)
    start = np.cumsum([0, *(len(stops) for _, stops in routes)], dtype=np.int64)
    stops = np.array([node for _, nodes in routes for node in nodes], dtype=np.int32)
    leaves = np.array(departure, dtype=np.float64)
    scores = (ScoreStruct * max(1, len(routes)))()
    failed = kernel().racer_drive(
        ctypes.byref(plan_data.struct),
        ctypes.c_int64(len(routes)),
        *(_pointer(array) for array in (slots, start, stops, leaves)),
        scores,
    )
    if failed:
        raise MemoryError("the routes do not fit in memory")
    return [RouteScore.of(score) for score in scores[: len(routes)]]


def score_plan(
    problem: RoutingProblem, plan: RoutingPlan, plan_data: PlanData | None = None
) -> tuple[float, frozenset[str]]:
    """Return the price of a plan and the rules its routes break, as the kernel sees them.

    Parameters
    ----------
    problem
        The problem.
    plan
        Its routes state when they leave.
    plan_data
        The problem compiled, where that has been done.
    """
    known = PlanData(problem) if plan_data is None else plan_data
    data = problem.data
    slot = {vehicle: place for place, vehicle in enumerate(known.vehicles)}
    routes = [
        (slot[data.type_index[route.vehicle], route.index], [data.index[name] for name in route.clients])
        for route in plan.routes
    ]
    found = drive_routes(known, routes, [route.departure or 0.0 for route in plan.routes])
    broken = frozenset[str]().union(*(score.broken for score in found))
    if not all(_holds(plan, each) for each in data.started):
        broken |= {"started"}
    price = sum(score.price for score in found)
    price += sum(client.prize or 0.0 for client in problem.clients if client.name in set(plan.unserved))
    longest = max((score.finish - score.departure for score in found), default=0.0)
    rate = data.policy.longest_route_cost
    return price + (rate * longest if rate else 0.0), broken


def _holds(plan: RoutingPlan, each: StartedRoute) -> bool:
    """Say whether a plan has a route under way, with everybody who stays on it."""
    stops = [route.clients for route in plan.routes if (route.vehicle, route.index) == each.vehicle]
    return bool(stops) and each.bound <= {name for clients in stops for name in clients}


def _pointer(array: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)
