"""The text of a formula from untrusted hands: its tokens, and the steps that are built of them.

The parser of formulas and that of texts about columns share both, so that the two languages have one arithmetic.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.functions import FUNCTIONS
from kanopt.formulas.nodes import Apply, Constant, Maximum, Minimum, Node, Power, computed
from kanopt.formulas.parameters import is_parameter
from kanopt.text import number_text

LONGEST = 10_000
DEEPEST = 60
LARGEST_EXPONENT = 100.0

CONSTANTS = {"pi": math.pi}
_ALIASES = {"ln": "log", "arctan": "atan"}
_SEVERAL: Mapping[str, type[Maximum] | type[Minimum]] = {"max": Maximum, "min": Minimum}
CALLED = frozenset({*FUNCTIONS, *_ALIASES, *_SEVERAL})
"""Every name that means a function in a text."""

WORDS = (
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)|(?P<name>[^\W\d]\w*)|`(?P<quoted>[^`]*)`"
)
ARITHMETIC = r"\*\*|[-+*/^(),·×÷−]"
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

    def __init__(self, text: str, what: str) -> None:
        if not isinstance(text, str):
            raise FormulaError(f"{what}: a formula is a text, not {text!r}")
        if len(text) > LONGEST:
            raise FormulaError(f"{what}: {len(text):,} characters are too many, at most {LONGEST:,}")
        self.text, self.what = text, what
        self.has_power = _PowerSearch()
        self.tokens = list(self._read())

    def _read(self) -> Iterator[Token]:
        place, end = 0, len(self.text.rstrip())
        while place < end:
            match = self.pattern.match(self.text, place)
            kind = match.lastgroup if match else None
            if match is None or kind is None or kind == "wrong":
                start = match.start("wrong") if match and kind else place
                raise self.error(f"{self.text[start]!r} has no place in a formula", start)
            word = match[kind]
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

    def fold_number(self, node: Node, place: int) -> Node:
        """Return the node, or its value as a constant if it consists of numbers only."""
        if any(not isinstance(child, Constant) or is_parameter(child) for child in node.children):
            return node
        return self.number(float(computed(node)), place)

    def number(self, value: float, place: int) -> Constant:
        """Return a number; refuse one that is not finite."""
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


def normalised_text(tokens: Iterable[Token]) -> tuple[str, ...]:
    """Return a normal form of tokens, independent of spaces, needless back-quotes and the spelling of numbers.

    Examples
    --------
    >>> normalised_text([Token("quoted", "km", 0), Token("sign", "/", 4), Token("number", "2.50", 5)])
    ('`km', '/', '2.5')
    """

    def word(token: Token) -> str:
        if token.kind == "number":
            return repr(float(token.text))
        return token.text if token.kind == "sign" else f"`{token.text}"

    return tuple(map(word, tokens))
