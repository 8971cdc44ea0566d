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

from kanopt.errors import TableError
from kanopt.tables import read_table
from kanopt.tables.stores import open_source


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
# a column of -64 values beside a list of 100


def test_a_damaged_description_of_a_column_does_not_end_the_process(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(base64.b64decode(_HISTOGRAM_OF_ANOTHER_SIZE))
    refused(path, "t.parquet: is not a Parquet file, or is damaged: Definition level histogram size mismatch")
    with pytest.raises(TableError, match="histogram size mismatch"):
        open_source(path)


def test_a_cell_longer_than_any_cell_is_placed(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"name,x\na,1\n{'y' * 140_000},2\n")
    assert "row 3: a cell has more than 131,072 characters" in refused(path, "row 3")
    path.write_text("y" * 140_000)
    refused(path, "row 1: a cell has more than")


def test_a_pipe_is_no_table(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "t.csv")
    refused(tmp_path / "t.csv", "t.csv: is a pipe, a device or the like, not a file")
