"""What a network reads and refuses: records, tariffs and demand, and what their units mean."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FormulaError, ProblemError
from kanopt.formulas import Variable, parse_formula
from kanopt.records.reading import Quantity
from kanopt.refs import lane, market, period, state
from kanopt.supply import Facility, Flow, FlowPlan, Lane, Market, Period, Product, Supplier, SupplyUnits
from kanopt.tables import with_units
from tests.cases.supply import small

PLAN = FlowPlan(
    (Flow("mill", "north", "", "flour", "1", 4.0), Flow("north", "Lyon", "", "flour", "1", 4.0)),
    (("north", "1"), ("north", "2")),
)


def law(text: str, unit: str, per: str = "", **inputs: str):
    """Return a formula of numbers with these units."""
    return parse_formula(text, [Variable(k, v) for k, v in inputs.items()], Variable("cost", unit), per=per)


def transport(problem, plan=PLAN, *, frozen=False):
    return float(problem.price(plan, frozen=frozen).terms()["transport"])


def test_a_law_in_money_per_quantity_or_of_fixed_data_alone_is_a_rate():
    for unit in ("EUR/t", "EUR", "", "EUR/kg"):
        rate = law("0.5 + 0.1 * km", unit, km="km").bind(km=lane.distance)
        expected = 4 * (0.5 + 1.0) + 4 * (0.5 + 0.3)
        assert transport(small(tariff=rate)) == pytest.approx(expected * (1000 if unit == "EUR/kg" else 1))


def test_a_law_in_money_per_weight_is_paid_for_the_weight_of_the_product():
    problem = small(
        tariff=law("2 + 0 * km", "EUR/kg", km="km").bind(km=lane.distance),
        suppliers=[Supplier("mill")],
        products=[Product("flour", weight=0.25, shortage_cost=1.0)],
        units=SupplyUnits(quantity="pallet"),
    )
    # 4 pallets of 250 kg on two lanes at 2 EUR/kg
    assert transport(problem) == pytest.approx(2 * 4 * 250 * 2)


def test_a_law_per_shipment_is_paid_once_for_each_lane_used_and_frozen_as_a_rate():
    shipment = law("7 + 0.5 * km + 3 * q", "EUR", km="km", q="kg").bind(km=lane.distance, q=state.weight)
    problem = small(tariff=shipment, planning={"state.weight": 2.0})
    expected = sum(7 + 0.5 * km + 3 * 4000 for km in (10.0, 3.0))
    assert transport(problem) == pytest.approx(expected)
    frozen = sum((7 + 0.5 * km + 3 * 2000) / 2 * 4 for km in (10.0, 3.0))
    assert transport(problem, frozen=True) == pytest.approx(frozen)
    (one,) = problem.frozen_inputs()
    assert (one.law, one.input, one.reference, one.value) == ("tariff", "q", "state.weight", "2 t")


def test_the_planning_shipment_may_be_what_is_usual_on_each_lane():
    shipment = law("7 + 3 * q", "EUR", q="t").bind(q=state.weight)
    lanes = [Lane("mill", "north", attributes={"load": Quantity(2000.0, "kg")})]
    lanes += [Lane("north", "Lyon", attributes={"load": Quantity(500.0, "kg")})]
    problem = small(tariff=shipment, planning={"state.weight": lane.load}, lanes=lanes)
    assert problem.lane_tariff.rates[:, 0, 0].tolist() == [(7 + 6) / 2, (7 + 1.5) / 0.5]
    assert [one.value for one in problem.frozen_inputs()] == ["lane.load"]
    assert transport(problem) == pytest.approx(2 * (7 + 12))


def test_a_rate_may_fall_with_the_flow():
    falling = law("10 / (1 + q)", "EUR/t", q="t").bind(q=state.quantity)
    problem = small(tariff=falling, planning={"state.quantity": 9.0})
    assert transport(problem) == pytest.approx(2 * 4 * 10 / 5)
    assert transport(problem, frozen=True) == pytest.approx(2 * 4 * 1.0)
    assert problem.price(FlowPlan(())).terms().to_dict() == {"shortage": 1200.0}


SHIPMENT = law("7 + 3 * q", "EUR", q="t").bind(q=state.quantity)
ONE = {"state.quantity": 1.0}


def read(reference):
    return {"tariff": law("x", "EUR/t", x="").bind(x=reference), "planning": ONE}


def wanted(**columns):
    return {
        "demand": pd.DataFrame(
            {"market": ["Lyon"] * 2, "period": ["1", "2"], "demand": [1.0, 2.0], **columns}
        )
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tariff": SHIPMENT}, "write planning="),
        ({"tariff": SHIPMENT, "planning": {"state.load": 3.0}}, "unknown value 'state.load'"),
        ({"tariff": SHIPMENT, "planning": {"state.quantity": 0.0}}, "must be a positive number"),
        ({"tariff": SHIPMENT, "planning": {**ONE, "state.weight": 1.0}}, "not both"),
        (read(market.size), "does not know 'market.size'; known: '"),
        (read(state.load), "'state.load'; known: 'state.quantity', 'state.weight'"),
        ({"tariff": -1.0}, "−1 for 'mill → north', product 'flour', period '1'"),
        ({"tariff": np.ones((3, 1, 1))}, r"\(5, 1, 2\)"),
        ({"tariff": "cheap"}, "tariff: is the text 'cheap'"),
        (wanted(market="Lion"), "row 1: unknown market 'Lion'; did you mean 'Lyon'"),
        ({"demand": wanted()["demand"].drop(columns="period")}, "column 'period' is missing"),
        (
            {"demand": wanted()["demand"].rename(columns={"demand": "demnd"})},
            "'demand' .*did you mean 'demnd'",
        ),
        (wanted(demand=[1.0, np.nan]), "column 'demand', row 2: is blank"),
        (wanted(period="1"), "row 2 repeats"),
        (wanted(demand=-3.0), "demand: −3 for 'Lyon'"),
        (wanted(demand_sd=-1.0), "demand_sd: −1 for 'Lyon'"),
    ],
)
def test_what_cannot_be_a_tariff_or_a_demand_is_named(changes, message):
    with pytest.raises((ProblemError, FormulaError), match=message):
        small(**changes)


def test_demand_from_a_law_a_reference_a_number_or_an_array():
    people = [Market("Lyon", attributes={"people": 500.0}), Market("Nice", attributes={"people": 300.0})]
    bound = parse_formula(
        "0.1 * people * season", [Variable("people"), Variable("season")], Variable("demand", "kg")
    ).bind(people=market.people, season=period.season)
    periods = [Period("1", {"season": 1000.0}), Period("2", {"season": 2000.0})]
    problem = small(demand=bound, markets=people, periods=periods)
    assert problem.demand_array[:, 0].tolist() == [[50.0, 100.0], [30.0, 60.0]]
    assert small(demand=market.people, markets=people).demand_array[:, 0, 1].tolist() == [500.0, 300.0]
    assert small(demand=7.0).demand_array.sum() == 28.0
    assert set(problem.laws()) == {"demand"}


def test_demand_from_a_frame_counts_what_is_not_named_as_zero():
    frame = with_units(
        pd.DataFrame({"market": ["Nice", "Lyon"], "period": [2.0, 1.0], "demand": [4000.0, 1000.0]}),
        {"demand": "kg"},
    )
    assert small(demand=frame).demand_array[:, 0].tolist() == [[1.0, 0.0], [0.0, 4.0]]


def test_a_tariff_below_zero_counts_as_zero_and_is_named():
    law = parse_formula("100 - 5 * q", [Variable("q", "t")], Variable("cost", "EUR"))
    given = small(tariff=law.bind(q=state.quantity), planning={"state.quantity": 10.0})
    rows = {"tail": ["mill", "north"], "head": ["north", "Lyon"], "period": "2", "quantity": [30.0, 10.0]}
    plan = given.plan_from(pd.DataFrame(rows))
    lines = given.price(plan).lines
    assert lines[lines["term"] == "transport"]["amount"].tolist() == [50.0]
    (found,) = given.assess(plan).extrapolations
    assert (found.law, found.where, found.inputs) == ("tariff", "lane mill → north", "value below zero")
    assert found.below_zero


USD = with_units(pd.DataFrame({"name": ["mill"], "unit_cost": [3.0]}), {"unit_cost": "USD/t"})


@pytest.mark.parametrize(
    ("table", "records", "message"),
    [
        ("suppliers", [Supplier("mill", capacity=-1.0)], "capacity of 'mill'"),
        ("suppliers", [Supplier("mill", "floor")], "'floor' is none of the products; did you mean 'flour'"),
        ("suppliers", [Supplier("mill"), Supplier("mill", "flour")], "keep one kind"),
        ("suppliers", [Supplier("mill"), Supplier("mill")], "appears more than once"),
        ("suppliers", USD, "cannot convert 'USD/t'"),
        ("facilities", [Facility("north", storage=math.nan)], "storage of 'north'"),
        ("facilities", [Facility("north", status="opne")], "status of 'north': .* did you mean 'open'"),
        ("products", [Product("flour", shortage_cost=-5.0)], "shortage_cost of 'flour': .* may be left out"),
        ("markets", [], "markets: there is none"),
        ("markets", [Market("Lyon"), Market("north")], "'north' appears among facilities and markets"),
        ("markets", [Market("Lyon", x=1.0)], "'Lyon': give both x and y"),
        ("periods", [Market("1")], "entry 1 is a Market"),
        ("lanes", [Lane("mill", "north", distance=-1.0)], "distance of 'mill/north'"),
        (
            "lanes",
            [Lane("mill", "nort")],
            "'nort' is none of the facilities or markets; did you mean 'north'",
        ),
        ("lanes", [Lane("Lyon", "north")], "'Lyon' is none of the suppliers or facilities"),
        ("lanes", [Lane("north", "mill")], "'mill' is none of the facilities or markets"),
        ("lanes", [Lane("north", "north")], "starts and ends at the same place"),
        ("lanes", [Lane("mill", "north"), Lane("mill", "north")], "'mill/north/' appears more than once"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(table, records, message):
    with pytest.raises(ProblemError, match=message):
        small(tariff=1.0, **{table: records})


def test_frames_become_records_and_their_units_are_converted():
    sites = pd.DataFrame({"name": ["north", "south"], "capacity": [40_000.0, 30_000.0], "region": ["n", "s"]})
    lanes = pd.DataFrame(
        {"tail": ["mill", "north"], "head": ["north", "Lyon"], "distance": [10_000.0, 500.0]}
    )
    network = small(
        facilities=with_units(sites, {"capacity": "kg"}),
        lanes=with_units(lanes, {"distance": "m"}),
        tariff=1.0,
    ).network
    assert [one.capacity for one in network.facilities] == [40.0, 30.0]
    assert network.facilities[1].attributes == {"region": "s"}
    assert network.distances.tolist() == [10.0, 0.5]


def test_a_plan_outside_the_domain_of_its_laws_says_where():
    rate = parse_formula("0.1 * km", [Variable("km", "km", low=5, high=50)], Variable("cost", "EUR/t"))
    wants = parse_formula("people", [Variable("people", high=400)], Variable("demand", "t"))
    people = [Market("Lyon", attributes={"people": 500.0}), Market("Nice", attributes={"people": 300.0})]
    bound = {"tariff": rate.bind(km=lane.distance), "demand": wants.bind(people=market.people)}
    tariff, demand = small(**bound, markets=people).assess(PLAN).extrapolations
    assert (tariff.law, tariff.where) == ("tariff", "north → Lyon")
    assert "km 3 km (valid from 5 to 50)" in tariff.inputs
    assert (demand.law, demand.where) == ("demand", "Lyon")
