"""A scenario file over its base: merged keys that still know where each of them stands, and what is wrong with them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from kanopt.errors import FileFormatError, Issue, ScenarioError
from kanopt.faults import Message, said
from kanopt.files import require_path
from kanopt.validation import describe_value, invalid_values
from kanopt.whatif.scenario_files.toml_positions import Key, TomlDocument, read_document, write_key

if TYPE_CHECKING:
    pass


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


# Naming one of these in an entry that the base has too replaces the entry instead of completing it.
_SOURCES = {"tables": ("path", "url"), "surrogates": ("table", "formula", "file")}

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
        return _path_within(
            self.place(key)[0].path.parent / given, given, None if self.outside else self.path.parent
        )

    def issue(self, mistake: Mistake) -> Issue:
        """Return a mistake with its file and line."""
        document, key = self.place(mistake.key)
        implied = mistake.key[_depth(self.key_positions, mistake.key) :]
        message = said(mistake.message, in_file=True)
        return Issue(str(document.path), document.line(key), write_key((*key, *implied)), message)

    def error(self, mistakes: Iterable[Mistake]) -> ScenarioError:
        """Return the error that names all mistakes in the order of the files, base first."""
        order = {str(document.path): -place for place, document in enumerate(self.documents)}
        issues = dict.fromkeys(self.issue(mistake) for mistake in mistakes)
        return ScenarioError(sorted(issues, key=lambda issue: (order[issue.file], issue.line)))

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
    if folder is not None and not _real(path).is_relative_to(_real(folder)):
        raise FileFormatError(
            f"{given!r:.200} lies outside the folder of the scenario; copy it there, or allow files outside with "
            "--allow-outside (in Python: allow_outside=True)"
        )
    return path


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
    while (base := _base_of(documents[-1], None if outside else path.parent)) is not None:
        documents.append(_read_base(base, documents))
    return merged(documents, outside=outside)


def merged(documents: Sequence[TomlDocument], *, outside: bool = False) -> Layers:
    """Return a file and its bases as one; see :func:`read_layers`."""
    data: dict[str, Any] = {}
    places: dict[Key, tuple[TomlDocument, Key]] = {}
    for document in reversed(documents):
        _place_keys(document, data, places)
        data = _merge(data, document.data, ())
    return Layers(tuple(documents), data, places, outside)


def _base_of(document: TomlDocument, within: Path | None) -> Path | None:
    head = document.data.get("scenario")
    base = head.get("base") if isinstance(head, dict) else None
    if base is None:
        return None
    if not isinstance(base, str) or not base:
        raise _base_error(document, f'must be a file such as "base.toml", not {describe_value(base)}')
    try:
        return _path_within(Path(os.path.normpath(document.path.parent / base)), base, within)
    except FileFormatError as error:
        raise _base_error(document, str(error)) from None


def _read_base(base: Path, documents: list[TomlDocument]) -> TomlDocument:
    seen = [_real(document.path) for document in documents]
    if _real(base) in seen:
        names = [document.path.name for document in documents[seen.index(_real(base)) :]]
        loop = " → ".join([*names, names[0]])
        raise _base_error(documents[-1], f"the bases form a loop: {loop}")
    if not base.is_file():
        try:
            read_document(base)
        except ScenarioError as error:
            raise _base_error(documents[-1], f"{str(base)!r}: {error.issues[0].message}") from None
    return read_document(base)


def _base_error(document: TomlDocument, message: str) -> ScenarioError:
    key: Key = ("scenario", "base")
    return ScenarioError([Issue(str(document.path), document.line(key), write_key(key), message)])


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
