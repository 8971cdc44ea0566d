"""What a manager asks of flows: which sites run and how full they are, whom they serve, and what a unit costs."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from kanopt.array_types import Floats
from kanopt.plans.findings import NetworkView, SeriesView, View
from kanopt.plans.plan_figures import PlanFigure, Roster, share_of
from kanopt.plans.slider_prices import Pricing
from kanopt.supply.network import SupplyNetwork
from kanopt.supply.plan import Ledger
from kanopt.supply.problem import SupplyProblem
from kanopt.text import amount_text, join_list, money_text, number_text, percent_text

_NAMES = 8


def sites_to_run(problem: SupplyProblem, ledger: Ledger) -> str:
    """Say which sites are to be run, which are open for nothing, and which others there are."""
    names, runs = problem.network.facility_names, ledger.open.any(axis=1)
    if not names:
        return "Send straight to the markets"
    used = runs & ledger.in_use.any(axis=1)
    run, unused, idle = (
        [names[site] for site in np.flatnonzero(which)] for which in (used, runs & ~used, ~runs)
    )
    head = f"Run {join_list(run, _NAMES)}" if run else "Run no site"
    if unused:
        head += f"; nothing passes through {join_list(unused, _NAMES)}"
    return f"{head}; leave {join_list(idle, _NAMES)} closed" if idle and run else head


def flow_figures(problem: SupplyProblem, ledger: Ledger, pricing: Pricing) -> tuple[PlanFigure, ...]:
    """Return the figures of flows.

    Parameters
    ----------
    problem
        The problem.
    ledger
        What follows from the flows.
    pricing
        Their price.
    """
    unit, delivered = problem.units.quantity, math.fsum(ledger.delivered.ravel().tolist())
    wanted = math.fsum(ledger.demand.ravel().tolist())
    found = []
    if wanted > 0:
        met = 1.0 - math.fsum(ledger.shortage.ravel().tolist()) / wanted
        how = "demand that is met as a share of all demand"
        bad = bool(ledger.shortage.any())
        found.append(PlanFigure("service", "Service", met, _service(met), how, "", "more", "%", bad=bad))
    sites, runs = len(problem.network.facilities), int(ledger.open.any(axis=1).sum())
    if sites:
        how = "sites that are open in any period, of those there are"
        found.append(PlanFigure("sites", "Sites open", runs, f"{runs:,} of {sites:,}", how))
    uses = _use(ledger)[ledger.open.any(axis=1)]
    uses = uses[np.isfinite(uses)]
    if uses.size:
        mean = float(uses.mean())
        how = "what passes through a site as a share of what may in the periods in which it is open, the mean of sites"
        found.append(PlanFigure("use", "Use of sites", mean, percent_text(mean), how, "", "more", "%"))
    if delivered > 0:
        each, per = pricing.objective / delivered, f"{problem.unit}/{unit}"
        how = "what the plan costs, by what is delivered"
        found.append(
            PlanFigure("unit_cost", "Cost per unit", each, money_text(each, per), how, "", "less", per)
        )
    stock = ledger.used["storage"].sum(axis=0)
    if stock.any():
        most, weight = float(stock.max()), problem.units.weight
        how = "the most that is kept at the end of a period, all sites together"
        found.append(
            PlanFigure("stock", "Largest stock", most, amount_text(most, weight), how, "", "", weight)
        )
    return tuple(found)


def flow_rosters(problem: SupplyProblem, ledger: Ledger, pricing: Pricing) -> tuple[Roster, ...]:
    """Return a table of sites and one of markets."""
    tables = (_sites(problem, ledger, pricing), _markets(problem, ledger))
    return tuple(table for table in tables if len(table.frame))


def _service(share: float) -> str:
    """Write a level of service, which is never called whole where something is missing.

    Examples
    --------
    >>> _service(1.0), _service(0.99997), _service(0.953)
    ('100 %', '99.99 %', '95.3 %')
    """
    if share >= 1.0:
        return "100 %"
    points = 100.0 * share
    digits = 1 if points < 99.9 else 2
    return f"{math.floor(points * 10**digits) / 10**digits:.{digits}f} %"


def _shares(parts: Floats, wholes: Floats) -> Floats:
    """Return what part of each whole is used; NaN where it has no limit."""
    return np.array(
        [share_of(part, whole) for part, whole in zip(parts.tolist(), wholes.tolist(), strict=True)]
    )


def _use(ledger: Ledger) -> Floats:
    """Return how much of its throughput each site uses in the periods in which it is open; NaN without a limit."""
    periods = ledger.open.sum(axis=1)
    room = np.where(periods > 0, ledger.network.of_facilities("capacity"), 0.0) * periods
    return _shares(ledger.used["inbound"].sum(axis=1), room)


def _sites(problem: SupplyProblem, ledger: Ledger, pricing: Pricing) -> Roster:
    network, weight, money = problem.network, problem.units.weight, problem.unit
    by_group = pricing.lines.groupby("group")["amount"].sum()
    cost = by_group.reindex(network.facility_names, fill_value=0.0).to_numpy()
    through, fullest = ledger.used["inbound"].sum(axis=1), ledger.used["inbound"].max(axis=1, initial=0.0)
    each = np.divide(cost, through, out=np.full(len(cost), math.nan), where=through > 0)
    money_columns = (f"its cost ({money})", f"its cost per unit ({money}/{weight})")
    shares = ("use", "use in its fullest period")
    frame = pd.DataFrame(
        {
            "site": network.facility_names,
            "periods open": ledger.open.sum(axis=1),
            f"passes on ({weight})": through,
            shares[0]: _use(ledger),
            shares[1]: _shares(fullest, network.of_facilities("capacity")),
            money_columns[0]: cost,
            money_columns[1]: each,
        }
    )
    kept = ledger.used["storage"][:, -1]
    if kept.any():
        frame[f"left over ({weight})"] = kept
    caption = "Sites: how full they are and what they cost"
    return Roster("site", caption, frame, shares=shares, money=money_columns)


def _markets(problem: SupplyProblem, ledger: Ledger) -> Roster:
    unit = problem.units.quantity
    wanted, short = ledger.demand.sum(axis=(1, 2)), ledger.shortage.sum(axis=(1, 2))
    frame = pd.DataFrame(
        {
            "market": problem.network.market_names,
            f"wants ({unit})": wanted,
            f"gets ({unit})": ledger.delivered.sum(axis=(1, 2)),
            f"short ({unit})": short,
            "service": _shares(wanted - short, wanted),
        }
    )
    if not short.any():
        frame = frame.drop(columns=f"short ({unit})")
    return Roster("market", "Markets: what they want and get", frame, shares=("service",))


def views_of(problem: SupplyProblem, ledger: Ledger) -> tuple[View, ...]:
    """Return the network, deliveries beside demand, and stocks where any are kept."""
    network, unit = problem.network, problem.units.weight
    weights = network.weights
    periods = pd.Index(network.period_names, name="period")
    totals = pd.DataFrame(
        {
            "demand": np.einsum("mpt,p->t", ledger.demand, weights),
            "delivered": np.einsum("mpt,p->t", ledger.delivered, weights),
        },
        index=periods,
    )
    views: tuple[View, ...] = (
        NetworkView("Flows over all periods", nodes_of(problem, ledger), _edges(problem, ledger)),
        SeriesView("Demand and deliveries", totals, "period", unit),
    )
    stock = np.einsum("fpt,p->tf", ledger.stock, weights)
    if stock.any():
        kept = pd.DataFrame(stock, index=periods, columns=network.facility_names)
        views += (
            SeriesView("Stock at the end of each period", kept.loc[:, kept.any()], "period", unit, step=True),
        )
    return views


def nodes_of(problem: SupplyProblem, ledger: Ledger) -> pd.DataFrame:
    """Return the places of the network, with what becomes of them."""
    network, unit = problem.network, problem.units.weight
    weights = network.weights
    sent = np.zeros((len(network.node_names), *network.shape[1:]))
    np.add.at(sent, network.tails, ledger.flows)
    sold = np.einsum("npt,p->n", sent, weights)[: len(network.supplier_names)]
    received = ledger.used["inbound"].sum(axis=1)
    delivered, wanted = (np.einsum("mpt,p->m", x, weights) for x in (ledger.delivered, ledger.demand))
    opened = ledger.open.sum(axis=1)
    labels = [
        f"{name}: sells {amount_text(amount, unit)}"
        for name, amount in zip(network.supplier_names, sold, strict=True)
    ]
    labels += [
        f"{name}: open in {count} of {len(network.periods)} periods, passes on {amount_text(amount, unit)}"
        if count
        else f"{name}: closed"
        for name, count, amount in zip(network.facility_names, opened, received, strict=True)
    ]
    labels += [
        f"{name}: gets {number_text(got)} of {amount_text(want, unit)}"
        for name, got, want in zip(network.market_names, delivered, wanted, strict=True)
    ]
    roles = ["supplier"] * len(network.supplier_names)
    roles += ["open" if count else "closed" for count in opened]
    roles += ["market"] * len(network.markets)
    places = _places(network)
    return pd.DataFrame(
        {"name": network.node_names, "x": places[:, 0], "y": places[:, 1], "role": roles, "label": labels}
    )


def _places(network: SupplyNetwork) -> Floats:
    """Return the places of the nodes; three columns of nodes where any is unknown."""
    if np.isfinite(network.coordinates).all():
        return network.coordinates
    columns = []
    for x, names in enumerate((network.supplier_names, network.facility_names, network.market_names)):
        count = len(names)
        heights = (count - 1) / 2 - np.arange(count, dtype=float)
        columns.append(np.column_stack([np.full(count, float(x)), heights / max(count, 1)]))
    return np.concatenate(columns)


def _edges(problem: SupplyProblem, ledger: Ledger) -> pd.DataFrame:
    """Return the lanes that carry something, and the weight that each carries over all periods."""
    moved, unit = ledger.used["lane"].sum(axis=1), problem.units.weight
    used = [
        (lane, amount)
        for lane, amount in zip(problem.network.lanes, moved.tolist(), strict=True)
        if amount > 0
    ]
    rows = [
        (lane.tail, lane.head, amount, f"{lane.name}: {amount_text(amount, unit)}") for lane, amount in used
    ]
    return pd.DataFrame(rows, columns=["tail", "head", "amount", "label"])
