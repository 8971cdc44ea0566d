"""The text of a formula from untrusted hands: its tokens, the tree of them, and the steps that are built of it.

The language of formulas and that of texts about columns share all of it. The tree is that of Python's grammar, which
:mod:`ast` makes: before Python sees a text every number, every name and every text in quotes in it has become a name
``_0``, ``_1``, …, so that operators, brackets, commas and ``and``, ``or``, ``not`` and ``in`` are all that is left of
Python's language. Nothing is compiled or run.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.functions import FUNCTIONS
from kanopt.formulas.nodes import Apply, Constant, Maximum, Minimum, Node, Power, Product, Sum, computed
from kanopt.formulas.parameters import is_parameter
from kanopt.text import number_text

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
_SIGNS = {"**": "^", "·": "*", "×": "*", "÷": "/", "−": "-", "≤": "<=", "≥": ">=", "≠": "!=", "<>": "!="}


@dataclass(frozen=True)
class Token:
    """A token: number, name, quoted (a name in back-quotes), sign or end, and its position in the text."""

    kind: str
    text: str
    place: int


class _PowerSearch:
    """A search for powers that caches its results, since a large law may be used in many exponents.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> has_power = _PowerSearch()
    >>> has_power(1 / Input("x")), has_power(1 + Input("x") ** 2)
    (False, True)
    """

    def __init__(self) -> None:
        self._known: dict[bytes, bool] = {}

    def __call__(self, root: Node) -> bool:
        """Return whether a graph has a power other than a quotient."""
        stack = [(root, False)]
        while stack:
            node, ready = stack.pop()
            if node.key in self._known:
                continue
            if not ready:
                stack.append((node, True))
                stack += [(child, False) for child in node.children]
                continue
            own = isinstance(node, Power) and node.exponent != Constant(-1.0)
            self._known[node.key] = own or any(self._known[child.key] for child in node.children)
        return self._known[root.key]


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
        self.has_power = _PowerSearch()
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
        self._check_order()
        words = [self._as_python(number) for number in range(len(self.tokens) - 1)]
        self.written = " ".join(words)
        self._numbers = [number for number, word in enumerate(words) for _ in range(len(word) + 1)]
        try:
            return ast.parse(self.written, mode="eval").body
        except RecursionError:  # of a caller that is deep itself
            raise self.error("it nests too deep to be read here", 0) from None
        except SyntaxError as error:
            place = self._numbers[(error.offset or 1) - 1]
            why = "an operator, a number, a name or a bracket is missing here, or one is too much"
            raise self.error(why, self.tokens[place].place) from None

    def _as_python(self, number: int) -> str:
        token = self.tokens[number]
        if token.kind != "sign":
            return f"_{number}"
        return "**" if token.text == "^" else token.text

    def _check_order(self) -> None:
        """Refuse a text in which an operator, or what it works on, is missing, or that nests too deep."""
        if len(self.tokens) == 1:
            raise self.error("the formula is empty", 0)
        opened: list[Token] = []
        before, operators = Token("sign", "", 0), 0
        for token in self.tokens[:-1]:
            self.check_token(token)
            self._check_neighbours(before, token, opened)
            if token.kind == "sign":
                if token.text in _OPENING:
                    opened.append(token)
                elif token.text in _CLOSING:
                    opened.pop()
                else:
                    operators += token.text != ","
            if len(opened) > DEEPEST:
                raise self.error(f"brackets nest deeper than {DEEPEST}", token.place)
            if operators > MOST_OPERATORS:
                raise self.error(f"there are more than {MOST_OPERATORS:,} operators", token.place)
            before = token
        if not _ends_part(before):
            raise self.error("the formula ends too early", self.tokens[-1].place)
        if opened:
            raise self.error("this bracket is not closed", opened[-1].place)

    def check_token(self, token: Token) -> None:
        """Refuse a token that has no place in the language."""

    def _check_neighbours(self, before: Token, token: Token, opened: list[Token]) -> None:
        """Refuse a token that cannot stand behind another one."""
        text, is_sign = token.text, token.kind == "sign"
        if is_sign and (text in _CLOSING or text == ",") and not opened:
            raise self.error(f"{text!r} belongs to no bracket or function", token.place)
        if not _ends_part(before):
            empty = is_sign and text == "]" and before.text == "["
            follows = text in ("+", "-", "not") or (text == "in" and before.text == "not") or empty
            if is_sign and text not in _OPENING and not follows:
                raise self.error(f"a number or a name is missing before {text!r}", token.place)
        elif (not is_sign or text in _OPENING) and not (text == "(" and before.kind in ("name", "quoted")):
            closing = " or ')'" if opened else ""
            raise self.error(f"put an operator{closing} before {text!r}", token.place)

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
        if self.has_power(exponent):
            raise self.error("an exponent must not contain a power", place)
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


def _ends_part(token: Token) -> bool:
    """Return whether a token ends something that operators work on."""
    return token.kind != "sign" or token.text in _CLOSING
