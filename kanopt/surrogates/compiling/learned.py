"""The part of a correction that only a network can learn: on what the prior and its simple corrections leave."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from kanopt.formulas import Node, Product, Table, Variable
from kanopt.formulas.nodes import rebuild
from kanopt.surrogates.compiling.corrections import Correction, Task, joined
from kanopt.surrogates.compiling.scales import SHARE, Scale
from kanopt.surrogates.encoding import encoding_of
from kanopt.surrogates.options import RegressorArguments, periods_of, settings_of

if TYPE_CHECKING:
    from kanopt.surrogates.distill import Trained
    from kanopt.surrogates.monitor import FitMonitor

__all__ = ["distilled", "in_units", "learned", "spares_rows"]

LEAST_ROWS, PER_COLUMN = 40, 15
"""Rows that a network needs, and per column."""


def spares_rows(task: Task) -> bool:
    """Say whether there are rows enough to learn a network."""
    return len(task.target) >= max(LEAST_ROWS, PER_COLUMN * len(task.columns))


def learned(task: Task, base: Correction, arguments: RegressorArguments, watch: FitMonitor) -> Correction:
    """Return `base` with a network beside it that was learned on what `base` leaves.

    Parameters
    ----------
    arguments
        Of a :class:`~kanopt.surrogates.KANRegressor` of the target itself.
    watch
        Is told of every step.
    """
    from kanopt.surrogates.architecture_selection import select_structure
    from kanopt.surrogates.distill import Trained
    from kanopt.surrogates.distill.build import graph
    from kanopt.surrogates.distill.edges import mixed_of
    from kanopt.surrogates.fitting import law_of
    from kanopt.surrogates.trials import TrainingTable as Rows

    frame = pd.DataFrame({name: v for name, v in task.columns.items() if len(pd.unique(v)) > 1})
    encoding = encoding_of(frame)
    encoding = encoding.with_periods(periods_of(_known(arguments, encoding.names), encoding))
    numbers, codes = encoding.split(frame)
    rest = task.residual(base.scale) - base.fitted
    weights = task.weights / min(1.0, float(task.weights.mean()))
    table = Rows(numbers, codes, rest, weights, encoding)
    settings = settings_of(arguments, encoding, watch)
    trial, tried = select_structure(table, settings)
    learned = law_of(table, trial, tried, settings)
    law, rows = learned.law, learned.rows
    trained = Trained(
        network=law.network,
        features=law.encoding.inputs,
        rows=rows,
        wanted=settings.shape_constraints,
        smoothing=law.smoothing,
        log_target=False,
        seed=settings.seed,
        structure=law.structure,
    )
    model = mixed_of(trained)
    root = graph(model, trained.features, None, np.full(len(model.parameters), np.nan))
    inputs = law.encoding.transform(frame)
    found = Correction(
        what=f"{base.what}, and a network ({law.structure})",
        scale=base.scale,
        root=in_units(_open(root), task, base.scale),
        edf=law.edf,
        fitted=law.predict(*inputs),
        left_out=trial.predicted,
        trust=base.trust,
        density=base.density,
        trained=(trained, base.root),
    )
    return joined(task, base, found)


def in_units(root: Node, task: Task, scale: Scale) -> Node:
    """Return what a network says of residuals as what is added to the prior, or as the logarithm of a factor."""
    return Product((task.prior.root, root)) if scale is SHARE else root


def distilled(trained: Trained, fallback: float | None = 0.0) -> Node:
    """Return the network as a step: closed forms where they are as good as the curves.

    Parameters
    ----------
    trained
        The network and its rows.
    fallback
        What its tables give a category that was not seen.
    """
    from kanopt.surrogates.distill import HeldOut, distill

    columns = {}
    for place, feature in enumerate(trained.features):
        encoded = trained.rows.inputs[:, place]
        known = np.array(feature.categories, dtype=object)
        columns[feature.name] = feature.decode(encoded) if feature.is_numeric else known[encoded.astype(int)]
    # The rows are those it was learned from: they choose, and what is measured on them here is not reported.
    target = np.exp(trained.rows.target) if trained.log_target else trained.rows.target
    frame = pd.DataFrame({**columns, _REST: target})
    root = distill(trained, HeldOut(frame, Variable(_REST), ""), -np.inf).root
    return root if fallback is None else _open(root)


_REST = "what the prior leaves"


def _known(arguments: RegressorArguments, names: tuple[str, ...]) -> dict[str, float] | None:
    """Return the periods of the columns that vary."""
    given = getattr(arguments, "periodic", None)
    return given and {name: period for name, period in given.items() if name in names}


def _open(root: Node) -> Node:
    """Return the step with tables that give a category which was not seen the effect of none."""
    return rebuild(root, lambda n: replace(n, fallback=0.0) if isinstance(n, Table) else n)
