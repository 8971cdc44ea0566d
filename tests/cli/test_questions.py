"""The commands that ask a scenario many times, and ``--set`` and ``--scale`` of other commands."""

import json
import math
import signal
from importlib import import_module
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from scipy.stats import norm

from kanopt.errors import SolverError
from kanopt.interrupt import Interrupt
from kanopt.scenarios import load_scenario
from tests.cases.choice_scenario import PRICE, choice
from tests.cases.command_line import edit


def test_sweep_prints_a_table_and_writes_points(case, cli):
    code, out, err = cli(
        "sweep", "case.toml", "--set", "vehicles[name=van].fixed_cost=10:30:3", "--plan", "kept", "--out", "s"
    )
    assert code == 0
    assert "Case: what if vehicles[name=van].fixed_cost is 10 to 30" in out
    assert "solving: Case" in err
    frame = pd.read_csv(case / "s" / "case_sweep_points.csv")
    assert frame["vehicles[name=van].fixed_cost"].tolist() == [10.0, 20.0, 30.0]
    assert frame["change"].tolist() == pytest.approx([-10.0, 0.0, 10.0])
    assert len((case / "s" / "points.jsonl").read_text().splitlines()) == 5
    assert out.splitlines()[-3:] == [
        f"points: {Path('s') / 'case_sweep_points.csv'}",
        f"costs: {Path('s') / 'case_sweep_costs.csv'}",
        f"report: {Path('s') / 'case_sweep.html'}",
    ]
    # gone on with in a folder that holds the report
    again = ["sweep", "case.toml", "--set", "vehicles[name=van].fixed_cost=10:30:3", "--plan", "kept"]
    assert cli(*again, "--out", "s")[2].startswith("3 points from s")
    assert not (case / "s" / "case_sweep_2.html").exists()


def test_an_answer_takes_the_place_of_no_other(case, cli):
    for word in ("sweep", "tornado"):
        arguments = [word, "case.toml", "--plan", "kept", "--quiet", "--set", "vehicles.fixed_cost=10:30:3"]
        for number in ("", "_2", "_3"):
            page = Path("reports") / f"case_{word}{number}.html"
            assert cli(*arguments)[1].splitlines()[-1] == f"report: {page}"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("sweep --set num_available", "must be PATH=VALUES"),
        ("sweep --set vehicles.num_avialable=1", "did you mean 'num_available'"),
        ("sweep --set vehicles.num_available=1 --scale vehicles.num_available=2", "contradict each other"),
        ("sweep --set vehicles.num_available=inf", "vehicles.num_available: a value is a finite number"),
        (
            "sweep --set vehicles.num_available=1:2:1",
            "vehicles.num_available: the number of points of a grid is",
        ),
        ("sweep --set vehicles.num_available=1 --plan today", "names no plan of today"),
        ("tornado", "nothing is varied"),
        ("tornado --set vehicles.num_available=1", "has a low and a high value"),
        ("switch-points --set vehicles.num_available=1", "between two numbers or more"),
        ("risk --draws 5", "5 is not in the range"),
        ("risk --set vehicles.num_available=1,2,3", "takes one value here; kanopt sweep takes several"),
        (
            "compare --set vehicles.fuel_price=1,65",
            "sweep takes several; write decimals with a point, as 1.65",
        ),
        ("risk --uncertain travle=0.1", "nothing is called 'travle'; did you mean 'travel'?"),
        ("risk --uncertain travel", "--uncertain is WORD=VALUE"),
        ("risk --uncertain travel=-1", "travel"),
        ("risk", "nothing of this plan is uncertain"),
        ("monte-carlo", "uncertain"),
    ],
)
def test_bad_input_is_told(case, cli, command, message):
    name, *options = command.split()
    code, _, err = cli(name, "case.toml", *options)
    assert code == 2
    assert message in err


def test_other_commands_take_changes(case, cli):
    code, out, _ = cli("solve", "case.toml", "--json", "--quiet", "--scale", "vehicles.fixed_cost=2")
    assert code == 0
    assert json.loads(out)["terms"]["fixed"] == pytest.approx(40.0)
    code, out, _ = cli("compare", "case.toml", "--set", "vehicles.fixed_cost=30", "--repeats", "1")
    assert code == 0
    assert "vehicles.fixed_cost is 30 instead of 20" in out
    code, _, err = cli("run", "case.toml", "--set", "vehicles.num_available=1:2:2")
    assert code == 2
    assert "takes one value here; kanopt sweep takes several" in err


