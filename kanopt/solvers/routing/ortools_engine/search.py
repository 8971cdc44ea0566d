"""The searches of OR-Tools' routing library, watched: time, patience, Ctrl-C, and every better plan as it is found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar
from weakref import WeakMethod

import numpy as np
from ortools.constraint_solver import pywrapcp, routing_enums_pb2

from kanopt.solvers.routing.arrays import NodeRoutes, RoutingArrays
from kanopt.solvers.routing.incumbents import Incumbents
from kanopt.solvers.routing.insertion_start import ruin_and_recreate
from kanopt.solvers.routing.ortools_engine.model import OrToolsModel

_STEPS, _STEPS_PER_CLIENT = 2000, 50
_PENALTY_WEIGHTS = (0.05, 0.1)  # the solver's default is 0.1
_FIRST = ("PARALLEL_CHEAPEST_INSERTION", "PATH_CHEAPEST_ARC", "SAVINGS")
_GLANCE = 256
_NEVER = 1e6  # seconds
_PER_MOVE, _PER_MOVE_AND_CLIENT, _RULES, _RESTS = 1e-6, 3e-9, 3.0, 3e-5  # seconds, counted as work
_PER_GROUP_AND_CLIENT = 1e-4
_REBUILDING = 0.2  # share of the time in which a start is made where rules are many
_REMOVED, _LONGEST, _BYPASS = 10, 10, 0.01  # what the paper on string removals suggests

Answer = TypeVar("Answer")


class OrToolsSearch:
    """One search of OR-Tools on the integers of a routing problem.

    A client that must be served may be left out at a price above that of any plan, so that a partial plan always
    comes back. OR-Tools has no seed for its searches, which are deterministic. The seed draws what sends them another
    way: the order in which clients are numbered, and the weight of the penalties of guided local search. The search
    ends at the time limit, when asked, or by itself after ``2000 + 50 × clients`` accepted steps without a better
    plan; in the last case the same seed gives the same plan.

    Where clients are loaded at others, drivers take breaks or goods are kept apart, moves of single clients find little
    for long: a fifth of the time at most goes first into ruin and recreate (:func:`ruin_and_recreate`). Where there are
    any rules beyond load, windows and shifts, plans are ranked by the arrays: OR-Tools may leave a depot sooner than is
    best.

    Parameters
    ----------
    arrays
        The problem.
    incumbents
        Called with every better plan.
    time_limit
        Wall seconds, counted from the beginning of `incumbents`.
    seed
        Any whole number of at least 0.
    stop_requested
        Looked at in every step: whether to stop.
    finish
        None for guided local search. Else the search is iterated local search, which removes strings of stops and
        inserts them again, and `finish` is called with :attr:`message` to end it and must not return: OR-Tools has
        no way to end this search before its time limit, so that only a process of its own can run it. Where there are
        rules beyond load, windows and shifts it is guided local search all the same.

    Notes
    -----
    Iterated local search: Christiaens and Vanden Berghe (2020), "Slack induction by string removals for vehicle
    routing problems", Transportation Science 54(2), 417–433. After 15 s it was 1.9 % above the best known plan of
    X-n101-k25 where guided local search was 6.3 % above, and 1.4 % against 1.8 % on X-n502-k39 after 45 s.

    Attributes
    ----------
    error
        What the callback raised; an exception must not pass through the solver's C++.
    message
        How the search ended, where it ended by itself.
    """

    def __init__(
        self,
        arrays: RoutingArrays,
        incumbents: Incumbents,
        *,
        time_limit: float,
        seed: int,
        stop_requested: Callable[[], bool],
        finish: Callable[[str], None] | None = None,
    ) -> None:
        self.arrays = arrays
        self.incumbents = incumbents
        self.time_limit = time_limit
        self.seed = seed
        self.stop_requested = stop_requested
        # iterated local search reports plans before their times are known, and moves no clients that belong together
        self.finish = finish if arrays.rules.is_empty else None
        self.error: BaseException | None = None
        self.message = ""
        self.best: int | None = None
        self.idle = 0
        self.patience = _STEPS + _STEPS_PER_CLIENT * arrays.size
        self.per_branch = _PER_MOVE + _PER_MOVE_AND_CLIENT * arrays.size
        self.per_branch *= 1.0 if arrays.rules.is_empty else _RULES
        # a move of a stop is first tried against all breaks, a branch is one step of finding times for a move
        self.per_move = self.per_branch + (_RESTS if arrays.rules.break_table.size else 0.0)
        self.branches = 0
        self.routing_model = OrToolsModel(arrays)
        self.model = self.routing_model.model
        self.next = [self.model.NextVar(index) for index in range(self.model.Size())]
        self.model.AddAtSolutionCallback(_weakly(self._on_solution))
        self.limit_checks = 0
        self.hurried = False
        if not arrays.rules.is_empty or incumbents.clock.counts_work:
            # between two plans the search may look for times for long, and a clock that counts hears of every branch
            self.model.AddSearchMonitor(self.model.solver().CustomLimit(_weakly(self._is_over)))

    def run(self, start: NodeRoutes | None) -> None:
        """Search from a plan that fits, or from scratch."""
        if start is not None:
            self.incumbents.offer(start)
        rules = self.arrays.rules
        if rules.source.size or rules.break_table.size or rules.apart.size:
            start = self._better_start(start)
        for first in _FIRST:
            if self.error is not None or self.stop_requested() or self.incumbents.seconds >= self.time_limit:
                return
            parameters = self._parameters()
            parameters.first_solution_strategy = getattr(routing_enums_pb2.FirstSolutionStrategy, first)
            if self._searched(parameters, start):
                if self._single_client and not self.message:
                    self.message = "ended by itself: there is one client only"
                return

    @property
    def _single_client(self) -> bool:
        """Whether there is one client only, so that a search has nothing to move and would never be asked to end."""
        return self.arrays.size - self.arrays.depots <= 1

    def _better_start(self, start: NodeRoutes | None) -> NodeRoutes | None:
        """Return a better plan to start from, found in a share of the time."""
        began, clock = self.incumbents.seconds, self.incumbents.clock
        until = began + _REBUILDING * (self.time_limit - began)

        def over() -> bool:
            clock.spend(_PER_GROUP_AND_CLIENT * self.arrays.size)
            return self.stop_requested() or self.incumbents.seconds >= until

        made = ruin_and_recreate(self.arrays, start, self.seed, over, self.incumbents.offer)
        self.hurried = self.incumbents.seconds >= until and not clock.counts_work
        return made if any(made) else start

    def _parameters(self) -> Any:
        parameters = pywrapcp.DefaultRoutingSearchParameters()
        counts = self.incumbents.clock.counts_work
        left = _NEVER if counts else self.time_limit - self.incumbents.seconds
        parameters.time_limit.FromMilliseconds(max(1, int(1000 * left)))
        by_hand = self.routing_model.schedules_without_lp
        if counts:
            # searches for times go by the clock; and where there are breaks, those by linear programs take most of the
            # time
            parameters.lns_time_limit.FromMilliseconds(int(1000 * _NEVER))
            by_hand = by_hand or bool(self.arrays.rules.break_table.size)
        parameters.disable_scheduling_beware_this_may_degrade_performance = by_hand
        if self.finish is None:
            kinds = routing_enums_pb2.LocalSearchMetaheuristic
            metaheuristic = kinds.GREEDY_DESCENT if self._single_client else kinds.GUIDED_LOCAL_SEARCH
            parameters.local_search_metaheuristic = metaheuristic
            weight = np.random.default_rng(self.seed).uniform(*_PENALTY_WEIGHTS)
            parameters.guided_local_search_lambda_coefficient = float(weight)
            return parameters
        parameters.use_iterated_local_search = True
        iterated = parameters.iterated_local_search_parameters
        ruin = iterated.ruin_recreate_parameters.ruin_strategies.add().sisr
        ruin.avg_num_removed_visits, ruin.max_removed_sequence_size = _REMOVED, _LONGEST
        ruin.bypass_factor = _BYPASS
        iterated.improve_perturbed_solution = False
        # annealing, the default, cools with the clock: the same seed would not give the same plan
        iterated.reference_solution_acceptance_strategy.greedy_descent.SetInParent()
        return parameters

    def _searched(self, parameters: Any, start: NodeRoutes | None) -> bool:
        """Search with some parameters; return whether there is a plan."""
        self.model.CloseModelWithParameters(parameters)
        given = None
        if start is not None:
            # reading it with its times may search for them without end
            given = self.model.solver().Assignment()
            if not self.model.RoutesToAssignment(self.routing_model.index_routes(start), True, True, given):
                given = None
        if self.finish is not None:
            if given is not None:
                self.model.SetFirstSolutionHint(given)
            # the parameter alone is not enough: the other ways to solve ignore it and end at once; and the plan that
            # comes back may be worse than one on the way, which the callback has stored
            self.model.SolveWithIteratedLocalSearch(parameters)
            return self.best is not None
        solution = None
        if given is not None:
            solution = self.model.SolveFromAssignmentWithParameters(given, parameters)
        if solution is None:
            solution = self.model.SolveWithParameters(parameters)
        if solution is not None:
            self.incumbents.offer(self._node_routes(solution.Value))
        return solution is not None

    def _node_routes(self, value: Callable[[Any], int]) -> list[list[int]]:
        """Return nodes by vehicle, given the values of the solver's variables."""
        return self.routing_model.node_routes([value(variable) for variable in self.next])

    def _on_solution(self) -> None:
        """Count an accepted step; report a better plan; end the search when asked or out of patience."""
        try:
            # Value ends the process where a price is not known yet
            value = int(self.model.CostVar().Min())
            self.idle += 1
            if self.best is None or value < self.best:
                self.best, self.idle = value, 0
                self._offer(value)
            if self.idle >= self.patience:
                # what the clock cut short may be another plan the next time
                ended = "ended" if self.hurried else "ended by itself"
                self.message = f"{ended} after {self.patience:,} steps without a better plan"
            if self.idle >= self.patience or self.stop_requested():
                self._end()
        except BaseException as error:
            self.error = error
            self._end()

    def _is_over(self) -> bool:
        """Say whether the search is to stop; OR-Tools asks at every branch and at every move that it tries."""
        self.limit_checks += 1
        clock, late = self.incumbents.clock, False
        if clock.counts_work:
            before, self.branches = self.branches, self.model.solver().Branches()
            clock.spend(self.per_branch if self.branches > before else self.per_move)
            late = self.incumbents.seconds >= self.time_limit
        return late or (self.limit_checks % _GLANCE == 0 and self.stop_requested())

    def _end(self) -> None:
        if self.finish is not None:
            self.finish(self.message)
        self.model.CancelSearch()

    def _offer(self, value: int) -> None:
        """Offer the solver's current plan, with the rank that follows from the solver's price."""
        routes = self._node_routes(lambda variable: int(variable.Value()))
        if not self.arrays.rules.is_empty:
            # the solver may leave sooner than is best, and its clock stands as it has last moved it
            self.incumbents.offer(routes)
            return
        served = np.zeros(self.arrays.size, dtype=bool)
        served[[node for route in routes for node in route]] = True
        left = int((self.arrays.mandatory & ~served).sum())
        objective = value - left * self.arrays.penalty + self.arrays.missed_prizes
        self.incumbents.offer(routes, (self.arrays.unreachable_mandatory + left, objective))


def _weakly(method: Callable[[], Answer]) -> Callable[[], Answer]:
    """Return a callback that does not keep the search alive.

    The solver holds its callbacks, and the search holds the solver; that circle leads through C++, where Python's
    collector does not see it, and megabytes of model would stay in memory after every search.
    """
    known = WeakMethod(method)

    def call() -> Answer:
        bound = known()
        assert bound is not None  # whoever runs the solver holds the search
        return bound()

    return call
