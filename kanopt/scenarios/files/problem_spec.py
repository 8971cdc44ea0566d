"""``[problem]``: the call of the class of a problem, written as a section.

Keys are the arguments of the class (:class:`~kanopt.plans.RoutingProblem` and so on) with its defaults and rules: a
table of records is a part, a law is named, a dataclass such as the units is a table of its fields. So an argument that
a class gets is a key of files without another word. What the class does not say, such as what laws may read of which
table, each kind declares below.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias, get_type_hints

import pandas as pd
from pandas.api.types import is_numeric_dtype
from pydantic import BeforeValidator, Field, create_model, model_validator

from kanopt.decisions import Constraint
from kanopt.decisions.entities import DECISIONS, ITEMS
from kanopt.errors import KanoptError, ProblemError
from kanopt.faults import Fault, describe_value
from kanopt.formulas import BoundFormula, Formula, parse_formula
from kanopt.formulas.variables import Reference
from kanopt.plans.base import Plan, Problem
from kanopt.plans.law_use import UNBOUND, read_day
from kanopt.records.declaration import Table, Unit
from kanopt.records.fields import Field as DeclaredField
from kanopt.routing import RoadNetwork
from kanopt.scenarios.files.layers import (
    FileModel,
    Key,
    LawUse,
    Mistake,
    Name,
    as_written,
    class_called,
    default_of,
    split_messages,
)
from kanopt.tables import units_of, with_units
from kanopt.tables.report import renamed


def _reference_or_value(value: Any) -> Any:
    """Read ``"scope.field"`` as a reference; a number, or a text without a dot, is a value held constant."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(
            f'must be what the problem knows, such as "arc.distance", or a number, not {describe_value(value)}'
        )
    if not isinstance(value, str) or "." not in value:
        return value
    return Reference.parse(value)


def _bindings(value: Any) -> Any:
    """Let ``[problem.bind.law]`` hold bindings for one law, beside those for all."""
    if isinstance(value, dict):
        return {name: _reference_or_value(inner) for name, inner in value.items()}
    return _reference_or_value(value)


def _day(value: Any) -> Any:
    """Read a date of TOML, or a text such as ``"2026-03-02"``."""
    try:
        return read_day(value)
    except ProblemError as error:
        raise ValueError(str(error).removeprefix("day: ")) from error


Binding: TypeAlias = Annotated[Any, BeforeValidator(_bindings)]
Day: TypeAlias = Annotated[date | None, BeforeValidator(_day)]


class PartSpec(FileModel):
    """A table a problem reads, and which of its columns are which fields."""

    table: Name
    columns: dict[str, Name] = Field(default_factory=dict)

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with its columns named as the problem names its fields, units kept."""
        own = {column: name for name, column in self.columns.items()}
        return renamed(frame[[name for name in frame if name in own or name not in self.columns]], own)


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
        known = {item.name: item for item in schema.fields} if schema else {}
        return known.get(name, DeclaredField(name))

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
        inside = isinstance(own := self.bind.get(law), dict) and name in own
        return ("problem", "bind", *([law] if inside else []), name)

    def mistakes_of(self, error: KanoptError) -> list[Mistake]:
        """Return each mistake of an error that building the problem raised, under its key."""
        if isinstance(error, ProblemError) and error.faults:
            return self.keyed(fault for fault in error.faults if isinstance(fault, Fault))
        place = self._place_of_law(*_law_of(error))
        return [Mistake(("problem", *place), line) for line in split_messages(error)]

    def keyed(self, faults: Iterable[Fault]) -> list[Mistake]:
        """Return mistakes in the words of the file, each under the key of its table, its law or its binding."""
        columns = {name: part.columns for name, part in self.parts().items()}
        found = []
        for fault in faults:
            place, message = self._place_of(fault), fault.sentence(columns)
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
        declared = (item.name for table in cls.tables(None) if table.name == part for item in table.fields)
        return frozenset((*declared, *cls.other_columns.get(part, ())))

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the names under which something is read of a part: its fields, and what laws are bound to."""
        given = [each.values() if isinstance(each, dict) else [each] for each in self.bind.values()]
        read = [value for values in given for value in values if isinstance(value, Reference)]
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
    typed = [(item.name, hints[item.name]) for item in taken]
    classes: dict[str, Any] = {name: hint for name, hint in typed if dataclasses.is_dataclass(hint)}
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


