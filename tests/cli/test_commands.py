"""The command line as an analyst meets it: exit codes, messages, files, and never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from kanopt.cli import main
from tests.cases.command_line import FILES, LEARNED, edit, left_behind, start


def test_run_prints_the_laws_and_names_the_report_last(case, cli):
    code, out, err = cli("run", "case.toml")
    assert code == 0
    assert "minutes [min] = 2 · km" in out
    assert out.splitlines()[-1] == f"report: {Path('reports') / 'case.html'}"
    assert "solving: Case" in err
    assert (case / "reports" / "case.html").read_text().lstrip().startswith("<!")
    assert left_behind(case) == ["reports/case.html"]


def test_solve_plans_routes_with_or_tools_where_it_is_asked(case, cli):
    code, out, _ = cli("solve", "case.toml", "--solver", "ortools", "--time-limit", "1")
    assert code == 0
    assert "OR-Tools routing" in out
    code, _, err = cli("solve", "case.toml", "--solver", "gurobi")
    assert code == 2
    assert "'gurobi' is not 'ortools'" in err


def test_run_out_writes_plan_and_laws_beside_the_report(case, cli):
    code, out, err = cli("run", "case.toml", "--out", "o", "--quiet")
    assert (code, err) == (0, "")
    assert left_behind(case) == ["o/case.html", "o/case_plan.csv", "o/laws/fuel.json", "o/laws/minutes.json"]
    assert (case / "o/case_plan.csv").read_text().splitlines()[0].startswith("vehicle,index")
    assert out.endswith(f"report: {Path('o') / 'case.html'}\n")


def test_run_json_is_one_object_on_stdout(case, cli):
    code, out, _ = cli(
        "run", "case.toml", "--json", "--report", "r.html", "--seed", "9", "--time-limit", "0.5"
    )
    told = json.loads(out)
    assert code == told["exit_code"] == 0
    assert told["report"] == "r.html"
    assert told["seed"] == 9
    assert sum(told["terms"].values()) == pytest.approx(told["objective"])
    law = told["laws"]["fuel"]
    assert (law["formula"], law["unit"], law["inputs"], law["fit"]) == ("0.3 · km", "EUR", {"km": "km"}, None)


def test_compare_takes_a_base_and_variants_or_a_variant_alone(case, cli):
    code, out, _ = cli("compare", "case.toml", "dear.toml", "--repeats", "1")
    assert code == 0
    assert "Case:" in out
    assert "Dear:" in out
    assert out.splitlines()[-1] == f"report: {Path('reports') / 'case_vs_dear.html'}"
    code, out, _ = cli("compare", "case.toml", "--scale", "surrogates.fuel=1.1", "--repeats", "1")
    assert code == 0
    assert out.splitlines()[-1] == f"report: {Path('reports') / 'case_compared.html'}"
    code, alone, _ = cli("compare", "dear.toml", "--repeats", "1", "--json", "--out", "o", "--export", "xlsx")
    assert code == 0
    told = json.loads(alone)
    assert openpyxl.load_workbook(told["files"]["workbook"]).sheetnames[:2] == ["Summary", "costs"]
    assert told["base"] == "Case"
    assert told["steps"][0]["data_effect"] == pytest.approx(20.0)
    assert told["steps"][0]["noise"] is None
    code, _, err = cli("compare", "case.toml")
    assert code == 2
    assert "names no base to compare it with" in err


def test_a_law_whose_units_do_not_agree_is_told_wherever_it_is_used(case, cli):
    edit(
        case / "case.toml",
        '"0.3 * km"\ninputs = { km = "km" }',
        '"minutes * wage"\ninputs = { wage = "EUR/h" }',
    )
    edit(case / "case.toml", 'bind = { km = "arc.distance" }', 'bind = { km = "arc.distance", wage = 20 }')
    wrong = (
        "the units do not agree: minutes · wage is in min·EUR/h, but fuel is declared in EUR: convert first "
        "(1 EUR = 60 min·EUR/h)"
    )
    warning = f"warning: case.toml:17: surrogates.fuel.formula: {wrong}"
    for command in ("check", "run"):
        _, out, err = cli(command, "case.toml")
        assert err.splitlines().count(warning) == 1, command
        assert (wrong in out) == (command == "run"), command
    assert wrong in (case / "reports" / "case.html").read_text()


def test_fit_saves_laws_that_a_scenario_reads(case, cli):
    code, out, _ = cli("fit", "case.toml", "--out", "laws")
    assert code == 0
    assert "fuel [EUR] = 0.3 · km" in out
    assert f"report: {Path('laws') / 'laws.html'}" in out.splitlines()
    assert out.splitlines()[-1] == f"law: {Path('laws') / 'fuel.json'}"
    page = (case / "laws" / "laws.html").read_text("utf-8")
    assert "<h1>The 2 laws of minutes and fuel</h1>" in page
    assert "fuel = 0.3 · km" in page
    edit(
        case / "case.toml",
        'formula = "0.3 * km"\ninputs = { km = "km" }\nunit = "EUR"',
        'file = "laws/fuel.json"',
    )
    code, out, _ = cli("solve", "case.toml", "--out", "plan.csv")
    assert code == 0
    assert out.splitlines()[-1] == "plan: plan.csv"
    assert (case / "plan.csv").exists()


def test_laws_are_learned_without_a_problem(case, cli):
    rows = "".join(f"{k / 2},{k * 1.5}\n" for k in range(1, 61))
    (case / "trips.csv").write_text("km,minutes\n" + rows)
    law = f"{LEARNED}\nnetwork = {{ hidden = [], starts = 1 }}\n"
    (case / "laws.toml").write_text(law + '[surrogates.pay]\nformula = "2 * minutes"\nunit = "EUR"\n')
    code, out, err = cli("check", "laws.toml")
    assert (code, out, err) == (0, "laws.toml: no mistakes (1 table, 2 laws)\n", "")
    code, out, err = cli("fit", "laws.toml", "--out", "laws")
    assert code == 0, err
    assert (case / "laws" / "minutes.json").exists()
    assert (case / "laws" / "pay.json").exists()
    for command in ("run", "solve", "compare"):
        code, out, err = cli(command, "laws.toml", *["case.toml"] * (command == "compare"))
        assert (code, out) == (2, ""), command
        assert "laws.toml: problem: the section [problem] is missing" in err, command


def law_file(case, more=""):
    """Write a scenario of one law of trips.csv, without a plan."""
    (case / "one.toml").write_text(
        '[scenario]\nname = "one"\n[tables.trips]\npath = "trips.csv"\n[surrogates.minutes]\ntable = "trips"\n'
        f'target = "minutes"\nfeatures = ["km"]\n{more}\n'
    )


def test_fit_says_which_rows_hold_a_law_back(case, cli, monkeypatch):
    rows = "".join(f"{0 if k % 40 == 0 else k % 37 + 1},{3 * (k % 37) + 5 + k % 3}\n" for k in range(1, 401))
    (case / "trips.csv").write_text(f"km,minutes\n{rows}")
    for name, value in {"FORCE_COLOR": "1", "TERM": "xterm", "COLUMNS": "90"}.items():
        monkeypatch.setenv(name, value)
    law_file(case, "min_r2 = 0")
    code, out, err = cli("fit", "one.toml", "--out", "laws")
    assert code == 0, err
    told = 'rows, at zero, hold the law back: drop_where = ["km <= 0"]; '
    assert told in " ".join(out.split())
    assert "drop_where" in (case / "laws" / "laws.html").read_text("utf-8")
    law_file(case, "min_r2 = 0.9999")
    code, _, err = cli("fit", "one.toml")
    assert code == 5
    assert told in " ".join(err.split())


def test_check_names_every_mistake_of_every_file(case, cli):
    edit(case / "case.toml", "time_limit", "time_limt")
    edit(case / "case.toml", 'unit = "min"', 'unit = "minuts"')
    (case / "good.toml").write_text(FILES["case.toml"])
    code, out, _ = cli("check", "good.toml", "case.toml")
    assert code == 2
    assert out.splitlines()[0] == "good.toml: no mistakes (routing, 3 tables, 2 laws)"
    assert "surrogates.minutes.unit: unknown unit 'minuts'" in out
    assert "case.toml:35: solver.time_limt: unknown key; did you mean 'time_limit'?" in out
    code, out, _ = cli("check", "case.toml", "--json")
    assert [(issue["kind"], issue["line"]) for issue in json.loads(out)] == [("mistake", 14), ("mistake", 35)]


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("case.toml", 'kind = "routing"', "kind = routing", "case.toml:22: not TOML"),
        ("case.toml", '"2 * km"', '"2 * kmm"', "unknown name 'kmm'"),
        ("case.toml", 'path = "clients.csv"', 'path = "client.csv"', "tables.clients.path"),
        ("clients.csv", "420,1020\neast", "1020,420\neast", "the window closes before it opens"),
        ("vehicles.csv", "van,2", "van,2.5", "2.5"),
    ],
)
@pytest.mark.parametrize("command", ["run", "check"])
def test_bad_input_is_told_and_leaves_nothing_behind(case, cli, command, file, old, new, words):
    edit(case / file, old, new)
    code, out, err = cli(command, "case.toml")
    assert code == 2
    assert words in (out if command == "check" else err)
    assert left_behind(case) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("east,5,0,0.6", "east,5,0,7.5", "7.5 t"),
        ("east,5,0,0.6", "east,500,0,0.6", "east"),
    ],
)
def test_a_client_that_cannot_be_served_is_exit_3_with_a_reason_plan_and_report(case, cli, old, new, words):
    edit(case / "clients.csv", old, new)
    code, out, _ = cli("run", "case.toml", "--out", "o")
    assert code == 3
    assert out.index("left out: east") < out.index("It costs")
    assert words in out
    assert {"o/case.html", "o/case_plan.csv"} <= set(left_behind(case))
    assert json.loads(cli("solve", "case.toml", "--json")[1])["status"] == "partial"


def test_a_refused_law_is_exit_5_at_its_line(case, cli):
    noise = [7, 1, 9, 3, 8, 2, 6, 4, 5, 0]
    (case / "trips.csv").write_text(
        "km,minutes\n" + "".join(f"{k},{noise[k * 7 % 10]}\n" for k in range(1, 61))
    )
    law = LEARNED + "\nmin_r2 = 0.9"
    edit(
        case / "case.toml",
        '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"',
        law,
    )
    code, out, err = cli("run", "case.toml")
    assert code == 5
    assert out == ""
    assert "case.toml:13: surrogates.minutes: " in err
    assert "refused" in err
    assert left_behind(case) == ["trips.csv"]


def test_no_plan_within_the_limit_is_exit_4(case, cli, monkeypatch):
    from kanopt import Result, Status

    def nothing(problem, options, _solver):
        return Result(problem, None, Status.NO_PLAN, None, None, "none")

    monkeypatch.setattr(sys.modules["kanopt.engines.solve"], "search_and_assess", nothing)
    code, out, _ = cli("run", "case.toml")
    assert code == 4
    assert out.splitlines()[-1].startswith("report: ")


def test_a_fault_of_ours_is_one_line_and_how_to_see_more(case, cli, monkeypatch, capsys):
    monkeypatch.setenv("KANOPT_DEBUG", "")

    def broken(*arguments, **options):
        raise RuntimeError("wheel fell off")

    monkeypatch.setattr("kanopt.scenarios.run.solve_problem", broken)
    code, out, err = cli("run", "case.toml", "--quiet")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "kanopt failed: RuntimeError: wheel fell off",
        "This is a fault of kanopt, not of your files. Run it again with KANOPT_DEBUG=1 for the traceback.",
    ]
    monkeypatch.setenv("KANOPT_DEBUG", "1")
    with pytest.raises(SystemExit):
        main(["run", "case.toml", "--quiet"])
    assert "Traceback" in capsys.readouterr().err
    monkeypatch.delenv("KANOPT_DEBUG")


def test_bad_usage_is_exit_2_with_a_hint(case, cli):
    assert cli("rum")[0] == 2
    for seconds in ("-1", "nan"):
        code, _, err = cli("run", "case.toml", "--time-limit", seconds)
        assert (code, "--time-limit" in err) == (2, True)
    assert cli("run", "nowhere.toml")[2].startswith("nowhere.toml: no such file")
    assert cli("run", str(case))[2].endswith("is a folder, not a scenario file\n")


HEAVY = "torch ortools highspy pint scipy sympy matplotlib sklearn"


@pytest.mark.parametrize(
    ("arguments", "heavy"), [("--version", f"{HEAVY} pandas pydantic rich"), ("check case.toml", HEAVY)]
)
def test_what_is_soon_done_loads_nothing_heavy(case, arguments, heavy):
    code = (
        f"import sys, runpy\nsys.argv = ['kanopt', *{arguments.split()}]\n"
        "try: runpy.run_module('kanopt', run_name='__main__')\nexcept SystemExit: pass\n"
        f"print(set({heavy.split()}) & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=case)
    assert done.stdout.splitlines()[-1] == "set()"


@pytest.mark.slow
def test_a_reader_that_goes_away_is_no_error(case):
    with start(case, "check", *["case.toml"] * 2) as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        told = process.stderr.read()
    assert process.returncode in (0, 141)
    assert "Traceback" not in told
    assert "Exception ignored" not in told


@pytest.mark.slow
def test_a_law_is_learned_once_and_again_when_asked(case, cli, empty_cache):
    (case / "trips.csv").write_text("km,minutes\n" + "".join(f"{k},{2 * k}\n" for k in range(1, 60)))
    law = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
    edit(case / "case.toml", law, f"{LEARNED}\nnetwork = {{ hidden = [], starts = 1 }}\n")
    assert cli("cache")[:2] == (0, f"{empty_cache}: 0 learned laws, 0.0 MB\n")
    code, first, err = cli("fit", "case.toml")
    assert code == 0
    assert "learning law 'minutes'" in err
    for command in ("fit", "run", "compare"):
        files = ["case.toml", "dear.toml"] if command == "compare" else ["case.toml"]
        code, out, err = cli(command, *files)
        assert code == 0
        assert "law 'minutes' from the cache (learned " in err
        assert "learning" not in err
        assert command != "fit" or out == first
    assert "learning law 'minutes'" in cli("run", "case.toml", "--relearn")[2]
    assert cli("cache")[1].startswith(f"{empty_cache}: 1 learned law, ")
    assert cli("cache", "--clear")[1].startswith(f"{empty_cache}: removed 1 learned law, ")
    assert list(empty_cache.iterdir()) == []


def test_a_cache_that_is_a_file_is_told(cli, monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("KANOPT_CACHE_DIR", str(file))
    code, _, err = cli("cache")
    assert code == 2
    assert f"{file} is a file, not a folder; let KANOPT_CACHE_DIR name another" in err


def test_a_law_of_time_below_zero_where_the_plan_uses_it_refuses_the_plan_and_one_of_money_does_not(
    case, cli
):
    edit(case / "case.toml", '"0.3 * km"', '"0.3 * km - 2"')
    assert cli("run", "case.toml")[0] == 0
    edit(case / "case.toml", '"2 * km"', '"2 * km - 9"')
    code, _, err = cli("run", "case.toml", "--out", "refused")
    assert code == 5
    told = "duration (law 'minutes') falls to −1 min on 1 of 3 legs "
    assert told in err
    assert "(van 1: hub → north" in err
    assert "max(0, …)" in err
    assert not list(case.glob("refused/*"))
    assert cli("compare", "case.toml", "dear.toml")[0] == 5
    edit(case / "case.toml", '"2 * km - 9"', '"max(0, 2 * km - 9)"')
    assert cli("run", "case.toml")[0] == 0


def test_exports_do_not_go_among_the_tables_and_no_comparison_replaces_another(case, cli):
    for arguments in (("run", "case.toml", "--out", "."), ("solve", "case.toml", "--out", "plan.csv")):
        code, _, err = cli(*arguments, "--export", "xlsx")
        assert code == 2
        assert f"--export would write case.xlsx into {case}, where tables lie that are read" in err
        assert left_behind(case) == []
    assert cli("run", "case.toml", "--export", "md,xlsx")[0] == 2
    for demand in (2, 3):
        assert cli("compare", "case.toml", "--scale", f"clients.demand={demand}e-1", "--repeats", "1")[0] == 0
    assert left_behind(case) == ["reports/case_compared.html", "reports/case_compared_2.html"]
