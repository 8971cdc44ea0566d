"""Rows of inputs, with what laws need of them over and over."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.splines import SplineGrid
from kanopt.surrogates.search.structure import Tabulated

MARGIN = 0.05
"""Share of the range of an input at either end in which a hinge is none."""

ON_GRID = 400
"""Distinct values up to which an input may lie on a grid."""


class Columns:
    """Rows of inputs, with what laws need of them over and over.

    Parameters
    ----------
    inputs
        Shape (n, columns), scaled so that values are of the order of one.
    scales
        What the inputs were divided by, shape (columns,): a logarithm is that of the input itself.
    categories
        How many categories each input has that is the number of one.
    """

    def __init__(self, inputs: Floats, scales: Floats, categories: Mapping[int, int] | None = None) -> None:
        self.inputs, self.scales = np.asfortranarray(inputs), scales
        self.categories = categories or {}
        self._logs: dict[int, Floats] = {}
        self._fastest: dict[int, float] = {}
        self._powers: dict[tuple[int, float], Floats] = {}
        self._bases: dict[Any, Floats] = {}

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def count(self) -> int:
        """How many inputs there are."""
        return int(self.inputs.shape[1])

    def of(self, column: int) -> Floats:
        """Return an input, shape (n,)."""
        return self.inputs[:, column]

    def log(self, column: int) -> Floats:
        """Return log x, and a large negative number where x is zero, so that x^b · log x is zero for b > 0."""
        if column not in self._logs:
            self._logs[column] = np.log(np.maximum(self.of(column), 1e-300))
        return self._logs[column]

    def raised(self, column: int, exponent: float) -> Floats:
        """Return x^exponent."""
        if exponent == 1.0:
            return self.of(column)
        key = column, exponent
        if key not in self._powers:
            x = self.of(column)
            # whole exponents only where there are negative values; NaN otherwise
            plain = exponent in (2.0, -1.0, 3.0) or self.low[column] < 0.0
            with np.errstate(all="ignore"):
                self._powers[key] = x**exponent if plain else np.exp(exponent * self.log(column))
        return self._powers[key]

    def basis(self, factor: Tabulated) -> Floats:
        """Return what each number of a table or curve is multiplied by, shape (n, numbers)."""
        key = factor.column, factor.of, len(factor.values), factor.low, factor.high
        if key not in self._bases:
            x, count = self.of(factor.column), len(factor.values)
            if factor.of == "category":
                self._bases[key] = np.asarray(x[:, None] == np.arange(count), dtype=float)
            else:
                x = self.log(factor.column) if factor.of == "log x" else x
                spans, turns = (count, True) if factor.of == "turn" else (count - 3, False)
                self._bases[key] = SplineGrid(factor.low, factor.high, spans, turns).basis(x)
        return self._bases[key]

    @cached_property
    def low(self) -> Floats:
        """The smallest value of every input."""
        return np.asarray(self.inputs.min(axis=0))

    @cached_property
    def high(self) -> Floats:
        """The largest value of every input."""
        return np.asarray(self.inputs.max(axis=0))

    def fastest(self, column: int) -> float:
        """Return the largest frequency of a wave that the values of an input can tell; infinite for most.

        Months from 1 to 12 are the same to sin(0.52 · month) and to a wave that is 2π faster: of values on a grid only
        half a turn from one to the next is seen (Shannon 1949, Proc. IRE 37).
        """
        if column not in self._fastest:
            gaps = np.diff(np.unique(self.of(column))[: ON_GRID + 1])
            step = float(gaps.min(initial=np.inf))
            even = 0 < len(gaps) < ON_GRID and np.allclose(gaps / step, np.round(gaps / step), atol=1e-6)
            self._fastest[column] = (1.0 + 1e-6) * np.pi / step if even else np.inf
        return self._fastest[column]

    def inside(self, column: int, place: float) -> bool:
        """Whether a place is well within the values of an input."""
        margin = MARGIN * (self.high[column] - self.low[column])
        return bool(self.low[column] + margin < place < self.high[column] - margin)

    def take(self, rows: NDArray[np.int64]) -> Columns:
        """Return some of the rows."""
        return Columns(self.inputs[rows], self.scales, self.categories)


def scales_of(inputs: Floats) -> Floats:
    """Return a positive number per input of the order of its values, shape (columns,)."""
    out = []
    for column in inputs.T:
        size = np.abs(column[column != 0.0])
        out.append(float(np.exp(np.log(size).mean())) if len(size) else 1.0)
    return np.array(out)
