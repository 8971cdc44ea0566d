"""How a formula is written down: the infix writer that every language and notation shares.

A kind of node says of what it is written (:meth:`~kanopt.formulas.nodes.Node.spell`): a sum of its parts, a call of its
name. The writer of a language says how that language spells these, and its brackets come from the levels of precedence
alone. Where a language needs more of a kind, as SQL of a curve, the kind has a method for that family of languages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from kanopt.formulas.functions import function_named

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


class Writer:
    """The writer of the plain notation; other languages override the methods in which they differ."""

    language: ClassVar[str] = "text"
    """Which spelling of the functions of the library it takes; where they have none they are called by name."""
    family: ClassVar[str] = ""
    """Which spelling of a node's kind it takes: that of a method ``spell_…``; the plain one where a kind has none."""
    times = " · "
    plus, minus, over = " + ", " - ", " / "
    sign = "-"
    brackets = ("(", ")")
    comma = ", "

    def visit(self, node: Any, parts: list[TextPart]) -> TextPart:
        """Write one node, given its children as text."""
        spell = getattr(node, f"spell_{self.family}", node.spell)
        written: TextPart = spell(self, parts)
        return written

    def number(self, value: float) -> str:
        """Write a number."""
        return number(value)

    def word(self, name: str) -> str:
        """Write a name."""
        return quoted_name(name)

    def input(self, name: str) -> TextPart:
        """Write an input."""
        return TextPart(self.word(name), WORD)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        """Write a function of the library."""
        template = function_named(function).template(self.language)
        return self.spell(template, argument) if template else self.call(function, [argument])

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        """Write ``max`` or ``min``."""
        return self.call(which, parts)

    def call(self, name: str, arguments: Sequence[TextPart]) -> TextPart:
        """Write a function of arguments, which the brackets and commas hold together."""
        return TextPart(f"{name}{self.enclosed(self.comma.join(part.text for part in arguments))}", ATOM)

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
        >>> from kanopt.formulas.spelling import SUM, WORD, TextPart, Writer
        >>> writer = Writer()
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
        sign = self.sign if parts[0].negated else ""
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

    def power(self, base: TextPart, exponent: TextPart, value: float | None) -> TextPart:
        """Write a power, of a number if there is a value: one half as a root, a negative integer as a quotient."""
        if value is None:
            return self.raised(base, exponent)
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
