"""Large neighbourhood search by the kernel: plans that keep every rule, priced on the laws themselves."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanopt.engines.compiled.library import kernel, kernel_for
from kanopt.routing import Route, RoutingPlan
from kanopt.routing.search.racer.plan_data import PlanData
from kanopt.routing.search.racer.started_routes import begun_with
from kanopt.routing.search.racer.structures import ProblemStruct, ReportStruct, ScoreStruct
from kanopt.units import convert

RULES = (
    "skill", "goods", "pinned", "reload", "backhaul", "order", "capacity", "road", "time window", "shift", "distance",
    "duration", "break", "release", "started",
)  # fmt: skip
"""What a route can break, as the referee calls it, in the order of the bits in ``kernel/drive.h``."""
MODELLED = frozenset(
    {
        *RULES,
        "fleet",
        "depot",
        "visits",
        "prize",
        "measures",
        "several windows",
        "soft window",
        "overtime",
        "even work",
        "driving rest",
    }
)
"""The rules that the kernel drives and searches with."""


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


_CLOSE = 1.0 / 60.0
"""Minutes: how near the best departure is looked for."""


class RacerSearch:
    """A search that takes steps when it is asked to.

    A step takes some clients out of the plan and puts them back where they cost least, or exchanges the tails of two
    routes; every route is driven on the laws, and leaves when that costs least. A plan that costs more than the current
    one is accepted if it does so by no more than the heat times the logarithm of chance (simulated annealing).

    Parameters
    ----------
    plan_data
        The problem.
    seed
        Of all random choices; the same seed gives the same steps.
    """

    def __init__(self, plan_data: PlanData, seed: int = 0) -> None:
        self.plan_data = plan_data
        library = kernel_for(ProblemStruct, "racer_problem_size")
        library.racer_new.restype = ctypes.c_void_p
        close = convert(_CLOSE, "min", plan_data.problem.units.time)
        pointer = library.racer_new(
            ctypes.byref(plan_data.struct),
            ctypes.byref(plan_data.rough),
            ctypes.c_uint64(seed),
            ctypes.c_double(close),
        )
        if not pointer:
            raise MemoryError("the racer's plans do not fit in memory")
        self._library, self._search = library, ctypes.c_void_p(pointer)
        # the kernel reads the problem's sizes while it frees its plans: the finalizer keeps that alive until then
        weakref.finalize(self, _free, self._search, plan_data)

    def begin(self, plan: RoutingPlan) -> None:
        """Start from a plan, of which routes that break a rule are taken apart; clients without a route are put in.

        Of vehicles under way a route that does not hold gives way to what they must do.
        """
        data, known = self.plan_data.problem.data, self.plan_data
        slot = {vehicle: place for place, vehicle in enumerate(known.vehicles)}
        routes: dict[int, tuple[Sequence[int], float]] = {}
        seen: set[int] = set()
        started, others = begun_with(data, plan)
        going = [route for options in started if (route := self._possible(options, slot)) is not None]
        for route in (*going, *others):
            place = slot.get((data.type_index[route.vehicle], route.index), -1)
            stops = [data.index[name] for name in route.clients]
            clients = [node for node in stops if node >= len(data.depots)]
            vehicle = data.vehicles[data.type_index[route.vehicle]]
            if (
                place < 0
                or place in routes
                or len(set(clients)) < len(clients)
                or not seen.isdisjoint(clients)
                or len(stops) - len(clients) > vehicle.max_reloads  # the kernel has room for no more
            ):
                continue
            seen.update(clients)
            routes[place] = stops, data.leaves_from(route) if route.departure is None else route.departure
        starts = np.cumsum([0, *(len(stops) for stops, _ in routes.values())], dtype=np.int64)
        nodes = np.array([node for stops, _ in routes.values() for node in stops], dtype=np.int32)
        leaves = np.array([departure for _, departure in routes.values()], dtype=np.float64)
        slots = np.array(list(routes), dtype=np.int32)
        arrays = (ctypes.c_void_p(array.ctypes.data) for array in (slots, starts, nodes, leaves))
        self._check(self._library.racer_begin(self._search, ctypes.c_int64(len(routes)), *arrays))

    def _possible(self, options: Sequence[Route], slot: Mapping[tuple[int, int], int]) -> Route | None:
        """Return the first of some routes of a vehicle that breaks no rule."""
        data = self.plan_data.problem.data
        for route in options:
            vehicle = slot[data.type_index[route.vehicle], route.index]
            stops = [data.index[name] for name in route.clients]
            reloads = sum(node < len(data.depots) for node in stops)
            fits = reloads <= data.vehicles[data.type_index[route.vehicle]].max_reloads
            fits = fits and len(set(stops)) == len(stops) - max(0, reloads - 1)
            if fits and np.isfinite(self.depart(vehicle, stops).price):
                return route
        return None

    def take_steps(self, steps: int, heat: float, *, legs: int = 2**62, removed: int = 0) -> None:
        """Take steps.

        Parameters
        ----------
        steps
            How many at most.
        heat
            Price: by so much a plan may be worse than the current one with probability 1/e.
        legs
            After how many legs driven the last step ends.
        removed
            How many clients each step takes out; 0 for as many as the search likes, and other steps among them.
        """
        numbers = (ctypes.c_int64(number) for number in (steps, legs, removed))
        arguments = *numbers, ctypes.c_double(heat)
        self._check(self._library.racer_steps(self._search, *arguments))

    def depart(self, vehicle: int, stops: Sequence[int]) -> RouteScore:
        """Return what becomes of a route that leaves when it costs least; infinite where it cannot keep the rules.

        Parameters
        ----------
        vehicle
            Its place among the vehicles of the plan data.
        stops
            Nodes of clients, and of the depot where it reloads.
        """
        nodes = np.array(stops, dtype=np.int32)
        self._library.racer_depart.restype = ScoreStruct
        score = self._library.racer_depart(
            self._search,
            ctypes.c_int64(vehicle),
            ctypes.c_void_p(nodes.ctypes.data),
            ctypes.c_int64(len(nodes)),
        )
        return RouteScore.of(score)

    def return_to_best(self) -> None:
        """Go on from the best plan."""
        self._library.racer_return_to_best(self._search)

    @staticmethod
    def _check(failed: Any) -> None:
        if failed:
            raise MemoryError("the racer's plans do not fit in memory")

    @property
    def report(self) -> ReportStruct:
        """How far the search is."""
        report = ReportStruct()
        self._library.racer_report(self._search, ctypes.byref(report))
        return report

    def best_plan(self) -> RoutingPlan:
        """Return the best plan, with departures."""
        report, data, known = self.report, self.plan_data.problem.data, self.plan_data
        slots = np.zeros(report.best_routes, dtype=np.int32)
        starts = np.zeros(report.best_routes + 1, dtype=np.int64)
        stops = np.zeros(report.best_stops, dtype=np.int32)
        leaves = np.zeros(report.best_routes)
        arrays = (ctypes.c_void_p(array.ctypes.data) for array in (slots, starts, stops, leaves))
        self._library.racer_best(self._search, *arrays)
        routes = []
        for place, slot in enumerate(slots.tolist()):
            kind, number = known.vehicles[slot]
            names = tuple(data.names[node] for node in stops[starts[place] : starts[place + 1]])
            vehicle = data.vehicles[kind].name
            routes.append(Route(vehicle, number, data.depot_of[vehicle], names, float(leaves[place])))
        return known.problem.plan_from(RoutingPlan(tuple(routes)))


def _free(search: ctypes.c_void_p, plan_data: PlanData) -> None:
    kernel().racer_free(search)
