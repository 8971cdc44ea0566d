"""TOML with the line of every key, so that a message can point at the place to mend.

`tomllib` reads the values and decides what is valid; it keeps no positions. Of a valid file the lines are found by
looking for what begins a statement, and where its value ends.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kanopt.errors import FileFormatError, Issue, ScenarioError
from kanopt.files import read_file
from kanopt.tables.table_reading import TABLE_FILES

Key = tuple[str | int, ...]

_HINTS = {
    "Invalid value": "; texts stand in quotes",
    "Expected newline or end of document": "; one key = value a line, and lists stand in [ ]",
    "Expected '=' after a key": "; write key = value",
    "Cannot overwrite a value": "; the key stands here for the second time",
    "Cannot declare": "; the table stands here for the second time",
}
_BARE = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True)
class TomlDocument:
    """The data of one TOML file and the line of every key in it.

    Parameters
    ----------
    path
        The file, as it is named in messages.
    data
        What `tomllib` read.
    lines
        Key to line, counted from 1; tables, keys and the elements of arrays.
    sha256
        Hash of the bytes of the file.
    """

    path: Path
    data: dict[str, Any]
    lines: Mapping[Key, int] = field(repr=False)
    sha256: str = field(default="", repr=False)

    def line(self, key: Key) -> int:
        """Return the line of `key`, or of the nearest key above it that is written in the file."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 0)


def write_key(key: Key) -> str:
    """Write a key as in a TOML file, elements of arrays counted from 1.

    Examples
    --------
    >>> write_key(("changes", 0, "by"))
    'changes[1].by'
    >>> write_key(("problem", "planning", "clock.hour"))
    'problem.planning."clock.hour"'
    """
    text = ""
    for part in key:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        else:
            word = part if _BARE.fullmatch(part) else f'"{part}"'
            text += f".{word}" if text else word
    return text


def split_key(text: str) -> tuple[str, ...]:
    """Return a dotted key as its parts; a part with other letters than A to Z stands in quotes, or has no dot.

    Examples
    --------
    >>> split_key('tables.clients.units."Dauer (min.)"'), split_key("tables.städte.ignore")
    (('tables', 'clients', 'units', 'Dauer (min.)'), ('tables', 'städte', 'ignore'))
    """
    try:
        level: Any = tomllib.loads(f"{text} = 0")
    except tomllib.TOMLDecodeError:
        return tuple(text.split("."))
    parts: list[str] = []
    while isinstance(level, dict) and len(level) == 1:
        [(name, level)] = level.items()
        parts.append(name)
    return tuple(parts)