# The kinds: what the class of each does not say by itself.


@cache
def kinds() -> Mapping[str, type[ProblemSpec]]:
    """Return the kinds of problems, by the word a file uses."""
    every = (RoutingSpec, SchedulingSpec, SupplySpec, DecisionSpec)
    return {kind.class_name.removesuffix("Problem").lower(): of_class(kind) for kind in every}


class MatrixSpec(PartSpec):
    """``[problem.distances]`` and ``[problem.durations]``: a table of pairs, or a square one with names.

    The columns of a square table are places, so that one unit is said for all of them.
    """

    unit: Unit | None = None

    def read(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the frame with its columns named, and its unit declared."""
        read = super().read(frame)
        if self.unit is None:
            return read
        numbers = [column for column in read.columns if is_numeric_dtype(read[column])]
        return with_units(read, {**dict.fromkeys(numbers, self.unit), **units_of(read)})


class RoutingSpec(ProblemSpec):
    """``kind = "routing"``: vehicles from depots to clients.

    With ``links``, vehicles drive along a road network and the law of ``duration`` is the time of a link; a
    point lies at the node of its column ``node``, else of its own name.
    """

    class_name: ClassVar = "RoutingProblem"
    entity_columns: ClassVar = ("client",)
    assignment_columns: ClassVar = ("vehicle", "index")
    moved_words: ClassVar = ("client changes its vehicle", "clients change their vehicle")
    unwritten: ClassVar = frozenset(("distance",))
    law_tables: ClassVar = ("cost",)
    other_columns: ClassVar = {
        "depots": ("node",),
        "clients": ("node",),
        "links": ("tail", "head", "length"),
        "nodes": ("name", "x", "y", "lat", "lon"),
        "distances": ("from", "to", "distance"),
        "durations": ("from", "to", "duration"),
        "started": ("vehicle", "index", "depot", "stop", "client", "departure", "locked"),
    }

    if TYPE_CHECKING:
        policy: Any

    links: PartSpec | None = None
    nodes: PartSpec | None = None
    cost: dict[str, Name] = Field(default_factory=dict)
    duration: LawUse | None = None
    distances: MatrixSpec | None = None
    durations: MatrixSpec | None = None
    started: PartSpec | None = None

    def gaps(self) -> Iterator[tuple[Key, str]]:
        """Yield what is missing, and that the time of a way is said twice or not at all."""
        yield from super().gaps()
        if (self.duration is None) == (self.durations is None):
            yield (), 'write duration = { law = "…" }, or durations = { table = "…" } with a row per pair'
        elif self.links is not None and self.duration is None:
            yield (), "links need the law of the time that a link takes: duration = { law = … }"

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the names under which something is read of a part; what is a capacity is read of two."""
        return super().readable_names(part) | frozenset(self.policy.capacities)

    def arguments(self, inputs: ProblemInputs) -> dict[str, Any]:
        """Return what the problem is made of; roads and matrices stand in for durations and distances."""
        given, units = super().arguments(inputs), self.counted()
        matrices = {"duration": self.durations, "distance": self.distances}
        given |= {name: inputs.part(part) for name, part in matrices.items() if part is not None}
        if self.links is not None:
            roads = {"links": inputs.part(self.links), "nodes": self.nodes and inputs.part(self.nodes)}
            law = given["duration"]
            given["duration"] = RoadNetwork(**roads, law=law, distance=units.distance, time=units.time)
        return given


class SchedulingSpec(ProblemSpec):
    """``kind = "scheduling"``: tasks of jobs on machines; without a law, modes state durations and energy."""

    class_name: ClassVar = "SchedulingProblem"
    entity_columns: ClassVar = ("task",)
    assignment_columns: ClassVar = ("machine", "mode")
    moved_words: ClassVar = ("task changes its machine", "tasks change their machine")

    if TYPE_CHECKING:
        duration: LawUse | None


class DemandSpec(PartSpec):
    """``[problem.demand]``: a law of market, product and period, or a table of these, ``demand`` and ``demand_sd``."""

    table: Name = ""
    law: Name = ""

    @model_validator(mode="after")
    def _one_source(self) -> DemandSpec:
        if bool(self.law) == bool(self.table):
            raise ValueError('write law = "…" or table = "…"')
        if self.law and self.columns:
            raise ValueError("columns belong to a table, not to a law")
        return self


class SupplySpec(ProblemSpec):
    """``kind = "supply"``: suppliers, sites and markets, joined by lanes."""

    class_name: ClassVar = "SupplyProblem"
    entity_columns: ClassVar = ("head", "product")
    assignment_columns: ClassVar = ("tail", "mode")
    moved_words: ClassVar = ("delivery changes its origin", "deliveries change their origin")
    required: ClassVar = ("demand",)
    other_columns: ClassVar = {"demand": ("market", "product", "period", "demand", "demand_sd")}

    demand: DemandSpec | None = None


class LimitSpec(FileModel):
    """``[problem.limits.x]``: a law that must stay between two numbers, in its own unit."""

    law: Name
    at_most: float | None = None
    at_least: float | None = None
    equal_to: float | None = None
    each: bool = False

    @model_validator(mode="after")
    def _one_limit(self) -> LimitSpec:
        ends = (self.at_most, self.at_least)
        if (self.equal_to is None) == (ends == (None, None)):
            raise ValueError("write at_most = 5, at_least = 2, both of them, or equal_to = 3")
        return self

    def constraint(self, name: str, law: BoundFormula) -> Constraint:
        """Return the constraint on a law."""
        least, most = (self.at_least, self.at_most) if self.equal_to is None else (self.equal_to,) * 2
        low, high = -math.inf if least is None else least, math.inf if most is None else most
        return Constraint(law, low, high, name, self.each)


class DecisionSpec(ProblemSpec):
    """``kind = "decision"``: numbers to choose so that laws are smallest or largest, under limits that are laws."""

    class_name: ClassVar = "DecisionProblem"
    entity_columns: ClassVar = ("decision",)
    assignment_columns: ClassVar = ("value",)
    unwritten: ClassVar = frozenset(("objective", "constraints", "fixed"))
    law_tables: ClassVar = ("minimise", "maximise")

    if TYPE_CHECKING:
        unit: str

    minimise: dict[str, Name] = Field(default_factory=dict)
    maximise: dict[str, Name] = Field(default_factory=dict)
    limits: dict[str, LimitSpec] = Field(default_factory=dict)

    def gaps(self) -> Iterator[tuple[Key, str]]:
        """Yield what is missing, and that nothing, or one thing in two ways, is to be smallest."""
        yield from super().gaps()
        if not self.minimise and not self.maximise:
            told = 'write minimise.costs = "law" or maximise.sales = "law"'
            yield (), f"nothing is to be smallest or largest; {told}"
        elif both := next((term for term in self.minimise if term in self.maximise), None):
            yield (), f"{both!r} stands under minimise and maximise; keep one of them"

    @classmethod
    def tables(cls, units: Any) -> tuple[Table, ...]:
        """Return the tables that become records; they count in what they say."""
        return DECISIONS, ITEMS

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the fields, and what laws read of items; what they read of decisions is the name of a row."""
        return self.fields_of(part) if part == "decisions" else super().readable_names(part)

    def arguments(self, inputs: ProblemInputs) -> dict[str, Any]:
        """Return what the problem is made of; what is to be largest is counted as a negative cost."""
        objective = {term: inputs.law(law) for term, law in self.minimise.items()}
        objective |= {term: _negative(inputs.law(law)) for term, law in self.maximise.items()}
        limits = [limit.constraint(name, inputs.law(limit.law)) for name, limit in self.limits.items()]
        return {**super().arguments(inputs), "objective": objective, "constraints": limits}


def _negative(law: BoundFormula) -> BoundFormula:
    """Return a law with the other sign; where it is known, and how well, stays with it."""
    formula, name = law.formula, law.formula.output.name
    inputs = {} if formula.used else {each.name: each for each in formula.inputs}
    turned = parse_formula(f"-`{name}`", list(inputs.values()), formula.output, {name: formula}, formula.per)
    return BoundFormula(turned, {each.name: law.bindings[each.name] for each in turned.inputs})


def __getattr__(name: str) -> type[ProblemSpec]:
    """Return the model of a kind with its keys, so that sections reach worker processes."""
    if found := [model for model in kinds().values() if model.__name__ == name]:
        return found[0]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
