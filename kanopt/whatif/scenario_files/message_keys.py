"""The key of a scenario file under which a mistake about the problem stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kanopt.errors import KanoptError, ProblemError
from kanopt.faults import Fault
from kanopt.whatif.scenario_files.file_model import Mistake, split_messages
from kanopt.whatif.scenario_files.problem_spec import ProblemSpec
from kanopt.whatif.scenario_files.toml_positions import Key

__all__ = ["keyed", "with_keys"]


def with_keys(error: KanoptError, problem: ProblemSpec) -> list[Mistake]:
    """Return each mistake of an error that building the problem raised, under its key."""
    if isinstance(error, ProblemError) and error.faults:
        return keyed([fault for fault in error.faults if isinstance(fault, Fault)], problem)
    return [Mistake(("problem", *_bound_in(line, problem)), line) for line in split_messages(error)]


def keyed(faults: Iterable[Fault], problem: ProblemSpec) -> list[Mistake]:
    """Return mistakes in the words of the file, each under the key of its table."""
    columns = {str(key[0]): part.columns for key, part in problem.parts().items()}
    found = []
    for fault in faults:
        place: Key = (fault.table,) if fault.table in type(problem).model_fields else ()
        message = fault.sentence(in_file=True, columns=columns)
        if not place and fault.table != "problem":
            message = f"{fault.table}: {message}"
        if not place:
            place = _bound_in(message, problem)
        found.append(Mistake(("problem", *place), message))
    return found


def _bound_in(line: str, problem: ProblemSpec) -> Key:
    """Return the key of the part that a message begins with, else of the binding that it quotes."""
    first = line.partition(":")[0].partition(" ")[0]
    for part in (first, f"{first}s", f"{first[:-1]}ies"):
        if part in type(problem).model_fields:
            return (part,)
    for word, value in _flat_bindings(problem.bind):
        if str(value) in line or f"{getattr(value, 'field', None)!r}" in line:
            return ("bind", *word)
    return ()


def _flat_bindings(bind: Mapping[str, Any]) -> Iterable[tuple[Key, Any]]:
    for word, value in bind.items():
        if isinstance(value, dict):
            yield from (((word, inner), given) for inner, given in value.items())
        else:
            yield (word,), value
