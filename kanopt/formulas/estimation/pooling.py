"""A law whose constants differ between groups, fitted with partial pooling.

The constants of a group are ``θ_g = μ + b_g``, ``b_g ~ N(0, σ²D)``. As Lindstrom and Bates (1990, "Nonlinear mixed
effects models for repeated measures data", Biometrics 46) do, two steps alternate: with D held, penalised least squares
for fixed and random effects, by Gauss-Newton; with the law linearised there, D and σ² by REML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.formulas.estimation.estimation_rows import EstimationRows
from kanopt.formulas.estimation.free import FreeParameters
from kanopt.formulas.estimation.mixed import (
    MixedModel,
    Moments,
    estimate_between_groups,
    sample_roots,
    solve_mixed_model,
)
from kanopt.formulas.estimation.residuals import Residuals
from kanopt.formulas.nodes import Array, Constant, Input, Node, Sum, rebuild

__all__ = ["PooledEstimate", "fit_pooled"]

ROUNDS = 60
STEPS = 30
DRAWS = 1000
_SMALL = 1e-4  # a step beside the standard error that counts as none


@dataclass(frozen=True, eq=False)
class PooledEstimate:
    """The jointly estimated constants of all groups.

    Parameters
    ----------
    mean
        μ of the q constants that vary, (q,).
    shared
        The s shared constants, (s,).
    group_effects
        b of each group, (G, q).
    common
        Covariance of μ and the shared constants, (q + s, q + s).
    given
        Error covariance of each group's constants and the shared ones for known D, (G, q + s, q + s): from the mixed
        model equations (Henderson 1975, Biometrics 31).
    errors
        The same including the uncertainty of D, averaged over draws of it.
    weight
        The weight of each group's own rows in each constant, from 0 to 1, (G, q).
    between
        Covariance of the constants between groups, σ²D, (q, q).
    variance
        σ² of a row of weight 1.
    """

    mean: Array
    shared: Array
    group_effects: Array
    common: Array
    given: Array
    errors: Array
    weight: Array
    between: Array
    variance: float


@dataclass(frozen=True, eq=False)
class _PoolingState:
    mean: Array
    shared: Array
    group_effects: Array
    scaled_effects: Array

    def step_towards(self, mixed: MixedModel, scale: Array, share: float) -> _PoolingState:
        """Return the state after a fraction `share` of the step to the solution of the linear model."""
        q = len(self.mean)
        return _PoolingState(
            self.mean + share * scale * mixed.fixed_effects[:q],
            self.shared + share * mixed.fixed_effects[q:],
            self.group_effects + share * (mixed.random_effects * scale - self.group_effects),
            self.scaled_effects + share * (mixed.scaled_random_effects / scale - self.scaled_effects),
        )

    @property
    def penalty(self) -> float:
        return float(np.einsum("gi,gi->", self.group_effects, self.scaled_effects))


@dataclass(frozen=True, eq=False)
class _GroupedResiduals:
    """The residuals of a law over grouped rows, and their derivatives, as functions of the groups' constants."""

    root: Node
    rows: EstimationRows
    codes: NDArray[np.intp]
    vary: tuple[str, ...]
    shared: tuple[str, ...]
    log: bool

    def at(self, theta: Array, shared: Array) -> tuple[Array, Array, Array] | None:
        """Return residuals (N,) and derivatives in the varying constants, (N, q), and in the shared ones, (N, s).

        None if the law has no finite value in some row. `theta` is (G, q).
        """
        columns = dict(self.rows.columns)
        for place, name in enumerate(self.vary):
            columns[_column(name)] = theta[self.codes, place]
        root = rebuild(self.root, self._by_row)
        free = FreeParameters.of(root, [*self.vary, *self.shared])
        values = dict.fromkeys(self.vary, 0.0) | dict(zip(self.shared, shared.tolist(), strict=True))
        residuals = Residuals.of(
            root, free, EstimationRows(columns, self.rows.target, self.rows.weight), self.log
        )
        found = residuals.at(np.array([values[name] for name in free.names]))
        if found is None:
            return None
        order = [free.names.index(name) for name in (*self.vary, *self.shared)]
        derivative = found[1][:, order]
        return found[0], derivative[:, : len(self.vary)], derivative[:, len(self.vary) :]

    def cost(self, state: _PoolingState) -> float:
        """Return the penalised sum of squares; infinite if the law has no value in some row."""
        found = self.at(state.mean + state.group_effects, state.shared)
        return np.inf if found is None else float(found[0] @ found[0]) + state.penalty

    def scale(self, state: _PoolingState) -> Array:
        """Return scales of the varying constants in which a group determines each to about 1 · σ, (q,)."""
        size = np.sqrt(np.square(self._there(state)[1]).sum(axis=0) / len(state.group_effects))
        return np.asarray(1.0 / np.where(size > 0, size, 1.0))

    def linear(self, state: _PoolingState, scale: Array) -> Moments:
        """Linearise the law at a state: fixed effects are relative to the state, b is absolute."""
        residual, z, s = self._there(state)
        target = residual + np.einsum("nq,nq->n", z, state.group_effects[self.codes])
        z = z * scale
        return Moments.of(z, s, target, self.codes, len(state.group_effects))

    def _there(self, state: _PoolingState) -> tuple[Array, Array, Array]:
        found = self.at(state.mean + state.group_effects, state.shared)
        if found is None:
            raise FitError("the law has no finite value on some row; give better starting values")
        return found

    def _by_row(self, node: Node) -> Node:
        """Return a varying constant as a column of its values plus a constant 0, for the derivative."""
        if isinstance(node, Constant) and node.name in self.vary:
            return Sum((Input(_column(node.name)), Constant(0.0, node.name)))
        return node


