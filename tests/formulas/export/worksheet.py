"""The part of Excel's worksheet language that exports use, evaluated strictly as Excel documents it.

A minus sign binds tighter than ``^``, which runs from left to right; literals have fifteen digits, the rest is cut;
text is compared without capitals; 0^0 is an error and a negative number has odd roots; an empty cell is zero; what is
beyond the limits of Excel is refused. Nothing here comes from kanopt.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any


@dataclass(frozen=True)
class XlError:
    """A value such as #N/A."""

    code: str


NA, NUM, DIV, VALUE, REF, NAME = map(XlError, ("#N/A", "#NUM!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?"))
Grid = list  # of rows, each a list of values
_TOKEN = re.compile(
    r"""(?P<number>(?:\d+\.?\d*|\.\d+)(?:[Ee][+-]?\d+)?)(?![\w.])|(?P<string>"(?:[^"]|"")*")
    |(?P<column>\[@(?:\w+|\[(?:'['\[\]\#@]|[^'\[\]\#@])+\])\])
    |(?P<cell>(?:'(?:[^']|'')+'!|[^\W\d][\w.]*!)?\$?[A-Za-z]{1,3}\$?[1-9]\d*(?![\w.(])(?::\$?[A-Za-z]{1,3}\$?\d+)?)
    |(?P<name>[^\W\d][\w.]*)|(?P<sign><=|>=|<>|[-+*/^%&=<>(){},;])""",
    re.VERBOSE,
)
_BINARY = ({"=", "<>", "<", ">", "<=", ">="}, {"&"}, {"+", "-"}, {"*", "/"}, {"^"})
Cells = Callable[[str], Any]


def parse(text: str) -> Any:
    """Return the tree of a formula that begins with an equals sign.

    Raises
    ------
    AssertionError
        If it is no formula, or more than Excel takes.
    """
    assert text.startswith("=")
    assert len(text) <= 8_192, "too long"
    tokens, place = [], 1
    while place < len(text):
        match = _TOKEN.match(text, place)
        assert match, f"cannot read {text[place : place + 40]!r}"
        tokens.append((match.lastgroup, match[0]))
        place = match.end()
    parser = _Parser([*tokens, ("end", "")])
    tree = parser.level(0)
    assert parser.next == ("end", ""), parser.next
    return tree


class _Parser:
    def __init__(self, tokens: Sequence[tuple[str | None, str]]) -> None:
        self.tokens, self.place, self.depth = tokens, 0, 0

    @property
    def next(self) -> tuple[str | None, str]:
        return self.tokens[self.place]

    def take(self, *signs: str) -> str:
        kind, text = self.next
        assert not signs or (kind == "sign" and text in signs), f"{text!r} where {signs} should be"
        self.place += 1
        return text

    def at(self, *signs: str) -> bool:
        return self.next[0] == "sign" and self.next[1] in signs

    def level(self, rank: int) -> Any:
        if rank == len(_BINARY):
            return self.percent()
        left = self.level(rank + 1)
        while self.at(*_BINARY[rank]):
            left = ("binary", self.take(), left, self.level(rank + 1))
        return left

    def percent(self) -> Any:
        value = self.unary()
        while self.at("%"):
            self.take()
            value = ("binary", "/", value, ("value", 100.0))
        return value

    def unary(self) -> Any:
        if self.at("-", "+"):
            sign = self.take()
            return ("minus", self.unary()) if sign == "-" else self.unary()
        return self.atom()

    def atom(self) -> Any:
        kind, text = self.next
        self.place += 1
        if kind == "number":
            return ("value", literal(text))
        if kind == "string":
            assert len(text) <= 257, "a text of more than 255 characters"
            return ("value", text[1:-1].replace('""', '"'))
        if kind == "column":
            inner = text[2:-1]
            return ("cell", re.sub("'(.)", r"\1", inner[1:-1]) if inner.startswith("[") else inner)
        if kind == "name" and self.at("("):
            return self.call(text)
        if kind in ("cell", "name"):
            return ("cell", text)
        if text == "{":
            return self.array()
        assert text == "(", text
        self.depth += 1
        assert self.depth <= 64, "too deep"
        value = self.level(0)
        self.take(")")
        self.depth -= 1
        return value

    def call(self, name: str) -> Any:
        assert name in _FUNCTIONS or name in _LAZY, f"no function {name}"
        self.take("(")
        self.depth += 1
        assert self.depth <= 64, "too deep"
        arguments = []
        while not self.at(")"):
            arguments.append(self.level(0))
            if not self.at(")"):
                self.take(",")
        self.take(")")
        self.depth -= 1
        assert len(arguments) <= 255, "too many arguments"
        return ("call", name, arguments)

    def array(self) -> Any:
        rows: Grid = [[]]
        while True:
            sign = -1.0 if self.at("-") and self.take() else 1.0
            kind, _text = self.next
            assert kind in ("number", "string"), "an array has constants only"
            value = self.atom()[1]
            rows[-1].append(sign * value if kind == "number" else value)
            if self.at("}"):
                self.take()
                assert len({len(row) for row in rows}) == 1, "rows differ in length"
                return ("value", rows)
            if self.take(",", ";") == ";":
                rows.append([])


