"""The cheapest plan of a small planning task, by trying all plans or by a small MILP; nothing of kanopt is used.

Each kind of task has one function from the statement ``[truth]`` of a task to the price and the plan in words. Tables
of the statement are texts: a line of names, then a line per row, cells parted by spaces, ``-`` where there is nothing,
clock times as minutes from midnight. All is in one unit of distance (km), minutes, one unit of load and one of money.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise, permutations, product
from typing import Any

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

__all__ = ["cheapest", "rows"]

Row = dict[str, Any]
Priced = tuple[float, str]

DAYS_END = 48 * 60.0
"""Latest return of a vehicle whose shift has no end, in minutes; it only has to be late enough."""
NO_PLAN = (math.inf, "no plan")


def rows(text: str) -> list[Row]:
    r"""Return the rows of a table in the statement; blank cells are left out.

    Examples
    --------
    >>> rows("name open load\nA 8:30 -")
    [{'name': 'A', 'open': 510.0}]
    """
    lines = [line.split() for line in text.strip().splitlines()]
    return [
        {name: _cell(cell) for name, cell in zip(lines[0], line, strict=True) if cell != "-"}
        for line in lines[1:]
    ]


def _cell(cell: str) -> float | str:
    if re.fullmatch(r"\d+:\d\d", cell):
        return _minutes(cell)
    return float(cell) if re.fullmatch(r"-?\d+(\.\d+)?", cell) else cell


def _minutes(clock: str) -> float:
    hours, minutes = clock.split(":")
    return 60.0 * int(hours) + int(minutes)


def fleet(truth: Row) -> Priced:
    """Return the cheapest routes: every order of every set of clients on every type of vehicle.

    A vehicle is paid from departure to return and departs as late as its stops allow. Service begins within a window.
    What has a ``source`` is loaded there by the same vehicle; what is picked up goes to the depot. All that has a
    ``volume`` is on board at the start.
    """
    clients = rows(truth["clients"])
    types = rows(truth["vehicles"])
    distance, minutes = _travel(truth)
    routes: list[dict[int, Priced]] = []
    for vehicle in types:
        cheapest = {0: (0.0, "")}
        for mask in range(1, 2 ** len(clients)):
            chosen = [client for bit, client in enumerate(clients) if mask >> bit & 1]
            if all(set(_words(client, "needs")) <= set(_words(vehicle, "skills")) for client in chosen):
                cheapest[mask] = min(
                    _route_price(vehicle, order, distance, minutes) for order in permutations(chosen)
                )
        routes.append(cheapest)
    fleet_in_a_row = [
        number for number, vehicle in enumerate(types) for _ in range(int(vehicle.get("count", 1)))
    ]

    @cache
    def rest(place: int, mask: int) -> Priced:
        if place == len(fleet_in_a_row):
            return NO_PLAN if mask else (0.0, "")
        best = NO_PLAN
        for served, (price, words) in routes[fleet_in_a_row[place]].items():
            if served & mask == served and price < best[0]:
                others, told = rest(place + 1, mask & ~served)
                best = min(best, (price + others, "; ".join(filter(None, (words, told)))))
        return best

    return rest(0, 2 ** len(clients) - 1)


def _travel(truth: Row) -> tuple[Callable[[str, str], float], Callable[[str, str], float]]:
    """Return km and minutes between two places: from square tables, else straight lines and the speed in km/h."""
    places = {each["name"]: each for each in rows(truth["depots"]) + rows(truth["clients"])}

    def square(name: str) -> dict[tuple[str, str], float]:
        table = rows(truth[name])
        return {(row["from"], to): value for row in table for to, value in row.items() if to != "from"}

    if "km" in truth:
        km, minutes = square("km"), square("minutes")
        return lambda *leg: km[leg], lambda *leg: minutes[leg]

    def distance(tail: str, head: str) -> float:
        return math.dist(*((places[each]["x"], places[each]["y"]) for each in (tail, head)))

    return distance, lambda *leg: 60.0 * distance(*leg) / truth.get("speed", math.inf)


def _words(row: Row, name: str) -> list[str]:
    return [each for each in str(row.get(name, "")).split(",") if each]


def _route_price(
    vehicle: Row,
    order: tuple[Row, ...],
    distance: Callable[[str, str], float],
    minutes: Callable[[str, str], float],
) -> Priced:
    if not _load_fits(vehicle, order):
        return NO_PLAN
    depot = vehicle.get("depot", "depot")
    stops = [depot, *(client["name"] for client in order), depot]
    legs = list(pairwise(stops))
    km = sum(distance(*leg) for leg in legs)
    windows = product(*(_windows(client) for client in order))
    durations = [_duration(vehicle, order, [minutes(*leg) for leg in legs], chosen) for chosen in windows]
    shortest = min(durations)
    if km > vehicle.get("max_km", math.inf) or shortest > vehicle.get("max_min", DAYS_END):
        return NO_PLAN
    price = (
        vehicle.get("fixed", 0.0) + vehicle.get("per_km", 0.0) * km + vehicle.get("per_min", 0.0) * shortest
    )
    price += vehicle.get("per_overtime", 0.0) * max(0.0, shortest - vehicle.get("regular", math.inf))
    return price, f"{vehicle['name']}: {' '.join(stops[1:-1])} ({km:.4g} km, {shortest:.4g} min)"


def _load_fits(vehicle: Row, order: tuple[Row, ...]) -> bool:
    """Say whether the vehicle never carries more than it can, and everything is loaded before it is brought."""
    names = [client["name"] for client in order]
    for place, client in enumerate(order):
        if "source" in client and client["source"] not in names[:place]:
            return False
    load = sum(client.get("demand", 0.0) for client in order if "source" not in client)
    most = load
    for client in order:
        load += sum(other["demand"] for other in order if other.get("source") == client["name"])
        load += client.get("pickup", 0.0) - client.get("demand", 0.0)
        most = max(most, load)
    volume = sum(client.get("volume", 0.0) for client in order)
    return most <= vehicle.get("capacity", math.inf) + 1e-9 and volume <= vehicle.get("room", math.inf) + 1e-9


def _windows(client: Row) -> list[tuple[float, float]]:
    if "open" in client or "close" in client:
        return [(client.get("open", 0.0), client.get("close", DAYS_END))]
    texts = _words(client, "windows") or ["0:00-48:00"]
    return [(_minutes(each.split("-")[0]), _minutes(each.split("-")[1])) for each in texts]


def _duration(
    vehicle: Row, order: tuple[Row, ...], legs: list[float], windows: tuple[tuple[float, float], ...]
) -> float:
    """Return the shortest time from departure to return, which is that of the latest departure; infinite if none."""
    end = vehicle.get("end", DAYS_END)
    latest = end - legs[-1]
    for client, leg, (opens, closes) in zip(order[::-1], legs[-2::-1], windows[::-1], strict=True):
        begin = min(closes, latest - client.get("service", 0.0))
        if begin < opens:
            return math.inf
        latest = begin - leg
    if latest < vehicle.get("start", 0.0):
        return math.inf
    clock = latest
    for client, leg, (opens, _) in zip(order, legs[:-1], windows, strict=True):
        clock = max(clock + leg, opens) + client.get("service", 0.0)
    return clock + legs[-1] - latest


def shop(truth: Row) -> Priced:
    """Return the cheapest schedule: all orders of tasks in all modes, or a MILP over starts where power has a price.

    Where nothing is set up, both are done and must agree.
    """
    found = [NO_PLAN] if "power" in truth else [_best_order(truth)]
    if "setups" not in truth:
        found.append(_best_starts(truth))
    prices = [price for price, _ in found if price < math.inf]
    if max(prices) - min(prices) > 1e-6:
        raise AssertionError(f"two ways to the best schedule disagree: {prices}")
    return min(found)


def _best_order(truth: Row) -> Priced:
    """Put tasks behind each other in every order that keeps their predecessors, each as early as it can be."""
    tasks = {row["name"]: row for row in rows(truth["tasks"])}
    modes = rows(truth["modes"])
    setups = {(row.get("before", ""), row["after"]): row["min"] for row in rows(truth.get("setups", "x"))}
    first = {row["name"]: row.get("family", "") for row in rows(truth.get("machines", "x"))}
    best = [NO_PLAN]

    def extend(done: dict[str, float], machines: dict[str, tuple[float, str]], words: list[str]) -> None:
        price = _lateness(truth, tasks, done)
        if price >= best[0][0]:
            return
        if len(done) == len(tasks):
            best[0] = (price, "; ".join(words))
            return
        for mode in modes:
            task = tasks[mode["task"]]
            if task["name"] in done or not all(each in done for each in _words(task, "after")):
                continue
            free, family = machines.get(mode["machine"], (0.0, first.get(mode["machine"], "")))
            wanted = task.get("family", "")
            start = free + setups.get((family, wanted), 0.0)
            start = max([start, _release(truth, task), *(done[each] for each in _words(task, "after"))])
            start = _after_breaks(truth, mode, start)
            end = start + mode["min"]
            after = {**machines, mode["machine"]: (end, wanted or family)}
            extend({**done, task["name"]: end}, after, [*words, _run(mode, start)])

    extend({}, {}, [])
    return best[0]


def _lateness(truth: Row, tasks: dict[str, Row], ends: dict[str, float]) -> float:
    """Return what the lateness of jobs costs at least, once these tasks have ended."""
    price = 0.0
    for job in rows(truth["jobs"]):
        end = max((end for name, end in ends.items() if tasks[name]["job"] == job["name"]), default=0.0)
        price += job["tardiness"] * max(0.0, end - job["due"])
    return price


def _release(truth: Row, task: Row) -> float:
    return next(job.get("release", 0.0) for job in rows(truth["jobs"]) if job["name"] == task["job"])


def _after_breaks(truth: Row, mode: Row, start: float) -> float:
    """Return the earliest start from then on at which the task ends before the machine rests."""
    for pause in sorted(rows(truth.get("breaks", "x")), key=lambda row: row["start"]):
        if pause["machine"] == mode["machine"] and (
            start < pause["end"] and start + mode["min"] > pause["start"]
        ):
            start = pause["end"]
    return start


def _run(mode: Row, start: float) -> str:
    return f"{mode['task']} on {mode['machine']} at {start:g}"


def _best_starts(truth: Row) -> Priced:
    """Choose a start of the grid for every task by a MILP, a variable for each task, mode and start."""
    step, horizon = float(truth["step"]), float(truth["horizon"])
    tasks = {row["name"]: row for row in rows(truth["tasks"])}
    jobs = {row["name"]: row for row in rows(truth["jobs"])}
    model = _Model()
    runs = {
        model.new(_run(mode, start), _power_price(truth, mode, start), 1.0, whole=True): (mode, start)
        for mode in rows(truth["modes"])
        for start in np.arange(_release(truth, tasks[mode["task"]]), horizon - mode["min"] + step / 2, step)
        if _after_breaks(truth, mode, start) == start
    }
    late = {name: model.new(f"{name} is late", job["tardiness"]) for name, job in jobs.items()}
    for name, task in tasks.items():
        mine = {run: 1.0 for run, (mode, _) in runs.items() if mode["task"] == name}
        ends = {run: runs[run][1] + runs[run][0]["min"] for run in mine}
        model.add(mine, 1, 1)
        model.add(ends | {late[task["job"]]: -1.0}, -np.inf, jobs[task["job"]]["due"])
        for before in _words(task, "after"):
            earlier = {
                run: -start - mode["min"] for run, (mode, start) in runs.items() if mode["task"] == before
            }
            model.add({run: runs[run][1] for run in mine} | earlier, 0, np.inf)
    for machine in {mode["machine"] for mode, _ in runs.values()}:
        here = {run: at for run, at in runs.items() if at[0]["machine"] == machine}
        for slot in np.arange(0, horizon, step):
            busy = [run for run, (mode, start) in here.items() if start <= slot < start + mode["min"]]
            model.add(dict.fromkeys(busy, 1.0), 0, 1)
    return model.solve()


def _power_price(truth: Row, mode: Row, start: float) -> float:
    """Return the price of the energy of a run, drawn evenly from start to end."""
    prices = [*rows(truth.get("power", "x")), {"start": math.inf, "price": 0.0}]
    price = 0.0
    for one, following in pairwise(prices):
        inside = min(start + mode["min"], following["start"]) - max(start, one["start"])
        price += one["price"] * mode.get("kwh", 0.0) * max(0.0, inside) / mode["min"]
    return price


def supply(truth: Row) -> Priced:
    """Return the cheapest flows and sites by a MILP.

    Lanes cost an amount per unit, for a shipment never less than their minimum, or by a rate card: of its brackets,
    each from a weight on, one holds for the whole shipment of a period, with a flat price and one per unit.
    """
    periods = truth.get("periods", ["1"])
    wanted = rows(truth["demand"])
    products = list(dict.fromkeys(row.get("product", "") for row in wanted))
    sites = {row["name"]: row for row in rows(truth.get("sites", "x"))}
    suppliers = {(row["name"], row.get("product", "")): row for row in rows(truth["suppliers"])}
    most = sum(row["amount"] for row in wanted)
    model = _Model()
    into: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    out: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    together: dict[tuple[str, str, str], dict[int, float]] = defaultdict(dict)
    for lane, period, item in product(rows(truth["lanes"]), periods, products):
        tail, head = lane["tail"], lane["head"]
        carriage = 0.0 if "minimum" in lane else lane.get("cost", 0.0)
        price = carriage + sites.get(head, {}).get("handling", 0.0)
        price += suppliers.get((tail, item), {}).get("cost", 0.0)
        room = np.inf if tail in sites or (tail, item) in suppliers else 0.0
        flow = model.new(f"{tail} to {head} {item}", price, room)
        if "capacity" in lane:
            together[tail, head, period][flow] = 1.0
        if "minimum" in lane:
            _least_price(model, lane, flow, most)
        out[tail, item, period].append(flow)
        into[head, item, period].append(flow)
        if "card" in truth:
            _rate_card(
                model,
                [row for row in rows(truth["card"]) if (row["tail"], row["head"]) == (tail, head)],
                flow,
                most,
            )
    for lane, period in product(rows(truth["lanes"]), periods):
        if "capacity" in lane:
            model.add(together[lane["tail"], lane["head"], period], 0, lane["capacity"])
    for row in wanted:
        flows = into[row["market"], row.get("product", ""), f"{row.get('period', 1):g}"]
        model.add(dict.fromkeys(flows, 1.0), row["amount"], row["amount"])
    for ((name, item), supplier), period in product(suppliers.items(), periods):
        model.add(dict.fromkeys(out[name, item, period], 1.0), 0, supplier["capacity"])
    for name, site in sites.items():
        is_open = model.new(f"open {name}", site.get("fixed", 0.0), 1.0, whole=True)
        room = min(site.get("capacity", np.inf), len(periods) * most)
        before: dict[str, int] = {}
        for period in periods:
            kept = {
                item: model.new(f"{name} keeps {item}", site.get("holding", 0.0), site.get("storage", 0.0))
                for item in products
            }
            model.add(dict.fromkeys(kept.values(), 1.0), 0, site.get("storage", 0.0))
            for item in products:
                line = dict.fromkeys(into[name, item, period], 1.0) | {kept[item]: -1.0}
                line |= dict.fromkeys(out[name, item, period], -1.0)
                model.add(line | ({before[item]: 1.0} if before else {}), 0, 0)
            for flows_of in (into, out):
                through = [flow for item in products for flow in flows_of[name, item, period]]
                model.add(dict.fromkeys(through, 1.0) | {is_open: -room}, -np.inf, 0)
            before = kept
    return model.solve()


def _least_price(model: _Model, lane: Row, flow: int, most: float) -> None:
    """Charge a shipment by the unit, or the minimum where that is more."""
    charge, used = model.new("charge", 1.0), model.new("used", 0.0, 1.0, whole=True)
    model.add({charge: 1.0, flow: -lane["cost"]}, 0, np.inf)
    model.add({charge: 1.0, used: -lane["minimum"]}, 0, np.inf)
    model.add({flow: 1.0, used: -most}, -np.inf, 0)


def _rate_card(model: _Model, card: list[Row], flow: int, most: float) -> None:
    """Let one bracket of a lane's rate card hold for a flow."""
    amounts, brackets = [], []
    for row, following in pairwise([*card, {"above": most}]):
        brackets.append(model.new(f"bracket from {row['above']:g}", row.get("flat", 0.0), 1.0, whole=True))
        amounts.append(model.new("in it", row.get("rate", 0.0)))
        model.add({amounts[-1]: 1.0, brackets[-1]: -row["above"]}, 0, np.inf)
        model.add({amounts[-1]: 1.0, brackets[-1]: -following["above"]}, -np.inf, 0)
    model.add(dict.fromkeys(brackets, 1.0), 0, 1)
    model.add({flow: 1.0} | dict.fromkeys(amounts, -1.0), 0, 0)


