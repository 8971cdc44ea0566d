"""Sheets of workbooks: what stands in them, and what is refused."""

from __future__ import annotations

import datetime
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanopt.errors import TableError
from kanopt.tables import TextFormat, _workbook, read_table, report_of
from kanopt.tables._workbook import open_workbook

TRIPS = [
    ["trip", "km", "left", "at", "sealed", "note"],
    [1, 12.5, datetime.datetime(2024, 3, 1), datetime.time(8, 30), True, "x"],
    [2, 8, datetime.datetime(2024, 3, 2), datetime.time(16, 5), False, None],
]


@pytest.fixture
def book(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "trips"
    for row in TRIPS:
        book.active.append(row)
    book.create_sheet("clients").append(["name", "x"])
    book["clients"].append(["=1+1", 3])
    path = tmp_path / "book.xlsx"
    book.save(path)
    return path


def test_a_sheet_equals_the_csv_file_that_is_saved_of_it(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.5, None, -3e-7], "b": ["x", "ü", "N/A"], "c": [10**12, 0, 7]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet("only")
        for place, name in enumerate(frame):
            sheet.write_column(0, place, [name, *frame[name].astype(object).where(frame[name].notna(), None)])
    pd.testing.assert_frame_equal(read_table(tmp_path / "t.xlsx"), read_table(tmp_path / "t.csv"))


def test_texts_with_decimal_commas_are_numbers_as_the_numbers_beside_them(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        ["typed", "pasted", "parted", "either"],
        [1.5, "0,42", "1.234,50", "1,250"],
        ["2,5", "24,60", "7,25", "2,500"],
    ):
        book.active.append(row)
    book.save(tmp_path / "t.xlsx")
    read = read_table(tmp_path / "t.xlsx", columns=["typed", "pasted", "parted"])
    assert read.to_numpy().tolist() == [[1.5, 0.42, 1234.5], [2.5, 24.6, 7.25]]
    assert "with ',' before decimals, as column 'typed' (2,5) shows" in report_of(read).notes[0]
    with pytest.raises(TableError, match="thousand"):
        read_table(tmp_path / "t.xlsx", columns=["either"])


def test_the_sheet_must_be_said_where_there_are_several(book: Path) -> None:
    with open_workbook(book) as opened:
        assert opened.names == ["trips", "clients"]
    with pytest.raises(TableError, match=r"book\.xlsx: has 2 sheets, 'trips', 'clients'; say which"):
        read_table(book)
    with pytest.raises(TableError, match="there is no sheet 'trip'; did you mean 'trips'"):
        read_table(book, sheet="trip")
    (book.parent / "t.csv").write_text("a\n1\n")
    with pytest.raises(TableError, match=r"sheet='a' is for a workbook such as 'book\.xlsx'"):
        read_table(book.parent / "t.csv", sheet="a")


def test_a_formula_that_nobody_computed_is_a_bad_cell(tmp_path: Path, book: Path) -> None:
    made = openpyxl.load_workbook(book)
    made["trips"]["B3"] = "=B2*2"  # openpyxl leaves no value beside it
    made.save(tmp_path / "open.xlsx")
    with pytest.raises(TableError, match="=B2"):
        read_table(tmp_path / "open.xlsx", sheet="trips", units={"km": "km"})
    with xlsxwriter.Workbook(tmp_path / "done.xlsx") as written:
        sheet = written.add_worksheet()
        sheet.write_column(0, 0, ["km", 4])
        sheet.write_formula(2, 0, "=A2*2", None, 8)
        sheet.write_formula(3, 0, "=1/0", None, "#DIV/0!")
    assert read_table(tmp_path / "done.xlsx", on_bad="drop", units={"km": "km"})["km"].tolist() == [4, 8]
    with pytest.raises(TableError, match=r"#DIV/0!"):
        read_table(tmp_path / "done.xlsx", units={"km": "km"})


def test_rows_are_counted_as_the_spreadsheet_counts_them(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet()
        sheet.write(0, 0, "Trips of March")
        sheet.write_row(3, 1, ["trip", "km"])
        sheet.write_row(4, 1, [1, 5])
        sheet.write_row(6, 1, [2, "far"])
    with pytest.raises(TableError, match=r"row 7: 'far'|row 7 'far'|7.*far"):
        read_table(tmp_path / "t.xlsx", form=TextFormat(header=4), units={"km": "km"})
    with open_workbook(tmp_path / "t.xlsx") as opened:
        assert opened.header_row("Sheet1") == 4
    frame = read_table(tmp_path / "t.xlsx", form=TextFormat(header=4), on_bad="missing")
    assert list(frame) == ["trip", "km"]
    assert frame["trip"].tolist() == [1, 2]


def repacked(book: Path, part: str, change) -> Path:
    """Return a copy of a workbook with one of its documents changed."""
    path = book.with_name("changed.xlsx")
    with zipfile.ZipFile(book) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return path


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused(book: Path, encoding: str) -> None:
    bomb = '<!DOCTYPE x [<!ENTITY a "aaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    path = repacked(book, SHEET, lambda text: (bomb + text.decode()).encode(encoding))
    with pytest.raises(TableError, match="a document type, which no workbook declares, is refused"):
        read_table(path, sheet="trips")


def test_a_small_workbook_that_unpacks_to_very_much_is_refused(
    book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_workbook, "UNPACKED", 1_000_000)
    path = repacked(book, SHEET, lambda text: text + b" " * 3_000_000)
    assert path.stat().st_size < 50_000
    with pytest.raises(TableError, match=r"unpacks to 3,\d+,\d+ bytes in \d+ parts is refused"):
        read_table(path, sheet="trips")


@pytest.mark.parametrize("part", ["xl/styles.xml", "xl/workbook.xml"])
def test_a_document_that_is_read_whole_must_be_small(book: Path, part: str) -> None:
    path = repacked(book, part, lambda text: text + b" " * 5_000_000)
    with pytest.raises(
        TableError, match=rf"{part} of 5,\d+,\d+ bytes, in which there are no cells, is refused"
    ):
        read_table(path, sheet="trips")


@pytest.mark.parametrize(
    "content",
    [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"\xd0\xcf\x11\xe0" + b"\x00" * 600],
    ids=["0", "zip", "csv", "xls"],
)
def test_what_is_no_workbook_is_said(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "t.xlsx").write_bytes(content)
    with pytest.raises(TableError, match=r"t\.xlsx: is no workbook of the kind \.xlsx, or is damaged"):
        read_table(tmp_path / "t.xlsx")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    part=st.sampled_from([SHEET, "xl/workbook.xml", "xl/sharedStrings.xml", "xl/styles.xml"]), data=st.data()
)
def test_a_damaged_workbook_ends_in_an_error_that_names_it(
    book: Path, part: str, data: st.DataObject
) -> None:
    def damage(text: bytes) -> bytes:
        at = data.draw(st.integers(0, len(text) - 1))
        return text[:at] + data.draw(st.binary(max_size=3)) + text[at + data.draw(st.integers(0, 9)) :]

    path = repacked(book, part, damage)
    try:
        told = report_of(read_table(path, sheet="trips", on_bad="missing")).source
    except TableError as error:
        told = str(error)
    assert "changed.xlsx" in told


def with_rows(book: Path, rows: bytes, sign: str = "utf-8") -> Path:
    """Return the workbook with other rows in its first sheet."""

    def changed(text: bytes) -> bytes:
        head, rest = text.split(b"<sheetData>")
        return (
            (head + b"<sheetData>" + rows + b"</sheetData>" + rest.split(b"</sheetData>")[1])
            .decode()
            .encode(sign)
        )

    return repacked(book, SHEET, changed)


@pytest.mark.parametrize("sign", ["utf-8", "utf-16"])
def test_one_enormous_row_is_refused_before_it_takes_memory(book: Path, sign: str) -> None:
    cells = b'<c r="A2"><v>1</v></c>'
    for row in (
        cells * 60_000,
        b"<c/>" * 250_000,
        b'<c t="inlineStr"><is><t>' + b"a" * 5_000_000 + b"</t></is></c>",
    ):
        path = with_rows(book, b"<row>" + row + b"</row>", sign)
        with pytest.raises(
            TableError, match=r"sheet1\.xml with a row or a text of over 4,194,304 bytes or 200,000 tags"
        ):
            read_table(path, sheet="trips")
    many = with_rows(book, b"<row>" + cells + b"</row>" + (b"<row>" + cells * 30_000 + b"</row>") * 4, sign)
    with pytest.raises(TableError, match="holds only numbers"):  # as long, in rows of a size that is read
        read_table(many, sheet="trips")
