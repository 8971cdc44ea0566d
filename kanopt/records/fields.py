"""What is declared of fields: their types, rules, units and words, and the tables that they are columns of.

A :class:`Field` is all that is known of one field; :func:`field` declares it in the class of a record, and
:class:`UnitSystem` says what it is counted in. The same :class:`Field`, in the unit of a problem, is what columns are
matched with.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cache, cached_property
from numbers import Real
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kanopt.faults import MAY_BE_BLANK
from kanopt.text import clock_text, join_list
from kanopt.units import convert

# Times of day as people write them: ``8:30``, ``8:30 PM``, ``8h30``, a time of Python or pandas, or a
# number.
#
# The one reader of clock times. :data:`CLOCK` marks the fields of records that hold some, and
# :mod:`kanopt.records.reading` reads their cells here; texts that hold several, such as windows and breaks,
# are taken apart here too (:func:`read_spans`). Times count from midnight in the unit of the problem. Hours
# go on after 24: ``26:00`` is two o'clock on the next day. Numbers without a unit that look like something
# else than they count as, ``7.5`` or ``0830``, are asked back (:func:`unstated_times`).

CLOCK = "clock time"
"""The mark of a field that holds clock times, beside its rules: ``Annotated[float, CLOCK]``."""

_PAST = r"(?::[0-5]\d(?::[0-5]\d(?:\.\d+)?)?)"
_WRITTEN = (
    rf"(?:0?[1-9]|1[0-2]){_PAST}?\s*[aApP]\.?[mM]\.?"
    rf"|\d{{1,3}}{_PAST}(?:\s*[uU]hr)?"
    r"|\d{1,3}\s*(?:[hH]|[uU]hr)(?:\s*[0-5]\d)?"
    r"|\d{1,3}\.[0-5]\d\s*[uU]hr"
)
_NUMBER = r"\d+(?:\.\d*)?"
_MOMENT = rf"(?:{_WRITTEN}|{_NUMBER})"
_WRITTEN_CLOCK = re.compile(_WRITTEN)
_SPAN = re.compile(rf"(?:({_NUMBER})\s+in\s+)?({_MOMENT})\s*[-–]\s*({_MOMENT})")
"""A window, or a break with its length in front, within a text."""
_BETWEEN_SPANS = re.compile(r"[,;|]|\s(?:or|and|oder|und|ou|et|o|y|lub|i|/)\s", re.IGNORECASE)
_PADDED = re.compile(r"0\d[0-5]\d")
_HOURS_OF_A_DAY = 24.0
_SECONDS_OF_DAYS = 2 * 86_400  # times of the next day are some, too
_QUARTER = 15  # minutes: most times of day in plans are full quarters of an hour


def clock_value(value: object, unit: str) -> float | None:
    """Return what is written as a time of day, in `unit` from midnight; None where it is not written so.

    Examples
    --------
    >>> clock_value("8:30", "min"), clock_value("08:30:45", "h"), clock_value("1:15 pm", "min")
    (510.0, 8.5125, 795.0)
    >>> clock_value(time(8, 30), "min"), clock_value("8h30", "min"), clock_value("8 Uhr", "min")
    (510.0, 510.0, 480.0)
    >>> clock_value("510", "min"), clock_value("8:75", "min")
    (None, None)
    """
    if isinstance(value, time):
        seconds = 3600.0 * value.hour + 60.0 * value.minute + value.second + value.microsecond / 1e6
    elif isinstance(value, timedelta):  # pandas reads the times of some files as durations from midnight
        seconds = value.total_seconds()
    elif isinstance(value, str) and _WRITTEN_CLOCK.fullmatch(value.strip()):
        seconds = _seconds(value.strip())
    else:
        return None
    return convert(seconds, "s", unit)


def _seconds(text: str) -> float:
    if dotted := re.fullmatch(r"(\d+)\.(\d\d)\s*[uU]hr", text):
        return 3600.0 * float(dotted[1]) + 60.0 * float(dotted[2])
    hours, *past = map(float, re.findall(r"\d+(?:\.\d+)?", text))
    if half := re.search(r"[ap](?=\.?m)", text.lower()):
        hours = hours % 12 + (12 if half[0] == "p" else 0)
    return 3600.0 * hours + sum(part * size for part, size in zip(past, (60.0, 1.0), strict=False))


def moment(text: str, unit: str) -> float:
    """Read a clock time or a number in `unit`.

    Raises
    ------
    ValueError
        If it is neither.

    Examples
    --------
    >>> moment("8:30", "min"), moment("510", "min")
    (510.0, 510.0)
    """
    written = clock_value(text, unit)
    return float(text) if written is None else written


def read_spans(text: str, unit: str) -> Iterator[tuple[str, tuple[float | None, float, float] | None]]:
    """Yield the parts of a text of windows or breaks, each with its length, if it has one, and its two ends.

    Instead of these there is None where a part is neither.

    Examples
    --------
    >>> list(read_spans("480-600; 30 in 11:00-13:00, noon", "min"))
    [('480-600', (None, 480.0, 600.0)), ('30 in 11:00-13:00', (30.0, 660.0, 780.0)), ('noon', None)]
    >>> [ends for _, ends in read_spans("8:00-10:00 or 14:00-16:00", "min")]
    [(None, 480.0, 600.0), (None, 840.0, 960.0)]
    """
    for part in filter(None, map(str.strip, _BETWEEN_SPANS.split(text))):
        if found := _SPAN.fullmatch(part):
            length = None if found[1] is None else float(found[1])
            yield part, (length, moment(found[2], unit), moment(found[3], unit))
        else:
            yield part, None


def holds_windows(text: str) -> bool:
    """Say whether a text begins with a window or a break.

    Bare numbers that fall or are too large for any time of a day, as those of telephones, are neither.

    Examples
    --------
    >>> [holds_windows(text) for text in ("8:00-10:00, 13-15", "30 in 11:00-13:00", "2026-11-27", "0297-551201")]
    [True, True, False, False]
    """
    if not (found := _SPAN.fullmatch(_BETWEEN_SPANS.split(text)[0].strip())):
        return False
    begin, end = found.groups()[1:]
    return any(map(_WRITTEN_CLOCK.fullmatch, (begin, end))) or float(begin) < float(end) <= _SECONDS_OF_DAYS


@dataclass(frozen=True)
class ClockCells:
    """Cells of a column of clock times.

    Parameters
    ----------
    values
        The cells as numbers in the unit of the problem, those of a column of windows as texts with such numbers; what
        is neither stays as it was given.
    bare
        The numbers among the cells, as they were written.
    of_day
        Whether some cell is written as a time of day.
    """

    values: list[Any]
    bare: list[str]
    of_day: bool


def clock_cells(cells: Sequence[Any], source: str, target: str, day: date | None = None) -> ClockCells:
    """Read a column of clock times.

    Parameters
    ----------
    cells
        What is written in it, without the blanks.
    source, target
        The declared unit of its numbers, or an empty text; and the unit of the problem.
    day
        The day of the plan, from whose midnight dates with a time of day count; left out, they stay as they are.

    Examples
    --------
    >>> clock_cells(["8:30", 9, "9.5", "noon"], "h", "min")
    ClockCells(values=[510.0, 540.0, 570.0, 'noon'], bare=['9', '9.5'], of_day=True)
    >>> clock_cells([datetime(2026, 12, 1, 8, 30)], "", "h", date(2026, 11, 30)).values
    [32.5]
    """
    values, bare, of_day = [], [], False
    for cell in cells:
        since = cell
        if day is not None and isinstance(cell, datetime):
            since = cell - datetime.combine(day, time.min, cell.tzinfo)
        value = clock_value(since, target)
        of_day |= value is not None
        if value is None and (number := _number(cell)) is not None:
            bare.append(cell.strip() if isinstance(cell, str) else f"{number:.15g}")
            value = convert(number, source, target) if source else number
        values.append(cell if value is None else value)
    return ClockCells(values, bare, of_day)


def _number(cell: Any) -> float | None:
    if isinstance(cell, bool) or not isinstance(cell, (str, Real, Decimal)):
        return None
    if isinstance(cell, str) and "_" in cell:
        return None
    try:
        number = float(cell)
    except (ValueError, OverflowError):
        return None
    return None if math.isnan(number) else number


def window_cells(cells: Sequence[Any], source: str, target: str) -> ClockCells:
    """Read a column of windows or breaks: texts in which numbers count in the unit of the column.

    What is no text stays as it was given.

    Examples
    --------
    >>> window_cells(["8-12, 13:00-15.5", "0.5 in 11:00-13:00"], "h", "min")
    ClockCells(values=['480-720, 13:00-930', '30 in 11:00-13:00'], bare=['8', '12', '15.5'], of_day=True)
    """
    texts = [cell for cell in cells if isinstance(cell, str)]
    ends = [end for text in texts for span in _SPAN.finditer(text) for end in span.groups()[1:]]
    bare = [end for end in ends if not _WRITTEN_CLOCK.fullmatch(end)]

    def plain(part: str) -> str:
        if _WRITTEN_CLOCK.fullmatch(part):
            return part
        value = convert(float(part), source, target)
        return str(int(value)) if value.is_integer() else format(value, ".12f").rstrip("0")

    def converted(span: re.Match[str]) -> str:
        return spans_text([[plain(part) for part in span.groups() if part is not None]])

    values = [_SPAN.sub(converted, cell) if source and isinstance(cell, str) else cell for cell in cells]
    return ClockCells(values, bare, len(bare) < len(ends))


def spans_text(spans: Iterable[Any]) -> str:
    """Return windows, or breaks with their length in front, as a text has them.

    Examples
    --------
    >>> spans_text([(480, 720), ("13:00", time(15, 30))]), spans_text([(30, "11:00", "13:00")])
    ('480-720, 13:00-15:30:00', '30 in 11:00-13:00')
    """

    def text(each: Any) -> str:
        is_span = isinstance(each, (tuple, list)) and len(each) in (2, 3)
        return " in ".join([*map(str, each[:-2]), f"{each[-2]}-{each[-1]}"]) if is_span else str(each)

    return ", ".join(map(text, spans))


def next_day_hint(ends: Sequence[float], unit: str) -> str:
    """Return how to write ends that lie on the next day, for a message that they come too early.

    Examples
    --------
    >>> next_day_hint([120.0], "min"), next_day_hint([2000.0], "min")
    ('; 02:00 on the next day is written 26:00', '')
    """
    day = convert(_HOURS_OF_A_DAY, "h", unit)
    if not ends or not all(0 <= end < day for end in ends):
        return ""
    hours, minutes = divmod(round(convert(ends[0], unit, "min")), 60)
    return f"; {clock_text(ends[0], unit)} on the next day is written {hours + 24:.0f}:{minutes:02.0f}"


def unstated_times(
    columns: Iterable[tuple[str, Iterable[str]]],
    unit: str,
    *,
    of_day: bool = True,
    beside_written: bool = False,
    declared: bool = True,
) -> str:
    """Return a question where clock times without a unit look like hours, or like 0830 for 8:30.

    Nobody plans the first 24 minutes after midnight, so numbers that all lie between 0 and 24 are hours most likely.
    Four digits with a zero in front are a time of day without its colon, and so are whole numbers most likely that all
    end like minutes, unless more of them are round times when they are counted.

    Parameters
    ----------
    columns
        The columns without a declared unit, or the fields of records, and the numbers in them as they were written.
    unit
        The problem's unit of time.
    of_day
        Whether they are times of a day for certain; if not, only what can be nothing else is asked.
    beside_written
        Whether others of the table are written as times of day, so that these are some for certain too.
    declared
        Whether a unit can be declared, as that of a column can, and not that of a record built by hand.

    Returns
    -------
    str
        Empty where there is nothing to ask.

    Examples
    --------
    >>> print(unstated_times([("shift_start", ["7.5"]), ("shift_end", ["16", "17"])], "min"))
    column 'shift_start' (7.5) and column 'shift_end' (16 to 17): no unit is declared, and in min these would be times \
