"""Choose smoothing weights by evidence, and judge networks by cross-validation, on the Gauss-Newton model.

At parameters θ with residual r the network is, to first order, the linear model r − J(β − θ). For weights λ
its penalised solution is

    β = θ + (H + S_λ)⁻¹ (JᵀWr − S_λ θ),      H = JᵀWJ,

its effective number of parameters tr[(H + S_λ)⁻¹ H], and the score

    GCV(λ) = n · ‖r − J(β − θ)‖²_W / (n − γ · edf)²

(Craven and Wahba 1979; γ = 1.4 guards against undersmoothing, Kim and Gu 2004, JRSS B 66). The evidence reads S_λ
as the precision of a normal prior on β, integrates β out, and keeps (MacKay 1992, Neural Comput. 4; Wood 2011, JRSS B
73, eq. 4, with the noise variance profiled)

    E(λ) = n · log[(‖r − J(β − θ)‖²_W + βᵀS_λβ) / n] + log det(H + S_λ) − log det S_λ,

the smaller the better. H does not depend on λ, so that an additive network needs no further pass over the rows.
:func:`update_smoothing` takes small steps ("performance iteration", Gu 1992): where either of two successive layers
could represent the same nonlinearity, the linear model wrongly suggests that both can be linear. The score compares
networks, of several starts and on finer grids.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanopt.kan.ranges import Penalty
from kanopt.kan.trainer import NormalEquations

GAMMA = 1.4
SPREAD = 100.0
"""Variance of a coefficient before anything is known of it; targets vary by about one."""
LARGEST = 10.0
"""Smoothing at which a curve is as good as straight."""
RIDGES = (1e-9, 1e-6)
"""Least ridge with more rows than coefficients, and with fewer."""


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
    weights = torch.cat([fresh.clamp(1e-30, LARGEST), ridge], dim=1)
    return torch.where(failed.unsqueeze(1), 0.1 * smoothing, weights)
