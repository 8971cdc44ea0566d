"""Mistakes in what a user gave, as data; worded once for Python, and once for scenario files.

A :class:`Fault` says which table it is about, which field, which records or rows, what is wrong, and what to write.
What to write has other words in Python than in a file: a :class:`Setting` is an argument here and a key there, and a
:class:`Renaming` renames columns of a frame here and fills ``columns`` there.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, StringConstraints, ValidationError

from kanopt.errors import nearest
from kanopt.text import list_names, number_text

if TYPE_CHECKING:
    import pandas as pd


# What a validator found wrong, in words: the one way in which files and records are checked.
#
# A class states the rules of its fields beside their types, as ``capacity: Limit = math.inf``; pydantic
# checks them; :func:`invalid_values` says what it found wrong. Where a value stands is told by whoever
# asked: a scenario file names line and key, a table of records its field and the record.

LARGEST = 1e100
"""No number of a problem is larger, so that sums and products of several of them are still floating-point numbers."""

WHOLE_TEXT = "a text without half a character (a lone surrogate), which no file can hold"
"""What every name and label must be; see :func:`is_whole`."""

MAY_BE_BLANK = "may be blank"
"""Marks a number that a cell may leave blank, because there is only one thing that a blank can mean."""

Name: TypeAlias = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
"""A text that is not empty."""
Finite: TypeAlias = Annotated[float, Field(ge=-LARGEST, le=LARGEST, allow_inf_nan=False)]
"""A number that is finite."""
Amount: TypeAlias = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
"""A finite number that is zero or more."""
Limit: TypeAlias = Annotated[float, Field(ge=0)]
"""A number that is zero or more; infinite where nothing is limited."""
OpenLimit: TypeAlias = Annotated[float, Field(ge=0), MAY_BE_BLANK]
"""A limit that not everything has; a blank cell means that there is none."""
Count: TypeAlias = Annotated[int, Field(ge=0)]
"""A whole number that is zero or more."""

_TYPES = {
    str: "the text",
    bool: "the truth value",
    int: "the number",
    float: "the number",
    list: "a list",
    dict: "a table",
}


@dataclass(frozen=True)
class Invalid:
    """Something wrong with one value.

    Parameters
    ----------
    kind
        The word of pydantic for it, such as ``"float_type"``.
    place
        The keys that lead to the value from where the check began.
    value
        What was given.
    rule
        What must be; where `rule` is empty, `message` says all there is.
    message
        What is wrong, as a sentence without its place.
    """

    kind: str
    place: tuple[str | int, ...]
    value: object
    rule: str
    message: str

    @property
    def of_type(self) -> bool:
        """Whether the value is missing or of another type, so that nothing can be asked of it."""
        return self.kind == "missing" or self.kind.endswith("_type")


def invalid_values(error: ValidationError, model: type[BaseModel]) -> list[Invalid]:
    """Return everything that pydantic found wrong with data for a model.

    Examples
    --------
    >>> class Van(BaseModel):
    ...     capacity: Limit
    >>> try:
    ...     Van.model_validate({"capacity": -1.5})
    ... except ValidationError as error:
    ...     print(invalid_values(error, Van)[0].message)
    must be at least 0, not the number -1.5
    """
    return [_invalid(model, details) for details in error.errors(include_url=False)]


def invalid_text(alike: Sequence[Invalid]) -> str:
    """Return what is wrong with several values under one rule, as a sentence without their places."""
    values = list(dict.fromkeys(describe_value(wrong.value) for wrong in alike))
    if len(values) == 1 or not alike[0].rule:
        return alike[0].message
    return f"must be {alike[0].rule}, not {list_names(values, quoted=False)}"


def _invalid(model: type[BaseModel], details: Any) -> Invalid:
    kind, place, given = details["type"], tuple(details["loc"]), details["input"]
    context: Mapping[str, Any] = details.get("ctx", {})
    rule = _EXPECTED[kind](context) if kind in _EXPECTED else ""
    if rule:
        message = f"must be {rule}, not {describe_value(given)}"
    elif kind == "extra_forbidden":
        # a key that pydantic does not know belongs to the model found by walking the location
        message = f"unknown key; {nearest(str(place[-1]), _known_keys(model, place[:-1]))}"
    elif kind == "missing":
        message = "is missing"
    elif kind in ("value_error", "assertion_error"):
        message = str(context["error"])
    elif kind == "literal_error":
        message = _unknown_word(given, context)
    else:
        message = f"{details['msg']} (given: {describe_value(given)})"
    return Invalid(kind, tuple(part for part in place if part != "[key]"), given, rule, message)


_EXPECTED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "string_type": lambda c: "a text in quotes",
    "bool_type": lambda c: "true or false",
    "int_type": lambda c: "a whole number",
    "int_from_float": lambda c: "a whole number",
    "float_type": lambda c: "a number",
    "finite_number": lambda c: "a finite number",
    "list_type": lambda c: 'a list such as ["a", "b"]',
    "tuple_type": lambda c: 'a list such as ["a", "b"]',
    "dict_type": lambda c: "a table of key = value",
    "mapping_type": lambda c: "a table of key = value",
    "model_type": lambda c: "a table of key = value",
    "model_attributes_type": lambda c: "a table of key = value",
    "greater_than": lambda c: f"greater than {number_text(c['gt'], 6)}",
    "greater_than_equal": lambda c: f"at least {number_text(c['ge'], 6)}",
    "less_than": lambda c: f"less than {number_text(c['lt'], 6)}",
    "less_than_equal": lambda c: f"at most {number_text(c['le'], 6)}",
    "too_short": lambda c: f"a list of at least {c['min_length']}",
    "string_too_short": lambda c: "a text that is not empty",
    "string_unicode": lambda c: WHOLE_TEXT,
}


def count_fault(value: object, least: int, most: int | None = None) -> str | None:
    """Say what is wrong with a number of things that was asked for; None if nothing is.

    Examples
    --------
    >>> count_fault(30.0, 20)
    'a whole number of at least 20, not 30.0'
    >>> count_fault(30, 20)
    """
    if isinstance(value, int) and not isinstance(value, bool) and least <= value <= (most or value):
        return None
    allowed = f"of at least {least:,}" if most is None else f"from {least:,} to {most:,}"
    return f"a whole number {allowed}, not {value!r}"


def describe_value(value: object) -> str:
    """Name a value and what it is.

    Examples
    --------
    >>> describe_value("a"), describe_value(True), describe_value(np.float64(1.5))
    ("the text 'a'", 'the truth value true', 'the number 1.5')
    """
    if value is None:
        return "None"
    value = _plain(value)
    word = _TYPES.get(type(value), f"a {type(value).__name__}")
    if type(value) is int and abs(value) > LARGEST:
        return shown(value)
    return word if isinstance(value, (list, dict)) else f"{word} {_toml(value)}"


def shown(value: object) -> str:
    """Return a value as code writes it, short enough for a message.

    Examples
    --------
    >>> shown("a" * 100)[-3:], shown(10**400), shown(np.float64(0.5))
    ('aaa', 'a whole number of 401 digits', '0.5')
    """
    value = _plain(value)
    if isinstance(value, int) and abs(value) > LARGEST:
        # by Decimal, because Python writes no whole number of more than 4300 digits
        return f"a whole number of {Decimal(abs(value)).adjusted() + 1:,} digits"
    plain = value.item() if isinstance(value, np.generic) else value
    return f"{plain!r:.80}"


def is_whole(text: str) -> bool:
    r"""Say whether a text can be written to a file; half a pair of surrogates, as damaged JSON has them, cannot.

    Examples
    --------
    >>> is_whole("naïve"), is_whole("\ud83d")
    (True, False)
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def half_text(frame: pd.DataFrame) -> str:
    """Say which name or cell of a frame is a text that no file can hold, and where; empty where all are whole."""
    for place, name in enumerate(frame.columns):
        if not is_whole(str(name)):
            return f"column {name!r:.80}: its name must be {WHOLE_TEXT}"
        column = frame.iloc[:, place]
        # texts of Arrow are whole
        for row, cell in enumerate(column if column.dtype == object else (), start=1):
            if isinstance(cell, str) and not is_whole(cell):
                return f"column {name!r}, row {row:,}: must be {WHOLE_TEXT}, not {cell!r:.80}"
    return ""


