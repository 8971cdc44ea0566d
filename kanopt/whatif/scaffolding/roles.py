"""What each table is: a part of a problem, a history to learn from, or nothing that is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from kanopt.records.words import PLAIN_FIELDS
from kanopt.whatif.scaffolding.mapping import FilledField, fill_fields
from kanopt.whatif.scaffolding.parts import HISTORY_WORDS, PARTS, Part
from kanopt.whatif.scaffolding.sources import SourceTable

__all__ = ["PartGuess", "Roles", "guess_roles", "is_named_history"]

ANCHORS = {
    "routing": ({"clients"},),
    "scheduling": ({"tasks"},),
    "supply": ({"markets", "facilities"}, {"markets", "suppliers"}, {"markets", "lanes"}),
}
"""Parts that a kind of problem cannot do without: one of the sets must be there."""
_NAMED, _LEAST, _CLOSE = 3.0, 2.2, 1.0
_LEAST_ROWS = 25  # fewer say nothing of a law


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

    part: Part
    table: SourceTable
    filled: tuple[FilledField, ...]

    @cached_property
    def called_so(self) -> bool:
        """Whether the name of the file says it."""
        return any(_is_called(word, self.part.words) for word in self.table.words)

    @cached_property
    def score(self) -> float:
        """How much speaks for it; 0 where something needed is missing."""
        names = {each.field.name for each in self.filled}
        complete = any(set(group) <= names for group in self.part.needs)
        if not complete or (self.part.named and "name" not in names):
            return 0.0
        telling = sum(
            each.likeness * (0.4 if each.field.name in PLAIN_FIELDS else 1.0) for each in self.filled
        )
        explained = len(self.filled) / max(len(self.table.columns), 1)
        many = len(self.table.frame) > self.part.most
        return _NAMED * self.called_so + min(telling, 4.0) + 2 * explained - 3.0 * many

    @property
    def why(self) -> str:
        """What speaks for it, in words."""
        fields = ", ".join(each.field.name for each in self.filled[:5])
        name = "the name of the file; " if self.called_so else ""
        return f"{name}columns for {fields}"


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
    """

    kind: str
    parts: dict[str, PartGuess]
    histories: tuple[SourceTable, ...]
    unused: tuple[SourceTable, ...]
    sure: bool = True

    @property
    def every(self) -> tuple[SourceTable, ...]:
        """Every table, those of parts first."""
        return (*(guess.table for guess in self.parts.values()), *self.histories, *self.unused)

    def without(self, part: str) -> Roles:
        """Return the roles in which the table of a part is none; it may teach a law."""
        table = self.parts[part].table
        rest = {name: guess for name, guess in self.parts.items() if name != part}
        histories = (*self.histories, table) if _may_teach(table) else self.histories
        return Roles(self.kind, rest, histories, self.unused, self.sure)

    @property
    def total(self) -> float:
        """How much speaks for all of it."""
        return sum(guess.score for guess in self.parts.values())


def is_named_history(table: SourceTable) -> bool:
    """Say whether the name of a file is that of a record of what happened."""
    return bool(set(table.words) & HISTORY_WORDS)


def guess_roles(tables: Sequence[SourceTable], kind: str | None) -> Roles:
    """Return what the tables are, for one kind of problem or for the one that most speaks for.

    Examples
    --------
    >>> guess_roles([], None).kind
    ''

    With ``"law"`` no table is part of a plan.
    """
    tried = [_roles_of(tables, each) for each in ANCHORS if kind in (None, each)]
    whole = sorted((roles for roles in tried if roles.kind), key=lambda roles: -roles.total)
    if not whole:
        histories = tuple(table for table in tables if _may_teach(table))
        return Roles("", {}, histories, tuple(table for table in tables if table not in histories))
    best = whole[0]
    close = len(whole) > 1 and best.total - whole[1].total < _CLOSE
    return Roles(best.kind, best.parts, best.histories, best.unused, sure=not close)


def _roles_of(tables: Sequence[SourceTable], kind: str) -> Roles:
    guesses = [
        PartGuess(part, table, tuple(fill_fields(table, part)))
        for part in PARTS
        if part.kind == kind
        for table in tables
    ]
    parts: dict[str, PartGuess] = {}
    for guess in sorted(guesses, key=lambda guess: -guess.score):
        taken = {each.table.name for each in parts.values()}
        if guess.part.name in parts or guess.table.name in taken or guess.score < _LEAST:
            continue
        if not guess.called_so and (is_named_history(guess.table) or len(guess.table.frame) > 2_000):
            continue
        parts[guess.part.name] = guess
    used = {guess.table.name for guess in parts.values()}
    rest = [table for table in tables if table.name not in used]
    histories = tuple(table for table in rest if _may_teach(table))
    complete = any(anchor <= parts.keys() for anchor in ANCHORS[kind])
    unused = tuple(table for table in rest if table not in histories)
    return Roles(kind if complete else "", parts, histories, unused)


def _may_teach(table: SourceTable) -> bool:
    numbers = sum(column.kind == "number" for column in table.columns.values())
    return len(table.frame) >= _LEAST_ROWS and numbers >= 1 and len(table.columns) >= 2


def _is_called(word: str, words: frozenset[str]) -> bool:
    return word in words or any(len(known) > 4 and word.endswith(known) for known in words)
