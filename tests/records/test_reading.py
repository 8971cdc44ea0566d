from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.faults import Fault
from kanopt.records.declaration import UnitSystem, field, record
from kanopt.records.reading import RecordCheck, RecordReader
from kanopt.records.record import Attribute, Quantity, field_values
from kanopt.tables import with_units
from kanopt.validation import Limit, OpenLimit


@record("stops")
class Stop:
    """A stop."""

    name: str = field()
    demand: float = field()
    count: int = field(default=1)
    open: bool = field(default=True)
    prize: float | None = field(default=None)
    gate: str = field(default="")
    latest: OpenLimit = field(default=math.inf)
    room: Limit = field(default=math.inf)
    wage: float = field(default=0.0, unit="money/time", price="time")
    zones: tuple[str, ...] = field(default=())
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False)


STOPS = UnitSystem().table(Stop)


def records(data, table=STOPS):
    reader = RecordReader()
    read = reader.read(data, table)
    reader.finish()
    return read


def table(**columns: object) -> pd.DataFrame:
    return pd.DataFrame({"name": ["a", "b"], "demand": [1.0, 2.0], **columns})


def test_fields_are_read_and_cells_that_may_be_blank_take_the_default():
    frame = table(
        count=[2.0, 1.0], open=["no", "yes"], prize=[np.nan, 5], gate=[None, "n"], latest=[np.nan, 9.0]
    )
    assert records(frame) == (
        Stop("a", 1.0, count=2, open=False),
        Stop("b", 2.0, prize=5.0, gate="n", latest=9.0),
    )


def test_numbers_that_are_blank_beside_others_are_refused_with_their_rows():
    frame = pd.DataFrame(
        {"name": list("abc"), "demand": [1.0, 2.0, 3.0], "count": [2.0, np.nan, np.nan], "open": ["no", None, "yes"],
         "room": [np.nan, 1.0, 2.0]}
    )  # fmt: skip
    with pytest.raises(ProblemError) as caught:
        records(frame)
    assert str(caught.value).splitlines() == [
        "stops: column 'count', rows 2, 3: is blank; write a number (without the column it is 1)",
        "stops: column 'open', row 2: is blank; write true or false (without the column it is true)",
        "stops: column 'room', row 1: is blank; write a number (without the column nothing is limited)",
    ]


def test_other_columns_become_attributes_with_their_units():
    frame = with_units(table(zone=["n", None], price=[1.5, 2.0], level=[1, 2]), {"price": "EUR/l"})
    first, second = records(frame)
    assert first.attributes == {"zone": "n", "price": Quantity(1.5, "EUR/l"), "level": 1.0}
    assert "zone" not in second.attributes


def test_columns_are_converted_and_lists_are_lists():
    frame = with_units(pd.DataFrame({"name": ["a"], "demand": [250], "zones": ["n, s"]}), {"demand": "kg"})
    [stop] = records(frame, replace(STOPS, units={"demand": "t"}))
    assert (stop.demand, stop.zones) == (0.25, ("n", "s"))
    [by_hand] = records([Stop("a", 1.0, zones=["n", "s"])])
    assert by_hand.zones == ("n", "s")


def test_a_blank_column_of_prices_that_declares_a_unit_is_refused():
    frame = with_units(table(wage=[np.nan, np.nan]), {"wage": "EUR/h"})
    with pytest.raises(ProblemError, match=r"column 'wage', rows 1, 2: is blank; write a number"):
        records(frame)


def test_every_mistake_is_named_at_once():
    frame = pd.DataFrame(
        {"name": ["a", " ", None], "demnd": [1, 2, 3], "count": [1, 2.5, "many"], "open": ["maybe", 1, 0]}
    )
    with pytest.raises(ProblemError) as caught:
        records(frame)
    lines = str(caught.value).split("\n")
    assert "stops: column 'name', rows 2, 3: is blank, but a value is required" in lines
    assert "stops: column 'demand' is missing; did you mean 'demnd'?" in lines
    assert (
        "stops: column 'count', rows 2, 3: must be a whole number, not the number 2.5, the text 'many'"
        in lines
    )
    assert "stops: column 'open', row 1: must be true or false, not the text 'maybe'" in lines


def test_duplicates_are_refused_in_frames_and_in_lists():
    with pytest.raises(ProblemError, match="stops: 'a' appears more than once; name must be unique"):
        records(pd.DataFrame({"name": ["a", "a"], "demand": [1, 2]}))
    with pytest.raises(ProblemError, match="'a/1' appears more than once; name and count must be unique"):
        records([Stop("a", 1.0), Stop("a", 2.0)], replace(STOPS, key=("name", "count")))
    twice = pd.DataFrame([["a", 1, 2]], columns=["name", "demand", "demand"])
    with pytest.raises(ProblemError, match="column 'demand' appears 2 times"):
        records(twice)


