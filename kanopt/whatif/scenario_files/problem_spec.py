"""``[problem]``: what every kind of problem has in common in a scenario file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from pydantic import BeforeValidator, Field

from kanopt.validation import describe_value
from kanopt.whatif.changes import Change, cell_text
from kanopt.whatif.scenario_files.mistakes import FileModel
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import BoundFormula, Formula
    from kanopt.problems.base import Plan, Problem
    from kanopt.records.declaration import Table
    from kanopt.records.reading import RecordCheck, RecordReader
    from kanopt.records.unread_columns import TableUse

__all__ = [
    "Binding",
    "LawUse",
    "Name",
    "PartSpec",
    "ProblemInputs",
    "ProblemSpec",
    "a_tenth_up_and_down",
    "one_more_and_fewer",
    "without_each",
]


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
    day: Annotated[date | None, BeforeValidator(_day)] = None
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
        """Return how references to columns begin, such as ``"vehicle."``, each with the part that holds them."""

    def column_of(self, reference: object) -> tuple[str, str] | None:
        """Return the part and the field that a reference reads; None where it reads no column."""
        text = str(reference)
        found = (
            (part, text.removeprefix(start))
            for start, part in self.scopes().items()
            if text.startswith(start)
        )
        return next(found, None)

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
        references = [value for value in bound if hasattr(value, "field")]
        columns = [self.column_of(value) or ("", value.field) for value in references]
        return self.fields_of(part) | {field for _, field in columns}

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


_MOST_KINDS = 2
"""Of vehicles and machines that are varied; each variant is planned anew, which takes its time."""


def a_tenth_up_and_down(what: str, paths: Sequence[str]) -> dict[str, tuple[Change, ...]]:
    """Return what scales some paths together; nothing where there are none.

    Examples
    --------
    >>> [(name, str(change)) for name, (change,) in a_tenth_up_and_down("demand", ["clients.demand"]).items()]
    [('demand −10 %', 'clients.demand × 0.9'), ('demand +10 %', 'clients.demand × 1.1')]
    """
    split = [path.partition(".") for path in paths]
    return {
        f"{what} {told}": tuple(Change("scale", table, column, factor) for table, _, column in split)
        for told, factor in (("−10 %", 0.9), ("+10 %", 1.1))
        if split
    }


def one_more_and_fewer(fleet: pd.DataFrame, table: str) -> dict[str, tuple[Change, ...]]:
    """Return one vehicle more and one fewer of each of the types with most of them; some vehicle is left.

    Parameters
    ----------
    fleet
        A row for each type, with its ``name`` and the ``num_available`` of vehicles, 1 where it has no such column.
    table
        The name of the table in the scenario.

    Examples
    --------
    >>> import pandas as pd
    >>> fleet = pd.DataFrame({"name": ["van", "truck", "bike"], "num_available": [4, 2, 1]})
    >>> for name, (change,) in one_more_and_fewer(fleet, "vehicles").items():
    ...     print(f"{name}: {change}")
    one van fewer: vehicles.num_available set to 3 where name = van
    one van more: vehicles.num_available set to 5 where name = van
    one truck fewer: vehicles.num_available set to 1 where name = truck
    one truck more: vehicles.num_available set to 3 where name = truck
    """
    import pandas as pd

    if "name" not in fleet:
        return {}
    given = fleet["num_available"] if "num_available" in fleet else pd.Series(1, index=fleet.index)
    counts = pd.to_numeric(given, errors="coerce").fillna(1).astype(int).tolist()
    found: dict[str, tuple[Change, ...]] = {}
    for row in sorted(sorted(range(len(counts)), key=lambda row: -counts[row])[:_MOST_KINDS]):
        name = _cell(fleet["name"].iloc[row])
        for word, count in (("fewer", counts[row] - 1), ("more", counts[row] + 1)):
            if count >= 0 and (word == "more" or sum(counts) > 1):
                where = {"name": name} if len(fleet) > 1 else {}
                found[f"one {cell_text(name)} {word}"] = (
                    Change("set", table, "num_available", count, where=where),
                )
    return found


def without_each(
    rows: pd.DataFrame, table: str, column: str, *, needed: str
) -> dict[str, tuple[Change, ...]]:
    """Return the table without each of the things with most rows whose rows are not all that something needs.

    Parameters
    ----------
    rows
        The table.
    table
        Its name in the scenario.
    column
        The column of what is taken out.
    needed
        The column of what must keep a row.

    Examples
    --------
    >>> import pandas as pd
    >>> modes = pd.DataFrame({"task": ["a", "a", "b", "b", "c"], "machine": ["saw", "mill", "saw", "drill", "mill"]})
    >>> for name, (change,) in without_each(modes, "modes", "machine", needed="task").items():
    ...     print(f"{name}: {change}")
    without saw: modes: rows taken out where machine = saw
    without drill: modes: rows taken out where machine = drill
    """
    found: dict[str, tuple[Change, ...]] = {}
    for given in rows[column].value_counts().index:
        name = _cell(given)
        if set(rows.loc[rows[column] != given, needed]) == set(rows[needed]) and len(found) < _MOST_KINDS:
            found[f"without {cell_text(name)}"] = (Change("remove", table, where={column: name}),)
    return found


def _cell(value: Any) -> Any:
    """Return a cell as a change names it."""
    return value.item() if hasattr(value, "item") else value
