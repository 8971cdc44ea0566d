from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kanopt.errors import ProblemError
from kanopt.faults import Limit, OpenLimit
from kanopt.records.declaration import UnitSystem, field, record
from kanopt.records.reading import Attribute, RecordReader, field_values


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


def test_numbers_that_are_blank_beside_others_are_refused_with_their_rows():
    frame = pd.DataFrame(
        {"name": list("abc"), "demand": [1.0, 2.0, 3.0], "count": [2.0, np.nan, np.nan], "open": ["no", None, "yes"],
         "room": [np.nan, 1.0, 2.0]}
    )  # fmt: skip
    with pytest.raises(ProblemError) as caught:
        records(frame)
    assert str(caught.value).splitlines() == [
        "stops: column 'count', rows 2, 3 ('b', 'c'): is blank; write a number (without the column it is 1)",
        "stops: column 'open', row 2 ('b'): is blank; write true or false (without the column it is true)",
        "stops: column 'room', row 1 ('a'): is blank; write a number (without the column nothing is limited)",
    ]


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
    assert "stops: column 'open', row 1 ('a'): must be true or false, not the text 'maybe'" in lines


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


def test_a_blank_cell_of_an_attribute_that_a_law_reads_is_named_with_its_row():
    frame = pd.DataFrame({"name": ["a", "b"], "demand": [1.0, 2.0], "region": ["north", None]})
    with pytest.raises(
        ProblemError, match=r"stops: row 2, 'b': 'region' is blank, but a law reads it; write a value"
    ):
        field_values(records(frame), "region", where="stops")
    with pytest.raises(ProblemError, match="'a' has no 'regoin'; did you mean 'region'"):
        field_values(records(frame), "regoin", where="stops")
