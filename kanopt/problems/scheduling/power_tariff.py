"""The price of power as a step function of time, integrated exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class PowerTariff:
    """A step function of time.

    Parameters
    ----------
    starts
        Shape ``(k,)``, increasing; price ``i`` holds from ``starts[i]`` to ``starts[i + 1]``, the last for ever,
        and the first also before its start.
    prices
        Shape ``(k,)``, money per unit of energy.

    Examples
    --------
    >>> tariff = PowerTariff(np.array([0.0, 60.0]), np.array([0.2, 0.4]))
    >>> float(tariff.cost(start=45.0, duration=30.0, energy=10.0))
    3.0
    """

    starts: NDArray[np.float64]
    prices: NDArray[np.float64]

    def integral(self, time: ArrayLike) -> NDArray[np.float64]:
        """Return the integral of the price from the first start to `time` (any shape)."""
        at = np.asarray(time, dtype=float)
        place = np.clip(np.searchsorted(self.starts, at, side="right") - 1, 0, None)
        full = np.concatenate([[0.0], np.cumsum(self.prices[:-1] * np.diff(self.starts))])
        value: NDArray[np.float64] = full[place] + self.prices[place] * (at - self.starts[place])
        return value

    def cost(self, start: ArrayLike, duration: ArrayLike, energy: ArrayLike) -> NDArray[np.float64]:
        """Return the money for `energy` drawn at constant power over ``[start, start + duration]``.

        The three broadcast against each other; `duration` is positive.
        """
        begin, long = np.asarray(start, dtype=float), np.asarray(duration, dtype=float)
        paid: NDArray[np.float64] = (
            np.asarray(energy, dtype=float) * (self.integral(begin + long) - self.integral(begin)) / long
        )
        return paid
