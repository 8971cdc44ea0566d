"""What is known of a trained network from its rows: residuals, also of rows left out, and how many parameters count.

Near the optimum a network is, to first order, linear in its parameters. The effective number of parameters and
leave-one-out residuals are those of this linear model, from the Gauss-Newton matrix.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanopt.array_types import Floats
from kanopt.kan.constraints import ConstrainedCoefficients, Penalty
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.training import FitOptions, TrainedBatch, poisson_weights, robust_weight_share

MOST_LEVERAGE = 0.99
"""What the leverage of a row counts as at most, and a group's is multiplied by: a row alone in its category has 1."""


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """What is known of one trained network from its rows, in numpy.

    Attributes
    ----------
    output, residual, left_out_residual
        Prediction, residual, and leave-one-out residual, with all copies of the row, or all rows of its group, left
        out, by the leverage of the Gauss-Newton model (exact for additive models at fixed smoothing; Cook and Weisberg
        1982, eq. 2.2.8); each (n,).
    robust_weight
        Robust weight of every row, 1 for a row with its full weight; (n,).
    edf
        Effective number of parameters.
    variance
        Residual variance.
    """

    output: Floats
    residual: Floats
    left_out_residual: Floats
    robust_weight: Floats
    edf: float
    variance: float


def describe_fit(
    run: TrainedBatch, data: Data, options: FitOptions, left_out: Tensor | None = None
) -> FittedNetwork:
    """Describe the first network of `run`, which has one output, given the rows of `data`.

    Parameters
    ----------
    left_out
        The residuals of rows left out, (n,), of a network that is too large for its Gauss-Newton matrix.
    """
    network = run.network.take(torch.zeros(1, dtype=torch.int64, device=data.target.device))
    output = options.objective(data).outputs(network, data.inputs)[0, :, 0]
    residual = data.target[:, 0] - output
    robust = options.loss != "poisson"
    trust = robust_weight_share(residual, data.weights, options.loss) if robust else poisson_weights(output)
    if left_out is None:
        left_out, edf, variance = _by_gauss_newton(network, run.smoothing[:1], data, options, residual, trust)
    else:
        variance = float((data.weights * trust * left_out.square()).sum() / data.weights.sum())
        edf = float(network.architecture.parameters)
    return FittedNetwork(
        output=_numpy(output),
        residual=_numpy(residual),
        left_out_residual=_numpy(left_out),
        robust_weight=_numpy(trust if robust else torch.ones_like(trust)),
        edf=edf,
        variance=variance,
    )


def _by_gauss_newton(
    network: KANBatch, smoothing: Tensor, data: Data, options: FitOptions, residual: Tensor, trust: Tensor
) -> tuple[Tensor, float, float]:
    """Return leave-one-out residuals, effective parameters and residual variance of the linear model at the optimum."""
    rows = float(data.weights.sum())
    objective = options.objective(data)
    weighted = objective.with_weights(data.weights * trust)
    normal = weighted.normal_equations(network)
    penalty = Penalty.of(network.architecture, network.theta.device)
    smooth = penalty.matrices(smoothing, rows, network.active)
    constraints = options.constraints(network)
    inverse = _free_inverse(network, normal.matrix + smooth, constraints)
    edf = float((inverse * normal.matrix).sum())
    # Copies of a row do not reduce the noise.
    squares = options.distinct * float((weighted.data.weights * residual**2).sum())
    variance = squares / max(options.distinct * rows - edf, 1.0)
    if options.groups is None:
        leverage = _leverage(network, inverse, objective.with_weights(trust * _weight_of_kind(data)))
        left_out = residual / (1.0 - leverage.clamp(max=MOST_LEVERAGE))
    else:
        left_out = _without_groups(network, inverse, weighted, residual, options.groups)
    return left_out, edf, variance


def _weight_of_kind(data: Data) -> Tensor:
    """Return the total weight of every row and its copies, (n,)."""
    kind = data.row_groups()
    return data.weights.new_zeros(len(data)).index_add(0, kind, data.weights)[kind]


def _free_inverse(network: KANBatch, matrix: Tensor, constraints: ConstrainedCoefficients | None) -> Tensor:
    """Invert JᵀWJ + S over the directions not excluded by active bounds or pruned edges; (1, P, P)."""
    if constraints is None:
        directions = torch.eye(len(matrix[0]), dtype=matrix.dtype, device=matrix.device)
    else:
        position = constraints.variables(network.theta[:1])[0]
        held = constraints.bounded & (position <= 1e-9 * position.abs().max())
        # row by row the images of unit vectors
        directions = constraints.coefficients(torch.eye(len(matrix[0])).to(matrix))[~held].T
    if network.active is not None:
        directions = directions * network.active[0].unsqueeze(1)
    reduced = directions.T @ matrix[0] @ directions
    return (directions @ _inverse(reduced) @ directions.T).unsqueeze(0)


def _inverse(matrix: Tensor) -> Tensor:
    """Return the pseudo-inverse of a positive semidefinite matrix, without directions that are null to rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = values > 1e-13 * values[-1]
    inverse: Tensor = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse


def _leverage(network: KANBatch, inverse: Tensor, objective: LeastSquares) -> Tensor:
    """Return the leverage w ∂f/∂θᵀ (JᵀWJ + S)⁻¹ ∂f/∂θ of every row, w being its weight in `objective`; (n,)."""
    parts = []
    for part in objective.chunks(network):
        output, jacobian = network.forward_and_jacobian(part.inputs)
        if objective.link is not None:
            jacobian *= objective.link.slope(output).unsqueeze(-1)
        rows = jacobian[0, :, 0]
        parts.append(part.weights * ((rows @ inverse[0]) * rows).sum(-1))
    return torch.cat(parts)


def _without_groups(
    network: KANBatch, inverse: Tensor, objective: LeastSquares, residual: Tensor, groups: Tensor
) -> Tensor:
    """Return the residual of every row with all rows of its group left out, (I − H)⁻¹ r with H of the group; (n,).

    H is J U JᵀW, J being the slopes of the group's rows and U the `inverse`; of a group of more rows than parameters
    the smaller of the two systems of equations is solved (Woodbury).
    """
    left_out = residual.clone()
    order = torch.argsort(groups, stable=True)
    for rows in torch.split(order, torch.bincount(groups).tolist()):
        part = objective.data.rows(rows)
        output, jacobian = network.forward_and_jacobian(part.inputs)
        if objective.link is not None:
            jacobian = jacobian * objective.link.slope(output).unsqueeze(-1)
        slopes = jacobian[0, :, 0]
        back = MOST_LEVERAGE * inverse[0] @ (slopes.T * part.weights)
        gap = residual[rows]
        if len(rows) <= len(back):
            left_out[rows] = torch.linalg.solve(torch.eye(len(rows)).to(gap) - slopes @ back, gap)
        else:
            held = torch.eye(len(back)).to(gap) - back @ slopes
            left_out[rows] = gap + slopes @ torch.linalg.solve(held, back @ gap)
    return left_out


def _numpy(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().numpy()
    return array
