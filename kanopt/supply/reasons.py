"""Why demand is not met and why sites are closed, and the smallest change that would mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property

import numpy as np

from kanopt.array_types import Floats
from kanopt.plans.findings import Reason
from kanopt.plans.slider_prices import Pricing
from kanopt.supply.plan import TOLERANCE, Ledger, slack
from kanopt.supply.problem import SupplyProblem
from kanopt.supply.spare_capacity import (
    CheapestPaths,
    Draw,
    PathStep,
    SpareCapacity,
    lane_cost,
    paths_if_opened,
    paths_through,
)
from kanopt.text import amount_text, join_list, money_text, number_text

Cell = tuple[int, int, int]


def plan_reasons(problem: SupplyProblem, ledger: Ledger, planned: Pricing) -> tuple[Reason, ...]:
    """Return a reason for every shortage and every closed site; `planned` is the price at planning values."""
    asked = _Shortages(problem, ledger)
    unserved = [
        asked.reason((market, product, period))
        for market, product, period in np.argwhere(ledger.shortage > 0).tolist()
    ]
    closed = np.flatnonzero(~ledger.open.any(axis=1)).tolist()
    return (*unserved, *(_closure(problem, ledger, site, planned) for site in closed))


def _closure(problem: SupplyProblem, ledger: Ledger, site: int, planned: Pricing) -> Reason:
    """Return the reason of a site that is closed throughout.

    Opening one site besides those of the plan cannot save more than U: the plan's cost without sites, less the cost
    of meeting every demand by its cheapest path (or not at all) with capacities ignored. Where U is not more
    than the least that opening costs, opening that site alone is proved not to pay.
    """
    network, money, facility = problem.network, problem.unit, problem.network.facilities[site]
    name, subject, kind = facility.name, f"facility {facility.name}", "closed"
    if facility.status == "closed":
        mend, which = f"set the status of {name} to 'free'", "closed by their status"
        return Reason(subject, kind, f"{name} is closed by its status", mend, proved=True, bottleneck=which)
    at_least = facility.fixed_cost + facility.period_cost
    opening = money_text(at_least, money) + (" or more" if facility.period_cost else "")
    must = network.must_deliver[:, :, None]
    if (must & (ledger.shortage > 0)).any():
        unknown = "saving is unknown while demand that must be met is not"
        message = f"opening {name} costs {opening}; its {unknown}"
        return Reason(subject, kind, message, bottleneck=f"their {unknown}")
    opened = ledger.open.copy()
    opened[site] = True
    unit_cost = np.minimum(
        paths_through(problem, opened, from_stock=True).to_markets, network.shortage_cost[:, :, None]
    )
    wanted = ledger.demand > 0
    spent = float(planned.terms().drop("sites", errors="ignore").sum())
    saving = max(0.0, spent - float((ledger.demand[wanted] * unit_cost[wanted]).sum()))
    exact = not problem.lane_tariff.reads_flow
    at_rates = "" if exact else " at the rates of the planning shipment"
    can_save = f"costs {opening} and can save at most {money_text(saving)} elsewhere"
    if saving <= at_least:
        message = f"opening {name} beside the open sites {can_save}, even if no capacity were full{at_rates}"
        short = money_text(at_least - saving, money)
        mend = f"opening it can only pay if it becomes cheaper by more than {short}"
        which = "opening them costs more than it can save"
        return Reason(subject, kind, message, mend, proved=exact, bottleneck=which)
    none = "the search found no plan in which"
    message = f"opening {name} {can_save}{at_rates}; {none} it pays"
    return Reason(subject, kind, message, bottleneck=f"{none} opening them pays")


# Demand that exceeds sums of capacities and so cannot be met by any plan.

_ADD_LANE = "add a lane, or open a site that is closed by its status"
_NO_LANE = "no lane leads there from a supplier by a site that may open"


def infeasibility_reasons(problem: SupplyProblem) -> tuple[Reason, ...]:
    """Return what arithmetic proves about demand that must be met and cannot be; empty where it proves nothing."""
    network = problem.network
    must = network.must_deliver[:, :, None]
    demand = np.where(must, problem.demand_array, 0.0)
    cut_off = (demand > 0) & np.isinf(paths_if_opened(problem).to_markets)
    found = []
    for market, product in np.argwhere(cut_off.any(axis=2)).tolist():
        name = network.names["market"][market]
        what = network.names["product"][product]
        message = f"no lane leads from a supplier of {what} to {name} by a site that may open"
        reason = Reason(f"market {name}", "", message, _ADD_LANE, proved=True, bottleneck=_NO_LANE)
        found.append(reason)
    for kind, gap in _gaps(problem, demand).items():
        for place, period in np.argwhere(gap > 0).tolist():
            to = f"market {network.names['market'][place]}" if kind == "lanes" else ""
            subject = {"supply": "supply", "sites": "facilities"}.get(kind, to)
            found.append(_gap_reason(problem, kind, (place, period), float(gap[place, period]), subject))
    return tuple(replace(reason, kind="infeasible") for reason in found)


def _gaps(problem: SupplyProblem, demand: Floats) -> dict[str, Floats]:
    """Return by how much demand, shape (M, P, T), exceeds sums of capacities whatever the plan; zero where it does not.

    Units of each product that suppliers lack, (P, T); weight that sites, all of them open that may be, cannot pass on,
    (1, T); weight that the lanes into each market cannot carry, (M, T).
    """
    network = problem.network
    supply = np.zeros(network.shape[1])
    for offer in network.suppliers:
        which = network.names["product"].index(offer.product) if offer.product else slice(None)
        supply[which] += offer.capacity
    into = np.zeros(len(network.node_names))
    np.add.at(into, network.heads, network.lane_capacity)
    direct = (network.tails < network.facility_nodes.start) & (network.heads >= network.market_nodes.start)
    open_ = ~network.has_status("closed")
    through = np.inf if direct.any() else float(network.of_facilities("capacity")[open_].sum())
    available = {"supply": supply, "sites": np.array([through]), "lanes": into[network.market_nodes]}
    at_first = {"supply": network.initial_stock[open_].sum(axis=0)}
    gaps = {}
    for kind, wanted in _summed(problem, demand).items():
        counts = _from_start(problem) and kind != "lanes"
        periods = np.arange(1, network.shape[2] + 1) if counts else np.ones(network.shape[2])
        missing = wanted - available[kind][:, None] * periods
        missing -= at_first.get(kind, np.zeros(1))[:, None]
        gaps[kind] = np.where(missing > slack(wanted), missing, 0.0)
    return gaps


def _summed(problem: SupplyProblem, amounts: Floats) -> dict[str, Floats]:
    """Sum up amounts, shape (M, P, T), by what limits them; from the first period on where stock can be kept."""
    by_market = np.einsum("mpt,p->mt", amounts, problem.network.weights)
    sums = {"supply": amounts.sum(axis=0), "sites": by_market.sum(axis=0, keepdims=True)}
    if _from_start(problem):
        sums = {kind: np.cumsum(each, axis=1) for kind, each in sums.items()}
    return {**sums, "lanes": by_market}


def _from_start(problem: SupplyProblem) -> bool:
    """Say whether stock can be kept."""
    network = problem.network
    return bool((network.limits["storage"][~network.has_status("closed")] > 0).any())


def _gap_reason(
    problem: SupplyProblem, kind: str, where: tuple[int, int], amount: float, subject: str = ""
) -> Reason:
    """Return the reason that a gap of a kind is, at a place and in a period."""
    network, units = problem.network, problem.units
    product = network.names["product"][where[0]] if kind == "supply" else ""
    market = network.names["market"][where[0]] if kind == "lanes" else ""
    who, limit, wants, served = {
        "supply": ("suppliers can sell", f"the supply of {product}", "all markets want", "all markets"),
        "sites": ("all sites that may open pass on", "the throughput of sites", "all markets want", "all markets"),
        "lanes": (f"the lanes into {market} carry", f"the capacity of lanes into {market}", "it wants", "it"),
    }[kind]  # fmt: skip
    missing = amount_text(amount, units.quantity if product else units.weight, 6)
    when = "by the end of" if kind != "lanes" and _from_start(problem) else "in"
    when = f"{when} period {network.names['period'][where[1]]}"
    of = f" of {product}" if product else ""
    message = f"{who} {missing}{of} less than {wants} {when}, whatever the plan"
    mend = f"raise {limit} {when} by {missing} to serve {served}"
    which = f"{who} less {product} than {wants}".replace("  ", " ")
    return Reason(subject, "", message, mend, proved=True, bottleneck=which, amount=amount)


class _Shortages:
    """Finds the reason of single shortages of one plan."""

    def __init__(self, problem: SupplyProblem, ledger: Ledger) -> None:
        self.problem, self.ledger, self.network = problem, ledger, problem.network
        self.spare = SpareCapacity(problem, ledger)

    @cached_property
    def gaps(self) -> tuple[Mapping[str, Floats], Mapping[str, Floats]]:
        """Demand that no plan meets, and that the plan does not meet, less the tolerance."""
        short = self.ledger.shortage * (1.0 - TOLERANCE)
        return _gaps(self.problem, self.problem.demand_array), _summed(self.problem, short)

    @cached_property
    def if_opened(self) -> CheapestPaths:
        """Cheapest paths if every site opened that may."""
        return paths_if_opened(self.problem)

    @cached_property
    def through_open(self) -> CheapestPaths:
        """Cheapest paths through the sites that are open."""
        return paths_through(self.problem, self.ledger.open)

    @cached_property
    def rates(self) -> Floats:
        """Money per unit moved on each lane, shape (L, P, T)."""
        return lane_cost(self.problem)

    def reason(self, cell: Cell) -> Reason:
        """Return why a market lacks a product in a period."""
        network, unit, (market, product, period) = self.network, self.problem.units.quantity, cell
        shortage, demand = float(self.ledger.shortage[cell]), float(self.ledger.demand[cell])
        cause = self._cause(cell, shortage)
        message = (
            f"{network.names['market'][market]} lacks {number_text(shortage, 6)} of {amount_text(demand, unit, 6)} of "
            f"{network.names['product'][product]} in period {network.names['period'][period]}: {cause.message}"
        )
        subject = f"market {network.names['market'][market]}"
        return replace(cause, subject=subject, kind="unserved", message=message, amount=shortage)

    def _cause(self, cell: Cell, shortage: float) -> Reason:
        """Return the cause; the first that applies."""
        best, price = float(self.if_opened.to_markets[cell]), float(self.network.shortage_cost[cell[:2]])
        money = self.problem.units.per_quantity
        if np.isinf(best):
            message = "no lane leads from a supplier of it there by a site that may open"
            return Reason("", "", message, _ADD_LANE, proved=True, bottleneck=_NO_LANE)
        if best >= price:
            message = (
                f"not serving is cheaper: the shortage costs {amount_text(price, money, 6)}, the cheapest way "
                f"({self._path_text(self.if_opened, cell)}) at least {number_text(best, 6)}"
            )
            mend = f"a shortage cost above {amount_text(best, money, 6)}"
            which, exact = (
                "the shortage costs less than the cheapest way",
                not self.problem.lane_tariff.reads_flow,
            )
            return Reason("", "", message, mend, proved=exact, bottleneck=which)
        whatever, missed = self.gaps
        market, product, period = cell
        # a capacity that no plan can overcome and that explains all that is missing
        for kind, place in (("lanes", market), ("supply", product), ("sites", 0)):
            if missed[kind][place, period] <= (gap := float(whatever[kind][place, period])):
                return _gap_reason(self.problem, kind, (place, period), gap)
        present = float(self.through_open.to_markets[cell])
        return self._full(cell, shortage, price) if present < price else self._closed(cell, present, price)

    def _closed(self, cell: Cell, present: float, price: float) -> Reason:
        """Return the cause where every path worth taking leads through a closed site."""
        costs = amount_text(present, self.problem.units.per_quantity, 6)
        now = f"through open sites the cheapest way costs {costs}, the shortage {number_text(price, 6)}"
        now = now if np.isfinite(present) else "no open site leads there"
        message = (
            f"{now}; the cheapest way ({self._path_text(self.if_opened, cell)}) costs "
            f"{number_text(self.if_opened.to_markets[cell], 6)} without the cost of opening"
        )
        first, sites = self.network.facility_nodes.start, list[str]()
        for lane, stays, period in self.if_opened.trace(*cell):
            site = int(self.network.tails[lane]) - first if lane >= 0 else stays
            if site >= 0 and not self.ledger.open[site, period]:
                sites.append(self.network.names["facility"][site])
        closed = list(dict.fromkeys(sites))
        which = f"{join_list(closed)} {'is' if len(closed) == 1 else 'are'} closed"
        return Reason("", "", message, f"open {join_list(closed)}", bottleneck=which)

    def _full(self, cell: Cell, shortage: float, price: float) -> Reason:
        """Return the full capacities on the path with the fewest of them."""
        paths, product, spare = self.spare.least_full_paths, cell[1], self.spare
        steps = paths.trace(*cell)
        if self._path_cost(steps, product) >= price:
            paths = self.through_open
            steps = paths.trace(*cell)
        draws = spare.draws(steps, product)
        full = [draw for draw in draws if spare.full[draw.kind][draw.place]]
        rooms = [spare.rooms[draw.kind][draw.place] / draw.each for draw in draws if draw not in full]
        room, unit = float(min([shortage, *rooms])), self.problem.units.quantity
        path, more = self._path_text(paths, cell), amount_text(room, unit, 6)
        if not full:
            cost = money_text(self._path_cost(steps, product))
            message = (
                f"the plan leaves room for {more} more ({path}) at {cost} each, less than the shortage costs"
            )
            which = "the plan leaves room on the way"
            return Reason("", "", message, f"move {more} more that way", bottleneck=which)
        called = [self._called(draw) for draw in full]
        uses, raises = [], []
        for draw, name in zip(full, called, strict=True):
            label = f"{name} in period {self.network.names['period'][draw.place[1]]}"
            counted = unit if draw.kind == "supply" else self.problem.units.weight
            most = float(self.network.limits[draw.kind][draw.place[0]])
            used = number_text(most - float(spare.rooms[draw.kind][draw.place]), 6)
            uses.append(f"{label} ({used} of {amount_text(most, counted, 6)})")
            raises.append(f"{label} by {amount_text(room * draw.each, counted, 6)}")
        message = f"full on the way with most room ({path}): {join_list(uses)}"
        mend = f"raise {join_list(raises)}: {more} more can then be delivered that way"
        which = f"full on the way with most room: {join_list(list(dict.fromkeys(called)))}"
        return Reason("", "", message, mend, bottleneck=which)

    def _called(self, draw: Draw) -> str:
        """Return what a capacity is called, such as ``"throughput of north"``."""
        network = self.network
        names = {"supply": [one.name for one in network.suppliers], "lane": network.names["lane"]}
        words = {"supply": "supply of", "lane": "lane", "storage": "storage of"}
        name = names.get(draw.kind, network.names["facility"])[draw.place[0]]
        return f"{words.get(draw.kind, 'throughput of')} {name}"

    def _path_cost(self, steps: tuple[PathStep, ...], product: int) -> float:
        """Return the money per unit of a path at planning values, capacities ignored."""
        holding = self.network.of_facilities("holding_cost")
        return sum(
            float(holding[site] if lane < 0 else self.rates[lane, product, when])
            for lane, site, when in steps
        )

    def _path_text(self, paths: CheapestPaths, cell: Cell) -> str:
        """Word a path: ``mill → north → Lyon``."""
        network = self.network
        steps = [step for step in paths.trace(*cell) if step.lane >= 0]
        places = [network.lanes[steps[0].lane].tail, *(network.lanes[step.lane].head for step in steps)]
        begins = f", from period {network.names['period'][steps[0].period]}"
        return " → ".join(places) + begins * (steps[0].period < cell[2])
