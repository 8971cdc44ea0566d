import pytest

from kanopt.errors import ScenarioError
from kanopt.whatif import load_scenario
from kanopt.whatif.scenario_files.layers import read_layers
from kanopt.whatif.scenario_files.mistakes import Mistake


def write(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    return tmp_path


def test_keys_complete_or_replace_those_of_the_base(tmp_path):
    write(
        tmp_path,
        base='[scenario]\nname = "Base"\n[solver]\ntime_limit = 3\nworkers = 1\n[[changes]]\nset = "a.b"\nto = 1\n',
        upper='[scenario]\nbase = "base.toml"\n[solver]\nworkers = 2\n[[changes]]\nset = "a.c"\nto = 2\n',
    )
    layers = read_layers(tmp_path / "upper.toml")
    assert layers.data["solver"] == {"time_limit": 3, "workers": 2}
    assert [change["set"] for change in layers.data["changes"]] == ["a.b", "a.c"]


def test_another_source_replaces_an_entry_as_a_whole(tmp_path):
    write(
        tmp_path,
        base='[tables.t]\npath = "a.csv"\nunits = { x = "km" }\n[surrogates.s]\ntable = "t"\ntarget = "y"\n',
        upper='[scenario]\nbase = "base.toml"\n[tables.t]\npath = "b.csv"\n[surrogates.s]\nformula = "1"\n',
    )
    data = read_layers(tmp_path / "upper.toml").data
    assert data["tables"]["t"] == {"path": "b.csv"}
    assert data["surrogates"]["s"] == {"formula": "1"}


def test_without_another_source_an_entry_is_completed(tmp_path):
    write(
        tmp_path,
        base='[surrogates.s]\ntable = "t"\nmin_r2 = 0.9\n',
        upper='[scenario]\nbase = "base.toml"\n[surrogates.s]\nmin_r2 = 0.5\n',
    )
    assert read_layers(tmp_path / "upper.toml").data["surrogates"]["s"] == {"table": "t", "min_r2": 0.5}


def test_a_mistake_points_at_the_file_where_the_key_stands(tmp_path):
    write(
        tmp_path,
        base='[scenario]\nname = "b"\n[solver]\ntime_limit = 3\n[[changes]]\nset = "a.b"\nto = 1\n',
        upper='[scenario]\nbase = "base.toml"\n\n[[changes]]\nset = "a.c"\nto = 2\n',
    )
    layers = read_layers(tmp_path / "upper.toml")

    def place(*key):
        issue = layers.issue(Mistake(key, "x"))
        return issue.file.rpartition("/")[2], issue.line, issue.key

    assert place("solver", "time_limit") == ("base.toml", 4, "solver.time_limit")
    assert place("changes", 0, "to") == ("base.toml", 7, "changes[1].to")
    assert place("changes", 1, "to") == ("upper.toml", 6, "changes[1].to")
    assert place("scenario", "base") == ("upper.toml", 2, "scenario.base")
    assert place("changes", 1, "by") == ("upper.toml", 4, "changes[1].by")
    assert place("report", "title") == ("upper.toml", 0, "report.title")


def test_paths_are_relative_to_the_file_they_stand_in(tmp_path):
    (tmp_path / "inner").mkdir()
    write(tmp_path / "inner", base='[tables.t]\npath = "a.csv"\n')
    write(tmp_path, upper='[scenario]\nbase = "inner/base.toml"\n[tables.u]\npath = "b.csv"\n')
    layers = read_layers(tmp_path / "upper.toml")
    assert layers.path_of(("tables", "t", "path"), "a.csv") == tmp_path / "inner" / "a.csv"
    assert layers.path_of(("tables", "u", "path"), "b.csv") == tmp_path / "b.csv"


def test_a_loop_of_bases_is_named(tmp_path):
    write(
        tmp_path,
        a='[scenario]\nbase = "b.toml"\n',
        b='[scenario]\nname = "b"\nbase = "c.toml"\n',
        c='[scenario]\nbase = "b.toml"\n',
    )
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "a.toml")
    assert str(caught.value).endswith(
        "c.toml:2: scenario.base: the bases form a loop: b.toml → c.toml → b.toml"
    )


@pytest.mark.parametrize(
    ("base", "words"),
    [
        ('"bse.toml"', "there is no such file; did you mean"),
        ('""', "must be a file such as"),
        ("3", 'must be a file such as "base.toml", not the number 3'),
        ('"upper.toml"', "the bases form a loop: upper.toml → upper.toml"),
    ],
)
def test_a_base_that_cannot_be_read_is_named_where_it_stands(tmp_path, base, words):
    write(tmp_path, base="", upper=f"[scenario]\nbase = {base}\n")
    with pytest.raises(ScenarioError) as caught:
        load_scenario(tmp_path / "upper.toml")
    [issue] = caught.value.issues
    assert (issue.line, issue.key) == (2, "scenario.base")
    assert words in issue.message


def test_bad_syntax_in_a_base_points_into_the_base(tmp_path):
    write(tmp_path, base="[x\n", upper='[scenario]\nbase = "base.toml"\n')
    with pytest.raises(ScenarioError, match=r"base\.toml:1: not TOML"):
        load_scenario(tmp_path / "upper.toml")
