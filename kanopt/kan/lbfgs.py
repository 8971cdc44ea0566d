"""L-BFGS for a batch of problems: a memory, a direction and a line search per model, computed in parallel.

The direction is the two-loop recursion of Nocedal and Wright 2006 (*Numerical Optimization*, algorithm 7.4). Its
initial matrix is γ P, P being an optional approximate inverse of the Hessian, and γ = sᵀy / yᵀPy as in their eq. 7.20.
The step length is found by the bracketing search of Lewis and Overton 2013 (*Nonsmooth optimization via quasi-Newton
methods*, Math. Program. 141, algorithm 2.6), which ends at a point of sufficient decrease and curvature. Models whose
line search has finished are not evaluated again while the others continue.

Variables bounded below by zero that lie at their bound with an outward step are held fixed, and a step that leaves the
feasible set is projected onto it (Bertsekas 1982, SIAM J. Control Optim. 20).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

__all__ = ["Batch", "Evaluate", "Guess", "Memory", "line_search", "minimise_step"]

DECREASE, CURVATURE = 1e-4, 0.9
"""Constants of sufficient decrease and of curvature (Nocedal and Wright 2006, section 3.1)."""

Evaluate = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]
"""Positions (m, P) of the models at an index (m,) to their losses (m,) and gradients (m, P)."""

Guess = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Batch:
    """The current state of the models: position (M, P), loss (M,) in float64, gradient (M, P)."""

    position: Tensor
    loss: Tensor
    gradient: Tensor

    def take(self, index: Tensor) -> Batch:
        """Return the models at `index`."""
        return Batch(self.position[index], self.loss[index], self.gradient[index])

    def put(self, index: Tensor, other: Batch) -> Batch:
        """Return a copy in which the models at `index` are those of `other`."""
        return Batch(
            self.position.index_copy(0, index, other.position),
            self.loss.index_copy(0, index, other.loss),
            self.gradient.index_copy(0, index, other.gradient),
        )


@dataclass
class Memory:
    """The last pairs: steps and changes of the gradient (M, P), and 1 / sᵀy (M,), zero for unused pairs.

    `guess` is the preconditioner: it multiplies gradients (M, P) by P; None is the identity.
    """

    size: int
    guess: Guess | None = None
    steps: list[Tensor] = field(default_factory=list)
    changes: list[Tensor] = field(default_factory=list)
    curvatures: list[Tensor] = field(default_factory=list)

    def take(self, index: Tensor, guess: Guess | None = None) -> Memory:
        """Return the memory of the models at `index`, with the preconditioner `guess`."""
        pairs = (self.steps, self.changes, self.curvatures)
        return Memory(self.size, guess, *([tensor[index] for tensor in part] for part in pairs))

    def add(self, step: Tensor, change: Tensor) -> None:
        """Store a pair; one without positive curvature is marked as unused."""
        product = _dot(step, change)
        useful = product > 1e-10 * change.norm(dim=1) * step.norm(dim=1)
        inverse = torch.where(useful, 1.0 / product, torch.zeros_like(product))
        for part, value in zip(
            (self.steps, self.changes, self.curvatures), (step, change, inverse), strict=True
        ):
            part.append(value)
            del part[: -self.size]

    def direction(self, gradient: Tensor) -> Tensor:
        """Return −H g by the two-loop recursion, shape (M, P)."""
        q = gradient.clone()
        kept: list[Tensor] = []
        pairs = list(zip(self.steps, self.changes, self.curvatures, strict=True))
        for step, change, inverse in reversed(pairs):
            alpha = inverse * _dot(step, q)
            q -= alpha.unsqueeze(1) * change
            kept.append(alpha)
        q = self._initial(gradient).unsqueeze(1) * (q if self.guess is None else self.guess(q))
        for (step, change, inverse), alpha in zip(pairs, reversed(kept), strict=True):
            q += (alpha - inverse * _dot(change, q)).unsqueeze(1) * step
        return q.neg_()

    def reset(self, models: Tensor) -> None:
        """Mark all pairs of the models in the mask `models` (M,) as unused."""
        for inverse in self.curvatures:
            inverse[models] = 0.0

    def _initial(self, gradient: Tensor) -> Tensor:
        """Return γ of the last used pair; without one 1, or, without preconditioner, the scale of a unit step."""
        scale = torch.ones_like(gradient[:, 0])
        if self.guess is None:
            scale /= gradient.norm(dim=1).clamp(min=torch.finfo(gradient.dtype).tiny)
        if not self.changes:
            return scale
        useful = torch.stack(self.curvatures) > 0
        place = torch.arange(1, len(useful) + 1, device=scale.device).unsqueeze(1)
        latest = (useful * place).argmax(0)
        every = torch.arange(len(scale), device=scale.device)
        change = torch.stack(self.changes)[latest, every]
        inverse = torch.stack(self.curvatures)[latest, every]
        length = _dot(change, change if self.guess is None else self.guess(change))
        return torch.where(useful.any(0), 1.0 / (inverse * length), scale)


def minimise_step(evaluate: Evaluate, batch: Batch, memory: Memory, bounded: Tensor | None) -> Batch:
    """Take one step of every model, and store it in `memory`.

    Parameters
    ----------
    evaluate
        Function that returns losses and gradients.
    batch
        Current state of the models, which must satisfy the bounds.
    memory
        Pairs of earlier steps; modified.
    bounded
        Mask of the variables that must stay ≥ 0, shape (P,), or None.

    Returns
    -------
    Batch
        The new state; models that found no better point are unchanged.
    """
    descent = batch.gradient
    if bounded is not None:
        held = bounded & (batch.position <= 0) & (batch.gradient >= 0)
        descent = descent.masked_fill(held, 0.0)
    direction = memory.direction(descent)
    if bounded is not None:
        direction.masked_fill_(held, 0.0)
    uphill = _dot(direction, descent) >= 0  # rounding, or bounds that have changed since the pairs were taken
    direction = torch.where(uphill.unsqueeze(1), -descent, direction)
    after = line_search(evaluate, batch, direction, bounded)
    memory.add(after.position - batch.position, after.gradient - batch.gradient)
    return after


def line_search(
    evaluate: Evaluate, batch: Batch, direction: Tensor, bounded: Tensor | None = None, trials: int = 20
) -> Batch:
    """Return a point of sufficient decrease, if possible also of curvature, along every model's direction (M, P)."""
    slope = _dot(direction, batch.gradient)
    length = torch.ones_like(slope)
    low, high = torch.zeros_like(slope), torch.full_like(slope, torch.inf)
    pending = torch.arange(len(slope), device=slope.device)
    found = batch
    for _ in range(trials):
        start, way = batch.take(pending), direction[pending]
        position = start.position + length[pending].unsqueeze(1) * way
        if bounded is not None:
            position = torch.where(bounded, position.clamp(min=0.0), position)
        trial = Batch(position, *evaluate(position, pending))
        expected = _dot(start.gradient, position - start.position)
        lower = trial.loss <= start.loss + DECREASE * expected.clamp(max=0.0)
        lower &= torch.isfinite(trial.loss)
        flat = _dot(trial.gradient, way) >= CURVATURE * slope[pending]
        if bounded is not None:
            flat = torch.ones_like(flat)
        better = torch.nonzero(lower).squeeze(1)
        found = found.put(pending[better], trial.take(better))
        low[pending] = torch.where(lower, length[pending], low[pending])
        high[pending] = torch.where(lower, high[pending], length[pending])
        pending = pending[~(lower & flat)]
        if len(pending) == 0:
            break
        middle = 0.5 * (low[pending] + high[pending])
        length[pending] = torch.where(torch.isinf(high[pending]), 2.0 * low[pending], middle)
    return found


def _dot(a: Tensor, b: Tensor) -> Tensor:
    product: Tensor = (a * b).sum(1)
    return product
