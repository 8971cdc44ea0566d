"""Save formulas as JSON files, and load them safely.

The nodes are stored in one flat list, children before parents, and refer to each other by index, so that the nesting of
a file is bounded. Reading checks the type of every field and builds the formula through its constructors, which check
the rest; nothing in a file is executed or imported, and files that are too large or too deep are refused early.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from kanopt.errors import FileFormatError, KanoptError, nearest
from kanopt.files import read_file, replace_file
from kanopt.formulas.domain import Domain, Range
from kanopt.formulas.error_model import ErrorModel
from kanopt.formulas.fit import Alternative, Fit, VerdictReason
from kanopt.formulas.formula import Formula
from kanopt.formulas.joint_tests import JointTest
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Sum,
    postorder,
)
from kanopt.formulas.noise import Noise
from kanopt.formulas.parameters import Covariance
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.shapes import Point, ShapeFact
from kanopt.formulas.variables import Variable, check_name

__all__ = ["from_json", "load", "save", "to_json"]

FORMAT = "kanopt formula"
VERSION = 1
LARGEST_FILE = 5_000_000
LONGEST_LIST = 200_000
_SHOWN = 60

Reader: TypeAlias = Callable[[Any, str, Sequence[Node]], Any]


def to_json(formula: Formula) -> str:
    """Return a formula as JSON text.

    Examples
    --------
    >>> from kanopt.formulas import Formula, parse_formula
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
    content["nodes"] = [{"kind": _KINDS[type(node)], **_to_plain(node, index)} for node in order]
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


