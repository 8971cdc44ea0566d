"""A batch of Kolmogorov-Arnold networks that are trained in parallel.

A Kolmogorov-Arnold network (Liu et al. 2024, arXiv:2404.19756, eq. 2.3-2.6) has no weights on its nodes: the
edge from node i to node j carries a learned function of one variable, and a node sums its incoming edges,

    x[l+1, j] = Σ_i  f[l, i, j](x[l, i]),      f[l, i, j](x) = Σ_k  c[l, i, k, j] · B_k(x).

Here every f is a cubic spline, a periodic one where the input is periodic; a categorical input of the first layer
has a table instead, one value per category. A batch holds M networks of one architecture along a leading axis, so that
several starts, or several smoothing weights, cost one set of batched matrix products.

**The Jacobian is cheap.** With s[l, j] = ∂output / ∂x[l, j], carried backwards from s[L] = 1,

    ∂output / ∂c[l, i, k, j] = s[l+1, j] · B_k(x[l, i]),
    s[l, i] = Σ_k B′_k(x[l, i]) · (Σ_j c[l, i, k, j] · s[l+1, j]),

both products of intermediate results of the forward pass. The two sums are ordered so that no tensor of size
rows × inputs × outputs × grid is formed; the Jacobian itself exists for one chunk of rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from kanopt.kan.basis import dense_basis, periodic_basis, refine, refine_periodic

__all__ = ["Architecture", "InputTensors", "KANBatch", "LayerArchitecture"]


# The architecture of a network, layer by layer, and the rows it reads as tensors.

LARGE = 2_000
"""Parameters past which a matrix of their square is too much: such networks are trained by the gradient alone."""


@dataclass(frozen=True)
class InputBasis:
    """Basis functions of the first layer, computed once for all steps of a training run.

    Attributes
    ----------
    values
        Shape (n, width).
    grid_size, lower, upper
        Grid of the splines that they belong to.
    """

    values: Tensor
    grid_size: int
    lower: Tensor
    upper: Tensor

    def is_of(self, grid_size: int, lower: Tensor, upper: Tensor) -> bool:
        """Whether the values are those of a network with this grid."""
        return self.grid_size == grid_size and all(
            mine is given or (mine.dtype == given.dtype and torch.equal(mine, given))
            for mine, given in ((self.lower, lower), (self.upper, upper))
        )

    def rows(self, index: slice | Tensor) -> InputBasis:
        """Return the rows at `index`."""
        return replace(self, values=self.values[index])


@dataclass(frozen=True)
class InputTensors:
    """Rows of a table as tensors.

    Attributes
    ----------
    numbers
        Shape (n, splines + cycles), of float64: the numeric inputs, and after them the periodic ones, in periods.
    codes
        Shape (n, tables), of int64: the categorical inputs.
    basis
        Basis functions of the first layer where they have been computed, see :meth:`KANBatch.prepare`.
    """

    numbers: Tensor
    codes: Tensor
    basis: InputBasis | None = None

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def rows(self, index: slice | Tensor) -> InputTensors:
        """Return the rows at `index`."""
        return InputTensors(self.numbers[index], self.codes[index], self.basis and self.basis.rows(index))


@dataclass(frozen=True)
class LayerArchitecture:
    """Sizes of one layer.

    Parameters
    ----------
    splines, cycles, tables
        Inputs of the layer: numbers of cubic and of periodic cubic splines, and the size of every table of categories.
    nodes
        Number of nodes in the layer's output.
    grid_size
        Number of grid intervals of every spline.
    """

    splines: int
    cycles: int
    tables: tuple[int, ...]
    nodes: int
    grid_size: int

    @property
    def basis_size(self) -> int:
        """Number of coefficients of one spline; a periodic spline has `grid_size`."""
        return self.grid_size + 3

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """Number of basis functions of every input: splines, periodic splines, tables."""
        return (*(self.basis_size,) * self.splines, *(self.grid_size,) * self.cycles, *self.tables)

    @cached_property
    def firsts(self) -> tuple[int, ...]:
        """Index of every input's first basis function."""
        return tuple(accumulate((0, *self.widths[:-1]))) if self.widths else ()

    @cached_property
    def width(self) -> int:
        """Total number of basis functions."""
        return sum(self.widths)

    @cached_property
    def parameters(self) -> int:
        """Number of coefficients of the layer."""
        return self.width * self.nodes


