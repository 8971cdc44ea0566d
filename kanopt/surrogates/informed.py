"""Networks fitted to equations as well as rows, and written as formulas.

Physics-informed networks (Raissi, Perdikaris and Karniadakis 2019, J. Comput. Phys. 378) minimise the sum of squared
residuals of relations (:class:`Relation`) by first-order methods. Here it is an objective like any other
(:class:`~kanopt.kan.informed.Knowledge`), so that the second-order trainer applies unchanged, and what comes out is a
formula of curves per output. Everything here runs on the CPU.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from kanopt.array_types import Floats
from kanopt.errors import FitError
from kanopt.formulas import Formula, Input, Variable
from kanopt.kan.informed import Knowledge, Relation, RelationState, known
from kanopt.kan.network import Architecture, KANBatch
from kanopt.kan.ranges import Penalty
from kanopt.kan.trainer import TrainerOptions, train
from kanopt.kan.training import random_starts
from kanopt.surrogates.curves import curves_of
from kanopt.surrogates.input_checks import whole_number


@dataclass(frozen=True)
class InformedOptions:
    """Options of a physics-informed fit.

    Parameters
    ----------
    hidden, products
        Numbers of hidden nodes, and of product nodes among them; empty for a sum of splines, one per feature.
    grid_size
        Initial number of intervals of every spline.
    refinements
        How often the grid is doubled.
    starts
        Number of networks trained in parallel; the better half continues on the next grid, the best on the last. One
        is enough for linear relations and no hidden nodes.
    smoothing, ridge
        Weights of the roughness penalty and of the ridge, times the number of all points and the mean weight of the
        relation with the smallest one. Equations have a smoothing effect of their own; use more smoothing for noisy
        rows that no equation constrains.
    trainer
        Options of every training run.

    Raises
    ------
    FitError
        For an invalid option.
    """

    hidden: tuple[int, ...] = ()
    products: tuple[int, ...] = ()
    grid_size: int = 5
    refinements: int = 2
    starts: int = 8
    smoothing: float = 1e-16
    ridge: float = 1e-16
    trainer: TrainerOptions = field(default_factory=lambda: TrainerOptions(iterations=100))

    def __post_init__(self) -> None:
        for name, least in (("grid_size", 1), ("refinements", 0), ("starts", 1)):
            whole_number(getattr(self, name), f"InformedOptions: {name}", least)
        if not (self.smoothing >= 0.0 and self.ridge >= 0.0):
            raise FitError("InformedOptions: smoothing and ridge must be at least 0")
        Architecture(1, hidden=self.hidden, products=self.products)


@dataclass(frozen=True, eq=False)
class InformedNetwork:
    """A network fitted to relations and data rows.

    Attributes
    ----------
    knowledge
        The relations it was fitted to.
    network
        The network, as a batch of one.
    """

    knowledge: Knowledge
    network: KANBatch

    def predict(self, points: Mapping[str, ArrayLike]) -> dict[str, Floats]:
        """Return every output at `points`, one column per feature; each (n,)."""
        return {name: self._evaluate(points, itemgetter(name)) for name in self.knowledge.outputs}

    def derivative(self, points: Mapping[str, ArrayLike], output: str, *inputs: str) -> Floats:
        """Return the derivative of `output` with respect to one input or two at `points`, (n,)."""
        return self._evaluate(points, lambda s: s.derivative(output, *inputs))

    def residuals(self) -> dict[str, Floats]:
        """Return the residual of every relation at its points, each (points,)."""
        found = self.knowledge.residuals(self.network)
        return {name: residual[0].numpy() for name, residual in found.items()}

    def to_formula(self, output: str | None = None) -> Formula:
        """Return an output as a formula that computes what the network does: every edge is a curve.

        Parameters
        ----------
        output
            Its name; None for the only one.

        Raises
        ------
        FitError
            If there is no such output, or there are several and none is named.
        """
        asked = self.knowledge
        name = asked.outputs[0] if output is None and len(asked.outputs) == 1 else output
        nodes = curves_of(self.network, asked.inputs, [Input(feature) for feature in asked.features])
        root = known(str(name), dict(zip(asked.outputs, nodes, strict=True)), "to_formula: no output")
        inputs = tuple(Variable(feature, low=low, high=high) for feature, (low, high) in _ends(asked).items())
        return Formula(root, inputs, Variable(str(name)))

    def _evaluate(self, points: Mapping[str, ArrayLike], asked: Callable[[RelationState], Tensor]) -> Floats:
        names = self.knowledge.features
        question = Relation("prediction", asked, {n: points[n] for n in names if n in points})
        answer = Knowledge(names, self.knowledge.outputs, (question,)).residuals(self.network)
        values: Floats = answer["prediction"][0].numpy()
        return values


def fit_informed(
    knowledge: Knowledge,
    generator: torch.Generator | int,
    options: InformedOptions | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
) -> InformedNetwork:
    """Fit a network to relations and data rows: several starts in parallel, on successively finer grids.

    Parameters
    ----------
    knowledge
        Relations and data rows.
    generator
        Source of all randomness: a seed, or a generator.
    options
        Size of the network, grids, starts.
    bounds
        Grid ranges of the splines by feature; by default the range of all points. Beyond them a spline is linear.

    Raises
    ------
    FitError
        If a residual raises, has the wrong shape, mixes points or is not finite for any start, a feature is constant
        over all points, or all weights are zero.

    Examples
    --------
    Radioactive decay, u′ = −u with u(0) = 1:

    >>> import numpy as np
    >>> from kanopt.kan.informed import observed
    >>> decay = Relation("decay", lambda s: s.derivative("u", "t") + s["u"], {"t": np.linspace(0.0, 2.0, 40)})
    >>> start = observed("u", {"t": 0.0}, 1.0)
    >>> known = Knowledge(("t",), ("u",), (decay, start))
    >>> fitted = fit_informed(known, 7)
    >>> bool(abs(fitted.predict({"t": 1.0})["u"][0] - np.exp(-1.0)) < 1e-5)
    True
    """
    options = options or InformedOptions()
    if not any(bool(each.weights.any()) for each in knowledge.relations):
        raise FitError(
            "all weights of all relations are 0, so that nothing is known; give one a weight above 0"
        )
    if not isinstance(generator, torch.Generator):
        generator = torch.Generator().manual_seed(whole_number(generator, "fit_informed: generator", 0))
    network = _starts(knowledge, options, bounds or {}, generator)
    knowledge.refuse_mixed_points(network)
    knowledge.normal_equations(network)  # says what is wrong where no start has finite residuals
    network = network.take(torch.nonzero(torch.isfinite(knowledge.squares(network))).flatten())
    for stage in range(options.refinements + 1):
        if stage > 0:
            network = network.refine_grid()
        network, history = train(network, knowledge, _penalty(network, knowledge, options), options.trainer)
        last = stage == options.refinements
        kept = history.best.argsort()[: 1 if last else (len(network) + 1) // 2]
        network = network.take(kept)
    return InformedNetwork(knowledge, network)


def _starts(
    knowledge: Knowledge,
    options: InformedOptions,
    bounds: Mapping[str, tuple[float, float]],
    generator: torch.Generator,
) -> KANBatch:
    """Return random starts with outputs of the observed magnitude.

    A sum of splines has one optimum on data, but not for a nonlinear relation: it starts as random parabolas.
    """
    shape = Architecture(
        numbers=len(knowledge.features),
        hidden=options.hidden,
        products=options.products,
        outputs=len(knowledge.outputs),
        grid_size=options.grid_size,
    )
    offset = torch.zeros(shape.outputs, dtype=torch.float64)
    ends = _grid_ranges(knowledge, bounds)
    network = random_starts(shape, options.starts, knowledge.inputs, ends, offset, generator)
    blocks = network.blocks()
    if not shape.hidden:
        ramp = torch.linspace(-1.0, 1.0, shape.layers[0].basis_size, dtype=torch.float64)
        powers = torch.stack([torch.ones_like(ramp), ramp, ramp**2], dim=1)
        size = (options.starts, shape.numbers, 3, shape.outputs)
        blocks = [(powers @ torch.randn(size, dtype=torch.float64, generator=generator)).flatten(1, 2)]
    # the largest magnitude observed of each output; 1 of one that was never other than zero
    sizes = {name: float(c.abs().max()) for each in knowledge.relations for name, c in each.columns.items()}
    largest = [sizes.get(f"observed {name}", 0.0) or 1.0 for name in knowledge.outputs]
    blocks[-1] = blocks[-1] * torch.tensor(largest, dtype=torch.float64)
    return network.with_blocks(blocks)


def _ends(knowledge: Knowledge) -> dict[str, tuple[float, float]]:
    """Return the least and the largest value of every feature over all points."""
    numbers = knowledge.inputs.numbers
    return dict(
        zip(knowledge.features, torch.stack([numbers.amin(0), numbers.amax(0)], dim=1).tolist(), strict=True)
    )


def _grid_ranges(knowledge: Knowledge, bounds: Mapping[str, tuple[float, float]]) -> tuple[Tensor, Tensor]:
    """Return the ranges of the features, slightly widened: at its very ends a spline is linear already."""
    ends = _ends(knowledge)
    for name in bounds:
        known(name, ends, "bounds: no such feature as")
    for name, (low, high) in (ends | dict(bounds)).items():
        if not low < high:
            raise FitError(
                f"feature {name!r} ranges from {low:g} to {high:g}; leave it out or spread the points"
            )
    lower, upper = torch.tensor(list((ends | dict(bounds)).values()), dtype=torch.float64).T
    edge = 1e-9 * (upper - lower)
    return lower - edge, upper + edge


def _penalty(network: KANBatch, knowledge: Knowledge, options: InformedOptions) -> Tensor:
    penalty = Penalty.of(network.architecture)
    smoothing = network.theta.new_full((len(network), penalty.groups + 1), options.smoothing)
    smoothing[:, -1] = options.ridge
    lightest = min(float(each.weights.mean()) for each in knowledge.relations if bool(each.weights.any()))
    return penalty.matrices(smoothing, lightest * len(knowledge.inputs))
