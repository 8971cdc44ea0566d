"""Why a site is closed."""

from __future__ import annotations

import numpy as np

from kanopt.plans.findings import Reason
from kanopt.plans.pricing import Pricing
from kanopt.supply.ledger import Ledger
from kanopt.supply.model import SupplyModel
from kanopt.supply.spare_capacity import paths_through
from kanopt.text import money_text


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
