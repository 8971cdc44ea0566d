"""A relaxation as a mixed-integer linear model for HiGHS."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.decisions.search.relaxation import Column, Curve, Relaxation, Row
from kanopt.engines.highs import GAP, TOLERANCE, MixedIntegerModel
from kanopt.engines.polygons import EPS, Side

_SMALLEST = 1e-9
_GAP = 0.05
"""The share of the tolerance at which HiGHS need not go on."""


class LinearModel:
    """The linear model of a relaxation: its quantities, then the weights of corners and the binaries of each curve.

    Quantities are counted from their lower bound in a power of two near their width, so that HiGHS's tolerances mean
    the same for all of them; the objective is counted in units of `unit`.

    Parameters
    ----------
    relaxation
        The relaxation, with its present polygons.
    unit
        What the objective is divided by: its tolerance.
    price
        About what the objective will be, if that is known.

    Attributes
    ----------
    linear
        The model.
    binaries
        How many binaries choose among polygons.
    """

    def __init__(self, relaxation: Relaxation, unit: float = 1.0, price: float | None = None) -> None:
        self._relaxation, self.unit, self.binaries = relaxation, unit, 0
        self._columns, self._rows = list(relaxation.columns), list(relaxation.rows)
        for curve in relaxation.curves:
            self._add_curve(curve)
        # HiGHS stops at a relative gap: with the right constant added, that is a twentieth of the tolerance
        self._columns.append(Column(1.0, 1.0))
        low, high, whole = map(np.array, zip(*self._columns, strict=True))
        self._offset = np.where(whole, np.ceil(low), low)
        width = np.where(whole, np.floor(high), high) - self._offset
        counted = np.arange(len(low)) < len(relaxation.columns)
        self._scale = np.where(
            counted & ~whole & (width > 0.0), 2.0 ** np.round(np.log2(np.maximum(width, 1e-300))), 1.0
        )
        self._offset[~counted] = 0.0
        lower = np.where(counted, 0.0, low)
        upper = np.where(counted, width / self._scale, high)
        objective = relaxation.objective
        self._constant = (
            0.0 if price is None else _GAP / GAP - (price - float(self._offset[objective])) / unit
        )
        cost = np.zeros(len(low))
        cost[objective], cost[-1] = self._scale[objective] / unit, self._constant
        self.linear = self._scaled(cost, lower, upper, whole)

    def _variables(self, count: int, *, whole: bool = False) -> list[int]:
        """Add variables from zero to one; return their columns."""
        start = len(self._columns)
        self._columns += [Column(0.0, 1.0, whole)] * count
        return list(range(start, start + count))

    def _add_curve(self, curve: Curve) -> None:
        """Tie a target to its source: both are the same mixture of corners, all of one polygon."""
        polygons, side = curve.partition.polygons(), curve.partition.side
        weights = self._variables(len(polygons.x))
        self._rows.append(Row(tuple((weight, 1.0) for weight in weights), 1.0, 1.0))
        for place, along, held in ((curve.source, polygons.x, Side.BOTH), (curve.target, polygons.y, side)):
            # corners count from the lowest value, too: the weights add up to one
            low = self._relaxation.columns[place].low
            terms = ((place, 1.0), *zip(weights, (low - along).tolist(), strict=True))
            least, most = low if Side.BELOW in held else -np.inf, low if Side.ABOVE in held else np.inf
            self._rows.append(Row(terms, least, most))
        for corners in polygons.choices():
            (chosen,) = self._variables(1, whole=True)
            self.binaries += 1
            terms = ((chosen, -1.0), *((weights[place], 1.0) for place in corners))
            self._rows.append(Row(terms, 0.0, 0.0))

    def _scaled(
        self, cost: Floats, lower: Floats, upper: Floats, whole: NDArray[np.bool_]
    ) -> MixedIntegerModel:
        """Return the model of the rows, each in the size of its largest entry."""
        rows, columns, values, ends = [], [], [], []
        for place, row in enumerate(self._rows):
            terms, low, high = self._scaled_row(row, upper)
            rows += [place] * len(terms)
            columns += [column for column, _ in terms]
            values += [value for _, value in terms]
            ends.append((low, high))
        row_lower, row_upper = np.array(ends).reshape(-1, 2).T
        return MixedIntegerModel(
            cost=cost,
            lower=lower,
            upper=upper,
            integer=whole,
            rows=np.array(rows, dtype=np.intp),
            columns=np.array(columns, dtype=np.intp),
            values=np.array(values, dtype=float),
            row_lower=row_lower,
            row_upper=row_upper,
        )

    def _scaled_row(self, row: Row, upper: Floats) -> tuple[Sequence[tuple[int, float]], float, float]:
        """Return terms and ends of a row; it is relaxed by the effect of coefficients too small for HiGHS."""
        merged: dict[int, float] = {}
        for column, coefficient in row.terms:
            merged[column] = merged.get(column, 0.0) + coefficient
        shift = sum(value * float(self._offset[column]) for column, value in merged.items())
        scaled = {column: value * float(self._scale[column]) for column, value in merged.items()}
        size = max(map(abs, scaled.values())) or 1.0
        low, high = (row.low - shift) / size, (row.high - shift) / size
        kept = []
        for column, value in scaled.items():
            if abs(value) >= _SMALLEST * size:
                kept.append((column, value / size))
            else:
                effect = value / size * float(upper[column])
                low, high = low - max(effect, 0.0), high - min(effect, 0.0)
        return kept, low, high

    def quantities(self, point: Floats) -> Floats:
        """Return the quantities of a point of the model, shape (columns,)."""
        count = len(self._relaxation.columns)
        return np.asarray(self._offset[:count] + self._scale[:count] * point[:count])

    def bound(self, of_model: float) -> float:
        """Return a lower bound on the relaxation's objective from HiGHS's, less what floating point may hide.

        A point may violate rows and integrality by HiGHS's tolerance, which can only lower the bound. Reduced costs may
        violate theirs, which can raise it by that tolerance times the range of each variable; and coefficients are
        rounded.
        """
        ranges = float((self.linear.upper - self.linear.lower).sum())
        sizes = np.array([max(abs(one.low), abs(one.high)) for one in self._relaxation.columns])
        slack = TOLERANCE * ranges * self.unit + self._relaxation.objective_shift(8.0 * EPS * sizes)
        start = float(self._offset[self._relaxation.objective])
        return start + (of_model - self._constant) * self.unit - slack
