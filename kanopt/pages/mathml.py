"""A formula as MathML, which browsers render without scripts or additional fonts.

Every additive term is a separate expression, so that a long law wraps on a phone like text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from kanopt.formulas import Formula, Product, Sum
from kanopt.formulas.nodes import fold
from kanopt.formulas.printing import to_infix as spelled
from kanopt.formulas.spelling import ATOM, POWER, PRODUCT, TextPart, Writer
from kanopt.text import MINUS, number_text

_LONG = 60
_NAMES = {"log": "ln", "log1p": "ln"}
_OPEN, _CLOSE = "<mrow><mo>(</mo>", "<mo>)</mo></mrow>"


def formula_terms(formula: Formula) -> list[str]:
    """Return ``<math>`` elements that together read ``output = term + term …``.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("2 * km - 1", [Variable("km", "km")], Variable("cost", "EUR"))
    >>> [term.count("<math") for term in formula_terms(law)]
    [1, 1, 1]
    """
    root = formula.root
    parts = root.terms if isinstance(root, Sum) else (root,)
    writer = _Markup()
    pieces = [_row(writer.word(formula.output.name), _operator("="))]
    for index, node in enumerate(parts):
        part = fold(node, writer.visit)
        if part.negated:
            pieces.append(_row(_operator(MINUS, prefix=not index), part.negated))
        elif index == 0 and len(parts) == 1 and isinstance(node, Product):
            pieces += _factors(node, writer)
        else:
            held = writer.parenthesise(part, PRODUCT) if len(parts) > 1 else part.text
            pieces.append(_row(_operator("+"), held) if index else held)
    return [f"<math>{piece}</math>" for piece in pieces]


def _factors(product: Product, writer: _Markup) -> list[str]:
    """Return a product factor by factor, so that it wraps; in one piece if it is short or a fraction."""
    factors = [fold(node, writer.visit) for node in product.factors]
    if len(spelled(product)) < _LONG or any(factor.denominator or factor.negated for factor in factors):
        return [writer.product(factors).text]
    first, *others = (writer.parenthesise(factor, PRODUCT) for factor in factors)
    return [first, *(_row(_operator("·"), other) for other in others)]


class _Markup(Writer):
    times = '<mo form="infix">·</mo>'
    plus, comma = '<mo form="infix">+</mo>', '<mo form="infix">,</mo>'
    minus, sign = f'<mo form="infix">{MINUS}</mo>', f'<mo form="prefix">{MINUS}</mo>'
    brackets = (_OPEN, _CLOSE)

    def number(self, value: float) -> str:
        mantissa, e, power = number_text(value).partition("e")
        markup = f"<mn>{mantissa}</mn>"
        return _row(markup, self.times, f"<msup><mn>10</mn><mn>{power}</mn></msup>") if e else markup

    def constant(self, value: float) -> TextPart:
        markup = self.number(abs(value))
        if value < 0:
            return TextPart(_row(self.sign, markup), PRODUCT, negated=markup)
        return TextPart(markup, ATOM if markup.startswith("<mn>") else PRODUCT)

    def word(self, name: str) -> str:
        return f"<mi>{escape(name)}</mi>"

    def call(self, name: str, arguments: Sequence[TextPart]) -> TextPart:
        shown = name if name.startswith("<") else self.word(_NAMES.get(name, name))
        inside = self.comma.join(part.text for part in arguments)
        return TextPart(_row(shown, "<mo>&#x2061;</mo>", self.enclosed(inside)), ATOM)

    def apply(self, function: str, argument: TextPart) -> TextPart:
        match function:
            case "sqrt":
                return TextPart(f"<msqrt>{argument.text}</msqrt>", ATOM)
            case "square":
                return self.raised(argument, self.constant(2.0))
            case "abs":
                bar = '<mo stretchy="true">|</mo>'
                return TextPart(_row(bar, argument.text, bar), ATOM)
            case "log1p":
                return self.call(function, [self.sum([self.constant(1.0), argument])])
        return self.call(function, [argument])

    def fraction(self, above: str, below: list[str]) -> str:
        under = _bare(below[0]) if len(below) == 1 else self.times.join(below)
        return f"<mfrac>{_row(_bare(above))}{_row(under)}</mfrac>"

    def power(self, base: TextPart, exponent: TextPart, value: float | None) -> TextPart:
        if value is None or value >= 0 or value == int(value):
            return super().power(base, exponent, value)
        below = self.raised(base, self.constant(-value)).text
        return TextPart(self.fraction(self.number(1.0), [below]), PRODUCT, denominator=below)

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return TextPart(f"<msup>{_row(self.parenthesise(base, ATOM))}{_row(exponent.text)}</msup>", POWER)


def _bare(markup: str) -> str:
    """Return a markup without the brackets around the whole of it, which nothing needs above or below a line."""
    inner = markup[len(_OPEN) : -len(_CLOSE)]
    if _OPEN + inner + _CLOSE != markup:
        return markup
    depth = 0
    for sign in re.findall("<mo>([()])</mo>", inner):
        depth += 1 if sign == "(" else -1
        if depth < 0:
            return markup
    return inner


def _row(*pieces: str) -> str:
    return f"<mrow>{''.join(pieces)}</mrow>"


def _operator(sign: str, *, prefix: bool = False) -> str:
    return f'<mo form="{"prefix" if prefix else "infix"}">{sign}</mo>'
