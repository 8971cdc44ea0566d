"""By how much legs, stops and tasks take longer or shorter than a law says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kanopt.array_types import Floats, Indices
from kanopt.formulas.error_model import ErrorModel

_TINY = 1e-300


@dataclass(frozen=True, eq=False)
class LawErrors:
    """Errors of a law of time on the legs of routes, or the tasks of schedules.

    With ``v`` the value of the law, a time is ``(shift + factor · v + noise(v) · own) · exp(σ · common − σ²/2)``, cut
    off at 0, with ``σ`` such that the factor has the standard deviation of what legs have in common. As a factor, a bad
    day makes no time negative and long legs later than short ones.

    Parameters
    ----------
    model
        The law's errors, in its own unit.
    unit
        How many units of time of the problem one unit of the law is.
    shift, factor
        The bias of each route; (routes,).
    shared
        Standard deviation of what the legs of a route have in common, in units of the noise of the model; (routes,).
    common
        What the legs of a route have in common, a standard normal number; (routes,).
    own
        What each leg has alone, in units of the noise of the model; (routes, legs).
    """

    model: ErrorModel
    unit: float
    shift: Floats
    factor: Floats
    shared: Floats
    common: Floats
    own: Floats

    def select(self, routes: Indices) -> LawErrors:
        """Return those of some routes, each as often as it is named."""
        drawn = (self.shift, self.factor, self.shared, self.common, self.own)
        return LawErrors(self.model, self.unit, *(each[routes] for each in drawn))

    def apply(self, leg: int, times: Floats) -> Floats:
        """Return how long one leg of each route takes, given what the law says; (routes,)."""
        reached = np.isfinite(times)
        value = np.where(reached, times, 0.0) / self.unit
        mean = self.shift + self.factor * value
        noise = self.model.noise(value)
        deviation = self.shared * noise / np.maximum(mean, _TINY)
        sigma = np.sqrt(np.log1p(np.where(mean > 0.0, deviation, 0.0) ** 2))
        found = (mean + noise * self.own[:, leg]) * np.exp(sigma * self.common - sigma**2 / 2.0)
        return np.where(reached, self.unit * np.maximum(found, 0.0), times)
