"""What becomes of flows: stocks and deliveries, checked and priced once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from statistics import mode

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
from kanopt.plans.plan_figures import PlanFigure, Roster, shares_of
from kanopt.plans.slider_prices import Pricing
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

_NO_ROOM = "no way with room was found beside what the plan moves"
_WORDS = CoverageWords("supplies", "market", "markets", "in full")
_RATES = {
    "purchase": "prices of suppliers",
    TRANSPORT: "freight rates",
    "handling": "handling costs",
    "sites": "costs of sites",
    "holding": "holding costs",
    "shortage": "costs of shortage",
}
_IN_USE = ("opens", "open"), ("closes", "close")
_NAMES = 8


class SupplyAssessment(Assessment[FlowPlan, Ledger]):
    """What becomes of flows. A frozen flow changes the price alone, so one ledger does for both prices."""

    problem: SupplyProblem
    rule_words = RULE_WORDS
    rates, stays = _RATES, "the same sites, the same flows"
    without_plan = staticmethod(infeasibility_reasons)

    @property
    def _network(self) -> SupplyNetwork:
        return self.problem.network

    def _simulate(self) -> Ledger:
        flows, opened = arrays_of(self._network, self.plan)
        return Ledger(self._network, self.problem.demand_array, flows, opened)

    def _check(self) -> Check:
        return check_flows(self.problem, self.simulation)

    def _price(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=False)

    def _price_planned(self) -> Pricing:
        return price_flows(self.problem, self.simulation, frozen=True)

    def _reasons(self) -> tuple[Reason, ...]:
        return plan_reasons(self.problem, self.simulation, self.planned_pricing)

    # ---- how much of the demand is met, and the price of the rest

    def _unserved(self, left_out: Sequence[Violation]) -> float:
        """Return the amount: a plan that sends less everywhere may leave out something in fewer places."""
        # so rounded that sums in another order are the same
        return float(f"{sum(each.amount for each in left_out):.6g}")

    def _coverage(self) -> Coverage:
        """Add up the demand that is met, and name the markets that are short, the one that lacks most first."""
        ledger, why = self.simulation, ""
        if ledger.shortage.any() and not ledger.flows.any():
            why = mode(reason.bottleneck for reason in self.reasons if reason.kind == "unserved")
        wanted, shortage = ledger.demand.sum(axis=(1, 2)), ledger.shortage.sum(axis=(1, 2))
        ranked = np.argsort(-shortage, kind="stable")
        return Coverage(
            _WORDS,
            int((wanted > 0).sum()),
            tuple(self._network.names["market"][market] for market in ranked if shortage[market] > 0),
            served=float(wanted.sum() - shortage.sum()),
            wanted=float(wanted.sum()),
            unit=self.problem.units.quantity,
            lacking="short",
            why=why,
        )

    def _left_out_price(self) -> LeftOutPrice:
        """Return what is paid for shortages, and what it costs to meet demand that must be met where a way is found.

        What is told can be had: the plan with what was added to it is priced as any other.
        """
        problem, ledger, money = self.problem, self.simulation, self.problem.unit
        cost = np.broadcast_to(self._network.shortage_cost[:, :, None], ledger.shortage.shape)
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
        more = price_flows(problem, whole, frozen=False).objective - self.pricing.objective
        also = np.flatnonzero(whole.open.any(axis=1) & ~ledger.open.any(axis=1))
        opened = [self._network.names["facility"][site] for site in also]
        opening = f", opening {join_list(opened, 5)}" if opened else ""
        sentences.append(f"the rest can be supplied for {money_text(more, money)} more{opening}")
        return LeftOutPrice(paid, more, "; ".join(sentences))

    # ---- the laws of tariff and demand, as the plan uses them

    def _law_uses(self) -> tuple[LawUse, ...]:
        return (*self._tariff(), *self._demand())

    def _tariff(self) -> Iterator[LawUse]:
        law, tariff, network = self.problem.tariff, self.problem.lane_tariff, self._network
        flows, used = self.simulation.flows, self.simulation.flows > 0
        if not isinstance(law, BoundFormula) or not used.any():
            return
        found = tariff.arguments(flows)
        arguments = {name: np.broadcast_to(values, network.shape)[used] for name, values in found.items()}
        paid_for = np.ones(network.shape)
        if tariff.basis != "shipment":
            paid_for = flows * (network.weights.reshape(1, -1, 1) if tariff.basis == "weight" else 1.0)
        times = paid_for[used]
        rise = unit_factor(law.formula.output.unit, tariff.unit) * times
        where = partial(self._places, network.names["lane"], np.nonzero(used))
        # a law of fixed data that falls below zero is refused, so that only one that reads the flow is cut off
        shared = (law.formula, arguments, rise, rise.shape, ("flow", "flows"))
        yield LawUse("tariff", *shared, cut_off=tariff.reads_flow, where=where, term=TRANSPORT, times=times)

    def _demand(self) -> Iterator[LawUse]:
        law, network, shortage = self.problem.demand, self._network, self.simulation.shortage
        if not isinstance(law, BoundFormula):
            return
        found = law.arguments(lambda reference: network.resolve(reference, "market"))
        arguments = {name: np.broadcast_to(values, shortage.shape).ravel() for name, values in found.items()}
        # what flows is decided, so that a unit more of demand is a unit more of shortage, where there is any
        paid = np.where(shortage > 0, network.paid_shortage[:, :, None], 0.0).ravel()
        rise = unit_factor(law.formula.output.unit, network.units.quantity) * paid
        shared = (law.formula, arguments, rise, rise.shape, ("amount wanted", "amounts wanted"))
        cells = tuple(np.indices(shortage.shape).reshape(3, -1))
        yield LawUse("demand", *shared, where=partial(self._places, network.names["market"], cells))

    def _places(self, names: Sequence[str], cells: tuple[Indices, ...]) -> list[tuple[str, str]]:
        """Return what the lines of a price call some cells, given by place, product and period."""
        place, product, period = cells
        items = flow_items(self._network, product, period)
        return [(names[lead], item) for lead, item in zip(place, items, strict=True)]

    def _extrapolations(self) -> tuple[Extrapolation, ...]:
        found = super()._extrapolations()
        if not isinstance(self.problem.tariff, BoundFormula):
            return found
        return (*found, *self._below_zero())

    def _below_zero(self) -> Iterator[Extrapolation]:
        """Yield one entry for each lane on which the tariff of what flows is negative."""
        flows = self.simulation.flows
        money = np.where(flows > 0, self.problem.lane_tariff.raw(flows), 0.0)
        for lane in np.flatnonzero((money < 0).any(axis=(1, 2))).tolist():
            where = f"lane {self._network.names['lane'][lane]}"
            least = money_text(float(money[lane].min()), self.problem.unit)
            told = f"tariff of {where} falls to {least}; it counts as zero there"
            yield Extrapolation("tariff", where, BELOW_ZERO, told)

    # ---- what a manager asks: which sites run and how full they are, whom they serve, and what a unit costs

    @property
    def in_use(self) -> InUse:
        """The sites that are open in any period."""
        runs = np.flatnonzero(self.simulation.open.any(axis=1))
        return InUse(*_IN_USE, tuple(self._network.names["facility"][site] for site in runs))

    @property
    def proposal(self) -> str:
        """Which sites are to be run, which are open for nothing, and which others there are."""
        names, runs = self._network.names["facility"], self.simulation.open.any(axis=1)
        if not names:
            return "Send straight to the markets"
        used = runs & self.simulation.in_use.any(axis=1)
        run, unused, idle = (
            [names[site] for site in np.flatnonzero(which)] for which in (used, runs & ~used, ~runs)
        )
        head = f"Run {join_list(run, _NAMES)}" if run else "Run no site"
        if unused:
            head += f"; nothing passes through {join_list(unused, _NAMES)}"
        return f"{head}; leave {join_list(idle, _NAMES)} closed" if idle and run else head

    def _figures(self) -> Iterator[PlanFigure]:
        """Yield service, sites open and how full they are, and cost a unit."""
        ledger, opened = self.simulation, self.simulation.open.any(axis=1)
        delivered, wanted, short = (
            math.fsum(each.ravel().tolist()) for each in (ledger.delivered, ledger.demand, ledger.shortage)
        )
        if wanted > 0:
            met = 1.0 - short / wanted
            how, bad = "demand that is met as a share of all demand", bool(ledger.shortage.any())
            yield PlanFigure("service", "Service", met, _service(met), how, "", "more", "%", bad=bad)
        if sites := len(self._network.facilities):
            how, runs = "sites that are open in any period, of those there are", int(opened.sum())
            yield PlanFigure("sites", "Sites open", runs, f"{runs:,} of {sites:,}", how)
        uses = self._use[opened]
        uses = uses[np.isfinite(uses)]
        if uses.size:
            mean, what = float(uses.mean()), "what passes through a site as a share of what may"
            how = f"{what} in the periods in which it is open, the mean of sites"
            yield PlanFigure("use", "Use of sites", mean, percent_text(mean), how, "", "more", "%")
        if delivered > 0:
            each, per = self.pricing.objective / delivered, self.problem.units.per_quantity
            how = "what the plan costs, by what is delivered"
            yield PlanFigure("unit_cost", "Cost per unit", each, money_text(each, per), how, "", "less", per)
        stock = ledger.used["storage"].sum(axis=0)
        if stock.any():
            most, weight = float(stock.max()), self.problem.units.weight
            how = "the most that is kept at the end of a period, all sites together"
            yield PlanFigure("stock", "Largest stock", most, amount_text(most, weight), how, unit=weight)

    @property
    def _use(self) -> Floats:
        """How much of its throughput each site uses in the periods in which it is open; NaN without a limit."""
        ledger, periods = self.simulation, self.simulation.open.sum(axis=1)
        room = np.where(periods > 0, self._network.of_facilities("capacity"), 0.0) * periods
        return shares_of(ledger.used["inbound"].sum(axis=1), room)

    def rosters(self) -> tuple[Roster, ...]:
        """Return use, throughput and cost of each site, and the service of each market."""
        return tuple(table for table in (self._sites(), self._markets()) if len(table.frame))

    def _sites(self) -> Roster:
        network, used, weight = self._network, self.simulation.used, self.problem.units.weight
        by_group = self.pricing.lines.groupby("group")["amount"].sum()
        cost = by_group.reindex(network.names["facility"], fill_value=0.0).to_numpy()
        through, fullest = used["inbound"].sum(axis=1), used["inbound"].max(axis=1, initial=0.0)
        money = self.problem.unit
        money_columns = (f"its cost ({money})", f"its cost per unit ({money}/{weight})")
        shares = ("use", "use in its fullest period")
        frame = pd.DataFrame(
            {
                "site": network.names["facility"],
                "periods open": self.simulation.open.sum(axis=1),
                f"passes on ({weight})": through,
                shares[0]: self._use,
                shares[1]: shares_of(fullest, network.of_facilities("capacity")),
                money_columns[0]: cost,
                money_columns[1]: shares_of(cost, through),
            }
        )
        kept = used["storage"][:, -1]
        if kept.any():
            frame[f"left over ({weight})"] = kept
        caption = "Sites: how full they are and what they cost"
        return Roster("site", caption, frame, shares=shares, money=money_columns)

    def _markets(self) -> Roster:
        ledger, unit = self.simulation, self.problem.units.quantity
        wanted, short = ledger.demand.sum(axis=(1, 2)), ledger.shortage.sum(axis=(1, 2))
        frame = pd.DataFrame(
            {
                "market": self._network.names["market"],
                f"wants ({unit})": wanted,
                f"gets ({unit})": ledger.delivered.sum(axis=(1, 2)),
                f"short ({unit})": short,
                "service": shares_of(wanted - short, wanted),
            }
        )
        if not short.any():
            frame = frame.drop(columns=f"short ({unit})")
        return Roster("market", "Markets: what they want and get", frame, shares=("service",))

    def details(self) -> Mapping[str, pd.DataFrame]:
        """Return the periods in which sites are open."""
        return {"open_sites": self.plan.sites()}

    # ---- pictures

    def views(self) -> tuple[View, ...]:
        """Return the network with its flows, deliveries beside demand, and stocks where any are kept."""
        network, ledger, unit = self._network, self.simulation, self.problem.units.weight
        periods, both = pd.Index(network.names["period"], name="period"), ("demand", "delivered")
        moved = {name: np.einsum("mpt,p->t", getattr(ledger, name), network.weights) for name in both}
        totals = pd.DataFrame(moved, index=periods)
        views: tuple[View, ...] = (
            NetworkView("Flows over all periods", self._nodes(), self._edges()),
            SeriesView("Demand and deliveries", totals, "period", unit),
        )
        stock = np.einsum("fpt,p->tf", ledger.stock, network.weights)
        if stock.any():
            kept = pd.DataFrame(stock, index=periods, columns=network.names["facility"])
            kept = kept.loc[:, kept.any()]
            views += (SeriesView("Stock at the end of each period", kept, "period", unit, step=True),)
        return views

    def _nodes(self) -> pd.DataFrame:
        """Return the places of the network, with what becomes of them."""
        network, ledger, unit = self._network, self.simulation, self.problem.units.weight
        sent = np.zeros((len(network.node_names), *network.shape[1:]))
        np.add.at(sent, network.tails, ledger.flows)
        sold, got, want = (
            np.einsum("npt,p->n", each, network.weights) for each in (sent, ledger.delivered, ledger.demand)
        )
        opened, received = ledger.open.sum(axis=1), ledger.used["inbound"].sum(axis=1)
        told = [f"sells {amount_text(sold[place], unit)}" for place in range(len(network.names["supplier"]))]
        told += [
            f"open in {count} of {len(network.periods)} periods, passes on {amount_text(amount, unit)}"
            if count
            else "closed"
            for count, amount in zip(opened, received, strict=True)
        ]
        told += [
            f"gets {number_text(one)} of {amount_text(all_, unit)}"
            for one, all_ in zip(got, want, strict=True)
        ]
        roles = ["supplier"] * len(network.names["supplier"])
        roles += ["open" if count else "closed" for count in opened]
        roles += ["market"] * len(network.markets)
        x, y = _node_places(network).T
        labels = [f"{name}: {what}" for name, what in zip(network.node_names, told, strict=True)]
        return pd.DataFrame({"name": network.node_names, "x": x, "y": y, "role": roles, "label": labels})

    def _edges(self) -> pd.DataFrame:
        """Return the lanes that carry something, and the weight that each carries over all periods."""
        moved, unit = self.simulation.used["lane"].sum(axis=1).tolist(), self.problem.units.weight
        rows = [
            (lane.tail, lane.head, amount, f"{lane.name}: {amount_text(amount, unit)}")
            for lane, amount in zip(self._network.lanes, moved, strict=True)
            if amount > 0
        ]
        return pd.DataFrame(rows, columns=["tail", "head", "amount", "label"])


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


def _node_places(network: SupplyNetwork) -> Floats:
    """Return the places of the nodes; three columns of nodes where any is unknown."""
    if np.isfinite(network.positions.on_map).all():
        return network.positions.on_map
    columns = []
    for x, names in enumerate(
        (network.names["supplier"], network.names["facility"], network.names["market"])
    ):
        count = len(names)
        heights = (count - 1) / 2 - np.arange(count, dtype=float)
        columns.append(np.column_stack([np.full(count, float(x)), heights / max(count, 1)]))
    return np.concatenate(columns)
