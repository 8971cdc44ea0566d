"""Mistakes in a scenario file: each under its key, in the words of the file; and tables of the file as models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kanopt.errors import KanoptError, ProblemError
from kanopt.faults import Fault
from kanopt.validation import invalid_values
from kanopt.whatif.scenario_files.toml_positions import Key

if TYPE_CHECKING:
    from kanopt.whatif.scenario_files.problem_spec import ProblemSpec

__all__ = ["FileModel", "Mistake", "in_file_words", "keyed", "split_messages", "validate", "with_keys"]


class FileModel(BaseModel):
    """A table of a scenario file: strict types, no unknown keys, unchangeable once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Mistake:
    """Something wrong under a key; the file and line are looked up later."""

    key: Key
    message: str


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


_GIVEN = re.compile(r"\b(\w+)=(TextFormat\([^()]*\)|\{[^{}]*\}|\[[^\[\]]*\]|'[^']*')")
_ENTRY = re.compile(r"'([^']*)': ?")
_BARE = re.compile(r"[\w-]+")


def in_file_words(message: str) -> str:
    """Write the arguments that a message advises as keys of a scenario file.

    Examples
    --------
    >>> in_file_words("pass form=TextFormat(decimal=',')")
    'write form = { decimal = "," }'
    >>> in_file_words("on_bad={'load_t': 'drop'} does so for one column")
    'on_bad = { load_t = "drop" } does so for one column'
    >>> in_file_words("write planning={'state.quantity': 20}; or leave it out with columns=")
    'write planning = { "state.quantity" = 20 }; or leave it out with columns'
    """
    written = _GIVEN.sub(lambda found: f"{found[1]} = {_toml(found[2])}", message)
    written = written.replace("another kind or range in the schema", "another range by minimum and maximum")
    return re.sub(r"\b(columns|dates|form|on_bad)=(?= |$|;)", r"\1", written).replace(
        "pass form = ", "write form = "
    )


def _toml(value: str) -> str:
    """Return a value of Python as TOML."""
    if value.startswith("TextFormat("):
        inner = re.sub(r"(\w+)=", r"\1 = ", value.removeprefix("TextFormat(").removesuffix(")"))
        return f"{{ {inner} }}".replace("'", '"')
    if value.startswith("{"):
        inner = _ENTRY.sub(lambda found: f"{_key(found[1])} = ", value[1:-1])
        return f"{{ {inner} }}".replace("'", '"')
    return value.replace("'", '"')


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else f'"{name}"'
