"""Decide whether departures are small enough for a structure to hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.surrogates.diagnostics.deviations import StructureDeviation

__all__ = ["COLUMNS", "mean_square", "rms_sizes", "verdicts"]

Floats = NDArray[np.float64]

SURE = 2.0
"""A departure of more standard errors than this is real."""
POWER = 3.0
"""A structure can be seen only in effects that exceed the threshold so many times."""
COLUMNS = ("test", "first", "second", "strength", "size", "noise", "threshold", "verdict")


def mean_square(here: StructureDeviation, there: StructureDeviation) -> Floats:
    """Return the mean square change of a departure between two laws over the rows, one per case."""
    pairs = zip(here.rows, there.rows, strict=True)
    return np.asarray(sum(np.mean((a - b) ** 2, axis=1) for a, b in pairs))


def rms_sizes(departure: StructureDeviation) -> Floats:
    """Return the root mean square of a departure over the rows, one per case."""
    return np.asarray(np.sqrt(sum(np.mean(rows**2, axis=1) for rows in departure.rows)))


def verdicts(departure: StructureDeviation, noise: Floats, least: float) -> pd.DataFrame:
    """Return strength, size, noise, threshold and verdict of a departure for every case.

    Parameters
    ----------
    departure
        The departure from one structure, for its cases.
    noise
        Standard errors of the departures, one per case.
    least
        Departures below this are negligible.

    Returns
    -------
    DataFrame
        One row per case, with :data:`COLUMNS`.
    """
    size = rms_sizes(departure)
    threshold = np.maximum(least, SURE * noise)
    ratio = np.divide(size, departure.whole, out=np.zeros_like(size), where=departure.whole > 0)
    # That two columns do not interact by more than the tolerance is a finding even where they hardly matter; that
    # they enter as one is not.
    negligible = (threshold <= least) & (departure.test in ("additive", "multiplicative"))
    visible = negligible | (departure.least >= POWER * threshold)
    within = np.where(visible, "holds", "undecided")
    return pd.DataFrame(
        {
            "test": departure.test,
            "first": departure.first,
            "second": departure.second,
            "strength": np.clip(1.0 - ratio, 0.0, 1.0),
            "size": size,
            "noise": noise,
            "threshold": threshold,
            "verdict": np.where(size <= threshold, within, "fails"),
        }
    )
