"""Convert the cells of one column to one kind, and report those that do not conform."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from kanopt.errors import TableError
from kanopt.faults import Message, Setting, Wording
from kanopt.tables._number_signs import both_readings, two_ways
from kanopt.tables._number_signs import count_matches as _count
from kanopt.tables._text import TextFormat

Kind = Literal["number", "integer", "category", "text", "datetime", "boolean"]
NUMERIC = ("number", "integer")

_MISSING = ("", "N/A", "n/a", "NaN", "nan", "NULL", "null", "#N/A", "<NA>")
_ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?\s?(Z|[+-]\d{2}:?\d{2})?$"
_ZONED = r"\d{2}:\d{2}.*(Z|[+-]\d{2}:?\d{2})$"
_OTHER_NOTATION = r"^[+-]?\d+,\d+$|^[+-]?\d{1,3}([ ,.'\x{2019}\x{00a0}\x{202f}]\d{3})+([.,]\d+)?$"
_SPACED_CODE = r"^0\d*([ '\x{2019}\x{00a0}\x{202f}]\d+)+$"
_DATE = r"^\d{1,4}[./-](\d{1,2}|\p{L}{3,9})[./-]\d{2,4}( \d{1,2}:\d{2}(:\d{2})?)?$"
_DAY = r"^(0?[1-9]|[12]\d|3[01])\.(0?[1-9]|1[0-2])\.\d{4}"
_DOTTED = {
    "%d.%m.%Y": rf"{_DAY}$",
    "%d.%m.%Y %H:%M": rf"{_DAY} \d{{1,2}}:\d{{2}}$",
    "%d.%m.%Y %H:%M:%S": rf"{_DAY} \d{{1,2}}:\d{{2}}:\d{{2}}$",
}
"""Dates with points put the day first wherever they are written so."""
_WITH_UNIT = r"^(\p{Sc} ?)?[+-]?\d[\d., ]*( ?(%|\p{Sc}|\p{L}{1,3}))?$"
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
    faults
        Reason to the cells that do not fit for it.
    """

    values: Any
    missing: NDArray[np.bool_]
    shown: Any
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

    def check_floats(self, kind: Kind) -> Cells:
        """Mark what is not finite, and whole numbers that floating-point ones do not hold."""
        self.refuse("not finite", np.isinf(self.values))
        if kind == "integer":
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


def infer_kind(array: Any, form: TextFormat) -> tuple[Kind, str | None]:
    """Infer a column's kind from its cells, with a remark if that is doubtful.

    A column with at least half of its cells like numbers (or ISO dates) is read as numbers (dates), so that the other
    cells are refused instead of silently turning the column into text; where a tenth are times of day and more, the
    numbers are the odd ones.
    """
    texts = _trimmed(array)
    texts = texts.filter(pc.invert(_is_missing(texts, form, "number")))
    count = len(texts)
    if not count:
        return "text", "is blank throughout"
    numbers = _count(texts, _number_pattern(form))
    if (numbers and _count(texts, r"^[+-]?0\d")) or _count(texts, _SPACED_CODE):
        return "text", "is read as text, because some values have leading zeros, as codes have"
    if numbers == count and _count(texts, r"^[+-]?\d{19,}$"):
        return (
            "number",
            "holds whole numbers too long to be exact; declare kind 'text' if they name something",
        )
    if numbers == count:
        return ("integer" if _count(texts, r"^[+-]?\d{1,18}$") == count else "number"), None
    times = _count(texts, _TIME_OF_DAY)
    if 10 * times >= count and numbers:
        return "text", f"is read as text, because {times:,} of {count:,} values are times of day"
    if 2 * (numbers + _count(texts, _OTHER_NOTATION)) >= count:
        return "number", None
    if 2 * _count(texts, _ISO) >= count:
        return "datetime", None
    if dotted := _dotted_format(texts):
        return "datetime", f"is read as dates written {dotted!r}, the day first"
    if pc.all(pc.is_in(pc.utf8_lower(texts), pa.array(["true", "false"]))).as_py():
        return "boolean", None
    return "text", _doubt_text(texts, numbers)


def date_format(array: Any, form: TextFormat) -> str | None:
    """Return how the dates of a column are written where they are not as ISO 8601 has them, None where they are."""
    texts = _trimmed(array)
    return _dotted_format(texts.filter(pc.invert(_is_missing(texts, form, "datetime"))))


def _dotted_format(texts: Any) -> str | None:
    """Return the format of at least half of the texts; a month beyond 12 says that the day may not be first."""
    if _count(texts, r"^\d{1,2}\.(1[3-9]|[2-9]\d)\.\d{4}"):
        return None
    return next((each for each, dates in _DOTTED.items() if 2 * _count(texts, dates) >= len(texts)), None)


