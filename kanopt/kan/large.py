"""Networks that are too large for second-order training.

Levenberg-Marquardt (:mod:`kanopt.kan.trainer`) solves equations with a parameters × parameters matrix, which is best
for small networks and too expensive past a few thousand parameters. Here the same loss,

    L(θ) = ½ Σ_n w_n ‖y_n − g(f(x_n; θ))‖² + ½ θᵀ S θ,

is minimised with its gradient by L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995, SIAM J. Sci. Comput. 16), whose bounds hold
the shapes of :mod:`kanopt.kan.constraints`. It works in variables z with θ = θ₀ + R z, where R is diagonal and scales
every coefficient so that its curvature, the diagonal of the Gauss-Newton matrix and S, is about one. R and the hidden
ranges are renewed a few times.

Without the Gauss-Newton matrix there is no smoothing weight by evidence and no leverage: smoothing is chosen on rows
held out (:mod:`kanopt.kan.heldout`), and residuals of the other rows are scaled up to match theirs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from scipy.optimize import OptimizeResult, minimize
from torch import Tensor

from kanopt.array_types import Floats
from kanopt.kan.architecture import LayerArchitecture
from kanopt.kan.basis import block_diagonal, periodic_roughness, roughness
from kanopt.kan.constraints import ConstrainedCoefficients
from kanopt.kan.links import Link
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import CHUNK_BYTES, DEVICE_CHUNK_BYTES, Data, LeastSquares
from kanopt.kan.ranges import refit_ranges
from kanopt.kan.trainer import History, StepCallback

STAGES = (15, 15)
"""Steps between renewals of the hidden ranges and of the variables."""
PAIRS = 12
"""Pairs of steps and gradients that L-BFGS keeps."""
TOLERANCE = 1e-12
"""A stage ends at a step that lowers the loss by less."""
LEAST = 1e-3
"""Least curvature, relative to that of a mean coefficient."""
GUESS = 256
"""Rows that the curvature is taken from."""


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
        total: float,
        constraints: ConstrainedCoefficients | None,
    ) -> None:
        self.network, self.objective, self.constraints, self.total = network, objective, constraints, total
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
        loss = 0.5 * (float(squares) / self.total + float(bent @ network.theta[0]))
        gradient = gradient / self.total + bent
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
        """Return the diagonal of the Gauss-Newton matrix and S, (parameters,), from some of the rows."""
        data, link = self.objective.data, self.objective.link
        sample = data.rows(slice(None, None, max(1, len(data) // GUESS)))
        output, jacobian = self.network.forward_and_jacobian(sample.inputs)
        slopes = (
            jacobian[0].sum(1) if link is None else (link.slope(output[0])[..., None] * jacobian[0]).sum(1)
        )
        held = zip(self.penalties, self.network.architecture.layers, strict=True)
        bent = torch.cat([each.diagonal().repeat_interleave(layer.subnodes) for each, layer in held])
        if self.constraints is not None:
            slopes = self.constraints.gradient_to_free(slopes)
        weights = sample.weights.flatten() / sample.weights.sum()
        found = weights @ slopes.square() + bent
        # a function that is zero in all these rows, such as a category that they lack, counts as an ordinary one
        return found.clamp(min=LEAST * float(found.mean()))


def train_large(
    network: KANBatch,
    objective: LeastSquares,
    smoothing: Tensor,
    total: float,
    constraints: ConstrainedCoefficients | None = None,
    watch: StepCallback | None = None,
) -> tuple[KANBatch, History]:
    """Train a network with the gradient; return its best state, and the history.

    Parameters
    ----------
    network
        One initial network, which must satisfy `constraints`.
    objective
        Rows to learn from.
    smoothing
        Roughness weight of every group and the ridge, shape (groups + 1,).
    total
        Sum of the row weights before any robust reweighting, with which the penalty is scaled.
    constraints
        Parameterisation of shape constraints, if any.
    watch
        Callback after every step, see :class:`~kanopt.kan.trainer.TrainerOptions`.
    """
    history = History(best=torch.full_like(network.theta[:, 0], torch.inf))

    def record(intermediate_result: OptimizeResult) -> None:
        loss = torch.full_like(history.best, total * float(intermediate_result.fun))
        history.loss.append(loss)
        history.best = torch.minimum(history.best, loss)
        history.stopped = watch is not None and watch(len(history.loss) - 1, history.best)
        if history.stopped:
            raise StopIteration

    for steps in STAGES:
        moved = refit_ranges(network, objective.inputs, constraints)
        history.range_refits += moved is not None
        problem = _Problem(moved or network, objective, smoothing, total, constraints)
        found = minimize(
            problem,
            np.zeros(network.architecture.parameters),
            jac=True,
            method="L-BFGS-B",
            bounds=problem.bounds(),
            callback=record,
            options={"maxiter": steps, "maxcor": PAIRS, "ftol": TOLERANCE, "gtol": 0.0},
        )
        network = problem.network_at(found.x)
        if history.stopped:
            break
    return network, history