def literal(text: str) -> float:
    """Read a number: after fifteen digits they count as zeros."""
    number = Decimal(text)
    if number:
        number = number.quantize(Decimal((0, (1,), number.adjusted() - 14)), rounding=ROUND_DOWN)
        assert Decimal("2.2250738585072E-308") <= number <= Decimal("9.99999999999999E+307"), text
    return float(number)


def value_of(tree: Any, cells: Cells) -> Any:
    """Compute a tree; `cells` gives the value of a cell, a name or a column, a list of rows for a range."""
    match tree:
        case ("value", value):
            return value
        case ("cell", name):
            return cells(name)
        case ("minus", inner):
            return spread(lambda x: arithmetic("-", 0.0, x), value_of(inner, cells))
        case ("binary", sign, left, right):
            return spread(lambda a, b: arithmetic(sign, a, b), value_of(left, cells), value_of(right, cells))
        case ("call", name, arguments) if name in _LAZY:
            return _LAZY[name](arguments, cells)
        case ("call", name, arguments):
            return _FUNCTIONS[name](*(value_of(argument, cells) for argument in arguments))
    raise AssertionError(tree)


def spread(function: Callable[..., Any], *values: Any) -> Any:
    """Apply a function of single values to arrays, rows and columns of which are repeated as needed."""
    if not any(isinstance(value, list) for value in values):
        return function(*values)
    grids = [value if isinstance(value, list) else [[value]] for value in values]
    height, width = max(len(grid) for grid in grids), max(len(grid[0]) for grid in grids)

    def at(grid: Grid, row: int, column: int) -> Any:
        row, column = (0 if len(grid) == 1 else row), (0 if len(grid[0]) == 1 else column)
        return grid[row][column] if row < len(grid) and column < len(grid[0]) else NA

    return [[function(*(at(grid, r, c) for grid in grids)) for c in range(width)] for r in range(height)]


def number(value: Any) -> Any:
    """Return a value as arithmetic takes it."""
    if value is None:
        return 0.0
    if isinstance(value, str):
        return VALUE
    return value if isinstance(value, XlError) else float(value)


def finite(value: float) -> Any:
    if isinstance(value, complex) or not math.isfinite(value):
        return NUM
    return 0.0 if abs(value) < 2.2250738585072e-308 else value


def arithmetic(sign: str, left: Any, right: Any) -> Any:
    for value in (left, right):
        if isinstance(value, XlError):
            return value
    if sign in ("=", "<>", "<", ">", "<=", ">="):
        return compared(sign, left, right)
    assert sign != "&"
    a, b = number(left), number(right)
    for value in (a, b):
        if isinstance(value, XlError):
            return value
    if sign == "^":
        return power(a, b)
    if sign == "/":
        return finite(a / b) if b else DIV
    return finite({"+": a + b, "-": a - b, "*": a * b}[sign])


