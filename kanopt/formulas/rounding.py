"""Laws in digits that every machine finds.

Processors add in other orders, and take other series for exponentials: a fit differs in its tenth digit or so from one
machine to another. What is planned on such laws then differs too, since searches compare prices. So a learned law is
rounded before anybody uses it, to digits that are far below what its rows tell and far above what machines differ by.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.formulas.base_formula import AnyFormula
from kanopt.formulas.nodes import Constant, Node, computed, postorder, rebuild
from kanopt.formulas.pieces import Curve

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
        is_matrix = bool(value) and all(isinstance(row, tuple) and _are_numbers(row) for row in value)
        found = _matrix(value, digits) if is_matrix else tuple(round_measures(each, digits) for each in value)
    elif is_dataclass(value) and not isinstance(value, type):
        parts = {each.name: round_measures(getattr(value, each.name), digits) for each in fields(value)}
        found = replace(value, **parts)
    rounded: T = found
    return rounded


def _are_numbers(row: tuple[Any, ...]) -> bool:
    return bool(row) and all(isinstance(each, float) for each in row)


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
