"""Random starts.

Every edge is initialised as a random line with a little curvature, and every hidden node spans its range. One start
of a deep network often ends in a poor local optimum; the best of several rarely does.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture, InputTensors, LayerArchitecture
from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.network import KANBatch
from kanopt.kan.ranges import rescale_incoming

__all__ = ["random_starts"]


def random_starts(
    shape: Architecture,
    models: int,
    inputs: InputTensors,
    bounds: tuple[Tensor, Tensor],
    offset: Tensor,
    generator: torch.Generator,
    wanted: ShapeConstraints | None = None,
) -> KANBatch:
    """Return `models` random networks.

    Parameters
    ----------
    inputs
        Rows that determine the hidden ranges.
    bounds
        Lower and upper ends of the numeric inputs, each of shape (numbers,).
    offset
        Constants added to the outputs, usually the means of the targets; shape (outputs,).
    generator
        Source of all randomness, on the CPU, so that starts do not depend on the device.
    wanted
        Shape constraints of the edges.

    Examples
    --------
    >>> numbers = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    >>> rows = InputTensors(numbers, torch.zeros(20, 0, dtype=torch.int64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> seven = torch.Generator().manual_seed(7)
    >>> batch = random_starts(Architecture(2, hidden=(3,)), 4, rows, bounds, torch.zeros(1, dtype=torch.float64), seven)
    >>> batch.forward(rows).shape
    torch.Size([4, 20, 1])
    """
    wanted = wanted or ShapeConstraints()
    blocks = [
        _random_block(layer, models, wanted.of_layer(index, layer.splines), generator)
        for index, layer in enumerate(shape.layers)
    ]
    theta = torch.cat([block.flatten(1) for block in blocks], dim=1).to(inputs.numbers.device)
    zero, one = torch.zeros_like(theta[:, :1]), torch.ones_like(theta[:, :1])
    lower = [bounds[0].unsqueeze(0), *(zero.expand(-1, layer.splines) for layer in shape.layers[1:])]
    upper = [bounds[1].unsqueeze(0), *(one.expand(-1, layer.splines) for layer in shape.layers[1:])]
    constant = offset.to(theta).expand(models, -1).clone()
    network = KANBatch(shape, theta, tuple(lower), tuple(upper), constant)
    for hidden in range(1, len(shape.layers)):
        network = rescale_incoming(network, hidden, inputs)
    if not shape.hidden:
        network = replace(network, theta=torch.zeros_like(theta))
    return network


def _random_block(
    layer: LayerArchitecture, models: int, shapes: list[tuple[int, int]], generator: torch.Generator
) -> Tensor:
    def normal(*size: int) -> Tensor:
        return torch.randn(*size, dtype=torch.float64, generator=generator)

    ramp = torch.linspace(-1.0, 1.0, layer.basis_size, dtype=torch.float64)[:, None]
    parts = []
    for sign, bend in shapes:
        slope, curve = normal(models, 1, layer.subnodes), 0.2 * normal(models, 1, layer.subnodes)
        if sign:
            slope, curve = sign * slope.abs(), torch.zeros_like(curve)
        elif bend:
            curve = bend * curve.abs()
        parts.append(slope * ramp + curve * ramp**2)
    turn = 2.0 * torch.pi * torch.arange(layer.grid_size, dtype=torch.float64)[:, None] / layer.grid_size
    for _ in range(layer.cycles):
        wave = normal(models, 1, layer.subnodes) * turn.sin() + normal(models, 1, layer.subnodes) * turn.cos()
        parts.append(0.7 * wave)
    parts += [0.5 * normal(models, size, layer.subnodes) for size in layer.tables]
    return torch.cat(parts, dim=1)
