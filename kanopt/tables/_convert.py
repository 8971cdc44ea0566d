"""Convert the cells of one column to one kind: what they show of decimal signs, and which do not conform."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanopt.errors import TableError
from kanopt.faults import Message, Setting
from kanopt.tables._text import RawTable, TextFormat

_OTHER = {".": ",", ",": "."}
_CODE = r"^[+-]?0\d"
_SPACES = (" ", "\u00a0", "\u202f", "'", "\u2019")
"""Signs that stand between thousands and nowhere else in a number: spaces, narrow ones too, and apostrophes."""


def form_shown(raw: RawTable, form: TextFormat) -> tuple[TextFormat, str]:
    """Return the form with the signs that the cells of a table leave no doubt of, and a remark on a decimal comma.

    A column shows a decimal sign where most of its cells are numbers with it, and in one it can be nothing else: it
    stands behind a zero or four digits, or not before three, or beside the other sign. Columns that show both signs
    show nothing. ``decimal`` stays None where it is to be asked for.

    Parameters
    ----------
    raw
        The table.
    form
        How it is written as far as that is declared.
    """
    note = ""
    if not form.thousands:
        space, note = _space_between(raw, form)
        form = replace(form, thousands=space)
    if form.decimal is not None:
        return form, note
    if not raw.separator:
        # programs wrote these cells; only a column that is text throughout may come from elsewhere
        return (replace(form, decimal=".") if any(raw.mixed_types) else form), note
    shown, grouped = dict[str, str](), set[str]()
    for name, texts in _texts(raw, form):
        for sign, other in _OTHER.items():
            if 2 * count_matches(texts, number_pattern(sign)) <= len(texts) or count_matches(texts, _CODE):
                continue
            if count_matches(texts, rf"^[+-]?\d{{1,3}}({re.escape(other)}\d{{3}})+(\D|$)"):
                grouped.add(sign)
            certain = texts.filter(pc.match_substring_regex(texts, certain_pattern(sign)))
            if len(certain):
                shown.setdefault(sign, f"{name!r} ({certain[0]})")
    if len(shown) != 1:
        return (replace(form, decimal=".") if raw.separator == "," else form), note
    (sign, column), *_ = shown.items()
    between = "" if form.thousands or sign not in grouped else _OTHER[sign]
    if sign == "," or between:
        also = f" and {between!r} between thousands" if between else ""
        told = f"numbers are read with {sign!r} before decimals{also}, as column {column} shows"
        note = f"{note}; {told}" if note else told
    return replace(form, decimal=sign, thousands=between or form.thousands), note


def _space_between(raw: RawTable, form: TextFormat) -> tuple[str, str]:
    """Return the space or apostrophe between thousands of a table, and a remark on it; nothing without any."""
    columns = list(_texts(raw, form))
    for space in _SPACES:
        parted = rf"\d{{1,3}}({space}\d{{3}})+"
        for name, texts in columns:
            found = texts.filter(pc.match_substring_regex(texts, rf"^[+-]?{parted}([.,]\d+)?$"))
            numbers = count_matches(texts, rf"^[+-]?({parted}|\d+)([.,]\d+)?$")
            if len(found) and 2 * numbers > len(texts) and not count_matches(texts, _CODE):
                told = f"numbers are read with {space!r} between thousands, as column {name!r} ({found[0]}) shows"
                return space, told
    return "", ""


def _texts(raw: RawTable, form: TextFormat) -> Iterator[tuple[str, Any]]:
    """Yield each column of texts with its cells that are not blank, without spaces between thousands."""
    missing = pa.array(["", *(form.missing or ())])
    for name, column in zip(raw.names, raw.columns, strict=True):
        if pa.types.is_string(column.type):
            texts = pc.utf8_trim_whitespace(column.drop_null())
            if form.thousands in _SPACES:
                texts = pc.replace_substring(texts, form.thousands, "")
            yield name, texts.filter(pc.invert(pc.is_in(texts, missing)))


def number_pattern(sign: str) -> str:
    """Return what matches numbers with a sign before decimals, and the other between thousands."""
    point, group = re.escape(sign), re.escape(_OTHER[sign])
    return rf"^[+-]?(\d+|\d{{1,3}}({group}\d{{3}})+|\d*{point}\d+|\d{{1,3}}({group}\d{{3}})+{point}\d+)$"


def certain_pattern(sign: str) -> str:
    """Return what matches numbers in which a sign can only be the decimal sign."""
    point, group = re.escape(sign), re.escape(_OTHER[sign])
    few_or_many = rf"\d*{point}(\d{{1,2}}|\d{{4,}})"
    behind = rf"(0?|\d{{4,}}){point}\d{{3}}"
    beside = rf"\d{{1,3}}({group}\d{{3}})+{point}\d+|\d{{1,3}}({group}\d{{3}}){{2,}}"
    return rf"^[+-]?({few_or_many}|{behind}|{beside})$"


def two_ways(sign: str) -> str:
    """Return what matches numbers in which a sign may as well stand between thousands as before decimals."""
    return rf"^[+-]?[1-9]\d{{0,2}}{re.escape(sign)}\d{{3}}$"


def both_readings(texts: Any) -> Message:
    """Return both readings of the first text that has two, and what settles which holds; nothing where none has.

    Parameters
    ----------
    texts
        Arrow array of cells without space around them.
    """
    for sign, other in _OTHER.items():
        found = texts.filter(pc.fill_null(pc.match_substring_regex(texts, two_ways(sign)), False))
        if len(found):
            cell = found[0].as_py()
            whole, thousandths = cell.split(sign)
            return (
                f"{cell!r} is {whole}{thousandths} with ",
                Setting("form", {"decimal": other, "thousands": sign}, "TextFormat"),
                f", and {whole} and {thousandths} thousandths with ",
                Setting("form", {"decimal": sign}, "TextFormat"),
            )
    return ""


def count_matches(texts: Any, pattern: str) -> int:
    """Return in how many texts a pattern is found."""
    return int(pc.sum(pc.match_substring_regex(texts, pattern)).as_py() or 0)


Kind = Literal["number", "integer", "category", "text", "datetime", "boolean"]
NUMERIC = ("number", "integer")

_MISSING = ("", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A", "<NA>")
_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?\s?(Z|[+-]\d{2}:?\d{2})?$"
_ZONED = r"\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})$"
_OTHER_NOTATION = r"^[+-]?\d+,\d+$|^[+-]?\d{1,3}([ ,.'\x{2019}\x{00a0}\x{202f}]\d{3})+([.,]\d+)?$"
_SPACED_CODE = r"^0\d*([ '\x{2019}\x{00a0}\x{202f}]\d+)+$"
_LISTED = r"^\d+((\s*[;+&]\s*|,\s+)\d+)+$"
_DATE = r"^\d{1,4}[./-](\d{1,2}|\p{L}{3,9})[./-]\d{2,4}( \d{1,2}:\d{2}(:\d{2})?)?$"
_DAY = r"^(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.\d{4}"
_DOTTED = {
    "%d.%m.%Y": rf"{_DAY}$",
    "%d.%m.%Y %H:%M": rf"{_DAY} \d{{1,2}}:\d{{2}}$",
    "%d.%m.%Y %H:%M:%S": rf"{_DAY} \d{{1,2}}:\d{{2}}:\d{{2}}$",
}
"""Dates with points put the day first wherever they are written so."""
_TIME_OF_DAY = r"^\d{1,2}:[0-5]\d(:[0-5]\d)?$"
_EXACT = 2.0**53
NO_NUMBER = "not a number"
TWO_WAYS = "a number of thousands, or one with decimals"


@dataclass
class Cells:
    """The cells of a column, converted, with those that do not fit marked.

    Parameters
    ----------
    values
        What they are; of those that do not fit something that means nothing.
    missing
        Which are blank.
    shown
        What stands in the source.
    kind
        What they are converted to.
    faults
        Reason to the cells that do not fit for it.
    """

    values: Any
    missing: NDArray[np.bool_]
    shown: Any
    kind: Kind
    faults: dict[str, NDArray[np.bool_]] = field(default_factory=dict)

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """The cells that do not fit."""
        found = np.zeros(len(self.missing), dtype=bool)
        for at in self.faults.values():
            found |= at
        return found

    def refuse(self, why: str, at: Any) -> None:
        """Mark cells that hold something and were not marked before."""
        marked = np.asarray(at, dtype=bool) & ~self.missing & ~self.wrong
        if marked.any():
            self.faults[why] = marked

    def check_floats(self) -> Cells:
        """Mark what is not finite, and whole numbers that floating-point ones do not hold."""
        self.refuse("not finite", np.isinf(self.values))
        if self.kind == "integer":
            self.refuse("too large to be exact", np.abs(self.values) > _EXACT)
        return self

    def check_limits(self, minimum: float | None, maximum: float | None) -> Cells:
        """Mark what is out of range."""
        if minimum is not None:
            self.refuse(f"below the minimum {minimum}", self.values < minimum)
        if maximum is not None:
            self.refuse(f"above the maximum {maximum}", self.values > maximum)
        return self


def natural_kind(kind: Any) -> Kind | None:
    """Return the kind of an Arrow type; None if it does not determine one."""
    types = pa.types
    if types.is_dictionary(kind):
        return "category" if natural_kind(kind.value_type) == "text" else None
    found: list[tuple[bool, Kind]] = [
        (types.is_boolean(kind), "boolean"),
        (types.is_integer(kind), "integer"),
        (types.is_floating(kind) or types.is_decimal(kind), "number"),
        (types.is_timestamp(kind) or types.is_date(kind), "datetime"),
        (types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind), "text"),
        (str(kind) == "string_view", "text"),
    ]
    return next((name for holds, name in found if holds), None)


def infer_kind(array: Any, form: TextFormat) -> tuple[Kind, str, str | None]:
    """Infer a column's kind from its cells; return also a remark where that is doubtful, and the form of dates.

    A column with at least half of its cells like numbers (or ISO dates) is read as numbers (dates), so that the other
    cells are refused instead of silently turning the column into text; where a tenth are times of day and more, the
    numbers are the odd ones, and where all others list whole numbers, these are names.
    """
    texts = _trimmed(array)
    texts = texts.filter(pc.invert(_is_missing(texts, form, "number")))
    count = len(texts)
    if not count:
        return "text", "is blank throughout", None
    numbers = count_matches(texts, _number_pattern(form))
    if (numbers and count_matches(texts, _CODE)) or count_matches(texts, _SPACED_CODE):
        return "text", "is read as text, because some values have leading zeros, as codes have", None
    if numbers == count and count_matches(texts, r"^[+-]?\d{19,}$"):
        return "text", "is read as text, because its whole numbers are too long to be exact", None
    if numbers == count:
        return "integer" if count_matches(texts, r"^[+-]?\d{1,18}$") == count else "number", "", None
    listed = count_matches(texts, _LISTED)
    if listed and listed + count_matches(texts, r"^\d+$") == count:
        return "text", "is read as text, because its cells list whole numbers, as those of rows", None
    times = count_matches(texts, _TIME_OF_DAY)
    if 10 * times >= count and numbers:
        return "text", f"is read as text, because {times:,} of {count:,} values are times of day", None
    if 2 * (numbers + count_matches(texts, _OTHER_NOTATION)) >= count:
        return "number", "", None
    if 2 * count_matches(texts, _ISO) >= count:
        return "datetime", "", None
    # a month beyond 12 says that the day may not be first
    dates = {} if count_matches(texts, r"^\d{1,2}\.(1[3-9]|[2-9]\d)\.\d{4}") else _DOTTED
    if dotted := next((each for each in dates if 2 * count_matches(texts, dates[each]) >= count), None):
        return "datetime", f"is read as dates written {dotted!r}, the day first", dotted
    if pc.all(pc.is_in(pc.utf8_lower(texts), pa.array(["true", "false"]))).as_py():
        return "boolean", "", None
    if 2 * count_matches(texts, _DATE) >= count:
        told = "is read as text, although its values look like dates; dates says how they are written"
        return "text", f"{told}, such as '%d/%m/%Y'", None
    doubt = f"is read as text, although {numbers:,} of {count:,} values are numbers" if numbers else ""
    return "text", doubt, None


def parse_column(array: Any, kind: Kind, form: TextFormat, date_form: str | None = None) -> Cells:
    """Convert one column to a kind.

    Parameters
    ----------
    array
        Its cells.
    kind
        The kind.
    form
        How numbers and missing values are written.
    date_form
        How dates are written; None where they are as ISO 8601 has them.

    Raises
    ------
    TableError
        If the source's own type cannot become that kind at all.
    """
    natural = natural_kind(array.type)
    if natural is None:
        raise TableError(
            f"has the type {array.type}, which is no kind of column; read only others by columns"
        )
    if pa.types.is_dictionary(array.type):
        array = array.cast(array.type.value_type)
    if natural in NUMERIC and kind in NUMERIC:
        return _from_numbers(array, kind)
    if natural == "datetime" and kind == "datetime":
        dates = pd.to_datetime(pd.Series(array.to_pandas()))
        return Cells(dates, dates.isna().to_numpy(), array, kind)
    texts = _trimmed(array if natural in ("text", "category") else pc.cast(array, pa.string()))
    gone = _is_missing(texts, form, kind)
    missing = _mask(gone)
    if kind in NUMERIC:
        return _numbers_from_texts(texts, missing, kind, form)
    if kind == "datetime":
        return _dates_from_texts(texts, missing, date_form)
    if kind == "boolean":
        yes = _mask(pc.equal(pc.utf8_lower(texts), "true"))
        return Cells(np.where(missing, np.nan, yes.astype(float)), missing, texts, kind)
    kept = pc.if_else(gone, pa.scalar(None, texts.type), texts)
    return Cells(kept.to_pandas(), missing, texts, kind)


def notation_hint(array: Any, form: TextFormat) -> Message:
    """Return advice where refused numbers look like numbers of another notation; else nothing."""
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return ""
    texts = _trimmed(array)
    if count_matches(texts, _TIME_OF_DAY):
        return "times of day are no numbers: write hours, such as 12.5 for 12:30"
    if form.decimal == "," or form.thousands or not count_matches(texts, _OTHER_NOTATION):
        return ""
    if count_matches(texts, two_ways(".") + "|" + two_ways(",")) == len(texts):
        return both_readings(texts)
    return (
        "for decimal commas write ",
        Setting("form", {"decimal": ","}, "TextFormat"),
        ", for groups of three digits ",
        Setting("form", {"thousands": "…"}, "TextFormat"),
    )


def _trimmed(array: Any) -> Any:
    # a column without any value has no type of its own
    plain = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return pc.utf8_trim_whitespace(array if plain else array.cast(pa.string()))


def _is_missing(texts: Any, form: TextFormat, kind: str) -> Any:
    words = form.missing
    if words is None:
        words = _MISSING if kind in ("text", "category") else (*_MISSING, "NA")
    return pc.or_(pc.is_null(texts), pc.fill_null(pc.is_in(texts, pa.array(["", *words], texts.type)), False))


def _number_pattern(form: TextFormat) -> str:
    point, group = re.escape(form.decimal or "."), re.escape(form.thousands)
    whole = rf"(\d+|\d{{1,3}}({group}\d{{3}})+)" if group else r"\d+"
    return rf"^[+-]?({whole}({point}\d*)?|{point}\d+)([eE][+-]?\d+)?$"


def _mask(array: Any) -> NDArray[np.bool_]:
    return np.asarray(pc.fill_null(array, False).to_numpy(), dtype=bool)


def _from_numbers(array: Any, kind: Kind) -> Cells:
    """Take numbers the source declares as such."""
    missing = _mask(pc.is_null(array, nan_is_null=True))
    if pa.types.is_integer(array.type) and not missing.any():
        try:
            return Cells(array.cast(pa.int64()).to_numpy(), missing, array, kind)
        except pa.ArrowInvalid:  # beyond 64 bits with a sign: as floats, and judged as those
            pass
    values = array.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    return Cells(values, missing, array, kind).check_floats()


def _numbers_from_texts(texts: Any, missing: NDArray[np.bool_], kind: Kind, form: TextFormat) -> Cells:
    good = pc.fill_null(pc.match_substring_regex(texts, _number_pattern(form)), False)
    good = pc.and_(good, pa.chunked_array([pa.array(~missing)]))
    plain = pc.if_else(good, texts, pa.scalar(None, texts.type))
    for sign, instead in ((form.thousands, ""), (form.decimal, "."), ("+", "")):
        if sign and sign != instead:
            plain = pc.replace_substring(plain, sign, instead)
    is_whole = pc.all(good).as_py() and count_matches(plain, r"^-?\d{1,18}$") == len(plain)
    cells = Cells(plain.cast(pa.int64() if is_whole else pa.float64()).to_numpy(), missing, texts, kind)
    cells.refuse(NO_NUMBER, ~_mask(good))
    if form.decimal is None:
        cells.refuse(TWO_WAYS, _mask(pc.match_substring_regex(texts, two_ways("."))))
    return cells if is_whole else cells.check_floats()


def _dates_from_texts(texts: Any, missing: NDArray[np.bool_], form: str | None) -> Cells:
    # without a digit it is no date, although pandas takes "today" for one
    with_digit = _mask(pc.match_substring_regex(texts, r"\d"))
    kept = pd.Series(texts.to_pandas()).astype(object).where(~missing & with_digit, None)
    if form is not None:
        dates = pd.to_datetime(kept, format=form, errors="coerce", utc="%z" in form)
        cells = Cells(dates, missing, texts, "datetime")
        cells.refuse(f"not a date like {form!r}", dates.isna())
        return cells
    zoned = _mask(pc.match_substring_regex(texts, _ZONED)) & ~missing
    is_zoned = bool(zoned.any())
    dates = pd.to_datetime(
        kept.where(zoned, None) if is_zoned else kept, format="ISO8601", errors="coerce", utc=is_zoned
    )
    cells = Cells(dates, missing, texts, "datetime")
    if is_zoned:
        # a time without a zone among times with one could be any time of the day
        day = _mask(pc.match_substring_regex(texts, _ISO)) & ~zoned
        cells.refuse("no time zone, where other values have one", day)
    cells.refuse("not a date like '2024-01-31' or '2024-01-31 16:30:00'", dates.isna())
    return cells


def final_column(cells: Cells, keep: NDArray[np.bool_]) -> Any:
    """Return the column of the rows that are kept: bad cells are missing, and the dtype is that of the kind."""
    kind, values = cells.kind, cells.values
    bad = cells.wrong & ~cells.missing & keep
    if bad.any():
        values = values.mask(bad) if kind == "datetime" else np.where(bad, np.nan, values)
    values = values[keep]
    if kind == "category":
        return pd.Categorical(values)
    if kind == "boolean":
        series = pd.Series(values, dtype="float64")
        return series.astype("boolean" if series.isna().any() else "bool").array
    if kind == "integer" and values.dtype != np.int64 and not np.isnan(values).any():
        return values.astype(np.int64)
    if kind == "number":
        return np.asarray(values, dtype=np.float64)
    return values.array if isinstance(values, pd.Series) else values
