"""From the output of a network to a target that is positive or bounded.

A law that must stay above zero, or between two ends, everywhere, is g(f(x)) with a link g whose values do (McCullagh
and Nelder 1989, *Generalized Linear Models*, section 2.2). The Jacobian of a network behind a link is that of the
network times g′.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

__all__ = ["Link", "Logistic", "Softplus"]

Array = TypeVar("Array", np.ndarray, Tensor)


@dataclass(frozen=True)
class Link:
    """A smooth increasing function of the output."""

    def __call__(self, output: Array) -> Array:
        """Return the target, shape of `output`."""
        raise NotImplementedError

    def slope(self, output: Array) -> Array:
        """Return the derivative, shape of `output`."""
        raise NotImplementedError

    def inverse(self, target: Array) -> Array:
        """Return an output that gives `target`, moved inside the range where it lies at its edge or outside."""
        raise NotImplementedError


@dataclass(frozen=True)
class Softplus(Link):
    """Low + scale · log(1 + exp(f / scale)): above `low`, and a straight line far above it.

    Examples
    --------
    >>> link = Softplus(scale=1.0)
    >>> float(np.round(link(np.array(-3.0)), 4)), float(np.round(link(np.array(30.0)), 4))
    (0.0486, 30.0)
    """

    scale: float = 1.0
    low: float = 0.0

    def __call__(self, output: Array) -> Array:
        """Return the target."""
        z = output / self.scale
        if isinstance(z, Tensor):
            return self.low + self.scale * torch.logaddexp(z, torch.zeros_like(z))
        return self.low + self.scale * np.logaddexp(z, 0.0)

    def slope(self, output: Array) -> Array:
        """Return the derivative."""
        return _sigmoid(output / self.scale)

    def inverse(self, target: Array) -> Array:
        """Return z + log(1 − exp(−z)) in units of the scale."""
        z = ((target - self.low) / self.scale).clip(1e-3)
        if isinstance(z, Tensor):
            return self.scale * (z + torch.log(-torch.expm1(-z)))
        return np.asarray(self.scale * (z + np.log(-np.expm1(-z))))


@dataclass(frozen=True)
class Logistic(Link):
    """Low + (high − low) / (1 + exp(−f)): between `low` and `high`.

    Examples
    --------
    >>> float(Logistic(low=0.0, high=24.0)(np.array(0.0)))
    12.0
    """

    low: float = 0.0
    high: float = 1.0

    def __call__(self, output: Array) -> Array:
        """Return the target."""
        return self.low + (self.high - self.low) * _sigmoid(output)

    def slope(self, output: Array) -> Array:
        """Return the derivative."""
        share = _sigmoid(output)
        return (self.high - self.low) * share * (1.0 - share)

    def inverse(self, target: Array) -> Array:
        """Return the log odds."""
        share = ((target - self.low) / (self.high - self.low)).clip(1e-3, 1.0 - 1e-3)
        if isinstance(share, Tensor):
            return torch.logit(share)
        return np.asarray(np.log(share) - np.log1p(-share))


def _sigmoid(z: Array) -> Array:
    return torch.sigmoid(z) if isinstance(z, Tensor) else 0.5 * (1.0 + np.tanh(0.5 * z))
