"""Parse formulas from untrusted text.

The language has numbers, names, ``+ - * / ^`` (or ``**``), the functions of the library, ``min`` and ``max``. Nothing
of a text is compiled or executed (:mod:`kanopt.formulas.parser`), so that text from strangers is safe.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.domain import Domain
from kanopt.formulas.functions import FUNCTIONS
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
    computed,
)
from kanopt.formulas.parameters import is_parameter
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import to_infix
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.variables import Variable, check_name, is_finite, variable_of, variables_of
from kanopt.formulas.verdict import learned_laws
from kanopt.text import list_names, number_text

# The text of a formula from untrusted hands: its tokens, the tree of them, and the steps that are built of
# it.
#
# The language of formulas and that of texts about columns share all of it. The tree is that of Python's
# grammar, which :mod:`ast` makes: before Python sees a text every number, every name and every text in
# quotes in it has become a name ``_0``, ``_1``, …, so that operators, brackets, commas and ``and``, ``or``,
# ``not`` and ``in`` are all that is left of Python's language. Nothing is compiled or run.

LONGEST = 10_000
DEEPEST = 60
LARGEST_EXPONENT = 100.0
MOST_OPERATORS = 1_000
"""Operators of a text, for each of which Python may go one level deeper."""

CONSTANTS = {"pi": math.pi}
_ALIASES = {"ln": "log", "arctan": "atan", "Abs": "abs", "Max": "max", "Min": "min"}
"""Other names of functions, those of sympy among them."""
_SEVERAL: Mapping[str, type[Maximum] | type[Minimum]] = {"max": Maximum, "min": Minimum}
CALLED = frozenset({*FUNCTIONS, *_ALIASES, *_SEVERAL})
"""Every name that means a function in a text."""

WORDS = (
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]*)`"
)
ARITHMETIC = r"\*\*|[-+*/^(),·×÷−]"
_OPENING, _CLOSING = frozenset("(["), frozenset(")]")
_SIGNS = {
    **{"**": "^", "·": "*", "×": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!="},
    **{"=": "==", "&": "and", "&&": "and", "|": "or", "||": "or"},
}
"""Signs of other languages, and what they are here."""


@dataclass(frozen=True)
class Token:
    """A token: number, name, quoted (a name in back-quotes), sign or end, and its position in the text."""

    kind: str
    text: str
    place: int


class FormulaText:
    """A text that is read, and the steps that its parts become; a step of numbers alone becomes its value.

    Parameters
    ----------
    text
        The text.
    what
        What errors call it.

    Raises
    ------
    FormulaError
        If it is no text, too long, or has a character that no token begins with.
    """

    pattern = re.compile(rf"\s*(?:{WORDS}|(?P<sign>{ARITHMETIC})|(?P<wrong>\S))")
    position = "{what}, column"
    """How an error begins; the number of a character follows."""
    more_calls: tuple[str, ...] = ()
    """Names of functions beside those of a formula, for hints."""
    keywords: tuple[str, ...] = ()
    """Names that are operators."""

    def __init__(self, text: str, what: str) -> None:
        if not isinstance(text, str):
            raise FormulaError(f"{what}: a formula is a text, not {text!r}")
        if len(text) > LONGEST:
            raise FormulaError(f"{what}: {len(text):,} characters are too many, at most {LONGEST:,}")
        self.text, self.what = text, what
        self.tokens = list(self._read())
        self.written = ""
        """The text as Python reads it."""
        self._numbers: list[int] = []
        """The token that each character of it comes from."""

    def _read(self) -> Iterator[Token]:
        place, end = 0, len(self.text.rstrip())
        while place < end:
            match = self.pattern.match(self.text, place)
            kind = match.lastgroup if match else None
            if match is None or kind is None or kind == "wrong":
                start = match.start("wrong") if match and kind else place
                raise self.error(f"{self.text[start]!r} has no place in a formula", start)
            word = match[kind]
            if kind == "name" and word.lower() in self.keywords:
                kind, word = "sign", word.lower()
            yield Token(kind, _SIGNS.get(word, word) if kind == "sign" else word, match.start(kind))
            place = match.end()
        yield Token("end", "", end)

    def error(self, why: str, place: int) -> FormulaError:
        """Return an error that shows the position in the text."""
        first = max(0, place - 50)
        shown = "".join(s if s.isprintable() else " " for s in self.text[first : first + 100])
        caret = " " * (place - first) + "^"
        return FormulaError(
            f"{self.position.format(what=self.what)} {place + 1}: {why}\n  {shown}\n  {caret}"
        )

    def tree(self) -> ast.expr:
        """Return the text as Python reads it; its brackets and operators are counted before."""
        self._check_size()
        words = [self._as_python(number) for number in range(len(self.tokens) - 1)]
        self.written = " ".join(words)
        self._numbers = [number for number, word in enumerate(words) for _ in range(len(word) + 1)]
        try:
            return ast.parse(self.written, mode="eval").body
        except (MemoryError, RecursionError):  # of a caller that is deep itself
            raise self.error("it nests too deep to be read here", 0) from None
        except SyntaxError as error:
            inside = 0 < (error.offset or 0) <= len(self._numbers)
            place = self.tokens[self._numbers[(error.offset or 1) - 1] if inside else -1].place
            why = "an operator, a number, a name or a bracket is missing here, or one is too much"
            raise self.error(why, place) from None

    def _as_python(self, number: int) -> str:
        token = self.tokens[number]
        if token.kind != "sign":
            return f"_{number}"
        return "**" if token.text == "^" else token.text

    def _check_size(self) -> None:
        """Refuse a text that nests too deep, or has too many operators, for Python's parser."""
        depth = operators = 0
        for token in self.tokens[:-1]:
            if token.kind == "sign":
                depth += (token.text in _OPENING) - (token.text in _CLOSING)
                operators += token.text not in (*_OPENING, *_CLOSING, ",")
            if depth > DEEPEST:
                raise self.error(f"brackets nest deeper than {DEEPEST}", token.place)
            if operators > MOST_OPERATORS:
                raise self.error(f"there are more than {MOST_OPERATORS:,} operators", token.place)

    def place(self, node: ast.expr) -> int:
        """Return where a part begins in the text."""
        return self.token(node).place

    def token(self, node: ast.expr) -> Token:
        """Return the token with which a part of the tree begins: the whole of a name."""
        return self.tokens[self._numbers[node.col_offset]]

    def is_bracketed(self, node: ast.expr) -> bool:
        """Return whether a part that begins at its own first token stands in brackets."""
        return self.written[: node.col_offset].rstrip().endswith("(")

    def computed(self, node: ast.expr) -> Node:
        """Return what is computed by the arithmetic that all languages share."""
        match node:
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                odd, inner = without_signs(node, (ast.USub, ast.UAdd))
                number = self.step(inner)
                return self.fold_number(-number, self.place(node)) if odd else number
            case ast.BinOp(op=ast.Pow(), left=base, right=exponent):
                _, inner = without_signs(exponent, (ast.USub, ast.UAdd))
                again = isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Pow)
                if again and not (self.is_bracketed(inner) or self.is_bracketed(exponent)):
                    why = "a power of a power is ambiguous; use brackets"
                    raise self.error(why, self.place(exponent))
                places = self.place(node), self.place(exponent)
                return self.power_of(self.step(base), self.step(exponent), *places)
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return self.fold_number(Sum(self._parts(node, ast.Add, ast.Sub)), self.place(node))
            case ast.BinOp(op=ast.Mult() | ast.Div()):
                return self.fold_number(Product(self._parts(node, ast.Mult, ast.Div)), self.place(node))
        raise self.error("here stand numbers, comparisons and functions of columns", self.place(node))

    def step(self, node: ast.expr) -> Node:
        """Return the step that a part of the tree becomes."""
        raise NotImplementedError

    def _parts(
        self, node: ast.expr, plain: type[ast.operator], inverse: type[ast.operator]
    ) -> tuple[Node, ...]:
        """Return what is added up or multiplied; however many they are, they become one step."""
        written: list[tuple[bool, ast.expr]] = []
        begin = node.col_offset  # what stands in brackets begins behind one
        while (
            isinstance(node, ast.BinOp) and isinstance(node.op, plain | inverse) and node.col_offset == begin
        ):
            written.append((isinstance(node.op, inverse), node.right))
            node = node.left
        parts = [self.step(node)]
        for is_inverse, each in reversed(written):
            part, place = self.step(each), self.place(each)
            if is_inverse:
                part = self.divisor(part, place) if inverse is ast.Div else self.fold_number(-part, place)
            parts.append(part)
        return tuple(parts)

    def fold_number(self, node: Node, place: int) -> Node:
        """Return the node, or its value as a constant if it consists of numbers only."""
        if any(not isinstance(child, Constant) or is_parameter(child) for child in node.children):
            return node
        return self._finite(float(computed(node)), place)

    def number(self, token: Token) -> Constant:
        """Return a number of the text."""
        return self._finite(float(token.text), token.place)

    def _finite(self, value: float, place: int) -> Constant:
        if not math.isfinite(value):
            raise self.error("this is not a finite number", place)
        return Constant(value)

    def divisor(self, node: Node, place: int) -> Node:
        """Return the factor that divides by a step."""
        if node == Constant(0.0):
            raise self.error("division by zero", place)
        return self.fold_number(Power(node, Constant(-1.0)), place)

    def power_of(self, base: Node, exponent: Node, start: int, place: int) -> Node:
        """Return a power that begins at `start` and whose exponent begins at `place`."""
        if isinstance(exponent, Constant) and abs(exponent.value) > LARGEST_EXPONENT:
            value, largest = number_text(exponent.value, 6), number_text(LARGEST_EXPONENT)
            raise self.error(f"the exponent {value} is beyond ±{largest}", place)
        return self.fold_number(Power(base, exponent), start)

    def applied(self, token: Token, arguments: Sequence[Node]) -> Node:
        """Return a function of steps."""
        name = _ALIASES.get(token.text, token.text)
        if name in _SEVERAL:
            if len(arguments) < 2:
                raise self.error(f"{name} takes two or more arguments", token.place)
            return self.fold_number(_SEVERAL[name](tuple(arguments)), token.place)
        if len(arguments) != 1:
            raise self.error(f"{name} takes one argument, not {len(arguments)}", token.place)
        return self.fold_number(Apply(name, arguments[0]), token.place)

    def no_function(self, token: Token, others: Iterable[str] = ()) -> FormulaError:
        """Return an error about a name that is called and means no function."""
        near = nearest(token.text[:60], [*FUNCTIONS, *_SEVERAL, *self.more_calls, *others])
        return self.error(f"unknown function {token.text[:60]!r}; {near}", token.place)


