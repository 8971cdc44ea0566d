"""What is wrong with records and plans of every kind is refused with the thing, the field and the value."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

import kanopt as ko
from kanopt import decisions, refs, routing, scheduling, supply
from tests.corpus.problems import PROBLEMS

MINUTES = [[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]]


def town(**changes: Any) -> Any:
    """Return a problem of two clients, changed."""
    given: dict[str, Any] = {
        "depots": [routing.Depot("depot")],
        "clients": [routing.Client("a", demand=0.4), routing.Client("b", demand=0.5)],
        "vehicles": [routing.VehicleType("van", num_available=2, capacity=1.0, fixed_cost=5.0)],
        "cost": {"fuel": MINUTES},
        "duration": MINUTES,
        "distance": MINUTES,
    }
    return ko.RoutingProblem(**{**given, **changes})


def client(**fields: Any) -> Any:
    return town(clients=[routing.Client("a", **fields), routing.Client("b")])


def van(**fields: Any) -> Any:
    return town(vehicles=[routing.VehicleType("van", **fields)])


def fuel(text: str, **bound: Any) -> Any:
    return town(cost={"fuel": ko.parse_formula(text, ["k"], ko.Variable("law", "EUR")).bind(**bound)})


def policy(**rules: Any) -> Any:
    return town(policy=routing.RoutingPolicy(**rules))


def shop(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "jobs": [scheduling.Job("j")],
        "tasks": [scheduling.Task("a", "j"), scheduling.Task("b", "j")],
        "machines": [scheduling.Machine("m"), scheduling.Machine("n")],
        "modes": [scheduling.Mode("a", "m", duration=8.0), scheduling.Mode("b", "m", duration=9.0)],
        "makespan_cost": 1.0,
    }
    return ko.SchedulingProblem(**{**given, **changes})


def net(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "suppliers": [supply.Supplier("mill", "flour", capacity=50.0)],
        "facilities": [supply.Facility("north")],
        "markets": [supply.Market("Lyon")],
        "products": [supply.Product("flour", shortage_cost=9.0)],
        "periods": [supply.Period("1")],
        "lanes": [supply.Lane("mill", "north"), supply.Lane("north", "Lyon")],
        "tariff": 1.0,
        "demand": 20.0,
    }
    return ko.SupplyProblem(**{**given, **changes})


def decided(text: str = "x", *more: Any, **changes: Any) -> Any:
    law = ko.parse_formula(text, list("xy")[: 1 + ("y" in text)], ko.Variable("law", "EUR"))
    return ko.DecisionProblem({"x": (0, 1)}, law, *more, **changes)


RECORDS: dict[str, Callable[[], Any]] = {
    "clients demand 'a' -1": lambda: client(demand=-1.0),
    "clients 'a' closes before it opens": lambda: client(earliest=5.0, latest=3.0),
    "clients windows 'a' '8:00-'": lambda: client(windows="8:00-"),
    "clients windows 'a' '9:00-11:00'": lambda: client(windows="8:00-10:00, 9:00-11:00"),
    "clients 'a' either windows latest": lambda: client(windows="8:00-10:00", latest=4.0),
    "clients source 'a' 'c'": lambda: client(source="c"),
    "clients 'a' own source": lambda: client(source="a"),
    "clients vehicles 'vna' 'van'": lambda: client(vehicles="vna"),
    "clients needs 'a' 'cooled'": lambda: client(needs="cooled"),
    "clients 'a' more than once": lambda: town(clients=[routing.Client("a"), routing.Client("a")]),
    "clients 'name' 'nam'": lambda: town(clients=pd.DataFrame({"nam": ["a", "b"], "demand": [1, 2]})),
    "clients 'demand' 2 'two'": lambda: town(clients=pd.DataFrame({"name": ["a", "b"], "demand": ["1", "two"]})),
    "clients Depot Client": lambda: town(clients=[routing.Depot("a"), routing.Depot("b")]),
    "vehicles none": lambda: town(vehicles=[]),
    "vehicles 'van' shift 500 400": lambda: van(shift_start=500.0, shift_end=400.0),
    "vehicles start_depot 'dpot' 'depot'": lambda: van(start_depot="dpot"),
    "vehicles breaks 'van' '30 at noon'": lambda: van(breaks="30 at noon"),
    "vehicles 'van' depot 'other'": lambda: town(depots=[routing.Depot("depot"), routing.Depot("other")]),
    "duration (2, 2) (3, 3)": lambda: town(duration=[[0.0, 1.0], [1.0, 0.0]]),
    "duration depot a −1": lambda: town(duration=[[0.0, -1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]),
    "cost 'fuel' depot a": lambda: town(cost={"fuel": [[0.0, math.nan, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]}),
    "cost 'fixed' taken": lambda: town(cost={"fixed": MINUTES}),
    "cost 'fuel' law.bind(k=": lambda: town(cost={"fuel": ko.parse_formula("k", ["k"], ko.Variable("law", "EUR"))}),
    "'depot' 'a' 'b' coordinates": lambda: town(distance=None),
    "cost 'fuel' 'client.kg'": lambda: fuel("2 * k", k=refs.client.kg),
    "cost 'fuel' 'lane.distance' 'arc.distance'": lambda: fuel("2 * k", k=refs.lane.distance),
    "'law' 'q'": lambda: fuel("k", q=refs.arc.distance),
    "'fuel' finite k=10": lambda: fuel("1 / (k - 10)", k=refs.arc.distance),
    "policy capacities ['pallets']": lambda: policy(capacities="pallets"),
    "vehicles 'van' 'pallets'": lambda: policy(capacities=("pallets",)),
    "policy 'van 3' 2": lambda: policy(pinned={"van 3": ("a",)}),
    "policy 'a' pinned two": lambda: policy(pinned={"van 1": ("a",), "van 2": ("a",)}),
    "policy RoutingPolicy dict": lambda: town(policy={"backhaul": True}),
    "units load 'tonnne' 'tonne'": lambda: routing.RoutingUnits(load="tonnne"),
    "0 → 0": lambda: routing.ArrivalFunctions.of({(0, 0): ([0], [1])}, 2),
    "0 → 1 5": lambda: routing.ArrivalFunctions.of({(0, 1): ([5], [1])}, 2),
    "tasks job 'a' 'k'": lambda: shop(tasks=[scheduling.Task("a", "k")]),
    "modes 'a' 'm' duration": lambda: shop(modes=[scheduling.Mode("a", "m"), scheduling.Mode("b", "m")]),
    "calendars m 5 3": lambda: shop(calendars=[scheduling.Break(5.0, 3.0, "m")]),
    "power_price 4 0": lambda: shop(power_price=[scheduling.PowerPrice(4.0, 1.0)]),
    "setups machine 'k'": lambda: shop(setups=[scheduling.Setup("x", "y", 1.0, "k")]),
    "lanes head 'nroth' 'north'": lambda: net(lanes=[supply.Lane("mill", "nroth")]),
    "lanes mill/north more than once": lambda: net(lanes=[supply.Lane("mill", "north")] * 2),
    "facilities markets 'north'": lambda: net(markets=[supply.Market("north")]),
    "tariff −1 'mill → north'": lambda: net(tariff=-1.0),
    "demand (2,) (1, 1, 1)": lambda: net(demand=[1.0, 2.0]),
    "planning 'state.wight' 'state.weight'": lambda: net(planning={"state.wight": 2.0}),
    "markets 'Lyon' x y": lambda: net(markets=[supply.Market("Lyon", x=3.0)]),
    "facilities status 'opn' 'open'": lambda: net(facilities=[supply.Facility("north", status="opn")]),
    "'x' high inf": lambda: decisions.Decision("x", 0, math.inf),
    "'x' 2 1": lambda: decisions.Decision("x", 2, 1),
    "'x' whole 0.2 0.8": lambda: decisions.Decision("x", 0.2, 0.8, integer=True),
    "at least one decision": lambda: ko.DecisionProblem({}, ko.parse_formula("x", ["x"], "law")),
    "'law' 'y'": lambda: decided("x + y"),
    "'x' fixed": lambda: decided(fixed={"x": 1.0}),
    "tolerance 0": lambda: decided(tolerance=0.0),
    "constraint 1 str": lambda: decided("x", ["x < 1"]),
    "two constraints 'a'": lambda: decided("x", [decisions.at_most({"x": 1.0}, 1, name="a")] * 2),
    "constraint low high": lambda: decisions.Constraint({"x": 1.0}),
}  # fmt: skip
"""What an error must name, in words parted by blanks, and what is asked for."""
ROW = {"task": "axle cut", "machine": "saw", "start": 0.0}
FLOW = {"tail": "mill", "head": "north", "mode": "", "product": "flour", "period": "1", "quantity": 1.0}
STOPS = {"vehicle": ["van 1"], "stop": [1], "client": ["c01"], "departure": [480.0]}
PLANS: list[tuple[str, str, Any]] = [
    ("rounds", "van 1 'c1' 'c12'", {"van 1": ["c1"]}),
    ("rounds", "'vna' 'van'", {"vna 1": ["c01"]}),
    ("rounds", "'c01' list", {"van 1": "c01"}),
    ("rounds", "routing plan int", 3),
    ("rounds", "4 routes 3 vehicles", [["c01"], ["c02"], ["c03"], ["c04"]]),
    ("rounds", "'vehicle' 'vehicl'", pd.DataFrame({"vehicl": ["van"], "stop": [1], "client": ["c01"]})),
    ("rounds", "departure '8:75'", pd.DataFrame({**STOPS, "departure": ["8:75"]})),
    ("rounds", "van 1 'yrad' 'yard'", [routing.Route("van", 1, "yrad", ("c01",))]),
    ("rounds", "'stop' number", pd.DataFrame({**STOPS, "stop": ["one"]})),
    ("shop", "row 1 'axle ct' 'axle cut'", [{**ROW, "task": "axle ct"}]),
    ("shop", "row 1 'swa' 'saw'", [{**ROW, "machine": "swa"}]),
    ("shop", "'frame cut' 'laser' 'fast' 'slow'", [{**ROW, "task": "frame cut", "machine": "laser"}]),
    ("shop", "'axle cut' 'saw' 'slow'", [{**ROW, "mode": "slow"}]),
    ("shop", "row 1 start 'noon'", [{**ROW, "start": "noon"}]),
    ("shop", "'start' missing", [{"task": "axle cut", "machine": "saw"}]),
    ("shop", "schedule int", 3),
    ("mills", "row 1 'mill → Nice'", [{**FLOW, "head": "Nice"}]),
    ("mills", "row 1 'flower' 'flour'", [{**FLOW, "product": "flower"}]),
    ("mills", "row 1 period '4' '3'", [{**FLOW, "period": "4"}]),
    ("mills", "'quantity' row 1 'much'", [{**FLOW, "quantity": "much"}]),
    ("mills", "'flows' 'open' 'flow'", {"flow": [FLOW]}),
    ("mills", "open 'nrth' 'north'", {"flows": [FLOW], "open": ["nrth"]}),
    ("mills", "'mode' missing", [{name: cell for name, cell in FLOW.items() if name != "mode"}]),
    ("speeds", "'frist' 'first'", {"frist": 3.0}),
    ("speeds", "'second' no value", {"first": 30.0}),
    ("speeds", "'first' 'fast'", {"first": "fast", "second": 30.0, "vans": 2}),
    ("speeds", "plan list", [1.0]),
]


def named(error: pytest.ExceptionInfo[ko.KanoptError], words: str) -> None:
    told = str(error.value)
    assert [word for word in words.split() if word not in told] == [], told


@pytest.mark.parametrize("words", RECORDS)
def test_a_record_that_cannot_be_is_refused_with_its_place(words: str) -> None:
    with pytest.raises(ko.KanoptError) as error:
        RECORDS[words]()
    named(error, words)


@pytest.mark.parametrize(("problem", "words", "plan"), PLANS)
def test_a_plan_that_cannot_be_is_refused_with_its_place(problem: str, words: str, plan: Any) -> None:
    with pytest.raises(ko.errors.ProblemError) as error:
        PROBLEMS[problem]().plan_from(plan)
    named(error, words)
