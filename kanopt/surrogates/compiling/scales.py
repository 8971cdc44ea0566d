"""In what a correction of a prior is measured: units of the target, shares of the prior, or logarithms."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["FACTOR", "SCALES", "SHARE", "SUM", "Scale"]

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """How a correction meets a prior, and with what its errors grow.

    With a prior p and a target y, residuals are y − p with errors alike everywhere ("sum"), (y − p) / p with errors
    that grow with the prior ("share"), or log(y / p) with errors that grow with the target ("factor"). The first two
    are added to the prior, the last is the logarithm of a factor on it.

    Parameters
    ----------
    name
        ``"sum"``, ``"share"`` or ``"factor"``.

    Examples
    --------
    >>> target, prior = np.array([3.0]), np.array([2.0])
    >>> for scale in SCALES.values():
    ...     residual = scale.residual(target, prior)
    ...     print(scale.name, residual.round(3).tolist(), scale.applied(prior, residual).round(9).tolist())
    sum [1.0] [3.0]
    share [0.5] [3.0]
    factor [0.405] [3.0]
    """

    name: str

    @property
    def is_factor(self) -> bool:
        """Whether the correction is the logarithm of a factor, and not added."""
        return self.name == "factor"

    def unit(self, prior: Floats) -> Floats:
        """Return what a correction that is added is divided by."""
        return prior if self.name == "share" else np.ones_like(prior)

    def residual(self, target: Floats, prior: Floats) -> Floats:
        """Return what the correction has to be."""
        return np.log(target / prior) if self.is_factor else (target - prior) / self.unit(prior)

    def applied(self, prior: Floats, correction: Floats) -> Floats:
        """Return the law."""
        return prior * np.exp(correction) if self.is_factor else prior + self.unit(prior) * correction

    def moved(self, law: Floats, prior: Floats, end: float) -> Floats:
        """Return the law a residual away."""
        return law * np.exp(end) if self.is_factor else law + self.unit(prior) * end

    def log_slope(self, target: Floats, prior: Floats) -> Floats:
        """Return the logarithm of what a residual changes by where the target changes by one."""
        return -np.log(target if self.is_factor else self.unit(prior))


SUM, SHARE, FACTOR = Scale("sum"), Scale("share"), Scale("factor")
SCALES = {scale.name: scale for scale in (SUM, SHARE, FACTOR)}
