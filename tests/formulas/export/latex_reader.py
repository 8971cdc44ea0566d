"""A reader of the LaTeX that formulas print, which evaluates it as a person would read it.

It knows the notation alone: fractions, roots, powers, products with a dot, the functions that LaTeX names, and a word
followed by a bracket, which is one of the formula's curves, staircases or tables. Anything else is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from kanopt.formulas import Curve, Formula, Step, Table
from kanopt.formulas.nodes import postorder

_TOKEN = re.compile(
    r"\s*(\\left[(|]|\\right[)|]|\\(?:mathrm|operatorname)\{(?:\\.(?:\{\})?|[^\\{}])*\}|\\[a-z]+|\d+(?:\.\d+)?"
    r"|[^\W\d_]|[-+^{},=])"
)
_FUNCTIONS: Mapping[str, Callable[[float], Any]] = {
    r"\exp": np.exp,
    r"\ln": np.log,
    r"\sin": np.sin,
    r"\cos": np.cos,
    r"\tanh": np.tanh,
    r"\arctan": np.arctan,
    r"\operatorname{logistic}": lambda x: 1 / (1 + np.exp(-x)),
}
_EXTREMES: Mapping[str, Callable[..., float]] = {r"\max": np.maximum.reduce, r"\min": np.minimum.reduce}


def value_of_latex(formula: Formula, row: Mapping[str, Any]) -> float:
    """Return the value of ``output = …`` in a row of inputs."""
    reader = _Reader(formula, row)
    with np.errstate(all="ignore"):
        return reader.whole()


def _written(name: str) -> str:
    """Return how a name is spelled, by rules of its own: a letter alone, any other name upright."""
    special = {"\\": r"\backslash{}", "^": r"\wedge{}", "~": r"\sim{}"}
    shown = "".join(special.get(sign, f"\\{sign}" if sign in "_%&#${} " else sign) for sign in name)
    return name if len(name) == 1 and name.isalpha() else rf"\mathrm{{{shown}}}"


class _Reader:
    def __init__(self, formula: Formula, row: Mapping[str, Any]) -> None:
        text = formula.to_latex()
        self.tokens: list[str] = []
        place = 0
        while place < len(text):
            match = _TOKEN.match(text, place)
            assert match, f"cannot read {text[place : place + 40]!r}"
            self.tokens.append(match[1])
            place = match.end()
        self.tokens.append("end")
        self.place = 0
        self.output = _written(formula.output.name)
        self.values = {_written(variable.name): row[variable.name] for variable in formula.inputs}
        self.pieces = {
            _written(node.name): node
            for node in postorder(formula.root)
            if isinstance(node, Curve | Step | Table)
        }

    @property
    def next(self) -> str:
        return self.tokens[self.place]

    def take(self, *expected: str) -> str:
        token = self.next
        assert not expected or token in expected, f"{token!r} where {expected} should be"
        self.place += 1
        return token

    def whole(self) -> float:
        self.take(self.output)
        self.take("=")
        value = self.sum()
        self.take("end")
        return float(value)

    def sum(self) -> float:
        total = self.term()
        while self.next in ("+", "-"):
            sign = self.take()
            total = total + self.term() if sign == "+" else total - self.term()
        return total

    def term(self) -> float:
        if self.next == "-":
            self.take()
            return -self.term()
        product = self.factor()
        while self.next == r"\cdot":
            self.take()
            product = product * self.factor()
        return product

    def factor(self) -> float:
        base = self.atom()
        if self.next == "^":
            self.take()
            base = np.power(float(base), self.braced())
            assert self.next != "^", "two powers in a row"
        return base

    def braced(self) -> float:
        self.take("{")
        value = self.sum()
        self.take("}")
        return value

    def atom(self) -> float:
        token = self.take()
        if token[0].isdigit():
            return np.float64(token)
        if token == r"\frac":
            above, below = self.braced(), self.braced()
            return np.float64(above) / below
        if token == r"\sqrt":
            return np.sqrt(self.braced())
        if token == r"\left(":
            return self.closed(r"\right)")
        if token == r"\left|":
            return abs(self.closed(r"\right|"))
        if token in _FUNCTIONS:
            self.take(r"\left(")
            return _FUNCTIONS[token](self.closed(r"\right)"))
        if token in _EXTREMES:
            return _EXTREMES[token](self.arguments(self.sum))
        if self.next == r"\left(":
            return self.piece(self.pieces[token])
        return np.float64(self.values[token])

    def closed(self, bracket: str) -> float:
        value = self.sum()
        self.take(bracket)
        return value

    def arguments(self, read: Callable[[], Any]) -> list[Any]:
        self.take(r"\left(")
        found = [read()]
        while self.next == ",":
            self.take()
            found.append(read())
        self.take(r"\right)")
        return found

    def piece(self, node: Curve | Step | Table) -> float:
        if not isinstance(node, Table):
            (argument,) = self.arguments(self.sum)
            return float(node.compute([np.asarray(argument)], {}))
        labels = self.arguments(lambda: self.values[self.take()])
        known = {name: np.array(label, dtype=object) for name, label in zip(node.inputs, labels, strict=True)}
        return float(node.compute([], known))
