"""The laws of FastSRB: read from its expressions.yaml, as FastSRB draws them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import sympy
from _laws import EitherSign, Law, Variable, numeric

CONTENT = (
    "expressions.yaml of FastSRB (https://github.com/viktmar/FastSRB, in src), or the folder it is in; all of its laws "
    "or some"
)
_FUNCTIONS = {"sin", "cos", "tanh", "sqrt", "exp", "log", "neg", "pi"}
_BASES = ("m", "s", "kg", "K", "V")
_KINDS = {"uni": "float", "log": "log", "int": "int"}


def load_physics(path: Path, units: bool) -> list[Law]:
    """Read the laws; their inputs and targets with units, or none."""
    try:
        import yaml  # type: ignore[import-untyped]
    except ImportError:
        raise SystemExit("--data is read by PyYAML, which is not installed (pip install pyyaml)") from None
    file = path / "expressions.yaml" if path.is_dir() else path
    try:
        entries = yaml.safe_load(file.read_text())
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SystemExit(f"--data {path}: {error}; it must be {CONTENT}") from None
    if not isinstance(entries, dict):
        raise SystemExit(f"--data {path}: holds no laws by name; it must be {CONTENT}")
    try:
        return [_law(str(name), entry, units) for name, entry in entries.items()]
    except (KeyError, TypeError) as error:
        raise SystemExit(f"--data {path}: an entry lacks {error}; it must be {CONTENT}") from None


def half_of(laws: list[Law]) -> dict[str, str]:
    """Return which half each law is in: they take turns, since the file has easy ones first and kin side by side."""
    return {law.name: "report" if place % 2 else "tune" for place, law in enumerate(laws)}


def _law(name: str, entry: dict[str, Any], units: bool) -> Law:
    """Read one law, and check that some rows obey what it asks for.

    Left out are conditions x ≠ y, which no row drawn at random breaks; those on inputs that the law lacks (I.32.5);
    and what no row of 1,000 obeys: B10 asks for a cosine of at least 1, and means −1.
    """
    inputs = {key: value for key, value in entry["vars"].items() if key != "v0"}
    variables = tuple(_variable(key, value, units) for key, value in inputs.items())
    known = {key: sympy.Symbol(key, real=True) for key in inputs}
    unit = _unit(entry["vars"]["v0"]["units"]) if units else ""
    law = Law(name, _read(entry["prepared"], known), variables, str(entry["vars"]["v0"]["name"]), unit)
    rows = law.draw(1_000, np.random.default_rng(0))
    asked = [text for text in entry["constraints"] or [] if "!=" not in text and _names(text) <= set(known)]
    conditions = [_read(text, known) for text in asked]
    obeyed = tuple(each for each in conditions if numeric(each, law.symbols)(rows).any())
    return Law(name, law.expression, variables, law.target, unit, obeyed)


def _variable(name: str, entry: dict[str, Any], units: bool) -> Variable:
    kind, sign = entry["sample_type"]
    low, high = (float(bound) for bound in entry["sample_range"])
    if sign == "neg":
        low, high = -high, -low
    form = EitherSign if sign == "pos_neg" else Variable
    return form(name, low, high, _unit(entry["units"]) if units else "", _KINDS[kind])


def _unit(exponents: list[int]) -> str:
    powers = [f"{base}^{power}" for base, power in zip(_BASES, exponents, strict=True) if power]
    return "*".join(powers) or "1"


def _names(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w.])[A-Za-z]\w*", text)) - _FUNCTIONS


def _read(text: str, known: dict[str, sympy.Symbol]) -> sympy.Expr:
    """Read an expression or a condition; nothing but numbers, inputs and a few functions is let through to sympy."""
    strange = _names(text) - set(known)
    if strange or not re.fullmatch(r"[\w\s.+\-*/^()<>=]*", text):
        raise SystemExit(f"{text!r} holds {sorted(strange) or 'other signs'} besides inputs and functions")
    return sympy.sympify(text, locals={**known, "neg": lambda value: -value})
