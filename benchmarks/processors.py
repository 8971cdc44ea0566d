"""Whether a seed gives the same law and the same plan on other processors.

Every case is computed in child processes that add and take exponentials as other processors do (OpenBLAS, MKL, PyTorch,
numpy and the library of mathematics are told so by their environment variables; see tests/cases/processors.py). Laws
are compared by every digit of their graph and of all else in their file (fit, covariance, domain, what was considered);
plans by their price and stops. Plans are searched with deterministic=True.

Cases: the demo and the other scenarios, cities of other seeds with a plan each, and tables of five other laws. Half of
the seeds were looked at while digits were chosen, the other half once. Takes about 25 CPU minutes; --quick takes two.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer
from _example_city import make_city

import kanopt as ko
from kanopt import refs, routing
from kanopt.tables import City
from tests.cases.processors import PROCESSORS, run_as

ROOT = Path(__file__).resolve().parents[1]
SCENARIOS = ("parcel_city", "workshop", "supply_network", "coffee")
LAWS = {"minutes": ["distance_km", "hour"], "cost_eur": ["distance_km", "load_t", "hour"]}
SEEDS = {"tuned": (1, 2, 3, 4, 5), "fresh": (21, 22, 23, 24, 25)}
Found = dict[str, str]


def law_found(name: str, law: ko.Formula) -> Found:
    """Return what is compared of a law."""
    whole = json.loads(law.to_json())
    for other in whole["alternatives"]:
        other.pop("law")
    # a graph is a list of nodes, those of the law itself last
    return {
        f"{name}: text": str(law),
        f"{name}: graph": law.root.key.hex(),
        f"{name}: file": digest(json.dumps({key: value for key, value in whole.items() if key != "nodes"})),
    }


def plan_found(result: ko.Result) -> Found:
    """Return what is compared of a plan: its price, and who drives where, or all of a schedule."""
    routes = getattr(result.plan, "routes", None)
    stops = result.plan if routes is None else [(each.vehicle, each.index, each.clients) for each in routes]
    return {"plan": f"{result.objective:.6f} {digest(str(stops))}"}


def digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


def of_scenario(name: str) -> Iterator[Found]:
    """Yield the laws of a scenario, learned anew, and its plan where the search of its kind counts work."""
    scenario = ko.load_scenario(ROOT / "scenarios" / f"{name}.toml")
    counts = scenario.kind in ("routing", "scheduling")
    scenario = scenario.set("solver.deterministic", True) if counts else scenario
    run = scenario.run(time_limit=2.0, relearn=True, variants=False)
    for law in run.laws.values():
        if law.formula.fit is not None:
            yield law_found(law.name, law.formula)
    if counts:
        yield plan_found(run.result)


def of_city(seed: int) -> Iterator[Found]:
    """Yield the two laws of a city and a plan on them."""
    city = make_city(seed=seed)
    train, test = ko.split(city.trips, by="week", holdout=4)
    laws = {}
    for target, columns in LAWS.items():
        model = ko.KANRegressor(seed=seed).fit(train[columns], train[target])
        laws[target] = model.to_formula(test[[*columns, target]], per="leg")
        yield law_found(target, laws[target])
    yield plan_found(ko.solve(problem_of(city, laws), time_limit=2.0, seed=seed, deterministic=True))


def problem_of(city: City, laws: dict[str, ko.Formula]) -> ko.RoutingProblem:
    """Return the day of a city, with learned laws."""
    clients = [
        routing.Client(
            row["name"], row["x_km"], row["y_km"], demand=row["demand_t"], service_duration=row["service_min"],
            earliest=60 * row["ready_h"], latest=60 * row["due_h"],
        )
        for row in city.clients.to_dict("records")
    ]  # fmt: skip
    vans = [
        routing.VehicleType(
            row["name"], row["num_available"], capacity=row["capacity_t"], fixed_cost=row["fixed_cost_eur"],
            unit_duration_cost=row["cost_per_hour_eur"] / 60,
            shift_start=60 * row["shift_start_h"], shift_end=60 * row["shift_end_h"],
        )
        for row in city.vehicles.to_dict("records")
    ]  # fmt: skip
    depots = [routing.Depot(row["name"], row["x_km"], row["y_km"]) for row in city.depots.to_dict("records")]
    arc = {"distance_km": refs.arc.distance, "hour": refs.clock.hour}
    cost = {"trip": laws["cost_eur"].bind(**arc, load_t=refs.state.load)}
    return ko.RoutingProblem(depots, clients, vans, cost, laws["minutes"].bind(**arc))


def tables(seed: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield tables of five laws: a tariff with a minimum, one by class, a power law, a wave and an interaction."""
    rng = np.random.default_rng(seed)
    rows = 700
    frame = pd.DataFrame({
        "km": rng.uniform(2, 300, rows).round(1), "kg": rng.uniform(1, 900, rows).round(),
        "hour": rng.uniform(0, 24, rows).round(2), "zone": rng.choice(["a", "b", "c", "d"], rows),
    })  # fmt: skip
    a, b, c = rng.uniform(0.5, 2.0, 3)
    noise = np.exp(0.05 * rng.standard_normal(rows))
    factor = frame["zone"].map(dict(zip("abcd", rng.uniform(0.6, 1.8, 4), strict=True)))
    laws = {
        "minimum": np.maximum(40 * a, 0.3 * b * frame["kg"]),
        "class": (12 * a + 0.4 * b * frame["km"]) * factor,
        "power": 3 * a * frame["km"] ** (0.5 + 0.2 * b) * (frame["kg"] + 20 * c) ** 0.4,
        "wave": 20 + frame["km"] * a * (1 + 0.3 * b * np.sin(2 * np.pi * frame["hour"] / 24)),
        "interaction": 8 + 0.01 * a * frame["km"] * np.sqrt(frame["kg"]) + 2 * b * np.abs(frame["hour"] - 12),
    }
    for name, target in laws.items():
        yield name, frame.assign(y=target * noise)


