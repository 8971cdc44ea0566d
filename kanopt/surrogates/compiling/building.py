"""From a correction of a prior to what an estimator keeps: a formula, and the network that computes it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import Domain, Formula, Node, Range, Sum, Variable
from kanopt.surrogates.compiling.blocks import terms_of
from kanopt.surrogates.compiling.compiler import Compiled, compile_formula
from kanopt.surrogates.compiling.corrections import Correction, Task, corrected
from kanopt.surrogates.compiling.fading import faded
from kanopt.surrogates.compiling.keeping import Learned, law_with
from kanopt.surrogates.distill.distillation import cycle_range
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.summary import fit_measures

__all__ = [
    "box_of",
    "digest_of",
    "domain_of",
    "law_of_rows",
    "learned_of",
    "written",
]

Floats = NDArray[np.float64]
BESIDE = 0.05
"""How far the range of a column that does not vary reaches to either side, as a share of its value."""


def written(
    task: Task, inputs: tuple[Variable, ...], correction: Node | None, factor: bool, fade: bool
) -> Formula:
    """Return the law as a formula.

    Parameters
    ----------
    inputs
        Variables of all columns.
    correction
        What is added to the prior, or the logarithm of the factor on it.
    fade
        Whether the correction ends where the rows end.
    """
    prior = task.prior
    ending = faded(correction, task.columns, task.periods) if fade and correction is not None else correction
    root = corrected(prior.root, ending, factor)
    if not factor and correction is not None:
        # terms that were rescaled meet those of the prior, where that reads better
        among = corrected(Sum(terms_of(prior.root)), ending, factor)
        root = among if among.size < root.size else root
    used = Formula(root, inputs, prior.output).used
    kept = tuple(variable for variable in inputs if variable.name in used)
    return Formula(root, kept, prior.output, prior.per)


def learned_of(
    task: Task, variables: tuple[Variable, ...], found: Correction, *, fade: bool, tolerance: float, seed: int
) -> Learned:
    """Return what an estimator keeps of a correction."""
    among = written(task, variables, found.root, found.scale.is_factor, fade=False)
    law, why = None, ""
    try:
        compiled = compile_formula(among, box_of(among, task.columns), tolerance=tolerance, seed=seed)
        law = law_of_rows(task, found, compiled, seed)
    except FormulaError as error:
        why = str(error)  # as for a prior alone
    domain = domain_of(variables, task.columns, task.periods)
    formula = replace(written(task, variables, found.root, found.scale.is_factor, fade), domain=domain)
    residuals = task.residual(found.scale) - found.left_out
    order = np.argsort(residuals, kind="stable")
    return Learned(
        formula,
        law,
        why,
        what=found.what,
        rows=len(task.target),
        scale=found.scale,
        residuals=residuals[order],
        weights=task.weights[order],
        trained=(task, variables, found),
    )


def box_of(formula: Formula, columns: Mapping[str, NDArray[Any]]) -> dict[str, tuple[float, float]]:
    """Return the ends of the numbers among the rows."""
    box = {}
    for variable in formula.inputs:
        if variable.name in formula.used and not variable.is_category:
            values = columns[variable.name]
            low, high = float(values.min()), float(values.max())
            beside = 0.0 if low < high else (BESIDE * abs(low) or BESIDE)
            box[variable.name] = (low - beside, high + beside)
    return box


def domain_of(
    inputs: tuple[Variable, ...], columns: Mapping[str, NDArray[Any]], periods: Mapping[str, float]
) -> Domain:
    """Return where rows lie; a periodic column goes together with every value of the others."""
    used = [variable for variable in inputs if variable.name in columns]
    domain = Domain.from_rows([v for v in used if v.name not in periods], dict(columns))
    ranges = {item.name: item for item in domain.ranges}
    for name, period in periods.items():
        if name in columns:
            ranges[name] = Range(name, *cycle_range(columns[name].astype(np.float64), period))
    return replace(domain, ranges=tuple(ranges[v.name] for v in used if v.name in ranges))


def law_of_rows(task: Task, found: Correction, compiled: Compiled, seed: int) -> NetworkLaw:
    """Return the network of a law with the statistics of the rows it was learned from."""
    frame = pd.DataFrame(dict(task.columns))[list(compiled.encoding.names)]
    numbers, codes = compiled.encoding.transform(frame)
    foretold, target, weights = task.foretold, task.target, task.weights
    says = {
        "training": found.scale.applied(foretold, found.fitted),
        "left out": found.scale.applied(foretold, found.left_out),
    }
    measures = {"prior": fit_measures(target, foretold, weights)}
    measures |= {rows: fit_measures(target, predicted, weights) for rows, predicted in says.items()}
    residuals = task.residual(found.scale) - found.left_out
    return law_with(
        compiled,
        (numbers, codes),
        edf=found.edf,
        residuals=residuals,
        weights=weights,
        measures=measures,
        domain=_encoded_domain(compiled.encoding, numbers),
        seed=seed,
    )


def _encoded_domain(encoding: FeatureEncoding, numbers: Floats) -> Domain:
    names = [f"c{place}" for place in range(len(encoding.numbers))]
    columns = {name: numbers[:, place] for place, name in enumerate(names)}
    return Domain.from_rows([Variable(name) for name in names], columns)


def digest_of(task: Task) -> str:
    """Return the SHA-256 of the rows."""
    parts = hashlib.sha256(np.ascontiguousarray(task.target).tobytes())
    for name, values in task.columns.items():
        text = "\0".join(map(str, values)) if values.dtype == object else ""
        parts.update(name.encode() + (text.encode() if text else np.ascontiguousarray(values).tobytes()))
    return parts.hexdigest()
