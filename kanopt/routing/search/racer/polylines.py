"""Functions of one variable as polylines: what ranks plans before the laws themselves decide."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas.lowering.profile import Profile
from kanopt.formulas.nodes import Node

_TOLERANCE = 1e-4
"""Share of a function's range; its profile takes a sixty-fourth of it, where the function is smooth."""
_PER_PIECE = 2  # buckets: one look finds the piece as a rule


@dataclass(frozen=True, eq=False)
class Polyline:
    """Straight lines, ``slope * x + shift`` up to `until`, and with which of them each bucket of the range begins.

    Parameters
    ----------
    begin, rate
        Where the range begins, and buckets for each unit.
    opens
        First piece of each bucket.
    until, slope, shift
        The pieces; the last one has no end.
    tube
        How far the function is from it at most, proved by interval arithmetic.

    Examples
    --------
    >>> from kanopt.formulas import Apply
    >>> from kanopt.formulas.lowering.graphs import ARGUMENT
    >>> line = Polyline.of(Apply("exp", ARGUMENT), 0.0, 2.0)
    >>> bool(abs(line.at(np.array([1.3])) - np.exp(1.3))[0] <= line.tube <= 1e-5 * np.exp(2.0))
    True
    """

    begin: float
    rate: float
    opens: NDArray[np.int32]
    until: Floats
    slope: Floats
    shift: Floats
    tube: float

    @classmethod
    def of(cls, graph: Node, low: float, high: float) -> Polyline | None:
        """Return the polyline of a function on a range; None where it cannot be shown to be near to one.

        Parameters
        ----------
        graph
            The function of :data:`~kanopt.formulas.lowering.graphs.ARGUMENT`.
        low, high
            The range.
        """
        try:
            profile = Profile(graph, low, high)
            least, most = profile.range
            profile.refine(_TOLERANCE * max(most - least, 1e-3 * max(abs(least), abs(most)), 1e-12))
        except FormulaError:
            return None
        cells = profile.cells
        order = np.lexsort((cells.stair, cells.low))
        low_ends, ends, first, last = (
            values[order] for values in (cells.low, cells.high, cells.first, cells.last)
        )
        width = ends - low_ends
        slope = np.where(width > 0, (last - first) / np.where(width > 0, width, 1.0), 0.0)
        until = ends.copy()
        until[-1] = np.inf
        buckets = _PER_PIECE * len(ends)
        rate = buckets / (high - low)
        # rounding may find the bucket after the right one, and the search goes forward only: begin a bucket earlier
        edges = low + (np.arange(buckets) - 1.0) / rate
        opens = np.minimum(np.searchsorted(until, edges, side="right"), len(until) - 1)
        tube = float(np.max(np.maximum(cells.down, cells.up) + cells.noise))
        return cls(low, rate, opens.astype(np.int32), until, slope, first - slope * low_ends, tube)

    def at(self, x: Floats) -> Floats:
        """Return its values."""
        piece = np.searchsorted(self.until, x, side="right")
        return np.asarray(self.slope[piece] * x + self.shift[piece])
