"""Formulas from sympy expressions, read step by step: no text is evaluated, and nothing of sympy is called by name.

What :func:`~kanopt.formulas.export.symbolic.to_sympy` writes in several steps, such as ``log(1 + exp(x))`` for
softplus, is read back as the one function it was: as exact as before where its value is small or its argument large.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from kanopt.errors import FormulaError, nearest
from kanopt.formulas.formula import Formula
from kanopt.formulas.nodes import Apply, Constant, Input, Maximum, Minimum, Node, Power, Product, Sum
from kanopt.formulas.parser import checked_constants
from kanopt.formulas.pieces import Step
from kanopt.formulas.variables import Variable, variable_of, variables_of

__all__ = ["from_sympy"]

_SHOWN = 80
_LARGEST = 20_000
"""Parts of an expression that are read at most."""


def from_sympy(
    expression: Any,
    inputs: Sequence[Variable | str],
    output: Variable | str,
    *,
    per: str = "",
    constants: Mapping[str, float] | None = None,
) -> Formula:
    """Return a sympy expression as a formula; see :meth:`kanopt.formulas.Formula.from_sympy`.

    Raises
    ------
    FormulaError
        If it is no sympy expression, reads a symbol that is neither input nor constant, or has a part that formulas do
        not have: a function that is not among theirs, an equation, an infinity, a complex number, or a case distinction
        other than numbers between thresholds of one argument.

    Examples
    --------
    >>> import sympy
    >>> km, load, rate = sympy.symbols("km load rate")
    >>> law = from_sympy(rate * km * (1 + load / 25), ["km", "load"], "fuel", constants={"rate": 0.12})
    >>> print(law, "|", law.evaluate({"km": 10.0, "load": 5.0}))
    0.12 · km · (1 + 0.04 · load) | 1.44
    """
    import sympy

    output = variable_of(output, "output")
    what = f"formula for {output.name!r}"
    variables = variables_of(inputs, what)
    named = {variable.name: variable for variable in variables}
    if not isinstance(expression, sympy.Expr):
        how = "; parse_formula reads text" if isinstance(expression, str) else ""
        kind = type(expression).__name__
        raise FormulaError(f"{what}: {expression!r:.{_SHOWN}} is a {kind} and no sympy expression{how}")
    known = checked_constants({} if constants is None else constants, named, {}, output.name)
    leaves: dict[str, Node] = {**{name: Input(name) for name in named}, **known}
    try:
        root = _Reader(leaves, what).read(expression)
    except RecursionError:
        # in sympy, which asks every part what it is
        raise FormulaError(f"{what}: the expression nests too deep for sympy to take apart") from None
    return Formula(root, variables, output, per, provenance={"from": "sympy"})


class _Reader:
    """Reads the parts of an expression, each once, the inner ones first."""

    def __init__(self, leaves: Mapping[str, Node], what: str) -> None:
        self.leaves = leaves
        self.what = what
        self.read_parts: dict[Any, Node] = {}

    def read(self, whole: Any) -> Node:
        """Return the graph of an expression."""
        stack = [whole]
        while stack:
            part = stack[-1]
            missing = [each for each in self._needed(part) if each not in self.read_parts]
            if missing:
                stack += missing
                if len(stack) + len(self.read_parts) > _LARGEST:
                    raise FormulaError(f"{self.what}: the expression has more than {_LARGEST:,} parts")
                continue
            self.read_parts.setdefault(part, self._node(part))
            stack.pop()
        return self.read_parts[whole]

    def _needed(self, part: Any) -> list[Any]:
        """Return the parts that a part is made of, as they are read."""
        import sympy

        if part in self.read_parts:
            return []
        spelled = _one_function(part)
        if spelled is not None:
            return [spelled[1]]
        if isinstance(part, sympy.Piecewise):
            return [part.args[0].expr if _is_no_choice(part) else self._stairs(part)[0]]
        whole = part.is_Add or part.is_Mul or isinstance(part, (sympy.Pow, sympy.Max, sympy.Min))
        return list(part.args) if whole else []

    def _node(self, part: Any) -> Node:
        """Return a part as a step, once those that it is made of are read."""
        import sympy

        below = tuple(self.read_parts[each] for each in self._needed(part))
        spelled = _one_function(part)
        if spelled is not None:
            return Apply(spelled[0], below[0])
        if part.is_Symbol:
            return self._leaf(part)
        if not part.args and part.is_number:
            return self._constant(part)
        if part.is_Add:
            return Sum(_numbers_first(below))
        if part.is_Mul:
            return Product(_numbers_first(below))
        if isinstance(part, sympy.Pow):
            return Power(*below)
        if isinstance(part, sympy.Max):
            return Maximum(below)
        if isinstance(part, sympy.Min):
            return Minimum(below)
        if isinstance(part, sympy.Piecewise):
            return below[0] if _is_no_choice(part) else Step(below[0], *self._stairs(part)[1:])
        raise self._refused(part)

    def _leaf(self, symbol: Any) -> Node:
        found = self.leaves.get(symbol.name)
        if found is None:
            raise FormulaError(
                f"{self.what}: the symbol {symbol.name!r} is neither an input nor a constant with a value; "
                f"{nearest(symbol.name, self.leaves)}"
            )
        return found

    def _constant(self, number: Any) -> Constant:
        import sympy

        try:
            value = float(number)
        except (TypeError, ValueError, OverflowError):
            value = math.nan
        if not math.isfinite(value):
            raise FormulaError(f"{self.what}: {number!s:.{_SHOWN}} is no finite real number")
        return Constant(value, "pi" if number is sympy.pi else "")

    def _stairs(self, piecewise: Any) -> tuple[Any, tuple[float, ...], tuple[float, ...]]:
        """Return argument, thresholds and values of a case distinction that is a staircase."""
        import sympy

        *cases, last = piecewise.args
        argument = cases[0].cond.lhs if cases and isinstance(cases[0].cond, sympy.StrictLessThan) else None
        if argument is None or last.cond != sympy.true or argument.is_number:
            raise self._refused(piecewise)
        edges: list[float] = []
        for value, condition in cases:
            stair = isinstance(condition, sympy.StrictLessThan) and condition.lhs == argument
            if not (stair and condition.rhs.is_number and value.is_number):
                raise self._refused(piecewise)
            edges.append(self._constant(condition.rhs).value)
        if not last.expr.is_number:
            raise self._refused(piecewise)
        values = tuple(self._constant(case.expr).value for case in piecewise.args)
        return argument, tuple(edges), values

    def _refused(self, part: Any) -> FormulaError:
        import sympy

        if isinstance(part, sympy.Piecewise):
            why = (
                "of case distinctions only numbers between rising thresholds of one argument can be taken over, "
                "Piecewise((1, x < 3), (2, True)); a curve is a kanopt.Curve"
            )
        else:
            kind = type(part).__name__
            why = f"formulas have no {kind}; write it with +, *, powers, Max, Min and {_SPELLED}"
        return FormulaError(f"{self.what}: {part!s:.{_SHOWN}} cannot be taken over: {why}")


_SPELLED = "exp, log, sqrt, sin, cos, tanh, atan and Abs"


def _one_function(part: Any) -> tuple[str, Any] | None:
    """Return name and argument of a part that is one function of formulas; None for any other."""
    import sympy

    plain = {
        sympy.exp: "exp",
        sympy.sin: "sin",
        sympy.cos: "cos",
        sympy.tanh: "tanh",
        sympy.atan: "atan",
        sympy.Abs: "abs",
    }
    name = plain.get(type(part))
    if name is not None:
        return name, part.args[0]
    if isinstance(part, sympy.log):
        rest = _beside_one(part.args[0])
        if rest is None:
            return "log", part.args[0]
        return ("softplus", rest.args[0]) if isinstance(rest, sympy.exp) else ("log1p", rest)
    if isinstance(part, sympy.Pow):
        base, exponent = part.args
        rest = _beside_one(base)
        if exponent == sympy.S.Half:
            return "sqrt", base
        return ("logistic", -rest.args[0]) if exponent == -1 and isinstance(rest, sympy.exp) else None
    if isinstance(part, sympy.Max) and len(part.args) == 2 and sympy.S.Zero in part.args:
        return "relu", next(each for each in part.args if each != 0)
    return None


def _numbers_first(parts: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return terms or factors as formulas are written: numbers first."""
    return tuple(sorted(parts, key=lambda node: not isinstance(node, Constant)))


def _is_no_choice(piecewise: Any) -> bool:
    return len(piecewise.args) == 1 and piecewise.args[0].cond == True  # noqa: E712 - sympy's own True equals it


def _beside_one(part: Any) -> Any:
    """Return x of 1 + x with x one term; None for any other part."""
    if not part.is_Add or len(part.args) != 2:
        return None
    one, rest = sorted(part.args, key=lambda term: term != 1)
    return rest if one == 1 else None