def test_tornado_prints_json_and_csv_of_the_same_effects(case, cli):
    arguments = ["tornado", "case.toml", "--set", "vehicles.fixed_cost=10:50", "--plan", "kept", "--quiet"]
    code, out, _ = cli(*arguments, "--scale", "surrogates.fuel=0.9:1.1", "--out", "o", "--export", "xlsx")
    assert code == 0
    assert "2 inputs one at a time, the others as they are; the same plan" in out
    assert out.splitlines()[-3:] == [
        f"inputs: {Path('o') / 'case_tornado_inputs.csv'}",
        f"report: {Path('o') / 'case_tornado.html'}",
        f"workbook: {Path('o') / 'case_tornado.xlsx'}",
    ]
    assert openpyxl.load_workbook(case / "o" / "case_tornado.xlsx").sheetnames == ["Summary", "inputs"]
    frame = pd.read_csv(case / "o" / "case_tornado_inputs.csv")
    assert frame["path"].tolist() == ["vehicles.fixed_cost", "surrogates.fuel ×"]
    assert frame.loc[0, ["low_effect", "high_effect"]].tolist() == pytest.approx([-10, 30])
    code, out, _ = cli(*arguments, "--json", "--report", "t.html")
    told = json.loads(out)
    assert code == told["exit_code"] == 0
    assert told["inputs"][0]["swing"] == pytest.approx(40.0)
    assert (told["files"], told["report"]) == ({}, "t.html")
    assert "Case: what moves the price most?" in (case / "t.html").read_text()


def test_switch_points_say_where_it_tips(tmp_path, monkeypatch, cli):
    choice(tmp_path, "250 * price * (1 - n) + 480 * n", high=1)
    monkeypatch.chdir(tmp_path)
    code, out, _ = cli(
        "switch-points", "choice.toml", "--set", f"{PRICE}=1.2:3", "--quiet", "--json", "--out", "o"
    )
    told = json.loads(out)
    assert (code, told["scenario"]) == (0, "Choice")
    assert told["sentences"] == [f"{PRICE} from 1.92 on: n: 1 instead of 0"]
    assert [row["switch_point"] for row in told["switch_points"]] == pytest.approx([1.92])
    assert told["files"]["switch_points"] == str(Path("o") / "choice_switch_points_switch_points.csv")
    assert pd.read_csv("o/choice_switch_points_switch_points.csv")["decision"].tolist() == ["n"]


@pytest.mark.slow
def test_risk_drives_the_plan_that_is_found_or_todays(case, cli):
    (case / "routes.csv").write_text("vehicle,index,stop,client\nvan,1,1,east\nvan,1,2,north\n")
    edit(
        case / "case.toml",
        "[solver]",
        '[problem.today]\ntable = "routes"\n[tables.routes]\npath = "routes.csv"\n[solver]',
    )
    # ten minutes after leaving at seven, with a standard deviation of one minute
    edit(case / "clients.csv", "east,5,0,0.6,420,1020", "east,5,0,0.6,420,431")
    arguments = ["risk", "case.toml", "--uncertain", "travel=0.1", "--draws", "4000", "--quiet"]
    code, out, _ = cli(*arguments, "--plan", "today", "--json")
    told = json.loads(out)
    assert code == told["exit_code"] == 0
    rows = {row["client"]: row for row in told["stops"]}
    assert rows["east"]["on_time"] == pytest.approx(norm.cdf(1.0), abs=4 * rows["east"]["error"])
    assert (told["draws"], list(rows)) == (4000, ["east", "north"])
    code, out, _ = cli(*arguments, "--scale", "vehicles.fixed_cost=2", "--out", "o")
    assert code == 0
    assert out.startswith(
        "Case: how sure is the plan?\n  changed: vehicles.fixed_cost rises by 100 %\n\nOf 4,000 days on which the plan"
    )
    assert pd.read_csv(case / "o" / "case_risk_stops.csv")["client"].tolist() == ["east", "north"]
    assert "(planned 44.62)" in out


@pytest.mark.slow
def test_exit_codes_are_those_of_the_plan_that_is_asked_about(case, cli):
    edit(case / "vehicles.csv", "van,2,1.2", "van,1,0.7")
    arguments = ["case.toml", "--set", "vehicles.fixed_cost=10:30", "--quiet", "--time-limit", "0.3"]
    for command in ("sweep", "tornado", "switch-points"):
        values = (
            arguments if command != "sweep" else [*arguments[:2], "vehicles.fixed_cost=10,30", *arguments[3:]]
        )
        assert cli(command, *values)[0] == 3, command
    assert cli("risk", "case.toml", "--quiet", "--time-limit", "0.3", "--uncertain", "travel=0.1")[0] == 3


@pytest.mark.slow
def test_without_a_plan_there_is_nothing_to_ask_about(tmp_path, monkeypatch, cli):
    choice(tmp_path, "n + price")
    limit = '[problem.limits.most]\nlaw = "cost"\nat_most = -1\n'
    edit(tmp_path / "choice.toml", "[problem.bind]", f"{limit}[problem.bind]")
    monkeypatch.chdir(tmp_path)
    code, out, err = cli("tornado", "choice.toml", "--set", f"{PRICE}=1:2", "--quiet")
    assert (code, out) == (3, "")
    assert "tornado: 'Choice' has no plan as it is (infeasible); 'kanopt solve' says why" in err
    for command in ("risk", "monte-carlo"):
        code, out, err = cli(
            command,
            "choice.toml",
            "--quiet",
            "--json",
            *(["--set", f"{PRICE}=1:2"] if command != "risk" else []),
        )
        told = json.loads(out)
        assert code == told["exit_code"] == 3
        assert (told["scenario"], told["status"]) == ("Choice", "infeasible")
        assert "has no plan as it is (infeasible)" in told["message"]
        assert told["message"] in err


