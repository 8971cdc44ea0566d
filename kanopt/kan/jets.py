"""Derivatives of a network with respect to its inputs, and their Jacobian with respect to its parameters.

The jet of a node is its value with the requested derivatives. Through an edge f(x) = Σ_k c_k B_k(x) it propagates by
the chain rule,

    f(x),    f(x)_a = f′(x) x_a,    f(x)_ab = f″(x) x_a x_b + f′(x) x_ab,

every entry linear in c: the jet of a layer is Φ c, where Φ holds B_k(x), B′_k(x) x_a and B″_k(x) x_a x_b + B′_k(x) x_ab
(forward propagation of truncated Taylor series; Griewank and Walther 2008, *Evaluating Derivatives*, ch. 13). So the
derivative of a function r of the output's jet with respect to the coefficients of a layer is

    ∂r/∂c[i, k, j] = Σ_d Φ[d, i, k] · s[d, j],      s[d, j] = ∂r / ∂(entry d of what arrives at j),

which for values alone is the Jacobian of :mod:`kanopt.kan.network`. One backward pass computes s for all layers and
rows, since rows are independent. For second derivatives hidden layers need B‴, which a cubic spline has everywhere
except at its knots.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanopt.kan.architecture import LayerArchitecture
from kanopt.kan.network import KANBatch

__all__ = ["Jets", "Orders", "propagate"]


@dataclass(frozen=True)
class Orders:
    """The derivatives in a jet: with respect to the inputs in `first`, and to pairs (i ≤ j) of them in `second`.

    Examples
    --------
    >>> orders = Orders.of([(0,), (1, 1), (1, 0)])
    >>> orders.first, orders.second, orders.size
    ((0, 1), ((0, 1), (1, 1)), 5)
    >>> orders.place(()), orders.place((1,)), orders.place((1, 0))
    (0, 2, 3)
    """

    first: tuple[int, ...] = ()
    second: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, wanted: Iterable[tuple[int, ...]]) -> Orders:
        """Return the orders that include the derivatives in `wanted`, each a tuple of zero, one or two inputs."""
        known = {tuple(sorted(one)) for one in wanted}
        second = tuple(sorted((one[0], one[1]) for one in known if len(one) == 2))
        return cls(tuple(sorted({place for one in known for place in one})), second)

    @property
    def size(self) -> int:
        """Number of entries of a jet: the value, first and second derivatives."""
        return 1 + len(self.first) + len(self.second)

    def place(self, derivative: tuple[int, ...]) -> int:
        """Return the index in a jet of the derivative with respect to these inputs."""
        if len(derivative) < 2:
            return 1 + self.first.index(derivative[0]) if derivative else 0
        low, high = sorted(derivative)
        return 1 + len(self.first) + self.second.index((low, high))

    def holds(self, derivative: tuple[int, ...]) -> bool:
        """Return whether a jet includes the derivative with respect to these inputs."""
        if len(derivative) < 2:
            return not derivative or derivative[0] in self.first
        low, high = sorted(derivative)
        return (low, high) in self.second

    def pairs(self) -> tuple[list[int], list[int]]:
        """Return the indices, among the first derivatives, of both inputs of every second derivative."""
        left = [self.first.index(low) for low, _ in self.second]
        right = [self.first.index(high) for _, high in self.second]
        return left, right

    def split(self, jets: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Split jets (..., size, nodes) into values (..., 1, nodes), first and second derivatives."""
        value, first, second = torch.split(jets, [1, len(self.first), len(self.second)], dim=-2)
        return value, first, second


@dataclass(frozen=True)
class Jets:
    """The jets of the outputs, (M, n, size, outputs), with what :meth:`jacobian` needs."""

    network: KANBatch
    outputs: Tensor
    bases: list[Tensor]
    arrivals: list[Tensor]

    def jacobian(self, residual: Tensor) -> Tensor:
        """Return the derivatives with respect to `theta`, (M, n, parameters), of a residual (M, n) of the outputs.

        Entry n of the residual must depend only on row n of the outputs.
        """
        sensitivities = torch.autograd.grad(residual.sum(), self.arrivals)
        blocks = [
            torch.matmul(basis.transpose(-1, -2), sensitivity).flatten(-2)
            for basis, sensitivity in zip(self.bases, sensitivities, strict=True)
        ]
        jacobian = torch.cat(blocks, dim=-1)
        return jacobian if self.network.active is None else jacobian * self.network.active.unsqueeze(1)


