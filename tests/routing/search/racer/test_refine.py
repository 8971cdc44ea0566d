"""The search on the law: the best plan there is, also with routes under way, in counted work."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from kanopt import RoutingProblem
from kanopt.engines.base import SearchClock
from kanopt.formulas import Variable, parse_formula
from kanopt.refs import arc, state
from kanopt.routing import Client, Depot, Route, RoutingPlan, VehicleType
from kanopt.routing.search.racer.plan_data import PlanData
from kanopt.routing.search.racer.search import RacerRun, RacerSearch, StoppingCriteria
from tests.cases.law_search import CASES, exact_problem
from tests.cases.mixed_routing import mixed_problem, random_plan
from tests.cases.refined import refine
from tests.cases.routing_brute_force import optimum
from tests.cases.routing_simulator import Simulator, best_of_all
from tests.cases.routing_variants import VARIANTS, variant

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


def at_noon(problem: RoutingProblem, plan: RoutingPlan, seed: int) -> RoutingProblem:
    """Return a problem some time into a plan; some vehicles do not say when they left, or have more to choose."""
    rng = np.random.default_rng([seed, 41])
    later = problem.with_routes_under_way(plan, float(rng.integers(395, 480)))
    routes = []
    for route in later.started:
        leaves = route.departure if rng.random() < 0.8 else None
        routes.append(replace(route, departure=leaves, locked=min(route.locked, int(rng.integers(0, 5)))))
    return replace(later, started=routes)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_best_plan_there_is_is_found(name: str) -> None:
    for seed in range(2):
        problem = variant(name, seed)
        plan = refine(problem, steps=60, seed=seed)
        later = at_noon(problem, plan, seed)
        best = best_of_all(later)
        for start in (plan, RoutingPlan(())):
            found = refine(later, start, steps=2500, seed=seed)
            check = later.check(found)
            assert check.ok or check.only_unserved
            assert Simulator(later).faults(found) <= {"unserved"}
            must = {client.name for client in later.clients if client.mandatory}
            assert len(must & set(found.unserved)) == best.missed
            assert later.price(found).objective == pytest.approx(best.cost, rel=1e-6)


@pytest.mark.parametrize("seed", range(14))
def test_with_laws_of_all_kinds_what_is_fixed_stays_and_the_price_is_that_of_the_problem(seed: int) -> None:
    problem = replace(mixed_problem(seed), started=())
    first = RacerSearch(PlanData(problem), seed)
    first.begin(random_plan(problem, seed))
    first.take_steps(100, 1.0)
    plan = first.best_plan()
    later = at_noon(problem, plan, seed)
    search = RacerSearch(PlanData(later), seed)
    search.begin(plan)
    for heat in (3.0, 1.0, 0.1):
        search.take_steps(150, heat)
    found, report = search.best_plan(), search.report
    for each in later.data.started:
        (route,) = [route for route in found.routes if (route.vehicle, route.index) == each.vehicle] or [None]
        assert route is None or route.clients[: len(each.kept)] == each.kept
    bound = {name for each in later.data.started for name in each.bound}
    must = {client.name for client in later.clients if client.mandatory} | bound
    assert len(must & set(found.unserved)) == report.best_missed
    price = later.price(found).objective
    price -= sum(
        client.prize or 0.0 for client in later.clients if client.name in bound & set(found.unserved)
    )
    assert price + report.best_missed * search.plan_data.missed == pytest.approx(
        report.best_price, rel=1e-9, abs=1e-6
    )
    check = later.check(found)
    if not bound & set(found.unserved):
        assert check.ok or check.only_unserved


def test_a_route_that_cannot_go_on_is_told_and_the_others_are_planned() -> None:
    km = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0))) * 10
    clients = [Client("a", latest=5.0), Client("b")]
    started = [Route("van", 1, "depot", ("a",), 0.0, 1)]
    problem = RoutingProblem([Depot("depot")], clients, [VehicleType("van", 2)], km, km, km, started=started)
    found = refine(problem, steps=200)
    assert found.unserved == ("a",)
    assert {each.constraint for each in problem.check(found).violations} == {"unserved", "started"}
    given = problem.plan_from({"van 1": ["a"], "van 2": ["b"]})
    assert {each.constraint for each in problem.check(given).violations} == {"time window"}


FUEL = parse_formula("km * (1 + load)", [Variable("km", "km"), Variable("load", "t")], Variable("c", "EUR"))


def loaded_problem(clients: list[Client], vehicles: list[VehicleType]) -> RoutingProblem:
    places = np.random.default_rng(0).uniform(0, 50, (len(clients) + 1, 2))
    km = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1))
    law = FUEL.bind(km=arc.distance, load=state.load)
    return RoutingProblem([Depot("depot")], clients, vehicles, {"fuel": law}, km, km)


def same_clients(count: int, source: str = "") -> list[Client]:
    return [Client(f"c{number}", demand=1.0, source=source) for number in range(count)]


def test_looking_for_places_is_work_even_where_no_leg_is_driven():
    vehicles = [VehicleType(f"van {number}", capacity=0.0) for number in range(40)]
    search = RacerSearch(PlanData(loaded_problem(same_clients(50), vehicles)))
    search.begin(RoutingPlan(()))
    search.take_steps(5000, 1.0, legs=100_000)
    assert search.report.best_missed == 50
    assert search.report.steps < 1000


@pytest.mark.parametrize("clients", [2, 8])
def test_clients_loaded_at_one_client_are_put_in_without_driving_all_their_orders(clients):
    problem = loaded_problem([Client("hub"), *same_clients(clients, source="hub")], [VehicleType("van", 2)])
    search = RacerSearch(PlanData(problem))
    search.begin(RoutingPlan(()))
    assert search.report.best_missed == 0
    assert search.report.legs < 50_000  # 8 clients alone have 40 320 orders, each of ten legs
    search.take_steps(20, 1.0)
    assert problem.check(search.best_plan()).ok


def test_workers_search_side_by_side_and_the_best_plan_of_all_is_kept():
    problem, limits = (
        exact_problem("load and clock", 3, clients=12),
        StoppingCriteria(None, 40, lambda: False),
    )
    run = RacerRun(problem, None, 5, None, workers=2)
    plan = run.run(limits)
    others = [one.best for one in run.searches]
    assert (run.steps, others[0] != others[1]) == (80, True)
    assert rank(problem, plan) <= rank(problem, RacerRun(problem, None, 5, None).run(limits))
    # the problem may still find better departures
    assert rank(problem, plan)[1] == pytest.approx(min(others)[1], rel=1e-3)
