"""The loss of the first-order trainers: the sum of squares over rows, and the penalty edge by edge.

With shape constraints (:mod:`kanopt.kan.constraints`) it is a function of d, otherwise of θ; either is called position.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanopt.kan.constraints import ConstrainedCoefficients
from kanopt.kan.curvature import LayerwiseCurvature
from kanopt.kan.edge_penalty import EdgePenalty
from kanopt.kan.gradient import squares, squares_and_gradient
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import Data, LeastSquares
from kanopt.kan.ranges import refit_ranges

__all__ = ["PenalisedLoss"]

GUESS = 2_048
"""Rows from which the first guess of L-BFGS is worked out."""

LOOK = 4_096
"""Rows over which the hidden ranges are followed."""


@dataclass(frozen=True)
class PenalisedLoss:
    """½ Σ w ‖y − g(f)‖² + ½ θᵀ S θ of every network.

    Parameters
    ----------
    objective
        Rows, weights and link.
    penalty
        S.
    constraints
        Parameterisation that holds shapes, or None.
    """

    objective: LeastSquares
    penalty: EdgePenalty
    constraints: ConstrainedCoefficients | None

    def position(self, network: KANBatch) -> Tensor:
        """Return the position of the networks, (M, parameters)."""
        return network.theta if self.constraints is None else self.constraints.variables(network.theta)

    @property
    def bounded(self) -> Tensor | None:
        """Mask of the entries of a position that must be ≥ 0, (parameters,), or None."""
        return None if self.constraints is None else self.constraints.bounded

    def networks_at(self, network: KANBatch, position: Tensor) -> KANBatch:
        """Return the networks moved to a position."""
        theta = position if self.constraints is None else self.constraints.coefficients(position)
        return replace(network, theta=theta)

    def evaluate(
        self, network: KANBatch, data: Data | None = None, share: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Return losses (M,) and gradients (M, P) with respect to the position; `data` may be a `share` of the rows."""
        rows = self.objective.data if data is None else data
        total, gradient = squares_and_gradient(network, rows, self.objective.link)
        bent = self.penalty.times(network.theta)
        loss = 0.5 * (total / share + (bent * network.theta).sum(1, dtype=torch.float64))
        gradient = gradient.div_(share).add_(bent)
        if network.active is not None:
            gradient *= network.active
        return loss, gradient if self.constraints is None else self.constraints.gradient_to_free(gradient)

    def loss(self, network: KANBatch) -> Tensor:
        """Return the losses (M,)."""
        total = squares(network, self.objective.data, self.objective.link)
        return 0.5 * (total + (self.penalty.times(network.theta) * network.theta).sum(1, dtype=torch.float64))

    def preconditioner(self, network: KANBatch) -> LayerwiseCurvature:
        """Return an approximate inverse Hessian with respect to θ, from a sample of the rows."""
        data = self.objective.data
        sample = data.rows(slice(None, None, max(1, len(data) // GUESS)))
        return LayerwiseCurvature.of(
            network, sample, self.objective.link, self.penalty, len(sample) / len(data)
        )

    def precondition(self, guess: LayerwiseCurvature, gradient: Tensor) -> Tensor:
        """Return the approximate inverse Hessian times a gradient, both with respect to the position."""
        if self.constraints is None:
            return guess.solve(gradient)
        return self.constraints.variables(guess.solve(self.constraints.gradient_from_free(gradient)))

    def for_models(self, index: Tensor) -> PenalisedLoss:
        """Return the loss of the networks at `index`."""
        return PenalisedLoss(
            self.objective.for_models(index), self.penalty.for_models(index), self.constraints
        )

    def with_refit_ranges(self, network: KANBatch) -> KANBatch | None:
        """Return the network with its hidden ranges refitted to their values; None if nothing changes."""
        inputs = self.objective.inputs
        sample = inputs.rows(slice(None, None, max(1, len(inputs) // LOOK)))
        sample = replace(sample, numbers=sample.numbers.to(network.theta.dtype))
        moved = refit_ranges(network, sample)
        if moved is None or self.constraints is None:
            return moved
        return replace(moved, theta=self.constraints.project(moved.theta))
