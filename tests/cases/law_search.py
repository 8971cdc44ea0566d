"""Small routing problems whose laws read load and clock, and their optima on the law by trying everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from kanopt import RoutingProblem
from kanopt.formulas import Table, Variable, parse_formula
from kanopt.refs import arc, clock, state, vehicle
from kanopt.routing import ArrivalFunctions, Client, Depot, VehicleType

KM, LOAD, HOUR = Variable("km", "km"), Variable("load", "t"), Variable("hour", "h")
MINUTES = Variable("minutes", "min")
COST, TIME = Variable("cost", "EUR"), Variable("time", "min")

CASES = (
    "still",
    "load line",
    "load curve",
    "slow when full",
    "rush hour",
    "toll by hour",
    "load and clock",
    "paid by the minute",
    "arrivals",
    "arrivals unpaid",
    "arrivals and toll",
    "two depots",
    "skills",
)
"""What the laws of :func:`exact_problem` read."""


def exact_problem(case: str, seed: int, clients: int = 5, *, optional: bool = False) -> RoutingProblem:
    """Return a problem with two vehicle types, windows and capacities whose laws are of some kind."""
    rng = np.random.default_rng(seed)
    depots = [Depot("depot", 0.0, 0.0)] + ([Depot("yard", 20.0, 5.0)] if case == "two depots" else [])
    n = clients + len(depots)
    places = np.concatenate([[(d.x, d.y) for d in depots], rng.uniform(-15, 25, (clients, 2))])
    distance = np.hypot(*(places[:, None] - places[None, :]).transpose(2, 0, 1)) * rng.uniform(1, 1.3, (n, n))
    np.fill_diagonal(distance, 0.0)
    opens = rng.uniform(420, 640, clients).round(1)
    people = [
        Client(
            f"c{place}",
            demand=round(float(rng.uniform(0.1, 0.7)), 3),
            service_duration=float(rng.integers(0, 12)),
            earliest=float(opens[place]),
            latest=round(float(opens[place] + rng.uniform(60, 240)), 1),
            prize=round(float(rng.uniform(10, 60)), 2) if optional and rng.random() < 0.5 else None,
        )
        for place in range(clients)
    ]
    paid = 0.0 if case == "arrivals unpaid" else 0.2
    shift = {"shift_start": 380.0, "shift_end": 900.0, "unit_duration_cost": paid}
    fleet = [
        VehicleType("van", 2, 1.1, 10.0, **shift, start_depot="depot", attributes={"km_price": 0.8}),
        VehicleType(
            "truck",
            1,
            2.0,
            16.0,
            0.3,
            1.5 * paid,
            360.0,
            880.0,
            start_depot="yard" if case == "two depots" else "depot",
            skills="cooled" if case == "skills" else "",
            attributes={"km_price": 1.1},
        ),
    ]
    if case == "skills":
        people[0] = replace(people[0], needs="cooled")
        people[1] = replace(people[1], vehicles="van")
    cost, duration = _laws(case, distance, n, rng)
    return RoutingProblem(depots, people, fleet, cost, duration, distance)


def _laws(
    case: str, distance: np.ndarray, n: int, rng: np.random.Generator
) -> tuple[dict[str, object], object]:
    price = Variable("price", "")
    plain = parse_formula("price * km", [KM, price], COST).bind(km=arc.distance, price=vehicle.km_price)
    minutes = 1.5 * distance
    if case in ("still", "two depots", "skills"):
        return {"fuel": plain}, minutes
    if case == "load line":
        law = parse_formula("0.3 * km * (1 + 0.9 * load)", [KM, LOAD], COST)
        kinds = Table.of({"van": 1.0, "truck": 1.4}, "kind")
        law = type(law)(
            law.root * kinds, (*law.inputs, Variable("kind", kind="category")), law.output, per="leg"
        )
        return {"fuel": law.bind(km=arc.distance, load=state.load, kind=vehicle.name)}, minutes
    if case == "load curve":
        law = parse_formula("0.4 * km * (1 + load)^1.7 - 1", [KM, LOAD], COST)
        return {"fuel": law.bind(km=arc.distance, load=state.load), "wear": plain}, minutes
    if case == "slow when full":
        law = parse_formula("1.2 * km * (1 + 0.4 * load^2)", [KM, LOAD], TIME)
        return {"fuel": plain}, law.bind(km=arc.distance, load=state.load)
    rush = parse_formula("1.3 * km * (1 + 0.8 * exp(-(hour - 9)^2))", [KM, HOUR], TIME).bind(
        km=arc.distance, hour=clock.hour
    )
    if case == "rush hour":
        return {"fuel": plain}, rush
    toll = parse_formula("0.05 * km * (2 + sin(hour))", [KM, HOUR], COST).bind(
        km=arc.distance, hour=clock.hour
    )
    if case == "toll by hour":
        return {"fuel": plain, "toll": toll}, minutes
    if case == "load and clock":
        law = parse_formula("0.1 * km * (1 + load) * (1 + 0.5 * sin(hour))", [KM, LOAD, HOUR], COST)
        bound = law.bind(km=arc.distance, load=state.load, hour=clock.hour)
        slow = parse_formula(
            "1.2 * km * (1 + 0.3 * load) * (1 + 0.5 * exp(-(hour - 9)^2))", [KM, LOAD, HOUR], TIME
        )
        return {"fuel": bound}, slow.bind(km=arc.distance, load=state.load, hour=clock.hour)
    if case == "paid by the minute":
        law = parse_formula("0.2 * km + 0.3 * minutes", [KM, MINUTES], COST)
        return {"fuel": law.bind(km=arc.distance, minutes=arc.duration)}, rush
    arrivals = random_arrivals(minutes, rng)
    if case == "arrivals and toll":
        return {"toll": toll}, arrivals
    return {"fuel": plain}, arrivals


def random_arrivals(
    minutes: np.ndarray, rng: np.random.Generator, leaves: tuple[float, float, float] = (360, 960, 20.0)
) -> ArrivalFunctions:
    """Return arrival functions with falls and jumps about some travel times, left at some of a range of clocks."""
    functions = {}
    for a, b in zip(*np.nonzero(minutes), strict=True):
        leave = np.sort(rng.choice(np.arange(*leaves), 8, replace=False))
        spent = minutes[a, b] * rng.uniform(0.6, 1.6, 8)
        steps = np.repeat(leave, 2)[1:], np.repeat(leave, 2)[1:] + np.repeat(spent, 2)[:-1]
        functions[int(a), int(b)] = steps if rng.random() < 0.5 else (leave, leave + spent)
    return ArrivalFunctions.of(functions, len(minutes))
