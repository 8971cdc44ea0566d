"""The ranges of the hidden splines follow the values they meet.

When the values of a node leave its range, or fill too little of it, the edges that arrive are rescaled so that the
node spans [0, 1] again (exact, since B-splines sum to one), and the splines that leave are refitted to the function
they were. Keeping nodes at a fixed span is also what gives a roughness penalty its meaning: a network could
otherwise escape it by shrinking a node. The factors of a product node are scaled to a largest value of one, and the
range of the product moves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanopt.kan.basis import dense_basis
from kanopt.kan.constraints import Constraints
from kanopt.kan.network import KANBatch
from kanopt.kan.shape import Inputs, LayerShape

__all__ = ["refit_ranges", "rescale_incoming"]


@dataclass(frozen=True)
class _Rescaled:
    """Edges after rescaling: blocks of all layers, old value = shift + scale · new value, new ranges; (M, nodes)."""

    blocks: list[Tensor]
    shift: Tensor
    scale: Tensor
    lower: Tensor
    upper: Tensor


def refit_ranges(
    network: KANBatch, inputs: Inputs, constraints: Constraints | None = None
) -> KANBatch | None:
    """Bring the hidden ranges back over the values they meet; None where they fit already.

    A node is moved when its values leave the range by more than 2 % of it or fill less than 60 %. After the
    move they fill its middle 90 %.
    """
    moved = None
    for layer in range(1, len(network.shape.layers)):
        values = network.activations(inputs)[layer - 1]
        low, high = values.amin(1), values.amax(1)
        lower, upper = network.lower[layer], network.upper[layer]
        span = upper - lower
        stale = (low < lower - 0.02 * span) | (high > upper + 0.02 * span) | (high - low < 0.6 * span)
        stale &= high > low
        if bool(stale.any()):
            moved = network = _move_nodes(network, layer, stale, inputs)
    if moved is not None and constraints is not None:
        moved = replace(moved, theta=constraints.project(moved.theta))
    return moved


def rescale_incoming(network: KANBatch, layer: int, inputs: Inputs) -> KANBatch:
    """Return a network in which the values of every node before `layer` fill the middle of its range.

    The splines that leave the nodes keep their coefficients, so that the function changes: this is for starts.
    """
    every = torch.ones_like(network.lower[layer], dtype=torch.bool)
    fresh = _rescale(network, layer, every, inputs)
    lowers, uppers = list(network.lower), list(network.upper)
    lowers[layer], uppers[layer] = fresh.lower, fresh.upper
    theta = torch.cat([block.flatten(1) for block in fresh.blocks], dim=1)
    return replace(network, theta=theta, lower=tuple(lowers), upper=tuple(uppers))


def _rescale(network: KANBatch, layer: int, stale: Tensor, inputs: Inputs) -> _Rescaled:
    """Rescale the edges that arrive at the `stale` nodes (M, nodes) before `layer`."""
    sizes = network.shape.layers[layer - 1]
    signals = [inputs.numbers, *network.activations(inputs)]
    basis = network.layer_basis(layer - 1, signals[layer - 1], inputs.codes if layer == 1 else None)
    blocks = [block.clone() for block in network.blocks()]
    arrived = torch.matmul(basis, blocks[layer - 1])
    low, high = signals[layer].amin(1), signals[layer].amax(1)
    span = (high - low).clamp(min=1e-9)

    shift, scale = low - 0.05 * span, 1.1 * span
    lower, upper = torch.zeros_like(low), torch.ones_like(low)
    moves, factors = torch.zeros_like(arrived[:, 0]), torch.ones_like(arrived[:, 0])
    sums = sizes.sums
    moves[:, :sums] = torch.where(stale[:, :sums], shift[:, :sums], moves[:, :sums])
    factors[:, :sums] = torch.where(stale[:, :sums], scale[:, :sums], factors[:, :sums])
    if sizes.products:
        largest = arrived[..., sums:].abs().amax(1).clamp(min=1e-9)
        chosen = stale[:, sums:].repeat_interleave(2, dim=1)
        factors[:, sums:] = torch.where(chosen, largest, factors[:, sums:])
        shift[:, sums:] = 0.0
        scale[:, sums:] = torch.unflatten(largest, 1, (-1, 2)).prod(-1)
        lower[:, sums:] = ((low - 0.05 * span)[:, sums:]) / scale[:, sums:]
        upper[:, sums:] = ((high + 0.05 * span)[:, sums:]) / scale[:, sums:]
    share = _share(network, layer - 1, sizes)
    blocks[layer - 1] = (blocks[layer - 1] - moves.unsqueeze(1) * share) / factors.unsqueeze(1)
    return _Rescaled(
        blocks,
        shift=torch.where(stale, shift, torch.zeros_like(shift)),
        scale=torch.where(stale, scale, torch.ones_like(scale)),
        lower=torch.where(stale, lower, network.lower[layer]),
        upper=torch.where(stale, upper, network.upper[layer]),
    )


def _share(network: KANBatch, layer: int, sizes: LayerShape) -> Tensor:
    """Return which part of a shift every edge takes: all edges that arrive at a node take the same."""
    arriving = len(sizes.widths)
    if network.active is None:
        return network.theta.new_full((1, 1, 1), 1.0 / arriving)
    active = network.split(network.active)[layer].to(network.theta.dtype)
    return active / active[:, list(sizes.firsts)].sum(1, keepdim=True).clamp(min=1.0)


def _move_nodes(network: KANBatch, layer: int, stale: Tensor, inputs: Inputs) -> KANBatch:
    """Rescale the edges into the stale nodes before a layer and refit the splines that leave them."""
    fresh = _rescale(network, layer, stale, inputs)
    sizes = network.shape.layers[layer]
    lower, upper = network.lower[layer], network.upper[layer]
    points = torch.linspace(0.0, 1.0, 4 * sizes.basis_size, dtype=lower.dtype, device=lower.device)
    new = fresh.lower.unsqueeze(-1) + points * (fresh.upper - fresh.lower).unsqueeze(-1)
    old = fresh.shift.unsqueeze(-1) + new * fresh.scale.unsqueeze(-1)
    splines = torch.unflatten(fresh.blocks[layer], 1, (sizes.splines, sizes.basis_size))
    wanted = dense_basis(old, lower.unsqueeze(-1), upper.unsqueeze(-1), sizes.grid_size) @ splines
    zero, one = points.new_zeros(1), points.new_ones(1)
    solver = torch.linalg.pinv(dense_basis(points, zero, one, sizes.grid_size))
    refitted = torch.where(stale[..., None, None], solver @ wanted, splines)
    fresh.blocks[layer] = refitted.flatten(1, 2)

    lowers, uppers = list(network.lower), list(network.upper)
    lowers[layer], uppers[layer] = fresh.lower, fresh.upper
    theta = torch.cat([block.flatten(1) for block in fresh.blocks], dim=1)
    return replace(network, theta=theta, lower=tuple(lowers), upper=tuple(uppers))
