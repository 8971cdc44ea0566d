"""The rules of fields, as pydantic checks them: of rows of a table, and of single objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Annotated, Any, TypeAlias

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError, create_model
from pydantic_core import PydanticKnownError

from kanopt.errors import ProblemError, UnitError
from kanopt.faults import Fault
from kanopt.records.declaration import Field, declared_fields
from kanopt.units import check_unit, same_dimension
from kanopt.validation import Invalid, invalid_values, is_whole

__all__ = ["TimeUnit", "Unit", "check_fields", "field_faults", "invalid_rows", "row_of"]


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
    rules: dict[str, Any] = {
        item.name: (_of_whole_texts(item), ... if item.required else None) for item in declared_fields(kind)
    }
    made: type[BaseModel] = create_model(kind.__name__, __config__=ConfigDict(strict=True), **rules)
    return made


def _of_whole_texts(item: Field) -> Any:
    return Annotated[item.rules, AfterValidator(_whole_texts)] if item.is_text else item.rules


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
    """Return the fields of a record, numbers of numpy as plain ones."""
    kind: type = type(record)
    row = {item.name: getattr(record, item.name) for item in declared_fields(kind)}
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}


def field_faults(record: Any, where: str) -> list[Fault]:
    """Return what is wrong with the fields of one object."""
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
