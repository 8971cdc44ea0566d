"""The referee of supply plans: which rules flows break and what they cost.

No solver runs through here, and no solver's figure is trusted where this module gives another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Check, Violation
from kanopt.plans.slider_prices import Pricing
from kanopt.supply.model import SupplyModel
from kanopt.supply.network import SupplyNetwork
from kanopt.supply.plan import Ledger, slack
from kanopt.text import amount_text, number_text

TRANSPORT = "transport"
"""Term of the tariff."""
RULE_WORDS: Mapping[str, RuleWords] = {
    "negative flow": RuleWords("lane carries less than nothing", "lanes carry less than nothing"),
    "supply": RuleWords("place sends more than is offered there", "places send more than is offered there"),
    "lane capacity": RuleWords("lane carries more than it can", "lanes carry more than they can"),
    "throughput": RuleWords("facility passes on more than it can", "facilities pass on more than they can"),
    "storage": RuleWords("facility keeps more than it can", "facilities keep more than they can"),
    "closed site": RuleWords(
        "facility handles goods while it is closed", "facilities handle goods while they are closed"
    ),
    "status": RuleWords(
        "facility is open or closed against its status", "facilities are open or closed against their status"
    ),
    "flow balance": RuleWords(
        "facility sends more than it has received", "facilities send more than they have received"
    ),
    "demand": RuleWords("market gets more than it wants", "markets get more than they want"),
}
"""How the breaking of each rule is told."""


def check_flows(problem: SupplyModel, ledger: Ledger) -> Check:
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


def _flow_violations(problem: SupplyModel, ledger: Ledger) -> list[Violation]:
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
            f"{where} carries {amount_text(amount, unit)} of {name} in period {network.period_names[period]}, "
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
        shown, limit_text = amount_text(amount, unit, 6), number_text(most, 6)
        message = f"{names[place]} {verb} {shown} in period {periods[period]}, at most {limit_text}"
        found.append(Violation(constraint, names[place], amount - most, unit, message))
    return found


def _capacity_violations(problem: SupplyModel, ledger: Ledger) -> list[Violation]:
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


def _site_violations(problem: SupplyModel, ledger: Ledger) -> list[Violation]:
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
        shown = amount_text(amount, unit, 6)
        message = f"{names[site]} is closed in period {periods[period]}, but handles {shown}"
        found.append(Violation("closed site", names[site], amount, unit, message))
    return found + _status_violations(problem, ledger)


def _status_violations(problem: SupplyModel, ledger: Ledger) -> list[Violation]:
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


def _stock_violations(problem: SupplyModel, ledger: Ledger) -> list[Violation]:
    network, unit = problem.network, problem.units.quantity
    found = []
    for site, product, period in np.argwhere(ledger.stock < 0):
        amount = float(-ledger.stock[site, product, period])
        where = f"facility {network.facility_names[site]}"
        message = (
            f"{where} has sent {amount_text(amount, unit, 6)} more of {network.product_names[product]} than it "
            f"received by the end of period {network.period_names[period]}"
        )
        found.append(Violation("flow balance", where, amount, unit, message))
    return found


def _market_violations(problem: SupplyModel, ledger: Ledger) -> list[Violation]:
    """Return markets that get more than they want, or less of what must be delivered."""
    network, unit = problem.network, problem.units.quantity
    excess = ledger.delivered - ledger.demand
    mandatory = ~np.isfinite(network.shortage_cost)[None, :, None]
    found = []
    for market, product, period in np.argwhere(excess > slack(ledger.demand)):
        amount, want = float(excess[market, product, period]), float(ledger.demand[market, product, period])
        where = f"market {network.market_names[market]}"
        message = (
            f"{where} gets {amount_text(amount, unit, 6)} of {network.product_names[product]} in period "
            f"{network.period_names[period]} beyond its demand of {number_text(want, 6)}"
        )
        found.append(Violation("demand", where, amount, unit, message))
    for market, product, period in np.argwhere((ledger.shortage > 0) & mandatory):
        amount, want = (
            float(ledger.shortage[market, product, period]),
            float(ledger.demand[market, product, period]),
        )
        where = f"market {network.market_names[market]}"
        message = (
            f"{where} lacks {number_text(amount, 6)} of {amount_text(want, unit, 6)} of "
            f"{network.product_names[product]} in period {network.period_names[period]}, which must be delivered"
        )
        found.append(Violation("unserved", where, amount, unit, message))
    return found


def price_flows(problem: SupplyModel, ledger: Ledger, *, frozen: bool) -> Pricing:
    """Return the price of flows as lines.

    Parameters
    ----------
    frozen
        Pay the planning rate of the tariff, as the solver does.
    """
    network = problem.network
    facilities = network.facility_names
    spread = (slice(None), None, None)
    bought = ledger.flows * network.purchase_cost[:, :, None]
    by_supplier = np.zeros((len(network.supplier_names), *network.shape[1:]))
    from_supplier = network.tails < len(network.supplier_names)
    np.add.at(by_supplier, network.tails[from_supplier], bought[from_supplier])
    shortage_cost = np.where(np.isfinite(network.shortage_cost), network.shortage_cost, 0.0)
    parts = [
        _lines("purchase", by_supplier, network.supplier_names, network),
        _lines(
            TRANSPORT, problem.lane_tariff.amounts(ledger.flows, frozen=frozen), network.lane_names, network
        ),
        _lines(
            "handling", ledger.received * network.of_facilities("handling_cost")[spread], facilities, network
        ),
        _site_lines(ledger),
        _lines("holding", ledger.stock * network.of_facilities("holding_cost")[spread], facilities, network),
        _lines("shortage", ledger.shortage * shortage_cost[None, :, None], network.market_names, network),
    ]
    filled = [part for part in parts if len(part)]
    frame = pd.concat(filled, ignore_index=True) if filled else parts[0]
    return Pricing(frame, problem.unit)


def _lines(term: str, amounts: Floats, groups: Sequence[str], network: SupplyNetwork) -> pd.DataFrame:
    """Return one line for each amount that is not zero; `amounts` has the shape (groups, P, T)."""
    lead, product, period = np.nonzero(amounts)
    items = flow_items(network, product, period)
    return _frame(term, np.array(groups, dtype=object)[lead], items, amounts[lead, product, period])


def flow_items(network: SupplyNetwork, product: Indices, period: Indices) -> NDArray[np.object_]:
    """Return what the lines of a price call products in periods."""
    products = np.char.add(np.array(network.product_names, dtype=str)[product], ", ")
    return np.char.add(products, np.array(network.period_names, dtype=str)[period]).astype(object)


def _site_lines(ledger: Ledger) -> pd.DataFrame:
    """Return what open sites cost: once, and for each period."""
    network = ledger.network
    names = np.array(network.facility_names, dtype=object)
    fixed, per_period = network.of_facilities("fixed_cost"), network.of_facilities("period_cost")
    once = np.flatnonzero(ledger.open.any(axis=1) & (fixed > 0))
    site, period = np.nonzero(ledger.open & (per_period > 0)[:, None])
    periods = np.array(network.period_names, dtype=object)
    return pd.concat(
        [
            _frame("sites", names[once], np.full(len(once), "fixed", dtype=object), fixed[once]),
            _frame("sites", names[site], periods[period], per_period[site]),
        ],
        ignore_index=True,
    )


def _frame(term: str, group: NDArray[np.object_], item: NDArray[np.object_], amount: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": np.full(len(group), term, dtype=object),
            "group": group,
            "item": item,
            "amount": amount.astype(float),
        }
    )