soon after midnight; are these hours? Then declare the unit 'h', or write times such as 07:30; declare 'min' if they \
are not
    >>> print(unstated_times([("shift_start", ["0830"]), ("shift_end", ["1700"])], "min"))
    column 'shift_start' (0830) and column 'shift_end' (1700): no unit is declared, and in min 0830 would be 13:50; is \
it 08:30? Then write times such as 08:30; declare 'min' if it is not
    >>> print(unstated_times([("shift_start", ["7.5"])], "min", declared=False))
    shift_start (7.5): in min these would be times soon after midnight; are these hours? Then write times such as \
"07:30"
    >>> unstated_times([("shift_start", ["450"]), ("shift_end", ["1020"])], "min")
    ''
    """
    finite = {name: [text for text in texts if math.isfinite(float(text))] for name, texts in columns}
    found = [(name, sorted(texts, key=float)) for name, texts in finite.items() if texts]
    every = [text for _, texts in found for text in texts]
    least = 1 if beside_written else 2 if of_day else math.inf
    hours = convert(1.0, "h", unit) > 1 and all(0 <= float(text) <= _HOURS_OF_A_DAY for text in every)
    if run_together := _run_together(every, unit, least):
        meant = f"{int(run_together) // 100:02d}:{int(run_together) % 100:02d}"
        asked = f"in {unit} {run_together} would be {clock_text(float(run_together), unit)}; is it {meant}?"
        write, otherwise = "", "if it is not"
    elif (of_day or beside_written) and hours and any(map(float, every)):
        asked = f"in {unit} these would be times soon after midnight; are these hours?"
        meant, write, otherwise = "07:30", "declare the unit 'h', or ", "if they are not"
    else:
        return ""
    ends = [(name, " to ".join(dict.fromkeys([texts[0], texts[-1]]))) for name, texts in found]
    told = join_list([f"{f'column {name!r}' if declared else name} ({shown})" for name, shown in ends])
    if not declared:
        return f'{told}: {asked} Then write times such as "{meant}"'
    then = f"Then {write}write times such as {meant}; declare {unit!r} {otherwise}"
    return f"{told}: no unit is declared, and {asked} {then}"


def _run_together(texts: Sequence[str], unit: str, least: float) -> str:
    """Return one of the numbers that are most likely times of day without a colon, as 0830; empty where none is.

    Fewer than `least` numbers say nothing, unless they begin with zero.
    """
    if padded := [text for text in texts if _PADDED.fullmatch(text)]:
        return padded[0]
    numbers = {float(text): text for text in texts if float(text)}  # zero may be a default
    clocks = [n for n in numbers if n.is_integer() and n % 100 < 60 and 100 <= n <= 100 * _HOURS_OF_A_DAY]
    if len(numbers) < least or len(clocks) < len(numbers):
        return ""
    written = sum(number % 100 % _QUARTER == 0 for number in numbers)
    counted = sum(convert(number, unit, "min") % _QUARTER == 0 for number in numbers)
    return next(iter(numbers.values())) if written >= counted else ""


@dataclass(frozen=True)
class Usual:
    """What is usual of a number.

    Parameters
    ----------
    low, high
        Its ends. What lies beyond them is asked back, zero and infinity apart.
    unit
        Their unit; euros stand for any money of about their worth.
    """

    low: float
    high: float
    unit: str

    def in_money_of(self, unit: str) -> Usual:
        """Return what is usual in the currency of a unit, where a coin of it buys about as much as a euro."""
        money = unit.partition("/")[0]
        return dataclasses.replace(self, unit=self.unit.replace("EUR", money)) if money in _ALIKE else self

    @property
    def alternatives(self) -> tuple[str, ...]:
        """Units in which a number may be meant that is unusual in another one."""
        money, slash, measured = self.unit.rpartition("/")
        return tuple(f"{money}{slash}{each}" for each in _ALTERNATIVES.get(measured, ()))


_ALTERNATIVES = {
    "t": ("kg", "t", "g", "lb"),
    "min": ("s", "min", "h"),
    "h": ("h", "min", "day", "s"),
    "km": ("km", "m", "100 km"),
    "kWh": ("MWh", "kWh"),
}
_ALIKE = ("EUR", "USD", "GBP", "CHF", "CAD", "AUD")


@dataclass(frozen=True)
class Field:
    """A field of the records of a table.

    Parameters
    ----------
    name
        Its name, in Python, in tables and in scenario files.
    unit
        What it is counted in; of what is declared and not yet of a table, :attr:`measured`. Empty where it measures
        nothing.
    kind
        ``str``, ``int``, ``float`` or ``bool``; ``str`` also where it is a list of texts.
    filled
        Whether a column fills it.
    is_list
        Whether it is a list of texts.
    rules
        Its type with its rules, as pydantic reads them.
    required, optional
        Whether it has no default, and whether it may be None.
    may_be_blank
        Whether a cell of its column may be blank beside others that are not.
    default
        Its default; None where there is none.
    clock
        Whether it holds clock times (:mod:`kanopt.records.fields`); a text holds several.
    price
        The term of the price of a plan that it moves, and nothing else, so that a what-if may move it and keep the
        plan; empty where it moves more.
    needs
        The fields of which one must be filled, or else this one changes nothing.
    usual
        What is usual of it, if anything is.
    refers
        The tables whose names its values are.
    words
        Further words by which people call it, parted by semicolons, beside those of the vocabulary.
    doc
        What it means.
    measured
        What it measures, in words of the problem's units, such as ``"money/time"``.
    """

    name: str
    unit: str = ""
    kind: type = float
    filled: bool = False
    is_list: bool = False
    rules: Any = None
    required: bool = False
    optional: bool = False
    may_be_blank: bool = False
    default: Any = None
    clock: bool = False
    price: str = ""
    needs: tuple[str, ...] = ()
    usual: Usual | None = None
    refers: tuple[str, ...] = ()
    words: str = ""
    doc: str = ""
    measured: str = ""

    @property
    def type(self) -> type:
        """What a cell is read as: its kind, or ``tuple`` where it is a list of texts."""
        return tuple if self.is_list else self.kind

    @property
    def is_price(self) -> bool:
        """Whether it is declared as money for something."""
        return bool(self.price) and self.measured.startswith("money")

    @property
    def is_text(self) -> bool:
        """Whether its cells are texts."""
        return self.kind is str


def field(
    *,
    default: Any = MISSING,
    default_factory: Any = MISSING,
    kw_only: bool = False,
    hash: bool | None = None,
    **declared: Any,
) -> Any:
    """Declare a field of a record.

    Parameters
    ----------
    default, default_factory, kw_only, hash
        As in :func:`dataclasses.field`.
    **declared
        ``unit``, ``price``, ``needs``, ``usual``, ``refers``, ``words`` and ``doc``, as in :class:`Field`; one need or
        one table may be a text, what is usual a tuple of its two ends and their unit.
    """
    if unknown := declared.keys() - {"unit", "price", "needs", "usual", "refers", "words", "doc"}:
        raise TypeError(f"field() does not know {', '.join(sorted(unknown))}")
    return dataclasses.field(
        default=default, default_factory=default_factory, kw_only=kw_only, hash=hash, metadata=declared
    )


def other_columns(doc: str = "Whatever else is known.") -> Any:
    """Declare what a table holds beside its fields, which laws may read."""
    return field(default_factory=dict, hash=False, doc=doc)


@cache
def declared_fields(kind: type) -> tuple[Field, ...]:
    """Return the fields of records, or of any dataclass, that a cell can fill."""
    plain, ruled = get_type_hints(kind), get_type_hints(kind, include_extras=True)
    found = []
    for item in dataclasses.fields(kind):
        hint, said = plain[item.name], item.metadata
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        types = {_cell_type(one) for one in options} - {type(None)}
        if len(types) != 1 or not types <= {str, int, float, bool, tuple}:
            continue
        only, optional, rules = types.pop(), type(None) in options, ruled[item.name]
        found.append(
            Field(
                item.name,
                kind=str if only is tuple else only,
                is_list=only is tuple,
                rules=rules,
                required=item.default is MISSING and item.default_factory is MISSING,
                optional=optional,
                may_be_blank=optional or only in (str, tuple) or MAY_BE_BLANK in get_args(rules),
                default=None if item.default is MISSING else item.default,
                clock=_is_marked(rules, CLOCK),
                needs=_several(said.get("needs", ())),
                refers=_several(said.get("refers", ())),
                usual=Usual(*said["usual"]) if "usual" in said else None,
                measured=said.get("unit", ""),
                **{word: said[word] for word in ("unit", "price", "words", "doc") if word in said},
            )
        )
    return tuple(found)


def _several(given: str | tuple[str, ...]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else given


def _cell_type(hint: Any) -> Any:
    """Return what a cell of a type is read as; a list of texts is a tuple."""
    if get_origin(hint) is Literal:
        return str
    return tuple if hint == tuple[str, ...] else hint


def _is_marked(hint: Any, mark: str) -> bool:
    """Say whether a mark stands beside a type, or beside one of those that it may be."""
    return mark in getattr(hint, "__metadata__", ()) or any(_is_marked(one, mark) for one in get_args(hint))


class UnitSystem:
    """The units that a kind of problem counts in; its dataclass has a field for each thing that is measured.

    Examples
    --------
    >>> @dataclass(frozen=True)
    ... class Units(UnitSystem):
    ...     money: str = "EUR"
    ...     time: str = "h"
    >>> Units().unit_of("money/time"), Units().unit_of("deg"), Units(time="EUR").unit_of("money/time")
    ('EUR/h', 'deg', '')
    """

    def unit_of(self, measured: str) -> str:
        """Return the unit of what a field measures, such as ``"money/time"``; of a unit itself that unit."""
        above, *below = (getattr(self, word, word) for word in measured.split("/"))
        if not below:
            return str(above)
        if above == below[0]:
            return ""
        return f"{above}/({below[0]})" if re.search("[/*]", below[0]) else f"{above}/{below[0]}"

    def of(self, kind: type) -> dict[str, str]:
        """Return the unit of each field of a kind of records that measures something."""
        return {one.name: self.unit_of(one.unit) for one in declared_fields(kind) if one.unit}

    def table(self, kind: Any) -> Table:
        """Return the table of a kind of records, counted in these units."""
        name, key, of_day = kind.__table__
        return Table(name, kind, self.of(kind), key, of_day)


@dataclass(frozen=True)
class Table:
    """A table of a problem: what its rows become, and in which units.

    Parameters
    ----------
    name
        What it is called in messages and in scenario files, such as ``"clients"``.
    record
        The class of its records, with a field ``attributes`` for further columns.
    units
        Unit of each field in the problem; a column whose declared unit differs is converted.
    key
        The fields that identify a record.
    of_day
        Whether its clock times are those of a day.
    """

    name: str
    record: type
    units: Mapping[str, str] = dataclasses.field(default_factory=dict)
    key: tuple[str, ...] = ("name",)
    of_day: bool = False

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields that its columns can fill, counted in its units."""
        fields = declared_fields(self.record)
        units = ["" if item.is_text else self.units.get(item.name, "") for item in fields]
        return tuple(dataclasses.replace(one, unit=unit) for one, unit in zip(fields, units, strict=True))

    @property
    def prices(self) -> tuple[str, ...]:
        """The names of the fields that are prices."""
        return tuple(one.name for one in self.fields if one.is_price)

    def label(self, given: Any) -> str:
        """Return what identifies a record or a row of values."""
        row = given if isinstance(given, Mapping) else {part: getattr(given, part) for part in self.key}
        return "/".join(filter(None, (str(row.get(part, "")) for part in self.key)))
