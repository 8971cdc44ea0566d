"""Scenario files as TOML: the line of every key, bad syntax, and files that are none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kanopt.errors import ScenarioError
from kanopt.scenarios import load_scenario
from kanopt.scenarios.files.problem_spec import kinds
from tests.effort import at_most

KEYS = """\
solver.a = 1 # a comment
"x.y" = { k = 1, z = { t = 2 } }
[report."b.c"]
set = { "vans.n" = [1] }
[[changes]]
remove = "a"
[changes.where]
name = []
[[changes]]
set = "a.b"
to = 1
row = { a = [ # one
 2 ]}
[tables]
u = 1
"""


kinds()  # the models of problems are made once, which counts as no work of reading


def refused(tmp_path: Path, text: str | bytes) -> list[tuple[int, str, str]]:
    path = tmp_path / "a.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with at_most(10_000), pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    return [(issue.line, issue.key, issue.message) for issue in caught.value.issues]


def test_every_key_has_the_line_it_stands_on(tmp_path):
    lines = [(line, key) for line, key, _ in refused(tmp_path, KEYS)]
    assert lines == [
        (0, "problem"),
        (1, "solver.a"),
        (2, '"x.y"'),
        (3, 'report."b.c"'),
        (8, "changes[1].where.name"),
        (12, "changes[2].row"),
        (15, "tables.u"),
    ]
    windows = b"\xef\xbb\xbf" + KEYS.replace("\n", "\r\n").encode()
    assert [(line, key) for line, key, _ in refused(tmp_path, windows)] == lines


def test_brackets_in_comments_and_long_texts_begin_nothing(tmp_path):
    text = 'a = [ # of [one\n 1 ]\nb = """\n[solver]\nc = 1\n"""\n[solver]\nd = "]" # [\ne = 2\n'
    lines = {key: line for line, key, _ in refused(tmp_path, text)}
    assert lines == {"problem": 0, "a": 1, "b": 3, "solver.d": 8, "solver.e": 9}


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('a = 1\n\n[x\nb = "y"\n', 3, "not TOML"),
        ("a = 1\na = 2\n", 2, "not TOML: Cannot overwrite a value"),
        (b"a = 1\nb = '\xff'\n", 2, "byte 0xff is not UTF-8"),
    ],
)
def test_bad_syntax_names_the_line_and_what_to_write(tmp_path, text, line, words):
    [(found, _, message)] = refused(tmp_path, text)
    assert (found, words in message) == (line, True), message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 4_000, "nests lists or tables too deep"),
        (".".join("a" * 20_000) + " = 1", "has a key of more than 32 parts"),
        ("".join(f"[t{k}]\n" for k in range(25_000)), "has more than 5,000 lists and tables"),
        ("".join(f"k{k}=1\n" for k in range(25_000)), "has more than 20,000 keys"),
        ("a = [" + "1," * 25_000 + "]", "has more than 20,000 elements; keep data in tables"),
        ("a = " + "9" * 10_000, "4300 digits"),
        ("#" * 10_000_000, "bytes are too many for a scenario file, at most 1,000,000"),
    ],
    ids=["lists", "key", "tables", "keys", "elements", "number", "comment"],
)
def test_hostile_files_are_refused_at_once(tmp_path, text, words):
    [(_, _, message)] = refused(tmp_path, text)
    assert words in message


def test_what_is_no_scenario_file_says_so(tmp_path):
    (tmp_path / "parcel_city.toml").write_text("")
    (tmp_path / "Courier.CSV").write_text("km,minutes\n1,2\n")
    os.mkfifo(tmp_path / "pipe.toml")
    for name, words in {
        "parcel_cty.toml": r"no such file: .*parcel_cty\.toml; did you mean 'parcel_city\.toml'",
        "nowhere/a.toml": "there is no folder",
        ".": "is a folder",
        "Courier.CSV": r"a table, not a scenario file; kanopt init Courier\.CSV begins one",
        "pipe.toml": "a pipe",
        "a\0.toml": "zero byte",
    }.items():
        with pytest.raises(ScenarioError, match=words):
            load_scenario(tmp_path / name)


@pytest.mark.parametrize(
    "line", ['note = \'three """ marks\'', "note = \"no ''' end\" # [", '# a """ in a comment']
)
def test_marks_of_long_texts_within_short_ones_and_comments_begin_nothing(tmp_path, line):
    found = refused(tmp_path, f"{line}\n[tables]\nu = 1\n")
    assert (3, "tables.u") in {(number, key) for number, key, _ in found}
