"""Files and words of a command: refused before anything is done, never half written, nothing that a terminal obeys."""

from __future__ import annotations

import errno
import json
import os
import sys
import unicodedata
from importlib import import_module
from pathlib import Path

import pytest

from tests.cases.command_line import LEARNED, edit, left_behind, start


@pytest.fixture
def idle(monkeypatch):
    """Whoever learns or searches fails the test."""
    for module, name in (
        ("kanopt.scenarios.learn", "fit_law"),
        ("kanopt.engines.solve", "search_and_assess"),
    ):
        monkeypatch.setattr(import_module(module), name, lambda *_, **__: pytest.fail("it went to work"))


@pytest.fixture
def obstacles(case):
    (case / "taken").write_text("a file, not a folder")
    (case / "folder.html").mkdir()
    (case / "o" / "case_plan.csv").mkdir(parents=True)
    (case / "laws" / "fuel.json").mkdir(parents=True)
    (case / "trips.csv").write_text("km,minutes\n" + "".join(f"{k},{2 * k}\n" for k in range(1, 60)))
    law = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
    edit(case / "case.toml", law, LEARNED)
    return case


@pytest.mark.usefixtures("idle", "obstacles")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("run case.toml --report taken/r.html", "taken/r.html: '*/taken' is a file, not a folder"),
        ("run case.toml --out o", "o/case_plan.csv: this is a folder"),
        ("run case.toml --report trips.csv", "trips.csv is read, and would be replaced"),
        ("compare case.toml dear.toml --report dear.toml", "dear.toml is read, and would be replaced"),
        ("solve case.toml --out folder.html", "folder.html: this is a folder"),
        ("tornado case.toml --set vehicles.num_available=1:2 --out taken", "taken/case_tornado.html: "),
        ("risk case.toml --report trips.csv", "trips.csv is read, and would be replaced"),
        ("fit case.toml --out laws", "laws/fuel.json: this is a folder"),
        ("fit case.toml --out taken", "taken/minutes.json: '*/taken'"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_done(case, cli, command, words):
    before = left_behind(case)
    code, out, err = cli(*command.split())
    assert (code, out) == (2, "")
    start_of_words, _, rest = words.partition("*")
    assert start_of_words in err
    assert rest in err
    assert left_behind(case) == before


@pytest.mark.usefixtures("idle", "obstacles")
def test_nothing_is_written_through_a_link_into_another_folder(case, cli, tmp_path_factory):
    mine = tmp_path_factory.mktemp("home") / "notes.html"
    mine.write_text("my notes")
    (case / "reports").mkdir()
    (case / "reports" / "case.html").symlink_to(mine)
    code, _, err = cli("run", "case.toml")
    assert code == 2
    assert "case.html is a link to" in err
    assert "remove the link" in err
    assert mine.read_text() == "my notes"


def test_a_disk_that_fills_is_named_with_the_file_and_leaves_the_old_one(case, cli, monkeypatch):
    (case / "r.html").write_text("the old report")

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    code, _, err = cli("run", "case.toml", "--report", "r.html", "--time-limit", "0.1")
    assert code == 2
    assert err.splitlines()[-1] == "r.html: No space left on device"
    assert (case / "r.html").read_text() == "the old report"
    assert left_behind(case) == ["r.html"]


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="a device that is always full")
def test_a_full_standard_output_is_told(case):
    code = "import sys\nsys.stdout = open('/dev/full', 'w')\nfrom kanopt.cli import main\nmain()"
    process = start(case, "check", "case.toml", "--json", code=code)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert err.splitlines()[-1] == "standard output: No space left on device"


def on_earth(case):
    (case / "depots.csv").write_text("name,lat,lon\nhub,52.5,13.4\n")
    (case / "clients.csv").write_text("name,lat,lon,demand\nnorth,52.53,13.4,0.5\neast,52.5,13.45,0.6\n")


def test_run_writes_every_format_beside_the_report(case, cli):
    on_earth(case)
    options = "--out o --export xlsx --export md --quiet --time-limit 0.2"
    code, out, _ = cli("run", "case.toml", *options.split())
    assert code == 0
    files = ["case.xlsx", "case.md"]
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
        ("run case.toml --export xslx", "'xslx' is not one of 'xlsx'"),
        ("run case.toml --out o --export md", "case.md: this is a folder"),
        ("run case.toml --report case.md --export md", "would be written twice"),
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


CLEAR, TITLE, REVERSED = "\x1b[2J", "\x9d0;mine\x07", "\u202e"


"""What clears a screen, sets the title of a window, and turns the direction of a text."""


@pytest.fixture
def hostile(case):
    toml, clients = case / "case.toml", case / "clients.csv"
    name = json.dumps(f"Case{CLEAR}{TITLE}{REVERSED}")
    toml.write_text(toml.read_text().replace('"Case"', name.replace("\x9d", "\\u009d")))
    rows = clients.read_text().replace("east", f"east{CLEAR}{REVERSED}").replace("0.6", "60").splitlines()
    told = [rows[0] + f",priority{TITLE}", *(row + ",1" for row in rows[1:])]
    clients.write_text("\n".join(told) + "\n", encoding="utf-8")
    return case


@pytest.mark.parametrize("command", ["check", "run", "solve", "compare"])
def test_no_control_character_is_printed(hostile, cli, command):
    files = ["case.toml", "dear.toml"] if command == "compare" else ["case.toml"]
    _, out, err = cli(command, *files, "--lenient")  # goes on without an answer on the strange column
    assert {each for each in out + err if unicodedata.category(each) in ("Cc", "Cf")} <= {"\n"}
    if command == "run":
        assert "Case\\u001b[2J" in out