def float_array(values: Any) -> NDArray[np.float64]:
    """Return numbers as floating-point numbers.

    Raises
    ------
    TypeError, ValueError
        If there are no numbers, or whole ones larger than any floating-point number; names the first.

    Examples
    --------
    >>> float_array([1, 10**400])
    Traceback (most recent call last):
    ...
    ValueError: a whole number of 401 digits, larger than any floating-point number
    """
    try:
        return np.asarray(values, dtype=np.float64)
    except OverflowError:
        cells = np.asarray(values, dtype=object).ravel()
        first = next(cell for cell in cells if isinstance(cell, int) and abs(cell) > LARGEST)
        raise ValueError(f"{describe_value(first)}, larger than any floating-point number") from None


def coerced_numbers(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return the numbers of a column, and NaN where there is none or one larger than any floating-point number."""
    import pandas as pd

    try:
        found = pd.to_numeric(column, errors="coerce")
    except OverflowError:
        fitting = column.map(lambda cell: None if isinstance(cell, int) and abs(cell) > LARGEST else cell)
        found = pd.to_numeric(fitting, errors="coerce")
    return np.asarray(found.to_numpy(dtype=np.float64, na_value=np.nan))


def first_no_number(column: pd.Series[Any]) -> str:
    """Say which cell of a column is the first without a finite number, and what to write; empty where all have one.

    Examples
    --------
    >>> import pandas as pd
    >>> first_no_number(pd.Series([1, None], name="demand"))
    "column 'demand', row 2: is blank; write a number"
    >>> first_no_number(pd.Series(["two"], name="demand"))
    "column 'demand', row 1: must be a finite number, not the text 'two'"
    """
    wrong = np.flatnonzero(~np.isfinite(coerced_numbers(column)))
    if not wrong.size:
        return ""
    row = int(wrong[0])
    blank = bool(column.isna().iloc[row])
    given = describe_value(column.iloc[row])
    told = "is blank; write a number" if blank else f"must be a finite number, not {given}"
    return f"column {column.name!r}, row {row + 1:,}: {told}"


def too_large(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which numbers are finite and larger than any that a problem may have."""
    found: NDArray[np.bool_] = np.isfinite(values) & (np.abs(values) > LARGEST)
    return found


def _plain(value: object) -> object:
    """Return a number of numpy as one of Python, which code writes as people do."""
    return value.item() if isinstance(value, np.generic) else value


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _unknown_word(given: object, context: Mapping[str, Any]) -> str:
    # pydantic hands the words over as text: "'a', 'b' or 'c'"
    words = ast.literal_eval("[" + str(context["expected"]).replace(" or ", ", ") + "]")
    if isinstance(given, str) and all(isinstance(word, str) for word in words):
        return f"unknown word {given!r}; {nearest(given, map(str, words))}"
    return f"must be one of {', '.join(map(_toml, words))}, not {describe_value(given)}"


def _known_keys(model: type[BaseModel], place: Iterable[Any]) -> list[str]:
    """Walk from the outer model to the one that `place` leads to and return its keys."""
    current: Any = model
    for part in place:
        if isinstance(part, str) and part in current.model_fields:
            current = _inner_model(current.model_fields[part].annotation) or current
    return [field.alias or name for name, field in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """Find the model inside ``Model | None``, ``list[Model]`` or ``dict[str, Model]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner_model(inner) for inner in getattr(annotation, "__args__", ()))
    return next((inner for inner in found if inner is not None), None)


Columns: TypeAlias = Mapping[str, Mapping[str, str]]
"""Of a scenario file, table to the columns that its fields are called by there."""
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
    >>> str(form), form.in_file({})
    ("form=TextFormat(decimal=',')", 'form = { decimal = "," }')
    """

    name: str
    value: Any
    call: str = ""

    def __str__(self) -> str:
        if self.call:
            return f"{self.name}={self.call}({', '.join(f'{key}={value!r}' for key, value in self.value.items())})"
        return f"{self.name}={self.value!r}"

    def in_file(self, columns: Columns) -> str:
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
    >>> print(renaming.in_file({}))
    columns = { capacity = "kg" } under [problem.vans] and units = { kg = "kg" } under its table
    """

    table: str
    fields: Mapping[str, str]
    units: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        renamed = f"{self.table}.rename(columns={dict(self.fields)})"
        return f"ko.with_units({renamed}, {dict(self.units)})" if self.units else renamed

    def in_file(self, columns: Columns) -> str:
        """Return what a scenario file says, where other columns may already fill fields."""
        own = columns.get(self.table, {})
        filled = {name: own.get(column, column) for column, name in self.fields.items()}
        written = f"columns = {toml_value(filled)} under [problem.{self.table}]"
        if not self.units:
            return written
        units = {filled.get(name, name): unit for name, unit in self.units.items()}
        return f"{written} and units = {toml_value(units)} under its table"


Message: TypeAlias = str | Sequence[str | Setting | Renaming]
"""A sentence, or its parts with what to write among them."""


def said(message: Message, columns: Columns | None = None) -> str:
    """Return a message in the words of Python, or in those of a scenario file, where `columns` are those it maps.

    Examples
    --------
    >>> advice = ("write ", Setting("planning", {"state.quantity": 20}))
    >>> said(advice), said(advice, {})
    ("write planning={'state.quantity': 20}", 'write planning = { "state.quantity" = 20 }')
    """
    parts = (message,) if isinstance(message, str) else message
    return "".join(
        str(part) if columns is None or isinstance(part, str) else part.in_file(columns) for part in parts
    )


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
        begins_with_names = bool(self.names) and not self.field and not self.column
        return f"{self.table}{'' if begins_with_names else ':'} {self.sentence()}"

    def sentence(self, columns: Columns | None = None) -> str:
        """Return the message without the name of the table; as :func:`said` does."""
        what, advice = said(self.what, columns), said(self.advice, columns)
        column = (columns or {}).get(self.table, {}).get(self.field, self.column)
        names = list_names(self.names)
        if self.column and self.rows:
            word, shown = "rows" if len(self.rows) > 1 else "row", [str(row + 1) for row in self.rows]
            called = f" ({names})" if names else ""
            place = f"column {column!r}, {word} {list_names(shown, quoted=False)}{called}: "
        elif self.column:
            place = f"column {column!r} "
        else:
            place = " of ".join(filter(None, (self.field, names)))
            place += ": " if place else ""
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
