"""Formulas from sympy expressions: written as text, which the parser of formulas reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from kanopt.errors import FormulaError
from kanopt.formulas.formula import Formula
from kanopt.formulas.parser import parse_formula
from kanopt.formulas.variables import Variable, variable_of

__all__ = ["from_sympy"]

_SHOWN = 80


def from_sympy(
    expression: Any,
    inputs: Sequence[Variable | str],
    output: Variable | str,
    *,
    per: str = "",
    constants: Mapping[str, float] | None = None,
) -> Formula:
    """Return a sympy expression as a formula; see :meth:`kanopt.formulas.Formula.from_sympy`.

    Examples
    --------
    >>> import sympy
    >>> km, load, rate = sympy.symbols("km load rate")
    >>> law = from_sympy(rate * km * (1 + load / 25), ["km", "load"], "fuel", constants={"rate": 0.12})
    >>> print(law, "|", law.evaluate({"km": 10.0, "load": 5.0}))
    km · 0.12 · (load · 0.04 + 1) | 1.44
    """
    import sympy
    from sympy.printing.str import StrPrinter

    class Printer(StrPrinter):  # type: ignore[misc]  # sympy has no types
        """Writes sympy's text with the names of the parser and all digits."""

        def _print_Symbol(self, symbol: Any) -> str:  # noqa: N802 - sympy looks for this name
            return f"`{symbol.name}`"

        def _print_Float(self, number: Any) -> str:  # noqa: N802
            return repr(float(number))

        def _print_Exp1(self, number: Any) -> str:  # noqa: N802
            return "exp(1)"

        def _print_Max(self, part: Any) -> str:  # noqa: N802
            return f"{part.func.__name__.lower()}({self.stringify(part.args, ', ')})"

        _print_Min = _print_Abs = _print_Max  # noqa: N815

    output = variable_of(output, "output")
    what = f"formula for {output.name!r}"
    if not isinstance(expression, sympy.Expr):
        how = "; parse_formula reads text" if isinstance(expression, str) else ""
        kind = type(expression).__name__
        raise FormulaError(f"{what}: {expression!r:.{_SHOWN}} is a {kind} and no sympy expression{how}")
    try:
        text = Printer().doprint(expression)
    except RecursionError:
        raise FormulaError(f"{what}: the expression nests too deep for sympy to write it") from None
    law = parse_formula(text, inputs, output, per=per, constants=constants)
    return replace(law, provenance={"from": "sympy"})
