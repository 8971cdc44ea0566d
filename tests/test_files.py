from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kanopt.files import replace_file
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
