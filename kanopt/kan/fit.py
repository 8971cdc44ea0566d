"""Fit a network: from random starts to one trained network.

An additive network has one optimum for given smoothing weights: these are updated by evidence on its normal equations,
and training alternates with reweighting of outliers.

A network with hidden nodes has many local optima. Starts are trained for a few steps on a coarse grid, a sample of the
rows and a strong penalty, which smooths the loss: of 66 starts of a deep target 35 % reach the basin of the best
optimum so, 17 % with a hundredth of the penalty, and none with a hundred times as much. The best
are trained on all rows; updates of smoothing, ranges and parameters alternate, and half of the networks are dropped
each time, until the cross-validation score converges (:func:`fit_starts`). Then the grid is doubled while the score
falls (:func:`refine_grid`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from kanopt.array_types import Floats
from kanopt.kan.network import Architecture, KANBatch
from kanopt.kan.ranges import SLACK, ConstrainedCoefficients, Penalty, refit_ranges
from kanopt.kan.smoothing import RIDGES, update_smoothing
from kanopt.kan.trainer import Data, History, LeastSquares, Objective, QuadraticModel
from kanopt.kan.training import (
    HUBER,
    FitOptions,
    TrainedBatch,
    Training,
    huber_loss,
    poisson_weights,
    random_starts,
    residual_scale,
    robust_weight_share,
    train_starts,
)

# What is known of a trained network from its rows: residuals, also of rows left out, and how many
# parameters count.
#
# Near the optimum a network is, to first order, linear in its parameters. The effective number of
# parameters and leave-one-out residuals are those of this linear model, from the Gauss-Newton matrix.

MOST_LEVERAGE = 0.99
"""What the leverage of a row counts as at most, and a group's is multiplied by: a row alone in its category has 1."""


@dataclass(frozen=True, eq=False)
class FittedNetwork:
    """What is known of one trained network from its rows, in numpy.

    Attributes
    ----------
    output, residual, left_out_residual
        Prediction, residual, and leave-one-out residual, with all copies of the row, or all rows of its group, left
        out, by the leverage of the Gauss-Newton model (exact for additive models at fixed smoothing; Cook and Weisberg
        1982, eq. 2.2.8); each (n,).
    robust_weight
        Robust weight of every row, 1 for a row with its full weight; (n,).
    edf
        Effective number of parameters.
    """

    output: Floats
    residual: Floats
    left_out_residual: Floats
    robust_weight: Floats
    edf: float


def describe_fit(
    run: TrainedBatch, data: Data, options: FitOptions, left_out: Tensor | None = None
) -> FittedNetwork:
    """Describe the first network of `run`, which has one output, given the rows of `data`.

    Parameters
    ----------
    left_out
        The residuals of rows left out, (n,), of a network that is too large for its Gauss-Newton matrix.
    """
    network = run.network.take(torch.zeros(1, dtype=torch.int64, device=data.target.device))
    output = options.objective(data).outputs(network, data.inputs)[0, :, 0]
    residual = data.target[:, 0] - output
    robust = options.loss != "poisson"
    trust = robust_weight_share(residual, data.weights, options.loss) if robust else poisson_weights(output)
    if left_out is None:
        left_out, edf = _by_gauss_newton(network, run.smoothing[:1], data, options, residual, trust)
    else:
        edf = float(network.architecture.parameters)
    return FittedNetwork(
        output=_numpy(output),
        residual=_numpy(residual),
        left_out_residual=_numpy(left_out),
        robust_weight=_numpy(trust if robust else torch.ones_like(trust)),
        edf=edf,
    )


