"""Grid ranges of the hidden splines, which are adapted to the values of their nodes.

A node's range is the possible range of the sum of its incoming edges, but at most a tenth wider than the range of its
values. When the range no longer fits, the incoming edges are rescaled so that the node spans [0, 1] again (exact, since
B-splines sum to one), and the outgoing splines are refitted to the functions they were. A fixed span of the nodes also
makes the roughness penalty meaningful: otherwise a network could evade it by shrinking a node. The factors of a product
node are scaled to a maximum of one, and the range of the product is adapted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanopt.kan.architecture import InputTensors, LayerArchitecture
from kanopt.kan.basis import dense_basis, periodic_basis
from kanopt.kan.constraints import ConstrainedCoefficients
from kanopt.kan.network import KANBatch, by_kind

SLACK = 0.02
"""How far a range may be left, as a share of its span, before it is moved."""
BEYOND = 0.1
"""How far a range may reach beyond the values seen, as a share of their span."""
MARGIN = 0.01
"""Room left on either side of a range."""
FILLED = 0.8
"""Share of a range that must be filled."""


@dataclass(frozen=True)
class _Rescaled:
    """Rescaled edges: blocks of all layers, old value = shift + scale · new value, new ranges; (M, nodes)."""

    blocks: list[Tensor]
    shift: Tensor
    scale: Tensor
    lower: Tensor
    upper: Tensor


def refit_ranges(
    network: KANBatch,
    inputs: InputTensors,
    constraints: ConstrainedCoefficients | None = None,
    slack: float = SLACK,
) -> KANBatch | None:
    """Adapt the hidden ranges to the values of their nodes; None if they fit already.

    A node's range is changed when the suitable range exceeds the current one by more than `slack` of its span, or
    covers less than four fifths of it.
    """
    if not network.architecture.hidden:
        return None
    moved = None
    seen = _value_ranges(network, inputs)
    for layer in range(1, len(network.architecture.layers)):
        low, high = _suitable_range(network, layer, seen[layer - 1])
        lower, upper = network.lower[layer], network.upper[layer]
        span = upper - lower
        stale = (low < lower - slack * span) | (high > upper + slack * span) | (high - low < FILLED * span)
        stale &= seen[layer - 1][1] > seen[layer - 1][0]
        if bool(stale.any()):
            moved = network = _move_nodes(network, layer, stale, inputs, seen[layer - 1])
            seen = _value_ranges(network, inputs)
    if moved is not None and constraints is not None:
        moved = replace(moved, theta=constraints.project(moved.theta))
    return moved


def rescale_incoming(network: KANBatch, layer: int, inputs: InputTensors) -> KANBatch:
    """Return a network in which the values of every node before `layer` fill its range.

    The outgoing splines keep their coefficients, so that the function changes: this is for random starts.
    """
    every = torch.ones_like(network.lower[layer], dtype=torch.bool)
    fresh = _rescale(network, layer, every, inputs, _value_ranges(network, inputs)[layer - 1])
    lowers, uppers = list(network.lower), list(network.upper)
    lowers[layer], uppers[layer] = fresh.lower, fresh.upper
    return replace(network.with_blocks(fresh.blocks), lower=tuple(lowers), upper=tuple(uppers))


def _value_ranges(network: KANBatch, inputs: InputTensors) -> list[tuple[Tensor, Tensor]]:
    """Return the least and largest value of the nodes before every later layer, each (M, nodes)."""
    found: list[tuple[Tensor, Tensor]] = []
    for _, nodes in network.activation_blocks(inputs):
        ends = [(signal.amin(1), signal.amax(1)) for signal in nodes[:-1]]
        pairs = zip(found, ends, strict=True) if found else ((end, end) for end in ends)
        found = [(torch.minimum(a[0], b[0]), torch.maximum(a[1], b[1])) for a, b in pairs]
    return found


def _suitable_range(network: KANBatch, layer: int, seen: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the suitable range of every node before `layer`, (M, nodes) each; `seen` is the range of its values."""
    low, high = seen
    span = (high - low).clamp(min=1e-9)
    least, most = low - BEYOND * span, high + BEYOND * span
    sums = network.architecture.layers[layer - 1].sums
    if sums:
        reach = _sum_bounds(network, layer)
        least[:, :sums] = torch.maximum(least[:, :sums], torch.minimum(reach[0][:, :sums], low[:, :sums]))
        most[:, :sums] = torch.minimum(most[:, :sums], torch.maximum(reach[1][:, :sums], high[:, :sums]))
    return least - MARGIN * span, most + MARGIN * span


