"""Choose smoothing weights by cross-validation or evidence, on the Gauss-Newton model.

At parameters θ with residual r the network is, to first order, the linear model r − J(β − θ). For weights λ
its penalised solution is

    β = θ + (H + S_λ)⁻¹ (JᵀWr − S_λ θ),      H = JᵀWJ,

its effective number of parameters tr[(H + S_λ)⁻¹ H], and the score

    GCV(λ) = n · ‖r − J(β − θ)‖²_W / (n − γ · edf)²

(Craven and Wahba 1979; γ = 1.4 guards against undersmoothing, Kim and Gu 2004, JRSS B 66). The evidence reads S_λ
as the precision of a normal prior on β, integrates β out, and keeps (MacKay 1992, Neural Comput. 4; Wood 2011, JRSS B
73, eq. 4, with the noise variance profiled)

    E(λ) = n · log[(‖r − J(β − θ)‖²_W + βᵀS_λβ) / n] + log det(H + S_λ) − log det S_λ,

the smaller the better. H does not depend on λ, so that a whole search needs no further pass over the rows
(:func:`select_smoothing`).

For a network with hidden nodes this alternates with training ("performance iteration", Gu 1992), in small steps
(:func:`update_smoothing`): where either of two successive layers could represent the same nonlinearity, the linear
model wrongly suggests that both can be linear.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kanopt.kan.ranges import Penalty
from kanopt.kan.trainer import NormalEquations

GAMMA = 1.4
SPREAD = 100.0
"""Variance of a coefficient before anything is known of it; targets vary by about one."""
SMOOTHINGS = (1e-13, 1e-11, *(10.0**power for power in range(-9, 2)))
RIDGES = (1e-12, 1e-9, 1e-6, 1e-4, 1e-2, 1.0)


def gcv_score(squares: Tensor, edf: Tensor, rows: float) -> Tensor:
    """Return n · squares / (n − γ · edf)², infinite if the model has too many parameters."""
    spare = rows - GAMMA * edf
    score = rows * squares / spare.clamp(min=1e-300) ** 2
    return torch.where(spare > 0.02 * rows, score, torch.full_like(score, torch.inf))


def effective_parameters(matrix: Tensor, penalty: Tensor) -> tuple[Tensor, Tensor]:
    """Return tr[(H + S)⁻¹ H] of every network, shape (M,), and the inverses (M, P, P).

    The inverse is not finite where H + S is not positive definite.
    """
    factor, scale, failed = _factor(matrix + penalty)
    lost = torch.nonzero(failed).squeeze(1)
    if len(lost) > 0:
        factor[lost] = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    inverse = torch.cholesky_inverse(factor) * scale.unsqueeze(1) * scale.unsqueeze(2)
    inverse[lost] = torch.inf
    edf = matrix.shape[-1] - (inverse * penalty).sum((1, 2))
    return edf, inverse


def _factor(matrix: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the Cholesky factor of D A D with a unit diagonal, D's diagonal, and a mask of matrices without factor.

    If rounding has made a matrix of the batch (..., P, P) indefinite, 1e-14 is added to its diagonal.
    """
    diagonal = matrix.diagonal(dim1=-2, dim2=-1)
    scale = diagonal.clamp(min=torch.finfo(matrix.dtype).tiny).rsqrt()
    matrix = (matrix * scale.unsqueeze(-2)).mul_(scale.unsqueeze(-1))
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if bool(failed.any()):
        again = failed != 0
        more = matrix[again]
        more.diagonal(dim1=-2, dim2=-1).add_(1e-14)
        factor[again], failed[again] = torch.linalg.cholesky_ex(more)
    return factor, scale, (failed != 0) | (diagonal <= 0.0).any(-1)


