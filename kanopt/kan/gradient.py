"""Sum of squares and its gradient by one sweep forwards and one backwards over blocks of rows.

For ½ Σ_n w_n ‖y_n − g(f(x_n; θ))‖² the sensitivities s[L] = −w g′ · (y − g(f)) at the outputs are carried backwards as
in :mod:`kanopt.kan.network`, and the gradient of a layer's coefficients is one matrix product,

    ∂ / ∂c[l, i, k, j] = Σ_n B_k(x[n, l, i]) · s[n, l+1, j],

so that neither a Jacobian nor anything of size rows × inputs × outputs × grid is formed. A block of rows goes all the
way forwards and backwards before the next one starts: what the backward sweep needs is still in the cache, and memory
does not grow with the rows.

In the hidden layers the grid index comes before the input, so that every operation runs along the inputs. With
a = max(0, 2 − |d|) and b = max(0, 1 − |d|) at the distance d (in cells) from the middle of a B-spline, one pass gives
both 6 B = a³ − 4 b³ and −2 B′ = sign(d) (a² − 4 b²); the constants go into the coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import softshrink

from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch, nodes_of, through_products
from kanopt.kan.objective import Data
from kanopt.kan.shape import LayerShape

__all__ = ["in_type", "squares", "squares_and_gradient"]

BLOCK = 131_072
"""Numbers in the basis of the widest layer of one block: half a MiB in float32."""


def squares_and_gradient(
    network: KANBatch, data: Data, link: Link | None = None, rows: int | None = None
) -> tuple[Tensor, Tensor]:
    """Return Σ w ‖y − g(f)‖² and the gradient of half of it.

    Parameters
    ----------
    network
        M networks; the work is done in the type of their coefficients, float32 or float64.
    data
        Rows of any floating type.
    link
        g, from the outputs to the targets; None is the identity.
    rows
        Rows per block; None for as many as suit the cache.

    Returns
    -------
    squares : Tensor of float64, shape (M,)
    gradient : Tensor, shape and type of ``network.theta``

    Examples
    --------
    >>> from kanopt.kan.shape import Inputs, Shape
    >>> x = torch.tensor([[0.0], [1.0]])
    >>> ends = (torch.zeros(1, 1),), (torch.ones(1, 1),)
    >>> network = KANBatch(Shape(1, grid_size=1), torch.ones(1, 4), *ends, torch.zeros(1, 1))
    >>> data = Data(Inputs(x, torch.zeros(2, 0, dtype=torch.int64)), torch.tensor([[1.0], [3.0]]), torch.ones(2))
    >>> squares, gradient = squares_and_gradient(network, data)
    >>> squares.tolist(), gradient.mul(3).round().tolist()
    ([4.0], [[0.0, -1.0, -4.0, -1.0]])
    """
    with torch.no_grad():
        return _Sweep.over(network, rows).gradient(data, link)


def squares(network: KANBatch, data: Data, link: Link | None = None, rows: int | None = None) -> Tensor:
    """Return Σ w ‖y − g(f)‖² alone, of float64 and shape (M,); parameters as in :func:`squares_and_gradient`."""
    with torch.no_grad():
        return _Sweep.over(network, rows).squares(data, link)


@dataclass
class _Sweep:
    """One network batch made ready: coefficients with the grid index first, and room to work in."""

    network: KANBatch
    weights: list[Tensor]
    gradients: list[Tensor]
    per_unit: list[Tensor]
    rows: int
    room: list[_Room]

    @classmethod
    def over(cls, network: KANBatch, rows: int | None) -> _Sweep:
        layers = network.shape.layers
        models = len(network)
        widest = max(layer.width * (1 if place == 0 else models) for place, layer in enumerate(layers))
        rows = rows or max(32, BLOCK // widest)
        blocks = network.blocks()
        weights = [
            blocks[0],
            *(_grid_first(layer, block) / 6.0 for layer, block in zip(layers[1:], blocks[1:], strict=True)),
        ]
        sizes = [models * rows * layer.width for layer in layers[1:]]
        spare = [network.theta.new_empty(max(sizes, default=0)) for _ in range(3)]
        room = [_Room(size, spare) for size in sizes]
        per_unit = [
            layer.grid_size / (upper - lower).unsqueeze(1)
            for layer, lower, upper in zip(layers, network.lower, network.upper, strict=True)
        ]
        return cls(network, weights, [torch.zeros_like(w) for w in weights], per_unit, rows, room)

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
        layers = self.network.shape.layers
        later = zip(layers[1:], self.gradients[1:], strict=True)
        hidden = [_grid_last(layer, part).div_(6.0).flatten(1) for layer, part in later]
        gradient = torch.cat([self.gradients[0].flatten(1), *hidden], dim=1)
        return total, gradient if self.network.active is None else gradient * self.network.active

    def _forward(self, part: Data) -> tuple[Tensor, list[Tensor], Tensor]:
        """Return the basis of the first layer, what arrives at every layer's sub-nodes, and the outputs."""
        network, layers = self.network, self.network.shape.layers
        basis = network.layer_basis(0, part.inputs.numbers.to(network.theta.dtype), part.inputs.codes)
        arrived = [torch.matmul(basis, self.weights[0])]
        for place in range(1, len(layers)):
            signal = nodes_of(layers[place - 1], arrived[-1])
            position = (signal - network.lower[place].unsqueeze(1)) * self.per_unit[place]
            values = self.room[place - 1].fill(position, layers[place].grid_size)
            arrived.append(torch.bmm(values, self.weights[place]))
        return basis, arrived, nodes_of(layers[-1], arrived[-1]) + network.offset.unsqueeze(1)

    def _backward(self, basis: Tensor, arrived: list[Tensor], flow: Tensor) -> None:
        """Add to the gradients what the `flow` (M, n, outputs) of the last block of rows gives."""
        layers = self.network.shape.layers
        for place in reversed(range(1, len(layers))):
            flow = through_products(layers[place], arrived[place], flow)
            room = self.room[place - 1]
            self.gradients[place].baddbmm_(room.values.transpose(1, 2), flow)
            flow = room.back(flow, self.weights[place]).mul_(-3.0 * self.per_unit[place])
        flow = through_products(layers[0], arrived[0], flow)
        self.gradients[0] += torch.matmul(basis.T, flow)