def _doubt_text(texts: Any, numbers: int) -> str | None:
    """Return a remark on a text column that may have been intended as numbers."""
    count = len(texts)
    if 2 * _count(texts, _DATE) >= count:
        told = "is read as text, although its values look like dates; dates says how they are written"
        return f"{told}, such as '%d/%m/%Y'"
    if 2 * _count(texts, _WITH_UNIT) >= count:
        return "is read as text, although its values look like numbers with a sign or unit beside them"
    return f"is read as text, although {numbers:,} of {count:,} values are numbers" if numbers else None


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
        return Cells(dates, dates.isna().to_numpy(), array)
    texts = _trimmed(array if natural in ("text", "category") else pc.cast(array, pa.string()))
    gone = _is_missing(texts, form, kind)
    missing = _mask(gone)
    if kind in NUMERIC:
        return _numbers_from_texts(texts, missing, kind, form)
    if kind == "datetime":
        return _dates_from_texts(texts, missing, date_form)
    if kind == "boolean":
        yes = _mask(pc.equal(pc.utf8_lower(texts), "true"))
        return Cells(np.where(missing, np.nan, yes.astype(float)), missing, texts)
    kept = pc.if_else(gone, pa.scalar(None, texts.type), texts)
    return Cells(kept.to_pandas(), missing, texts)


_COMMAS = ("for decimal commas write ", Setting("form", {"decimal": ","}, "TextFormat"))
_GROUPS = (
    "for groups of three digits write ",
    Wording("form=TextFormat(thousands=…)", "form = { thousands = … }"),
)


def notation_hint(array: Any, form: TextFormat) -> Message:
    """Return advice where refused numbers look like numbers of another notation; else nothing."""
    if not (pa.types.is_string(array.type) or pa.types.is_large_string(array.type)):
        return ""
    texts = _trimmed(array)
    if _count(texts, _TIME_OF_DAY):
        return "times of day are no numbers: write hours, such as 12.5 for 12:30"
    points = form.decimal != ","
    if points and not form.thousands and _count(texts, two_ways(".") + "|" + two_ways(",")) == len(texts):
        return both_readings(texts)
    if points and _count(texts, r"^[+-]?\d+,\d{1,2}$|^[+-]?\d+,\d{4,}$"):
        return _COMMAS
    if not _count(texts, _OTHER_NOTATION):
        return ""
    if points and not form.thousands:
        return (*_GROUPS, ", ", *_COMMAS)
    return _COMMAS if points else "" if form.thousands else _GROUPS


def date_hint(shown: Any) -> str:
    """Return advice where what was to be computed came from texts that look like dates; else nothing."""
    if not _count(shown.cast(pa.string()), rf"={_DATE[1:-1]}(,|$)"):
        return ""
    return "dates says how the dates of a column are written, such as '%d/%m/%Y %H:%M'"


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
            return Cells(array.cast(pa.int64()).to_numpy(), missing, array)
        except pa.ArrowInvalid:  # beyond 64 bits with a sign: as floats, and judged as those
            pass
    values = array.cast(pa.float64(), safe=False).to_numpy().astype(np.float64)
    return Cells(values, missing, array).check_floats(kind)


def _numbers_from_texts(texts: Any, missing: NDArray[np.bool_], kind: Kind, form: TextFormat) -> Cells:
    good = pc.fill_null(pc.match_substring_regex(texts, _number_pattern(form)), False)
    good = pc.and_(good, pa.chunked_array([pa.array(~missing)]))
    plain = pc.if_else(good, texts, pa.scalar(None, texts.type))
    for sign, instead in ((form.thousands, ""), (form.decimal, "."), ("+", "")):
        if sign and sign != instead:
            plain = pc.replace_substring(plain, sign, instead)
    is_whole = pc.all(good).as_py() and _count(plain, r"^-?\d{1,18}$") == len(plain)
    cells = Cells(plain.cast(pa.int64() if is_whole else pa.float64()).to_numpy(), missing, texts)
    cells.refuse(NO_NUMBER, ~_mask(good))
    if form.decimal is None:
        cells.refuse(TWO_WAYS, _mask(pc.match_substring_regex(texts, two_ways("."))))
    return cells if is_whole else cells.check_floats(kind)


def _dates_from_texts(texts: Any, missing: NDArray[np.bool_], form: str | None) -> Cells:
    # without a digit it is no date, although pandas takes "today" for one
    with_digit = _mask(pc.match_substring_regex(texts, r"\d"))
    kept = pd.Series(texts.to_pandas()).astype(object).where(~missing & with_digit, None)
    if form is not None:
        dates = pd.to_datetime(kept, format=form, errors="coerce", utc="%z" in form)
        cells = Cells(dates, missing, texts)
        cells.refuse(f"not a date like {form!r}", dates.isna())
        return cells
    zoned = _mask(pc.match_substring_regex(texts, _ZONED)) & ~missing
    is_zoned = bool(zoned.any())
    dates = pd.to_datetime(
        kept.where(zoned, None) if is_zoned else kept, format="ISO8601", errors="coerce", utc=is_zoned
    )
    cells = Cells(dates, missing, texts)
    if is_zoned:
        # a time without a zone among times with one could be any time of the day
        day = _mask(pc.match_substring_regex(texts, _ISO)) & ~zoned
        cells.refuse("no time zone, where other values have one", day)
    cells.refuse("not a date like '2024-01-31' or '2024-01-31 16:30:00'", dates.isna())
    return cells


def final_column(values: Any, kind: Kind) -> Any:
    """Return the final column: the dtype that goes with a kind, once bad rows are gone."""
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
