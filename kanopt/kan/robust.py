"""Robust losses by iterative reweighting.

A loss Σ ρ(r / s) is minimised by least squares with row weights ψ(u) / u at u = r / s, recomputed as the fit
changes (Huber and Ronchetti 2009, *Robust Statistics*, section 7.8). The scale s is the median absolute
residual / 0.6745, which one outlier in a hundred rows hardly affects.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanopt.kan.network import KANBatch
from kanopt.kan.objective import LeastSquares

HUBER = 1.345
"""Threshold of Huber's ψ in scales: 95 % efficient on normal errors."""

TUKEY = 4.685
"""Threshold of Tukey's biweight in scales: 95 % efficient on normal errors."""

LEAST_MEAN = 1e-2
"""Mean below which the variance of a count falls no further."""

LEAST_SCALE = 1e-6
"""Least scale, as a share of the mean absolute residual."""

LOSSES = ("squared", "huber", "tukey")


def weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted median along the last axis; a row of weight k counts as k rows.

    Examples
    --------
    >>> float(weighted_median(torch.tensor([1.0, 5.0, 9.0]), torch.tensor([1.0, 1.0, 3.0])))
    9.0
    """
    ordered, order = values.sort(dim=-1)
    mass = weights.expand_as(values).gather(-1, order).cumsum(-1)
    place = torch.searchsorted(mass, 0.5 * mass[..., -1:].contiguous())
    return ordered.gather(-1, place.clamp(max=values.shape[-1] - 1)).squeeze(-1)


def residual_scale(residual: Tensor, weights: Tensor) -> Tensor:
    """Return the robust standard deviation of residuals (..., n) about zero, shape (...).

    If more than half of the rows are fitted exactly, as when most targets are equal, the median is rounding error. The
    scale is then a millionth of the mean absolute residual, so that rounding does not decide which rows are outliers.
    """
    size = residual.abs()
    mean = (weights * size).sum(-1) / weights.sum(-1)
    return torch.maximum(weighted_median(size, weights) / 0.6745, LEAST_SCALE * mean)


def robust_weights(residual: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Return `weights` times ψ(u) / u for residuals (..., n); parameters as in :func:`robust_weight_share`."""
    return weights if loss == "squared" else weights * robust_weight_share(residual, weights, loss)


def robust_weight_share(residual: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Return ψ(u) / u for residuals (..., n): the fraction of its weight that a row keeps.

    Parameters
    ----------
    loss
        ``"squared"`` keeps all weights; ``"huber"`` and ``"tukey"`` lower the weights of rows with large residuals.
    """
    if loss == "squared":
        return torch.ones_like(residual)
    scale = residual_scale(residual, weights).clamp(min=torch.finfo(residual.dtype).tiny)
    return weight_function(residual.abs() / scale.unsqueeze(-1), loss)


def weight_function(u: Tensor, loss: str) -> Tensor:
    """Return ψ(u) / u for standardised residuals u.

    Examples
    --------
    >>> float(weight_function(torch.tensor(2.69), "huber"))
    0.5
    """
    if loss == "huber":
        return HUBER / u.clamp(min=HUBER)
    if loss == "tukey":
        return (1.0 - (u / TUKEY).clamp(max=1.0) ** 2) ** 2
    raise ValueError(f"unknown loss {loss!r}; known: {', '.join(LOSSES)}")


def huber_loss(size: Tensor, limit: Tensor) -> Tensor:
    """Return twice Huber's ρ of absolute residuals `size`: quadratic up to `limit`, linear beyond."""
    return torch.where(size > limit, limit * (2.0 * size - limit), size.square())


def poisson_weights(mean: Tensor) -> Tensor:
    """Return 1 / mean: iteratively reweighted least squares with these weights is quasi-Poisson regression.

    The error variance is proportional to the mean, and Σ mean = Σ target if the network has a free constant and an
    exponential link (McCullagh and Nelder 1989, *Generalized Linear Models*, section 9.2). Means are in units of their
    average; below a hundredth of it the weight is constant.
    """
    return 1.0 / mean.clamp(min=LEAST_MEAN)


def poisson_deviance(target: Tensor, mean: Tensor) -> Tensor:
    """Return 2 [y log(y / μ) − (y − μ)], about (y − μ)² / μ, of every row (McCullagh and Nelder 1989, table 2.1)."""
    mean = mean.clamp(min=LEAST_MEAN)
    return 2.0 * (torch.xlogy(target, target / mean) - (target - mean))


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
