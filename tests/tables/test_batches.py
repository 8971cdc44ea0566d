from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanopt.errors import TableError
from kanopt.tables.batches import BatchSource, FrameSource, ParquetSource, is_source, kind_of, open_source

FRAME = pd.DataFrame(
    {
        "km": [5, 8, 2, 9, 4],
        "load_t": [1.5, None, 2.5, 3.0, 1.0],
        "mode": ["road", "rail", None, "road", "rail"],
        "late": [True, False, True, True, False],
    }
)


def cells(source: BatchSource, columns: list[str], rows: int = 100) -> list[list[Any]]:
    batches = list(source.batches(columns, rows))
    return [[cell for batch in batches for cell in batch.column(name).to_pylist()] for name in columns]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    FRAME.set_index(pd.Index([7, 8, 9, 10, 11])).to_parquet(tmp_path / "trips.parquet", row_group_size=2)
    return tmp_path / "trips.parquet"


class TestParquet:
    def test_columns_in_the_order_asked_for_and_numbers_as_floats(self, path: Path) -> None:
        source = ParquetSource((path,))
        assert dict(source.kinds) == {
            "km": "number",
            "load_t": "number",
            "mode": "category",
            "late": "category",
        }
        assert cells(source, ["mode", "km"]) == [
            ["road", "rail", None, "road", "rail"],
            [5.0, 8.0, 2.0, 9.0, 4.0],
        ]
        batch = next(source.batches(["load_t", "km"], 10))
        assert [str(kind) for kind in batch.schema.types] == ["double", "double"]
        assert batch.column(0).null_count == 1

    def test_batches_are_bounded(self, path: Path) -> None:
        assert max(len(batch) for batch in ParquetSource((path,)).batches(["km"], 2)) <= 2

    def test_several_files(self, path: Path, tmp_path: Path) -> None:
        more = tmp_path / "more.parquet"
        FRAME[:3].to_parquet(more)
        source = ParquetSource((path, more))
        assert (source.rows, source.name) == (8, "trips.parquet and 1 more")
        assert cells(source, ["km"]) == [[5, 8, 2, 9, 4, 5, 8, 2]]
        assert source.place(4) == "row 4 of trips.parquet"
        assert source.place(5) == "row 0 of more.parquet"

    def test_numbers_of_every_type(self, tmp_path: Path) -> None:
        table = pa.table({"small": pa.array([1, 2], pa.int8()), "exact": [Decimal("1.50"), Decimal("2.25")]})
        pq.write_table(table, tmp_path / "n.parquet")
        assert cells(ParquetSource((tmp_path / "n.parquet",)), ["exact", "small"]) == [
            [1.5, 2.25],
            [1.0, 2.0],
        ]

    def test_files_that_do_not_fit(self, path: Path, tmp_path: Path) -> None:
        other, texts = tmp_path / "other.parquet", tmp_path / "texts.parquet"
        FRAME.rename(columns={"km": "kms"}).to_parquet(other)
        FRAME.assign(km="far").to_parquet(texts)
        with pytest.raises(TableError, match=re.escape("other.parquet: no column 'km'; did you mean 'kms'?")):
            cells(ParquetSource((path, other)), ["km"])
        with pytest.raises(
            TableError, match=r"texts\.parquet: column 'km' holds numbers at the start, and here 'far'"
        ):
            cells(ParquetSource((path, texts)), ["km"])
        with pytest.raises(TableError, match=r"trips\.parquet: column 'km' holds no numbers at the start"):
            cells(ParquetSource((texts, path)), ["km"])

    def test_no_parquet_file(self, path: Path, tmp_path: Path) -> None:
        (tmp_path / "text.parquet").write_text("km,load\n1,2\n")
        with pytest.raises(TableError, match=r"text\.parquet: is not a Parquet file"):
            _ = ParquetSource((tmp_path / "text.parquet",)).kinds
        whole = path.read_bytes()
        path.write_bytes(whole[:4] + b"\0" * 80 + whole[84:])
        with pytest.raises(TableError, match=r"trips\.parquet: is damaged"):
            cells(ParquetSource((path,)), ["km", "load_t"])
        with pytest.raises(
            TableError, match=r"no such Parquet file: .*trip\.parquet; did you mean 'trips\.parquet'"
        ):
            open_source(str(tmp_path / "trip.parquet")).__enter__()


class TestFrames:
    def test_frames_are_cut_and_numbers_come_as_floats(self) -> None:
        source = FrameSource(lambda: [FRAME[:0], FRAME, FRAME[:1]])
        assert source.kinds["mode"] == "category"
        assert [len(batch) for batch in source.batches(["km"], 2)] == [2, 2, 1, 1]
        assert cells(source, ["km"]) == [[5.0, 8.0, 2.0, 9.0, 4.0, 5.0]]
        assert source.place(12) == "row 12 of the batches"

    @pytest.mark.parametrize(
        ("second", "words"),
        [
            (FRAME[["mode"]], "batch 1: no column 'km'; known: 'mode'"),
            (FRAME.assign(km="far"), "batch 1: column 'km' holds numbers at the start, and here 'far'"),
            (FRAME.assign(km=[1, "far", 2, 3, 4]), "batch 1: column 'km' holds values of different kinds"),
            (FRAME.assign(mode=1.0), "batch 1: column 'mode' holds no numbers at the start"),
            (pd.concat([FRAME, FRAME[["km"]]], axis=1), "batch 1: column 'km' occurs twice"),
            ({"km": [1.0]}, "batch 1 is a dict; every batch must be a DataFrame"),
        ],
    )
    def test_batches_that_do_not_fit(self, second: Any, words: str) -> None:
        with pytest.raises(TableError, match=re.escape(words)):
            cells(FrameSource(lambda: [FRAME, second]), ["km", "mode"])

    def test_no_rows(self) -> None:
        with pytest.raises(TableError, match="the batches hold no rows"):
            _ = FrameSource(lambda: [FRAME[:0]]).kinds


