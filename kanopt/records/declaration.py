"""The one declaration of what a user may write of a thing: its fields, and all that is known of each.

:func:`record` makes a frozen dataclass of a class and keeps the declaration of its table; :func:`field` says of one
field what it measures, whether it is a price, which other field it needs, what is usual, which table it names, and what
it means. Everything else follows from here: how cells are read and checked, units, hints for misnamed columns, the
columns that the documentation lists, what ``kanopt init`` maps, and which numbers a what-if may move.
"""

from __future__ import annotations

import dataclasses
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from functools import cache, wraps
from types import UnionType
from typing import Any, Literal, TypeVar, Union, dataclass_transform, get_args, get_origin, get_type_hints

from kanopt.errors import ProblemError
from kanopt.records.clock_times import CLOCK
from kanopt.validation import MAY_BE_BLANK

__all__ = ["Field", "Table", "UnitSystem", "Usual", "declared_fields", "field", "record"]

KindT = TypeVar("KindT", bound=type)


class UnknownFieldError(ProblemError, TypeError):
    """An argument of a record that is none of its fields."""


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
    """A field of a record.

    Parameters
    ----------
    name
        Its name, in Python, in tables and in scenario files.
    type
        ``str``, ``int``, ``float`` or ``bool``; ``tuple`` of a list of texts.
    rules
        Its type with its rules, as pydantic reads them.
    required, optional
        Whether it has no default, and whether it may be None.
    may_be_blank
        Whether a cell of its column may be blank beside others that are not.
    default
        Its default; None where there is none.
    clock
        Whether it holds clock times (:mod:`kanopt.records.clock_times`); a text holds several.
    unit
        What it measures in words of the problem's units, such as ``"money/time"``; empty where it measures nothing.
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
    """

    name: str
    type: type
    rules: Any
    required: bool
    optional: bool
    may_be_blank: bool
    default: Any
    clock: bool
    unit: str
    price: str
    needs: tuple[str, ...]
    usual: Usual | None
    refers: tuple[str, ...]
    words: str
    doc: str

    @property
    def is_price(self) -> bool:
        """Whether it is money for something."""
        return bool(self.price) and self.unit.startswith("money")

    @property
    def is_text(self) -> bool:
        """Whether its cells are texts."""
        return self.type in (str, tuple)


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


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(
    table: str, *, key: str | tuple[str, ...] = "name", of_day: bool = False
) -> Callable[[KindT], KindT]:
    """Make a frozen dataclass of a class, and declare the table whose rows become its records.

    Parameters
    ----------
    table
        What the table is called in a problem, in messages and in scenario files, such as ``"clients"``.
    key
        The fields that identify a record.
    of_day
        Whether its clock times are those of a day, so that small numbers without a unit are asked back.

    Examples
    --------
    >>> @record("vans")
    ... class Van:
    ...     '''A van.'''
    ...     name: str = field(doc="Unique.")
    ...     wage: float = field(default=0.0, unit="money/time", price="time", doc="Price of its driver.")
    >>> [(one.name, one.unit, one.price) for one in declared_fields(Van)]
    [('name', '', ''), ('wage', 'money/time', 'time')]
    >>> "Price of its driver." in Van.__doc__
    True
    """

    def declare(kind: KindT) -> KindT:
        made: Any = dataclass(frozen=True)(kind)
        made.__table__ = (table, (key,) if isinstance(key, str) else key, of_day)
        made.__doc__ = _with_fields(made)
        made.__init__ = _naming_unknown_keywords(made)
        declared: KindT = made
        return declared

    return declare


def _naming_unknown_keywords(kind: Any) -> Callable[..., None]:
    """Return how a record is made, with a hint where an argument is none of its fields, as of a column."""
    make = kind.__init__

    @wraps(make)
    def made(self: Any, *given: Any, **named: Any) -> None:
        try:
            make(self, *given, **named)
        except TypeError:
            known = {item.name for item in dataclasses.fields(kind)}
            if unknown := [name for name in named if name not in known]:
                raise UnknownFieldError(_unknown_fields(kind, unknown)) from None
            raise

    return made


def _unknown_fields(kind: Any, names: Sequence[str]) -> str:
    from kanopt.records.likeness import TableColumn, TableField, field_hint, place_elsewhere

    table = kind.__table__[0]
    fields = [TableField(one.name, kind=str if one.is_text else one.type) for one in declared_fields(kind)]

    def hint(name: str) -> str:
        likely = field_hint(table, name, fields)
        if likely.startswith("did you mean"):
            return likely
        return place_elsewhere(table, TableColumn(name, numeric=False), fields) or likely

    told = [f"{kind.__name__} has no {name!r}; {hint(name)}" for name in names]
    return "\n".join([*told, "What a law is to read besides stands in attributes."])


def _with_fields(kind: Any) -> str:
    """Return the docstring of a class with its declared fields as parameters."""
    listed = []
    for item in dataclasses.fields(kind):
        if meaning := item.metadata.get("doc"):
            wrapped = textwrap.fill(meaning, 112, initial_indent="    ", subsequent_indent="    ")
            listed.append(f"{item.name}\n{wrapped}")
    text = textwrap.dedent("    " + (kind.__doc__ or ""))
    parameters = "\n".join(["Parameters", "----------", *listed])
    head, heading, tail = text.partition("\nExamples\n--------\n")
    return f"{head.rstrip()}\n\n{parameters}\n{heading}{tail}" if listed else text


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
                only,
                rules,
                required=item.default is MISSING and item.default_factory is MISSING,
                optional=optional,
                may_be_blank=optional or only in (str, tuple) or MAY_BE_BLANK in get_args(rules),
                default=None if item.default is MISSING else item.default,
                clock=_is_marked(rules, CLOCK),
                unit=said.get("unit", ""),
                price=said.get("price", ""),
                needs=_several(said.get("needs", ())),
                usual=Usual(*said["usual"]) if "usual" in said else None,
                refers=_several(said.get("refers", ())),
                words=said.get("words", ""),
                doc=said.get("doc", ""),
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

    def table(self, kind: type, name: str = "") -> Table:
        """Return the table of a kind of records, counted in these units."""
        declared, key, of_day = getattr(kind, "__table__", (name, ("name",), False))
        return Table(name or declared, kind, self.of(kind), key, of_day)


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

    @property
    def fields(self) -> tuple[Field, ...]:
        """The fields that its columns can fill."""
        return declared_fields(self.record)

    @property
    def prices(self) -> tuple[str, ...]:
        """The names of the fields that are prices."""
        return tuple(one.name for one in self.fields if one.is_price)

    def label(self, given: Any) -> str:
        """Return what identifies a record or a row of values."""
        row = given if isinstance(given, Mapping) else {part: getattr(given, part) for part in self.key}
        return "/".join(str(row[part]) for part in self.key if row.get(part, "") != "")
