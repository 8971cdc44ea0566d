"""Every constraint of a supply plan, verified without a solver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from kanopt.problems.findings import Check, Violation
from kanopt.problems.supply.network import Floats
from kanopt.problems.supply.simulate.ledger import Ledger, slack

if TYPE_CHECKING:
    from kanopt.problems.supply.problem import SupplyProblem

__all__ = ["check_flows"]


def check_flows(problem: SupplyProblem, ledger: Ledger) -> Check:
    """Return every violation: flows, offers, lanes, sites, stocks, markets."""
    return Check(
        tuple(
            _flow_violations(problem, ledger)
            + _capacity_violations(problem, ledger)
            + _site_violations(problem, ledger)
            + _stock_violations(problem, ledger)
            + _market_violations(problem, ledger)
        )
    )


def _flow_violations(problem: SupplyProblem, ledger: Ledger) -> list[Violation]:
    network, unit = problem.network, problem.units.quantity
    found = []
    for lane, product, period in np.argwhere(ledger.flows < 0):
        amount = float(-ledger.flows[lane, product, period])
        where, when = f"lane {network.lane_names[lane]}", network.period_names[period]
        message = f"{where} carries a negative amount of {network.product_names[product]} in period {when}"
        found.append(Violation("negative flow", where, amount, unit, message))
    for lane, product, period in np.argwhere((ledger.flows > 0) & ~network.can_carry[:, :, None]):
        amount = float(ledger.flows[lane, product, period])
        where, name = f"lane {network.lane_names[lane]}", network.product_names[product]
        message = (
            f"{where} carries {amount:,.4g} {unit} of {name} in period {network.period_names[period]}, "
            f"which {network.lanes[lane].tail} does not offer"
        )
        found.append(Violation("supply", where, amount, unit, message))
    return found


def _excess_violations(
    used: Floats, limit: Floats, names: list[str], periods: list[str], rule: tuple[str, str, str]
) -> list[Violation]:
    """Return where `used`, shape (n, T), passes `limit`, shape (n,) or (n, T); rule = constraint, verb, unit."""
    constraint, verb, unit = rule
    limits = np.broadcast_to(limit if limit.ndim == 2 else limit[:, None], used.shape)
    found = []
    for place, period in np.argwhere(used > limits + slack(limits)):
        amount, most = float(used[place, period]), float(limits[place, period])
        message = (
            f"{names[place]} {verb} {amount:,.6g} {unit} in period {periods[period]}, at most {most:,.6g}"
        )
        found.append(Violation(constraint, names[place], amount - most, unit, message))
    return found


def _capacity_violations(problem: SupplyProblem, ledger: Ledger) -> list[Violation]:
    network, units = problem.network, problem.units
    offers = [
        f"supplier {offer.name}" + (f" ({offer.product})" if offer.product else "")
        for offer in network.offers
    ]
    limit = np.array([offer.capacity for offer in network.offers])
    lanes = [f"lane {name}" for name in network.lane_names]
    carried = np.einsum("lpt,p->lt", ledger.flows, network.weights)
    periods = network.period_names
    return _excess_violations(
        ledger.bought.sum(axis=1), limit, offers, periods, ("supply", "sells", units.quantity)
    ) + _excess_violations(
        carried, network.lane_capacity, lanes, periods, ("lane capacity", "carries", units.weight)
    )


def _site_violations(problem: SupplyProblem, ledger: Ledger) -> list[Violation]:
    """Return where sites pass their throughput or storage, or are used while closed."""
    network, unit = problem.network, problem.units.weight
    names, periods = [f"facility {name}" for name in network.facility_names], network.period_names
    entering, leaving, kept = (
        np.einsum("fpt,p->ft", amounts, network.weights)
        for amounts in (ledger.received, ledger.shipped, np.maximum(ledger.stock, 0.0))
    )
    capacity, storage = network.of_facilities("capacity"), network.of_facilities("storage")
    found = _excess_violations(entering, capacity, names, periods, ("throughput", "receives", unit))
    found += _excess_violations(leaving, capacity, names, periods, ("throughput", "sends", unit))
    found += _excess_violations(kept, storage, names, periods, ("storage", "keeps", unit))
    for site, period in np.argwhere(ledger.in_use & ~ledger.open):
        amount = float(entering[site, period] + leaving[site, period] + kept[site, period])
        message = f"{names[site]} is closed in period {periods[period]}, but handles {amount:,.6g} {unit}"
        found.append(Violation("closed site", names[site], amount, unit, message))
    return found + _status_violations(problem, ledger)


def _status_violations(problem: SupplyProblem, ledger: Ledger) -> list[Violation]:
    network = problem.network
    shut = network.has_status("closed") & ledger.open.any(axis=1)
    forced = network.has_status("open") & ~ledger.open.all(axis=1)
    whole = network.of_facilities("period_cost") == 0
    partly = ledger.open.any(axis=1) & ~ledger.open.all(axis=1) & whole & ~network.has_status("open")
    rules = (
        (shut, "has the status 'closed', but is open in the plan"),
        (forced, "has the status 'open', but is closed in some period of the plan"),
        (partly, "has no cost per period, so it is open throughout or not at all; the plan opens it in part"),
    )
    return [
        Violation("status", f"facility {name}", 1.0, "", f"facility {name} {why}")
        for where, why in rules
        for name in np.array(network.facility_names, dtype=object)[where]
    ]


def _stock_violations(problem: SupplyProblem, ledger: Ledger) -> list[Violation]:
    network, unit = problem.network, problem.units.quantity
    found = []
    for site, product, period in np.argwhere(ledger.stock < 0):
        amount = float(-ledger.stock[site, product, period])
        where = f"facility {network.facility_names[site]}"
        message = (
            f"{where} has sent {amount:,.6g} {unit} more of {network.product_names[product]} than it received "
            f"by the end of period {network.period_names[period]}"
        )
        found.append(Violation("flow balance", where, amount, unit, message))
    return found


def _market_violations(problem: SupplyProblem, ledger: Ledger) -> list[Violation]:
    """Return markets that get more than they want, or less of what must be delivered."""
    network, unit = problem.network, problem.units.quantity
    excess = ledger.delivered - ledger.demand
    mandatory = ~np.isfinite(network.shortage_cost)[None, :, None]
    found = []
    for market, product, period in np.argwhere(excess > slack(ledger.demand)):
        amount, want = float(excess[market, product, period]), float(ledger.demand[market, product, period])
        where = f"market {network.market_names[market]}"
        message = (
            f"{where} gets {amount:,.6g} {unit} of {network.product_names[product]} in period "
            f"{network.period_names[period]} beyond its demand of {want:,.6g}"
        )
        found.append(Violation("demand", where, amount, unit, message))
    for market, product, period in np.argwhere((ledger.shortage > 0) & mandatory):
        amount, want = (
            float(ledger.shortage[market, product, period]),
            float(ledger.demand[market, product, period]),
        )
        where = f"market {network.market_names[market]}"
        message = (
            f"{where} lacks {amount:,.6g} of {want:,.6g} {unit} of {network.product_names[product]} in period "
            f"{network.period_names[period]}, which must be delivered"
        )
        found.append(Violation("unserved", where, amount, unit, message))
    return found
