"""``[problem]``: the call of the class of a problem, written as a section.

Keys are the arguments of the class (:class:`~kanopt.plans.RoutingProblem` and so on) with its defaults and rules: a
table of records is a part, a law is named, a dataclass such as the units is a table of its fields. So an argument that
a class gets is a key of files without another word. What the class does not say, such as what laws may read of which
table, each kind declares in :mod:`kanopt.scenarios.files.kinds`.
"""

from __future__ import annotations

import collections.abc
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import date
from functools import cache, reduce
from importlib import import_module
from operator import or_
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    ClassVar,
    Literal,
    TypeAlias,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BeforeValidator, Field, create_model

from kanopt.errors import KanoptError, ProblemError
from kanopt.faults import Fault, describe_value
from kanopt.formulas.variables import Reference
from kanopt.plans.law_use import UNBOUND
from kanopt.records.fields import Field as DeclaredField
from kanopt.scenarios.files.layers import FileModel, Key, Mistake, split_messages

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import BoundFormula, Formula
    from kanopt.plans.base import Plan, Problem
    from kanopt.records.declaration import Table


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
    from kanopt.plans.law_use import read_day

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


_HOMES = ("routing", "scheduling", "supply", "decisions", "tables")
"""Packages of the classes whose arguments are keys."""


def class_called(name: str) -> Any:
    """Return a class of a kind of problem, which takes a moment to be imported; None where there is none so called."""
    homes = (import_module(f"kanopt.{kind}") for kind in _HOMES)
    return next((getattr(home, name) for home in homes if hasattr(home, name)), None)


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
        return model_of(cast("type", hint))
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
    return hint in (str, int, float, bool, type(None)) or get_origin(hint) in (Annotated, Literal, tuple)


@cache
def model_of(kind: type) -> type[FileModel]:
    """Return the fields of a dataclass as a table of a file."""
    hints = get_type_hints(kind, include_extras=True)
    keys: dict[str, Any] = {}
    for item in dataclasses.fields(kind):
        hint = as_written(hints[item.name])
        keys[item.name] = (hint, default_of(item, hint))
    return create_model(kind.__name__, __base__=FileModel, __module__=__name__, **keys)


@dataclass(frozen=True)
class ProblemInputs:
    """What a problem is built from: the tables with all changes made, and the laws.

    Parameters
    ----------
    tables
        Name to frame.
    laws
        Name to formula.
    problem
        The section of the scenario file.
    """

    tables: Mapping[str, pd.DataFrame]
    laws: Mapping[str, Formula]
    problem: ProblemSpec

    def part(self, part: PartSpec) -> Any:
        """Return the frame of a part, columns named as fields."""
        return part.read(self.tables[part.table])

    def law(self, name: str) -> BoundFormula:
        """Return a law with its inputs bound; the problem tells of those that the file does not bind."""
        formula, given = self.laws[name], self.problem.bindings_of(name)
        words = [variable.name for variable in formula.inputs]
        return formula.bind(**{word: given.get(word, Reference(UNBOUND, word)) for word in words})

    def argument(self, given: Any, kind: type | None = None) -> Any:
        """Return what a key says as an argument; `kind` is the dataclass that a table of keys becomes."""
        if isinstance(given, (LawUse, PartSpec)) and (law := getattr(given, "law", "")):
            return self.law(law)
        if isinstance(given, PartSpec):
            return self.part(given)
        if isinstance(given, FileModel) and kind is not None:
            return kind(**{name: self.argument(value) for name, value in given})
        return given


