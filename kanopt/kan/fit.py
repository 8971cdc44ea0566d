"""From starts to one trained network with all that is known about it.

An additive network has one optimum for given smoothing weights: they are chosen by a search on its normal equations,
and training and reweighting of outlying rows take turns.

A network with hidden nodes has many. Starts are trained for a few steps on a coarse grid, some of the rows and a strong
penalty, which smooths the landscape: of the starts of a deep target half find the basin so, a fifth with a weak one.
The best go on with all rows; smoothing, ranges and training take turns, half of the networks falling away each time,
until the cross-validation score settles (:func:`fit_starts`). Then the grid is doubled while the score falls
(:func:`grown`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanopt.kan.basis import block_diagonal
from kanopt.kan.constraints import Constraints, Wanted
from kanopt.kan.description import Network
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares, Precision
from kanopt.kan.penalty import Penalty
from kanopt.kan.ranges import SLACK, continue_ends, refit_ranges
from kanopt.kan.robust import HUBER, poisson_deviance, poisson_weights, residual_scale, robust_weights
from kanopt.kan.shape import Shape
from kanopt.kan.smoothing import (
    RIDGES,
    Criterion,
    LinearModel,
    effective_parameters,
    gcv_score,
    reestimated,
    select_smoothing,
)
from kanopt.kan.starts import random_starts
from kanopt.kan.trainer import History, TrainerOptions, train

__all__ = [
    "FitOptions",
    "Fitted",
    "Run",
    "begun",
    "finish",
    "fit_starts",
    "grown",
    "retrained",
    "reweighted",
    "settled",
]

Floats = NDArray[np.float64]
EXACT = 1e-14
"""Share of the target's variance below which an error counts as none."""
FEWEST, PER_PARAMETER, MOST_ROWS = 300, 12, 1_500
"""Rows that starts are trained on: so many, and so many per parameter, up to a limit."""
FEWEST_STARTS, WORK = 4, 16 * 1_500 * 150**2
"""Starts of wide networks are fewer, but so many, so that starts × rows × parameters² stays within limits."""
STRONG = 1e-4
"""Smoothing of starts."""
KEPT = 4
"""Starts that go on with all rows."""
TURNS, STEPS = 8, 6
"""Turns on one grid at most, and steps of each."""
WORTH = 0.9
"""A turn or a finer grid that leaves more of the score than this is the last."""
CLEAN = 1e-3
"""Share of the target's variance below which an error is one of approximation, so that empty cells are continued."""


@dataclass(frozen=True)
class FitOptions:
    """How to fit.

    Parameters
    ----------
    starts
        Networks begun with where there are hidden nodes.
    smoothing
        Roughness weight λ of every group, or None to choose one per group.
    criterion
        By what it is chosen: ``"gcv"`` or ``"evidence"``.
    loss
        ``"squared"``, ``"huber"``, ``"tukey"``, or ``"poisson"``: squares over the mean, for positive targets behind
        an exponential link, in units of their mean.
    wanted
        Shapes asked of the numeric inputs.
    link
        From the output to the target; None is the identity.
    precision
        ``"double"`` or ``"mixed"``, see :class:`LeastSquares`.
    distinct
        Share of the rows, each counted with its weight, that copy no other row. Copies tell nothing about
        noise, so that cross-validation must not count them.
    trainer
        Options of every training run.
    """

    starts: int = 16
    smoothing: float | None = None
    criterion: Criterion = "gcv"
    loss: str = "squared"
    wanted: Wanted = field(default_factory=Wanted)
    link: Link | None = None
    precision: Precision = "double"
    distinct: float = 1.0
    trainer: TrainerOptions = field(default_factory=TrainerOptions)

    def objective(self, data: Data) -> LeastSquares:
        """Return the least squares on `data`."""
        return LeastSquares(data, self.link, self.precision)


