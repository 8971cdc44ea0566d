"""Laws changed by hand: constants held at a value, parts written anew, with the change on record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.nodes import Constant, Input, Node, postorder, rebuilt
from kanopt.formulas.parameters import is_parameter, names_in, parameters_of
from kanopt.formulas.parser import parse_formula
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import number, plain
from kanopt.formulas.simplify import simplified

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["edited", "fixed", "pattern"]


def pattern(formula: Formula) -> str:
    """Return the formula in one line, with the names of its constants in the place of their values."""

    def named(node: Node) -> Node:
        # a name is printed as that of an input is
        return Input(node.name) if isinstance(node, Constant) and is_parameter(node) else node

    return plain(rebuilt(formula.root, named))


def fixed(formula: Formula, values: Mapping[str, float]) -> Formula:
    """Return the law with constants held at values: they are part of its structure from then on.

    Raises
    ------
    FormulaError
        If a name is that of no constant, or a value is no finite number.
    """
    known = parameters_of(formula.root)
    held = {}
    for name, value in values.items():
        if name not in known:
            raise FormulaError(
                f"formula for {formula.output.name!r}: {name!r} is no constant of it; {nearest(name, known)}"
            )
        held[name] = Constant(value)  # which refuses what is no number
    errors = formula.covariance.standard_errors if formula.covariance else {}

    def was(name: str) -> str:
        error = f" ± {number(errors[name])}" if name in errors else ""
        return f"{name} = {number(held[name].value)}, was {number(known[name])}{error}"

    def put(node: Node) -> Node:
        parameter = isinstance(node, Constant) and is_parameter(node)
        return held.get(node.name, node) if parameter and isinstance(node, Constant) else node

    return _by_hand(formula, simplified(rebuilt(formula.root, put)), "fixed", "; ".join(map(was, held)))


def edited(formula: Formula, text: str, constants: Mapping[str, float] | None = None) -> Formula:
    """Return the law with another text, which may name its constants, curves and tables.

    Raises
    ------
    FormulaError
        If the text is no formula of the inputs, or a constant is new and has no value.
    """
    values = parameters_of(formula.root) | dict(constants or {})
    pieces = {plain(node): node for node in postorder(formula.root) if isinstance(node, Curve | Step | Table)}
    new = parse_formula(
        text, formula.inputs, formula.output, per=formula.per, constants=values, pieces=pieces
    )
    return _by_hand(formula, new.root, "edited by hand", f"was {pattern(formula)}")


def _by_hand(formula: Formula, root: Node, what: str, note: str) -> Formula:
    """Return the law with another graph; how well it fits, and how well its constants are known, is open again."""
    earlier = formula.provenance.get(what)
    kept = {node.name for node in postorder(formula.root) if isinstance(node, Constant)} & names_in(root)

    def bare(node: Node) -> Node:
        # the errors were those beside the old parts
        constant = isinstance(node, Constant) and node.name in kept and node.standard_error is not None
        return Constant(node.value, node.name) if constant and isinstance(node, Constant) else node

    return replace(
        formula,
        root=rebuilt(root, bare),
        fit=None,
        provenance={**formula.provenance, what: f"{note}; before that {earlier}" if earlier else note},
        alternatives=(),
        covariance=None,
    )
