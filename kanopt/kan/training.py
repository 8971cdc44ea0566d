"""How a network is fitted, its random starts and their first training, robust losses, and what comes out.

Every edge is initialised as a random line with a little curvature, and every hidden node spans its range. One start
of a deep network often ends in a poor local optimum; the best of several rarely does.

A robust loss Σ ρ(r / s) is minimised by least squares with row weights ψ(u) / u at u = r / s, recomputed as the fit
changes (Huber and Ronchetti 2009, *Robust Statistics*, section 7.8). The scale s is the median absolute
residual / 0.6745, which one outlier in a hundred rows hardly affects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from scipy.optimize import OptimizeResult, minimize
from torch import Tensor

from kanopt.array_types import Floats
from kanopt.errors import FitError
from kanopt.kan.basis import periodic_roughness, roughness
from kanopt.kan.network import Architecture, InputTensors, KANBatch, LayerArchitecture
from kanopt.kan.ranges import (
    ConstrainedCoefficients,
    Penalty,
    ShapeConstraints,
    refit_ranges,
    rescale_incoming,
)
from kanopt.kan.smoothing import RIDGES, effective_parameters, gcv_score
from kanopt.kan.trainer import (
    Data,
    History,
    LeastSquares,
    Link,
    Objective,
    StepCallback,
    TrainerOptions,
    train,
)

# Networks that are too large for second-order training.
#
# Levenberg-Marquardt (:mod:`kanopt.kan.trainer`) solves equations with a parameters × parameters matrix,
# which is best for small networks and too expensive past a few thousand parameters. Here the same loss,
#
# L(θ) = ½ Σ_n w_n ‖y_n − g(f(x_n; θ))‖² + ½ θᵀ S θ,
#
# is minimised with its gradient by L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995, SIAM J. Sci. Comput. 16),
# whose bounds hold the shapes of :mod:`kanopt.kan.ranges`. It works in variables z with θ = θ₀ + R z,
# where R is diagonal and scales every coefficient so that its curvature, the diagonal of the Gauss-Newton
# matrix and S, is about one. R and the hidden ranges are renewed a few times.
#
# Without the Gauss-Newton matrix there is no smoothing weight by evidence and no leverage: smoothing is
# chosen on rows held out (:func:`kanopt.kan.fit.fit_held_out`), and residuals of the other rows are scaled up to
# match theirs.

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


def _penalty(layer: LayerArchitecture, weights: Tensor, ridge: Tensor) -> Tensor:
    """Return S of the edges that leave the inputs of a layer, the same for all nodes they enter; (width, width)."""
    splines, cycles, tables = torch.split(weights, [layer.splines, layer.cycles, len(layer.tables)])
    blocks = [weight * roughness(layer.grid_size).to(weights) for weight in splines]
    blocks += [weight * periodic_roughness(layer.grid_size).to(weights) for weight in cycles]
    blocks += [
        weight * torch.eye(size).to(weights) for weight, size in zip(tables, layer.tables, strict=True)
    ]
    whole: Tensor = torch.block_diag(*blocks)  # type: ignore[no-untyped-call]
    return whole + ridge * torch.eye(layer.width).to(weights)


def _penalties(shape: Architecture, smoothing: Tensor) -> list[Tensor]:
    groups = torch.split(smoothing[:-1], [len(shape.layers[0].widths)] + [1] * (len(shape.layers) - 1))
    return [
        _penalty(layer, group.expand(len(layer.widths)), smoothing[-1])
        for layer, group in zip(shape.layers, groups, strict=True)
    ]


def _curvature(
    network: KANBatch,
    objective: LeastSquares,
    penalties: list[Tensor],
    constraints: ConstrainedCoefficients | None,
) -> Tensor:
    """Return the diagonal of the Gauss-Newton matrix and S, (parameters,), from some of the rows."""
    data, link = objective.data, objective.link
    sample = data.rows(slice(None, None, max(1, len(data) // GUESS)))
    output, jacobian = network.forward_and_jacobian(sample.inputs)
    slopes = (jacobian[0] if link is None else link.slope(output[0])[..., None] * jacobian[0]).sum(1)
    slopes = slopes if constraints is None else constraints.gradient_to_free(slopes)
    held = zip(penalties, network.architecture.layers, strict=True)
    bent = torch.cat([each.diagonal().repeat_interleave(layer.nodes) for each, layer in held])
    found = sample.weights.flatten() / sample.weights.sum() @ slopes.square() + bent
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
    penalties = _penalties(network.architecture, smoothing)

    def record(intermediate_result: OptimizeResult) -> None:
        loss = torch.full_like(history.best, total * float(intermediate_result.fun))
        history.loss.append(loss)
        history.best = torch.minimum(history.best, loss)
        history.stopped = watch is not None and watch(len(history.loss) - 1, history.best)
        if history.stopped:
            raise StopIteration

    for steps in STAGES:
        moved = refit_ranges(network, objective.inputs, constraints)
        network = _descended(moved or network, objective, penalties, total, constraints, (steps, record))
        if history.stopped:
            break
    return network, history


def _descended(
    network: KANBatch,
    objective: LeastSquares,
    penalties: list[Tensor],
    total: float,
    constraints: ConstrainedCoefficients | None,
    run: tuple[int, Callable[..., None]],
) -> KANBatch:
    """Return the network after some steps, each of which is told."""
    start = network.theta if constraints is None else constraints.variables(network.theta)
    scale = _curvature(network, objective, penalties, constraints).rsqrt()

    def at(z: Tensor) -> KANBatch:
        place = start + scale * z
        return replace(network, theta=place if constraints is None else constraints.coefficients(place))

    def loss(z: Floats) -> tuple[float, Floats]:
        place = torch.as_tensor(z).to(start).requires_grad_()
        value, gradient = 0.0, torch.zeros_like(place)

        def add(part: Tensor) -> None:
            nonlocal value
            value += 0.5 * float(part.detach())
            gradient.add_(torch.autograd.grad(part, place)[0], alpha=0.5)

        for part in objective.chunks(network):  # block by block: the graph of all rows would not fit
            add(LeastSquares(part, objective.link).squares(at(place)).sum() / total)
        bent = [
            (block * (held @ block)).sum() for held, block in zip(penalties, at(place).blocks(), strict=True)
        ]
        add(torch.stack(bent).sum())
        return value, gradient.cpu().numpy()

    bounds = None
    if constraints is not None:
        least = (-start[0] / scale).clamp(max=0.0).tolist()
        held = zip(least, constraints.bounded.tolist(), strict=True)
        bounds = [(low if bounded else None, None) for low, bounded in held]
    steps, record = run
    found = minimize(
        loss,
        np.zeros(network.architecture.parameters),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        callback=record,
        options={"maxiter": steps, "maxcor": PAIRS, "ftol": TOLERANCE, "gtol": 0.0},
    )
    return at(torch.as_tensor(found.x).to(start))


FEWEST, PER_PARAMETER, MOST_ROWS = 300, 12, 1_500
"""Rows that starts are trained on: so many, and so many per parameter, up to a limit."""
FEWEST_STARTS, WORK = 4, 16 * 1_500 * 150**2
"""Starts of wide networks are fewer, but so many, so that starts × rows × parameters² stays within limits."""
STRONG = 1e-4
"""Smoothing of starts."""
KEPT = 4
"""Starts that go on with all rows."""
START_STEPS = (10, 6, 8)
"""Steps of the starts, half of which are dropped after each of these runs (Jamieson and Talwalkar 2016, AISTATS)."""
LARGEST_SPREAD = 30.0
"""Standard deviation of targets that hidden nodes are trained on at most: ten does no harm, and a hundred does."""
HUBER = 1.345
"""Threshold of Huber's ψ in scales: 95 % efficient on normal errors."""

