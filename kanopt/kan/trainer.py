"""Levenberg-Marquardt for a batch of networks.

The loss of a network is a sum of squares plus a quadratic penalty,

    L(θ) = ½ Σ_n w_n (y_n − f(x_n; θ))² + ½ θᵀ S θ,

and a step solves the damped Gauss-Newton equations

    (JᵀWJ + S + μ D) δ = JᵀW (y − f) − S θ,        D = diag(JᵀWJ + S)

(Marquardt 1963; Nocedal and Wright 2006, section 10.3). Each network of the batch has its own damping μ, updated by the
gain ratio as in Nielsen 1999 (*Damping parameter in Marquardt's method*, eq. 2.21). The objective computes the sums
over rows (:mod:`kanopt.kan.trainer`); the hidden ranges are refitted on the way (:mod:`kanopt.kan.ranges`).

With constrained coefficients (:mod:`kanopt.kan.ranges`) the step is taken in d, and bounded d at their bound with
an outward step are held fixed: the two-metric projection of Bertsekas 1982 (SIAM J. Control Optim. 20).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanopt.kan.network import InputTensors, KANBatch
from kanopt.kan.ranges import ConstrainedCoefficients, refit_ranges

# Link functions: from the output of a network to a positive or bounded target.
#
# A law that must stay positive, or within bounds, everywhere, is g(f(x)) with a link g whose range is that
# set (McCullagh and Nelder 1989, *Generalized Linear Models*, section 2.2). The Jacobian of a network with
# a link is that of the network times g′. The inverse, with which training starts, is moved inside the bounds by
# a margin: near a bound it tends to infinity, where the link is flat and gradients vanish.

_STEEPEST = 30.0
"""Logarithm of the steepest slope of an :class:`Exponential`, in its units."""

Array = TypeVar("Array", "NDArray[Any]", "torch.Tensor")


@dataclass(frozen=True)
class Exponential:
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


@dataclass(frozen=True)
class Softplus:
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

    def scaled(self, unit: float) -> tuple[Softplus, float]:
        """Return the link of `unit` times the target; the output is multiplied by the same factor."""
        return Softplus(self.scale * unit, self.low * unit), unit


@dataclass(frozen=True)
class Logistic:
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

    def scaled(self, unit: float) -> tuple[Logistic, float]:
        """Return the link of `unit` times the target; the output, the log odds, is unchanged."""
        return Logistic(self.low * unit, self.high * unit), 1.0


Link: TypeAlias = Exponential | Softplus | Logistic
"""A smooth increasing function from the network's output to the target."""


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


# Objectives of the trainers: half a sum of squares, to which they add the penalty.
#
# A trainer needs two things from an objective: the sum of squares at given parameters and the Gauss-Newton
# quantities there. So the same trainer learns from rows in memory (:class:`LeastSquares`), from rows on
# disk, and from equations the law has to satisfy (:mod:`kanopt.surrogates.informed`).

CHUNK_BYTES = 8_000_000
"""Largest Jacobian held at once on a CPU: what stays in its cache."""
DEVICE_CHUNK_BYTES = 1_000_000_000
"""The same on a GPU, where large products keep all of it busy."""
ROWS = 1000
"""Rows that a chunk holds at least where a batch is cut into groups of networks: products of fewer are slow."""


@dataclass(frozen=True)
class NormalEquations:
    """Gauss-Newton quantities at θ: `matrix` JᵀWJ (M, P, P), `vector` JᵀWr (M, P), `squares` rᵀWr (M,).

    r is target minus output, so that `vector` is a descent direction.
    """

    matrix: Tensor
    vector: Tensor
    squares: Tensor

    @classmethod
    def zero(cls, network: KANBatch) -> NormalEquations:
        """Return zeros of the right shapes, to accumulate in."""
        models, size = len(network), network.architecture.parameters
        new = network.theta.new_zeros
        return cls(new(models, size, size), new(models, size), new(models))

    def __mul__(self, factor: float) -> NormalEquations:
        return NormalEquations(factor * self.matrix, factor * self.vector, factor * self.squares)

    def put(self, index: Tensor, other: NormalEquations) -> NormalEquations:
        """Return a copy in which the networks at `index` are those of `other`."""
        return NormalEquations(
            self.matrix.index_copy(0, index, other.matrix),
            self.vector.index_copy(0, index, other.vector),
            self.squares.index_copy(0, index, other.squares),
        )


