"""Mistakes in what a user gave, as data; worded once for Python, and once for scenario files.

A :class:`Fault` says which table it is about, which field, which records or rows, what is wrong, and what to write.
What to write has other words in Python than in a file: a :class:`Setting` is an argument here and a key there, and a
:class:`Renaming` renames columns of a frame here and fills ``columns`` there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from kanopt.text import list_names

_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class Setting:
    """What to set: an argument in Python, a key in a scenario file.

    Parameters
    ----------
    name
        The argument and the key.
    value
        What it is set to.
    call
        The class that Python makes of the value's keys, such as ``"TextFormat"``.

    Examples
    --------
    >>> form = Setting("form", {"decimal": ","}, "TextFormat")
    >>> str(form), form.in_file()
    ("form=TextFormat(decimal=',')", 'form = { decimal = "," }')
    """

    name: str
    value: Any
    call: str = ""

    def __str__(self) -> str:
        if self.call:
            return f"{self.name}={self.call}({', '.join(f'{key}={value!r}' for key, value in self.value.items())})"
        return f"{self.name}={self.value!r}"

    def in_file(self, columns: Mapping[str, Mapping[str, str]] | None = None) -> str:
        """Return what a scenario file says."""
        return f"{self.name} = {toml_value(self.value)}"


@dataclass(frozen=True)
class Renaming:
    """Columns that become fields, with the units to declare for them.

    Parameters
    ----------
    table
        The table.
    fields
        Column to the field that it fills.
    units
        Field to the unit to declare.

    Examples
    --------
    >>> renaming = Renaming("vans", {"kg": "capacity"}, {"capacity": "kg"})
    >>> print(renaming)
    ko.with_units(vans.rename(columns={'kg': 'capacity'}), {'capacity': 'kg'})
    >>> print(renaming.in_file())
    columns = { capacity = "kg" } under [problem.vans] and units = { kg = "kg" } under its table
    """

    table: str
    fields: Mapping[str, str]
    units: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        renamed = f"{self.table}.rename(columns={dict(self.fields)})"
        return f"ko.with_units({renamed}, {dict(self.units)})" if self.units else renamed

    def in_file(self, columns: Mapping[str, Mapping[str, str]] | None = None) -> str:
        """Return what a scenario file says, where other columns may already fill fields, by table."""
        own = (columns or {}).get(self.table, {})
        filled = {name: own.get(column, column) for column, name in self.fields.items()}
        written = f"columns = {toml_value(filled)} under [problem.{self.table}]"
        if not self.units:
            return written
        units = {filled.get(name, name): unit for name, unit in self.units.items()}
        return f"{written} and units = {toml_value(units)} under its table"


Message: TypeAlias = str | Sequence[str | Setting | Renaming]
"""A sentence, or its parts with what to write among them."""


def said(
    message: Message, *, in_file: bool = False, columns: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Return a message in the words of Python, or in those of a scenario file.

    Examples
    --------
    >>> advice = ("write ", Setting("planning", {"state.quantity": 20}))
    >>> said(advice), said(advice, in_file=True)
    ("write planning={'state.quantity': 20}", 'write planning = { "state.quantity" = 20 }')
    """
    parts = (message,) if isinstance(message, str) else message
    return "".join(
        part if isinstance(part, str) else part.in_file(columns) if in_file else str(part) for part in parts
    )


def row_numbers(places: Sequence[int]) -> str:
    """Write the numbers of rows, counted from 1, those of many cut short."""
    shown = list_names([str(place + 1) for place in places], quoted=False)
    return f"{'rows' if len(places) > 1 else 'row'} {shown}"


@dataclass(frozen=True)
class Fault:
    """A mistake in what a user gave, or a question about it.

    Parameters
    ----------
    table
        The table or argument it is about, such as ``"clients"`` or ``"duration"``.
    what
        What is wrong, without the place.
    names
        The records concerned.
    field
        The field concerned; empty where it is not one.
    rows
        The rows concerned, counted from 0; of tables that are read from frames.
    column
        The column that fills the field; empty where records were built by hand.
    advice
        What to do.
    reference
        What a law is bound to, as ``"arc.distance"``, where it is about that.

    Examples
    --------
    >>> print(Fault("clients", "must be at least 0, not the number -1.0", ("c1", "c7"), "demand"))
    clients: demand of 'c1', 'c7': must be at least 0, not the number -1.0
    >>> print(Fault("clients", "is blank", field="demand", column="kg", rows=(2,), advice="write a number"))
    clients: column 'kg', row 3: is blank; write a number
    >>> print(Fault("vehicles", "the shift ends before it starts", ("van",)))
    vehicles 'van': the shift ends before it starts
    """

    table: str
    what: Message
    names: tuple[str, ...] = ()
    field: str = ""
    rows: tuple[int, ...] = ()
    column: str = ""
    advice: Message = ""
    reference: str = ""

    def __str__(self) -> str:
        sentence = self.sentence()
        return f"{self.table}{'' if self._begins_with_names else ':'} {sentence}"

    @property
    def _begins_with_names(self) -> bool:
        return bool(self.names) and not self.field and not self.column

    def sentence(
        self, *, in_file: bool = False, columns: Mapping[str, Mapping[str, str]] | None = None
    ) -> str:
        """Return the message without the name of the table.

        Parameters
        ----------
        in_file
            Whether it is about a scenario file.
        columns
            Of a file, table to the columns that its fields are called by there.
        """
        what = said(self.what, in_file=in_file, columns=columns)
        advice = said(self.advice, in_file=in_file, columns=columns)
        column = (columns or {}).get(self.table, {}).get(self.field, self.column)
        if self.column:
            called = f" ({list_names(self.names)})" if self.names else ""
            place = f"column {column!r}" + (f", {row_numbers(self.rows)}{called}: " if self.rows else " ")
        elif self.names:
            place = (
                f"{self.field} of {list_names(self.names)}: " if self.field else f"{list_names(self.names)}: "
            )
        else:
            place = f"{self.field}: " if self.field else ""
        return f"{place}{what}" + (f"; {advice}" if advice else "")


def toml_value(value: Any) -> str:
    r"""Write a value as TOML.

    Examples
    --------
    >>> print(toml_value({"a b": ["x\n", 1.5, True]}))
    { "a b" = ["x\n", 1.5, true] }
    """
    if isinstance(value, Mapping):
        return (
            "{ "
            + ", ".join(f"{toml_key(str(key))} = {toml_value(each)}" for key, each in value.items())
            + " }"
        )
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        # the escapes of JSON are those of TOML, which does not let the delete sign and other controls through
        written = json.dumps(value, ensure_ascii=False)
        return "".join(f"\\u{ord(sign):04x}" if "\x7f" <= sign <= "\x9f" else sign for sign in written)
    if isinstance(value, Iterable):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return repr(value)


def toml_key(name: str) -> str:
    """Write a part of a key as TOML."""
    return name if _BARE.fullmatch(name) else toml_value(name)
