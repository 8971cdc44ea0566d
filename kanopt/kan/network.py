"""A batch of Kolmogorov-Arnold networks with one output, trained side by side.

A Kolmogorov-Arnold network (Liu et al. 2024, arXiv:2404.19756, eq. 2.3-2.6) has no weights on its nodes: the
edge from node i to node j carries a learned function of one variable, and a node adds what arrives,

    x[l+1, j] = Σ_i  f[l, i, j](x[l, i]),      f[l, i, j](x) = Σ_k  c[l, i, k, j] · B_k(x).

Here every f is a cubic spline; a categorical input of the first layer has a table instead, one value per
category. A batch holds M networks of one shape along a leading axis, so that several starts, or several
smoothing weights, cost one set of batched matrix products.

**The Jacobian is cheap.** With s[l, j] = ∂output / ∂x[l, j], carried backwards from s[L] = 1,

    ∂output / ∂c[l, i, k, j] = s[l+1, j] · B_k(x[l, i]),
    s[l, i] = Σ_k B′_k(x[l, i]) · (Σ_j c[l, i, k, j] · s[l+1, j]),

both products of things the forward pass has already made. The two sums are ordered so that no tensor of
size rows × inputs × outputs × grid is formed on the way; the Jacobian itself exists for one chunk of rows at
a time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from kanopt.kan.basis import dense_basis, refine
from kanopt.kan.description import Layer, Network

__all__ = ["Inputs", "KANBatch", "LayerShape", "Shape"]


@dataclass(frozen=True)
class Inputs:
    """Rows of a table as tensors: `numbers` (n, splines) of float64, `codes` (n, tables) of int64."""

    numbers: Tensor
    codes: Tensor

    def __len__(self) -> int:
        return int(self.numbers.shape[0])

    def rows(self, index: slice | Tensor) -> Inputs:
        """Return some of the rows."""
        return Inputs(self.numbers[index], self.codes[index])


@dataclass(frozen=True)
class LayerShape:
    """Sizes of one layer: spline inputs, sizes of the tables, outputs, intervals per spline."""

    splines: int
    tables: tuple[int, ...]
    outputs: int
    grid_size: int

    @property
    def basis_size(self) -> int:
        """Coefficients of one spline."""
        return self.grid_size + 3

    @property
    def width(self) -> int:
        """Basis functions of all inputs together."""
        return self.splines * self.basis_size + sum(self.tables)

    @property
    def parameters(self) -> int:
        """Coefficients of the layer."""
        return self.width * self.outputs


@dataclass(frozen=True)
class Shape:
    """Sizes of a network: numeric inputs, categories per categorical input, hidden widths, intervals.

    Examples
    --------
    >>> Shape(numbers=2, categories=(3,), hidden=(4,), grid_size=5).parameters
    108
    """

    numbers: int
    categories: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    grid_size: int = 5

    @property
    def layers(self) -> tuple[LayerShape, ...]:
        """The layers from the inputs to the single output."""
        outputs = (*self.hidden, 1)
        first = LayerShape(self.numbers, self.categories, outputs[0], self.grid_size)
        later = [LayerShape(before, (), after, self.grid_size) for before, after in pairwise(outputs)]
        return (first, *later)

    @property
    def parameters(self) -> int:
        """Number of coefficients of one network."""
        return sum(layer.parameters for layer in self.layers)


@dataclass(frozen=True)
class KANBatch:
    """M networks of one shape.

    Parameters
    ----------
    shape
        Sizes shared by all.
    theta
        Coefficients, shape (M, parameters). Layer by layer a block (width, outputs), where width runs over
        the spline coefficients of every input and then over the rows of every table.
    lower, upper
        Ranges of the splines' inputs: for the first layer (1, numbers), shared by all networks; for later
        layers (M, splines).
    offset
        Constant added to the output, shape (M,).
    """

    shape: Shape
    theta: Tensor
    lower: tuple[Tensor, ...]
    upper: tuple[Tensor, ...]
    offset: Tensor

    def __len__(self) -> int:
        return int(self.theta.shape[0])

    def blocks(self) -> list[Tensor]:
        """Return the coefficients layer by layer, each (M, width, outputs), as views of `theta`."""
        blocks, start = [], 0
        for layer in self.shape.layers:
            end = start + layer.parameters
            blocks.append(self.theta[:, start:end].reshape(len(self), layer.width, layer.outputs))
            start = end
        return blocks

    def take(self, index: Tensor) -> KANBatch:
        """Return the networks at `index` along the model axis."""
        lower = (self.lower[0], *(bound[index] for bound in self.lower[1:]))
        upper = (self.upper[0], *(bound[index] for bound in self.upper[1:]))
        return KANBatch(self.shape, self.theta[index], lower, upper, self.offset[index])

    def put(self, index: Tensor, other: KANBatch) -> KANBatch:
        """Return a copy in which the networks at `index` are those of `other`."""
        lower, upper = [self.lower[0]], [self.upper[0]]
        for layer in range(1, len(self.lower)):
            lower.append(self.lower[layer].index_copy(0, index, other.lower[layer]))
            upper.append(self.upper[layer].index_copy(0, index, other.upper[layer]))
        theta = self.theta.index_copy(0, index, other.theta)
        offset = self.offset.index_copy(0, index, other.offset)
        return KANBatch(self.shape, theta, tuple(lower), tuple(upper), offset)

    def layer_basis(self, layer: int, signal: Tensor, codes: Tensor | None, derivative: int = 0) -> Tensor:
        """Return the basis functions of a layer's inputs side by side, shape (..., n, width)."""
        sizes = self.shape.layers[layer]
        lower, upper = self.lower[layer], self.upper[layer]
        if layer > 0:
            lower, upper = lower.unsqueeze(1), upper.unsqueeze(1)
        splines = dense_basis(signal, lower, upper, sizes.grid_size, derivative).flatten(-2)
        if not sizes.tables or codes is None:
            return splines
        tables = [
            torch.nn.functional.one_hot(codes[:, column], size).to(signal.dtype)
            for column, size in enumerate(sizes.tables)
        ]
        return torch.cat([splines, *tables], dim=-1)

    def activations(self, inputs: Inputs) -> list[Tensor]:
        """Return the node values of every layer after the first, each (M, n, outputs)."""
        signal, codes, nodes = inputs.numbers, inputs.codes, []
        for layer, block in enumerate(self.blocks()):
            signal = torch.matmul(self.layer_basis(layer, signal, codes if layer == 0 else None), block)
            nodes.append(signal)
        return nodes

    def forward(self, inputs: Inputs) -> Tensor:
        """Return the outputs, shape (M, n)."""
        return self.activations(inputs)[-1].squeeze(-1) + self.offset.unsqueeze(1)

    def forward_and_jacobian(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Return the outputs (M, n) and their derivatives by `theta` (M, n, parameters)."""
        blocks = self.blocks()
        signals, bases = [inputs.numbers], []
        for layer, block in enumerate(blocks):
            bases.append(self.layer_basis(layer, signals[-1], inputs.codes if layer == 0 else None))
            signals.append(torch.matmul(bases[-1], block))
        jacobian = signals[-1].new_empty(len(self), len(inputs), self.shape.parameters)
        sensitivity = torch.ones_like(signals[-1])
        end = self.shape.parameters
        for layer in reversed(range(len(blocks))):
            start = end - self.shape.layers[layer].parameters
            part = bases[layer].unsqueeze(-1) * sensitivity.unsqueeze(-2)
            jacobian[..., start:end] = part.flatten(-2)
            end = start
            if layer > 0:
                slopes = self.layer_basis(layer, signals[layer], None, derivative=1)
                reach = torch.matmul(sensitivity, blocks[layer].transpose(-1, -2))
                basis_size = self.shape.layers[layer].basis_size
                sensitivity = (slopes * reach).reshape(*reach.shape[:-1], -1, basis_size).sum(-1)
        return signals[-1].squeeze(-1) + self.offset.unsqueeze(1), jacobian

    def refined(self) -> KANBatch:
        """Return the same functions on grids twice as fine."""
        shape = replace(self.shape, grid_size=2 * self.shape.grid_size)
        parts = []
        for layer, block in zip(self.shape.layers, self.blocks(), strict=True):
            size = layer.splines * layer.basis_size
            splines = block[:, :size].reshape(len(self), layer.splines, layer.basis_size, layer.outputs)
            finer = refine(splines.transpose(-1, -2)).transpose(-1, -2).flatten(1, 2)
            parts.append(torch.cat([finer, block[:, size:]], dim=1).flatten(1))
        return replace(self, shape=shape, theta=torch.cat(parts, dim=1))

    def describe(self, model: int, inputs: Inputs) -> Network:
        """Return network `model` as numpy arrays.

        The mean of every edge over the rows of `inputs` moves into the bias of the node it feeds, which
        leaves the function as it is: the B-splines, and the entries of a table, add up to one.
        """
        single = self.take(torch.tensor([model], device=self.theta.device))
        signals = [inputs.numbers, *(node[0] for node in single.activations(inputs))]
        layers = []
        for index, (sizes, block) in enumerate(zip(self.shape.layers, single.blocks(), strict=True)):
            basis = single.layer_basis(index, signals[index], inputs.codes if index == 0 else None)
            mean = basis.reshape(-1, sizes.width).mean(0)
            centred, bias = _centre(sizes, block[0], mean)
            if index == len(self.shape.layers) - 1:
                bias = bias + single.offset
            layers.append(_layer(sizes, (single.lower[index][0], single.upper[index][0]), centred, bias))
        return Network(tuple(layers))


def _centre(sizes: LayerShape, block: Tensor, mean: Tensor) -> tuple[Tensor, Tensor]:
    """Take every edge's mean out of `block` (width, outputs); return it with the sum of the means."""
    widths = [sizes.basis_size] * sizes.splines + list(sizes.tables)
    pieces, bias = [], torch.zeros_like(block[0])
    for weights, piece in zip(mean.split_with_sizes(widths), block.split_with_sizes(widths), strict=True):
        edge_mean = weights @ piece
        pieces.append(piece - edge_mean)
        bias = bias + edge_mean
    return torch.cat(pieces), bias


def _layer(sizes: LayerShape, bounds: tuple[Tensor, Tensor], block: Tensor, bias: Tensor) -> Layer:
    def array(tensor: Tensor) -> np.ndarray:
        return tensor.detach().cpu().numpy()

    size = sizes.splines * sizes.basis_size
    splines = block[:size].reshape(sizes.splines, sizes.basis_size, sizes.outputs).permute(0, 2, 1)
    tables = block[size:].split_with_sizes(list(sizes.tables)) if sizes.tables else ()
    lower, upper = bounds
    return Layer(array(lower), array(upper), array(splines), tuple(array(t) for t in tables), array(bias))
