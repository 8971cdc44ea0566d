"""A fit of a network too large for second-order training, see :mod:`kanopt.kan.first_order`.

There is no matrix here from which a smoothing weight, a leverage or a standard error could be had. Smoothing is chosen
on rows held out: networks that differ in it alone are trained as one batch, and the best goes on with all rows. The
residuals of rows left out are those of the training rows, enlarged as those of the held-out rows were.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from kanopt.kan.first_order import LARGE, FirstOrderOptions, train_network
from kanopt.kan.fit import FitOptions, Run
from kanopt.kan.fitted import Fitted
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data
from kanopt.kan.robust import robust_weights
from kanopt.kan.shape import Shape
from kanopt.kan.starts import random_starts

__all__ = ["fit_large", "is_large"]

SMOOTHINGS = (1e-8, 1e-6, 1e-4)
"""Smoothing weights tried."""
RIDGE = 1e-9
HELD_OUT = 0.2
"""Share of the rows held out."""
STEPS = 60
"""Steps, or passes over the rows, on the rows not held out; then as many on all."""


def is_large(shape: Shape) -> bool:
    """Whether a shape is beyond second-order training."""
    return shape.parameters > LARGE


def fit_large(
    shape: Shape,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
) -> tuple[Run, Fitted]:
    """Train one network of a large shape; the best there is to say of it.

    Parameters
    ----------
    shape
        Sizes; with one output.
    data, bounds, generator, options
        As for :func:`kanopt.kan.fit.fit_starts`. The loss is squared.
    """
    weights = data.weights
    offset = (weights @ data.target) / weights.sum()
    offset = offset if options.link is None else options.link.inverse(offset)
    network = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.wanted)
    levels = SMOOTHINGS if options.smoothing is None else (options.smoothing,)
    first = torch.zeros(len(levels), dtype=torch.int64, device=network.theta.device)
    network = network.take(first)
    groups = len(shape.layers) - 1 + shape.numbers + shape.cycles + len(shape.categories)
    smoothing = network.theta.new_tensor(levels).unsqueeze(1).repeat(1, groups + 1)
    smoothing[:, -1] = RIDGE

    order = torch.randperm(len(data), generator=generator).to(weights.device)
    count = max(1, round(HELD_OUT * len(data)))
    kept, held = data.rows(order[count:]), data.rows(order[:count])
    steps = FirstOrderOptions(
        iterations=STEPS, single=options.precision == "mixed", watch=options.trainer.watch
    )
    network, _ = train_network(
        network, options.objective(kept), smoothing, first_order=steps, wanted=options.wanted
    )
    missed = options.objective(held).squares(network) / held.weights.sum()
    seen = options.objective(kept).squares(network) / kept.weights.sum()
    best = missed.argmin().reshape(1)
    growth = float((missed[best] / seen[best].clamp(min=torch.finfo(seen.dtype).tiny)).sqrt().clamp(min=1.0))
    chosen, weight = network.take(best), smoothing[best]
    steps = replace(steps, looks=0)
    chosen, history = train_network(
        chosen, options.objective(data), weight, first_order=steps, wanted=options.wanted
    )
    run = Run(chosen, weight, missed[best], history)
    return run, _described(run, data, options, growth)


def _described(run: Run, data: Data, options: FitOptions, growth: float) -> Fitted:
    network: KANBatch = run.network
    output = options.objective(data).outputs(network, data.inputs)[0, :, 0]
    residual = data.target[:, 0] - output
    trust = robust_weights(residual, data.weights, options.loss) / data.weights
    variance = float((data.weights * (growth * residual).square()).sum() / data.weights.sum())
    parameters = network.shape.parameters
    return Fitted(
        network=network.describe(0, data.inputs),
        output=output.cpu().numpy(),
        residual=residual.cpu().numpy(),
        left_out=(growth * residual).cpu().numpy(),
        trust=trust.cpu().numpy(),
        edf=float(parameters),
        variance=variance,
        covariance=np.empty((0, 0)),
        at_bound=np.ones(parameters, dtype=bool),
        smoothing=run.smoothing[0].cpu().numpy(),
        history=run.history,
    )
