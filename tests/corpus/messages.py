"""What kanopt says of broken files, records, plans and names, and what its commands print."""

from __future__ import annotations

import contextlib
import io
import math
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from tests.corpus import recording as say
from tests.corpus.cases import BASES, HERE, VARIANTS, problem_of, scenario_of
from tests.corpus.names import command_line, decisions, ko, refs, routing, scheduling, supply
from tests.corpus.small_files import FILES

__all__ = ["MESSAGES"]

Edit = tuple[str, str, str]

_SCALED = 'scale = "vehicles.fuel_price"\nby = 2'
_APART = 'apart = [["food", "paint"]]'
_BY_HAND = 'formula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
_AT_LEAST = ("town.toml", 'due_h = "h" }', 'due_h = "h" }\nminimum = { demand_t = 0 }')
# what is loaded, and texts replaced in files: (file, old, new)
_BROKEN: dict[str, tuple[str, *tuple[Edit, ...]]] = {
    "a section misspelt": ("laws.toml", ("laws.toml", "[solver]", "[slover]")),
    "a key misspelt": ("laws.toml", ("laws.toml", "time_limit", "time_limt")),
    "a text for a number": ("laws.toml", ("laws.toml", "time_limit = 0.5", 'time_limit = "1"')),
    "a limit of nothing": ("laws.toml", ("laws.toml", "time_limit = 0.5", "time_limit = 0")),
    "half a worker": ("laws.toml", ("laws.toml", "deterministic = true", "workers = 1.5")),
    "a negative seed": ("laws.toml", ("laws.toml", "seed = 3", "seed = -1")),
    "no name": ("laws.toml", ("laws.toml", 'name = "Laws"', 'name = ""')),
    "not TOML": ("laws.toml", ("laws.toml", "seed = 3", "seed = = 3")),
    "a key twice": ("laws.toml", ("laws.toml", "seed = 3", "seed = 3\nseed = 4")),
    "an unknown kind": ("town.toml", ("town.toml", 'kind = "routing"', 'kind = "ruting"')),
    "no table": ("town.toml", ("town.toml", '[problem.vehicles]\ntable = "vehicles"', "[problem.vehicles]")),
    "an unknown table": ("town.toml", ("town.toml", 'table = "routes"', 'table = "route"')),
    "a file that is not there": ("town.toml", ("town.toml", 'path = "depots.csv"', 'path = "depot.csv"')),
    "an unknown column": ("town.toml", ("town.toml", 'demand = "demand_t"', 'demand = "demand_kg"')),
    "an unknown field": ("town.toml", ("town.toml", 'demand = "demand_t"', 'demnd = "demand_t"')),
    "an unknown unit": ("laws.toml", ("laws.toml", 'unit = "min"', 'unit = "minuts"')),
    "a unit of no column": ("town.toml", ("town.toml", '{ fuel_price = "EUR/l" }', '{ fule_price = "EUR/l" }')),
    "a wrong unit": ("town.toml", ("town.toml", 'demand_t = "t", ready_h', 'demand_t = "km", ready_h')),
    "an unknown law": ("town.toml", ("town.toml", 'fuel = "fuel"', 'fuel = "feul"')),
    "an unknown name in a formula": ("laws.toml", ("laws.toml", '"2 * km"', '"2 * kn"')),
    "an open bracket": ("laws.toml", ("laws.toml", '"2 * km"', '"2 * (km"')),
    "an unknown function": ("laws.toml", ("laws.toml", '"2 * km"', '"2 * sinn(km)"')),
    "a law of itself": ("laws.toml", ("laws.toml", '"litres * price"', '"fuel * price"')),
    "an input not used": ("laws.toml", ("laws.toml", '{ price = "EUR/l" }', '{ price = "EUR/l", tax = "" }')),
    "units that do not agree": ("laws.toml", ("laws.toml", '"litres * price"', '"litres + price"')),
    "a file of no law": ("laws.toml", ("laws.toml", _BY_HAND, 'file = "depots.csv"')),
    "an unknown scope": ("town.toml", ("town.toml", '"arc.distance"', '"arcs.distance"')),
    "an unknown field of a scope": ("town.toml", ("town.toml", '"vehicle.fuel_price"', '"vehicle.fuel_prise"')),
    "an input not bound": ("town.toml", ("town.toml", 'load = "state.load"\n', "")),
    "a bound input of no law": ("town.toml", ("town.toml", 'load = "state.load"', 'laod = "state.load"')),
    "an unknown planning value": ("town.toml", ("town.toml", '"state.load" = 0.5', '"state.lod" = 0.5')),
    "an unknown pinned client": ("town.toml", ("town.toml", _APART, 'pinned = { "van 2" = ["sout"] }')),
    "unknown goods": ("town.toml", ("town.toml", '["food", "paint"]', '["food", "pant"]')),
    "one good apart": ("town.toml", ("town.toml", '["food", "paint"]', '["food"]')),
    "an unknown target": ("laws.toml", ("laws.toml", 'target = "minutes"', 'target = "minuts"')),
    "an unknown feature": ("laws.toml", ("laws.toml", '["km", "hour"]', '["km", "huor"]')),
    "no feature": ("laws.toml", ("laws.toml", '["km", "hour"]', "[]")),
    "a shape of no feature": ("laws.toml", ("laws.toml", "monotone = { km = 1 }", "monotone = { kn = 1 }")),
    "a shape of no kind": ("laws.toml", ("laws.toml", "monotone = { km = 1 }", "monotone = { km = 2 }")),
    "a period of nothing": ("laws.toml", ("laws.toml", "periodic = { hour = 24 }", "periodic = { hour = 0 }")),
    "an unknown operator": ("laws.toml", ("laws.toml", "min_r2 = 0.8", 'pin = { km = "logg" }')),
    "a pin of a periodic column": ("laws.toml", ("laws.toml", "min_r2 = 0.8", 'pin = { hour = "exp" }')),
    "half a holdout": ("laws.toml", ("laws.toml", '{ by = "week", last = 2 }', '{ by = "week" }')),
    "an unknown holdout": ("laws.toml", ("laws.toml", '{ by = "week", last = 2 }', '{ by = "weak", last = 2 }')),
    "every week held out": ("laws.toml", ("laws.toml", "last = 2 }", "last = 9 }")),
    "an R² above one": ("laws.toml", ("laws.toml", "min_r2 = 0.8", "min_r2 = 1.5")),
    "an unknown network": ("laws.toml", ("laws.toml", "min_r2 = 0.8", "network = { hiden = [2] }")),
    "four mistakes": (
        "town.toml",
        ("town.toml", "seed = 3", 'seed = "three"'),
        ("town.toml", 'unit = "l"', 'unit = "liitre"'),
        ("town.toml", '[problem.depots]\ntable = "depots"', '[problem.depots]\ntable = "depts"'),
        ("town.toml", "time_limit = 0.05", "workrs = 2"),
    ),
    "a number that is none": ("town.toml", ("clients.csv", "0,4,0.5", "0,4,half")),
    "a blank number": ("town.toml", ("clients.csv", "0,4,0.5", "0,4,")),
    "a demand below nothing": ("town.toml", ("clients.csv", "0,4,0.5", "0,4,-0.5"), _AT_LEAST),
    "a window that closes first": ("town.toml", ("clients.csv", "7,17,5,food\neast", "17,7,5,food\neast")),
    "a row too short": ("town.toml", ("clients.csv", "east,5,0,0.6,7,17,5,paint", "east,5,0")),
    "no column of names": ("town.toml", ("depots.csv", "name,", "nam,")),
    "an empty table": ("town.toml", ("depots.csv", "name,x,y\nhub,0,0\n", "")),
    "a table of no rows": ("town.toml", ("depots.csv", "hub,0,0\n", "")),
    "a column nearly called capacity": ("town.toml", ("vehicles.csv", "capacity", "capcity")),
    "today's unknown client": ("town.toml", ("routes.csv", "north", "nroth")),
    "today's column": ("town.toml", ("routes.csv", "stop,", "stopp,")),
    "a base that is not there": ("dear.toml", ("dear.toml", '"town.toml"', '"twon.toml"')),
    "a base of itself": ("dear.toml", ("dear.toml", '"town.toml"', '"dear.toml"')),
    "a change of no column": ("dear.toml", ("dear.toml", "vehicles.fuel_price", "vehicles.fuel_prise")),
    "a change of no table": ("dear.toml", ("dear.toml", "vehicles.fuel_price", "vehicle.fuel_price")),
    "a change without a factor": ("dear.toml", ("dear.toml", "by = 2", "to = 2")),
    "two changes in one": ("dear.toml", ("dear.toml", "by = 2", 'by = 2\nremove = "vehicles"')),
    "a change of no row": ("dear.toml", ("dear.toml", "by = 2", 'by = 2\nwhere = { name = "vna" }')),
    "a change of a text": ("dear.toml", ("dear.toml", "vehicles.fuel_price", "vehicles.name")),
    "a text where numbers are": ("dear.toml", ("dear.toml", _SCALED, 'set = "vehicles.num_available"\nto = "two"')),
    "every row closed": ("dear.toml", ("dear.toml", _SCALED, 'remove = "depots"\nwhere = { name = "hub" }')),
    "a row of new columns": ("dear.toml", ("dear.toml", _SCALED, 'add = "depots"\nrow = { name = "b", speed = 3 }')),
    "a task of no job": ("shop.toml", ("tasks.csv", "b1,B", "b1,C")),
    "a mode of no machine": ("shop.toml", ("modes.csv", "b1,drill", "b1,dril")),
    "no energy": ("shop.toml", ("modes.csv", "energy", "enrgy")),
    "a horizon of nothing": ("shop.toml", ("shop.toml", "horizon = 500", "horizon = 0")),
    "an order out of two": ("shop.toml", ("tasks.csv", "a2,A,2", "a2,A,1")),
    "a lane to nowhere": ("net.toml", ("lanes.csv", "north,Lyon", "north,Lion")),
    "a demand of no market": ("net.toml", ("wanted.csv", "Lyon,flour,p2", "Lion,flour,p2")),
    "a demand twice": ("net.toml", ("wanted.csv", "Lyon,flour,p2", "Lyon,flour,p1")),
    "a status of no kind": ("net.toml", ("net.toml", '"sites"', '"sites"\ncolumns = { status = "name" }')),
    "demand of a law and a table": ("net.toml", ("net.toml", 'table = "wanted" }', 'table = "wanted", law = "rate" }')),
    "a supply search that counts": ("net.toml", ("net.toml", "time_limit = 20", "deterministic = true")),
    "a rate in another unit": ("net.toml", ("net.toml", 'unit = "EUR/t"', 'unit = "km"')),
}  # fmt: skip


