"""Training with the gradient alone, for networks past a few thousand parameters.

Levenberg-Marquardt (:mod:`kanopt.kan.trainer`) solves equations with a parameters × parameters matrix per model, which
is best for small networks and too expensive for large ones. Here the same loss,

    L(θ) = ½ Σ_n w_n ‖y_n − g(f(x_n; θ))‖² + ½ θᵀ S θ,

is minimised with its gradient (:mod:`kanopt.kan.gradient`) and a penalty that is applied edge by edge
(:mod:`kanopt.kan.edge_penalty`): by L-BFGS over all rows (:mod:`kanopt.kan.lbfgs`) or, for many rows, by Adam over
mini-batches (Kingma and Ba 2015, arXiv:1412.6980, algorithm 1). Memory grows neither with the square of the parameters
nor with the rows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from kanopt.kan.adam import AdamSteps
from kanopt.kan.constraints import ConstrainedCoefficients, ShapeConstraints
from kanopt.kan.curvature import LayerwiseCurvature
from kanopt.kan.edge_penalty import EdgePenalty
from kanopt.kan.gradient import to_dtype
from kanopt.kan.lbfgs import Batch, Guess, Memory, minimise_step
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import LeastSquares, total_weight
from kanopt.kan.penalised_loss import PenalisedLoss
from kanopt.kan.penalty import Penalty
from kanopt.kan.trainer import History, StepCallback, TrainerOptions, train

__all__ = ["LARGE", "FirstOrderOptions", "Method", "choose_method", "train_first_order", "train_network"]

Method = Literal["auto", "lm", "lbfgs", "adam"]

LARGE = 2_000
"""Parameters of one model past which a matrix of their square is too much."""

MANY = 200_000
"""Rows past which small batches lower the loss sooner than sweeps over all rows."""


@dataclass(frozen=True)
class FirstOrderOptions:
    """How to train with the gradient.

    Parameters
    ----------
    iterations
        Maximum number of L-BFGS steps (None: 500) or of Adam epochs (None: 30).
    tolerance
        L-BFGS stops for a model whose loss fell by less than this fraction over the last ten steps.
    range_refits
        How often the hidden ranges are refitted, spread over the first two thirds; 0 keeps them fixed.
    memory, preconditioner_every
        Number of pairs that L-BFGS stores, and number of steps after which its preconditioner
        (:mod:`kanopt.kan.curvature`) is recomputed, more often at first; 0 for no preconditioner.
    rate, batch_rows, seed
        Initial learning rate of Adam, as a fraction of the magnitude of the coefficients, with cosine decay to zero;
        rows per mini-batch, and the seed of their order.
    single
        Compute in float32, which is faster; the loss then has a relative error of about 1e-6.
    watch
        As in :class:`kanopt.kan.trainer.TrainerOptions`, after every step or pass.
    """

    iterations: int | None = None
    tolerance: float = 1e-6
    range_refits: int = 12
    memory: int = 12
    preconditioner_every: int = 40
    rate: float = 0.02
    batch_rows: int = 512
    seed: int = 0
    single: bool = False
    watch: StepCallback | None = None

    def refits_ranges_at(self, step: int, iterations: int) -> bool:
        """Return whether the hidden ranges are refitted before this step."""
        if self.range_refits == 0:
            return False
        end = 2 * iterations // 3
        return step <= end and step % max(1, end // self.range_refits) == 0

    def preconditions_at(self, step: int) -> bool:
        """Return whether the preconditioner is recomputed before this step: often at first, when much changes."""
        return self.preconditioner_every > 0 and (
            step & (step - 1) == 0 or step % self.preconditioner_every == 0
        )


def choose_method(parameters: int, rows: int, method: Method = "auto") -> Method:
    """Return the training method: second-order for small networks, else depending on the number of rows.

    Examples
    --------
    >>> choose_method(300, 10_000), choose_method(9_000, 10_000), choose_method(9_000, 10_000_000)
    ('lm', 'lbfgs', 'adam')
    """
    if method != "auto":
        return method
    if parameters <= LARGE:
        return "lm"
    return "lbfgs" if rows <= MANY else "adam"


def train_network(
    network: KANBatch,
    objective: LeastSquares,
    smoothing: Tensor,
    method: Method = "auto",
    second_order: TrainerOptions | None = None,
    first_order: FirstOrderOptions | None = None,
    wanted: ShapeConstraints | None = None,
) -> tuple[KANBatch, History]:
    """Train every network of the batch by the method that suits its size.

    Parameters
    ----------
    network
        Where to start; where shapes are wanted it must have them already.
    objective
        Rows to learn from.
    smoothing
        Roughness weight of every group and the ridge, shape (M, groups + 1).
    method
        ``"lm"``, ``"lbfgs"``, ``"adam"``, or ``"auto"``: see :func:`choose_method`.
    second_order, first_order
        Options of Levenberg-Marquardt, and of the two others.
    wanted
        Shapes asked of the numeric inputs.

    Returns
    -------
    network : KANBatch
        The best state of every network.
    history : History
    """
    chosen = choose_method(network.architecture.parameters, len(objective.data), method)
    wanted = wanted or ShapeConstraints()
    device = network.theta.device
    weight = total_weight(objective)
    if chosen == "lm":
        held = Penalty.of(network.architecture, device).matrices(smoothing, weight, network.active)
        constraints = ConstrainedCoefficients.of(network.architecture, wanted, device)
        return train(network, objective, held, second_order, constraints)
    penalty = EdgePenalty(network.architecture, smoothing, weight)
    bounds = ConstrainedCoefficients.of(network.architecture, wanted, device)
    return train_first_order(network, objective, penalty, first_order, bounds, chosen)


def train_first_order(
    network: KANBatch,
    objective: LeastSquares,
    penalty: EdgePenalty,
    options: FirstOrderOptions | None = None,
    constraints: ConstrainedCoefficients | None = None,
    method: Method = "lbfgs",
) -> tuple[KANBatch, History]:
    """Train every network of the batch with the gradient; return the best state of each, and the history.

    Parameters
    ----------
    network
        Where to start; with `constraints` it must obey them already.
    objective
        Rows to learn from.
    penalty
        S of every network.
    constraints
        Parameterisation that holds shapes, if any.
    method
        ``"adam"``; anything else is L-BFGS.
    """
    options = options or FirstOrderOptions()
    dtype = network.theta.dtype
    problem = PenalisedLoss(objective, penalty, constraints)
    start = to_dtype(network, torch.float32) if options.single else network
    run = _adam if method == "adam" else _lbfgs
    best, history = run(problem, start, options)
    return to_dtype(best, dtype), history


class _BestRecord:
    """The best state of every model found so far, and the history."""

    def __init__(self, network: KANBatch, loss: Tensor) -> None:
        self.network = network
        self.history = History(best=loss.clone())
        self.latest = loss.clone()

    def add(self, running: Tensor, network: KANBatch, loss: Tensor) -> None:
        """Record the losses (m,) of the models `running`, whose current state is `network`."""
        better = torch.nonzero(loss < self.history.best[running]).squeeze(1)
        models = running[better]
        self.network = self.network.put(models, network.take(better))
        self.history.best[models] = loss[better]
        self.latest[running] = loss
        self.history.loss.append(self.latest.clone())
        self.history.accepted.append(models)

    def stopped(self, step: int, watch: StepCallback | None) -> bool:
        """Return whether the callback asks to stop."""
        self.history.stopped = watch is not None and watch(step, self.history.best)
        return self.history.stopped


@dataclass
class _ActiveModels:
    """The models L-BFGS still works on; `models` are their places in the batch handed in."""

    problem: PenalisedLoss
    network: KANBatch
    models: Tensor
    batch: Batch
    memory: Memory
    stuck: Tensor
    moved_at: Tensor
    preconditioner: LayerwiseCurvature | None = None

    @classmethod
    def start(cls, problem: PenalisedLoss, network: KANBatch, pairs: int) -> _ActiveModels:
        batch = Batch(problem.position(network), *problem.evaluate(network))
        models = torch.arange(len(network), device=network.theta.device)
        never = torch.zeros_like(models)
        return cls(problem, network, models, batch, Memory(pairs), never.to(torch.bool), never)

    def follow_ranges(self, step: int) -> bool:
        """Refit the hidden ranges; return whether any changed."""
        moved = self.problem.with_refit_ranges(self.network)
        if moved is None:
            return False
        fresh = (moved.theta != self.network.theta).any(1)
        self.memory.reset(fresh)
        self.moved_at[fresh] = step
        self.network = moved
        self.batch = Batch(self.problem.position(moved), *self.problem.evaluate(moved))
        return True

    def refresh_preconditioner(self) -> None:
        """Recompute the preconditioner at the current parameters."""
        self.preconditioner = self.problem.preconditioner(self.network)
        self.memory.guess = self._guess()

    def step(self) -> Tensor:
        """Take a step; return a mask (m,) of the models that found no better point twice."""

        def evaluate(position: Tensor, index: Tensor) -> tuple[Tensor, Tensor]:
            some = self.problem.for_models(index)
            return some.evaluate(some.networks_at(self.network.take(index), position))

        after = minimise_step(evaluate, self.batch, self.memory, self.problem.bounded)
        still = after.loss >= self.batch.loss
        done = self.stuck & still
        self.memory.reset(still)
        self.stuck, self.batch = still, after
        self.network = self.problem.networks_at(self.network, after.position)
        return done

    def select(self, index: Tensor) -> None:
        """Keep only the models at `index`."""
        self.problem = self.problem.for_models(index)
        self.network, self.models = self.network.take(index), self.models[index]
        self.batch = self.batch.take(index)
        self.stuck, self.moved_at = self.stuck[index], self.moved_at[index]
        self.preconditioner = None if self.preconditioner is None else self.preconditioner.take(index)
        self.memory = self.memory.take(index, self._guess())

    def _guess(self) -> Guess | None:
        guess, problem, active = self.preconditioner, self.problem, self.network.active
        if guess is None:
            return None

        def times(gradient: Tensor) -> Tensor:
            product = problem.precondition(guess, gradient)
            return product if active is None else product * active

        return times


def _lbfgs(problem: PenalisedLoss, network: KANBatch, options: FirstOrderOptions) -> tuple[KANBatch, History]:
    iterations = 500 if options.iterations is None else options.iterations
    state = _ActiveModels.start(problem, network, options.memory)
    record = _BestRecord(network, state.batch.loss)
    losses = record.history.loss
    for step in range(iterations):
        look = bool(network.architecture.hidden) and options.refits_ranges_at(step, iterations)
        if look:
            record.history.range_refits += state.follow_ranges(step)
        if options.preconditions_at(step) or (look and options.preconditioner_every):
            state.refresh_preconditioner()
        done = state.step()
        record.add(state.models, state.network, state.batch.loss)
        if step >= 10:
            fallen = losses[-11][state.models] - state.batch.loss
            done |= (step - state.moved_at >= 10) & (fallen <= options.tolerance * state.batch.loss)
        if bool(done.any()):
            state.select(torch.nonzero(~done).squeeze(1))
        if record.stopped(step, options.watch) or len(state.models) == 0:
            break
    return record.network, record.history


def _adam(problem: PenalisedLoss, network: KANBatch, options: FirstOrderOptions) -> tuple[KANBatch, History]:
    passes = 30 if options.iterations is None else options.iterations
    data = problem.objective.data
    generator = torch.Generator().manual_seed(options.seed)
    every = torch.arange(len(network), device=network.theta.device)
    record = _BestRecord(network, problem.loss(network))
    total = passes * math.ceil(len(data) / options.batch_rows)
    steps = AdamSteps(options.rate, total, _sizes(problem, network))
    for number in range(passes):
        if network.architecture.hidden and options.refits_ranges_at(number, passes):
            moved = problem.with_refit_ranges(network)
            if moved is not None:
                steps.reset((moved.theta != network.theta).any(1))
                network = moved
                record.history.range_refits += 1
        position = problem.position(network)
        order = torch.randperm(len(data), generator=generator).to(every.device)
        for rows in torch.split(order, options.batch_rows):
            _, gradient = problem.evaluate(network, data.rows(rows), len(rows) / len(data))
            position = position - steps.step(gradient)
            if problem.bounded is not None:
                position = torch.where(problem.bounded, position.clamp(min=0.0), position)
            network = problem.networks_at(network, position)
        record.add(every, network, problem.loss(network))
        if record.stopped(number, options.watch):
            break
    return record.network, record.history


def _sizes(problem: PenalisedLoss, network: KANBatch) -> Tensor:
    """Return the expected magnitude of every coefficient (M, P): nodes span [0, 1], outputs span the targets."""
    objective = problem.objective
    target = (
        objective.data.target if objective.link is None else objective.link.inverse(objective.data.target)
    )
    spread = target.std(0, correction=0).to(network.theta)
    spread = torch.where(spread > 0, spread, torch.ones_like(spread))
    sizes = torch.ones_like(network.theta)
    last = network.architecture.layers[-1]
    sizes[:, -last.parameters :] = spread.repeat(last.width)
    return sizes
