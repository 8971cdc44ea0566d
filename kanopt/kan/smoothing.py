"""The smoothing weights, chosen by cross-validation or evidence on the Gauss-Newton model.

At parameters θ with residual r the network is, to first order, the linear model r − J(β − θ). For weights λ
its penalised solution is

    β = θ + (H + S_λ)⁻¹ (JᵀWr − S_λ θ),      H = JᵀWJ,

its effective number of parameters tr[(H + S_λ)⁻¹ H], and the score

    GCV(λ) = n · ‖r − J(β − θ)‖²_W / (n − γ · edf)²

(Craven and Wahba 1979; γ = 1.4 guards against undersmoothing, Kim and Gu 2004, JRSS B 66). The evidence reads S_λ
as the precision of a normal prior on β, integrates β out, and keeps (MacKay 1992, Neural Comput. 4; Wood 2011, JRSS B
73, eq. 4, with the noise variance profiled)

    E(λ) = n · log[(‖r − J(β − θ)‖²_W + βᵀS_λβ) / n] + log det(H + S_λ) − log det S_λ,

the smaller the better. H does not depend on λ, so that a whole search needs no further look at the rows. For a
network that is not linear this is done in turns with training ("performance iteration", Gu 1992).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from kanopt.kan.objective import NormalEquations
from kanopt.kan.penalty import Penalty

__all__ = [
    "GAMMA",
    "RIDGES",
    "SMOOTHINGS",
    "Criterion",
    "LinearModel",
    "effective_parameters",
    "gcv_score",
    "select_smoothing",
]

Criterion = Literal["gcv", "evidence"]
GAMMA = 1.4
SMOOTHINGS = (1e-13, 1e-11, *(10.0**power for power in range(-9, 2)))
RIDGES = (1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 1.0)


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
    lost = torch.nonzero(failed).squeeze(1)
    if len(lost) > 0:
        factor[lost] = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    inverse = torch.cholesky_inverse(factor)
    inverse[lost] = torch.inf
    edf = matrix.shape[-1] - (inverse * penalty).sum((1, 2))
    return edf, inverse


class LinearModel:
    """The Gauss-Newton model in the directions in which the penalty is diagonal.

    Directions the penalty holds hard and directions it leaves free are then apart, and scaling the matrix
    to a unit diagonal keeps its inverse accurate over the whole range of weights.

    Parameters
    ----------
    normal
        Gauss-Newton quantities at `theta` (M, parameters).
    total_weight
        Sum of the row weights before any robust reweighting.
    rows
        How many rows count in the score.
    floor
        Squared error below which all fits count as exact, so that the smoothest of them is taken.
    criterion
        ``"gcv"`` or ``"evidence"``.
    """

    def __init__(
        self,
        normal: NormalEquations,
        theta: Tensor,
        penalty: Penalty,
        total_weight: float,
        rows: float,
        floor: float,
        criterion: Criterion = "gcv",
    ) -> None:
        turn = penalty.vectors
        self.matrix = turn.T @ normal.matrix @ turn
        self.vector = normal.vector @ turn
        self.theta = theta @ turn
        self.squares = normal.squares
        self.penalty = penalty
        self.total_weight = total_weight
        self.rows = rows
        self.floor = floor
        self.criterion = criterion
        self.identity = torch.eye(theta.shape[1], dtype=theta.dtype, device=theta.device)

    def score(self, smoothing: Tensor) -> Tensor:
        """Return the score at weights (M, groups + 1), shape (M,); the smaller the better."""
        held = smoothing[:, self.penalty.group] * self.penalty.values + smoothing[:, -1:]
        held = self.total_weight * held
        matrix = self.matrix.clone()
        matrix.diagonal(dim1=1, dim2=2).add_(held)
        scale = matrix.diagonal(dim1=1, dim2=2).clamp(min=torch.finfo(held.dtype).tiny).rsqrt()
        matrix *= scale.unsqueeze(1) * scale.unsqueeze(2)
        factor, failed = torch.linalg.cholesky_ex(matrix)
        root = torch.linalg.solve_triangular(factor, self.identity.expand_as(factor), upper=False)
        edf = held.shape[1] - (held * scale**2 * root.square().sum(1)).sum(1)
        descent = scale * (self.vector - held * self.theta)
        half = (root @ descent.unsqueeze(-1)).squeeze(-1)
        step = scale * (root.transpose(1, 2) @ half.unsqueeze(-1)).squeeze(-1)
        curve = (step * (self.matrix @ step.unsqueeze(-1)).squeeze(-1)).sum(1)
        squares = (self.squares - 2.0 * (step * self.vector).sum(1) + curve).clamp(min=self.floor)
        if self.criterion == "gcv":
            score = gcv_score(squares, edf, self.rows)
        else:
            roots = factor.diagonal(dim1=1, dim2=2).log().sum(1) - scale.log().sum(1)
            held_log = held.clamp(min=torch.finfo(held.dtype).tiny).log().sum(1)
            bend = (held * (self.theta + step).square()).sum(1)
            evidence = self.rows * ((squares + bend) / self.rows).log() + 2.0 * roots - held_log
            # exp keeps the order and makes a score that multiplies, as the search compares them.
            score = (evidence / self.rows).exp()
        usable = (failed == 0) & torch.isfinite(score)
        return torch.where(usable, score, torch.full_like(score, torch.inf))


def select_smoothing(
    model: LinearModel,
    start: Tensor,
    ridges: Sequence[float] = RIDGES,
    rounds: int = 2,
    rise: float = math.inf,
) -> Tensor:
    """Return the weights of least score found by a joint sweep and sweeps group by group.

    Parameters
    ----------
    start
        Weights now, shape (M, groups + 1), the ridge last.
    ridges
        Ridges tried.
    rounds
        Sweeps over the groups.
    rise
        Largest factor by which a roughness weight may rise. The model is one of small steps: where two layers take the
        same curve in turns, as a line after a curve and a curve after a line, it believes that both can be lines.

    Returns
    -------
    Tensor, shape (M, groups + 1)
    """
    best = _solvable(model, start, ridges)
    score = model.score(best)
    everything = list(range(model.penalty.groups))
    fixed = best.new_tensor(SMOOTHINGS)
    sweeps: list[tuple[list[int], Tensor | None]] = [(everything, fixed)]
    alone: list[tuple[list[int], Tensor | None]] = []
    if model.penalty.groups > 1:
        alone = [([group], None) for group in everything]
    sweeps += rounds * [*alone, ([model.penalty.groups], best.new_tensor(ridges))]
    most = (start * rise).clamp(max=SMOOTHINGS[-1])
    for columns, values in sweeps:
        base = best.clone()
        steps = _steps(base[:, columns[0]]) if values is None else values.unsqueeze(1)
        for value in steps:
            trial = base.clone()
            trial[:, columns] = value.unsqueeze(-1)
            trial[:, :-1] = trial[:, :-1].minimum(most[:, :-1])
            trial_score = model.score(trial)
            # Equal scores go to the smoother law: values rise, and rounding must not decide.
            better = trial_score <= score * (1.0 + 1e-5)
            best = torch.where(better.unsqueeze(1), trial, best)
            score = torch.where(better, torch.minimum(trial_score, score), score)
    return best


def _solvable(model: LinearModel, start: Tensor, ridges: Sequence[float]) -> Tensor:
    """Raise the ridge of networks whose equations cannot be solved at `start` to the least one of `ridges` that helps."""
    best = start.clone()
    for ridge in ridges:
        lost = ~torch.isfinite(model.score(best))
        if not bool(lost.any()):
            break
        best[lost, -1] = best[lost, -1].clamp(min=ridge)
    return best


def _steps(now: Tensor) -> Tensor:
    """Return weights to try in place of `now` (M,), in rising order; shape (tries, M)."""
    near = now * now.new_tensor([1e-3, 1e-1, 1e1, 1e3]).unsqueeze(1)
    inside = near.clamp(min=SMOOTHINGS[0], max=SMOOTHINGS[-1])
    return torch.cat([inside, torch.full_like(inside[:1], SMOOTHINGS[-1])])