@dataclass
class _Model:
    """A MILP that grows by variables, which are not negative, and by lines between two limits."""

    names: list[str] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    integrality: list[int] = field(default_factory=list)
    lines: list[tuple[dict[int, float], float, float]] = field(default_factory=list)

    def new(self, name: str, cost: float, upper: float = np.inf, *, whole: bool = False) -> int:
        self.names.append(name)
        self.costs.append(cost)
        self.upper.append(upper)
        self.integrality.append(int(whole))
        return len(self.names) - 1

    def add(self, line: dict[int, float], low: float, high: float) -> None:
        self.lines.append((line, low, high))

    def solve(self) -> Priced:
        """Minimise by HiGHS; return the price and all that is not zero."""
        matrix = np.zeros((len(self.lines), len(self.names)))
        for place, (line, _, _) in enumerate(self.lines):
            matrix[place, list(line)] = list(line.values())
        limits = np.array([(low, high) for _, low, high in self.lines])
        found = milp(
            self.costs,
            constraints=LinearConstraint(matrix, limits[:, 0], limits[:, 1]),
            bounds=Bounds(0, self.upper),
            integrality=self.integrality,
            options={"mip_rel_gap": 0.0},
        )
        if not found.success:
            return NO_PLAN
        used = [
            f"{name} {amount:g}" for name, amount in zip(self.names, found.x, strict=True) if amount > 1e-6
        ]
        return float(found.fun), "; ".join(used)