def without_signs(node: ast.expr, ranks: tuple[type[ast.unaryop], ...]) -> tuple[bool, ast.expr]:
    """Return what stands behind signs of one rank, and whether those that turn it, which is the first, are odd."""
    odd = False
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ranks):
        odd ^= isinstance(node.op, ranks[0])
        node = node.operand
    return odd, node


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
        per=per or (used[0].per if len({law.per for law in used}) == 1 else ""),
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
    low = max((bound for bound in (known.low, other.low) if bound is not None), default=None)
    high = min((bound for bound in (known.high, other.high) if bound is not None), default=None)
    allowed = known.categories or other.categories
    if other.categories:
        allowed = tuple(label for label in allowed if label in other.categories)
    if (other.categories and not allowed) or (low is not None and high is not None and low > high):
        raise FormulaError(
            f"formula for {what!r}: input {known.name!r} is declared differently by the laws; nowhere do all hold"
        )
    return replace(known, unit=known.unit or other.unit, low=low, high=high, categories=allowed)


def _checked_constants(
    constants: Mapping[str, Any], inputs: Mapping[str, Variable], laws: Mapping[str, BaseFormula], what: str
) -> dict[str, Constant]:
    """Return constants with a name; every name means one thing, and their values are finite."""
    if both := [name for name in inputs if name in laws]:
        raise FormulaError(f"formula for {what!r}: {both[0]!r} is both an input and a law; rename one")
    known = [(inputs, "an input"), (laws, "a law"), (CONSTANTS, "a known number"), (CALLED, "a function")]
    for name, value in constants.items():
        check_name(name, "constant")
        kind = next((kind for names, kind in known if name in names), "")
        if kind:
            raise FormulaError(f"formula for {what!r}: the constant {name!r} is also {kind}; rename it")
        if not is_finite(value):
            raise FormulaError(
                f"formula for {what!r}: the constant {name!r} is {value!r:.50}, no finite number"
            )
    return {name: Constant(float(value), name) for name, value in constants.items()}


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
            case ast.Call(func=ast.Name(), args=arguments, keywords=[]):
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
        raise self.error(f"unknown name {name[:60]!r}; {nearest(name[:60], names)}", token.place)

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
