"""``[problem]``: what every kind of problem has in common in a scenario file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import BeforeValidator, Field

from kanopt.validation import describe_value
from kanopt.whatif.scenario_files.file_model import FileModel
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import BoundFormula, Formula
    from kanopt.problems.base import Plan, Problem
    from kanopt.records.declaration import Table
    from kanopt.records.reading import RecordCheck, RecordReader
    from kanopt.records.unread_columns import TableUse
    from kanopt.whatif.changes import Change

__all__ = ["Binding", "LawUse", "Name", "PartSpec", "ProblemInputs", "ProblemSpec"]


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


Binding: TypeAlias = Annotated[Any, BeforeValidator(_bindings)]
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

    def part(self, part: PartSpec) -> pd.DataFrame:
        """Return the frame of a part, columns named as fields."""
        return part.read(self.tables[part.table])

    def parts(self, *names: str) -> dict[str, Any]:
        """Return the frames of several parts by name; None for those left out."""
        found = {name: getattr(self.problem, name) for name in names}
        return {name: None if part is None else self.part(part) for name, part in found.items()}

    def law(self, name: str) -> BoundFormula:
        """Return a law with its inputs bound."""
        formula, given = self.laws[name], self.problem.bindings_of(name)
        return formula.bind(**{variable.name: given[variable.name] for variable in formula.inputs})


class ProblemSpec(FileModel):
    """What every kind of problem has in common.

    A kind states its tables as fields of type :class:`PartSpec` and its laws as :class:`LawUse`, or as a table of
    names in a field that :meth:`law_uses` knows; the rest of this package needs no case for it. `entity_columns`
    and `assignment_columns` are columns of ``Plan.to_frame``: what is decided about, and where it is put; two plans
    are compared by them, and `moved_words` say what differs.
    """

    entity_columns: ClassVar[tuple[str, ...]] = ()
    assignment_columns: ClassVar[tuple[str, ...]] = ()
    moved_words: ClassVar[tuple[str, str]] = ("decision differs", "decisions differ")
    alike_columns: ClassVar[tuple[str, str] | None] = None
    """The columns of plans that say of which type something is and its number, where those of one type are alike."""

    counts_work: ClassVar[bool] = True
    """Whether its solvers can be limited by work that is counted in place of seconds."""

    row_names: ClassVar[frozenset[str]] = frozenset()
    """The parts of which laws read rows by their name, and not columns."""

    price_keys: ClassVar[tuple[str, ...]] = ()
    """The keys that say what costs money and what is wanted."""

    unit_class: ClassVar[str] = ""
    """The class of :mod:`kanopt.problems` with what it counts in, and the tables that become records."""

    other_columns: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    """What is read of parts besides the fields of records."""

    kind: str
    bind: dict[str, Binding] = Field(default_factory=dict)
    today: PartSpec | None = None

    def parts(self) -> dict[Key, PartSpec]:
        """Return the tables the problem reads, by their key below ``problem``; not those of today's plan."""
        found: dict[Key, PartSpec] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, PartSpec) and name != "today":
                found[(name,)] = value
        return found

    def law_uses(self) -> dict[Key, str]:
        """Return the laws the problem reads, by the key below ``problem`` that names them."""
        found: dict[Key, str] = {}
        for name in type(self).model_fields:
            value = getattr(self, name)
            if isinstance(value, LawUse):
                found[name, "law"] = value.law
        return found

    def bindings_of(self, law: str) -> dict[str, Any]:
        """Return what the inputs of a law are bound to, its own bindings before those for all."""
        own = self.bind.get(law)
        shared = {name: value for name, value in self.bind.items() if not isinstance(value, dict)}
        return {**shared, **(own if isinstance(own, dict) else {})}

    def binding_key(self, law: str, name: str) -> Key:
        """Return the key at which an input of a law is bound."""
        own = self.bind.get(law)
        return (
            ("problem", "bind", law, name)
            if isinstance(own, dict) and name in own
            else ("problem", "bind", name)
        )

    @classmethod
    def declared_tables(cls, units: Mapping[str, str]) -> dict[str, Table]:
        """Return the tables that become records, by part, as they are declared.

        Parameters
        ----------
        units
            What the problem counts in, where that is not usual.
        """
        return {table.name: table for table in cls.unit_system()(**units).tables()}

    @classmethod
    def unit_system(cls) -> Any:
        """Return the class of what the problem counts in."""
        from kanopt import problems

        return getattr(problems, cls.unit_class)

    def counted(self) -> Any:
        """Return what the problem counts in."""
        units: dict[str, str] = getattr(self, "units", {})
        return type(self).unit_system()(**units)

    def schemas(self) -> Mapping[str, Table]:
        """Return the tables that become records, by part.

        Raises
        ------
        ProblemError
            If the units of the problem are none.
        """
        return type(self).declared_tables(getattr(self, "units", {}))

    @abstractmethod
    def record_checks(self, records: Mapping[str, Sequence[Any]], reader: RecordReader) -> list[RecordCheck]:
        """Return the checks of records, by part, against each other.

        Parameters
        ----------
        records
            The records of each part; none where they could not be read.
        reader
            What read them.
        """

    def unstated_checks(
        self, records: Mapping[str, Sequence[Any]], reader: RecordReader
    ) -> list[RecordCheck]:
        """Return the checks that something costs money and that something is wanted, as far as tables say it."""
        return []

    def table_uses(self, records: Mapping[str, Sequence[Any]]) -> list[TableUse]:
        """Return what is read of the tables that become records, as far as the section says it."""
        from kanopt.records.unread_columns import table_use

        return [
            table_use(schema, records[name], self.readable_names(name))
            for name, schema in self.schemas().items()
        ]

    @abstractmethod
    def scopes(self) -> Mapping[str, str]:
        """Return the scopes of references whose fields are columns, each with the part that holds them."""

    def plain_references(self) -> Mapping[str, str]:
        """Return the references that are no columns, each with its unit; empty where it has none."""
        references: dict[str, str] = self.counted().references()
        return references

    @abstractmethod
    def units_of_law(self, key: Key) -> tuple[str, ...]:
        """Return the units that the law under a key below ``problem`` may give; empty where it may be any."""

    def usual_variants(self, tables: Mapping[str, pd.DataFrame]) -> dict[str, tuple[Change, ...]]:
        """Return by name what people ask of a problem first: a few other fleets and demands, each as changes.

        Parameters
        ----------
        tables
            The tables of the scenario, with its own changes made.
        """
        return {}

    def field_units(self, part: str) -> Mapping[str, str]:
        """Return the units of the fields of a part, as far as the problem fixes them."""
        schema = self.schemas().get(part)
        return {} if schema is None else schema.units

    def names_in(self, part: str, frame: pd.DataFrame) -> dict[str, str]:
        """Return the names of a part that laws may read, each with its unit; the columns of the frame are fields."""
        from kanopt.tables import units_of

        declared, units = units_of(frame), self.field_units(part)
        found = {str(column): declared.get(str(column), "") for column in frame.columns}
        return {**found, **{name: units.get(name, found.get(name, "")) for name in self.fields_of(part)}}

    @classmethod
    @cache
    def fields_of(cls, part: str) -> frozenset[str]:
        """Return the fields that columns of a part may fill; empty where any column is as good as another."""
        table = cls.declared_tables({}).get(part)
        declared = () if table is None else table.fields
        return frozenset(item.name for item in declared) | {*cls.other_columns.get(part, ())}

    def readable_names(self, part: str) -> frozenset[str]:
        """Return the names under which something is read of a part: its fields, and what laws are bound to."""
        bound = [value for law in (*self.law_uses().values(), "") for value in self.bindings_of(law).values()]
        return self.fields_of(part) | {value.field for value in bound if hasattr(value, "field")}

    @abstractmethod
    def build(self, material: ProblemInputs) -> Problem[Any]:
        """Build the problem.

        Raises
        ------
        ProblemError, FormulaError, UnitError
            If the data contradict each other.
        """

    def read_today(self, problem: Problem[Any], material: ProblemInputs) -> Plan | None:
        """Read today's plan, if the file names one.

        Raises
        ------
        ProblemError
            If it names things the problem does not know.
        """
        return None if self.today is None else problem.plan_from(material.part(self.today))
