"""The referee of supply plans: which rules flows break and what they cost.

No solver runs through here, and no solver's figure is trusted where this module gives another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices
from kanopt.plans.coverage import RuleWords
from kanopt.plans.findings import Check, Violation
from kanopt.plans.slider_prices import Pricing
from kanopt.supply.network import SupplyNetwork
from kanopt.supply.plan import Ledger, slack
from kanopt.supply.problem import SupplyProblem
from kanopt.text import amount_text, number_text

TRANSPORT = "transport"
"""Term of the tariff."""
RULE_WORDS: Mapping[str, RuleWords] = {
    "negative flow": RuleWords("lane carries less than nothing", "lanes carry less than nothing"),
    "supply": RuleWords("place sends more than is offered there", "places send more than is offered there"),
    "minimum order": RuleWords(
        "supplier sells less than its minimum order", "suppliers sell less than their minimum orders"
    ),
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


def check_flows(problem: SupplyProblem, ledger: Ledger) -> Check:
    """Return every violation: flows, capacities, sites, stocks, markets."""
    rules = (_flows, _capacities, _orders, _sites, _stocks, _markets)
    return Check(tuple(violation for rule in rules for violation in rule(problem, ledger)))


def _cells(
    problem: SupplyProblem, rule: str, kind: str, wrong: NDArray[np.bool_], amounts: Floats, told: str
) -> Iterator[Violation]:
    """Yield each wrong cell, (places, P, T), of lanes, facilities or markets, and what becomes of it.

    In `told` stand the names in braces for what there is at the cell.
    """
    network, unit = problem.network, problem.units.quantity
    names = network.names[kind]
    for place, product, period in np.argwhere(wrong).tolist():
        amount, where = float(amounts[place, product, period]), f"{kind} {names[place]}"
        wanted = float(problem.demand_array[place, product, period]) if kind == "market" else 0.0
        said = told.format(
            amount=amount_text(amount, unit, 6),
            number=number_text(amount, 6),
            wanted=number_text(wanted, 6),
            demand=amount_text(wanted, unit, 6),
            product=network.names["product"][product],
            period=network.names["period"][period],
            tail=network.lanes[place].tail if kind == "lane" else "",
        )
        yield Violation(rule, where, amount, unit, f"{where} {said}")


def _flows(problem: SupplyProblem, ledger: Ledger) -> Iterator[Violation]:
    flows = ledger.flows
    told = "carries a negative amount of {product} in period {period}"
    yield from _cells(problem, "negative flow", "lane", flows < 0, -flows, told)
    not_offered = (flows > 0) & ~problem.network.can_carry[:, :, None]
    told = "carries {amount} of {product} in period {period}, which {tail} does not offer"
    yield from _cells(problem, "supply", "lane", not_offered, flows, told)


_USES = {
    "supply": ("supply", "sells"),
    "lane": ("lane capacity", "carries"),
    "inbound": ("throughput", "receives"),
    "outbound": ("throughput", "sends"),
    "storage": ("storage", "keeps"),
}
"""The rule of each kind of capacity, and what its places do."""


def _capacities(problem: SupplyProblem, ledger: Ledger) -> Iterator[Violation]:
    """Yield where more is used of a capacity than there is."""
    network, units = problem.network, problem.units
    sites = [f"facility {name}" for name in network.names["facility"]]
    names = {"supply": network.offer_names, "lane": [f"lane {name}" for name in network.names["lane"]]}
    for kind, (rule, verb) in _USES.items():
        limits, used = network.limits[kind], ledger.used[kind]
        unit = units.quantity if kind == "supply" else units.weight
        for place, period in np.argwhere(used > (limits + slack(limits))[:, None]).tolist():
            where, amount, most = (
                names.get(kind, sites)[place],
                float(used[place, period]),
                float(limits[place]),
            )
            said = f"{amount_text(amount, unit, 6)} in period {network.names['period'][period]}"
            message = f"{where} {verb} {said}, at most {number_text(most, 6)}"
            yield Violation(rule, where, amount - most, unit, message)


def orders_too_small(ledger: Ledger) -> NDArray[np.bool_]:
    """Return which offers sell something in a period, and less than their minimum order, shape (O, T)."""
    least, sold = ledger.network.minimum_orders[:, None], ledger.used["supply"]
    return (sold > slack(least)) & (sold < least - slack(least))


def _orders(problem: SupplyProblem, ledger: Ledger) -> Iterator[Violation]:
    """Yield what is bought below a minimum order."""
    network, unit = problem.network, problem.units.quantity
    for place, period in np.argwhere(orders_too_small(ledger)).tolist():
        offer, amount = network.suppliers[place], float(ledger.used["supply"][place, period])
        least, where = amount_text(offer.minimum_order, unit, 6), network.offer_names[place]
        said = f"sells {number_text(amount, 6)} in period {network.names['period'][period]}, at least {least} at a time"
        yield Violation("minimum order", where, offer.minimum_order - amount, unit, f"{where} {said}")


def _sites(problem: SupplyProblem, ledger: Ledger) -> Iterator[Violation]:
    """Yield sites that are used while closed, or open or closed against their status."""
    network, unit = problem.network, problem.units.weight
    for site, period in np.argwhere(ledger.in_use & ~ledger.open).tolist():
        amount = float(sum(ledger.used[kind][site, period] for kind in ("inbound", "outbound", "storage")))
        where, shown = f"facility {network.names['facility'][site]}", amount_text(amount, unit, 6)
        message = f"{where} is closed in period {network.names['period'][period]}, but handles {shown}"
        yield Violation("closed site", where, amount, unit, message)
    ever, always = ledger.open.any(axis=1), ledger.open.all(axis=1)
    must, whole = network.has_status("open"), network.of_facilities("period_cost") == 0
    for wrong, why in (
        (network.has_status("closed") & ever, "has the status 'closed', but is open in the plan"),
        (must & ~always, "has the status 'open', but is closed in some period of the plan"),
        (
            ever & ~always & whole & ~must,
            "has no cost per period, so it is open throughout or not at all; the plan opens it in part",
        ),
    ):
        for site in np.flatnonzero(wrong).tolist():
            where = f"facility {network.names['facility'][site]}"
            yield Violation("status", where, 1.0, "", f"{where} {why}")


def _stocks(problem: SupplyProblem, ledger: Ledger) -> Iterator[Violation]:
    told = "has sent {amount} more of {product} than it received by the end of period {period}"
    yield from _cells(problem, "flow balance", "facility", ledger.stock < 0, -ledger.stock, told)


def _markets(problem: SupplyProblem, ledger: Ledger) -> Iterator[Violation]:
    """Yield markets that get more than they want, or less of what must be delivered."""
    excess, short = ledger.delivered - ledger.demand, ledger.shortage
    told = "gets {amount} of {product} in period {period} beyond its demand of {wanted}"
    yield from _cells(problem, "demand", "market", excess > slack(ledger.demand), excess, told)
    must = problem.network.must_deliver[:, :, None]
    told = "lacks {number} of {demand} of {product} in period {period}, which must be delivered"
    yield from _cells(problem, "unserved", "market", (short > 0) & must, short, told)


def price_flows(problem: SupplyProblem, ledger: Ledger, *, frozen: bool) -> Pricing:
    """Return the price of flows as lines.

    Parameters
    ----------
    frozen
        Pay the planning rate of the tariff, as the solver does.
    """
    network, facilities = problem.network, problem.network.names["facility"]
    bought = ledger.flows * network.purchase_cost[:, :, None]
    by_supplier = np.zeros((len(network.names["supplier"]), *network.shape[1:]))
    from_supplier = network.tails < len(network.names["supplier"])
    np.add.at(by_supplier, network.tails[from_supplier], bought[from_supplier])
    moved = problem.lane_tariff.amounts(ledger.flows, frozen=frozen)
    unmet = ledger.shortage * network.paid_shortage[:, :, None]
    handling, holding = (
        network.of_facilities(name)[:, None, None] for name in ("handling_cost", "holding_cost")
    )
    parts = [
        _lines("purchase", by_supplier, network.names["supplier"], network),
        _order_lines(ledger),
        _lines(TRANSPORT, moved, network.names["lane"], network),
        _lines("handling", ledger.received * handling, facilities, network),
        *_site_lines(ledger),
        _lines("holding", ledger.stock * holding, facilities, network),
        _lines("shortage", unmet, network.names["market"], network),
    ]
    filled = [part for part in parts if len(part)]
    return Pricing(pd.concat(filled, ignore_index=True) if filled else parts[0], problem.unit)


def _lines(term: str, amounts: Floats, groups: Sequence[str], network: SupplyNetwork) -> pd.DataFrame:
    """Return one line for each amount that is not zero; `amounts` has the shape (groups, P, T)."""
    lead, product, period = np.nonzero(amounts)
    items = flow_items(network, product, period)
    return _frame(term, np.array(groups, dtype=object)[lead], items, amounts[lead, product, period])


def flow_items(network: SupplyNetwork, product: Indices, period: Indices) -> NDArray[np.object_]:
    """Return what the lines of a price call products in periods."""
    products = np.char.add(np.array(network.names["product"], dtype=str)[product], ", ")
    return np.char.add(products, np.array(network.names["period"], dtype=str)[period]).astype(object)


def _order_lines(ledger: Ledger) -> pd.DataFrame:
    """Return what is paid in each period for buying anything of an offer."""
    network = ledger.network
    offer, period = np.nonzero((ledger.used["supply"] > 0) & (network.order_costs > 0)[:, None])
    names, periods = (
        np.array(each, dtype=object)
        for each in ([one.name for one in network.suppliers], network.names["period"])
    )
    return _frame("purchase", names[offer], periods[period], network.order_costs[offer])


def _site_lines(ledger: Ledger) -> Iterator[pd.DataFrame]:
    """Yield what open sites cost: once, and for each period."""
    network = ledger.network
    names, periods = (
        np.array(each, dtype=object) for each in (network.names["facility"], network.names["period"])
    )
    fixed, per_period = network.of_facilities("fixed_cost"), network.of_facilities("period_cost")
    once = np.flatnonzero(ledger.open.any(axis=1) & (fixed > 0))
    site, period = np.nonzero(ledger.open & (per_period > 0)[:, None])
    yield _frame("sites", names[once], np.full(len(once), "fixed", dtype=object), fixed[once])
    yield _frame("sites", names[site], periods[period], per_period[site])


def _frame(term: str, group: NDArray[np.object_], item: NDArray[np.object_], amount: Floats) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "term": np.full(len(group), term, dtype=object),
            "group": group,
            "item": item,
            "amount": amount.astype(float),
        }
    )
