"""Levenberg-Marquardt for a batch of networks.

The loss of a network is a sum of squares plus a quadratic penalty,

    L(θ) = ½ Σ_n w_n (y_n − f(x_n; θ))² + ½ θᵀ S θ,

and a step solves the damped Gauss-Newton equations

    (JᵀWJ + S + μ D) δ = JᵀW (y − f) − S θ,        D = diag(JᵀWJ + S)

(Marquardt 1963; Nocedal and Wright 2006, section 10.3). Each network of the batch has its own damping μ, updated by the
gain ratio as in Nielsen 1999 (*Damping parameter in Marquardt's method*, eq. 2.21). The objective computes the sums
over rows (:mod:`kanopt.kan.objective`); the hidden ranges are refitted on the way (:mod:`kanopt.kan.ranges`).

With constrained coefficients (:mod:`kanopt.kan.constraints`) the step is taken in d, and bounded d at their bound with
an outward step are held fixed: the two-metric projection of Bertsekas 1982 (SIAM J. Control Optim. 20).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from kanopt.kan.constraints import ConstrainedCoefficients
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import NormalEquations, Objective
from kanopt.kan.ranges import refit_ranges

StepCallback = Callable[[int, Tensor], bool]


@dataclass(frozen=True)
class TrainerOptions:
    """Options of a training run.

    Parameters
    ----------
    iterations
        Maximum number of steps.
    tolerance
        A network has converged when an accepted step lowers its loss by less than this fraction of its squared error.
    damping
        Initial μ, relative to D. Networks that are linear in their parameters need almost none.
    range_every
        Number of steps between refits of the hidden ranges; none in the last third, so that training converges.
    watch
        Callback after every step, with its number and the losses (M,); if it returns True, training stops and returns
        the best state of every network.
    """

    iterations: int = 60
    tolerance: float = 1e-7
    damping: float = 1e-2
    range_every: int = 4
    watch: StepCallback | None = None


@dataclass
class History:
    """The course of a training run: per step a tensor of shape (M,); `best` is the smallest loss of every network."""

    loss: list[Tensor] = field(default_factory=list)
    damping: list[Tensor] = field(default_factory=list)
    accepted: list[Tensor] = field(default_factory=list)
    range_refits: int = 0
    best: Tensor = field(default_factory=lambda: torch.empty(0))
    stopped: bool = False


@dataclass
class _TrainerState:
    """The state of the networks in training; the leading axis of every tensor is the model."""

    network: KANBatch
    normal: NormalEquations
    penalty: Tensor
    damping: Tensor
    growth: Tensor

    @property
    def loss(self) -> Tensor:
        return 0.5 * (self.normal.squares + _roughness(self.penalty, self.network.theta))


def train(
    network: KANBatch,
    objective: Objective,
    penalty: Tensor,
    options: TrainerOptions | None = None,
    constraints: ConstrainedCoefficients | None = None,
) -> tuple[KANBatch, History]:
    """Train every network of the batch; return the best state of each, and the history.

    Parameters
    ----------
    network
        Initial networks, which must satisfy `constraints`.
    objective
        The sum of squares.
    penalty
        S of every network, shape (M, parameters, parameters), see :meth:`Penalty.weighted`.
    constraints
        Parameterisation of shape constraints, if any.
    """
    options = options or TrainerOptions()
    history = History()
    damping = torch.full_like(network.theta[:, 0], options.damping)
    normal = objective.normal_equations(network)
    state = _TrainerState(network, normal, penalty, damping, torch.full_like(damping, 2.0))
    best, best_loss = network, state.loss
    nothing = 1e-28 * best_loss
    running = torch.arange(len(network), device=network.theta.device)
    last_look = options.iterations * 2 // 3
    deep = len(network.architecture.layers) > 1
    for iteration in range(options.iterations):
        if deep and iteration % options.range_every == 0 and iteration <= last_look:
            moved = refit_ranges(state.network, objective.inputs, constraints)
            if moved is not None:
                state.network = moved
                state.normal = objective.normal_equations(moved)
                history.range_refits += 1
        done = _step(state, objective, options.tolerance, constraints, running)
        loss = state.loss
        history.loss.append(loss)
        history.damping.append(state.damping.clone())
        better = torch.nonzero(loss < best_loss).squeeze(1)
        best = best.put(better, state.network.take(better))
        best_loss = torch.minimum(loss, best_loss)
        history.accepted.append(better)
        running = running[~(done | (loss <= nothing)[running])]
        history.stopped = options.watch is not None and options.watch(iteration, best_loss)
        if len(running) == 0 or history.stopped:
            break
    history.best = best_loss
    return best, history


def _roughness(penalty: Tensor, theta: Tensor) -> Tensor:
    """Return θᵀ S θ of every network, shape (M,)."""
    return (theta * torch.matmul(penalty, theta.unsqueeze(-1)).squeeze(-1)).sum(1)


def _step(
    state: _TrainerState,
    objective: Objective,
    tolerance: float,
    constraints: ConstrainedCoefficients | None,
    running: Tensor,
) -> Tensor:
    """Try one step for the networks in `running`; return a mask of those that have converged."""
    current = state.network.take(running)
    damping, growth = state.damping[running], state.growth[running]
    loss = state.loss[running]
    trial_theta, gain = _propose(state, running, constraints)
    trial = replace(current, theta=trial_theta)
    squares = objective.for_models(running).squares(trial)
    drop = loss - 0.5 * (squares + _roughness(state.penalty[running], trial_theta))
    accepted = (drop > 0) & (gain > 0) & torch.isfinite(squares)
    ratio = torch.where(accepted, drop / gain, torch.zeros_like(drop))
    shrink = (1.0 - (2.0 * ratio - 1.0) ** 3).clamp(min=1.0 / 3.0, max=2.0)
    state.damping[running] = torch.where(accepted, damping * shrink, damping * growth).clamp(1e-14, 1e14)
    state.growth[running] = torch.where(accepted, torch.full_like(growth, 2.0), growth * 2.0)
    taken = torch.nonzero(accepted).squeeze(1)
    if len(taken) > 0:
        models = running[taken]
        moved = trial.take(taken)
        state.network = state.network.put(models, moved)
        state.normal = state.normal.put(models, objective.for_models(models).normal_equations(moved))
    settled = accepted & (drop <= tolerance * squares) & (damping < 1.0)
    stuck = ~accepted & (damping > 1e8)
    return settled | stuck


def _propose(
    state: _TrainerState, running: Tensor, constraints: ConstrainedCoefficients | None
) -> tuple[Tensor, Tensor]:
    """Solve the damped equations; return θ after the step and the decrease predicted by the quadratic model."""
    theta = state.network.theta[running]
    penalty = state.penalty[running]
    hessian = state.normal.matrix[running] + penalty
    descent = state.normal.vector[running] - torch.matmul(penalty, theta.unsqueeze(-1)).squeeze(-1)
    if constraints is None:
        step = _damped_solve(hessian, descent, state.damping[running], None)
        trial = theta + step
    else:
        hessian = constraints.hessian_to_free(hessian)
        descent = constraints.gradient_to_free(descent)
        position = constraints.variables(theta)
        free = ~(constraints.bounded & (position <= 1e-12) & (descent <= 0))
        target = constraints.clip(position + _damped_solve(hessian, descent, state.damping[running], free))
        step = target - position
        trial = constraints.coefficients(target)
    gain = (descent * step).sum(1) - 0.5 * _roughness(hessian, step)
    return trial, gain


def _damped_solve(hessian: Tensor, descent: Tensor, damping: Tensor, free: Tensor | None) -> Tensor:
    diagonal = hessian.diagonal(dim1=1, dim2=2)
    scale = diagonal + 1e-8 * diagonal.mean(1, keepdim=True)
    matrix = hessian.clone()
    matrix.diagonal(dim1=1, dim2=2).add_(damping.unsqueeze(1) * scale)
    if free is not None:
        matrix = matrix * (free.unsqueeze(1) & free.unsqueeze(2))
        matrix.diagonal(dim1=1, dim2=2).add_((~free).to(matrix.dtype))
        descent = descent * free
    factor, failed = torch.linalg.cholesky_ex(matrix)
    step = torch.cholesky_solve(descent.unsqueeze(-1), factor).squeeze(-1)
    usable = (failed == 0).unsqueeze(1) & torch.isfinite(step)
    return torch.where(usable, step, torch.zeros_like(step))
