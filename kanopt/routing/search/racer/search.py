"""Large neighbourhood search by the kernel: plans that keep every rule, priced on the laws themselves."""

from __future__ import annotations

import ctypes
import math
import weakref
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import repeat
from typing import Any

import numpy as np

from kanopt.engines.base import SearchClock, asks_to_stop
from kanopt.engines.compiled.library import kernel, kernel_for
from kanopt.plans.base import Rank
from kanopt.plans.result import Progress
from kanopt.routing import Route, RoutingPlan
from kanopt.routing.arrays import RoutingData
from kanopt.routing.plan import StartedRoute, trip_after
from kanopt.routing.problem import RoutingProblem
from kanopt.routing.search.racer.plan_data import PlanData, ProblemStruct, ReportStruct, ScoreStruct
from kanopt.text import count_text
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


# Simulated annealing of one search: from hot to cold, and again, until that finds nothing better.

_HOT, _COLD = 0.3, 0.01
"""Of the price for each client: by how much a plan may be worse than the current one with probability 1/e, at first and
at last. Christiaens and Vanden Berghe (2020) begin and end with 100 and 1 where an arc costs about 100."""
_SLICE = 200_000
"""Legs driven between two looks at the clock: about 20 ms."""
_LONGER = 2
"""How many times as long each cycle is as the one before."""
_PATIENCE = 2
"""Cycles in a row that find nothing better, after which the search ends."""
_NOTICED = 0.05
"""Of the time that is left: from then on a cycle that lags behind the clock has no time for all its steps."""


