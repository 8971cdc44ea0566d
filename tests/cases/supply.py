"""Small supply problems, and their optima by trying every set of open sites with scipy's linear programmes."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import linprog

from kanopt import SupplyProblem
from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier


def small(**changes: Any) -> SupplyProblem:
    """Return one mill, two sites, two markets, two periods; every number by hand, changes by field."""
    fields: dict[str, Any] = {
        "suppliers": [Supplier("mill", "flour", capacity=50.0, unit_cost=2.0)],
        "facilities": [
            Facility(
                "north", fixed_cost=30.0, capacity=40.0, storage=15.0, holding_cost=0.5, handling_cost=0.25
            ),
            Facility("south", fixed_cost=500.0, capacity=40.0),
        ],
        "markets": [Market("Lyon"), Market("Nice")],
        "products": [Product("flour", shortage_cost=20.0)],
        "periods": [Period("1"), Period("2")],
        "lanes": [
            Lane("mill", "north", distance=10.0),
            Lane("mill", "south", distance=12.0),
            Lane("north", "Lyon", distance=3.0),
            Lane("north", "Nice", distance=5.0, capacity=12.0),
            Lane("south", "Nice", distance=1.0),
        ],
        "tariff": np.array([1.0, 1.0, 2.0, 3.0, 1.0])[:, None, None],
        "demand": np.array([[[10.0, 30.0]], [[10.0, 10.0]]]),
    }
    return SupplyProblem(**{**fields, **changes})


def random_problem(seed: int, *, mandatory: bool = False) -> SupplyProblem:
    """Build a tiny network with everything in it: weights, stocks, direct lanes, lanes between sites, statuses."""
    r = np.random.default_rng(seed)
    products, periods, markets, sites = 2, 2, 2, int(r.integers(2, 4))
    by_period = seed % 3 == 0
    suppliers = [
        Supplier(f"s{i}", f"p{k}", float(r.integers(10, 40)), float(r.integers(1, 5)))
        for i in range(2)
        for k in range(products)
        if i == 0 or r.random() < 0.5
    ]
    if seed % 4 == 1:
        suppliers = [Supplier("s0", "", 60.0, 2.0), *(s for s in suppliers if s.name != "s0")]
    if seed % 6 == 2 and not mandatory:
        suppliers[0] = replace(suppliers[0], minimum_order=suppliers[0].capacity * 0.75)
    if seed % 6 == 4 and not mandatory:
        suppliers[-1] = replace(suppliers[-1], fixed_cost=25.0)
    facilities = [
        Facility(
            f"f{i}",
            fixed_cost=float(r.integers(5, 60)),
            period_cost=float(r.integers(5, 30)) if by_period and i else 0.0,
            capacity=float(r.integers(15, 60)) if r.random() < 0.8 else math.inf,
            storage=float(r.integers(0, 20)),
            holding_cost=float(r.integers(0, 3)),
            handling_cost=float(r.integers(0, 2)),
            status=("free", "free", "closed", "open")[int(r.integers(4))] if i == 1 else "free",
        )
        for i in range(sites)
    ]
    names = list(dict.fromkeys(s.name for s in suppliers))
    lanes = [Lane(s, f.name, capacity=float(r.integers(20, 60))) for s in names for f in facilities]
    lanes += [Lane(f.name, f"m{j}", mode) for f in facilities for j in range(markets) for mode in ("a", "b")]
    lanes += [Lane("f0", "f1"), Lane("f1", "f0"), Lane("s0", "m0", capacity=3.0)]
    demand = r.integers(0, 25, (markets, products, periods)).astype(float)
    own_cost = float(r.integers(8, 40)) if seed % 5 == 2 and not mandatory else None
    return SupplyProblem(
        suppliers=suppliers,
        facilities=facilities,
        markets=[Market("m0"), Market("m1", shortage_cost=own_cost)],
        products=[
            Product("p0", 1.0, None if mandatory else float(r.integers(8, 40))),
            Product("p1", 0.5, float(r.integers(8, 40))),
        ],
        periods=[Period("1"), Period("2")],
        lanes=lanes,
        tariff=r.integers(1, 12, (len(lanes), products, periods)).astype(float),
        demand=demand,
    )


def cost_of(problem: SupplyProblem, opened: np.ndarray) -> float:
    """Return the least cost with these sites open, shape (F, T), over all choices of what is ordered at all."""
    limited = [
        k for k, offer in enumerate(problem.network.suppliers) if offer.minimum_order or offer.fixed_cost
    ]
    cells = list(itertools.product(limited, range(len(problem.network.periods))))
    choices = itertools.product((False, True), repeat=len(cells))
    return min(_cost_of(problem, opened, dict(zip(cells, ordered, strict=True))) for ordered in choices)


def _cost_of(problem: SupplyProblem, opened: np.ndarray, ordered: dict[tuple[int, int], bool]) -> float:
    """Return the least cost by a linear programme written from scratch."""
    net = problem.network
    index: dict[tuple[str, int, int, int], int] = {}
    costs, upper = [], []

    def column(key: tuple[str, int, int, int], cost: float, most: float) -> None:
        index[key] = len(costs)
        costs.append(cost)
        upper.append(most)

    site_of = {f.name: i for i, f in enumerate(net.facilities)}
    offer_of = {
        (o.name, p.name): i
        for i, o in enumerate(net.suppliers)
        for p in net.products
        if o.product in ("", p.name)
    }
    cells = list(itertools.product(range(len(net.products)), range(len(net.periods))))
    for i, way in enumerate(net.lanes):
        for p, t in cells:
            cost, most = float(problem.tariff[i, p, t]), np.inf
            if way.tail not in site_of:
                offer = offer_of.get((way.tail, net.products[p].name))
                if offer is None:
                    continue
                cost += net.suppliers[offer].unit_cost
            if way.head in site_of:
                cost += net.facilities[site_of[way.head]].handling_cost
            column(("x", i, p, t), cost, most)
    for j, (p, t) in itertools.product(range(len(net.markets)), cells):
        own = net.markets[j].shortage_cost
        shortage = net.products[p].shortage_cost if own is None else own
        column(("s", j, p, t), 0.0 if shortage is None else shortage, 0.0 if shortage is None else np.inf)
    for f, (p, t) in itertools.product(range(len(net.facilities)), cells):
        column(("v", f, p, t), net.facilities[f].holding_cost, np.inf)

    equal, right, less, limit = [], [], [], []

    def row(entries: dict[tuple[str, int, int, int], float]) -> np.ndarray:
        values = np.zeros(len(costs))
        for key, value in entries.items():
            if key in index:
                values[index[key]] += value
        return values

    for j, (p, t) in itertools.product(range(len(net.markets)), cells):
        into = {("x", i, p, t): 1.0 for i, way in enumerate(net.lanes) if way.head == net.markets[j].name}
        equal.append(row({**into, ("s", j, p, t): 1.0}))
        right.append(problem.demand_array[j, p, t])
    for f, (p, t) in itertools.product(range(len(net.facilities)), cells):
        name = net.facilities[f].name
        entries = {("x", i, p, t): 1.0 for i, way in enumerate(net.lanes) if way.head == name}
        entries |= {("x", i, p, t): -1.0 for i, way in enumerate(net.lanes) if way.tail == name}
        entries[("v", f, p, t)] = -1.0
        if t:
            entries[("v", f, p, t - 1)] = 1.0
        equal.append(row(entries))
        right.append(0.0 if t else -net.facilities[f].initial_stock)
    for t in range(len(net.periods)):
        kinds = range(len(net.products))
        for f, site in enumerate(net.facilities):
            for end in ("head", "tail"):
                used = [i for i, way in enumerate(net.lanes) if getattr(way, end) == site.name]
                less.append(row({("x", i, p, t): net.products[p].weight for i in used for p in kinds}))
                limit.append(min(site.capacity, 1e4) if opened[f, t] else 0.0)
            less.append(row({("v", f, p, t): net.products[p].weight for p in kinds}))
            first = site.initial_stock * net.products[0].weight
            limit.append(max(site.storage, first) if opened[f, t] else first)
        for i, way in enumerate(net.lanes):
            less.append(row({("x", i, p, t): net.products[p].weight for p in kinds}))
            limit.append(min(way.capacity, 1e4))
        for k, offer in enumerate(net.suppliers):
            drawn = {
                ("x", i, p, t): 1.0
                for i, way in enumerate(net.lanes)
                for p in kinds
                if offer_of.get((way.tail, net.products[p].name)) == k
            }
            less.append(row(drawn))
            limit.append(min(offer.capacity, 1e4) if ordered.get((k, t), True) else 0.0)
            less.append(-row(drawn))
            limit.append(-offer.minimum_order if ordered.get((k, t), False) else 0.0)
    found = linprog(costs, less, limit, equal, right, [(0.0, most) for most in upper], method="highs")
    if found.status == 2:
        return math.inf
    sites = sum(
        site.fixed_cost * opened[f].any() + site.period_cost * opened[f].sum()
        for f, site in enumerate(net.facilities)
    )
    orders = sum(net.suppliers[k].fixed_cost for (k, _), chosen in ordered.items() if chosen)
    return float(found.fun + sites + orders)


def best_of_all(problem: SupplyProblem) -> float:
    """Return the least cost over every set of open sites."""
    net = problem.network
    choices = []
    for site in net.facilities:
        whole = [(False,) * len(net.periods), (True,) * len(net.periods)]
        if site.status == "open":
            whole = whole[1:]
        elif site.status == "closed":
            whole = whole[:1]
        elif site.period_cost:
            whole = list(itertools.product((False, True), repeat=len(net.periods)))
        choices.append(whole)
    return min(cost_of(problem, np.array(opened)) for opened in itertools.product(*choices))


def two_sites_each(seed: int) -> SupplyProblem:
    """Build sites without limits, each market on two of them, all numbers whole; all demand must be met."""
    r = np.random.default_rng(seed)
    sites, markets = int(r.integers(3, 7)), int(r.integers(3, 8))
    facilities = [Facility(f"s{i}", fixed_cost=float(r.integers(5, 20) * 10)) for i in range(sites)]
    lanes = [Lane("mill", f"s{i}") for i in range(sites)]
    lanes += [Lane(f"s{i}", f"m{j}") for j in range(markets) for i in r.choice(sites, 2, replace=False)]
    return SupplyProblem(
        suppliers=[Supplier("mill", "p")],
        facilities=facilities,
        markets=[Market(f"m{j}") for j in range(markets)],
        products=[Product("p")],
        periods=[Period("1")],
        lanes=lanes,
        tariff=r.integers(1, 2 + 2 * (seed % 2), (len(lanes), 1, 1)).astype(float),
        demand=10.0,
    )


def best_cover(problem: SupplyProblem) -> float:
    """Return the least cost over every set of open sites, where each market is served by the nearest of them."""
    net = problem.network
    sites = {site.name: i for i, site in enumerate(net.facilities)}
    markets = {market.name: j for j, market in enumerate(net.markets)}
    into, out = np.zeros(len(sites)), np.full((len(sites), len(markets)), math.inf)
    for way, rate in zip(net.lanes, problem.tariff[:, 0, 0], strict=True):
        if way.head in sites:
            into[sites[way.head]] = rate
        else:
            out[sites[way.tail], markets[way.head]] = rate
    costs = (into[:, None] + out) * problem.demand_array[:, 0, 0]
    fixed = np.array([site.fixed_cost for site in net.facilities])
    return min(
        float(fixed[list(opened)].sum() + costs[list(opened)].min(axis=0).sum())
        for count in range(1, len(sites) + 1)
        for opened in itertools.combinations(range(len(sites)), count)
    )
