"""Small files that would do large harm, and files that are not what they say."""

from __future__ import annotations

import base64
import contextlib
import os
import resource
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from kanopt.errors import FileFormatError, TableError
from kanopt.tables import TextFormat, _stores, read_table
from kanopt.tables.batches import open_source


def refused(path: Path, match: str, **options: object) -> str:
    """Return why a table is refused; it must not take long, nor much memory."""
    begin, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(TableError, match=match) as caught:
        read_table(path, **options)  # type: ignore[arg-type]
    assert time.monotonic() - begin < 60
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1_000_000  # kB
    assert max(map(len, str(caught.value).splitlines())) <= 1_000
    return str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    "column",
    [
        pa.DictionaryArray.from_arrays(pa.array(np.zeros(2_000_000, np.int32)), pa.array(["x" * 2_000])),
        pa.RunEndEncodedArray.from_arrays([300_000_000], [1.0]),
    ],
    ids=["long texts repeated", "a number repeated"],
)
def test_a_small_parquet_file_of_gigabytes_is_refused(tmp_path: Path, column: pa.Array) -> None:
    path = tmp_path / "small.parquet"
    if isinstance(column, pa.RunEndEncodedArray):
        with pq.ParquetWriter(path, pa.schema([("x", pa.float64())])) as writer:
            block = pa.table({"x": np.ones(2_000_000)})
            for _ in range(150):
                writer.write_table(block)
    else:
        pq.write_table(pa.table({"x": column}), path)
    assert path.stat().st_size < 2_000_000
    refused(path, "unpacks to .* is refused")


