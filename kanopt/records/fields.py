"""What is declared of fields: their types, rules, units and words, and the tables that they are columns of.

A :class:`Field` is all that is known of one field; :func:`field` declares it in the class of a record, and
:class:`UnitSystem` says what it is counted in. The same :class:`Field`, in the unit of a problem, is what columns are
matched with.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from functools import cache, cached_property
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kanopt.records.clock_times import CLOCK
from kanopt.validation import MAY_BE_BLANK


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
        Whether it holds clock times (:mod:`kanopt.records.clock_times`); a text holds several.
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

    @cached_property
    def fields(self) -> tuple[Field, ...]:
        """The fields that its columns can fill, counted in its units."""
        return tuple(
            dataclasses.replace(item, unit="" if item.is_text else self.units.get(item.name, ""))
            for item in declared_fields(self.record)
        )

    @property
    def prices(self) -> tuple[str, ...]:
        """The names of the fields that are prices."""
        return tuple(one.name for one in self.fields if one.is_price)

    def label(self, given: Any) -> str:
        """Return what identifies a record or a row of values."""
        row = given if isinstance(given, Mapping) else {part: getattr(given, part) for part in self.key}
        return "/".join(filter(None, (str(row.get(part, "")) for part in self.key)))
