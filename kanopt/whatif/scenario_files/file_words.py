"""Advice for Python in the words of a scenario file."""

from __future__ import annotations

import re

__all__ = ["in_file_words"]

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