@dataclass(frozen=True)
class Architecture:
    """Sizes of a network.

    Parameters
    ----------
    numbers, cycles, categories
        Numeric inputs, periodic inputs, and the number of categories of every categorical input.
    hidden
        Nodes of every hidden layer; none for an additive model.
    outputs
        Outputs of the network.
    grid_size
        Intervals of every spline.

    Examples
    --------
    >>> Architecture(numbers=2, categories=(3,), hidden=(4,), grid_size=5).parameters
    108
    """

    numbers: int
    cycles: int = 0
    categories: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    outputs: int = 1
    grid_size: int = 5

    @cached_property
    def layers(self) -> tuple[LayerArchitecture, ...]:
        """The layers from the inputs to the outputs."""
        nodes = (*self.hidden, self.outputs)
        first = LayerArchitecture(self.numbers, self.cycles, self.categories, nodes[0], self.grid_size)
        later = (LayerArchitecture(before, 0, (), after, self.grid_size) for before, after in pairwise(nodes))
        return (first, *later)

    @cached_property
    def parameters(self) -> int:
        """Number of coefficients of one network."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def groups(self) -> int:
        """Number of groups of edges with a smoothing weight each: one per input, and one per later layer."""
        return len(self.layers[0].widths) + len(self.layers) - 1

    @property
    def is_large(self) -> bool:
        """Whether it is too large for second-order training."""
        return self.parameters > LARGE

    def split(self, vectors: Tensor) -> list[Tensor]:
        """Split vectors of all coefficients (M, parameters) into one block (M, width, nodes) per layer, as views."""
        parts = torch.split(vectors, [layer.parameters for layer in self.layers], dim=1)
        return [
            part.reshape(len(vectors), layer.width, layer.nodes)
            for part, layer in zip(parts, self.layers, strict=True)
        ]


BLOCK_BYTES, DEVICE_BLOCK_BYTES = 8_000_000, 1_000_000_000
"""Room for the bases of a block of rows: what stays in a CPU's cache, and what keeps a GPU busy."""
PREPARED_BYTES = 500_000_000
"""Most memory for basis functions of inputs that are kept from step to step."""


