"""Fit a network: from random starts to one trained network.

An additive network has one optimum for given smoothing weights: the weights are chosen by a search on its normal
equations, and training alternates with reweighting of outliers.

A network with hidden nodes has many local optima. Starts are trained for a few steps on a coarse grid, a sample of the
rows and a strong penalty, which smooths the loss: of 66 starts of a deep target 35 % reach the basin of the best
optimum so, 17 % with a hundredth of the penalty, and none with a hundred times as much. The best
are trained on all rows; updates of smoothing, ranges and parameters alternate, and half of the networks are dropped
each time, until the cross-validation score converges (:func:`fit_starts`). Then the grid is doubled while the score
falls (:func:`refine_grid`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture
from kanopt.kan.constraints import Penalty
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares, Objective, QuadraticModel
from kanopt.kan.ranges import SLACK, continue_ends, refit_ranges
from kanopt.kan.smoothing import RIDGES, GaussNewtonModel, select_smoothing, update_smoothing
from kanopt.kan.trainer import History
from kanopt.kan.training import FitOptions, TrainedBatch, Training, random_starts, train_starts

EXACT = 1e-14
"""Share of the target's variance below which an error counts as none."""
TURNS, STEPS = 8, 6
"""Turns on one grid at most, and steps of each."""
WORTH = 0.9
"""A turn or a finer grid that leaves more of the score than this is the last."""
MOVED = 4.0
"""What continued ends may make of the squared error: training left it least, and a cubic that goes on costs a little
where rows are and saves much where the next rows will be."""
CLEAN = 1e-3
"""Share of the target's variance below which an error is one of approximation, so that empty cells are continued."""


def fit_starts(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions | None = None,
) -> TrainedBatch:
    """Train networks of one architecture on `data`; return the best one.

    Parameters
    ----------
    shape
        Sizes of the network.
    data
        Rows, with weights of shape (n,). With hidden nodes targets must be of about unit size, as starts and the prior
        of :func:`kanopt.kan.smoothing.update_smoothing` assume; standard deviations from 1e-3 to 10 all do.
    bounds
        Lower and upper ends of the numeric inputs, each of shape (numbers,).
    generator
        Source of all randomness, on the CPU.
    options
        How to fit.

    Raises
    ------
    FitError
        With hidden nodes and targets far larger than unit size.

    Examples
    --------
    >>> from kanopt.kan.architecture import InputTensors
    >>> generator = torch.Generator().manual_seed(3)
    >>> numbers = torch.rand(200, 2, dtype=torch.float64, generator=generator)
    >>> target = numbers.prod(1, keepdim=True)
    >>> rows = InputTensors(numbers, torch.zeros(200, 0, dtype=torch.int64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> data = Data(rows, target, torch.ones(200, dtype=torch.float64))
    >>> run = fit_starts(Architecture(2, hidden=(2,)), data, bounds, generator)
    >>> bool((run.network.forward(rows) - target).abs().max() < 1e-3)
    True
    """
    options = options or FitOptions()
    if shape.hidden:
        return train_until_one(train_starts(shape, data, bounds, generator, options), data, options)
    offset = options.mean_output(data)
    network = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.shape_constraints)
    first = 1e-6 if options.smoothing is None else options.smoothing
    smoothing = network.theta.new_full((1, shape.groups + 1), first)
    smoothing[:, -1] = _ridges(shape, float(data.weights.sum()) * options.distinct)[0]
    return _fit_additive(network, smoothing, data, options)


