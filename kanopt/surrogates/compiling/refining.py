"""Training a compiled network on rows: every edge may leave the prior, and is drawn back to it.

With θ₀ the coefficients of the compiled network, and D the size of what arrives at the sub-node that a coefficient
feeds, θ = θ₀ + D φ, and what is minimised is

    ‖y − f(θ)‖²_W + Σ_g (λ_g φᵀ S_g φ + ρ_g φᵀ φ),

S_g being the roughness of the group of edges g (:class:`kanopt.kan.penalty.Penalty`): a departure is small, and smooth.
Gauss-Newton steps and weights take turns; the weights follow the evidence by the fixed point of Wood and Fasiolo (2017,
Biometrics 73, eq. 7), in the directions in which all penalties are diagonal,

    λ_g ← λ_g σ² [tr(P⁻¹ S_g) − tr((H + P)⁻¹ S_g)] / φᵀ S_g φ,        P = Σ_g (λ_g S_g + ρ_g I),

and alike for ρ_g. Where the rows say nothing of an edge, or of a stretch of it, it stays where the prior has it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanopt.kan.architecture import Architecture, InputTensors
from kanopt.kan.description import Layer, Network
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.penalty import Penalty
from kanopt.surrogates.monitor import FitMonitor

__all__ = ["Refined", "batch_of", "refined"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

TURNS, HALVINGS = 60, 8
"""Steps at most, and how often one is halved."""
STRONG = 1.0
"""Weights at the beginning, per row: a departure as large as what it changes costs as much as an error of one."""
LEAST, MOST = 1e-9, 1e6
"""Weights per row are kept between these."""
SETTLED = 1e-5
"""Change of the fit, as a share of its spread, below which the turns end."""


@dataclass(frozen=True, eq=False)
class Refined:
    """A compiled network after training.

    Attributes
    ----------
    network
        The network, its edges centred over the rows.
    output, left_out
        What it gives for every row, and would give had the row been left out, by the leverage; (n,).
    edf
        Effective number of parameters by which it departs from the prior.
    """

    network: Network
    output: Floats
    left_out: Floats
    edf: float


def batch_of(network: Network) -> KANBatch:
    """Return the network as one that can be trained: what has no edge gets none.

    Raises
    ------
    ValueError
        Where grids differ from layer to layer.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> from kanopt.surrogates.compiling import compile_formula
    >>> law = parse_formula("x * (1 + y)", [Variable(name, low=0, high=2) for name in "xy"], Variable("z"))
    >>> network = compile_formula(law).network
    >>> points = np.array([[0.5, 1.0], [2.0, 0.3]])
    >>> rows = InputTensors(torch.tensor(points), torch.zeros(2, 0, dtype=torch.int64))
    >>> bool(np.allclose(batch_of(network).forward(rows)[0, :, 0], network(points)))
    True
    """
    layers = network.layers
    if len({layer.grid_size for layer in layers}) > 1:
        raise ValueError("the grids of the layers differ")
    first = layers[0]
    shape = Architecture(
        first.inputs,
        cycles=len(first.periodic),
        categories=tuple(len(table) for table in first.tables),
        hidden=network.hidden,
        products=tuple(layer.products for layer in layers[:-1]),
        outputs=layers[-1].outputs,
        grid_size=first.grid_size,
    )
    parts = [_block(layer, last=layer is layers[-1]) for layer in layers]
    theta = torch.tensor(np.concatenate([block.ravel() for block, _ in parts]))
    active = torch.tensor(np.concatenate([there.ravel() for _, there in parts]))
    return KANBatch(
        shape,
        theta.unsqueeze(0),
        tuple(torch.tensor(layer.lower).unsqueeze(0) for layer in layers),
        tuple(torch.tensor(layer.upper).unsqueeze(0) for layer in layers),
        torch.tensor(layers[-1].bias).unsqueeze(0),
        active.unsqueeze(0),
    )


def _block(layer: Layer, last: bool) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the coefficients of a layer (width, subnodes), biases within them, and which there are."""
    edges = [*layer.coefficients.transpose(0, 2, 1), *layer.periodic.transpose(0, 2, 1), *layer.tables]
    blocks, there = [], []
    waiting = np.zeros(layer.subnodes) if last else np.array(layer.bias)
    for edge in edges:
        used = edge.any(axis=0)
        # splines, and the entries of a table, add up to one: a bias can be part of any edge that arrives
        blocks.append(edge + np.where(used, waiting, 0.0))
        there.append(np.tile(used, (len(edge), 1)))
        waiting = np.where(used, 0.0, waiting)
    return np.vstack(blocks), np.vstack(there)


def refined(
    network: Network,
    rows: tuple[Floats, Integers],
    target: Floats,
    weights: Floats,
    watch: FitMonitor | None = None,
) -> Refined:
    """Train a network on rows, drawn to where it stands.

    Parameters
    ----------
    network
        The compiled prior.
    rows
        Encoded numbers (n, numbers) and codes (n, categories).
    target, weights
        What it should give, and how many rows each stands for; (n,).
    watch
        Is told of every step, and says when to stop.
    """
    mean = float(np.average(target, weights=weights))
    unit = float(np.sqrt(np.average((target - mean) ** 2, weights=weights))) or 1.0
    prior = batch_of(_scaled(network, 1.0 / unit))
    inputs = InputTensors(torch.tensor(rows[0]), torch.tensor(rows[1]))
    data = Data(inputs, torch.tensor(target[:, None] / unit), torch.tensor(weights))
    descent = _Descent(prior, data)
    before = descent.output()
    for turn in range(TURNS):
        descent.step()
        descent.reweigh()
        output = descent.output()
        moved = float((output - before).square().mean().sqrt())
        before = output
        stop = watch is not None and watch(turn, torch.tensor([descent.loss]))
        if stop or (turn > 2 and moved < SETTLED):
            break
    leverage, edf = descent.leverage()
    output = before[0, :, 0]
    left_out = data.target[:, 0] - (data.target[:, 0] - output) / (1.0 - leverage)
    described = descent.network.describe(0, inputs, data.weights)
    return Refined(_scaled(described, unit), unit * output.numpy(), unit * left_out.numpy(), edf)