@dataclass(frozen=True)
class KANBatch:
    """M networks of one architecture.

    Parameters
    ----------
    architecture
        Architecture shared by all.
    theta
        Coefficients, shape (M, parameters). Layer by layer a block (width, nodes), where width runs over
        the coefficients of every spline, of every periodic spline, and then over the rows of every table.
    lower, upper
        Ranges of the numbers, (numbers,); those of hidden nodes are all from 0 to 1.
    offset
        Constant added to the outputs, shape (M, outputs).
    """

    architecture: Architecture
    theta: Tensor
    lower: Tensor
    upper: Tensor
    offset: Tensor

    def __len__(self) -> int:
        return int(self.theta.shape[0])

    def blocks(self) -> list[Tensor]:
        """Return the coefficients layer by layer, each (M, width, nodes), as views of `theta`."""
        return self.split(self.theta)

    def with_blocks(self, blocks: Sequence[Tensor]) -> KANBatch:
        """Return the networks with other coefficients, layer by layer as :meth:`blocks` has them."""
        return replace(self, theta=torch.cat([block.flatten(1) for block in blocks], dim=1))

    def split(self, vectors: Tensor) -> list[Tensor]:
        """Split vectors of all coefficients (M, parameters) into one block (M, width, nodes) per layer."""
        return self.architecture.split(vectors)

    def take(self, index: Tensor) -> KANBatch:
        """Return the networks at `index` along the model axis."""
        return replace(self, theta=self.theta[index], offset=self.offset[index])

    def put(self, index: Tensor, other: KANBatch) -> KANBatch:
        """Return a copy in which the networks at `index` are those of `other`."""
        theta, offset = self.theta.index_copy(0, index, other.theta), self.offset
        return replace(self, theta=theta, offset=offset.index_copy(0, index, other.offset))

    def layer_basis(self, layer: int, signal: Tensor, codes: Tensor | None, derivative: int = 0) -> Tensor:
        """Return the concatenated basis functions of a layer's inputs, shape (..., n, width)."""
        sizes = self.architecture.layers[layer]
        lower, upper = self.lower, self.upper
        if layer > 0:
            lower, upper = signal.new_zeros(1), signal.new_ones(1)
        straight = signal[..., : sizes.splines]
        parts = [dense_basis(straight, lower, upper, sizes.grid_size, derivative).flatten(-2)]
        if sizes.cycles:
            parts.append(
                periodic_basis(signal[..., sizes.splines :], sizes.grid_size, derivative).flatten(-2)
            )
        if sizes.tables and codes is not None:
            for column, size in enumerate(sizes.tables):
                table = torch.nn.functional.one_hot(codes[:, column], size).to(signal.dtype)
                parts.append(table if derivative == 0 else torch.zeros_like(table))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)

    def prepare(self, inputs: InputTensors) -> InputTensors:
        """Return the rows with the basis functions of the first layer, which do not change while a network is trained.

        Rows for which they would take too much memory are returned as they are.
        """
        sizes = self.architecture.layers[0]
        grid = sizes.grid_size, self.lower, self.upper
        if inputs.basis is not None and inputs.basis.is_of(*grid):
            return inputs
        bare = replace(inputs, basis=None)
        if 8 * len(inputs) * sizes.width > PREPARED_BYTES:
            return bare
        return replace(bare, basis=InputBasis(self.input_basis(bare), *grid))

    def input_basis(self, inputs: InputTensors) -> Tensor:
        """Return the basis functions of the first layer, (n, width)."""
        known = inputs.basis
        if known is not None and known.is_of(self.architecture.grid_size, self.lower, self.upper):
            return known.values
        return self.layer_basis(0, inputs.numbers, inputs.codes)

    def activations(self, inputs: InputTensors) -> list[Tensor]:
        """Return the node values of every layer after the first, each (M, n, nodes)."""
        return self.forward_pass(inputs).signals[1:]

    def activation_blocks(self, inputs: InputTensors) -> Iterator[tuple[InputTensors, list[Tensor]]]:
        """Yield blocks of rows with their :meth:`activations`; the bases of all rows would not fit into memory."""
        room = BLOCK_BYTES if self.theta.device.type == "cpu" else DEVICE_BLOCK_BYTES
        widest = max(layer.width for layer in self.architecture.layers)
        rows = max(1, room // (16 * len(self) * widest))
        for start in range(0, len(inputs), rows):
            part = inputs.rows(slice(start, start + rows))
            yield part, self.activations(part)

    def basis_means(self, inputs: InputTensors, weights: Tensor | None = None) -> list[Tensor]:
        """Return the means over the rows of every layer's basis functions, each (M, width).

        Parameters
        ----------
        inputs
            Rows.
        weights
            Their weights (n,); None for equal ones.
        """
        shares = self.theta.new_ones(len(inputs)) if weights is None else weights
        totals = [self.theta.new_zeros(len(self), layer.width) for layer in self.architecture.layers]
        start = 0
        for part, nodes in self.activation_blocks(inputs):
            share = shares[start : start + len(part)]
            start += len(part)
            for index, signal in enumerate([part.numbers, *nodes[:-1]]):
                totals[index] += share @ (
                    self.layer_basis(index, signal, None) if index else self.input_basis(part)
                )
        return [total / shares.sum() for total in totals]

    def forward(self, inputs: InputTensors) -> Tensor:
        """Return the outputs, shape (M, n, outputs)."""
        return self.activations(inputs)[-1] + self.offset.unsqueeze(1)

    def forward_pass(self, inputs: InputTensors) -> ForwardPass:
        """Compute the outputs of some rows, and keep what a backward pass needs."""
        signals, bases = [inputs.numbers], []
        for layer, block in enumerate(self.blocks()):
            bases.append(self.layer_basis(layer, signals[-1], None) if layer else self.input_basis(inputs))
            signals.append(torch.matmul(bases[-1], block))
        return ForwardPass(self, signals, bases)

    def forward_and_jacobian(
        self, inputs: InputTensors, scale: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Return the outputs (M, n, outputs) and their Jacobian in `theta` (M, n, outputs, parameters).

        Parameters
        ----------
        inputs
            Rows.
        scale
            Factor on every row and output of the Jacobian, broadcast to (M, n, outputs); cheaper here than afterwards.
        """
        layers, passed = self.architecture.layers, self.forward_pass(inputs)
        output = passed.output
        end = self.architecture.parameters
        jacobian = output.new_empty(*output.shape, end)
        sensitivity = torch.eye(output.shape[-1], dtype=output.dtype, device=output.device)
        if scale is not None:
            sensitivity = sensitivity * scale.unsqueeze(-1)
        for layer, flow in passed.backwards(sensitivity.expand(*output.shape, -1)):
            start = end - layers[layer].parameters
            part = torch.unflatten(jacobian[..., start:end], -1, (-1, layers[layer].nodes))
            torch.mul(passed.bases[layer].unsqueeze(-2).unsqueeze(-1), flow.unsqueeze(-2), out=part)
            end = start
        return output, jacobian

    def refine_grid(self) -> KANBatch:
        """Return the same functions on grids with twice as many intervals."""
        shape = replace(self.architecture, grid_size=2 * self.architecture.grid_size)
        theta = [
            _refine_blocks(layer, block)
            for layer, block in zip(self.architecture.layers, self.blocks(), strict=True)
        ]
        return replace(self, architecture=shape, theta=torch.cat(theta, dim=1))

    def centred(
        self, model: int, inputs: InputTensors, weights: Tensor | None = None
    ) -> list[tuple[Tensor, Tensor]]:
        """Return the block (width, nodes) and the bias (nodes,) of every layer of network `model`.

        The mean of every edge over the rows of `inputs`, weighted with `weights` (n,) if given, is moved into the bias
        of its target node. This does not change the function, since B-splines and table indicators sum to one.
        """
        single = self.take(torch.tensor([model], device=self.theta.device))
        means = single.basis_means(inputs, weights)
        parts = zip(self.architecture.layers, single.blocks(), means, strict=True)
        found = [_centre_edges(sizes, block[0], mean[0]) for sizes, block, mean in parts]
        block, bias = found[-1]
        return [*found[:-1], (block, bias + single.offset[0])]


@dataclass(frozen=True)
class ForwardPass:
    """What networks computed from some rows, layer by layer.

    Attributes
    ----------
    network
        The networks.
    signals
        The inputs, and the nodes of every layer, the last without the offset.
    bases
        The basis functions of every layer's inputs, (M, n, width), of the first layer (n, width).
    """

    network: KANBatch
    signals: list[Tensor]
    bases: list[Tensor]

    @property
    def output(self) -> Tensor:
        """The outputs, (M, n, outputs)."""
        return self.signals[-1] + self.network.offset.unsqueeze(1)

    def backwards(self, sensitivity: Tensor) -> Iterator[tuple[int, Tensor]]:
        """Yield the sensitivities at the nodes, (M, n, k, nodes), of the last layer first.

        Parameters
        ----------
        sensitivity
            Those of k quantities at the outputs, (M, n, k, outputs).
        """
        network, blocks = self.network, self.network.blocks()
        for layer in reversed(range(len(blocks))):
            sizes = network.architecture.layers[layer]
            yield layer, sensitivity
            if layer > 0:
                slopes = network.layer_basis(layer, self.signals[layer], None, derivative=1)
                reach = torch.matmul(sensitivity.flatten(1, 2), blocks[layer].transpose(-1, -2))
                reach = reach.reshape(*sensitivity.shape[:-1], -1) * slopes.unsqueeze(-2)
                sensitivity = torch.unflatten(reach, -1, (-1, sizes.basis_size)).sum(-1)


def _refine_blocks(sizes: LayerArchitecture, block: Tensor) -> Tensor:
    splines, cycles, tables = by_kind(sizes, block)
    parts = [
        refine(splines.transpose(-1, -2)).transpose(-1, -2).flatten(1, 2),
        refine_periodic(cycles.transpose(-1, -2)).transpose(-1, -2).flatten(1, 2),
        tables,
    ]
    return torch.cat(parts, dim=1).flatten(1)


def by_kind(sizes: LayerArchitecture, block: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Split a block (M, width, nodes) into splines and periodic splines (M, inputs, size, nodes) and tables."""
    first, second = sizes.splines * sizes.basis_size, sizes.cycles * sizes.grid_size
    splines = torch.unflatten(block[:, :first], 1, (sizes.splines, sizes.basis_size))
    cycles = torch.unflatten(block[:, first : first + second], 1, (sizes.cycles, sizes.grid_size))
    return splines, cycles, block[:, first + second :]


def _centre_edges(sizes: LayerArchitecture, block: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Subtract every edge's mean from `block` (width, nodes); return the result and the sum of the means."""
    pieces, bias = [], torch.zeros_like(block[0])
    for weights, piece in zip(
        torch.split(mean, list(sizes.widths)), torch.split(block, list(sizes.widths)), strict=True
    ):
        edge_mean = weights @ piece
        pieces.append(piece - edge_mean)
        bias = bias + edge_mean
    return torch.cat(pieces), bias