_LARGEST = 1_000_000
_OPEN = re.compile(r"""[^#=\n]*=\s*(?:"(?!"")(?:[^"\\\n]|\\.)*|'(?!'')[^'\n]*)$""")
"""A line with a key whose text begins and does not end."""
_DEEPEST, _MOST_BRACKETS, _MOST_KEYS = 32, 5_000, 20_000
# one part after another with dots between; looked for from the beginning of a part only, so that it takes linear time
_DEEP = re.compile(r"""(?<![\w"'.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")


def read_document(path: Path) -> TomlDocument:
    """Read a TOML file.

    Raises
    ------
    ScenarioError
        If the file is missing, is a table or no regular file, has over a million bytes or more keys than any
        scenario, is not UTF-8, or is not TOML; names the line.
    """
    if path.suffix.lower() in TABLE_FILES and path.is_file():
        told = f"a table, not a scenario file; kanopt fit --table {path.name} --target COLUMN --features COLUMN,COLUMN"
        raise _file_error(path, 0, f"{told} learns a law from it, and [tables] of a scenario file names it")
    try:
        raw = read_file(path, _LARGEST, "a scenario file")
    except (FileFormatError, FileNotFoundError) as error:
        raise _file_error(path, 0, str(error).removeprefix(f"{path}: ")) from None
    except OSError as error:
        raise _file_error(path, 0, f"cannot be read: {error.strerror or error}") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _file_error(
            path, line, f"byte {raw[error.start]:#04x} is not UTF-8; save the file as UTF-8"
        ) from None
    if too_much := _beyond_limits(text):
        raise _file_error(path, 0, too_much)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _file_error(path, *_syntax(str(error), text)) from None
    except RecursionError:
        raise _file_error(path, 0, "nests lists or tables too deep") from None
    except ValueError as error:  # tomllib does not catch the error of int on very long numbers
        raise _file_error(path, 0, f"not TOML that can be read: {error}") from None
    return TomlDocument(path, data, _lines(text), hashlib.sha256(raw).hexdigest())


def _beyond_limits(text: str) -> str:
    """Say what of a text is more than any scenario has; a file of 40 kB can otherwise take gigabytes to read."""
    if _DEEP.search(text):
        return f"has a key of more than {_DEEPEST} parts; no section of a scenario lies so deep"
    for signs, most, what in (
        ("[", _MOST_BRACKETS, "lists and tables"),
        ("=", _MOST_KEYS, "keys"),
        (",", _MOST_KEYS, "elements"),
    ):
        if text.count(signs) > most:
            return f"has more than {most:,} {what}; keep data in tables of their own"
    return ""


def _file_error(path: Path, line: int, message: str) -> ScenarioError:
    return ScenarioError([Issue(str(path), line, "", message)])


def _syntax(message: str, text: str) -> tuple[int, str]:
    """Split tomllib's message into the line and what is wrong there."""
    found = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    what = message[: found.start()] if found else message
    what += next((hint for start, hint in _HINTS.items() if what.startswith(start)), "")
    lines = text.split("\n")
    if found is None or found[1] is None:
        line, where = max(1, len(text.splitlines())), "at the end of the file"
    else:
        line, where = int(found[1]), f"column {found[2]}"
    opened = next((place for place, each in enumerate(lines, start=1) if _OPEN.match(each)), 0)
    if opened and opened <= line and ("Illegal character" in what or 'Expected "\'"' in what):
        sign = lines[opened - 1].partition("=")[2].strip()[0]
        return (
            opened,
            f"not TOML: a text begins with {sign} and does not end with it: write {sign} at both ends",
        )
    return line, f"not TOML: {what}{_advice(what, lines[line - 1])} ({where})"


def _advice(what: str, line: str) -> str:
    """Return what to write in a line, where people often write something else."""
    if quotes := re.search("[“”„‘’«»]", line):
        return f'; {quotes[0]} is no quote of TOML: write " at both ends'
    if "\\" in line and ("Unescaped" in what or "hex" in what):
        path = re.search(r'"([^"]*)"', line)
        such = f', as in "{path[1]!s:.80}"'.replace("\\", "/") if path else ""
        return f"; \\ begins a sign such as \\n there: write / between folders{such}"
    return ""


def _lines(text: str) -> dict[Key, int]:
    """Return the line of every key of a text that is TOML, each where its statement begins.

    A statement goes on as long as it is none by itself, and at least until its brackets and long texts are closed.
    """
    lines: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    prefix: Key = ()
    statement: list[str] = []
    first = open_brackets = open_texts = 0
    for number, line in enumerate(text.replace("\r\n", "\n").split("\n"), start=1):
        if not statement:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            first, open_brackets, open_texts = number, 0, 0
        statement.append(line)
        open_brackets += line.count("[") - line.count("]")
        open_texts += line.count('"""') + line.count("'''")
        if len(statement) > 1 and (open_brackets > 0 or open_texts % 2):
            continue
        try:
            read = tomllib.loads("\n".join(statement))
        except tomllib.TOMLDecodeError:
            continue
        head = statement[0].lstrip()
        if head.startswith("["):
            *_, deepest = paths(read)
            parts = tuple(part for part in deepest if isinstance(part, str))
            prefix = _resolve(parts, counts, new=head.startswith("[["))
            keys = [prefix]
        else:
            keys = [(*prefix, *key) for key in paths(read)]
        for key in keys:
            # a table that is only named on the way to another one, as a in [a.b], has the line of the first
            for depth in range(1, len(key) + 1):
                lines.setdefault(key[:depth], first)
        statement = []
    return lines


def paths(value: Any, key: Key = ()) -> Iterator[Key]:
    """Yield the keys of nested tables and lists, each behind the key of the whole."""
    items = (
        value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    )
    for part, inner in items:
        yield (*key, part)
        if isinstance(inner, (dict, list)):
            yield from paths(inner, (*key, part))


def _resolve(parts: tuple[str, ...], counts: dict[Key, int], *, new: bool) -> Key:
    """Put the current index behind every name that is an array of tables; start a new element if asked."""
    key: Key = ()
    for place, part in enumerate(parts):
        key = (*key, part)
        if new and place == len(parts) - 1:
            counts[key] = counts.get(key, 0) + 1
        if key in counts:
            key = (*key, counts[key] - 1)
    return key