@dataclass(frozen=True)
class StoppingCriteria:
    """When a search ends.

    Parameters
    ----------
    seconds
        Wall seconds, None for no limit.
    steps
        Plans tried by each search, None for no limit. Where no time limit is met the same seed gives the same plan.
    stop_requested
        Looked at some fifty times a second: whether to stop.
    cycle
        Steps from hot to cold, None for one cycle until a limit is met. Then another begins at the best plan, twice as
        long; the search ends by itself once two in a row have found nothing better.
    """

    seconds: float | None
    steps: int | None
    stop_requested: Callable[[], bool]
    cycle: int | None = None

    @property
    def most_steps(self) -> float:
        """Plans tried by each search, infinite where there is no limit."""
        return math.inf if self.steps is None else self.steps


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

    Attributes
    ----------
    ended
        Whether annealing ended by itself.
    """

    def __init__(self, plan_data: PlanData, seed: int = 0) -> None:
        self.plan_data = plan_data
        library = kernel_for(ProblemStruct, "racer_problem_size")
        library.racer_new.restype = ctypes.c_void_p
        close = convert(_CLOSE, "min", plan_data.problem.units.time)
        pointer = library.racer_new(
            ctypes.byref(plan_data.struct),
            ctypes.c_uint64(seed),
            ctypes.c_double(close),
        )
        if not pointer:
            raise MemoryError("the racer's plans do not fit in memory")
        self._library, self._search = library, ctypes.c_void_p(pointer)
        self.ended, self._idle, self._length = False, 0, 0.0
        # the kernel reads the problem's sizes while it frees its plans: the finalizer keeps that alive until then
        weakref.finalize(self, lambda search, _: kernel().racer_free(search), self._search, plan_data)

    def begin(self, plan: RoutingPlan) -> None:
        """Start from a plan, of which routes that break a rule are taken apart; clients without a route are put in.

        Of vehicles under way a route that does not hold gives way to what they must do.
        """
        data = self.plan_data.problem.data
        slots = {
            (data.vehicles[kind].name, one): slot for slot, (kind, one) in enumerate(self.plan_data.vehicles)
        }
        choices: dict[tuple[str, int], list[Route]] = {each.vehicle: [] for each in data.started}
        for route in plan.routes:
            choices.setdefault((route.vehicle, route.index), []).append(route)
        for each in data.started:
            choices[each.vehicle] += _continued(data, each)
        routes: dict[int, tuple[list[int], float]] = {}
        seen: set[int] = set()
        for vehicle, tried in choices.items():
            for route in tried if vehicle in slots else ():
                stops = [data.index[name] for name in route.clients]
                clients = {node for node in stops if node >= len(data.depots)}
                reloads = sum(node < len(data.depots) for node in stops)
                # the kernel has room for no more
                fits = reloads <= data.vehicles[data.type_index[vehicle[0]]].max_reloads
                fits = fits and len(clients) + reloads == len(stops) and seen.isdisjoint(clients)
                if fits and vehicle in data.started_of:
                    fits = math.isfinite(self.depart(slots[vehicle], stops).price)
                if fits:
                    seen |= clients
                    leaves = data.leaves_from(route) if route.departure is None else route.departure
                    routes[slots[vehicle]] = stops, leaves
                    break
        starts = np.cumsum([0, *(len(stops) for stops, _ in routes.values())], dtype=np.int64)
        nodes = np.array([node for stops, _ in routes.values() for node in stops], dtype=np.int32)
        departures = np.array([leaves for _, leaves in routes.values()], dtype=np.float64)
        places = np.array(list(routes), dtype=np.int32)
        arrays = (ctypes.c_void_p(array.ctypes.data) for array in (places, starts, nodes, departures))
        self._check(self._library.racer_begin(self._search, ctypes.c_int64(len(routes)), *arrays))

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
        self._check(self._library.racer_steps(self._search, *numbers, ctypes.c_double(heat)))

    def depart(self, vehicle: int, stops: Sequence[int]) -> ScoreStruct:
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
        stopped = ctypes.c_void_p(nodes.ctypes.data), ctypes.c_int64(len(nodes))
        return self._library.racer_depart(self._search, ctypes.c_int64(vehicle), *stopped)

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

    # ---- simulated annealing: from hot to cold, and again, until that finds nothing better

    def start(self, plan: RoutingPlan, limits: StoppingCriteria, seconds: float) -> None:
        """Begin with a plan; limits and seconds as in :meth:`advance`."""
        self.begin(plan)
        self._begin_cycle(limits, seconds)

    @property
    def steps(self) -> int:
        """How many plans were tried."""
        return int(self.report.steps)

    @property
    def best(self) -> tuple[int, float]:
        """How many clients that must be served the best plan leaves out, and what it costs."""
        report = self.report
        return int(report.best_missed), report.best_price - report.best_missed * self.plan_data.missed

    def advance(self, limits: StoppingCriteria, seconds: float) -> None:
        """Take steps for about 20 ms, or begin another cycle where this one is over.

        The clock has no say in a cycle that ends after so many steps: the same seed would not give the same plan. A
        cycle for which there is no time goes on until the time is over instead.

        Parameters
        ----------
        limits
            When the search is to end.
        seconds
            Since when time is counted.
        """
        by_clock = 0.0
        if limits.seconds is not None:
            left = limits.seconds - self._since
            by_clock = (seconds - self._since) / left if left > 0 else 1.0
        if by_clock > max(self._share_of_steps, _NOTICED):
            self._until = limits.most_steps
        if self.steps >= self._until:
            self._idle = 0 if self.report.improved > self._improved else self._idle + 1
            self.ended = self._idle >= _PATIENCE
            self._begin_cycle(limits, seconds)
            return
        share = self._share_of_steps
        share = share if self._until < limits.most_steps else max(share, by_clock)
        # by how much a plan may be worse with probability 1/e
        heat = (
            abs(self.best[1]) / len(self.plan_data.problem.clients) * _HOT * (_COLD / _HOT) ** min(share, 1.0)
        )
        steps = min(self._until - self.steps, float(_SLICE))
        self.take_steps(int(steps), heat, legs=_SLICE)

    def _begin_cycle(self, limits: StoppingCriteria, seconds: float) -> None:
        """Go back to the best plan, and say after how many steps the cycle ends."""
        self.return_to_best()
        report = self.report
        self._since, self._first, self._improved = seconds, int(report.steps), int(report.improved)
        self._length = _LONGER * self._length if self._length else limits.cycle or math.inf
        left = limits.most_steps - self._first
        if limits.seconds is not None and self._first:  # for about so many steps there is time
            left = min(left, self._first * (limits.seconds - seconds) / seconds)
        # where there is no time for a longer one after it, it is the last
        is_last = left < (1 + _LONGER) * self._length
        self._until = limits.most_steps if is_last else self._first + self._length

    @property
    def _share_of_steps(self) -> float:
        """How much of a cycle is over by its steps."""
        whole = self._until - self._first
        return float((self.steps - self._first) / whole) if whole > 0 else 1.0


def _continued(data: RoutingData, each: StartedRoute) -> Iterator[Route]:
    """Yield the route as it was when it began, and with what it must serve alone."""
    yield each.route
    kept = len(each.kept)
    rest = trip_after(each.route.clients, kept, each.route.depot)
    sources = {client.name: client.source for client in data.clients}
    needed = [name for name in rest if name in each.aboard or sources.get(name) in each.kept]
    stops = (*each.kept, *needed)
    takers = [name for name, source in sources.items() if source in each.kept and name not in stops]
    yield replace(each.route, clients=(*stops, *takers))
    yield replace(each.route, clients=stops)


# Searches side by side: make a plan better on the law, never worse.

_PER_LEG = 1.2e-7  # seconds, for a clock that counts work
_NEXT_SEED = 1_000_003


class RacerRun:
    """One search on a problem, from plan to plan: true loads, true clock, best departures.

    Parameters
    ----------
    problem
        A routing problem.
    plan
        Where to start; None for no client served.
    seed
        Of all random choices.
    progress
        Called with each better plan.
    clock
        What seconds are measured with; wall seconds where not given.
    workers
        How many searches run side by side, each in a thread, from the same plan with chances of its own.

    Attributes
    ----------
    stopped
        Whether `progress` raised KeyboardInterrupt, which asks the search to stop and keep the plan.
    """

    def __init__(
        self,
        problem: RoutingProblem,
        plan: RoutingPlan | None,
        seed: int,
        progress: Callable[[Progress], None] | None,
        clock: SearchClock | None = None,
        workers: int = 1,
    ) -> None:
        self.clock = SearchClock() if clock is None else clock
        self.began = self.clock.now()
        self.problem = problem
        self.given = problem.plan_from(RoutingPlan(()) if plan is None else plan)
        self.progress = progress
        self.plan_data = PlanData(problem)
        self.searches = [RacerSearch(self.plan_data, seed + place * _NEXT_SEED) for place in range(workers)]
        self.stopped = False
        self._given_rank = self._rank = problem.assess(self.given).rank
        self._legs = 0

    @property
    def steps(self) -> int:
        """How many plans were tried."""
        return sum(one.steps for one in self.searches)

    @property
    def ended(self) -> bool:
        """Whether the search ended by itself."""
        return all(one.ended for one in self.searches)

    def run(self, limits: StoppingCriteria) -> RoutingPlan:
        """Search, and return the best plan."""
        with ThreadPoolExecutor(len(self.searches)) as threads:
            begin = repeat(self.given), repeat(limits), repeat(self._seconds)
            list(threads.map(RacerSearch.start, self.searches, *begin))
            self._look()
            while self.problem.clients and not self.ended and not self._is_over(limits):
                active, seconds = [one for one in self.searches if not one.ended], self._seconds
                # the kernel gives up the lock of the interpreter, so that threads run on all cores
                list(threads.map(RacerSearch.advance, active, repeat(limits), repeat(seconds)))
                self._look()
        best = self.best_plan()
        return best if self.problem.assess(best).rank < self._given_rank else self.given

    def best_plan(self) -> RoutingPlan:
        """Return the best plan, each route leaving as the search says, or where that is better as the problem does."""
        plan = self._best.best_plan()
        reopened = self.problem.plan_from(plan.reopened())
        if self.problem.assess(reopened).rank < self.problem.assess(plan).rank:
            return self.problem.assess(reopened).settled().plan
        return plan

    @property
    def _seconds(self) -> float:
        return self.clock.now() - self.began

    @property
    def _best(self) -> RacerSearch:
        """The search with the best plan, the first of equal ones."""
        return min(self.searches, key=lambda one: one.best)

    def _is_over(self, limits: StoppingCriteria) -> bool:
        """Whether a limit is met."""
        late = limits.seconds is not None and self._seconds >= limits.seconds
        done = limits.steps is not None and all(one.steps >= limits.steps for one in self.searches)
        return self.stopped or limits.stop_requested() or late or done

    def _look(self) -> None:
        """Report work to the clock, and a better plan to who listens."""
        legs = sum(one.report.legs for one in self.searches)
        self.clock.spend(_PER_LEG * (legs - self._legs))
        self._legs = legs
        missed, price = self._best.best
        rank = Rank(False, missed, 0, price)
        if not rank.is_better_than(self._rank):
            return
        self._rank = rank
        step = Progress(self._seconds, price, message=left_out_text(missed))
        self.stopped |= asks_to_stop(self.progress, step)


def left_out_text(count: int) -> str:
    """Say how many clients a plan leaves out although they must be served; nothing where there are none.

    Examples
    --------
    >>> left_out_text(1), left_out_text(4), left_out_text(0)
    ('1 client that must be served is left out', '4 clients that must be served are left out', '')
    """
    one = "client that must be served is left out"
    return count_text(count, one, "clients that must be served are left out") if count else ""
