"""TOML files over their bases: merged keys that know the line where each stands, and what is wrong with them.

`tomllib` reads the values and decides what is valid; it keeps no positions. Of a valid file the lines are found by
looking for what begins a statement, and where its value ends.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, field
from functools import cache, reduce
from importlib import import_module
from operator import or_
from pathlib import Path
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeAlias,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from kanopt.errors import FileFormatError, Issue, ScenarioError, nearest
from kanopt.faults import Message, describe_value, invalid_values, said, toml_key
from kanopt.files import read_file, require_path
from kanopt.formulas import BoundFormula
from kanopt.tables.table_reading import TABLE_FILES

Key = tuple[str | int, ...]

_HINTS = {
    "Invalid value": "; texts stand in quotes",
    "Expected newline or end of document": "; one key = value a line, and lists stand in [ ]",
    "Expected '=' after a key": "; write key = value",
    "Cannot overwrite a value": "; the key stands here for the second time",
    "Cannot declare": "; the table stands here for the second time",
}


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
        return self.lines.get(key[: _depth(self.lines, key)], 0)


def write_key(key: Key) -> str:
    """Write a key as in a TOML file, elements of arrays counted from 1.

    Examples
    --------
    >>> write_key(("changes", 0, "by"))
    'changes[1].by'
    >>> write_key(("problem", "planning", "clock.hour"))
    'problem.planning."clock.hour"'
    """
    parts = (f"[{part + 1}]" if isinstance(part, int) else f".{toml_key(part)}" for part in key)
    return "".join(parts).removeprefix(".")


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
_DEEPEST = 32
_MOST = (("[", 5_000, "lists and tables"), ("=", 20_000, "keys"), (",", 20_000, "elements"))
# one part after another with dots between; looked for from the beginning of a part only, so that it takes linear time
_DEEP = re.compile(r"""(?<![\w"'.-])(?:(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')[ \t]*+\.[ \t]*+){32}""")

_DOTTED = r"""(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+')(?:[ \t]*+\.[ \t]*+(?:[\w-]++|"[^"\n]*+"|'[^'\n]*+'))*+"""
_STATEMENT = re.compile(rf"\s*+(?:(?P<head>\[\[?+)\s*+(?P<name>{_DOTTED})\s*+\]|(?P<key>{_DOTTED})\s*+=)")
"""How a line begins that names a table, or a key with its value."""
_SIGN = re.compile(r"\"{3}|'{3}|\"(?:\\.|[^\"\\])*\"|'[^']*'|#|[\[\]]")
"""What begins a long text, a short text, a comment, and what begins and ends a list."""


def read_document(path: Path) -> TomlDocument:
    """Read a TOML file.

    Raises
    ------
    ScenarioError
        If the file is missing, is a table or no regular file, has over a million bytes or more keys than any
        scenario, is not UTF-8, or is not TOML; names the line.
    """
    line, wrong = 0, ""
    try:
        if path.suffix.lower() in TABLE_FILES and path.is_file():
            told = f"a table, not a scenario file; kanopt init {path.name} begins one with it, and "
            raise FileFormatError(f"{told}[tables] of a scenario file names it")
        raw = read_file(path, _LARGEST, "a scenario file")
        text = raw.decode("utf-8-sig")
        if too_much := _beyond_limits(text):
            raise FileFormatError(too_much)
        data = tomllib.loads(text)
        return TomlDocument(path, data, _lines(text, data), hashlib.sha256(raw).hexdigest())
    except (FileFormatError, FileNotFoundError) as error:
        wrong = str(error).removeprefix(f"{path}: ")
    except OSError as error:
        wrong = f"cannot be read: {error.strerror or error}"
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        wrong = f"byte {raw[error.start]:#04x} is not UTF-8; save the file as UTF-8"
    except tomllib.TOMLDecodeError as error:
        line, wrong = _syntax(str(error), text)
    except RecursionError:
        wrong = "nests lists or tables too deep"
    except ValueError as error:  # tomllib does not catch the error of int on very long numbers
        wrong = f"not TOML that can be read: {error}"
    raise ScenarioError([Issue(str(path), line, "", wrong)])


def _beyond_limits(text: str) -> str:
    """Say what of a text is more than any scenario has; a file of 40 kB can otherwise take gigabytes to read."""
    if _DEEP.search(text):
        return f"has a key of more than {_DEEPEST} parts; no section of a scenario lies so deep"
    for sign, most, what in _MOST:
        if text.count(sign) > most:
            return f"has more than {most:,} {what}; keep data in tables of their own"
    return ""


def _syntax(message: str, text: str) -> tuple[int, str]:
    """Split tomllib's message into the line and what is wrong there."""
    found = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    what = message[: found.start()] if found else message
    what += next((hint for start, hint in _HINTS.items() if what.startswith(start)), "")
    if found is None or found[1] is None:
        return max(1, len(text.splitlines())), f"not TOML: {what} (at the end of the file)"
    return int(found[1]), f"not TOML: {what} (column {found[2]})"


def _lines(text: str, data: Mapping[str, Any]) -> dict[Key, int]:
    """Return the line of every key of a document, each where its statement begins."""
    begun: dict[Key, int] = {}
    counts: dict[Key, int] = {}
    prefix: Key = ()
    long_text, lists = "", 0  # that go on
    for number, line in enumerate(text.split("\n"), start=1):
        found = None if lists or long_text else _STATEMENT.match(line)
        if found is not None and found["name"]:
            key = prefix = _resolve(split_key(found["name"]), counts, new=found["head"] == "[[")
        elif found is not None:
            key = (*prefix, *split_key(found["key"]))
        long_text, lists = _left_open(line, long_text, lists)
        # a table that is only named on the way to another one, as a in [a.b], has the line of the first
        for depth in range(1, len(key) + 1) if found is not None else ():
            begun.setdefault(key[:depth], number)
    return {key: begun.get(key[: _depth(begun, key)], 0) for key in paths(data)}


def _left_open(line: str, long_text: str, depth: int) -> tuple[str, int]:
    """Return the quotes of a long text that goes on after a line, and how many lists do, given those before it."""
    place = 0
    while True:
        if long_text:
            end = line.find(long_text, place)
            if end < 0:
                return long_text, depth
            place, long_text = end + len(long_text), ""
        sign = _SIGN.search(line, place)
        if sign is None or sign[0] == "#":
            return "", depth
        place = sign.end()
        if sign[0] in ('"' * 3, "'" * 3):
            long_text = sign[0]
        depth += (sign[0] == "[") - (sign[0] == "]")


def paths(value: Any, key: Key = ()) -> Iterator[Key]:
    """Yield the keys of nested tables and lists, each behind the key of the whole."""
    items = value.items() if isinstance(value, Mapping) else ()
    for part, inner in enumerate(value) if isinstance(value, list) else items:
        yield (*key, part)
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


class FileModel(BaseModel):
    """A table of a scenario file: strict types, no unknown keys, unchangeable once read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


Name: TypeAlias = Annotated[str, Field(min_length=1)]


class LawUse(FileModel):
    """A law where a problem wants one."""

    law: Name


_HOMES = ("routing", "scheduling", "supply", "decisions", "tables")
"""Packages of the classes whose arguments are keys."""


def class_called(name: str) -> Any:
    """Return a class of a kind of problem, which takes a moment to be imported; None where there is none so called."""
    homes = (import_module(f"kanopt.{kind}") for kind in _HOMES)
    return next((getattr(home, name) for home in homes if hasattr(home, name)), None)


def default_of(item: dataclasses.Field[Any], hint: Any) -> Any:
    """Return the default of an argument as a key has it."""
    if isinstance(hint, type) and issubclass(hint, FileModel):
        return Field(default_factory=hint)
    factory = item.default_factory
    return item.default if factory is MISSING else Field(default_factory=factory)


def as_written(hint: Any) -> Any:
    """Return a type of an argument as a file holds it: lists for sequences, the name of a law for a law."""
    origin, inner = get_origin(hint), get_args(hint)
    if dataclasses.is_dataclass(hint):
        return model_of(cast("type", hint))
    if origin is Annotated:
        rules: Any = (as_written(inner[0]), *inner[1:])
        return Annotated[rules]
    if origin in (Union, UnionType):
        if BoundFormula in inner:
            return LawUse | None if type(None) in inner else LawUse
        plain, marked = (str, int, float, bool, type(None)), (Annotated, Literal, tuple)
        held = [one for one in inner if one in plain or get_origin(one) in marked]  # what a file can hold
        return reduce(or_, map(as_written, held))
    if origin is collections.abc.Sequence:
        return list[as_written(inner[0])]  # type: ignore[misc]
    if origin is collections.abc.Mapping:
        return dict[inner[0], as_written(inner[1])]  # type: ignore[misc,valid-type]
    if origin is tuple:
        return Annotated[hint, Field(strict=False)]
    return hint


@cache
def model_of(kind: type) -> type[FileModel]:
    """Return the fields of a dataclass as a table of a file."""
    hints = {name: as_written(hint) for name, hint in get_type_hints(kind, include_extras=True).items()}
    fields = [(item, hints[item.name]) for item in dataclasses.fields(kind)]
    keys: dict[str, Any] = {item.name: (hint, default_of(item, hint)) for item, hint in fields}
    return create_model(kind.__name__, __base__=FileModel, __module__=__name__, **keys)


def __getattr__(name: str) -> type[FileModel]:
    """Return the model of a class that problems are made of, so that sections reach worker processes."""
    if not name.startswith("_") and dataclasses.is_dataclass(kind := class_called(name)):
        return model_of(cast("type", kind))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@dataclass(frozen=True)
class Mistake:
    """Something wrong under a key; the file and line are looked up later."""

    key: Key
    message: Message


def unknown(key: Key, what: str, word: str, known: Iterable[str]) -> list[Mistake]:
    """Return the mistake that a word is none of those that are known, with the nearest; nothing where it is one."""
    words = [*known]
    return [] if word in words else [Mistake(key, f"{what}; {nearest(word, words)}")]


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
    return re.split(r"\n(?![^\S\n])", "\n".join(str(error).splitlines()))


# Naming one of these in an entry that the base has too replaces the entry instead of completing it.
_SOURCES = {"tables": ("path",), "surrogates": ("table", "formula", "file")}

_LISTS = ("changes", "questions")
"""Lists whose elements follow those of the base."""


@dataclass(frozen=True)
class Layers:
    """A file, its base, the base of that, and so on, merged.

    Parameters
    ----------
    documents
        The file that was asked for, then its bases.
    data
        The merged keys: those of a file complete or replace those of its base; changes and questions follow one
        another.
    key_positions
        Merged key to the document it stands in and its key there.
    outside
        Whether files may be read that lie outside the folder of the file that was asked for.
    """

    documents: tuple[TomlDocument, ...]
    data: Mapping[str, Any]
    key_positions: Mapping[Key, tuple[TomlDocument, Key]] = field(repr=False)
    outside: bool = False

    @property
    def path(self) -> Path:
        """The file that was asked for."""
        return self.documents[0].path

    @property
    def name(self) -> str:
        """What the file that was asked for calls itself, else its own name."""
        return str(self.documents[0].data.get("scenario", {}).get("name") or self.path.stem)

    def path_of(self, key: Key, given: str) -> Path:
        """Return where a path under `key` leads: it is relative to the file in which it stands.

        Raises
        ------
        FileFormatError
            If it leads outside the folder of the file that was asked for, and that was not allowed.
        """
        within = None if self.outside else self.path.parent
        return _path_within(self.place(key)[0].path.parent / given, given, within)

    def issue(self, mistake: Mistake) -> Issue:
        """Return a mistake with its file and line."""
        document, key = self.place(mistake.key)
        implied = mistake.key[_depth(self.key_positions, mistake.key) :]
        message = said(mistake.message, {})
        return Issue(str(document.path), document.line(key), write_key((*key, *implied)), message)

    def error(self, mistakes: Iterable[Mistake]) -> ScenarioError:
        """Return the error that names all mistakes in the order of the files, base first."""
        order = {str(document.path): -place for place, document in enumerate(self.documents)}
        issues = dict.fromkeys(self.issue(mistake) for mistake in mistakes)
        return ScenarioError(sorted(issues, key=lambda issue: (order[issue.file], issue.line)))

    def error_at(self, key: Key, error: Exception) -> ScenarioError:
        """Return an error that may hold several messages as one that names them under a key."""
        return self.error(Mistake(key, line) for line in split_messages(error))

    def place(self, key: Key) -> tuple[TomlDocument, Key]:
        """Return the document in which a merged key stands, or the nearest above it, and its key there."""
        return self.key_positions.get(key[: _depth(self.key_positions, key)], (self.documents[0], ()))


def _depth(places: Mapping[Key, Any], key: Key) -> int:
    """Return how many parts of `key` are written somewhere."""
    return next((depth for depth in range(len(key), 0, -1) if key[:depth] in places), 0)


def _path_within(path: Path, given: str, folder: Path | None) -> Path:
    """Return a path, if it leads into a folder or below; links are followed.

    A scenario file may come from a stranger: what it names is read, and what is wrong with it is shown.

    Raises
    ------
    FileFormatError
        If it leads elsewhere, or is no path.
    """
    require_path(path)
    if folder is None or _real(path).is_relative_to(_real(folder)):
        return path
    raise FileFormatError(
        f"{given!r:.200} lies outside the folder of the scenario; copy it there, or allow files outside with "
        "--allow-outside (in Python: allow_outside=True)"
    )


def _real(path: Path) -> Path:
    """Return where a path leads; that of a link to itself is its own, and whoever opens it is told so."""
    return Path(os.path.realpath(path))


def read_layers(path: Path, *, outside: bool = False) -> Layers:
    """Read a scenario file and its bases.

    Parameters
    ----------
    path
        The file.
    outside
        Whether files may be read that lie outside its folder.

    Raises
    ------
    ScenarioError
        If one of the files is missing or is not TOML, or the bases form a loop.
    """
    documents = [read_document(path)]
    while (base := _base_of(documents, None if outside else path.parent)) is not None:
        documents.append(base)
    return merged(documents, outside=outside)


def merged(documents: Sequence[TomlDocument], *, outside: bool = False) -> Layers:
    """Return a file and its bases as one; see :func:`read_layers`."""
    data: dict[str, Any] = {}
    places: dict[Key, tuple[TomlDocument, Key]] = {}
    for document in reversed(documents):
        _place_keys(document, data, places)
        data = _merge(data, document.data, ())
    return Layers(tuple(documents), data, places, outside)


def _base_of(documents: Sequence[TomlDocument], within: Path | None) -> TomlDocument | None:
    """Return the file that the last of some documents varies; None where it varies none."""
    document = documents[-1]
    head = document.data.get("scenario")
    base = head.get("base") if isinstance(head, dict) else None
    if base is None:
        return None
    try:
        if not isinstance(base, str) or not base:
            raise FileFormatError(f'must be a file such as "base.toml", not {describe_value(base)}')
        path = _path_within(Path(os.path.normpath(document.path.parent / base)), base, within)
        seen = [_real(each.path) for each in documents]
        if _real(path) in seen:
            names = [each.path.name for each in documents[seen.index(_real(path)) :]]
            raise FileFormatError(f"the bases form a loop: {' → '.join([*names, names[0]])}")
        try:
            return read_document(path)
        except ScenarioError as error:
            if path.is_file():
                raise
            raise FileFormatError(f"{str(path)!r}: {error.issues[0].message}") from None
    except FileFormatError as error:
        key: Key = ("scenario", "base")
        issue = Issue(str(document.path), document.line(key), write_key(key), str(error))
        raise ScenarioError([issue]) from None


def _place_keys(
    document: TomlDocument, below: Mapping[str, Any], places: dict[Key, tuple[TomlDocument, Key]]
) -> None:
    """Record where the keys of a document stand, over those of its base."""
    offsets = {name: len(earlier) for name in _LISTS if isinstance(earlier := below.get(name), list)}
    for section in _SOURCES:
        entries = document.data.get(section)
        for name, entry in entries.items() if isinstance(entries, dict) else ():
            if isinstance(entry, dict) and _replaces((section, name), entry):
                for old in [old for old in places if old[:2] == (section, name)]:
                    del places[old]
    for key in document.lines:
        merged = key
        if key[0] in offsets and len(key) > 1 and isinstance(key[1], int):
            merged = (key[0], key[1] + offsets[str(key[0])], *key[2:])
        places[merged] = (document, key)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any], key: Key) -> dict[str, Any]:
    result = dict(below)
    for name, value in above.items():
        old, place = result.get(name), (*key, name)
        if len(place) == 1 and name in _LISTS and isinstance(old, list) and isinstance(value, list):
            result[name] = [*old, *value]
        elif isinstance(old, dict) and isinstance(value, dict) and not _replaces(place, value):
            result[name] = _merge(old, value, place)
        else:
            result[name] = value
    return result


def _replaces(key: Key, value: Mapping[str, Any]) -> bool:
    return len(key) == 2 and key[0] in _SOURCES and any(word in value for word in _SOURCES[str(key[0])])
