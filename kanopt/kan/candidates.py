"""Several shapes in one batch: smaller networks inside a larger one.

A batch has one shape, but coefficients can be absent (:attr:`KANBatch.active`). Networks of different widths are put
into one that holds them all, begun side by side, and taken out again with the nodes they have. On a GPU a batch of
shapes and starts costs hardly more than one network; on a CPU the absent coefficients cost their share of JᵀWJ.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from kanopt.kan.network import KANBatch
from kanopt.kan.pruning import shrunk
from kanopt.kan.shape import Shape

__all__ = ["embedded", "envelope", "separated", "stacked"]


def envelope(shapes: Sequence[Shape]) -> Shape:
    """Return the smallest shape that holds all of `shapes`, which differ in the widths of hidden layers alone.

    Raises
    ------
    ValueError
        For shapes of different depth, inputs, outputs or grids.

    Examples
    --------
    >>> envelope([Shape(2, hidden=(1,), products=(1,)), Shape(2, hidden=(3,))])
    Shape(numbers=2, cycles=0, categories=(), hidden=(4,), products=(1,), outputs=1, grid_size=5)
    """
    first = shapes[0]
    same = {replace(shape, hidden=(1,) * len(shape.hidden), products=()) for shape in shapes}
    if len(same) > 1:
        raise ValueError("shapes of one batch may differ in the widths of their hidden layers alone")
    hidden, products = [], []
    for layer in range(len(first.hidden)):
        sums = max(shape.layers[layer].sums for shape in shapes)
        multiplied = max(shape.layers[layer].products for shape in shapes)
        hidden.append(sums + multiplied)
        products.append(multiplied)
    return replace(first, hidden=tuple(hidden), products=tuple(products) if any(products) else ())


def embedded(network: KANBatch, larger: Shape) -> KANBatch:
    """Return the same functions as networks of a `larger` shape, what they lack being absent."""
    old, models = network.shape, len(network)
    theta, active, lower, upper = [], [], [network.lower[0]], [network.upper[0]]
    masks = torch.ones_like(network.theta, dtype=torch.bool) if network.active is None else network.active
    sources = torch.arange(old.layers[0].width, device=masks.device)
    pairs = zip(old.layers, larger.layers, network.blocks(), network.split(masks), strict=True)
    for index, (small, large, block, mask) in enumerate(pairs):
        targets = _subnodes(small.sums, small.products, large.sums, masks.device)
        place = (slice(None), sources.unsqueeze(1), targets)
        wide = block.new_zeros(models, large.width, large.subnodes)
        there = torch.zeros_like(wide, dtype=torch.bool)
        wide[place], there[place] = block, mask
        theta.append(wide.flatten(1))
        active.append(there.flatten(1))
        if index == len(larger.layers) - 1:
            break
        nodes = _nodes(small.sums, small.products, large.sums, masks.device)
        low, high = block.new_zeros(models, large.nodes), block.new_ones(models, large.nodes)
        low[:, nodes], high[:, nodes] = network.lower[index + 1], network.upper[index + 1]
        lower.append(low)
        upper.append(high)
        size = old.layers[index + 1].basis_size
        sources = (nodes.unsqueeze(1) * size + torch.arange(size, device=masks.device)).flatten()
    return KANBatch(
        larger,
        torch.cat(theta, dim=1),
        tuple(lower),
        tuple(upper),
        network.offset,
        torch.cat(active, dim=1),
    )


def stacked(networks: Sequence[KANBatch]) -> KANBatch:
    """Put batches of different shapes into one batch of their envelope, in order."""
    shape = envelope([network.shape for network in networks])
    wide = [embedded(network, shape) for network in networks]
    layers = range(1, len(shape.layers))
    return KANBatch(
        shape,
        torch.cat([network.theta for network in wide]),
        (wide[0].lower[0], *(torch.cat([network.lower[layer] for network in wide]) for layer in layers)),
        (wide[0].upper[0], *(torch.cat([network.upper[layer] for network in wide]) for layer in layers)),
        torch.cat([network.offset for network in wide]),
        torch.cat([network.active for network in wide if network.active is not None]),
    )


def separated(batch: KANBatch, sizes: Sequence[int]) -> list[KANBatch]:
    """Undo :func:`stacked`: return batches of `sizes` networks, each in the shape of its own nodes."""
    index = torch.arange(len(batch), device=batch.theta.device)
    parts = [batch.take(part) for part in torch.split(index, list(sizes))]
    return [_without_absent(shrunk(part)) for part in parts]


def _without_absent(network: KANBatch) -> KANBatch:
    """Forget a mask that is true everywhere."""
    whole = network.active is not None and bool(network.active.all())
    return replace(network, active=None) if whole else network


def _subnodes(sums: int, products: int, larger_sums: int, device: torch.device) -> Tensor:
    """Return the places of sub-nodes in a layer with more sums."""
    factors = larger_sums + torch.arange(2 * products, device=device)
    return torch.cat([torch.arange(sums, device=device), factors])


def _nodes(sums: int, products: int, larger_sums: int, device: torch.device) -> Tensor:
    """Return the places of nodes in a layer with more sums."""
    return torch.cat([torch.arange(sums, device=device), larger_sums + torch.arange(products, device=device)])
