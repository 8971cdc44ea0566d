from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kanopt.files import check_target, file_name, replace_file
from kanopt.formulas import Formula, Variable, parse_formula

LAW = parse_formula("2 * km", [Variable("km")], Variable("cost"))


@pytest.mark.parametrize("write", [Formula.save])
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


_HOSTILE = [
    "../../x",
    "/etc/x",
    "..",
    "",
    "a\\b",
    "C:x",
    "con",
    "a\0b",
    " x",
    "x.",
    "a" * 400,
    "%2e%2e%2fx",
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


@given(st.text(max_size=300), st.text(max_size=300))
def test_names_of_any_letters(one: str, other: str) -> None:
    made = file_name(one, ".csv")
    assert Path(made).name == made
    assert len(made.encode()) <= 255
    assert (file_name(other, ".csv") == made) == (one == other)


def test_a_disk_that_is_full_is_named_with_the_file_and_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "note.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/note\.txt'"):
        replace_file(path, "new")
    assert {each.name: each.read_text() for each in tmp_path.iterdir()} == {"note.txt": "old"}


def test_a_link_stays_and_the_file_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    link = tmp_path / "latest.txt"
    link.symlink_to(tmp_path / "folder" / "note.txt")
    assert replace_file(link, "1 km") == link
    assert link.is_symlink()
    assert (tmp_path / "folder" / "note.txt").read_text() == "1 km"


@pytest.mark.parametrize("check", [check_target, lambda path: replace_file(path, "", make_folders=True)])
def test_what_cannot_be_written_is_named(tmp_path: Path, check: Callable[[Path], object]) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OSError, match="taken"):
        check(tmp_path / "taken" / "deep" / "note.txt")
    with pytest.raises(IsADirectoryError, match="this is a folder; name a file in it"):
        check(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="pipe: this is a device or a pipe, which cannot be replaced"):
        check(tmp_path / "pipe")


def test_a_check_leaves_nothing_and_says_which_file_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check_target(tmp_path / "new" / "note.txt")
    assert list(tmp_path.iterdir()) == []

    def refuse(**_: object) -> None:
        raise PermissionError(errno.EROFS, os.strerror(errno.EROFS), "/somewhere")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(OSError, match=r"Read-only file system: '.*/new/note\.txt'"):
        check_target(tmp_path / "new" / "note.txt")
