"""Mistakes in a scenario file, each under its key; and tables of the file as models."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kanopt.errors import KanoptError, ProblemError
from kanopt.faults import Fault, Message
from kanopt.validation import invalid_values
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    from kanopt.whatif.scenario_files.problem_spec import ProblemSpec


class FileModel(BaseModel):
    """A table of a scenario file: strict types, no unknown keys, unchangeable once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Mistake:
    """Something wrong under a key; the file and line are looked up later."""

    key: Key
    message: Message


ModelT = TypeVar("ModelT", bound=BaseModel)


def validate(model: type[ModelT], data: object, key: Key) -> tuple[ModelT | None, list[Mistake]]:
    """Read `data` as `model`; return it, or None and every mistake in it.

    Examples
    --------
    >>> class Solver(FileModel):
    ...     time_limit: float = 30.0
    >>> validate(Solver, {"time_limt": 5}, ("solver",))[1]
    [Mistake(key=('solver', 'time_limt'), message="unknown key; did you mean 'time_limit'?")]
    """
    try:
        return model.model_validate(data), []
    except ValidationError as error:
        return None, [Mistake((*key, *wrong.place), wrong.message) for wrong in invalid_values(error, model)]


def split_messages(error: Exception) -> list[str]:
    r"""Return the messages of an error that holds several, one a line; indented lines belong to the one above.

    Examples
    --------
    >>> split_messages(ValueError("a is wrong\n  here\nb too"))
    ['a is wrong\n  here', 'b too']
    """
    found: list[str] = []
    for line in str(error).splitlines():
        if found and line[:1].isspace():
            found[-1] += f"\n{line}"
        else:
            found.append(line)
    return found


def with_keys(error: KanoptError, problem: ProblemSpec) -> list[Mistake]:
    """Return each mistake of an error that building the problem raised, under its key."""
    if isinstance(error, ProblemError) and error.faults:
        return keyed([fault for fault in error.faults if isinstance(fault, Fault)], problem)
    found = []
    for line in split_messages(error):
        place, (first, colon, rest) = _bound_in(line, problem), line.partition(": ")
        named = bool(colon) and place[:1] in ((first,), (f"{first}s",))  # the key says so
        found.append(Mistake(("problem", *place), rest if named else line))
    return found


def keyed(faults: Iterable[Fault], problem: ProblemSpec) -> list[Mistake]:
    """Return mistakes in the words of the file, each under the key of its table."""
    columns = {name: part.columns for name, part in problem.parts().items()}
    found = []
    for fault in faults:
        place: Key = (fault.table,) if fault.table in type(problem).model_fields else ()
        bound = [
            key for key, value in _bindings(problem.bind) if fault.reference and str(value) == fault.reference
        ]
        if bound:
            place = ("bind", *bound[0])
        elif place and fault.field in columns.get(fault.table, {}):
            place = (fault.table, "columns", fault.field)
        message = fault.sentence(in_file=True, columns=columns)
        if not place and fault.table != "problem":
            message = f"{fault.table}: {message}"
        found.append(Mistake(("problem", *(place or _bound_in(message, problem))), message))
    return found


def _bound_in(line: str, problem: ProblemSpec) -> Key:
    """Return the key of the part that a message begins with, else of the binding that it quotes."""
    first = line.partition(":")[0].partition(" ")[0]
    for part in (first, f"{first}s", f"{first[:-1]}ies"):
        if part in type(problem).model_fields:
            return (part,)
    for key, value in _bindings(problem.bind):
        if str(value) in line or f"{getattr(value, 'field', None)!r}" in line:
            return ("bind", *key)
    return ()


def _bindings(bind: Mapping[str, Any]) -> Iterator[tuple[Key, Any]]:
    for word, value in bind.items():
        if isinstance(value, dict):
            yield from (((word, inner), given) for inner, given in value.items())
        else:
            yield (word,), value
