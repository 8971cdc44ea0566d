"""Smoothing of hidden networks on noisy rows, chosen by the error on held-out rows.

The evidence judges a network by its linearisation about the optimum. With many hidden nodes and heavy-tailed noise that
is optimistic: the network follows outliers, and errors on new rows are larger than estimated. Here a fifth of the rows
is held out. Smoothing weights are first those of largest evidence on the training rows, one per group; then all of them
are raised together by factors of ten, each network warm-started from the one before (the regularisation path of
Friedman, Hastie and Tibshirani 2010, J. Stat. Softw. 33, section 2.5, upwards), until the held-out error rises. The
grid is doubled while the held-out error falls, inputs that do not lower it are removed, and the network is trained on
all rows.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from kanopt.kan.fit import retrain, train_until_one
from kanopt.kan.network import Architecture, KANBatch
from kanopt.kan.ranges import refit_ranges
from kanopt.kan.smoothing import RIDGES
from kanopt.kan.trainer import Data, History
from kanopt.kan.training import (
    HUBER,
    FitOptions,
    TrainedBatch,
    Training,
    huber_loss,
    random_starts,
    residual_scale,
    train_starts,
)

TURNS, STEPS = 3, 4
"""Turns at each weight, in which hidden ranges and row weights follow, and steps of each."""
LAST_TURNS = 1
"""The same on all rows, of which most have been learned from: more turns cost time and hardly move the error."""
RAISES, LARGEST = 4, 1.0
"""How often weights are multiplied by ten at most, and what none of them passes."""
LEVELS = (1e-8, 1e-6, 1e-4, 1e-3, 1e-2)
"""Weights of a large network: the lowest for targets without noise, the highest where noise is most of them."""
RISE = 1.05
"""A loss this much above the least ends the ascent."""
EQUAL = 1.01
"""Of weights whose loss is within this factor of the least the lowest are taken."""
WORTH = 0.97
"""A finer grid has to leave less of the loss."""
MOST = 640
"""Parameters of the largest network of a finer grid."""
IDLE = 1e-3
"""A rise of the loss by this share says that an input is not missed."""
KEPT, WIDE = 2, 300
"""Starts that go on with all rows; one alone past so many parameters."""


def fit_held_out(
    shape: Architecture,
    data: Data,
    held_out: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
    largest: int,
) -> tuple[TrainedBatch, Tensor]:
    """Train a network with hidden nodes at the smoothing with the smallest loss on `held_out`.

    Parameters
    ----------
    largest
        Maximum grid size.

    Returns
    -------
    trained
        The network; its score is the mean loss on the held-out rows.
    output
        Predictions for the held-out rows, in the units of the data; (n,).

    Examples
    --------
    >>> from kanopt.kan.network import InputTensors
    >>> generator = torch.Generator().manual_seed(3)
    >>> numbers = torch.rand(400, 2, dtype=torch.float64, generator=generator)
    >>> noise = torch.randn(400, 1, dtype=torch.float64, generator=generator)
    >>> rows = InputTensors(numbers, torch.zeros(400, 0, dtype=torch.int64))
    >>> data = Data(rows, numbers.prod(1, keepdim=True) + 0.05 * noise, torch.ones(400, dtype=torch.float64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> train, test = data.rows(slice(80, None)), data.rows(slice(0, 80))
    >>> _, output = fit_held_out(Architecture(2, hidden=(2,)), train, test, bounds, generator, FitOptions(), 5)
    >>> bool((output - test.inputs.numbers.prod(1)).square().mean().sqrt() < 0.03)
    True
    """
    judge = HeldOutLoss(held_out, options)
    if shape.is_large:
        best = _fit_large(shape, data, bounds, generator, judge)
        return best, judge.outputs(best.network)[0]
    run = train_starts(shape, data, bounds, generator, options, KEPT if shape.parameters <= WIDE else 1)
    best = _raise_smoothing(train_until_one(run, data, options), data, judge)
    while 2 * best.network.architecture.grid_size <= largest and not best.history.stopped:
        finer = replace(best, network=best.network.refine_grid())
        if finer.network.architecture.parameters > MOST:
            break
        finer = judge(_train_at(finer, data, options))
        if not float(finer.score[0]) < WORTH * float(best.score[0]):
            break
        best = finer
    best = _drop_unused_inputs(best, data, judge)
    return best, judge.outputs(best.network)[0]


def _fit_large(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    judge: HeldOutLoss,
) -> TrainedBatch:
    """Train a large network at weak smoothing, and on at stronger ones; return the one of the smallest loss.

    No evidence speaks for a first smoothing, and of several starts all but one would be thrown away. Hidden ranges and
    row weights follow from one smoothing to the next: more turns at each would follow the noise.
    """
    options, runs = judge.options, list[TrainedBatch]()
    offset = options.mean_output(data)
    network = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.shape_constraints)
    for level in LEVELS if options.smoothing is None else (options.smoothing,):
        smoothing = network.theta.new_full((1, shape.groups + 1), level)
        smoothing[:, -1] = RIDGES[1]
        run = _train_at(TrainedBatch(network, smoothing, smoothing[:, 0], History()), data, options, turns=1)
        runs.append(judge(run))
        network = run.network
        if run.history.stopped:
            break
    return min(runs, key=lambda run: float(run.score))


def _raise_smoothing(run: TrainedBatch, data: Data, judge: HeldOutLoss) -> TrainedBatch:
    """Raise the smoothing of a network step by step; return the smoothest with as good a loss as the smallest."""
    run = judge(run)
    passed, least = [run], float(run.score[0])
    if judge.options.smoothing is None:
        for _ in range(RAISES):
            smoothing = run.smoothing.clone()
            smoothing[:, :-1] = (10.0 * smoothing[:, :-1]).clamp(max=LARGEST)
            run = judge(_train_at(replace(run, smoothing=smoothing), data, judge.options))
            passed.append(run)
            least = min(float(one.score[0]) for one in passed)
            if float(run.score[0]) > RISE * least or run.history.stopped:
                break
    return next(one for one in passed if float(one.score[0]) <= EQUAL * least)


def _drop_unused_inputs(run: TrainedBatch, data: Data, judge: HeldOutLoss) -> TrainedBatch:
    """Remove inputs, the least important first, while the loss does not rise.

    An effect estimated from few rows, such as that of rain in a dry year, costs nothing on rows like these and much
    where it rains: a line through a handful of rows would be extrapolated to all of them.
    """
    while not run.history.stopped:
        inputs = _inputs_of(run.network)
        if len(inputs) < 2:
            return run
        bare = [replace(run, network=without_input(run.network, source, data)) for source in inputs]
        least = min(bare, key=lambda one: float(judge(one).score[0]))
        least = judge(_train_at(least, data, judge.options))
        if not float(least.score[0]) <= (1.0 + IDLE) * float(run.score[0]):
            return run
        run = least
    return run


def _inputs_of(network: KANBatch) -> list[int]:
    """Return the inputs of a single network that have not been removed."""
    firsts = network.architecture.layers[0].firsts
    if network.active is None:
        return list(range(len(firsts)))
    there = network.split(network.active)[0][0]
    return [source for source, first in enumerate(firsts) if bool(there[first].any())]


def without_input(network: KANBatch, source: int, data: Data) -> KANBatch:
    """Return the single network without an input, one of several; nodes keep their level.

    B-splines sum to one: the mean of an edge over the rows is a constant, which the others of its node take in.
    """
    active = torch.ones_like(network.theta, dtype=torch.bool) if network.active is None else network.active
    masks, blocks = network.split(active.clone()), [block.clone() for block in network.blocks()]
    layer, block, mask = network.architecture.layers[0], blocks[0][0], masks[0][0]
    rows = slice(layer.firsts[source], layer.firsts[source] + layer.widths[source])
    mean = network.basis_means(data.inputs)[0][0, rows] @ block[rows]
    mask[rows], block[rows] = False, 0.0
    block += mask * (mean / mask[list(layer.firsts)].sum(0).clamp(min=1))
    kept = torch.cat([part.flatten(1) for part in masks], dim=1)
    return replace(network.with_blocks(blocks), active=kept)


def train_on_all_rows(run: TrainedBatch, data: Data, options: FitOptions, rows: float) -> TrainedBatch:
    """Continue training a network on all rows; its score is then that of cross-validation.

    The penalty stays what it was for the `rows` it was chosen on: as the precision of a prior, λ · rows does not depend
    on the number of rows.
    """
    smoothing = run.smoothing * (rows / float(data.weights.sum()))
    return retrain(_train_at(replace(run, smoothing=smoothing), data, options, LAST_TURNS), data, options)


class HeldOutLoss:
    """The mean loss on held-out rows: squared, or Huber's if the loss of the fit is robust."""

    def __init__(self, data: Data, options: FitOptions) -> None:
        self.data, self.objective, self.options = data, options.objective(data), options
        self.limit: Tensor | None = None

    def outputs(self, network: KANBatch) -> Tensor:
        """Return the predictions for the held-out rows, (M, n)."""
        return self.objective.outputs(network, self.data.inputs)[..., 0]

    def losses(self, network: KANBatch, data: Data) -> Tensor:
        """Return the mean loss on rows of every network, (M,)."""
        size = (data.target - self.objective.outputs(network, data.inputs)).norm(dim=-1)
        squares = size.square()
        if self.options.loss in ("huber", "tukey"):
            if self.limit is None:
                self.limit = HUBER * residual_scale(size, data.weights).min()
            squares = huber_loss(size, self.limit)
        loss = squares @ data.weights / data.weights.sum()
        return torch.where(torch.isfinite(loss), loss, torch.full_like(loss, torch.inf))

    def __call__(self, run: TrainedBatch) -> TrainedBatch:
        """Return the networks of `run` with their losses as scores, the best first."""
        score = self.losses(run.network, self.data)
        order = score.argsort()
        return TrainedBatch(run.network.take(order), run.smoothing[order], score[order], run.history)


def _train_at(run: TrainedBatch, data: Data, options: FitOptions, turns: int = TURNS) -> TrainedBatch:
    """Train a batch with its smoothing weights, alternating with updates of hidden ranges and row weights."""
    network, history = run.network, run.history
    training = Training.of(network, data, options)
    trainer = replace(options.trainer, iterations=STEPS, tolerance=1e-3, damping=1e-2)
    for _ in range(turns):
        network = refit_ranges(network, training.data.inputs, training.constraints) or network
        network, history = training.train(network, training.reweighted(network), run.smoothing, trainer)
        if history.stopped:
            break
    return TrainedBatch(network, run.smoothing, history.best, history)
