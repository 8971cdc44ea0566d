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
