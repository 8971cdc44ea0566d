"""A formula as text: the infix writer shared by all languages, and the plain and LaTeX notations."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum, fold
from kanopt.formulas.pieces import Curve, Step, Table

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = [
    "ATOM",
    "OPEN",
    "POWER",
    "PRODUCT",
    "SUM",
    "WORD",
    "InfixWriter",
    "TextPart",
    "number",
    "quoted_name",
    "to_infix",
    "to_latex",
    "wave_of",
]

OPEN, SUM, PRODUCT, POWER, ATOM, WORD = range(6)
"""Levels of precedence: that of comparisons and cases, of sums, products and powers, of what holds together by itself,
and of names and numbers, which cost nothing to repeat."""
_WORD = re.compile(r"[^\W\d]\w*")
_PLACE = re.compile(r"@([12]?)")
# brackets and commas around a place of a template: whatever is put there holds together
_BEFORE = re.compile(r"(?:[(,{]|\\left\|)\s*$")
_AFTER = re.compile(r"\s*(?:[),}]|\\right)")
_BRACKETED = re.compile(r"\\left.[^()|]*\\right.|\([^()]*\)|\{[^{}]*\}")


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
    >>> to_infix(Apply("sin", math.pi / 6 * (Input("month") + -4)))
    'sin(2 · pi · (month - 4) / 12)'
    """
    return fold(root, _ReadableWriter().visit).text


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
        Operator precedence, from that of a comparison to that of a name.
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
                return TextPart(self.name(node.name), WORD)
            case Sum():
                return self.sum(parts)
            case Product():
                return self.product(self.coefficients(node, parts))
            case Power():
                return self.power(node, *parts)
            case Apply():
                return self.wave(node) or self.apply(node.function, parts[0])
            case Maximum() | Minimum() if len(parts) == 1:
                return parts[0]
            case Maximum():
                return self.extreme("max", parts)
            case Minimum():
                return self.extreme("min", parts)
            case Curve():
                return self.curve(node, parts[0])
            case Step():
                return self.step(node, parts[0])
            case Table():
                return self.table(node)
        raise TypeError(f"no spelling for {type(node).__name__}")

    def number(self, value: float) -> str:
        """Write a number."""
        return number(value)

    def name(self, name: str) -> str:
        """Write an input."""
        return quoted_name(name)

    def coefficients(self, product: Product, parts: list[TextPart]) -> list[TextPart]:
        """Return the factors of a product as they are shown."""
        return parts

    def wave(self, node: Apply) -> TextPart | None:
        """Write a wave of an input by its period; None where it is written as any function."""
        return None

    def apply(self, function: str, argument: TextPart) -> TextPart:
        """Write a function of the library."""
        return self.call(function, [argument])

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        """Write ``max`` or ``min``."""
        return self.call(which, parts)

    def curve(self, curve: Curve, argument: TextPart) -> TextPart:
        """Write a curve."""
        return self.call(quoted_name(curve.name), [argument])

    def step(self, step: Step, argument: TextPart) -> TextPart:
        """Write a staircase."""
        return self.call(quoted_name(step.name), [argument])

    def table(self, table: Table) -> TextPart:
        """Write a table."""
        return self.call(
            quoted_name(table.name), [TextPart(quoted_name(name), WORD) for name in table.inputs]
        )

    def call(self, name: str, arguments: Sequence[TextPart]) -> TextPart:
        """Write a function of arguments, which the brackets and commas hold together."""
        return TextPart(f"{name}{self.enclosed(', '.join(part.text for part in arguments))}", ATOM)

    def spell(self, template: str, *parts: TextPart) -> TextPart:
        """Put parts into a template, in brackets wherever the template does not hold them together.

        This is the only way by which an expression gets into another one than the operators of this class, so that
        no template has to think of brackets around its places.

        Parameters
        ----------
        template
            An expression in which ``@``, or ``@1`` and ``@2``, stand for the parts.
        parts
            One part or two.

        Examples
        --------
        >>> from kanopt.formulas.printing import SUM, WORD, InfixWriter, TextPart
        >>> writer = InfixWriter()
        >>> writer.spell("CASE WHEN @ > 0 THEN LN(@) END", TextPart("a + b", SUM)).text
        'CASE WHEN (a + b) > 0 THEN LN(a + b) END'
        >>> writer.spell("1 / (1 + exp(-@))", TextPart("x", WORD)).level == OPEN
        True
        """

        def put(place: re.Match[str]) -> str:
            part = parts[int(place[1] or 1) - 1]
            held = _BEFORE.search(template, 0, place.start()) and _AFTER.match(template, place.end())
            return self.parenthesise(part, OPEN if held else ATOM)

        return TextPart(_PLACE.sub(put, template), _level_of(template))

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
        return part.text if part.level >= level else self.enclosed(part.text)

    def enclosed(self, text: str) -> str:
        """Return a text in brackets."""
        return f"{self.brackets[0]}{text}{self.brackets[1]}"

    def constant(self, value: float) -> TextPart:
        """Write a constant and record its sign."""
        shown = self.number(value)
        negated = shown[1:] if shown[0] == "-" else ""
        return TextPart(shown, PRODUCT if negated or " " in shown else WORD, negated=negated)

    def sum(self, parts: list[TextPart]) -> TextPart:
        """Write a sum; terms with a leading minus sign are subtracted, and do not come first if possible."""
        if len(parts) == 2 and parts[0].negated and not parts[1].negated:
            parts = parts[::-1]
        if len(parts) == 1:
            return parts[0]
        text = self.parenthesise(parts[0], SUM)
        for part in parts[1:]:
            text += (
                self.minus + part.negated if part.negated else self.plus + self.parenthesise(part, PRODUCT)
            )
        return TextPart(text, SUM)

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


