"""Text files as people's programs write them."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from kanopt.errors import TableError
from kanopt.tables import TextFormat, read_table, report_of, units_of
from kanopt.tables.report import rows_in_source

PLAIN = "trip,minutes,town\n1,10.5,Lyon\n2,20,Köln\n"
EXPECTED = pd.DataFrame({"trip": [1, 2], "minutes": [10.5, 20.0], "town": ["Lyon", "Köln"]})


def write(folder: Path, content: str | bytes, name: str = "trips.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def assert_plain(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(frame, EXPECTED, check_dtype=False, check_flags=False)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (PLAIN.encode(), "utf-8,"),
        (codecs.BOM_UTF8 + PLAIN.encode(), "utf-8-sig"),
        (PLAIN.encode("utf-16"), "utf-16"),
        (codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), "utf-16"),
        (PLAIN.encode("cp1252"), "cp1252"),
        (PLAIN.replace("\n", "\r").encode(), "utf-8,"),
        (PLAIN.replace("\n", "\r\n").encode(), "utf-8,"),
        (codecs.BOM_UTF8 + PLAIN.replace("\n", "\r").encode(), "utf-8-sig, separator ','"),
        (PLAIN.replace(",", ";").encode(), "separator ';'"),
        (PLAIN.replace(",", "\t").encode(), "separator tab"),
        (PLAIN.replace(",", "|").encode(), r"separator '\|'"),
        (PLAIN.removesuffix("\n").encode(), "utf-8,"),
        (PLAIN.replace("trip,minutes", " trip ,  minutes\t").encode(), "utf-8"),
        (PLAIN.replace(",Lyon", ', "Lyon" ').replace(', "', ',"').replace('" ', '"').encode(), "utf-8"),
    ],
)
def test_encodings_separators_and_line_ends(tmp_path: Path, content: bytes, said: str) -> None:
    frame = read_table(write(tmp_path, content))
    assert_plain(frame)
    assert re.search(said, report_of(frame).format)


def test_quotes_hold_separators_and_line_ends(tmp_path: Path) -> None:
    frame = read_table(write(tmp_path, 'item,pieces\n"5"" pipe, steel\nlong",3\n'))
    assert frame["item"].tolist() == ['5" pipe, steel\nlong']


def test_a_quote_that_is_never_closed(tmp_path: Path) -> None:
    path = write(tmp_path, 'item,pieces\nnut,1\n"pipe,3\nbolt,4\n')
    with pytest.raises(TableError, match="row 3: a quote is opened and never closed"):
        read_table(path)
    assert read_table(path, form=TextFormat(quote=""))["item"].tolist() == ["nut", '"pipe', "bolt"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n  \n", "the file is empty"),
        (codecs.BOM_UTF8 + b"\n", "no header"),
        (b"a,b\n", "a header and no rows"),
        (b"a,b\n\n,\n", "a header and no rows"),
        (b"1,2\n3,4\n", r"row 1 holds only numbers \(1, 2\)"),
        (b"PK\x03\x04rest", "an Excel workbook or a zip archive"),
        (b"PAR1rest", "a Parquet file and not a text file"),
        ("a,b\n1,2\n".encode("utf-16-le"), "zero bytes"),
    ],
)
def test_what_is_no_table(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read_table(write(tmp_path, content))


def test_names_that_repeat(tmp_path: Path) -> None:
    path = write(tmp_path, "id, cost ,cost\n1,2,3\n")
    with pytest.raises(TableError, match=r"'cost' stands 2 times \(columns 2, 3\)"):
        read_table(path)
    assert list(read_table(path, columns=["id"])) == ["id"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"separator": ";;"}, "separator must be one character"),
        ({"decimal": ";"}, "decimal must be"),
        ({"decimal": ".", "thousands": "."}, "thousands cannot be '.' where decimal is '.'"),
        ({"thousands": "x"}, "thousands cannot be"),
        ({"quote": '""'}, "quote must be"),
        ({"header": 0}, "counted from 1"),
        ({"encoding": "utf8-sig"}, "did you mean 'utf-8-sig'"),
    ],
)
def test_formats_that_make_no_sense(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        TextFormat(**settings)


def test_a_row_of_units_below_the_header_is_one_only_over_numbers(tmp_path: Path) -> None:
    path = tmp_path / "trips.csv"
    path.write_text("Trip;Left;Way;Price\n;hh:mm;[km];€/km\nA;8:00;12;1,5\nB;9:00;7;2\n")
    frame = read_table(path)
    assert units_of(frame) == {"Way": "km", "Price": "EUR/km"}
    assert frame["Way"].tolist() == [12, 7]
    assert list(rows_in_source(frame)) == [3, 4]
    path.write_text("Size;Colour\nm;red\nl;blue\n")
    assert read_table(path)["Size"].tolist() == ["m", "l"]


def test_how_a_file_is_written_is_said_by_a_text_format(tmp_path):
    (tmp_path / "t.csv").write_text("a\n1\n")
    with pytest.raises(TableError, match="form must be a TextFormat"):
        read_table(tmp_path / "t.csv", form={"decimal": ","})
