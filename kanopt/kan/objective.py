"""Objectives of the trainers: half a sum of squares, to which they add the penalty.

A trainer needs two things from an objective: the sum of squares at given parameters and the Gauss-Newton quantities
there. So the same trainer learns from rows in memory (:class:`LeastSquares`), from rows on disk, and from equations
the law has to satisfy (:mod:`kanopt.kan.informed`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
from torch import Tensor

from kanopt.kan.architecture import InputTensors
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch

CHUNK_BYTES = 8_000_000
"""Largest Jacobian held at once on a CPU: what stays in its cache."""
DEVICE_CHUNK_BYTES = 1_000_000_000
"""The same on a GPU, where large products keep all of it busy."""
ROWS = 1000
"""Rows that a chunk holds at least where a batch is cut into groups of networks: products of fewer are slow."""

Precision = Literal["double", "mixed"]


@dataclass(frozen=True)
class NormalEquations:
    """Gauss-Newton quantities at θ: `matrix` JᵀWJ (M, P, P), `vector` JᵀWr (M, P), `squares` rᵀWr (M,).

    r is target minus output, so that `vector` is a descent direction.
    """

    matrix: Tensor
    vector: Tensor
    squares: Tensor

    @classmethod
    def zero(cls, network: KANBatch, spread: Tensor | None = None) -> NormalEquations:
        """Return zeros of the right shapes, to accumulate in; see :meth:`spread`."""
        models, size, first = len(network), network.architecture.parameters, network.architecture.layers[0]
        size -= 0 if spread is None else (first.width - len(spread)) * first.subnodes
        new = network.theta.new_zeros
        return cls(new(models, size, size), new(models, size), new(models))

    def __mul__(self, factor: float) -> NormalEquations:
        return NormalEquations(factor * self.matrix, factor * self.vector, factor * self.squares)

    def spread(self, spread: Tensor, network: KANBatch) -> NormalEquations:
        """Return those of the coefficients of a network, given those of fewer functions of its inputs.

        See :class:`~kanopt.kan.architecture.InputBasis` for `spread`, (fewer, width).
        """

        def rows(parts: Tensor) -> Tensor:
            """Turn rows of coefficients of fewer functions, (M, fewer rows, k), into rows of all."""
            subnodes = network.architecture.layers[0].subnodes
            head, rest = parts[:, : len(spread) * subnodes], parts[:, len(spread) * subnodes :]
            head = spread.T @ head.reshape(len(parts), len(spread), -1)
            return torch.cat([head.reshape(len(parts), -1, parts.shape[2]), rest], dim=1)

        matrix, vector = rows(rows(self.matrix).mT.contiguous()), rows(self.vector.unsqueeze(-1)).squeeze(-1)
        if network.active is not None:
            matrix = matrix * (network.active.unsqueeze(1) & network.active.unsqueeze(2))
            vector = vector * network.active
        return NormalEquations(matrix, vector, self.squares)

    def put(self, index: Tensor, other: NormalEquations) -> NormalEquations:
        """Return a copy in which the networks at `index` are those of `other`."""
        return NormalEquations(
            self.matrix.index_copy(0, index, other.matrix),
            self.vector.index_copy(0, index, other.vector),
            self.squares.index_copy(0, index, other.squares),
        )


class Objective(Protocol):
    """A sum of squares over a batch of networks."""

    @property
    def inputs(self) -> InputTensors:
        """Rows over which the hidden ranges are refitted; a sample is enough."""
        ...

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Return the Gauss-Newton quantities at the parameters of `network`."""
        ...

    def squares(self, network: KANBatch) -> Tensor:
        """Return the weighted sum of squares of every network, shape (M,)."""
        ...

    def for_models(self, index: Tensor) -> Objective:
        """Return the objective of the networks at `index`."""
        ...


