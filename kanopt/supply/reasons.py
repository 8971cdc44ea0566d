"""Why demand is not met and why sites are closed, and the smallest change that would mend it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from kanopt.array_types import Floats
from kanopt.plans.findings import Reason
from kanopt.plans.slider_prices import Pricing
from kanopt.supply.model import SupplyModel
from kanopt.supply.plan import TOLERANCE, Ledger, slack
from kanopt.supply.spare_capacity import (
    CapacityLimit,
    CheapestPaths,
    PathStep,
    SpareCapacity,
    lane_cost,
    paths_if_opened,
    paths_through,
)
from kanopt.text import amount_text, join_list, money_text, number_text

# Why a site is closed.


def closure_reasons(problem: SupplyModel, ledger: Ledger, planned: Pricing) -> tuple[Reason, ...]:
    """Return a reason for every site that is closed throughout; `planned` is the price at planning values.

    Opening one site besides those of the plan cannot save more than U: the plan's cost without sites, less the cost
    of meeting every demand by its cheapest path (or not at all) with capacities ignored. Where U is not more
    than the least that opening costs, opening that site alone is proved not to pay.
    """
    spent = float(planned.terms().drop("sites", errors="ignore").sum())
    closed = np.flatnonzero(~ledger.open.any(axis=1))
    return tuple(_closure_reason(problem, ledger, int(site), spent) for site in closed)


def _closure_reason(problem: SupplyModel, ledger: Ledger, site: int, spent: float) -> Reason:
    network, money = problem.network, problem.unit
    facility = network.facilities[site]
    subject = f"facility {facility.name}"
    if facility.status == "closed":
        message = f"{facility.name} is closed by its status"
        relaxation = f"set the status of {facility.name} to 'free'"
        return Reason(
            subject, "closed", message, relaxation, proved=True, bottleneck="closed by their status"
        )
    opened = ledger.open.copy()
    opened[site] = True
    unit_cost = np.minimum(paths_through(problem, opened).to_markets, network.shortage_cost[None, :, None])
    at_least = facility.fixed_cost + facility.period_cost
    opening = money_text(at_least, money) + (" or more" if facility.period_cost else "")
    mandatory = np.isinf(network.shortage_cost)[None, :, None]
    if (mandatory & (ledger.shortage > 0)).any():
        message = f"opening {facility.name} costs {opening}; its saving is unknown while demand that must be met is not"
        bottleneck = "their saving is unknown while demand that must be met is not"
        return Reason(subject, "closed", message, bottleneck=bottleneck)
    served = ledger.demand > 0
    saving = max(0.0, spent - float((ledger.demand[served] * unit_cost[served]).sum()))
    exact = not problem.lane_tariff.reads_flow
    at_rates = "" if exact else " at the rates of the planning shipment"
    if saving <= at_least:
        message = (
            f"opening {facility.name} beside the open sites costs {opening} and can save at most "
            f"{money_text(saving)} elsewhere, even if no capacity were full{at_rates}"
        )
        short = money_text(at_least - saving, money)
        relaxation = f"opening it can only pay if it becomes cheaper by more than {short}"
        bottleneck = "opening them costs more than it can save"
        return Reason(subject, "closed", message, relaxation, proved=exact, bottleneck=bottleneck)
    message = (
        f"opening {facility.name} costs {opening} and can save at most {money_text(saving)} elsewhere{at_rates}; "
        "the search found no plan in which it pays"
    )
    bottleneck = "the search found no plan in which opening them pays"
    return Reason(subject, "closed", message, bottleneck=bottleneck)


# Demand that exceeds sums of capacities and so cannot be met by any plan.


@dataclass(frozen=True, eq=False)
class CapacityGaps:
    """By how much demand exceeds what can be supplied, whatever the plan; zero where it does not.

    Parameters
    ----------
    supply
        Units of each product that suppliers lack, shape (P, T).
    sites
        Weight that sites, all of them open that may be, cannot pass on, shape (T,).
    lanes
        Weight that the lanes into each market cannot carry, shape (M, T).
    from_start
        Whether supply and sites are counted from the first period on, because stock can be kept.
    """

    supply: Floats
    sites: Floats
    lanes: Floats
    from_start: bool

    def at(self, kind: str, cell: tuple[int, int, int]) -> float:
        """Return the gap of a kind that concerns a market, product and period."""
        market, product, period = cell
        places = {"supply": (product, period), "sites": (period,), "lanes": (market, period)}
        return float(getattr(self, kind)[places[kind]])


def capacity_gaps(problem: SupplyModel, demand: Floats) -> CapacityGaps:
    """Compare demand, shape (M, P, T), with the sums of capacities.

    Each is a necessary condition: demand beyond it is not met by any plan.
    """
    network = problem.network
    periods = network.shape[2]
    open_ = ~network.has_status("closed")
    from_start = bool((network.of_facilities("storage")[open_] > 0).any())

    def gap(wanted: Floats, per_period: Floats) -> Floats:
        available = np.broadcast_to(per_period[..., None], wanted.shape)
        if from_start:
            wanted, available = np.cumsum(wanted, axis=-1), np.cumsum(available, axis=-1)
        missing = wanted - available
        return np.where(missing > slack(wanted), missing, 0.0)

    supply = np.zeros(network.shape[1])
    for offer in network.offers:
        which = network.product_names.index(offer.product) if offer.product else slice(None)
        supply[which] += offer.capacity
    weight = np.einsum("mpt,p->mt", demand, network.weights)
    into = np.zeros(len(network.node_names))
    np.add.at(into, network.heads, network.lane_capacity)
    missing = weight - into[network.market_nodes][:, None]
    direct = (network.tails < network.facility_nodes.start) & (network.heads >= network.market_nodes.start)
    through = np.inf if direct.any() else float(network.of_facilities("capacity")[open_].sum())
    return CapacityGaps(
        supply=gap(demand.sum(axis=0), supply),
        sites=gap(weight.sum(axis=0), np.array(through)).reshape(periods),
        lanes=np.where(missing > slack(weight), missing, 0.0),
        from_start=from_start,
    )


_ADD_LANE = "add a lane, or open a site that is closed by its status"
_NO_LANE = "no lane leads there from a supplier by a site that may open"


def plan_reasons(problem: SupplyModel, ledger: Ledger, planned: Pricing) -> tuple[Reason, ...]:
    """Return a reason for every shortage and every closed site; `planned` is the price at planning values."""
    network = problem.network
    asked = _ShortageReasons(problem, ledger)
    places = np.argwhere(ledger.shortage > 0)
    unserved = tuple(
        asked.reason(int(market), int(product), int(period)) for market, product, period in places
    )
    return unserved + closure_reasons(problem, ledger, planned) if len(network.facilities) else unserved


def infeasibility_reasons(problem: SupplyModel) -> tuple[Reason, ...]:
    """Return what arithmetic proves about demand that must be met and cannot be; empty where it proves nothing."""
    network = problem.network
    mandatory = np.isinf(network.shortage_cost)[None, :, None]
    demand = np.where(mandatory, problem.demand_array, 0.0)
    cut_off = (demand > 0) & np.isinf(paths_if_opened(problem).to_markets)
    gap, found = capacity_gaps(problem, demand), []
    for market, product in np.argwhere(cut_off.any(axis=2)).tolist():
        name = network.market_names[market]
        message = f"no lane leads from a supplier of {network.product_names[product]} to {name} by a site that may open"
        found.append((f"market {name}", Reason("", "", message, _ADD_LANE, proved=True, bottleneck=_NO_LANE)))
    for product, period in np.argwhere(gap.supply > 0).tolist():
        found.append(("supply", _gap(problem, gap, "supply", (0, product, period))))
    short = np.flatnonzero(gap.sites > 0).tolist()
    found += [("facilities", _gap(problem, gap, "sites", (0, 0, period))) for period in short]
    for market, period in np.argwhere(gap.lanes > 0).tolist():
        reason = _gap(problem, gap, "lanes", (market, 0, period))
        found.append((f"market {network.market_names[market]}", reason))
    return tuple(replace(reason, subject=subject, kind="infeasible") for subject, reason in found)


def _gap(problem: SupplyModel, gaps: CapacityGaps, kind: str, cell: tuple[int, int, int]) -> Reason:
    """Return the reason that a gap of a kind is."""
    network, units, amount = problem.network, problem.units, gaps.at(kind, cell)
    market, product = network.market_names[cell[0]], network.product_names[cell[1]]
    who, limit, what, wants, served = {
        "supply": ("suppliers can sell", f"the supply of {product}", product, "all markets want", "all markets"),
        "sites": (
            "all sites that may open pass on", "the throughput of sites", "", "all markets want", "all markets"
        ),
        "lanes": (f"the lanes into {market} carry", f"the capacity of lanes into {market}", "", "it wants", "it"),
    }[kind]  # fmt: skip
    missing = amount_text(amount, units.quantity if kind == "supply" else units.weight, 6)
    when = "by the end of" if gaps.from_start and kind != "lanes" else "in"
    when = f"{when} period {network.period_names[cell[2]]}"
    of = f" of {what}" if what else ""
    message = f"{who} {missing}{of} less than {wants} {when}, whatever the plan"
    relaxation = f"raise {limit} {when} by {missing} to serve {served}"
    bottleneck = f"{who} less {what} than {wants}".replace("  ", " ")
    return Reason("", "", message, relaxation, proved=True, bottleneck=bottleneck, amount=amount)


@dataclass(frozen=True, eq=False)
class _ShortageReasons:
    """Finds the reason of single shortages of one plan."""

    problem: SupplyModel
    ledger: Ledger

    @cached_property
    def spare_capacity(self) -> SpareCapacity:
        return SpareCapacity(self.problem, self.ledger)

    @cached_property
    def capacity_gaps(self) -> CapacityGaps:
        return capacity_gaps(self.problem, self.problem.demand_array)

    @cached_property
    def plan_gaps(self) -> CapacityGaps:
        """Demand that the plan does not meet, summed as the gaps are, less the tolerance."""
        short, weights = self.ledger.shortage * (1.0 - TOLERANCE), self.problem.network.weights
        by_product, by_market = short.sum(axis=0), np.einsum("mpt,p->mt", short, weights)
        from_start = self.capacity_gaps.from_start
        return CapacityGaps(
            supply=np.cumsum(by_product, axis=1) if from_start else by_product,
            sites=np.cumsum(by_market.sum(axis=0)) if from_start else by_market.sum(axis=0),
            lanes=by_market,
            from_start=from_start,
        )

    @cached_property
    def paths_if_opened(self) -> CheapestPaths:
        """Cheapest paths if every site opened that may."""
        return paths_if_opened(self.problem)

    @cached_property
    def paths_through_open(self) -> CheapestPaths:
        """Cheapest paths through the sites that are open."""
        return paths_through(self.problem, self.ledger.open)

    def reason(self, market: int, product: int, period: int) -> Reason:
        """Return why a market lacks a product in a period."""
        network, unit = self.problem.network, self.problem.units.quantity
        cell = (market, product, period)
        shortage, demand = float(self.ledger.shortage[cell]), float(self.ledger.demand[cell])
        start = (
            f"{network.market_names[market]} lacks {number_text(shortage, 6)} of {amount_text(demand, unit, 6)} of "
            f"{network.product_names[product]} in period {network.period_names[period]}: "
        )
        cause = self._cause(cell, shortage)
        subject, message = f"market {network.market_names[market]}", start + cause.message
        return replace(cause, subject=subject, kind="unserved", message=message, amount=shortage)

    def _cause(self, cell: tuple[int, int, int], shortage: float) -> Reason:
        """Return the cause; the first that applies."""
        best = float(self.paths_if_opened.to_markets[cell])
        price = float(self.problem.network.shortage_cost[cell[1]])
        exact = not self.problem.lane_tariff.reads_flow
        money = self.problem.units.per_quantity
        if np.isinf(best):
            message = "no lane leads from a supplier of it there by a site that may open"
            return Reason("", "", message, _ADD_LANE, proved=True, bottleneck=_NO_LANE)
        if best >= price:
            message = (
                f"not serving is cheaper: the shortage costs {amount_text(price, money, 6)}, the cheapest way "
                f"({self._path_text(self.paths_if_opened, cell)}) at least {number_text(best, 6)}"
            )
            relaxation = f"a shortage cost above {amount_text(best, money, 6)}"
            bottleneck = "the shortage costs less than the cheapest way"
            return Reason("", "", message, relaxation, proved=exact, bottleneck=bottleneck)
        return self._limit(cell) or self._closed(cell, price) or self._full(cell, shortage, price)

    def _limit(self, cell: tuple[int, int, int]) -> Reason | None:
        """Return a capacity that no plan can overcome and that explains all that is missing."""
        for kind in ("lanes", "supply", "sites"):
            if self.plan_gaps.at(kind, cell) <= self.capacity_gaps.at(kind, cell):
                return _gap(self.problem, self.capacity_gaps, kind, cell)
        return None

    def _closed(self, cell: tuple[int, int, int], price: float) -> Reason | None:
        """Return the cause where every path worth taking leads through a closed site."""
        present = float(self.paths_through_open.to_markets[cell])
        if present < price:
            return None
        costs = amount_text(present, self.problem.units.per_quantity, 6)
        now = (
            "no open site leads there"
            if np.isinf(present)
            else f"through open sites the cheapest way costs {costs}, the shortage {number_text(price, 6)}"
        )
        sites = self._closed_sites(cell)
        message = (
            f"{now}; the cheapest way ({self._path_text(self.paths_if_opened, cell)}) costs "
            f"{number_text(self.paths_if_opened.to_markets[cell], 6)} without the cost of opening"
        )
        bottleneck = f"{join_list(sites)} {'is' if len(sites) == 1 else 'are'} closed"
        return Reason("", "", message, f"open {join_list(sites)}", bottleneck=bottleneck)

    def _full(self, cell: tuple[int, int, int], shortage: float, price: float) -> Reason:
        """Return the full capacities on the path with the fewest of them."""
        paths = self.spare_capacity.least_full_paths
        steps = paths.trace(*cell)
        if self._path_cost(steps, cell[1]) >= price:
            paths = self.paths_through_open
            steps = paths.trace(*cell)
        limits = [limit for step in steps for limit in self.spare_capacity.limits(step, cell[1])]
        full = [limit for limit in limits if limit.is_full]
        spare = min([shortage, *(limit.spare / limit.per_unit for limit in limits if not limit.is_full)])
        path, more = self._path_text(paths, cell), amount_text(spare, self.problem.units.quantity, 6)
        if not full:
            cost = money_text(self._path_cost(steps, cell[1]))
            message = (
                f"the plan leaves room for {more} more ({path}) at {cost} each, less than the shortage costs"
            )
            bottleneck = "the plan leaves room on the way"
            return Reason("", "", message, f"move {more} more that way", bottleneck=bottleneck)
        names = join_list([f"{limit.label} ({_use_text(limit)})" for limit in full])
        raised = join_list(
            [f"{limit.label} by {amount_text(spare * limit.per_unit, limit.unit, 6)}" for limit in full]
        )
        where = join_list(list(dict.fromkeys(limit.resource for limit in full)))
        message = f"full on the way with most room ({path}): {names}"
        relaxation = f"raise {raised}: {more} more can then be delivered that way"
        return Reason("", "", message, relaxation, bottleneck=f"full on the way with most room: {where}")

    def _path_cost(self, steps: tuple[PathStep, ...], product: int) -> float:
        """Return the money per unit of a path at planning values, capacities ignored."""
        holding = self.problem.network.of_facilities("holding_cost")
        return sum(
            float(holding[step.site] if step.lane < 0 else self.rates[step.lane, product, step.period])
            for step in steps
        )

    @cached_property
    def rates(self) -> Floats:
        """Money per unit moved on each lane, shape (L, P, T)."""
        return lane_cost(self.problem)

    def _path_text(self, paths: CheapestPaths, cell: tuple[int, int, int]) -> str:
        """Word a path: ``mill → north → Lyon``."""
        network = self.problem.network
        steps = [step for step in paths.trace(*cell) if step.lane >= 0]
        places = [network.lanes[steps[0].lane].tail, *(network.lanes[step.lane].head for step in steps)]
        early = steps[0].period < cell[2]
        return " → ".join(places) + (
            f", from period {network.period_names[steps[0].period]}" if early else ""
        )

    def _closed_sites(self, cell: tuple[int, int, int]) -> list[str]:
        """Return the closed sites on the cheapest of all paths."""
        network, found = self.problem.network, dict[str, None]()
        for step in self.paths_if_opened.trace(*cell):
            node = (
                int(network.tails[step.lane]) if step.lane >= 0 else network.facility_nodes.start + step.site
            )
            site = node - network.facility_nodes.start
            if site >= 0 and not self.ledger.open[site, step.period]:
                found[network.facility_names[site]] = None
        return list(found)


def _use_text(limit: CapacityLimit) -> str:
    used = number_text(limit.capacity - limit.spare, 6)
    return f"{used} of {amount_text(limit.capacity, limit.unit, 6)}"
