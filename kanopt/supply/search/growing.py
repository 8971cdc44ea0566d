"""Models of which HiGHS sees a growing part: columns and rows join where they count."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kanopt.array_types import Floats, Indices
from kanopt.engines.highs import HighsOptions, HighsResult, MixedIntegerModel, highs_options, search_in_child

_BESIDE_ROWS = ("columns", "values", "gates", "sizes")
_SCRIPT = Path(__file__).with_name("growing_child.py")
_LATE = 0.5
"""Seconds after which a search that does not look at the clock is ended; what it had found is known by then."""


@dataclass(frozen=True, eq=False)
class RowPool:
    """Rows that every whole point keeps, and that make the relaxation tighter: ``Σ flows − size · gate ≤ 0``.

    Parameters
    ----------
    rows, columns, values
        Their non-zero entries, shape (k,).
    gates, sizes
        The column of a row that is a whole number, zero or one, and how much flows where it is one, shape (m,).
    """

    rows: Indices
    columns: Indices
    values: Floats
    gates: Indices
    sizes: Floats

    @classmethod
    def empty(cls) -> RowPool:
        """Return a pool without rows."""
        none = np.zeros(0, dtype=np.intp)
        return cls(none, none, np.zeros(0), none, np.zeros(0))

    @classmethod
    def of_gates(cls, rows: Indices, columns: Indices, gates: Indices, sizes: Floats) -> RowPool:
        """Return a row for each gate: the sum of what has its number in `rows`, less its size times the gate."""
        return cls(
            rows=np.concatenate([rows, np.arange(len(gates))]),
            columns=np.concatenate([columns, gates]),
            values=np.concatenate([np.ones(len(rows)), -sizes]),
            gates=gates,
            sizes=sizes,
        )

    def joined(self, other: RowPool) -> RowPool:
        """Return the rows of both."""
        return RowPool(
            np.concatenate([self.rows, len(self.gates) + other.rows]),
            *(np.concatenate([vars(self)[name], vars(other)[name]]) for name in _BESIDE_ROWS),
        )


@dataclass(frozen=True, eq=False)
class GrowingModel:
    """A linear model, a pool of rows, and the columns to begin with.

    Parameters
    ----------
    linear
        The model.
    pool
        Its further rows.
    start
        The columns that the relaxation begins with; of a small model it sees all.
    rounds
        Whether whole numbers near those of a relaxation are worth trying.
    """

    linear: MixedIntegerModel
    pool: RowPool
    start: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp))
    rounds: bool = True


def run_growing(model: GrowingModel, options: HighsOptions, tries: tuple[Floats, ...] = ()) -> HighsResult:
    """Minimise a model.

    The relaxation of some columns and of the model's own rows is solved, then with what it lacks: columns of negative
    reduced cost, and violated rows of the pool. Every set of multipliers gives a bound on the whole model. Its whole
    numbers are rounded for first points; then HiGHS branches on the columns that may have a part in a better one.

    Parameters
    ----------
    model
        What to minimise.
    options
        How long; the hint must be a point of the model.
    tries
        Whole numbers to try early, each of the shape (number of whole columns,).

    Returns
    -------
    HighsResult
        With a bound on the whole model, whatever part of it was branched on.
    """
    linear = model.linear
    seen = linear.to_arrays()
    order = {
        "model": seen,
        "pool": vars(model.pool),
        "start": model.start,
        "options": highs_options(options),
        "hint": options.hint,
        "tries": list(tries),
        "rounds": model.rounds,
        "time_limit": max(0.0, options.time_limit),
    }
    return search_in_child(_SCRIPT, order, options, len(linear.cost), options.time_limit + _LATE)