def _by_gauss_newton(
    network: KANBatch, smoothing: Tensor, data: Data, options: FitOptions, residual: Tensor, trust: Tensor
) -> tuple[Tensor, float]:
    """Return leave-one-out residuals and effective parameters of the linear model at the optimum."""
    objective = options.objective(data)
    weighted = objective.with_weights(data.weights * trust)
    normal = weighted.normal_equations(network)
    penalty = Penalty.of(network.architecture, network.theta.device)
    smooth = penalty.matrices(smoothing, float(data.weights.sum()))
    constraints = options.constraints(network)
    inverse = _free_inverse(network, normal.matrix + smooth, constraints)
    edf = float((inverse * normal.matrix).sum())
    if options.groups is None:
        leverage = _leverage(network, inverse, objective.with_weights(trust * _weight_of_kind(data)))
        left_out = residual / (1.0 - leverage.clamp(max=MOST_LEVERAGE))
    else:
        left_out = _without_groups(network, inverse, weighted, residual, options.groups)
    return left_out, edf


def _weight_of_kind(data: Data) -> Tensor:
    """Return the total weight of every row and its copies, (n,)."""
    kind = data.row_groups()
    return data.weights.new_zeros(len(data)).index_add(0, kind, data.weights)[kind]


def _free_inverse(network: KANBatch, matrix: Tensor, constraints: ConstrainedCoefficients | None) -> Tensor:
    """Invert JᵀWJ + S over the directions not excluded by active bounds; (1, P, P)."""
    if constraints is None:
        directions = torch.eye(len(matrix[0]), dtype=matrix.dtype, device=matrix.device)
    else:
        position = constraints.variables(network.theta[:1])[0]
        held = constraints.bounded & (position <= 1e-9 * position.abs().max())
        # row by row the images of unit vectors
        directions = constraints.coefficients(torch.eye(len(matrix[0])).to(matrix))[~held].T
    reduced = directions.T @ matrix[0] @ directions
    return (directions @ _inverse(reduced) @ directions.T).unsqueeze(0)


def _inverse(matrix: Tensor) -> Tensor:
    """Return the pseudo-inverse of a positive semidefinite matrix, without directions that are null to rounding."""
    values, vectors = torch.linalg.eigh(matrix)
    kept = values > 1e-13 * values[-1]
    inverse: Tensor = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse


def _leverage(network: KANBatch, inverse: Tensor, objective: LeastSquares) -> Tensor:
    """Return the leverage w ∂f/∂θᵀ (JᵀWJ + S)⁻¹ ∂f/∂θ of every row, w being its weight in `objective`; (n,)."""
    parts = []
    for part in objective.chunks(network):
        output, jacobian = network.forward_and_jacobian(part.inputs)
        if objective.link is not None:
            jacobian *= objective.link.slope(output).unsqueeze(-1)
        rows = jacobian[0, :, 0]
        parts.append(part.weights * ((rows @ inverse[0]) * rows).sum(-1))
    return torch.cat(parts)


def _without_groups(
    network: KANBatch, inverse: Tensor, objective: LeastSquares, residual: Tensor, groups: Tensor
) -> Tensor:
    """Return the residual of every row with all rows of its group left out, (I − H)⁻¹ r with H of the group; (n,).

    H is J U JᵀW, J being the slopes of the group's rows and U the `inverse`; of a group of more rows than parameters
    the smaller of the two systems of equations is solved (Woodbury).
    """
    left_out = residual.clone()
    order = torch.argsort(groups, stable=True)
    for rows in torch.split(order, torch.bincount(groups).tolist()):
        part = objective.data.rows(rows)
        output, jacobian = network.forward_and_jacobian(part.inputs)
        if objective.link is not None:
            jacobian = jacobian * objective.link.slope(output).unsqueeze(-1)
        slopes = jacobian[0, :, 0]
        back = MOST_LEVERAGE * inverse[0] @ (slopes.T * part.weights)
        gap = residual[rows]
        if len(rows) <= len(back):
            left_out[rows] = torch.linalg.solve(torch.eye(len(rows)).to(gap) - slopes @ back, gap)
        else:
            held = torch.eye(len(back)).to(gap) - back @ slopes
            left_out[rows] = gap + slopes @ torch.linalg.solve(held, back @ gap)
    return left_out


