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
from kanopt.records.headers import measured_in, read_header
from kanopt.records.likeness import TableColumn, TableField, nearest_column, resembled_field
from kanopt.records.unread_columns import TableUse, columns_of, frame_use, unread_columns
from kanopt.solvers.solve import solve
from kanopt.tables import with_units

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


def test_a_problem_of_records_is_told_of_once_by_solve():
    client = routing.Client("a", 3, 0, attributes={"demand_kg": 200.0})
    van = routing.VehicleType("van", fixed_cost=9.0)
    problem = ko.RoutingProblem([routing.Depot("hub", 0, 0)], [client], [van], {}, WAY[:2, :2])
    with pytest.warns(ko.KanoptWarning, match="demand_kg") as told:
        solve(problem, time_limit=0.05)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(problem, time_limit=0.05)
    assert [warning.filename for warning in told] == [__file__]


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


def test_a_solve_does_not_warn_of_columns_that_look_like_nothing():
    problem = ko.RoutingProblem(**routing_frames(clients_colour=["red", "blue"]), cost={}, duration=WAY)
    assert problem.remarks() == ("clients: nothing reads 'colour'",)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        solve(problem, time_limit=0.05)


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


def test_records_built_by_hand_are_told_of_alike():
    by_hand = ko.RoutingProblem(
        [routing.Depot("hub", 0, 0)],
        [routing.Client("a", 3, 0, attributes={"demand_kg": 200.0}), routing.Client("b", 0, 4)],
        [routing.VehicleType("van", fixed_cost=9.0)],
        {},
        WAY,
    )
    frames = ko.RoutingProblem(**routing_frames(clients_demand_kg=[200.0, np.nan]), cost={}, duration=WAY)
    assert by_hand.remarks() == frames.remarks() != ()


@pytest.mark.parametrize(
    ("table", "column", "cells", "hint"),
    [
        ("jobs", "deadline", [9, 9], "due_date"),
        ("jobs", "optional", [1, 0], "-"),
        ("tasks", "predecessors", ["", "s"], "-"),
        ("machines", "capacity", [2], "-"),
        ("modes", "minutes_h", [1, 1], "filled"),
        ("jobs", "qty", [3, 4], "-"),
    ],
)
def test_scheduling_names_what_it_does_not_read(table, column, cells, hint):
    frame = getattr(shop(), table)
    assert hints(shop(**{table: frame.assign(**{column: cells})})) == {column: hint}


@pytest.mark.parametrize(
    ("table", "column", "cells", "hint"),
    [
        ("suppliers", "lead_time", [3], "-"),
        ("suppliers", "minimum", [3], "-"),
        ("facilities", "initial_stock", [3], "-"),
        ("facilities", "safety_stock", [3], "-"),
        ("facilities", "opening_cost", [3], "fixed_cost"),
        ("lanes", "km", [3, 4], "distance"),
        ("markets", "demand_t", [3], "-"),
        ("products", "lost_sale_cost", [3], "shortage_cost"),
    ],
)
def test_supply_names_what_it_does_not_read(table, column, cells, hint):
    frame = getattr(net(), table)
    assert hints(net(**{table: frame.assign(**{column: cells})})) == {column: hint}


def test_a_table_of_demand_and_references_as_laws_are_read():
    wanted = pd.DataFrame({"market": ["town"], "demand": [5.0], "priority": [1]})
    rated = net().lanes.assign(rate=2.0, usual=3.0, note="x")
    problem = net(demand=wanted, lanes=rated, tariff=refs.lane.rate)
    assert hints(problem) == {"priority": "-"}
    assert others(problem) == ["usual", "note"]


def test_links_are_told_of_where_their_law_is_known():
    links = pd.DataFrame(
        {"tail": ["hub", "a", "b"], "head": ["a", "b", "hub"], "length": 1.0, "toll_eur": 2.0, "v": 3.0}
    )
    law = ko.parse_formula("v", ["v"], ko.Variable("time", "min")).bind(v=refs.link.v)
    problem = ko.RoutingProblem(**routing_frames(), cost={}, duration=routing.RoadNetwork(links, law))
    assert hints(problem) == {"toll_eur": "-"}
    assert (
        ko.RoutingProblem(
            **routing_frames(), cost={}, duration=routing.RoadNetwork(links, np.ones(3))
        ).unread()
        == ()
    )


def test_decisions_are_told_of():
    table = pd.DataFrame({"name": ["speed"], "low": [1.0], "high": [2.0], "priority": [1]})
    problem = ko.DecisionProblem(table, {"speed": 1.0})
    assert hints(problem) == {"priority": "-"}