@pytest.mark.slow
def test_a_parquet_file_of_ordinary_texts_and_categories_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "town": ["Lyon", None, "Nice"] * 50_000,
            "zone": pd.Categorical(["a", "b", "a"] * 50_000),
            "x": range(150_000),
        }
    )
    frame.to_parquet(tmp_path / "t.parquet", row_group_size=40_000)
    read = read_table(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(
        read.reset_index(drop=True), frame, check_dtype=False, check_categorical=False
    )


@pytest.mark.parametrize("at", [10, 100, 200, -20])
def test_a_damaged_parquet_file_is_named(tmp_path: Path, at: int) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame({"x": [1.0, 2.0], "town": ["a", "b"]}).to_parquet(path)
    content = bytearray(path.read_bytes())
    content[at : at + 4] = b"\xff\xff\xff\xff"
    path.write_bytes(bytes(content))
    with contextlib.suppress(TableError):  # some bytes are values; whatever else is raised fails the test
        read_table(path)


# the column x was optional when it was written, and is required since one bit was flipped
_HISTOGRAM_OF_ANOTHER_SIZE = (
    "UEFSMRUAFRQVFCwVAhUAFQYVBhwAAAACAAAAAgEBAAAAFQQZLDUAGAZzY2hlbWEVAgAVAiQCGAF4ABYCGRwZHCYAHBUCGSUGABkYAXgVABYCFjoW"
    "OiYISRwVABUAFQIAPCkGGSYAAgAAABY6FgImCBY6ACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZHBwAAAB6AAAAUEFSMQ=="
)
_A_COLUMN_THAT_THE_SCHEMA_LACKS = (
    "UEFSMRUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgEBAAAAAAAAABUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgECAAAAAAAAABUEGSw1ABgGc2NoZW1h"
    "FQIAFQQlAhgBeAAWAhkcGSwmABwVBBklBgAZGAF4FQAWAhZCFkImCEkcFQAVABUCADwpBhkmAAIAAAAmABwVBBklBgAZGAF5FQAWAhZCFkImSkkc"
    "FQAVABUCADwpBhkmAAIAAAAWhAEWAiYIFoQBACggcGFycXVldC1jcHAtYXJyb3cgdmVyc2lvbiAyNi4wLjEZHBwAAACmAAAAUEFSMQ=="
)
# a column of -64 values beside a list of 100
_FEWER_VALUES_THAN_NONE = (
    "UEFSMRUAFRwVHCwVAhUAFQYVBhwAAAACAAAAAgEBAAAAAAAAABUEFRAVEEwVAhUAEgAAAAAAAAAAAAAVABUoFSgsFcgBFRAVBhUGHAAAAAUAAAAD"
    "/rgBAQMAAADIAQMByAEAFQQZXDUAGAZzY2hlbWEVBAAVBCUCGAF4ADUCGAFsFQIVBkw8AAAANQQYBGxpc3QVAgAVBCUCGAdlbGVtZW50ABYCGRwZ"
    "LCYAHBUEGSUGABkYAXgVABZ/FkIWQiYISRwVABUAFQIAPCkGGSYAAgAAACYAHBUEGTUABhAZOAFsBGxpc3QHZWxlbWVudBUAFsgBFnwWfCZ2Jkop"
    "LBUEFQAVAgAVABUQFQIAPCkmAsYBGUYAAADIAQAAABa+ARYCJggWvgEAKCBwYXJxdWV0LWNwcC1hcnJvdyB2ZXJzaW9uIDI2LjAuMRksHAAAHAAA"
    "AO4AAABQQVIx"
)


def test_a_damaged_description_of_a_column_does_not_end_the_process(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(base64.b64decode(_HISTOGRAM_OF_ANOTHER_SIZE))
    refused(path, "t.parquet: is not a Parquet file, or is damaged: Definition level histogram size mismatch")
    with pytest.raises(TableError, match="histogram size mismatch"):
        open_source(path)


def test_a_column_that_the_schema_lacks_does_not_end_the_process(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(base64.b64decode(_A_COLUMN_THAT_THE_SCHEMA_LACKS))
    assert list(read_table(path)) == ["x"]


def test_fewer_values_than_none_hide_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(base64.b64decode(_FEWER_VALUES_THAN_NONE))
    monkeypatch.setattr(_stores, "UNPACKED", 80)
    monkeypatch.setattr(_stores, "MOST_PACKED", 0)
    refused(path, "unpacks to 100 or more is refused")


def test_a_parquet_file_without_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pd.DataFrame(index=range(3)).to_parquet(path, index=False)
    refused(path, "t.parquet: has no columns")


def test_a_cell_longer_than_any_cell_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"name,x\na,1\n{'y' * 140_000},2\n")
    assert "row 3: a cell has more than 131,072 characters" in refused(path, "row 3")
    path.write_text("y" * 140_000)
    refused(path, "row 1: a cell has more than")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_utf_16_without_a_mark(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("name,x\na,1\n".encode("utf-16-le"))
    refused(path, "zero bytes")
    form = TextFormat(encoding=encoding)
    if encoding == "utf-16-le":
        assert read_table(path, form=form)["x"].tolist() == [1]
    else:
        refused(path, "cannot be read as", form=form)


@pytest.mark.parametrize(
    "encoding", ["zlib", "hex", "bz2", "rot13", "idna", "punycode", "undefined", "unicode_escape", "a\0b"]
)
def test_encodings_that_are_none_of_text_files(encoding: str) -> None:
    with pytest.raises(TableError, match="unknown encoding"):
        TextFormat(encoding=encoding)


def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    refused(tmp_path / "t.csv", "t.csv: is a pipe, a device or the like, not a file")


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    refused(tmp_path, f"{tmp_path}: is a folder, not a file")


@pytest.mark.parametrize("name", ["x" * 300 + ".csv", "x" * 300 + ".xlsx", "a\0b.parquet"])
def test_what_is_no_path_is_no_table(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileFormatError, match="is no path: "):
        read_table(tmp_path / name)


def test_a_long_name_is_cut_in_messages(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{'y' * 100_000},x\n1,see\n2,2\n3,3\n")
    refused(path, "not a number")
    refused(path, "no column", columns=["z" * 5_000])
