"""Small networks, and claims about them decided for the formulas that they are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

from tests.cases.hand_networks import Layer, Network


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


@dataclass(frozen=True)
class Increasing:
    """The output never decreases in a number."""

    input: int


@dataclass(frozen=True)
class Decreasing:
    """The output never increases in a number."""

    input: int


@dataclass(frozen=True)
class Convex:
    """The output is convex jointly in some numbers."""

    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Concave:
    """The output is concave jointly in some numbers."""

    inputs: tuple[int, ...]


@dataclass(frozen=True)
class Bounded:
    """The output lies between two numbers."""

    low: float = -math.inf
    high: float = math.inf


Claim = Increasing | Decreasing | Convex | Concave | Bounded


@dataclass(frozen=True)
class Verdict:
    """What came of a claim; a witness has its numbers, shape (points, numbers), codes and values."""

    claim: Claim
    verdict: str
    boxes: int
    slack: float
    witness: SimpleNamespace | None

    @property
    def proved(self) -> bool:
        return self.verdict == "proved"

    @property
    def refuted(self) -> bool:
        return self.verdict == "refuted"


def decide(network: Network, claim: Claim, lower, upper, codes=None, budget: int = 50_000) -> Verdict:
    """Decide a claim about a network in a box, for some category codes or all."""
    formula = network.formula
    names = [variable.name for variable in formula.inputs]
    width = numbers_of(network)
    ranges = dict(
        zip(names, zip(np.ravel(lower).tolist(), np.ravel(upper).tolist(), strict=True), strict=False)
    )
    if codes is not None:
        ranges |= {
            name: [str(code) for code in known] for name, known in zip(names[width:], codes, strict=True)
        }
    facts = formula.prove(**_question(claim, names), ranges=ranges, boxes=budget).facts
    fact = next((fact for fact in facts if fact.verdict == "refuted"), None)
    fact = fact or next((fact for fact in facts if fact.verdict == "undecided"), None)
    verdict = fact.verdict if fact else "proved"
    boxes, slack = sum(each.boxes for each in facts), max((each.slack for each in facts), default=0.0)
    witness = None
    if fact and fact.witness:
        points = [point.inputs for point in fact.witness]
        numbers = np.array([[point[name] for name in names[:width]] for point in points])
        labels = np.array([int(points[0][name]) for name in names[width:]], dtype=np.int64)
        values = np.array([point.value for point in fact.witness])
        witness = SimpleNamespace(numbers=numbers.reshape(len(points), width), codes=labels, values=values)
    return Verdict(claim, verdict, boxes, slack, witness)


def _question(claim: Claim, names: list[str]) -> dict[str, Any]:
    match claim:
        case Increasing(place) | Decreasing(place):
            return {"monotone": {names[place]: 1 if isinstance(claim, Increasing) else -1}}
        case Convex(places) | Concave(places):
            asked = tuple(names[place] for place in places)
            return {"convex": {asked: 1 if isinstance(claim, Convex) else -1}}
    ends = {"low": claim.low, "high": claim.high}
    return {word: end for word, end in ends.items() if math.isfinite(end)}