class GaussNewtonModel:
    """The Gauss-Newton model in the eigenbasis of the penalty.

    This separates strongly penalised from unpenalised directions, and scaling the matrix to a unit diagonal keeps its
    inverse accurate over the whole range of weights.

    Parameters
    ----------
    normal
        Gauss-Newton quantities at `theta` (M, parameters).
    total_weight
        Sum of the row weights before any robust reweighting.
    rows
        Effective number of rows n in the score.
    floor
        Squared error below which all fits count as exact, so that the smoothest of them is chosen.
    """

    def __init__(
        self,
        normal: NormalEquations,
        theta: Tensor,
        penalty: Penalty,
        total_weight: float,
        rows: float,
        floor: float,
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
        self.identity = torch.eye(theta.shape[1], dtype=theta.dtype, device=theta.device)

    def score(self, smoothing: Tensor) -> Tensor:
        """Return the score for weights (..., M, groups + 1), shape (..., M); the smaller the better."""
        held = self._held(smoothing)
        matrix = self.matrix.expand(*held.shape, held.shape[-1]).clone()
        matrix.diagonal(dim1=-2, dim2=-1).add_(held)
        factor, scale, failed = _factor(matrix)
        root = torch.linalg.solve_triangular(factor, self.identity.expand_as(factor), upper=False)
        edf = held.shape[-1] - (held * scale**2 * root.square().sum(-2)).sum(-1)
        half = _times(root, scale * (self.vector - held * self.theta))
        step = scale * _times(root.mT, half)
        curve = (step * _times(self.matrix, step)).sum(-1)
        squares = (self.squares - 2.0 * (step * self.vector).sum(-1) + curve).clamp(min=self.floor)
        score = gcv_score(squares, edf, self.rows)
        return torch.where(~failed & torch.isfinite(score), score, torch.full_like(score, torch.inf))

    def _held(self, smoothing: Tensor) -> Tensor:
        """Return the penalty on every direction, (..., M, parameters)."""
        return self.total_weight * (
            smoothing[..., self.penalty.group] * self.penalty.values + smoothing[..., -1:]
        )


def _times(matrix: Tensor, vector: Tensor) -> Tensor:
    return (matrix @ vector.unsqueeze(-1)).squeeze(-1)


def update_smoothing(
    normal: NormalEquations, theta: Tensor, penalty: Penalty, smoothing: Tensor, total_weight: float
) -> Tensor:
    """Take one step towards the smoothing of largest evidence; return the weights.

    At its maximum the evidence satisfies, group by group,

        λ_g = σ² edf_g / (W θᵀS_gθ),        edf_g = Σ_k (1 − W λ_g s_k [VᵀUV]_kk),    U = (H + S)⁻¹,

    s and V being eigenvalues and eigenvectors of S_g, σ² = ‖r‖² / (W − edf) (MacKay 1992, Neural Comput. 4, eq. 4.9;
    Wood and Fasiolo 2017, Biometrics 73, eq. 7). A network far from its optimum has a large σ², so that training begins
    with strong smoothing, which weakens as the error falls, to zero without noise. The ridge is σ² over the prior
    variance of a coefficient, :data:`SPREAD`. Weights (M, groups + 1) as in :meth:`Penalty.matrices`.
    """
    held = smoothing[:, penalty.group] * penalty.values
    directions = penalty.vectors
    factor, scale, failed = _factor(normal.matrix + penalty.matrices(smoothing, total_weight))
    root = torch.linalg.solve_triangular(factor, (scale.unsqueeze(2) * directions), upper=False)
    spread = root.square().sum(1)
    edf = theta.shape[1] - total_weight * ((held + smoothing[:, -1:]) * spread).sum(1)
    variance = normal.squares / (total_weight - edf.clamp(min=1.0)).clamp(min=1.0)
    bend = (theta @ directions).square() * penalty.values
    used = torch.where(penalty.values > 0, (1.0 - total_weight * held * spread).clamp(0.0, 1.0), 0.0)
    # A product adds in one order on every device; scatter_add on a GPU does not.
    member = torch.nn.functional.one_hot(penalty.group, penalty.groups).to(used)
    size = (used @ member).clamp(min=1e-3)
    rough = bend @ member
    fresh = variance.unsqueeze(1) * size / (total_weight * rough + torch.finfo(rough.dtype).tiny)
    ridge = variance.unsqueeze(1) / (total_weight * SPREAD)
    weights = torch.cat([fresh.clamp(1e-30, SMOOTHINGS[-1]), ridge], dim=1)
    return torch.where(failed.unsqueeze(1), 0.1 * smoothing, weights)


def select_smoothing(
    model: GaussNewtonModel, start: Tensor, ridges: Sequence[float] = RIDGES, near: bool = False
) -> Tensor:
    """Return the weights with the smallest score found by a joint sweep and two sweeps over single groups.

    Parameters
    ----------
    start
        Current weights, shape (M, groups + 1), the ridge last.
    ridges
        Ridges to try.
    near
        Whether `start` is known to be near the best weights, as after a change of the row weights: one sweep over the
        groups is enough then.

    Returns
    -------
    Tensor, shape (M, groups + 1)
    """
    best = _raise_ridge(model, start, ridges)
    score = model.score(best)
    groups = model.penalty.groups

    def sweep(columns: slice, weights: Tensor) -> None:
        nonlocal best, score
        trials = best.expand(len(weights), *best.shape).clone()
        trials[:, :, columns] = weights.unsqueeze(-1)
        for tried, trial in zip(model.score(trials), trials, strict=True):
            # Equal scores go to the smoother law: values rise, and rounding must not decide.
            better = tried <= score * (1.0 + 1e-5)
            best = torch.where(better.unsqueeze(1), trial, best)
            score = torch.where(better, torch.minimum(tried, score), score)

    def all_alike(values: Sequence[float]) -> Tensor:
        return best.new_tensor(values).unsqueeze(1).expand(-1, len(best))

    if not near or groups == 1:
        sweep(slice(0, groups), all_alike(SMOOTHINGS))
    for _ in range(1 if near else 2):
        for group in range(groups) if groups > 1 else ():
            sweep(slice(group, group + 1), _steps(best[:, group]))
        sweep(slice(groups, groups + 1), all_alike(ridges))
    return best


def _raise_ridge(model: GaussNewtonModel, start: Tensor, ridges: Sequence[float]) -> Tensor:
    """Raise the ridge of networks with unsolvable equations at `start` to the smallest of `ridges` that suffices."""
    best = start.clone()
    for ridge in ridges:
        lost = ~torch.isfinite(model.score(best))
        if not bool(lost.any()):
            break
        best[lost, -1] = best[lost, -1].clamp(min=ridge)
    return best


def _steps(now: Tensor) -> Tensor:
    """Return candidate weights around `now` (M,), in ascending order; shape (tries, M)."""
    near = now * now.new_tensor([1e-3, 1e-1, 1e1, 1e3]).unsqueeze(1)
    inside = near.clamp(min=SMOOTHINGS[0], max=SMOOTHINGS[-1])
    return torch.cat([inside, torch.full_like(inside[:1], SMOOTHINGS[-1])])
