"""Distilling a network behind a link: least squares on the working response.

With y = g(f) + noise, a linear model of g at the network's output f₀ turns Σ w (y − g(f))² into

    Σ w g′(f₀)² (z − f)²,      z = f₀ + (y − g(f₀)) / g′(f₀),

which is least squares again (iteratively reweighted: McCullagh and Nelder 1989, *Generalized Linear Models*, section
2.5). Candidates are compared at the f₀ of the network; the chosen one is refitted at its own.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.kan.links import Link
from kanopt.surrogates.distill.judge import is_admissible
from kanopt.surrogates.distill.mixed import Mixed, Rows
from kanopt.surrogates.distill.refitting import Refit, refit

__all__ = ["polished", "working_rows"]

Array = NDArray[np.float64]

ROUNDS = 5
FLATTEST = 1e-6
"""Least slope, as a share of the largest: where a link is flat, the response says nothing of f."""


def working_rows(rows: Rows, link: Link, output: Array) -> Rows:
    """Return the rows with the working response as their target.

    Parameters
    ----------
    rows
        Rows with the target itself.
    link
        From f to the target.
    output
        f₀ of every row, shape (n,).
    """
    slope = link.slope(output)
    slope = np.maximum(slope, FLATTEST * float(slope.max()))
    return replace(rows, target=output + (rows.target - link(output)) / slope, slope=slope)


def polished(fit: Refit, rows: Rows, link: Link) -> Refit:
    """Return `fit` refitted on the working response at its own outputs, as long as that fits the target better."""

    def squares(model: Mixed) -> float:
        return float(rows.weight @ (rows.target - link(model.predict(rows.inputs))) ** 2)

    error = squares(fit.model)
    for _ in range(ROUNDS):
        trial = refit(fit.model, working_rows(rows, link, fit.model.predict(rows.inputs)))
        reached = squares(trial.model)
        if not reached < error * (1.0 - 1e-9) or not is_admissible(trial.model, rows.inputs):
            return fit
        fit, error = trial, reached
    return fit