class Objective(Protocol):
    """A sum of squares over a batch of networks."""

    @property
    def inputs(self) -> InputTensors:
        """Rows over which the hidden ranges are refitted; a sample is enough."""
        ...

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Return the Gauss-Newton quantities at the parameters of `network`."""
        ...

    def squares(self, network: KANBatch) -> Tensor:
        """Return the weighted sum of squares of every network, shape (M,)."""
        ...

    def for_models(self, index: Tensor) -> Objective:
        """Return the objective of the networks at `index`."""
        ...


@dataclass(frozen=True)
class Data:
    """Rows to learn from: inputs, target (n, outputs), and row weights (n,) or, one set per network, (M, n)."""

    inputs: InputTensors
    target: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.target)

    def chunks(self, rows: int) -> Iterator[Data]:
        """Split the rows into chunks."""
        for start in range(0, len(self), rows):
            yield self.rows(slice(start, start + rows))

    def row_groups(self) -> Tensor:
        """Return a group index per row, (n,): rows with equal inputs and targets are in the same group."""
        kind = torch.zeros(len(self), dtype=torch.int64, device=self.target.device)
        for column in (*self.inputs.numbers.T, *self.inputs.codes.T, *self.target.T):
            place = torch.unique(column, return_inverse=True)[1]
            kind = torch.unique(kind * (place.max() + 1) + place, return_inverse=True)[1]
        return kind

    def prepared(self, network: KANBatch) -> Data:
        """Return the rows with the basis functions of the network's inputs, see :meth:`KANBatch.prepare`."""
        return replace(self, inputs=network.prepare(self.inputs))

    def rows(self, index: slice | Tensor) -> Data:
        """Return some of the rows."""
        return Data(self.inputs.rows(index), self.target[index], self.weights[..., index])

    def drawn(self, rows: int, generator: torch.Generator) -> Data:
        """Return at most so many rows, drawn at random."""
        if len(self) <= rows:
            return self
        return self.rows(torch.randperm(len(self), generator=generator)[:rows].to(self.target.device))

    @property
    def mean_target(self) -> Tensor:
        """Weighted means of the targets, shape (outputs,), for weights of shape (n,)."""
        return (self.weights @ self.target) / self.weights.sum()