@pytest.mark.parametrize(
    ("header", "unit", "field"),
    [
        ("rate", "EUR/km", "unit_distance_cost"),
        ("rate", "USD/h", "unit_duration_cost"),
        ("cost_per_mile", "", "unit_distance_cost"),
        ("cost_per_km", "", "unit_distance_cost"),
        ("CostPerHour", "", "unit_duration_cost"),
        ("km_rate", "", "unit_distance_cost"),
        ("Kosten_pro_Stunde", "", "unit_duration_cost"),
        ("prix_km", "", "unit_distance_cost"),
        ("cost_per_stop", "", None),
    ],
)
def test_the_field_that_is_proposed_measures_the_same(header, unit, field):
    fields = [TableField("unit_duration_cost", "EUR/min"), TableField("unit_distance_cost", "EUR/km")]
    found = resembled_field("vehicles", TableColumn(header, unit), fields)
    assert (found.name if found else None) == field


def test_a_declared_unit_outweighs_the_words():
    frame = with_units(
        routing_frames()["clients"].assign(service_duration=[1.0, 2.0], load=[3.0, 4.0]), {"load": "min"}
    )
    problem = ko.RoutingProblem(**{**routing_frames(), "clients": frame}, cost={}, duration=WAY)
    assert hints(problem).get("load") != "demand"


@pytest.mark.parametrize("unit", ["kg", "pallet", "l", "EUR/h", "kWh", "km/h", "EUR/t"])
def test_a_unit_is_read_from_a_header_as_it_is_written(unit):
    header = "what_" + unit.replace("/", "_per_")
    assert measured_in(read_header(header).unit) == measured_in(unit)


def test_columns_are_proposed_for_fields_that_are_missing():
    ends = ["from_site", "to_site", "km"]
    assert nearest_column("lanes", TableField("tail", kind=str), ends) == "from_site"
    assert nearest_column("lanes", TableField("head", kind=str), ends) == "to_site"
    assert nearest_column("lanes", TableField("mode", kind=str), ends) == ""


@pytest.mark.parametrize("word", ["note", "demand", "a_rather_long_header_of_a_column_with_the_demand"])
def test_every_column_is_named_in_messages_of_bearable_length(word):
    names = [f"{word} {place}" for place in range(90)]
    use = TableUse(
        "clients",
        (TableField("demand", "t"),),
        columns_of(pd.DataFrame(dict.fromkeys(names, ["x"] if word == "note" else [1.0])), names),
    )
    found = [str(each) for each in unread_columns([use])]
    assert len(found) > 1
    assert max(map(len, found)) <= 1000
    assert [name for name in names if not any(repr(name) in each for each in found)] == []
    assert sum("'demand'" in each for each in found) <= (word != "note")  # no column is proposed for it twice


def test_files_name_every_column_that_seems_to_matter(tmp_path, capsys):
    import json

    from kanopt.cli import main

    suspects = {f"clients_demand_kg_{place}": [1.0, 2.0] for place in range(30)}
    file = write_case(tmp_path, routing_frames(**suspects, clients_colour=["red", "blue"]))
    remarks = " ".join(issue.message for issue in ko.load_scenario(file).remarks())
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


def test_what_the_advice_says_can_be_written_in_a_file(tmp_path):
    path = write_case(tmp_path, routing_frames(clients_demand_kg=[200, 300]))
    text = path.read_text().replace(
        'table = "clients"', 'table = "clients"\ncolumns = { demand = "demand_kg" }'
    )
    text = text.replace('path = "clients.csv"', 'path = "clients.csv"\nunits = { demand_kg = "kg" }')
    path.write_text(text)
    scenario = ko.load_scenario(path)
    assert scenario.remarks() == ()
    assert [client.demand for client in scenario.build(scenario.drafts).clients] == [0.2, 0.3]


def test_a_run_of_a_file_warns_once_and_notes_the_rest(tmp_path):
    frames = routing_frames(clients_demand_kg=[200, 300], vehicles_note=["x"])
    told: list[str] = []
    scenario = ko.load_scenario(write_case(tmp_path, frames), lenient=True)
    with pytest.warns(ko.KanoptWarning) as warned:
        scenario.run(time_limit=0.05, progress=lambda event: told.append(event.message))
    assert [str(warning.message) for warning in warned] == [str(scenario.remarks()[0])]
    assert [message for message in told if message.startswith("note: ")] == [f"note: {scenario.notes()[0]}"]


def test_columns_called_like_a_field_that_another_one_fills_are_told(tmp_path):
    path = write_case(tmp_path, routing_frames(clients_demand=[0.1, 0.2], clients_wanted=[3.0, 4.0]))
    path.write_text(
        path.read_text().replace('table = "clients"', 'table = "clients"\ncolumns = { demand = "wanted" }')
    )
    [remark] = ko.load_scenario(path).remarks()
    assert remark.message == "nothing reads 'demand' (like demand, which another column fills)"


