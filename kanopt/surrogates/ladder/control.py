"""Operators that a person forbids in a law before it is read, by the names of what stands in the formula.

Behind a logarithm of the target, a straight function of a logarithm is a power of the column.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from kanopt.errors import FitError
from kanopt.formulas import Apply, Constant, Curve, Maximum, Minimum, Node, Power, Product, Step, Sum, Table
from kanopt.formulas.modules import operator_words
from kanopt.formulas.nodes import postorder


def forbidden_words(given: Any) -> tuple[str, ...]:
    """Return the operators that are not to be used, checked.

    Raises
    ------
    FitError
        If one is not known, or cannot be forbidden.
    """
    try:
        return operator_words(given)
    except ValueError as error:
        raise FitError(f"forbid: {error}") from None


def forbidden_in(root: Node, forbidden: Collection[str]) -> list[str]:
    """Return the forbidden operators that stand in a law; a square is a power as well as a quadratic function."""
    found = standing(root)
    wrong = sorted(found & set(forbidden))
    both = "square" in found and {"power", "quadratic"} <= set(forbidden)
    return [*wrong, "square"] if both else wrong


_FUNCTIONS = {
    "log": "log",
    "log1p": "log",
    "sin": "sine",
    "cos": "sine",
    "relu": "hinge",
}


def standing(root: Node) -> frozenset[str]:
    """Return the operators in a graph, of those that can be forbidden.

    A quotient is no power. The exponential of a curve or table, which is how they stand behind the logarithm of a
    target, belongs to them. A square may be a power as well as a part of a quadratic function, and is called
    "square"; within an exponential it makes that a Gaussian.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> x = Input("x")
    >>> sorted(standing(2 * x**0.5 + Apply("sin", x) / x)), sorted(standing(Apply("exp", -1.0 * x**2)))
    (['power', 'sine'], ['gaussian'])
    """
    inside = {
        below.key
        for node in postorder(root)
        if isinstance(node, Apply) and node.function == "exp"
        for below in _squares(node.argument)
    }
    found = (_of(node, inside) for node in postorder(root))
    return frozenset(name for name in found if name)


def _squares(argument: Node) -> Iterable[Node]:
    """Return the squares among the factors of the terms of an argument."""
    return (n for n in _parts(argument) if isinstance(n, Power) and n.exponent == Constant(2.0))


def _parts(argument: Node) -> Iterable[Node]:
    terms = argument.terms if isinstance(argument, Sum) else (argument,)
    return (part for term in terms for part in (term.factors if isinstance(term, Product) else (term,)))


def _of(node: Node, gaussian: set[bytes]) -> str:
    match node:
        case Apply(function="exp", argument=argument):
            if _tabulated(argument):
                return ""
            return "gaussian" if any(True for _ in _squares(argument)) else "exp"
        case Apply(function=function):
            return _FUNCTIONS.get(function, "")
        case Maximum() | Minimum():
            return "hinge"
        case Step():
            return "step"
        case Curve():
            return "curve"
        case Power(exponent=Constant(value=value)):
            if value == 2.0:
                return "" if node.key in gaussian else "square"
            return "" if abs(value) == 1.0 else "power"
        case Power():
            return "power"
    return ""


def _tabulated(argument: Node) -> bool:
    """Whether an argument is of curves and tables only."""
    return all(isinstance(part, Curve | Table | Constant) for part in _parts(argument))
