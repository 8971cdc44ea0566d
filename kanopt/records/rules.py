"""The rules that records state for their fields, as pydantic checks them.

A record states the rule of a field beside its type, as ``demand: Amount = 0.0`` (:mod:`kanopt.validation`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from types import UnionType
from typing import Annotated, Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticKnownError

from kanopt.errors import ProblemError, UnitError
from kanopt.records.clock_times import CLOCK
from kanopt.units import check_unit, same_dimension
from kanopt.validation import MAY_BE_BLANK, Fault, faults, is_whole

__all__ = [
    "PlainField",
    "TimeUnit",
    "Unit",
    "check_fields",
    "field_mistakes",
    "plain_fields",
    "row_faults",
    "row_of",
]


def _time_unit(unit: str) -> str:
    if not same_dimension(check_unit(unit), "min"):
        raise UnitError(f"{unit!r} does not measure time; give one such as 'min' or 'h'")
    return unit


Unit: TypeAlias = Annotated[str, AfterValidator(check_unit)]
"""A unit that is known."""
TimeUnit: TypeAlias = Annotated[str, AfterValidator(_time_unit)]
"""A unit of time."""


@dataclass(frozen=True)
class PlainField:
    """A field that a column can fill.

    Parameters
    ----------
    name
        Its name.
    type
        ``str``, ``int``, ``float`` or ``bool``.
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
    """

    name: str
    type: type
    rules: Any
    required: bool
    optional: bool
    may_be_blank: bool
    default: Any = None
    clock: bool = False


@cache
def plain_fields(kind: type) -> tuple[PlainField, ...]:
    """Return the fields that a column can fill."""
    plain, ruled = get_type_hints(kind), get_type_hints(kind, include_extras=True)
    found = []
    for item in fields(kind):
        hint = plain[item.name]
        options = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
        types = {str if get_origin(one) is Literal else one for one in options} - {type(None)}
        if len(types) == 1 and types <= {str, int, float, bool}:
            rules, optional = ruled[item.name], type(None) in options
            found.append(
                PlainField(
                    item.name,
                    (only := types.pop()),
                    rules,
                    required=item.default is MISSING and item.default_factory is MISSING,
                    optional=optional,
                    may_be_blank=optional or only is str or MAY_BE_BLANK in get_args(rules),
                    default=None if item.default is MISSING else item.default,
                    clock=_is_marked(rules, CLOCK),
                )
            )
    return tuple(found)


def _is_marked(hint: Any, mark: str) -> bool:
    """Say whether a mark stands beside a type, or beside one of those that it may be."""
    return mark in getattr(hint, "__metadata__", ()) or any(_is_marked(one, mark) for one in get_args(hint))


@cache
def _model(kind: type) -> type[BaseModel]:
    """Return the rules of the fields as a model."""
    rules: dict[str, Any] = {
        item.name: (_of_whole_texts(item), ... if item.required else None) for item in plain_fields(kind)
    }
    made: type[BaseModel] = create_model(kind.__name__, __config__=ConfigDict(strict=True), **rules)
    return made


def _of_whole_texts(item: PlainField) -> Any:
    return Annotated[item.rules, AfterValidator(_whole_text)] if item.type is str else item.rules


def _whole_text(text: str | None) -> str | None:
    if text is not None and not is_whole(text):
        raise PydanticKnownError("string_unicode")
    return text


@cache
def _list_adapter(kind: type) -> TypeAdapter[Any]:
    rows: Any = list[_model(kind)]  # type: ignore[misc]
    return TypeAdapter(rows)


def row_faults(kind: type, rows: Sequence[Mapping[str, Any]]) -> list[Fault]:
    """Return what is wrong with rows of values by field; places are the number of the row and the field."""
    try:
        _list_adapter(kind).validate_python(rows)
    except ValidationError as error:
        return faults(error, _model(kind))
    return []


def row_of(record: Any) -> dict[str, Any]:
    """Return the fields of a record, numbers of numpy as plain ones."""
    kind: type = type(record)
    row = {item.name: getattr(record, item.name) for item in plain_fields(kind)}
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}


def field_mistakes(record: Any, where: str) -> list[str]:
    """Return what is wrong with the fields of one object."""
    return [
        f"{where}: {fault.place[1]}: {fault.message}" for fault in row_faults(type(record), [row_of(record)])
    ]


def check_fields(record: Any, where: str) -> None:
    """Validate the fields of one object.

    Raises
    ------
    ProblemError
        With every field that is wrong.
    """
    mistakes = field_mistakes(record, where)
    if mistakes:
        raise ProblemError("\n".join(mistakes))
