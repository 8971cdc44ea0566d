"""Read a text file of separated values: encoding, separator, line ends, ragged rows."""

from __future__ import annotations

import codecs
import csv
import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanopt.errors import FileFormatError, TableError, nearest
from kanopt.faults import Setting
from kanopt.files import GUARDED, unguarded
from kanopt.files import require_file as require_regular
from kanopt.text import count_text, list_names
from kanopt.units import UNIT_WORDS

# A table as read from its source, before cells are checked, and where its names and units stand.

_WIDE = 0.6
_PER = re.compile(r" */ *| +(?:per|pro|je|par|por|za) +")
_NO_UNIT = re.compile(r"-*|[dhmsyajt]{1,4}([:./-][dhmsyajt]{1,4})+", re.IGNORECASE)
"""What stands in a row of units where a column has none: nothing, or how times and dates are written."""
_PLAIN_NUMBER = re.compile(r"[+-]?\d[\d.,' \u00a0\u202f]*")


@dataclass(frozen=True)
class RawTable:
    """The unchecked cells of a source.

    Parameters
    ----------
    source, format, sha256
        As in :class:`~kanopt.tables.TableReport`.
    names
        The columns' names, spaces removed; may repeat.
    columns
        One Arrow chunked array per column, all of the same length.
    mixed_types
        Whether a column's kind is to be read off its cells (text files, mixed objects), or is declared by the
        source.
    width
        Cells a whole row has.
    rows
        The row of each record as a person would count it, shape (n,).
    row_word
        What the rows are called: ``"row"`` in a text file, ``"record"`` elsewhere.
    ragged
        Rows that have too few or too many cells: their numbers and numbers of cells, shape (m, 2).
    notes
        What was decided so far.
    units
        Units that the source itself declares, by the column's name.
    separator
        What stands between the cells of a text file; blank elsewhere.
    """

    source: str
    format: str
    sha256: str
    names: tuple[str, ...]
    columns: tuple[Any, ...]
    mixed_types: tuple[bool, ...]
    width: int
    rows: NDArray[np.int64]
    row_word: str = "record"
    ragged: NDArray[np.int64] = field(default_factory=lambda: np.empty((0, 2), dtype=np.int64))
    notes: tuple[str, ...] = ()
    units: Mapping[str, str] = field(default_factory=dict)
    separator: str = ""


