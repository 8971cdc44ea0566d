"""The one declaration of what a user may write of a thing: its fields, and all that is known of each.

:func:`record` makes a frozen dataclass of a class and keeps the declaration of its table; :func:`field` says of one
field what it measures, whether it is a price, which other field it needs, what is usual, which table it names, and what
it means. Everything else follows from here: how cells are read and checked, units, hints for misnamed columns, the
columns that the documentation lists, what ``kanopt init`` maps, and which numbers a what-if may move. The rules of the
fields are checked by pydantic, in rows of a table (:func:`invalid_rows`) and in single objects (:func:`check_fields`).
"""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, wraps
from numbers import Real
from typing import Annotated, Any, TypeAlias, TypeVar, dataclass_transform

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticKnownError

from kanopt.errors import ProblemError, UnitError
from kanopt.faults import Fault, Invalid, invalid_values, is_whole
from kanopt.records.fields import Field as Field
from kanopt.records.fields import Table as Table
from kanopt.records.fields import UnitSystem as UnitSystem
from kanopt.records.fields import Usual as Usual
from kanopt.records.fields import declared_fields as declared_fields
from kanopt.records.fields import field as field
from kanopt.records.fields import other_columns as other_columns
from kanopt.records.headers import field_hint, place_elsewhere
from kanopt.units import check_unit, same_dimension

KindT = TypeVar("KindT", bound=type)


class UnknownFieldError(ProblemError, TypeError):
    """An argument of a record that is none of its fields."""


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
        made.__init__ = _telling_of_unknown(made)
        declared: KindT = made
        return declared

    return declare


def _telling_of_unknown(kind: Any) -> Callable[..., None]:
    """Return how a record is made, with a hint where an argument is none of its fields, as of a column."""
    make = kind.__init__

    @wraps(make)
    def made(self: Any, *given: Any, **named: Any) -> None:
        try:
            make(self, *given, **named)
            _make_plain(self)
        except TypeError:
            known = {item.name for item in dataclasses.fields(kind)}
            if unknown := [name for name in named if name not in known]:
                told = [f"{kind.__name__} has no {name!r}; {_hint(kind, name)}" for name in unknown]
                told.append("What a law is to read besides stands in attributes.")
                raise UnknownFieldError("\n".join(told)) from None
            raise

    return made


def _hint(kind: Any, name: str) -> str:
    table = kind.__table__[0]
    fields = [dataclasses.replace(one, unit="") for one in declared_fields(kind)]
    likely = field_hint(table, name, fields)
    if likely.startswith("did you mean"):
        return likely
    return place_elsewhere(table, name, fields, numeric=False) or likely


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


def _time_unit(unit: str) -> str:
    if not same_dimension(check_unit(unit), "min"):
        raise UnitError(f"{unit!r} does not measure time; give one such as 'min' or 'h'")
    return unit


Unit: TypeAlias = Annotated[str, AfterValidator(check_unit)]
"""A unit that is known."""
TimeUnit: TypeAlias = Annotated[str, AfterValidator(_time_unit)]
"""A unit of time."""


@cache
def _model(kind: type) -> type[BaseModel]:
    """Return the rules of the fields as a model."""
    rules: dict[str, Any] = {}
    for item in declared_fields(kind):
        rule = Annotated[item.rules, AfterValidator(_whole_texts)] if item.is_text else item.rules
        rules[item.name] = (rule, ... if item.required else None)
    made: type[BaseModel] = create_model(kind.__name__, __config__=ConfigDict(strict=True), **rules)
    return made


def _whole_texts(given: Any) -> Any:
    texts = given if isinstance(given, tuple) else () if given is None else (given,)
    if not all(map(is_whole, texts)):
        raise PydanticKnownError("string_unicode")
    return given


@cache
def _list_adapter(kind: type) -> TypeAdapter[Any]:
    rows: Any = list[_model(kind)]  # type: ignore[misc]
    return TypeAdapter(rows)


def invalid_rows(kind: type, rows: Sequence[Mapping[str, Any]]) -> list[Invalid]:
    """Return what is wrong with rows of values by field; places are the number of the row and the field."""
    try:
        _list_adapter(kind).validate_python(rows)
    except ValidationError as error:
        return invalid_values(error, _model(kind))
    return []


def row_of(record: Any) -> dict[str, Any]:
    """Return the fields of a record."""
    kind: type = type(record)
    return {item.name: getattr(record, item.name) for item in declared_fields(kind)}


def _make_plain(record: Any) -> None:
    """Make numbers of a record plain ones, whatever type of real number they are: of numpy, decimal, a fraction."""
    kind: type = type(record)
    for item in declared_fields(kind):
        given = getattr(record, item.name)
        if (plain := _plain(given)) is not given:
            object.__setattr__(record, item.name, plain)


def _plain(given: Any) -> Any:
    """Return a number as a plain one; what is none, or too large for one, as it is: the rules of its field tell."""
    if isinstance(given, np.generic):
        return given.item()
    if isinstance(given, (int, float)) or not isinstance(given, (Real, Decimal)):
        return given
    if isinstance(given, Decimal) and given.is_nan():
        return math.nan  # float() takes no signalling one
    try:
        number = float(given)
    except OverflowError:
        return given
    return int(number) if number.is_integer() else number


def field_faults(record: Any, where: str) -> list[Fault]:
    """Return what is wrong with the fields of one object, whose numbers are made plain ones."""
    _make_plain(record)
    wrong = invalid_rows(type(record), [row_of(record)])
    return [Fault(where, each.message, field=str(each.place[1])) for each in wrong]


def check_fields(record: Any, where: str) -> None:
    """Validate the fields of one object.

    Raises
    ------
    ProblemError
        With every field that is wrong.
    """
    if faults := field_faults(record, where):
        raise ProblemError.of(faults)
