"""``kanopt sweep``, and ``--set`` and ``--scale`` of other commands."""

import json

import pandas as pd
import pytest

from tests.cases.command_line import edit


def test_sweep_prints_a_table_and_writes_points(case, cli):
    code, out, err = cli(
        "sweep", "case.toml", "--set", "vehicles[name=van].fixed_cost=10:30:3", "--plan", "kept", "--out", "s"
    )
    assert code == 0
    assert "varied: vehicles[name=van].fixed_cost from 10 to 30" not in out
    assert "varied: vehicles[name=van].fixed_cost 10, 20, 30" in out
    assert "solving: Case" in err
    frame = pd.read_parquet(case / "s" / "points.parquet")
    assert frame["vehicles[name=van].fixed_cost"].tolist() == [10.0, 20.0, 30.0]
    assert frame["change"].tolist() == pytest.approx([-10.0, 0.0, 10.0])
    assert (case / "s" / "points-000001.parquet").is_file()
    assert out.splitlines()[-1] == f"points: {case.joinpath('s').relative_to(case) / 'points.parquet'}"


def test_sweep_reads_its_section(case, cli):
    edit(
        case / "case.toml",
        "[solver]",
        '[sweep]\nplan = "kept"\n[sweep.scale]\n"clients.demand" = "0.9:1.1:3"\n[solver]',
    )
    code, out, _ = cli("sweep", "case.toml", "--json", "--quiet")
    told = json.loads(out)
    assert code == told["exit_code"] == 0
    assert [point["clients.demand ×"] for point in told["points"]] == [0.9, 1.0, 1.1]
    # a path at the command line is asked instead
    code, out, _ = cli(
        "sweep", "case.toml", "--json", "--quiet", "--set", "vehicles.count=1,2", "--plan", "kept"
    )
    assert [point["vehicles.count"] for point in json.loads(out)["points"]] == [1.0, 2.0]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ('[sweep.set]\n"vehicles.fixed" = "1:2:3"', "sweep.set"),
        ('[sweep.set]\n"vehicles.count" = "1:2:1"', "two at least"),
        (
            '[sweep.set]\n"vehicles.count" = [1]\n[sweep.scale]\n"vehicles.count" = 2.0',
            "contradict each other",
        ),
        ('[sweep]\nplan = "old"', "sweep.plan"),
        ("[sweep]\nplan = 'kept'", "a sweep varies something"),
    ],
)
def test_check_names_mistakes_of_the_section(case, cli, section, message):
    edit(case / "case.toml", "[solver]", f"{section}\n[solver]")
    code, out, err = cli("check", "case.toml")
    assert code == 2
    assert message in out + err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "vehicles.count"], "must be PATH=VALUES"),
        (["--set", "vehicles.cuont=1"], "did you mean 'count'"),
        (["--set", "vehicles.count=1", "--scale", "vehicles.count=2"], "contradict each other"),
        (["--set", "vehicles.count=1", "--samples", "3"], "samples belong to design='latin'"),
        (["--set", "vehicles.count=inf"], "vehicles.count: a value is a finite number"),
        (["--set", "vehicles.count=1:2:1"], "vehicles.count: a grid has"),
        ([], "nothing is varied"),
        (["--set", "vehicles.count=1", "--plan", "today"], "names no plan of today"),
    ],
)
def test_bad_input(case, cli, arguments, message):
    code, _, err = cli("sweep", "case.toml", *arguments)
    assert code == 2
    assert message in err


def test_help_shows_examples_as_they_are_written(cli):
    _, out, _ = cli("sweep", "--help")
    assert "  kanopt sweep FILE --set vehicles.fuel_price=1.0:2.0:11\n" in out
    assert "\\b" not in out


def test_other_commands_take_changes(case, cli):
    code, out, _ = cli("solve", "case.toml", "--json", "--quiet", "--scale", "vehicles.fixed_cost=2")
    assert code == 0
    assert json.loads(out)["terms"]["fixed"] == pytest.approx(40.0)
    code, out, _ = cli("compare", "case.toml", "--set", "vehicles.fixed_cost=30", "--repeats", "1")
    assert code == 0
    assert "vehicles.fixed_cost is 30 instead of 20" in out
    code, _, err = cli("run", "case.toml", "--set", "vehicles.count=1:2:2")
    assert code == 2
    assert "takes one value here; kanopt sweep takes several" in err
