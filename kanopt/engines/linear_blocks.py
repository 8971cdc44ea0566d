"""Blocks of variables and rows of a linear model, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Indices


@dataclass(frozen=True, eq=False)
class VariableBlock:
    """Variables of one sort: which cells of an array they are, and where they start."""

    cells: tuple[Indices, ...]
    shape: tuple[int, ...]
    start: int

    @classmethod
    def of(cls, mask: NDArray[np.bool_], start: int) -> VariableBlock:
        """Return variables for the cells of a mask, the first one at `start`."""
        return cls(np.nonzero(mask), mask.shape, start)

    @property
    def stop(self) -> int:
        """Where the next block starts."""
        return self.start + len(self.cells[0])

    @property
    def columns(self) -> Indices:
        """Places of the variables among all."""
        return np.arange(self.start, self.stop, dtype=np.intp)

    def to_array(self, point: Floats) -> Floats:
        """Return the part of a point that belongs here as a full array."""
        full = np.zeros(self.shape)
        full[self.cells] = point[self.start : self.stop]
        return full

    def column_of(self) -> Indices:
        """Return the variable of each cell; -1 where there is none."""
        full = np.full(self.shape, -1, dtype=np.intp)
        full[self.cells] = self.columns
        return full


class RowCollector:
    """Collects the rows of a model."""

    def __init__(self) -> None:
        self.lower: list[Floats] = []
        self.upper: list[Floats] = []
        self.entries: list[tuple[Indices, Indices, Floats]] = []
        self.count = 0

    def add(self, lower: Floats, upper: Floats) -> int:
        """Open one row for each bound given; return the first."""
        start = self.count
        self.lower.append(np.ravel(lower).astype(float))
        self.upper.append(np.ravel(upper).astype(float))
        self.count += self.lower[-1].size
        return start

    def put(self, rows: Indices, columns: Indices, values: Floats | float) -> None:
        """Write entries; a column of -1 is left out."""
        there = columns >= 0
        spread = np.broadcast_to(np.asarray(values, dtype=float), columns.shape)
        self.entries.append((rows[there], columns[there], spread[there]))

    @property
    def matrix(self) -> tuple[Indices, Indices, Floats]:
        """All entries: rows, columns, values."""
        rows, columns, values = zip(*self.entries, strict=True)
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(values)
