"""Times of day are read wherever clock times stand, and numbers that look like hours are asked back."""

from __future__ import annotations

from datetime import time, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kanopt import RoutingProblem
from kanopt.errors import ProblemError
from kanopt.plans.result import evaluate
from kanopt.routing import Client, Depot, VehicleType
from kanopt.tables import with_units
from kanopt.text import clock_text

KM = np.array([[0.0, 4.0], [4.0, 0.0]])


def routing(clients=None, vehicles=None):
    clients = pd.DataFrame({"name": ["a"]}) if clients is None else clients
    vehicles = [VehicleType("van", fixed_cost=1.0)] if vehicles is None else vehicles
    return RoutingProblem([Depot("yard")], clients, vehicles, {}, KM, KM)


def opening(cell, frame=True):
    clients = (
        pd.DataFrame({"name": ["a", "b"], "earliest": [cell, "0:30"]})
        if frame
        else [Client("a", earliest=cell)]
    )
    way = np.ones((3, 3)) if frame else KM
    vans = [VehicleType("van", fixed_cost=1.0)]
    return RoutingProblem([Depot("yard")], clients, vans, {}, way, way).clients[0].earliest


@settings(max_examples=25)
@given(st.integers(0, 24 * 60 - 1), st.booleans())
def test_what_is_written_as_a_time_of_day_is_read_as_it(minute, frame):
    hour, past = divmod(minute, 60)
    written = [
        clock_text(minute),
        f"{clock_text(minute)}:00",
        time(hour, past).strftime("%I:%M %p"),
        time(hour, past),
    ]
    written += [f"{hour}h{past:02d}", f"{hour} Uhr {past:02d}", timedelta(minutes=minute)]
    assert [opening(cell, frame) for cell in written] == [float(minute)] * len(written)


@pytest.mark.parametrize("text", ["8:60", "13:00 pm", "0:30 am", "8:5", "noon", "8:30:99", "8,30"])
@pytest.mark.parametrize("frame", [True, False])
def test_what_is_no_time_of_day_says_what_is(text, frame):
    told = rf"must be a time of day such as 8:30, or a number, not the text '{text}'"
    with pytest.raises(ProblemError, match=told):
        opening(text, frame)
    with pytest.raises(ProblemError, match="column 'latest' holds dates; give times of day such as 8:30"):
        routing(pd.DataFrame({"name": ["a"], "latest": pd.to_datetime(["2026-01-05 08:30"])}))


@pytest.mark.parametrize(
    "windows",
    [
        "8:00 AM-1 pm, 14:00:00-15:30",
        (("8:00", 780.0), [time(14), time(15, 30)]),
        ["8:00-13:00", "840-930"],
    ],
)
def test_windows_are_read_in_every_spelling_and_as_lists(windows):
    problem = routing([Client("a", windows=windows)])
    assert problem.data.windows == (((480.0, 780.0), (840.0, 930.0)),)
    assert isinstance(problem.clients[0].windows, str)
    frame = pd.DataFrame({"name": ["a"], "windows": [windows], "goods": [["salt", "milk"]]})
    assert routing(frame).clients == (
        Client("a", windows=problem.clients[0].windows, goods=("salt", "milk")),
    )


def test_breaks_may_be_lists_and_what_is_none_is_refused():
    van = VehicleType("van", fixed_cost=1.0, breaks=[(30, "11:00", 780), "15 in 900-960"])
    first, second = routing(vehicles=[van]).data.breaks[0]
    assert (first.length, first.earliest, first.latest, second.length) == (30.0, 660.0, 780.0, 15.0)
    with pytest.raises(ProblemError, match="windows of 'a': '30 in 480-600' is no window; write one such as"):
        routing([Client("a", windows=[(30, 480, 600)])])
    with pytest.raises(ProblemError, match="breaks of 'van': '480-600' is no break; write one such as"):
        routing(vehicles=[VehicleType("van", fixed_cost=1.0, breaks=[(480, 600)])])


SHIFT = pd.DataFrame(
    {"name": ["van", "truck"], "fixed_cost": [1.0, 2.0], "shift_start": [7.5, 6], "shift_end": [16, 15]}
)


def test_a_declared_unit_answers_the_question():
    for unit, minutes in (("h", 450.0), ("min", 7.5)):
        problem = routing(vehicles=with_units(SHIFT, {"shift_start": unit, "shift_end": unit}))
        assert problem.vehicles[0].shift_start == minutes


def test_records_with_hours_are_asked_back():
    asked = routing(
        [Client("a", earliest=8, latest=12)], [VehicleType("van", fixed_cost=1.0, shift_start=7.5)]
    )
    told = "in min these would be times soon after midnight; are these hours? Then write times such as"
    assert [told in line for line in asked.unusual()] == [True, True]
    assert told in str(evaluate(asked, [["a"]]))
    assert routing([Client("a", latest="0:20")]).unusual() == ()


@pytest.mark.parametrize(
    ("table", "columns", "told"),
    [
        (
            "vehicles",
            {"shift_start": ["0800"], "shift_end": [1700]},
            "in min 0800 would be 13:20; is it 08:00?",
        ),
        ("vehicles", {"breaks": ["30 in 1100-1300"]}, "in min 1100 would be 18:20; is it 11:00?"),
        ("clients", {"windows": ["0800-1000"]}, "column 'windows' (0800 to 1000): no unit is declared"),
        ("clients", {"earliest": ["8:30"], "latest": [1000]}, "in min 1000 would be 16:40; is it 10:00?"),
    ],
)
def test_times_without_their_colon_are_asked_back(table, columns, told):
    clients, vans = pd.DataFrame({"name": ["a"]}), pd.DataFrame({"name": ["van"], "fixed_cost": [1.0]})
    frames = {"clients": clients, "vehicles": vans}
    with pytest.raises(ProblemError) as caught:
        routing(**{**frames, table: frames[table].assign(**columns)})
    assert told in str(caught.value)


@pytest.mark.parametrize(
    "shift", [(480, 1020), (450, 960), (0, 600), (600, 1020), (30, 900), (930.5, 1000), (0, 430)], ids=str
)
def test_minutes_are_not_taken_for_times_without_a_colon(shift):
    start, end = shift
    vans = pd.DataFrame({"name": ["van"], "fixed_cost": [1.0], "shift_start": [start], "shift_end": [end]})
    assert routing(vehicles=vans).vehicles[0].shift_end == end
