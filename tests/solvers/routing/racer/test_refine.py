from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt.errors import SolverError
from kanopt.problems import Client, Depot, Progress, RoutingPlan, RoutingProblem, VehicleType
from kanopt.solvers.clock import SearchClock
from kanopt.solvers.routing.racer.annealing import StoppingCriteria
from kanopt.solvers.routing.racer.refine import RacerRun, refine
from tests.cases.law_search import CASES, exact_problem, optimum

TIMED = ("rush hour", "toll by hour", "load and clock", "paid by the minute", "arrivals", "arrivals and toll")


def rank(problem: RoutingProblem, plan: RoutingPlan) -> tuple[int, float]:
    check = problem.check(plan)
    assert check.ok or check.only_unserved
    must = {client.name for client in problem.clients if client.mandatory}
    return len(must & set(plan.unserved)), problem.price(plan).objective


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("seed", range(2))
def test_small_problems_are_solved_to_the_optimum_on_the_law(case, seed):
    problem = exact_problem(case, seed, clients=5, optional=seed == 1)
    found = rank(problem, refine(problem, steps=2000, seed=1))
    missed, least = optimum(problem, departures=60 if case in TIMED else 0)
    assert found[0] == missed
    # departures searched one by one end a little beside the best one
    assert found[1] == pytest.approx(least, rel=1e-9) or (case in TIMED and found[1] < least * (1 + 1e-3))


def test_a_plan_is_never_made_worse():
    for seed in range(3):
        problem = exact_problem("load curve", seed, clients=8)
        first = refine(problem, steps=2, seed=seed)
        again = refine(problem, first, steps=5, seed=seed + 1)
        assert rank(problem, again) <= rank(problem, first)
        assert refine(problem, again, steps=0) == problem.plan_from(again)


def test_a_plan_that_breaks_the_law_is_mended():
    problem = exact_problem("rush hour", 2, clients=6)
    names = [client.name for client in problem.clients]
    broken = problem.plan_from({"van 1": names})
    assert not problem.check(broken).only_unserved
    mended = refine(problem, broken, steps=40)
    assert rank(problem, mended)[0] == 0


def test_better_plans_are_told_as_they_are_found_and_the_search_can_be_stopped():
    problem = exact_problem("arrivals", 2, clients=10)
    heard: list[Progress] = []
    plan = refine(problem, steps=200, progress=heard.append, interrupt=lambda: len(heard) >= 2)
    assert len(heard) == 2
    assert heard[-1].objective == pytest.approx(problem.price(plan).objective, rel=1e-3)


def test_long_tours_are_made_shorter():
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 100, (61, 2))
    km = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    clients = [Client(f"c{place}") for place in range(60)]
    problem = RoutingProblem([Depot("d")], clients, [VehicleType("van")], km, km, km)
    given = problem.plan_from([[client.name for client in clients]])
    plan = refine(problem, given, steps=2000)
    assert plan.unserved == ()
    assert problem.price(plan).objective < 0.7 * problem.price(given).objective
    with pytest.raises(SolverError, match="seconds or steps"):
        refine(problem)


@pytest.mark.parametrize("case", CASES)
def test_every_route_says_when_it_leaves_and_that_is_what_it_is_priced_at(case):
    problem = exact_problem(case, 7, clients=6)
    plan = refine(problem, steps=15)
    leaves = [route.departure for route in plan.routes]
    assert problem.drive(plan.routes).departure.tolist() == leaves
    free = problem.plan_from([replace(route, departure=None) for route in plan.routes])
    assert problem.price(plan).objective <= problem.price(free).objective * (1 + 1e-9)


def test_a_search_in_cycles_ends_by_itself_once_two_cycles_find_nothing_better():
    problem = exact_problem("load curve", 4, clients=6)
    searches = [RacerRun(problem, None, 2, None) for _ in range(2)]
    plans = [search.run(StoppingCriteria(None, None, lambda: False, cycle=1500)) for search in searches]
    assert plans[0] == plans[1]
    assert searches[0].ended
    # each cycle is twice as long as the one before
    assert searches[0].steps in [1500 * (2**cycles - 1) for cycles in range(2, 9)]
    assert rank(problem, plans[0])[1] == pytest.approx(optimum(problem)[1])
    again = RacerRun(problem, plans[0], 2, None)
    again.run(StoppingCriteria(None, None, lambda: False, cycle=1500))
    assert (again.steps, again.ended) == (1500 + 3000, True)
    short = RacerRun(problem, None, 2, None)
    short.run(StoppingCriteria(None, 30, lambda: False, cycle=1500))
    assert (short.steps, short.ended) == (30, False)


class Ticking(SearchClock):
    """A machine that is as slow as one likes: each look at its clock takes so many seconds."""

    def __init__(self, tick: float) -> None:
        self.tick, self.time = tick, 0.0

    def now(self) -> float:
        self.time += self.tick
        return self.time


def test_how_fast_the_machine_is_decides_nothing_where_the_search_ends_by_itself():
    problem = exact_problem("load and clock", 4, clients=14)
    limits = StoppingCriteria(1000.0, None, lambda: False, cycle=500)
    searches = [RacerRun(problem, None, 2, None, Ticking(tick)) for tick in (1e-7, 0.1, 3.0)]
    plans = [search.run(limits) for search in searches]
    assert all(search.ended for search in searches)
    assert plans[0] == plans[1] == plans[2]
    assert len({search.steps for search in searches}) == 1
    slow = RacerRun(problem, None, 2, None, Ticking(100.0))
    slow.run(limits)
    assert not slow.ended


def test_workers_search_side_by_side_and_the_best_plan_of_all_is_kept():
    problem = exact_problem("load and clock", 3, clients=12)
    limits = StoppingCriteria(None, 40, lambda: False)
    two = [RacerRun(problem, None, 5, None, workers=2) for _ in range(2)]
    plans = [run.run(limits) for run in two]
    assert plans[0] == plans[1]
    assert two[0].steps == 80
    alone = RacerRun(problem, None, 5, None).run(limits)
    others = [one.best for one in two[0].annealings]
    assert rank(problem, plans[0]) <= rank(problem, alone)
    # the problem may still find better departures
    assert rank(problem, plans[0])[1] <= min(others)[1] * (1 + 1e-9)
    assert min(others)[1] == pytest.approx(rank(problem, plans[0])[1], rel=1e-3)
    assert others[0] != others[1]


def test_ctrl_c_while_a_plan_is_told_keeps_the_plan():
    problem = exact_problem("load curve", 4, clients=8)
    search = RacerRun(problem, None, 0, _pressed)
    plan = search.run(StoppingCriteria(None, 500, lambda: False))
    assert search.stopped
    assert search.steps < 500
    assert plan.routes


def _pressed(step: Progress) -> None:
    if step.objective:
        raise KeyboardInterrupt
