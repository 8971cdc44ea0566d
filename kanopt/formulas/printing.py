"""A formula as text for people: one plain line, or LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum, fold
from kanopt.formulas.pieces import Curve, Step, Table

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["latex", "number", "plain", "quoted_name"]

SUM, PRODUCT, POWER, ATOM = 1, 2, 3, 4
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class _Text:
    """A printed part: how tightly it binds, and whether a minus sign leads it."""

    text: str
    level: int
    below: str = ""  # the denominator, where the part is one over something
    negated: str = ""  # the same part without its leading minus sign

    def within(self, level: int, brackets: tuple[str, str]) -> str:
        return self.text if self.level >= level else f"{brackets[0]}{self.text}{brackets[1]}"


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
    """Return a name as formulas spell it: in back-quotes unless it is one plain word."""
    return name if _WORD.fullmatch(name) else f"`{name}`"


def plain(root: Node) -> str:
    """Return a graph as one line that the parser reads back, up to the rounding of constants.

    Curves, steps and tables print as functions of their arguments, such as ``s(hour)``.

    Examples
    --------
    >>> plain(2 * Input("x") - Input("Weight (kg)") / 3)
    '2 · x - `Weight (kg)` / 3'
    """
    return fold(root, _Plain().visit).text


class _Plain:
    """The spelling of the plain line; the LaTeX one differs in its signs only."""

    times = " · "
    minus = "-"
    brackets = ("(", ")")

    def visit(self, node: Node, parts: list[_Text]) -> _Text:
        match node:
            case Constant():
                shown = self.number(node.value)
                negated = shown[1:] if shown[0] == "-" else ""
                return _Text(shown, PRODUCT if negated or " " in shown else ATOM, negated=negated)
            case Input():
                return _Text(self.name(node.name), ATOM)
            case Sum():
                return self.sum(parts)
            case Product():
                return self.product(parts)
            case Power():
                return self.power(node, parts)
            case Apply():
                level = POWER if node.function == "square" else ATOM
                return _Text(self.function(node.function, parts[0].text), level)
            case Maximum() | Minimum():
                return _Text(
                    self.call("max" if isinstance(node, Maximum) else "min", [p.text for p in parts]), ATOM
                )
            case Curve() | Step():
                return _Text(self.call(node.name, [parts[0].text], own=True), ATOM)
            case Table():
                return _Text(self.call(node.name, [self.name(name) for name in node.inputs], own=True), ATOM)
        raise TypeError(f"no spelling for {type(node).__name__}")

    def number(self, value: float) -> str:
        return number(value)

    def name(self, name: str) -> str:
        return quoted_name(name)

    def function(self, name: str, argument: str) -> str:
        return f"{name}({argument})"

    def call(self, name: str, arguments: list[str], own: bool = False) -> str:
        return f"{self.name(name) if own else name}({', '.join(arguments)})"

    def fraction(self, above: str, below: str, several: bool) -> str:
        return f"{above} / ({below})" if several else f"{above} / {below}"

    def exponent(self, text: str) -> str:
        return f"^{text}" if re.fullmatch(r"-?[\w.]+", text) else f"^({text})"

    def sum(self, parts: list[_Text]) -> _Text:
        text = parts[0].text
        for part in parts[1:]:
            text += (
                f" {self.minus} {part.negated}"
                if part.negated
                else f" + {part.within(PRODUCT, self.brackets)}"
            )
        return _Text(text, SUM if len(parts) > 1 else parts[0].level)

    def product(self, parts: list[_Text]) -> _Text:
        if len(parts) == 1:
            return parts[0]
        sign, above, below = "", [], []
        for place, part in enumerate(parts):
            if part.below:
                below.append(part.below)
            elif place == 0 and part.negated:
                sign = self.minus
                if part.negated != "1":
                    above.append(part.negated)
            else:
                # a minus inside a product needs brackets, a leading one does not
                above.append(part.within(ATOM if part.negated else PRODUCT, self.brackets))
        text = self.times.join(above) or "1"
        if below:
            text = self.fraction(text, self.times.join(below), len(below) > 1)
        return _Text(sign + text, PRODUCT, negated=text if sign else "")

    def power(self, node: Power, parts: list[_Text]) -> _Text:
        base, exponent = parts
        value = node.exponent.value if isinstance(node.exponent, Constant) else 0.0
        if value == 0.5:
            return _Text(self.function("sqrt", base.text), ATOM)
        held = base.within(ATOM, self.brackets)
        if value < 0 and value == int(value):
            below = held if value == -1 else held + self.exponent(self.number(-value))
            return _Text(self.fraction("1", below, False), PRODUCT, below=below)
        return _Text(held + self.exponent(exponent.text), POWER)


class _Latex(_Plain):
    times = r" \cdot "
    brackets = (r"\left(", r"\right)")

    def number(self, value: float) -> str:
        mantissa, e, power = number(value).partition("e")
        return rf"{mantissa} \cdot 10^{{{int(power)}}}" if e else mantissa

    def name(self, name: str) -> str:
        return latex_name(name)

    def function(self, name: str, argument: str) -> str:
        return function_named(name).latex.replace("@", argument)

    def call(self, name: str, arguments: list[str], own: bool = False) -> str:
        spelled = latex_name(name) if own else f"\\{name}"
        return rf"{spelled}\left({', '.join(arguments)}\right)"

    def fraction(self, above: str, below: str, several: bool) -> str:
        return rf"\frac{{{above}}}{{{below}}}"

    def exponent(self, text: str) -> str:
        return f"^{{{text}}}"


_ESCAPES = str.maketrans(
    {
        "_": r"\_",
        "%": r"\%",
        "&": r"\&",
        "#": r"\#",
        "$": r"\$",
        "{": r"\{",
        "}": r"\}",
        "\\": r"\backslash{}",
        "^": r"\wedge{}",
        "~": r"\sim{}",
        " ": r"\ ",
    }
)


def latex_name(name: str) -> str:
    """Return a name for LaTeX: one letter in italics, a word upright, special characters escaped."""
    escaped = name.translate(_ESCAPES)
    return escaped if len(name) == 1 and name.isalpha() else rf"\mathrm{{{escaped}}}"


def latex(formula: Formula) -> str:
    """Return ``output = …`` in LaTeX."""
    return f"{latex_name(formula.output.name)} = {fold(formula.root, _Latex().visit).text}"
