"""Grid ranges of the hidden splines, which are adapted to the values of their nodes.

A node's range is the possible range of the sum of its incoming edges, but at most a tenth wider than the range of its
values. When the range no longer fits, the incoming edges are rescaled so that the node spans [0, 1] again (exact, since
B-splines sum to one), and the outgoing splines are refitted to the functions they were. A fixed span of the nodes also
makes the roughness penalty meaningful: otherwise a network could evade it by shrinking a node. The factors of a product
node are scaled to a maximum of one, and the range of the product is adapted.

New rows may reach a little beyond the training rows. Cells of a spline without rows are therefore extrapolated with the
cubic of the neighbouring cell, rather than left to the penalty.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from kanopt.kan.basis import dense_basis, periodic_basis, periodic_roughness, roughness
from kanopt.kan.network import Architecture, InputTensors, KANBatch, LayerArchitecture, by_kind

# Shape constraints by parameterisation: increasing and decreasing splines, through hidden layers too.
#
# A B-spline takes the shape of its coefficients (variation diminution, de Boor 2001, *A Practical Guide to
# Splines*, ch. XI): non-decreasing coefficients give a non-decreasing spline, and the linear tails keep the
# shape. That becomes bounds on d when the coefficients c of an edge are written c = T d with
# c_k = d_0 ± (d_1 + … + d_k), d_1, d_2, … ≥ 0,
# which an active set enforces exactly (:mod:`kanopt.kan.trainer`). T is block diagonal over the edges, so θ
# = T d is computed layer by layer, as products of one small matrix per input with the coefficients of all
# its outgoing edges.
#
# Through hidden layers: every edge that leaves a constrained input has the requested shape, and all later
# edges are increasing, which preserves the sign (Daniels and Velikova 2010, *Monotone and partially
# monotone neural networks*, IEEE TNN 21). First-layer edges of unconstrained inputs are free.


@dataclass(frozen=True)
class ShapeConstraints:
    """The shape constraints of every numeric input.

    Parameters
    ----------
    monotonic
        +1 increasing, −1 decreasing, 0 free; one per numeric input, or empty for no constraint.
    """

    monotonic: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return any(self.monotonic)

    def of_layer(self, index: int, splines: int) -> tuple[int, ...]:
        """Return the signs of the slopes of the edges leaving each of the `splines` inputs of a layer."""
        if not self:
            return (0,) * splines
        return self.monotonic if index == 0 else (1,) * splines


@dataclass(frozen=True)
class ConstrainedCoefficients:
    """The parameterisation θ = T d with some d ≥ 0.

    Attributes
    ----------
    architecture
        Sizes of the networks.
    transforms, inverses
        Per layer, T and T⁻¹ of the splines of every input, (splines, basis_size, basis_size).
    bounded
        Mask of the d that must be ≥ 0, shape (parameters,).

    Examples
    --------
    >>> rising = ConstrainedCoefficients.of(Architecture(numbers=1, grid_size=2), ShapeConstraints(monotonic=(1,)))
    >>> rising.project(torch.tensor([[0.0, 1.0, 0.0, 2.0, 3.0]], dtype=torch.float64)).tolist()
    [[0.0, 1.0, 1.0, 3.0, 4.0]]
    """

    architecture: Architecture
    transforms: tuple[Tensor, ...]
    inverses: tuple[Tensor, ...]
    bounded: Tensor

    @classmethod
    def of(
        cls, shape: Architecture, wanted: ShapeConstraints, device: torch.device | None = None
    ) -> ConstrainedCoefficients | None:
        """Build the parameterisation; None without constraints."""
        if not wanted:
            return None
        transforms, bounded = [], []
        for index, layer in enumerate(shape.layers):
            size = layer.basis_size
            edges = [_edge(size, sign) for sign in wanted.of_layer(index, layer.splines)]
            none = torch.zeros(0, size, size, dtype=torch.float64)
            transforms.append(torch.stack([step for step, _ in edges]) if edges else none)
            free = torch.zeros(layer.width - size * layer.splines, dtype=torch.bool)
            bounded.append(torch.cat([*(bound for _, bound in edges), free]).repeat_interleave(layer.nodes))
        inverses = tuple(torch.linalg.inv(step).to(device) for step in transforms)
        return cls(
            shape, tuple(step.to(device) for step in transforms), inverses, torch.cat(bounded).to(device)
        )

    def coefficients(self, free: Tensor) -> Tensor:
        """Return θ = T d, shape of `free` (M, parameters)."""
        return self._times(self.transforms, free.unsqueeze(-1)).squeeze(-1)

    def variables(self, theta: Tensor) -> Tensor:
        """Return d = T⁻¹ θ."""
        return self._times(self.inverses, theta.unsqueeze(-1)).squeeze(-1)

    def gradient_to_free(self, gradient: Tensor) -> Tensor:
        """Return the gradient with respect to d, Tᵀ times the gradient with respect to θ."""
        return self._times(_transposed(self.transforms), gradient.unsqueeze(-1)).squeeze(-1)

    def hessian_to_free(self, hessian: Tensor) -> Tensor:
        """Return the Hessian with respect to d, Tᵀ H T for a symmetric H (M, parameters, parameters)."""
        matrices = _transposed(self.transforms)
        return self._times(matrices, self._times(matrices, hessian).transpose(1, 2))

    def clip(self, free: Tensor) -> Tensor:
        """Clip the bounded d at zero."""
        return torch.where(self.bounded, free.clamp(min=0.0), free)

    def project(self, theta: Tensor) -> Tensor:
        """Return coefficients near `theta` (M, parameters) whose d satisfy the bounds."""
        return self.coefficients(self.clip(self.variables(theta)))

    def _times(self, matrices: tuple[Tensor, ...], columns: Tensor) -> Tensor:
        """Return the product of one small matrix per input with `columns` (M, parameters, count)."""
        parts = []
        sizes = [layer.parameters for layer in self.architecture.layers]
        blocks = torch.split(columns, sizes, dim=1)
        for layer, matrix, block in zip(self.architecture.layers, matrices, blocks, strict=True):
            # Sub-nodes and columns are laid side by side, for one wide product per input.
            size, wide = layer.basis_size, layer.nodes * columns.shape[-1]
            end = layer.splines * size * layer.nodes
            splines = block[:, :end].reshape(len(block), layer.splines, size, wide)
            product = torch.matmul(matrix.to(columns), splines)
            parts += [product.reshape(len(block), end, columns.shape[-1]), block[:, end:]]
        return torch.cat(parts, dim=1)


def _edge(size: int, sign: int) -> tuple[Tensor, Tensor]:
    """Return T (size, size) of one edge, and the mask (size,) of its bounded d."""
    if not sign:
        return torch.eye(size, dtype=torch.float64), torch.zeros(size, dtype=torch.bool)
    step = torch.tril(torch.ones(size, size, dtype=torch.float64)) * float(sign)
    step[:, 0] = 1.0
    return step, torch.arange(size) >= 1


def _transposed(matrices: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(matrix.transpose(1, 2) for matrix in matrices)


@dataclass(frozen=True)
class Penalty:
    """½ W (Σ_g λ_g θᵀ S_g θ + ρ θᵀθ), W being the sum of the row weights.

    A group g consists of all edges of one input of the first layer, or of all edges of one later layer. For splines
    S_g is the integrated squared second derivative (:func:`kanopt.kan.basis.roughness`), for a table the identity,
    which shrinks rare categories towards the overall mean. The groups do not overlap.

    Attributes
    ----------
    matrix
        The sum of all S_g, shape (parameters, parameters).
    vectors, values
        Its eigenvectors (parameters, parameters), edge by edge, and eigenvalues (parameters,), which are exactly zero
        for unpenalised directions. In this basis the penalty is diagonal.
    group
        Group of every parameter, shape (parameters,).
    groups
        Number of groups.
    """

    matrix: Tensor
    vectors: Tensor
    values: Tensor
    group: Tensor
    groups: int

    @classmethod
    @lru_cache(maxsize=4)
    def of(cls, shape: Architecture, device: torch.device | None = None) -> Penalty:
        """Build the penalty of an architecture; those of the last few are kept, as training asks for one every turn."""
        vectors: list[Tensor] = []
        values: list[Tensor] = []
        group: list[Tensor] = []
        count = 0
        for index, layer in enumerate(shape.layers):
            for bend, directions in _directions(layer):
                values.append(bend)
                vectors.append(directions)
                group.append(torch.full((len(bend),), count))
                count += 1 if index == 0 else 0
            count += 0 if index == 0 else 1
        basis: Tensor = torch.block_diag(*vectors).to(device)  # type: ignore[no-untyped-call]
        scale = torch.cat(values).to(device)
        matrix = (basis * scale) @ basis.T
        return cls(matrix, basis, scale, torch.cat(group).to(device), count)

    def matrices(self, smoothing: Tensor, total_weight: float) -> Tensor:
        """Return the penalty matrices, shape (M, parameters, parameters).

        Parameters
        ----------
        smoothing
            λ of every group, followed by the ridge ρ; shape (M, groups + 1).
        total_weight
            W.
        """
        matrix = self.matrix * smoothing[:, self.group].unsqueeze(-1)
        matrix.diagonal(dim1=-2, dim2=-1).add_(smoothing[:, -1:])
        return matrix * total_weight


def _directions(layer: LayerArchitecture) -> list[tuple[Tensor, Tensor]]:
    """Return, per input, eigenvalues and eigenvectors of the penalty on all its outgoing edges."""
    nodes = torch.eye(layer.nodes, dtype=torch.float64)

    def spread(values: Tensor, vectors: Tensor) -> tuple[Tensor, Tensor]:
        return values.repeat_interleave(layer.nodes), torch.kron(vectors.contiguous(), nodes)

    parts = [spread(*_spline_directions(layer.basis_size))] * layer.splines
    if layer.cycles:
        parts += [spread(*_cycle_directions(layer.grid_size))] * layer.cycles
    for categories in layer.tables:
        size = categories * layer.nodes
        parts.append((torch.ones(size, dtype=torch.float64), torch.eye(size, dtype=torch.float64)))
    return parts


def _spline_directions(basis_size: int) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(roughness(basis_size - 3))
    # The null space would depend on rounding: use the constant and the linear function as its basis.
    line = torch.linspace(-1.0, 1.0, basis_size, dtype=torch.float64)
    vectors[:, :2] = torch.stack([torch.ones_like(line), line], dim=1)
    vectors[:, :2] /= vectors[:, :2].norm(dim=0)
    values[:2] = 0.0
    return values, vectors


def _cycle_directions(grid_size: int) -> tuple[Tensor, Tensor]:
    values, vectors = torch.linalg.eigh(periodic_roughness(grid_size))
    vectors[:, 0] = grid_size**-0.5
    values[0] = 0.0
    return values.clamp(min=0.0), vectors


SLACK = 0.02
"""How far a range may be left, as a share of its span, before it is moved."""
BEYOND = 0.1
"""How far a range may reach beyond the values seen, as a share of their span."""
MARGIN = 0.01
"""Room left on either side of a range."""
FILLED = 0.8
"""Share of a range that must be filled."""


def refit_ranges(
    network: KANBatch,
    inputs: InputTensors,
    constraints: ConstrainedCoefficients | None = None,
    slack: float = SLACK,
) -> KANBatch | None:
    """Adapt the hidden ranges to the values of their nodes; None if they fit already.

    A node's range is changed when the suitable range exceeds the current one by more than `slack` of its span, or
    covers less than four fifths of it.
    """
    if not network.architecture.hidden:
        return None
    moved = None
    seen = _value_ranges(network, inputs)
    for layer in range(1, len(network.architecture.layers)):
        low, high = _suitable_range(network, layer, seen[layer - 1])
        stale = (low < -slack) | (high > 1.0 + slack) | (high - low < FILLED)
        stale &= seen[layer - 1][1] > seen[layer - 1][0]
        if bool(stale.any()):
            moved = network = _move_nodes(network, layer, stale, seen[layer - 1])
            seen = _value_ranges(network, inputs)
    if moved is not None and constraints is not None:
        moved = replace(moved, theta=constraints.project(moved.theta))
    return moved


def rescale_incoming(network: KANBatch, layer: int, inputs: InputTensors) -> KANBatch:
    """Return a network in which the values of every node before `layer` fill its range.

    The outgoing splines keep their coefficients, so that the function changes: this is for random starts.
    """
    seen = _value_ranges(network, inputs)[layer - 1]
    every = torch.ones_like(seen[0], dtype=torch.bool)
    return network.with_blocks(_rescale(network, layer, every, seen)[0])


def _value_ranges(network: KANBatch, inputs: InputTensors) -> list[tuple[Tensor, Tensor]]:
    """Return the least and largest value of the nodes before every later layer, each (M, nodes)."""
    found: list[tuple[Tensor, Tensor]] = []
    for _, nodes in network.activation_blocks(inputs):
        ends = [(signal.amin(1), signal.amax(1)) for signal in nodes[:-1]]
        pairs = zip(found, ends, strict=True) if found else ((end, end) for end in ends)
        found = [(torch.minimum(a[0], b[0]), torch.maximum(a[1], b[1])) for a, b in pairs]
    return found


def _suitable_range(network: KANBatch, layer: int, seen: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Return the suitable range of every node before `layer`, (M, nodes) each; `seen` is the range of its values."""
    low, high = seen
    span = (high - low).clamp(min=1e-9)
    least, most = low - BEYOND * span, high + BEYOND * span
    reach = _sum_bounds(network, layer)
    least = torch.maximum(least, torch.minimum(reach[0], low))
    most = torch.minimum(most, torch.maximum(reach[1], high))
    return least - MARGIN * span, most + MARGIN * span


