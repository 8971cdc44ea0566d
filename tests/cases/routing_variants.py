"""Small routing problems in which one rule, or several together, makes a difference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import numpy as np

from kanopt import RoutingProblem
from kanopt.formulas import Variable, parse_formula
from kanopt.refs import client, vehicle
from kanopt.routing import Client, Depot, Route, RoutingPolicy, VehicleType
from tests.cases.routing_simulator import Best, best_of_all

VARIANTS = (
    "capacities", "windows", "soft", "service_law", "open", "max_distance", "max_duration", "overtime", "pickup",
    "backhaul", "source", "reload", "goods", "breaks", "pinned", "longest", "end", "release", "mixed",
)  # fmt: skip
Rng = np.random.Generator


@dataclass
class Draft:
    """A problem while its rules are made up."""

    clients: list[dict[str, Any]]
    vehicles: list[dict[str, Any]]
    minutes: np.ndarray[Any, Any]
    euros: np.ndarray[Any, Any]
    km: np.ndarray[Any, Any]
    policy: dict[str, Any] = field(default_factory=dict)
    depots: list[str] = field(default_factory=lambda: ["depot"])

    def problem(self) -> RoutingProblem:
        """Return the problem as it is now."""
        return RoutingProblem(
            [Depot(name) for name in self.depots],
            [Client(**each) for each in self.clients],
            [VehicleType(**each) for each in self.vehicles],
            {"fuel": self.euros},
            self.minutes,
            self.km,
            policy=RoutingPolicy(**self.policy),
        )


def plain(seed: int, *, uneven: bool = False) -> Draft:
    """Return a town of four or five clients, a van or two and a truck.

    Minutes, euros and kilometres are whole numbers, or uneven ones that engines have to round.
    """
    rng = np.random.default_rng(seed)
    n = int(rng.integers(4, 6))
    people = [
        {
            "name": f"c{place}",
            "demand": float(rng.integers(1, 5)),
            "service_duration": float(rng.integers(1, 6)),
            **({"prize": float(rng.integers(8, 30))} if rng.random() < 0.25 else {}),
        }
        for place in range(n)
    ]
    shared = {"shift_start": 400.0, "shift_end": 640.0, "attributes": {}}
    fleet = [
        {
            "name": "van",
            "num_available": int(rng.integers(1, 3)),
            "capacity": 8.0,
            "fixed_cost": 12.0,
            **shared,
        },
        {"name": "truck", "capacity": 12.0, "fixed_cost": 18.0, "unit_distance_cost": 0.25, **shared},
    ]
    fleet[0]["unit_duration_cost"] = 0.5 if rng.random() < 0.5 else 0.0
    matrices = [_ways(rng, n + 1, *range_) for range_ in ((8, 36), (4, 22), (5, 30))]
    if uneven:
        around = np.random.default_rng([seed, 11])
        matrices = [_shortest(each * around.uniform(0.9, 1.1, each.shape)) for each in matrices]
    return Draft(people, fleet, *matrices)


def _ways(rng: Rng, n: int, low: int, high: int) -> np.ndarray[Any, Any]:
    """Return lengths of shortest ways between random places, in whole numbers."""
    found = rng.integers(low, high, (n, n)).astype(float)
    np.fill_diagonal(found, 0.0)
    return _shortest(found)


def _shortest(found: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    for middle in range(len(found)):
        found = np.minimum(found, found[:, middle, None] + found[None, middle, :])
    return found


def variant(name: str, seed: int, *, uneven: bool = False) -> RoutingProblem:
    """Return a small problem with a rule, or with some of all rules."""
    return draft(name, seed, uneven=uneven).problem()


@cache
def optimum(name: str, seed: int) -> Best:
    """Return the optimum of a variant, found by trying every plan once in a run of the tests."""
    return best_of_all(variant(name, seed))


def draft(name: str, seed: int, *, uneven: bool = False) -> Draft:
    """Return the draft of `variant`."""
    found = plain(seed, uneven=uneven)
    rng = np.random.default_rng([seed, 7])
    if name == "mixed":
        for rule in rng.choice(sorted(RULES), size=4, replace=False):
            RULES[rule](found, rng)
        add_rules(found, seed)
    else:
        {**RULES, **ADDED}[name](found, rng)
    return found


def add_rules(town: Draft, seed: int) -> None:
    """Add some of the rules that leave the choice among the others, and their numbers, as they are."""
    rng = np.random.default_rng([seed, 17])
    for rule in ADDED.values():
        if rng.random() < 0.4:
            rule(town, rng)


def _free(each: Mapping[str, Any]) -> bool:
    """Whether a client can be given a window."""
    return "windows" not in each and "earliest" not in each


def _capacities(town: Draft, rng: Rng) -> None:
    for each in town.clients:
        each["attributes"] = {"pallets": float(rng.integers(1, 6))}
    for each, room in zip(town.vehicles, (7.0, 6.0), strict=True):
        each["attributes"] = {**each["attributes"], "pallets": room}
    town.policy["capacities"] = ("pallets",)


def _windows(town: Draft, rng: Rng) -> None:
    for each in filter(_free, town.clients[:4]):
        first = int(rng.integers(405, 470))
        closes = first + int(rng.integers(3, 15))
        again = closes + int(rng.integers(10, 50))
        each["windows"] = f"{first}-{closes}, {again}-{again + int(rng.integers(3, 20))}"
    town.vehicles[1]["unit_duration_cost"] = 0.25


def _soft(town: Draft, rng: Rng) -> None:
    for each in town.clients:
        if _free(each):
            opens = float(rng.integers(400, 450))
            each |= {"earliest": opens, "latest": opens + float(rng.integers(5, 30))}
        if each["name"] != "c0":
            each["unit_lateness_cost"] = float(rng.integers(0, 3)) / 2


def _service_law(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        each["attributes"] = {**each["attributes"], "slow": float(rng.integers(1, 3))}
        each["shift_end"] = 500.0
    law = parse_formula(
        "slow * (3 + 4 * load)",
        [Variable("slow"), Variable("load", "t")],
        Variable("stop", "min"),
    )
    town.policy["service"] = law.bind(slow=vehicle.slow, load=client.demand)


def _open(town: Draft, rng: Rng) -> None:
    for each in town.vehicles[: int(rng.integers(1, 3))]:
        each |= {"returns": False, "shift_end": float(rng.integers(435, 470))}


def _max_distance(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        each["max_distance"] = float(rng.integers(35, 60))


def _max_duration(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        each["max_duration"] = float(rng.integers(45, 75))
    for each in town.clients[:2]:
        if _free(each):
            each["earliest"] = float(rng.integers(420, 460))


def _overtime(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        each |= {
            "shift_duration": float(rng.integers(40, 60)),
            "unit_overtime_cost": float(rng.integers(1, 5)) / 2,
        }
    for each in town.clients[:2]:
        if _free(each):
            each["earliest"] = float(rng.integers(420, 460))


def _pickup(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        each["capacity"] -= 2.0
    for each in town.clients:
        if "source" not in each:
            each["pickup"] = float(rng.integers(0, 6))
            each["demand"] = each["demand"] if rng.random() < 0.6 else 0.0


def _backhaul(town: Draft, rng: Rng) -> None:
    _pickup(town, rng)
    town.policy["backhaul"] = True


def _source(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        each["capacity"] = float(rng.integers(4, 8))
    town.clients[1] |= {"source": "c0", "pickup": 0.0}
    town.clients[3] |= {"source": "c2" if rng.random() < 0.7 else "c0", "pickup": 0.0}
    for place in (0, 2):
        town.clients[place]["demand"] = 0.0 if rng.random() < 0.6 else 1.0


def _reload(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        each |= {"capacity": float(rng.integers(4, 7)), "reload_time": float(rng.integers(0, 8))}
        each |= {"max_reloads": int(rng.integers(1, 3))}
        each["shift_end"] = float(rng.integers(500, 600))


def _goods(town: Draft, rng: Rng) -> None:
    words = ("food", "paint", "food, paper", "acid")
    for each in town.clients:
        each["goods"] = words[int(rng.integers(0, 4))]
    town.clients[0]["goods"], town.clients[1]["goods"], town.clients[2]["goods"] = "food", "paint", "acid"
    town.policy["apart"] = (("food", "paint"), ("acid", "food"))


def _breaks(town: Draft, rng: Rng) -> None:
    for each in town.vehicles:
        first = int(rng.integers(405, 440))
        each["breaks"] = f"{int(rng.integers(10, 25))} in {first}-{first + int(rng.integers(4, 20))}"
        if rng.random() < 0.5:
            again = first + 50
            each["breaks"] += f", {int(rng.integers(5, 15))} in {again}-{again + 10}"
        each |= {"unit_duration_cost": 0.25, "shift_end": 520.0}
    for each in town.clients:
        each["service_duration"] += float(rng.integers(5, 12))
        if _free(each):
            opens = float(rng.integers(405, 450))
            each |= {"earliest": opens, "latest": opens + float(rng.integers(15, 60))}


def _pinned(town: Draft, rng: Rng) -> None:
    last = town.vehicles[0].get("num_available", 1)
    town.policy["pinned"] = {f"van {last}": ("c0",), "truck 1": ("c1", "c2")[: int(rng.integers(1, 3))]}


def _longest(town: Draft, rng: Rng) -> None:
    town.policy["longest_route_cost"] = float(rng.integers(1, 5)) / 4


def _release(town: Draft, rng: Rng) -> None:
    for each in town.clients:
        if rng.random() < 0.6:
            each["release_time"] = float(rng.integers(390, 460))
    for each in town.vehicles:
        each["shift_end"] = min(each["shift_end"], 520.0)


def _end(town: Draft, rng: Rng) -> None:
    town.depots.append("yard")
    for name in ("minutes", "euros", "km"):
        known = getattr(town, name)
        wide = np.zeros((len(known) + 1, len(known) + 1))
        old = [0, *range(2, len(wide))]
        wide[np.ix_(old, old)] = known
        wide[1, old], wide[old, 1] = rng.integers(4, 30, len(known)), rng.integers(4, 30, len(known))
        setattr(town, name, _shortest(wide))
    first = int(rng.integers(0, 2))
    for place, each in enumerate(town.vehicles):
        each["start_depot"] = "depot"
        if place >= first and each.get("returns", True):
            each["end_depot"] = "yard"


def rest(town: Draft, rng: Rng) -> None:
    """Let drivers rest after some time at the wheel, who have no breaks."""
    for each in town.vehicles:
        if "breaks" not in each:
            each |= {"max_driving": float(rng.integers(10, 40)), "rest_duration": float(rng.integers(2, 15))}


RULES: Mapping[str, Callable[[Draft, Rng], None]] = {
    "capacities": _capacities,
    "windows": _windows,
    "soft": _soft,
    "service_law": _service_law,
    "open": _open,
    "max_distance": _max_distance,
    "max_duration": _max_duration,
    "overtime": _overtime,
    "pickup": _pickup,
    "backhaul": _backhaul,
    "source": _source,
    "reload": _reload,
    "goods": _goods,
    "breaks": _breaks,
    "pinned": _pinned,
    "longest": _longest,
}
ADDED: Mapping[str, Callable[[Draft, Rng], None]] = {"end": _end, "release": _release}


def under_way(problem: RoutingProblem, seed: int) -> RoutingProblem:
    """Return a problem in which some vehicles have left, with routes that need not be good."""
    rng = np.random.default_rng([seed, 23])
    routes = []
    for route in some_routes(problem, seed + 500, stated=True):
        if rng.random() < 0.7:
            leaves = route.departure if rng.random() < 0.8 else None
            stops = route.clients[: int(rng.integers(1, 4))]
            locked = int(rng.integers(0, len(stops) + 2))
            routes.append(replace(route, clients=stops, departure=leaves, locked=locked))
    now = float(rng.integers(400, 430)) if rng.random() < 0.7 else None
    return replace(problem, started=routes, policy=replace(problem.policy, not_before=now))


def going_on(problem: RoutingProblem, seed: int) -> tuple[Route, ...]:
    """Return routes of which most do what those under way can, with stops of :func:`some_routes` beside and behind."""
    rng = np.random.default_rng([seed, 29])
    others = {(route.vehicle, route.index): route for route in some_routes(problem, seed, stated=True)}
    taken = {name for each in problem.started for name in each.clients if name != "depot"}
    for each in problem.started:
        known = others.get((each.vehicle, each.index), each)
        rest = [name for name in known.clients if name not in taken or name == "depot"]
        again = ["depot"] if rng.random() < 0.5 else []
        stops = (*each.clients, *again, *rest) if rng.random() < 0.85 else known.clients
        leaves = each.departure if rng.random() < 0.8 else known.departure
        others[each.vehicle, each.index] = replace(each, clients=stops, locked=0, departure=leaves or 420.0)
    seen: set[str] = set()
    for taken_by in sorted(others, key=lambda one: rng.random() - (one in problem.data.started_of)):
        route = others[taken_by]
        stops = tuple(name for name in route.clients if name not in seen)
        seen.update(name for name in stops if name != "depot")
        others[taken_by] = replace(route, clients=stops)
    return tuple(route for route in others.values() if route.clients)


def some_routes(problem: RoutingProblem, seed: int, *, stated: bool = False) -> tuple[Route, ...]:
    """Return routes over some of the clients, whether they keep to the rules or not, with visits of the depot."""
    rng = np.random.default_rng(seed)
    names = [client.name for client in problem.clients]
    rng.shuffle(names)
    numbers = [
        (each.name, number) for each in problem.vehicles for number in range(1, each.num_available + 1)
    ]
    owner = rng.integers(-1 if rng.random() < 0.3 else 0, len(numbers), len(names))
    routes = []
    for place, (name, number) in enumerate(numbers):
        stops = [stop for stop, mine in zip(names, owner, strict=True) if mine == place]
        if len(stops) > 1 and rng.random() < (0.5 if problem.vehicles[0].max_reloads else 0.05):
            stops.insert(int(rng.integers(1, len(stops))), "depot")
        if stops:
            leaves = float(rng.integers(400, 450)) if stated else None
            routes.append(Route(name, number, "depot", tuple(stops), leaves))
    return tuple(routes)