def test_built_records_are_held_to_the_types_of_their_fields():
    wrong = [Stop("a", "1"), Stop("b", 1, count=1.5), Stop("c", np.float32(2), np.int64(3), np.bool_(False))]
    with pytest.raises(ProblemError) as caught:
        records([*wrong, Stop("d", 2.0, prize="much"), Stop(5, None)])
    assert str(caught.value).splitlines() == [
        "stops: demand of 'a', '5': must be a number, not the text '1', None",
        "stops: count of 'b': must be a whole number, not the number 1.5",
        "stops: prize of 'd': must be a number, not the text 'much'; it may be left out",
        "stops: name of '5': must be a text in quotes, not the number 5",
    ]


@pytest.mark.parametrize("value", [np.array([1, 2]), pd.Series([1, 2]), pd.NA, [["a"]], {"a": 1}, object()])
@pytest.mark.parametrize("name", ["name", "demand", "count", "open", "prize", "gate", "zones"])
def test_what_is_no_value_at_all_is_told_of_like_any_other(name, value):
    with pytest.raises(ProblemError, match=rf"^stops: {name} of .* must be ") as caught:
        records([Stop(**{"name": "a", "demand": 1.0, name: value}), Stop("b", "1")])
    assert "demand of" in str(caught.value)


def test_attributes_of_a_built_record_are_a_dict():
    with pytest.raises(ProblemError, match="stops: attributes of entry 2 are the text 'x'; give a dict"):
        records([Stop("a", 1.0), Stop("b", 1.0, attributes="x")])


def test_a_thousand_records_are_checked_at_once():
    stops = [Stop(str(place), 1.0) for place in range(1000)]
    began = time.process_time()
    assert len(records(stops)) == 1000
    assert time.process_time() - began < 0.5


def test_known_texts_and_units():
    stops = [Stop("a", 1, attributes={"zone": "n", "rate": Quantity(1, "EUR/h")})]
    assert field_values(stops, "zone").values.tolist() == ["n"]
    both = [*stops, Stop("b", 1, attributes={"zone": 3.0, "rate": Quantity(0.5, "EUR/min")})]
    assert field_values(both, "rate").values.tolist() == [1.0, 30.0]
    with pytest.raises(ProblemError, match="'zone' is a text in some records and a number in others"):
        field_values(both, "zone")


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"rate": 2.0}, "'rate' has a unit in some records and none in others"),
        ({"rate": Quantity(2.0, "km")}, "'rate': cannot convert"),
        ({"ratte": 2.0}, "'b' has no 'rate'; did you mean 'ratte'"),
    ],
)
def test_known_refuses_what_does_not_go_together(attributes, message):
    stops = [Stop("a", 1, attributes={"rate": Quantity(1.0, "EUR/h")}), Stop("b", 1, attributes=attributes)]
    with pytest.raises(ProblemError, match=message):
        field_values(stops, "rate", where="stops")


def test_a_blank_cell_of_an_attribute_that_a_law_reads_is_named_with_its_row():
    frame = pd.DataFrame({"name": ["a", "b"], "demand": [1.0, 2.0], "region": ["north", None]})
    with pytest.raises(
        ProblemError, match=r"stops: row 2, 'b': 'region' is blank, but a law reads it; write a value"
    ):
        field_values(records(frame), "region", where="stops")
    with pytest.raises(ProblemError, match="'a' has no 'regoin'; did you mean 'region'"):
        field_values(records(frame), "regoin", where="stops")


def test_mistakes_of_cells_do_not_hide_those_between_records():
    reader = RecordReader()
    stops = reader.read(table(count=["many", 1]), STOPS)
    assert [stop.count for stop in stops] == [1, 1]
    by_hand = reader.read([Stop("a", 1.0, count="x"), Stop("b", 2.0, count=3)], replace(STOPS, name="hand"))
    assert [stop.count for stop in by_hand] == [1, 3]
    assert reader.read(pd.DataFrame({"demand": [1.0]}), replace(STOPS, name="bare")) == ()
    checks = [
        RecordCheck((Fault("stops", f"{stop.name} stands there") for stop in stops), ["stops"]),
        RecordCheck((Fault("never", f"told: {one / 0}") for one in [1]), ["stops", "bare"]),
    ]
    with pytest.raises(ProblemError) as caught:
        reader.finish(checks)
    assert str(caught.value).splitlines() == [
        "stops: column 'count', row 1: must be a whole number, not the text 'many'",
        "hand: count of 'a': must be a whole number, not the text 'x'",
        "bare: column 'name' is missing; known: 'demand'",
        "stops: a stands there",
        "stops: b stands there",
    ]
