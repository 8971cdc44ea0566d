"""A Gauss-Newton preconditioner for L-BFGS, block diagonal over layers and nodes.

For the coefficients c_j of all edges that arrive at sub-node j the Gauss-Newton block is Σ_n w_n s_nj² b_n b_nᵀ, with
the sensitivity s of the output and the basis b of the layer. Taken as a product of means (Martens and Grosse 2015,
*Optimizing neural networks with Kronecker-factored approximate curvature*, section 3),

    σ_j² A + S,        A = Σ_n w_n b_n b_nᵀ,     σ_j² = Σ_n w_n s_nj² / Σ_n w_n,

it shares A between the nodes: one eigendecomposition per layer solves for all of them. With ā the mean of σ_j²,
ā A + S = L Lᵀ and L⁻¹ A L⁻ᵀ = Q Λ Qᵀ, the inverse is L⁻ᵀ Q (1 + (σ_j² − ā) Λ)⁻¹ Qᵀ L⁻¹. Layers too wide for an
eigendecomposition use the diagonal. Several outputs are combined with random signs, which preserves the mean of s².
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanopt.kan.architecture import Architecture
from kanopt.kan.edge_penalty import EdgePenalty
from kanopt.kan.gradient import to_dtype
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch, nodes_of, through_products
from kanopt.kan.objective import Data

__all__ = ["LayerwiseCurvature"]

WIDE = 1_024
"""Basis functions of a layer past which the diagonal has to do."""

FLOOR = 1e-3
"""Least curvature, relative to that of a mean node."""

ROWS = 512
"""Rows worked on at once."""


@dataclass(frozen=True)
class _LayerSolver:
    """One layer: `root` L⁻ᵀ Q (M, width, width) or None, and `scale` (M, width, subnodes)."""

    root: Tensor | None
    scale: Tensor

    def solve(self, block: Tensor) -> Tensor:
        if self.root is None:
            return block * self.scale
        root = self.root
        return torch.matmul(root, torch.matmul(root.transpose(1, 2), block) * self.scale)

    def to(self, dtype: torch.dtype) -> _LayerSolver:
        return _LayerSolver(None if self.root is None else self.root.to(dtype), self.scale.to(dtype))

    def take(self, index: Tensor) -> _LayerSolver:
        return _LayerSolver(None if self.root is None else self.root[index], self.scale[index])


@dataclass(frozen=True)
class LayerwiseCurvature:
    """An approximate inverse of JᵀWJ + S for every model.

    Examples
    --------
    >>> from kanopt.kan.architecture import InputTensors
    >>> x = torch.linspace(0.0, 1.0, 50, dtype=torch.float64).unsqueeze(1)
    >>> data = Data(InputTensors(x, torch.zeros(50, 0, dtype=torch.int64)), x, torch.ones_like(x[:, 0]))
    >>> ends = (torch.zeros_like(x[:1]),), (torch.ones_like(x[:1]),)
    >>> network = KANBatch(Architecture(1), torch.zeros(1, 8, dtype=torch.float64), *ends, torch.zeros_like(x[:1]))
    >>> penalty = EdgePenalty(network.architecture, torch.full((1, 2), 1e-6, dtype=torch.float64), 50.0)
    >>> _, jacobian = network.forward_and_jacobian(data.inputs)
    >>> vector = torch.ones_like(network.theta)
    >>> there = (jacobian[0, :, 0] @ vector[0]) @ jacobian[0, :, 0] + penalty.times(vector)
    >>> bool(torch.allclose(LayerwiseCurvature.of(network, data, None, penalty).solve(there), vector))
    True
    """

    architecture: Architecture
    layers: tuple[_LayerSolver, ...]

    @classmethod
    def of(
        cls, network: KANBatch, data: Data, link: Link | None, penalty: EdgePenalty, share: float = 1.0
    ) -> LayerwiseCurvature:
        """Compute it at the parameters of `network` from `data`, a `share` of all rows, in float64."""
        double = to_dtype(network, torch.float64)
        with torch.no_grad():
            found = _moments(double, data, link)
            layers = tuple(
                _solver(basis / share, squares, penalty.matrix(index, double.theta)).to(network.theta.dtype)
                for index, (basis, squares) in enumerate(found)
            )
        return cls(network.architecture, layers)

    def solve(self, gradient: Tensor) -> Tensor:
        """Return the approximate inverse times `gradient` (M, parameters)."""
        blocks = zip(self.layers, self.architecture.split(gradient), strict=True)
        return torch.cat([solver.solve(block).flatten(1) for solver, block in blocks], dim=1)

    def take(self, index: Tensor) -> LayerwiseCurvature:
        """Return the preconditioner of the models at `index`."""
        return replace(self, layers=tuple(solver.take(index) for solver in self.layers))


def _moments(network: KANBatch, data: Data, link: Link | None) -> list[tuple[Tensor, Tensor]]:
    """Return A (M, width, width), or its diagonal (M, width), and σ² (M, subnodes) of every layer."""
    generator = torch.Generator().manual_seed(0)
    total: list[tuple[Tensor, Tensor]] = []
    for part in data.chunks(ROWS):
        signs = torch.randint(0, 2, part.target.shape, generator=generator) * 2 - 1
        weights = part.weights.to(network.theta).expand(len(network), -1).unsqueeze(-1)
        found = []
        for basis, flow in _sweep(network, part, link, signs.to(network.theta)):
            weighted = basis * weights
            if basis.shape[-1] > WIDE:
                second = (weighted * basis).sum(1)
            else:
                second = torch.matmul(weighted.transpose(1, 2), basis)
            found.append((second, (weights * flow.square()).sum(1)))
        total = [(a + c, b + d) for (a, b), (c, d) in zip(total, found, strict=True)] if total else found
    weight = data.weights.sum(-1).to(network.theta).expand(len(network)).unsqueeze(1)
    return [(second.nan_to_num(0.0), (squares / weight).nan_to_num(0.0)) for second, squares in total]


def _sweep(
    network: KANBatch, part: Data, link: Link | None, signs: Tensor
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield basis (M or 1, n, width) and sensitivities (M, n, subnodes) of every layer, first to last."""
    layers, blocks = network.architecture.layers, network.blocks()
    signal, bases, arrived = part.inputs.numbers.to(network.theta), [], []
    slopes: list[Tensor] = []
    for index, block in enumerate(blocks):
        codes = part.inputs.codes if index == 0 else None
        bases.append(network.layer_basis(index, signal, codes))
        if index > 0:
            slopes.append(network.layer_basis(index, signal, None, derivative=1))
        arrived.append(torch.matmul(bases[-1], block))
        signal = nodes_of(layers[index], arrived[-1])
    output = signal + network.offset.unsqueeze(1)
    flow = signs.expand_as(output) if link is None else signs * link.slope(output)
    flows = []
    for index in reversed(range(len(layers))):
        flow = through_products(layers[index], arrived[index], flow)
        flows.append(flow)
        if index > 0:
            reach = torch.matmul(flow, blocks[index].transpose(1, 2)) * slopes[index - 1]
            flow = torch.unflatten(reach, -1, (-1, layers[index].basis_size)).sum(-1)
    bases[0] = bases[0].unsqueeze(0)
    yield from zip(bases, reversed(flows), strict=True)