def _sum_bounds(network: KANBatch, layer: int) -> tuple[Tensor, Tensor]:
    """Return the smallest and largest possible sum of the edges into every sub-node before `layer`."""
    sizes, block = network.architecture.layers[layer - 1], network.blocks()[layer - 1]
    splines, cycles, tables = by_kind(sizes, block)
    points = torch.linspace(0.0, 1.0, 4 * sizes.basis_size, dtype=block.dtype, device=block.device)
    ends = (points.new_zeros(1), points.new_ones(1))
    curves = [
        dense_basis(points, *ends, sizes.grid_size) @ splines,
        periodic_basis(points, sizes.grid_size) @ cycles,
    ]
    least = sum((curve.amin(2).sum(1) for curve in curves), torch.zeros_like(block[:, 0]))
    most = sum((curve.amax(2).sum(1) for curve in curves), torch.zeros_like(block[:, 0]))
    for table in torch.split(tables, list(sizes.tables), dim=1) if sizes.tables else ():
        least, most = least + table.amin(1), most + table.amax(1)
    return least, most


def _rescale(
    network: KANBatch, layer: int, stale: Tensor, inputs: InputTensors, seen: tuple[Tensor, Tensor]
) -> _Rescaled:
    """Rescale the incoming edges of the `stale` nodes (M, nodes) before `layer`, whose values span `seen`."""
    sizes = network.architecture.layers[layer - 1]
    low, high = _suitable_range(network, layer, seen)
    shift, scale = low.clone(), high - low
    lower, upper = torch.zeros_like(low), torch.ones_like(low)
    blocks = [block.clone() for block in network.blocks()]
    moves, factors = torch.zeros_like(blocks[layer - 1][:, 0]), torch.ones_like(blocks[layer - 1][:, 0])
    sums = sizes.sums
    moves[:, :sums] = torch.where(stale[:, :sums], shift[:, :sums], moves[:, :sums])
    factors[:, :sums] = torch.where(stale[:, :sums], scale[:, :sums], factors[:, :sums])
    if sizes.products:
        largest = _largest_factors(network, layer, inputs)
        chosen = stale[:, sums:].repeat_interleave(2, dim=1)
        factors[:, sums:] = torch.where(chosen, largest, factors[:, sums:])
        shift[:, sums:] = 0.0
        scale[:, sums:] = torch.unflatten(largest, 1, (-1, 2)).prod(-1)
        lower[:, sums:] = low[:, sums:] / scale[:, sums:]
        upper[:, sums:] = high[:, sums:] / scale[:, sums:]
    share = _share(network, layer - 1, sizes)
    blocks[layer - 1] = (blocks[layer - 1] - moves.unsqueeze(1) * share) / factors.unsqueeze(1)
    return _Rescaled(
        blocks,
        shift=torch.where(stale, shift, torch.zeros_like(shift)),
        scale=torch.where(stale, scale, torch.ones_like(scale)),
        lower=torch.where(stale, lower, network.lower[layer]),
        upper=torch.where(stale, upper, network.upper[layer]),
    )


def _largest_factors(network: KANBatch, layer: int, inputs: InputTensors) -> Tensor:
    """Return the largest absolute value of every factor of the products before `layer`, (M, factors)."""
    sizes, block = network.architecture.layers[layer - 1], network.blocks()[layer - 1]
    largest = torch.full_like(block[:, 0, sizes.sums :], 1e-9)
    for part, nodes in network.activation_blocks(inputs):
        basis = (
            network.input_basis(part)
            if layer == 1
            else network.layer_basis(layer - 1, nodes[layer - 2], None)
        )
        factors = torch.matmul(basis, block[..., sizes.sums :])
        largest = torch.maximum(largest, factors.abs().amax(1))
    return largest


def _share(network: KANBatch, layer: int, sizes: LayerArchitecture) -> Tensor:
    """Return the fraction of a shift that every edge takes; all incoming edges of a node take the same."""
    arriving = len(sizes.widths)
    if network.active is None:
        return network.theta.new_full((1, 1, 1), 1.0 / arriving)
    active = network.split(network.active)[layer].to(network.theta.dtype)
    return active / active[:, list(sizes.firsts)].sum(1, keepdim=True).clamp(min=1.0)


def _move_nodes(
    network: KANBatch, layer: int, stale: Tensor, inputs: InputTensors, seen: tuple[Tensor, Tensor]
) -> KANBatch:
    """Rescale the incoming edges of the stale nodes before a layer and refit their outgoing splines."""
    fresh = _rescale(network, layer, stale, inputs, seen)
    sizes = network.architecture.layers[layer]
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
    return replace(network.with_blocks(fresh.blocks), lower=tuple(lowers), upper=tuple(uppers))
