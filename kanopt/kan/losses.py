"""The loss of networks on rows: squares, deviances or a robust loss, as weights of the rows and as a sum."""

from __future__ import annotations

from torch import Tensor

from kanopt.kan.network import KANBatch
from kanopt.kan.objective import LeastSquares
from kanopt.kan.robust import (
    HUBER,
    huber_loss,
    poisson_deviance,
    poisson_weights,
    residual_scale,
    robust_weights,
)

__all__ = ["reweight", "summed_loss"]


def reweight(network: KANBatch, objective: LeastSquares, loss: str) -> LeastSquares:
    """Return the objective with the row weights of `loss` at the current parameters."""
    if loss == "squared":
        return objective
    if loss == "poisson":
        mean = objective.outputs(network, objective.inputs)[..., 0]
        return objective.with_weights(objective.data.weights * poisson_weights(mean))
    residual = objective.residuals(network).norm(dim=-1)
    return objective.with_weights(robust_weights(residual, objective.data.weights, loss))


def summed_loss(network: KANBatch, objective: LeastSquares, loss: str, limit: Tensor | None = None) -> Tensor:
    """Return the weighted sum of squares, of deviances, or of Huber's ρ for a robust loss; (M,).

    Parameters
    ----------
    limit
        Residual size above which ρ is linear; None takes that of the network with the smallest residuals for all.
    """
    data = objective.data
    if loss == "poisson":
        deviance = poisson_deviance(data.target[:, 0], objective.outputs(network, data.inputs)[..., 0])
        return (data.weights * deviance).sum(1)
    if loss == "squared":
        return objective.squares(network)
    size = objective.residuals(network).norm(dim=-1)
    limit = HUBER * residual_scale(size, data.weights).min() if limit is None else limit
    return (data.weights * huber_loss(size, limit)).sum(1)
