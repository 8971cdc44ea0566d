"""Hidden layers of splines, prepared for many forward and backward passes.

The output of such a layer is linear in basis functions F of its inputs, arrived = F(x) · C, and its gradient needs F
and F′. The grid index comes before the input, so that every operation runs along the inputs; all results are written to
preallocated buffers.

Two bases span the same splines. On coarse grids F holds the powers of s, the position in cells from the middle of the
range, and truncated cubes, one per inner knot, on the side away from the middle:

    1,  s,  s²,  s³,  max(0, s − k)³ for knots k ≥ 0,  max(0, k − s)³ for knots k < 0

(the truncated powers of de Boor 2001, ch. VIII, folded at the middle so that none grows beyond (grid / 2)³). Up to a
factor, which is absorbed into C, the derivatives are 1, s, s² and truncated squares: values and derivatives share most
of the work, and the constant needs no product at all. For grids above 7 powers lose digits; there F holds the
B-splines. With a = max(0, 2 − |d|) and b = max(0, 1 − |d|) at the distance d (in cells) from the centre of a B-spline,
one pass computes both 6 B = a³ − 4 b³ and −2 B′ = sign(d) (a² − 4 b²).

Beyond the range F(x) is extrapolated along its tangent, F(end) + F′(end) · (x − end), like the splines.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import softshrink

from kanopt.kan.architecture import LayerArchitecture
from kanopt.kan.basis import dense_basis

__all__ = ["HiddenLayer", "hidden_layer"]

COARSE = 7
"""Largest grid on which powers are used."""


class HiddenLayer(ABC):
    """One hidden layer of M networks.

    Parameters
    ----------
    sizes
        Its architecture.
    block
        Coefficients, (M, width, subnodes).
    ends
        Lower and upper ends of the ranges, each (M, splines).
    buffers
        Work space shared by the layers, (3, M · width · maximum rows per block); its contents are not preserved.
    """

    def __init__(
        self, sizes: LayerArchitecture, block: Tensor, ends: tuple[Tensor, Tensor], spare: Tensor
    ) -> None:
        lower, upper = (end.unsqueeze(1) for end in ends)
        self.sizes, self.per_unit = sizes, sizes.grid_size / (upper - lower)
        self.shift = -lower * self.per_unit
        self.models, self.buffers = len(block), spare
        self.coefficients = torch.unflatten(block, 1, (sizes.splines, sizes.basis_size))

    @abstractmethod
    def forward(self, signal: Tensor) -> Tensor:
        """Return the sub-node values (M, n, subnodes) for node values (M, n, splines)."""

    @abstractmethod
    def backward(self, flow: Tensor) -> Tensor:
        """Propagate the sensitivities (M, n, subnodes) of the last rows to the nodes, and accumulate the gradient."""

    @abstractmethod
    def gradient(self) -> Tensor:
        """Return the accumulated gradient with respect to the coefficients, (M, width, subnodes)."""

    def _view(self, room: Tensor, rows: int, functions: int) -> Tensor:
        """Return the beginning of a buffer as a view of shape (M, rows, functions, splines)."""
        size = (self.models, rows, functions, self.sizes.splines)
        return room[: self.models * rows * functions * self.sizes.splines].view(size)


def hidden_layer(
    sizes: LayerArchitecture, block: Tensor, ends: tuple[Tensor, Tensor], spare: Tensor
) -> HiddenLayer:
    """Return the layer in the basis that suits its grid; parameters as in :class:`HiddenLayer`."""
    kind = _TruncatedPowerBasis if sizes.grid_size <= COARSE else _BSplineBasis
    return kind(sizes, block, ends, spare)


class _TruncatedPowerBasis(HiddenLayer):
    """Powers and truncated cubes; of the G + 3 functions the constant is treated separately."""

    def __init__(
        self, sizes: LayerArchitecture, block: Tensor, ends: tuple[Tensor, Tensor], spare: Tensor
    ) -> None:
        super().__init__(sizes, block, ends, spare)
        grid = sizes.grid_size
        self.half = 0.5 * grid
        self.shift -= self.half
        knots = torch.arange(1, grid, dtype=block.dtype, device=block.device).unsqueeze(1) - self.half
        self.side = torch.where(knots < 0, -1.0, 1.0).to(block)
        order = self.side[:, 0].argsort(descending=True, stable=True)  # the knots on the right first
        self.side, self.past = self.side[order], -(self.side * knots)[order]
        self.right = 2 + int((self.side > 0).sum())
        self.change = _change_of_basis(grid).to(block)
        factors = torch.cat([torch.tensor([[1.0], [2.0], [3.0]]).to(block), 3.0 * self.side])
        powers = torch.matmul(self.change, self.coefficients).transpose(1, 2)
        self.constant = powers[:, 0].sum(1, keepdim=True)
        self.weights = powers[:, 1:].flatten(1, 2)
        slopes = powers[:, 1:] * factors.unsqueeze(-1) * self.per_unit.unsqueeze(-1)
        self.back = slopes.flatten(1, 2).transpose(1, 2).contiguous()
        self.total, self.total_constant = torch.zeros_like(self.weights), torch.zeros_like(self.constant)
        self.buffer = torch.empty_like(spare[:2])

    def forward(self, signal: Tensor) -> Tensor:
        rows = signal.shape[1]
        self.functions = self._view(self.buffer[0], rows, self.sizes.basis_size - 1)
        self.slopes = self._view(self.buffer[1], rows, self.sizes.basis_size - 2)
        way = self._view(self.buffers[0], rows, self.sizes.basis_size - 4)
        place, inside = self.functions[:, :, 0], self.slopes[:, :, 0]
        torch.addcmul(self.shift, signal, self.per_unit, out=place)
        torch.clamp(place, -self.half, self.half, out=inside)
        s = inside.unsqueeze(2)
        torch.mul(inside, inside, out=self.slopes[:, :, 1])
        torch.mul(self.slopes[:, :, :2], s, out=self.functions[:, :, 1:3])
        torch.addcmul(self.past, self.side, s, out=way).clamp_(min=0.0)
        torch.mul(way, way, out=self.slopes[:, :, 2:])
        torch.mul(self.slopes[:, :, 2:], way, out=self.functions[:, :, 3:])
        if not torch.equal(place, inside):
            self._extrapolate((place - inside).unsqueeze(2))
        return torch.baddbmm(self.constant, self.functions.flatten(2), self.weights)

    def _extrapolate(self, beyond: Tensor) -> None:
        """Add F′ times the distance past the nearer end; s itself is linear already."""
        others = self.functions[:, :, 1:]
        for factor, part in (
            (2.0, slice(0, 1)),
            (3.0, slice(1, self.right)),
            (-3.0, slice(self.right, None)),
        ):
            others[:, :, part].addcmul_(self.slopes[:, :, part], beyond, value=factor)

    def backward(self, flow: Tensor) -> Tensor:
        self.total.baddbmm_(self.functions.flatten(2).transpose(1, 2), flow)
        self.total_constant += flow.sum(1, keepdim=True)
        reach = self._view(self.buffers[0], flow.shape[1], self.sizes.basis_size - 1)
        torch.bmm(flow, self.back, out=reach.flatten(2))
        back = reach[:, :, 0].clone()
        for place in range(self.slopes.shape[2]):
            back.addcmul_(reach[:, :, place + 1], self.slopes[:, :, place])
        return back

    def gradient(self) -> Tensor:
        others = torch.unflatten(self.total, 1, (-1, self.sizes.splines))
        constant = self.total_constant.unsqueeze(1).expand(-1, 1, self.sizes.splines, -1)
        powers = torch.cat([constant, others], dim=1).transpose(1, 2)
        return torch.matmul(self.change.T, powers).flatten(1, 2)


@cache
def _change_of_basis(grid: int) -> Tensor:
    """Return the matrix from B-spline coefficients to truncated-power coefficients, the constant first."""
    half = 0.5 * grid
    s = torch.linspace(-half, half, 6 * (grid + 3), dtype=torch.float64).unsqueeze(1)
    knots = torch.arange(1, grid, dtype=torch.float64) - half
    ways = [(s - knots[knots >= 0]).clamp(min=0.0), (knots[knots < 0] - s).clamp(min=0.0)]
    powers = torch.cat([torch.ones_like(s), s, s**2, s**3, *(way**3 for way in ways)], dim=1)
    ends = torch.full((1,), -half, dtype=torch.float64), torch.full((1,), half, dtype=torch.float64)
    splines = dense_basis(s.squeeze(1), *ends, grid)
    change = torch.linalg.lstsq(powers, splines).solution
    # Sixths of cubes of half cells: every entry is a multiple of 1/48. The solver's last bits depend on where the
    # memory of the process lies, and training would carry them into every digit: one seed has to give one network.
    return torch.round(change * 48.0) / 48.0


class _BSplineBasis(HiddenLayer):
    """B-splines times six, for any grid."""

    def __init__(
        self, sizes: LayerArchitecture, block: Tensor, ends: tuple[Tensor, Tensor], spare: Tensor
    ) -> None:
        super().__init__(sizes, block, ends, spare)
        self.weights = self.coefficients.transpose(1, 2).flatten(1, 2) / 6.0
        self.total = torch.zeros_like(self.weights)
        self.buffer = torch.empty_like(spare[:2])
        size, like = sizes.basis_size, self.weights
        self.middle = torch.arange(-1, size - 1, dtype=like.dtype, device=like.device).unsqueeze(1)

    def forward(self, signal: Tensor) -> Tensor:
        place = torch.addcmul(self.shift, signal, self.per_unit)
        grid = self.sizes.grid_size
        inside = place.clamp(0.0, float(grid))
        values, slopes, distance, outer, inner = (
            self._view(room, signal.shape[1], grid + 3) for room in (*self.buffer, *self.buffers)
        )
        torch.sub(inside.unsqueeze(2), self.middle, out=distance)
        torch.abs(distance, out=outer).neg_().add_(2.0).clamp_(min=0.0)
        shrunk = softshrink(outer, 1.0)
        torch.mul(outer, outer, out=values)
        torch.mul(shrunk, shrunk, out=inner)
        torch.sub(values, inner, alpha=4.0, out=slopes).copysign_(distance)
        values.mul_(outer).sub_(inner.mul_(shrunk), alpha=4.0)
        if not torch.equal(place, inside):
            values.sub_(slopes * (place - inside).unsqueeze(2), alpha=3.0)
        self.values, self.slopes = values.flatten(2), slopes
        return torch.bmm(self.values, self.weights)

    def backward(self, flow: Tensor) -> Tensor:
        self.total.baddbmm_(self.values.transpose(1, 2), flow)
        reach = self._view(self.buffers[0], flow.shape[1], self.sizes.basis_size)
        torch.bmm(flow, self.weights.transpose(1, 2), out=reach.flatten(2))
        return reach.mul_(self.slopes).sum(2).mul_(-3.0 * self.per_unit)

    def gradient(self) -> Tensor:
        parts = torch.unflatten(self.total, 1, (self.sizes.basis_size, self.sizes.splines))
        return parts.transpose(1, 2).flatten(1, 2).div_(6.0)