class _Descent:
    """Where the training is: the network, the weights, and the Gauss-Newton model at it."""

    def __init__(self, prior: KANBatch, data: Data) -> None:
        self.network = self.prior = prior
        self.objective = LeastSquares(data)
        self.rows = float(data.weights.sum())
        penalty = Penalty.of(prior.architecture)
        assert prior.active is not None
        active = prior.active[0]
        # a direction belongs to one edge, and is there where the edge is
        kept = (penalty.vectors.abs().T @ active.to(torch.float64)) > 0
        self.turn = penalty.vectors[:, kept] * _sizes(prior, data).unsqueeze(1)
        self.values, self.group = penalty.values[kept], penalty.group[kept]
        self.member = torch.nn.functional.one_hot(self.group, penalty.groups).to(torch.float64)
        self.rough, self.ridge = (
            torch.full((penalty.groups,), STRONG * self.rows).double() for _ in range(2)
        )
        self.phi = self.turn.new_zeros(int(kept.sum()))
        self._look()

    @property
    def held(self) -> Tensor:
        """The penalty on φ in its directions."""
        return self.rough[self.group] * self.values + self.ridge[self.group]

    def _look(self) -> None:
        """Work out the Gauss-Newton model."""
        normal = self.objective.normal_equations(self.network)
        self.matrix = self.turn.T @ normal.matrix[0] @ self.turn
        self.vector = self.turn.T @ normal.vector[0]
        self.squares = float(normal.squares[0])

    @property
    def loss(self) -> float:
        """Squares and penalty."""
        return self.squares + float((self.held * self.phi.square()).sum())

    def _placed(self, phi: Tensor) -> KANBatch:
        return replace(self.prior, theta=self.prior.theta + (self.turn @ phi).unsqueeze(0))

    def step(self) -> None:
        """Take one step, halved until the loss falls."""
        held, loss = self.held, self.loss
        move = torch.linalg.solve(self.matrix + torch.diag(held), self.vector - held * self.phi)
        for _ in range(HALVINGS):
            phi = self.phi + move
            network = self._placed(phi)
            squares = float(self.objective.squares(network)[0])
            if squares + float((held * phi.square()).sum()) <= loss:
                self.phi, self.network = phi, network
                self._look()
                return
            move = 0.5 * move

    def reweigh(self) -> None:
        """Take one step towards the weights of largest evidence."""
        held = self.held
        spread = torch.linalg.inv(self.matrix + torch.diag(held)).diagonal()
        edf = float((1.0 - held * spread).sum())
        variance = self.squares / max(self.rows - edf, 1.0)
        free = (1.0 / held - spread).clamp(min=0.0)
        tiny = torch.finfo(torch.float64).tiny
        for weight, size in ((self.rough, self.values), (self.ridge, torch.ones_like(self.values))):
            known = (free * size) @ self.member
            bent = (self.phi.square() * size) @ self.member
            weight *= (variance * known / (bent + tiny)).clamp(0.1, 10.0)
            weight.clamp_(LEAST * self.rows, MOST * self.rows)

    def output(self) -> Tensor:
        """Return what the network gives for the rows, (1, n, 1)."""
        return self.objective.outputs(self.network, self.objective.inputs)

    def leverage(self) -> tuple[Tensor, float]:
        """Return the leverage of every row, (n,), and the effective number of parameters."""
        inverse = torch.linalg.inv(self.matrix + torch.diag(self.held))
        parts = []
        for part in self.objective.chunks(self.network):
            _, jacobian = self.network.forward_and_jacobian(part.inputs)
            rows = jacobian[0, :, 0] @ self.turn
            parts.append(part.weights * ((rows @ inverse) * rows).sum(-1))
        edf = float((1.0 - self.held * inverse.diagonal()).sum())
        return torch.cat(parts).clamp(max=0.99), edf


def _sizes(network: KANBatch, data: Data) -> Tensor:
    """Return for every coefficient the root mean square of what arrives at the sub-node it feeds, (parameters,)."""
    parts = []
    signals = [data.inputs.numbers, *network.activations(data.inputs)[:-1]]
    for place, (sizes, block) in enumerate(zip(network.architecture.layers, network.blocks(), strict=True)):
        basis = network.layer_basis(place, signals[place], data.inputs.codes if place == 0 else None)
        arrived = torch.matmul(basis, block)[0]
        if place == len(signals) - 1:
            arrived = arrived + network.offset
        size = arrived.square().mean(0).sqrt()
        size = torch.where(size > 0, size, torch.ones_like(size))
        parts.append(size.expand(sizes.width, -1).flatten())
    return torch.cat(parts)


def _scaled(network: Network, factor: float) -> Network:
    """Return a network of `factor` times the output."""
    last = network.layers[-1]
    fresh = replace(
        last,
        coefficients=last.coefficients * factor,
        tables=tuple(table * factor for table in last.tables),
        cycles=last.periodic * factor,
        bias=last.bias * factor,
    )
    return Network((*network.layers[:-1], fresh))
