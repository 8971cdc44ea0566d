"""Records and networks: what is refused when a problem is built, and in which words."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems.supply import Facility, Lane, Market, Period, Product, Supplier
from kanopt.tables import with_units
from tests.cases.supply import small


@pytest.mark.parametrize(
    ("table", "record", "message"),
    [
        (
            "suppliers",
            Supplier("mill", capacity=-1.0),
            "suppliers: capacity of 'mill': must be at least 0, not the number -1.0",
        ),
        ("suppliers", Supplier("mill", unit_cost=math.inf), "unit_cost of 'mill': must be a finite number"),
        (
            "facilities",
            Facility("north", storage=math.nan),
            "storage of 'north': must be at least 0, not the number nan",
        ),
        (
            "facilities",
            Facility("north", fixed_cost=-2.0, holding_cost=-3.0),
            "(?s)fixed_cost of 'north': .* -2.0.*holding_cost of 'north': .* -3.0",
        ),
        (
            "facilities",
            Facility("north", status="opne"),
            "status of 'north': unknown word 'opne'; did you mean 'open'",
        ),
        (
            "products",
            Product("flour", weight=0.0),
            "weight of 'flour': must be greater than 0, not the number 0.0",
        ),
        (
            "products",
            Product("flour", shortage_cost=-5.0),
            "shortage_cost of 'flour': must be at least 0, not the number -5.0; it may be left out",
        ),
        (
            "lanes",
            Lane("mill", "north", distance=-1.0),
            "lanes: distance of 'mill/north': .* the number -1.0",
        ),
        ("markets", Market("Lyon", x=1.0), "markets 'Lyon': give both x and y, or neither"),
        (
            "markets",
            Market("Lyon", x=1.0, y=math.inf),
            "y of 'Lyon': must be a finite number, not the number inf",
        ),
        ("periods", Period(" "), "periods: name of ' ': must be a text that is not empty"),
    ],
)
def test_impossible_values_of_records_are_refused(table, record, message):
    with pytest.raises(ProblemError, match=message):
        small(tariff=1.0, **{table: [record]})


def test_mistakes_in_fields_and_between_records_of_all_tables_are_told_at_once():
    with pytest.raises(ProblemError) as caught:
        small(
            tariff=1.0,
            suppliers=[Supplier("mill", capacity=-1.0)],
            products=pd.DataFrame({"name": ["flour"], "weight": [-2.0]}),
            lanes=[Lane("mill", "nort", capacity=-3.0)],
        )
    assert str(caught.value).splitlines() == [
        "suppliers: capacity of 'mill': must be at least 0, not the number -1.0",
        "products: weight of 'flour': must be greater than 0, not the number -2.0",
        "lanes: capacity of 'mill/nort': must be at least 0, not the number -3.0",
        "lanes: head of 'mill → nort': 'nort' is unknown; did you mean 'north'?",
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"markets": []}, "markets: there is none"),
        ({"markets": [Market("Lyon"), Market("Lyon")]}, "'Lyon' appears more than once"),
        ({"markets": [Market("Lyon"), Market("north")]}, "'north' appears among facilities and markets"),
        ({"lanes": [Lane("mill", "nort")]}, "'nort' is unknown; did you mean 'north'"),
        ({"lanes": [Lane("milk", "north")]}, "'milk' is unknown; did you mean 'mill'"),
        ({"lanes": [Lane("Lyon", "north")]}, "'Lyon' is a market, where no lane starts"),
        ({"lanes": [Lane("north", "mill")]}, "'mill' is a supplier, where no lane ends"),
        ({"lanes": [Lane("north", "north")]}, "starts and ends at the same place"),
        ({"lanes": [Lane("mill", "north"), Lane("mill", "north")]}, "'mill/north/' appears more than once"),
        (
            {"suppliers": [Supplier("mill", "floor")]},
            "'floor' is none of the products; did you mean 'flour'",
        ),
        ({"suppliers": [Supplier("mill"), Supplier("mill", "flour")]}, "keep one kind"),
        ({"suppliers": [Supplier("mill"), Supplier("mill")]}, "appears more than once"),
        ({"periods": [Market("1")]}, "entry 1 is a Market"),
    ],
)
def test_a_problem_refuses_records_that_contradict_each_other(changes, message):
    with pytest.raises(ProblemError, match=message):
        small(tariff=1.0, **changes)


def test_frames_become_records_and_their_units_are_converted():
    sites = with_units(
        pd.DataFrame({"name": ["north", "south"], "capacity": [40_000.0, 30_000.0], "region": ["n", "s"]}),
        {"capacity": "kg"},
    )
    lanes = with_units(
        pd.DataFrame({"tail": ["mill", "north"], "head": ["north", "Lyon"], "distance": [10_000.0, 500.0]}),
        {"distance": "m"},
    )
    problem = small(facilities=sites, lanes=lanes, tariff=1.0)
    assert [one.capacity for one in problem.network.facilities] == [40.0, 30.0]
    assert problem.network.facilities[1].attributes == {"region": "s"}
    assert problem.network.distances.tolist() == [10.0, 0.5]


def test_a_cost_in_another_currency_is_refused():
    suppliers = with_units(pd.DataFrame({"name": ["mill"], "unit_cost": [3.0]}), {"unit_cost": "USD/t"})
    with pytest.raises(ProblemError, match="cannot convert 'USD/t'"):
        small(suppliers=suppliers)


def test_distances_follow_from_places_where_not_stated():
    problem = small(
        suppliers=[Supplier("mill", x=0.0, y=0.0)],
        facilities=[Facility("north", x=3.0, y=4.0)],
        markets=[Market("Lyon")],
        lanes=[Lane("mill", "north"), Lane("north", "Lyon", distance=7.0)],
        tariff=1.0,
        demand=1.0,
    )
    assert problem.network.distances.tolist() == [5.0, 7.0]
