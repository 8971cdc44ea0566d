"""The command line as an analyst meets it: exit codes, messages, files, and never a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import openpyxl
import pytest

from kanopt.cli import main
from kanopt.formulas import Formula
from tests.cases.command_line import FILES, LEARNED, edit, left_behind, start

FIT = ("fit", "--table", "trips.csv", "--target", "minutes", "--features")


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
    assert told["laws"]["fuel"] == {
        "formula": "0.3 · km",
        "unit": "EUR",
        "inputs": {"km": "km"},
        "constants": [],
        "rivals": [],
        "fit": None,
        "trusted": True,
        "verdict": None,
        "note": "written by hand: 0.3 * km",
        "cleaning": [],
    }


def test_run_plans_the_usual_variants_where_it_is_asked(case, cli):
    code, out, err = cli("run", "case.toml", "--time-limit", "0.3", "--variants")
    assert code == 0
    assert "variants and the plan itself, 2 searches each: at most " in err
    assert "If the fleet or demand were other, planned anew:\n  " in out
    code, out, _ = cli("run", "case.toml", "--json")
    assert json.loads(out)["variants"] is None


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
    assert openpyxl.load_workbook(told["workbook"]).sheetnames[:2] == ["Summary", "costs"]
    assert told["base"] == "Case"
    assert told["steps"][0]["data_effect"] == pytest.approx(20.0)
    assert told["steps"][0]["noise"] is None
    code, _, err = cli("compare", "case.toml")
    assert code == 2
    assert "names no base to compare it with" in err


@pytest.mark.slow
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
    for command in ("check", "run", "solve", "fit"):
        _, out, err = cli(command, "case.toml")
        assert err.splitlines().count(warning) == 1, command
        assert (wrong in out) == (command in ("run", "fit")), command
    assert wrong in (case / "reports" / "case.html").read_text()
    laws = json.loads(cli("run", "case.toml", "--json", "--quiet")[1])["laws"]
    assert laws["fuel"]["note"] == f"written by hand: minutes * wage; {wrong}"
    assert laws["minutes"]["note"] == "written by hand: 2 * km"
    _, out, err = cli("compare", "dear.toml", "--repeats", "1")
    assert err.splitlines().count(warning) == 1


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


def test_a_law_that_fit_saves_keeps_what_was_decided_by_hand(case, cli):
    rows = "".join(f"{k},{4 + 3 * k**0.5 + 0.01 * (k % 3)}\n" for k in range(1, 61))
    (case / "trips.csv").write_text("km,fuel\n" + rows)
    edit(
        case / "case.toml",
        'formula = "0.3 * km"\ninputs = { km = "km" }\nunit = "EUR"',
        'table = "trips"\ntarget = "fuel"\nfeatures = ["km"]\nnetwork = { hidden = [], starts = 1 }\n'
        'pin = { km = "log" }\nforbid = ["exp", "sine"]\n\n[tables.trips]\npath = "trips.csv"\n'
        'units = { km = "km", fuel = "EUR" }',
    )
    code, _, err = cli("fit", "case.toml", "--out", "laws")
    assert code == 0, err
    law = Formula.load(case / "laws" / "fuel.json")
    assert law.provenance["pinned"] == "km: log"
    assert law.provenance["forbidden"] == "exp, sine"
    assert "log(" in str(law)
    edit(case / "case.toml", 'pin = { km = "log" }', 'pin = { km = "logg" }')
    code, out, err = cli("check", "case.toml")
    assert code == 2
    assert "surrogates.fuel.pin.km: unknown operator 'logg'; did you mean 'log'?" in out + err


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
    missing = (
        "laws.toml: problem: the section [problem] is missing; it says what is to be decided: write [problem] with "
        "kind = 'routing', 'scheduling', 'supply' or 'decision', and the tables and laws of that kind; kanopt fit "
        "learns laws without it\n"
    )
    for command in ("run", "solve", "compare"):
        code, out, err = cli(command, "laws.toml", *["case.toml"] * (command == "compare"))
        assert (code, out) == (2, ""), command
        assert err == missing, command


def test_a_file_with_neither_laws_nor_a_problem_and_changes_of_nothing_are_mistakes(case, cli):
    (case / "empty.toml").write_text('[scenario]\nname = "Empty"\n')
    assert "empty.toml: problem: the section [problem] is missing" in cli("check", "empty.toml")[1]
    change = '[[changes]]\nscale = "trips.km"\nby = 2\n'
    (case / "trips.csv").write_text("km,minutes\n1,2\n2,4\n3,6\n4,8\n5,9\n6,9\n")
    (case / "laws.toml").write_text(f"{LEARNED}\n{change}")
    code, out, _ = cli("check", "laws.toml")
    assert code == 2
    told = "changes[1].scale: changes alter what the problem reads; the section [problem] is missing"
    assert f"laws.toml:8: {told}" in out


def test_fit_learns_from_a_table_alone_and_says_of_it_what_a_scenario_file_may(case, cli):
    rows = "".join(f"{k / 2};{k % 24};{k * 90}\n".replace(".", ",") for k in range(1, 61))
    (case / "trips.csv").write_text(f"km;hour;seconds\n0;1;5\n{rows}see trip 3;4;7\n")
    asked = (*FIT, "km,hour", "--read", "derive.minutes='seconds / 60'", "--read", 'drop_where=["km <= 0"]')
    asked += ("--read", "form.decimal=','", "--read", "on_bad=drop", "--read", "units.minutes=min")
    decided = ("--law", "monotone.km=1", "--law", "periodic.hour=24", "--law", "pin.hour=none")
    code, out, err = cli(*asked, *decided, "--json", "--out", "laws")
    assert code == 0, err
    law = json.loads(out)["minutes"]
    assert (law["unit"], law["formula"]) == ("min", "3 · km")
    assert law["fit"]["r2"] > 0.99
    assert "2 of 62 rows left out: " in err
    assert Formula.load(case / "laws" / "minutes.json").provenance["pinned"] == "hour: none"
    for more, told in (
        (("--law", "monotone.kms=1"), "trips.csv: surrogates.minutes.monotone.kms: "),
        (
            ("--law", "pin.hour=sin"),
            "surrogates.minutes.pin.hour: unknown operator 'sin'; did you mean 'sine'?",
        ),
        (("--law", "min_r2=2"), "surrogates.minutes.min_r2: must be at most 1"),
        (("--law", "monotone"), "--law 'monotone' must be KEY=VALUE"),
        (("--read", "sheet=none"), "trips.csv: tables.trips"),
        (
            ("--features", "kms"),
            "trips.csv: surrogates.minutes.features[1]: table 'trips' has no column 'kms'",
        ),
    ):
        code, out, err = cli(*asked, *more)
        assert (code, out) == (2, "")
        assert told in err
    assert cli("fit", "--table", "trips.csv")[0] == 2
    assert cli("fit")[0] == 2


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["pin.hr=sine"], "pin.hr: 'hr' is not among the features; did you mean 'hour'?"),
        (["pin.hour=[]"], "pin.hour: an empty list leaves nothing to choose"),
        (["pin.km=log", 'forbid=["log"]'], "pin.km: 'log' is forbidden by forbid; choose one"),
        (["pin.hour=exp", "periodic.hour=24"], "pin.hour: 'hour' is a cycle, which can be pinned"),
        (["pin.km=none", "pin.hour=none"], "pin: every feature is pinned to 'none'"),
        (['forbid=["expp"]'], "unknown operator 'expp'; did you mean 'exp'?"),
        (['forbid=["linear"]'], "'linear' cannot be forbidden"),
        (['prefer=["none"]'], "'none' cannot be preferred"),
        (["periodic.hour=0"], "periodic.hour: must be greater than 0"),
        (["holdout.share=1.5"], "holdout.share: must be less than 1"),
        (['holdout={by="hr",last=3}'], "has no column 'hr'; did you mean 'hour'?"),
        (["groups=days"], "groups: table 'trips' has no column 'days'"),
        (["groups=minutes"], "groups: 'minutes' is the target; groups is a column that says which"),
        (["groups=hour"], "groups: 'hour' is among the features; "),
        (['features=["minutes","km"]'], "'minutes' is the target; a law cannot read what it predicts"),
    ],
)
def test_fit_names_the_key_that_decides_what_cannot_be(case, cli, keys, words):
    rows = "".join(f"{k},{k % 24},{k}\n" for k in range(1, 31))
    (case / "trips.csv").write_text(f"km,hour,minutes\n{rows}")
    code, out, err = cli(*FIT, "km,hour", *(word for key in keys for word in ("--law", key)))
    assert (code, out) == (2, "")
    assert words in err


def test_fit_and_check_tell_what_reading_left_out(case, cli):
    rows = [f"{k}.500,5;{k * 15 + k % 3}" for k in range(1, 61)]
    text = "\n".join(["km;minutes", *rows, "see trip 3;5", "see trip 4;5", rows[0]])
    (case / "trips.csv").write_bytes(f"{text}\n".replace("km", "Länge km").encode("cp1252"))
    form = 'path = "trips.csv"\non_bad = "drop"\nform = { decimal = ",", thousands = "." }'
    law = LEARNED.replace('path = "trips.csv"', form).replace('"km"', '"Länge km"')
    (case / "laws.toml").write_text(f"{law}\nnetwork = {{ hidden = [], starts = 1 }}\n", encoding="utf-8")
    told = (
        "2 of 63 rows left out: 2 × Länge km: not a number (such as 'see trip 3' in row 62); 1 row repeats an "
        "earlier one and is kept"
    )
    for command in ("fit", "check"):
        code, _, err = cli(command, "laws.toml")
        assert code == 0, err
        assert f"note: laws.toml:1: tables.trips: {told}\n" in err
        assert "note: laws.toml:1: tables.trips: not UTF-8, so read as cp1252" in err


def test_fit_says_which_rows_hold_a_law_back_also_of_a_kept_law_and_a_refused_one(case, cli):
    rows = "".join(f"{0 if k % 40 == 0 else k % 37 + 1},{3 * (k % 37) + 5 + k % 3}\n" for k in range(1, 401))
    (case / "trips.csv").write_text(f"km,minutes\n{rows}")
    asked = (*FIT, "km", "--law")
    told = 'rows, at zero, hold the law back: drop_where = ["km <= 0"]; '
    for _ in range(2):
        code, out, err = cli(*asked, "min_r2=0", "--out", "laws")
        assert code == 0, err
        assert told in next(line for line in out.splitlines() if line.startswith("    to clean: "))
        assert "drop_where" in (case / "laws" / "laws.html").read_text("utf-8")
    assert "from the cache" in err
    code, out, _ = cli(*asked, "min_r2=0", "--json")
    assert json.loads(out)["minutes"]["cleaning"][0].split(" ", 3)[3].startswith(told)
    code, _, err = cli(*asked, "min_r2=0.9999")
    assert code == 5
    assert told in err
    code, out, _ = cli(*asked, "min_r2=0", "--read", 'drop_where=["km <= 0"]')
    assert code == 0
    assert "to clean" not in out


def test_fit_draws_what_inputs_do_where_a_terminal_shows_it(case, cli, monkeypatch):
    rows = "".join(f"{k / 2},{k * 1.5}\n" for k in range(1, 61))
    (case / "trips.csv").write_text("km,minutes\n" + rows)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "90")
    arguments = (*FIT, "km", "--out", "laws")
    code, out, err = cli(*arguments)
    assert code == 0, err
    (line,) = (line for line in out.splitlines() if "▁" in line)
    assert line.startswith("      km  100 %  ▁▁")
    assert len(line) < 90
    assert (case / "laws" / "laws.html").exists()
    monkeypatch.setenv("TERM", "dumb")
    assert "▁" not in cli(*arguments)[1]


def test_check_and_fit_refuse_shapes_that_a_column_cannot_have(case, cli):
    rows = "".join(f"{k / 2},{'ab'[k % 2]},{k % 24},{k * 1.5}\n" for k in range(1, 61))
    (case / "trips.csv").write_text("km,kind,hour,minutes\n" + rows)
    law = LEARNED.replace('["km"]', '["km", "kind", "hour"]')
    asked = 'monotone = { kind = 1 }\nconvex = ["km", "hour"]\nperiodic = { hour = 24, kind = 2 }\n'
    (case / "laws.toml").write_text(f"{law}\n{asked}")
    told = (
        "laws.toml:7: surrogates.minutes.monotone.kind: 'kind' is a category, which has no order\n"
        "laws.toml:8: surrogates.minutes.convex[2]: 'hour' is periodic, and a curve that comes back to its start "
        "is not\n"
        "laws.toml:9: surrogates.minutes.periodic.kind: 'kind' is a category; only numbers can be periodic\n"
    )
    assert cli("check", "laws.toml")[:2] == (2, told)
    assert cli("fit", "laws.toml")[::2] == (2, told)


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
        ("case.toml", 'kind = "routing"', 'kind = "ruting"', "did you mean 'routing'"),
        ("case.toml", 'kind = "routing"', "kind = routing", "case.toml:22: not TOML"),
        ("case.toml", '"2 * km"', '"2 * kmm"', "unknown name 'kmm'"),
        ("case.toml", 'path = "clients.csv"', 'path = "client.csv"', "tables.clients.path"),
        ("case.toml", 'km = "arc.distance"', 'km = "arc.distanse"', "did you mean 'arc.distance'"),
        ("clients.csv", "name,x,y,demand", "nme,x,y,demand", "column 'name' is missing; did you mean 'nme'?"),
        ("clients.csv", "420,1020\neast", "1020,420\neast", "the window closes before it opens"),
        ("clients.csv", "0.5", "-0.5", "must be"),
        ("clients.csv", "0.5", "half", "'half'"),
        ("clients.csv", "0,4,0.5", ",4,0.5", "north"),
        ("vehicles.csv", "van,2", "van,2.5", "2.5"),
    ],
)
@pytest.mark.parametrize("command", ["run", "solve", "check"])
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


def drive_on_links(case):
    edit(
        case / "case.toml",
        '[problem]\nkind = "routing"',
        '[tables.links]\npath = "links.csv"\n[problem]\nkind = "routing"',
    )
    edit(
        case / "case.toml",
        'bind = { km = "arc.distance" }',
        'bind = { minutes = { km = "link.length" }, fuel = { km = "arc.distance" } }',
    )
    edit(case / "case.toml", "[problem.depots]", '[problem.links]\ntable = "links"\n[problem.depots]')


def test_an_unreachable_client_on_a_road_network_is_exit_3(case, cli):
    (case / "links.csv").write_text("tail,head,length\nhub,north,4\nnorth,hub,4\neast,hub,5\n")
    drive_on_links(case)
    code, out, _ = cli("run", "case.toml", "--out", "o")
    assert code == 3
    assert "east" in out
    assert "o/case.html" in left_behind(case)


def test_a_negative_length_of_a_link_is_exit_2(case, cli):
    (case / "links.csv").write_text("tail,head,length\nhub,north,-4\nnorth,hub,4\neast,hub,5\nhub,east,5\n")
    drive_on_links(case)
    code, _, err = cli("run", "case.toml")
    assert code == 2
    assert "hub → north (−4 km)" in err
    assert "problem.links" in err


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


def test_a_blank_target_is_exit_2(case, cli):
    (case / "trips.csv").write_text(
        "km,minutes\n" + "".join(f"{k},{2 * k}\n" for k in range(1, 40)) + "3,nan\n"
    )
    law = LEARNED
    edit(
        case / "case.toml",
        '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"',
        law,
    )
    code, _, err = cli("run", "case.toml")
    assert code == 2
    assert "column 'minutes' of 'trips' has no value in 1 of 40 rows (rows 41)" in err


def test_no_plan_within_the_limit_is_exit_4(case, cli, monkeypatch):
    from kanopt.problems import Result, Status

    def nothing(problem, options, _solver):
        return Result(problem, None, Status.NO_PLAN, None, None, "none")

    monkeypatch.setattr(sys.modules["kanopt.solvers.solve"], "search_and_assess", nothing)
    code, out, _ = cli("run", "case.toml")
    assert code == 4
    assert out.splitlines()[-1].startswith("report: ")


def test_a_fault_of_ours_is_one_line_and_how_to_see_more(case, cli, monkeypatch):
    def broken(*arguments, **options):
        raise RuntimeError("wheel fell off")

    monkeypatch.setattr("kanopt.whatif.run.solve_problem", broken)
    code, out, err = cli("run", "case.toml", "--quiet")
    assert (code, out) == (1, "")
    assert err.splitlines() == [
        "kanopt failed: RuntimeError: wheel fell off",
        "This is a fault of kanopt, not of your files. Run it again with KANOPT_DEBUG=1 for the traceback.",
    ]
    monkeypatch.setenv("KANOPT_DEBUG", "1")
    with pytest.raises(SystemExit):
        main(["run", "case.toml", "--quiet"])


def test_debug_shows_the_traceback(case, capsys, monkeypatch):
    monkeypatch.setenv("KANOPT_DEBUG", "1")
    with pytest.raises(SystemExit) as caught:
        main(["run", "nowhere.toml"])
    assert caught.value.code == 2
    assert "Traceback" in capsys.readouterr().err


def test_bad_usage_is_exit_2_with_a_hint(case, cli):
    assert cli("rum")[0] == 2
    code, _, err = cli("run", "case.toml", "--time-limit", "-1")
    assert code == 2
    assert "--time-limit" in err
    assert cli("run", "nowhere.toml")[2].startswith("nowhere.toml: no such file")
    assert cli("run", str(case))[2].endswith("is a folder, not a scenario file\n")


def test_a_report_that_cannot_be_written_is_exit_2_and_leaves_no_half_file(case, cli):
    (case / "taken").write_text("a file, not a folder")
    code, _, err = cli("run", "case.toml", "--report", "taken/r.html", "--quiet")
    assert code == 2
    assert "taken" in err
    assert left_behind(case) == ["taken"]


def test_the_version_loads_nothing_heavy(case):
    code = (
        "import sys\nfrom kanopt.cli import main\n"
        "try: main(['--version'])\nexcept SystemExit: pass\n"
        "print([m for m in ('torch', 'ortools', 'pandas', 'sympy', 'pydantic', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0].startswith("kanopt ")
    assert done.stdout.splitlines()[1] == "[]"


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


def test_check_warns_of_markets_that_no_lane_leads_to(case, cli):
    tables = {
        "suppliers": "name,product\nmill,flour\n",
        "facilities": "name\nnorth\n",
        "markets": "name\nLyon\nNice\n",
        "products": "name,shortage_cost\nflour,9\n",
        "periods": "name\n1\n",
        "demand": "market,product,period,demand\nLyon,flour,1,5\nNice,flour,1,5\n",
        "lanes": "tail,head,distance\nmill,north,1\nnorth,Lyon,1\n",
    }
    for name, text in tables.items():
        (case / f"{name}.csv").write_text(text)
    lines = ['[scenario]\nname = "Net"\n']
    lines += [f'[tables.{name}]\npath = "{name}.csv"\n' for name in tables]
    lines += ['[problem]\nkind = "supply"\n', *(f'[problem.{name}]\ntable = "{name}"\n' for name in tables)]
    lines.append('[problem.tariff]\nlaw = "rate"\n[problem.bind]\nkm = "lane.distance"\n')
    lines.append('[surrogates.rate]\nformula = "0.1 * km"\ninputs = { km = "km" }\nunit = "EUR/t"\n')
    (case / "net.toml").write_text("\n".join(lines))
    code, out, err = cli("check", "net.toml")
    assert (code, out) == (0, "net.toml: no mistakes (supply, 7 tables, 1 law)\n"), out
    assert "problem: no lanes lead from any supplier to 'Nice' through sites that may open" in err


@pytest.mark.slow
def test_a_law_is_learned_once_and_again_when_asked(case, cli, empty_cache):
    (case / "trips.csv").write_text("km,minutes\n" + "".join(f"{k},{2 * k}\n" for k in range(1, 60)))
    law = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
    edit(case / "case.toml", law, f"{LEARNED}\nnetwork = {{ hidden = [], starts = 1 }}\n")
    assert cli("cache")[:2] == (0, f"{empty_cache}: 0 learned laws, 0.0 MB\n")
    code, first, err = cli("fit", "case.toml")
    assert code == 0
    assert "learning law 'minutes'" in err
    for command in ("fit", "run", "solve", "compare"):
        files = ["case.toml", "dear.toml"] if command == "compare" else ["case.toml"]
        code, out, err = cli(command, *files)
        assert code == 0
        assert "law 'minutes' from the cache (learned " in err
        assert "learning" not in err
        assert command != "fit" or out == first
    assert "learning law 'minutes'" in cli("run", "case.toml", "--relearn")[2]
    table = (*FIT, "km")
    assert "learning law 'minutes'" in cli(*table)[2]
    assert "law 'minutes' from the cache" in cli(*table)[2]
    assert "learning law 'minutes'" in cli(*table, "--relearn")[2]
    assert cli("cache")[1].startswith(f"{empty_cache}: 2 learned laws, ")
    assert cli("cache", "--clear")[1].startswith(f"{empty_cache}: removed 2 learned laws, ")
    assert list(empty_cache.iterdir()) == []


def test_the_cache_tells_what_is_damaged_and_that_a_file_is_no_folder(
    cli, empty_cache, monkeypatch, tmp_path
):
    empty_cache.mkdir(exist_ok=True)
    (empty_cache / f"{'0' * 64}.json").write_text("{")
    assert cli("cache")[1] == f"{empty_cache}: 1 learned law, 0.0 MB\n"
    file = tmp_path / "file"
    file.write_text("")
    monkeypatch.setenv("KANOPT_CACHE_DIR", str(file))
    code, _, err = cli("cache")
    assert code == 2
    assert f"{file} is a file, not a folder; let KANOPT_CACHE_DIR name another" in err


def test_the_package_is_run_as_a_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "kanopt", "check", "--help"], capture_output=True, text=True, check=True
    )
    assert "kanopt check" in done.stdout.lower()


@pytest.mark.slow
def test_check_loads_neither_networks_nor_solvers_nor_a_registry_of_units(case):
    code = (
        "import sys\nfrom kanopt.cli import main\ntry:\n    main(['check', 'case.toml'])\nfinally:\n"
        "    print(sorted(set('torch ortools highspy pint scipy sympy matplotlib sklearn'.split()) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=case)
    assert done.stdout.splitlines() == ["case.toml: no mistakes (routing, 3 tables, 2 laws)", "[]"]


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


def test_seconds_that_are_no_number_are_refused(case, cli):
    code, _, err = cli("run", "case.toml", "--time-limit", "nan")
    assert (code, "--time-limit" in err, "nan" in err) == (2, True, True)


def test_exports_do_not_go_among_the_tables_and_no_comparison_replaces_another(case, cli):
    for arguments in (("run", "case.toml", "--out", "."), ("solve", "case.toml", "--out", "plan.csv")):
        code, _, err = cli(*arguments, "--export", "csv", "--export", "xlsx")
        assert code == 2
        assert f"--export would write case.xlsx into {case}, where tables lie that are read" in err
        assert left_behind(case) == []
    for demand in (2, 3):
        assert cli("compare", "case.toml", "--scale", f"clients.demand={demand}e-1", "--repeats", "1")[0] == 0
    assert left_behind(case) == ["reports/case_compared.html", "reports/case_compared_2.html"]
