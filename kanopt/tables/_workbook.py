"""Read a sheet of a workbook: its cells become texts, which are checked as those of a text file are.

A workbook is an archive of XML documents and may be a stranger's: what it unpacks to is bounded before anything is
read, documents that define entities are refused, and nothing in it is computed or followed. Of a formula the value
counts that the spreadsheet left beside it.
"""

from __future__ import annotations

import datetime
import re
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from kanopt.errors import TableError, nearest
from kanopt.tables._convert import certain_pattern, count_matches, number_pattern, two_ways
from kanopt.tables._text import RawTable, TextFormat, header_row, number_in, records_table
from kanopt.tables.stores import MOST_PACKED, first_line
from kanopt.text import list_names

WORKBOOKS = (".xlsx", ".xlsm")
"""Endings of the names of workbooks."""
UNPACKED = 1 << 25
"""Bytes that any workbook may unpack to: openpyxl makes up to a hundred of each."""
_MOST_PARTS, _MOST_CELLS, _MOST_ROWS = 10_000, 50_000_000, 1 << 20
_WHOLE = (
    "xl/workbook.xml",
    "xl/styles.xml",
    "docProps/core.xml",
    "docProps/custom.xml",
    "[Content_Types].xml",
)
_LARGEST_WHOLE = 1 << 22
"""Bytes of a document that openpyxl reads whole, at a kilobyte or more for each element; sheets are read by rows."""
_PIECE = 1 << 20
_LOOKED_AT = 30
_NO_ENTITIES = (b"<!DOCTYPE", b"<!ENTITY")
_ROW = re.compile(rb"<(?:\w+:)?(?:row|si)[\s/>]|</(?:\w+:)?(?:sheetData|sst)\s*>")
"""Where a row or a shared text begins, which are taken apart as a whole each, and where the last of them has ended."""
_MOST_TAGS = 200_000
"""Tags of a row: Excel has 16,384 columns."""
_LONGEST_TAG = 300


@dataclass(frozen=True, eq=False)
class Workbook:
    """A workbook that is open, as :func:`open_workbook` gives it.

    Parameters
    ----------
    path
        The file.
    values, formulas
        It as openpyxl reads the values of cells, and the formulas.
    """

    path: Path
    values: Any
    formulas: Any

    @property
    def names(self) -> list[str]:
        """The sheets that hold cells, not those that are a chart."""
        with _named(self.path):
            return [sheet.title for sheet in self.values.worksheets]

    def read(self, sheet: str | None, form: TextFormat) -> RawTable:
        """Read a sheet into columns of texts.

        Parameters
        ----------
        sheet
            Its name; left out, the only one.
        form
            In which row the header stands, and which texts stand for missing values.

        Raises
        ------
        TableError
            If there is no such sheet, or it is no table.
        """
        names, path = self.names, self.path
        if sheet is None and len(names) != 1:
            raise TableError(
                f'{path.name}: has {len(names)} sheets, {list_names(names, 5)}; say which, such as sheet = "{names[0]}"'
            )
        name = names[0] if sheet is None else sheet
        if name not in names:
            raise TableError(f"{path.name}: there is no sheet {name!r}; {nearest(name, names)}")
        with _named(path):
            rows = _rows(path, self.values[name], self.formulas[name], form.decimal)
            table = records_table(path, rows, form, f"{path.name}, sheet {name!r}")
        table = replace(table, source=f"{path}, sheet {name!r}", format=f"workbook, sheet {name!r}")
        return _with_points(table) if form.decimal is None else table

    def header_row(self, sheet: str) -> int:
        """Return the row in which the names of columns seem to stand.

        Raises
        ------
        TableError
            If the workbook is damaged.
        """
        with _named(self.path):
            rows = _rows(self.path, self.values[sheet], self.formulas[sheet])
            return header_row(list(islice(rows, _LOOKED_AT)))


@contextmanager
def open_workbook(path: Path) -> Iterator[Workbook]:
    """Open a workbook, as long as its sheets are read.

    Raises
    ------
    TableError
        If it is none, or unpacks to too much.
    """
    openpyxl = _openpyxl(path)
    _check_archive(path)
    load = partial(openpyxl.load_workbook, read_only=True, keep_links=False)
    # the files are opened here, since openpyxl does not close them where it fails
    with path.open("rb") as file, path.open("rb") as same:
        with _named(path):
            book = Workbook(path, load(file, data_only=True), load(same, data_only=False))
        yield book


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Let whatever fails in a workbook be an error that names it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of styles and validations, which no table has
        try:
            yield
        except TableError:
            raise
        except Exception as error:  # openpyxl raises whatever its parsers meet
            raise _damaged(path, error) from None


def _openpyxl(path: Path) -> Any:
    try:
        import openpyxl
    except ImportError:
        raise TableError(
            f'{path.name}: to read workbooks takes the package openpyxl: pip install "kanopt[xlsx]"; or save each '
            "sheet as a CSV file"
        ) from None
    return openpyxl


def _check_archive(path: Path) -> None:
    """Refuse an archive that unpacks to very much, or holds a document that defines entities.

    Raises
    ------
    TableError
        If it is such a one, or no archive.
    """
    own = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            size = sum(part.file_size for part in parts)
            if size > max(UNPACKED, MOST_PACKED * own) or len(parts) > _MOST_PARTS:
                told = f"a workbook of {own:,} bytes that unpacks to {size:,} bytes in {len(parts):,} parts"
                raise _refusal(path, told)
            for part in parts:
                whole = part.filename in _WHOLE or part.filename.endswith(".rels")
                if whole and part.file_size > _LARGEST_WHOLE:
                    raise _refusal(
                        path, f"{part.filename} of {part.file_size:,} bytes, in which there are no cells,"
                    )
                # whatever a sheet is called; pictures may declare a type, and are not read
                if not part.filename.endswith(".svg"):
                    _check_part(path, archive, part.filename)
    except TableError:
        raise
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise _damaged(path, error) from None


