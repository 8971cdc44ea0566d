"""The sum of squares and its gradient by one forward and one backward pass over blocks of rows.

For ½ Σ_n w_n ‖y_n − g(f(x_n; θ))‖² the sensitivities s[L] = −w g′ · (y − g(f)) at the outputs are carried backwards as
in :mod:`kanopt.kan.network`, and the gradient of a layer's coefficients is one matrix product,

    ∂ / ∂c[l, i, k, j] = Σ_n B_k(x[n, l, i]) · s[n, l+1, j],

so that neither a Jacobian nor anything of size rows × inputs × outputs × grid is formed. Each block of rows completes
both passes before the next one starts, so that the intermediate results of the backward pass are still in the cache,
and memory does not grow with the rows.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from kanopt.kan.hidden_layers import hidden_layer
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch, nodes_of, through_products
from kanopt.kan.objective import Data

__all__ = ["squares", "squares_and_gradient", "to_dtype"]

BLOCK = 262_144
"""Numbers in the basis of the widest layer of one block: 1 MiB in float32. A GPU takes 256 times as many."""


def squares_and_gradient(
    network: KANBatch, data: Data, link: Link | None = None, rows: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return Σ w ‖y − g(f)‖² and the gradient of half of it.

    Parameters
    ----------
    network
        M networks; the dtype of their coefficients, float32 or float64, is that of the computation.
    data
        Rows of any floating type.
    link
        g, from the outputs to the targets; None is the identity.
    rows
        Rows per block; None for a number that suits the cache.

    Returns
    -------
    squares : Tensor of float64, shape (M,)
    gradient : Tensor, shape and type of ``network.theta``

    Examples
    --------
    >>> from kanopt.kan.architecture import InputTensors, Architecture
    >>> x = torch.tensor([[0.0], [1.0]])
    >>> ends = (torch.zeros(1, 1),), (torch.ones(1, 1),)
    >>> network = KANBatch(Architecture(1, grid_size=1), torch.ones(1, 4), *ends, torch.zeros(1, 1))
    >>> data = Data(InputTensors(x, torch.zeros(2, 0, dtype=torch.int64)), torch.tensor([[1.0], [3.0]]), torch.ones(2))
    >>> squares, gradient = squares_and_gradient(network, data)
    >>> squares.tolist(), gradient.mul(3).round().tolist()
    ([4.0], [[0.0, -1.0, -4.0, -1.0]])
    """
    with torch.no_grad():
        return _GradientPass(network, rows).gradient(data, link)


def squares(network: KANBatch, data: Data, link: Link | None = None, rows: int | None = None) -> Tensor:
    """Return Σ w ‖y − g(f)‖² in float64, shape (M,); parameters as in :func:`squares_and_gradient`."""
    with torch.no_grad():
        return _GradientPass(network, rows).squares(data, link)


class _GradientPass:
    """A batch of networks prepared for passes: hidden layers with buffers, and the gradient of the first layer."""

    def __init__(self, network: KANBatch, rows: int | None) -> None:
        layers, blocks = network.architecture.layers, network.blocks()
        later = [len(network) * layer.width for layer in layers[1:]]
        block = BLOCK if network.theta.device.type == "cpu" else 256 * BLOCK
        self.rows = rows or max(32, block // max(layers[0].width, *later, 1))
        self.network, self.first = network, blocks[0]
        self.total = torch.zeros_like(self.first)
        spare = blocks[0].new_empty(3, max(later, default=0) * self.rows)
        ends = zip(network.lower, network.upper, strict=True)
        self.hidden = [
            hidden_layer(layer, block, end, spare)
            for layer, block, end in list(zip(layers, blocks, ends, strict=True))[1:]
        ]

    def squares(self, data: Data, link: Link | None) -> Tensor:
        total = self.network.theta.new_zeros(len(self.network), dtype=torch.float64)
        for part in data.chunks(self.rows):
            total += _residual(self._forward(part)[2], part, link)[0]
        return total

    def gradient(self, data: Data, link: Link | None) -> tuple[Tensor, Tensor]:
        total = self.network.theta.new_zeros(len(self.network), dtype=torch.float64)
        for part in data.chunks(self.rows):
            basis, arrived, output = self._forward(part)
            squared, flow = _residual(output, part, link)
            total += squared
            self._backward(basis, arrived, flow)
        parts = [self.total, *(layer.gradient() for layer in self.hidden)]
        gradient = torch.cat([part.flatten(1) for part in parts], dim=1)
        return total, gradient if self.network.active is None else gradient * self.network.active

    def _forward(self, part: Data) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return the basis of the first layer, the sub-node values of every layer, and the outputs."""
        network = self.network
        basis = network.layer_basis(0, part.inputs.numbers.to(network.theta.dtype), part.inputs.codes)
        arrived = [torch.matmul(basis, self.first)]
        for sizes, layer in zip(network.architecture.layers, self.hidden, strict=False):
            arrived.append(layer.forward(nodes_of(sizes, arrived[-1])))
        return (
            basis,
            arrived,
            nodes_of(network.architecture.layers[-1], arrived[-1]) + network.offset.unsqueeze(1),
        )

    def _backward(self, basis: Tensor, arrived: list[Tensor], flow: Tensor) -> None:
        """Accumulate the gradients from the sensitivities `flow` (M, n, outputs) of the last block of rows."""
        sizes = self.network.architecture.layers
        for place in reversed(range(1, len(sizes))):
            flow = self.hidden[place - 1].backward(through_products(sizes[place], arrived[place], flow))
        flow = through_products(sizes[0], arrived[0], flow)
        self.total += torch.matmul(basis.T, flow)


def _residual(output: Tensor, part: Data, link: Link | None) -> tuple[Tensor, Tensor]:
    """Return Σ w r² (M,), in float64, and the derivative of half of it with respect to the output (M, n, outputs)."""
    weights = part.weights.to(output.dtype).unsqueeze(-1)
    error = (output if link is None else link(output)) - part.target.to(output.dtype)
    flow = weights * error
    squares = (flow * error).sum((1, 2), dtype=torch.float64)
    return squares, flow if link is None else flow * link.slope(output)


def to_dtype(network: KANBatch, dtype: torch.dtype) -> KANBatch:
    """Return the networks with another floating dtype."""
    return replace(
        network,
        theta=network.theta.to(dtype),
        lower=tuple(bound.to(dtype) for bound in network.lower),
        upper=tuple(bound.to(dtype) for bound in network.upper),
        offset=network.offset.to(dtype),
    )
