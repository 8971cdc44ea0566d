"""Random starts.

Every edge starts as a random line with a little curvature, and every hidden node spans its range. One start
of a deep network often ends in a poor optimum; the best of several rarely does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from kanopt.kan.network import Inputs, KANBatch, LayerShape, Shape
from kanopt.kan.trainer import rescale_incoming

__all__ = ["random_starts"]


def random_starts(
    shape: Shape,
    models: int,
    inputs: Inputs,
    bounds: tuple[Tensor, Tensor],
    offset: float,
    generator: torch.Generator,
    signs: Sequence[int] = (),
) -> KANBatch:
    """Return `models` random networks.

    Parameters
    ----------
    inputs
        Rows that decide the hidden ranges.
    bounds
        Lower and upper ends of the numeric features, each of shape (numbers,).
    offset
        Constant added to the output, usually the mean of the target.
    generator
        Source of all randomness, on the CPU, so that every device starts alike.
    signs
        One sign (−1, 0, +1) per numeric feature, or nothing.

    Examples
    --------
    >>> numbers = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    >>> rows = Inputs(numbers, torch.zeros(20, 0, dtype=torch.int64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> batch = random_starts(Shape(2, hidden=(3,)), 4, rows, bounds, 0.0, torch.Generator().manual_seed(7))
    >>> batch.forward(rows).shape
    torch.Size([4, 20])
    """
    device = inputs.numbers.device
    signed = any(signs)
    blocks = []
    for index, layer in enumerate(shape.layers):
        layer_signs = list(signs) if index == 0 and signed else [1 if signed else 0] * layer.splines
        blocks.append(_random_block(layer, models, layer_signs, generator))
    theta = torch.cat([block.flatten(1) for block in blocks], dim=1).to(device)
    zero, one = torch.zeros_like(theta[:, :1]), torch.ones_like(theta[:, :1])
    lower = [bounds[0].unsqueeze(0), *(zero.expand(-1, layer.splines) for layer in shape.layers[1:])]
    upper = [bounds[1].unsqueeze(0), *(one.expand(-1, layer.splines) for layer in shape.layers[1:])]
    constant = torch.full_like(theta[:, 0], offset)
    network = KANBatch(shape, theta, tuple(lower), tuple(upper), constant)
    for hidden in range(1, len(shape.layers)):
        values = network.activations(inputs)[hidden - 1]
        seen = (values.amin(1), values.amax(1))
        every = torch.ones_like(seen[0], dtype=torch.bool)
        rescaled, _, _ = rescale_incoming(network, hidden, every, seen)
        network = replace(network, theta=torch.cat([block.flatten(1) for block in rescaled], dim=1))
    return network


def _random_block(layer: LayerShape, models: int, signs: Sequence[int], generator: torch.Generator) -> Tensor:
    def normal(*size: int) -> Tensor:
        return torch.randn(*size, dtype=torch.float64, generator=generator)

    ramp = torch.linspace(-1.0, 1.0, layer.basis_size, dtype=torch.float64)[:, None]
    parts = []
    for sign in signs:
        slope, bend = normal(models, 1, layer.outputs), 0.2 * normal(models, 1, layer.outputs)
        if sign != 0:
            slope, bend = sign * slope.abs(), torch.zeros_like(bend)
        parts.append(slope * ramp + bend * ramp**2)
    parts += [0.5 * normal(models, size, layer.outputs) for size in layer.tables]
    return torch.cat(parts, dim=1)
