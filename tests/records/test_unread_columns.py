"""What nothing reads is named: in Python and in files, in every kind of problem, by one rule."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt import refs, routing
from kanopt.solvers.solve import solve

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


def hints(problem: Any) -> dict[str, str]:
    """Return what each striking column is told to be: a field, a field that is filled, or nothing kanopt has."""
    return {
        column.name: column.field.name if column.field else "filled" if "fills" in column.told else "-"
        for found in problem.unread()
        for column in found.striking
    }


def others(problem: Any) -> list[str]:
    return [name for found in problem.unread() for name in found.others]


def test_columns_that_are_no_field_are_told_with_the_field_that_is_meant():
    frames = routing_frames(
        clients_demand_kg=[200, 300], clients_window_from=[480, 600], clients_colour=["red", "blue"],
        vehicles_capacity_kg=[900], vehicles_cost_per_hour=[30.0],
    )  # fmt: skip
    problem = ko.RoutingProblem(**frames, cost={}, duration=WAY)
    assert hints(problem) == {
        "demand_kg": "demand",
        "window_from": "earliest",
        "capacity_kg": "capacity",
        "cost_per_hour": "unit_duration_cost",
    }
    assert others(problem) == ["colour"]
    assert problem.remarks() == (
        "clients: nothing reads 'demand_kg' (the field demand, in kg?) and 'window_from' (the field earliest, in "
        "min?); nor 1 other column: 'colour'; where that is meant, write ko.with_units(clients.rename(columns="
        "{'demand_kg': 'demand', 'window_from': 'earliest'}), {'demand': 'kg'})",
        "vehicles: nothing reads 'capacity_kg' (the field capacity, in kg?) and 'cost_per_hour' (the field "
        "unit_duration_cost, in EUR/h?); where that is meant, write "
        "ko.with_units(vehicles.rename(columns={'capacity_kg': "
        "'capacity', 'cost_per_hour': 'unit_duration_cost'}), {'capacity': 'kg', 'unit_duration_cost': 'EUR/h'})",
    )


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


@pytest.mark.parametrize(
    "built",
    [
        lambda: shop(jobs=pd.DataFrame({"name": ["j", "k"], "deadline": [9, 9]})),
        lambda: net(facilities=pd.DataFrame({"name": ["site"], "opening_cost": [3.0]})),
        lambda: ko.DecisionProblem(
            pd.DataFrame({"name": ["speed"], "low": 1.0, "high": 2.0, "priority": 1}), {"speed": 1.0}
        ),
    ],
)
def test_every_kind_of_problem_warns_when_it_is_built_from_frames(built):
    with pytest.warns(ko.KanoptWarning, match="nothing reads") as told:
        built()
    assert [warning.filename for warning in told] == [__file__]


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


def test_files_name_every_column_that_seems_to_matter(tmp_path, capsys):
    import json

    from kanopt.cli import main

    suspects = {f"clients_demand_kg_{place}": [1.0, 2.0] for place in range(30)}
    file = write_case(tmp_path, routing_frames(**suspects, clients_colour=["red", "blue"]))
    messages = [issue.message for issue in ko.load_scenario(file).remarks()]
    remarks = " ".join(messages)
    assert len(messages) > 1
    assert max(map(len, messages)) <= 1000
    assert [name for name in suspects if repr(name.removeprefix("clients_")) not in remarks] == []
    with pytest.raises(SystemExit) as ended:
        main(["check", str(file), "--json"])
    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 2
    asked = " ".join(issue["message"] for issue in told if issue["kind"] == "mistake")
    assert [name for name in suspects if repr(name.removeprefix("clients_")) not in asked] == []
    with pytest.raises(SystemExit) as ended:
        main(["check", str(file), "--json", "--lenient"])
    told = json.loads(capsys.readouterr().out)
    assert ended.value.code == 0
    assert {issue["kind"] for issue in told} <= {"warning", "note"}
    assert [issue["message"] for issue in told if issue["kind"] == "warning"] == [
        issue.message for issue in ko.load_scenario(file).remarks()
    ]


def write_case(folder: Path, frames: dict[str, pd.DataFrame]) -> Path:
    lines = [
        '[problem]\nkind = "routing"\n[problem.duration]\nlaw = "time"\n[problem.bind]\nkm = "arc.distance"'
    ]
    lines.append('[surrogates.time]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"')
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
        lines.append(f'[tables.{name}]\npath = "{name}.csv"\n[problem.{name}]\ntable = "{name}"')
    (folder / "case.toml").write_text("\n".join(lines), "utf-8")
    return folder / "case.toml"


def test_files_say_the_same_in_their_own_words(tmp_path):
    frames = routing_frames(clients_demand_kg=[200, 300], clients_colour=["red", "blue"], vehicles_note=["x"])
    scenario = ko.load_scenario(write_case(tmp_path, frames), lenient=True)
    scenario.check()
    built = ko.RoutingProblem(**frames, cost={}, duration=WAY)
    [remark] = scenario.remarks()
    assert remark.key == "problem.clients"
    assert remark.message == (
        "nothing reads 'demand_kg' (the field demand, in kg?); nor 1 other column: 'colour'; where that is meant, "
        'write columns = { demand = "demand_kg" } under [problem.clients] and units = { demand_kg = "kg" } under its '
        "table"
    )
    assert built.unread()[0].sentence in remark.message
    [note] = scenario.notes()
    assert (note.key, note.message) == ("problem.vehicles", "nothing reads 'note'")


def test_a_run_of_a_file_warns_once_and_notes_the_rest(tmp_path):
    frames = routing_frames(clients_demand_kg=[200, 300], vehicles_note=["x"])
    told: list[str] = []
    scenario = ko.load_scenario(write_case(tmp_path, frames), lenient=True)
    with pytest.warns(ko.KanoptWarning) as warned:
        scenario.run(time_limit=0.05, progress=lambda event: told.append(event.message))
    assert [str(warning.message) for warning in warned] == [str(scenario.remarks()[0])]
    assert [message for message in told if message.startswith("note: ")] == [f"note: {scenario.notes()[0]}"]


def test_a_column_that_is_displaced_in_a_file_leaves_its_unit_with_it(tmp_path):
    path = write_case(tmp_path, routing_frames(clients_demand=[200, 300], clients_wanted=[3.0, 4.0]))
    text = path.read_text().replace('table = "clients"', 'table = "clients"\ncolumns = { demand = "wanted" }')
    path.write_text(text.replace('path = "clients.csv"', 'path = "clients.csv"\nunits = { demand = "kg" }'))
    scenario = ko.load_scenario(path)
    assert [client.demand for client in scenario.build(scenario.drafts).clients] == [3.0, 4.0]


def fleet(**columns: Any) -> Any:
    return ko.RoutingProblem(**routing_frames(**columns), cost={}, duration=WAY)


@pytest.mark.parametrize(
    ("table", "header", "cells", "told"),
    [
        ("vehicles", "hourly", [30.0], "the field unit_duration_cost, in EUR/h?"),
        ("vehicles", "Stundensatz", [30.0], "the field unit_duration_cost, in EUR/h?"),
        ("vehicles", "kilometergeld", [0.3], "the field unit_distance_cost, in EUR/km?"),
        ("vehicles", "pause", [30.0], "like breaks, a field of texts"),
        ("vehicles", "z", ["17:00"], "the field shift_end, in min?"),
        ("clients", "openingHours", ["8:00-10:00", "9-12"], "the field windows?"),
        ("clients", "Öffnungszeit", ["8:00", "9:00"], "like windows, a field of texts"),
        ("clients", "z", ["yes", "no"], "yes or no"),
        ("clients", "z", ["van", "van"], "names of vehicles"),
        ("clients", "z", ["so", "so"], None),
        ("clients", "日本…", ["so", "so"], None),
        ("jobs", "deadline", [9, 9], "the field due_date, in min?"),
        ("jobs", "optional", [1, 0], "kanopt has no such field yet: its values change nothing"),
        ("tasks", "predecessor", ["", "s"], "for that there is the field order"),
        ("machines", "shift_start", [7.0], "for that there is the table calendars"),
        ("modes", "setupTime", [7.0, 7.0], "for that there is the table setups"),
        ("modes", "minutes_h", [1, 1], "like duration, which another column fills"),
        ("suppliers", "lead_time", [3], "kanopt has no such field yet: its values change nothing"),
        ("facilities", "opening_cost", [3], "the field fixed_cost, in EUR?"),
        ("facilities", "safety_stock", [3], "kanopt has no such field yet: its values change nothing"),
        ("markets", "Bedarf", [7.0], "for that there is the table demand"),
        ("lanes", "costPerKm", [7.0, 7.0], "for that there is the law tariff"),
        ("lanes", "km", [3, 4], "the field distance, in km?"),
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


def test_a_column_is_told_as_the_field_that_no_other_column_fits_better():
    assert hints(fleet(vehicles_unit_duration_cost=[0.5], vehicles_cost_per_hour=[30.0])) == {
        "cost_per_hour": "filled"
    }
    [found] = fleet(clients_demand_kg=[200.0, 300.0], clients_qty=[2, 3]).unread()
    assert (
        "'demand_kg' (the field demand, in kg?) and 'qty' (like demand, as 'demand_kg' is)" in found.sentence
    )


def test_records_and_tables_that_become_none_are_told_of_alike():
    frames = fleet(clients_demand_kg=[200.0, np.nan])
    clients = [routing.Client("a", 3, 0, attributes={"demand_kg": 200.0}), routing.Client("b", 0, 4)]
    depots, vans = [routing.Depot("hub", 0, 0)], [routing.VehicleType("van", fixed_cost=9.0)]
    assert ko.RoutingProblem(depots, clients, vans, {}, WAY).remarks() == frames.remarks() != ()
    odd = [routing.Client("a", 3, 0, attributes={"priority": [1, 2]}), routing.Client("b", 0, 4)]
    assert hints(ko.RoutingProblem(depots, odd, vans, {}, WAY)) == {"priority": "-"}
    links = pd.DataFrame(
        {"tail": ["hub", "a", "b"], "head": ["a", "b", "hub"], "length": 1.0, "toll_eur": 2.0, "v": 3.0}
    )
    law = ko.parse_formula("v", ["v"], ko.Variable("time", "min")).bind(v=refs.link.v)
    problem = ko.RoutingProblem(**routing_frames(), cost={}, duration=routing.RoadNetwork(links, law))
    assert hints(problem) == {"toll_eur": "-"}