class TestIterators:
    def frames(self) -> Iterator[pd.DataFrame]:
        for start in (0, 3):
            part = FRAME[["km", "mode", "late"]].iloc[start : start + 3]
            zone = pd.Categorical(np.arange(start, start + len(part)) % 3)
            yield part.assign(zone=zone, mode=part["mode"].astype("category"), km=part["km"] / (1.0 + start))

    def test_are_kept_in_a_file_that_is_removed_at_the_end(self) -> None:
        with open_source(self.frames()) as source:
            assert isinstance(source, ParquetSource)
            assert source.paths[0].is_file()
            assert dict(source.kinds) == {
                "km": "number",
                "mode": "category",
                "late": "category",
                "zone": "category",
            }
            for _ in range(2):
                assert cells(source, ["zone", "mode"]) == [
                    [0, 1, 2, 0, 1],
                    ["road", "rail", None, "road", "rail"],
                ]
            assert cells(source, ["km", "late"]) == [
                [5.0, 8.0, 2.0, 9 / 4, 1.0],
                [True, False, True, True, False],
            ]
        assert not source.paths[0].is_file()

    @pytest.mark.skipif(sys.platform != "linux", reason="where files have names, they are removed at the end")
    def test_leave_nothing_behind_wherever_a_process_is_killed(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
        with open_source(self.frames()) as source:
            assert len(cells(source, ["km"])[0]) == 5
            assert source.place(3) == "row 3 of the batches"
            assert list(tmp_path.iterdir()) == []

    def test_that_are_spent_or_do_not_fit(self) -> None:
        spent = self.frames()
        list(spent)
        with pytest.raises(TableError, match="the iterator gave no rows"):
            open_source(spent).__enter__()
        with pytest.raises(TableError, match="the batches do not fit together"):
            open_source(iter([FRAME[["late"]], FRAME[["mode"]].rename(columns={"mode": "late"})])).__enter__()


def test_what_is_a_source(tmp_path: Path) -> None:
    yes = ["a.parquet", tmp_path, ["a.parquet", tmp_path], (tmp_path,), iter([FRAME]), lambda: iter([FRAME])]
    no = [FRAME, [[1.0]], [], np.zeros((2, 2)), {"km": [1.0]}, pd.Series([1.0])]
    assert [is_source(given) for given in yes] == [True] * len(yes)
    assert [is_source(given) for given in no] == [False] * len(no)


def test_kinds() -> None:
    assert kind_of(pa.dictionary(pa.int8(), pa.int64())) == "category"
    assert kind_of(pa.string_view()) == "category"
    assert kind_of(pa.list_(pa.int8())) == "other"


def test_columns_that_occur_twice_in_a_file(tmp_path: Path) -> None:
    column = pa.array([1.0, 2.0])
    path = tmp_path / "twice.parquet"
    pq.write_table(pa.Table.from_arrays([column, column], names=["km", "km"]), path)
    with pytest.raises(TableError, match=r"twice\.parquet: column 'km' occurs twice"):
        _ = ParquetSource((path,)).kinds


def test_columns_named_by_numbers_are_called_by_their_texts() -> None:
    source = FrameSource(lambda: iter([pd.DataFrame({0: [1.0], 1: [2.0]})]))
    assert list(source.kinds) == ["0", "1"]
    assert [batch.column(0).to_pylist() for batch in source.batches(["1"], rows=5)] == [[2.0]]
    with pytest.raises(TableError, match="no column 'km'"):
        list(source.batches(["km"], rows=5))


@pytest.mark.parametrize("returned", [5, pd.DataFrame({"km": [1.0]}), {"km": [1.0]}, None])
def test_a_callable_that_returns_no_iterator_of_frames(returned: Any) -> None:
    with pytest.raises(TableError, match="it must return a fresh iterator of DataFrames"):
        _ = FrameSource(lambda: returned).kinds


def test_the_partitions_of_a_dask_frame_are_read_one_after_the_other() -> None:
    from dask.dataframe import from_pandas

    parts = from_pandas(FRAME, npartitions=3)
    assert is_source(parts)
    with open_source(parts) as source:
        assert source.kinds == {"km": "number", "load_t": "number", "mode": "category", "late": "category"}
        assert cells(source, ["km", "mode"]) == [
            [5, 8, 2, 9, 4],
            ["road", "rail", None, "road", "rail"],
        ]
        assert cells(source, ["late"]) == [FRAME["late"].tolist()]  # read again
