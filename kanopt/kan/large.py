"""Networks that are too large for second-order training.

Levenberg-Marquardt (:mod:`kanopt.kan.trainer`) solves equations with a parameters × parameters matrix, which is best
for small networks and too expensive past a few thousand parameters. Here the same loss,

    L(θ) = ½ Σ_n w_n ‖y_n − g(f(x_n; θ))‖² + ½ θᵀ S θ,

is minimised with its gradient by L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995, SIAM J. Sci. Comput. 16), whose bounds hold
the shapes of :mod:`kanopt.kan.constraints`. It works in variables z with θ = θ₀ + R z, where R is diagonal and scales
every coefficient so that its curvature, the diagonal of the Gauss-Newton matrix and S, is about one; the mean over the
rows of a product of basis functions and sensitivities is taken as the product of their means. R and the hidden ranges
are renewed a few times. (Blocks of that matrix by layers and nodes took more time, and their networks were no better.)

Without the Gauss-Newton matrix there is no smoothing weight by evidence, no leverage and no standard error. Smoothing
is chosen on held-out rows, all copies of a row together; then the network is trained on all rows. Held-out rows keep
their held-out residuals as leave-one-out residuals; the residuals of the other rows are scaled up to match.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult, minimize
from torch import Tensor

from kanopt.kan.architecture import Architecture, LayerArchitecture
from kanopt.kan.basis import block_diagonal, periodic_roughness, roughness
from kanopt.kan.constraints import ConstrainedCoefficients
from kanopt.kan.fitted import FittedNetwork, describe_fit
from kanopt.kan.heldout import HeldOutLoss
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import CHUNK_BYTES, DEVICE_CHUNK_BYTES, Data, LeastSquares
from kanopt.kan.ranges import refit_ranges
from kanopt.kan.trainer import History, StepCallback
from kanopt.kan.training import FitOptions, TrainedBatch, random_starts, reweight

Floats = NDArray[np.float64]

LARGE = 2_000
"""Parameters of one network past which a matrix of their square is too much."""
SMOOTHINGS = (1e-8, 1e-6, 1e-4, 1e-3, 1e-2)
"""Smoothing weights tried: the lowest for targets without noise, the highest where noise is most of them."""
RIDGE = 1e-9
HELD_OUT = 0.2
"""Share of the rows held out."""
STAGES, MORE, LAST = (2, 2, 4, 4, 8, 10, 10, 10, 10), (15, 15), (20,) * 5
"""Steps between renewals of the hidden ranges and of the variables: from a random network, from one trained at another
smoothing weight, and at the end on all rows."""
TURNS = 3
"""Turns of training where the weights of the rows follow the residuals or the mean."""
PAIRS = 12
"""Pairs of steps and gradients that L-BFGS keeps."""
TOLERANCE = 1e-12
"""A stage ends at a step that lowers the loss by less."""
FLOOR = 1e-3
"""Least mean squared sensitivity of a node, relative to that of a mean one."""
GUESS = 2_048
"""Rows that the curvature is taken from."""


def is_large(shape: Architecture) -> bool:
    """Whether an architecture is too large for second-order training."""
    return shape.parameters > LARGE


def squares_and_gradient(network: KANBatch, data: Data, link: Link | None = None) -> tuple[Tensor, Tensor]:
    """Return Σ w ‖y − g(f)‖² (M,) and the gradient of half of it (M, parameters), block by block of rows."""
    squares, gradient = torch.zeros_like(network.theta[:, 0]), torch.zeros_like(network.theta)
    room = CHUNK_BYTES if network.theta.device.type == "cpu" else DEVICE_CHUNK_BYTES
    widest = max(layer.width for layer in network.architecture.layers)
    for part in data.chunks(max(1, room // (32 * len(network) * widest))):
        passed = network.forward_pass(part.inputs)
        output = passed.output
        error = (output if link is None else link(output)) - part.target
        flow = part.weights.unsqueeze(-1) * error
        squares += (flow * error).sum((1, 2))
        gradient += passed.gradient(flow if link is None else flow * link.slope(output))
    return squares, gradient


def _penalty(layer: LayerArchitecture, weights: Tensor, ridge: Tensor) -> Tensor:
    """Return S of the edges that leave the inputs of a layer, the same for all sub-nodes they enter; (width, width)."""
    splines, cycles, tables = torch.split(weights, [layer.splines, layer.cycles, len(layer.tables)])
    blocks = [weight * roughness(layer.grid_size).to(weights) for weight in splines]
    blocks += [weight * periodic_roughness(layer.grid_size).to(weights) for weight in cycles]
    blocks += [
        weight * torch.eye(size).to(weights) for weight, size in zip(tables, layer.tables, strict=True)
    ]
    return block_diagonal(blocks) + ridge * torch.eye(layer.width).to(weights)


class _Problem:
    """L of one network, in units of the total weight, as a function of z."""

    def __init__(
        self,
        network: KANBatch,
        objective: LeastSquares,
        smoothing: Tensor,
        constraints: ConstrainedCoefficients | None,
    ) -> None:
        self.network, self.objective, self.constraints = network, objective, constraints
        self.weight = float(objective.data.weights.sum())
        layers = network.architecture.layers
        groups = torch.split(smoothing[:-1], [len(layers[0].widths)] + [1] * (len(layers) - 1))
        self.penalties = [
            _penalty(layer, group.expand(len(layer.widths)), smoothing[-1])
            for layer, group in zip(layers, groups, strict=True)
        ]
        self.start = network.theta if constraints is None else constraints.variables(network.theta)
        self.scale = self._curvature().rsqrt()

    def network_at(self, z: Floats) -> KANBatch:
        """Return the network at z."""
        place = self.start + self.scale * torch.as_tensor(z).to(self.start)
        theta = place if self.constraints is None else self.constraints.coefficients(place)
        return replace(self.network, theta=theta)

    def __call__(self, z: Floats) -> tuple[float, Floats]:
        """Return the loss and its gradient."""
        network = self.network_at(z)
        squares, gradient = squares_and_gradient(network, self.objective.data, self.objective.link)
        parts = zip(self.penalties, network.blocks(), strict=True)
        bent = torch.cat([(penalty @ block).flatten() for penalty, block in parts])
        loss = 0.5 * (float(squares) / self.weight + float(bent @ network.theta[0]))
        gradient = gradient / self.weight + bent
        if self.constraints is not None:
            gradient = self.constraints.gradient_to_free(gradient)
        return loss, (self.scale * gradient[0]).cpu().numpy()

    def bounds(self) -> list[tuple[float | None, None]] | None:
        """Return the bounds of z."""
        if self.constraints is None:
            return None
        least = (-self.start[0] / self.scale).clamp(max=0.0).tolist()
        bounded = self.constraints.bounded.tolist()
        return [(low if held else None, None) for low, held in zip(least, bounded, strict=True)]

    def _curvature(self) -> Tensor:
        """Return the diagonal of the Gauss-Newton matrix and S, (parameters,), from a sample of the rows."""
        data, link = self.objective.data, self.objective.link
        sample = data.rows(slice(None, None, max(1, len(data) // GUESS)))
        weights = (sample.weights / sample.weights.sum()).unsqueeze(-1)
        passed = self.network.forward_pass(sample.inputs)
        slope = torch.ones_like(passed.output) if link is None else link.slope(passed.output)
        found = []
        for index, flow in passed.backwards(slope.unsqueeze(-2)):
            basis, penalty = passed.bases[index].reshape(len(sample), -1), self.penalties[index]
            if self.constraints is not None:
                layer = self.network.architecture.layers[index]
                free = torch.eye(layer.width - layer.splines * layer.basis_size).to(basis)
                turn = block_diagonal([*self.constraints.transforms[index], free])
                basis, penalty = basis @ turn, turn.T @ penalty @ turn
            # A function that is zero in the sample, such as a category that it lacks, counts as one of its rows.
            own = (weights * basis.square()).sum(0).clamp(min=1.0 / len(sample))
            squares = (weights * flow[0, :, 0].square()).sum(0)
            squares = squares.clamp(min=FLOOR * squares.mean())
            found.append((torch.outer(own, squares) + penalty.diagonal()[:, None]).flatten())
        return torch.cat(found[::-1])


def train_large(
    network: KANBatch,
    objective: LeastSquares,
    smoothing: Tensor,
    constraints: ConstrainedCoefficients | None = None,
    watch: StepCallback | None = None,
    stages: tuple[int, ...] = STAGES,
) -> tuple[KANBatch, History]:
    """Train a network with the gradient; return its best state, and the history.

    Parameters
    ----------
    network
        One initial network, which must satisfy `constraints`.
    objective
        Rows to learn from, with weights of shape (n,).
    smoothing
        Roughness weight of every group and the ridge, shape (groups + 1,).
    constraints
        Parameterisation of shape constraints, if any.
    watch
        Callback after every step, see :class:`~kanopt.kan.trainer.TrainerOptions`.
    stages
        Steps of every stage.
    """
    history = History(best=torch.full_like(network.theta[:, 0], torch.inf))
    weight = float(objective.data.weights.sum())

    def record(intermediate_result: OptimizeResult) -> None:
        loss = torch.full_like(history.best, weight * float(intermediate_result.fun))
        history.loss.append(loss)
        history.best = torch.minimum(history.best, loss)
        history.stopped = watch is not None and watch(len(history.loss) - 1, history.best)
        if history.stopped:
            raise StopIteration

    for steps in stages:
        moved = refit_ranges(network, objective.inputs, constraints)
        history.range_refits += moved is not None
        problem = _Problem(moved or network, objective, smoothing, constraints)
        options = {"maxiter": steps, "maxcor": PAIRS, "ftol": TOLERANCE, "gtol": 0.0}
        found = minimize(
            problem,
            np.zeros(network.architecture.parameters),
            jac=True,
            method="L-BFGS-B",
            bounds=problem.bounds(),
            callback=record,
            options=options,
        )
        network = problem.network_at(found.x)
        if history.stopped:
            break
    return network, history


def fit_large(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
) -> tuple[TrainedBatch, FittedNetwork]:
    """Train one network of a large architecture, and describe its fit.

    Parameters
    ----------
    shape
        Architecture with one output.
    data, bounds, generator, options
        As for :func:`kanopt.kan.fit.fit_starts`. For a loss that is not squared, training alternates with reweighting
        of the rows.
    """
    offset = options.mean_output(data)
    start = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.shape_constraints)
    data = data.prepared(start)
    kept, held = _split(data, generator)
    rest, judge = data.rows(kept), HeldOutLoss(data.rows(held), options)
    best = _best_smoothing(start, rest, judge)
    network, history = _train(best.network, data, best.smoothing[0], options, LAST)
    growth = (best.score / judge.losses(network, rest).clamp(min=torch.finfo(best.score.dtype).tiny)).sqrt()
    left_out = options.objective(data).residuals(network)[0, :, 0] * growth.nan_to_num(nan=1.0).clamp(min=1.0)
    left_out[held] = data.target[held, 0] - judge.outputs(best.network)[0]
    run = replace(best, network=network, history=history)
    return run, describe_fit(run, data, options, left_out)


def _best_smoothing(start: KANBatch, data: Data, judge: HeldOutLoss) -> TrainedBatch:
    """Train a network at weak smoothing, and on at stronger ones; return the one that is best on the held-out rows."""
    options, network, runs = judge.options, start, list[TrainedBatch]()
    groups = len(start.architecture.layers) - 1 + len(start.architecture.layers[0].widths)
    for level in SMOOTHINGS if options.smoothing is None else (options.smoothing,):
        smoothing = start.theta.new_full((1, groups + 1), level)
        smoothing[:, -1] = RIDGE
        network, history = _train(network, data, smoothing[0], options, MORE if runs else STAGES)
        runs.append(judge(TrainedBatch(network, smoothing, history.best, history)))
        if history.stopped:
            break
    return min(runs, key=lambda run: float(run.score))


def _split(data: Data, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return the indices of training rows and of held-out rows; copies of a row are not separated."""
    kind = data.row_groups()
    kinds = int(kind.max()) + 1
    if kinds < 2:
        every = torch.arange(len(data), device=kind.device)
        return every, every
    rank = torch.randperm(kinds, generator=generator).to(kind.device)[kind]
    count = max(1, round(HELD_OUT * kinds))
    return torch.nonzero(rank >= count).squeeze(1), torch.nonzero(rank < count).squeeze(1)


def _train(
    network: KANBatch, data: Data, smoothing: Tensor, options: FitOptions, stages: tuple[int, ...]
) -> tuple[KANBatch, History]:
    """Train a network; `stages` are those of :func:`train_large`."""
    objective, history = options.objective(data), History()
    constraints = options.constraints(network)
    turns = 1 if options.loss == "squared" else TURNS
    for turn in range(turns):
        # Residuals of a random network do not identify outliers, but its mean does.
        known = stages is not STAGES or turn > 0 or options.loss == "poisson"
        weighted = reweight(network, objective, options.loss) if known else objective
        if weighted.data.weights.ndim == 2:
            weighted = weighted.with_weights(weighted.data.weights[0])
        # The penalty is scaled with the weight of all rows, however many are downweighted.
        share = float(data.weights.sum() / weighted.data.weights.sum())
        network, history = train_large(
            network, weighted, share * smoothing, constraints, options.trainer.watch, MORE if turn else stages
        )
        if history.stopped:
            break
    return network, history
