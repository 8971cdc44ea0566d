"""The rows that a model was fitted to, as a law is looked for on them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.surrogates.groups import SharedErrors


@dataclass(frozen=True, eq=False)
class Rows:
    """Encoded rows.

    Parameters
    ----------
    inputs
        Shape (n, columns).
    target
        On the scale of the network's output, shape (n,).
    weight
        How many rows each stands for, shape (n,).
    slope
        Slope of a link behind the output, shape (n,): a residual times its slope is the residual of what the link
        gives, which is what counts. None for no link.
    shared
        What rows of a group share of their errors; the target is what is left without it. None where they share none.
    """

    inputs: Floats
    target: Floats
    weight: Floats
    slope: Floats | None = None
    shared: SharedErrors | None = None

    @property
    def total(self) -> float:
        """The number of rows."""
        return float(self.weight.sum())

    @property
    def lift(self) -> float:
        """Factor by which what groups share raises the mean of a target whose logarithm they share; else 1."""
        return 1.0 if self.shared is None else self.shared.lift

    @property
    def precision(self) -> Floats:
        """Weight of every squared residual."""
        return self.weight if self.slope is None else self.weight * self.slope**2

    @property
    def digest(self) -> str:
        """SHA-256 of inputs and target."""
        parts = (np.ascontiguousarray(part) for part in (self.inputs, self.target))
        return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()

    def of(self, chosen: NDArray[np.intp]) -> Rows:
        """Return some of the rows."""
        slope = None if self.slope is None else self.slope[chosen]
        shared = None if self.shared is None else self.shared.take(chosen)
        inputs, target, weight = self.inputs[chosen], self.target[chosen], self.weight[chosen]
        return Rows(inputs, target, weight, slope, shared)
