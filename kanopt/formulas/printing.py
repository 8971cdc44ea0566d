"""A formula as text: the infix writer shared by all languages, and the plain and LaTeX notations."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum, fold
from kanopt.formulas.pieces import Curve, Step, Table

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = [
    "ATOM",
    "POWER",
    "PRODUCT",
    "SUM",
    "InfixWriter",
    "TextPart",
    "number",
    "quoted_name",
    "to_infix",
    "to_latex",
]

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
_WORD = re.compile(r"[^\W\d]\w*")


def number(value: float) -> str:
    """Return a number with four significant digits, whole numbers up to a million in full.

    Examples
    --------
    >>> [number(x) for x in (0.98012, 2014.0, 12345.678, 0.0000123, -2.5e9)]
    ['0.9801', '2014', '12346', '1.23e-05', '-2.5e+09']
    """
    if abs(value) < 1e6 and (value == int(value) or abs(value) >= 1e4):
        return f"{value:.0f}"
    return f"{value:.4g}"


def quoted_name(name: str) -> str:
    """Return a name as written in formulas: in back-quotes unless it is an identifier."""
    return name if _WORD.fullmatch(name) else f"`{name}`"


def to_infix(root: Node) -> str:
    """Return a graph as one line that can be parsed again, up to the rounding of constants.

    Curves, steps and tables print as functions of their arguments, such as ``s(hour)``.

    Examples
    --------
    >>> to_infix(2 * Input("x") - Input("Weight (kg)") / 3)
    '2 · x - `Weight (kg)` / 3'
    """
    return fold(root, InfixWriter().visit).text


def to_latex(formula: Formula) -> str:
    """Return ``output = …`` in LaTeX."""
    return f"{latex_name(formula.output.name)} = {fold(formula.root, _Latex().visit).text}"


@dataclass(frozen=True)
class TextPart:
    """A written part of a formula.

    Parameters
    ----------
    text
        The part.
    level
        Operator precedence: that of a sum, product, power or atom.
    negated
        The same part without its leading minus sign; empty if there is none.
    denominator
        The denominator, if the part is one over something; else empty.
    """

    text: str
    level: int
    negated: str = ""
    denominator: str = ""


class InfixWriter:
    """The writer of the plain notation; other languages override the methods in which they differ."""

    times = " · "
    plus, minus, over = " + ", " - ", " / "
    brackets = ("(", ")")

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        """Write one node, given its children as text."""
        match node:
            case Constant():
                return self.constant(node.value)
            case Input():
                return TextPart(self.name(node.name), ATOM)
            case Sum():
                return self.sum(parts)
            case Product():
                return self.product(parts)
            case Power():
                return self.power(node, *parts)
            case Apply():
                return self.apply(node.function, parts[0])
            case Maximum() | Minimum() if len(parts) == 1:
                return parts[0]
            case Maximum():
                return TextPart(self.extreme("max", [part.text for part in parts]), ATOM)
            case Minimum():
                return TextPart(self.extreme("min", [part.text for part in parts]), ATOM)
            case Curve():
                return TextPart(self.curve(node, parts[0]), ATOM)
            case Step():
                return TextPart(self.step(node, parts[0]), ATOM)
            case Table():
                return TextPart(self.table(node), ATOM)
        raise TypeError(f"no spelling for {type(node).__name__}")

    def number(self, value: float) -> str:
        """Write a number."""
        return number(value)

    def name(self, name: str) -> str:
        """Write an input."""
        return quoted_name(name)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        """Write a function of the library."""
        return TextPart(f"{function}({argument.text})", ATOM)

    def extreme(self, which: str, parts: list[str]) -> str:
        """Write ``max`` or ``min``."""
        return f"{which}({', '.join(parts)})"

    def curve(self, curve: Curve, argument: TextPart) -> str:
        """Write a curve."""
        return f"{quoted_name(curve.name)}({argument.text})"

    def step(self, step: Step, argument: TextPart) -> str:
        """Write a staircase."""
        return f"{quoted_name(step.name)}({argument.text})"

    def table(self, table: Table) -> str:
        """Write a table."""
        return f"{quoted_name(table.name)}({', '.join(map(quoted_name, table.inputs))})"

    def fraction(self, above: str, below: list[str]) -> str:
        """Write a quotient; `above` is a product, each of `below` an atom or power."""
        divisor = below[0] if len(below) == 1 else f"({self.times.join(below)})"
        return above + self.over + divisor

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        """Write a power."""
        shown = exponent.text if re.fullmatch(r"-?[\w.]+", exponent.text) else f"({exponent.text})"
        return TextPart(f"{self.parenthesise(base, ATOM)}^{shown}", POWER)

    def parenthesise(self, part: TextPart, level: int) -> str:
        """Return the part, in parentheses unless its precedence is at least `level`."""
        return part.text if part.level >= level else f"{self.brackets[0]}{part.text}{self.brackets[1]}"

    def constant(self, value: float) -> TextPart:
        """Write a constant and record its sign."""
        shown = self.number(value)
        negated = shown[1:] if shown[0] == "-" else ""
        return TextPart(shown, PRODUCT if negated or " " in shown else ATOM, negated=negated)

    def sum(self, parts: list[TextPart]) -> TextPart:
        """Write a sum; terms with a leading minus sign are subtracted, and do not come first if possible."""
        if len(parts) == 2 and parts[0].negated and not parts[1].negated:
            parts = parts[::-1]
        text = parts[0].text
        for part in parts[1:]:
            text += (
                self.minus + part.negated if part.negated else self.plus + self.parenthesise(part, PRODUCT)
            )
        return TextPart(text, SUM if len(parts) > 1 else parts[0].level)

    def product(self, parts: list[TextPart]) -> TextPart:
        """Write a product or a quotient, its sign in front."""
        if len(parts) == 1:
            return parts[0]
        sign = "-" if parts[0].negated else ""
        above = [parts[0].negated] if sign and parts[0].negated != self.number(1.0) else []
        below: list[str] = []
        for part in parts[1:] if sign else parts:
            if part.denominator:
                below.append(part.denominator)
            else:
                above.append(self.parenthesise(part, ATOM if part.negated else PRODUCT))
        text = self.times.join(above) or self.number(1.0)
        if below:
            text = self.fraction(text, below)
        return TextPart(sign + text, PRODUCT, negated=text if sign else "")

    def power(self, node: Power, base: TextPart, exponent: TextPart) -> TextPart:
        """Write a power: exponent one half as a root, a negative integer as a quotient."""
        value = node.exponent.value if isinstance(node.exponent, Constant) else 0.0
        if value == 0.5:
            return self.apply("sqrt", base)
        if value < 0 and value == int(value):
            below = (
                self.parenthesise(base, POWER)
                if value == -1
                else self.raised(base, self.constant(-value)).text
            )
            return TextPart(self.fraction(self.number(1.0), [below]), PRODUCT, denominator=below)
        return self.raised(base, exponent)


class _Latex(InfixWriter):
    times = r" \cdot "
    brackets = (r"\left(", r"\right)")

    def number(self, value: float) -> str:
        mantissa, e, power = number(value).partition("e")
        return rf"{mantissa} \cdot 10^{{{int(power)}}}" if e else mantissa

    def name(self, name: str) -> str:
        return latex_name(name)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        # (…)² cannot be raised again without brackets
        level = POWER if function == "square" else ATOM
        return TextPart(function_named(function).latex.replace("@", argument.text), level)

    def extreme(self, which: str, parts: list[str]) -> str:
        return rf"\{which}\left({', '.join(parts)}\right)"

    def curve(self, curve: Curve, argument: TextPart) -> str:
        return rf"{latex_name(curve.name)}\left({argument.text}\right)"

    def step(self, step: Step, argument: TextPart) -> str:
        return rf"{latex_name(step.name)}\left({argument.text}\right)"

    def table(self, table: Table) -> str:
        return rf"{latex_name(table.name)}\left({', '.join(map(latex_name, table.inputs))}\right)"

    def fraction(self, above: str, below: list[str]) -> str:
        return rf"\frac{{{above}}}{{{self.times.join(below)}}}"

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return TextPart(f"{self.parenthesise(base, ATOM)}^{{{exponent.text}}}", POWER)


_ESCAPES = str.maketrans(
    {sign: f"\\{sign}" for sign in "_%&#${} "} | {"\\": r"\backslash{}", "^": r"\wedge{}", "~": r"\sim{}"}
)


def latex_name(name: str) -> str:
    """Return a name for LaTeX: one letter in italics, a word upright, special characters escaped."""
    escaped = name.translate(_ESCAPES)
    return escaped if len(name) == 1 and name.isalpha() else rf"\mathrm{{{escaped}}}"
