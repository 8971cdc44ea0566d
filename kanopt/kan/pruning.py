"""Pruning: remove an edge or a node, and restore it if the score gets worse.

The mean of a removed edge is added to the other edges of its target, so that the node keeps its level (B-splines sum to
one: a constant can be added to any edge). All removals are tried at once, as one batch of networks that differ in their
masks, each trained for a few more steps; the best is kept if its cross-validation score does not rise, and the round is
repeated. Otherwise the network is unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture
from kanopt.kan.fit import retrain
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data
from kanopt.kan.training import FitOptions, TrainedBatch

STEPS = 8
"""Steps of Levenberg-Marquardt after an edge is gone."""
SLACK = 1e-3
"""A relative rise of the score that counts as none."""
MOST = 32
"""Largest batch of candidates."""
SKETCH_ROWS, SKETCH_STEPS, FINALISTS = 1_500, 3, 5
"""Rows and steps by which candidates are compared first, and how many of them are trained on all rows."""
BYTES = 2**28
"""What the matrices of a batch may take; a network trains with about eight of parameters × parameters numbers."""


@dataclass(frozen=True)
class EdgePlace:
    """The indices of an edge: layer, source among the layer's inputs, and target sub-node."""

    layer: int
    source: int
    subnode: int


def prune(run: TrainedBatch, data: Data, options: FitOptions) -> tuple[TrainedBatch, tuple[EdgePlace, ...]]:
    """Prune the single network of `run` while its score does not rise; return it with the removed edges.

    A removal that raises the score is rolled back; if all do, `run` itself is returned.
    """
    gone: list[EdgePlace] = []
    data = data.prepared(run.network)
    while True:
        candidates = _candidates(run.network, data)
        if not candidates:
            return run, tuple(gone)
        # The network as it is comes along, so that scores are compared on one scale.
        batch = [run.network, *(remove_edges(run.network, edges, data) for edges in candidates)]
        index = torch.zeros(len(batch), dtype=torch.int64, device=run.network.theta.device)
        stacked = replace(
            run.network.take(index),
            theta=torch.cat([one.theta for one in batch]),
            offset=torch.cat([one.offset for one in batch]),
            active=torch.cat([_active(one) for one in batch]),
        )
        tried = TrainedBatch(stacked, run.smoothing[index], run.score, run.history)
        kept = _finalists(tried, data, options)
        tried = replace(tried, network=stacked.take(kept), smoothing=tried.smoothing[kept])
        tried = retrain(tried, data, options, STEPS)
        best = 1 + int(tried.score[1:].argmin())
        if not float(tried.score[best]) <= float(tried.score[0]) * (1.0 + SLACK):
            return run, tuple(gone)
        place = torch.tensor([best], device=index.device)
        run = TrainedBatch(
            tried.network.take(place), tried.smoothing[place], tried.score[place], tried.history
        )
        gone += candidates[int(kept[best]) - 1]


def _finalists(tried: TrainedBatch, data: Data, options: FitOptions) -> Tensor:
    """Return the indices of the first network of a batch, and of the best others after a few steps on some rows."""
    every = torch.arange(len(tried.network), device=data.target.device)
    if len(every) <= 1 + FINALISTS or len(data) <= SKETCH_ROWS:
        return every
    rows = data.drawn(SKETCH_ROWS, torch.Generator().manual_seed(0))
    sketch = retrain(tried, rows, options, SKETCH_STEPS)
    return torch.cat([every[:1], 1 + sketch.score[1:].argsort()[:FINALISTS]])


def remove_edges(network: KANBatch, edges: tuple[EdgePlace, ...], data: Data) -> KANBatch:
    """Return the single network without `edges`; their means over the rows are added to edges of the same targets."""
    active = _active(network).clone()
    masks = network.split(active)
    blocks = [block.clone() for block in network.blocks()]
    offset = network.offset.clone()
    means = network.basis_means(data.inputs)
    for edge in edges:
        layer = network.architecture.layers[edge.layer]
        block, mask = blocks[edge.layer][0, :, edge.subnode], masks[edge.layer][0, :, edge.subnode]
        rows = slice(layer.firsts[edge.source], layer.firsts[edge.source] + layer.widths[edge.source])
        mean = means[edge.layer][0, rows] @ block[rows]
        mask[rows], block[rows] = False, 0.0
        if bool(mask.any()):
            beside = int(mask[list(layer.firsts)].sum())
            block += mask * mean / beside
        elif edge.layer == len(network.architecture.layers) - 1:
            offset[0, edge.subnode] += mean
    mask = torch.cat([part.flatten(1) for part in masks], dim=1)
    return replace(network.with_blocks(blocks), offset=offset, active=mask)


