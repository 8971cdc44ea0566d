"""From starts to one trained network with all that is known about it.

Training, smoothing and reweighting take turns: train at the smoothing weights of now, choose new ones by GCV
on the Gauss-Newton matrix, lower the weights of outlying rows, and go on from there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanopt.kan.basis import block_diagonal
from kanopt.kan.description import Network
from kanopt.kan.network import KANBatch, Shape
from kanopt.kan.penalty import Increments, Penalty
from kanopt.kan.robust import HUBER, residual_scale, robust_weights
from kanopt.kan.smoothing import RIDGES, LinearModel, effective_parameters, gcv_score, select_smoothing
from kanopt.kan.starts import random_starts
from kanopt.kan.trainer import Data, History, TrainerOptions, chunk_rows, normal_equations, train

__all__ = ["FitOptions", "Fitted", "Run", "best_of", "finish", "fit_starts", "polish"]

Floats = NDArray[np.float64]
EXACT = 1e-14
"""Share of the target's variance below which an error counts as none."""


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    Parameters
    ----------
    starts
        Networks trained side by side, the better half to the end; one is enough for an additive model, which
        has a single optimum.
    smoothing
        Roughness weight λ of every group, or None to choose one per group by GCV.
    loss
        ``"squared"``, ``"huber"`` or ``"tukey"``.
    signs
        Monotone sign (−1, 0, +1) of every numeric feature; empty for none.
    distinct
        Share of the rows, each counted with its weight, that copy no other row. Copies tell nothing about
        noise, so that cross-validation must not count them.
    trainer
        Options of every training run.
    """

    starts: int = 6
    smoothing: float | None = None
    loss: str = "squared"
    signs: tuple[int, ...] = ()
    distinct: float = 1.0
    trainer: TrainerOptions = field(default_factory=TrainerOptions)


@dataclass(frozen=True)
class Run:
    """A batch of trained networks, the smoothing weights (M, groups + 1) and GCV scores (M,) they have."""

    network: KANBatch
    smoothing: Tensor
    score: Tensor
    history: History


@dataclass(frozen=True, eq=False)
class Fitted:
    """One trained network in numpy.

    Attributes
    ----------
    network
        The description.
    output, residual, left_out
        Prediction, residual, and residual as if the row had been left out, by the leverage of the
        Gauss-Newton model (exact for additive models at fixed smoothing; Cook and Weisberg 1982, eq. 2.2.8);
        each (n,).
    trust
        Robust weight of every row, 1 for a row taken at its full weight; (n,).
    edf
        Effective number of parameters.
    variance
        Residual variance.
    covariance
        Of the parameters in the flat order of :class:`Network`: (JᵀWJ + S)⁻¹ × variance, edges centred.
    smoothing
        Roughness weight of every group, then the ridge.
    history
        Of the last training run.
    """

    network: Network
    output: Floats
    residual: Floats
    left_out: Floats
    trust: Floats
    edf: float
    variance: float
    covariance: Floats
    smoothing: Floats
    history: History


def fit_starts(
    shape: Shape,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions | None = None,
) -> Run:
    """Train several starts of one shape on `data` (weights of shape (n,)).

    Examples
    --------
    >>> from kanopt.kan.network import Inputs
    >>> generator = torch.Generator().manual_seed(3)
    >>> numbers = torch.rand(60, 2, dtype=torch.float64, generator=generator)
    >>> target = numbers[:, 0] * numbers[:, 1]
    >>> rows = Inputs(numbers, torch.zeros(60, 0, dtype=torch.int64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> data = Data(rows, target, torch.ones(60, dtype=torch.float64))
    >>> run = best_of(fit_starts(Shape(2, hidden=(2,)), data, bounds, generator))
    >>> bool((run.network.forward(rows) - target).abs().max() < 1e-3)
    True
    """
    options = options or FitOptions()
    starts = options.starts if shape.hidden else 1
    network = random_starts(shape, starts, data.inputs, bounds, _mean(data), generator, options.signs)
    if not shape.hidden:
        network = replace(network, theta=torch.zeros_like(network.theta))
    penalty = Penalty.of(shape, network.theta.device)
    first = 1e-6 if options.smoothing is None else options.smoothing
    smoothing = network.theta.new_full((starts, penalty.groups + 1), first)
    smoothing[:, -1] = _ridges(shape, float(data.weights.sum()) * options.distinct)[0]
    return _take_turns(network, smoothing, data, options, _stages(shape, options))


def polish(run: Run, data: Data, options: FitOptions) -> Run:
    """Train on, from where `run` stands, on other rows or a finer grid."""
    return _take_turns(run.network, run.smoothing, data, options, _stages(run.network.shape, options)[1:])


def best_of(run: Run) -> Run:
    """Keep the network of least score."""
    index = run.score.argmin().reshape(1)
    return Run(run.network.take(index), run.smoothing[index], run.score[index], run.history)


def _stages(shape: Shape, options: FitOptions) -> list[int]:
    """Return the iterations of every turn."""
    longest = options.trainer.iterations
    if not shape.hidden:
        turns = 2 if options.loss == "squared" else 5
        return turns * [longest if any(options.signs) else min(3, longest)]
    return [longest // 2, longest // 4, longest // 4, longest // 4]


def _take_turns(
    network: KANBatch,
    smoothing: Tensor,
    data: Data,
    options: FitOptions,
    stages: Sequence[int],
) -> Run:
    penalty = Penalty.of(network.shape, network.theta.device)
    increments = Increments.of(network.shape, options.signs, network.theta.device)
    rows = float(data.weights.sum())
    trainer = options.trainer
    if not network.shape.hidden:
        trainer = replace(trainer, damping=0.0)
    spread = float((data.weights * (data.target - _mean(data)) ** 2).sum())
    floor = EXACT * spread + torch.finfo(torch.float64).tiny
    # A deep network is looked at again after each turn; an additive one is settled at once.
    search = (_ridges(network.shape, rows * options.distinct), 1 if network.shape.hidden else 2)
    history = History()
    for turn, iterations in enumerate(stages):
        if turn > 0:
            weighted = _reweighted(network, data, options.loss)
            if options.smoothing is None:
                normal = normal_equations(network, weighted, trainer.chunk_bytes)
                model = LinearModel(normal, network.theta, penalty, rows, rows * options.distinct, floor)
                smoothing = select_smoothing(model, smoothing, *search)
        else:
            weighted = data
        settings = replace(trainer, iterations=iterations)
        network, history = train(network, weighted, penalty.weighted(smoothing, rows), settings, increments)
        if turn == 0 and len(network) > 2:
            kept = history.best.argsort()[: (len(network) + 1) // 2]
            network, smoothing = network.take(kept), smoothing[kept]
    return Run(network, smoothing, _score(network, smoothing, penalty, data, options), history)


def _ridges(shape: Shape, rows: float) -> Sequence[float]:
    """Return the ridges to try.

    A deep network creeps along its flat directions as long as the ridge outweighs the error, so that its
    ridge starts least; a table with fewer rows than coefficients needs more for its equations to be solvable
    at all.
    """
    if shape.hidden:
        return RIDGES
    return RIDGES[1:] if shape.parameters < rows else RIDGES[2:]


def _mean(data: Data) -> float:
    return float((data.weights * data.target).sum() / data.weights.sum())


def _reweighted(network: KANBatch, data: Data, loss: str) -> Data:
    if loss == "squared":
        return data
    residual = data.target - network.forward(data.inputs)
    return replace(data, weights=robust_weights(residual, data.weights, loss))


def _score(network: KANBatch, smoothing: Tensor, penalty: Penalty, data: Data, options: FitOptions) -> Tensor:
    """Return the GCV score of every network; large residuals count on one scale for all (Huber's ρ)."""
    rows = float(data.weights.sum())
    weighted = _reweighted(network, data, options.loss)
    normal = normal_equations(network, weighted, options.trainer.chunk_bytes)
    edf, _ = effective_parameters(normal.matrix, penalty.weighted(smoothing, rows))
    squares = normal.squares
    if options.loss != "squared":
        residual = data.target - network.forward(data.inputs)
        limit = HUBER * residual_scale(residual, data.weights).min()
        size = residual.abs()
        squares = (data.weights * torch.where(size > limit, limit * (2 * size - limit), size**2)).sum(1)
    score = gcv_score(squares, edf, rows * options.distinct)
    return torch.where(torch.isfinite(score), score, torch.full_like(score, torch.inf))


def finish(run: Run, data: Data, options: FitOptions) -> Fitted:
    """Describe the first network of `run` and its uncertainty on the rows of `data`."""
    network = run.network.take(torch.zeros(1, dtype=torch.int64, device=data.target.device))
    penalty = Penalty.of(network.shape, network.theta.device)
    rows = float(data.weights.sum())
    residual = data.target - network.forward(data.inputs)[0]
    weights = robust_weights(residual, data.weights, options.loss)
    weighted = replace(data, weights=weights)
    normal = normal_equations(network, weighted, options.trainer.chunk_bytes)
    smooth = penalty.weighted(run.smoothing[:1], rows)
    inverse = _free_inverse(network, normal.matrix + smooth, options)
    edf = float((inverse * normal.matrix).sum())
    variance = float((weights * residual**2).sum()) / max(rows - edf, 1.0)
    trust = weights / data.weights
    leverage = _leverage(network, inverse, replace(data, weights=trust), options.trainer.chunk_bytes)
    left_out = residual / (1.0 - leverage.clamp(max=0.99))
    centre = _centring(network, data)
    covariance = variance * (centre @ inverse[0] @ centre.T)
    return Fitted(
        network=network.describe(0, data.inputs),
        output=_numpy(data.target - residual),
        residual=_numpy(residual),
        left_out=_numpy(left_out),
        trust=_numpy(trust),
        edf=edf,
        variance=variance,
        covariance=_numpy(0.5 * (covariance + covariance.T)),
        smoothing=_numpy(run.smoothing[0]),
        history=run.history,
    )


def _free_inverse(network: KANBatch, matrix: Tensor, options: FitOptions) -> Tensor:
    """Invert JᵀWJ + S over the directions that no active bound forbids."""
    increments = Increments.of(network.shape, options.signs, network.theta.device)
    if increments is None:
        return _inverse(matrix[0]).unsqueeze(0)
    position = network.theta[0] @ increments.inverse.T
    free = ~(increments.bounded & (position <= 1e-9 * position.abs().max()))
    directions = increments.transform[:, free]
    reduced = directions.T @ matrix[0] @ directions
    return (directions @ _inverse(reduced) @ directions.T).unsqueeze(0)


def _inverse(matrix: Tensor) -> Tensor:
    """Invert a positive semidefinite matrix, leaving out directions that are null to rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = values > 1e-13 * values[-1]
    inverse: Tensor = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse


def _leverage(network: KANBatch, inverse: Tensor, data: Data, chunk_bytes: int) -> Tensor:
    parts = []
    for part in data.chunks(chunk_rows(network, chunk_bytes)):
        _, jacobian = network.forward_and_jacobian(part.inputs)
        parts.append(part.weights * ((jacobian @ inverse) * jacobian).sum(-1)[0])
    return torch.cat(parts)


def _centring(network: KANBatch, data: Data) -> Tensor:
    """Return the map from θ to the centred parameters in the flat order of the description."""
    signals = [data.inputs.numbers, *(node[0] for node in network.activations(data.inputs))]
    blocks = []
    for index, layer in enumerate(network.shape.layers):
        basis = network.layer_basis(index, signals[index], data.inputs.codes if index == 0 else None)
        mean = basis.reshape(-1, layer.width).mean(0)
        outputs = torch.eye(layer.outputs, dtype=mean.dtype, device=mean.device)
        widths = [layer.basis_size] * layer.splines + list(layer.tables)
        for place, weights in enumerate(mean.split_with_sizes(widths)):
            centre = torch.eye(len(weights), dtype=mean.dtype, device=mean.device) - weights
            block = torch.kron(centre, outputs)
            if place < layer.splines:
                order = torch.arange(len(block)).reshape(len(weights), layer.outputs).T.flatten()
                block = block[order.to(block.device)]
            blocks.append(block)
    return block_diagonal(blocks)


def _numpy(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().numpy()
    return array