def propagate(network: KANBatch, numbers: Tensor, orders: Orders) -> Jets:
    """Propagate the jets of `numbers` (n, inputs) through a network that has numeric inputs only.

    With gradients enabled the outputs keep their autograd graph, for :meth:`Jets.jacobian`.

    Examples
    --------
    >>> from kanopt.kan.architecture import Architecture
    >>> line = torch.linspace(0.0, 6.0, 4, dtype=torch.float64).reshape(1, -1)
    >>> zero = torch.zeros(1, 1, dtype=torch.float64)
    >>> network = KANBatch(Architecture(1, grid_size=1), line, (zero,), (zero + 1,), zero)
    >>> jets = propagate(network, zero + 0.25, Orders.of([(0,), (0, 0)]))
    >>> jets.outputs.flatten().tolist()
    [2.5, 2.0, 0.0]
    """
    signal = _seed(numbers, orders)
    bases, arrived = [], []
    layers = network.architecture.layers
    for layer, block in enumerate(network.blocks()):
        basis = _layer_jets(network, layer, signal, orders)
        here = torch.matmul(basis.flatten(-3, -2), block).reshape(len(network), len(numbers), orders.size, -1)
        if layer == 0 and torch.is_grad_enabled():
            here = here.detach().requires_grad_()
        bases.append(basis.detach())
        arrived.append(here)
        signal = _through_products(layers[layer], here, orders)
    value, rest = signal[..., :1, :], signal[..., 1:, :]
    outputs = torch.cat([value + network.offset[:, None, None, :], rest], dim=-2)
    return Jets(network, outputs, bases, arrived)


def _seed(numbers: Tensor, orders: Orders) -> Tensor:
    """Return the jets of the inputs themselves, (n, size, inputs): ∂x_i/∂x_a is 1 where i = a."""
    inputs = numbers.shape[1]
    one = torch.eye(inputs, dtype=numbers.dtype, device=numbers.device)[list(orders.first)]
    none = numbers.new_zeros(len(orders.second), inputs)
    constant = torch.cat([one, none]).expand(len(numbers), -1, -1)
    return torch.cat([numbers.unsqueeze(1), constant], dim=1)


def _layer_jets(network: KANBatch, layer: int, signal: Tensor, orders: Orders) -> Tensor:
    """Return Φ of a layer, (..., n, size, width), from the jets (..., n, size, inputs) of its inputs."""
    inputs = signal.shape[-1]
    value, first, second = orders.split(signal)
    value = value.squeeze(-2)

    def basis(derivative: int) -> Tensor:
        flat = network.layer_basis(layer, value, None, derivative)
        return flat.reshape(*value.shape[:-1], 1, inputs, -1)

    if not orders.first:
        return basis(0).flatten(-2)
    slopes = basis(1)
    parts = [basis(0), slopes * first.unsqueeze(-1)]
    if orders.second:
        left, right = orders.pairs()
        bent = first[..., left, :] * first[..., right, :]
        parts.append(basis(2) * bent.unsqueeze(-1) + slopes * second.unsqueeze(-1))
    return torch.cat(parts, dim=-3).flatten(-2)


def _through_products(sizes: LayerArchitecture, arrived: Tensor, orders: Orders) -> Tensor:
    """Return the jets of the nodes from those of the sub-nodes: (ab)_ij = a_ij b + a_i b_j + a_j b_i + a b_ij."""
    if not sizes.products:
        return arrived
    a, a_first, a_second = orders.split(arrived[..., sizes.sums :: 2])
    b, b_first, b_second = orders.split(arrived[..., sizes.sums + 1 :: 2])
    i, j = orders.pairs()
    crossed = a_first[..., i, :] * b_first[..., j, :] + a_first[..., j, :] * b_first[..., i, :]
    product = [a * b, a_first * b + a * b_first, a_second * b + crossed + a * b_second]
    return torch.cat([arrived[..., : sizes.sums], torch.cat(product, dim=-2)], dim=-1)
