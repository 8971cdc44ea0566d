"""What is no law, and what numbers are too large, is refused where it is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import DecisionProblem, RoutingProblem, SchedulingProblem, routing
from kanopt.decisions import Decision, at_least
from kanopt.engines.solve import solve
from kanopt.errors import FormulaError, KanoptError, ProblemError
from kanopt.faults import LARGEST
from kanopt.formulas import Variable, parse_formula
from kanopt.formulas.variables import Reference
from kanopt.routing import Client, Depot, VehicleType
from kanopt.scheduling import Break, Job, Machine, Mode, Task
from kanopt.supply import Facility, Product, Supplier
from tests.cases.supply import small
from tests.records.test_missing_data import refused, town
from tests.records.test_unread_columns import net, routing_frames, shop

KM, HOUR, LOAD = ko.Variable("distance_km", "km"), ko.Variable("hour", "h"), ko.Variable("load_t", "t")
MINUTES = ko.parse_formula("distance_km * (2 + hour)", [KM, HOUR], ko.Variable("minutes", "min"))
FUEL_INPUTS = [KM, LOAD, ko.Variable("fuel_price")]
FUEL = ko.parse_formula("distance_km * fuel_price * (1 + load_t)", FUEL_INPUTS, ko.Variable("fuel", "EUR"))
PACE = ko.parse_formula("pace * 3", ["pace"], ko.Variable("minutes", "min"))
RATE = ko.parse_formula("km * 3", [ko.Variable("km", "km")], ko.Variable("rate", "EUR/t"))
LEG = ko.parse_formula("2 * km", [ko.Variable("km", "km")], ko.Variable("minutes", "min"))
LINKS = pd.DataFrame({"tail": ["a"], "head": ["b"], "length": [1.0], "pace": [3.0]})


def priced(**changes: Any) -> ko.RoutingProblem:
    frames = routing_frames(vehicles_fuel_price=[1.5])
    return town(vehicles=frames["vehicles"], **changes)


def on_roads(law: Any) -> routing.RoadNetwork:
    return routing.RoadNetwork(LINKS, law)


@pytest.mark.parametrize(
    ("call", "changes", "words"),
    [
        # a formula is told how its inputs are bound
        (priced, {"duration": MINUTES}, "law.bind(distance_km=refs.arc.distance, hour=refs.clock.hour)"),
        (priced, {"cost": {"fuel": FUEL}}, "load_t=refs.state.load, fuel_price=refs.vehicle.fuel_price)"),
        (
            on_roads,
            {"law": PACE},
            "links: the formula for 'minutes' is not bound; write law.bind(pace=refs.link.pace)",
        ),
        (
            shop,
            {"duration": PACE, "machines": shop().machines.assign(pace=2.0)},
            "law.bind(pace=refs.machine.pace)",
        ),
        (net, {"tariff": RATE}, "law.bind(km=refs.lane.distance)"),
        # other things what to make of them
        (priced, {"duration": None}, "duration: is None; give a bound formula or a matrix"),
        (priced, {"duration": "2 * km"}, "the text '2 * km'; make a formula of it with parse_formula"),
        (priced, {"duration": lambda km: 2 * km}, "is a function of Python"),
        (priced, {"duration": ko.KANRegressor()}, "a KANRegressor; give its formula, law.to_formula(test)"),
        (priced, {"cost": None}, "cost: is None; give a bound formula or a matrix, or {}"),
        (net, {"demand": None}, "demand: is None; give a bound formula, a reference, a number"),
        # and a reference what is meant
        (
            town,
            {"duration": LEG.bind(km=ko.refs.arc.lenght)},
            "'arc.lenght'; known: 'arc.distance', 'arc.duration'",
        ),
        (
            town,
            {"policy": routing.RoutingPolicy(service=LEG.bind(km=ko.refs.client.demnd))},
            "'client.demnd'; did you mean 'client.demand'?",
        ),
        (
            shop,
            {"duration": LEG.bind(km=ko.refs.mode.durtion)},
            "'mode.durtion'; did you mean 'mode.duration'?",
        ),
        (net, {"tariff": ko.refs.lane.distnce}, "'lane.distnce'; did you mean 'lane.distance'?"),
    ],
)
def test_what_is_no_law_is_told_what_to_write(call: Any, changes: dict[str, Any], words: str) -> None:
    assert words in refused(call, **changes)


@pytest.mark.parametrize("law", [None, LEG.bind(km=ko.refs.arc.lenght)])
def test_laws_are_told_together_with_the_records_but_not_of_what_could_not_be_read(law: Any) -> None:
    vehicles = pd.DataFrame({"name": ["van"], "fixed_cost": [1.0], "shift_start": [540], "shift_end": [480]})
    told = refused(town, vehicles=vehicles, duration=law).splitlines()
    assert [line.partition(":")[0] for line in told] == ["duration", "vehicles 'van'"]
    unread = refused(town, clients=pd.DataFrame({"nam": ["a"]}), duration=LEG.bind(km=ko.refs.client.way))
    assert "does not know" not in unread


HUGE, BEYOND = 1e308, 10**400
ROADS = np.ones((3, 3)) - np.eye(3)


def routes(client: Any = (), vehicle: Any = (), **changes: Any) -> RoutingProblem:
    clients = [Client(name, **dict(client)) for name in ("a", "b")]
    fields = {"cost": {"km": ROADS}, "duration": ROADS, "distance": ROADS, **changes}
    return RoutingProblem([Depot("depot")], clients, [VehicleType("van", 2, **dict(vehicle))], **fields)


def big_shop(job: Any = (), mode: Any = (), **changes: Any) -> SchedulingProblem:
    modes = [Mode(name, "saw", **{"duration": 2.0, **dict(mode)}) for name in "ab"]
    jobs = [Job(name, **dict(job)) for name in "ab"]
    return SchedulingProblem(jobs, [Task("a", "a"), Task("b", "b")], [Machine("saw")], modes, **changes)


def steep(value: float) -> Any:
    law = parse_formula(f"{value!r} * km", [Variable("km")], Variable("cost"))
    return law.bind(km=Reference("arc", "distance"))


OF_NETWORKS: dict[str, Callable[[Any], Any]] = {
    "demand: ": lambda x: small(demand=np.full((2, 1, 2), x, dtype=object)),
    "tariff: ": lambda x: small(tariff=np.full((5, 1, 1), x, dtype=object)),
    "unit_cost of": lambda x: small(suppliers=[Supplier("mill", "flour", capacity=50.0, unit_cost=x)]),
    "handling_cost of": lambda x: small(facilities=[Facility("north", handling_cost=x), Facility("south")]),
    "shortage_cost of": lambda x: small(products=[Product("flour", shortage_cost=x)]),
    "weight of": lambda x: small(products=[Product("flour", weight=x)]),
    "capacity of 'mill": lambda x: small(suppliers=[Supplier("mill", "flour", capacity=x, unit_cost=1.0)]),
    "fixed_cost of 'north'": lambda x: small(facilities=[Facility("north", fixed_cost=x), Facility("south")]),
}
PLACES = OF_NETWORKS | {
    "demand of 'a', 'b'": lambda x: routes({"demand": x}),
    "earliest of 'a', 'b'": lambda x: routes({"earliest": x}),
    "prize of 'a', 'b'": lambda x: routes({"prize": x}),
    "fixed_cost of 'van'": lambda x: routes(vehicle={"fixed_cost": x}),
    "duration: .*depot → a|duration: .*401 digits": lambda x: routes(duration=[[0, x, 1]] * 3),
    "cost 'km': .*": lambda x: routes(cost={"km": [[0, x, 1]] * 3}),
    "tardiness_cost of 'a', 'b'": lambda x: big_shop({"due_date": 1.0, "tardiness_cost": x}),
    "duration of 'a/saw', 'b/saw'|duration of task 'a'": lambda x: big_shop(mode={"duration": x}),
    "end of|start of": lambda x: big_shop(calendars=[Break(1.0, x)]),
    "price of": lambda x: big_shop(mode={"energy": 1.0}, power_price=x),
    "makespan_cost": lambda x: big_shop(makespan_cost=x),
    "decision 'x': high": lambda x: Decision("x", 0.0, x),
    "constraint '': ": lambda x: at_least({"x": 1.0}, x),
    "input 'x'": lambda x: DecisionProblem([Decision("x", 0.0, 1.0)], {"x": x}),
}


@pytest.mark.parametrize("value", [HUGE, BEYOND], ids=["1e308", "10**400"])
@pytest.mark.parametrize("place", PLACES)
def test_the_place_is_named(place: str, value: Any) -> None:
    with pytest.raises(ProblemError, match=place) as refused:
        PLACES[place](value)
    assert len(str(refused.value)) < 1_000


@pytest.mark.parametrize("place", OF_NETWORKS)
def test_networks_take_what_a_linear_solver_can_add_up(place: str) -> None:
    with pytest.raises(ProblemError, match=place):
        OF_NETWORKS[place](1e25)


def test_a_bound_that_says_nothing_is_not_claimed() -> None:
    result = solve(small(products=[Product("flour", shortage_cost=1e14)]), time_limit=5)
    assert (result.status.value, result.bound) == ("feasible", None)
    assert "no bound" in str(result)


def test_a_law_may_not_give_more_either() -> None:
    problem = routes(cost={"fuel": steep(LARGEST)})
    assert problem.price(problem.plan_from([["a", "b"]])).objective == pytest.approx(3 * LARGEST)
    with pytest.raises(ProblemError, match=r"law 'fuel': .* gives 1e200"):
        routes(cost={"fuel": steep(1e200)})


@pytest.mark.parametrize("value", [BEYOND, 10**5000], ids=["10**400", "10**5000"])
def test_plans_and_formulas_hold_numbers_too(value: int) -> None:
    rows = [{"task": "a", "machine": "saw", "start": 0}, {"task": "b", "machine": "saw", "start": value}]
    with pytest.raises(ProblemError, match=r"row 2: start a whole number of .*01 digits"):
        big_shop().plan_from(rows)
    with pytest.raises(ProblemError, match=r"decision 'x' is a whole number of .*01 digits"):
        DecisionProblem([Decision("x", 0.0, 1.0)], {"x": 1.0}).plan_from({"x": value})
    law = parse_formula("2 * x", [Variable("x")], Variable("y"))
    for use in (law.evaluate, law.outside):
        with pytest.raises(FormulaError, match=r"input 'x': a whole number of .*01 digits"):
            use({"x": [1, -value]})
    with pytest.raises(KanoptError, match="variable 'x'"):
        Variable("x", low=value)
