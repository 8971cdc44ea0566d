"""Decimal commas are told from values; what may be thousands as well is refused."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanopt as ko
from kanopt.errors import TableError
from kanopt.tables import TextFormat, read_table
from kanopt.whatif.scaffolding.number_format import number_format


def written(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("km;min\n1,5;4\n2,25;6\n", {"decimal": ","}),
        ("km;eur\n1;1.234,50\n2;12,00\n", {"decimal": ",", "thousands": "."}),
        ('km,eur\n"1,5",a\n"2,5",b\n', {"decimal": ","}),
        ("km;note\n1,5;1.5.2026\n2,5;08:30\n,\n", {"decimal": ","}),
        ("km,min\n1.5,4\n2.25,6\n", {}),
        ("km;min\n1.5;4\n2.25;6\n", {}),
        ('pair;n\n"1,5";1\nred;2\nblue;3\ngreen;4\n', {}),  # most cells are words
        ("a;b\n1;2\n3;4\n", {}),
    ],
)
def test_commas_are_decimal_where_they_can_be_nothing_else(
    tmp_path: Path, text: str, form: dict[str, str]
) -> None:
    assert number_format(read_table(written(tmp_path, text), on_bad="text")) == form


@pytest.mark.parametrize("text", ["town;people\na;1,234\nb;12,345\n", "town;people\na;1.234\nb;500\n"])
def test_what_can_be_read_in_two_ways_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(TableError, match="'people' can be read in two ways"):
        number_format(read_table(written(tmp_path, text), on_bad="text"))


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(0, 10**6)), min_size=2, max_size=30))
def test_numbers_come_back(tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[float, int]]) -> None:
    rows = [(round(number, 2), whole) for number, whole in rows]
    frame = pd.DataFrame(rows, columns=["number", "whole"])
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    frame.to_csv(path, sep=";", decimal=",", index=False)
    form = number_format(read_table(path, on_bad="text"))
    assert form == {"decimal": ","}
    again = read_table(path, form=TextFormat(decimal=","))
    assert all(map(math.isclose, again["number"], frame["number"]))
    assert again["whole"].tolist() == frame["whole"].tolist()


def test_files_with_decimal_commas_make_a_scenario_that_holds(tmp_path: Path) -> None:
    trips = ["Strecke (km);Fahrzeit (min)"]
    trips += [f"{km / 8:.3f};{2 * km / 8 + 3:.2f}".replace(".", ",") for km in range(8, 208)]
    clients = ["Kunde;Breite;Länge;Bedarf (kg)"]
    clients += [f"K{place};50,{98694 + place};13,{67648 + place};{100 + place},5" for place in range(6)]
    vehicles = ["Fahrzeugtyp;Anzahl;Nutzlast (t);Lohn (EUR/h)", "Sprinter;3;1,2;24,50"]
    for name, lines in {"fahrten": trips, "kunden": clients, "fahrzeuge": vehicles}.items():
        (tmp_path / f"{name}.csv").write_text("\n".join(lines) + "\n", "utf-8")
    made = ko.scaffold([tmp_path / f"{name}.csv" for name in ("fahrten", "kunden", "fahrzeuge")])
    assert "kunden.csv is read with decimal commas, as its numbers are written" in str(made)
    scenario = ko.load_scenario(made.write(tmp_path / "scenario.toml"))
    assert scenario.tables["kunden"]["Breite"].iloc[0] == pytest.approx(50.98694)
    assert scenario.tables["fahrzeuge"]["Nutzlast (t)"].tolist() == [1.2]
