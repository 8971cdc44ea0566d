"""Networks fitted to equations as well as rows, and written as formulas.

Physics-informed networks (Raissi, Perdikaris and Karniadakis 2019, J. Comput. Phys. 378) minimise the sum of squared
residuals of relations (:class:`Relation`) by first-order methods. Here it is an objective like any other
(:class:`~kanopt.kan.informed.Knowledge`), so that the second-order trainer applies unchanged, and what comes out is a
formula of curves per output. Everything here runs on the CPU.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from kanopt.errors import FitError
from kanopt.formulas import Formula, Input, Variable
from kanopt.kan.informed import Knowledge, known
from kanopt.kan.network import Architecture, KANBatch
from kanopt.kan.ranges import Penalty
from kanopt.kan.trainer import TrainerOptions, train
from kanopt.kan.training import random_starts
from kanopt.surrogates.curves import curves_of
from kanopt.surrogates.input_checks import whole_number

ITERATIONS = 100
"""Steps on every grid, at most."""
RIDGE = 1e-16
"""Weight of the ridge, in those of the roughness."""


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
    for name, value, least in (
        ("seed", seed, 0),
        ("grid_size", grid_size, 1),
        ("refinements", refinements, 0),
        ("starts", starts, 1),
    ):
        whole_number(value, f"fit_informed: {name}", least)
    weights = [float(each.weights.mean()) for each in knowledge.relations if bool(each.weights.any())]
    if not weights:
        raise FitError(
            "all weights of all relations are 0, so that nothing is known; give one a weight above 0"
        )
    shape = Architecture(
        len(knowledge.features), hidden=hidden, outputs=len(knowledge.outputs), grid_size=grid_size
    )
    generator = torch.Generator().manual_seed(seed)
    network = _starts(knowledge, shape, starts, _grid_ranges(knowledge, bounds or {}), generator)
    knowledge.refuse_mixed_points(network)
    knowledge.normal_equations(network)  # says what is wrong where no start has finite residuals
    network = network.take(torch.nonzero(torch.isfinite(knowledge.squares(network))).flatten())
    for stage in range(refinements + 1):
        if stage > 0:
            network = network.refine_grid()
        penalty = Penalty.of(network.architecture)
        weight = network.theta.new_full((len(network), penalty.groups + 1), smoothing)
        weight[:, -1] = RIDGE
        matrices = penalty.matrices(weight, min(weights) * len(knowledge.inputs))
        network, history = train(network, knowledge, matrices, TrainerOptions(iterations=ITERATIONS))
        network = network.take(
            history.best.argsort()[: 1 if stage == refinements else (len(network) + 1) // 2]
        )
    nodes = curves_of(network, knowledge.inputs, [Input(feature) for feature in knowledge.features])
    inputs = tuple(Variable(name, low=low, high=high) for name, (low, high) in _ends(knowledge).items())
    return {
        name: Formula(node, inputs, Variable(name))
        for name, node in zip(knowledge.outputs, nodes, strict=True)
    }


def _starts(
    knowledge: Knowledge,
    shape: Architecture,
    starts: int,
    ends: tuple[Tensor, Tensor],
    generator: torch.Generator,
) -> KANBatch:
    """Return random starts with outputs of the observed magnitude.

    A sum of splines has one optimum on data, but not for a nonlinear relation: it starts as random parabolas.
    """
    offset = torch.zeros(shape.outputs, dtype=torch.float64)
    network = random_starts(shape, starts, knowledge.inputs, ends, offset, generator)
    blocks = network.blocks()
    if not shape.hidden:
        ramp = torch.linspace(-1.0, 1.0, shape.layers[0].basis_size, dtype=torch.float64)
        powers = torch.stack([torch.ones_like(ramp), ramp, ramp**2], dim=1)
        size = (starts, shape.numbers, 3, shape.outputs)
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
