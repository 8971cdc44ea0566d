"""Linear mixed models: fixed effects common to all groups, and random effects of each group with mean 0.

``y = Xβ + Z b + ε`` with ``b ~ N(0, σ²D)`` for each group and ``ε ~ N(0, σ²)``. The cross products of each group are
sufficient; D is estimated by restricted maximum likelihood, REML (Pinheiro and Bates 2000, *Mixed-Effects Models in S
and S-PLUS*, ch. 2; Searle, Casella and McCulloch 1992, *Variance Components*, ch. 6).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.formulas.nodes import Array

__all__ = ["MixedModel", "Moments", "estimate_between_groups", "sample_roots", "solve_mixed_model"]

_NONE = (
    -9.0
)  # logarithm of a standard deviation between groups, beside what one group tells, that counts as none
_MOST = 12.0


@dataclass(frozen=True, eq=False)
class Moments:
    """Cross products of the rows of X = [Z, S], by group.

    Parameters
    ----------
    zz, zx, zy
        Of the q columns of Z with themselves, with the p = q + s columns of X and with y, in each of G groups:
        (G, q, q), (G, q, p), (G, q).
    xx, xy, yy
        Of X and y over all rows: (p, p), (p,), a number.
    rows
        Number of rows, N.
    """

    zz: Array
    zx: Array
    zy: Array
    xx: Array
    xy: Array
    yy: float
    rows: int

    @classmethod
    def of(cls, z: Array, s: Array, y: Array, codes: NDArray[np.intp], groups: int) -> Moments:
        """Add up over rows: z (N, q), s (N, s), y (N,), and the group of each row."""

        def summed(left: Array, right: Array) -> Array:
            return np.bincount(codes, weights=left * right, minlength=groups).astype(np.float64)

        x = np.column_stack([z, s])
        q, p = z.shape[1], x.shape[1]
        zx = np.array([[summed(z[:, i], x[:, j]) for j in range(p)] for i in range(q)])
        zx = np.ascontiguousarray(np.moveaxis(zx, -1, 0))
        zy = np.array([summed(z[:, i], y) for i in range(q)]).T
        return cls(zx[:, :, :q], zx, zy, x.T @ x, x.T @ y, float(y @ y), len(y))


@dataclass(frozen=True, eq=False)
class MixedModel:
    """A linear mixed model solved for one D.

    Parameters
    ----------
    fixed_effects
        Fixed effects β, (p,).
    random_effects
        Random effects b of each group, the best linear unbiased predictions, (G, q).
    scaled_random_effects
        D⁻¹b, computed without inverting D, (G, q).
    variance
        σ².
    inverse
        Covariance of `beta` over σ², (p, p).
    random_effects_covariance
        Covariance of b given the rows for known β, over σ², (G, q, q).
    deviance
        −2 log of the restricted likelihood, up to a constant.
    slope
        Derivative of the deviance in D, (q, q), symmetric.
    """

    fixed_effects: Array
    random_effects: Array
    scaled_random_effects: Array
    variance: float
    inverse: Array
    random_effects_covariance: Array
    deviance: float
    slope: Array


def solve_mixed_model(moments: Moments, root: Array) -> MixedModel:
    """Solve for D = root · rootᵀ, root (q, q); D may be singular.

    With ``K = (I + ZᵀZ D)⁻¹`` it is ``ZᵀV⁻¹ = K Zᵀ`` in each group: only q × q matrices are inverted, and there is no
    cancellation however much the groups differ.
    """
    _, q, p = moments.zx.shape
    relative = root @ root.T
    damp = np.linalg.inv(np.eye(q) + moments.zz @ relative)
    left = relative @ damp
    left = (left + np.swapaxes(left, 1, 2)) / 2.0
    into, towards = damp @ moments.zx, np.einsum("gij,gj->gi", damp, moments.zy)
    information, right = np.empty((p, p)), np.empty(p)
    information[:q], right[:q] = into.sum(axis=0), towards.sum(axis=0)
    shared = moments.zx[:, :, q:]
    information[q:, :q] = information[:q, q:].T
    information[q:, q:] = moments.xx[q:, q:] - np.einsum("gis,git->st", shared, left @ shared)
    right[q:] = moments.xy[q:] - np.einsum("gis,gij,gj->s", shared, left, moments.zy)
    size = np.sqrt(np.maximum(np.diag(information), 1e-300))
    scaled = information / np.outer(size, size)
    if not np.isfinite(scaled).all() or np.linalg.cond(scaled) > 1e14:
        raise FitError("the rows do not identify the constants of the groups' law")
    inverse = np.linalg.inv((scaled + scaled.T) / 2.0) / np.outer(size, size)
    beta = inverse @ right
    force = towards - into @ beta
    own = force @ relative
    squares = moments.yy - 2.0 * float(moments.xy @ beta) + float(beta @ moments.xx @ beta)
    squares -= float(np.einsum("gi,gi->", moments.zy - moments.zx @ beta, own))
    variance = max(squares, 1e-28 * max(moments.yy, 1e-270)) / (moments.rows - p)
    slope = (
        into[:, :, :q].sum(axis=0)
        - np.einsum("gip,pr,gjr->ij", into, inverse, into)
        - force.T @ force / variance
    )
    deviance = (moments.rows - p) * math.log(variance) - float(np.linalg.slogdet(damp)[1].sum())
    deviance += float(np.linalg.slogdet(scaled)[1]) + 2.0 * float(np.log(size).sum())
    return MixedModel(beta, own, force, variance, inverse, left, deviance, (slope + slope.T) / 2.0)


def estimate_between_groups(
    moments: Moments, correlated: bool | None, start: Array | None = None
) -> tuple[Array, bool]:
    """Return the lower triangular root of D by REML, (q, q), and whether the random effects are correlated.

    Parameters
    ----------
    moments
        Cross products, with the columns of Z scaled so that a group determines each effect to about 1 · σ.
    correlated
        Whether the effects of a group may be correlated. None decides by Akaike's criterion.
    start
        An additional starting point, the root of a similar model.
    """
    q = moments.zz.shape[1]
    kinds = (False,) if q == 1 else (False, True) if correlated is None else (correlated,)
    found = []
    for full in kinds:
        shape = _RootParameters(q, full)
        starts = [np.eye(q), 0.1 * np.eye(q), *([] if start is None else [start])]
        deviance, root = min(
            (_search_root(moments, shape, begin) for begin in starts), key=lambda end: end[0]
        )
        found.append((deviance + 2.0 * shape.count, root, full))
    _, root, full = min(found, key=lambda kind: kind[0])
    return root, full


@dataclass(frozen=True)
class _RootParameters:
    """The parameters of a root: the logarithms of its diagonal and, if correlated, the entries below it."""

    q: int
    full: bool

    @property
    def count(self) -> int:
        return self.q + (self.q * (self.q - 1) // 2 if self.full else 0)

    def root(self, vector: Array) -> Array:
        root = np.diag(np.exp(vector[: self.q]))
        if self.full:
            root[np.tril_indices(self.q, -1)] = vector[self.q :]
        return root

    def vector(self, root: Array) -> Array:
        diagonal = np.log(np.maximum(np.abs(np.diag(root)), math.exp(_NONE)))
        below = root[np.tril_indices(self.q, -1)] if self.full else np.zeros(0)
        return np.concatenate([diagonal, below])

    def slope(self, root: Array, slope: Array) -> Array:
        """Return the derivative with respect to the vector, given that with respect to D = root · rootᵀ."""
        in_root = 2.0 * slope @ root
        below = in_root[np.tril_indices(self.q, -1)] if self.full else np.zeros(0)
        return np.concatenate([np.diag(in_root) * np.diag(root), below])


def _search_root(moments: Moments, shape: _RootParameters, start: Array) -> tuple[float, Array]:
    from scipy.optimize import minimize

    def deviance(vector: Array) -> tuple[float, Array]:
        root = shape.root(vector)
        found = solve_mixed_model(moments, root)
        return found.deviance, shape.slope(root, found.slope)

    most = math.exp(_MOST)
    bounds = [(_NONE, _MOST)] * shape.q + [(-most, most)] * (shape.count - shape.q)
    begin = np.clip(shape.vector(start), *np.array(bounds).T)
    how = {"ftol": 1e-13, "gtol": 1e-7}
    end = minimize(deviance, begin, jac=True, method="L-BFGS-B", bounds=bounds, options=how)
    root = shape.root(end.x)
    if not shape.full:
        root[np.diag_indices(shape.q)] *= end.x > _NONE + 0.5
    return float(end.fun), root


def sample_roots(moments: Moments, root: Array, full: bool, count: int) -> list[Array]:
    """Draw roots of D from its posterior by random-walk Metropolis, starting at the REML estimate.

    The restricted likelihood is taken as that of the rows, with flat priors of the standard deviations between groups
    (Gelman 2006, "Prior distributions for variance parameters in hierarchical models", Bayesian Analysis 1) and, of two
    numbers, of their correlation. The same moments give the same draws.
    """
    rng = np.random.default_rng(0)
    q = len(root)
    below = np.tril_indices(q, -1)
    size = np.sqrt(np.maximum(np.square(root).sum(axis=1), math.exp(2.0 * _NONE)))
    turn = (root / np.maximum(np.abs(np.diag(root)), 1e-6 * size)[:, None])[below] if full else np.zeros(0)
    # a standard deviation of none has no likelihood to climb from
    here = np.concatenate([np.log(np.maximum(size, 0.05)), np.clip(turn, -1.5, 1.5)])

    def at(vector: Array) -> tuple[float, Array]:
        unit = np.eye(q)
        if full:
            unit[below] = vector[q:]
        norms = np.sqrt(np.square(unit).sum(axis=1))
        spread = np.exp(vector[:q])
        if (np.abs(vector[:q]) > -_NONE).any() or (vector[:q] > _MOST).any():
            return -math.inf, unit
        drawn = unit * (spread / norms)[:, None]
        prior = float(vector[:q].sum()) - float((np.arange(q) + 2.0) @ np.log(norms)) * full
        return prior - 0.5 * solve_mixed_model(moments, drawn).deviance, drawn

    level, drawn = at(here)
    kept: list[Array] = []
    for step in range(count + count // 4):
        width = 0.5 * math.exp(rng.normal(scale=0.7))
        there = here + width * rng.normal(size=here.size) * np.repeat([1.0, 1.5], [q, here.size - q])
        other, candidate = at(there)
        if math.log(max(rng.random(), 1e-300)) < other - level:
            here, level, drawn = there, other, candidate
        if step >= count // 4:
            kept.append(drawn)
    return kept