@contextmanager
def _folder(*edits: Edit) -> Iterator[Path]:
    """Stand in a new folder with the small files, edited."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made).resolve()
        for name, text in FILES.items():
            (folder / name).write_text(text, "utf-8")
        for name, old, new in edits:
            text = (folder / name).read_text("utf-8")
            if text.count(old) < 1:
                raise ValueError(f"{old!r} does not stand in {name}")
            (folder / name).write_text(text.replace(old, new, 1), "utf-8")
        with contextlib.chdir(folder):
            yield folder


def _broken_files() -> dict[str, str]:
    found = {}
    for label, (file, *edits) in _BROKEN.items():
        with _folder(*edits), say.warned() as told:
            try:
                scenario = ko.load_scenario(file)
                scenario.check()
                text = say.lines("no mistakes", *map(str, scenario.remarks()))
            except ko.KanoptError as error:
                text = f"{type(error).__name__}: {error}"
        found[label] = say.lines(text, *told)
    return found


def _said(asked: Mapping[str, Callable[[], Any]]) -> dict[str, str]:
    """Return what each call says, an error or its answer."""
    found = {}
    for label, call in asked.items():
        with say.warned() as told:
            try:
                text = f"answers {_short(call())}"
            except Exception as error:  # what is no error of kanopt is recorded as well
                text = f"{type(error).__name__}: {error}"
        found[label] = say.lines(text, *told)
    return found


def _short(answer: Any) -> str:
    """Return an answer in words; of a problem only that it is one, of a plan its table."""
    if hasattr(answer, "plan_from"):
        return "with a problem"
    return say.frame(answer.to_frame()) if hasattr(answer, "routes") else str(answer)


def _town(**changes: Any) -> Any:
    """Return a problem of two clients, changed."""
    minutes = [[0.0, 10.0, 20.0], [10.0, 0.0, 12.0], [20.0, 12.0, 0.0]]
    given: dict[str, Any] = {
        "depots": [routing.Depot("depot")],
        "clients": [routing.Client("a", demand=0.4), routing.Client("b", demand=0.5)],
        "vehicles": [routing.VehicleType("van", num_available=2, capacity=1.0, fixed_cost=5.0)],
        "cost": {"fuel": minutes},
        "duration": minutes,
        "distance": minutes,
    }
    return routing.Problem(**{**given, **changes})


def _client(**fields: Any) -> Any:
    return _town(clients=[routing.Client("a", **fields), routing.Client("b")])


def _van(**fields: Any) -> Any:
    return _town(vehicles=[routing.VehicleType("van", **fields)])


def _law(text: str, *inputs: str, unit: str = "EUR") -> Any:
    return ko.parse_formula(text, [ko.Variable(name) for name in inputs], ko.Variable("law", unit))


def _shop(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "jobs": [scheduling.Job("j")],
        "tasks": [scheduling.Task("a", "j"), scheduling.Task("b", "j")],
        "machines": [scheduling.Machine("m"), scheduling.Machine("n")],
        "modes": [scheduling.Mode("a", "m", duration=8.0), scheduling.Mode("b", "m", "x", duration=9.0),
                  scheduling.Mode("b", "m", "y", duration=7.0)],
        "makespan_cost": 1.0,
    }  # fmt: skip
    return scheduling.Problem(**{**given, **changes})


def _net(**changes: Any) -> Any:
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
    return supply.Problem(**{**given, **changes})


def _broken_records() -> dict[str, str]:
    decided = {"x": (0, 1)}
    return _said({
        "client: demand below nothing": lambda: _client(demand=-1.0),
        "client: demand of no number": lambda: _client(demand=math.nan),
        "client: closes first": lambda: _client(earliest=5.0, latest=3.0),
        "client: windows misspelt": lambda: _client(windows="8:00-"),
        "client: windows that overlap": lambda: _client(windows="8:00-10:00, 9:00-11:00"),
        "client: both windows": lambda: _client(windows="8:00-10:00", latest=4.0),
        "client: unknown source": lambda: _client(source="c"),
        "client: source of itself": lambda: _client(source="a"),
        "client: unknown vehicle type": lambda: _client(vehicles="vna"),
        "client: unknown skill": lambda: _client(needs="cooled"),
        "client: prize below nothing": lambda: _client(prize=-2.0),
        "clients: a name twice": lambda: _town(clients=[routing.Client("a"), routing.Client("a")]),
        "clients: none": lambda: _town(clients=[]),
        "clients: a frame": lambda: _town(clients=pd.DataFrame({"nam": ["a", "b"], "demand": [1, 2]})),
        "clients: a cell": lambda: _town(clients=pd.DataFrame({"name": ["a", "b"], "demand": ["1", "two"]})),
        "clients: of another kind": lambda: _town(clients=[routing.Depot("a"), routing.Depot("b")]),
        "vehicles: none": lambda: _town(vehicles=[]),
        "vehicle: no count": lambda: _van(num_available=-1),
        "vehicle: shift": lambda: _van(shift_start=500.0, shift_end=400.0),
        "vehicle: unknown depot": lambda: _van(start_depot="dpot"),
        "vehicle: breaks misspelt": lambda: _van(breaks="30 at noon"),
        "vehicle: reloads": lambda: _van(max_reloads=-1),
        "depots: which": lambda: _town(depots=[routing.Depot("depot"), routing.Depot("other")]),
        "matrix: shape": lambda: _town(duration=[[0.0, 1.0], [1.0, 0.0]]),
        "matrix: below nothing": lambda: _town(duration=[[0.0, -1.0, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]),
        "matrix: no number": lambda: _town(cost={"fuel": [[0.0, math.nan, 1.0], [1.0, 0.0, 1.0], [1.0, 1.0, 0.0]]}),
        "cost: a name that is taken": lambda: _town(cost={"fixed": [[0.0] * 3] * 3}),
        "cost: not bound": lambda: _town(cost={"fuel": _law("2 * km", "km")}),
        "no coordinates": lambda: _town(distance=None),
        "law: unknown field": lambda: _town(cost={"fuel": _law("2 * k", "k").bind(k=refs.client.kg)}),
        "law: scope of another kind": lambda: _town(cost={"fuel": _law("2 * k", "k").bind(k=refs.lane.distance)}),
        "law: unbound input": lambda: _law("k * m", "k", "m").bind(k=refs.arc.distance),
        "law: unknown input": lambda: _law("k", "k").bind(q=refs.arc.distance),
        "law: not finite": lambda: _town(cost={"fuel": _law("1 / (k - 10)", "k").bind(k=refs.arc.distance)}),
        "planning: unknown": lambda: _town(planning={"clock.hor": 9}),
        "policy: a text": lambda: routing.Policy(capacities="pallets"),
        "policy: unknown capacity": lambda: _town(policy=routing.Policy(capacities=("pallets",))),
        "policy: unknown goods": lambda: _town(policy=routing.Policy(apart=(("food", "paint"),))),
        "policy: unknown pinned": lambda: _town(policy=routing.Policy(pinned={"van 3": ("a",)})),
        "policy: pinned twice": lambda: _town(policy=routing.Policy(pinned={"van 1": ("a",), "van 2": ("a",)})),
        "policy: of another kind": lambda: _town(policy={"backhaul": True}),
        "units: unknown": lambda: routing.Units(load="tonnne"),
        "units: no time": lambda: routing.Units(time="km"),
        "arrivals: to itself": lambda: routing.ArrivalFunctions.of({(0, 0): ([0], [1])}, 2),
        "arrivals: back in time": lambda: routing.ArrivalFunctions.of({(0, 1): ([5], [1])}, 2),
        "shop: unknown job": lambda: _shop(tasks=[scheduling.Task("a", "k")]),
        "shop: no mode": lambda: _shop(modes=[scheduling.Mode("a", "m", duration=1.0)]),
        "shop: no duration": lambda: _shop(modes=[scheduling.Mode("a", "m"), scheduling.Mode("b", "m")]),
        "shop: release": lambda: _shop(jobs=[scheduling.Job("j", release_date=-1.0)]),
        "shop: horizon": lambda: _shop(horizon=-5.0),
        "shop: break": lambda: _shop(calendars=[scheduling.Break(5.0, 3.0, "m")]),
        "shop: breaks overlap": lambda: _shop(calendars=[scheduling.Break(1.0, 5.0), scheduling.Break(3.0, 6.0, "m")]),
        "shop: price": lambda: _shop(power_price=[scheduling.PowerPrice(4.0, 1.0)]),
        "shop: unknown machine": lambda: _shop(setups=[scheduling.Setup("x", "y", 1.0, "k")]),
        "shop: units": lambda: scheduling.Units(time="t"),
        "supply: unknown head": lambda: _net(lanes=[supply.Lane("mill", "nroth")]),
        "supply: a lane twice": lambda: _net(lanes=[supply.Lane("mill", "north"), supply.Lane("mill", "north")]),
        "supply: names twice": lambda: _net(markets=[supply.Market("north")]),
        "supply: tariff below nothing": lambda: _net(tariff=-1.0),
        "supply: demand": lambda: _net(demand=[1.0, 2.0]),
        "supply: planning": lambda: _net(planning={"state.wight": 2.0}),
        "supply: half a place": lambda: _net(markets=[supply.Market("Lyon", x=3.0)]),
        "supply: weight": lambda: _net(products=[supply.Product("flour", weight=0.0)]),
        "supply: status": lambda: _net(facilities=[supply.Facility("north", status="opn")]),
        "supply: capacity": lambda: _net(suppliers=[supply.Supplier("mill", capacity=-3.0)]),
        "decision: endless": lambda: decisions.Decision("x", 0, math.inf),
        "decision: empty": lambda: decisions.Decision("x", 2, 1),
        "decision: no whole number": lambda: decisions.Decision("x", 0.2, 0.8, integer=True),
        "decision: none": lambda: ko.DecisionProblem({}, _law("x", "x")),
        "decision: unknown input": lambda: ko.DecisionProblem(decided, _law("x + y", "x", "y")),
        "decision: fixed too": lambda: ko.DecisionProblem(decided, _law("x", "x"), fixed={"x": 1.0}),
        "decision: tolerance": lambda: ko.DecisionProblem(decided, _law("x", "x"), tolerance=0.0),
        "decision: no constraint": lambda: ko.DecisionProblem(decided, _law("x", "x"), ["x < 1"]),
        "decision: names twice": lambda: ko.DecisionProblem(
            decided,
            _law("x", "x"),
            [decisions.at_most({"x": 1.0}, 1, name="a"), decisions.at_least({"x": 1.0}, 0, name="a")],
        ),
        "constraint: no limit": lambda: decisions.Constraint({"x": 1.0}),
        "formula: unknown name": lambda: _law("2 * kn", "km"),
        "formula: syntax": lambda: _law("2 * * km", "km"),
        "formula: a call": lambda: _law("__import__('os')", "km"),
        "variable: unit": lambda: ko.Variable("x", "kmm"),
        "variable: bounds": lambda: ko.Variable("x", low=3, high=1),
    })  # fmt: skip


def _broken_plans() -> dict[str, str]:
    rounds, shop, mills, speeds = (problem_of(name) for name in ("rounds", "shop", "mills", "speeds"))
    flow = {"tail": "mill", "head": "north", "mode": "", "product": "flour", "period": "1", "quantity": 1.0}
    stops = pd.DataFrame({"vehicle": ["van 1"], "stop": [1], "client": ["c01"], "departure": ["8:75"]})
    row = {"task": "axle cut", "machine": "saw", "start": 0.0}
    result = ko.evaluate(rounds, {"van 1": ["c01"]})
    slow = ko.evaluate(speeds, {"first": 60, "second": 55, "vans": 3})
    why = ko.explain(result)
    return _said({
        "routes: unknown client": lambda: rounds.plan_from({"van 1": ["c1"]}),
        "routes: unknown vehicle": lambda: rounds.plan_from({"vna 1": ["c01"]}),
        "routes: a text": lambda: rounds.plan_from({"van 1": "c01"}),
        "routes: a number": lambda: rounds.plan_from(3),
        "routes: too many": lambda: rounds.plan_from([["c01"], ["c02"], ["c03"], ["c04"]]),
        "routes: columns": lambda: rounds.plan_from(pd.DataFrame({"vehicl": ["van"], "stop": [1], "client": ["c01"]})),
        "routes: departure": lambda: rounds.plan_from(stops),
        "routes: unknown depot": lambda: rounds.plan_from([routing.Route("van", 1, "yrad", ("c01",))]),
        "routes: a client twice": lambda: rounds.check(rounds.plan_from({"van 1": ["c01", "c01"], "van 2": ["c01"]})),
        "routes: a vehicle too many": lambda: rounds.check(rounds.plan_from({"van 3": ["c01"]})),
        "routes: no stop": lambda: rounds.plan_from(stops.assign(stop=["one"], departure=[480.0])),
        "schedule: unknown task": lambda: shop.plan_from([{**row, "task": "axle ct"}]),
        "schedule: unknown machine": lambda: shop.plan_from([{**row, "machine": "swa"}]),
        "schedule: which mode": lambda: shop.plan_from([{"task": "frame cut", "machine": "laser", "start": 0.0}]),
        "schedule: unknown mode": lambda: shop.plan_from([{**row, "mode": "slow"}]),
        "schedule: start": lambda: shop.plan_from([{**row, "start": "noon"}]),
        "schedule: column": lambda: shop.plan_from([{"task": "axle cut", "machine": "saw"}]),
        "schedule: a number": lambda: shop.plan_from(3),
        "schedule: a task twice": lambda: shop.check(shop.plan_from([row, {**row, "start": 60.0}])),
        "flows: unknown lane": lambda: mills.plan_from([{**flow, "head": "Nice"}]),
        "flows: unknown product": lambda: mills.plan_from([{**flow, "product": "flower"}]),
        "flows: unknown period": lambda: mills.plan_from([{**flow, "period": "4"}]),
        "flows: quantity": lambda: mills.plan_from([{**flow, "quantity": "much"}]),
        "flows: below nothing": lambda: mills.check(mills.plan_from([{**flow, "quantity": -3.0}])),
        "flows: keys": lambda: mills.plan_from({"flow": [flow]}),
        "flows: unknown site": lambda: mills.plan_from({"flows": [flow], "open": ["nrth"]}),
        "flows: no mode": lambda: mills.plan_from([{k: v for k, v in flow.items() if k != "mode"}]),
        "decisions: unknown": lambda: speeds.plan_from({"frist": 3.0}),
        "decisions: missing": lambda: speeds.plan_from({"first": 30.0}),
        "decisions: a text": lambda: speeds.plan_from({"first": "fast", "second": 30.0, "vans": 2}),
        "decisions: a list": lambda: speeds.plan_from([1.0]),
        "terms: unknown level": lambda: why.terms("terms"),
        "instead: unknown client": lambda: why.instead("c99", "truck"),
        "instead: unknown vehicle": lambda: why.instead("c01", "trck"),
        "instead: there already": lambda: why.instead("c01", "van"),
        "leg: not driven": lambda: why.leg("c01", "c02"),
        "conflict: served": lambda: why.conflict("c01"),
        "conflict: unknown": lambda: why.conflict("c1"),
        "conflict: of no routes": lambda: ko.explain(slow).conflict("x"),
        "conflict: found": lambda: ko.explain(
            ko.evaluate(problem_of("out_of_reach"), {"van 1": ["near", "full one"]})
        ).conflict("full other", time_limit=60),
        "today: of another problem": lambda: why.to_html("never.html", today=slow),
        "difference: units": lambda: ko.difference(result, replace(result, assessment=None)),
        "solve: time limit": lambda: ko.solve(rounds, time_limit=-1),
        "solve: seed": lambda: ko.solve(rounds, seed=1.5),
        "solve: counting supply": lambda: ko.solve(mills, deterministic=True),
        "kanopt: unknown name": lambda: ko.solv,
        "compare: one": lambda: ko.compare([scenario_of("workshop")[0]]),
        "compare: two kinds": lambda: ko.compare([scenario_of("workshop")[0], scenario_of("sioux_falls")[0]]),
        "compare: one name": lambda: ko.compare([scenario_of("workshop")[0]] * 2),
        "scenario: unknown column": lambda: scenario_of("workshop")[0].scale("power.prise", 2.0),
        "scenario: unknown table": lambda: scenario_of("workshop")[0].set("pwer.price", 2.0),
        "scenario: unknown row": lambda: scenario_of("workshop")[0].remove("machines", where={"name": "mill C"}),
        "scenario: changes": lambda: scenario_of("workshop")[0].scale("power.price", 2.0).named("Dear").changes,
        "table: not there": lambda: ko.read_table("nowhere.csv"),
    })  # fmt: skip


def _commands() -> dict[str, str]:
    """Return what commands print in a folder of the small files, and the code they end with."""
    found = {}
    with _folder() as folder:
        for command in (
            "--help",
            "check --help",
            "run --help",
            "solve --help",
            "compare --help",
            "fit --help",
            "check town.toml dear.toml shop.toml net.toml",
            "check --json town.toml",
            "check nowhere.toml",
            "solve town.toml --seed 7",
            "solve town.toml --time-limt 3",
            "solve town.toml --convention exact",
            "solve net.toml --quiet --out net.csv",
            "solve shop.toml --quiet --out shop.csv",
            "solve nowhere.vrp",
            "run town.toml --seed 7 --out there",
            "run town.toml --seed 7 --json --quiet --report there/page.html",
            "compare dear.toml --repeats 1 --json --quiet --out there",
            "compare town.toml",
            "fit town.toml --out laws",
            "fit town.toml --target minutes",
            "fit --table trips.csv",
            "fit --table trips.csv --target minuts --features km",
            "fit --table trips.csv --target minutes --features km --law pin.km=logg",
            "frobnicate",
        ):
            found[command] = _run(command)
        (folder / "town.toml").write_text(
            FILES["town.toml"].replace('kind = "routing"', 'kind = "ruting"'), "utf-8"
        )
        found["check a mistake"] = _run("check town.toml dear.toml")
        found["check --json a mistake"] = _run("check --json town.toml")
        found["run a mistake"] = _run("run town.toml")
        for name in ("net.csv", "shop.csv", "there/town_plan.csv", "laws/litres.json"):
            found[f"file {name}"] = (folder / name).read_text("utf-8")
        found["files"] = say.lines(
            *sorted(
                str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file() and p.name not in FILES
            )
        )
    with contextlib.chdir(HERE.parents[1]):
        for base in BASES:
            found[f"fit {base}"] = _run(f"fit tests/corpus/scenarios/{base}.toml --allow-outside")
        files = " ".join(f"tests/corpus/scenarios/{name}.toml" for name in VARIANTS["sioux_falls"])
        found["check what-ifs"] = _run(f"check --allow-outside {files}")
    return found


def _run(command: str) -> str:
    out, err = io.StringIO(), io.StringIO()
    wide = {"COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb", "KANOPT_DEBUG": ""}
    before = {name: os.environ.get(name) for name in wide}
    os.environ.update(wide)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            command_line(command.split())
    except SystemExit as ended:
        code = ended.code
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
    parts = [f"exit code {code}", *(["out:", out.getvalue()] if out.getvalue() else [])]
    return "\n".join([*parts, *(["err:", err.getvalue()] if err.getvalue() else [])])


MESSAGES: Mapping[str, Callable[[], dict[str, str]]] = {
    "messages_of_files": _broken_files,
    "messages_of_records": _broken_records,
    "messages_of_plans": _broken_plans,
    "commands": _commands,
}
"""What to record, by the name of the golden file."""
