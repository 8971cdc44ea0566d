"""Formulas as sympy expressions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.export.source import Span, spans_of
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum, fold
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.variables import category_label

if TYPE_CHECKING:
    import sympy

    from kanopt.formulas.formula import Formula

__all__ = ["to_sympy"]

_WHOLE = 64
_MOST_COMBINED = 1_000


def to_sympy(formula: Formula, categories: Mapping[str, str]) -> sympy.Expr:
    """Return a sympy expression in real symbols named as the inputs; see :meth:`kanopt.formulas.Formula.to_sympy`.

    Raises
    ------
    FormulaError
        If a table's input has no category given, or an unknown one; a part of the formula is infinite for all inputs;
        or nested curves and step functions have more than a thousand combinations of their pieces, since sympy
        combines them, a hundred per second.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> to_sympy(parse_formula("0.5 * km^2", [Variable("km")], Variable("fuel")), {})
    0.5*km**2
    """
    if fold(formula.root, _piece_combinations) > _MOST_COMBINED:
        raise FormulaError(
            f"formula for {formula.output.name!r}: its curves of curves have too many combinations of their pieces for "
            "sympy; to_python computes them"
        )
    try:
        return fold(formula.root, lambda node, parts: _expression(node, parts, categories))
    except FormulaError:
        raise
    except (TypeError, ValueError) as error:
        # sympy's ways to say that an infinity is not comparable
        raise FormulaError(
            f"formula for {formula.output.name!r}: a part of it has no finite value ({error})"
        ) from error


def _piece_combinations(node: Node, below: list[int]) -> int:
    """Return the number of combinations of the pieces of nested curves and step functions along one path."""
    most = max(below, default=0)
    own = node.grid_size + 2 if isinstance(node, Curve) else len(node.values) if isinstance(node, Step) else 0
    return most * own if most and own else most or min(own, _MOST_COMBINED)


def _expression(node: Node, parts: list[Any], categories: Mapping[str, str]) -> Any:
    import sympy

    match node:
        case Constant():
            return sympy.Float(node.value)
        case Input():
            return sympy.Symbol(node.name, real=True)
        case Sum():
            return sympy.Add(*parts)
        case Product():
            return sympy.Mul(*parts)
        case Power():
            return sympy.Pow(parts[0], _exponent(node.exponent, parts[1]))
        case Apply():
            return _applied(node.function, parts[0])
        case Maximum():
            return sympy.Max(*parts)
        case Minimum():
            return sympy.Min(*parts)
        case Curve():
            return _curve(node, parts[0])
        case Step():
            stairs = zip(node.values, node.breakpoints, strict=False)
            cases = [(sympy.Float(value), parts[0] < edge) for value, edge in stairs]
            return _piecewise([*cases, (sympy.Float(node.values[-1]), True)], parts[0])
        case Table():
            return sympy.Float(_entry(node, categories))
    raise TypeError(f"no sympy for {type(node).__name__}")


def _exponent(node: Node, written: Any) -> Any:
    """Return a small integer exponent as an integer, which sympy simplifies better; large ones stay floats."""
    import sympy

    if isinstance(node, Constant) and node.value == int(node.value) and abs(node.value) <= _WHOLE:
        return sympy.Integer(int(node.value))
    return written


def _applied(function: str, x: Any) -> Any:
    import sympy

    known = {
        "exp": sympy.exp,
        "log": sympy.log,
        "log1p": lambda x: sympy.log(1 + x),
        "sqrt": sympy.sqrt,
        "square": lambda x: x**2,
        "sin": sympy.sin,
        "cos": sympy.cos,
        "tanh": sympy.tanh,
        "atan": sympy.atan,
        "logistic": lambda x: 1 / (1 + sympy.exp(-x)),
        "softplus": lambda x: sympy.log(1 + sympy.exp(x)),
        "abs": sympy.Abs,
        "relu": lambda x: sympy.Max(0, x),
    }
    return known[function](x)


def _curve(curve: Curve, x: Any) -> Any:
    """Return the cubic pieces, with linear extrapolation or repeated periodically."""
    import sympy

    if curve.periodic:
        # not Mod, before which sympy's printers of Python and C forget brackets (sympy issue 30389)
        period = curve.high - curve.low
        x = x - period * sympy.floor((x - curve.low) / period)
    *spans, last = spans_of(curve)
    cases = [(_polynomial(span, x), x <= span.end) for span in spans]
    return _piecewise([*cases, (_polynomial(last, x), True)], x)


def _polynomial(span: Span, x: Any) -> Any:
    value: Any = 0.0
    for coefficient in reversed(span.coefficients):
        value = coefficient + (x - span.start) * value
    return value


def _piecewise(cases: list[tuple[Any, Any]], x: Any) -> Any:
    """Return the cases unevaluated; sympy would expand a curve of a curve into all combinations."""
    import sympy

    return sympy.Piecewise(*cases) if x.is_number else sympy.Piecewise(*cases, evaluate=False)


def _entry(table: Table, categories: Mapping[str, str]) -> float:
    for name, known in zip(table.inputs, table.categories, strict=True):
        if name not in categories:
            raise FormulaError(
                f"sympy has no tables: give the category of {name!r}, such as categories={{{name!r}: {known[0]!r}}}"
            )
    key = tuple(category_label(categories[name]) for name in table.inputs)
    value = dict(table.entries).get(key, table.fallback)
    if value is None:
        hints = zip(table.inputs, key, table.categories, strict=True)
        why = [f"{name}={part!r}; {nearest(part, known)}" for name, part, known in hints if part not in known]
        raise FormulaError(f"table {table.name!r} has no entry for {', '.join(why) or key}")
    return value