def _solver(second: Tensor, squares: Tensor, penalty: Tensor) -> _LayerSolver:
    """Invert σ_j² A + S for all nodes j of a layer; `penalty` is S (M, width, width)."""
    if second.ndim == 2:
        diagonal = penalty.diagonal(dim1=1, dim2=2).unsqueeze(-1)
        scale = second.unsqueeze(-1) * squares.unsqueeze(1) + diagonal
        return _LayerSolver(None, 1.0 / scale.clamp(min=FLOOR * scale.mean((1, 2), keepdim=True)))
    mean = squares.mean(1)[:, None, None].clamp(min=torch.finfo(torch.float32).tiny)
    whole = mean * second + penalty
    diagonal = whole.diagonal(dim1=1, dim2=2)
    diagonal.add_(1e-8 * diagonal.mean(1, keepdim=True))
    factor = torch.linalg.cholesky(whole)
    half = torch.linalg.solve_triangular(factor, second.expand_as(whole), upper=False)
    inner = torch.linalg.solve_triangular(factor, half.transpose(1, 2), upper=False)
    values, vectors = torch.linalg.eigh(0.5 * (inner + inner.transpose(1, 2)))
    root = torch.linalg.solve_triangular(factor.transpose(1, 2), vectors, upper=True)
    scale = 1.0 + (squares.unsqueeze(1) - mean) * values.unsqueeze(-1)
    return _LayerSolver(root, 1.0 / scale.clamp(min=FLOOR))
