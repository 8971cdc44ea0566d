"""The best plan that can be put together from tours a search has met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ortools.sat.python import cp_model

from kanopt.solvers.clock import SearchClock
from kanopt.solvers.cpsat import WORK_PER_SECOND
from kanopt.solvers.routing.law_search.compiled_problem import CompiledProblem
from kanopt.solvers.routing.law_search.solution import TourSolution
from kanopt.solvers.routing.law_search.tour_cache import Tour

__all__ = ["PartitioningLimits", "TourPool", "best_of_pool"]

_LARGEST = 1e12
_MOST = 12_000


class TourPool:
    """The cheapest order met for each vehicle type and set of clients."""

    def __init__(self) -> None:
        self._best: dict[tuple[int, frozenset[int]], Tour] = {}

    def __len__(self) -> int:
        return len(self._best)

    def add(self, tours: Sequence[Tour]) -> None:
        """Note scored tours that keep all limits."""
        for tour in tours:
            if tour.price < float("inf"):
                key = (tour.kind, frozenset(tour.clients))
                known = self._best.get(key)
                if known is None or tour.price < known.price:
                    # what was met last comes last
                    self._best.pop(key, None)
                    self._best[key] = tour
        if len(self._best) > 2 * _MOST:
            self._best = dict(list(self._best.items())[-_MOST:])

    def tours(self) -> list[Tour]:
        """Return the tours met last, at most so many that a plan of them is found in seconds."""
        return list(self._best.values())[-_MOST:]


@dataclass(frozen=True)
class PartitioningLimits:
    """How long to look.

    Parameters
    ----------
    seconds
        Wall seconds at most; None for no limit by the clock.
    deterministic
        The solver's own count of work at most.
    seed
        Of its random choices.
    clock
        Hears of the work.
    """

    seconds: float | None
    deterministic: float
    seed: int
    clock: SearchClock


def best_of_pool(
    tables: CompiledProblem, pool: TourPool, known: TourSolution, worth: float, effort: PartitioningLimits
) -> TourSolution:
    """Return the best plan of tours in a pool, or the one known where none better is found.

    Every client is on one tour or left out, and no vehicle type is used more often than there are vehicles: the set
    partitioning model of Balinski and Quandt (1964, "On an integer program for a delivery problem", Operations
    Research 12(2), 300–304) over the tours met instead of all.

    Parameters
    ----------
    tables
        The problem.
    pool
        The tours.
    known
        A plan to start from.
    worth
        Price of leaving a client out that must be served.
    effort
        How long to look.
    """
    tours = list({id(tour): tour for tour in (*pool.tours(), *known.tours)}.values())
    model = cp_model.CpModel()
    taken = [model.new_bool_var("") for _ in tours]
    left = {client: model.new_bool_var("") for client in tables.clients}
    on: dict[int, list[cp_model.IntVar]] = {client: [left[client]] for client in tables.clients}
    by_kind: list[list[cp_model.IntVar]] = [[] for _ in range(tables.kinds)]
    for tour, variable in zip(tours, taken, strict=True):
        by_kind[tour.kind].append(variable)
        for client in tour.clients:
            on[client].append(variable)
    for variables in on.values():
        model.add_exactly_one(variables)
    for kind, variables in enumerate(by_kind):
        if len(variables) > tables.count[kind]:
            model.add(sum(variables) <= int(tables.count[kind]))
    prices = [tour.price for tour in tours]
    missed = [worth if tables.mandatory[client] else float(tables.prize[client]) for client in left]
    scale = _LARGEST / max(1e-300, sum(sorted(prices)[-len(on) :]) + sum(missed))
    weights = [round(scale * price) for price in (*prices, *missed)]
    variables = [*taken, *left.values()]
    model.minimize(cp_model.LinearExpr.weighted_sum(variables, weights))
    chosen = {id(tour) for tour in known.tours}
    for tour, variable in zip(tours, taken, strict=True):
        model.add_hint(variable, id(tour) in chosen)
    for client, variable in left.items():
        model.add_hint(variable, client in known.unserved)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.catch_sigint_signal = False
    solver.parameters.random_seed = effort.seed % 2**31
    solver.parameters.linearization_level = 2
    solver.parameters.max_deterministic_time = effort.deterministic
    if effort.seconds is not None:
        solver.parameters.max_time_in_seconds = effort.seconds
    status = solver.solve(model)
    effort.clock.spend(solver.response_proto.deterministic_time / WORK_PER_SECOND)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return known
    found = TourSolution(
        tables,
        tuple(tour for tour, variable in zip(tours, taken, strict=True) if solver.boolean_value(variable)),
        frozenset(client for client, variable in left.items() if solver.boolean_value(variable)),
    )
    return found if found.penalised_price(worth) < known.penalised_price(worth) else known
