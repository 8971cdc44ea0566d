"""Simplify a formula without changing its value wherever it is defined.

The result may be defined in more places than the formula was: x^0.5 · x^0.5 becomes x. A constant with a name is a
parameter of the law (see :mod:`kanopt.formulas.parameters`): it keeps its name and its value and is merged with
nothing. Where others are merged, what is known of their errors is dropped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields, is_dataclass, replace
from functools import reduce
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.base_formula import AnyFormula
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Extreme,
    Node,
    Power,
    Product,
    Sum,
    computed,
    postorder,
    rebuild,
)
from kanopt.formulas.parameters import is_parameter
from kanopt.formulas.pieces import Curve

# Laws in digits that every machine finds.
#
# Processors add in other orders, and take other series for exponentials: a fit differs in its tenth digit
# or so from one machine to another. What is planned on such laws then differs too, since searches compare
# prices. So a learned law is rounded before anybody uses it, to digits that are far below what its rows
# tell and far above what machines differ by.

T = TypeVar("T")

SHARE = 1e-4
"""Of the error of a law: what the rounding of one of its numbers changes on a typical row at most."""
DIGITS = 12
"""What is kept at most: what is 1 but for the last bits of a float shall read 1."""
LEAST_DIGITS = 4
ERRORS = 4
"""Digits of a standard error."""
MEASURED = 8
"""Digits of what is measured of a law."""
ROWS = 256
TABULATED = 13
"""Digits of what a search looks up, or one less: more than money has, and fewer than exponentials have in common."""
_POWERS = np.array([float(f"1e{power}") for power in range(301)])


def round_law(formula: AnyFormula, data: Mapping[str, NDArray[Any]], target: Floats) -> AnyFormula:
    """Return a law whose learned numbers have the digits that matter to its rows.

    A number is rounded so that the law moves by less than a ten-thousandth of its median error. Numbers of one curve
    or table are rounded alike, so that it keeps rising where it rises.

    Parameters
    ----------
    formula
        The law; its parameters are the constants with names.
    data, target
        Rows that it was learned from, by the names of its inputs; arrays of shape (n,).

    Examples
    --------
    >>> from kanopt.formulas import Input, Variable
    >>> km = np.linspace(1.0, 9.0, 40)
    >>> from kanopt.formulas import Formula
    >>> law = Formula(Constant(2.0000712345, "a") * Input("km"), (Variable("km"),), Variable("minutes"))
    >>> noise = np.where(np.arange(40) % 2, 0.1, -0.1)
    >>> round_law(law, {"km": km}, 2.0 * km + noise).root.children[0].value
    2.000071
    """
    every = slice(None, None, max(1, math.ceil(len(target) / ROWS)))
    columns = formula.columns_of({name: values[every] for name, values in data.items()})
    before = computed(formula.root, columns)
    error = float(np.median(np.abs(target[every] - before)))
    decimals: dict[Any, int] = {}
    for node in postorder(formula.root):
        if node.numbers and _identity(node) not in decimals:
            moves = _moves(formula.root, _identity(node), columns, before)
            decimals[_identity(node)] = _decimals(node.numbers, SHARE * error / moves if moves else 0.0)

    def change(node: Node) -> Node:
        if isinstance(node, Curve):
            # knots come from rows, whose logarithms were taken
            node = replace(node, low=_significant(node.low), high=_significant(node.high))
        if isinstance(node, Constant) and node.numbers:
            node = replace(node, standard_error=round_measures(node.standard_error, ERRORS))
        if not node.numbers:
            return node
        places = decimals[_identity(node)]
        return node.with_numbers([round(number, places) + 0.0 for number in node.numbers])

    return replace(formula, root=rebuild(formula.root, change))


def _identity(node: Node) -> Any:
    return type(node), getattr(node, "name", ""), node.numbers


def _moves(root: Node, identity: Any, columns: Mapping[str, NDArray[Any]], before: Floats) -> float:
    """Return by how much a law moves on a typical row for each unit that the numbers of a node rise by."""
    numbers = np.array(identity[2])
    step = 1e-6 * (float(np.abs(numbers).max()) or 1.0)

    def change(node: Node) -> Node:
        same = node.numbers and _identity(node) == identity
        return node.with_numbers((numbers + step).tolist()) if same else node

    moved = (computed(rebuild(root, change), columns) - before) / step
    return float(np.sqrt(np.mean(np.square(moved))))


def _decimals(numbers: tuple[float, ...], unit: float) -> int:
    """Return the decimals to which numbers are rounded so that they change by less than a unit."""
    largest = max(map(abs, numbers))
    if largest == 0.0:
        return DIGITS
    magnitude = math.floor(math.log10(largest))
    finest, coarsest = DIGITS - 1 - magnitude, LEAST_DIGITS - 1 - magnitude
    known = math.ceil(-math.log10(unit)) if math.isfinite(unit) and unit > 0.0 else finest
    return min(max(known, coarsest), finest)


def _significant(number: float, digits: int = DIGITS) -> float:
    return float(f"{number:.{digits}g}")


def round_measures(value: T, digits: int = MEASURED) -> T:
    """Return a record of measures, such as a fit or a domain, with its numbers rounded; those of a matrix alike.

    Examples
    --------
    >>> round_measures((0.30000000000000004, 2.0))
    (0.3, 2.0)
    >>> round_measures(((1.0, 1e-17), (1e-17, 2.0)))
    ((1.0, 0.0), (0.0, 2.0))
    """
    found: Any = value
    if isinstance(value, float):
        found = _significant(value, digits)
    elif isinstance(value, tuple):
        is_matrix = bool(value) and all(isinstance(row, tuple) and row for row in value)
        is_matrix = is_matrix and all(isinstance(each, float) for row in value for each in row)
        found = _matrix(value, digits) if is_matrix else tuple(round_measures(each, digits) for each in value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: round_measures(getattr(value, each.name), digits) for each in fields(value)}
        found = replace(value, **parts)
    rounded: T = found
    return rounded


def _matrix(rows: tuple[tuple[float, ...], ...], digits: int) -> tuple[tuple[float, ...], ...]:
    largest = max(abs(number) for row in rows for number in row)
    places = digits - 1 - math.floor(math.log10(largest)) if largest > 0.0 else digits
    return tuple(tuple(round(number, places) + 0.0 for number in row) for row in rows)


def round_array(values: Floats) -> Floats:
    """Return numbers rounded each to twelve or thirteen digits, as every processor does.

    Examples
    --------
    >>> round_array(np.array([0.1 + 0.2, 2.0 / 3.0, 1e30, np.inf])).tolist()
    [0.3, 0.6666666666667, 1e+30, inf]
    """
    _, exponent = np.frexp(values)
    decimals = TABULATED - np.ceil(exponent * math.log10(2.0)).astype(np.int64)
    power = _POWERS[np.minimum(np.abs(decimals), len(_POWERS) - 1)]
    with np.errstate(over="ignore", invalid="ignore"):  # in the branch that is not taken
        coarse, fine = np.rint(values / power) * power, np.rint(values * power) / power
    return np.asarray(np.where(decimals >= 0, fine, coarse))


ZERO, ONE = Constant(0.0), Constant(1.0)
_LARGEST_EXPONENT = 700.0


def simplify_graph(root: Node) -> Node:
    """Return an equal graph with constants folded, sums and products flattened, and exp(log) cancelled.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Input
    >>> from kanopt.formulas.printing import to_infix
    >>> d, load = Input("d"), Input("load")
    >>> to_infix(simplify_graph(Apply("exp", 0.3 + 0.98 * Apply("log", d) + Apply("sin", load))))
    '1.35 · d^0.98 · exp(sin(load))'
    """
    return rebuild(root, _simplify_node)


def _simplify_node(node: Node) -> Node:
    """Simplify one node whose children are already simplified."""
    match node:
        case Sum(terms=terms):
            return _sum(terms)
        case Product(factors=factors):
            return _product(factors)
        case Power(base=base, exponent=exponent):
            return _power(base, exponent)
        case Apply(function=function, argument=argument):
            return _apply(function, argument)
        case Extreme(parts=parts):
            return _extreme(type(node), parts)
    return node


def _fold_constants(node: Node) -> Node:
    """Return the value of a node of constants as a constant, or the node itself if that is not finite."""
    if any(not isinstance(child, Constant) or is_parameter(child) for child in node.children):
        return node
    value = float(computed(node))
    return Constant(value) if math.isfinite(value) else node


def _plus(a: Constant, b: Constant) -> Constant | None:
    value = a.value + b.value
    return Constant(value) if math.isfinite(value) else None


def _times(a: Constant, b: Constant) -> Constant | None:
    value = a.value * b.value
    # a product that underflows to nothing would erase the rest of the formula
    lost = value == 0.0 and a.value != 0.0 and b.value != 0.0
    return Constant(value) if math.isfinite(value) and not lost else None


def _exact(constant: Constant, value: float) -> bool:
    """Whether a constant is exactly `value`, without standard error, so that it can be dropped."""
    return constant.value == value and _is_fixed(constant)


def _is_fixed(constant: Constant) -> bool:
    """Whether a constant was neither estimated nor can be."""
    return constant.standard_error is None and not is_parameter(constant)


def _flatten(parts: Iterable[Node], kind: type[Sum] | type[Product]) -> list[Node]:
    found: list[Node] = []
    for part in parts:
        found.extend(part.children if isinstance(part, kind) else (part,))
    return found


def _collected(
    parts: Iterable[Node],
    neutral: Constant,
    merge: Callable[[Constant, Constant], Constant | None],
    split: Callable[[Node], tuple[Constant, Node]],
    join: Callable[[Constant, Node], Node],
) -> tuple[Constant, list[Node]]:
    """Return the fixed numbers of a sum or product as one, and the other parts, what occurs several times in one."""
    constant = neutral
    loose: list[Node] = []
    counts: dict[Node, Constant] = {}
    for part in parts:
        if isinstance(part, Constant) and not is_parameter(part):
            merged = merge(constant, part)
            loose.extend([part] if merged is None else [])
            constant = constant if merged is None else merged
            continue
        count, rest = split(part)
        total = _plus(counts[rest], count) if rest in counts else count
        if total is None:
            loose.append(part)
        else:
            counts[rest] = total
    return constant, [join(count, rest) for rest, count in counts.items() if not _exact(count, 0.0)] + loose


def _joined(
    kind: type[Sum] | type[Product], neutral: Constant, constant: Constant, parts: list[Node]
) -> Node:
    head: list[Node] = [] if _exact(constant, neutral.value) else [constant]
    parts = head + parts
    if not parts:
        return neutral
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _sum(terms: Iterable[Node]) -> Node:
    constant, parts = _collected(_flatten(terms, Sum), ZERO, _plus, _split, _scaled)
    return _joined(Sum, ZERO, constant, parts)


def _split(term: Node) -> tuple[Constant, Node]:
    """Split a term into a constant that is not a parameter, times the rest."""
    if isinstance(term, Product) and len(term.factors) > 1 and isinstance(term.factors[0], Constant):
        if is_parameter(term.factors[0]):
            return ONE, term
        rest = term.factors[1:]
        return term.factors[0], rest[0] if len(rest) == 1 else Product(rest)
    return ONE, term


def _scaled(weight: Constant, rest: Node) -> Node:
    if _exact(weight, 1.0):
        return rest
    return Product((weight, *(rest.factors if isinstance(rest, Product) else (rest,))))


def _product(factors: Iterable[Node]) -> Node:
    flat = _flatten(factors, Product)
    named = [factor for factor in flat if is_parameter(factor)]
    others = [factor for factor in flat if not is_parameter(factor)]
    constant, parts = _collected(others, ONE, _times, _base_of, _raised)
    return ZERO if _exact(constant, 0.0) else _joined(Product, ONE, constant, named + parts)


def _base_of(factor: Node) -> tuple[Constant, Node]:
    if isinstance(factor, Power) and isinstance(factor.exponent, Constant):
        return (ONE, factor) if is_parameter(factor.exponent) else (factor.exponent, factor.base)
    return ONE, factor


def _raised(exponent: Constant, base: Node) -> Node:
    return base if _exact(exponent, 1.0) else Power(base, exponent)


def _power(base: Node, exponent: Node) -> Node:
    """Fold constants, and merge a power of a power if that is equal for every sign of the base."""
    node = Power(base, exponent)
    if not isinstance(exponent, Constant):
        return _fold_constants(node)
    if _exact(exponent, 0.0):
        return ONE
    if _exact(exponent, 1.0):
        return base
    if isinstance(base, Constant):
        return _fold_constants(node) if _is_fixed(exponent) and _is_fixed(base) else node
    if isinstance(base, Power) and isinstance(base.exponent, Constant):
        inner, certain = base.exponent.value, not (is_parameter(base.exponent) or is_parameter(exponent))
        # (x^2)^0.5 is |x|, not x: an even power forgets the sign, and only a whole power may follow
        if certain and (exponent.value.is_integer() or inner % 2.0 != 0.0):
            merged = _times(base.exponent, exponent)
            if merged is not None:
                return _power(base.base, merged)
    if isinstance(base, Apply) and base.function == "exp":
        return _apply("exp", _product((exponent, base.argument)))
    weight, rest = _split(base)
    if rest is not base and weight.value > 0 and _is_fixed(weight):
        front = _fold_constants(Power(weight, exponent))
        if isinstance(front, Constant) and front.value > 0 and _is_fixed(exponent):
            return _product((front, _power(rest, exponent)))
    return node


def _apply(function: str, argument: Node) -> Node:
    """Fold constants, write square and sqrt as powers, and cancel exp of log and log of exp."""
    if isinstance(argument, Constant) and _is_fixed(argument):
        return _fold_constants(Apply(function, argument))
    if function == "square":
        return _power(argument, Constant(2.0))
    if function == "sqrt":
        return _power(argument, Constant(0.5))
    if function == "log" and isinstance(argument, Apply) and argument.function == "exp":
        return argument.argument
    return _exp(argument) if function == "exp" else Apply(function, argument)


def _exp(argument: Node) -> Node:
    """Turn exp of a sum into a product: constants become factors, multiples of logarithms powers."""
    factors: list[Node] = []
    rest: list[Node] = []
    for term in _flatten([argument], Sum):
        match term:
            case Constant(value=value) if not is_parameter(term) and abs(value) <= _LARGEST_EXPONENT:
                factors.append(Constant(math.exp(value)))
            case Product(factors=(Constant() as weight, Apply(function="log", argument=inner))):
                factors.append(_power(inner, weight))
            case Apply(function="log", argument=inner):
                factors.append(inner)
            case _:
                rest.append(term)
    if rest:
        factors.append(Apply("exp", rest[0] if len(rest) == 1 else Sum(tuple(rest))))
    return _product(factors)


def _extreme(kind: type[Extreme], parts: Iterable[Node]) -> Node:
    """Flatten, fold the constants into one, and drop repetitions."""
    flat: dict[Node, None] = {}
    numbers: list[Constant] = []
    for part in parts:
        for item in part.children if isinstance(part, kind) else (part,):
            if isinstance(item, Constant) and _is_fixed(item):
                numbers.append(item)
            else:
                flat[item] = None
    if numbers:
        value = reduce(kind.join, [np.asarray(constant.value) for constant in numbers])
        flat = {Constant(float(value)): None, **flat}
    return next(iter(flat)) if len(flat) == 1 else kind(tuple(flat))  # type: ignore[call-arg]
