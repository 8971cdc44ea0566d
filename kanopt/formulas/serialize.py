"""Save formulas as JSON files, and load them safely.

The nodes are stored in one flat list, children before parents, and refer to each other by index, so that the nesting of
a file is bounded. What a record or a kind of node holds is read off its fields and their types: reading checks the type
of every field and builds the formula through its constructors, which check the rest. A key with a default may be
missing. Nothing in a file is executed or imported, and files that are too large or too deep are refused early.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass, replace
from functools import cache
from itertools import repeat
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from kanopt.errors import FileFormatError, KanoptError, nearest
from kanopt.files import read_file, replace_file
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.nodes import KINDS, Node, kind_of, postorder
from kanopt.formulas.variables import check_name

FORMAT = "kanopt formula"
VERSION = 1
LARGEST_FILE = 5_000_000
LONGEST_LIST = 200_000
_SHOWN = 60
_LABELS = ("name", "per")
"""Fields that name something in a formula, or are empty."""

_WHOLE = "formula"
"""What errors call the record of the whole file."""
_PLAIN: Mapping[Any, tuple[tuple[type, ...], str]] = {
    float: ((int, float), "a number"),
    int: ((int,), "a whole number"),
    str: ((str,), "a text"),
    bool: ((bool,), "true or false"),
}


def to_json(formula: BaseFormula) -> str:
    """Return a formula as JSON text.

    Examples
    --------
    >>> from kanopt.formulas import Formula, Variable, parse_formula
    >>> fuel = parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l"))
    >>> Formula.from_json(to_json(fuel)) == fuel
    True
    """
    laws = [formula, *(each.law for each in formula.alternatives if each.law is not None)]
    order = list({node.key: node for law in laws for node in postorder(law.root)}.values())
    index = {node.key: place for place, node in enumerate(order)}
    content: dict[str, Any] = {"format": FORMAT, "version": VERSION}
    for field in fields(formula):
        value = getattr(formula, field.name)
        content[field.name] = index[value.key] if field.name == "root" else _to_plain(value, index)
    content["nodes"] = [{"kind": kind_of(type(node)), **_to_plain(node, index)} for node in order]
    text = json.dumps(content, allow_nan=False, indent=1)
    if len(text) > LARGEST_FILE // 2 and len(laws) > 1:
        # many curves, for each step of a network once again: the law matters, and what was considered is told in words
        told = tuple(replace(each, law=None) for each in formula.alternatives)
        return to_json(replace(formula, alternatives=told))
    return text


def _to_plain(value: Any, index: Mapping[bytes, int]) -> Any:
    """Return a dataclass, tuple or mapping as JSON types, and child nodes as indices."""
    if is_dataclass(value) and not isinstance(value, type):
        parts = {field.name: getattr(value, field.name) for field in fields(value)}
        return {n: index[p.key] if isinstance(p, Node) else _to_plain(p, index) for n, p in parts.items()}
    if isinstance(value, tuple):
        return [index[part.key] if isinstance(part, Node) else _to_plain(part, index) for part in value]
    return dict(value) if isinstance(value, Mapping) else value


def from_json(kind: type[AnyFormula], text: str, largest: int = LARGEST_FILE) -> AnyFormula:
    """Read a formula from JSON text of so many characters at most; see :meth:`kanopt.formulas.Formula.from_json`."""
    if not isinstance(text, str):
        raise FileFormatError(f"a formula file is text, not {type(text).__name__}")
    if len(text) > largest:
        raise FileFormatError(f"a formula file of {len(text):,} characters is too large, at most {largest:,}")
    try:
        content = json.loads(text)
    except (RecursionError, ValueError) as error:
        raise FileFormatError(f"this is no formula file: it is no JSON, or cut off: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileFormatError(f'this is no formula file: it does not begin with {{"format": "{FORMAT}"}}')
    if content.get("version") != VERSION:
        raise FileFormatError(
            f"formula file of version {_shown(content.get('version'))}: this kanopt reads version {VERSION}; "
            "save it again with the kanopt that wrote it, or update"
        )
    reader = _Reader(kind)
    written = content.pop("nodes", None)
    if type(written) is not list:
        raise _format_error("nodes", "a list", written)
    for place, item in enumerate(written):
        reader.add_node(item, f"nodes[{place}]")
    del content["format"], content["version"]
    formula: AnyFormula = reader.record(content, kind, _WHOLE)
    return formula


def save(formula: BaseFormula, path: str | Path) -> Path:
    """Write the formula to a JSON file."""
    return replace_file(path, to_json(formula) + "\n")


def load(kind: type[AnyFormula], path: str | Path) -> AnyFormula:
    """Read a formula from a file; see :meth:`kanopt.formulas.Formula.load`."""
    source = Path(path)
    content = read_file(source, LARGEST_FILE, "a formula file")
    try:
        return from_json(kind, content.decode("utf-8-sig"))  # some editors begin with a mark
    except UnicodeDecodeError:
        raise FileFormatError(f"{source}: this is no text in UTF-8") from None
    except FileFormatError as error:
        raise FileFormatError(f"{source}: {error}") from error


def _format_error(path: str, expected: str, found: Any) -> FileFormatError:
    return FileFormatError(f"{path}: expected {expected}, found {_shown(found)}")


def _shown(value: Any) -> str:
    """Return a value as shown in errors."""
    if isinstance(value, str):
        return repr(value[:_SHOWN]) + ("…" if len(value) > _SHOWN else "")
    return repr(value)[:_SHOWN] if isinstance(value, int | float | None) else type(value).__name__


@cache
def _shape_of(kind: type, formula: type) -> tuple[dict[str, Any], frozenset[str]]:
    """Return the type of every field of a record, and which keys must be there."""
    hints = get_type_hints(kind, localns={"BaseFormula": formula})
    held = fields(kind)
    needed = (each.name for each in held if each.default is MISSING and each.default_factory is MISSING)
    return {each.name: hints[each.name] for each in held}, frozenset(needed)


@cache
def _taken_apart(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    return get_origin(hint), get_args(hint)


class _Reader:
    """What reads a file into formulas of a type; the nodes come first, each over those before it."""

    def __init__(self, formula: type) -> None:
        self.formula = formula
        self.nodes: list[Node] = []

    def add_node(self, value: Any, path: str) -> None:
        """Read a node over those before it."""
        if type(value) is not dict:
            raise _format_error(path, "an object", value)
        kind = _plain(value.pop("kind", None), str, f"{path}.kind")
        if kind not in KINDS:
            raise FileFormatError(
                f"{path}: unknown kind of node {_shown(kind)}; {nearest(kind[:_SHOWN], KINDS)}"
            )
        self.nodes.append(self.record(value, KINDS[kind], path))

    def record(self, value: Any, kind: type, path: str) -> Any:
        """Read an object whose keys are the fields of a record."""
        if type(value) is not dict:
            raise _format_error(path, "an object", value)
        shape, needed = _shape_of(kind, self.formula)
        for key in value:
            if key not in shape:
                raise FileFormatError(f"{path}: unknown key {_shown(key)}; {nearest(key[:_SHOWN], shape)}")
        for key in shape:
            if key in needed and key not in value:
                raise FileFormatError(f"{path}: {key!r} is missing")
        if (
            issubclass(kind, BaseFormula)
            and path != _WHOLE
            and (value.get("alternatives") or value.get("parts"))
        ):
            raise FileFormatError(f"{path}: a formula inside another one has neither alternatives nor parts")
        parts = {key: self._read(item, shape[key], f"{path}.{key}") for key, item in value.items()}
        try:
            for key in _LABELS:
                if parts.get(key):
                    check_name(parts[key], f"{path}.{key}")
            return kind(**parts)
        except FileFormatError:
            raise
        except KanoptError as error:
            raise FileFormatError(f"{path}: {error}") from error

    def _read(self, value: Any, hint: Any, path: str) -> Any:
        """Read a value of a type: a plain one, one of several, a tuple, texts by text, an earlier node, or a record."""
        if hint in _PLAIN:
            return _plain(value, hint, path)
        origin, parts = _taken_apart(hint)
        if origin in (Union, UnionType):
            if value is None and NoneType in parts:
                return None
            is_list = type(value) is list  # which stands for the tuple among them
            known = [part for part in parts if part is not NoneType]
            fitting = [part for part in known if (_taken_apart(part)[0] is tuple) == is_list]
            return self._read(value, (fitting or known)[0], path)
        if origin is Literal:
            if value not in parts:
                raise _format_error(path, " or ".join(map(repr, parts)), value)
            return value
        if origin is tuple:
            return self._items(value, parts, path)
        if origin is not None:
            if type(value) is not dict:
                raise _format_error(path, "an object", value)
            return {key: self._read(item, parts[1], f"{path}.{key[:_SHOWN]}") for key, item in value.items()}
        if not issubclass(hint, Node):
            return self.record(value, hint, path)
        # an earlier node, so that no file can contain a cycle
        if type(value) is not int or not 0 <= value < len(self.nodes):
            raise _format_error(path, f"the position of one of the {len(self.nodes)} nodes before it", value)
        return self.nodes[value]

    def _items(self, value: Any, parts: Sequence[Any], path: str) -> tuple[Any, ...]:
        """Read a list, of any length where the parts of its type end with an ellipsis."""
        alike = parts[-1] is ...
        if type(value) is not list or not (alike or len(value) == len(parts)):
            fixed = "a pair" if len(parts) == 2 else f"a list of {len(parts)}"
            raise _format_error(path, "a list" if alike else fixed, value)
        if len(value) > LONGEST_LIST:
            raise FileFormatError(f"{path}: a list of {len(value):,} is too long, at most {LONGEST_LIST:,}")
        hints = repeat(parts[0], len(value)) if alike else parts
        return tuple(
            self._read(item, hint, f"{path}[{place}]")
            for place, (item, hint) in enumerate(zip(value, hints, strict=True))
        )


def _plain(value: Any, hint: type, path: str) -> Any:
    """Read a number, a whole number, a text, or yes or no."""
    kinds, what = _PLAIN[hint]
    if type(value) not in kinds or (hint is int and not 0 <= value < 2**53):
        raise _format_error(path, what, value)
    if hint is not float:
        return value
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FileFormatError(f"{path}: the number is too large")
    return number
