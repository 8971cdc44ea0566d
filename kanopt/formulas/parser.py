"""Parse formulas from untrusted text.

The language has numbers, names, ``+ - * / ^`` (or ``**``), the functions of the library, ``min`` and ``max``. Nothing
of a text is compiled or executed (:mod:`kanopt.formulas.grammar`), so that text from strangers is safe.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.domain import Domain
from kanopt.formulas.grammar import CALLED, CONSTANTS, FormulaText, Token
from kanopt.formulas.nodes import Constant, Input, Node
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import to_infix
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.variables import Variable, check_name, hint, variable_of, variables_of
from kanopt.formulas.verdict import learned_laws
from kanopt.text import list_names

_PIECES_SHOWN = 5


def parse_as(
    kind: type[AnyFormula],
    text: str,
    inputs: Sequence[Variable | str],
    output: Variable | str,
    laws: Mapping[str, BaseFormula] | None = None,
    per: str = "",
    constants: Mapping[str, float] | None = None,
    pieces: Iterable[Curve | Step | Table] = (),
) -> AnyFormula:
    """Parse a hand-written formula; see :func:`kanopt.formulas.parse_formula`."""
    output = variable_of(output, "output")
    inputs = variables_of(inputs, f"formula for {output.name!r}")
    laws = {} if laws is None else laws
    own = {variable.name: variable for variable in inputs}
    for name in own:
        if name in laws:
            raise FormulaError(
                f"formula for {output.name!r}: {name!r} is both an input and a law; rename one"
            )
    parser = FormulaParser(text, own, laws, output.name)
    for piece in pieces:
        if not isinstance(piece, Curve | Step | Table):
            raise FormulaError(
                f"formula for {output.name!r}: pieces are curves, steps and tables, such as formula.curves, "
                f"not {piece!r:.80}"
            )
        parser.pieces.setdefault(piece.name, []).append(piece)
    parser.constants = _checked_constants({} if constants is None else constants, own, laws, output.name)
    root = parser.step(parser.tree())
    used = [laws[name] for name in parser.laws_used]
    return kind(
        root=root,
        inputs=_merged_inputs(inputs, used, output.name),
        output=output,
        per=per or _common_per(used),
        domain=Domain.intersection(law.domain for law in used),
        parts=tuple(replace(law, alternatives=(), parts=()) for law in learned_laws(used)),
        provenance={"text": text.strip()},
    )


def _merged_inputs(
    inputs: Sequence[Variable], laws: Sequence[BaseFormula], what: str
) -> tuple[Variable, ...]:
    """Return the declared inputs and those of the laws, each once; their units must agree."""
    merged = {variable.name: variable for variable in inputs}
    for law in laws:
        for variable in law.inputs:
            if variable.name not in law.used:
                continue
            known = merged.setdefault(variable.name, variable)
            if (known.unit or variable.unit) != (variable.unit or known.unit) or known.kind != variable.kind:
                raise FormulaError(
                    f"formula for {what!r}: input {variable.name!r} is {known.kind} [{known.unit}], but the law "
                    f"for {law.output.name!r} takes it as {variable.kind} [{variable.unit}]"
                )
            merged[variable.name] = _intersect_declarations(known, variable, what)
    return tuple(merged.values())


def _intersect_declarations(known: Variable, other: Variable, what: str) -> Variable:
    """Return the intersection of two declarations of an input."""
    lows = [bound for bound in (known.low, other.low) if bound is not None]
    highs = [bound for bound in (known.high, other.high) if bound is not None]
    low, high = max(lows, default=None), min(highs, default=None)
    allowed = known.categories or other.categories
    if known.categories and other.categories:
        allowed = tuple(label for label in allowed if label in other.categories)
        empty = not allowed
    else:
        empty = low is not None and high is not None and low > high
    if empty:
        raise FormulaError(
            f"formula for {what!r}: input {known.name!r} is declared differently by the laws; nowhere do all hold"
        )
    return replace(known, unit=known.unit or other.unit, low=low, high=high, categories=allowed)


def _common_per(laws: Sequence[BaseFormula]) -> str:
    """Return what one row is in all of the laws; empty if they differ."""
    return laws[0].per if len({law.per for law in laws}) == 1 else ""


def _checked_constants(
    constants: Mapping[str, Any], inputs: Mapping[str, Variable], laws: Mapping[str, BaseFormula], what: str
) -> dict[str, Constant]:
    """Return constants with a name; their names are those of nothing else, and their values finite."""
    known = [(inputs, "an input"), (laws, "a law"), (CONSTANTS, "a known number"), (CALLED, "a function")]
    for name, value in constants.items():
        check_name(name, "constant")
        for names, kind in known:
            if name in names:
                raise FormulaError(f"formula for {what!r}: the constant {name!r} is also {kind}; rename it")
        if not math.isfinite(_float(value)):
            shown = f"{value!r:.50}"
            raise FormulaError(f"formula for {what!r}: the constant {name!r} is {shown}, no finite number")
    return {name: Constant(float(value), name) for name, value in constants.items()}


def _float(value: Any) -> float:
    """Return a number as a float; NaN if it is not a number or too large."""
    try:
        return math.nan if isinstance(value, bool | str) else float(value)
    except (OverflowError, TypeError):
        return math.nan


class FormulaParser(FormulaText):
    """What reads the text of a formula.

    Parameters
    ----------
    text
        The text.
    inputs, laws
        What its names mean.
    what
        The name of its output, for errors.
    """

    def __init__(
        self, text: str, inputs: Mapping[str, Variable], laws: Mapping[str, BaseFormula], what: str
    ) -> None:
        super().__init__(text, f"formula for {what!r}")
        self.inputs, self.laws = inputs, laws
        self.laws_used: dict[str, None] = {}
        self.constants: Mapping[str, Constant] = {}
        self.pieces: dict[str, list[Any]] = {}

    def step(self, node: ast.expr) -> Node:
        """Return the step that a part of the tree becomes."""
        match node:
            case ast.Name():
                token = self.token(node)
                return self.named(token) if token.kind != "number" else self.number(token)
            case ast.Call(func=ast.Name(), args=arguments):
                return self.call(node, arguments)
        return self.computed(node)

    def named(self, token: Token) -> Node:
        """Return what a name means."""
        name = token.text
        if name in self.inputs:
            if self.inputs[name].is_category:
                raise self.error(
                    f"{name!r} is a category; a formula in text computes with numbers only", token.place
                )
            return Input(name)
        if name in self.laws:
            self.laws_used[name] = None
            return self.laws[name].root
        if name in self.constants:
            return self.constants[name]
        if name in CONSTANTS:
            return Constant(CONSTANTS[name], name)
        if name not in CALLED and name in self.pieces:
            shown = to_infix(self.pieces[name][0])
            raise self.error(f"{name!r} is a curve or table; write {shown:.80}", token.place)
        if name in CALLED:
            raise self.error(f"{name!r} is a function; write {name}(…)", token.place)
        names = [*self.inputs, *self.laws, *self.constants]
        raise self.error(f"unknown name {name[:60]!r}; {hint(name[:60], names)}", token.place)

    def piece(self, token: Token, arguments: Sequence[ast.expr]) -> Node:
        """Return the curve, step function or table that a call stands for, which is as it was learned."""
        known = self.pieces[token.text]
        read = [self.token(each).text for each in arguments if isinstance(each, ast.Name)]
        found = [each for each in known if isinstance(each, Table) and list(each.inputs) == read]
        if not found and len(arguments) == 1 and not all(isinstance(each, Table) for each in known):
            argument = simplify_graph(self.step(arguments[0]))
            plain = [(each, simplify_graph(part)) for each in known for part in each.children]
            # as it prints, with fewer digits, as long as that can mean one piece only
            alike = [(each, part) for each, part in plain if to_infix(part) == to_infix(argument)]
            found = [each for each, part in alike if part == argument] or [each for each, _ in alike]
        if len(found) != 1:
            shown = list_names([to_infix(each) for each in known], _PIECES_SHOWN, quoted=False)
            raise self.error(f"a curve or table stands as it was learned: {shown:.400}", token.place)
        return found[0]

    def call(self, node: ast.expr, arguments: Sequence[ast.expr]) -> Node:
        """Return what a name with a bracket behind it means."""
        token = self.token(node)
        if token.text in self.pieces and (token.kind == "quoted" or token.text not in CALLED):
            return self.piece(token, arguments)
        if token.kind == "quoted" or token.text in self.inputs or token.text in self.laws:
            raise self.error(
                f"{token.text!r} is no function; put an operator before the bracket", token.place
            )
        if token.text not in CALLED:
            raise self.no_function(token, self.pieces)
        return self.applied(token, [self.step(argument) for argument in arguments])
