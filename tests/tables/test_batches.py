from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanopt.errors import TableError
from kanopt.tables.stores import is_source, open_source

FRAME = pd.DataFrame(
    {
        "km": [5, 8, 2, 9, 4],
        "load_t": [1.5, None, 2.5, 3.0, 1.0],
        "mode": ["road", "rail", None, "road", "rail"],
        "late": [True, False, True, True, False],
    }
)


def rows(given: Any, columns: list[str]) -> pd.DataFrame:
    return pd.concat(open_source(given).frames(columns))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    FRAME.set_index(pd.Index([7, 8, 9, 10, 11])).to_parquet(tmp_path / "trips.parquet", row_group_size=2)
    return tmp_path / "trips.parquet"


def test_every_kind_of_source_gives_the_same_rows(path: Path) -> None:
    for given in (path, [str(path)]):
        assert is_source(given)
        found = rows(given, ["mode", "km", "load_t"])
        assert list(found) == ["mode", "km", "load_t"]
        assert found.isna().equals(FRAME[list(found)].isna())
        assert found.dropna().values.tolist() == FRAME[list(found)].dropna().values.tolist()


def test_rows_are_numbered_through_files_in_the_order_of_their_names(path: Path) -> None:
    FRAME.astype({"km": float}).to_parquet(path.with_name("a.parquet"))
    source = open_source([path, path.with_name("a.parquet")])
    assert [list(frame.index) for frame in source.frames(["km"])] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]
    assert (source.place(4), source.place(6)) == ("row 4 of a.parquet", "row 1 of trips.parquet")


def test_columns_of_files_are_checked(path: Path) -> None:
    more, texts = path.with_name("a.parquet"), path.with_name("b.parquet")
    FRAME.assign(extra=1).to_parquet(more)
    FRAME.assign(km="far").to_parquet(texts)
    with pytest.raises(TableError, match=r"no column 'kms'; did you mean 'km'\?"):
        rows(path, ["kms"])
    with pytest.raises(TableError, match=r"trips\.parquet: no column 'extra'"):
        rows([more, path], ["extra"])
    with pytest.raises(
        TableError, match="column 'km' holds no numbers at the start, and from here such as 5"
    ):
        rows([texts, path], ["km"])


def test_files_that_are_none_or_damaged(tmp_path: Path, path: Path) -> None:
    (tmp_path / "text.parquet").write_text("no parquet")
    with pytest.raises(TableError, match=r"text\.parquet: is not a Parquet file"):
        open_source(tmp_path / "text.parquet")
    with pytest.raises(TableError, match=r"no such file: .*trip\.parquet; did you mean 'trips\.parquet'"):
        open_source(str(tmp_path / "trip.parquet"))
    whole = path.read_bytes()
    path.write_bytes(whole[:4] + b"\0" * 80 + whole[84:])
    with pytest.raises(TableError, match=r"trips\.parquet: is not a Parquet file, or is damaged"):
        rows(path, ["km", "load_t"])
    column = pa.array([1.0, 2.0])
    pq.write_table(pa.Table.from_arrays([column, column], names=["km", "km"]), path)
    with pytest.raises(TableError, match=r"trips\.parquet: column 'km' occurs twice"):
        open_source(path)


@pytest.mark.parametrize(
    ("second", "words"),
    [
        (FRAME[["mode"]], "b.parquet: no column 'km'; known: 'mode'"),
        (FRAME.assign(km="far"), "row 0 of b.parquet: column 'km' holds numbers at the start"),
        (FRAME.assign(mode=1.0), "column 'mode' holds no numbers at the start"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, second: pd.DataFrame, words: str) -> None:
    FRAME.to_parquet(tmp_path / "a.parquet")
    second.to_parquet(tmp_path / "b.parquet")
    with pytest.raises(TableError, match=re.escape(words)):
        rows([tmp_path / "a.parquet", tmp_path / "b.parquet"], ["km", "mode"])


def test_what_has_no_rows(tmp_path: Path) -> None:
    FRAME[:0].to_parquet(tmp_path / "none.parquet")
    with pytest.raises(TableError, match=r"none\.parquet: holds no rows"):
        open_source(tmp_path / "none.parquet")


def test_what_is_a_source(tmp_path: Path) -> None:
    yes = ["a.parquet", tmp_path, ["a.parquet", tmp_path], (tmp_path,)]
    no = [FRAME, [[1.0]], [], np.zeros((2, 2)), {"km": [1.0]}, pd.Series([1.0])]
    assert [is_source(given) for given in yes] == [True] * len(yes)
    assert [is_source(given) for given in no] == [False] * len(no)
