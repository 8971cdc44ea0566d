"""Arguments of the class of a problem as keys of a file: what a file writes for a table, a law, units and numbers."""

from __future__ import annotations

import collections.abc
import dataclasses
from dataclasses import MISSING
from datetime import date
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BeforeValidator, Field, create_model

from kanopt.validation import describe_value
from kanopt.whatif.scenario_files.layers import FileModel

if TYPE_CHECKING:
    import pandas as pd


def _reference_or_value(value: Any) -> Any:
    """Read ``"scope.field"`` as a reference; a number, or a text without a dot, is a value held constant."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(
            f'must be what the problem knows, such as "arc.distance", or a number, not {describe_value(value)}'
        )
    if not isinstance(value, str) or "." not in value:
        return value
    from kanopt.errors import FormulaError
    from kanopt.formulas import Reference

    try:
        return Reference.parse(value)
    except FormulaError as error:
        raise ValueError(str(error)) from error


def _bindings(value: Any) -> Any:
    """Let ``[problem.bind.law]`` hold bindings for one law, beside those for all."""
    if isinstance(value, dict):
        return {name: _reference_or_value(inner) for name, inner in value.items()}
    return _reference_or_value(value)


def _day(value: Any) -> Any:
    """Read a date of TOML, or a text such as ``"2026-03-02"``."""
    from kanopt.errors import ProblemError
    from kanopt.problems.plan_day import read_day

    try:
        return read_day(value)
    except ProblemError as error:
        raise ValueError(str(error).removeprefix("day: ")) from error


Binding: TypeAlias = Annotated[Any, BeforeValidator(_bindings)]
Day: TypeAlias = Annotated[date | None, BeforeValidator(_day)]
Name: TypeAlias = Annotated[str, Field(min_length=1)]


class PartSpec(FileModel):
    """A table a problem reads, and which of its columns are which fields."""

    table: Name
    columns: dict[str, Name] = Field(default_factory=dict)

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with its columns named as the problem names its fields, units kept."""
        from kanopt.tables.report import renamed

        own = {column: name for name, column in self.columns.items()}
        kept = [column for column in frame.columns if column in own or column not in self.columns]
        return renamed(frame[kept], own)


class LawUse(FileModel):
    """A law where a problem wants one."""

    law: Name


def class_called(name: str) -> Any:
    """Return a class of :mod:`kanopt.problems`, which takes a moment to be imported."""
    from kanopt import problems

    return getattr(problems, name)


def default_of(item: dataclasses.Field[Any], hint: Any) -> Any:
    """Return the default of an argument as a key has it."""
    if isinstance(hint, type) and issubclass(hint, FileModel):
        return Field(default_factory=hint)
    factory = item.default_factory
    return item.default if factory is MISSING else Field(default_factory=factory)


def as_written(hint: Any) -> Any:
    """Return a type of an argument as a file holds it: lists for sequences, the name of a law for a law."""
    origin, inner = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return _model_of(cast("type", hint))
    if origin is Annotated:
        rules: Any = (as_written(inner[0]), *inner[1:])
        return Annotated[rules]
    if origin in (Union, UnionType):
        from kanopt.formulas import BoundFormula

        if BoundFormula in inner:
            return LawUse | None if type(None) in inner else LawUse
        return reduce(or_, [as_written(one) for one in inner if _is_plain(one)])
    if origin is collections.abc.Sequence:
        return list[as_written(inner[0])]  # type: ignore[misc]
    if origin is collections.abc.Mapping:
        return dict[inner[0], as_written(inner[1])]  # type: ignore[misc,valid-type]
    if origin is tuple:
        return Annotated[hint, Field(strict=False)]
    return hint


def _is_plain(hint: Any) -> bool:
    """Say whether a file can hold what a type is of."""
    return hint in (str, int, float, bool, type(None)) or get_origin(hint) in (Annotated, Literal)


@cache
def _model_of(kind: type) -> type[FileModel]:
    """Return the fields of a dataclass as a table of a file."""
    hints = get_type_hints(kind, include_extras=True)
    keys: dict[str, Any] = {}
    for item in dataclasses.fields(kind):
        hint = as_written(hints[item.name])
        keys[item.name] = (hint, default_of(item, hint))
    return create_model(kind.__name__, __base__=FileModel, __module__=__name__, **keys)


def __getattr__(name: str) -> type[FileModel]:
    """Return a model of a dataclass of problems, so that tables of its fields reach worker processes."""
    if not name.startswith("_"):
        from kanopt import problems

        if dataclasses.is_dataclass(kind := getattr(problems, name, None)):
            return _model_of(cast("type", kind))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
