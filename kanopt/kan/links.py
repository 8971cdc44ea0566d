"""Link functions: from the output of a network to a positive or bounded target.

A law that must stay positive, or within bounds, everywhere, is g(f(x)) with a link g whose range is that set (McCullagh
and Nelder 1989, *Generalized Linear Models*, section 2.2). The Jacobian of a network with a link is that of the network
times g′.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

_STEEPEST = 30.0
"""Logarithm of the steepest slope of an :class:`Exponential`, in its units."""

Array = TypeVar("Array", "NDArray[Any]", "torch.Tensor")


@dataclass(frozen=True)
class Link:
    """A smooth increasing function from the network's output to the target."""

    def __call__(self, output: Array) -> Array:
        """Return the target, shape of `output`."""
        raise NotImplementedError

    def slope(self, output: Array) -> Array:
        """Return the derivative, shape of `output`."""
        raise NotImplementedError

    def inverse(self, target: Array) -> Array:
        """Return the output to start training from: the inverse of `target`, moved inside the bounds by a margin.

        Near a bound the exact inverse tends to infinity, where the link is flat and gradients vanish.
        """
        raise NotImplementedError

    @property
    def ends(self) -> tuple[float, float]:
        """The bounds of the range."""
        raise NotImplementedError

    def scaled(self, unit: float) -> tuple[Link, float]:
        """Return the link of `unit` times the target, and the factor on the network's output that goes with it."""
        raise NotImplementedError


@dataclass(frozen=True)
class Exponential(Link):
    """unit · exp(f): factors multiply.

    Beyond f = 30 it continues along its tangent, so that no training step overflows; it stays convex and increasing.

    Examples
    --------
    >>> float(Exponential(unit=2.0)(np.array(0.0)))
    2.0
    """

    unit: float = 1.0

    def __call__(self, output: Array) -> Array:
        """Return the target."""
        target: Array = self.slope(output) * (1.0 + (output - _STEEPEST).clip(0.0))
        return target

    def slope(self, output: Array) -> Array:
        """Return the derivative: up to f = 30 the target itself, then constant."""
        slope: Array = self.unit * _functions(output).exp(output.clip(None, _STEEPEST))
        return slope

    def inverse(self, target: Array) -> Array:
        """Return the logarithm, of no less than 1e-12 units, and beyond exp(30) units the output on the tangent."""
        units, top = target.clip(1e-12 * self.unit) / self.unit, math.exp(_STEEPEST)
        output: Array = _functions(target).log(units.clip(None, top)) + (units / top - 1.0).clip(0.0)
        return output

    @property
    def ends(self) -> tuple[float, float]:
        """From zero upwards."""
        return 0.0, np.inf

    def scaled(self, unit: float) -> tuple[Link, float]:
        """Return the link of `unit` times the target; the output, a logarithm, is unchanged."""
        return Exponential(self.unit * unit), 1.0


@dataclass(frozen=True)
class Softplus(Link):
    """Low + scale · log(1 + exp(f / scale)): above `low`, and linear far above it.

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
        functions = _functions(z)
        target: Array = self.low + self.scale * functions.logaddexp(z, functions.zeros_like(z))
        return target

    def slope(self, output: Array) -> Array:
        """Return the derivative."""
        return _sigmoid(output / self.scale)

    def inverse(self, target: Array) -> Array:
        """Return z + log(1 − exp(−z)) in units of the scale, for a target at least 1e-3 scales above `low`."""
        z = ((target - self.low) / self.scale).clip(1e-3)
        functions = _functions(z)
        output: Array = self.scale * (z + functions.log(-functions.expm1(-z)))
        return output

    @property
    def ends(self) -> tuple[float, float]:
        """From `low` upwards."""
        return self.low, np.inf

    def scaled(self, unit: float) -> tuple[Link, float]:
        """Return the link of `unit` times the target; the output is multiplied by the same factor."""
        return Softplus(self.scale * unit, self.low * unit), unit


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
        slope: Array = (self.high - self.low) * _sigmoid(output) * _sigmoid(-output)
        return slope

    def inverse(self, target: Array) -> Array:
        """Return the log odds for a target at least 1e-3 of the range away from both ends."""
        share = ((target - self.low) / (self.high - self.low)).clip(1e-3, 1.0 - 1e-3)
        odds: Array = _functions(target).log(share / (1.0 - share))
        return odds

    @property
    def ends(self) -> tuple[float, float]:
        """`low` and `high`."""
        return self.low, self.high

    def scaled(self, unit: float) -> tuple[Link, float]:
        """Return the link of `unit` times the target; the output, the log odds, is unchanged."""
        return Logistic(self.low * unit, self.high * unit), 1.0


def _sigmoid(z: Array) -> Array:
    """Return 1 / (1 + exp(−z)), accurate also in its left tail, where 1 + tanh(z / 2) cancels."""
    functions = _functions(z)
    share: Array = functions.exp(-functions.logaddexp(-z, functions.zeros_like(z)))
    return share


def _functions(array: Any) -> Any:
    """Return the module whose functions take `array`: numpy, or torch, which a model on disk does not need."""
    if isinstance(array, (np.ndarray, np.generic)):
        return np
    import torch

    return torch
