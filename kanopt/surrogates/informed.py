"""Networks fitted to equations as well as rows, and written as formulas.

A relation (:class:`Relation`) is a residual that should be zero at some points: a differential equation, a balance, a
conservation law, a boundary value, or a row of data (:func:`observed`). Physics-informed networks (Raissi, Perdikaris
and Karniadakis 2019, J. Comput. Phys. 378) minimise the sum of their squares by first-order methods. Here it is an
objective like any other (:class:`~kanopt.kan.informed.Knowledge`), so that the second-order trainer applies unchanged,
and what comes out is a formula of curves per output. Everything here runs on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, BeforeValidator, Field, InstanceOf, ValidationError
from torch import Tensor

from kanopt.errors import FitError, nearest
from kanopt.formulas import Formula, Input, Variable
from kanopt.kan.architecture import Architecture
from kanopt.kan.constraints import Penalty
from kanopt.kan.informed import Knowledge, Relation, RelationState, collocation, observed
from kanopt.kan.network import KANBatch
from kanopt.kan.trainer import History, TrainerOptions, train
from kanopt.kan.training import random_starts
from kanopt.surrogates.curves import curves_of

__all__ = [
    "InformedNetwork",
    "InformedOptions",
    "Knowledge",
    "Relation",
    "RelationState",
    "collocation",
    "fit_informed",
    "observed",
]

Floats = NDArray[np.float64]

_Whole: TypeAlias = Annotated[
    int,
    Field(strict=True),
    BeforeValidator(lambda value: int(value) if isinstance(value, np.integer) else value),
]
Count: TypeAlias = Annotated[_Whole, Field(ge=0)]
Nodes: TypeAlias = Annotated[_Whole, Field(ge=1)]
Amount: TypeAlias = Annotated[float, Field(ge=0.0, allow_inf_nan=False, strict=True)]


class InformedOptions(BaseModel, frozen=True, extra="forbid"):
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

    hidden: tuple[Nodes, ...] = ()
    products: tuple[Count, ...] = ()
    grid_size: Nodes = 5
    refinements: Count = 2
    starts: Nodes = 8
    smoothing: Amount = 1e-16
    ridge: Amount = 1e-16
    trainer: InstanceOf[TrainerOptions] = TrainerOptions(iterations=100)

    def __init__(self, **given: Any) -> None:
        try:
            super().__init__(**given)
        except ValidationError as error:
            name = str(error.errors()[0]["loc"][0])
            raise _option_error(name, given.get(name), error.errors()[0]["msg"]) from error
        nodes, products = self.hidden, self.products
        many = len(products) not in (0, len(nodes))
        if many or any(some > all_ for some, all_ in zip(products, nodes, strict=False)):
            what = f"give as many numbers as hidden={nodes} has, none larger than there"
            raise _option_error("products", products, what)


def _option_error(name: str, value: object, why: str) -> FitError:
    return FitError(f"InformedOptions: {name}={value!r}: {why[:1].lower()}{why[1:]}")


@dataclass(frozen=True, eq=False)
class InformedNetwork:
    """A network fitted to relations and data rows.

    Attributes
    ----------
    knowledge
        The relations it was fitted to.
    network
        The network, as a batch of one.
    histories
        Training histories, one per grid, coarse to fine.
    """

    knowledge: Knowledge
    network: KANBatch
    histories: tuple[History, ...]

    def __repr__(self) -> str:
        known, shape = self.knowledge, self.network.architecture
        nodes = f"hidden={shape.hidden}, " if shape.hidden else ""
        loss = float(self.histories[-1].best.min()) if self.histories else float("nan")
        return (
            f"Informed({', '.join(known.outputs)} of {', '.join(known.features)}: {nodes}grid_size={shape.grid_size}, "
            f"{shape.parameters} parameters, {len(known.relations)} relations at {len(known.inputs)} points, "
            f"loss {loss:.3g})"
        )

    def predict(self, points: Mapping[str, ArrayLike]) -> dict[str, Floats]:
        """Return every output at `points`, one column per feature; each (n,)."""
        return {name: self._evaluate(points, name, ()) for name in self.knowledge.outputs}

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
        known = self.knowledge
        name = known.outputs[0] if output is None and len(known.outputs) == 1 else output
        if name not in known.outputs:
            raise FitError(f"to_formula: no output {name!r}; {nearest(str(name), known.outputs)}")
        numbers = known.inputs.numbers
        ends = zip(known.features, numbers.amin(0).tolist(), numbers.amax(0).tolist(), strict=True)
        nodes = curves_of(self.network, known.inputs, [Input(feature) for feature in known.features])
        inputs = tuple(Variable(feature, low=low, high=high) for feature, low, high in ends)
        return Formula(nodes[known.outputs.index(name)], inputs, Variable(name))

    def derivative(self, points: Mapping[str, ArrayLike], output: str, *inputs: str) -> Floats:
        """Return the derivative of `output` with respect to one input or two at `points`, (n,)."""
        return self._evaluate(points, output, inputs)

    def residuals(self) -> dict[str, Floats]:
        """Return the residual of every relation at its points, each (points,)."""
        found = self.knowledge.residuals(self.network)
        return {name: residual[0].numpy() for name, residual in found.items()}

    def _evaluate(self, points: Mapping[str, ArrayLike], output: str, inputs: tuple[str, ...]) -> Floats:
        names = self.knowledge.features
        lacking = [name for name in names if name not in points]
        if lacking:
            raise FitError(f"the points lack the feature {lacking[0]!r}; {nearest(lacking[0], points)}")

        def asked(state: RelationState) -> Tensor:
            return state.derivative(output, *inputs) if inputs else state[output]

        question = Relation("prediction", asked, {name: points[name] for name in names})
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
        If a residual is not finite for any start, a feature is constant over all points, or all weights are zero.

    Examples
    --------
    Radioactive decay, u′ = −u with u(0) = 1:

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
    source = _generator(generator)
    network = _finite(_starts(knowledge, options, bounds or {}, source), knowledge)
    histories: list[History] = []
    for stage in range(options.refinements + 1):
        if stage > 0:
            network = network.refine_grid()
        network, history = train(network, knowledge, _penalty(network, knowledge, options), options.trainer)
        histories.append(history)
        last = stage == options.refinements
        kept = history.best.argsort()[: 1 if last else (len(network) + 1) // 2]
        network = network.take(kept)
    return InformedNetwork(knowledge, network, tuple(histories))


def _generator(generator: object) -> torch.Generator:
    """Return a generator unchanged, or a new one for a seed."""
    if isinstance(generator, torch.Generator):
        return generator
    if isinstance(generator, int | np.integer) and not isinstance(generator, bool):
        return torch.Generator().manual_seed(int(generator))
    raise FitError(f"fit_informed: generator={generator!r}; write a seed, such as 7, or a torch.Generator")


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
    ends = _feature_ranges(knowledge, bounds)
    network = random_starts(shape, options.starts, knowledge.inputs, ends, offset, generator)
    blocks = network.blocks()
    if not shape.hidden:
        ramp = torch.linspace(-1.0, 1.0, shape.layers[0].basis_size, dtype=torch.float64)
        powers = torch.stack([torch.ones_like(ramp), ramp, ramp**2], dim=1)
        size = (options.starts, shape.numbers, 3, shape.outputs)
        blocks = [(powers @ torch.randn(size, dtype=torch.float64, generator=generator)).flatten(1, 2)]
    blocks[-1] = blocks[-1] * _scales(knowledge)
    return network.with_blocks(blocks)


def _scales(knowledge: Knowledge) -> Tensor:
    """Return the largest observed magnitude of every output, (outputs,); 1 if it was never other than zero."""
    largest = dict.fromkeys(knowledge.outputs, 0.0)
    for relation in knowledge.relations:
        for output in largest:
            seen = relation.columns.get(f"observed {output}")
            largest[output] = max(largest[output], 0.0 if seen is None else float(seen.abs().max()))
    return torch.tensor([size or 1.0 for size in largest.values()], dtype=torch.float64)


def _feature_ranges(knowledge: Knowledge, bounds: Mapping[str, tuple[float, float]]) -> tuple[Tensor, Tensor]:
    """Return the ranges of the features, slightly widened: at its very ends a spline is linear already."""
    unknown = [name for name in bounds if name not in knowledge.features]
    if unknown:
        raise FitError(
            f"bounds of {unknown[0]!r}: no such feature; {nearest(unknown[0], knowledge.features)}"
        )
    numbers = knowledge.inputs.numbers
    seen = zip(knowledge.features, numbers.amin(0).tolist(), numbers.amax(0).tolist(), strict=True)
    ends = [bounds.get(name, (low, high)) for name, low, high in seen]
    for name, (low, high) in zip(knowledge.features, ends, strict=True):
        if not low < high:
            raise FitError(
                f"feature {name!r} ranges from {low:g} to {high:g}; leave it out or spread the points"
            )
    lower, upper = torch.tensor(ends, dtype=torch.float64).T
    edge = 1e-9 * (upper - lower)
    return lower - edge, upper + edge


def _finite(network: KANBatch, knowledge: Knowledge) -> KANBatch:
    """Drop starts with non-finite residuals; FitError if none is left."""
    finite = torch.isfinite(knowledge.squares(network))
    if not bool(finite.any()):
        knowledge.normal_equations(network)
        raise FitError("the residuals are not finite at any start; scale the outputs, or try another seed")
    return network.take(torch.nonzero(finite).flatten())


def _penalty(network: KANBatch, knowledge: Knowledge, options: InformedOptions) -> Tensor:
    penalty = Penalty.of(network.architecture)
    smoothing = network.theta.new_full((len(network), penalty.groups + 1), options.smoothing)
    smoothing[:, -1] = options.ridge
    lightest = min(float(each.weights.mean()) for each in knowledge.relations if bool(each.weights.any()))
    return penalty.matrices(smoothing, lightest * len(knowledge.inputs))