TUKEY = 4.685
"""Threshold of Tukey's biweight in scales: 95 % efficient on normal errors."""

LEAST_MEAN = 1e-2
"""Mean below which the variance of a count falls no further."""

LEAST_SCALE = 1e-6
"""Least scale, as a share of the mean absolute residual."""

LOSSES = ("squared", "huber", "tukey")


@dataclass(frozen=True)
class FitOptions:
    """Options of a fit.

    Parameters
    ----------
    starts
        Number of random starts of networks with hidden nodes.
    smoothing
        Roughness weight λ of all groups, or None to choose one per group.
    loss
        ``"squared"``, ``"huber"``, ``"tukey"``, or ``"poisson"``: squared errors divided by the mean, for positive
        targets with an exponential link, in units of their mean.
    shape_constraints
        Shape constraints of the numeric inputs.
    link
        From the output to the target; None is the identity.
    distinct
        Number of distinct rows divided by the sum of all weights: a row of weight k stands for k copies. Copies carry
        no information about noise, so cross-validation, evidence and standard errors must not count them; nor what
        rows of a group share more than once.
    groups
        A group index per row of all rows, (n,), whose residuals are those with the whole group left out; None leaves
        out rows.
    trainer
        Options of every training run.
    """

    starts: int = 16
    smoothing: float | None = None
    loss: str = "squared"
    shape_constraints: ShapeConstraints = field(default_factory=ShapeConstraints)
    link: Link | None = None
    distinct: float = 1.0
    groups: Tensor | None = None
    trainer: TrainerOptions = field(default_factory=TrainerOptions)

    def objective(self, data: Data) -> LeastSquares:
        """Return the least-squares objective on `data`."""
        return LeastSquares(data, self.link)

    def mean_output(self, data: Data) -> Tensor:
        """Return the network outputs that correspond to the mean target, shape (outputs,)."""
        return data.mean_target if self.link is None else self.link.inverse(data.mean_target)

    def constraints(self, network: KANBatch) -> ConstrainedCoefficients | None:
        """Return the parameterisation that holds the shapes in a network, None where none are asked for."""
        return ConstrainedCoefficients.of(network.architecture, self.shape_constraints, network.theta.device)


