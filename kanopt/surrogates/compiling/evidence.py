"""A linear model in blocks, every block drawn towards zero by a weight of its own that the evidence chooses.

With rows r = Z w + noise and a normal prior of precision λ_b / σ² on the coefficients of block b, integrating w out and
profiling σ² leaves (MacKay 1992, Neural Comput. 4; the criterion of :mod:`kanopt.kan.smoothing`, where no direction is
free of a penalty)

    E(λ) = n · log[(‖r − Zw‖² + wᵀΛw) / n] + log det(ZᵀZ + Λ) − log det Λ,

with the gradient ∂E/∂log λ_b = n · λ_b ‖w_b‖² / (‖r − Zw‖² + wᵀΛw) + λ_b tr[(ZᵀZ + Λ)⁻¹]_bb − size_b. A block about
which the rows say nothing has its least E at λ = ∞ and goes: automatic relevance determination.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize

__all__ = ["Shrunk", "shrunk_fit"]

Floats = NDArray[np.float64]

LEAST, MOST = 1e-6, 1e6
"""Weights λ that are tried, per row."""
GONE = 0.05
"""Effective parameters below which a block is dropped."""
HUBER = 1.345
"""Residuals beyond this many robust standard deviations count by their size, not by their square (Huber 1981)."""
HEAVY = 0.002
"""Share of residuals beyond five robust standard deviations past which they do."""
TURNS = 4
FLAT = 1e-7
"""Share of E that a step has to gain."""


@dataclass(frozen=True, eq=False)
class Shrunk:
    """A fit.

    Attributes
    ----------
    coefficients
        Of all columns, zero for those of blocks that were dropped; (P,).
    errors
        Their standard deviations given the rows; (P,).
    kept
        Which blocks are there.
    edf
        Effective number of parameters.
    fitted, left_out
        What the model says of every row, and what it would say had the row been left out at the same weights λ; (n,).
    trust
        Robust weight of every row; 1 where squares count.
    """

    coefficients: Floats
    errors: Floats
    kept: tuple[bool, ...]
    edf: float
    fitted: Floats
    left_out: Floats
    trust: Floats


def shrunk_fit(blocks: Sequence[Floats], residual: Floats, weights: Floats) -> Shrunk:
    """Fit `residual` by blocks of columns, each shrunk towards zero.

    Parameters
    ----------
    blocks
        Matrices (n, size), each scaled so that a coefficient of one is an effect of about one.
    residual
        Shape (n,).
    weights
        How many rows each stands for, (n,).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, noise = rng.normal(size=(2, 200, 1))
    >>> fit = shrunk_fit([x, rng.normal(size=(200, 1))], (0.5 * x + 0.1 * noise)[:, 0], np.ones(200))
    >>> fit.kept, fit.coefficients.round(1).tolist()
    ((True, False), [0.5, 0.0])
    """
    trust = np.ones(len(residual))
    if not residual.any():
        return _nothing(blocks, trust)
    scale = float(np.sqrt(np.average(residual**2, weights=weights)))
    fit = _fitted(blocks, residual / scale, weights, trust)
    for _ in range(TURNS if _is_heavy(residual / scale - fit.fitted, weights) else 0):
        gap = np.abs(residual / scale - fit.fitted)
        limit = HUBER * _deviation(gap, weights)
        trust = np.minimum(1.0, limit / np.maximum(gap, 1e-300)) if limit > 0 else trust
        fit = _fitted(blocks, residual / scale, weights, trust)
    return Shrunk(
        scale * fit.coefficients,
        scale * fit.errors,
        fit.kept,
        fit.edf,
        scale * fit.fitted,
        scale * fit.left_out,
        fit.trust,
    )


def _fitted(blocks: Sequence[Floats], target: Floats, weights: Floats, trust: Floats) -> Shrunk:
    """Choose the weights, drop the blocks that the rows say nothing about, and choose anew without them."""
    kept = [True] * len(blocks)
    while True:
        used = [block for block, there in zip(blocks, kept, strict=True) if there]
        if not used:
            return _nothing(blocks, trust)
        model = _Model(used, target, weights * trust, float(weights.sum()))
        model.choose()
        edf = model.edf_of_blocks()
        if edf.min() >= GONE:
            break
        there = [place for place, still in enumerate(kept) if still]
        for place, size in zip(there, edf, strict=True):
            kept[place] = bool(size >= GONE)
    coefficients, errors = model.solution, np.sqrt(model.variance * np.diag(model.inverse))
    z = np.hstack(used)
    fitted = z @ coefficients
    leverage = np.minimum(weights * trust * np.einsum("ni,ij,nj->n", z, model.inverse, z), 0.99)
    left_out = target - (target - fitted) / (1.0 - leverage)
    sizes = [block.shape[1] for block in blocks]
    columns = np.repeat(kept, sizes)
    full, spread = np.zeros(len(columns)), np.zeros(len(columns))
    full[columns], spread[columns] = coefficients, errors
    return Shrunk(full, spread, tuple(kept), float(edf.sum()), fitted, left_out, trust)


def _nothing(blocks: Sequence[Floats], trust: Floats) -> Shrunk:
    """Return the fit without any block."""
    rows, zeros = np.zeros(len(trust)), np.zeros(sum(block.shape[1] for block in blocks))
    return Shrunk(zeros, zeros, (False,) * len(blocks), 0.0, rows, rows, trust)


class _Model:
    """The normal equations, and the evidence of weights."""

    def __init__(self, blocks: Sequence[Floats], target: Floats, weights: Floats, rows: float) -> None:
        z = np.hstack(blocks)
        self.sizes = np.array([block.shape[1] for block in blocks])
        self.matrix = z.T @ (weights[:, None] * z)
        self.vector = z.T @ (weights * target)
        self.total = float(weights @ target**2)
        self.rows = rows
        self.logs = np.zeros(len(blocks))
        self.solution, self.inverse, self.variance = self._solved(self.logs)

    def choose(self) -> None:
        """Take the weights of least E; from strong ones, so that a block comes in only where the rows ask for it."""
        ends = (float(np.log(LEAST * self.rows)), float(np.log(MOST * self.rows)))
        start = np.full(len(self.logs), float(np.log(0.1 * self.rows)))
        found = minimize(
            self.evidence,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=[ends] * len(start),
            options={"ftol": FLAT, "gtol": 1e-3},
        )
        self.logs = found.x
        self.solution, self.inverse, self.variance = self._solved(found.x)

    def evidence(self, logs: Floats) -> tuple[float, Floats]:
        """Return E and its gradient by log λ."""
        held = np.repeat(np.exp(logs), self.sizes)
        factor = cho_factor(self.matrix + np.diag(held), lower=True)
        inverse = cho_solve(factor, np.eye(len(held)))
        w = inverse @ self.vector
        lost = self._lost(w, held)
        roots = 2.0 * float(np.log(np.diag(factor[0])).sum())
        value = self.rows * np.log(lost / self.rows) + roots - float(np.log(held).sum())
        pull = held * (self.rows * w**2 / lost + np.diag(inverse)) - 1.0
        return float(value), np.add.reduceat(pull, self._firsts)

    def edf_of_blocks(self) -> Floats:
        """Return the effective parameters of every block."""
        held = np.repeat(np.exp(self.logs), self.sizes)
        return np.add.reduceat(1.0 - held * np.diag(self.inverse), self._firsts)

    @property
    def _firsts(self) -> NDArray[np.intp]:
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.intp)

    def _lost(self, w: Floats, held: Floats) -> float:
        """Return squares and penalty, no less than rounding makes of them."""
        lost = self.total - 2.0 * float(w @ self.vector) + float(w @ self.matrix @ w) + float(held @ w**2)
        return max(lost, 1e-12 * self.total)

    def _solved(self, logs: Floats) -> tuple[Floats, Floats, float]:
        held = np.repeat(np.exp(logs), self.sizes)
        inverse = cho_solve(cho_factor(self.matrix + np.diag(held), lower=True), np.eye(len(held)))
        w = inverse @ self.vector
        edf = float((1.0 - held * np.diag(inverse)).sum())
        squares = self._lost(w, np.zeros(len(held)))
        return w, inverse, squares / max(self.rows - edf, 1.0)


def _deviation(gap: Floats, weights: Floats) -> float:
    """Return the standard deviation that the median of absolute residuals tells."""
    order = np.argsort(gap)
    mass = np.cumsum(weights[order])
    return float(gap[order][np.searchsorted(mass, 0.5 * mass[-1])]) / 0.6745


def _is_heavy(gap: Floats, weights: Floats) -> bool:
    far = np.abs(gap) > 5.0 * _deviation(np.abs(gap), weights)
    return bool(np.average(far, weights=weights) > HEAVY)