def _numpy(tensor: Tensor) -> Floats:
    array: Floats = tensor.detach().cpu().numpy()
    return array


EXACT = 1e-14
"""Share of the target's variance below which an error counts as none."""
TURNS, STEPS = 8, 6
"""Turns on one grid at most, and steps of each."""
UPDATES, STRAIGHT, SETTLED = 10, 3, 0.5
"""Updates of the smoothing of additive networks, steps after each, and the change of a logarithm that ends them."""
WORTH = 0.9
"""A turn or a finer grid that leaves more of the score than this is the last."""
PLAIN_WORTH, MOST_PLAIN = 0.995, 1_000
"""The same of a finer grid without hidden nodes, and the parameters that it does not pass."""


def fit_starts(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions | None = None,
) -> TrainedBatch:
    """Train networks of one architecture on `data`; return the best one.

    Parameters
    ----------
    shape
        Sizes of the network.
    data
        Rows, with weights of shape (n,). With hidden nodes targets must be of about unit size, as starts and the prior
        of :func:`kanopt.kan.smoothing.update_smoothing` assume; standard deviations from 1e-3 to 10 all do.
    bounds
        Lower and upper ends of the numeric inputs, each of shape (numbers,).
    generator
        Source of all randomness, on the CPU.
    options
        How to fit.

    Raises
    ------
    FitError
        With hidden nodes and targets far larger than unit size.

    Examples
    --------
    >>> from kanopt.kan.network import InputTensors
    >>> generator = torch.Generator().manual_seed(3)
    >>> numbers = torch.rand(200, 2, dtype=torch.float64, generator=generator)
    >>> target = numbers.prod(1, keepdim=True)
    >>> rows = InputTensors(numbers, torch.zeros(200, 0, dtype=torch.int64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> data = Data(rows, target, torch.ones(200, dtype=torch.float64))
    >>> run = fit_starts(Architecture(2, hidden=(2,)), data, bounds, generator)
    >>> bool((run.network.forward(rows) - target).abs().max() < 1e-3)
    True
    """
    options = options or FitOptions()
    if shape.hidden:
        return train_until_one(train_starts(shape, data, bounds, generator, options), data, options)
    offset = options.mean_output(data)
    network = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.shape_constraints)
    first = 1e-6 if options.smoothing is None else options.smoothing
    smoothing = network.theta.new_full((1, shape.groups + 1), first)
    smoothing[:, -1] = _least_ridge(shape, float(data.weights.sum()) * options.distinct)
    return _fit_additive(network, smoothing, data, options)


