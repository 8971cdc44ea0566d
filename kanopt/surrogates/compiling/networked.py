"""``refine="network"``: the compiled prior itself is trained, and stays what it was where that foretells no better."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import Formula, Variable
from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.description import Network
from kanopt.surrogates.compiling.building import box_of, domain_of, law_of_rows
from kanopt.surrogates.compiling.compiler import Compiled, compile_formula, known_range
from kanopt.surrogates.compiling.corrections import Correction, Task, compared, folds_of, judged, none
from kanopt.surrogates.compiling.keeping import Learned
from kanopt.surrogates.compiling.refining import refined
from kanopt.surrogates.compiling.scales import FACTOR, SUM
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.edges import mixed_of
from kanopt.surrogates.distill.mixed import Rows
from kanopt.surrogates.law import NetworkLaw

if TYPE_CHECKING:
    from kanopt.surrogates.distill import Trained
    from kanopt.surrogates.monitor import FitMonitor

__all__ = ["Training", "network_learned", "trained_of"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

GRIDS = (5, 10, 20, 40)
"""Intervals that are tried: a network that is to be trained has few."""
FOLDED, FOLDS = 500, 5
"""Rows up to which parts of them are left out in earnest, and into how many parts they are cut."""
SMOOTHING = 1e-7
"""Roughness weight with which curves are refitted when a formula is read off."""

PER_PARAMETER, DRAWN = 3, 1_000
"""Rows per coefficient below which a formula is read off rows drawn from the network, and how many these are."""


@dataclass(frozen=True)
class Training:
    """How a compiled network is trained.

    Parameters
    ----------
    tolerance
        Largest error of the network before training, as a share of the span of the prior: over the box, and root mean
        square over the rows.
    seed
        Of the sample that measures it.
    watch
        Is told of every step.
    """

    tolerance: float
    seed: int
    watch: FitMonitor | None = None


def network_learned(
    task: Task, variables: tuple[Variable, ...], ranges: Mapping[str, tuple[float, float]], options: Training
) -> tuple[Learned, list[Correction]]:
    """Return what training makes of the prior's network, and what was compared.

    Parameters
    ----------
    task
        The prior and the rows.
    variables
        The inputs of the prior.
    ranges
        Ends of inputs over which it is compiled, where they are not those of the prior; the rows are taken in.
    options
        How to train.

    Raises
    ------
    FormulaError
        Where no network computes the prior.
    """
    compiled, rows = _compiled(task, ranges, options)
    log = compiled.log_target
    target, base = (np.log(v) if log else v for v in (task.target, task.foretold))
    found = refined(compiled.network, rows, target, task.weights, options.watch)
    few = len(target) <= FOLDED
    left_out = _folded(compiled.network, rows, target, task.weights, options) if few else found.left_out
    # the mean of the target shall be right, not its median
    shift = float(np.log(np.average(np.exp(target - found.output), weights=task.weights))) if log else 0.0
    scale = FACTOR if log else SUM
    kept = none(task, scale)
    moved = replace(
        kept,
        what="the network of the prior, trained",
        edf=found.edf,
        fitted=found.output + shift - base,
        left_out=left_out + shift - base,
    )
    moved = judged(task, moved)
    chosen = compared(task, kept, moved, errors=0.0)
    network = compiled.network if chosen is kept else _shifted(found.network, shift)
    law = law_of_rows(task, chosen, replace(compiled, network=network), options.seed)
    law = replace(law, smoothing=np.full(len(compiled.encoding.features) + len(network.hidden), SMOOTHING))
    formula = task.prior if chosen is kept else _as_formula(trained_of(law, task, options.seed), task.prior)
    learned = Learned(
        replace(formula, domain=domain_of(variables, task.columns, {})),
        law,
        what=chosen.what,
        rows=len(target),
        scale=scale,
        residuals=law.residuals,
        weights=law.residual_weights,
        trained=(task, variables, chosen),
    )
    return learned, [kept, moved]


def trained_of(law: NetworkLaw, task: Task, seed: int) -> Trained:
    """Return the network and its rows, from which a formula is read off.

    Rows too few to tell all edges apart would let closed forms go where noise leads them, free of what drew the network
    to the prior. In their place stand rows drawn from the network: the same inputs, with residuals drawn anew
    (parametric bootstrap).
    """
    from kanopt.surrogates.distill import Trained

    numbers, codes = law.encoding.transform(pd.DataFrame(dict(task.columns))[list(law.encoding.names)])
    target = np.log(task.target) if law.log_target else task.target
    inputs, weights = np.hstack([numbers, codes]), task.weights
    if len(target) < PER_PARAMETER * np.count_nonzero(law.network.parameters):
        drawn = np.tile(np.arange(len(target)), -(-DRAWN // len(target)))
        output = law.network(numbers, codes)
        residual = target - output - np.average(target - output, weights=weights)
        target = (
            output
            + np.random.default_rng(seed).permuted(np.tile(residual, (len(drawn) // len(output), 1)), axis=1)
        ).ravel()
        inputs, weights = inputs[drawn], weights[drawn]
    return Trained(
        network=law.network,
        features=law.encoding.inputs,
        rows=Rows(inputs, target, weights),
        wanted=ShapeConstraints(),
        smoothing=law.smoothing,
        log_target=law.log_target,
        seed=seed,
        structure=law.structure,
    )


def _as_formula(trained: Trained, prior: Formula) -> Formula:
    """Return the network as a formula, every edge a curve."""
    model = mixed_of(trained)
    errors = np.full(len(model.parameters), np.nan)
    root = graph(model, trained.features, 1.0 if trained.log_target else None, errors)
    inputs = tuple(v for v in prior.inputs if v.name in prior.used)
    used = Formula(root, inputs, prior.output).used
    return Formula(root, tuple(v for v in inputs if v.name in used), prior.output, prior.per)


def _compiled(
    task: Task, ranges: Mapping[str, tuple[float, float]], options: Training
) -> tuple[Compiled, tuple[Floats, Integers]]:
    """Compile the prior over its ranges and the rows, on the coarsest grid that is good enough on both."""
    box, tolerance = dict(box_of(task.prior, task.columns)), options.tolerance
    for variable in task.prior.inputs:
        known = ranges.get(variable.name, known_range(task.prior, variable))
        if variable.name in box and known is not None:
            low, high = box[variable.name]
            box[variable.name] = min(low, float(known[0])), max(high, float(known[1]))
    frame = pd.DataFrame(dict(task.columns))
    for grid in GRIDS:
        compiled = compile_formula(task.prior, box, tolerance=tolerance, grid_size=grid, seed=options.seed)
        rows = compiled.encoding.transform(frame[list(compiled.encoding.names)])
        error = compiled.predict(*rows) - task.foretold
        near = float(np.sqrt(np.mean(error**2))) <= tolerance * float(np.ptp(task.foretold))
        if near and compiled.largest <= tolerance * compiled.span:
            return compiled, rows
    raise FormulaError(
        f"formula for {task.prior.output.name!r}: splines of {GRIDS[-1]} intervals miss it by {compiled.largest:.3g}, "
        f"and tolerance={tolerance:g} allows {tolerance * compiled.span:.3g}; use refine='correction', allow more, or "
        "narrow the ranges"
    )


def _folded(
    network: Network, rows: tuple[Floats, Integers], target: Floats, weights: Floats, options: Training
) -> Floats:
    """Return what networks trained on four fifths of the rows say of the others; copies are left out together."""
    fold = folds_of(np.column_stack([*rows, target]), FOLDS)
    left_out = np.array(target)
    for number in np.unique(fold):
        out = fold == number
        there = rows[0][~out], rows[1][~out]
        found = refined(network, there, target[~out], weights[~out], options.watch)
        left_out[out] = found.network(rows[0][out], rows[1][out])
    return left_out


def _shifted(network: Network, shift: float) -> Network:
    """Return a network of the output plus a constant."""
    last = network.layers[-1]
    return Network((*network.layers[:-1], replace(last, bias=last.bias + shift)))
