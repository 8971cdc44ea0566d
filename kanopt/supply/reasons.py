"""Why demand is not met and why sites are closed, and the smallest change that would mend it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.errors import SolverError
from kanopt.plans.findings import Reason
from kanopt.plans.slider_prices import Pricing
from kanopt.supply.model import SupplyModel
from kanopt.supply.plan import TOLERANCE, Ledger
from kanopt.text import amount_text, join_list, money_text, number_text

if TYPE_CHECKING:
    from scipy.sparse import csr_array


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
    unit_cost = np.minimum(
        problem.cheapest_ways(opened)[network.market_nodes], network.shortage_cost[None, :, None]
    )
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


# What would have to be larger for demand to be met, by the least that is enough.


class MoreRoom(NamedTuple):
    """A capacity that would have to be larger, or a site that would have to open."""

    what: str
    period: str
    amount: float
    unit: str
    opens: bool

    @property
    def change(self) -> str:
        """What is to be done."""
        if self.opens:
            return f"open {self.what.removeprefix('throughput of ')} in period {self.period}"
        return f"raise {self.what} in period {self.period} by {amount_text(self.amount, self.unit, 6)}"


class _Capacities(NamedTuple):
    """Capacities of one kind, (places, T), and which of them each variable draws on, and how much of it."""

    names: list[str]
    limits: Floats
    place: Indices
    period: Indices
    each: Floats
    unit: str


def least_room(problem: SupplyModel, demand: Floats, opened: NDArray[np.bool_]) -> list[MoreRoom]:
    """Return by how much capacities must be larger at least, in all, for demand to be met that lanes lead to.

    An elastic relaxation: every finite capacity may be passed, and the sum by which they are is least.

    Parameters
    ----------
    problem
        The problem.
    demand
        What is to be met; (M, P, T).
    opened
        Which sites are open; (F, T). Through others things pass as through a site with no capacity, which may open.
    """
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, hstack, identity

    network = problem.network
    markets, sites, periods = network.market_nodes, network.facility_nodes, network.shape[2]
    shut = np.ones(len(network.node_names), dtype=bool)
    shut[sites] = ~network.has_status("closed")
    wanted = np.ones((len(network.node_names), *network.shape[1:]), dtype=bool)
    wanted[markets] = demand > 0
    usable = (shut[network.tails] & shut[network.heads])[:, None] & network.can_carry
    lane, product, period = np.nonzero(usable[:, :, None] & wanted[network.heads])
    stores = np.broadcast_to(
        (network.of_facilities("storage") > 0)[:, None, None],
        (len(network.facilities), network.shape[1], periods - 1),
    )
    site, kind, when = np.nonzero(stores)
    count, kept = len(lane), len(lane) + np.arange(len(site))
    # what enters a place leaves it, is kept there, or is delivered
    nodes = len(network.node_names) - sites.start
    cells = (nodes, *network.shape[1:])
    balance = np.zeros(cells)
    balance[markets.start - sites.start :] = demand
    entries: list[tuple[Indices, Indices, float]] = []
    flows = np.arange(count)
    for ends, sign in ((network.heads, 1.0), (network.tails, -1.0)):
        there = ends[lane] >= sites.start
        row = np.ravel_multi_index((ends[lane[there]] - sites.start, product[there], period[there]), cells)
        entries.append((row, flows[there], sign))
    entries.append((np.ravel_multi_index((site, kind, when), cells), kept, -1.0))
    entries.append((np.ravel_multi_index((site, kind, when + 1), cells), kept, 1.0))
    found, rows = _capacities(problem, (lane, product, period), (site, kind, when), opened), 0
    parts, limits, places = [], [], list[tuple[_Capacities, int, int]]()
    for one, columns in found:
        finite = np.isfinite(one.limits)
        number = np.full(one.limits.shape, -1)
        number[finite] = rows + np.arange(int(finite.sum()))
        row = np.where(one.place >= 0, number[one.place, one.period], -1)
        parts.append((row[row >= 0], columns[row >= 0], one.each[row >= 0]))
        limits.append(one.limits[finite])
        places += [(one, at, time) for at, time in np.argwhere(finite).tolist()]
        rows += int(finite.sum())
    size = count + len(kept)
    equal = _matrix(
        [(row, column, np.full(len(row), sign)) for row, column, sign in entries], balance.size, size
    )
    below = hstack([_matrix(parts, rows, size), -identity(rows)])
    answer = linprog(
        np.concatenate([np.zeros(size), np.ones(rows)]),
        below,
        np.concatenate(limits),
        hstack([equal, csr_array((balance.size, rows))]),
        balance.ravel(),
        method="highs",
    )
    if answer.x is None:
        raise SolverError(f"no relaxation of the capacities was found: {answer.message}")
    more = answer.x[size:]
    lacking = np.flatnonzero(more > TOLERANCE * np.maximum(1.0, demand.sum()))
    return [_more_room(problem, places[row], float(more[row]), opened) for row in lacking.tolist()]


def _matrix(parts: list[tuple[Indices, Indices, Floats]], rows: int, columns: int) -> csr_array:
    from scipy.sparse import csr_array

    row, column, value = (np.concatenate(each) for each in zip(*parts, strict=True))
    return csr_array((value, (row, column)), shape=(rows, columns))


def _capacities(
    problem: SupplyModel, flow: tuple[Indices, ...], stock: tuple[Indices, ...], opened: NDArray[np.bool_]
) -> list[tuple[_Capacities, Indices]]:
    """Return the capacities of each kind with the variables that draw on them."""
    network, units = problem.network, problem.units
    (lane, product, period), (site, kind, when) = flow, stock
    columns, kept = np.arange(len(lane)), len(lane) + np.arange(len(site))

    def every(limits: list[float] | Floats) -> Floats:
        return np.repeat(np.asarray(limits, dtype=float)[:, None], network.shape[2], axis=1)

    through = np.where(opened, every(network.of_facilities("capacity")), 0.0)
    sites = [f"throughput of {name}" for name in network.facility_names]
    weight = network.weights[product]
    found = [
        (
            _Capacities(
                [f"supply of {offer.name}" for offer in network.offers],
                every([offer.capacity for offer in network.offers]),
                network.lane_offer[lane, product],
                period,
                np.ones(len(lane)),
                units.quantity,
            ),
            columns,
        ),
        (
            _Capacities(
                [f"lane {name}" for name in network.lane_names],
                every(network.lane_capacity),
                lane,
                period,
                weight,
                units.weight,
            ),
            columns,
        ),
    ]
    if not network.facilities:
        return found
    for ends in (network.heads, network.tails):
        at = ends[lane] - network.facility_nodes.start
        at = np.where(at < len(network.facilities), at, -1)
        found.append((_Capacities(sites, through, at, period, weight, units.weight), columns))
    names = [f"storage of {name}" for name in network.facility_names]
    storage = every(network.of_facilities("storage"))
    found.append((_Capacities(names, storage, site, when, network.weights[kind], units.weight), kept))
    return found


def _more_room(
    problem: SupplyModel, where: tuple[_Capacities, int, int], amount: float, opened: NDArray[np.bool_]
) -> MoreRoom:
    one, place, period = where
    name = one.names[place]
    opens = name.startswith("throughput") and not opened[place, period]
    return MoreRoom(name, problem.network.period_names[period], amount, one.unit, bool(opens))


_NO_LANE = "no lane leads there from a supplier by a site that may open"
_ADD_LANE = "add a lane, or open a site that is closed by its status"


def _may_open(problem: SupplyModel) -> NDArray[np.bool_]:
    return np.repeat(~problem.network.has_status("closed")[:, None], problem.network.shape[2], axis=1)


def infeasibility_reasons(problem: SupplyModel) -> tuple[Reason, ...]:
    """Return what proves that demand that must be met cannot be; empty where nothing does."""
    network, allowed = problem.network, _may_open(problem)
    mandatory = np.isinf(network.shortage_cost)[None, :, None]
    demand = np.where(mandatory, problem.demand_array, 0.0)
    cut_off = (demand > 0) & np.isinf(problem.cheapest_ways(allowed)[network.market_nodes])
    found = [
        Reason(
            f"market {network.market_names[market]}",
            "infeasible",
            f"no lane leads from a supplier of {network.product_names[product]} to "
            f"{network.market_names[market]} by a site that may open",
            _ADD_LANE,
            proved=True,
            bottleneck=_NO_LANE,
        )
        for market, product in np.argwhere(cut_off.any(axis=2))
    ]
    demand = np.where(cut_off, 0.0, demand)
    for more in least_room(problem, demand, allowed) if demand.any() else ():
        short = f"{amount_text(more.amount, more.unit, 6)} more in period {more.period}"
        message = f"demand that must be met needs {short} of the {more.what} than there is, whatever the plan"
        found.append(
            Reason(
                more.what,
                "infeasible",
                message,
                more.change,
                proved=True,
                bottleneck=f"the {more.what} is less than markets want",
                amount=more.amount,
            )
        )
    return tuple(found)


def plan_reasons(problem: SupplyModel, ledger: Ledger, planned: Pricing) -> tuple[Reason, ...]:
    """Return a reason for every shortage and every closed site; `planned` is the price at planning values."""
    unserved = _shortage_reasons(problem, ledger) if ledger.shortage.any() else ()
    return (
        (*unserved, *closure_reasons(problem, ledger, planned))
        if len(problem.network.facilities)
        else unserved
    )


def _shortage_reasons(problem: SupplyModel, ledger: Ledger) -> tuple[Reason, ...]:
    network, unit = problem.network, problem.units.quantity
    best = problem.cheapest_ways(_may_open(problem))[network.market_nodes]
    price = np.broadcast_to(network.shortage_cost[None, :, None], best.shape)
    asked = (ledger.shortage > 0) & (best < price)
    wanted = np.where(asked, ledger.demand, ledger.delivered)
    never = least_room(problem, wanted, _may_open(problem)) if asked.any() else []
    room = never or (least_room(problem, wanted, ledger.open) if asked.any() else [])
    found = []
    for cell in map(tuple, np.argwhere(ledger.shortage > 0).tolist()):
        market, product, period = cell
        proved = not problem.lane_tariff.reads_flow
        if np.isinf(best[cell]):
            message, relaxation, bottleneck, proved = _NO_LANE, _ADD_LANE, _NO_LANE, True
        elif not asked[cell]:
            money = problem.units.per_quantity
            message = (
                f"not serving is cheaper: the shortage costs {amount_text(price[cell], money, 6)}, the cheapest way at "
                f"least {number_text(best[cell], 6)}"
            )
            relaxation = f"a shortage cost above {amount_text(best[cell], money, 6)}"
            bottleneck = "the shortage costs less than the cheapest way"
        elif room:
            whatever = ", whatever the plan" if never else ""
            bottleneck = join_list(list(dict.fromkeys(f"the {each.what}" for each in room)), 3)
            message = f"there is too little of {bottleneck}{whatever}"
            relaxation = (
                f"{join_list([each.change for each in room], 5)}: that is enough for all that is short"
            )
            proved = bool(never)
        else:
            message = "the plan leaves room on the way"
            relaxation, bottleneck, proved = "a longer search", "the plan leaves room on the way", False
        start = (
            f"{network.market_names[market]} lacks {number_text(ledger.shortage[cell], 6)} of "
            f"{amount_text(ledger.demand[cell], unit, 6)} of {network.product_names[product]} in period "
            f"{network.period_names[period]}: "
        )
        found.append(
            Reason(
                f"market {network.market_names[market]}",
                "unserved",
                start + message,
                relaxation,
                proved,
                bottleneck=bottleneck,
                amount=float(ledger.shortage[cell]),
            )
        )
    return tuple(found)
