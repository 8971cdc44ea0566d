"""How good supply plans are at the size users have, beside HiGHS as it comes.

proved      OR-Library capacitated warehouses, cap41 to cap133: seconds until the optimum is proved (relative gap 1e-6),
            and "off", how far it is from the published one. Beside it HiGHS on the same instances, written down by
            hand in the weak form (demand met, capacity of open warehouses) and in the strong one (and no share of a
            customer's demand from a warehouse that is closed).
capa        100 warehouses, 1,000 customers, four capacities: price above the published optimum and proved gap after
            --seconds; HiGHS gets as long.
large       50 sites, 500 markets, 12 periods, 3 products (_networks.random_network): gap, share of the demand served,
            seconds, and the largest memory of all processes together; HiGHS gets the weak form.
networks    100 sites and 1,000 markets, and 60 and 550, one period and product: CPU seconds until proved, beside HiGHS.
concave     12 networks of 3 sites and 7 markets, a shipment at 60 + 1.1 · km^0.9 · t^0.6: price above the optimum
            of trying every way to supply the markets from the sites, and whether the claimed bound holds.

Seconds are wall seconds with one thread; those of kanopt are all of ``ko.solve``: the plan checked and priced.

    python benchmarks/supply.py --data FOLDER
"""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from _concave_optimum import concave_optimum
from _highs_peer import Bare, bare_highs, warehouse_model
from _networks import concave_network, random_network, read_warehouses
from _process_memory import PeakMemory

import kanopt as ko
from kanopt.engines.base import cpu_seconds
from kanopt.supply.search.model import SupplyProgram

CAPACITIES = (8000.0, 10000.0, 12000.0, 14000.0)
PARTS = ("proved", "capa", "large", "networks", "concave")


def published(folder: Path) -> dict[str, list[float]]:
    """Return the published optima of each file; of capa one for each capacity."""
    found: dict[str, list[float]] = {}
    name = ""
    for line in (folder / "gabarito.txt").read_text().splitlines():
        words = line.split()
        if words and words[0].startswith("cap"):
            name = words.pop(0)
            found[name] = []
        if name and words and words[0][0].isdigit():
            found[name].append(float(words[0]))
    return found


def timed(problem: ko.SupplyProblem, seconds: float, seed: int) -> tuple[ko.Result, float]:
    began = time.perf_counter()
    return ko.solve(problem, time_limit=seconds, seed=seed), time.perf_counter() - began


def gap_of(price: float, bound: float | None) -> float:
    return float("nan") if bound is None else 100 * (price - bound) / price


def above(found: Bare, best: float) -> str:
    """Say how far HiGHS ended above the best price known, and its gap."""
    if not np.isfinite(found.price):
        return "no plan"
    return f"{100 * (found.price / best - 1):+.2f}, gap {gap_of(found.price, found.bound):.1f}"


def proved(folder: Path, seconds: float, seed: int) -> pd.DataFrame:
    rows, best = [], published(folder)
    for path in sorted(folder.glob("cap[0-9]*.txt")):
        given = read_warehouses(path)
        result, took = timed(given.problem(), seconds, seed)
        peers = {
            strong: bare_highs(warehouse_model(given, strong=strong), seconds) for strong in (False, True)
        }
        rows.append(
            {
                "instance": path.stem,
                "warehouses": len(given.capacity),
                "status": result.status.value,
                "off": result.objective / best[path.stem][0] - 1,
                "s": took,
                "HiGHS weak, s": peers[False].seconds,
                "HiGHS strong, s": peers[True].seconds,
            }
        )
    return pd.DataFrame(rows)


def capa(folder: Path, seconds: float, seed: int, *, peer: bool) -> pd.DataFrame:
    rows = []
    for capacity, best in zip(CAPACITIES, published(folder)["capa"], strict=True):
        given = read_warehouses(folder / "capa.txt", capacity)
        result, took = timed(given.problem(), seconds, seed)
        row = {
            "capacity": capacity,
            "best known": best,
            "above, %": 100 * (result.objective / best - 1),
            "gap, %": gap_of(result.objective, result.bound),
            "s": took,
        }
        for form in ("weak", "strong") if peer else ():
            bare = bare_highs(warehouse_model(given, strong=form == "strong"), seconds)
            row[f"HiGHS {form}, %"] = above(bare, best)
        rows.append(row)
    return pd.DataFrame(rows)


def large(seconds: float, seed: int, *, peer: bool) -> pd.DataFrame:
    problem = random_network(50, 500, 12, 3, seed)
    with PeakMemory() as memory:
        result, took = timed(problem, seconds, seed)
    cover = result.coverage
    rows = [
        {
            "solver": "kanopt",
            "price": result.objective,
            "gap, %": gap_of(result.objective, result.bound),
            "served, %": 100 * cover.served / cover.wanted,
            "s": took,
            "MB": memory.megabytes,
        }
    ]
    if peer:
        linear = SupplyProgram(problem).linear
        with PeakMemory() as memory:
            bare = bare_highs(linear, seconds)
        gap = gap_of(bare.price, bare.bound)
        rows.append(
            {
                "solver": "HiGHS weak",
                "price": bare.price,
                "gap, %": gap,
                "s": bare.seconds,
                "MB": memory.megabytes,
            }
        )
    return pd.DataFrame(rows)


def networks(seconds: float, seed: int) -> pd.DataFrame:
    rows = []
    for sites, markets in ((100, 1000), (60, 550)):
        problem = random_network(sites, markets, 1, 1, seed)
        began = cpu_seconds()
        result = ko.solve(problem, time_limit=seconds, seed=seed)
        spent, began = cpu_seconds() - began, cpu_seconds()
        bare = bare_highs(SupplyProgram(problem).linear, seconds)
        rows.append(
            {
                "network": f"{sites} × {markets}",
                "status": result.status.value,
                "CPU s": spent,
                "HiGHS weak proved": bare.proved,
                "HiGHS weak, CPU s": cpu_seconds() - began,
            }
        )
    return pd.DataFrame(rows)


def concave(seconds: float, seed: int) -> pd.DataFrame:
    rows = []
    for place in range(12):
        problem = concave_network(seed + place)
        best = concave_optimum(problem)
        result, took = timed(problem, seconds, seed)
        bound = result.bound
        rows.append(
            {
                "network": place,
                "optimum": best,
                "above, %": 100 * (result.objective / best - 1),
                "gap, %": gap_of(result.objective, bound),
                "bound holds": "none" if bound is None else bound <= best * (1 + 1e-9),
                "s": took,
            }
        )
    return pd.DataFrame(rows)


def main() -> None:
    given = asked(
        __doc__,
        data=(Path, "folder of cap*.txt of the OR-Library with its gabarito.txt of optima"),
        parts=(PARTS, "", PARTS),
        seconds=(120.0, "time limit"),
        seed=(0, "seed"),
        no_peer=(False, "leave HiGHS out of 'capa' and 'large'"),
    )
    tables = {
        "proved": lambda: proved(given.data, given.seconds, given.seed),
        "capa": lambda: capa(given.data, given.seconds, given.seed, peer=not given.no_peer),
        "large": lambda: large(given.seconds, given.seed, peer=not given.no_peer),
        "networks": lambda: networks(given.seconds, given.seed),
        "concave": lambda: concave(given.seconds, given.seed),
    }
    for part in given.parts:
        if part in ("proved", "capa") and given.data is None:
            print(f"{part}: left out; --data names the folder of the OR-Library\n")
            continue
        print(part)
        print_table(tables[part](), ",.4g")
    print(footer(["highspy"], given.seed))


if __name__ == "__main__":
    main()
