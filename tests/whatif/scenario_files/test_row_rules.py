"""``derive`` and ``drop_where`` under ``[tables.x]``."""

from __future__ import annotations

from pathlib import Path

import pytest

import kanopt as ko
from kanopt.errors import ScenarioError
from kanopt.tables import report_of, units_of

CSV = "seconds,km,pickup,note\n" + "".join(
    f"{60 * k},{k % 7},2024-01-0{1 + k % 7} {k % 24:02}:30:00,{'x' if k % 2 else 'y'}\n" for k in range(1, 41)
)


def write(folder: Path, tables: str) -> Path:
    (folder / "trips.csv").write_text(CSV)
    path = folder / "s.toml"
    law = '[surrogates.time]\ntable = "trips"\ntarget = "minutes"\nfeatures = ["km", "start_h"]\n'
    path.write_text(f'[tables.trips]\npath = "trips.csv"\n{tables}\n{law}')
    return path


def test_laws_may_be_of_derived_columns(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'units = { seconds = "s", minutes = "min" }\ndrop_where = ["km <= 0", "note == \'z\'"]\n'
        '[tables.trips.derive]\nminutes = "seconds / 60"\nstart_h = "hour(pickup)"',
    )
    scenario = ko.load_scenario(path)
    trips = scenario.tables["trips"]
    assert units_of(trips)["minutes"] == "min"
    assert units_of(trips)["start_h"] == "h"
    assert len(trips) == 35
    told = [str(note) for note in scenario.reading_notes()]
    assert told[0].endswith("tables.trips: 5 of 40 rows left out: 5 × drop_where km <= 0")
    assert told[1].endswith("tables.trips: drop_where note == 'z': no row is so")


def test_every_mistake_is_told_at_its_line(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'drop_where = ["kms <= 0",\n  "km >= 0"]\n[tables.trips.derive]\nminutes = "secs / 60"\n'
        'start_h = "hour(note)"\nkm = "km * 2"\na = "b"\nb = "a"',
    )
    with pytest.raises(ScenarioError) as told:
        ko.load_scenario(path)
    found = {(issue.line, issue.key): issue.message for issue in told.value.issues}
    assert "did you mean 'km'" in found[3, "tables.trips.drop_where[1]"]
    assert "there is no column 'secs'" in found[6, "tables.trips.derive.minutes"]
    assert "made of itself" in found[8, "tables.trips.derive.km"]
    assert "comes back to 'a'" in found[9, "tables.trips.derive.a"]
    assert "comes back to 'b'" in found[10, "tables.trips.derive.b"]


def test_a_rule_that_drops_everything_is_a_mistake(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        'drop_where = ["km > 99", "km >= 0"]\n[tables.trips.derive]\nminutes = "seconds / 60"\n'
        'start_h = "hour(pickup)"',
    )
    with pytest.raises(
        ScenarioError, match=r"s.toml:3: tables.trips.drop_where\[2\]: 'km >= 0' holds of every"
    ):
        ko.load_scenario(path)


def test_a_what_if_adds_to_what_its_base_derives(tmp_path: Path) -> None:
    write(tmp_path, '[tables.trips.derive]\nminutes = "hours * 60"\nstart_h = "hour(pickup)"')
    path = tmp_path / "more.toml"
    path.write_text(
        '[scenario]\nbase = "s.toml"\n[tables.trips.derive]\nhours = "seconds / 3600"\n'
        '[tables.trips]\ndrop_where = ["km > 5"]'
    )
    trips = ko.load_scenario(path).tables["trips"]
    assert list(report_of(trips).derived) == ["start_h", "hours", "minutes"]
    assert trips["km"].max() == 5