@dataclass(frozen=True)
class Run:
    """A batch of trained networks, the smoothing weights (M, groups + 1) and GCV scores (M,) they have."""

    network: KANBatch
    smoothing: Tensor
    score: Tensor
    history: History

    @property
    def first(self) -> Run:
        """The first network alone."""
        first = torch.zeros(1, dtype=torch.int64, device=self.network.theta.device)
        return Run(self.network.take(first), self.smoothing[first], self.score[first], self.history)


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
    at_bound
        Which of them an active bound of a shape holds, so that their error is not symmetric; in the same order.
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
    at_bound: NDArray[np.bool_]
    smoothing: Floats
    history: History


def fit_starts(
    shape: Shape,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions | None = None,
) -> Run:
    """Train one shape on `data` (weights of shape (n,)); return its best network.

    Examples
    --------
    >>> from kanopt.kan.shape import Inputs
    >>> generator = torch.Generator().manual_seed(3)
    >>> numbers = torch.rand(200, 2, dtype=torch.float64, generator=generator)
    >>> target = numbers.prod(1, keepdim=True)
    >>> rows = Inputs(numbers, torch.zeros(200, 0, dtype=torch.int64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> data = Data(rows, target, torch.ones(200, dtype=torch.float64))
    >>> run = fit_starts(Shape(2, hidden=(2,)), data, bounds, generator)
    >>> bool((run.network.forward(rows) - target).abs().max() < 1e-3)
    True
    """
    options = options or FitOptions()
    if shape.hidden:
        return settled(begun(shape, data, bounds, generator, options), data, options)
    offset = _constant(data, options)
    network = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.wanted)
    penalty = Penalty.of(shape, network.theta.device)
    first = 1e-6 if options.smoothing is None else options.smoothing
    smoothing = network.theta.new_full((1, penalty.groups + 1), first)
    smoothing[:, -1] = _ridges(shape, float(data.weights.sum()) * options.distinct)[0]
    return _additive(network, smoothing, data, options)