@dataclass(frozen=True)
class LeastSquares:
    """Σ_n w_n ‖y_n − g(f(x_n; θ))‖² over rows in memory.

    Parameters
    ----------
    data
        The rows.
    link
        g, from the output of the network to the target; None is the identity.
    max_chunk_bytes
        Maximum size of the Jacobian in memory; 0 is :data:`CHUNK_BYTES` or :data:`DEVICE_CHUNK_BYTES`.
    """

    data: Data
    link: Link | None = None
    max_chunk_bytes: int = 0

    @property
    def chunk_bytes(self) -> int:
        """Maximum size of the Jacobian in memory, in bytes."""
        return self.max_chunk_bytes or (
            CHUNK_BYTES if self.data.target.device.type == "cpu" else DEVICE_CHUNK_BYTES
        )

    @property
    def inputs(self) -> InputTensors:
        """The inputs of all rows."""
        return self.data.inputs

    def for_models(self, index: Tensor) -> LeastSquares:
        """Return the objective with the weights of the networks at `index`."""
        if self.data.weights.ndim == 1:
            return self
        return replace(self, data=replace(self.data, weights=self.data.weights[index]))

    def chunks(self, network: KANBatch) -> Iterator[Data]:
        """Split the rows so that the Jacobian of a chunk fits into `chunk_bytes`."""
        values = len(network) * network.architecture.parameters * network.architecture.outputs
        return self.data.chunks(max(1, self.chunk_bytes // (8 * values)))

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Accumulate the Gauss-Newton quantities over chunks of rows, for a few networks at a time."""
        values = network.architecture.parameters * network.architecture.outputs
        together = max(1, self.chunk_bytes // (8 * values * min(len(self.data), ROWS)))
        if len(network) <= together:
            return self._accumulated(network)
        parts = [
            self.for_models(index)._accumulated(network.take(index))
            for index in torch.split(torch.arange(len(network), device=network.theta.device), together)
        ]
        return NormalEquations(
            torch.cat([part.matrix for part in parts]),
            torch.cat([part.vector for part in parts]),
            torch.cat([part.squares for part in parts]),
        )

    def _accumulated(self, network: KANBatch) -> NormalEquations:
        total = NormalEquations.zero(network)
        for part in self.chunks(network):
            scale = part.weights.sqrt().unsqueeze(-1)
            output, jacobian = network.forward_and_jacobian(part.inputs, scale)
            if self.link is not None:
                jacobian *= self.link.slope(output).unsqueeze(-1)
                output = self.link(output)
            residual = ((part.target - output) * scale).flatten(1)
            jacobian = jacobian.flatten(1, 2)
            total.vector.add_((residual.unsqueeze(1) @ jacobian).squeeze(1))
            total.squares.add_(residual.square().sum(1))
            _add_gram(total.matrix, jacobian)
        return total

    def squares(self, network: KANBatch) -> Tensor:
        """Return Σ w (y − g(f))² of every network, shape (M,)."""
        total = network.theta.new_zeros(len(network))
        widest = max(layer.width for layer in network.architecture.layers)
        for part in self.data.chunks(max(1, self.chunk_bytes // (16 * len(network) * widest))):
            error = part.target - self.outputs(network, part.inputs)
            total += (part.weights * error.square().sum(-1)).sum(1)
        return total

    def outputs(self, network: KANBatch, inputs: InputTensors) -> Tensor:
        """Return g(f(x)), shape (M, n, outputs), block by block of rows."""
        last = torch.cat([nodes[-1] for _, nodes in network.activation_blocks(inputs)], dim=1)
        output = last + network.offset.unsqueeze(1)
        return output if self.link is None else self.link(output)

    def residuals(self, network: KANBatch) -> Tensor:
        """Return y − g(f(x)) of all rows, shape (M, n, outputs)."""
        return self.data.target - self.outputs(network, self.inputs)

    def with_weights(self, weights: Tensor) -> LeastSquares:
        """Return the objective with other row weights."""
        return replace(self, data=replace(self.data, weights=weights))


@dataclass(frozen=True)
class QuadraticModel:
    """The quadratic expansion of a sum of squares about `network`, exact where the network is linear in θ.

    Examples
    --------
    >>> from kanopt.kan.network import Architecture
    >>> rows = InputTensors(torch.rand(50, 1, dtype=torch.float64), torch.zeros(50, 0, dtype=torch.int64))
    >>> shape, zero = Architecture(1, grid_size=2), torch.zeros(1, 1, dtype=torch.float64)
    >>> network = KANBatch(shape, torch.zeros(1, 5, dtype=torch.float64), zero[0], zero[0] + 1.0, zero)
    >>> squares = LeastSquares(Data(rows, rows.numbers**2, torch.ones(50, dtype=torch.float64)))
    >>> expansion = QuadraticModel(network, squares.normal_equations(network), rows)
    >>> from dataclasses import replace
    >>> moved = replace(network, theta=network.theta + 1.0)
    >>> bool(torch.isclose(expansion.squares(moved), squares.squares(moved)))
    True
    """

    network: KANBatch
    centre: NormalEquations
    inputs: InputTensors

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Return the Gauss-Newton quantities at other parameters."""
        step = network.theta - self.network.theta
        pull = torch.matmul(self.centre.matrix, step.unsqueeze(-1)).squeeze(-1)
        squares = self.centre.squares + (step * (pull - 2.0 * self.centre.vector)).sum(1)
        return NormalEquations(self.centre.matrix, self.centre.vector - pull, squares.clamp(min=0.0))

    def squares(self, network: KANBatch) -> Tensor:
        """Return the sum of squares of every network, shape (M,)."""
        return self.normal_equations(network).squares

    def for_models(self, index: Tensor) -> QuadraticModel:
        """Return the expansions of the networks at `index`."""
        normal = self.centre
        picked = NormalEquations(normal.matrix[index], normal.vector[index], normal.squares[index])
        return QuadraticModel(self.network.take(index), picked, self.inputs)


def _add_gram(total: Tensor, jacobian: Tensor) -> None:
    """Add JᵀJ of every network to `total` (M, P, P) for Jacobians (M, n, P).

    numpy recognises the product of a matrix with its own transpose and computes one half of it (BLAS syrk), which takes
    half the time of a general product; PyTorch has no such function.
    """
    if total.device.type != "cpu":
        total.baddbmm_(jacobian.transpose(1, 2), jacobian)
        return
    for matrix, rows in zip(total.numpy(), jacobian.numpy(), strict=True):
        matrix += rows.T @ rows


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
        done = _step(state, objective, options.tolerance, constraints, running)
        loss = state.loss
        history.loss.append(loss)
        history.damping.append(state.damping.clone())
        better = torch.nonzero(loss < best_loss).squeeze(1)
        best = best.put(better, state.network.take(better))
        best_loss = torch.minimum(loss, best_loss)
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
