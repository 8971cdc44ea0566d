"""--export: files beside the report, named, and refused before anything is done where they cannot be written."""

import json
from pathlib import Path

import pytest

from kanopt.cli import options
from kanopt.reports import EXPORTS
from tests.cases.command_line import FILES, left_behind

TABLES = [f"case_tables/{name}.csv" for name in ("costs", "figures", "plan", "timetable", "vehicles")]


def on_earth(case):
    (case / "depots.csv").write_text("name,lat,lon\nhub,52.5,13.4\n")
    (case / "clients.csv").write_text("name,lat,lon,demand\nnorth,52.53,13.4,0.5\neast,52.5,13.45,0.6\n")


def test_run_writes_every_format_beside_the_report(case, cli):
    on_earth(case)
    code, out, _ = cli(
        "run",
        "case.toml",
        "--out",
        "o",
        *(word for name in ("xlsx", "geojson", "csv", "md", "orders") for word in ("--export", name)),
        "--quiet",
        "--time-limit",
        "0.2",
    )
    assert code == 0
    files = ["case.xlsx", "case.geojson", *TABLES, "case.md", "case_orders.html"]
    told = [line for line in out.splitlines() if line.startswith("export: ")]
    assert sorted(told) == sorted(f"export: {Path('o') / file}" for file in files)
    assert all((case / "o" / file).is_file() for file in files)


def test_every_format_is_an_option():
    assert options.EXPORT.type.choices == tuple(EXPORTS)


def test_solve_writes_them_beside_the_plan(case, cli):
    code, out, _ = cli(
        "solve",
        "case.toml",
        "--out",
        "o/plan.csv",
        "--export",
        "md",
        "--json",
        "--quiet",
        "--time-limit",
        "0.2",
    )
    assert code == 0
    assert json.loads(out)["exports"] == [str(Path("o") / "case.md")]
    assert left_behind(case) == ["o/case.md", "o/plan.csv"]


def test_exports_that_cannot_be_are_refused_before_anything_is_learned(case, cli, monkeypatch):
    monkeypatch.setattr("kanopt.whatif.scenario.Scenario.run", lambda *_, **__: pytest.fail("it ran"))
    before = left_behind(case)
    for command in ("run", "solve"):
        code, out, err = cli(command, "case.toml", "--export", "geojson", "--export", "md", "--quiet")
        assert (code, out) == (2, "")
        assert "give every place a lat and a lon in degrees in place of x and y" in " ".join(err.split())
        assert left_behind(case) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("run case.toml --export xslx", "'xslx' is not one of"),
        ("run case.toml --out o --export md", "case.md: this is a folder"),
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


def test_what_a_plan_leaves_out_is_in_its_summary(case, cli):
    (case / "clients.csv").write_text(FILES["clients.csv"].replace("0.5", "9.5"))
    code, _, _ = cli("run", "case.toml", "--export", "md", "--quiet", "--time-limit", "0.2")
    assert code == 3
    assert "left out: north" in (case / "reports" / "case.md").read_text()


@pytest.mark.parametrize(
    ("command", "name", "option"),
    [("run", "case.xlsx", "--report"), ("run", "case.md", "--report"), ("compare", "case.xlsx", "--report")],
)
def test_a_report_and_an_export_of_one_name_are_refused_before_anything_is_done(
    case, cli, command, name, option
):
    export = name.rpartition(".")[2]
    files = ("case.toml", "dear.toml") if command == "compare" else ("case.toml",)
    code, _, err = cli(command, *files, option, name, "--export", export)
    assert code == 2
    assert f"{name} would be written twice, the second time over the first" in err
    assert "solving" not in err
    assert left_behind(case) == []
