"""What nothing reads is named: in Python and in files, in every kind of problem, by one rule."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import refs, routing
from kanopt.engines.solve import solve

# most tests look at what is found; that it is warned of is asked below
pytestmark = pytest.mark.filterwarnings("ignore:.*nothing reads:kanopt.errors.KanoptWarning")

WAY = np.array([[0.0, 3.0, 4.0], [3.0, 0.0, 5.0], [4.0, 5.0, 0.0]])


def routing_frames(**columns: Any) -> dict[str, Any]:
    """Return frames of a routing problem; a key ``clients_qty`` adds the column ``qty`` to the clients."""
    frames = {
        "depots": pd.DataFrame({"name": ["hub"], "x": [0.0], "y": [0.0]}),
        "clients": pd.DataFrame({"name": ["a", "b"], "x": [3.0, 0.0], "y": [0.0, 4.0]}),
        "vehicles": pd.DataFrame({"name": ["van"], "fixed_cost": [9.0]}),
    }
    for key, cells in columns.items():
        table, _, header = key.partition("_")
        frames[table] = frames[table].assign(**{header: cells})
    return frames


def shop(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "jobs": pd.DataFrame({"name": ["j", "k"]}),
        "tasks": pd.DataFrame({"name": ["s", "t"], "job": ["j", "k"]}),
        "machines": pd.DataFrame({"name": ["saw"]}),
        "modes": pd.DataFrame({"task": ["s", "t"], "machine": ["saw", "saw"], "duration": [2.0, 3.0]}),
        "makespan_cost": 1.0,
    }
    return ko.SchedulingProblem(**{**given, **changes})


def net(**changes: Any) -> Any:
    given: dict[str, Any] = {
        "suppliers": pd.DataFrame({"name": ["mill"]}),
        "facilities": pd.DataFrame({"name": ["site"]}),
        "markets": pd.DataFrame({"name": ["town"]}),
        "products": pd.DataFrame({"name": ["flour"]}),
        "periods": pd.DataFrame({"name": ["p1"]}),
        "lanes": pd.DataFrame({"tail": ["mill", "site"], "head": ["site", "town"]}),
        "tariff": 1.0,
        "demand": 1.0,
    }
    return ko.SupplyProblem(**{**given, **changes})


def test_what_the_advice_says_can_be_typed():
    frames = routing_frames(vehicles_cost_per_hour=[30.0], vehicles_max_km=[90.0])
    [found] = ko.RoutingProblem(**frames, cost={}, duration=WAY).unread()
    typed = str(found.renaming)
    frames["vehicles"] = eval(typed, {"ko": ko, **frames})
    problem = ko.RoutingProblem(**frames, cost={}, duration=WAY)
    assert problem.unread() == ()
    assert (problem.vehicles[0].unit_duration_cost, problem.vehicles[0].max_distance) == (0.5, 90.0)


def test_a_problem_warns_once_of_all_columns_that_seem_to_matter_and_its_result_says_so():
    frames = routing_frames(clients_qty=[1, 2], vehicles_payload=[3.5], vehicles_plate=["K 1"])
    with pytest.warns(ko.KanoptWarning) as told:
        problem = ko.RoutingProblem(**frames, cost={}, duration=WAY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = solve(problem, time_limit=0.05)
    [warning] = told
    assert warning.filename == __file__
    assert [line.partition(":")[0] for line in str(warning.message).splitlines()] == ["clients", "vehicles"]
    assert "'qty' (the field demand, in t?)" in str(warning.message)
    assert "clients: nothing reads 'qty' (the field demand, in t?)\n" in str(result)


def test_what_a_law_or_a_rule_reads_is_not_told():
    frames = routing_frames(
        clients_weight=[1.0, 2.0], clients_pallets=[1.0, 2.0], depots_weight=[0.0], vehicles_pallets=[9.0],
        vehicles_wage=[2.0],
    )  # fmt: skip
    pay = ko.parse_formula("wage * kg", ["wage", "kg"], ko.Variable("pay", "EUR"))
    stop = ko.parse_formula("kg", ["kg"], ko.Variable("stop", "min"))
    problem = ko.RoutingProblem(
        **frames,
        cost=pay.bind(wage=refs.vehicle.wage, kg=refs.client.weight),
        duration=WAY,
        policy=routing.RoutingPolicy(capacities=["pallets"], service=stop.bind(kg=refs.client.weight)),
    )
    assert problem.unread() == ()


def fleet(**columns: Any) -> Any:
    return ko.RoutingProblem(**routing_frames(**columns), cost={}, duration=WAY)


@pytest.mark.parametrize(
    ("table", "header", "cells", "told"),
    [
        ("vehicles", "Stundensatz", [30.0], "the field unit_duration_cost, in EUR/h?"),
        ("vehicles", "kilometergeld", [0.3], "the field unit_distance_cost, in EUR/km?"),
        ("vehicles", "pause", [30.0], "like breaks, a field of texts"),
        ("vehicles", "z", ["17:00"], "the field shift_end, in min?"),
        ("clients", "openingHours", ["8:00-10:00", "9-12"], "the field windows?"),
        ("clients", "z", ["yes", "no"], "yes or no"),
        ("clients", "z", ["van", "van"], "names of vehicles"),
        ("clients", "z", ["so", "so"], None),
        ("jobs", "deadline", [9, 9], "the field due_date, in min?"),
        ("tasks", "predecessor", ["", "s"], "the field after?"),
        ("machines", "shift_start", [7.0], "for that there is the table calendars"),
        ("modes", "setupTime", [7.0, 7.0], "for that there is the table setups"),
        ("facilities", "opening_cost", [3], "the field fixed_cost, in EUR?"),
        ("markets", "Bedarf", [7.0], "for that there is the table demand"),
        ("lanes", "costPerKm", [7.0, 7.0], "for that there is the law tariff"),
    ],
)
def test_a_header_is_told_with_what_it_means(table, header, cells, told):
    if table in ("clients", "vehicles"):
        problem = fleet(**{f"{table}_{header}": cells})
    else:
        build = shop if table in ("jobs", "tasks", "machines", "modes") else net
        problem = build(**{table: getattr(build(), table).assign(**{header: cells})})
    [found] = problem.unread()
    assert found.sentence == f"nothing reads {header!r}" + (f" ({told})" if told else "")
