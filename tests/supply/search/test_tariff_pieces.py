"""Tariffs that read the flow: their pieces beside the law, and plans on them beside trying every way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import SupplyProblem
from kanopt.engines.solve import solve
from kanopt.formulas import Variable, parse_formula
from kanopt.formulas.formula import Formula
from kanopt.plans.findings import Status
from kanopt.refs import lane, state
from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier, SupplyUnits
from kanopt.supply.search.model import SupplyProgram
from kanopt.supply.search.tariffs import ShipmentColumns, TariffPieces, lower_tariff
from tests.cases.supply import small

LAWS = {
    "concave": "60 + 1.1 * km^0.9 * t^0.6",
    "convex": "0.02 * km * t^2",
    "minimum charge": "max(35, 0.5 * km * t)",
    "hinge": "0.3 * km * t + 4 * max(0, t - 6)",
    "flat": "12 + 0.1 * km",
    "s-shaped": "30 + 2 * km * t^2 / (20 + t^2)",
}


def law_of(text: str, unit: str = "EUR") -> Formula:
    inputs = [Variable("km", "km", low=0), Variable("t", "t", low=0)]
    return parse_formula(text, inputs, Variable("cost", unit), per="shipment")


def priced(text: str, unit: str = "EUR", **changes) -> SupplyProblem:
    tariff = law_of(text, unit).bind(km=lane.distance, t=state.weight)
    return small(tariff=tariff, planning={"state.weight": 10.0}, **changes)


def pieces_of(problem: SupplyProblem) -> TariffPieces:
    model = SupplyProgram(problem)
    made = lower_tariff(problem, model.flow.cells, model.most_flow)
    assert isinstance(made, TariffPieces), made
    return made


@pytest.mark.slow
@pytest.mark.parametrize("text", LAWS.values(), ids=LAWS)
@settings(deadline=None, max_examples=12)
@given(shares=st.lists(st.floats(1e-6, 1.0), min_size=10, max_size=10))
def test_pieces_lie_below_the_law_by_no_more_than_is_proved(text, shares):
    problem = priced(text, products=[Product("flour", 0.8, shortage_cost=20.0)])
    model, pieces = SupplyProgram(problem), pieces_of(problem)
    quantities = model.most_flow * np.resize(shares, len(model.most_flow))
    flows = np.zeros(problem.network.shape)
    flows[model.flow.cells] = quantities
    law = problem.lane_tariff.amounts(flows)[model.flow.cells]
    for flow, price in enumerate(pieces.prices):
        amount = float(quantities[flow])
        off = law[flow] - price.lowest(amount).value
        assert -1e-7 <= off <= pieces.error + 1e-7


@pytest.mark.parametrize("read", [state.weight, state.quantity], ids=["weight", "quantity"])
@pytest.mark.parametrize("unit", ["EUR/t", "EUR/pallet"])
def test_rates_that_read_the_flow_are_pieces_of_rate_times_flow(unit, read):
    law = parse_formula(
        "3 + 20 / (4 + t)", [Variable("t", "t" if read == state.weight else "pallet")], Variable("cost", unit)
    )
    problem = small(
        tariff=law.bind(t=read),
        planning={"state.weight": 10.0},
        products=[Product("flour", 0.8, shortage_cost=20.0)],
        units=SupplyUnits(quantity="pallet"),
    )
    model, pieces = SupplyProgram(problem), pieces_of(problem)
    flows = np.zeros(problem.network.shape)
    flows[model.flow.cells] = 0.37 * model.most_flow
    paid = float(problem.lane_tariff.amounts(flows).sum())
    below = paid - pieces.money(0.37 * model.most_flow)
    assert -1e-7 <= below <= len(model.most_flow) * pieces.error


def test_convex_prices_take_no_binaries():
    for name in ("convex", "hinge"):
        assert not ShipmentColumns(pieces_of(priced(LAWS[name])), 0).whole.any()
    charge = pieces_of(priced(LAWS["minimum charge"]))
    # nothing, or a shipment of any size: that costs 35 or more
    assert ShipmentColumns(charge, 0).whole.sum() == len(charge.prices)


def two_sites(text: str, demand: tuple[float, ...], fixed: tuple[float, float], seed: int) -> SupplyProblem:
    r = np.random.default_rng(seed)
    ends = [("mill", f"f{i}") for i in range(2)] + [
        (f"f{i}", f"m{j}") for i in range(2) for j in range(len(demand))
    ]
    ways = [Lane(tail, head, distance=float(r.integers(20, 200))) for tail, head in ends]
    return SupplyProblem(
        suppliers=[Supplier("mill", unit_cost=1.0)],
        facilities=[Facility(f"f{i}", fixed_cost=fixed[i]) for i in range(2)],
        markets=[Market(f"m{j}") for j in range(len(demand))],
        products=[Product("flour")],
        periods=[Period("1")],
        lanes=ways,
        tariff=law_of(text).bind(km=lane.distance, t=state.quantity),
        demand=np.array(demand)[:, None, None],
        planning={"state.quantity": 5.0},
    )


@pytest.mark.slow
@settings(deadline=None, max_examples=6)
@given(
    demand=st.lists(st.floats(1.0, 25.0), min_size=1, max_size=4),
    fixed=st.tuples(st.floats(0.0, 400.0), st.floats(0.0, 400.0)),
    seed=st.integers(0, 999),
)
def test_the_optimum_on_a_concave_tariff_is_that_of_trying_every_assignment(demand, fixed, seed):
    # without capacities each market is supplied from one site: the price is concave in how it is shared
    problem = two_sites(LAWS["concave"], tuple(demand), fixed, seed)
    km, wanted = problem.network.distances, np.array(demand)

    def law(distance, amount):
        return 60 + 1.1 * distance**0.9 * amount**0.6 if amount > 0 else 0.0

    truth = np.inf
    for sites in itertools.product(range(2), repeat=len(demand)):
        load = [sum(wanted[j] for j, site in enumerate(sites) if site == i) for i in range(2)]
        price = sum(law(km[i], load[i]) + fixed[i] * (load[i] > 0) for i in range(2)) + wanted.sum()
        price += sum(law(km[2 + site * len(demand) + j], wanted[j]) for j, site in enumerate(sites))
        truth = min(truth, price)
    result = solve(problem, time_limit=20.0)
    assert result.check.ok, str(result.check)
    assert result.bound <= truth + 1e-6
    assert truth - 1e-6 <= result.objective <= 1.005 * truth


def test_a_plan_on_a_convex_tariff_is_shared_between_sites():
    problem = two_sites("0.02 * km * t^2", (20.0,), (0.0, 0.0), 3)
    result = solve(problem, time_limit=20.0)
    km = problem.network.distances
    # the cheapest share s of 20 t by the first site, from its own derivative
    first, second = km[0] + km[2], km[1] + km[3]
    share = second / (first + second)
    truth = 0.02 * (first * (20 * share) ** 2 + second * (20 * (1 - share)) ** 2) + 20.0
    assert result.bound <= truth + 1e-6
    assert result.objective == pytest.approx(truth, rel=5e-3)
    assert result.status in (Status.FEASIBLE, Status.OPTIMAL)


CARDS = {"up to": (0.0, 5.0, 12.0), "with an odd bend": (0.0, 3.3, 7.7)}


@pytest.mark.parametrize("starts", CARDS.values(), ids=CARDS)
@pytest.mark.parametrize("seed", range(3))
def test_a_shipment_at_the_price_of_its_bracket_is_planned_as_trying_every_bracket_tells(starts, seed):
    """So much for a shipment up to each weight: the steep ramps between brackets are pieces like all others."""
    r = np.random.default_rng(seed)
    demand = r.integers(2, 18, 2).astype(float)
    rates = np.cumsum(r.integers(60, 300, (2, 2, 3)), axis=2)  # supplier, market, bracket
    text = "r0 * min(1, 1000 * t)"
    text += "".join(
        f" + (r{i} - r{i - 1}) * min(1, max(0, 1000 * (t - {start})))" for i, start in enumerate(starts) if i
    )
    inputs = [Variable("t", "t", low=0), *(Variable(f"r{i}", "EUR") for i in range(3))]
    law = parse_formula(text, inputs, Variable("cost", "EUR"), per="shipment")
    ways = [
        Lane(f"s{a}", f"m{b}", attributes={f"r{i}": float(rates[a, b, i]) for i in range(3)})
        for a in range(2)
        for b in range(2)
    ]
    room = np.array([demand.sum() * 0.6, demand.sum()])
    problem = SupplyProblem(
        suppliers=[Supplier(f"s{a}", capacity=float(room[a]), unit_cost=float(3 * a)) for a in range(2)],
        markets=[Market("m0"), Market("m1")],
        products=[Product("flour")],
        periods=[Period("1")],
        lanes=ways,
        tariff=law.bind(t=state.quantity, **{f"r{i}": getattr(lane, f"r{i}") for i in range(3)}),
        demand=demand[:, None, None],
        planning={"state.quantity": 24.0},
    )
    # of what the first supplier sends to each market only the ends of brackets, seen from either side, matter
    ends = [np.array([0.0, *starts[1:], *(each - s for s in (0.0, *starts[1:])), each]) for each in demand]
    ends = [np.union1d(np.clip(one, 0.0, each), 0.0) for one, each in zip(ends, demand, strict=True)]
    ends[0] = np.union1d(ends[0], np.clip(room[0] - ends[1], 0.0, demand[0]))
    ends[1] = np.union1d(ends[1], np.clip(room[0] - ends[0], 0.0, demand[1]))

    def price(sent):
        flows = np.array([sent, demand - sent])
        card = sum(
            rates[a, b, np.searchsorted(starts, flows[a, b]) - 1]
            for a in range(2)
            for b in range(2)
            if flows[a, b] > 1e-9
        )
        return card + 3.0 * flows[1].sum()

    truth = min(price(np.array(sent)) for sent in itertools.product(*ends) if sum(sent) <= room[0] + 1e-9)
    result = solve(problem, time_limit=20.0)
    assert result.check.ok, str(result.check)
    assert result.bound is not None
    assert result.bound <= truth + 1e-4
    # a ramp is a thousandth of a tonne wide
    assert truth - 0.02 <= result.objective <= truth + 0.02
