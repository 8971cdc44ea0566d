"""Records and networks: what is refused when a problem is built."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.problems.supply import Facility, Lane, Market, Period, Product, Supplier
from kanopt.tables import with_units
from tests.cases.supply import small

USD = with_units(pd.DataFrame({"name": ["mill"], "unit_cost": [3.0]}), {"unit_cost": "USD/t"})


@pytest.mark.parametrize(
    ("table", "records", "message"),
    [
        ("suppliers", [Supplier("mill", capacity=-1.0)], "capacity of 'mill'"),
        ("suppliers", [Supplier("mill", unit_cost=math.inf)], "unit_cost of 'mill'"),
        ("suppliers", [Supplier("mill", "floor")], "'floor' is none of the products; did you mean 'flour'"),
        ("suppliers", [Supplier("mill"), Supplier("mill", "flour")], "keep one kind"),
        ("suppliers", [Supplier("mill"), Supplier("mill")], "appears more than once"),
        ("suppliers", USD, "cannot convert 'USD/t'"),
        ("facilities", [Facility("north", storage=math.nan)], "storage of 'north'"),
        ("facilities", [Facility("north", fixed_cost=-2.0)], "fixed_cost of 'north'"),
        ("facilities", [Facility("north", status="opne")], "status of 'north': .* did you mean 'open'"),
        ("products", [Product("flour", weight=0.0)], "weight of 'flour'"),
        ("products", [Product("flour", shortage_cost=-5.0)], "shortage_cost of 'flour': .* may be left out"),
        ("markets", [], "markets: there is none"),
        ("markets", [Market("Lyon"), Market("Lyon")], "'Lyon' appears more than once"),
        ("markets", [Market("Lyon"), Market("north")], "'north' appears among facilities and markets"),
        ("markets", [Market("Lyon", x=1.0)], "'Lyon': give both x and y"),
        ("markets", [Market("Lyon", x=1.0, y=math.inf)], "y of 'Lyon'"),
        ("periods", [Period(" ")], "name of ' '"),
        ("periods", [Market("1")], "entry 1 is a Market"),
        ("lanes", [Lane("mill", "north", distance=-1.0)], "distance of 'mill/north'"),
        ("lanes", [Lane("mill", "nort")], "'nort' is unknown; did you mean 'north'"),
        ("lanes", [Lane("milk", "north")], "'milk' is unknown; did you mean 'mill'"),
        ("lanes", [Lane("Lyon", "north")], "'Lyon' is a market, where no lane starts"),
        ("lanes", [Lane("north", "mill")], "'mill' is a supplier, where no lane ends"),
        ("lanes", [Lane("north", "north")], "starts and ends at the same place"),
        ("lanes", [Lane("mill", "north"), Lane("mill", "north")], "'mill/north/' appears more than once"),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(table, records, message):
    with pytest.raises(ProblemError, match=message):
        small(tariff=1.0, **{table: records})


def test_mistakes_in_fields_and_between_records_of_all_tables_are_told_at_once():
    with pytest.raises(ProblemError) as caught:
        small(
            tariff=1.0,
            suppliers=[Supplier("mill", capacity=-1.0)],
            products=pd.DataFrame({"name": ["flour"], "weight": [-2.0]}),
            lanes=[Lane("mill", "nort", capacity=-3.0)],
        )
    told = [line.partition(" of ")[0] for line in str(caught.value).splitlines()]
    assert told == ["suppliers: capacity", "products: weight", "lanes: capacity", "lanes: head"]


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
