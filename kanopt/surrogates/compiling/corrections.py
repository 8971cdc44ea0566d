"""What rows say about a prior: nothing, or the simplest correction that foretells rows left out clearly better.

A correction is added to the prior, or it is the logarithm of a factor on it, and its errors are of one size or grow
with the law (:mod:`.scales`). Four are compared, each with the next: none at all; terms of the prior rescaled (of a
factor: its exponents changed); besides, a line and a curve, or a table, per column; and a network learned on what these
leave. The first three are drawn towards zero by weights that the evidence chooses (:mod:`.evidence`), so that few or
noisy rows leave the prior as it is. As everywhere in this room the richer wins only where it gains more than a
hundredth in log density per row left out, and, from curves on, more than a standard error of the gain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.formulas import Apply, Constant, Formula, Node, Sum
from kanopt.formulas.simplify import simplify_graph
from kanopt.surrogates.compiling.blocks import (
    Block,
    blocks_of_columns,
    blocks_of_factors,
    blocks_of_terms,
    constant_block,
)
from kanopt.surrogates.compiling.evidence import Shrunk, shrunk_fit
from kanopt.surrogates.compiling.keeping import comparison_of
from kanopt.surrogates.compiling.scales import SHARE, Scale
from kanopt.surrogates.density import student_density

if TYPE_CHECKING:
    from kanopt.surrogates.distill import Trained

__all__ = [
    "Correction",
    "Task",
    "chosen",
    "compared",
    "comparison",
    "corrected",
    "folds_of",
    "joined",
    "judged",
    "none",
    "with_mean_right",
]

Floats = NDArray[np.float64]

MARGIN = 0.01
"""Least gain in log density per row left out, as in :mod:`kanopt.surrogates.architecture_search`."""
FOLDED, FOLDS = 500, 10
"""Rows up to which parts of them are left out in earnest, and into how many parts they are cut."""
EXACT = 1e-7
"""Share of the standard deviation of what the prior leaves below which residuals count as none."""


@dataclass(frozen=True, eq=False)
class Task:
    """A prior, and rows.

    Parameters
    ----------
    prior
        The law that is known.
    columns
        All columns of the rows by name, (n,) each: those of the prior in its units, numbers as float64 and categories
        as text in object arrays.
    target, weights
        Shape (n,).
    periods
        Of columns that start anew.
    """

    prior: Formula
    columns: Mapping[str, NDArray[Any]]
    target: Floats
    weights: Floats
    periods: Mapping[str, float] = field(default_factory=dict)

    @cached_property
    def foretold(self) -> Floats:
        """What the prior says of every row."""
        return np.array(np.broadcast_to(self.prior.evaluate(self.columns), len(self.target)))

    def residual(self, scale: Scale) -> Floats:
        """Return what a correction has to be, (n,)."""
        return scale.residual(self.target, self.foretold)


@dataclass(frozen=True, eq=False)
class Correction:
    """What is added to a prior, or the logarithm of the factor on it.

    Attributes
    ----------
    what
        In words.
    scale
        In what it is measured.
    root
        The correction as a step over the columns, added to the prior, or the logarithm of a factor; None for none.
    edf
        Effective number of parameters.
    fitted, left_out
        Its values on the rows, and with every row left out, in its scale; (n,).
    trust
        Robust weight of every row.
    density
        Log density of every target, left out; (n,).
    trained
        The network behind a learned part, and the rest of the correction; None where there is none.
    """

    what: str
    scale: Scale
    root: Node | None
    edf: float
    fitted: Floats
    left_out: Floats
    trust: Floats
    density: Floats
    trained: tuple[Trained, Node | None] | None = None


def none(task: Task, scale: Scale) -> Correction:
    """Return the prior as it is."""
    zeros, ones = np.zeros(len(task.target)), np.ones(len(task.target))
    return judged(task, Correction("the prior as it is", scale, None, 0.0, zeros, zeros, ones, zeros))


def linear(task: Task, scale: Scale, curves: bool) -> Correction:
    """Return terms of the prior rescaled, and, where asked, lines, curves and tables of the columns."""
    of_prior = blocks_of_factors if scale.is_factor else blocks_of_terms
    blocks = [constant_block(len(task.target)), *of_prior(task.prior, task.columns, task.weights)]
    if curves:
        of_columns = blocks_of_columns(task.columns, task.weights, task.periods)
        # of a share of the prior a curve is what the prior is multiplied by
        shares = scale is SHARE
        blocks += [block.of(task.prior.root, task.foretold) if shares else block for block in of_columns]
    unit = scale.unit(task.foretold)
    columns, residual, weights = (
        [block.columns / unit[:, None] for block in blocks],
        task.residual(scale),
        _distinct(task),
    )
    fit = shrunk_fit(columns, residual, weights)
    words = "exponents" if scale.is_factor else "terms"
    what = f"{words} of the prior{', and curves of the columns' if curves else ''}"
    root = _written(blocks, fit)
    left_out = fit.left_out if len(residual) > FOLDED else _folded(columns, residual, weights)
    found = Correction(what, scale, root, fit.edf, fit.fitted, left_out, fit.trust, left_out)
    return judged(task, found if root is not None else replace(found, what=none(task, scale).what))


def _folded(blocks: list[Floats], residual: Floats, weights: Floats) -> Floats:
    """Return what fits to nine tenths of the rows say of the others; copies of a row are left out together.

    With few rows the leverage alone is too kind: it leaves out a row, and not its part in the choice of the weights.
    """
    fold = folds_of(np.column_stack([*blocks, residual]), FOLDS)
    left_out = np.zeros(len(residual))
    for number in np.unique(fold) if fold.any() else ():
        out = fold == number
        fit = shrunk_fit([block[~out] for block in blocks], residual[~out], weights[~out])
        left_out[out] = np.hstack([block[out] for block in blocks]) @ fit.coefficients
    return left_out


def folds_of(rows: Floats, count: int) -> NDArray[np.int64]:
    """Return the part of every row, copies of a row all in one; (n,). There is one part where all rows are alike."""
    _, kinds = np.unique(rows, axis=0, return_inverse=True)
    order = np.random.default_rng(0).permutation(int(kinds.max()) + 1)
    fold: NDArray[np.int64] = order[kinds.ravel()] % min(count, len(order))
    return fold


def _written(blocks: list[Block], fit: Shrunk) -> Node | None:
    """Return the steps of the blocks that are there."""
    ends = np.cumsum([block.columns.shape[1] for block in blocks])[:-1]
    parts: list[Node] = []
    rows = zip(blocks, np.split(fit.coefficients, ends), np.split(fit.errors, ends), fit.kept, strict=True)
    for block, coefficients, errors, there in rows:
        parts += block.write(coefficients, errors) if there else []
    return simplify_graph(Sum(tuple(parts))) if parts else None


def _distinct(task: Task) -> Floats:
    """Return the weights, scaled to the rows that copy no other: copies tell nothing about noise."""
    copies = pd.DataFrame({**dict(task.columns), "\0": task.target}).duplicated().sum()
    return task.weights * min(1.0, (len(task.target) - float(copies)) / float(task.weights.sum()))


def chosen(task: Task, scale: Scale) -> tuple[Correction, list[Correction]]:
    """Return the correction to use of those that need no network, and all that were compared."""
    rescaled, bent = (linear(task, scale, curves) for curves in (False, True))
    tried = [none(task, scale), rescaled, bent]
    # what is drawn to zero by the evidence has to gain, and no more; curves have to be sure of it
    best = compared(task, tried[0], rescaled, errors=0.0)
    return compared(task, best, bent), tried


def compared(task: Task, simple: Correction, rich: Correction, errors: float = 1.0) -> Correction:
    """Return the richer correction where it foretells rows left out better by a margin and so many standard errors."""
    gain = rich.density - simple.density
    mean = float(np.average(gain, weights=task.weights))
    variance = float(np.average((gain - mean) ** 2, weights=task.weights))
    return rich if mean > max(MARGIN, errors * np.sqrt(variance / len(task.target))) else simple


def joined(task: Task, base: Correction, rest: Correction) -> Correction:
    """Return the sum of a correction and of another one that was learned on what the first leaves."""
    parts = tuple(part for part in (base.root, rest.root) if part is not None)
    return judged(
        task,
        replace(
            rest,
            root=Sum(parts) if parts else None,
            edf=base.edf + rest.edf,
            fitted=base.fitted + rest.fitted,
            left_out=base.left_out + rest.left_out,
        ),
    )


def with_mean_right(task: Task, found: Correction) -> Correction:
    """Return a factor that makes the mean right, not the median: times the mean of exp(residual) (Duan 1983)."""
    if not found.scale.is_factor or found.root is None:
        return found
    residual = task.residual(found.scale) - found.fitted
    smearing = float(np.log(np.average(np.exp(residual), weights=task.weights * found.trust)))
    root = simplify_graph(Sum((found.root, Constant(smearing))))
    return replace(found, root=root, fitted=found.fitted + smearing, left_out=found.left_out + smearing)


def corrected(prior: Node, correction: Node | None, factor: bool) -> Node:
    """Return the prior plus a correction, or times its exponential.

    Examples
    --------
    >>> from kanopt.formulas import Input
    >>> from kanopt.formulas.printing import to_infix
    >>> km = Input("km")
    >>> to_infix(corrected(2.0 * km, 0.5 * km, factor=False)), to_infix(corrected(2.0 * km, 0.1 * km, factor=True))
    ('2.5 · km', '2 · km · exp(0.1 · km)')
    """
    if correction is None:
        return prior
    return simplify_graph(prior * Apply("exp", correction) if factor else prior + correction)


def judged(task: Task, found: Correction) -> Correction:
    """Work out the density of the rows left out, in the units of the target."""
    residual, slope = task.residual(found.scale), found.scale.log_slope(task.target, task.foretold)
    spread = float(
        np.average((residual - np.average(residual, weights=task.weights)) ** 2, weights=task.weights)
    )
    _, density = student_density(residual - found.left_out, task.weights, EXACT * np.sqrt(spread) or EXACT)
    return replace(found, density=density + slope)


def comparison(task: Task, tried: list[Correction], chosen: Correction) -> pd.DataFrame:
    """Return a frame of the corrections compared."""
    rows = []
    for each in tried:
        foretold = each.scale.applied(task.foretold, each.left_out)
        error = float(np.sqrt(np.average((task.target - foretold) ** 2, weights=task.weights)))
        density = float(np.average(each.density, weights=task.weights))
        rows.append((each.what, each.scale.name, each.edf, error, density))
    return comparison_of(rows, next(place for place, each in enumerate(tried) if each is chosen))