def _refusal(path: Path, what: str) -> TableError:
    return TableError(f"{path.name}: {what} is refused; save its sheets as CSV files")


def _check_part(path: Path, archive: zipfile.ZipFile, name: str) -> None:
    """Refuse a document that defines entities, or has a row or a text too long to be taken apart as a whole.

    Raises
    ------
    TableError
        If it is such a one.
    """
    row, tags = None, 0  # where what is not over yet began, and the tags since then
    for at, plain in _pieces(archive, name):
        if any(mark in plain for mark in _NO_ENTITIES):
            raise _refusal(path, f"{name} with a document type, which no workbook declares,")
        begun = 0
        for found in (*_ROW.finditer(plain), None):
            end = len(plain) if found is None else found.start()
            tags, begun = tags + plain.count(b"<", begun, end), end
            if row is not None and (at + end - row > _LARGEST_WHOLE or tags > _MOST_TAGS):
                most = f"{_LARGEST_WHOLE:,} bytes or {_MOST_TAGS:,} tags"
                raise _refusal(path, f"{name} with a row or a text of over {most}")
            if found is not None:
                row, tags = None if found[0].startswith(b"</") else at + end, 0


def _pieces(archive: zipfile.ZipFile, name: str) -> Iterator[tuple[int, bytes]]:
    """Yield where each piece of a document begins, and the piece, which overlaps the one before by a tag."""
    at, end = 0, b""
    with archive.open(name) as file:
        while piece := file.read(_PIECE):
            plain = end + piece.replace(b"\x00", b"")  # UTF-16 as well
            yield at, plain
            end = plain[-_LONGEST_TAG:]
            at += len(plain) - len(end)


def _damaged(path: Path, error: Exception) -> TableError:
    told = first_line(error) or type(error).__name__
    return TableError(f"{path.name}: is no workbook of the kind .xlsx, or is damaged: {told}")


def _rows(path: Path, values: Any, formulas: Any, decimal: str | None = None) -> Iterator[list[str]]:
    """Yield the rows of a sheet as texts, each at least as long as those before."""
    for sheet in (values, formulas):
        sheet.reset_dimensions()  # what a file says of its size need not be true
    width = cells = 0
    both = zip(values.iter_rows(values_only=True), formulas.iter_rows(values_only=True), strict=True)
    for number, (row, written) in enumerate(both, start=1):
        texts = [_text(value, formula, decimal) for value, formula in zip(row, written, strict=True)]
        width = max(width, len(texts))
        cells += width + 1
        if cells > _MOST_CELLS or number > _MOST_ROWS:
            raise _refusal(path, f"a sheet of over {_MOST_CELLS:,} cells or {_MOST_ROWS:,} rows")
        yield texts + [""] * (width - len(texts))


def _with_points(table: RawTable) -> RawTable:
    """Return a sheet whose texts with decimal commas are numbers with points, as its numbers are.

    A sheet may hold both, where one cell was typed and the next was pasted. Texts with points between thousands beside
    them can be read in two ways, and stay.
    """
    columns, shown = list(table.columns), ""
    for place, column in enumerate(table.columns):
        texts = pc.utf8_trim_whitespace(column)
        filled = texts.filter(pc.not_equal(pc.fill_null(texts, ""), ""))
        numbers = count_matches(filled, number_pattern(",")) + count_matches(filled, r"^[+-]?\d+\.\d+$")
        certain = filled.filter(pc.match_substring_regex(filled, certain_pattern(",")))
        if len(certain) and 2 * numbers > len(filled) and not count_matches(filled, two_ways(".")):
            written = pc.match_substring_regex(texts, number_pattern(","))
            plain = pc.replace_substring(pc.replace_substring(texts, ".", ""), ",", ".")
            has_comma = pc.and_(written, pc.match_substring(texts, ","))
            columns[place] = pc.if_else(pc.fill_null(has_comma, False), plain, column)
            shown = shown or f"{table.names[place]!r} ({certain[0]})"
    if not shown:
        return table
    note = f"texts are read as numbers with ',' before decimals, as column {shown} shows"
    return replace(table, columns=tuple(columns), notes=(*table.notes, note))


def _text(value: Any, formula: Any, decimal: str | None) -> str:
    """Return a cell as it would stand in a text file; a formula without a value stays one, and is a bad cell."""
    if value is None:
        if formula is None or isinstance(formula, str):
            return formula or ""
        return getattr(formula, "text", None) or "="  # one that fills several cells, or a table of what-ifs
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        is_whole = value.is_integer() and abs(value) < 1e15
        return repr(int(value)) if is_whole else number_in(repr(value), value, decimal)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(" ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.time):
        return value.isoformat("minutes" if not value.second else "seconds")
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(abs(round(value.total_seconds())), 60)
        sign = "-" if value.total_seconds() <= -0.5 else ""
        clock = f"{sign}{minutes // 60:02d}:{minutes % 60:02d}"
        return f"{clock}:{seconds:02d}" if seconds else clock
    return str(value)
