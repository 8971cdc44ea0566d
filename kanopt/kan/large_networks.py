"""Fit networks that are too large for second-order training, see :mod:`kanopt.kan.first_order`.

Without the Gauss-Newton matrix there is no smoothing weight by evidence, no leverage and no standard error. Smoothing
is chosen on held-out rows, all copies of a row together: networks that differ only in smoothing are trained as one
batch, and the best is trained on all rows. Held-out rows keep their held-out residuals as leave-one-out residuals; the
residuals of the other rows are scaled up to match.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture
from kanopt.kan.first_order import LARGE, FirstOrderOptions, train_network
from kanopt.kan.fit_options import FitOptions
from kanopt.kan.fitted import FittedNetwork
from kanopt.kan.losses import reweight, summed_loss
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, total_weight
from kanopt.kan.robust import HUBER, poisson_weights, residual_scale, robust_weight_share
from kanopt.kan.starts import random_starts
from kanopt.kan.trained import TrainedBatch
from kanopt.kan.trainer import History

__all__ = ["fit_large", "is_large"]

SMOOTHINGS = (1e-8, 1e-6, 1e-4, 1e-3, 1e-2)
"""Smoothing weights tried: the lowest for targets without noise, the highest where noise is most of them."""
RIDGE = 1e-9
HELD_OUT = 0.2
"""Share of the rows held out."""
STEPS = 60
"""Steps, or passes over the rows, on the rows not held out; then as many on all."""
TURNS = 3
"""Turns of half as many steps where the weights of the rows follow the residuals or the mean."""


@dataclass(frozen=True)
class _HeldOutRows:
    """Predictions for held-out rows by a network that was not trained on them.

    `held` are the indices of the rows, `output` the predictions, `loss` the mean loss, and `limit` the residual size
    above which a robust loss is linear.
    """

    held: Tensor
    output: Tensor
    loss: float
    limit: Tensor


def is_large(shape: Architecture) -> bool:
    """Whether an architecture is too large for second-order training."""
    return shape.parameters > LARGE


def fit_large(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
) -> tuple[TrainedBatch, FittedNetwork]:
    """Train one network of a large architecture, and describe its fit.

    Parameters
    ----------
    shape
        Architecture with one output.
    data, bounds, generator, options
        As for :func:`kanopt.kan.fit.fit_starts`. For a loss that is not squared, training alternates with reweighting
        of the rows.
    """
    network, smoothing = _starts(shape, data, bounds, generator, options)
    kept, held = _split(data, generator)
    rest, test = data.rows(kept), data.rows(held)
    steps = FirstOrderOptions(
        iterations=STEPS, single=options.precision == "mixed", watch=options.trainer.watch
    )
    network, _ = _train(network, rest, smoothing, options, steps)
    unseen = options.objective(test)
    size = unseen.residuals(network).norm(dim=-1)
    limit = HUBER * residual_scale(size, test.weights).min()
    missed = summed_loss(network, unseen, options.loss, limit) / test.weights.sum()
    best = torch.where(torch.isfinite(missed), missed, torch.inf).argmin().reshape(1)
    chosen, weight = network.take(best), smoothing[best]
    output = unseen.outputs(chosen, test.inputs)[0, :, 0]
    judged = _HeldOutRows(held, output, float(missed[best]), limit)
    chosen, history = _train(chosen, data, weight, options, replace(steps, range_refits=0), follows=True)
    run = TrainedBatch(chosen, weight, missed[best], history)
    return run, _describe(run, data, options, _left_out_residual(chosen, data, kept, options, judged))


def _starts(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
) -> tuple[KANBatch, Tensor]:
    """Return copies of one random network, one per smoothing weight to try, and the weights (M, groups + 1)."""
    offset = options.mean_output(data)
    network = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.shape_constraints)
    levels = SMOOTHINGS if options.smoothing is None else (options.smoothing,)
    network = network.take(torch.zeros(len(levels), dtype=torch.int64, device=network.theta.device))
    groups = len(shape.layers) - 1 + shape.numbers + shape.cycles + len(shape.categories)
    smoothing = network.theta.new_tensor(levels).unsqueeze(1).repeat(1, groups + 1)
    smoothing[:, -1] = RIDGE
    return network, smoothing


def _split(data: Data, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the indices of training rows and of held-out rows; copies of a row are not separated."""
    kind = data.row_groups()
    kinds = int(kind.max()) + 1
    if kinds < 2:
        every = torch.arange(len(data), device=kind.device)
        return every, every
    rank = torch.randperm(kinds, generator=generator).to(kind.device)[kind]
    count = max(1, round(HELD_OUT * kinds))
    return torch.nonzero(rank >= count).squeeze(1), torch.nonzero(rank < count).squeeze(1)


def _train(
    network: KANBatch,
    data: Data,
    smoothing: Tensor,
    options: FitOptions,
    steps: FirstOrderOptions,
    *,
    follows: bool = False,
) -> tuple[KANBatch, History]:
    """Train every network; `follows` says that they are trained already, so that their residuals are meaningful."""
    objective, history = options.objective(data), History()
    turns = 1 if options.loss == "squared" else TURNS
    for turn in range(turns):
        # Residuals of a random network do not identify outliers, but its mean does.
        known = follows or turn > 0 or options.loss == "poisson"
        weighted = reweight(network, objective, options.loss) if known else objective
        # The penalty is scaled with the weight of all rows, however many are downweighted.
        share = float(data.weights.sum()) / total_weight(weighted)
        part = replace(steps, iterations=STEPS if turns == 1 else STEPS // 2)
        network, history = train_network(
            network, weighted, share * smoothing, first_order=part, wanted=options.shape_constraints
        )
        if history.stopped:
            break
    return network, history


def _left_out_residual(
    network: KANBatch, data: Data, kept: Tensor, options: FitOptions, judged: _HeldOutRows
) -> Tensor:
    """Return the leave-one-out residual of every row, (n,)."""
    objective = options.objective(data)
    residual = objective.residuals(network)[0, :, 0]
    rest = data.rows(kept)
    now = summed_loss(network, options.objective(rest), options.loss, judged.limit) / rest.weights.sum()
    tiny = torch.finfo(now.dtype).tiny
    growth = (judged.loss / now.clamp(min=tiny)).sqrt().nan_to_num(nan=1.0).clamp(min=1.0)
    left_out = growth * residual
    left_out[judged.held] = data.target[judged.held, 0] - judged.output
    return left_out


def _describe(run: TrainedBatch, data: Data, options: FitOptions, left_out: Tensor) -> FittedNetwork:
    network, robust = run.network, options.loss != "poisson"
    output = options.objective(data).outputs(network, data.inputs)[0, :, 0]
    residual = data.target[:, 0] - output
    trust = robust_weight_share(residual, data.weights, options.loss) if robust else poisson_weights(output)
    variance = float((data.weights * trust * left_out.square()).sum() / data.weights.sum())
    parameters = network.architecture.parameters
    return FittedNetwork(
        network=network.describe(0, data.inputs, data.weights),
        output=output.cpu().numpy(),
        residual=residual.cpu().numpy(),
        left_out_residual=left_out.cpu().numpy(),
        robust_weight=(trust if robust else torch.ones_like(trust)).cpu().numpy(),
        edf=float(parameters),
        variance=variance,
        covariance=np.empty((0, 0)),
        at_bound=np.ones(parameters, dtype=bool),
        smoothing=run.smoothing[0].cpu().numpy(),
        history=run.history,
    )