def from_json(text: str) -> Formula:
    """Read a formula from JSON text; see :meth:`kanopt.formulas.Formula.from_json`."""
    if not isinstance(text, str):
        raise FileFormatError(f"a formula file is text, not {type(text).__name__}")
    if len(text) > LARGEST_FILE:
        raise FileFormatError(
            f"a formula file of {len(text):,} characters is too large, at most {LARGEST_FILE:,}"
        )
    try:
        content = json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_repetition)
    except RecursionError:
        raise FileFormatError("this is no formula file: it nests too deep") from None
    except ValueError as error:
        if isinstance(error, FileFormatError):
            raise
        raise FileFormatError(f"this is no formula file: {_json_fault(text, error)}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise FileFormatError(f'this is no formula file: it does not begin with {{"format": "{FORMAT}"}}')
    if content.get("version") != VERSION:
        raise FileFormatError(
            f"formula file of version {_shown(content.get('version'))}: this kanopt reads version {VERSION}; "
            "save it again with the kanopt that wrote it, or update"
        )
    nodes: list[Node] = []
    for place, item in enumerate(_items(content.pop("nodes", None), "nodes")):
        nodes.append(_node(item, f"nodes[{place}]", nodes))
    del content["format"], content["version"]
    _complete(content)
    formula: Formula = _record(Formula, _FORMULA)(content, "formula", nodes)
    return formula


def _complete(content: dict[str, Any]) -> None:
    """Add fields that files of earlier versions lack."""
    content.setdefault("covariance", None)
    content.setdefault("shapes", [])
    content.setdefault("parts", [])
    _complete_law(content)
    alternatives = content.get("alternatives")
    for each in alternatives if isinstance(alternatives, list) else ():
        if isinstance(each, dict):
            each.setdefault("length", None)
            each.setdefault("law", None)
            each.setdefault("rival", False)
            each.setdefault("rung", "")
            each.setdefault("refused", "")
            _complete_law(each["law"])
    parts = content["parts"]
    for part in parts if isinstance(parts, list) else ():
        _complete_law(part)


def _complete_law(content: Any) -> None:
    """Add what the fit and the domain of a law lack, whether it stands by itself or inside another one."""
    if not isinstance(content, dict):
        return
    fit, domain = content.get("fit"), content.get("domain")
    if isinstance(fit, dict):
        fit.setdefault("errors", None)
        fit.setdefault("lowest", None)
        fit.setdefault("findings", [])
        if isinstance(fit["errors"], dict):
            fit["errors"].setdefault("noise_shape", None)
            if isinstance(fit["errors"]["noise_shape"], dict):
                fit["errors"]["noise_shape"].setdefault("group_size", 0.0)
    if isinstance(domain, dict):
        for key in ("quantiles", "commonest", "rare", "orders"):
            domain.setdefault(key, [])
    ranges = domain.get("ranges") if isinstance(domain, dict) else None
    for each in ranges if isinstance(ranges, list) else ():
        if isinstance(each, dict):
            each.setdefault("sparse", [])


def save(formula: Formula, path: str | Path) -> Path:
    """Write a formula to a file atomically."""
    return replace_file(path, to_json(formula) + "\n")


def load(path: str | Path) -> Formula:
    """Read a formula from a file; see :meth:`kanopt.formulas.Formula.load`."""
    source = Path(path)
    content = read_file(source, LARGEST_FILE, "a formula file")
    try:
        return from_json(content.decode("utf-8-sig"))  # some editors begin with a mark
    except UnicodeDecodeError:
        raise FileFormatError(f"{source}: this is no text in UTF-8") from None
    except FileFormatError as error:
        raise FileFormatError(f"{source}: {error}") from error


def _json_fault(text: str, error: ValueError) -> str:
    """Say why a text is no JSON: that it is cut off, where it ends too early, else the fault and its place."""
    if not text.strip():
        return "it is empty"
    begun = text.lstrip().startswith("{") and not text.rstrip().endswith("}")
    return "it is cut off before its end; save the formula again" if begun else f"it is no JSON: {error}"


def _no_constant(name: str) -> float:
    raise FileFormatError(f"this is no formula file: {name} is no number")


def _no_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise FileFormatError("this is no formula file: an object has a key twice")
    return found


def _format_error(path: str, expected: str, found: Any) -> FileFormatError:
    return FileFormatError(f"{path}: expected {expected}, found {_shown(found)}")


def _shown(value: Any) -> str:
    """Return a value as shown in errors."""
    if isinstance(value, str):
        return repr(value[:_SHOWN]) + ("…" if len(value) > _SHOWN else "")
    return repr(value)[:_SHOWN] if isinstance(value, int | float | None) else type(value).__name__


def _number(value: Any, path: str, nodes: Sequence[Node]) -> float:
    if type(value) not in (int, float):
        raise _format_error(path, "a number", value)
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise FileFormatError(f"{path}: the number is too large")
    return number


def _integer(value: Any, path: str, nodes: Sequence[Node]) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise _format_error(path, "a whole number", value)
    return value


def _text(value: Any, path: str, nodes: Sequence[Node]) -> str:
    if type(value) is not str:
        raise _format_error(path, "a text", value)
    return value


def _boolean(value: Any, path: str, nodes: Sequence[Node]) -> bool:
    if type(value) is not bool:
        raise _format_error(path, "true or false", value)
    return value


def _child(value: Any, path: str, nodes: Sequence[Node]) -> Node:
    """Read a reference to an earlier node, so that no file can contain a cycle."""
    if type(value) is not int or not 0 <= value < len(nodes):
        raise _format_error(path, f"the position of one of the {len(nodes)} nodes before it", value)
    return nodes[value]


def _texts_by_text(value: Any, path: str, nodes: Sequence[Node]) -> dict[str, str]:
    if type(value) is not dict:
        raise _format_error(path, "an object", value)
    return {key: _text(item, f"{path}.{key[:_SHOWN]}", nodes) for key, item in value.items()}


def _name(value: Any, path: str, nodes: Sequence[Node]) -> str:
    """Read an optional name."""
    text = _text(value, path, nodes)
    try:
        return check_name(text, path) if text else ""
    except KanoptError as error:
        raise FileFormatError(str(error)) from error


def _items(value: Any, path: str) -> list[Any]:
    if type(value) is not list:
        raise _format_error(path, "a list", value)
    if len(value) > LONGEST_LIST:
        raise FileFormatError(f"{path}: a list of {len(value):,} is too long, at most {LONGEST_LIST:,}")
    return value


def _optional(reader: Reader) -> Reader:
    return lambda value, path, nodes: None if value is None else reader(value, path, nodes)


def _many(reader: Reader) -> Reader:
    return lambda value, path, nodes: tuple(
        reader(item, f"{path}[{place}]", nodes) for place, item in enumerate(_items(value, path))
    )


def _text_or_texts(value: Any, path: str, nodes: Sequence[Node]) -> str | tuple[str, ...]:
    found: str | tuple[str, ...] = (_many(_text) if type(value) is list else _text)(value, path, nodes)
    return found


def _pair(first: Reader, second: Reader) -> Reader:
    def read(value: Any, path: str, nodes: Sequence[Node]) -> tuple[Any, Any]:
        if type(value) is not list or len(value) != 2:
            raise _format_error(path, "a pair", value)
        return first(value[0], f"{path}[0]", nodes), second(value[1], f"{path}[1]", nodes)

    return read


def _record(kind: type, shape: Mapping[str, Reader]) -> Reader:
    """Return a reader of an object with exactly these keys, all of them built into `kind`."""

    def read(value: Any, path: str, nodes: Sequence[Node]) -> Any:
        if type(value) is not dict:
            raise _format_error(path, "an object", value)
        for key in value:
            if key not in shape:
                raise FileFormatError(f"{path}: unknown key {_shown(key)}; {nearest(key[:_SHOWN], shape)}")
        for key in shape:
            if key not in value:
                raise FileFormatError(f"{path}: {key!r} is missing")
        parts = {key: reader(value[key], f"{path}.{key}", nodes) for key, reader in shape.items()}
        try:
            return kind(**parts)
        except FileFormatError:
            raise
        except KanoptError as error:
            raise FileFormatError(f"{path}: {error}") from error

    return read


def _node(value: Any, path: str, nodes: Sequence[Node]) -> Node:
    if type(value) is not dict:
        raise _format_error(path, "an object", value)
    kind = _text(value.get("kind"), f"{path}.kind", nodes)
    if kind not in _NODES:
        raise FileFormatError(
            f"{path}: unknown kind of node {_shown(kind)}; {nearest(kind[:_SHOWN], _NODES)}"
        )
    made, shape = _NODES[kind]
    rest = {key: item for key, item in value.items() if key != "kind"}
    node: Node = _record(made, shape)(rest, path, nodes)
    return node


_NODES: Mapping[str, tuple[type[Node], Mapping[str, Reader]]] = {
    "constant": (Constant, {"value": _number, "name": _name, "standard_error": _optional(_number)}),
    "input": (Input, {"name": _text}),
    "sum": (Sum, {"terms": _many(_child)}),
    "product": (Product, {"factors": _many(_child)}),
    "maximum": (Maximum, {"parts": _many(_child)}),
    "minimum": (Minimum, {"parts": _many(_child)}),
    "power": (Power, {"base": _child, "exponent": _child}),
    "apply": (Apply, {"function": _text, "argument": _child}),
    "curve": (
        Curve,
        {
            "name": _text,
            "argument": _child,
            "coefficients": _many(_number),
            "low": _number,
            "high": _number,
            "periodic": _boolean,
        },
    ),
    "step": (
        Step,
        {"argument": _child, "breakpoints": _many(_number), "values": _many(_number), "name": _text},
    ),
    "table": (
        Table,
        {
            "inputs": _many(_text),
            "entries": _many(_pair(_many(_text), _number)),
            "fallback": _optional(_number),
            "name": _text,
        },
    ),
}
_KINDS = {made: kind for kind, (made, _) in _NODES.items()}

_VARIABLE: Mapping[str, Reader] = {
    "name": _text,
    "unit": _text,
    "kind": _text,
    "low": _optional(_number),
    "high": _optional(_number),
    "categories": _many(_text),
}
_NOISE: Mapping[str, Reader] = {
    "share": _number,
    "by": _text,
    "groups": _integer,
    "group_size": _number,
    "usual": _number,
    "quantiles": _many(_pair(_number, _number)),
    "gross_share": _number,
    "gross": _many(_number),
}
_ERRORS: Mapping[str, Reader] = {
    "shift": _number,
    "factor": _number,
    "covariance": _many(_number),
    "spread": _number,
    "power": _number,
    "level": _number,
    "rows": _integer,
    "noise_shape": _optional(_record(Noise, _NOISE)),
}
_FINDING: Mapping[str, Reader] = {
    "level": _text,
    "message": _text,
    "advice": _text,
    "kind": _text,
    "columns": _many(_text),
    "rows": _many(_text),
}
_FIT: Mapping[str, Reader] = {
    "r2": _number,
    "rmse": _number,
    "mae": _number,
    "ratio": _number,
    "rows_train": _integer,
    "rows_test": _integer,
    "data_hash": _text,
    "smearing": _number,
    "residual_quantiles": _many(_pair(_number, _number)),
    "errors": _optional(_record(ErrorModel, _ERRORS)),
    "lowest": _optional(_number),
    "findings": _many(_record(VerdictReason, _FINDING)),
}
_JOINT: Mapping[str, Reader] = {
    "names": _many(_text),
    "log": _many(_boolean),
    "centre": _many(_number),
    "scale": _many(_number),
    "inverse": _many(_many(_number)),
    "threshold": _number,
}
_RANGE: Mapping[str, Reader] = {
    "name": _text,
    "low": _number,
    "high": _number,
    "sparse": _many(_pair(_number, _number)),
}
_DOMAIN: Mapping[str, Reader] = {
    "ranges": _many(_record(Range, _RANGE)),
    "categories": _many(_pair(_text, _many(_text))),
    "joints": _many(_record(JointTest, _JOINT)),
    "quantiles": _many(_pair(_text, _many(_number))),
    "commonest": _many(_pair(_text, _text)),
    "rare": _many(_pair(_text, _many(_text))),
    "orders": _many(_pair(_text, _text)),
}
_COVARIANCE: Mapping[str, Reader] = {
    "names": _many(_text),
    "matrix": _many(_many(_number)),
    "degrees_of_freedom": _optional(_number),
}
_POINT: Mapping[str, Reader] = {
    "numbers": _many(_pair(_text, _number)),
    "categories": _many(_pair(_text, _text)),
    "value": _optional(_number),
}
_SHAPE: Mapping[str, Reader] = {
    "shape": _text,
    "input": _text_or_texts,
    "bound": _optional(_number),
    "verdict": _text,
    "boxes": _integer,
    "left": _number,
    "slack": _number,
    "witness": _many(_record(Point, _POINT)),
    "why": _text,
    "basis": _text,
}
_LAW: Mapping[str, Reader] = {
    "root": _child,
    "inputs": _many(_record(Variable, _VARIABLE)),
    "output": _record(Variable, _VARIABLE),
    "per": _name,
    "fit": _optional(_record(Fit, _FIT)),
    "domain": _record(Domain, _DOMAIN),
    "provenance": _texts_by_text,
    "alternatives": _many(_child),
    "covariance": _optional(_record(Covariance, _COVARIANCE)),
    "shapes": _many(_record(ShapeFact, _SHAPE)),
    "parts": _many(_child),
}
"""A formula inside another one, which has neither alternatives nor parts."""
_ALTERNATIVE: Mapping[str, Reader] = {
    "complexity": _number,
    "error": _number,
    "chosen": _boolean,
    "text": _text,
    "length": _optional(_number),
    "law": _optional(_record(Formula, _LAW)),
    "rival": _boolean,
    "rung": _text,
    "refused": _text,
}
_FORMULA: Mapping[str, Reader] = {
    **_LAW,
    "alternatives": _many(_record(Alternative, _ALTERNATIVE)),
    "parts": _many(_record(Formula, _LAW)),
}
