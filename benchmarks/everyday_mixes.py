"""Everyday mixes of routing rules: what the default plans, against a checkout of before.

Twelve mixes of rules (breaks, reloads, pickups, several windows, soft windows, overtime, goods apart, even work,
backhauls, skills, prizes, open ends, several depots and others) on made towns, without a law of load or clock. The
first six are to tune on, the others are looked at once. Every run is a process of its own, checkouts take turns, and
the time limit counts CPU seconds, so that what else the machine does decides nothing. Every plan is priced and checked
by the referee. ``left`` counts clients left out that must be served.

``--before FOLDER`` compares with the code of another checkout.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, in_own_process, print_table

import kanopt as ko
from kanopt import routing
from kanopt.engines.base import SearchClock, SolveOptions
from kanopt.engines.solve import search_and_assess

SECONDS = {60: 10.0, 200: 30.0}
TUNED = (
    "breaks",
    "breaks reloads pickups",
    "windows soft overtime",
    "apart pickups even",
    "source breaks",
    "prizes depots skills",
)
KEPT = (
    "backhaul apart pickups even",
    "source windows prizes",
    "reloads releases soft",
    "open_ends duration pinned skills",
    "breaks measure depots windows",
    "backhaul overtime releases",
)
OPENS, CLOSES = 420.0, 1020.0


class CpuClock(SearchClock):
    """CPU seconds of this process."""

    def now(self) -> float:
        """Return them; only differences mean anything."""
        return time.process_time()


@dataclass
class Town:
    """A town as fields of records, which rules change."""

    rng: np.random.Generator
    clients: list[dict[str, Any]]
    vehicles: list[dict[str, Any]]
    depots: list[dict[str, Any]]
    policy: dict[str, Any] = field(default_factory=dict)

    def some(self, share: float) -> list[dict[str, Any]]:
        """Return a drawn share of the clients."""
        return [client for client in self.clients if self.rng.random() < share]

    def problem(self) -> ko.RoutingProblem:
        """Return the problem; roads differ by direction."""
        places = np.array([(each["x"], each["y"]) for each in (*self.depots, *self.clients)])
        km = 1.3 * np.linalg.norm(places[:, None] - places[None], axis=-1)
        minutes = km * self.rng.uniform(1.3, 1.9, km.shape)
        return ko.RoutingProblem(
            [routing.Depot(**each) for each in self.depots],
            [routing.Client(**each) for each in self.clients],
            [routing.VehicleType(**each) for each in self.vehicles],
            {},
            minutes,
            km,
            policy=routing.RoutingPolicy(**self.policy),
        )


def town(clients: int, seed: int) -> Town:
    """Return a town of villages around a depot, with windows for some clients and a fleet of two types."""
    rng = np.random.default_rng([seed, clients])
    villages = rng.uniform(0.0, 40.0, (8, 2))
    people: list[dict[str, Any]] = []
    for number in range(clients):
        middle = villages[rng.integers(len(villages))] if rng.random() < 0.6 else rng.uniform(0.0, 40.0, 2)
        x, y = middle + rng.normal(0.0, 2.0, 2)
        client = {"name": f"c{number}", "x": float(x), "y": float(y)}
        client |= {
            "demand": round(float(rng.uniform(0.1, 0.6)), 2),
            "service_duration": float(rng.integers(5, 13)),
        }
        if rng.random() < 0.4:
            opens = float(rng.integers(OPENS, CLOSES - 240.0))
            client |= {"earliest": opens, "latest": opens + float(rng.integers(90, 240))}
        people.append(client)
    shared = {"shift_start": OPENS, "shift_end": CLOSES, "unit_duration_cost": 0.4}
    vans = {
        "name": "van",
        "num_available": clients // 8,
        "capacity": 2.6,
        "fixed_cost": 40.0,
        "unit_distance_cost": 0.3,
    }
    trucks = {
        "name": "truck",
        "num_available": clients // 12,
        "capacity": 4.5,
        "fixed_cost": 65.0,
        "unit_distance_cost": 0.5,
    }
    return Town(rng, people, [vans | shared, trucks | shared], [{"name": "depot", "x": 20.0, "y": 20.0}])


def breaks(place: Town) -> None:
    """Two breaks for drivers of vans, one for those of trucks."""
    place.vehicles[0]["breaks"] = "15 in 540-640, 30 in 700-800"
    place.vehicles[1]["breaks"] = "45 in 660-800"


def reloads(place: Town) -> None:
    """Vehicles of half the size that may load again."""
    for vehicle in place.vehicles:
        vehicle |= {"capacity": 0.6 * vehicle["capacity"], "max_reloads": 2, "reload_time": 15.0}


def pickups(place: Town) -> None:
    """Goods that come back, half of the time where nothing is delivered."""
    for client in place.some(0.3):
        client["pickup"] = round(float(place.rng.uniform(0.1, 0.5)), 2)
        if place.rng.random() < 0.5:
            client["demand"] = 0.0


def windows(place: Town) -> None:
    """Two windows for half of the clients."""
    for client in place.some(0.5):
        client.pop("earliest", None)
        client.pop("latest", None)
        client["windows"] = "450-570, 720-900" if place.rng.random() < 0.5 else "480-600, 840-960"


def soft(place: Town) -> None:
    """Lateness at a price for most clients with a window."""
    for client in place.some(0.7):
        if "latest" in client or "windows" in client:
            client["unit_lateness_cost"] = 0.3


def overtime(place: Town) -> None:
    """Hours beyond six cost more."""
    for vehicle in place.vehicles:
        vehicle |= {"shift_duration": 360.0, "unit_overtime_cost": 0.4}


def apart(place: Town) -> None:
    """Food and paint are not on one route."""
    for client in place.clients:
        kind = place.rng.choice(["food", "paint", ""], p=[0.25, 0.2, 0.55])
        client["goods"] = (str(kind),) if kind else ()
    place.policy["apart"] = (("food", "paint"),)


def even(place: Town) -> None:
    """Make the longest route cost money."""
    place.policy["longest_route_cost"] = 0.5


def source(place: Town) -> None:
    """Load what a quarter of the clients receive at others."""
    order = place.rng.permutation(len(place.clients)).tolist()
    pairs = len(order) // 4
    for giver, taker in zip(order[:pairs], order[pairs : 2 * pairs], strict=True):
        place.clients[giver]["demand"] = 0.0
        for client in (place.clients[giver], place.clients[taker]):
            client |= {"earliest": OPENS, "latest": CLOSES}
        place.clients[taker]["source"] = place.clients[giver]["name"]


def backhaul(place: Town) -> None:
    """Let a quarter of the clients give and not take; deliveries come first."""
    for client in place.some(0.25):
        client |= {"pickup": client["demand"], "demand": 0.0}
    place.policy["backhaul"] = True


def skills(place: Town) -> None:
    """Cooled goods go by truck."""
    place.vehicles[1]["skills"] = ("cooled",)
    for client in place.some(0.15):
        client["needs"] = ("cooled",)


def prizes(place: Town) -> None:
    """Let a third of the clients be left out at a price."""
    for client in place.some(0.35):
        client["prize"] = float(place.rng.integers(3, 25))


def releases(place: Town) -> None:
    """Goods that come in during the morning."""
    for client in place.some(0.3):
        ready = float(place.rng.integers(OPENS, 600.0))
        client["release_time"] = ready
        if "latest" in client:
            client["latest"] = max(client["latest"], ready + 120.0)


def open_ends(place: Town) -> None:
    """Vans need not come back."""
    place.vehicles[0]["returns"] = False


def duration(place: Town) -> None:
    """Routes of seven hours at most."""
    for vehicle in place.vehicles:
        vehicle["max_duration"] = 420.0


def pinned(place: Town) -> None:
    """Give some clients the driver they know."""
    names = [client["name"] for client in place.some(0.06)]
    place.policy["pinned"] = {"van 1": names[::2], "van 2": names[1::2]}


def measure(place: Town) -> None:
    """Pallets beside tons."""
    for vehicle, room in zip(place.vehicles, (8.0, 12.0), strict=True):
        vehicle["attributes"] = {"pallets": room}
    for client in place.clients:
        client["attributes"] = {"pallets": float(place.rng.integers(0, 3))}
    place.policy["capacities"] = ("pallets",)


def depots(place: Town) -> None:
    """Vans and trucks start elsewhere, and more vans at a third depot."""
    place.depots = [
        {"name": name, "x": x, "y": y}
        for name, x, y in (("south", 10.0, 10.0), ("north", 28.0, 32.0), ("east", 36.0, 12.0))
    ]
    vans, trucks = place.vehicles
    vans["start_depot"], trucks["start_depot"] = "south", "north"
    place.vehicles.append({**vans, "name": "eastern van", "start_depot": "east"})


RULES: dict[str, Callable[[Town], None]] = {
    rule.__name__: rule
    for rule in (
        *(breaks, reloads, pickups, windows, soft, overtime, apart, even, source, backhaul),
        *(skills, prizes, releases, open_ends, duration, pinned, measure, depots),
    )
}


def mix(name: str, clients: int, seed: int) -> ko.RoutingProblem:
    """Return a town with the rules that a name lists."""
    place = town(clients, seed)
    for rule in name.split():
        RULES[rule](place)
    return place.problem()


def run_here(name: str, clients: int, seed: int, seconds: float) -> dict[str, Any]:
    """Plan one mix; return price, clients left out, CPU seconds."""
    problem, clock = mix(name, clients, seed), CpuClock()
    began = clock.now()
    plan = search_and_assess(problem, SolveOptions(time_limit=seconds, seed=seed, clock=clock)).plan
    spent = clock.now() - began
    if plan is None:
        return {"price": float("nan"), "left": -1, "cpu": spent}
    check = problem.check(plan)
    if not (check.ok or check.only_unserved):
        raise SystemExit(f"{name}, {clients} clients, seed {seed}: the plan breaks a rule: {check}")
    must = {client.name for client in problem.clients if client.mandatory}
    left = len(must & set(plan.unserved))
    return {"price": problem.price(plan).objective, "left": left, "cpu": spent}


def rows(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Run both checkouts by turns on every mix; print each row as it comes."""
    checkouts = {"now": Path(__file__).parents[1]}
    if arguments.before:
        checkouts = {"before": arguments.before, **checkouts}
    names = {"tuned": TUNED, "kept": KEPT, "all": TUNED + KEPT}.get(arguments.mixes, (arguments.mixes,))
    found = []
    for clients, name, seed in product(arguments.clients, names, range(arguments.seeds)):
        seconds = arguments.seconds or SECONDS[clients]
        order = {"name": name, "clients": clients, "seed": seed}
        row: dict[str, Any] = dict(order)
        for who, code in checkouts.items():
            answer = in_own_process(order | {"seconds": seconds}, code)
            if "error" in answer:
                raise SystemExit(f"{row}, {who}: {answer['error']}")
            row |= {f"{who} {what}": value for what, value in answer.items()}
        found.append(row)
        print(json.dumps(row), flush=True)
    return found


def main() -> None:
    arguments = asked(
        __doc__,
        mixes=("tuned", "tuned, kept, all, or one mix by its name"),
        clients=([60, 200], ""),
        seconds=(float, "CPU seconds for each plan; 10 for 60 clients and 30 for 200"),
        seeds=(1, ""),
        before=(Path, "a checkout to compare with"),
        child=(str, argparse.SUPPRESS),
    )
    if arguments.child:
        print(json.dumps(run_here(**json.loads(arguments.child))))
        return

    table = pd.DataFrame(rows(arguments))
    if arguments.before:
        table["change %"] = 100 * (table["now price"] / table["before price"] - 1)
    print_table(table, ",.2f")
    if arguments.before:
        # prices are compared where both leave out as many
        more = table["now left"] - table["before left"]
        change = table["change %"][more == 0]
        told = {"more left out": int((more > 0).sum()), "fewer left out": int((more < 0).sum())}
        told |= {"median %": change.median(), "mean %": change.mean(), "worst %": change.max()}
        print_table([told], ".2f")
    print(f"\n{footer(['ortools', 'pyvrp'], f'0 to {arguments.seeds - 1}')}")


if __name__ == "__main__":
    main()
