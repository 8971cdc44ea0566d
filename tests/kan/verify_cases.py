"""Small networks for the tests of the verifier."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from kanopt.kan.description import Layer, Network


def polynomial(lower: float, upper: float, powers: tuple[float, ...], grid_size: int = 4) -> np.ndarray:
    """Coefficients of p0 + p1 x + p2 x² + p3 x³ (Marsden's identity on uniform knots)."""
    step = (upper - lower) / grid_size
    t = lower + step * (np.arange(grid_size + 3) - 1.0)
    blossoms = (np.ones_like(t), t, t**2 - step**2 / 3.0, t**3 - t * step**2)
    return sum(power * blossom for power, blossom in zip(powers, blossoms, strict=False))


def layer(
    lower: float, upper: float, edges: list[list[tuple[float, ...]]], products: int = 0, grid_size: int = 4
):
    """A layer of polynomial edges, edges[input][sub-node]; all inputs share their range."""
    coefficients = np.array([[polynomial(lower, upper, edge, grid_size) for edge in row] for row in edges])
    ends = np.full(len(edges), lower), np.full(len(edges), upper)
    return Layer(*ends, coefficients, (), np.zeros(len(edges[0])), products=products)


def random_network(seed: int, wiggle: float = 0.3) -> Network:
    """A network of any of several shapes: deep, with products, cycles, tables."""
    rng = np.random.default_rng(seed)
    sizes = [(2, 3, 1), (3, 2, 2, 1), (2, 1), (1, 3, 1)][seed % 4]
    cycles, products = int(rng.integers(0, 2)), int(rng.integers(0, 2))
    tables = tuple(int(size) for size in rng.integers(1, 5, rng.integers(0, 3)))
    layers = []
    for depth, (before, after) in enumerate(pairwise(sizes)):
        grid_size = int(rng.integers(1, 9))
        made = products if depth == 0 else 0
        subnodes = after + min(made, after)
        trend = np.linspace(-1.0, 1.0, grid_size + 3) * rng.normal(size=(before, subnodes, 1))
        coefficients = trend + wiggle * rng.normal(size=(before, subnodes, grid_size + 3))
        reach = 1.0 + depth
        layers.append(
            Layer(
                np.full(before, -reach),
                np.full(before, reach),
                coefficients,
                tuple(rng.normal(size=(size, subnodes)) for size in tables) if depth == 0 else (),
                0.3 * rng.normal(size=subnodes),
                rng.normal(size=(cycles, subnodes, grid_size)) * wiggle if depth == 0 else None,
                min(made, after),
            )
        )
    return Network(tuple(layers))


def numbers_of(network: Network) -> int:
    return network.layers[0].inputs + len(network.layers[0].periodic)


def draw(network: Network, lower: np.ndarray, upper: np.ndarray, rows: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    share = rng.random((rows, len(lower)))
    share = np.where(rng.random(share.shape) < 0.15, np.round(share), share)
    codes = [rng.integers(0, len(table), rows) for table in network.layers[0].tables]
    return lower + share * (upper - lower), np.stack(codes, axis=1) if codes else np.zeros(
        (rows, 0), dtype=np.int64
    )