@pytest.mark.parametrize("command", ["tornado", "switch-points", "sweep"])
def test_ctrl_c_in_the_first_search_gives_what_there_is(case, cli, monkeypatch, command):
    module = import_module("kanopt.engines.solve")
    real = module.search_and_assess

    def pressed(*arguments):
        signal.raise_signal(signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(module, "search_and_assess", pressed)
    monkeypatch.setattr(Interrupt, "_last_asked", -math.inf)
    code, out, err = cli(command, "case.toml", "--set", "vehicles.fixed_cost=10:50:3", "--json")
    assert code == json.loads(out)["exit_code"] == 130
    assert err.count("stopping in order") == 1
    monkeypatch.setattr(Interrupt, "_last_asked", -math.inf)
    assert "Stopped." in cli(command, "case.toml", "--set", "vehicles.fixed_cost=10:50:3")[1]


@pytest.mark.slow
def test_monte_carlo_compares_plans_in_all_draws(case, cli):
    (case / "routes.csv").write_text("vehicle,index,stop,client\nvan,1,1,east\nvan,2,1,north\n")
    edit(
        case / "case.toml",
        "[solver]",
        '[problem.today]\ntable = "routes"\n[tables.routes]\npath = "routes.csv"\n[solver]',
    )
    arguments = ["monte-carlo", "case.toml", "--plan", "today", "--draws", "20", "--candidates", "1"]
    code, out, _ = cli(*arguments, "--set", "vehicles.fixed_cost=10:30", "--quiet", "--json", "--out", "o")
    told = json.loads(out)
    assert code == 0
    kept, other = told["plans"]
    assert (kept["cheapest"], other["cheapest"]) == (0.0, 1.0)  # one van does what two do today
    assert kept["regret"] == pytest.approx(20.0 + 0.3 * (18 - 9 - 41**0.5), rel=0.1)
    assert told["report"] == str(Path("o") / "case_monte_carlo.html")
    assert pd.read_csv("o/case_monte_carlo_draws.csv")["vehicles.fixed_cost"].between(10, 30).all()
    assert set(told["files"]) == {"plans", "decisions", "draws"}


def test_an_address_of_a_cluster_reaches_the_question(case, cli, monkeypatch):
    asked = []

    def refuse(given, **_):
        asked.append(given)
        raise SolverError(f"no Dask scheduler answers at {given!r}")

    monkeypatch.setattr("kanopt.questions.point_search.cluster", refuse)
    axis = [
        "sweep",
        "case.toml",
        "--plan",
        "kept",
        "--set",
        "vehicles.num_available=1,2",
        "--dask",
        "tcp://host:8786",
    ]
    code, _, err = cli(*axis)
    assert (code, asked) == (1, ["tcp://host:8786"])
    assert "no Dask scheduler answers at 'tcp://host:8786'" in err
    code, _, err = cli(*axis, "--workers", "2")
    assert code == 2
    assert "dask: takes the place of 2 workers" in err


def test_rows_are_taken_out_as_in_python(case, cli):
    scenario = load_scenario("case.toml")
    code, out, _ = cli("solve", "case.toml", "--remove", "clients[name=east]", "--json", "--quiet")
    assert code == 0
    assert json.loads(out)["coverage"]["things"] == len(scenario.tables["clients"]) - 1
    code, _, err = cli("run", "case.toml", "--remove", "clients")
    assert code == 2
    assert "changes: clients: names no rows of a table; write which, such as clients[name=c01]" in err


def test_days_plans_a_file_of_orders_and_goes_on_where_it_was(case, cli):
    (case / "orders.csv").write_text(
        "day,client\n2026-03-02,east\n2026-03-02,north\n2026-03-03,east\n2026-03-03,nobody\n"
    )
    arguments = ["days", "case.toml", "--orders", "orders.csv", "--hire", "50", "--out", "o"]
    arguments += ["--set", "vehicles.fixed_cost=10"]
    code, out, _ = cli(*arguments, "--json", "--quiet")
    told = json.loads(out)
    assert code == told["exit_code"] == 3  # nobody knows where nobody is
    assert any("nobody" in text for text in told["cautions"])
    assert [row["unserved"] for row in told["days"]] == [0, 1, 0, 1]
    assert set(told["files"]) == {"days", "intervals", "fleet"}
    assert told["report"] == str(Path("o") / "case_days.html")
    code, out, err = cli(*arguments)
    assert "4 points from" in err
    assert "variant" in out
    for hire in ("lorry=5", "much"):
        assert cli(*arguments[:4], "--hire", hire)[0] == 2