def _residual(output: Tensor, part: Data, link: Link | None) -> tuple[Tensor, Tensor]:
    """Return Σ w r² (M,), in float64, and the derivative of half of it by the output (M, n, outputs)."""
    weights = part.weights.to(output.dtype).unsqueeze(-1)
    error = (output if link is None else link(output)) - part.target.to(output.dtype)
    flow = weights * error
    squares = (flow * error).sum((1, 2), dtype=torch.float64)
    return squares, flow if link is None else flow * link.slope(output)


class _Room:
    """Where the basis of one hidden layer is worked out and kept; `spare` is shared by all layers."""

    def __init__(self, size: int, spare: list[Tensor]) -> None:
        self.values, self.slopes = spare[0].new_empty(size), spare[0].new_empty(size)
        self.held = (self.values, self.slopes, *spare)

    def fill(self, position: Tensor, grid_size: int) -> Tensor:
        """Work out 6 B and −2 B′ at `position` (M, n, inputs); return 6 B as (M, n, grid · inputs)."""
        models, rows, inputs = position.shape
        size = (models, rows, grid_size + 3, inputs)
        count = position.numel() * (grid_size + 3)
        values, slopes, distance, outer, inner = (place[:count].view(size) for place in self.held)
        inside = position.clamp(0.0, float(grid_size))
        middle = torch.arange(-1, grid_size + 2, dtype=position.dtype, device=position.device)
        torch.sub(inside.unsqueeze(2), middle.unsqueeze(1), out=distance)
        torch.abs(distance, out=outer).neg_().add_(2.0).clamp_(min=0.0)
        shrunk = softshrink(outer, 1.0)
        torch.mul(outer, outer, out=values)
        torch.mul(shrunk, shrunk, out=inner)
        torch.sub(values, inner, alpha=4.0, out=slopes).copysign_(distance)
        values.mul_(outer).sub_(inner.mul_(shrunk), alpha=4.0)
        beyond = position - inside
        if bool(beyond.any()):
            below, above = 3.0 * beyond.clamp(max=0.0), 3.0 * beyond.clamp(min=0.0)
            values[:, :, 0] -= below
            values[:, :, 2] += below
            values[:, :, grid_size] -= above
            values[:, :, grid_size + 2] += above
        self.values, self.slopes = values.flatten(2), slopes
        return self.values

    def back(self, flow: Tensor, weights: Tensor) -> Tensor:
        """Return Σ_k (−2 B′_k) · (coefficients · flow), the way of `flow` back to the inputs (M, n, inputs)."""
        reach = self.held[2][: self.values.numel()].view(self.values.shape)
        torch.bmm(flow, weights.transpose(1, 2), out=reach)
        return reach.view(self.slopes.shape).mul_(self.slopes).sum(2)


def _grid_first(layer: LayerShape, block: Tensor) -> Tensor:
    """Reorder a block (M, inputs · grid, subnodes) to (M, grid · inputs, subnodes)."""
    return torch.unflatten(block, 1, (layer.splines, layer.basis_size)).transpose(1, 2).flatten(1, 2)


def _grid_last(layer: LayerShape, block: Tensor) -> Tensor:
    """Undo :func:`_grid_first`."""
    return torch.unflatten(block, 1, (layer.basis_size, layer.splines)).transpose(1, 2).flatten(1, 2)


def in_type(network: KANBatch, dtype: torch.dtype) -> KANBatch:
    """Return the networks in another floating type."""
    return replace(
        network,
        theta=network.theta.to(dtype),
        lower=tuple(bound.to(dtype) for bound in network.lower),
        upper=tuple(bound.to(dtype) for bound in network.upper),
        offset=network.offset.to(dtype),
    )