def _level_of(template: str) -> int:
    """Return the level of precedence of a filled template, by what stands outside its brackets.

    Examples
    --------
    >>> [_level_of(text) for text in ("EXP(-@)", "@^{2}", "1 / (1 + EXP(-@))")] == [ATOM, POWER, OPEN]
    True
    """
    inner = ""
    while inner != template:
        inner, template = template, _BRACKETED.sub("", template)
    if re.fullmatch(r"[\w.\\]*", template):
        return ATOM
    return POWER if re.fullmatch(r"@1?(\^|\*\*)[\w.@]*", template) else OPEN


class _ReadableWriter(InfixWriter):
    """Writes what only people read, and no program runs.

    A wave of an input is written by its period, sin(2 · pi · (month - 4) / 12), as it is spoken of. A coefficient that
    is nearly 1 shows two digits more, or is left out where these show nothing either.
    """

    pi = "pi"

    def coefficients(self, product: Product, parts: list[TextPart]) -> list[TextPart]:
        texts = [part.text for part in parts]
        if "1" not in texts and "-1" not in texts:
            return parts
        shown = map(self._nearly_one, product.factors, parts)
        return [part for part in shown if part is not None] or parts[:1]

    def wave(self, node: Apply) -> TextPart | None:
        found = wave_of(node) if node.function in ("sin", "cos") else None
        if found is None:
            return None
        inner, period = found
        turn = [TextPart(text, WORD) for text in (self.number(2.0), self.pi)]
        over = TextPart("", PRODUCT, denominator=self.number(period))
        return self.apply(node.function, self.product([*turn, fold(inner, self.visit), over]))

    def _nearly_one(self, factor: Node, part: TextPart) -> TextPart | None:
        """Return a factor as it is shown; None for one that is not."""
        if not isinstance(factor, Constant) or part.text not in ("1", "-1"):
            return part
        if not factor.name and abs(factor.value) == 1.0:
            return part
        shown = f"{factor.value:.6g}"
        if shown == "1":
            return None
        return replace(part, text=shown, negated=shown[1:] if part.negated else "")


def wave_of(node: Apply) -> tuple[Node, float] | None:
    """Return argument and period of a wave of an input, if the period is a number of four digits.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Input
    >>> argument, period = wave_of(Apply("sin", math.pi / 6 * (Input("month") + -4)))
    >>> to_infix(argument), period
    ('month - 4', 12.0)
    """
    if not isinstance(node.argument, Product):
        return None
    known = [f for f in node.argument.factors if isinstance(f, Constant)]
    others = [f for f in node.argument.factors if not isinstance(f, Constant)]
    if len(others) != 1:
        return None
    inner, frequency = others[0], math.prod(c.value for c in known)
    match inner:
        case Input() | Sum(terms=(Input(), Constant()) | (Constant(), Input())) if frequency > 0.0:
            period = 2.0 * math.pi / frequency
            written = float(number(period))
            return (inner, written) if math.isclose(written, period, rel_tol=1e-9) else None
    return None


class _Latex(_ReadableWriter):
    pi = r"\pi"
    times = r" \cdot "
    brackets = (r"\left(", r"\right)")

    def number(self, value: float) -> str:
        mantissa, e, power = number(value).partition("e")
        return rf"{mantissa} \cdot 10^{{{int(power)}}}" if e else mantissa

    def name(self, name: str) -> str:
        return latex_name(name)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        return self.spell(function_named(function).latex, argument)

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        return self.call(rf"\{which}", parts)

    def curve(self, curve: Curve, argument: TextPart) -> TextPart:
        return self.call(latex_name(curve.name), [argument])

    def step(self, step: Step, argument: TextPart) -> TextPart:
        return self.call(latex_name(step.name), [argument])

    def table(self, table: Table) -> TextPart:
        return self.call(latex_name(table.name), [TextPart(latex_name(name), WORD) for name in table.inputs])

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