class ProblemSpec(FileModel):
    """What every kind of problem has in common.

    No key is required by the model, so that a section with mistakes is read as far as it goes: :meth:`gaps` names what
    must stand there. `entity_columns` and `assignment_columns` are columns of ``Plan.to_frame``: what is decided about,
    and where it is put; two plans are compared by them, and `moved_words` say what differs.
    """

    entity_columns: ClassVar[tuple[str, ...]] = ()
    assignment_columns: ClassVar[tuple[str, ...]] = ()
    moved_words: ClassVar[tuple[str, str]] = ("decision differs", "decisions differ")
    alike_columns: ClassVar[tuple[str, str] | None] = None
    """The columns of plans that say of which type something is and its number, where those of one type are alike."""

    counts_work: ClassVar[bool] = True
    """Whether its solvers can be limited by work that is counted in place of seconds."""

    class_name: ClassVar[str] = ""
    """The class of :mod:`kanopt.plans` that the section calls."""

    unwritten: ClassVar[frozenset[str]] = frozenset()
    """Its arguments that are no keys, because others say what they hold."""

    law_tables: ClassVar[tuple[str, ...]] = ()
    """The keys that hold a law for each of some names."""

    other_columns: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """What is read of parts besides the fields of records."""

    required: ClassVar[tuple[str, ...]] = ()
    """The keys that must be there, found by :func:`of_class`."""

    classes: ClassVar[Mapping[str, type]] = {}
    """The dataclasses that tables of keys become, found by :func:`of_class`."""

    kind: str
    day: Day = None
    bind: dict[str, Binding] = Field(default_factory=dict)
    today: PartSpec | None = None

    def gaps(self) -> Iterator[tuple[Key, str]]:
        """Yield the keys that are missing, and what contradicts itself, with what to write."""
        yield from (((name,), "is missing") for name in self.required if getattr(self, name) is None)

    def parts(self) -> dict[str, PartSpec]:
        """Return the tables the problem reads, by their key below ``problem``; not that of today's plan."""
        given = {name: value for name, value in self if isinstance(value, PartSpec)}
        return {name: part for name, part in given.items() if part.table and name != "today"}

    def parts_of(self, table: str) -> dict[str, PartSpec]:
        """Return the parts that read a table of the scenario, by their key."""
        return {name: part for name, part in self.parts().items() if part.table == table}

    def fields_in(self, table: str) -> dict[str, tuple[DeclaredField, str]]:
        """Return the fields of records that columns of a table fill, by column, each with its unit in the problem."""
        schemas = self.schemas()
        return {
            part.columns.get(item.name, item.name): (item, schemas[name].units.get(item.name, ""))
            for name, part in self.parts_of(table).items()
            if name in schemas
            for item in schemas[name].fields
        }

    def table_field(self, part: str, name: str) -> DeclaredField:
        """Return a field of a part with its unit and type; a name that laws read is a number without a unit."""
        schema = self.schemas().get(part)
        declared = () if schema is None else schema.fields
        return next((item for item in declared if item.name == name), DeclaredField(name))

    def law_uses(self) -> dict[Key, str]:
        """Return the laws the problem reads, by the key below ``problem`` that names them."""
        return dict(_laws_below(dict(self), (), self.law_tables))

    def bindings_of(self, law: str) -> dict[str, Any]:
        """Return what the inputs of a law are bound to, its own bindings before those for all."""
        own = self.bind.get(law)
        shared = {name: value for name, value in self.bind.items() if not isinstance(value, dict)}
        return {**shared, **(own if isinstance(own, dict) else {})}

    def binding_key(self, law: str, name: str) -> Key:
        """Return the key at which an input of a law is bound."""
        own = self.bind.get(law)
        inside = isinstance(own, dict) and name in own
        return ("problem", "bind", law, name) if inside else ("problem", "bind", name)

    def mistakes_of(self, error: KanoptError) -> list[Mistake]:
        """Return each mistake of an error that building the problem raised, under its key."""
        if isinstance(error, ProblemError) and error.faults:
            return self.keyed(fault for fault in error.faults if isinstance(fault, Fault))
        if place := self._place_of_law(*_law_of(error)):
            return [Mistake(("problem", *place), line) for line in split_messages(error)]
        return [Mistake(("problem",), line) for line in split_messages(error)]

    def keyed(self, faults: Iterable[Fault]) -> list[Mistake]:
        """Return mistakes in the words of the file, each under the key of its table, its law or its binding."""
        columns = {name: part.columns for name, part in self.parts().items()}
        found = []
        for fault in faults:
            place, message = self._place_of(fault), fault.sentence(in_file=True, columns=columns)
            if not place and fault.table != "problem":
                message = f"{fault.table}: {message}"
            found.append(Mistake(("problem", *place), message))
        return found

    def _place_of(self, fault: Fault) -> Key:
        """Return the key below the problem that a mistake is about; empty where it is about all of it."""
        if fault.reference.startswith(f"{UNBOUND}."):
            return ("bind",)
        if place := self._place_of_law("", fault.reference):
            return place
        if fault.table not in type(self).model_fields:
            return ()
        part = self.parts().get(fault.table)
        mapped = part is not None and fault.field in part.columns
        return (fault.table, "columns", fault.field) if mapped else (fault.table,)

    def _place_of_law(self, law: str, reference: str) -> Key:
        """Return the key below the problem at which a reference is bound, else at which a law is named."""
        for word, value in self.bind.items() if reference else ():
            for inner, given in (value if isinstance(value, dict) else {"": value}).items():
                if str(given) == reference:
                    return ("bind", *filter(None, (word, inner)))
        return next((key for key, name in self.law_uses().items() if law and name == law), ())

    def counted(self) -> Any:
        """Return what the problem counts in; None where every column says it."""
        given = getattr(self, "units", ())
        return self.classes["units"](**dict(given)) if given else None

    @classmethod
    def tables(cls, units: Any) -> tuple[Table, ...]:
        """Return the tables that become records, counted in some units; None for those that are usual."""
        found: tuple[Table, ...] = (cls.classes["units"]() if units is None else units).tables()
        return found

    def schemas(self) -> Mapping[str, Table]:
        """Return the tables that become records, by part."""
        return {table.name: table for table in self.tables(self.counted())}

    @classmethod
    @cache
    def fields_of(cls, part: str) -> frozenset[str]:
        """Return the fields that columns of a part may fill; empty where any column is as good as another."""
        table = next((each for each in cls.tables(None) if each.name == part), None)
        declared = () if table is None else table.fields
        return frozenset(item.name for item in declared) | {*cls.other_columns.get(part, ())}

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the names under which something is read of a part: its fields, and what laws are bound to."""
        every = [
            each
            for given in self.bind.values()
            for each in (given.values() if isinstance(given, dict) else [given])
        ]
        read = [value for value in every if isinstance(value, Reference)]
        return self.fields_of(part) | {value.end[1] if value.end else value.field for value in read}

    def arguments(self, inputs: ProblemInputs) -> dict[str, Any]:
        """Return what the class of the problem is called with; what is left out has its default.

        Raises
        ------
        ProblemError, FormulaError, UnitError
            If the data contradict each other.
        """
        named = {item.name for item in dataclasses.fields(class_called(self.class_name)) if item.init}
        found = {}
        for name, given in self:
            if name in named and name in self.law_tables:
                found[name] = {term: inputs.law(law) for term, law in given.items()}
            elif name in named and given is not None:
                found[name] = inputs.argument(given, self.classes.get(name))
        return found

    def build(self, inputs: ProblemInputs) -> Problem[Any]:
        """Build the problem.

        Raises
        ------
        ProblemError, FormulaError, UnitError
            If the data contradict each other.
        """
        built: Problem[Any] = class_called(self.class_name)(**self.arguments(inputs))
        return built

    def read_today(self, problem: Problem[Any], inputs: ProblemInputs) -> Plan | None:
        """Read today's plan, if the file names one.

        Raises
        ------
        ProblemError
            If it names things the problem does not know.
        """
        return None if self.today is None else problem.plan_from(inputs.part(self.today))


def _law_of(error: BaseException | None) -> tuple[str, str]:
    """Return the law and what it is bound to that an error, or what it comes from, is about; empty for none."""
    while isinstance(error, KanoptError):
        if error.law:
            return error.law, error.reference
        error = error.__cause__
    return "", ""


def _laws_below(found: Mapping[str, Any], key: Key, law_tables: Sequence[str]) -> Iterator[tuple[Key, str]]:
    """Yield the laws that stand under keys called ``law``, and in tables of laws."""
    for name, value in found.items():
        if name == "law" and value:
            yield (*key, name), value
        elif name in law_tables:
            yield from (((*key, name, term), law) for term, law in value.items())
        elif isinstance(value, FileModel) or (isinstance(value, Mapping) and name != "bind"):
            yield from _laws_below(dict(value), (*key, name), ())


@cache
def of_class(kind: type[ProblemSpec]) -> type[ProblemSpec]:
    """Return the model of a kind with the keys that are arguments of its class."""
    called = class_called(kind.class_name)
    hints = get_type_hints(called, include_extras=True)
    taken = [item for item in dataclasses.fields(called) if item.init]
    classes: dict[str, Any] = {
        item.name: hint for item in taken if dataclasses.is_dataclass(hint := hints[item.name])
    }
    tables = {table.name for table in kind.tables(classes["units"]() if "units" in classes else None)}
    keys: dict[str, Any] = {}
    required = []
    for item in taken:
        if item.name in {*kind.model_fields, *kind.unwritten}:
            continue
        is_part = item.name in tables
        hint = PartSpec if is_part else as_written(hints[item.name])
        if item.default is MISSING and item.default_factory is MISSING:
            required.append(item.name)
        left_out = is_part or item.name in required
        keys[item.name] = (hint | None, None) if left_out else (hint, default_of(item, hint))
    # a worker looks the model up by its name, in the module of its kind
    name = f"{kind.__name__}OfFile"
    made = create_model(name, __base__=kind, __doc__=kind.__doc__, __module__=kind.__module__, **keys)
    made.required = (*kind.required, *required)
    made.classes = {**kind.classes, **classes}
    return made


def __getattr__(name: str) -> type[FileModel]:
    """Return the model of a class that problems are made of, so that sections reach worker processes."""
    if not name.startswith("_") and dataclasses.is_dataclass(kind := class_called(name)):
        return model_of(cast("type", kind))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