def compared(sign: str, left: Any, right: Any) -> bool:
    """Compare: numbers to fifteen digits, text without capitals; an empty cell is zero and the empty text."""
    left, right = (
        ("" if isinstance(other, str) else 0.0) if value is None else value
        for value, other in ((left, right), (right, left))
    )
    if isinstance(left, str) and isinstance(right, str):
        a, b = left.lower(), right.lower()
    elif isinstance(left, str) or isinstance(right, str):
        a, b = float(isinstance(left, str)), float(isinstance(right, str))
    else:
        a, b = (float(f"{value:.14e}") for value in (float(left), float(right)))
    return {"=": a == b, "<>": a != b, "<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[sign]


def power(base: float, exponent: float) -> Any:
    if base == 0:
        return NUM if exponent == 0 else DIV if exponent < 0 else 0.0
    if base < 0 and exponent != int(exponent):
        root = round(1 / exponent)
        return finite(-((-base) ** exponent)) if root % 2 and abs(1 / exponent - root) < 1e-9 else NUM
    try:
        return finite(base**exponent)
    except OverflowError:
        return NUM


def scalar(function: Callable[[float], float]) -> Callable[[Any], Any]:
    def one(value: Any) -> Any:
        given = number(value)
        if isinstance(given, XlError):
            return given
        try:
            return finite(function(given))
        except (ValueError, OverflowError):
            return NUM

    return lambda value: spread(one, value)


def _flat(values: Sequence[Any]) -> list[Any]:
    return [
        item for value in values for row in (value if isinstance(value, list) else [[value]]) for item in row
    ]


def _extreme(pick: Callable[[list[float]], float]) -> Callable[..., Any]:
    def found(*values: Any) -> Any:
        items = _flat(values)
        errors = [item for item in items if isinstance(item, XlError)]
        # cells that are empty or hold text are passed over
        numbers = [float(item) for item in items if isinstance(item, int | float)]
        return errors[0] if errors else pick(numbers) if numbers else 0.0

    return found


def _sumproduct(*grids: Any) -> Any:
    grids = tuple(grid if isinstance(grid, list) else [[grid]] for grid in grids)
    if len({(len(grid), len(grid[0])) for grid in grids}) > 1:
        return VALUE
    total = 0.0
    for parts in zip(*(_flat([grid]) for grid in grids), strict=True):
        product = 1.0
        for part in parts:
            if isinstance(part, XlError):
                return part
            product *= part if isinstance(part, float) else 0.0
        total += product
    return finite(total)


def _index(grid: Any, row: Any, column: Any) -> Any:
    for value in (row, column):
        if isinstance(value, XlError):
            return value
    assert column == 0
    return [grid[int(row) - 1]] if 1 <= int(row) <= len(grid) else REF


def _lookup(wanted: Any, places: Any, results: Any) -> Any:
    """Find the last place that is not above what is wanted, passing over errors; places ascend."""
    if isinstance(wanted, XlError):
        return wanted
    wanted = number(wanted)
    if isinstance(wanted, XlError):
        return NA
    pairs = [(p, r) for p, r in zip(_flat([places]), _flat([results]), strict=True) if isinstance(p, float)]
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(pairs)), "places do not ascend"
    below = [result for place, result in pairs if place <= wanted]
    return below[-1] if below else NA


def _exact(left: Any, right: Any) -> Any:
    def text(value: Any) -> str:
        return "" if value is None else f"{value:.15g}" if isinstance(value, float) else str(value)

    errors = [value for value in (left, right) if isinstance(value, XlError)]
    return errors[0] if errors else text(left) == text(right)


def _or(*values: Any) -> Any:
    items = _flat(values)
    errors = [item for item in items if isinstance(item, XlError)]
    return errors[0] if errors else any(items)


def _if(arguments: Sequence[Any], cells: Cells) -> Any:
    condition = value_of(arguments[0], cells)
    assert not isinstance(condition, list | str)
    if isinstance(condition, XlError):
        return condition
    return value_of(arguments[1] if condition else arguments[2], cells)


def _iferror(arguments: Sequence[Any], cells: Cells) -> Any:
    found = value_of(arguments[0], cells)
    return value_of(arguments[1], cells) if isinstance(found, XlError) else found


def _wave(function: Callable[[float], float]) -> Callable[[Any], Any]:
    return scalar(lambda x: function(x) if abs(x) < 2**27 else math.nan)


_LAZY: Mapping[str, Callable[[Sequence[Any], Cells], Any]] = {"IF": _if, "IFERROR": _iferror}
_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "ABS": scalar(abs),
    "AND": lambda *values: all(values),
    "ATAN": scalar(math.atan),
    "COS": _wave(math.cos),
    "COUNT": lambda *values: float(
        sum(isinstance(item, int | float) and not isinstance(item, bool) for item in _flat(values))
    ),
    "EXACT": lambda left, right: spread(_exact, left, right),
    "EXP": scalar(math.exp),
    "INDEX": _index,
    "INT": scalar(math.floor),
    "LN": scalar(math.log),
    "LOOKUP": _lookup,
    "MAX": _extreme(max),
    "MIN": _extreme(min),
    "NA": lambda: NA,
    "NOT": lambda value: value if isinstance(value, XlError) else not value,
    "OR": _or,
    "POWER": lambda base, exponent: spread(lambda a, b: arithmetic("^", a, b), base, exponent),
    "SIN": _wave(math.sin),
    "SQRT": scalar(math.sqrt),
    "SUM": _extreme(sum),
    "SUMPRODUCT": _sumproduct,
    "TANH": scalar(math.tanh),
}