def test_what_a_law_is_learned_from_is_read(tmp_path):
    path = write_case(
        tmp_path, routing_frames(clients_minutes=[1.0, 2.0], clients_km=[1.0, 2.0], clients_week=[1, 2])
    )
    law = [
        'table = "clients"',
        'target = "minutes"',
        'features = ["km"]',
        'holdout = { by = "week", last = 1 }',
    ]
    learned = "\n".join(["[surrogates.other]", *law])
    path.write_text(path.read_text() + "\n" + learned)
    scenario = ko.load_scenario(path)
    assert scenario.remarks() == scenario.notes() == ()


def test_units_lost_by_renaming_are_told_where_a_problem_or_a_law_reads_the_frame():
    stops = with_units(routing_frames(clients_demand_kg=[200.0, 300.0])["clients"], {"demand_kg": "kg"})
    moved = stops.rename(columns={"demand_kg": "demand"})
    with pytest.warns(ko.KanoptWarning, match=r"ko\.with_units\(clients, \{'demand': 'kg'\}\)") as told:
        ko.RoutingProblem(**{**routing_frames(), "clients": moved}, cost={}, duration=WAY)
    assert [warning.filename for warning in told] == [__file__]


def test_a_column_that_is_displaced_in_a_file_leaves_its_unit_with_it(tmp_path):
    path = write_case(tmp_path, routing_frames(clients_demand=[200, 300], clients_wanted=[3.0, 4.0]))
    text = path.read_text().replace('table = "clients"', 'table = "clients"\ncolumns = { demand = "wanted" }')
    path.write_text(text.replace('path = "clients.csv"', 'path = "clients.csv"\nunits = { demand = "kg" }'))
    scenario = ko.load_scenario(path)
    assert [client.demand for client in scenario.build(scenario.drafts).clients] == [3.0, 4.0]


@pytest.mark.parametrize(
    ("table", "header", "cells", "told"),
    [
        ("vehicles", "hourly", [30.0], "the field unit_duration_cost, in EUR/h?"),
        ("vehicles", "Stundensatz", [30.0], "the field unit_duration_cost, in EUR/h?"),
        ("vehicles", "pause", [30.0], "like breaks, a field of texts"),
        ("clients", "deliveryWindows", ["8:00-10:00", "9-12"], "the field windows?"),
        ("clients", "openingHours", ["8:00-10:00", "9-12"], "the field windows?"),
        ("clients", "Öffnungszeit", ["8:00", "9:00"], "like windows, a field of texts"),
        ("vehicles", "kilometergeld", [0.3], "the field unit_distance_cost, in EUR/km?"),
    ],
)
def test_a_header_is_told_with_what_it_means(table, header, cells, told):
    problem = ko.RoutingProblem(**routing_frames(**{f"{table}_{header}": cells}), cost={}, duration=WAY)
    [found] = problem.unread()
    assert found.sentence == f"nothing reads {header!r} ({told})"


def test_a_price_beside_the_column_that_fills_its_field_is_not_taken_for_another():
    frames = routing_frames(vehicles_unit_duration_cost=[0.5], vehicles_cost_per_hour=[30.0])
    assert hints(ko.RoutingProblem(**frames, cost={}, duration=WAY)) == {"cost_per_hour": "filled"}


@pytest.mark.parametrize(
    ("build", "table", "header", "told"),
    [
        (shop, "tasks", "predecessor", "the field order"),
        (shop, "machines", "shift_start", "the table calendars"),
        (shop, "modes", "setupTime", "the table setups"),
        (net, "markets", "Bedarf", "the table demand"),
        (net, "lanes", "costPerKm", "the law tariff"),
    ],
)
def test_what_a_problem_has_elsewhere_is_told_with_its_place(build, table, header, told):
    frame = getattr(build(), table)
    [found] = build(**{table: frame.assign(**{header: 7.0})}).unread()
    assert found.sentence == f"nothing reads {header!r} (for that there is {told})"


def test_a_header_of_signs_alone_looks_like_nothing():
    frame = pd.DataFrame(
        {"name": ["a"], "x": [1.0], "y": [1.0], "demand": [1.0], "!!": [2.0], "日本…": ["so"]}
    )
    fields = [TableField("demand", "t"), TableField("name", kind=str)]
    (told,) = unread_columns([frame_use("clients", frame, fields, ["x", "y"])])
    assert set(told.others) == {"!!", "日本…"}
