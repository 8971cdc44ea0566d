"""The key of a scenario file that a message about the problem speaks of, and the message in the words of the file."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Iterable, Mapping
from typing import Any

from kanopt.errors import KanoptError
from kanopt.whatif.scenario_files.file_model import Mistake, split_messages
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.toml_positions import Key

__all__ = ["keyed", "with_keys"]

_RENAMING = re.compile(r"(?P<table>\w+)\.rename\(columns=(?P<names>\{[^{}]*\})\)")


def with_keys(error: KanoptError, problem: ProblemSpec) -> list[Mistake]:
    """Add the key to each message of an error that building the problem raised."""
    return keyed(split_messages(error), problem)


def keyed(lines: Iterable[str], problem: ProblemSpec) -> list[Mistake]:
    """Add to each message the key that it speaks of."""
    found = []
    for line in lines:
        place = _place(line, problem)
        part = problem.parts().get(place)
        for field, column in part.columns.items() if part is not None else ():
            # the problem knows the field only; the analyst knows the column
            line = line.replace(f"column {field!r}", f"column {column!r}")
        line = _RENAMING.sub(lambda found: _of_columns(found, problem), line)
        table = str(place[0]) if place else "problem"
        message = line.removeprefix(f"{table}: ").removeprefix(f"{table.removesuffix('s')}: ")
        found.append(Mistake(("problem", *place), message))
    return found


def _place(line: str, problem: ProblemSpec) -> Key:
    """Return the key a message speaks of: the table it begins with, else a binding it quotes."""
    first = line.partition(":")[0].partition(" ")[0]
    named = [part for part in (first, f"{first}s", f"{first[:-1]}ies") if part in type(problem).model_fields]
    given = [part for part in named if getattr(problem, part) is not None]
    if named:
        return ((given or named)[0],)
    for word, value in _flat_bindings(problem.bind):
        if str(value) in line or f"{getattr(value, 'field', None)!r}" in line:
            return ("bind", *word)
    return ()


def _of_columns(renaming: re.Match[str], problem: ProblemSpec) -> str:
    """Return the renaming of a table's fields that a message proposes as one of the columns that fill them."""
    part = problem.parts().get((renaming["table"],))
    names = literal_eval(renaming["names"])
    own = {} if part is None else part.columns
    return (
        f"{renaming['table']}.rename(columns={ {own.get(name, name): new for name, new in names.items()} })"
    )


def _flat_bindings(bind: Mapping[str, Any]) -> Iterable[tuple[Key, Any]]:
    for word, value in bind.items():
        if isinstance(value, dict):
            yield from (((word, inner), given) for inner, given in value.items())
        else:
            yield (word,), value
