"""``kanopt init``: what it prints, writes and refuses."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "scenarios"


@pytest.fixture
def city(tmp_path, monkeypatch):
    for name in ("trips", "clients", "vehicles"):
        shutil.copy(EXAMPLES / "parcel_city" / f"{name}.csv", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_file_passes_check(city, cli):
    code, out, _ = cli("init", "trips.csv", "clients.csv", "vehicles.csv")
    assert code == 0
    assert "demand_t → clients.demand" in out
    assert "scenario: scenario.toml" in out
    assert "next: kanopt run scenario.toml" in out
    assert (city / "scenario_tables" / "made_depots.csv").is_file()
    assert "# check: made up" in (city / "scenario.toml").read_text()
    code, out, _ = cli("check", "scenario.toml")
    assert (code, "no mistakes" in out) == (0, True)
    code, _, err = cli("init", "trips.csv")
    assert (code, "is there already" in err) == (2, True)
    assert cli("init", "trips.csv", "--force")[0] == 0


def test_a_file_that_is_there_is_told_before_tables_are_read(city, cli):
    (city / "scenario.toml").write_text("")
    (city / "broken.csv").write_text("")
    code, _, err = cli("init", "broken.csv")
    assert code == 2
    assert "scenario.toml is there already; name another file with --out, or replace it with --force" in err
    code, _, err = cli("init", "broken.csv", "--force")
    assert (code, "broken.csv" in err) == (2, True)


def test_guesses_as_json(city, cli):
    code, out, _ = cli("init", "trips.csv", "--json", "--out", "law.toml")
    told = json.loads(out)
    assert (code, told["kind"], told["file"]) == (0, "", "law.toml")
    assert {"table", "column", "guess", "why", "sure"} == set(told["guesses"][0])


def test_what_is_open_is_answered_before_the_first_run_and_marks_are_counted(tmp_path, monkeypatch, cli):
    (tmp_path / "clients.csv").write_text(
        "name,x (km),y (km),demand (t),latest\na,1,2,1,12:00\nb,3,4,2,14:00\n"
    )
    (tmp_path / "vehicles.csv").write_text("name,capacity (t),cost per km (EUR/km)\nvan,5,1\n")
    monkeypatch.chdir(tmp_path)
    code, out, _ = cli("init", "clients.csv", "vehicles.csv")
    assert code == 0
    assert "next: answer 1 open question in scenario.toml, then kanopt run scenario.toml" in out
    marks = (tmp_path / "scenario.toml").read_text().count("# check")
    assert marks > 1
    assert f"marked # check in the file, to be looked at: {marks} lines" in out


def test_examples_are_copied(tmp_path, cli):
    code, out, _ = cli("init", "--example", "coffee", "--out", str(tmp_path / "own"))
    assert code == 0
    assert (tmp_path / "own" / "coffee" / "sales.csv").is_file()
    assert f"next: kanopt run {tmp_path / 'own' / 'coffee.toml'}" in out
    code, _, err = cli("init", "--example", "coffee", "--out", str(tmp_path / "own"))
    assert (code, "--force" in err) == (2, True)


def test_usage(cli):
    assert cli("init")[0] == 2
    assert cli("init", "x.csv", "--example", "coffee")[0] == 2
