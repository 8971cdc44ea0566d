"""Formulas as sympy expressions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Node, fold
from kanopt.formulas.pieces import Curve, Step

if TYPE_CHECKING:
    import sympy


_WHOLE = 64
_MOST_COMBINED = 1_000


def to_sympy(formula: BaseFormula, categories: Mapping[str, str] | None = None) -> sympy.Expr:
    """Return a sympy expression; categorical inputs take the given labels.

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
            f"{formula.title}: its curves of curves have too many combinations of their pieces for "
            "sympy; to_python computes them"
        )
    writer = _Expressions({} if categories is None else categories)
    try:
        return fold(formula.root, writer.visit)
    except FormulaError:
        raise
    except (TypeError, ValueError) as error:
        # sympy's ways to say that an infinity is not comparable
        raise FormulaError(f"{formula.title}: a part of it has no finite value ({error})") from error


def _piece_combinations(node: Node, below: list[int]) -> int:
    """Return the number of combinations of the pieces of nested curves and step functions along one path."""
    most = max(below, default=0)
    own = node.grid_size + 2 if isinstance(node, Curve) else len(node.values) if isinstance(node, Step) else 0
    return most * own if most and own else most or min(own, _MOST_COMBINED)


class _Expressions:
    """A writer whose parts are expressions in place of texts; see :class:`kanopt.formulas.spelling.Writer`.

    Parameters
    ----------
    categories
        That of each categorical input.
    """

    def __init__(self, categories: Mapping[str, str]) -> None:
        import sympy

        self.sympy: Any = sympy
        self.categories = categories
        self.floor = sympy.floor

    def visit(self, node: Any, parts: list[Any]) -> Any:
        return getattr(node, "spell_sympy", node.spell)(self, parts)

    def constant(self, value: float) -> Any:
        return self.sympy.Float(value)

    def input(self, name: str) -> Any:
        return self.sympy.Symbol(name, real=True)

    def sum(self, parts: list[Any]) -> Any:
        return self.sympy.Add(*parts)

    def product(self, parts: list[Any]) -> Any:
        return self.sympy.Mul(*parts)

    def power(self, base: Any, exponent: Any, value: float | None) -> Any:
        # a small integer exponent as an integer, which sympy simplifies better; large ones stay floats
        if value is not None and value == int(value) and abs(value) <= _WHOLE:
            exponent = self.sympy.Integer(int(value))
        return self.sympy.Pow(base, exponent)

    def apply(self, function: str, argument: Any) -> Any:
        known = function_named(function).symbolic
        return known(self.sympy, argument) if known else getattr(self.sympy, function)(argument)

    def extreme(self, which: str, parts: list[Any]) -> Any:
        return (self.sympy.Max if which == "max" else self.sympy.Min)(*parts)

    def pieces(self, values: Sequence[Any], conditions: Sequence[Any], x: Any) -> Any:
        """Return the first value whose condition holds, else the last one.

        It is not evaluated, as sympy would expand a curve of a curve into all combinations.
        """
        cases = zip(values, [*conditions, True], strict=True)
        return self.sympy.Piecewise(*cases) if x.is_number else self.sympy.Piecewise(*cases, evaluate=False)
