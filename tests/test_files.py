from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.files import file_name, replace_file
from kanopt.formulas import Formula, Variable, parse_formula

LAW = parse_formula("2 * km", [Variable("km")], Variable("cost"))


@pytest.mark.parametrize("write", [Formula.save, Formula.save_excel])
def test_a_folder_that_is_not_there_is_named(tmp_path: Path, write: Callable[[Formula, Path], Path]) -> None:
    path = tmp_path / "nodir" / "x.json"
    with pytest.raises(
        FileNotFoundError, match=r"nodir/x\.json: the folder '.*nodir' does not exist"
    ) as refused:
        write(LAW, path)
    assert ".tmp" not in str(refused.value)
    with pytest.raises(IsADirectoryError, match="this is a folder; name a file in it"):
        write(LAW, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "note.txt"
    for content in (b"a longer text", b"short"):
        assert replace_file(path, content) == path
        assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


_HOSTILE = [
    "../../x",
    "/etc/x",
    "..",
    ".",
    "",
    "a/b",
    "a\\b",
    "C:x",
    "con",
    "LPT1.txt",
    "a\0b",
    "a\nb",
    " x",
    "x ",
    "x.",
    "~",
    "a" * 400,
    "%2e%2e%2fx",
    "é" * 300,
    "x\ud800",
]


@pytest.mark.parametrize("name", _HOSTILE)
def test_a_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "laws"
    folder.mkdir()
    replace_file(folder / file_name(name, ".json"), "{}")
    [written] = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written.parent == folder
    assert written.name.endswith(".json")


def test_different_names_stay_different() -> None:
    names = [*_HOSTILE, "%2E.%2F..%2Fx", "a%2Fb", "%", "a" * 401]
    assert len({file_name(name, "") for name in names}) == len(names)


@given(st.text(max_size=300), st.text(max_size=300))
def test_names_of_any_letters(one: str, other: str) -> None:
    made = file_name(one, ".csv")
    assert Path(made).name == made
    assert len(made.encode()) <= 255
    assert (file_name(other, ".csv") == made) == (one == other)