_REFERENCES: dict[str, Callable[[Row], Priced]] = {"fleet": fleet, "shop": shop, "supply": supply}
_NAMES = {
    "depots": "name x y",
    "clients": "name x y demand volume pickup source needs open close windows service",
    "vehicles": "name depot count capacity room fixed per_km per_min regular per_overtime max_km max_min start end"
    " skills",
    "jobs": "name release due tardiness",
    "tasks": "name job after family",
    "modes": "task machine min kwh",
    "machines": "name family",
    "setups": "before after min",
    "breaks": "machine start end",
    "power": "start price",
    "suppliers": "name product capacity cost",
    "sites": "name fixed capacity handling storage holding",
    "demand": "market product period amount",
    "lanes": "tail head cost minimum capacity",
    "card": "tail head above flat rate",
}
"""Tables of a statement and the columns that are read; square tables have the names of places."""


def cheapest(kind: str, truth: Row) -> Priced:
    """Return the price of the cheapest plan of a statement, and the plan; a column that is not read is an error."""
    for table in truth.keys() & _NAMES.keys():
        unread = set(truth[table].split("\n", 1)[0].split()) - set(_NAMES[table].split())
        if unread:
            raise ValueError(
                f"truth.{table}: nothing reads {', '.join(sorted(unread))}; known: {_NAMES[table]}"
            )
    return _REFERENCES[kind](truth)
