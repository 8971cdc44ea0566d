import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.errors import ScenarioError
from kanopt.whatif.scenario_files.toml_positions import read_document, write_key
from tests.effort import at_most

TEXT = """\
a.b = 1 # a comment
"x.y" = { k = 1, z = { t = 2 } }
[tables.trips]
path = "x"
[[changes]]
set = "a"
[changes.where]
name = 2
[[changes]]
where = { name = "van" }
list = [ { a = 1 }, # one
 2,
 3]
[tables]
u = 1
"""


def read(tmp_path: Path, text: str | bytes):
    path = tmp_path / "a.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_document(path)


@pytest.mark.parametrize(
    ("key", "line"),
    [
        (("a", "b"), 1),
        (("x.y", "z", "t"), 2),
        (("tables", "trips"), 3),
        (("tables", "trips", "path"), 4),
        (("changes", 0), 5),
        (("changes", 0, "where"), 7),
        (("changes", 0, "where", "name"), 8),
        (("changes", 1), 9),
        (("changes", 1, "where", "name"), 10),
        (("changes", 1, "list", 0, "a"), 11),
        (("changes", 1, "list", 2), 13),
        (("tables", "u"), 15),
        (("tables", "trips", "not written"), 3),
        (("not written",), 0),
    ],
)
def test_every_key_has_the_line_it_stands_on(tmp_path, key, line):
    assert read(tmp_path, TEXT).line(key) == line


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path):
    document = read(tmp_path, b"\xef\xbb\xbfa = 1\r\n\r\n[b]\r\nc = 2\r\n")
    assert document.data == {"a": 1, "b": {"c": 2}}
    assert document.line(("b", "c")) == 4


def test_a_table_is_told_how_a_law_is_learned_from_it(tmp_path):
    path = tmp_path / "Courier.CSV"
    path.write_text("km,minutes\n1,2\n")
    with pytest.raises(
        ScenarioError, match=r"a table, not a scenario file; kanopt fit --table Courier\.CSV --target"
    ):
        read_document(path)
    path.unlink()
    with pytest.raises(ScenarioError, match="there is no such file"):
        read_document(path)


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a = 1\nb = \n", 2, "not TOML"),
        ('a = 1\n\n[x\nb = "y"\n', 3, "not TOML"),
        ("a = 1\na = 2\n", 2, "not TOML: Cannot overwrite a value"),
        ('a = 1\nb = """x', 2, "not TOML"),
        (b"a = 1\nb = '\xff'\n", 2, "byte 0xff is not UTF-8"),
    ],
)
def test_bad_syntax_names_the_line(tmp_path, text, line, words):
    with pytest.raises(ScenarioError) as caught:
        read(tmp_path, text)
    [issue] = caught.value.issues
    assert (issue.line, words in issue.message) == (line, True), str(issue)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a = " + "[" * 4_000, "nests lists or tables too deep"),
        ("a = " + "[" * 3_000 + "]" * 3_000, "nests lists or tables too deep"),
        (".".join("a" * 20_000) + " = 1", "has a key of more than 32 parts"),
        ("a = { " + " . ".join(['"b"', "c", "'d'"] * 20) + " = 1 }", "has a key of more than 32 parts"),
        ("[" + ".".join("a" * 40) + "]", "has a key of more than 32 parts"),
        ("".join(f"[t{k}]\n" for k in range(25_000)), "has more than 5,000 lists and tables"),
        ("".join(f"k{k}=1\n" for k in range(25_000)), "has more than 20,000 keys"),
        ("a = [" + "1," * 25_000 + "]", "has more than 20,000 elements; keep data in tables"),
        ("a = " + "9" * 10_000, "4300 digits"),
        ("#" * 10_000_000, "bytes are too many for a scenario file, at most 1,000,000"),
        ("k = 1\n" * 400_000, "bytes are too many for a scenario file"),
    ],
    ids=[
        "open lists",
        "lists",
        "key",
        "inline key",
        "header",
        "tables",
        "keys",
        "elements",
        "a long number",
        "a long comment",
        "many keys",
    ],
)
def test_hostile_files_are_refused_at_once(tmp_path, text, words):
    with at_most(10_000), pytest.raises(ScenarioError, match=words):
        read(tmp_path, text)


def test_a_missing_file_names_the_nearest(tmp_path):
    (tmp_path / "parcel_city.toml").write_text("")
    with pytest.raises(ScenarioError, match=r"no such file; did you mean '.*parcel_city\.toml'"):
        read_document(tmp_path / "parcel_cty.toml")
    with pytest.raises(ScenarioError, match="there is no folder"):
        read_document(tmp_path / "nowhere" / "a.toml")
    with pytest.raises(ScenarioError, match="is a folder"):
        read_document(tmp_path)


@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=4))
def test_keys_are_written_as_toml_reads_them(parts):
    import tomllib

    if any(not part.isprintable() or set(part) & set('"\\') for part in parts):
        return
    level = tomllib.loads(f"{write_key(tuple(parts))} = 1")
    for part in parts:
        level = level[part]
    assert level == 1


def test_prose_and_numbers_with_many_dots_are_no_deep_keys(tmp_path):
    path = tmp_path / "a.toml"
    path.write_text(f'a = "{"1.5, " * 200}"\nb = [{"0.25, " * 200}]\nc = "see www.{"x." * 20}com ..... "\n')
    assert read_document(path).line(("c",)) == 3


def test_a_pipe_is_no_scenario(tmp_path):
    os.mkfifo(tmp_path / "a.toml")
    with pytest.raises(ScenarioError, match="a pipe"):
        read_document(tmp_path / "a.toml")
    with pytest.raises(ScenarioError, match="zero byte"):
        read_document(Path("a\0.toml"))


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (
            "[t]\npath = 'a.csv\"\nunits = 1\n",
            2,
            "a text begins with ' and does not end with it: write ' at both ends",
        ),
        ("[t]\npath = 'a.csv\"", 2, "a text begins with ' and does not end with it"),
        ('[t]\npath = "a.csv\nunits = { km = "km" }\n', 2, 'a text begins with " and does not end with it'),
        ('[t]\nnote = "it\'s"\npath = "a.csv\'\n', 3, 'a text begins with " and does not end with it'),
        ("[t]\npath = “a.csv”\n", 2, '“ is no quote of TOML: write " at both ends'),
        ('path = "C:\\data\\trips.csv"\n', 1, 'write / between folders, as in "C:/data/trips.csv"'),
        ('path = "C:\\Users\\me\\trips.csv"\n', 1, 'write / between folders, as in "C:/Users/me/trips.csv"'),
    ],
)
def test_quotes_and_backslashes_are_told_with_what_to_write(tmp_path, text, line, words):
    with pytest.raises(ScenarioError) as caught:
        read(tmp_path, text)
    (issue,) = caught.value.issues
    assert issue.line == line
    assert words in issue.message
