"""Save formulas as JSON files, and load them safely.

The nodes are stored in one flat list, children before parents, and refer to each other by index, so that the nesting of
a file is bounded. What a record or a kind of node holds is read off its fields and their types by pydantic: it checks
the type of every field and builds the formula through its constructors, which check the rest. A key with a default may
be missing. Nothing in a file is executed or imported, and files that are too large or too deep are refused early.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from kanopt.errors import FileFormatError, FormulaError, nearest
from kanopt.files import read_file, replace_file
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.nodes import KINDS, Node, kind_of, postorder
from kanopt.formulas.variables import check_name

FORMAT = "kanopt formula"
VERSION = 1
LARGEST_FILE = 5_000_000
_SHOWN = 60


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
    # half a letter, as in the name of a file that is no text, is no JSON to pydantic
    text = json.dumps(content, allow_nan=False, indent=1, ensure_ascii=False)
    text = text.encode("utf-8", "replace").decode("utf-8")
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
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise FileFormatError(f'this is no formula file: it does not begin with {{"format": "{FORMAT}"}}')
    version, written = content.pop("version", None), content.pop("nodes", None)
    if version != VERSION:
        raise FileFormatError(
            f"formula file of version {version!r:.{_SHOWN}}: this kanopt reads version {VERSION}; "
            "save it again with the kanopt that wrote it, or update"
        )
    nodes: list[Node] = []
    if not isinstance(written, list):
        raise FileFormatError(f"nodes: expected a list, found {written!r:.{_SHOWN}}")
    for place, item in enumerate(written):
        name = item.pop("kind", None) if isinstance(item, dict) else None
        if not isinstance(name, str) or name not in KINDS:
            known = nearest(str(name)[:_SHOWN], KINDS)
            raise FileFormatError(f"nodes[{place}]: unknown kind of node {name!r:.{_SHOWN}}; {known}")
        nodes.append(_read(KINDS[name], item, nodes, f"nodes[{place}]"))
    formula: AnyFormula = _read(kind, content, nodes, "formula")
    laws = [("parts", law) for law in getattr(formula, "parts", ())]
    laws += [("alternatives", each.law) for each in formula.alternatives if each.law is not None]
    for where, law in laws:
        if law.alternatives or getattr(law, "parts", ()):
            raise FileFormatError(
                f"formula.{where}: a formula inside another one has neither alternatives nor parts"
            )
        if law.per:
            check_name(law.per, f"formula.{where}.per")
    # formulas that were considered are of the same type
    considered = (
        each
        if each.law is None
        else replace(each, law=kind(**{one.name: getattr(each.law, one.name) for one in fields(each.law)}))
        for each in formula.alternatives
    )
    return replace(formula, alternatives=tuple(considered))


def _read(kind: Any, item: Any, nodes: list[Node], path: str) -> Any:
    """Read an object whose keys are the fields of a record."""
    try:
        found = _adapter_of(kind).validate_json(json.dumps(item), context=nodes)
        for label in ("name", "per"):  # which are empty, or a name in every export
            if text := getattr(found, label, ""):
                check_name(text, f"{path}.{label}")
        return found
    except FormulaError as error:
        raise FileFormatError(str(error)) from error
    except ValidationError as errors:
        first = errors.errors()[0]
        where = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part:.{_SHOWN}}" for part in first["loc"]
        )
        known = first.get("ctx", {}).get("error")
        told = f"{first['msg']}, found {first['input']!r:.{_SHOWN}}" if known is None else str(known)
        raise FileFormatError(f"{path}{where}: {told}") from errors


@cache
def _adapter_of(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


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
