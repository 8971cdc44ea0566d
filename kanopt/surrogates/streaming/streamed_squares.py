"""Sums of squares over rows that are read from disk, for the trainers of :mod:`kanopt.kan`.

A pass over the rows costs more than the step computed from it. So a trial step and the normal equations at its end are
evaluated in one pass. If a network is linear in its parameters, one pass is enough for everything: with H = JᵀWJ and
v = JᵀWr at θ₀,

    Σ w r²(θ₀ + δ) = Σ w r² − 2 δᵀv + δᵀHδ

exactly, so that smoothing weights and bounds are handled in memory (:class:`QuadraticModel`). Otherwise H affects only
the steps, not the optimum: it is computed on a random sample of every batch, while loss and gradient are those of all
rows (subsampled Newton; Roosta-Khorasani and Mahoney 2019, *Sub-sampled Newton methods*, Math. Program. 174). A
gradient costs a few passes through the network, whereas the cost of H grows with the square of the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from kanopt.kan.architecture import InputTensors
from kanopt.kan.large import squares_and_gradient
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares, NormalEquations, Precision
from kanopt.kan.robust import HUBER, TUKEY

__all__ = ["RobustLoss", "StreamedSquares"]

PART = 1 << 13
"""Rows that go through a network at once."""


@dataclass(frozen=True)
class RobustLoss:
    """Σ ρ(r / s) s² with a fixed scale s, by iterative reweighting (:mod:`kanopt.kan.robust`).

    Parameters
    ----------
    name
        ``"huber"`` or ``"tukey"``.
    scale
        Robust standard deviation of the residuals on the sample.
    """

    name: str
    scale: float

    def doubled_loss(self, residual: Tensor) -> Tensor:
        """Return 2 ρ(u) s², which is r² for small residuals."""
        u = residual.abs() / self.scale
        if self.name == "huber":
            return self.scale**2 * torch.where(u <= HUBER, u.square(), HUBER * (2.0 * u - HUBER))
        left = 1.0 - (u / TUKEY).clamp(max=1.0).square()
        return (self.scale * TUKEY) ** 2 / 3.0 * (1.0 - left**3)

    def weight_share(self, residual: Tensor) -> Tensor:
        """Return ψ(u) / u, the factor on the weight of every row."""
        u = residual.abs() / self.scale
        if self.name == "huber":
            return HUBER / u.clamp(min=HUBER)
        return (1.0 - (u / TUKEY).clamp(max=1.0).square()).square()


@dataclass
class StreamedSquares:
    """Σ w (y − g(f(x; θ)))², or a robust loss, over rows that are read anew for every network; one at a time.

    Parameters
    ----------
    read
        Starts a reading of all rows.
    inputs
        A sample, over which hidden ranges are followed.
    link
        g; None is the identity.
    robust
        The loss where it is not the square.
    precision
        Of JᵀWJ, see :class:`~kanopt.kan.objective.LeastSquares`.
    share
        Share of the rows that JᵀWJ is taken from; it is scaled up to all.
    seed
        Decides on them.
    readings
        How often all rows were read.
    """

    read: Callable[[], Iterator[Data]]
    inputs: InputTensors
    link: Link | None = None
    robust: RobustLoss | None = None
    precision: Precision = "double"
    share: float = 1.0
    seed: int = 0
    readings: int = 0
    _last: tuple[KANBatch, NormalEquations] | None = field(default=None, repr=False)

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Return the Gauss-Newton quantities; those of the network looked at last are still known."""
        if self._last is None or not _same(self._last[0], network):
            total = NormalEquations.zero(network)
            generator = torch.Generator().manual_seed(self.seed)
            exact = self.share >= 1.0 and self.robust is None
            for data in self.read():
                for part in data.chunks(PART):
                    total = total + (
                        self._exact(network, part) if exact else self._part(network, part, generator)
                    )
            self.readings += 1
            self._last = network, total
        return self._last[1]

    def squares(self, network: KANBatch) -> Tensor:
        """Return the loss of every network, shape (M,); the trainer asks for the equations next."""
        return self.normal_equations(network).squares

    def for_models(self, index: Tensor) -> StreamedSquares:
        """Return the objective, which is the same for all networks."""
        return self

    def _exact(self, network: KANBatch, data: Data) -> NormalEquations:
        return LeastSquares(data, self.link, self.precision).normal_equations(network)

    def _part(self, network: KANBatch, data: Data, generator: torch.Generator) -> NormalEquations:
        """Return loss and gradient of all rows, and JᵀWJ of a sample."""
        squares = None
        if self.robust is not None:
            residual = LeastSquares(data, self.link).residuals(network)[0, :, 0]
            squares = (data.weights @ self.robust.doubled_loss(residual)).unsqueeze(0)
            # ψ(r) = trust(r) · r, so that the gradient is that of weighted squares.
            data = replace(data, weights=data.weights * self.robust.weight_share(residual))
        total, gradient = squares_and_gradient(network, data, self.link)
        if network.active is not None:
            gradient = gradient * network.active
        chosen = torch.nonzero(torch.rand(len(data), generator=generator) < self.share).squeeze(1)
        some = data.rows(chosen.to(network.theta.device))
        some = replace(some, weights=some.weights / self.share)
        return NormalEquations(
            self._exact(network, some).matrix, -gradient, total if squares is None else squares
        )


def _same(first: KANBatch, second: KANBatch) -> bool:
    pairs = zip(
        (first.theta, *first.lower, *first.upper), (second.theta, *second.lower, *second.upper), strict=True
    )
    return all(torch.equal(one, other) for one, other in pairs)
