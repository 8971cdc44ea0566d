"""The rows that constants are estimated on, read from a table in a law's units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FitError, FormulaError, nearest
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.columns import common_shape, describe_place, read_columns
from kanopt.formulas.pieces import gap_inputs
from kanopt.formulas.variables import Variable

Weight: TypeAlias = str | Any
"""Name of a column of the table, or an array of shape (n,)."""

TOLD = 44
"""Bits of a number that are told."""


@dataclass(frozen=True, eq=False)
class EstimationRows:
    """Rows of a table in a law's units.

    Parameters
    ----------
    columns
        Inputs by name, each (n,): numbers as float64, categories as text.
    target
        The output, (n,).
    weight
        Weight of each row, (n,), positive; the variance of a row is inversely proportional to it.
    """

    columns: dict[str, NDArray[Any]]
    target: Floats
    weight: Floats

    @classmethod
    def of(
        cls, formula: BaseFormula, table: Any, weight: Weight | None = None, also: Sequence[Variable] = ()
    ) -> EstimationRows:
        """Read inputs, output and weights; rows of weight 0 are dropped.

        Parameters
        ----------
        formula
            The law, with its inputs, output and units.
        table
            A DataFrame, or a mapping of name to array, with a column for every input the law uses and for its output.
            Units that a frame declares are converted, as :meth:`~kanopt.formulas.Formula.evaluate` does.
        weight
            Name of a column or array of weights; None for equal ones.
        also
            Columns to read besides that are no inputs of the law, or declared ones that it does not use.

        Raises
        ------
        FitError
            If the output or the weights are missing, not numeric, not finite, or of another length; names the first.
        FormulaError
            If an input is missing, is not numeric, or has missing values.
        """
        what = f"formula for {formula.output.name!r}"
        inputs, needed = formula.inputs, formula.used
        extra = {variable.name for variable in also}
        inputs = (*(variable for variable in inputs if variable.name not in extra), *also)
        needed |= extra
        try:
            columns = read_columns(inputs, table, needed, gap_inputs(formula.root))
        except FormulaError as error:
            raise FormulaError(f"{what}: {error}") from error
        target = _numbers(formula.output, table, what, "the output").ravel()
        if common_shape(columns) not in ((), target.shape):
            raise FitError(
                f"{what}: {target.size:,} values of the output, but inputs of shape {common_shape(columns)}"
            )
        columns = {name: np.broadcast_to(values, target.shape) for name, values in columns.items()}
        if weight is None:
            weights = np.ones_like(target)
        elif isinstance(weight, str):
            weights = _numbers(Variable(weight), table, what, "the weight").ravel()
        else:
            weights = _numbers(Variable("weight"), {"weight": weight}, what, "the weight").ravel()
        if weights.shape != target.shape:
            raise FitError(f"{what}: {weights.size:,} weights for {target.size:,} rows")
        for name, values in (*columns.items(), (formula.output.name, target), ("weight", weights)):
            if values.dtype != object and not np.isfinite(values).all():
                first = int(np.argmin(np.isfinite(values)))
                raise FitError(f"{what}: {name!r} is not finite at position {first}; drop that row")
        if (weights < 0).any():
            raise FitError(f"{what}: the weight at position {int(np.argmax(weights < 0))} is negative")
        rows = cls(columns, target, weights)
        return rows if (weights > 0).all() else rows.select(np.flatnonzero(weights > 0))

    @property
    def count(self) -> int:
        """The number of rows, n."""
        return self.target.size

    def select(self, places: NDArray[np.intp]) -> EstimationRows:
        """Return the rows at some places."""
        columns = {name: values[places] for name, values in self.columns.items()}
        return EstimationRows(columns, self.target[places], self.weight[places])

    def sample(self, count: int) -> EstimationRows:
        """Return so many of the rows, which their values decide and not their order; all where there are no more."""
        if self.count <= count:
            return self
        numbers = [
            np.unique(values, return_inverse=True)[1] if values.dtype == object else values
            for values in self.columns.values()
        ]
        inputs = np.column_stack([np.zeros(self.count), *numbers]).astype(np.float64)
        return self.select(np.sort(order_of_rows(inputs, self.target)[:count]))

    def describe(self, where: NDArray[np.bool_]) -> str:
        """Return inputs and output of the first row that is true."""
        return describe_place({**self.columns, "output": self.target}, where)


def _numbers(variable: Variable, table: Any, what: str, role: str) -> Floats:
    if variable.name not in table:
        known = [str(name) for name in table]
        raise FitError(
            f"{what}: the table has no column {variable.name!r}, {role}; {nearest(variable.name, known)}"
        )
    try:
        numbers = read_columns([variable], table, frozenset([variable.name]))[variable.name]
    except FormulaError as error:
        raise FitError(f"{what}: {role}: {str(error).removeprefix('input ')}") from error
    return np.asarray(numbers, dtype=np.float64)


def order_of_rows(inputs: Floats, target: Floats) -> NDArray[np.intp]:
    """Return an order of rows that their values decide, as if it were drawn: the first of them are a sample of all.

    Examples
    --------
    >>> x, y = np.array([[3.0], [1.0], [2.0]]), np.array([5.0, 4.0, 6.0])
    >>> there, back = order_of_rows(x, y), order_of_rows(x[::-1], y[::-1])
    >>> (x[there] == x[::-1][back]).all()
    np.True_
    """
    mixed = np.zeros(len(target), dtype=np.uint64)
    for column in (*inputs.T, target, np.ones(len(target))):
        mixed = _mixed(mixed ^ as_told(column).view(np.uint64))
    return np.argsort(mixed, kind="stable")


def as_told(numbers: Floats) -> Floats:
    """Return numbers to about thirteen digits, so that the way in which they were stored does not count.

    Examples
    --------
    >>> float(as_told(np.array([0.1 + 0.2]))[0] - as_told(np.array([0.3]))[0])
    0.0
    """
    mantissa, exponent = np.frexp(numbers)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, TOLD)), exponent - TOLD) + 0.0)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers with every bit of each spread over all of its bits (Steele et al. 2014, *Splittable PRNGs*)."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))
