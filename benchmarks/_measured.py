"""Measurements of true values, as the logs of the example tables hold them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def add_noise(
    rng: np.random.Generator, truth: NDArray[np.float64], *, noise: float, outliers: float
) -> NDArray[np.float64]:
    """Return measurements of true values, with noise and outliers.

    Parameters
    ----------
    rng
        Source of randomness; the same number of draws is taken whatever `noise` and `outliers` are.
    truth
        Array of shape (n,), positive.
    noise
        Coefficient of variation of a log-normal factor whose mean is one: its logarithm has variance
        ``log(1 + noise**2)`` and mean minus half of that.
    outliers
        Share of values that are grossly wrong: multiplied, or divided, by a factor drawn from 2 to 4.

    Returns
    -------
    ndarray of shape (n,)
    """
    variance = np.log1p(noise**2)
    factor = np.exp(np.sqrt(variance) * rng.standard_normal(len(truth)) - variance / 2)
    gross = rng.uniform(2.0, 4.0, len(truth)) ** rng.choice([-1.0, 1.0], len(truth))
    struck = rng.permutation(len(truth)) < round(outliers * len(truth))
    result: NDArray[np.float64] = truth * factor * np.where(struck, gross, 1.0)
    return result