def train_until_one(run: TrainedBatch, data: Data, options: FitOptions) -> TrainedBatch:
    """Train networks with hidden nodes on all rows, alternating with smoothing and ranges, until one is left.

    Also continues the training of a single network, on other rows or a finer grid.
    """
    network, smoothing, history = run.network, run.smoothing, run.history
    training = Training.of(network, data, options)
    spread = _squares_about_mean(data) / training.total
    last = torch.inf
    for turn in range(TURNS):
        weighted = training.reweighted(network)
        if options.smoothing is None:
            # Copies are no evidence: all that counts rows is scaled to those that copy no other.
            normal = weighted.normal_equations(network) * options.distinct
            penalty = Penalty.of(network.architecture, network.theta.device)
            smoothing = update_smoothing(normal, network.theta, penalty, smoothing, training.rows)
        slack = SLACK if turn == 0 else 0.0
        network = refit_ranges(network, training.data.inputs, training.constraints, slack) or network
        steps = replace(
            options.trainer, iterations=STEPS, tolerance=1e-3, damping=1e-3 if turn == 0 else 1e-4
        )
        network, history = training.train(network, weighted, smoothing, steps)
        clean = CLEAN * spread * training.total
        if training.constraints is None and float(weighted.squares(network).min()) < clean:
            network = _continue_sparse_ends(network, weighted, data.weights * options.distinct)
        score = training.score(network, smoothing)
        kept = score.argsort()[: max(1, (len(network) + 1) // 2)]
        network, smoothing, score = network.take(kept), smoothing[kept], score[kept]
        least = float(score[0])
        enough = len(network) == 1 and not least < WORTH * last
        if enough or least < EXACT**2 * spread or history.stopped:
            break
        last = least
    return TrainedBatch(network, smoothing, score, history)


def _continue_sparse_ends(network: KANBatch, objective: LeastSquares, weights: Tensor) -> KANBatch:
    """Extrapolate the splines into cells with few rows, in networks whose sum of squares hardly rises by it.

    A cell of a hidden spline may contain few but influential rows, such as those in a tail of the inputs.
    """
    continued = continue_ends(network, objective.inputs, weights)
    fits = objective.squares(continued) <= MOVED * objective.squares(network)
    worse = torch.nonzero(~fits).squeeze(1)
    return continued.put(worse, network.take(worse))


def refine_grid(run: TrainedBatch, data: Data, options: FitOptions, largest: int) -> TrainedBatch:
    """Double the grid of a network with hidden nodes, and train on, while its score falls by a tenth.

    Parameters
    ----------
    largest
        Maximum grid size. Networks with more parameters than a quarter of the rows are not tried either.
    """
    spread = float((data.target - data.mean_target).square().sum(1).mean())
    rows = float(data.weights.sum()) * options.distinct
    while True:
        finer = run.network.refine_grid()
        too_fine = finer.architecture.grid_size > largest or finer.architecture.parameters > 0.25 * rows
        if too_fine or float(run.score[0]) < EXACT**2 * spread or run.history.stopped:
            return run
        tried = replace(run, network=finer)
        tried = train_until_one(tried, data, options)
        if not float(tried.score[0]) < WORTH * float(run.score[0]):
            return tried if float(tried.score[0]) < float(run.score[0]) else run
        run = tried


def retrain(run: TrainedBatch, data: Data, options: FitOptions, steps: int = STEPS) -> TrainedBatch:
    """Continue training a batch for a few steps with its smoothing weights; an additive network is fitted again."""
    shape = run.network.architecture
    if not shape.hidden and not shape.is_large:
        return _fit_additive(run.network, run.smoothing, data, options, near=True)
    training = Training.of(run.network, data, options)
    trainer = replace(options.trainer, iterations=steps)
    weighted = training.reweighted(run.network)
    network, history = training.train(run.network, weighted, run.smoothing, trainer)
    return TrainedBatch(network, run.smoothing, training.score(network, run.smoothing), history)


def _fit_additive(
    network: KANBatch, smoothing: Tensor, data: Data, options: FitOptions, near: bool = False
) -> TrainedBatch:
    """Fit an additive network: search for smoothing weights, then alternate training and reweighting of outliers.

    `near` says that the smoothing weights have been chosen for such a network before.
    """
    training = Training.of(network, data, options)
    linear = options.link is None
    trainer = options.trainer
    if linear and not options.shape_constraints:
        trainer = replace(trainer, damping=0.0, iterations=min(3, trainer.iterations))
    floor = EXACT * _squares_about_mean(data) + torch.finfo(torch.float64).tiny
    history, turns = History(), 2 if options.loss == "squared" else 5
    for turn in range(turns):
        weighted = training.reweighted(network) if turn > 0 else training.objective
        squares: Objective = weighted
        chooses = turn > 0 and options.smoothing is None
        # Where the output is linear in θ the expansion is exact but for rounding, which the last turn on the rows ends.
        exact = linear and turn < turns - 1
        if chooses or exact:
            expansion = weighted.normal_equations(network)
            squares = QuadraticModel(network, expansion, training.data.inputs) if exact else weighted
        if chooses:
            model = GaussNewtonModel(
                expansion,
                network.theta,
                Penalty.of(network.architecture, network.theta.device),
                training.total,
                training.rows,
                floor,
                options.criterion,
            )
            ridges = _ridges(network.architecture, training.rows)
            smoothing = select_smoothing(model, smoothing, ridges, near=near or turn > 1)
        network, history = training.train(network, squares, smoothing, trainer)
        if history.stopped:
            break
    return TrainedBatch(network, smoothing, training.score(network, smoothing), history)


def _squares_about_mean(data: Data) -> float:
    """Return the weighted sum of squares of the target about its mean."""
    return float((data.weights * (data.target - data.mean_target).square().sum(1)).sum())


def _ridges(shape: Architecture, rows: float) -> Sequence[float]:
    """Return the ridges to try: with fewer rows than coefficients a larger ridge is needed for solvable equations."""
    return RIDGES[1:] if shape.parameters < rows else RIDGES[2:]
