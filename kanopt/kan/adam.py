"""The steps of Adam (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1), with a length that falls along a cosine."""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["AdamSteps"]

FIRST, SECOND = 0.9, 0.999
"""Decay of the running means of the gradient and of its square."""


class AdamSteps:
    """Exponential moving averages of gradients, and the steps computed from them.

    Parameters
    ----------
    rate
        Length of the first steps, as a fraction of `sizes`.
    total
        Number of steps after which the length is zero (Loshchilov and Hutter 2017, arXiv:1608.03983, eq. 5, without
        restarts).
    sizes
        Expected magnitude of every variable, (M, P).

    Examples
    --------
    >>> steps = AdamSteps(0.1, 100, torch.ones(1, 2))
    >>> steps.step(torch.tensor([[5.0, -0.01]])).mul(100).round().tolist()
    [[10.0, -10.0]]
    """

    def __init__(self, rate: float, total: int, sizes: Tensor) -> None:
        self.rate, self.total, self.sizes = rate, total, sizes
        self.taken = 0
        self.count = torch.zeros_like(sizes[:, :1])
        self.mean, self.square = torch.zeros_like(sizes), torch.zeros_like(sizes)

    def reset(self, models: Tensor) -> None:
        """Reset the moving averages of the models marked in `models` (M,)."""
        for part in (self.count, self.mean, self.square):
            part[models] = 0.0

    def step(self, gradient: Tensor) -> Tensor:
        """Return the step to subtract from the variables, shape of `gradient`."""
        self.taken, self.count = self.taken + 1, self.count + 1.0
        self.mean.lerp_(gradient, 1.0 - FIRST)
        self.square.lerp_(gradient.square(), 1.0 - SECOND)
        fall = 0.5 * (1.0 + math.cos(math.pi * self.taken / self.total))
        mean = self.mean / (1.0 - FIRST**self.count)
        spread = (self.square / (1.0 - SECOND**self.count)).sqrt_()
        # Variables without any gradient so far do not move.
        return (
            self.rate * fall * self.sizes * mean / spread.clamp_(min=torch.finfo(gradient.dtype).tiny ** 0.5)
        )