def _sum_bounds(network: KANBatch, layer: int) -> tuple[Tensor, Tensor]:
    """Return the smallest and largest possible sum of the edges into every node before `layer`."""
    sizes, block = network.architecture.layers[layer - 1], network.blocks()[layer - 1]
    splines, cycles, tables = by_kind(sizes, block)
    points = torch.linspace(0.0, 1.0, 4 * sizes.basis_size, dtype=block.dtype, device=block.device)
    ends = (points.new_zeros(1), points.new_ones(1))
    curves = [
        dense_basis(points, *ends, sizes.grid_size) @ splines,
        periodic_basis(points, sizes.grid_size) @ cycles,
    ]
    least = sum((curve.amin(2).sum(1) for curve in curves), torch.zeros_like(block[:, 0]))
    most = sum((curve.amax(2).sum(1) for curve in curves), torch.zeros_like(block[:, 0]))
    for table in torch.split(tables, list(sizes.tables), dim=1) if sizes.tables else ():
        least, most = least + table.amin(1), most + table.amax(1)
    return least, most


def _rescale(
    network: KANBatch, layer: int, stale: Tensor, seen: tuple[Tensor, Tensor]
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Rescale the incoming edges of the `stale` nodes (M, nodes) before `layer`, whose values span `seen`, to [0, 1].

    Returns the blocks of all layers, and shift and scale of every node, an old value being shift + scale · new value.
    """
    low, high = _suitable_range(network, layer, seen)
    shift, scale = torch.where(stale, low, 0.0), torch.where(stale, high - low, 1.0)
    blocks, arriving = network.blocks(), len(network.architecture.layers[layer - 1].widths)
    # all incoming edges of a node take the same part of its shift
    blocks[layer - 1] = (blocks[layer - 1] - shift.unsqueeze(1) / arriving) / scale.unsqueeze(1)
    return blocks, shift, scale


def _move_nodes(network: KANBatch, layer: int, stale: Tensor, seen: tuple[Tensor, Tensor]) -> KANBatch:
    """Rescale the incoming edges of the stale nodes before a layer and refit their outgoing splines."""
    blocks, shift, scale = _rescale(network, layer, stale, seen)
    sizes = network.architecture.layers[layer]
    points = torch.linspace(0.0, 1.0, 4 * sizes.basis_size, dtype=shift.dtype, device=shift.device)
    zero, one = points.new_zeros(1), points.new_ones(1)
    splines = torch.unflatten(blocks[layer], 1, (sizes.splines, sizes.basis_size))
    old = shift.unsqueeze(-1) + points * scale.unsqueeze(-1)
    wanted = dense_basis(old, zero, one, sizes.grid_size) @ splines
    solver = torch.linalg.pinv(dense_basis(points, zero, one, sizes.grid_size))
    blocks[layer] = torch.where(stale[..., None, None], solver @ wanted, splines).flatten(1, 2)
    return network.with_blocks(blocks)
