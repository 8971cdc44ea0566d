"""Levenberg-Marquardt for a batch of networks.

The loss of a network is a sum of squares plus a quadratic penalty,

    L(θ) = ½ Σ_n w_n (y_n − f(x_n; θ))² + ½ θᵀ S θ,

and a step solves the damped Gauss-Newton equations

    (JᵀWJ + S + μ D) δ = JᵀW (y − f) − S θ,        D = diag(JᵀWJ + S)

(Marquardt 1963; Nocedal and Wright 2006, section 10.3). Each network of the batch has a damping μ of its own,
moved by the gain ratio as in Nielsen 1999 (*Damping parameter in Marquardt's method*, eq. 2.21). JᵀWJ is
accumulated over chunks of rows, so memory does not grow with the table.

Where increments are bounded (monotone features) the step is taken in the increments, with those at their
bound and pushed against it held fixed: the two-metric projection of Bertsekas 1982 (SIAM J. Control Optim.
20).

The ranges of the hidden splines follow their inputs: when the values of a node leave its range, or fill too
little of it, the incoming edges are rescaled so that the node spans [0, 1] again (exact, since B-splines sum
to one) and the outgoing splines are refitted to the function they were.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from kanopt.kan.basis import dense_basis
from kanopt.kan.network import Inputs, KANBatch
from kanopt.kan.penalty import Increments

__all__ = [
    "Data",
    "History",
    "NormalEquations",
    "TrainerOptions",
    "normal_equations",
    "refit_ranges",
    "train",
]


@dataclass(frozen=True)
class Data:
    """Rows to learn from: inputs, target (n,), and row weights (n,) or, one set per network, (M, n)."""

    inputs: Inputs
    target: Tensor
    weights: Tensor

    def chunks(self, rows: int) -> Iterator[Data]:
        """Cut the rows into chunks."""
        for start in range(0, len(self.target), rows):
            part = slice(start, start + rows)
            yield Data(self.inputs.rows(part), self.target[part], self.weights[..., part])

    def for_models(self, index: Tensor) -> Data:
        """Return the data with the weights of the networks at `index`."""
        return replace(self, weights=self.weights[index]) if self.weights.ndim == 2 else self


@dataclass(frozen=True)
class TrainerOptions:
    """How to train.

    Parameters
    ----------
    iterations
        Largest number of steps tried.
    tolerance
        A network is done when an accepted step lowers its loss by less than this fraction of its squared
        error.
    damping
        First μ, relative to D. Networks that are linear in their parameters need almost none.
    range_every
        Steps between looks at the hidden ranges; none in the last third, so that training ends settled.
    chunk_bytes
        Largest Jacobian held at once.
    """

    iterations: int = 60
    tolerance: float = 1e-7
    damping: float = 1e-2
    range_every: int = 4
    chunk_bytes: int = 64_000_000


@dataclass
class History:
    """What happened, step by step: lists of tensors of shape (M,); `best` is the least loss of every network."""

    loss: list[Tensor] = field(default_factory=list)
    damping: list[Tensor] = field(default_factory=list)
    accepted: list[Tensor] = field(default_factory=list)
    range_refits: int = 0
    best: Tensor = field(default_factory=lambda: torch.empty(0))


@dataclass(frozen=True)
class NormalEquations:
    """Gauss-Newton quantities at θ: `matrix` JᵀWJ (M, P, P), `vector` JᵀWr (M, P), `squares` rᵀWr (M,)."""

    matrix: Tensor
    vector: Tensor
    squares: Tensor

    def put(self, index: Tensor, other: NormalEquations) -> NormalEquations:
        """Return a copy in which the networks at `index` are those of `other`."""
        return NormalEquations(
            self.matrix.index_copy(0, index, other.matrix),
            self.vector.index_copy(0, index, other.vector),
            self.squares.index_copy(0, index, other.squares),
        )


def chunk_rows(network: KANBatch, chunk_bytes: int) -> int:
    """Return how many rows of the Jacobian fit into `chunk_bytes`."""
    return max(1, chunk_bytes // (8 * len(network) * network.shape.parameters))


def normal_equations(network: KANBatch, data: Data, chunk_bytes: int = 64_000_000) -> NormalEquations:
    """Accumulate the Gauss-Newton matrix and right-hand side over chunks of rows."""
    models, size = len(network), network.shape.parameters
    matrix = network.theta.new_zeros(models, size, size)
    vector = network.theta.new_zeros(models, size)
    squares = network.theta.new_zeros(models)
    for part in data.chunks(chunk_rows(network, chunk_bytes)):
        output, jacobian = network.forward_and_jacobian(part.inputs)
        residual = part.target - output
        weighted = jacobian * part.weights.unsqueeze(-1)
        matrix += weighted.transpose(1, 2) @ jacobian
        vector += (weighted * residual.unsqueeze(-1)).sum(1)
        squares += (part.weights * residual**2).sum(1)
    return NormalEquations(matrix, vector, squares)


def squared_error(network: KANBatch, data: Data, chunk_bytes: int) -> Tensor:
    """Return Σ w (y − f)² of every network, shape (M,)."""
    widest = max(layer.width for layer in network.shape.layers)
    rows = max(1, chunk_bytes // (16 * len(network) * widest))
    total = network.theta.new_zeros(len(network))
    for part in data.chunks(rows):
        total += (part.weights * (part.target - network.forward(part.inputs)) ** 2).sum(1)
    return total


def refit_ranges(network: KANBatch, inputs: Inputs, increments: Increments | None = None) -> KANBatch | None:
    """Bring the hidden ranges back over the values they meet; None where they fit already.

    A node is moved when its values leave the range by more than 2 % of it or fill less than 60 %. After the
    move they fill its middle 90 %.
    """
    moved = None
    for layer in range(1, len(network.shape.layers)):
        values = network.activations(inputs)[layer - 1]
        low, high = values.amin(1), values.amax(1)
        lower, upper = network.lower[layer], network.upper[layer]
        span = upper - lower
        stale = (low < lower - 0.02 * span) | (high > upper + 0.02 * span) | (high - low < 0.6 * span)
        if bool(stale.any()):
            moved = network = _move_nodes(network, layer, stale, (low, high))
    if moved is not None and increments is not None:
        moved = replace(moved, theta=increments.project(moved.theta))
    return moved


def rescale_incoming(
    network: KANBatch, layer: int, stale: Tensor, seen: tuple[Tensor, Tensor]
) -> tuple[list[Tensor], Tensor, Tensor]:
    """Rescale the edges into `layer` so that values in `seen` (low, high) fill the middle of [0, 1].

    Returns
    -------
    blocks : list of Tensor
        Coefficients of all layers, those of layer − 1 rescaled.
    shift, scale : Tensor
        Old value = shift + scale × new value, both (M, nodes); 0 and 1 where a node is not stale.
    """
    low, high = seen
    span = (high - low).clamp(min=1e-9)
    shift = torch.where(stale, low - 0.05 * span, torch.zeros_like(low))
    scale = torch.where(stale, 1.1 * span, torch.ones_like(span))
    before = network.shape.layers[layer - 1]
    arriving = before.splines + len(before.tables)
    blocks = [block.clone() for block in network.blocks()]
    blocks[layer - 1] = (blocks[layer - 1] - shift.unsqueeze(1) / arriving) / scale.unsqueeze(1)
    return blocks, shift, scale


def _move_nodes(network: KANBatch, layer: int, stale: Tensor, seen: tuple[Tensor, Tensor]) -> KANBatch:
    """Rescale the edges into the stale nodes of a layer and refit the splines that leave them."""
    blocks, shift, scale = rescale_incoming(network, layer, stale, seen)
    sizes = network.shape.layers[layer]
    lower, upper = network.lower[layer], network.upper[layer]
    new_lower = torch.where(stale, torch.zeros_like(lower), lower)
    new_upper = torch.where(stale, torch.ones_like(upper), upper)
    points = torch.linspace(0.0, 1.0, 4 * sizes.basis_size, dtype=shift.dtype, device=shift.device)
    fresh = new_lower.unsqueeze(-1) + points * (new_upper - new_lower).unsqueeze(-1)
    old = shift.unsqueeze(-1) + fresh * scale.unsqueeze(-1)
    splines = blocks[layer].reshape(len(network), sizes.splines, sizes.basis_size, sizes.outputs)
    wanted = dense_basis(old, lower.unsqueeze(-1), upper.unsqueeze(-1), sizes.grid_size) @ splines
    zero, one = points.new_zeros(1), points.new_ones(1)
    solver = torch.linalg.pinv(dense_basis(points, zero, one, sizes.grid_size))
    refitted = torch.where(stale[..., None, None], solver @ wanted, splines)
    blocks[layer] = refitted.flatten(1, 2)

    lowers, uppers = list(network.lower), list(network.upper)
    lowers[layer], uppers[layer] = new_lower, new_upper
    theta = torch.cat([block.flatten(1) for block in blocks], dim=1)
    return replace(network, theta=theta, lower=tuple(lowers), upper=tuple(uppers))


@dataclass
class _State:
    """Everything a running network carries; the leading axis of every tensor is the model."""

    network: KANBatch
    normal: NormalEquations
    penalty: Tensor
    damping: Tensor
    growth: Tensor

    @property
    def loss(self) -> Tensor:
        theta = self.network.theta
        bend = torch.einsum("mp,mpq,mq->m", theta, self.penalty, theta)
        return 0.5 * (self.normal.squares + bend)


def train(
    network: KANBatch,
    data: Data,
    penalty: Tensor,
    options: TrainerOptions | None = None,
    increments: Increments | None = None,
) -> tuple[KANBatch, History]:
    """Train every network of the batch; return the best state of each, and the history.

    Parameters
    ----------
    network
        Where to start; with `increments` it must obey the signs already.
    data
        Rows with weights.
    penalty
        S of every network, shape (M, parameters, parameters), see :meth:`Penalty.weighted`.
    increments
        Monotone parameterisation, if any.
    """
    options = options or TrainerOptions()
    history = History()
    damping = torch.full_like(network.offset, options.damping)
    normal = normal_equations(network, data, options.chunk_bytes)
    state = _State(network, normal, penalty, damping, torch.full_like(damping, 2.0))
    best, best_loss = network, state.loss
    running = torch.arange(len(network), device=network.theta.device)
    last_look = options.iterations * 2 // 3
    deep = len(network.shape.layers) > 1
    for iteration in range(options.iterations):
        if deep and iteration % options.range_every == 0 and iteration <= last_look:
            moved = refit_ranges(state.network, data.inputs, increments)
            if moved is not None:
                state.network = moved
                state.normal = normal_equations(moved, data, options.chunk_bytes)
                history.range_refits += 1
        done = _step(state, data, options, increments, running)
        loss = state.loss
        history.loss.append(loss)
        history.damping.append(state.damping.clone())
        better = torch.nonzero(loss < best_loss).squeeze(1)
        best = best.put(better, state.network.take(better))
        best_loss = torch.minimum(loss, best_loss)
        history.accepted.append(better)
        running = running[~done]
        if len(running) == 0:
            break
    history.best = best_loss
    return best, history


def _step(
    state: _State, data: Data, options: TrainerOptions, increments: Increments | None, running: Tensor
) -> Tensor:
    """Try one step for the networks in `running`; return which of them are done."""
    current = state.network.take(running)
    damping, growth = state.damping[running], state.growth[running]
    loss = state.loss[running]
    trial_theta, gain = _propose(state, running, increments)
    trial = replace(current, theta=trial_theta)
    part = data.for_models(running)
    penalty = state.penalty[running]
    bend = torch.einsum("mp,mpq,mq->m", trial_theta, penalty, trial_theta)
    squares = squared_error(trial, part, options.chunk_bytes)
    drop = loss - 0.5 * (squares + bend)
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
        fresh = normal_equations(moved, data.for_models(models), options.chunk_bytes)
        state.normal = state.normal.put(models, fresh)
    settled = accepted & (drop <= options.tolerance * squares) & (damping < 1.0)
    stuck = ~accepted & (damping > 1e8)
    return settled | stuck | (loss <= 1e-28 * data.target.square().sum())


def _propose(state: _State, running: Tensor, increments: Increments | None) -> tuple[Tensor, Tensor]:
    """Solve the damped equations; return θ after the step and the decrease the quadratic model predicts."""
    theta = state.network.theta[running]
    penalty = state.penalty[running]
    hessian = state.normal.matrix[running] + penalty
    descent = state.normal.vector[running] - torch.einsum("mpq,mq->mp", penalty, theta)
    free = None
    if increments is not None:
        hessian = increments.transform.T @ hessian @ increments.transform
        descent = descent @ increments.transform
        position = theta @ increments.inverse.T
        free = ~(increments.bounded & (position <= 1e-12) & (descent <= 0))
    step = _damped_solve(hessian, descent, state.damping[running], free)
    if increments is not None:
        target = increments.bound(position + step)
        step = target - position
        trial = target @ increments.transform.T
    else:
        trial = theta + step
    gain = (descent * step).sum(1) - 0.5 * torch.einsum("mp,mpq,mq->m", step, hessian, step)
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
