"""What becomes of flows: stocks and deliveries, checked and priced once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import mode
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.array_types import Floats, Indices
from kanopt.formulas.formula import BoundFormula
from kanopt.plans.base import Assessment
from kanopt.plans.coverage import Coverage, CoverageWords, InUse, LeftOutPrice
from kanopt.plans.findings import (
    BELOW_ZERO,
    Check,
    Extrapolation,
    NetworkView,
    Reason,
    SeriesView,
    View,
    Violation,
)
from kanopt.plans.law_use import LawUse, unit_factor
from kanopt.plans.plan_figures import PlanFigure, Roster, emissions, share_of
from kanopt.plans.slider_prices import Pricing, SliderPrices, priced_by_terms
from kanopt.supply.network import SupplyNetwork
from kanopt.supply.plan import FlowPlan, Ledger, arrays_of
from kanopt.supply.problem import SupplyProblem
from kanopt.supply.reasons import infeasibility_reasons, plan_reasons
from kanopt.supply.simulate import (
    RULE_WORDS,
    TRANSPORT,
    check_flows,
    flow_items,
    orders_too_small,
    price_flows,
)
from kanopt.supply.spare_capacity import with_demand_met
from kanopt.text import amount_text, join_list, money_text, number_text, percent_text

if TYPE_CHECKING:
    from kanopt.supply.network import SupplyNetwork


# How much of the demand a plan meets, and the price of the rest.

_NO_ROOM = "no way with room was found beside what the plan moves"
_WORDS = CoverageWords("supplies", "market", "markets", "in full")


def demand_met(problem: SupplyProblem, ledger: Ledger, why: str) -> Coverage:
    """Add up the demand that is met, and name the markets that are short, the one that lacks most first."""
    network = problem.network
    wanted, shortage = ledger.demand.sum(axis=(1, 2)), ledger.shortage.sum(axis=(1, 2))
    short = [
        network.market_names[market]
        for market in np.argsort(-shortage, kind="stable")
        if shortage[market] > 0
    ]
    return Coverage(
        _WORDS,
        int((wanted > 0).sum()),
        tuple(short),
        served=float(wanted.sum() - shortage.sum()),
        wanted=float(wanted.sum()),
        unit=problem.units.quantity,
        lacking="short",
        why=why,
    )


def price_of_shortage(problem: SupplyProblem, ledger: Ledger) -> LeftOutPrice:
    """Return what is paid for shortages, and what it costs to meet demand that must be met where a way is found.

    What is told can be had: the plan with what was added to it is priced as any other.
    """
    network, money = problem.network, problem.unit
    cost = np.broadcast_to(network.shortage_cost[:, :, None], ledger.shortage.shape)
    paid_for = (ledger.shortage > 0) & np.isfinite(cost)
    must = (ledger.shortage > 0) & np.isinf(cost)
    paid, sentences = float((ledger.shortage[paid_for] * cost[paid_for]).sum()), []
    if paid_for.any():
        sentences.append(f"the price holds {money_text(paid, money)} for the shortage")
    if not must.any():
        return LeftOutPrice(paid, 0.0, "; ".join(sentences))
    proofs = infeasibility_reasons(problem)
    whole = ledger if proofs else with_demand_met(problem, ledger, must)
    if (whole.shortage[must] > 0).any() or orders_too_small(whole).any():
        unknown = f"what supplying the rest would cost is not known: {_NO_ROOM}"
        sentences.append(f"no plan supplies the rest: {proofs[0].message}" if proofs else unknown)
        return LeftOutPrice(paid, None, "; ".join(sentences))
    prices = [price_flows(problem, each, frozen=False).objective for each in (whole, ledger)]
    more, also = prices[0] - prices[1], whole.open.any(axis=1) & ~ledger.open.any(axis=1)
    opened = [network.facility_names[site] for site in np.flatnonzero(also)]
    opening = f", opening {join_list(opened, 5)}" if opened else ""
    sentences.append(f"the rest can be supplied for {money_text(more, money)} more{opening}")
    return LeftOutPrice(paid, more, "; ".join(sentences))


# What becomes of flows: stocks and deliveries, checked and priced once.

# The laws of tariff and demand, as a plan of flows uses them.


def flow_law_uses(problem: SupplyProblem, ledger: Ledger) -> tuple[LawUse, ...]:
    """Return the tariff of what flows, and the demand of what is wanted."""
    return (*_tariff(problem, ledger), *_demand(problem, ledger))


def _tariff(problem: SupplyProblem, ledger: Ledger) -> Iterator[LawUse]:
    law, tariff, network = problem.tariff, problem.lane_tariff, problem.network
    used = ledger.flows > 0
    if not isinstance(law, BoundFormula) or not used.any():
        return
    arguments = {
        name: np.broadcast_to(values, network.shape)[used]
        for name, values in tariff.arguments(ledger.flows).items()
    }
    paid_for = np.ones(network.shape)
    if tariff.basis != "shipment":
        paid_for = ledger.flows * (network.weights.reshape(1, -1, 1) if tariff.basis == "weight" else 1.0)
    rise = unit_factor(law.formula.output.unit, tariff.unit) * paid_for[used]
    where = partial(_places, network, network.lane_names, np.nonzero(used))
    # a law of fixed data that falls below zero is refused, so that only one that reads the flow is cut off
    shared = (law.formula, arguments, rise, rise.shape, ("flow", "flows"))
    times = paid_for[used]
    yield LawUse("tariff", *shared, cut_off=tariff.reads_flow, where=where, term=TRANSPORT, times=times)


def _places(
    network: SupplyNetwork, names: Sequence[str], cells: tuple[Indices, ...]
) -> list[tuple[str, str]]:
    """Return what the lines of a price call some cells, given by place, product and period."""
    place, product, period = cells
    items = flow_items(network, product, period)
    return [(names[lead], item) for lead, item in zip(place, items, strict=True)]


def _demand(problem: SupplyProblem, ledger: Ledger) -> Iterator[LawUse]:
    law, network = problem.demand, problem.network
    if not isinstance(law, BoundFormula):
        return
    shape = problem.demand_array.shape
    found = law.arguments(lambda reference: network.resolve(reference, "market"))
    arguments = {name: np.broadcast_to(values, shape).ravel() for name, values in found.items()}
    # what flows is decided, so that a unit more of demand is a unit more of shortage, where there is any
    paid = np.where(ledger.shortage > 0, network.paid_shortage[:, :, None], 0.0).ravel()
    rise = unit_factor(law.formula.output.unit, network.units.quantity) * paid
    shared = (law.formula, arguments, rise, rise.shape, ("amount wanted", "amounts wanted"))
    cells = tuple(np.indices(shape).reshape(len(shape), -1))
    yield LawUse("demand", *shared, where=partial(_places, network, network.market_names, cells))


def _below_zero(problem: SupplyProblem, ledger: Ledger) -> list[Extrapolation]:
    """Return one entry for each lane on which the tariff of what flows is negative."""
    money = np.where(ledger.flows > 0, problem.lane_tariff.raw(ledger.flows), 0.0)
    names, unit = problem.network.lane_names, problem.unit
    return [
        Extrapolation(
            "tariff",
            f"lane {names[lane]}",
            BELOW_ZERO,
            f"tariff of lane {names[lane]} falls to {money_text(float(money[lane].min()), unit)}; "
            "it counts as zero there",
        )
        for lane in np.flatnonzero((money < 0).any(axis=(1, 2))).tolist()
    ]


# A supply plan as it stands, for pages that price it anew when prices move.


_RATES = {
    "purchase": "prices of suppliers",
    TRANSPORT: "freight rates",
    "handling": "handling costs",
    "sites": "costs of sites",
    "holding": "holding costs",
    "shortage": "costs of shortage",
}


_IN_USE = ("opens", "open"), ("closes", "close")


class SupplyAssessment(Assessment[FlowPlan, Ledger]):
    """What becomes of flows. A frozen flow changes the price alone, so one ledger does for both prices."""

    problem: SupplyProblem
    rule_words = RULE_WORDS
    without_plan = staticmethod(infeasibility_reasons)

    @property
    def in_use(self) -> InUse:
        """The sites that are open in any period."""
        names = self.problem.network.facility_names
        return InUse(
            *_IN_USE, tuple(names[site] for site in np.flatnonzero(self.simulation.open.any(axis=1)))
        )

    @property
    def proposal(self) -> str:
        """Which sites are to be run, and which are not."""
        return sites_to_run(self.problem, self.simulation)

    def figures(self) -> tuple[PlanFigure, ...]:
        """Return service, sites open and how full they are, cost a unit, and CO₂ where a law gives it."""
        found = flow_figures(self.problem, self.simulation, self.pricing)
        return (*found, *emissions(self.law_uses))

    def rosters(self) -> tuple[Roster, ...]:
        """Return use, throughput and cost of each site, and the service of each market."""
        return flow_rosters(self.problem, self.simulation, self.pricing)

    def details(self) -> Mapping[str, pd.DataFrame]:
        """Return the periods in which sites are open."""
        return {"open_sites": self.plan.sites()}

    def slider_prices(self) -> SliderPrices | None:
        """Return the price of the flows wherever a reader moves what they are paid by."""
        stays = "the same sites, the same flows"
        return priced_by_terms(self.pricing.arrays(), _RATES, self.pricing.unit, stays)

    def views(self) -> tuple[View, ...]:
        """Return the network with its flows, deliveries beside demand, and stocks where any are kept."""
        return views_of(self.problem, self.simulation)

    def _simulate(self) -> Ledger:
        network = self.problem.network
        flows, opened = arrays_of(network, self.plan)
        return Ledger(network, self.problem.demand_array, flows, opened)

    def _check(self) -> Check:
        return check_flows(self.problem, self.simulation)

    def _unserved(self, left_out: Sequence[Violation]) -> float:
        """Return the amount: a plan that sends less everywhere may leave out something in fewer places."""
        # so rounded that sums in another order are the same
        return float(f"{sum(each.amount for each in left_out):.6g}")

    def _coverage(self) -> Coverage:
        ledger, why = self.simulation, ""
        if ledger.shortage.any() and not ledger.flows.any():
            why = mode(reason.bottleneck for reason in self.reasons if reason.kind == "unserved")
        return demand_met(self.problem, ledger, why)

    def _left_out_price(self) -> LeftOutPrice:
        return price_of_shortage(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=False)

    def _price_planned(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=True)

    def _reasons(self) -> tuple[Reason, ...]:
        return plan_reasons(self.problem, self.simulation, self.planned_pricing)

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        found = super()._extrapolations()
        if not isinstance(self.problem.tariff, BoundFormula):
            return found
        return (*found, *_below_zero(self.problem, self.simulation))

    def _law_uses(self) -> tuple[LawUse, ...]:
        return flow_law_uses(self.problem, self.simulation)


# What a manager asks of flows: which sites run and how full they are, whom they serve, and what a unit costs.

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
    places = _node_places(network)
    return pd.DataFrame(
        {"name": network.node_names, "x": places[:, 0], "y": places[:, 1], "role": roles, "label": labels}
    )


def _node_places(network: SupplyNetwork) -> Floats:
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