@dataclass(frozen=True)
class Data:
    """Rows to learn from: inputs, target (n, outputs), and row weights (n,) or, one set per network, (M, n)."""

    inputs: InputTensors
    target: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def chunks(self, rows: int) -> Iterator[Data]:
        """Split the rows into chunks."""
        for start in range(0, len(self), rows):
            yield self.rows(slice(start, start + rows))

    def row_groups(self) -> Tensor:
        """Return a group index per row, (n,): rows with equal inputs and targets are in the same group."""
        kind = torch.zeros(len(self), dtype=torch.int64, device=self.target.device)
        for column in (*self.inputs.numbers.T, *self.inputs.codes.T, *self.target.T):
            place = torch.unique(column, return_inverse=True)[1]
            kind = torch.unique(kind * (place.max() + 1) + place, return_inverse=True)[1]
        return kind

    def prepared(self, network: KANBatch) -> Data:
        """Return the rows with the basis functions of the network's inputs, see :meth:`KANBatch.prepare`."""
        return replace(self, inputs=network.prepare(self.inputs))

    def rows(self, index: slice | Tensor) -> Data:
        """Return some of the rows."""
        return Data(self.inputs.rows(index), self.target[index], self.weights[..., index])

    def drawn(self, rows: int, generator: torch.Generator) -> Data:
        """Return at most so many rows, drawn at random."""
        if len(self) <= rows:
            return self
        return self.rows(torch.randperm(len(self), generator=generator)[:rows].to(self.target.device))

    @property
    def mean_target(self) -> Tensor:
        """Weighted means of the targets, shape (outputs,), for weights of shape (n,)."""
        return (self.weights @ self.target) / self.weights.sum()


