"""What becomes of flows: stocks and deliveries, checked and priced once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.formulas.formula import BoundFormula
from kanopt.plans.base import Assessment
from kanopt.plans.coverage import Coverage, LeftOutPrice
from kanopt.plans.earth import EarthLine, EarthPlan, EarthPoint
from kanopt.plans.findings import BELOW_ZERO, Check, Extrapolation, Reason, Violation
from kanopt.plans.in_use import InUse, InUseWords
from kanopt.plans.law_use import LawUse, unit_factor
from kanopt.plans.plan_figures import PlanFigure, Roster, emissions
from kanopt.plans.pricing import Pricing
from kanopt.plans.slider_prices import Slider, SliderPrices, moved_prices, priced_by_terms
from kanopt.plans.views import View
from kanopt.supply.coverage import demand_met, price_of_shortage
from kanopt.supply.figures import (
    flow_figures,
    flow_rosters,
    nodes_of,
    sites_to_run,
    used_lanes,
    views_of,
)
from kanopt.supply.ledger import Ledger
from kanopt.supply.model import SupplyModel
from kanopt.supply.plan import FlowPlan, arrays_of
from kanopt.supply.reasons import plan_reasons
from kanopt.supply.simulate import RULE_WORDS, TRANSPORT, check_flows, flow_items, price_flows
from kanopt.text import money_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kanopt.plans.pricing import Pricing
    from kanopt.supply.ledger import Ledger
    from kanopt.supply.network import SupplyNetwork


# The laws of tariff and demand, as a plan of flows uses them.


def flow_law_uses(problem: SupplyModel, ledger: Ledger) -> tuple[LawUse, ...]:
    """Return the tariff of what flows, and the demand of what is wanted."""
    return (*_tariff(problem, ledger), *_demand(problem, ledger))


def _tariff(problem: SupplyModel, ledger: Ledger) -> Iterator[LawUse]:
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
    where = partial(_flow_names, network, used)
    # a law of fixed data that falls below zero is refused, so that only one that reads the flow is cut off
    shared = (law.formula, arguments, rise, rise.shape, ("flow", "flows"))
    times = paid_for[used]
    yield LawUse("tariff", *shared, cut_off=tariff.reads_flow, where=where, term=TRANSPORT, times=times)


def _flow_names(network: SupplyNetwork, used: NDArray[np.bool_]) -> list[tuple[str, str]]:
    lane, product, period = np.nonzero(used)
    items = flow_items(network, product, period)
    return [(network.lane_names[place], item) for place, item in zip(lane, items, strict=True)]


def _market_names(network: SupplyNetwork, shape: tuple[int, ...]) -> list[tuple[str, str]]:
    market, product, period = np.indices(shape).reshape(len(shape), -1)
    items = flow_items(network, product, period)
    return [(network.market_names[place], item) for place, item in zip(market, items, strict=True)]


def _demand(problem: SupplyModel, ledger: Ledger) -> Iterator[LawUse]:
    law, network = problem.demand, problem.network
    if not isinstance(law, BoundFormula):
        return
    shape = problem.demand_array.shape
    found = law.arguments(lambda reference: network.resolve(reference, "market"))
    arguments = {name: np.broadcast_to(values, shape).ravel() for name, values in found.items()}
    # what flows is decided, so that a unit more of demand is a unit more of shortage, where there is any
    cost = np.where(np.isfinite(network.shortage_cost), network.shortage_cost, 0.0)[None, :, None]
    paid = np.where(ledger.shortage > 0, np.broadcast_to(cost, shape), 0.0).ravel()
    rise = unit_factor(law.formula.output.unit, network.units.quantity) * paid
    shared = (law.formula, arguments, rise, rise.shape, ("amount wanted", "amounts wanted"))
    yield LawUse("demand", *shared, where=partial(_market_names, network, shape))


def _below_zero(problem: SupplyModel, ledger: Ledger) -> list[Extrapolation]:
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


def slider_prices_of_flows(problem: SupplyModel, uses: Sequence[LawUse], pricing: Pricing) -> SliderPrices:
    """Return the price of flows wherever sliders are: each term by its prices, freight by the constants of its law."""
    plain = priced_by_terms(pricing, _RATES, "the same sites, the same flows")
    use = next((each for each in uses if each.term == TRANSPORT), None)
    if use is None or not isinstance(problem.tariff, BoundFormula):
        return plain
    tariff = problem.tariff
    constants = {}
    for variable in use.formula.inputs:
        value = tariff.bindings[variable.name]
        if isinstance(value, int | float) and value > 0 and not _reads(problem.demand, variable.name):
            key = f"{variable.name} = {value} {variable.unit}"
            label = variable.name.replace("_", " ")
            constants[variable.name] = Slider(key, label, "price", variable.unit, float(value))

    def freight(factors: Mapping[str, float]) -> dict[str, NDArray[np.float64]]:
        scales = {name: factors[each.key] for name, each in constants.items() if each.key in factors}
        arguments = {
            name: values * scales.get(name, 1.0) if name in scales else values
            for name, values in use.arguments.items()
        }
        return {TRANSPORT: np.array([replace(use, arguments=arguments).amounts.sum()])}

    (paid,), kept, refused = moved_prices(freight, constants.values())
    terms = tuple(replace(paid, slider=TRANSPORT) if each.name == TRANSPORT else each for each in plain.terms)
    return replace(plain, sliders=(*plain.sliders, *kept), terms=terms, refused=refused)


def _reads(demand: object, name: str) -> bool:
    """Say whether the law of demand has a constant of that name, which a file changes together with it."""
    return isinstance(demand, BoundFormula) and name in demand.bindings


# A supply network on the earth: places, and the lanes that carry something, in degrees.


def flows_on_earth(problem: SupplyModel, ledger: Ledger) -> EarthPlan | None:
    """Return places and lanes in degrees; None where any place has no latitude and longitude."""
    if not problem.on_earth:
        return None
    network = problem.network
    degrees = network.positions.degrees
    nodes = nodes_of(problem, ledger)
    points = tuple(
        EarthPoint(float(lat), float(lon), {"name": str(name), "role": str(role), "label": str(label)})
        for (lat, lon), name, role, label in zip(
            degrees, nodes["name"], nodes["role"], nodes["label"], strict=True
        )
    )
    lanes, moved = used_lanes(problem, ledger)
    lines = tuple(
        EarthLine(
            tuple(
                (float(lat), float(lon)) for lat, lon in degrees[[network.tails[lane], network.heads[lane]]]
            ),
            {
                "name": network.lanes[lane].name,
                "role": "lane",
                "tail": network.lanes[lane].tail,
                "head": network.lanes[lane].head,
                "amount": float(amount),
                "unit": problem.units.weight,
            },
        )
        for lane, amount in zip(lanes.tolist(), moved, strict=True)
    )
    return EarthPlan(points, lines)


_IN_USE = InUseWords(("opens", "open"), ("closes", "close"))


class SupplyAssessment(Assessment[FlowPlan, Ledger]):
    """What becomes of flows. A frozen flow changes the price alone, so one ledger does for both prices."""

    problem: SupplyModel
    rule_words = RULE_WORDS

    @property
    def in_use(self) -> InUse:
        """The sites that are open in any period."""
        names = self.problem.network.facility_names
        return InUse(_IN_USE, tuple(names[site] for site in np.flatnonzero(self.simulation.open.any(axis=1))))

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

    def on_earth(self) -> EarthPlan | None:
        """Return places and lanes in degrees."""
        return flows_on_earth(self.problem, self.simulation)

    def slider_prices(self) -> SliderPrices | None:
        """Return the price of the flows wherever a reader moves what they are paid by."""
        return slider_prices_of_flows(self.problem, self.law_uses, self.pricing)

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
        return demand_met(self.problem, self.simulation)

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
