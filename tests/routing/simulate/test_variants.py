"""What the rules of routing mean: cases small enough to count by hand, and random plans against a slow simulator."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from kanopt import RoutingProblem
from kanopt.formulas import Variable, parse_formula
from kanopt.refs import arc, client, clock, state, vehicle
from kanopt.routing import Client, Depot, Route, RoutingPlan, RoutingPolicy, VehicleType
from tests.cases.routing_simulator import Run, Simulator
from tests.cases.routing_variants import VARIANTS, optimum, some_routes, variant
from tests.cases.stop_laws import STOP_LAWS, with_stop_law

SEEDS = range(14)


def line(
    clients: list[dict[str, Any]], fleet: dict[str, Any], policy: dict[str, Any] | None = None, **laws: Any
) -> RoutingProblem:
    """Clients a, b, c, … on a road at 10, 20, 30, … km from the depot; a km takes a minute and a litre of 1 EUR."""
    places = 10.0 * np.arange(len(clients) + 1)
    km = np.abs(places[:, None] - places[None, :])
    people = [Client("abcdef"[place], **each) for place, each in enumerate(clients)]
    vans, rules = [VehicleType("van", **{"num_available": 2, **fleet})], RoutingPolicy(**(policy or {}))
    return RoutingProblem(
        [Depot("depot")], people, vans, laws.get("cost", {"fuel": km}), km, km, policy=rules
    )


@dataclass(frozen=True)
class Case:
    """A plan and what has been counted by hand."""

    problem: RoutingProblem
    routes: dict[str, list[str]]
    begin: list[float]
    finish: list[float]
    load: list[float] | None = None
    faults: set[str] = field(default_factory=set)
    terms: dict[str, float] = field(default_factory=dict)
    leaves: float | None = 0.0

    @property
    def plan(self) -> RoutingPlan:
        """The plan, with every departure stated where the case states one."""
        plan = self.problem.plan_from(self.routes)
        return replace(plan, routes=tuple(replace(route, departure=self.leaves) for route in plan.routes))


AT_12, AT_100 = {"latest": 12.0}, {"earliest": 100.0, "latest": 100.0}
ONE, TWO, THREE = ({"demand": amount} for amount in (1.0, 2.0, 3.0))
STOP = parse_formula(
    "slow * (3 + 4 * load)", [Variable("slow"), Variable("load", "t")], Variable("stop", "min")
).bind(slow=vehicle.slow, load=client.demand)
ANGER = parse_formula("0.1 * late^2", [Variable("late", "min")], Variable("anger", "EUR")).bind(
    late=clock.late
)
WEIGHT = parse_formula("2 * load", [Variable("load", "t")], Variable("toll", "EUR")).bind(load=state.load)
LEG = [Variable("km", "km"), Variable("load", "t"), Variable("minute", "min")]
READ = {"km": arc.distance, "load": state.load, "minute": clock.minute}
FUEL = parse_formula("km * (1 + 0.3 * load) + 0.01 * minute", LEG, Variable("fuel", "EUR")).bind(**READ)
SLOWER = parse_formula("km * (1 + 0.05 * load) * (1 + 0.001 * minute)", LEG, Variable("spent", "min")).bind(
    **READ
)

CASES = {
    "lateness that is paid for is no fault": Case(
        line([{"latest": 4.0, "unit_lateness_cost": 0.5}, {"latest": 20.0, "unit_lateness_cost": 9.0}], {}),
        {"van": ["a", "b"]}, [10.0, 20.0, 40.0], [40.0], None, set(), {"fuel": 40.0, "lateness": 3.0},
    ),
    "one leaves later where lateness costs less than waiting": Case(
        line([{**AT_12, "unit_lateness_cost": 0.5}, AT_100], {"unit_duration_cost": 1.0}),
        {"van": ["a", "b"]}, [90.0, 100.0, 120.0], [120.0], None, set(),
        {"fuel": 40.0, "time": 40.0, "lateness": 39.0}, leaves=None,
    ),
    "a law may read the lateness": Case(
        line([{"latest": 4.0, "unit_lateness_cost": 0.0}, {"earliest": 30.0}], {}, cost={"anger": ANGER}),
        {"van": ["a", "b"]}, [10.0, 30.0, 50.0], [50.0], None, set(), {"anger": 3.6},
    ),
    "a law says how long a stop takes": Case(
        line([ONE, TWO], {"attributes": {"slow": 2.0}, "reload_time": 5.0, "max_reloads": 1}, {"service": STOP}),
        {"van": ["a", "depot", "b"]}, [10.0, 34.0, 59.0, 101.0], [101.0],
    ),
    "an open route ends with its last service": Case(
        line([{**ONE, "service_duration": 5.0}, {**TWO, "service_duration": 7.0}], {"returns": False,
            "shift_end": 32.0, "unit_duration_cost": 2.0, "max_distance": 20.0, "unit_distance_cost": 3.0}),
        {"van": ["a", "b"]}, [10.0, 25.0], [32.0], [3.0, 2.0], set(), {"fuel": 20.0, "time": 64.0, "distance": 60.0},
    ),
    "waiting counts for the duration": Case(
        line([{"earliest": 30.0}], {"max_duration": 39.0}),
        {"van": ["a"]}, [30.0, 40.0], [40.0], None, {"duration"},
    ),
    "overtime is what the duration has more than the regular time": Case(
        line([{"earliest": 30.0}], {"shift_duration": 35.0, "unit_overtime_cost": 2.0, "unit_duration_cost": 1.0}),
        {"van": ["a"]}, [30.0, 40.0], [40.0], None, set(), {"fuel": 20.0, "time": 40.0, "overtime": 10.0},
    ),
    "what is picked up stays on board": Case(
        line([{**ONE, "pickup": 4.0}, TWO], {"capacity": 5.0}, cost={"toll": WEIGHT}),
        {"van": ["a", "b"]}, [10.0, 20.0, 40.0], [40.0], [3.0, 6.0, 4.0], {"capacity"}, {"toll": 26.0},
    ),
    "a delivery after a pickup": Case(
        line([{**ONE, "pickup": 4.0}, TWO], {}, {"backhaul": True}),
        {"van": ["a", "b"]}, [10.0, 20.0, 40.0], [40.0], [3.0, 6.0, 4.0], {"backhaul"},
    ),
    "what has a source may be too much from there on": Case(
        line([{**ONE}, {**TWO, "source": "a"}, {**THREE, "source": "a"}], {"capacity": 4.0}),
        {"van": ["a", "b", "c"]}, [10.0, 20.0, 30.0, 60.0], [60.0], [1.0, 5.0, 3.0, 0.0], {"capacity"},
    ),
    "the source is on the same trip": Case(
        line([{}, {**TWO, "source": "a"}], {"max_reloads": 1}),
        {"van": ["a", "depot", "b"]}, [10.0, 20.0, 40.0, 60.0], [60.0], None, {"order"},
    ),
    "a source is not served for nothing": Case(
        line([{}, {**TWO, "source": "a", "prize": 5.0}], {}),
        {"van": ["a"]}, [10.0, 20.0], [20.0], None, {"order"}, {"fuel": 20.0, "missed prizes": 5.0},
    ),
    "goods that are kept apart": Case(
        line([{"goods": "food, paper"}, {"goods": "acid"}], {"max_reloads": 1}, {"apart": (("acid", "food"),)}),
        {"van": ["a", "depot", "b"]}, [10.0, 20.0, 40.0, 60.0], [60.0], None, {"goods"},
    ),
    "the longest route is paid for once": Case(
        line([{}, {}], {"unit_duration_cost": 1.0}, {"longest_route_cost": 0.5}),
        {"van 1": ["a"], "van 2": ["b"]}, [10.0, 20.0, 20.0, 40.0], [20.0, 40.0], None, set(),
        {"fuel": 60.0, "time": 60.0, "longest route": 20.0},
    ),
    "a break while driving": Case(
        line([{"service_duration": 1.0}], {"breaks": "5 in 3-8", "unit_duration_cost": 1.0}),
        {"van": ["a"]}, [15.0, 26.0], [26.0], None, set(), {"fuel": 20.0, "time": 26.0},
    ),
    "a break before the service where it may not be later": Case(
        line([{"service_duration": 20.0, "latest": 17.0}], {"breaks": "5 in 12-14"}),
        {"van": ["a"]}, [17.0, 47.0], [47.0],
    ),
    "a break during service, or lateness": Case(
        line([{"service_duration": 20.0, "latest": 16.0}], {"breaks": "5 in 12-14"}),
        {"van": ["a"]}, [17.0, 47.0], [47.0], None, {"time window"},
    ),
    "the second break alone, after the first was had at the depot": Case(
        line([{"earliest": 70.0, "latest": 70.0}], {"breaks": "20 in 5-6, 10 in 58-63", "unit_duration_cost": 1.0}),
        {"van": ["a"]}, [70.0, 80.0], [80.0], None, set(), {"fuel": 20.0, "time": 30.0}, leaves=None,
    ),
    "one leaves after two breaks that follow each other at once": Case(
        line([{"latest": 0.0, "unit_lateness_cost": 0.5}], {"breaks": "10 in 5-19, 10 in 8-29",
            "unit_duration_cost": 1.0}),
        {"van": ["a"]}, [35.0, 45.0], [45.0], None, set(), {"fuel": 20.0, "time": 20.0, "lateness": 17.5}, leaves=None,
    ),
    "one leaves late enough not to be under way too long, and no later": Case(
        line([{**AT_12, "unit_lateness_cost": 1.0}, AT_100], {"max_duration": 60.0}),
        {"van": ["a", "b"]}, [70.0, 100.0, 120.0], [120.0], None, set(), {"fuel": 40.0, "lateness": 58.0}, leaves=None,
    ),
    "two breaks that cannot both be had": Case(
        line([{}, {}], {"breaks": "9 in 3-8, 4 in 4-8"}),
        {"van": ["a", "b"]}, [10.0, 20.0, 40.0], [40.0], None, {"break"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_problem_and_simulator_count_as_people_do(case: Case) -> None:
    problem, plan, simulator = case.problem, case.plan, Simulator(case.problem)
    runs, driven = [simulator.drive(route) for route in plan.routes], problem.drive(plan.routes)
    legs = [leg for run in runs for leg in run.legs]
    assert [leg.begin for leg in legs] == case.begin
    assert [run.finish for run in runs] == case.finish
    assert simulator.faults(plan) - {"unserved"} == case.faults
    # it is for the problem to say whether a break or a client is late
    told = not (problem.vehicles[0].breaks and case.faults)
    if told:
        assert driven.begin.tolist() == pytest.approx(case.begin)
        assert driven.finish.tolist() == pytest.approx(case.finish)
        assert kinds(problem, plan) - {"unserved"} == case.faults
    else:
        assert kinds(problem, plan) & {"break", "time window"}
    if case.load is not None:
        assert [leg.load[0] for leg in legs] == driven.load.tolist() == pytest.approx(case.load)
    if case.terms:
        assert simulator.price(plan) == priced(problem, plan) == pytest.approx(case.terms)


def kinds(problem: RoutingProblem, plan: RoutingPlan) -> frozenset[str]:
    """Rules that a plan breaks, as the problem says."""
    return frozenset(violation.constraint for violation in problem.check(plan).violations)


def priced(problem: RoutingProblem, plan: RoutingPlan) -> dict[str, float]:
    """Price of a plan by term, as the problem says; terms that cost nothing are left out."""
    terms = problem.price(plan).terms().to_dict()
    return {str(name): float(amount) for name, amount in terms.items() if abs(amount) > 1e-9}


def same_times(problem: RoutingProblem, route: Route, run: Run) -> None:
    """Hold the legs of a route that was driven by the problem against those of the simulator."""
    driven = problem.drive([replace(route, departure=run.departure)])
    for name, found in (("leave", driven.leave), ("begin", driven.begin)):
        assert found.tolist() == pytest.approx([getattr(leg, name) for leg in run.legs], abs=1e-6)
    assert driven.finish[0] == pytest.approx(run.finish, abs=1e-6)


@pytest.mark.parametrize("name", VARIANTS)
def test_random_plans_are_driven_checked_and_priced_as_the_simulator_does(name: str) -> None:
    for seed in SEEDS:
        problem = variant(name, seed)
        for stated in (True, False):
            compare(problem, problem.plan_from(some_routes(problem, seed, stated=stated)))
        lawful = replace(problem, cost={"fuel": FUEL, "anger": ANGER}, duration=SLOWER)
        compare(lawful, lawful.plan_from(some_routes(lawful, seed, stated=True)))
        if seed < 4:  # who leaves when that is best knows how long stops take with what is on board
            loaded = with_stop_law(problem, "load", seed)
            compare(loaded, loaded.plan_from(some_routes(loaded, seed)))


@pytest.mark.parametrize("name", VARIANTS)
def test_routes_that_keep_to_the_rules_are_as_cheap_as_the_simulator_finds(name: str) -> None:
    for seed in range(2):
        problem = variant(name, seed)
        simulator = Simulator(problem)
        for each in problem.vehicles:
            for routes in simulator.options(each.name).values():
                plan = problem.plan_from((routes[0][2],))
                assert kinds(problem, plan) <= {"unserved", "pinned"}
                compare(problem, plan)


@pytest.mark.slow
@pytest.mark.parametrize("law", STOP_LAWS)
def test_laws_of_stops_read_what_the_simulator_says(law: str) -> None:
    for place, name in enumerate(VARIANTS):
        for seed in range(place, place + 3):
            problem = with_stop_law(variant(name, seed), law, seed)
            compare(problem, problem.plan_from(some_routes(problem, seed, stated=True)))
            if seed % 2:
                problem = replace(problem, cost={"fuel": FUEL, "anger": ANGER}, duration=SLOWER)
                compare(problem, problem.plan_from(some_routes(problem, seed + 1, stated=True)))


def compare(problem: RoutingProblem, plan: RoutingPlan) -> None:
    """Hold what a problem says of a plan against the simulator.

    Where breaks cannot be had, or where something is late, there are many ways to have them, and no more is compared
    than whether the plan is good. A departure that is free may be any with the least price.
    """
    simulator = Simulator(problem)
    rests = any(vehicle.breaks for vehicle in problem.vehicles)
    faults, found = simulator.faults(plan), kinds(problem, plan)
    timed = frozenset({"time window", "shift", "duration", "break"})
    if rests and faults & timed:
        assert found & timed
        assert found - timed == faults - timed
        return
    assert found == faults
    driven = problem.drive(plan.routes)
    if "order" not in faults:
        loads = [load[0] for route in plan.routes for load in simulator.loads(route)]
        assert driven.load.tolist() == pytest.approx(loads, abs=1e-9)
    terms, wanted = priced(problem, plan), simulator.price(plan)
    hours = ("time", "overtime", "lateness", "longest route")
    assert {k: v for k, v in terms.items() if k not in hours} == pytest.approx(
        {k: v for k, v in wanted.items() if k not in hours}
    )
    if all(route.departure is not None for route in plan.routes) or not problem.policy.longest_route_cost:
        spent, least = (sum(prices.get(name, 0.0) for name in hours) for prices in (terms, wanted))
        assert spent == pytest.approx(least, abs=1e-6)
    for place, route in enumerate(plan.routes):
        if not rests:
            (run,) = simulator.runs(route, float(driven.departure[place]))
            same_times(problem, route, run)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_best_of_all_plans_is_good_and_costs_what_it_is_said_to(name: str) -> None:
    for seed in range(2):
        problem, best = variant(name, seed), optimum(name, seed)
        simulator = Simulator(problem)
        plan = problem.plan_from(best.routes)
        assert simulator.faults(plan) <= {"unserved"}
        assert sum(c.mandatory and c.name in plan.unserved for c in problem.clients) == best.missed
        assert sum(simulator.price(plan).values()) >= best.cost - 1e-6
        if not problem.policy.longest_route_cost:
            assert sum(simulator.price(plan).values()) == pytest.approx(best.cost)
