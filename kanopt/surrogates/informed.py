"""Networks fitted to equations as well as rows, and written as formulas.

A relation is a residual R(x, u, ∂u/∂x, ∂²u/∂x²) that should be zero at some points: a differential equation, a balance,
a boundary value, or a row of data. The loss is ½ Σ_relations Σ_points w R², the collocation loss of Lagaris, Likas and
Fotiadis 1998 (*Artificial neural networks for solving ordinary and partial differential equations*, IEEE TNN 9).
Physics-informed networks (Raissi, Perdikaris and Karniadakis 2019, J. Comput. Phys. 378) minimise it by first-order
methods. Here it is an objective like any other (:class:`Knowledge`), so that the second-order trainer applies
unchanged, and what comes out is a formula of curves per output. Everything here runs on the CPU.

Autograd gives the derivatives by the inputs, and those of the residual by the coefficients. Points are independent, so
the sum over points is differentiated; every point has a copy of its network as one more model of the batch, so that
what comes back is the Jacobian, point by point.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kanopt.errors import FitError, nearest
from kanopt.formulas import Formula, Input, Variable
from kanopt.kan.network import Architecture, InputTensors, KANBatch
from kanopt.kan.ranges import Penalty
from kanopt.kan.trainer import CHUNK_BYTES, NormalEquations, TrainerOptions, train
from kanopt.kan.training import random_starts
from kanopt.surrogates.curves import curves_of
from kanopt.surrogates.input_checks import whole_number

T = TypeVar("T")

ITERATIONS = 100
"""Steps on every grid, at most."""
RIDGE = 1e-16
"""Weight of the ridge, in those of the roughness."""


@dataclass(frozen=True, eq=False)
class RelationState:
    """The values a residual is computed from: inputs, known columns, outputs and derivatives, one entry per point.

    ``s["day"]`` is an input, an output or a known column; ``s.derivative("stock", "day")`` is the first derivative of
    an output by an input and ``s.derivative("u", "x", "y")`` a second one. All are float64 tensors of shape (points,).
    """

    _columns: Mapping[str, Tensor]
    _outputs: Mapping[str, Tensor]
    _features: tuple[str, ...]
    _numbers: Tensor
    _slopes: dict[tuple[str, ...], Tensor] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Tensor:
        return _known(name, {**self._columns, **self._outputs}, "input, output or known column")

    def derivative(self, output: str, *inputs: str) -> Tensor:
        """Return the derivative of `output` by one input, or by two."""
        value = _known(output, self._outputs, "output to differentiate")
        if not 1 <= len(inputs) <= 2:
            raise FitError(f"{output!r} differentiated by {len(inputs)} inputs; one or two can be")
        for taken, name in enumerate(inputs):
            place = _known(
                name, {each: k for k, each in enumerate(self._features)}, "feature to differentiate by"
            )
            key = (output, *inputs[:taken])
            if key not in self._slopes and value.requires_grad:
                self._slopes[key] = torch.autograd.grad(value.sum(), self._numbers, create_graph=True)[0]
            value = self._slopes.get(key, torch.zeros_like(self._numbers))[..., place]  # a constant has none
        return value


def _known(name: str, known: Mapping[str, T], what: str) -> T:
    if name not in known:
        raise FitError(f"no {what} {name!r}; {nearest(name, known)}")
    return known[name]


@dataclass(frozen=True, eq=False)
class Relation:
    """An equation that holds at given points: its residual is zero there.

    Parameters
    ----------
    name
        Name, used in messages.
    residual
        Function from a :class:`RelationState` to the residual of every point, a tensor of shape (points,), written with
        torch functions. The residual of a point depends only on that point.
    points
        Points where the equation holds: per input a column (n,) or one number for all, and any further known columns.
        Dates have to be converted to numbers.
    weight
        One number, or one per point. The loss is the sum of ``weight * residual**2`` over the points, so that with
        1 / tolerance² a residual equal to the tolerance costs 1.

    Raises
    ------
    FitError
        If the points are not numbers, not finite or of different lengths, or a weight is negative.

    Examples
    --------
    >>> balance = Relation(
    ...     "balance",
    ...     lambda s: s.derivative("stock", "day") - s["inflow"] + 40.0,
    ...     {"day": [0.0, 1.0, 2.0], "inflow": [50.0, 0.0, 50.0]},
    ... )
    >>> len(balance)
    3
    """

    name: str
    residual: Callable[[RelationState], Tensor]
    points: Mapping[str, ArrayLike]
    weight: ArrayLike = 1.0

    def __post_init__(self) -> None:
        if not len(self) or bool((self.weights < 0).any()):
            raise FitError(f"relation {self.name!r}: it has no points, or a weight is negative")

    def __len__(self) -> int:
        return len(self.weights)

    @property
    def columns(self) -> dict[str, Tensor]:
        """Every column of the points, (n,), of float64."""
        return {name: column for name, column in self._arrays.items() if name}

    @property
    def weights(self) -> Tensor:
        """One weight per point, (n,)."""
        return self._arrays[""]

    @cached_property
    def _arrays(self) -> dict[str, Tensor]:
        """The columns by name, and the weights under an empty one."""
        given = {**self.points, "": self.weight}
        try:
            full = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in given.values()))
        except (TypeError, ValueError) as error:
            told = f"points and weight must be numbers, or columns of them of one length ({error})"
            raise FitError(f"relation {self.name!r}: {told}") from error
        for name, column in zip(given, full, strict=True):
            if column.ndim != 1 or not np.isfinite(column).all():
                told = f"column {name or 'weight'!r} must hold finite numbers, one for each point"
                raise FitError(f"relation {self.name!r}: {told}")
        return {name: torch.tensor(array) for name, array in zip(given, full, strict=True)}


def observed(
    output: str, points: Mapping[str, ArrayLike], values: ArrayLike, weight: ArrayLike = 1.0
) -> Relation:
    """Return the relation ``output = values`` at `points`: rows of data, initial and boundary values.

    Examples
    --------
    >>> counts = observed("stock", {"day": [0.0, 7.0]}, [400.0, 310.0], weight=1 / 20.0**2)
    >>> counts.name, len(counts)
    ('observed stock', 2)
    """
    name = f"observed {output}"
    return Relation(name, lambda s: s[output] - s[name], {**points, name: values}, weight)


def collocation(ranges: Mapping[str, tuple[float, float]], cells: int) -> dict[str, np.ndarray]:
    """Return points for a relation: all combinations of two Gauss points in each of `cells` equal cells.

    There the second derivative of a cubic spline with these cells is most accurate, one order better than elsewhere
    (collocation at Gaussian points, de Boor and Swartz 1973, SIAM J. Numer. Anal. 10). Points only at the knots are a
    poor choice: they leave the residual between the knots unconstrained.

    Parameters
    ----------
    ranges
        Range of every feature.
    cells
        Cells per feature, ideally the intervals of the finest grid, ``grid_size * 2**refinements``.

    Returns
    -------
    dict of ndarray
        One column per feature, with (2 cells) ** features points.

    Raises
    ------
    FitError
        If a range is invalid, or `cells` is not a positive integer.

    Examples
    --------
    >>> collocation({"day": (0.0, 6.0)}, cells=1)["day"].round(3).tolist()
    [1.268, 4.732]
    """
    offsets = np.array([-1.0, 1.0]) / np.sqrt(12.0)
    shares = (np.arange(cells)[:, None] + 0.5 + offsets).ravel() / cells
    axes = []
    for name, (low, high) in ranges.items():
        if not -np.inf < low < high < np.inf or cells < 1:
            raise FitError(
                f"collocation: {name!r} ranges over {low, high} in {cells} cells; write low < high and a cell"
            )
        axes.append(low + (high - low) * shares)
    grid = np.meshgrid(*axes, indexing="ij")
    return {name: column.ravel() for name, column in zip(ranges, grid, strict=True)}


@dataclass(frozen=True, eq=False)
class Knowledge:
    """The relations between features and outputs that a network is fitted to, including data rows.

    It is an :class:`~kanopt.kan.trainer.Objective`.

    Parameters
    ----------
    features, outputs
        Names of the network's inputs and outputs, in order.
    relations
        The equations; their names are distinct.

    Raises
    ------
    FitError
        If names are not distinct, a relation lacks a feature, or an output is one of its known columns.
    """

    features: tuple[str, ...]
    outputs: tuple[str, ...]
    relations: tuple[Relation, ...]

    def __post_init__(self) -> None:
        if not self.features or not self.outputs or not self.relations:
            raise FitError("knowledge needs at least one feature, one output and one relation")
        for each in ([*self.features, *self.outputs], [relation.name for relation in self.relations]):
            if len(set(each)) < len(each):
                raise FitError(f"features, outputs and relations must have different names: {each}")
        for relation in self.relations:
            if lacking := [name for name in self.features if name not in relation.columns]:
                raise FitError(f"relation {relation.name!r}: its points lack the feature {lacking[0]!r}")
            if taken := [name for name in self.outputs if name in relation.columns]:
                raise FitError(f"relation {relation.name!r}: {taken[0]!r} is an output, not a known column")

    @cached_property
    def inputs(self) -> InputTensors:
        """All points of all relations."""
        return _inputs(torch.cat([self._numbers(each.columns) for each in self.relations]))

    def _numbers(self, columns: Mapping[str, Tensor]) -> Tensor:
        return torch.stack([columns[name] for name in self.features], dim=1)

    def for_models(self, index: Tensor) -> Knowledge:
        """Return the objective of the networks at `index`: the same for all."""
        return self

    def residuals(self, network: KANBatch) -> dict[str, Tensor]:
        """Return the residuals of every relation, each (M, points)."""
        return {
            each.name: torch.cat([residual.detach() for _, residual, _ in self._parts(each, network)], dim=1)
            for each in self.relations
        }

    def squares(self, network: KANBatch) -> Tensor:
        """Return Σ w R² of every network, shape (M,)."""
        found = self.residuals(network)
        return torch.stack([found[each.name] ** 2 @ each.weights for each in self.relations]).sum(0)

    def normal_equations(self, network: KANBatch) -> NormalEquations:
        """Accumulate the Gauss-Newton quantities over chunks of points.

        Raises
        ------
        FitError
            If a residual or its derivatives are not finite for any network, or it does not depend on an output.
        """
        total = NormalEquations.zero(network)
        for relation in self.relations:
            what = f"relation {relation.name!r}: its residual"
            for weights, residual, theta in self._parts(relation, network):
                slopes = None
                if residual.requires_grad:
                    (slopes,) = torch.autograd.grad(residual.sum(), theta, allow_unused=True)
                if slopes is None:
                    raise FitError(f"{what} does not depend on any output")
                error, jacobian = residual.detach(), slopes.reshape(*residual.shape, -1)
                if not bool((torch.isfinite(error) & torch.isfinite(jacobian).all(-1)).all(1).any()):
                    raise FitError(
                        f"{what}, or its derivative by an output, is not finite; look for logarithms, roots or "
                        "divisions of outputs that may be negative or zero"
                    )
                weighted = jacobian * weights.unsqueeze(-1)
                total.matrix.baddbmm_(weighted.transpose(1, 2), jacobian)
                total.vector.sub_((error.unsqueeze(1) @ weighted).squeeze(1))
                total.squares.add_(error**2 @ weights)
        return total

    def _parts(self, relation: Relation, network: KANBatch) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """Yield weights (n,), residual (M, n) and the coefficients of all copies for every chunk of points."""
        models = len(network)
        rows = max(1, CHUNK_BYTES // (8 * models * network.architecture.parameters))
        chunks = {name: torch.split(column, rows) for name, column in relation.columns.items()}
        for place, weights in enumerate(torch.split(relation.weights, rows)):
            columns = {name: column[place].repeat(models) for name, column in chunks.items()}
            points = self._numbers(columns).requires_grad_()
            copies = network.take(torch.arange(models).repeat_interleave(len(weights)))
            copies = replace(copies, theta=copies.theta.requires_grad_())
            outputs = copies.forward(_inputs(points.unsqueeze(1)))[:, 0].unbind(1)
            state = RelationState(
                columns, dict(zip(self.outputs, outputs, strict=True)), self.features, points
            )
            residual = relation.residual(state)
            if not isinstance(residual, Tensor) or residual.shape != (len(points),):
                raise FitError(
                    f"relation {relation.name!r}: its residual must return a torch tensor with one number per point, "
                    f"shape ({len(points)},)"
                )
            yield weights, residual.reshape(models, -1), copies.theta

    def refuse_mixed_points(self, network: KANBatch) -> None:
        """Refuse residuals of a point that change with the other points: the derivatives would be wrong."""
        for relation in self.relations:
            first = {name: column[:1] for name, column in relation.columns.items()}
            alone, whole = (
                replace(self, relations=(each,)).residuals(network)[relation.name][:, 0]
                for each in (replace(relation, points=first, weight=1.0), relation)
            )
            if not torch.allclose(alone, whole, rtol=1e-9, atol=0.0, equal_nan=True):
                raise FitError(
                    f"relation {relation.name!r}: the residual of a point changes with the other points; write it "
                    "point by point, without sums or means over points"
                )


def _inputs(numbers: Tensor) -> InputTensors:
    return InputTensors(numbers, torch.zeros(len(numbers), 0, dtype=torch.int64))


def fit_informed(
    knowledge: Knowledge,
    seed: int = 0,
    *,
    hidden: tuple[int, ...] = (),
    grid_size: int = 5,
    refinements: int = 2,
    starts: int = 8,
    smoothing: float = 1e-16,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> dict[str, Formula]:
    """Fit a network to relations and data rows, and return every output as a formula of curves.

    Several starts are trained in parallel, on successively finer grids.

    Parameters
    ----------
    knowledge
        Relations and data rows.
    seed
        Draws the starts.
    hidden
        Numbers of hidden nodes; empty for a sum of splines, one per feature.
    grid_size, refinements
        Intervals of every spline to begin with, and how often they are doubled.
    starts
        Number of networks trained in parallel; the better half continues on the next grid, the best on the last. One
        is enough for linear relations and no hidden nodes.
    smoothing
        Weight of the roughness penalty, times the number of all points and the mean weight of the relation with the
        smallest one. Equations have a smoothing effect of their own; use more for noisy rows that no equation
        constrains.
    bounds
        Grid ranges of the splines by feature; by default the range of all points. Beyond them a spline is linear.

    Raises
    ------
    FitError
        If an option is none, a residual raises, has the wrong shape, mixes points or is not finite for any start, a
        feature is constant over all points, or all weights are zero.

    Examples
    --------
    Radioactive decay, u′ = −u with u(0) = 1:

    >>> import numpy as np
    >>> from kanopt.informed import Knowledge, Relation, observed
    >>> decay = Relation("decay", lambda s: s.derivative("u", "t") + s["u"], {"t": np.linspace(0.0, 2.0, 40)})
    >>> start = observed("u", {"t": 0.0}, 1.0)
    >>> laws = fit_informed(Knowledge(("t",), ("u",), (decay, start)), 7)
    >>> bool(abs(laws["u"].evaluate({"t": 1.0}) - np.exp(-1.0)) < 1e-5)
    True
    """
    whole_number(seed, "fit_informed: seed", 0)
    whole_number(refinements, "fit_informed: refinements", 0)
    for name, given in (("grid_size", grid_size), ("starts", starts)):
        whole_number(given, f"fit_informed: {name}", 1)
    weights = [float(each.weights.mean()) for each in knowledge.relations if bool(each.weights.any())]
    if not weights:
        told = "all weights of all relations are 0, so that nothing is known"
        raise FitError(f"{told}; give one a weight above 0")
    numbers, outputs = knowledge.inputs.numbers, knowledge.outputs
    ends = dict(
        zip(knowledge.features, torch.stack([numbers.amin(0), numbers.amax(0)], 1).tolist(), strict=True)
    )
    for name in bounds or {}:
        if name not in ends:
            raise FitError(f"bounds: no such feature as {name!r}; {nearest(name, ends)}")
    ranges = {**ends, **(bounds or {})}
    for name, (low, high) in ranges.items():
        if not low < high:
            raise FitError(
                f"feature {name!r} ranges from {low:g} to {high:g}; leave it out or spread the points"
            )
    lower, upper = torch.tensor(list(ranges.values()), dtype=torch.float64).T
    edge = 1e-9 * (upper - lower)  # at its very ends a spline is linear already
    shape = Architecture(len(ends), hidden=hidden, outputs=len(outputs), grid_size=grid_size)
    offset, generator = torch.zeros(len(outputs), dtype=torch.float64), torch.Generator().manual_seed(seed)
    network = random_starts(shape, starts, knowledge.inputs, (lower - edge, upper + edge), offset, generator)
    # the largest magnitude observed of each output; 1 of one that was never other than zero
    seen = {name: float(c.abs().max()) for each in knowledge.relations for name, c in each.columns.items()}
    sizes = torch.tensor([seen.get(f"observed {name}", 0.0) or 1.0 for name in outputs], dtype=torch.float64)
    *blocks, last = network.blocks()
    if not hidden:  # it has one optimum on data, but not for a nonlinear relation: random parabolas
        ramp = torch.linspace(-1.0, 1.0, shape.layers[0].basis_size, dtype=torch.float64)
        powers = torch.stack([torch.ones_like(ramp), ramp, ramp**2], dim=1)
        size = (starts, shape.numbers, 3, shape.outputs)
        last = (powers @ torch.randn(size, dtype=torch.float64, generator=generator)).flatten(1, 2)
    network = network.with_blocks([*blocks, last * sizes])
    knowledge.refuse_mixed_points(network)
    knowledge.normal_equations(network)  # says what is wrong where no start has finite residuals
    network = network.take(torch.nonzero(torch.isfinite(knowledge.squares(network))).flatten())
    for stage in range(refinements + 1):
        network = network.refine_grid() if stage else network
        penalty = Penalty.of(network.architecture)
        weight = network.theta.new_full((len(network), penalty.groups + 1), smoothing)
        weight[:, -1] = RIDGE
        matrices = penalty.matrices(weight, min(weights) * len(numbers))
        network, history = train(network, knowledge, matrices, TrainerOptions(iterations=ITERATIONS))
        kept = 1 if stage == refinements else (len(network) + 1) // 2
        network = network.take(history.best.argsort()[:kept])
    nodes = curves_of(network, knowledge.inputs, [Input(feature) for feature in ends])
    inputs = tuple(Variable(name, low=low, high=high) for name, (low, high) in ends.items())
    return {name: Formula(node, inputs, Variable(name)) for name, node in zip(outputs, nodes, strict=True)}
