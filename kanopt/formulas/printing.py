"""A formula as people read it: in one line, and in LaTeX."""

from __future__ import annotations

import math
from dataclasses import replace

from kanopt.formulas.functions import ATOM, POWER, PRODUCT, WORD, TextPart, Writer, number
from kanopt.formulas.nodes import Apply, Constant, Input, Node, Product, Sum, fold

_LARGEST, _LONGEST = 400, 60
"""Steps beyond which a text is not written, and its letters."""


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
    return fold(root, ReadableWriter().visit).text


def short_text(node: Node) -> str:
    """Return a step in plain text for a message, cut off where it is long.

    Examples
    --------
    >>> short_text(Input("km") + 3), len(short_text(Sum(tuple(Input(f"input_{i}") for i in range(99)))))
    ('km + 3', 60)
    """
    if node.size > _LARGEST:
        return f"a step of {node.size:,} parts"
    text = to_infix(node)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def to_latex(root: Node, output: str) -> str:
    """Return ``output = …`` in LaTeX."""
    return f"{latex_name(output)} = {fold(root, _Latex().visit).text}"


class ReadableWriter(Writer):
    """Writes what only people read, and no program runs.

    A wave of an input is written by its period, sin(2 · pi · (month - 4) / 12), as it is spoken of. A coefficient that
    is nearly 1 shows two digits more, or is left out where these show nothing either.
    """

    pi = "pi"

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        """Write one node, given its children as text."""
        if isinstance(node, Product):
            shown = map(self._nearly_one, node.factors, parts)
            parts = [part for part in shown if part is not None] or parts[:1]
        found = wave_of(node) if isinstance(node, Apply) and node.function in ("sin", "cos") else None
        return self._wave(node, *found) if found and isinstance(node, Apply) else super().visit(node, parts)

    def _wave(self, node: Apply, inner: Node, period: float) -> TextPart:
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


class _Latex(ReadableWriter):
    language = "latex"
    pi = r"\pi"
    times = r" \cdot "
    brackets = (r"\left(", r"\right)")

    def number(self, value: float) -> str:
        mantissa, e, power = number(value).partition("e")
        return rf"{mantissa} \cdot 10^{{{int(power)}}}" if e else mantissa

    def word(self, name: str) -> str:
        return latex_name(name)

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        return self.call(rf"\{which}", parts)

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
