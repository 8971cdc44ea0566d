"""The tables of a scenario file as models, and mistakes under their keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kanopt.validation import invalid_values
from kanopt.whatif.scenario_files.toml_positions import Key

__all__ = ["FileModel", "Mistake", "split_messages", "validate"]


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
