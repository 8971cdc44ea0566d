"""A terminal obeys nothing that stands in a stranger's file."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import click
import pytest

import kanopt.cli
from kanopt.cli.echo import echo_laws

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


def test_json_means_the_same(hostile, cli):
    code, out, _ = cli("solve", "case.toml", "--json", "--quiet", "--lenient")
    assert code == 3
    assert not {"\x1b", REVERSED} & set(out)
    assert f"east{CLEAR}{REVERSED}" in json.loads(out)["coverage"]["text"]


def test_a_mistaken_option_is_shown_too(hostile, cli):
    options = {"--table": "clients.csv", "--target": "demand", "--features": "x", "--law": f"{TITLE}=2"}
    code, _, err = cli("fit", *(word for pair in options.items() for word in pair))
    assert code == 2
    assert "\\u009d0;mine\\u0007" in err


def test_commands_print_in_one_way():
    folder = Path(kanopt.cli.__file__).parent
    others = [path.name for path in folder.glob("*.py") if "click.echo(" in path.read_text(encoding="utf-8")]
    assert others == ["echo.py"]


LAW = "fuel [l] = 0.1 · km\n    R² 0.94\n    verdict: weak: it is good for nothing"


def test_laws_are_bold_and_coloured_in_a_terminal_alone(monkeypatch, capsys):
    monkeypatch.delenv("NO_COLOR", raising=False)
    echo_laws(LAW, ["fuel"])
    assert capsys.readouterr().out == f"{LAW}\n"
    monkeypatch.setattr("kanopt.cli.echo.picture_width", lambda: 80)
    echo_laws(LAW, ["fuel"])
    shown = capsys.readouterr().out
    assert shown.startswith("\x1b[1mfuel\x1b[0m [l] = 0.1 · km\n")
    assert "    verdict: \x1b[31mweak\x1b[0m: it is good for nothing" in shown
    assert click.unstyle(shown) == f"{LAW}\n"
    monkeypatch.setenv("NO_COLOR", "1")
    echo_laws(LAW, ["fuel"])
    assert capsys.readouterr().out == f"{LAW}\n"


def test_a_name_of_a_law_cannot_colour_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("kanopt.cli.echo.picture_width", lambda: 80)
    monkeypatch.delenv("NO_COLOR", raising=False)
    echo_laws("\x1b[31mred = 1", ["\x1b[31mred"])
    assert capsys.readouterr().out == "\x1b[1m\\u001b[31mred\x1b[0m = 1\n"