def _column(name: str) -> str:
    return f"{name} of the group"


def fit_pooled(
    root: Node,
    rows: EstimationRows,
    codes: NDArray[np.intp],
    start: tuple[Sequence[str], Array, Sequence[str], Array],
    *,
    log: bool,
    correlated: bool | None,
) -> PooledEstimate:
    """Fit fixed and random effects.

    Parameters
    ----------
    root
        The law, in which constants of one name are one.
    rows, codes
        The rows and the group of each, 0 … G − 1; every group has rows.
    start
        Names and values of the constants that vary, then of those that are shared.
    log
        Whether logarithms are compared.
    correlated
        See :func:`~kanopt.formulas.estimation.mixed.estimate_between_groups`.

    Raises
    ------
    FitError
        If the search does not converge, or the rows do not identify the constants.
    """
    vary, mean, shared, values = start
    law = _GroupedResiduals(root, rows, codes, tuple(vary), tuple(shared), log)
    zeros = np.zeros((int(codes.max()) + 1, len(mean)))
    state = _PoolingState(np.array(mean, dtype=np.float64), np.array(values, dtype=np.float64), zeros, zeros)
    scale = law.scale(state)
    spread: Array | None = None
    for _ in range(ROUNDS):
        moments = law.linear(state, scale)
        # whether numbers are correlated is decided once, near the end, for else the search may go to and fro
        full = correlated if correlated is not None or spread is not None else False
        last, (spread, full) = spread, estimate_between_groups(moments, full, spread)
        if last is not None:
            correlated = full
            if _is_converged(last @ last.T, spread @ spread.T):
                return _result(law, state, (spread, full), scale)
        state = _fit_penalised(law, state, spread, scale)
    raise FitError(
        "the constants of the groups did not settle; let fewer of them vary, or give better starting values"
    )


def _is_converged(one: Array, other: Array) -> bool:
    """Whether two D differ by little; 1 is the variance with which a group determines a constant."""
    return bool(np.abs(one - other).max() <= 1e-3 * (1e-2 + np.abs(other).max()))


def _fit_penalised(law: _GroupedResiduals, state: _PoolingState, root: Array, scale: Array) -> _PoolingState:
    """Search for the penalised least squares with D held, by Gauss-Newton with halved steps."""
    cost = np.inf  # the penalty of the first state belongs to another D
    for _ in range(STEPS):
        mixed = solve_mixed_model(law.linear(state, scale), root)
        size = _SMALL * np.sqrt(np.maximum(mixed.variance * np.diag(mixed.inverse), 1e-300))
        settled = (np.abs(mixed.fixed_effects) <= size).all()
        settled &= (np.abs(mixed.random_effects - state.group_effects / scale) <= size[: len(scale)]).all()
        if settled:
            return state.step_towards(mixed, scale, 1.0)
        for halvings in range(20):
            trial = state.step_towards(mixed, scale, 0.5**halvings)
            trial_cost = law.cost(trial)
            if np.isfinite(trial_cost) and trial_cost < cost:
                break
        else:
            return state
        state, cost = trial, trial_cost
    return state


def _result(
    law: _GroupedResiduals, state: _PoolingState, spread: tuple[Array, bool], scale: Array
) -> PooledEstimate:
    """Return the estimate in the scale of the law, including the uncertainty of D."""
    root, full = spread
    moments = law.linear(state, scale)
    mixed = solve_mixed_model(moments, root)
    both = np.concatenate([scale, np.ones(len(state.shared))])
    units = np.outer(both, both)
    given = _covariances(mixed, moments)
    errors = np.zeros_like(given)
    draws = sample_roots(moments, root, full, DRAWS)
    for drawn in draws:
        other = solve_mixed_model(moments, drawn)
        moved = np.tile(other.fixed_effects - mixed.fixed_effects, (len(state.group_effects), 1))
        moved[:, : len(scale)] += other.random_effects - mixed.random_effects
        errors += _covariances(other, moments) + moved[:, :, None] * moved[:, None, :]
    relative = np.diag(root @ root.T)
    left = np.einsum("gii->gi", mixed.random_effects_covariance) / np.where(relative > 0, relative, 1.0)
    state = state.step_towards(mixed, scale, 1.0)
    return PooledEstimate(
        mean=state.mean,
        shared=state.shared,
        group_effects=state.group_effects,
        common=mixed.variance * mixed.inverse * units,
        given=given * units,
        errors=errors / len(draws) * units,
        weight=np.where(relative > 0, 1.0 - left, 0.0),
        between=mixed.variance * (root @ root.T) * np.outer(scale, scale),
        variance=mixed.variance,
    )


def _covariances(mixed: MixedModel, moments: Moments) -> Array:
    """Return the covariance of the errors of μ + b and the shared constants in each group, (G, q + s, q + s)."""
    groups, q, count = moments.zx.shape
    move = np.tile(np.eye(count), (groups, 1, 1))
    move[:, :q] -= mixed.random_effects_covariance @ moments.zx
    found = np.asarray(mixed.variance * (move @ mixed.inverse @ np.swapaxes(move, 1, 2)))
    found[:, :q, :q] += mixed.variance * mixed.random_effects_covariance
    return found
