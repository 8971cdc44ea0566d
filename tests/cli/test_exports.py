"""--export: files beside the report, named, and refused before anything is done where they cannot be written."""

import json
from pathlib import Path

import pytest

from tests.cases.command_line import left_behind

TABLES = [f"case_tables/{name}.csv" for name in ("costs", "figures", "plan", "timetable", "vehicles")]


def on_earth(case):
    (case / "depots.csv").write_text("name,lat,lon\nhub,52.5,13.4\n")
    (case / "clients.csv").write_text("name,lat,lon,demand\nnorth,52.53,13.4,0.5\neast,52.5,13.45,0.6\n")


def test_run_writes_every_format_beside_the_report(case, cli):
    on_earth(case)
    options = "--out o --export xlsx,geojson,csv,md,orders --quiet --time-limit 0.2"
    code, out, _ = cli("run", "case.toml", *options.split())
    assert code == 0
    files = ["case.xlsx", "case.geojson", *TABLES, "case.md", "case_orders.html"]
    told = [line for line in out.splitlines() if line.startswith("export: ")]
    assert sorted(told) == sorted(f"export: {Path('o') / file}" for file in files)
    assert all((case / "o" / file).is_file() for file in files)


def test_solve_writes_them_beside_the_plan(case, cli):
    options = "--out o/plan.csv --export md --json --quiet --time-limit 0.2"
    code, out, _ = cli("solve", "case.toml", *options.split())
    assert code == 0
    assert json.loads(out)["exports"] == [str(Path("o") / "case.md")]
    assert left_behind(case) == ["o/case.md", "o/plan.csv"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("run case.toml --export xslx", "there is no export 'xslx'"),
        ("run case.toml --out o --export md", "case.md: this is a folder"),
        ("run case.toml --export geojson,md", "give every place a lat and a lon in degrees"),
        ("run case.toml --report case.md --export md", "would be written twice"),
        ("solve x.vrp --export md", "--export goes with a scenario"),
    ],
)
def test_what_cannot_be_is_refused_first(case, cli, arguments, words):
    (case / "o" / "case.md").mkdir(parents=True)
    (case / "x.vrp").write_text("NAME : x\n")
    before = left_behind(case)
    code, out, err = cli(*arguments.split())
    assert (code, out) == (2, "")
    assert words in " ".join(err.split())
    assert left_behind(case) == before
