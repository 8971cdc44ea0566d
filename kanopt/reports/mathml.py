"""A formula as MathML, which browsers render without scripts or additional fonts.

Every additive term is a separate expression, so that a long law wraps on a phone like text.
"""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from kanopt.formulas import (
    Apply,
    Constant,
    Curve,
    Formula,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    Step,
    Sum,
    Table,
)
from kanopt.formulas.nodes import fold
from kanopt.formulas.printing import to_infix as spelled
from kanopt.text import MINUS, number_text

__all__ = ["formula_terms"]

_SUM, _PRODUCT, _POWER, _ATOM = range(1, 5)
_LONG = 60
_NAMES = {"log": "ln", "log1p": "ln"}


@dataclass(frozen=True)
class _MathPart:
    """A part: its markup, its precedence, its markup without a leading minus, and its denominator.

    `below` is the denominator among other factors, `alone` the same as the only factor, which needs no parentheses.
    """

    markup: str
    level: int
    negated: str = ""
    denominator: str = ""
    lone_denominator: str = ""

    def parenthesised(self, level: int) -> str:
        return self.markup if self.level >= level else _parenthesise(self.markup)


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
    pieces = [_row(_name(formula.output.name), _operator("="))]
    for index, node in enumerate(parts):
        part = fold(node, _visit)
        if part.negated:
            pieces.append(_row(_operator(MINUS, prefix=not index), part.negated))
        elif index == 0 and len(parts) == 1 and isinstance(node, Product):
            pieces += _factors(node)
        else:
            held = part.parenthesised(_PRODUCT) if len(parts) > 1 else part.markup
            pieces.append(_row(_operator("+"), held) if index else held)
    return [f"<math>{piece}</math>" for piece in pieces]


def _factors(product: Product) -> list[str]:
    """Return a product factor by factor, so that it wraps; in one piece if it is short or a fraction."""
    factors = [fold(node, _visit) for node in product.factors]
    if len(spelled(product)) < _LONG or any(factor.denominator or factor.negated for factor in factors):
        return [_product(factors).markup]
    first, *others = (factor.parenthesised(_PRODUCT) for factor in factors)
    return [first, *(_row(_operator("·"), other) for other in others)]


def _visit(node: Node, parts: list[_MathPart]) -> _MathPart:
    match node:
        case Constant(value=value):
            return _constant(value)
        case Input(name=name):
            return _MathPart(_name(name), _ATOM)
        case Sum():
            return _sum(parts)
        case Product():
            return _product(parts)
        case Power():
            return _power(node, *parts)
        case Apply(function=function):
            return _function(function, parts[0])
        case Maximum() | Minimum():
            name = "max" if isinstance(node, Maximum) else "min"
            return _MathPart(_call(name, [part.markup for part in parts]), _ATOM)
        case Curve(name=name) | Step(name=name):
            return _MathPart(_call(name, [parts[0].markup]), _ATOM)
        case Table(name=name, inputs=inputs):
            return _MathPart(_call(name, [_name(each) for each in inputs]), _ATOM)
    raise TypeError(f"no markup for {type(node).__name__}")


def _constant(value: float) -> _MathPart:
    mantissa, e, power = number_text(abs(value)).partition("e")
    markup = _number(mantissa)
    if e:
        markup = _row(markup, _operator("·"), f"<msup>{_number('10')}{_number(power)}</msup>")
    if value < 0:
        return _MathPart(_row(_operator(MINUS, prefix=True), markup), _PRODUCT, negated=markup)
    return _MathPart(markup, _PRODUCT if e else _ATOM)


def _sum(parts: list[_MathPart]) -> _MathPart:
    pieces = [parts[0].markup]
    for part in parts[1:]:
        pieces += (
            [_operator(MINUS), part.negated]
            if part.negated
            else [_operator("+"), part.parenthesised(_PRODUCT)]
        )
    return _MathPart(_row(*pieces), _SUM if len(parts) > 1 else parts[0].level)


def _product(parts: list[_MathPart]) -> _MathPart:
    above: list[str] = []
    under = [part for part in parts if part.denominator]
    over = [part for part in parts if not part.denominator]
    negative = False
    for part in over:
        if under and len(over) == 1 and not part.negated:
            above.append(part.markup)
        elif part.negated and not above:
            negative = not negative
            if part.negated != _number("1"):
                above.append(part.negated)
        else:
            above.append(part.parenthesised(_ATOM if part.negated else _PRODUCT))
    markup = _times(above) if above else _number("1")
    if under:
        below = under[0].lone_denominator if len(under) == 1 else _times([part.denominator for part in under])
        markup = f"<mfrac>{_row(markup)}{_row(below)}</mfrac>"
    if negative:
        return _MathPart(_row(_operator(MINUS, prefix=True), markup), _PRODUCT, negated=markup)
    return _MathPart(markup, _PRODUCT)


def _power(node: Power, base: _MathPart, exponent: _MathPart) -> _MathPart:
    value = node.exponent.value if isinstance(node.exponent, Constant) else 0.0
    if value == 0.5:
        return _MathPart(f"<msqrt>{base.markup}</msqrt>", _ATOM)
    held = base.parenthesised(_ATOM)
    if value < 0:
        power = "" if value == -1 else f"<msup>{_row(held)}{_constant(-value).markup}</msup>"
        below, alone = power or held, power or base.markup
        return _MathPart(
            f"<mfrac>{_number('1')}{_row(alone)}</mfrac>", _PRODUCT, denominator=below, lone_denominator=alone
        )
    return _MathPart(f"<msup>{_row(held)}{_row(exponent.markup)}</msup>", _POWER)


def _function(name: str, argument: _MathPart) -> _MathPart:
    if name == "sqrt":
        return _MathPart(f"<msqrt>{argument.markup}</msqrt>", _ATOM)
    if name == "square":
        return _MathPart(f"<msup>{_row(argument.parenthesised(_ATOM))}{_number('2')}</msup>", _POWER)
    if name == "abs":
        bar = '<mo stretchy="true">|</mo>'
        return _MathPart(_row(bar, argument.markup, bar), _ATOM)
    inside = (
        _row(_number("1"), _operator("+"), argument.parenthesised(_PRODUCT))
        if name == "log1p"
        else argument.markup
    )
    return _MathPart(_call(_NAMES.get(name, name), [inside]), _ATOM)


def _call(name: str, arguments: list[str]) -> str:
    return _row(_name(name), "<mo>&#x2061;</mo>", _parenthesise(_operator(",").join(arguments)))


def _times(factors: list[str]) -> str:
    return _operator("·").join(factors)


def _parenthesise(markup: str) -> str:
    return f"<mrow><mo>(</mo>{markup}<mo>)</mo></mrow>"


def _row(*pieces: str) -> str:
    return f"<mrow>{''.join(pieces)}</mrow>"


def _operator(sign: str, *, prefix: bool = False) -> str:
    return f'<mo form="{"prefix" if prefix else "infix"}">{sign}</mo>'


def _number(text: str) -> str:
    return f"<mn>{text}</mn>"


def _name(name: str) -> str:
    return f"<mi>{escape(name)}</mi>"
