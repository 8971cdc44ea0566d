"""Edit laws by hand: fix constants at values and rewrite parts; the provenance records the change."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.extrapolation import provenance_of_changed
from kanopt.formulas.grammar import CALLED
from kanopt.formulas.nodes import Constant, Node, Power, fold, postorder, rebuild
from kanopt.formulas.parameters import is_parameter, parameters_of
from kanopt.formulas.parser import parse_as
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.spelling import ATOM, TextPart, Writer, number, quoted_name

LONGEST_RECORD = 20_000
"""Characters of the provenance that earlier changes may take up."""


class _PatternWriter(Writer):
    """A lossless notation of a law: constants by name, other numbers with all their digits.

    Curves and tables with the name of a function are written in back-quotes.
    """

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        if isinstance(node, Constant) and is_parameter(node):
            return TextPart(quoted_name(node.name), ATOM)
        if isinstance(node, Power) and is_parameter(node.exponent):
            # a power to b, though b is one half at present
            return self.raised(*parts)
        text = super().visit(node, parts)
        if isinstance(node, Curve | Step | Table) and node.name in CALLED:
            return TextPart(f"`{node.name}`{text.text.removeprefix(node.name)}", text.level)
        return text

    def number(self, value: float) -> str:
        return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)


def _written(root: Node) -> str:
    return fold(root, _PatternWriter().visit).text


def pattern(formula: BaseFormula) -> str:
    """Return the formula in one line with names of constants instead of values, as :meth:`edited` reads it.

    Numbers without a name have all their digits. Curves and tables that would read the same get numbers, such as
    ``step1(km)`` and ``step2(km)``, and those that are called like a function stand in back-quotes.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> parse_formula("a * km + 2", [Variable("km")], Variable("toll"), constants={"a": 0.12}).pattern
    'a · km + 2'
    """
    return _written(_rename_duplicates(formula.root))


def _pieces_of(root: Node) -> list[Curve | Step | Table]:
    return [node for node in postorder(root) if isinstance(node, Curve | Step | Table)]


def _rename_duplicates(root: Node) -> Node:
    """Return the graph with distinct names, such as s1 and s2, for tabulated functions that would read the same."""
    by_text: dict[str, list[Curve | Step | Table]] = {}
    for piece in _pieces_of(root):
        by_text.setdefault(_written(piece), []).append(piece)
    groups = [group for group in by_text.values() if len(group) > 1]
    if not groups:
        return root
    taken: set[str] = {*CALLED, *(piece.name for piece in _pieces_of(root))}
    names: dict[bytes, str] = {}
    for group in groups:
        own = (name for k in count(1) if (name := f"{group[0].name}{k}") not in taken)
        names |= {piece.key: name for piece, name in zip(group, own, strict=False)}

    def visit(node: Node, children: list[Node]) -> Node:
        new = node.with_children(children) if children else node
        renamed = node.key in names and isinstance(new, Curve | Step | Table)
        return replace(new, name=names[node.key]) if renamed else new  # type: ignore[type-var]

    return fold(root, visit)


def fix_constants(formula: AnyFormula, values: Mapping[str, float]) -> AnyFormula:
    """Return the law with constants held at values; :meth:`refit` estimates the others beside them.

    Parameters
    ----------
    values
        Name of a constant to the value that it has from now on, as part of the structure.

    Raises
    ------
    FormulaError
        If a name is that of no constant, a value is no finite number, or there are none.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("a * km^b", [Variable("km")], Variable("fuel"), constants={"a": 0.5, "b": 0.97})
    >>> held = law.fixed({"b": 1.0})
    >>> print(held, held.provenance["fixed"])
    0.5 · km b = 1, was 0.97
    """
    if not isinstance(values, Mapping) or not values:
        raise FormulaError(
            f"{formula.title}: fixed({values!r:.50}) must map constants to values, such as {{'c1': 1.0}}"
        )
    known = parameters_of(formula.root)
    held = {}
    for name, value in values.items():
        if name not in known:
            raise FormulaError(
                f"{formula.title}: {name!r} is no constant of it; {_nearest_hint(name, known)}"
            )
        held[name] = _number(value, name, formula)
    errors = formula.covariance.standard_errors if formula.covariance else {}

    def was(name: str) -> str:
        error = f" ± {number(errors[name])}" if name in errors else ""
        return f"{name} = {number(held[name].value)}, was {number(known[name])}{error}"

    def put(node: Node) -> Node:
        return held.get(node.name, node) if isinstance(node, Constant) and is_parameter(node) else node

    root = simplify_graph(rebuild(formula.root, put))
    for node in postorder(root):
        if isinstance(node, Power) and node.base == Constant(0.0) and _is_negative_constant(node.exponent):
            raise FormulaError(f"{formula.title}: with {'; '.join(map(was, held))} it divides by zero")
    return _with_graph(formula, root, "fixed", "; ".join(map(was, held)))


def _is_negative_constant(exponent: Node) -> bool:
    return isinstance(exponent, Constant) and exponent.value < 0.0


def _nearest_hint(name: Any, known: Collection[str]) -> str:
    return nearest(str(name), known) if known else "none of its numbers has a name"


def _number(value: Any, name: str, formula: BaseFormula) -> Constant:
    try:
        if isinstance(value, bool | str):
            raise TypeError
        return Constant(float(value))
    except (TypeError, ValueError, OverflowError, FormulaError):
        raise FormulaError(
            f"{formula.title}: the constant {name!r} cannot be held at {value!r:.50}, no finite number"
        ) from None


def edit_text(formula: AnyFormula, text: str, constants: Mapping[str, float] | None = None) -> AnyFormula:
    """Return the law rewritten by hand; :meth:`refit` then estimates the constants that have a name.

    Parameters
    ----------
    text
        The new formula, of the same inputs. It may name constants of the old one, which keep their values, and
        curves, staircases and tables as they stand in :attr:`pattern`, the text to begin with: ``"c1 + s(hour)"``.
    constants
        Values of new constants, and other values of old ones.

    Returns
    -------
    Formula
        Without fit, alternatives and standard errors, which were those of another law.

    Raises
    ------
    FormulaError
        If the text is no formula of the inputs, or names a constant without a value.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("a * km^b", [Variable("km")], Variable("fuel"), constants={"a": 0.5, "b": 0.97})
    >>> new = law.edited("start + a * km", {"start": 0.3})
    >>> print(new)
    0.3 + 0.5 · km
    >>> new.provenance["edited by hand"]
    'was a · km^b'
    """
    if constants is not None and not isinstance(constants, Mapping):
        raise FormulaError(
            f"{formula.title}: constants={constants!r:.50} must map names to values, such as {{'c1': 1.0}}"
        )
    values = parameters_of(formula.root) | dict(constants or {})
    pieces = _pieces_of(_rename_duplicates(formula.root))
    new = parse_as(BaseFormula, text, formula.inputs, formula.output, constants=values, pieces=pieces)

    def valued(node: Node) -> Node:
        # within a curve too a constant has the value that it has from now on
        named = isinstance(node, Constant) and is_parameter(node)
        return Constant(values[node.name], node.name) if named and isinstance(node, Constant) else node

    return _with_graph(formula, rebuild(new.root, valued), "edited by hand", f"was {pattern(formula)}")


def _with_graph(formula: AnyFormula, root: Node, what: str, note: str) -> AnyFormula:
    """Return the law with another graph; its fit, standard errors and covariance are dropped."""
    earlier = formula.provenance.get(what)

    def bare(node: Node) -> Node:
        # the errors were those beside the old parts
        uncertain = isinstance(node, Constant) and node.standard_error is not None
        return Constant(node.value, node.name) if uncertain and isinstance(node, Constant) else node

    record = f"{note}; before that {earlier}" if earlier else note
    return replace(
        formula,
        root=rebuild(root, bare),
        fit=None,
        provenance={**provenance_of_changed(formula, root), what: record[:LONGEST_RECORD]},
        alternatives=(),
        covariance=None,
    )
