"""The smoothing weights, chosen by generalised cross-validation on the Gauss-Newton model.

At parameters θ with residual r the network is, to first order, the linear model r − J(β − θ). For weights λ
its penalised solution is

    β = θ + (H + S_λ)⁻¹ (JᵀWr − S_λ θ),      H = JᵀWJ,

its effective number of parameters tr[(H + S_λ)⁻¹ H], and the score

    GCV(λ) = n · ‖r − J(β − θ)‖²_W / (n − γ · edf)²

(Craven and Wahba 1979; γ = 1.4 guards against undersmoothing, Kim and Gu 2004, JRSS B 66). H does not depend
on λ, so that a whole search needs no further look at the rows. For a network that is not linear this is done
in turns with training ("performance iteration", Gu 1992).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kanopt.kan.penalty import Penalty
from kanopt.kan.trainer import NormalEquations

__all__ = ["GAMMA", "RIDGES", "SMOOTHINGS", "effective_parameters", "gcv_score", "select_smoothing"]

GAMMA = 1.4
SMOOTHINGS = (1e-13, 1e-11, *(10.0**power for power in range(-9, 3)))
RIDGES = (1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 1.0)

MANY_GROUPS = 8
"""Beyond this many groups one sweep, group by group, has to do."""


def gcv_score(squares: Tensor, edf: Tensor, rows: float) -> Tensor:
    """Return n · squares / (n − γ · edf)², infinite where the model has too many parameters."""
    spare = rows - GAMMA * edf
    score = rows * squares / spare.clamp(min=1e-300) ** 2
    return torch.where(spare > 0.02 * rows, score, torch.full_like(score, torch.inf))


def effective_parameters(matrix: Tensor, penalty: Tensor) -> tuple[Tensor, Tensor]:
    """Return tr[(H + S)⁻¹ H] of every network, shape (M,), and the inverses (M, P, P).

    The inverse is not finite where H + S is not positive definite.
    """
    factor, failed = torch.linalg.cholesky_ex(matrix + penalty)
    usable = (failed == 0)[:, None, None]
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    inverse = torch.cholesky_inverse(torch.where(usable, factor, identity))
    inverse = torch.where(usable, inverse, torch.full_like(inverse, torch.inf))
    edf = matrix.shape[-1] - (inverse * penalty).sum((1, 2))
    return edf, inverse


def _linear_score(normal: NormalEquations, theta: Tensor, penalty: Tensor, rows: float) -> Tensor:
    edf, inverse = effective_parameters(normal.matrix, penalty)
    descent = normal.vector - torch.einsum("mpq,mq->mp", penalty, theta)
    step = torch.einsum("mpq,mq->mp", inverse, descent)
    curve = torch.einsum("mp,mpq,mq->m", step, normal.matrix, step)
    squares = normal.squares - 2.0 * (step * normal.vector).sum(1) + curve
    floor = 1e-26 * normal.squares + torch.finfo(squares.dtype).tiny
    score = gcv_score(squares.clamp(min=floor), edf, rows)
    return torch.where(torch.isfinite(score), score, torch.full_like(score, torch.inf))


def select_smoothing(
    normal: NormalEquations,
    theta: Tensor,
    penalty: Penalty,
    start: Tensor,
    rows: float,
    ridges: Sequence[float] = RIDGES,
) -> Tensor:
    """Return the weights of least GCV found by a joint sweep and sweeps group by group.

    Parameters
    ----------
    normal
        Gauss-Newton quantities at `theta`.
    start
        Weights now, shape (M, groups + 1), the ridge last.
    rows
        Sum of the row weights before any robust reweighting.
    ridges
        Ridges tried.

    Returns
    -------
    Tensor, shape (M, groups + 1)
    """
    best = start.clone()
    score = _linear_score(normal, theta, penalty.weighted(best, rows), rows)
    everything = list(range(penalty.groups))
    sweeps: list[tuple[list[int], Sequence[float]]] = [(everything, SMOOTHINGS)]
    alone = [([group], SMOOTHINGS) for group in everything] if penalty.groups > 1 else []
    rounds = 2 if penalty.groups <= MANY_GROUPS else 1
    sweeps += rounds * [*alone, ([penalty.groups], ridges)]
    for columns, values in sweeps:
        base = best.clone()
        for value in values:
            trial = base.clone()
            trial[:, columns] = value
            trial_score = _linear_score(normal, theta, penalty.weighted(trial, rows), rows)
            # Equal scores go to the smoother law: values rise, and rounding must not decide.
            better = trial_score <= score * (1.0 + 1e-9)
            best = torch.where(better.unsqueeze(1), trial, best)
            score = torch.where(better, torch.minimum(trial_score, score), score)
    return best
