"""Advice for Python in the words of a scenario file."""

from __future__ import annotations

import re
from ast import literal_eval

__all__ = ["in_file_words"]

_GIVEN = re.compile(r"\b(\w+)=(TextFormat\([^()]*\)|\{[^{}]*\}|\[[^\[\]]*\]|'[^']*')")
_RENAMED = re.compile(
    r"(?P<frame>ko\.with_units\()?(?P<table>\w+)\.rename\(columns=(?P<names>\{[^{}]*\})\)"
    r"(?(frame), (?P<units>\{[^{}]*\})\))"
)
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
    >>> in_file_words("write ko.with_units(vans.rename(columns={'kg': 'capacity'}), {'capacity': 'kg'})")
    'write columns = { capacity = "kg" } under [problem.vans] and units = { kg = "kg" } under its table'
    """
    message = _RENAMED.sub(_columns, message)
    written = _GIVEN.sub(lambda found: f"{found[1]} = {_toml(found[2])}", message)
    written = written.replace("another kind or range in the schema", "another range by minimum and maximum")
    return re.sub(r"\b(columns|dates|form|on_bad)=(?= |$|;)", r"\1", written).replace(
        "pass form = ", "write form = "
    )


def _columns(found: re.Match[str]) -> str:
    """Write what a file says in place of renaming the columns of a frame and declaring their units."""
    column_of = {field: column for column, field in literal_eval(found["names"]).items()}
    written = f"columns = {_toml(str(column_of))} under [problem.{found['table']}]"
    if found["units"] is None:
        return written
    units = {column_of[field]: unit for field, unit in literal_eval(found["units"]).items()}
    return f"{written} and units = {_toml(str(units))} under its table"


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