def file_hash(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def as_strings(values: Any, decimal: str | None = None) -> list[str | None]:
    """Return mixed values as texts, numbers as the texts among them write them; what is missing stays None."""
    return [
        None if value is None or value is pd.NA or value != value else number_in(str(value), value, decimal)
        for value in values
    ]


def number_in(text: str, value: Any, decimal: str | None) -> str:
    """Return a number as it is written where texts beside it have another sign before decimals."""
    return text.replace(".", decimal) if decimal and isinstance(value, float) else text


def require_file(path: Path, what: str) -> None:
    """Raise a TableError that names the nearest file where there is none."""
    try:
        require_regular(path, what)
    except (FileFormatError, FileNotFoundError) as error:
        raise TableError(str(error)) from None


def header_row(rows: Sequence[Sequence[str]]) -> int:
    """Return in which of the first rows the names of columns seem to stand: the first that is about as wide as others.

    A row with a number in it holds names only where it is as wide as any: above a table stand a title or a date.

    Examples
    --------
    >>> header_row([["Tours of Monday", "", ""], ["Stop", "2025", "2026"], ["A", "1", "2"]])
    2
    """
    filled = [[cell for cell in row if cell.strip()] for row in rows]
    widest = max(map(len, filled), default=0)
    for place, cells in enumerate(filled, start=1):
        if cells and len(cells) >= (widest if any(map(is_number, cells)) else _WIDE * widest):
            return place
    return 1


def units_below(header: Sequence[str], ahead: Sequence[Sequence[str]]) -> dict[str, str] | None:
    """Return column to unit where the row below the header holds units alone, over numbers; None where it does not.

    What is counted piece by piece has none to declare: the header says of what.

    Parameters
    ----------
    header
        The names of the columns.
    ahead
        The two rows below them.

    Examples
    --------
    >>> units_below(["Trip", "Way", "Price"], [["", "[km]", "€/km"], ["A", "12", "1,5"]])
    {'Way': 'km', 'Price': 'EUR/km'}
    """
    if len(ahead) < 2 or any(len(row) != len(header) for row in ahead):
        return None
    units = [_unit_written(cell) for cell in ahead[0]]
    told = [
        unit or bool(_NO_UNIT.fullmatch(cell.strip())) for cell, unit in zip(ahead[0], units, strict=True)
    ]
    numbers = [bool(_PLAIN_NUMBER.fullmatch(cell.strip())) for cell in ahead[1]]
    if not all(told) or not any(unit and number for unit, number in zip(units, numbers, strict=True)):
        return None
    columns = zip(header, units, numbers, strict=True)
    return {name: unit for name, unit, number in columns if unit and unit != "pcs" and number}


def _unit_written(cell: str) -> str:
    """Return the unit that a cell is, such as the EUR/km of [€/km]; empty where it is none."""
    plain = unicodedata.normalize("NFKD", cell.strip(" []().").replace("ł", "l"))
    plain = "".join(sign for sign in plain if not unicodedata.combining(sign)).lower()
    parts = [UNIT_WORDS.get(part.strip(" .")) for part in _PER.split(plain)]
    return "/".join(filter(None, parts)) if len(parts) < 3 and all(parts) else ""


def is_number(cell: str) -> bool:
    """Say whether a cell is a number as programs write it."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


_SEPARATORS = (",", ";", "\t", "|")
_SHOWN = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_VOWEL, _CONSONANT = "[aeiouyàáâãéêíóôúü]", "[b-df-hj-np-tv-xz]"
_SIGNS = r"(?:(?<![^\W\d])[£¥ªº¿µ¼½¾](?![^\W\d])|(?<=m)[²³]$|^¿|(?<=^[n0-9])[ºª])"
_SPELT = {
    page: [re.compile(f"(?:{letters}|{_SIGNS if page == 'cp1252' else '(?!)'})") for letters in languages]
    for page, languages in {
        "cp1252": (
            "[äöüßéáóëï]",  # German, Dutch
            rf"[âçéêëîïôû](?!$)|[éëï]$|(?<=\w)è(?={_CONSONANT})|œ(?=[uei])|(?:^|l|déj|voil|del)à$|(?<=o)ù$",  # French
            f"[áéíóúü]|ñ(?={_VOWEL})",  # Spanish
            r"[áâçéêíóôúü]|ã(?=[oe]|s?$)|õ(?=e)|^às?$",  # Portuguese
            r"[àèéìòù]$",  # Italian
            r"[äåæöéü]|ø(?![aeou])",  # Danish, Norwegian, Swedish
            rf"[àçéíïóúü]|[èò](?={_CONSONANT}|$)",  # Catalan
            r"[áéíóúýðþæö]",  # Icelandic
            r"[äöüõšž]",  # Estonian
        ),
        "cp1250": (
            f"[ąćęłóśźż]|ń(?!{_VOWEL})",  # Polish
            f"[áčďéíňóšťúůýž]|(?<!^)ě|ř(?={_VOWEL}|[ůýě]|$)",  # Czech
            "[áäčďéíĺľňóôŕšťúýž]",  # Slovak
            "[áéíóöőúüű]",  # Hungarian
            "[čćđšž]",  # Croatian, Slovene
            "[âîăşţ]",  # Romanian
        ),
    }.items()
}
"""Pages of codes to the letters that languages written in them have besides those of English, and where they stand."""
_ACCENTED = re.compile(rb"(?<![A-Za-z\x80-\xff])[A-Za-z]*+[\x80-\xff][A-Za-z\x80-\xff]*")
_MOST_WORDS, _LONGEST_WORD = 20_000, 40
_CHUNK = 50_000
GUESSED = "not UTF-8, so read as"
"""How a remark on an encoding that was guessed begins."""
_LOOKED_AT = 30
# codecs of Python for names of hosts and for source text, two of which take the square of a file's length
_NO_TEXT_FILE = ("", "idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined")


@dataclass(frozen=True)
class TextFormat:
    """The format of a text file.

    Parameters
    ----------
    separator
        Between cells; None finds out which of ``,`` ``;`` tab ``|`` divides the rows evenly.
    decimal, thousands
        The decimal sign, and the sign between groups of three digits. Where neither is given, they are read off the
        cells in which a sign can be nothing else, as the comma of ``12,5``. Nothing is guessed: where no cell tells,
        ``"1,234"``, and ``"1.234"`` in a file whose cells are not parted by commas, are refused until it is said
        whether they are a thousand and more or a little over one.
    encoding
        None takes the file's byte order mark, else UTF-8 where the bytes are valid, else that of cp1252 and cp1250
        (Windows in western and central Europe) in which more words are spelt as languages do, and says so in the
        report.
    missing
        Texts that stand for a missing value. None means the usual ones: blank, ``N/A``, ``n/a``, ``NaN``,
        ``nan``, ``NULL``, ``null``, ``#N/A``, and ``NA`` except in text, where it may be Namibia.
    quote
        Around cells that hold separators; ``""`` where quotes have no meaning.
    header
        Row in which the column names stand; rows above it are not read.

    Examples
    --------
    >>> TextFormat(separator=";", decimal=",", thousands=".").decimal
    ','
    """

    separator: str | None = None
    decimal: str | None = None
    thousands: str = ""
    encoding: str | None = None
    missing: tuple[str, ...] | None = None
    quote: str = '"'
    header: int = 1

    def __post_init__(self) -> None:
        if self.decimal is None and self.thousands in (".", ","):
            object.__setattr__(self, "decimal", "," if self.thousands == "." else ".")
        separator, decimal, thousands, quote = self.separator, self.decimal, self.thousands, self.quote
        known = ("", ",", ".", " ", "'", "\u2019", "\u00a0", "\u202f")
        faults = {
            f"separator must be one character, not {separator!r}": (
                separator is not None and len(separator) != 1
            ),
            f"decimal must be '.' or ',', not {decimal!r}": decimal not in (None, ".", ","),
            f"thousands cannot be {thousands!r} where decimal is {decimal!r}": (
                thousands not in known or thousands == decimal
            ),
            f"quote must be one character or empty, not {quote!r}": len(quote) > 1,
            f"header is the number of a row, counted from 1, not {self.header!r}": self.header < 1,
        }
        if told := next((text for text, is_wrong in faults.items() if is_wrong), ""):
            raise TableError(told)
        if self.encoding is not None:
            try:
                "".encode(self.encoding)  # not codecs.lookup, which knows ways of packing bytes as well
                name = codecs.lookup(self.encoding).name
            except (LookupError, ValueError):  # the second for a zero byte and for "undefined"
                name = ""
            if name in _NO_TEXT_FILE:
                hint = nearest(self.encoding[:80], ("utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"))
                raise TableError(f"unknown encoding {self.encoding!r:.80}; {hint}")


def read_text(path: Path, form: TextFormat) -> RawTable:
    """Read a text file into columns of texts.

    Raises
    ------
    TableError
        If the file is empty, is not text, has no header or no rows, or a quote is never closed.
    """
    content, encoding, notes = _decoded(path, form)
    separator = form.separator or _separator(path, content, form)
    rows = csv.reader(io.StringIO(content, newline=""), **_dialect(separator, form))
    table = records_table(path, rows, form, path.name)
    shown = f"text, {encoding}, separator {_SHOWN.get(separator, repr(separator))}"
    return replace(table, source=str(path), format=shown, notes=(*notes, *table.notes), separator=separator)


def records_table(path: Path, rows: Iterator[list[str]], form: TextFormat, called: str) -> RawTable:
    """Return the columns of rows of texts, of which the first that holds anything is the header.

    Parameters
    ----------
    path
        The file.
    rows
        Its rows.
    form
        In which row the header stands.
    called
        What errors call it.

    Raises
    ------
    TableError
        If there is no header or there are no rows, or a quote is never closed.
    """
    records, notes = _numbered(called, rows), list[str]()
    header, place = _header(called, records, form)
    ahead = list(islice(records, 2))
    units = units_below(header, [row for _, row in ahead])
    if units:
        notes.append(f"row {place + 1} has units of columns")
    if place > 1:
        notes.append(f"the header stands in row {place}; what is above it was not read")
    chunks, numbers, ragged = _body(chain(ahead if units is None else ahead[1:], records), len(header), notes)
    if not numbers and not ragged:
        raise TableError(f"{called}: has a header and no rows")
    columns = [pa.chunked_array([chunk[k] for chunk in chunks], pa.string()) for k in range(len(header))]
    named = _named(header, columns, notes)
    return RawTable(
        source=called,
        format="text",
        sha256=file_hash(path),
        names=tuple(name for name, _ in named),
        columns=tuple(column for _, column in named),
        mixed_types=(True,) * len(named),
        width=len(header),
        rows=np.array(numbers, dtype=np.int64),
        row_word="row",
        ragged=np.array(ragged, dtype=np.int64).reshape(-1, 2),
        notes=tuple(notes),
        units={name: units[name] for name, _ in named if units and name in units},
    )


def text_header_row(path: Path) -> int:
    """Return in which row of a text file the names of columns seem to stand."""
    form = TextFormat()
    content, _, _ = _decoded(path, form)
    dialect = {**_dialect(_separator(path, content, form, below_title=True), form), "strict": False}
    try:
        return header_row(list(islice(csv.reader(io.StringIO(content, newline=""), **dialect), _LOOKED_AT)))
    except csv.Error:  # whoever reads the rows says where
        return 1


def _dialect(separator: str, form: TextFormat) -> dict[str, Any]:
    if not form.quote:
        return {"delimiter": separator, "quoting": csv.QUOTE_NONE}
    return {"delimiter": separator, "quotechar": form.quote, "strict": True}


def _decoded(path: Path, form: TextFormat) -> tuple[str, str, list[str]]:
    """Return the text of a file, how it was encoded, and what is to be told of that."""
    content = path.read_bytes()
    if not content.strip():
        raise TableError(f"{path.name}: the file is empty")
    if content.startswith((b"PK\x03\x04", b"PAR1", b"\xd0\xcf\x11\xe0")):
        what = "a Parquet file" if content.startswith(b"PAR1") else "an Excel workbook or a zip archive"
        raise TableError(f"{path.name}: is {what} and not a text file, whatever its name says")
    wanted = form.encoding
    marked = next((name for mark, name in _MARKS if content.startswith(mark)), None)
    if marked == "utf-8-sig" and wanted is not None and codecs.lookup(wanted).name == "utf-8":
        wanted = marked  # else the mark would become part of the first column's name
    if wanted is None and marked is None and b"\x00" in content[:4096]:
        raise TableError(f"{path.name}: holds zero bytes: no text file, or one in UTF-16; give its encoding")
    sure = wanted or marked
    for name in (sure,) if sure else _pages(content):
        try:
            text = content.decode(name)
        except UnicodeError as error:
            fault = error
            continue
        note = f"{GUESSED} {name}: check names with accents, or say another by encoding under form"
        return text, name, [] if sure or name == "utf-8" else [note]
    raise TableError(f"{path.name}: cannot be read as {sure}: {fault}; give another encoding")


def _pages(content: bytes) -> Iterator[str]:
    """Yield how a text may be encoded; of the pages of codes first the one in which more words are of a language."""
    yield "utf-8"
    words = {word[0][:_LONGEST_WORD] for word in islice(_ACCENTED.finditer(content), _MOST_WORDS)}

    def known(name: str) -> int:
        texts = [word.decode(name, "replace").lower() for word in words]
        return max(sum(spelt.sub("", text).isascii() for text in texts) for spelt in _SPELT[name])

    yield from sorted(_SPELT, key=known, reverse=True)
    yield "latin-1"


def _separator(path: Path, content: str, form: TextFormat, *, below_title: bool = False) -> str:
    """Return the separator that splits the first rows into the most cells, most evenly: as many as the header has.

    Where a title may stand above the header, as many as most rows have.
    """
    if path.suffix.lower() in (".tsv", ".tab"):
        return "\t"
    sample = list(islice(io.StringIO(content, newline=""), 200 + form.header))
    best, score = ",", (0.0, 1)
    for sign in _SEPARATORS:
        reader = csv.reader(sample, **{**_dialect(sign, form), "strict": False})
        try:
            widths = [len(record) for record in islice(reader, form.header - 1, None) if record]
        except csv.Error:  # a very long cell; whoever reads the rows says where
            continue
        width = (Counter(widths).most_common(1)[0][0] if below_title else widths[0]) if widths else 1
        found = (sum(w == width for w in widths) / max(len(widths), 1), width)
        if width > 1 and found > score:
            best, score = sign, found
    return best


def _numbered(called: str, rows: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the records of a file with their numbers, so that a fault can be placed."""
    number = 0
    try:
        for number, row in enumerate(rows, start=1):
            yield number, row
    except csv.Error as error:
        where = f"{called}, row {number + 1:,}"
        if "field larger than field limit" in str(error):
            raise TableError(
                f"{where}: a cell has more than {csv.field_size_limit():,} characters; is a quote never closed, or "
                "another separator used?"
            ) from None
        raise TableError(
            (
                f"{where}: a quote is opened and never closed, or has more behind it ({error}); mend the row, "
                "or write ",
                Setting("form", {"quote": ""}, "TextFormat"),
                " if quotes have no meaning in this file",
            )
        ) from None


def _header(called: str, records: Iterator[tuple[int, list[str]]], form: TextFormat) -> tuple[list[str], int]:
    for number, record in records:
        cells = [" ".join(cell.split()) for cell in record] if number >= form.header else []
        if any(cells):
            if all(is_number(cell) for cell in cells):
                raise TableError(
                    f"{called}: row {number} holds only numbers ({list_names(cells, quoted=False)}), so it is no "
                    "header; write the columns' names above it"
                )
            return cells, number
    raise TableError(f"{called}: no header: there is nothing from row {form.header} on")


def _body(
    records: Iterator[tuple[int, list[str]]], width: int, notes: list[str]
) -> tuple[list[list[Any]], list[int], list[tuple[int, int]]]:
    """Return the columns chunk by chunk, the rows' numbers, and the ragged rows with their cells; note what is left."""
    chunks, numbers, ragged = list[list[Any]](), list[int](), list[tuple[int, int]]()
    blank = trimmed = 0
    while chunk := list(islice(records, _CHUNK)):
        whole = []
        for number, row in chunk:
            if not any(map(str.strip, row)):
                blank += 1
            elif len(row) < width or any(map(str.strip, row[width:])):
                ragged.append((number, len(row)))
            else:
                trimmed += len(row) > width
                whole.append(row[:width])
                numbers.append(number)
        if whole:
            chunks.append([pa.array(column, pa.string()) for column in zip(*whole, strict=True)])
    if blank:
        notes.append(f"{count_text(blank, 'blank line')} skipped")
    if trimmed:
        notes.append(f"blank cells beyond the last column ignored in {count_text(trimmed, 'row')}")
    return chunks, numbers, ragged


def _named(header: Sequence[str], columns: list[Any], notes: list[str]) -> list[tuple[str, Any]]:
    """Name the columns, without those that have neither name nor value, and free texts of what guards them.

    By an apostrophe kanopt keeps spreadsheets from computing a text.
    """
    count = 0
    for place, column in enumerate(columns):
        if found := pc.sum(pc.match_substring_regex(column, GUARDED)).as_py():
            count += found
            columns[place] = pa.chunked_array([pa.array(map(unguarded, column.to_pylist()), pa.string())])
    if count:
        signs = "an apostrophe before = + - or @, which keeps spreadsheets from computing texts"
        notes.append(f"{count_text(count, 'cell is', 'cells are')} read without {signs}")
    named = []
    for place, (name, column) in enumerate(zip(map(unguarded, header), columns, strict=True), start=1):
        if not name and not pc.any(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py():
            notes.append(f"column {place} has neither a name nor a value and was left out")
            continue
        if not name:
            notes.append(f"column {place} has no name and is called 'column {place}'")
        named.append((name or f"column {place}", column))
    return named
