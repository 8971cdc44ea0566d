"""A terminal obeys nothing that stands in a stranger's file."""

from __future__ import annotations

import json
import unicodedata

import pytest

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