@dataclass(frozen=True)
class TrainedBatch:
    """A batch of trained networks with their smoothing weights (M, groups + 1) and GCV scores (M,)."""

    network: KANBatch
    smoothing: Tensor
    score: Tensor
    history: History


@dataclass(frozen=True, eq=False)
class Training:
    """What networks of one architecture are trained on: rows and shapes, as the options of a fit have them."""

    data: Data
    options: FitOptions
    objective: LeastSquares
    constraints: ConstrainedCoefficients | None
    total: float

    @classmethod
    def of(cls, network: KANBatch, data: Data, options: FitOptions) -> Training:
        """Prepare the rows for networks like these."""
        data = data.prepared(network)
        total = float(data.weights.sum())
        return cls(data, options, options.objective(data), options.constraints(network), total)

    @property
    def rows(self) -> float:
        """Number of rows, where copies of a row are no evidence."""
        return self.total * self.options.distinct

    def reweighted(self, network: KANBatch) -> LeastSquares:
        """Return the objective with the row weights of the loss at the current parameters."""
        return reweight(network, self.objective, self.options.loss)

    def held(self, network: KANBatch, smoothing: Tensor) -> Tensor:
        """Return the penalty matrices of networks, (M, parameters, parameters), at given smoothing weights."""
        penalty = Penalty.of(network.architecture, network.theta.device)
        return penalty.matrices(smoothing, self.total)

    def train(
        self, network: KANBatch, objective: Objective, smoothing: Tensor, trainer: TrainerOptions
    ) -> tuple[KANBatch, History]:
        """Train at given smoothing weights; return the best state of every network, and the history."""
        if network.architecture.is_large and isinstance(objective, LeastSquares):
            return train_large(network, objective, smoothing[0], self.total, self.constraints, trainer.watch)
        return train(network, objective, self.held(network, smoothing), trainer, self.constraints)

    def score(self, network: KANBatch, smoothing: Tensor) -> Tensor:
        """Return the GCV score of every network; for robust losses Huber's ρ has the same scale for all."""
        if network.architecture.is_large:
            return self.objective.squares(network) / self.total
        normal = self.reweighted(network).normal_equations(network)
        edf, _ = effective_parameters(normal.matrix, self.held(network, smoothing))
        loss = self.options.loss
        lost = normal.squares if loss == "squared" else summed_loss(network, self.objective, loss)
        score = gcv_score(lost, edf, self.rows)
        return torch.where(torch.isfinite(score), score, torch.full_like(score, torch.inf))


def random_starts(
    shape: Architecture,
    models: int,
    inputs: InputTensors,
    bounds: tuple[Tensor, Tensor],
    offset: Tensor,
    generator: torch.Generator,
    wanted: ShapeConstraints | None = None,
) -> KANBatch:
    """Return `models` random networks.

    Parameters
    ----------
    inputs
        Rows that determine the hidden ranges.
    bounds
        Lower and upper ends of the numeric inputs, each of shape (numbers,).
    offset
        Constants added to the outputs, usually the means of the targets; shape (outputs,).
    generator
        Source of all randomness, on the CPU, so that starts do not depend on the device.
    wanted
        Shape constraints of the edges.

    Examples
    --------
    >>> numbers = torch.rand(20, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    >>> rows = InputTensors(numbers, torch.zeros(20, 0, dtype=torch.int64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> seven = torch.Generator().manual_seed(7)
    >>> batch = random_starts(Architecture(2, hidden=(3,)), 4, rows, bounds, torch.zeros(1, dtype=torch.float64), seven)
    >>> batch.forward(rows).shape
    torch.Size([4, 20, 1])
    """
    wanted = wanted or ShapeConstraints()
    blocks = [
        _random_block(layer, models, wanted.of_layer(index, layer.splines), generator)
        for index, layer in enumerate(shape.layers)
    ]
    theta = torch.cat([block.flatten(1) for block in blocks], dim=1).to(inputs.numbers.device)
    network = KANBatch(shape, theta, *bounds, offset.to(theta).expand(models, -1).clone())
    for hidden in range(1, len(shape.layers)):
        network = rescale_incoming(network, hidden, inputs)
    if not shape.hidden:
        network = replace(network, theta=torch.zeros_like(theta))
    return network


