"""Values and derivatives of a formula in its named constants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.columns import common_shape, read_columns
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.graph_tape import GraphTape
from kanopt.formulas.nodes import Array, computed
from kanopt.formulas.pieces import gap_inputs


@dataclass(frozen=True, eq=False)
class Gradient:
    """Values of a law at given rows, and their derivatives in its parameters.

    Parameters
    ----------
    names
        Names of the p parameters, the columns of `derivative`.
    value
        The law's value, in the output's unit; in the shape to which the rows' columns broadcast, such as (n,).
    derivative
        Derivative of the value in each parameter, (n, p).
    """

    names: tuple[str, ...]
    value: Array
    derivative: Array


def gradient(formula: BaseFormula, data: Any, only: Iterable[str] | None = None) -> Gradient:
    """Return value and derivative of a formula in its named constants.

    Parameters
    ----------
    formula
        The law.
    data
        Rows, as for :meth:`kanopt.formulas.Formula.evaluate`.
    only
        Names of constants, and of curves, steps and tables, each of whose coefficients gets a column. None for all
        constants that have a name.

    Returns
    -------
    Gradient
        At a kink (of a maximum or an absolute value) the derivative is one-sided. Where it does not exist, as in the
        exponent of a negative base, it is NaN.

    Raises
    ------
    FormulaError
        If a name is unknown, or the data do not fit the formula.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> fuel = parse_formula("a * km ^ b", [Variable("km")], Variable("fuel"), constants={"a": 2.0, "b": 1.0})
    >>> found = gradient(fuel, {"km": [1.0, 10.0]})
    >>> found.names, found.value.tolist(), found.derivative.round(3).tolist()
    (('a', 'b'), [2.0, 20.0], [[1.0, 0.0], [10.0, 46.052]])
    """
    try:
        free = FreeParameters.of(formula.root, only)
        columns = read_columns(formula.inputs, data, formula.used, gap_inputs(formula.root))
        shape = common_shape(columns)
        tape = GraphTape(formula.root, columns, free)
    except FormulaError as error:
        raise FormulaError(f"formula for {formula.output.name!r}: {error}") from error
    value, derivative = computed(formula.root, columns), tape.gradient(free.values)[1]
    return Gradient(
        free.names,
        np.array(np.broadcast_to(value, shape)),
        np.array(np.broadcast_to(derivative, (*shape, free.count))),
    )