def remove_dead_nodes(network: KANBatch) -> KANBatch:
    """Return the same function as a network without hidden nodes that have no outgoing edges."""
    for index in reversed(range(len(network.architecture.hidden))):
        kept = [node for node, leaving in enumerate(_edges_of(network)[index + 1]) if any(leaving)]
        if len(kept) < network.architecture.hidden[index] and len(kept) > 0:
            network = _select_nodes(network, index, kept)
    return network


def _active(network: KANBatch) -> Tensor:
    return torch.ones_like(network.theta, dtype=torch.bool) if network.active is None else network.active


def _edges_of(network: KANBatch) -> list[list[list[bool]]]:
    """Return for every layer, source and sub-node whether there is an edge."""
    result = []
    for layer, mask in zip(network.architecture.layers, network.split(_active(network)), strict=True):
        result.append(mask[0, list(layer.firsts)].tolist())
    return result


def _candidates(network: KANBatch, data: Data) -> list[tuple[EdgePlace, ...]]:
    """Return the candidates for removal: hidden sum nodes, and single edges with the smallest spread first."""
    present = _edges_of(network)
    bases = network.forward_pass(data.inputs).bases
    found: list[tuple[float, tuple[EdgePlace, ...]]] = []
    for index, (layer, block) in enumerate(zip(network.architecture.layers, network.blocks(), strict=True)):
        basis = bases[index].flatten(0, -2)
        # A factor without edges would be zero, and with it the product; a sum may lose all but one.
        for source, start in enumerate(layer.firsts):
            rows = slice(start, start + layer.widths[source])
            spread = (basis[:, rows] @ block[0, rows]).std(0)
            for subnode in range(layer.subnodes):
                entering = sum(row[subnode] for row in present[index])
                if present[index][source][subnode] and entering > 1:
                    total = (basis @ block[0, :, subnode]).std() + 1e-300
                    found.append((float(spread[subnode] / total), (EdgePlace(index, source, subnode),)))
    for index, width in enumerate(network.architecture.hidden):
        found += _nodes(network.architecture, present, index) if width > 1 else []
    found.sort(key=lambda item: item[0])
    most = max(1, min(MOST, BYTES // (8 * 8 * network.architecture.parameters**2) - 1))
    # Nodes come first, but must not keep all edges from being tried.
    nodes = [edges for spread, edges in found if spread < 0.0][: (most + 1) // 2]
    single = [edges for spread, edges in found if spread >= 0.0]
    return [*nodes, *single][:most]


def _nodes(
    shape: Architecture, present: list[list[list[bool]]], index: int
) -> list[tuple[float, tuple[EdgePlace, ...]]]:
    """Return the incoming and outgoing edges of every sum node of a hidden layer."""
    found = []
    for node in range(shape.layers[index].sums):
        entering = [EdgePlace(index, s, node) for s, row in enumerate(present[index]) if row[node]]
        leaving = [EdgePlace(index + 1, node, t) for t, edge in enumerate(present[index + 1][node]) if edge]
        others = [sum(row[edge.subnode] for row in present[index + 1]) for edge in leaving]
        if leaving and all(count > 1 for count in others):
            found.append((-1.0, (*leaving, *entering)))
    return found


def _select_nodes(network: KANBatch, index: int, kept: list[int]) -> KANBatch:
    """Keep the nodes `kept` of one hidden layer."""
    shape = network.architecture
    layer, after = shape.layers[index : index + 2]
    sums = [node for node in kept if node < layer.sums]
    products = [node - layer.sums for node in kept if node >= layer.sums]
    subnodes = [*sums, *(layer.sums + 2 * p + side for p in products for side in (0, 1))]
    hidden, counts = list(shape.hidden), list(shape.products or (0,) * len(shape.hidden))
    hidden[index], counts[index] = len(kept), len(products)
    smaller = replace(shape, hidden=tuple(hidden), products=tuple(counts))
    rows = [node * after.basis_size + k for node in kept for k in range(after.basis_size)]

    def chosen(vectors: Tensor) -> Tensor:
        blocks = network.split(vectors)
        blocks[index] = blocks[index][:, :, subnodes]
        blocks[index + 1] = blocks[index + 1][:, rows]
        return torch.cat([block.flatten(1) for block in blocks], dim=1)

    lower, upper = list(network.lower), list(network.upper)
    lower[index + 1], upper[index + 1] = lower[index + 1][:, kept], upper[index + 1][:, kept]
    return replace(
        network,
        architecture=smaller,
        theta=chosen(network.theta),
        lower=tuple(lower),
        upper=tuple(upper),
        active=None if network.active is None else chosen(network.active),
    )
