"""What a validator found wrong, in the words of someone who writes scenario files."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kanopt.errors import nearest
from kanopt.whatif.toml_positions import Key

__all__ = ["FileModel", "Mistake", "describe_value", "split_messages", "validate"]


class FileModel(BaseModel):
    """A table of a scenario file: strict types, no unknown keys, unchangeable once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Mistake:
    """Something wrong under a key; the file and line are looked up later."""

    key: Key
    message: str


ModelT = TypeVar("ModelT", bound=BaseModel)

_TYPES = {
    str: "the text",
    bool: "the truth value",
    int: "the number",
    float: "the number",
    list: "a list",
    dict: "a table",
}


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
        return None, [_mistake(model, details, key) for details in error.errors(include_url=False)]


def _mistake(model: type[BaseModel], details: Any, key: Key) -> Mistake:
    kind, loc, given = details["type"], tuple(details["loc"]), details["input"]
    context: Mapping[str, Any] = details.get("ctx", {})
    where = (*key, *(part for part in loc if part != "[key]"))
    if kind == "extra_forbidden":
        # a key that pydantic does not know belongs to the model found by walking the location
        return Mistake(where, f"unknown key; {nearest(str(loc[-1]), _known_keys(model, loc[:-1]))}")
    if kind == "missing":
        return Mistake(where, "is missing")
    if kind in ("value_error", "assertion_error"):
        return Mistake(where, str(context["error"]))
    if kind == "literal_error":
        return Mistake(where, _unknown_word(given, context))
    if kind in _EXPECTED:
        return Mistake(where, f"must be {_EXPECTED[kind](context)}, not {describe_value(given)}")
    return Mistake(where, f"{details['msg']} (given: {describe_value(given)})")


_EXPECTED: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "string_type": lambda c: "a text in quotes",
    "bool_type": lambda c: "true or false",
    "int_type": lambda c: "a whole number",
    "int_from_float": lambda c: "a whole number",
    "float_type": lambda c: "a number",
    "finite_number": lambda c: "a finite number",
    "list_type": lambda c: 'a list such as ["a", "b"]',
    "tuple_type": lambda c: 'a list such as ["a", "b"]',
    "dict_type": lambda c: "a table of key = value",
    "mapping_type": lambda c: "a table of key = value",
    "model_type": lambda c: "a table of key = value",
    "model_attributes_type": lambda c: "a table of key = value",
    "greater_than": lambda c: f"greater than {c['gt']:g}",
    "greater_than_equal": lambda c: f"at least {c['ge']:g}",
    "less_than": lambda c: f"less than {c['lt']:g}",
    "less_than_equal": lambda c: f"at most {c['le']:g}",
    "too_short": lambda c: f"a list of at least {c['min_length']}",
    "string_too_short": lambda c: "a text that is not empty",
}


def describe_value(value: object) -> str:
    """Name a value and what it is: ``the text 'a'``."""
    word = _TYPES.get(type(value), f"a {type(value).__name__}")
    return word if isinstance(value, (list, dict)) else f"{word} {_toml(value)}"


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _unknown_word(given: object, context: Mapping[str, Any]) -> str:
    import ast

    # pydantic hands the words over as text: "'a', 'b' or 'c'"
    words = ast.literal_eval("[" + str(context["expected"]).replace(" or ", ", ") + "]")
    if isinstance(given, str) and all(isinstance(word, str) for word in words):
        return f"unknown word {given!r}; {nearest(given, map(str, words))}"
    return f"must be one of {', '.join(map(repr, words))}, not {describe_value(given)}"


def _known_keys(model: type[BaseModel], loc: Iterable[Any]) -> list[str]:
    """Walk from the outer model to the one that `loc` leads to and return its keys."""
    current: Any = model
    for part in loc:
        if isinstance(part, str) and part in current.model_fields:
            current = _inner_model(current.model_fields[part].annotation) or current
    return [field.alias or name for name, field in current.model_fields.items()]


def _inner_model(annotation: Any) -> type[BaseModel] | None:
    """Find the model inside ``Model | None``, ``list[Model]`` or ``dict[str, Model]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_inner_model(inner) for inner in getattr(annotation, "__args__", ()))
    return next((inner for inner in found if inner is not None), None)


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