def settled(run: Run, data: Data, options: FitOptions) -> Run:
    """Train networks with hidden nodes on all rows of `data`, in turns with smoothing and ranges, until one is left.

    Also continues a single network from where it stands, on other rows or a finer grid.
    """
    network, smoothing, history = run.network, run.smoothing, run.history
    penalty = Penalty.of(network.shape, network.theta.device)
    constraints = Constraints.of(network.shape, options.wanted, network.theta.device)
    objective, total = options.objective(data), float(data.weights.sum())
    spread = float((data.weights * (data.target - _mean(data)).square().sum(1)).sum()) / total
    last = torch.inf
    for turn in range(TURNS):
        weighted = reweighted(network, objective, options.loss)
        if options.smoothing is None:
            normal = weighted.normal_equations(network)
            smoothing, _ = reestimated(normal, network.theta, penalty, smoothing, total)
        network = refit_ranges(network, data.inputs, constraints, SLACK if turn == 0 else 0.0) or network
        steps = replace(
            options.trainer, iterations=STEPS, tolerance=1e-3, damping=1e-3 if turn == 0 else 1e-4
        )
        held = penalty.weighted(smoothing, total, network.active)
        network, history = train(network, weighted, held, steps, constraints)
        score = _score(network, smoothing, penalty, objective, options)
        if constraints is None and float(weighted.squares(network).min()) < CLEAN * spread * total:
            network = continue_ends(network, data.inputs)
        kept = score.argsort()[: max(1, (len(network) + 1) // 2)]
        network, smoothing, score = network.take(kept), smoothing[kept], score[kept]
        least = float(score[0])
        enough = len(network) == 1 and not least < WORTH * last
        if enough or least < EXACT**2 * spread or history.stopped:
            break
        last = least
    return Run(network, smoothing, score, history)


def grown(run: Run, data: Data, options: FitOptions, largest: int) -> Run:
    """Double the grid of a network, exactly, and train on, while its score falls by a tenth.

    Parameters
    ----------
    largest
        Grid sizes beyond this are not tried, and neither are networks with more parameters than a quarter of the rows.
    """
    spread = float((data.target - _mean(data)).square().sum(1).mean())
    rows = float(data.weights.sum()) * options.distinct
    while True:
        finer = run.network.refined()
        too_fine = finer.shape.grid_size > largest or finer.shape.parameters > 0.25 * rows
        if too_fine or float(run.score[0]) < EXACT**2 * spread or run.history.stopped:
            return run
        tried = replace(run, network=finer)
        tried = settled(tried, data, options) if finer.shape.hidden else retrained(tried, data, options)
        if not float(tried.score[0]) < WORTH * float(run.score[0]):
            return tried if float(tried.score[0]) < float(run.score[0]) else run
        run = tried


def retrained(run: Run, data: Data, options: FitOptions, steps: int = STEPS) -> Run:
    """Train a batch on for a few steps at the smoothing it has; an additive network is fitted anew."""
    if not run.network.shape.hidden:
        return _additive(run.network, run.smoothing, data, options)
    network, smoothing = run.network, run.smoothing
    penalty = Penalty.of(network.shape, network.theta.device)
    constraints = Constraints.of(network.shape, options.wanted, network.theta.device)
    objective = options.objective(data)
    held = penalty.weighted(smoothing, float(data.weights.sum()), network.active)
    trainer = replace(options.trainer, iterations=steps)
    network, history = train(
        network, reweighted(network, objective, options.loss), held, trainer, constraints
    )
    return Run(network, smoothing, _score(network, smoothing, penalty, objective, options), history)


def begun(
    shape: Shape,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
    kept: int = KEPT,
) -> Run:
    """Train starts for a few steps on some rows under a strong penalty; keep the best."""
    offset = _constant(data, options)
    rows = min(MOST_ROWS, max(FEWEST, PER_PARAMETER * shape.parameters))
    data = _some(data, rows, generator)
    affordable = int(WORK / (len(data) * shape.parameters**2))
    starts = min(options.starts, max(FEWEST_STARTS, affordable))
    network = random_starts(shape, starts, data.inputs, bounds, offset, generator, options.wanted)
    penalty = Penalty.of(network.shape, network.theta.device)
    constraints = Constraints.of(network.shape, options.wanted, network.theta.device)
    smoothing = network.theta.new_full((len(network), penalty.groups + 1), STRONG)
    smoothing[:, -1] = 1e-6
    trainer = replace(options.trainer, iterations=20, damping=1.0, tolerance=1e-4)
    held = penalty.weighted(smoothing, float(data.weights.sum()), network.active)
    objective = options.objective(data)
    if options.loss == "poisson":
        objective = reweighted(network, objective, options.loss)
    network, history = train(network, objective, held, trainer, constraints)
    best = history.best.argsort()[:kept]
    if options.smoothing is not None:
        smoothing[:, :-1], smoothing[:, -1] = options.smoothing, RIDGES[0]
    return Run(network.take(best), smoothing[best], history.best[best], history)


def _some(data: Data, rows: int, generator: torch.Generator) -> Data:
    """Return at most `rows` rows, drawn at random."""
    if len(data) <= rows:
        return data
    return data.rows(torch.randperm(len(data), generator=generator)[:rows].to(data.target.device))


def _additive(network: KANBatch, smoothing: Tensor, data: Data, options: FitOptions) -> Run:
    """Fit an additive network: smoothing by search, then weights of outlying rows and training in turns."""
    penalty = Penalty.of(network.shape, network.theta.device)
    constraints = Constraints.of(network.shape, options.wanted, network.theta.device)
    objective = options.objective(data)
    total = float(data.weights.sum())
    rows = total * options.distinct
    linear = options.link is None
    trainer = replace(options.trainer, damping=0.0) if linear and not options.wanted else options.trainer
    if linear and not options.wanted:
        trainer = replace(trainer, iterations=min(3, trainer.iterations))
    spread = float((data.weights * (data.target - _mean(data)).square().sum(1)).sum())
    floor = EXACT * spread + torch.finfo(torch.float64).tiny
    history = History()
    for turn in range(2 if options.loss == "squared" else 5):
        weighted = reweighted(network, objective, options.loss) if turn > 0 else objective
        if turn > 0 and options.smoothing is None:
            normal = weighted.normal_equations(network)
            model = LinearModel(normal, network.theta, penalty, total, rows, floor, options.criterion)
            smoothing = select_smoothing(model, smoothing, _ridges(network.shape, rows))
        held = penalty.weighted(smoothing, total, network.active)
        network, history = train(network, weighted, held, trainer, constraints)
        if history.stopped:
            break
    return Run(network, smoothing, _score(network, smoothing, penalty, objective, options), history)


def _ridges(shape: Shape, rows: float) -> Sequence[float]:
    """Return the ridges to try: with fewer rows than coefficients equations need more to be solvable at all."""
    return RIDGES[1:] if shape.parameters < rows else RIDGES[2:]


def _constant(data: Data, options: FitOptions) -> Tensor:
    """Return the outputs of a network whose target is the mean, shape (outputs,)."""
    mean = _mean(data)
    return mean if options.link is None else options.link.inverse(mean)


def _mean(data: Data) -> Tensor:
    """Return the weighted means of the targets, shape (outputs,)."""
    return (data.weights @ data.target) / data.weights.sum()


def reweighted(network: KANBatch, objective: LeastSquares, loss: str) -> LeastSquares:
    """Return the objective with the row weights that its `loss` gives at the parameters of now."""
    if loss == "squared":
        return objective
    if loss == "poisson":
        mean = objective.outputs(network, objective.inputs)[..., 0]
        return objective.weighted(objective.data.weights * poisson_weights(mean))
    residual = objective.residuals(network).norm(dim=-1)
    return objective.weighted(robust_weights(residual, objective.data.weights, loss))


def _score(
    network: KANBatch, smoothing: Tensor, penalty: Penalty, objective: LeastSquares, options: FitOptions
) -> Tensor:
    """Return the GCV score of every network; large residuals count on one scale for all (Huber's ρ)."""
    data = objective.data
    rows = float(data.weights.sum())
    normal = reweighted(network, objective, options.loss).normal_equations(network)
    edf, _ = effective_parameters(normal.matrix, penalty.weighted(smoothing, rows, network.active))
    squares = normal.squares
    if options.loss == "poisson":
        deviance = poisson_deviance(data.target[:, 0], objective.outputs(network, data.inputs)[..., 0])
        squares = (data.weights * deviance).sum(1)
    elif options.loss != "squared":
        residual = objective.residuals(network).norm(dim=-1)
        limit = HUBER * residual_scale(residual, data.weights).min()
        size = residual.abs()
        squares = (data.weights * torch.where(size > limit, limit * (2 * size - limit), size**2)).sum(1)
    score = gcv_score(squares, edf, rows * options.distinct)
    return torch.where(torch.isfinite(score), score, torch.full_like(score, torch.inf))


def finish(run: Run, data: Data, options: FitOptions) -> Fitted:
    """Describe the first network of `run`, which has one output, and its uncertainty on the rows of `data`."""
    network = run.network.take(torch.zeros(1, dtype=torch.int64, device=data.target.device))
    penalty = Penalty.of(network.shape, network.theta.device)
    rows = float(data.weights.sum())
    objective = options.objective(data)
    output = objective.outputs(network, data.inputs)[0, :, 0]
    residual = data.target[:, 0] - output
    if options.loss == "poisson":
        weights = data.weights * poisson_weights(output)
    else:
        weights = robust_weights(residual, data.weights, options.loss)
    weighted = objective.weighted(weights)
    normal = weighted.normal_equations(network)
    smooth = penalty.weighted(run.smoothing[:1], rows, network.active)
    constraints = Constraints.of(network.shape, options.wanted, network.theta.device)
    held = _held(network, constraints)
    inverse = _free_inverse(network, normal.matrix + smooth, constraints, held)
    edf = float((inverse * normal.matrix).sum())
    variance = float((weights * residual**2).sum()) / max(rows - edf, 1.0)
    trust = weights / data.weights
    leverage = _leverage(network, inverse, objective.weighted(trust))
    left_out = residual / (1.0 - leverage.clamp(max=0.99))
    centre = _centring(network, data)
    covariance = variance * (centre @ inverse[0] @ centre.T)
    return Fitted(
        network=network.describe(0, data.inputs),
        output=_numpy(output),
        residual=_numpy(residual),
        left_out=_numpy(left_out),
        trust=_numpy(torch.ones_like(trust) if options.loss == "poisson" else trust),
        edf=edf,
        variance=variance,
        covariance=_numpy(0.5 * (covariance + covariance.T)),
        at_bound=_touched(network, constraints, held),
        smoothing=_numpy(run.smoothing[0]),
        history=run.history,
    )


def _held(network: KANBatch, constraints: Constraints | None) -> Tensor:
    """Return which d of the first network lie at their bound; none where nothing is constrained; (P,)."""
    if constraints is None:
        return torch.zeros_like(network.theta[0], dtype=torch.bool)
    position = network.theta[0] @ constraints.inverse.T
    return constraints.bounded & (position <= 1e-9 * position.abs().max())


def _touched(network: KANBatch, constraints: Constraints | None, held: Tensor) -> NDArray[np.bool_]:
    """Return which parameters, in the flat order of the description, an active bound ties to others."""
    touched = torch.zeros_like(held)
    if constraints is not None:
        touched = (constraints.inverse[held].abs() > 1e-12).any(0)
    flat: NDArray[np.bool_] = touched[_flat_order(network)].cpu().numpy()
    return flat


def _free_inverse(network: KANBatch, matrix: Tensor, constraints: Constraints | None, held: Tensor) -> Tensor:
    """Invert JᵀWJ + S over the directions that no active bound forbids and no pruned edge has; (1, P, P)."""
    if constraints is None:
        directions = torch.eye(len(matrix[0]), dtype=matrix.dtype, device=matrix.device)
    else:
        directions = constraints.transform[:, ~held]
    if network.active is not None:
        directions = directions * network.active[0].unsqueeze(1)
    reduced = directions.T @ matrix[0] @ directions
    return (directions @ _inverse(reduced) @ directions.T).unsqueeze(0)


def _inverse(matrix: Tensor) -> Tensor:
    """Invert a positive semidefinite matrix, leaving out directions that are null to rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = values > 1e-13 * values[-1]
    inverse: Tensor = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse


def _leverage(network: KANBatch, inverse: Tensor, objective: LeastSquares) -> Tensor:
    parts = []
    for part in objective.chunks(network):
        output, jacobian = network.forward_and_jacobian(part.inputs)
        if objective.link is not None:
            jacobian *= objective.link.slope(output).unsqueeze(-1)
        rows = jacobian[0, :, 0]
        parts.append(part.weights * ((rows @ inverse[0]) * rows).sum(-1))
    return torch.cat(parts)


def _centring(network: KANBatch, data: Data) -> Tensor:
    """Return the map from θ to the centred parameters in the flat order of the description."""
    signals = [data.inputs.numbers, *(node[0] for node in network.activations(data.inputs))]
    blocks = []
    for index, layer in enumerate(network.shape.layers):
        basis = network.layer_basis(index, signals[index], data.inputs.codes if index == 0 else None)
        mean = basis.reshape(-1, layer.width).mean(0)
        subnodes = torch.eye(layer.subnodes, dtype=mean.dtype, device=mean.device)
        for weights in torch.split(mean, list(layer.widths)):
            centre = torch.eye(len(weights), dtype=mean.dtype, device=mean.device) - weights
            blocks.append(torch.kron(centre, subnodes))
    return block_diagonal(blocks)[_flat_order(network)]


def _flat_order(network: KANBatch) -> Tensor:
    """Return the place in θ of every parameter of the description: by edge in splines, by category in tables."""
    parts, start = [], 0
    for layer in network.shape.layers:
        for place, width in enumerate(layer.widths):
            order = torch.arange(start, start + width * layer.subnodes).reshape(width, layer.subnodes)
            parts.append((order.T if place < layer.splines + layer.cycles else order).flatten())
            start += width * layer.subnodes
    return torch.cat(parts).to(network.theta.device)


def _numpy(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().numpy()
    return array
