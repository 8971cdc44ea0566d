"""Other programs that learn formulas or curves, for formulas.py."""

from __future__ import annotations

import numpy as np
from _laws import Rows
from _programs import Found, Program

__all__ = ["PEERS"]

Floats = np.ndarray


def _arrays(rows: Rows) -> tuple[Floats, Floats]:
    return rows.x, rows.train[rows.target].to_numpy()


def boosted(rows: Rows, seed: int) -> Found:
    """Learn an explainable boosting machine: steps of one and of two inputs, and never a formula."""
    from interpret.glassbox import ExplainableBoostingRegressor

    model = ExplainableBoostingRegressor(random_state=seed, n_jobs=1).fit(*_arrays(rows))
    return Found(f"{len(model.term_names_)} tables of steps", None, model.predict)


def splines(rows: Rows, seed: int) -> Found:
    """Learn a sum of splines of one input each, smoothing by GCV; never a formula."""
    from pygam import LinearGAM, s

    x, y = _arrays(rows)
    terms = s(0)
    for place in range(1, x.shape[1]):
        terms = terms + s(place)
    model = LinearGAM(terms).gridsearch(x, y, lam=np.logspace(-3, 3, 11), progress=False)
    return Found(f"{x.shape[1]} splines", None, model.predict)


PEERS = {
    "pygam": Program("pygam", "pygam", splines),
    "ebm": Program("interpret", "interpret.glassbox", boosted),
}
"""By the name of the flag."""
