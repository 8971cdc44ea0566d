"""Which operator to use next: those that led to good plans are drawn more often."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["OperatorWeights"]

_REWARDS = {"best": 8.0, "better": 4.0, "accepted": 1.5, "refused": 0.0}
_REACTION, _SEGMENT, _LEAST = 0.3, 50, 0.15


class OperatorWeights:
    """Weights of operators by name, adapted to what they led to in the last steps.

    Parameters
    ----------
    names
        The operators.
    rng
        Draws.

    Notes
    -----
    Ropke and Pisinger (2006), section 3.4: after each segment of steps, the weight of an operator moves towards the
    mean of its rewards.
    """

    def __init__(self, names: Sequence[str], rng: np.random.Generator) -> None:
        self.names = list(names)
        self.rng = rng
        self.weights = np.ones(len(names))
        self._sums = np.zeros(len(names))
        self._uses = np.zeros(len(names))

    def draw(self) -> str:
        """Return the name of an operator."""
        place = int(
            np.searchsorted(np.cumsum(self.weights), self.rng.random() * self.weights.sum(), side="right")
        )
        return self.names[min(place, len(self.names) - 1)]

    def update(self, name: str, result: str) -> None:
        """Record what an operator led to: ``"best"``, ``"better"``, ``"accepted"`` or ``"refused"``."""
        place = self.names.index(name)
        self._sums[place] += _REWARDS[result]
        self._uses[place] += 1
        if self._uses.sum() >= _SEGMENT:
            used = self._uses > 0
            mean = self._sums[used] / self._uses[used]
            self.weights[used] = (1 - _REACTION) * self.weights[used] + _REACTION * mean
            self.weights = np.maximum(self.weights / self.weights.max(), _LEAST)
            self._sums[:] = 0.0
            self._uses[:] = 0.0