def train_until_one(run: TrainedBatch, data: Data, options: FitOptions) -> TrainedBatch:
    """Train networks with hidden nodes on all rows, alternating with smoothing and ranges, until one is left.

    Also continues the training of a single network, on other rows or a finer grid.
    """
    network, smoothing, history = run.network, run.smoothing, run.history
    training = Training.of(network, data, options)
    spread = _squares_about_mean(data) / training.total
    last = torch.inf
    for turn in range(TURNS):
        weighted = training.reweighted(network)
        if options.smoothing is None:
            # Copies are no evidence: all that counts rows is scaled to those that copy no other.
            normal = weighted.normal_equations(network) * options.distinct
            penalty = Penalty.of(network.architecture, network.theta.device)
            smoothing = update_smoothing(normal, network.theta, penalty, smoothing, training.rows)
        slack = SLACK if turn == 0 else 0.0
        network = refit_ranges(network, training.data.inputs, training.constraints, slack) or network
        steps = replace(
            options.trainer, iterations=STEPS, tolerance=1e-3, damping=1e-3 if turn == 0 else 1e-4
        )
        network, history = training.train(network, weighted, smoothing, steps)
        score = training.score(network, smoothing)
        kept = score.argsort()[: max(1, (len(network) + 1) // 2)]
        network, smoothing, score = network.take(kept), smoothing[kept], score[kept]
        least = float(score[0])
        enough = len(network) == 1 and not least < WORTH * last
        if enough or least < EXACT**2 * spread or history.stopped:
            break
        last = least
    return TrainedBatch(network, smoothing, score, history)


def refine_grid(run: TrainedBatch, data: Data, options: FitOptions, largest: int) -> TrainedBatch:
    """Double the grid of a network, and train on, while its score falls.

    An additive network chooses its smoothing again on every grid, so that a finer one does not overfit.

    Parameters
    ----------
    largest
        Maximum grid size. With hidden nodes a network has no more parameters than a quarter of the rows.
    """
    shape = run.network.architecture
    worth, most = PLAIN_WORTH, float(MOST_PLAIN)
    if shape.hidden:
        worth, most = WORTH, 0.25 * options.distinct * float(data.weights.sum())
    while 2 * shape.grid_size <= largest and 2 * shape.parameters <= most and not run.history.stopped:
        finer = run.network.refine_grid()
        if shape.hidden:
            tried = train_until_one(replace(run, network=finer), data, options)
        else:
            tried = _fit_additive(finer, run.smoothing, data, options)
        if not float(tried.score[0]) < worth * float(run.score[0]):
            break
        run, shape = tried, tried.network.architecture
    return run


def _fit_additive(network: KANBatch, smoothing: Tensor, data: Data, options: FitOptions) -> TrainedBatch:
    """Fit an additive network: alternate training, smoothing by evidence, and reweighting of outliers."""
    training = Training.of(network, data, options)
    linear, trainer = options.link is None, options.trainer
    if linear and not options.shape_constraints:
        trainer = replace(trainer, damping=0.0, iterations=min(STRAIGHT, trainer.iterations))
    penalty = Penalty.of(network.architecture, network.theta.device)
    least = _least_ridge(network.architecture, training.rows)
    for turn in range(2 if options.loss == "squared" else 5):
        weighted = training.reweighted(network) if turn > 0 else training.objective
        squares: Objective = weighted
        if linear:  # there the expansion is exact but for rounding
            squares = QuadraticModel(network, weighted.normal_equations(network), training.data.inputs)
        for _ in range(UPDATES if turn > 0 and options.smoothing is None else 0):
            normal, before = squares.normal_equations(network) * options.distinct, smoothing
            smoothing = update_smoothing(normal, network.theta, penalty, before, training.rows)
            smoothing[:, -1].clamp_(min=least)
            steps = replace(trainer, iterations=min(STRAIGHT, trainer.iterations))
            network, history = training.train(network, squares, smoothing, steps)
            if history.stopped or float((smoothing / before).log().abs().max()) < SETTLED:
                break
        network, history = training.train(network, weighted, smoothing, trainer)
        if history.stopped:
            break
    return TrainedBatch(network, smoothing, training.score(network, smoothing), history)


def _squares_about_mean(data: Data) -> float:
    """Return the weighted sum of squares of the target about its mean."""
    return float((data.weights * (data.target - data.mean_target).square().sum(1)).sum())


def _least_ridge(shape: Architecture, rows: float) -> float:
    """Return the smallest ridge: with fewer rows than coefficients more is needed for solvable equations."""
    return RIDGES[0] if shape.parameters < rows else RIDGES[1]


# Smoothing of hidden networks on noisy rows, chosen by the error on held-out rows.
#
# The evidence judges a network by its linearisation about the optimum. With many hidden nodes and
# heavy-tailed noise that is optimistic: the network follows outliers, and errors on new rows are larger
# than estimated. Here a fifth of the rows is held out. Smoothing weights are first those of largest
# evidence on the training rows, one per group; then all of them are raised together by factors of ten,
# each network warm-started from the one before (the regularisation path of Friedman, Hastie and
# Tibshirani 2010, J. Stat. Softw. 33, section 2.5, upwards), until the held-out error rises. The grid
# is doubled while the held-out error falls, and the network is trained on all rows.

HELD_OUT_TURNS, LAST_TURNS, HELD_OUT_STEPS = 3, 2, 4
"""Turns at each weight, in which hidden ranges and row weights follow, at last on all rows, and steps of each."""
RAISES, LARGEST = 4, 1.0
"""How often weights are multiplied by ten at most, and what none of them passes."""
LEVELS = (1e-8, 1e-6, 1e-4, 1e-3, 1e-2)
"""Weights of a large network: the lowest for targets without noise, the highest where noise is most of them."""
RISE = 1.05
"""A loss this much above the least ends the ascent."""
EQUAL = 1.01
"""Of weights whose loss is within this factor of the least the lowest are taken."""
FINER = 0.97
"""A finer grid has to leave less of the loss."""
MOST = 640
"""Parameters of the largest network of a finer grid."""
KEPT, WIDE = 2, 300
"""Starts that go on with all rows; one alone past so many parameters."""


def fit_held_out(
    shape: Architecture,
    data: Data,
    held_out: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    options: FitOptions,
    largest: int,
) -> tuple[TrainedBatch, Tensor]:
    """Train a network with hidden nodes at the smoothing with the smallest loss on `held_out`.

    Parameters
    ----------
    largest
        Maximum grid size.

    Returns
    -------
    trained
        The network; its score is the mean loss on the held-out rows.
    output
        Predictions for the held-out rows, in the units of the data; (n,).

    Examples
    --------
    >>> from kanopt.kan.network import InputTensors
    >>> generator = torch.Generator().manual_seed(3)
    >>> numbers = torch.rand(400, 2, dtype=torch.float64, generator=generator)
    >>> noise = torch.randn(400, 1, dtype=torch.float64, generator=generator)
    >>> rows = InputTensors(numbers, torch.zeros(400, 0, dtype=torch.int64))
    >>> data = Data(rows, numbers.prod(1, keepdim=True) + 0.05 * noise, torch.ones(400, dtype=torch.float64))
    >>> bounds = (torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64))
    >>> train, test = data.rows(slice(80, None)), data.rows(slice(0, 80))
    >>> _, output = fit_held_out(Architecture(2, hidden=(2,)), train, test, bounds, generator, FitOptions(), 5)
    >>> bool((output - test.inputs.numbers.prod(1)).square().mean().sqrt() < 0.03)
    True
    """
    judge = HeldOutLoss(held_out, options)
    if shape.is_large:
        best = _fit_large(shape, data, bounds, generator, judge)
        return best, judge.outputs(best.network)[0]
    run = train_starts(shape, data, bounds, generator, options, KEPT if shape.parameters <= WIDE else 1)
    best = _raise_smoothing(train_until_one(run, data, options), data, judge)
    while 2 * best.network.architecture.grid_size <= largest and not best.history.stopped:
        finer = replace(best, network=best.network.refine_grid())
        if finer.network.architecture.parameters > MOST:
            break
        finer = judge(_train_at(finer, data, options))
        if not float(finer.score[0]) < FINER * float(best.score[0]):
            break
        best = finer
    return best, judge.outputs(best.network)[0]


def _fit_large(
    shape: Architecture,
    data: Data,
    bounds: tuple[Tensor, Tensor],
    generator: torch.Generator,
    judge: HeldOutLoss,
) -> TrainedBatch:
    """Train a large network at weak smoothing, and on at stronger ones; return the one of the smallest loss.

    No evidence speaks for a first smoothing, and of several starts all but one would be thrown away. Hidden ranges and
    row weights follow from one smoothing to the next: more turns at each would follow the noise.
    """
    options, runs = judge.options, list[TrainedBatch]()
    offset = options.mean_output(data)
    network = random_starts(shape, 1, data.inputs, bounds, offset, generator, options.shape_constraints)
    for level in LEVELS if options.smoothing is None else (options.smoothing,):
        smoothing = network.theta.new_full((1, shape.groups + 1), level)
        smoothing[:, -1] = RIDGES[0]
        run = _train_at(TrainedBatch(network, smoothing, smoothing[:, 0], History()), data, options, turns=1)
        runs.append(judge(run))
        network = run.network
        if run.history.stopped:
            break
    return min(runs, key=lambda run: float(run.score))


def _raise_smoothing(run: TrainedBatch, data: Data, judge: HeldOutLoss) -> TrainedBatch:
    """Raise the smoothing of a network step by step; return the smoothest with as good a loss as the smallest."""
    run = judge(run)
    passed, least = [run], float(run.score[0])
    if judge.options.smoothing is None:
        for _ in range(RAISES):
            smoothing = run.smoothing.clone()
            smoothing[:, :-1] = (10.0 * smoothing[:, :-1]).clamp(max=LARGEST)
            run = judge(_train_at(replace(run, smoothing=smoothing), data, judge.options))
            passed.append(run)
            least = min(float(one.score[0]) for one in passed)
            if float(run.score[0]) > RISE * least or run.history.stopped:
                break
    return next(one for one in passed if float(one.score[0]) <= EQUAL * least)


def train_on_all_rows(run: TrainedBatch, data: Data, options: FitOptions, rows: float) -> TrainedBatch:
    """Continue training a network on all rows.

    The penalty stays what it was for the `rows` it was chosen on: as the precision of a prior, λ · rows does not depend
    on the number of rows.
    """
    smoothing = run.smoothing * (rows / float(data.weights.sum()))
    return _train_at(replace(run, smoothing=smoothing), data, options, LAST_TURNS)


class HeldOutLoss:
    """The mean loss on held-out rows: squared, or Huber's if the loss of the fit is robust."""

    def __init__(self, data: Data, options: FitOptions) -> None:
        self.data, self.objective, self.options = data, options.objective(data), options
        self.limit: Tensor | None = None

    def outputs(self, network: KANBatch) -> Tensor:
        """Return the predictions for the held-out rows, (M, n)."""
        return self.objective.outputs(network, self.data.inputs)[..., 0]

    def losses(self, network: KANBatch, data: Data) -> Tensor:
        """Return the mean loss on rows of every network, (M,)."""
        size = (data.target - self.objective.outputs(network, data.inputs)).norm(dim=-1)
        squares = size.square()
        if self.options.loss in ("huber", "tukey"):
            if self.limit is None:
                self.limit = HUBER * residual_scale(size, data.weights).min()
            squares = huber_loss(size, self.limit)
        loss = squares @ data.weights / data.weights.sum()
        return torch.where(torch.isfinite(loss), loss, torch.full_like(loss, torch.inf))

    def __call__(self, run: TrainedBatch) -> TrainedBatch:
        """Return the networks of `run` with their losses as scores, the best first."""
        score = self.losses(run.network, self.data)
        order = score.argsort()
        return TrainedBatch(run.network.take(order), run.smoothing[order], score[order], run.history)


def _train_at(
    run: TrainedBatch, data: Data, options: FitOptions, turns: int = HELD_OUT_TURNS
) -> TrainedBatch:
    """Train a batch with its smoothing weights, alternating with updates of hidden ranges and row weights."""
    network, history = run.network, run.history
    training = Training.of(network, data, options)
    trainer = replace(options.trainer, iterations=HELD_OUT_STEPS, tolerance=1e-3, damping=1e-2)
    for _ in range(turns):
        network = refit_ranges(network, training.data.inputs, training.constraints) or network
        network, history = training.train(network, training.reweighted(network), run.smoothing, trainer)
        if history.stopped:
            break
    return TrainedBatch(network, run.smoothing, history.best, history)
