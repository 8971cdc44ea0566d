"""Files that a command is to write: refused before anything is learned or solved, and never half written."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from importlib import import_module

import pytest

from tests.cases.command_line import LEARNED, OWN_TREE, edit, left_behind, start


@pytest.fixture
def idle(monkeypatch):
    """Whoever learns or searches fails the test."""
    for module, name in (("kanopt.whatif.learn", "fit_law"), ("kanopt.solvers.solve", "search_and_assess")):
        monkeypatch.setattr(import_module(module), name, lambda *_, **__: pytest.fail("it went to work"))


@pytest.fixture
def obstacles(case):
    (case / "taken").write_text("a file, not a folder")
    (case / "toy.vrp").write_text("NAME : toy\n")
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
        ("solve toy.vrp --out toy.vrp", "toy.vrp is read, and would be replaced"),
        ("tornado case.toml --set vehicles.num_available=1:2 --out taken", "taken/case_tornado.html: "),
        ("risk case.toml --report trips.csv", "trips.csv is read, and would be replaced"),
        ("fit case.toml --out laws", "laws/fuel.json: this is a folder"),
        ("fit --table trips.csv --target minutes --features km --out taken", "taken/minutes.json: '*/taken'"),
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


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "0<&- 1>&- 2>&-"])
def test_a_closed_stream_is_no_fault(case, closed):
    command = f'"{sys.executable}" -c "from kanopt.cli import main; main()" check case.toml {closed}'
    ended = subprocess.run(
        ["sh", "-c", command], cwd=case, capture_output=True, text=True, check=False, env=OWN_TREE
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == ("" if "1>" in closed else "case.toml: no mistakes (routing, 3 tables, 2 laws)\n")