def of_tables(seed: int) -> Iterator[Found]:
    """Yield the laws of five made tables."""
    for name, frame in tables(seed):
        train, test = frame[:500], frame[500:]
        columns = ["km", "kg", "hour", "zone"]
        model = ko.KANRegressor(seed=seed).fit(train[columns], train["y"])
        yield law_found(f"law of {name}", model.to_formula(test, min_r2=-1.0))


def cases(part: str, quick: bool, seeds: list[int]) -> dict[str, Callable[[], Iterator[Found]]]:
    found: dict[str, Callable[[], Iterator[Found]]] = {}
    if part == "tuned":
        found |= {name: lambda name=name: of_scenario(name) for name in SCENARIOS[: 1 if quick else None]}
    for seed in seeds or SEEDS[part][: 1 if quick else None]:
        found[f"city {seed}"] = lambda seed=seed: of_city(seed)
        found[f"tables {seed}"] = lambda seed=seed: of_tables(seed)
    return found


def child(part: str, quick: bool, seeds: list[int]) -> None:
    """Print a line of JSON for each case."""
    for name, case in cases(part, quick, seeds).items():
        found: Found = {}
        for each in case():
            found |= each
        print(json.dumps([name, found]), flush=True)


def main() -> None:
    given = asked(
        __doc__,
        part=("both", "which half of the cases", [*SEEDS, "both"]),
        quick=(False, "one case of each kind"),
        seeds=([int], "cities and tables of these seeds instead"),
        jobs=(1, "processes at a time"),
        child=(False, argparse.SUPPRESS),
    )
    if given.child:
        child(given.part, given.quick, given.seeds)
        return
    for part in SEEDS if given.part == "both" else [given.part]:
        arguments = [__file__, "--child", "--part", part, *(["--quick"] if given.quick else [])]
        arguments += ["--seeds", *map(str, given.seeds)] if given.seeds else []
        with ThreadPoolExecutor(given.jobs) as pool:
            children = [pool.submit(run_as, name, arguments, 7200.0) for name in PROCESSORS]
        report(part, [dict(map(json.loads, each.result().splitlines())) for each in children])
    print(footer(["scikit-learn", "ortools", "pyvrp"], "as named"))


def report(part: str, found: list[dict[str, Found]]) -> None:
    """Print what differs, and how many of each kind are the same everywhere."""
    same: dict[str, list[bool]] = {}
    for case, first in found[0].items():
        for what, value in first.items():
            values = [each[case].get(what, "none") for each in found]
            same.setdefault(what.rpartition(": ")[2], []).append(len(set(values)) == 1)
            if len(set(values)) > 1:
                print(f"  {case}, {what}: {' | '.join(values)}")
            elif what == "plan":
                print(f"  {case}, {what}: {value} on all")
    told = ", ".join(f"{what} {sum(each)} of {len(each)}" for what, each in same.items())
    print(f"{part}: the same on {', '.join(PROCESSORS)}: {told}", flush=True)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