def _random_block(
    layer: LayerArchitecture, models: int, signs: tuple[int, ...], generator: torch.Generator
) -> Tensor:
    def normal(*size: int) -> Tensor:
        return torch.randn(*size, dtype=torch.float64, generator=generator)

    ramp = torch.linspace(-1.0, 1.0, layer.basis_size, dtype=torch.float64)[:, None]
    parts = []
    for sign in signs:
        slope, curve = normal(models, 1, layer.nodes), 0.2 * normal(models, 1, layer.nodes)
        if sign:
            slope, curve = sign * slope.abs(), torch.zeros_like(curve)
        parts.append(slope * ramp + curve * ramp**2)
    turn = 2.0 * torch.pi * torch.arange(layer.grid_size, dtype=torch.float64)[:, None] / layer.grid_size
    for _ in range(layer.cycles):
        wave = normal(models, 1, layer.nodes) * turn.sin() + normal(models, 1, layer.nodes) * turn.cos()
        parts.append(0.7 * wave)
    parts += [0.5 * normal(models, size, layer.nodes) for size in layer.tables]
    return torch.cat(parts, dim=1)


def train_starts(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
    kept: int = KEPT,
) -> TrainedBatch:
    """Train random starts for a few steps on a sample of the rows with a strong penalty; keep the best."""
    _refuse_large(data, options)
    offset = options.mean_output(data)
    rows = min(MOST_ROWS, max(FEWEST, PER_PARAMETER * shape.parameters))
    data = data.drawn(rows, generator)
    affordable = int(WORK / (len(data) * shape.parameters**2))
    starts = min(options.starts, max(FEWEST_STARTS, affordable))
    network = random_starts(shape, starts, data.inputs, bounds, offset, generator, options.shape_constraints)
    training = Training.of(network, data, options)
    smoothing = network.theta.new_full((len(network), shape.groups + 1), STRONG)
    smoothing[:, -1] = 1e-6
    objective = training.reweighted(network) if options.loss == "poisson" else training.objective
    damping = 1.0
    for place, steps in enumerate(START_STEPS):
        trainer = replace(options.trainer, iterations=steps, damping=damping, tolerance=1e-4)
        network, history = training.train(network, objective, smoothing[: len(network)], trainer)
        last = history.stopped or place == len(START_STEPS) - 1
        best = history.best.argsort()[: kept if last else max(kept, (len(network) + 1) // 2)]
        network, objective = network.take(best), objective.for_models(best)
        if last:
            break
        damping = float(history.damping[-1][best].median())
    if options.smoothing is not None:
        smoothing[:, :-1], smoothing[:, -1] = options.smoothing, RIDGES[0]
    return TrainedBatch(network, smoothing[: len(network)], history.best[best], history)


def _refuse_large(data: Data, options: FitOptions) -> None:
    """Refuse targets so large that the prior would silently reduce hidden networks to a constant."""
    gap = (data.target - data.mean_target).square()
    spread = float(((data.weights @ gap) / data.weights.sum()).max().sqrt())
    if options.link is None and spread > LARGEST_SPREAD:
        raise FitError(
            f"hidden nodes need targets of about unit size, and these have a standard deviation of {spread:.3g}; "
            "divide the targets by it and multiply what the network says"
        )


def weighted_median(values: Tensor, weights: Tensor) -> Tensor:
    """Return the weighted median along the last axis; a row of weight k counts as k rows.

    Examples
    --------
    >>> float(weighted_median(torch.tensor([1.0, 5.0, 9.0]), torch.tensor([1.0, 1.0, 3.0])))
    9.0
    """
    ordered, order = values.sort(dim=-1)
    mass = weights.expand_as(values).gather(-1, order).cumsum(-1)
    place = torch.searchsorted(mass, 0.5 * mass[..., -1:].contiguous())
    return ordered.gather(-1, place.clamp(max=values.shape[-1] - 1)).squeeze(-1)


def residual_scale(residual: Tensor, weights: Tensor) -> Tensor:
    """Return the robust standard deviation of residuals (..., n) about zero, shape (...).

    If more than half of the rows are fitted exactly, as when most targets are equal, the median is rounding error. The
    scale is then a millionth of the mean absolute residual, so that rounding does not decide which rows are outliers.
    """
    size = residual.abs()
    mean = (weights * size).sum(-1) / weights.sum(-1)
    return torch.maximum(weighted_median(size, weights) / 0.6745, LEAST_SCALE * mean)


def robust_weights(residual: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Return `weights` times ψ(u) / u for residuals (..., n); parameters as in :func:`robust_weight_share`."""
    return weights if loss == "squared" else weights * robust_weight_share(residual, weights, loss)


def robust_weight_share(residual: Tensor, weights: Tensor, loss: str) -> Tensor:
    """Return ψ(u) / u for residuals (..., n): the fraction of its weight that a row keeps.

    Parameters
    ----------
    loss
        ``"squared"`` keeps all weights; ``"huber"`` and ``"tukey"`` lower the weights of rows with large residuals.
    """
    if loss == "squared":
        return torch.ones_like(residual)
    scale = residual_scale(residual, weights).clamp(min=torch.finfo(residual.dtype).tiny)
    return weight_function(residual.abs() / scale.unsqueeze(-1), loss)


def weight_function(u: Tensor, loss: str) -> Tensor:
    """Return ψ(u) / u for standardised residuals u.

    Examples
    --------
    >>> float(weight_function(torch.tensor(2.69), "huber"))
    0.5
    """
    if loss == "huber":
        return HUBER / u.clamp(min=HUBER)
    if loss == "tukey":
        return (1.0 - (u / TUKEY).clamp(max=1.0) ** 2) ** 2
    raise ValueError(f"unknown loss {loss!r}; known: {', '.join(LOSSES)}")


def huber_loss(size: Tensor, limit: Tensor) -> Tensor:
    """Return twice Huber's ρ of absolute residuals `size`: quadratic up to `limit`, linear beyond."""
    return torch.where(size > limit, limit * (2.0 * size - limit), size.square())


def poisson_weights(mean: Tensor) -> Tensor:
    """Return 1 / mean: iteratively reweighted least squares with these weights is quasi-Poisson regression.

    The error variance is proportional to the mean, and Σ mean = Σ target if the network has a free constant and an
    exponential link (McCullagh and Nelder 1989, *Generalized Linear Models*, section 9.2). Means are in units of their
    average; below a hundredth of it the weight is constant.
    """
    return 1.0 / mean.clamp(min=LEAST_MEAN)


def poisson_deviance(target: Tensor, mean: Tensor) -> Tensor:
    """Return 2 [y log(y / μ) − (y − μ)], about (y − μ)² / μ, of every row (McCullagh and Nelder 1989, table 2.1)."""
    mean = mean.clamp(min=LEAST_MEAN)
    return 2.0 * (torch.xlogy(target, target / mean) - (target - mean))


def reweight(network: KANBatch, objective: LeastSquares, loss: str) -> LeastSquares:
    """Return the objective with the row weights of `loss` at the current parameters."""
    if loss == "squared":
        return objective
    if loss == "poisson":
        mean = objective.outputs(network, objective.inputs)[..., 0]
        return objective.with_weights(objective.data.weights * poisson_weights(mean))
    residual = objective.residuals(network).norm(dim=-1)
    return objective.with_weights(robust_weights(residual, objective.data.weights, loss))


def summed_loss(network: KANBatch, objective: LeastSquares, loss: str, limit: Tensor | None = None) -> Tensor:
    """Return the weighted sum of squares, of deviances, or of Huber's ρ for a robust loss; (M,).

    Parameters
    ----------
    limit
        Residual size above which ρ is linear; None takes that of the network with the smallest residuals for all.
    """
    data = objective.data
    if loss == "poisson":
        deviance = poisson_deviance(data.target[:, 0], objective.outputs(network, data.inputs)[..., 0])
        return (data.weights * deviance).sum(1)
    if loss == "squared":
        return objective.squares(network)
    size = objective.residuals(network).norm(dim=-1)
    limit = HUBER * residual_scale(size, data.weights).min() if limit is None else limit
    return (data.weights * huber_loss(size, limit)).sum(1)