@dataclass(frozen=True)
class LeastSquares:
    """Σ_n w_n ‖y_n − g(f(x_n; θ))‖² over rows in memory.

    Parameters
    ----------
    data
        The rows.
    link
        g, from the output of the network to the target; None is the identity.
    precision
        ``"mixed"`` computes JᵀWJ in float32 and everything else in float64: the gradient stays exact, so that the
        optimum is the same and only the steps towards it differ (iterative refinement, Higham 2002, ch. 12).
    max_chunk_bytes
        Maximum size of the Jacobian in memory; 0 is :data:`CHUNK_BYTES` or :data:`DEVICE_CHUNK_BYTES`.
    """

    data: Data
    link: Link | None = None
    precision: Precision = "double"
    max_chunk_bytes: int = 0

    @property
    def chunk_bytes(self) -> int:
        """Maximum size of the Jacobian in memory, in bytes."""
        return self.max_chunk_bytes or (
            CHUNK_BYTES if self.data.target.device.type == "cpu" else DEVICE_CHUNK_BYTES
        )

    @property
    def inputs(self) -> InputTensors:
        """The inputs of all rows."""
        return self.data.inputs

    def for_models(self, index: Tensor) -> LeastSquares:
        """Return the objective with the weights of the networks at `index`."""
        if self.data.weights.ndim == 1:
            return self
        return replace(self, data=replace(self.data, weights=self.data.weights[index]))

    def chunks(self, network: KANBatch) -> Iterator[Data]:
        """Split the rows so that the Jacobian of a chunk fits into `chunk_bytes`."""
        values = len(network) * network.architecture.parameters * network.architecture.outputs
        return self.data.chunks(max(1, self.chunk_bytes // (8 * values)))

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Accumulate the Gauss-Newton quantities over chunks of rows, for a few networks at a time."""
        values = network.architecture.parameters * network.architecture.outputs
        together = max(1, self.chunk_bytes // (8 * values * min(len(self.data), ROWS)))
        if len(network) <= together:
            return self._accumulated(network)
        parts = [
            self.for_models(index)._accumulated(network.take(index))
            for index in torch.split(torch.arange(len(network), device=network.theta.device), together)
        ]
        return NormalEquations(
            torch.cat([part.matrix for part in parts]),
            torch.cat([part.vector for part in parts]),
            torch.cat([part.squares for part in parts]),
        )

    def _accumulated(self, network: KANBatch) -> NormalEquations:
        spread = self._spread(network)
        total = NormalEquations.zero(network, spread)
        for part in self.chunks(network):
            scale = part.weights.sqrt().unsqueeze(-1)
            short = None if spread is None or part.inputs.basis is None else part.inputs.basis.short
            output, jacobian = network.forward_and_jacobian(part.inputs, scale, short)
            if self.link is not None:
                jacobian *= self.link.slope(output).unsqueeze(-1)
                output = self.link(output)
            residual = ((part.target - output) * scale).flatten(1)
            jacobian = jacobian.flatten(1, 2)
            total.vector.add_((residual.unsqueeze(1) @ jacobian).squeeze(1))
            total.squares.add_(residual.square().sum(1))
            if self.precision == "mixed":
                single = jacobian.float()
                total.matrix.add_(single.transpose(1, 2) @ single)
            else:
                _add_gram(total.matrix, jacobian)
        return total if spread is None else total.spread(spread, network)

    def _spread(self, network: KANBatch) -> Tensor | None:
        """Return what makes the inputs' basis functions of fewer, where there are fewer; see :class:`InputBasis`.

        The products of a row's derivatives are most of the work, and grow with the square of their number.
        """
        basis, shape = self.data.inputs.basis, network.architecture
        known = basis is not None and basis.is_of(shape.grid_size, network.lower[0], network.upper[0])
        return basis.spread if basis is not None and known else None

    def squares(self, network: KANBatch) -> Tensor:
        """Return Σ w (y − g(f))² of every network, shape (M,)."""
        total = network.theta.new_zeros(len(network))
        widest = max(layer.width for layer in network.architecture.layers)
        for part in self.data.chunks(max(1, self.chunk_bytes // (16 * len(network) * widest))):
            error = part.target - self.outputs(network, part.inputs)
            total += (part.weights * error.square().sum(-1)).sum(1)
        return total

    def outputs(self, network: KANBatch, inputs: InputTensors) -> Tensor:
        """Return g(f(x)), shape (M, n, outputs), block by block of rows."""
        last = torch.cat([nodes[-1] for _, nodes in network.activation_blocks(inputs)], dim=1)
        output = last + network.offset.unsqueeze(1)
        return output if self.link is None else self.link(output)

    def residuals(self, network: KANBatch) -> Tensor:
        """Return y − g(f(x)) of all rows, shape (M, n, outputs)."""
        return self.data.target - self.outputs(network, self.inputs)

    def with_weights(self, weights: Tensor) -> LeastSquares:
        """Return the objective with other row weights."""
        return replace(self, data=replace(self.data, weights=weights))


@dataclass(frozen=True)
class QuadraticModel:
    """The quadratic expansion of a sum of squares about `network`, exact where the network is linear in θ.

    Examples
    --------
    >>> from kanopt.kan.architecture import Architecture
    >>> rows = InputTensors(torch.rand(50, 1, dtype=torch.float64), torch.zeros(50, 0, dtype=torch.int64))
    >>> shape, zero = Architecture(1, grid_size=2), torch.zeros(1, 1, dtype=torch.float64)
    >>> network = KANBatch(shape, torch.zeros(1, 5, dtype=torch.float64), (zero,), (zero + 1.0,), zero)
    >>> squares = LeastSquares(Data(rows, rows.numbers**2, torch.ones(50, dtype=torch.float64)))
    >>> expansion = QuadraticModel(network, squares.normal_equations(network), rows)
    >>> from dataclasses import replace
    >>> moved = replace(network, theta=network.theta + 1.0)
    >>> bool(torch.isclose(expansion.squares(moved), squares.squares(moved)))
    True
    """

    network: KANBatch
    centre: NormalEquations
    inputs: InputTensors

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Return the Gauss-Newton quantities at other parameters."""
        step = network.theta - self.network.theta
        pull = torch.matmul(self.centre.matrix, step.unsqueeze(-1)).squeeze(-1)
        squares = self.centre.squares + (step * (pull - 2.0 * self.centre.vector)).sum(1)
        return NormalEquations(self.centre.matrix, self.centre.vector - pull, squares.clamp(min=0.0))

    def squares(self, network: KANBatch) -> Tensor:
        """Return the sum of squares of every network, shape (M,)."""
        return self.normal_equations(network).squares

    def for_models(self, index: Tensor) -> QuadraticModel:
        """Return the expansions of the networks at `index`."""
        normal = self.centre
        picked = NormalEquations(normal.matrix[index], normal.vector[index], normal.squares[index])
        return QuadraticModel(self.network.take(index), picked, self.inputs)


def _add_gram(total: Tensor, jacobian: Tensor) -> None:
    """Add JᵀJ of every network to `total` (M, P, P) for Jacobians (M, n, P).

    numpy recognises the product of a matrix with its own transpose and computes one half of it (BLAS syrk), which takes
    half the time of a general product; PyTorch has no such function.
    """
    if total.device.type != "cpu":
        total.baddbmm_(jacobian.transpose(1, 2), jacobian)
        return
    for matrix, rows in zip(total.numpy(), jacobian.numpy(), strict=True):
        matrix += rows.T @ rows
