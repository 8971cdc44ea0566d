"""What each table is: a part of a problem, a history to learn from, or nothing that is used.

Each kind of problem reads the tables its own way and says how much speaks for that; the best one wins. Only what no
plan reads is taken for history.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pandas as pd

from kanopt.records.declaration import Table
from kanopt.records.headers import measured_in
from kanopt.records.likeness import TableColumn, TableField, field_likeness, is_called
from kanopt.records.matching import ColumnFacts, FilledField, fill_fields, table_score
from kanopt.records.words import PLAIN_FIELDS, TABLE_WORDS
from kanopt.text import join_list
from kanopt.whatif.scaffolding.sources import SourceTable

__all__ = [
    "PartGuess",
    "Question",
    "Roles",
    "called",
    "is_named_history",
    "is_told",
    "looks_like",
    "made_table",
    "match_part",
    "may_teach",
    "measures",
    "question_about",
    "square_names",
]

_LEAST_ROWS = 25  # fewer say nothing of a law
_HISTORY = frozenset(
    [
        "trip",
        "trips",
        "log",
        "logs",
        "history",
        "historical",
        "past",
        "shipment",
        "shipments",
        "freight",
        "sales",
        "tours",
        "runs",
        "records",
        "measurements",
        "data",
        "train",
        "training",
        "observations",
        "fahrten",
        "touren",
        "verkaufe",
        "sendungen",
        "historie",
        "trajets",
        "ventes",
        "envois",
        "viajes",
        "ventas",
        "envios",
        "deliveries",
        "telematics",
        "flights",
        "rides",
        "actuals",
        "transactions",
        "invoices",
    ]
)
_ALIKE = 0.62


@dataclass(frozen=True)
class PartGuess:
    """A table as a part of a problem.

    Parameters
    ----------
    part, table
        Which.
    filled
        The fields its columns fill.
    """

    part: Table
    table: SourceTable
    filled: tuple[FilledField, ...]

    @cached_property
    def called_so(self) -> bool:
        """Whether the name of the file says it."""
        return called(self.table, self.part.name)

    @cached_property
    def score(self) -> float:
        """How much speaks for it."""
        return table_score(self.table.facts, self.part, self.filled)

    @property
    def why(self) -> str:
        """What speaks for it, in words."""
        fields = ", ".join(each.field.name for each in self.filled[:5])
        return f"{'the name of the file; ' if self.called_so else ''}columns for {fields}"

    def column(self, field_name: str) -> ColumnFacts | None:
        """Return the column that fills a field; None where none does."""
        return next((each.column for each in self.filled if each.field.name == field_name), None)

    @property
    def names(self) -> frozenset[str]:
        """The names of its rows."""
        column = self.column("name")
        return frozenset() if column is None else column.texts

    @property
    def left(self) -> list[ColumnFacts]:
        """The columns that fill no field."""
        used = {each.column.name for each in self.filled}
        return [column for name, column in self.table.facts.columns.items() if name not in used]


@dataclass(frozen=True)
class Question:
    """A question whose answer changes the plan.

    Parameters
    ----------
    about, text
        What is asked about, such as ``"tasks.operator"``, and the question.
    answers
        Answer to the keys that it sets, the likely one first.
    answer
        The answer; empty while it is open.
    """

    about: str
    text: str
    answers: Mapping[str, Mapping[str, Any]]
    answer: str = ""


@dataclass(frozen=True)
class Roles:
    """What the tables are.

    Parameters
    ----------
    kind
        The kind of problem; empty where the tables make none.
    parts
        Part to the table that is it.
    histories
        Tables to learn laws from.
    unused
        The others.
    sure
        Whether no other kind of problem came close.
    hints
        What a kind of problem found beside its parts, such as the column of speeds.
    total
        How much speaks for all of it.
    """

    kind: str
    parts: dict[str, PartGuess]
    histories: tuple[SourceTable, ...]
    unused: tuple[SourceTable, ...]
    sure: bool = True
    hints: dict[str, Any] = field(default_factory=dict)
    total: float = 0.0

    @property
    def every(self) -> tuple[SourceTable, ...]:
        """Every table, those of parts first."""
        return (*(guess.table for guess in self.parts.values()), *self.histories, *self.unused)

    def without(self, part: str) -> Roles:
        """Return the roles in which the table of a part is none; it may teach a law."""
        table = self.parts[part].table
        rest = {name: guess for name, guess in self.parts.items() if name != part}
        histories = (*self.histories, table) if may_teach(table) else self.histories
        return Roles(self.kind, rest, histories, self.unused, self.sure, self.hints, self.total)


def called(table: SourceTable, part: str) -> bool:
    """Say whether the name of a file tells of a part."""
    return any(is_called(word, TABLE_WORDS.get(part, frozenset())) for word in table.words)


def is_named_history(table: SourceTable) -> bool:
    """Say whether the name of a file is that of a record of what happened."""
    return bool(set(table.words) & _HISTORY)


def may_teach(table: SourceTable) -> bool:
    """Say whether a table has rows and numbers enough for a law."""
    numbers = sum(column.kind == "number" for column in table.columns.values())
    return not table.made and len(table.frame) >= _LEAST_ROWS and numbers >= 1 and len(table.columns) >= 2


def match_part(
    table: SourceTable,
    part: Table,
    names: Mapping[str, Collection[str]] | None = None,
    without: Collection[str] = (),
) -> PartGuess | None:
    """Return a table as a part; None where a field that is needed is not filled, or rows repeat its key."""
    guess = PartGuess(part, table, tuple(fill_fields(table.facts, part, names, without)))
    filled = {each.field.name: each.column.name for each in guess.filled}
    missing = [item.name for item in part.fields if item.required and item.name not in filled]
    if missing or not filled:
        return None
    if is_named_history(table) and may_teach(table) and not guess.called_so:
        return None
    key = [filled[name] for name in part.key if name in filled]
    repeated = bool(key) and bool(table.frame.duplicated(key).any())
    return None if repeated or not key else guess


def measures(column: ColumnFacts) -> dict[str, int]:
    """Return what a column measures by its unit, as bases and powers."""
    return dict(measured_in(column.declared or column.header.unit) or ()) if column.kind == "number" else {}


def looks_like(column: ColumnFacts, table: str, name: str, kind: type = float) -> bool:
    """Say whether a column is called like a field, or like another word of planning that the vocabulary has."""
    own = TableColumn(column.name, column.declared, kind is not str)
    unit = "" if kind is str else column.declared or column.header.unit
    return field_likeness(table, own, TableField(name, unit, kind)) >= _ALIKE


def square_names(table: SourceTable) -> frozenset[str]:
    """Return the names of a square table, which rows and columns share; none of other tables."""
    columns = list(table.facts.columns.values())
    if len(columns) < 3 or any(column.kind != "number" for column in columns[1:]):
        return frozenset()
    names = frozenset(column.name for column in columns[1:])
    return names if columns[0].texts == names else frozenset()


def made_table(
    name: str, frame: pd.DataFrame, why: str, units: Mapping[str, str] | None = None
) -> SourceTable:
    """Return a table that is made of others, to be written beside the scenario."""
    from pathlib import Path

    given = {column: unit for column, unit in (units or {}).items() if unit and column in frame}
    return SourceTable(
        f"made_{name}",
        Path(f"made_{name}.csv"),
        frame.reset_index(drop=True),
        "",
        (name,),
        made=why,
        units=given,
    )


def question_about(columns: Sequence[tuple[PartGuess, str]]) -> Question:
    """Return the question whether columns that look like rules, and fill no field, may be left out."""
    shown = []
    ignored: dict[str, list[str]] = {}
    for guess, name in columns:
        column = guess.table.columns[name]
        values = ", ".join(sorted(column.texts)[:3])
        source = guess.table.made.removeprefix("from ") or guess.table.called
        shown.append(f"{name!r} of {source}" + (f" ({values})" if values else ""))
        ignored.setdefault(f"tables.{guess.table.name}.ignore", []).append(name)
    one = len(columns) == 1
    text = (
        f"{join_list(shown)} {'looks like a rule' if one else 'look like rules'} and {'fills' if one else 'fill'} no "
        f"field, so that the plan does not keep to {'it' if one else 'them'}. "
        f"May {'it' if one else 'they'} be left out?"
    )
    guess, name = columns[0]
    return Question(f"{guess.part.name}.{name}", text, {"ignore": ignored})


def is_told(guess: PartGuess, name: str, roles: Roles) -> bool:
    """Say whether another table of the plan tells what a column does, or was made of it."""
    if name in roles.hints.get("read", ()):
        return True
    column = guess.table.columns[name]
    for part, other in roles.parts.items():
        for each in other.filled if part != guess.part.name else ():
            plain = each.column.kind == column.kind and each.field.name not in PLAIN_FIELDS
            if name == each.column.name or (
                plain and looks_like(column, part, each.field.name, each.field.kind)
            ):
                return True
    return False
