"""The law of a prior and its correction as one formula, measured on rows held out."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import Alternative, Constant, Fit, Formula, Node, Sum, Variable
from kanopt.formulas.nodes import rebuild
from kanopt.surrogates.compiling.building import digest_of, domain_of, written
from kanopt.surrogates.compiling.keeping import Learned
from kanopt.surrogates.compiling.learned import distilled, in_units
from kanopt.surrogates.compiling.networked import trained_of
from kanopt.surrogates.monitor import FitMonitor

__all__ = ["Asked", "law_as_formula", "reported"]

Floats = NDArray[np.float64]
SHOWN = 200
"""Characters of a prior in the provenance."""


@dataclass(frozen=True, eq=False)
class Asked:
    """What a formula is asked to say.

    Parameters
    ----------
    frame, actual
        Rows held out and their targets.
    output
        The target.
    per
        What one row is.
    min_r2
        The least R² with which the law is let through.
    """

    frame: pd.DataFrame
    actual: Floats
    output: Variable
    per: str
    min_r2: float


def law_as_formula(
    learned: Learned, watch: FitMonitor, *, by_network: bool, fade: bool, seed: int
) -> Formula:
    """Return the law with closed forms in place of the curves of a network, where they are as good.

    Parameters
    ----------
    learned
        What was learned.
    watch
        Is told how far the search for closed forms is, and may stop it.
    by_network
        Whether the prior's own network was trained.
    fade
        Whether a correction ends where the rows end.
    seed
        Of the search for closed forms.
    """
    if learned.trained is None:
        return learned.formula
    task, variables, found = learned.trained
    if by_network and found.edf > 0.0 and learned.law is not None:
        trained = replace(trained_of(learned.law, task, seed), watch=watch)
        root = distilled(trained, fallback=None)
        if len(trained.rows.target) > len(task.target):
            root = rebuild(
                root, _without_error
            )  # rows that were drawn tell nothing of how sure a constant is
        kept = tuple(v for v in variables if v.name in Formula(root, variables, task.prior.output).used)
        return Formula(root, kept, task.prior.output, task.prior.per)
    if by_network:
        return replace(task.prior, domain=learned.formula.domain)
    if found.trained is None:
        return learned.formula
    network, base = found.trained
    parts: tuple[Node, ...] = (
        *(() if base is None else (base,)),
        in_units(distilled(replace(network, watch=watch)), task, found.scale),
    )
    return written(task, variables, Sum(parts), found.scale.is_factor, fade)


def _without_error(node: Node) -> Node:
    return replace(node, standard_error=None) if isinstance(node, Constant) else node


def reported(
    learned: Learned, formula: Formula, prior: Formula, alternatives: pd.DataFrame, asked: Asked
) -> Formula:
    """Return the formula with its fit on the rows held out, its domain and its provenance.

    Raises
    ------
    FormulaError
        Where its R² is below what was asked.
    """
    predicted = np.broadcast_to(formula.evaluate(asked.frame), len(asked.frame))
    domain, digest = formula.domain, ""
    if learned.trained is not None:
        task, variables, _ = learned.trained
        digest = digest_of(task)
        kept = tuple(v for v in variables if v.name in formula.used)
        domain = domain_of(kept, {v.name: task.columns[v.name] for v in kept}, task.periods)
    fit = Fit.of(asked.actual, predicted, rows_train=learned.rows, data_hash=digest)
    if fit.r2 < asked.min_r2:
        raise FormulaError(
            f"the law for {asked.output.name!r} is refused: R² {fit.r2:.3f} on {fit.rows_test:,} held-out rows is "
            f"below {asked.min_r2:g}; the formula is {formula}. Correct the prior, add rows or columns that explain "
            "the target, or lower min_r2 knowingly"
        )
    return replace(
        formula,
        output=asked.output,
        per=asked.per or prior.per,
        fit=fit,
        domain=domain,
        provenance={**prior.provenance, **provenance_of(learned, prior)},
        alternatives=tuple(map(_alternative, alternatives.to_dict("records"))),
    )


def _alternative(row: dict[Hashable, Any]) -> Alternative:
    error = row["rmse_left_out"]  # of a prior that has seen no rows there is none
    known = 0.0 if error is None or np.isnan(error) else float(error)
    return Alternative(float(row["effective_parameters"]), known, bool(row["chosen"]), str(row["correction"]))


def provenance_of(learned: Learned, prior: Formula) -> dict[str, str]:
    """Return where a law comes from, in words."""
    text = str(prior)
    text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    if not learned.rows:
        return {"prior": text, "correction": "none, no rows were seen"}
    return {"prior": text, "correction": f"learned on {learned.rows:,} rows: {learned.what}"}
