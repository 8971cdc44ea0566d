"""A first scenario from tables: it is right where headers say so, marked where not, and it always holds."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xlsxwriter

import kanopt as ko
from kanopt.cli.commands import copy_example, example_names
from kanopt.errors import TableError
from kanopt.scenarios.files.layers import read_layers
from kanopt.scenarios.files.load import check_scenario
from kanopt.scenarios.init import Scaffold

EXAMPLES = Path(__file__).parents[3] / "scenarios"


def tables_of(name: str, folder: Path) -> list[Path]:
    return [Path(shutil.copy(file, folder)) for file in sorted((EXAMPLES / name).glob("*.csv"))]


def held(made: Scaffold, folder: Path) -> dict:
    """Answer the questions, write the file, check it as the command does, and return what it says."""
    path = made.answered([next(iter(each.answers)) for each in made.questions]).write(folder / "first.toml")
    scenario = check_scenario(read_layers(path))
    assert scenario is not None
    scenario.check()
    return tomllib.loads(path.read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("example", "kind", "laws"),
    [
        ("parcel_city", "routing", {"travel_time", "fuel", "fuel_cost"}),
        ("workshop", "scheduling", {"task_time", "energy"}),
        ("supply_network", "supply", {"tariff", "demand"}),
    ],
)
def test_the_tables_of_the_examples_give_their_problems(tmp_path, example, kind, laws):
    made = ko.scaffold(tables_of(example, tmp_path))
    data = held(made, tmp_path)
    assert data["problem"]["kind"] == made.kind == kind
    assert set(data["surrogates"]) == laws
    own = tomllib.loads((EXAMPLES / f"{example}.toml").read_text("utf-8"))
    for part in [
        "depots",
        "clients",
        "vehicles",
        "tasks",
        "modes",
        "setups",
        "suppliers",
        "facilities",
        "lanes",
    ]:
        if part in own["problem"]:
            assert data["problem"][part].get("columns", {}) == own["problem"][part].get("columns", {})
    # the units that the example declares are found, or marked
    units = made.guesses[made.guesses["guess"].str.startswith("unit ")]
    for row in units[units["sure"].astype(bool)].itertuples():
        declared = own["tables"].get(str(row.table), {}).get("units", {})
        assert declared.get(row.column, row.guess[5:]) == row.guess[5:]


FOREIGN = pd.DataFrame(
    {
        "Kunde": ["a", "b", "c", "d"],
        "Breitengrad": [48.1, 48.2, 48.15, 48.12],
        "Längengrad": [11.5, 11.6, 11.55, 11.4],
        "Menge (kg)": [300.0, 120.0, 80.0, 410.0],
        "Zeitfenster von": ["08:00", "09:30", "8:00", "10:00"],
        "Zeitfenster bis": ["12:00", "17:00", "16:00", "18:00"],
        "Standzeit (min)": [10, 12, 8, 15],
        "Bemerkung": ["x", None, "y", "z"],
    }
)
FLEET = pd.DataFrame(
    {"Fahrzeug": ["LKW", "Bus"], "Anzahl": [2, 3], "Nutzlast kg": [900, 600], "Lohn (EUR/h)": [31.0, 28.0]}
)


def test_every_sheet_of_a_workbook_that_is_a_table_is_one(tmp_path):
    with xlsxwriter.Workbook(tmp_path / "week 12.xlsx") as book:
        book.add_worksheet("Notes").write(0, 0, "made by hand")
        for name, frame, top in (("Kunden", FOREIGN, 3), ("Fuhrpark", FLEET, 0)):
            sheet = book.add_worksheet(name)
            sheet.write(0, 0, "Title")
            for place, column in enumerate(frame):
                values = frame[column].astype(object).where(frame[column].notna(), None)
                sheet.write_column(top, place, [column, *values])
    made = ko.scaffold([tmp_path / "week 12.xlsx"])
    data = held(made, tmp_path)
    assert data["tables"]["kunden"] | {"units": {}} == {
        "path": "week 12.xlsx",
        "sheet": "Kunden",
        "form": {"header": 4},
        "units": {},
    }
    assert data["tables"]["fuhrpark"]["sheet"] == "Fuhrpark"
    assert data["problem"]["clients"]["columns"]["demand"] == "Menge (kg)"
    assert any("sheet 'Notes' of week 12.xlsx is left out" in note for note in made.notes)
    run = ko.load_scenario(tmp_path / "first.toml").run(time_limit=1)
    assert not run.result.plan.unserved


STRANGE = [
    ("=1+1", "[solver]", "a.b", "'"),
    ('"', "\\", "# check", "x = 1"),
    ("\x1b[31m", "\x7f", "\u202e", "日本"),
    ("minutes\n[problem]", "é", "km", "${HOME}"),
    ('distance_km"]\n[solver]\ntime_limit = 9 # ] = "', "travel_time", "!!", "{0}"),
]


@pytest.mark.parametrize("names", STRANGE)
def test_headers_of_strangers_are_texts_and_nothing_else(tmp_path, names):
    rng = np.random.default_rng(3)
    a, b = rng.uniform(1, 9, (2, 40)).round(3)
    frame = pd.DataFrame(
        {names[0]: a, names[1]: b, names[2]: (a * b).round(3), names[3]: ["x\n[solver]", '"'] * 20}
    )
    frame.to_parquet(tmp_path / "trips.parquet")
    made = ko.scaffold([tmp_path / "trips.parquet"])
    data = held(made, tmp_path)
    assert set(data) == {"scenario", "tables", "surrogates"}
    assert str(made).replace("\n", "").isprintable()
    for law in data["surrogates"].values():
        assert {law["target"], *law["features"]} <= {" ".join(name.split()) for name in names}


def test_what_cannot_be_read_or_written_is_said(tmp_path):
    (tmp_path / "book.xlsx").write_bytes(b"PK")
    with pytest.raises(TableError, match=r"book\.xlsx: is no workbook"):
        ko.scaffold([tmp_path / "book.xlsx"])
    (tmp_path / "book.ods").write_bytes(b"PK")
    with pytest.raises(TableError, match=r"book\.ods: kanopt reads .*; save the table as CSV"):
        ko.scaffold([tmp_path / "book.ods"])
    (tmp_path / "names.csv").write_text("name\na\nb\n")
    with pytest.raises(TableError, match=r"no scenario can be made of 'names\.csv'"):
        ko.scaffold([tmp_path / "names.csv"])
    with pytest.raises(TableError, match="unknown kind 'ruting'; did you mean 'routing'"):
        ko.scaffold([tmp_path / "names.csv"], kind="ruting")
    (tmp_path / "below").mkdir()
    made = ko.scaffold(tables_of("parcel_city", tmp_path))
    with pytest.raises(TableError, match="a scenario reads tables of its own folder and below"):
        made.write(tmp_path / "below" / "first.toml")
    made.write(tmp_path / "first.toml")
    with pytest.raises(TableError, match="is there already"):
        made.write(tmp_path / "first.toml")
    made.write(tmp_path / "first.toml", replace=True)


@pytest.mark.parametrize("name", example_names())
def test_examples_are_copied_whole(tmp_path, name):
    files = copy_example(name, tmp_path)
    for file in files:
        assert file.read_bytes() == (EXAMPLES / file.relative_to(tmp_path)).read_bytes()
    assert check_scenario(read_layers(files[0])) is not None
    with pytest.raises(TableError, match="already there"):
        copy_example(name, tmp_path)


RENAMED = {
    "english": (
        ["customer", "pos_x_mi", "pos_y_mi", "weight_kg", "window_open_h", "window_close_h", "unloading_min"]
    ),
    "german": (["Kunde", "x_mi", "y_mi", "Bedarf_kg", "Fenster von (h)", "Fenster bis (h)", "Standzeit_min"]),
    "camel": (["clientName", "xMi", "yMi", "demandKg", "readyTimeH", "dueTimeH", "serviceTimeMin"]),
}


@pytest.mark.parametrize("headers", RENAMED.values(), ids=RENAMED)
def test_renamed_columns_in_other_units_give_the_same_clients(tmp_path, headers):
    paths = {path.stem: path for path in tables_of("parcel_city", tmp_path)}
    own = pd.read_csv(paths["clients"])
    foreign = own.assign(
        x_km=own["x_km"] / 1.609344, y_km=own["y_km"] / 1.609344, demand_t=own["demand_t"] * 1_000
    )
    foreign.set_axis(headers, axis="columns").to_csv(paths["clients"], index=False)
    made = ko.scaffold([paths["clients"], paths["vehicles"], paths["depots"]])
    held(made, tmp_path)
    scenario = check_scenario(read_layers(tmp_path / "first.toml"))
    clients = scenario.build(scenario.drafts).clients
    assert [client.name for client in clients] == own["name"].tolist()
    for fields, column, factor in (("x", "x_km", 1), ("demand", "demand_t", 1_000), ("latest", "due_h", 60)):
        values = [getattr(client, fields) for client in clients]
        np.testing.assert_allclose(values, own[column] * factor, rtol=1e-9)
    np.testing.assert_allclose([client.service_duration for client in clients], own["service_min"])
    assert (
        not made.guesses.query("table == 'clients' and column != '' and guess.str.startswith('unit')")["sure"]
        .eq(False)
        .any()
    )
